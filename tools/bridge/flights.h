/* SPDX-License-Identifier: MIT */
/*
 * Batches that are on their way: sent, and not acknowledged. The oldest first.
 */
#ifndef SHMIPC_BRIDGE_FLIGHTS_H
#define SHMIPC_BRIDGE_FLIGHTS_H

#include <stdbool.h>
#include <stdint.h>

struct flight {
    uint64_t first, last; /* offsets of its entries */
    uint64_t sent;        /* when, ns */
    uint32_t count;
};

enum { FLIGHTS_MAX = 4096 };

struct flights {
    struct flight list[FLIGHTS_MAX];
    uint32_t begin, count;
};

static inline bool flights_are_full(const struct flights *f)
{
    return f->count == FLIGHTS_MAX;
}

static inline const struct flight *flights_oldest(const struct flights *f)
{
    return f->count > 0 ? &f->list[f->begin] : NULL;
}

static inline void flights_add(struct flights *f, struct flight flight)
{
    f->list[(f->begin + f->count++) % FLIGHTS_MAX] = flight;
}

/* Removes those that end at or before `offset`; the last of them, or NULL. */
static inline const struct flight *flights_land(struct flights *f,
                                                uint64_t offset)
{
    const struct flight *landed = NULL;

    while (f->count > 0 && f->list[f->begin].last <= offset) {
        landed = &f->list[f->begin];
        f->begin = (f->begin + 1) % FLIGHTS_MAX;
        f->count--;
    }
    return landed;
}

#endif
