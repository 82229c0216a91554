/* SPDX-License-Identifier: MIT */
/*
 * The descriptors that event loops wait for: what they tell of though nobody
 * signals them, that they tell of nothing else, and what a child has to do with
 * its parent's.
 */
#include "channels.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

enum { BLOCKS = 8, MARK = 42, LONG_MS = 20000 };

static int descriptor_of(IpcChannel *ch)
{
    IpcChannelFdResult r = ipc_channel_fd(ch);

    must_work(r);
    return r.result;
}

static void *memory;

static IpcChannel *new_poller(uint32_t wait)
{
    IpcChannelConfiguration configuration = quick;
    size_t size = ring_size(BLOCKS, 8);
    IpcChannelResult r;

    configuration.wait = wait;
    memory = shared_memory(size);
    r = ipc_channel_create(memory, size, configuration);
    if (r.ipc_status == IPC_ERR_UNSUPPORTED)
        cr_skip_test("this kernel or build lacks that way of waiting");
    must_work(r);
    return r.result;
}

/* Writes and wakes nobody, as a producer that dies in between. */
static void write_silently(void *at)
{
    IpcBuffer *b = result_of(ipc_buffer_attach(at));

    must_write(b, 8, 1);
    must_work(ipc_buffer_destroy(b));
}

static void must_be_empty(IpcChannel *ch)
{
    IpcEntry entry;

    must_be(ipc_channel_try_read(ch, &entry).ipc_status, IPC_EMPTY);
}

static bool is_readable(int fd, int ms)
{
    struct pollfd what = {.fd = fd, .events = POLLIN};

    return poll(&what, 1, ms) == 1;
}

static void must_find_what_is_silent(uint32_t wait)
{
    IpcChannel *ch = new_poller(wait);
    int fd = descriptor_of(ch);

    for (int i = 0; i < 3; i++) {
        must_be_empty(ch);
        must(!is_readable(fd, 0));
        write_silently(memory);
        must(is_readable(fd, LONG_MS));
        must_receive(ch, 8, 1);
    }
    ipc_channel_destroy(ch);
}

Test(unit, what_nobody_was_woken_for_is_found_by_a_futex, .timeout = 90)
{
    must_find_what_is_silent(IPC_WAIT_FUTEX);
}

Test(unit, what_nobody_was_woken_for_is_found_by_an_eventfd, .timeout = 90)
{
    must_find_what_is_silent(IPC_WAIT_EVENTFD);
}

Test(unit, what_nobody_was_woken_for_is_found_by_a_ring, .timeout = 90)
{
    must_find_what_is_silent(IPC_WAIT_IO_URING);
}

static void must_stay_unreadable(uint32_t wait)
{
    IpcChannel *ch = new_poller(wait);
    int fd = descriptor_of(ch);

    must_be_empty(ch);
    /* Some turns. */
    must(!is_readable(fd, 350));
    ipc_channel_destroy(ch);
}

Test(unit, an_idle_futex_wakes_nobody)
{
    must_stay_unreadable(IPC_WAIT_FUTEX);
}

Test(unit, an_idle_eventfd_wakes_nobody)
{
    must_stay_unreadable(IPC_WAIT_EVENTFD);
}

Test(unit, an_idle_ring_wakes_nobody)
{
    must_stay_unreadable(IPC_WAIT_IO_URING);
}

static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;

    must(tasks != NULL);
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count - 2;
}

/* In more turns than one, and whoever goes in between is left out. */
Test(unit, each_of_many_channels_has_its_turn, .timeout = 90)
{
    enum { MANY = 60 };
    IpcChannel *channels[MANY];
    void *memories[MANY];
    int fds[MANY], before = threads();

    for (int i = 0; i < MANY; i++) {
        channels[i] = new_poller(IPC_WAIT_EVENTFD);
        memories[i] = memory;
        fds[i] = descriptor_of(channels[i]);
        must_be_empty(channels[i]);
    }
    must(threads() == before + 1);
    for (int i = 0; i < MANY; i += 3) {
        must_work(ipc_channel_destroy(channels[i]));
        write_silently(memories[i + 1]);
        write_silently(memories[i + 2]);
    }
    /* The last one first: that others go does not help it. */
    for (int i = MANY - 1; i >= 0; i--)
        if (i % 3) {
            must(is_readable(fds[i], LONG_MS));
            must_receive(channels[i], 8, 1);
            must_work(ipc_channel_destroy(channels[i]));
        }
    must(threads() == before);
}

/* It is readable already, and told of no more than once. */
Test(unit, who_does_not_read_is_told_once)
{
    IpcChannel *ch = new_poller(IPC_WAIT_EVENTFD);
    int fd = descriptor_of(ch);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int edges = epoll_create1(EPOLL_CLOEXEC);

    must_be_empty(ch);
    must(epoll_ctl(edges, EPOLL_CTL_ADD, fd, &event) == 0);
    write_silently(memory);
    must(epoll_wait(edges, &event, 1, LONG_MS) == 1);
    must(epoll_wait(edges, &event, 1, 350) == 0);
    must_receive(ch, 8, 1);
    close(edges);
    must_work(ipc_channel_destroy(ch));
}

/* What a dead producer left in front is removed, and what is behind it found.
 */
Test(unit, a_poller_gets_past_what_the_dead_left, .timeout = 90)
{
    IpcChannel *ch = new_poller(IPC_WAIT_EVENTFD);
    int fd = descriptor_of(ch);
    pid_t child = fork_child();

    if (child == 0) {
        IpcBuffer *b = result_of(ipc_buffer_attach(memory));
        IpcReservation space;

        must_work(ipc_buffer_reserve(b, 8, &space));
        write_silently(memory);
        for (;;)
            pause();
    }
    while (ipc_channel_try_read(ch, &(IpcEntry){0}).ipc_status !=
           IPC_ERR_NOT_READY)
        continue;
    must(!is_readable(fd, 250));
    kill_child(child);
    must(is_readable(fd, LONG_MS));
    must_receive(ch, 8, 1);
    must_work(ipc_channel_destroy(ch));
}

Test(unit, a_poller_is_told_that_all_producers_died, .timeout = 90)
{
    IpcChannelConfiguration configuration = quick;
    IpcEntry entry;
    IpcChannel *ch;
    pid_t child;
    int fd;

    configuration.options = IPC_CHANNEL_REPORT_DEAD_PRODUCERS;
    ch = make_channel(BLOCKS, configuration, &memory);
    fd = descriptor_of(ch);
    child = fork_child();
    if (child == 0) {
        write_silently(memory);
        must_send(ch, 8, 1);
        for (;;)
            pause();
    }
    for (int i = 0; i < 2; i++) {
        while (ipc_channel_try_read(ch, &entry).ipc_status == IPC_EMPTY)
            continue;
        free(entry.payload);
    }
    must_be_empty(ch);
    /* The child may have been about to wake us. */
    if (is_readable(fd, 250))
        must_be_empty(ch);
    must(!is_readable(fd, 250));
    kill_child(child);
    must(is_readable(fd, LONG_MS));
    must_be(ipc_channel_try_read(ch, &entry).ipc_status,
            IPC_ERR_PRODUCERS_DEAD);
    must_work(ipc_channel_destroy(ch));
}

/* What a thread of the parent was at in the allocator stays locked in the
 * child. The C library sees to that. */
static void skip_where_forks_keep_locks(void)
{
    if (SANITIZED)
        cr_skip_test("the sanitizer's allocator does not get over a fork "
                     "beside threads");
}

/* And does not stop its parent's. */
static void must_poll_in_a_child(uint32_t wait)
{
    IpcChannel *ch = new_poller(wait);
    int fd = descriptor_of(ch);
    pid_t child;

    must_be_empty(ch);
    child = fork_child();
    if (child == 0) {
        int alone = threads(); /* and those of an emulator */

        must_be_empty(ch);
        fd = descriptor_of(ch);
        must_be_empty(ch);
        must(threads() > alone);
        write_silently(memory);
        must(is_readable(fd, LONG_MS));
        must_receive(ch, 8, 1);
        must_work(ipc_channel_destroy(ch));
        must(threads() == alone);
        _exit(0);
    }
    must_succeed(child);
    for (int i = 0; i < 2; i++) {
        must_be_empty(ch);
        write_silently(memory);
        must(is_readable(fd, LONG_MS));
        must_receive(ch, 8, 1);
    }
    must_work(ipc_channel_destroy(ch));
}

Test(unit, a_child_polls_a_futex_by_threads_of_its_own, .timeout = 90)
{
    skip_where_forks_keep_locks();
    must_poll_in_a_child(IPC_WAIT_FUTEX);
}

Test(unit, a_child_polls_an_eventfd_by_a_thread_of_its_own, .timeout = 90)
{
    skip_where_forks_keep_locks();
    must_poll_in_a_child(IPC_WAIT_EVENTFD);
}

/* The child leaves its parent's list alone. */
Test(unit, a_child_that_drops_an_inherited_poller_harms_nobody, .timeout = 90)
{
    IpcChannel *ch;
    pid_t child;
    int fd;

    skip_where_forks_keep_locks();
    ch = new_poller(IPC_WAIT_EVENTFD);
    fd = descriptor_of(ch);
    must_be_empty(ch);
    child = fork_child();
    if (child == 0) {
        must_work(ipc_channel_destroy(ch));
        _exit(0);
    }
    must_succeed(child);
    write_silently(memory);
    must(is_readable(fd, LONG_MS));
    must_receive(ch, 8, 1);
    must_work(ipc_channel_destroy(ch));
}

static void *come_and_go(void *of)
{
    size_t size = ring_size(BLOCKS, 8);
    void *at = shared_memory(size);
    IpcChannelConfiguration configuration = quick;

    (void)of;
    configuration.wait = IPC_WAIT_EVENTFD;
    for (int i = 0; i < 500; i++) {
        IpcChannel *ch = result_of(ipc_channel_create(at, size, configuration));

        descriptor_of(ch);
        must_be_empty(ch);
        write_silently(at);
        must_work(ipc_channel_destroy(ch));
    }
    return NULL;
}

Test(unit, pollers_come_and_go_in_all_threads_at_once, .timeout = 90)
{
    pthread_t others[4];
    int before = threads();

    must_work(ipc_channel_destroy(new_poller(IPC_WAIT_EVENTFD)));
    for (int i = 0; i < 4; i++)
        must(pthread_create(&others[i], NULL, come_and_go, NULL) == 0);
    for (int i = 0; i < 4; i++)
        must(pthread_join(others[i], NULL) == 0);
    must(threads() == before);
}

/* What a child adds to the descriptor that it polls is not polled by its
 * parent. */
Test(unit, a_child_polls_a_descriptor_of_its_own)
{
    IpcChannel *ch = new_poller(IPC_WAIT_EVENTFD);
    int fd = descriptor_of(ch);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = MARK};
    struct epoll_event found[8];
    int pipes[2];
    pid_t child;
    int count;

    must(pipe(pipes) == 0 && write(pipes[1], "x", 1) == 1);
    child = fork_child();
    if (child == 0) {
        must(epoll_ctl(descriptor_of(ch), EPOLL_CTL_ADD, pipes[0], &event) ==
             0);
        _exit(0);
    }
    must_succeed(child);
    count = epoll_wait(fd, found, 8, 0);
    must(count >= 0);
    for (int i = 0; i < count; i++)
        must(found[i].data.u64 != MARK);
    ipc_channel_destroy(ch);
}

/* Where all can signal it, no poller has to look for itself. */
Test(unit, only_who_lacks_the_eventfd_says_that_it_cannot_signal)
{
    IpcChannel *ch = new_poller(IPC_WAIT_EVENTFD);
    struct shm_region *region = memory;

    must(atomic_get_relaxed(&region->readers.unsignalled) == 0);
    must_work(ipc_channel_connect(memory, quick));
    must(atomic_get_relaxed(&region->readers.unsignalled) == 1);
    ipc_channel_destroy(ch);
}

Test(unit, an_eventfd_with_the_number_0_is_closed_too)
{
    IpcChannel *ch;

    close(0);
    ch = new_poller(IPC_WAIT_EVENTFD);
    must(fcntl(0, F_GETFD) >= 0);
    ipc_channel_destroy(ch);
    must(fcntl(0, F_GETFD) < 0);
}
