/* SPDX-License-Identifier: MIT */
/*
 * Several entries by one call.
 */
#include "channels.h"
#include <pthread.h>

enum { BLOCKS = 16, MOST = 40, SIZE_MOST = 256 };

/* Entries of random sizes, each with a pattern of its own. */
struct batch {
    unsigned char data[MOST][SIZE_MOST];
    struct iovec entries[MOST];
    int count;
};

static void fill_batch(struct batch *batch, int count, uint64_t seed,
                       uint64_t *random)
{
    batch->count = count;
    for (int i = 0; i < count; i++) {
        size_t size = 1 + random_below(random, SIZE_MOST);

        fill(batch->data[i], size, seed + (uint64_t)i);
        batch->entries[i] = (struct iovec){batch->data[i], size};
    }
}

static size_t must_write_batch(IpcBuffer *b, const struct iovec *entries,
                               int count)
{
    IpcBufferWriteBatchResult r = ipc_buffer_write_batch(b, entries, count);

    must_work(r);
    must(r.result >= 1 && r.result <= (size_t)count);
    return r.result;
}

/* Reads up to `count` entries and compares them with `wanted`. */
static size_t must_read_batch(IpcBuffer *b, const struct iovec *wanted,
                              int count)
{
    unsigned char memory[MOST * SIZE_MOST];
    IpcEntry entries[MOST];
    IpcBufferReadBatchResult r =
        ipc_buffer_read_batch(b, entries, count, memory, sizeof memory);

    must_work(r);
    must(r.result >= 1 && r.result <= (size_t)count);
    for (size_t i = 0; i < r.result; i++) {
        must((uintptr_t)((unsigned char *)entries[i].payload - memory) % 8 ==
             0);
        must(entries[i].size == wanted[i].iov_len);
        must(memcmp(entries[i].payload, wanted[i].iov_base, entries[i].size) ==
             0);
        must(i == 0 || entries[i].offset > entries[i - 1].offset);
    }
    return r.result;
}

Test(unit, what_a_batch_wrote_comes_out_in_order_however_it_is_read)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        uint64_t random = 7;
        struct batch batch;

        for (uint64_t round = 0; round < 3000; round++) {
            int count = 1 + (int)random_below(&random, MOST);
            size_t written, read = 0;

            fill_batch(&batch, count, round * MOST, &random);
            written = must_write_batch(b, batch.entries, count);
            while (read < written) {
                if (random_below(&random, 2)) {
                    must_read(b, batch.entries[read].iov_len,
                              round * MOST + read);
                    read++;
                } else {
                    read += must_read_batch(b, batch.entries + read,
                                            (int)(written - read));
                }
            }
            must_be(try_to_read(b), IPC_EMPTY);
        }
        must(stats_of(b).used == 0);
    }
}

Test(unit, a_batch_takes_what_fits_and_says_how_many)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        struct iovec entries[BLOCKS + 4];
        unsigned char data[64];

        fill(data, sizeof data, 1);
        for (int i = 0; i < BLOCKS + 4; i++)
            entries[i] = (struct iovec){data, sizeof data};
        must(must_write_batch(b, entries, BLOCKS + 4) == BLOCKS);
        must_fail(ipc_buffer_write_batch(b, entries, 1),
                  IPC_ERR_NO_SPACE_CONTIGUOUS);
        must(stats_of(b).entries_written == BLOCKS);
        must(must_read_batch(b, entries, 3) == 3);
        must(must_write_batch(b, entries, BLOCKS) == 3);
        must(must_read_batch(b, entries, BLOCKS + 4) == BLOCKS);
        must_be(try_to_read(b), IPC_EMPTY);
    }
}

Test(unit, a_batch_goes_on_behind_the_end_of_a_lap)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        struct iovec entries[6];
        unsigned char data[192];

        fill(data, sizeof data, 1);
        for (int i = 0; i < 6; i++)
            entries[i] = (struct iovec){data, i == 2 ? 192 : 64};
        for (uint64_t i = 0; i < BLOCKS - 3; i++) {
            must_write(b, 1, i);
            must_read(b, 1, i);
        }
        /* Three blocks are left of this lap: two entries, and one as filler
         * before the third, which needs three. A read does not pass it. */
        must(must_write_batch(b, entries, 6) == 6);
        must(must_read_batch(b, entries, 6) == 2);
        must(must_read_batch(b, entries + 2, 4) == 4);
        must(stats_of(b).used == 0);
    }
}

Test(unit, a_read_takes_as_many_as_its_memory_holds)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    unsigned char memory[100];
    IpcEntry entries[4];
    IpcBufferReadBatchResult r;

    must_write(b, 41, 1);
    must_write(b, 52, 2); /* from 48 on: just fits */
    must_write(b, 60, 3);
    r = ipc_buffer_read_batch(b, entries, 4, memory, sizeof memory);
    must_work(r);
    must(r.result == 2 && is_filled(entries[0].payload, 41, 1) &&
         is_filled(entries[1].payload, 52, 2));
    must(entries[1].payload == memory + 48);
    r = ipc_buffer_read_batch(b, entries, 4, memory, 59);
    must_fail(r, IPC_ERR_TOO_SMALL);
    must(r.error.body.required_size == 60);
    must_read(b, 60, 3);
    r = ipc_buffer_read_batch(b, entries, 4, memory, sizeof memory);
    must_be(r.ipc_status, IPC_EMPTY);
}

Test(unit, a_batch_with_a_bad_entry_writes_nothing)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        static unsigned char data[BLOCKS * 64 + 1];
        struct iovec good = {data, 8};
        struct iovec entries[3] = {good, {data, 0}, good};
        IpcBufferWriteBatchResult r;

        must_fail(ipc_buffer_write_batch(NULL, entries, 3),
                  IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_write_batch(b, NULL, 3), IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_write_batch(b, entries, 0),
                  IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_write_batch(b, entries, -1),
                  IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_write_batch(b, entries, 3),
                  IPC_ERR_INVALID_ARGUMENT);
        entries[1] = (struct iovec){NULL, 8};
        must_fail(ipc_buffer_write_batch(b, entries, 3),
                  IPC_ERR_INVALID_ARGUMENT);
        entries[1] = (struct iovec){data, BLOCKS * 64 + 1};
        r = ipc_buffer_write_batch(b, entries, 3);
        must_fail(r, IPC_ERR_ENTRY_TOO_LARGE);
        must(r.error.body.requested_size == BLOCKS * 64 + 1);
        must(stats_of(b).tail_offset == 0);
        must_be(try_to_read(b), IPC_EMPTY);
    }
}

Test(unit, a_batch_read_refuses_bad_arguments_and_takes_nothing)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    unsigned char memory[64];
    IpcEntry entry;

    must_write(b, 8, 1);
    must_fail(ipc_buffer_read_batch(NULL, &entry, 1, memory, 64),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_read_batch(b, NULL, 1, memory, 64),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_read_batch(b, &entry, 0, memory, 64),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_read_batch(b, &entry, 1, NULL, 64),
              IPC_ERR_INVALID_ARGUMENT);
    must_read(b, 8, 1);
}

Test(unit, no_batch_is_written_while_the_one_producer_has_a_reservation_open)
{
    IpcBuffer *b = new_ring(BLOCKS, IPC_BUFFER_ONE_PRODUCER, NULL);
    IpcReservation reservation;
    char data[8] = "message";
    struct iovec entry = {data, sizeof data};

    must_work(ipc_buffer_reserve(b, 8, &reservation));
    must_fail(ipc_buffer_write_batch(b, &entry, 1), IPC_ERR_ILLEGAL_STATE);
    must_work(ipc_buffer_abort(b, &reservation));
    must_work(ipc_buffer_write_batch(b, &entry, 1));
}

Test(unit, batches_pass_through_channels_and_stop_where_they_are_closed)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    struct timespec soon = as_timespec(MILLISECOND);
    char first[] = "first", second[] = "second";
    struct iovec out[2] = {{first, sizeof first}, {second, sizeof second}};
    unsigned char memory[256];
    IpcEntry in[3];
    IpcChannelReadBatchResult r =
        ipc_channel_try_read_batch(ch, in, 3, memory, sizeof memory);

    must_be(r.ipc_status, IPC_EMPTY);
    must_fail(ipc_channel_read_batch_with_timeout(ch, in, 3, memory,
                                                  sizeof memory, &soon),
              IPC_ERR_TIMEOUT);
    must(ipc_channel_write_batch(ch, out, 2).result == 2);
    r = ipc_channel_read_batch_with_timeout(ch, in, 3, memory, sizeof memory,
                                            NULL);
    must_work(r);
    must(r.result == 2 && strcmp(in[0].payload, "first") == 0 &&
         strcmp(in[1].payload, "second") == 0);
    must(ipc_channel_write_batch(ch, out, 1).result == 1);
    must_work(ipc_channel_close(ch));
    must_fail(ipc_channel_write_batch(ch, out, 2), IPC_ERR_CLOSED);
    must(ipc_channel_try_read_batch(ch, in, 3, memory, 256).result == 1);
    must_fail(ipc_channel_try_read_batch(ch, in, 3, memory, 256),
              IPC_ERR_CLOSED);
}

Test(unit, batch_calls_of_channels_refuse_bad_arguments)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    struct timespec never = {0, -1};
    char data[1] = {1};
    struct iovec entry = {data, 1};
    unsigned char memory[8];
    IpcEntry in;

    must_fail(ipc_channel_write_batch(NULL, &entry, 1),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_write_batch(ch, NULL, 1), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_try_read_batch(NULL, &in, 1, memory, 8),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_try_read_batch(ch, NULL, 1, memory, 8),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(
        ipc_channel_read_batch_with_timeout(NULL, &in, 1, memory, 8, NULL),
        IPC_ERR_INVALID_ARGUMENT);
    must_fail(
        ipc_channel_read_batch_with_timeout(ch, &in, 1, memory, 8, &never),
        IPC_ERR_INVALID_ARGUMENT);
}

/* ----------------------------------------------------------------- races */

struct race {
    IpcBuffer *buffer;
    uint64_t producer;
    uint64_t *seen; /* per entry, how often it was read */
    atomic_u64 *read;
};

enum { RACERS = 2, RACE_ENTRIES = 20000, RACE_BATCH = 7 };

static void *write_batches(void *of)
{
    struct race *race = of;
    uint64_t ids[RACE_BATCH];
    struct iovec entries[RACE_BATCH];

    for (uint64_t next = 0; next < RACE_ENTRIES;) {
        uint64_t count =
            RACE_ENTRIES - next < RACE_BATCH ? RACE_ENTRIES - next : RACE_BATCH;
        IpcBufferWriteBatchResult r;

        for (uint64_t i = 0; i < count; i++) {
            ids[i] = race->producer * RACE_ENTRIES + next + i;
            entries[i] = (struct iovec){&ids[i], sizeof ids[i]};
        }
        r = ipc_buffer_write_batch(race->buffer, entries, (int)count);
        if (r.ipc_status == IPC_OK)
            next += r.result;
        else
            sched_yield();
    }
    return NULL;
}

static void *read_batches(void *of)
{
    struct race *race = of;
    uint64_t last[RACERS] = {0};

    while (atomic_get_acquire(race->read) < RACERS * RACE_ENTRIES) {
        uint64_t memory[RACE_BATCH];
        IpcEntry entries[RACE_BATCH];
        IpcBufferReadBatchResult r = ipc_buffer_read_batch(
            race->buffer, entries, RACE_BATCH, memory, sizeof memory);

        if (r.ipc_status != IPC_OK) {
            sched_yield();
            continue;
        }
        for (size_t i = 0; i < r.result; i++) {
            uint64_t id = memory[i];
            uint64_t producer = id / RACE_ENTRIES;

            must(id < RACERS * RACE_ENTRIES && entries[i].size == 8);
            must(id % RACE_ENTRIES == 0 || id >= last[producer]);
            last[producer] = id;
            race->seen[id]++; /* nobody else has this one */
        }
        atomic_add_acq_rel(race->read, r.result);
    }
    return NULL;
}

Test(unit, batches_of_many_threads_are_read_once_each, .timeout = 60)
{
    static uint64_t seen[RACERS * RACE_ENTRIES];
    static atomic_u64 read;
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    struct race races[RACERS];
    pthread_t writers[RACERS], readers[RACERS];

    for (uint64_t i = 0; i < RACERS; i++) {
        races[i] = (struct race){b, i, seen, &read};
        must(pthread_create(&writers[i], NULL, write_batches, &races[i]) == 0);
        must(pthread_create(&readers[i], NULL, read_batches, &races[i]) == 0);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(writers[i], NULL);
        pthread_join(readers[i], NULL);
    }
    for (size_t i = 0; i < RACERS * RACE_ENTRIES; i++)
        must_say(seen[i] == 1, "entry %zu was read %llu times", i,
                 (unsigned long long)seen[i]);
    must(stats_of(b).entries_written == RACERS * RACE_ENTRIES);
}

/* ---------------------------------------------------------------- deaths */

/* A producer that is killed somewhere in its batches: those before, and the
 * first few of the last one. */
Test(unit, a_batch_cut_short_by_death_leaves_its_first_entries, .timeout = 60)
{
    for (int round = 0; round < 40; round++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(1024, 0, &region);
        pid_t child = fork_child();
        uint64_t next = 0;

        if (child == 0) {
            struct race forever = {b, 0, NULL, NULL};

            for (;;)
                write_batches(&forever);
        }
        pause_ns(MILLISECOND / 4 + round * MILLISECOND / 40);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        for (;;) {
            uint64_t id;
            IpcEntry entry = {.payload = &id, .size = sizeof id};
            IpcStatus status = ipc_buffer_read(b, &entry).ipc_status;

            if (status == IPC_EMPTY && stats_of(b).used == 0)
                break;
            if (status == IPC_EMPTY || status == IPC_ERR_NOT_READY) {
                /* What it was writing, and a gap. */
                must(ipc_buffer_recover(b).ipc_status == IPC_OK);
                continue;
            }
            must_be(status, IPC_OK);
            must_say(id == next, "entry %llu instead of %llu",
                     (unsigned long long)id, (unsigned long long)next);
            next = (next + 1) % RACE_ENTRIES;
        }
        must_write(b, 4096, 1);
        must_read(b, 4096, 1);
        ipc_buffer_destroy(b);
    }
}
