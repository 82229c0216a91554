/* SPDX-License-Identifier: MIT */
/*
 * What calls with a set of channels refuse, and the descriptor of a set.
 */
#include "waitsets.h"
#include <sys/epoll.h>

/* ---------------------------------------------------------------- mistakes */

Test(unit, mistakes_have_statuses)
{
    const struct timespec negative = {.tv_sec = -1};
    struct waiter_thread w;
    IpcWaitSet *other;

    make_set(RING, 2);
    other = result_of(ipc_waitset_create());
    must_fail(ipc_waitset_add(set, channels[0], NULL), IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_waitset_add(other, channels[0], NULL), IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_waitset_remove(other, channels[0]), IPC_ERR_ILLEGAL_STATE);
    must_work(ipc_waitset_remove(set, channels[0]));
    must_fail(ipc_waitset_remove(set, channels[0]), IPC_ERR_ILLEGAL_STATE);
    must_work(ipc_waitset_add(other, channels[0], NULL));
    must_fail(ipc_waitset_add(NULL, channels[1], NULL),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_add(set, NULL, NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_remove(NULL, channels[1]), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_remove(set, NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_wait(NULL, ready, ROOM, &at_once),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_wait(set, NULL, ROOM, &at_once),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_wait(set, ready, 0, &at_once),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_wait(set, ready, ROOM, &negative),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_interrupt(NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_fd(NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_destroy(NULL), IPC_ERR_INVALID_ARGUMENT);
    start_waiting(&w);
    must_fail(ipc_waitset_wait(set, ready, ROOM, &at_once),
              IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_waitset_destroy(set), IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_waitset_fd(set), IPC_ERR_ILLEGAL_STATE);
    must_work(ipc_waitset_interrupt(set));
    must_be(end_waiting(&w), IPC_ERR_INTERRUPTED);
    must_work(ipc_waitset_destroy(set));
    must_work(ipc_waitset_destroy(other));
    must_work(ipc_channel_destroy(channels[0]));
}

Test(unit, a_set_without_channels_waits_too)
{
    make_set(RING, 0);
    must_find_nothing(&shortly);
    must_work(ipc_waitset_destroy(set));
}

static void must_be_refused_in_child(void)
{
    pid_t child = fork_child();

    if (child == 0) {
        must_fail(ipc_waitset_wait(set, ready, ROOM, &at_once),
                  IPC_ERR_ILLEGAL_STATE);
        must_fail(ipc_waitset_remove(set, channels[0]), IPC_ERR_ILLEGAL_STATE);
        must_fail(ipc_waitset_interrupt(set), IPC_ERR_ILLEGAL_STATE);
        must_fail(ipc_waitset_fd(set), IPC_ERR_ILLEGAL_STATE);
        must_work(ipc_channel_destroy(channels[1]));
        must_work(ipc_waitset_destroy(set));
        must_work(ipc_channel_destroy(channels[0]));
        child_done();
    }
    must_succeed(child);
}

Test(unit, a_forked_child_leaves_its_parents_set_alone)
{
    make_set(RING, 5);
    must_find_nothing(&shortly);
    must_be_refused_in_child();
    must_work(ipc_waitset_fd(set));
    must_find_nothing(&at_once);
    must_be_refused_in_child();
    must_send(channels[1], 8, 1);
    must_be_ready(1, IPC_OK);
    must_work(ipc_waitset_destroy(set));
    make_set(WAITV, 200);
    must_find_nothing(&shortly);
    must_be_refused_in_child();
    must_send(channels[199], 8, 1);
    must_be_ready(199, IPC_OK);
}

/* ----------------------------------------------------------- the descriptor */

static bool is_readable(int fd, int64_t within)
{
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    bool is;

    must(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
    is = epoll_wait(epoll, &event, 1, (int)(within / MILLISECOND)) == 1;
    close(epoll);
    return is;
}

static void must_be_readable_in_time(enum way by, int count)
{
    int fd;

    make_set(by, count);
    must(count_threads() == 0);
    fd = result_of(ipc_waitset_fd(set));
    must(result_of(ipc_waitset_fd(set)) == fd);
    must(is_readable(fd, 0));
    for (int i = 0; i < 30; i++) {
        int at = i * 7 % count;

        must_find_nothing(&at_once);
        must(!is_readable(fd, i < 3 ? 5 * MILLISECOND : 0));
        must_send(channels[at], 8, 1);
        must(is_readable(fd, 20 * SECOND));
        must_be_ready(at, IPC_OK);
        must(is_readable(fd, 0));
        must_receive(channels[at], 8, 1);
    }
    must_find_nothing(&at_once);
    must_work(ipc_waitset_interrupt(set));
    must(is_readable(fd, 20 * SECOND));
    must_end_by(IPC_ERR_INTERRUPTED, &at_once);
    must(is_readable(fd, 0));
    must_find_nothing(&at_once);
    must_work(ipc_channel_close(channels[1]));
    must(is_readable(fd, 20 * SECOND));
    must_be_ready(1, IPC_ERR_CLOSED);
    must_work(ipc_waitset_destroy(set));
    must(count_threads() == 0);
}

Test(unit, the_descriptor_is_readable_when_something_is_ready)
{
    must_be_readable_in_time(RING, 5);
}

Test(unit, the_descriptor_is_readable_when_something_is_ready_by_waitv)
{
    must_be_readable_in_time(WAITV, 200);
}

Test(unit, the_descriptor_is_readable_when_something_is_ready_by_naps)
{
    must_be_readable_in_time(NAPS, 5);
}

Test(unit, where_there_is_a_descriptor_a_wait_may_block_too)
{
    struct waiter_thread w;
    int fd;

    make_set(RING, 5);
    fd = result_of(ipc_waitset_fd(set));
    must_find_nothing(&shortly);
    start_waiting(&w);
    must_send(channels[2], 8, 1);
    must_be(end_waiting(&w), IPC_OK);
    must(ready[0].channel == channels[2]);
    must(is_readable(fd, 0));
    must_receive(channels[2], 8, 1);
    start_waiting(&w);
    must_work(ipc_waitset_interrupt(set));
    must_be(end_waiting(&w), IPC_ERR_INTERRUPTED);
}

/* The thread only glances: it may not move what the one consumer moves. */
Test(unit, the_thread_of_a_descriptor_takes_no_role)
{
    IpcChannelConfiguration configuration = quick;
    IpcReservation whole;
    int fd;

    make_set(RING, 0);
    configuration.flags = IPC_BUFFER_ONE_CONSUMER;
    add_with(0, configuration);
    fd = result_of(ipc_waitset_fd(set));
    must(is_readable(fd, 0));
    must_find_nothing(&at_once);
    must_work(ipc_channel_reserve(channels[0], 8, &whole));
    must_work(ipc_channel_abort(channels[0], &whole));
    must(is_readable(fd, 20 * SECOND));
    must_find_nothing(&at_once);
    must(!is_readable(fd, 5 * MILLISECOND));
}

static bool takes_signals(const char *thread)
{
    const unsigned long long asked =
        1ULL << (SIGTERM - 1) | 1ULL << (SIGCHLD - 1);
    unsigned long long blocked = 0;
    char path[64], line[256];
    FILE *status;

    snprintf(path, sizeof path, "/proc/self/task/%.20s/status", thread);
    status = fopen(path, "r");
    must(status);
    while (fgets(line, sizeof line, status))
        if (strncmp(line, "SigBlk:", 7) == 0)
            blocked = strtoull(line + 7, NULL, 16);
    fclose(status);
    return (blocked & asked) != asked;
}

static int count_threads_that_take_signals(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;

    must(tasks);
    for (struct dirent *e = readdir(tasks); e; e = readdir(tasks))
        count += e->d_name[0] != '.' && takes_signals(e->d_name);
    closedir(tasks);
    return count;
}

/* A program's signals go to its own threads. A new thread takes none until it
 * runs, whatever the library does: so this one has to show that it does. */
Test(unit, the_thread_of_a_descriptor_takes_no_signals)
{
    int before = count_threads_that_take_signals();
    int fd;

    make_set(RING, 5);
    fd = result_of(ipc_waitset_fd(set));
    must_find_nothing(&at_once);
    must_send(channels[2], 8, 1);
    must(is_readable(fd, 20 * SECOND));
    must(count_threads() == 1);
    must(count_threads_that_take_signals() == before);
}
