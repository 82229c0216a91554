/* SPDX-License-Identifier: MIT */
/*
 * Who may open a named segment, and whose segment is opened. What needs a
 * second user needs root, and is left out, with a word, where there is none.
 */
#include "../own_name.h"
#include "helpers.h"
#include <fcntl.h>
#include <sys/stat.h>

enum { SIZE = 4096, SOMEBODY = 54321, ANOTHER = 54322 };

static char name[OWN_NAME_ROOM];

static void choose_name(void)
{
    own_name(name, "access");
}

static void remove_name(void)
{
    shm_unlink(name);
}

TestSuite(access, .init = choose_name, .fini = remove_name);

static bool may_be_others(void)
{
    if (geteuid() == 0)
        return true;
    cr_log_warn("skipped: only root can be another user");
    return false;
}

static IpcMmapOptions options_with(uint32_t flags, uint32_t mode)
{
    return (IpcMmapOptions){
        .struct_size = sizeof(IpcMmapOptions), .flags = flags, .mode = mode};
}

static struct stat stat_of_segment(const IpcMmapOptions *options)
{
    IpcMemorySegmentResult r = ipc_mmap_with_options(name, SIZE, options);
    struct stat file;
    int fd;

    must_work(r);
    fd = shm_open(name, O_RDONLY, 0);
    must(fd >= 0 && fstat(fd, &file) == 0);
    close(fd);
    must_work(ipc_unlink(r.result));
    return file;
}

Test(access, a_new_segment_has_the_mode_asked_for_whatever_the_umask)
{
    const uint32_t modes[] = {0, 0600, 0640, 0660, 0666, 0777};
    const mode_t masks[] = {0, 022, 077, 0177};

    for (size_t m = 0; m < sizeof masks / sizeof masks[0]; m++) {
        umask(masks[m]);
        for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
            IpcMmapOptions options = options_with(0, modes[i]);

            must((stat_of_segment(&options).st_mode & 07777) ==
                 (modes[i] ? modes[i] : 0600));
        }
        must((stat_of_segment(NULL).st_mode & 07777) == 0600);
    }
}

Test(access, a_umask_that_forbids_all_does_not_lock_the_creator_out)
{
    pid_t child = fork_child();

    if (child == 0) {
        IpcMemorySegmentResult r;

        if (geteuid() == 0)
            become(SOMEBODY);
        umask(0777);
        r = ipc_mmap(name, SIZE);
        must_work(r);
        must_work(ipc_mmap(name, SIZE));
        must_work(ipc_unlink(r.result));
        child_done();
    }
    must_succeed(child);
}

Test(access, a_new_segment_has_the_group_asked_for)
{
    IpcMmapOptions options = options_with(IPC_MMAP_GROUP, 0660);

    options.group = geteuid() == 0 ? SOMEBODY : getegid();
    must(stat_of_segment(&options).st_gid == options.group);
}

Test(access, a_group_that_is_not_ones_own_is_an_error_and_leaves_no_name)
{
    pid_t child;

    if (!may_be_others())
        return;
    child = fork_child();
    if (child == 0) {
        IpcMmapOptions options = options_with(IPC_MMAP_GROUP, 0660);
        IpcMemorySegmentResult r;

        become(SOMEBODY);
        options.group = ANOTHER;
        r = ipc_mmap_with_options(name, SIZE, &options);
        must_fail(r, IPC_ERR_SYSTEM);
        must(r.error.body.sys_errno == EPERM && !r.error.body.existed);
        must(!strstr(r.error.detail, "another user"));
        child_done();
    }
    must_succeed(child);
    must(shm_open(name, O_RDONLY, 0) < 0 && errno == ENOENT);
}

/* Makes the segment, as that user. */
static void plant(uid_t user, mode_t mode)
{
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

    must(fd >= 0 && ftruncate(fd, SIZE) == 0);
    must(fchown(fd, user, user) == 0 && fchmod(fd, mode) == 0);
    close(fd);
}

/* What that user gets who opens it; 0 or errno. */
static int opens_as(uid_t user, uint32_t flags)
{
    pid_t child = fork_child();
    int status;

    if (child == 0) {
        IpcMmapOptions options = options_with(flags, 0);
        IpcMemorySegmentResult r;

        if (user)
            become(user);
        r = ipc_mmap_with_options(name, SIZE, &options);
        if (r.ipc_status == IPC_OK)
            _exit(0);
        must_fail(r, IPC_ERR_SYSTEM);
        must(r.error.body.existed);
        if (r.error.body.sys_errno == EPERM)
            must(strstr(r.error.detail, "another user"));
        if (r.error.body.sys_errno == EACCES)
            must(strstr(r.error.detail, "its mode"));
        _exit(r.error.body.sys_errno);
    }
    must(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

Test(access, a_segment_of_another_user_is_opened_only_on_demand)
{
    if (!may_be_others())
        return;
    plant(SOMEBODY, 0666);
    must(opens_as(SOMEBODY, 0) == 0);
    must(opens_as(ANOTHER, 0) == EPERM);
    must(opens_as(ANOTHER, IPC_MMAP_ANY_OWNER) == 0);
    must(opens_as(0, 0) == EPERM);
    must(opens_as(0, IPC_MMAP_ANY_OWNER) == 0);
}

Test(access, a_segment_of_root_is_opened_where_its_mode_allows_it)
{
    if (!may_be_others())
        return;
    plant(0, 0666);
    must(opens_as(SOMEBODY, 0) == 0);
    remove_name();
    plant(0, 0600);
    must(opens_as(SOMEBODY, 0) == EACCES);
    must(opens_as(SOMEBODY, IPC_MMAP_ANY_OWNER) == EACCES);
}

static void path_of_name(char path[static 80])
{
    snprintf(path, 80, "/dev/shm%s", name);
}

Test(access, what_is_no_segment_is_refused_at_once)
{
    char path[80];
    IpcMemorySegmentResult r;

    path_of_name(path);
    must(mkfifo(path, 0600) == 0);
    r = ipc_mmap(name, SIZE);
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == EINVAL && r.error.body.existed);
    remove_name();

    must(symlink("/dev/null", path) == 0);
    r = ipc_mmap(name, SIZE);
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == ELOOP && r.error.body.existed);
}

Test(access, options_that_cannot_be_are_refused_and_make_nothing)
{
    IpcMmapOptions wrong[6];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        wrong[i] = options_with(0, 0);
    wrong[0].struct_size--;
    wrong[1].flags = 1U << 31;
    wrong[2].mode = 01000;
    wrong[3].group = 1;
    wrong[4].reserved32 = 1;
    wrong[5].reserved[3] = 1;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        must_fail(ipc_mmap_with_options(name, SIZE, &wrong[i]),
                  IPC_ERR_INVALID_ARGUMENT);
    must(shm_open(name, O_RDONLY, 0) < 0 && errno == ENOENT);
}
