/* SPDX-License-Identifier: MIT */
#include "channel/poll.h"
#include "cancel.h"

IpcStatus poll_descriptor(struct IpcChannel *ch, int *fd, const char **detail)
{
    struct waiter *w = &ch->waiter;
    bool joined;
    int state;

    *detail = "this way of waiting has no descriptor: use IPC_WAIT_FUTEX, "
              "IPC_WAIT_IO_URING or IPC_WAIT_EVENTFD";
    if (!w->backend->fd)
        return IPC_ERR_UNSUPPORTED;
    *detail = "the handle has no descriptor: with IPC_WAIT_EVENTFD create, "
              "accept or inherit it";
    if (w->backend->polls_by == WAIT_BY_EVENT && w->event_fd < 0)
        return IPC_ERR_ILLEGAL_STATE;
    *detail = "no descriptor, or no thread, could be made: see sys_errno";
    state = cancel_disable();
    *fd = w->backend->fd(w);
    joined = *fd >= 0 && patrol_join(ch);
    cancel_restore(state);
    if (!joined)
        return IPC_ERR_SYSTEM;
    /* Relaxed: other threads need not poll. */
    atomic_put_relaxed(&ch->polled, 1);
    *detail = "the wait could not be prepared";
    /* Readable at first, whatever there is: a loop begins by reading. Relaxed:
     * any number but the present one will do. */
    return w->backend->arm(
        w, atomic_get_relaxed(&wait_words(w, WAIT_READERS)->sequence) - 1);
}
