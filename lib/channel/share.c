/* SPDX-License-Identifier: MIT */
/*
 * Handing a channel to another process over a Unix socket: a short message,
 * the memory's descriptor, and the eventfd if the handle has one.
 *
 * Nothing that is received is trusted. Every descriptor that came has one owner
 * at any time: the message, until a handle has taken the eventfd over; what the
 * message still owns at the end is closed.
 */
#include "answer.h"
#include "cancel.h"
#include "channel/channel.h"
#include "place/place.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHARE_MAGIC   UINT64_C(0x314843532d495053) /* "SPI-SCH1" */
#define SHARE_VERSION UINT32_C(1)

enum {
    SHARE_EVENTS = 1, /* an eventfd comes along */
    FDS_MAX = 2,
    /* Room for what the socket's options bring along, such as credentials. */
    OTHER_ANCILLARY = 256,
};

struct share_header {
    uint64_t magic;
    uint32_t version;
    uint32_t events;
    uint64_t size; /* bytes to map */
};

_Static_assert(sizeof(struct share_header) == 24, "no padding");

struct message {
    struct share_header header;
    int fds[FDS_MAX];
    int count; /* of descriptors that came; more than FDS_MAX are closed */
    bool cut;  /* the kernel dropped some of it */
};

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(FDS_MAX * sizeof(int)) + OTHER_ANCILLARY];
};

static bool wait_for(int socket, short events)
{
    struct pollfd what = {.fd = socket, .events = events};
    int got;

    do {
        got = poll(&what, 1, -1);
    } while (got < 0 && errno == EINTR);
    return got >= 0;
}

/* --------------------------------------------------------------- sending */

static void attach_fds(struct msghdr *m, union control *control, const int *fds,
                       int count)
{
    size_t bytes = (size_t)count * sizeof *fds;
    struct cmsghdr *c;

    m->msg_control = control->bytes;
    /* Both are what POSIX says in musl, and wider in glibc. */
    m->msg_controllen = (socklen_t)CMSG_SPACE(bytes);
    c = CMSG_FIRSTHDR(m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = (socklen_t)CMSG_LEN(bytes);
    memcpy(CMSG_DATA(c), fds, bytes);
}

/* 0 or errno. The descriptors go with the first byte. */
static int send_message(int socket, const struct share_header *header,
                        const int *fds, int count)
{
    union control control;
    size_t sent = 0;

    memset(&control, 0, sizeof control);
    while (sent < sizeof *header) {
        unsigned char bytes[sizeof *header];
        struct iovec piece = {bytes, sizeof bytes - sent};
        struct msghdr m = {.msg_iov = &piece, .msg_iovlen = 1};
        ssize_t n;

        memcpy(bytes, header, sizeof bytes);
        piece.iov_base = bytes + sent;
        if (sent == 0)
            attach_fds(&m, &control, fds, count);
        n = sendmsg(socket, &m, MSG_NOSIGNAL);
        if (n >= 0)
            sent += (size_t)n;
        else if (errno == EAGAIN && sent > 0)
            wait_for(socket, POLLOUT); /* half a message is of no use */
        else if (errno != EINTR)
            return errno;
    }
    return 0;
}

/* 0: not known. */
static uint64_t size_of_file(int fd, int *error)
{
    struct stat file;

    *error = fstat(fd, &file) == 0 ? 0 : errno;
    if (*error || !S_ISREG(file.st_mode) || file.st_size < 0)
        return 0;
    return (uint64_t)file.st_size;
}

/* NULL: such a mapping can be shared. Else why not, and *value is the bound. */
static const char *blame_memory(const IpcChannel *channel, uint64_t file,
                                uint64_t size, int64_t *value)
{
    if (file == 0)
        return "memory_fd is no file with memory: pass what memfd_create or "
               "shm_open returned";
    *value = (int64_t)channel->buffer.region_size;
    if (size < channel->buffer.region_size)
        return "size is less than the channel's (error.body.value): say how "
               "many bytes of the file to map";
    *value = (int64_t)file;
    if (size > file)
        return "size is more than the file's (error.body.value): say how many "
               "bytes of the file to map";
    *value = 0;
    return NULL;
}

/* Sends the memory's descriptor, and the eventfd. */
static IpcChannelShareResult share(IpcChannel *channel, int socket,
                                   int memory_fd, uint64_t size)
{
    struct share_header header = {
        .magic = SHARE_MAGIC, .version = SHARE_VERSION, .size = size};
    int fds[FDS_MAX] = {memory_fd};
    IpcChannelSystemError body = {0};
    uint64_t file = size_of_file(memory_fd, &body.sys_errno);
    const char *wrong =
        body.sys_errno ? NULL : blame_memory(channel, file, size, &body.value);
    int count = 1;

    if (wrong)
        return IpcChannelShareResult_error_body(IPC_ERR_INVALID_ARGUMENT, wrong,
                                                body);
    /* What cannot be sealed is shared all the same; the receiver sees it. */
    (void)fcntl(memory_fd, F_ADD_SEALS, F_SEAL_SHRINK);
    if (channel->waiter.event_fd >= 0) {
        header.events = SHARE_EVENTS;
        fds[count++] = channel->waiter.event_fd;
    }
    if (!body.sys_errno)
        body.sys_errno = send_message(socket, &header, fds, count);
    if (body.sys_errno)
        return IpcChannelShareResult_error_body(
            IPC_ERR_SYSTEM,
            "the channel could not be sent: see error.body.sys_errno (EBADF: "
            "socket or memory_fd is no open descriptor; EPIPE: the other end "
            "is closed)",
            body);
    return IpcChannelShareResult_ok(IPC_OK);
}

/* Opened anew: with the description that holds the handle's lock another
 * process could let go of it. */
static IpcChannelShareResult share_place(IpcChannel *channel, int socket)
{
    const struct place *place = channel->buffer.place;
    IpcChannelShareResult result;
    IpcChannelSystemError body = {0};
    char path[32];
    int fd;

    if (!place)
        return IpcChannelShareResult_error(
            IPC_ERR_INVALID_ARGUMENT,
            "memory_fd is -1, and the handle was not opened by name: pass the "
            "descriptor of its memory, and how much to map");
    snprintf(path, sizeof path, "/proc/self/fd/%d", place->fd);
    fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        body.sys_errno = errno;
        return IpcChannelShareResult_error_body(
            IPC_ERR_SYSTEM,
            "the memory could not be opened once more: see sys_errno (ENOENT: "
            "/proc is not mounted)",
            body);
    }
    result = share(channel, socket, fd, place->size);
    close(fd);
    return result;
}

IpcChannelShareResult ipc_channel_share(IpcChannel *channel, int socket,
                                        int memory_fd, uint64_t size)
{
    IpcChannelShareResult result;
    int state;

    if (!channel)
        return IpcChannelShareResult_error(IPC_ERR_INVALID_ARGUMENT,
                                           channel_null_handle);
    state = cancel_disable();
    result = memory_fd == -1 && size == 0
                 ? share_place(channel, socket)
                 : share(channel, socket, memory_fd, size);
    cancel_restore(state);
    return result;
}

/* ------------------------------------------------------------- receiving */

static void take_fds(struct message *message, struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        size_t fds;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < fds; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (message->count < FDS_MAX)
                message->fds[message->count] = fd;
            else
                close(fd);
            message->count++;
        }
    }
}

/* Closes what the message still owns. */
static void drop_fds(struct message *message)
{
    for (int i = 0; i < message->count && i < FDS_MAX; i++)
        if (message->fds[i] >= 0)
            close(message->fds[i]);
    message->count = 0;
}

/* 0 or errno. Takes no more bytes than a message has, and on a stream all of
 * them once the first one is there. */
static int receive_message(int socket, struct message *message)
{
    unsigned char bytes[sizeof message->header];
    size_t got = 0;

    while (got < sizeof bytes) {
        union control control;
        struct iovec piece = {bytes + got, sizeof bytes - got};
        struct msghdr m = {.msg_iov = &piece,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
        ssize_t n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN && got > 0 && wait_for(socket, POLLIN))
            continue;
        if (n < 0)
            return errno;
        take_fds(message, &m);
        message->cut |= (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
        if (n == 0)
            return ECONNRESET;
        got += (size_t)n;
    }
    memcpy(&message->header, bytes, sizeof bytes);
    return 0;
}

/* Writing to anything but an eventfd that does not block could block. */
static bool is_eventfd(int fd)
{
    char path[64];
    char link[64];
    ssize_t got;
    int flags = fcntl(fd, F_GETFL);
    struct stat file;

    if (flags < 0 || !(flags & O_NONBLOCK) || (flags & O_ACCMODE) != O_RDWR)
        return false;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    got = readlink(path, link, sizeof link - 1);
    if (got < 0) /* no /proc: that it is no file, pipe or socket must do */
        return fstat(fd, &file) == 0 && (file.st_mode & S_IFMT) == 0;
    link[got] = '\0';
    return strcmp(link, "anon_inode:[eventfd]") == 0;
}

static IpcStatus check_message(const struct message *message,
                               const char **detail)
{
    const struct share_header *header = &message->header;

    *detail = "what came is not what ipc_channel_share sends: see what is at "
              "the other end, and close the socket";
    if (message->cut || header->magic != SHARE_MAGIC)
        return IPC_ERR_CORRUPTED;
    *detail = "the sender's libshmipc speaks another version: use one on both "
              "sides";
    if (header->version != SHARE_VERSION)
        return IPC_ERR_LAYOUT_VERSION;
    *detail = "the wrong number of descriptors came with the message";
    if ((header->events & ~(uint32_t)SHARE_EVENTS) ||
        message->count != 1 + (int)header->events)
        return IPC_ERR_CORRUPTED;
    *detail = "a descriptor that came is no eventfd";
    for (int i = 1; i < message->count; i++)
        if (!is_eventfd(message->fds[i]))
            return IPC_ERR_CORRUPTED;
    return IPC_OK;
}

static IpcStatus map_memory(int fd, uint64_t size, IpcSharedChannel *shared,
                            int *error, const char **detail)
{
    uint64_t file = size_of_file(fd, error);
    int seals = fcntl(fd, F_GET_SEALS);

    *detail = "the memory that came is shorter than the sender says, or no "
              "memory";
    if (size == 0 || size > PTRDIFF_MAX || size > file)
        return *error ? IPC_ERR_SYSTEM : IPC_ERR_TRUNCATED;
    shared->can_shrink = seals < 0 || !(seals & F_SEAL_SHRINK);
    shared->size = size;
    shared->memory =
        mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared->memory != MAP_FAILED)
        return IPC_OK;
    shared->memory = NULL;
    *error = errno;
    *detail = "the memory that came could not be mapped: see sys_errno";
    return IPC_ERR_SYSTEM;
}

/* The handle takes the eventfd over, even if joining then fails. */
static IpcStatus join(struct message *message, IpcSharedChannel *shared,
                      const IpcChannelConfiguration *configuration,
                      const char **detail, int64_t *value)
{
    IpcChannel *ch = malloc(sizeof *ch);
    uint64_t needed;
    IpcStatus status;

    *detail = "malloc failed: no memory for the handle";
    if (!ch)
        return IPC_ERR_ALLOCATION;
    status = channel_configure_join(ch, configuration, detail, value);
    if (status == IPC_OK) {
        if (message->header.events) {
            ch->waiter.event_fd = message->fds[1];
            message->fds[1] = -1;
        }
        status = channel_join(ch, shared->memory, (size_t)shared->size, NULL,
                              &needed, detail);
    }
    if (status != IPC_OK)
        free(ch);
    else
        shared->channel = ch;
    if (status == IPC_OK)
        handle_set_backing(&ch->buffer, shared->memory, message->fds[0]);
    return status;
}

/* 0 or errno. The thread can end in here: nothing is taken, not even the
 * descriptors. */
static int await_message(int socket)
{
    char byte;
    ssize_t got;

    do {
        got = recv(socket, &byte, sizeof byte, MSG_PEEK);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? errno : 0;
}

static IpcStatus accept_message(int socket,
                                const IpcChannelConfiguration *configuration,
                                IpcSharedChannel *shared,
                                IpcChannelSystemError *body,
                                const char **detail)
{
    struct message message = {.count = 0};
    IpcStatus status = IPC_ERR_SYSTEM;

    body->sys_errno = receive_message(socket, &message);
    if (!body->sys_errno)
        status = check_message(&message, detail);
    if (status == IPC_OK)
        status = map_memory(message.fds[0], message.header.size, shared,
                            &body->sys_errno, detail);
    if (status == IPC_OK)
        status = join(&message, shared, configuration, detail, &body->value);
    drop_fds(&message);
    if (status != IPC_OK && shared->memory)
        munmap(shared->memory, (size_t)shared->size);
    return status;
}

IpcChannelAcceptResult ipc_channel_accept(int socket,
                                          IpcChannelConfiguration configuration)
{
    IpcSharedChannel shared = {0};
    IpcChannelSystemError body = {0};
    const char *detail = "nothing could be received: see error.body.sys_errno";
    IpcStatus status = IPC_ERR_SYSTEM;

    if (configuration.options & IPC_CHANNEL_CANCELLATION_POINTS)
        body.sys_errno = await_message(socket);
    if (!body.sys_errno) {
        int state = cancel_disable();

        status =
            accept_message(socket, &configuration, &shared, &body, &detail);
        cancel_restore(state);
    }
    return ANSWER_WITH(IpcChannelAcceptResult, status, shared, detail, body);
}

IpcChannelLeaveSharedResult ipc_channel_leave_shared(IpcSharedChannel *shared)
{
    IpcChannelSystemError body = {0};

    if (!shared || !shared->channel)
        return IpcChannelLeaveSharedResult_error(
            IPC_ERR_INVALID_ARGUMENT,
            "what to leave is NULL, or was left already: pass what "
            "ipc_channel_accept returned, once");
    ipc_channel_destroy(shared->channel);
    if (munmap(shared->memory, (size_t)shared->size) != 0)
        body.sys_errno = errno;
    memset(shared, 0, sizeof *shared);
    if (body.sys_errno == 0)
        return IpcChannelLeaveSharedResult_ok(IPC_OK);
    return IpcChannelLeaveSharedResult_error_body(
        IPC_ERR_SYSTEM, "munmap failed: see sys_errno", body);
}
