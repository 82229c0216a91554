/* SPDX-License-Identifier: MIT */
/*
 * Named segments when others are at it, and what is left open of them. The
 * linker sends the library's system calls here (see meson.build).
 */
#include "../own_name.h"
#include "../self.h"
#include "helpers.h"
#include <fcntl.h>
#include <sys/stat.h>

enum { SIZE = 4096 };

static char name[OWN_NAME_ROOM];
static int goes;        /* times that the name goes once it was found */
static int comes;       /* times that it comes once it was not found */
static int forbidden;   /* times that its mode does not allow it yet */
static int interrupted; /* times that a signal breaks the reservation off */
static bool disturbed;  /* ... and so each time, unless signals wait */
static int no_pages;    /* what reserving fails with */
static bool no_mapping;
static int openings;

int __real_shm_open(const char *path, int flags, mode_t mode);
int __wrap_shm_open(const char *path, int flags, mode_t mode);
int __real_posix_fallocate(int fd, off_t offset, off_t size);
int __wrap_posix_fallocate(int fd, off_t offset, off_t size);
int __wrap_posix_fallocate64(int fd, off_t offset, off_t size);
int __wrap_clock_nanosleep(clockid_t clock, int flags,
                           const struct timespec *time, struct timespec *left);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd,
                  off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd,
                  off_t offset);
void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd,
                    off_t offset);

int __wrap_shm_open(const char *path, int flags, mode_t mode)
{
    openings++;
    if (!(flags & O_CREAT) && goes > 0) {
        goes--;
        errno = ENOENT;
        return -1;
    }
    if (!(flags & O_CREAT) && forbidden > 0) {
        forbidden--;
        errno = EACCES;
        return -1;
    }
    if (flags & O_CREAT && comes > 0) {
        comes--;
        errno = EEXIST;
        return -1;
    }
    return __real_shm_open(path, flags, mode);
}

static bool signals_wait(void)
{
    sigset_t now;

    return pthread_sigmask(SIG_BLOCK, NULL, &now) == 0 &&
           sigismember(&now, SIGALRM) && sigismember(&now, SIGPROF);
}

int __wrap_posix_fallocate(int fd, off_t offset, off_t size)
{
    if (disturbed && !signals_wait())
        return EINTR;
    if (interrupted > 0) {
        interrupted--;
        return EINTR;
    }
    return no_pages ? no_pages : __real_posix_fallocate(fd, offset, size);
}

/* Its name where off_t is asked to have 64 bits. */
int __wrap_posix_fallocate64(int fd, off_t offset, off_t size)
{
    return __wrap_posix_fallocate(fd, offset, size);
}

/* No time passes while a creator is waited for. */
int __wrap_clock_nanosleep(clockid_t clock, int flags,
                           const struct timespec *time, struct timespec *left)
{
    (void)clock;
    (void)flags;
    (void)time;
    (void)left;
    return 0;
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd,
                  off_t offset)
{
    errno = ENOMEM;
    return no_mapping ? MAP_FAILED
                      : __real_mmap(at, size, protection, flags, fd, offset);
}

void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd,
                    off_t offset)
{
    return __wrap_mmap(at, size, protection, flags, fd, offset);
}

static void choose_name(void)
{
    own_name(name, "races");
}

static bool name_exists(void)
{
    int fd = __real_shm_open(name, O_RDONLY, 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void must_map_and_unlink(void)
{
    IpcMemorySegmentResult r = ipc_mmap(name, SIZE);

    must_work(r);
    must(r.result->size == SIZE);
    must(is_all(r.result->memory, SIZE, 0));
    must_work(ipc_unlink(r.result));
    must(!name_exists());
}

/* ------------------------------------------------------------------ races */

Test(unit, a_name_that_goes_before_it_is_opened_is_created)
{
    choose_name();
    comes = goes = 1; /* found, but then gone */
    must_map_and_unlink();
    must(comes == 0 && goes == 0);
    comes = goes = 20;
    must_map_and_unlink();
    must(comes == 0 && goes == 0);
}

Test(unit, a_name_that_comes_before_it_is_created_is_opened)
{
    IpcMemorySegmentResult first, second;

    choose_name();
    first = ipc_mmap(name, SIZE);
    must_work(first);
    memset(first.result->memory, 7, SIZE);
    goes = 1; /* created elsewhere, gone, created elsewhere */
    second = ipc_mmap(name, SIZE);
    must_work(second);
    must(goes == 0 && is_all(second.result->memory, SIZE, 7));
    must_work(ipc_unmap(second.result));
    must_work(ipc_unlink(first.result));
}

Test(unit, a_mode_that_comes_after_the_name_is_waited_for)
{
    IpcMemorySegmentResult first, second;

    choose_name();
    first = ipc_mmap(name, SIZE);
    must_work(first);
    forbidden = 10;
    second = ipc_mmap(name, SIZE);
    must_work(second);
    must(forbidden == 0);
    must_work(ipc_unmap(second.result));
    forbidden = 1000;
    second = ipc_mmap(name, SIZE);
    must_fail(second, IPC_ERR_SYSTEM);
    must(second.error.body.sys_errno == EACCES && forbidden > 900);
    forbidden = 0;
    must_work(ipc_unlink(first.result));
}

Test(unit, a_name_that_never_stays_is_given_up)
{
    IpcMemorySegmentResult r;

    choose_name();
    comes = goes = 1000;
    r = ipc_mmap(name, SIZE);
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == ENOENT);
    must(openings >= 20 && openings <= 1000);
}

Test(unit, signals_do_not_end_the_reservation_of_pages)
{
    choose_name();
    interrupted = 5;
    must_map_and_unlink();
    must(interrupted == 0);
    alarm(20); /* who tries the same again and again never ends */
    disturbed = true;
    must_map_and_unlink();
    must(!signals_wait());
}

/* ------------------------------------------------------------ descriptors */

/* But one while it is mapped, whatever becomes of it. */
Test(unit, no_descriptor_of_a_segment_stays_open)
{
    IpcMemorySegment *segment;
    int before;
    int fd;

    choose_name();
    before = open_descriptors();
    segment = ipc_mmap(name, SIZE).result;
    must(segment && open_descriptors() == before + 1);
    before++;
    must_be(ipc_mmap(name, 2 * SIZE).ipc_status, IPC_ERR_ILLEGAL_STATE);
    must(open_descriptors() == before);
    no_mapping = true;
    must_be(ipc_mmap(name, SIZE).ipc_status, IPC_ERR_SYSTEM);
    must(open_descriptors() == before && name_exists());
    no_mapping = false;
    must_work(ipc_unlink(segment));
    before--;
    must(open_descriptors() == before);
    no_mapping = true;
    must_be(ipc_mmap(name, SIZE).ipc_status, IPC_ERR_SYSTEM);
    must(open_descriptors() == before && !name_exists());
    no_mapping = false;
    no_pages = ENOSPC;
    must_be(ipc_mmap(name, SIZE).ipc_status, IPC_ERR_SYSTEM);
    must(open_descriptors() == before && !name_exists());
    no_pages = 0;
    fd = __real_shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    must(fd >= 0 && close(fd) == 0);
    must_be(ipc_mmap(name, SIZE).ipc_status, IPC_ERR_INITIALIZING);
    must(open_descriptors() == before);
    must(shm_unlink(name) == 0);
}
