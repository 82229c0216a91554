/* SPDX-License-Identifier: MIT */
/*
 * Who lives, and who this process is, where the system says less than usual.
 * The linker sends the library's system calls here (see meson.build).
 */
#include "helpers.h"
#include "ring/process.h"
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { BLOCKS = 8 };

#ifdef SYS_futex
enum { FUTEX = SYS_futex };
#else
enum { FUTEX = SYS_futex_time64 };
#endif

static const char *stat_of_another; /* handed out as everybody's */
static bool proc_is_anothers;       /* /proc/self names another process */
static bool namespaces_are_hidden;
static bool signals_are_forbidden;
static bool no_wipe; /* the kernel empties no page on fork */
static int registration_error;
static int registrations;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
ssize_t __real_readlink(const char *path, char *to, size_t size);
ssize_t __wrap_readlink(const char *path, char *to, size_t size);
int __real_stat(const char *path, struct stat *to);
int __wrap_stat(const char *path, struct stat *to);
int __wrap_stat64(const char *path, struct stat *to);
int __real_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal);
int __real_madvise(void *memory, size_t size, int advice);
int __wrap_madvise(void *memory, size_t size, int advice);
long __wrap_syscall(long number, ...);

int __wrap_open(const char *path, int flags, ...)
{
    if (strncmp(path, "/proc/", 6) !=
        0) /* a coverage build writes its counts */
        return __real_open(path, flags, 0666);
    must(flags == (O_RDONLY | O_CLOEXEC)); /* an exec() takes nothing along */
    return __real_open(stat_of_another ? stat_of_another : path, flags);
}

/* Its name where off_t is asked to have 64 bits. */
int __wrap_open64(const char *path, int flags, ...)
{
    return __wrap_open(path, flags);
}

ssize_t __wrap_readlink(const char *path, char *to, size_t size)
{
    if (proc_is_anothers) {
        must(size >= 7);
        memcpy(to, "4194303", 7);
        return 7;
    }
    return __real_readlink(path, to, size);
}

int __wrap_stat(const char *path, struct stat *to)
{
    errno = EACCES;
    return namespaces_are_hidden ? -1 : __real_stat(path, to);
}

int __wrap_stat64(const char *path, struct stat *to)
{
    return __wrap_stat(path, to);
}

int __wrap_kill(pid_t pid, int signal)
{
    /* A test ends its child by SIGKILL; the library only asks. */
    must(signal == 0 || signal == SIGKILL);
    errno = EPERM;
    return signals_are_forbidden && signal == 0 ? -1 : __real_kill(pid, signal);
}

int __wrap_madvise(void *memory, size_t size, int advice)
{
    errno = EINVAL;
    return no_wipe ? -1 : __real_madvise(memory, size, advice);
}

long __wrap_syscall(long number, ...)
{
    va_list arguments;

    if (number == FUTEX) { /* may the memory be written? */
        errno = ENOSYS;
        return -1;
    }
    va_start(arguments, number);
    (void)va_arg(arguments, int); /* what to do */
    must(number == SYS_membarrier && va_arg(arguments, int) == 0);
    va_end(arguments);
    registrations++;
    errno = registration_error;
    return registration_error ? -1 : 0;
}

/* A child that holds a reservation, and then does that. */
static pid_t child_reserves(IpcBuffer *b, void (*then)(void))
{
    struct gate *gate = make_gate();
    pid_t child = fork_child();

    if (child == 0) {
        IpcReservation r;

        must_work(ipc_buffer_reserve(b, 64, &r));
        gate_open(gate, 1);
        then();
    }
    gate_wait(gate, 1);
    return child;
}

static void must_live(IpcBuffer *b)
{
    must_be(ipc_buffer_recover(b).ipc_status, IPC_ERR_NOT_READY);
}

static void must_be_dead(IpcBuffer *b)
{
    IpcBufferRecoverResult r = ipc_buffer_recover(b);

    must_work(r);
    must(r.result > 0);
}

/* ---------------------------------------------------------------- others */

static char state_of(pid_t pid)
{
    char path[64];
    char line[512] = {0};
    const char *at;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    file = fopen(path, "r");
    must(file != NULL);
    must(fread(line, 1, sizeof line - 1, file) > 0);
    fclose(file);
    at = strrchr(line, ')');
    must(at != NULL);
    return at[2];
}

static void *stay(void *unused)
{
    (void)unused;
    sleep_for_ever();
}

static void leave_a_thread_behind(void)
{
    pthread_t thread;

    must(pthread_create(&thread, NULL, stay, NULL) == 0);
    pthread_exit(NULL);
}

Test(unit, a_process_whose_first_thread_left_lives)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    pid_t child = child_reserves(b, leave_a_thread_behind);
    int64_t end = now_ns() + 20 * SECOND;

    while (state_of(child) != 'Z') {
        must(now_ns() < end);
        pause_ns(MILLISECOND);
    }
    must_live(b);
    kill_child(child);
    must_be_dead(b);
}

/* Mounted in another pid namespace: what it says is about others. */
Test(unit, a_proc_of_another_namespace_is_not_believed)
{
    IpcBuffer *b;
    pid_t child;

    proc_is_anothers = true;
    b = new_ring(BLOCKS, 0, NULL);
    child = child_reserves(b, sleep_for_ever);
    make_zombie(child);
    must_live(b); /* the pid is there; no more is known */
    must(waitpid(child, NULL, 0) == child);
    must_be_dead(b);
}

Test(unit, a_stat_of_another_process_is_not_believed)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    pid_t child = child_reserves(b, sleep_for_ever);

    must_live(b);
    stat_of_another = "/proc/1/task/1/stat"; /* which started earlier */
    must_live(b);
    stat_of_another = "/proc/self/cmdline"; /* or what is none at all */
    must_live(b);
    stat_of_another = "/dev/null";
    must_live(b);
    stat_of_another = "/proc/hidden";
    must_live(b);
    stat_of_another = NULL;
    kill_child(child);
    must_be_dead(b);
}

Test(unit, a_process_that_we_may_not_signal_lives)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    pid_t child = child_reserves(b, sleep_for_ever);

    signals_are_forbidden = true;
    must_live(b);
    make_zombie(child);
    must_be_dead(b); /* as its stat says */
    must(waitpid(child, NULL, 0) == child);
}

Test(unit, where_namespaces_are_hidden_only_force_helps)
{
    IpcBufferRecoverResult r;
    IpcBuffer *b;
    pid_t child;

    namespaces_are_hidden = true;
    b = new_ring(BLOCKS, 0, NULL);
    child = child_reserves(b, sleep_for_ever);
    kill_child(child);
    must_live(b);
    r = ipc_buffer_recover_force(b);
    must_work(r);
    must(r.result > 0);
}

/* --------------------------------------------------------------- ourselves */

Test(unit, a_child_is_another_process_also_where_no_page_is_wiped)
{
    IpcReservation r;
    IpcBuffer *b;
    pid_t child;

    no_wipe = true;
    b = new_ring(BLOCKS, 0, NULL);
    must_work(ipc_buffer_reserve(b, 64, &r));
    child = fork_child();
    if (child == 0) {
        must_be(ipc_buffer_commit(b, &r, 64).ipc_status, IPC_ERR_ILLEGAL_STATE);
        must_write(b, 10, 2);
        must(stats_of(b).owners == 2);
        must_be(ipc_buffer_commit(b, &r, 64).ipc_status, IPC_ERR_ILLEGAL_STATE);
        child_done();
    }
    must_succeed(child);
    fill(r.payload, 64, 1);
    must_work(ipc_buffer_commit(b, &r, 64));
    must_read(b, 64, 1);
    must_read(b, 10, 2);
}

/* Who counts on membarriers of others has to be known to the kernel. */
Test(unit, a_process_that_could_not_register_uses_fences)
{
    IpcBuffer *b;

    registration_error = ENOSYS;
    b = new_ring(BLOCKS, 0, NULL);
    must_write(b, 10, 1);
    must(registrations == 1);
    must(process_needs_fence());
}

Test(unit, a_process_that_is_registered_uses_none)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);

    must_write(b, 10, 1);
    must(registrations == 1);
    must(!process_needs_fence());
}

Test(unit, a_child_registers_itself)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    pid_t child;

    must_write(b, 10, 1);
    must(!process_needs_fence());
    child = fork_child();
    if (child == 0) {
        must(process_needs_fence());
        registration_error = EPERM;
        must_write(b, 10, 2);
        must(registrations == 2);
        must(process_needs_fence());
        child_done();
    }
    must_succeed(child);
}
