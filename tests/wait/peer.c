/* SPDX-License-Identifier: MIT */
/*
 * One of two parties that were built from different configurations of the
 * library and hand a number back and forth through two named segments.
 *
 *     peer first|second NAME WAIT COUNT
 *
 * `first` creates both channels. WAIT is an IpcWait. Exits 77 if that way of
 * waiting is not to be had.
 */
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 4096, SKIPPED = 77, PATIENCE_S = 20 };

static IpcChannelConfiguration configuration = {
    .max_round_trips = 1, .start_sleep_ns = 1000, .max_sleep_ns = 1000000};
static IpcMemorySegment *segments[2];
static IpcChannel *channels[2];

static IpcStatus open_channel(int i, const char *name, bool create)
{
    char path[128];
    IpcMemorySegmentResult mapped;
    IpcStatus status;

    snprintf(path, sizeof path, "/%s-%d", name, i);
    mapped = ipc_mmap(path, SIZE);
    if (IpcMemorySegmentResult_is_error(mapped))
        return mapped.ipc_status;
    segments[i] = mapped.result;
    if (create) {
        IpcChannelResult r =
            ipc_channel_create(mapped.result->memory, SIZE, configuration);

        channels[i] = r.ipc_status == IPC_OK ? r.result : NULL;
        return r.ipc_status;
    }
    for (int tries = 0; tries < 500; tries++) {
        IpcChannelConnectResult r = ipc_channel_connect_sized(
            mapped.result->memory, SIZE, configuration);

        status = r.ipc_status;
        channels[i] = status == IPC_OK ? r.result : NULL;
        if (status != IPC_ERR_NOT_FORMATTED && status != IPC_ERR_INITIALIZING)
            break;
        usleep(1000);
    }
    return status;
}

static int receive(IpcChannel *channel, int expected)
{
    const struct timespec patience = {.tv_sec = PATIENCE_S, .tv_nsec = 0};
    int got = -1;
    IpcEntry entry = {.payload = &got, .size = sizeof got};
    IpcStatus status =
        ipc_channel_read_into_with_timeout(channel, &entry, &patience)
            .ipc_status;

    if (status == IPC_OK && got == expected)
        return 0;
    fprintf(stderr, "%s, got %d instead of %d\n", ipc_status_name(status), got,
            expected);
    return 1;
}

static int send_number(IpcChannel *channel, int number)
{
    return ipc_channel_write_blocking(channel, &number, sizeof number)
               .ipc_status != IPC_OK;
}

static int play(bool first, int count)
{
    for (int i = 0; i < count; i++) {
        if (first && (send_number(channels[0], i) || receive(channels[1], i)))
            return 1;
        if (!first && (receive(channels[0], i) || send_number(channels[1], i)))
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    bool first = argc == 5 && strcmp(argv[1], "first") == 0;
    int bad = 0;

    if (argc != 5)
        return 2;
    configuration.wait = (uint32_t)atoi(argv[3]);
    for (int i = 0; i < 2 && !bad; i++) {
        IpcStatus status = open_channel(i, argv[2], first);

        if (status == IPC_ERR_UNSUPPORTED)
            bad = SKIPPED;
        else if (status != IPC_OK)
            bad = 1;
    }
    if (!bad)
        bad = play(first, atoi(argv[4]));
    for (int i = 0; i < 2; i++) {
        if (channels[i])
            ipc_channel_destroy(channels[i]);
        if (segments[i] && first)
            ipc_unlink(segments[i]);
        else if (segments[i])
            ipc_unmap(segments[i]);
    }
    return bad;
}
