/* SPDX-License-Identifier: MIT */
#include "bridge/near.h"
#include "bridge/batch.h"
#include "bridge/flights.h"
#include "bridge/intake.h"
#include "bridge/log.h"
#include "bridge/ticks.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define IDLE_NS       (100 * TICKS_MS) /* the longest wait */
#define WAIT_LEAST_NS UINT64_C(50000)  /* while acknowledgements are awaited */
#define WAIT_MOST_NS  (2 * TICKS_MS)
#define HELLO_NS      (500 * TICKS_MS)   /* then HELLO is said again ... */
#define HELLO_MOST_NS (4 * TICKS_SECOND) /* ... less and less often */
#define PING_NS       (300 * TICKS_MS)   /* the same for PING */
#define PING_MOST_NS  (5 * TICKS_SECOND)
#define MEASURE_NS    (200 * TICKS_MS)

struct near {
    struct route *route;
    struct transport *transport;
    struct intake in;
    struct flights flights;
    struct batch batch;

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
    uint64_t ping_at, ping_pause;
    uint32_t ping_number;
    uint64_t ping_sent; /* what was sent when it was */
    uint64_t wait_ns, measured_at, looked_at;
    uint64_t end; /* when it is asked to stop: until when it may wait */
    struct log_limit limit;
};

/* Whether `a` is an entry behind `b`; WIRE_NONE is before all of them. */
static bool is_behind(uint64_t a, uint64_t b)
{
    return a != WIRE_NONE && (b == WIRE_NONE || a > b);
}

static struct wire_head head_of(const struct near *n, enum wire_kind kind,
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

static void say_hello(struct near *n)
{
    n->session = make_session(n->session);
    n->is_welcome = false;
    n->hello_at = ticks_now();
    transport_say(n->transport, NULL, head_of(n, WIRE_HELLO, n->acknowledged));
}

/* Another session, at once; later ones take their time. */
static void begin_anew(struct near *n)
{
    counters_set(&n->route->counters.is_up, 0);
    n->hello_pause = HELLO_NS;
    say_hello(n);
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
    n->wait_ns = WAIT_LEAST_NS;
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
    n->known = after;
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
    if (h->after != n->ping_sent && is_behind(n->ping_sent, h->after)) {
        log_line(n->route->title, "something was lost on the way");
        begin_anew(n);
    }
}

static void on_message(struct near *n, const struct wire_head *h)
{
    bool is_known = h->after == WIRE_NONE || !is_behind(h->after, n->sent);

    if (h->stream != n->stream || h->session != n->session)
        return; /* of an earlier session, or not for us */
    if (h->kind == WIRE_WELCOME) {
        on_welcome(n, h);
        return;
    }
    if (!n->is_welcome && h->kind != WIRE_RESTART)
        return;
    if (h->kind == WIRE_RESTART) {
        log_line(n->route->title, "the far side asks to begin anew");
        begin_anew(n);
    } else if (!is_known) {
        counters_add(&n->route->counters.malformed, 1);
    } else if (h->kind == WIRE_ACK || h->kind == WIRE_PONG) {
        land(n, h->after);
        if (h->kind == WIRE_PONG)
            on_pong(n, h);
    }
}

/* All that has arrived, waiting for the first of it. */
static void listen(struct near *n, int timeout_ms)
{
    struct transport *t = n->transport;
    struct transport_packet packet;
    struct wire_message m;

    while (t->calls->receive(t, &packet, timeout_ms) == TRANSPORT_DONE) {
        const char *wrong = wire_read(packet.first, packet.first_size,
                                      packet.payload, packet.payload_size, &m);

        timeout_ms = 0;
        if (!wrong) {
            on_message(n, &m.head);
            continue;
        }
        counters_add(&n->route->counters.malformed, 1);
        log_rarely(&n->limit, n->route->title, "what came is no message: %s",
                   wrong);
    }
}

/* -------------------------------------------------------------------- send */

/* The far side may not hear us, or we it. */
static void ask_if_due(struct near *n)
{
    uint64_t now = ticks_now();
    struct wire_head head;

    if (n->flights.count == 0 || now - n->moved_at < n->ping_pause ||
        now - n->ping_at < n->ping_pause)
        return;
    head = head_of(n, WIRE_PING, n->sent);
    head.number = ++n->ping_number;
    n->ping_at = now;
    n->ping_sent = n->sent;
    n->ping_pause =
        2 * n->ping_pause > PING_MOST_NS ? PING_MOST_NS : 2 * n->ping_pause;
    transport_say(n->transport, NULL, head);
}

/* An entry that the far side has already, from a bridge that was killed. */
static void leave_out(struct near *n, const IpcEntry *entry)
{
    n->saw_known = n->saw_known || entry->offset == n->known;
    intake_release(&n->in, entry->offset);
    n->acknowledged = entry->offset;
}

/* Writers have gone on without us if what the far side has last is not there
 * any more: a subscriber that is dead holds nobody up. */
static void look_for_gap(struct near *n, const IpcEntry *entry)
{
    const bool may_miss =
        n->in.kind == INTAKE_SUBSCRIBER || n->in.kind == INTAKE_TAP;

    if (n->is_first && may_miss && !n->saw_known) {
        counters_add(&n->route->counters.gaps, 1);
        counters_add(&n->route->counters.lost, entry->offset - n->known);
        log_line(n->route->title,
                 "while no bridge was there up to %" PRIu64
                 " bytes were overwritten, behind entry %" PRIu64,
                 entry->offset - n->known, n->known);
    }
    n->is_first = false;
    n->saw_known = true;
}

/* It would never come out over there. It stays where it is, and all behind it,
 * until somebody makes a larger channel there. */
static void hold_back(struct near *n, const IpcEntry *entry)
{
    log_rarely(&n->limit, n->route->title,
               "a message of %zu bytes does not fit into the far channel, "
               "which takes %" PRIu64 ": make a larger one there",
               entry->size, n->largest);
    intake_rewind(&n->in, entry->offset);
    if (n->batch.count > 0)
        return;
    route_pause(n->route, IDLE_NS);
    if (n->flights.count == 0)
        begin_anew(n); /* it may be larger by now */
}

/* Fills the batch, waiting for the first entry. */
static enum intake_result fill(struct near *n, uint64_t wait_ns)
{
    IpcEntry entry;

    for (;;) {
        enum intake_result r = intake_next(&n->in, &entry, wait_ns);

        if (r != INTAKE_ENTRY)
            return n->batch.count > 0 ? INTAKE_ENTRY : r;
        wait_ns = 0;
        if (!is_behind(entry.offset, n->known)) {
            leave_out(n, &entry);
            continue;
        }
        look_for_gap(n, &entry);
        if (entry.size > n->largest) {
            hold_back(n, &entry);
            return n->batch.count > 0 ? INTAKE_ENTRY : INTAKE_EMPTY;
        }
        if (!batch_add(&n->batch, &entry))
            return INTAKE_FAILED;
        if (!batch_has_room(&n->batch, 1) || n->in.kind == INTAKE_PLAIN)
            return INTAKE_ENTRY;
    }
}

static void count_sent(struct near *n, uint64_t bytes)
{
    struct counters *c = &n->route->counters;

    if (is_behind(n->batch.last_offset, n->most)) {
        counters_add(&c->messages, n->batch.count);
        counters_add(&c->bytes, bytes);
        n->most = n->batch.last_offset;
    } else {
        counters_add(&c->repeated, n->batch.count);
    }
}

/* Whether it is asked to stop, and its time for that is over. */
static bool must_end(struct near *n)
{
    if (!route_stops(n->route))
        return false;
    if (n->end == 0)
        n->end = ticks_now() + n->route->options.linger_ns;
    return ticks_now() >= n->end;
}

static void send_batch(struct near *n)
{
    struct transport *t = n->transport;
    struct wire_head head = head_of(n, WIRE_DATA, n->sent);
    struct batch *b = &n->batch;
    enum transport_result r;
    size_t size;

    head.value = n->in.lost;
    size = batch_seal(b, head);
    while ((r = t->calls->send(t, NULL, b->first, size, b->payload, b->used,
                               10)) == TRANSPORT_LATER) {
        ask_if_due(n);
        listen(n, 0);
        if (!n->is_welcome || must_end(n))
            break;
    }
    flights_add(&n->flights, (struct flight){b->first_offset, b->last_offset,
                                             ticks_now(), b->count});
    if (n->flights.count == 1)
        n->moved_at = ticks_now();
    if (r != TRANSPORT_DONE) {
        /* It counts as sent and lost. */
        batch_drop(b);
        if (n->is_welcome)
            begin_anew(n);
        return;
    }
    counters_add(&n->route->counters.lost, n->in.lost);
    n->in.lost = 0;
    count_sent(n, b->used);
    n->sent = b->last_offset;
    batch_forget(b);
}

/* ------------------------------------------------------------------ channel */

static bool open_intake(struct near *n)
{
    struct route *route = n->route;
    const char *wrong =
        intake_open(&n->in, route->options.name, route->path,
                    &route->options.open, route->options.is_lossy);

    if (wrong) {
        log_rarely(&n->limit, route->title, "%s", wrong);
        return false;
    }
    n->stream = n->in.region.ring.creation;
    n->known = n->sent = n->most = n->acknowledged = WIRE_NONE;
    n->flights.count = 0;
    n->is_first = true;
    if (n->in.kind == INTAKE_PLAIN)
        log_line(route->title, "the channel is for many readers: one message "
                               "at a time is on its way. Make it for one "
                               "consumer (`shmipc create --one-consumer`)");
    begin_anew(n);
    return true;
}

static void close_intake(struct near *n)
{
    batch_drop(&n->batch);
    intake_close(&n->in);
    counters_set(&n->route->counters.is_up, 0);
}

/* Nothing is left in it, and the name leads to another one by now. */
static bool is_outdated(struct near *n)
{
    uint64_t now = ticks_now();

    if (n->flights.count > 0 || now - n->looked_at < IDLE_NS)
        return false;
    n->looked_at = now;
    return region_is_replaced(&n->in.region, n->route->path);
}

static void measure(struct near *n)
{
    const struct flight *oldest = flights_oldest(&n->flights);
    uint64_t now = ticks_now(), lag, end;

    if (now - n->measured_at < MEASURE_NS)
        return;
    n->measured_at = now;
    intake_measure(&n->in, &lag, &end);
    counters_set(&n->route->counters.lag_bytes, lag);
    counters_set(&n->route->counters.lag_ns, oldest ? now - oldest->sent : 0);
}

/* ---------------------------------------------------------------------- run */

static void await_welcome(struct near *n)
{
    listen(n, (int)(IDLE_NS / TICKS_MS));
    if (n->is_welcome || ticks_now() - n->hello_at < n->hello_pause)
        return;
    n->hello_pause =
        2 * n->hello_pause > HELLO_MOST_NS ? HELLO_MOST_NS : 2 * n->hello_pause;
    log_rarely(&n->limit, n->route->title, "%s does not answer",
               n->route->options.address);
    say_hello(n);
}

/* How long to wait for an entry. What arrives meanwhile is noticed as late as
 * that. */
static uint64_t next_wait(struct near *n)
{
    uint64_t wait = n->wait_ns;

    if (n->flights.count == 0)
        return IDLE_NS;
    if (intake_is_short(&n->in))
        return 0;
    n->wait_ns = 2 * wait > WAIT_MOST_NS ? WAIT_MOST_NS : 2 * wait;
    return wait;
}

/* False: the channel has to be opened again. */
static bool go_on(struct near *n)
{
    enum intake_result r;
    uint64_t wait_ns;

    listen(n, 0);
    measure(n);
    if (!n->is_welcome) {
        await_welcome(n);
        return true;
    }
    ask_if_due(n);
    if (flights_are_full(&n->flights)) {
        listen(n, 10);
        return true;
    }
    r = fill(n, 0);
    if (r == INTAKE_EMPTY) {
        wait_ns = next_wait(n);
        if (wait_ns > 0)
            r = fill(n, wait_ns);
        else
            listen(n, 1);
    }
    if (r == INTAKE_ENTRY) {
        send_batch(n);
        n->wait_ns = WAIT_LEAST_NS;
    } else if (r == INTAKE_CLOSED) {
        listen(n, (int)(IDLE_NS / TICKS_MS));
    } else if (r == INTAKE_FAILED) {
        log_rarely(&n->limit, n->route->title,
                   "the channel cannot be read: another process may have the "
                   "role of its consumer");
        route_pause(n->route, TICKS_SECOND);
    }
    return r != INTAKE_GONE && (r == INTAKE_ENTRY || !is_outdated(n));
}

/* At the end: what a subscriber leaves in the channel nobody keeps for it. */
static void drain(struct near *n)
{
    while (n->is_welcome && !must_end(n)) {
        if (n->in.kind == INTAKE_SUBSCRIBER && fill(n, 0) == INTAKE_ENTRY)
            send_batch(n);
        else if (n->flights.count == 0)
            break;
        listen(n, 1);
        ask_if_due(n);
    }
    if (n->flights.count > 0)
        log_line(n->route->title, "ends before all was acknowledged; who comes "
                                  "next sends it again");
}

void near_run(struct route *route)
{
    struct near *n = calloc(1, sizeof *n);
    bool is_open = false;

    if (!n) {
        log_line(route->title, "there is no memory");
        return;
    }
    n->route = route;
    n->transport = route->transport;
    n->wait_ns = WAIT_LEAST_NS;
    while (!route_stops(route)) {
        if (!is_open && !(is_open = open_intake(n))) {
            route_pause(route, TICKS_SECOND);
        } else if (!go_on(n)) {
            log_line(route->title, "the channel was made anew");
            close_intake(n);
            is_open = false;
        }
    }
    if (is_open) {
        drain(n);
        close_intake(n);
    }
    free(n);
}
