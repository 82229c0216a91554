/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_waitset.h.
 */
#include "answer.h"
#include "wait/clock.h"
#include "waitset/waitset.h"
#include <errno.h>

static const char null_set[] = "the set is NULL: create one first";

static const char *null_argument(const IpcWaitSet *set)
{
    return set ? "the channel is NULL: create, connect or open it first"
               : null_set;
}

static IpcWaitSetSystemError body_of(IpcStatus status)
{
    return (IpcWaitSetSystemError){status == IPC_ERR_SYSTEM ? errno : 0};
}

IpcWaitSetCreateResult ipc_waitset_create(void)
{
    struct IpcWaitSet *set = NULL;
    IpcStatus status = waitset_make(&set);

    return ANSWER_WITH(IpcWaitSetCreateResult, status, set,
                       "malloc failed: no memory for the set", body_of(status));
}

IpcWaitSetDestroyResult ipc_waitset_destroy(IpcWaitSet *set)
{
    const char *detail = null_set;
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;

    if (set) {
        detail = "a thread is waiting for this set: interrupt it first, and "
                 "let it return";
        status = waitset_end(set);
    }
    return ANSWER(IpcWaitSetDestroyResult, status, detail, body_of(status));
}

IpcWaitSetAddResult ipc_waitset_add(IpcWaitSet *set, IpcChannel *channel,
                                    void *user)
{
    const char *detail = null_argument(set);
    IpcStatus status = set && channel ? waitset_add(set, channel, user, &detail)
                                      : IPC_ERR_INVALID_ARGUMENT;

    return ANSWER(IpcWaitSetAddResult, status, detail, body_of(status));
}

IpcWaitSetRemoveResult ipc_waitset_remove(IpcWaitSet *set, IpcChannel *channel)
{
    const char *detail = null_argument(set);
    IpcStatus status = set && channel ? waitset_remove(set, channel, &detail)
                                      : IPC_ERR_INVALID_ARGUMENT;

    return ANSWER(IpcWaitSetRemoveResult, status, detail, body_of(status));
}

static const char *blame_wait(const IpcWaitSet *set,
                              const IpcWaitSetReady *ready, size_t room)
{
    if (!set)
        return null_set;
    if (!ready)
        return "ready is NULL: pass an array of IpcWaitSetReady to fill";
    if (room == 0)
        return "room is 0: say how many elements ready has";
    return "the timeout is negative, or its tv_nsec is not from 0 to "
           "999999999: "
           "it is how long to wait from now on, and NULL for ever";
}

static const char *wait_detail(IpcStatus status, const char *detail)
{
    switch (status) {
    case IPC_ERR_TIMEOUT:
        return "the deadline passed before a channel was ready: wait again, or "
               "see whether anybody writes";
    case IPC_ERR_INTERRUPTED:
        return "the wait was ended by ipc_waitset_interrupt: wait again if it "
               "is "
               "to go on";
    default:
        return detail;
    }
}

IpcWaitSetWaitResult ipc_waitset_wait(IpcWaitSet *set, IpcWaitSetReady *ready,
                                      size_t room,
                                      const struct timespec *timeout)
{
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;
    const char *detail = NULL;
    size_t count = 0;

    if (set && ready && room > 0 && clock_timeout_is_valid(timeout))
        status = waitset_wait(set, ready, room, clock_after_timeout(timeout),
                              &count, &detail);
    else
        detail = blame_wait(set, ready, room);
    return ANSWER_WITH(IpcWaitSetWaitResult, status, count,
                       wait_detail(status, detail), body_of(status));
}

IpcWaitSetInterruptResult ipc_waitset_interrupt(IpcWaitSet *set)
{
    IpcStatus status = set ? waitset_interrupt(set) : IPC_ERR_INVALID_ARGUMENT;

    return ANSWER(IpcWaitSetInterruptResult, status,
                  set ? "the set belongs to the process that made it: a forked "
                        "child has to make its own"
                      : null_set,
                  body_of(status));
}

IpcWaitSetFdResult ipc_waitset_fd(IpcWaitSet *set)
{
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;
    const char *detail = null_set;
    int fd = -1;

    if (set)
        status = waitset_fd(set, &fd, &detail);
    return ANSWER_WITH(IpcWaitSetFdResult, status, fd, detail, body_of(status));
}
