/* SPDX-License-Identifier: MIT */
/*
 * What the unit tests share.
 *
 * must() takes the place of Criterion's own assertions: those send a message
 * for every success, which millions of checks cannot afford, and must not fail
 * in a forked child, which would hang the runner. A child that fails a must()
 * says so on stderr and exits with CHILD_FAILED.
 */
#ifndef TEST_HELPERS_H
#define TEST_HELPERS_H

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <shmipc/shmipc.h>

#include "ring/control.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) ||                                        \
    __has_feature(undefined_behavior_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { CHILD_FAILED = 99, ALL_MODES = 4 };

#define MILLISECOND INT64_C(1000000)
#define SECOND      INT64_C(1000000000)

static bool in_child;
static char fail_note[80]; /* goes with every failure: a seed, say */

__attribute__((noreturn, format(printf, 3, 4), unused)) static void
fail_at(const char *file, int line, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (in_child) {
        fprintf(stderr, "child: %s:%d: %s%s\n", file, line, text, fail_note);
        _exit(CHILD_FAILED);
    }
    cr_assert_fail("%s:%d: %s%s", file, line, text, fail_note);
    abort();
}

#define must(condition)                                                        \
    do {                                                                       \
        if (!(condition))                                                      \
            fail_at(__FILE__, __LINE__, "%s", #condition);                     \
    } while (0)

#define must_say(condition, ...)                                               \
    do {                                                                       \
        if (!(condition))                                                      \
            fail_at(__FILE__, __LINE__, __VA_ARGS__);                          \
    } while (0)

/* A status, or the status of a result. */
#define must_be(actual, wanted)                                                \
    do {                                                                       \
        IpcStatus status_is_ = (actual);                                       \
        IpcStatus status_should_ = (wanted);                                   \
        if (status_is_ != status_should_)                                      \
            fail_at(__FILE__, __LINE__, "%s is %s instead of %s", #actual,     \
                    ipc_status_name(status_is_),                               \
                    ipc_status_name(status_should_));                          \
    } while (0)

/* A result that is an error of one kind and explains itself. */
#define must_fail(r, wanted)                                                   \
    do {                                                                       \
        must_be((r).ipc_status, wanted);                                       \
        must((r).error.detail != NULL && *(r).error.detail != '\0');           \
    } while (0)

#define must_work(r) must_be((r).ipc_status, IPC_OK)

/* The result of a call that has to work: without that it is any number. */
#define result_of(call)                                                        \
    __extension__({                                                            \
        __auto_type answer_ = (call);                                          \
                                                                               \
        must_work(answer_);                                                    \
        answer_.result;                                                        \
    })

/* ---------------------------------------------------------------- memory */

static inline size_t up_to_line(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Bytes of a region with just so many blocks, at an aligned address. */
static inline size_t ring_size(uint32_t blocks, uint32_t owners)
{
    return up_to_line(sizeof(struct shm_region) +
                      owners * sizeof(struct shm_owner)) +
           up_to_line(blocks * sizeof(uint64_t)) + (size_t)blocks * 64;
}

/* Zeroed memory that children share; never freed, the test's end does that. */
static inline void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    must(memory != MAP_FAILED);
    return memory;
}

static inline IpcBuffer *make_ring(void *memory, uint32_t blocks,
                                   uint32_t owners, uint32_t flags)
{
    IpcBufferOptions options = {
        .struct_size = sizeof options, .flags = flags, .max_owners = owners};
    IpcBufferCreateResult r = ipc_buffer_create_with_options(
        memory, ring_size(blocks, owners), &options);

    must_work(r);
    return r.result;
}

/* The same in memory of its own, with owners for a few processes. */
static inline IpcBuffer *new_ring(uint32_t blocks, uint32_t flags,
                                  struct shm_region **region)
{
    void *memory = shared_memory(ring_size(blocks, 8));

    if (region)
        *region = memory;
    return make_ring(memory, blocks, 8, flags);
}

static inline IpcBuffer *attach_to(void *memory)
{
    IpcBufferAttachResult r = ipc_buffer_attach(memory);

    must_work(r);
    return r.result;
}

static inline uint64_t *control_of(struct shm_region *region, uint32_t block)
{
    size_t slots = region->identity.owner_count * sizeof(struct shm_owner);

    return (uint64_t *)(void *)((unsigned char *)region +
                                up_to_line(sizeof *region + slots)) +
           block;
}

/* The empty ring as it would be after so many laps; for handles that are made
 * afterwards. */
static inline void set_lap(struct shm_region *region, uint32_t blocks,
                           uint64_t lap)
{
    uint32_t bits = 0;

    while ((1U << bits) < blocks)
        bits++;
    /* Offsets are counted from lap 1 then. */
    atomic_put_relaxed(&region->identity.creation, 1);
    atomic_put_relaxed(&region->tail.position, lap << bits);
    atomic_put_relaxed(&region->head.position, lap << bits);
    for (uint32_t i = 0; i < blocks; i++)
        *control_of(region, i) =
            control_make((uint32_t)(lap - 1), 64, CONTROL_READY);
}

/* --------------------------------------------------------------- payload */

static inline unsigned char pattern_byte(uint64_t seed, size_t i)
{
    uint64_t x = (seed * 31 + i) * UINT64_C(0x9e3779b97f4a7c15);

    return (unsigned char)(x >> 56);
}

static inline void fill(void *to, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)to)[i] = pattern_byte(seed, i);
}

static inline bool is_filled(const void *from, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i++)
        if (((const unsigned char *)from)[i] != pattern_byte(seed, i))
            return false;
    return true;
}

static inline bool is_all(const void *from, size_t size, unsigned char value)
{
    for (size_t i = 0; i < size; i++)
        if (((const unsigned char *)from)[i] != value)
            return false;
    return true;
}

static inline void must_write(IpcBuffer *b, size_t size, uint64_t seed)
{
    unsigned char data[4096];

    must(size <= sizeof data);
    fill(data, size, seed);
    must_work(ipc_buffer_write(b, data, size));
}

/* Reads one entry that must_write() wrote; returns its offset. */
static inline uint64_t must_read(IpcBuffer *b, size_t size, uint64_t seed)
{
    unsigned char data[4096];
    IpcEntry entry = {.payload = data, .size = sizeof data};

    must_work(ipc_buffer_read(b, &entry));
    must_say(entry.size == size, "entry of %zu bytes instead of %zu",
             entry.size, size);
    must(is_filled(data, size, seed));
    return entry.offset;
}

static inline IpcStatus try_to_read(IpcBuffer *b)
{
    unsigned char data[4096];
    IpcEntry entry = {.payload = data, .size = sizeof data};

    return ipc_buffer_read(b, &entry).ipc_status;
}

static inline IpcBufferStats stats_of(const IpcBuffer *b)
{
    IpcBufferStats stats = {.struct_size = sizeof stats};

    must_work(ipc_buffer_stats(b, &stats));
    return stats;
}

/* A fast generator: same numbers everywhere for the same seed. */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint32_t random_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)((next_random(state) >> 32) * limit >> 32);
}

/* ------------------------------------------------------------------ time */

static inline int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

static inline struct timespec as_timespec(int64_t ns)
{
    struct timespec time = {.tv_sec = (time_t)(ns / SECOND),
                            .tv_nsec = (long)(ns % SECOND)};

    return time;
}

static inline void pause_ns(int64_t ns)
{
    struct timespec left = as_timespec(ns);

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

/* --------------------------------------------------------------- children */

/* A counter that parent and child wait for. */
struct gate {
    atomic_u32 step;
};

static inline struct gate *make_gate(void)
{
    return shared_memory(sizeof(struct gate));
}

static inline void gate_open(struct gate *gate, uint32_t step)
{
    atomic_put_release(&gate->step, step);
}

static inline void gate_wait(struct gate *gate, uint32_t step)
{
    int64_t end = now_ns() + 20 * SECOND;

    while (atomic_get_acquire(&gate->step) < step) {
        must_say(now_ns() < end, "waited in vain for step %u", step);
        pause_ns(MILLISECOND / 10);
    }
}

/* fork(); the child never outlives the test. */
static inline pid_t fork_child(void)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        in_child = true;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    return pid;
}

__attribute__((noreturn)) static inline void child_done(void)
{
    _exit(0);
}

/* Waits for the child, which must have succeeded. */
static inline void must_succeed(pid_t pid)
{
    int status;

    must(waitpid(pid, &status, 0) == pid);
    must_say(!WIFSIGNALED(status), "child killed by signal %d",
             WTERMSIG(status));
    must_say(WEXITSTATUS(status) == 0, "child exited with %d",
             WEXITSTATUS(status));
}

static inline void kill_child(pid_t pid)
{
    int status;

    must(kill(pid, SIGKILL) == 0);
    must(waitpid(pid, &status, 0) == pid);
}

/* Kills it and leaves the zombie. */
static inline void make_zombie(pid_t pid)
{
    siginfo_t info;

    must(kill(pid, SIGKILL) == 0);
    must(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
}

/* With root's rights nothing would be forbidden. */
static inline void become(uid_t user)
{
    must(setgid(user) == 0 && setuid(user) == 0);
}

__attribute__((noreturn)) static inline void sleep_for_ever(void)
{
    for (;;)
        pause();
}

#endif
