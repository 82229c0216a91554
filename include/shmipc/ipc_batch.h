/* SPDX-License-Identifier: MIT */
/*
 * libshmipc: several entries by one call. They are entries like all others:
 * written in a batch they can be read one by one, and the other way round.
 * For many small messages this is several times as fast.
 *
 * Batches take entries of any size from anywhere. Arrays take entries of one
 * size that lie one after the other in memory; small ones share blocks (eight
 * of 8 bytes in 64 bytes of the buffer). Arrays are faster still.
 */
#ifndef SHMIPC_IPC_BATCH_H
#define SHMIPC_IPC_BATCH_H

#include <shmipc/ipc_buffer.h>
#include <shmipc/ipc_channel.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `result` is the number of entries: 1 or more on IPC_OK, 0 on IPC_EMPTY. */
IPC_RESULT(IpcBufferWriteBatchResult, size_t, IpcBufferWriteError)
IPC_RESULT(IpcBufferReadBatchResult, size_t, IpcBufferReadError)
IPC_RESULT_HAS_ENTRY(IpcBufferReadBatchResult)
IPC_RESULT(IpcChannelWriteBatchResult, size_t, IpcBufferWriteError)
IPC_RESULT(IpcChannelReadBatchResult, size_t, IpcBufferReadError)
IPC_RESULT_HAS_ENTRY(IpcChannelReadBatchResult)

/**
 * Writes `count` entries, one for each piece in `entries`, in their order,
 * until there is no space for the next. Entries of others may come between
 * them. If the process dies meanwhile, those that were written are the first
 * few.
 *
 * IPC_OK: `result` of them were written, 1 to `count`.
 * IPC_ERR_INVALID_ARGUMENT: a NULL, `count` is not above 0, or an entry is NULL
 * or empty. IPC_ERR_ENTRY_TOO_LARGE: one of them is above
 * ipc_buffer_max_entry_size, which the body's `requested_size` tells. Nothing
 * was written then.
 * Else as ipc_buffer_write when not even the first was written. Lock-free; no
 * system call after the handle's first write, no allocation. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferWriteBatchResult ipc_buffer_write_batch(
    IpcBuffer *buffer, const struct iovec *entries, int count);

/**
 * Copies up to `count` entries into `memory`, one after the other at multiples
 * of 8 bytes from its start, and consumes them: as many as are there and fit
 * into `size` bytes, perhaps fewer where filler lies between them. What
 * `entries` held is ignored; the first `result` of them are set, with payloads
 * that point into `memory`, the others are undefined.
 *
 * IPC_OK: `result` entries were read, 1 to `count`. IPC_EMPTY: there is none.
 * IPC_ERR_INVALID_ARGUMENT: a NULL, or `count` is not above 0.
 * IPC_ERR_TOO_SMALL: the first entry needs the body's `required_size`.
 * Else as ipc_buffer_read. If the one consumer is killed during the call, all
 * of its entries are left to be read again. Lock-free; system calls as for
 * ipc_buffer_read, no allocation. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferReadBatchResult ipc_buffer_read_batch(
    IpcBuffer *buffer, IpcEntry *entries, int count, void *memory, size_t size);

/**
 * Writes `count` entries of `size` bytes each from `data`, where they lie one
 * after the other, in their order, until there is no space for the next.
 * Entries of others may come between them. If the process dies meanwhile, those
 * that were written are the first few. Up to 64 at a time share a claim: their
 * space is free again when the last of them was read.
 *
 * IPC_OK: `result` of them were written, 1 to `count`.
 * IPC_ERR_INVALID_ARGUMENT: a NULL, `size` is 0, or `count` is not above 0.
 * IPC_ERR_ENTRY_TOO_LARGE: `size` is above ipc_buffer_max_entry_size.
 * Else as ipc_buffer_write when not even the first was written. Lock-free; no
 * system call after the handle's first write, no allocation. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferWriteBatchResult ipc_buffer_write_array(
    IpcBuffer *buffer, const void *data, size_t size, int count);

/**
 * Copies up to `count` entries of `size` bytes each into `data`, one after the
 * other, and consumes them, however they were written: as many as are there,
 * up to one of another size, perhaps fewer where filler lies between them.
 *
 * IPC_OK: `result` entries were read, 1 to `count`. IPC_EMPTY: there is none.
 * IPC_ERR_INVALID_ARGUMENT: a NULL, `size` is 0, or `count` is not above 0.
 * IPC_ERR_SIZE_MISMATCH: the next entry has another size, the body's
 * `required_size`, and stays.
 * Else as ipc_buffer_read. If the one consumer is killed during the call, all
 * of its entries are left to be read again. Lock-free; system calls as for
 * ipc_buffer_read, no allocation. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferReadBatchResult
ipc_buffer_read_array(IpcBuffer *buffer, void *data, size_t size, int count);

/**
 * Writes `count` entries, one for each piece in `entries`, in their order,
 * until there is no space for the next, and wakes readers that sleep. Entries
 * of others may come between them. If the process dies meanwhile, those that
 * were written are the first few.
 *
 * IPC_OK: `result` of them were written, 1 to `count`.
 * IPC_ERR_INVALID_ARGUMENT: a NULL, `count` is not above 0, or an entry is NULL
 * or empty. IPC_ERR_ENTRY_TOO_LARGE: one of them is above
 * ipc_channel_max_entry_size, which the body's `requested_size` tells. Nothing
 * was written then.
 * Else as ipc_channel_write when not even the first was written. Never blocks;
 * no allocation; makes system calls when ipc_channel_write does. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelWriteBatchResult ipc_channel_write_batch(
    IpcChannel *channel, const struct iovec *entries, int count);

/**
 * Copies up to `count` entries into `memory`, one after the other at multiples
 * of 8 bytes from its start, consumes them, and wakes writers that wait for
 * space: as many as are there and fit into `size` bytes, perhaps fewer where
 * filler lies between them. What `entries` held is ignored; the first `result`
 * of them are set, with payloads that point into `memory`, the others are
 * undefined.
 *
 * IPC_OK: `result` entries were read, 1 to `count`. IPC_EMPTY: there is none.
 * IPC_ERR_INVALID_ARGUMENT: a NULL, or `count` is not above 0.
 * IPC_ERR_TOO_SMALL: the first entry needs the body's `required_size`.
 * Else as ipc_channel_try_read. If the one consumer is killed during the call,
 * all of its entries are left to be read again. Never blocks; no allocation;
 * system calls as for ipc_channel_try_read. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelReadBatchResult
ipc_channel_try_read_batch(IpcChannel *channel, IpcEntry *entries, int count,
                           void *memory, size_t size);

/**
 * The same, waiting for the first entry like ipc_channel_read_with_timeout,
 * whose statuses it has. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelReadBatchResult
ipc_channel_read_batch_with_timeout(IpcChannel *channel, IpcEntry *entries,
                                    int count, void *memory, size_t size,
                                    const struct timespec *timeout)
    IPC_TIME_("ipc_channel_read_batch_with_timeout");

/**
 * Writes `count` entries of `size` bytes each from `data`, where they lie one
 * after the other, in their order, until there is no space for the next, and
 * wakes readers that sleep. Entries of others may come between them. If the
 * process dies meanwhile, those that were written are the first few. Up to 64
 * at a time share a claim: their space is free again when the last of them was
 * read.
 *
 * IPC_OK: `result` of them were written, 1 to `count`.
 * IPC_ERR_INVALID_ARGUMENT: a NULL, `size` is 0, or `count` is not above 0.
 * IPC_ERR_ENTRY_TOO_LARGE: `size` is above ipc_channel_max_entry_size.
 * Else as ipc_channel_write when not even the first was written. Never blocks;
 * no allocation; makes system calls when ipc_channel_write does. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelWriteBatchResult ipc_channel_write_array(
    IpcChannel *channel, const void *data, size_t size, int count);

/**
 * Copies up to `count` entries of `size` bytes each into `data`, one after the
 * other, consumes them, however they were written, and wakes writers that wait
 * for space: as many as are there, up to one of another size, perhaps fewer
 * where filler lies between them.
 *
 * IPC_OK: `result` entries were read, 1 to `count`. IPC_EMPTY: there is none.
 * IPC_ERR_INVALID_ARGUMENT: a NULL, `size` is 0, or `count` is not above 0.
 * IPC_ERR_SIZE_MISMATCH: the next entry has another size, the body's
 * `required_size`, and stays.
 * Else as ipc_channel_try_read. If the one consumer is killed during the call,
 * all of its entries are left to be read again. Never blocks; no allocation;
 * system calls as for ipc_channel_try_read. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelReadBatchResult ipc_channel_try_read_array(
    IpcChannel *channel, void *data, size_t size, int count);

/**
 * The same, waiting for the first entry like ipc_channel_read_with_timeout,
 * whose statuses it has. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelReadBatchResult
ipc_channel_read_array_with_timeout(IpcChannel *channel, void *data,
                                    size_t size, int count,
                                    const struct timespec *timeout)
    IPC_TIME_("ipc_channel_read_array_with_timeout");

#ifdef __cplusplus
}
#endif
#endif
