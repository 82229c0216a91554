/* SPDX-License-Identifier: MIT */
/*
 * Who lives, and who this process is, where the system says less than usual.
 * The linker sends the library's system calls here (see meson.build).
 */
#include "slots.h"
#include "ring/process.h"
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

enum { BLOCKS = 8 };

#ifdef SYS_futex
enum { FUTEX = SYS_futex };
#else
enum { FUTEX = SYS_futex_time64 };
#endif

static const char *stat_of_another; /* handed out as everybody's */
static int open_error;              /* of what is in /proc */
static bool boot_is_a_containers;   /* a file of its own lies over it */
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
int __real_fstatfs(int fd, struct statfs *to);
int __wrap_fstatfs(int fd, struct statfs *to);
int __wrap_fstatfs64(int fd, struct statfs *to);
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
    errno = open_error;
    if (open_error)
        return -1;
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

int __wrap_fstatfs(int fd, struct statfs *to)
{
    int got = __real_fstatfs(fd, to);

    if (boot_is_a_containers)
        to->f_type = 0x01021994; /* tmpfs */
    return got;
}

int __wrap_fstatfs64(int fd, struct statfs *to)
{
    return __wrap_fstatfs(fd, to);
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

/* ------------------------------------------------- slots of other programs */

Test(unit, what_could_not_be_found_out_is_looked_for_again)
{
    const int errors[] = {EMFILE, ENFILE, ENOMEM};
    struct shm_region *region;
    IpcBuffer *b;
    pid_t child;

    for (int i = 0; i < 3; i++) {
        pid_t process = fork_child();

        if (process == 0) {
            open_error = errors[i];
            b = new_ring(BLOCKS, 0, &region);
            open_error = 0;
            child = child_reserves(b, sleep_for_ever);
            must_live(b);
            make_zombie(child);
            must_be_dead(b);
            must_write(b, 10, 1); /* and a slot says all that is known */
            must(slot_of(region, getpid())->boot != 0);
            must((slot_of(region, getpid())->started & 0xffffffff) > 1);
            child_done();
        }
        must_succeed(process);
    }
}

Test(unit, a_claim_of_an_earlier_boot_is_dead)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    pid_t child = child_reserves(b, sleep_for_ever);
    struct shm_owner *slot = slot_of(region, child);
    uint32_t boot = atomic_get_relaxed(&slot->boot);

    must(boot != 0);
    atomic_put_relaxed(&slot->boot, 0); /* not known */
    must_live(b);
    atomic_put_relaxed(&slot->boot, boot ^ 1);
    must_be_dead(b);
    kill_child(child);
}

/* The same pid and start tick: what was written before the restart is not our
 * own either. */
Test(unit, our_own_slot_of_an_earlier_boot_is_dead)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    IpcReservation r;
    struct shm_owner *slot;

    must_work(ipc_buffer_reserve(b, 64, &r));
    slot = slot_of(region, getpid());
    atomic_put_relaxed(&slot->boot, atomic_get_relaxed(&slot->boot) ^ 1);
    atomic_put_relaxed(&slot->image, atomic_get_relaxed(&slot->image) ^ 1);
    must_be_dead(attach_to(region));
}

Test(unit, the_boot_of_a_container_says_nothing)
{
    struct shm_region *region;
    IpcBuffer *b;

    boot_is_a_containers = true;
    b = new_ring(BLOCKS, 0, &region);
    must_write(b, 10, 1);
    must(slot_of(region, getpid())->boot == 0);
}

Test(unit, what_this_process_left_before_exec_is_dead)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    IpcReservation r;
    struct shm_owner *slot;

    must_work(ipc_buffer_reserve(b, 64, &r));
    must_live(attach_to(region));
    slot = slot_of(region, getpid());
    atomic_put_relaxed(&slot->image, atomic_get_relaxed(&slot->image) ^ 1);
    b = attach_to(region);
    must_be_dead(b);
    must_write(b, 10, 1);
    must(stats_of(b).owners == 2); /* not the slot that was left */
}

Test(unit, others_see_by_its_stack_that_a_process_has_called_exec)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    pid_t child = child_reserves(b, sleep_for_ever);
    struct shm_owner *slot = slot_of(region, child);
    uint64_t stack = atomic_get_relaxed(&slot->stack);

    must(stack > 0 && stack <= 65536); /* not where it is */
    must_live(b);
    atomic_put_relaxed(&slot->stack, 0); /* not known */
    must_live(b);
    atomic_put_relaxed(&slot->stack, stack ^ 1);
    must_be_dead(b);
    kill_child(child);
}

Test(unit, start_times_by_another_clock_prove_nothing)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    pid_t child = child_reserves(b, sleep_for_ever);
    struct shm_owner *slot = slot_of(region, child);

    atomic_put_relaxed(&slot->started, atomic_get_relaxed(&slot->started) + 7);
    atomic_put_relaxed(&slot->time_namespace,
                       atomic_get_relaxed(&slot->time_namespace) ^ 1);
    must_live(b);
    make_zombie(child);
    must_be_dead(b);
    must(waitpid(child, NULL, 0) == child);
}

/* The kernel gives them numbers from 0xf0000000 on, the first has 0xeffffffc.
 */
Test(unit, no_two_pid_namespaces_have_the_same_number)
{
    must(process_namespace_number(UINT32_C(0xeffffffc)) == 0xc);
    must(process_namespace_number(UINT32_C(0xf0000000)) == 0x10);
    must(process_namespace_number(UINT32_C(0xf7ffffef)) == 0x7ffffff);
    must(process_namespace_number(UINT32_C(0xf7fffff0)) == 0);
    must(process_namespace_number(UINT32_C(0xeffffff0)) == 0);
    must(process_namespace_number(0) == 0);
    must(process_namespace_number(UINT64_C(0x1f0000000)) == 0);
}

/* ------------------------------------------------------------ cancellation */

static void *create_cancelled(void *memory)
{
    pthread_cancel(pthread_self());
    must_work(ipc_buffer_create(memory, ring_size(BLOCKS, 8)));
    pthread_testcancel();
    return memory;
}

static bool recovered;

static void *recover_cancelled(void *buffer)
{
    int state;

    pthread_cancel(pthread_self());
    must(ipc_buffer_recover(buffer).ipc_status == IPC_ERR_NOT_READY);
    recovered = true;
    must(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state) == 0);
    must(state == PTHREAD_CANCEL_ENABLE);
    pthread_testcancel();
    return buffer;
}

static void must_end_cancelled(void *(*what)(void *), void *with)
{
    pthread_t thread;
    void *result;

    must(pthread_create(&thread, NULL, what, with) == 0);
    must(pthread_join(thread, &result) == 0);
    must(result == PTHREAD_CANCELED);
}

Test(unit, a_thread_cancelled_in_the_first_call_leaves_no_lock, .timeout = 20)
{
    void *memory = shared_memory(ring_size(BLOCKS, 8));
    IpcBuffer *b;

    must_end_cancelled(create_cancelled, memory);
    b = attach_to(memory);
    must_write(b, 10, 1);
    must_read(b, 10, 1);
}

Test(unit, a_thread_cancelled_while_it_judges_goes_on_to_the_end, .timeout = 20)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    pid_t child = child_reserves(b, sleep_for_ever);

    must_end_cancelled(recover_cancelled, b);
    must(recovered);
    kill_child(child);
    must_be_dead(b);
}
