/* SPDX-License-Identifier: MIT */
/*
 * Reading the clock, and sleeping by it, which nobody can end.
 */
#include "wait/clock.h"
#include <errno.h>
#include <time.h>

int64_t clock_roughly_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_after(int64_t ns)
{
    int64_t now = clock_now();

    return ns < INT64_MAX - now ? now + ns : INT64_MAX;
}

int64_t clock_after_timeout(const struct timespec *timeout)
{
    const int64_t second = 1000000000;

    if (!timeout || (int64_t)timeout->tv_sec >= INT64_MAX / second)
        return INT64_MAX;
    return clock_after((int64_t)timeout->tv_sec * second + timeout->tv_nsec);
}

void clock_sleep_until(int64_t deadline)
{
    struct timespec until = clock_timespec(deadline);

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
           EINTR)
        continue;
}
