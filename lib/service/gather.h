/* SPDX-License-Identifier: MIT */
/*
 * How a client waits: for answers, which go to the calls that they are of, and
 * for deadlines and deaths, which end calls without one. All with the client's
 * lock held, which is given back in a sleep.
 */
#ifndef SHMIPC_GATHER_H
#define SHMIPC_GATHER_H

#include "service/client.h"

/* Wakes the threads that wait for others; and waits for them, until then. */
void gather_tell(struct IpcClient *c);
void gather_wait_for_others(struct IpcClient *c, int64_t until);

/* What is there, where nobody else reads; until that call is over, if it is
 * about one. */
void gather_answers(struct IpcClient *c, const struct call *call);

/* Ends the calls that nobody will answer. `all`: nobody serves. Else one of
 * several who do has died, and what he took is not known. */
void gather_end_calls(struct IpcClient *c, bool all, IpcStatus status);

/* Looks who serves, if that is due. */
void gather_look(struct IpcClient *c, int64_t now);

/* The first that is over and that nobody else waits for, or NULL. */
struct call *gather_first_over(const struct IpcClient *c);

/* Until a call is over (NULL: one that nobody else waits for), or `until` (0:
 * not at all). IPC_OK, IPC_EMPTY or IPC_ERR_INTERRUPTED. */
IpcStatus gather_wait(struct IpcClient *c, struct call *call, int64_t until);

#endif
