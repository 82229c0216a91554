/* SPDX-License-Identifier: MIT */
/*
 * A handle that waits by the futex word alone, and its descriptor: once that is
 * asked for, a thread of the handle's sleeps on the word in the place of the
 * event loop's. That takes one more turn of the scheduler for each message than
 * an eventfd that all handles share, and nothing of anybody else.
 */
#include "ring/process.h"
#include "wait/feeder.h"
#include "wait/futex.h"
#include "wait/wait.h"

/* Not capped: whoever polls is watched over otherwise. */
static void doze(void *of)
{
    struct waiter *w = of;

    /* Relaxed: the feeder's lock orders it. */
    futex_sleep_untimed(&wait_words(w, WAIT_READERS)->sequence,
                        atomic_get_relaxed(&w->fed_after), UINT32_MAX);
}

/* A thread that others sleep beside looks once more; that does no harm. */
static void rouse(void *of)
{
    futex_wake(&wait_words(of, WAIT_READERS)->sequence);
}

static void futex_close(struct waiter *w)
{
    if (w->feeder && w->token == process_token())
        feeder_end(w->feeder);
    else if (w->feeder)
        feeder_forget(w->feeder);
    w->feeder = NULL;
}

static int futex_fd(struct waiter *w)
{
    /* A forked child makes its own: what it inherited is its parent's too. */
    if (w->token != process_token())
        futex_close(w);
    w->token = process_token();
    if (!w->feeder)
        w->feeder = feeder_make((struct feeder_task){doze, rouse, w});
    return w->feeder ? feeder_fd(w->feeder) : -1;
}

static IpcStatus futex_arm(struct waiter *w, uint32_t seen)
{
    /* An inherited handle, whose descriptor this process did not ask for. */
    if (w->token != process_token() || !w->feeder)
        return IPC_OK;
    feeder_clear(w->feeder);
    /* Relaxed: the feeder's lock orders it. */
    atomic_put_relaxed(&w->fed_after, seen);
    /* Relaxed: whoever changes it later also wakes the thread. */
    if (atomic_get_relaxed(&wait_words(w, WAIT_READERS)->sequence) != seen)
        feeder_signal(w->feeder);
    else
        feeder_go(w->feeder);
    return IPC_OK;
}

static void futex_raise(const struct waiter *w)
{
    feeder_signal(w->feeder);
}

#define BY_WORD                                                                \
    .sleeps_by = WAIT_BY_WORD, .polls_by = WAIT_BY_WORD, .close = futex_close, \
    .fd = futex_fd, .arm = futex_arm, .raise = futex_raise

const struct wait_backend wait_backend_futex = {.name = "futex", BY_WORD};
const struct wait_backend wait_backend_watched = {
    .name = "watched", BY_WORD, .is_watched = true};
