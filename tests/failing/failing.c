/* SPDX-License-Identifier: MIT */
/*
 * Every allocation and system call that an operation makes fails once: the
 * first in one run, the second in the next, until a run makes none that has not
 * failed yet. Each time the operation says what is wrong or does without, and
 * leaves no memory, descriptor or name behind; after that it works. The linker
 * sends the library's calls here (see meson.build).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <shmipc/shmipc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 8192, CALLS_MAX = 200 };

/* ----------------------------------------------------- calls that can fail */

static bool counts; /* while the operation runs */
static int calls, fails_at;
static const char *failed; /* the one that did */
static volatile long in_use;

static bool fails(const char *name)
{
    if (!counts || ++calls != fails_at)
        return false;
    failed = name;
    return true;
}

#define CALL(type, name, error, parameters, arguments)                         \
    type __real_##name parameters;                                             \
    type __wrap_##name parameters;                                             \
    type __wrap_##name parameters                                              \
    {                                                                          \
        if (!fails(#name))                                                     \
            return __real_##name arguments;                                    \
        errno = error;                                                         \
        return (type)-1;                                                       \
    }

#define ALLOCATION(type, name, parameters, arguments)                          \
    type __real_##name parameters;                                             \
    type __wrap_##name parameters;                                             \
    type __wrap_##name parameters                                              \
    {                                                                          \
        type got = fails(#name) ? NULL : __real_##name arguments;              \
                                                                               \
        in_use += got != NULL;                                                 \
        return got;                                                            \
    }

/* `more` is what the call has as its last argument, if it has one. */
#define VARIADIC(name, error, type, first, second)                             \
    int __real_##name(first, second, ...);                                     \
    int __wrap_##name(first a, second b, ...);                                 \
    int __wrap_##name(first a, second b, ...)                                  \
    {                                                                          \
        va_list arguments;                                                     \
        type more;                                                             \
                                                                               \
        va_start(arguments, b);                                                \
        more = va_arg(arguments, type);                                        \
        va_end(arguments);                                                     \
        if (!fails(#name))                                                     \
            return __real_##name(a, b, more);                                  \
        errno = error;                                                         \
        return -1;                                                             \
    }

ALLOCATION(void *, malloc, (size_t size), (size))
ALLOCATION(void *, calloc, (size_t count, size_t size), (count, size))
ALLOCATION(char *, strdup, (const char *text), (text))

void __real_free(void *memory);
void __wrap_free(void *memory);

void __wrap_free(void *memory)
{
    in_use -= memory != NULL;
    __real_free(memory);
}

VARIADIC(open, EMFILE, unsigned, const char *, int)
VARIADIC(open64, EMFILE, unsigned, const char *, int)
VARIADIC(fcntl, EINVAL, void *, int, int)
VARIADIC(fcntl64, EINVAL, void *, int, int)
CALL(ssize_t, read, EIO, (int fd, void *to, size_t size), (fd, to, size))
CALL(void *, mmap, ENOMEM,
     (void *at, size_t size, int access, int flags, int fd, off_t offset),
     (at, size, access, flags, fd, offset))
CALL(void *, mmap64, ENOMEM,
     (void *at, size_t size, int access, int flags, int fd, off_t offset),
     (at, size, access, flags, fd, offset))
CALL(int, fstat, EIO, (int fd, struct stat *to), (fd, to))
CALL(int, fstat64, EIO, (int fd, struct stat *to), (fd, to))
CALL(int, stat, ENOMEM, (const char *path, struct stat *to), (path, to))
CALL(int, stat64, ENOMEM, (const char *path, struct stat *to), (path, to))
CALL(int, fchmod, EPERM, (int fd, mode_t mode), (fd, mode))
CALL(int, shm_open, EMFILE, (const char *name, int flags, mode_t mode),
     (name, flags, mode))
CALL(int, eventfd, EMFILE, (unsigned count, int flags), (count, flags))
CALL(int, epoll_create1, EMFILE, (int flags), (flags))
CALL(int, timerfd_create, EMFILE, (int clock, int flags), (clock, flags))
CALL(ssize_t, sendmsg, ENOBUFS, (int fd, const struct msghdr *m, int flags),
     (fd, m, flags))
CALL(ssize_t, recvmsg, ENOBUFS, (int fd, struct msghdr *m, int flags),
     (fd, m, flags))
CALL(ssize_t, getrandom, ENOSYS, (void *to, size_t size, unsigned flags),
     (to, size, flags))
CALL(ssize_t, readlink, EACCES, (const char *path, char *to, size_t size),
     (path, to, size))

CALL(int, epoll_ctl, ENOSPC,
     (int fd, int what, int other, struct epoll_event *event),
     (fd, what, other, event))
CALL(int, timerfd_settime, EINVAL,
     (int fd, int flags, const struct itimerspec *to, struct itimerspec *was),
     (fd, flags, to, was))
CALL(int, fstatfs, EIO, (int fd, struct statfs *to), (fd, to))
CALL(int, fstatfs64, EIO, (int fd, struct statfs *to), (fd, to))
CALL(int, madvise, EINVAL, (void *at, size_t size, int advice),
     (at, size, advice))
CALL(ssize_t, write, EIO, (int fd, const void *from, size_t size),
     (fd, from, size))
CALL(int, kill, EPERM, (pid_t pid, int signal), (pid, signal))
CALL(int, sched_getaffinity, EINVAL, (pid_t pid, size_t size, cpu_set_t *to),
     (pid, size, to))
CALL(long, syscall, ENOSYS,
     (long number, long a, long b, long c, long d, long e, long f),
     (number, a, b, c, d, e, f))

int __real_posix_fallocate64(int fd, off_t offset, off_t size);
int __wrap_posix_fallocate64(int fd, off_t offset, off_t size);

int __wrap_posix_fallocate64(int fd, off_t offset, off_t size)
{
    return fails("posix_fallocate")
               ? ENOSPC
               : __real_posix_fallocate64(fd, offset, size);
}

/* ------------------------------------------------------------- operations */

#define must(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "call %d, %s, fails; not so: %s\n", fails_at,      \
                    failed ? failed : "none", #condition);                     \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

/* True: it worked. False: it said why not. */
#define worked(r)                                                              \
    ((r).ipc_status >= 0 ||                                                    \
     (must_explain((r).ipc_status, (r).error.detail), false))

static void must_explain(IpcStatus status, const char *detail)
{
    must(strcmp(ipc_status_name(status), "unknown") != 0);
    must(detail && strlen(detail) > 10);
}

static _Alignas(64) unsigned char memory[SIZE];
static char name[64];
static int sockets[2], memory_fd;
static void *shared;

static IpcChannelConfiguration configured(uint32_t wait)
{
    IpcChannelConfiguration c = IPC_CHANNEL_CONFIGURATION(1, 1000, 1000);

    c.wait = wait;
    return c;
}

static bool do_segment(void)
{
    IpcMemorySegmentResult r = ipc_mmap(name, SIZE);
    IpcMmapUnlinkResult u;

    if (!worked(r))
        return false;
    u = ipc_unlink(r.result);
    if (worked(u))
        return true;
    counts = false;
    must(ipc_unlink(r.result).ipc_status == IPC_OK);
    return false;
}

static bool do_buffer(void)
{
    IpcBufferCreateResult made = ipc_buffer_create(memory, SIZE);
    IpcBufferAttachResult joined;
    bool good;

    if (!worked(made))
        return false;
    joined = ipc_buffer_observe(memory, SIZE);
    good = worked(joined);
    if (good)
        ipc_buffer_destroy(joined.result);
    good &= ipc_buffer_write(made.result, "x", 1).ipc_status == IPC_OK;
    ipc_buffer_destroy(made.result);
    return good;
}

static bool use_channel(uint32_t wait)
{
    IpcChannelResult made = ipc_channel_create(memory, SIZE, configured(wait));
    const struct timespec soon = {0, 1000000};
    IpcChannelFdResult fd;
    IpcChannelWriteResult written;
    IpcChannelReadWithTimeoutResult read;
    IpcEntry entry;
    bool good;

    if (made.ipc_status == IPC_ERR_UNSUPPORTED && !failed)
        return true; /* this way was not built */
    if (!worked(made))
        return false;
    written = ipc_channel_write(made.result, "x", 1);
    good = worked(written);
    read = ipc_channel_read_with_timeout(made.result, &entry, &soon);
    if (read.ipc_status == IPC_OK)
        free(entry.payload);
    else
        good &= worked(read);
    fd = ipc_channel_fd(made.result);
    if (fd.ipc_status != IPC_ERR_UNSUPPORTED)
        good &= worked(fd);
    ipc_channel_destroy(made.result);
    return good;
}

static bool do_futex(void)
{
    return use_channel(IPC_WAIT_FUTEX);
}

static bool do_eventfd(void)
{
    return use_channel(IPC_WAIT_EVENTFD);
}

static bool do_io_uring(void)
{
    return use_channel(IPC_WAIT_IO_URING);
}

static bool do_share(void)
{
    IpcChannelConnectResult joined =
        ipc_channel_connect(shared, configured(IPC_WAIT_FUTEX));
    IpcChannelShareResult sent;
    IpcChannelAcceptResult got;
    bool good;

    if (!worked(joined))
        return false;
    sent = ipc_channel_share(joined.result, sockets[0], memory_fd, SIZE);
    good = worked(sent);
    if (good) {
        got = ipc_channel_accept(sockets[1], configured(IPC_WAIT_FUTEX));
        good = worked(got);
        if (good) {
            good = ipc_channel_write(got.result.channel, "x", 1).ipc_status ==
                   IPC_OK;
            ipc_channel_leave_shared(&got.result);
        }
    }
    ipc_channel_destroy(joined.result);
    return good;
}

/* A claim of a process that is dead. */
static bool do_recover(void)
{
    IpcChannelConnectResult joined =
        ipc_channel_connect(shared, configured(IPC_WAIT_FUTEX));
    IpcChannelRecoverResult r;
    bool good;

    if (!worked(joined))
        return false;
    r = ipc_channel_recover(joined.result, false);
    good = worked(r);
    ipc_channel_destroy(joined.result);
    return good;
}

static const struct {
    const char *name;
    bool (*act)(void);
} operations[] = {
    {"segment", do_segment}, {"buffer", do_buffer},     {"futex", do_futex},
    {"eventfd", do_eventfd}, {"io_uring", do_io_uring}, {"share", do_share},
    {"recover", do_recover},
};

/* ---------------------------------------------------------------- running */

static int open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    while (directory && readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void set_scene(void)
{
    pid_t pid;

    snprintf(name, sizeof name, "/shmipc-failing-%d", (int)getpid());
    memory_fd = memfd_create("failing", MFD_CLOEXEC);
    must(memory_fd >= 0 && ftruncate(memory_fd, SIZE) == 0);
    shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
    must(shared != MAP_FAILED);
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sockets) == 0);
    pid = fork();
    if (pid == 0) {
        IpcReservation r;
        IpcChannelResult made =
            ipc_channel_create(shared, SIZE, configured(IPC_WAIT_FUTEX));

        IPC_IGNORE(ipc_channel_reserve(made.result, 10, &r));
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

/* What the first call of a process makes for all that follow. */
static int pieces_kept(bool (*act)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        long before = in_use;

        must(act());
        _exit((int)(in_use - before));
    }
    must(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    /* Less than none: what liburing takes is not counted, what is given back to
     * it is. */
    return (int8_t)WEXITSTATUS(status) > 0 ? WEXITSTATUS(status) : 0;
}

/* In a process of its own, whose first calls these are. 0: a call failed, and
 * all is well; 2: there were not so many. */
static int try(bool (*act)(void), int n)
{
    int before = open_descriptors();
    int kept = pieces_kept(act);
    long memory_before;

    fails_at = n;
    memory_before = in_use;
    counts = true;
    act();
    counts = false;
    if (!failed)
        _exit(2);
    must(in_use <= memory_before + kept);
    /* What cannot be told to be the library's own is not closed. */
    must(open_descriptors() <= before + (strstr(failed, "fstat") != NULL));
    must(shm_open(name, O_RDONLY, 0) < 0 && errno == ENOENT);
    /* What a failed message left is not for the next. */
    while (recv(sockets[1], memory, sizeof memory, MSG_DONTWAIT) > 0)
        continue;
    must(act());
    _exit(0);
}

/* /dev/shm with room for little, which others do not see. */
static void use_up_memory(void)
{
    IpcMemorySegmentResult r;

    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/dev/shm", "tmpfs", 0, "size=64k") != 0) {
        puts("a full /dev/shm: left out, a mount is not permitted");
        _exit(0);
    }
    r = ipc_mmap(name, 1 << 20);
    must(r.ipc_status == IPC_ERR_SYSTEM && r.error.body.sys_errno == ENOSPC);
    must(shm_open(name, O_RDONLY, 0) < 0 && errno == ENOENT);
    r = ipc_mmap(name, SIZE);
    must(r.ipc_status == IPC_OK);
    must(ipc_unlink(r.result).ipc_status == IPC_OK);
    puts("a full /dev/shm is an error and leaves no name");
    fflush(stdout);
    _exit(0);
}

static void use_up_descriptors(void)
{
    const struct rlimit few = {3, 3};

    must(setrlimit(RLIMIT_NOFILE, &few) == 0);
    must(!do_segment() && !use_channel(IPC_WAIT_EVENTFD));
    must(do_buffer() && use_channel(IPC_WAIT_DEFAULT));
    puts("without descriptors what needs one says so, and the rest works");
    fflush(stdout);
    _exit(0);
}

static bool succeeds(void (*run)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        alarm(20);
        snprintf(name, sizeof name, "/shmipc-failing-%d", (int)getpid());
        run();
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

int main(void)
{
    bool good = succeeds(use_up_memory) && succeeds(use_up_descriptors);

    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        int n = 1, status = 0;

        for (; n <= CALLS_MAX && (status == 0 || status == 1 << 8); n++) {
            pid_t pid = fork();

            if (pid == 0) {
                alarm(20);
                set_scene();
                try(operations[i].act, n);
            }
            waitpid(pid, &status, 0);
            if (status != 0 && status != 2 << 8) {
                printf("%s: status %d\n", operations[i].name, status);
                good = false;
                if (status != 1 << 8)
                    break;
            }
        }
        printf("%s: %d calls failed in turn\n", operations[i].name, n - 2);
        good &= n > 2;
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
