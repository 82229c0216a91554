/* SPDX-License-Identifier: MIT */
/*
 * A descriptor of the memory in the options: what is accepted as one, and that
 * deaths are proven with it where pids prove nothing.
 */
#include "channels.h"
#include <fcntl.h>
#include <sys/resource.h>

enum { BLOCKS = 16, OWNERS = 8, SIZE = 16384, ONE_PRODUCER = 1 };

static int new_file(void)
{
    int fd = memfd_create("memory", MFD_CLOEXEC);

    must(ring_size(BLOCKS, OWNERS) <= SIZE);
    must(fd >= 0 && ftruncate(fd, SIZE) == 0);
    return fd;
}

static void *map(int fd, int protection, int flags)
{
    void *memory = mmap(NULL, SIZE, protection, flags, fd, 0);

    must(memory != MAP_FAILED);
    return memory;
}

static void *map_shared(int fd)
{
    return map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static IpcBufferOptions options_with(int fd)
{
    IpcBufferOptions options = {.struct_size = sizeof options,
                                .flags = IPC_BUFFER_HAS_MEMORY_FD,
                                .max_owners = OWNERS,
                                .memory_fd = fd};

    return options;
}

static IpcChannelConfiguration configuration_with(int fd)
{
    IpcChannelConfiguration configuration = quick;

    configuration.options = IPC_CHANNEL_HAS_MEMORY_FD;
    configuration.max_owners = OWNERS;
    configuration.memory_fd = fd;
    return configuration;
}

static IpcBufferCreateResult create_with(void *memory, int fd)
{
    IpcBufferOptions options = options_with(fd);

    return ipc_buffer_create_with_options(memory, SIZE, &options);
}

static IpcBufferAttachResult attach_with(void *memory, int fd)
{
    IpcBufferOptions options = options_with(fd);

    return ipc_buffer_attach_with_options(memory, SIZE, &options);
}

static IpcOwner only_owner(const IpcBuffer *b)
{
    IpcOwner owner = {.struct_size = sizeof owner};
    IpcBufferOwnersResult r = ipc_buffer_owners(b, &owner, 1);

    must_work(r);
    must(r.result == 1);
    return owner;
}

static bool is_locked(const IpcBuffer *b)
{
    return only_owner(b).flags & IPC_OWNER_LOCKED;
}

static int open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 1000; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* So that only the lock tells whether its process lives. */
static void move_to_another_namespace(struct shm_region *region)
{
    atomic_u64 *identity = &region->owners[0].identity;

    atomic_put_relaxed(identity, atomic_get_relaxed(identity) ^ 1);
}

/* ----------------------------------------------------------- what it is for */

Test(unit, who_creates_with_a_descriptor_locks_its_slot)
{
    int fd = new_file();
    IpcBufferCreateResult r = create_with(map_shared(fd), fd);

    must_work(r);
    must(stats_of(r.result).flags == 0);
    must_write(r.result, 10, 1);
    must(is_locked(r.result));
}

Test(unit, who_attaches_with_a_descriptor_locks_its_slot)
{
    int fd = new_file();
    void *memory = map_shared(fd);
    IpcBuffer *without = make_ring(memory, BLOCKS, OWNERS, 0);
    IpcBufferAttachResult r = attach_with(memory, fd);

    must_work(r);
    must_write(r.result, 10, 1);
    must(is_locked(r.result));
    must_work(ipc_buffer_destroy(r.result));
    must_write(without, 10, 1);
    must(!is_locked(without));
}

Test(unit, channels_take_a_descriptor_too)
{
    int fd = new_file();
    void *memory = map_shared(fd);
    IpcChannelResult created =
        ipc_channel_create(memory, SIZE, configuration_with(fd));
    IpcChannelConnectResult joined;
    IpcOwner owner = {.struct_size = sizeof owner};

    must_work(created);
    must_send(created.result, 10, 1);
    must_work(ipc_channel_owners(created.result, &owner, 1));
    must(owner.flags & IPC_OWNER_LOCKED);
    must_work(ipc_channel_destroy(created.result));
    joined = ipc_channel_connect(memory, configuration_with(fd));
    must_work(joined);
    must_send(joined.result, 10, 1);
    must_work(ipc_channel_owners(joined.result, &owner, 1));
    must(owner.flags & IPC_OWNER_LOCKED);
    must_work(ipc_channel_destroy(joined.result));
}

/* The observer's mapping is for reading only: that must do for the question. */
Test(unit, the_lock_tells_of_a_life_where_the_pid_does_not)
{
    int fd = new_file();
    void *memory = map_shared(fd);
    IpcBuffer *b = create_with(memory, fd).result;
    IpcBuffer *without = attach_to(memory);
    IpcBufferAttachResult observer =
        attach_with(map(fd, PROT_READ, MAP_SHARED), fd);
    struct gate *gate = make_gate();
    pid_t child = fork_child();
    IpcReservation open;

    must_work(observer);
    if (child == 0) {
        must_work(ipc_buffer_reserve(b, 10, &open));
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    move_to_another_namespace(memory);
    must(only_owner(b).fate == IPC_OWNER_LIVES);
    must(only_owner(observer.result).fate == IPC_OWNER_LIVES);
    must(only_owner(without).fate == IPC_OWNER_UNKNOWN);
    kill_child(child);
    must(only_owner(b).fate == IPC_OWNER_IS_DEAD);
    must(only_owner(observer.result).fate == IPC_OWNER_IS_DEAD);
    must(only_owner(without).fate == IPC_OWNER_UNKNOWN);
    must_fail(ipc_buffer_recover(without), IPC_ERR_NOT_READY);
    must(result_of(ipc_buffer_recover(b)) > 0);
}

Test(unit, the_descriptor_stays_the_callers_and_may_be_closed)
{
    int fd = new_file();
    void *memory = map_shared(fd);
    int before = open_descriptors();
    IpcBuffer *b = create_with(memory, fd).result;
    IpcBuffer *again = attach_with(memory, fd).result;

    must(fcntl(fd, F_GETFD) >= 0);
    must(open_descriptors() == before + 1); /* one for each file */
    must(close(fd) == 0);
    must_write(b, 10, 1);
    must(is_locked(b));
    must_work(ipc_buffer_destroy(b));
    must_write(again, 10, 1);
    must(is_locked(again));
    must_work(ipc_buffer_destroy(again));
    must(open_descriptors() == before - 1);
}

Test(unit, without_a_descriptor_to_spare_there_are_no_locks_and_no_errors)
{
    struct rlimit limit = {64, 64};
    int fd = new_file();
    IpcBufferCreateResult r;

    must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while (dup(fd) >= 0)
        continue;
    r = create_with(map_shared(fd), fd);
    must_work(r);
    must_write(r.result, 10, 1);
    must(!is_locked(r.result));
}

/* ------------------------------------------------------------ what is none */

static bool names_memory_fd(const char *detail)
{
    return strstr(detail, "memory_fd") != NULL;
}

/* By all that take one. The memory holds a region. */
static void must_refuse(void *memory, int fd)
{
    int before = open_descriptors();
    IpcBufferAttachResult attached = attach_with(memory, fd);
    IpcChannelConnectResult joined =
        ipc_channel_connect(memory, configuration_with(fd));
    IpcBufferCreateResult created;
    IpcChannelResult channel;

    must_fail(attached, IPC_ERR_INVALID_ARGUMENT);
    must(names_memory_fd(attached.error.detail));
    must_fail(joined, IPC_ERR_INVALID_ARGUMENT);
    must(names_memory_fd(joined.error.detail));
    created = create_with(memory, fd);
    must_fail(created, IPC_ERR_INVALID_ARGUMENT);
    must(names_memory_fd(created.error.detail));
    channel = ipc_channel_create(memory, SIZE, configuration_with(fd));
    must_fail(channel, IPC_ERR_INVALID_ARGUMENT);
    must(names_memory_fd(channel.error.detail));
    must(open_descriptors() == before);
}

Test(unit, what_is_no_file_that_can_be_read_is_refused_and_nothing_changed)
{
    int fd = new_file();
    void *memory = map_shared(fd);
    void *copy = malloc(SIZE);
    char path[32];
    int short_file = memfd_create("short", MFD_CLOEXEC);
    int bad[7];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    make_ring(memory, BLOCKS, OWNERS, 0);
    must(copy && short_file >= 0 && ftruncate(short_file, 50) == 0);
    memcpy(copy, memory, SIZE);
    bad[0] = -1;
    bad[1] = 900;
    must(pipe(bad + 2) == 0);
    bad[4] = open("/dev/zero", O_RDWR);
    bad[5] = open(path, O_WRONLY);
    bad[6] = short_file;
    for (int i = 0; i < 7; i++) {
        must(i < 2 || bad[i] >= 0);
        must_refuse(memory, bad[i]);
        must(memcmp(copy, memory, SIZE) == 0);
    }
    free(copy);
}

Test(unit, another_file_is_refused)
{
    int fd = new_file();
    int empty = new_file();
    int other = new_file();
    void *memory = map_shared(fd);

    make_ring(memory, BLOCKS, OWNERS, 0);
    make_ring(map_shared(other), BLOCKS, OWNERS, 0);
    must_refuse(memory, empty);
    must_refuse(memory, other);
    must_work(create_with(memory, fd));
    must_work(attach_with(memory, fd));
}

Test(unit, a_file_that_was_mapped_from_elsewhere_on_is_refused)
{
    long page = sysconf(_SC_PAGESIZE);
    int fd = new_file();
    void *memory;

    must(ftruncate(fd, SIZE + page) == 0);
    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page);
    must(memory != MAP_FAILED);
    make_ring(memory, BLOCKS, OWNERS, 0);
    must_refuse(memory, fd);
}

Test(unit, memory_that_is_not_shared_with_the_file_is_refused)
{
    int fd = new_file();
    void *private = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);

    make_ring(private, BLOCKS, OWNERS, 0);
    must_refuse(private, fd);
}

/* ---------------------------------------------------------------- options */

Test(unit, attaching_refuses_options_that_creating_would)
{
    int fd = new_file();
    void *memory = map_shared(fd);
    static const char *const names[] = {
        "struct_size", "flags", "max_subscribers", "reserved", "memory_fd"};
    IpcBufferOptions bad[5];

    make_ring(memory, BLOCKS, OWNERS, 0);
    for (int i = 0; i < 5; i++)
        bad[i] = options_with(fd);
    bad[0].struct_size--;
    bad[1].flags |= 1U << 31;
    bad[2].max_subscribers = 1;
    bad[3].reserved[2] = 1;
    bad[4].flags = 0; /* a descriptor without its flag */
    for (int i = 0; i < 5; i++) {
        IpcBufferAttachResult r =
            ipc_buffer_attach_with_options(memory, SIZE, &bad[i]);

        must_fail(r, IPC_ERR_INVALID_ARGUMENT);
        must(strstr(r.error.detail, names[i]) != NULL);
    }
}

Test(unit, attaching_with_options_is_attaching)
{
    int fd = new_file();
    void *memory = map_shared(fd);
    IpcBufferOptions options = {
        .struct_size = sizeof options, .flags = ONE_PRODUCER, .max_owners = 3};
    IpcBufferAttachResult r;

    must_fail(attach_with(memory, fd), IPC_ERR_NOT_FORMATTED);
    must_fail(attach_with(NULL, fd), IPC_ERR_INVALID_ARGUMENT);
    make_ring(memory, BLOCKS, OWNERS, 0);
    must_work(ipc_buffer_attach_with_options(memory, SIZE, NULL));
    r = ipc_buffer_attach_with_options(memory, 100, NULL);
    must_fail(r, IPC_ERR_TRUNCATED);
    r = ipc_buffer_attach_with_options(memory, SIZE, &options);
    must_work(r);
    must(stats_of(r.result).flags == 0);
    must(stats_of(r.result).max_owners == OWNERS);
    must_write(r.result, 10, 1);
    must(!is_locked(r.result));
}

Test(unit, the_flag_of_buffers_is_none_of_channels)
{
    int fd = new_file();
    IpcChannelConfiguration configuration = configuration_with(fd);

    configuration.flags = IPC_BUFFER_HAS_MEMORY_FD;
    must_fail(ipc_channel_create(map_shared(fd), SIZE, configuration),
              IPC_ERR_INVALID_ARGUMENT);
    configuration.options = 0;
    configuration.memory_fd = 0;
    must_fail(ipc_channel_create(map_shared(fd), SIZE, configuration),
              IPC_ERR_INVALID_ARGUMENT);
}
