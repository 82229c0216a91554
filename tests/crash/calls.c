/* SPDX-License-Identifier: MIT */
/*
 * Services and their clients: one of either does one operation in single steps,
 * and is killed and stopped at each change of the channels between them, once
 * they are made. (Between system calls, while they are made and removed:
 * tests/unit/test_service_steps.c.)
 *
 *     stepper-of-calls [-a1l] [OPERATION...]
 *
 * A witness has called the server that is a victim, or calls beside a client
 * that is one. It learns what became of its call, is served by whoever serves
 * next, and in the end nothing is left of any of them.
 */
#include "calls.h"
#include <shmipc/ipc_service.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum {
    EVERY = 4, /* of the changes, if not all */
    PATIENCE_S = GRACE_S,
    STOP = 1, /* what a server is asked for: to be the last call */
    ECHO = 2,
};

struct ledger *ledger; /* only for victim_begin() */

/* What processes tell each other beside the service. */
static struct {
    _Atomic int sent;  /* by the witness */
    _Atomic int taken; /* by the server, of what was sent */
    _Atomic int may_collect;
    _Atomic int next_serves;
    IpcStatus told; /* the witness, of its first call */
} * shared;

char name[64];
static bool all_states, ends_early, lists;
static uint32_t kills, stops, changes_seen, operations_run;

static const struct timespec patience = {PATIENCE_S, 0};

static void pause_ms(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

static void wait_for_word(const _Atomic int *word)
{
    while (!*word)
        pause_ms(1);
}

/* ------------------------------------------------------------ both sides */

static IpcService *service;
static IpcRequest *request;
static IpcClient *client;
static IpcCall under_way;

static void serve(void)
{
    const IpcServiceOptions options = {.struct_size = sizeof options,
                                       .size = 1024,
                                       .max_clients = 8,
                                       .timeout_ns = 20000000000u};
    IpcServiceOpenResult r = ipc_service_open(name, &options);

    must(r.ipc_status == IPC_OK);
    service = r.result;
}

static void connect_within(uint64_t timeout_ns)
{
    const IpcClientOptions options = {
        .struct_size = sizeof options, .size = 1024, .timeout_ns = timeout_ns};
    IpcClientOpenResult r = ipc_client_open(name, &options);

    client = r.ipc_status == IPC_OK ? r.result : NULL;
}

static void connect_client(void)
{
    connect_within(20000000000u);
    must(client);
}

static IpcStatus call_within(int what, const struct timespec *timeout)
{
    int back = 0;
    IpcAnswer answer = {.payload = &back, .size = sizeof back};
    IpcStatus status =
        ipc_client_call(client, &what, sizeof what, &answer, timeout)
            .ipc_status;

    must(status != IPC_OK || (answer.size == sizeof what && back == what));
    return status;
}

static void send_one(void)
{
    const int what = ECHO;
    IpcClientSendResult r =
        ipc_client_send(client, &what, sizeof what, &patience);

    must(r.ipc_status == IPC_OK);
    under_way = r.result;
}

static IpcStatus collect(const struct timespec *timeout)
{
    int back = 0;
    IpcAnswer answer = {.payload = &back, .size = sizeof back};
    IpcStatus status =
        ipc_client_collect(client, under_way, &answer, timeout).ipc_status;

    must(status != IPC_OK || (answer.size == sizeof back && back == ECHO));
    return status;
}

static bool receive_within(const struct timespec *timeout)
{
    IpcServiceReceiveResult r = ipc_service_receive(service, timeout);

    must(r.ipc_status == IPC_OK || r.ipc_status == IPC_ERR_TIMEOUT ||
         r.ipc_status == IPC_ERR_CLOSED);
    request = r.ipc_status == IPC_OK ? r.result : NULL;
    return request;
}

static void answer_it(void)
{
    ipc_service_answer(service, request, request->payload, request->size);
}

static void serve_until_told(void)
{
    int what = ECHO;

    serve();
    shared->next_serves = true;
    while (what != STOP) {
        must(receive_within(NULL) && request->size == sizeof what);
        memcpy(&what, request->payload, sizeof what);
        answer_it();
    }
    must(ipc_service_destroy(service).ipc_status == IPC_OK);
}

static pid_t next_server;

static void start_next_server(void)
{
    shared->next_serves = false;
    next_server = fork_child();
    if (next_server == 0) {
        serve_until_told();
        _exit(0);
    }
}

static void stop_next_server(void)
{
    connect_client();
    must(call_within(STOP, &patience) == IPC_OK);
    must(ipc_client_destroy(client).ipc_status == IPC_OK);
}

/* ------------------------------------------------------------- the witness */

static pid_t witness_pid;

static void witness_one(void)
{
    IpcStatus status;

    alarm(3 * GRACE_S);
    connect_client();
    send_one();
    shared->sent = true;
    wait_for_word(&shared->may_collect);
    status = collect(&patience);
    must(status == IPC_OK || status == IPC_ERR_SERVER_DEAD ||
         status == IPC_ERR_CLOSED || status == IPC_ERR_CANCELLED);
    shared->told = status;
    for (double start = now(); call_within(ECHO, &patience) != IPC_OK;)
        must(now() - start < GRACE_S);
    must(ipc_client_destroy(client).ipc_status == IPC_OK);
}

/* ----------------------------------------------------------------- victims */

static void ready_to_serve(void)
{
    serve();
    wait_for_word(&shared->sent);
}

static void ready_to_answer(void)
{
    ready_to_serve();
    must(receive_within(&patience));
    shared->taken = true;
}

static void ready_with_an_answer(void)
{
    connect_client();
    must(call_within(ECHO, &patience) == IPC_OK);
    send_one();
    pause_ms(5);
}

static void do_call(IpcChannel *none)
{
    (void)none;
    must(call_within(ECHO, &patience) == IPC_OK);
}

static void do_send(IpcChannel *none)
{
    (void)none;
    send_one();
}

static void do_collect(IpcChannel *none)
{
    (void)none;
    must(collect(&patience) == IPC_OK);
}

static void do_cancel(IpcChannel *none)
{
    (void)none;
    must(ipc_client_cancel(client, under_way).ipc_status == IPC_OK);
    must(call_within(ECHO, &patience) == IPC_OK);
}

static void do_leave(IpcChannel *none)
{
    (void)none;
    must(ipc_client_destroy(client).ipc_status == IPC_OK);
}

/* Others may take the request while it is stopped. */
static void do_receive(IpcChannel *none)
{
    static const struct timespec a_while = {0, 100000000};

    (void)none;
    receive_within(&a_while);
}

static void do_answer(IpcChannel *none)
{
    (void)none;
    answer_it();
}

static void do_refuse(IpcChannel *none)
{
    (void)none;
    ipc_service_refuse(service, request);
}

static void do_close(IpcChannel *none)
{
    (void)none;
    must(ipc_service_close(service).ipc_status == IPC_OK);
    answer_it();
}

static void do_destroy(IpcChannel *none)
{
    (void)none;
    must(ipc_service_destroy(service).ipc_status == IPC_OK);
}

enum { CLIENT, SERVER }; /* in place of modes */

static const struct operation all[] = {
    {"call", ready_with_an_answer, do_call, NULL, 0, ORDINARY, CLIENT},
    {"send", ready_with_an_answer, do_send, NULL, 0, ORDINARY, CLIENT},
    {"collect", ready_with_an_answer, do_collect, NULL, 0, ORDINARY, CLIENT},
    {"cancel", ready_with_an_answer, do_cancel, NULL, 0, ORDINARY, CLIENT},
    {"leave", ready_with_an_answer, do_leave, NULL, 0, ORDINARY, CLIENT},
    {"receive", ready_to_serve, do_receive, NULL, 0, ORDINARY, SERVER},
    {"answer", ready_to_answer, do_answer, NULL, 0, ORDINARY, SERVER},
    {"refuse", ready_to_answer, do_refuse, NULL, 0, ORDINARY, SERVER},
    {"close", ready_to_answer, do_close, NULL, 0, CLOSES, SERVER},
    {"destroy", ready_to_answer, do_destroy, NULL, 0, CLOSES, SERVER},
    {"destroy-with-requests", ready_to_serve, do_destroy, NULL, 0, CLOSES,
     SERVER},
};

IpcChannel *make_ready(const struct operation *o)
{
    o->before();
    return NULL;
}

void prepare_for(const struct operation *o)
{
    (void)o;
    watch_nothing();
    watch_all();
}

/* ----------------------------------------------------------- how it goes on */

static void set_scene_of(const struct operation *o)
{
    static int scene;

    snprintf(name, sizeof name, "/shmipc-steps-%d-%d", (int)getpid(), ++scene);
    memset(shared, 0, sizeof *shared);
    next_server = 0;
    if (o->modes == CLIENT)
        start_next_server();
    witness_pid = fork_child();
    if (witness_pid == 0) {
        witness_one();
        _exit(0);
    }
    if (o->modes == CLIENT)
        wait_for_word(&shared->sent);
}

static bool must_leave(int count)
{
    for (double start = now(); names_left() != count; pause_ms(2))
        if (now() - start > 2 * GRACE_S) {
            fprintf(stderr, "%d names left\n", names_left());
            return false;
        }
    return true;
}

/* The victim is dead. */
static bool all_goes_on(void)
{
    bool good;

    if (!next_server)
        start_next_server();
    shared->may_collect = true;
    good = end_of(witness_pid) == 0;
    good = must_leave(1) && good;
    good = succeeds(stop_next_server) && good;
    good = end_of(next_server) == 0 && good;
    good = must_leave(0) && good;
    remove_names();
    return good;
}

/* Whom another one serves that is beside the victim; or nobody, for a while. */
static void call_beside(void)
{
    static const struct timespec a_while = {0, 50000000};

    connect_within(50000000);
    if (!client)
        return;
    call_within(ECHO, &a_while);
    must(ipc_client_destroy(client).ipc_status == IPC_OK);
}

/* A request that is being written, if only by one who is stopped. */
static bool requests_are_held_up(void)
{
    const IpcOpenOptions options = {.struct_size = sizeof options,
                                    .flags = IPC_OPEN_CONNECT_ONLY};
    IpcChannelOpenResult r = ipc_channel_open(name, &options);
    IpcBufferStats info = {.struct_size = sizeof info};

    must(r.ipc_status == IPC_OK);
    must(ipc_channel_stats(r.result, &info).ipc_status == IPC_OK);
    ipc_channel_destroy(r.result);
    return info.head_state == IPC_BUFFER_HEAD_BUSY;
}

static void call_and_be_served(void)
{
    static const struct timespec a_while = {0, 300000000};
    IpcStatus status;

    connect_client();
    do
        status = call_within(ECHO, &a_while);
    while (status == IPC_ERR_TIMEOUT && !requests_are_held_up());
    must(status == IPC_OK || status == IPC_ERR_TIMEOUT);
    must(ipc_client_destroy(client).ipc_status == IPC_OK);
}

static bool work_beside_it(const struct operation *o)
{
    if (o->modes == SERVER && o->kind == CLOSES)
        return succeeds(call_beside);
    if (o->modes == SERVER) {
        start_next_server();
        wait_for_word(&shared->next_serves);
    }
    return succeeds(call_and_be_served);
}

/* It may sleep on its way, and wakes up by itself. */
static void nobody_has_to_wake_it(void)
{
}

static bool try_change(const struct operation *o, uint32_t at, bool stop)
{
    struct course c;
    bool good = true;
    pid_t pid;

    set_scene_of(o);
    pid = start_victim(o);
    c = go_on(pid, at, false);
    /* Others were not as slow as before: it is at its end, or it waits. */
    stop &= !c.through && !c.asleep;
    if (stop)
        good = work_beside_it(o) && go_to_end(pid, nobody_has_to_wake_it);
    kill(pid, SIGKILL);
    end_of(pid);
    if (stop)
        stops++;
    else
        kills++;
    return all_goes_on() && good;
}

static bool run(const struct operation *o)
{
    struct course c;
    bool good;
    pid_t pid;

    set_scene_of(o);
    pid = start_victim(o);
    c = go_on(pid, CHANGES_MAX, lists);
    kill(pid, SIGKILL);
    end_of(pid);
    good = all_goes_on() && (c.through || c.asleep);
    operations_run++;
    changes_seen += c.changes;
    for (uint32_t i = 0; i <= c.changes && !lists; i++)
        for (int stop = 0; stop < 2 && (good || !ends_early); stop++)
            if (all_states || (i + (uint32_t)stop * 4) % EVERY == 0)
                if (!try_change(o, i, stop)) {
                    good = false;
                    printf("%s: %s at change %u\n", o->name,
                           stop ? "stopped" : "killed", i);
                }
    printf("%-28s %3u changes%s%s\n", o->name, c.changes,
           c.asleep ? ", then it sleeps" : "", good ? "" : "  FAILED");
    fflush(stdout);
    return good;
}

static bool is_wanted(const struct operation *o, int argc, char **argv)
{
    for (int i = optind; i < argc; i++)
        if (strcmp(o->name, argv[i]) == 0)
            return true;
    return optind == argc;
}

static bool take_options(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "a1l")) != -1) {
        all_states |= option == 'a';
        ends_early |= option == '1';
        lists |= option == 'l';
        if (option == '?')
            return false;
    }
    all_states |= optind < argc;
    return true;
}

int main(int argc, char **argv)
{
    double start = now();
    bool good = true;

    shared = share(sizeof *shared);
    ledger = share(sizeof *ledger);
    if (!take_options(argc, argv)) {
        fputs("usage: stepper-of-calls [-a1l] [OPERATION...]\n", stderr);
        return 2;
    }
    if (!victim_begin()) {
        puts(
            "skipped: ptrace is not permitted, or has no single steps here, or "
            "atomics never end in them");
        return 77;
    }
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (is_wanted(&all[i], argc, argv) && (good || !ends_early))
            good &= run(&all[i]);
    printf("%u operations, %u changes, %u kills, %u stops; %.0f s\n",
           operations_run, changes_seen, kills, stops, now() - start);
    return good && operations_run > 0 ? 0 : 1;
}
