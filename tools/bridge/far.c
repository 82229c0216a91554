/* SPDX-License-Identifier: MIT */
#include "bridge/far.h"
#include "bridge/log.h"
#include "bridge/outlet.h"
#include "bridge/ticks.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TURN_NS (100 * TICKS_MS)
#define LOOK_NS (200 * TICKS_MS)
#define TELL_NS TICKS_SECOND
enum {
    OWED_MOST = 8,
    LARGE_TOGETHER = 4,
    /* An acknowledgement wakes threads on both machines. It waits for so long,
     * also for messages to share it with, unless it is wanted soon: meanwhile
     * who reads our channel has been woken and has run. */
    OWED_MS = 5,
};
/* A stream that said nothing for so long may lose its place to another. */
#define SILENT_NS (600 * TICKS_SECOND)

struct far_stream {
    uint64_t session; /* 0: none */
    struct outlet_stream at;
    struct transport_peer peer;
    uint64_t heard; /* when */
    bool is_owed;   /* an acknowledgement */
    /* Of a large entry that comes in parts: the bytes that have come. */
    unsigned char *large; /* large_is.size bytes, or NULL */
    struct wire_entry large_is;
    size_t large_has;
};

struct far {
    struct route *route;
    struct transport *transport;
    struct outlet out;
    bool is_open;
    struct far_stream streams[NOTE_STREAMS]; /* by their place in the note */
    unsigned owed; /* messages that were not acknowledged yet */
    bool is_soon;  /* one of them wants to be */
    uint64_t looked_at;
    struct log_limit limit, strangers, full;
};

static struct counters *counters_of(struct far *f)
{
    return &f->route->counters;
}

static struct far_stream *find(struct far *f, uint64_t stream)
{
    for (int i = 0; i < NOTE_STREAMS; i++)
        if (f->streams[i].session && f->streams[i].at.state.stream == stream)
            return &f->streams[i];
    return NULL;
}

static uint64_t largest_of(const struct far *f)
{
    return f->route->options.largest < f->out.largest
               ? f->route->options.largest
               : f->out.largest;
}

static void answer(struct far *f, const struct transport_peer *to,
                   const struct wire_head *about, enum wire_kind kind,
                   uint64_t after)
{
    struct wire_head head =
        wire_make(kind, about->stream, about->session, after);

    head.number = about->number;
    if (kind == WIRE_WELCOME)
        head.value = largest_of(f);
    transport_say(f->transport, to, head);
}

static void restart(struct far *f, const struct transport_peer *to,
                    const struct wire_head *about)
{
    struct far_stream *s = find(f, about->stream);

    if (s && s->session == about->session)
        s->session = 0;
    counters_add(&counters_of(f)->restarts, 1);
    answer(f, to, about, WIRE_RESTART, WIRE_NONE);
}

static void forget_large(struct far_stream *s)
{
    free(s->large);
    s->large = NULL;
    s->large_has = 0;
}

/* ------------------------------------------------------------------ channel */

static bool open_outlet(struct far *f)
{
    struct route *route = f->route;
    const char *wrong = outlet_open(&f->out, route->options.name, route->path,
                                    &route->options.open);

    f->is_open = !wrong;
    if (wrong)
        log_rarely(&f->limit, route->title, "%s", wrong);
    else if (f->out.note.is_new && !ipc_channel_created(f->out.channel))
        log_line(route->title, "there is no note of what came before");
    return f->is_open;
}

/* Near sides are told to begin anew by what they send next. */
static void close_outlet(struct far *f)
{
    outlet_close(&f->out);
    f->is_open = false;
    for (int i = 0; i < NOTE_STREAMS; i++) {
        f->streams[i].session = 0;
        forget_large(&f->streams[i]);
    }
    counters_set(&counters_of(f)->is_up, 0);
}

static void look_if_replaced(struct far *f)
{
    uint64_t now = ticks_now();

    if (!f->is_open || now - f->looked_at < LOOK_NS)
        return;
    f->looked_at = now;
    if (!region_is_replaced(&f->out.region, f->route->path))
        return;
    log_line(f->route->title, "the channel was made anew");
    close_outlet(f);
}

/* -------------------------------------------------------------------- hello */

static uint64_t places_in_use(const struct far *f)
{
    uint64_t now = ticks_now(), bits = 0;

    for (int i = 0; i < NOTE_STREAMS; i++)
        if (f->streams[i].session && now - f->streams[i].heard < SILENT_NS)
            bits |= UINT64_C(1) << i;
    return bits;
}

static struct far_stream *meet(struct far *f, uint64_t stream)
{
    struct far_stream *known = find(f, stream);
    struct outlet_stream at;

    if (known)
        return known;
    if (!outlet_find(&f->out, stream, places_in_use(f), &at)) {
        log_rarely(&f->strangers, f->route->title,
                   "there is no place for one more stream");
        return NULL;
    }
    if (at.is_ambiguous) {
        counters_add(&counters_of(f)->ambiguous, 1);
        log_line(f->route->title,
                 "the last bridge was killed at the entry behind %" PRIu64
                 ", and others have overwritten its place: that entry may be "
                 "there twice",
                 at.state.offset);
    }
    known = &f->streams[at.place];
    forget_large(known);
    *known = (struct far_stream){.at = at};
    return known;
}

static void on_hello(struct far *f, const struct transport_packet *packet,
                     const struct wire_head *h)
{
    struct far_stream *s = meet(f, h->stream);

    if (!s)
        return;
    if (h->after != WIRE_NONE && s->at.state.offset != NOTE_NONE &&
        h->after > s->at.state.offset) {
        counters_add(&counters_of(f)->gaps, 1);
        log_line(f->route->title,
                 "entry %" PRIu64 " was acknowledged once, and is not noted",
                 h->after);
        s->at.state.offset = h->after;
        outlet_settle(&f->out, &s->at);
    }
    forget_large(s);
    s->session = h->session;
    s->peer = packet->from;
    s->heard = ticks_now();
    counters_add(&counters_of(f)->sessions, 1);
    counters_set(&counters_of(f)->is_up, 1);
    answer(f, &s->peer, h, WIRE_WELCOME, s->at.state.offset);
}

/* --------------------------------------------------------------------- data */

static void acknowledge(struct far *f, struct far_stream *s)
{
    struct wire_head head =
        wire_make(WIRE_ACK, s->at.state.stream, s->session, s->at.state.offset);

    s->is_owed = false;
    (void)f->transport->calls->acknowledge(f->transport, &s->peer, &head);
}

/* While messages come one after the other, one acknowledgement is for several:
 * each of them wakes a writer over there. */
static void acknowledge_owed(struct far *f)
{
    for (int i = 0; f->owed > 0 && i < NOTE_STREAMS; i++)
        if (f->streams[i].session && f->streams[i].is_owed)
            acknowledge(f, &f->streams[i]);
    f->owed = 0;
    f->is_soon = false;
}

/* Writes it, however long the channel is full; false: not. */
static bool put(struct far *f, struct far_stream *s, const struct wire_entry *e,
                const unsigned char *payload)
{
    uint64_t wait = 0, told = 0;

    for (;;) {
        switch (
            outlet_put(&f->out, &s->at, e->offset, payload, e->size, wait)) {
        case OUTLET_DONE:
            counters_add(&counters_of(f)->messages, 1);
            counters_add(&counters_of(f)->bytes, e->size);
            return true;
        case OUTLET_FULL:
            if (wait == 0)
                counters_add(&counters_of(f)->full, 1);
            wait = TURN_NS;
            break;
        case OUTLET_GONE:
            log_rarely(&f->limit, f->route->title,
                       "the channel was closed or made anew");
            close_outlet(f);
            return false;
        case OUTLET_NEVER:
            log_rarely(&f->limit, f->route->title,
                       "a message of %" PRIu32 " bytes can never fit into the "
                       "channel, whose largest is %" PRIu64
                       ": make a larger one of that name",
                       e->size, f->out.largest);
            route_pause(f->route, TURN_NS);
            break;
        case OUTLET_FAILED:
            log_rarely(&f->limit, f->route->title,
                       "the channel cannot be written: another process may "
                       "have the role of its producer");
            route_pause(f->route, TURN_NS);
            break;
        }
        look_if_replaced(f);
        if (!f->is_open || route_stops(f->route))
            return false;
        /* What is in is in; and we are still here. */
        if (ticks_now() - told > TELL_NS) {
            told = ticks_now();
            acknowledge(f, s);
        }
    }
}

static bool is_new(const struct far_stream *s, const struct wire_entry *e)
{
    return s->at.state.offset == NOTE_NONE || e->offset > s->at.state.offset;
}

/* Behind the last entry of a message. */
static void finish(struct far *f, struct far_stream *s,
                   const struct wire_head *h)
{
    if (!f->is_open)
        return;
    outlet_settle(&f->out, &s->at);
    s->is_owed = true;
    f->is_soon = f->is_soon || (h->flags & WIRE_SOON);
    if (++f->owed == OWED_MOST)
        acknowledge_owed(f);
}

static bool put_all(struct far *f, struct far_stream *s,
                    const struct wire_message *m)
{
    const unsigned char *payload = m->payload;

    for (uint32_t i = 0; i < m->head.count; i++) {
        struct wire_entry e = wire_entry(m, i);

        if (is_new(s, &e)) {
            if (!put(f, s, &e, payload))
                return false;
        } else {
            counters_add(&counters_of(f)->duplicates, 1);
        }
        payload += e.size;
    }
    return true;
}

/* Whether the batch begins where the stream is, or before that. */
static bool fits(const struct far_stream *s, const struct wire_message *m)
{
    uint64_t last = s->at.state.offset;

    if (m->head.after == WIRE_NONE || m->head.after == last)
        return true;
    return last != NOTE_NONE && m->head.after < last;
}

static void count_gap(struct far *f, const struct far_stream *s,
                      const struct wire_message *m)
{
    uint64_t lost = m->head.kind == WIRE_DATA ? m->head.value : 0;

    if (fits(s, m) && lost == 0)
        return;
    counters_add(&counters_of(f)->gaps, 1);
    counters_add(&counters_of(f)->lost, lost);
    log_rarely(&f->limit, f->route->title,
               "a gap before entry %" PRIu64 ": %" PRIu64 " bytes",
               wire_entry(m, 0).offset, lost);
}

/* Before there is memory for one more: all together take no more than
 * LARGE_TOGETHER of the largest ones. Who loses his begins again when its next
 * part comes; it is the one who was silent for longest, so that who begins many
 * and goes on with none holds up nobody. */
static void make_room_for_large(struct far *f, uint64_t size)
{
    const uint64_t limit = LARGE_TOGETHER * f->route->options.largest;

    for (;;) {
        struct far_stream *oldest = NULL;
        uint64_t sum = size;

        for (int i = 0; i < NOTE_STREAMS; i++) {
            struct far_stream *s = &f->streams[i];

            if (!s->large)
                continue;
            sum += s->large_is.size;
            if (!oldest || s->heard < oldest->heard)
                oldest = s;
        }
        if (sum <= limit || !oldest)
            return;
        forget_large(oldest);
    }
}

/* Collects what comes in parts; true: the entry is whole. *is_next: the part is
 * the one that was due. */
static bool collect(struct far *f, struct far_stream *s,
                    const struct wire_message *m, bool *is_next)
{
    struct wire_entry e = wire_entry(m, 0);

    *is_next = m->head.value == 0 ||
               (s->large && s->large_is.offset == e.offset &&
                s->large_is.size == e.size && s->large_has == m->head.value);
    if (!*is_next || e.size > largest_of(f))
        return false;
    if (m->head.value == 0) {
        forget_large(s);
        make_room_for_large(f, e.size);
        s->large = malloc(e.size);
        s->large_is = e;
    }
    if (!s->large) {
        *is_next = false;
        return false;
    }
    memcpy(s->large + s->large_has, m->payload, m->payload_size);
    s->large_has += m->payload_size;
    return s->large_has == e.size;
}

static void on_part(struct far *f, struct far_stream *s,
                    const struct wire_message *m)
{
    bool is_next, is_whole;

    if (m->payload_size == wire_entry(m, 0).size) {
        /* It is all of it. */
        forget_large(s);
        (void)put_all(f, s, m);
        finish(f, s, &m->head);
        return;
    }
    is_whole = collect(f, s, m, &is_next);
    if (!is_next) {
        restart(f, &s->peer, &m->head);
        return;
    }
    if (!is_whole)
        return;
    if (is_new(s, &s->large_is))
        (void)put(f, s, &s->large_is, s->large);
    else
        counters_add(&counters_of(f)->duplicates, 1);
    forget_large(s);
    finish(f, s, &m->head);
}

/* A near side was told by WELCOME what fits, and what does not would keep all
 * streams waiting for a larger channel. (One that sends through Redis is told
 * nothing.) */
static bool is_too_large(const struct far *f,
                         const struct transport_packet *packet,
                         const struct wire_message *m)
{
    const uint64_t largest = largest_of(f);

    for (uint32_t i = 0; packet->from.size > 0 && i < m->head.count; i++)
        if (wire_entry(m, i).size > largest)
            return true;
    return false;
}

static void on_data(struct far *f, const struct transport_packet *packet,
                    const struct wire_message *m)
{
    struct far_stream *s = find(f, m->head.stream);

    if (!s) {
        restart(f, &packet->from, &m->head);
        return;
    }
    if (s->session != m->head.session)
        return; /* sent before a session that has begun since */
    s->peer = packet->from;
    s->heard = ticks_now();
    if (is_too_large(f, packet, m)) {
        counters_add(&counters_of(f)->malformed, 1);
        log_rarely(&f->strangers, f->route->title,
                   "what came is larger than what fits here");
        restart(f, &packet->from, &m->head);
        return;
    }
    if (m->head.flags & WIRE_LOSSY) {
        count_gap(f, s, m);
    } else if (!fits(s, m)) {
        restart(f, &packet->from, &m->head);
        return;
    }
    if (m->head.kind == WIRE_PART) {
        on_part(f, s, m);
        return;
    }
    (void)put_all(f, s, m);
    finish(f, s, &m->head);
}

static void on_ping(struct far *f, const struct transport_packet *packet,
                    const struct wire_head *h)
{
    struct far_stream *s = find(f, h->stream);

    /* Another session than ours: one of them began before the other, and their
     * HELLOs came in another order. */
    if (!s || s->session != h->session)
        restart(f, &packet->from, h);
    else
        answer(f, &packet->from, h, WIRE_PONG, s->at.state.offset);
}

/* ---------------------------------------------------------------------- run */

static void on_packet(struct far *f, const struct transport_packet *packet)
{
    struct wire_message m;
    const char *wrong = wire_read(packet->first, packet->first_size,
                                  packet->payload, packet->payload_size, &m);

    if (!wrong && m.head.kind > WIRE_PING)
        wrong = "it is for the near side, or for a service";
    if (wrong) {
        counters_add(&counters_of(f)->malformed, 1);
        log_rarely(&f->strangers, f->route->title,
                   "what came is no message: %s", wrong);
    } else if (m.head.kind == WIRE_HELLO) {
        on_hello(f, packet, &m.head);
    } else if (m.head.kind == WIRE_DATA || m.head.kind == WIRE_PART) {
        on_data(f, packet, &m);
    } else {
        on_ping(f, packet, &m.head);
    }
}

/* Takes one message; false: none came in that time. */
static bool take(struct far *f, int timeout_ms)
{
    struct transport_packet packet;

    if (f->transport->calls->receive(f->transport, &packet, timeout_ms) !=
        TRANSPORT_DONE)
        return false;
    on_packet(f, &packet);
    return true;
}

void far_run(struct route *route)
{
    struct far *f = calloc(1, sizeof *f);

    if (!f) {
        log_line(route->title, "there is no memory");
        return;
    }
    f->route = route;
    f->transport = route->transport;
    while (!route_stops(route)) {
        look_if_replaced(f);
        if (!f->is_open && !open_outlet(f)) {
            route_pause(route, TURN_NS);
            continue;
        }
        /* Acknowledges before it waits. */
        if (f->owed > 0 && !take(f, f->is_soon ? 0 : OWED_MS))
            acknowledge_owed(f);
        else if (f->owed == 0)
            take(f, (int)(TURN_NS / TICKS_MS));
    }
    acknowledge_owed(f);
    if (f->is_open)
        close_outlet(f);
    free(f);
}
