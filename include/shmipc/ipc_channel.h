/* SPDX-License-Identifier: MIT */
/*
 * libshmipc, channel layer: a buffer plus policy. Writes never block; reads
 * may: bounded by a number of rounds, by a deadline, or not at all. A channel
 * repairs by itself what dead producers leave behind.
 *
 *     uint8_t mem[1024];
 *     IpcChannelConfiguration config = {.max_round_trips = 128,
 *                                       .start_sleep_ns = 1000,
 *                                       .max_sleep_ns = 100000};
 *     IpcChannelResult created = ipc_channel_create(mem, sizeof mem, config);
 *
 * What ipc_buffer.h says about memory, handles, order, death and the statuses
 * IPC_ERR_INVALID_ARGUMENT and IPC_ERR_CORRUPTED holds for channels too. One
 * handle may be used by many threads at once in many/many mode. All memory
 * that takes part in a channel must be written through channels: a write
 * through a bare buffer wakes nobody.
 */
#ifndef SHMIPC_IPC_CHANNEL_H
#define SHMIPC_IPC_CHANNEL_H

#include <shmipc/ipc_buffer.h>
#include <shmipc/ipc_common.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A process's view of one channel: one malloc block. */
typedef struct IpcChannel IpcChannel;

/** For `max_round_trips`: ipc_channel_read waits for ever. */
#define IPC_CHANNEL_UNLIMITED_ROUND_TRIPS UINT32_MAX

/** How a reader sleeps. Handles of one channel may differ in it. */
typedef enum IpcWait {
    /** The library's default, here IPC_WAIT_FUTEX. */
    IPC_WAIT_DEFAULT = 0,
    /** In the kernel, until a writer wakes it. */
    IPC_WAIT_FUTEX = 1,
    /** For times that double from start_sleep_ns to max_sleep_ns; nobody has
     * to wake it. */
    IPC_WAIT_SLEEP = 2
} IpcWait;

/** How to use a channel. In the members after the first three zero means the
 * default. */
typedef struct IpcChannelConfiguration {
    /** Rounds that ipc_channel_read waits at the most, 1 or more. */
    uint32_t max_round_trips;
    /** Length of the first round, 1 or more. */
    long start_sleep_ns;
    /** Length of the longest round, start_sleep_ns or more. */
    long max_sleep_ns;
    /** For create: IPC_BUFFER_ONE_PRODUCER, IPC_BUFFER_ONE_CONSUMER. */
    uint32_t flags;
    /** For create: as in IpcBufferOptions. */
    uint32_t max_owners;
    /** An IpcWait. */
    uint32_t wait;
    uint32_t reserved32;
    uint64_t reserved[6];
} IpcChannelConfiguration;

IPC_RESULT(IpcChannelResult, IpcChannel *, IpcBufferCreateError)
IPC_RESULT(IpcChannelConnectResult, IpcChannel *, IpcBufferAttachError)
IPC_RESULT_UNIT(IpcChannelDestroyResult, IpcBufferDestroyError)
IPC_RESULT_UNIT(IpcChannelWriteResult, IpcBufferWriteError)
IPC_RESULT_UNIT(IpcChannelReserveResult, IpcBufferWriteError)
IPC_RESULT_UNIT(IpcChannelCommitResult, IpcBufferCommitError)
IPC_RESULT_UNIT(IpcChannelAbortResult, IpcBufferCommitError)
IPC_RESULT_UNIT(IpcChannelReadResult, IpcBufferReadError)
IPC_RESULT_UNIT(IpcChannelReadWithTimeoutResult, IpcBufferReadError)
IPC_RESULT_UNIT(IpcChannelTryReadResult, IpcBufferReadError)
IPC_RESULT_UNIT(IpcChannelPeekResult, IpcBufferPeekError)
IPC_RESULT(IpcChannelSkipResult, uint64_t, IpcBufferSkipError)
IPC_RESULT(IpcChannelSkipForceResult, uint64_t, IpcBufferSkipError)
IPC_RESULT(IpcChannelRecoverResult, uint64_t, IpcBufferSkipError)
IPC_RESULT_UNIT(IpcChannelStatsResult, IpcBufferStatsError)

/**
 * Bytes of memory to provide, at any address, for `capacity` bytes of data; as
 * ipc_buffer_align_size. Since 0.1.0.
 */
IPC_API uint64_t ipc_channel_align_size(size_t capacity);

/**
 * Formats `size` bytes at `mem` as an empty channel. Statuses as for
 * ipc_buffer_create_with_options, and IPC_ERR_INVALID_ARGUMENT for a
 * configuration that is impossible: one of the first three members zero or
 * negative, max_sleep_ns below start_sleep_ns, an unknown `wait` or flag, or
 * reserved members that are not zero. `result` is to be given to
 * ipc_channel_destroy. Allocates; does not block. Since 0.1.0.
 */
IPC_API IpcChannelResult ipc_channel_create(
    void *mem, size_t size, IpcChannelConfiguration configuration);

/**
 * Joins the channel that another handle created at `mem`. Statuses as for
 * ipc_buffer_attach, and IPC_ERR_INVALID_ARGUMENT for an impossible
 * configuration; its `flags` and `max_owners` are the creator's business and
 * ignored. Allocates; does not block. Since 0.1.0.
 */
IPC_API IpcChannelConnectResult
ipc_channel_connect(void *mem, IpcChannelConfiguration configuration);

/**
 * The same for a mapping of `size` bytes, as ipc_buffer_attach_sized.
 * Since 0.1.0.
 */
IPC_API IpcChannelConnectResult ipc_channel_connect_sized(
    void *mem, size_t size, IpcChannelConfiguration configuration);

/**
 * Releases the handle, never the memory; as ipc_buffer_destroy. NULL is
 * IPC_ERR_INVALID_ARGUMENT. Since 0.1.0.
 */
IPC_API IpcChannelDestroyResult ipc_channel_destroy(IpcChannel *channel);

/** As ipc_buffer_max_entry_size. Since 0.1.0. */
IPC_API uint64_t ipc_channel_max_entry_size(const IpcChannel *channel);

/**
 * Writes one entry and wakes readers that sleep. Statuses as for
 * ipc_buffer_write. Never blocks; makes a system call only if a reader sleeps,
 * or, when the channel stays full, to find out whether a producer died.
 * Since 0.1.0.
 */
IPC_API IpcChannelWriteResult ipc_channel_write(IpcChannel *channel,
                                                const void *data, size_t size);

/** The same for an entry in pieces, as ipc_buffer_writev. Since 0.1.0. */
IPC_API IpcChannelWriteResult ipc_channel_writev(IpcChannel *channel,
                                                 const struct iovec *pieces,
                                                 int count);

/**
 * Writing in place: as ipc_buffer_reserve, ipc_buffer_commit and
 * ipc_buffer_abort; commit and abort wake readers that sleep. Since 0.1.0.
 */
IPC_API IpcChannelReserveResult ipc_channel_reserve(IpcChannel *channel,
                                                    size_t size,
                                                    IpcReservation *dest);
IPC_API IpcChannelCommitResult ipc_channel_commit(
    IpcChannel *channel, const IpcReservation *reservation, size_t size);
IPC_API IpcChannelAbortResult
ipc_channel_abort(IpcChannel *channel, const IpcReservation *reservation);

/**
 * Reads the next entry, waiting for it up to `max_round_trips` rounds. Each
 * round sleeps for start_sleep_ns, the next one twice as long and so on up to
 * max_sleep_ns, and ends as soon as there is something to read.
 *
 * What `dest` holds is ignored. On IPC_OK `dest->payload` is memory from
 * malloc, which the caller frees with free(). On anything else `dest` is
 * untouched.
 *
 * IPC_OK. IPC_ERR_RETRY_LIMIT: the rounds passed.
 * IPC_ERR_ALLOCATION: malloc failed; the entry stays.
 * IPC_ERR_ROLE_TAKEN, IPC_ERR_OWNERS_FULL: as for ipc_buffer_read.
 * Blocks; signals neither end nor shorten a round. Makes no system call, but
 * for malloc's, if an entry is there. Since 0.1.0.
 */
IPC_API IpcChannelReadResult ipc_channel_read(IpcChannel *channel,
                                              IpcEntry *dest);

/**
 * The same, waiting at most `timeout` from now on the monotonic clock; NULL:
 * for ever; zero: not at all. IPC_ERR_TIMEOUT: it passed.
 * IPC_ERR_INVALID_ARGUMENT: it is negative or its tv_nsec out of range.
 * Since 0.1.0.
 */
IPC_API IpcChannelReadWithTimeoutResult ipc_channel_read_with_timeout(
    IpcChannel *channel, IpcEntry *dest, const struct timespec *timeout);

/**
 * The same without waiting: IPC_EMPTY if there is no entry,
 * IPC_ERR_NOT_READY if the next one is being written, IPC_ERR_LOCKED if other
 * readers were faster every time. Since 0.1.0.
 */
IPC_API IpcChannelTryReadResult ipc_channel_try_read(IpcChannel *channel,
                                                     IpcEntry *dest);

/**
 * The three reads again, into the caller's memory, which `dest->payload` and
 * `dest->size` describe as for ipc_buffer_read; IPC_ERR_TOO_SMALL tells the
 * size needed and leaves the entry. They do not allocate. Since 0.1.0.
 */
IPC_API IpcChannelReadResult ipc_channel_read_into(IpcChannel *channel,
                                                   IpcEntry *dest);
IPC_API IpcChannelReadWithTimeoutResult ipc_channel_read_into_with_timeout(
    IpcChannel *channel, IpcEntry *dest, const struct timespec *timeout);
IPC_API IpcChannelTryReadResult ipc_channel_try_read_into(IpcChannel *channel,
                                                          IpcEntry *dest);

/**
 * Points `dest` at the next entry inside the channel, as ipc_buffer_peek, which
 * says when its bytes can be relied on; ipc_channel_skip consumes it. The
 * first never waits, the second waits like ipc_channel_read_with_timeout and
 * has its statuses. Since 0.1.0.
 */
IPC_API IpcChannelPeekResult ipc_channel_peek(IpcChannel *channel,
                                              IpcEntry *dest);
IPC_API IpcChannelPeekResult ipc_channel_peek_with_timeout(
    IpcChannel *channel, IpcEntry *dest, const struct timespec *timeout);

/** As ipc_buffer_skip. Since 0.1.0. */
IPC_API IpcChannelSkipResult ipc_channel_skip(IpcChannel *channel,
                                              uint64_t offset);

/** As ipc_buffer_skip_force. Since 0.1.0. */
IPC_API IpcChannelSkipForceResult ipc_channel_skip_force(IpcChannel *channel);

/**
 * As ipc_buffer_recover; `force` as ipc_buffer_recover_force. Blocked reads do
 * the former by themselves. Since 0.1.0.
 */
IPC_API IpcChannelRecoverResult ipc_channel_recover(IpcChannel *channel,
                                                    bool force);

/** As ipc_buffer_stats. Since 0.1.0. */
IPC_API IpcChannelStatsResult ipc_channel_stats(const IpcChannel *channel,
                                                IpcBufferStats *dest);

#ifdef __cplusplus
}
#endif
#endif
