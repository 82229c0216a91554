/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_batch.h.
 */
#include "channel.h"
#include <shmipc/ipc_batch.h>

static const char write_arguments[] =
    "the handle or an entry is NULL, an entry is empty, or there are none";
static const char read_arguments[] =
    "the handle, the entries or their memory is NULL, there are none, or the "
    "timeout is negative or has a tv_nsec out of range";

static const char *write_detail(const struct IpcBuffer *b,
                                const struct iovec *entries, size_t size,
                                IpcStatus status)
{
    return status == IPC_ERR_INVALID_ARGUMENT
               ? write_arguments
               : buffer_write_detail(b, entries, size, status);
}

static const char *read_detail(IpcStatus status)
{
    return status == IPC_ERR_INVALID_ARGUMENT ? read_arguments
                                              : buffer_read_detail(status);
}

IpcBufferWriteBatchResult ipc_buffer_write_batch(IpcBuffer *buffer,
                                                 const struct iovec *entries,
                                                 int count)
{
    size_t written, size;
    IpcStatus status =
        buffer_write_batch(buffer, entries, count, &written, &size);
    IpcBufferWriteError body;

    if (status == IPC_OK)
        return IpcBufferWriteBatchResult_ok(IPC_OK, written);
    if (!buffer)
        return IpcBufferWriteBatchResult_error(status, write_arguments);
    buffer_write_body(buffer, size, &body);
    return IpcBufferWriteBatchResult_error_body(
        status, write_detail(buffer, entries, size, status), body);
}

IpcBufferReadBatchResult ipc_buffer_read_batch(IpcBuffer *buffer,
                                               IpcEntry *entries, int count,
                                               void *memory, size_t size)
{
    IpcBufferReadError body = {0, 0};
    size_t read;
    IpcStatus status =
        buffer_read_batch(buffer, entries, count, memory, size, &read,
                          &body.offset, &body.required_size);

    if (status >= 0)
        return IpcBufferReadBatchResult_ok(status, read);
    return IpcBufferReadBatchResult_error_body(status, read_detail(status),
                                               body);
}

IpcChannelWriteBatchResult ipc_channel_write_batch(IpcChannel *channel,
                                                   const struct iovec *entries,
                                                   int count)
{
    struct sending what = {
        .kind = SENDING_BATCH, .data = entries, .count = count};
    IpcBufferWriteError body;
    IpcStatus status;

    if (!channel)
        return IpcChannelWriteBatchResult_error(IPC_ERR_INVALID_ARGUMENT,
                                                write_arguments);
    status = channel_send(channel, &what);
    if (status == IPC_OK)
        return IpcChannelWriteBatchResult_ok(IPC_OK, what.written);
    buffer_write_body(&channel->buffer, what.size, &body);
    return IpcChannelWriteBatchResult_error_body(
        status, write_detail(&channel->buffer, entries, what.size, status),
        body);
}

static IpcChannelReadBatchResult read_result(IpcStatus status,
                                             const struct request *q)
{
    const IpcBufferReadError body = {q->offset, q->needed};

    if (status >= 0)
        return IpcChannelReadBatchResult_ok(status, q->read);
    return IpcChannelReadBatchResult_error_body(status, read_detail(status),
                                                body);
}

IpcChannelReadBatchResult ipc_channel_try_read_batch(IpcChannel *channel,
                                                     IpcEntry *entries,
                                                     int count, void *memory,
                                                     size_t size)
{
    struct request q = {.kind = REQUEST_BATCH,
                        .dest = entries,
                        .count = count,
                        .memory = memory,
                        .size = size};

    return read_result(
        channel ? channel_try(channel, &q) : IPC_ERR_INVALID_ARGUMENT, &q);
}

IpcChannelReadBatchResult
ipc_channel_read_batch_with_timeout(IpcChannel *channel, IpcEntry *entries,
                                    int count, void *memory, size_t size,
                                    const struct timespec *timeout)
{
    struct request q = {.kind = REQUEST_BATCH,
                        .dest = entries,
                        .count = count,
                        .memory = memory,
                        .size = size};

    return read_result(channel ? channel_read_until(channel, &q, timeout)
                               : IPC_ERR_INVALID_ARGUMENT,
                       &q);
}
