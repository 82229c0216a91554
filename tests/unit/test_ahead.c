/* SPDX-License-Identifier: MIT */
/*
 * Reading ahead of what is acknowledged: the one consumer's buffer.
 */
#include "ahead.h"
#include "arrays.h"

static IpcBuffer *ring_for_one(void **memory)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, ONE_CONSUMER, &region);

    if (memory)
        *memory = region;
    return b;
}

static void must_acknowledge(IpcBuffer *b, uint64_t offset, uint64_t count)
{
    must(result_of(ipc_buffer_acknowledge(b, offset)) == count);
}

Test(unit, what_is_read_ahead_keeps_its_space_until_it_is_acknowledged)
{
    IpcBuffer *b = ring_for_one(NULL);
    uint64_t offsets[BLOCKS];

    for (uint64_t i = 0; i < BLOCKS; i++)
        must_write(b, 40, i);
    for (uint64_t i = 0; i < BLOCKS; i++) {
        offsets[i] = must_read_ahead(b, 40, i, false);
        must(offsets[i] == i * 64);
        must(stats_of(b).head_offset == 0);
        must(stats_of(b).unacknowledged == (i + 1) * 64);
    }
    must_be(try_to_read_ahead(b), IPC_EMPTY);
    must_fail(ipc_buffer_write(b, "x", 1), IPC_ERR_NO_SPACE_CONTIGUOUS);
    must_acknowledge(b, offsets[2], 3);
    must(stats_of(b).head_offset == offsets[3]);
    must(stats_of(b).unacknowledged == (BLOCKS - 3) * 64);
    for (uint64_t i = 0; i < 3; i++)
        must_write(b, 40, 100 + i);
    must_fail(ipc_buffer_write(b, "x", 1), IPC_ERR_NO_SPACE_CONTIGUOUS);
    must(must_read_ahead(b, 40, 100, false) == (uint64_t)BLOCKS * 64);
    must_acknowledge(b, BLOCKS * 64, BLOCKS - 3 + 1);
    must(stats_of(b).unacknowledged == 0);
    must(must_read(b, 40, 101) == (BLOCKS + 1) * 64);
    must(must_read(b, 40, 102) == (BLOCKS + 2) * 64);
    must_be(try_to_read(b), IPC_EMPTY);
}

Test(unit, acknowledging_again_does_nothing_and_what_was_not_read_is_refused)
{
    IpcBuffer *b = ring_for_one(NULL);
    IpcBufferAcknowledgeResult r;

    must_fail(ipc_buffer_acknowledge(b, 0), IPC_ERR_OFFSET_MISMATCH);
    for (uint64_t i = 0; i < 4; i++)
        must_write(b, 100, i);
    must_fail(ipc_buffer_acknowledge(b, 0), IPC_ERR_OFFSET_MISMATCH);
    for (uint64_t i = 0; i < 3; i++)
        must_read_ahead(b, 100, i, false);
    must_acknowledge(b, 0, 1);
    must_acknowledge(b, 0, 0);
    for (uint64_t offset = 136; offset < 1024; offset += 8) {
        if (offset == 256)
            continue;
        r = ipc_buffer_acknowledge(b, offset);
        must_fail(r, IPC_ERR_OFFSET_MISMATCH);
        must(r.error.body.offset == 128);
        must_fail(ipc_buffer_give_back(b, offset), IPC_ERR_OFFSET_MISMATCH);
    }
    must_fail(ipc_buffer_give_back(b, 0), IPC_ERR_OFFSET_MISMATCH);
    must(stats_of(b).head_offset == 128);
    must_acknowledge(b, 256, 2);
    must_acknowledge(b, 128, 0);
    must_acknowledge(b, 256, 0);
    must_fail(ipc_buffer_acknowledge(b, 384), IPC_ERR_OFFSET_MISMATCH);
    must_fail(ipc_buffer_give_back(b, 256), IPC_ERR_OFFSET_MISMATCH);
    must(must_read(b, 100, 3) == 384);
}

Test(unit, bad_arguments_and_other_buffers_are_refused_ahead)
{
    struct shm_region *region;
    IpcBuffer *many = new_ring(BLOCKS, 0, &region);
    IpcBuffer *b = ring_for_one(NULL);
    IpcBuffer *looker = ipc_buffer_observe(region, SIZE_MAX).result;
    IpcEntry entry;

    must_write(many, 40, 0);
    must_be(try_to_read_ahead(many), IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_buffer_acknowledge(many, 0), IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_buffer_give_back(many, 0), IPC_ERR_ILLEGAL_STATE);
    must_read(many, 40, 0);
    must_be(try_to_read_ahead(looker), IPC_ERR_READ_ONLY);
    must_fail(ipc_buffer_acknowledge(looker, 0), IPC_ERR_READ_ONLY);
    must_fail(ipc_buffer_give_back(looker, 0), IPC_ERR_READ_ONLY);
    must_fail(ipc_buffer_read_ahead(NULL, &entry), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_read_ahead(b, NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_acknowledge(NULL, 0), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_give_back(NULL, 0), IPC_ERR_INVALID_ARGUMENT);
    must_write(b, 40, 0);
    must_read_ahead(b, 40, 0, false);
    must_fail(ipc_buffer_acknowledge(b, 4), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_give_back(b, 4), IPC_ERR_INVALID_ARGUMENT);
    must_acknowledge(b, 0, 1);
}

Test(unit, other_reads_are_refused_while_something_is_not_acknowledged)
{
    IpcBuffer *b = ring_for_one(NULL);
    unsigned char data[256];
    IpcEntry entry = {.payload = data, .size = sizeof data};
    uint64_t offset;

    for (uint64_t i = 0; i < 3; i++)
        must_write(b, 40, i);
    must_read(b, 40, 0);
    offset = must_read_ahead(b, 40, 1, false);
    must_fail(ipc_buffer_read(b, &entry), IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_buffer_read_batch(b, &entry, 1, data, sizeof data),
              IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_buffer_read_array(b, data, 40, 1), IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_buffer_skip(b, offset), IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_buffer_skip(b, offset + 64), IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_buffer_skip_force(b), IPC_ERR_ILLEGAL_STATE);
    for (int i = 0; i < 2; i++) {
        must_work(ipc_buffer_peek(b, &entry));
        must(entry.offset == offset + 64);
        must(is_filled(entry.payload, 40, 2));
    }
    must_work(ipc_buffer_recover(b));
    must(stats_of(b).head_offset == offset);
    must_acknowledge(b, offset, 1);
    must_read(b, 40, 2);
    must_fail(ipc_buffer_skip(b, offset + 64), IPC_ERR_OFFSET_MISMATCH);
}

Test(unit, what_is_given_back_is_read_again_by_any_call)
{
    IpcBuffer *b = ring_for_one(NULL);
    uint64_t offsets[5];

    for (uint64_t i = 0; i < 5; i++)
        must_write(b, 40, i);
    for (uint64_t i = 0; i < 4; i++)
        offsets[i] = must_read_ahead(b, 40, i, false);
    must(result_of(ipc_buffer_give_back(b, offsets[2])) == 2);
    must_fail(ipc_buffer_give_back(b, offsets[2]), IPC_ERR_OFFSET_MISMATCH);
    must_fail(ipc_buffer_acknowledge(b, offsets[3]), IPC_ERR_OFFSET_MISMATCH);
    must(must_read_ahead(b, 40, 2, true) == offsets[2]);
    must_acknowledge(b, offsets[1], 2);
    must(must_read_ahead(b, 40, 3, true) == offsets[3]);
    must_read_ahead(b, 40, 4, false);
    must(result_of(ipc_buffer_give_back(b, offsets[2])) == 3);
    must(must_read(b, 40, 2) == offsets[2]);
    must(must_read_ahead(b, 40, 3, true) == offsets[3]);
    must_acknowledge(b, offsets[3], 1);
    must_read(b, 40, 4);
}

Test(unit, arrays_are_read_ahead_and_acknowledged_item_by_item)
{
    for (size_t size = 3; size < 100; size += 5) {
        IpcBuffer *b = ring_for_one(NULL);
        size_t stride = (size + 7) / 8 * 8;

        for (size_t middle = 0; middle < 4; middle++) {
            uint64_t first = stats_of(b).tail_offset, used;

            must(must_write_array(b, size, 5, 1) >= 1);
            if (stats_of(b).tail_offset / RING != first / RING)
                break; /* it was parted at the end of the lap */
            used = stats_of(b).used;
            for (uint64_t i = 0; i < 5; i++)
                must(must_read_ahead(b, size, 1 + i, false) ==
                     first + i * stride);
            must_acknowledge(b, first + middle * stride, middle + 1);
            must(stats_of(b).head_offset == first + (middle + 1) * stride);
            must(stats_of(b).used == used);
            must(stats_of(b).unacknowledged == used);
            must(result_of(ipc_buffer_give_back(
                     b, first + (middle + 1) * stride)) == 4 - middle);
            must(must_read_array(b, size, 1, 2 + middle) == 1);
            for (uint64_t i = middle + 2; i < 5; i++)
                must(must_read_ahead(b, size, 1 + i, true) ==
                     first + i * stride);
            if (middle < 3)
                must_acknowledge(b, first + 4 * stride, 3 - middle);
            must(stats_of(b).used == 0);
        }
        must_work(ipc_buffer_destroy(b));
    }
}

/* The child reads `read` of the entries ahead, acknowledges `done` of them, and
 * stays until it is killed. */
static pid_t worker(void *memory, uint64_t read, uint64_t done,
                    struct gate *gate)
{
    pid_t pid = fork_child();
    IpcBuffer *b;

    if (pid != 0)
        return pid;
    b = attach_to(memory);
    for (uint64_t i = 0; i < read; i++)
        must_read_ahead(b, 40, i, false);
    if (done)
        must_acknowledge(b, (done - 1) * 64, done);
    gate_open(gate, 1);
    sleep_for_ever();
}

Test(unit, the_next_consumer_begins_at_what_a_killed_one_did_not_acknowledge)
{
    for (uint64_t read = 0; read < 4; read++)
        for (uint64_t done = 0; done <= read; done++) {
            struct gate *gate = make_gate();
            void *memory;
            IpcBuffer *b = ring_for_one(&memory);
            pid_t pid;

            for (uint64_t i = 0; i < 4; i++)
                must_write(b, 40, i);
            pid = worker(memory, read, done, gate);
            gate_wait(gate, 1);
            if (read > 0)
                must_be(try_to_read_ahead(b), IPC_ERR_ROLE_TAKEN);
            must(stats_of(b).unacknowledged == (read - done) * 64);
            kill_child(pid);
            for (uint64_t i = done; i < 4; i++)
                must(must_read_ahead(b, 40, i, i < read) == i * 64);
            must_be(try_to_read_ahead(b), IPC_EMPTY);
            must_acknowledge(b, 3 * 64, 4 - done);
        }
}

Test(unit, the_next_consumer_begins_at_what_a_destroyed_handle_left)
{
    void *memory;
    IpcBuffer *b = ring_for_one(&memory), *next = attach_to(memory);

    for (uint64_t i = 0; i < 3; i++)
        must_write(b, 40, i);
    must_read_ahead(b, 40, 0, false);
    must_read_ahead(b, 40, 1, false);
    must_acknowledge(b, 0, 1);
    must_be(try_to_read_ahead(next), IPC_ERR_ROLE_TAKEN);
    must_work(ipc_buffer_destroy(b));
    must(must_read(next, 40, 1) == 64);
    must(must_read_ahead(next, 40, 2, false) == 128);
}

Test(unit, a_child_that_inherits_a_handle_has_read_nothing_ahead)
{
    struct gate *gate = make_gate();
    IpcBuffer *b = ring_for_one(NULL);
    pid_t parent, child;

    must_write(b, 40, 0);
    must_write(b, 40, 1);
    parent = fork_child();
    if (parent != 0) {
        must_succeed(parent);
        gate_wait(gate, 2);
        return;
    }
    must_read_ahead(b, 40, 0, false);
    child = fork_child();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, 0);
        must_be(try_to_read_ahead(b), IPC_ERR_ROLE_TAKEN);
        must_fail(ipc_buffer_acknowledge(b, 0), IPC_ERR_OFFSET_MISMATCH);
        gate_open(gate, 1);
        for (int64_t end = now_ns() + 20 * SECOND; now_ns() < end;)
            if (try_to_read_ahead(b) != IPC_ERR_ROLE_TAKEN)
                break;
        must_acknowledge(b, 0, 1);
        must_read_ahead(b, 40, 1, false);
        must_acknowledge(b, 64, 1);
        gate_open(gate, 2);
        child_done();
    }
    gate_wait(gate, 1);
    child_done();
}

Test(unit, a_closed_buffer_is_read_when_all_is_read_ahead)
{
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, ONE_CONSUMER, &memory);
    IpcBuffer *b = attach_to(memory);

    must_send(ch, 40, 0);
    must_send(ch, 40, 1);
    must_read_ahead(b, 40, 0, false);
    must_work(ipc_channel_close(ch));
    must_read_ahead(b, 40, 1, false);
    must_be(try_to_read_ahead(b), IPC_ERR_CLOSED);
    must_acknowledge(b, 0, 1);
    must_work(ipc_buffer_destroy(b));
    b = attach_to(memory);
    must_read_ahead(b, 40, 1, true);
    must_be(try_to_read_ahead(b), IPC_ERR_CLOSED);
    must_acknowledge(b, 64, 1);
    must_be(try_to_read_ahead(b), IPC_ERR_CLOSED);
    must_be(try_to_read(b), IPC_ERR_CLOSED);
}

Test(unit, filler_is_passed_ahead_and_released_with_what_is_before_it)
{
    IpcBuffer *b = ring_for_one(NULL);
    IpcReservation reservation;
    uint64_t offset;

    for (int lap = 0; lap < 2 * BLOCKS; lap++) {
        must_write(b, 40, 1);
        must_work(ipc_buffer_reserve(b, 100, &reservation));
        must_work(ipc_buffer_abort(b, &reservation));
        offset = must_read_ahead(b, 40, 1, false);
        must_be(try_to_read_ahead(b), IPC_EMPTY);
        must_write(b, 200, 2);
        must_read_ahead(b, 200, 2, false);
        must_acknowledge(b, offset, 1);
        must(result_of(
                 ipc_buffer_give_back(b, stats_of(b).tail_offset - 256)) == 1);
        offset = must_read_ahead(b, 200, 2, true);
        must_acknowledge(b, offset, 1);
        must(stats_of(b).used == 0);
    }
    must_write(b, BLOCKS / 2 * 64, 3);
}

Test(unit, a_dead_claim_behind_what_was_read_ahead_is_removed)
{
    struct gate *gate = make_gate();
    void *memory;
    IpcBuffer *b = ring_for_one(&memory);
    IpcReservation reservation;
    pid_t pid;

    must_write(b, 40, 0);
    pid = fork_child();
    if (pid == 0) {
        must_work(ipc_buffer_reserve(attach_to(memory), 40, &reservation));
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    must_write(b, 40, 1);
    must_read_ahead(b, 40, 0, false);
    must_be(try_to_read_ahead(b), IPC_ERR_NOT_READY);
    must_fail(ipc_buffer_recover(b), IPC_ERR_NOT_READY);
    kill_child(pid);
    must(result_of(ipc_buffer_recover(b)) == 1);
    must_read_ahead(b, 40, 1, false);
}

Test(unit, who_reads_ahead_is_told_that_the_buffer_was_formatted_anew)
{
    void *memory;
    IpcBuffer *b = ring_for_one(&memory), *next;
    IpcStatus status = IPC_EMPTY;

    must_write(b, 40, 0);
    must_read_ahead(b, 40, 0, false);
    next = make_ring(memory, BLOCKS, 8, ONE_CONSUMER);
    must_write(next, 40, 1);
    must_fail(ipc_buffer_acknowledge(b, 0), IPC_ERR_FORMATTED_ANEW);
    must_fail(ipc_buffer_give_back(b, 0), IPC_ERR_FORMATTED_ANEW);
    for (int i = 0; i < 1000 && status == IPC_EMPTY; i++)
        status = try_to_read_ahead(b);
    must_be(status, IPC_ERR_FORMATTED_ANEW);
    must_read_ahead(next, 40, 1, false);
}

/* Against a plain queue: entries [acknowledged, read) are held. */
struct queue {
    uint64_t offsets[4096];
    size_t sizes[4096];
    uint64_t written, read, acknowledged, most_read;
};

static void write_some(IpcBuffer *b, struct queue *q, uint64_t *random)
{
    size_t size = 1 + random_below(random, 200);
    unsigned char data[600];
    int count = random_below(random, 3) ? 1 : 3;
    IpcBufferWriteBatchResult r;

    fill_array(data, size, (size_t)count, q->written);
    r = ipc_buffer_write_array(b, data, size, count);
    if (r.ipc_status != IPC_OK) {
        must_be(r.ipc_status, IPC_ERR_NO_SPACE_CONTIGUOUS);
        return;
    }
    for (size_t i = 0; i < r.result; i++)
        q->sizes[q->written++] = size;
}

static void read_one(IpcBuffer *b, struct queue *q)
{
    uint64_t i = q->read;

    if (i == q->written) {
        must_be(try_to_read_ahead(b), IPC_EMPTY);
        return;
    }
    q->offsets[i] = must_read_ahead(b, q->sizes[i], i, i < q->most_read);
    q->read++;
    if (q->read > q->most_read)
        q->most_read = q->read;
}

/* Any entry that was ever read. */
static void settle_one(IpcBuffer *b, struct queue *q, uint64_t *random)
{
    uint64_t i = random_below(random, (uint32_t)q->read + 1);
    uint64_t done;

    if (i == q->read)
        return;
    if (random_below(random, 3)) {
        done = i < q->acknowledged ? 0 : i + 1 - q->acknowledged;
        must_acknowledge(b, q->offsets[i], done);
        q->acknowledged += done;
    } else if (i < q->acknowledged) {
        must_fail(ipc_buffer_give_back(b, q->offsets[i]),
                  IPC_ERR_OFFSET_MISMATCH);
    } else {
        must(result_of(ipc_buffer_give_back(b, q->offsets[i])) == q->read - i);
        q->read = i;
    }
}

Test(unit, reading_ahead_agrees_with_a_plain_queue, .timeout = 60)
{
    for (uint64_t seed = 1; seed < 60; seed++) {
        static struct queue queue;
        struct queue *q = &queue;
        uint64_t random = seed;
        void *memory;
        IpcBuffer *b = ring_for_one(&memory);

        snprintf(fail_note, sizeof fail_note, " (seed %u)", (unsigned)seed);
        *q = (struct queue){0};
        for (int step = 0; step < 2000 && q->written < 4000; step++) {
            switch (random_below(&random, 8)) {
            case 0:
            case 1:
                write_some(b, q, &random);
                break;
            case 2:
                settle_one(b, q, &random);
                break;
            case 3:
                /* The role passes on. */
                if (random_below(&random, 8))
                    break;
                must_work(ipc_buffer_destroy(b));
                b = attach_to(memory);
                q->read = q->acknowledged;
                break;
            default:
                read_one(b, q);
                break;
            }
        }
        must(q->acknowledged > 50);
        must_work(ipc_buffer_destroy(b));
    }
}
