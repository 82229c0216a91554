/* SPDX-License-Identifier: MIT */
/*
 * Channels and buffers by name: what is created, joined, replaced and removed.
 * What is refused: test_open_refused.c. Others at the same moment:
 * test_open_races.c and stress/openers.c.
 */
#include "by_name.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* ------------------------------------------------- creating and joining */

Test(open, the_first_creates_and_the_others_join)
{
    IpcChannel *first = result_of(ipc_channel_open(name, NULL));
    IpcChannel *second = result_of(ipc_channel_open(name, NULL));

    must(ipc_channel_created(first) && !ipc_channel_created(second));
    must(!ipc_channel_created(NULL));
    must_pass(first, second, 1);
    must_pass(second, first, 2);
    must(ipc_channel_max_entry_size(first) >= 1 << 20);
    must_work(ipc_channel_destroy(first));
    must_work(ipc_channel_destroy(second));
    must(exists());
    must_work(ipc_channel_unlink(name));
    must(!exists());
}

Test(open, what_was_not_read_is_there_when_all_have_been_away)
{
    IpcChannel *writer = result_of(ipc_channel_open(name, NULL));
    IpcChannel *reader;
    IpcEntry entry;

    must_work(ipc_channel_write(writer, "kept", 5));
    must_work(ipc_channel_destroy(writer));
    reader = result_of(ipc_channel_open(name, NULL));
    must(!ipc_channel_created(reader));
    must_work(ipc_channel_try_read(reader, &entry));
    must(entry.size == 5 && strcmp(entry.payload, "kept") == 0);
    free(entry.payload);
    must_work(ipc_channel_destroy(reader));
}

Test(open, a_name_is_the_same_with_and_without_its_slash)
{
    IpcChannel *first = result_of(ipc_channel_open(name, NULL));
    IpcChannel *second = result_of(ipc_channel_open(name + 1, NULL));

    must_pass(first, second, 7);
    must_work(ipc_channel_destroy(first));
    must_work(ipc_channel_destroy(second));
    must_work(ipc_channel_unlink(name + 1));
    must(!exists());
}

Test(open, exclusive_and_connect_only_say_what_is_there)
{
    must_be(status_with(options_with(IPC_OPEN_CONNECT_ONLY)),
            IPC_ERR_NOT_FOUND);
    must(!exists());
    must_be(status_with(options_with(IPC_OPEN_EXCLUSIVE)), IPC_OK);
    must_be(status_with(options_with(IPC_OPEN_CONNECT_ONLY)), IPC_OK);
    must_be(status_with(options_with(IPC_OPEN_EXCLUSIVE)), IPC_ERR_EXISTS);
}

Test(open, the_region_tells_its_size_and_its_mode)
{
    IpcOpenOptions small = options_with(0), large = options_with(0);
    IpcChannel *first, *second;
    IpcBufferStats stats = {.struct_size = sizeof stats};

    small.size = 1000;
    small.configuration.flags = IPC_BUFFER_ONE_PRODUCER;
    small.configuration.max_owners = 3;
    large.size = 1 << 24;
    first = result_of(ipc_channel_open(name, &small));
    second = result_of(ipc_channel_open(name, &large));
    must(ipc_channel_max_entry_size(first) ==
         ipc_channel_max_entry_size(second));
    must_work(ipc_channel_stats(second, &stats));
    must(stats.flags == IPC_BUFFER_ONE_PRODUCER && stats.max_owners == 3);
    must_pass(first, second, 3);
    must_work(ipc_channel_destroy(first));
    must_work(ipc_channel_destroy(second));
}

Test(open, the_configuration_is_this_handles_own)
{
    IpcOpenOptions options = options_with(0);
    IpcChannel *channel;
    IpcEntry entry;

    options.configuration.max_round_trips = 3;
    options.configuration.start_sleep_ns = 1000;
    options.configuration.max_sleep_ns = 1000;
    channel = result_of(ipc_channel_open(name, &options));
    must_be(ipc_channel_read(channel, &entry).ipc_status, IPC_ERR_RETRY_LIMIT);
    must_work(ipc_channel_destroy(channel));
    options.configuration.start_sleep_ns = 0;
    must_be(status_with(options), IPC_ERR_INVALID_ARGUMENT);
}

Test(open, a_forked_child_uses_the_inherited_handle)
{
    IpcChannel *channel = result_of(ipc_channel_open(name, NULL));
    IpcEntry entry;
    pid_t child = fork_child();

    if (child == 0) {
        must_work(ipc_channel_write(channel, "child", 6));
        must_work(ipc_channel_destroy(channel));
        child_done();
    }
    must_succeed(child);
    must_work(ipc_channel_try_read(channel, &entry));
    must(strcmp(entry.payload, "child") == 0);
    free(entry.payload);
    must_work(ipc_channel_destroy(channel));
}

Test(open, a_buffer_by_its_name_and_a_channel_are_one_ring)
{
    IpcBuffer *first = result_of(ipc_buffer_open(name, NULL));
    IpcBuffer *second = result_of(ipc_buffer_open(name, NULL));
    IpcChannel *channel = result_of(ipc_channel_open(name, NULL));
    IpcEntry entry;

    must(ipc_buffer_created(first) && !ipc_buffer_created(second));
    must(!ipc_buffer_created(NULL));
    must_write(first, 100, 1);
    must_read(second, 100, 1);
    must_write(first, 50, 2);
    must_work(ipc_channel_try_read(channel, &entry));
    must(entry.size == 50 && is_filled(entry.payload, 50, 2));
    free(entry.payload);
    must_work(ipc_channel_destroy(channel));
    must_work(ipc_buffer_destroy(first));
    must_work(ipc_buffer_destroy(second));
    must_work(ipc_buffer_unlink(name));
    must_be(ipc_buffer_unlink(name).ipc_status, IPC_ERR_NOT_FOUND);
}

Test(open, memory_without_a_name_can_be_used_and_sealed)
{
    IpcOpenOptions options = options_with(IPC_OPEN_MEMFD);
    IpcChannel *one = result_of(ipc_channel_open(name, &options));
    IpcChannel *two = result_of(ipc_channel_open(name, &options));
    IpcEntry entry;

    must(ipc_channel_created(one) && ipc_channel_created(two) && !exists());
    must_pass(one, one, 4);
    must_be(ipc_channel_try_read(two, &entry).ipc_status, IPC_EMPTY);
    must_work(ipc_channel_destroy(one));
    must_work(ipc_channel_destroy(two));
}

/* Its name, or none, does not matter to who gets it. */
Test(open, a_handle_by_name_is_shared_over_a_socket)
{
    const uint32_t ways[] = {0, IPC_OPEN_MEMFD};
    const IpcChannelConfiguration config = IPC_CHANNEL_DEFAULTS;

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        IpcOpenOptions options = options_with(ways[i]);
        IpcChannel *channel = result_of(ipc_channel_open(name, &options));
        IpcSharedChannel shared;
        int sockets[2];

        must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
        must_work(ipc_channel_share(channel, sockets[0], -1, 0));
        shared = result_of(ipc_channel_accept(sockets[1], config));
        must(shared.can_shrink == (ways[i] == 0));
        must_pass(channel, shared.channel, 9);
        must_work(ipc_channel_leave_shared(&shared));
        must_work(ipc_channel_destroy(channel));
        close(sockets[0]);
        close(sockets[1]);
    }
}

Test(open, a_handle_that_was_not_opened_is_not_shared_without_its_memory)
{
    unsigned char memory[4096];
    const IpcChannelConfiguration config = IPC_CHANNEL_DEFAULTS;
    IpcChannel *channel =
        result_of(ipc_channel_create(memory, sizeof memory, config));

    must_fail(ipc_channel_share(channel, 0, -1, 0), IPC_ERR_INVALID_ARGUMENT);
    must_work(ipc_channel_destroy(channel));
}

Test(open, a_file_anywhere_is_opened_by_its_path)
{
    IpcOpenOptions options = options_with(IPC_OPEN_PATH);
    IpcChannel *one = result_of(ipc_channel_open(path, &options));
    IpcChannel *two = result_of(ipc_channel_open(path, &options));
    struct stat file;

    must(ipc_channel_created(one) && !ipc_channel_created(two));
    must_pass(one, two, 5);
    must_work(ipc_channel_destroy(one));
    must_work(ipc_channel_destroy(two));
    must(stat(path, &file) == 0 && (file.st_mode & 07777) == 0600);
    must(!exists());
}

Test(open, the_mode_is_what_was_asked_for_whatever_the_umask)
{
    const uint32_t modes[] = {0, 0600, 0640, 0666, 0777};

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        IpcOpenOptions options = options_with(IPC_OPEN_PATH);
        struct stat file;

        umask(i % 2 ? 077 : 0);
        options.mode = modes[i];
        open_and_leave(path, &options);
        must(stat(path, &file) == 0);
        must((file.st_mode & 07777) == (modes[i] ? modes[i] : 0600));
        must(unlink(path) == 0);
    }
}

/* ---------------------------------------------------------------- pages */

Test(open, pages_can_be_made_present_locked_and_bound)
{
    const uint32_t flags[] = {IPC_OPEN_PREFAULT, IPC_OPEN_LOCK_MEMORY,
                              IPC_OPEN_NUMA_NODE, IPC_OPEN_HUGE_PAGES,
                              IPC_OPEN_PREFAULT | IPC_OPEN_LOCK_MEMORY |
                                  IPC_OPEN_NUMA_NODE};

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        IpcOpenOptions options = options_with(flags[i]);
        IpcChannelOpenResult r = ipc_channel_open(name, &options);
        IpcChannel *second;

        if (r.ipc_status == IPC_ERR_UNSUPPORTED ||
            (r.ipc_status == IPC_ERR_SYSTEM &&
             (r.error.body.sys_errno == EPERM ||
              r.error.body.sys_errno == ENOMEM))) {
            cr_log_warn("skipped: flags %u: %s", flags[i], r.error.detail);
            must(!exists());
            continue;
        }
        must_work(r);
        second = result_of(ipc_channel_open(name, &options));
        must_pass(r.result, second, 6);
        must_work(ipc_channel_destroy(r.result));
        must_work(ipc_channel_destroy(second));
        must_work(ipc_channel_unlink(name));
    }
}

static bool is_present(const void *memory, size_t size)
{
    unsigned char pages[4096];

    must(size / (size_t)sysconf(_SC_PAGESIZE) <= sizeof pages);
    must(mincore((void *)(uintptr_t)memory, size, pages) == 0);
    for (size_t i = 0; i < size / (size_t)sysconf(_SC_PAGESIZE); i++)
        if (!(pages[i] & 1))
            return false;
    return true;
}

/* Where the kernel says what is mapped there. */
static bool find_mapping(void **memory, size_t *size)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    bool found = false;

    must(maps != NULL);
    while (fgets(line, sizeof line, maps))
        if (strstr(line, name)) {
            unsigned long from, to;

            must(sscanf(line, "%lx-%lx", &from, &to) == 2);
            *memory = (void *)from; /* NOLINT(*-no-int-to-ptr) */
            *size = to - from;
            found = true;
        }
    fclose(maps);
    return found;
}

/* Emulators say that they did it. */
static bool is_lied_to(void)
{
    enum { POPULATE_WRITE = 23 }; /* newer than the headers of some systems */
    size_t size = 1 << 20;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool lied;

    must(memory != MAP_FAILED);
    lied =
        madvise(memory, size, POPULATE_WRITE) == 0 && !is_present(memory, size);
    munmap(memory, size);
    return lied;
}

Test(open, a_prefaulted_mapping_is_present_and_destroy_takes_it_back)
{
    IpcOpenOptions options = options_with(IPC_OPEN_PREFAULT);
    IpcChannel *channel = result_of(ipc_channel_open(name, &options));
    void *memory;
    size_t size;

    if (is_lied_to())
        cr_skip_test("an emulator is between, which populates nothing");
    must(find_mapping(&memory, &size) && size >= 1 << 20);
    must(is_present(memory, size));
    must_work(ipc_channel_destroy(channel));
    must(!find_mapping(&memory, &size));
}

Test(open, a_node_that_does_not_exist_is_refused_and_nothing_is_left)
{
    IpcOpenOptions options = options_with(IPC_OPEN_NUMA_NODE);
    IpcChannelOpenResult r;

    options.numa_node = 1023;
    r = ipc_channel_open(name, &options);
    must(r.ipc_status == IPC_ERR_SYSTEM || r.ipc_status == IPC_ERR_UNSUPPORTED);
    must(strstr(r.error.detail, "numa_node") != NULL);
    must(!exists());
}

/* --------------------------------------------------------------- leftovers */

Test(open, what_dead_owners_left_is_replaced_only_if_asked_to)
{
    IpcOpenOptions replace = options_with(IPC_OPEN_REPLACE_DEAD);
    IpcChannel *channel;
    IpcEntry entry;
    pid_t child = fork_child();

    if (child == 0) {
        channel = result_of(ipc_channel_open(name, NULL));
        must_work(ipc_channel_write(channel, "left", 5));
        raise(SIGKILL);
    }
    must(waitpid(child, NULL, 0) == child);
    channel = result_of(ipc_channel_open(name, NULL));
    must(!ipc_channel_created(channel));
    /* Somebody has it open now: it is in use. */
    must_be(status_with(replace), IPC_OK);
    must_work(ipc_channel_try_read(channel, &entry));
    free(entry.payload);
    must_work(ipc_channel_write(channel, "left", 5));
    must_work(ipc_channel_destroy(channel));
    channel = result_of(ipc_channel_open(name, &replace));
    must(ipc_channel_created(channel));
    must_be(ipc_channel_try_read(channel, &entry).ipc_status, IPC_EMPTY);
    must_work(ipc_channel_destroy(channel));
}

Test(open, who_must_be_the_first_is_told_how_a_leftover_is_replaced)
{
    IpcChannelOpenResult r;
    IpcOpenOptions options = options_with(IPC_OPEN_EXCLUSIVE);
    IpcChannel *channel = result_of(ipc_channel_open(name, NULL));

    must_work(ipc_channel_destroy(channel));
    r = ipc_channel_open(name, &options);
    must_be(r.ipc_status, IPC_ERR_EXISTS);
    must(strstr(r.error.detail, "IPC_OPEN_REPLACE_DEAD") != NULL);
    options.flags |= IPC_OPEN_REPLACE_DEAD;
    channel = result_of(ipc_channel_open(name, &options));
    must(ipc_channel_created(channel));
    must_work(ipc_channel_destroy(channel));
}

Test(open, what_somebody_uses_without_a_name_is_not_replaced)
{
    const IpcChannelConfiguration config =
        IPC_CHANNEL_CONFIGURATION(1, 1000, 1000);
    IpcOpenOptions replace = options_with(IPC_OPEN_REPLACE_DEAD);
    IpcMemorySegment *segment;
    IpcChannel *old, *joined;
    struct stat file;
    int fd;

    open_and_leave(name, NULL);
    fd = shm_open(name, O_RDONLY, 0);
    must(fd >= 0 && fstat(fd, &file) == 0);
    close(fd);
    segment = result_of(ipc_mmap(name, (uint64_t)file.st_size));
    old = result_of(ipc_channel_connect(segment->memory, config));
    must_work(ipc_channel_write(old, "old", 4));
    joined = result_of(ipc_channel_open(name, &replace));
    must(!ipc_channel_created(joined));
    must_work(ipc_channel_destroy(joined));
    must_work(ipc_channel_destroy(old));
    must_work(ipc_unlink(segment));
}

Test(open, the_last_one_out_removes_the_name_if_asked_to)
{
    IpcOpenOptions last = options_with(IPC_OPEN_UNLINK_LAST);
    IpcChannel *one = result_of(ipc_channel_open(name, &last));
    IpcChannel *two = result_of(ipc_channel_open(name, &last));
    pid_t child = fork_child();

    if (child == 0) {
        must_work(ipc_channel_destroy(one));
        must_work(ipc_channel_destroy(two));
        must(exists());
        child_done();
    }
    must_succeed(child);
    must_work(ipc_channel_destroy(two));
    must(exists());
    must_work(ipc_channel_destroy(one));
    must(!exists());
    /* One that was not asked to leaves it. */
    one = result_of(ipc_channel_open(name, &last));
    two = result_of(ipc_channel_open(name, NULL));
    must_work(ipc_channel_destroy(one));
    must(exists());
    must_work(ipc_channel_destroy(two));
    must(exists());
}

Test(open, the_last_one_out_leaves_the_name_of_another_alone)
{
    IpcOpenOptions last = options_with(IPC_OPEN_UNLINK_LAST);
    IpcChannel *one = result_of(ipc_channel_open(name, &last));
    IpcChannel *two;

    must_work(ipc_channel_unlink(name));
    two = result_of(ipc_channel_open(name, NULL));
    must(ipc_channel_created(two));
    must_work(ipc_channel_destroy(one));
    must(exists());
    must_work(ipc_channel_destroy(two));
}

Test(open, a_half_made_segment_is_made_and_counts_as_none)
{
    make_file("", 0, 0);
    must_be(status_with(options_with(IPC_OPEN_EXCLUSIVE)), IPC_OK);
    must_work(ipc_channel_unlink(name));
    make_file("", 0, 65536); /* its pages, and nothing in them */
    must_be(status_with(options_with(0)), IPC_OK);
    must_work(ipc_channel_unlink(name));
}

Test(open, who_only_connects_waits_for_the_creator_and_no_longer)
{
    IpcOpenOptions connect = options_with(IPC_OPEN_CONNECT_ONLY);
    int64_t begun = now_ns();

    make_file("", 0, 0);
    connect.timeout_ns = 50 * MILLISECOND;
    must_be(status_with(connect), IPC_ERR_INITIALIZING);
    must(now_ns() - begun >= 50 * MILLISECOND);
    must(now_ns() - begun < 20 * SECOND);
}
