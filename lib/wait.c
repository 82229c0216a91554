/* SPDX-License-Identifier: MIT */
#include "wait.h"
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <shmipc/ipc_channel.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

const struct wait_backend *wait_backend_find(uint32_t number)
{
    switch (number) {
    case IPC_WAIT_DEFAULT:
    case IPC_WAIT_FUTEX:
        return &wait_backend_futex;
    case IPC_WAIT_SLEEP:
        return &wait_backend_sleep;
    default:
        return NULL;
    }
}

int64_t wait_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint32_t wait_announce(const struct wait_backend *backend,
                       struct shm_wait *wait)
{
    /* Acquire: the look that follows is not older; pairs with wait_wake(). */
    uint32_t seen = atomic_get_acquire(&wait->sequence);

    if (!backend->can_be_woken)
        return seen;
    /* Relaxed: ordered by the barriers below. */
    atomic_put_relaxed(&wait->sleepers, 1);
    /* Ours, for the look that follows. */
    atomic_full_fence();
    /* Everybody else's: pairs with wait_notify(). It can fail only where no
     * waker can count on it (no such kernel), or where a filter forbids it to
     * us alone: then WAIT_CAP_NS bounds what a missed wake costs. */
    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
    return seen;
}

void wait_wake(struct shm_wait *wait)
{
    if (!atomic_swap_acq_rel(&wait->sleepers, 0))
        return; /* somebody else wakes them */
    /* Pairs with the acquire in wait_announce(). */
    atomic_add_acq_rel(&wait->sequence, 1);
#ifdef SYS_futex
    syscall(SYS_futex, &wait->sequence, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
#else
    syscall(SYS_futex_time64, &wait->sequence, FUTEX_WAKE, INT_MAX, NULL, NULL,
            0);
#endif
}
