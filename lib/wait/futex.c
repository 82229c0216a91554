/* SPDX-License-Identifier: MIT */
#include "wait/futex.h"
#include "wait/clock.h"
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where a 32-bit system has 64-bit times, SYS_futex still takes 32-bit ones. */
#if defined(SYS_futex_time64) && __SIZEOF_LONG__ == 4
static long sleep_until(atomic_u32 *word, uint32_t seen, int64_t deadline)
{
    struct {
        int64_t seconds;
        int64_t nanoseconds;
    } until = {deadline / 1000000000, deadline % 1000000000};

    return syscall(SYS_futex_time64, word, FUTEX_WAIT_BITSET, seen, &until,
                   NULL, FUTEX_BITSET_MATCH_ANY);
}
#else
static long sleep_until(atomic_u32 *word, uint32_t seen, int64_t deadline)
{
    struct timespec until = clock_timespec(deadline);

    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET, seen, &until, NULL,
                   FUTEX_BITSET_MATCH_ANY);
}
#endif

/* With a deadline the kernel restarts no wait after a handler was called. */
bool futex_sleep(atomic_u32 *word, uint32_t seen, int64_t deadline)
{
    return sleep_until(word, seen, deadline) == 0 || errno != EINTR;
}

/* Which of them it is matters only where there are times. */
#ifdef SYS_futex
enum { SYS_UNTIMED = SYS_futex };
#else
enum { SYS_UNTIMED = SYS_futex_time64 };
#endif

bool futex_sleep_untimed(atomic_u32 *word, uint32_t seen, uint32_t groups)
{
    return syscall(SYS_UNTIMED, word, FUTEX_WAIT_BITSET, seen, NULL, NULL,
                   groups) == 0 ||
           errno != EINTR;
}

void futex_wake(atomic_u32 *word)
{
    syscall(SYS_UNTIMED, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void futex_rouse(atomic_u32 *word, uint32_t groups)
{
    syscall(SYS_UNTIMED, word, FUTEX_WAKE_BITSET, INT_MAX, NULL, NULL, groups);
}
