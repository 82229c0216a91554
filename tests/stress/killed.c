/* SPDX-License-Identifier: MIT */
/*
 * A storm: producers and consumers are killed at random moments, and others
 * take their place, or stopped for a while. Every message whose write returned
 * arrives once and whole; one per killed producer may have been committed just
 * before it could say so. One per killed consumer may have been taken just
 * before it could say so. What was written and read is noted outside the ring.
 *
 *     killed [-n kills] [-m memory] [-s seed] [-p] [-1] [-w backend]
 *
 * -p: kill producers only; then nothing at all may be missing. -1: one
 * producer.
 */
#include "message.h"
#include <errno.h>
#include <sched.h>
#include <shmipc/shmipc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PRODUCERS = 4,
    CONSUMERS = 3,
    KILLS_PER_STOP = 4, /* on average */
    LARGEST = 600,
    PER_PRODUCER = 1 << 17,
};

struct slot {
    _Atomic uint32_t started;  /* sequence that is being written */
    _Atomic uint32_t finished; /* sequences below this were committed */
};

struct board {
    _Atomic uint32_t failed;
    _Atomic uint32_t stop;
    _Atomic int64_t last_read;     /* when, ns */
    _Atomic int64_t longest_stall; /* between two reads of anybody, ns */
    struct slot slots[1 << 12];    /* one per producer process */
    _Atomic unsigned char seen[1 << 12][PER_PRODUCER / 8];
};

static void *region;
static struct board *board;
static IpcChannelConfiguration configuration = {
    .max_round_trips = 1, .start_sleep_ns = 1000, .max_sleep_ns = 1000000};

static void fail(const char *what, uint32_t producer, uint32_t sequence)
{
    fprintf(stderr, "%s: producer %u message %u\n", what, producer, sequence);
    atomic_store(&board->failed, 1);
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Readers may note theirs in another order than they read: a stall is then a
 * little shorter here than it was. */
static void note_time(void)
{
    int64_t now = now_ns();
    int64_t stall = now - atomic_exchange(&board->last_read, now);
    int64_t longest = atomic_load(&board->longest_stall);

    while (stall > longest && !atomic_compare_exchange_weak(
                                  &board->longest_stall, &longest, stall))
        continue;
}

static IpcChannel *join(void)
{
    IpcChannelConnectResult r = ipc_channel_connect(region, configuration);

    return IpcChannelConnectResult_is_ok(r) ? r.result : NULL;
}

/* Every other producer sleeps for space, so that sleepers are killed too. */
static IpcStatus send_message(IpcChannel *channel, uint32_t number,
                              const unsigned char *message, size_t size)
{
    const struct timespec wait = {0, 50000000};
    IpcStatus status;

    if (number % 2 != 0)
        return ipc_channel_write_with_timeout(channel, message, size, &wait)
            .ipc_status;
    status = ipc_channel_write(channel, message, size).ipc_status;
    if (status == IPC_ERR_NO_SPACE_CONTIGUOUS)
        sched_yield();
    return status;
}

static void produce(uint32_t number)
{
    struct slot *slot = &board->slots[number];
    IpcChannel *channel = join();
    unsigned char message[LARGEST];

    for (uint32_t i = 0; channel && i < PER_PRODUCER; i++) {
        size_t size = message_size(number, i, LARGEST);
        IpcStatus status;

        message_fill(message, number, i, size);
        atomic_store(&slot->started, i + 1);
        do {
            status = send_message(channel, number, message, size);
        } while (status == IPC_ERR_NO_SPACE_CONTIGUOUS ||
                 status == IPC_ERR_LOCKED || status == IPC_ERR_TIMEOUT);
        if (status != IPC_OK) {
            fail(ipc_status_name(status), number, i);
            return;
        }
        atomic_store(&slot->finished, i + 1);
    }
}

static void note(const IpcEntry *entry)
{
    struct message_header h;
    unsigned char bit;

    if (!message_check(entry->payload, entry->size, &h) ||
        entry->size != message_size(h.producer, h.sequence, LARGEST) ||
        h.producer >= 1 << 12 || h.sequence >= PER_PRODUCER) {
        fail("torn", 0, 0);
        return;
    }
    bit = (unsigned char)(1 << h.sequence % 8);
    if (atomic_fetch_or(&board->seen[h.producer][h.sequence / 8], bit) & bit)
        fail("twice", h.producer, h.sequence);
    note_time();
}

static void consume(void)
{
    const struct timespec wait = {0, 50000000};
    IpcChannel *channel = join();
    unsigned char message[LARGEST];

    while (channel) {
        IpcEntry entry = {.payload = message, .size = sizeof message};
        IpcStatus status =
            ipc_channel_read_into_with_timeout(channel, &entry, &wait)
                .ipc_status;

        if (status == IPC_OK)
            note(&entry);
        else if (status != IPC_ERR_TIMEOUT)
            fail(ipc_status_name(status), 0, 0);
        else if (atomic_load(&board->stop))
            return;
    }
}

static pid_t start(uint32_t number)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (number == UINT32_MAX)
            consume();
        else
            produce(number);
        _exit(0);
    }
    return pid;
}

static void sleep_us(uint32_t microseconds)
{
    const struct timespec t = {0, (long)microseconds * 1000};

    nanosleep(&t, NULL);
}

static void kill_and_reap(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void stop_for_a_while(pid_t pid, uint32_t microseconds)
{
    kill(pid, SIGSTOP);
    sleep_us(microseconds);
    kill(pid, SIGCONT);
}

/* Messages that were committed for certain but never seen. */
static uint32_t count_missing(uint32_t producers)
{
    uint32_t missing = 0;

    for (uint32_t p = 0; p < producers; p++)
        for (uint32_t i = 0; i < atomic_load(&board->slots[p].finished); i++)
            if (!(atomic_load(&board->seen[p][i / 8]) & 1 << i % 8))
                missing++;
    return missing;
}

static bool nothing_invented(uint32_t producers)
{
    for (uint32_t p = 0; p < producers; p++)
        for (uint32_t i = atomic_load(&board->slots[p].started);
             i < PER_PRODUCER; i++)
            if (atomic_load(&board->seen[p][i / 8]) & 1 << i % 8)
                return false;
    return true;
}

int main(int argc, char **argv)
{
    pid_t producers[PRODUCERS], consumers[CONSUMERS];
    uint32_t kills = 300, seed = (uint32_t)time(NULL);
    uint32_t started = 0, killed_consumers = 0, stops = 0, missing;
    uint32_t producer_count = PRODUCERS;
    uint64_t total = 0;
    size_t memory = 16384;
    IpcChannelResult created;
    bool producers_only = false;
    int option;

    while ((option = getopt(argc, argv, "n:m:s:p1w:")) != -1) {
        if (option == 'n')
            kills = (uint32_t)atoi(optarg);
        else if (option == 'm')
            memory = (size_t)atol(optarg);
        else if (option == 's')
            seed = (uint32_t)atoi(optarg);
        else if (option == 'w')
            configuration.wait = (uint32_t)atoi(optarg);
        else if (option == 'p')
            producers_only = true;
        else if (option == '1') {
            configuration.flags = IPC_BUFFER_ONE_PRODUCER;
            producer_count = 1;
        } else
            return 2;
    }
    if (kills > (1 << 12) - PRODUCERS)
        return 2;
    printf("seed %u\n", seed);
    region = shared_zeros(memory);
    board = shared_zeros(sizeof *board);
    if (!region || !board)
        return 2;
    created = ipc_channel_create(region, memory, configuration);
    if (created.ipc_status == IPC_ERR_UNSUPPORTED) {
        printf("skipped: this way of waiting is not to be had here\n");
        return 77;
    }
    if (IpcChannelResult_is_error(created))
        return 2;
    alarm(300);
    atomic_store(&board->last_read, now_ns());
    for (uint32_t i = 0; i < producer_count; i++)
        producers[i] = start(started++);
    for (int i = 0; i < CONSUMERS; i++)
        consumers[i] = start(UINT32_MAX);
    for (uint32_t i = 0; i < kills && !atomic_load(&board->failed); i++) {
        uint32_t dice = scramble((uint64_t)seed << 32 | i);

        sleep_us(dice % 3000);
        if ((dice >> 24) % KILLS_PER_STOP == 0) {
            stop_for_a_while(dice >> 15 & 1
                                 ? producers[(dice >> 16) % producer_count]
                                 : consumers[(dice >> 16) % CONSUMERS],
                             dice % 5000);
            stops++;
        }
        if (producers_only || (dice >> 12 & 3)) {
            pid_t *victim = &producers[(dice >> 16) % producer_count];

            kill_and_reap(*victim);
            *victim = start(started++);
        } else {
            pid_t *victim = &consumers[(dice >> 16) % CONSUMERS];

            kill_and_reap(*victim);
            *victim = start(UINT32_MAX);
            killed_consumers++;
        }
    }
    for (uint32_t i = 0; i < producer_count; i++)
        kill_and_reap(producers[i]);
    atomic_store(&board->stop, 1);
    for (int i = 0; i < CONSUMERS; i++)
        waitpid(consumers[i], NULL, 0);
    for (uint32_t p = 0; p < started; p++)
        total += atomic_load(&board->slots[p].finished);
    missing = count_missing(started);
    printf("%u kills (%u of consumers), %u stops, %llu messages committed, "
           "%u unseen, longest stall %lld us\n",
           kills, killed_consumers, stops, (unsigned long long)total, missing,
           (long long)atomic_load(&board->longest_stall) / 1000);
    ipc_channel_destroy(created.result);
    return atomic_load(&board->failed) || missing > killed_consumers ||
           !nothing_invented(started);
}
