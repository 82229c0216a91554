/* SPDX-License-Identifier: MIT */
/*
 * What the kernel has: a pipe, a Unix stream and a Unix seqpacket socket, all
 * non-blocking. All messages of a run have one size, so on streams that is
 * how many bytes to read.
 */
#include "loops.h"
#include "transports.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Both ends; either party has its copy, and what it has passed of a message
 * that took more than one call. */
struct ends {
    int in, out;
    size_t sent, received;
};

static int keep_ends(struct link *link, int in, int out)
{
    struct ends *e = calloc(1, sizeof *e);

    if (!e)
        return -1;
    e->in = in;
    e->out = out;
    link->state = e;
    return 0;
}

static int open_pipe(struct link *link)
{
    int fds[2];

    /* Above that several writers would mix their messages. */
    if (link->load->producers > 1 && link->load->size > PIPE_BUF)
        return -1;
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0)
        return -1;
    fcntl(fds[1], F_SETPIPE_SZ, (int)link->load->memory);
    return keep_ends(link, fds[0], fds[1]);
}

static int open_sockets(struct link *link, int type)
{
    int size = (int)link->load->memory;
    int fds[2];

    if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        return -1;
    /* The first needs privileges, the second has a limit. */
    if (setsockopt(fds[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
        setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    return keep_ends(link, fds[0], fds[1]);
}

static int open_stream(struct link *link)
{
    return open_sockets(link, SOCK_STREAM);
}

static int open_seqpacket(struct link *link)
{
    return open_sockets(link, SOCK_SEQPACKET);
}

static int join_ends(struct link *link, enum side side, unsigned index)
{
    (void)link;
    (void)side;
    (void)index;
    return 0;
}

static void close_ends(struct link *link)
{
    struct ends *e = link->state;

    close(e->in);
    close(e->out);
    free(e);
}

static inline int is_full(void)
{
    return errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
}

/* 1 when the last byte went. */
static inline int bytes_send(struct link *to, const void *data, size_t size)
{
    struct ends *e = to->state;
    ssize_t n = write(e->out, (const char *)data + e->sent, size - e->sent);

    if (n < 0)
        return is_full() ? 0 : -1;
    e->sent += (size_t)n;
    if (e->sent < size)
        return 0;
    e->sent = 0;
    return 1;
}

static inline long bytes_receive(struct link *from, void *to, size_t room)
{
    struct ends *e = from->state;
    ssize_t n = read(e->in, (char *)to + e->received, room - e->received);

    if (n <= 0)
        return n < 0 && is_full() ? 0 : -1;
    e->received += (size_t)n;
    if (e->received < room)
        return 0;
    e->received = 0;
    return (long)room;
}

static inline int packet_send(struct link *to, const void *data, size_t size)
{
    struct ends *e = to->state;

    if (send(e->out, data, size, MSG_NOSIGNAL) == (ssize_t)size)
        return 1;
    return is_full() ? 0 : -1;
}

static inline long packet_receive(struct link *from, void *to, size_t room)
{
    struct ends *e = from->state;
    ssize_t n = recv(e->in, to, room, 0);

    if (n <= 0)
        return n < 0 && is_full() ? 0 : -1;
    return (long)n;
}

LOOPS(bytes, bytes_send, bytes_receive)
static const struct loops bytes_loops = {LOOPS_BASE(bytes), LOOPS_NO_CALLS,
                                         LOOPS_NO_CALLS};

const struct transport transport_pipe = {
    .name = "pipe",
    .traits = TRAIT_KERNEL | TRAIT_MANY_PRODUCERS,
    .open = open_pipe,
    .join = join_ends,
    .close = close_ends,
    .loops = &bytes_loops,
};

const struct transport transport_unix_stream = {
    .name = "unix stream",
    .traits = TRAIT_KERNEL,
    .open = open_stream,
    .join = join_ends,
    .close = close_ends,
    .loops = &bytes_loops,
};

LOOPS(packet, packet_send, packet_receive)
static const struct loops packet_loops = {LOOPS_BASE(packet), LOOPS_NO_CALLS,
                                          LOOPS_NO_CALLS};

const struct transport transport_unix_seqpacket = {
    .name = "unix seqpacket",
    .traits = TRAIT_KERNEL | TRAIT_MANY_PRODUCERS | TRAIT_MANY_CONSUMERS,
    .max_size = 65536,
    .open = open_seqpacket,
    .join = join_ends,
    .close = close_ends,
    .loops = &packet_loops,
};
