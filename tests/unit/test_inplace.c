/* SPDX-License-Identifier: MIT */
/*
 * Writing and reading in place, where a call goes by what the handle remembers
 * of the one before.
 */
#include "helpers.h"

enum { BLOCKS = 40, LARGEST = BLOCKS * 64, MANY = 20000 };

static IpcReservation must_reserve(IpcBuffer *b, size_t size)
{
    IpcReservation reservation;

    must_work(ipc_buffer_reserve(b, size, &reservation));
    return reservation;
}

static void must_put(IpcBuffer *b, size_t size, uint64_t seed)
{
    IpcReservation reservation = must_reserve(b, size);

    fill(reservation.payload, size, seed);
    must_work(ipc_buffer_commit(b, &reservation, size));
}

static uint64_t must_peek(IpcBuffer *b, size_t size, uint64_t seed)
{
    IpcEntry entry;

    must_work(ipc_buffer_peek(b, &entry));
    must(entry.size == size && is_filled(entry.payload, size, seed));
    return entry.offset;
}

static void must_get(IpcBuffer *b, size_t size, uint64_t seed)
{
    must_work(ipc_buffer_skip(b, must_peek(b, size, seed)));
}

static void must_be_empty(IpcBuffer *b)
{
    IpcEntry entry;

    must_be(ipc_buffer_peek(b, &entry).ipc_status, IPC_EMPTY);
}

Test(unit, entries_of_changing_sizes_pass_in_place)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        uint64_t random = 1 + mode;

        for (uint64_t i = 0; i < MANY; i++) {
            uint32_t size = random_below(&random, 9) == 0
                                ? 1 + random_below(&random, LARGEST / 4)
                                : 1 + random_below(&random, 200);

            must_put(b, size, i);
            must_put(b, 64, i + 1);
            must_get(b, size, i);
            must_get(b, 64, i + 1);
            must_be_empty(b);
        }
        must(stats_of(b).used == 0);
        must_work(ipc_buffer_destroy(b));
    }
}

Test(unit, what_was_peeked_and_then_read_is_not_skipped)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        uint64_t offset;

        must_put(b, 100, 1);
        must_put(b, 100, 2);
        offset = must_peek(b, 100, 1);
        must(must_read(b, 100, 1) == offset);
        must_fail(ipc_buffer_skip(b, offset), IPC_ERR_OFFSET_MISMATCH);
        offset = must_peek(b, 100, 2);
        must_work(ipc_buffer_skip(b, offset));
        must_fail(ipc_buffer_skip(b, offset), IPC_ERR_OFFSET_MISMATCH);
        must_put(b, 100, 3);
        must_fail(ipc_buffer_skip(b, offset), IPC_ERR_OFFSET_MISMATCH);
        must_get(b, 100, 3);
    }
}

Test(unit, another_offset_than_that_of_the_entry_peeked_is_not_skipped)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        uint64_t offset;

        must_put(b, 100, 0);
        must_get(b, 100, 0); /* the first call is another way */
        must_put(b, 100, 1);
        offset = must_peek(b, 100, 1);
        must_fail(ipc_buffer_skip(b, offset + 128), IPC_ERR_OFFSET_MISMATCH);
        must_fail(ipc_buffer_skip(b, offset + 64), IPC_ERR_OFFSET_MISMATCH);
        must_get(b, 100, 1);
    }
}

Test(unit, an_entry_can_be_skipped_that_was_not_peeked)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        IpcReservation reservation = must_reserve(b, 100);

        must_work(ipc_buffer_commit(b, &reservation, 100));
        must_work(ipc_buffer_skip(b, reservation.offset));
        must_be_empty(b);
    }
}

Test(unit, a_reservation_is_committed_once_and_at_most_as_long_as_it_is)
{
    const size_t sizes[] = {1, 63, 64, 65, 100, 400};

    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);

        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            IpcReservation ours = must_reserve(b, sizes[i]), next;

            fill(ours.payload, sizes[i], i);
            must_fail(ipc_buffer_commit(b, &ours, sizes[i] + 1),
                      IPC_ERR_INVALID_ARGUMENT);
            must_fail(ipc_buffer_commit(b, &ours, 0), IPC_ERR_INVALID_ARGUMENT);
            must_work(ipc_buffer_commit(b, &ours, sizes[i]));
            must_fail(ipc_buffer_commit(b, &ours, sizes[i]),
                      IPC_ERR_ILLEGAL_STATE);
            next = must_reserve(b, sizes[i]);
            must_fail(ipc_buffer_commit(b, &ours, sizes[i]),
                      IPC_ERR_ILLEGAL_STATE);
            must_work(ipc_buffer_abort(b, &next));
            must_fail(ipc_buffer_commit(b, &next, sizes[i]),
                      IPC_ERR_ILLEGAL_STATE);
            must_get(b, sizes[i], i);
            must_be_empty(b);
        }
    }
}

/* A child that inherits the handle with a reservation, and one who peeked. */
Test(unit, what_a_parent_reserved_and_peeked_is_not_the_childs)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b =
            make_ring(shared_memory(ring_size(BLOCKS, 4)), BLOCKS, 4, mode);
        IpcReservation reservation;
        uint64_t offset;
        pid_t child;

        must_put(b, 100, 1);
        offset = must_peek(b, 100, 1);
        reservation = must_reserve(b, 100);
        child = fork_child();
        if (child == 0) {
            must(ipc_buffer_commit(b, &reservation, 100).ipc_status ==
                 IPC_ERR_ILLEGAL_STATE);
            /* With one consumer the parent has that role. */
            must(
                ipc_buffer_skip(b, offset).ipc_status ==
                (mode & IPC_BUFFER_ONE_CONSUMER ? IPC_ERR_ROLE_TAKEN : IPC_OK));
            child_done();
        }
        must_succeed(child);
        fill(reservation.payload, 100, 2);
        must_work(ipc_buffer_commit(b, &reservation, 100));
        if (mode & IPC_BUFFER_ONE_CONSUMER)
            must_work(ipc_buffer_skip(b, offset));
        must_get(b, 100, 2);
    }
}
