/* SPDX-License-Identifier: MIT */
/*
 * Sleeping in the kernel on the sequence word, with futex().
 */
#include "wait/wait.h"
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Where a 32-bit system has 64-bit times, SYS_futex still takes 32-bit ones. */
#if defined(SYS_futex_time64) && __SIZEOF_LONG__ == 4
static long futex_wait(atomic_u32 *word, uint32_t seen, int64_t deadline)
{
    struct {
        int64_t seconds;
        int64_t nanoseconds;
    } until = {deadline / 1000000000, deadline % 1000000000};

    return syscall(SYS_futex_time64, word, FUTEX_WAIT_BITSET, seen, &until,
                   NULL, FUTEX_BITSET_MATCH_ANY);
}
#else
static long futex_wait(atomic_u32 *word, uint32_t seen, int64_t deadline)
{
    struct timespec until = {.tv_sec = (time_t)(deadline / 1000000000),
                             .tv_nsec = (long)(deadline % 1000000000)};

    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET, seen, &until, NULL,
                   FUTEX_BITSET_MATCH_ANY);
}
#endif

void wait_on_word(struct shm_wait *wait, uint32_t seen, int64_t deadline)
{
    while (futex_wait(&wait->sequence, seen, deadline) != 0 && errno == EINTR)
        continue;
}

static void futex_sleep(struct waiter *w, struct shm_wait *wait,
                        enum wait_side side, uint32_t seen, int64_t deadline)
{
    (void)w;
    (void)side;
    wait_on_word(wait, seen, deadline);
}

const struct wait_backend wait_backend_futex = {
    .name = "futex",
    .announces = WAIT_BY_WORD,
    .sleep = futex_sleep,
};
