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
 * In a ring with subscribers each reader needs every wake, and nobody may take
 * one down for all. There the eventfd is never read: each handle's epoll has it
 * edge-triggered, so that it becomes readable with each signal, however high
 * the counter is, and a poller takes down its own edge alone.
 *
 * A handle that was made by connect has no eventfd to signal; it says so in the
 * region (`unsignalled`), and somebody has to look for pollers every
 * millisecond (WAIT_UNSIGNALLED_NS).
 */
#include "cancel.h"
#include "ring/process.h"
#include "wait/wait.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static IpcStatus event_create(struct waiter *w)
{
    w->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return w->event_fd < 0 ? IPC_ERR_SYSTEM : IPC_OK;
}

static void event_close(struct waiter *w)
{
    if (w->poll_fd >= 0)
        close(w->poll_fd);
    w->poll_fd = -1;
}

/* What an application polls is an epoll of the handle's own with the eventfd in
 * it. Of the eventfd itself others have descriptors, too: an application's
 * epoll would go on to tell of it when the handle is gone. */
static bool open_poll_fd(struct waiter *w)
{
    struct epoll_event what = {.events =
                                   w->by_edges ? EPOLLIN | EPOLLET : EPOLLIN};

    w->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    return w->poll_fd >= 0 &&
           epoll_ctl(w->poll_fd, EPOLL_CTL_ADD, w->event_fd, &what) == 0;
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

/* What was signalled so far; who did so changed the sequence word before. */
static void take_edge(const struct waiter *w)
{
    struct epoll_event seen;
    int cancelling = cancel_disable();

    epoll_wait(w->poll_fd, &seen, 1, 0);
    cancel_restore(cancelling);
}

static IpcStatus event_arm(struct waiter *w, uint32_t seen)
{
    /* An inherited handle, whose descriptor this process did not ask for. */
    if (w->token != process_token())
        return IPC_OK;
    if (w->by_edges)
        take_edge(w);
    /* Relaxed: whoever changes it later also signals. Whose signal was just
     * taken down changed it before, and the kernel's lock lies between. */
    if (atomic_get_relaxed(&wait_words(w, WAIT_READERS)->sequence) != seen)
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
    .raise = wait_pass_on,
};
