/* SPDX-License-Identifier: MIT */
/*
 * A handle's pace. A reader that is as fast as its writer takes from it, with
 * every look, the line that the writer is filling; a writer that is faster
 * than its reader takes from that one, with every look for room, the line that
 * says how far it is. Both are slow then: lines go to and fro for each entry.
 * So who caught up in a dense stream may rest for a moment before it looks
 * again.
 *
 * How long is found by trying: for as long as longer rests make more entries
 * pass per time, they become longer, and shorter where that helps. Who sends
 * one message and waits for an answer never finds two at once, and does not
 * rest; nor does who gets them at intervals. A rest is some microseconds at
 * the most, and never the reason of an answer: it is followed by a look.
 */
#ifndef SHMIPC_PACE_H
#define SHMIPC_PACE_H

#include "ring/atomics.h"

struct pace {
    atomic_u32 rests;    /* of this round of measuring */
    atomic_u32 entries;  /* of this round */
    atomic_u32 patience; /* pauses of a rest */
    atomic_u32 shorter;  /* 1: the last step was to a shorter rest */
    atomic_u32 rate;     /* entries per time, of the last round */
    atomic_u64 since;    /* when this round began, ticks */
};

/*
 * A look was in vain, after `entries` since the one before. With fewer than
 * `dense` quarters of an entry at a time there is no reason to rest. True: it
 * rested, look again.
 */
bool pace_rest(struct pace *p, uint32_t entries, uint32_t dense);

#endif
