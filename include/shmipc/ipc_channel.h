/* SPDX-License-Identifier: MIT */
/*
 * libshmipc, channel layer: a buffer plus policy. Plain writes never block;
 * those with a timeout wait for space, and reads for an entry: bounded by a
 * number of rounds, by a deadline, or not at all. A channel
 * repairs by itself what dead producers leave behind.
 *
 *     uint8_t mem[1024];
 *     IpcChannelConfiguration config = {.max_round_trips = 128,
 *                                       .start_sleep_ns = 1000,
 *                                       .max_sleep_ns = 100000};
 *     IpcChannelResult created = ipc_channel_create(mem, sizeof mem, config);
 *
 * What ipc_buffer.h says about memory, handles, order, death and the statuses
 * IPC_ERR_INVALID_ARGUMENT, IPC_ERR_CORRUPTED and IPC_ERR_FORMATTED_ANEW holds
 * for channels too; a call that blocks finds out about the latter within 100
 * ms. One handle may be used by many threads at once in many/many mode. The
 * memory of a channel must be written and read through channels: a call of a
 * bare buffer wakes nobody.
 */
#ifndef SHMIPC_IPC_CHANNEL_H
#define SHMIPC_IPC_CHANNEL_H

#include <shmipc/ipc_buffer.h>
#include <shmipc/ipc_common.h>
#include <shmipc/ipc_compat.h>
#include <sched.h> /* struct timespec, which <time.h> lacks in C99 */
#include <time.h>

/* A program for 32-bit glibc chooses how wide its time_t is (_TIME_BITS). The
 * library has each call that takes a timeout for both: as glibc does, it gives
 * those of 64 bits another name. */
#if defined(__TIMESIZE) && __TIMESIZE == 32 && defined(__USE_TIME_BITS64)
#define IPC_TIME_(name) __asm__(name "_time64")
#else
#define IPC_TIME_(name)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** A process's view of one channel: one malloc block. */
typedef struct IpcChannel IpcChannel;

/** For `max_round_trips`: ipc_channel_read waits for ever. */
#define IPC_CHANNEL_UNLIMITED_ROUND_TRIPS UINT32_MAX

/** For `spin_ns`: sleep at once. */
#define IPC_CHANNEL_NO_SPIN               UINT32_MAX

/** For `options`: a read that would block says IPC_ERR_PRODUCERS_DEAD if
 * processes that wrote into the channel died without destroying their handles
 * and no other process that wrote is left. */
#define IPC_CHANNEL_REPORT_DEAD_PRODUCERS UINT32_C(1)

/** For `options`: `memory_fd` is a descriptor. */
#define IPC_CHANNEL_HAS_MEMORY_FD         UINT32_C(2)

/** How a blocked call sleeps, and whether the handle has a descriptor to poll.
 * Handles of one channel may differ in it. */
typedef enum IpcWait {
    /** The library's default, chosen when it was built (-Dwait), normally
     * IPC_WAIT_FUTEX; that too if the running kernel lacks the default. */
    IPC_WAIT_DEFAULT = 0,
    /** In the kernel, until a writer wakes it. */
    IPC_WAIT_FUTEX = 1,
    /** For times that double from start_sleep_ns to max_sleep_ns; nobody has
     * to wake it. */
    IPC_WAIT_SLEEP = 2,
    /** As IPC_WAIT_FUTEX; and ipc_channel_fd has an eventfd, which the creator
     * makes and others inherit over fork or get by ipc_channel_accept. */
    IPC_WAIT_EVENTFD = 3,
    /** As IPC_WAIT_FUTEX; and ipc_channel_fd has a descriptor that an io_uring
     * of the handle's own makes readable, which takes nothing from other
     * handles. Linux 6.7 or newer. */
    IPC_WAIT_IO_URING = 4
} IpcWait;

/* What leaves members out of an initialiser gets no warning from g++ where they
 * have one of their own, which C++11 does not allow in what is initialised by a
 * list. */
#if defined(__cplusplus) && __cplusplus >= 201402L
#define IPC_ZERO_ = {}
#else
#define IPC_ZERO_
#endif

/** How to use a channel. Zero means the default in all members but the first
 * three; in C++14 and later that is what members have that are not named. */
typedef struct IpcChannelConfiguration {
    /** Rounds that ipc_channel_read waits at most, 1 or more. */
    uint32_t max_round_trips;
    /** Length of the first round, 1 or more. */
    long start_sleep_ns;
    /** Length of the longest round, start_sleep_ns or more. */
    long max_sleep_ns;
    /** For create: IPC_BUFFER_ONE_PRODUCER, IPC_BUFFER_ONE_CONSUMER. */
    uint32_t flags IPC_ZERO_;
    /** For create: as in IpcBufferOptions. */
    uint32_t max_owners IPC_ZERO_;
    /** An IpcWait. */
    uint32_t wait IPC_ZERO_;
    /** How long a call that blocks tries before it sleeps, ns; 0: 20000, or not
     * at all if this process is bound to one CPU. On a machine with one CPU
     * nobody spins. */
    uint32_t spin_ns IPC_ZERO_;
    /** IPC_CHANNEL_REPORT_DEAD_PRODUCERS, IPC_CHANNEL_HAS_MEMORY_FD, or 0. */
    uint32_t options IPC_ZERO_;
    /** With IPC_CHANNEL_HAS_MEMORY_FD as in IpcBufferOptions, else 0. */
    int32_t memory_fd IPC_ZERO_;
    uint64_t reserved[5] IPC_ZERO_;
} IpcChannelConfiguration;

/** Initialises an IpcChannelConfiguration with its first three members and the
 * defaults, in any C and C++: C++ has designators (`.max_round_trips = 128`)
 * only since C++20. */
#define IPC_CHANNEL_CONFIGURATION(max_round_trips, start_sleep_ns,             \
                                  max_sleep_ns)                                \
    {                                                                          \
        (max_round_trips), (start_sleep_ns), (max_sleep_ns), 0, 0, 0, 0, 0, 0, \
        {                                                                      \
            0, 0, 0, 0, 0                                                      \
        }                                                                      \
    }

IPC_RESULT(IpcChannelResult, IpcChannel *, IpcBufferCreateError)
IPC_RESULT(IpcChannelConnectResult, IpcChannel *, IpcBufferAttachError)
IPC_RESULT_UNIT(IpcChannelDestroyResult, IpcBufferDestroyError)
IPC_RESULT_UNIT(IpcChannelWriteResult, IpcBufferWriteError)
IPC_RESULT_UNIT(IpcChannelCloseResult, IpcBufferCommitError)
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
IPC_RESULT(IpcChannelOwnersResult, size_t, IpcBufferOwnersError)

/** What ipc_channel_accept makes. */
typedef struct IpcSharedChannel {
    IpcChannel *channel;
    /** The mapping that the channel is in; the library's. */
    void *memory;
    uint64_t size;
    /** The memory is not sealed against shrinking (F_SEAL_SHRINK of a memfd):
     * if a process that has it cuts it short, using the channel raises
     * SIGBUS. That it is sealed says nothing about holes: see
     * ipc_channel_share. */
    bool can_shrink;
} IpcSharedChannel;

typedef struct IpcChannelSystemError {
    /** errno of the system call that failed, or 0. */
    int sys_errno;
} IpcChannelSystemError;
IPC_RESULT(IpcChannelFdResult, int, IpcChannelSystemError)
IPC_RESULT_UNIT(IpcChannelShareResult, IpcChannelSystemError)
IPC_RESULT(IpcChannelAcceptResult, IpcSharedChannel, IpcChannelSystemError)
IPC_RESULT_UNIT(IpcChannelLeaveSharedResult, IpcChannelSystemError)

/**
 * Bytes of memory to provide, at any address, for `capacity` bytes of data; as
 * ipc_buffer_align_size. Since 0.1.0.
 */
IPC_API uint64_t ipc_channel_align_size(size_t capacity);

/**
 * As ipc_buffer_get_min_size, ipc_buffer_get_memory_overhead and
 * ipc_buffer_suggest_size: a channel needs no byte more. Since 0.1.0.
 */
IPC_API uint64_t ipc_channel_get_min_size(void);
IPC_API uint64_t ipc_channel_get_memory_overhead(void);
IPC_API uint64_t ipc_channel_suggest_size(size_t capacity);

/**
 * Formats `size` bytes at `mem` as an empty channel. Statuses as for
 * ipc_buffer_create_with_options, and IPC_ERR_INVALID_ARGUMENT for a
 * configuration that is impossible: one of the first three members zero or
 * negative, max_sleep_ns below start_sleep_ns, an unknown `wait`, flag or
 * option, `memory_fd` without its option, or reserved members that are not
 * zero; IPC_ERR_UNSUPPORTED: that `wait` was not built, or the running kernel
 * lacks it; IPC_ERR_ALLOCATION: malloc failed, or there is no memory or
 * descriptor for IPC_WAIT_IO_URING; IPC_ERR_SYSTEM: no eventfd could be made
 * for IPC_WAIT_EVENTFD, errno says why. `result` is to be given to
 * ipc_channel_destroy. Allocates; does not block. Since 0.1.0.
 */
IPC_API IpcChannelResult ipc_channel_create(
    void *mem, size_t size, IpcChannelConfiguration configuration);

/**
 * Joins the channel that another handle created at `mem`. Statuses as for
 * ipc_buffer_attach, and IPC_ERR_INVALID_ARGUMENT, IPC_ERR_UNSUPPORTED and
 * IPC_ERR_ALLOCATION for the configuration as for ipc_channel_create, and its
 * `memory_fd` as for ipc_buffer_attach_with_options; its `flags` and
 * `max_owners` are the creator's business and ignored. Allocates; does not
 * block. Since 0.1.0.
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
 * ipc_buffer_write. Never blocks; makes system calls only in the handle's first
 * write, if a reader sleeps, and, when the channel stays full, to find out
 * whether a producer died. Since 0.1.0.
 */
IPC_API IpcChannelWriteResult ipc_channel_write(IpcChannel *channel,
                                                const void *data, size_t size);

/** The same for an entry in pieces, as ipc_buffer_writev. Since 0.1.0. */
IPC_API IpcChannelWriteResult ipc_channel_writev(IpcChannel *channel,
                                                 const struct iovec *pieces,
                                                 int count);

/**
 * Writing in place: as ipc_buffer_reserve, ipc_buffer_commit and
 * ipc_buffer_abort; commit wakes readers that sleep, abort writers as well.
 * Since 0.1.0.
 */
IPC_API IpcChannelReserveResult ipc_channel_reserve(IpcChannel *channel,
                                                    size_t size,
                                                    IpcReservation *dest);
IPC_API IpcChannelCommitResult ipc_channel_commit(
    IpcChannel *channel, const IpcReservation *reservation, size_t size);
IPC_API IpcChannelAbortResult
ipc_channel_abort(IpcChannel *channel, const IpcReservation *reservation);

/**
 * The writes again, waiting for space for at most `timeout` from now on the
 * monotonic clock (NULL: for ever; zero: not at all). IPC_ERR_TIMEOUT says that
 * it passed, instead of IPC_ERR_NO_SPACE_CONTIGUOUS and IPC_ERR_LOCKED;
 * IPC_ERR_INVALID_ARGUMENT also that it is negative or its tv_nsec out of
 * range. They block; signals do not end them. Since 0.1.0.
 */
IPC_API IpcChannelWriteResult ipc_channel_write_with_timeout(
    IpcChannel *channel, const void *data, size_t size,
    const struct timespec *timeout) IPC_TIME_("ipc_channel_write_with_timeout");
IPC_API IpcChannelWriteResult
ipc_channel_writev_with_timeout(IpcChannel *channel, const struct iovec *pieces,
                                int count, const struct timespec *timeout)
    IPC_TIME_("ipc_channel_writev_with_timeout");
IPC_API IpcChannelReserveResult ipc_channel_reserve_with_timeout(
    IpcChannel *channel, size_t size, IpcReservation *dest,
    const struct timespec *timeout)
    IPC_TIME_("ipc_channel_reserve_with_timeout");

/** ipc_channel_write_with_timeout that waits for ever. Since 0.1.0. */
IPC_API IpcChannelWriteResult ipc_channel_write_blocking(IpcChannel *channel,
                                                         const void *data,
                                                         size_t size);

/**
 * Closes the channel for everybody, for good. Writes and reserves fail with
 * IPC_ERR_CLOSED from now on; reservations that are open can still be
 * committed. Reads get what is there and then IPC_ERR_CLOSED. Blocked calls
 * wake at once. Either side may close, more than once.
 * With many producers no entry is committed after a read said
 * IPC_ERR_CLOSED. With one producer an entry can be, if its write had begun
 * when somebody else closed; it can still be read. Who is killed in the middle
 * of closing has closed it or not: blocked readers learn it within 100 ms.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: NULL. Does not block; wakes by system
 * calls. Since 0.1.0.
 */
IPC_API IpcChannelCloseResult ipc_channel_close(IpcChannel *channel);

/**
 * Reads the next entry, waiting for it for up to `max_round_trips` rounds. The
 * first round lasts start_sleep_ns, the next one twice as long and so on up to
 * max_sleep_ns. The wait ends as soon as there is something to read.
 *
 * What `dest` holds is ignored. On IPC_OK `dest->payload` is memory from
 * malloc, which the caller frees with free(). On anything else `dest` is
 * untouched.
 *
 * IPC_OK. IPC_ERR_RETRY_LIMIT: the rounds passed.
 * IPC_ERR_ALLOCATION: malloc failed; the entry stays.
 * IPC_ERR_ROLE_TAKEN, IPC_ERR_OWNERS_FULL: as for ipc_buffer_read.
 * Blocks; signals neither end nor shorten a round, and it is not a cancellation
 * point. If an entry is there it makes no system calls but those of malloc, to
 * wake writers that wait for space, and in one-consumer mode in the handle's
 * first read. Since 0.1.0.
 */
IPC_API IpcChannelReadResult ipc_channel_read(IpcChannel *channel,
                                              IpcEntry *dest);

/**
 * The same, waiting for at most `timeout` from now on the monotonic clock;
 * NULL: for ever; zero: not at all. IPC_ERR_TIMEOUT: it passed.
 * IPC_ERR_INVALID_ARGUMENT: it is negative or its tv_nsec out of range.
 * Since 0.1.0.
 */
IPC_API IpcChannelReadWithTimeoutResult ipc_channel_read_with_timeout(
    IpcChannel *channel, IpcEntry *dest, const struct timespec *timeout)
    IPC_TIME_("ipc_channel_read_with_timeout");

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
    IpcChannel *channel, IpcEntry *dest, const struct timespec *timeout)
    IPC_TIME_("ipc_channel_read_into_with_timeout");
IPC_API IpcChannelTryReadResult ipc_channel_try_read_into(IpcChannel *channel,
                                                          IpcEntry *dest);

/**
 * Points `dest` at the next entry inside the channel, as ipc_buffer_peek, which
 * says when its bytes can be relied on; ipc_channel_skip consumes it. The
 * first never waits, the second waits like ipc_channel_read_with_timeout and
 * has its statuses. Since 0.1.0.
 */
IPC_API IpcChannelPeekResult ipc_channel_peek(const IpcChannel *channel,
                                              IpcEntry *dest);
IPC_API IpcChannelPeekResult ipc_channel_peek_with_timeout(
    IpcChannel *channel, IpcEntry *dest, const struct timespec *timeout)
    IPC_TIME_("ipc_channel_peek_with_timeout");

/** As ipc_buffer_skip. Since 0.1.0. */
IPC_API IpcChannelSkipResult ipc_channel_skip(IpcChannel *channel,
                                              uint64_t offset);

/** As ipc_buffer_skip_force. Since 0.1.0. */
IPC_API IpcChannelSkipForceResult ipc_channel_skip_force(IpcChannel *channel);

/**
 * As ipc_buffer_recover; `force` as ipc_buffer_recover_force, of which
 * ipc_channel_owners tells beforehand whom it would force out. Blocked reads do
 * the former by themselves. Since 0.1.0.
 */
IPC_API IpcChannelRecoverResult ipc_channel_recover(IpcChannel *channel,
                                                    bool force);

/** As ipc_buffer_stats. Since 0.1.0. */
IPC_API IpcChannelStatsResult ipc_channel_stats(const IpcChannel *channel,
                                                IpcBufferStats *dest);

/** As ipc_buffer_owners. Since 0.1.0. */
IPC_API IpcChannelOwnersResult ipc_channel_owners(const IpcChannel *channel,
                                                  IpcOwner *owners,
                                                  size_t room);

/**
 * A descriptor for poll, select, epoll or an event loop that is readable when
 * there may be something to read. It belongs to the handle, which closes it
 * when it is destroyed; do nothing with it but wait for it to be readable.
 *
 * It is readable at first. When it is, call the reads that do not wait, or
 * ipc_channel_peek, until they say IPC_EMPTY: that gets the descriptor ready
 * for the next entry, also one that came in between. So no wake-up is lost and
 * an idle loop does not spin. IPC_ERR_NOT_READY does the same: somebody is
 * writing the next entry. Nothing else does. These reads report
 * IPC_ERR_PRODUCERS_DEAD as blocked ones do. Closing the channel makes the
 * descriptor readable, and that of an idle loop is so ten times a second, for
 * deaths to be noticed. Each IPC_EMPTY costs some system calls from now on.
 *
 * In a process that uses io_uring the kernel now and then ends a poll with
 * EINTR. A handle's descriptor is for one event loop. A forked child that
 * inherited the handle has to call this anew; with IPC_WAIT_IO_URING it cannot.
 *
 * IPC_WAIT_IO_URING needs nothing of other handles. With IPC_WAIT_EVENTFD the
 * handle must have the eventfd: be the creator's, inherited over fork, or from
 * ipc_channel_accept. Handles that were made by connect cannot signal it: once
 * there is one, the descriptor of an idle loop is readable every millisecond,
 * so that what such a handle wrote is found at most that late; a loop that was
 * waiting already when the first of them joined finds out within 100 ms.
 *
 * IPC_OK. IPC_ERR_UNSUPPORTED: the handle's way of waiting has none.
 * IPC_ERR_ILLEGAL_STATE: the handle has no eventfd.
 * IPC_ERR_INVALID_ARGUMENT: NULL. IPC_ERR_SYSTEM: no descriptor could be made,
 * `sys_errno` says why; or it is an inherited io_uring's. Does not block.
 * Since 0.1.0.
 */
IPC_API IpcChannelFdResult ipc_channel_fd(IpcChannel *channel);

/**
 * Sends, over a connected Unix socket of type SOCK_STREAM or SOCK_SEQPACKET,
 * what another process needs to join the channel: one short message with the
 * memory's descriptor and the eventfd, if this handle has one. `memory_fd` is
 * what memfd_create made, or shm_open("name", O_RDWR, 0) for a segment; its
 * first byte is the first byte of the memory that the channel was created in,
 * and `size` how much to map. All descriptors stay the caller's.
 *
 * The receiver can read, write and damage the channel, but not crash a program
 * that uses it, with two exceptions, both by SIGBUS: a process may shrink the
 * file, unless it is sealed by F_SEAL_SHRINK, which this call does to a memfd
 * made with MFD_ALLOW_SEALING; and it may punch a hole into the file
 * (FALLOC_FL_PUNCH_HOLE, MADV_REMOVE) while there is no memory for a new page:
 * /dev/shm full, or the memory limit of a control group reached. Against holes
 * there is no seal that leaves the memory writable, so share with processes
 * only that you would also let end yours.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: NULL, or `size` is less than the channel
 * or more than the file. IPC_ERR_SYSTEM: see `sys_errno`; EAGAIN if the socket
 * does not block and is full. After any other error on a stream part of the
 * message may be sent: close the socket. Blocks as the socket does; never
 * raises SIGPIPE. Since 0.1.0.
 */
IPC_API IpcChannelShareResult ipc_channel_share(IpcChannel *channel, int socket,
                                                int memory_fd, uint64_t size);

/**
 * Receives what ipc_channel_share sent, maps the memory and connects; the
 * memory's descriptor comes along, so that of the configuration is ignored.
 * Whatever its `wait`, the handle can wake those that poll the eventfd; to poll
 * that itself takes IPC_WAIT_EVENTFD. The sender is not trusted: what it sent
 * is checked and, if wrong, closed. One thing cannot be checked: a sender that
 * later reads the eventfd or changes its flags can make wake-ups come late, not
 * at all, or block.
 *
 * IPC_OK: `result` is to be given to ipc_channel_leave_shared.
 * IPC_ERR_CORRUPTED: it is not a message of ipc_channel_share, or the wrong
 * descriptors came with it. IPC_ERR_LAYOUT_VERSION: it is of another version.
 * IPC_ERR_TRUNCATED: the memory is shorter than said.
 * IPC_ERR_SYSTEM: see `sys_errno`; EAGAIN if the socket does not block and
 * nothing is there, ECONNRESET if the other side has closed it.
 * Others as for ipc_channel_connect_sized. After an error other than EAGAIN
 * the socket is of no more use. Blocks as the socket does. Since 0.1.0.
 */
IPC_API IpcChannelAcceptResult
ipc_channel_accept(int socket, IpcChannelConfiguration configuration);

/**
 * Releases the handle, as ipc_channel_destroy, and the mapping, and clears
 * `shared`. IPC_ERR_INVALID_ARGUMENT: NULL, or cleared. IPC_ERR_SYSTEM: munmap
 * failed; the handle is gone. Since 0.1.0.
 */
IPC_API IpcChannelLeaveSharedResult
ipc_channel_leave_shared(IpcSharedChannel *shared);

#ifdef __cplusplus
}
#endif
#endif
