/* SPDX-License-Identifier: MIT */
/*
 * What the tests of io_uring share. They are built with a library whose default
 * is io_uring and whose sleeps have no cap: one lost wake-up hangs a test, and
 * an alarm ends it.
 *
 * Each test is a process of its own, since some change what that may do. A
 * program exits with 77 if the running kernel has no support.
 */
#ifndef SHMIPC_URING_TEST_H
#define SHMIPC_URING_TEST_H

#include "ring/atomics.h"
#include <errno.h>
#include <shmipc/ipc_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define must(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__,         \
                    #condition);                                               \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

enum { MEMORY = 8192, SKIPPED = 77 };

static const struct timespec ages = {.tv_sec = 20, .tv_nsec = 0};
static void *memory;

static inline IpcChannelConfiguration waiting_by(uint32_t wait)
{
    IpcChannelConfiguration c = {.max_round_trips = 1,
                                 .start_sleep_ns = 1000,
                                 .max_sleep_ns = 1000,
                                 .wait = wait,
                                 .spin_ns = IPC_CHANNEL_NO_SPIN};

    return c;
}

static inline IpcChannel *create(uint32_t wait)
{
    IpcChannelResult r;

    memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(memory != MAP_FAILED);
    r = ipc_channel_create(memory, MEMORY, waiting_by(wait));
    must(IpcChannelResult_is_ok(r));
    return r.result;
}

static inline IpcChannel *join(uint32_t wait)
{
    IpcChannelConnectResult r =
        ipc_channel_connect_sized(memory, MEMORY, waiting_by(wait));

    must(IpcChannelConnectResult_is_ok(r));
    return r.result;
}

static inline void send_number(IpcChannel *ch, uint32_t number)
{
    must(ipc_channel_write(ch, &number, sizeof number).ipc_status == IPC_OK);
}

static inline IpcStatus try_number(IpcChannel *ch, uint32_t *number)
{
    IpcEntry entry = {.payload = number, .size = sizeof *number};

    return ipc_channel_try_read_into(ch, &entry).ipc_status;
}

static inline IpcStatus wait_number(IpcChannel *ch, uint32_t *number,
                                    const struct timespec *timeout)
{
    IpcEntry entry = {.payload = number, .size = sizeof *number};

    return ipc_channel_read_into_with_timeout(ch, &entry, timeout).ipc_status;
}

static inline void pause_ns(int64_t ns)
{
    const struct timespec t = {.tv_sec = ns / 1000000000,
                               .tv_nsec = (long)(ns % 1000000000)};

    nanosleep(&t, NULL);
}

/* Every so often a time in which the reader goes to sleep. */
static inline void send_after_a_while(IpcChannel *ch, uint32_t number)
{
    for (uint32_t spins = (number * 2654435761u >> 20) % 3000; spins; spins--)
        atomic_cpu_relax();
    must(ipc_channel_write_blocking(ch, &number, sizeof number).ipc_status ==
         IPC_OK);
}

static inline void reap_child(pid_t child)
{
    int status;

    must(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

struct uring_test {
    const char *name;
    void (*run)(void);
};

#define URING_TEST(name)                                                       \
    {                                                                          \
#name, name                                                            \
    }

static inline bool is_supported(void)
{
    static unsigned char mem[MEMORY];
    IpcChannelResult r =
        ipc_channel_create(mem, MEMORY, waiting_by(IPC_WAIT_IO_URING));

    if (IpcChannelResult_is_ok(r))
        ipc_channel_destroy(r.result);
    return r.ipc_status != IPC_ERR_UNSUPPORTED;
}

static inline bool passes(void (*run)(void))
{
    int status = 1;
    pid_t child = fork();

    if (child == 0) {
        alarm(60);
        run();
        exit(0); /* with what the sanitizers have to say */
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static inline int run_uring_tests(const struct uring_test *tests, size_t count,
                                  int argc, char **argv)
{
    int failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!is_supported()) {
        printf("skipped: no io_uring with FUTEX_WAIT (Linux 6.7) here\n");
        return SKIPPED;
    }
    for (size_t i = 0; i < count; i++) {
        bool good;

        if (argc > 1 && strcmp(argv[1], tests[i].name) != 0)
            continue;
        good = passes(tests[i].run);
        printf("%s %s\n", good ? "ok    " : "FAILED", tests[i].name);
        failed += !good;
    }
    return failed != 0;
}

#endif
