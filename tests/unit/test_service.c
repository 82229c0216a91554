/* SPDX-License-Identifier: MIT */
/*
 * Services while all is well: calls, many of them at a time, sizes, threads,
 * several processes that serve, event loops.
 */
#include "services.h"
#include <poll.h>

TestSuite(service, .init = choose_name, .fini = remove_names);

Test(service, answers_a_call_and_leaves_nothing_behind)
{
    pid_t server = fork_server();
    IpcClient *client = connect_client();

    for (uint32_t i = 0; i < 1000; i++)
        must_be(call_for(client, ECHO, i, 20 * SECOND), IPC_OK);
    must(names_left() == 2);
    stop_server(client, server);
    must_work(ipc_client_destroy(client));
    must(names_left() == 0);
}

Test(service, request_and_answer_can_be_empty)
{
    IpcService *service = serve();
    IpcClient *client = connect_client();
    IpcCall call = result_of(ipc_client_send(client, NULL, 0, NULL));
    IpcRequest *request = receive(service);
    char byte = 'x';
    IpcAnswer answer = {&byte, 1, 0};

    must(request->size == 0 && request->call == call);
    must(request->deadline_ns == INT64_MAX);
    must_work(ipc_service_answer(service, request, NULL, 0));
    must_work(ipc_client_collect(client, call, &answer, NULL));
    must(answer.size == 0 && answer.call == call && byte == 'x');
    must_work(ipc_service_destroy(service));
    must_work(ipc_client_destroy(client));
    must(names_left() == 0);
}

Test(service, answers_are_collected_by_their_calls_in_any_order)
{
    enum { CALLS = 300 };
    pid_t server = fork_server();
    IpcClient *client = connect_client();
    IpcCall calls[CALLS];

    for (uint32_t i = 0; i < CALLS; i++)
        calls[i] = send_order(client, ECHO, i, 0);
    for (uint32_t i = CALLS; i-- > 0;)
        must_be(collect_order(client, calls[i], i), IPC_OK);
    must_fail(ipc_client_collect(client, calls[0], &(IpcAnswer){0}, NULL),
              IPC_ERR_INVALID_ARGUMENT);
    stop_server(client, server);
    ipc_client_destroy(client);
}

Test(service, whichever_answer_comes_first_can_be_collected)
{
    enum { CALLS = 50 };
    IpcService *service = serve();
    IpcClient *client = connect_client();
    IpcRequest *requests[CALLS];
    IpcAnswer answer;

    memset(&answer, 0, sizeof answer);
    must_be(ipc_client_collect_any(client, &answer, NULL).ipc_status,
            IPC_EMPTY);
    for (uint32_t i = 0; i < CALLS; i++) {
        send_order(client, ECHO, i, 0);
        requests[i] = receive(service);
    }
    must_be(ipc_client_collect_any(client, &answer, &at_once).ipc_status,
            IPC_EMPTY);
    for (uint32_t i = CALLS; i-- > 0;) {
        struct order back;

        must_work(ipc_service_answer(service, requests[i], requests[i]->payload,
                                     sizeof back));
        answer = (IpcAnswer){&back, sizeof back, 0};
        must_work(ipc_client_collect_any(client, &answer, NULL));
        must(back.number == i && answer.call == requests[i]->call);
    }
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

Test(service, answer_can_come_in_memory_of_its_own)
{
    pid_t server = fork_server();
    IpcClient *client = connect_client();
    const struct order order = {GROW, 3, 100000};
    IpcAnswer answer = {0};

    must_work(
        ipc_client_call(client, &order, sizeof order, &answer, &patience));
    must(answer.size == order.size &&
         is_filled(answer.payload, (size_t)order.size, 3));
    free(answer.payload);
    stop_server(client, server);
    ipc_client_destroy(client);
}

Test(service, answer_that_is_larger_than_its_place_stays_until_there_is_more)
{
    pid_t server = fork_server();
    IpcClient *client = connect_client();
    const struct order order = {GROW, 5, 1000};
    unsigned char place[1000] = {0};
    IpcAnswer answer = {place, 999, 0};
    IpcClientCallResult r =
        ipc_client_call(client, &order, sizeof order, &answer, &patience);
    IpcCall call = r.error.body.call;

    must_fail(r, IPC_ERR_TOO_SMALL);
    must(r.error.body.required_size == 1000);
    must(answer.size == 999 && is_all(place, sizeof place, 0));
    answer.size = sizeof place;
    must_work(ipc_client_collect(client, call, &answer, NULL));
    must(answer.size == 1000 && is_filled(place, 1000, 5));
    stop_server(client, server);
    ipc_client_destroy(client);
}

Test(service, answer_that_can_never_fit_is_told_to_both)
{
    const IpcServiceOptions patient = {.struct_size = sizeof patient,
                                       .patience_ns = 20 * SECOND};
    const IpcClientOptions small = {.struct_size = sizeof small, .size = 1000};
    IpcService *service = result_of(ipc_service_open(name, &patient));
    struct waiting_caller w = {.client =
                                   result_of(ipc_client_open(name, &small))};
    static const unsigned char large[1 << 20];
    pthread_t thread;
    IpcServiceAnswerResult answered;
    IpcClientCollectResult collected;

    w.call = result_of(ipc_client_send(w.client, "x", 1, NULL));
    answered =
        ipc_service_answer(service, receive(service), large, sizeof large);
    must_fail(answered, IPC_ERR_ENTRY_TOO_LARGE);
    must(answered.error.body.limit >= 1000 - 16);
    collected = ipc_client_collect(w.client, w.call, &w.answer, &patience);
    must_fail(collected, IPC_ERR_ENTRY_TOO_LARGE);
    must(collected.error.body.required_size == sizeof large);
    /* As large as it says does fit, if the client waits for it. */
    w.call = result_of(ipc_client_send(w.client, "x", 1, NULL));
    must(pthread_create(&thread, NULL, wait_for_call, &w) == 0);
    must_work(ipc_service_answer(service, receive(service), large,
                                 (size_t)answered.error.body.limit));
    must(pthread_join(thread, NULL) == 0);
    must_be(w.status, IPC_OK);
    must(w.answer.size == answered.error.body.limit);
    free(w.answer.payload);
    ipc_client_destroy(w.client);
    ipc_service_destroy(service);
}

Test(service, request_that_can_never_fit_is_refused_at_once)
{
    const IpcServiceOptions options = {.struct_size = sizeof options,
                                       .size = 1000};
    IpcService *service = result_of(ipc_service_open(name, &options));
    IpcClient *client = connect_client();
    static const unsigned char large[1 << 20];
    IpcClientSendResult r =
        ipc_client_send(client, large, sizeof large, &patience);

    must_fail(r, IPC_ERR_ENTRY_TOO_LARGE);
    must(r.error.body.required_size >= 1000 - 32);
    /* What the client said of itself takes space as well. */
    must_be(ipc_service_receive(service, &at_once).ipc_status, IPC_ERR_TIMEOUT);
    must_work(ipc_client_send(client, large, (size_t)r.error.body.required_size,
                              &patience));
    must(receive(service)->size == r.error.body.required_size);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

/* A client that does not collect is told which answers it had no room for, and
 * stops nobody. */
Test(service, answers_without_room_are_lost_and_that_is_told)
{
    const IpcClientOptions options = {.struct_size = sizeof options,
                                      .size = 4096};
    IpcService *service = serve();
    IpcClient *client = result_of(ipc_client_open(name, &options));
    enum { CALLS = 40 };
    IpcCall calls[CALLS];
    unsigned char data[512];
    int lost = 0, had = 0;

    for (uint32_t i = 0; i < CALLS; i++)
        calls[i] = send_order(client, ECHO, i, 0);
    for (uint32_t i = 0; i < CALLS; i++) {
        IpcStatus status =
            ipc_service_answer(service, receive(service), data, sizeof data)
                .ipc_status;

        must(status == IPC_OK || status == IPC_ERR_NO_SPACE_CONTIGUOUS);
        lost += status != IPC_OK;
    }
    must(lost > 0 && lost < CALLS);
    for (uint32_t i = 0; i < CALLS; i++) {
        IpcAnswer answer = {data, sizeof data, 0};
        IpcStatus status =
            ipc_client_collect(client, calls[i], &answer, &at_once).ipc_status;

        /* Those that were lost are told in a sweep. */
        for (int tries = 0; status == IPC_EMPTY && tries < 1000; tries++) {
            struct timespec shortly = {0, 10 * MILLISECOND};

            must_be(ipc_service_receive(service, &shortly).ipc_status,
                    IPC_ERR_TIMEOUT);
            status = ipc_client_collect(client, calls[i], &answer, &at_once)
                         .ipc_status;
        }
        must(status == IPC_OK || status == IPC_ERR_NO_SPACE_CONTIGUOUS);
        had += status == IPC_OK;
    }
    must(had == CALLS - lost);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

/* Whatever happens, so many times, until it does not. */
static IpcStatus collect_while_it_sweeps(IpcClient *client, IpcCall call,
                                         IpcService *service)
{
    IpcStatus status = IPC_EMPTY;

    for (int tries = 0; status == IPC_EMPTY && tries < 1000; tries++) {
        struct timespec shortly = {0, 10 * MILLISECOND};
        unsigned char data[512];
        IpcAnswer answer = {data, sizeof data, 0};

        must_be(ipc_service_receive(service, &shortly).ipc_status,
                IPC_ERR_TIMEOUT);
        status = ipc_client_collect(client, call, &answer, &at_once).ipc_status;
    }
    return status;
}

/* However many were lost before, of which the client never heard. */
Test(service, answer_that_is_lost_after_many_that_nobody_wants_is_told)
{
    const IpcClientOptions options = {.struct_size = sizeof options,
                                      .size = 4096};
    IpcService *service = serve();
    IpcClient *client = result_of(ipc_client_open(name, &options));
    enum { GIVEN_UP = 5000 };
    unsigned char data[512];
    IpcCall call = 0;

    for (uint32_t i = 0; i <= GIVEN_UP; i++) {
        IpcStatus status;

        if (call)
            must_work(ipc_client_cancel(client, call));
        call = send_order(client, ECHO, i, 0);
        status =
            ipc_service_answer(service, receive(service), data, 512).ipc_status;
        must(status == IPC_OK || status == IPC_ERR_NO_SPACE_CONTIGUOUS);
        must(i < GIVEN_UP || status != IPC_OK);
    }
    must_be(collect_while_it_sweeps(client, call, service),
            IPC_ERR_NO_SPACE_CONTIGUOUS);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

/* Both rings are small: who sends has to take answers, or all would wait. */
Test(service, many_calls_under_way_get_through_small_channels)
{
    const IpcClientOptions few = {
        .struct_size = sizeof few, .size = 2048, .max_calls = 4096};
    const IpcServiceOptions small = {.struct_size = sizeof small,
                                     .size = 1024,
                                     .patience_ns = 20 * SECOND,
                                     .max_clients = 2};
    IpcService *service = result_of(ipc_service_open(name, &small));
    enum { CALLS = 2000 };
    static IpcCall calls[CALLS];
    pid_t server = fork_child();
    IpcClient *client;

    if (server == 0) {
        while (obey(service, receive(service)))
            continue;
        child_done();
    }
    client = result_of(ipc_client_open(name, &few));
    for (uint32_t i = 0; i < CALLS; i++)
        calls[i] = send_order(client, ECHO, i, 0);
    for (uint32_t i = 0; i < CALLS; i++)
        must_be(collect_order(client, calls[i], i), IPC_OK);
    stop_server(client, server);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

Test(service, only_so_many_calls_are_under_way)
{
    const IpcClientOptions two = {.struct_size = sizeof two, .max_calls = 2};
    IpcService *service = serve();
    IpcClient *client = result_of(ipc_client_open(name, &two));
    IpcCall first = result_of(ipc_client_send(client, "a", 1, NULL));
    IpcClientSendResult r;

    must_work(ipc_client_send(client, "b", 1, NULL));
    r = ipc_client_send(client, "c", 1, NULL);
    must_fail(r, IPC_ERR_NO_SPACE_CONTIGUOUS);
    must_work(ipc_client_cancel(client, first));
    must_work(ipc_client_send(client, "c", 1, NULL));
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

/* ----------------------------------------------- many clients and servers */

Test(service, three_clients_in_processes_get_their_own_answers)
{
    enum { CLIENTS = 3, CALLS = 2000 };
    pid_t server = fork_server();
    pid_t kids[CLIENTS];
    IpcClient *client;

    for (uint32_t k = 0; k < CLIENTS; k++) {
        kids[k] = fork_child();
        if (kids[k] == 0) {
            client = connect_client();
            for (uint32_t i = 0; i < CALLS; i++)
                must_be(call_for(client, ECHO, k * CALLS + i, 20 * SECOND),
                        IPC_OK);
            must_work(ipc_client_destroy(client));
            child_done();
        }
    }
    for (uint32_t k = 0; k < CLIENTS; k++)
        must_succeed(kids[k]);
    client = connect_client();
    stop_server(client, server);
    ipc_client_destroy(client);
    must(names_left() == 0);
}

Test(service, several_processes_serve_and_each_request_is_received_by_one)
{
    enum { CALLS = 3000 };
    uint32_t *counts = shared_memory(3 * sizeof *counts);
    pid_t kids[2];
    IpcService *service = serve();
    IpcClient *client;

    for (int k = 0; k < 2; k++) {
        kids[k] = fork_child();
        if (kids[k] == 0) {
            /* One has inherited it, the other opens it. */
            if (k == 1)
                service = serve();
            while (obey(service, receive(service)))
                counts[k]++;
            must_work(ipc_service_destroy(service));
            child_done();
        }
    }
    client = connect_client();
    for (uint32_t i = 0; i < CALLS; i++)
        must_be(call_for(client, ECHO, i, 20 * SECOND), IPC_OK);
    for (int k = 0; k < 2; k++)
        must_be(call_for(client, STOP, 0, 20 * SECOND), IPC_OK);
    must_succeed(kids[0]);
    must_succeed(kids[1]);
    must(counts[0] + counts[1] == CALLS); /* counted after the answer */
    /* We still serve. */
    must(names_left() >= 1);
    send_order(client, ECHO, 1, 0);
    ipc_service_refuse(service, receive(service));
    ipc_client_destroy(client);
    must_work(ipc_service_destroy(service));
    must(names_left() == 0);
}

enum { THREADS = 4, CALLS_EACH = 500 };

static void *call_often(void *client)
{
    for (uint32_t i = 0; i < CALLS_EACH; i++)
        must_be(call_for(client, ECHO, i, 20 * SECOND), IPC_OK);
    return NULL;
}

static void *serve_often(void *service)
{
    IpcServiceReceiveResult r;

    while ((r = ipc_service_receive(service, NULL)).ipc_status == IPC_OK)
        obey(service, r.result);
    must_be(r.ipc_status, IPC_ERR_CLOSED);
    return NULL;
}

Test(service, threads_share_a_client_and_others_a_service)
{
    IpcService *service = serve();
    IpcClient *client = connect_client();
    pthread_t callers[THREADS], servers[2];
    IpcServiceStats stats = {.struct_size = sizeof stats};

    for (int i = 0; i < 2; i++)
        must(pthread_create(&servers[i], NULL, serve_often, service) == 0);
    for (int i = 0; i < THREADS; i++)
        must(pthread_create(&callers[i], NULL, call_often, client) == 0);
    for (int i = 0; i < THREADS; i++)
        must(pthread_join(callers[i], NULL) == 0);
    must_work(ipc_service_close(service));
    for (int i = 0; i < 2; i++)
        must(pthread_join(servers[i], NULL) == 0);
    must_work(ipc_service_stats(service, &stats));
    must(stats.received == THREADS * CALLS_EACH);
    must(stats.answered == stats.received && stats.clients == 1);
    must(stats.dropped == 0 && stats.expired == 0 && stats.malformed == 0);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
    must(names_left() == 0);
}

/* ------------------------------------------------------------- event loops */

static bool becomes_readable(int fd)
{
    struct pollfd what = {.fd = fd, .events = POLLIN};

    return poll(&what, 1, 20000) == 1;
}

Test(service, both_sides_have_descriptors)
{
    IpcService *service = serve();
    IpcClient *client = connect_client();
    int requests = result_of(ipc_service_fd(service));
    int answers = result_of(ipc_client_fd(client));
    IpcServiceReceiveResult r;
    IpcClientCollectResult collected;
    struct order back;
    IpcAnswer answer = {&back, sizeof back, 0};

    while (ipc_service_receive(service, &at_once).ipc_status == IPC_OK)
        continue;
    send_order(client, ECHO, 4, 0);
    do {
        must(becomes_readable(requests));
        r = ipc_service_receive(service, &at_once);
    } while (r.ipc_status == IPC_ERR_TIMEOUT);
    must_work(r);
    must_be(ipc_client_collect_any(client, &answer, &at_once).ipc_status,
            IPC_EMPTY);
    obey(service, r.result);
    do {
        must(becomes_readable(answers));
        collected = ipc_client_collect_any(client, &answer, &at_once);
    } while (collected.ipc_status == IPC_EMPTY);
    must_work(collected);
    must(back.number == 4);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

Test(service, waitset_waits_for_requests_and_answers)
{
    IpcService *service = serve();
    IpcClient *client = connect_client();
    IpcWaitSet *set = result_of(ipc_waitset_create());
    IpcWaitSetReady ready[2];
    IpcRequest *request = NULL;
    IpcCall call;

    must_work(ipc_waitset_add(set, ipc_service_channel(service), service));
    must_work(ipc_waitset_add(set, ipc_client_channel(client), client));
    call = send_order(client, ECHO, 6, 0);
    while (!request) {
        IpcServiceReceiveResult r;

        must(result_of(ipc_waitset_wait(set, ready, 2, &patience)) == 1);
        must(ready[0].user == service);
        r = ipc_service_receive(service, &at_once);
        if (r.ipc_status == IPC_OK)
            request = r.result;
    }
    obey(service, request);
    must(result_of(ipc_waitset_wait(set, ready, 2, &patience)) == 1);
    must(ready[0].user == client);
    must_be(collect_order(client, call, 6), IPC_OK);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
    ipc_waitset_destroy(set);
}
