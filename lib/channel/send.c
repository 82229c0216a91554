/* SPDX-License-Identifier: MIT */
#include "channel/send.h"
#include "buffer/write.h"

IpcStatus send_tell(const struct block *b, IpcStatus status)
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
        status = send_tell(b, write_entry(&b->channel->buffer, data, size));
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
