/* SPDX-License-Identifier: MIT */
/*
 * The descriptors that event loops wait for: how long a wait can last at most,
 * and what a child has to do with its parent's.
 */
#include "channels.h"
#include <fcntl.h>
#include <poll.h>
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

/* Nobody writes, and so nobody signals: a producer may have died instead. */
static void must_end_for_itself(IpcChannel *ch)
{
    struct pollfd what = {.fd = descriptor_of(ch), .events = POLLIN};
    IpcEntry entry;

    for (int i = 0; i < 3; i++) {
        must_be(ipc_channel_try_read(ch, &entry).ipc_status, IPC_EMPTY);
        must(poll(&what, 1, LONG_MS) == 1);
    }
    ipc_channel_destroy(ch);
}

Test(unit, a_wait_for_a_futex_ends_for_itself, .timeout = 90)
{
    must_end_for_itself(new_poller(IPC_WAIT_FUTEX));
}

/* And does not stop its parent's. */
Test(unit, a_child_polls_a_futex_by_a_thread_of_its_own, .timeout = 90)
{
    IpcChannel *ch = new_poller(IPC_WAIT_FUTEX);
    struct pollfd what = {.fd = descriptor_of(ch), .events = POLLIN};
    IpcEntry entry;
    pid_t child;

    must_be(ipc_channel_try_read(ch, &entry).ipc_status, IPC_EMPTY);
    child = fork_child();
    if (child == 0) {
        must_be(ipc_channel_try_read(ch, &entry).ipc_status, IPC_EMPTY);
        what.fd = descriptor_of(ch);
        must_be(ipc_channel_try_read(ch, &entry).ipc_status, IPC_EMPTY);
        must(poll(&what, 1, LONG_MS) == 1);
        must_work(ipc_channel_destroy(ch));
        _exit(0);
    }
    must_succeed(child);
    must(poll(&what, 1, LONG_MS) == 1);
    must_send(ch, 8, 1);
    must_receive(ch, 8, 1);
    must_be(ipc_channel_try_read(ch, &entry).ipc_status, IPC_EMPTY);
    must(poll(&what, 1, LONG_MS) == 1);
    must_work(ipc_channel_destroy(ch));
}

Test(unit, a_wait_for_an_eventfd_ends_for_itself, .timeout = 90)
{
    must_end_for_itself(new_poller(IPC_WAIT_EVENTFD));
}

Test(unit, a_wait_for_a_ring_ends_for_itself, .timeout = 90)
{
    must_end_for_itself(new_poller(IPC_WAIT_IO_URING));
}

/* What a child adds to the descriptor that it polls is not polled by its
 * parent, nor is the parent's timer set by the child. */
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
