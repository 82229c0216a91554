/* SPDX-License-Identifier: MIT */
/*
 * Reserve, commit and abort.
 */
#include "helpers.h"
#include <pthread.h>

enum { BLOCKS = 8, ONE_PRODUCER = 1 };

static IpcReservation must_reserve(IpcBuffer *b, size_t size)
{
    IpcReservation reservation;

    memset(&reservation, 0, sizeof reservation);
    must_work(ipc_buffer_reserve(b, size, &reservation));
    must(reservation.size == size && reservation.payload != NULL);
    return reservation;
}

Test(unit, a_committed_reservation_is_an_entry)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);

        for (uint64_t i = 0; i < 200; i++) {
            size_t size = i * 7 % 256 + 1;
            IpcReservation reservation = must_reserve(b, size);

            must((uintptr_t)reservation.payload % 64 == 0);
            fill(reservation.payload, size, i);
            must_work(ipc_buffer_commit(b, &reservation, size));
            must(must_read(b, size, i) == reservation.offset);
        }
    }
}

Test(unit, a_commit_may_be_shorter_than_the_reservation)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);

        for (size_t size = 1; size <= BLOCKS * 64; size += 13) {
            IpcReservation reservation = must_reserve(b, BLOCKS * 64);

            fill(reservation.payload, size, size);
            must_work(ipc_buffer_commit(b, &reservation, size));
            must_read(b, size, size);
            must_be(try_to_read(b), IPC_EMPTY);
            must(stats_of(b).used == 0);
            /* Back to a lap's beginning, where the maximum fits at once. */
            while (stats_of(b).tail_offset % (BLOCKS * 64) != 0) {
                must_write(b, 1, 1);
                must_read(b, 1, 1);
            }
        }
    }
}

Test(unit, an_aborted_reservation_is_never_seen_and_gives_its_space_back)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);

        for (uint64_t i = 0; i < 100; i++) {
            IpcReservation reservation = must_reserve(b, 200);

            memset(reservation.payload, 0xff, 200);
            must_work(ipc_buffer_abort(b, &reservation));
            must_be(try_to_read(b), IPC_EMPTY);
            must(stats_of(b).used == 0);
            must_write(b, 33, i);
            must_read(b, 33, i);
        }
    }
}

Test(unit, a_reservation_is_finished_only_once)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        const IpcStatus illegal = IPC_ERR_ILLEGAL_STATE;
        IpcReservation reservation = must_reserve(b, 100);
        IpcReservation copy = reservation;
        IpcBufferCommitResult r;

        fill(reservation.payload, 100, 1);
        must_work(ipc_buffer_commit(b, &copy, 100));
        r = ipc_buffer_commit(b, &reservation, 100);
        must_fail(r, illegal);
        must(IpcBufferCommitResult_is_error_has_body(r.error));
        must(r.error.body.offset == reservation.offset);
        must_fail(ipc_buffer_abort(b, &reservation), illegal);
        must_read(b, 100, 1);
        must_fail(ipc_buffer_commit(b, &reservation, 100), illegal);
        reservation = must_reserve(b, 100);
        must_work(ipc_buffer_abort(b, &reservation));
        must_fail(ipc_buffer_abort(b, &reservation), illegal);
        must_fail(ipc_buffer_commit(b, &reservation, 100), illegal);
        /* Still so when the same blocks are somebody's again. */
        for (uint64_t i = 0; i < 50; i++) {
            must_write(b, 100, i);
            must_fail(ipc_buffer_commit(b, &reservation, 100), illegal);
            must_fail(ipc_buffer_abort(b, &copy), illegal);
            must_read(b, 100, i);
        }
    }
}

Test(unit, a_commit_of_an_impossible_size_leaves_the_reservation_open)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        const IpcStatus invalid = IPC_ERR_INVALID_ARGUMENT;
        IpcReservation reservation = must_reserve(b, 100);

        fill(reservation.payload, 100, 1);
        must_fail(ipc_buffer_commit(b, &reservation, 0), invalid);
        must_fail(ipc_buffer_commit(b, &reservation, 101), invalid);
        must_fail(ipc_buffer_commit(b, &reservation, 128), invalid);
        must_fail(ipc_buffer_commit(b, &reservation, SIZE_MAX), invalid);
        must_work(ipc_buffer_commit(b, &reservation, 100));
        must_read(b, 100, 1);
    }
}

Test(unit, what_is_no_reservation_of_this_buffer_is_invalid)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        const IpcStatus invalid = IPC_ERR_INVALID_ARGUMENT;
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);
        IpcBuffer *other = new_ring(BLOCKS, mode, NULL);
        IpcReservation ours = must_reserve(b, 100);
        IpcReservation foreign = must_reserve(other, 100);
        IpcReservation bad;

        must_fail(ipc_buffer_commit(b, &foreign, 100), invalid);
        must_fail(ipc_buffer_abort(b, &foreign), invalid);
        memset(&bad, 0, sizeof bad);
        must_fail(ipc_buffer_commit(b, &bad, 1), invalid);
        must_fail(ipc_buffer_abort(b, &bad), invalid);
        memset(&bad, 0xff, sizeof bad);
        must_fail(ipc_buffer_commit(b, &bad, 1), invalid);
        must_fail(ipc_buffer_abort(b, &bad), invalid);
        bad = ours;
        bad.payload = (char *)bad.payload + 64;
        must_fail(ipc_buffer_commit(b, &bad, 100), invalid);
        bad = ours;
        bad.size = 0;
        must_fail(ipc_buffer_commit(b, &bad, 0), invalid);
        bad.size = BLOCKS * 64 + 1;
        must_fail(ipc_buffer_commit(b, &bad, BLOCKS * 64 + 1), invalid);
        bad.size = SIZE_MAX;
        must_fail(ipc_buffer_commit(b, &bad, 64), invalid);
        fill(ours.payload, 100, 1);
        must_work(ipc_buffer_commit(b, &ours, 100));
        must_read(b, 100, 1);
    }
}

Test(unit, entries_behind_an_open_reservation_wait_for_it)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode += 2) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        IpcReservation reservation = must_reserve(b, 64);
        IpcEntry entry = {.offset = 77, .payload = NULL, .size = 5};
        IpcBufferPeekResult r;

        must_write(b, 64, 2);
        r = ipc_buffer_peek(b, &entry);
        must_fail(r, IPC_ERR_NOT_READY);
        must(r.error.body.offset == 0);
        must(entry.offset == 77 && !entry.payload && entry.size == 5);
        must_be(try_to_read(b), IPC_ERR_NOT_READY);
        must_fail(ipc_buffer_skip(b, 0), IPC_ERR_NOT_READY);
        must_fail(ipc_buffer_skip(b, 64), IPC_ERR_OFFSET_MISMATCH);
        must_fail(ipc_buffer_skip_force(b), IPC_ERR_LOCKED);
        must_fail(ipc_buffer_recover(b), IPC_ERR_NOT_READY);
        must_fail(ipc_buffer_recover_force(b), IPC_ERR_NOT_READY);
        fill(reservation.payload, 64, 1);
        must_work(ipc_buffer_commit(b, &reservation, 64));
        must_read(b, 64, 1);
        must_read(b, 64, 2);
    }
}

Test(unit, reservations_are_read_in_the_order_of_their_claims)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode += 2) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        IpcReservation one = must_reserve(b, 64);
        IpcReservation two = must_reserve(b, 128);
        IpcReservation three = must_reserve(b, 64);

        fill(one.payload, 64, 1);
        fill(three.payload, 64, 3);
        must_work(ipc_buffer_commit(b, &three, 64));
        must_be(try_to_read(b), IPC_ERR_NOT_READY);
        must_work(ipc_buffer_commit(b, &one, 64));
        must_read(b, 64, 1);
        must_be(try_to_read(b), IPC_ERR_NOT_READY);
        must_work(ipc_buffer_abort(b, &two));
        must_read(b, 64, 3);
        must_be(try_to_read(b), IPC_EMPTY);
    }
}

Test(unit, one_producer_has_one_reservation_open_and_no_write_meanwhile)
{
    for (uint32_t mode = ONE_PRODUCER; mode < ALL_MODES; mode += 2) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        IpcReservation reservation = must_reserve(b, 64);
        IpcReservation second;
        char byte = 'x';
        struct iovec piece = {&byte, 1};

        memset(&second, 0x5a, sizeof second);
        must_fail(ipc_buffer_reserve(b, 64, &second), IPC_ERR_ILLEGAL_STATE);
        must(is_all(&second, sizeof second, 0x5a));
        must_fail(ipc_buffer_write(b, "x", 1), IPC_ERR_ILLEGAL_STATE);
        must_fail(ipc_buffer_writev(b, &piece, 1), IPC_ERR_ILLEGAL_STATE);
        must_be(try_to_read(b), IPC_EMPTY);
        fill(reservation.payload, 64, 1);
        must_work(ipc_buffer_commit(b, &reservation, 64));
        must_write(b, 10, 2);
        reservation = must_reserve(b, 64);
        must_work(ipc_buffer_abort(b, &reservation));
        must_write(b, 20, 3);
        must_read(b, 64, 1);
        must_read(b, 10, 2);
        must_read(b, 20, 3);
    }
}

Test(unit, stats_name_the_process_that_is_writing_at_the_head)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    IpcReservation reservation;

    must(stats_of(b).head_state == IPC_BUFFER_HEAD_EMPTY);
    reservation = must_reserve(b, 100);
    must(stats_of(b).head_state == IPC_BUFFER_HEAD_BUSY);
    must(stats_of(b).head_owner_pid == getpid());
    must(stats_of(b).used == 128);
    must_work(ipc_buffer_abort(b, &reservation));
    must(stats_of(b).head_state == IPC_BUFFER_HEAD_FILLER);
    must(stats_of(b).head_owner_pid == 0);
    must_be(try_to_read(b), IPC_EMPTY);
    reservation = must_reserve(b, 100);
    must_work(ipc_buffer_commit(b, &reservation, 99));
    must(stats_of(b).head_state == IPC_BUFFER_HEAD_READY);
    must(stats_of(b).head_size == 99);
}

Test(unit, destroy_aborts_the_open_reservations_of_the_last_handle)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);
        IpcBuffer *reader;

        must_write(b, 10, 1);
        must_reserve(b, 150);
        if (!(mode & ONE_PRODUCER))
            must_write(b, 20, 2);
        must_work(ipc_buffer_destroy(b));
        reader = attach_to(region);
        must_read(reader, 10, 1);
        if (!(mode & ONE_PRODUCER))
            must_read(reader, 20, 2);
        must_be(try_to_read(reader), IPC_EMPTY);
        must(stats_of(reader).used == 0);
        must_write(reader, 30, 3);
        must_read(reader, 30, 3);
    }
}

/* The handle that reserved goes first, another one of the process last. */
Test(unit, reservations_of_a_destroyed_handle_end_with_the_last_handle)
{
    struct shm_region *region;
    IpcBuffer *reserving = new_ring(BLOCKS, 0, &region);
    IpcBuffer *other = attach_to(region);
    IpcBuffer *reader = attach_to(region);

    must_reserve(reserving, 150);
    must_write(other, 20, 2);
    must_work(ipc_buffer_destroy(reserving));
    must_be(try_to_read(reader), IPC_ERR_NOT_READY);
    must_work(ipc_buffer_destroy(other));
    /* "count as aborted when its last handle goes": no recover is needed. */
    must_read(reader, 20, 2);
    must_be(try_to_read(reader), IPC_EMPTY);
}

/* Wherever the open reservations lie, also across the end of a lap: what was
 * committed comes without anybody calling recover. */
Test(unit, destroy_aborts_reservations_at_any_place_and_nothing_else)
{
    uint64_t random = 1;

    for (int run = 0; run < 3000; run++) {
        uint32_t blocks = 1 + random_below(&random, 20);
        struct shm_region *region;
        IpcBuffer *b = new_ring(blocks, 0, &region);
        uint64_t written = 0, read = 0;
        uint32_t moves = random_below(&random, 3 * blocks);

        while (moves--) {
            must_write(b, 1, 0);
            must_read(b, 1, 0);
        }
        for (int i = 0; i < 20; i++) {
            size_t size = 1 + random_below(&random, blocks * 32);
            IpcReservation r;

            if (ipc_buffer_reserve(b, size, &r).ipc_status != IPC_OK)
                continue;
            if (random_below(&random, 2)) {
                fill(r.payload, size, written);
                must_work(ipc_buffer_commit(b, &r, size));
                written++;
            }
        }
        must_work(ipc_buffer_destroy(b));
        b = attach_to(region);
        while (read < written) {
            IpcEntry entry;

            must_work(ipc_buffer_peek(b, &entry));
            must(is_filled(entry.payload, entry.size, read++));
            must_work(ipc_buffer_skip(b, entry.offset));
        }
        must_be(try_to_read(b), IPC_EMPTY);
        must(stats_of(b).used == 0);
        must_work(ipc_buffer_destroy(b));
        must(munmap(region, ring_size(blocks, 8)) == 0);
    }
}

struct committer {
    IpcBuffer *buffer;
    IpcReservation reservation;
    IpcStatus status;
};

static void *commit_it(void *argument)
{
    struct committer *c = argument;

    fill(c->reservation.payload, c->reservation.size, 7);
    c->status =
        ipc_buffer_commit(c->buffer, &c->reservation, c->reservation.size)
            .ipc_status;
    return NULL;
}

Test(unit, any_thread_of_the_process_may_commit)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct committer c = {.buffer = new_ring(BLOCKS, mode, NULL)};
        pthread_t thread;

        c.reservation = must_reserve(c.buffer, 99);
        must(pthread_create(&thread, NULL, commit_it, &c) == 0);
        must(pthread_join(thread, NULL) == 0);
        must_be(c.status, IPC_OK);
        must_read(c.buffer, 99, 7);
    }
}
