/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_channel.h that write and read in place.
 */
#include "answer.h"
#include "buffer/blame.h"
#include "buffer/inplace.h"
#include "channel/receive.h"
#include "channel/send.h"

ANSWER_NOTHING(IpcChannelSkipResult, uint64_t)

ANSWER_COLD static const char *reserve_detail(const struct block *b,
                                              const IpcReservation *dest,
                                              IpcStatus status)
{
    return BLAME(status, block_blame(b, blame_reserve(b->channel, dest)),
                 write_detail(status));
}

ANSWER_APART static IpcChannelReserveResult
reserve(struct block block, size_t size, IpcReservation *dest)
{
    struct IpcBuffer *b = channel_buffer(block.channel);
    IpcStatus status;

    while (block_again(&block, &status))
        status = send_tell(&block, write_reserve(b, size, dest));
    return ANSWER(IpcChannelReserveResult, status,
                  reserve_detail(&block, dest, status), write_body(b, size));
}

IpcChannelReserveResult ipc_channel_reserve(IpcChannel *channel, size_t size,
                                            IpcReservation *dest)
{
    if (__builtin_expect(inplace_reserve(channel_buffer(channel), size, dest),
                         1))
        return IpcChannelReserveResult_ok(IPC_OK);
    return reserve(block_never(channel, WAIT_WRITERS), size, dest);
}

IpcChannelReserveResult
ipc_channel_reserve_with_timeout(IpcChannel *channel, size_t size,
                                 IpcReservation *dest,
                                 const struct timespec *timeout)
{
    return reserve(block_until(channel, WAIT_WRITERS, timeout), size, dest);
}

IpcChannelReserveResult ipc_channel_reserve_blocking(IpcChannel *channel,
                                                     size_t size,
                                                     IpcReservation *dest)
{
    if (__builtin_expect(inplace_reserve(channel_buffer(channel), size, dest),
                         1))
        return IpcChannelReserveResult_ok(IPC_OK);
    return reserve(block_until(channel, WAIT_WRITERS, NULL), size, dest);
}

ANSWER_APART static IpcChannelCommitResult
commit_otherwise(IpcChannel *channel, const IpcReservation *reservation,
                 size_t size)
{
    IpcBufferCommitError body = {reservation ? reservation->offset : 0};
    IpcStatus status = channel ? send_commit(channel, reservation, size)
                               : (IpcStatus)WRITE_NO_HANDLE;

    if (status == IPC_OK)
        return IpcChannelCommitResult_ok(IPC_OK);
    return IpcChannelCommitResult_error_body(write_commit_status(status),
                                             write_commit_detail(status), body);
}

IpcChannelCommitResult ipc_channel_commit(IpcChannel *channel,
                                          const IpcReservation *reservation,
                                          size_t size)
{
    if (!inplace_commit(channel_buffer(channel), reservation, size))
        return commit_otherwise(channel, reservation, size);
    wait_notify(&channel->waiter, WAIT_READERS);
    return IpcChannelCommitResult_ok(IPC_OK);
}

IpcChannelAbortResult ipc_channel_abort(IpcChannel *channel,
                                        const IpcReservation *reservation)
{
    IpcBufferCommitError body = {reservation ? reservation->offset : 0};
    IpcStatus status =
        channel ? send_abort(channel, reservation) : (IpcStatus)WRITE_NO_HANDLE;

    if (status == IPC_OK)
        return IpcChannelAbortResult_ok(IPC_OK);
    return IpcChannelAbortResult_error_body(write_commit_status(status),
                                            write_commit_detail(status), body);
}

ANSWER_COLD static const char *peek_detail(const struct block *b,
                                           IpcStatus status)
{
    return BLAME(status, block_blame(b, blame_dest(b->channel)),
                 read_detail(status));
}

ANSWER_APART static IpcChannelPeekResult peek(struct block block,
                                              IpcEntry *dest)
{
    struct IpcBuffer *b = channel_buffer(block.channel);
    IpcBufferReadError found = {0};
    IpcBufferPeekError body;
    IpcStatus status;

    while (block_again(&block, &status))
        status = receive_tell(&block, read_peek(b, dest, &found));
    body = (IpcBufferPeekError){found.offset, found.lost};
    return ANSWER_LOOK(IpcChannelPeekResult, status,
                       peek_detail(&block, status), body);
}

/* A peek consumes nothing, so that its handle is const to users, as in the
 * original. Every handle is from malloc: what it remembers may be changed. */
IpcChannelPeekResult ipc_channel_peek(const IpcChannel *channel, IpcEntry *dest)
{
    IpcChannel *own = /* NOLINTNEXTLINE(*-no-int-to-ptr) */
        (IpcChannel *)(uintptr_t)channel;

    if (__builtin_expect(inplace_peek(channel_buffer(own), dest), 1))
        return IpcChannelPeekResult_ok(IPC_OK);
    return peek(block_never(own, WAIT_READERS), dest);
}

IpcChannelPeekResult
ipc_channel_peek_with_timeout(IpcChannel *channel, IpcEntry *dest,
                              const struct timespec *timeout)
{
    return peek(block_until(channel, WAIT_READERS, timeout), dest);
}

IpcChannelPeekResult ipc_channel_peek_blocking(IpcChannel *channel,
                                               IpcEntry *dest)
{
    if (__builtin_expect(inplace_peek(channel_buffer(channel), dest), 1))
        return IpcChannelPeekResult_ok(IPC_OK);
    return peek(block_until(channel, WAIT_READERS, NULL), dest);
}

ANSWER_APART static IpcChannelSkipResult skip_otherwise(IpcChannel *channel,
                                                        uint64_t offset)
{
    IpcBufferReadError found = {0};
    IpcStatus status = channel ? receive_skip(channel, offset, &found)
                               : IPC_ERR_INVALID_ARGUMENT;
    IpcBufferSkipError body = {found.offset};

    return ANSWER_LOOK_WITH(
        IpcChannelSkipResult, status, offset,
        BLAME(status, blame_skip(channel), read_detail(status)), body);
}

IpcChannelSkipResult ipc_channel_skip(IpcChannel *channel, uint64_t offset)
{
    if (!inplace_skip(channel_buffer(channel), offset))
        return skip_otherwise(channel, offset);
    wait_notify(&channel->waiter, WAIT_WRITERS);
    return IpcChannelSkipResult_ok(IPC_OK, offset);
}
