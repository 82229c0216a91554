/* SPDX-License-Identifier: MIT */
/*
 * nng's push and pull sockets over ipc. Threads of its own in each process do
 * the sending and receiving, on the same CPU as their user; so calls wait for
 * a while instead of keeping that CPU busy.
 */
#include "loops.h"
#include "transports.h"
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <nng/supplemental/util/platform.h>
#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MS = 100, LONGEST_LEAVE_MS = 5000, LARGEST_DEPTH = 8192 };

struct end {
    nng_socket socket;
    int receivers; /* that are connected */
};

static int queue_open(struct link *link)
{
    (void)link;
    return 0;
}

static void count_receivers(nng_pipe pipe, nng_pipe_ev event, void *user)
{
    struct end *end = user;

    (void)pipe;
    __atomic_add_fetch(&end->receivers, event == NNG_PIPE_EV_ADD_POST ? 1 : -1,
                       __ATOMIC_ACQ_REL);
}

static int depth(const struct link *link)
{
    size_t n = link->load->memory / link->load->size;

    return n > LARGEST_DEPTH ? LARGEST_DEPTH : (int)n;
}

static int join_sender(struct end *end, const struct link *link,
                       const char *name)
{
    if (nng_push0_open(&end->socket) != 0)
        return -1;
    nng_pipe_notify(end->socket, NNG_PIPE_EV_ADD_POST, count_receivers, end);
    nng_pipe_notify(end->socket, NNG_PIPE_EV_REM_POST, count_receivers, end);
    nng_socket_set_int(end->socket, NNG_OPT_SENDBUF, depth(link));
    nng_socket_set_ms(end->socket, NNG_OPT_SENDTIMEO, WAIT_MS);
    for (int tries = 0; tries < LONGEST_LEAVE_MS; tries++) {
        if (nng_dial(end->socket, name, NULL, 0) == 0)
            return 0;
        nng_msleep(1);
    }
    return -1;
}

static int join_receiver(struct end *end, const struct link *link,
                         const char *name)
{
    if (nng_pull0_open(&end->socket) != 0)
        return -1;
    nng_socket_set_int(end->socket, NNG_OPT_RECVBUF, depth(link));
    nng_socket_set_ms(end->socket, NNG_OPT_RECVTIMEO, WAIT_MS);
    nng_socket_set_size(end->socket, NNG_OPT_RECVMAXSZ, 0);
    return nng_listen(end->socket, name, NULL, 0) == 0 ? 0 : -1;
}

static int queue_join(struct link *link, enum side side, unsigned index)
{
    struct end *end = calloc(1, sizeof *end);
    char name[64];

    (void)index;
    snprintf(name, sizeof name, "abstract://%s", link->name);
    link->state = end;
    if (!end)
        return -1;
    return side == SIDE_SEND ? join_sender(end, link, name)
                             : join_receiver(end, link, name);
}

/* Closing throws away what has not been sent: a sender waits until the
 * receiver, who has had its last message, is gone. */
static void queue_leave(struct link *link, enum side side)
{
    struct end *end = link->state;

    if (side == SIDE_SEND)
        for (int ms = 0; ms < LONGEST_LEAVE_MS &&
                         __atomic_load_n(&end->receivers, __ATOMIC_ACQUIRE) > 0;
             ms++)
            nng_msleep(1);
    nng_close(end->socket);
}

static inline int queue_send(struct link *to, const void *data, size_t size)
{
    struct end *end = to->state;
    int result = nng_send(end->socket, (void *)(uintptr_t)data, size, 0);

    if (result == 0)
        return 1;
    return result == NNG_EAGAIN || result == NNG_ETIMEDOUT ? 0 : -1;
}

static inline long queue_receive(struct link *from, void *to, size_t room)
{
    struct end *end = from->state;
    size_t size = room;
    int result = nng_recv(end->socket, to, &size, 0);

    if (result == 0)
        return (long)size;
    return result == NNG_EAGAIN || result == NNG_ETIMEDOUT ? 0 : -1;
}

LOOPS(queue, queue_send, queue_receive)
static const struct loops queue_loops = {LOOPS_BASE(queue), LOOPS_NO_CALLS,
                                         LOOPS_NO_CALLS};

const struct transport transport_nng = {
    .name = "nng ipc",
    .note = "sleeps, its threads have to run",
    .traits = TRAIT_KERNEL | TRAIT_SLEEPS | TRAIT_MANY_PRODUCERS,
    .open = queue_open,
    .join = queue_join,
    .leave = queue_leave,
    .loops = &queue_loops,
};
