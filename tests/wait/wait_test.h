/* SPDX-License-Identifier: MIT */
/*
 * What the tests of waiting share: memory, channels and second processes.
 * These are plain programs, so that they run under every sanitizer.
 */
#ifndef SHMIPC_WAIT_TEST_H
#define SHMIPC_WAIT_TEST_H

#include <shmipc/ipc_channel.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAYS_END = IPC_WAIT_IO_URING + 1 };

static const char *const way_names[WAYS_END] = {"default", "futex", "sleep",
                                                "eventfd", "io_uring"};

static const struct timespec patience = {.tv_sec = 20, .tv_nsec = 0};

/* Ends the process: also right for a forked child. */
#define CHECK(what, ...)                                                       \
    do {                                                                       \
        if (!(what)) {                                                         \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #what);         \
            fprintf(stderr, __VA_ARGS__);                                      \
            fprintf(stderr, "\n");                                             \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)
#define CHECK_STATUS(got, expected)                                            \
    CHECK((got) == (expected), "%s", ipc_status_name(got))

static inline IpcChannelConfiguration configuration_of(uint32_t wait)
{
    IpcChannelConfiguration c = {.max_round_trips = 100,
                                 .start_sleep_ns = 1000,
                                 .max_sleep_ns = 50000,
                                 .wait = wait};

    return c;
}

/* A channel's memory, and a handle. */
struct shared {
    int fd;
    size_t size;
    void *memory;
    IpcChannel *channel;
};

static inline int make_memory(size_t size)
{
    int fd = memfd_create("wait-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    CHECK(fd >= 0 && ftruncate(fd, (off_t)size) == 0, "no memory");
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0, "no seal");
    return fd;
}

/* False: that way of waiting is not to be had here. */
static inline bool make_channel(struct shared *s, size_t capacity,
                                uint32_t wait)
{
    IpcChannelResult r;

    s->size = (size_t)ipc_channel_align_size(capacity);
    s->fd = make_memory(s->size);
    s->memory =
        mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
    CHECK(s->memory != MAP_FAILED, "mmap");
    r = ipc_channel_create(s->memory, s->size, configuration_of(wait));
    s->channel = r.ipc_status == IPC_OK ? r.result : NULL;
    if (r.ipc_status == IPC_OK)
        return true;
    CHECK_STATUS(r.ipc_status, IPC_ERR_UNSUPPORTED);
    munmap(s->memory, s->size);
    close(s->fd);
    return false;
}

static inline void drop_channel(struct shared *s)
{
    ipc_channel_destroy(s->channel);
    munmap(s->memory, s->size);
    close(s->fd);
}

/* Words that forked processes share. */
static inline _Atomic uint64_t *make_words(void)
{
    void *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(words != MAP_FAILED, "mmap");
    return words;
}

static inline void await(_Atomic uint64_t *word, uint64_t value)
{
    for (long i = 0; atomic_load(word) < value; i++) {
        if (i % 64 == 63)
            sched_yield();
        CHECK(i < 200000000, "the others are gone or stuck");
    }
}

static inline void spin_for(int64_t ns)
{
    struct timespec start, now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * INT64_C(1000000000) + now.tv_nsec -
                 start.tv_nsec <
             ns);
}

/* How another process gets its handle. */
enum joining { INHERIT, CONNECT, ACCEPT };

static const char *const joining_names[] = {"inherited", "connected",
                                            "accepted"};

static inline void share(struct shared *s, int socket)
{
    IpcChannelShareResult r =
        ipc_channel_share(s->channel, socket, s->fd, s->size);

    CHECK_STATUS(r.ipc_status, IPC_OK);
}

/* In the child. */
static inline IpcChannel *join_channel(struct shared *s, enum joining how,
                                       uint32_t wait, int socket)
{
    if (how == CONNECT) {
        IpcChannelConnectResult r = ipc_channel_connect_sized(
            s->memory, s->size, configuration_of(wait));

        CHECK_STATUS(r.ipc_status, IPC_OK);
        return r.result;
    }
    if (how == ACCEPT) {
        IpcChannelAcceptResult r =
            ipc_channel_accept(socket, configuration_of(wait));

        CHECK_STATUS(r.ipc_status, IPC_OK);
        return r.result.channel;
    }
    return s->channel;
}

static inline void reap_child(pid_t child)
{
    int status;

    CHECK(waitpid(child, &status, 0) == child, "waitpid");
    CHECK(status == 0, "the other process failed: %d", status);
}

/* Whether a channel can be made that waits like this; says if not. */
static inline bool is_possible(uint32_t wait)
{
    struct shared s;
    bool possible = make_channel(&s, 1024, wait);

    if (possible)
        drop_channel(&s);
    else
        printf("skipped: %s is not built or not supported by the kernel\n",
               way_names[wait]);
    return possible;
}

#endif
