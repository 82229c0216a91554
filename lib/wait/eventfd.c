/* SPDX-License-Identifier: MIT */
/*
 * A descriptor for event loops: an eventfd that all handles of a channel
 * share, so that any of them can make it readable. The creator makes it;
 * others inherit it or get it over a socket (share.c). Whoever only blocks
 * sleeps on the futex word, as everywhere.
 *
 * The eventfd's counter is a level: it wakes all pollers, and stays up until
 * one of them takes it down on its way to the next wait, before it announces
 * itself. Never later: a wake that answers the announcement must not be taken
 * for an old one.
 *
 * Only readers can poll. A poller that takes the level down may take it from
 * others that were woken but have not run yet. Among readers that is repaired:
 * if one finds nothing to read there is nothing for any, and one that finds
 * something passes the wake on. Writers ask for different amounts of space: one
 * that finds too little cannot know whether it is enough for another.
 *
 * A handle that was made by connect has no eventfd to signal; it says so in the
 * region (`unsignalled`), and pollers look for themselves every millisecond.
 */
#include "ring/process.h"
#include "wait/clock.h"
#include "wait/wait.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

static IpcStatus event_create(struct waiter *w)
{
    w->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return w->event_fd < 0 ? IPC_ERR_SYSTEM : IPC_OK;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void event_close(struct waiter *w)
{
    close_fd(&w->poll_fd);
    close_fd(&w->timer_fd);
}

static bool poll_also(int poll_fd, int fd)
{
    struct epoll_event what = {.events = EPOLLIN};

    return epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &what) == 0;
}

/* An application's sleep is capped like all others: what it polls is an epoll
 * of the eventfd and of a timer. */
static bool open_poll_fd(struct waiter *w)
{
    w->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    w->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return w->poll_fd >= 0 && w->timer_fd >= 0 &&
           poll_also(w->poll_fd, w->event_fd) &&
           poll_also(w->poll_fd, w->timer_fd);
}

static int event_fd(struct waiter *w)
{
    if (w->event_fd < 0)
        return -1;
    /* A forked child makes its own: what it inherited is its parent's too. */
    if (w->token != process_token())
        event_close(w);
    w->token = process_token();
    if (w->poll_fd < 0 && !open_poll_fd(w))
        event_close(w);
    return w->poll_fd;
}

static IpcStatus event_arm(struct waiter *w, uint32_t seen)
{
    struct shm_wait *words = wait_words(w, WAIT_READERS);
    /* Relaxed: see wait_join(). */
    int64_t cap = atomic_get_relaxed(&words->unsignalled) ? WAIT_UNSIGNALLED_NS
                                                          : WAIT_CAP_NS;
    const struct itimerspec at = {.it_value = clock_timespec(cap)};

    /* An inherited handle, whose descriptor this process did not ask for. */
    if (w->token != process_token())
        return IPC_OK;
    if (timerfd_settime(w->timer_fd, 0, &at, NULL) != 0)
        return IPC_ERR_SYSTEM;
    /* Relaxed: whoever changes it later also signals. */
    if (atomic_get_relaxed(&words->sequence) != seen)
        wait_pass_on(w);
    return IPC_OK;
}

const struct wait_backend wait_backend_eventfd = {
    .name = "eventfd",
    .sleeps_by = WAIT_BY_WORD,
    .polls_by = WAIT_BY_EVENT,
    .close = event_close,
    .create = event_create,
    .fd = event_fd,
    .arm = event_arm,
};
