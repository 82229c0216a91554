/* SPDX-License-Identifier: MIT */
#include "channel/watch.h"
#include "buffer/read.h"
#include "channel/block.h"

/* It may pass filler and so make space. */
static IpcStatus look_as_reader(struct IpcChannel *ch)
{
    uint64_t before = block_end(ch, WAIT_READERS);
    IpcBufferReadError found;
    IpcEntry entry;
    IpcStatus status = read_peek(&ch->buffer, &entry, &found);

    if (block_end(ch, WAIT_READERS) != before)
        wait_notify_rarely(&ch->waiter, WAIT_WRITERS);
    return status;
}

IpcStatus watch_look(struct IpcChannel *ch, enum watcher who)
{
    return who == WATCHER_READS ? look_as_reader(ch) : read_glance(&ch->buffer);
}

/* True: something has changed, so look again. */
static bool look_after(struct IpcChannel *ch)
{
    bool closed = channel_finish_closing(ch);

    return (read_is_stuck(&ch->buffer) && channel_repair(ch)) || closed;
}

IpcStatus watch_announce(struct IpcChannel *ch, enum watcher who,
                         uint32_t *seen)
{
    IpcStatus status;

    *seen = wait_announce(&ch->waiter, WAIT_READERS, WAIT_BY_WORD);
    if (creation_is_over(&ch->buffer.ring))
        return IPC_ERR_FORMATTED_ANEW;
    status = watch_look(ch, who);
    if (!watch_is_ready(status) && look_after(ch))
        status = watch_look(ch, who);
    if (status == IPC_EMPTY && read_is_stuck(&ch->buffer))
        return IPC_ERR_NOT_READY;
    if (status == IPC_EMPTY && channel_lost_producers(ch)) {
        atomic_set_hint(&ch->lost, 1);
        return IPC_ERR_PRODUCERS_DEAD;
    }
    return status;
}
