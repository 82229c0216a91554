/* SPDX-License-Identifier: MIT */
/*
 * libshmipc as a transport: the buffer and the channel, in one/one and in
 * many/many mode.
 */
#include "loops.h"
#include "transports.h"
#include <shmipc/shmipc.h>
#include <stdlib.h>

enum { MAX_BATCH = 64 };

static int create(struct link *link, uint32_t flags)
{
    const IpcBufferOptions options = {.struct_size = sizeof options,
                                      .flags = flags};
    IpcBufferCreateResult r = ipc_buffer_create_with_options(
        link->memory, link->load->memory, &options);

    if (IpcBufferCreateResult_is_error(r))
        return -1;
    return IpcBufferDestroyResult_is_ok(ipc_buffer_destroy(r.result)) ? 0 : -1;
}

static int open_one_one(struct link *link)
{
    return create(link, IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER);
}

static int open_many_many(struct link *link)
{
    return create(link, 0);
}

static bool is_transient(IpcStatus status)
{
    return status == IPC_EMPTY || status == IPC_ERR_NOT_READY ||
           status == IPC_ERR_LOCKED || status == IPC_ERR_NO_SPACE_CONTIGUOUS;
}

/* 1, 0 or -1, as a transport's calls answer. */
static inline int answer(IpcStatus status)
{
    if (__builtin_expect(status == IPC_OK, 1))
        return 1;
    return is_transient(status) ? 0 : -1;
}

/* ---------------------------------------------------------------- buffer */

static int join_buffer(struct link *link, enum side side, unsigned index)
{
    IpcBufferAttachResult r =
        ipc_buffer_attach_sized(link->memory, link->load->memory);

    (void)side;
    (void)index;
    if (IpcBufferAttachResult_is_error(r))
        return -1;
    link->state = r.result;
    return 0;
}

static void leave_buffer(struct link *link, enum side side)
{
    (void)side;
    ipc_buffer_destroy(link->state);
}

static inline int buffer_send(struct link *to, const void *data, size_t size)
{
    return answer(ipc_buffer_write(to->state, data, size).ipc_status);
}

static inline long buffer_receive(struct link *from, void *to, size_t room)
{
    IpcEntry entry = {.payload = to, .size = room};
    int got = answer(ipc_buffer_read(from->state, &entry).ipc_status);

    return got > 0 ? (long)entry.size : got;
}

static inline int buffer_send_array(struct link *to, const void *data,
                                    size_t size, unsigned count)
{
    IpcBufferWriteBatchResult r =
        ipc_buffer_write_array(to->state, data, size, (int)count);
    int sent = answer(r.ipc_status);

    return sent > 0 ? (int)r.result : sent;
}

static inline int buffer_receive_array(struct link *from, void *to, size_t size,
                                       unsigned count)
{
    IpcBufferReadBatchResult r =
        ipc_buffer_read_array(from->state, to, size, (int)count);
    int got = answer(r.ipc_status);

    return got > 0 ? (int)r.result : got;
}

static inline int buffer_send_batch(struct link *to, const void *data,
                                    size_t size, unsigned count)
{
    static struct iovec entries[MAX_BATCH];
    IpcBufferWriteBatchResult r;
    int sent;

    for (unsigned i = 0; i < count; i++)
        entries[i] =
            (struct iovec){(unsigned char *)(uintptr_t)data + i * size, size};
    r = ipc_buffer_write_batch(to->state, entries, (int)count);
    sent = answer(r.ipc_status);
    return sent > 0 ? (int)r.result : sent;
}

static inline int buffer_receive_batch(struct link *from, void *to, size_t size,
                                       unsigned count)
{
    static IpcEntry entries[MAX_BATCH];
    IpcBufferReadBatchResult r = ipc_buffer_read_batch(
        from->state, entries, (int)count, to, size * count);
    int got = answer(r.ipc_status);

    for (size_t i = 0; got > 0 && i < r.result; i++)
        if (entries[i].size != size)
            return -1;
    return got > 0 ? (int)r.result : got;
}

/* Where its state has to be remembered between two calls. */
static IpcReservation reservation;
static uint64_t peeked;

static inline void *buffer_reserve_in(struct link *to, size_t size)
{
    IpcBufferReserveResult r =
        ipc_buffer_reserve(to->state, size, &reservation);

    return r.ipc_status == IPC_OK ? reservation.payload : NULL;
}

static inline int buffer_commit_in(struct link *to, size_t size)
{
    return ipc_buffer_commit(to->state, &reservation, size).ipc_status;
}

static inline long buffer_peek_in(struct link *from, const void **data)
{
    IpcEntry entry;
    int got = answer(ipc_buffer_peek(from->state, &entry).ipc_status);

    if (got <= 0)
        return got;
    *data = entry.payload;
    peeked = entry.offset;
    return (long)entry.size;
}

static inline int buffer_skip_in(struct link *from)
{
    return ipc_buffer_skip(from->state, peeked).ipc_status;
}

LOOPS(buffer, buffer_send, buffer_receive)
LOOPS_BATCH(buffer, buffer_send_array, buffer_receive_array, buffer_send)
LOOPS_IN_PLACE(buffer, buffer_reserve_in, buffer_commit_in, buffer_peek_in,
               buffer_skip_in, buffer_send)
static const struct loops buffer_loops = {
    LOOPS_BASE(buffer),
    LOOPS_BATCHED(buffer),
    LOOPS_PLACED(buffer),
};

/* Batches of what lies anywhere, each with a size of its own. */
LOOPS(pieces, buffer_send, buffer_receive)
LOOPS_BATCH(pieces, buffer_send_batch, buffer_receive_batch, buffer_send)
static const struct loops pieces_loops = {
    LOOPS_BASE(pieces),
    LOOPS_BATCHED(pieces),
    LOOPS_NO_CALLS,
};

const struct transport transport_one_one_pieces = {
    .name = "shmipc one/one, pieces",
    .note = "entries of any size from anywhere, by one call",
    .traits = TRAIT_OURS | TRAIT_ONLY_BATCHES,
    .open = open_one_one,
    .join = join_buffer,
    .leave = leave_buffer,
    .loops = &pieces_loops,
};

const struct transport transport_many_many_pieces = {
    .name = "shmipc many/many, pieces",
    .note = "entries of any size from anywhere, by one call",
    .traits = TRAIT_OURS | TRAIT_ONLY_BATCHES | TRAIT_MANY_PRODUCERS |
              TRAIT_MANY_CONSUMERS,
    .open = open_many_many,
    .join = join_buffer,
    .leave = leave_buffer,
    .loops = &pieces_loops,
};

const struct transport transport_one_one = {
    .name = "shmipc one/one",
    .traits = TRAIT_OURS,
    .open = open_one_one,
    .join = join_buffer,
    .leave = leave_buffer,
    .loops = &buffer_loops,
};

const struct transport transport_many_many = {
    .name = "shmipc many/many",
    .traits = TRAIT_OURS | TRAIT_MANY_PRODUCERS | TRAIT_MANY_CONSUMERS,
    .open = open_many_many,
    .join = join_buffer,
    .leave = leave_buffer,
    .loops = &buffer_loops,
};

/* --------------------------------------------------------------- channel */

static int join_channel(struct link *link, enum side side, unsigned index)
{
    const IpcChannelConfiguration configuration = {
        .max_round_trips = 1,
        .start_sleep_ns = 1000000,
        .max_sleep_ns = 1000000,
    };
    IpcChannelConnectResult r = ipc_channel_connect_sized(
        link->memory, link->load->memory, configuration);

    (void)side;
    (void)index;
    if (IpcChannelConnectResult_is_error(r))
        return -1;
    link->state = r.result;
    return 0;
}

static void leave_channel(struct link *link, enum side side)
{
    (void)side;
    ipc_channel_destroy(link->state);
}

static inline int channel_send(struct link *to, const void *data, size_t size)
{
    return answer(ipc_channel_write(to->state, data, size).ipc_status);
}

static inline long channel_receive(struct link *from, void *to, size_t room)
{
    IpcEntry entry = {.payload = to, .size = room};
    int got = answer(ipc_channel_try_read_into(from->state, &entry).ipc_status);

    return got > 0 ? (long)entry.size : got;
}

LOOPS(channel, channel_send, channel_receive)
static const struct loops channel_loops = {
    LOOPS_BASE(channel),
    LOOPS_NO_CALLS,
    LOOPS_NO_CALLS,
};

const struct transport transport_one_one_channel = {
    .name = "shmipc channel one/one",
    .traits = TRAIT_OURS,
    .open = open_one_one,
    .join = join_channel,
    .leave = leave_channel,
    .loops = &channel_loops,
};

const struct transport transport_many_many_channel = {
    .name = "shmipc channel many/many",
    .traits = TRAIT_OURS | TRAIT_MANY_PRODUCERS | TRAIT_MANY_CONSUMERS,
    .open = open_many_many,
    .join = join_channel,
    .leave = leave_channel,
    .loops = &channel_loops,
};
