/* SPDX-License-Identifier: MIT */
/*
 * Channels in event loops: a reader that only reads when epoll, poll or select
 * says so gets everything that another process writes, is not woken much more
 * often than there are messages, and not at all without any.
 *
 *     test_poll [-n messages]
 *
 * Linked with the library whose sleeps have no cap, so that a lost wake-up is
 * not repaired by looking again.
 */
#include "wait_test.h"
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <time.h>

enum { PATIENCE_MS = 20000, RING = 4096 };

enum call { EPOLL, POLL, SELECT };
static const char *const call_names[] = {"epoll", "poll", "select"};

/* An event loop's only descriptor, or with an epoll one of two. */
struct loop {
    enum call call;
    int fd;
    int epoll;
    int other[2]; /* a pipe that is watched too */
};

static uint64_t messages = 200000;
static unsigned interrupted;
static _Atomic uint64_t *progress; /* messages that were read */

static void open_loop(struct loop *l, enum call call, IpcChannel *channel)
{
    IpcChannelFdResult r = ipc_channel_fd(channel);
    struct epoll_event what = {.events = EPOLLIN};

    CHECK(r.ipc_status == IPC_OK, "%s", r.error.detail);
    l->call = call;
    l->fd = r.result;
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(l->epoll >= 0 && pipe(l->other) == 0, "no descriptors");
    what.data.fd = l->fd;
    CHECK(epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->fd, &what) == 0, "epoll_ctl");
    what.data.fd = l->other[0];
    CHECK(epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->other[0], &what) == 0,
          "epoll_ctl");
}

static void close_loop(struct loop *l)
{
    close(l->epoll);
    close(l->other[0]);
    close(l->other[1]);
}

static int wait_once(struct loop *l, int ms)
{
    struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    struct pollfd what = {.fd = l->fd, .events = POLLIN};
    struct epoll_event event = {.data.fd = -1};
    fd_set readable;

    errno = 0;
    switch (l->call) {
    case EPOLL:
        return epoll_wait(l->epoll, &event, 1, ms) == 1 ? event.data.fd : -1;
    case POLL:
        return poll(&what, 1, ms) == 1 ? l->fd : -1;
    case SELECT:
        break;
    }
    FD_ZERO(&readable);
    FD_SET(l->fd, &readable);
    return select(l->fd + 1, &readable, NULL, NULL, &time) == 1 ? l->fd : -1;
}

/* The descriptor that is readable; -1: none in that time. The kernel may break
 * off a poll for the sake of an io_uring. */
static int wait_in_loop(struct loop *l, int ms)
{
    int fd;

    do {
        fd = wait_once(l, ms);
        interrupted += fd < 0 && errno == EINTR;
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* Reads until there is nothing more; checks what it reads. */
static IpcStatus drain(IpcChannel *channel, uint64_t *next)
{
    for (;;) {
        uint64_t got;
        IpcEntry entry = {.payload = &got, .size = sizeof got};
        IpcStatus status =
            ipc_channel_try_read_into(channel, &entry).ipc_status;

        if (status != IPC_OK)
            return status;
        CHECK(entry.size == sizeof got && got == *next, "%llu after %llu",
              (unsigned long long)got, (unsigned long long)*next);
        *next += 1;
        atomic_store(progress, *next);
    }
}

/* --------------------------------------------------------------- writing */

/* Bursts of up to 32 messages, then rests of up to 100 us. */
static void write_all(IpcChannel *channel, uint64_t count)
{
    unsigned seed = (unsigned)getpid();
    uint64_t i = 0;

    while (i < count) {
        struct timespec rest = {.tv_nsec = rand_r(&seed) % 100000};

        for (int burst = rand_r(&seed) % 32; burst >= 0 && i < count;
             burst--, i++)
            CHECK_STATUS(
                ipc_channel_write_with_timeout(channel, &i, sizeof i, &patience)
                    .ipc_status,
                IPC_OK);
        if (rand_r(&seed) % 4 != 0)
            nanosleep(&rest, NULL);
    }
}

/* One message at a time, about when the reader is on its way from the read
 * that found nothing to the poll. */
static void write_racing(IpcChannel *channel, uint64_t count)
{
    unsigned seed = (unsigned)getpid();

    for (uint64_t i = 0; i < count; i++) {
        await(progress, i);
        spin_for(rand_r(&seed) % 10000);
        CHECK_STATUS(ipc_channel_write(channel, &i, sizeof i).ipc_status,
                     IPC_OK);
    }
}

static pid_t fork_writer(struct shared *s, enum joining how, uint32_t wait,
                         bool racing, uint64_t count, int *ready)
{
    int sockets[2];
    pid_t child;

    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0,
          "socketpair");
    child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        IpcChannel *channel = join_channel(s, how, wait, sockets[1]);
        char byte = 0;

        CHECK(write(sockets[1], &byte, 1) == 1, "write");
        CHECK(read(sockets[1], &byte, 1) == 1, "read");
        (racing ? write_racing : write_all)(channel, count);
        ipc_channel_close(channel);
        ipc_channel_destroy(channel);
        _exit(0);
    }
    close(sockets[1]);
    if (how == ACCEPT)
        share(s, sockets[0]);
    *ready = sockets[0];
    return child;
}

/* ----------------------------------------------------------------- tests */

struct run {
    uint32_t reader, writer;
    enum joining how;
    enum call call;
    uint64_t count;
    bool racing;
};

static void receive_in_loop(const struct run *run)
{
    struct loop loop;
    struct shared s;
    uint64_t next = 0, returns = 0, empty = 0;
    IpcStatus status = IPC_EMPTY;
    int writer;
    char byte;
    pid_t child;

    if (!make_channel(&s, RING, run->reader))
        return;
    atomic_store(progress, 0);
    child = fork_writer(&s, run->how, run->writer, run->racing, run->count,
                        &writer);
    CHECK(read(writer, &byte, 1) == 1, "read");
    open_loop(&loop, run->call, s.channel);
    CHECK(write(writer, &byte, 1) == 1, "write");
    while (status == IPC_EMPTY || status == IPC_ERR_NOT_READY) {
        uint64_t before = next;

        CHECK(wait_in_loop(&loop, PATIENCE_MS) == loop.fd,
              "a wake-up was lost at message %llu", (unsigned long long)next);
        returns++;
        status = drain(s.channel, &next);
        empty += next == before;
    }
    CHECK_STATUS(status, IPC_ERR_CLOSED);
    CHECK(next == run->count, "%llu arrived", (unsigned long long)next);
    CHECK(returns <= run->count + 10, "%llu returns",
          (unsigned long long)returns);
    printf("%s by %s, %s writer %s: %llu messages, %llu returns, "
           "%llu of them without a message, %u interruptions\n",
           way_names[run->reader], call_names[run->call],
           run->racing ? "racing" : joining_names[run->how],
           way_names[run->writer], (unsigned long long)next,
           (unsigned long long)returns, (unsigned long long)empty, interrupted);
    interrupted = 0;
    reap_child(child);
    close(writer);
    close_loop(&loop);
    drop_channel(&s);
}

static double cpu_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void idle_loop_sleeps(uint32_t wait)
{
    double cpu = cpu_seconds();
    struct loop loop;
    struct shared s;
    uint64_t next = 0;
    int returns = 0;

    if (!make_channel(&s, RING, wait))
        return;
    open_loop(&loop, EPOLL, s.channel);
    CHECK(wait_in_loop(&loop, 0) == loop.fd, "not readable at first");
    CHECK_STATUS(drain(s.channel, &next), IPC_EMPTY);
    for (int i = 0; i < 20; i++) {
        if (wait_in_loop(&loop, 50) < 0)
            continue;
        returns++;
        CHECK_STATUS(drain(s.channel, &next), IPC_EMPTY);
    }
    CHECK(returns <= 1, "%d returns in an idle second", returns);
    cpu = cpu_seconds() - cpu;
    CHECK(cpu < 0.2, "%f s of CPU in an idle second", cpu);
    printf("%s: %d returns and %.4f s of CPU in an idle second\n",
           way_names[wait], returns, cpu);
    close_loop(&loop);
    drop_channel(&s);
}

/* What comes between the look that finds nothing and the poll wakes it, a
 * second descriptor is told from the first, and closing wakes too. */
static void loop_wakes_for_each_reason(uint32_t wait)
{
    const uint64_t zero = 0;
    struct loop loop;
    struct shared s;
    uint64_t next = 0;
    IpcEntry entry;

    if (!make_channel(&s, RING, wait))
        return;
    open_loop(&loop, EPOLL, s.channel);
    CHECK_STATUS(drain(s.channel, &next), IPC_EMPTY);
    CHECK(write(loop.other[1], "x", 1) == 1, "write");
    CHECK(wait_in_loop(&loop, PATIENCE_MS) == loop.other[0], "other");
    CHECK(read(loop.other[0], &entry, 1) == 1, "read");
    CHECK(wait_in_loop(&loop, 0) == -1, "something is readable");
    IPC_IGNORE(ipc_channel_write(s.channel, &zero, sizeof zero));
    CHECK(wait_in_loop(&loop, PATIENCE_MS) == loop.fd, "message");
    CHECK_STATUS(ipc_channel_peek(s.channel, &entry).ipc_status, IPC_OK);
    CHECK_STATUS(ipc_channel_skip(s.channel, entry.offset).ipc_status, IPC_OK);
    CHECK_STATUS(ipc_channel_peek(s.channel, &entry).ipc_status, IPC_EMPTY);
    CHECK(wait_in_loop(&loop, 50) == -1, "readable after the peek");
    ipc_channel_close(s.channel);
    CHECK(wait_in_loop(&loop, PATIENCE_MS) == loop.fd, "closing");
    CHECK_STATUS(drain(s.channel, &next), IPC_ERR_CLOSED);
    close_loop(&loop);
    drop_channel(&s);
}

/* A way without a descriptor says so, and so does a handle without the eventfd.
 */
static void refusals_are_clear(void)
{
    struct shared s;
    IpcChannelConnectResult connected;

    CHECK_STATUS(ipc_channel_fd(NULL).ipc_status, IPC_ERR_INVALID_ARGUMENT);
    CHECK(make_channel(&s, RING, IPC_WAIT_SLEEP), "create");
    CHECK_STATUS(ipc_channel_fd(s.channel).ipc_status, IPC_ERR_UNSUPPORTED);
    drop_channel(&s);
    if (!make_channel(&s, RING, IPC_WAIT_EVENTFD))
        return;
    connected =
        ipc_channel_connect(s.memory, configuration_of(IPC_WAIT_EVENTFD));
    CHECK_STATUS(connected.ipc_status, IPC_OK);
    CHECK_STATUS(ipc_channel_fd(connected.result).ipc_status,
                 IPC_ERR_ILLEGAL_STATE);
    ipc_channel_destroy(connected.result);
    drop_channel(&s);
}

/* A handle that was made by connect cannot signal the eventfd: who polls it
 * looks often enough for itself. A poller whose wait was armed before the
 * other one joined would find out when that is over, in an hour here. */
static void an_unsignalled_poller_looks_for_itself(void)
{
    const uint64_t zero = 0;
    IpcChannelConnectResult connected;
    uint64_t next = 0;
    struct loop loop;
    struct shared s;

    if (!make_channel(&s, RING, IPC_WAIT_EVENTFD))
        return;
    open_loop(&loop, EPOLL, s.channel);
    connected = ipc_channel_connect(s.memory, configuration_of(IPC_WAIT_FUTEX));
    CHECK_STATUS(connected.ipc_status, IPC_OK);
    CHECK_STATUS(drain(s.channel, &next), IPC_EMPTY);
    IPC_IGNORE(ipc_channel_write(connected.result, &zero, sizeof zero));
    CHECK(wait_in_loop(&loop, PATIENCE_MS) == loop.fd, "it slept on");
    CHECK_STATUS(drain(s.channel, &next), IPC_EMPTY);
    CHECK(next == 1, "the message did not arrive");
    ipc_channel_destroy(connected.result);
    close_loop(&loop);
    drop_channel(&s);
}

/* Several processes poll one channel: everything arrives at one of them. */
static void pollers_share_a_channel(uint32_t wait, uint64_t count)
{
    enum { POLLERS = 3 };
    pid_t children[POLLERS];
    struct shared s;

    if (!make_channel(&s, RING, wait))
        return;
    for (int i = 0; i < POLLERS; i++) {
        int sockets[2];

        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0, "socketpair");
        children[i] = fork();
        if (children[i] == 0) {
            IpcChannel *channel = join_channel(&s, ACCEPT, wait, sockets[1]);
            IpcStatus status = IPC_OK;
            struct loop loop;
            uint64_t got;

            open_loop(&loop, EPOLL, channel);
            while (status != IPC_ERR_CLOSED) {
                IpcEntry entry = {.payload = &got, .size = sizeof got};

                CHECK(wait_in_loop(&loop, PATIENCE_MS) == loop.fd,
                      "a wake-up was lost");
                do {
                    status =
                        ipc_channel_try_read_into(channel, &entry).ipc_status;
                } while (status == IPC_OK || status == IPC_ERR_LOCKED);
            }
            _exit(0);
        }
        share(&s, sockets[0]);
        close(sockets[0]);
        close(sockets[1]);
    }
    write_all(s.channel, count);
    for (bool left = true; left;) {
        IpcBufferStats stats = {.struct_size = sizeof stats};
        const struct timespec rest = {.tv_nsec = 1000000};

        CHECK_STATUS(ipc_channel_stats(s.channel, &stats).ipc_status, IPC_OK);
        left = stats.used != 0;
        nanosleep(&rest, NULL);
    }
    ipc_channel_close(s.channel);
    for (int i = 0; i < POLLERS; i++)
        reap_child(children[i]);
    printf("%s: %d processes polled one channel\n", way_names[wait], POLLERS);
    drop_channel(&s);
}

/* Without eventfds, the futex has none. */
static bool has_descriptor(uint32_t wait)
{
    IpcStatus status;
    struct shared s;

    CHECK(make_channel(&s, RING, wait), "create");
    status = ipc_channel_fd(s.channel).ipc_status;
    drop_channel(&s);
    if (status == IPC_ERR_UNSUPPORTED)
        printf("skipped: %s has no descriptor here\n", way_names[wait]);
    else
        CHECK_STATUS(status, IPC_OK);
    return status == IPC_OK;
}

int main(int argc, char **argv)
{
    bool any = false;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && strcmp(argv[1], "-n") == 0)
        messages = strtoull(argv[2], NULL, 10);
    progress = make_words();
    refusals_are_clear();
    an_unsignalled_poller_looks_for_itself();
    for (uint32_t reader = IPC_WAIT_FUTEX; reader < WAYS_END; reader++) {
        if (reader == IPC_WAIT_SLEEP || !is_possible(reader) ||
            !has_descriptor(reader))
            continue;
        any = true;
        idle_loop_sleeps(reader);
        loop_wakes_for_each_reason(reader);
        for (int call = EPOLL; call <= SELECT; call++) {
            struct run run = {reader,
                              reader,
                              INHERIT,
                              (enum call)call,
                              call == EPOLL ? messages : messages / 10,
                              false};

            receive_in_loop(&run);
            run.racing = true;
            receive_in_loop(&run);
        }
        for (uint32_t writer = IPC_WAIT_FUTEX; writer < WAYS_END; writer++) {
            struct run run = {reader, writer,        ACCEPT,
                              EPOLL,  messages / 10, false};

            if (!is_possible(writer))
                continue;
            receive_in_loop(&run);
            run.how = CONNECT;
            receive_in_loop(&run);
        }
        pollers_share_a_channel(reader, messages / 10);
    }
    return any ? 0 : 77;
}
