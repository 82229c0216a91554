/* SPDX-License-Identifier: MIT */
#include "buffer/pace.h"

enum {
    PACE_RESTS = 16,      /* in a round of measuring */
    PACE_MAX = 128,       /* pauses: 2 to 8 us */
    PACE_SPARSE = 2048,   /* ticks between entries: no stream */
    PACE_RATE_SHIFT = 16, /* of the rate: entries per 2^16 ticks */
};

static uint32_t longer(uint32_t patience)
{
    return patience ? patience * 2 : 1;
}

/* The end of a round: did the rests help? */
static void adjust(struct pace *p, uint32_t entries, uint32_t dense)
{
    uint64_t now = atomic_ticks();
    uint64_t ticks = now - atomic_hint(&p->since);
    uint32_t last = atomic_hint(&p->rate);
    uint32_t patience = atomic_hint(&p->patience);
    uint32_t shorter = atomic_hint(&p->shorter);
    uint32_t rate = 0;

    /* No clock, no stream, or answers to messages of ours: no rests. */
    if (now == 0 || entries < PACE_RESTS * dense / 4 ||
        ticks > (uint64_t)entries * PACE_SPARSE) {
        patience = 0;
        shorter = 0;
    } else {
        rate = (uint32_t)(((uint64_t)entries << PACE_RATE_SHIFT) / (ticks + 1));
        if (rate < last + last / 16)
            shorter = !shorter;
        patience = shorter ? patience / 2 : longer(patience);
    }
    atomic_set_hint(&p->shorter, shorter);
    atomic_set_hint(&p->patience, patience < PACE_MAX ? patience : PACE_MAX);
    atomic_set_hint(&p->rate, rate);
    atomic_set_hint(&p->since, now);
}

bool pace_rest(struct pace *p, uint32_t entries, uint32_t dense)
{
    uint32_t rests = atomic_hint(&p->rests) + 1;
    uint32_t sum = atomic_hint(&p->entries) + entries;
    uint32_t patience;

    if (entries == 0)
        return false;
    if (rests >= PACE_RESTS) {
        adjust(p, sum, dense);
        rests = 0;
        sum = 0;
    }
    atomic_set_hint(&p->rests, rests);
    atomic_set_hint(&p->entries, sum);
    patience = atomic_hint(&p->patience);
    for (uint32_t i = 0; i < patience; i++)
        atomic_cpu_relax();
    return patience > 0;
}
