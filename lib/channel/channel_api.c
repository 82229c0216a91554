/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_channel.h: results and error bodies around the work
 * that the other files do.
 */
#include "answer.h"
#include "buffer/blame.h"
#include "buffer/read.h"
#include "buffer/owners.h"
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

ANSWER_APART static IpcChannelWriteResult
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
    if (!write_block(channel_buffer(channel), data, size))
        return false;
    wait_notify(&channel->waiter, WAIT_READERS);
    return true;
}

/* The same for more than a block. */
ANSWER_APART static bool write_blocks_at_once(IpcChannel *channel,
                                              const void *data, size_t size)
{
    if (!write_blocks(channel_buffer(channel), data, size))
        return false;
    wait_notify(&channel->waiter, WAIT_READERS);
    return true;
}

/* After write_at_once(). */
ANSWER_APART static IpcChannelWriteResult
write_larger(IpcChannel *channel, const void *data, size_t size, bool waits)
{
    if (write_blocks_at_once(channel, data, size))
        return IpcChannelWriteResult_ok(IPC_OK);
    return write_otherwise(waits ? block_until(channel, WAIT_WRITERS, NULL)
                                 : block_never(channel, WAIT_WRITERS),
                           data, size);
}

IpcChannelWriteResult ipc_channel_write(IpcChannel *channel, const void *data,
                                        size_t size)
{
    if (__builtin_expect(write_at_once(channel, data, size), 1))
        return IpcChannelWriteResult_ok(IPC_OK);
    return write_larger(channel, data, size, false);
}

IpcChannelWriteResult
ipc_channel_write_with_timeout(IpcChannel *channel, const void *data,
                               size_t size, const struct timespec *timeout)
{
    if (clock_timeout_is_valid(timeout) &&
        (write_at_once(channel, data, size) ||
         write_blocks_at_once(channel, data, size)))
        return IpcChannelWriteResult_ok(IPC_OK);
    return write_otherwise(block_until(channel, WAIT_WRITERS, timeout), data,
                           size);
}

IpcChannelWriteResult ipc_channel_write_blocking(IpcChannel *channel,
                                                 const void *data, size_t size)
{
    if (__builtin_expect(write_at_once(channel, data, size), 1))
        return IpcChannelWriteResult_ok(IPC_OK);
    return write_larger(channel, data, size, true);
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

/* True: it was read, since there was an entry. If there is a *larger one
 * read_blocks_at_once() may do it. */
static inline bool read_at_once(IpcChannel *channel, IpcEntry *dest,
                                bool *larger)
{
    if (!read_block(channel_buffer(channel), dest, larger))
        return false;
    wait_notify(&channel->waiter, WAIT_WRITERS);
    return true;
}

ANSWER_APART static bool read_blocks_at_once(IpcChannel *channel,
                                             IpcEntry *dest)
{
    if (!read_blocks(channel_buffer(channel), dest))
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
ANSWER_APART static IpcChannelReadResult read_otherwise(struct block block,
                                                        IpcEntry *dest)
{
    IpcBufferReadError body = {0};
    IpcStatus status = receive_entry(&block, dest, &body);

    return ANSWER_LOOK(IpcChannelReadResult, status,
                       read_into_detail(&block, dest, status), body);
}

/* Not inlined, as it is after a larger entry or none at all. */
ANSWER_APART static IpcChannelReadResult
read_in_rounds(IpcChannel *channel, IpcEntry *dest, bool larger)
{
    if (larger && read_blocks_at_once(channel, dest))
        return IpcChannelReadResult_ok(IPC_OK);
    return read_otherwise(block_rounds(channel, WAIT_READERS), dest);
}

IpcChannelReadResult ipc_channel_read_into(IpcChannel *channel, IpcEntry *dest)
{
    bool larger;

    if (__builtin_expect(read_at_once(channel, dest, &larger), 1))
        return IpcChannelReadResult_ok(IPC_OK);
    return read_in_rounds(channel, dest, larger);
}

ANSWER_APART static IpcChannelReadResult
read_blocking(IpcChannel *channel, IpcEntry *dest, bool larger)
{
    if (larger && read_blocks_at_once(channel, dest))
        return IpcChannelReadResult_ok(IPC_OK);
    return read_otherwise(block_until(channel, WAIT_READERS, NULL), dest);
}

IpcChannelReadResult ipc_channel_read_into_blocking(IpcChannel *channel,
                                                    IpcEntry *dest)
{
    bool larger;

    if (__builtin_expect(read_at_once(channel, dest, &larger), 1))
        return IpcChannelReadResult_ok(IPC_OK);
    return read_blocking(channel, dest, larger);
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
ANSWER_APART static IpcChannelReadWithTimeoutResult
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
    bool larger;

    if (clock_timeout_is_valid(timeout) &&
        (read_at_once(channel, dest, &larger) ||
         (larger && read_blocks_at_once(channel, dest))))
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

ANSWER_APART static IpcChannelTryReadResult
try_otherwise(IpcChannel *channel, IpcEntry *dest, bool larger)
{
    struct block block = block_never(channel, WAIT_READERS);
    IpcBufferReadError body = {0};
    IpcStatus status = larger && read_blocks_at_once(channel, dest)
                           ? IPC_OK
                           : receive_entry(&block, dest, &body);

    return ANSWER_LOOK(IpcChannelTryReadResult, status,
                       read_into_detail(&block, dest, status), body);
}

IpcChannelTryReadResult ipc_channel_try_read_into(IpcChannel *channel,
                                                  IpcEntry *dest)
{
    bool larger;

    if (__builtin_expect(read_at_once(channel, dest, &larger), 1))
        return IpcChannelTryReadResult_ok(IPC_OK);
    return try_otherwise(channel, dest, larger);
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
