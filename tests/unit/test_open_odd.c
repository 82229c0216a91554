/* SPDX-License-Identifier: MIT */
/*
 * Opening names whose files are not as they should be: of others, sparse, on
 * full or foreign file systems, moved meanwhile, not to be removed; and
 * processes that are limited or interrupted.
 */
#include "../own_name.h"
#include "../self.h"
#include "helpers.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

enum { SOMEBODY = 54321, PAGE = 4096 };

static char name[OWN_NAME_ROOM];
static char path[80], moved[90];

static void choose_names(void)
{
    own_name(name, "odd");
    snprintf(path, sizeof path, "/tmp%s", name);
    snprintf(moved, sizeof moved, "%s-moved", path);
}

static void remove_names(void)
{
    shm_unlink(name);
    unlink(path);
    unlink(moved);
}

TestSuite(open_odd, .init = choose_names, .fini = remove_names);

static IpcOpenOptions options_with(uint32_t flags)
{
    return (IpcOpenOptions){.struct_size = sizeof(IpcOpenOptions),
                            .flags = flags};
}

static IpcChannelOpenResult open_and_leave(const char *which,
                                           const IpcOpenOptions *options)
{
    IpcChannelOpenResult r = ipc_channel_open(which, options);

    if (IpcChannelOpenResult_is_ok(r))
        must_work(ipc_channel_destroy(r.result));
    return r;
}

static IpcChannelOpenResult try_open(const char *which, uint32_t flags)
{
    IpcOpenOptions options = options_with(flags);

    return open_and_leave(which, &options);
}

static bool exists(const char *of)
{
    struct stat file;

    return lstat(of, &file) == 0;
}

static blkcnt_t blocks_of(const char *of)
{
    struct stat file;

    must(stat(of, &file) == 0);
    return file.st_blocks;
}

/* A file of that length with a few bytes somewhere. */
static void make_file(off_t length, const char *bytes, off_t at)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

    must(fd >= 0 && ftruncate(fd, length) == 0);
    must(pwrite(fd, bytes, strlen(bytes), at) == (ssize_t)strlen(bytes));
    close(fd);
}

/* A file system that others do not see, for the rest of this process. */
static bool mount_here(const char *where, const char *type, const char *how)
{
    if (unshare(CLONE_NEWNS) == 0 &&
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("none", where, type, 0, how) == 0)
        return true;
    fprintf(stderr, "skipped: no %s can be mounted here: %s\n", type,
            strerror(errno));
    return false;
}

/* ------------------------------------------------------------ of others */

Test(open_odd, a_file_that_only_begins_with_zeros_is_left_alone)
{
    const off_t places[] = {64, PAGE, PAGE + 1, 65536 + 64, (8 << 20) - 6};
    char now[6];

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int fd;

        make_file(8 << 20, "theirs", places[i]);
        must_say(try_open(path, IPC_OPEN_PATH).ipc_status ==
                     IPC_ERR_NOT_FORMATTED,
                 "at %lld", (long long)places[i]);
        fd = open(path, O_RDONLY);
        must(fd >= 0 && pread(fd, now, sizeof now, places[i]) == sizeof now);
        must(memcmp(now, "theirs", sizeof now) == 0);
        close(fd);
        must(unlink(path) == 0);
    }
}

Test(open_odd, a_short_file_of_others_is_not_called_cut_short)
{
    make_file(3, "hi\n", 0);
    must_be(try_open(path, IPC_OPEN_PATH).ipc_status, IPC_ERR_NOT_FORMATTED);
}

Test(open_odd, what_the_options_ask_for_is_not_done_to_a_file_of_others)
{
    make_file(64 << 20, "theirs", 0);
    must_be(try_open(path, IPC_OPEN_PATH | IPC_OPEN_PREFAULT).ipc_status,
            IPC_ERR_NOT_FORMATTED);
    must(blocks_of(path) < 1000);
}

/* Its pages would have to come from where there are none left. */
Test(open_odd, a_sparse_file_on_a_full_file_system_is_no_bus_error)
{
    pid_t child = fork_child();

    if (child == 0) {
        char page[PAGE] = "full";
        int fd;

        if (!mount_here("/dev/shm", "tmpfs", "size=64k"))
            child_done();
        fd = shm_open(name, O_RDWR | O_CREAT, 0600);
        must(fd >= 0 && ftruncate(fd, 1 << 20) == 0);
        close(fd);
        fd = shm_open("/filler", O_RDWR | O_CREAT, 0600);
        while (write(fd, page, sizeof page) > 0)
            continue;
        must(errno == ENOSPC);
        must_fail(try_open(name, IPC_OPEN_CONNECT_ONLY), IPC_ERR_INITIALIZING);
        must_fail(try_open(name, 0), IPC_ERR_SYSTEM);
        child_done();
    }
    must_succeed(child);
}

/* ---------------------------------------------------------------- removing */

static IpcChannel *open_last(const char *which)
{
    IpcOpenOptions options = options_with(IPC_OPEN_UNLINK_LAST | IPC_OPEN_PATH);

    return result_of(ipc_channel_open(which, &options));
}

Test(open_odd, the_last_one_out_removes_no_other_file_than_its_own)
{
    IpcChannel *first = open_last(path);
    IpcChannel *second;

    must(rename(path, moved) == 0);
    second = open_last(path);
    must(ipc_channel_created(second));
    must_work(ipc_channel_destroy(first));
    must(exists(path) && exists(moved));
    must_work(ipc_channel_destroy(second));
    must(!exists(path));
}

Test(open_odd, a_relative_path_is_the_same_after_a_change_of_directory)
{
    IpcChannel *channel;

    must(chdir("/tmp") == 0);
    channel = open_last(path + strlen("/tmp/"));
    must(exists(path));
    must(chdir("/") == 0);
    must_work(ipc_channel_destroy(channel));
    must(!exists(path));
}

/* Deeper than a path can be long, so that it has none from the root; and the
 * directories are moved. */
Test(open_odd, a_relative_path_is_the_same_however_deep_and_wherever_it_goes)
{
    enum { DEEP = 40 };
    char step[130];
    IpcChannel *channel;
    int directory;

    memset(step, 'd', sizeof step - 1);
    step[sizeof step - 1] = '\0';
    must(mkdir(path, 0700) == 0 && chdir(path) == 0);
    for (int i = 0; i < DEEP; i++)
        must(mkdir(step, 0700) == 0 && chdir(step) == 0);
    must((directory = open(".", O_RDONLY | O_DIRECTORY)) >= 0);
    channel = open_last("channel");
    must(faccessat(directory, "channel", F_OK, 0) == 0);
    must(rename(path, moved) == 0 && chdir("/") == 0);
    must_work(ipc_channel_destroy(channel));
    must(faccessat(directory, "channel", F_OK, 0) != 0);
    must(fchdir(directory) == 0);
    for (int i = 0; i < DEEP; i++)
        must(chdir("..") == 0 && rmdir(step) == 0);
    must(chdir("/") == 0 && rmdir(moved) == 0);
}

Test(open_odd, only_a_path_that_is_to_be_removed_keeps_its_directory_open)
{
    int before = open_descriptors();
    int kept[2];

    must(chdir("/tmp") == 0);
    for (int i = 0; i < 2; i++) {
        IpcOpenOptions options =
            options_with(IPC_OPEN_PATH | (i ? IPC_OPEN_UNLINK_LAST : 0));
        IpcChannelOpenResult r =
            ipc_channel_open(path + strlen("/tmp/"), &options);

        must_work(r);
        kept[i] = open_descriptors();
        must_work(ipc_channel_destroy(r.result));
    }
    must(kept[1] == kept[0] + 1);
    must(!exists(path) && open_descriptors() == before);
}

Test(open_odd, a_leftover_that_cannot_be_removed_is_named_at_once)
{
    IpcOpenOptions open_to_all = options_with(IPC_OPEN_PATH);
    pid_t child;

    if (geteuid() != 0) {
        cr_log_warn("skipped: only root can be another user");
        return;
    }
    open_to_all.mode = 0666;
    must_work(open_and_leave(path, &open_to_all));
    child = fork_child();
    if (child == 0) {
        IpcOpenOptions replace =
            options_with(IPC_OPEN_PATH | IPC_OPEN_REPLACE_DEAD);
        IpcChannelOpenResult r;

        replace.timeout_ns = 3 * SECOND;
        become(SOMEBODY);
        r = ipc_channel_open(path, &replace);
        must_fail(r, IPC_ERR_SYSTEM);
        must(r.error.body.sys_errno == EPERM);
        must(strstr(r.error.detail, "removed") != NULL);
        child_done();
    }
    must_succeed(child);
}

/* ----------------------------------------------------------------- texts */

Test(open_odd, memory_without_a_name_has_a_shorter_one)
{
    char longest[256];
    IpcOpenOptions unnamed = options_with(IPC_OPEN_MEMFD);

    memset(longest, 'x', sizeof longest);
    longest[250] = '\0';
    must_work(try_open(longest, 0));
    must_work(ipc_channel_unlink(longest));
    must_fail(ipc_channel_open(longest, &unnamed), IPC_ERR_INVALID_ARGUMENT);
    longest[249] = '\0';
    must_work(try_open(longest, IPC_OPEN_MEMFD));
}

Test(open_odd, who_may_not_open_it_is_told_whose_it_is_and_its_mode)
{
    IpcOpenOptions soon = options_with(0);
    pid_t child;

    if (geteuid() != 0) {
        cr_log_warn("skipped: only root can be another user");
        return;
    }
    soon.mode = 0640;
    must_work(open_and_leave(name, &soon));
    child = fork_child();
    if (child == 0) {
        IpcChannelOpenResult r;

        become(SOMEBODY);
        soon.timeout_ns = 1; /* also for who has no time to wait */
        r = ipc_channel_open(name, &soon);
        must_fail(r, IPC_ERR_SYSTEM);
        must(r.error.body.sys_errno == EACCES && r.error.body.mode == 0640);
        must(r.error.body.owner == 0 && r.error.body.existing_size > 1 << 20);
        child_done();
    }
    must_succeed(child);
}

Test(open_odd, a_directory_that_forbids_is_told_from_a_file_that_does)
{
    char inside[120];
    pid_t child;

    if (geteuid() != 0) {
        cr_log_warn("skipped: only root can be another user");
        return;
    }
    snprintf(inside, sizeof inside, "%s/file", path);
    must(mkdir(path, 0700) == 0);
    child = fork_child();
    if (child == 0) {
        IpcChannelOpenResult r;

        become(SOMEBODY);
        r = try_open(inside, IPC_OPEN_PATH);
        must_fail(r, IPC_ERR_SYSTEM);
        must(r.error.body.sys_errno == EACCES);
        must(strstr(r.error.detail, "directory") != NULL);
        child_done();
    }
    must_succeed(child);
    must(rmdir(path) == 0);
}

Test(open_odd, large_pages_that_nobody_set_aside_are_named)
{
    IpcChannelOpenResult r =
        try_open(name, IPC_OPEN_MEMFD | IPC_OPEN_HUGE_PAGES);

    if (IpcChannelOpenResult_is_ok(r)) {
        cr_log_warn("skipped: there are large pages");
        return;
    }
    must(r.ipc_status == IPC_ERR_SYSTEM || r.ipc_status == IPC_ERR_UNSUPPORTED);
    must(strstr(r.error.detail, "nr_hugepages") != NULL);
}

Test(open_odd, a_file_system_for_reading_only_is_named)
{
    pid_t child = fork_child();

    if (child == 0) {
        IpcChannelOpenResult r;

        if (!mount_here("/dev/shm", "tmpfs", "size=4m"))
            child_done();
        must_work(try_open(name, 0));
        must(mount("none", "/dev/shm", NULL, MS_REMOUNT | MS_RDONLY, NULL) ==
             0);
        for (int there = 0; there < 2; there++) {
            r = try_open(there ? name : "/not-there", 0);
            must_fail(r, IPC_ERR_SYSTEM);
            must(r.error.body.sys_errno == EROFS);
        }
        must_fail(ipc_channel_unlink(name), IPC_ERR_SYSTEM);
        child_done();
    }
    must_succeed(child);
}

/* ---------------------------------------------------- limits and signals */

Test(open_odd, a_limit_on_the_size_of_files_is_an_error_and_no_signal)
{
    struct rlimit limit, small;
    IpcChannelOpenResult r;

    must(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    small = limit;
    small.rlim_cur = 65536;
    must(setrlimit(RLIMIT_FSIZE, &small) == 0);
    r = try_open(path, IPC_OPEN_PATH);
    must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == EFBIG && !exists(path));
    must(strstr(r.error.detail, "RLIMIT_FSIZE") != NULL);
}

static void do_nothing(int signal)
{
    (void)signal;
}

/* The kernel takes back what it has reserved when a signal comes. */
Test(open_odd, a_timer_that_ticks_does_not_keep_memory_from_being_reserved)
{
    const struct itimerval often = {{0, 2000}, {0, 2000}}, never = {0};
    IpcOpenOptions options = options_with(0);
    IpcChannelOpenResult r;

    options.size = UINT64_C(512) << 20;
    must(signal(SIGALRM, do_nothing) != SIG_ERR);
    must(setitimer(ITIMER_REAL, &often, NULL) == 0);
    r = ipc_channel_open(name, &options);
    must(setitimer(ITIMER_REAL, &never, NULL) == 0);
    if (r.ipc_status == IPC_ERR_SYSTEM && r.error.body.sys_errno == ENOSPC) {
        cr_log_warn("skipped: /dev/shm has no room");
        return;
    }
    must_work(r);
    must_work(ipc_channel_destroy(r.result));
}
