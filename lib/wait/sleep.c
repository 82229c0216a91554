/* SPDX-License-Identifier: MIT */
/*
 * Sleeping for a time, which needs nothing of the kernel and of writers. The
 * channel keeps the times short.
 */
#include "wait/wait.h"
#include <errno.h>
#include <time.h>

static void timed_sleep(struct waiter *w, struct shm_wait *wait,
                        enum wait_side side, uint32_t seen, int64_t deadline)
{
    struct timespec until = {.tv_sec = (time_t)(deadline / 1000000000),
                             .tv_nsec = (long)(deadline % 1000000000)};

    (void)w;
    (void)wait;
    (void)side;
    (void)seen;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
           EINTR)
        continue;
}

const struct wait_backend wait_backend_sleep = {
    .name = "sleep",
    .announces = 0,
    .sleep = timed_sleep,
};
