/* SPDX-License-Identifier: MIT */
/*
 * Channels that travel over sockets which deliver in pieces, are interrupted,
 * or drop something. The linker sends the library's system calls here (see
 * meson.build). What peers can send wrongly is in tests/wait/test_eventfd.c.
 */
#include "../self.h"
#include "channels.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

enum { HEADER = 24, SIZE = 4096 };

static int interruptions;     /* of calls to come */
static int no_space_after;    /* calls; then the socket is full until polled */
static size_t piece = HEADER; /* bytes that pass at a time */
static int drop_flags;        /* what the kernel says it dropped */
static int polls;
static int broken_polls; /* by signals, to come */
static int mappings;     /* of files, that are there */
static bool no_mapping;
static bool no_seals;

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);
ssize_t __real_sendmsg(int socket, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int socket, const struct msghdr *m, int flags);
ssize_t __real_recvmsg(int socket, struct msghdr *m, int flags);
ssize_t __wrap_recvmsg(int socket, struct msghdr *m, int flags);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd,
                  off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd,
                  off_t offset);
void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd,
                    off_t offset);
int __real_munmap(void *memory, size_t size);
int __wrap_munmap(void *memory, size_t size);

int __wrap_fcntl(int fd, int command, ...)
{
    va_list arguments;
    int argument;

    va_start(arguments, command);
    argument = va_arg(arguments, int);
    va_end(arguments);
    errno = EINVAL;
    return no_seals && command == F_GET_SEALS
               ? -1
               : __real_fcntl(fd, command, argument);
}

/* Its name where off_t is asked to have 64 bits. */
int __wrap_fcntl64(int fd, int command, ...)
{
    va_list arguments;
    int argument;

    va_start(arguments, command);
    argument = va_arg(arguments, int);
    va_end(arguments);
    return __wrap_fcntl(fd, command, argument);
}

static bool is_interrupted(void)
{
    errno = EINTR;
    return interruptions > 0 && interruptions-- > 0;
}

static bool is_full(void)
{
    static int passed;

    errno = EAGAIN;
    return no_space_after && ++passed > no_space_after && polls == 0;
}

ssize_t __wrap_sendmsg(int socket, const struct msghdr *m, int flags)
{
    struct msghdr some = *m;
    struct iovec bytes = m->msg_iov[0];

    must(flags & MSG_NOSIGNAL);
    if (is_interrupted() || is_full())
        return -1;
    if (bytes.iov_len > piece)
        bytes.iov_len = piece;
    some.msg_iov = &bytes;
    return __real_sendmsg(socket, &some, flags);
}

ssize_t __wrap_recvmsg(int socket, struct msghdr *m, int flags)
{
    ssize_t got;

    if (is_interrupted())
        return -1;
    got = __real_recvmsg(socket, m, flags);
    m->msg_flags |= drop_flags;
    return got;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    errno = EINTR;
    if (broken_polls > 0 && broken_polls-- > 0)
        return -1;
    polls++;
    return __real_poll(fds, count, timeout);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd,
                  off_t offset)
{
    errno = ENOMEM;
    if (no_mapping)
        return MAP_FAILED;
    mappings += fd >= 0;
    return __real_mmap(at, size, protection, flags, fd, offset);
}

int __wrap_munmap(void *memory, size_t size)
{
    mappings--;
    return __real_munmap(memory, size);
}

void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd,
                    off_t offset)
{
    return __wrap_mmap(at, size, protection, flags, fd, offset);
}

/* ---------------------------------------------------------------- helpers */

static IpcChannel *channel;
static int memory_fd;
static int sockets[2]; /* from, to */

/* A channel in a file with these seals, and a pair of sockets. */
static void start(int type, int seals)
{
    IpcChannelConfiguration configuration = quick;
    IpcChannelResult r;
    void *memory;

    configuration.wait = IPC_WAIT_EVENTFD;
    memory_fd = memfd_create("share", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    must(memory_fd >= 0 && ftruncate(memory_fd, SIZE) == 0);
    must(fcntl(memory_fd, F_ADD_SEALS, seals) == 0);
    memory = __real_mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
                         memory_fd, 0);
    must(memory != MAP_FAILED);
    r = ipc_channel_create(memory, SIZE, configuration);
    if (r.ipc_status == IPC_ERR_UNSUPPORTED) { /* built without */
        configuration.wait = IPC_WAIT_DEFAULT;
        r = ipc_channel_create(memory, SIZE, configuration);
    }
    must_work(r);
    channel = r.result;
    must(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sockets) == 0);
}

static void must_share(void)
{
    must_work(ipc_channel_share(channel, sockets[0], memory_fd, SIZE));
}

static IpcSharedChannel must_accept(void)
{
    IpcChannelAcceptResult r = ipc_channel_accept(sockets[1], quick);

    must_work(r);
    must(r.result.size == SIZE);
    return r.result;
}

static void must_carry(IpcSharedChannel *there)
{
    must_send(channel, 100, 1);
    must_receive(there->channel, 100, 1);
    must_send(there->channel, 50, 2);
    must_receive(channel, 50, 2);
}

static void must_share_and_accept(void)
{
    IpcSharedChannel there;

    must_share();
    there = must_accept();
    must_carry(&there);
    must_work(ipc_channel_leave_shared(&there));
}

/* ------------------------------------------------- pieces, interruptions */

Test(unit, signals_end_neither_sharing_nor_accepting)
{
    for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type += 4) {
        IpcSharedChannel there;

        start(type, 0);
        interruptions = 5;
        must_share();
        must(interruptions == 0);
        interruptions = 5;
        there = must_accept();
        must(interruptions == 0);
        must_carry(&there);
        must_work(ipc_channel_leave_shared(&there));
    }
}

Test(unit, a_message_may_be_sent_in_any_pieces)
{
    for (piece = 1; piece <= HEADER; piece++) {
        start(SOCK_STREAM, 0);
        must_share_and_accept();
    }
}

/* Half a message would be of no use, and never be followed by the rest. */
Test(unit, a_message_that_was_begun_is_sent_to_its_end)
{
    start(SOCK_STREAM | SOCK_NONBLOCK, 0);
    piece = 7;
    no_space_after = 2;
    must_share_and_accept();
    must(polls == 1);
}

Test(unit, a_socket_that_is_full_at_once_is_told_and_nothing_is_sent)
{
    IpcChannelShareResult r;
    char byte;

    start(SOCK_STREAM | SOCK_NONBLOCK, 0);
    while (send(sockets[0], "x", 1, 0) == 1)
        continue;
    r = ipc_channel_share(channel, sockets[0], memory_fd, SIZE);
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == EAGAIN && polls == 0);
    while (recv(sockets[1], &byte, 1, 0) == 1)
        must(byte == 'x');
    must_share_and_accept();
}

/* The rest of a message comes later, on a socket that does not block. */
Test(unit, a_message_that_came_in_part_is_waited_for)
{
    char header[HEADER];
    struct iovec bytes = {header, sizeof header};
    union {
        struct cmsghdr align;
        char bytes[256];
    } control;
    struct msghdr m = {.msg_iov = &bytes,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    int relay[2];
    IpcChannelAcceptResult r;
    pid_t child;

    start(SOCK_STREAM, 0);
    must_share();
    must(__real_recvmsg(sockets[1], &m, 0) == HEADER);
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, relay) == 0);
    bytes.iov_len = 5;
    must(__real_sendmsg(relay[0], &m, 0) == 5);
    child = fork_child();
    if (child == 0) {
        pause_ns(20 * MILLISECOND);
        must(write(relay[0], header + 5, HEADER - 5) == HEADER - 5);
        child_done();
    }
    broken_polls = 5;
    r = ipc_channel_accept(relay[1], quick);
    must_work(r);
    must(polls > 0 && broken_polls == 0);
    must_carry(&r.result);
    must_succeed(child);
}

/* ------------------------------------------------------- what was dropped */

Test(unit, a_message_of_which_something_was_dropped_is_refused)
{
    const int flags[] = {MSG_TRUNC, MSG_CTRUNC};

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        int before;
        IpcChannelAcceptResult r;

        start(SOCK_SEQPACKET, 0);
        before = open_descriptors();
        must_share();
        drop_flags = flags[i];
        r = ipc_channel_accept(sockets[1], quick);
        drop_flags = 0;
        must_fail(r, IPC_ERR_CORRUPTED);
        must(open_descriptors() == before);
        must_share_and_accept();
    }
}

/* Longer than a message of ours: the kernel cuts it by itself. */
Test(unit, a_longer_message_is_refused)
{
    char bytes[HEADER + 8] = {0};
    struct iovec whole = {bytes, sizeof bytes};
    union {
        struct cmsghdr align;
        char bytes[256];
    } control;
    struct msghdr m = {.msg_iov = &whole,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    IpcChannelAcceptResult r;
    int before;

    start(SOCK_SEQPACKET, 0);
    must_share();
    must(__real_recvmsg(sockets[1], &m, 0) == HEADER);
    must(__real_sendmsg(sockets[0], &m, 0) == sizeof bytes);
    before = open_descriptors();
    r = ipc_channel_accept(sockets[1], quick);
    must_fail(r, IPC_ERR_CORRUPTED);
    must(open_descriptors() == before);
}

/* -------------------------------------------------------- what is accepted */

Test(unit, whether_the_memory_can_shrink_is_told)
{
    static const struct {
        int seals;
        bool can_shrink;
    } cases[] = {{F_SEAL_SEAL, true},
                 {F_SEAL_GROW | F_SEAL_SEAL, true},
                 {0, false},
                 {F_SEAL_GROW, false},
                 {F_SEAL_SHRINK, false},
                 {F_SEAL_GROW | F_SEAL_SHRINK, false}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        IpcSharedChannel there;

        start(SOCK_STREAM, cases[i].seals);
        must_share();
        there = must_accept();
        must_say(there.can_shrink == cases[i].can_shrink, "case %zu", i);
        must_work(ipc_channel_leave_shared(&there));
        must_say((ftruncate(memory_fd, SIZE / 2) == 0) == cases[i].can_shrink,
                 "case %zu", i);
    }
}

Test(unit, leaving_gives_the_handle_back)
{
    IpcBufferStats stats = {.struct_size = sizeof stats};
    IpcSharedChannel there;

    start(SOCK_STREAM, F_SEAL_SHRINK);
    must_share();
    there = must_accept();
    must_carry(&there);
    must_work(ipc_channel_destroy(channel));
    channel = there.channel;
    must_work(ipc_channel_stats(channel, &stats));
    must(stats.owners == 1);
    must_share();
    must_work(ipc_channel_leave_shared(&there));
    there = must_accept();
    must_work(ipc_channel_stats(there.channel, &stats));
    must(stats.owners == 0);
}

static void *accept_when_cancelled(void *there)
{
    pthread_cancel(pthread_self());
    must_share();
    *(IpcSharedChannel *)there = must_accept();
    pthread_testcancel();
    return NULL;
}

Test(unit, who_is_cancelled_shares_and_accepts_to_the_end)
{
    IpcSharedChannel there = {0};
    pthread_t thread;
    void *end;

    start(SOCK_STREAM, F_SEAL_SHRINK);
    must(pthread_create(&thread, NULL, accept_when_cancelled, &there) == 0);
    must(pthread_join(thread, &end) == 0 && end == PTHREAD_CANCELED);
    must(there.channel != NULL);
    must_carry(&there);
    must_work(ipc_channel_leave_shared(&there));
}

static IpcChannelConfiguration cancellable(void)
{
    IpcChannelConfiguration configuration = quick;

    configuration.options = IPC_CHANNEL_CANCELLATION_POINTS;
    return configuration;
}

static void *accept_cancellably(void *unused)
{
    (void)unused;
    IPC_IGNORE(ipc_channel_accept(sockets[1], cancellable()));
    return NULL;
}

/* Before anything came, and when something is there that it could take. */
Test(unit, accepting_is_a_cancellation_point_if_asked_and_takes_nothing)
{
    IpcChannelAcceptResult r;
    int before;

    start(SOCK_STREAM, F_SEAL_SHRINK);
    must_share_and_accept();
    before = open_descriptors();
    for (int i = 0; i < 2; i++) {
        pthread_t thread;
        void *end;

        must(pthread_create(&thread, NULL, accept_cancellably, NULL) == 0);
        pause_ns(10 * MILLISECOND);
        must(pthread_cancel(thread) == 0);
        must(pthread_join(thread, &end) == 0 && end == PTHREAD_CANCELED);
        must(open_descriptors() == before);
    }
    must_share();
    r = ipc_channel_accept(sockets[1], cancellable());
    must_work(r);
    must_carry(&r.result);
    must_work(ipc_channel_leave_shared(&r.result));
    must(fcntl(sockets[1], F_SETFL, O_NONBLOCK) == 0);
    r = ipc_channel_accept(sockets[1], cancellable());
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == EAGAIN);
}

/* On a file system that knows none. */
Test(unit, memory_without_seals_can_shrink)
{
    IpcSharedChannel there;

    start(SOCK_STREAM, F_SEAL_SHRINK);
    must_share();
    no_seals = true;
    there = must_accept();
    must(there.can_shrink);
    must_carry(&there);
}

Test(unit, a_mapping_that_fails_is_told_and_leaves_nothing_open)
{
    IpcChannelAcceptResult r;
    int before;

    start(SOCK_STREAM, 0);
    must_share_and_accept();
    before = open_descriptors();
    must(mappings == 0);
    must_share();
    no_mapping = true;
    r = ipc_channel_accept(sockets[1], quick);
    no_mapping = false;
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == ENOMEM);
    must(open_descriptors() == before);
}

Test(unit, an_impossible_configuration_leaves_nothing_open)
{
    IpcChannelConfiguration impossible = quick;
    int before;

    impossible.max_round_trips = 0;
    start(SOCK_STREAM, 0);
    before = open_descriptors();
    must_share();
    must_be(ipc_channel_accept(sockets[1], impossible).ipc_status,
            IPC_ERR_INVALID_ARGUMENT);
    must(open_descriptors() == before && mappings == 0);
}

/* ---------------------------------------------------------------- exec() */

static bool closes_on_exec(int fd)
{
    return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

/* Of every kind that the library makes or receives. */
Test(unit, no_descriptor_survives_an_exec)
{
    bool was_open[1024];
    int found = 0;

    start(SOCK_STREAM, 0);
    for (int fd = 0; fd < 1024; fd++)
        was_open[fd] = fcntl(fd, F_GETFD) >= 0;
    must_share();
    must_accept();
    for (uint32_t wait = 0; wait <= IPC_WAIT_IO_URING; wait++) {
        IpcChannelConfiguration configuration = quick;
        IpcChannelResult r;

        configuration.wait = wait;
        r = ipc_channel_create(shared_memory(SIZE), SIZE, configuration);
        if (r.ipc_status == IPC_OK &&
            ipc_channel_fd(r.result).ipc_status == IPC_OK) {
            char byte;
            IpcEntry entry = {.payload = &byte, .size = 1};

            IPC_IGNORE(ipc_channel_try_read_into(r.result, &entry));
        }
    }
    for (int fd = 0; fd < 1024; fd++)
        if (!was_open[fd] && fcntl(fd, F_GETFD) >= 0) {
            must_say(closes_on_exec(fd), "descriptor %d", fd);
            found++;
        }
    if (found == 0)
        cr_skip_test("built without eventfd and io_uring");
}
