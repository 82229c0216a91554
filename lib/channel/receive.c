/* SPDX-License-Identifier: MIT */
#include "channel/receive.h"
#include "buffer/read.h"
#include "buffer/recover.h"

/* Also without an entry a read may have passed filler and so made space. But
 * who moved nothing wakes nobody: readers and writers that all wait for one who
 * is stopped would keep each other awake. */
static IpcStatus tell(struct IpcChannel *ch, uint64_t before, IpcStatus status)
{
    if (status == IPC_OK)
        wait_notify(&ch->waiter, WAIT_WRITERS);
    else if (block_end(ch, WAIT_READERS) != before)
        wait_notify_rarely(&ch->waiter, WAIT_WRITERS);
    return status;
}

IpcStatus receive_tell(const struct block *b, IpcStatus status)
{
    return tell(b->channel, b->before, status);
}

IpcStatus receive_entry(struct block *b, IpcEntry *dest,
                        IpcBufferReadError *error)
{
    IpcStatus status;

    while (block_again(b, &status))
        status = receive_tell(b, read_entry(&b->channel->buffer, dest, error));
    return status;
}

IpcStatus receive_slice(struct IpcChannel *ch, IpcEntry *dest, int64_t until,
                        int64_t slice, IpcBufferReadError *error)
{
    struct block block = block_slice(ch, WAIT_READERS, until, slice);

    return receive_entry(&block, dest, error);
}

IpcStatus receive_allocate(struct block *b, IpcEntry *dest,
                           IpcBufferReadError *error)
{
    IpcStatus status;

    while (block_again(b, &status))
        status =
            receive_tell(b, read_allocate(&b->channel->buffer, dest, error));
    return status;
}

IpcStatus receive_skip(struct IpcChannel *ch, uint64_t offset,
                       IpcBufferReadError *error)
{
    uint64_t before = block_end(ch, WAIT_READERS);

    return tell(ch, before, read_skip(&ch->buffer, offset, error));
}

IpcStatus receive_skip_force(struct IpcChannel *ch, uint64_t *offset)
{
    uint64_t before = block_end(ch, WAIT_READERS);

    return tell(ch, before, recover_skip(&ch->buffer, offset));
}
