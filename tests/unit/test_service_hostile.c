/* SPDX-License-Identifier: MIT */
/*
 * Requests and answers that no library of ours wrote.
 */
#include "services.h"

TestSuite(service_hostile, .init = choose_name, .fini = remove_names);

/* As frame.h has them. */
enum { HELLO = 1, CALL = 2, BYE = 3 };
#define FORM UINT32_C(0x53520100)

struct head {
    uint64_t client, call;
    int64_t deadline;
    uint32_t clock, kind;
};

struct answer_head {
    uint64_t call;
    int32_t status;
    uint32_t form;
};

static IpcChannel *requests(void)
{
    return result_of(ipc_channel_open(name, NULL));
}

static void say(IpcChannel *to, uint64_t client, uint64_t call, uint32_t kind)
{
    const struct head head = {client, call, INT64_MAX, 0, kind};

    must_work(ipc_channel_write_blocking(to, &head, sizeof head));
}

static int descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void must_still_serve(IpcService *service)
{
    IpcClient *client = connect_client();
    IpcCall call = send_order(client, ECHO, 3, 0);

    must(obey(service, receive(service)));
    must_be(collect_order(client, call, 3), IPC_OK);
    must_work(ipc_client_destroy(client));
    must_be(ipc_service_receive(service, &at_once).ipc_status, IPC_ERR_TIMEOUT);
}

Test(service_hostile, what_is_no_request_is_dropped)
{
    IpcService *service = serve();
    IpcChannel *raw = requests();
    IpcServiceStats stats = {.struct_size = sizeof stats};
    unsigned char junk[200];
    uint64_t random = 7;
    uint64_t wrong = 0;

    for (size_t size = 1; size < sizeof junk; size++) {
        for (size_t i = 0; i < size; i++)
            junk[i] = (unsigned char)next_random(&random);
        must_work(ipc_channel_write_blocking(raw, junk, size));
        wrong++;
    }
    say(raw, 0, 1, FORM | CALL);
    say(raw, 1, 0, FORM | CALL);
    say(raw, 1, 1, FORM | 4);
    say(raw, 1, 1, CALL);
    wrong += 4;
    must_be(ipc_service_receive(service, &at_once).ipc_status, IPC_ERR_TIMEOUT);
    must_work(ipc_service_stats(service, &stats));
    must_say(stats.malformed == wrong, "%llu were dropped",
             (unsigned long long)stats.malformed);
    must(stats.received == 0 && stats.clients == 0);
    must_still_serve(service);
    ipc_channel_destroy(raw);
    ipc_service_destroy(service);
}

/* What is missing of it is still in memory, from the one before. */
Test(service_hostile, request_without_its_end_is_dropped)
{
    IpcService *service = serve();
    IpcChannel *raw = requests();
    const struct head head = {1, 1, INT64_MAX, 0, FORM | CALL};
    IpcServiceStats stats = {.struct_size = sizeof stats};

    for (size_t size = 1; size < sizeof head; size++) {
        say(raw, 1, 1, FORM | CALL);
        ipc_service_refuse(service, receive(service));
        must_work(ipc_channel_write_blocking(raw, &head, size));
        must_be(ipc_service_receive(service, &at_once).ipc_status,
                IPC_ERR_TIMEOUT);
    }
    must_work(ipc_service_stats(service, &stats));
    must(stats.malformed == sizeof head - 1);
    ipc_channel_destroy(raw);
    ipc_service_destroy(service);
}

/* Numbers of clients that are not there, or whose channel is something else. */
Test(service_hostile, forged_clients_are_answered_by_nothing)
{
    IpcService *service = serve();
    IpcChannel *raw = requests();
    char full[4][NAME_ROOM + 20];
    char target[NAME_ROOM + 20];
    int before, fd;

    for (int i = 0; i < 4; i++)
        snprintf(full[i], sizeof full[i], "%s.%016x", name, i + 1);
    fd = shm_open(full[0], O_CREAT | O_EXCL | O_RDWR, 0600);
    must(fd >= 0 && write(fd, "not a channel", 13) == 13 && close(fd) == 0);
    snprintf(target, sizeof target, "/dev/shm%s.target", name);
    must(chdir("/dev/shm") == 0 && symlink(target, full[1] + 1) == 0);
    /* Of whose readers nobody knows. */
    ipc_channel_destroy(result_of(ipc_channel_open(full[2], NULL)));
    fd = shm_open(full[3], O_CREAT | O_EXCL | O_RDWR, 0600);
    must(fd >= 0 && close(fd) == 0);

    before = descriptors();
    for (uint64_t i = 1; i <= 20; i++)
        say(raw, i, i, FORM | CALL);
    for (uint64_t i = 1; i <= 20; i++) {
        IpcRequest *request = receive(service);

        must(request->client == i && request->size == 0);
        must(ipc_service_answer(service, request, "x", 1).ipc_status < 0);
    }
    must(descriptors() == before);
    must(access(target, F_OK) != 0);
    must_still_serve(service);
    ipc_channel_destroy(raw);
    ipc_service_destroy(service);
}

Test(service_hostile, more_clients_than_are_served_stop_nobody)
{
    const IpcServiceOptions few = {.struct_size = sizeof few, .max_clients = 2};
    IpcService *service = result_of(ipc_service_open(name, &few));
    IpcChannel *raw = requests();
    IpcServiceStats stats = {.struct_size = sizeof stats};
    IpcClient *client = connect_client();
    IpcCall call = send_order(client, ECHO, 1, 0);

    must(obey(service, receive(service)));
    must_be(collect_order(client, call, 1), IPC_OK);
    for (uint64_t i = 1; i <= 1000; i++)
        say(raw, i, i, FORM | HELLO);
    must_be(ipc_service_receive(service, &at_once).ipc_status, IPC_ERR_TIMEOUT);
    must_work(ipc_service_stats(service, &stats));
    must(stats.clients == 1001);
    call = send_order(client, ECHO, 2, 0);
    must(obey(service, receive(service)));
    must_be(collect_order(client, call, 2), IPC_OK);
    ipc_channel_destroy(raw);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

/* However many have said that they come, and died before. */
Test(service_hostile, dead_client_leaves_nothing_beside_many_who_never_came)
{
    const IpcServiceOptions few = {.struct_size = sizeof few, .max_clients = 2};
    const struct timespec shortly = {0, 20 * MILLISECOND};
    const int64_t end = now_ns() + 20 * SECOND;
    IpcService *service = result_of(ipc_service_open(name, &few));
    IpcChannel *raw = requests();
    pid_t kid;

    for (uint64_t i = 1; i <= 100; i++)
        say(raw, i, i, FORM | HELLO);
    must_be(ipc_service_receive(service, &at_once).ipc_status, IPC_ERR_TIMEOUT);
    kid = fork_child();
    if (kid == 0) {
        connect_client();
        sleep_for_ever();
    }
    must_leave(2);
    kill_child(kid);
    while (names_left() > 1) {
        must(now_ns() < end);
        must_be(ipc_service_receive(service, &shortly).ipc_status,
                IPC_ERR_TIMEOUT);
    }
    ipc_channel_destroy(raw);
    ipc_service_destroy(service);
}

/* No more are open than are served, and the others are served when there is
 * room again. */
Test(service_hostile, who_is_not_served_is_once_another_has_left)
{
    const IpcServiceOptions one = {.struct_size = sizeof one, .max_clients = 1};
    const struct timespec long_enough = {0, 700 * MILLISECOND};
    IpcService *service = result_of(ipc_service_open(name, &one));
    IpcClient *first = connect_client(), *second;
    IpcCall call = send_order(first, ECHO, 1, 0);
    IpcRequest *request;
    int before;

    must(obey(service, receive(service)));
    must_be(collect_order(first, call, 1), IPC_OK);
    second = connect_client();
    before = descriptors();
    /* A sweep looks at the second one. */
    must_be(ipc_service_receive(service, &long_enough).ipc_status,
            IPC_ERR_TIMEOUT);
    must(descriptors() == before);
    send_order(second, ECHO, 2, 0);
    request = receive(service);
    must_be(ipc_service_answer(service, request, "x", 1).ipc_status,
            IPC_ERR_OWNERS_FULL);
    ipc_client_destroy(first);
    call = send_order(second, ECHO, 3, 0);
    must(obey(service, receive(service)));
    must_be(collect_order(second, call, 3), IPC_OK);
    ipc_client_destroy(second);
    ipc_service_destroy(service);
    must(names_left() == 0);
}

/* Somebody else's goodbye, or for one who is still there, is not believed. */
Test(service_hostile, forged_goodbye_is_not_believed)
{
    IpcService *service = serve();
    IpcChannel *raw = requests();
    IpcClient *client = connect_client();
    IpcCall call = send_order(client, ECHO, 1, 0);
    IpcRequest *request = receive(service);

    say(raw, request->client, 0, FORM | BYE);
    say(raw, 12345, 0, FORM | BYE);
    must_be(ipc_service_receive(service, &at_once).ipc_status, IPC_ERR_TIMEOUT);
    must(names_left() == 2);
    must(obey(service, request));
    must_be(collect_order(client, call, 1), IPC_OK);
    ipc_channel_destroy(raw);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

Test(service_hostile, what_is_no_answer_is_dropped)
{
    IpcService *service = serve();
    IpcClient *client = connect_client();
    IpcCall calls[2] = {send_order(client, ECHO, 1, 0),
                        send_order(client, ECHO, 2, 0)};
    IpcRequest *request = receive(service);
    IpcChannel *raw = answers_of(request->client);
    struct answer_head head = {calls[0] + 77, IPC_OK, FORM};
    static const int32_t statuses[] = {-1000, 5, INT32_MIN, IPC_ERR_TIMEOUT};

    for (size_t size = 1; size < sizeof head; size++)
        must_work(ipc_channel_write_blocking(raw, &head, size));
    must_work(ipc_channel_write_blocking(raw, &head, sizeof head));
    head.call = calls[0];
    head.form = 0;
    must_work(ipc_channel_write_blocking(raw, &head, sizeof head));
    must_be(ipc_client_collect(client, calls[0], &(IpcAnswer){0}, &at_once)
                .ipc_status,
            IPC_EMPTY);
    must(obey(service, request));
    must_be(collect_order(client, calls[0], 1), IPC_OK);
    head = (struct answer_head){calls[1], statuses[0], FORM};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        IpcCall call = i ? send_order(client, ECHO, 3, 0) : calls[1];

        head.call = call;
        head.status = statuses[i];
        must_work(ipc_channel_write_blocking(raw, &head, sizeof head));
        must_be(collect_order(client, call, 3), IPC_ERR_CORRUPTED);
    }
    ipc_channel_destroy(raw);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}

/* A client may scribble over all that it has mapped. */
Test(service_hostile, answers_that_are_scribbled_over_stop_nobody)
{
    IpcService *service = serve();
    IpcClient *client = connect_client();
    char path[NAME_ROOM + 40];
    unsigned char junk[4096];
    uint64_t random = 99;
    int64_t before = now_ns();
    IpcCall first = send_order(client, ECHO, 1, 0);
    IpcCall second = send_order(client, ECHO, 2, 0);
    IpcRequest *request = receive(service);
    int fd;

    must(obey(service, request)); /* it is open now */
    request = receive(service);
    snprintf(path, sizeof path, "/dev/shm%s.%016llx", name,
             (unsigned long long)request->client);
    fd = open(path, O_RDWR);
    must(fd >= 0);
    for (size_t i = 0; i < sizeof junk; i++)
        junk[i] = (unsigned char)next_random(&random);
    for (off_t at = 64; at < 64 * 1024; at += (off_t)sizeof junk)
        must(pwrite(fd, junk, sizeof junk, at) == (ssize_t)sizeof junk);
    close(fd);
    ipc_service_answer(service, request, "x", 1);
    /* The calls end, and the next one finds its way. */
    must(collect_order(client, first, 1) < 0);
    must(collect_order(client, second, 2) < 0);
    must(now_ns() < before + 10 * SECOND);
    second = send_order(client, ECHO, 3, 0);
    must(obey(service, receive(service)));
    must_be(collect_order(client, second, 3), IPC_OK);
    must_still_serve(service);
    ipc_client_destroy(client);
    ipc_service_destroy(service);
}
