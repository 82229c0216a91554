/* SPDX-License-Identifier: MIT */
/*
 * Market data: one process writes ticks, and three others read them, each of
 * them every tick, at its own pace. The channel is small, so the feed waits for
 * the slowest of them, which misses nothing. One of the three is killed in the
 * middle: the feed and the other two do not feel it.
 *
 *     cc market_data.c $(pkg-config --cflags --libs shmipc)
 */
#include <shmipc/shmipc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READERS = 3, TICKS = 20000, CHANNEL_SIZE = 16384, SYMBOLS = 4 };

struct tick {
    unsigned number; /* from 1 on */
    unsigned symbol;
    double price;
};

static const char *const symbols[SYMBOLS] = {"AAA", "BBB", "CCC", "DDD"};
static char name[64];

static IpcChannel *open_channel(void)
{
    IpcOpenOptions options = {.struct_size = sizeof options,
                              .size = CHANNEL_SIZE};
    IpcChannelOpenResult opened;

    options.configuration.flags = IPC_BUFFER_BROADCAST;
    opened = ipc_channel_open(name, &options);
    if (IpcChannelOpenResult_is_error(opened)) {
        fprintf(stderr, "open %s: %s\n", name, opened.error.detail);
        exit(EXIT_FAILURE);
    }
    return opened.result;
}

/* -------------------------------------------------------------- a reader */

/* Reads until the channel is closed, and keeps the last price of each symbol.
 * Exit code 0: not one tick was missing. */
static int read_ticks(int reader)
{
    IpcChannel *channel = open_channel();
    IpcChannelSubscribeResult subscribed = ipc_channel_subscribe(channel, NULL);
    double last[SYMBOLS] = {0};
    unsigned count = 0;
    struct tick tick;
    IpcEntry entry = {.payload = &tick, .size = sizeof tick};

    if (IpcChannelSubscribeResult_is_error(subscribed)) {
        fprintf(stderr, "subscribe: %s\n", subscribed.error.detail);
        return EXIT_FAILURE;
    }
    while (ipc_channel_read_into_blocking(channel, &entry).ipc_status ==
           IPC_OK) {
        if (tick.number != ++count)
            return EXIT_FAILURE;
        last[tick.symbol] = tick.price;
        entry.size = sizeof tick;
    }
    printf("reader %d: %u ticks, %s at %.2f\n", reader, count, symbols[0],
           last[0]);
    ipc_channel_destroy(channel);
    return count == TICKS ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* -------------------------------------------------------------- the feed */

static int write_ticks(IpcChannel *channel, pid_t to_be_killed)
{
    for (unsigned i = 1; i <= TICKS; i++) {
        const struct tick tick = {i, i % SYMBOLS, 100 + i * 0.01};
        IpcChannelWriteResult written =
            ipc_channel_write_blocking(channel, &tick, sizeof tick);

        if (IpcChannelWriteResult_is_error(written)) {
            fprintf(stderr, "write: %s\n", written.error.detail);
            return -1;
        }
        if (i == TICKS / 2)
            kill(to_be_killed, SIGKILL);
    }
    return IpcChannelCloseResult_is_ok(ipc_channel_close(channel)) ? 0 : -1;
}

/* So that nobody begins in the middle. The same call tells how far behind each
 * of them is. False: they do not come. */
static bool wait_for_readers(const IpcChannel *channel)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    for (int i = 0; i < 10000; i++) {
        if (ipc_channel_subscribers(channel, NULL, 0).result == READERS)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

int main(void)
{
    pid_t readers[READERS];
    IpcChannel *channel;
    int status, failures = 0;

    snprintf(name, sizeof name, "/market-data-%ld", (long)getpid());
    for (int i = 0; i < READERS; i++) {
        readers[i] = fork();
        if (readers[i] == 0)
            exit(read_ticks(i));
    }
    channel = open_channel();
    if (!wait_for_readers(channel) || write_ticks(channel, readers[2]) != 0)
        failures++;
    for (int i = 0; i < READERS; i++) {
        waitpid(readers[i], &status, 0);
        failures += i < 2 ? status != 0 : !WIFSIGNALED(status);
    }
    ipc_channel_destroy(channel);
    ipc_channel_unlink(name);
    printf("%s\n", failures ? "ticks were missing" : "nobody missed a tick");
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
