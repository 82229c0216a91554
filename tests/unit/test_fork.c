/* SPDX-License-Identifier: MIT */
/*
 * Handles that were inherited over fork().
 */
#include "channels.h"
#include <sys/syscall.h>

enum { BLOCKS = 16, ONE_PRODUCER = 1, ONE_CONSUMER = 2 };

Test(unit, a_child_writes_and_reads_through_an_inherited_handle)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);

    must_write(b, 10, 1);
    must_write(b, 10, 2);
    for (uint64_t i = 0; i < 20; i++) {
        pid_t child = fork_child();

        if (child == 0) {
            must_read(b, 10, i + 1);
            must_write(b, 10, i + 3);
            child_done();
        }
        must_succeed(child);
        must(stats_of(b).entries_written == i + 3);
    }
    must_read(b, 10, 21);
    must_read(b, 10, 22);
    must_be(try_to_read(b), IPC_EMPTY);
}

Test(unit, a_child_has_a_slot_of_its_own)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    struct gate *gate = make_gate();
    pid_t child;

    must_write(b, 10, 1);
    must(stats_of(b).owners == 1);
    child = fork_child();
    if (child == 0) {
        must_write(b, 10, 2);
        gate_open(gate, 1);
        gate_wait(gate, 2);
        must_work(ipc_buffer_destroy(b));
        child_done();
    }
    gate_wait(gate, 1);
    must(stats_of(b).owners == 2);
    gate_open(gate, 2);
    must_succeed(child);
    must(stats_of(b).owners == 1);
    must_write(b, 10, 3);
}

Test(unit, a_handle_inherited_before_its_first_use_works_on_both_sides)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        pid_t child = fork_child();

        if (child == 0) {
            must_write(b, 10, 1);
            must_work(ipc_buffer_destroy(b));
            child_done();
        }
        must_succeed(child);
        must_read(b, 10, 1);
        must_write(b, 10, 2);
        must_read(b, 10, 2);
    }
}

Test(unit, a_child_of_a_child_is_a_process_of_its_own_too)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    pid_t child;

    must_write(b, 10, 1);
    child = fork_child();
    if (child == 0) {
        must_write(b, 10, 2);
        child = fork_child();
        if (child == 0) {
            must_write(b, 10, 3);
            must(stats_of(b).owners == 3);
            child_done();
        }
        must_succeed(child);
        child_done();
    }
    must_succeed(child);
    for (uint64_t i = 1; i <= 3; i++)
        must_read(b, 10, i);
}

/* Children made behind the C library's back run no fork handlers. */
Test(unit, a_child_made_by_a_bare_clone_is_recognized)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    IpcReservation r;
    pid_t child;

    must_work(ipc_buffer_reserve(b, 64, &r));
#ifdef __s390x__ /* has the flags behind the stack */
    child = (pid_t)syscall(SYS_clone, NULL, SIGCHLD, NULL, NULL, NULL);
#else
    child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
#endif
    if (child == 0) {
        in_child = true;
        must_fail(ipc_buffer_commit(b, &r, 64), IPC_ERR_ILLEGAL_STATE);
        must_write(b, 10, 2);
        must(stats_of(b).owners == 2);
        kill(getpid(), SIGKILL); /* musl's raise() asks the parent's thread */
    }
    must(child > 0);
    must(waitpid(child, NULL, 0) == child);
    must_fail(ipc_buffer_recover(b), IPC_ERR_NOT_READY); /* ours, alive */
    fill(r.payload, 64, 1);
    must_work(ipc_buffer_commit(b, &r, 64));
    must_read(b, 64, 1);
    must_read(b, 10, 2);
}

Test(unit, a_reservation_is_not_inherited)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        IpcReservation r;
        pid_t child;

        must_work(ipc_buffer_reserve(b, 100, &r));
        child = fork_child();
        if (child == 0) {
            const IpcStatus illegal = IPC_ERR_ILLEGAL_STATE;

            must_fail(ipc_buffer_commit(b, &r, 100), illegal);
            must_fail(ipc_buffer_abort(b, &r), illegal);
            if (mode & ONE_PRODUCER)
                must_fail(ipc_buffer_write(b, "x", 1), IPC_ERR_ROLE_TAKEN);
            else
                must_write(b, 10, 2);
            /* Nor after the child has become a producer itself. */
            must_fail(ipc_buffer_commit(b, &r, 100), illegal);
            must_fail(ipc_buffer_abort(b, &r), illegal);
            must_work(ipc_buffer_destroy(b));
            child_done();
        }
        must_succeed(child);
        fill(r.payload, 100, 1);
        must_work(ipc_buffer_commit(b, &r, 100));
        must_read(b, 100, 1);
        if (!(mode & ONE_PRODUCER))
            must_read(b, 10, 2);
        must_be(try_to_read(b), IPC_EMPTY);
    }
}

Test(unit, a_child_killed_between_reserve_and_commit_leaves_the_parent_whole)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    IpcReservation ours;

    for (uint64_t i = 0; i < 20; i++) {
        pid_t child;

        must_work(ipc_buffer_reserve(b, 100, &ours));
        child = fork_child();
        if (child == 0) {
            IpcReservation r;

            must_work(ipc_buffer_reserve(b, 100, &r));
            memset(r.payload, 0xee, 100);
            raise(SIGKILL);
        }
        must(waitpid(child, NULL, 0) == child);
        must_write(b, 20, i);
        fill(ours.payload, 100, i);
        must_work(ipc_buffer_commit(b, &ours, 100));
        must_read(b, 100, i);
        must_work(ipc_buffer_recover(b));
        must_read(b, 20, i);
        must_be(try_to_read(b), IPC_EMPTY);
        must(stats_of(b).used == 0);
    }
}

Test(unit, a_child_that_destroys_an_inherited_handle_harms_nobody)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);
        IpcBuffer *second = attach_to(region);
        IpcReservation r;
        pid_t child;

        must_write(b, 10, 1);
        must_read(b, 10, 1);
        must_work(ipc_buffer_reserve(b, 64, &r));
        child = fork_child();
        if (child == 0) {
            /* Once without having used it, once after a try. */
            must_work(ipc_buffer_destroy(second));
            IPC_IGNORE(ipc_buffer_write(b, "x", 1));
            try_to_read(b);
            must_work(ipc_buffer_destroy(b));
            child_done();
        }
        must_succeed(child);
        fill(r.payload, 64, 2);
        must_work(ipc_buffer_commit(b, &r, 64));
        must_write(b, 30, 3);
        must(stats_of(b).owners == 1);
        if (mode & ONE_PRODUCER)
            must_fail(ipc_buffer_write(second, "x", 1), IPC_ERR_ROLE_TAKEN);
        if (mode & ONE_CONSUMER)
            must_be(try_to_read(second), IPC_ERR_ROLE_TAKEN);
        must_read(b, 64, 2);
        if (!(mode & ONE_PRODUCER))
            must_work(ipc_buffer_skip_force(b)); /* the child's "x" */
        must_read(b, 30, 3);
        must_be(try_to_read(b), IPC_EMPTY);
    }
}

Test(unit, a_child_is_refused_the_role_that_its_parent_has)
{
    for (uint32_t mode = 1; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        pid_t child;

        must_write(b, 10, 1);
        must_read(b, 10, 1);
        must_write(b, 10, 2);
        child = fork_child();
        if (child == 0) {
            if (mode & ONE_PRODUCER)
                must_fail(ipc_buffer_write(b, "x", 1), IPC_ERR_ROLE_TAKEN);
            if (mode & ONE_CONSUMER)
                must_be(try_to_read(b), IPC_ERR_ROLE_TAKEN);
            child_done();
        }
        must_succeed(child);
        must_write(b, 10, 3);
        must_read(b, 10, 2);
        must_read(b, 10, 3);
    }
}

Test(unit, the_role_of_a_dead_parent_passes_on_to_its_child)
{
    for (uint32_t mode = 1; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        struct gate *gate = make_gate();
        struct gate *born = make_gate();
        pid_t parent = fork_child();

        if (parent == 0) {
            must_write(b, 10, 1);
            must_write(b, 10, 2);
            must_read(b, 10, 1);
            if (fork() == 0) {
                prctl(PR_SET_PDEATHSIG, 0);
                gate_open(born, 1);
                gate_wait(gate, 1);
                must_write(b, 10, 3);
                must_read(b, 10, 2);
                must_read(b, 10, 3);
                must_work(ipc_buffer_destroy(b));
                gate_open(gate, 2);
                child_done();
            }
            sleep_for_ever();
        }
        gate_wait(born, 1);
        kill_child(parent);
        gate_open(gate, 1);
        gate_wait(gate, 2);
        must_write(b, 10, 4);
        must_read(b, 10, 4);
    }
}

Test(unit, an_inherited_channel_carries_messages_both_ways)
{
    for (uint32_t wait = 0; wait <= IPC_WAIT_SLEEP; wait++) {
        IpcChannel *to = new_channel_waiting(BLOCKS, wait, NULL);
        IpcChannel *from = new_channel_waiting(BLOCKS, wait, NULL);
        pid_t child;
        IpcEntry entry;

        must_send(from, 10, 0); /* used before the fork */
        must_receive(from, 10, 0);
        child = fork_child();
        if (child == 0) {
            for (uint64_t i = 0; i < 200; i++) {
                must_work(ipc_channel_read_with_timeout(to, &entry, NULL));
                must_be_entry(&entry, (size_t)(i % 100 + 1), i);
                must_send(from, (size_t)(i % 90 + 1), i);
            }
            child_done();
        }
        for (uint64_t i = 0; i < 200; i++) {
            must_send(to, (size_t)(i % 100 + 1), i);
            must_work(ipc_channel_read_with_timeout(from, &entry, NULL));
            must_be_entry(&entry, (size_t)(i % 90 + 1), i);
        }
        must_succeed(child);
        must_work(ipc_channel_destroy(to));
        must_work(ipc_channel_destroy(from));
    }
}
