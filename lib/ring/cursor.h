/* SPDX-License-Identifier: MIT */
/*
 * How a subscriber's cursor is packed. layout.h says what the bits are.
 */
#ifndef SHMIPC_CURSOR_H
#define SHMIPC_CURSOR_H

#include "ring/position.h"

/* Bits that the index of a ring with subscribers has more than it needs. */
enum { CURSOR_BITS = 2 };

static inline enum subscriber_state cursor_state(const struct ring *r,
                                                 uint64_t cursor)
{
    return (enum subscriber_state)(cursor >> (r->index_bits - CURSOR_BITS) & 3);
}

/* A cursor that names an owner instead of a position. */
static inline uint64_t cursor_named(const struct ring *r, uint32_t owner,
                                    enum subscriber_state state)
{
    return (uint64_t)owner << r->index_bits |
           (uint64_t)state << (r->index_bits - CURSOR_BITS);
}

static inline uint32_t cursor_owner(const struct ring *r, uint64_t cursor)
{
    return (uint32_t)(cursor >> r->index_bits);
}

/* Of a slot that is nobody's. */
static inline uint64_t cursor_free(const struct ring *r)
{
    return cursor_named(r, 0, SUBSCRIBER_JOINING);
}

/* Of one who was joining in a slot with that cursor. */
static inline uint64_t cursor_put_off(const struct ring *r, uint64_t cursor)
{
    return cursor | (uint64_t)SUBSCRIBER_PUT_OFF
                        << (r->index_bits - CURSOR_BITS);
}

/* Puts the mark on a position, or takes it off. */
static inline uint64_t cursor_evict(const struct ring *r, uint64_t cursor)
{
    return cursor ^ (uint64_t)SUBSCRIBER_EVICTED
                        << (r->index_bits - CURSOR_BITS);
}

/* Whether the subscriber holds the gate: it has read up to a position. */
static inline bool cursor_holds(const struct ring *r, uint64_t cursor)
{
    return cursor_state(r, cursor) == SUBSCRIBER_READS &&
           position_is_valid(r, cursor);
}

#endif
