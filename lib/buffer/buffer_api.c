/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_buffer.h: results and error bodies around the work
 * that handle.c, write.c, read.c and recover.c do.
 */
#include "ring/format.h"
#include "buffer/hot.h"
#include <stdlib.h>
#include <string.h>

uint64_t ipc_buffer_align_size(size_t capacity)
{
    uint64_t blocks =
        (uint64_t)capacity / SHMIPC_BLOCK + (capacity % SHMIPC_BLOCK != 0);

    if (blocks == 0)
        blocks = 1;
    if (blocks > SHMIPC_BLOCKS_MAX)
        return UINT64_MAX;
    return SHMIPC_ALIGN - 1 +
           format_region_size((uint32_t)blocks,
                              format_default_owners((uint32_t)blocks));
}

IpcBufferCreateResult
ipc_buffer_create_with_options(void *mem, size_t size,
                               const IpcBufferOptions *options)
{
    IpcBufferCreateError body = {size, 0};
    const char *detail = NULL;
    IpcBuffer *b = malloc(sizeof *b);
    IpcStatus status;

    if (!b)
        return IpcBufferCreateResult_error(
            IPC_ERR_ALLOCATION, "malloc failed: no memory for the handle");
    status = handle_create(b, mem, size, options, &body, &detail);
    if (status == IPC_OK)
        return IpcBufferCreateResult_ok(IPC_OK, b);
    free(b);
    return IpcBufferCreateResult_error_body(status, detail, body);
}

IpcBufferCreateResult ipc_buffer_create(void *mem, size_t size)
{
    return ipc_buffer_create_with_options(mem, size, NULL);
}

static IpcBufferAttachResult attach(void *mem, size_t size)
{
    IpcBufferAttachError body = {0};
    const char *detail = NULL;
    IpcBuffer *b = malloc(sizeof *b);
    IpcStatus status;

    if (!b)
        return IpcBufferAttachResult_error(
            IPC_ERR_ALLOCATION, handle_attach_detail(IPC_ERR_ALLOCATION));
    status = handle_attach(b, mem, size, &body.min_size, &detail);
    if (status == IPC_OK)
        return IpcBufferAttachResult_ok(IPC_OK, b);
    free(b);
    return IpcBufferAttachResult_error_body(status, detail, body);
}

IpcBufferAttachResult ipc_buffer_attach(void *mem)
{
    return attach(mem, SIZE_MAX);
}

IpcBufferAttachResult ipc_buffer_attach_sized(void *mem, size_t size)
{
    return attach(mem, size);
}

IpcBufferDestroyResult ipc_buffer_destroy(IpcBuffer *buffer)
{
    if (!buffer)
        return IpcBufferDestroyResult_error(
            IPC_ERR_INVALID_ARGUMENT, "the handle is NULL: nothing to release");
    handle_close(buffer);
    free(buffer);
    return IpcBufferDestroyResult_ok(IPC_OK);
}

uint64_t ipc_buffer_max_entry_size(const IpcBuffer *buffer)
{
    return buffer ? buffer->max_entry_size : 0;
}

/* ---------------------------------------------------------------- writes */

static IpcBufferWriteResult write_error(const IpcBuffer *b, const void *data,
                                        size_t size, IpcStatus status)
{
    const char *detail = write_detail(b, data, size, status);
    IpcBufferWriteError body;

    if (!b)
        return IpcBufferWriteResult_error(status, detail);
    write_describe(b, size, &body);
    return IpcBufferWriteResult_error_body(status, detail, body);
}

/* Not inlined: what is rare needs registers that the rest can do without. */
__attribute__((noinline)) static IpcBufferWriteResult
write_otherwise(IpcBuffer *buffer, const void *data, size_t size)
{
    IpcStatus status = write_entry(buffer, data, size);

    if (status != IPC_OK)
        return write_error(buffer, data, size, status);
    return IpcBufferWriteResult_ok(IPC_OK);
}

IpcBufferWriteResult ipc_buffer_write(IpcBuffer *buffer, const void *data,
                                      size_t size)
{
    if (__builtin_expect(write_plain(buffer, data, size), 1))
        return IpcBufferWriteResult_ok(IPC_OK);
    return write_otherwise(buffer, data, size);
}

IpcBufferWriteResult ipc_buffer_writev(IpcBuffer *buffer,
                                       const struct iovec *pieces, int count)
{
    size_t size;
    IpcStatus status = write_pieces(buffer, pieces, count, &size);

    if (status != IPC_OK)
        return write_error(buffer, pieces, size, status);
    return IpcBufferWriteResult_ok(IPC_OK);
}

IpcBufferReserveResult ipc_buffer_reserve(IpcBuffer *buffer, size_t size,
                                          IpcReservation *dest)
{
    IpcStatus status = write_reserve(buffer, size, dest);
    IpcBufferWriteError body;
    const char *detail;

    if (status == IPC_OK)
        return IpcBufferReserveResult_ok(IPC_OK);
    detail = write_detail(buffer, dest, size, status);
    if (!buffer)
        return IpcBufferReserveResult_error(status, detail);
    write_describe(buffer, size, &body);
    return IpcBufferReserveResult_error_body(status, detail, body);
}

IpcBufferCommitResult ipc_buffer_commit(IpcBuffer *buffer,
                                        const IpcReservation *reservation,
                                        size_t size)
{
    IpcStatus status = write_commit(buffer, reservation, size);
    IpcBufferCommitError body = {reservation ? reservation->offset : 0};

    if (status == IPC_OK)
        return IpcBufferCommitResult_ok(IPC_OK);
    return IpcBufferCommitResult_error_body(status, write_commit_detail(status),
                                            body);
}

IpcBufferAbortResult ipc_buffer_abort(IpcBuffer *buffer,
                                      const IpcReservation *reservation)
{
    IpcStatus status = write_abort(buffer, reservation);
    IpcBufferCommitError body = {reservation ? reservation->offset : 0};

    if (status == IPC_OK)
        return IpcBufferAbortResult_ok(IPC_OK);
    return IpcBufferAbortResult_error_body(status, write_commit_detail(status),
                                           body);
}

/* ----------------------------------------------------------------- reads */

__attribute__((noinline)) static IpcBufferReadResult
read_otherwise(IpcBuffer *buffer, IpcEntry *dest)
{
    uint64_t offset = 0;
    size_t needed = 0;
    IpcStatus status = read_entry(buffer, dest, &offset, &needed);
    const IpcBufferReadError body = {offset, needed};

    if (status >= 0)
        return IpcBufferReadResult_ok(status);
    return IpcBufferReadResult_error_body(status, read_detail(status), body);
}

IpcBufferReadResult ipc_buffer_read(IpcBuffer *buffer, IpcEntry *dest)
{
    if (__builtin_expect(read_plain(buffer, dest), 1))
        return IpcBufferReadResult_ok(IPC_OK);
    return read_otherwise(buffer, dest);
}

IpcBufferPeekResult ipc_buffer_peek(IpcBuffer *buffer, IpcEntry *dest)
{
    IpcBufferPeekError body = {0};
    IpcStatus status = read_peek(buffer, dest, &body.offset);

    if (status >= 0)
        return IpcBufferPeekResult_ok(status);
    return IpcBufferPeekResult_error_body(status, read_detail(status), body);
}

IpcBufferSkipResult ipc_buffer_skip(IpcBuffer *buffer, uint64_t offset)
{
    IpcBufferSkipError body = {0};
    IpcStatus status = read_skip(buffer, offset, &body.offset);

    if (status >= 0)
        return IpcBufferSkipResult_ok(status, offset);
    return IpcBufferSkipResult_error_body(status, read_detail(status), body);
}

IpcBufferSkipForceResult ipc_buffer_skip_force(IpcBuffer *buffer)
{
    IpcBufferSkipError body = {0};
    IpcStatus status = recover_skip(buffer, &body.offset);

    if (status >= 0)
        return IpcBufferSkipForceResult_ok(status, body.offset);
    return IpcBufferSkipForceResult_error_body(status, read_detail(status),
                                               body);
}

static IpcBufferRecoverResult recover(IpcBuffer *buffer, bool force)
{
    IpcBufferSkipError body = {0};
    uint64_t removed;
    IpcStatus status = recover_dead(buffer, force, &removed, &body.offset);

    if (status >= 0)
        return IpcBufferRecoverResult_ok(status, removed);
    return IpcBufferRecoverResult_error_body(status, read_detail(status), body);
}

IpcBufferRecoverResult ipc_buffer_recover(IpcBuffer *buffer)
{
    return recover(buffer, false);
}

IpcBufferRecoverResult ipc_buffer_recover_force(IpcBuffer *buffer)
{
    return recover(buffer, true);
}
