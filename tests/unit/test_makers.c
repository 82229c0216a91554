/* SPDX-License-Identifier: MIT */
/*
 * Memory that is opened by its name and also formatted by who has it mapped:
 * one waits for the other, where the memory's file is known.
 */
#include "../own_name.h"
#include "channels.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

static char name[OWN_NAME_ROOM];
static int fd; /* of the file behind the name */
static void *mapped;
static size_t size;

static void choose_name(void)
{
    own_name(name, "makers");
}

static void remove_name(void)
{
    shm_unlink(name);
}

TestSuite(makers, .init = choose_name, .fini = remove_name);

static IpcChannel *open_by_name(void)
{
    IpcChannelOpenResult r = ipc_channel_open(name, NULL);

    must_work(r);
    return r.result;
}

static void map_file(void)
{
    struct stat file;

    fd = shm_open(name, O_RDWR | O_CREAT, 0600);
    must(fd >= 0 && fstat(fd, &file) == 0);
    size = (size_t)file.st_size;
    mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    must(mapped != MAP_FAILED);
}

/* The three ways in which the file is known; and what they say. */
enum { BUFFER, CHANNEL, SEGMENT, WAYS };

static IpcStatus create(int way, uint32_t flags)
{
    const IpcBufferOptions options = {.struct_size = sizeof options,
                                      .flags = flags | IPC_BUFFER_HAS_MEMORY_FD,
                                      .memory_fd = fd};
    IpcChannelConfiguration configuration = quick;
    IpcMemorySegmentResult segment;
    IpcBufferCreateResult buffer;
    IpcChannelResult channel;

    configuration.flags = flags;
    if (way == BUFFER) {
        buffer = ipc_buffer_create_with_options(mapped, size, &options);
        if (IpcBufferCreateResult_is_ok(buffer))
            must_work(ipc_buffer_destroy(buffer.result));
        else
            must(strstr(buffer.error.detail, "by its name") != NULL);
        return buffer.ipc_status;
    }
    if (way == CHANNEL) {
        configuration.options = IPC_CHANNEL_HAS_MEMORY_FD;
        configuration.memory_fd = fd;
        channel = ipc_channel_create(mapped, size, configuration);
    } else {
        segment = ipc_mmap(name, size);
        must_work(segment);
        channel =
            ipc_channel_create(segment.result->memory, size, configuration);
    }
    if (IpcChannelResult_is_ok(channel))
        must_work(ipc_channel_destroy(channel.result));
    if (way == SEGMENT)
        must_work(ipc_unmap(segment.result));
    return channel.ipc_status;
}

/* Also one that has written nothing, so that no owner slot tells of it. */
Test(makers, what_is_open_by_name_is_not_formatted_unless_asked_for)
{
    for (int way = 0; way < WAYS; way++) {
        IpcChannel *channel = open_by_name();

        map_file();
        must_be(create(way, 0), IPC_ERR_IN_USE);
        must_send(channel, 10, 1);
        must_receive(channel, 10, 1);
        must_be(create(way, IPC_BUFFER_RECREATE), IPC_OK);
        must_fail(ipc_channel_recover(channel, false), IPC_ERR_FORMATTED_ANEW);
        must_work(ipc_channel_destroy(channel));
        must_be(create(way, 0), IPC_OK);
        must(flock(fd, LOCK_EX | LOCK_NB) == 0);
        must(munmap(mapped, size) == 0 && close(fd) == 0);
    }
}

Test(makers, who_makes_it_by_its_name_is_waited_for_but_not_for_long)
{
    const int64_t begun = now_ns();

    must_work(ipc_channel_destroy(open_by_name()));
    map_file();
    for (int way = 0; way < WAYS; way++) {
        int other = shm_open(name, O_RDWR, 0);
        pid_t child;

        must(other >= 0 && flock(other, LOCK_EX) == 0);
        must_be(create(way, 0), IPC_ERR_IN_USE);
        must_be(create(way, IPC_BUFFER_RECREATE), IPC_ERR_IN_USE);
        child = fork_child();
        if (child == 0) {
            pause_ns(20 * MILLISECOND);
            must(flock(other, LOCK_UN) == 0);
            child_done();
        }
        must_be(create(way, 0), IPC_OK);
        must_succeed(child);
        close(other);
    }
    must(now_ns() - begun < 20 * SECOND);
}

/* A moment's lock, as those have it who wait for a creator. */
Test(makers, who_looks_whether_it_is_made_is_in_nobodys_way)
{
    pid_t child;
    int other;

    must_work(ipc_channel_destroy(open_by_name()));
    map_file();
    other = shm_open(name, O_RDWR, 0);
    must(other >= 0 && flock(other, LOCK_SH) == 0);
    child = fork_child();
    if (child == 0) {
        pause_ns(20 * MILLISECOND);
        must(flock(other, LOCK_UN) == 0);
        child_done();
    }
    must_be(create(BUFFER, 0), IPC_OK);
    must_succeed(child);
    close(other);
}

static uint32_t ready_now(void)
{
    const struct shm_identity *id = mapped;

    return atomic_get_acquire(&id->ready);
}

static uint64_t creation_now(void)
{
    const struct shm_identity *id = mapped;

    return atomic_get_acquire(&id->creation);
}

/* Whoever would open it by its name cannot have the lock to format it. */
Test(makers, nobody_formats_by_name_what_is_being_formatted)
{
    enum { LARGE = 64 << 20, MEETINGS = 5 };
    const IpcOpenOptions large = {.struct_size = sizeof large, .size = LARGE};
    IpcChannelOpenResult made = ipc_channel_open(name, &large);
    int meetings = 0;
    pid_t child;

    if (made.ipc_status == IPC_ERR_SYSTEM)
        cr_skip_test("/dev/shm has no room");
    must_work(made);
    must_work(ipc_channel_destroy(made.result));
    map_file();
    alarm(50); /* who meets nobody ends */
    child = fork_child();
    if (child == 0) {
        alarm(50);
        for (;;)
            must_be(create(BUFFER, IPC_BUFFER_RECREATE), IPC_OK);
    }
    while (meetings < MEETINGS) {
        uint64_t creation = creation_now();
        int other;
        bool alone;

        if (ready_now() == SHMIPC_READY)
            continue;
        must((other = shm_open(name, O_RDWR, 0)) >= 0);
        alone = flock(other, LOCK_SH | LOCK_NB) == 0;
        if (ready_now() != SHMIPC_READY && creation_now() == creation) {
            must(!alone);
            meetings++;
        }
        close(other);
    }
    kill_child(child);
}
