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

/* What others hold may be given back. */
IpcStatus watch_all_dead(struct IpcChannel *ch)
{
    if (read_is_stuck(&ch->buffer))
        return IPC_ERR_NOT_READY;
    return read_is_with_others(&ch->buffer) ? IPC_EMPTY
                                            : IPC_ERR_PRODUCERS_DEAD;
}

/* What comes of a look that found nothing, after what a blocked call does then.
 */
static IpcStatus look_after(struct IpcChannel *ch, enum watcher who,
                            bool has_slept, IpcStatus status)
{
    bool closed = channel_finish_closing(ch);
    bool stuck = read_is_stuck(&ch->buffer);

    if ((stuck && channel_repair(ch)) || channel_repair_held(ch, has_slept) ||
        closed) {
        status = watch_look(ch, who);
        stuck = read_is_stuck(&ch->buffer);
    }
    if (status != IPC_EMPTY)
        return status;
    if (stuck)
        return IPC_ERR_NOT_READY;
    if (!channel_lost_producers(ch))
        return IPC_EMPTY;
    /* One of them may have written before it died, and after the look, or left
     * a gap and entries behind it. */
    atomic_set_hint(&ch->lost, 1);
    status = watch_look(ch, who);
    if (status != IPC_EMPTY)
        return status;
    return watch_all_dead(ch);
}

IpcStatus watch_announce(struct IpcChannel *ch, enum watcher who,
                         uint32_t *seen)
{
    IpcStatus status;

    *seen = wait_announce(&ch->waiter, WAIT_READERS, WAIT_BY_WORD);
    if (creation_is_over(&ch->buffer.ring))
        return IPC_ERR_FORMATTED_ANEW;
    status = watch_look(ch, who);
    return watch_is_ready(status) ? status : look_after(ch, who, false, status);
}

IpcStatus watch_turn(struct IpcChannel *ch)
{
    IpcStatus status;

    if (creation_is_over(&ch->buffer.ring))
        return IPC_ERR_FORMATTED_ANEW;
    status = watch_look(ch, WATCHER_GLANCES);
    return watch_is_ready(status)
               ? status
               : look_after(ch, WATCHER_GLANCES, true, status);
}
