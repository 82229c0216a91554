/* SPDX-License-Identifier: MIT */
/*
 * A channel in an event loop: one epoll for a channel's descriptor, a socket
 * and a timer. A sensor writes readings at random moments, in a second about a
 * thousand of them; the loop collects them, reports at every tick, and tells an
 * clerk, who asks over the socket, how many there are. Both are processes of
 * their own.
 *
 * The channel waits by eventfd, which the sensor inherits over fork;
 * ipc_channel_share would send it over a socket. With IPC_WAIT_IO_URING the
 * loop is the same and others need nothing but the memory.
 *
 *     cc event_loop.c $(pkg-config --cflags --libs shmipc)
 */
#include <shmipc/shmipc.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    READINGS = 1000,
    LONGEST_PAUSE_NS = 2000 * 1000,
    TICK_MS = 250,
    QUESTIONS = 10,
    QUESTION_MS = 50,
};

struct account {
    unsigned long read, loops, ticks, questions;
};

/* What the loop waits for. */
struct loop {
    int epoll, channel_fd, timer, socket;
    IpcChannel *channel;
    struct account account;
};

static const IpcChannelConfiguration configuration = {.max_round_trips = 1000,
                                                      .start_sleep_ns = 1000,
                                                      .max_sleep_ns = 1000000,
                                                      .wait = IPC_WAIT_EVENTFD};

static int be_sensor(IpcChannel *channel)
{
    const struct timespec patience = {.tv_sec = 10, .tv_nsec = 0};
    unsigned seed = 1;

    for (int i = 0; i < READINGS; i++) {
        struct timespec pause = {.tv_nsec = rand_r(&seed) % LONGEST_PAUSE_NS};

        nanosleep(&pause, NULL);
        if (IpcChannelWriteResult_is_error(ipc_channel_write_with_timeout(
                channel, &i, sizeof i, &patience)))
            return 1;
    }
    return IpcChannelCloseResult_is_error(ipc_channel_close(channel));
}

/* Asks now and then; each answer is a number that does not fall. */
static int be_clerk(int socket)
{
    const struct timespec pause = {.tv_nsec = QUESTION_MS * 1000000L};
    unsigned long before = 0, answer;

    for (int i = 0; i < QUESTIONS; i++) {
        nanosleep(&pause, NULL);
        if (send(socket, "?", 1, MSG_NOSIGNAL) != 1 ||
            recv(socket, &answer, sizeof answer, 0) != sizeof answer ||
            answer < before)
            return 1;
        before = answer;
    }
    return 0;
}

/* Reads until there is nothing more: only then will the descriptor tell of the
 * next message. */
static IpcStatus take_readings(struct loop *loop)
{
    for (;;) {
        int reading;
        IpcEntry entry = {.payload = &reading, .size = sizeof reading};
        IpcChannelTryReadResult r =
            ipc_channel_try_read_into(loop->channel, &entry);

        if (r.ipc_status == IPC_ERR_LOCKED)
            continue;
        if (r.ipc_status != IPC_OK)
            return r.ipc_status;
        if (reading == (int)loop->account.read)
            loop->account.read++;
    }
}

static void take_tick(struct loop *loop)
{
    uint64_t ticks;

    if (read(loop->timer, &ticks, sizeof ticks) != sizeof ticks)
        return;
    loop->account.ticks += (unsigned long)ticks;
    printf("%lu readings so far\n", loop->account.read);
}

/* The clerk may have gone: then there is no more to be heard from him. */
static IpcStatus take_question(struct loop *loop)
{
    char question;
    ssize_t size = recv(loop->socket, &question, sizeof question, MSG_DONTWAIT);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return IPC_OK;
    if (size > 0 &&
        send(loop->socket, &loop->account.read, sizeof loop->account.read,
             MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof loop->account.read) {
        loop->account.questions++;
        return IPC_OK;
    }
    if (epoll_ctl(loop->epoll, EPOLL_CTL_DEL, loop->socket, NULL) != 0)
        return IPC_ERR_SYSTEM;
    return IPC_OK;
}

/* Until the channel is closed, or something is wrong. */
static IpcStatus run(struct loop *loop)
{
    IpcStatus status = IPC_EMPTY;

    while (status == IPC_EMPTY || status == IPC_ERR_NOT_READY) {
        struct epoll_event events[3];
        int ready = epoll_wait(loop->epoll, events, 3, -1);

        if (ready < 0 && errno != EINTR)
            return IPC_ERR_SYSTEM;
        loop->account.loops++;
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == loop->channel_fd)
                status = take_readings(loop);
            else if (events[i].data.fd == loop->timer)
                take_tick(loop);
            else if (take_question(loop) != IPC_OK)
                return IPC_ERR_SYSTEM;
        }
    }
    return status;
}

static int watch(int epoll, int fd)
{
    struct epoll_event what = {.events = EPOLLIN, .data = {.fd = fd}};

    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &what);
}

/* 0, or -1: something could not be made. */
static int prepare(struct loop *loop)
{
    const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
    const struct itimerspec ticks = {tick, tick};
    IpcChannelFdResult fd = ipc_channel_fd(loop->channel);

    if (IpcChannelFdResult_is_error(fd)) {
        fprintf(stderr, "no descriptor: %s\n", fd.error.detail);
        return -1;
    }
    loop->channel_fd = fd.result;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->epoll >= 0 && loop->timer >= 0 &&
        timerfd_settime(loop->timer, 0, &ticks, NULL) == 0 &&
        watch(loop->epoll, loop->channel_fd) == 0 &&
        watch(loop->epoll, loop->timer) == 0 &&
        watch(loop->epoll, loop->socket) == 0)
        return 0;
    perror("event loop");
    return -1;
}

static int be_collector(IpcChannel *channel, int socket)
{
    struct loop loop = {.channel = channel, .socket = socket};
    IpcStatus status;

    if (prepare(&loop) != 0)
        return 1;
    status = run(&loop);
    close(loop.timer);
    close(loop.epoll);
    printf("%lu of %d readings, %lu ticks, %lu questions, "
           "%lu turns of the loop\n",
           loop.account.read, READINGS, loop.account.ticks,
           loop.account.questions, loop.account.loops);
    if (status != IPC_ERR_CLOSED)
        fprintf(stderr, "read: %s\n", ipc_status_text(status));
    return status != IPC_ERR_CLOSED || loop.account.read != READINGS;
}

static int ended_well(pid_t child)
{
    int status;

    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* The clerk's answers end with the collector: he may be cut short. */
static int run_all(IpcChannel *channel)
{
    int sockets[2], bad;
    pid_t sensor, clerk;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
        perror("socketpair");
        return 1;
    }
    sensor = fork();
    if (sensor == 0)
        _exit(be_sensor(channel));
    clerk = fork();
    if (clerk == 0) {
        close(sockets[0]);
        _exit(be_clerk(sockets[1]));
    }
    close(sockets[1]);
    bad = sensor < 0 || clerk < 0 || be_collector(channel, sockets[0]);
    close(sockets[0]);
    bad |= !ended_well(sensor);
    ended_well(clerk);
    return bad;
}

int main(void)
{
    size_t size = (size_t)ipc_channel_align_size(64 * 1024);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    IpcChannelResult created;
    int bad;

    if (memory == MAP_FAILED)
        return 1;
    created = ipc_channel_create(memory, size, configuration);
    if (IpcChannelResult_is_error(created)) {
        fprintf(stderr, "create: %s\n", created.error.detail);
        /* 77 is what test runners take for "skipped". */
        return created.ipc_status == IPC_ERR_UNSUPPORTED ? 77 : 1;
    }
    bad = run_all(created.result);
    if (IpcChannelDestroyResult_is_error(ipc_channel_destroy(created.result)))
        bad = 1;
    munmap(memory, size);
    return bad;
}
