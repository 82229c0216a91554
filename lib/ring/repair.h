/* SPDX-License-Identifier: MIT */
/*
 * What others do when a process stops or dies: revoke gaps, recover dead
 * claims, succeed the one producer. protocol.h has to be read first, and
 * includes this.
 */
#ifndef SHMIPC_REPAIR_H
#define SHMIPC_REPAIR_H

#include "ring/protocol.h"

/* After LOOK_NOTHING at `position`: whether producers have claimed it, so that
 * it is a gap. */
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
 * Revokes blocks from `position` on, up to the next word of its lap or to tail;
 * returns how many. Each is in a gap, or belongs to a claim that was recovered.
 * What is left after PROTOCOL_STEPS is a gap.
 */
static inline uint32_t repair_revoke(struct ring *r, uint64_t position)
{
    /* Relaxed: what is claimed later need not be revoked. */
    uint64_t tail = protocol_tail(r);
    uint32_t tag = position_tag(r, position);
    uint32_t count = 0;

    while (count < PROTOCOL_STEPS && position_tag(r, position) == tag &&
           position_distance(r, position, tail) > 0) {
        /* Acquire [lap]: a word of a newer lap comes with a head that has
         * passed. */
        uint64_t word = atomic_get_acquire(position_control(r, position));
        /* If head has not passed, the word is the old one of a block in a gap.
         * And if head seems too far behind for such a claim it is stale: our
         * SKIP would not come with a head of its lap, as all words do. */
        uint64_t head = protocol_head(r);

        if ((control_tag(word) == tag && control_state(word) != CONTROL_FREE) ||
            (uint64_t)position_distance(r, head, position) >= r->block_count)
            break;
        /* Release [lap]. If it fails, the owner or another revoker was first,
         * and what follows may be inside that owner's claim. */
        if (!atomic_cas_release(position_control(r, position), word,
                                control_make(tag, 1, CONTROL_SKIP)))
            break;
        count++;
        position = position_advance(r, position, 1);
    }
    return count;
}

/*
 * Recovers a claim whose BUSY word is `word`: of a dead owner, or our own. If
 * the owner had stored READY, the CAS would fail. Only the owner knew how many
 * blocks it claimed; the rest are a gap then. False: somebody else was first.
 */
static inline bool repair_recover(struct ring *r, uint64_t position,
                                  uint64_t word)
{
    uint64_t next = position_advance(r, position, 1);
    /* Release [lap]. */
    bool removed = atomic_cas_release(
        position_control(r, position), word,
        control_make(position_tag(r, position), 1, CONTROL_SKIP));

    if (removed && position_tag(r, next) == position_tag(r, position))
        repair_revoke(r, next);
    return removed;
}

enum repair_outcome {
    REPAIR_DONE,
    REPAIR_MORE,  /* to be called again */
    REPAIR_DAMAGE /* the words make no sense */
};

/*
 * One producer: a new holder of the role moves tail over what its predecessor
 * committed last.
 */
static inline enum repair_outcome repair_succeed(struct ring *r)
{
    /* Relaxed: this handle is the only producer now. */
    uint64_t tail = atomic_get_relaxed(&r->tail->position);
    uint64_t moved = 0;

    for (uint32_t steps = 0; steps < PROTOCOL_STEPS; steps++) {
        uint64_t word;
        uint32_t blocks;

        if (!position_is_valid(r, tail) || moved > r->block_count)
            return REPAIR_DAMAGE;
        /* Acquire [commit]: of the predecessor. */
        word = atomic_get_acquire(position_control(r, tail));
        if (control_tag(word) != position_tag(r, tail) ||
            control_state(word) == CONTROL_FREE) {
            /* Relaxed: as above. */
            atomic_put_relaxed(&r->tail->position, tail);
            return REPAIR_DONE;
        }
        blocks = control_extent(word);
        if (blocks == 0 || blocks > position_blocks_left(r, tail))
            return REPAIR_DAMAGE;
        tail = position_advance(r, tail, blocks);
        moved += blocks;
    }
    /* Relaxed: as above. */
    atomic_put_relaxed(&r->tail->position, tail);
    return REPAIR_MORE;
}

#endif
