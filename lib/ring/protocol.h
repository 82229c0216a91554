/* SPDX-License-Identifier: MIT */
/*
 * The protocol: how producers and consumers share the ring, written once. This
 * file explains it; the code is claim.h, take.h, repair.h and close.h, included
 * at the end. Read layout.h first for what a position and a control word are.
 *
 * WHAT THE RING IS
 *   n blocks of 64 bytes, used one after the other and then again: each time
 *   around is a lap. `tail` is the position up to where blocks are claimed,
 *   `head` the one up to where they are free again. Positions only grow. Each
 *   block has a control word, which says what the block holds *in one lap*:
 *
 *                head              tail
 *                 v                 v
 *       +-------+-------+-------+-------+-------+
 *       | free  | READY | BUSY  | free  | free  |   n = 5
 *       +-------+-------+-------+-------+-------+
 *
 *   An entry is one or more blocks in a row; its first block's word speaks for
 *   all of them. It never wraps: if the rest of a lap is too short for it, that
 *   becomes filler. Several entries of one size can share a claim, its blocks
 *   and one word: an ARRAY, in which head moves from item to item.
 *
 *   Nothing is ever cleared. A word with another lap's tag says nothing about
 *   this lap; it is called *old* below. So a read stores nothing new into the
 *   lines that producers write, which is what makes the ring fast.
 *
 * A CONTROL WORD'S LIFE, in one lap
 *
 *       old ------ P5, CAS ------> BUSY(owner) --- P7 ---> READY(length)
 *        |                          |      |               ARRAY(size, count)
 *        +-- P4, CAS --> PAD(k)     |      +--- abort ---> SKIP(k)
 *        |                          |
 *        +-- revoke, CAS --> SKIP(1) <-- recover, CAS
 *
 *   This is the life of a claim's first word. Its step out of `old` is a CAS,
 *   so of an owner and a revoker exactly one wins, for good. The next lap makes
 *   it old again. (The one producer of one-producer mode needs no BUSY: nobody
 *   else stores.) Behind its BUSY the owner stores words without a CAS: renewed
 *   ones (I6), PAD after an entry that was committed shorter than claimed, BUSY
 *   of further entries in a batch.
 *
 * A WRITE, with many producers
 *   P1  Load `tail`.
 *   P2  Is there room? What the handle knows of head may suffice; else load
 *       `head`. An entry that would wrap takes the rest of the lap along, as
 *       filler.
 *   P3  CAS `tail` over filler and entry. If it fails, again from P1.
 *       (For taps a release fence follows: tap/follow.h.)
 *   P4  If there is filler: CAS its first word from old to PAD.
 *   P5  CAS the entry's first word from old to BUSY(owner). If it fails the
 *       claim was revoked: again from P1.
 *   P6  Store the payload.
 *   P7  Store READY or ARRAY into the first word. The entry is committed.
 *
 *   Why P5? Without it nobody could ever decide that a claim is dead: its owner
 *   might be about to store. With it, a claim that is not BUSY yet may be
 *   revoked by anyone at any time, and one that is names its owner.
 *
 * A READ
 *   C1  Load `head`.
 *   C2  Load the control word there.
 *   C3  READY or ARRAY: an entry. PAD or SKIP: filler; move head over it, and
 *       again from C1. BUSY: not ready. Old: load `head` once more; if it has
 *       moved, again from C1; else there is nothing, or a gap.
 *   C4  Copy the entry.
 *   C5  Move `head`: by CAS from what C1 saw, or, with one consumer, by a
 *       store. If the CAS fails, somebody else took the entry, and the copy is
 *       thrown away.
 *
 *   Why copy first? After C5 the blocks belong to producers. The CAS shows that
 *   head had not moved, so no producer had room to store there meanwhile.
 *
 * A GAP is a claim whose owner is between P3 and P5: `tail` is past a block
 *   whose word is old. Anyone who wants to pass *revokes* it: CAS from old to
 *   SKIP(1), block by block. That takes no knowledge of who is alive. An owner
 *   that comes too late fails its CAS of P5 and claims anew.
 * A DEAD CLAIM is BUSY(owner) where that owner's process is dead (owner.h).
 *   Anyone who finds it *recovers* it: CAS from BUSY to SKIP(1); the rest of
 *   the claim is a gap then. Only its owner knew how many blocks that was.
 *
 * ONE LAP, BY EXAMPLE
 *   Four blocks. 7|3 is block 3 in lap 7; R7 is READY with that lap's tag, P is
 *   PAD, S is SKIP, B(A) BUSY by A. A word that is old where it stands is in
 *   lower case. All was drained up to 7|3.
 *
 *                                              head  tail  words of 0 1 2 3
 *                                              7|3   7|3   r7  r7  r7  r6
 *    A claims two blocks. One is left in lap
 *    7, so it takes that along as filler (P3). 7|3   8|2   r7  r7  r7  r6
 *    It pads 7|3 (P4),                         7|3   8|2   r7  r7  r7  P7
 *    makes 8|0 its own (P5),                   7|3   8|2   B8A r7  r7  P7
 *    stores 100 bytes and commits (P6, P7).    7|3   8|2   R8  r7  r7  P7
 *    B claims 8|2 (P3) and is stopped.         7|3   8|3   R8  r7  r7  P7
 *    A reader passes the pad (C3).             8|0   8|3   R8  r7  r7  p7
 *    C writes an entry of one block.           8|0   9|0   R8  r7  r7  R8
 *    The reader takes A's entry (C5), and
 *    finds r7 at 8|2 with tail ahead: a gap.   8|2   9|0   r8  r7  r7  R8
 *    It revokes that,                          8|2   9|0   r8  r7  S8  R8
 *    and gets to C's entry and takes it.       9|0   9|0   r8  r7  s8  r8
 *    B goes on. Its CAS from r7 to B8B fails:
 *    it claims anew, now 9|0, makes that BUSY
 *    and is killed.                            9|0   9|1   B9B r7  s8  r8
 *    A reader finds BUSY, its owner dead, and
 *    recovers the claim                        9|0   9|1   S9  r7  s8  r8
 *    and passes it.                            9|1   9|1   s9  r7  s8  r8
 *
 *   Block 1's word is two laps old by now: it was inside A's entry, where
 *   nobody looks. That is what renewal is for (I6).
 *
 * WHY A CAS IS NOT FOOLED (the ABA problem)
 *   tail, head   A position has 58 bits, and positions only grow: 2^57 blocks
 *                pass before one comes again, four years at a block each
 *                nanosecond. So a CAS of tail or head succeeds only if nobody
 *                moved it since it was loaded.
 *   control      A word has 32 bits of the lap. It only goes to newer laps (I2)
 *                and so comes again after 2^32 laps at the earliest. P5 also
 *                refuses a word that is not one of the SHMIPC_RENEWAL_LAPS + 1
 *                laps before its own. A producer that is stopped between P3 and
 *                P5 for just 2^32 laps, less a few, could be fooled:
 *                docs/design.md reckons how long that is.
 *   owner        A slot can pass on while its last owner's BUSY still stands in
 *                the ring; so BUSY holds the slot's generation as well.
 *
 * INVARIANTS
 *   I1  head <= tail (one-producer mode: tail lags while a commit runs), and
 *       they are never more than n blocks apart.
 *   I2  A control word of lap L, other than FREE, is stored only by the owner
 *       whose claim holds the block in lap L, or by someone who revokes or
 *       recovers that claim. The first such store into a claim is a CAS from a
 *       word of an older lap.
 *   I3  Payload is stored only between P5 and P7. (One-producer mode: into free
 *       blocks behind tail, which nobody else may claim.)
 *   I4  Consumers store nothing but `head`, except that anyone may turn a
 *       gap or a dead owner's BUSY into SKIP, and that the one consumer of
 *       one-consumer mode may store bytes of an entry anew, with the value that
 *       they have, before it moves head (buffer/give.h).
 *   I5  head passes a block only over READY, ARRAY, PAD or SKIP of its own lap.
 *       So a word of lap L+1 implies that head has passed the block in lap L.
 *   I6  No control word is older than SHMIPC_RENEWAL_LAPS + 1 laps: words
 *       inside entries, which nothing else stores, are renewed that often.
 *       So 32 bits of the lap suffice to tell old from new.
 *
 * WHO STORES WHAT
 *   tail      producers, by CAS (one-producer mode: the producer, by store)
 *   intended  the one producer, before P6, if the ring was created for taps
 *   control   BUSY, READY, ARRAY, PAD, FREE: the claim's owner; SKIP: also
 *             those who revoke or recover
 *   blocks    the claim's owner; the one consumer, what is there already
 *   head      consumers, by CAS (one-consumer mode: the consumer, by store);
 *             in many-consumer mode producers too, over PAD and SKIP
 *   closed    anyone: the bit of tail, or the one producer's word, first
 *
 * ORDERING
 *   What carries a label here carries it in the code as well, at both ends.
 *
 *   label    released by              acquired by        so that
 *   commit   P7; abort; a pad that    C2; the successor  what was stored
 *            renews; a pad of the     of the one         before it is seen:
 *            one producer             producer           payload, inner words
 *   lap      the first CAS out of     C2; revoking       seeing a word of lap L
 *            `old` (P4, P5, revoke);                     implies seeing a head
 *            recover                                     that is in L
 *   head     C5                       P2                 the blocks were read
 *                                     C1, C3             older words of the
 *                                                        block are gone
 *   room     P2, for the handle's     P2 of those        they have seen the
 *            other threads                               head that P2 saw
 *   closing  close_ring(), first      close_has_begun()  the closer's entries
 *            store (one producer)                        are there
 *   closed   close_ring(), last       close_is_final()   tail is final, and the
 *            store; close_finish()                       closer's entries are
 *                                                        there
 *
 *   Relaxed is: tail everywhere (it carries no data: who owns a block is
 *   settled by its control word); the word that P4 and P5 replace (their CAS
 *   settles it); PAD inside an entry and renewed words (P7 publishes them).
 *
 * A CRASH LEAVES
 *   a producer between P3 and P5         a gap
 *   between P5 and P7                    BUSY(owner), a dead claim
 *   after P7                             a committed entry
 *   a consumer before C5                 the entry, still there
 *   one that reads ahead, before C5      the entries behind head, still there
 *   after it                             nothing
 *   one-producer mode, P7 to tail        tail behind words of its own lap; the
 *                                        next producer moves it over them
 *   a creator anywhere                   memory that is not ready: the next
 *                                        create formats it
 *   a closer between its two stores      a ring that producers know to be
 *                                        closed: whoever is told so, or finds
 *                                        nothing for long, tells consumers
 *   Stopped instead of dead: the same, but BUSY stays until it goes on. Nobody
 *   recovers the claim of a living process; if a gap was revoked, its owner
 *   learns so from the CAS of P5.
 *
 * ONE PRODUCER, ONE CONSUMER
 *   The one producer does P1, P2, P6, P7, and then stores tail; no CAS, no
 *   BUSY, nothing to revoke. The one consumer's C5 is a store. He need not do
 *   it for each entry at once: he can look on from where the last one ended,
 *   with a cursor of his own, and store head when he is done with several.
 *   Nobody else moves head, and no producer comes past it.
 */
#ifndef SHMIPC_PROTOCOL_H
#define SHMIPC_PROTOCOL_H

#include "ring/control.h"
#include "ring/creation.h"
#include "ring/position.h"

enum {
    /* Blocks by which producers prefetch: docs/benchmarks/experiments.md. */
    PROTOCOL_AHEAD = 8,
    /* Others can make us start again; only a hostile one can do so this often
     * without getting anything done itself. */
    PROTOCOL_TRIES = 4096,
    /* Words that one walk passes or replaces, so that deadlines hold however
     * large the ring is and whatever is in it: some milliseconds at most. The
     * next walk goes on where this one ended. */
    PROTOCOL_STEPS = 65536,
};

/* Kept out of line: the path of a write or a read is shorter without it. */
#define PROTOCOL_RARE __attribute__((noinline, unused)) static

/* Tail as a position. */
static inline uint64_t protocol_tail(const struct ring *r)
{
    /* Relaxed: a hint, unless the caller says why it is more. */
    return atomic_get_relaxed(&r->tail->position) & ~SHMIPC_TAIL_CLOSED;
}

/* The ring's head, whoever asks. */
static inline uint64_t protocol_head(const struct ring *r)
{
    /* Acquire [head]: the blocks before it were read. */
    return position_of_head(atomic_get_acquire(&r->gate->position));
}

#include "ring/pin.h"
#include "ring/claim.h"
#include "ring/take.h"
#include "ring/repair.h"
#include "ring/close.h"
#include "ring/subscriber.h"
#include "ring/gate.h"
#include "ring/hold.h"

#endif
