/* SPDX-License-Identifier: MIT */
#include "channel/receive.h"
#include "buffer/batch.h"
#include "buffer/read.h"
#include "buffer/recover.h"

/* Also without an entry a read may have passed filler and so made space. */
static IpcStatus taken(struct IpcChannel *ch, IpcStatus status)
{
    if (status >= 0)
        wait_notify(&ch->waiter, WAIT_WRITERS);
    else
        wait_notify_rarely(&ch->waiter, WAIT_WRITERS);
    return status;
}

IpcStatus receive_entry(struct block *b, IpcEntry *dest,
                        IpcBufferReadError *error)
{
    IpcStatus status;

    while (block_again(b, &status))
        status =
            taken(b->channel, read_entry(&b->channel->buffer, dest, error));
    return status;
}

IpcStatus receive_allocate(struct block *b, IpcEntry *dest,
                           IpcBufferReadError *error)
{
    IpcStatus status;

    while (block_again(b, &status))
        status =
            taken(b->channel, read_allocate(&b->channel->buffer, dest, error));
    return status;
}

IpcStatus receive_peek(struct block *b, IpcEntry *dest,
                       IpcBufferReadError *error)
{
    IpcStatus status;

    while (block_again(b, &status))
        status = taken(b->channel, read_peek(&b->channel->buffer, dest, error));
    return status;
}

IpcStatus receive_batch(struct block *b, IpcEntry *entries, int count,
                        void *memory, size_t size, size_t *read,
                        IpcBufferReadError *error)
{
    IpcStatus status;

    *read = 0;
    while (block_again(b, &status))
        status =
            taken(b->channel, batch_read(&b->channel->buffer, entries, count,
                                         memory, size, read, error));
    return status;
}

IpcStatus receive_array(struct block *b, void *data, size_t size, int count,
                        size_t *read, IpcBufferReadError *error)
{
    IpcStatus status;

    *read = 0;
    while (block_again(b, &status))
        status = taken(b->channel, batch_read_array(&b->channel->buffer, data,
                                                    size, count, read, error));
    return status;
}

IpcStatus receive_skip(struct IpcChannel *ch, uint64_t offset,
                       IpcBufferReadError *error)
{
    return taken(ch, read_skip(&ch->buffer, offset, error));
}

IpcStatus receive_skip_force(struct IpcChannel *ch, uint64_t *offset)
{
    return taken(ch, recover_skip(&ch->buffer, offset));
}
