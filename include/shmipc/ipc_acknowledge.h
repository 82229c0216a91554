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
 * What was read ahead stays where it is, whole, however long that takes, so
 * that there is no need to copy it; its space is free again when it is
 * acknowledged. So the buffer bounds how far one can read ahead: when it is
 * full of what is not acknowledged, writers find no space. Each entry is read
 * at least once, and once if nobody dies and nothing is given back; who gets it
 * is told whether it may have been read before. Who needs more notes the
 * offsets of what is done.
 *
 * One consumer (IPC_BUFFER_ONE_CONSUMER) reads ahead as far as he likes, and
 * acknowledges up to an entry: that and all before it. How far he has read is
 * known to the handle alone: when that is destroyed, or its process dies,
 * whoever is the consumer next begins at the first entry that was not
 * acknowledged. Until all is acknowledged or given back, other reads of the
 * handle, skips too, say IPC_ERR_ILLEGAL_STATE.
 *
 * Many consumers (IPC_BUFFER_ACKNOWLEDGE) make a work queue: each entry is held
 * by the process that read it, which acknowledges it by itself, in any order,
 * through any of its handles, and may hold as many as it likes. What it holds
 * when it dies, others get: calls that wait for an entry or for space find out
 * within 100 ms, waitsets and who polls a descriptor within a second, calls of
 * a channel that do not wait now and then, and ipc_buffer_recover and
 * ipc_channel_recover at once. What it holds when its last handle is destroyed
 * is given back. While it lives, nobody takes an entry from it, however long it
 * takes. All reads but a peek say IPC_ERR_ILLEGAL_STATE there; a skip by force
 * takes out the first entry, if no living process holds it. Arrays are written
 * entry by entry.
 *
 * In both, a peek shows the entry that read_ahead would give next. Blocked
 * calls, descriptors and waitsets wait for that, too. read_ahead says
 * IPC_ERR_CLOSED when the channel was closed and nothing is left but what its
 * own process has read ahead; in a work queue that others may still give
 * something back is a reason to wait.
 *
 * Statuses that all these functions may return: those that ipc_buffer.h and
 * ipc_channel.h list at their heads; IPC_ERR_ILLEGAL_STATE if the buffer has
 * neither flag. With one consumer they are for one thread at a time; in a work
 * queue any number of threads and processes may call them at once.
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
 * IPC_ERR_ROLE_TAKEN, IPC_ERR_OWNERS_FULL as for ipc_buffer_read. In a work
 * queue IPC_EMPTY and IPC_ERR_NOT_READY are of what nobody holds. Lock-free; no
 * allocation; no system call but for the handle's first read. Looks at what is
 * held by others on the way. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferReadAheadResult
ipc_buffer_read_ahead(IpcBuffer *buffer, IpcEntry *dest);

/**
 * Acknowledges what was read ahead up to the entry at `offset`, that one too:
 * it is consumed, and its space is free. What was acknowledged before may be so
 * again. In a work queue: that one alone, once, and its space is free when all
 * before it is consumed, too.
 *
 * IPC_OK: `result` entries were acknowledged, 0 if all of them were already.
 * IPC_ERR_OFFSET_MISMATCH: no entry that this handle, or in a work queue this
 * process, has read ahead is there, and nothing was changed; the body has the
 * offset of the first entry that is not acknowledged.
 * IPC_ERR_INVALID_ARGUMENT: NULL, or `offset` is not a multiple of 8.
 * IPC_ERR_READ_ONLY: the handle observes.
 * Lock-free. With one consumer it looks at all entries up to that one, unless
 * it is the last that was read. No allocation, no system call. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferAcknowledgeResult
ipc_buffer_acknowledge(IpcBuffer *buffer, uint64_t offset);

/**
 * Gives back the entry at `offset` and all that was read ahead after it: they
 * are the next ones to be read, by this handle or, after it, by another one.
 * Any call that reads may do so if none is left that was read ahead. In a work
 * queue: that one alone; others may get it at once, and this process too.
 *
 * IPC_OK: `result` entries were given back, 1 or more.
 * IPC_ERR_OFFSET_MISMATCH, IPC_ERR_INVALID_ARGUMENT: as for
 * ipc_buffer_acknowledge, if the entry was acknowledged already too. Lock-free;
 * with one consumer looks at all entries before it; no allocation, no system
 * call. Since 0.1.0.
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

/** ipc_buffer_give_back through a channel: in a work queue wakes readers, which
 * takes a system call if any sleep. Never blocks. Since 0.1.0. */
IPC_API IPC_NODISCARD_ IpcChannelGiveBackResult
ipc_channel_give_back(IpcChannel *channel, uint64_t offset);

#ifdef __cplusplus
}
#endif
#endif
