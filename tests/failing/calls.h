/* SPDX-License-Identifier: MIT */
/*
 * The calls that can fail: the linker sends the library's to the functions here
 * (see meson.build).
 */
#ifndef SHMIPC_FAILING_CALLS_H
#define SHMIPC_FAILING_CALLS_H

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <unistd.h>

static bool counts; /* while the operation runs */
static int fails_at;
static volatile long in_use;
static bool in_halves;      /* messages go and come in two pieces */
static int sends, receipts; /* calls for them since then */

enum { SEEN_MAX = 64 };

/* Shared with the children that an operation may have. */
static struct tally {
    int calls;
    const char *failed;         /* the one that did */
    const char *seen[SEEN_MAX]; /* all that ever did */
} * tally;

static bool was_seen(const char *name)
{
    for (int i = 0; i < SEEN_MAX && tally->seen[i]; i++)
        if (strcmp(tally->seen[i], name) == 0)
            return true;
    return false;
}

static void (*noticed)(const char *name); /* told of each call, or NULL */

static bool fails(const char *name)
{
    int i = 0;

    if (noticed)
        noticed(name);
    if (!counts || ++tally->calls != fails_at)
        return false;
    tally->failed = name;
    while (tally->seen[i])
        i++;
    if (!was_seen(name) && i < SEEN_MAX - 1)
        tally->seen[i] = name;
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
CALL(int, munmap, EINVAL, (void *at, size_t size), (at, size))
CALL(int, poll, ENOMEM, (struct pollfd * fds, nfds_t count, int timeout),
     (fds, count, timeout))
CALL(int, dup3, EBUSY, (int from, int to, int flags), (from, to, flags))
CALL(int, fchown, EPERM, (int fd, uid_t user, gid_t group), (fd, user, group))
CALL(ssize_t, pread, EIO, (int fd, void *to, size_t size, off_t from),
     (fd, to, size, from))
CALL(ssize_t, pread64, EIO, (int fd, void *to, size_t size, off_t from),
     (fd, to, size, from))
CALL(int, flock, ENOLCK, (int fd, int how), (fd, how))
CALL(int, ftruncate, EIO, (int fd, off_t size), (fd, size))
CALL(int, ftruncate64, EIO, (int fd, off_t size), (fd, size))
CALL(off_t, lseek, EIO, (int fd, off_t to, int from), (fd, to, from))
CALL(off_t, lseek64, EIO, (int fd, off_t to, int from), (fd, to, from))
CALL(int, mlock, EAGAIN, (const void *at, size_t size), (at, size))
CALL(int, shm_unlink, EACCES, (const char *of), (of))
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

/* In halves: a first piece, then a moment without room or bytes, then the rest,
 * for which poll() is called. */
static bool comes_in_halves(int *turn, struct msghdr *m, struct iovec *piece)
{
    if (!in_halves)
        return true;
    *turn = (*turn + 1) % 3;
    if (*turn == 2) {
        errno = EAGAIN;
        return false;
    }
    *piece = *m->msg_iov;
    if (*turn == 1)
        piece->iov_len /= 2;
    m->msg_iov = piece;
    return true;
}

ssize_t __real_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags);

ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags)
{
    struct msghdr some = *m;
    struct iovec piece;

    if (fails("sendmsg")) {
        errno = ENOBUFS;
        return -1;
    }
    return comes_in_halves(&sends, &some, &piece)
               ? __real_sendmsg(fd, &some, flags)
               : -1;
}

ssize_t __real_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags);

ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags)
{
    struct iovec *whole = m->msg_iov;
    struct iovec piece;
    ssize_t got = -1;

    if (fails("recvmsg"))
        errno = ENOBUFS;
    else if (comes_in_halves(&receipts, m, &piece))
        got = __real_recvmsg(fd, m, flags);
    m->msg_iov = whole;
    return got;
}

int __real_posix_fallocate64(int fd, off_t offset, off_t size);
int __wrap_posix_fallocate64(int fd, off_t offset, off_t size);

int __wrap_posix_fallocate64(int fd, off_t offset, off_t size)
{
    return fails("posix_fallocate")
               ? ENOSPC
               : __real_posix_fallocate64(fd, offset, size);
}

#endif
