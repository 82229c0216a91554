/* SPDX-License-Identifier: MIT */
/*
 * What the command line asked for.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "transport.h"

struct plan {
    int rounds;
    double seconds;   /* of one run */
    uint64_t trips;   /* of one ping-pong */
    const char *only; /* part of a transport's name, or NULL */
    size_t size;      /* only messages of this size, or 0 */
};

/* Whether this transport is wanted. Limits are always measured, without being
 * asked about. */
bool plan_wants(const struct plan *plan, const struct transport *t);
bool plan_wants_size(const struct plan *plan, size_t size);

#endif
