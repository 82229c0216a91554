/* SPDX-License-Identifier: MIT */
/* Time on the monotonic clock, ns. */
#ifndef SHMIPC_BRIDGE_TICKS_H
#define SHMIPC_BRIDGE_TICKS_H

#include <stdint.h>
#include <time.h>

#define TICKS_SECOND UINT64_C(1000000000)
#define TICKS_MS     UINT64_C(1000000)

static inline uint64_t ticks_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * TICKS_SECOND + (uint64_t)t.tv_nsec;
}

static inline struct timespec ticks_span(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / TICKS_SECOND),
                             (long)(ns % TICKS_SECOND)};
}

#endif
