/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_acknowledge.h for channels.
 */
#include "answer.h"
#include "buffer/ahead.h"
#include "buffer/blame.h"
#include "channel/block.h"
#include <shmipc/ipc_acknowledge.h>

ANSWER_NOTHING(IpcChannelReadAheadResult, bool)

/* Who reads ahead makes no space, but for filler that it passes while nothing
 * is left to acknowledge. */
static IpcStatus tell(const struct block *block, IpcStatus status)
{
    if (block_end(block->channel, WAIT_READERS) != block->before)
        wait_notify_rarely(&block->channel->waiter, WAIT_WRITERS);
    return status;
}

static IpcChannelReadAheadResult read_ahead(struct block block, IpcEntry *dest)
{
    struct IpcBuffer *b = channel_buffer(block.channel);
    IpcBufferReadError body = {0};
    bool again = false;
    IpcStatus status;

    while (block_again(&block, &status))
        status = tell(&block, ahead_read(b, dest, &again, &body));
    /* Who only polls sees to what the dead hold, too. */
    if (status == IPC_EMPTY && b->ring.holders &&
        channel_repair_sometimes(block.channel))
        status = ahead_read(b, dest, &again, &body);
    return ANSWER_LOOK_WITH(
        IpcChannelReadAheadResult, status, again,
        BLAME(status, block_blame(&block, blame_dest(b)), ahead_detail(status)),
        body);
}

IpcChannelReadAheadResult ipc_channel_try_read_ahead(IpcChannel *channel,
                                                     IpcEntry *dest)
{
    return read_ahead(block_never(channel, WAIT_READERS), dest);
}

IpcChannelReadAheadResult
ipc_channel_read_ahead_with_timeout(IpcChannel *channel, IpcEntry *dest,
                                    const struct timespec *timeout)
{
    return read_ahead(block_until(channel, WAIT_READERS, timeout), dest);
}

IpcChannelReadAheadResult ipc_channel_read_ahead_blocking(IpcChannel *channel,
                                                          IpcEntry *dest)
{
    return read_ahead(block_until(channel, WAIT_READERS, NULL), dest);
}

IpcChannelAcknowledgeResult ipc_channel_acknowledge(IpcChannel *channel,
                                                    uint64_t offset)
{
    struct IpcBuffer *b = channel_buffer(channel);
    IpcBufferSkipError body = {0};
    uint64_t count;
    IpcStatus status = ahead_acknowledge(b, offset, &count, &body.offset);

    if (count > 0)
        wait_notify(&channel->waiter, WAIT_WRITERS);
    /* Those who wait for what others hold are told that it was the last.
     * Relaxed: whom the closer did not wake looks at all this later. */
    if (count > 0 && b->ring.holders &&
        atomic_get_relaxed(&b->ring.head->closed))
        wait_notify_rarely(&channel->waiter, WAIT_READERS);
    return ANSWER_WITH(IpcChannelAcknowledgeResult, status, count,
                       BLAME(status, blame_read_ahead(b), ahead_detail(status)),
                       body);
}

IpcChannelGiveBackResult ipc_channel_give_back(IpcChannel *channel,
                                               uint64_t offset)
{
    struct IpcBuffer *b = channel_buffer(channel);
    IpcBufferSkipError body = {0};
    uint64_t count;
    IpcStatus status = ahead_give_back(b, offset, &count, &body.offset);

    if (count > 0 && b->ring.holders)
        wait_notify_rarely(&channel->waiter, WAIT_READERS);
    return ANSWER_WITH(IpcChannelGiveBackResult, status, count,
                       BLAME(status, blame_read_ahead(b), ahead_detail(status)),
                       body);
}
