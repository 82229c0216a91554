/* SPDX-License-Identifier: MIT */
#include "bridge/zeromq.h"
#include "bridge/guard.h"
#include "bridge/ticks.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    QUEUE_MESSAGES = 64, /* in each direction of a connection */
    /* An unauthenticated peer has so long to be one that is. */
    HANDSHAKE_MS = 5000,
    BACKLOG = 32,
    HEARTBEAT_MS = 1000,
    SILENCE_MS = 5000, /* then the connection is dead */
    CONNECT_MS = 3000,
    RECONNECT_MS = 50,
    RECONNECT_MOST_MS = 1000,
    BIND_TRIES = 200,
};

struct zeromq {
    struct transport base;
    void *socket;
    bool routes; /* it is a ROUTER */
    struct guard *guard;
    zmq_msg_t first, payload;
};

static struct zeromq *zeromq_of(struct transport *t)
{
    return (struct zeromq *)t;
}

static enum transport_result result_of_errno(void)
{
    return errno == EAGAIN || errno == EINTR || errno == EHOSTUNREACH
               ? TRANSPORT_LATER
               : TRANSPORT_FAILED;
}

/* Waits for room to send or something to receive. */
static bool is_able(const struct zeromq *z, short event, int timeout_ms)
{
    zmq_pollitem_t item = {z->socket, 0, event, 0};

    return timeout_ms == 0 || zmq_poll(&item, 1, timeout_ms) > 0;
}

/* -------------------------------------------------------------------- send */

/* The first part that goes out decides: behind it all others do, too. */
static bool send_head(struct zeromq *z, const struct transport_peer *to,
                      const void *first, size_t first_size, int more)
{
    if (z->routes &&
        zmq_send(z->socket, to->id, to->size, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
        return false;
    return zmq_send(z->socket, first, first_size, ZMQ_DONTWAIT | more) >= 0;
}

/* Once the first part is gone the message has to end: what cannot be sent is
 * sent empty, and thrown away over there. */
static void send_payload(struct zeromq *z,
                         const struct transport_payload *payload)
{
    zmq_msg_t part;

    if (zmq_msg_init_data(&part, payload->data, payload->size, payload->release,
                          payload->hint) != 0) {
        payload->release(payload->data, payload->hint);
        zmq_msg_init(&part);
    }
    if (zmq_msg_send(&part, z->socket, 0) < 0)
        zmq_msg_close(&part); /* releases it */
}

static enum transport_result
send_message(struct transport *t, const struct transport_peer *to,
             const void *first, size_t first_size,
             const struct transport_payload *payload, int timeout_ms)
{
    struct zeromq *z = zeromq_of(t);
    const bool has_payload = payload && payload->data;

    if (!is_able(z, ZMQ_POLLOUT, timeout_ms))
        return TRANSPORT_LATER;
    if (!send_head(z, to, first, first_size, has_payload ? ZMQ_SNDMORE : 0))
        return result_of_errno();
    if (has_payload)
        send_payload(z, payload);
    return TRANSPORT_DONE;
}

static enum transport_result acknowledge(struct transport *t,
                                         const struct transport_peer *to,
                                         const struct wire_head *head)
{
    struct wire_head swapped = *head;

    wire_swap_head(&swapped);
    return send_message(t, to, &swapped, sizeof swapped, NULL, 0);
}

/* ----------------------------------------------------------------- receive */

static bool has_more(const zmq_msg_t *part)
{
    return zmq_msg_more(part) != 0;
}

/* The first part of a message at a ROUTER is who it is from. */
static bool receive_peer(struct zeromq *z, struct transport_peer *from,
                         bool *more)
{
    int size = zmq_msg_recv(&z->first, z->socket, ZMQ_DONTWAIT);

    if (size < 0)
        return false;
    from->size = (size_t)size < sizeof from->id ? (size_t)size : 0;
    memcpy(from->id, zmq_msg_data(&z->first), from->size);
    *more = has_more(&z->first);
    return true;
}

/* What no message has, until the message ends. */
static void drop_rest(struct zeromq *z)
{
    zmq_msg_t part;
    bool more = true;

    zmq_msg_init(&part);
    while (more && zmq_msg_recv(&part, z->socket, ZMQ_DONTWAIT) >= 0)
        more = has_more(&part);
    zmq_msg_close(&part);
}

static enum transport_result receive_parts(struct zeromq *z,
                                           struct transport_packet *packet)
{
    bool more = true;

    *packet = (struct transport_packet){0};
    if (z->routes && !receive_peer(z, &packet->from, &more))
        return result_of_errno();
    if (more && zmq_msg_recv(&z->first, z->socket, ZMQ_DONTWAIT) < 0)
        return result_of_errno();
    guard_heard(z->guard, zmq_msg_get(&z->first, ZMQ_SRCFD));
    packet->first = zmq_msg_data(&z->first);
    packet->first_size = more ? zmq_msg_size(&z->first) : 0;
    if (!more || !has_more(&z->first))
        return TRANSPORT_DONE;
    if (zmq_msg_recv(&z->payload, z->socket, ZMQ_DONTWAIT) < 0)
        return result_of_errno();
    packet->payload = zmq_msg_data(&z->payload);
    packet->payload_size = zmq_msg_size(&z->payload);
    if (has_more(&z->payload)) {
        drop_rest(z);
        packet->first_size = 0; /* no message is like that */
    }
    return TRANSPORT_DONE;
}

static enum transport_result
receive(struct transport *t, struct transport_packet *packet, int timeout_ms)
{
    struct zeromq *z = zeromq_of(t);
    enum transport_result result = receive_parts(z, packet);

    if (result != TRANSPORT_LATER)
        return result;
    /* With a thread nobody needs to know: near sides begin. */
    if (!z->routes && guard_look(z->guard))
        return TRANSPORT_BROKEN;
    if (timeout_ms == 0)
        return result;
    if (!is_able(z, ZMQ_POLLIN, timeout_ms))
        return TRANSPORT_LATER;
    return receive_parts(z, packet);
}

static void close_socket(struct transport *t)
{
    struct zeromq *z = zeromq_of(t);

    zmq_msg_close(&z->first);
    zmq_msg_close(&z->payload);
    guard_stop(z->guard);
    if (z->socket)
        zmq_close(z->socket);
    free(z);
}

static const struct transport_calls calls = {send_message, receive, acknowledge,
                                             close_socket};

/* -------------------------------------------------------------------- open */

static bool set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_limits(void *socket, const struct zeromq_options *o)
{
    int64_t most = (int64_t)o->largest;

    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most) == 0 &&
           set(socket, ZMQ_SNDHWM, QUEUE_MESSAGES) &&
           set(socket, ZMQ_RCVHWM, QUEUE_MESSAGES) &&
           set(socket, ZMQ_LINGER, 0) &&
           set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
           set(socket, ZMQ_BACKLOG, BACKLOG) &&
           set(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) &&
           set(socket, ZMQ_HEARTBEAT_TIMEOUT, SILENCE_MS) &&
           set(socket, ZMQ_CONNECT_TIMEOUT, CONNECT_MS) &&
           set(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
           set(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MOST_MS) &&
           set(socket, ZMQ_IPV6, 1);
}

static bool set_key(void *socket, int option, const char *key)
{
    return zmq_setsockopt(socket, option, key, strlen(key)) == 0;
}

static bool set_keys(void *socket, const struct zeromq_options *o)
{
    if (!o->secret)
        return true;
    if (!set_key(socket, ZMQ_CURVE_SECRETKEY, o->secret) ||
        !set_key(socket, ZMQ_CURVE_PUBLICKEY, o->public))
        return false;
    if (!o->binds)
        return set_key(socket, ZMQ_CURVE_SERVERKEY, o->server);
    return set(socket, ZMQ_CURVE_SERVER, 1) &&
           set_key(socket, ZMQ_ZAP_DOMAIN, o->zap_domain);
}

/* A socket of ours that was closed leaves its port some time later: a line of a
 * configuration may have taken the place of another. */
static bool bind_to(void *socket, const char *address)
{
    const struct timespec turn = ticks_span(10 * TICKS_MS);

    for (int tries = 0; tries < BIND_TRIES; tries++) {
        if (zmq_bind(socket, address) == 0)
            return true;
        if (errno != EADDRINUSE)
            return false;
        nanosleep(&turn, NULL);
    }
    errno = EADDRINUSE;
    return false;
}

static bool open_socket(struct zeromq *z, const struct zeromq_options *o)
{
    z->socket = zmq_socket(o->context, o->binds ? ZMQ_ROUTER : ZMQ_DEALER);
    if (!z->socket || !set_limits(z->socket, o) || !set_keys(z->socket, o))
        return false;
    z->guard = guard_start(o->context, z->socket, o->title, o->binds);
    if (!z->guard)
        return false;
    if (o->binds)
        return bind_to(z->socket, o->address);
    return zmq_connect(z->socket, o->address) == 0;
}

struct transport *zeromq_open(const struct zeromq_options *options)
{
    struct zeromq *z = calloc(1, sizeof *z);
    int error;

    if (!z)
        return NULL;
    z->base.calls = &calls;
    z->routes = options->binds;
    zmq_msg_init(&z->first);
    zmq_msg_init(&z->payload);
    if (open_socket(z, options))
        return &z->base;
    error = errno;
    close_socket(&z->base);
    errno = error;
    return NULL;
}

bool zeromq_is_loopback(const char *address)
{
    static const char *const hosts[] = {"127.0.0.1:", "localhost:", "[::1]:"};
    const char *host = strstr(address, "://");

    if (strncmp(address, "ipc://", 6) == 0)
        return true;
    for (size_t i = 0; host && i < sizeof hosts / sizeof hosts[0]; i++)
        if (strncmp(host + 3, hosts[i], strlen(hosts[i])) == 0)
            return true;
    return false;
}
