/* SPDX-License-Identifier: MIT */
/*
 * Claiming blocks and committing what was stored there: P1 to P5 and P7 of
 * protocol.h, which has to be read first and includes this.
 */
#ifndef SHMIPC_CLAIM_H
#define SHMIPC_CLAIM_H

#include "ring/protocol.h"

/* What became of a claim. */
enum claim_outcome {
    CLAIM_DONE,
    CLAIM_FULL,   /* there is no room now */
    CLAIM_RACED,  /* others were faster every time */
    CLAIM_CLOSED, /* nobody may claim any more */
    CLAIM_ANEW,   /* there is another ring now */
    CLAIM_DAMAGE, /* what is there cannot be true */
};

/* Room for an entry, as planned from one look at tail and head (P1, P2). */
struct plan {
    enum claim_outcome outcome; /* CLAIM_RACED: tail moved, plan again */
    uint32_t pad;  /* blocks to the end of the lap that must be filler */
    uint64_t tail; /* what was seen */
    bool only_pad; /* pad and entry can never be free together */
};

/* ------------------------------------------------------------- P1 and P2 */

/* Remembers up to where `tail`'s lap is free, now that head is there, and `fit`
 * blocks are not pinned. */
static inline void claim_note_room(struct ring *r, uint64_t tail, uint64_t head,
                                   uint32_t fit)
{
    uint64_t lap = tail & ~r->index_mask;
    uint32_t end = position_index(r, tail) + fit;

    if (end == r->block_count)
        end--;

    if (head < lap && position_index(r, head) < end)
        end = position_index(r, head);
    /* Release [room]: the head that was acquired, for other threads. */
    atomic_put_release(&r->room_end, lap + end);
}

/* What an entry behind tail takes: *pad and *only_pad of its plan, now that
 * head was loaded; *fit as in a pin_way. False: pins leave no room for it. */
static inline bool claim_lay_out(const struct ring *r, uint32_t blocks,
                                 struct plan *plan, struct pin_way *way)
{
    if (r->subscriber_count && pin_find_way(r, plan->tail, blocks, way)) {
        plan->pad = way->pad;
        plan->only_pad = way->pad > 0;
        return !way->blocked;
    }
    way->fit = position_blocks_left(r, plan->tail);
    plan->pad = blocks <= way->fit ? 0 : way->fit;
    plan->only_pad = plan->pad + (uint64_t)blocks > r->block_count;
    return true;
}

/* claim_plan(), when what the handle knows does not suffice: at the end of a
 * lap, and when readers have to be asked how far they are. */
PROTOCOL_RARE struct plan claim_plan_afresh(struct ring *r, uint32_t blocks,
                                            uint64_t tail)
{
    struct plan plan = {CLAIM_DAMAGE, 0, tail, false};
    uint32_t n = r->block_count;
    struct pin_way way;
    uint64_t head, used;
    uint32_t need;

    if (creation_is_over(r)) {
        plan.outcome = CLAIM_ANEW;
        return plan;
    }
    if (tail & SHMIPC_TAIL_CLOSED) {
        plan.outcome = CLAIM_CLOSED;
        return plan;
    }
    head = protocol_head(r);
    if (!position_is_valid(r, tail) || !position_is_valid(r, head))
        return plan;
    plan.outcome = CLAIM_FULL;
    if (!claim_lay_out(r, blocks, &plan, &way))
        return plan;
    need = plan.only_pad ? plan.pad : plan.pad + blocks;
    /* Unsigned: a tail behind the head counts as too far as well. Then one of
     * the two is older than the other. */
    used = (uint64_t)position_distance(r, head, tail);
    plan.outcome = CLAIM_RACED;
    if (used > n)
        return plan;
    claim_note_room(r, tail, head, way.fit);
    plan.outcome = used <= n - need ? CLAIM_DONE : CLAIM_FULL;
    return plan;
}

/* True: what the handle knows suffices, and *plan is the plainest there is.
 * What it buys: a producer loads head, whose line the consumers keep storing
 * to, when its knowledge runs out, and not for each entry. */
static inline bool claim_plan_plain(const struct ring *r, uint32_t blocks,
                                    struct plan *plan)
{
    /* Relaxed: the CAS of tail, or being its only writer, settles it. */
    uint64_t tail = atomic_get_relaxed(&r->tail->position);
    /* Acquire [room]: the head that another thread of this handle saw. */
    uint64_t end = atomic_get_acquire(&r->room_end);
    uint64_t room = end - tail;

    *plan = (struct plan){CLAIM_DONE, 0, tail, false};
    /* Tail is in the lap of `end` and far enough before it: so it is valid, and
     * the ring was not closed. */
    return room <= (end & r->index_mask) && blocks <= room;
}

/* One block: what claiming and committing it takes, looked up once. */
struct claim_block {
    struct shm_tail *tail;
    atomic_u64 *control;
    unsigned char *payload;
    uint64_t position;
};

/* The same for one block. The plain room never reaches the end of the lap, so
 * what follows the block is one further. */
static inline bool claim_sees_block(const struct ring *r,
                                    struct claim_block *block)
{
    uint64_t end;

    block->tail = r->tail;
    /* Relaxed: as above. */
    block->position = atomic_get_relaxed(&block->tail->position);
    /* Acquire [room]: as above. */
    end = atomic_get_acquire(&r->room_end);
    /* Unsigned: no room at all is too much. */
    return end - block->position - 1 < (end & r->index_mask);
}

static inline void claim_find_block(const struct ring *r,
                                    struct claim_block *block)
{
    uint64_t index = block->position & r->index_mask;

    block->control = &r->control[index];
    block->payload = r->blocks + index * SHMIPC_BLOCK;
}

static inline struct plan claim_plan(struct ring *r, uint32_t blocks)
{
    struct plan plan;

    return claim_plan_plain(r, blocks, &plan)
               ? plan
               : claim_plan_afresh(r, blocks, plan.tail);
}

/* How many free blocks follow tail in one piece, for a caller that has use for
 * `wanted`. A hint: the claim settles it. */
static inline uint64_t claim_room(struct ring *r, uint64_t wanted)
{
    /* Relaxed, both: a hint. */
    uint64_t tail = atomic_get_relaxed(&r->tail->position);
    uint64_t end = atomic_get_relaxed(&r->room_end);
    uint64_t room = end - tail;
    struct pin_way way;
    uint64_t head, used;

    if (room <= (end & r->index_mask) && wanted <= room)
        return room;
    head = protocol_head(r);
    used = (uint64_t)position_distance(r, head, tail);
    if (!position_is_valid(r, tail) || used > r->block_count)
        return 0;
    pin_find_way(r, tail, 1, &way);
    claim_note_room(r, tail, head, way.fit);
    room = r->block_count - used;
    return room < way.fit ? room : way.fit;
}

/* Asks for the lines of the entry at `position` while the claim is being made,
 * and for those of an entry to come. */
static inline void claim_prefetch(const struct ring *r, uint64_t position,
                                  uint32_t blocks)
{
    uint32_t index = position_index(r, position);
    uint32_t ahead = index + blocks - 1 + PROTOCOL_AHEAD;

    atomic_prefetch_write(&r->control[index]);
    atomic_prefetch_write(r->blocks + (size_t)index * SHMIPC_BLOCK);
    if (ahead < r->block_count) {
        atomic_prefetch_write(&r->control[ahead]);
        atomic_prefetch_write(r->blocks + (size_t)ahead * SHMIPC_BLOCK);
    }
}

/* The same for one block, which was asked for as one to come. */
static inline void claim_prefetch_ahead(const struct ring *r,
                                        const struct claim_block *block)
{
    if (block->payload < r->ahead_end) {
        atomic_prefetch_write(block->control + PROTOCOL_AHEAD);
        atomic_prefetch_write(block->payload +
                              (size_t)PROTOCOL_AHEAD * SHMIPC_BLOCK);
    }
}

/* -------------------------------------------------------------- P3 to P5 */

/* P5, and P4: makes a claimed block ours, unless the claim was revoked. */
static inline bool claim_occupy(atomic_u64 *control, uint32_t tag,
                                uint32_t value, enum control_state state)
{
    /* Relaxed: the CAS fails if it is not the latest. */
    uint64_t word = atomic_get_relaxed(control);

    /* I6: an old word is older by so many laps at most. Any other is as new as
     * our claim or newer: the claim was revoked. */
    if (tag - control_tag(word) - 1 > SHMIPC_RENEWAL_LAPS)
        return false;
    /* Release [lap]: the head that we acquired, and the owner slot that
     * `value` names. */
    return atomic_cas_release(control, word, control_make(tag, value, state));
}

static inline bool claim_renews(const struct ring *r, uint64_t position,
                                uint32_t blocks)
{
    return blocks > 1 && position_lap(r, position) % SHMIPC_RENEWAL_LAPS == 0;
}

/* I6: gives the words inside a claim of ours a tag of the lap before. */
static inline void claim_renew(struct ring *r, uint64_t position,
                               uint32_t blocks)
{
    if (claim_renews(r, position, blocks)) {
        uint64_t word =
            control_make(position_tag(r, position) - 1, 0, CONTROL_FREE);
        atomic_u64 *control = position_control(r, position);

        /* Relaxed: published with the word of the claim's first block. Nobody
         * else may store there: claims of older laps are settled. */
        for (uint32_t i = 1; i < blocks; i++)
            atomic_put_relaxed(&control[i], word);
    }
}

/*
 * P4. If the claim was revoked there is nothing left to do: whoever did it made
 * each block a SKIP. A claim whose inside has to be renewed is BUSY meanwhile:
 * once PAD is seen its blocks are not ours any more.
 */
static inline void claim_pad(struct ring *r, uint64_t position, uint32_t blocks,
                             uint32_t owner)
{
    atomic_u64 *control = position_control(r, position);
    uint32_t tag = position_tag(r, position);

    if (!claim_renews(r, position, blocks)) {
        claim_occupy(control, tag, blocks, CONTROL_PAD);
    } else if (claim_occupy(control, tag, owner, CONTROL_BUSY)) {
        claim_renew(r, position, blocks);
        /* Release [commit]: the renewed words. */
        atomic_put_release(control, control_make(tag, blocks, CONTROL_PAD));
    }
}

/* What a tap's proof needs (tap/follow.h): who sees payload sees that it was
 * going to be stored. Costs nothing where the CPU keeps that order. */
static inline void claim_tell_taps(const struct ring *r)
{
    if (ATOMIC_KEEPS_ORDER || r->has_taps)
        /* Release [reach]: tail, or what the one producer intends. */
        atomic_fence_release();
}

/* P3 to P5 as planned. False: others were faster, the claim was revoked, or it
 * was all padding. */
static inline bool claim_planned(struct ring *r, uint32_t blocks,
                                 uint32_t owner, struct plan plan,
                                 uint64_t *position)
{
    uint64_t entry = plan.tail;
    uint64_t next;

    if (plan.pad)
        entry = position_advance(r, plan.tail, plan.pad);
    claim_prefetch(r, entry, blocks);
    next = plan.only_pad ? entry : position_advance(r, entry, blocks);
    *position = entry;
    /* Relaxed: tail carries no data. */
    if (!atomic_cas_relaxed(&r->tail->position, plan.tail, next))
        return false;
    claim_tell_taps(r);
    if (plan.pad)
        claim_pad(r, plan.tail, plan.pad, owner);
    return !plan.only_pad &&
           claim_occupy(position_control(r, entry), position_tag(r, entry),
                        owner, CONTROL_BUSY);
}

/* P1 to P3 for one block when nothing is in the way. False: something is. */
static inline bool claim_block(const struct ring *r, struct claim_block *block)
{
    if (!claim_sees_block(r, block))
        return false;
    claim_find_block(r, block);
    atomic_prefetch_write(block->control);
    atomic_prefetch_write(block->payload);
    claim_prefetch_ahead(r, block);
    /* Relaxed: tail carries no data. */
    return atomic_cas_relaxed(&block->tail->position, block->position,
                              block->position + 1);
}

/* P5. False: the claim was revoked. */
static inline bool claim_occupy_block(const struct ring *r,
                                      const struct claim_block *block,
                                      uint32_t owner)
{
    claim_tell_taps(r);
    return claim_occupy(block->control, position_tag(r, block->position), owner,
                        CONTROL_BUSY);
}

/* P1 to P5 with many producers. */
static inline enum claim_outcome claim_shared(struct ring *r, uint32_t blocks,
                                              uint32_t owner,
                                              uint64_t *position)
{
    for (int tries = 0; tries < PROTOCOL_TRIES; tries++) {
        struct plan plan = claim_plan(r, blocks);

        if (plan.outcome == CLAIM_RACED)
            continue;
        if (plan.outcome != CLAIM_DONE)
            return plan.outcome;
        if (claim_planned(r, blocks, owner, plan, position))
            return CLAIM_DONE;
    }
    return CLAIM_RACED;
}

/* Lets another entry begin inside a claim that is ours. Nobody looks there
 * while the claim's first word is BUSY. */
static inline void claim_divide(struct ring *r, uint64_t position,
                                uint32_t owner)
{
    /* Relaxed: published with the word of the claim's first block. */
    atomic_put_relaxed(
        position_control(r, position),
        control_make(position_tag(r, position), owner, CONTROL_BUSY));
}

/* -------------------------------------------------------------------- P7 */

/* Commits a claim of `blocks` blocks as what `value` and `state` say, READY or
 * ARRAY. Blocks that this does not need become filler. */
static inline void claim_commit(struct ring *r, uint64_t position,
                                uint32_t blocks, uint32_t value,
                                enum control_state state)
{
    atomic_u64 *control = position_control(r, position);
    uint64_t word = control_make(position_tag(r, position), value, state);
    uint32_t taken = control_extent(word);

    claim_renew(r, position, blocks);
    if (taken < blocks)
        /* Relaxed: published by READY. */
        atomic_put_relaxed(&control[taken],
                           control_make(position_tag(r, position),
                                        blocks - taken, CONTROL_PAD));
    /* Release [commit]: the payload. */
    atomic_put_release(control, word);
}

/* The same for an entry that needs the one block that was claimed. */
static inline void claim_commit_block(const struct ring *r,
                                      const struct claim_block *block,
                                      uint32_t size)
{
    /* Release [commit]: the payload. */
    atomic_put_release(
        block->control,
        control_make(position_tag(r, block->position), size, CONTROL_READY));
}

/* Gives a claim up. */
static inline void claim_abort(struct ring *r, uint64_t position,
                               uint32_t blocks)
{
    claim_renew(r, position, blocks);
    /* Release [commit]: the renewed words. */
    atomic_put_release(
        position_control(r, position),
        control_make(position_tag(r, position), blocks, CONTROL_SKIP));
}

/* ---------------------------------------------------------- one producer */

/* P1 and P2 when nothing is in the way. False: something is, or may be. */
static inline bool claim_alone_plain(const struct ring *r, uint32_t blocks,
                                     uint64_t *position)
{
    struct plan plan;
    /* Relaxed: a closing that is missed came later. */
    bool free = claim_plan_plain(r, blocks, &plan) &&
                !atomic_get_relaxed(&r->tail->closed);

    *position = plan.tail;
    if (free)
        claim_prefetch(r, plan.tail, blocks);
    return free;
}

/* The same for one block. */
static inline bool claim_block_alone(const struct ring *r,
                                     struct claim_block *block)
{
    /* Relaxed: as above. */
    if (!claim_sees_block(r, block) || atomic_get_relaxed(&block->tail->closed))
        return false;
    claim_find_block(r, block);
    claim_prefetch_ahead(r, block);
    return true;
}

/* With taps: says up to where payload may be stored from now on. It never says
 * less than before, since a reservation that was given up, or committed
 * shorter, may have stored there, too. */
static inline void claim_intend(struct ring *r, uint64_t end)
{
    /* Relaxed: only the one producer stores it. */
    if (r->has_taps &&
        position_distance(r, atomic_get_relaxed(&r->tail->intended), end) > 0)
        /* Release [intent]: tail is not older. */
        atomic_put_release(&r->tail->intended, end);
}

static inline void claim_pad_alone(struct ring *r, uint64_t tail, uint32_t pad)
{
    claim_renew(r, tail, pad);
    /* Release [commit]: the renewed words. */
    atomic_put_release(position_control(r, tail),
                       control_make(position_tag(r, tail), pad, CONTROL_PAD));
    /* Relaxed: nobody else's tail. */
    atomic_put_relaxed(&r->tail->position, position_advance(r, tail, pad));
}

/* P1 and P2. A pad is made at once; the entry's blocks stay unclaimed until
 * claim_commit_alone(). */
static inline enum claim_outcome claim_alone(struct ring *r, uint32_t blocks,
                                             uint64_t *position)
{
    /* If tail is only ours two rounds suffice, the first of them for a pad; and
     * one more for each pin. */
    for (uint32_t tries = 0; tries < 3 + r->subscriber_count; tries++) {
        struct plan plan;

        /* Relaxed: a closing that is missed came later. */
        if (atomic_get_relaxed(&r->tail->closed))
            return CLAIM_CLOSED;
        plan = claim_plan(r, blocks);
        if (plan.outcome == CLAIM_RACED)
            return CLAIM_DAMAGE; /* nobody else moves tail */
        if (plan.outcome != CLAIM_DONE)
            return plan.outcome;
        *position = plan.tail;
        if (!plan.pad) {
            claim_prefetch(r, plan.tail, blocks);
            claim_intend(r, position_advance(r, plan.tail, blocks));
            claim_tell_taps(r);
            return CLAIM_DONE;
        }
        claim_pad_alone(r, plan.tail, plan.pad);
    }
    return r->subscriber_count ? CLAIM_RACED : CLAIM_DAMAGE;
}

/* P7 of what claim_alone() found room for. READY commits it; tail only
 * follows. */
static inline void claim_commit_alone(struct ring *r, uint64_t position,
                                      uint32_t value, enum control_state state)
{
    uint64_t word = control_make(position_tag(r, position), value, state);
    uint32_t blocks = control_extent(word);

    claim_renew(r, position, blocks);
    /* Release [commit]: the payload. */
    atomic_put_release(position_control(r, position), word);
    /* Relaxed: only the next producer needs it, and it looks at the words. */
    atomic_put_relaxed(&r->tail->position,
                       position_advance(r, position, blocks));
}

/* The same for an entry in as many blocks as claim_alone_plain() found room
 * for, which is never up to the end of the lap. */
static inline void claim_commit_plain_alone(struct ring *r, uint64_t position,
                                            uint32_t blocks, uint32_t size)
{
    claim_renew(r, position, blocks);
    /* Release [commit]: the payload. */
    atomic_put_release(
        position_control(r, position),
        control_make(position_tag(r, position), size, CONTROL_READY));
    /* Relaxed: as above. */
    atomic_put_relaxed(&r->tail->position, position + blocks);
}

/* The same for an entry in the one block that claim_block_alone() found. */
static inline void claim_commit_block_alone(const struct ring *r,
                                            const struct claim_block *block,
                                            uint32_t size)
{
    claim_commit_block(r, block, size);
    /* Relaxed: as above. */
    atomic_put_relaxed(&block->tail->position, block->position + 1);
}

#endif
