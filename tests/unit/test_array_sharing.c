/* SPDX-License-Identifier: MIT */
/*
 * Arrays between handles, threads and processes, of which some die.
 */
#include "arrays.h"
#include <pthread.h>

/* --------------------------------------------------------------- sleepers */

/* Waits for somebody to sleep; returns what changes when he is woken, but not
 * when his time is over. */
static uint32_t wait_for_sleeper(const struct shm_wait *wait)
{
    int64_t end = now_ns() + 10 * SECOND;

    while (atomic_get_acquire(&wait->sleepers) == 0) {
        must(now_ns() < end);
        pause_ns(MILLISECOND / 10);
    }
    return atomic_get_acquire(&wait->sequence);
}

/* The reader sleeps until there is something; then the writer, until the array
 * that fills the ring is read to its last entry. */
Test(unit, arrays_wake_sleepers, .timeout = 20)
{
    const IpcChannelConfiguration patient = {
        .max_round_trips = 1, .start_sleep_ns = SECOND, .max_sleep_ns = SECOND};
    void *memory;
    IpcChannel *ch = make_channel(BLOCKS, patient, &memory);
    const struct shm_region *region = memory;
    unsigned char data[RING];
    uint32_t before;
    pid_t child = fork_child();

    if (child == 0) {
        IpcChannel *mine = ipc_channel_connect(memory, patient).result;

        must_work(ipc_channel_read_array_with_timeout(mine, data, 8, 2, NULL));
        must(is_filled(data, 8, 1));
        fill_array(data, 16, 64, 1);
        must(ipc_channel_write_array(mine, data, 16, 64).result == 64);
        must_work(ipc_channel_write_with_timeout(mine, "last", 5, NULL));
        child_done();
    }
    before = wait_for_sleeper(&region->readers);
    fill_array(data, 8, 2, 1);
    must(ipc_channel_write_array(ch, data, 8, 2).result == 2);
    must(atomic_get_acquire(&region->readers.sequence) != before);
    before = wait_for_sleeper(&region->writers);
    must(ipc_channel_try_read_array(ch, data, 16, 64).result == 64);
    must(atomic_get_acquire(&region->writers.sequence) != before);
    for (size_t i = 0; i < 64; i++)
        must(is_filled(data + i * 16, 16, 1 + i));
    must_work(ipc_channel_read_array_with_timeout(ch, data, 5, 1, NULL));
    must(strcmp((char *)data, "last") == 0);
    must_succeed(child);
}

/* ------------------------------------------------------------- successors */

Test(unit, a_handle_made_in_mid_array_goes_on_at_the_right_entry)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);

        must(must_write_array(b, 20, 9, 1) == 9);
        for (uint64_t i = 0; i < 8; i++) {
            IpcBuffer *other = attach_to(region);

            must(must_read_array(b, 20, 1, 1 + i) == 1);
            must(stats_of(other).head_offset == 24 * (i + 1));
            if (mode & ONE_CONSUMER)
                must_be(try_to_read(other), IPC_ERR_ROLE_TAKEN);
            must_work(ipc_buffer_destroy(b));
            b = other;
        }
        must(must_read_array(b, 20, 5, 9) == 1);
        must_be(try_to_read(b), IPC_EMPTY);
    }
}

/* Reads `count` entries, alone and as arrays. */
static void read_some(IpcBuffer *b, uint64_t count, uint64_t seed)
{
    for (uint64_t i = 0; i < count;) {
        int some = count - i < 3 ? (int)(count - i) : 3;

        if (i % 2 == 0)
            must_read(b, 10, seed + i++);
        else
            i += must_read_array(b, 10, some, seed + i);
    }
}

Test(unit, a_consumer_killed_in_mid_array_leaves_the_rest_to_its_heir)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (uint64_t taken = 0; taken <= 20; taken++) {
            struct shm_region *region;
            IpcBuffer *b = new_ring(BLOCKS, mode, &region);
            struct gate *gate = make_gate();
            pid_t child;

            must(must_write_array(b, 10, 20, 1) == 20);
            child = fork_child();
            if (child == 0) {
                read_some(attach_to(region), taken, 1);
                gate_open(gate, 1);
                sleep_for_ever();
            }
            gate_wait(gate, 1);
            kill_child(child);
            child = fork_child();
            if (child == 0) {
                read_some(attach_to(region), 20 - taken, 1 + taken);
                child_done();
            }
            must_succeed(child);
            must(stats_of(b).used == 0);
        }
}

/* ------------------------------------------------------------------- races */

enum { RACERS = 2, RACE_ENTRIES = SANITIZED ? 20000 : 1000000, RACE_MOST = 20 };

struct race {
    IpcBuffer *buffer;
    uint64_t number;
    unsigned char *seen; /* per entry, how often it was read */
    atomic_u64 *read;
    const char *complaint; /* for the main thread, which may fail */
};

static bool is_over(const struct race *race)
{
    return atomic_get_acquire(race->read) >= RACERS * RACE_ENTRIES;
}

static void *write_arrays(void *of)
{
    struct race *race = of;
    uint64_t ids[RACE_MOST];
    uint64_t random = race->number + 1;

    for (uint64_t next = 0; next < RACE_ENTRIES && !is_over(race);) {
        uint64_t count = 1 + random_below(&random, RACE_MOST);
        IpcBufferWriteBatchResult r;

        if (count > RACE_ENTRIES - next)
            count = RACE_ENTRIES - next;
        for (uint64_t i = 0; i < count; i++)
            ids[i] = race->number * RACE_ENTRIES + next + i;
        r = ipc_buffer_write_array(race->buffer, ids, sizeof ids[0],
                                   (int)count);
        if (r.ipc_status == IPC_OK)
            next += r.result;
        else
            sched_yield();
    }
    return NULL;
}

/* Up to RACE_MOST entries, in one of three ways. */
static size_t read_in_some_way(IpcBuffer *b, uint64_t *ids, uint32_t way)
{
    IpcEntry entries[RACE_MOST] = {{.payload = ids, .size = sizeof ids[0]}};
    IpcBufferReadBatchResult r;

    if (way == 0)
        return ipc_buffer_read(b, entries).ipc_status == IPC_OK;
    if (way == 1)
        r = ipc_buffer_read_array(b, ids, sizeof ids[0], RACE_MOST);
    else
        r = ipc_buffer_read_batch(b, entries, RACE_MOST, ids,
                                  RACE_MOST * sizeof ids[0]);
    return r.ipc_status == IPC_OK ? r.result : 0;
}

/* False, with a complaint: not what may come next of its producer. */
static bool note(struct race *race, uint64_t id, uint64_t *least)
{
    uint64_t producer = id / RACE_ENTRIES;

    if (producer >= RACERS)
        race->complaint = "an entry that nobody wrote";
    else if (id < least[producer])
        race->complaint = "entries in the wrong order";
    else
        least[producer] = id + 1;
    if (!race->complaint)
        race->seen[id]++; /* nobody else has this one */
    return !race->complaint;
}

static void *read_arrays(void *of)
{
    struct race *race = of;
    uint64_t least[RACERS] = {0};
    uint64_t random = race->number + 77;

    while (!is_over(race)) {
        uint64_t ids[RACE_MOST];
        size_t count =
            read_in_some_way(race->buffer, ids, random_below(&random, 3));

        for (size_t i = 0; i < count; i++)
            if (!note(race, ids[i], least))
                count = RACERS * RACE_ENTRIES; /* ends it for all */
        if (count == 0)
            sched_yield();
        atomic_add_acq_rel(race->read, count);
    }
    return NULL;
}

Test(unit, arrays_of_many_threads_are_read_once_each, .timeout = 60)
{
    static unsigned char seen[RACERS * RACE_ENTRIES];
    static atomic_u64 read;
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    struct race races[2 * RACERS];
    pthread_t threads[2 * RACERS];

    for (uint64_t i = 0; i < 2 * RACERS; i++) {
        races[i] = (struct race){b, i % RACERS, seen, &read, NULL};
        must(pthread_create(&threads[i], NULL,
                            i < RACERS ? write_arrays : read_arrays,
                            &races[i]) == 0);
    }
    for (int i = 2 * RACERS - 1; i >= 0; i--) {
        pthread_join(threads[i], NULL);
        must_say(!races[i].complaint, "%s", races[i].complaint);
    }
    for (size_t i = 0; i < RACERS * RACE_ENTRIES; i++)
        must_say(seen[i] == 1, "entry %zu was read %u times", i, seen[i]);
    must(stats_of(b).entries_written == RACERS * RACE_ENTRIES);
    must(stats_of(b).used == 0);
}

/* ------------------------------------------------------------------ deaths */

/* What a producer left that was killed somewhere in its arrays: those before,
 * and of the last one nothing or the first few. */
static void must_read_what_the_dead_left(IpcBuffer *b)
{
    uint64_t next = 0;

    for (;;) {
        uint64_t id;
        IpcEntry entry = {.payload = &id, .size = sizeof id};
        IpcStatus status = ipc_buffer_read(b, &entry).ipc_status;

        if (status == IPC_EMPTY && stats_of(b).used == 0)
            return;
        if (status == IPC_EMPTY || status == IPC_ERR_NOT_READY) {
            /* What it was writing, and a gap. */
            must_work(ipc_buffer_recover(b));
            continue;
        }
        must_be(status, IPC_OK);
        must_say(id == next, "entry %llu instead of %llu",
                 (unsigned long long)id, (unsigned long long)next);
        next = (next + 1) % RACE_ENTRIES;
    }
}

Test(unit, an_array_cut_short_by_death_leaves_its_first_entries, .timeout = 60)
{
    for (int round = 0; round < 80; round++) {
        IpcBuffer *b = new_ring(8192, round % 2 ? ONE_PRODUCER : 0, NULL);
        struct gate *gate = make_gate();
        pid_t child = fork_child();

        if (child == 0) {
            atomic_u64 read = 0;
            struct race forever = {.buffer = b, .read = &read};

            gate_open(gate, 1);
            for (;;)
                write_arrays(&forever);
        }
        gate_wait(gate, 1);
        pause_ns(round * MILLISECOND / 200);
        kill_child(child);
        must_read_what_the_dead_left(b);
        must_write(b, 4096, 1);
        must_read(b, 4096, 1);
        ipc_buffer_destroy(b);
    }
}
