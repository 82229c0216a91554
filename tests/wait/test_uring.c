/* SPDX-License-Identifier: MIT */
/*
 * Waiting by io_uring: calls of such handles that block, their descriptor, and
 * channels in the application's ring. Built with a library
 * whose default is io_uring and whose sleeps have no cap: one lost wake-up
 * hangs a test, and an alarm ends it.
 *
 * Each test is a process of its own, since some change what that may do. Exits
 * with 77 if the running kernel has no support.
 */
#include "channel/channel.h"
#include "wait/clock.h"
#include "wait/uring.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <shmipc/ipc_uring.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <dirent.h>
#include <stddef.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define must(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__,         \
                    #condition);                                               \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

enum { MEMORY = 8192, SKIPPED = 77 };

static const struct timespec ages = {.tv_sec = 20, .tv_nsec = 0};
static void *memory;

static IpcChannelConfiguration waiting_by(uint32_t wait)
{
    IpcChannelConfiguration c = {.max_round_trips = 1,
                                 .start_sleep_ns = 1000,
                                 .max_sleep_ns = 1000,
                                 .wait = wait,
                                 .spin_ns = IPC_CHANNEL_NO_SPIN};

    return c;
}

static IpcChannel *create(uint32_t wait)
{
    IpcChannelResult r;

    memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(memory != MAP_FAILED);
    r = ipc_channel_create(memory, MEMORY, waiting_by(wait));
    must(IpcChannelResult_is_ok(r));
    return r.result;
}

static IpcChannel *join(uint32_t wait)
{
    IpcChannelConnectResult r =
        ipc_channel_connect_sized(memory, MEMORY, waiting_by(wait));

    must(IpcChannelConnectResult_is_ok(r));
    return r.result;
}

static void send_number(IpcChannel *ch, uint32_t number)
{
    must(ipc_channel_write(ch, &number, sizeof number).ipc_status == IPC_OK);
}

static IpcStatus try_number(IpcChannel *ch, uint32_t *number)
{
    IpcEntry entry = {.payload = number, .size = sizeof *number};

    return ipc_channel_try_read_into(ch, &entry).ipc_status;
}

static IpcStatus wait_number(IpcChannel *ch, uint32_t *number,
                             const struct timespec *timeout)
{
    IpcEntry entry = {.payload = number, .size = sizeof *number};

    return ipc_channel_read_into_with_timeout(ch, &entry, timeout).ipc_status;
}

static void pause_ns(int64_t ns)
{
    const struct timespec t = {.tv_sec = ns / 1000000000,
                               .tv_nsec = (long)(ns % 1000000000)};

    nanosleep(&t, NULL);
}

static void reap_child(pid_t child)
{
    int status;

    must(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

/* ------------------------------------------------------------ calls that block
 */

static void a_timeout_is_kept(void)
{
    IpcChannel *ch = create(IPC_WAIT_IO_URING);
    const struct timespec short_time = {.tv_sec = 0, .tv_nsec = 30 * MS};
    uint32_t got;

    for (int i = 0; i < 5; i++) {
        int64_t start = clock_now();

        errno = 0;
        must(wait_number(ch, &got, &short_time) == IPC_ERR_TIMEOUT);
        must(clock_now() - start >= 30 * MS);
        must(errno == 0);
    }
    send_number(ch, 1);
    must(wait_number(ch, &got, NULL) == IPC_OK && got == 1);
    ipc_channel_destroy(ch);
}

static void on_alarm(int signal)
{
    (void)signal;
}

static void signals_neither_end_nor_shorten_a_wait(void)
{
    IpcChannel *ch = create(IPC_WAIT_IO_URING);
    const struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerval often = {{0, 700}, {0, 700}};
    const struct itimerval off = {{0, 0}, {0, 0}};
    const struct timespec short_time = {.tv_sec = 0, .tv_nsec = 100 * MS};
    int64_t start = clock_now();
    uint32_t got;
    pid_t writer;

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    must(wait_number(ch, &got, &short_time) == IPC_ERR_TIMEOUT);
    must(clock_now() - start >= 100 * MS);
    writer = fork(); /* which inherits no timer */
    if (writer == 0) {
        IpcChannel *mine = join(IPC_WAIT_FUTEX);

        for (uint32_t i = 0; i < 200; i++) {
            pause_ns(MS / 2);
            send_number(mine, i);
        }
        _exit(0);
    }
    for (uint32_t i = 0; i < 200; i++)
        must(wait_number(ch, &got, &ages) == IPC_OK && got == i);
    setitimer(ITIMER_REAL, &off, NULL);
    reap_child(writer);
    ipc_channel_destroy(ch);
}

static atomic_u32 numbers_read;

static void *wait_for_the_end(void *channel)
{
    uint32_t got;
    IpcStatus status;

    while ((status = wait_number(channel, &got, NULL)) == IPC_OK)
        atomic_add_relaxed(&numbers_read, 1);
    must(status == IPC_ERR_CLOSED);
    return NULL;
}

static void threads_share_a_handle(void)
{
    enum { THREADS = 4 };
    IpcChannel *ch = create(IPC_WAIT_IO_URING);
    pthread_t thread[THREADS];

    for (int i = 0; i < THREADS; i++)
        must(pthread_create(&thread[i], NULL, wait_for_the_end, ch) == 0);
    for (uint32_t i = 0; i < THREADS; i++) {
        pause_ns(5 * MS);
        send_number(ch, i);
    }
    pause_ns(20 * MS);
    ipc_channel_close(ch);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    must(atomic_get_relaxed(&numbers_read) == THREADS);
    ipc_channel_destroy(ch);
}

static void a_child_leaves_the_ring_alone(void)
{
    IpcChannel *ch = create(IPC_WAIT_IO_URING);
    IpcChannel *writer = join(IPC_WAIT_FUTEX);
    uint32_t got;
    pid_t child;

    must(ipc_channel_fd(ch).ipc_status == IPC_OK);
    child = fork();
    if (child == 0) {
        must(wait_number(ch, &got, &ages) == IPC_OK && got == 7);
        ipc_channel_destroy(ch);
        _exit(0);
    }
    pause_ns(20 * MS);
    send_number(writer, 7);
    reap_child(child);
    child = fork();
    if (child == 0) {
        pause_ns(20 * MS);
        send_number(writer, 8);
        _exit(0);
    }
    must(wait_number(ch, &got, &ages) == IPC_OK && got == 8);
    reap_child(child);
    ipc_channel_destroy(writer);
    ipc_channel_destroy(ch);
}

/* ------------------------------------------------------- kernels without it */

/* System calls from `first` to `last` fail with `error` from now on. */
static void forbid(unsigned first, unsigned last, unsigned error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {5, filter};

    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void must_wake(IpcChannel *ch)
{
    pid_t writer = fork();
    uint32_t got;

    if (writer == 0) {
        pause_ns(20 * MS);
        send_number(join(IPC_WAIT_FUTEX), 3);
        _exit(0);
    }
    must(wait_number(ch, &got, &ages) == IPC_OK && got == 3);
    reap_child(writer);
}

static void must_fall_back(IpcStatus status, const char *words)
{
    static unsigned char mem[MEMORY];
    IpcChannelResult r =
        ipc_channel_create(mem, MEMORY, waiting_by(IPC_WAIT_IO_URING));
    IpcChannel *ch;

    must(r.ipc_status == status && strstr(r.error.detail, words));
    ch = create(IPC_WAIT_DEFAULT);
    must(strcmp(ch->waiter.backend->name, "futex") == 0);
    must_wake(ch);
    ipc_channel_destroy(ch);
}

static void the_default_is_io_uring_here(void)
{
    IpcChannel *ch = create(IPC_WAIT_DEFAULT);

    must(strcmp(ch->waiter.backend->name, "io_uring") == 0);
    must_wake(ch);
    ipc_channel_destroy(ch);
}

static void io_uring_is_forbidden(void)
{
    forbid(SYS_io_uring_setup, SYS_io_uring_register, EPERM);
    must_fall_back(IPC_ERR_UNSUPPORTED, "lacks it");
}

static void io_uring_is_unknown(void)
{
    forbid(SYS_io_uring_setup, SYS_io_uring_register, ENOSYS);
    must_fall_back(IPC_ERR_UNSUPPORTED, "lacks it");
}

static void io_uring_cannot_be_asked(void)
{
    forbid(SYS_io_uring_register, SYS_io_uring_register, EPERM);
    must_fall_back(IPC_ERR_UNSUPPORTED, "lacks it");
}

/* RLIMIT_MEMLOCK, which rings count against up to Linux 5.11. */
static void there_is_no_memory_for_a_ring(void)
{
    forbid(SYS_io_uring_setup, SYS_io_uring_setup, ENOMEM);
    must_fall_back(IPC_ERR_ALLOCATION, "RLIMIT_MEMLOCK");
}

static void there_is_no_descriptor_for_a_ring(void)
{
    forbid(SYS_io_uring_setup, SYS_io_uring_setup, EMFILE);
    must_fall_back(IPC_ERR_ALLOCATION, "RLIMIT_NOFILE");
}

static void a_ring_that_fails_is_no_descriptor(void)
{
    IpcChannel *ch = create(IPC_WAIT_IO_URING);

    forbid(SYS_io_uring_enter, SYS_io_uring_enter, EPERM);
    must(ipc_channel_fd(ch).ipc_status == IPC_ERR_SYSTEM);
    must_wake(ch);
    ipc_channel_destroy(ch);
}

static int count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    must(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void handles_leave_nothing_behind(void)
{
    int before = count_descriptors();

    for (int i = 0; i < 50; i++) {
        IpcChannel *ch = create(IPC_WAIT_IO_URING);
        uint32_t got;

        must(ipc_channel_fd(ch).ipc_status == IPC_OK);
        must(try_number(ch, &got) == IPC_EMPTY);
        ipc_channel_destroy(ch);
        munmap(memory, MEMORY);
    }
    must(count_descriptors() == before);
}

static void no_descriptor_is_left_for_a_ring(void)
{
    static unsigned char mem[MEMORY];
    IpcChannelResult r;
    int last = 0;
    int next;

    while ((next = dup(0)) >= 0)
        last = next;
    r = ipc_channel_create(mem, MEMORY, waiting_by(IPC_WAIT_IO_URING));
    must(r.ipc_status == IPC_ERR_ALLOCATION);
    /* For the sanitizers. */
    for (int fd = 3; fd <= last; fd++)
        close(fd);
}

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
            /* Every so often a time in which the loop goes to sleep. */
            for (uint32_t spins = (i * 2654435761u >> 20) % 3000; spins;
                 spins--)
                atomic_cpu_relax();
            must(ipc_channel_write_blocking(mine, &i, sizeof i).ipc_status ==
                 IPC_OK);
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
    uint32_t got;

    while (try_number(channel, &got) == IPC_EMPTY)
        must(is_readable(fd, 10000));
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
        uint32_t got;

        must(pthread_create(&thread, NULL, poll_once, ch) == 0);
        pause_ns(3 * MS);
        send_number(writer, 5);
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

/* ------------------------------------------------------------ one's own ring
 */

static struct io_uring own;

static bool prepare(IpcChannel *ch)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&own);
    IpcChannelPrepareWaitResult r = ipc_channel_prepare_wait(ch, sqe);

    must(IpcChannelPrepareWaitResult_is_ok(r));
    sqe->user_data = 9;
    must(io_uring_submit(&own) == 1);
    return r.result;
}

static void complete(IpcChannel *ch)
{
    struct io_uring_cqe *cqe;
    int error;

    while ((error = io_uring_wait_cqe(&own, &cqe)) == -EINTR)
        continue;
    must(error == 0 && cqe->user_data == 9);
    must(ipc_channel_complete_wait(ch, cqe->res).ipc_status == IPC_OK);
    io_uring_cqe_seen(&own, cqe);
}

static void a_channel_waits_in_ones_own_ring(void)
{
    enum { NUMBERS = 20000 };
    IpcChannel *ch = create(IPC_WAIT_SLEEP);
    uint32_t next = 0, armed = 0, got;
    pid_t writer;

    must(io_uring_queue_init(4, &own, 0) == 0);
    must(prepare(ch));
    send_number(ch, 1);
    complete(ch);
    must(!prepare(ch)); /* not read yet */
    complete(ch);
    must(try_number(ch, &got) == IPC_OK && got == 1);
    writer = fork();
    if (writer == 0) {
        IpcChannel *mine = join(IPC_WAIT_FUTEX);

        for (uint32_t i = 0; i < NUMBERS; i++) {
            for (uint32_t spins = (i * 2654435761u >> 20) % 3000; spins;
                 spins--)
                atomic_cpu_relax();
            must(ipc_channel_write_blocking(mine, &i, sizeof i).ipc_status ==
                 IPC_OK);
        }
        ipc_channel_close(mine);
        _exit(0);
    }
    while (next < NUMBERS) {
        while (try_number(ch, &got) == IPC_OK)
            must(got == next++);
        armed += prepare(ch);
        complete(ch);
    }
    printf("  %u numbers, %u waits\n", next, armed);
    reap_child(writer);
    must(!prepare(ch)); /* closed */
    complete(ch);
    io_uring_queue_exit(&own);
    ipc_channel_destroy(ch);
}

/* What a reservation that was given up has left is passed by the look. */
static void preparing_wakes_writers_for_whom_it_made_space(void)
{
    IpcChannel *ch = create(IPC_WAIT_FUTEX);
    IpcChannel *writer = join(IPC_WAIT_FUTEX);
    size_t size = (size_t)ipc_channel_max_entry_size(writer);
    IpcReservation all;
    uint32_t seen;

    must(ipc_channel_reserve(writer, size, &all).ipc_status == IPC_OK);
    must(ipc_channel_abort(writer, &all).ipc_status == IPC_OK);
    seen = wait_announce(&writer->waiter, WAIT_WRITERS, WAIT_BY_WORD);
    must(io_uring_queue_init(4, &own, 0) == 0);
    must(prepare(ch));
    must(atomic_get_relaxed(
             &wait_words(&writer->waiter, WAIT_WRITERS)->sequence) != seen);
    must(ipc_channel_reserve(writer, size, &all).ipc_status == IPC_OK);
    must(ipc_channel_abort(writer, &all).ipc_status == IPC_OK);
    io_uring_queue_exit(&own);
    ipc_channel_destroy(writer);
    ipc_channel_destroy(ch);
}

/* The order in which the two completions come is the kernel's. */
static void a_wait_in_ones_own_ring_can_have_a_timeout(void)
{
    struct __kernel_timespec short_time = {.tv_nsec = 10 * MS};
    IpcChannel *ch = create(IPC_WAIT_FUTEX);
    struct io_uring_sqe *sqe;

    must(io_uring_queue_init(4, &own, 0) == 0);
    sqe = io_uring_get_sqe(&own);
    must(sqe && ipc_channel_prepare_wait(ch, sqe).result);
    sqe->user_data = 9;
    sqe->flags |= IOSQE_IO_LINK;
    sqe = io_uring_get_sqe(&own);
    must(sqe);
    io_uring_prep_link_timeout(sqe, &short_time, 0);
    sqe->user_data = 10;
    must(io_uring_submit(&own) == 2);
    for (int i = 0; i < 2; i++) {
        struct io_uring_cqe *cqe;
        int error;

        while ((error = io_uring_wait_cqe(&own, &cqe)) == -EINTR)
            continue;
        must(error == 0);
        if (cqe->user_data == 9)
            must(ipc_channel_complete_wait(ch, cqe->res).ipc_status == IPC_OK);
        io_uring_cqe_seen(&own, cqe);
    }
    io_uring_queue_exit(&own);
    ipc_channel_destroy(ch);
}

static void entries_of_a_ring_cannot_be_misused(void)
{
    IpcChannel *ch = create(IPC_WAIT_FUTEX);
    const int unsupported[] = {EINVAL, EOPNOTSUPP, EPERM, EACCES};
    struct io_uring_sqe sqe;
    IpcChannelCompleteWaitResult r;

    memset(&sqe, 0xff, sizeof sqe);
    must(ipc_channel_prepare_wait(NULL, &sqe).ipc_status ==
         IPC_ERR_INVALID_ARGUMENT);
    must(sqe.opcode == IORING_OP_NOP && sqe.flags == 0);
    must(ipc_channel_prepare_wait(ch, NULL).ipc_status ==
         IPC_ERR_INVALID_ARGUMENT);
    must(ipc_channel_prepare_wait(ch, &sqe).result);
    must(sqe.opcode == URING_FUTEX_WAIT && sqe.user_data == UINT64_MAX);
    must(ipc_channel_complete_wait(NULL, 0).ipc_status ==
         IPC_ERR_INVALID_ARGUMENT);
    must(ipc_channel_complete_wait(ch, 0).ipc_status == IPC_OK);
    must(ipc_channel_complete_wait(ch, -EAGAIN).ipc_status == IPC_OK);
    must(ipc_channel_complete_wait(ch, -ECANCELED).ipc_status == IPC_OK);
    must(ipc_channel_complete_wait(ch, -EINTR).ipc_status == IPC_OK);
    must(ipc_channel_complete_wait(ch, -ETIME).ipc_status == IPC_OK);
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++)
        must(ipc_channel_complete_wait(ch, -unsupported[i]).ipc_status ==
             IPC_ERR_UNSUPPORTED);
    r = ipc_channel_complete_wait(ch, -ENOMEM);
    must(r.ipc_status == IPC_ERR_SYSTEM && r.error.body.sys_errno == ENOMEM);
    ipc_channel_destroy(ch);
}

/* ---------------------------------------------------------------------- main
 */

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }
    TEST(a_timeout_is_kept),
    TEST(signals_neither_end_nor_shorten_a_wait),
    TEST(threads_share_a_handle),
    TEST(a_child_leaves_the_ring_alone),
    TEST(the_default_is_io_uring_here),
    TEST(io_uring_is_forbidden),
    TEST(io_uring_is_unknown),
    TEST(io_uring_cannot_be_asked),
    TEST(there_is_no_memory_for_a_ring),
    TEST(there_is_no_descriptor_for_a_ring),
    TEST(a_ring_that_fails_is_no_descriptor),
    TEST(handles_leave_nothing_behind),
    TEST(no_descriptor_is_left_for_a_ring),
    TEST(a_descriptor_is_readable_when_there_is_something),
    TEST(an_event_loop_loses_nothing),
    TEST(the_loop_moves_from_thread_to_thread),
    TEST(threads_poll_at_once),
    TEST(an_idle_loop_costs_nothing),
    TEST(a_handle_that_goes_takes_no_wake_along),
    TEST(a_wake_while_another_is_taken_is_noticed),
    TEST(a_channel_waits_in_ones_own_ring),
    TEST(preparing_wakes_writers_for_whom_it_made_space),
    TEST(a_wait_in_ones_own_ring_can_have_a_timeout),
    TEST(entries_of_a_ring_cannot_be_misused),
};

static bool is_supported(void)
{
    static unsigned char mem[MEMORY];
    IpcChannelResult r =
        ipc_channel_create(mem, MEMORY, waiting_by(IPC_WAIT_IO_URING));

    if (IpcChannelResult_is_ok(r))
        ipc_channel_destroy(r.result);
    return r.ipc_status != IPC_ERR_UNSUPPORTED;
}

static bool passes(void (*run)(void))
{
    int status = 1;
    pid_t child = fork();

    if (child == 0) {
        alarm(60);
        run();
        exit(0); /* with what the sanitizers have to say */
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(int argc, char **argv)
{
    int failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!is_supported()) {
        printf("skipped: no io_uring with FUTEX_WAIT (Linux 6.7) here\n");
        return SKIPPED;
    }
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        bool good;

        if (argc > 1 && strcmp(argv[1], tests[i].name) != 0)
            continue;
        good = passes(tests[i].run);
        printf("%s %s\n", good ? "ok    " : "FAILED", tests[i].name);
        failed += !good;
    }
    return failed != 0;
}
