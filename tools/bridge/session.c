/* SPDX-License-Identifier: MIT */
#include "bridge/session.h"
#include "bridge/carrier.h"
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#define PING_NS      (300 * TICKS_MS)   /* then it is asked, and ... */
#define PING_MOST_NS (5 * TICKS_SECOND) /* ... less and less often */
/* A connection that says nothing for so long is replaced. (The far side says
 * something each second, also while its channel is full.) */
#define SILENCE_NS   (10 * TICKS_SECOND)

bool session_is_behind(uint64_t a, uint64_t b)
{
    return a != WIRE_NONE && (b == WIRE_NONE || a > b);
}

struct wire_head session_head(const struct near *n, enum wire_kind kind,
                              uint64_t after)
{
    struct wire_head head = wire_make(kind, n->stream, n->session, after);

    if (n->route->options.is_lossy)
        head.flags = WIRE_LOSSY;
    return head;
}

/* ---------------------------------------------------------------- sessions */

static uint64_t make_session(uint64_t last)
{
    uint64_t number;

    if (getrandom(&number, sizeof number, GRND_NONBLOCK) !=
        (ssize_t)sizeof number)
        number = ticks_now() ^ (last << 1);
    return number ? number : 1;
}

void session_say_hello(struct near *n)
{
    n->session = make_session(n->session);
    n->is_welcome = false;
    n->hello_at = ticks_now();
    transport_say(n->route->transport, NULL,
                  session_head(n, WIRE_HELLO, n->acknowledged));
}

/* Another session, at once; later ones take their time. */
void session_begin_anew(struct near *n)
{
    counters_set(&n->route->counters.is_up, 0);
    n->hello_pause = SESSION_HELLO_NS;
    session_say_hello(n);
}

/* ZeroMQ connects again by itself, but not to who refused us, and a new socket
 * asks again where the name leads. */
void session_connect_anew(struct near *n)
{
    carrier_close(n->route);
    while (!carrier_open(n->route) && !route_stops(n->route))
        route_pause(n->route, TICKS_SECOND);
}

/* Everything up to `after` is safe. */
static void land(struct near *n, uint64_t after)
{
    const struct flight *landed;

    if (after == WIRE_NONE)
        return;
    landed = flights_land(&n->flights, after);
    if (!landed)
        return;
    intake_release(&n->in, landed->last);
    n->acknowledged = landed->last;
    n->moved_at = ticks_now();
    n->ping_pause = PING_NS;
}

/* What is on its way will be read, and sent, again. What a tap has read is not
 * there any more. */
static void take_back(struct near *n)
{
    const struct flight *oldest = flights_oldest(&n->flights);

    if (!oldest)
        return;
    if (n->in.kind == INTAKE_TAP) {
        counters_add(&n->route->counters.gaps, 1);
        n->in.lost += n->most - oldest->first;
    } else {
        intake_rewind(&n->in, oldest->first);
    }
    n->flights.count = 0;
}

static bool can_be(struct near *n, uint64_t after)
{
    uint64_t lag, end;

    intake_measure(&n->in, &lag, &end);
    return after == WIRE_NONE || after < end;
}

static void on_welcome(struct near *n, const struct wire_head *h)
{
    const uint64_t after = h->after;
    struct counters *c = &n->route->counters;

    if (n->is_welcome)
        return;
    if (!can_be(n, after)) {
        log_rarely(&n->limit, n->route->title,
                   "the far side says that it has entry %" PRIu64
                   ", which was never written here",
                   after);
        return;
    }
    land(n, after);
    take_back(n);
    n->heard = n->known = after;
    n->saw_known = after == WIRE_NONE;
    n->sent = after;
    n->largest = h->value;
    n->is_welcome = true;
    n->moved_at = ticks_now();
    n->ping_pause = PING_NS;
    counters_add(&c->sessions, 1);
    counters_set(&c->is_up, 1);
    if (after == WIRE_NONE)
        log_line(n->route->title, "connected; the far side has nothing of this "
                                  "channel yet");
    else
        log_line(n->route->title, "connected; goes on behind entry %" PRIu64,
                 after);
}

/* ------------------------------------------------------------- what arrives */

static void on_pong(struct near *n, const struct wire_head *h)
{
    if (h->number != n->ping_number || n->ping_pause == PING_NS)
        return;
    /* It came behind all that was sent before the question. */
    if (h->after != n->ping_sent && session_is_behind(n->ping_sent, h->after)) {
        log_line(n->route->title, "something was lost on the way");
        session_begin_anew(n);
    }
}

static void on_message(struct near *n, const struct wire_head *h)
{
    bool is_known =
        h->after == WIRE_NONE || !session_is_behind(h->after, n->sent);

    if (h->stream != n->stream || h->session != n->session)
        return; /* of an earlier session, or not for us */
    n->heard_at = ticks_now();
    if (h->kind == WIRE_WELCOME) {
        on_welcome(n, h);
        return;
    }
    if (!n->is_welcome && h->kind != WIRE_RESTART)
        return;
    if (h->kind == WIRE_RESTART) {
        log_line(n->route->title, "the far side asks to begin anew");
        session_begin_anew(n);
    } else if (!is_known) {
        counters_add(&n->route->counters.malformed, 1);
    } else if (h->kind == WIRE_ACK || h->kind == WIRE_PONG) {
        if (session_is_behind(h->after, n->heard))
            n->heard = h->after; /* session_listen() lands it */
        if (h->kind == WIRE_PONG)
            on_pong(n, h);
    }
}

static void on_packet(struct near *n, const struct transport_packet *packet)
{
    struct wire_message m;
    const char *wrong = wire_read(packet->first, packet->first_size,
                                  packet->payload, packet->payload_size, &m);

    if (!wrong) {
        on_message(n, &m.head);
        return;
    }
    counters_add(&n->route->counters.malformed, 1);
    log_rarely(&n->limit, n->route->title, "what came is no message: %s",
               wrong);
}

void session_listen(struct near *n, int timeout_ms)
{
    struct transport *t = n->route->transport;
    struct transport_packet packet;

    /* NULL: it is asked to end, and could not connect. */
    while (t) {
        switch (t->calls->receive(t, &packet, timeout_ms)) {
        case TRANSPORT_DONE:
            on_packet(n, &packet);
            break;
        case TRANSPORT_BROKEN:
            if (n->is_welcome)
                session_begin_anew(n);
            break;
        default:
            t = NULL;
            break;
        }
        timeout_ms = 0;
    }
    /* Once for all that has come: each time wakes writers. */
    if (n->is_welcome)
        land(n, n->heard);
}

/* The far side may not hear us, or we it. */
void session_ask_if_due(struct near *n)
{
    uint64_t now = ticks_now();
    struct wire_head head;

    if (n->flights.count == 0 || now - n->moved_at < n->ping_pause ||
        now - n->ping_at < n->ping_pause)
        return;
    if (now - n->heard_at > SILENCE_NS) {
        log_line(n->route->title, "%s is silent", n->route->options.address);
        session_connect_anew(n);
        session_begin_anew(n);
        return;
    }
    head = session_head(n, WIRE_PING, n->sent);
    head.number = ++n->ping_number;
    n->ping_at = now;
    n->ping_sent = n->sent;
    n->ping_pause =
        2 * n->ping_pause > PING_MOST_NS ? PING_MOST_NS : 2 * n->ping_pause;
    transport_say(n->route->transport, NULL, head);
}

/* Whether it is asked to stop, and its time for that is over. */
bool session_must_end(struct near *n)
{
    if (!route_stops(n->route))
        return false;
    if (n->end == 0)
        n->end = ticks_now() + n->route->options.linger_ns;
    return ticks_now() >= n->end;
}
