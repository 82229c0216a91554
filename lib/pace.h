/* SPDX-License-Identifier: MIT */
/*
 * A reader's pace. A reader that is as fast as its writer takes from it, with
 * every look, the line that the writer is filling, and both are slow then: the
 * line goes to and fro for each entry. So a reader who has read all there was
 * of a dense stream may rest for a moment before it looks again.
 *
 * How long is found by trying: for as long as longer rests make more entries
 * pass per time, they become longer, and shorter where that helps. Who sends
 * one message and waits for an answer never finds two at once, and does not
 * rest; nor does who gets them at intervals.
 */
#ifndef SHMIPC_PACE_H
#define SHMIPC_PACE_H

#include "atomics.h"

struct pace {
    atomic_u32 run;      /* entries since a look found none */
    atomic_u32 rests;    /* of this round of measuring */
    atomic_u32 entries;  /* of this round */
    atomic_u32 patience; /* pauses of a rest */
    atomic_u32 shorter;  /* 1: the last step was to a shorter rest */
    atomic_u32 rate;     /* entries per time, of the last round */
    atomic_u64 since;    /* when this round began, ticks */
};

/* So many entries were read. */
static inline void pace_entries(struct pace *p, uint32_t count)
{
    atomic_set_hint(&p->run, atomic_hint(&p->run) + count);
}

/* A look found nothing. True: it rested, look again. */
bool pace_rest(struct pace *p);

#endif
