/* SPDX-License-Identifier: MIT */
#include "output.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    ROOM = 256 << 10,
    /* What a pipe holds: fewer changes between who fills and who empties it. */
    PIPE_BYTES = 1 << 20,
};

_Static_assert((int)OUTPUT_SPACE_MAX < (int)ROOM, "fits into an empty buffer");

bool output_open(struct output *o, int fd)
{
    *o = (struct output){.fd = fd, .room = ROOM};
    /* Fails for what is no pipe, and may be denied: then it stays as it is. */
    fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
    o->memory = malloc(ROOM);
    return o->memory != NULL;
}

void output_close(struct output *o)
{
    free(o->memory);
}

void output_fail(struct output *o, int error)
{
    if (o->failed)
        return;
    o->failed = true;
    o->error = error;
}

/* Waits where a descriptor that does not block was handed to us. */
static bool may_go_on(const struct output *o)
{
    struct pollfd one = {o->fd, POLLOUT, 0};

    if (errno == EAGAIN)
        poll(&one, 1, -1);
    return errno == EINTR || errno == EAGAIN;
}

/* All of it, however often we are interrupted: a message is not cut. */
static bool write_all(struct output *o, struct iovec *pieces, int count)
{
    while (count > 0) {
        ssize_t written;

        if (pieces->iov_len == 0) {
            pieces++;
            count--;
            continue;
        }
        written = writev(o->fd, pieces, count);
        if (written < 0 && !may_go_on(o)) {
            output_fail(o, errno);
            return false;
        }
        for (size_t left = written > 0 ? (size_t)written : 0; left > 0;) {
            size_t step = left < pieces->iov_len ? left : pieces->iov_len;

            pieces->iov_base = (unsigned char *)pieces->iov_base + step;
            pieces->iov_len -= step;
            left -= step;
            if (pieces->iov_len == 0 && left > 0) {
                pieces++;
                count--;
            }
        }
    }
    return true;
}

bool output_through(struct output *o, const void *data, size_t size)
{
    /* writev() does not store there. */
    struct iovec pieces[] = {{o->memory, o->used},
                             {(void *)(uintptr_t)data, size}};

    if (o->failed)
        return false;
    o->used = 0;
    return write_all(o, pieces, 2);
}

bool output_flush(struct output *o)
{
    return output_through(o, NULL, 0);
}

bool output_put(struct output *o, const void *data, size_t size)
{
    unsigned char *to;

    if (size > OUTPUT_SPACE_MAX)
        return output_through(o, data, size);
    to = output_space(o, size);
    if (!to)
        return false;
    memcpy(to, data, size);
    o->used += size;
    return true;
}

unsigned char *output_space(struct output *o, size_t size)
{
    if (o->room - o->used < size && !output_flush(o))
        return NULL;
    return o->failed ? NULL : o->memory + o->used;
}

bool output_is_deserted(const struct output *o)
{
    struct pollfd one = {o->fd, 0, 0};

    return poll(&one, 1, 0) > 0 && (one.revents & POLLERR);
}
