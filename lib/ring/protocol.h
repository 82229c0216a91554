/* SPDX-License-Identifier: MIT */
/*
 * The protocol: how producers and consumers share the ring. It is written
 * here, the end of it in protocol_repair.h, and nowhere else.
 *
 * OVERVIEW
 *   A producer claims blocks by moving `tail`, makes the first block its own by
 *   storing BUSY(owner) into that block's control word, fills the blocks, and
 *   commits by storing READY(length) there. A consumer reads the control word
 *   at `head`, copies the entry, and takes it by moving `head`. An entry never
 *   wraps: what is left at the end of a lap becomes PAD. Several entries of one
 *   size can share a claim: an ARRAY, in which head moves from item to item,
 *   and off it with the last one.
 *
 * INVARIANTS
 *   I1  head <= tail (one-producer mode: tail lags while a commit runs), and
 *       they are never more than n blocks apart.
 *   I2  A control word with the tag of lap L is stored only by the one whose
 *       claim holds the block in lap L, or by one who revokes or recovers that
 *       claim; first by a CAS from the word of an older lap. So of an owner
 *       and a revoker one wins, for ever.
 *   I3  Payload is stored only between a won BUSY and READY. (One-producer
 *       mode: between tail and tail + room, which nobody else may claim.)
 *   I4  Consumers store nothing but `head`, except that anyone may turn a
 *       gap or a dead owner's BUSY into SKIP.
 *   I5  head passes a block only over READY, ARRAY, PAD or SKIP of its own lap.
 *       So a word of lap L+1 implies that head has passed the block in lap L.
 *   I6  No control word is older than SHMIPC_RENEWAL_LAPS + 1 laps: words
 *       inside entries, which nothing else stores, are renewed that often.
 *       So 32 bits of the lap suffice to tell old from new.
 *
 * WHO STORES WHAT
 *   tail      producers, by CAS (one-producer mode: the producer, by store)
 *   control   FREE..: the claim's owner; SKIP: also revokers and recoverers
 *   blocks    the claim's owner
 *   head      consumers, by CAS (one-consumer mode: the consumer, by store);
 *             in many-consumer mode producers too, over PAD and SKIP
 *
 * ORDERING
 *   access                          order     pairs with, or why enough
 *   tail: load, CAS, store          relaxed   carries no data; who owns a block
 *                                             is settled by its control word
 *   head: load by producers         acquire   head moves: the blocks were read
 *   head: load by consumers         acquire   head moves: older words of the
 *                                             block are not seen any more
 *   head: CAS, store                release   both of the above
 *   control: load by consumers      acquire   READY, ARRAY, PAD, SKIP, BUSY
 *   control: load by producers      relaxed   the CAS settles it
 *   control: CAS to BUSY, PAD, SKIP release   consumers' load: who saw lap L's
 *                                             word sees a head that is in L
 *   control: store READY, ARRAY     release   consumers' load: the payload
 *   control: store PAD in an entry  relaxed   published by READY
 *   control: renewal                relaxed   published by READY
 *
 * A CRASH LEAVES
 *   a producer between tail and BUSY     a gap: `tail` ahead, the word old.
 *                                        Anyone may revoke it (repair_revoke)
 *                                        without knowing who lives: a late
 *                                        owner loses its CAS and claims anew.
 *   between BUSY and READY               BUSY(owner). Once that process is
 *                                        dead, SKIP (repair_remove); what
 *                                        else it claimed is a gap then.
 *   after READY                          a committed entry.
 *   a consumer before moving head        the entry, still there.
 *   after it                             nothing.
 *   one-producer mode, READY to tail     tail behind words of its own lap; the
 *                                        next producer moves it over them.
 *   Stopped instead of dead: the same, and when it goes on it finds out.
 */
#ifndef SHMIPC_PROTOCOL_H
#define SHMIPC_PROTOCOL_H

#include "ring/position.h"

enum {
    /* Blocks by which producers prefetch: docs/benchmarks/experiments.md. */
    PROTOCOL_AHEAD = 8,
    /* Others can make us start again; only a hostile one can do so this often
     * without getting anything done itself. */
    PROTOCOL_TRIES = 4096,
};

/* Not to be inlined into the path of a write or a read, which is shorter for
 * that. */
#define PROTOCOL_RARE __attribute__((noinline, unused)) static

/* What a consumer found at the head. */
struct view {
    uint64_t head; /* the head word: position and, in an array, item */
    uint64_t position;
    uint64_t word;
    uint64_t next;  /* head word after the entry */
    uint32_t size;  /* bytes of the entry */
    uint32_t start; /* bytes before it in its first block: of an array */
};

/*
 * Room for an entry, as planned from one look at tail and head. IPC_OK: it
 * fits. IPC_ERR_NO_SPACE_CONTIGUOUS: it does not now. IPC_ERR_LOCKED: tail
 * moved on meanwhile, look again. IPC_ERR_CLOSED, IPC_ERR_CORRUPTED.
 */
struct plan {
    IpcStatus status;
    uint32_t pad; /* blocks to the end of the lap that must be filler */
    uint64_t tail;
    bool only_pad; /* pad and entry can never be free together */
};

/* Tail as a position. Relaxed: who needs more than a hint says why. */
static inline uint64_t protocol_tail(const struct ring *r)
{
    return atomic_get_relaxed(&r->tail->position) & ~SHMIPC_TAIL_CLOSED;
}

/* Head's position. Acquire pairs with the release in take_move(): the
 * blocks before it were read. */
static inline uint64_t protocol_head(const struct ring *r)
{
    return position_of_head(atomic_get_acquire(&r->head->position));
}

/* ---------------------------------------------------------------- claims */

/* Remembers up to where `tail`'s lap is free, now that head is there. */
static inline void claim_note_room(struct ring *r, uint64_t tail, uint64_t head)
{
    uint64_t lap = tail & ~r->index_mask;
    uint32_t end = r->block_count - 1;

    if (head < lap && position_index(r, head) < end)
        end = position_index(r, head);
    /* Release: pairs with the acquire in claim_plan_plain(), another
     * thread's. */
    atomic_put_release(&r->room_end, lap + end);
}

/* claim_plan(), when what the handle knows does not suffice: at the end of
 * a lap, and when readers have to be asked how far they are. */
PROTOCOL_RARE struct plan claim_plan_afresh(struct ring *r, uint32_t blocks,
                                            uint64_t tail)
{
    struct plan plan = {IPC_ERR_CORRUPTED, 0, tail, false};
    uint32_t n = r->block_count;
    uint32_t fit, need;
    uint64_t head, used;

    if (tail & SHMIPC_TAIL_CLOSED) {
        plan.status = IPC_ERR_CLOSED;
        return plan;
    }
    head = protocol_head(r);
    if (!position_is_valid(r, tail) || !position_is_valid(r, head))
        return plan;
    fit = position_blocks_left(r, tail);
    plan.pad = blocks <= fit ? 0 : fit;
    plan.only_pad = plan.pad + (uint64_t)blocks > n;
    need = plan.only_pad ? plan.pad : plan.pad + blocks;
    /* Unsigned: a tail behind the head counts as too far as well. Then tail is
     * older than head, or the other way round. */
    used = (uint64_t)position_distance(r, head, tail);
    plan.status = IPC_ERR_LOCKED;
    if (used > n)
        return plan;
    claim_note_room(r, tail, head);
    plan.status = used <= n - need ? IPC_OK : IPC_ERR_NO_SPACE_CONTIGUOUS;
    return plan;
}

/* True: what the handle knows suffices, and *plan is the plainest there is. */
static inline bool claim_plan_plain(const struct ring *r, uint32_t blocks,
                                    struct plan *plan)
{
    /* Relaxed: the CAS of tail, or being its only writer, settles it. */
    uint64_t tail = atomic_get_relaxed(&r->tail->position);
    /* Acquire: with another thread's release in claim_note_room(), and so
     * with the head move that it acquired. */
    uint64_t end = atomic_get_acquire(&r->room_end);
    uint64_t room = end - tail;

    *plan = (struct plan){IPC_OK, 0, tail, false};
    /* In the lap of `end`, and far enough before it: so it is a position that
     * exists, and of no closed ring. */
    return room <= (end & r->index_mask) && blocks <= room;
}

static inline struct plan claim_plan(struct ring *r, uint32_t blocks)
{
    struct plan plan;

    return claim_plan_plain(r, blocks, &plan)
               ? plan
               : claim_plan_afresh(r, blocks, plan.tail);
}

/* Free blocks behind tail in one piece, when up to `wanted` are of interest: a
 * hint, which the claim settles. */
static inline uint64_t claim_room(struct ring *r, uint64_t wanted)
{
    /* Relaxed, both: a hint. */
    uint64_t tail = atomic_get_relaxed(&r->tail->position);
    uint64_t end = atomic_get_relaxed(&r->room_end);
    uint64_t room = end - tail;
    uint64_t head, used;

    if (room <= (end & r->index_mask) && wanted <= room)
        return room;
    head = protocol_head(r);
    used = (uint64_t)position_distance(r, head, tail);
    if (!position_is_valid(r, tail) || used > r->block_count)
        return 0;
    claim_note_room(r, tail, head);
    room = r->block_count - used;
    return room < position_blocks_left(r, tail) ? room
                                                : position_blocks_left(r, tail);
}

/* Has the lines of the entry at `position` on their way while the claim is
 * made, and those of entries to come. */
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

/* Step 4: makes a claimed block ours, unless the claim was revoked. */
static inline bool claim_occupy(struct ring *r, uint64_t position,
                                uint32_t value, enum control_state state)
{
    atomic_u64 *control = position_control(r, position);
    uint32_t tag = position_tag(r, position);
    /* Relaxed: the CAS fails if it is not the latest. */
    uint64_t word = atomic_get_relaxed(control);

    /* I6: what is older is so by few laps; all else is as new as our claim or
     * newer, and the claim was revoked. */
    if (tag - control_tag(word) - 1 > SHMIPC_RENEWAL_LAPS)
        return false;
    /* Release: pairs with the acquire in take_look_at(), for the head that
     * we acquired, and for the owner slot that `value` names. */
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
 * Many producers: makes a claim filler. A revoked one needs no second look: it
 * is SKIPped block by block. A claim whose inside has to be renewed is BUSY
 * meanwhile: once PAD is seen it is not ours any more.
 */
static inline void claim_pad(struct ring *r, uint64_t position, uint32_t blocks,
                             uint32_t owner)
{
    if (!claim_renews(r, position, blocks)) {
        claim_occupy(r, position, blocks, CONTROL_PAD);
    } else if (claim_occupy(r, position, owner, CONTROL_BUSY)) {
        claim_renew(r, position, blocks);
        /* Release pairs with the acquire in take_look_at(). */
        atomic_put_release(
            position_control(r, position),
            control_make(position_tag(r, position), blocks, CONTROL_PAD));
    }
}

/* Many producers: claims `blocks` blocks for `owner` as planned. False: others
 * were faster, or it was all padding. */
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
    /* Relaxed: see ORDERING. */
    if (!atomic_cas_relaxed(&r->tail->position, plan.tail, next))
        return false;
    if (plan.pad)
        claim_pad(r, plan.tail, plan.pad, owner);
    return !plan.only_pad && claim_occupy(r, entry, owner, CONTROL_BUSY);
}

/* Many producers: claims `blocks` blocks for `owner`. */
static inline IpcStatus claim_shared(struct ring *r, uint32_t blocks,
                                     uint32_t owner, uint64_t *position)
{
    for (int tries = 0; tries < PROTOCOL_TRIES; tries++) {
        struct plan plan = claim_plan(r, blocks);

        if (plan.status == IPC_ERR_LOCKED)
            continue;
        if (plan.status != IPC_OK)
            return plan.status;
        if (claim_planned(r, blocks, owner, plan, position))
            return IPC_OK;
    }
    return IPC_ERR_LOCKED;
}

/* Many producers: lets another entry begin inside a claim that is ours. What
 * follows the first entry's word is not looked at before that is READY. */
static inline void claim_divide(struct ring *r, uint64_t position,
                                uint32_t owner)
{
    /* Relaxed: published with the word of the claim's first block. */
    atomic_put_relaxed(
        position_control(r, position),
        control_make(position_tag(r, position), owner, CONTROL_BUSY));
}

/* One producer: finds room. A pad is made at once, the entry's blocks stay
 * unclaimed until claim_commit_alone(). */
/* The plainest case of it. */
static inline bool claim_alone_plain(const struct ring *r, uint32_t blocks,
                                     uint64_t *position)
{
    struct plan plan;
    /* Relaxed: who closes meanwhile was later. */
    bool free = claim_plan_plain(r, blocks, &plan) &&
                !atomic_get_relaxed(&r->tail->closed);

    *position = plan.tail;
    if (free)
        claim_prefetch(r, plan.tail, blocks);
    return free;
}

static inline IpcStatus claim_alone(struct ring *r, uint32_t blocks,
                                    uint64_t *position)
{
    /* Two rounds suffice, with a pad in the first, if tail is only ours. */
    for (int tries = 0; tries < 3; tries++) {
        struct plan plan;

        /* Relaxed: who closes meanwhile was later. */
        if (atomic_get_relaxed(&r->tail->closed))
            return IPC_ERR_CLOSED;
        plan = claim_plan(r, blocks);
        if (plan.status == IPC_ERR_LOCKED)
            return IPC_ERR_CORRUPTED; /* nobody else moves tail */
        if (plan.status != IPC_OK)
            return plan.status;
        *position = plan.tail;
        if (!plan.pad) {
            claim_prefetch(r, plan.tail, blocks);
            return IPC_OK;
        }
        claim_renew(r, plan.tail, plan.pad);
        /* Release: pairs with the acquire in take_look_at(). */
        atomic_put_release(
            position_control(r, plan.tail),
            control_make(position_tag(r, plan.tail), plan.pad, CONTROL_PAD));
        /* Relaxed: nobody else's tail. */
        atomic_put_relaxed(&r->tail->position,
                           position_advance(r, plan.tail, plan.pad));
    }
    return IPC_ERR_CORRUPTED;
}

/* --------------------------------------------------------------- commits */

/* Many producers: commits a claim of `blocks` blocks as what `value` and
 * `state` say, READY or ARRAY. */
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
    /* Release pairs with the acquire in take_look_at(): the payload. */
    atomic_put_release(control, word);
}

/* Many producers: gives a claim up. */
static inline void claim_abort(struct ring *r, uint64_t position,
                               uint32_t blocks)
{
    claim_renew(r, position, blocks);
    /* Release pairs with the acquire in take_look_at(). */
    atomic_put_release(
        position_control(r, position),
        control_make(position_tag(r, position), blocks, CONTROL_SKIP));
}

/* One producer: commits what claim_alone() found room for. It counts
 * from READY on; tail only follows. */
static inline void claim_commit_alone(struct ring *r, uint64_t position,
                                      uint32_t value, enum control_state state)
{
    uint64_t word = control_make(position_tag(r, position), value, state);
    uint32_t blocks = control_extent(word);

    claim_renew(r, position, blocks);
    /* Release pairs with the acquire in take_look_at(): the payload. */
    atomic_put_release(position_control(r, position), word);
    /* Relaxed: only the next producer needs it, and it looks at the words. */
    atomic_put_relaxed(&r->tail->position,
                       position_advance(r, position, blocks));
}

/* ----------------------------------------------------------------- reads */

/* Takes what lies between two head words from the ring. */
static inline bool take_move(struct ring *r, uint64_t from, uint64_t to)
{
    /* Release, both: our loads of the blocks come first. Pairs with the
     * acquires of head in protocol_head() and take_look(). */
    if (!r->one_consumer)
        return atomic_cas_release(&r->head->position, from, to);
    atomic_put_release(&r->head->position, to);
    return true;
}

/* The entry of an array that head stands at: a step to the next one, or off
 * the array. False: it has no such entry. */
static inline bool take_item(uint64_t head, struct view *view)
{
    uint32_t value = control_value(view->word);
    uint32_t item = position_item(head);

    if (item >= control_array_count(value))
        return false;
    view->size = control_array_size(value);
    view->start = item * control_array_stride(view->size);
    if (item + 1 < control_array_count(value))
        view->next = head + SHMIPC_HEAD_ITEM;
    return true;
}

/* Whether view->word is an entry by itself. */
static inline bool take_is_entry(const struct ring *r, struct view *view)
{
    const uint64_t value_mask = (uint64_t)CONTROL_VALUE_MAX << 4;
    uint32_t size = control_value(view->word);
    uint32_t blocks = control_blocks(size);

    view->size = size;
    view->next = position_advance(r, view->head, blocks);
    /* Unsigned: 0 blocks are too many as well. */
    return (view->word & ~value_mask) ==
               control_make(position_tag(r, view->head), 0, CONTROL_READY) &&
           blocks - 1 < position_blocks_left(r, view->head) &&
           view->head == view->position;
}

/* True: there is an entry by itself at the head. False: there may be anything,
 * take_look() tells. */
static inline bool take_look_plain(const struct ring *r, struct view *view)
{
    /* Acquire, both: as in take_look() and take_look_at(). */
    uint64_t head = atomic_get_acquire(&r->head->position);

    *view = (struct view){.head = head, .position = position_of_head(head)};
    if (!position_is_valid(r, head))
        return false;
    atomic_prefetch(position_payload(r, head));
    view->word = atomic_get_acquire(position_control(r, head));
    return take_is_entry(r, view);
}

/*
 * What is at `head`, a head word. IPC_OK: an entry. IPC_PLACEHOLDER: filler up
 * to view->next. IPC_ERR_NOT_READY: view->word is BUSY. IPC_EMPTY: nothing was
 * stored there in this lap. IPC_ERR_CORRUPTED.
 */
static inline IpcStatus take_look_at(const struct ring *r, uint64_t head,
                                     struct view *view)
{
    uint64_t position = position_of_head(head);
    uint64_t word;
    uint32_t blocks;

    *view = (struct view){.head = head, .position = position};
    if (!position_is_valid(r, position))
        return IPC_ERR_CORRUPTED;
    /* Acquire pairs with every release of a control word, as that in
     * claim_commit(): the payload, and a head at least as new. */
    word = atomic_get_acquire(position_control(r, position));
    view->word = word;
    if (take_is_entry(r, view))
        return IPC_OK;
    if (control_tag(word) != position_tag(r, position) ||
        control_state(word) == CONTROL_FREE)
        return IPC_EMPTY;
    if (control_state(word) == CONTROL_BUSY)
        return IPC_ERR_NOT_READY;
    blocks = control_extent(word);
    /* Unsigned: 0 is too many as well. */
    if (blocks - 1 >= position_blocks_left(r, position))
        return IPC_ERR_CORRUPTED;
    view->next = position_advance(r, position, blocks);
    view->size = control_value(word);
    if (control_state(word) == CONTROL_ARRAY)
        return take_item(head, view) ? IPC_OK : IPC_ERR_CORRUPTED;
    return head == position && control_state(word) != CONTROL_READY
               ? IPC_PLACEHOLDER
               : IPC_ERR_CORRUPTED;
}

/* Where the entry's bytes are, and what users call it. */
static inline unsigned char *take_payload(const struct ring *r,
                                          const struct view *view)
{
    return position_payload(r, view->position) + view->start;
}

static inline uint64_t take_offset(const struct ring *r,
                                   const struct view *view)
{
    return position_offset(r, view->position) + view->start;
}

/*
 * What is at the head, after moving it over filler, so only for those who may
 * move it. As take_look_at() says; IPC_EMPTY: there may be a gap;
 * IPC_ERR_LOCKED: others moved head too often.
 */
static inline IpcStatus take_look(struct ring *r, struct view *view)
{
    uint64_t tries = (uint64_t)r->block_count + PROTOCOL_TRIES;

    for (; tries > 0; tries--) {
        /* Acquire pairs with the release in take_move(): words of
         * older laps that were replaced are not seen any more. */
        uint64_t head = atomic_get_acquire(&r->head->position);
        IpcStatus status;

        /* Both lines of the entry at once, should it be there. */
        atomic_prefetch(position_payload(r, position_of_head(head)));
        status = take_look_at(r, head, view);
        if (status == IPC_PLACEHOLDER)
            take_move(r, head, view->next);
        /* The word is older than head's lap, or head is stale: then it has
         * moved. Acquire: as above, for who revokes. */
        else if (status != IPC_EMPTY ||
                 atomic_get_acquire(&r->head->position) == head)
            return status;
    }
    return IPC_ERR_LOCKED;
}

#include "ring/protocol_repair.h"

#endif
