/* SPDX-License-Identifier: MIT */
/*
 * libshmipc: waiting for many channels with one thread.
 *
 *     IpcWaitSetCreateResult made = ipc_waitset_create();
 *     ipc_waitset_add(made.result, channel, &my_client);
 *     ...
 *     IpcWaitSetReady ready[ROOM];
 *     IpcWaitSetWaitResult r =
 *         ipc_waitset_wait(made.result, ready, ROOM, NULL);
 *     for (size_t i = 0; r.ipc_status == IPC_OK && i < r.result; i++)
 *         ... read ready[i].channel with ipc_channel_try_read ...
 *
 * A channel is ready when a read that does not wait would say neither IPC_EMPTY
 * nor IPC_ERR_NOT_READY: there is an entry, or an error such as IPC_ERR_CLOSED.
 * What is ready is told again by each wait until it is read, or removed: there
 * is no need to read all of it at once.
 *
 * Writers know nothing of it and may be of any kind; so may the handles' ways
 * of waiting. A wait costs as good as the same for many channels as for one
 * where the kernel has futexes in io_uring (Linux 6.7) and permits them.
 * Elsewhere it sleeps by futex_waitv (Linux 5.16), which costs more the more
 * channels there are: so while messages come, a wait first lets other processes
 * run, for 20 us at most. There a set starts a thread for each 127 channels
 * beyond the first so many. Where futex_waitv is missing, too, a wait looks at
 * all channels after pauses that double from 50 us to 5 ms.
 *
 * As blocked reads do, a wait repairs what dead producers left, and notices
 * deaths and a closing that was cut off; within 100 ms in a set of up to 16
 * channels, within a second in larger ones. A message that a writer committed
 * and was killed before it woke anybody is found as late as that, too. An idle
 * set wakes up ten times a second.
 *
 * Threads. One thread at a time waits; adding, removing and interrupting is
 * for any thread at any time, but with one channel one thread at a time;
 * destroying for when none is in a call. A wait counts as reading: with
 * IPC_BUFFER_ONE_CONSUMER the thread that reads a channel must be the one that
 * waits, or not read meanwhile. A handle is in one set at most. A set belongs
 * to the process that made it: in a forked child all calls but
 * ipc_waitset_destroy say IPC_ERR_ILLEGAL_STATE. No call is a cancellation
 * point.
 */
#ifndef SHMIPC_IPC_WAITSET_H
#define SHMIPC_IPC_WAITSET_H

#include <shmipc/ipc_channel.h>
#include <shmipc/ipc_common.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Channels that one thread waits for. */
typedef struct IpcWaitSet IpcWaitSet;

/** A channel that is ready. */
typedef struct IpcWaitSetReady {
    IpcChannel *channel;
    /** What ipc_waitset_add was given with it. */
    void *user;
    /** IPC_OK: there is an entry, unless another reader is faster. Else what a
     * read would say, such as IPC_ERR_CLOSED or IPC_ERR_PRODUCERS_DEAD: remove
     * the channel, or each wait tells it again. */
    IpcStatus status;
} IpcWaitSetReady;

typedef struct IpcWaitSetSystemError {
    /** errno of the system call that failed, or 0. */
    int sys_errno;
} IpcWaitSetSystemError;

IPC_RESULT(IpcWaitSetCreateResult, IpcWaitSet *, IpcWaitSetSystemError)
IPC_RESULT_UNIT(IpcWaitSetDestroyResult, IpcWaitSetSystemError)
IPC_RESULT_UNIT(IpcWaitSetAddResult, IpcWaitSetSystemError)
IPC_RESULT_UNIT(IpcWaitSetRemoveResult, IpcWaitSetSystemError)
IPC_RESULT(IpcWaitSetWaitResult, size_t, IpcWaitSetSystemError)
IPC_RESULT_UNIT(IpcWaitSetInterruptResult, IpcWaitSetSystemError)
IPC_RESULT(IpcWaitSetFdResult, int, IpcWaitSetSystemError)

/**
 * Makes an empty set. IPC_OK: `result` is to be given to ipc_waitset_destroy.
 * IPC_ERR_ALLOCATION: malloc failed. Allocates; does not block; makes no
 * descriptor and no thread. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcWaitSetCreateResult ipc_waitset_create(void);

/**
 * Releases the set and all that it made. Its channels are in no set then, and
 * otherwise as they were.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: NULL. IPC_ERR_ILLEGAL_STATE: a thread is
 * waiting; the set stays. Waits for the set's threads to end, if there are any.
 * Since 0.1.0.
 */
IPC_API IpcWaitSetDestroyResult ipc_waitset_destroy(IpcWaitSet *set);

/**
 * Puts a channel into the set; `user` comes back with it. The handle stays the
 * caller's. A wait that is in progress counts it in at once. A channel that is
 * destroyed leaves the set by itself; a handle must not be given to free()
 * while it is in one.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: `set` or `channel` is NULL.
 * IPC_ERR_ILLEGAL_STATE: the channel is in a set already, this one or another;
 * or the set is a parent's. IPC_ERR_ALLOCATION: malloc failed. Allocates; does
 * not block. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcWaitSetAddResult ipc_waitset_add(IpcWaitSet *set,
                                                           IpcChannel *channel,
                                                           void *user);

/**
 * Takes a channel out of the set. A wait that is in progress does not return it
 * any more, and nothing of the set touches it after this call: the handle may
 * be destroyed and its memory unmapped.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: `set` or `channel` is NULL.
 * IPC_ERR_ILLEGAL_STATE: it is not in this set, or the set is a
 * parent's. Does not block. Since 0.1.0.
 */
IPC_API IpcWaitSetRemoveResult ipc_waitset_remove(IpcWaitSet *set,
                                                  IpcChannel *channel);

/**
 * Waits until channels are ready, for at most `timeout` from now on the
 * monotonic clock (NULL: for ever; zero: not at all). Fills `ready` with those,
 * `room` at most; if there are more, the next wait begins with the others.
 *
 * IPC_OK: `result` is how many, 1 or more. IPC_ERR_TIMEOUT: it passed.
 * IPC_ERR_INTERRUPTED: ipc_waitset_interrupt was called; what is ready is told
 * by the next wait. IPC_ERR_INVALID_ARGUMENT: `set` or `ready` is NULL, `room`
 * is 0, or the timeout is negative or has a tv_nsec out of range.
 * IPC_ERR_ILLEGAL_STATE: another thread is waiting, or the set is a parent's.
 * Blocks; signals do not end it. Its first sleep makes what it sleeps with,
 * and allocates for that. A wait without a sleep makes no system calls but to
 * announce to writers that somebody will sleep, and with a timeout of zero
 * looks at each channel once. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcWaitSetWaitResult
ipc_waitset_wait(IpcWaitSet *set, IpcWaitSetReady *ready, size_t room,
                 const struct timespec *timeout) IPC_TIME_("ipc_waitset_wait");

/**
 * Ends the wait that is in progress, or else the next one, with
 * IPC_ERR_INTERRUPTED; once, however often it was called until then. From any
 * thread, and from a signal handler.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: NULL. IPC_ERR_ILLEGAL_STATE: the set is a
 * parent's. Does not block. Since 0.1.0.
 */
IPC_API IpcWaitSetInterruptResult ipc_waitset_interrupt(IpcWaitSet *set);

/**
 * A descriptor for poll, select, epoll or an event loop that is readable when
 * something may be ready, or the set was interrupted. It belongs to the set; do
 * nothing with it but wait for it to be readable.
 *
 * It is readable at first. When it is, call ipc_waitset_wait with a timeout of
 * zero: if that says IPC_ERR_TIMEOUT, nothing is ready, and the descriptor is
 * prepared for what comes next, also what came in between; until then it stays
 * readable. The first call makes an eventfd and one thread of the set, in which
 * all signals are blocked; it sleeps in the place of the loop. Waits with other
 * timeouts still work.
 *
 * IPC_OK: `result` is the descriptor. IPC_ERR_INVALID_ARGUMENT: NULL.
 * IPC_ERR_SYSTEM: eventfd or thread could not be made, `sys_errno` says why.
 * IPC_ERR_UNSUPPORTED: the library was built without eventfd.
 * IPC_ERR_ILLEGAL_STATE: a thread is waiting, or the set is a parent's.
 * Allocates; does not block. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcWaitSetFdResult ipc_waitset_fd(IpcWaitSet *set);

#ifdef __cplusplus
}
#endif
#endif
