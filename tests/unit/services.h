/* SPDX-License-Identifier: MIT */
/*
 * What the tests of services share: names of their own, and a server in a child
 * that does what requests say.
 */
#ifndef TEST_SERVICES_H
#define TEST_SERVICES_H

#include "../own_name.h"
#include "helpers.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <shmipc/ipc_service.h>

enum { NAME_ROOM = OWN_NAME_ROOM };

static char name[NAME_ROOM]; /* of the test's service */

static inline void choose_name(void)
{
    own_name(name, "service");
}

/* How many names there are that begin with the service's. */
static inline int names_left(void)
{
    DIR *shm = opendir("/dev/shm");
    const struct dirent *entry;
    int count = 0;

    must(shm != NULL);
    while ((entry = readdir(shm)))
        count += strncmp(entry->d_name, name + 1, strlen(name + 1)) == 0;
    closedir(shm);
    return count;
}

/* ... within some time, for those that a sweep removes. */
static inline void must_leave(int count)
{
    int64_t end = now_ns() + 20 * SECOND;

    while (names_left() != count) {
        must_say(now_ns() < end, "%d names are left instead of %d",
                 names_left(), count);
        pause_ns(5 * MILLISECOND);
    }
}

static inline void remove_names(void)
{
    DIR *shm = opendir("/dev/shm");
    const struct dirent *entry;

    while (shm && (entry = readdir(shm)))
        if (strncmp(entry->d_name, name + 1, strlen(name + 1)) == 0)
            shm_unlink(entry->d_name);
    if (shm)
        closedir(shm);
}

static const struct timespec at_once = {0, 0};
static const struct timespec patience = {20, 0};

static inline IpcService *serve(void)
{
    return result_of(ipc_service_open(name, NULL));
}

static inline IpcClient *connect_client(void)
{
    const IpcClientOptions options = {.struct_size = sizeof options,
                                      .timeout_ns = 20 * SECOND};

    return result_of(ipc_client_open(name, &options));
}

/* What a request asks of the server. */
enum wish {
    ECHO,
    BE_KILLED,
    BE_KILLED_ANSWERING,
    BE_KILLED_AFTER,
    BE_SLOW,
    REFUSE,
    GROW,
    STOP,
    SAY_NOTHING
};

struct order {
    enum wish wish;
    uint32_t number;
    uint64_t size; /* of the answer; or ns */
};

static inline IpcRequest *receive(IpcService *service)
{
    return result_of(ipc_service_receive(service, &patience));
}

/* The channel of a client's answers. */
static inline IpcChannel *answers_of(uint64_t client)
{
    IpcOpenOptions options = {.struct_size = sizeof options,
                              .flags = IPC_OPEN_CONNECT_ONLY};
    char full[NAME_ROOM + 20];

    snprintf(full, sizeof full, "%s.%016llx", name, (unsigned long long)client);
    return result_of(ipc_channel_open(full, &options));
}

/* Has claimed space for an answer, and not committed it. */
__attribute__((noreturn)) static inline void die_answering(uint64_t client)
{
    IpcReservation reservation;

    must_work(ipc_channel_reserve(answers_of(client), 100, &reservation));
    raise(SIGKILL);
    abort();
}

/* False: it is to stop. */
static inline bool obey(IpcService *service, IpcRequest *request)
{
    static unsigned char large[1 << 21];
    struct order order;
    IpcServiceAnswerResult r;

    must(request->size >= sizeof order);
    memcpy(&order, request->payload, sizeof order);
    switch (order.wish) {
    case BE_KILLED:
        raise(SIGKILL);
        break;
    case BE_KILLED_ANSWERING:
        die_answering(request->client);
    case BE_KILLED_AFTER:
        ipc_service_answer(service, request, request->payload, request->size);
        raise(SIGKILL);
        break;
    case REFUSE:
        ipc_service_refuse(service, request);
        return true;
    case SAY_NOTHING:
        return true;
    case GROW:
        fill(large, (size_t)order.size, order.number);
        r = ipc_service_answer(service, request, large, (size_t)order.size);
        return r.ipc_status != IPC_ERR_INVALID_ARGUMENT;
    case BE_SLOW:
        pause_ns((int64_t)order.size);
        break;
    default:
        break;
    }
    ipc_service_answer(service, request, request->payload, request->size);
    return order.wish != STOP;
}

__attribute__((noreturn)) static inline void serve_until_told(void)
{
    IpcService *service = serve();

    while (obey(service, receive(service)))
        continue;
    must_work(ipc_service_destroy(service));
    child_done();
}

static inline pid_t fork_server(void)
{
    pid_t pid = fork_child();

    if (pid == 0)
        serve_until_told();
    return pid;
}

static inline IpcStatus call_for(IpcClient *client, enum wish wish,
                                 uint32_t number, int64_t timeout)
{
    const struct order order = {wish, number, 0};
    const struct timespec time = as_timespec(timeout);
    struct order back = {0};
    IpcAnswer answer = {.payload = &back, .size = sizeof back};
    IpcStatus status =
        ipc_client_call(client, &order, sizeof order, &answer, &time)
            .ipc_status;

    if (status == IPC_OK)
        must(answer.size == sizeof back && back.number == number);
    return status;
}

static inline IpcCall send_order(IpcClient *client, enum wish wish,
                                 uint32_t number, uint64_t size)
{
    const struct order order = {wish, number, size};

    return result_of(ipc_client_send(client, &order, sizeof order, &patience));
}

static inline IpcStatus collect_order(IpcClient *client, IpcCall call,
                                      uint32_t number)
{
    struct order back = {0};
    IpcAnswer answer = {.payload = &back, .size = sizeof back};
    IpcStatus status =
        ipc_client_collect(client, call, &answer, &patience).ipc_status;

    if (status == IPC_OK)
        must(answer.size == sizeof back && back.number == number &&
             answer.call == call);
    return status;
}

static inline void stop_server(IpcClient *client, pid_t server)
{
    must_be(call_for(client, STOP, 0, 20 * SECOND), IPC_OK);
    must_succeed(server);
}

/* A thread that waits for a call. */
struct waiting_caller {
    IpcClient *client;
    IpcCall call;
    IpcStatus status;
    IpcAnswer answer;
};

static inline void *wait_for_call(void *of)
{
    struct waiting_caller *w = of;

    w->status =
        ipc_client_collect(w->client, w->call, &w->answer, NULL).ipc_status;
    return NULL;
}

#endif
