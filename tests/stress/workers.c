/* SPDX-License-Identifier: MIT */
/*
 * Workers that read ahead and acknowledge are killed at random moments, and
 * others take their place. Every message is read; none is read again after an
 * acknowledgement of it returned; and who gets one that another had is told so.
 *
 *     workers [-n kills] [-s seed] [-1]
 *
 * -1: one consumer, who acknowledges up to a message; else a work queue.
 */
#include "message.h"
#include <shmipc/shmipc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    WORKERS = 3,
    AHEAD = 5,
    MESSAGES = 1 << 22,
    LARGEST = 300,
    MEMORY = 8192
};
enum { BEGUN = 1, DONE = 2 };

struct board {
    _Atomic uint32_t failed;
    _Atomic uint32_t stop;
    _Atomic uint32_t written;
    _Atomic uint64_t again;
    _Atomic unsigned char seen[MESSAGES];
};

struct held {
    uint64_t offset;
    uint32_t sequence;
};

static void *region;
static struct board *board;
static IpcChannelConfiguration configuration = {
    .max_round_trips = 1, .start_sleep_ns = 1000, .max_sleep_ns = 1000000};
static const struct timespec patience = {.tv_sec = 60};

static void fail(const char *what, uint32_t sequence)
{
    fprintf(stderr, "%s: message %u\n", what, sequence);
    atomic_store(&board->failed, 1);
    _exit(1);
}

static IpcChannel *join(void)
{
    IpcChannelConnectResult r = ipc_channel_connect(region, configuration);

    if (IpcChannelConnectResult_is_error(r))
        fail(r.error.detail, 0);
    return r.result;
}

static void produce(void)
{
    IpcChannel *channel = join();
    unsigned char message[LARGEST];

    for (uint32_t i = 0; i < MESSAGES && !atomic_load(&board->stop); i++) {
        size_t size = message_size(0, i, LARGEST);
        IpcStatus status;

        message_fill(message, 0, i, size);
        status =
            ipc_channel_write_with_timeout(channel, message, size, &patience)
                .ipc_status;
        if (status != IPC_OK)
            fail(ipc_status_name(status), i);
        atomic_store(&board->written, i + 1);
    }
    if (IpcChannelCloseResult_is_error(ipc_channel_close(channel)))
        fail("close", 0);
}

static void note_begun(const IpcEntry *entry, bool again, struct held *held)
{
    struct message_header h;
    unsigned char seen;

    if (!message_check(entry->payload, entry->size, &h) ||
        entry->size != message_size(0, h.sequence, LARGEST) ||
        h.sequence >= MESSAGES)
        fail("torn", 0);
    seen = atomic_fetch_or(&board->seen[h.sequence], BEGUN);
    if (seen & DONE)
        fail("read after it was acknowledged", h.sequence);
    if ((seen & BEGUN) && !again)
        fail("read again, and nobody is told", h.sequence);
    atomic_fetch_add(&board->again, again);
    *held = (struct held){entry->offset, h.sequence};
}

/* Acknowledges or gives back some of what is held; returns how many stay. */
static int settle(IpcChannel *channel, struct held *held, int count,
                  uint32_t dice)
{
    const bool one = configuration.flags & IPC_BUFFER_ONE_CONSUMER;
    int which = (int)(dice % (uint32_t)count);
    int first = one ? 0 : which;
    IpcStatus status;

    if (dice >> 8 & 15) {
        status =
            ipc_channel_acknowledge(channel, held[which].offset).ipc_status;
        for (int i = first; status == IPC_OK && i <= which; i++)
            atomic_fetch_or(&board->seen[held[i].sequence], DONE);
    } else {
        status = ipc_channel_give_back(channel, held[which].offset).ipc_status;
    }
    if (status != IPC_OK)
        fail(ipc_status_name(status), held[which].sequence);
    if (one && !(dice >> 8 & 15))
        return which; /* all after it went back with it */
    memmove(held + first, held + which + 1,
            (size_t)(count - which - 1) * sizeof *held);
    return count - (which - first + 1);
}

/* Until the channel is closed and all is done. */
static void work(uint32_t seed)
{
    IpcChannel *channel = join();
    struct held held[AHEAD];
    int count = 0;

    for (uint32_t i = 0;; i++) {
        uint32_t dice = scramble((uint64_t)seed << 32 | i);
        IpcChannelReadAheadResult r;
        IpcEntry entry;

        if (count == AHEAD || (count > 0 && dice % 3 == 0)) {
            count = settle(channel, held, count, dice >> 4);
            continue;
        }
        /* Who holds something does not wait for others who do. */
        r = count ? ipc_channel_try_read_ahead(channel, &entry)
                  : ipc_channel_read_ahead_with_timeout(channel, &entry,
                                                        &patience);
        if (r.ipc_status == IPC_OK)
            note_begun(&entry, r.result, &held[count++]);
        else if (count > 0)
            count = settle(channel, held, count, dice >> 4);
        else if (r.ipc_status == IPC_ERR_CLOSED)
            return;
        else if (r.ipc_status != IPC_ERR_ROLE_TAKEN)
            fail(ipc_status_name(r.ipc_status), 0);
    }
}

static pid_t start(uint32_t seed)
{
    pid_t pid = fork();

    if (pid == 0) {
        alarm(300);
        if (seed == 0)
            produce();
        else
            work(seed);
        _exit(0);
    }
    return pid;
}

static bool ended_well(pid_t pid)
{
    int status;

    return waitpid(pid, &status, 0) == pid && status == 0;
}

/* At the end: every message was read, and all but a few are known to be done:
 * who was killed between the two had no time to say so. */
static bool all_is_done(uint32_t kills)
{
    uint32_t written = atomic_load(&board->written), unread = 0, unsaid = 0;
    IpcBufferStats stats = {.struct_size = sizeof stats};
    IpcChannel *channel = join();

    for (uint32_t i = 0; i < written; i++) {
        unread += !(board->seen[i] & BEGUN);
        unsaid += !(board->seen[i] & DONE);
    }
    if (ipc_channel_stats(channel, &stats).ipc_status != IPC_OK)
        return false;
    ipc_channel_destroy(channel);
    printf("%u kills, %u messages, %llu read again, %u unread, %u not said to "
           "be done, %llu bytes left\n",
           kills, written, (unsigned long long)atomic_load(&board->again),
           unread, unsaid, (unsigned long long)stats.used);
    return unread == 0 && unsaid <= AHEAD * kills && stats.used == 0;
}

int main(int argc, char **argv)
{
    uint32_t kills = 300, seed = (uint32_t)time(NULL), started = 1;
    pid_t producer, workers[WORKERS];
    IpcChannelResult created;
    bool well = true;
    int option;

    configuration.flags = IPC_BUFFER_ACKNOWLEDGE;
    while ((option = getopt(argc, argv, "n:s:1")) != -1) {
        if (option == 'n')
            kills = (uint32_t)atoi(optarg);
        else if (option == 's')
            seed = (uint32_t)atoi(optarg);
        else if (option == '1')
            configuration.flags = IPC_BUFFER_ONE_CONSUMER;
        else
            return 2;
    }
    printf("seed %u\n", seed);
    region = shared_zeros(MEMORY);
    board = shared_zeros(sizeof *board);
    if (!region || !board)
        return 2;
    created = ipc_channel_create(region, MEMORY, configuration);
    if (IpcChannelResult_is_error(created))
        return 2;
    producer = start(0);
    for (int i = 0; i < WORKERS; i++)
        workers[i] = start(seed + started++);
    for (uint32_t i = 0; i < kills && !atomic_load(&board->failed); i++) {
        uint32_t dice = scramble((uint64_t)seed << 32 | i);
        const struct timespec pause = {.tv_nsec = (long)(dice % 3000 * 1000)};

        nanosleep(&pause, NULL);
        kill(workers[dice >> 16 & 1], SIGKILL);
        waitpid(workers[dice >> 16 & 1], NULL, 0);
        workers[dice >> 16 & 1] = start(seed + started++);
    }
    atomic_store(&board->stop, 1);
    well &= ended_well(producer);
    for (int i = 0; i < WORKERS; i++)
        well &= ended_well(workers[i]);
    ipc_channel_destroy(created.result);
    return !well || atomic_load(&board->failed) || !all_is_done(kills);
}
