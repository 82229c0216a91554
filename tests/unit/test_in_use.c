/* SPDX-License-Identifier: MIT */
/*
 * Creating in memory that living handles use is refused; in any other memory,
 * whatever it holds, it works.
 */
#include "channels.h"

enum { SIZE = 16384, BLOCKS = 16, ONE_CONSUMER = IPC_BUFFER_ONE_CONSUMER };

static IpcBufferOptions with_flags(uint32_t flags)
{
    IpcBufferOptions options = {.struct_size = sizeof options, .flags = flags};

    return options;
}

/* A process that uses the ring at `memory` in some way until it is killed. */
static pid_t user_of(void *memory, void (*use)(IpcBuffer *))
{
    struct gate *gate = make_gate();
    pid_t pid = fork_child();

    if (pid == 0) {
        use(attach_to(memory));
        gate_open(gate, 1);
        for (;;)
            pause();
    }
    gate_wait(gate, 1);
    return pid;
}

static void writes(IpcBuffer *b)
{
    must_write(b, 10, 1);
}

static void reads(IpcBuffer *b)
{
    must_be(try_to_read(b), IPC_EMPTY);
}

static void writes_and_leaves(IpcBuffer *b)
{
    must_write(b, 10, 1);
    must_work(ipc_buffer_destroy(b));
}

static void must_be_refused(void *memory, pid_t user)
{
    void *copy = malloc(SIZE);
    IpcBufferCreateResult buffer = ipc_buffer_create(memory, SIZE);
    IpcChannelResult channel = ipc_channel_create(memory, SIZE, quick);

    memcpy(copy, memory, SIZE);
    must_fail(buffer, IPC_ERR_IN_USE);
    must_fail(channel, IPC_ERR_IN_USE);
    must(buffer.error.has_body && buffer.error.body.value == user);
    must(channel.error.has_body && channel.error.body.value == user);
    must(memcmp(copy, memory, SIZE) == 0);
    free(copy);
}

Test(unit, memory_that_a_living_producer_uses_is_not_formatted_unless_asked_for)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        void *memory = shared_memory(SIZE);
        IpcBuffer *b = make_ring(memory, BLOCKS, 8, mode);
        IpcBufferOptions recreate = with_flags(IPC_BUFFER_RECREATE);
        IpcBufferOptions plain = with_flags(0);
        pid_t user = user_of(memory, writes);

        must_be_refused(memory, user);
        must_fail(ipc_buffer_create_with_options(memory, SIZE, &plain),
                  IPC_ERR_IN_USE);
        must_read(b, 10, 1);
        must_work(ipc_buffer_create_with_options(memory, SIZE, &recreate));
        must_fail(ipc_buffer_recover(b), IPC_ERR_FORMATTED_ANEW);
        kill_child(user);
    }
}

Test(unit, a_channel_is_recreated_if_its_flags_say_so)
{
    void *memory = shared_memory(SIZE);
    IpcChannelConfiguration recreate = quick;
    pid_t user;

    make_ring(memory, BLOCKS, 8, 0);
    user = user_of(memory, writes);
    must_be_refused(memory, user);
    recreate.flags = IPC_BUFFER_RECREATE | IPC_BUFFER_ONE_PRODUCER;
    must_work(ipc_channel_create(memory, SIZE, recreate));
    must(stats_of(attach_to(memory)).flags == IPC_BUFFER_ONE_PRODUCER);
    kill_child(user);
}

Test(unit, memory_that_a_living_one_consumer_uses_is_not_formatted)
{
    void *memory = shared_memory(SIZE);
    pid_t user;

    make_ring(memory, BLOCKS, 8, ONE_CONSUMER);
    user = user_of(memory, reads);
    must_be_refused(memory, user);
    kill_child(user);
}

Test(unit, memory_whose_users_are_dead_or_have_left_is_formatted)
{
    void *memory = shared_memory(SIZE);
    pid_t user;

    make_ring(memory, BLOCKS, 8, 0);
    user = user_of(memory, writes_and_leaves);
    must_work(ipc_buffer_create(memory, SIZE));
    kill_child(user);
    user = user_of(memory, writes);
    kill_child(user);
    must_work(ipc_buffer_create(memory, SIZE));
    user = user_of(memory, writes);
    make_zombie(user);
    must_work(ipc_buffer_create(memory, SIZE));
}

/* They have no slot unless the buffer knows consumers. */
Test(unit, readers_of_many_consumer_mode_are_not_seen)
{
    void *memory = shared_memory(SIZE);
    pid_t user;

    make_ring(memory, BLOCKS, 8, 0);
    user = user_of(memory, reads);
    must_work(ipc_buffer_create(memory, SIZE));
    kill_child(user);
}

/* The living one is behind others. */
Test(unit, one_that_lives_among_the_dead_is_found)
{
    void *memory = shared_memory(SIZE);
    pid_t users[3];

    make_ring(memory, BLOCKS, 8, 0);
    for (int i = 0; i < 3; i++)
        users[i] = user_of(memory, writes);
    kill_child(users[0]);
    kill_child(users[1]);
    must_be_refused(memory, users[2]);
    kill_child(users[2]);
}

/* Whom nobody can judge may live: of another pid namespace. */
Test(unit, one_that_cannot_be_judged_may_live)
{
    struct shm_region *region = shared_memory(SIZE);
    IpcBuffer *b = make_ring(region, BLOCKS, 8, 0);
    uint64_t identity;

    must_write(b, 10, 1);
    identity = atomic_get_relaxed(&region->owners[0].identity);
    atomic_put_relaxed(&region->owners[0].identity, identity ^ 1);
    must_be_refused(region, getpid());
    must_work(ipc_buffer_recover_force(b));
    must_work(ipc_buffer_create(region, SIZE));
}

/* -------------------------------------------------- what must always work */

Test(unit, this_process_may_create_where_it_did_before)
{
    void *memory = shared_memory(SIZE);

    for (int i = 0; i < 3; i++) {
        IpcChannel *ch = result_of(ipc_channel_create(memory, SIZE, quick));

        must_send(ch, 10, 1);
        if (i == 1)
            free(ch); /* as old code does */
    }
}

/* As a function whose array is where it was when it was last called. */
__attribute__((noinline)) static void use_stack(bool destroys)
{
    uint8_t mem[1024]; /* what is in there is left of what was before */
    IpcChannel *ch = result_of(ipc_channel_create(mem, sizeof mem, quick));

    must_send(ch, 10, 1);
    must_receive(ch, 10, 1);
    if (destroys)
        must_work(ipc_channel_destroy(ch));
    else
        free(ch);
}

Test(unit, an_array_on_the_stack_always_works)
{
    for (int i = 0; i < 10; i++)
        use_stack(i % 2);
}

/* The child's stack holds a copy of its parent's channel, and its parent
 * lives. */
Test(unit, a_forked_child_may_create_in_its_copy_of_a_parents_channel)
{
    uint8_t *copied = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t mem[1024];
    IpcChannel *there = result_of(ipc_channel_create(copied, SIZE, quick));
    IpcChannel *here = result_of(ipc_channel_create(mem, sizeof mem, quick));
    pid_t pid;

    must_send(there, 10, 1);
    must_send(here, 10, 1);
    shared_memory(SIZE); /* that other memory is shared says nothing */
    pid = fork_child();
    if (pid == 0) {
        must_work(ipc_channel_create(copied, SIZE, quick));
        must_work(ipc_channel_create(mem, sizeof mem, quick));
        use_stack(false);
        _exit(0);
    }
    must_succeed(pid);
}

Test(unit, a_forked_child_may_not_create_in_memory_that_it_shares)
{
    void *memory = shared_memory(SIZE);
    IpcBuffer *b = make_ring(memory, BLOCKS, 8, 0);
    pid_t parent = getpid();
    pid_t pid;

    must_write(b, 10, 1);
    pid = fork_child();
    if (pid == 0) {
        must_be_refused(memory, parent);
        _exit(0);
    }
    must_succeed(pid);
    must_read(b, 10, 1);
}

/* Garbage that looks like a ring, and is none. */
Test(unit, garbage_is_formatted_whatever_it_looks_like)
{
    const uint32_t same_shape = IPC_BUFFER_ONE_PRODUCER |
                                IPC_BUFFER_ONE_CONSUMER |
                                IPC_BUFFER_KNOWS_CONSUMERS | IPC_BUFFER_TAPS;
    struct shm_region *region = shared_memory(SIZE);
    unsigned char *good = malloc(SIZE);
    uint64_t random = 1;
    pid_t user;

    make_ring(region, BLOCKS, 8, 0);
    user = user_of(region, writes);
    memcpy(good, region, SIZE);
    must(region->identity.flags == 0);
    /* Each bit of what says that it is one, but of what a creation is named:
     * magic, version, flags, sizes, counts, ready. */
    for (size_t bit = 0; bit < sizeof region->identity * 8; bit++) {
        size_t byte = bit / 8;

        if ((byte >= 32 && byte < 56) || byte >= 60)
            continue;
        memcpy(region, good, SIZE);
        ((unsigned char *)region)[byte] ^= (unsigned char)(1 << bit % 8);
        if (region->identity.flags & same_shape)
            continue; /* that is one, and in use */
        must_work(ipc_buffer_create(region, SIZE));
    }
    for (int i = 0; i < 1000; i++) {
        for (size_t j = 0; j < 1024 / sizeof random; j++)
            ((uint64_t *)(void *)region)[j] = next_random(&random);
        must_work(ipc_buffer_create(region, SIZE));
    }
    /* A ring that would not fit where it is said to be. */
    memcpy(region, good, SIZE);
    must_work(ipc_buffer_create(region, 1024));
    kill_child(user);
    free(good);
}

/* With the memory's file a lock proves what a pid in another namespace does
 * not. */
Test(unit, the_memorys_file_proves_that_a_user_is_dead)
{
    int fd = memfd_create("memory", MFD_CLOEXEC);
    struct shm_region *region;
    IpcBufferOptions options = with_flags(IPC_BUFFER_HAS_MEMORY_FD);
    pid_t pid;

    must(fd >= 0 && ftruncate(fd, SIZE) == 0);
    region = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    must(region != MAP_FAILED);
    options.memory_fd = fd;
    pid = fork_child();
    if (pid == 0) {
        must_write(
            result_of(ipc_buffer_create_with_options(region, SIZE, &options)),
            10, 1);
        /* As of another pid namespace, which is 27 bits beside the lock's. */
        atomic_put_relaxed(&region->owners[0].identity,
                           atomic_get_relaxed(&region->owners[0].identity) ^ 1);
        _exit(0);
    }
    must_succeed(pid);
    must_fail(ipc_buffer_create(region, SIZE), IPC_ERR_IN_USE);
    must_work(ipc_buffer_create_with_options(region, SIZE, &options));
}
