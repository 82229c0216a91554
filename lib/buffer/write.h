/* SPDX-License-Identifier: MIT */
/*
 * Writing into a buffer: the path of a write when nothing is in the way, to be
 * inlined into the public calls of both layers, and what it falls back on.
 */
#ifndef SHMIPC_WRITE_H
#define SHMIPC_WRITE_H

#include "buffer/handle.h"
#include "ring/payload.h"

/* An entry being written. */
struct claim {
    uint64_t position;
    unsigned char *payload;
    uint32_t blocks;
};

IpcStatus write_entry(struct IpcBuffer *b, const void *data, size_t size);

/* The pieces as one entry; *size is their sum. */
IpcStatus write_pieces(struct IpcBuffer *b, const struct iovec *pieces,
                       int count, size_t *size);
IpcStatus write_reserve(struct IpcBuffer *b, size_t size, IpcReservation *dest);
IpcStatus write_commit(struct IpcBuffer *b, const IpcReservation *reservation,
                       size_t size);
IpcStatus write_abort(struct IpcBuffer *b, const IpcReservation *reservation);

/* IPC_ERR_INVALID_ARGUMENT of the last two, by its reason. To find that out
 * from the arguments would be to keep them in registers while all is well. */
enum {
    WRITE_NO_HANDLE = -1000,
    WRITE_NO_RESERVATION = -1001,
    WRITE_NOT_OURS = -1002,
    WRITE_SIZE_0 = -1003,
    WRITE_SIZE_ABOVE = -1004,
};

/* The status that users get. */
IpcStatus write_commit_status(IpcStatus status);

/* Where there are subscribers, after there was no room: whether what holds it
 * up is dead, and was removed. For who is about to sleep. */
bool write_remove_dead(struct IpcBuffer *b);

/* Descriptions of errors: the detail, and the body. `b` may be NULL. What is
 * wrong with arguments blame.h says. */
const char *write_detail(IpcStatus status);
const char *write_commit_detail(IpcStatus status);
IpcBufferWriteError write_body(const struct IpcBuffer *b, size_t size);

/* Claims claim->blocks blocks, whatever is in the way. */
IpcStatus write_claim_otherwise(struct IpcBuffer *b, struct claim *claim);

/*
 * Counts entries that were committed, for monitors. With many producers this
 * is also the fence between a commit and the look for sleepers (W2 of
 * wait/wait.h) on machines where a read-modify-write is a fence. So it is one,
 * and comes after READY.
 */
static inline void write_count_and_fence(struct IpcBuffer *b, uint64_t count)
{
    if (b->ring.one_producer)
        owner_count_entries_alone(b->written, count);
    else
        owner_count_entries_and_fence(b->written, count);
}

/* Commits a claim as what `value` and `state` say, READY or ARRAY. */
static inline void write_publish(struct IpcBuffer *b, const struct claim *claim,
                                 uint32_t value, enum control_state state)
{
    if (b->ring.one_producer)
        claim_commit_alone(&b->ring, claim->position, value, state);
    else
        claim_commit(&b->ring, claim->position, claim->blocks, value, state);
}

static inline void write_publish_entry(struct IpcBuffer *b,
                                       const struct claim *claim, size_t size)
{
    write_publish(b, claim, (uint32_t)size, CONTROL_READY);
    write_count_and_fence(b, 1);
}

/* A claim beside other producers when nothing is in the way. False: something
 * is, or may be. */
__attribute__((always_inline)) static inline bool
write_claim_shared(struct IpcBuffer *b, struct claim *claim)
{
    struct plan plan;

    /* Acquire [entry]: `owner`. */
    return process_has_token(atomic_get_acquire(&b->writes_shared)) &&
           claim_plan_plain(&b->ring, claim->blocks, &plan) &&
           claim_planned(&b->ring, claim->blocks, handle_owner(b), plan,
                         &claim->position);
}

/* The same whoever else there may be. */
__attribute__((always_inline)) static inline bool
write_claim_plain(struct IpcBuffer *b, struct claim *claim)
{
    /* Acquire [entry]: `owner`, and that nothing is reserved. */
    if (process_has_token(atomic_get_acquire(&b->writes_alone)))
        return claim_alone_plain(&b->ring, claim->blocks, &claim->position);
    return write_claim_shared(b, claim);
}

/* Claims claim->blocks blocks. */
static inline IpcStatus write_claim(struct IpcBuffer *b, struct claim *claim)
{
    if (__builtin_expect(!write_claim_plain(b, claim), 0))
        return write_claim_otherwise(b, claim);
    /* For the one producer whose ring has no word for taps: what it stored
     * before, tail last, is not to be behind what comes. Between two calls that
     * needs no fence. */
    claim_tell_taps(&b->ring);
    claim->payload = position_payload(&b->ring, claim->position);
    return IPC_OK;
}

/* A write of up to a block when nothing is in the way. False: nothing was done,
 * write_entry() has to. Calls nothing, so that it needs no registers but its
 * own. */
static inline bool write_block(struct IpcBuffer *b, const void *data,
                               size_t size)
{
    struct claim_block block;

    if (!b || !data || size - 1 >= SHMIPC_BLOCK)
        return false;
    /* Acquire [entry]: `owner`, and that nothing is reserved. */
    if (process_has_token(atomic_get_acquire(&b->writes_alone))) {
        if (!claim_block_alone(&b->ring, &block))
            return false;
        payload_store(block.payload, data, size);
        claim_commit_block_alone(&b->ring, &block, (uint32_t)size);
        owner_count_entries_alone(b->written, 1);
        return true;
    }
    /* Acquire [entry]: `owner`. */
    if (!process_has_token(atomic_get_acquire(&b->writes_shared)) ||
        !claim_block(&b->ring, &block) ||
        !claim_occupy_block(&b->ring, &block, handle_owner(b)))
        return false;
    /* Reckoned again: it is cheaper than to keep it. */
    payload_store(position_payload(&b->ring, block.position), data, size);
    claim_commit_block(&b->ring, &block, (uint32_t)size);
    owner_count_entries_and_fence(b->written, 1);
    return true;
}

/* The same for more than a block. */
static inline bool write_blocks(struct IpcBuffer *b, const void *data,
                                size_t size)
{
    struct claim claim = {.blocks = control_blocks(size)};
    struct ring *r;

    if (!b || !data || size <= SHMIPC_BLOCK || size > b->max_entry_size)
        return false;
    r = &b->ring;
    /* Acquire [entry]: `owner`, and that nothing is reserved. */
    if (process_has_token(atomic_get_acquire(&b->writes_alone))) {
        if (!claim_alone_plain(r, claim.blocks, &claim.position))
            return false;
        payload_store(position_payload(r, claim.position), data, size);
        claim_commit_plain_alone(r, claim.position, claim.blocks,
                                 (uint32_t)size);
        owner_count_entries_alone(b->written, 1);
        return true;
    }
    if (!write_claim_shared(b, &claim))
        return false;
    payload_store(position_payload(r, claim.position), data, size);
    claim_commit(r, claim.position, claim.blocks, (uint32_t)size,
                 CONTROL_READY);
    owner_count_entries_and_fence(b->written, 1);
    return true;
}

/* --------------------------------------------------------- reservations */

/* Says what was claimed for a reservation, and remembers that it is open. */
static inline void write_fill_reservation(struct IpcBuffer *b,
                                          const struct claim *claim,
                                          size_t size, IpcReservation *dest)
{
    if (b->ring.one_producer)
        handle_reserve_alone(b, claim->position, size);
    else
        owner_mark(&b->ring.owners, handle_owner(b), OWNER_RESERVES);
    dest->offset = position_offset(&b->ring, claim->position);
    dest->payload = position_payload(&b->ring, claim->position);
    dest->size = size;
    dest->opaque[0] = claim->position;
    dest->opaque[1] = handle_owner(b);
}

/* The claim that a reservation stands for, if it can be one of this ring. */
static inline bool write_find_claim(const struct IpcBuffer *b,
                                    const IpcReservation *from,
                                    struct claim *claim)
{
    const struct ring *r = &b->ring;

    claim->position = from->opaque[0];
    if (from->size == 0 || from->size > b->max_entry_size ||
        !position_is_valid(r, claim->position))
        return false;
    claim->blocks = control_blocks(from->size);
    claim->payload = position_payload(r, claim->position);
    return from->payload == claim->payload &&
           claim->blocks <= position_blocks_left(r, claim->position);
}

/* Whether the claim is still open, and this process's. */
static inline bool write_is_open(struct IpcBuffer *b,
                                 const IpcReservation *reservation,
                                 const struct claim *claim)
{
    const struct ring *r = &b->ring;

    if (!handle_may_produce(b) || reservation->opaque[1] != handle_owner(b))
        return false;
    /* Relaxed, both words: only this process stores them while it is open. */
    if (r->one_producer)
        return atomic_get_relaxed(&b->open_alone) == claim->position;
    return atomic_get_relaxed(position_control(r, claim->position)) ==
           control_make(position_tag(r, claim->position), handle_owner(b),
                        CONTROL_BUSY);
}

/* Commits it, with `size` bytes. */
static inline void write_finish(struct IpcBuffer *b, const struct claim *claim,
                                size_t size)
{
    if (b->ring.one_producer)
        handle_reserve_nothing(b);
    write_publish_entry(b, claim, size);
}

#endif
