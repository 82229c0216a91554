/* SPDX-License-Identifier: MIT */
#include "wait/wait.h"
#include "cancel.h"
#include "shmipc_config.h"
#include "wait/counter.h"
#include "wait/futex.h"
#include <errno.h>
#include <shmipc/ipc_channel.h>
#include <string.h>
#include <unistd.h>

#ifndef SHMIPC_HAVE_EVENTFD
/* Without what feeds a descriptor: else see futex_fd.c. */
const struct wait_backend wait_backend_futex = {
    .name = "futex",
    .sleeps_by = WAIT_BY_WORD,
};
#endif

#ifndef SHMIPC_HAVE_EVENTFD
const struct wait_backend wait_backend_watched = {
    .name = "watched",
    .sleeps_by = WAIT_BY_WORD,
    .is_watched = true,
};
#endif

const struct wait_backend wait_backend_sleep = {
    .name = "sleep",
};

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
    [IPC_WAIT_WATCHED] = &wait_backend_watched,
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
    int cancelling;

    memset(w, 0, sizeof *w);
    w->event_fd = -1;
    w->poll_fd = -1;
    w->token = process_token();
    cancelling = cancel_disable();
    status = open_backend(w, number == IPC_WAIT_DEFAULT ? SHMIPC_DEFAULT_WAIT
                                                        : number);
    /* Too old, forbidden, or no memory for a ring. */
    if (status != IPC_OK && number == IPC_WAIT_DEFAULT)
        status = open_backend(w, IPC_WAIT_FUTEX);
    cancel_restore(cancelling);
    return status;
}

void wait_join(struct waiter *w, struct shm_region *region, bool one_producer,
               bool one_consumer)
{
    w->region = region;
    w->sole[WAIT_READERS] = one_producer;
    w->sole[WAIT_WRITERS] = one_consumer;
    w->by_edges = region->identity.subscriber_count > 0;
    if (w->event_fd < 0)
        /* Relaxed: a poller that has not seen it yet misses our wakes until
         * somebody looks for it. */
        atomic_put_relaxed(&region->readers.unsignalled, 1);
}

void wait_close(struct waiter *w)
{
    int cancelling = cancel_disable();

    if (w->backend && w->backend->close)
        w->backend->close(w);
    w->backend = NULL;
    if (w->event_fd >= 0)
        close(w->event_fd);
    w->event_fd = -1;
    cancel_restore(cancelling);
}

/* -------------------------------------------------------------- sleepers */

/* Whether all wakers of that side pass a full fence in W1, in counting the
 * entry or moving head: a sole waker stores plainly. */
static bool wakers_fence_anyway(const struct waiter *w, enum wait_side side)
{
    return ATOMIC_RMW_IS_FENCE && !w->sole[side];
}

uint32_t wait_announce(const struct waiter *w, enum wait_side side,
                       uint32_t way)
{
    struct shm_wait *words = wait_words(w, side);
    /* Acquire [sequence]: the flag is set after it was read. Else the wake that
     * this number stands for could clear the flag, and we sleep without it. */
    uint32_t seen = atomic_get_acquire(&words->sequence);

    if (way == 0)
        return seen;
    /* Relaxed: ordered by the fences below. */
    atomic_or_relaxed(&words->sleepers, way);
    atomic_full_fence(); /* [sleepers]: ours, for the look that follows */
    /* This fails only where the kernel lacks it, so that no waker relies on it,
     * or where a filter forbids it to this process alone: then WAIT_CAP_NS
     * bounds what a missed wake costs. Acquire [promise]: what the sole waker
     * changed before it began to fence is seen by the look that follows. */
    if (!wakers_fence_anyway(w, side) && !atomic_get_acquire(&words->fenced))
        process_fence_others(); /* [sleepers]: everybody else's */
    return seen;
}

/* The thread can end in here, and nowhere else in the library. There is nothing
 * to undo then: it holds no lock and no memory, what it announced is taken back
 * by the next waker, and a wake that it took along was for all. The call into
 * the kernel is no cancellation point by itself, so it is made one as libc does
 * with its own. */
static bool sleep_cancellably(atomic_u32 *word, uint32_t seen, int64_t deadline)
{
    bool slept;
    int type;

    /* NOLINTNEXTLINE(*-canceltype-asynchronous,cert-pos47-c) */
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    slept = futex_sleep(word, seen, deadline);
    pthread_setcanceltype(type, NULL);
    return slept;
}

bool wait_sleep(struct waiter *w, enum wait_side side, uint32_t seen,
                int64_t deadline)
{
    atomic_u32 *word = &wait_words(w, side)->sequence;
    int saved = errno;
    bool slept;

    if (w->backend->sleeps_by == 0) {
        word = &w->interrupted;
        seen = 0;
    }
    do {
        slept = w->is_cancellable ? sleep_cancellably(word, seen, deadline)
                                  : futex_sleep(word, seen, deadline);
    } while (!slept && !w->heeds_signals);
    errno = saved;
    return slept;
}

/* Other processes have other groups, or are woken along and look. */
static uint32_t group_of_process(void)
{
    return UINT32_C(1) << process_token() % 32;
}

void wait_sleep_watched(struct waiter *w, enum wait_side side, uint32_t seen)
{
    atomic_u32 *word = &wait_words(w, side)->sequence;
    int saved = errno;

    /* Relaxed, both: who rouses too early comes again. */
    atomic_add_relaxed(&w->asleep[side], 1);
    while (!futex_sleep_untimed(word, seen, group_of_process()))
        continue;
    atomic_add_relaxed(&w->asleep[side], (uint32_t)-1);
    errno = saved;
}

void wait_rouse(const struct waiter *w)
{
    for (int side = WAIT_READERS; side <= WAIT_WRITERS; side++)
        /* Relaxed: see above. */
        if (atomic_get_relaxed(&w->asleep[side]) > 0)
            futex_rouse(&wait_words(w, (enum wait_side)side)->sequence,
                        group_of_process());
}

bool wait_take_back(const struct waiter *w)
{
    return w->backend->polls_by == WAIT_BY_EVENT && w->event_fd >= 0 &&
           !w->by_edges && counter_clear(w->event_fd);
}

void wait_pass_on(const struct waiter *w)
{
    if (w->event_fd >= 0)
        counter_raise(w->event_fd);
}

/* ---------------------------------------------------------------- wakers */

void wait_wake(const struct waiter *w, enum wait_side side)
{
    struct shm_wait *words = wait_words(w, side);
    /* Relaxed: the next operation orders what the woken will look at. */
    uint32_t sleepers = atomic_swap_relaxed(&words->sleepers, 0);
    int saved = errno;

    if (!sleepers)
        return; /* somebody else wakes them */
    /* Release [sequence]: after the flag was cleared, and after our change. */
    atomic_add_release(&words->sequence, 1);
    if (sleepers & WAIT_BY_WORD)
        futex_wake(&words->sequence);
    if (sleepers & WAIT_BY_EVENT)
        wait_pass_on(w);
    errno = saved;
}

static void promise(struct waiter *w, enum wait_side side)
{
    /* Relaxed: one thread at a time, by contract. */
    atomic_put_relaxed(&w->promised[side], WAIT_PROMISED_LOOKS);
    /* Release [promise]: our change comes before it, also where another waker
     * has cleared the flag, so that its number is the one that is acquired. */
    atomic_put_release(&wait_words(w, side)->fenced, 1);
}

void wait_wake_and_promise(struct waiter *w, enum wait_side side)
{
    wait_wake(w, side);
    if (w->sole[side])
        promise(w, side);
}

/* Who announced itself and did not see that is seen by our next look. */
static void end_promise(struct shm_wait *words)
{
    /* Relaxed: ordered by the fence. */
    atomic_put_relaxed(&words->fenced, 0);
    atomic_full_fence(); /* [sleepers] */
}

void wait_notify_promised(struct waiter *w, enum wait_side side)
{
    /* Relaxed, here and below: one thread at a time, by contract. */
    uint32_t left = atomic_get_relaxed(&w->promised[side]) - 1;

    atomic_full_fence(); /* [sleepers] */
    /* Relaxed: ordered by the fence. */
    if (atomic_get_relaxed(&wait_words(w, side)->sleepers) != 0) {
        wait_wake_and_promise(w, side);
        return;
    }
    atomic_put_relaxed(&w->promised[side], left);
    if (left == 0)
        end_promise(wait_words(w, side));
}

void wait_notify_rarely(const struct waiter *w, enum wait_side side)
{
    atomic_full_fence(); /* [sleepers] */
    /* Relaxed: ordered by the fence. */
    if (atomic_get_relaxed(&wait_words(w, side)->sleepers) != 0)
        wait_wake(w, side);
}

/* ------------------------------------------------------------ interruption */

void wait_interrupt(struct waiter *w)
{
    int saved = errno;

    /* Release [interrupt]: what the caller did before. */
    atomic_put_release(&w->interrupted, 1);
    wait_notify_rarely(w, WAIT_READERS);
    wait_notify_rarely(w, WAIT_WRITERS);
    if (w->backend->sleeps_by == 0)
        futex_wake(&w->interrupted);
    errno = saved;
}

bool wait_clear_interrupt(struct waiter *w)
{
    /* Acquire [interrupt]: what the last one who interrupted did before; to be
     * looked at now, since that is over. The release is not needed. */
    return atomic_swap_acq_rel(&w->interrupted, 0) != 0;
}
