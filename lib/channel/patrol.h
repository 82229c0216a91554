/* SPDX-License-Identifier: MIT */
/*
 * One thread of the process that looks at its channels in turn while event
 * loops wait for their descriptors. A blocked call looks now and then for
 * itself, since whoever would wake it can die; an event loop sleeps where we
 * cannot see it, and to wake it for a look at each channel is what idle
 * channels would cost. So this thread looks, and makes a descriptor readable
 * only where a read would find something.
 *
 * ITS TURNS
 *   Every WAIT_CAP_NS it looks at a tenth of the channels, or at PATROL_MIN if
 *   that is more; so each has its turn within a second, and within WAIT_CAP_NS
 *   where there are few. It glances (watch.h), since the program's own threads
 *   read meanwhile, and does what a blocked call does before it sleeps:
 *   repairs, a closing that was cut off, producers that died. Channels with a
 *   handle that cannot signal their eventfd have a turn every
 *   WAIT_UNSIGNALLED_NS.
 *
 * WATCHED SLEEPS
 *   Where a channel's way of waiting is IPC_WAIT_WATCHED, the thread also wakes
 *   those of its process that sleep in a blocked call, every WAIT_ROUSE_NS; so
 *   they need no timer of the kernel's each (wait/wait.h). What there is to
 *   look after they look after themselves. The channel joins when a thread is
 *   to sleep for the first time, in a forked child anew; if there can be no
 *   thread, sleeps have timers.
 *
 * WHEN IT SPEAKS
 *   A poller that has found nothing is armed, and is told once: then it reads,
 *   and is armed anew. The thread takes `armed` back before it makes the
 *   descriptor readable, and the poller sets it after it has made it
 *   unreadable; so who is armed has not missed what the thread said before.
 *
 * WHO MAY DO WHAT
 *   `lock` is around the lines, and held while a channel is looked at: a handle
 *   that goes waits for that. `door` is around coming and going, in which the
 *   thread begins and ends: there is none without a channel. A forked child
 *   makes its own patrol, whatever state the parent's was in.
 *
 * ORDERING
 *   label     released by         acquired by      so that
 *   patrol    the first who       who comes later  it is whole
 *             makes one
 *   poke      poke()              go_round()       what came before it is
 *                                                  seen after a sleep
 */
#ifndef SHMIPC_PATROL_H
#define SHMIPC_PATROL_H

#include "ring/atomics.h"

struct IpcChannel;
struct patrol;

enum {
    PATROL_MIN = 16,
    PATROL_TURNS = 10, /* in which all are looked at */
};

/* What a channel's handle has for it. */
struct patrolled {
    struct patrol *by; /* NULL: nobody's */
    struct IpcChannel *before, *after;
    atomic_u32 armed;   /* hint: 1: a poller found nothing, and waits */
    atomic_u64 watched; /* process_token() of whose sleeps are watched, or 0 */
    atomic_u32 refused; /* hint: 1: there could be no thread */
    atomic_u32 hurries; /* 1: it is in the line of those with a turn more often;
                         * a hint for who does not have the lock */
};

/* From now on the channel has its turns. False: see errno. */
bool patrol_join(struct IpcChannel *ch);

/* Whether this process's sleeps are watched, from now on at the latest; for a
 * channel whose way of waiting says so. Keeps errno. */
bool patrol_watches(struct IpcChannel *ch);

/* For a handle that goes, or that a forked child inherited. */
void patrol_leave(struct IpcChannel *ch);

/* A poller waits for the channel's descriptor, which is not readable. */
void patrol_arm(struct IpcChannel *ch);

#endif
