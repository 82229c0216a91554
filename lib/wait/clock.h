/* SPDX-License-Identifier: MIT */
/*
 * Time inside the library: monotonic nanoseconds, and points in that time.
 * INT64_MAX is the point that never comes.
 */
#ifndef SHMIPC_CLOCK_H
#define SHMIPC_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

int64_t clock_now(void);

/* The same some milliseconds late, and several times as cheap. */
int64_t clock_roughly_now(void);

/* The point that far from now: by nanoseconds, or by a relative timeout (NULL:
 * never). What is beyond the clock's range is never. */
int64_t clock_after(int64_t ns);
int64_t clock_after_timeout(const struct timespec *timeout);

/* Not negative, and tv_nsec is in range. */
static inline bool clock_timeout_is_valid(const struct timespec *timeout)
{
    return !timeout || (timeout->tv_sec >= 0 && timeout->tv_nsec >= 0 &&
                        timeout->tv_nsec < 1000000000);
}

/* Sleeps until then; a signal does not end it. */
void clock_sleep_until(int64_t deadline);

static inline struct timespec clock_timespec(int64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000),
                             .tv_nsec = (long)(ns % 1000000000)};
}

static inline int64_t clock_earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A point that is some milliseconds early, and as cheap as that clock. */
static inline int64_t clock_roughly_after(int64_t ns)
{
    int64_t now = clock_roughly_now();

    return ns < INT64_MAX - now ? now + ns : INT64_MAX;
}

/* The same, and 0 for a timeout of zero: not at all. Does not look at the clock
 * for that. */
static inline int64_t clock_until(const struct timespec *timeout)
{
    return timeout && timeout->tv_sec == 0 && timeout->tv_nsec == 0
               ? 0
               : clock_after_timeout(timeout);
}

/* Does not look at the clock for a point that never comes. */
static inline bool clock_is_past(int64_t time)
{
    return time != INT64_MAX && clock_now() >= time;
}

#endif
