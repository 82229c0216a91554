/* SPDX-License-Identifier: MIT */
/*
 * Whether the ring that a handle joined is still there, or the memory was
 * formatted anew. Each formatting has a number; handles remember theirs and
 * compare on their slow paths: when they enter, find no room or nothing for
 * long, find something that cannot be true, repair, or are about to sleep.
 * format.h has the ordering.
 */
#ifndef SHMIPC_CREATION_H
#define SHMIPC_CREATION_H

#include "ring/position.h"

/* Also while it is being formatted anew, or a creator died in doing so: what
 * the handle joined is gone then. */
static inline bool creation_is_over(const struct ring *r)
{
    /* Acquire [ready]: the number is at least as new. */
    if (atomic_get_acquire(&r->identity->ready) != SHMIPC_READY)
        return true;
    /* Relaxed: an older one only means to find out later. */
    return atomic_get_relaxed(&r->identity->creation) != r->creation;
}

#endif
