/* SPDX-License-Identifier: MIT */
/*
 * One channel and one address, in one direction, with a thread of its own.
 */
#ifndef SHMIPC_BRIDGE_ROUTE_H
#define SHMIPC_BRIDGE_ROUTE_H

#include "bridge/counters.h"
#include "bridge/transport.h"
#include <pthread.h>
#include <shmipc/ipc_open.h>

struct route_options {
    bool is_far; /* in, else out */
    bool is_lossy;
    bool is_service; /* calls and answers instead of a channel */
    char *name;      /* of the channel */
    char *address;   /* of the far side */
    IpcOpenOptions open;
    uint64_t largest;   /* far: entry that may come in, bytes */
    uint64_t linger_ns; /* how long to wait for acknowledgements at the end */
    char *secret, *public, *server; /* CURVE, Z85, or NULL */
    char *allowed;                  /* far: file with public keys, or NULL */
};

struct route {
    struct route_options options;
    char *title;   /* "out prices": for logs and metrics */
    char *path;    /* of the channel's file */
    void *context; /* of ZeroMQ */
    struct counters counters;
    _Atomic bool stops;
    pthread_t thread;
    bool runs;
    /* For the thread. */
    struct transport *transport;
};

static inline bool route_stops(struct route *route)
{
    return atomic_load_explicit(&route->stops, memory_order_relaxed);
}

/* Takes what the options hold. NULL: no memory, or no name. */
struct route *route_make(const struct route_options *options, void *context);
/* Asks the thread to end; route_free() waits for it. */
void route_stop(struct route *route);
void route_free(struct route *route);
void route_free_options(struct route_options *options);

/* Sleeps, but not when it is to stop. */
void route_pause(struct route *route, uint64_t ns);

#endif
