/* SPDX-License-Identifier: MIT */
/*
 * What ipc_buffer_write() and ipc_buffer_read() do, but for describing errors.
 * mutate.py compiles this with the library's sources, of which the inlined
 * halves of both are.
 */
#include "buffer/hot.h"
#include "model.h"

IpcStatus call_write(struct IpcBuffer *b, const void *data, size_t size)
{
    return hot_write(b, data, size) ? IPC_OK : buffer_write(b, data, size);
}

IpcStatus call_read(struct IpcBuffer *b, IpcEntry *dest)
{
    uint64_t offset;
    size_t needed;

    return hot_read(b, dest) ? IPC_OK : buffer_read(b, dest, &offset, &needed);
}
