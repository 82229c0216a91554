/* SPDX-License-Identifier: MIT */
#include "input.h"
#include "stop.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    ROOM = 256 << 10,
    PIPE_BYTES = 1 << 20, /* as for the output */
};

bool input_open(struct input *in, int fd)
{
    struct stat about;

    *in = (struct input){.fd = fd, .room = ROOM};
    in->is_pipe = fstat(fd, &about) == 0 && S_ISFIFO(about.st_mode);
    fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
    in->memory = malloc(ROOM);
    return in->memory != NULL;
}

void input_close(struct input *in)
{
    free(in->memory);
}

/* Moves what is left to the front, if that makes reads fewer. */
static void make_free(struct input *in, size_t wanted)
{
    size_t left = input_left(in);

    if (left > 0 && in->room - in->begin >= wanted &&
        in->room - in->end >= in->room / 2)
        return;
    memmove(in->memory, in->memory + in->begin, left);
    in->begin = 0;
    in->end = left;
}

/* Room for `wanted` bytes from `begin` on, more than there are. */
static bool make_room(struct input *in, size_t wanted)
{
    size_t room = in->room;
    unsigned char *memory;

    make_free(in, wanted);
    while (room - in->begin < wanted)
        room *= 2;
    if (room == in->room)
        return true;
    memory = realloc(in->memory, room);
    if (!memory)
        return false;
    in->memory = memory;
    in->room = room;
    return true;
}

enum input_state input_into(struct input *in, void *to, size_t size,
                            size_t *got)
{
    ssize_t count;

    *got = 0;
    do {
        if (!stop_wait_readable(in->fd))
            return INPUT_STOPPED;
        count = read(in->fd, to, size);
    } while (count < 0 && (errno == EINTR || errno == EAGAIN));
    if (count < 0)
        return INPUT_FAILED;
    *got = (size_t)count;
    in->ended = count == 0;
    return in->ended ? INPUT_ENDED : INPUT_OK;
}

enum input_state input_more(struct input *in, size_t wanted, size_t most)
{
    enum input_state state;
    size_t size, got;

    if (!make_room(in, wanted))
        return INPUT_FAILED;
    size = in->room - in->end;
    if (most - input_left(in) < size)
        size = most - input_left(in);
    state = input_into(in, in->memory + in->end, size, &got);
    in->end += got;
    return state;
}

enum input_state input_wait(struct input *in, size_t most, size_t *available)
{
    int ready = 0;

    *available = most;
    if (!stop_wait_readable(in->fd))
        return INPUT_STOPPED;
    /* Of other files it is not sure what this counts. */
    if (in->is_pipe && ioctl(in->fd, FIONREAD, &ready) == 0 && ready >= 0 &&
        (size_t)ready < most)
        *available = (size_t)ready;
    return INPUT_OK;
}

enum input_state input_now(struct input *in, void *to, size_t size, size_t *got)
{
    struct iovec piece = {to, size};
    ssize_t count = preadv2(in->fd, &piece, 1, -1, RWF_NOWAIT);

    *got = count > 0 ? (size_t)count : 0;
    if (count >= 0) {
        in->ended = count == 0;
        return in->ended ? INPUT_ENDED : INPUT_OK;
    }
    /* Whatever it is: a read that may wait will tell. */
    return INPUT_NOTHING;
}
