/* SPDX-License-Identifier: MIT */
/*
 * Following a ring from entry to entry without taking any: what a tap does.
 * ring/protocol.h has to be read first.
 *
 * A follower has a position of its own, as a consumer has head, and stores
 * nothing. So nobody waits for it: producers go over what it has not read yet,
 * and over what it is just copying.
 *
 * THE PROOF
 *   F1  Look at the control word (C2, C3). One of this lap says what is here;
 *       one of a later lap, that we were overrun.
 *   F2  Copy the entry.
 *   F3  Acquire fence.
 *   F4  Load the *reach*: the position up to where payload may have been stored
 *       at all. If it is not more than n blocks ahead of the entry, no later
 *       lap has come to the entry's first block, nor then to its others: the
 *       copy is whole. Else we were overrun, and the copy is thrown away.
 *
 *   Many producers: the reach is tail, since a claim (P3) comes before its
 *   payload (P6). Who sees payload has to see that claim: a release fence
 *   stands between the two (claim_tell_taps()), and F3 is its partner. Where
 *   the CPU keeps the order of stores, and of loads, both bind the compiler
 *   alone; where it does not, a ring has the former only if it was created for
 *   taps.
 *
 *   One producer stores tail last of all. With IPC_BUFFER_TAPS it stores before
 *   the payload up to where it is going to store, and never less than before:
 *   that is the reach (`intended`), or tail if that is further, over filler.
 *   Without the flag two things bound what it can be storing: an entry begins
 *   at tail and ends within tail's lap, and it ends before what consumers have
 *   not read, a lap on. The nearer of the two is the reach. It is never too
 *   near, but often too far: just after tail has come into a new lap, what was
 *   read of the last one counts as overrun, though it may be there still.
 *
 *   Whoever formats the ring anew clears `ready` before all else, so the last
 *   look is at that, and at the creation number.
 *
 * WHERE ENTRIES BEGIN, for who has lost his place. A word inside a claim is as
 *   old as the claim before, or says FREE, or begins something (of a batch, of
 *   filler behind what was committed shorter). So of the n blocks behind the
 *   reach those whose word has the tag of their lap are where one can begin.
 *
 * WHAT IS IN THE WAY. A follower cannot revoke or recover. It stops at a claim
 *   that is not committed, whose owner may be at it, or stopped, or dead; and
 *   goes past it when told to, by the rule above.
 *
 * ORDERING
 *   label   released by         acquired by     so that
 *   reach   claim_tell_taps()   F3              who sees payload sees how far
 *                                               producers may have come
 *   intent  claim_intend()      F4              who sees the one producer's
 *                                               reach sees a tail that is not
 *                                               more than a lap behind
 */
#ifndef SHMIPC_FOLLOW_H
#define SHMIPC_FOLLOW_H

#include "ring/protocol.h"

enum {
    /* The most words inside one entry: so far one has to look for the next. */
    FOLLOW_ENTRY_BLOCKS = SHMIPC_ENTRY_MAX / SHMIPC_BLOCK + 1,
};

struct follower {
    const struct ring *ring;
    uint64_t at;     /* a head word: position and, in an array, item */
    uint64_t offset; /* what users call it */
    /* Blocks that are left to the producers when we were overrun. More each
     * time, until we have caught up. */
    uint32_t lead;
};

enum follow {
    FOLLOW_ENTRY,
    FOLLOW_NOTHING, /* nothing is claimed here */
    FOLLOW_CLAIMED, /* it is claimed, and nothing was stored yet */
    FOLLOW_BUSY,    /* view->word says by whom */
    FOLLOW_SMALL,   /* there is an entry, and no room for it */
    FOLLOW_OVERRUN, /* *lost bytes; we are behind them now */
    FOLLOW_ANEW,    /* there is another ring now */
    FOLLOW_DAMAGE,  /* what is there cannot be true */
};

/* Where to begin, or to go on. */
enum follow_start { FOLLOW_OLDEST, FOLLOW_NEWEST, FOLLOW_NOW };

/* False: the ends of the ring cannot be true. */
bool follow_start(struct follower *f, enum follow_start start);

/* Copies the next entry to `to`, of which there are `room` bytes, and goes past
 * it. *view is of the entry, or of what is in the way; *lost is only for
 * FOLLOW_OVERRUN, after which we are at `start`. */
enum follow follow_next(struct follower *f, void *to, size_t room,
                        enum follow_start start, struct view *view,
                        uint64_t *lost);

/* Goes past what is here, whatever it is; *passed is how many bytes.
 * FOLLOW_ENTRY: done. */
enum follow follow_pass(struct follower *f, enum follow_start start,
                        uint64_t *passed);

/* Bytes from here to tail. */
uint64_t follow_lag(const struct follower *f);

/* After FOLLOW_NOTHING: whether nothing can come any more. */
bool follow_is_closed(const struct follower *f);

#endif
