/* SPDX-License-Identifier: MIT */
/*
 * The engine that stores messages: a stream in Redis, so that both sides need
 * not be up at once. An address is redis://HOST:PORT/KEY.
 *
 * The near side's messages are added to the stream KEY as they would travel,
 * and with each, by one script, the last entry of its stream goes into the hash
 * KEY:last: so a near side that begins anew is told by Redis what is
 * stored already. It lets go of what is stored. The far side reads the messages
 * in their order and removes each when it is committed.
 */
#ifndef SHMIPC_BRIDGE_STORED_H
#define SHMIPC_BRIDGE_STORED_H

#include "bridge/log.h"
#include "bridge/transport.h"
#include <hiredis/hiredis.h>

/* NULL: no memory, or the address is none. Connects later, and again. */
struct transport *stored_near_open(const char *address);
struct transport *stored_far_open(const char *address);

/* What both have. */
struct stored {
    redisContext *redis; /* NULL: not connected */
    char *host, *key, *last_key;
    int port;
    uint64_t tried; /* when it was tried to connect last */
    struct log_limit limit;
};

bool stored_init(struct stored *s, const char *address);
void stored_free(struct stored *s);
/* Connects if need be; not too often. */
bool stored_connect(struct stored *s);
void stored_disconnect(struct stored *s);
/* Logs an answer that is an error, or of another kind than it should be. */
void stored_complain(struct stored *s, const redisReply *r);
/* An answer of Redis; NULL: the connection is gone. */
redisReply *stored_answer(struct stored *s);

#endif
