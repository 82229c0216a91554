/* SPDX-License-Identifier: MIT */
/*
 * A look at a channel of two strangers. One process sends quotes and another
 * one receives them; a third, that neither of them knows of, taps the channel
 * by its name and says how many went by, and what it missed. It takes nothing:
 * the receiver gets all of them.
 *
 *     cc tap.c $(pkg-config --cflags --libs shmipc)
 */
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { QUOTES = 20000 };

struct quote {
    int number;
    double price;
};

static char name[40];

static IpcChannel *open_channel(void)
{
    IpcOpenOptions options = {.struct_size = sizeof options};
    IpcChannelOpenResult r;

    /* One producer and taps that miss nothing that is still there. */
    options.configuration.flags = IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_TAPS;
    r = ipc_channel_open(name, &options);
    if (r.ipc_status != IPC_OK)
        fprintf(stderr, "open: %s\n", r.error.detail);
    return r.ipc_status == IPC_OK ? r.result : NULL;
}

static int send_quotes(void)
{
    IpcChannel *channel = open_channel();

    for (int i = 0; channel && i < QUOTES; i++) {
        const struct quote quote = {i, 100 + i % 7};
        const struct timespec pause = {.tv_nsec = 1000000};

        if (ipc_channel_write_blocking(channel, &quote, sizeof quote)
                .ipc_status != IPC_OK)
            return 1;
        if (i % 1000 == 0)
            nanosleep(&pause, NULL);
    }
    return channel == NULL || ipc_channel_close(channel).ipc_status != IPC_OK;
}

static int receive_quotes(void)
{
    IpcChannel *channel = open_channel();
    struct quote quote;
    IpcEntry entry = {.payload = &quote, .size = sizeof quote};
    int count = 0;

    while (channel &&
           ipc_channel_read_into_blocking(channel, &entry).ipc_status ==
               IPC_OK) {
        if (quote.number != count++)
            return 1;
        entry.size = sizeof quote;
    }
    printf("received %d\n", count);
    fflush(stdout);
    return count != QUOTES;
}

/* Knows no more than the name, and needs no more than to read it. */
static int look_on(void)
{
    IpcTapOpenResult tap = ipc_tap_open(name, NULL);
    IpcTapInfo info = {.struct_size = sizeof info};
    long seen = 0, missed;

    if (tap.ipc_status != IPC_OK) {
        fprintf(stderr, "tap: %s\n", tap.error.detail);
        return 1;
    }
    /* What went by before it came. */
    ipc_tap_stats(tap.result, &info);
    missed = (long)(info.offset / IPC_BUFFER_BLOCK_SIZE);
    for (;;) {
        struct quote quote;
        IpcEntry entry = {.payload = &quote, .size = sizeof quote};
        IpcTapReadResult r =
            ipc_tap_read_with_timeout(tap.result, &entry, UINT64_MAX);

        if (r.ipc_status == IPC_OK)
            seen++;
        else if (r.ipc_status == IPC_ERR_LAGGED)
            missed += (long)(r.error.body.lost / IPC_BUFFER_BLOCK_SIZE);
        else if (r.ipc_status == IPC_ERR_CLOSED)
            break;
        else
            return 1;
    }
    printf("looked on: %ld seen, %ld missed\n", seen, missed);
    fflush(stdout);
    ipc_tap_destroy(tap.result);
    return seen + missed != QUOTES;
}

static int start(int (*part)(void))
{
    fflush(stdout);
    if (fork() == 0)
        _exit(part());
    return 1;
}

int main(void)
{
    IpcChannel *channel;
    int children = 0, failed = 0, status;

    snprintf(name, sizeof name, "/shmipc-example-tap-%ld", (long)getpid());
    channel = open_channel();
    if (!channel)
        return 1;
    children += start(look_on);
    children += start(receive_quotes);
    children += start(send_quotes);
    for (; children > 0; children--)
        failed += wait(&status) < 0 || status != 0;
    ipc_channel_destroy(channel);
    ipc_channel_unlink(name);
    return failed != 0;
}
