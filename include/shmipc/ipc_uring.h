/* SPDX-License-Identifier: MIT */
/*
 * libshmipc: a channel in your own io_uring. A program whose loop waits in a
 * ring puts the channel's wait there as one more operation:
 *
 *     struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
 *     ipc_channel_prepare_wait(channel, sqe);
 *     io_uring_sqe_set_data(sqe, channel);
 *     io_uring_submit(&ring);
 *     ...
 *     if (io_uring_cqe_get_data(cqe) == channel) {
 *         ipc_channel_complete_wait(channel, cqe->res);
 *         ... read with ipc_channel_try_read_into until IPC_EMPTY ...
 *         ... prepare the next wait ...
 *     }
 *
 * Not part of shmipc.h, and installed only if the library was built with
 * io_uring; needs no liburing itself. Linux 6.7 or newer. The handle can have
 * any way of waiting: nothing here uses its own ring.
 */
#ifndef SHMIPC_IPC_URING_H
#define SHMIPC_IPC_URING_H

#include <shmipc/ipc_channel.h>
#include <shmipc/ipc_common.h>

#ifdef __cplusplus
extern "C" {
#endif

struct io_uring_sqe;

IPC_RESULT(IpcChannelPrepareWaitResult, bool, IpcChannelSystemError)
IPC_RESULT_UNIT(IpcChannelCompleteWaitResult, IpcChannelSystemError)

/**
 * Fills `sqe`, which the caller got from a ring of its own, with an operation
 * that completes as soon as there may be something to read. Always submit it:
 * if there is something already, it is one that completes at once, and
 * `result` is false; else `result` is true. All fields of `sqe` are written
 * but user_data, which is the caller's; so are the flags from then on.
 *
 * One wait at a time is enough for a channel; it completes once. A process
 * that was killed between its write and its wake-up wakes nobody, and entries
 * behind one that a killed process left unfinished are found only by looking:
 * so do not wait for ever. Link a timeout to the operation (IOSQE_IO_LINK and
 * io_uring_prep_link_timeout; 100 ms is what blocking reads take) or have
 * another one in the ring, then read, and prepare the next wait. Waits that
 * are not needed any more are cancelled with io_uring_prep_cancel, before the
 * ring goes and before the channel's memory is unmapped; destroying the handle
 * does not cancel them.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: `channel` or `sqe` is NULL; in the first
 * case `sqe` is an operation that does nothing. Any thread may call it, each
 * for a `sqe` of its own. Does not block. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelPrepareWaitResult
ipc_channel_prepare_wait(IpcChannel *channel, struct io_uring_sqe *sqe);

/**
 * Says what the completion of such an operation means, given `res` of its
 * completion entry.
 *
 * IPC_OK: read now until IPC_EMPTY: it was woken, had no need to wait, timed
 * out or was cancelled. There may be nothing to read.
 * IPC_ERR_UNSUPPORTED: the running kernel lacks the operation (-EINVAL,
 * -EOPNOTSUPP) or forbids it (-EPERM, -EACCES); use ipc_channel_read or
 * another call that blocks instead.
 * IPC_ERR_SYSTEM: it failed, for the reason in `sys_errno`; read, and try
 * again later. IPC_ERR_INVALID_ARGUMENT: NULL. Any thread may call it. Does
 * not block. Since 0.1.0.
 */
IPC_API IpcChannelCompleteWaitResult
ipc_channel_complete_wait(IpcChannel *channel, int res);

#ifdef __cplusplus
}
#endif
#endif
