/* SPDX-License-Identifier: MIT */
/*
 * What a channel's calls do about dead producers, and what they answer when
 * others are faster.
 */
#include "channels.h"

enum { BLOCKS = 8 };

static IpcStatus read_within(IpcChannel *ch, int64_t ns)
{
    struct timespec timeout = as_timespec(ns);
    char copy[64];
    IpcEntry entry = {.payload = copy, .size = sizeof copy};

    return ipc_channel_read_into_with_timeout(ch, &entry, &timeout).ipc_status;
}

static IpcStatus try_read(IpcChannel *ch)
{
    char copy[64];
    IpcEntry entry = {.payload = copy, .size = sizeof copy};

    return ipc_channel_try_read_into(ch, &entry).ipc_status;
}

/* A producer that died before it could say whose the block is. */
static void make_gap(struct shm_region *region)
{
    atomic_add_relaxed(&region->tail.position, 1);
}

/* Tail is older than head, as a producer sees it when others are faster. */
Test(unit, a_write_that_others_outrun_waits_to_the_end_of_its_time)
{
    struct timespec timeout = as_timespec(5 * MILLISECOND);
    IpcReservation reservation;
    struct shm_region *region;
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, 0, &memory);
    int64_t start = now_ns();

    region = memory;
    atomic_add_relaxed(&region->head.position, 2);
    must_be(ipc_channel_write(ch, "x", 1).ipc_status, IPC_ERR_LOCKED);
    must_be(ipc_channel_write_with_timeout(ch, "x", 1, &timeout).ipc_status,
            IPC_ERR_TIMEOUT);
    must(now_ns() - start >= 5 * MILLISECOND);
    must_be(ipc_channel_reserve_with_timeout(ch, 1, &reservation, &timeout)
                .ipc_status,
            IPC_ERR_TIMEOUT);
    must(now_ns() - start >= 10 * MILLISECOND);
    atomic_add_relaxed(&region->tail.position, 2);
    must_be(ipc_channel_write_with_timeout(ch, "x", 1, &timeout).ipc_status,
            IPC_OK);
}

/* --------------------------------------------------------- all are dead */

static IpcChannel *channel_that_reports(uint32_t wait, void **memory)
{
    IpcChannelConfiguration configuration = quick;

    configuration.options = IPC_CHANNEL_REPORT_DEAD_PRODUCERS;
    configuration.wait = wait;
    return try_channel(BLOCKS, configuration, memory);
}

/* A child that writes an entry, one more behind a gap, and dies. */
static void write_and_die(IpcChannel *ch, struct shm_region *region,
                          bool leaves_a_gap)
{
    pid_t child = fork_child();

    if (child == 0) {
        must_send(ch, 10, 1);
        if (leaves_a_gap) {
            make_gap(region);
            must_send(ch, 10, 2);
        }
        raise(SIGKILL);
    }
    must(waitpid(child, NULL, 0) == child);
}

Test(unit, what_lies_behind_a_dead_claim_is_read_before_all_are_called_dead)
{
    void *memory;
    IpcChannel *ch = channel_that_reports(IPC_WAIT_DEFAULT, &memory);

    write_and_die(ch, memory, true);
    must_be(read_within(ch, 20 * SECOND), IPC_OK);
    must_be(read_within(ch, 20 * SECOND), IPC_OK);
    must_be(read_within(ch, 20 * SECOND), IPC_ERR_PRODUCERS_DEAD);
}

Test(unit, a_poller_is_told_that_all_producers_died)
{
    int ways = 0;

    for (uint32_t wait = IPC_WAIT_FUTEX; wait <= IPC_WAIT_IO_URING; wait++) {
        void *memory;
        IpcChannel *ch = channel_that_reports(wait, &memory);

        if (!ch || ipc_channel_fd(ch).ipc_status == IPC_ERR_UNSUPPORTED)
            continue;
        ways++;
        must_work(ipc_channel_fd(ch));
        must_be(try_read(ch), IPC_EMPTY); /* none has come yet */
        write_and_die(ch, memory, false);
        must_be(try_read(ch), IPC_OK);
        must_be(try_read(ch), IPC_ERR_PRODUCERS_DEAD);
        must_work(ipc_channel_destroy(ch));
    }
    if (ways == 0)
        cr_skip_test("no way of waiting that can be polled");
}

Test(unit, a_poller_too_reads_what_lies_behind_a_dead_claim_first)
{
    int ways = 0;

    for (uint32_t wait = IPC_WAIT_FUTEX; wait <= IPC_WAIT_IO_URING; wait++) {
        void *memory;
        IpcChannel *ch = channel_that_reports(wait, &memory);

        if (!ch || ipc_channel_fd(ch).ipc_status == IPC_ERR_UNSUPPORTED)
            continue;
        ways++;
        must_work(ipc_channel_fd(ch));
        write_and_die(ch, memory, true);
        must_be(try_read(ch), IPC_OK);
        must_be(try_read(ch), IPC_OK);
        must_be(try_read(ch), IPC_ERR_PRODUCERS_DEAD);
        must_work(ipc_channel_destroy(ch));
    }
    if (ways == 0)
        cr_skip_test("no way of waiting that can be polled");
}

/* --------------------------------------------------------- now and then */

static void must_be_full(IpcChannel *ch)
{
    must_be(ipc_channel_write(ch, "x", 1).ipc_status,
            IPC_ERR_NO_SPACE_CONTIGUOUS);
}

/* Fills the ring behind a gap. */
static void fill_behind_a_gap(IpcChannel *ch, struct shm_region *region)
{
    make_gap(region);
    for (int i = 1; i < BLOCKS; i++)
        must_work(ipc_channel_write(ch, "x", 1));
}

/* A full channel whose head moves is in good health: others' claims, dead or
 * not, are left alone. */
Test(unit, writes_repair_nothing_while_readers_get_on)
{
    struct shm_region *region;
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, 0, &memory);

    region = memory;
    for (int i = 0; i < 400; i++) {
        fill_behind_a_gap(ch, region);
        for (int j = 0; j < 3; j++)
            must_be_full(ch);
        must_say(result_of(ipc_channel_recover(ch, false)) == 1,
                 "repaired in round %d", i);
        for (int j = 1; j < BLOCKS; j++)
            must_be(try_read(ch), IPC_OK);
        must_be(try_read(ch), IPC_EMPTY);
    }
}

typedef IpcStatus write_fn(IpcChannel *ch);

static IpcStatus plain_write(IpcChannel *ch)
{
    return ipc_channel_write(ch, "x", 1).ipc_status;
}

static IpcStatus other_write(IpcChannel *ch)
{
    IpcReservation reservation;

    return ipc_channel_reserve(ch, 1, &reservation).ipc_status;
}

Test(unit, writes_repair_once_head_stays_for_long)
{
    write_fn *const writes[] = {plain_write, other_write};

    for (int i = 0; i < 2; i++) {
        IpcStatus status = IPC_ERR_NO_SPACE_CONTIGUOUS;
        struct shm_region *region;
        void *memory;
        IpcChannel *ch = new_channel(BLOCKS, 0, &memory);

        region = memory;
        fill_behind_a_gap(ch, region);
        for (int j = 0; j < 200; j++)
            must_be(writes[i](ch), IPC_ERR_NO_SPACE_CONTIGUOUS);
        for (int j = 0; j < 100 && status != IPC_OK; j++)
            status = writes[i](ch);
        must_be(status, IPC_OK);
    }
}

/* The claim of a dead process, before which every look says NOT_READY. */
Test(unit, reads_that_never_wait_repair_once_head_stays_for_long)
{
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, 0, &memory);
    IpcStatus status = IPC_ERR_NOT_READY;
    IpcReservation reservation;
    pid_t child = fork_child();

    if (child == 0) {
        must_work(ipc_channel_reserve(ch, 1, &reservation));
        raise(SIGKILL);
    }
    must(waitpid(child, NULL, 0) == child);
    must_send(ch, 10, 1);
    for (int i = 0; i < 200; i++)
        must_be(try_read(ch), IPC_ERR_NOT_READY);
    for (int i = 0; i < 100 && status != IPC_OK; i++)
        status = try_read(ch);
    must_be(status, IPC_OK);
}
