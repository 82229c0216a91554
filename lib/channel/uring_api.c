/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_uring.h.
 */
#include "answer.h"
#include "buffer/read.h"
#include "channel/channel.h"
#include "wait/uring.h"
#include <errno.h>
#include <shmipc/ipc_uring.h>
#include <string.h>

/* Whether a look finds what a reader should see, if only an error. */
static bool has_news(struct IpcChannel *ch)
{
    IpcBufferReadError found;
    IpcEntry entry;
    IpcStatus status = read_peek(&ch->buffer, &entry, &found);

    /* It may have passed filler and so made space. */
    wait_notify_rarely(&ch->waiter, WAIT_WRITERS);
    if (status != IPC_EMPTY && status != IPC_ERR_NOT_READY)
        return true;
    return (read_is_stuck(&ch->buffer) && channel_repair(ch)) ||
           channel_repair_held(ch, false);
}

/* What a caller left in an entry that is used again, flags for one, is cleared
 * by preparing it up to liburing 2.8, but not from 2.9 on. */
static void clear(struct io_uring_sqe *sqe)
{
    const uint64_t user_data = sqe->user_data;

    memset(sqe, 0, sizeof *sqe);
    sqe->user_data = user_data;
}

IpcChannelPrepareWaitResult ipc_channel_prepare_wait(IpcChannel *channel,
                                                     struct io_uring_sqe *sqe)
{
    uint32_t seen;

    if (sqe) {
        clear(sqe);
        io_uring_prep_nop(sqe);
    }
    if (!channel || !sqe)
        return IpcChannelPrepareWaitResult_error(
            IPC_ERR_INVALID_ARGUMENT,
            channel ? "sqe is NULL: pass what io_uring_get_sqe returned, which "
                      "is NULL if the ring is full: submit, and try again"
                    : channel_null_handle);
    seen = wait_announce(&channel->waiter, WAIT_READERS, WAIT_BY_WORD);
    if (has_news(channel))
        return IpcChannelPrepareWaitResult_ok(IPC_OK, false);
    uring_prep_wait(sqe, &wait_words(&channel->waiter, WAIT_READERS)->sequence,
                    seen);
    return IpcChannelPrepareWaitResult_ok(IPC_OK, true);
}

IpcChannelCompleteWaitResult ipc_channel_complete_wait(IpcChannel *channel,
                                                       int res)
{
    IpcChannelSystemError body = {.sys_errno = res < 0 ? -res : 0};

    if (!channel)
        return IpcChannelCompleteWaitResult_error(IPC_ERR_INVALID_ARGUMENT,
                                                  channel_null_handle);
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
        IPC_ERR_SYSTEM, "the wait in the ring failed: see error.body.sys_errno",
        body);
}
