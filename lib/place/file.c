/* SPDX-License-Identifier: MIT */
/*
 * The file behind a name: opened, judged, made as large as asked, mapped.
 */
#include "place/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define HUGE_PAGE (UINT64_C(1) << 21)

/* Of <numaif.h>, which is libnuma's. */
enum { POLICY_BIND = 2, POLICY_MOVE_PAGES = 2, NODES = 1024 };

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

int file_open(const char *name, uint32_t flags, bool create)
{
    /* Neither a link that somebody else made, nor a pipe or a terminal that
     * would do something when it is opened. */
    const int how = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK |
                    (create ? O_CREAT | O_EXCL : 0);

    if (flags & IPC_OPEN_MEMFD)
        return memfd_create(
            name, MFD_CLOEXEC | MFD_ALLOW_SEALING |
                      (flags & IPC_OPEN_HUGE_PAGES ? MFD_HUGETLB : 0));
    return flags & IPC_OPEN_PATH ? open(name, how, 0600)
                                 : shm_open(name, how, 0600);
}

int file_remove_name(const char *name, uint32_t flags)
{
    return flags & IPC_OPEN_PATH ? unlink(name) : shm_unlink(name);
}

int file_check(int fd, uint32_t flags, IpcOpenError *body)
{
    struct stat file;

    if (fstat(fd, &file) != 0)
        return errno;
    body->owner = file.st_uid;
    body->mode = file.st_mode & 07777;
    body->existing_size = (uint64_t)file.st_size;
    if (!S_ISREG(file.st_mode))
        return EINVAL;
    return (flags & IPC_OPEN_ANY_OWNER) || file.st_uid == 0 ||
                   file.st_uid == geteuid()
               ? 0
               : EPERM;
}

const char *file_system_detail(int error, bool creating)
{
    switch (error) {
    case ENOSPC:
        return "the file system is full (for a name: /dev/shm, see df "
               "/dev/shm): remove what is not needed, ask for less, or "
               "enlarge it";
    case EACCES:
        return creating ? "this user may not create it: the directory (for a "
                          "name: /dev/shm) forbids it"
                        : "it exists and its mode, see body.mode, forbids this "
                          "user to read and write it: let its creator give "
                          "another mode or group";
    case EPERM:
        return creating ? "its mode or group could not be set: use a group "
                          "of which this user is a member"
                        : "it exists and belongs to another user, body.owner: "
                          "use another name, or IPC_OPEN_ANY_OWNER if that "
                          "user is to be trusted";
    case EINVAL:
    case ENXIO:
    case EISDIR:
        return "what exists there is no file that can be mapped: use another "
               "name";
    case ELOOP:
        return "it is a symbolic link, which is not followed: open what it "
               "points at";
    case EROFS:
        return "the file system is mounted for reading only: use another one";
    case EMFILE:
    case ENFILE:
        return "no descriptor is free: close some, or raise RLIMIT_NOFILE "
               "(ulimit -n)";
    case ENOENT:
        return "the directory does not exist: create it, or use another path";
    default:
        return "it could not be created, opened or locked: see sys_errno";
    }
}

/* ------------------------------------------------------------------ pages */

static bool has_huge_pages_only(int fd, uint64_t *page)
{
    struct statfs system;

    if (fstatfs(fd, &system) != 0 ||
        (unsigned long)system.f_type != HUGETLBFS_MAGIC)
        return false;
    *page = (uint64_t)system.f_bsize;
    return true;
}

static uint64_t round_up(uint64_t size, const struct place *p)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    if (!has_huge_pages_only(p->fd, &page) && p->flags & IPC_OPEN_HUGE_PAGES)
        page = HUGE_PAGE;
    return (size + page - 1) / page * page;
}

static int bind_to_node(const struct place *p, uint32_t node)
{
    unsigned long nodes[NODES / (CHAR_BIT * sizeof(unsigned long))] = {0};
    const size_t bits = CHAR_BIT * sizeof nodes[0];

    nodes[node / bits] = 1UL << (node % bits);
    /* One more than there are: the kernel takes one off. */
    return syscall(SYS_mbind, p->memory, (size_t)p->size, POLICY_BIND, nodes,
                   (unsigned long)NODES + 1, POLICY_MOVE_PAGES) == 0
               ? 0
               : errno;
}

/* Maps the file, and says of which kind its pages are to be. */
static int map(struct place *p, const IpcOpenOptions *o, const char **detail)
{
    uint64_t page;
    int error = 0;

    p->memory = mmap(NULL, (size_t)p->size, PROT_READ | PROT_WRITE, MAP_SHARED,
                     p->fd, 0);
    if (p->memory == MAP_FAILED) {
        p->memory = NULL;
        *detail = "the file could not be mapped: see sys_errno (ENOMEM: "
                  "RLIMIT_AS or the number of mappings; ENODEV: a file system "
                  "without mappings)";
        return errno;
    }
    if (o->flags & IPC_OPEN_HUGE_PAGES && !has_huge_pages_only(p->fd, &page) &&
        madvise(p->memory, (size_t)p->size, MADV_HUGEPAGE) != 0) {
        *detail = "this kernel has no transparent large pages: open without "
                  "IPC_OPEN_HUGE_PAGES, or a path on hugetlbfs";
        error = errno == EINVAL ? ENOSYS : errno;
    }
    if (!error && o->flags & IPC_OPEN_NUMA_NODE) {
        error = bind_to_node(p, o->numa_node);
        *detail = "the pages could not be bound to options.numa_node: see "
                  "sys_errno (EINVAL: there is no such node; EPERM: this "
                  "process may not use it)";
    }
    if (error)
        file_unmap_memory(p);
    return error;
}

/* Each page, where the kernel cannot do it at once (before Linux 5.14). */
static void touch_pages(const struct place *p)
{
    const volatile unsigned char *bytes = p->memory;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    for (uint64_t at = 0; bytes && at < p->size; at += page)
        (void)bytes[at];
}

/* What the options ask of pages that are there. */
static int settle(struct place *p, const IpcOpenOptions *o, const char **detail)
{
    int error = 0;

    if (o->flags & IPC_OPEN_PREFAULT &&
        madvise(p->memory, (size_t)p->size, MADV_POPULATE_WRITE) != 0) {
        if (errno == EINVAL)
            touch_pages(p);
        else
            error = errno;
        *detail = "the pages could not be made present: see sys_errno";
    }
    if (!error && o->flags & IPC_OPEN_LOCK_MEMORY &&
        mlock(p->memory, (size_t)p->size) != 0) {
        *detail = "the pages could not be locked in memory: raise "
                  "RLIMIT_MEMLOCK (ulimit -l), or open without "
                  "IPC_OPEN_LOCK_MEMORY";
        error = errno;
    }
    if (error)
        file_unmap_memory(p);
    return error;
}

/* ----------------------------------------------------------------- memory */

/* Not left to open(), whose mode the umask cuts. */
static int give_access(int fd, const IpcOpenOptions *o)
{
    if ((o->flags & IPC_OPEN_GROUP) && fchown(fd, (uid_t)-1, o->group) != 0)
        return errno;
    return fchmod(fd, o->mode) == 0 ? 0 : errno;
}

/* Never shorter than it is: somebody may have it mapped. */
static int give_size(struct place *p, uint64_t size)
{
    struct stat file;

    if (fstat(p->fd, &file) != 0)
        return errno;
    p->size = round_up(size, p);
    if ((uint64_t)file.st_size > p->size)
        p->size = (uint64_t)file.st_size;
    return ftruncate(p->fd, (off_t)p->size) == 0 ? 0 : errno;
}

/* A full file system is to be an error now, and not a SIGBUS later. */
static int reserve_pages(const struct place *p)
{
    int error;

    do {
        error = posix_fallocate(p->fd, 0, (off_t)p->size);
    } while (error == EINTR);
    return error;
}

int file_make_memory(struct place *p, uint64_t size, const IpcOpenOptions *o,
                     const char **detail)
{
    int error = give_access(p->fd, o);

    if (!error)
        error = give_size(p, size);
    *detail = file_system_detail(error, true);
    if (!error)
        error = map(p, o, detail);
    if (!error) {
        error = reserve_pages(p);
        if (error) {
            *detail = file_system_detail(error, true);
            file_unmap_memory(p);
        }
    }
    if (!error)
        error = settle(p, o, detail);
    if (!error && p->flags & IPC_OPEN_MEMFD)
        /* Those who get it cannot make access to it a SIGBUS. */
        (void)fcntl(p->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
    return error;
}

int file_map_memory(struct place *p, const IpcOpenOptions *o,
                    const char **detail)
{
    int error;

    if (p->size > PTRDIFF_MAX) {
        *detail = "it is larger than this process can map";
        return EFBIG;
    }
    error = map(p, o, detail);
    return error ? error : settle(p, o, detail);
}

void file_unmap_memory(struct place *p)
{
    if (p->memory)
        munmap(p->memory, (size_t)p->size);
    p->memory = NULL;
}
