/* SPDX-License-Identifier: MIT */
/*
 * Sleeping in poll() on an eventfd that all handles of a channel share, so
 * that a program can poll it as well. The creator makes it; others inherit it
 * or get it over a socket (share.c). It outlives the back end: a handle with
 * another one keeps it to wake by.
 *
 * The descriptor's counter is a level: it wakes all who poll, and stays up
 * until a sleeper takes it down on its way to the next sleep, before it
 * announces itself. Never later: a wake that answers the announcement must
 * not be taken for an old one.
 *
 * Only readers have one. Whoever takes the level down may take it from others
 * who were woken but have not run yet. For readers that is repaired: what is
 * nothing to read for one is nothing for all, and who finds something passes
 * the wake on. Writers ask for different amounts of space: the one who finds
 * too little cannot know whether it is enough for another one. They sleep on
 * the word.
 */
#include "wait/wait.h"
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

static IpcStatus event_create(struct waiter *w)
{
    w->event_fds[WAIT_READERS] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return w->event_fds[WAIT_READERS] < 0 ? IPC_ERR_SYSTEM : IPC_OK;
}

static bool event_before(struct waiter *w, enum wait_side side)
{
    int saved = errno;
    uint64_t count;
    ssize_t got;

    if (w->event_fds[side] < 0)
        return false;
    do {
        got = read(w->event_fds[side], &count, sizeof count);
    } while (got < 0 && errno == EINTR);
    errno = saved;
    return got > 0;
}

/* False: woken, or it cannot be waited for. */
static bool poll_once(int fd, int64_t left)
{
    struct pollfd what = {.fd = fd, .events = POLLIN};
    struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000),
                               .tv_nsec = (long)(left % 1000000000)};

    return ppoll(&what, 1, &timeout, NULL) < 0 && errno == EINTR;
}

static void event_sleep(struct waiter *w, struct shm_wait *wait,
                        enum wait_side side, uint32_t seen, int64_t deadline)
{
    int64_t left;

    if (wait_how(w, wait, side) == WAIT_BY_WORD) {
        wait_on_word(wait, seen, deadline);
        return;
    }
    do {
        left = deadline - wait_now();
        /* Relaxed: what the waker did before is looked at with the barriers
         * that this takes. */
    } while (left > 0 && atomic_get_relaxed(&wait->sequence) == seen &&
             poll_once(w->event_fds[side], left));
}

/*
 * Polling. As all sleeps an application's is capped: what it polls is an epoll
 * of the eventfd and of a timer.
 */

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

static bool open_poll_fd(struct waiter *w)
{
    w->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    w->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return w->poll_fd >= 0 && w->timer_fd >= 0 &&
           poll_also(w->poll_fd, w->event_fds[WAIT_READERS]) &&
           poll_also(w->poll_fd, w->timer_fd);
}

static int event_fd(struct waiter *w)
{
    if (w->event_fds[WAIT_READERS] < 0)
        return -1;
    /* Those of a process that forked are its own. */
    if (w->token != process_token())
        event_close(w);
    w->token = process_token();
    if (w->poll_fd < 0 && !open_poll_fd(w))
        event_close(w);
    return w->poll_fd;
}

static IpcStatus event_arm(struct waiter *w, struct shm_wait *wait,
                           uint32_t seen)
{
    const struct itimerspec cap = {
        .it_value = {.tv_sec = WAIT_CAP_NS / 1000000000,
                     .tv_nsec = WAIT_CAP_NS % 1000000000}};

    /* An inherited handle whose descriptor nobody asked for here. */
    if (w->token != process_token())
        return IPC_OK;
    if (timerfd_settime(w->timer_fd, 0, &cap, NULL) != 0)
        return IPC_ERR_SYSTEM;
    /* Relaxed: who changes it later also signals. */
    if (atomic_get_relaxed(&wait->sequence) != seen)
        wait_pass_on(w, WAIT_READERS);
    return IPC_OK;
}

const struct wait_backend wait_backend_eventfd = {
    .name = "eventfd",
    .announces = WAIT_BY_EVENT,
    .close = event_close,
    .create = event_create,
    .before = event_before,
    .sleep = event_sleep,
    .fd = event_fd,
    .arm = event_arm,
};
