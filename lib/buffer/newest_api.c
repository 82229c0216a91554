/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_newest.h for buffers.
 */
#include "answer.h"
#include "buffer/blame.h"
#include "buffer/newest.h"
#include <shmipc/ipc_newest.h>

ANSWER_NOTHING(IpcBufferNewestResult, uint64_t)

IpcBufferNewestResult ipc_buffer_read_newest(IpcBuffer *buffer, IpcEntry *dest)
{
    IpcBufferReadError body = {0};
    uint64_t skipped;
    IpcStatus status = newest_read(buffer, dest, &skipped, &body);

    return ANSWER_LOOK_WITH(IpcBufferNewestResult, status, skipped,
                            BLAME(status, blame_read_into(buffer, dest),
                                  newest_detail(buffer, status)),
                            body);
}

static IpcBufferNewestResult pin(IpcBuffer *buffer, enum newest_which which,
                                 IpcEntry *dest)
{
    IpcBufferReadError body = {0};
    uint64_t skipped;
    IpcStatus status = newest_pin(buffer, which, dest, &skipped, &body);

    return ANSWER_LOOK_WITH(
        IpcBufferNewestResult, status, skipped,
        BLAME(status, blame_dest(buffer), newest_detail(buffer, status)), body);
}

IpcBufferNewestResult ipc_buffer_pin(IpcBuffer *buffer, IpcEntry *dest)
{
    return pin(buffer, NEWEST_NEXT, dest);
}

IpcBufferNewestResult ipc_buffer_pin_newest(IpcBuffer *buffer, IpcEntry *dest)
{
    return pin(buffer, NEWEST_NEWEST, dest);
}

IpcBufferUnpinResult ipc_buffer_unpin(IpcBuffer *buffer, uint64_t offset)
{
    IpcBufferSkipError body = {offset};
    IpcStatus status = newest_unpin(buffer, offset);

    return ANSWER(IpcBufferUnpinResult, status,
                  newest_unpin_detail(buffer, status), body);
}
