/* SPDX-License-Identifier: MIT */
/*
 * A handle's pace. A reader that is as fast as its writer takes away, with
 * every look, the line that the writer is filling; a writer that is faster
 * than its reader takes away, with every look for room, the line that says how
 * far the reader is. Both are slow then: lines go to and fro for each entry. So
 * a side that has caught up in a dense stream may rest for a moment before it
 * looks again.
 *
 * How long is found by trying: rests become longer for as long as that lets
 * more entries pass per time, and else shorter. A process that sends a message
 * and waits for the answer never finds two at once, so it does not rest; nor
 * does one whose messages come at intervals. A rest takes a few microseconds at
 * most, and is always followed by another look.
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
 * For a look that found nothing, with `entries` since the last such look. With
 * fewer than `dense` quarters of an entry at a time, on average, there is no
 * reason to rest. True: it rested, look again.
 */
bool pace_rest(struct pace *p, uint32_t entries, uint32_t dense);

#endif
