/* SPDX-License-Identifier: MIT */
/*
 * libshmipc where each subscriber reads every message: the buffer with one
 * producer and with many, and the channel.
 */
#include "ours.h"
#include "transports.h"

static int open_one(struct link *link)
{
    return create(link, IPC_BUFFER_BROADCAST | IPC_BUFFER_ONE_PRODUCER);
}

static int open_many(struct link *link)
{
    return create(link, IPC_BUFFER_BROADCAST);
}

/* ---------------------------------------------------------------- buffer */

static int join_subscribed(struct link *link, enum side side, unsigned index)
{
    if (join_buffer(link, side, index) != 0)
        return -1;
    return side == SIDE_SEND ||
                   ipc_buffer_subscribe(link->state, NULL).ipc_status == IPC_OK
               ? 0
               : -1;
}

LOOPS(buffer, buffer_send, buffer_receive)
LOOPS_BATCH(buffer, buffer_send_array, buffer_receive_array, buffer_send)
static const struct loops buffer_loops = {
    LOOPS_BASE(buffer),
    LOOPS_BATCHED(buffer),
    LOOPS_NO_CALLS,
};

const struct transport transport_broadcast_one = {
    .name = "shmipc broadcast, one producer",
    .traits = TRAIT_OURS | TRAIT_BROADCAST | TRAIT_MANY_CONSUMERS,
    .open = open_one,
    .join = join_subscribed,
    .leave = leave_buffer,
    .loops = &buffer_loops,
};

const struct transport transport_broadcast_many = {
    .name = "shmipc broadcast, many producers",
    .traits = TRAIT_OURS | TRAIT_BROADCAST | TRAIT_MANY_PRODUCERS |
              TRAIT_MANY_CONSUMERS,
    .open = open_many,
    .join = join_subscribed,
    .leave = leave_buffer,
    .loops = &buffer_loops,
};

/* --------------------------------------------------------------- channel */

static int join_subscribed_channel(struct link *link, enum side side,
                                   unsigned index)
{
    if (join_channel(link, side, index) != 0)
        return -1;
    return side == SIDE_SEND ||
                   ipc_channel_subscribe(link->state, NULL).ipc_status == IPC_OK
               ? 0
               : -1;
}

LOOPS(channel, channel_send, channel_receive)
static const struct loops channel_loops = {
    LOOPS_BASE(channel),
    LOOPS_NO_CALLS,
    LOOPS_NO_CALLS,
};

const struct transport transport_broadcast_channel = {
    .name = "shmipc broadcast, channel",
    .note = "one producer",
    .traits = TRAIT_OURS | TRAIT_BROADCAST | TRAIT_MANY_CONSUMERS,
    .open = open_one,
    .join = join_subscribed_channel,
    .leave = leave_channel,
    .loops = &channel_loops,
};
