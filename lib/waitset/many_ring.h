/* SPDX-License-Identifier: MIT */
/*
 * Sleeping for many members in an io_uring in which their waits stay.
 */
#ifndef SHMIPC_MANY_RING_H
#define SHMIPC_MANY_RING_H

#include "waitset/waitset.h"

/* Sleeps until a member is woken, `control` is not `seen`, or until `deadline`.
 * Gives the lock back meanwhile. False: there is no ring, and will be none. */
bool many_ring_sleep(struct IpcWaitSet *set, uint32_t seen, int64_t deadline);

/* The member is about to go: true if the ring has to keep it for a while. */
bool many_ring_keeps(struct member *m);

void many_ring_close(struct IpcWaitSet *set);

#endif
