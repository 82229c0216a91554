/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_uring.h.
 */
#include "channel/channel.h"
#include "wait/uring.h"
#include <errno.h>
#include <shmipc/ipc_uring.h>

/* Whether a look finds what a reader should see, if only an error. */
static bool has_news(struct IpcChannel *ch)
{
    IpcEntry entry;
    uint64_t offset;
    uint64_t removed = 0;
    IpcStatus status = read_peek(&ch->buffer, &entry, &offset);

    /* It may have passed filler and so made space. The fence is what a side's
     * only waker may have promised. */
    atomic_full_fence();
    wait_notify(&ch->waiter, ch->buffer.region, WAIT_WRITERS);
    if (status != IPC_EMPTY && status != IPC_ERR_NOT_READY)
        return true;
    if (!read_is_stuck(&ch->buffer))
        return false;
    recover_dead(&ch->buffer, false, &removed, &offset);
    return removed > 0;
}

IpcChannelPrepareWaitResult ipc_channel_prepare_wait(IpcChannel *channel,
                                                     struct io_uring_sqe *sqe)
{
    struct shm_wait *wait;
    uint32_t seen;

    if (sqe)
        io_uring_prep_nop(sqe);
    if (!channel || !sqe)
        return IpcChannelPrepareWaitResult_error(
            IPC_ERR_INVALID_ARGUMENT,
            "the handle or the submission entry is NULL: is the ring full?");
    wait = wait_of(channel->buffer.region, WAIT_READERS);
    seen = wait_announce(wait, WAIT_BY_WORD,
                         channel_wakers_fence(channel, WAIT_READERS));
    if (has_news(channel))
        return IpcChannelPrepareWaitResult_ok(IPC_OK, false);
    uring_prep_wait(sqe, wait, seen);
    return IpcChannelPrepareWaitResult_ok(IPC_OK, true);
}

IpcChannelCompleteWaitResult ipc_channel_complete_wait(IpcChannel *channel,
                                                       int res)
{
    IpcChannelSystemError body = {res < 0 ? -res : 0};

    if (!channel)
        return IpcChannelCompleteWaitResult_error(
            IPC_ERR_INVALID_ARGUMENT,
            "the handle is NULL: create or connect a channel first");
    switch (res) {
    case -EAGAIN:
    case -ECANCELED:
    case -EINTR:
    case -ETIME:
        return IpcChannelCompleteWaitResult_ok(IPC_OK);
    case -EINVAL:
    case -EOPNOTSUPP:
    case -EPERM:
    case -EACCES:
        return IpcChannelCompleteWaitResult_error_body(
            IPC_ERR_UNSUPPORTED,
            "the running kernel has no futex operation in io_uring (Linux 6.7) "
            "or forbids it: use a read that blocks",
            body);
    default:
        break;
    }
    if (res >= 0)
        return IpcChannelCompleteWaitResult_ok(IPC_OK);
    return IpcChannelCompleteWaitResult_error_body(
        IPC_ERR_SYSTEM, "the wait in the ring failed: see sys_errno", body);
}
