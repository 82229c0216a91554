/* SPDX-License-Identifier: MIT */
#include "channel/send.h"
#include "buffer/write.h"

/* Whether filler may have been left at the end of a lap that other writers can
 * pass. A plain write leaves none. */
static bool may_have_padded(const struct block *b, uint64_t tail)
{
    const struct ring *r = &b->channel->buffer.ring;

    return !r->one_consumer &&
           position_lap(r, tail) != position_lap(r, b->before);
}

IpcStatus send_tell(const struct block *b, IpcStatus status)
{
    struct waiter *w = &b->channel->waiter;
    uint64_t tail = block_end(b->channel, WAIT_WRITERS);

    if (status == IPC_OK)
        wait_notify(w, WAIT_READERS);
    else if (tail != b->before)
        wait_notify_rarely(w, WAIT_READERS);
    if (may_have_padded(b, tail))
        wait_notify_rarely(w, WAIT_WRITERS);
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

    if (status == IPC_OK)
        channel_tell_all(ch);
    return status;
}
