/* SPDX-License-Identifier: MIT */
/*
 * What ipc_buffer_write() and ipc_buffer_read() do, but for describing errors.
 * mutate.py compiles this with the library's sources, of which the inlined
 * halves of both are.
 */
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

void call_shut(struct IpcBuffer *b)
{
    close_ring(&b->ring);
}
