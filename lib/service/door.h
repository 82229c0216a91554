/* SPDX-License-Identifier: MIT */
/*
 * Who comes to serve and who leaves, one at a time: whether somebody else
 * serves, and what follows from that, must be one step. The lock is an open
 * file description lock on a byte of the file of requests, of a description
 * made for that and closed with it; the kernel lets go when its process dies.
 *
 *     joined, and somebody serves        serve beside him
 *     made it, and it still has its name serve
 *     joined, and nobody serves          what the dead left, or those who are
 *                                        gone: remove the name, begin again
 *
 * So requests that were sent to the dead are not carried out by their
 * successors. The clients see a channel whose crew is dead, and open the name
 * again.
 */
#ifndef SHMIPC_DOOR_H
#define SHMIPC_DOOR_H

#include "service/crew.h"
#include <shmipc/ipc_open.h>

/* Opens the channel of requests and joins its crew. */
IpcStatus door_enter(const char *name, const IpcOpenOptions *options,
                     bool alone, IpcChannel **requests, IpcOpenError *body,
                     const char **detail);

/* For who called: removes the name of a channel whose crew is gone. */
void door_tidy(const IpcChannel *ch);

/* Ends the service for all. */
IpcStatus door_close(IpcChannel *ch);

/* Leaves the crew; the last one closes the service. `settle` is called in
 * between, told whether that was so. The handle is released. */
void door_leave(IpcChannel *ch, void (*settle)(void *user, bool closed),
                void *user);

#endif
