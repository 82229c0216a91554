/* SPDX-License-Identifier: MIT */
/*
 * libshmipc: reading ahead of what is acknowledged. A read consumes an entry at
 * once: who dies while working on it takes it along. Who reads ahead leaves it
 * in the buffer until he acknowledges it, and if he dies before that, the next
 * one gets it.
 *
 *     IpcEntry entry;
 *     while (IpcChannelReadAheadResult_has_entry(
 *         ipc_channel_read_ahead_blocking(channel, &entry))) {
 *         ... work on entry.payload, entry.size bytes in the channel ...
 *         IPC_IGNORE(ipc_channel_acknowledge(channel, entry.offset));
 *     }
 *
 * In a buffer for one consumer (IPC_BUFFER_ONE_CONSUMER) he reads ahead as far
 * as he likes, and acknowledges up to an entry: that and all before it. The
 * entries stay where they are, whole, however long that takes, so that there is
 * no need to copy them; their space is free again when they are acknowledged.
 * So the buffer bounds how far one can read ahead: when it is full of what is
 * not acknowledged, writers find no space.
 *
 * How far he has read ahead is known to the handle alone. When that is
 * destroyed, or its process dies, whoever is the consumer next begins at the
 * first entry that was not acknowledged, and is told which of them may have
 * been read before. So each entry is read at least once, and once if nobody
 * dies; who needs more notes the offsets of what he has done.
 *
 * Until all that was read ahead is acknowledged or given back, other reads of
 * the handle, skips too, say IPC_ERR_ILLEGAL_STATE; a peek shows the entry that
 * read_ahead would give next. A closed channel has been read when read_ahead
 * says IPC_ERR_CLOSED; what was not acknowledged then stays for the next
 * consumer all the same. Blocked calls, descriptors and waitsets wait for what
 * comes after the entries that were read ahead.
 *
 * Statuses that all these functions may return: those that ipc_buffer.h and
 * ipc_channel.h list at their heads; IPC_ERR_ILLEGAL_STATE if the buffer is not
 * for one consumer. They belong to the reading side: one thread at a time.
 */
#ifndef SHMIPC_IPC_ACKNOWLEDGE_H
#define SHMIPC_IPC_ACKNOWLEDGE_H

#include <shmipc/ipc_buffer.h>
#include <shmipc/ipc_channel.h>

#ifdef __cplusplus
extern "C" {
#endif

/** `result`, on IPC_OK: whether the entry may have been read before, by who
 * died, was destroyed or gave it back before it acknowledged it. */
IPC_RESULT(IpcBufferReadAheadResult, bool, IpcBufferReadError)
IPC_RESULT_HAS_ENTRY(IpcBufferReadAheadResult)
IPC_RESULT(IpcChannelReadAheadResult, bool, IpcBufferReadError)
IPC_RESULT_HAS_ENTRY(IpcChannelReadAheadResult)
/** `result`: how many entries that concerned. */
IPC_RESULT(IpcBufferAcknowledgeResult, uint64_t, IpcBufferSkipError)
IPC_RESULT(IpcBufferGiveBackResult, uint64_t, IpcBufferSkipError)
IPC_RESULT(IpcChannelAcknowledgeResult, uint64_t, IpcBufferSkipError)
IPC_RESULT(IpcChannelGiveBackResult, uint64_t, IpcBufferSkipError)

/**
 * Points `dest` at the next entry inside the buffer that was not read ahead
 * yet. It stays there, whole, until it is acknowledged or given back; it may be
 * read, not written. On anything but IPC_OK `dest->payload` is NULL, and the
 * rest of `dest` as it was.
 *
 * IPC_OK: `result` says whether the entry may have been read before.
 * IPC_EMPTY, IPC_ERR_NOT_READY, IPC_ERR_LOCKED, IPC_ERR_CLOSED,
 * IPC_ERR_ROLE_TAKEN, IPC_ERR_OWNERS_FULL as for ipc_buffer_read. Wait-free but
 * for filler to pass; no allocation; no system call but for the handle's first
 * read. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferReadAheadResult
ipc_buffer_read_ahead(IpcBuffer *buffer, IpcEntry *dest);

/**
 * Acknowledges what was read ahead up to the entry at `offset`, that one too:
 * it is consumed, and its space is free. What was acknowledged before may be so
 * again.
 *
 * IPC_OK: `result` entries were acknowledged, 0 if all of them were already.
 * IPC_ERR_OFFSET_MISMATCH: no entry that this handle read ahead is there, and
 * nothing was changed; the body has the offset of the first entry that is not
 * acknowledged.
 * IPC_ERR_INVALID_ARGUMENT: NULL, or `offset` is not a multiple of 8.
 * Wait-free: if it is the entry that was read last, takes no longer than for
 * one, else it looks at all up to it. No allocation, no system call.
 * Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferAcknowledgeResult
ipc_buffer_acknowledge(IpcBuffer *buffer, uint64_t offset);

/**
 * Gives back the entry at `offset` and all that was read ahead after it: they
 * are the next ones to be read, by this handle or, after it, by another one.
 * Any call that reads may do so if none is left that was read ahead.
 *
 * IPC_OK: `result` entries were given back, 1 or more.
 * IPC_ERR_OFFSET_MISMATCH, IPC_ERR_INVALID_ARGUMENT: as for
 * ipc_buffer_acknowledge, if the entry was acknowledged already too. Wait-free;
 * looks at all entries before it; no allocation, no system call. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferGiveBackResult
ipc_buffer_give_back(IpcBuffer *buffer, uint64_t offset);

/**
 * ipc_buffer_read_ahead through a channel. The first never waits, and has the
 * statuses of ipc_channel_try_read; the second waits like
 * ipc_channel_read_with_timeout, and has its statuses; the third does so for
 * ever. None allocates; system calls as these. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelReadAheadResult
ipc_channel_try_read_ahead(IpcChannel *channel, IpcEntry *dest);
IPC_API IPC_NODISCARD_ IpcChannelReadAheadResult
ipc_channel_read_ahead_with_timeout(IpcChannel *channel, IpcEntry *dest,
                                    const struct timespec *timeout)
    IPC_TIME_("ipc_channel_read_ahead_with_timeout");
IPC_API IPC_NODISCARD_ IpcChannelReadAheadResult
ipc_channel_read_ahead_blocking(IpcChannel *channel, IpcEntry *dest);

/**
 * ipc_buffer_acknowledge through a channel: wakes writers that wait for space,
 * which takes a system call if there are any. Never blocks. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelAcknowledgeResult
ipc_channel_acknowledge(IpcChannel *channel, uint64_t offset);

/** ipc_buffer_give_back through a channel. Never blocks. Since 0.1.0. */
IPC_API IPC_NODISCARD_ IpcChannelGiveBackResult
ipc_channel_give_back(IpcChannel *channel, uint64_t offset);

#ifdef __cplusplus
}
#endif
#endif
