/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_acknowledge.h for buffers.
 */
#include "answer.h"
#include "buffer/ahead.h"
#include "buffer/blame.h"
#include <shmipc/ipc_acknowledge.h>

ANSWER_NOTHING(IpcBufferReadAheadResult, bool)

IpcBufferReadAheadResult ipc_buffer_read_ahead(IpcBuffer *buffer,
                                               IpcEntry *dest)
{
    IpcBufferReadError body = {0};
    bool again = false;
    IpcStatus status = ahead_read(buffer, dest, &again, &body);

    return ANSWER_LOOK_WITH(
        IpcBufferReadAheadResult, status, again,
        BLAME(status, blame_dest(buffer), ahead_detail(status)), body);
}

IpcBufferAcknowledgeResult ipc_buffer_acknowledge(IpcBuffer *buffer,
                                                  uint64_t offset)
{
    IpcBufferSkipError body = {0};
    uint64_t count;
    IpcStatus status = ahead_acknowledge(buffer, offset, &count, &body.offset);

    return ANSWER_WITH(
        IpcBufferAcknowledgeResult, status, count,
        BLAME(status, blame_read_ahead(buffer), ahead_detail(status)), body);
}

IpcBufferGiveBackResult ipc_buffer_give_back(IpcBuffer *buffer, uint64_t offset)
{
    IpcBufferSkipError body = {0};
    uint64_t count;
    IpcStatus status = ahead_give_back(buffer, offset, &count, &body.offset);

    return ANSWER_WITH(
        IpcBufferGiveBackResult, status, count,
        BLAME(status, blame_read_ahead(buffer), ahead_detail(status)), body);
}
