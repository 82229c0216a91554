/* SPDX-License-Identifier: MIT */
/*
 * libshmipc, channel layer: the configuration of a handle, and the results of
 * its calls. What they are for says ipc_channel.h, which includes this.
 */
#ifndef SHMIPC_IPC_CHANNEL_TYPES_H
#define SHMIPC_IPC_CHANNEL_TYPES_H

#include <shmipc/ipc_buffer_types.h>
#include <shmipc/ipc_common.h>
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

/** For `options`: a signal ends a blocked call with IPC_ERR_INTERRUPTED, if a
 * handler was called for it in that thread, with SA_RESTART or without (as for
 * poll). One that comes while the thread does not sleep is missed: a handler
 * that must not be missed calls ipc_channel_interrupt. */
#define IPC_CHANNEL_SIGNALS_INTERRUPT     UINT32_C(4)

/** For `options`: a blocked call is a cancellation point (pthread_cancel) where
 * it sleeps, and only there: one that need not sleep is none. What the thread
 * was waiting for is left as it is. ipc_channel_accept is one before it takes
 * anything from its socket. Without this no call is one, and
 * ipc_channel_share never is. */
#define IPC_CHANNEL_CANCELLATION_POINTS   UINT32_C(8)

/** For `options`: a write or reserve that would block says
 * IPC_ERR_CONSUMERS_DEAD if processes that read from the channel died without
 * destroying their handles and no other process that read is left. For that,
 * readers have to take owner slots (IPC_BUFFER_KNOWS_CONSUMERS): create sees to
 * that if it is given this; a connect to a channel for many consumers that was
 * created otherwise is refused. */
#define IPC_CHANNEL_REPORT_DEAD_CONSUMERS UINT32_C(16)

/** How a blocked call sleeps, and whether the handle has a descriptor to poll.
 * Handles of one channel may differ in it. */
typedef enum IpcWait {
    /** The library's default, chosen when it was built (-Dwait), normally
     * IPC_WAIT_FUTEX; that too if the running kernel lacks the default. */
    IPC_WAIT_DEFAULT = 0,
    /** In the kernel, until a writer wakes it; and ipc_channel_fd has an
     * eventfd that a thread of the handle's own makes readable. */
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
    IPC_WAIT_IO_URING = 4,
    /** As IPC_WAIT_FUTEX, and a sleep and a wake cost an eighth less: a thread
     * of the process looks after all that sleep, from the first sleep of such a
     * handle until all of these are destroyed, so that no sleep needs a timer
     * of its own. The thread wakes up and wakes them 20 times a second, and
     * blocks all signals. Sleeps that a signal is to end, that are a
     * cancellation point or that are not to last longer than 100 ms have a
     * timer, and so have all if there can be no thread. For a process that can
     * do with a thread more, and sleeps often. */
    IPC_WAIT_WATCHED = 5
} IpcWait;

/* What leaves members out of an initialiser gets no warning from g++ where they
 * have one of their own, which C++11 does not allow in what is initialised by a
 * list. */
#if defined(__cplusplus) && __cplusplus >= 201402L
#define IPC_ZERO_ = {}
#else
#define IPC_ZERO_
#endif

/** How to use a channel. Zero means the default in all members; in C++14 and
 * later that is what members have that are not named. The first three are given
 * together, or left 0 together: then ipc_channel_read waits for ever, and
 * IPC_WAIT_SLEEP sleeps from 1000 to 1000000 ns. */
typedef struct IpcChannelConfiguration {
    /** Rounds that ipc_channel_read waits at most, 1 or more. */
    uint32_t max_round_trips;
    /** Length of the first round, 1 or more. */
    long start_sleep_ns;
    /** Length of the longest round, start_sleep_ns or more. */
    long max_sleep_ns;
    /** For create: IPC_BUFFER_ONE_PRODUCER, IPC_BUFFER_ONE_CONSUMER,
     * IPC_BUFFER_KNOWS_CONSUMERS, IPC_BUFFER_BROADCAST, IPC_BUFFER_ACKNOWLEDGE,
     * IPC_BUFFER_TAPS,
     * IPC_BUFFER_RECREATE. */
    uint32_t flags IPC_ZERO_;
    /** For create: how many processes may write at the same time, 1 to 4096; 0
     * means the default: 2 in the smallest channels, 8 in those of 64 blocks,
     * and 64 from 68 KiB on. One process more gets IPC_ERR_OWNERS_FULL. With
     * IPC_BUFFER_KNOWS_CONSUMERS or IPC_BUFFER_ONE_CONSUMER those that read
     * count as well. */
    uint32_t max_owners IPC_ZERO_;
    /** An IpcWait. */
    uint32_t wait IPC_ZERO_;
    /** How long a call that blocks tries at most before it sleeps, ns; 0:
     * 20000, or not at all if this process is bound to one CPU. On a machine
     * with one CPU nobody spins. A handle learns, for its reads and for its
     * writes: after calls that tried in vain the next ones try for less time,
     * and soon not at all but for one in 64, until what they wait for comes
     * soon again. */
    uint32_t spin_ns IPC_ZERO_;
    /** IPC_CHANNEL_REPORT_DEAD_PRODUCERS and so on, or 0. */
    uint32_t options IPC_ZERO_;
    /** With IPC_CHANNEL_HAS_MEMORY_FD a descriptor, which can be read from, of
     * the file or memfd that the memory is a shared mapping of, from its first
     * byte on; else 0. It stays the caller's, who may close it after the call.
     * With it the kernel's locks prove deaths that pids do not, in other pid
     * namespaces too, if all that use the memory give one of the same file;
     * segments of ipc_mmap need no such member. IpcBufferOptions says more. */
    int32_t memory_fd IPC_ZERO_;
    /** For create, with IPC_BUFFER_BROADCAST: how many can subscribe at the
     * same time, 1 to 1024; 0 means the default: 2 in the smallest channels,
     * and 16 from 128 blocks on. Each takes 128 bytes of the memory. Else 0. */
    uint32_t max_subscribers IPC_ZERO_;
    uint32_t reserved32 IPC_ZERO_;
    uint64_t reserved[4] IPC_ZERO_;
} IpcChannelConfiguration;

/** Initialises an IpcChannelConfiguration with its first three members and the
 * defaults, in any C and C++: C++ has designators (`.max_round_trips = 128`)
 * only since C++20. */
#define IPC_CHANNEL_CONFIGURATION(max_round_trips, start_sleep_ns,             \
                                  max_sleep_ns)                                \
    {                                                                          \
        (max_round_trips), (start_sleep_ns), (max_sleep_ns), 0, 0, 0, 0, 0, 0, \
            0, 0,                                                              \
        {                                                                      \
            0, 0, 0, 0                                                         \
        }                                                                      \
    }

/** The same with the defaults only. */
#define IPC_CHANNEL_DEFAULTS IPC_CHANNEL_CONFIGURATION(0, 0, 0)

IPC_RESULT(IpcChannelResult, IpcChannel *, IpcBufferCreateError)
IPC_RESULT(IpcChannelConnectResult, IpcChannel *, IpcBufferAttachError)
IPC_RESULT_UNIT(IpcChannelDestroyResult, IpcBufferDestroyError)
IPC_RESULT_UNIT(IpcChannelWriteResult, IpcBufferWriteError)
IPC_RESULT_UNIT(IpcChannelCloseResult, IpcBufferCommitError)
IPC_RESULT_UNIT(IpcChannelReserveResult, IpcBufferWriteError)
IPC_RESULT_UNIT(IpcChannelCommitResult, IpcBufferCommitError)
IPC_RESULT_UNIT(IpcChannelAbortResult, IpcBufferCommitError)
IPC_RESULT_UNIT(IpcChannelReadResult, IpcBufferReadError)
IPC_RESULT_HAS_ENTRY(IpcChannelReadResult)
IPC_RESULT_UNIT(IpcChannelReadWithTimeoutResult, IpcBufferReadError)
IPC_RESULT_HAS_ENTRY(IpcChannelReadWithTimeoutResult)
IPC_RESULT_UNIT(IpcChannelTryReadResult, IpcBufferReadError)
IPC_RESULT_HAS_ENTRY(IpcChannelTryReadResult)
IPC_RESULT_UNIT(IpcChannelPeekResult, IpcBufferPeekError)
IPC_RESULT_HAS_ENTRY(IpcChannelPeekResult)
IPC_RESULT(IpcChannelSkipResult, uint64_t, IpcBufferSkipError)
IPC_RESULT(IpcChannelSkipForceResult, uint64_t, IpcBufferSkipError)
IPC_RESULT(IpcChannelRecoverResult, uint64_t, IpcBufferSkipError)
IPC_RESULT_UNIT(IpcChannelStatsResult, IpcBufferStatsError)
IPC_RESULT(IpcChannelOwnersResult, size_t, IpcBufferOwnersError)

typedef struct IpcChannelSystemError {
    /** errno of the system call that failed, or 0. */
    int sys_errno;
    /** The number that `detail` speaks of: the value that a member of the
     * configuration has, or a size that bounds the one that was given; else
     * 0. */
    int64_t value;
} IpcChannelSystemError;
IPC_RESULT(IpcChannelFdResult, int, IpcChannelSystemError)
IPC_RESULT_UNIT(IpcChannelInterruptResult, IpcChannelSystemError)
/** `result`: whether the handle was interrupted. */
IPC_RESULT(IpcChannelClearInterruptResult, bool, IpcChannelSystemError)

#ifdef __cplusplus
}
#endif
#endif
