/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_newest.h for channels.
 */
#include "answer.h"
#include "buffer/blame.h"
#include "buffer/newest.h"
#include "channel/receive.h"
#include <shmipc/ipc_newest.h>

ANSWER_NOTHING(IpcChannelNewestResult, uint64_t)

static IpcChannelNewestResult read_newest(struct block block, IpcEntry *dest)
{
    struct IpcBuffer *b = channel_buffer(block.channel);
    IpcBufferReadError body = {0};
    uint64_t skipped = 0;
    IpcStatus status;

    while (block_again(&block, &status))
        status = receive_tell(&block, newest_read(b, dest, &skipped, &body));
    return ANSWER_LOOK_WITH(IpcChannelNewestResult, status, skipped,
                            BLAME(status,
                                  block_blame(&block, blame_read_into(b, dest)),
                                  newest_detail(b, status)),
                            body);
}

IpcChannelNewestResult ipc_channel_read_newest(IpcChannel *channel,
                                               IpcEntry *dest)
{
    return read_newest(block_never(channel, WAIT_READERS), dest);
}

IpcChannelNewestResult
ipc_channel_read_newest_with_timeout(IpcChannel *channel, IpcEntry *dest,
                                     const struct timespec *timeout)
{
    return read_newest(block_until(channel, WAIT_READERS, timeout), dest);
}

IpcChannelNewestResult ipc_channel_read_newest_blocking(IpcChannel *channel,
                                                        IpcEntry *dest)
{
    return read_newest(block_until(channel, WAIT_READERS, NULL), dest);
}

static IpcChannelNewestResult pin(struct block block, enum newest_which which,
                                  IpcEntry *dest)
{
    struct IpcBuffer *b = channel_buffer(block.channel);
    IpcBufferReadError body = {0};
    uint64_t skipped = 0;
    IpcStatus status;

    while (block_again(&block, &status))
        status =
            receive_tell(&block, newest_pin(b, which, dest, &skipped, &body));
    return ANSWER_LOOK_WITH(IpcChannelNewestResult, status, skipped,
                            BLAME(status, block_blame(&block, blame_dest(b)),
                                  newest_detail(b, status)),
                            body);
}

IpcChannelNewestResult ipc_channel_pin(IpcChannel *channel, IpcEntry *dest)
{
    return pin(block_never(channel, WAIT_READERS), NEWEST_NEXT, dest);
}

IpcChannelNewestResult
ipc_channel_pin_with_timeout(IpcChannel *channel, IpcEntry *dest,
                             const struct timespec *timeout)
{
    return pin(block_until(channel, WAIT_READERS, timeout), NEWEST_NEXT, dest);
}

IpcChannelNewestResult ipc_channel_pin_blocking(IpcChannel *channel,
                                                IpcEntry *dest)
{
    return pin(block_until(channel, WAIT_READERS, NULL), NEWEST_NEXT, dest);
}

IpcChannelNewestResult ipc_channel_pin_newest(IpcChannel *channel,
                                              IpcEntry *dest)
{
    return pin(block_never(channel, WAIT_READERS), NEWEST_NEWEST, dest);
}

IpcChannelNewestResult
ipc_channel_pin_newest_with_timeout(IpcChannel *channel, IpcEntry *dest,
                                    const struct timespec *timeout)
{
    return pin(block_until(channel, WAIT_READERS, timeout), NEWEST_NEWEST,
               dest);
}

IpcChannelNewestResult ipc_channel_pin_newest_blocking(IpcChannel *channel,
                                                       IpcEntry *dest)
{
    return pin(block_until(channel, WAIT_READERS, NULL), NEWEST_NEWEST, dest);
}

IpcChannelUnpinResult ipc_channel_unpin(IpcChannel *channel, uint64_t offset)
{
    struct IpcBuffer *b = channel_buffer(channel);
    IpcBufferSkipError body = {offset};
    IpcStatus status = newest_unpin(b, offset);

    if (status == IPC_OK)
        wait_notify(&channel->waiter, WAIT_WRITERS);
    return ANSWER(IpcChannelUnpinResult, status, newest_unpin_detail(b, status),
                  body);
}
