/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_channel.h: arguments, results and error bodies
 * around channel.c.
 */
#include "channel/channel.h"
#include <errno.h>
#include <stdlib.h>

static const char null_handle[] =
    "the handle is NULL: create or connect a channel first";

uint64_t ipc_channel_align_size(size_t capacity)
{
    return ipc_buffer_align_size(capacity);
}

IpcChannelResult ipc_channel_create(void *mem, size_t size,
                                    IpcChannelConfiguration configuration)
{
    IpcBufferOptions options = {.struct_size = sizeof options,
                                .flags = configuration.flags,
                                .max_owners = configuration.max_owners};
    IpcBufferCreateError body = {size, 0};
    IpcChannel *ch = malloc(sizeof *ch);
    const char *detail;
    IpcStatus status;

    if (!ch)
        return IpcChannelResult_error(
            IPC_ERR_ALLOCATION, "malloc failed: no memory for the handle");
    status = channel_configure(ch, &configuration, &detail);
    if (status == IPC_OK)
        status = channel_create(ch, mem, size, &options, &body, &detail);
    if (status == IPC_OK)
        return IpcChannelResult_ok(IPC_OK, ch);
    free(ch);
    return IpcChannelResult_error_body(status, detail, body);
}

IpcChannelConnectResult
ipc_channel_connect_sized(void *mem, size_t size,
                          IpcChannelConfiguration configuration)
{
    IpcBufferAttachError body = {0};
    IpcChannel *ch = malloc(sizeof *ch);
    const char *detail;
    IpcStatus status;

    if (!ch)
        return IpcChannelConnectResult_error(
            IPC_ERR_ALLOCATION, handle_attach_detail(IPC_ERR_ALLOCATION));
    status = channel_configure(ch, &configuration, &detail);
    if (status == IPC_OK)
        status = channel_join(ch, mem, size, &body.min_size, &detail);
    if (status == IPC_OK)
        return IpcChannelConnectResult_ok(IPC_OK, ch);
    free(ch);
    return IpcChannelConnectResult_error_body(status, detail, body);
}

IpcChannelConnectResult
ipc_channel_connect(void *mem, IpcChannelConfiguration configuration)
{
    return ipc_channel_connect_sized(mem, SIZE_MAX, configuration);
}

IpcChannelDestroyResult ipc_channel_destroy(IpcChannel *channel)
{
    if (!channel)
        return IpcChannelDestroyResult_error(IPC_ERR_INVALID_ARGUMENT,
                                             null_handle);
    channel_leave(channel);
    free(channel);
    return IpcChannelDestroyResult_ok(IPC_OK);
}

uint64_t ipc_channel_max_entry_size(const IpcChannel *channel)
{
    return channel ? channel->buffer.max_entry_size : 0;
}

/* ---------------------------------------------------------------- writes */

static IpcBufferWriteError write_body(const IpcChannel *channel, size_t size)
{
    IpcBufferWriteError body;

    write_describe(&channel->buffer, size, &body);
    return body;
}

IpcChannelWriteResult ipc_channel_write(IpcChannel *channel, const void *data,
                                        size_t size)
{
    IpcStatus status;

    if (!channel)
        return IpcChannelWriteResult_error(IPC_ERR_INVALID_ARGUMENT,
                                           null_handle);
    status = channel_write(channel, data, size);
    if (__builtin_expect(status == IPC_OK, 1))
        return IpcChannelWriteResult_ok(IPC_OK);
    return IpcChannelWriteResult_error_body(
        status, write_detail(&channel->buffer, data, size, status),
        write_body(channel, size));
}

static IpcChannelWriteResult
write_result(IpcChannel *channel, const struct sending *what, IpcStatus status)
{
    if (status == IPC_OK)
        return IpcChannelWriteResult_ok(IPC_OK);
    return IpcChannelWriteResult_error_body(
        status, write_detail(&channel->buffer, what->data, what->size, status),
        write_body(channel, what->size));
}

static IpcChannelReserveResult reserve_result(IpcChannel *channel,
                                              const struct sending *what,
                                              IpcStatus status)
{
    if (status == IPC_OK)
        return IpcChannelReserveResult_ok(IPC_OK);
    return IpcChannelReserveResult_error_body(
        status, write_detail(&channel->buffer, what->dest, what->size, status),
        write_body(channel, what->size));
}

IpcChannelWriteResult ipc_channel_writev(IpcChannel *channel,
                                         const struct iovec *pieces, int count)
{
    struct sending what = {
        .kind = SENDING_PIECES, .data = pieces, .count = count};

    if (!channel)
        return IpcChannelWriteResult_error(IPC_ERR_INVALID_ARGUMENT,
                                           null_handle);
    return write_result(channel, &what, channel_send(channel, &what));
}

IpcChannelReserveResult ipc_channel_reserve(IpcChannel *channel, size_t size,
                                            IpcReservation *dest)
{
    struct sending what = {.kind = SENDING_RESERVE, .size = size, .dest = dest};

    if (!channel)
        return IpcChannelReserveResult_error(IPC_ERR_INVALID_ARGUMENT,
                                             null_handle);
    return reserve_result(channel, &what, channel_send(channel, &what));
}

IpcChannelWriteResult
ipc_channel_write_with_timeout(IpcChannel *channel, const void *data,
                               size_t size, const struct timespec *timeout)
{
    struct sending what = {.kind = SENDING_DATA, .data = data, .size = size};

    if (!channel)
        return IpcChannelWriteResult_error(IPC_ERR_INVALID_ARGUMENT,
                                           null_handle);
    return write_result(channel, &what,
                        channel_send_until(channel, &what, timeout));
}

IpcChannelWriteResult ipc_channel_write_blocking(IpcChannel *channel,
                                                 const void *data, size_t size)
{
    return ipc_channel_write_with_timeout(channel, data, size, NULL);
}

IpcChannelWriteResult
ipc_channel_writev_with_timeout(IpcChannel *channel, const struct iovec *pieces,
                                int count, const struct timespec *timeout)
{
    struct sending what = {
        .kind = SENDING_PIECES, .data = pieces, .count = count};

    if (!channel)
        return IpcChannelWriteResult_error(IPC_ERR_INVALID_ARGUMENT,
                                           null_handle);
    return write_result(channel, &what,
                        channel_send_until(channel, &what, timeout));
}

IpcChannelReserveResult
ipc_channel_reserve_with_timeout(IpcChannel *channel, size_t size,
                                 IpcReservation *dest,
                                 const struct timespec *timeout)
{
    struct sending what = {.kind = SENDING_RESERVE, .size = size, .dest = dest};

    if (!channel)
        return IpcChannelReserveResult_error(IPC_ERR_INVALID_ARGUMENT,
                                             null_handle);
    return reserve_result(channel, &what,
                          channel_send_until(channel, &what, timeout));
}

IpcChannelCloseResult ipc_channel_close(IpcChannel *channel)
{
    if (!channel)
        return IpcChannelCloseResult_error(IPC_ERR_INVALID_ARGUMENT,
                                           null_handle);
    channel_close(channel);
    return IpcChannelCloseResult_ok(IPC_OK);
}

IpcChannelCommitResult ipc_channel_commit(IpcChannel *channel,
                                          const IpcReservation *reservation,
                                          size_t size)
{
    IpcBufferCommitError body = {reservation ? reservation->offset : 0};
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;

    if (channel)
        status = channel_commit(channel, reservation, size);
    if (status == IPC_OK)
        return IpcChannelCommitResult_ok(IPC_OK);
    return IpcChannelCommitResult_error_body(status,
                                             write_commit_detail(status), body);
}

IpcChannelAbortResult ipc_channel_abort(IpcChannel *channel,
                                        const IpcReservation *reservation)
{
    IpcBufferCommitError body = {reservation ? reservation->offset : 0};
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;

    if (channel)
        status = channel_abort(channel, reservation);
    if (status == IPC_OK)
        return IpcChannelAbortResult_ok(IPC_OK);
    return IpcChannelAbortResult_error_body(status, write_commit_detail(status),
                                            body);
}

/* ----------------------------------------------------------------- reads */

static IpcStatus read_rounds(IpcChannel *channel, struct request *q)
{
    return channel && q->dest ? channel_read_rounds(channel, q)
                              : IPC_ERR_INVALID_ARGUMENT;
}

static IpcStatus read_until(IpcChannel *channel, struct request *q,
                            const struct timespec *timeout)
{
    return channel && q->dest ? channel_read_until(channel, q, timeout)
                              : IPC_ERR_INVALID_ARGUMENT;
}

static IpcStatus read_now(IpcChannel *channel, struct request *q)
{
    return channel && q->dest ? channel_try(channel, q)
                              : IPC_ERR_INVALID_ARGUMENT;
}

static IpcBufferReadError read_body(const struct request *q)
{
    IpcBufferReadError body = {q->offset, q->needed};

    return body;
}

static const char *timed_detail(const struct timespec *timeout,
                                IpcStatus status)
{
    if (status == IPC_ERR_INVALID_ARGUMENT && timeout)
        return "the handle or the destination is NULL, or the timeout is "
               "negative or has a tv_nsec out of range";
    return read_detail(status);
}

static IpcChannelReadResult read_result(IpcStatus status,
                                        const struct request *q)
{
    if (status >= 0)
        return IpcChannelReadResult_ok(status);
    return IpcChannelReadResult_error_body(status, read_detail(status),
                                           read_body(q));
}

IpcChannelReadResult ipc_channel_read(IpcChannel *channel, IpcEntry *dest)
{
    struct request q = {.kind = REQUEST_ALLOCATE, .dest = dest};

    return read_result(read_rounds(channel, &q), &q);
}

IpcChannelReadResult ipc_channel_read_into(IpcChannel *channel, IpcEntry *dest)
{
    struct request q = {.kind = REQUEST_INTO, .dest = dest};

    return read_result(read_rounds(channel, &q), &q);
}

static IpcChannelReadWithTimeoutResult
timed_result(IpcStatus status, const struct request *q,
             const struct timespec *timeout)
{
    if (status >= 0)
        return IpcChannelReadWithTimeoutResult_ok(status);
    return IpcChannelReadWithTimeoutResult_error_body(
        status, timed_detail(timeout, status), read_body(q));
}

IpcChannelReadWithTimeoutResult
ipc_channel_read_with_timeout(IpcChannel *channel, IpcEntry *dest,
                              const struct timespec *timeout)
{
    struct request q = {.kind = REQUEST_ALLOCATE, .dest = dest};

    return timed_result(read_until(channel, &q, timeout), &q, timeout);
}

IpcChannelReadWithTimeoutResult
ipc_channel_read_into_with_timeout(IpcChannel *channel, IpcEntry *dest,
                                   const struct timespec *timeout)
{
    struct request q = {.kind = REQUEST_INTO, .dest = dest};

    return timed_result(read_until(channel, &q, timeout), &q, timeout);
}

static IpcChannelTryReadResult try_result(IpcStatus status,
                                          const struct request *q)
{
    if (status >= 0)
        return IpcChannelTryReadResult_ok(status);
    return IpcChannelTryReadResult_error_body(status, read_detail(status),
                                              read_body(q));
}

IpcChannelTryReadResult ipc_channel_try_read(IpcChannel *channel,
                                             IpcEntry *dest)
{
    struct request q = {.kind = REQUEST_ALLOCATE, .dest = dest};

    return try_result(read_now(channel, &q), &q);
}

IpcChannelTryReadResult ipc_channel_try_read_into(IpcChannel *channel,
                                                  IpcEntry *dest)
{
    struct request q = {.kind = REQUEST_INTO, .dest = dest};

    return try_result(read_now(channel, &q), &q);
}

static IpcChannelPeekResult peek_result(IpcStatus status,
                                        const struct request *q,
                                        const struct timespec *timeout)
{
    IpcBufferPeekError body = {q->offset};

    if (status >= 0)
        return IpcChannelPeekResult_ok(status);
    return IpcChannelPeekResult_error_body(status,
                                           timed_detail(timeout, status), body);
}

IpcChannelPeekResult ipc_channel_peek(IpcChannel *channel, IpcEntry *dest)
{
    struct request q = {.kind = REQUEST_PEEK, .dest = dest};

    return peek_result(read_now(channel, &q), &q, NULL);
}

IpcChannelPeekResult
ipc_channel_peek_with_timeout(IpcChannel *channel, IpcEntry *dest,
                              const struct timespec *timeout)
{
    struct request q = {.kind = REQUEST_PEEK, .dest = dest};

    return peek_result(read_until(channel, &q, timeout), &q, timeout);
}

IpcChannelSkipResult ipc_channel_skip(IpcChannel *channel, uint64_t offset)
{
    IpcBufferSkipError body = {0};
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;

    if (channel)
        status = channel_skip(channel, offset, &body.offset);
    if (status >= 0)
        return IpcChannelSkipResult_ok(status, offset);
    return IpcChannelSkipResult_error_body(status, read_detail(status), body);
}

IpcChannelSkipForceResult ipc_channel_skip_force(IpcChannel *channel)
{
    IpcBufferSkipError body = {0};
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;

    if (channel)
        status = channel_skip_force(channel, &body.offset);
    if (status >= 0)
        return IpcChannelSkipForceResult_ok(status, body.offset);
    return IpcChannelSkipForceResult_error_body(status, read_detail(status),
                                                body);
}

IpcChannelRecoverResult ipc_channel_recover(IpcChannel *channel, bool force)
{
    IpcBufferSkipError body = {0};
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;
    uint64_t removed = 0;

    if (channel)
        status = channel_recover(channel, force, &removed, &body.offset);
    if (status >= 0)
        return IpcChannelRecoverResult_ok(status, removed);
    return IpcChannelRecoverResult_error_body(status, read_detail(status),
                                              body);
}

IpcChannelFdResult ipc_channel_fd(IpcChannel *channel)
{
    IpcChannelSystemError body = {0};
    const char *detail;
    IpcStatus status;
    int fd;

    if (!channel)
        return IpcChannelFdResult_error(IPC_ERR_INVALID_ARGUMENT, null_handle);
    status = channel_poll(channel, &fd, &detail);
    if (status == IPC_OK)
        return IpcChannelFdResult_ok(IPC_OK, fd);
    if (status == IPC_ERR_SYSTEM)
        body.sys_errno = errno;
    return IpcChannelFdResult_error_body(status, detail, body);
}

IpcChannelStatsResult ipc_channel_stats(const IpcChannel *channel,
                                        IpcBufferStats *dest)
{
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;
    IpcBufferStatsError body = {sizeof(IpcBufferStats)};

    if (channel)
        status = stats_fill(&channel->buffer, dest);
    if (status == IPC_OK)
        return IpcChannelStatsResult_ok(IPC_OK);
    return IpcChannelStatsResult_error_body(status, stats_detail(status), body);
}
