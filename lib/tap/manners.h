/* SPDX-License-Identifier: MIT */
/*
 * How a tap keeps out of the way. That it reads what was written some time ago
 * costs who wrote it little. But to catch up with him is to take the lines at
 * which he is writing, and tail's: he waits for each of them to come back. So
 * in a dense stream that has to be rare, however short messages are: a tap that
 * has caught up rests before it looks again, and longer for as long as more
 * than one entry comes meanwhile, but never until a good part of the ring has
 * gone by. docs/benchmarks/experiments.md has the figures.
 *
 * Where entries are rare, or none has come since the last look, it does not
 * rest: so who waits for one sees it at once.
 */
#ifndef SHMIPC_MANNERS_H
#define SHMIPC_MANNERS_H

#include "ring/atomics.h"
#include <stdbool.h>

enum {
    MANNERS_LEAST = 16,   /* pauses of a rest */
    MANNERS_MOST = 1024,  /* tens of microseconds */
    MANNERS_DENSE = 2048, /* ticks between two entries */
    MANNERS_PART = 16,    /* of the ring, which may go by */
};

/* One thread's at a time, as the tap is. */
struct manners {
    uint64_t since;  /* when the last rest ended, ticks */
    uint32_t pauses; /* of the next one */
};

/* For a look that found nothing after `run` entries, in a ring of so many
 * blocks. True: it rested, look again. */
static inline bool manners_rest(struct manners *m, uint64_t run,
                                uint32_t blocks)
{
    uint32_t pauses = m->pauses;

    if (run == 0)
        return false;
    if (run > blocks / MANNERS_PART ||
        (run == 1 && atomic_ticks() - m->since > MANNERS_DENSE))
        pauses /= 2;
    else
        pauses = pauses ? pauses * 2 : MANNERS_LEAST;
    if (pauses < MANNERS_LEAST)
        pauses = 0;
    m->pauses = pauses < MANNERS_MOST ? pauses : MANNERS_MOST;
    for (uint32_t i = 0; i < m->pauses; i++)
        atomic_cpu_relax();
    m->since = atomic_ticks();
    return pauses > 0;
}

#endif
