/* SPDX-License-Identifier: MIT */
/*
 * libqb's ring buffer, polled: without the semaphore that it can count by.
 */
#include "loops.h"
#include "transports.h"
#include <errno.h>
#include <qb/qbrb.h>

static int ring_open(struct link *link)
{
    link->state = qb_rb_open(link->name, link->load->memory,
                             QB_RB_FLAG_CREATE | QB_RB_FLAG_SHARED_PROCESS |
                                 QB_RB_FLAG_NO_SEMAPHORE,
                             0);
    return link->state ? 0 : -1;
}

static int ring_join(struct link *link, enum side side, unsigned index)
{
    (void)link;
    (void)side;
    (void)index;
    return 0;
}

static void ring_close(struct link *link)
{
    qb_rb_close(link->state);
}

static inline int ring_send(struct link *to, const void *data, size_t size)
{
    ssize_t n = qb_rb_chunk_write(to->state, data, size);

    if (n == -EAGAIN)
        return 0;
    return n == (ssize_t)size ? 1 : -1;
}

static inline long ring_receive(struct link *from, void *to, size_t room)
{
    ssize_t n = qb_rb_chunk_read(from->state, to, room, 0);

    return n == -ETIMEDOUT ? 0 : (long)n;
}

static inline void *ring_reserve(struct link *to, size_t size)
{
    return qb_rb_chunk_alloc(to->state, size);
}

static inline int ring_commit(struct link *to, size_t size)
{
    return qb_rb_chunk_commit(to->state, size) == 0 ? 0 : -1;
}

static inline long ring_peek(struct link *from, const void **data)
{
    void *found;
    ssize_t n = qb_rb_chunk_peek(from->state, &found, 0);

    *data = found;
    return n == -EBADMSG ? 0 : (long)n; /* no chunk begins there yet */
}

static inline int ring_skip(struct link *from)
{
    qb_rb_chunk_reclaim(from->state);
    return 0;
}

LOOPS(ring, ring_send, ring_receive)
LOOPS_IN_PLACE(ring, ring_reserve, ring_commit, ring_peek, ring_skip, ring_send)
static const struct loops ring_loops = {LOOPS_BASE(ring), LOOPS_NO_CALLS,
                                        LOOPS_PLACED(ring)};

const struct transport transport_qb = {
    .name = "libqb ring",
    .note = "polled, without its semaphore",
    .open = ring_open,
    .join = ring_join,
    .close = ring_close,
    .loops = &ring_loops,
};
