/* SPDX-License-Identifier: MIT */
/*
 * What the programs of this folder share: each runs its cases in children, and
 * exits with 77 if one of them is not permitted here.
 */
#ifndef BORDER_TEST_H
#define BORDER_TEST_H

#include "../own_name.h"
#include <errno.h>
#include <sched.h>
#include <shmipc/shmipc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 65536, SKIPPED = 77, OWNERS = 4 };

static char name[OWN_NAME_ROOM];
#define must(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);             \
            fflush(stdout);                                                    \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

static inline IpcMemorySegment *map(void)
{
    IpcMemorySegmentResult r = ipc_mmap(name, SIZE);

    must(r.ipc_status == IPC_OK);
    return r.result;
}

/* That the options name, if there is one. */
static int memory_fd;

static inline IpcBufferOptions options_for(uint32_t flags)
{
    IpcBufferOptions options = {0};

    options.struct_size = sizeof options;
    options.flags = flags;
    options.max_owners = OWNERS;
    options.memory_fd = memory_fd;
    if (memory_fd)
        options.flags |= IPC_BUFFER_HAS_MEMORY_FD;
    return options;
}

static inline IpcBuffer *attach(void *memory)
{
    IpcBufferOptions options = options_for(0);
    IpcBufferAttachResult r =
        ipc_buffer_attach_with_options(memory, SIZE, &options);

    must(r.ipc_status == IPC_OK);
    return r.result;
}

static inline IpcBuffer *create(void *memory, uint32_t flags)
{
    IpcBufferOptions options = options_for(flags);
    IpcBufferCreateResult r;

    r = ipc_buffer_create_with_options(memory, SIZE, &options);
    must(r.ipc_status == IPC_OK);
    return r.result;
}

static inline IpcStatus write_to(IpcBuffer *b)
{
    return ipc_buffer_write(b, "x", 1).ipc_status;
}

static inline void reserve_in(IpcBuffer *b)
{
    IpcReservation r;

    must(ipc_buffer_reserve(b, 8, &r).ipc_status == IPC_OK);
}

static int namespaces = CLONE_NEWPID;

/* As fork(), as the first process of a pid namespace of its own. */
static inline pid_t fork_into_namespace(void)
{
    long pid;

    fflush(stdout);
    pid = syscall(SYS_clone, namespaces | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid < 0) {
        printf("SKIP: no such namespaces here: %s\n", strerror(errno));
        exit(SKIPPED);
    }
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return (pid_t)pid;
}

static void (*what_then)(void);

/* One in a namespace of its own, which has mapped the segment for itself, or
 * writes into what it has inherited, and then goes on as told. */
static inline pid_t stranger(void *inherited, void (*does)(IpcBuffer *))
{
    int ready[2];
    char byte;
    pid_t pid;

    must(pipe(ready) == 0);
    pid = fork_into_namespace();
    if (pid == 0) {
        does(attach(inherited ? inherited : map()->memory));
        must(write(ready[1], "r", 1) == 1);
        if (what_then)
            what_then();
        for (;;)
            pause();
    }
    close(ready[1]);
    must(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    return pid;
}

/* A result is there only if all went well. */
static inline bool removes_something(IpcBuffer *b)
{
    IpcBufferRecoverResult r = ipc_buffer_recover(b);

    return r.ipc_status == IPC_OK && r.result > 0;
}

/* Sooner or later. */
static inline void must_remove_something(IpcBuffer *b)
{
    bool removed = false;

    for (int i = 0; i < 2000 && !removed; i++) {
        removed = removes_something(b);
        if (!removed)
            usleep(10000);
    }
    must(removed);
}

static inline void writes(IpcBuffer *b)
{
    must(write_to(b) == IPC_OK);
}

static inline void kill_it(pid_t pid)
{
    must(kill(pid, SIGKILL) == 0);
    must(waitpid(pid, NULL, 0) == pid);
}

/* Dead, but nobody has asked how. */
static inline void leave_a_zombie(pid_t pid)
{
    siginfo_t info;

    must(kill(pid, SIGKILL) == 0);
    must(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
}

/* -------------------------------------------------------------------- main */

struct border_case {
    const char *name;
    void (*run)(void);
};

#define CASE(f)                                                                \
    {                                                                          \
#f, f                                                                  \
    }

static inline int run_case(const struct border_case *what)
{
    pid_t pid;
    int status;

    own_name(name, "borders");
    fflush(stdout);
    pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        alarm(60);
        what->run();
        fflush(stdout);
        _exit(0);
    }
    must(waitpid(pid, &status, 0) == pid);
    shm_unlink(name);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
        return SKIPPED;
    printf("%s %s\n", status ? "FAIL" : "ok", what->name);
    return status != 0;
}

/* The exit status of the program. */
static inline int run_cases(const struct border_case *cases, unsigned count)
{
    int failed = 0, skipped = 0;

    for (unsigned i = 0; i < count; i++) {
        int got = run_case(&cases[i]);

        failed += got == 1;
        skipped += got == SKIPPED;
    }
    return failed ? 1 : skipped ? SKIPPED : 0;
}

#endif
