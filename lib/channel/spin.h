/* SPDX-License-Identifier: MIT */
/*
 * How long a call that blocks looks again and again before it sleeps. That pays
 * where what it waits for comes within the time that a sleep and a wake cost,
 * and is lost where messages are further apart; so each side of a handle learns
 * which it is, from how its last waits ended:
 *
 *     it came while we spun    an eighth longer next time, and at least twice
 *                              as long as it took
 *     it did not               half as long next time, and soon not at all
 *     not at all               one wait in SPIN_WAITS_PER_TRIAL spins for the
 *                              limit, so that a stream that has become dense
 *                              is noticed
 *
 * So who spins in vain spins no more after a few waits, and the trials cost it
 * a few parts in a hundred of what its sleeps cost; and in a dense stream one
 * late message is no reason to sleep from then on.
 */
#ifndef SHMIPC_SPIN_H
#define SHMIPC_SPIN_H

#include "ring/atomics.h"
#include <stdint.h>

enum {
    SPIN_WAITS_PER_TRIAL = 64,
    /* Less is not worth a look at the clock. */
    SPIN_SHORTEST_NS = 1000,
};

struct spin {
    uint32_t limit;      /* ns; 0: never */
    atomic_u32 patience; /* hint: of the next wait, ns */
    atomic_u32 waits;    /* hint: that did not spin */
};

static inline void spin_set_limit(struct spin *s, uint32_t limit)
{
    s->limit = limit;
    atomic_set_hint(&s->patience, limit);
    atomic_set_hint(&s->waits, 0);
}

/* ns to spin in the wait that begins. */
static inline uint32_t spin_patience(struct spin *s)
{
    uint32_t patience = atomic_hint(&s->patience);
    uint32_t waits;

    if (patience || !s->limit)
        return patience;
    waits = atomic_hint(&s->waits) + 1;
    atomic_set_hint(&s->waits, waits);
    return waits % SPIN_WAITS_PER_TRIAL == 0 ? s->limit : 0;
}

/* It came after so many ns. */
static inline void spin_has_paid(struct spin *s, int64_t ns)
{
    int64_t patience = atomic_hint(&s->patience);
    int64_t longer = patience + patience / 8;
    int64_t twice = 2 * ns + SPIN_SHORTEST_NS;

    if (patience == s->limit)
        return;
    if (longer < twice)
        longer = twice;
    atomic_set_hint(&s->patience,
                    longer < s->limit ? (uint32_t)longer : s->limit);
}

/* All the time went by, and it did not come. */
static inline void spin_was_vain(struct spin *s)
{
    uint32_t shorter = atomic_hint(&s->patience) / 2;

    atomic_set_hint(&s->patience, shorter < SPIN_SHORTEST_NS ? 0 : shorter);
}

#endif
