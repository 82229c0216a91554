/* SPDX-License-Identifier: MIT */
/*
 * The file behind a name: opened, judged, made as large as asked, mapped.
 */
#include "place/file.h"

#include "pages.h"
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

int file_open(const struct place *p, const char *name, bool create)
{
    /* Neither a link that somebody else made, nor a pipe or a terminal that
     * would do something when it is opened. */
    const int how = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK |
                    (create ? O_CREAT | O_EXCL : 0);

    if (p->flags & IPC_OPEN_MEMFD)
        return memfd_create(
            name, MFD_CLOEXEC | MFD_ALLOW_SEALING |
                      (p->flags & IPC_OPEN_HUGE_PAGES ? MFD_HUGETLB : 0));
    return p->flags & IPC_OPEN_PATH ? openat(p->directory, name, how, 0600)
                                    : shm_open(name, how, 0600);
}

int file_open_to_lock(const char *name)
{
    return shm_open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
}

int file_remove_name(const char *name)
{
    return shm_unlink(name);
}

/* What the name leads to, also for who may not open it. 0 or errno. */
static int stat_name(const struct place *p, const char *name, struct stat *file)
{
    int error;
    int fd;

    if (p->flags & IPC_OPEN_PATH)
        return fstatat(p->directory, name, file, AT_SYMLINK_NOFOLLOW) == 0
                   ? 0
                   : errno;
    fd = shm_open(name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    error = fstat(fd, file) == 0 ? 0 : errno;
    close(fd);
    return error;
}

int file_remove(const struct place *p, const char *name)
{
    struct stat file = {0}, named = {0};
    int error = fstat(p->fd, &file) == 0 ? 0 : errno;

    if (!error)
        error = stat_name(p, name, &named);
    if (error)
        return error;
    if (file.st_dev != named.st_dev || file.st_ino != named.st_ino)
        return ENOENT;
    error = p->flags & IPC_OPEN_PATH ? unlinkat(p->directory, name, 0)
                                     : shm_unlink(name);
    return error == 0 ? 0 : errno;
}

static void tell(const struct stat *file, IpcOpenError *body)
{
    body->owner = file->st_uid;
    body->mode = file->st_mode & 07777;
    body->existing_size = (uint64_t)file->st_size;
}

int file_tell(const struct place *p, const char *name, IpcOpenError *body)
{
    struct stat file = {0};
    int error = stat_name(p, name, &file);

    if (!error)
        tell(&file, body);
    return error;
}

int file_check(int fd, uint32_t flags, IpcOpenError *body)
{
    struct stat file;

    if (fstat(fd, &file) != 0)
        return errno;
    tell(&file, body);
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
                        : "it exists and its mode, see error.body.mode, "
                          "forbids this "
                          "user to read and write it: let its creator give "
                          "another mode or group";
    case EPERM:
        return creating
                   ? "its mode or group could not be set: use a group "
                     "of which this user is a member"
                   : "it exists and belongs to another user, error.body.owner: "
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
    case EFBIG:
        return "it would be larger than this process may make a file "
               "(RLIMIT_FSIZE, ulimit -f), or than the file system can: ask "
               "for less";
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

static const char no_large_pages[] =
    "there are not enough large pages: set more aside (sysctl "
    "vm.nr_hugepages), ask for less, or open without IPC_OPEN_HUGE_PAGES";

int file_map_memory(struct place *p, const char **detail)
{
    uint64_t page;
    int error;

    *detail = "it is larger than this process can map";
    if (p->size > PTRDIFF_MAX)
        return EFBIG;
    p->memory = mmap(NULL, (size_t)p->size, PROT_READ | PROT_WRITE, MAP_SHARED,
                     p->fd, 0);
    if (p->memory != MAP_FAILED)
        return 0;
    error = errno;
    p->memory = NULL;
    *detail = has_huge_pages_only(p->fd, &page)
                  ? no_large_pages
                  : "the file could not be mapped: see sys_errno (ENOMEM: "
                    "RLIMIT_AS or the number of mappings; ENODEV: a file "
                    "system without mappings)";
    return error;
}

/* Says of which kind the pages are to be that are not there yet. */
static int choose_pages(const struct place *p, const IpcOpenOptions *o,
                        const char **detail)
{
    uint64_t page;

    if (o->flags & IPC_OPEN_HUGE_PAGES && !has_huge_pages_only(p->fd, &page) &&
        madvise(p->memory, (size_t)p->size, MADV_HUGEPAGE) != 0) {
        *detail = "this kernel has no transparent large pages: open without "
                  "IPC_OPEN_HUGE_PAGES, or a path on hugetlbfs";
        return errno == EINVAL ? ENOSYS : errno;
    }
    if (!(o->flags & IPC_OPEN_NUMA_NODE))
        return 0;
    *detail = "the pages could not be bound to options.numa_node: see "
              "sys_errno (EINVAL: there is no such node; EPERM: this process "
              "may not use it)";
    return bind_to_node(p, o->numa_node);
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
static int settle(const struct place *p, const IpcOpenOptions *o,
                  const char **detail)
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
    if (pages_check_limit(p->size) != 0)
        return EFBIG;
    return ftruncate(p->fd, (off_t)p->size) == 0 ? 0 : errno;
}

/* Where a timer ticks the pieces become small enough to be done in between; and
 * a single page is not disturbed. */
static int reserve_pages(const struct place *p, const char **detail)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t piece = p->size;
    uint64_t done = 0;
    uint64_t large;
    int error = 0;

    while (done < p->size && !error) {
        if (piece > p->size - done)
            piece = p->size - done;
        error = pages_reserve(p->fd, done, piece, piece <= page);
        if (!error) {
            done += piece;
        } else if (error == EINTR) {
            error = 0;
            if (piece > page)
                piece = (piece / 2 + page - 1) / page * page;
        }
    }
    *detail = error == ENOSPC && has_huge_pages_only(p->fd, &large)
                  ? no_large_pages
                  : file_system_detail(error, true);
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
        error = file_map_memory(p, detail);
    if (!error)
        error = choose_pages(p, o, detail);
    if (!error && !(o->flags & IPC_OPEN_SPARSE))
        error = reserve_pages(p, detail);
    if (!error)
        error = settle(p, o, detail);
    if (error)
        file_unmap_memory(p);
    else if (p->flags & IPC_OPEN_MEMFD)
        /* Those who get it cannot make access to it a SIGBUS. */
        (void)fcntl(p->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
    return error;
}

int file_settle_memory(const struct place *p, const IpcOpenOptions *o,
                       const char **detail)
{
    int error = choose_pages(p, o, detail);

    return error ? error : settle(p, o, detail);
}

void file_unmap_memory(struct place *p)
{
    if (p->memory)
        munmap(p->memory, (size_t)p->size);
    p->memory = NULL;
}
