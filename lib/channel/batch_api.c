/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_batch.h.
 */
#include "channel/channel.h"
#include <shmipc/ipc_batch.h>

static const char write_arguments[] =
    "the handle or an entry is NULL, an entry is empty, or there are none";
static const char read_arguments[] =
    "the handle, the entries or their memory is NULL, an entry is empty, there "
    "are none, or the timeout is negative or has a tv_nsec out of range";

static const char *write_many_detail(const struct IpcBuffer *b,
                                     const void *entries, size_t size,
                                     IpcStatus status)
{
    return status == IPC_ERR_INVALID_ARGUMENT
               ? write_arguments
               : write_detail(b, entries, size, status);
}

static const char *read_many_detail(IpcStatus status)
{
    return status == IPC_ERR_INVALID_ARGUMENT ? read_arguments
                                              : read_detail(status);
}

/* ---------------------------------------------------------------- buffer */

static IpcBufferWriteBatchResult buffer_written(const struct IpcBuffer *b,
                                                const void *entries,
                                                size_t size, IpcStatus status,
                                                size_t written)
{
    IpcBufferWriteError body;

    if (status == IPC_OK)
        return IpcBufferWriteBatchResult_ok(IPC_OK, written);
    if (!b)
        return IpcBufferWriteBatchResult_error(status, write_arguments);
    write_describe(b, size, &body);
    return IpcBufferWriteBatchResult_error_body(
        status, write_many_detail(b, entries, size, status), body);
}

IpcBufferWriteBatchResult ipc_buffer_write_batch(IpcBuffer *buffer,
                                                 const struct iovec *entries,
                                                 int count)
{
    size_t written, size;
    IpcStatus status = batch_write(buffer, entries, count, &written, &size);

    return buffer_written(buffer, entries, size, status, written);
}

/* A number of entries as it comes from outside; 0 is refused inside. */
static size_t count_of(int count)
{
    return count > 0 ? (size_t)count : 0;
}

IpcBufferWriteBatchResult ipc_buffer_write_array(IpcBuffer *buffer,
                                                 const void *data, size_t size,
                                                 int count)
{
    size_t written;
    IpcStatus status =
        batch_write_array(buffer, data, size, count_of(count), &written);

    return buffer_written(buffer, data, size, status, written);
}

static IpcBufferReadBatchResult buffer_got(IpcStatus status, size_t read,
                                           uint64_t offset, size_t needed)
{
    const IpcBufferReadError body = {offset, needed};

    if (status >= 0)
        return IpcBufferReadBatchResult_ok(status, read);
    return IpcBufferReadBatchResult_error_body(status, read_many_detail(status),
                                               body);
}

IpcBufferReadBatchResult ipc_buffer_read_batch(IpcBuffer *buffer,
                                               IpcEntry *entries, int count,
                                               void *memory, size_t size)
{
    uint64_t offset = 0;
    size_t read, needed = 0;
    IpcStatus status = batch_read(buffer, entries, count, memory, size, &read,
                                  &offset, &needed);

    return buffer_got(status, read, offset, needed);
}

IpcBufferReadBatchResult ipc_buffer_read_array(IpcBuffer *buffer, void *data,
                                               size_t size, int count)
{
    uint64_t offset = 0;
    size_t read, needed = 0;
    IpcStatus status = batch_read_array(buffer, data, size, count_of(count),
                                        &read, &offset, &needed);

    return buffer_got(status, read, offset, needed);
}

/* --------------------------------------------------------------- channel */

static IpcChannelWriteBatchResult channel_written(IpcChannel *channel,
                                                  struct sending *what)
{
    IpcBufferWriteError body;
    IpcStatus status;

    if (!channel)
        return IpcChannelWriteBatchResult_error(IPC_ERR_INVALID_ARGUMENT,
                                                write_arguments);
    status = channel_send(channel, what);
    if (status == IPC_OK)
        return IpcChannelWriteBatchResult_ok(IPC_OK, what->written);
    write_describe(&channel->buffer, what->size, &body);
    return IpcChannelWriteBatchResult_error_body(
        status,
        write_many_detail(&channel->buffer, what->data, what->size, status),
        body);
}

IpcChannelWriteBatchResult ipc_channel_write_batch(IpcChannel *channel,
                                                   const struct iovec *entries,
                                                   int count)
{
    struct sending what = {
        .kind = SENDING_BATCH, .data = entries, .count = count};

    return channel_written(channel, &what);
}

IpcChannelWriteBatchResult ipc_channel_write_array(IpcChannel *channel,
                                                   const void *data,
                                                   size_t size, int count)
{
    struct sending what = {.kind = SENDING_ARRAY,
                           .data = data,
                           .count = (int)count_of(count),
                           .size = size};

    return channel_written(channel, &what);
}

static IpcChannelReadBatchResult channel_got(IpcStatus status,
                                             const struct request *q)
{
    const IpcBufferReadError body = {q->offset, q->needed};

    if (status >= 0)
        return IpcChannelReadBatchResult_ok(status, q->read);
    return IpcChannelReadBatchResult_error_body(status,
                                                read_many_detail(status), body);
}

static IpcChannelReadBatchResult try_to_get(IpcChannel *channel,
                                            struct request *q)
{
    return channel_got(
        channel ? channel_try(channel, q) : IPC_ERR_INVALID_ARGUMENT, q);
}

static IpcChannelReadBatchResult get_until(IpcChannel *channel,
                                           struct request *q,
                                           const struct timespec *timeout)
{
    return channel_got(channel ? channel_read_until(channel, q, timeout)
                               : IPC_ERR_INVALID_ARGUMENT,
                       q);
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

    return try_to_get(channel, &q);
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

    return get_until(channel, &q, timeout);
}

IpcChannelReadBatchResult ipc_channel_try_read_array(IpcChannel *channel,
                                                     void *data, size_t size,
                                                     int count)
{
    struct request q = {.kind = REQUEST_ARRAY,
                        .count = (int)count_of(count),
                        .memory = data,
                        .size = size};

    return try_to_get(channel, &q);
}

IpcChannelReadBatchResult
ipc_channel_read_array_with_timeout(IpcChannel *channel, void *data,
                                    size_t size, int count,
                                    const struct timespec *timeout)
{
    struct request q = {.kind = REQUEST_ARRAY,
                        .count = (int)count_of(count),
                        .memory = data,
                        .size = size};

    return get_until(channel, &q, timeout);
}
