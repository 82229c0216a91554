/* SPDX-License-Identifier: MIT */
#include "machine.h"
#include "command.h"
#include "proc.h"
#include "ring/atomics.h"
#include "shmipc_config.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/membarrier.h>
#include <shmipc/ipc_channel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Less than this is what containers are given by default. */
#define SMALL_BYTES   (UINT64_C(64) << 20)
#define LITTLE_MEMORY (UINT64_C(8) << 20)

/* ------------------------------------------------------------- system calls */

static void judge_membarrier(struct findings *to)
{
    long known = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    int error = errno;

    if (known >= 0 && (known & MEMBARRIER_CMD_GLOBAL_EXPEDITED))
        return;
    finding_add(to, FINDING_WARNING, "no-membarrier",
                finding_say("membarrier is not to be had (%s): every write and "
                            "read passes a fence of its own, which makes the "
                            "short ones slower",
                            known < 0 ? strerror(error)
                                      : "the kernel is older than 4.16"),
                finding_say("allow the system call membarrier in the seccomp "
                            "profile of the container, or use a newer kernel"));
}

/* Nothing is made: there is no ring without entries. */
static void judge_io_uring(struct findings *to)
{
    int error = syscall(SYS_io_uring_setup, 0, NULL) < 0 ? errno : 0;
    bool is_needed = SHMIPC_DEFAULT_WAIT == IPC_WAIT_IO_URING;

    if (error != EPERM && error != ENOSYS && error != EACCES)
        return;
    finding_add(
        to, is_needed ? FINDING_WARNING : FINDING_NOTE, "no-io-uring",
        finding_say("io_uring is %s: channels that wait by "
                    "IPC_WAIT_IO_URING cannot be made",
                    error == ENOSYS ? "not in this kernel" : "forbidden"),
        finding_say("the default, IPC_WAIT_FUTEX, needs none; else "
                    "`sysctl kernel.io_uring_disabled=0`, and a "
                    "seccomp profile that allows it"));
}

/* ------------------------------------------------------------------- memory */

static void judge_room(const char *directory, const struct statvfs *fs,
                       struct findings *to)
{
    uint64_t total = (uint64_t)fs->f_blocks * fs->f_frsize;
    uint64_t left = (uint64_t)fs->f_bavail * fs->f_frsize;
    char has[COMMAND_TEXT_MAX], is_left[COMMAND_TEXT_MAX];

    if (total > 0 && left < total / 10)
        finding_add(to, FINDING_WARNING, "shm-full",
                    finding_say("%s is nearly full: %s of %s are left",
                                directory, command_format_size(left, is_left),
                                command_format_size(total, has)),
                    finding_say("`shmipc prune` removes what the dead left, "
                                "`mount -o remount,size=... %s` makes it "
                                "larger",
                                directory));
    if (total > 0 && total <= SMALL_BYTES)
        finding_add(to, FINDING_WARNING, "shm-small",
                    finding_say("%s has room for %s only: a segment that does "
                                "not fit is refused with ENOSPC",
                                directory, command_format_size(total, has)),
                    finding_say("`docker run --shm-size=1g`, or `mount -o "
                                "remount,size=1g %s`",
                                directory));
    if (fs->f_files > 0 && fs->f_favail < fs->f_files / 20)
        finding_add(to, FINDING_WARNING, "shm-no-inodes",
                    finding_say("%s has room for %" PRIu64 " more files only",
                                directory, (uint64_t)fs->f_favail),
                    finding_say("`shmipc ls --all` shows what is there"));
    if (fs->f_flag & ST_RDONLY)
        finding_add(to, FINDING_WARNING, "shm-read-only",
                    finding_say("%s is mounted for reading only", directory),
                    NULL);
}

static void judge_directory(const char *directory, struct findings *to)
{
    struct statvfs fs;

    if (statvfs(directory, &fs) != 0) {
        finding_add(to, FINDING_ERROR, "no-shm",
                    finding_say("%s cannot be used (%s): there are no segments "
                                "by name",
                                directory, strerror(errno)),
                    finding_say("`mount -t tmpfs tmpfs %s`", directory));
        return;
    }
    judge_room(directory, &fs, to);
    if (access(directory, W_OK | X_OK) != 0 && !(fs.f_flag & ST_RDONLY))
        finding_add(
            to, FINDING_WARNING, "shm-forbidden",
            finding_say("this user may not create files in %s", directory),
            finding_say("`chmod 1777 %s`", directory));
}

static void judge_limits(struct findings *to)
{
    struct rlimit limit;
    char text[COMMAND_TEXT_MAX];

    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && geteuid() != 0 &&
        limit.rlim_cur < LITTLE_MEMORY)
        finding_add(to, FINDING_NOTE, "memlock",
                    finding_say("this user may lock %s of memory only, which "
                                "counts for segments that are to be locked",
                                command_format_size(limit.rlim_cur, text)),
                    finding_say("`ulimit -l`, /etc/security/limits.conf, or "
                                "LimitMEMLOCK= of the service"));
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < SMALL_BYTES)
        finding_add(to, FINDING_WARNING, "fsize",
                    finding_say("this user may make files of %s only: a larger "
                                "segment is refused with EFBIG",
                                command_format_size(limit.rlim_cur, text)),
                    finding_say("`ulimit -f unlimited`"));
}

/* -------------------------------------------------------------- namespaces */

static void judge_proc(struct findings *to)
{
    char link[16];
    ssize_t got = readlink("/proc/self", link, sizeof link - 1);

    link[got > 0 ? got : 0] = '\0';
    if (got > 0 && atoi(link) == (int)getpid())
        return;
    finding_add(
        to, FINDING_WARNING, "no-proc",
        finding_say("/proc is %s: that a process has died, and its pid "
                    "is another's by now, cannot be told",
                    got > 0 ? "that of another pid namespace" : "not mounted"),
        finding_say("`mount -t proc proc /proc` in this namespace"));
}

/* A container: its pids are others than those outside. */
static void judge_namespace(struct findings *to)
{
    /* The number of the first one is the kernel's own. */
    const uint64_t first = UINT64_C(0xeffffffc);
    uint64_t ours = proc_pid_namespace();

    if (ours == 0 || ours == first)
        return;
    finding_add(to, FINDING_NOTE, "pid-namespace",
                finding_say("this is a pid namespace of its own (%" PRIu64
                            "): who shares a segment with others outside, or "
                            "with other containers, cannot judge them by their "
                            "pids",
                            ours),
                finding_say("open segments by name, or tell memory_fd: then "
                            "the kernel's locks prove who is dead; or share "
                            "the pid namespace (`docker run --pid=...`)"));
}

/* ------------------------------------------------------------------ systemd */

static bool says_remove(const char *path)
{
    FILE *file = fopen(path, "re");
    char line[256];
    bool found = false;

    while (file && fgets(line, sizeof line, file)) {
        const char *at = line + strspn(line, " \t");

        if (strncmp(at, "RemoveIPC=", 10) == 0)
            found = strncmp(at + 10, "no", 2) != 0 && at[10] != '0' &&
                    at[10] != 'f';
    }
    if (file)
        fclose(file);
    return found;
}

/* It is what it is unless it was told otherwise. */
static void judge_logout(struct findings *to)
{
    bool removes = access("/run/systemd/seats", F_OK) == 0 &&
                   (access("/etc/systemd/logind.conf", F_OK) != 0 ||
                    says_remove("/etc/systemd/logind.conf"));

    if (removes && geteuid() >= 1000)
        finding_add(to, FINDING_NOTE, "remove-ipc",
                    finding_say("systemd removes a user's segments when he "
                                "logs out for good (RemoveIPC)"),
                    finding_say("run what is to stay as a system user, `loginc"
                                "tl enable-linger`, or set RemoveIPC=no in "
                                "logind.conf"));
}

void machine_judge(const char *directory, struct findings *to)
{
    judge_membarrier(to);
    judge_io_uring(to);
    judge_directory(directory, to);
    judge_limits(to);
    judge_proc(to);
    judge_namespace(to);
    judge_logout(to);
}
