/* SPDX-License-Identifier: MIT */
#include "bridge/desk.h"
#include "bridge/carrier.h"
#include "bridge/log.h"
#include "bridge/ticks.h"
#include <shmipc/ipc_service.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define IDLE_NS  (100 * TICKS_MS)
#define HELLO_NS TICKS_SECOND
#define SWEEP_NS (100 * TICKS_MS)
enum { OPEN_MAX = 1024 };

/* Calls that were sent on, by their number modulo OPEN_MAX. */
struct open_call {
    IpcRequest *request; /* NULL: free */
    uint64_t number;
};

struct desk {
    struct route *route;
    IpcService *service;
    struct open_call calls[OPEN_MAX];
    unsigned count;
    uint64_t last_number;
    uint64_t stream, session;
    bool is_welcome;
    uint64_t hello_at, swept_at;
    struct log_limit limit;
};

static uint64_t make_number(void)
{
    uint64_t number = 0;

    (void)getrandom(&number, sizeof number, GRND_NONBLOCK);
    return number ? number : ticks_now();
}

static void refuse(struct desk *d, struct open_call *c)
{
    ipc_service_refuse(d->service, c->request);
    *c = (struct open_call){0};
    d->count--;
}

/* Nobody knows what became of them. */
static void refuse_all(struct desk *d)
{
    for (int i = 0; i < OPEN_MAX; i++)
        if (d->calls[i].request)
            refuse(d, &d->calls[i]);
}

/* Those that nobody waits for any more. */
static void sweep(struct desk *d)
{
    uint64_t now = ticks_now();

    if (d->count == 0 || now - d->swept_at < SWEEP_NS)
        return;
    d->swept_at = now;
    for (int i = 0; i < OPEN_MAX; i++)
        if (d->calls[i].request &&
            !ipc_service_is_wanted(d->service, d->calls[i].request))
            refuse(d, &d->calls[i]);
}

static void say_hello(struct desk *d)
{
    refuse_all(d);
    d->is_welcome = false;
    d->session = make_number();
    d->hello_at = ticks_now();
    counters_set(&d->route->counters.is_up, 0);
    transport_say(d->route->transport, NULL,
                  wire_make(WIRE_HELLO, d->stream, d->session, WIRE_NONE));
}

/* ------------------------------------------------------------ what arrives */

static void on_answer(struct desk *d, const struct wire_message *m)
{
    uint64_t number = m->head.after / 8;
    struct open_call *c = &d->calls[number % OPEN_MAX];

    if (!c->request || c->number != number)
        return; /* its deadline had passed */
    if (m->head.value != WIRE_ANSWERED) {
        refuse(d, c);
        return;
    }
    IPC_IGNORE(ipc_service_answer(d->service, c->request, m->payload,
                                  m->payload_size));
    counters_add(&d->route->counters.messages, 1);
    counters_add(&d->route->counters.bytes, m->payload_size);
    *c = (struct open_call){0};
    d->count--;
}

static void on_packet(struct desk *d, const struct transport_packet *packet)
{
    struct wire_message m;
    const char *wrong = wire_read(packet->first, packet->first_size,
                                  packet->payload, packet->payload_size, &m);

    if (wrong) {
        counters_add(&d->route->counters.malformed, 1);
        return;
    }
    if (m.head.stream != d->stream || m.head.session != d->session)
        return;
    if (m.head.kind == WIRE_WELCOME && !d->is_welcome) {
        d->is_welcome = true;
        counters_add(&d->route->counters.sessions, 1);
        counters_set(&d->route->counters.is_up, 1);
        log_line(d->route->title, "connected");
    } else if (m.head.kind == WIRE_ANSWER) {
        on_answer(d, &m);
    } else if (m.head.kind == WIRE_RESTART) {
        say_hello(d);
    }
}

static void listen(struct desk *d, int timeout_ms)
{
    struct transport *t = d->route->transport;
    struct transport_packet packet;

    while (t) {
        switch (t->calls->receive(t, &packet, timeout_ms)) {
        case TRANSPORT_DONE:
            on_packet(d, &packet);
            break;
        case TRANSPORT_BROKEN:
            say_hello(d);
            break;
        default:
            return;
        }
        timeout_ms = 0;
    }
}

/* ------------------------------------------------------------------- calls */

/* UINT64_MAX: for ever. */
static uint64_t time_left(const IpcRequest *request)
{
    int64_t now = (int64_t)ticks_now();

    if (request->deadline_ns == INT64_MAX)
        return UINT64_MAX;
    return request->deadline_ns > now ? (uint64_t)(request->deadline_ns - now)
                                      : 0;
}

static bool send_on(struct desk *d, const IpcRequest *request, uint64_t number)
{
    struct transport *t = d->route->transport;
    struct wire_head head =
        wire_make(WIRE_CALL, d->stream, d->session, number * 8);
    struct transport_payload payload = {malloc(request->size + 1),
                                        request->size, transport_free, NULL};

    if (!payload.data)
        return false;
    if (request->size > 0)
        memcpy(payload.data, request->payload, request->size);
    head.value = time_left(request);
    wire_swap_head(&head);
    if (t->calls->send(t, NULL, &head, sizeof head, &payload, 0) ==
        TRANSPORT_DONE)
        return true;
    free(payload.data);
    return false;
}

static void on_request(struct desk *d, IpcRequest *request)
{
    uint64_t number = d->last_number + 1;
    struct open_call *c = &d->calls[number % OPEN_MAX];

    if (!d->is_welcome || c->request || request->size > WIRE_CALL_MAX ||
        !send_on(d, request, number)) {
        log_rarely(
            &d->limit, d->route->title,
            "a call is refused: not connected, too large (%zu bytes), or "
            "too many",
            request->size);
        ipc_service_refuse(d->service, request);
        return;
    }
    d->last_number = number;
    *c = (struct open_call){request, number};
    d->count++;
}

/* False: the service cannot be used any more. */
static bool serve(struct desk *d, uint64_t wait_ns)
{
    const struct timespec none = {0, 0};
    struct timespec wait = ticks_span(wait_ns);
    IpcServiceReceiveResult r = ipc_service_receive(d->service, &wait);

    while (r.ipc_status == IPC_OK) {
        on_request(d, r.result);
        r = ipc_service_receive(d->service, &none);
    }
    return r.ipc_status == IPC_ERR_TIMEOUT ||
           r.ipc_status == IPC_ERR_INTERRUPTED;
}

/* --------------------------------------------------------------------- run */

static bool open_service(struct desk *d)
{
    IpcServiceOpenResult r = ipc_service_open(d->route->options.name, NULL);

    if (r.ipc_status != IPC_OK) {
        log_rarely(&d->limit, d->route->title, "%s", r.error.detail);
        return false;
    }
    d->service = r.result;
    say_hello(d);
    return true;
}

static void close_service(struct desk *d)
{
    refuse_all(d);
    ipc_service_destroy(d->service);
    d->service = NULL;
}

static void reconnect_if_due(struct desk *d)
{
    if (d->is_welcome || ticks_now() - d->hello_at < HELLO_NS)
        return;
    log_rarely(&d->limit, d->route->title, "%s does not answer",
               d->route->options.address);
    carrier_close(d->route);
    if (carrier_open(d->route))
        say_hello(d);
    else
        route_pause(d->route, TICKS_SECOND);
}

void desk_run(struct route *route)
{
    struct desk *d = calloc(1, sizeof *d);

    if (!d) {
        log_line(route->title, "there is no memory");
        return;
    }
    d->route = route;
    d->stream = make_number();
    while (!route_stops(route)) {
        if (!d->service && !open_service(d)) {
            route_pause(route, TICKS_SECOND);
            continue;
        }
        /* Who waits for an answer is more likely than one more who asks. */
        listen(d, d->count > 0 ? 1 : 0);
        reconnect_if_due(d);
        sweep(d);
        if (!serve(d, d->count > 0 ? 0 : d->is_welcome ? IDLE_NS : TICKS_MS))
            close_service(d);
    }
    if (d->service)
        close_service(d);
    free(d);
}
