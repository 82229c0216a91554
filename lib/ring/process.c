/* SPDX-License-Identifier: MIT */
#include "ring/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * The token lives on a page of its own that the kernel empties in a forked
 * child (MADV_WIPEONFORK), which also covers children made by a bare clone().
 * Where that is missing (qemu-user, kernels before 4.14) the fork handler
 * empties it.
 */
atomic_u64 *_Atomic process_token_page;
atomic_u32 process_has_membarrier;
static struct process_id self;
static pthread_mutex_t self_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_u32 handle_counter;

enum { STATE_FIELD = 3, THREADS_FIELD = 20, START_FIELD = 22 };

struct proc_stat {
    char state;
    unsigned long threads;
    unsigned long long start_time;
};

/* Field `number` of a stat line; they are counted from the last ')', because
 * the second one is a name that can hold anything. */
static const char *stat_field(const char *line, int number)
{
    const char *at = strrchr(line, ')');

    if (!at || at[1] != ' ')
        return NULL;
    at += 2;
    for (int field = STATE_FIELD; field < number; field++) {
        at = strchr(at, ' ');
        if (!at)
            return NULL;
        at++;
    }
    return at;
}

static bool parse_stat(const char *line, struct proc_stat *stat)
{
    const char *state = stat_field(line, STATE_FIELD);
    const char *threads = stat_field(line, THREADS_FIELD);
    const char *start = stat_field(line, START_FIELD);

    if (!state || !threads || !start)
        return false;
    stat->state = *state;
    stat->threads = strtoul(threads, NULL, 10);
    stat->start_time = strtoull(start, NULL, 10);
    return true;
}

/* The stat of a process's first thread, which stays when that thread has left
 * before the others. Everybody reads this one path, for themselves and for
 * others: emulators make up a /proc/self/stat that differs from it. */
static bool read_stat(uint32_t pid, struct proc_stat *stat)
{
    char path[64];
    char line[1024];
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, "/proc/%u/task/%u/stat", pid, pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    got = read(fd, line, sizeof line - 1);
    close(fd);
    if (got <= 0)
        return false;
    line[got] = '\0';
    return strtoul(line, NULL, 10) == pid && parse_stat(line, stat);
}

/* Whether /proc numbers processes as this process does: one that was mounted
 * in another pid namespace does not. */
static bool proc_is_ours(uint32_t pid)
{
    char link[16];
    ssize_t got = readlink("/proc/self", link, sizeof link - 1);

    if (got <= 0)
        return false;
    link[got] = '\0';
    return strtoul(link, NULL, 10) == pid;
}

/* The kernel reports start times in the reader's time namespace, so they can be
 * compared only within one. 0: not known. */
static uint32_t find_namespaces(void)
{
    struct stat pid_ns, time_ns;

    if (stat("/proc/self/ns/pid", &pid_ns) != 0)
        return 0;
    if (stat("/proc/self/ns/time", &time_ns) != 0)
        time_ns.st_ino = 0; /* a kernel before 5.6 */
    return (uint32_t)(pid_ns.st_ino + 31 * time_ns.st_ino) & 0x0fffffff;
}

static void find_self(void)
{
    struct proc_stat proc;

    self.pid = (uint32_t)getpid();
    self.namespaces = find_namespaces();
    self.start_time = 1;
    if (proc_is_ours(self.pid) && read_stat(self.pid, &proc) &&
        proc.start_time > 1)
        self.start_time = proc.start_time;
}

static void register_membarrier(void)
{
    long done =
        syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);

    /* Relaxed: published by the token. */
    atomic_put_relaxed(&process_has_membarrier, done == 0);
}

void process_fence_others(void)
{
    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
}

static void lock_self(void)
{
    pthread_mutex_lock(&self_lock);
}

static void unlock_self(void)
{
    pthread_mutex_unlock(&self_lock);
}

static void forget_self(void)
{
    /* Relaxed, all: a forked child has one thread. */
    atomic_u64 *page = atomic_get_relaxed(&process_token_page);

    if (page)
        atomic_put_relaxed(page, 0);
    atomic_put_relaxed(&process_has_membarrier, 0);
    pthread_mutex_unlock(&self_lock);
}

static bool make_page(void)
{
    long size = sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return false;
    if (pthread_atfork(lock_self, unlock_self, forget_self) != 0) {
        munmap(page, (size_t)size);
        errno = ENOMEM;
        return false;
    }
    /* Failure is fine: the fork handler does the same for fork(). */
    (void)madvise(page, (size_t)size, MADV_WIPEONFORK);
    /* Release [page]: it is mapped and empty. */
    atomic_put_release(&process_token_page, page);
    return true;
}

uint64_t process_token_make(void)
{
    uint64_t token = 0;
    int saved = errno;

    lock_self();
    /* Relaxed: both words are only changed under the lock. */
    if (atomic_get_relaxed(&process_token_page) || make_page()) {
        atomic_u64 *page = atomic_get_relaxed(&process_token_page);

        token = atomic_get_relaxed(page);
        if (!token) {
            find_self();
            register_membarrier();
            token = self.start_time << 22 | self.pid;
            /* Release [token]: `self`. */
            atomic_put_release(page, token);
        }
        errno = saved;
    }
    unlock_self();
    return token;
}

struct process_id process_self(void)
{
    process_token();
    return self;
}

uint32_t process_next_handle(void)
{
    /* Relaxed: only its being different counts. */
    return atomic_add_relaxed(&handle_counter, 1) + 1;
}

/* Where the kernel gives no random numbers: what differs between any two calls
 * on one machine. */
static uint64_t make_number(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    return ((uint64_t)now.tv_sec << 32) ^ (uint64_t)now.tv_nsec ^
           ((uint64_t)getpid() << 40) ^ process_next_handle();
}

uint64_t process_creation_number(uint64_t last)
{
    int saved = errno;
    uint64_t number = 0;

    if (getrandom(&number, sizeof number, GRND_NONBLOCK) !=
        (ssize_t)sizeof number)
        number = make_number();
    errno = saved;
    while (number == 0 || number == last)
        number++;
    return number;
}

static enum process_fate judge(const struct process_id *id)
{
    struct proc_stat proc;

    if (kill((pid_t)id->pid, 0) != 0 && errno == ESRCH)
        return PROCESS_IS_DEAD;
    if (self.start_time == 1)
        return PROCESS_LIVES; /* no usable /proc; the pid exists */
    if (!read_stat(id->pid, &proc))
        return PROCESS_LIVES; /* hidden from us (hidepid), or just gone */
    if (id->start_time > 1 && proc.start_time != id->start_time)
        return PROCESS_IS_DEAD;
    /* A process whose first thread has left shows as a zombie too, but still
     * has other threads. */
    if ((proc.state == 'Z' || proc.state == 'X') && proc.threads <= 1)
        return PROCESS_IS_DEAD;
    return PROCESS_LIVES;
}

enum process_fate process_fate(const struct process_id *id)
{
    enum process_fate fate;
    int saved = errno;
    int state;

    process_token();
    if (id->pid == 0 || self.namespaces == 0 ||
        id->namespaces != self.namespaces)
        return PROCESS_UNKNOWN;
    /* open() and read() are cancellation points; the callers are not. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    fate = judge(id);
    pthread_setcancelstate(state, NULL);
    errno = saved;
    return fate;
}
