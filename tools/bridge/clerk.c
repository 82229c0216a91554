/* SPDX-License-Identifier: MIT */
#include "bridge/clerk.h"
#include "bridge/log.h"
#include "bridge/ticks.h"
#include <shmipc/ipc_service.h>
#include <stdlib.h>
#include <string.h>

#define TURN_NS (100 * TICKS_MS)
enum { ASKERS = 64, OPEN_MAX = 1024 };

/* Who has said HELLO. A call counts only over the connection of its session: so
 * one that was held up, and given up by who asked, is not carried out late. */
struct asker {
    uint64_t stream, session;
    struct transport_peer peer;
};

struct open_call {
    IpcCall call; /* 0: free */
    uint64_t stream, session, number;
    struct transport_peer peer;
};

struct clerk {
    struct route *route;
    IpcClient *client;
    struct asker askers[ASKERS];
    unsigned next_asker;
    struct open_call calls[OPEN_MAX];
    unsigned count;
    struct log_limit limit;
};

static bool is_peer(const struct transport_peer *a,
                    const struct transport_peer *b)
{
    return a->size == b->size && memcmp(a->id, b->id, a->size) == 0;
}

static struct asker *find_asker(struct clerk *k, uint64_t stream)
{
    for (int i = 0; i < ASKERS; i++)
        if (k->askers[i].stream == stream)
            return &k->askers[i];
    return NULL;
}

static struct open_call *find_call(struct clerk *k, IpcCall call)
{
    for (int i = 0; i < OPEN_MAX; i++)
        if (k->calls[i].call == call)
            return &k->calls[i];
    return NULL;
}

/* ----------------------------------------------------------------- answers */

/* `data` is from malloc() or NULL, and gone afterwards. */
static void answer(struct clerk *k, const struct open_call *c,
                   enum wire_outcome outcome, void *data, size_t size)
{
    struct transport *t = k->route->transport;
    struct wire_head head =
        wire_make(WIRE_ANSWER, c->stream, c->session, c->number);
    struct transport_payload payload = {data, size, transport_free, NULL};

    if (size > WIRE_CALL_MAX) {
        log_rarely(&k->limit, k->route->title,
                   "an answer of %zu bytes is too large", size);
        outcome = WIRE_REFUSED;
        payload.size = 0;
    }
    head.value = outcome;
    wire_swap_head(&head);
    if (t->calls->send(t, &c->peer, &head, sizeof head, &payload, 0) !=
        TRANSPORT_DONE)
        free(data); /* it has gone; its calls are refused over there */
}

static void collect(struct clerk *k, uint64_t wait_ns)
{
    struct timespec wait = ticks_span(wait_ns);

    while (k->client && k->count > 0) {
        IpcAnswer got = {0};
        IpcClientCollectResult r =
            ipc_client_collect_any(k->client, &got, &wait);
        bool is_good = r.ipc_status == IPC_OK;
        IpcCall call = is_good ? got.call
                       : r.ipc_status < 0 && r.error.has_body
                           ? r.error.body.call
                           : 0;
        struct open_call *c = call ? find_call(k, call) : NULL;

        if (!c)
            return;
        answer(k, c, is_good ? WIRE_ANSWERED : WIRE_REFUSED, got.payload,
               got.size);
        *c = (struct open_call){0};
        k->count--;
        wait = (struct timespec){0, 0};
    }
}

/* ------------------------------------------------------------------- calls */

static bool open_client(struct clerk *k)
{
    IpcClientOptions options = {.struct_size = sizeof options,
                                .size = 4 * WIRE_CALL_MAX,
                                .timeout_ns = TURN_NS};
    IpcClientOpenResult r;

    if (k->client)
        return true;
    r = ipc_client_open(k->route->options.name, &options);
    if (r.ipc_status != IPC_OK) {
        log_rarely(&k->limit, k->route->title, "%s", r.error.detail);
        return false;
    }
    k->client = r.result;
    return true;
}

static void on_call(struct clerk *k, const struct transport_packet *packet,
                    const struct wire_message *m)
{
    const struct asker *a = find_asker(k, m->head.stream);
    struct timespec left = ticks_span(m->head.value);
    struct open_call *c = find_call(k, 0);
    struct open_call call = {0, m->head.stream, m->head.session, m->head.after,
                             packet->from};
    IpcClientSendResult r;

    if (!a || a->session != m->head.session ||
        !is_peer(&a->peer, &packet->from)) {
        transport_say(k->route->transport, &packet->from,
                      wire_make(WIRE_RESTART, m->head.stream, m->head.session,
                                WIRE_NONE));
        return;
    }
    if (!c || !open_client(k)) {
        answer(k, &call, WIRE_REFUSED, NULL, 0);
        return;
    }
    r = ipc_client_send(k->client, m->payload, m->payload_size,
                        m->head.value == UINT64_MAX ? NULL : &left);
    if (r.ipc_status != IPC_OK) {
        answer(k, &call, WIRE_REFUSED, NULL, 0);
        return;
    }
    call.call = r.result;
    *c = call;
    k->count++;
    counters_add(&k->route->counters.messages, 1);
    counters_add(&k->route->counters.bytes, m->payload_size);
}

static void on_hello(struct clerk *k, const struct transport_packet *packet,
                     const struct wire_head *h)
{
    struct asker *a = find_asker(k, h->stream);

    if (!a)
        a = &k->askers[k->next_asker++ % ASKERS];
    *a = (struct asker){h->stream, h->session, packet->from};
    counters_add(&k->route->counters.sessions, 1);
    counters_set(&k->route->counters.is_up, 1);
    transport_say(k->route->transport, &packet->from,
                  wire_make(WIRE_WELCOME, h->stream, h->session, WIRE_NONE));
}

static void on_packet(struct clerk *k, const struct transport_packet *packet)
{
    struct wire_message m;
    const char *wrong = wire_read(packet->first, packet->first_size,
                                  packet->payload, packet->payload_size, &m);

    if (!wrong && m.head.kind == WIRE_HELLO)
        on_hello(k, packet, &m.head);
    else if (!wrong && m.head.kind == WIRE_CALL)
        on_call(k, packet, &m);
    else
        counters_add(&k->route->counters.malformed, 1);
}

void clerk_run(struct route *route)
{
    struct clerk *k = calloc(1, sizeof *k);
    struct transport *t = route->transport;
    struct transport_packet packet;

    if (!k) {
        log_line(route->title, "there is no memory");
        return;
    }
    k->route = route;
    while (!route_stops(route)) {
        int wait = k->count > 0 ? 0 : (int)(TURN_NS / TICKS_MS);

        while (t->calls->receive(t, &packet, wait) == TRANSPORT_DONE) {
            on_packet(k, &packet);
            wait = 0;
        }
        collect(k, TICKS_MS);
    }
    if (k->client)
        ipc_client_destroy(k->client);
    free(k);
}
