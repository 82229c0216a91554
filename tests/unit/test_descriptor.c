/* SPDX-License-Identifier: MIT */
/*
 * The descriptor of a channel that is polled: when it is readable, whose it
 * is, and what may come in between. The linker sends the library's system calls
 * here (see meson.build).
 */
#include "channels.h"
#include <poll.h>
#include <sys/timerfd.h>

enum { BLOCKS = 8, PATIENCE_MS = 10000 };

static void (*before_read)(void); /* called once, on the way to a read */
static int interrupted_reads;
static int interrupted_writes;
static int timers_set;
static int epolls_made;

ssize_t __real_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size);
ssize_t __real_write(int fd, const void *from, size_t size);
ssize_t __wrap_write(int fd, const void *from, size_t size);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *time,
                           struct itimerspec *before);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *time,
                           struct itimerspec *before);
int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);

ssize_t __wrap_read(int fd, void *to, size_t size)
{
    void (*call)(void) = before_read;

    before_read = NULL;
    if (call)
        call();
    errno = EINTR;
    return interrupted_reads > 0 && interrupted_reads-- > 0
               ? -1
               : __real_read(fd, to, size);
}

ssize_t __wrap_write(int fd, const void *from, size_t size)
{
    errno = EINTR;
    return interrupted_writes > 0 && interrupted_writes-- > 0
               ? -1
               : __real_write(fd, from, size);
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *time,
                           struct itimerspec *before)
{
    timers_set++;
    return __real_timerfd_settime(fd, flags, time, before);
}

int __wrap_epoll_create1(int flags)
{
    epolls_made++;
    return __real_epoll_create1(flags);
}

/* ---------------------------------------------------------------- helpers */

static IpcChannel *ch;
static void *memory;
static int fd;

/* False: that way of waiting is not to be had here. */
static bool start(uint32_t wait)
{
    IpcChannelConfiguration configuration = quick;

    configuration.wait = wait;
    ch = try_channel(BLOCKS, configuration, &memory);
    if (!ch)
        return false;
    fd = result_of(ipc_channel_fd(ch));
    return true;
}

static IpcStatus try_read(IpcChannel *from)
{
    char copy[64];
    IpcEntry entry = {.payload = copy, .size = sizeof copy};

    return ipc_channel_try_read_into(from, &entry).ipc_status;
}

static bool is_readable(int milliseconds)
{
    struct pollfd what = {.fd = fd, .events = POLLIN};
    int64_t end = now_ns() + milliseconds * MILLISECOND;
    int ready;

    do { /* the kernel may break it off for the sake of a ring */
        ready = poll(&what, 1, milliseconds);
    } while (ready < 0 && errno == EINTR && now_ns() < end);
    return ready == 1;
}

typedef void way_fn(void);

/* The test for each way that can be polled. */
static void with_each_way(way_fn *test)
{
    int ways = 0;

    for (uint32_t wait = IPC_WAIT_EVENTFD; wait <= IPC_WAIT_IO_URING; wait++)
        if (start(wait)) {
            ways++;
            test();
            must_work(ipc_channel_destroy(ch));
        }
    if (ways == 0)
        cr_skip_test("no way of waiting that can be polled");
}

/* ------------------------------------------------------------------ wakes */

/* So that the reader has a look after producers that died. */
static void idle(void)
{
    for (int i = 0; i < 3; i++) {
        must_be(try_read(ch), IPC_EMPTY);
        must(is_readable(PATIENCE_MS));
    }
}

Test(unit, an_idle_descriptor_becomes_readable_now_and_then)
{
    with_each_way(idle);
}

static IpcChannel *writer, *other_reader;

static void write_and_take_it_away(void)
{
    must_send(writer, 10, 1);
    must_receive(other_reader, 10, 1);
}

/* Each EMPTY arms it anew, also if somebody was woken meanwhile, and another
 * reader was faster. */
static void robbed(void)
{
    writer = ipc_channel_connect(memory, quick).result;
    other_reader = ipc_channel_connect(memory, quick).result;
    must(writer && other_reader);
    must_be(try_read(ch), IPC_EMPTY);
    before_read = write_and_take_it_away;
    must_be(try_read(ch), IPC_EMPTY);
    must(!before_read);
    must_send(writer, 10, 2);
    must(is_readable(PATIENCE_MS));
    must_be(try_read(ch), IPC_OK);
    must_work(ipc_channel_destroy(writer));
    must_work(ipc_channel_destroy(other_reader));
}

Test(unit, a_wake_that_comes_while_the_last_one_is_taken_back_is_not_lost)
{
    /* With IPC_WAIT_EVENTFD handles made by connect wake nobody who polls. */
    if (!start(IPC_WAIT_IO_URING))
        cr_skip_test("no io_uring here");
    robbed();
}

/* Several tries: it may become readable by itself just then. */
static void interrupted_reader(void)
{
    bool readable = true;

    for (int i = 0; i < 5 && readable; i++) {
        must_be(try_read(ch), IPC_EMPTY);
        must_send(ch, 10, 1);
        must(is_readable(PATIENCE_MS));
        must_be(try_read(ch), IPC_OK);
        interrupted_reads = 3;
        must_be(try_read(ch), IPC_EMPTY);
        must(interrupted_reads == 0);
        readable = is_readable(0);
    }
    must(!readable);
}

Test(unit, signals_do_not_leave_a_descriptor_readable)
{
    with_each_way(interrupted_reader);
}

static void interrupted_writer(void)
{
    must_be(try_read(ch), IPC_EMPTY);
    interrupted_writes = 3;
    must_send(ch, 10, 1);
    must(is_readable(0));
    must_be(try_read(ch), IPC_OK);
}

Test(unit, signals_do_not_keep_a_writer_from_making_a_descriptor_readable)
{
    if (!start(IPC_WAIT_EVENTFD))
        cr_skip_test("built without eventfd");
    interrupted_writer();
    must(interrupted_writes == 0);
}

/* ---------------------------------------------------------------- children */

static void must_fork(void (*body)(void))
{
    pid_t child = fork_child();

    if (child == 0) {
        body();
        child_done();
    }
    must_succeed(child);
}

static void ask_anew(void)
{
    IpcChannelFdResult r;

    epolls_made = 0;
    r = ipc_channel_fd(ch);
    must_work(r);
    must(epolls_made == 1);
    fd = r.result;
    must(is_readable(0)); /* at first */
    must_be(try_read(ch), IPC_EMPTY);
    must_send(ch, 10, 1);
    must(is_readable(PATIENCE_MS));
    must_be(try_read(ch), IPC_OK);
    must(ipc_channel_fd(ch).result == fd && epolls_made == 1);
}

Test(unit, a_child_that_asks_gets_a_descriptor_of_its_own)
{
    if (!start(IPC_WAIT_EVENTFD))
        cr_skip_test("built without eventfd");
    must_be(try_read(ch), IPC_EMPTY);
    must_fork(ask_anew);
    must_send(ch, 10, 2);
    must(is_readable(PATIENCE_MS));
    must_be(try_read(ch), IPC_OK);
}

static void read_without_asking(void)
{
    timers_set = 0;
    must_be(try_read(ch), IPC_EMPTY);
    must(timers_set == 0);
}

/* The timer that it inherited is its parent's. */
Test(unit, a_child_that_does_not_ask_leaves_its_parents_descriptor_alone)
{
    if (!start(IPC_WAIT_EVENTFD))
        cr_skip_test("built without eventfd");
    must_be(try_read(ch), IPC_EMPTY);
    must(timers_set > 0);
    must_fork(read_without_asking);
}

static void ask_in_vain(void)
{
    must_be(ipc_channel_fd(ch).ipc_status, IPC_ERR_SYSTEM);
    try_read(ch); /* whatever it says */
    must_work(ipc_channel_destroy(ch));
}

Test(unit, a_child_leaves_an_inherited_ring_alone)
{
    if (!start(IPC_WAIT_IO_URING))
        cr_skip_test("no io_uring here");
    for (uint64_t i = 0; i < 3; i++) {
        must_be(try_read(ch), IPC_EMPTY);
        must_fork(ask_in_vain);
        must_send(ch, 10, i);
        must(is_readable(PATIENCE_MS));
        must_be(try_read(ch), IPC_OK);
    }
}
