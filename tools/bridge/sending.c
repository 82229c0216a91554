/* SPDX-License-Identifier: MIT */
#include "bridge/sending.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* From here on an entry goes by itself, and from where it is. */
#define LARGE (WIRE_BATCH_MAX / 2)

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
    if (n->in.kind == INTAKE_TAP) {
        counters_add(&n->route->counters.gaps, 1);
        n->in.lost += entry->size;
        return;
    }
    log_rarely(&n->limit, n->route->title,
               "a message of %zu bytes does not fit into the far channel, "
               "which takes %" PRIu64 ": make a larger one there",
               entry->size, n->largest);
    intake_rewind(&n->in, entry->offset);
    if (n->batch.count > 0)
        return;
    route_pause(n->route, SESSION_IDLE_NS);
    if (n->flights.count == 0)
        session_begin_anew(n); /* it may be larger by now */
}

/* Fills the batch, waiting for the first entry. */
enum intake_result sending_fill(struct near *n, uint64_t wait_ns)
{
    IpcEntry entry;

    for (;;) {
        enum intake_result r = intake_next(&n->in, &entry, wait_ns);

        if (r != INTAKE_ENTRY)
            return n->batch.count > 0 ? INTAKE_ENTRY : r;
        wait_ns = 0;
        if (!session_is_behind(entry.offset, n->known)) {
            leave_out(n, &entry);
            continue;
        }
        look_for_gap(n, &entry);
        if (entry.size > n->largest) {
            hold_back(n, &entry);
            return n->batch.count > 0 ? INTAKE_ENTRY : INTAKE_EMPTY;
        }
        if (entry.size >= LARGE) {
            n->large = entry;
            return INTAKE_ENTRY;
        }
        if (!batch_add(&n->batch, &entry))
            return INTAKE_FAILED;
        if (!batch_has_room(&n->batch, 1) || n->in.kind == INTAKE_PLAIN)
            return INTAKE_ENTRY;
    }
}

static void count_sent(struct near *n, uint64_t last, uint32_t count,
                       uint64_t bytes)
{
    struct counters *c = &n->route->counters;

    n->sent = last;
    if (session_is_behind(last, n->most)) {
        counters_add(&c->messages, count);
        counters_add(&c->bytes, bytes);
        n->most = last;
    } else {
        counters_add(&c->repeated, count);
    }
}

/* Sends a message, whose payload is gone afterwards. False: its session is
 * over, perhaps another one has begun, or there is no time left. */
static bool send(struct near *n, const void *first, size_t first_size,
                 const struct transport_payload *payload)
{
    const uint64_t session = n->session;

    while (n->is_welcome && n->session == session) {
        struct transport *t = n->route->transport;
        enum transport_result r =
            t->calls->send(t, NULL, first, first_size, payload, 10);

        if (r == TRANSPORT_DONE)
            return true;
        session_ask_if_due(n);
        session_listen(n, 0);
        if (r == TRANSPORT_FAILED || session_must_end(n))
            break;
    }
    payload->release(payload->data, payload->hint);
    return false;
}

/* What could not be sent goes with another session, if none has begun yet. */
static void give_up(struct near *n, uint64_t session)
{
    if (n->is_welcome && n->session == session)
        session_begin_anew(n);
}

/* It counts as sent and lost if it was not. */
static void take_off(struct near *n, uint64_t first, uint64_t last,
                     uint32_t count)
{
    flights_add(&n->flights, (struct flight){first, last, ticks_now(), count});
    if (n->flights.count == 1)
        n->moved_at = ticks_now();
}

/* An entry that takes less than the other parts of the channel finds space
 * also while the acknowledgement takes its time. */
static struct wire_head data_head(struct near *n, enum wire_kind kind)
{
    enum { PARTS = 4 };
    struct wire_head head = session_head(n, kind, n->sent);

    if (intake_is_short(&n->in, PARTS))
        head.flags |= WIRE_SOON;
    return head;
}

/* False: it was not sent, and nothing that comes behind it may be. */
static bool send_batch(struct near *n)
{
    struct wire_head head = data_head(n, WIRE_DATA);
    struct batch *b = &n->batch;
    const struct transport_payload payload = {b->payload, b->used,
                                              transport_free, NULL};
    const uint64_t session = n->session;
    size_t size;
    bool is_sent;

    head.value = n->in.lost;
    size = batch_seal(b, head);
    take_off(n, b->first_offset, b->last_offset, b->count);
    is_sent = send(n, b->first, size, &payload);
    if (is_sent) {
        count_sent(n, b->last_offset, b->count, payload.size);
        counters_add(&n->route->counters.lost, n->in.lost);
        n->in.lost = 0;
    } else {
        give_up(n, session);
    }
    batch_forget(b);
    return is_sent;
}

/* The engine does not look at the channel any more: may be another thread. */
static void release_lent(void *data, void *hint)
{
    struct near *n = hint;

    (void)data;
    atomic_fetch_sub_explicit(&n->lent, 1, memory_order_release);
}

/* Where an entry stays in the channel until it is released, it is sent from
 * there; a tap's is copied. */
static bool lend(struct near *n, size_t at, size_t size,
                 struct transport_payload *to)
{
    unsigned char *data = (unsigned char *)n->large.payload + at;

    if (n->in.kind != INTAKE_TAP) {
        *to = (struct transport_payload){data, size, release_lent, n};
        atomic_fetch_add_explicit(&n->lent, 1, memory_order_relaxed);
        return true;
    }
    *to = (struct transport_payload){malloc(size), size, transport_free, NULL};
    if (to->data)
        memcpy(to->data, data, size);
    return to->data;
}

/* One part of the large entry; false: it was not sent. */
static bool send_part(struct near *n, size_t at)
{
    struct wire_head head = data_head(n, WIRE_PART);
    struct wire_entry e = {n->large.offset, (uint32_t)n->large.size, 0};
    size_t left = n->large.size - at;
    unsigned char first[sizeof head + sizeof e];
    struct transport_payload payload;

    if (!lend(n, at, left < WIRE_BATCH_MAX ? left : WIRE_BATCH_MAX, &payload))
        return false;
    head.count = 1;
    head.value = at;
    wire_swap_head(&head);
    wire_swap_entry(&e);
    memcpy(first, &head, sizeof head);
    memcpy(first + sizeof head, &e, sizeof e);
    return send(n, first, sizeof first, &payload);
}

static void send_large(struct near *n)
{
    const uint64_t session = n->session;
    const IpcEntry *e = &n->large;
    size_t at = 0;

    take_off(n, e->offset, e->offset, 1);
    while (at < e->size && send_part(n, at))
        at += WIRE_BATCH_MAX;
    if (at >= e->size)
        count_sent(n, e->offset, 1, e->size);
    else
        give_up(n, session);
}

/* Sends what sending_fill() found. */
void sending_send(struct near *n)
{
    const bool is_sent = n->batch.count == 0 || send_batch(n);

    if (is_sent && n->large.size > 0)
        send_large(n);
    n->large.size = 0;
}
