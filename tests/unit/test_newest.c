/* SPDX-License-Identifier: MIT */
/*
 * Subscribers that go to the newest entry, and that pin entries: writers go
 * round what is pinned.
 */
#include "broadcasts.h"
#include <shmipc/ipc_batch.h>
#include <shmipc/ipc_newest.h>

enum { BLOCKS = 8, SLOTS = 3, ONE_PRODUCER = IPC_BUFFER_ONE_PRODUCER };

static const uint32_t modes[] = {0, ONE_PRODUCER};

static const IpcSubscription lags = {
    .struct_size = sizeof lags,
    .policy = IPC_SUBSCRIBER_LAGS,
};

static const IpcSubscription oldest = {
    .struct_size = sizeof oldest,
    .policy = IPC_SUBSCRIBER_LAGS,
    .from = IPC_SUBSCRIBE_FROM_OLDEST,
};

/* ------------------------------------------------------------- the newest */

/* Reads the newest entry, which has that seed; the bytes that were skipped. */
static uint64_t must_read_newest(IpcBuffer *b, size_t size, uint64_t seed)
{
    unsigned char data[4096];
    IpcEntry entry = {.payload = data, .size = sizeof data};
    IpcBufferNewestResult r = ipc_buffer_read_newest(b, &entry);

    must_work(r);
    must(entry.size == size && is_filled(data, size, seed));
    return r.result;
}

static IpcStatus try_newest(IpcBuffer *b)
{
    unsigned char data[4096];
    IpcEntry entry = {.payload = data, .size = sizeof data};

    return ipc_buffer_read_newest(b, &entry).ipc_status;
}

Test(unit, the_newest_is_read_and_what_was_jumped_over_is_told)
{
    for (int m = 0; m < 2; m++) {
        void *memory;
        IpcBuffer *writer = new_broadcast(BLOCKS, modes[m], SLOTS, &memory);
        IpcBuffer *reader = subscriber_of(memory, NULL);

        must_be(try_newest(reader), IPC_EMPTY);
        for (uint64_t seed = 1; seed <= 3; seed++)
            must_write(writer, 100, seed);
        must(must_read_newest(reader, 100, 3) == 2 * 128);
        must_be(try_newest(reader), IPC_EMPTY);
        must_write(writer, 64, 4);
        must(must_read_newest(reader, 64, 4) == 0);
        must_write(writer, 100, 5); /* behind filler */
        must(must_read_newest(reader, 100, 5) == 0);
    }
}

Test(unit, of_an_array_the_newest_is_the_last_one)
{
    const uint64_t data[3] = {1, 2, 3};
    uint64_t got = 0;
    IpcEntry entry = {.payload = &got, .size = sizeof got};
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcBuffer *reader = subscriber_of(memory, NULL);
    IpcBufferNewestResult r;

    must_work(ipc_buffer_write_array(writer, data, sizeof data[0], 3));
    r = ipc_buffer_read_newest(reader, &entry);
    must_work(r);
    must(got == 3 && r.result == 16);
    must_be(try_newest(reader), IPC_EMPTY);
}

Test(unit, one_that_was_evicted_gets_the_newest_at_once)
{
    for (uint32_t after_gap = 0; after_gap < 2; after_gap++) {
        void *memory;
        IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory);
        IpcSubscription how = lags;
        IpcBuffer *reader;

        how.after_gap = after_gap;
        reader = subscriber_of(memory, &how);
        for (uint64_t seed = 1; seed <= 100; seed++)
            must_write(writer, 64, seed);
        must(must_read_newest(reader, 64, 100) == 99 * 64);
    }
}

Test(unit, what_is_too_large_stays_and_what_was_skipped_is_told_later)
{
    unsigned char data[64];
    IpcEntry entry = {.payload = data, .size = sizeof data};
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcBuffer *reader = subscriber_of(memory, NULL);
    IpcBufferNewestResult r;

    must_write(writer, 64, 1);
    must_write(writer, 65, 2);
    r = ipc_buffer_read_newest(reader, &entry);
    must_fail(r, IPC_ERR_TOO_SMALL);
    must(r.error.body.required_size == 65);
    must(must_read_newest(reader, 65, 2) == 64);
}

Test(unit, only_a_subscriber_can_go_to_the_newest)
{
    unsigned char data[64];
    IpcEntry entry = {.payload = data, .size = sizeof data};
    void *memory;
    IpcBuffer *queue = new_ring(BLOCKS, 0, NULL);
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcBuffer *other = attach_to(memory);

    must_be(try_newest(queue), IPC_ERR_ILLEGAL_STATE);
    must_be(ipc_buffer_pin(queue, &entry).ipc_status, IPC_ERR_ILLEGAL_STATE);
    must_be(ipc_buffer_unpin(queue, 0).ipc_status, IPC_ERR_ILLEGAL_STATE);
    entry = (IpcEntry){.payload = data, .size = sizeof data};
    must_be(try_newest(other), IPC_ERR_NOT_SUBSCRIBED);
    must_be(ipc_buffer_pin_newest(other, &entry).ipc_status,
            IPC_ERR_NOT_SUBSCRIBED);
    must_be(ipc_buffer_unpin(other, 0).ipc_status, IPC_ERR_NOT_SUBSCRIBED);
    must_be(ipc_buffer_read_newest(NULL, &entry).ipc_status,
            IPC_ERR_INVALID_ARGUMENT);
    must_be(ipc_buffer_pin(NULL, &entry).ipc_status, IPC_ERR_INVALID_ARGUMENT);
    must_be(ipc_buffer_pin(writer, NULL).ipc_status, IPC_ERR_INVALID_ARGUMENT);
    must_be(ipc_buffer_unpin(NULL, 0).ipc_status, IPC_ERR_INVALID_ARGUMENT);
}

/* --------------------------------------------------------------------- pins */

static IpcEntry must_pin(IpcBuffer *b, size_t size, uint64_t seed)
{
    IpcEntry entry;

    must_work(ipc_buffer_pin_newest(b, &entry));
    must(entry.size == size && is_filled(entry.payload, size, seed));
    return entry;
}

Test(unit, what_is_pinned_stays_whole_while_writers_go_round_it)
{
    for (int m = 0; m < 2; m++)
        for (size_t size = 64; size <= 192; size += 64) {
            void *memory;
            IpcBuffer *writer = new_broadcast(BLOCKS, modes[m], SLOTS, &memory);
            IpcBuffer *reader = subscriber_of(memory, &lags);
            IpcEntry pinned;

            must_write(writer, 64, 1);
            must_write(writer, size, 2);
            pinned = must_pin(reader, size, 2);
            for (uint64_t seed = 3; seed <= 200; seed++) {
                must_write(writer, size, seed);
                must(is_filled(pinned.payload, size, 2));
                must(must_read_newest(reader, size, seed) == 0);
            }
            must_work(ipc_buffer_unpin(reader, pinned.offset));
            for (uint64_t seed = 1; seed <= 20; seed++)
                must_write(writer, size, seed);
            must(!is_filled(pinned.payload, size, 2));
        }
}

Test(unit, nobody_stores_a_byte_of_what_several_have_pinned)
{
    for (int m = 0; m < 2; m++) {
        void *memory;
        IpcBuffer *writer = new_broadcast(16, modes[m], SLOTS, &memory);
        IpcBuffer *readers[SLOTS];
        IpcEntry pinned[SLOTS];
        uint64_t random = 7;

        for (int i = 0; i < SLOTS; i++) {
            readers[i] = subscriber_of(memory, &lags);
            must_write(writer, 100, (uint64_t)i + 1);
            pinned[i] = must_pin(readers[i], 100, (uint64_t)i + 1);
        }
        for (uint64_t seed = 10; seed < 3000; seed++) {
            must_write(writer, 1 + random_below(&random, 192), seed);
            for (int i = 0; i < SLOTS; i++)
                must(is_filled(pinned[i].payload, 100, (uint64_t)i + 1));
        }
    }
}

Test(unit, a_batch_and_a_reservation_go_round_what_is_pinned)
{
    for (int m = 0; m < 2; m++) {
        unsigned char data[64];
        struct iovec entries[6];
        void *memory;
        IpcBuffer *writer = new_broadcast(BLOCKS, modes[m], SLOTS, &memory);
        IpcBuffer *reader = subscriber_of(memory, &lags);
        IpcEntry pinned;

        for (int i = 0; i < 6; i++)
            entries[i] = (struct iovec){data, sizeof data};
        for (int i = 0; i < 3; i++)
            must_write(writer, 64, 1);
        must_write(writer, 64, 2);
        pinned = must_pin(reader, 64, 2);
        fill(data, sizeof data, 3);
        for (int i = 0; i < 50; i++) {
            IpcReservation reservation;

            must_work(ipc_buffer_write_batch(writer, entries, 6));
            must(is_filled(pinned.payload, 64, 2));
            must_work(ipc_buffer_write_array(writer, data, 8, 8));
            must(is_filled(pinned.payload, 64, 2));
            must_work(ipc_buffer_reserve(writer, 200, &reservation));
            memset(reservation.payload, 1, 200);
            must(is_filled(pinned.payload, 64, 2));
            must_work(ipc_buffer_commit(writer, &reservation, 1));
        }
    }
}

Test(unit, pins_that_leave_no_room_in_a_row_mean_no_space_and_no_loss)
{
    for (int m = 0; m < 2; m++) {
        void *memory;
        IpcBuffer *writer = new_broadcast(BLOCKS, modes[m], SLOTS, &memory);
        IpcBuffer *reader = subscriber_of(memory, &lags);
        IpcBuffer *late = attach_to(memory);
        IpcEntry pinned;
        uint64_t tail;

        for (uint64_t seed = 1; seed <= 4; seed++)
            must_write(writer, 64, seed);
        pinned = must_pin(reader, 64, 4); /* block 3: 4 are left behind it */
        must_write(writer, 64, 5);
        tail = stats_of(writer).tail_offset;
        must_be(ipc_buffer_write(writer, memory, 5 * 64).ipc_status,
                IPC_ERR_NO_SPACE_CONTIGUOUS);
        must(stats_of(writer).tail_offset == tail);
        must_work(ipc_buffer_subscribe(late, &from_oldest));
        must_read_all(late, 64, 1, 5);
        must_work(ipc_buffer_unsubscribe(late));
        must_write(writer, 4 * 64, 6); /* these can be had */
        must_work(ipc_buffer_unpin(reader, pinned.offset));
        must_write(writer, 5 * 64, 7);
    }
}

Test(unit, a_whole_ring_that_is_pinned_is_no_space_until_it_is_unpinned)
{
    for (int m = 0; m < 2; m++) {
        void *memory;
        IpcBuffer *writer = new_broadcast(2, modes[m], 2, &memory);
        IpcBuffer *one = subscriber_of(memory, &lags);
        IpcBuffer *two = subscriber_of(memory, &lags);
        IpcEntry a, b;

        must_write(writer, 64, 1);
        a = must_pin(one, 64, 1);
        must_write(writer, 64, 2);
        b = must_pin(two, 64, 2);
        for (int i = 0; i < 50; i++)
            must_be(ipc_buffer_write(writer, "x", 1).ipc_status,
                    IPC_ERR_NO_SPACE_CONTIGUOUS);
        must(is_filled(a.payload, 64, 1) && is_filled(b.payload, 64, 2));
        must_work(ipc_buffer_unpin(two, b.offset));
        must_write(writer, 64, 3);
        must(is_filled(a.payload, 64, 1));
        must_work(ipc_buffer_unpin(one, a.offset));
        must_write(writer, 128, 4);
    }
}

Test(unit, a_handle_pins_one_entry_at_a_time)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcBuffer *reader = subscriber_of(memory, &lags);
    IpcEntry pinned, other;

    must_be(ipc_buffer_unpin(reader, 0).ipc_status, IPC_ERR_OFFSET_MISMATCH);
    must_be(ipc_buffer_pin(reader, &other).ipc_status, IPC_EMPTY);
    must(other.payload == NULL);
    must_write(writer, 64, 1);
    must_write(writer, 64, 2);
    must_work(ipc_buffer_pin(reader, &pinned));
    must(pinned.offset == 0 && is_filled(pinned.payload, 64, 1));
    must_be(ipc_buffer_pin(reader, &other).ipc_status, IPC_ERR_ILLEGAL_STATE);
    must_be(ipc_buffer_unpin(reader, 64).ipc_status, IPC_ERR_OFFSET_MISMATCH);
    must_read(reader, 64, 2);
    must_work(ipc_buffer_unpin(reader, pinned.offset));
    must_be(ipc_buffer_unpin(reader, pinned.offset).ipc_status,
            IPC_ERR_OFFSET_MISMATCH);
}

Test(unit, a_pin_is_listed_with_its_subscriber)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcBuffer *reader = subscriber_of(memory, &lags);
    IpcSubscriber one = {.struct_size = sizeof one};
    IpcEntry pinned;

    must_write(writer, 64, 1);
    must_write(writer, 100, 2);
    must(result_of(ipc_buffer_subscribers(writer, &one, 1)) == 1);
    must(one.pinned == 0 && one.pinned_since == 0);
    pinned = must_pin(reader, 100, 2);
    must(result_of(ipc_buffer_subscribers(writer, &one, 1)) == 1);
    must(one.pinned == 128 && one.pinned_offset == pinned.offset);
    must(one.pinned_since >= one.since);
    must_work(ipc_buffer_unpin(reader, pinned.offset));
    must(result_of(ipc_buffer_subscribers(writer, &one, 1)) == 1);
    must(one.pinned == 0);
}

Test(unit, who_unsubscribes_or_is_destroyed_lets_go)
{
    for (int destroy = 0; destroy < 2; destroy++) {
        void *memory;
        IpcBuffer *writer = new_broadcast(1, 0, 1, &memory);
        IpcBuffer *reader = subscriber_of(memory, &lags);

        must_write(writer, 64, 1);
        must_pin(reader, 64, 1);
        must_be(ipc_buffer_write(writer, "x", 1).ipc_status,
                IPC_ERR_NO_SPACE_CONTIGUOUS);
        if (destroy) {
            must_work(ipc_buffer_destroy(reader));
            reader = attach_to(memory);
        } else {
            must_work(ipc_buffer_unsubscribe(reader));
        }
        must_write(writer, 64, 2);
        must_work(ipc_buffer_subscribe(reader, &lags));
        must_write(writer, 64, 3);
        must_pin(reader, 64, 3);
    }
}

/* A child that pins the newest entry, and is killed. */
static void let_one_die(void *memory)
{
    struct gate *gate = make_gate();
    pid_t pid = fork_child();

    if (pid == 0) {
        IpcEntry entry;

        must_work(ipc_buffer_pin(subscriber_of(memory, &oldest), &entry));
        gate_open(gate, 1);
        pause();
    }
    gate_wait(gate, 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

Test(unit, the_dead_let_go_where_there_is_no_room)
{
    for (int m = 0; m < 2; m++) {
        void *memory;
        IpcBuffer *writer = new_broadcast(1, modes[m], 2, &memory);
        IpcStatus status;
        int looks = 0;

        must_write(writer, 64, 1);
        let_one_die(memory);
        do
            status = ipc_buffer_write(writer, "x", 1).ipc_status;
        while (status == IPC_ERR_NO_SPACE_CONTIGUOUS && ++looks < 100);
        must_be(status, IPC_OK);
        must(count_subscribers(writer) == 0);
    }
}

Test(unit, a_blocked_writer_finds_that_a_pin_is_of_the_dead)
{
    IpcChannelConfiguration configuration = IPC_CHANNEL_DEFAULTS;
    const struct timespec timeout = {.tv_sec = 20};
    size_t size = broadcast_size(1, 8, 1);
    void *memory = shared_memory(size);
    IpcChannelResult made;

    configuration.flags = BROADCAST;
    configuration.max_owners = 8;
    configuration.max_subscribers = 1;
    made = ipc_channel_create(memory, size, configuration);
    must_work(made);
    must_work(ipc_channel_write(made.result, "x", 1));
    let_one_die(memory);
    must_work(ipc_channel_write_with_timeout(made.result, "y", 1, &timeout));
}

Test(unit, an_inherited_handle_has_no_pin)
{
    void *memory;
    IpcBuffer *writer = new_broadcast(BLOCKS, 0, SLOTS, &memory);
    IpcBuffer *reader = subscriber_of(memory, &lags);
    IpcEntry pinned, mine;
    pid_t pid;

    must_write(writer, 64, 1);
    pinned = must_pin(reader, 64, 1);
    pid = fork_child();
    if (pid == 0) {
        must_be(ipc_buffer_unpin(reader, pinned.offset).ipc_status,
                IPC_ERR_NOT_SUBSCRIBED);
        must_work(ipc_buffer_subscribe(reader, &oldest));
        must_work(ipc_buffer_pin(reader, &mine));
        must_work(ipc_buffer_unpin(reader, mine.offset));
        _exit(0);
    }
    must_succeed(pid);
    for (uint64_t seed = 2; seed <= 100; seed++)
        must_write(writer, 64, seed);
    must(is_filled(pinned.payload, 64, 1));
    must_work(ipc_buffer_unpin(reader, pinned.offset));
}

Test(unit, pins_that_make_no_sense_cost_space_and_no_more)
{
    const uint64_t words[] = {1,       7,          8,
                              1 << 20, UINT64_MAX, UINT64_C(1) << 63 | 3};
    const uint32_t lengths[] = {0, 1, 3, 8, 9, UINT32_MAX};

    for (int m = 0; m < 2; m++)
        for (size_t w = 0; w < sizeof words / sizeof words[0]; w++)
            for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
                void *memory;
                IpcBuffer *writer =
                    new_broadcast(BLOCKS, modes[m], SLOTS, &memory);
                struct shm_subscriber *s = subscriber_at(memory, 1);
                int written = 0;

                atomic_put_relaxed(&s->cursor.pinned, words[w]);
                atomic_put_relaxed(&s->cursor.pinned_blocks, lengths[l]);
                for (int i = 0; i < 100; i++)
                    written +=
                        ipc_buffer_write(writer, "x", 1).ipc_status == IPC_OK;
                /* The slot is nobody's, so what is there is let go. */
                must(written > 0);
            }
}

/* --------------------------------------------------------- all at once */

enum { FRAME_WORDS = 300 };

static void write_frames(IpcBuffer *writer, uint64_t count, struct gate *end)
{
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t data[FRAME_WORDS];
        IpcStatus status;

        for (int k = 0; k < FRAME_WORDS; k++)
            data[k] = i;
        do
            status = ipc_buffer_write(writer, data, sizeof data).ipc_status;
        while (status == IPC_ERR_NO_SPACE_CONTIGUOUS ||
               status == IPC_ERR_LOCKED);
        must_be(status, IPC_OK);
    }
    gate_open(end, 1);
}

static bool is_whole(const uint64_t *data)
{
    for (int k = 1; k < FRAME_WORDS; k++)
        if (data[k] != data[0])
            return false;
    return true;
}

/* Pins or copies the newest until no more comes; that was the last one, unless
 * it had to begin anew just then. */
static void follow_frames(IpcBuffer *reader, struct gate *end, bool pins)
{
    uint64_t copy[FRAME_WORDS], last = 0;
    bool ended = false;

    for (;;) {
        IpcEntry entry = {.payload = copy, .size = sizeof copy};
        IpcBufferNewestResult r = pins ? ipc_buffer_pin_newest(reader, &entry)
                                       : ipc_buffer_read_newest(reader, &entry);

        if (r.ipc_status != IPC_OK) {
            must(r.ipc_status == IPC_EMPTY || r.ipc_status == IPC_ERR_LOCKED ||
                 r.ipc_status == IPC_ERR_NOT_READY);
            if (r.ipc_status == IPC_EMPTY && ended)
                break;
            ended = atomic_get_acquire(&end->step) > 0;
            continue;
        }
        for (int i = 0; pins && i < 2000; i++)
            atomic_cpu_relax();
        must(is_whole(entry.payload) && *(uint64_t *)entry.payload > last);
        last = *(uint64_t *)entry.payload;
        if (pins)
            must_work(ipc_buffer_unpin(reader, entry.offset));
    }
    must(last > 0);
}

Test(unit, nothing_pinned_or_newest_is_torn_while_writers_overtake)
{
    enum { COUNT = 60000 };

    for (int m = 0; m < 2; m++) {
        void *memory;
        IpcBuffer *writer = new_broadcast(6 * 38, modes[m], SLOTS, &memory);
        IpcBuffer *pins = subscriber_of(memory, &lags);
        struct gate *end = make_gate();
        pid_t copier, writing;

        copier = fork_child();
        if (copier == 0) {
            follow_frames(subscriber_of(memory, &oldest), end, false);
            child_done();
        }
        writing = fork_child();
        if (writing == 0) {
            write_frames(writer, COUNT, end);
            child_done();
        }
        follow_frames(pins, end, true);
        must_succeed(writing);
        must_succeed(copier);
    }
}
