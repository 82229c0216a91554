/* SPDX-License-Identifier: MIT */
/*
 * Opening by name what cannot be meant, is no channel or is not to be had, and
 * with which words.
 */
#include "by_name.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

enum { SOMEBODY = 54321, ANOTHER = 54322 };

/* -------------------------------------------------------------- what is not */

Test(open, names_and_options_that_cannot_be_meant_are_refused)
{
    char longest[300];
    const char *const bad[] = {NULL, "",    "/",   "/a/b", "a/b",
                               ".",  "/..", "//a", longest};

    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        must_fail(ipc_channel_open(bad[i], NULL), IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_open(bad[i], NULL), IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_channel_unlink(bad[i]), IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_unlink(bad[i]), IPC_ERR_INVALID_ARGUMENT);
    }
    must(!exists());
}

/* By both calls, which name the member and its value. */
static void must_name(IpcOpenOptions options, const char *member, int64_t value)
{
    IpcChannelOpenResult channel = ipc_channel_open(name, &options);
    IpcBufferOpenResult buffer = ipc_buffer_open(name, &options);

    must_be(channel.ipc_status, IPC_ERR_INVALID_ARGUMENT);
    must(strstr(channel.error.detail, member) != NULL);
    must(channel.error.body.value == value);
    if (buffer.ipc_status == IPC_OK) {
        /* What channels alone have is ignored. */
        must_work(ipc_buffer_destroy(buffer.result));
        must_work(ipc_buffer_unlink(name));
        return;
    }
    must_be(buffer.ipc_status, IPC_ERR_INVALID_ARGUMENT);
    must(strstr(buffer.error.detail, member) != NULL);
    must(buffer.error.body.value == value);
}

Test(open, each_wrong_member_of_options_is_named_with_its_value)
{
    const uint32_t both = IPC_OPEN_EXCLUSIVE | IPC_OPEN_CONNECT_ONLY;
    IpcOpenOptions options = options_with(0);

    options.struct_size = 7;
    must_name(options, "options.struct_size", 7);
    must_name(options_with(UINT32_C(1) << 30), "options.flags", 1 << 30);
    must_name(options_with(both), "options.flags", both);
    must_name(options_with(IPC_OPEN_MEMFD | IPC_OPEN_PATH), "options.flags",
              IPC_OPEN_MEMFD | IPC_OPEN_PATH);
#define MUST_REFUSE(member, is)                                                \
    options = options_with(0);                                                 \
    options.member = is;                                                       \
    must_name(options, "options." #member, is)
    MUST_REFUSE(mode, 01777);
    MUST_REFUSE(group, 1);
    MUST_REFUSE(numa_node, 2);
    MUST_REFUSE(size, INT64_MAX);
    MUST_REFUSE(configuration.options, IPC_CHANNEL_HAS_MEMORY_FD);
    options = options_with(0);
    options.reserved[3] = 9;
    must_name(options, "options.reserved", 9);
#define MUST_REFUSE_OF_CHANNEL(member, is)                                     \
    options = options_with(0);                                                 \
    options.configuration.member = is;                                         \
    must_name(options, #member, is)
    MUST_REFUSE_OF_CHANNEL(max_owners, 5000);
    MUST_REFUSE_OF_CHANNEL(flags, 1024);
    MUST_REFUSE_OF_CHANNEL(flags, IPC_BUFFER_HAS_MEMORY_FD);
    MUST_REFUSE_OF_CHANNEL(flags, IPC_BUFFER_RECREATE);
    MUST_REFUSE_OF_CHANNEL(flags, IPC_BUFFER_ZEROED);
    options = options_with(0);
    options.configuration.max_round_trips = 1;
    must_name(options, "start_sleep_ns", 0);
    options = options_with(IPC_OPEN_NUMA_NODE);
    options.numa_node = 1024;
    must_name(options, "options.numa_node", 1024);
    must(!exists());
}

Test(open, bytes_of_any_kind_are_a_name)
{
    char strange[80];
    IpcChannel *one, *two;

    snprintf(strange, sizeof strange, "%s-\xff\xc3 \n", name);
    one = result_of(ipc_channel_open(strange, NULL));
    two = result_of(ipc_channel_open(strange, NULL));
    must_pass(one, two, 8);
    must_work(ipc_channel_destroy(one));
    must_work(ipc_channel_destroy(two));
    must_work(ipc_channel_unlink(strange));
}

Test(open, the_smallest_size_is_taken)
{
    IpcOpenOptions options = options_with(0);

    options.size = 1;
    must_be(status_with(options), IPC_OK);
}

Test(open, what_another_program_made_is_left_alone)
{
    char bytes[8192], now[8192];
    int fd;

    memset(bytes, 'G', sizeof bytes);
    make_file(bytes, sizeof bytes, sizeof bytes);
    must_be(status_with(options_with(0)), IPC_ERR_NOT_FORMATTED);
    must_be(status_with(options_with(IPC_OPEN_REPLACE_DEAD)),
            IPC_ERR_NOT_FORMATTED);
    must_be(status_with(options_with(IPC_OPEN_EXCLUSIVE)),
            IPC_ERR_NOT_FORMATTED);
    fd = shm_open(name, O_RDONLY, 0);
    must(fd >= 0 && pread(fd, now, sizeof now, 0) == sizeof now);
    must(memcmp(bytes, now, sizeof now) == 0);
    close(fd);
    must_work(ipc_channel_unlink(name));
    /* Nothing in its first bytes, but behind them. */
    memset(bytes, 0, 1000);
    make_file(bytes, sizeof bytes, sizeof bytes);
    must_be(status_with(options_with(0)), IPC_ERR_NOT_FORMATTED);
}

static void change_word(size_t at, uint32_t value)
{
    int fd = shm_open(name, O_RDWR, 0);

    must(fd >= 0);
    must(pwrite(fd, &value, sizeof value, (off_t)at) == sizeof value);
    close(fd);
}

Test(open, another_layout_and_damage_are_told_with_both_versions)
{
    IpcChannelOpenResult r;
    int fd;

    must_be(status_with(options_with(0)), IPC_OK);
    change_word(offsetof(struct shm_identity, layout_version), 77);
    r = ipc_channel_open(name, NULL);
    must_fail(r, IPC_ERR_LAYOUT_VERSION);
    must(r.error.body.layout_version == 77);
    must(r.error.body.own_layout_version == SHMIPC_LAYOUT_VERSION);
    change_word(offsetof(struct shm_identity, layout_version),
                SHMIPC_LAYOUT_VERSION);
    change_word(offsetof(struct shm_identity, block_count), 1);
    must_be(status_with(options_with(0)), IPC_ERR_CORRUPTED);
    must_work(ipc_channel_unlink(name));
    must_be(status_with(options_with(0)), IPC_OK);
    fd = shm_open(name, O_RDWR, 0);
    must(fd >= 0 && ftruncate(fd, 8192) == 0);
    close(fd);
    must_be(status_with(options_with(0)), IPC_ERR_TRUNCATED);
}

Test(open, links_directories_and_pipes_are_refused)
{
    IpcOpenOptions options = options_with(IPC_OPEN_PATH);
    IpcChannelOpenResult r;

    must(symlink("/tmp/shmipc-no-such-file", path) == 0);
    r = ipc_channel_open(path, &options);
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == ELOOP);
    must(unlink(path) == 0 && mkfifo(path, 0600) == 0);
    r = ipc_channel_open(path, &options);
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == EINVAL);
    r = ipc_channel_open("/tmp", &options);
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == EISDIR);
    r = ipc_channel_open("/tmp/shmipc-no-such-directory/file", &options);
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == ENOENT);
}

Test(open, what_another_user_planted_is_refused)
{
    IpcOpenOptions any = options_with(IPC_OPEN_ANY_OWNER);
    pid_t child;

    if (geteuid() != 0) {
        cr_log_warn("skipped: only root can be another user");
        return;
    }
    child = fork_child();
    if (child == 0) {
        IpcOpenOptions options = options_with(0);

        become(SOMEBODY);
        options.mode = 0666;
        must_be(status_with(options), IPC_OK);
        child_done();
    }
    must_succeed(child);
    child = fork_child();
    if (child == 0) {
        IpcChannelOpenResult r;

        become(ANOTHER);
        r = ipc_channel_open(name, NULL);
        must_fail(r, IPC_ERR_SYSTEM);
        must(r.error.body.sys_errno == EPERM);
        must(r.error.body.owner == SOMEBODY && r.error.body.mode == 0666);
        must_be(status_with(any), IPC_OK);
        must_be(ipc_channel_unlink(name).ipc_status, IPC_ERR_SYSTEM);
        child_done();
    }
    must_succeed(child);
    must(exists());
}

Test(open, a_mode_that_forbids_is_named)
{
    pid_t child;

    if (geteuid() != 0) {
        cr_log_warn("skipped: only root can be another user");
        return;
    }
    must_be(status_with(options_with(0)), IPC_OK);
    child = fork_child();
    if (child == 0) {
        IpcChannelOpenResult r;

        become(ANOTHER);
        r = ipc_channel_open(name, NULL);
        must_fail(r, IPC_ERR_SYSTEM);
        must(r.error.body.sys_errno == EACCES);
        must(strstr(r.error.detail, "mode") != NULL);
        child_done();
    }
    must_succeed(child);
}

Test(open, a_full_file_system_is_an_error_and_leaves_nothing)
{
    IpcOpenOptions options = options_with(0);
    IpcChannelOpenResult r;
    struct statfs shm;

    must(statfs("/dev/shm", &shm) == 0);
    options.size = UINT64_C(15) << (sizeof(size_t) > 4 ? 30 : 27);
    if ((uint64_t)shm.f_bavail * (uint64_t)shm.f_bsize > options.size) {
        cr_log_warn("skipped: /dev/shm has room for all");
        return;
    }
    r = ipc_channel_open(name, &options);
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == ENOSPC && !exists());
    must(strstr(r.error.detail, "full") != NULL);
}

Test(open, without_a_free_descriptor_nothing_is_left)
{
    struct rlimit limit;
    struct rlimit none;
    IpcChannelOpenResult r;

    must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    none = limit;
    none.rlim_cur = 0;
    must(setrlimit(RLIMIT_NOFILE, &none) == 0);
    r = ipc_channel_open(name, NULL);
    must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == EMFILE && !exists());
}

static bool is_cancelled; /* a thread that was asked to end did so early */

static void *open_and_close(void *argument)
{
    IpcOpenOptions options = options_with(IPC_OPEN_PATH);
    IpcChannel **channel = argument;

    pthread_cancel(pthread_self());
    is_cancelled = true;
    *channel = ipc_channel_open(path, &options).result;
    is_cancelled = false;
    pthread_testcancel();
    return NULL;
}

Test(open, it_is_no_cancellation_point)
{
    IpcChannel *channel = NULL;
    pthread_t thread;

    must(pthread_create(&thread, NULL, open_and_close, &channel) == 0);
    must(pthread_join(thread, NULL) == 0);
    must(!is_cancelled && ipc_channel_created(channel));
    must_work(ipc_channel_destroy(channel));
}
