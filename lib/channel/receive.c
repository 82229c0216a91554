/* SPDX-License-Identifier: MIT */
#include "channel/receive.h"
#include "buffer/batch.h"
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

static IpcStatus taken(const struct block *b, IpcStatus status)
{
    return tell(b->channel, b->before, status);
}

IpcStatus receive_entry(struct block *b, IpcEntry *dest,
                        IpcBufferReadError *error)
{
    IpcStatus status;

    while (block_again(b, &status))
        status = taken(b, read_entry(&b->channel->buffer, dest, error));
    return status;
}

IpcStatus receive_allocate(struct block *b, IpcEntry *dest,
                           IpcBufferReadError *error)
{
    IpcStatus status;

    while (block_again(b, &status))
        status = taken(b, read_allocate(&b->channel->buffer, dest, error));
    return status;
}

IpcStatus receive_peek(struct block *b, IpcEntry *dest,
                       IpcBufferReadError *error)
{
    IpcStatus status;

    while (block_again(b, &status))
        status = taken(b, read_peek(&b->channel->buffer, dest, error));
    return status;
}

IpcStatus receive_batch(struct block *b, IpcEntry *entries, int count,
                        void *memory, size_t size, size_t *read,
                        IpcBufferReadError *error)
{
    IpcStatus status;

    *read = 0;
    while (block_again(b, &status))
        status = taken(b, batch_read(&b->channel->buffer, entries, count,
                                     memory, size, read, error));
    return status;
}

IpcStatus receive_array(struct block *b, void *data, size_t size, int count,
                        size_t *read, IpcBufferReadError *error)
{
    IpcStatus status;

    *read = 0;
    while (block_again(b, &status))
        status = taken(b, batch_read_array(&b->channel->buffer, data, size,
                                           count, read, error));
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
