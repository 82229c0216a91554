/* SPDX-License-Identifier: MIT */
/*
 * Two processes, one segment: a sender and a receiver that exchange messages
 * of mixed sizes for about a second, check every one, and print an account.
 *
 * Three parts: as fast as it goes (throughput); one message at a time to a
 * receiver that polls; one at a time to a receiver that sleeps (latency).
 *
 *     cc two_processes.c $(pkg-config --cflags --libs shmipc)
 */
#include <shmipc/shmipc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SEGMENT_SIZE = 1 << 20,
    LARGEST = 4096,
    PARTS = 3,
    PART_NS = 350 * 1000 * 1000,
    POLLED_PAUSE_NS = 5 * 1000,
    ASLEEP_PAUSE_NS = 200 * 1000,
    POLLS = 100 * 1000 * 1000, /* then the sender must be gone: sleep */
    BUCKET_NS = 10,
    BUCKETS = 200 * 1000 + 1, /* the last: 2 ms and whatever took longer */
};

enum part { FLAT_OUT, POLLED, ASLEEP, STOP };

struct header {
    uint64_t sequence;
    int64_t sent_at;
    uint32_t part; /* enum part */
    uint32_t size;
};

struct account {
    uint64_t messages, bytes, damaged;
    int64_t first, last;
    uint32_t latency[BUCKETS];
};

static const IpcChannelConfiguration configuration = {
    .max_round_trips = 1000, .start_sleep_ns = 1000, .max_sleep_ns = 10000000};

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Sizes from a header's to LARGEST, most of them small. */
static uint32_t size_of(uint64_t sequence)
{
    uint32_t x = (uint32_t)(sequence * 2654435761u) >> 8;
    uint32_t span = x % 16 == 0 ? LARGEST : 128;

    return (uint32_t)sizeof(struct header) +
           (x >> 4) % (span - (uint32_t)sizeof(struct header) + 1);
}

static unsigned char byte_of(uint64_t sequence)
{
    return (unsigned char)(sequence * 31 + 7);
}

/* --------------------------------------------------------------- sending */

static int send_one(IpcChannel *channel, uint64_t sequence, enum part part)
{
    unsigned char message[LARGEST];
    struct header header = {
        .sequence = sequence, .part = part, .size = size_of(sequence)};
    IpcChannelWriteResult r;

    memset(message, byte_of(sequence), header.size);
    header.sent_at = now();
    memcpy(message, &header, sizeof header);
    for (;;) {
        r = ipc_channel_write(channel, message, header.size);
        if (r.ipc_status != IPC_ERR_NO_SPACE_CONTIGUOUS)
            break;
        sched_yield();
    }
    if (IpcChannelWriteResult_is_ok(r))
        return 0;
    fprintf(stderr, "write: %s\n", r.error.detail);
    return 1;
}

static void pause_for(enum part part)
{
    const struct timespec long_pause = {.tv_sec = 0,
                                        .tv_nsec = ASLEEP_PAUSE_NS};
    int64_t until = now() + POLLED_PAUSE_NS;

    if (part == ASLEEP)
        nanosleep(&long_pause, NULL);
    while (part == POLLED && now() < until)
        continue;
}

static int send_all(IpcChannel *channel, uint64_t *sent)
{
    *sent = 0;
    for (int part = FLAT_OUT; part < STOP; part++) {
        int64_t until = now() + PART_NS;

        while (now() < until) {
            if (send_one(channel, *sent, (enum part)part) != 0)
                return 1;
            *sent += 1;
            pause_for((enum part)part);
        }
    }
    return send_one(channel, *sent, STOP);
}

/* ------------------------------------------------------------- receiving */

static void note(struct account *a, const struct header *header,
                 const IpcEntry *entry, uint64_t expected)
{
    const unsigned char *bytes = entry->payload;
    int64_t at = now();
    int64_t bucket = (at - header->sent_at) / BUCKET_NS;
    int good = header->sequence == expected && entry->size == header->size &&
               header->size == size_of(expected);

    for (size_t i = sizeof *header; good && i < entry->size; i++)
        good = bytes[i] == byte_of(expected);
    a->damaged += !good;
    a->messages++;
    a->bytes += entry->size;
    if (a->messages == 1)
        a->first = at;
    a->last = at;
    if (bucket < 0)
        bucket = 0;
    a->latency[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
}

/* In the second part the receiver polls, else it sleeps when there is
 * nothing. */
static IpcStatus receive(IpcChannel *channel, enum part part, IpcEntry *entry)
{
    const struct timespec patience = {.tv_sec = 10, .tv_nsec = 0};

    for (long i = 0; part == POLLED && i < POLLS; i++) {
        IpcStatus status = ipc_channel_try_read_into(channel, entry).ipc_status;

        if (status != IPC_EMPTY && status != IPC_ERR_NOT_READY)
            return status;
    }
    return ipc_channel_read_into_with_timeout(channel, entry, &patience)
        .ipc_status;
}

static int receive_all(IpcChannel *channel, struct account *accounts,
                       uint64_t *received)
{
    static unsigned char memory[LARGEST];
    enum part part = FLAT_OUT;

    for (*received = 0;; *received += 1) {
        IpcEntry entry = {.payload = memory, .size = sizeof memory};
        IpcStatus status = receive(channel, part, &entry);
        struct header header;

        if (status != IPC_OK) {
            fprintf(stderr, "read: %s\n", ipc_status_text(status));
            return 1;
        }
        memcpy(&header, memory, sizeof header);
        part = (enum part)header.part;
        if (part >= STOP)
            return 0;
        note(&accounts[part], &header, &entry, *received);
    }
}

/* -------------------------------------------------------------- accounts */

/* The last bucket has all that took longer, too: no more is known of these. */
static void print_percentile(const struct account *a, int percent)
{
    uint64_t wanted = a->messages * (uint64_t)percent / 100;
    uint64_t seen = 0;
    int i = 0;

    while (i < BUCKETS - 1 && (seen += a->latency[i]) <= wanted)
        i++;
    printf("p%d %s%.2f us", percent, i == BUCKETS - 1 ? ">= " : "",
           i * (double)BUCKET_NS / 1000);
}

static void print_latency(const char *title, const struct account *a,
                          const char *receiver)
{
    printf("  %-18s ", title);
    print_percentile(a, 50);
    printf(", ");
    print_percentile(a, 99);
    printf(" (receiver %s)\n", receiver);
}

static void print_accounts(const struct account *a, uint64_t sent,
                           uint64_t received)
{
    double seconds = (double)(a[FLAT_OUT].last - a[FLAT_OUT].first) / 1e9;
    uint64_t bytes = 0, damaged = 0;

    for (int i = 0; i < PARTS; i++) {
        bytes += a[i].bytes;
        damaged += a[i].damaged;
    }
    printf("Two processes, one %d KiB segment, messages of %zu to %d bytes\n",
           SEGMENT_SIZE / 1024, sizeof(struct header), LARGEST);
    printf("  received           %llu messages, %llu bytes\n",
           (unsigned long long)received, (unsigned long long)bytes);
    printf("  throughput         %.2f million messages/s, %.0f MB/s\n",
           (double)a[FLAT_OUT].messages / seconds / 1e6,
           (double)a[FLAT_OUT].bytes / seconds / 1e6);
    print_latency("one-way latency", &a[POLLED], "polls");
    print_latency("", &a[ASLEEP], "sleeps");
    printf("  lost %lld, damaged or out of order %llu\n",
           (long long)(sent - received), (unsigned long long)damaged);
}

/* ------------------------------------------------------------- processes */

static IpcMemorySegment *map_segment(const char *name)
{
    IpcMemorySegmentResult r = ipc_mmap(name, SEGMENT_SIZE);

    if (IpcMemorySegmentResult_is_ok(r))
        return r.result;
    fprintf(stderr, "segment: %s (%s)\n", r.error.detail,
            strerror(r.error.body.sys_errno));
    return NULL;
}

/* Tells the parent through the pipe how many it sent. */
static int be_sender(const char *name, int result)
{
    IpcMemorySegment *segment = map_segment(name);
    IpcChannelConnectResult r;
    uint64_t sent;
    int bad;

    if (!segment)
        return 1;
    /* Both have it now: without a name nothing stays, whatever ends them. */
    ipc_channel_unlink(name);
    r = ipc_channel_connect_sized(segment->memory, SEGMENT_SIZE, configuration);
    if (IpcChannelConnectResult_is_error(r)) {
        fprintf(stderr, "connect: %s\n", r.error.detail);
        return 1;
    }
    bad = send_all(r.result, &sent);
    ipc_channel_destroy(r.result);
    ipc_unmap(segment);
    return bad || write(result, &sent, sizeof sent) != sizeof sent;
}

static int be_receiver(IpcChannel *channel, pid_t sender, int result)
{
    static struct account accounts[PARTS];
    uint64_t sent = 0, received = 0;
    int status;
    int bad = receive_all(channel, accounts, &received);

    if (bad || read(result, &sent, sizeof sent) != sizeof sent)
        fprintf(stderr, "the sender did not finish\n");
    else
        print_accounts(accounts, sent, received);
    for (int i = 0; i < PARTS; i++)
        bad |= accounts[i].damaged != 0;
    return waitpid(sender, &status, 0) != sender || status != 0 || bad ||
           sent != received;
}

int main(void)
{
    IpcMemorySegment *segment;
    IpcChannelResult created;
    char name[64];
    int result[2];
    pid_t receiver, sender;
    int bad;

    snprintf(name, sizeof name, "/shmipc-two-processes-%ld", (long)getpid());
    segment = map_segment(name);
    if (!segment || pipe(result) != 0)
        return 1;
    created = ipc_channel_create(segment->memory, SEGMENT_SIZE, configuration);
    if (IpcChannelResult_is_error(created)) {
        fprintf(stderr, "create: %s\n", created.error.detail);
        ipc_unlink(segment);
        return 1;
    }
    receiver = getpid();
    sender = fork();
    if (sender == 0) {
        /* Without a receiver it would wait for space for ever. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(getppid() != receiver || be_sender(name, result[1]));
    }
    close(result[1]);
    bad = sender < 0 || be_receiver(created.result, sender, result[0]);
    ipc_channel_destroy(created.result);
    ipc_unlink(segment);
    return bad;
}
