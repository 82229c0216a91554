/* SPDX-License-Identifier: MIT */
/*
 * Ways of waiting mixed in one channel, and channels that are handed over a
 * socket: every pair of ways, for readers that wait for messages and writers
 * that wait for space; peers that send what they should not.
 *
 *     test_eventfd [-n messages]
 *
 * Linked with the library whose sleeps have no cap: a lost wake-up is a
 * timeout.
 */
#include "../self.h"
#include "wait_test.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

enum { SMALL_RING = 1024 };

static int messages = 5000;

/* ------------------------------------------------------- pairs of ways */

static void send_one(IpcChannel *channel, int value)
{
    IpcChannelWriteResult r = ipc_channel_write_with_timeout(
        channel, &value, sizeof value, &patience);

    CHECK(r.ipc_status == IPC_OK, "%s at %d", ipc_status_name(r.ipc_status),
          value);
}

static void receive_one(IpcChannel *channel, int value)
{
    int got;
    IpcEntry entry = {.payload = &got, .size = sizeof got};
    IpcStatus status =
        ipc_channel_read_into_with_timeout(channel, &entry, &patience)
            .ipc_status;

    CHECK(status == IPC_OK, "%s at %d", ipc_status_name(status), value);
    CHECK(got == value, "%d instead of %d", got, value);
}

/* Turn by turn, then a flood each way through rings of a few entries. */
static void play(IpcChannel *in, IpcChannel *out, bool first)
{
    for (int i = 0; i < messages; i++) {
        if (first)
            send_one(out, i);
        receive_one(in, i);
        if (!first)
            send_one(out, i);
    }
    for (int i = 0; i < messages; i++)
        if (first)
            send_one(out, i);
        else
            receive_one(in, i);
    for (int i = 0; i < messages; i++)
        if (first)
            receive_one(in, i);
        else
            send_one(out, i);
}

static void second_player(struct shared *there, struct shared *back,
                          enum joining how, uint32_t wait, int socket)
{
    IpcChannel *in = join_channel(there, how, wait, socket);
    IpcChannel *out = join_channel(back, how, wait, socket);

    /* Who has no eventfd has said so before the first one waits. */
    CHECK(write(socket, "r", 1) == 1, "write");
    play(in, out, false);
    ipc_channel_destroy(in);
    ipc_channel_destroy(out);
}

static void pair(uint32_t ours, uint32_t theirs, enum joining how, int type)
{
    struct shared there, back;
    int sockets[2];
    char byte;
    pid_t child;

    CHECK(make_channel(&there, SMALL_RING, ours), "create");
    CHECK(make_channel(&back, SMALL_RING, ours), "create");
    CHECK(socketpair(AF_UNIX, type, 0, sockets) == 0, "socketpair");
    child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        close(sockets[0]);
        second_player(&there, &back, how, theirs, sockets[1]);
        _exit(0);
    }
    close(sockets[1]);
    if (how == ACCEPT) {
        share(&there, sockets[0]);
        share(&back, sockets[0]);
    }
    CHECK(read(sockets[0], &byte, 1) == 1, "%s and %s %s: no second player",
          way_names[ours], joining_names[how], way_names[theirs]);
    play(back.channel, there.channel, true);
    reap_child(child);
    close(sockets[0]);
    drop_channel(&there);
    drop_channel(&back);
    printf("%s and %s %s: %d messages\n", way_names[ours], joining_names[how],
           way_names[theirs], 4 * messages);
}

static bool all_pairs(void)
{
    bool possible[WAYS_END] = {false};

    for (uint32_t wait = IPC_WAIT_FUTEX; wait < WAYS_END; wait++)
        possible[wait] = is_possible(wait);
    for (uint32_t a = IPC_WAIT_FUTEX; a < WAYS_END; a++) {
        if (possible[a])
            pair(a, a, INHERIT, SOCK_STREAM);
        for (uint32_t b = IPC_WAIT_FUTEX; b < WAYS_END; b++) {
            if (!possible[a] || !possible[b])
                continue;
            pair(a, b, CONNECT, SOCK_STREAM);
            pair(a, b, ACCEPT, b % 2 ? SOCK_STREAM : SOCK_SEQPACKET);
        }
    }
    return possible[IPC_WAIT_EVENTFD];
}

/* The next message, as an event loop gets it: one, and not all there are. */
static void receive_by_polling(IpcChannel *channel, int *got)
{
    struct pollfd what = {.fd = ipc_channel_fd(channel).result,
                          .events = POLLIN};

    for (;;) {
        IpcEntry entry = {.payload = got, .size = sizeof *got};
        IpcStatus status =
            ipc_channel_try_read_into(channel, &entry).ipc_status;
        int ready;

        if (status == IPC_OK)
            return;
        CHECK(status == IPC_EMPTY || status == IPC_ERR_NOT_READY ||
                  status == IPC_ERR_LOCKED,
              "%s", ipc_status_name(status));
        if (status == IPC_ERR_LOCKED)
            continue;
        ready = poll(&what, 1, (int)patience.tv_sec * 1000);
        CHECK(ready > 0 || (ready < 0 && errno == EINTR), "it slept on");
    }
}

/* Who only connected has no eventfd to signal: pollers look for themselves. */
static void who_cannot_signal_is_noticed(void)
{
    struct shared s;
    IpcChannel *writer;
    int got;

    CHECK(make_channel(&s, SMALL_RING, IPC_WAIT_EVENTFD), "create");
    writer = join_channel(&s, CONNECT, IPC_WAIT_FUTEX, -1);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();

        if (child == 0) {
            const struct timespec rest = {.tv_nsec = 20000000};

            nanosleep(&rest, NULL);
            send_one(writer, i);
            _exit(0);
        }
        receive_by_polling(s.channel, &got);
        CHECK(got == i, "%d instead of %d", got, i);
        reap_child(child);
    }
    ipc_channel_destroy(writer);
    drop_channel(&s);
}

/* Many that poll one eventfd: who takes a wake that was meant for others
 * passes it on. */
static void pollers_share_an_eventfd(int type)
{
    enum { READERS = 4 };
    const struct timespec rest = {.tv_nsec = 50000};
    struct shared s;
    int sockets[2];
    pid_t children[READERS];
    int none = -1;

    CHECK(make_channel(&s, 16384, IPC_WAIT_EVENTFD), "create");
    CHECK(socketpair(AF_UNIX, type, 0, sockets) == 0, "socketpair");
    for (int i = 0; i < READERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            IpcChannel *channel = join_channel(&s, i % 2 ? ACCEPT : INHERIT,
                                               IPC_WAIT_EVENTFD, sockets[1]);
            int got = 0;

            while (got >= 0)
                receive_by_polling(channel, &got);
            _exit(0);
        }
        if (i % 2)
            share(&s, sockets[0]);
    }
    for (int i = 0; i < messages; i++) {
        send_one(s.channel, i);
        if (i % 8 == 0)
            nanosleep(&rest, NULL);
    }
    for (int i = 0; i < READERS; i++)
        send_one(s.channel, none);
    for (int i = 0; i < READERS; i++)
        reap_child(children[i]);
    close(sockets[0]);
    close(sockets[1]);
    drop_channel(&s);
}

/* The linker sends the library's reads here: what a poller takes old wakes
 * back with. Then two messages come at once. */
static IpcChannel *writes_after_read;

ssize_t __real_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size);

ssize_t __wrap_read(int fd, void *to, size_t size)
{
    ssize_t got = __real_read(fd, to, size);
    IpcChannel *channel = writes_after_read;

    writes_after_read = NULL;
    if (channel) {
        send_one(channel, 2);
        send_one(channel, 3);
    }
    return got;
}

/*
 * A poller that was woken, but is stopped before it can run, loses its wake to
 * one on its way to the next wait. That one finds a message, and there is
 * another one.
 */
static void robbed_poller_is_woken_again(void)
{
    _Atomic uint64_t *words = make_words();
    const struct timespec rest = {.tv_nsec = 50 * 1000 * 1000};
    struct shared s;
    pid_t victim;
    int status, got;
    IpcEntry entry = {.payload = &got, .size = sizeof got};

    CHECK(make_channel(&s, 4096, IPC_WAIT_EVENTFD), "create");
    CHECK_STATUS(ipc_channel_fd(s.channel).ipc_status, IPC_OK);
    CHECK_STATUS(ipc_channel_try_read_into(s.channel, &entry).ipc_status,
                 IPC_EMPTY);
    victim = fork();
    if (victim == 0) {
        CHECK_STATUS(ipc_channel_fd(s.channel).ipc_status, IPC_OK);
        atomic_store(words, 1);
        receive_by_polling(s.channel, &got);
        CHECK(got == 3, "%d", got);
        _exit(0);
    }
    await(words, 1);
    nanosleep(&rest, NULL);
    CHECK(kill(victim, SIGSTOP) == 0, "kill");
    CHECK(waitpid(victim, &status, WUNTRACED) == victim, "waitpid");
    send_one(s.channel, 1);
    CHECK_STATUS(ipc_channel_try_read_into(s.channel, &entry).ipc_status,
                 IPC_OK);
    entry.size = sizeof got;
    writes_after_read = s.channel;
    CHECK_STATUS(ipc_channel_try_read_into(s.channel, &entry).ipc_status,
                 IPC_OK);
    CHECK(writes_after_read == NULL, "no wake was taken back");
    CHECK(kill(victim, SIGCONT) == 0, "kill");
    reap_child(victim);
    drop_channel(&s);
}

/* As many messages as readers, each of whom takes one and leaves the others
 * alone: none may stay behind with a reader in poll(). */
static void no_poller_is_robbed(void)
{
    enum { READERS = 4 };
    _Atomic uint64_t *words = make_words();
    _Atomic uint64_t *round = &words[0], *done = &words[8];
    pid_t children[READERS];
    unsigned seed = 1;
    struct shared s;

    CHECK(make_channel(&s, 16384, IPC_WAIT_EVENTFD), "create");
    for (int i = 0; i < READERS; i++) {
        children[i] = fork();
        if (children[i] != 0)
            continue;
        for (int r = 1; r <= messages; r++) {
            int got;

            await(round, (uint64_t)r);
            spin_for(rand_r(&seed) % 10000);
            receive_by_polling(s.channel, &got);
            atomic_fetch_add(done, 1);
        }
        _exit(0);
    }
    for (int r = 1; r <= messages; r++) {
        atomic_store(round, (uint64_t)r);
        for (int i = 0; i < READERS; i++) {
            spin_for(rand_r(&seed) % 10000);
            send_one(s.channel, i);
        }
        await(done, (uint64_t)r * READERS);
    }
    for (int i = 0; i < READERS; i++)
        reap_child(children[i]);
    drop_channel(&s);
}

/* -------------------------------------------------------- hostile peers */

/* What share.c sends. */
struct header {
    uint64_t magic;
    uint32_t version, events;
    uint64_t size;
};

static void send_raw(int socket, const void *bytes, size_t size, const int *fds,
                     size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(16 * sizeof(int))];
    } control = {.bytes = {0}};
    char copy[256] = {0};
    struct iovec piece = {copy, size};
    struct msghdr m = {.msg_iov = &piece, .msg_iovlen = 1};

    memcpy(copy, bytes, size);
    if (count) {
        struct cmsghdr *c;

        m.msg_control = control.bytes;
        m.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(int));
        c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    }
    CHECK(sendmsg(socket, &m, 0) == (ssize_t)size, "sendmsg");
}

/* The genuine header, for changing. */
static struct header genuine(struct shared *s)
{
    struct header h;
    struct iovec piece = {&h, sizeof h};
    struct msghdr m = {.msg_iov = &piece, .msg_iovlen = 1};
    int sockets[2];

    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0, "socketpair");
    share(s, sockets[0]);
    CHECK(recvmsg(sockets[1], &m, 0) == sizeof h, "recvmsg");
    close(sockets[0]);
    close(sockets[1]);
    return h;
}

/* Sends that, and expects the status and no descriptor left open. */
static void refuses(const char *what, int type, const void *bytes, size_t size,
                    const int *fds, size_t count, IpcStatus expected)
{
    int before = open_descriptors();
    IpcChannelAcceptResult r;
    int sockets[2];

    CHECK(socketpair(AF_UNIX, type, 0, sockets) == 0, "socketpair");
    if (size)
        send_raw(sockets[0], bytes, size, fds, count);
    close(sockets[0]);
    r = ipc_channel_accept(sockets[1], configuration_of(IPC_WAIT_DEFAULT));
    CHECK(r.ipc_status == expected, "%s: %s", what,
          ipc_status_name(r.ipc_status));
    CHECK(!strstr(what, "eventfd") || strstr(r.error.detail, "no eventfd"),
          "%s: %s", what, r.error.detail);
    close(sockets[1]);
    CHECK(open_descriptors() == before, "%s: descriptors leak", what);
}

static void hostile_peers_are_refused(struct shared *s, int type)
{
    struct header good = genuine(s);
    struct header bad;
    int event = eventfd(0, EFD_NONBLOCK);
    int blocking = eventfd(0, 0);
    int small = make_memory(128);
    int blank = make_memory(4096);
    int pipes[2];
    int fds[16] = {s->fd, event};
    char garbage[200];

    CHECK(pipe(pipes) == 0, "pipe");
    memset(garbage, 0x5a, sizeof garbage);
    for (int i = 2; i < 16; i++)
        fds[i] = event;
    refuses("nothing", type, NULL, 0, NULL, 0, IPC_ERR_SYSTEM);
    refuses("a byte", type, garbage, 1, NULL, 0, IPC_ERR_SYSTEM);
    refuses("a byte and fds", type, garbage, 1, fds, 2, IPC_ERR_SYSTEM);
    refuses("garbage", type, garbage, sizeof good, NULL, 0, IPC_ERR_CORRUPTED);
    refuses("long garbage", type, garbage, sizeof garbage, fds, 2,
            IPC_ERR_CORRUPTED);
    refuses("no fds", type, &good, sizeof good, NULL, 0, IPC_ERR_CORRUPTED);
    refuses("one too few", type, &good, sizeof good, fds, 1, IPC_ERR_CORRUPTED);
    refuses("one too many", type, &good, sizeof good, fds, 3,
            IPC_ERR_CORRUPTED);
    refuses("16 fds", type, &good, sizeof good, fds, 16, IPC_ERR_CORRUPTED);
    bad = good;
    bad.version = 99;
    refuses("version", type, &bad, sizeof bad, fds, 2, IPC_ERR_LAYOUT_VERSION);
    bad = good;
    bad.events = 0xff;
    refuses("events", type, &bad, sizeof bad, fds, 2, IPC_ERR_CORRUPTED);
    bad = good;
    bad.size = s->size + 1;
    refuses("too large", type, &bad, sizeof bad, fds, 2, IPC_ERR_TRUNCATED);
    bad.size = UINT64_MAX;
    refuses("huge", type, &bad, sizeof bad, fds, 2, IPC_ERR_TRUNCATED);
    bad.size = 0;
    refuses("size 0", type, &bad, sizeof bad, fds, 2, IPC_ERR_TRUNCATED);
    bad.size = s->size - 64;
    refuses("less than the channel", type, &bad, sizeof bad, fds, 2,
            IPC_ERR_TRUNCATED);
    fds[0] = small;
    refuses("short memory", type, &good, sizeof good, fds, 2,
            IPC_ERR_TRUNCATED);
    fds[0] = blank;
    bad.size = 4096;
    refuses("no channel in it", type, &bad, sizeof bad, fds, 2,
            IPC_ERR_NOT_FORMATTED);
    fds[0] = open("/", O_RDONLY | O_DIRECTORY);
    bad.size = 64;
    refuses("a directory as memory", type, &bad, sizeof bad, fds, 2,
            IPC_ERR_TRUNCATED);
    close(fds[0]);
    fds[0] = pipes[0];
    refuses("a pipe as memory", type, &good, sizeof good, fds, 2,
            IPC_ERR_TRUNCATED);
    fds[0] = s->fd;
    fds[1] = pipes[1];
    refuses("a pipe as eventfd", type, &good, sizeof good, fds, 2,
            IPC_ERR_CORRUPTED);
    fds[1] = blocking;
    refuses("an eventfd that blocks", type, &good, sizeof good, fds, 2,
            IPC_ERR_CORRUPTED);
    fds[1] = s->fd;
    refuses("memory as eventfd", type, &good, sizeof good, fds, 2,
            IPC_ERR_CORRUPTED);
    close(event);
    close(blocking);
    close(small);
    close(blank);
    close(pipes[0]);
    close(pipes[1]);
}

static void memory_without_write_is_refused(struct shared *s)
{
    struct header good = genuine(s);
    char path[64];
    int fds[2];

    snprintf(path, sizeof path, "/proc/self/fd/%d", s->fd);
    fds[0] = open(path, O_RDONLY);
    fds[1] = eventfd(0, EFD_NONBLOCK);
    refuses("read-only memory", SOCK_STREAM, &good, sizeof good, fds, 2,
            IPC_ERR_SYSTEM);
    close(fds[0]);
    close(fds[1]);
}

/* A header that comes in two pieces; two that come at once. */
static void streams_keep_their_bounds(struct shared *s)
{
    struct header good = genuine(s);
    int fds[2] = {s->fd, eventfd(0, EFD_NONBLOCK)};
    int sockets[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0, "socketpair");
    send_raw(sockets[0], &good, 7, fds, 2);
    send_raw(sockets[0], (char *)&good + 7, sizeof good - 7, NULL, 0);
    share(s, sockets[0]);
    share(s, sockets[0]);
    for (int i = 0; i < 3; i++) {
        IpcChannelAcceptResult r =
            ipc_channel_accept(sockets[1], configuration_of(IPC_WAIT_DEFAULT));

        CHECK(r.ipc_status == IPC_OK, "%d: %s", i, r.error.detail);
        CHECK(!r.result.can_shrink, "the memory is sealed");
        CHECK(r.result.size == s->size, "size");
        CHECK_STATUS(ipc_channel_leave_shared(&r.result).ipc_status, IPC_OK);
        CHECK_STATUS(ipc_channel_leave_shared(&r.result).ipc_status,
                     IPC_ERR_INVALID_ARGUMENT);
    }
    close(fds[1]);
    close(sockets[0]);
    close(sockets[1]);
}

static void sharing_says_what_is_wrong(struct shared *s, int type)
{
    IpcChannelShareResult sent;
    IpcChannelAcceptResult got;
    int sockets[2];

    CHECK(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, sockets) == 0,
          "socketpair");
    got = ipc_channel_accept(sockets[1], configuration_of(IPC_WAIT_DEFAULT));
    CHECK_STATUS(got.ipc_status, IPC_ERR_SYSTEM);
    CHECK(got.error.body.sys_errno == EAGAIN, "%d", got.error.body.sys_errno);
    sent = ipc_channel_share(NULL, sockets[0], s->fd, s->size);
    CHECK_STATUS(sent.ipc_status, IPC_ERR_INVALID_ARGUMENT);
    sent = ipc_channel_share(s->channel, sockets[0], s->fd, s->size + 4096);
    CHECK_STATUS(sent.ipc_status, IPC_ERR_INVALID_ARGUMENT);
    sent = ipc_channel_share(s->channel, sockets[0], s->fd, 64);
    CHECK_STATUS(sent.ipc_status, IPC_ERR_INVALID_ARGUMENT);
    sent = ipc_channel_share(s->channel, sockets[0], sockets[0], s->size);
    CHECK_STATUS(sent.ipc_status, IPC_ERR_INVALID_ARGUMENT);
    sent = ipc_channel_share(s->channel, sockets[0], -1, s->size);
    CHECK_STATUS(sent.ipc_status, IPC_ERR_SYSTEM);
    CHECK(sent.error.body.sys_errno == EBADF, "%d", sent.error.body.sys_errno);
    close(sockets[1]);
    sent = ipc_channel_share(s->channel, sockets[0], s->fd, s->size);
    CHECK_STATUS(sent.ipc_status, IPC_ERR_SYSTEM); /* and no SIGPIPE */
    close(sockets[0]);
    CHECK_STATUS(ipc_channel_leave_shared(NULL).ipc_status,
                 IPC_ERR_INVALID_ARGUMENT);
}

int main(int argc, char **argv)
{
    int before = open_descriptors();
    struct shared s;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && strcmp(argv[1], "-n") == 0)
        messages = atoi(argv[2]);
    if (!all_pairs())
        return 0;
    pollers_share_an_eventfd(SOCK_SEQPACKET);
    who_cannot_signal_is_noticed();
    no_poller_is_robbed();
    robbed_poller_is_woken_again();
    CHECK(make_channel(&s, SMALL_RING, IPC_WAIT_EVENTFD), "create");
    hostile_peers_are_refused(&s, SOCK_STREAM);
    hostile_peers_are_refused(&s, SOCK_SEQPACKET);
    memory_without_write_is_refused(&s);
    streams_keep_their_bounds(&s);
    sharing_says_what_is_wrong(&s, SOCK_STREAM);
    sharing_says_what_is_wrong(&s, SOCK_SEQPACKET);
    drop_channel(&s);
    CHECK(open_descriptors() == before, "descriptors leak");
    return 0;
}
