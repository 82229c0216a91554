/* SPDX-License-Identifier: MIT */
/*
 * Sleeping for many members by futex_waitv, which takes `control` and 127
 * members at once. Whoever waits sleeps for the first so many; for as many
 * more a thread of the set does.
 */
#ifndef SHMIPC_GROUP_H
#define SHMIPC_GROUP_H

#include "waitset/waitset.h"

enum { GROUP_MEMBERS = 127 };

/* As many_ring_sleep(). False: the kernel has no such call, or forbids it. */
bool group_sleep(struct IpcWaitSet *set, uint32_t seen, int64_t deadline);

/* Something about the member at that place has changed: its group has to take
 * the words anew. */
void group_changed(struct IpcWaitSet *set, size_t place);

/* Ends the threads. Takes the lock itself. */
void group_close(struct IpcWaitSet *set);

/* In a forked child, which has no such threads. */
void group_forget(struct IpcWaitSet *set);

#endif
