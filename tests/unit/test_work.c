/* SPDX-License-Identifier: MIT */
/*
 * A work queue: many read ahead, each entry is acknowledged by itself, and what
 * the dead held is given to others.
 */
#include "ahead.h"
#include "channels.h"
#include "ring/hold.h"

enum { BLOCKS = 16, FLAG = IPC_BUFFER_ACKNOWLEDGE };

static void must_acknowledge(IpcBuffer *b, uint64_t offset)
{
    must(result_of(ipc_buffer_acknowledge(b, offset)) == 1);
}

static void must_give_back(IpcBuffer *b, uint64_t offset)
{
    must(result_of(ipc_buffer_give_back(b, offset)) == 1);
}

static IpcBuffer *queue(uint32_t flags, void **memory)
{
    struct shm_region *region;
    size_t size = ring_size(BLOCKS, 8) + up_to_line(BLOCKS * sizeof(uint64_t));
    IpcBufferOptions options = {
        .struct_size = sizeof options, .flags = FLAG | flags, .max_owners = 8};

    region = shared_memory(size);
    if (memory)
        *memory = region;
    return result_of(ipc_buffer_create_with_options(region, size, &options));
}

Test(unit, each_entry_is_held_by_one_handle_and_acknowledged_in_any_order)
{
    for (uint32_t mode = 0; mode < 2; mode++) {
        void *memory;
        IpcBuffer *a = queue(mode, &memory), *b = attach_to(memory);
        uint64_t offsets[BLOCKS];

        must(stats_of(a).flags == (FLAG | mode));
        must(stats_of(a).capacity == BLOCKS * 64);
        for (uint64_t i = 0; i < BLOCKS; i++)
            must_write(a, 40, i);
        for (uint64_t i = 0; i < BLOCKS; i++) {
            offsets[i] = must_read_ahead(i % 3 ? a : b, 40, i, false);
            must(offsets[i] == i * 64);
            must(stats_of(a).unacknowledged == (i + 1) * 64);
        }
        must_be(try_to_read_ahead(a), IPC_EMPTY);
        must_fail(ipc_buffer_write(a, "x", 1), IPC_ERR_NO_SPACE_CONTIGUOUS);
        for (uint64_t i = BLOCKS - 1; i > 0; i--) {
            must_acknowledge(i % 2 ? a : b, offsets[i]);
            must(stats_of(a).head_offset == 0);
        }
        must_fail(ipc_buffer_write(a, "x", 1), IPC_ERR_NO_SPACE_CONTIGUOUS);
        must_acknowledge(a, 0);
        must(stats_of(a).head_offset == BLOCKS * 64);
        must(stats_of(a).used == 0);
        must_write(a, BLOCKS * 64, 1);
        must_acknowledge(b, must_read_ahead(b, BLOCKS * 64, 1, false));
        must(stats_of(a).used == 0);
    }
}

Test(unit, what_is_not_held_is_neither_acknowledged_nor_given_back)
{
    IpcBuffer *b = queue(0, NULL);
    IpcBufferAcknowledgeResult r;
    uint64_t offset;

    must_fail(ipc_buffer_acknowledge(b, 0), IPC_ERR_OFFSET_MISMATCH);
    must_write(b, 100, 0);
    must_write(b, 100, 1);
    must_fail(ipc_buffer_acknowledge(b, 0), IPC_ERR_OFFSET_MISMATCH);
    offset = must_read_ahead(b, 100, 0, false);
    for (uint64_t i = 0; i < 5000; i += 8) {
        if (i == offset)
            continue;
        r = ipc_buffer_acknowledge(b, i);
        must_fail(r, IPC_ERR_OFFSET_MISMATCH);
        must(r.error.body.offset == 0);
        must_fail(ipc_buffer_give_back(b, i), IPC_ERR_OFFSET_MISMATCH);
    }
    must_fail(ipc_buffer_acknowledge(b, 3), IPC_ERR_INVALID_ARGUMENT);
    must_acknowledge(b, offset);
    must_fail(ipc_buffer_acknowledge(b, offset), IPC_ERR_OFFSET_MISMATCH);
    must_fail(ipc_buffer_give_back(b, offset), IPC_ERR_OFFSET_MISMATCH);
    offset = must_read_ahead(b, 100, 1, false);
    must_give_back(b, offset);
    must_fail(ipc_buffer_acknowledge(b, offset), IPC_ERR_OFFSET_MISMATCH);
    must_fail(ipc_buffer_give_back(b, offset), IPC_ERR_OFFSET_MISMATCH);
    must_acknowledge(b, must_read_ahead(b, 100, 1, true));
}

Test(unit, other_reads_of_a_work_queue_are_refused)
{
    IpcBuffer *b = queue(0, NULL);
    unsigned char data[256];
    IpcEntry entry = {.payload = data, .size = sizeof data};

    must_write(b, 40, 0);
    must_write(b, 40, 1);
    for (int i = 0; i < 2; i++) {
        must_fail(ipc_buffer_read(b, &entry), IPC_ERR_ILLEGAL_STATE);
        must_fail(ipc_buffer_read_batch(b, &entry, 1, data, sizeof data),
                  IPC_ERR_ILLEGAL_STATE);
        must_fail(ipc_buffer_read_array(b, data, 40, 1), IPC_ERR_ILLEGAL_STATE);
        must_fail(ipc_buffer_skip(b, 0), IPC_ERR_ILLEGAL_STATE);
        must_work(ipc_buffer_peek(b, &entry));
        must(entry.offset == (uint64_t)i * 64);
        must_read_ahead(b, 40, (uint64_t)i, false);
        entry = (IpcEntry){.payload = data, .size = sizeof data};
    }
    must_be(ipc_buffer_peek(b, &entry).ipc_status, IPC_EMPTY);
}

Test(unit, what_is_given_back_comes_again_before_the_queue_is_empty)
{
    void *memory;
    IpcBuffer *a = queue(0, &memory), *b = attach_to(memory);
    uint64_t first;

    must_write(a, 40, 0);
    first = must_read_ahead(a, 40, 0, false);
    for (uint64_t i = 1; i < 5; i++)
        must_write(a, 40, i);
    for (uint64_t i = 1; i < 5; i++)
        must_acknowledge(b, must_read_ahead(b, 40, i, false));
    must_be(try_to_read_ahead(b), IPC_EMPTY);
    must_give_back(a, first);
    must_acknowledge(b, must_read_ahead(b, 40, 0, true));
    must(stats_of(a).used == 0);
}

Test(unit,
     what_is_given_back_comes_again_though_there_is_always_something_newer)
{
    enum { MANY = 400 };
    size_t size = ring_size(MANY, 8) + up_to_line(MANY * sizeof(uint64_t));
    IpcBufferOptions options = {
        .struct_size = sizeof options, .flags = FLAG, .max_owners = 8};
    IpcBuffer *b = result_of(
        ipc_buffer_create_with_options(shared_memory(size), size, &options));
    bool found = false;

    must_write(b, 40, 0);
    must_read_ahead(b, 40, 0, false);
    for (int i = 0; i < MANY - 1 && !found; i++) {
        IpcBufferReadAheadResult r;
        IpcEntry entry;

        must_write(b, 40, 1);
        r = ipc_buffer_read_ahead(b, &entry);
        must_work(r);
        found = r.result;
        must(found == (entry.offset == 0));
        must_acknowledge(b, entry.offset);
        if (i == 3)
            must_give_back(b, 0);
    }
    must_say(found, "it does not come again before the ring is full");
}

Test(unit, arrays_are_written_to_a_work_queue_entry_by_entry)
{
    IpcBuffer *b = queue(0, NULL);
    unsigned char data[8 * 5];

    for (uint64_t i = 0; i < 5; i++)
        fill(data + 8 * i, 8, i);
    must(result_of(ipc_buffer_write_array(b, data, 8, 5)) == 5);
    for (uint64_t i = 0; i < 5; i++)
        must(must_read_ahead(b, 8, i, false) == i * 64);
    for (uint64_t i = 0; i < 5; i++)
        must_acknowledge(b, i * 64);
    must(stats_of(b).used == 0);
}

/* The child holds `read` entries of four and acknowledges the `done`-th. */
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
    if (done < read)
        must_acknowledge(b, done * 64);
    gate_open(gate, 1);
    sleep_for_ever();
}

Test(unit, what_a_killed_worker_held_is_read_again_and_no_more)
{
    for (uint64_t read = 0; read < 5; read++)
        for (uint64_t done = 0; done <= read; done++) {
            struct gate *gate = make_gate();
            void *memory;
            IpcBuffer *b = queue(0, &memory);
            uint64_t held = read - (done < read);
            pid_t pid;

            for (uint64_t i = 0; i < 4; i++)
                must_write(b, 40, i);
            pid = worker(memory, read < 4 ? read : 4, done, gate);
            if (read == 4)
                held = done < 4 ? 3 : 4;
            gate_wait(gate, 1);
            must(stats_of(b).unacknowledged == held * 64);
            must(result_of(ipc_buffer_recover(b)) == 0);
            for (uint64_t i = read; i < 4; i++)
                must(must_read_ahead(b, 40, i, false) == i * 64);
            must_be(try_to_read_ahead(b), IPC_EMPTY);
            kill_child(pid);
            must(result_of(ipc_buffer_recover(b)) == held);
            for (uint64_t i = 0; i < read && i < 4; i++)
                if (i != done || done >= read)
                    must(must_read_ahead(b, 40, i, true) == i * 64);
            must_be(try_to_read_ahead(b), IPC_EMPTY);
            for (uint64_t i = 0; i < 4; i++)
                if (i != done || done >= read)
                    must_acknowledge(b, i * 64);
            must(stats_of(b).used == 0);
        }
}

Test(unit, what_a_destroyed_handle_held_is_read_again)
{
    struct gate *gate = make_gate();
    void *memory;
    IpcBuffer *b = queue(0, &memory), *a;
    pid_t pid;

    must_write(b, 40, 0);
    must_write(b, 40, 1);
    must_write(b, 40, 2);
    pid = fork_child();
    if (pid == 0) {
        a = attach_to(memory);
        must_read_ahead(a, 40, 0, false);
        must_read_ahead(a, 40, 1, false);
        must_acknowledge(a, 0);
        gate_open(gate, 1);
        gate_wait(gate, 2);
        must_work(ipc_buffer_destroy(a));
        child_done();
    }
    gate_wait(gate, 1);
    must_read_ahead(b, 40, 2, false);
    gate_open(gate, 2);
    must_succeed(pid);
    /* Not what others hold. */
    must(stats_of(b).unacknowledged == 64);
    must_acknowledge(b, must_read_ahead(b, 40, 1, true));
    must_acknowledge(b, 128);
    must(stats_of(b).used == 0);
}

Test(unit, a_child_holds_nothing_of_its_parents)
{
    IpcBuffer *b = queue(0, NULL);
    uint64_t offset;
    pid_t pid;

    must_write(b, 40, 0);
    offset = must_read_ahead(b, 40, 0, false);
    pid = fork_child();
    if (pid == 0) {
        must_fail(ipc_buffer_acknowledge(b, offset), IPC_ERR_OFFSET_MISMATCH);
        must_fail(ipc_buffer_give_back(b, offset), IPC_ERR_OFFSET_MISMATCH);
        must_be(try_to_read_ahead(b), IPC_EMPTY);
        must_fail(ipc_buffer_acknowledge(b, offset), IPC_ERR_OFFSET_MISMATCH);
        child_done();
    }
    must_succeed(pid);
    must_acknowledge(b, offset);
}

Test(unit, a_closed_work_queue_is_done_when_others_hold_nothing_either)
{
    struct gate *gate = make_gate();
    void *memory;
    IpcBuffer *b = queue(0, &memory);
    IpcChannel *ch =
        result_of(ipc_channel_connect(memory, (IpcChannelConfiguration){0}));
    pid_t pid;

    must_write(b, 40, 0);
    must_write(b, 40, 1);
    must_write(b, 40, 2);
    pid = worker(memory, 2, 0, gate);
    gate_wait(gate, 1);
    must_work(ipc_channel_close(ch));
    must_read_ahead(b, 40, 2, false);
    must_be(try_to_read_ahead(b), IPC_EMPTY);
    kill_child(pid);
    must(result_of(ipc_buffer_recover(b)) == 1);
    must_read_ahead(b, 40, 1, true);
    must_be(try_to_read_ahead(b), IPC_ERR_CLOSED);
    must_acknowledge(b, 128);
    must_be(try_to_read_ahead(b), IPC_ERR_CLOSED);
    must_give_back(b, 64);
    must_read_ahead(b, 40, 1, true);
    must_acknowledge(b, 64);
    must_be(try_to_read_ahead(b), IPC_ERR_CLOSED);
    must(stats_of(b).used == 0);
}

Test(unit, a_skip_by_force_removes_an_entry_that_no_living_process_holds)
{
    struct gate *gate = make_gate();
    void *memory;
    IpcBuffer *b = queue(0, &memory);
    pid_t pid;

    for (uint64_t i = 0; i < 3; i++)
        must_write(b, 40, i);
    pid = worker(memory, 1, 1, gate);
    gate_wait(gate, 1);
    must_fail(ipc_buffer_skip_force(b), IPC_ERR_LOCKED);
    kill_child(pid);
    must(result_of(ipc_buffer_skip_force(b)) == 0);
    must(result_of(ipc_buffer_skip_force(b)) == 64);
    must_read_ahead(b, 40, 2, false);
    must_fail(ipc_buffer_skip_force(b), IPC_ERR_LOCKED);
    must_acknowledge(b, 128);
    must_be(ipc_buffer_skip_force(b).ipc_status, IPC_EMPTY);
}

Test(unit, a_work_queue_goes_with_what_it_can_and_is_found_again)
{
    IpcBufferOptions options = {.struct_size = sizeof options,
                                .flags = FLAG | IPC_BUFFER_ONE_CONSUMER};
    void *memory = shared_memory(65536);
    IpcBuffer *b;

    must_fail(ipc_buffer_create_with_options(memory, 65536, &options),
              IPC_ERR_INVALID_ARGUMENT);
    options.flags = FLAG | IPC_BUFFER_KNOWS_CONSUMERS | IPC_BUFFER_ONE_PRODUCER;
    b = result_of(ipc_buffer_create_with_options(memory, 65536, &options));
    must(stats_of(b).flags == (FLAG | IPC_BUFFER_ONE_PRODUCER));
    must(stats_of(attach_to(memory)).flags == stats_of(b).flags);
    must(stats_of(b).region_size <= 65536);
    must_write(b, 40, 1);
    must_read_ahead(attach_to(memory), 40, 1, false);
    must(stats_of(b).readers == 1);
}

/* The words beside the control words are never so old that they come true
 * again: those inside of entries and of filler are renewed, too. */
Test(unit, holders_words_are_renewed_while_head_passes, .timeout = 60)
{
    void *memory;
    IpcBuffer *b;
    struct shm_region *region;
    uint64_t *holders;
    uint64_t lap;

    b = queue(0, &memory);
    region = memory;
    holders = (uint64_t *)(void *)((unsigned char *)control_of(region, 0) +
                                   up_to_line(BLOCKS * sizeof(uint64_t)));
    ipc_buffer_destroy(b);
    set_lap(region, BLOCKS, SHMIPC_RENEWAL_LAPS - 1);
    for (int i = 0; i < BLOCKS; i++)
        holders[i] = control_make(17, 0, (enum control_state)HOLD_DONE);
    b = attach_to(memory);
    /* 7 blocks, 7 blocks, and 2 of filler in each lap. */
    for (int i = 0; i < 6; i++) {
        must_write(b, 7 * 64, 1);
        must_acknowledge(b, must_read_ahead(b, 7 * 64, 1, false));
    }
    for (int i = 0; i < BLOCKS; i++) {
        lap = holders[i] >> 32;
        must_say(lap >= SHMIPC_RENEWAL_LAPS,
                 "the word of block %d is of lap %u", i, (unsigned)lap);
    }
}
