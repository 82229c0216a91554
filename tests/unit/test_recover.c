/* SPDX-License-Identifier: MIT */
/*
 * What dead, stopped and unknown producers leave, and how one gets past it.
 */
#include "slots.h"

enum { BLOCKS = 16, ONE_CONSUMER = 2 };

/* A child that holds a reservation of `size` bytes, and waits. */
static pid_t child_reserves(IpcBuffer *b, size_t size)
{
    struct gate *gate = make_gate();
    pid_t child = fork_child();

    if (child == 0) {
        IpcReservation r;

        must_work(ipc_buffer_reserve(b, size, &r));
        memset(r.payload, 0xee, size);
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    return child;
}

static uint64_t must_recover(IpcBuffer *b)
{
    IpcBufferRecoverResult r = ipc_buffer_recover(b);

    must_work(r);
    return r.result;
}

Test(unit, a_killed_producer_is_got_past_and_nothing_committed_is_lost)
{
    for (uint32_t mode = 0; mode <= ONE_CONSUMER; mode += ONE_CONSUMER)
        for (size_t size = 1; size <= 640; size += 71) {
            IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
            pid_t child;

            must_write(b, 10, 1);
            child = child_reserves(b, size);
            must_write(b, 70, 2);
            must_read(b, 10, 1);
            must_be(try_to_read(b), IPC_ERR_NOT_READY);
            must_fail(ipc_buffer_recover(b), IPC_ERR_NOT_READY);
            kill_child(child);
            must_be(try_to_read(b), IPC_ERR_NOT_READY);
            must(must_recover(b) > 0);
            must_read(b, 70, 2);
            must_be(try_to_read(b), IPC_EMPTY);
            must(stats_of(b).used == 0);
            must(must_recover(b) == 0);
        }
}

Test(unit, what_a_producer_committed_before_it_was_killed_is_read)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    struct gate *gate = make_gate();
    pid_t child = fork_child();

    if (child == 0) {
        IpcReservation r;

        for (uint64_t i = 0; i < 5; i++)
            must_write(b, 64, i);
        must_work(ipc_buffer_reserve(b, 100, &r));
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    kill_child(child);
    must(must_recover(b) == 0); /* an entry is at the head */
    for (uint64_t i = 0; i < 5; i++)
        must_read(b, 64, i);
    must(must_recover(b) > 0);
    must_be(try_to_read(b), IPC_EMPTY);
    must(stats_of(b).entries_written == 5 && stats_of(b).used == 0);
}

Test(unit, recover_of_a_sound_buffer_changes_nothing)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);
        unsigned char copy[8192];
        size_t size = ring_size(BLOCKS, 8);

        must(size <= sizeof copy);
        must_write(b, 10, 1);
        must_read(b, 10, 1);
        for (int i = 0; i < 2; i++) {
            memcpy(copy, region, size);
            must(must_recover(b) == 0);
            must(result_of(ipc_buffer_recover_force(b)) == 0);
            must(memcmp(copy, region, size) == 0);
            must_write(b, 20, 2);
        }
    }
}

Test(unit, a_zombie_is_dead)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    pid_t child = child_reserves(b, 100);

    make_zombie(child);
    must(must_recover(b) > 0);
    must_be(try_to_read(b), IPC_EMPTY);
    must(waitpid(child, NULL, 0) == child);
}

Test(unit, skip_force_gets_past_the_claim_of_a_dead_producer)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    pid_t child = child_reserves(b, 64);
    IpcBufferSkipForceResult r;

    must_write(b, 10, 1);
    must_fail(ipc_buffer_skip_force(b), IPC_ERR_LOCKED);
    kill_child(child);
    r = ipc_buffer_skip_force(b);
    must_work(r);
    must(r.result == 0);
    must_read(b, 10, 1);
}

Test(unit, a_stopped_producer_is_alive_and_goes_on_unharmed)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    struct gate *gate = make_gate();
    pid_t child = fork_child();
    IpcBufferRecoverResult r;

    if (child == 0) {
        IpcReservation reservation;

        must_work(ipc_buffer_reserve(b, 100, &reservation));
        fill(reservation.payload, 60, 1);
        gate_open(gate, 1);
        raise(SIGSTOP);
        fill(reservation.payload, 100, 1);
        must_work(ipc_buffer_commit(b, &reservation, 100));
        must_write(b, 30, 2);
        child_done();
    }
    gate_wait(gate, 1);
    must(waitpid(child, NULL, WUNTRACED) == child);
    must_fail(ipc_buffer_skip_force(b), IPC_ERR_LOCKED);
    r = ipc_buffer_recover(b);
    must_fail(r, IPC_ERR_NOT_READY);
    must(IpcBufferRecoverResult_is_error_has_body(r.error));
    must(r.error.body.offset == 0);
    must_fail(ipc_buffer_recover_force(b), IPC_ERR_NOT_READY);
    must_fail(ipc_buffer_skip(b, 0), IPC_ERR_NOT_READY);
    must_write(b, 20, 3);
    must(kill(child, SIGCONT) == 0);
    must_succeed(child);
    must_read(b, 100, 1);
    must_read(b, 20, 3);
    must_read(b, 30, 2);
}

/* ------------------------------------------- what only poking can produce */

Test(unit, a_pid_that_was_given_to_another_process_does_not_keep_a_claim)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    pid_t child = child_reserves(b, 100);
    struct shm_owner *slot = slot_of(region, child);

    must_fail(ipc_buffer_recover(b), IPC_ERR_NOT_READY);
    /* The owner started a little earlier than who has its pid now. */
    atomic_add_relaxed(&slot->started, UINT64_MAX);
    must(must_recover(b) > 0);
    must_be(try_to_read(b), IPC_EMPTY);
    kill_child(child);
}

Test(unit, a_process_of_another_pid_namespace_needs_force)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    pid_t child = child_reserves(b, 100);
    struct shm_owner *slot = slot_of(region, child);
    IpcBufferRecoverResult r;
    uint64_t identity;

    identity = atomic_get_relaxed(&slot->identity);
    /* The lowest bit of the namespace. */
    atomic_put_relaxed(&slot->identity, identity ^ 1);
    kill_child(child);
    must_write(b, 10, 1);
    must_fail(ipc_buffer_recover(b), IPC_ERR_NOT_READY);
    must_fail(ipc_buffer_skip_force(b), IPC_ERR_LOCKED);
    must_be(try_to_read(b), IPC_ERR_NOT_READY);
    r = ipc_buffer_recover_force(b);
    must_work(r);
    must(r.result > 0);
    must_read(b, 10, 1);
    must_be(try_to_read(b), IPC_EMPTY);
}

Test(unit, an_owner_that_cannot_exist_is_dead)
{
    const uint32_t owners[] = {0, 8, 0x3fff, CONTROL_VALUE_MAX, 1U << 14 | 7};

    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, 0, &region);
        IpcReservation r;
        uint64_t *word = control_of(region, 0);

        must_work(ipc_buffer_reserve(b, 10, &r));
        must_write(b, 20, 1);
        *word = control_make(control_tag(*word), owners[i], CONTROL_BUSY);
        must(stats_of(b).head_owner_pid == 0);
        must(must_recover(b) > 0);
        must_read(b, 20, 1);
        must_fail(ipc_buffer_commit(b, &r, 10), IPC_ERR_ILLEGAL_STATE);
    }
}

/* A producer that died between moving tail and saying whose the block is. */
static void make_gap(struct shm_region *region, uint32_t blocks)
{
    atomic_add_relaxed(&region->tail.position, blocks);
}

Test(unit, recover_gets_past_space_that_nobody_says_he_claimed)
{
    for (uint32_t mode = 0; mode <= ONE_CONSUMER; mode += ONE_CONSUMER)
        for (uint32_t gap = 1; gap < BLOCKS; gap++) {
            struct shm_region *region;
            IpcBuffer *b = new_ring(BLOCKS, mode, &region);

            make_gap(region, gap);
            must(stats_of(b).head_state == IPC_BUFFER_HEAD_CLAIMED);
            must(stats_of(b).used == gap * 64);
            must_write(b, 64, 1);
            must(must_recover(b) == 1); /* one claim, as far as is known */
            must(must_read(b, 64, 1) == gap * 64);
            must_be(try_to_read(b), IPC_EMPTY);
            must(stats_of(b).used == 0);
        }
}

Test(unit, skip_force_gets_past_a_whole_gap)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    IpcBufferSkipForceResult r;

    make_gap(region, 3);
    must_write(b, 64, 1);
    r = ipc_buffer_skip_force(b);
    must_work(r);
    must(r.result == 0);
    must(must_read(b, 64, 1) == 192);
}

Test(unit, reads_alone_get_past_a_gap_in_time)
{
    for (uint32_t mode = 0; mode <= ONE_CONSUMER; mode += ONE_CONSUMER) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);
        IpcStatus status = IPC_EMPTY;

        make_gap(region, 5);
        must_write(b, 64, 1);
        for (int i = 0; i < 10000 && status != IPC_OK; i++) {
            IpcEntry entry;

            status = ipc_buffer_peek(b, &entry).ipc_status;
            must(status == IPC_OK || status == IPC_EMPTY ||
                 status == IPC_ERR_NOT_READY);
        }
        must_be(status, IPC_OK);
        must_read(b, 64, 1);
    }
}

/* Whoever claimed it may just be about to say so. */
Test(unit, the_first_look_at_a_gap_leaves_it_as_it_is)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    IpcStatus status = IPC_EMPTY;
    IpcEntry entry;

    make_gap(region, 1);
    for (int i = 0; i < 10000 && status == IPC_EMPTY; i++)
        status = ipc_buffer_peek(b, &entry).ipc_status;
    must_be(status, IPC_ERR_NOT_READY);
    must(must_recover(b) == 1);
}

/* ----------------------------------------------------- one-consumer mode */

/* "In one-consumer mode the consumer's next read completes the repair." */
Test(unit, the_one_consumer_reads_on_after_somebody_else_recovered)
{
    for (size_t size = 64; size <= 192; size += 64) {
        struct shm_region *region;
        IpcBuffer *consumer = new_ring(BLOCKS, ONE_CONSUMER, &region);
        IpcBuffer *other;
        pid_t child;

        must_be(try_to_read(consumer), IPC_EMPTY); /* takes the role */
        child = child_reserves(consumer, size);
        other = attach_to(region);
        must_write(other, 40, 1);
        kill_child(child);
        must(must_recover(other) > 0);
        must_fail(ipc_buffer_skip_force(other), IPC_ERR_ROLE_TAKEN);
        must_read(consumer, 40, 1);
    }
}

/* ----------------------------------------------------------- owner slots */

Test(unit, a_full_owner_table_is_refused_and_nothing_changes)
{
    enum { N = 4 };
    void *memory = shared_memory(ring_size(N, 1));
    IpcBuffer *b = make_ring(memory, N, 1, 0);
    struct gate *gate = make_gate();
    struct iovec piece = {memory, 1};
    unsigned char copy[4096];
    IpcBufferWriteResult w;
    IpcReservation r;
    pid_t child = fork_child();

    if (child == 0) {
        must_write(b, 10, 1);
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    memcpy(copy, memory, ring_size(N, 1));
    memset(&r, 0x5a, sizeof r);
    w = ipc_buffer_write(b, "x", 1);
    must_fail(w, IPC_ERR_OWNERS_FULL);
    must(IpcBufferWriteResult_is_error_has_body(w.error));
    must_fail(ipc_buffer_writev(b, &piece, 1), IPC_ERR_OWNERS_FULL);
    must_fail(ipc_buffer_reserve(b, 1, &r), IPC_ERR_OWNERS_FULL);
    must(is_all(&r, sizeof r, 0x5a));
    must(memcmp(copy, memory, ring_size(N, 1)) == 0);
    must_read(b, 10, 1); /* reading needs no slot */
    must_fail(ipc_buffer_write(b, "x", 1), IPC_ERR_OWNERS_FULL);
    kill_child(child);
    must_write(b, 20, 2);
    must_read(b, 20, 2);
    must(stats_of(b).owners == 1 && stats_of(b).max_owners == 1);
}

Test(unit, a_slot_is_free_when_the_last_handle_of_its_process_goes)
{
    enum { N = 4 };
    void *memory = shared_memory(ring_size(N, 1));
    IpcBuffer *b = make_ring(memory, N, 1, 0);
    IpcBuffer *second = attach_to(memory);
    struct gate *gate = make_gate();
    pid_t child;

    must_write(b, 10, 1);
    must_write(second, 10, 2); /* shares the slot of the process */
    must(stats_of(b).owners == 1);
    child = fork_child();
    if (child == 0) {
        IpcBuffer *mine = attach_to(memory);

        must_fail(ipc_buffer_write(mine, "x", 1), IPC_ERR_OWNERS_FULL);
        gate_open(gate, 1);
        gate_wait(gate, 2);
        must_fail(ipc_buffer_write(mine, "x", 1), IPC_ERR_OWNERS_FULL);
        gate_open(gate, 3);
        gate_wait(gate, 4);
        must_write(mine, 10, 3);
        child_done();
    }
    gate_wait(gate, 1);
    must_work(ipc_buffer_destroy(b));
    gate_open(gate, 2);
    gate_wait(gate, 3);
    must_work(ipc_buffer_destroy(second));
    gate_open(gate, 4);
    must_succeed(child);
    b = attach_to(memory);
    for (uint64_t i = 1; i <= 3; i++)
        must_read(b, 10, i);
}

Test(unit, more_processes_than_slots_may_come_and_die_one_after_the_other)
{
    void *memory = shared_memory(ring_size(BLOCKS, 2));
    IpcBuffer *b = make_ring(memory, BLOCKS, 2, 0);

    for (uint64_t i = 0; i < 60; i++) {
        pid_t child = fork_child();

        if (child == 0) {
            must_write(b, 33, i);
            if (i % 3 == 0)
                must_work(ipc_buffer_destroy(b));
            raise(i % 3 == 1 ? SIGKILL : SIGCONT);
            child_done();
        }
        must(waitpid(child, NULL, 0) == child);
        must_read(b, 33, i);
    }
    must(stats_of(b).owners <= 2);
    must(stats_of(b).entries_written == 60);
}

/* ------------------------------------------------------------ at random */

__attribute__((noreturn)) static void write_numbers(IpcBuffer *b,
                                                    uint32_t round)
{
    for (uint32_t i = 0;; i++) {
        uint32_t numbers[30] = {round, i};
        size_t size = 8 + (size_t)i % 28 * 4;

        while (ipc_buffer_write(b, numbers, size).ipc_status != IPC_OK)
            continue;
    }
}

/* Children write numbers and are killed at any moment. Of each child a prefix
 * of its numbers arrives, once and in order. */
Test(unit, producers_killed_at_any_moment_lose_and_repeat_nothing)
{
    enum { ROUNDS = 60 };

    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        uint64_t total = 0;

        for (uint32_t round = 0; round < ROUNDS; round++) {
            uint64_t expected = 0;
            pid_t child = fork_child();
            int64_t end = now_ns() + 2 * MILLISECOND;
            bool dead = false;

            if (child == 0)
                write_numbers(b, round);
            for (;;) {
                uint32_t numbers[30];
                IpcEntry entry = {.payload = numbers, .size = sizeof numbers};
                IpcStatus status = ipc_buffer_read(b, &entry).ipc_status;

                if (status == IPC_OK) {
                    must(numbers[0] == round && numbers[1] == expected);
                    must(entry.size == 8 + expected % 28 * 4);
                    expected++;
                } else if (dead && must_recover(b) == 0) {
                    break;
                }
                if (!dead && now_ns() > end) {
                    kill_child(child);
                    dead = true;
                }
            }
            total += expected;
            must_be(try_to_read(b), IPC_EMPTY);
            must(stats_of(b).used == 0);
        }
        must(total > 0);
    }
}
