/* SPDX-License-Identifier: MIT */
/*
 * Waiting by io_uring: calls of such handles that block, and kernels that lack
 * it. Descriptors of such handles: test_uring_poll.c; the application's own
 * ring: test_own_ring.c.
 */
#include "../self.h"
#include "uring_test.h"
#include "channel/channel.h"
#include "wait/clock.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>

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
    must_fall_back(IPC_ERR_UNSUPPORTED, "the running kernel lacks");
}

static void io_uring_is_unknown(void)
{
    forbid(SYS_io_uring_setup, SYS_io_uring_register, ENOSYS);
    must_fall_back(IPC_ERR_UNSUPPORTED, "the running kernel lacks");
}

static void io_uring_cannot_be_asked(void)
{
    forbid(SYS_io_uring_register, SYS_io_uring_register, EPERM);
    must_fall_back(IPC_ERR_UNSUPPORTED, "the running kernel lacks");
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

static void handles_leave_nothing_behind(void)
{
    int before = open_descriptors();

    for (int i = 0; i < 50; i++) {
        IpcChannel *ch = create(IPC_WAIT_IO_URING);
        uint32_t got;

        must(ipc_channel_fd(ch).ipc_status == IPC_OK);
        must(try_number(ch, &got) == IPC_EMPTY);
        ipc_channel_destroy(ch);
        munmap(memory, MEMORY);
    }
    must(open_descriptors() == before);
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

static const struct uring_test tests[] = {
    URING_TEST(a_timeout_is_kept),
    URING_TEST(signals_neither_end_nor_shorten_a_wait),
    URING_TEST(threads_share_a_handle),
    URING_TEST(a_child_leaves_the_ring_alone),
    URING_TEST(the_default_is_io_uring_here),
    URING_TEST(io_uring_is_forbidden),
    URING_TEST(io_uring_is_unknown),
    URING_TEST(io_uring_cannot_be_asked),
    URING_TEST(there_is_no_memory_for_a_ring),
    URING_TEST(there_is_no_descriptor_for_a_ring),
    URING_TEST(a_ring_that_fails_is_no_descriptor),
    URING_TEST(handles_leave_nothing_behind),
    URING_TEST(no_descriptor_is_left_for_a_ring),
};

int main(int argc, char **argv)
{
    return run_uring_tests(tests, sizeof tests / sizeof tests[0], argc, argv);
}
