/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_channel.h: results and error bodies around the work
 * that the other files do.
 */
#include "answer.h"
#include "buffer/blame.h"
#include "buffer/owners.h"
#include "buffer/read.h"
#include "buffer/stats.h"
#include "buffer/write.h"
#include "channel/poll.h"
#include "channel/receive.h"
#include "channel/send.h"
#include "place/maker.h"
#include "place/place.h"
#include "wait/clock.h"
#include <errno.h>
#include <stdlib.h>

ANSWER_NOTHING(IpcChannelSkipResult, uint64_t)
ANSWER_NOTHING(IpcChannelSkipForceResult, uint64_t)

uint64_t ipc_channel_align_size(size_t capacity)
{
    return ipc_buffer_align_size(capacity);
}

uint64_t ipc_channel_get_min_size(void)
{
    return ipc_buffer_get_min_size();
}

uint64_t ipc_channel_get_memory_overhead(void)
{
    return ipc_buffer_get_memory_overhead();
}

uint64_t ipc_channel_suggest_size(size_t capacity)
{
    return ipc_buffer_suggest_size(capacity);
}

/* The buffer refuses flags that it does not know. One that it knows has another
 * place in a channel's configuration. */
static IpcStatus configure(struct IpcChannel *ch,
                           const IpcChannelConfiguration *c,
                           IpcBufferOptions *options, const char **detail,
                           int64_t *value)
{
    *options = (IpcBufferOptions){
        .struct_size = sizeof *options,
        .flags = c->flags | (c->options & IPC_CHANNEL_HAS_MEMORY_FD
                                 ? IPC_BUFFER_HAS_MEMORY_FD
                                 : 0),
        .max_owners = c->max_owners,
        .max_subscribers = c->max_subscribers,
        .memory_fd = c->memory_fd,
    };
    *value = c->flags;
    *detail = channel_flag_of_buffer;
    if (c->flags & IPC_BUFFER_HAS_MEMORY_FD)
        return IPC_ERR_INVALID_ARGUMENT;
    return channel_configure(ch, c, detail, value);
}

/* With nobody else who formats it by its name. */
static IpcStatus create_alone(struct IpcChannel *ch, void *mem, size_t size,
                              const IpcBufferOptions *options,
                              IpcBufferCreateError *body, const char **detail)
{
    int lock;
    IpcStatus status = maker_begin(mem, options, &lock, detail);

    if (status == IPC_OK) {
        status = channel_create(ch, mem, size, maker_finds_zeros(lock), options,
                                body, detail);
        maker_end(lock);
    } else {
        wait_close(&ch->waiter);
    }
    return status;
}

IpcChannelResult ipc_channel_create(void *mem, size_t size,
                                    IpcChannelConfiguration configuration)
{
    IpcBufferOptions options;
    IpcBufferCreateError body = {.requested_size = size};
    IpcChannel *ch = malloc(sizeof *ch);
    const char *detail;
    IpcStatus status;

    if (!ch)
        return IpcChannelResult_error(
            IPC_ERR_ALLOCATION, "malloc failed: no memory for the handle");
    status = configure(ch, &configuration, &options, &detail, &body.value);
    if (status == IPC_OK)
        status = create_alone(ch, mem, size, &options, &body, &detail);
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
    status = channel_configure_join(ch, &configuration, &detail, &body.value);
    if (status == IPC_OK)
        status = channel_join(ch, mem, size,
                              configuration.options & IPC_CHANNEL_HAS_MEMORY_FD
                                  ? &configuration.memory_fd
                                  : NULL,
                              &body.min_size, &detail);
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
                                             channel_null_handle);
    channel_leave(channel);
    place_leave(channel->buffer.place);
    free(channel);
    return IpcChannelDestroyResult_ok(IPC_OK);
}

uint64_t ipc_channel_max_entry_size(const IpcChannel *channel)
{
    return channel ? channel->buffer.max_entry_size : 0;
}

/* ---------------------------------------------------------------- writes */

/* Not inlined: what is rare needs registers that the rest can do without. */
__attribute__((noinline)) static IpcChannelWriteResult
write_otherwise(struct block block, const void *data, size_t size)
{
    IpcStatus status = send_entry(&block, data, size);
    struct IpcBuffer *b = channel_buffer(block.channel);

    return ANSWER(IpcChannelWriteResult, status,
                  BLAME(status, block_blame(&block, blame_write(b, data)),
                        write_detail(status)),
                  write_body(b, size));
}

/* True: it was written, since nothing was in the way. */
static inline bool write_at_once(IpcChannel *channel, const void *data,
                                 size_t size)
{
    if (!channel || !write_plain(&channel->buffer, data, size))
        return false;
    wait_notify(&channel->waiter, WAIT_READERS);
    return true;
}

IpcChannelWriteResult ipc_channel_write(IpcChannel *channel, const void *data,
                                        size_t size)
{
    if (__builtin_expect(write_at_once(channel, data, size), 1))
        return IpcChannelWriteResult_ok(IPC_OK);
    return write_otherwise(block_never(channel, WAIT_WRITERS), data, size);
}

IpcChannelWriteResult
ipc_channel_write_with_timeout(IpcChannel *channel, const void *data,
                               size_t size, const struct timespec *timeout)
{
    if (clock_timeout_is_valid(timeout) && write_at_once(channel, data, size))
        return IpcChannelWriteResult_ok(IPC_OK);
    return write_otherwise(block_until(channel, WAIT_WRITERS, timeout), data,
                           size);
}

IpcChannelWriteResult ipc_channel_write_blocking(IpcChannel *channel,
                                                 const void *data, size_t size)
{
    if (__builtin_expect(write_at_once(channel, data, size), 1))
        return IpcChannelWriteResult_ok(IPC_OK);
    return write_otherwise(block_until(channel, WAIT_WRITERS, NULL), data,
                           size);
}

static IpcChannelWriteResult
write_pieces_in(struct block block, const struct iovec *pieces, int count)
{
    struct IpcBuffer *b = channel_buffer(block.channel);
    size_t size = 0;
    IpcStatus status;

    while (block_again(&block, &status))
        status = send_tell(&block, write_pieces(b, pieces, count, &size));
    return ANSWER(IpcChannelWriteResult, status,
                  BLAME(status,
                        block_blame(&block, blame_pieces(b, pieces, count)),
                        write_detail(status)),
                  write_body(b, size));
}

IpcChannelWriteResult ipc_channel_writev(IpcChannel *channel,
                                         const struct iovec *pieces, int count)
{
    return write_pieces_in(block_never(channel, WAIT_WRITERS), pieces, count);
}

IpcChannelWriteResult
ipc_channel_writev_with_timeout(IpcChannel *channel, const struct iovec *pieces,
                                int count, const struct timespec *timeout)
{
    return write_pieces_in(block_until(channel, WAIT_WRITERS, timeout), pieces,
                           count);
}

IpcChannelWriteResult ipc_channel_writev_blocking(IpcChannel *channel,
                                                  const struct iovec *pieces,
                                                  int count)
{
    return ipc_channel_writev_with_timeout(channel, pieces, count, NULL);
}

ANSWER_COLD static const char *reserve_detail(const struct block *b,
                                              const IpcReservation *dest,
                                              IpcStatus status)
{
    return BLAME(status, block_blame(b, blame_reserve(b->channel, dest)),
                 write_detail(status));
}

static IpcChannelReserveResult reserve(struct block block, size_t size,
                                       IpcReservation *dest)
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
    return ipc_channel_reserve_with_timeout(channel, size, dest, NULL);
}

IpcChannelCommitResult ipc_channel_commit(IpcChannel *channel,
                                          const IpcReservation *reservation,
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

IpcChannelCloseResult ipc_channel_close(IpcChannel *channel)
{
    if (!channel)
        return IpcChannelCloseResult_error(IPC_ERR_INVALID_ARGUMENT,
                                           channel_null_handle);
    if (channel_close(channel) != IPC_OK)
        return IpcChannelCloseResult_error(IPC_ERR_FORMATTED_ANEW,
                                           handle_formatted_anew);
    return IpcChannelCloseResult_ok(IPC_OK);
}

/* ----------------------------------------------------------------- reads */

/* Why there is no entry: for calls that say where it is, and for those that are
 * told where to. */
ANSWER_COLD static const char *look_detail(const struct block *b,
                                           IpcStatus status)
{
    return BLAME(status, block_blame(b, blame_dest(b->channel)),
                 read_detail(status));
}

ANSWER_COLD static const char *
read_into_detail(const struct block *b, const IpcEntry *dest, IpcStatus status)
{
    return BLAME(status, block_blame(b, blame_read_into(b->channel, dest)),
                 read_detail(status));
}

/* True: it was read, since there was an entry. */
static inline bool read_at_once(IpcChannel *channel, IpcEntry *dest)
{
    if (!channel || !read_plain(&channel->buffer, dest))
        return false;
    wait_notify(&channel->waiter, WAIT_WRITERS);
    return true;
}

IpcChannelReadResult ipc_channel_read(IpcChannel *channel, IpcEntry *dest)
{
    struct block block = block_rounds(channel, WAIT_READERS);
    IpcBufferReadError body = {0};
    IpcStatus status = receive_allocate(&block, dest, &body);

    return ANSWER_LOOK(IpcChannelReadResult, status,
                       look_detail(&block, status), body);
}

IpcChannelReadResult ipc_channel_read_blocking(IpcChannel *channel,
                                               IpcEntry *dest)
{
    struct block block = block_until(channel, WAIT_READERS, NULL);
    IpcBufferReadError body = {0};
    IpcStatus status = receive_allocate(&block, dest, &body);

    return ANSWER_LOOK(IpcChannelReadResult, status,
                       look_detail(&block, status), body);
}

/* Not inlined: see write_otherwise(). */
__attribute__((noinline)) static IpcChannelReadResult
read_otherwise(struct block block, IpcEntry *dest)
{
    IpcBufferReadError body = {0};
    IpcStatus status = receive_entry(&block, dest, &body);

    return ANSWER_LOOK(IpcChannelReadResult, status,
                       read_into_detail(&block, dest, status), body);
}

IpcChannelReadResult ipc_channel_read_into(IpcChannel *channel, IpcEntry *dest)
{
    if (read_at_once(channel, dest))
        return IpcChannelReadResult_ok(IPC_OK);
    return read_otherwise(block_rounds(channel, WAIT_READERS), dest);
}

IpcChannelReadResult ipc_channel_read_into_blocking(IpcChannel *channel,
                                                    IpcEntry *dest)
{
    if (read_at_once(channel, dest))
        return IpcChannelReadResult_ok(IPC_OK);
    return read_otherwise(block_until(channel, WAIT_READERS, NULL), dest);
}

IpcChannelReadWithTimeoutResult
ipc_channel_read_with_timeout(IpcChannel *channel, IpcEntry *dest,
                              const struct timespec *timeout)
{
    struct block block = block_until(channel, WAIT_READERS, timeout);
    IpcBufferReadError body = {0};
    IpcStatus status = receive_allocate(&block, dest, &body);

    return ANSWER_LOOK(IpcChannelReadWithTimeoutResult, status,
                       look_detail(&block, status), body);
}

/* Not inlined: see write_otherwise(). */
__attribute__((noinline)) static IpcChannelReadWithTimeoutResult
read_until_otherwise(struct block block, IpcEntry *dest)
{
    IpcBufferReadError body = {0};
    IpcStatus status = receive_entry(&block, dest, &body);

    return ANSWER_LOOK(IpcChannelReadWithTimeoutResult, status,
                       read_into_detail(&block, dest, status), body);
}

IpcChannelReadWithTimeoutResult
ipc_channel_read_into_with_timeout(IpcChannel *channel, IpcEntry *dest,
                                   const struct timespec *timeout)
{
    if (clock_timeout_is_valid(timeout) && read_at_once(channel, dest))
        return IpcChannelReadWithTimeoutResult_ok(IPC_OK);
    return read_until_otherwise(block_until(channel, WAIT_READERS, timeout),
                                dest);
}

IpcChannelTryReadResult ipc_channel_try_read(IpcChannel *channel,
                                             IpcEntry *dest)
{
    struct block block = block_never(channel, WAIT_READERS);
    IpcBufferReadError body = {0};
    IpcStatus status = receive_allocate(&block, dest, &body);

    return ANSWER_LOOK(IpcChannelTryReadResult, status,
                       look_detail(&block, status), body);
}

__attribute__((noinline)) static IpcChannelTryReadResult
try_otherwise(IpcChannel *channel, IpcEntry *dest)
{
    struct block block = block_never(channel, WAIT_READERS);
    IpcBufferReadError body = {0};
    IpcStatus status = receive_entry(&block, dest, &body);

    return ANSWER_LOOK(IpcChannelTryReadResult, status,
                       read_into_detail(&block, dest, status), body);
}

IpcChannelTryReadResult ipc_channel_try_read_into(IpcChannel *channel,
                                                  IpcEntry *dest)
{
    if (__builtin_expect(read_at_once(channel, dest), 1))
        return IpcChannelTryReadResult_ok(IPC_OK);
    return try_otherwise(channel, dest);
}

static IpcChannelPeekResult peek(struct block block, IpcEntry *dest)
{
    struct IpcBuffer *b = channel_buffer(block.channel);
    IpcBufferReadError found = {0};
    IpcBufferPeekError body;
    IpcStatus status;

    while (block_again(&block, &status))
        status = receive_tell(&block, read_peek(b, dest, &found));
    body = (IpcBufferPeekError){found.offset, found.lost};
    return ANSWER_LOOK(IpcChannelPeekResult, status,
                       look_detail(&block, status), body);
}

/* A peek consumes nothing, so that its handle is const to users, as in the
 * original. Every handle is from malloc: what it remembers may be changed. */
IpcChannelPeekResult ipc_channel_peek(const IpcChannel *channel, IpcEntry *dest)
{
    IpcChannel *own = /* NOLINTNEXTLINE(*-no-int-to-ptr) */
        (IpcChannel *)(uintptr_t)channel;

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
    return ipc_channel_peek_with_timeout(channel, dest, NULL);
}

IpcChannelSkipResult ipc_channel_skip(IpcChannel *channel, uint64_t offset)
{
    IpcBufferReadError found = {0};
    IpcStatus status = channel ? receive_skip(channel, offset, &found)
                               : IPC_ERR_INVALID_ARGUMENT;
    IpcBufferSkipError body = {found.offset};

    return ANSWER_LOOK_WITH(
        IpcChannelSkipResult, status, offset,
        BLAME(status, blame_skip(channel), read_detail(status)), body);
}

IpcChannelSkipForceResult ipc_channel_skip_force(IpcChannel *channel)
{
    IpcBufferSkipError body = {0};
    IpcStatus status = channel ? receive_skip_force(channel, &body.offset)
                               : IPC_ERR_INVALID_ARGUMENT;

    return ANSWER_LOOK_WITH(IpcChannelSkipForceResult, status, body.offset,
                            read_detail(status), body);
}

/* -------------------------------------------------------------- looking on */

IpcChannelRecoverResult ipc_channel_recover(IpcChannel *channel, bool force)
{
    IpcBufferSkipError body = {0};
    uint64_t removed = 0;
    IpcStatus status = channel ? channel_recover(channel, RECOVER_ALL, force,
                                                 &removed, &body.offset)
                               : IPC_ERR_INVALID_ARGUMENT;

    return ANSWER_WITH(IpcChannelRecoverResult, status, removed,
                       read_detail(status), body);
}

IpcChannelFdResult ipc_channel_fd(IpcChannel *channel)
{
    IpcChannelSystemError body = {0};
    const char *detail = channel_null_handle;
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;
    int fd = -1;

    if (channel)
        status = poll_descriptor(channel, &fd, &detail);
    if (status == IPC_ERR_SYSTEM)
        body.sys_errno = errno;
    return ANSWER_WITH(IpcChannelFdResult, status, fd, detail, body);
}

IpcChannelStatsResult ipc_channel_stats(const IpcChannel *channel,
                                        IpcBufferStats *dest)
{
    IpcStatus status = stats_fill(channel ? &channel->buffer : NULL, dest);
    IpcBufferStatsError body = {STATS_SIZE_0_1};

    return ANSWER(IpcChannelStatsResult, status,
                  BLAME(status, blame_stats(channel), stats_detail(status)),
                  body);
}

IpcChannelOwnersResult ipc_channel_owners(const IpcChannel *channel,
                                          IpcOwner *owners, size_t room)
{
    size_t count;
    IpcStatus status =
        owners_list(channel ? &channel->buffer : NULL, owners, room, &count);
    IpcBufferOwnersError body = {OWNERS_SIZE_0_1};

    return ANSWER_WITH(
        IpcChannelOwnersResult, status, count,
        BLAME(status, blame_owners(channel), owners_detail(status)), body);
}
