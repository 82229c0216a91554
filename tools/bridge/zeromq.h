/* SPDX-License-Identifier: MIT */
/*
 * The engine on ZeroMQ: a DEALER on the near side, which connects, a ROUTER on
 * the far side, which binds. What ZeroMQ loses when a connection breaks is sent
 * again by near.c.
 */
#ifndef SHMIPC_BRIDGE_ZEROMQ_H
#define SHMIPC_BRIDGE_ZEROMQ_H

#include "bridge/transport.h"

struct zeromq_options {
    void *context;
    const char *title;   /* for logs; stays */
    const char *address; /* tcp://HOST:PORT */
    bool binds;
    size_t largest; /* message that may come in, bytes */
    /* CURVE, in Z85 of 40 letters, or NULL: none. */
    const char *secret, *public;
    const char *server;     /* near: the far side's public key */
    const char *zap_domain; /* far: whose list of keys to ask for */
};

/* NULL: errno says why. */
struct transport *zeromq_open(const struct zeromq_options *options);

/* Whether the address is one that only this machine reaches. */
bool zeromq_is_loopback(const char *address);

#endif
