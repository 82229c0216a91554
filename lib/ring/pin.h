/* SPDX-License-Identifier: MIT */
/*
 * Pins: a subscriber keeps the entry that it works on where it lies, while the
 * gate and then tail go on around it. claim.h uses this; protocol.h and
 * subscriber.h explain what it speaks of.
 *
 * PINNING, of the entry at the subscriber's cursor; each has one pin
 *   N1  Store how many blocks the entry has, and then CAS the slot's pin from
 *       nothing to its position.
 *   N2  C5: CAS the cursor from the entry to what is behind it. If that fails,
 *       N4, and there is no pin.
 *   N3  Use the entry in place, for as long as it takes.
 *   N4  CAS the pin to nothing.
 *
 * GOING ROUND, by a producer whose handle does not know of enough room (P2)
 *   Having loaded the gate, it loads all pins. Blocks with a pinned index are
 *   claimed as filler only, in whatever lap (P3, P4): nobody stores payload
 *   there. What the handle is to know of free room ends in front of them. Where
 *   no blocks in a row between pins suffice for the entry, no filler is made:
 *   there is no room until somebody lets go.
 *
 *   Why does nobody store into what is pinned? The blocks of an entry are free
 *   once the gate has passed it. Who moved the gate past had seen the cursor
 *   behind the entry, as N2 or somebody later left it (I7); or evicted, and
 *   then N2 fails. N1 comes before N2, N2 is released and acquired with the
 *   cursor, and that with the gate: so who acquires such a gate sees the pin.
 *   And what a handle knew of room before was a lap behind a gate that had not
 *   passed, which ends before these blocks. So there is no fence in this, and
 *   movers need not know of pins.
 *
 *   Only bytes of payload are kept: in later laps the control words there are
 *   PAD. So the pin says how long it is, and who has it what the entry's size
 *   was. Producers take what they find for true until N2 has succeeded, too:
 *   then they go round for nothing.
 *
 * THE DEAD. A pin goes with its subscriber (R3 of subscriber.h), whose death is
 *   asked for where there is no room for pins, as it is for cursors. What R3
 *   clears is what was there between R2 and the look at the cursor. Another one
 *   that joins in that slot either waits for the end of R3, or begins behind
 *   all that was claimed before, and so pins another position.
 *
 * INVARIANTS
 *   I9   Nobody stores payload into a pinned entry between N2 and N4.
 *   I10  A pin is stored by CAS: by the slot's owner, and to nothing by anybody
 *        who knows that owner to be dead.
 *
 * ORDERING
 *   label  released by     acquired by         so that
 *   pin    N1              the look at pins,   it is known how long it is; the
 *                          of P2 and R3        cursor is not older than that
 *   unpin  N4; clearing    the look of P2      the blocks were read
 *          one of the dead
 */
#ifndef SHMIPC_PIN_H
#define SHMIPC_PIN_H

#include "ring/position.h"

enum {
    /* Gaps between pins that one looks at, before it is left to what comes of
     * trying. */
    PIN_GAPS_MAX = 64,
};

/* Blocks that are pinned, by index. */
struct pin {
    uint32_t begin;
    uint32_t end;
};

static inline atomic_u64 *pin_word(const struct ring *r, uint32_t slot)
{
    return &r->subscribers[slot].cursor.pinned;
}

/* What is pinned in that slot. False: nothing. */
static inline bool pin_look(const struct ring *r, uint32_t slot,
                            struct pin *pin)
{
    /* Acquire [pin]: its length. [unpin] */
    uint64_t word = atomic_get_acquire(pin_word(r, slot));
    uint32_t left, blocks;

    if (word == 0 || !position_is_valid(r, word))
        return false;
    left = position_blocks_left(r, word);
    /* Relaxed: of this pin, or of a later one that is not in our way. */
    blocks = atomic_get_relaxed(&r->subscribers[slot].cursor.pinned_blocks);
    pin->begin = position_index(r, word);
    /* Unsigned: 0 is too many as well. */
    pin->end = pin->begin + (blocks - 1 < left ? blocks : left);
    return true;
}

/* The first that ends behind that index; else what begins at the ring's end.
 * False: nothing is pinned at all. */
static inline bool pin_next(const struct ring *r, uint32_t index,
                            struct pin *next)
{
    bool found = false;

    *next = (struct pin){r->block_count, r->block_count};
    for (uint32_t i = 0; i < r->subscriber_count; i++) {
        struct pin one;

        if (!pin_look(r, i, &one))
            continue;
        found = true;
        if (one.end > index && one.begin < next->begin)
            *next = one;
    }
    return found;
}

/* Whether so many blocks are in a row anywhere between pins. */
PROTOCOL_RARE bool pin_has_gap(const struct ring *r, uint32_t blocks)
{
    uint32_t from = 0;

    for (int gaps = 0; gaps < PIN_GAPS_MAX; gaps++) {
        struct pin next;

        pin_next(r, from, &next);
        if (next.begin >= from && next.begin - from >= blocks)
            return true;
        if (next.begin >= r->block_count)
            return false;
        from = next.end;
    }
    return true;
}

/* What is to be claimed for an entry behind tail, where something is pinned. */
struct pin_way {
    uint32_t fit; /* blocks behind tail that are not pinned, within its lap */
    uint32_t pad; /* blocks of filler to claim first, by themselves */
    bool blocked; /* no room for it would be anywhere */
};

/* To be called after the gate was loaded. False: nothing is pinned. */
PROTOCOL_RARE bool pin_find_way(const struct ring *r, uint64_t tail,
                                uint32_t blocks, struct pin_way *way)
{
    uint32_t index = position_index(r, tail);
    struct pin next;

    *way = (struct pin_way){.fit = position_blocks_left(r, tail)};
    if (!pin_next(r, index, &next))
        return false;
    way->fit = next.begin > index ? next.begin - index : 0;
    if (blocks > way->fit) {
        way->pad = next.end - index;
        way->blocked = !pin_has_gap(r, blocks);
    }
    return true;
}

/* ------------------------------------------------------- by its subscriber */

/* N1. False: there is one, or what is there is not ours. */
static inline bool pin_set(struct ring *r, uint32_t slot, uint64_t position,
                           uint32_t blocks, uint64_t now)
{
    struct shm_head *cursor = &r->subscribers[slot].cursor;

    /* Relaxed: only the slot's owner stores more than nothing. */
    if (atomic_get_relaxed(&cursor->pinned) != 0)
        return false;
    /* Relaxed, both: released with the pin; the latter is for people. */
    atomic_put_relaxed(&cursor->pinned_blocks, blocks);
    atomic_put_relaxed(&cursor->pinned_since, now);
    /* Release [pin]. */
    return atomic_cas_release(&cursor->pinned, 0, position);
}

/* N4. */
static inline void pin_drop(struct ring *r, uint32_t slot, uint64_t position)
{
    /* Release [unpin]: our loads of the blocks come first. It fails if somebody
     * took us for dead. */
    atomic_cas_release(pin_word(r, slot), position, 0);
}

/* ----------------------------------------------------------- by who removes */

static inline uint64_t pin_seen(const struct ring *r, uint32_t slot)
{
    /* Acquire [pin]: whoever's it is, the cursor seen next is not older. */
    return atomic_get_acquire(pin_word(r, slot));
}

static inline void pin_clear(struct ring *r, uint32_t slot, uint64_t seen)
{
    if (seen)
        /* Release [unpin]: the last reader is dead, or it is our own. */
        atomic_cas_release(pin_word(r, slot), seen, 0);
}

#endif
