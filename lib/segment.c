/* SPDX-License-Identifier: MIT */
#include "answer.h"
#include "backing.h"
#include "cancel.h"
#include "grow.h"
#include "pages.h"
#include <errno.h>
#include <fcntl.h>
#include <shmipc/ipc_mmap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    /* How long to wait for the process that is creating the segment: for the
     * size, and for the mode, without which it can't be opened. */
    CREATOR_WAIT_MS = 1000,
    MODE_WAIT_MS = 20,
    MODE_DEFAULT = 0600,
    /* So often signals may break off what reserves the pages; then they wait.
     * In pieces it could be done between two of them, but what others take for
     * the size would grow. */
    DISTURBANCES_MAX = 3,
};

/* Signals do not shorten it: a creator is given its time. Nor do they make it
 * longer: what the kernel says remains is up to its slack more each time, and a
 * timer that ticks faster than that would let it go on for ever. */
static void sleep_a_millisecond(void)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
           EINTR)
        continue;
}

/* NULL: it can be one. */
static const char *blame_name(const char *name)
{
    if (!name)
        return "the name is NULL: use one like \"/orders\"";
    if (*name == '/')
        name++;
    if (*name == '\0')
        return "the name is empty: use one like \"/orders\"";
    if (strchr(name, '/'))
        return "the name has a slash that is not its first character: use one "
               "like \"/orders\"";
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return "the name is \".\" or \"..\", which are directories: use one "
               "like \"/orders\"";
    return NULL;
}

/* The size, and pages for the whole file unless it is to have holes. 0 or
 * errno. */
static int give_size(int fd, uint64_t size, bool sparse)
{
    int error = pages_check_limit(size);

    if (error)
        return error;
    if (sparse)
        return ftruncate(fd, (off_t)size) == 0 ? 0 : errno;
    for (int i = 0;; i++) {
        error = pages_reserve(fd, 0, size, i >= DISTURBANCES_MAX);
        if (error != EINTR)
            return error;
    }
}

/* 0 or errno. Not left to shm_open(), whose mode the umask cuts. */
static int give_access(int fd, const IpcMmapOptions *options)
{
    mode_t mode = options->mode ? options->mode : MODE_DEFAULT;

    if ((options->flags & IPC_MMAP_GROUP) &&
        fchown(fd, (uid_t)-1, options->group) != 0)
        return errno;
    return fchmod(fd, mode) == 0 ? 0 : errno;
}

static int create_file(const char *name, const IpcMmapOptions *options,
                       IpcMemorySegmentError *body)
{
    int fd =
        shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, MODE_DEFAULT);

    if (fd < 0) {
        body->sys_errno = errno;
        return -1;
    }
    body->sys_errno = give_access(fd, options);
    if (!body->sys_errno)
        body->sys_errno =
            give_size(fd, body->aligned_size, options->flags & IPC_MMAP_SPARSE);
    if (body->sys_errno) {
        close(fd);
        shm_unlink(name);
        return -1;
    }
    return fd;
}

/* The creator makes the name first, and gives it a size afterwards. */
static IpcStatus await_size(int fd, IpcMemorySegmentError *body)
{
    struct stat file;

    for (int i = 0; i < CREATOR_WAIT_MS; i++) {
        if (fstat(fd, &file) != 0) {
            body->sys_errno = errno;
            return IPC_ERR_SYSTEM;
        }
        body->existing_size = (uint64_t)file.st_size;
        if (body->existing_size == body->aligned_size)
            return IPC_OK;
        if (body->existing_size > 0)
            return IPC_ERR_ILLEGAL_STATE;
        sleep_a_millisecond();
    }
    return IPC_ERR_INITIALIZING;
}

/* 0 or errno: whether that is a segment of somebody whom we trust. */
static int check_file(int fd, const IpcMmapOptions *options)
{
    struct stat file;

    if (fstat(fd, &file) != 0)
        return errno;
    if (!S_ISREG(file.st_mode))
        return EINVAL;
    return (options->flags & IPC_MMAP_ANY_OWNER) || file.st_uid == 0 ||
                   file.st_uid == geteuid()
               ? 0
               : EPERM;
}

/* A descriptor, or -1. The mode that a creator gives comes a moment after the
 * name. */
static int open_name(const char *name)
{
    for (int i = 0;; i++) {
        int fd = shm_open(name, O_RDWR | O_CLOEXEC, 0);

        if (fd >= 0 || errno != EACCES || i == MODE_WAIT_MS)
            return fd;
        sleep_a_millisecond();
    }
}

static IpcStatus open_file(const char *name, const IpcMmapOptions *options,
                           int *fd, IpcMemorySegmentError *body)
{
    IpcStatus status = IPC_ERR_SYSTEM;

    *fd = open_name(name);
    if (*fd < 0) {
        body->sys_errno = errno;
        body->existed = errno != ENOENT;
        return IPC_ERR_SYSTEM;
    }
    body->existed = true;
    body->sys_errno = check_file(*fd, options);
    if (!body->sys_errno)
        status = await_size(*fd, body);
    if (status != IPC_OK)
        close(*fd);
    return status;
}

/* Creates or opens the file; again if the name comes or goes meanwhile. */
static IpcStatus get_file(const char *name, const IpcMmapOptions *options,
                          int *fd, IpcMemorySegmentError *body)
{
    for (int tries = 0; tries < 100; tries++) {
        IpcStatus status;

        body->existed = false;
        *fd = create_file(name, options, body);
        if (*fd >= 0)
            return IPC_OK;
        if (body->sys_errno != EEXIST)
            return IPC_ERR_SYSTEM;
        body->sys_errno = 0;
        status = open_file(name, options, fd, body);
        if (status != IPC_ERR_SYSTEM || body->sys_errno != ENOENT)
            return status;
    }
    return IPC_ERR_SYSTEM;
}

static const char *map_detail(IpcStatus status,
                              const IpcMemorySegmentError *body)
{
    if (status == IPC_ERR_SYSTEM && body->existed && body->sys_errno == EPERM)
        return "the segment exists and belongs to another user: use another "
               "name, or IPC_MMAP_ANY_OWNER if that user is to be trusted";
    if (status == IPC_ERR_SYSTEM && body->existed && body->sys_errno == EACCES)
        return "the segment exists and its mode forbids this user to read and "
               "write it: create it with another mode or group";
    if (status == IPC_ERR_SYSTEM && !body->existed && body->sys_errno == EFBIG)
        return "the segment would be larger than this process may make a file "
               "(RLIMIT_FSIZE, ulimit -f): ask for less, or raise the limit";
    if (status == IPC_ERR_SYSTEM && body->sys_errno == ENAMETOOLONG)
        return "the name is too long for a segment: at most 255 bytes";
    if (status == IPC_ERR_SYSTEM && body->sys_errno == ENOSPC)
        return "/dev/shm is full (see df /dev/shm): remove what is not needed, "
               "ask for less, or enlarge it";
    if (status == IPC_ERR_SYSTEM && !body->existed && body->sys_errno == ENOENT)
        return "there is no /dev/shm, where segments are: make it, and mount "
               "a tmpfs on it";
    switch (status) {
    case IPC_ERR_ILLEGAL_STATE:
        return "the segment exists with another size: ask for "
               "error.body.existing_size, or unlink it first";
    case IPC_ERR_INITIALIZING:
        return "the segment exists but has no size yet: its creator is slow "
               "or died; try again or unlink it";
    case IPC_ERR_ALLOCATION:
        return "malloc failed: no memory for the segment's description";
    default:
        return "the segment could not be created, opened or mapped: see "
               "error.body.sys_errno";
    }
}

/* For proofs that a process has died: see backing.h. */
static void keep(int fd, const IpcMemorySegment *segment)
{
    struct backing *b = backing_adopt(fd);

    if (b)
        backing_note(segment->memory, segment->size, b);
}

static IpcStatus map_file(const char *name, const IpcMmapOptions *options,
                          IpcMemorySegment *segment,
                          IpcMemorySegmentError *body)
{
    int fd;
    IpcStatus status = get_file(name, options, &fd, body);

    if (status != IPC_OK)
        return status;
    segment->size = body->aligned_size;
    segment->memory = mmap(NULL, (size_t)segment->size, PROT_READ | PROT_WRITE,
                           MAP_SHARED, fd, 0);
    if (segment->memory == MAP_FAILED) {
        body->sys_errno = errno;
        status = IPC_ERR_SYSTEM;
        if (!body->existed)
            shm_unlink(name);
    }
    if (status == IPC_OK)
        keep(fd, segment);
    else
        close(fd);
    return status;
}

/* NULL: it was rounded up. */
static const char *round_to_pages(uint64_t size, IpcMemorySegmentError *body)
{
    body->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    if (size == 0)
        return "the size is 0: say how many bytes to map";
    if (size > PTRDIFF_MAX - body->page_size)
        return "the size is more than can be mapped: ask for less";
    body->aligned_size =
        (size + body->page_size - 1) / body->page_size * body->page_size;
    return NULL;
}

static void free_segment(IpcMemorySegment *segment)
{
    free(segment->name);
    free(segment);
}

/* NULL: they are possible. */
static const char *blame_options(const IpcMmapOptions *options)
{
    if (!grow_fits(options, sizeof *options))
        return "options.struct_size is not sizeof(IpcMmapOptions), or of newer "
               "headers with something set that this library does not know: "
               "set it to that, and zero the rest";
    if (options->flags &
        ~(IPC_MMAP_GROUP | IPC_MMAP_ANY_OWNER | IPC_MMAP_SPARSE))
        return "options.flags has bits that this library does not know: use "
               "IPC_MMAP_*, or a newer library";
    if (options->mode > 0777)
        return "options.mode is above 0777: give permission bits alone";
    if (options->group && !(options->flags & IPC_MMAP_GROUP))
        return "options.group is set: that takes the flag IPC_MMAP_GROUP";
    if (options->reserved32)
        return "options.reserved32 is not zero: zero what you do not set";
    for (size_t i = 0;
         i < sizeof options->reserved / sizeof options->reserved[0]; i++)
        if (options->reserved[i])
            return "options.reserved is not zero: zero what you do not set";
    return NULL;
}

IpcMemorySegmentResult ipc_mmap(const char *name, uint64_t size)
{
    return ipc_mmap_with_options(name, size, NULL);
}

IpcMemorySegmentResult ipc_mmap_with_options(const char *name, uint64_t size,
                                             const IpcMmapOptions *options)
{
    const IpcMmapOptions defaults = {.struct_size = sizeof defaults};
    IpcMemorySegmentError body = {0};
    IpcMemorySegment *segment;
    IpcStatus status = IPC_ERR_ALLOCATION;
    int state;
    const char *wrong = blame_name(name);

    options = options ? options : &defaults;
    if (!wrong)
        wrong = blame_options(options);
    if (!wrong)
        wrong = round_to_pages(size, &body);
    if (wrong)
        return IpcMemorySegmentResult_error_body(IPC_ERR_INVALID_ARGUMENT,
                                                 wrong, body);
    state = cancel_disable();
    segment = calloc(1, sizeof *segment);
    if (segment)
        segment->name = strdup(name);
    if (segment && segment->name)
        status = map_file(name, options, segment, &body);
    cancel_restore(state);
    if (status == IPC_OK)
        return IpcMemorySegmentResult_ok(IPC_OK, segment);
    if (segment)
        free_segment(segment);
    return IpcMemorySegmentResult_error_body(status, map_detail(status, &body),
                                             body);
}

/* 0, and the segment is freed; or errno. */
static int unmap(IpcMemorySegment *segment)
{
    backing_forget(segment->memory);
    if (munmap(segment->memory, (size_t)segment->size) != 0)
        return errno;
    free_segment(segment);
    return 0;
}

static IpcMemorySegmentError describe(const IpcMemorySegment *segment)
{
    IpcMemorySegmentError body = {0};

    body.existed = true;
    body.existing_size = segment->size;
    body.aligned_size = segment->size;
    body.page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    return body;
}

IpcMmapUnmapResult ipc_unmap(IpcMemorySegment *segment)
{
    IpcMemorySegmentError body;

    if (!segment)
        return IpcMmapUnmapResult_error(IPC_ERR_INVALID_ARGUMENT,
                                        "the segment is NULL, nothing to "
                                        "unmap: pass what ipc_mmap returned");
    body = describe(segment);
    body.sys_errno = unmap(segment);
    if (body.sys_errno == 0)
        return IpcMmapUnmapResult_ok(IPC_OK);
    return IpcMmapUnmapResult_error_body(IPC_ERR_SYSTEM,
                                         "munmap failed: see sys_errno", body);
}

IpcMmapUnlinkResult ipc_unlink(IpcMemorySegment *segment)
{
    IpcMemorySegmentError body;
    int state;

    if (!segment)
        return IpcMmapUnlinkResult_error(IPC_ERR_INVALID_ARGUMENT,
                                         "the segment is NULL, nothing to "
                                         "unlink: pass what ipc_mmap returned");
    body = describe(segment);
    state = cancel_disable();
    if (shm_unlink(segment->name) != 0 && errno != ENOENT)
        body.sys_errno = errno;
    else
        body.sys_errno = unmap(segment);
    cancel_restore(state);
    if (body.sys_errno == 0)
        return IpcMmapUnlinkResult_ok(IPC_OK);
    return IpcMmapUnlinkResult_error_body(
        IPC_ERR_SYSTEM,
        "the name could not be removed, or munmap failed: see sys_errno", body);
}
