/* SPDX-License-Identifier: MIT */
#include "channel/send.h"
#include "buffer/batch.h"
#include "buffer/write.h"

/* A write without space may have left filler that a reader has to pass; who
 * moved nothing wakes nobody, as with reads. */
static IpcStatus sent(const struct block *b, IpcStatus status)
{
    struct waiter *w = &b->channel->waiter;

    if (status == IPC_OK)
        wait_notify(w, WAIT_READERS);
    else if (block_end(b->channel, WAIT_WRITERS) != b->before)
        wait_notify_rarely(w, WAIT_READERS);
    return status;
}

IpcStatus send_entry(struct block *b, const void *data, size_t size)
{
    IpcStatus status;

    while (block_again(b, &status))
        status = sent(b, write_entry(&b->channel->buffer, data, size));
    return status;
}

IpcStatus send_pieces(struct block *b, const struct iovec *pieces, int count,
                      size_t *size)
{
    IpcStatus status;

    *size = 0;
    while (block_again(b, &status))
        status =
            sent(b, write_pieces(&b->channel->buffer, pieces, count, size));
    return status;
}

IpcStatus send_reserve(struct block *b, size_t size, IpcReservation *dest)
{
    IpcStatus status;

    while (block_again(b, &status))
        status = sent(b, write_reserve(&b->channel->buffer, size, dest));
    return status;
}

IpcStatus send_batch(struct block *b, const struct iovec *entries, int count,
                     size_t *written, size_t *size)
{
    IpcStatus status;

    *size = 0;
    while (block_again(b, &status))
        status = sent(
            b, batch_write(&b->channel->buffer, entries, count, written, size));
    return status;
}

IpcStatus send_array(struct block *b, const void *data, size_t size, int count,
                     size_t *written)
{
    IpcStatus status;

    while (block_again(b, &status))
        status = sent(b, batch_write_array(&b->channel->buffer, data, size,
                                           count, written));
    return status;
}

IpcStatus send_commit(struct IpcChannel *ch, const IpcReservation *reservation,
                      size_t size)
{
    IpcStatus status = write_commit(&ch->buffer, reservation, size);

    if (status == IPC_OK)
        wait_notify(&ch->waiter, WAIT_READERS);
    return status;
}

IpcStatus send_abort(struct IpcChannel *ch, const IpcReservation *reservation)
{
    IpcStatus status = write_abort(&ch->buffer, reservation);

    /* Entries behind the reservation can be read now. */
    wait_notify_rarely(&ch->waiter, WAIT_READERS);
    return status;
}
