/* SPDX-License-Identifier: MIT */
/*
 * Every allocation and system call that an operation makes fails once: the
 * first in one run, the second in the next, until a run makes none that has not
 * failed yet. Each time the operation says what is wrong or does without, and
 * leaves no memory, descriptor or name behind; after that it works.
 */
#include "../self.h"
#include "operations.h"
#include <sys/mount.h>
#include <sys/resource.h>

enum { CALLS_MAX = 200 };

/* ---------------------------------------------------------------- running */

/* What the first call of a process makes for all that follow; in a scene of its
 * own, which it may change. */
static int pieces_kept(bool (*act)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        long before;

        set_scene();
        before = in_use;
        must(act());
        _exit((int)(in_use - before));
    }
    must(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    /* Less than none: what liburing takes is not counted, what is given back to
     * it is. */
    return (int8_t)WEXITSTATUS(status) > 0 ? WEXITSTATUS(status) : 0;
}

/* In a process of its own, whose first calls these are. 0: a call failed, and
 * all is well; 2: there were not so many. */
static int try(bool (*act)(void), int n)
{
    int kept = pieces_kept(act);
    int before;
    long memory_before;

    set_scene();
    before = open_descriptors();
    fails_at = n;
    memory_before = in_use;
    counts = true;
    act();
    counts = false;
    if (!tally->failed)
        _exit(2);
    must(in_use <= memory_before + kept);
    must(open_descriptors() <= before + cannot_be_told());
    must(shm_open(name, O_RDONLY, 0) < 0 && errno == ENOENT);
    /* What a failed message left is not for the next. */
    while (recv(sockets[1], memory, sizeof memory, MSG_DONTWAIT) > 0 ||
           recv(streams[1], memory, sizeof memory, MSG_DONTWAIT) > 0)
        continue;
    must(act());
    _exit(0);
}

/* /dev/shm with room for little, which others do not see. */
static void use_up_memory(void)
{
    IpcMemorySegmentResult r;

    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/dev/shm", "tmpfs", 0, "size=64k") != 0) {
        puts("a full /dev/shm: left out, a mount is not permitted");
        _exit(0);
    }
    r = ipc_mmap(name, 1 << 20);
    must(r.ipc_status == IPC_ERR_SYSTEM && r.error.body.sys_errno == ENOSPC);
    must(shm_open(name, O_RDONLY, 0) < 0 && errno == ENOENT);
    r = ipc_mmap(name, SIZE);
    must(r.ipc_status == IPC_OK);
    must(ipc_unlink(r.result).ipc_status == IPC_OK);
    puts("a full /dev/shm is an error and leaves no name");
    fflush(stdout);
    _exit(0);
}

static void use_up_descriptors(void)
{
    const struct rlimit few = {3, 3};

    must(setrlimit(RLIMIT_NOFILE, &few) == 0);
    must(!do_segment() && !use_channel(IPC_WAIT_EVENTFD));
    polls = false;
    must(do_buffer() && use_channel(IPC_WAIT_DEFAULT));
    puts("without descriptors what needs one says so, and the rest works");
    fflush(stdout);
    _exit(0);
}

static bool succeeds(void (*run)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        alarm(20);
        own_name(name, "failing");
        run();
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

/* All that is made in any build has failed once, or this tests less than it
 * says. Which names they have is the C library's business: with 64 or without.
 */
static bool all_have_failed(void)
{
    static const char *const calls[] = {
        "malloc", "calloc",     "strdup",   "open",    "fcntl",   "read",
        "mmap",   "munmap",     "fstat",    "stat",    "fchmod",  "fchown",
        "pread",  "sendmsg",    "recvmsg",  "poll",    "dup3",    "getrandom",
        "kill",   "shm_unlink", "shm_open", "madvise", "syscall", "readlink",
        "flock",  "ftruncate",  "lseek",    "mlock"};
    char wide[32];
    bool all = true;

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        snprintf(wide, sizeof wide, "%s64", calls[i]);
        if (was_seen(calls[i]) || was_seen(wide))
            continue;
        printf("%s never failed\n", calls[i]);
        all = false;
    }
    return all;
}

int main(void)
{
    bool good;

    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(tally != MAP_FAILED);
    good = succeeds(use_up_memory) && succeeds(use_up_descriptors);

    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        int n = 1, status = 0;

        for (; n <= CALLS_MAX && (status == 0 || status == 1 << 8); n++) {
            pid_t pid;

            tally->calls = 0;
            tally->failed = NULL;
            fflush(stdout);
            pid = fork();
            if (pid == 0) {
                alarm(20);
                try(operations[i].act, n);
            }
            waitpid(pid, &status, 0);
            if (status != 0 && status != 2 << 8) {
                printf("%s: status %d\n", operations[i].name, status);
                good = false;
                if (status != 1 << 8)
                    break;
            }
        }
        printf("%s: %d calls failed in turn\n", operations[i].name, n - 2);
        good &= n > 2;
    }
    return good && all_have_failed() ? EXIT_SUCCESS : EXIT_FAILURE;
}
