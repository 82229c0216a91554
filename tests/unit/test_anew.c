/* SPDX-License-Identifier: MIT */
/*
 * Memory that is formatted anew while handles to what was there live on, also
 * with other options and of another size.
 */
#include "channels.h"
#include <pthread.h>

enum { BLOCKS = 6, INDEX_BITS = 3, MANY_LOOKS = 2000, MEMORY = 8192 };

static const struct timespec long_enough = {10, 0};
static const struct timespec moment = {0, 1000};

/* What the memory is formatted as the second time. */
static const struct {
    uint32_t blocks, owners, flags;
} others[] = {
    {BLOCKS, 8, 0},
    {BLOCKS, 3, 0},
    {BLOCKS, 8, IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER},
    {2, 1, 0},
    {60, 16, 0},
};
enum { OTHERS = sizeof others / sizeof others[0] };

static struct shm_region *region;

static IpcBuffer *format_as(int other)
{
    return make_ring(region, others[other].blocks, others[other].owners,
                     others[other].flags);
}

/* A channel that its handle has written into and read from. */
static IpcChannel *old_channel(uint32_t mode, uint32_t wait)
{
    IpcChannelConfiguration configuration = quick;
    IpcChannelResult r;

    region = shared_memory(MEMORY);
    configuration.flags = mode;
    configuration.max_owners = 8;
    configuration.wait = wait;
    r = ipc_channel_create(region, ring_size(BLOCKS, 8), configuration);
    must_work(r);
    must_send(r.result, 10, 1);
    must_receive(r.result, 10, 1);
    return r.result;
}

static IpcStatus try_once(IpcChannel *ch)
{
    IpcEntry entry;
    IpcStatus status = ipc_channel_try_read(ch, &entry).ipc_status;

    if (status == IPC_OK)
        free(entry.payload);
    return status;
}

#define FOR_ALL(mode, other)                                                   \
    for (uint32_t mode = 0; mode < ALL_MODES; mode++)                          \
        for (int other = 0; other < OTHERS; other++)

Test(unit, a_writer_is_told_before_it_has_gone_around_the_ring)
{
    FOR_ALL(mode, other)
    {
        IpcChannel *ch = old_channel(mode, IPC_WAIT_FUTEX);
        IpcStatus status = IPC_OK;

        format_as(other);
        for (int i = 0; i <= BLOCKS && status == IPC_OK; i++)
            status = ipc_channel_write(ch, "x", 1).ipc_status;
        must_be(status, IPC_ERR_FORMATTED_ANEW);
        must_fail(ipc_channel_write_blocking(ch, "x", 1),
                  IPC_ERR_FORMATTED_ANEW);
    }
}

/* What it knows of free room is of another lap, but for one creation in many
 * thousands. */
Test(unit, a_writer_is_told_at_its_first_write)
{
    FOR_ALL(mode, other)
    {
        IpcChannel *ch = old_channel(mode, IPC_WAIT_FUTEX);
        uint64_t last = atomic_get_relaxed(&region->tail.position);

        for (int i = 0; i < 100; i++) {
            format_as(other);
            if (atomic_get_relaxed(&region->tail.position) >> INDEX_BITS !=
                last >> INDEX_BITS)
                break;
        }
        must_fail(ipc_channel_write(ch, "x", 1), IPC_ERR_FORMATTED_ANEW);
    }
}

Test(unit, a_reader_that_blocks_is_told)
{
    FOR_ALL(mode, other)
    {
        IpcChannel *ch = old_channel(mode, IPC_WAIT_FUTEX);
        IpcEntry entry;

        format_as(other);
        must_fail(ipc_channel_read(ch, &entry), IPC_ERR_FORMATTED_ANEW);
        must_fail(ipc_channel_read_with_timeout(ch, &entry, &long_enough),
                  IPC_ERR_FORMATTED_ANEW);
        must_fail(ipc_channel_read_with_timeout(ch, &entry, &moment),
                  IPC_ERR_FORMATTED_ANEW);
        must_fail(ipc_channel_peek_with_timeout(ch, &entry, &long_enough),
                  IPC_ERR_FORMATTED_ANEW);
    }
}

Test(unit, a_reader_that_finds_nothing_for_long_is_told)
{
    FOR_ALL(mode, other)
    {
        IpcChannel *ch = old_channel(mode, IPC_WAIT_FUTEX);
        IpcStatus status = IPC_EMPTY;

        format_as(other);
        for (int i = 0; i < MANY_LOOKS && status == IPC_EMPTY; i++)
            status = try_once(ch);
        must_be(status, IPC_ERR_FORMATTED_ANEW);
    }
}

Test(unit, a_poller_is_told)
{
    FOR_ALL(mode, other)
    {
        IpcChannel *ch = old_channel(mode, IPC_WAIT_EVENTFD);

        must_work(ipc_channel_fd(ch));
        format_as(other);
        must_be(try_once(ch), IPC_ERR_FORMATTED_ANEW);
    }
}

/* Damage is not what a reader of the old ring has to be told of. */
Test(unit, what_cannot_be_true_is_explained)
{
    FOR_ALL(mode, other)
    {
        IpcChannel *ch = old_channel(mode, IPC_WAIT_FUTEX);

        format_as(other);
        atomic_put_relaxed(&region->head.position, UINT64_MAX);
        must_be(try_once(ch), IPC_ERR_FORMATTED_ANEW);
    }
}

Test(unit, calls_that_repair_or_describe_are_told_and_change_nothing)
{
    FOR_ALL(mode, other)
    {
        IpcChannel *ch = old_channel(mode, IPC_WAIT_FUTEX);
        IpcBufferStats stats = {.struct_size = sizeof stats};
        IpcBuffer *b = format_as(other);
        IpcBuffer *old = (IpcBuffer *)(void *)ch;

        must_write(b, 10, 7);
        must_fail(ipc_channel_recover(ch, false), IPC_ERR_FORMATTED_ANEW);
        must_fail(ipc_channel_recover(ch, true), IPC_ERR_FORMATTED_ANEW);
        must_fail(ipc_channel_skip_force(ch), IPC_ERR_FORMATTED_ANEW);
        must_fail(ipc_channel_stats(ch, &stats), IPC_ERR_FORMATTED_ANEW);
        must_fail(ipc_channel_close(ch), IPC_ERR_FORMATTED_ANEW);
        must(old != b);
        must_write(b, 10, 8);
        must_read(b, 10, 7);
        must_read(b, 10, 8);
    }
}

/* Its slot, and the roles, may be somebody else's by now. */
Test(unit, destroying_an_old_handle_takes_nothing_from_new_ones)
{
    FOR_ALL(mode, other)
    {
        IpcChannel *ch = old_channel(mode, IPC_WAIT_FUTEX);
        IpcBuffer *b = format_as(other);
        uint64_t identity, producer, consumer;
        uint32_t handles;

        must_write(b, 10, 7);
        must_read(b, 10, 7);
        /* As if the new handle were another process's first. */
        atomic_put_relaxed(&region->tail.role,
                           UINT64_C(1) << 32 | (1 << 14 | 0));
        identity = atomic_get_relaxed(&region->owners[0].identity);
        handles = atomic_get_relaxed(&region->owners[0].handles);
        producer = atomic_get_relaxed(&region->tail.role);
        consumer = atomic_get_relaxed(&region->head.role);
        must_work(ipc_channel_destroy(ch));
        must(identity == atomic_get_relaxed(&region->owners[0].identity));
        must(handles == atomic_get_relaxed(&region->owners[0].handles));
        must(producer == atomic_get_relaxed(&region->tail.role));
        must(consumer == atomic_get_relaxed(&region->head.role));
    }
}

Test(unit, a_handle_that_has_not_entered_does_not_enter_another_ring)
{
    FOR_ALL(mode, other)
    {
        IpcBuffer *old;
        char data[8];
        IpcEntry entry = {0, data, sizeof data};

        region = shared_memory(MEMORY);
        old = make_ring(region, BLOCKS, 8, mode);
        format_as(other);
        must_fail(ipc_buffer_write(old, "x", 1), IPC_ERR_FORMATTED_ANEW);
        if (mode & IPC_BUFFER_ONE_CONSUMER)
            must_fail(ipc_buffer_read(old, &entry), IPC_ERR_FORMATTED_ANEW);
        must(atomic_get_relaxed(&region->owners[0].identity) == 0);
    }
}

/* Where the memory is formatted as far as the old ring's control words. */
Test(unit, a_reservation_of_the_old_ring_cannot_be_committed)
{
    for (int other = 0; other < OTHERS; other++) {
        if (others[other].blocks < BLOCKS)
            continue;
        IpcChannel *ch = old_channel(0, IPC_WAIT_FUTEX);
        IpcReservation reservation;

        must_work(ipc_channel_reserve(ch, 1, &reservation));
        format_as(other);
        must_fail(ipc_channel_commit(ch, &reservation, 1),
                  IPC_ERR_FORMATTED_ANEW);
        must_fail(ipc_channel_abort(ch, &reservation), IPC_ERR_FORMATTED_ANEW);
    }
}

/* Or its creator died. */
Test(unit, who_calls_while_it_is_being_formatted_is_told_too)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = old_channel(mode, IPC_WAIT_FUTEX);
        IpcEntry entry;

        atomic_put_relaxed(&region->identity.ready, 0);
        must_fail(ipc_channel_read(ch, &entry), IPC_ERR_FORMATTED_ANEW);
        must_fail(ipc_channel_recover(ch, false), IPC_ERR_FORMATTED_ANEW);
        must_fail(ipc_channel_connect(region, quick), IPC_ERR_INITIALIZING);
        make_ring(region, BLOCKS, 8, mode);
        must_fail(ipc_channel_read(ch, &entry), IPC_ERR_FORMATTED_ANEW);
    }
}

static IpcStatus slept_until;

static void *sleep_and_read(void *channel)
{
    IpcEntry entry;

    slept_until =
        ipc_channel_read_with_timeout(channel, &entry, &long_enough).ipc_status;
    return NULL;
}

static void *sleep_and_write(void *channel)
{
    slept_until = ipc_channel_write_with_timeout(channel, "x", 1, &long_enough)
                      .ipc_status;
    return NULL;
}

static void must_be_told_asleep(IpcChannel *ch, void *(*call)(void *))
{
    pthread_t thread;

    must(pthread_create(&thread, NULL, call, ch) == 0);
    pause_ns(30 * 1000 * 1000);
    make_ring(region, BLOCKS, 8, 0);
    must(pthread_join(thread, NULL) == 0);
    must_be(slept_until, IPC_ERR_FORMATTED_ANEW);
}

Test(unit, who_sleeps_while_it_is_formatted_is_told)
{
    IpcChannel *ch = old_channel(0, IPC_WAIT_FUTEX);

    must_be_told_asleep(ch, sleep_and_read);
    ch = old_channel(0, IPC_WAIT_FUTEX);
    while (ipc_channel_write(ch, "x", 1).ipc_status == IPC_OK)
        continue;
    must_be_told_asleep(ch, sleep_and_write);
}

Test(unit, who_connects_again_is_at_home_in_the_new_ring)
{
    FOR_ALL(mode, other)
    {
        IpcChannel *ch = old_channel(mode, IPC_WAIT_FUTEX);
        IpcChannelConnectResult r;

        format_as(other);
        must_work(ipc_channel_destroy(ch));
        r = ipc_channel_connect(region, quick);
        must_work(r);
        must_send(r.result, 10, 1);
        must_receive(r.result, 10, 1);
    }
}

/* The pages are there already, so that most of the time goes into formatting.
 */
Test(unit, memory_whose_creator_was_killed_is_not_ready_or_whole)
{
    enum { SIZE = 8 << 20, KILLS = 60 };
    uint64_t random = 1;
    int not_ready = 0;

    region = shared_memory(SIZE);
    must_work(ipc_buffer_destroy(make_ring(region, 100000, 8, 0)));
    for (int i = 0; i < KILLS; i++) {
        pid_t child = fork_child();
        IpcBufferAttachResult attached;
        IpcBuffer *b;

        if (child == 0)
            for (;;)
                IPC_IGNORE(ipc_buffer_create(region, SIZE));
        pause_ns(1000 * (int64_t)random_below(&random, 3000));
        kill_child(child);
        attached = ipc_buffer_attach(region);
        if (attached.ipc_status != IPC_OK) {
            must_fail(attached, IPC_ERR_INITIALIZING);
            not_ready++;
        } else {
            must_write(attached.result, 10, 1);
            must_read(attached.result, 10, 1);
        }
        b = make_ring(region, 1000, 8, (uint32_t)i % ALL_MODES);
        must_write(b, 10, 2);
        must_read(b, 10, 2);
        must_work(ipc_buffer_destroy(b));
    }
    must(not_ready > 0);
}

Test(unit, each_creation_has_a_number_of_its_own)
{
    enum { TIMES = 1000 };
    static uint64_t numbers[TIMES];

    region = shared_memory(MEMORY);
    for (int i = 0; i < TIMES; i++) {
        must_work(ipc_buffer_destroy(make_ring(region, BLOCKS, 8, 0)));
        numbers[i] = atomic_get_relaxed(&region->identity.creation);
        must(numbers[i] != 0);
        for (int j = 0; j < i; j++)
            must(numbers[j] != numbers[i]);
    }
}
