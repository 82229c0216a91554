/* SPDX-License-Identifier: MIT */
/*
 * The rest of the protocol: what is done when no more is to come, and about
 * what those leave who die. The head of protocol.h, which includes it, is its
 * head too.
 */
#ifndef SHMIPC_PROTOCOL_REPAIR_H
#define SHMIPC_PROTOCOL_REPAIR_H

#include "ring/protocol.h"

/* --------------------------------------------------------------- closing */

/*
 * Lets nobody claim any more. With many producers tail settles that: a claim
 * comes before the closing, or its CAS fails. A one producer looks at `closed`
 * before it claims; what it was writing meanwhile still counts.
 */
static inline void close_ring(struct ring *r)
{
    /* Relaxed, both: published by the store below. */
    if (!r->one_producer)
        atomic_or_relaxed(&r->tail->position, SHMIPC_TAIL_CLOSED);
    atomic_put_relaxed(&r->tail->closed, 1);
    /* Pairs with the acquire in close_is_final(). */
    atomic_put_release(&r->head->closed, 1);
}

/* After IPC_EMPTY at `head`, a position: whether nothing can come any more. */
static inline bool close_is_final(const struct ring *r, uint64_t head)
{
    struct view view;

    /* Acquire pairs with the release in close_ring(): tail is final, and
     * what the closer wrote before is there. */
    if (!atomic_get_acquire(&r->head->closed))
        return false;
    return r->one_producer ? take_look_at(r, head, &view) == IPC_EMPTY
                           : protocol_tail(r) == head;
}

/* -------------------------------------------------------------- recovery */

/* Whether producers have claimed what IPC_EMPTY was said of at `position`: a
 * gap. */
static inline bool repair_is_gap(const struct ring *r, uint64_t position)
{
    uint64_t tail;

    if (r->one_producer)
        return false;
    /* Relaxed: a stale tail only hides the gap until the next look. */
    tail = protocol_tail(r);
    return position_is_valid(r, tail) &&
           position_distance(r, position, tail) > 0;
}

/*
 * Revokes what is not stored yet from `position` on, up to the next word of its
 * lap or to tail; returns the number of blocks. Each is either part of a claim
 * that is given up or a gap, and a gap may be revoked at any time.
 */
static inline uint32_t repair_revoke(struct ring *r, uint64_t position)
{
    /* Relaxed: what is claimed later need not be revoked. */
    uint64_t tail = protocol_tail(r);
    uint32_t tag = position_tag(r, position);
    uint32_t count = 0;

    while (position_tag(r, position) == tag &&
           position_distance(r, position, tail) > 0) {
        /* Acquire pairs with the release in claim_occupy(): a word of a
         * newer lap comes with a head that has passed. */
        uint64_t word = atomic_get_acquire(position_control(r, position));
        /* If head has not passed, the word is the old one of a block in a gap.
         * And if head seems too far behind for such a claim it is stale: a word
         * of ours would not come with a head of its lap, as all others do. */
        uint64_t head = protocol_head(r);

        if ((control_tag(word) == tag && control_state(word) != CONTROL_FREE) ||
            (uint64_t)position_distance(r, head, position) >= r->block_count)
            break;
        /* Release pairs with the acquire in take_look_at(). If it fails,
         * the owner or another revoker was first, and what follows may be
         * inside that owner's claim. */
        if (!atomic_cas_release(position_control(r, position), word,
                                control_make(tag, 1, CONTROL_SKIP)))
            break;
        count++;
        position = position_advance(r, position, 1);
    }
    return count;
}

/*
 * Removes a claim whose BUSY word is `word`: of a dead owner, or our own. Had
 * the owner's READY come, it would have changed the word. Only the owner knew
 * how many blocks it claimed; they are a gap then. False: somebody else did it.
 */
static inline bool repair_remove(struct ring *r, uint64_t position,
                                 uint64_t word)
{
    uint64_t next = position_advance(r, position, 1);
    /* Release: pairs with the acquire in take_look_at(). */
    bool removed = atomic_cas_release(
        position_control(r, position), word,
        control_make(position_tag(r, position), 1, CONTROL_SKIP));

    if (removed && position_tag(r, next) == position_tag(r, position))
        repair_revoke(r, next);
    return removed;
}

/*
 * One producer: a new holder of the role moves tail over what its predecessor
 * committed last. IPC_ERR_CORRUPTED if the words make no sense.
 */
static inline IpcStatus repair_succeed(struct ring *r)
{
    /* Relaxed: this handle is the only producer now. */
    uint64_t tail = atomic_get_relaxed(&r->tail->position);

    for (uint64_t tries = 0; tries <= r->block_count; tries++) {
        uint64_t word;
        uint32_t blocks;

        if (!position_is_valid(r, tail))
            return IPC_ERR_CORRUPTED;
        /* Acquire pairs with the release in claim_commit_alone(), the
         * predecessor's. */
        word = atomic_get_acquire(position_control(r, tail));
        if (control_tag(word) != position_tag(r, tail) ||
            control_state(word) == CONTROL_FREE) {
            atomic_put_relaxed(&r->tail->position, tail);
            return IPC_OK;
        }
        blocks = control_extent(word);
        if (blocks == 0 || blocks > position_blocks_left(r, tail))
            return IPC_ERR_CORRUPTED;
        tail = position_advance(r, tail, blocks);
    }
    return IPC_ERR_CORRUPTED;
}

#endif
