/* SPDX-License-Identifier: MIT */
/*
 * Named segments. Names carry the process id, and every test removes its own.
 */
#include "../own_name.h"
#include "helpers.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

static const char *name_for(const char *what)
{
    static char name[OWN_NAME_ROOM];

    own_name(name, what);
    return name;
}

static bool name_exists(const char *name)
{
    int fd = shm_open(name, O_RDONLY, 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static IpcMemorySegment *must_map(const char *name, uint64_t size)
{
    IpcMemorySegmentResult r = ipc_mmap(name, size);

    must_work(r);
    must(r.result != NULL && r.result->memory != NULL);
    must(!strcmp(r.result->name, name));
    return r.result;
}

Test(unit, a_new_segment_is_zeroed_writable_private_and_page_sized)
{
    const char *name = name_for("new");
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t sizes[] = {1, 100, page - 1, page, page + 1, 10 * page + 7};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        IpcMemorySegment *s = must_map(name, sizes[i]);
        struct stat file;
        int fd = shm_open(name, O_RDONLY, 0);

        must(s->size == (sizes[i] + page - 1) / page * page);
        must((uintptr_t)s->memory % page == 0);
        must(is_all(s->memory, (size_t)s->size, 0));
        memset(s->memory, 0xff, (size_t)s->size);
        must(fd >= 0 && fstat(fd, &file) == 0);
        must((uint64_t)file.st_size == s->size);
        must((file.st_mode & 0777) == 0600);
        close(fd);
        must_work(ipc_unlink(s));
        must(!name_exists(name));
    }
}

Test(unit, the_pages_of_a_new_segment_are_reserved)
{
    const char *name = name_for("reserved");
    IpcMemorySegment *s = must_map(name, 1 << 20);
    int fd = shm_open(name, O_RDONLY, 0);
    struct stat file;

    must(fd >= 0 && fstat(fd, &file) == 0);
    must(file.st_blocks * 512 >= 1 << 20);
    close(fd);
    must_work(ipc_unlink(s));
}

Test(unit, an_existing_segment_of_the_same_size_is_opened)
{
    const char *name = name_for("opened");
    IpcMemorySegment *one = must_map(name, 5000);
    IpcMemorySegment *two = must_map(name, 8192);
    pid_t child;

    must(one->memory != two->memory && one->size == two->size);
    memset(one->memory, 7, 100);
    must(is_all(two->memory, 100, 7));
    child = fork_child();
    if (child == 0) {
        IpcMemorySegment *three = must_map(name, 5000);

        must(is_all(three->memory, 100, 7));
        memset(three->memory, 8, 50);
        must_work(ipc_unmap(three));
        child_done();
    }
    must_succeed(child);
    must(is_all(one->memory, 50, 8) && is_all(two->memory, 50, 8));
    must_work(ipc_unmap(two));
    must_work(ipc_unlink(one));
}

Test(unit, an_existing_segment_of_another_size_is_told_with_its_size)
{
    const char *name = name_for("size");
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    IpcMemorySegment *s = must_map(name, 2 * page);
    const uint64_t others[] = {1, page, 2 * page + 1, 100 * page};

    memset(s->memory, 7, (size_t)s->size);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        IpcMemorySegmentResult r = ipc_mmap(name, others[i]);

        must_fail(r, IPC_ERR_ILLEGAL_STATE);
        must(IpcMemorySegmentResult_is_error_has_body(r.error));
        must(r.error.body.existed);
        must(r.error.body.existing_size == 2 * page);
        must(r.error.body.aligned_size == (others[i] + page - 1) / page * page);
        must(r.error.body.page_size == page);
    }
    must(is_all(s->memory, (size_t)s->size, 7) && name_exists(name));
    must_work(ipc_unlink(s));
}

Test(unit, names_may_begin_with_a_slash_and_have_no_other)
{
    const IpcStatus invalid = IPC_ERR_INVALID_ARGUMENT;
    const char *with = name_for("slash");
    IpcMemorySegment *one, *two;

    one = must_map(with, 100);
    two = must_map(with + 1, 100); /* the same name */
    memset(one->memory, 9, 10);
    must(is_all(two->memory, 10, 9));
    must_work(ipc_unmap(one));
    must_work(ipc_unlink(two));
    must(!name_exists(with));
    must_fail(ipc_mmap(NULL, 100), invalid);
    must_fail(ipc_mmap("", 100), invalid);
    must_fail(ipc_mmap("/", 100), invalid);
    must_fail(ipc_mmap("//", 100), invalid);
    must_fail(ipc_mmap("//double", 100), invalid);
    must_fail(ipc_mmap("/in/side", 100), invalid);
    must_fail(ipc_mmap("in/side", 100), invalid);
    must_fail(ipc_mmap("/at-the-end/", 100), invalid);
}

Test(unit, a_name_that_the_system_refuses_is_its_error)
{
    char name[400];
    IpcMemorySegmentResult r;

    memset(name, 'x', sizeof name);
    name[0] = '/';
    name[sizeof name - 1] = '\0';
    r = ipc_mmap(name, 100);
    must_fail(r, IPC_ERR_SYSTEM);
    must(IpcMemorySegmentResult_is_error_has_body(r.error));
    /* glibc says EINVAL, the kernel would say the other. */
    must(r.error.body.sys_errno == ENAMETOOLONG ||
         r.error.body.sys_errno == EINVAL);
    must(!r.error.body.existed);
    must(ipc_mmap("/..", 100).ipc_status < 0);
    must(ipc_mmap("/.", 100).ipc_status < 0);
}

Test(unit, sizes_that_cannot_be_are_refused_and_leave_no_name)
{
    const char *name = name_for("huge");
    const uint64_t impossible[] = {0, UINT64_MAX, UINT64_MAX - 4095,
                                   UINT64_C(1) << 63, INT64_MAX};

    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        must_fail(ipc_mmap(name, impossible[i]), IPC_ERR_INVALID_ARGUMENT);
        must(!name_exists(name));
    }
}

Test(unit, a_size_beyond_the_memory_is_a_system_error_and_leaves_no_name)
{
    const char *name = name_for("enospc");
    const uint64_t sizes[] = {UINT64_C(1) << 45, UINT64_C(1) << 50,
                              UINT64_C(1) << 62};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        IpcMemorySegmentResult r = ipc_mmap(name, sizes[i]);
        int error = r.error.body.sys_errno;

        if (sizeof(size_t) == 4) { /* no address is that large */
            must_fail(r, IPC_ERR_INVALID_ARGUMENT);
            must(!name_exists(name));
            continue;
        }
        must_fail(r, IPC_ERR_SYSTEM);
        must_say(error == ENOSPC || error == EFBIG || error == ENOMEM,
                 "errno %d", error);
        must(!r.error.body.existed);
        must(r.error.body.aligned_size == sizes[i]);
        must(!name_exists(name));
    }
}

/* And not the signal that ends who is not prepared for it. */
Test(unit, a_file_size_limit_is_a_system_error_and_leaves_no_name)
{
    const char *name = name_for("efbig");
    pid_t child = fork_child();

    if (child == 0) {
        const struct rlimit limit = {4096, 4096};
        IpcMemorySegmentResult r;

        must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
        r = ipc_mmap(name, 100000);
        must_fail(r, IPC_ERR_SYSTEM);
        must(r.error.body.sys_errno == EFBIG);
        must(strstr(r.error.detail, "RLIMIT_FSIZE") != NULL);
        must(!name_exists(name));
        r = ipc_mmap(name, 4096);
        must_work(r);
        must_work(ipc_unlink(r.result));
        child_done();
    }
    must_succeed(child);
}

Test(unit, without_descriptors_the_error_is_the_systems)
{
    const char *name = name_for("emfile");
    pid_t child = fork_child();

    if (child == 0) {
        const struct rlimit none = {0, 0};
        IpcMemorySegmentResult r;

        must(setrlimit(RLIMIT_NOFILE, &none) == 0);
        r = ipc_mmap(name, 1000);
        must_fail(r, IPC_ERR_SYSTEM);
        must(r.error.body.sys_errno == EMFILE);
        child_done();
    }
    must_succeed(child);
    must(!name_exists(name));
}

Test(unit, a_segment_whose_creator_stalls_is_initializing_after_a_second)
{
    const char *name = name_for("stalls");
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    int64_t start = now_ns();
    IpcMemorySegmentResult r;

    must(fd >= 0);
    r = ipc_mmap(name, 1000);
    must_fail(r, IPC_ERR_INITIALIZING);
    must(r.error.body.existed && r.error.body.existing_size == 0);
    must(now_ns() - start >= 900 * MILLISECOND);
    must(now_ns() - start < 10 * SECOND);
    must(name_exists(name));
    close(fd);
    must(shm_unlink(name) == 0);
}

static void do_nothing(int signal)
{
    (void)signal;
}

Test(unit, signals_do_not_shorten_the_wait_for_a_creator)
{
    const struct itimerval often = {{0, 50}, {0, 50}}, never = {0};
    const char *name = name_for("ticks");
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    int64_t start = now_ns();

    must(fd >= 0 && signal(SIGALRM, do_nothing) != SIG_ERR);
    must(setitimer(ITIMER_REAL, &often, NULL) == 0);
    must_fail(ipc_mmap(name, 1000), IPC_ERR_INITIALIZING);
    must(setitimer(ITIMER_REAL, &never, NULL) == 0);
    must(now_ns() - start >= 999 * MILLISECOND);
    close(fd);
    must(shm_unlink(name) == 0);
}

Test(unit, a_creator_that_is_slow_is_waited_for)
{
    const char *name = name_for("slow");
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    pid_t child = fork_child();

    must(fd >= 0);
    if (child == 0) {
        pause_ns(50 * MILLISECOND);
        must(ftruncate(fd, sysconf(_SC_PAGESIZE)) == 0);
        child_done();
    }
    must_work(ipc_unlink(must_map(name, 1000)));
    must_succeed(child);
    close(fd);
}

Test(unit, unmap_keeps_the_name_and_the_content)
{
    const char *name = name_for("keeps");
    IpcMemorySegment *s = must_map(name, 4096);

    memset(s->memory, 5, 4096);
    must_work(ipc_unmap(s));
    must(name_exists(name));
    s = must_map(name, 4096);
    must(is_all(s->memory, 4096, 5));
    must_work(ipc_unlink(s));
}

Test(unit, a_name_that_is_gone_already_is_no_error)
{
    const char *name = name_for("gone");
    IpcMemorySegment *one = must_map(name, 4096);
    IpcMemorySegment *two = must_map(name, 4096);
    pid_t child = fork_child();

    if (child == 0) {
        must_work(ipc_unlink(one));
        child_done();
    }
    must_succeed(child);
    must(!name_exists(name));
    memset(one->memory, 6, 4096); /* the memory lasts */
    must(is_all(two->memory, 4096, 6));
    must_work(ipc_unlink(one));
    must_work(ipc_unlink(two));
}

Test(unit, a_new_segment_of_an_unlinked_name_is_another_one)
{
    const char *name = name_for("another");
    IpcMemorySegment *old = must_map(name, 4096);
    IpcMemorySegment *second = must_map(name, 4096);
    IpcMemorySegment *fresh;

    memset(old->memory, 6, 4096);
    must_work(ipc_unlink(old));
    fresh = must_map(name, 4096);
    must(is_all(fresh->memory, 4096, 0) && is_all(second->memory, 4096, 6));
    must_work(ipc_unmap(second));
    must_work(ipc_unlink(fresh));
}

Test(unit, null_is_an_invalid_argument)
{
    must_fail(ipc_unmap(NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_unlink(NULL), IPC_ERR_INVALID_ARGUMENT);
}

Test(unit, a_failed_unmap_leaves_the_segment_as_it_was)
{
    const char *name = name_for("munmap");
    IpcMemorySegment *s = must_map(name, 4096);
    IpcMmapUnlinkResult unlinked;
    IpcMmapUnmapResult unmapped;
    void *memory = s->memory;

    s->memory = (char *)memory + 1; /* munmap refuses that */
    unmapped = ipc_unmap(s);
    must_fail(unmapped, IPC_ERR_SYSTEM);
    must(IpcMmapUnmapResult_is_error_has_body(unmapped.error));
    must(unmapped.error.body.sys_errno == EINVAL);
    unlinked = ipc_unlink(s);
    must_fail(unlinked, IPC_ERR_SYSTEM);
    must(unlinked.error.body.sys_errno == EINVAL);
    s->memory = memory;
    must(!strcmp(s->name, name) && is_all(memory, 4096, 0));
    must_work(ipc_unlink(s));
    must(!name_exists(name));
}

Test(unit, processes_that_race_to_create_share_one_segment)
{
    enum { RACERS = 4, ROUNDS = 50 };
    const char *name = name_for("race");
    struct gate *gate = make_gate();
    pid_t racers[RACERS];

    for (int i = 0; i < RACERS; i++) {
        racers[i] = fork_child();
        if (racers[i] == 0) {
            for (uint32_t round = 1; round <= ROUNDS; round++) {
                IpcMemorySegment *s;

                gate_wait(gate, round * (RACERS + 1) - RACERS);
                s = must_map(name, 4096);
                atomic_add_acq_rel((atomic_u32 *)s->memory, 1);
                must_work(ipc_unmap(s));
                atomic_add_acq_rel(&gate->step, 1);
            }
            child_done();
        }
    }
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        IpcMemorySegment *s;

        atomic_add_acq_rel(&gate->step, 1);
        gate_wait(gate, round * (RACERS + 1));
        s = must_map(name, 4096);
        must(atomic_get_acquire((atomic_u32 *)s->memory) == RACERS);
        must_work(ipc_unlink(s));
    }
    for (int i = 0; i < RACERS; i++)
        must_succeed(racers[i]);
}

Test(unit, a_segment_carries_a_channel_between_processes)
{
    const IpcChannelConfiguration quick = {.max_round_trips = 1000,
                                           .start_sleep_ns = 1000,
                                           .max_sleep_ns = 1000000};
    const char *name = name_for("channel");
    IpcMemorySegment *s = must_map(name, ipc_channel_align_size(4096));
    IpcChannelResult ch = ipc_channel_create(s->memory, (size_t)s->size, quick);
    pid_t child = fork_child();
    IpcEntry entry;

    must_work(ch);
    if (child == 0) {
        IpcMemorySegment *mine = must_map(name, s->size);
        IpcChannelConnectResult r =
            ipc_channel_connect_sized(mine->memory, (size_t)mine->size, quick);

        must_work(r);
        must_work(ipc_channel_write(r.result, "hello", 6));
        must_work(ipc_channel_destroy(r.result));
        must_work(ipc_unmap(mine));
        child_done();
    }
    must_work(ipc_channel_read(ch.result, &entry));
    must(entry.size == 6 && !strcmp(entry.payload, "hello"));
    free(entry.payload);
    must_succeed(child);
    must_work(ipc_channel_destroy(ch.result));
    must_work(ipc_unlink(s));
}

Test(unit, what_cannot_be_unmapped_is_described_and_stays)
{
    char name[OWN_NAME_ROOM];
    IpcMemorySegmentResult made;
    IpcMmapUnmapResult r;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    own_name(name, "unmap");
    made = ipc_mmap(name, (size_t)page);
    must_work(made);
    made.result->memory = (char *)made.result->memory + 1;
    r = ipc_unmap(made.result);
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == EINVAL && r.error.body.existed);
    must(r.error.body.existing_size == page);
    must(r.error.body.aligned_size == page);
    must(r.error.body.page_size == page);
    made.result->memory = (char *)made.result->memory - 1;
    must_work(ipc_unlink(made.result));
}
