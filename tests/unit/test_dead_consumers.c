/* SPDX-License-Identifier: MIT */
/*
 * Readers that take owner slots, and writers that are told that all who read
 * have died.
 */
#include "channels.h"
#include <pthread.h>
#include <shmipc/ipc_batch.h>

enum {
    BLOCKS = 4,
    KNOWS = IPC_BUFFER_KNOWS_CONSUMERS,
    ONE = IPC_BUFFER_ONE_CONSUMER,
    ALONE = IPC_BUFFER_ONE_PRODUCER
};

static const struct timespec soon = {0, 30 * MILLISECOND};

static const uint32_t modes[] = {0,           KNOWS, ONE,
                                 KNOWS | ONE, ALONE, ALONE | ONE};
enum { MODES = sizeof modes / sizeof modes[0] };

static IpcChannel *channel_that_reports(uint32_t mode, void **memory)
{
    IpcChannelConfiguration configuration = quick;

    configuration.options = IPC_CHANNEL_REPORT_DEAD_CONSUMERS;
    configuration.flags = mode;
    return make_channel(BLOCKS, configuration, memory);
}

static IpcStatus write_within(IpcChannel *ch, int64_t ns)
{
    const struct timespec timeout = as_timespec(ns);

    return ipc_channel_write_with_timeout(ch, "x", 1, &timeout).ipc_status;
}

static IpcStatus take_one(IpcChannel *ch)
{
    char copy[64];
    IpcEntry entry = {.payload = copy, .size = sizeof copy};

    return ipc_channel_try_read_into(ch, &entry).ipc_status;
}

enum end { DIES, LEAVES, STAYS };

/* A child that reads an entry through a handle of its own. */
static pid_t child_that_reads(void *memory, enum end end)
{
    struct gate *gate = make_gate();
    pid_t child = fork_child();

    if (child == 0) {
        IpcChannel *own = result_of(ipc_channel_connect(memory, quick));

        must_be(take_one(own), IPC_OK);
        if (end == LEAVES)
            must_work(ipc_channel_destroy(own));
        gate_open(gate, 1);
        if (end != STAYS)
            child_done();
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    if (end != STAYS)
        must_succeed(child);
    return child;
}

/* ------------------------------------------------------------ who is told */

Test(unit, a_blocked_write_reports_that_all_consumers_died)
{
    for (int i = 0; i < MODES; i++) {
        struct iovec piece = {(char[]){'x'}, 1};
        IpcReservation r;
        void *memory;
        IpcChannel *ch = channel_that_reports(modes[i], &memory);

        fill_up(ch);
        must_be(write_within(ch, 30 * MILLISECOND), IPC_ERR_TIMEOUT);
        child_that_reads(memory, DIES);
        fill_up(ch);
        must_be(write_within(ch, 5 * SECOND), IPC_ERR_CONSUMERS_DEAD);
        must_fail(ipc_channel_write_blocking(ch, "x", 1),
                  IPC_ERR_CONSUMERS_DEAD);
        must_fail(ipc_channel_writev_blocking(ch, &piece, 1),
                  IPC_ERR_CONSUMERS_DEAD);
        must_fail(ipc_channel_reserve_blocking(ch, 1, &r),
                  IPC_ERR_CONSUMERS_DEAD);
        must_fail(ipc_channel_write_with_timeout(ch, "x", 1, &soon),
                  IPC_ERR_CONSUMERS_DEAD);
        must_be(ipc_channel_write(ch, "x", 1).ipc_status,
                IPC_ERR_NO_SPACE_CONTIGUOUS);
    }
}

static void *kill_after_a_while(void *pid)
{
    pause_ns(30 * MILLISECOND);
    kill_child(*(pid_t *)pid);
    return NULL;
}

Test(unit, a_write_that_is_blocked_when_the_last_consumer_dies_is_told)
{
    for (int i = 0; i < MODES; i++) {
        void *memory;
        IpcChannel *ch = channel_that_reports(modes[i], &memory);
        pthread_t killer;
        pid_t reader;

        must_work(ipc_channel_write(ch, "x", 1));
        reader = child_that_reads(memory, STAYS);
        fill_up(ch);
        must(pthread_create(&killer, NULL, kill_after_a_while, &reader) == 0);
        must_be(write_within(ch, 5 * SECOND), IPC_ERR_CONSUMERS_DEAD);
        pthread_join(killer, NULL);
    }
}

Test(unit, a_zombie_that_read_is_dead)
{
    void *memory;
    IpcChannel *ch = channel_that_reports(0, &memory);
    pid_t reader;

    must_work(ipc_channel_write(ch, "x", 1));
    reader = child_that_reads(memory, STAYS);
    fill_up(ch);
    make_zombie(reader);
    must_be(write_within(ch, 5 * SECOND), IPC_ERR_CONSUMERS_DEAD);
}

/* What holds up readers is of no interest where there are none. */
Test(unit, an_unfinished_entry_does_not_hide_that_all_consumers_died)
{
    void *memory;
    IpcChannel *ch = channel_that_reports(0, &memory);
    IpcChannel *writer = result_of(ipc_channel_connect(memory, quick));
    IpcReservation r;

    must_work(ipc_channel_write(ch, "x", 1));
    child_that_reads(memory, DIES);
    must_work(ipc_channel_reserve(writer, 1, &r));
    fill_up(ch);
    must_be(write_within(ch, 5 * SECOND), IPC_ERR_CONSUMERS_DEAD);
}

/* -------------------------------------------------------- who is not told */

Test(unit, consumers_that_left_or_live_or_are_stopped_are_not_dead)
{
    for (int i = 0; i < MODES; i++) {
        void *memory;
        IpcChannel *ch = channel_that_reports(modes[i], &memory);
        pid_t living;

        fill_up(ch);
        child_that_reads(memory, LEAVES);
        fill_up(ch);
        must_be(write_within(ch, 30 * MILLISECOND), IPC_ERR_TIMEOUT);
        living = child_that_reads(memory, STAYS);
        if (!(modes[i] & ONE))
            child_that_reads(memory, DIES);
        fill_up(ch);
        must_be(write_within(ch, 30 * MILLISECOND), IPC_ERR_TIMEOUT);
        must(kill(living, SIGSTOP) == 0);
        must_be(write_within(ch, 30 * MILLISECOND), IPC_ERR_TIMEOUT);
        kill_child(living);
        must_be(write_within(ch, 5 * SECOND), IPC_ERR_CONSUMERS_DEAD);
    }
}

Test(unit, a_new_consumer_ends_the_report)
{
    for (int i = 0; i < MODES; i++) {
        void *memory;
        IpcChannel *ch = channel_that_reports(modes[i], &memory);

        fill_up(ch);
        child_that_reads(memory, DIES);
        fill_up(ch);
        must_be(write_within(ch, 5 * SECOND), IPC_ERR_CONSUMERS_DEAD);
        child_that_reads(memory, STAYS);
        must_work(ipc_channel_write_blocking(ch, "x", 1));
        must_be(write_within(ch, 30 * MILLISECOND), IPC_ERR_TIMEOUT);
    }
}

Test(unit, dead_consumers_are_reported_only_to_who_asked)
{
    void *memory;
    IpcChannel *ch = channel_that_reports(0, &memory);
    IpcChannel *other = result_of(ipc_channel_connect(memory, quick));

    fill_up(ch);
    child_that_reads(memory, DIES);
    fill_up(ch);
    must_be(write_within(other, 30 * MILLISECOND), IPC_ERR_TIMEOUT);
    must_be(write_within(ch, 30 * MILLISECOND), IPC_ERR_CONSUMERS_DEAD);
}

Test(unit, while_there_is_space_nobody_asks_for_consumers)
{
    void *memory;
    IpcChannel *ch = channel_that_reports(0, &memory);

    must_work(ipc_channel_write(ch, "x", 1));
    child_that_reads(memory, DIES);
    for (int i = 0; i < BLOCKS; i++)
        must_work(ipc_channel_write_blocking(ch, "x", 1));
    must_be(write_within(ch, 0), IPC_ERR_TIMEOUT);
}

/* ------------------------------------------------------------ who is known */

static uint32_t marks_of(IpcChannel *ch, pid_t pid)
{
    IpcOwner owners[8] = {{.struct_size = sizeof(IpcOwner)}};
    size_t count = result_of(ipc_channel_owners(ch, owners, 8));

    for (size_t i = 0; i < count; i++)
        if (owners[i].pid == pid)
            return owners[i].flags & (IPC_OWNER_READS | IPC_OWNER_WRITES);
    return 0;
}

/* Each kind of read, as the first of a handle. */
static IpcStatus read_somehow(IpcChannel *ch, int kind)
{
    static char copy[64];
    IpcEntry entries[2], entry = {.payload = copy, .size = sizeof copy};

    switch (kind) {
    case 0:
        return ipc_channel_try_read_into(ch, &entry).ipc_status;
    case 1:
        return ipc_channel_read_into(ch, &entry).ipc_status;
    case 2:
        return ipc_channel_read_blocking(ch, &entry).ipc_status;
    case 3:
        return ipc_channel_peek(ch, &entry).ipc_status;
    case 4:
        return ipc_channel_try_read_batch(ch, entries, 2, copy, sizeof copy)
            .ipc_status;
    case 5:
        return ipc_channel_try_read_array(ch, copy, 1, 2).ipc_status;
    default:
        return ipc_channel_skip(ch, 0).ipc_status;
    }
}

Test(unit, whoever_reads_is_known_whatever_the_kind_of_read)
{
    for (int kind = 0; kind < 7; kind++) {
        void *memory;
        IpcChannel *ch = channel_that_reports(0, &memory);
        IpcChannel *reader = result_of(ipc_channel_connect(memory, quick));
        pid_t writer = fork_child();

        if (writer == 0) {
            must_work(ipc_channel_write(ch, "x", 1));
            sleep_for_ever();
        }
        while (read_somehow(reader, kind) != IPC_OK)
            pause_ns(MILLISECOND);
        must(marks_of(ch, getpid()) == IPC_OWNER_READS);
        must(marks_of(ch, writer) == IPC_OWNER_WRITES);
        kill_child(writer);
    }
}

Test(unit, a_child_that_reads_by_an_inherited_handle_is_known)
{
    void *memory;
    IpcChannel *ch = channel_that_reports(0, &memory);
    struct gate *gate = make_gate();
    pid_t child;

    must_work(ipc_channel_write(ch, "x", 1));
    must_be(take_one(ch), IPC_OK);
    must_work(ipc_channel_write(ch, "x", 1));
    child = fork_child();
    if (child == 0) {
        must_be(take_one(ch), IPC_OK);
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    must(marks_of(ch, child) & IPC_OWNER_READS);
    kill_child(child);
}

Test(unit, readers_are_not_known_where_nobody_asked_for_it)
{
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, 0, &memory);
    IpcChannel *reader = result_of(ipc_channel_connect(memory, quick));
    pid_t writer = fork_child();

    if (writer == 0) {
        must_work(ipc_channel_write(ch, "x", 1));
        child_done();
    }
    must_succeed(writer);
    must_be(take_one(reader), IPC_OK);
    must(marks_of(ch, getpid()) == 0);
}

Test(unit, readers_for_whom_there_is_no_slot_are_refused)
{
    IpcChannelConfiguration configuration = quick;
    size_t size = ring_size(BLOCKS, 1);
    void *memory = shared_memory(size);
    IpcChannel *ch;
    pid_t child;

    configuration.flags = KNOWS;
    configuration.max_owners = 1;
    ch = result_of(ipc_channel_create(memory, size, configuration));
    must_work(ipc_channel_write(ch, "x", 1));
    child = fork_child();
    if (child == 0) {
        IpcEntry entry;

        must_fail(ipc_channel_try_read(ch, &entry), IPC_ERR_OWNERS_FULL);
        child_done();
    }
    must_succeed(child);
    must_be(take_one(ch), IPC_OK);
}

/* --------------------------------------------------------- who may ask for it
 */

static IpcChannelConnectResult ask_in(uint32_t flags, uint32_t options)
{
    IpcChannelConfiguration configuration = quick;
    IpcChannelConnectResult r;
    void *memory;

    configuration.flags = flags;
    configuration.options = options;
    make_channel(BLOCKS, configuration, &memory);
    configuration = quick;
    configuration.options = IPC_CHANNEL_REPORT_DEAD_CONSUMERS;
    r = ipc_channel_connect(memory, configuration);
    return r;
}

Test(unit, who_asks_where_readers_are_not_known_is_refused)
{
    must_fail(ask_in(0, 0), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ask_in(ALONE, IPC_CHANNEL_REPORT_DEAD_PRODUCERS),
              IPC_ERR_INVALID_ARGUMENT);
    must_work(ask_in(KNOWS, 0));
    must_work(ask_in(ONE, 0));
    must_work(ask_in(0, IPC_CHANNEL_REPORT_DEAD_CONSUMERS));
}

Test(unit, stats_tell_that_consumers_are_known)
{
    static const uint32_t told[][2] = {
        {0, 0}, {KNOWS, KNOWS}, {ONE, ONE}, {KNOWS | ONE, ONE}};

    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        IpcBufferStats stats =
            stats_of(make_ring(shared_memory(4096), BLOCKS, 2, told[i][0]));

        must(stats.flags == told[i][1]);
    }
}
