/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_buffer.h, and those of ipc_batch.h for buffers:
 * results and error bodies around the work that the other files do.
 */
#include "answer.h"
#include "buffer/batch.h"
#include "buffer/blame.h"
#include "buffer/handle_options.h"
#include "buffer/inplace.h"
#include "buffer/owners.h"
#include "buffer/recover.h"
#include "buffer/stats.h"
#include "place/maker.h"
#include "place/place.h"
#include "ring/format.h"
#include <shmipc/ipc_batch.h>
#include <stdlib.h>
#include <string.h>

ANSWER_NOTHING(IpcBufferReadBatchResult, size_t)
ANSWER_NOTHING(IpcBufferSkipResult, uint64_t)
ANSWER_NOTHING(IpcBufferSkipForceResult, uint64_t)

uint64_t ipc_buffer_align_size(size_t capacity)
{
    uint64_t blocks =
        (uint64_t)capacity / SHMIPC_BLOCK + (capacity % SHMIPC_BLOCK != 0);
    uint64_t size;

    if (blocks == 0)
        blocks = 1;
    if (blocks > SHMIPC_BLOCKS_MAX)
        return UINT64_MAX;
    size = SHMIPC_ALIGN - 1 +
           format_region_size((uint32_t)blocks,
                              format_default_owners((uint32_t)blocks), 0, 0);
    return size > SIZE_MAX ? UINT64_MAX : size;
}

uint64_t ipc_buffer_get_min_size(void)
{
    return ipc_buffer_align_size(1);
}

uint64_t ipc_buffer_get_memory_overhead(void)
{
    return ipc_buffer_get_min_size() - SHMIPC_BLOCK;
}

uint64_t ipc_buffer_suggest_size(size_t capacity)
{
    return ipc_buffer_align_size(capacity);
}

IpcBufferCreateResult
ipc_buffer_create_with_options(void *mem, size_t size,
                               const IpcBufferOptions *options)
{
    IpcBufferCreateError body = {.requested_size = size};
    const char *detail = NULL;
    IpcBuffer *b = malloc(sizeof *b);
    IpcStatus status;
    int lock;

    if (!b)
        return IpcBufferCreateResult_error(
            IPC_ERR_ALLOCATION, "malloc failed: no memory for the handle");
    status = maker_begin(mem, options, &lock, &detail);
    if (status == IPC_OK) {
        status = handle_create(b, mem, size, maker_finds_zeros(lock), options,
                               &body, &detail);
        maker_end(lock);
    }
    if (status == IPC_OK)
        return IpcBufferCreateResult_ok(IPC_OK, b);
    free(b);
    return IpcBufferCreateResult_error_body(status, detail, body);
}

IpcBufferCreateResult ipc_buffer_create(void *mem, size_t size)
{
    return ipc_buffer_create_with_options(mem, size, NULL);
}

static IpcStatus join(IpcBuffer *b, const void *mem, size_t size, bool observes,
                      const IpcBufferOptions *options,
                      IpcBufferAttachError *body, const char **detail)
{
    IpcStatus status;

    if (!handle_options_are_known(options, detail, &body->value))
        return IPC_ERR_INVALID_ARGUMENT;
    if (options && options->flags & IPC_BUFFER_RECREATE) {
        *detail = "flags (error.body.value) has IPC_BUFFER_RECREATE: attach "
                  "formats nothing, so leave it out, or create";
        body->value = options->flags;
        return IPC_ERR_INVALID_ARGUMENT;
    }
    status = handle_attach(b, mem, size, observes, &body->min_size, detail);
    if (status == IPC_OK && options &&
        options->flags & IPC_BUFFER_HAS_MEMORY_FD)
        status = handle_check_backing(b, mem, options->memory_fd, detail);
    return status;
}

static IpcBufferAttachResult attach(const void *mem, size_t size, bool observes,
                                    const IpcBufferOptions *options)
{
    IpcBufferAttachError body = {0};
    const char *detail = NULL;
    IpcBuffer *b = malloc(sizeof *b);
    IpcStatus status;

    if (!b)
        return IpcBufferAttachResult_error(
            IPC_ERR_ALLOCATION, handle_attach_detail(IPC_ERR_ALLOCATION));
    status = join(b, mem, size, observes, options, &body, &detail);
    if (status == IPC_OK)
        return IpcBufferAttachResult_ok(IPC_OK, b);
    free(b);
    return IpcBufferAttachResult_error_body(status, detail, body);
}

IpcBufferAttachResult ipc_buffer_attach(void *mem)
{
    return attach(mem, SIZE_MAX, false, NULL);
}

IpcBufferAttachResult ipc_buffer_attach_sized(void *mem, size_t size)
{
    return attach(mem, size, false, NULL);
}

IpcBufferAttachResult ipc_buffer_observe(const void *mem, size_t size)
{
    return attach(mem, size, true, NULL);
}

IpcBufferAttachResult
ipc_buffer_attach_with_options(void *mem, size_t size,
                               const IpcBufferOptions *options)
{
    return attach(mem, size, false, options);
}

IpcBufferDestroyResult ipc_buffer_destroy(IpcBuffer *buffer)
{
    if (!buffer)
        return IpcBufferDestroyResult_error(
            IPC_ERR_INVALID_ARGUMENT, "the handle is NULL: nothing to release");
    handle_close(buffer);
    place_leave(buffer->place);
    free(buffer);
    return IpcBufferDestroyResult_ok(IPC_OK);
}

uint64_t ipc_buffer_max_entry_size(const IpcBuffer *buffer)
{
    return buffer ? buffer->max_entry_size : 0;
}

/* ---------------------------------------------------------------- writes */

ANSWER_APART static IpcBufferWriteResult
write_otherwise(IpcBuffer *buffer, const void *data, size_t size)
{
    IpcStatus status = write_entry(buffer, data, size);

    return ANSWER(
        IpcBufferWriteResult, status,
        BLAME(status, blame_write(buffer, data), write_detail(status)),
        write_body(buffer, size));
}

ANSWER_APART static IpcBufferWriteResult
write_larger(IpcBuffer *buffer, const void *data, size_t size)
{
    if (__builtin_expect(write_blocks(buffer, data, size), 1))
        return IpcBufferWriteResult_ok(IPC_OK);
    return write_otherwise(buffer, data, size);
}

IpcBufferWriteResult ipc_buffer_write(IpcBuffer *buffer, const void *data,
                                      size_t size)
{
    if (__builtin_expect(write_block(buffer, data, size), 1))
        return IpcBufferWriteResult_ok(IPC_OK);
    return size > SHMIPC_BLOCK ? write_larger(buffer, data, size)
                               : write_otherwise(buffer, data, size);
}

IpcBufferWriteResult ipc_buffer_writev(IpcBuffer *buffer,
                                       const struct iovec *pieces, int count)
{
    size_t size;
    IpcStatus status = write_pieces(buffer, pieces, count, &size);

    return ANSWER(IpcBufferWriteResult, status,
                  BLAME(status, blame_pieces(buffer, pieces, count),
                        write_detail(status)),
                  write_body(buffer, size));
}

ANSWER_APART static IpcBufferReserveResult
reserve_otherwise(IpcBuffer *buffer, size_t size, IpcReservation *dest)
{
    IpcStatus status = write_reserve(buffer, size, dest);

    return ANSWER(
        IpcBufferReserveResult, status,
        BLAME(status, blame_reserve(buffer, dest), write_detail(status)),
        write_body(buffer, size));
}

IpcBufferReserveResult ipc_buffer_reserve(IpcBuffer *buffer, size_t size,
                                          IpcReservation *dest)
{
    if (__builtin_expect(inplace_reserve(buffer, size, dest), 1))
        return IpcBufferReserveResult_ok(IPC_OK);
    return reserve_otherwise(buffer, size, dest);
}

ANSWER_APART static IpcBufferCommitResult
commit_otherwise(IpcBuffer *buffer, const IpcReservation *reservation,
                 size_t size)
{
    IpcStatus status = write_commit(buffer, reservation, size);
    IpcBufferCommitError body = {reservation ? reservation->offset : 0};

    if (status == IPC_OK)
        return IpcBufferCommitResult_ok(IPC_OK);
    return IpcBufferCommitResult_error_body(write_commit_status(status),
                                            write_commit_detail(status), body);
}

IpcBufferCommitResult ipc_buffer_commit(IpcBuffer *buffer,
                                        const IpcReservation *reservation,
                                        size_t size)
{
    if (__builtin_expect(inplace_commit(buffer, reservation, size), 1))
        return IpcBufferCommitResult_ok(IPC_OK);
    return commit_otherwise(buffer, reservation, size);
}

IpcBufferAbortResult ipc_buffer_abort(IpcBuffer *buffer,
                                      const IpcReservation *reservation)
{
    IpcStatus status = write_abort(buffer, reservation);
    IpcBufferCommitError body = {reservation ? reservation->offset : 0};

    if (status == IPC_OK)
        return IpcBufferAbortResult_ok(IPC_OK);
    return IpcBufferAbortResult_error_body(write_commit_status(status),
                                           write_commit_detail(status), body);
}

IpcBufferWriteBatchResult ipc_buffer_write_batch(IpcBuffer *buffer,
                                                 const struct iovec *entries,
                                                 int count)
{
    size_t written, size;
    IpcStatus status = batch_write(buffer, entries, count, &written, &size);

    return ANSWER_WITH(IpcBufferWriteBatchResult, status, written,
                       BLAME(status, blame_write_batch(buffer, entries, count),
                             write_detail(status)),
                       write_body(buffer, size));
}

IpcBufferWriteBatchResult ipc_buffer_write_array(IpcBuffer *buffer,
                                                 const void *data, size_t size,
                                                 int count)
{
    size_t written;
    IpcStatus status = batch_write_array(buffer, data, size, count, &written);

    return ANSWER_WITH(
        IpcBufferWriteBatchResult, status, written,
        BLAME(status, blame_array(buffer, data, size), write_detail(status)),
        write_body(buffer, size));
}

/* ----------------------------------------------------------------- reads */

ANSWER_APART static IpcBufferReadResult read_otherwise(IpcBuffer *buffer,
                                                       IpcEntry *dest)
{
    IpcBufferReadError body = {0};
    IpcStatus status = read_entry(buffer, dest, &body);

    return ANSWER_LOOK(
        IpcBufferReadResult, status,
        BLAME(status, blame_read_into(buffer, dest), read_detail(status)),
        body);
}

ANSWER_APART static IpcBufferReadResult read_larger(IpcBuffer *buffer,
                                                    IpcEntry *dest)
{
    if (__builtin_expect(read_blocks(buffer, dest), 1))
        return IpcBufferReadResult_ok(IPC_OK);
    return read_otherwise(buffer, dest);
}

IpcBufferReadResult ipc_buffer_read(IpcBuffer *buffer, IpcEntry *dest)
{
    bool larger;

    if (__builtin_expect(read_block(buffer, dest, &larger), 1))
        return IpcBufferReadResult_ok(IPC_OK);
    return larger ? read_larger(buffer, dest) : read_otherwise(buffer, dest);
}

IpcBufferReadBatchResult ipc_buffer_read_batch(IpcBuffer *buffer,
                                               IpcEntry *entries, int count,
                                               void *memory, size_t size)
{
    IpcBufferReadError body = {0};
    size_t read;
    IpcStatus status =
        batch_read(buffer, entries, count, memory, size, &read, &body);

    return ANSWER_LOOK_WITH(IpcBufferReadBatchResult, status, read,
                            BLAME(status,
                                  blame_read_batch(buffer, entries, memory),
                                  read_detail(status)),
                            body);
}

IpcBufferReadBatchResult ipc_buffer_read_array(IpcBuffer *buffer, void *data,
                                               size_t size, int count)
{
    IpcBufferReadError body = {0};
    size_t read;
    IpcStatus status =
        batch_read_array(buffer, data, size, count, &read, &body);

    return ANSWER_LOOK_WITH(
        IpcBufferReadBatchResult, status, read,
        BLAME(status, blame_array(buffer, data, size), read_detail(status)),
        body);
}

ANSWER_APART static IpcBufferPeekResult peek_otherwise(IpcBuffer *buffer,
                                                       IpcEntry *dest)
{
    IpcBufferReadError found = {0};
    IpcStatus status = read_peek(buffer, dest, &found);
    IpcBufferPeekError body = {found.offset, found.lost};

    return ANSWER_LOOK(IpcBufferPeekResult, status,
                       BLAME(status, blame_dest(buffer), read_detail(status)),
                       body);
}

IpcBufferPeekResult ipc_buffer_peek(IpcBuffer *buffer, IpcEntry *dest)
{
    if (__builtin_expect(inplace_peek(buffer, dest), 1))
        return IpcBufferPeekResult_ok(IPC_OK);
    return peek_otherwise(buffer, dest);
}

ANSWER_APART static IpcBufferSkipResult skip_otherwise(IpcBuffer *buffer,
                                                       uint64_t offset)
{
    IpcBufferReadError found = {0};
    IpcStatus status = read_skip(buffer, offset, &found);
    IpcBufferSkipError body = {found.offset};

    return ANSWER_LOOK_WITH(
        IpcBufferSkipResult, status, offset,
        BLAME(status, blame_skip(buffer), read_detail(status)), body);
}

IpcBufferSkipResult ipc_buffer_skip(IpcBuffer *buffer, uint64_t offset)
{
    if (__builtin_expect(inplace_skip(buffer, offset), 1))
        return IpcBufferSkipResult_ok(IPC_OK, offset);
    return skip_otherwise(buffer, offset);
}

IpcBufferSkipForceResult ipc_buffer_skip_force(IpcBuffer *buffer)
{
    IpcBufferSkipError body = {0};
    IpcStatus status = recover_skip(buffer, &body.offset);

    return ANSWER_LOOK_WITH(IpcBufferSkipForceResult, status, body.offset,
                            read_detail(status), body);
}

/* --------------------------------------------------------------- looking on */

static inline IpcBufferRecoverResult recover(IpcBuffer *buffer, bool force)
{
    IpcBufferSkipError body = {0};
    uint64_t removed;
    IpcStatus status =
        recover_dead(buffer, RECOVER_ALL, force, &removed, &body.offset);

    return ANSWER_WITH(IpcBufferRecoverResult, status, removed,
                       read_detail(status), body);
}

IpcBufferRecoverResult ipc_buffer_recover(IpcBuffer *buffer)
{
    return recover(buffer, false);
}

IpcBufferRecoverResult ipc_buffer_recover_force(IpcBuffer *buffer)
{
    return recover(buffer, true);
}

IpcBufferStatsResult ipc_buffer_stats(const IpcBuffer *buffer,
                                      IpcBufferStats *dest)
{
    IpcStatus status = stats_fill(buffer, dest);
    IpcBufferStatsError body = {STATS_SIZE_0_1};

    return ANSWER(IpcBufferStatsResult, status,
                  BLAME(status, blame_stats(buffer), stats_detail(status)),
                  body);
}

IpcBufferOwnersResult ipc_buffer_owners(const IpcBuffer *buffer,
                                        IpcOwner *owners, size_t room)
{
    size_t count;
    IpcStatus status = owners_list(buffer, owners, room, &count);
    IpcBufferOwnersError body = {OWNERS_SIZE_0_1};

    return ANSWER_WITH(
        IpcBufferOwnersResult, status, count,
        BLAME(status, blame_owners(buffer), owners_detail(status)), body);
}
