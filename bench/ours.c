/* SPDX-License-Identifier: MIT */
/*
 * libshmipc as a transport: the buffer and the channel, in one/one and in
 * many/many mode.
 */
#include "ours.h"
#include "transports.h"

enum { MAX_BATCH = 64 };

static int open_one_one(struct link *link)
{
    return create(link, IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER);
}

static int open_many_many(struct link *link)
{
    return create(link, 0);
}

/* ---------------------------------------------------------------- buffer */

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

/* The calls that copy, in a load in place: messages are made and read as there,
 * in memory of the parties. */
LOOPS(copied, buffer_send, buffer_receive)
LOOPS_COPIED(copied, buffer_send, buffer_receive)
static const struct loops copied_loops = {
    LOOPS_BASE(copied),
    LOOPS_NO_CALLS,
    LOOPS_PLACED(copied),
};

const struct transport transport_one_one_copied = {
    .name = "shmipc one/one, copied",
    .note = "the same messages by the calls that copy",
    .traits = TRAIT_OURS | TRAIT_ONLY_IN_PLACE,
    .open = open_one_one,
    .join = join_buffer,
    .leave = leave_buffer,
    .loops = &copied_loops,
};

const struct transport transport_many_many_copied = {
    .name = "shmipc many/many, copied",
    .note = "the same messages by the calls that copy",
    .traits = TRAIT_OURS | TRAIT_ONLY_IN_PLACE | TRAIT_MANY_PRODUCERS |
              TRAIT_MANY_CONSUMERS,
    .open = open_many_many,
    .join = join_buffer,
    .leave = leave_buffer,
    .loops = &copied_loops,
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
