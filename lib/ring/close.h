/* SPDX-License-Identifier: MIT */
/*
 * Closing the ring: nothing more is to come. protocol.h has to be read first,
 * and includes this.
 */
#ifndef SHMIPC_CLOSE_H
#define SHMIPC_CLOSE_H

#include "ring/protocol.h"

/*
 * Ends all claiming. With many producers tail settles that: a claim comes
 * before the closing, or its CAS fails. The one producer looks at `closed`
 * before it claims; what it was writing meanwhile still counts.
 */
static inline void close_ring(struct ring *r)
{
    /* Relaxed, both: published by the store below. */
    if (!r->one_producer)
        atomic_or_relaxed(&r->tail->position, SHMIPC_TAIL_CLOSED);
    atomic_put_relaxed(&r->tail->closed, 1);
    /* Release [closed]: tail is final, and our entries come before it. */
    atomic_put_release(&r->head->closed, 1);
}

/* After LOOK_NOTHING at `head`, a position: whether nothing can come any
 * more. */
static inline bool close_is_final(const struct ring *r, uint64_t head)
{
    struct view view;

    /* Acquire [closed]: tail is final, and what the closer wrote is there. */
    if (!atomic_get_acquire(&r->head->closed))
        return false;
    return r->one_producer ? take_look_at(r, head, &view) == LOOK_NOTHING
                           : protocol_tail(r) == head;
}

#endif
