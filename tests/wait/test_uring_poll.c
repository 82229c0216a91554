/* SPDX-License-Identifier: MIT */
/*
 * Handles that wait by io_uring in an event loop: their descriptor.
 */
#include "uring_test.h"
#include "channel/channel.h"
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

/* ------------------------------------------------------------------- polling
 */

static int descriptor_of(IpcChannel *ch)
{
    IpcChannelFdResult r = ipc_channel_fd(ch);

    must(IpcChannelFdResult_is_ok(r));
    must(ipc_channel_fd(ch).result == r.result);
    return r.result;
}

static bool is_readable(int fd, int timeout)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready = poll(&p, 1, timeout);

    must(ready >= 0);
    return ready == 1;
}

static void a_descriptor_is_readable_when_there_is_something(void)
{
    IpcChannel *ch = create(IPC_WAIT_IO_URING);
    IpcChannel *writer = join(IPC_WAIT_FUTEX);
    int fd = descriptor_of(ch);
    uint32_t got;

    must(is_readable(fd, 0)); /* at first */
    for (uint32_t i = 0; i < 100; i++) {
        int loops = 0;

        /* A spurious look is allowed, a loop of them is not. */
        while (is_readable(fd, 0)) {
            must(loops++ < 3);
            must(try_number(ch, &got) == IPC_EMPTY);
        }
        send_number(writer, i);
        must(is_readable(fd, 1000));
        must(try_number(ch, &got) == IPC_OK && got == i);
        must(is_readable(fd, 0)); /* not read until empty */
        must(try_number(ch, &got) == IPC_EMPTY);
    }
    must(!is_readable(fd, 200));
    ipc_channel_close(writer);
    must(is_readable(fd, 1000));
    must(try_number(ch, &got) == IPC_ERR_CLOSED);
    ipc_channel_destroy(writer);
    ipc_channel_destroy(ch);
}

static void an_event_loop_loses_nothing(void)
{
    enum { NUMBERS = 20000 };
    IpcChannel *ch = create(IPC_WAIT_IO_URING);
    int fd = descriptor_of(ch);
    int ep = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    uint32_t next = 0, loops = 0, chatter = 0, interruptions = 0, got;
    int pipes[2];
    pid_t writer;

    must(ep >= 0 && pipe(pipes) == 0);
    must(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) == 0);
    event.data.fd = pipes[0];
    must(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &event) == 0);
    writer = fork();
    if (writer == 0) {
        IpcChannel *mine = join(IPC_WAIT_FUTEX);

        for (uint32_t i = 0; i < NUMBERS; i++) {
            send_after_a_while(mine, i);
            if (i % 1000 == 0)
                must(write(pipes[1], "x", 1) == 1);
        }
        _exit(0);
    }
    while (next < NUMBERS || chatter < NUMBERS / 1000) {
        char byte;
        int ready = epoll_wait(ep, &event, 1, 10000);

        must(ready == 1 || (ready < 0 && errno == EINTR));
        interruptions += ready < 0;
        loops++;
        if (ready == 1 && event.data.fd == pipes[0])
            chatter += read(pipes[0], &byte, 1) == 1;
        while (ready == 1 && event.data.fd == fd &&
               try_number(ch, &got) == IPC_OK)
            must(got == next++);
    }
    printf("  %u numbers, %u loops, %u interruptions\n", next, loops,
           interruptions);
    /* The ring that create tried goes once, and the kernel says so. */
    must(interruptions <= 1);
    reap_child(writer);
    ipc_channel_destroy(ch);
}

static void *poll_once(void *channel)
{
    int fd = descriptor_of(channel);
    IpcStatus status;
    uint32_t got;

    /* Not ready: it is being written. */
    while ((status = try_number(channel, &got)) != IPC_OK) {
        must(status == IPC_EMPTY || status == IPC_ERR_NOT_READY);
        must(is_readable(fd, 10000));
    }
    must(got == 5);
    return channel;
}

static void the_loop_moves_from_thread_to_thread(void)
{
    IpcChannel *ch = create(IPC_WAIT_IO_URING);
    IpcChannel *writer = join(IPC_WAIT_FUTEX);
    void *result;

    for (int i = 0; i < 30; i++) {
        pthread_t thread;
        uint32_t got = 5;
        IpcReservation slow = {0};

        /* Begun before the loop looks, or while it does. */
        if (i % 3 == 0)
            must(ipc_channel_reserve(writer, sizeof got, &slow).ipc_status ==
                 IPC_OK);
        must(pthread_create(&thread, NULL, poll_once, ch) == 0);
        pause_ns(3 * MS);
        if (slow.payload) {
            memcpy(slow.payload, &got, sizeof got);
            must(ipc_channel_commit(writer, &slow, sizeof got).ipc_status ==
                 IPC_OK);
        } else {
            send_number(writer, 5);
        }
        must(pthread_join(thread, &result) == 0 && result == ch);
        /* Armed here, or by a thread that ends. */
        if (i % 2)
            must(try_number(ch, &got) == IPC_EMPTY);
    }
    ipc_channel_destroy(ch);
    ipc_channel_destroy(writer);
}

static void *poll_and_share(void *channel)
{
    int fd = descriptor_of(channel);
    uint32_t got;
    IpcStatus status;

    while ((status = try_number(channel, &got)) != IPC_ERR_CLOSED) {
        must(status == IPC_OK || status == IPC_EMPTY ||
             status == IPC_ERR_NOT_READY);
        if (status != IPC_OK)
            must(is_readable(fd, 10000));
    }
    return channel;
}

static void threads_poll_at_once(void)
{
    IpcChannel *ch = create(IPC_WAIT_IO_URING);
    IpcChannel *writer = join(IPC_WAIT_FUTEX);
    pthread_t thread[2];

    for (int i = 0; i < 2; i++)
        must(pthread_create(&thread[i], NULL, poll_and_share, ch) == 0);
    for (uint32_t i = 0; i < 2000; i++) {
        must(ipc_channel_write_blocking(writer, &i, sizeof i).ipc_status ==
             IPC_OK);
        if (i % 16 == 0)
            pause_ns(MS / 10);
    }
    ipc_channel_close(writer);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    ipc_channel_destroy(writer);
    ipc_channel_destroy(ch);
}

static int64_t idle_cpu_ns(int fd)
{
    struct timespec before, after;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    must(!is_readable(fd, 1000));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    return (after.tv_sec - before.tv_sec) * 1000 * MS + after.tv_nsec -
           before.tv_nsec;
}

static void an_idle_loop_costs_nothing(void)
{
    IpcChannel *ch = create(IPC_WAIT_IO_URING);
    int fd = descriptor_of(ch);
    uint32_t got;

    must(try_number(ch, &got) == IPC_EMPTY);
    must(idle_cpu_ns(fd) < 5 * MS);
    ipc_channel_destroy(ch);
}

/* What happens while the handle takes what made its descriptor readable. */
static void (*before_read)(void);
static IpcChannel *other;

ssize_t __real_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size);

ssize_t __wrap_read(int fd, void *to, size_t size)
{
    void (*act)(void) = before_read;

    before_read = NULL;
    if (act)
        act();
    return __real_read(fd, to, size);
}

static void send_and_take_back(void)
{
    uint32_t got;

    send_number(other, 1);
    must(try_number(other, &got) == IPC_OK && got == 1);
}

/* The wake ends the wait that was armed, and another reader has its reason. */
static void a_wake_while_another_is_taken_is_noticed(void)
{
    IpcChannel *ch = create(IPC_WAIT_IO_URING);
    int fd = descriptor_of(ch);
    uint32_t got;

    other = join(IPC_WAIT_FUTEX);
    for (uint32_t i = 0; i < 20; i++) {
        must(try_number(ch, &got) == IPC_EMPTY);
        must(try_number(ch, &got) == IPC_EMPTY); /* armed */
        before_read = send_and_take_back;
        must(try_number(ch, &got) == IPC_EMPTY);
        must(!before_read);
        while (is_readable(fd, 0))
            must(try_number(ch, &got) == IPC_EMPTY);
        send_number(other, i);
        must(is_readable(fd, 10000));
        must(try_number(ch, &got) == IPC_OK && got == i);
    }
    ipc_channel_destroy(other);
    ipc_channel_destroy(ch);
}

/* Somebody else sleeps on the same word, behind the handle's wait in the
 * kernel's queue. */
static void *sleep_on(void *word)
{
    must(syscall(SYS_futex, word, FUTEX_WAIT, 0, &ages, NULL, 0) == 0);
    return word;
}

static void a_handle_that_goes_takes_no_wake_along(void)
{
    for (int i = 0; i < 100; i++) {
        IpcChannel *ch = create(IPC_WAIT_IO_URING);
        atomic_u32 *word = &ch->buffer.region->readers.sequence;
        pthread_t thread;
        uint32_t got;

        must(ipc_channel_fd(ch).ipc_status == IPC_OK);
        must(try_number(ch, &got) == IPC_EMPTY);
        must(pthread_create(&thread, NULL, sleep_on, word) == 0);
        pause_ns(MS);
        ipc_channel_destroy(ch);
        while (syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0) != 1)
            pause_ns(MS / 10); /* it does not sleep yet */
        must(pthread_join(thread, NULL) == 0);
        munmap(memory, MEMORY);
    }
}

static const struct uring_test tests[] = {
    URING_TEST(a_descriptor_is_readable_when_there_is_something),
    URING_TEST(an_event_loop_loses_nothing),
    URING_TEST(the_loop_moves_from_thread_to_thread),
    URING_TEST(threads_poll_at_once),
    URING_TEST(an_idle_loop_costs_nothing),
    URING_TEST(a_handle_that_goes_takes_no_wake_along),
    URING_TEST(a_wake_while_another_is_taken_is_noticed),
};

int main(int argc, char **argv)
{
    return run_uring_tests(tests, sizeof tests / sizeof tests[0], argc, argv);
}
