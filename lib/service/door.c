/* SPDX-License-Identifier: MIT */
#include "service/door.h"
#include "cancel.h"
#include "place/place.h"
#include "wait/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DOOR_PAUSE_NS = 200 * 1000,
    /* Who leaves does not wait longer for one who is stopped. */
    LEAVE_WAIT_NS = 200 * 1000 * 1000,
};

/* Behind the end of any file, and before the bytes of owners. */
#define DOOR_BYTE ((INT64_C(1) << 62) - 1)

/* A description of the file that the channel is in, or -1: the name is another
 * one's. */
static int open_file_of(const struct place *p)
{
    struct stat mine, named;
    int fd = file_open(p, p->name, false);

    if (fd >= 0 && fstat(fd, &named) == 0 && fstat(p->fd, &mine) == 0 &&
        named.st_dev == mine.st_dev && named.st_ino == mine.st_ino)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool lock(int fd, int64_t deadline)
{
    struct flock how = {.l_type = F_WRLCK,
                        .l_whence = SEEK_SET,
                        .l_start = (off_t)DOOR_BYTE,
                        .l_len = 1};

    while (fcntl(fd, F_OFD_SETLK, &how) != 0) {
        if (clock_is_past(deadline))
            return false;
        clock_sleep_until(clock_earlier(deadline, clock_after(DOOR_PAUSE_NS)));
    }
    return true;
}

/* Asked under the lock, and true until it is given back: who removes the name
 * holds it. */
static bool has_name(const struct place *p)
{
    struct stat file;

    return fstat(p->fd, &file) == 0 && file.st_nlink > 0;
}

/* The lock, or -1: the name is gone already, or the time has passed. */
static int open_door(const struct place *p, int64_t deadline)
{
    int fd = open_file_of(p);

    if (fd >= 0 && lock(fd, deadline) && has_name(p))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void shut_door(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void remove_name(const struct place *p)
{
    IpcOpenError body;
    const char *detail;

    place_unlink(p->name, &body, &detail);
}

/* ----------------------------------------------------------------- coming */

/* Of one attempt: look at the name again. */
#define AGAIN IPC_ERR_LOCKED

static IpcStatus join_crew(IpcChannel *ch, bool alone, const char **detail)
{
    const struct place *p = ch->buffer.place;
    const struct crew others = crew_look(ch, false, NULL);
    IpcStatus status;

    if (others.state != CREW_SERVES && !p->created) {
        remove_name(p);
        return AGAIN;
    }
    if (others.state == CREW_SERVES && alone) {
        *detail = "another process serves by that name: open without "
                  "IPC_OPEN_EXCLUSIVE to serve beside it, or end it";
        return IPC_ERR_EXISTS;
    }
    status = handle_consume(&ch->buffer);
    if (status == IPC_ERR_OWNERS_FULL)
        *detail = handle_owners_full;
    return status == IPC_ERR_FORMATTED_ANEW ? AGAIN : status;
}

static IpcStatus enter(IpcChannel *ch, bool alone, int64_t deadline,
                       const char **detail)
{
    IpcStatus status;
    int fd;

    if (!crew_can_serve(ch)) {
        *detail = "of that name there is a channel that is no service's: use "
                  "another name, or unlink it if nobody needs it";
        return IPC_ERR_NOT_FORMATTED;
    }
    fd = open_door(ch->buffer.place, deadline);
    if (fd < 0)
        return AGAIN;
    status = join_crew(ch, alone, detail);
    shut_door(fd);
    return status;
}

IpcStatus door_enter(const char *name, const IpcOpenOptions *options,
                     bool alone, IpcChannel **requests, IpcOpenError *body,
                     const char **detail)
{
    const int64_t deadline = clock_after((int64_t)options->timeout_ns);
    int state = cancel_disable();
    IpcStatus status;

    do {
        IpcChannelOpenResult opened = ipc_channel_open(name, options);

        status = opened.ipc_status;
        if (status != IPC_OK) {
            *body = opened.error.body;
            *detail = opened.error.detail;
            break;
        }
        status = enter(opened.result, alone, deadline, detail);
        if (status == IPC_OK)
            *requests = opened.result;
        else
            ipc_channel_destroy(opened.result);
    } while (status == AGAIN && !clock_is_past(deadline));
    cancel_restore(state);
    if (status != AGAIN)
        return status;
    *detail = "the time passed while another process was opening or leaving "
              "the service: that one is slow or stopped; wait longer "
              "(options.timeout_ns), end it, or unlink the name";
    return IPC_ERR_INITIALIZING;
}

/* ---------------------------------------------------------------- leaving */

void door_tidy(const IpcChannel *ch)
{
    const struct place *p = ch->buffer.place;
    int state = cancel_disable();
    int fd = open_door(p, clock_now());

    if (fd >= 0 && crew_look(ch, false, NULL).state != CREW_SERVES)
        remove_name(p);
    shut_door(fd);
    cancel_restore(state);
}

/* With the door's lock, or where there is none to be had. */
static IpcStatus close_all(IpcChannel *ch, int fd)
{
    if (fd >= 0)
        remove_name(ch->buffer.place);
    return channel_close(ch);
}

IpcStatus door_close(IpcChannel *ch)
{
    int state = cancel_disable();
    int fd = open_door(ch->buffer.place, clock_after(LEAVE_WAIT_NS));
    IpcStatus status = close_all(ch, fd);

    shut_door(fd);
    cancel_restore(state);
    return status;
}

void door_leave(IpcChannel *ch, void (*settle)(void *user, bool closed),
                void *user)
{
    int state = cancel_disable();
    int fd = open_door(ch->buffer.place, clock_after(LEAVE_WAIT_NS));
    bool last = crew_look(ch, true, NULL).state != CREW_SERVES;

    if (last)
        close_all(ch, fd);
    settle(user, last);
    ipc_channel_destroy(ch);
    shut_door(fd);
    cancel_restore(state);
}
