/* SPDX-License-Identifier: MIT */
/*
 * Claims that are not what they seem: forged reservations, those of others,
 * and what one finds of them in the ring; and what errors say of the space.
 */
#include "channels.h"

enum { BLOCKS = 8, ONE_PRODUCER = 1, ONE_CONSUMER = 2 };

static void move_to_block(IpcBuffer *b, uint64_t block)
{
    while (stats_of(b).tail_offset / 64 % BLOCKS != block) {
        must_write(b, 1, 1);
        must_read(b, 1, 1);
    }
}

Test(unit, a_reservation_beyond_the_end_of_its_lap_is_none)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        IpcReservation r, forged;

        move_to_block(b, 6);
        must_work(ipc_buffer_reserve(b, 100, &r));
        forged = r;
        for (size_t size = 129; size <= 512; size += 383) {
            forged.size = size;
            must_fail(ipc_buffer_commit(b, &forged, size),
                      IPC_ERR_INVALID_ARGUMENT);
            must_fail(ipc_buffer_abort(b, &forged), IPC_ERR_INVALID_ARGUMENT);
        }
        fill(r.payload, 100, 2);
        must_work(ipc_buffer_commit(b, &r, 100));
        must_read(b, 100, 2);
    }
}

/* The parent reserves and dies; its child is the one producer then and has
 * reserved the same blocks. */
static void inherit_reservation(IpcBuffer *b, struct gate *gate)
{
    IpcReservation r, mine;
    pid_t parent = getpid();
    pid_t child;

    must_work(ipc_buffer_reserve(b, 100, &r));
    child = fork_child();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, 0);
        while (getppid() == parent)
            pause_ns(MILLISECOND / 10);
        must_fail(ipc_buffer_commit(b, &r, 100), IPC_ERR_ILLEGAL_STATE);
        must_work(ipc_buffer_reserve(b, 90, &mine));
        must(mine.payload == r.payload && mine.offset == r.offset);
        must_fail(ipc_buffer_commit(b, &r, 100), IPC_ERR_ILLEGAL_STATE);
        must_fail(ipc_buffer_abort(b, &r), IPC_ERR_ILLEGAL_STATE);
        fill(mine.payload, 90, 7);
        must_work(ipc_buffer_commit(b, &mine, 90));
        gate_open(gate, 1);
    }
    child_done();
}

Test(unit, the_one_producer_does_not_commit_for_its_dead_predecessor)
{
    IpcBuffer *b = new_ring(BLOCKS, ONE_PRODUCER, NULL);
    struct gate *gate = make_gate();
    pid_t child = fork_child();

    if (child == 0)
        inherit_reservation(b, gate);
    must_succeed(child);
    gate_wait(gate, 1);
    must_read(b, 90, 7);
}

Test(unit, an_abort_that_fails_says_of_which_reservation)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        IpcBufferAbortResult r;
        IpcReservation reservation;

        move_to_block(b, 3);
        must_work(ipc_buffer_reserve(b, 100, &reservation));
        must(reservation.offset == 192);
        must_work(ipc_buffer_abort(b, &reservation));
        r = ipc_buffer_abort(b, &reservation);
        must_fail(r, IPC_ERR_ILLEGAL_STATE);
        must(IpcBufferAbortResult_is_error_has_body(r.error));
        must(r.error.body.offset == 192);
        r = ipc_buffer_abort(b, NULL);
        must_fail(r, IPC_ERR_INVALID_ARGUMENT);
        must(r.error.body.offset == 0);
        must(ipc_buffer_commit(b, &reservation, 1).error.body.offset == 192);
    }
}

/* With `entries` blocks written from block `start` on, and none read. */
static void must_describe_space(uint32_t mode, uint64_t start, uint64_t entries)
{
    IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
    unsigned char data[BLOCKS * 64] = {0};
    size_t size = (size_t)(BLOCKS - entries) * 64 + 1;
    IpcBufferWriteResult r;
    uint64_t unused, to_end;

    move_to_block(b, start);
    for (uint64_t i = 0; i < entries; i++)
        must_write(b, 64, i);
    r = ipc_buffer_write(b, data, size);
    must_fail(r, IPC_ERR_NO_SPACE_CONTIGUOUS);
    must(IpcBufferWriteResult_is_error_has_body(r.error));
    must(r.error.body.requested_size == size);
    must(r.error.body.required_size == size + 63);
    must(r.error.body.buffer_size == sizeof data);
    /* The write may have made filler of the end of the lap. */
    unused = sizeof data - stats_of(b).used;
    to_end = sizeof data - stats_of(b).tail_offset % sizeof data;
    must(r.error.body.free_space == unused);
    must(r.error.body.offset == stats_of(b).tail_offset);
    must(r.error.body.available_contiguous ==
         (unused < to_end ? unused : to_end));
}

Test(unit, a_write_that_finds_no_space_says_how_much_there_is)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (uint64_t start = 0; start < BLOCKS; start++)
            for (uint64_t entries = 1; entries <= BLOCKS; entries++)
                must_describe_space(mode, start, entries);
}

/* ------------------------------------------------------ found in the ring */

/* Every block is a claim of its own: each has to be removed and passed. */
Test(unit, one_recover_gets_past_as_many_dead_claims_as_there_can_be)
{
    for (uint32_t mode = 0; mode <= ONE_CONSUMER; mode += ONE_CONSUMER) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        struct gate *gate = make_gate();
        IpcBufferRecoverResult r;
        pid_t child;

        move_to_block(b, 3);
        child = fork_child();
        if (child == 0) {
            IpcReservation reservation;

            for (int i = 0; i < BLOCKS; i++)
                must_work(ipc_buffer_reserve(b, 64, &reservation));
            gate_open(gate, 1);
            sleep_for_ever();
        }
        gate_wait(gate, 1);
        kill_child(child);
        r = ipc_buffer_recover(b);
        must_work(r);
        must(r.result == BLOCKS);
        must_be(try_to_read(b), IPC_EMPTY);
        must(stats_of(b).used == 0);
    }
}

/* The producer wrote one block, died before tail followed, and the word is not
 * what it stored. */
static void must_refuse_to_succeed(uint32_t block, uint64_t word)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, ONE_PRODUCER, &region);
    IpcBuffer *heir = attach_to(region);
    IpcBufferWriteResult r;
    uint64_t tail;

    move_to_block(b, block);
    tail = atomic_get_relaxed(&region->tail.position);
    must_work(ipc_buffer_destroy(b));
    word |= (uint64_t)(uint32_t)(tail / BLOCKS) << 32;
    *control_of(region, block) = word;
    for (int i = 0; i < 2; i++) { /* not the first time only */
        r = ipc_buffer_write(heir, "x", 1);
        must_fail(r, IPC_ERR_CORRUPTED);
        must(atomic_get_relaxed(&region->tail.position) == tail);
    }
}

Test(unit, a_new_producer_does_not_follow_words_beyond_the_lap)
{
    for (uint32_t block = 1; block < BLOCKS; block++)
        for (uint32_t more = 1; more <= block; more++) {
            uint32_t blocks = BLOCKS - block + more;

            must_refuse_to_succeed(block,
                                   control_make(0, blocks * 64, CONTROL_READY));
            must_refuse_to_succeed(block, control_make(0, blocks, CONTROL_PAD));
            must_refuse_to_succeed(
                block,
                control_make(0, control_array(64, blocks), CONTROL_ARRAY));
        }
    must_refuse_to_succeed(3, control_make(0, 0, CONTROL_PAD));
    must_refuse_to_succeed(3, control_make(0, 1, CONTROL_BUSY));
}

/* A blocked read does not depend on its being the 512th look. */
Test(unit, a_read_that_would_sleep_before_a_gap_gets_past_it)
{
    struct shm_region *region;
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, 0, &memory);
    IpcEntry entry;

    region = memory;
    must_send(ch, 10, 1);
    must_receive(ch, 10, 1);
    /* As by a producer that died between moving tail and its next store. */
    atomic_add_relaxed(&region->tail.position, 2);
    must_send(ch, 20, 2);
    must_work(ipc_channel_read(ch, &entry));
    must_be_entry(&entry, 20, 2);
}
