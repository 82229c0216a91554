/* SPDX-License-Identifier: MIT */
#include "proc.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { STATE_FIELD = 3, CPU_FIELD = 39 };

/* False: it is not there, or not to be read. */
static bool read_file(const char *path, char *to, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return false;
    got = read(fd, to, size - 1);
    close(fd);
    to[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* Names can hold anything, also what moves a terminal's cursor. */
static void copy_name(char *to, size_t size, const char *from, size_t length)
{
    if (length >= size)
        length = size - 1;
    for (size_t i = 0; i < length; i++)
        to[i] = isprint((unsigned char)from[i]) ? from[i] : '?';
    to[length] = '\0';
}

/* Fields are counted from the last ')': the name before it can hold one. */
static const char *stat_field(const char *line, int number)
{
    const char *at = strrchr(line, ')');

    if (!at || at[1] != ' ')
        return NULL;
    at += 2;
    for (int field = STATE_FIELD; field < number && at; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    return at;
}

/* ------------------------------------------------------- since when it rests
 */

/* When a thread last ran, in ms of its CPU's clock; negative: not known. */
static double last_ran(const char *path)
{
    char text[2048];
    const char *at;

    if (!read_file(path, text, sizeof text))
        return -1;
    at = strstr(text, "se.exec_start");
    at = at ? strchr(at, ':') : NULL;
    return at ? strtod(at + 1, NULL) : -1;
}

/* The same of us, on that CPU: each has a clock of its own. */
static double now_on(int cpu)
{
    cpu_set_t before, one;
    double now = -1;

    if (cpu < 0 || cpu >= CPU_SETSIZE ||
        sched_getaffinity(0, sizeof before, &before) != 0)
        return -1;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one) == 0) {
        sched_yield();
        now = last_ran("/proc/thread-self/sched");
    }
    sched_setaffinity(0, sizeof before, &before);
    return now;
}

static uint64_t thread_rests(pid_t pid, const char *thread)
{
    char path[64], line[1024];
    const char *cpu;
    double then, now;

    snprintf(path, sizeof path, "/proc/%d/task/%.20s/stat", (int)pid, thread);
    if (!read_file(path, line, sizeof line))
        return UINT64_MAX;
    cpu = stat_field(line, CPU_FIELD);
    snprintf(path, sizeof path, "/proc/%d/task/%.20s/sched", (int)pid, thread);
    then = last_ran(path);
    now = cpu && then >= 0 ? now_on(atoi(cpu)) : -1;
    if (then < 0 || now < 0)
        return UINT64_MAX;
    return now > then ? (uint64_t)((now - then) * 1e6) : 0;
}

/* The thread that rests least. */
static uint64_t process_rests(pid_t pid)
{
    char path[64];
    struct dirent *entry;
    uint64_t least = UINT64_MAX;
    DIR *threads;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    threads = opendir(path);
    if (!threads)
        return least;
    while ((entry = readdir(threads))) {
        uint64_t rests = isdigit((unsigned char)entry->d_name[0])
                             ? thread_rests(pid, entry->d_name)
                             : UINT64_MAX;

        if (rests < least)
            least = rests;
    }
    closedir(threads);
    return least;
}

/* --------------------------------------------------------------- processes */

void proc_look(pid_t pid, struct proc *proc)
{
    char path[64], line[1024];
    const char *open, *close, *state;

    *proc = (struct proc){.rests = UINT64_MAX};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (pid <= 0 || !read_file(path, line, sizeof line))
        return;
    open = strchr(line, '(');
    close = strrchr(line, ')');
    state = stat_field(line, STATE_FIELD);
    if (!open || !close || close < open || !state)
        return;
    proc->is_there = true;
    proc->state = *state;
    copy_name(proc->name, sizeof proc->name, open + 1,
              (size_t)(close - open - 1));
    if (*state != 'R')
        proc->rests = process_rests(pid);
}

const char *proc_state_text(char state)
{
    switch (state) {
    case 'R':
        return "runs";
    case 'S':
    case 'I':
        return "sleeps";
    case 'D':
        return "waits for a device";
    case 'T':
        return "is stopped";
    case 't':
        return "is stopped by a debugger";
    case 'Z':
    case 'X':
        return "is dead, and its parent has not noticed";
    default:
        return "is in an unknown state";
    }
}

uint64_t proc_pid_namespace(void)
{
    struct stat file;

    return stat("/proc/self/ns/pid", &file) == 0 ? (uint64_t)file.st_ino : 0;
}

/* "NSpid:\t4711\t17": in each namespace, from ours inwards. */
static uint32_t innermost_pid(pid_t pid)
{
    char path[64], text[4096];
    const char *line, *last;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    if (!read_file(path, text, sizeof text))
        return 0;
    line = strstr(text, "\nNSpid:");
    if (!line)
        return 0;
    line++;
    last = line + strcspn(line, "\n");
    while (last > line && last[-1] != '\t')
        last--;
    return (uint32_t)strtoul(last, NULL, 10);
}

bool proc_is_inner(pid_t pid, uint64_t pid_namespace, uint32_t inner_pid)
{
    char path[64];
    struct stat file;

    snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)pid);
    return stat(path, &file) == 0 && (uint64_t)file.st_ino == pid_namespace &&
           innermost_pid(pid) == inner_pid;
}

/* -------------------------------------------------------------------- uses */

/* The entry of a process and a file, made if it is missing; NULL: no memory. */
static struct proc_use *use_of(struct proc_uses *uses, size_t first, pid_t pid,
                               dev_t device, ino_t inode)
{
    struct proc_use *list = uses->list;

    for (size_t i = first; i < uses->count; i++)
        if (list[i].pid == pid && list[i].device == device &&
            list[i].inode == inode)
            return &list[i];
    if (uses->count == uses->room) {
        size_t room = uses->room ? 2 * uses->room : 64;

        list = realloc(list, room * sizeof *list);
        if (!list)
            return NULL;
        uses->list = list;
        uses->room = room;
    }
    list[uses->count] =
        (struct proc_use){.device = device, .inode = inode, .pid = pid};
    return &list[uses->count++];
}

/* A line of maps: "address-end rw-s offset major:minor inode path". */
static void add_mapping(struct proc_uses *uses, size_t first, pid_t pid,
                        const char *line)
{
    uint64_t start, end, offset, inode;
    unsigned int major_number, minor_number;
    char mode[5];
    struct proc_use *use;

    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64,
               &start, &end, mode, &offset, &major_number, &minor_number,
               &inode) != 7 ||
        mode[3] != 's' || inode == 0)
        return;
    use = use_of(uses, first, pid, makedev(major_number, minor_number),
                 (ino_t)inode);
    if (use && offset == 0)
        use->address = start;
}

/* False: it may not be looked at. A process that has gone has no mappings. */
static bool add_mappings(struct proc_uses *uses, pid_t pid)
{
    char path[64];
    char *line = NULL;
    size_t room = 0, first = uses->count;
    FILE *maps;
    bool seen;

    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    maps = fopen(path, "re");
    if (!maps)
        return errno != EACCES && errno != EPERM;
    errno = 0;
    while (getline(&line, &room, maps) > 0)
        add_mapping(uses, first, pid, line);
    seen = errno != EACCES && errno != EPERM;
    free(line);
    fclose(maps);
    return seen;
}

static void add_descriptors(struct proc_uses *uses, size_t first, pid_t pid)
{
    char path[64];
    struct dirent *entry;
    struct stat file;
    DIR *descriptors;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    descriptors = opendir(path);
    if (!descriptors)
        return;
    while ((entry = readdir(descriptors))) {
        struct proc_use *use;

        if (fstatat(dirfd(descriptors), entry->d_name, &file, 0) != 0 ||
            !S_ISREG(file.st_mode))
            continue;
        use = use_of(uses, first, pid, file.st_dev, file.st_ino);
        if (use)
            use->is_open = true;
    }
    closedir(descriptors);
}

/* "1: FLOCK  ADVISORY  READ 4711 00:1b:217768 0 EOF"; one that waits for a lock
 * has "->" before the kind. */
static void add_locks(struct proc_uses *uses)
{
    char *line = NULL;
    size_t room = 0;
    FILE *locks = fopen("/proc/locks", "re");

    while (locks && getline(&line, &room, locks) > 0) {
        const char *at = strstr(line, "FLOCK");
        unsigned int major_number, minor_number;
        uint64_t inode;
        struct proc_use *use;
        int pid;

        if (!at || strstr(line, "->") ||
            sscanf(at, "FLOCK %*s %*s %d %x:%x:%" SCNu64, &pid, &major_number,
                   &minor_number, &inode) != 4 ||
            pid == getpid())
            continue;
        use = use_of(uses, 0, pid, makedev(major_number, minor_number),
                     (ino_t)inode);
        if (use)
            use->is_locked = true;
    }
    free(line);
    if (locks)
        fclose(locks);
}

void proc_find_uses(struct proc_uses *uses, bool with_descriptors)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    pid_t self = getpid();

    *uses = (struct proc_uses){0};
    while (processes && (entry = readdir(processes))) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        size_t first = uses->count;

        if (!isdigit((unsigned char)entry->d_name[0]) || pid == self)
            continue;
        if (!add_mappings(uses, pid))
            uses->hidden++;
        if (with_descriptors)
            add_descriptors(uses, first, pid);
    }
    if (processes)
        closedir(processes);
    add_locks(uses);
}

void proc_free_uses(struct proc_uses *uses)
{
    free(uses->list);
    *uses = (struct proc_uses){0};
}

bool proc_waits_at(pid_t pid, uint64_t from, uint64_t to)
{
    char path[64];
    struct dirent *entry;
    bool found = false;
    DIR *threads;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    threads = opendir(path);
    while (threads && !found && (entry = readdir(threads))) {
        char text[256];
        long number;
        uint64_t word;

        snprintf(path, sizeof path, "/proc/%d/task/%.20s/syscall", (int)pid,
                 entry->d_name);
        found = read_file(path, text, sizeof text) &&
                sscanf(text, "%ld %" SCNx64, &number, &word) == 2 &&
                number == SYS_futex && word >= from && word < to;
    }
    if (threads)
        closedir(threads);
    return found;
}
