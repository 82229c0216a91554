/* SPDX-License-Identifier: MIT */
/*
 * ZeroMQ's push and pull sockets over ipc. A thread of its own in each process
 * does the sending and receiving, on the same CPU as its user; so calls wait
 * for a while instead of keeping that CPU busy.
 */
#include "loops.h"
#include "transports.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

enum { WAIT_MS = 100 };

struct end {
    void *context, *socket;
};

static int queue_open(struct link *link)
{
    (void)link;
    return 0;
}

static int attach(struct end *end, const struct link *link, enum side side)
{
    const int wait = WAIT_MS;
    const int depth = (int)(link->load->memory / link->load->size);
    char name[64];

    snprintf(name, sizeof name, "ipc://@%s", link->name);
    zmq_setsockopt(end->socket, ZMQ_SNDHWM, &depth, sizeof depth);
    zmq_setsockopt(end->socket, ZMQ_RCVHWM, &depth, sizeof depth);
    zmq_setsockopt(end->socket, ZMQ_SNDTIMEO, &wait, sizeof wait);
    zmq_setsockopt(end->socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
    return side == SIDE_SEND ? zmq_connect(end->socket, name)
                             : zmq_bind(end->socket, name);
}

static int queue_join(struct link *link, enum side side, unsigned index)
{
    struct end *end = malloc(sizeof *end);

    (void)index;
    if (!end)
        return -1;
    end->context = zmq_ctx_new();
    end->socket =
        zmq_socket(end->context, side == SIDE_SEND ? ZMQ_PUSH : ZMQ_PULL);
    link->state = end;
    return end->socket ? attach(end, link, side) : -1;
}

/* A receiver may drop what it has not read when its sender closes. So senders
 * stay until the receiver says, in the link's memory, that it is gone. */
static void queue_leave(struct link *link, enum side side)
{
    struct end *end = link->state;
    uint32_t *receiver_left = link->memory;

    if (side == SIDE_RECEIVE)
        __atomic_store_n(receiver_left, 1, __ATOMIC_RELEASE);
    else
        while (!__atomic_load_n(receiver_left, __ATOMIC_ACQUIRE))
            usleep(1000);
    zmq_close(end->socket);
    zmq_ctx_term(end->context);
    free(end);
}

static inline int queue_send(struct link *to, const void *data, size_t size)
{
    struct end *end = to->state;

    if (zmq_send(end->socket, data, size, 0) == (int)size)
        return 1;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static inline long queue_receive(struct link *from, void *to, size_t room)
{
    struct end *end = from->state;
    int n = zmq_recv(end->socket, to, room, 0);

    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

LOOPS(queue, queue_send, queue_receive)
static const struct loops queue_loops = {LOOPS_BASE(queue), LOOPS_NO_CALLS,
                                         LOOPS_NO_CALLS};

const struct transport transport_zeromq = {
    .name = "ZeroMQ ipc",
    .note = "sleeps, its thread has to run",
    .traits = TRAIT_KERNEL | TRAIT_SLEEPS | TRAIT_MANY_PRODUCERS,
    .open = queue_open,
    .join = queue_join,
    .leave = queue_leave,
    .loops = &queue_loops,
};
