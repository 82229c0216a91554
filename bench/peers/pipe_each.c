/* SPDX-License-Identifier: MIT */
/*
 * A pipe for each subscriber, all non-blocking.
 */
#include "each.h"
#include "loops.h"
#include "transports.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct pipes {
    int in[EACH_MAX], out[EACH_MAX];
    unsigned next; /* to which a message is to be written */
};

/* A subscriber's view of it. */
struct end {
    int in;
    size_t received; /* of a message that took more than one call */
};

static int open_pipes(struct link *link)
{
    struct pipes *p = calloc(1, sizeof *p);
    unsigned count = link->load->consumers;
    int fds[2];

    if (!p || count > EACH_MAX)
        return -1;
    for (unsigned i = 0; i < count; i++) {
        if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0)
            return -1;
        fcntl(fds[1], F_SETPIPE_SZ, (int)(link->load->memory / count));
        p->in[i] = fds[0];
        p->out[i] = fds[1];
    }
    link->state = p;
    return 0;
}

static int join_pipes(struct link *link, enum side side, unsigned index)
{
    const struct pipes *p = link->state;
    struct end *end;

    if (side == SIDE_SEND)
        return 0;
    end = calloc(1, sizeof *end);
    if (!end)
        return -1;
    end->in = p->in[index];
    link->state = end;
    return 0;
}

static void leave_pipes(struct link *link, enum side side)
{
    if (side == SIDE_RECEIVE)
        free(link->state);
}

static void close_pipes(struct link *link)
{
    struct pipes *p = link->state;

    for (unsigned i = 0; i < link->load->consumers; i++) {
        close(p->in[i]);
        close(p->out[i]);
    }
    free(p);
}

/* Messages of at most PIPE_BUF bytes are written whole or not at all. */
static inline int pipe_send(struct link *to, unsigned i, const void *data,
                            size_t size)
{
    const struct pipes *p = to->state;

    if (write(p->out[i], data, size) == (ssize_t)size)
        return 1;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static inline int pipes_send(struct link *to, const void *data, size_t size)
{
    struct pipes *p = to->state;

    return each_send_all(to, &p->next, pipe_send, data, size);
}

static inline long pipes_receive(struct link *from, void *to, size_t room)
{
    struct end *e = from->state;
    ssize_t n = read(e->in, (char *)to + e->received, room - e->received);

    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    e->received += (size_t)n;
    if (e->received < room)
        return 0;
    e->received = 0;
    return (long)room;
}

LOOPS(pipes, pipes_send, pipes_receive)
static const struct loops pipes_loops = {LOOPS_BASE(pipes), LOOPS_NO_CALLS,
                                         LOOPS_NO_CALLS};

const struct transport transport_pipe_each = {
    .name = "a pipe each",
    .traits = TRAIT_KERNEL | TRAIT_BROADCAST | TRAIT_MANY_CONSUMERS,
    .max_size = 4096,
    .open = open_pipes,
    .join = join_pipes,
    .leave = leave_pipes,
    .close = close_pipes,
    .loops = &pipes_loops,
};
