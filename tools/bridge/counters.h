/* SPDX-License-Identifier: MIT */
/*
 * What a route has done, for metrics and tests. One thread stores, others look.
 */
#ifndef SHMIPC_BRIDGE_COUNTERS_H
#define SHMIPC_BRIDGE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

struct counters {
    _Atomic uint64_t messages;   /* sent the first time, or committed */
    _Atomic uint64_t bytes;      /* of their payloads */
    _Atomic uint64_t sessions;   /* begun; all but the first are reconnects */
    _Atomic uint64_t repeated;   /* near: messages sent again */
    _Atomic uint64_t duplicates; /* far: messages that were there already */
    _Atomic uint64_t restarts;   /* far: something was missing */
    _Atomic uint64_t gaps;       /* times that something is missing for good */
    _Atomic uint64_t lost;       /* ... bytes, as far as is known */
    _Atomic uint64_t ambiguous;  /* far: entries of which nobody can say whether
                                  * they were committed: at least once */
    _Atomic uint64_t malformed;  /* what came and was no message */
    _Atomic uint64_t full;       /* far: times that the channel was full */
    /* As it is now. */
    _Atomic uint64_t is_up;
    _Atomic uint64_t lag_bytes; /* near: written and not acknowledged */
    _Atomic uint64_t lag_ns;    /* near: since the oldest of them was sent */
};

/* Relaxed: figures, which order nothing. */
static inline void counters_add(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

static inline void counters_set(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

static inline uint64_t counters_get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif
