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
 *       further than the least position among them, and the tail of G1.
 *   G3  Walk from the gate over words of READY, ARRAY, PAD and SKIP, as far as
 *       room is needed and G2 allows. Revoke gaps. Stop at BUSY.
 *   G4  Pass a full fence.
 *   G5  Load all cursors again. Is one JOINING, it ends here, in vain. Does one
 *       stand before the end of the walk, the walk ends there.
 *   G6  CAS the gate from what G1 saw. Take back what G1 said.
 *
 *   What holds the gate: a subscriber that has to read (it may be evicted, or
 *   dead and so removed), a claim that is BUSY, a joiner (who is put off after
 *   some looks, whether dead, stopped or just slow). Who is dead is asked
 *   only of whom the walk ended at, and only when it has ended there for many
 *   looks or the caller is about to sleep.
 *
 * JOINING
 *   J1  CAS the slot's cursor from free to JOINING(owner).
 *   J2  Pass a full fence. Store the slot's other words.
 *   J3  Wait until each owner slot has been seen to say that no move is under
 *       way (the dead do not count). From the oldest: load the gate.
 *       From now: load tail. With many producers, if that is further than
 *       before, one need not have waited.
 *   J4  CAS the cursor from JOINING(owner) to that position. If that fails, a
 *       mover has put it off: again from J1, which here is a CAS from PUT_OFF.
 *
 *   A mover that G5 ended in vain many times puts the joiner off: CAS of its
 *   cursor from JOINING(owner) to PUT_OFF(owner), and the mover begins again
 *   from G1. PUT_OFF holds up nobody, and the slot stays the joiner's, who
 *   alone leaves that state: so what it found in J3 before is never stored by a
 *   J4 that comes later, by whichever of its process's threads. The CAS may hit
 *   another joining of the same owner than the one that was seen, which then
 *   begins anew for nothing.
 *
 *   Why is no entry lost? Of a mover's fence G4 and a joiner's J2 one comes
 *   first. If it is J2, G5 sees JOINING or what came of it. If it is G4, all
 *   that the mover goes by is known to the joiner: its tail is not before the
 *   end of the walk (or the words there are, with one producer). So the gate
 *   passes no cursor, though nobody holds a lock. From the oldest, a mover
 *   whose G4 came first has said so (G1), and is waited for; any other sees
 *   JOINING and gives up. Why positions before the fence, and states after it?
 *   Who scans once can pass a free slot, and then find that another subscriber
 *   has gone on beyond the tail at which one has joined in that slot meanwhile.
 *
 * LEAVING
 *   The subscriber's CAS of its cursor to free. One that is dead is removed by
 *   whom it is in the way of, who knows the cursor and its owner:
 *   R1  Learn that the owner is dead, which it is for good.
 *   R2  Say in the own owner slot that a move is under way. Pass a full fence.
 *   R3  Look at the slot's pin (pin.h). Is the cursor still the same, and of
 *       the same owner? Then CAS the pin to nothing, and the cursor to free.
 *       Take back what R2 said.
 *
 *   Why is that CAS not fooled? Somebody else may remove the dead one first,
 *   and another join in its slot and get to just that position. If R2 came
 *   before the joiner's J2, the joiner waits for the end of R3, and until then
 *   its cursor is no position. If it came after that, R3 sees JOINING, or what
 *   came of it with an owner that lives. One that begins from now while R2
 *   lasts, behind something that was claimed after J2, is behind any position
 *   that R3 can have seen; but with one producer, whose readers can be ahead of
 *   tail.
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
 *   I7  gate <= cursor for each cursor that is a position; it is at most tail
 *       (one producer: or what is committed behind tail).
 *   I8  A cursor is stored by CAS only: positions by the slot's owner and, over
 *       filler, by movers; EVICTED by a mover; free by the owner, and by
 *       anybody who knows that owner to be dead.
 *
 * ORDERING. [head] of protocol.h is C5's for a cursor too; G2 and G5 acquire.
 *   label   released by            acquired by         so that
 *   tenure  J1, J4, leaving        J1; G2, G5; a look  the slot's other words
 *                                  at a cursor         are of this stay
 *   join    fence J2               fences G4, R2       see JOINING
 *   move    taking back what G1    J3                  the gate is where that
 *           or R2 said                                 mover left it, and the
 *                                                      slot as R3 left it
 *
 * A CRASH LEAVES
 *   a joiner between J1 and J4     JOINING or PUT_OFF of a dead owner: the slot
 *                                  is had by the next one who needs it
 *   a subscriber                   its cursor; the same
 *   a mover between G1 and G6,     a slot that says that a move is under way,
 *   who removes, from R2 to R3     of a dead owner; what it revoked is filler
 *   Stopped instead of dead: a joiner is put off, as a dead one is. A mover,
 *   and who removes, holds up those who join.
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
 * evicted or put off. False: somebody else was first. */
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
    atomic_put_relaxed(&s->cursor.pinned, 0);
    atomic_put_relaxed(&s->lag, terms->lag);
    atomic_put_relaxed(&s->lost, 0);
    atomic_put_relaxed(&s->slowest, 0);
    atomic_put_relaxed(&s->since, terms->since);
    atomic_put_relaxed(&s->owner, owner);
    atomic_put_relaxed(&s->policy, (uint32_t)terms->policy);
}

/* J3 from now. */
PROTOCOL_RARE uint64_t subscriber_newest(const struct ring *r)
{
    /* Relaxed: not older than what movers knew, by the fence of J2. */
    return protocol_tail(r);
}

/* J4. False: we were put off, or taken for dead. */
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

/* Instead of J4: leaves the cursor as `to`, free or as it was. */
PROTOCOL_RARE void subscriber_give_up(struct ring *r, uint32_t i,
                                      uint32_t owner, uint64_t to)
{
    atomic_u64 *place = &r->subscribers[i].cursor.position;

    if (to == cursor_free(r))
        pin_clear(r, i, pin_seen(r, i));
    /* Release [tenure], both. It goes from the first state to the second. */
    if (!atomic_cas_release(place, cursor_named(r, owner, SUBSCRIBER_JOINING),
                            to))
        atomic_cas_release(place, cursor_named(r, owner, SUBSCRIBER_PUT_OFF),
                           to);
}

/* J1 and J2 once more, after J4 failed. False: we were taken for dead. */
PROTOCOL_RARE bool subscriber_enter_again(struct ring *r, uint32_t i,
                                          uint32_t owner)
{
    return subscriber_enter(r, i, cursor_named(r, owner, SUBSCRIBER_PUT_OFF),
                            owner);
}

/* By a mover, of one who is joining in slot `i`. */
PROTOCOL_RARE void subscriber_put_off(struct ring *r, uint32_t i,
                                      uint64_t cursor)
{
    /* Relaxed: it publishes nothing of ours, and what the joiner stored stays
     * published, since this is a read-modify-write. */
    atomic_cas_relaxed(&r->subscribers[i].cursor.position, cursor,
                       cursor_put_off(r, cursor));
}

/* ---------------------------------------------------------------- leaving */

/* R2 and R3, as owner `by`, after R1 for `owner`. */
PROTOCOL_RARE void subscriber_clear(struct ring *r, uint32_t i, uint64_t cursor,
                                    uint32_t owner, uint32_t by)
{
    struct shm_subscriber *s = &r->subscribers[i];
    uint64_t pin;

    owner_begin_move(&r->owners, by);
    atomic_full_fence(); /* [join] */
    pin = pin_seen(r, i);
    /* Acquire [tenure]: `owner` is of this stay or a later one. A cursor that
     * names its owner need not be asked whose it is. */
    if (atomic_get_acquire(&s->cursor.position) == cursor &&
        (cursor_state(r, cursor) >= SUBSCRIBER_JOINING ||
         /* Relaxed: as above. */
         atomic_get_relaxed(&s->owner) == owner)) {
        pin_clear(r, i, pin);
        /* Release [tenure]: the last one's words come first. */
        atomic_cas_release(&s->cursor.position, cursor, cursor_free(r));
    }
    /* Release [move]. */
    owner_end_move(&r->owners, by);
}

/* Removes the subscriber in slot `i`, whose cursor was seen as `cursor`, if its
 * owner is dead, as owner `by`. True: it was, or somebody else changed the
 * slot. */
PROTOCOL_RARE bool subscriber_remove(struct ring *r, uint32_t i,
                                     uint64_t cursor, uint32_t by)
{
    uint32_t owner;

    if (cursor == cursor_free(r))
        return true;
    /* Relaxed: of the stay that the cursor was acquired with, or a later. */
    owner = cursor_state(r, cursor) >= SUBSCRIBER_JOINING
                ? cursor_owner(r, cursor)
                : atomic_get_relaxed(&r->subscribers[i].owner);
    if (owner_fate(&r->owners, owner) != OWNER_IS_DEAD)
        return false;
    subscriber_clear(r, i, cursor, owner, by);
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
        pin_clear(r, i, pin_seen(r, i));
        /* Release [tenure]. It fails if a mover evicts us just now. */
        if (atomic_cas_release(&r->subscribers[i].cursor.position, cursor,
                               cursor_free(r)))
            return;
    }
}

#endif
