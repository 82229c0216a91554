/* SPDX-License-Identifier: MIT */
/*
 * What carries messages: three calls and an end. An engine may lose, double and
 * reorder as it likes, and is not told what messages mean: near.c and far.c
 * find that out and see to it. It keeps messages apart.
 *
 * zeromq.c has the one for two sides that are both up, stored.c and its parts
 * the one that stores messages in between.
 */
#ifndef SHMIPC_BRIDGE_TRANSPORT_H
#define SHMIPC_BRIDGE_TRANSPORT_H

#include "bridge/wire.h"

/* Whom an answer goes to; size 0: there is only one. */
struct transport_peer {
    size_t size;
    unsigned char id[64];
};

struct transport_packet {
    const void *first, *payload;
    size_t first_size, payload_size;
    struct transport_peer from;
};

/* Bytes that are sent from where they are. The engine calls `release` when it
 * does not need them any more: from any thread. */
struct transport_payload {
    void *data; /* NULL: there is none */
    size_t size;
    void (*release)(void *data, void *hint);
    void *hint;
};

/* For `release`: free(). */
void transport_free(void *data, void *hint);

enum transport_result {
    TRANSPORT_DONE,
    TRANSPORT_LATER,  /* nothing came, or there is no room, in that time */
    TRANSPORT_BROKEN, /* receive: a connection ended; what was sent last may be
                       * lost. A hint: not each loss is told so */
    TRANSPORT_FAILED, /* errno */
};

struct transport;

struct transport_calls {
    /* Sends a message. The payload is the engine's from now on if the result is
     * TRANSPORT_DONE; `payload` may be NULL. */
    enum transport_result (*send)(struct transport *t,
                                  const struct transport_peer *to,
                                  const void *first, size_t first_size,
                                  const struct transport_payload *payload,
                                  int timeout_ms);
    /* *packet is valid until the next call. */
    enum transport_result (*receive)(struct transport *t,
                                     struct transport_packet *packet,
                                     int timeout_ms);
    /* Says that all up to head->after is safe: `head` is of an ACK. */
    enum transport_result (*acknowledge)(struct transport *t,
                                         const struct transport_peer *to,
                                         const struct wire_head *head);
    void (*close)(struct transport *t);
};

struct transport {
    const struct transport_calls *calls;
};

/* Sends a message that is a head alone; it may get lost. `t` may be NULL. */
void transport_say(struct transport *t, const struct transport_peer *to,
                   struct wire_head head);

#endif
