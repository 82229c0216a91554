/* SPDX-License-Identifier: MIT */
/*
 * The near side's conversation: sessions, what arrives, what is on its way.
 * What near.h says of sessions is done here.
 */
#ifndef SHMIPC_BRIDGE_SESSION_H
#define SHMIPC_BRIDGE_SESSION_H

#include "bridge/batch.h"
#include "bridge/flights.h"
#include "bridge/intake.h"
#include "bridge/log.h"
#include "bridge/route.h"
#include "bridge/ticks.h"

#define SESSION_IDLE_NS       (100 * TICKS_MS) /* the longest wait for anything */
/* The longest wait for an entry while acknowledgements are awaited, and space
 * is not: so late it is noticed that they came. */
#define SESSION_WAIT_NS       (10 * TICKS_MS)
#define SESSION_HELLO_NS      (500 * TICKS_MS) /* then HELLO is said again ... */
#define SESSION_HELLO_MOST_NS (4 * TICKS_SECOND) /* ... less and less often */

struct near {
    struct route *route;
    struct intake in;
    struct flights flights;
    struct batch batch;
    _Atomic unsigned lent; /* payloads in the channel that are being sent */
    IpcEntry large; /* goes behind the batch, in parts; size 0: there is none */

    uint64_t stream, session;
    bool is_welcome;       /* the session has begun */
    bool is_first;         /* none has since the channel was opened */
    uint64_t sent;         /* the last entry that was sent, or WIRE_NONE */
    uint64_t most;         /* the same, in all sessions */
    uint64_t known;        /* entries up to this one the far side has */
    bool saw_known;        /* that one was still in the channel */
    uint64_t acknowledged; /* the last one, or WIRE_NONE */
    uint64_t largest;      /* entry that fits over there */

    uint64_t hello_at, hello_pause;
    uint64_t moved_at; /* when something was acknowledged, or sent into void */
    uint64_t heard;    /* the last entry that was acknowledged */
    uint64_t heard_at; /* when the far side said anything */
    uint64_t ping_at, ping_pause;
    uint32_t ping_number;
    uint64_t ping_sent; /* what was sent when it was */
    uint64_t measured_at, looked_at;
    uint64_t end; /* when it is asked to stop: until when it may wait */
    struct log_limit limit;
};

/* Whether `a` is an entry behind `b`; WIRE_NONE is before all of them. */
bool session_is_behind(uint64_t a, uint64_t b);

/* The head of a message of this session. */
struct wire_head session_head(const struct near *n, enum wire_kind kind,
                              uint64_t after);

/* Says HELLO, for a session that is another one. */
void session_say_hello(struct near *n);
/* The same where something went wrong: what was not acknowledged is sent again
 * when there is a WELCOME. */
void session_begin_anew(struct near *n);
/* Replaces the connection. */
void session_connect_anew(struct near *n);

/* Heeds all that has arrived, waiting for the first of it. */
void session_listen(struct near *n, int timeout_ms);
/* Asks the far side what it has if it has said nothing new for long. */
void session_ask_if_due(struct near *n);

/* Whether the route is asked to stop, and its time for that is over. */
bool session_must_end(struct near *n);

#endif
