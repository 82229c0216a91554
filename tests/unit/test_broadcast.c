/* SPDX-License-Identifier: MIT */
/*
 * Buffers in which every subscriber reads every entry.
 */
#include "broadcasts.h"
#include <shmipc/ipc_batch.h>

enum { BLOCKS = 8, SLOTS = 3, ONE_PRODUCER = IPC_BUFFER_ONE_PRODUCER };

static const uint32_t modes[] = {0, ONE_PRODUCER};

/* ---------------------------------------------------------------- reading */

static void read_alike(uint32_t mode, uint32_t blocks)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(blocks, mode, SLOTS, &memory);
    IpcBuffer *readers[SLOTS];

    for (int i = 0; i < SLOTS; i++)
        readers[i] = subscriber_of(memory, NULL);
    for (uint64_t seed = 0; seed < 300; seed++) {
        size_t size = (size_t)(1 + seed * 37 % (blocks * 64));

        must_write(writer, size, seed);
        for (int i = 0; i < SLOTS; i++)
            must_read(readers[i], size, seed);
    }
    for (int i = 0; i < SLOTS; i++)
        must_be(try_to_read(readers[i]), IPC_EMPTY);
}

Test(unit, every_subscriber_reads_every_entry)
{
    for (int m = 0; m < 2; m++)
        for (uint32_t blocks = 1; blocks <= 9; blocks++)
            read_alike(modes[m], blocks);
}

Test(unit, one_that_lags_gets_the_same_and_holds_up_writers)
{
    for (int m = 0; m < 2; m++) {
        void *memory;
        IpcBuffer *writer = new_broadcast(BLOCKS, modes[m], SLOTS, &memory);
        IpcBuffer *fast = subscriber_of(memory, NULL);
        IpcBuffer *slow = subscriber_of(memory, NULL);

        for (uint64_t seed = 1; seed <= BLOCKS; seed++)
            must_write(writer, 64, seed);
        must_read_all(fast, 64, 1, BLOCKS);
        must_be(ipc_buffer_write(writer, "x", 1).ipc_status,
                IPC_ERR_NO_SPACE_CONTIGUOUS);
        must_read(slow, 64, 1);
        must_write(writer, 64, BLOCKS + 1);
        must_be(ipc_buffer_write(writer, "x", 1).ipc_status,
                IPC_ERR_NO_SPACE_CONTIGUOUS);
        must_read_all(fast, 64, BLOCKS + 1, BLOCKS + 1);
        must_read_all(slow, 64, 2, BLOCKS + 1);
    }
}

Test(unit, a_subscriber_of_now_gets_nothing_that_is_older)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory), *reader;

    must_write(writer, 64, 1);
    reader = subscriber_of(memory, NULL);
    must_be(try_to_read(reader), IPC_EMPTY);
    must_write(writer, 64, 2);
    must_read_all(reader, 64, 2, 2);
}

Test(unit, with_nobody_subscribed_the_last_entries_remain)
{
    for (int m = 0; m < 2; m++) {
        void *memory;
        IpcBuffer *writer = new_broadcast(BLOCKS, modes[m], SLOTS, &memory);

        for (uint64_t seed = 1; seed <= 1000; seed++)
            must_write(writer, 64, seed);
        must_read_all(subscriber_of(memory, &from_oldest), 64,
                      1000 - BLOCKS + 1, 1000);
    }
}

Test(unit, the_first_entry_of_all_is_there_for_any_number_of_readers)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory);

    must_write(writer, 64, 1);
    for (int i = 0; i < 200; i++) {
        IpcBuffer *reader = subscriber_of(memory, &from_oldest);

        must_read_all(reader, 64, 1, 1);
        must_work(ipc_buffer_destroy(reader));
    }
}

Test(unit, one_from_the_oldest_holds_what_it_has_not_read)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory), *reader;

    for (uint64_t seed = 1; seed <= BLOCKS; seed++)
        must_write(writer, 64, seed);
    reader = subscriber_of(memory, &from_oldest);
    must_be(ipc_buffer_write(writer, "x", 1).ipc_status,
            IPC_ERR_NO_SPACE_CONTIGUOUS);
    must_read_all(reader, 64, 1, BLOCKS);
}

Test(unit, entries_stay_for_late_readers_until_writers_need_their_space)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(64, 0, SLOTS, &memory);
    IpcBuffer *reader = subscriber_of(memory, NULL);

    for (uint64_t seed = 1; seed <= 640; seed++) {
        must_write(writer, 64, seed);
        must_read(reader, 64, seed);
    }
    /* All but what the last move of the gate freed. */
    must_read_all(subscriber_of(memory, &from_oldest), 64, 640 - 64 + 1, 640);
}

Test(unit, arrays_batches_and_what_is_read_in_place_are_read_by_all)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcBuffer *readers[2];
    uint64_t items[6] = {10, 11, 12, 13, 14, 15};

    for (int i = 0; i < 2; i++)
        readers[i] = subscriber_of(memory, NULL);
    for (int round = 0; round < 100; round++) {
        must(result_of(ipc_buffer_write_array(writer, items, 8, 6)) == 6);
        for (int i = 0; i < 2; i++) {
            uint64_t copy[6], memory_of[8];
            IpcEntry entry, entries[8];

            must(result_of(ipc_buffer_read_array(readers[i], copy, 8, 2)) == 2);
            must(copy[0] == 10 && copy[1] == 11);
            must_work(ipc_buffer_peek(readers[i], &entry));
            must(entry.size == 8 && *(uint64_t *)entry.payload == 12);
            must_work(ipc_buffer_skip(readers[i], entry.offset));
            must_fail(ipc_buffer_skip(readers[i], entry.offset),
                      IPC_ERR_OFFSET_MISMATCH);
            must(result_of(ipc_buffer_read_batch(readers[i], entries, 8,
                                                 memory_of,
                                                 sizeof memory_of)) == 3);
            must(*(uint64_t *)entries[2].payload == 15);
            must_be(try_to_read(readers[i]), IPC_EMPTY);
        }
    }
}

/* What has to be flawless however sizes, laps and readers are mixed. */
static void mix(uint32_t mode, uint64_t seed)
{
    void *memory;
    uint32_t blocks = 1 + random_below(&seed, 9);
    IpcBuffer *writer = new_broadcast(blocks, mode, SLOTS, &memory);
    IpcBuffer *readers[SLOTS] = {0};
    uint64_t next[SLOTS], written = 0;

    for (int step = 0; step < 2000; step++) {
        uint32_t i = random_below(&seed, SLOTS);
        uint32_t what = random_below(&seed, 100);

        if (what < 50) {
            size_t size = (size_t)(8 + written * 61 % (blocks * 64 - 7));
            unsigned char data[1024];

            fill(data, size, written);
            written +=
                ipc_buffer_write(writer, data, size).ipc_status == IPC_OK;
        } else if (what < 95 && readers[i] && next[i] < written) {
            must_read(readers[i],
                      (size_t)(8 + next[i] * 61 % (blocks * 64 - 7)), next[i]);
            next[i]++;
        } else if (what < 97 && readers[i]) {
            must_work(ipc_buffer_destroy(readers[i]));
            readers[i] = NULL;
        } else if (!readers[i]) {
            readers[i] = subscriber_of(memory, NULL);
            next[i] = written;
        }
    }
    for (int i = 0; i < SLOTS; i++)
        if (readers[i] && next[i] == written)
            must_be(try_to_read(readers[i]), IPC_EMPTY);
}

Test(unit, any_mixture_of_joining_leaving_reading_and_writing)
{
    for (uint64_t seed = 1; seed <= 200; seed++)
        mix(modes[seed % 2], seed);
}

/* --------------------------------------------------------------- refusals */

Test(unit, who_has_not_subscribed_is_told_so_by_all_calls_that_read)
{
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    unsigned char copy[64];
    IpcEntry entry = {.payload = copy, .size = sizeof copy};

    must_write(b, 64, 1);
    must_fail(ipc_buffer_read(b, &entry), IPC_ERR_NOT_SUBSCRIBED);
    must_fail(ipc_buffer_peek(b, &entry), IPC_ERR_NOT_SUBSCRIBED);
    must_fail(ipc_buffer_skip(b, 0), IPC_ERR_NOT_SUBSCRIBED);
    must_fail(ipc_buffer_skip_force(b), IPC_ERR_NOT_SUBSCRIBED);
    must_fail(ipc_buffer_read_array(b, copy, 64, 1), IPC_ERR_NOT_SUBSCRIBED);
    must_fail(ipc_buffer_read_batch(b, &entry, 1, copy, 64),
              IPC_ERR_NOT_SUBSCRIBED);
    must_fail(ipc_buffer_unsubscribe(b), IPC_ERR_NOT_SUBSCRIBED);
    must(count_subscribers(b) == 0);
}

Test(unit, a_handle_subscribes_once_and_can_do_so_again)
{
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, SLOTS, &memory);

    must_work(ipc_buffer_subscribe(b, NULL));
    must_fail(ipc_buffer_subscribe(b, NULL), IPC_ERR_ILLEGAL_STATE);
    must_write(b, 64, 1);
    must_read_all(b, 64, 1, 1);
    must_work(ipc_buffer_unsubscribe(b));
    must(count_subscribers(b) == 0);
    must_write(b, 64, 2);
    must_be(try_to_read(b), IPC_ERR_NOT_SUBSCRIBED);
    must_work(ipc_buffer_subscribe(b, &from_oldest));
    must_read_all(b, 64, 1, 2);
}

Test(unit, a_queue_has_no_subscribers)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);

    must_fail(ipc_buffer_subscribe(b, NULL), IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_buffer_unsubscribe(b), IPC_ERR_NOT_SUBSCRIBED);
    must(count_subscribers(b) == 0);
}

Test(unit, there_are_no_more_subscribers_than_slots)
{
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, SLOTS, &memory), *last;

    for (int i = 0; i < SLOTS; i++)
        last = subscriber_of(memory, NULL);
    must_fail(ipc_buffer_subscribe(b, NULL), IPC_ERR_OWNERS_FULL);
    must(count_subscribers(b) == SLOTS);
    must_work(ipc_buffer_destroy(last));
    must_work(ipc_buffer_subscribe(b, NULL));
}

static void must_refuse(IpcBuffer *b, IpcSubscription how, int64_t value)
{
    IpcBufferSubscribeResult r = ipc_buffer_subscribe(b, &how);

    must_fail(r, IPC_ERR_INVALID_ARGUMENT);
    must(r.error.has_body && r.error.body.value == value);
}

Test(unit, wrong_subscriptions_are_named_and_change_nothing)
{
    const IpcSubscription good = {.struct_size = sizeof good};
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcSubscription s;

    s = good, s.struct_size = 3, must_refuse(b, s, 3);
    s = good, s.policy = 77, must_refuse(b, s, 77);
    s = good, s.from = 5, must_refuse(b, s, 5);
    for (size_t i = 0; i < sizeof s.reserved / sizeof s.reserved[0]; i++)
        s = good, s.reserved[i] = 9, must_refuse(b, s, 9);
    must_fail(ipc_buffer_subscribe(NULL, NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_unsubscribe(NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_subscribers(NULL, NULL, 0), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_subscribers(b, NULL, 1), IPC_ERR_INVALID_ARGUMENT);
    must(count_subscribers(b) == 0);
}

Test(unit, what_contradicts_broadcast_is_refused_at_creation)
{
    unsigned char mem[8192];
    IpcBufferOptions o = {.struct_size = sizeof o,
                          .flags = BROADCAST | IPC_BUFFER_ONE_CONSUMER};

    must_fail(ipc_buffer_create_with_options(mem, sizeof mem, &o),
              IPC_ERR_INVALID_ARGUMENT);
    o.flags = BROADCAST;
    o.max_subscribers = 1025;
    must_fail(ipc_buffer_create_with_options(mem, sizeof mem, &o),
              IPC_ERR_INVALID_ARGUMENT);
    o.flags = 0;
    o.max_subscribers = 1;
    must_fail(ipc_buffer_create_with_options(mem, sizeof mem, &o),
              IPC_ERR_INVALID_ARGUMENT);
}

/* An identity that counts subscribers of a queue, or none of a broadcast. */
Test(unit, a_header_whose_flag_and_count_disagree_is_refused)
{
    void *memory;
    struct shm_region *region;

    new_broadcast(BLOCKS, 0, SLOTS, &memory);
    region = memory;
    region->identity.flags = 0;
    must_fail(ipc_buffer_attach(memory), IPC_ERR_CORRUPTED);
    region->identity.flags = BROADCAST;
    region->identity.subscriber_count = 0;
    must_fail(ipc_buffer_attach(memory), IPC_ERR_CORRUPTED);
    region->identity.subscriber_count = SLOTS + 1;
    must_fail(ipc_buffer_attach(memory), IPC_ERR_CORRUPTED);
    region->identity.subscriber_count = SLOTS;
    region->identity.flags = BROADCAST | IPC_BUFFER_ONE_CONSUMER;
    must_fail(ipc_buffer_attach(memory), IPC_ERR_CORRUPTED);
}

Test(unit, one_that_observes_sees_but_does_not_subscribe)
{
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, SLOTS, &memory), *observer;
    IpcEntry entry;

    observer =
        result_of(ipc_buffer_observe(memory, broadcast_size(BLOCKS, 8, SLOTS)));
    must_write(b, 64, 1);
    must_fail(ipc_buffer_subscribe(observer, NULL), IPC_ERR_READ_ONLY);
    must_work(ipc_buffer_subscribe(b, NULL));
    must(count_subscribers(observer) == 1);
    must_work(ipc_buffer_peek(observer, &entry));
    must(is_filled(entry.payload, 64, 1));
}

/* ---------------------------------------------------------------- listing */

Test(unit, subscribers_are_listed_with_their_lag)
{
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcSubscriber list[2] = {{.struct_size = sizeof list[0]}};
    IpcBuffer *reader;

    must_write(b, 64, 1);
    must_work(ipc_buffer_subscribe(b, NULL));
    reader = subscriber_of(memory, NULL);
    must_write(b, 64, 2);
    must_write(b, 100, 3);
    must_read(reader, 64, 2);
    must(result_of(ipc_buffer_subscribers(b, list, 2)) == 2);
    must(list[0].lag == 192 && list[0].offset == 64);
    must(list[1].lag == 128 && list[1].offset == 128);
    for (int i = 0; i < 2; i++) {
        must(list[i].pid == getpid() && list[i].fate == IPC_OWNER_LIVES);
        must(list[i].policy == IPC_SUBSCRIBER_BLOCKS && list[i].since > 0);
        must(list[i].state == IPC_SUBSCRIBER_READS && list[i].lost == 0);
    }
    list[0].struct_size = 8;
    must_fail(ipc_buffer_subscribers(b, list, 2), IPC_ERR_TOO_SMALL);
}

Test(unit, whom_writers_waited_for_is_listed)
{
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcSubscriber list[2] = {{.struct_size = sizeof list[0]}};
    IpcBuffer *fast = subscriber_of(memory, NULL);

    subscriber_of(memory, NULL);
    for (uint64_t seed = 1; seed <= BLOCKS; seed++)
        must_write(b, 64, seed);
    must_read_all(fast, 64, 1, BLOCKS);
    must_be(ipc_buffer_write(b, "x", 1).ipc_status,
            IPC_ERR_NO_SPACE_CONTIGUOUS);
    must(result_of(ipc_buffer_subscribers(b, list, 2)) == 2);
    must(list[0].slowest == 0 && list[1].slowest == 1);
}

/* ------------------------------------------------------- children and deaths
 */

Test(unit, a_forked_child_does_not_take_its_parents_entries)
{
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    pid_t pid;

    must_work(ipc_buffer_subscribe(b, NULL));
    must_write(b, 64, 1);
    pid = fork_child();
    if (pid == 0) {
        must_be(try_to_read(b), IPC_ERR_NOT_SUBSCRIBED);
        must_be(ipc_buffer_unsubscribe(b).ipc_status, IPC_ERR_NOT_SUBSCRIBED);
        must_work(ipc_buffer_subscribe(b, &from_oldest));
        must_read_all(b, 64, 1, 1);
        must_work(ipc_buffer_destroy(b));
        _exit(0);
    }
    must_succeed(pid);
    must(count_subscribers(b) == 1);
    must_read_all(b, 64, 1, 1);
}

/* A child that subscribes, and is killed. */
static void let_one_die(void *memory)
{
    struct gate *gate = make_gate();
    pid_t pid = fork_child();

    if (pid == 0) {
        subscriber_of(memory, NULL);
        gate_open(gate, 1);
        pause();
    }
    gate_wait(gate, 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

Test(unit, one_that_died_holds_up_writers_for_some_looks_only)
{
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    int looks = 0;

    let_one_die(memory);
    must(count_subscribers(b) == 1);
    for (uint64_t seed = 0; seed < BLOCKS; seed++)
        must_write(b, 64, seed);
    while (ipc_buffer_write(b, "x", 1).ipc_status != IPC_OK)
        must(++looks < 100);
    must(count_subscribers(b) == 0);
}

Test(unit, the_slot_of_one_that_died_is_taken_by_who_needs_it)
{
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, 1, &memory);

    for (int i = 0; i < 3; i++)
        let_one_die(memory);
    must_work(ipc_buffer_subscribe(b, NULL));
    must(count_subscribers(b) == 1);
    must_write(b, 64, 1);
    must_read_all(b, 64, 1, 1);
}

/* Steps at which a joiner or a remover can have died: the cursor says so. */
Test(unit, what_a_process_leaves_that_dies_in_joining_holds_up_nobody)
{
    enum { STATES = 2 };

    for (uint64_t state = 0; state < STATES; state++) {
        void *memory;
        IpcBuffer *b = new_broadcast(BLOCKS, 0, 1, &memory);
        struct shm_subscriber *slot = subscriber_at(memory, 0);
        const uint64_t bits = 5; /* 8 blocks, and 2 */
        uint64_t owner;

        let_one_die(memory);
        owner = atomic_get_relaxed(&slot->owner);
        atomic_put_relaxed(&slot->cursor.position,
                           owner << bits | (2 + state) << (bits - 2));
        for (uint64_t seed = 0; seed < BLOCKS; seed++)
            must_write(b, 64, seed);
        for (int looks = 0; ipc_buffer_write(b, "x", 1).ipc_status != IPC_OK;
             looks++)
            must(looks < 100);
        must_work(ipc_buffer_subscribe(b, NULL));
    }
}

Test(unit, writers_never_pass_a_claim_that_is_open)
{
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcReservation open;

    must_work(ipc_buffer_reserve(b, 64, &open));
    for (uint64_t seed = 1; seed < BLOCKS; seed++)
        must_write(b, 64, seed);
    for (int i = 0; i < 100; i++)
        must_be(ipc_buffer_write(b, "x", 1).ipc_status,
                IPC_ERR_NO_SPACE_CONTIGUOUS);
    fill(open.payload, 64, 0);
    must_work(ipc_buffer_commit(b, &open, 64));
    must_work(ipc_buffer_subscribe(b, &from_oldest));
    must_read_all(b, 64, 0, BLOCKS - 1);
}

Test(unit, recovery_removes_dead_claims_between_entries_too)
{
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcBuffer *reader = subscriber_of(memory, NULL);
    pid_t pid;

    must_write(b, 64, 1);
    pid = fork_child();
    if (pid == 0) {
        IpcReservation open;

        must_work(ipc_buffer_reserve(b, 64, &open));
        _exit(0);
    }
    must_succeed(pid);
    must_write(b, 64, 2);
    must_read(reader, 64, 1);
    must_be(try_to_read(reader), IPC_ERR_NOT_READY);
    must(result_of(ipc_buffer_recover(b)) == 1);
    must_read_all(reader, 64, 2, 2);
}
