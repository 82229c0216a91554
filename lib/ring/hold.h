/* SPDX-License-Identifier: MIT */
/*
 * Holding entries until they are acknowledged, by many consumers: a ring with
 * holders. protocol.h has to be read first, and includes this.
 *
 * Each block has a second word beside its control word, of the same make: tag,
 * state, owner. It says who holds the entry that begins there in this lap, and
 * nothing is ever cleared either: with another lap's tag it is *old*, and the
 * entry is there to be taken.
 *
 *       old --- H1, CAS ---> HELD(owner) ------ H3, CAS ---> DONE
 *                             |                               ^
 *                             +-- H2, CAS --> BACK            |
 *                                             |  ^            |
 *                                     H1, CAS |  | H2, CAS    |
 *                                             v  |            |
 *                                      HELD_AGAIN(owner) -----+
 *
 *   H1  Take: find an entry whose word is old or BACK, and CAS it to HELD. Who
 *       wins has the entry; its payload stays as it is until H4.
 *   H2  Give back: its holder does, or whoever found that he is dead.
 *   H3  Acknowledge: the holder does. The entry is consumed.
 *   H4  Move head over filler and entries that are DONE, by CAS. Anybody does;
 *       nobody else moves head.
 *
 *   So every entry is settled by one word, in any order, and a consumer can
 *   hold as many as he likes. Who dies between H1 and H3 leaves an entry that
 *   anyone can give back; after H3, one that anyone can move head over.
 *
 * INVARIANTS
 *   J1  A word of lap L is stored only while head has not passed the block in
 *       lap L; and head passes an entry only when its word is DONE of its lap.
 *       So a CAS of H1 to H3 that succeeds was in time.
 *   J2  No word is older than SHMIPC_RENEWAL_LAPS + 1 laps, as with control
 *       words (I6): who moves head in a lap that renews gives all words that it
 *       passes that lap's tag, before. So older and newer can be told apart.
 *   J3  There are no arrays: an item has no word of its own.
 *
 * ORDERING
 *   label  released by  acquired by  so that
 *   done   H3           H4           the blocks were read
 *   back   H2           H1           the same, by the last holder
 *   taken  H1           H2           the slot of the owner it names is there
 *   order  fence of H3, before its H4, and of H4, before it looks on: of two
 *          who are done with neighbours one sees the other, so that head does
 *          not stay behind
 */
#ifndef SHMIPC_HOLD_H
#define SHMIPC_HOLD_H

#include "ring/protocol.h"

/* States of a holder's word. */
enum hold_state {
    HOLD_OLD = 0, /* says nothing: in this lap nobody has taken it */
    HOLD_HELD = 1,
    HOLD_HELD_AGAIN = 2, /* after it was given back */
    HOLD_BACK = 3,
    HOLD_DONE = 4,
    HOLD_NEWER = 5, /* not stored: head has passed */
};

static inline uint64_t hold_make(uint32_t tag, uint32_t owner,
                                 enum hold_state state)
{
    return control_make(tag, owner, (enum control_state)state);
}

static inline atomic_u64 *hold_word_at(const struct ring *r, uint64_t position)
{
    return &r->holders[position_index(r, position)];
}

/* What a word says of the lap of `position`. */
static inline enum hold_state hold_state_of(const struct ring *r,
                                            uint64_t position, uint64_t word)
{
    uint32_t tag = position_tag(r, position);

    if (control_tag(word) == tag)
        return (enum hold_state)control_state(word);
    /* J2. */
    return tag - control_tag(word) - 1 <= SHMIPC_RENEWAL_LAPS ? HOLD_OLD
                                                              : HOLD_NEWER;
}

static inline bool hold_is_held(enum hold_state state)
{
    return state == HOLD_HELD || state == HOLD_HELD_AGAIN;
}

static inline bool hold_is_free(enum hold_state state)
{
    return state == HOLD_OLD || state == HOLD_BACK;
}

/* H1, of an entry that was found at `position`. *again: it was held before. */
static inline bool hold_take(struct ring *r, uint64_t position, uint32_t owner,
                             bool *again)
{
    atomic_u64 *holder = hold_word_at(r, position);
    /* Relaxed: the CAS fails if it is not the latest. */
    uint64_t word = atomic_get_relaxed(holder);
    enum hold_state state = hold_state_of(r, position, word);

    *again = state == HOLD_BACK;
    /* Acquire [back]: what the last holder read comes before. Release [taken]:
     * the owner slot that is named. */
    return hold_is_free(state) &&
           atomic_cas_acq_rel(holder, word,
                              hold_make(position_tag(r, position), owner,
                                        *again ? HOLD_HELD_AGAIN : HOLD_HELD));
}

/* H2, of what `word` says. False: somebody else was first. */
static inline bool hold_give_back(struct ring *r, uint64_t position,
                                  uint64_t word)
{
    /* Release [back]: our loads of the blocks come first. */
    return atomic_cas_release(
        hold_word_at(r, position), word,
        hold_make(position_tag(r, position), 0, HOLD_BACK));
}

/* H2, of any word, for a process that goes and held what says so. */
static inline bool hold_give_up(atomic_u64 *holder, uint32_t owner)
{
    /* Relaxed: only this process stored such a word. */
    uint64_t word = atomic_get_relaxed(holder);

    if (control_value(word) != owner ||
        !hold_is_held((enum hold_state)control_state(word)))
        return false;
    /* Release [back]: our loads of the blocks come first. */
    return atomic_cas_release(holder, word,
                              hold_make(control_tag(word), 0, HOLD_BACK));
}

/* H3, also by who skips an entry that nobody holds, or a dead owner. */
static inline bool hold_acknowledge(struct ring *r, uint64_t position,
                                    uint64_t word)
{
    /* Release [done]: our loads of the blocks come first. */
    return atomic_cas_release(
        hold_word_at(r, position), word,
        hold_make(position_tag(r, position), 0, HOLD_DONE));
}

/* J2: of the blocks that head is about to pass. */
static inline void hold_renew(struct ring *r, uint64_t position,
                              uint32_t blocks)
{
    uint64_t done = hold_make(position_tag(r, position), 0, HOLD_DONE);

    if (position_lap(r, position) % SHMIPC_RENEWAL_LAPS != 0)
        return;
    for (uint32_t i = 0; i < blocks; i++) {
        atomic_u64 *holder = hold_word_at(r, position) + i;
        /* Relaxed, both: published by head. If the CAS fails, somebody else
         * who moves head has done it. */
        uint64_t word = atomic_get_relaxed(holder);

        if (hold_state_of(r, position, word) == HOLD_OLD)
            atomic_cas_relaxed(holder, word, done);
    }
}

/* Whether head may pass what `look` and `view` say is there. */
static inline bool hold_is_over(const struct ring *r, enum look look,
                                const struct view *view)
{
    uint64_t word;

    if (look != LOOK_ENTRY || view->head != view->position)
        return look == LOOK_FILLER;
    /* Acquire [done]: the blocks were read. */
    word = atomic_get_acquire(hold_word_at(r, view->position));
    return hold_state_of(r, view->position, word) == HOLD_DONE;
}

/* H4. True: head was moved. */
static inline bool hold_release(struct ring *r)
{
    bool moved = false;

    for (uint32_t steps = 0; steps < PROTOCOL_STEPS; steps++) {
        struct view view;
        uint64_t head;

        /* Fence [order]: after our DONE, or our move of head, comes the look at
         * what others have done. */
        if (!ATOMIC_RMW_IS_FENCE)
            atomic_full_fence();
        /* Acquire [head]: words that were replaced before are gone. */
        head = atomic_get_acquire(&r->head->position);
        if (!hold_is_over(r, take_look_at(r, head, &view), &view))
            break;
        hold_renew(r, view.position, control_extent(view.word));
        moved |= take_move(r, head, view.next);
    }
    return moved;
}

#endif
