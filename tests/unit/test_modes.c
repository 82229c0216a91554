/* SPDX-License-Identifier: MIT */
/*
 * The one-producer and one-consumer roles: who has them, and how they pass on.
 */
#include "channels.h"

enum { BLOCKS = 8, ONE_PRODUCER = 1, ONE_CONSUMER = 2 };

static void must_not_produce(IpcBuffer *b)
{
    IpcReservation r;
    char byte = 'x';
    struct iovec piece = {&byte, 1};
    IpcBufferWriteResult w = ipc_buffer_write(b, &byte, 1);

    memset(&r, 0x5a, sizeof r);
    must_fail(w, IPC_ERR_ROLE_TAKEN);
    must(IpcBufferWriteResult_is_error_has_body(w.error));
    must_fail(ipc_buffer_writev(b, &piece, 1), IPC_ERR_ROLE_TAKEN);
    must_fail(ipc_buffer_reserve(b, 1, &r), IPC_ERR_ROLE_TAKEN);
    must(is_all(&r, sizeof r, 0x5a));
}

static void must_not_consume(IpcBuffer *b)
{
    unsigned char data[64];
    IpcEntry entry = {.offset = 77, .payload = data, .size = sizeof data};
    IpcEntry found;

    memset(data, 0x5a, sizeof data);
    must_fail(ipc_buffer_read(b, &entry), IPC_ERR_ROLE_TAKEN);
    must_fail(ipc_buffer_peek(b, &found), IPC_ERR_ROLE_TAKEN);
    must_fail(ipc_buffer_skip(b, 0), IPC_ERR_ROLE_TAKEN);
    must_fail(ipc_buffer_skip_force(b), IPC_ERR_ROLE_TAKEN);
    must(entry.offset == 77 && entry.payload == data);
    must(entry.size == sizeof data && is_all(data, sizeof data, 0x5a));
}

Test(unit, the_first_handle_that_writes_is_the_one_producer)
{
    for (uint32_t mode = ONE_PRODUCER; mode < ALL_MODES; mode += 2) {
        struct shm_region *region;
        IpcBuffer *one = new_ring(BLOCKS, mode, &region);
        IpcBuffer *two = attach_to(region);

        must_write(two, 10, 1);
        must_not_produce(one);
        must_read(one, 10, 1); /* the other side is free */
        must_write(two, 10, 2);
        must_not_produce(one);
        must_work(ipc_buffer_destroy(two));
        must_write(one, 10, 3);
        must_read(one, 10, 2);
        must(must_read(one, 10, 3) == 128);
        must_work(ipc_buffer_destroy(one));
    }
}

Test(unit, the_first_handle_that_reads_is_the_one_consumer)
{
    for (uint32_t mode = ONE_CONSUMER; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *one = new_ring(BLOCKS, mode, &region);
        IpcBuffer *two = attach_to(region);

        must_write(one, 10, 1);
        must_write(one, 10, 2);
        must_read(two, 10, 1);
        must_not_consume(one);
        must_write(one, 10, 3); /* the other side is free */
        must_read(two, 10, 2);
        must_work(ipc_buffer_destroy(two));
        must_read(one, 10, 3);
        must_be(try_to_read(one), IPC_EMPTY);
        must_work(ipc_buffer_destroy(one));
    }
}

Test(unit, an_empty_look_takes_the_consumers_role_too)
{
    struct shm_region *region;
    IpcBuffer *one = new_ring(BLOCKS, ONE_CONSUMER, &region);
    IpcBuffer *two = attach_to(region);

    must_be(try_to_read(one), IPC_EMPTY);
    must_not_consume(two);
}

Test(unit, many_producers_and_consumers_have_no_roles)
{
    struct shm_region *region;
    IpcBuffer *one = new_ring(BLOCKS, 0, &region);
    IpcBuffer *two = attach_to(region);

    must_write(one, 10, 1);
    must_write(two, 10, 2);
    must_read(two, 10, 1);
    must_read(one, 10, 2);
}

Test(unit, a_monitor_takes_no_role_and_stores_nothing)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *one = new_ring(BLOCKS, mode, &region);
        IpcBuffer *monitor = attach_to(region);
        size_t size = ring_size(BLOCKS, 8);
        unsigned char copy[4096];

        must_write(one, 10, 1);
        memcpy(copy, region, size);
        must(stats_of(monitor).head_state == IPC_BUFFER_HEAD_READY);
        must(stats_of(monitor).flags == mode);
        must(memcmp(copy, region, size) == 0);
        must_write(one, 10, 2);
        must_read(one, 10, 1);
    }
}

Test(unit, a_handle_with_both_roles_gives_both_back)
{
    const uint32_t both = ONE_PRODUCER | ONE_CONSUMER;
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, both, &region);

    for (uint64_t i = 0; i < 30; i++) {
        must_write(b, 60, i);
        must_read(b, 60, i);
        must(region->tail.role != 0 && region->head.role != 0);
        must_work(ipc_buffer_destroy(b));
        must(region->tail.role == 0 && region->head.role == 0);
        b = attach_to(region);
    }
    must(stats_of(b).owners == 0);
}

/* What the child does to end: the role is then the parent's or is not. */
enum fate { LIVES, STOPPED, KILLED, ZOMBIE, DESTROYED, FATES };

static void meet_fate(pid_t child, enum fate fate)
{
    switch (fate) {
    case STOPPED:
        must(kill(child, SIGSTOP) == 0);
        must(waitpid(child, NULL, WUNTRACED) == child);
        break;
    case KILLED:
        kill_child(child);
        break;
    case ZOMBIE:
        make_zombie(child);
        break;
    case LIVES:
    case DESTROYED:
    case FATES:
        break;
    }
}

Test(unit, the_producers_role_passes_on_only_from_the_dead)
{
    for (int fate = 0; fate < FATES; fate++)
        for (uint32_t mode = ONE_PRODUCER; mode < ALL_MODES; mode += 2) {
            IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
            struct gate *gate = make_gate();
            pid_t child = fork_child();

            if (child == 0) {
                IpcReservation r;

                for (uint64_t i = 0; i < 3; i++)
                    must_write(b, 64, i);
                must_work(ipc_buffer_reserve(b, 64, &r));
                if (fate == DESTROYED)
                    must_work(ipc_buffer_destroy(b));
                gate_open(gate, 1);
                sleep_for_ever();
            }
            gate_wait(gate, 1);
            meet_fate(child, (enum fate)fate);
            if (fate == LIVES || fate == STOPPED) {
                must_not_produce(b);
            } else {
                must_write(b, 64, 3);
                must_read(b, 64, 0);
                must_read(b, 64, 1);
                must_read(b, 64, 2);
                must(must_read(b, 64, 3) == 192);
                must_be(try_to_read(b), IPC_EMPTY);
            }
            if (fate != KILLED)
                kill(child, SIGKILL);
        }
}

Test(unit, the_consumers_role_passes_on_only_from_the_dead)
{
    for (int fate = 0; fate < FATES; fate++)
        for (uint32_t mode = ONE_CONSUMER; mode < ALL_MODES; mode++) {
            IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
            struct gate *gate = make_gate();
            pid_t child;

            for (uint64_t i = 0; i < 5; i++)
                must_write(b, 64, i);
            child = fork_child();
            if (child == 0) {
                IpcEntry entry;

                must_read(b, 64, 0);
                must_read(b, 64, 1);
                must_work(ipc_buffer_peek(b, &entry));
                if (fate == DESTROYED)
                    must_work(ipc_buffer_destroy(b));
                gate_open(gate, 1);
                sleep_for_ever();
            }
            gate_wait(gate, 1);
            meet_fate(child, (enum fate)fate);
            if (fate == LIVES || fate == STOPPED) {
                must_not_consume(b);
                must_write(b, 64, 5);
            } else {
                for (uint64_t i = 2; i < 5; i++)
                    must_read(b, 64, i);
                must_be(try_to_read(b), IPC_EMPTY);
            }
            if (fate != KILLED)
                kill(child, SIGKILL);
        }
}

/* A producer that died after READY and before moving tail: its entry counts.
 * Also where the reader has taken it already. */
Test(unit, a_successor_does_not_trust_the_tail_it_finds)
{
    for (uint32_t mode = ONE_PRODUCER; mode < ALL_MODES; mode += 2)
        for (uint32_t start = 0; start < BLOCKS; start++)
            for (int was_read = 0; was_read < 2; was_read++) {
                struct shm_region *region;
                IpcBuffer *b = new_ring(BLOCKS, mode, &region);
                uint64_t tail;

                for (uint32_t i = 0; i < start; i++) {
                    must_write(b, 64, i);
                    must_read(b, 64, i);
                }
                must_write(b, 64, 1);
                tail = atomic_get_relaxed(&region->tail.position);
                must_write(b, 60, 2);
                if (was_read) {
                    must_read(b, 64, 1);
                    must_read(b, 60, 2);
                }
                must_work(ipc_buffer_destroy(b));
                atomic_put_relaxed(&region->tail.position, tail);
                b = attach_to(region);
                must_write(b, 64, 3);
                if (!was_read) {
                    must_read(b, 64, 1);
                    must_read(b, 60, 2);
                }
                must(must_read(b, 64, 3) == (start + 2) * 64);
                must_be(try_to_read(b), IPC_EMPTY);
            }
}

Test(unit, the_one_consumers_peek_stays_whole_until_it_skips)
{
    for (uint32_t mode = ONE_CONSUMER; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);

        for (uint64_t i = 0; i < 50; i++) {
            unsigned char data[200];
            IpcEntry entry;

            memset(data, 0xee, sizeof data);
            must_write(b, 130, i);
            must_work(ipc_buffer_peek(b, &entry));
            while (ipc_buffer_write(b, data, 60).ipc_status == IPC_OK)
                continue;
            must(is_filled(entry.payload, 130, i));
            must_work(ipc_buffer_skip(b, entry.offset));
            while (try_to_read(b) == IPC_OK)
                continue;
        }
    }
}

Test(unit, the_one_consumer_needs_an_owner_slot)
{
    void *memory = shared_memory(ring_size(BLOCKS, 1));
    IpcBuffer *b = make_ring(memory, BLOCKS, 1, ONE_CONSUMER);
    struct gate *gate = make_gate();
    pid_t child = fork_child();
    unsigned char data[10];
    IpcEntry entry = {.payload = data, .size = sizeof data};

    if (child == 0) {
        must_write(b, 10, 1);
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    must_fail(ipc_buffer_read(b, &entry), IPC_ERR_OWNERS_FULL);
    must_fail(ipc_buffer_peek(b, &entry), IPC_ERR_OWNERS_FULL);
    must_fail(ipc_buffer_skip(b, 0), IPC_ERR_OWNERS_FULL);
    must_fail(ipc_buffer_skip_force(b), IPC_ERR_OWNERS_FULL);
    kill_child(child);
    must_read(b, 10, 1);
}

Test(unit, a_channels_reads_answer_at_once_when_the_role_is_taken)
{
    void *memory;
    IpcChannel *one = new_channel(BLOCKS, ONE_PRODUCER | ONE_CONSUMER, &memory);
    IpcChannel *two = ipc_channel_connect(memory, quick).result;
    char byte = 'x';
    IpcEntry entry = {.payload = &byte, .size = 1};
    IpcEntry found;
    struct iovec piece = {&byte, 1};
    IpcReservation r;
    const IpcStatus taken = IPC_ERR_ROLE_TAKEN;

    must_send(one, 1, 1);
    must_receive(one, 1, 1);
    must_fail(ipc_channel_read(two, &found), taken);
    must_fail(ipc_channel_read_with_timeout(two, &found, NULL), taken);
    must_fail(ipc_channel_try_read(two, &found), taken);
    must_fail(ipc_channel_read_into(two, &entry), taken);
    must_fail(ipc_channel_read_into_with_timeout(two, &entry, NULL), taken);
    must_fail(ipc_channel_try_read_into(two, &entry), taken);
    must_fail(ipc_channel_peek(two, &found), taken);
    must_fail(ipc_channel_peek_with_timeout(two, &found, NULL), taken);
    must_fail(ipc_channel_skip(two, 0), taken);
    must_fail(ipc_channel_skip_force(two), taken);
    must_fail(ipc_channel_write(two, &byte, 1), taken);
    must_fail(ipc_channel_writev(two, &piece, 1), taken);
    must_fail(ipc_channel_reserve(two, 1, &r), taken);
    must(entry.payload == &byte && entry.size == 1);
    must_work(ipc_channel_destroy(one));
    must_send(two, 5, 2);
    must_receive(two, 5, 2);
}
