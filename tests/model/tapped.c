/* SPDX-License-Identifier: MIT */
/*
 * Actors that follow the ring as taps do: what they return must be whole, in
 * order, and complete but for what they say they have lost.
 */
#include "model.h"

bool tapped_is_on(void)
{
    return running->flags & IPC_BUFFER_TAPS;
}

static bool is_tap(int actor)
{
    for (int i = 0; i < scripts[actor].count; i++)
        if (scripts[actor].calls[i].kind == CALL_TAP ||
            scripts[actor].calls[i].kind == CALL_TAP_PASS)
            return true;
    return false;
}

/* At the first block, before anybody has written. */
void tapped_begin(int actor)
{
    struct follower *f = &world.taps[actor];

    if (!is_tap(actor))
        return;
    f->ring = &world.channels[scripts[actor].handle].buffer.ring;
    tracking = false;
    if (!follow_start(f, FOLLOW_NOW))
        harness_error("a tap cannot begin");
    tracking = true;
}

uint64_t tapped_hash(int actor, uint64_t hash)
{
    const struct follower *f = &world.taps[actor];

    return is_tap(actor) ? mix(mix(hash, f->at), f->lead) : hash;
}

/* Whether what was there can have been overwritten by now. */
static bool is_lapped(const struct ring *r, uint64_t at)
{
    uint64_t tail = tail_now();
    uint64_t reach = r->one_producer ? memory_peek(&r->tail->intended,
                                                   sizeof r->tail->intended)
                                     : tail;

    if (position_distance(r, reach, tail) > 0)
        reach = tail;
    return position_distance(r, position_of_head(at), reach) >
           (int64_t)r->block_count;
}

static void check_loss(const struct follower *f, uint64_t at, uint64_t offset,
                       uint64_t lost)
{
    if (tapped_is_on() && !is_lapped(f->ring, at))
        violation("a tap says that it lagged, and nothing was overwritten");
    if (lost == 0 || f->offset != offset + lost)
        violation("a tap has lost %llu bytes, and says %llu",
                  (unsigned long long)(f->offset - offset),
                  (unsigned long long)lost);
}

/* Between where it stood and where the entry is there was only filler. */
static void check_gap(const struct ring *r, uint64_t at, uint64_t to)
{
    for (int i = 0; i < actor_count; i++)
        for (int c = 0; c < scripts[i].count; c++)
            if (world.read_count[i][c] &&
                world.read_offset[i][c] >= position_offset(r, at) &&
                world.read_offset[i][c] < to)
                violation("a tap has passed an entry, and does not say so");
}

static IpcStatus status_of(enum follow found)
{
    switch (found) {
    case FOLLOW_ENTRY:
        return IPC_OK;
    case FOLLOW_NOTHING:
        return IPC_EMPTY;
    case FOLLOW_CLAIMED:
    case FOLLOW_BUSY:
        return IPC_ERR_NOT_READY;
    case FOLLOW_OVERRUN:
        return IPC_ERR_LAGGED;
    default:
        violation("a tap found %d, which cannot be", (int)found);
    }
}

IpcStatus tapped_call(int actor, const struct call *call, struct result *result)
{
    unsigned char data[MAX_BLOCKS * SHMIPC_BLOCK];
    struct follower *f = &world.taps[actor];
    uint64_t at = f->at, offset = f->offset, lost = 0;
    struct view view;
    enum follow found;

    if (call->kind == CALL_TAP_PASS)
        return status_of(follow_pass(f, FOLLOW_OLDEST, &lost));
    found = follow_next(f, data, sizeof data, FOLLOW_OLDEST, &view, &lost);
    if (found == FOLLOW_OVERRUN)
        check_loss(f, at, offset, lost);
    if (found == FOLLOW_ENTRY) {
        memory_copied(actor);
        check_seen(data, view.size, take_offset(f->ring, &view), result);
        if (position_item(at) == 0)
            check_gap(f->ring, at, take_offset(f->ring, &view));
    }
    return status_of(found);
}

/* All have finished: each tap gets to the end of what they wrote. */
void tapped_drain(void)
{
    unsigned char data[MAX_BLOCKS * SHMIPC_BLOCK];
    enum follow found = FOLLOW_ENTRY;
    struct result result;
    struct view view;
    uint64_t lost;

    for (int i = 0; i < actor_count; i++) {
        struct follower f = world.taps[i];

        found = is_tap(i) ? FOLLOW_ENTRY : FOLLOW_NOTHING;
        while (found == FOLLOW_ENTRY || found == FOLLOW_OVERRUN) {
            found =
                follow_next(&f, data, sizeof data, FOLLOW_OLDEST, &view, &lost);
            if (found == FOLLOW_ENTRY)
                check_seen(data, view.size, take_offset(f.ring, &view),
                           &result);
        }
        if (found != FOLLOW_NOTHING)
            violation("a tap finds %d, though nobody stopped", (int)found);
    }
}
