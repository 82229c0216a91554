/* SPDX-License-Identifier: MIT */
/*
 * Making room in a ring with subscribers: G1 to G6 of subscriber.h, which has
 * to be read first. protocol.h includes this.
 */
#ifndef SHMIPC_GATE_H
#define SHMIPC_GATE_H

#include "ring/subscriber.h"

enum {
    /* A move frees one of so many parts of the ring at least, if nothing holds
     * it, so that not each write has to make one. */
    GATE_PARTS = 8,
};

enum gate_outcome {
    GATE_MOVED,
    GATE_HELD, /* see the stop */
    GATE_RACED,
    GATE_DAMAGE, /* what is there cannot be true */
};

/* What a move ended at. */
enum gate_holder {
    GATE_BY_NOBODY,
    GATE_BY_SUBSCRIBER, /* also one that is joining */
    GATE_BY_CLAIM,
    GATE_BY_PINS, /* together they leave no room */
};

struct gate_stop {
    enum gate_holder holder;
    uint32_t slot;     /* of the subscriber */
    uint64_t position; /* of the claim */
    uint64_t word;     /* the cursor, or the claim's control word */
};

/* A move, in the making. */
struct gate_move {
    uint64_t tail;
    uint64_t from;
    uint64_t to;
    uint64_t wanted; /* blocks to free: what is needed, and better more */
    uint64_t better;
    struct gate_stop stop;
};

static inline uint64_t gate_passed(const struct ring *r,
                                   const struct gate_move *m)
{
    return (uint64_t)position_distance(r, m->from, m->to);
}

/* G1. What has to be passed for an entry of so many blocks behind the tail.
 * False: there is room, or it makes no sense, or pins leave none: see the stop.
 */
static inline bool gate_begin(const struct ring *r, uint32_t blocks,
                              struct gate_move *m)
{
    uint32_t n = r->block_count;
    struct plan plan = {.pad = 0};
    struct pin_way way;
    uint64_t used, need;

    /* Relaxed: an older one means to ask for less. */
    m->tail = protocol_tail(r);
    m->from = m->to = protocol_head(r);
    m->stop = (struct gate_stop){.holder = GATE_BY_NOBODY};
    if (!position_is_valid(r, m->tail) || !position_is_valid(r, m->from))
        return false;
    used = (uint64_t)position_distance(r, m->from, m->tail);
    plan.tail = m->tail;
    if (!claim_lay_out(r, blocks, &plan, &way)) {
        m->stop.holder = GATE_BY_PINS;
        return false;
    }
    need = plan.only_pad ? plan.pad : plan.pad + (uint64_t)blocks;
    if (used > n || need > n || used + need <= n)
        return false;
    m->wanted = used + need - n;
    m->better = n / GATE_PARTS;
    if (m->better < m->wanted)
        m->better = m->wanted;
    return true;
}

/* Lets the move end at slot `i`, if that stands before its end. */
static inline void gate_stop_at(const struct ring *r, uint32_t i,
                                uint64_t cursor, struct gate_move *m)
{
    uint64_t position = position_of_head(cursor);

    /* Unsigned: what is behind the gate cannot be, and holds nothing. */
    if (!cursor_holds(r, cursor) ||
        (uint64_t)position_distance(r, m->from, position) >= gate_passed(r, m))
        return;
    m->to = position;
    m->stop = (struct gate_stop){GATE_BY_SUBSCRIBER, i, 0, cursor};
}

/* The cursor in slot `i`, after moving it over filler, of which its owner need
 * not know. */
static inline uint64_t gate_cursor(struct ring *r, uint32_t i)
{
    atomic_u64 *place = &r->subscribers[i].cursor.position;
    struct view view;

    for (uint32_t steps = 0;; steps++) {
        /* Acquire [head]: what lies before it was read. [tenure] */
        uint64_t cursor = atomic_get_acquire(place);

        if (!cursor_holds(r, cursor) || steps == PROTOCOL_STEPS ||
            take_look_at(r, cursor, &view) != LOOK_FILLER)
            return cursor;
        /* Release [head]: the same, for others. */
        atomic_cas_release(place, cursor, view.next);
    }
}

/* G2. */
static inline void gate_bound(struct ring *r, struct gate_move *m)
{
    m->to = m->tail;
    for (uint32_t i = 0; i < r->subscriber_count; i++)
        gate_stop_at(r, i, gate_cursor(r, i), m);
}

/* Blocks that are passed at `position`; 0: the walk ends there. */
PROTOCOL_RARE uint32_t gate_step(struct ring *r, uint64_t position,
                                 struct gate_move *m, bool *damage)
{
    struct view view;

    switch (take_look_at(r, position, &view)) {
    case LOOK_ENTRY:
    case LOOK_FILLER:
        return control_extent(view.word);
    case LOOK_BUSY:
        m->stop = (struct gate_stop){GATE_BY_CLAIM, 0, position, view.word};
        return 0;
    case LOOK_NOTHING:
        return repair_is_gap(r, position) && repair_revoke(r, position) > 0;
    case LOOK_RACED:
    case LOOK_DAMAGE:
        break;
    }
    *damage = true;
    return 0;
}

/* The same where a single entry is, as nearly always; else 0: who makes room
 * looks at each entry once more, and that is most of what it costs. */
static inline uint32_t gate_step_plain(const struct ring *r, uint64_t position)
{
    struct view view = {.head = position, .position = position};

    /* Acquire [commit] [lap]: as in a look. */
    view.word = atomic_get_acquire(position_control(r, position));
    return take_is_entry(r, &view) ? control_blocks(view.size) : 0;
}

/* G3: as far as is better, but not beyond m->to. False: damage. */
static inline bool gate_walk(struct ring *r, struct gate_move *m)
{
    uint64_t limit = gate_passed(r, m), better = m->better;
    uint64_t at = m->from, passed = 0;
    bool damage = false;

    for (uint32_t steps = 0; steps < PROTOCOL_STEPS; steps++) {
        uint32_t blocks;

        if (passed == limit || passed >= better)
            break;
        blocks = gate_step_plain(r, at);
        if (blocks == 0)
            blocks = gate_step(r, at, m, &damage);
        if (blocks == 0 || passed + blocks > limit)
            break;
        passed += blocks;
        at = position_advance(r, at, blocks);
    }
    m->to = at;
    return !damage;
}

/* G5. False: somebody is joining. */
static inline bool gate_confirm(struct ring *r, struct gate_move *m)
{
    for (uint32_t i = 0; i < r->subscriber_count; i++) {
        /* Acquire [head]: as above. [tenure] */
        uint64_t cursor =
            atomic_get_acquire(&r->subscribers[i].cursor.position);

        if (cursor_state(r, cursor) == SUBSCRIBER_JOINING &&
            cursor != cursor_free(r)) {
            m->stop = (struct gate_stop){GATE_BY_SUBSCRIBER, i, 0, cursor};
            return false;
        }
        gate_stop_at(r, i, cursor, m);
    }
    return true;
}

/* After G5: evicts whom the move ended at, if it is one that may be. */
static inline bool gate_evict(struct ring *r, const struct gate_move *m)
{
    struct shm_subscriber *s = &r->subscribers[m->stop.slot];
    uint64_t position = position_of_head(m->stop.word);
    uint64_t lag;

    if (m->stop.holder != GATE_BY_SUBSCRIBER || !cursor_holds(r, m->stop.word))
        return false;
    lag = (uint64_t)position_distance(r, position, m->tail) * SHMIPC_BLOCK;
    /* Relaxed, both: of this stay, or the CAS fails. */
    if (atomic_get_relaxed(&s->policy) != SUBSCRIBER_LAGS ||
        lag <= atomic_get_relaxed(&s->lag))
        return false;
    /* Relaxed: what it has read was acquired with the cursor, and who sees the
     * gate move, by G6, sees this. */
    return atomic_cas_relaxed(&s->cursor.position, m->stop.word,
                              cursor_evict(r, m->stop.word));
}

/* G2 to G6. */
static inline enum gate_outcome gate_go(struct ring *r, struct gate_move *m)
{
    gate_bound(r, m);
    if (!gate_walk(r, m))
        return creation_is_over(r) ? GATE_RACED : GATE_DAMAGE;
    atomic_full_fence(); /* [join] */
    if (!gate_confirm(r, m))
        return m->stop.holder == GATE_BY_NOBODY ? GATE_RACED : GATE_HELD;
    if (m->to == m->from)
        return m->stop.holder == GATE_BY_NOBODY || gate_evict(r, m) ? GATE_RACED
                                                                    : GATE_HELD;
    /* Release [head]: what we acquired with the cursors. */
    return atomic_cas_release(&r->gate->position, m->from, m->to) ? GATE_MOVED
                                                                  : GATE_RACED;
}

/* Makes room for an entry of so many blocks, as that owner. GATE_MOVED: for
 * some at least, or others have. */
PROTOCOL_RARE enum gate_outcome gate_make_room(struct ring *r, uint32_t blocks,
                                               uint32_t owner,
                                               struct gate_stop *stop)
{
    struct gate_move m;
    enum gate_outcome outcome;

    owner_begin_move(&r->owners, owner);
    if (gate_begin(r, blocks, &m))
        outcome = gate_go(r, &m);
    else
        outcome = m.stop.holder == GATE_BY_PINS ? GATE_HELD : GATE_RACED;
    /* Release [move]. */
    owner_end_move(&r->owners, owner);
    *stop = m.stop;
    return outcome;
}

/* Whether a move ended at one who is joining, which takes some hundred
 * instructions. */
static inline bool gate_waits_for_joiner(const struct ring *r,
                                         const struct gate_stop *stop)
{
    return stop->holder == GATE_BY_SUBSCRIBER &&
           cursor_state(r, stop->word) == SUBSCRIBER_JOINING;
}

/* If it did: that one need not be waited for any longer. */
static inline void gate_put_off(struct ring *r, const struct gate_stop *stop)
{
    subscriber_put_off(r, stop->slot, stop->word);
}

/* Lets go of what the dead have pinned. True: there was such a one. */
PROTOCOL_RARE bool gate_unpin_dead(struct ring *r, uint32_t by)
{
    bool removed = false;

    for (uint32_t i = 0; i < r->subscriber_count; i++) {
        uint64_t pin = pin_seen(r, i);
        /* Acquire [tenure]: of the one that is there. */
        uint64_t cursor =
            atomic_get_acquire(&r->subscribers[i].cursor.position);

        if (pin == 0)
            continue;
        /* Nobody's, but for damage. */
        if (cursor == cursor_free(r))
            pin_clear(r, i, pin);
        removed |= subscriber_remove(r, i, cursor, by);
    }
    return removed;
}

/* Removes what a move ended at, if its owner is dead, as owner `by`. True: it
 * is gone. */
PROTOCOL_RARE bool gate_remove(struct ring *r, const struct gate_stop *stop,
                               uint32_t by)
{
    switch (stop->holder) {
    case GATE_BY_SUBSCRIBER:
        return stop->slot < r->subscriber_count &&
               subscriber_remove(r, stop->slot, stop->word, by);
    case GATE_BY_CLAIM:
        return owner_fate(&r->owners, control_value(stop->word)) ==
                   OWNER_IS_DEAD &&
               repair_recover(r, stop->position, stop->word);
    case GATE_BY_PINS:
        return gate_unpin_dead(r, by);
    case GATE_BY_NOBODY:
        break;
    }
    return false;
}

#endif
