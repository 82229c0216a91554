/* SPDX-License-Identifier: MIT */
/*
 * How much memory others can make libzmq take. It gathers the parts of a
 * message until the last of them has come, without any bound, and shows none
 * before: so who sends a message without end is found out by what his
 * connection has brought while no message came out of it, and is cut off. So is
 * the oldest connection of those that have not said anything yet, where these
 * are many.
 *
 * It looks at the sockets of connections, of which libzmq tells: by a thread
 * for a socket that binds, whose owner may be waiting for space while others
 * send; else when its owner calls.
 */
#ifndef SHMIPC_BRIDGE_GUARD_H
#define SHMIPC_BRIDGE_GUARD_H

#include <stdbool.h>

struct guard;

enum {
    /* More than a queue of messages that are allowed, which an honest one may
     * have there. A connection that is idle for days gets to it by heartbeats,
     * and is made anew. */
    GUARD_GATHERED_MAX = 16 << 20,
    GUARD_SILENT_MAX = 64, /* connections that have not brought a message */
};

/* Begins to guard a socket that is neither bound nor connected yet. NULL: errno
 * says why. `title` is for logs, and stays the caller's. */
struct guard *guard_start(void *context, void *socket, const char *title,
                          bool by_thread);

/* Looks, without a thread. True: a connection has ended since the last call. */
bool guard_look(struct guard *guard);

/* A message came from the connection with that descriptor (ZMQ_SRCFD). */
void guard_heard(struct guard *guard, int fd);

/* Before the socket is closed. `guard` may be NULL. */
void guard_stop(struct guard *guard);

#endif
