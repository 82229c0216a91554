/* SPDX-License-Identifier: MIT */
/*
 * Services and clients that are killed: at given steps, and at random ones.
 */
#include "services.h"

TestSuite(service_deaths, .init = choose_name, .fini = remove_names,
          .timeout = 200);

static void must_be_reaped(pid_t pid)
{
    must(waitpid(pid, NULL, 0) == pid);
}

/* ------------------------------------------------------------- the server */

/* What it does with a call, and what becomes of that. */
static const struct {
    enum wish wish;
    IpcStatus status;
} ends[] = {
    {BE_KILLED, IPC_ERR_SERVER_DEAD},
    {BE_KILLED_ANSWERING, IPC_ERR_SERVER_DEAD},
    {BE_KILLED_AFTER, IPC_OK},
};

Test(service_deaths, caller_is_told_and_the_next_call_finds_the_next_server)
{
    pid_t server = fork_server();
    IpcClient *client = connect_client();

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        IpcCall others[2] = {send_order(client, SAY_NOTHING, 1, 0), 0};
        IpcCall call = send_order(client, ends[i].wish, 2, 0);

        others[1] = send_order(client, ECHO, 3, 0);
        must_be(collect_order(client, call, 2), ends[i].status);
        must_be_reaped(server);
        for (int k = 0; k < 2; k++)
            must_be(collect_order(client, others[k], 0), IPC_ERR_SERVER_DEAD);
        server = fork_server();
        must_be(call_for(client, ECHO, 4, 20 * SECOND), IPC_OK);
    }
    stop_server(client, server);
    must_work(ipc_client_destroy(client));
    must(names_left() == 0);
}

Test(service_deaths, zombie_serves_no_more)
{
    pid_t server = fork_server();
    IpcClient *client = connect_client();
    IpcCall call = send_order(client, SAY_NOTHING, 1, 0);

    make_zombie(server);
    must_be(collect_order(client, call, 1), IPC_ERR_SERVER_DEAD);
    must_be_reaped(server);
    must_work(ipc_client_destroy(client));
    must(names_left() == 0);
}

Test(service_deaths, requests_to_the_dead_are_not_carried_out_by_the_next)
{
    pid_t server = fork_server();
    IpcClient *client = connect_client();
    IpcService *next;
    IpcCall call;

    must(kill(server, SIGSTOP) == 0);
    call = send_order(client, ECHO, 1, 0);
    kill_child(server);
    next = serve();
    must_be(ipc_service_receive(next, &at_once).ipc_status, IPC_ERR_TIMEOUT);
    must_be(collect_order(client, call, 1), IPC_ERR_SERVER_DEAD);
    must_be(ipc_service_receive(next, &at_once).ipc_status, IPC_ERR_TIMEOUT);
    call = send_order(client, ECHO, 2, 0);
    obey(next, receive(next));
    must_be(collect_order(client, call, 2), IPC_OK);
    ipc_client_destroy(client);
    ipc_service_destroy(next);
    must(names_left() == 0);
}

Test(service_deaths, client_that_was_idle_calls_the_next_server_at_once)
{
    pid_t server = fork_server();
    IpcClient *client = connect_client();

    must_be(call_for(client, ECHO, 1, 20 * SECOND), IPC_OK);
    kill_child(server);
    server = fork_server();
    pause_ns(100 * MILLISECOND);
    must_be(call_for(client, ECHO, 2, 20 * SECOND), IPC_OK);
    stop_server(client, server);
    ipc_client_destroy(client);
}

Test(service_deaths, call_for_nobody_gives_up_when_the_client_does)
{
    const IpcClientOptions options = {.struct_size = sizeof options,
                                      .timeout_ns = 30 * MILLISECOND};
    IpcService *service = serve();
    IpcClient *client = result_of(ipc_client_open(name, &options));

    ipc_service_destroy(service);
    must_be(call_for(client, ECHO, 1, 20 * SECOND), IPC_ERR_SERVER_DEAD);
    must_be(call_for(client, ECHO, 1, 20 * SECOND), IPC_ERR_SERVER_DEAD);
    service = serve();
    must_work(ipc_client_send(client, "x", 1, &patience));
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

Test(service_deaths, who_waits_without_a_deadline_is_told)
{
    pid_t server = fork_server();
    IpcClient *client = connect_client();
    const struct order order = {BE_KILLED, 1, 0};
    IpcAnswer answer = {0};

    must_be(
        ipc_client_call(client, &order, sizeof order, &answer, NULL).ipc_status,
        IPC_ERR_SERVER_DEAD);
    must_be_reaped(server);
    ipc_client_destroy(client);
}

/* No sleep has an end of its own then. */
Test(service_deaths, who_sleeps_watched_is_told)
{
    const IpcClientOptions options = {.struct_size = sizeof options,
                                      .timeout_ns = 20 * SECOND,
                                      .wait = IPC_WAIT_WATCHED,
                                      .spin_ns = IPC_CHANNEL_NO_SPIN};
    pid_t server = fork_server();
    IpcClient *client = result_of(ipc_client_open(name, &options));
    const struct order order = {BE_KILLED, 1, 0};
    IpcAnswer answer = {0};

    must_be(
        ipc_client_call(client, &order, sizeof order, &answer, NULL).ipc_status,
        IPC_ERR_SERVER_DEAD);
    must_be_reaped(server);
    ipc_client_destroy(client);
}

Test(service_deaths, who_serves_and_sleeps_watched_learns_of_deaths)
{
    const struct timespec shortly = {0, 500 * MILLISECOND};
    const IpcServiceOptions options = {.struct_size = sizeof options,
                                       .wait = IPC_WAIT_WATCHED,
                                       .spin_ns = IPC_CHANNEL_NO_SPIN};
    IpcService *service = result_of(ipc_service_open(name, &options));
    pid_t kid = fork_child();

    if (kid == 0) {
        send_order(connect_client(), ECHO, 1, 0);
        sleep_for_ever();
    }
    receive(service);
    kill_child(kid);
    for (int i = 0; i < 40 && names_left() > 1; i++)
        must_be(ipc_service_receive(service, &shortly).ipc_status,
                IPC_ERR_TIMEOUT);
    must(names_left() == 1);
    ipc_service_destroy(service);
}

/* One of two who serve: what it had taken is lost, the rest is not. */
Test(service_deaths, others_serve_what_one_of_them_had_not_taken)
{
    IpcService *service = serve();
    IpcClient *client = connect_client();
    pid_t other = fork_child();
    IpcCall taken, waiting;

    if (other == 0)
        serve_until_told();
    taken = send_order(client, BE_KILLED, 1, 0);
    must_be_reaped(other);
    waiting = send_order(client, ECHO, 2, 0);
    must_be(collect_order(client, taken, 1), IPC_ERR_SERVER_DEAD);
    obey(service, receive(service));
    must_be(collect_order(client, waiting, 2), IPC_OK);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
    must(names_left() == 0);
}

/* With this process they fill the owner table of a service for one client. */
enum { SERVERS = 64 };

static bool is_listed(IpcChannel *requests, pid_t pid)
{
    IpcOwner owners[SERVERS + 1] = {{.struct_size = sizeof owners[0]}};
    size_t count = result_of(ipc_channel_owners(requests, owners, SERVERS + 1));

    for (size_t i = 0; i < count && i < SERVERS + 1; i++)
        if (owners[i].pid == pid && owners[i].flags & IPC_OWNER_READS)
            return true;
    return false;
}

static pid_t fork_idle_server(IpcChannel *requests)
{
    pid_t pid = fork_child();

    if (pid == 0) {
        serve();
        sleep_for_ever();
    }
    while (!is_listed(requests, pid))
        pause_ns(MILLISECOND);
    return pid;
}

Test(service_deaths, who_serves_in_the_place_of_a_dead_one_is_no_death)
{
    const IpcServiceOptions options = {.struct_size = sizeof options,
                                       .max_clients = 1};
    const IpcOpenOptions there = {.struct_size = sizeof there,
                                  .flags = IPC_OPEN_CONNECT_ONLY};
    const struct timespec a_while = as_timespec(300 * MILLISECOND);
    IpcService *service = result_of(ipc_service_open(name, &options));
    IpcChannel *requests = result_of(ipc_channel_open(name, &there));
    IpcClient *client = connect_client();
    pid_t servers[SERVERS], dead;
    IpcRequest *request;
    IpcCall call;

    for (int i = 0; i < SERVERS; i++)
        servers[i] = fork_idle_server(requests);
    kill_child(dead = servers[0]);
    call = send_order(client, ECHO, 1, 0);
    must_be(
        ipc_client_collect(client, call, &(IpcAnswer){0}, &a_while).ipc_status,
        IPC_EMPTY);
    request = receive(service);
    servers[0] = fork_idle_server(requests);
    must(!is_listed(requests, dead));
    must_be(
        ipc_client_collect(client, call, &(IpcAnswer){0}, &a_while).ipc_status,
        IPC_EMPTY);
    obey(service, request);
    must_be(collect_order(client, call, 1), IPC_OK);
    for (int i = 0; i < SERVERS; i++)
        kill_child(servers[i]);
    ipc_client_destroy(client);
    ipc_channel_destroy(requests);
    ipc_service_destroy(service);
}

Test(service_deaths, service_that_was_killed_when_it_was_closed_is_gone)
{
    pid_t server = fork_child();
    IpcClient *client;
    IpcCall call;

    if (server == 0) {
        IpcService *service = serve();

        receive(service);
        must_work(ipc_service_close(service));
        raise(SIGKILL);
    }
    client = connect_client();
    call = send_order(client, ECHO, 1, 0);
    must_be(collect_order(client, call, 1), IPC_ERR_CLOSED);
    must_be_reaped(server);
    ipc_client_destroy(client);
    must(names_left() == 0);
}

Test(service_deaths, servers_that_are_killed_at_random_cost_calls_and_no_more)
{
    enum { DEATHS = 60 };
    uint64_t random = 4711;
    uint32_t number = 0;
    struct order sent = {ECHO, 0, 0};
    const struct timespec shortly = {0, MILLISECOND};
    pid_t server = fork_server();
    IpcClient *client = connect_client();

    for (int i = 0; i < DEATHS; i++) {
        int64_t until =
            now_ns() + random_below(&random, 5000) * (MILLISECOND / 1000);

        while (now_ns() < until)
            must_be(call_for(client, ECHO, number++, 20 * SECOND), IPC_OK);
        kill(server, SIGKILL);
        /* Sent to the dead, or to nobody. */
        if (ipc_client_send(client, &sent, sizeof sent, &shortly).ipc_status <
            0)
            sent.number++;
        must_be_reaped(server);
        server = fork_server();
        /* The first may still have been for the dead one. */
        if (call_for(client, ECHO, number++, 20 * SECOND) != IPC_OK)
            must_be(call_for(client, ECHO, number++, 20 * SECOND), IPC_OK);
        /* What was sent and not collected is over. */
        while (ipc_client_collect_any(client, &(IpcAnswer){0}, &at_once)
                   .ipc_status != IPC_EMPTY)
            continue;
    }
    stop_server(client, server);
    must_work(ipc_client_destroy(client));
    must(names_left() == 0);
}

/* -------------------------------------------------------------- the client */

Test(service_deaths, server_learns_that_a_client_died)
{
    IpcService *service = serve();
    IpcServiceStats stats = {.struct_size = sizeof stats};
    pid_t kid = fork_child();
    IpcRequest *requests[2];

    if (kid == 0) {
        IpcClient *client = connect_client();

        send_order(client, ECHO, 1, 0);
        send_order(client, ECHO, 2, 0);
        sleep_for_ever();
    }
    for (int i = 0; i < 2; i++)
        requests[i] = receive(service);
    must(ipc_service_is_wanted(service, requests[0]));
    kill_child(kid);
    must(!ipc_service_is_wanted(service, requests[0]));
    ipc_service_answer(service, requests[0], "x", 1);
    for (int i = 0; i < 100 && names_left() > 1; i++) {
        const struct timespec shortly = {0, 20 * MILLISECOND};

        must_be(ipc_service_receive(service, &shortly).ipc_status,
                IPC_ERR_TIMEOUT);
    }
    must(names_left() == 1);
    must_be(ipc_service_answer(service, requests[1], "x", 1).ipc_status,
            IPC_ERR_NOT_FOUND);
    must_work(ipc_service_stats(service, &stats));
    must(stats.clients == 0);
    ipc_service_destroy(service);
    must(names_left() == 0);
}

Test(service_deaths, answer_to_a_dead_client_without_room_says_so)
{
    const IpcServiceOptions patient = {.struct_size = sizeof patient,
                                       .patience_ns = 20 * SECOND};
    IpcService *service = result_of(ipc_service_open(name, &patient));
    pid_t kid = fork_child();
    IpcRequest *requests[40];
    static const unsigned char data[400];
    IpcStatus status = IPC_OK;

    if (kid == 0) {
        const IpcClientOptions small = {.struct_size = sizeof small,
                                        .size = 1024,
                                        .timeout_ns = 20 * SECOND};
        IpcClient *client = result_of(ipc_client_open(name, &small));

        for (uint32_t i = 0; i < 40; i++)
            send_order(client, ECHO, i, 0);
        sleep_for_ever();
    }
    for (int i = 0; i < 40; i++)
        requests[i] = receive(service);
    kill_child(kid);
    for (int i = 0; i < 40 && status == IPC_OK; i++)
        status = ipc_service_answer(service, requests[i], data, sizeof data)
                     .ipc_status;
    must_be(status, IPC_ERR_CONSUMERS_DEAD);
    ipc_service_destroy(service);
    must(names_left() == 0);
}

/* ... which a client makes on its way, and is killed before, between and
 * behind. */
Test(service_deaths, clients_that_are_killed_at_random_leave_nothing)
{
    enum { DEATHS = 1000 };
    uint64_t random = 42;
    pid_t server = fork_server();
    IpcClient *client = connect_client();

    for (int i = 0; i < DEATHS; i++) {
        pid_t kid = fork_child();

        if (kid == 0) {
            for (uint32_t k = 0;; k++) {
                IpcClient *own = connect_client();

                call_for(own, ECHO, k, 20 * SECOND);
                ipc_client_destroy(own);
            }
        }
        pause_ns(random_below(&random, 3000) * (MILLISECOND / 1000));
        kill_child(kid);
        if (i % 100 == 0)
            must_be(call_for(client, ECHO, 1, 20 * SECOND), IPC_OK);
    }
    must_leave(2);
    stop_server(client, server);
    must_work(ipc_client_destroy(client));
    must(names_left() == 0);
}

/* ----------------------------------------------------- several who wait */

static void *wait_for_a_call(void *client)
{
    const struct order order = {SAY_NOTHING, 1, 0};
    IpcAnswer answer = {0};

    must_be(
        ipc_client_call(client, &order, sizeof order, &answer, NULL).ipc_status,
        IPC_ERR_SERVER_DEAD);
    return NULL;
}

Test(service_deaths, all_threads_that_wait_with_one_client_are_told)
{
    enum { THREADS = 4 };
    pid_t server = fork_server();
    IpcClient *client = connect_client();
    pthread_t threads[THREADS];
    int64_t killed;

    for (int i = 0; i < THREADS; i++) {
        must(pthread_create(&threads[i], NULL, wait_for_a_call, client) == 0);
        pause_ns(7 * MILLISECOND);
    }
    pause_ns(100 * MILLISECOND);
    kill(server, SIGKILL);
    killed = now_ns();
    for (int i = 0; i < THREADS; i++)
        must(pthread_join(threads[i], NULL) == 0);
    must_say(now_ns() - killed < 10 * SECOND, "%lld ms",
             (long long)(now_ns() - killed) / MILLISECOND);
    must_be_reaped(server);
    ipc_client_destroy(client);
}
