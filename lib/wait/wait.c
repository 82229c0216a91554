/* SPDX-License-Identifier: MIT */
#include "wait/wait.h"
#include "shmipc_config.h"
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <shmipc/ipc_channel.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* By IpcWait number; NULL: this library was built without it. */
static const struct wait_backend *const backends[] = {
    [IPC_WAIT_FUTEX] = &wait_backend_futex,
    [IPC_WAIT_SLEEP] = &wait_backend_sleep,
#ifdef SHMIPC_HAVE_EVENTFD
    [IPC_WAIT_EVENTFD] = &wait_backend_eventfd,
#else
    [IPC_WAIT_EVENTFD] = NULL,
#endif
#ifdef SHMIPC_HAVE_IO_URING
    [IPC_WAIT_IO_URING] = &wait_backend_io_uring,
#else
    [IPC_WAIT_IO_URING] = NULL,
#endif
};

static IpcStatus open_backend(struct waiter *w, uint32_t number)
{
    IpcStatus status;

    if (number >= sizeof backends / sizeof backends[0])
        return IPC_ERR_INVALID_ARGUMENT;
    w->backend = backends[number];
    if (!w->backend)
        return IPC_ERR_UNSUPPORTED;
    status = w->backend->open ? w->backend->open(w) : IPC_OK;
    if (status != IPC_OK)
        w->backend = NULL;
    return status;
}

IpcStatus wait_open(struct waiter *w, uint32_t number)
{
    IpcStatus status;

    memset(w, 0, sizeof *w);
    w->event_fds[WAIT_READERS] = -1;
    w->event_fds[WAIT_WRITERS] = -1;
    w->poll_fd = -1;
    w->timer_fd = -1;
    w->token = process_token();
    if (number != IPC_WAIT_DEFAULT)
        return open_backend(w, number);
    status = open_backend(w, SHMIPC_DEFAULT_WAIT);
    if (status == IPC_ERR_UNSUPPORTED)
        status = open_backend(w, IPC_WAIT_FUTEX);
    return status;
}

void wait_close(struct waiter *w)
{
    if (w->backend && w->backend->close)
        w->backend->close(w);
    w->backend = NULL;
    for (int side = WAIT_READERS; side <= WAIT_WRITERS; side++) {
        if (w->event_fds[side] >= 0)
            close(w->event_fds[side]);
        w->event_fds[side] = -1;
    }
}

int64_t wait_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint32_t wait_announce(struct shm_wait *wait, uint32_t how, bool fenced)
{
    /* Acquire: the look that follows is not older; pairs with wait_wake(). */
    uint32_t seen = atomic_get_acquire(&wait->sequence);

    if (how == 0)
        return seen;
    /* Relaxed: ordered by the barriers below. */
    atomic_or_relaxed(&wait->sleepers, how);
    /* Ours, for the look that follows. */
    atomic_full_fence();
    /* Everybody else's: pairs with wait_notify(). It can fail only where no
     * waker can count on it (no such kernel), or where a filter forbids it to
     * us alone: then WAIT_CAP_NS bounds what a missed wake costs.
     * Acquire pairs with the release in wait_fence_on(): what the only waker
     * committed before it began to fence is seen by the look that follows. */
    if (!fenced && !atomic_get_acquire(&wait->fenced))
        syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
    return seen;
}

uint32_t wait_how(const struct waiter *w, struct shm_wait *wait,
                  enum wait_side side)
{
    if (w->backend->announces != WAIT_BY_EVENT)
        return w->backend->announces;
    /* Relaxed: see wait_declare_deaf(). */
    return w->event_fds[side] >= 0 && !atomic_get_relaxed(&wait->deaf)
               ? WAIT_BY_EVENT
               : WAIT_BY_WORD;
}

void wait_sleep(struct waiter *w, struct shm_wait *wait, enum wait_side side,
                uint32_t seen, int64_t deadline)
{
    int saved = errno;
    int state;

    /* Some ways sleep in a cancellation point and some do not: none is one, so
     * that a cancelled thread leaves nothing half done in any of them. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    w->backend->sleep(w, wait, side, seen, deadline);
    pthread_setcancelstate(state, NULL);
    errno = saved;
}

bool wait_declare_deaf(const struct waiter *w, struct shm_region *region)
{
    /* Relaxed: looked at again below, when it is too late to leave no trace. */
    if (w->event_fds[WAIT_READERS] < 0 &&
        atomic_get_relaxed(&region->readers.polled))
        return false;
    for (int side = WAIT_READERS; side <= WAIT_WRITERS; side++)
        if (w->event_fds[side] < 0)
            /* Relaxed: a sleeper that has not seen it yet loses no more than
             * one capped sleep. */
            atomic_put_relaxed(&wait_of(region, (enum wait_side)side)->deaf, 1);
    /* We see the poller, or it sees us: pairs with wait_declare_polled(). */
    atomic_full_fence();
    return w->event_fds[WAIT_READERS] >= 0 ||
           !atomic_get_relaxed(&region->readers.polled);
}

bool wait_declare_polled(struct shm_region *region)
{
    /* Relaxed, all: ordered by the fence. */
    if (atomic_get_relaxed(&region->readers.deaf))
        return false;
    atomic_put_relaxed(&region->readers.polled, 1);
    /* Pairs with wait_declare_deaf(). */
    atomic_full_fence();
    return !atomic_get_relaxed(&region->readers.deaf);
}

static void wake_word(struct shm_wait *wait)
{
#ifdef SYS_futex
    syscall(SYS_futex, &wait->sequence, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
#else
    syscall(SYS_futex_time64, &wait->sequence, FUTEX_WAKE, INT_MAX, NULL, NULL,
            0);
#endif
}

static void wake_event(int fd)
{
    const uint64_t one = 1;

    /* A counter that is full already is readable. */
    while (fd >= 0 && write(fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

void wait_pass_on(struct waiter *w, enum wait_side side)
{
    int saved = errno;

    wake_event(w->event_fds[side]);
    errno = saved;
}

void wait_fence_on(struct shm_region *region, enum wait_side side,
                   atomic_u32 *looks)
{
    /* Relaxed, here and below: one thread at a time, by contract. */
    atomic_put_relaxed(looks, WAIT_FENCED_LOOKS);
    /* Release pairs with the acquire in wait_announce(). */
    atomic_put_release(&wait_of(region, side)->fenced, 1);
}

void wait_notify_fenced(struct waiter *w, struct shm_region *region,
                        enum wait_side side, atomic_u32 *looks)
{
    struct shm_wait *wait = wait_of(region, side);
    uint32_t left = atomic_get_relaxed(looks) - 1;

    atomic_full_fence();
    /* Relaxed, all: ordered by the fences. */
    if (atomic_get_relaxed(&wait->sleepers) != 0) {
        wait_wake(w, region, side);
        wait_fence_on(region, side, looks);
        return;
    }
    atomic_put_relaxed(looks, left);
    if (left > 0)
        return;
    atomic_put_relaxed(&wait->fenced, 0);
    /* Who announced itself and did not see that is seen here. */
    atomic_full_fence();
    if (atomic_get_relaxed(&wait->sleepers) != 0)
        wait_wake(w, region, side);
}

void wait_wake(struct waiter *w, struct shm_region *region, enum wait_side side)
{
    struct shm_wait *wait = wait_of(region, side);
    uint32_t sleepers = atomic_swap_acq_rel(&wait->sleepers, 0);
    int saved = errno;

    if (!sleepers)
        return; /* somebody else wakes them */
    /* Pairs with the acquire in wait_announce(). */
    atomic_add_acq_rel(&wait->sequence, 1);
    if (sleepers & WAIT_BY_WORD)
        wake_word(wait);
    if (sleepers & WAIT_BY_EVENT)
        wake_event(w->event_fds[side]);
    errno = saved;
}
