/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_batch.h for channels: results and error bodies around
 * the work that the other files do.
 */
#include "answer.h"
#include "buffer/batch.h"
#include "buffer/blame.h"
#include "buffer/read.h"
#include "buffer/write.h"
#include "channel/receive.h"
#include "channel/send.h"
#include <shmipc/ipc_batch.h>

ANSWER_NOTHING(IpcChannelReadBatchResult, size_t)

/* ---------------------------------------------------------------- writes */

IpcChannelWriteBatchResult ipc_channel_write_batch(IpcChannel *channel,
                                                   const struct iovec *entries,
                                                   int count)
{
    struct block block = block_never(channel, WAIT_WRITERS);
    struct IpcBuffer *b = channel_buffer(channel);
    size_t written = 0, size = 0;
    IpcStatus status;

    while (block_again(&block, &status))
        status =
            send_tell(&block, batch_write(b, entries, count, &written, &size));
    return ANSWER_WITH(
        IpcChannelWriteBatchResult, status, written,
        BLAME(status, block_blame(&block, blame_write_batch(b, entries, count)),
              write_detail(status)),
        write_body(b, size));
}

IpcChannelWriteBatchResult ipc_channel_write_array(IpcChannel *channel,
                                                   const void *data,
                                                   size_t size, int count)
{
    struct block block = block_never(channel, WAIT_WRITERS);
    struct IpcBuffer *b = channel_buffer(channel);
    size_t written = 0;
    IpcStatus status;

    while (block_again(&block, &status))
        status = send_tell(&block,
                           batch_write_array(b, data, size, count, &written));
    return ANSWER_WITH(IpcChannelWriteBatchResult, status, written,
                       BLAME(status,
                             block_blame(&block, blame_array(b, data, size)),
                             write_detail(status)),
                       write_body(b, size));
}

/* ----------------------------------------------------------------- reads */

static IpcChannelReadBatchResult read_batch(struct block block,
                                            IpcEntry *entries, int count,
                                            void *memory, size_t size)
{
    struct IpcBuffer *b = channel_buffer(block.channel);
    IpcBufferReadError body = {0};
    size_t read = 0;
    IpcStatus status;

    while (block_again(&block, &status))
        status = receive_tell(
            &block, batch_read(b, entries, count, memory, size, &read, &body));
    return ANSWER_LOOK_WITH(
        IpcChannelReadBatchResult, status, read,
        BLAME(status, block_blame(&block, blame_read_batch(b, entries, memory)),
              read_detail(status)),
        body);
}

IpcChannelReadBatchResult ipc_channel_try_read_batch(IpcChannel *channel,
                                                     IpcEntry *entries,
                                                     int count, void *memory,
                                                     size_t size)
{
    return read_batch(block_never(channel, WAIT_READERS), entries, count,
                      memory, size);
}

IpcChannelReadBatchResult
ipc_channel_read_batch_with_timeout(IpcChannel *channel, IpcEntry *entries,
                                    int count, void *memory, size_t size,
                                    const struct timespec *timeout)
{
    return read_batch(block_until(channel, WAIT_READERS, timeout), entries,
                      count, memory, size);
}

static IpcChannelReadBatchResult read_array(struct block block, void *data,
                                            size_t size, int count)
{
    struct IpcBuffer *b = channel_buffer(block.channel);
    IpcBufferReadError body = {0};
    size_t read = 0;
    IpcStatus status;

    while (block_again(&block, &status))
        status = receive_tell(
            &block, batch_read_array(b, data, size, count, &read, &body));
    return ANSWER_LOOK_WITH(
        IpcChannelReadBatchResult, status, read,
        BLAME(status, block_blame(&block, blame_array(b, data, size)),
              read_detail(status)),
        body);
}

IpcChannelReadBatchResult ipc_channel_try_read_array(IpcChannel *channel,
                                                     void *data, size_t size,
                                                     int count)
{
    return read_array(block_never(channel, WAIT_READERS), data, size, count);
}

IpcChannelReadBatchResult
ipc_channel_read_array_with_timeout(IpcChannel *channel, void *data,
                                    size_t size, int count,
                                    const struct timespec *timeout)
{
    return read_array(block_until(channel, WAIT_READERS, timeout), data, size,
                      count);
}
