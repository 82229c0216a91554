/* SPDX-License-Identifier: MIT */
/*
 * Serves by a name, or calls who serves.
 *
 *     asker serve NAME                 answers with what it was asked, doubled;
 *                                      after two seconds if that begins by "w"
 *     asker call NAME COUNT MS SIZE    COUNT calls of SIZE bytes, one after the
 *                                      other: prints how many were answered as
 *                                      they should be, and how the last ended
 *     asker wait NAME MS               one that is answered late
 */
#include <shmipc/ipc_service.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROOM = 1 << 18 };

static unsigned char bytes[2 * ROOM];

static int serve(const char *name)
{
    IpcServiceOpenResult opened = ipc_service_open(name, NULL);

    if (opened.ipc_status != IPC_OK)
        return 1;
    puts("serves");
    fflush(stdout);
    for (;;) {
        IpcServiceReceiveResult r = ipc_service_receive(opened.result, NULL);
        const struct timespec late = {2, 0};
        size_t size;

        if (r.ipc_status != IPC_OK)
            return 1;
        size = r.result->size < ROOM ? r.result->size : ROOM;
        if (size > 0) {
            memcpy(bytes, r.result->payload, size);
            memcpy(bytes + size, r.result->payload, size);
        }
        if (size > 0 && bytes[0] == 'w')
            nanosleep(&late, NULL);
        IPC_IGNORE(
            ipc_service_answer(opened.result, r.result, bytes, 2 * size));
    }
}

static IpcClient *open_client(const char *name)
{
    const IpcClientOptions options = {.struct_size = sizeof options,
                                      .size = 4 * ROOM,
                                      .timeout_ns = 20000000000};
    IpcClientOpenResult r = ipc_client_open(name, &options);

    if (r.ipc_status == IPC_OK)
        return r.result;
    printf("0 %s\n", ipc_status_name(r.ipc_status));
    exit(0);
}

static bool is_doubled(const IpcAnswer *a, const unsigned char *asked,
                       size_t size)
{
    return a->size == 2 * size && memcmp(a->payload, asked, size) == 0 &&
           memcmp((unsigned char *)a->payload + size, asked, size) == 0;
}

static int call(const char *name, long count, long ms, size_t size)
{
    const struct timespec timeout = {ms / 1000, ms % 1000 * 1000000};
    static unsigned char asked[ROOM];
    IpcClient *client = open_client(name);
    IpcStatus last = IPC_OK;
    long good = 0;

    for (long i = 0; i < count; i++) {
        IpcAnswer answer = {.payload = bytes, .size = sizeof bytes};

        memset(asked, (int)('a' + i % 20), size);
        last =
            ipc_client_call(client, asked, size, &answer, &timeout).ipc_status;
        good += last == IPC_OK && is_doubled(&answer, asked, size);
    }
    printf("%ld %s\n", good, ipc_status_name(last));
    ipc_client_destroy(client);
    return 0;
}

static int wait_for(const char *name, long ms)
{
    const struct timespec timeout = {ms / 1000, ms % 1000 * 1000000};
    IpcClient *client = open_client(name);
    IpcAnswer answer = {.payload = bytes, .size = sizeof bytes};
    IpcStatus status =
        ipc_client_call(client, "w", 1, &answer, &timeout).ipc_status;

    printf("%d %s\n", status == IPC_OK, ipc_status_name(status));
    ipc_client_destroy(client);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    if (argc == 6 && strcmp(argv[1], "call") == 0)
        return call(argv[2], atol(argv[3]), atol(argv[4]),
                    (size_t)atol(argv[5]));
    if (argc == 4 && strcmp(argv[1], "wait") == 0)
        return wait_for(argv[2], atol(argv[3]));
    return 2;
}
