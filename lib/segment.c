/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <shmipc/ipc_mmap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* How long to wait for the process that is creating the segment. */
enum { CREATOR_WAIT_MS = 1000 };

static bool name_is_good(const char *name)
{
    if (!name)
        return false;
    if (*name == '/')
        name++;
    return *name != '\0' && !strchr(name, '/');
}

/* Pages for the whole file; posix_fallocate returns its error. */
static int reserve_pages(int fd, uint64_t size)
{
    int error;

    do {
        error = posix_fallocate(fd, 0, (off_t)size);
    } while (error == EINTR);
    return error;
}

static int create_file(const char *name, IpcMemorySegmentError *body)
{
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        body->sys_errno = errno;
        return -1;
    }
    body->sys_errno = reserve_pages(fd, body->aligned_size);
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
    const struct timespec pause = {.tv_sec = 0, .tv_nsec = 1000000};
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
        nanosleep(&pause, NULL);
    }
    return IPC_ERR_INITIALIZING;
}

static IpcStatus open_file(const char *name, int *fd,
                           IpcMemorySegmentError *body)
{
    IpcStatus status;

    *fd = shm_open(name, O_RDWR | O_CLOEXEC, 0);
    if (*fd < 0) {
        body->sys_errno = errno;
        return IPC_ERR_SYSTEM;
    }
    body->existed = true;
    status = await_size(*fd, body);
    if (status != IPC_OK)
        close(*fd);
    return status;
}

/* Creates or opens the file; again if the name comes or goes meanwhile. */
static IpcStatus get_file(const char *name, int *fd,
                          IpcMemorySegmentError *body)
{
    for (int tries = 0; tries < 100; tries++) {
        IpcStatus status;

        body->existed = false;
        *fd = create_file(name, body);
        if (*fd >= 0)
            return IPC_OK;
        if (body->sys_errno != EEXIST)
            return IPC_ERR_SYSTEM;
        body->sys_errno = 0;
        status = open_file(name, fd, body);
        if (status != IPC_ERR_SYSTEM || body->sys_errno != ENOENT)
            return status;
    }
    return IPC_ERR_SYSTEM;
}

static const char *map_detail(IpcStatus status)
{
    switch (status) {
    case IPC_ERR_ILLEGAL_STATE:
        return "the segment exists with another size: ask for existing_size, "
               "or unlink it first";
    case IPC_ERR_INITIALIZING:
        return "the segment exists but has no size yet: its creator is slow "
               "or died; try again or unlink it";
    case IPC_ERR_ALLOCATION:
        return "malloc failed: no memory for the segment's description";
    default:
        return "the segment could not be created, opened or mapped: see "
               "sys_errno";
    }
}

static IpcStatus map_file(const char *name, IpcMemorySegment *segment,
                          IpcMemorySegmentError *body)
{
    int fd;
    IpcStatus status = get_file(name, &fd, body);

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
    close(fd);
    return status;
}

/* False: the rounded size is beyond what can be mapped. */
static bool round_to_pages(uint64_t size, IpcMemorySegmentError *body)
{
    body->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    if (size == 0 || size > PTRDIFF_MAX - body->page_size)
        return false;
    body->aligned_size =
        (size + body->page_size - 1) / body->page_size * body->page_size;
    return true;
}

static void free_segment(IpcMemorySegment *segment)
{
    free(segment->name);
    free(segment);
}

IpcMemorySegmentResult ipc_mmap(const char *name, uint64_t size)
{
    IpcMemorySegmentError body = {0};
    IpcMemorySegment *segment;
    IpcStatus status = IPC_ERR_ALLOCATION;

    if (!name_is_good(name))
        return IpcMemorySegmentResult_error_body(
            IPC_ERR_INVALID_ARGUMENT,
            "the name is NULL, empty, or has a slash inside: use one like "
            "\"/orders\"",
            body);
    if (!round_to_pages(size, &body))
        return IpcMemorySegmentResult_error_body(
            IPC_ERR_INVALID_ARGUMENT, "the size is 0 or too large to be mapped",
            body);
    segment = calloc(1, sizeof *segment);
    if (segment)
        segment->name = strdup(name);
    if (segment && segment->name)
        status = map_file(name, segment, &body);
    if (status == IPC_OK)
        return IpcMemorySegmentResult_ok(IPC_OK, segment);
    if (segment)
        free_segment(segment);
    return IpcMemorySegmentResult_error_body(status, map_detail(status), body);
}

/* 0, and the segment is freed; or errno. */
static int unmap(IpcMemorySegment *segment)
{
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
        return IpcMmapUnmapResult_error(
            IPC_ERR_INVALID_ARGUMENT, "the segment is NULL: nothing to unmap");
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

    if (!segment)
        return IpcMmapUnlinkResult_error(
            IPC_ERR_INVALID_ARGUMENT, "the segment is NULL: nothing to unlink");
    body = describe(segment);
    if (shm_unlink(segment->name) != 0 && errno != ENOENT)
        body.sys_errno = errno;
    else
        body.sys_errno = unmap(segment);
    if (body.sys_errno == 0)
        return IpcMmapUnlinkResult_ok(IPC_OK);
    return IpcMmapUnlinkResult_error_body(
        IPC_ERR_SYSTEM,
        "the name could not be removed, or munmap failed: see sys_errno", body);
}
