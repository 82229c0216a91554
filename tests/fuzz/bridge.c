/* SPDX-License-Identifier: MIT */
/*
 * What arrives at a bridge, at either side: messages that are almost such as
 * the other side sends, damaged, cut, of sessions that are over, in any order.
 * The far side's channel is read meanwhile, and the near side's is written.
 */
#include "bridge/carrier.h"
#include "bridge/far.h"
#include "bridge/log.h"
#include "bridge/sending.h"
#include "bridge/ticks.h"
#include "fuzz.h"
#include "segment.h"
#include <shmipc/shmipc.h>
#include <stdarg.h>
#include <unistd.h>

enum { CHANNEL = 1 << 16, LARGEST = 12000, ENTRIES_MAX = 6, PAYLOAD = 1 << 14 };

static char name[64];
static IpcChannel *other; /* end of the channel, than the bridge's */
static struct input in;
static struct route route;
static const struct near *near; /* whose session is asked for, or NULL */
static unsigned char first[WIRE_FIRST_MAX], payload[PAYLOAD];
static unsigned char *first_given, *payload_given;

/* ------------------------------------------- instead of the bridge's own */

void log_line(const char *title, const char *format, ...)
{
    (void)title;
    (void)format;
}

void log_rarely(struct log_limit *limit, const char *title, const char *format,
                ...)
{
    (void)limit;
    (void)title;
    (void)format;
}

void route_pause(struct route *r, uint64_t ns)
{
    (void)ns;
    if (in.left == 0)
        atomic_store(&r->stops, true);
}

bool carrier_open(struct route *r)
{
    (void)r;
    return true;
}

void carrier_close(struct route *r)
{
    (void)r;
}

/* ---------------------------------------------------------- what arrives */

static uint64_t any_offset(void)
{
    switch (next_below(&in, 8)) {
    case 0:
        return WIRE_NONE;
    case 1:
        return next_number(&in, 8);
    default:
        return (uint64_t)next_below(&in, 40) * 64;
    }
}

static size_t any_entries(struct wire_head *head, size_t *size)
{
    uint64_t offset = head->after == WIRE_NONE ? 0 : head->after;

    head->count = head->kind == WIRE_PART ? 1 : next_below(&in, ENTRIES_MAX);
    *size = 0;
    for (uint32_t i = 0; i < head->count; i++) {
        struct wire_entry e = {offset += 64, 1 + next_below(&in, 200), 0};

        if (head->kind == WIRE_PART) {
            *size = e.size;
            e.size = 1 + next_below(&in, 2 * LARGEST);
            head->value = next_below(&in, 4) * *size;
        } else {
            *size += e.size;
        }
        if (next_below(&in, 16) == 0)
            e.size = (uint32_t)next_number(&in, 4);
        wire_swap_entry(&e);
        memcpy(first + sizeof *head + i * sizeof e, &e, sizeof e);
    }
    return sizeof *head + head->count * sizeof(struct wire_entry);
}

static size_t any_message(size_t *payload_size)
{
    struct wire_head head =
        wire_make((enum wire_kind)(1 + next_below(&in, 10)),
                  1 + next_below(&in, 3), 1 + next_below(&in, 2), any_offset());
    size_t size = sizeof head;

    *payload_size = 0;
    head.flags = (uint16_t)(next_below(&in, 8) == 0);
    head.value = next_below(&in, 3) ? LARGEST : next_number(&in, 8);
    head.number = next_below(&in, 3);
    if (near && next_below(&in, 8)) {
        head.stream = near->stream;
        head.session = near->session;
    }
    if (head.kind == WIRE_DATA || head.kind == WIRE_PART)
        size = any_entries(&head, payload_size);
    wire_swap_head(&head);
    memcpy(first, &head, sizeof head);
    for (uint32_t damage = next_below(&in, 16); damage > 13; damage--)
        first[next_below(&in, (uint32_t)size)] = next_byte(&in);
    if (next_below(&in, 32) == 0)
        size = next_below(&in, (uint32_t)size);
    return size;
}

/* Somebody reads, so that the far side does not wait for space. */
static void drain(void)
{
    static unsigned char bytes[CHANNEL];
    IpcEntry entry = {0, bytes, sizeof bytes};

    while (ipc_channel_try_read_into(other, &entry).ipc_status == IPC_OK) {
        must(entry.size > 0 && entry.size <= 2 * LARGEST);
        entry.size = sizeof bytes;
    }
}

/* In memory that is as long as what came. */
static void give(struct transport_packet *packet)
{
    size_t size, payload_size;

    free(first_given);
    free(payload_given);
    size = any_message(&payload_size);
    first_given = malloc(size ? size : 1);
    payload_given = payload_size ? malloc(payload_size) : NULL;
    must(first_given && (!payload_size || payload_given));
    memcpy(first_given, first, size);
    if (payload_given)
        memcpy(payload_given, payload, payload_size);
    *packet = (struct transport_packet){first_given,
                                        payload_given,
                                        size,
                                        payload_size,
                                        {1, {next_byte(&in) % 2}}};
}

static enum transport_result
receive(struct transport *t, struct transport_packet *packet, int timeout_ms)
{
    (void)t;
    (void)timeout_ms;
    if (!near)
        drain();
    if (in.left == 0) {
        atomic_store(&route.stops, true);
        return TRANSPORT_LATER;
    }
    if (next_below(&in, 8) == 0)
        return near && next_below(&in, 4) == 0 ? TRANSPORT_BROKEN
                                               : TRANSPORT_LATER;
    give(packet);
    return TRANSPORT_DONE;
}

static enum transport_result send_message(struct transport *t,
                                          const struct transport_peer *to,
                                          const void *head, size_t size,
                                          const struct transport_payload *p,
                                          int timeout_ms)
{
    struct wire_message m;

    (void)t;
    (void)to;
    (void)timeout_ms;
    must(!wire_read(head, size, p && p->data ? p->data : NULL,
                    p && p->data ? p->size : 0, &m));
    if (in.left > 0 && next_below(&in, 16) == 0)
        return TRANSPORT_LATER;
    if (p && p->data)
        p->release(p->data, p->hint);
    return TRANSPORT_DONE;
}

static enum transport_result acknowledge(struct transport *t,
                                         const struct transport_peer *to,
                                         const struct wire_head *head)
{
    (void)t;
    (void)to;
    must(head->kind == WIRE_ACK);
    return TRANSPORT_DONE;
}

static void close_it(struct transport *t)
{
    (void)t;
}

/* --------------------------------------------------------------- both sides */

static void try_far(void)
{
    far_run(&route);
    drain();
}

static void write_some(void)
{
    static const unsigned char bytes[LARGEST + 100] = {7};
    size_t size = 1 + next_below(&in, 8);

    if (next_below(&in, 8) == 0)
        size = 1 + next_below(&in, sizeof bytes);
    (void)ipc_channel_write(other, bytes, size).ipc_status;
}

static void try_near(void)
{
    struct near *n = calloc(1, sizeof *n);

    must(n);
    n->route = &route;
    near = n;
    must(!intake_open(&n->in, name, route.path, &route.options.open, false));
    n->stream = n->in.region.ring.creation;
    n->known = n->sent = n->most = n->acknowledged = n->heard = WIRE_NONE;
    n->is_first = true;
    session_begin_anew(n);
    while (in.left > 0) {
        write_some();
        session_listen(n, 0);
        if (!n->is_welcome)
            continue;
        session_ask_if_due(n);
        if (!flights_are_full(&n->flights) &&
            sending_fill(n, 0) == INTAKE_ENTRY)
            sending_send(n);
    }
    must(atomic_load(&n->lent) == 0);
    batch_drop(&n->batch);
    intake_close(&n->in);
    near = NULL;
    free(n);
}

static const struct transport_calls calls = {send_message, receive, acknowledge,
                                             close_it};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct transport transport = {&calls};
    char note[100];
    IpcChannelOpenResult r;
    bool is_near;

    in = (struct input){data, size};
    is_near = next_below(&in, 2);
    snprintf(name, sizeof name, "/shmipc-fuzz-bridge-%d", (int)getpid());
    route = (struct route){.transport = &transport};
    route.options.is_far = !is_near;
    route.options.largest = LARGEST;
    route.options.name = name;
    route.options.open = (IpcOpenOptions){
        .struct_size = sizeof route.options.open,
        .size = CHANNEL,
        .configuration.flags =
            is_near ? IPC_BUFFER_ONE_CONSUMER : IPC_BUFFER_ONE_PRODUCER};
    route.path = segment_path(name);
    must(route.path);
    r = ipc_channel_open(name, &route.options.open);
    must(r.ipc_status == IPC_OK);
    other = r.result;
    timed(is_near ? try_near() : try_far());
    ipc_channel_destroy(other);
    (void)ipc_channel_unlink(name).ipc_status;
    snprintf(note, sizeof note, "%s.bridge", route.path);
    (void)unlink(note);
    free(route.path);
    free(first_given);
    free(payload_given);
    first_given = payload_given = NULL;
    return 0;
}
