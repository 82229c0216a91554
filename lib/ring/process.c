/* SPDX-License-Identifier: MIT */
#include "ring/process.h"

#include "backing.h"
#include "cancel.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/*
 * The token, and a word that says that no fork came since (backing.h), live on
 * a page of its own that the kernel empties in a forked child
 * (MADV_WIPEONFORK), which also covers children made by a bare clone(). Where
 * that is missing (qemu-user, kernels before 4.14) the fork handler empties it.
 */
atomic_u64 *_Atomic process_token_page;
atomic_u32 process_has_membarrier;
static pthread_mutex_t self_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_u32 handle_counter;

enum {
    STATE_FIELD = 3,
    THREADS_FIELD = 20,
    START_FIELD = 22,
    STACK_FIELD = 28,
};

/* What is known of ourselves, under the lock. */
static struct {
    struct process_id id;
    bool has_proc;   /* /proc numbers processes as we do, and can be read */
    bool incomplete; /* descriptors or memory had run out: look again */
} self;

struct proc_stat {
    char state;
    unsigned long threads;
    unsigned long long start_time;
    unsigned long long stack;
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
    const char *stack = stat_field(line, STACK_FIELD);

    if (!state || !threads || !start)
        return false;
    stat->state = *state;
    stat->threads = strtoul(threads, NULL, 10);
    stat->start_time = strtoull(start, NULL, 10);
    stat->stack = stack ? strtoull(stack, NULL, 10) : 0;
    return true;
}

/* Whether what could not be opened or looked at may work another time. */
static bool is_passing(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/* The text of a file, or -1. */
static ssize_t read_text(const char *path, char *to, size_t size,
                         bool only_of_proc)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct statfs where;
    ssize_t got = -1;
    int error;

    if (fd < 0)
        return -1;
    if (!only_of_proc ||
        (fstatfs(fd, &where) == 0 && where.f_type == PROC_SUPER_MAGIC))
        got = read(fd, to, size - 1);
    error = got < 0 ? errno : 0;
    close(fd);
    errno = error;
    to[got > 0 ? got : 0] = '\0';
    return got;
}

/* The stat of a process's first thread, which stays when that thread has left
 * before the others. Everybody reads this one path, for themselves and for
 * others: emulators make up a /proc/self/stat that differs from it. */
static bool read_stat(uint32_t pid, struct proc_stat *stat)
{
    char path[64];
    char line[1024];

    snprintf(path, sizeof path, "/proc/%u/task/%u/stat", pid, pid);
    return read_text(path, line, sizeof line, false) > 0 &&
           strtoul(line, NULL, 10) == pid && parse_stat(line, stat);
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

/* ------------------------------------------------------- finding ourselves */

/* Where the stack begins, as few bits as tell two programs apart: others are
 * not to learn where it is. exec() puts it elsewhere. */
static uint64_t hash_stack(uint64_t address)
{
    uint64_t x = (address >> 4) * UINT64_C(0x9e3779b97f4a7c15);

    return address == 0 ? 0 : 1 + (x >> 48);
}

static void note_failure(void)
{
    if (is_passing(errno))
        self.incomplete = true;
}

/*
 * The kernel numbers namespaces upwards, the lowest free number first; the
 * initial one has a number a little below all others. So 27 bits have room for
 * more than there can be, no two that exist at once share a number, and what
 * does not fit is unknown.
 */
static uint32_t find_pid_namespace(void)
{
    struct stat file;

    if (stat("/proc/self/ns/pid", &file) != 0) {
        note_failure();
        return 0;
    }
    return process_namespace_number((uint64_t)file.st_ino);
}

uint32_t process_namespace_number(uint64_t inode)
{
    const uint64_t first = PROCESS_NAMESPACE_FIRST;

    return inode > first && inode - first < UINT32_C(1) << 27
               ? (uint32_t)(inode - first)
               : 0;
}

/* The kernel reports start times in the reader's time namespace, so they can be
 * compared only within one. A kernel without such has one clock: 1, which is no
 * inode's number. */
static uint32_t find_time_namespace(void)
{
    struct stat file;

    if (stat("/proc/self/ns/time", &file) == 0)
        return file.st_ino <= UINT32_MAX ? (uint32_t)file.st_ino : 0;
    note_failure();
    return errno == ENOENT && self.id.pid_namespace ? 1 : 0;
}

/* Containers can have a file of their own there, which says nothing about the
 * kernel: then it is not on procfs. */
static uint32_t find_boot(void)
{
    char text[64];
    uint32_t hash = 2166136261;

    if (read_text("/proc/sys/kernel/random/boot_id", text, sizeof text, true) <=
        0) {
        note_failure();
        return 0;
    }
    for (const char *c = text; *c && *c != '\n'; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619;
    return hash ? hash : 1;
}

static void find_start(void)
{
    struct proc_stat proc;

    self.has_proc = proc_is_ours(self.id.pid);
    errno = 0;
    if (self.has_proc && read_stat(self.id.pid, &proc) && proc.start_time > 1) {
        self.id.start_time = proc.start_time;
        self.id.stack = hash_stack(proc.stack);
    } else {
        note_failure();
    }
}

/* A number that a program has from the kernel from exec() on. It is not to tell
 * others what the kernel gave, from which canaries are made: so it goes through
 * a function that cannot be undone (SipHash of nothing, with that as the key).
 */
static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static uint64_t find_image(void)
{
    const void *random = /* NOLINTNEXTLINE(*-no-int-to-ptr) */
        (const void *)(uintptr_t)getauxval(AT_RANDOM);
    uint64_t key[2] = {0};
    uint64_t v[4];

    if (!random)
        return 1; /* nothing is known: all have the same */
    memcpy(key, random, sizeof key);
    v[0] = key[0] ^ UINT64_C(0x736f6d6570736575);
    v[1] = key[1] ^ UINT64_C(0x646f72616e646f6d);
    v[2] = key[0] ^ UINT64_C(0x6c7967656e657261);
    v[3] = key[1] ^ UINT64_C(0x7465646279746573);
    for (int i = 0; i < 6; i++) {
        if (i == 2)
            v[2] ^= 0xff;
        sip_round(v);
    }
    v[0] ^= v[1] ^ v[2] ^ v[3];
    return v[0] ? v[0] : 1;
}

/* What is known stays as it is; called with the lock held. */
static void complete_self(void)
{
    self.incomplete = false;
    if (!self.id.pid_namespace)
        self.id.pid_namespace = find_pid_namespace();
    if (!self.id.time_namespace)
        self.id.time_namespace = find_time_namespace();
    if (!self.id.boot)
        self.id.boot = find_boot();
    if (self.id.start_time == 1)
        find_start();
}

static void find_self(void)
{
    memset(&self, 0, sizeof self);
    self.id.pid = (uint32_t)getpid();
    self.id.start_time = 1;
    self.id.image = find_image();
    complete_self();
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
    /* Relaxed: published by the next store. */
    atomic_put_relaxed((atomic_u64 *)page + 1, 1);
    /* Release [page]: it is mapped and empty. */
    atomic_put_release(&process_token_page, page);
    return true;
}

uint64_t process_token_make(void)
{
    uint64_t token = 0;
    int saved = errno;
    int state = cancel_disable();
    /* Acquire [page]: it is mapped. */
    atomic_u64 *old = atomic_get_acquire(&process_token_page);

    if (old)
        backing_after_fork(old + 1);
    lock_self();
    /* Relaxed: both words are only changed under the lock. */
    if (atomic_get_relaxed(&process_token_page) || make_page()) {
        atomic_u64 *page = atomic_get_relaxed(&process_token_page);

        token = atomic_get_relaxed(page);
        if (!token) {
            find_self();
            register_membarrier();
            token = self.id.start_time << 22 | self.id.pid;
            /* Release [token]: `self`. */
            atomic_put_release(page, token);
        }
        errno = saved;
    }
    unlock_self();
    cancel_restore(state);
    return token;
}

/* *has_proc: whether others can be looked at. */
static struct process_id look_at_self(bool *has_proc)
{
    struct process_id id;
    int saved = errno;
    int state;

    process_token();
    state = cancel_disable();
    lock_self();
    if (self.incomplete)
        complete_self();
    id = self.id;
    *has_proc = self.has_proc;
    unlock_self();
    cancel_restore(state);
    errno = saved;
    return id;
}

struct process_id process_self(void)
{
    bool has_proc;

    return look_at_self(&has_proc);
}

uint64_t process_now(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int64_t process_clock(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
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
    int state = cancel_disable();
    uint64_t number = 0;

    if (getrandom(&number, sizeof number, GRND_NONBLOCK) !=
        (ssize_t)sizeof number)
        number = make_number();
    cancel_restore(state);
    errno = saved;
    while (number == 0 || number == last)
        number++;
    return number;
}

/* Whether it may be this process. Two copies of the library in one program
 * find the same. What was not known when a slot was taken, may be now. */
static bool may_be_us(const struct process_id *me, const struct process_id *id)
{
    if (id->pid != me->pid || (id->pid_namespace != me->pid_namespace &&
                               id->pid_namespace && me->pid_namespace))
        return false;
    if (id->image == 0)
        return true;
    return id->image == me->image &&
           (id->start_time == me->start_time || id->start_time <= 1 ||
            me->start_time <= 1);
}

static bool same_clock(const struct process_id *me, const struct process_id *id)
{
    return me->time_namespace && id->time_namespace == me->time_namespace;
}

/* One of our pid namespace, by what is there now under its pid. */
static enum process_fate judge_by_proc(const struct process_id *me,
                                       const struct process_id *id)
{
    struct proc_stat proc;
    uint64_t stack;

    if (!read_stat(id->pid, &proc))
        return PROCESS_SEEMS_ALIVE; /* hidden (hidepid), or just gone */
    if (id->start_time > 1 && same_clock(me, id) &&
        proc.start_time != id->start_time)
        return PROCESS_IS_DEAD;
    /* A process whose first thread has left shows as a zombie too, but still
     * has other threads. */
    if ((proc.state == 'Z' || proc.state == 'X') && proc.threads <= 1)
        return PROCESS_IS_DEAD;
    stack = hash_stack(proc.stack);
    if (id->stack && stack && id->stack != stack)
        return PROCESS_IS_DEAD; /* exec(), or another process */
    if (id->start_time > 1 && !same_clock(me, id))
        return PROCESS_UNKNOWN;
    return id->start_time > 1 && id->stack && stack ? PROCESS_LIVES
                                                    : PROCESS_SEEMS_ALIVE;
}

static enum process_fate judge(const struct process_id *me, bool has_proc,
                               const struct process_id *id)
{
    if (may_be_us(me, id))
        return PROCESS_LIVES;
    if (id->pid == 0)
        return PROCESS_UNKNOWN; /* nobody's */
    if (id->boot && me->boot && id->boot != me->boot)
        return PROCESS_IS_DEAD;
    if (id->pid_namespace == 0 || id->pid_namespace != me->pid_namespace)
        return PROCESS_UNKNOWN;
    if (id->pid == me->pid && id->start_time > 1 &&
        id->start_time == me->start_time && id->image != me->image)
        return PROCESS_IS_DEAD; /* we were that, before exec() */
    if (kill((pid_t)id->pid, 0) != 0 && errno == ESRCH)
        return PROCESS_IS_DEAD;
    return has_proc ? judge_by_proc(me, id) : PROCESS_SEEMS_ALIVE;
}

enum process_fate process_fate(const struct process_id *id)
{
    enum process_fate fate;
    int saved = errno;
    int state = cancel_disable();
    bool has_proc;
    struct process_id me = look_at_self(&has_proc);

    fate = judge(&me, has_proc, id);
    cancel_restore(state);
    errno = saved;
    return fate;
}
