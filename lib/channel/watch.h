/* SPDX-License-Identifier: MIT */
/*
 * Looking at a channel for somebody who waits for many: what a read would say,
 * and getting its words ready for a sleep.
 */
#ifndef SHMIPC_WATCH_H
#define SHMIPC_WATCH_H

#include "channel/channel.h"

/* Who looks: the thread that reads, which may take the role of the one consumer
 * and pass filler, or another one of its process, which moves nothing. */
enum watcher { WATCHER_READS, WATCHER_GLANCES };

/* Whether a status says that there is something to do for a reader. */
static inline bool watch_is_ready(IpcStatus status)
{
    return status != IPC_EMPTY && status != IPC_ERR_NOT_READY;
}

/* What a read that does not wait would say; IPC_OK: there is an entry, or, for
 * who only glances, filler to pass. */
IpcStatus watch_look(struct IpcChannel *ch, enum watcher who);

/*
 * S1 to S4 of wait/wait.h, and what a blocked call looks after before it
 * sleeps: repairs, a closing that was cut off, a creator that formats anew,
 * producers that died. The caller may sleep if the status is not ready, for as
 * long as the readers' sequence word is *seen.
 */
IpcStatus watch_announce(struct IpcChannel *ch, enum watcher who,
                         uint32_t *seen);

/* What a read would say to a poller that was announced and sleeps: as a blocked
 * call finds out between two sleeps. By another thread than who reads. */
IpcStatus watch_turn(struct IpcChannel *ch);

/* The status of a read that found nothing after all producers died: there may
 * be more to come all the same. */
IpcStatus watch_all_dead(struct IpcChannel *ch);

/* The readers' sequence word. */
static inline atomic_u32 *watch_word(const struct IpcChannel *ch)
{
    return &wait_words(&ch->waiter, WAIT_READERS)->sequence;
}

#endif
