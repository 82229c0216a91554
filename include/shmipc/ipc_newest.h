/* SPDX-License-Identifier: MIT */
/*
 * libshmipc, keep-last: subscribers that go to the newest entry, and that pin
 * entries to work on them in place.
 *
 *     IpcSubscription how = {.struct_size = sizeof how,
 *                            .policy = IPC_SUBSCRIBER_LAGS};
 *     ipc_channel_subscribe(channel, &how);
 *     while (ipc_channel_pin_newest_blocking(channel, &frame).ipc_status ==
 *            IPC_OK) {
 *         ... work on frame.payload, however long it takes ...
 *         ipc_channel_unpin(channel, frame.offset);
 *     }
 *
 * Where all subscribers are IPC_SUBSCRIBER_LAGS with `lag_bytes` 0, writers
 * never wait for readers: what is oldest makes room for what is new, as in
 * video, prices or telemetry. A reader gets what comes in its order and is told
 * of gaps, by any call that reads (ipc_subscribe.h), or goes to the newest.
 *
 * A pinned entry stays as it is, whole, until it is unpinned, whatever writers
 * do meanwhile, and however slow its reader is. They go round it, which makes
 * the ring smaller for them by that entry. Each handle can pin one entry at a
 * time. It goes on reading meanwhile: to pin an entry consumes it. A pin ends
 * with the subscription, so with the handle, and with the process: writers that
 * find no room let go of what the dead have pinned. A forked child has none.
 *
 * What remains for writers of such a ring. There is no space
 * (IPC_ERR_NO_SPACE_CONTIGUOUS, or a call waits) where pins leave no room for
 * the entry anywhere in a row: that cannot be in a ring whose blocks hold twice
 * as many of the largest entries as there are subscribers that pin, and one
 * more; and one more than these suffices for entries of one size in a ring that
 * holds a whole number of them. There is none either while another writer is
 * stopped a whole ring behind in the middle of an entry, or while there is a
 * subscriber that is to be waited for.
 *
 * Statuses that all these functions may return: those that ipc_buffer.h and
 * ipc_channel.h list at their heads; IPC_ERR_ILLEGAL_STATE if it is a queue;
 * IPC_ERR_NOT_SUBSCRIBED if the handle is no subscriber. Any number of threads
 * may call them at once with one handle, which share what it gets.
 */
#ifndef SHMIPC_IPC_NEWEST_H
#define SHMIPC_IPC_NEWEST_H

#include <shmipc/ipc_subscribe.h>

#ifdef __cplusplus
extern "C" {
#endif

/** `result`, on IPC_OK: bytes of blocks that were jumped over since the last of
 * these calls that told, or lost to writers before that. 0: none. */
IPC_RESULT(IpcBufferNewestResult, uint64_t, IpcBufferReadError)
IPC_RESULT_HAS_ENTRY(IpcBufferNewestResult)
IPC_RESULT(IpcChannelNewestResult, uint64_t, IpcBufferReadError)
IPC_RESULT_HAS_ENTRY(IpcChannelNewestResult)
IPC_RESULT_UNIT(IpcBufferUnpinResult, IpcBufferSkipError)
IPC_RESULT_UNIT(IpcChannelUnpinResult, IpcBufferSkipError)

/**
 * Copies the newest entry to `dest->payload`, where there are `dest->size`
 * bytes, and goes past it: what is older and was not read is jumped over. The
 * newest is the last one before which nothing is still being written. Of any
 * policy, a subscriber that jumps over something lets writers have its space.
 * One that writers went past is not told IPC_ERR_LAGGED by this: it looks for
 * the newest from the oldest on that is there, whatever its `after_gap`.
 *
 * IPC_OK: `result` bytes of blocks were jumped over or lost: those of entries,
 * and of what is between where writers went past it and where it went on.
 * IPC_EMPTY, IPC_ERR_NOT_READY, IPC_ERR_CLOSED as for ipc_buffer_read.
 * IPC_ERR_TOO_SMALL: the body's `required_size` is what it takes; the entry is
 * the next one to be read.
 * IPC_ERR_LOCKED: writers went over what was looked at, or other threads of the
 * handle took it, every time: try again.
 * IPC_ERR_INVALID_ARGUMENT: NULL.
 * Lock-free; no allocation; no system call. Looks at one word for each entry
 * that it jumps over. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferNewestResult
ipc_buffer_read_newest(IpcBuffer *buffer, IpcEntry *dest);

/**
 * Pins the next entry, and goes past it: `dest` is it inside the buffer. It may
 * be read, not written, until ipc_buffer_unpin. On anything but IPC_OK
 * `dest->payload` is NULL, and the rest of `dest` as it was.
 *
 * IPC_OK: `result` is 0.
 * IPC_EMPTY, IPC_ERR_NOT_READY, IPC_ERR_LOCKED, IPC_ERR_LAGGED, IPC_ERR_CLOSED
 * as for ipc_buffer_read.
 * IPC_ERR_ILLEGAL_STATE: the handle has pinned an entry already.
 * IPC_ERR_INVALID_ARGUMENT: NULL.
 * Lock-free; no allocation; looks at the wall clock, which is no system call as
 * a rule. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferNewestResult ipc_buffer_pin(IpcBuffer *buffer,
                                                            IpcEntry *dest);

/** The same with the newest entry, which is found as by ipc_buffer_read_newest,
 * and with the statuses of that; never IPC_ERR_LAGGED or IPC_ERR_TOO_SMALL.
 * Since 0.1.0. */
IPC_API IPC_NODISCARD_ IpcBufferNewestResult
ipc_buffer_pin_newest(IpcBuffer *buffer, IpcEntry *dest);

/**
 * Lets go of the entry that this handle has pinned, whose offset is `offset`.
 * Any thread of the process may do so; none may use the entry afterwards.
 *
 * IPC_OK. IPC_ERR_OFFSET_MISMATCH: it is not what the handle has pinned, or no
 * longer; nothing was changed. IPC_ERR_READ_ONLY: the handle observes.
 * IPC_ERR_INVALID_ARGUMENT: NULL. Lock-free; no allocation, no system call.
 * Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferUnpinResult ipc_buffer_unpin(IpcBuffer *buffer,
                                                             uint64_t offset);

/**
 * ipc_buffer_read_newest through a channel. The first never waits; the second
 * waits for an entry like ipc_channel_read_with_timeout, and has its statuses;
 * the third does so for ever. None allocates; system calls as these.
 * Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelNewestResult
ipc_channel_read_newest(IpcChannel *channel, IpcEntry *dest);
IPC_API IPC_NODISCARD_ IpcChannelNewestResult
ipc_channel_read_newest_with_timeout(IpcChannel *channel, IpcEntry *dest,
                                     const struct timespec *timeout)
    IPC_TIME_("ipc_channel_read_newest_with_timeout");
IPC_API IPC_NODISCARD_ IpcChannelNewestResult
ipc_channel_read_newest_blocking(IpcChannel *channel, IpcEntry *dest);

/** ipc_buffer_pin through a channel, in the same three ways. Since 0.1.0. */
IPC_API IPC_NODISCARD_ IpcChannelNewestResult
ipc_channel_pin(IpcChannel *channel, IpcEntry *dest);
IPC_API IPC_NODISCARD_ IpcChannelNewestResult ipc_channel_pin_with_timeout(
    IpcChannel *channel, IpcEntry *dest, const struct timespec *timeout)
    IPC_TIME_("ipc_channel_pin_with_timeout");
IPC_API IPC_NODISCARD_ IpcChannelNewestResult
ipc_channel_pin_blocking(IpcChannel *channel, IpcEntry *dest);

/** ipc_buffer_pin_newest through a channel, in the same three ways.
 * Since 0.1.0. */
IPC_API IPC_NODISCARD_ IpcChannelNewestResult
ipc_channel_pin_newest(IpcChannel *channel, IpcEntry *dest);
IPC_API IPC_NODISCARD_ IpcChannelNewestResult
ipc_channel_pin_newest_with_timeout(IpcChannel *channel, IpcEntry *dest,
                                    const struct timespec *timeout)
    IPC_TIME_("ipc_channel_pin_newest_with_timeout");
IPC_API IPC_NODISCARD_ IpcChannelNewestResult
ipc_channel_pin_newest_blocking(IpcChannel *channel, IpcEntry *dest);

/**
 * ipc_buffer_unpin through a channel: wakes writers that wait for space, which
 * takes a system call if there are any. Never blocks. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelUnpinResult
ipc_channel_unpin(IpcChannel *channel, uint64_t offset);

#ifdef __cplusplus
}
#endif
#endif
