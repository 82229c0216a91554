/* SPDX-License-Identifier: MIT */
/*
 * Calls with a timeout, as a program sees them whose time_t may have another
 * width than the library's: each waits as long as it was told, and not longer
 * than a test can.
 */
#define _POSIX_C_SOURCE 200809L
#include <shmipc/ipc_batch.h>
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <stdlib.h>

/* Not 0 in any half of it. */
static const struct timespec timeout = {0, 30000000};
static const struct timespec wrong = {-1, 0};
static _Alignas(64) unsigned char memory[2048];

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

#define waits(call)                                                            \
    do {                                                                       \
        double start = now();                                                  \
                                                                               \
        if ((call).ipc_status != IPC_ERR_TIMEOUT || now() - start < 0.03) {    \
            printf("%s: %f s\n", #call, now() - start);                        \
            return EXIT_FAILURE;                                               \
        }                                                                      \
    } while (0)

#define refuses(call)                                                          \
    do {                                                                       \
        if ((call).ipc_status != IPC_ERR_INVALID_ARGUMENT) {                   \
            printf("%s: a wrong timeout is taken\n", #call);                   \
            return EXIT_FAILURE;                                               \
        }                                                                      \
    } while (0)

int main(void)
{
    IpcChannelConfiguration configuration =
        IPC_CHANNEL_CONFIGURATION(1, 1000, 1000);
    IpcChannelResult made =
        ipc_channel_create(memory, sizeof memory, configuration);
    IpcChannel *ch = made.result;
    char bytes[64] = {0};
    struct iovec piece = {bytes, sizeof bytes};
    IpcReservation reservation;
    IpcEntry entry = {0, bytes, sizeof bytes};

    if (IpcChannelResult_is_error(made))
        return EXIT_FAILURE;
    waits(ipc_channel_read_with_timeout(ch, &entry, &timeout));
    entry.payload = bytes;
    waits(ipc_channel_read_into_with_timeout(ch, &entry, &timeout));
    waits(ipc_channel_peek_with_timeout(ch, &entry, &timeout));
    waits(ipc_channel_read_batch_with_timeout(ch, &entry, 1, bytes,
                                              sizeof bytes, &timeout));
    waits(ipc_channel_read_array_with_timeout(ch, bytes, 8, 2, &timeout));
    refuses(ipc_channel_read_into_with_timeout(ch, &entry, &wrong));
    while (ipc_channel_write(ch, bytes, sizeof bytes).ipc_status == IPC_OK)
        continue;
    waits(ipc_channel_write_with_timeout(ch, bytes, sizeof bytes, &timeout));
    waits(ipc_channel_writev_with_timeout(ch, &piece, 1, &timeout));
    waits(ipc_channel_reserve_with_timeout(ch, sizeof bytes, &reservation,
                                           &timeout));
    refuses(ipc_channel_write_with_timeout(ch, bytes, 1, &wrong));
    ipc_channel_destroy(ch);
    printf("time_t of %zu bytes: all calls waited as long as they were told\n",
           sizeof(time_t));
    return EXIT_SUCCESS;
}
