/* SPDX-License-Identifier: MIT */
/*
 * Subscribers that writers do not wait for.
 */
#include "broadcasts.h"

enum { BLOCKS = 8, SLOTS = 3, ONE_PRODUCER = IPC_BUFFER_ONE_PRODUCER };

static const uint32_t modes[] = {0, ONE_PRODUCER};

static IpcSubscription lagging(uint64_t lag, uint32_t after_gap)
{
    return (IpcSubscription){
        .struct_size = sizeof(IpcSubscription),
        .policy = IPC_SUBSCRIBER_LAGS,
        .lag_bytes = lag,
        .after_gap = after_gap,
    };
}

/* That the next read says how much was lost; where it goes on. */
static uint64_t must_have_lost(IpcBuffer *b, uint64_t bytes)
{
    unsigned char data[64];
    IpcEntry entry = {.payload = data, .size = sizeof data};
    IpcBufferReadResult r = ipc_buffer_read(b, &entry);

    must_fail(r, IPC_ERR_LAGGED);
    must(r.error.has_body);
    must_say(r.error.body.lost == bytes, "lost %llu",
             (unsigned long long)r.error.body.lost);
    return r.error.body.offset;
}

Test(unit, one_that_lags_is_told_once_what_it_lost)
{
    for (int m = 0; m < 2; m++) {
        void *memory;
        IpcBuffer *writer = new_broadcast(BLOCKS, modes[m], SLOTS, &memory);
        IpcSubscription how = lagging(0, IPC_SUBSCRIBE_FROM_OLDEST);
        IpcBuffer *reader = subscriber_of(memory, &how);

        for (uint64_t seed = 1; seed <= 100; seed++)
            must_write(writer, 64, seed);
        must(must_have_lost(reader, (100 - BLOCKS) * 64) ==
             (100 - BLOCKS) * 64);
        must_read_all(reader, 64, 100 - BLOCKS + 1, 100);
    }
}

Test(unit, one_that_lags_can_go_on_with_what_comes_next)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcSubscription how = lagging(0, IPC_SUBSCRIBE_FROM_NOW);
    IpcBuffer *reader = subscriber_of(memory, &how);

    for (uint64_t seed = 1; seed <= 100; seed++)
        must_write(writer, 64, seed);
    must_have_lost(reader, 6400);
    must_be(try_to_read(reader), IPC_EMPTY);
    must_write(writer, 64, 101);
    must_read_all(reader, 64, 101, 101);
}

Test(unit, one_is_not_evicted_before_it_is_as_far_behind_as_it_may_be)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcSubscription how = lagging(512, 0);
    IpcBuffer *reader = subscriber_of(memory, &how);

    for (uint64_t seed = 1; seed <= BLOCKS; seed++)
        must_write(writer, 64, seed);
    must_be(ipc_buffer_write(writer, "x", 1).ipc_status,
            IPC_ERR_NO_SPACE_CONTIGUOUS);
    must_read_all(reader, 64, 1, BLOCKS);
    must_work(ipc_buffer_unsubscribe(reader));
    how.lag_bytes = 511;
    must_work(ipc_buffer_subscribe(reader, &how));
    for (uint64_t seed = 1; seed <= BLOCKS + 1; seed++)
        must_write(writer, 64, seed);
    must_have_lost(reader, 9 * 64);
}

Test(unit, one_that_blocks_is_waited_for_beside_one_that_lags)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcSubscription how = lagging(0, IPC_SUBSCRIBE_FROM_OLDEST);
    IpcBuffer *lags = subscriber_of(memory, &how);
    IpcBuffer *blocks = subscriber_of(memory, NULL);

    for (uint64_t seed = 1; seed <= BLOCKS; seed++)
        must_write(writer, 64, seed);
    for (int i = 0; i < 50; i++)
        must_be(ipc_buffer_write(writer, "x", 1).ipc_status,
                IPC_ERR_NO_SPACE_CONTIGUOUS);
    must_read_all(blocks, 64, 1, BLOCKS);
    must_write(writer, 64, BLOCKS + 1);
    must_read_all(blocks, 64, BLOCKS + 1, BLOCKS + 1);
    must_have_lost(lags, 64);
    must_read_all(lags, 64, 2, BLOCKS + 1);
}

Test(unit, what_was_lost_is_listed)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcSubscription how = lagging(0, IPC_SUBSCRIBE_FROM_OLDEST);
    IpcBuffer *reader = subscriber_of(memory, &how);
    IpcSubscriber list = {.struct_size = sizeof list};

    for (uint64_t seed = 1; seed <= 20; seed++)
        must_write(writer, 64, seed);
    must(result_of(ipc_buffer_subscribers(writer, &list, 1)) == 1);
    must(list.state == IPC_SUBSCRIBER_EVICTED && list.offset == 0);
    must(list.policy == IPC_SUBSCRIBER_LAGS);
    must_have_lost(reader, 12 * 64);
    must(result_of(ipc_buffer_subscribers(writer, &list, 1)) == 1);
    must(list.state == IPC_SUBSCRIBER_READS && list.lost == 12 * 64);
    must(list.offset == 12 * 64 && list.lag == BLOCKS * 64);
}

Test(unit, one_that_was_evicted_can_unsubscribe_and_be_destroyed)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, 1, &memory);
    IpcSubscription how = lagging(0, 0);
    IpcBuffer *reader = subscriber_of(memory, &how);

    for (uint64_t seed = 1; seed <= 20; seed++)
        must_write(writer, 64, seed);
    must_work(ipc_buffer_unsubscribe(reader));
    must_work(ipc_buffer_subscribe(reader, &how));
    for (uint64_t seed = 1; seed <= 20; seed++)
        must_write(writer, 64, seed);
    must_work(ipc_buffer_destroy(reader));
    must(count_subscribers(writer) == 0);
}

/* What is peeked and then evicted is not one's own any more. */
Test(unit, a_skip_proves_that_what_was_peeked_was_there)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcSubscription how = lagging(0, IPC_SUBSCRIBE_FROM_OLDEST);
    IpcBuffer *reader = subscriber_of(memory, &how);
    IpcEntry entry;

    must_write(writer, 64, 1);
    must_work(ipc_buffer_peek(reader, &entry));
    for (uint64_t seed = 2; seed <= 20; seed++)
        must_write(writer, 64, seed);
    must_fail(ipc_buffer_skip(reader, entry.offset), IPC_ERR_LAGGED);
    must_read_all(reader, 64, 13, 20);
}

/* Each byte is either read or told as lost. */
static void account_for_all(uint32_t mode, uint64_t seed)
{
    void *memory;
    uint32_t blocks = 1 + random_below(&seed, 9);
    IpcBuffer *writer = new_broadcast(blocks, mode, 1, &memory);
    IpcSubscription how =
        lagging(random_below(&seed, 3) * 64, random_below(&seed, 2));
    IpcBuffer *reader = subscriber_of(memory, &how);
    uint64_t next = 0;

    for (int step = 0; step < 3000; step++) {
        unsigned char data[1024];
        size_t size = 8 + random_below(&seed, blocks * 64 - 7);
        IpcEntry entry = {.payload = data, .size = sizeof data};
        IpcBufferReadResult r;

        if (random_below(&seed, 2)) {
            fill(data, size, size);
            if (ipc_buffer_write(writer, data, size).ipc_status != IPC_OK)
                must(how.lag_bytes > 0);
            continue;
        }
        r = ipc_buffer_read(reader, &entry);
        if (r.ipc_status == IPC_OK) {
            must(entry.offset >= next &&
                 is_filled(data, entry.size, entry.size));
            next = entry.offset + up_to_line(entry.size);
        } else if (r.ipc_status == IPC_ERR_LAGGED) {
            must(r.error.body.lost > 0);
            next += r.error.body.lost;
            must(next <= stats_of(writer).tail_offset);
        } else {
            must_be(r.ipc_status, IPC_EMPTY);
        }
    }
}

Test(unit, each_byte_is_read_or_told_as_lost)
{
    for (uint64_t seed = 1; seed <= 200; seed++)
        account_for_all(modes[seed % 2], seed);
}

/* Threads that write and read without a pause: what is read is whole. */
Test(unit, nothing_that_is_read_is_torn_while_writers_overtake)
{
    enum { COUNT = 200000, BYTES = 300 };
    void *memory;
    IpcBuffer *writer = new_broadcast(16, 0, SLOTS, &memory);
    IpcSubscription how = lagging(0, IPC_SUBSCRIBE_FROM_OLDEST);
    IpcBuffer *reader = subscriber_of(memory, &how);
    pid_t pid = fork_child();
    uint64_t last = 0, lagged = 0;

    if (pid == 0) {
        for (uint64_t i = 1; i <= COUNT; i++) {
            uint64_t data[BYTES / 8];
            IpcStatus status;

            for (int k = 0; k < BYTES / 8; k++)
                data[k] = i;
            /* The reader may be stopped while it joins again. */
            do
                status = ipc_buffer_write(writer, data, sizeof data).ipc_status;
            while (status == IPC_ERR_NO_SPACE_CONTIGUOUS ||
                   status == IPC_ERR_LOCKED);
            must_be(status, IPC_OK);
        }
        _exit(0);
    }
    while (last < COUNT) {
        uint64_t data[BYTES / 8];
        IpcEntry entry = {.payload = data, .size = sizeof data};
        IpcStatus status = ipc_buffer_read(reader, &entry).ipc_status;

        if (status == IPC_ERR_LAGGED) {
            lagged++;
            continue;
        }
        if (status == IPC_EMPTY || status == IPC_ERR_NOT_READY ||
            status == IPC_ERR_LOCKED)
            continue;
        must_be(status, IPC_OK);
        for (int k = 0; k < BYTES / 8; k++)
            must(data[k] == data[0]);
        must(data[0] > last);
        last = data[0];
    }
    must_succeed(pid);
    must(lagged > 0);
}
