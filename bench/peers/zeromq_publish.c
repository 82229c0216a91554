/* SPDX-License-Identifier: MIT */
/*
 * ZeroMQ's publish and subscribe sockets over ipc, made to lose nothing: the
 * publisher waits for all that subscribe before the first message, and is told
 * when there is no room instead of dropping. As in zeromq.c calls wait for a
 * while, since a thread in each process has to run.
 */
#include "loops.h"
#include "transports.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

enum { WAIT_MS = 100, JOIN_MS = 5000 };

struct end {
    void *context, *socket;
};

static int topic_open(struct link *link)
{
    (void)link;
    return 0;
}

static int wait_for_subscribers(const struct end *end, const struct link *link)
{
    const int join = JOIN_MS, wait = WAIT_MS;
    char told[16];

    zmq_setsockopt(end->socket, ZMQ_RCVTIMEO, &join, sizeof join);
    for (unsigned i = 0; i < link->load->consumers; i++)
        if (zmq_recv(end->socket, told, sizeof told, 0) < 0)
            return -1;
    zmq_setsockopt(end->socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
    return 0;
}

static int attach(const struct end *end, const struct link *link,
                  enum side side)
{
    const int wait = WAIT_MS, on = 1;
    const int depth =
        (int)(link->load->memory / link->load->size / link->load->consumers);
    char name[64];

    snprintf(name, sizeof name, "ipc://@%s", link->name);
    zmq_setsockopt(end->socket, ZMQ_SNDHWM, &depth, sizeof depth);
    zmq_setsockopt(end->socket, ZMQ_RCVHWM, &depth, sizeof depth);
    zmq_setsockopt(end->socket, ZMQ_SNDTIMEO, &wait, sizeof wait);
    zmq_setsockopt(end->socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
    if (side == SIDE_RECEIVE) {
        zmq_setsockopt(end->socket, ZMQ_SUBSCRIBE, "", 0);
        return zmq_connect(end->socket, name);
    }
    zmq_setsockopt(end->socket, ZMQ_XPUB_NODROP, &on, sizeof on);
    /* Each subscriber's request is to be seen, also one like another's. */
    zmq_setsockopt(end->socket, ZMQ_XPUB_VERBOSE, &on, sizeof on);
    return zmq_bind(end->socket, name) == 0 ? wait_for_subscribers(end, link)
                                            : -1;
}

static int topic_join(struct link *link, enum side side, unsigned index)
{
    struct end *end = malloc(sizeof *end);

    (void)index;
    if (!end)
        return -1;
    end->context = zmq_ctx_new();
    end->socket =
        zmq_socket(end->context, side == SIDE_SEND ? ZMQ_XPUB : ZMQ_SUB);
    link->state = end;
    return end->socket ? attach(end, link, side) : -1;
}

/* A subscriber may drop what it has not read when its publisher closes. So that
 * one stays until all subscribers say, in the link's memory, that they are
 * gone. */
static void topic_leave(struct link *link, enum side side)
{
    struct end *end = link->state;
    uint32_t *receivers_left = link->memory;

    if (side == SIDE_RECEIVE)
        __atomic_add_fetch(receivers_left, 1, __ATOMIC_RELEASE);
    else
        while (__atomic_load_n(receivers_left, __ATOMIC_ACQUIRE) <
               link->load->consumers)
            usleep(1000);
    zmq_close(end->socket);
    zmq_ctx_term(end->context);
    free(end);
}

static inline int topic_send(struct link *to, const void *data, size_t size)
{
    const struct end *end = to->state;

    if (zmq_send(end->socket, data, size, 0) == (int)size)
        return 1;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static inline long topic_receive(struct link *from, void *to, size_t room)
{
    const struct end *end = from->state;
    int n = zmq_recv(end->socket, to, room, 0);

    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

LOOPS(topic, topic_send, topic_receive)
static const struct loops topic_loops = {LOOPS_BASE(topic), LOOPS_NO_CALLS,
                                         LOOPS_NO_CALLS};

const struct transport transport_zeromq_publish = {
    .name = "ZeroMQ publish",
    .note = "sleeps, its thread has to run",
    .traits =
        TRAIT_KERNEL | TRAIT_SLEEPS | TRAIT_BROADCAST | TRAIT_MANY_CONSUMERS,
    .open = topic_open,
    .join = topic_join,
    .leave = topic_leave,
    .loops = &topic_loops,
};
