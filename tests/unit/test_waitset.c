/* SPDX-License-Identifier: MIT */
/*
 * Waiting for many channels, in each of the ways to sleep: in a ring, by
 * futex_waitv, and by naps where the kernel has neither.
 */
#include "waitsets.h"
#include <poll.h>

/* ------------------------------------------------------------ being ready */

static void must_be_told_until_read(enum way by, int count)
{
    make_set(by, count);
    must_find_nothing(&at_once);
    must_find_nothing(&shortly);
    must_send(channels[1], 100, 1);
    must_be_ready(1, IPC_OK);
    must_be_ready(1, IPC_OK);
    must_receive(channels[1], 100, 1);
    must_find_nothing(&at_once);
    must_find_nothing(&shortly);
    must_send(channels[0], 100, 2);
    must_send(channels[2], 100, 3);
    must(wait_for(NULL) == 2);
    must_work(ipc_waitset_destroy(set));
    must_receive(channels[2], 100, 3);
}

Test(unit, what_is_ready_is_told_until_it_is_read)
{
    must_be_told_until_read(RING, 5);
    must(atomic_get_relaxed(&ring_sleeps) == 1);
    must(atomic_get_relaxed(&waitv_sleeps) == 0);
}

Test(unit, what_is_ready_is_told_until_it_is_read_by_waitv)
{
    must_be_told_until_read(WAITV, 5);
    must(atomic_get_relaxed(&waitv_sleeps) > 0);
}

Test(unit, what_is_ready_is_told_until_it_is_read_by_naps)
{
    must_be_told_until_read(NAPS, 5);
    must(atomic_get_relaxed(&waitv_sleeps) == 1);
}

/* The child writes when the parent is on its way to sleep or asleep. */
static void write_when_told(struct gate *gate, int count)
{
    for (int i = 0; i < count; i++) {
        gate_wait(gate, (uint32_t)i + 1);
        must_send(channels[i * 7 % count], 8, (uint64_t)i);
    }
    child_done();
}

static void must_wake_for_each(enum way by, int count)
{
    struct gate *gate = make_gate();
    pid_t child;

    make_set(by, count);
    child = fork_child();
    if (child == 0)
        write_when_told(gate, count);
    for (int i = 0; i < count; i++) {
        gate_open(gate, (uint32_t)i + 1);
        must_be_ready(i * 7 % count, IPC_OK);
        must_receive(channels[i * 7 % count], 8, (uint64_t)i);
    }
    must_succeed(child);
}

Test(unit, each_of_many_channels_wakes, .timeout = 90)
{
    must_wake_for_each(RING, MANY);
    must(count_threads() == 0);
}

/* Whoever waits, and a thread for each 127 beyond the first. */
Test(unit, each_of_many_channels_wakes_by_waitv, .timeout = 90)
{
    must_wake_for_each(WAITV, MANY);
    must(count_threads() == 2);
    must_work(ipc_waitset_destroy(set));
    must(count_threads() == 0);
}

Test(unit, each_of_many_channels_wakes_by_naps, .timeout = 90)
{
    must_wake_for_each(NAPS, MANY);
    must(count_threads() == 0);
}

Test(unit, each_of_three_channels_wakes)
{
    must_wake_for_each(RING, 3);
}

Test(unit, where_there_is_little_room_all_are_told_in_turn)
{
    bool told[20] = {false};

    make_set(RING, 20);
    for (int i = 0; i < 20; i++)
        must_send(channels[i], 8, 1);
    for (int i = 0; i < 20; i++) {
        must_work(ipc_waitset_wait(set, ready, 1, NULL));
        told[(IpcChannel **)ready[0].user - channels] = true;
    }
    for (int i = 0; i < 20; i++)
        must(told[i]);
}

/* What nobody reads must not hide what becomes ready later. */
static void must_not_starve(enum way by)
{
    int tries = 0;

    make_set(by, 200);
    must_find_nothing(&shortly);
    must_send(channels[0], 8, 1);
    must_be_ready(0, IPC_OK);
    must_send(channels[150], 8, 1);
    do {
        must(wait_for(NULL) > 0);
    } while (ready[0].channel != channels[150] &&
             (ready[1].channel != channels[150]) && ++tries < 30);
    must(tries < 30);
}

Test(unit, what_nobody_reads_hides_nothing)
{
    must_not_starve(RING);
}

Test(unit, what_nobody_reads_hides_nothing_by_waitv)
{
    must_not_starve(WAITV);
}

/* ------------------------------------------------------ closing and deaths */

static void must_notice_closing(enum way by, int count)
{
    pid_t child;
    IpcEntry entry;

    make_set(by, count);
    child = fork_child();
    if (child == 0) {
        pause_ns(10 * MILLISECOND);
        must_send(channels[count - 1], 8, 5);
        must_work(ipc_channel_close(channels[count - 1]));
        child_done();
    }
    must_be_ready(count - 1, IPC_OK);
    must_succeed(child);
    must_receive(channels[count - 1], 8, 5);
    must_be_ready(count - 1, IPC_ERR_CLOSED);
    must_be(ipc_channel_try_read(channels[count - 1], &entry).ipc_status,
            IPC_ERR_CLOSED);
    must_work(ipc_waitset_remove(set, channels[count - 1]));
    must_find_nothing(&at_once);
}

Test(unit, closing_makes_a_channel_ready)
{
    must_notice_closing(RING, 5);
}

Test(unit, closing_makes_a_channel_ready_by_waitv)
{
    must_notice_closing(WAITV, 200);
}

/* A writer that dies wakes nobody. */
static void must_notice_dead_writers(enum way by, int count)
{
    IpcChannelConfiguration reporting = quick;
    struct gate *gate = make_gate();
    IpcEntry entry;
    pid_t child;

    make_set(by, count);
    reporting.options = IPC_CHANNEL_REPORT_DEAD_PRODUCERS;
    add_with(count, reporting);
    child = fork_child();
    if (child == 0) {
        must_send(channels[count], 8, 1);
        gate_open(gate, 1);
        sleep_for_ever();
    }
    must_be_ready(count, IPC_OK);
    gate_wait(gate, 1);
    must_receive(channels[count], 8, 1);
    must_find_nothing(&shortly);
    must_be(ipc_channel_try_read(channels[count], &entry).ipc_status,
            IPC_EMPTY);
    kill_child(child);
    must_be_ready(count, IPC_ERR_PRODUCERS_DEAD);
    must_be(ipc_channel_try_read(channels[count], &entry).ipc_status,
            IPC_ERR_PRODUCERS_DEAD);
    must_be_ready(count, IPC_ERR_PRODUCERS_DEAD);
}

Test(unit, the_death_of_all_writers_is_told)
{
    must_notice_dead_writers(RING, 4);
}

Test(unit, the_death_of_all_writers_is_told_in_a_large_set)
{
    must_notice_dead_writers(RING, 100);
}

Test(unit, the_death_of_all_writers_is_told_by_waitv)
{
    must_notice_dead_writers(WAITV, 200);
}

Test(unit, the_death_of_all_writers_is_told_by_naps)
{
    must_notice_dead_writers(NAPS, 4);
}

/* An entry behind one that a killed process left unfinished. */
static void must_get_past_a_dead_claim(enum way by, uint32_t flags)
{
    IpcChannelConfiguration configuration = quick;
    struct gate *gate = make_gate();
    IpcReservation unfinished;
    pid_t child;

    make_set(by, 4);
    configuration.flags = flags;
    add_with(4, configuration);
    child = fork_child();
    if (child == 0) {
        must_work(ipc_channel_reserve(channels[4], 8, &unfinished));
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    must_send(channels[4], 8, 2);
    must_find_nothing(&at_once);
    must_find_nothing(&shortly);
    kill_child(child);
    must_be_ready(4, IPC_OK);
    must_receive(channels[4], 8, 2);
}

Test(unit, what_a_dead_writer_left_is_passed)
{
    must_get_past_a_dead_claim(RING, 0);
}

Test(unit, what_a_dead_writer_left_is_passed_by_waitv)
{
    must_get_past_a_dead_claim(WAITV, IPC_BUFFER_ONE_CONSUMER);
}

/* A writer that committed and died before it woke anybody: what is announced
 * is undone by hand, and nobody wakes us. */
static void must_look_again(int count)
{
    struct shm_region *region;

    make_set(RING, count);
    must_find_nothing(&shortly);
    region = memories[count - 1];
    atomic_put_relaxed(&region->readers.sleepers, 0);
    must_send(channels[count - 1], 8, 3);
    must_be_ready(count - 1, IPC_OK);
}

Test(unit, a_wake_that_did_not_come_costs_a_while)
{
    must_look_again(16);
}

Test(unit, a_wake_that_did_not_come_costs_a_while_in_a_large_set)
{
    must_look_again(400);
}

Test(unit, a_channel_that_is_formatted_anew_says_so)
{
    make_set(RING, 4);
    must_find_nothing(&shortly);
    memset(memories[2], 0, 64);
    must_work(ipc_channel_create(memories[2], ring_size(BLOCKS, 8), quick));
    must_be_ready(2, IPC_ERR_FORMATTED_ANEW);
}

/* Writers wait for space behind filler that only the one consumer can pass. */
Test(unit, filler_is_passed_for_writers_that_wait_for_space)
{
    IpcChannelConfiguration configuration = quick;
    IpcReservation whole;
    pid_t child;

    make_set(RING, 4);
    configuration.flags = IPC_BUFFER_ONE_CONSUMER;
    add_with(4, configuration);
    must_find_nothing(&shortly);
    must_work(ipc_channel_reserve(channels[4], BLOCKS * 64L, &whole));
    must_work(ipc_channel_abort(channels[4], &whole));
    child = fork_child();
    if (child == 0) {
        unsigned char data[BLOCKS * 64] = {7};

        must_work(ipc_channel_write_with_timeout(channels[4], data, sizeof data,
                                                 &patience));
        child_done();
    }
    must_be_ready(4, IPC_OK);
    must_succeed(child);
}

Test(unit, a_wait_that_passes_filler_wakes_writers)
{
    IpcReservation whole;
    struct shm_region *region;

    make_set(RING, 4);
    must_work(ipc_channel_reserve(channels[0], BLOCKS * 64L, &whole));
    must_work(ipc_channel_abort(channels[0], &whole));
    region = memories[0];
    atomic_put_relaxed(&region->writers.sleepers, 1);
    must_find_nothing(&at_once);
    must(atomic_get_relaxed(&region->writers.sleepers) == 0);
}

/* --------------------------------------------------------------- a crowd */

/* It sleeps, and looks at some now and then: not at all of them, and not for
 * each of them at another time. */
static void must_be_idle(enum way by)
{
    const struct timespec a_second = {.tv_sec = 1};
    uint32_t before;

    make_set(by, 1000);
    must_find_nothing(&shortly);
    before = atomic_get_relaxed(&waitv_sleeps);
    must_find_nothing(&a_second);
    /* Ten turns, and as many for each group as channels were looked at. */
    must(atomic_get_relaxed(&waitv_sleeps) - before < 200);
    must_work(ipc_waitset_destroy(set));
}

Test(unit, a_thousand_idle_channels_are_left_alone, .timeout = 60)
{
    must_be_idle(RING);
    must(atomic_get_relaxed(&waitv_sleeps) == 0);
}

Test(unit, a_thousand_idle_channels_are_left_alone_by_waitv, .timeout = 60)
{
    must_be_idle(WAITV);
}
