/* SPDX-License-Identifier: MIT */
/*
 * What ipc_buffer_write(), ipc_buffer_read() and the calls in place do, but for
 * describing errors. mutate.py compiles this with the library's sources, of
 * which the inlined halves of them are.
 */
#include "buffer/inplace.h"
#include "buffer/read.h"
#include "buffer/write.h"
#include "model.h"

IpcStatus call_write(struct IpcBuffer *b, const void *data, size_t size)
{
    return write_block(b, data, size) || write_blocks(b, data, size)
               ? IPC_OK
               : write_entry(b, data, size);
}

IpcStatus call_read(struct IpcBuffer *b, IpcEntry *dest)
{
    IpcBufferReadError error;
    bool larger;

    return read_block(b, dest, &larger) || (larger && read_blocks(b, dest))
               ? IPC_OK
               : read_entry(b, dest, &error);
}

IpcStatus call_reserve(struct IpcBuffer *b, size_t size, IpcReservation *dest)
{
    return inplace_reserve(b, size, dest) ? IPC_OK
                                          : write_reserve(b, size, dest);
}

IpcStatus call_commit(struct IpcBuffer *b, const IpcReservation *reservation,
                      size_t size)
{
    return inplace_commit(b, reservation, size)
               ? IPC_OK
               : write_commit(b, reservation, size);
}

IpcStatus call_peek(struct IpcBuffer *b, IpcEntry *dest)
{
    IpcBufferReadError error;

    return inplace_peek(b, dest) ? IPC_OK : read_peek(b, dest, &error);
}

IpcStatus call_skip(struct IpcBuffer *b, uint64_t offset)
{
    IpcBufferReadError error;

    return inplace_skip(b, offset) ? IPC_OK : read_skip(b, offset, &error);
}

void call_shut(struct IpcBuffer *b)
{
    close_ring(&b->ring);
}
