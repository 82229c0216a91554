/* SPDX-License-Identifier: MIT */
#include "stop.h"
#include "command.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t asked_by;
static _Atomic(IpcChannel *) interrupted;
/* A byte in it wakes a poll() that began when nobody had asked yet. */
static int bell[2] = {-1, -1};

static void ask(int signal)
{
    const int kept = errno;
    IpcChannel *channel;
    ssize_t rung;

    asked_by = signal;
    channel = atomic_load(&interrupted);
    if (channel)
        (void)ipc_channel_interrupt(channel);
    rung = write(bell[1], "", 1); /* full, it rings already */
    (void)rung;
    errno = kept;
}

bool stop_arm(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = ask,
                               .sa_flags = (int)SA_RESETHAND};

    sigemptyset(&action.sa_mask);
    if (pipe2(bell, O_CLOEXEC | O_NONBLOCK) != 0) {
        command_complain("cannot make a pipe: %s", strerror(errno));
        return false;
    }
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction before;

        /* Who started us with nohup meant it. */
        if (sigaction(signals[i], NULL, &before) == 0 &&
            before.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
    return true;
}

void stop_interrupts(IpcChannel *channel)
{
    atomic_store(&interrupted, channel);
    if (channel && stop_asked())
        (void)ipc_channel_interrupt(channel);
}

bool stop_asked(void)
{
    return asked_by != 0;
}

bool stop_wait_readable(int fd)
{
    struct pollfd both[] = {{fd, POLLIN, 0}, {bell[0], POLLIN, 0}};

    while (!stop_asked()) {
        int ready = poll(both, 2, -1);

        /* What else can fail the read will tell. */
        if ((ready > 0 && both[0].revents) || (ready < 0 && errno != EINTR))
            return !stop_asked();
    }
    return false;
}

/* It never comes back, unless the signal is blocked. */
static void end_by(int number)
{
    signal(number, SIG_DFL);
    raise(number);
}

int stop_finish(int code)
{
    if (asked_by)
        end_by(asked_by);
    return asked_by ? 128 + asked_by : code;
}

_Noreturn void stop_by_broken_pipe(void)
{
    end_by(SIGPIPE);
    exit(128 + SIGPIPE);
}
