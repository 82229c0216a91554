/* SPDX-License-Identifier: MIT */
/*
 * A channel in an event loop: one epoll for a channel's descriptor and a timer.
 * A second process writes readings at random moments, in a second about a
 * thousand of them; the loop collects them and reports at every tick.
 *
 * The channel waits by eventfd, which the second process inherits over fork;
 * ipc_channel_share would send it over a socket. With IPC_WAIT_IO_URING the
 * loop is the same and others need nothing but the memory.
 */
#include <shmipc/shmipc.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READINGS = 1000, LONGEST_PAUSE_NS = 2000 * 1000, TICK_MS = 250 };

struct account {
    unsigned long read, loops, ticks;
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

/* Reads until there is nothing more: only then will the descriptor tell of the
 * next message. */
static IpcStatus take_readings(IpcChannel *channel, struct account *account)
{
    for (;;) {
        int reading;
        IpcEntry entry = {.payload = &reading, .size = sizeof reading};
        IpcChannelTryReadResult r = ipc_channel_try_read_into(channel, &entry);

        if (r.ipc_status == IPC_ERR_LOCKED)
            continue;
        if (r.ipc_status != IPC_OK)
            return r.ipc_status;
        account->read += reading == (int)account->read;
    }
}

static void take_tick(int timer, struct account *account)
{
    uint64_t ticks;

    if (read(timer, &ticks, sizeof ticks) != sizeof ticks)
        return;
    account->ticks += ticks;
    printf("%lu readings so far\n", account->read);
}

/* Until the channel is closed, or something is wrong. */
static IpcStatus loop(int epoll, IpcChannel *channel, int channel_fd, int timer,
                      struct account *account)
{
    IpcStatus status = IPC_EMPTY;

    while (status == IPC_EMPTY || status == IPC_ERR_NOT_READY) {
        struct epoll_event events[2];
        int ready = epoll_wait(epoll, events, 2, -1);

        if (ready < 0 && errno != EINTR)
            return IPC_ERR_SYSTEM;
        account->loops++;
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == channel_fd)
                status = take_readings(channel, account);
            else
                take_tick(timer, account);
        }
    }
    return status;
}

static int watch(int epoll, int fd)
{
    struct epoll_event what = {.events = EPOLLIN, .data = {.fd = fd}};

    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &what);
}

static int be_collector(IpcChannel *channel)
{
    const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
    const struct itimerspec ticks = {tick, tick};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    IpcChannelFdResult fd = ipc_channel_fd(channel);
    struct account account = {0};
    IpcStatus status;

    if (IpcChannelFdResult_is_error(fd)) {
        fprintf(stderr, "no descriptor: %s\n", fd.error.detail);
        return 1;
    }
    if (epoll < 0 || timer < 0 || timerfd_settime(timer, 0, &ticks, NULL) ||
        watch(epoll, fd.result) || watch(epoll, timer)) {
        perror("event loop");
        return 1;
    }
    status = loop(epoll, channel, fd.result, timer, &account);
    close(timer);
    close(epoll);
    printf("%lu of %d readings, %lu ticks, %lu turns of the loop\n",
           account.read, READINGS, account.ticks, account.loops);
    if (status != IPC_ERR_CLOSED)
        fprintf(stderr, "read: %s\n", ipc_status_text(status));
    return status != IPC_ERR_CLOSED || account.read != READINGS;
}

int main(void)
{
    size_t size = ipc_channel_align_size(64 * 1024);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    IpcChannelResult created;
    int bad, status;
    pid_t sensor;

    if (memory == MAP_FAILED)
        return 1;
    created = ipc_channel_create(memory, size, configuration);
    if (IpcChannelResult_is_error(created)) {
        fprintf(stderr, "create: %s\n", created.error.detail);
        /* 77 is what test runners take for "skipped". */
        return created.ipc_status == IPC_ERR_UNSUPPORTED ? 77 : 1;
    }
    sensor = fork();
    if (sensor == 0)
        _exit(be_sensor(created.result));
    bad = sensor < 0 || be_collector(created.result);
    bad |= waitpid(sensor, &status, 0) != sensor || status != 0;
    ipc_channel_destroy(created.result);
    munmap(memory, size);
    return bad;
}
