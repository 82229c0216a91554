/* SPDX-License-Identifier: MIT */
/*
 * Closing the ring: nothing more is to come. protocol.h has to be read first,
 * and includes this.
 */
#ifndef SHMIPC_CLOSE_H
#define SHMIPC_CLOSE_H

#include "debug.h"
#include "ring/protocol.h"

/*
 * Ends all claiming, and then says so to consumers. With many producers tail
 * settles that: a claim comes before the closing, or its CAS fails. The one
 * producer looks at `closed` before it claims; what it was writing meanwhile
 * still counts.
 */
static inline void close_ring(struct ring *r)
{
    if (r->one_producer)
        /* Release [closing]: our entries come before it. */
        atomic_put_release(&r->tail->closed, 1);
    else
        /* Relaxed: tail carries no data, and is final with it. */
        atomic_or_relaxed(&r->tail->position, SHMIPC_TAIL_CLOSED);
    /* Release [closed]: tail is final, and our entries come before it. */
    atomic_put_release(&r->gate->closed, 1);
}

static inline bool close_has_begun(const struct ring *r)
{
    if (r->one_producer)
        /* Acquire [closing]: what the closer wrote comes before it. */
        return atomic_get_acquire(&r->tail->closed);
    /* Relaxed: whom we tell sees no older tail than we do, and looks at it. */
    return atomic_get_relaxed(&r->tail->position) & SHMIPC_TAIL_CLOSED;
}

/*
 * Does the second half for a closer that was killed or stopped after the first.
 * True: it was missing. To be called by whoever may be the only one to notice:
 * who is told that the ring is closed, and who has found nothing to read for
 * long.
 */
static inline bool close_finish(struct ring *r)
{
    /* Relaxed: to do it twice does no harm. */
    if (!close_has_begun(r) || atomic_get_relaxed(&r->gate->closed))
        return false;
    /* Release [closed]: as above, for the closer. */
    atomic_put_release(&r->gate->closed, 1);
    DEBUG_SAY("a process was stopped or killed while it closed the channel: it "
              "is closed for all now");
    return true;
}

/* After LOOK_NOTHING at `head`, a position: whether nothing can come any
 * more. */
static inline bool close_is_final(const struct ring *r, uint64_t head)
{
    struct view view;

    /* Acquire [closed]: tail is final, and what the closer wrote is there. */
    if (!atomic_get_acquire(&r->gate->closed))
        return false;
    return r->one_producer ? take_look_at(r, head, &view) == LOOK_NOTHING
                           : protocol_tail(r) == head;
}

#endif
