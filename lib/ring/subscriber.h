/* SPDX-License-Identifier: MIT */
/*
 * Subscribers: a ring in which each of them reads every entry. This explains
 * the rules, and has joining and leaving; gate.h has how room is made.
 * protocol.h has to be read first, and includes this.
 *
 * WHAT IS DIFFERENT
 *   Producers do what they do in a queue: P1 to P7, gaps, dead claims and I1 to
 *   I6 are the same. Only nobody moves `head` by reading. It is called the
 *   *gate* here: blocks before it are free. Each subscriber has a head of its
 *   own, its *cursor*, and does C1 to C5 with that, in many-consumer mode: it
 *   copies, and then moves its cursor by CAS. That the CAS succeeds shows that
 *   the copy is whole, by the same argument: the gate does not pass a cursor
 *   that is a position.
 *
 *            gate      cursor of B    cursor of A = tail
 *             v             v              v
 *       +-------+-------+-------+-------+-------+
 *       | READY | READY | READY | READY | free  |
 *       +-------+-------+-------+-------+-------+
 *         history         B has to read   nobody has read what comes next
 *
 *   Entries behind all cursors stay until their blocks are needed: who comes
 *   late can have them. With nobody subscribed all entries are such.
 *
 * MAKING ROOM, by the producer that finds too little (P2), and nobody else
 *   G1  Say in the own owner slot that a move is under way. Load tail, and the
 *       gate.
 *   G2  Load all cursors, and move those that stand at filler over it. No
 *       further than the least position among them.
 *   G3  Walk from the gate over words of READY, ARRAY, PAD and SKIP, as far as
 *       room is needed and G2 allows. Revoke gaps. Stop at BUSY.
 *   G4  Pass a full fence.
 *   G5  Load all cursors again. Is one JOINING, it ends here, in vain. Does one
 *       stand before the end of the walk, the walk ends there.
 *   G6  CAS the gate from what G1 saw. Take back what G1 said.
 *
 *   What holds the gate: a subscriber that has to read (it may be evicted, or
 *   dead and so removed), a claim that is BUSY, a joiner. Who is dead is asked
 *   only of whom the walk ended at, and only when it has ended there for many
 *   looks or the caller is about to sleep.
 *
 * JOINING
 *   J1  CAS the slot's cursor from free to JOINING(owner).
 *   J2  Pass a full fence. Store the slot's other words.
 *   J3  From now: load tail. With one producer, whose tail lags behind, go on
 *       from there over words of that lap.
 *       From the oldest: wait until no owner slot says that a move is under way
 *       (the dead do not count), and load the gate.
 *   J4  CAS the cursor from JOINING(owner) to that position.
 *
 *   Why is no entry lost? Of a mover's fence G4 and a joiner's J2 one comes
 *   first. If it is J2, G5 sees JOINING or what came of it. If it is G4, all
 *   that the mover goes by is known to the joiner: its tail is not before the
 *   end of the walk (or the words there are, with one producer). So the gate
 *   passes no cursor, though nobody holds a lock. From the oldest, a mover
 * whose G4 came first has said so (G1), and is waited for; any other sees
 * JOINING and gives up. Why positions before the fence, and states after it?
 * Who scans once can pass a free slot, and then find that another subscriber
 * has gone on beyond the tail at which one has joined in that slot meanwhile.
 *
 * LEAVING
 *   The subscriber's CAS of its cursor to free. One that is dead is removed in
 *   two steps: CAS from its position to LEAVING(owner), and from that to free.
 *   Why two? Somebody may have removed it already, and another one joined in
 *   its slot, at just that position if nothing was written since. Then the
 *   slot's `owner` is not the one that LEAVING names, and the cursor is put
 *   back: to `joined`, since a later stay begins at no earlier position.
 *
 * EVICTION
 *   A mover's CAS from a position to the same with the mark of EVICTED, after
 *   G5 and before G6. If the subscriber was taking an entry, one of the two CAS
 *   fails. Can it hit one who joined in that slot meanwhile? No: it began at
 *   its tail, which is the mover's or a later one, and what is evicted stands
 *   before the mover's. The subscriber sees where it was, and joins anew (J1
 *   from EVICTED); what is between is its loss, to the byte.
 *
 * INVARIANTS, besides I1 to I6
 *   I7  gate <= cursor <= tail for each cursor that is a position (one
 *       producer: or up to what is committed behind tail).
 *   I8  A cursor is stored by CAS only: positions by the slot's owner and, over
 *       filler, by movers; EVICTED by a mover; LEAVING by anybody who knows
 * that owner to be dead.
 *
 * ORDERING. [head] of protocol.h is C5's for a cursor too; G2 and G5 acquire.
 *   label   released by            acquired by         so that
 *   tenure  J1, J4, leaving        J1; G2, G5; a look  the slot's other words
 *                                  at a cursor         are of this stay
 *   join    fence J2               fence G4            see JOINING
 *   move    taking back what G1    J3                  the gate is where that
 *           said                                       mover left it
 *
 * A CRASH LEAVES
 *   a joiner between J1 and J4     JOINING of a dead owner, which holds up the
 *                                  gate, and is removed
 *   a subscriber                   its cursor; the same
 *   a mover between G1 and G6      a slot that says that a move is under way,
 *                                  of a dead owner; what it revoked is filler
 *   who removes, between the two   LEAVING, which anybody carries on with
 *   Stopped instead of dead: a joiner holds up the gate until it goes on, which
 *   is some hundred instructions. A mover holds up those who join from the
 *   oldest.
 */
#ifndef SHMIPC_SUBSCRIBER_H
#define SHMIPC_SUBSCRIBER_H

#include "ring/cursor.h"
#include "ring/protocol.h"

/* What one reads besides the position. */
struct subscriber_terms {
    uint64_t since;
    uint64_t lag; /* bytes */
    enum subscriber_policy policy;
};

/* ---------------------------------------------------------------- joining */

/* J1 and J2, in the slot `i` whose cursor is `seen`: free, or our own that was
 * evicted. False: somebody else was first. */
PROTOCOL_RARE bool subscriber_enter(struct ring *r, uint32_t i, uint64_t seen,
                                    uint32_t owner)
{
    /* acq_rel [tenure]: what the last one here did comes first, and who sees
     * our words sees that we are joining. */
    if (!atomic_cas_acq_rel(&r->subscribers[i].cursor.position, seen,
                            cursor_named(r, owner, SUBSCRIBER_JOINING)))
        return false;
    atomic_full_fence(); /* [join] */
    return true;
}

PROTOCOL_RARE void subscriber_describe(struct ring *r, uint32_t i,
                                       uint32_t owner,
                                       const struct subscriber_terms *terms)
{
    struct shm_subscriber *s = &r->subscribers[i];

    /* Relaxed, all: published by J4. */
    atomic_put_relaxed(&s->lag, terms->lag);
    atomic_put_relaxed(&s->lost, 0);
    atomic_put_relaxed(&s->slowest, 0);
    atomic_put_relaxed(&s->since, terms->since);
    atomic_put_relaxed(&s->owner, owner);
    atomic_put_relaxed(&s->policy, (uint32_t)terms->policy);
}

/* J3 from now: the position up to where anybody can know of claims. */
PROTOCOL_RARE uint64_t subscriber_newest(const struct ring *r)
{
    /* Relaxed: not older than what movers knew, by the fence of J2. */
    uint64_t position = protocol_tail(r);
    struct view view;

    for (uint32_t steps = 0; r->one_producer && steps < PROTOCOL_STEPS;
         steps++) {
        enum look look = take_look_at(r, position, &view);

        if (look != LOOK_ENTRY && look != LOOK_FILLER)
            break;
        position = position_advance(r, position, control_extent(view.word));
    }
    return position;
}

/* J3 from the oldest. False: a move is under way; `asks`: of one who lives. */
PROTOCOL_RARE bool subscriber_oldest(const struct ring *r, bool asks,
                                     uint64_t *position)
{
    if (owner_finds_move(&r->owners, asks))
        return false;
    *position = protocol_head(r);
    return true;
}

/* J4. False: we were taken for dead. */
PROTOCOL_RARE bool subscriber_start(struct ring *r, uint32_t i, uint32_t owner,
                                    uint64_t position)
{
    /* Relaxed: published by the CAS. */
    atomic_put_relaxed(&r->subscribers[i].joined, position);
    /* Release [tenure]. */
    return atomic_cas_release(&r->subscribers[i].cursor.position,
                              cursor_named(r, owner, SUBSCRIBER_JOINING),
                              position);
}

/* Instead of J4. */
PROTOCOL_RARE void subscriber_give_up(struct ring *r, uint32_t i,
                                      uint32_t owner)
{
    /* Release [tenure]. */
    atomic_cas_release(&r->subscribers[i].cursor.position,
                       cursor_named(r, owner, SUBSCRIBER_JOINING),
                       cursor_free(r));
}

/* ---------------------------------------------------------------- leaving */

/* The second step of removing a dead subscriber, after `cursor` was seen, which
 * is LEAVING. */
PROTOCOL_RARE void subscriber_settle(struct ring *r, uint32_t i,
                                     uint64_t cursor)
{
    struct shm_subscriber *s = &r->subscribers[i];
    /* Relaxed, both: of the stay that the cursor was acquired with. */
    uint64_t next = atomic_get_relaxed(&s->owner) == cursor_owner(r, cursor)
                        ? cursor_free(r)
                        : atomic_get_relaxed(&s->joined);

    /* Release [tenure]: the last one's words come first. */
    atomic_cas_release(&s->cursor.position, cursor, next);
}

/* Removes the subscriber in slot `i`, whose cursor was seen as `cursor`, if its
 * owner is dead. True: it was, or somebody else changed the slot. */
PROTOCOL_RARE bool subscriber_remove(struct ring *r, uint32_t i,
                                     uint64_t cursor)
{
    struct shm_subscriber *s = &r->subscribers[i];
    enum subscriber_state state = cursor_state(r, cursor);
    uint32_t owner;

    if (cursor == cursor_free(r))
        return true;
    if (state == SUBSCRIBER_LEAVING) {
        subscriber_settle(r, i, cursor);
        return true;
    }
    /* Relaxed: of the stay that the cursor was acquired with, or a later. */
    owner = state == SUBSCRIBER_JOINING ? cursor_owner(r, cursor)
                                        : atomic_get_relaxed(&s->owner);
    if (owner_fate(&r->owners, owner) != OWNER_IS_DEAD)
        return false;
    if (state == SUBSCRIBER_JOINING) {
        /* Release [tenure]: names an owner that is dead for good. */
        atomic_cas_release(&s->cursor.position, cursor, cursor_free(r));
        return true;
    }
    /* acq_rel [tenure]: the words that tell whether we meant this one. */
    if (atomic_cas_acq_rel(&s->cursor.position, cursor,
                           cursor_named(r, owner, SUBSCRIBER_LEAVING)))
        subscriber_settle(r, i, cursor_named(r, owner, SUBSCRIBER_LEAVING));
    return true;
}

/* Whether the cursor in slot `i` is that of this owner's stay, which nobody
 * took for over. */
PROTOCOL_RARE bool subscriber_is(const struct ring *r, uint32_t i,
                                 uint32_t owner, uint64_t *cursor)
{
    const struct shm_subscriber *s = &r->subscribers[i];

    /* Acquire [tenure]: `owner` is of this stay or a later one. */
    *cursor = atomic_get_acquire(&s->cursor.position);
    /* Relaxed: as above. */
    return cursor_state(r, *cursor) <= SUBSCRIBER_EVICTED &&
           atomic_get_relaxed(&s->owner) == owner;
}

/* By the subscriber itself. */
PROTOCOL_RARE void subscriber_leave(struct ring *r, uint32_t i, uint32_t owner)
{
    uint64_t cursor;

    for (int tries = 0; tries < PROTOCOL_TRIES; tries++) {
        if (!subscriber_is(r, i, owner, &cursor))
            return;
        /* Release [tenure]. It fails if a mover evicts us just now. */
        if (atomic_cas_release(&r->subscribers[i].cursor.position, cursor,
                               cursor_free(r)))
            return;
    }
}

#endif
