/* SPDX-License-Identifier: MIT */
/*
 * Owner slots: whose stay one is in, and what of the last stay is left. Most
 * of it only a process that dies between two stores produces, so the stores
 * are made here.
 */
#include "channels.h"
#include "slots.h"

enum {
    BLOCKS = 8,
    ONE_PRODUCER = 1,
    ONE_CONSUMER = 2,
    RESERVES = 1, /* as in lib/ring/owner.h */
    CONSUMES = 4,
    GENERATIONS = 1 << 14,
    HANDLES_MASK = (1 << 18) - 1,
};

static uint32_t handles_of(struct shm_owner *slot)
{
    return atomic_get_relaxed(&slot->handles) & HANDLES_MASK;
}

static uint64_t generation_of(uint64_t word)
{
    return word >> GENERATION_SHIFT;
}

/* The owner id that this process stores into a word it claims. */
static uint32_t owner_id(struct shm_region *region, IpcBuffer *b)
{
    uint64_t block = stats_of(b).tail_offset / 64 % BLOCKS;
    uint64_t word;
    IpcReservation r;

    must_work(ipc_buffer_reserve(b, 1, &r));
    word = *control_of(region, (uint32_t)block);
    must(control_state(word) == CONTROL_BUSY);
    must_work(ipc_buffer_abort(b, &r));
    return control_value(word);
}

/* A child that has written one entry, and waits. */
static pid_t child_writes(IpcBuffer *b)
{
    struct gate *gate = make_gate();
    pid_t child = fork_child();

    if (child == 0) {
        must_write(b, 10, 1);
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    return child;
}

/* The lowest bit of the namespace. */
static void move_to_another_namespace(struct shm_owner *slot)
{
    uint64_t identity = atomic_get_relaxed(&slot->identity);

    atomic_put_relaxed(&slot->identity, identity ^ 1);
}

/* ----------------------------------------------------------------- stays */

Test(unit, each_stay_in_a_slot_has_an_owner_id_of_its_own)
{
    enum { STAYS = 5 };
    struct shm_region *region = shared_memory(ring_size(BLOCKS, 1));
    IpcBuffer *b = make_ring(region, BLOCKS, 1, 0);
    uint32_t ids[STAYS];

    for (int i = 0; i < STAYS; i++) {
        ids[i] = owner_id(region, b);
        for (int j = 0; j < i; j++)
            must_say(ids[i] != ids[j], "stays %d and %d are owner %u", j, i,
                     ids[i]);
        must_work(ipc_buffer_destroy(b));
        b = attach_to(region);
    }
}

Test(unit, no_stay_in_a_slot_is_owner_0_however_many_there_were)
{
    struct shm_region *region = shared_memory(ring_size(BLOCKS, 1));
    IpcBuffer *b = make_ring(region, BLOCKS, 1, 0);

    for (uint64_t last = GENERATIONS - 3; last < GENERATIONS; last++) {
        atomic_put_relaxed(&region->owners[0].identity,
                           last << GENERATION_SHIFT);
        must(owner_id(region, b) != 0);
        must(generation_of(atomic_get_relaxed(&region->owners[0].identity)) ==
             (last + 1 < GENERATIONS ? last + 1 : 1));
        must_work(ipc_buffer_destroy(b));
        b = attach_to(region);
    }
}

/* It may have died after it took the slot and before it stored when it
 * started: then what stands there is the last owner's. */
Test(unit, the_start_time_of_the_last_stay_says_nothing_about_this_one)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    struct gate *gate = make_gate();
    pid_t child = fork_child();
    struct shm_owner *slot;
    IpcReservation r;
    uint64_t started;

    if (child == 0) {
        must_work(ipc_buffer_reserve(b, 100, &r));
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    slot = slot_of(region, child);
    started = atomic_get_relaxed(&slot->started);
    must(generation_of(started) == 1);
    atomic_put_relaxed(&slot->started,
                       (started ^ (UINT64_C(1) << GENERATION_SHIFT)) - 7);
    must_fail(ipc_buffer_recover(b), IPC_ERR_NOT_READY);
    atomic_put_relaxed(&slot->started, started - 7);
    must(result_of(ipc_buffer_recover(b)) > 0);
    kill_child(child);
}

Test(unit, what_the_last_owner_of_a_slot_did_is_forgotten)
{
    struct shm_region *region = shared_memory(ring_size(BLOCKS, 1));
    IpcBuffer *b = make_ring(region, BLOCKS, 1, ONE_CONSUMER);
    IpcReservation r;

    must_work(ipc_buffer_reserve(b, 10, &r));
    must_work(ipc_buffer_commit(b, &r, 10));
    must(atomic_get_relaxed(&region->owners[0].marks) & RESERVES);
    must_work(ipc_buffer_destroy(b));
    b = attach_to(region);
    must(try_to_read(b) == IPC_OK); /* takes the slot, and only reads */
    must(atomic_get_relaxed(&region->owners[0].marks) == CONSUMES);
}

Test(unit, the_handles_of_a_dead_owner_do_not_count)
{
    struct shm_region *region = shared_memory(ring_size(BLOCKS, 1));
    IpcBuffer *b = make_ring(region, BLOCKS, 1, 0);

    kill_child(child_writes(b));
    must(handles_of(&region->owners[0]) == 1);
    must_write(b, 10, 2);
    must(handles_of(&region->owners[0]) == 1);
    must_work(ipc_buffer_destroy(b));
    must(stats_of(attach_to(region)).owners == 0);
}

/* Another thread's handle was the last one, and is not through yet. */
Test(unit, nobody_joins_a_slot_that_is_being_given_up)
{
    struct shm_region *region;
    IpcBuffer *leaving = new_ring(BLOCKS, 0, &region);
    IpcBuffer *coming = attach_to(region);
    struct shm_owner *slot;

    must_write(leaving, 10, 1);
    slot = slot_of(region, getpid());
    must(handles_of(slot) == 1);
    atomic_put_relaxed(&slot->handles, slot->handles - 1);
    must_write(coming, 10, 2);
    must(handles_of(slot) == 0);
    must(stats_of(coming).owners == 2);
}

Test(unit, handles_of_one_process_are_counted_in_its_slot)
{
    struct shm_region *region;
    IpcBuffer *handles[5] = {new_ring(BLOCKS, 0, &region)};
    struct shm_owner *slot = NULL;

    for (uint32_t i = 0; i < 5; i++) {
        if (i > 0)
            handles[i] = attach_to(region);
        must_write(handles[i], 10, i);
        must_write(handles[i], 10, i); /* counted once */
        must_read(handles[i], 10, i);
        must_read(handles[i], 10, i);
        slot = slot_of(region, getpid());
        must(handles_of(slot) == i + 1);
        must(stats_of(handles[i]).owners == 1);
    }
    for (uint32_t i = 0; i < 5; i++) {
        must(handles_of(slot) == 5 - i);
        must_work(ipc_buffer_destroy(handles[i]));
    }
    must(stats_of(attach_to(region)).owners == 0);
}

Test(unit, slots_are_taken_one_after_the_other)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);

    for (uint32_t i = 0; i < 8; i++) {
        must(atomic_get_relaxed(&region->owners[i].identity) == 0);
        child_writes(b);
        must(atomic_get_relaxed(&region->owners[i].identity) != 0);
        must_read(b, 10, 1);
    }
    must_fail(ipc_buffer_write(b, "x", 1), IPC_ERR_OWNERS_FULL);
}

/* ------------------------------------------------ owners nobody can judge */

Test(unit, the_role_of_an_owner_in_another_namespace_is_taken_by_nobody)
{
    for (uint32_t mode = 1; mode <= 2; mode++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);
        struct gate *gate = make_gate();
        pid_t child = fork_child();
        uint64_t identity;

        if (child == 0) {
            if (mode == ONE_PRODUCER)
                must_write(b, 10, 1);
            else
                must_be(try_to_read(b), IPC_EMPTY);
            gate_open(gate, 1);
            sleep_for_ever();
        }
        gate_wait(gate, 1);
        identity = atomic_get_relaxed(&slot_of(region, child)->identity);
        move_to_another_namespace(slot_of(region, child));
        kill_child(child);
        for (int i = 0; i < 2; i++)
            must_be(mode == ONE_PRODUCER
                        ? ipc_buffer_write(b, "x", 1).ipc_status
                        : try_to_read(b),
                    IPC_ERR_ROLE_TAKEN);
        atomic_put_relaxed(&slot_of(region, child)->identity, identity);
        if (mode == ONE_PRODUCER)
            must_work(ipc_buffer_write(b, "x", 1));
        else
            must_be(try_to_read(b), IPC_EMPTY);
    }
}

Test(unit, the_slot_of_an_owner_in_another_namespace_is_taken_by_nobody)
{
    struct shm_region *region = shared_memory(ring_size(BLOCKS, 1));
    IpcBuffer *b = make_ring(region, BLOCKS, 1, 0);
    pid_t child = child_writes(b);
    struct shm_owner *slot = slot_of(region, child);

    move_to_another_namespace(slot);
    kill_child(child);
    must_fail(ipc_buffer_write(b, "x", 1), IPC_ERR_OWNERS_FULL);
    move_to_another_namespace(slot);
    must_work(ipc_buffer_write(b, "x", 1));
}

Test(unit, producers_in_another_namespace_are_not_reported_dead)
{
    IpcChannelConfiguration configuration = quick;
    void *memory;
    IpcChannel *ch;
    IpcBuffer *b;
    IpcEntry entry;
    pid_t child;
    struct shm_owner *slot;

    configuration.options = IPC_CHANNEL_REPORT_DEAD_PRODUCERS;
    ch = make_channel(BLOCKS, configuration, &memory);
    b = attach_to(memory);
    child = child_writes(b);
    slot = slot_of(memory, child);
    must_receive(ch, 10, 1);
    move_to_another_namespace(slot);
    kill_child(child);
    must_fail(ipc_channel_read(ch, &entry), IPC_ERR_RETRY_LIMIT);
    move_to_another_namespace(slot);
    must_fail(ipc_channel_read(ch, &entry), IPC_ERR_PRODUCERS_DEAD);
}

/* One that lives is enough, wherever in the table it is. */
Test(unit, producers_are_dead_only_when_all_are)
{
    IpcChannelConfiguration configuration = quick;
    void *memory;
    IpcChannel *ch;
    IpcBuffer *b;
    IpcEntry entry;
    pid_t children[3];

    configuration.options = IPC_CHANNEL_REPORT_DEAD_PRODUCERS;
    ch = make_channel(BLOCKS, configuration, &memory);
    b = attach_to(memory);
    must_fail(ipc_channel_read(ch, &entry), IPC_ERR_RETRY_LIMIT);
    for (int i = 0; i < 3; i++) {
        children[i] = child_writes(b);
        must_receive(ch, 10, 1);
    }
    for (int i = 0; i < 3; i++) {
        must_fail(ipc_channel_read(ch, &entry), IPC_ERR_RETRY_LIMIT);
        kill_child(children[(i + 1) % 3]);
    }
    must_fail(ipc_channel_read(ch, &entry), IPC_ERR_PRODUCERS_DEAD);
}

/* What another one's namespace hides, the caller of force vouches for. */
Test(unit, force_passes_on_the_slot_and_the_role_of_who_cannot_be_judged)
{
    for (uint32_t mode = ONE_PRODUCER; mode <= ONE_CONSUMER; mode++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);
        struct gate *gate = make_gate();
        pid_t child = fork_child();

        if (child == 0) {
            if (mode == ONE_PRODUCER)
                must_write(b, 10, 1);
            else
                must_be(try_to_read(b), IPC_EMPTY);
            gate_open(gate, 1);
            sleep_for_ever();
        }
        gate_wait(gate, 1);
        move_to_another_namespace(slot_of(region, child));
        kill_child(child);
        must_work(ipc_buffer_recover(b));
        must(stats_of(b).owners == 1);
        must_work(ipc_buffer_recover_force(b));
        must(stats_of(b).owners == 0);
        if (mode == ONE_PRODUCER)
            must_write(b, 10, 2);
        else
            must_be(try_to_read(b), IPC_EMPTY);
    }
}

Test(unit, force_frees_nothing_of_an_owner_that_lives)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);
    pid_t child = child_writes(b);
    struct shm_owner *slot = slot_of(region, child);

    must_write(b, 10, 2);
    must_work(ipc_buffer_recover_force(b));
    must(stats_of(b).owners == 2);
    /* Nor if it is just registering. */
    atomic_put_relaxed(&slot->started, 0);
    must_work(ipc_buffer_recover_force(b));
    must(stats_of(b).owners == 2);
}

/* It was alive after all. */
Test(unit, who_was_forced_out_gives_nothing_back_that_is_anothers)
{
    struct shm_region *region = shared_memory(ring_size(BLOCKS, 1));
    IpcBuffer *b = make_ring(region, BLOCKS, 1, 0);
    struct gate *gate = make_gate();
    pid_t child = fork_child();
    uint64_t identity;

    if (child == 0) {
        must_write(b, 10, 1);
        gate_open(gate, 1);
        gate_wait(gate, 2);
        must_work(ipc_buffer_destroy(b));
        child_done();
    }
    gate_wait(gate, 1);
    move_to_another_namespace(&region->owners[0]);
    must_work(ipc_buffer_recover_force(b));
    must_write(b, 10, 2);
    identity = atomic_get_relaxed(&region->owners[0].identity);
    must(handles_of(&region->owners[0]) == 1);
    gate_open(gate, 2);
    must_succeed(child);
    must(atomic_get_relaxed(&region->owners[0].identity) == identity);
    must(handles_of(&region->owners[0]) == 1);
}
