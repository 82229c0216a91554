/* SPDX-License-Identifier: MIT */
/*
 * How calls and services end: deadlines, cancelling, refusing, interrupting,
 * closing; and arguments that are none.
 */
#include "services.h"

TestSuite(service_ends, .init = choose_name, .fini = remove_names);

static IpcStatus call_plainly(IpcClient *client)
{
    return call_for(client, ECHO, 7, 20 * SECOND);
}

/* --------------------------------------------------------------- deadlines */

Test(service_ends, deadline_ends_a_call_and_its_answer_is_dropped)
{
    IpcService *service = serve();
    IpcClient *client = connect_client();
    IpcRequest *late;
    int64_t before = now_ns();

    must_be(call_for(client, ECHO, 1, 30 * MILLISECOND), IPC_ERR_TIMEOUT);
    must(now_ns() - before >= 30 * MILLISECOND);
    /* It waited in the ring: it is not received any more. */
    must_be(ipc_service_receive(service, &at_once).ipc_status, IPC_ERR_TIMEOUT);
    must_be(ipc_client_collect_any(client, &(IpcAnswer){0}, NULL).ipc_status,
            IPC_EMPTY);
    {
        const struct order order = {ECHO, 2, 0};
        const struct timespec shortly = {0, 30 * MILLISECOND};
        IpcCall call =
            result_of(ipc_client_send(client, &order, sizeof order, &shortly));

        late = receive(service);
        must(late->deadline_ns > before &&
             ipc_service_is_wanted(service, late));
        must_be(collect_order(client, call, 2), IPC_ERR_TIMEOUT);
        must(!ipc_service_is_wanted(service, late));
    }
    must_work(ipc_service_answer(service, late, late->payload, late->size));
    /* That one is not taken for another's. */
    {
        IpcCall call = send_order(client, ECHO, 3, 0);
        IpcRequest *request = receive(service);

        must_work(ipc_service_answer(service, request, request->payload,
                                     request->size));
        must_be(collect_order(client, call, 3), IPC_OK);
    }
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

Test(service_ends, wait_that_ends_before_the_deadline_leaves_the_call_under_way)
{
    IpcService *service = serve();
    IpcClient *client = connect_client();
    IpcCall call = send_order(client, ECHO, 1, 0);
    const struct timespec shortly = {0, 5 * MILLISECOND};
    char place[64];
    IpcAnswer answer = {place, sizeof place, 0};
    IpcRequest *request = receive(service);

    must_be(ipc_client_collect(client, call, &answer, &at_once).ipc_status,
            IPC_EMPTY);
    must_be(ipc_client_collect(client, call, &answer, &shortly).ipc_status,
            IPC_EMPTY);
    must_work(
        ipc_service_answer(service, request, request->payload, request->size));
    must_be(collect_order(client, call, 1), IPC_OK);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

Test(service_ends, call_into_a_full_channel_waits_until_its_deadline)
{
    const IpcServiceOptions small = {
        .struct_size = sizeof small, .size = 1024, .max_clients = 2};
    IpcService *service = result_of(ipc_service_open(name, &small));
    IpcClient *client = connect_client();
    const struct timespec shortly = {0, 20 * MILLISECOND};
    IpcClientSendResult r;

    do
        r = ipc_client_send(client, "xyz", 3, &shortly);
    while (r.ipc_status == IPC_OK);
    must_fail(r, IPC_ERR_TIMEOUT);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

/* ----------------------------------------------------- cancelled, refused */

Test(service_ends, who_waits_for_a_call_that_is_cancelled_is_told)
{
    IpcService *service = serve();
    IpcClient *client = connect_client();
    struct waiting_caller w = {.client = client,
                               .call = send_order(client, ECHO, 1, 0)};
    IpcRequest *request = receive(service);
    pthread_t thread;

    must(pthread_create(&thread, NULL, wait_for_call, &w) == 0);
    pause_ns(20 * MILLISECOND);
    must_work(ipc_client_cancel(client, w.call));
    must(pthread_join(thread, NULL) == 0);
    must_be(w.status, IPC_ERR_CANCELLED);
    must_fail(ipc_client_cancel(client, w.call), IPC_ERR_INVALID_ARGUMENT);
    /* Its answer finds nobody. */
    must_work(
        ipc_service_answer(service, request, request->payload, request->size));
    must_be(
        ipc_client_collect_any(client, &(IpcAnswer){0}, &at_once).ipc_status,
        IPC_EMPTY);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

Test(service_ends, refused_call_is_told_so)
{
    pid_t server = fork_server();
    IpcClient *client = connect_client();

    must_be(call_for(client, REFUSE, 1, 20 * SECOND), IPC_ERR_CANCELLED);
    must_be(call_plainly(client), IPC_OK);
    stop_server(client, server);
    ipc_client_destroy(client);
}

Test(service_ends, request_is_answered_once)
{
    IpcService *service = serve();
    IpcClient *client = connect_client();
    IpcRequest *request;

    send_order(client, ECHO, 1, 0);
    request = receive(service);
    must_work(ipc_service_answer(service, request, "x", 1));
    must_fail(ipc_service_answer(service, request, "x", 1),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_service_refuse(service, request), IPC_ERR_INVALID_ARGUMENT);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

/* -------------------------------------------------------------- interrupts */

static void *interrupt_service(void *service)
{
    pause_ns(20 * MILLISECOND);
    must_work(ipc_service_interrupt(service));
    return NULL;
}

Test(service_ends, receiving_can_be_interrupted_once)
{
    IpcService *service = serve();
    const struct timespec shortly = {0, 5 * MILLISECOND};
    pthread_t thread;

    must(pthread_create(&thread, NULL, interrupt_service, service) == 0);
    must_be(ipc_service_receive(service, NULL).ipc_status, IPC_ERR_INTERRUPTED);
    must(pthread_join(thread, NULL) == 0);
    must_be(ipc_service_receive(service, &shortly).ipc_status, IPC_ERR_TIMEOUT);
    must_work(ipc_service_interrupt(service));
    must_be(ipc_service_receive(service, NULL).ipc_status, IPC_ERR_INTERRUPTED);
    must_be(ipc_service_receive(service, &shortly).ipc_status, IPC_ERR_TIMEOUT);
    ipc_service_destroy(service);
}

static void *interrupt_client(void *client)
{
    pause_ns(20 * MILLISECOND);
    must_work(ipc_client_interrupt(client));
    return NULL;
}

Test(service_ends, call_that_was_interrupted_goes_on)
{
    IpcService *service = serve();
    IpcClient *client = connect_client();
    const struct order order = {ECHO, 9, 0};
    struct order back;
    IpcAnswer answer = {&back, sizeof back, 0};
    IpcRequest *request;
    pthread_t thread;
    IpcClientCallResult r;

    must(pthread_create(&thread, NULL, interrupt_client, client) == 0);
    r = ipc_client_call(client, &order, sizeof order, &answer, NULL);
    must_fail(r, IPC_ERR_INTERRUPTED);
    must(pthread_join(thread, NULL) == 0);
    request = receive(service);
    must(r.error.body.call == request->call);
    must_work(
        ipc_service_answer(service, request, request->payload, request->size));
    must_be(collect_order(client, request->call, 9), IPC_OK);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

/* --------------------------------------------------------------- the end */

Test(service_ends, closed_service_is_drained_and_its_name_is_free)
{
    IpcService *service = serve(), *next;
    IpcClient *client = connect_client();
    IpcCall calls[2] = {send_order(client, ECHO, 1, 0),
                        send_order(client, ECHO, 2, 0)};

    must_work(ipc_service_close(service));
    must_fail(ipc_client_send(client, "x", 1, &patience), IPC_ERR_CLOSED);
    obey(service, receive(service));
    obey(service, receive(service));
    must_be(ipc_service_receive(service, NULL).ipc_status, IPC_ERR_CLOSED);
    for (uint32_t i = 0; i < 2; i++)
        must_be(collect_order(client, calls[i], i + 1), IPC_OK);
    /* Who serves next is another one, and the client finds it. */
    next = serve();
    must_work(ipc_client_send(client, "x", 1, &patience));
    must(receive(next)->size == 1);
    must_work(ipc_service_destroy(service));
    must_work(ipc_service_destroy(next));
    must_work(ipc_client_destroy(client));
    must(names_left() == 0);
}

Test(service_ends, calls_that_wait_when_the_last_server_leaves_are_told)
{
    IpcService *service = serve();
    IpcClient *client = connect_client();
    IpcCall calls[3];

    for (uint32_t i = 0; i < 3; i++)
        calls[i] = send_order(client, ECHO, i, 0);
    receive(service); /* and not answered */
    must_work(ipc_service_destroy(service));
    for (uint32_t i = 0; i < 3; i++)
        must_be(collect_order(client, calls[i], i), IPC_ERR_CLOSED);
    must_work(ipc_client_destroy(client));
    must(names_left() == 0);
}

Test(service_ends, client_that_left_is_no_longer_known)
{
    IpcService *service = serve();
    IpcClient *client = connect_client();
    IpcServiceStats stats = {.struct_size = sizeof stats};
    IpcRequest *request;

    send_order(client, ECHO, 1, 0);
    request = receive(service);
    must_work(ipc_client_destroy(client));
    must(!ipc_service_is_wanted(service, request));
    must_be(ipc_service_answer(service, request, "x", 1).ipc_status,
            IPC_ERR_NOT_FOUND);
    must_be(ipc_service_receive(service, &at_once).ipc_status, IPC_ERR_TIMEOUT);
    must_work(ipc_service_stats(service, &stats));
    must(stats.clients == 0 && stats.dropped == 1);
    must_work(ipc_service_destroy(service));
}

/* -------------------------------------------------------------- arguments */

Test(service_ends, arguments_that_cannot_be_meant_are_refused)
{
    IpcServiceOptions options = {.struct_size = sizeof options};
    IpcClientOptions calling = {.struct_size = sizeof calling};
    const struct timespec wrong = {0, -1};
    IpcService *service;
    IpcClient *client;
    IpcServiceStats stats = {.struct_size = 8};
    char long_name[300] = {0};

    must_fail(ipc_service_open(NULL, NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_service_open("/a/b", NULL), IPC_ERR_INVALID_ARGUMENT);
    memset(long_name, 'a', 239);
    must_fail(ipc_service_open(long_name, NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_client_open(long_name, NULL), IPC_ERR_INVALID_ARGUMENT);
    options.struct_size--;
    must_fail(ipc_service_open(name, &options), IPC_ERR_INVALID_ARGUMENT);
    options = (IpcServiceOptions){.struct_size = sizeof options,
                                  .flags = IPC_OPEN_MEMFD};
    must_fail(ipc_service_open(name, &options), IPC_ERR_INVALID_ARGUMENT);
    options =
        (IpcServiceOptions){.struct_size = sizeof options, .max_clients = 4001};
    must_fail(ipc_service_open(name, &options), IPC_ERR_INVALID_ARGUMENT);
    options = (IpcServiceOptions){.struct_size = sizeof options, .wait = 99};
    must_fail(ipc_service_open(name, &options), IPC_ERR_INVALID_ARGUMENT);
    options = (IpcServiceOptions){.struct_size = sizeof options,
                                  .reserved = {0, 0, 0, 1}};
    must_fail(ipc_service_open(name, &options), IPC_ERR_INVALID_ARGUMENT);
    calling.max_calls = 4097;
    must_fail(ipc_client_open(name, &calling), IPC_ERR_INVALID_ARGUMENT);
    must(names_left() == 0);
    service = serve();
    client = connect_client();
    must_fail(ipc_service_receive(NULL, NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_service_receive(service, &wrong), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_service_answer(service, NULL, "x", 1),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_service_stats(service, &stats), IPC_ERR_TOO_SMALL);
    must_fail(ipc_service_stats(service, NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_service_fd(NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_service_interrupt(NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_service_close(NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_service_destroy(NULL), IPC_ERR_INVALID_ARGUMENT);
    must(!ipc_service_is_wanted(service, NULL));
    must(ipc_service_channel(NULL) == NULL);
    must_fail(ipc_client_send(NULL, "x", 1, NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_client_send(client, NULL, 1, NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_client_send(client, "x", 1, &wrong),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_client_call(client, "x", 1, NULL, NULL),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_client_collect(client, 0, &(IpcAnswer){0}, NULL),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_client_collect(client, UINT64_MAX, &(IpcAnswer){0}, NULL),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_client_cancel(client, 77), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_client_interrupt(NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_client_destroy(NULL), IPC_ERR_INVALID_ARGUMENT);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

Test(service_ends, nobody_who_serves_is_told_when_the_time_has_passed)
{
    const IpcClientOptions options = {.struct_size = sizeof options,
                                      .timeout_ns = 20 * MILLISECOND};

    must_fail(ipc_client_open(name, &options), IPC_ERR_NOT_FOUND);
    must(names_left() == 0);
}

Test(service_ends, another_channel_of_that_name_is_no_service)
{
    IpcChannel *other = result_of(ipc_channel_open(name, NULL));

    must_fail(ipc_service_open(name, NULL), IPC_ERR_NOT_FORMATTED);
    must_fail(ipc_client_open(name, NULL), IPC_ERR_NOT_FORMATTED);
    ipc_channel_destroy(other);
    must(names_left() == 1);
}

Test(service_ends, exclusive_service_is_refused_where_another_process_serves)
{
    const IpcServiceOptions alone = {.struct_size = sizeof alone,
                                     .flags = IPC_OPEN_EXCLUSIVE};
    pid_t server = fork_server();
    IpcClient *client = connect_client();

    must_fail(ipc_service_open(name, &alone), IPC_ERR_EXISTS);
    stop_server(client, server);
    ipc_service_destroy(result_of(ipc_service_open(name, &alone)));
    ipc_client_destroy(client);
    must(names_left() == 0);
}

Test(service_ends, client_of_a_parent_is_refused_in_a_child)
{
    pid_t server = fork_server();
    IpcClient *client = connect_client();
    pid_t kid = fork_child();

    if (kid == 0) {
        must_fail(ipc_client_send(client, "x", 1, NULL), IPC_ERR_ILLEGAL_STATE);
        must_fail(ipc_client_fd(client), IPC_ERR_ILLEGAL_STATE);
        must_work(ipc_client_destroy(client));
        client = connect_client();
        must_be(call_plainly(client), IPC_OK);
        must_work(ipc_client_destroy(client));
        child_done();
    }
    must_succeed(kid);
    must_be(call_plainly(client), IPC_OK);
    stop_server(client, server);
    ipc_client_destroy(client);
    must(names_left() == 0);
}
