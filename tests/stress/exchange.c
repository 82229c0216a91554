/* SPDX-License-Identifier: MIT */
/*
 * Producers and consumers at full speed: nothing lost, nothing twice, nothing
 * torn, the order of each producer kept.
 *
 *     exchange [-t|-p] [-b|-c] [-P producers] [-C consumers] [-n messages]
 *              [-m memory] [-x max message] [-1 (one-producer mode)]
 *              [-2 (one-consumer mode)] [-a]
 *
 * -t threads on one handle, -p processes with a handle each; -b buffer layer
 * (polling), -c channel layer (blocking). Producers mix write, writev and
 * reserve with commit or abort; consumers mix read and peek with skip. -a: all
 * messages have the size of -x, and most calls write or read several.
 */
#include "message.h"
#include <pthread.h>
#include <sched.h>
#include <shmipc/shmipc.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PARTIES = 16, MAX_RUN = 100 };

static struct {
    bool processes;
    bool channel;
    uint32_t producers, consumers;
    uint32_t messages; /* of each producer */
    size_t memory;
    size_t max_message;
    uint32_t flags;
    bool arrays;
} options = {
    .producers = 1,
    .consumers = 1,
    .messages = 200000,
    .memory = 65536,
    .max_message = 1000,
};

struct board {
    _Atomic uint32_t producers_left;
    _Atomic uint64_t received;
    _Atomic uint32_t failed;
    _Atomic unsigned char seen[]; /* producer * messages + sequence */
};

static void *region;
static struct board *board;
static IpcBuffer *shared_buffer;
static IpcChannel *shared_channel;

struct party {
    uint32_t number;
    IpcBuffer *buffer;
    IpcChannel *channel;
    unsigned char *scratch;
};

static const IpcChannelConfiguration configuration = {
    .max_round_trips = 1, .start_sleep_ns = 1000, .max_sleep_ns = 1000000};

static const struct timespec patience = {0, 20000000};

static size_t size_of(uint32_t producer, uint32_t sequence)
{
    return options.arrays
               ? options.max_message
               : message_size(producer, sequence, options.max_message);
}

static void fail(const char *what, uint32_t producer, uint32_t sequence)
{
    fprintf(stderr, "%s: producer %u message %u\n", what, producer, sequence);
    atomic_store(&board->failed, 1);
}

/* -------------------------------------------------------------- producers */

static IpcStatus send_whole(struct party *p, size_t size)
{
    return p->channel
               ? ipc_channel_write(p->channel, p->scratch, size).ipc_status
               : ipc_buffer_write(p->buffer, p->scratch, size).ipc_status;
}

static IpcStatus send_pieces(struct party *p, size_t size)
{
    struct iovec pieces[2] = {{p->scratch, size / 2},
                              {p->scratch + size / 2, size - size / 2}};

    return p->channel ? ipc_channel_writev(p->channel, pieces, 2).ipc_status
                      : ipc_buffer_writev(p->buffer, pieces, 2).ipc_status;
}

static IpcStatus reserve(struct party *p, size_t size, IpcReservation *r)
{
    return p->channel ? ipc_channel_reserve(p->channel, size, r).ipc_status
                      : ipc_buffer_reserve(p->buffer, size, r).ipc_status;
}

static IpcStatus finish(struct party *p, const IpcReservation *r, size_t size)
{
    if (size == 0)
        return p->channel ? ipc_channel_abort(p->channel, r).ipc_status
                          : ipc_buffer_abort(p->buffer, r).ipc_status;
    return p->channel ? ipc_channel_commit(p->channel, r, size).ipc_status
                      : ipc_buffer_commit(p->buffer, r, size).ipc_status;
}

/* Reserves more than it needs; now and then gives it up first. */
static IpcStatus send_in_place(struct party *p, size_t size, bool abort_first)
{
    size_t room = size + size % 200;
    IpcReservation r;
    IpcStatus status;

    if (room > options.max_message)
        room = options.max_message;
    status = reserve(p, room, &r);
    if (status != IPC_OK)
        return status;
    if (abort_first) {
        memset(r.payload, 0xee, r.size);
        status = finish(p, &r, 0);
        return status == IPC_OK ? IPC_ERR_NO_SPACE_CONTIGUOUS : status;
    }
    memcpy(r.payload, p->scratch, size);
    return finish(p, &r, size);
}

static IpcStatus send_some_way(struct party *p, uint32_t sequence, size_t size,
                               uint32_t tries)
{
    switch (message_seed(p->number, sequence) % 5) {
    case 0:
        return send_pieces(p, size);
    case 1:
        return send_in_place(p, size, false);
    case 2:
        return send_in_place(p, size, tries == 0);
    default:
        return send_whole(p, size);
    }
}

/* Of `count` messages that lie in scratch, *sent were sent. */
static IpcStatus send_array(struct party *p, uint32_t count, uint32_t *sent)
{
    if (p->channel) {
        IpcChannelWriteBatchResult r = ipc_channel_write_array(
            p->channel, p->scratch, options.max_message, (int)count);

        *sent = r.ipc_status == IPC_OK ? (uint32_t)r.result : 0;
        return r.ipc_status;
    }
    IpcBufferWriteBatchResult r = ipc_buffer_write_array(
        p->buffer, p->scratch, options.max_message, (int)count);

    *sent = r.ipc_status == IPC_OK ? (uint32_t)r.result : 0;
    return r.ipc_status;
}

/* Sends messages from number `i` on; returns how many. */
static uint32_t send_next(struct party *p, uint32_t i, uint32_t tries,
                          IpcStatus *status)
{
    uint32_t count = options.arrays ? message_seed(p->number, i) % MAX_RUN : 1;
    size_t size = size_of(p->number, i);

    if (count > options.messages - i)
        count = options.messages - i;
    if (count < 2) {
        message_fill(p->scratch, p->number, i, size);
        *status = send_some_way(p, i, size, tries);
        return *status == IPC_OK;
    }
    for (uint32_t j = 0; j < count; j++)
        message_fill(p->scratch + j * size, p->number, i + j, size);
    *status = send_array(p, count, &count);
    return count;
}

static void produce(struct party *p)
{
    uint32_t tries = 0;

    for (uint32_t i = 0; i < options.messages;) {
        IpcStatus status;
        uint32_t sent = send_next(p, i, tries, &status);

        i += sent;
        tries = sent ? 0 : tries + 1;
        if (status != IPC_OK && status != IPC_ERR_NO_SPACE_CONTIGUOUS &&
            status != IPC_ERR_LOCKED) {
            fail(ipc_status_name(status), p->number, i);
            return;
        }
        if (tries > 1)
            sched_yield();
        if (tries && atomic_load(&board->failed))
            return;
    }
}

/* -------------------------------------------------------------- consumers */

static IpcStatus receive_copy(struct party *p, IpcEntry *entry)
{
    entry->payload = p->scratch;
    entry->size = options.max_message;
    if (p->channel)
        return ipc_channel_read_into_with_timeout(p->channel, entry, &patience)
            .ipc_status;
    return ipc_buffer_read(p->buffer, entry).ipc_status;
}

static IpcStatus skip(struct party *p, uint64_t offset)
{
    return p->channel ? ipc_channel_skip(p->channel, offset).ipc_status
                      : ipc_buffer_skip(p->buffer, offset).ipc_status;
}

/* Copies from the buffer itself; the skip proves that it was whole. Other
 * consumers make this copy a race, which ThreadSanitizer would rightly
 * report: with more than one only the offset is used. */
static IpcStatus receive_in_place(struct party *p, IpcEntry *entry)
{
    IpcEntry peeked;
    IpcStatus status = p->channel
                           ? ipc_channel_peek(p->channel, &peeked).ipc_status
                           : ipc_buffer_peek(p->buffer, &peeked).ipc_status;

    if (status != IPC_OK)
        return status;
    memcpy(p->scratch, peeked.payload, peeked.size);
    status = skip(p, peeked.offset);
    *entry = peeked;
    entry->payload = p->scratch;
    return status;
}

static IpcStatus receive_array(struct party *p, size_t *count)
{
    if (p->channel) {
        IpcChannelReadBatchResult r = ipc_channel_read_array_with_timeout(
            p->channel, p->scratch, options.max_message, MAX_RUN, &patience);

        *count = r.ipc_status == IPC_OK ? r.result : 0;
        return r.ipc_status;
    }
    IpcBufferReadBatchResult r = ipc_buffer_read_array(
        p->buffer, p->scratch, options.max_message, MAX_RUN);

    *count = r.ipc_status == IPC_OK ? r.result : 0;
    return r.ipc_status;
}

static IpcStatus receive_batch(struct party *p, IpcEntry *entries,
                               size_t *count)
{
    size_t room = options.max_message * MAX_RUN;

    if (p->channel) {
        IpcChannelReadBatchResult r = ipc_channel_read_batch_with_timeout(
            p->channel, entries, MAX_RUN, p->scratch, room, &patience);

        *count = r.ipc_status == IPC_OK ? r.result : 0;
        return r.ipc_status;
    }
    IpcBufferReadBatchResult r =
        ipc_buffer_read_batch(p->buffer, entries, MAX_RUN, p->scratch, room);

    *count = r.ipc_status == IPC_OK ? r.result : 0;
    return r.ipc_status;
}

static void note(const IpcEntry *entry, int64_t *last)
{
    struct message_header h;
    size_t slot;

    if (!message_check(entry->payload, entry->size, &h) ||
        entry->size != size_of(h.producer, h.sequence) ||
        h.producer >= options.producers || h.sequence >= options.messages) {
        fail("torn", 0, 0);
        return;
    }
    slot = (size_t)h.producer * options.messages + h.sequence;
    if (atomic_exchange(&board->seen[slot], 1))
        fail("twice", h.producer, h.sequence);
    if ((int64_t)h.sequence <= last[h.producer])
        fail("out of order", h.producer, h.sequence);
    last[h.producer] = h.sequence;
    atomic_fetch_add(&board->received, 1);
}

/* Receives one message, or several, and notes them. */
static IpcStatus receive(struct party *p, uint32_t turn, int64_t *last)
{
    IpcEntry entries[MAX_RUN];
    size_t count = 1;
    IpcStatus status;

    if (options.arrays && turn % 4 == 0) {
        status = receive_batch(p, entries, &count);
    } else if (options.arrays && turn % 4 < 3) {
        status = receive_array(p, &count);
        for (size_t i = 0; i < count; i++)
            entries[i] =
                (IpcEntry){.payload = p->scratch + i * options.max_message,
                           .size = options.max_message};
    } else if (options.consumers == 1 && turn % 3 == 0) {
        status = receive_in_place(p, entries);
    } else {
        status = receive_copy(p, entries);
    }
    for (size_t i = 0; status == IPC_OK && i < count; i++)
        note(&entries[i], last);
    return status;
}

static bool is_over(void)
{
    return atomic_load(&board->failed) ||
           atomic_load(&board->received) ==
               (uint64_t)options.producers * options.messages;
}

static void consume(struct party *p)
{
    int64_t last[MAX_PARTIES];
    uint32_t turn = 0;

    for (int i = 0; i < MAX_PARTIES; i++)
        last[i] = -1;
    while (!is_over()) {
        IpcStatus status = receive(p, ++turn, last);

        if (status == IPC_EMPTY || status == IPC_ERR_NOT_READY ||
            status == IPC_ERR_OFFSET_MISMATCH || status == IPC_ERR_LOCKED)
            sched_yield();
        else if (status != IPC_OK && status != IPC_ERR_TIMEOUT)
            fail(ipc_status_name(status), 0, 0);
    }
}

/* ---------------------------------------------------------------- parties */

static void join_region(struct party *p)
{
    if (!options.processes) {
        p->buffer = shared_buffer;
        p->channel = shared_channel;
    } else if (options.channel) {
        IpcChannelConnectResult r = ipc_channel_connect(region, configuration);

        p->channel = IpcChannelConnectResult_is_ok(r) ? r.result : NULL;
    } else {
        IpcBufferAttachResult r = ipc_buffer_attach(region);

        p->buffer = IpcBufferAttachResult_is_ok(r) ? r.result : NULL;
    }
}

static void *run_party(void *number)
{
    uint32_t i = (uint32_t)(uintptr_t)number;
    struct party p = {.number = i,
                      .scratch = malloc(options.max_message * MAX_RUN)};

    join_region(&p);
    if (!p.scratch || (!p.buffer && !p.channel))
        fail("could not join", i, 0);
    else if (i < options.producers)
        produce(&p);
    else
        consume(&p);
    free(p.scratch);
    if (options.processes) {
        if (p.channel)
            ipc_channel_destroy(p.channel);
        if (p.buffer)
            ipc_buffer_destroy(p.buffer);
    }
    return NULL;
}

static int run_threads(uint32_t count)
{
    pthread_t threads[2 * MAX_PARTIES];

    for (uint32_t i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, run_party,
                           (void *)(uintptr_t)i) != 0)
            return 1;
    for (uint32_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return 0;
}

static int run_processes(uint32_t count)
{
    int bad = 0;

    for (uint32_t i = 0; i < count; i++) {
        pid_t child = fork();

        if (child < 0)
            return 1;
        if (child == 0) {
            run_party((void *)(uintptr_t)i);
            exit(0);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        int status;

        if (wait(&status) < 0 || status != 0)
            bad = 1;
    }
    return bad;
}

static bool create_region(void)
{
    region = shared_zeros(options.memory);
    board = shared_zeros(sizeof *board +
                         (size_t)options.producers * options.messages);
    if (!region || !board)
        return false;
    if (options.channel) {
        IpcChannelConfiguration c = configuration;
        IpcChannelResult r;

        c.flags = options.flags;
        r = ipc_channel_create(region, options.memory, c);
        shared_channel = IpcChannelResult_is_ok(r) ? r.result : NULL;
        return shared_channel != NULL;
    }
    IpcBufferOptions o = {.struct_size = sizeof o, .flags = options.flags};
    IpcBufferCreateResult r =
        ipc_buffer_create_with_options(region, options.memory, &o);

    shared_buffer = IpcBufferCreateResult_is_ok(r) ? r.result : NULL;
    return shared_buffer != NULL;
}

static void destroy_region(void)
{
    if (shared_channel)
        ipc_channel_destroy(shared_channel);
    if (shared_buffer)
        ipc_buffer_destroy(shared_buffer);
}

static bool parse(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "tpbcP:C:n:m:x:12a")) != -1) {
        switch (option) {
        case 't':
            options.processes = false;
            break;
        case 'p':
            options.processes = true;
            break;
        case 'b':
            options.channel = false;
            break;
        case 'c':
            options.channel = true;
            break;
        case 'P':
            options.producers = (uint32_t)atoi(optarg);
            break;
        case 'C':
            options.consumers = (uint32_t)atoi(optarg);
            break;
        case 'n':
            options.messages = (uint32_t)atoi(optarg);
            break;
        case 'm':
            options.memory = (size_t)atol(optarg);
            break;
        case 'x':
            options.max_message = (size_t)atol(optarg);
            break;
        case '1':
            options.flags |= IPC_BUFFER_ONE_PRODUCER;
            break;
        case '2':
            options.flags |= IPC_BUFFER_ONE_CONSUMER;
            break;
        case 'a':
            options.arrays = true;
            break;
        default:
            return false;
        }
    }
    return options.producers <= MAX_PARTIES &&
           options.consumers <= MAX_PARTIES &&
           options.max_message >= sizeof(struct message_header);
}

int main(int argc, char **argv)
{
    uint64_t expected;
    int bad;

    if (!parse(argc, argv) || !create_region()) {
        fprintf(stderr, "bad options, or no memory\n");
        return 2;
    }
    bad = options.processes
              ? run_processes(options.producers + options.consumers)
              : run_threads(options.producers + options.consumers);
    expected = (uint64_t)options.producers * options.messages;
    printf("%llu of %llu messages received\n",
           (unsigned long long)atomic_load(&board->received),
           (unsigned long long)expected);
    bad |= atomic_load(&board->failed) != 0 ||
           atomic_load(&board->received) != expected;
    destroy_region();
    return bad;
}
