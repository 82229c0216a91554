/* SPDX-License-Identifier: MIT */
/*
 * Taps on a ring that is as busy as can be: no copy that they return is torn,
 * what they return and what they say they lost is all there was, and readers
 * miss nothing because of them.
 *
 *     tap [-P producers] [-C consumers] [-n messages] [-m bytes] [-x bytes]
 *         [-1] [-2] [-f] [-a]
 *
 * Each producer writes so many messages of up to -x bytes into a ring of -m
 * bytes. -1 and -2: one-producer and one-consumer mode; -f: IPC_BUFFER_TAPS;
 * -a: arrays of small messages, now and then. One tap reads as fast as it can,
 * one sleeps in between, and one begins anew at the newest each time.
 */
#include "message.h"
#include <shmipc/shmipc.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TAPS = 3, RUN = 6, SMALL = 16, LONGEST = 1 << 16 };

struct shared {
    atomic_uint writing; /* producers that have not finished */
    atomic_uint read;    /* messages */
    atomic_uint tapping; /* taps that are there */
};

static size_t memory_size = 65536, largest = 1000;
static unsigned producers = 2, consumers = 2, messages = 20000;
static uint32_t flags;
static bool with_arrays;
static void *memory;
static struct shared *shared;

static bool complain(const char *what, IpcStatus status)
{
    fprintf(stderr, "%s: %s\n", what, ipc_status_name(status));
    return false;
}

static IpcBuffer *join(void)
{
    return ipc_buffer_attach(memory).result;
}

static void rest(long ns)
{
    struct timespec pause = {0, ns};

    nanosleep(&pause, NULL);
}

/* --------------------------------------------------- those who take part */

static bool write_message(IpcBuffer *b, const unsigned char *data, size_t size)
{
    IpcStatus status;

    do
        status = ipc_buffer_write(b, data, size).ipc_status;
    while (status == IPC_ERR_NO_SPACE_CONTIGUOUS || status == IPC_ERR_LOCKED);
    return status == IPC_OK || complain("write", status);
}

/* Of RUN messages, as many as fit. Returns how many; 0: an error. */
static unsigned write_run(IpcBuffer *b, unsigned me, unsigned first)
{
    unsigned char run[RUN][SMALL];
    IpcBufferWriteBatchResult r;

    for (unsigned i = 0; i < RUN; i++)
        message_fill(run[i], me, first + i, SMALL);
    do
        r = ipc_buffer_write_array(b, run, SMALL, RUN);
    while (r.ipc_status == IPC_ERR_NO_SPACE_CONTIGUOUS ||
           r.ipc_status == IPC_ERR_LOCKED);
    if (r.ipc_status != IPC_OK)
        complain("write of an array", r.ipc_status);
    return r.ipc_status == IPC_OK ? (unsigned)r.result : 0;
}

static bool produce(unsigned me)
{
    static unsigned char data[LONGEST];
    IpcBuffer *b = join();
    unsigned i = 0;

    while (atomic_load(&shared->tapping) < TAPS)
        rest(100000);
    while (b && i < messages) {
        size_t size = message_size(me, i, largest);
        unsigned done = 1;

        if (with_arrays && i % 5 == 0 && i + RUN <= messages) {
            done = write_run(b, me, i);
        } else {
            message_fill(data, me, i, size);
            done = write_message(b, data, size);
        }
        if (!done)
            return false;
        i += done;
    }
    atomic_fetch_sub(&shared->writing, 1);
    return b != NULL;
}

static bool consume(void)
{
    static unsigned char data[LONGEST];
    IpcBuffer *b = join();

    while (b && atomic_load(&shared->read) < producers * messages) {
        IpcEntry entry = {0, data, sizeof data};
        IpcStatus status = ipc_buffer_read(b, &entry).ipc_status;
        struct message_header header;

        if (status == IPC_EMPTY || status == IPC_ERR_NOT_READY)
            continue;
        if (status != IPC_OK)
            return complain("read", status);
        if (!message_check(data, entry.size, &header))
            return complain("a message that was taken is torn", status);
        atomic_fetch_add(&shared->read, 1);
    }
    return b != NULL;
}

/* ------------------------------------------------------------------ taps */

struct log {
    uint64_t seen, lost, lagged;
    uint64_t end; /* offset behind the last one */
};

static bool check(struct log *log, const IpcEntry *entry, uint32_t *next)
{
    struct message_header header;

    if (!message_check(entry->payload, entry->size, &header) ||
        header.producer >= producers)
        return complain("a message that was tapped is torn", IPC_OK);
    if (entry->offset < log->end)
        return complain("a tap goes back", IPC_OK);
    if (header.sequence < next[header.producer])
        return complain("a tap sees a message twice", IPC_OK);
    if (header.sequence > next[header.producer] && log->lagged == 0)
        return complain("a tap has lost a message and does not say so", IPC_OK);
    next[header.producer] = header.sequence + 1;
    log->end = entry->offset + 8;
    log->seen++;
    return true;
}

/* True: it was the end, or an error, which *good says. */
static bool tap_one(IpcTap *tap, struct log *log, uint32_t *next, bool *good)
{
    static unsigned char data[LONGEST];
    IpcEntry entry = {0, data, sizeof data};
    bool over = atomic_load(&shared->writing) == 0;
    IpcTapReadResult r = ipc_tap_read(tap, &entry);

    switch (r.ipc_status) {
    case IPC_OK:
        *good = check(log, &entry, next);
        return !*good;
    case IPC_ERR_LAGGED:
        log->lagged++;
        log->lost += r.error.body.lost;
        *good = r.error.body.lost > 0;
        return !*good;
    case IPC_EMPTY:
        return over;
    case IPC_ERR_NOT_READY:
        return false;
    default:
        *good = complain("tap", r.ipc_status);
        return true;
    }
}

static bool tap(unsigned kind)
{
    IpcTapOptions options = {.struct_size = sizeof options, .after_lag = kind};
    IpcTapAttachResult attached = ipc_tap_attach(memory, memory_size, &options);
    struct log log = {0};
    uint32_t next[64] = {0};
    bool good = true;

    atomic_fetch_add(&shared->tapping, 1);
    if (attached.ipc_status != IPC_OK)
        return complain("tap", attached.ipc_status);
    for (unsigned i = 0; !tap_one(attached.result, &log, next, &good); i++) {
        if (kind == 1 && i % 8 == 0)
            rest((long)(scramble(i) % 500000));
        if (kind == 2) {
            rest(50000);
            log.lagged++; /* what it passes by itself does not count */
            if (ipc_tap_seek(attached.result, IPC_TAP_NEWEST).ipc_status !=
                IPC_OK)
                return complain("seek", IPC_ERR_CORRUPTED);
            log.end = 0;
            memset(next, 0, sizeof next);
        }
        /* Once nobody writes, the newest is there to be seen. */
        if (kind == 2 && log.seen > 0 && atomic_load(&shared->writing) == 0)
            break;
    }
    printf("tap %u: %llu seen, lagged %llu times by %llu bytes\n", kind,
           (unsigned long long)log.seen, (unsigned long long)log.lagged,
           (unsigned long long)log.lost);
    return good && log.seen > 0;
}

/* ------------------------------------------------------------------- main */

static unsigned start(bool (*part)(unsigned), unsigned me)
{
    fflush(stdout);
    switch (fork()) {
    case 0: {
        bool good;

        alarm(100);
        good = part(me);
        fflush(stdout);
        _exit(!good);
    }
    case -1:
        perror("fork");
        exit(2);
    default:
        return 1;
    }
}

static bool consume_as(unsigned me)
{
    (void)me;
    return consume();
}

static void parse(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "P:C:n:m:x:12fa")) != -1)
        switch (option) {
        case 'P':
            producers = (unsigned)atoi(optarg);
            break;
        case 'C':
            consumers = (unsigned)atoi(optarg);
            break;
        case 'n':
            messages = (unsigned)atoi(optarg);
            break;
        case 'm':
            memory_size = (size_t)atoi(optarg);
            break;
        case 'x':
            largest = (size_t)atoi(optarg);
            break;
        case '1':
            flags |= IPC_BUFFER_ONE_PRODUCER;
            break;
        case '2':
            flags |= IPC_BUFFER_ONE_CONSUMER;
            break;
        case 'f':
            flags |= IPC_BUFFER_TAPS;
            break;
        case 'a':
            with_arrays = true;
            break;
        default:
            exit(2);
        }
}

int main(int argc, char **argv)
{
    IpcBufferOptions options = {.struct_size = sizeof options};
    unsigned children = 0, failed = 0;
    IpcBufferCreateResult ring;
    int status;

    parse(argc, argv);
    options.flags = flags;
    memory = shared_zeros(memory_size);
    shared = shared_zeros(sizeof *shared);
    if (!memory || !shared)
        return 2;
    ring = ipc_buffer_create_with_options(memory, memory_size, &options);
    if (ring.ipc_status != IPC_OK)
        return 2;
    atomic_store(&shared->writing, producers);
    for (unsigned i = 0; i < TAPS; i++)
        children += start(tap, i);
    for (unsigned i = 0; i < consumers; i++)
        children += start(consume_as, i);
    for (unsigned i = 0; i < producers; i++)
        children += start(produce, i);
    for (; children > 0; children--)
        if (wait(&status) < 0 || status != 0)
            failed++;
    ipc_buffer_destroy(ring.result);
    printf("%u failed\n", failed);
    return failed != 0;
}
