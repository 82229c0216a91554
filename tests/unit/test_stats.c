/* SPDX-License-Identifier: MIT */
/*
 * What stats tell, and that asking costs nobody anything.
 */
#include "channels.h"

enum { BLOCKS = 8 };

Test(unit, stats_of_a_new_buffer_describe_its_shape)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (uint32_t n = 1; n < 40; n++) {
            IpcBuffer *b = new_ring(n, mode, NULL);
            IpcBufferStats stats = stats_of(b);

            must(stats.struct_size == sizeof stats);
            must(stats.region_size == ring_size(n, 8));
            must(stats.capacity == n * 64 && stats.used == 0);
            must(stats.max_entry_size == n * 64);
            must(stats.max_entry_size == ipc_buffer_max_entry_size(b));
            must(stats.head_offset == 0 && stats.tail_offset == 0);
            must(stats.entries_written == 0 && stats.owners == 0);
            must(stats.flags == mode && stats.max_owners == 8);
            must(stats.head_state == IPC_BUFFER_HEAD_EMPTY);
            must(stats.head_size == 0 && stats.head_owner_pid == 0);
        }
}

Test(unit, stats_follow_what_is_written_and_read)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        IpcBufferStats stats;

        must_write(b, 65, 1);
        must_write(b, 10, 2);
        stats = stats_of(b);
        must(stats.used == 192 && stats.tail_offset == 192);
        must(stats.head_state == IPC_BUFFER_HEAD_READY);
        must(stats.head_size == 65 && stats.head_offset == 0);
        must(stats.entries_written == 2 && stats.owners == 1);
        must_read(b, 65, 1);
        stats = stats_of(b);
        must(stats.used == 64 && stats.head_offset == 128);
        must(stats.head_size == 10);
        must_read(b, 10, 2);
        stats = stats_of(b);
        must(stats.used == 0 && stats.head_offset == 192);
        must(stats.head_state == IPC_BUFFER_HEAD_EMPTY);
        must(stats.entries_written == 2);
    }
}

Test(unit, filler_at_the_head_is_told_from_an_entry)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);

        must_write(b, 320, 1);
        must_read(b, 320, 1);
        must_write(b, 256, 2); /* three blocks are left, four are needed */
        must(stats_of(b).head_state == IPC_BUFFER_HEAD_FILLER);
        must(stats_of(b).head_size == 0 && stats_of(b).used == 7 * 64);
        must(must_read(b, 256, 2) == 512);
    }
}

Test(unit, an_older_callers_struct_is_refused_and_untouched)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);

    for (size_t size = 0; size < sizeof(IpcBufferStats); size++) {
        IpcBufferStats stats;
        IpcBufferStatsResult r;

        memset(&stats, 0x5a, sizeof stats);
        stats.struct_size = size;
        r = ipc_buffer_stats(b, &stats);
        must_fail(r, IPC_ERR_TOO_SMALL);
        must(IpcBufferStatsResult_is_error_has_body(r.error));
        must(r.error.body.required_size == sizeof stats);
        must_fail(ipc_channel_stats(ch, &stats), IPC_ERR_TOO_SMALL);
        must(stats.struct_size == size);
        must(is_all((unsigned char *)&stats + sizeof size,
                    sizeof stats - sizeof size, 0x5a));
    }
}

Test(unit, a_newer_callers_struct_is_zeroed_beyond_what_is_known)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    struct {
        IpcBufferStats stats;
        unsigned char more[100];
        unsigned char guard[50];
    } newer;

    memset(&newer, 0x5a, sizeof newer);
    newer.stats.struct_size = sizeof newer.stats + sizeof newer.more;
    must_work(ipc_buffer_stats(b, &newer.stats));
    must(newer.stats.struct_size == sizeof newer.stats + sizeof newer.more);
    must(newer.stats.capacity == BLOCKS * 64);
    must(is_all(newer.more, sizeof newer.more, 0));
    must(is_all(newer.guard, sizeof newer.guard, 0x5a));
    must(is_all(newer.stats.reserved, sizeof newer.stats.reserved, 0));
}

/* Aborts one entry, and is stopped in writing the next. */
static pid_t child_that_stops(IpcBuffer *b)
{
    pid_t child = fork_child();
    int status;

    if (child == 0) {
        IpcReservation aborted, open;

        must_work(ipc_buffer_reserve(b, 10, &aborted));
        must_work(ipc_buffer_reserve(b, 10, &open));
        must_work(ipc_buffer_abort(b, &aborted));
        raise(SIGSTOP);
        fill(open.payload, 10, 1);
        must_work(ipc_buffer_commit(b, &open, 10));
        child_done();
    }
    must(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    return child;
}

Test(unit, who_holds_all_others_up_is_named)
{
    IpcBuffer *b = new_ring(8, 0, NULL);
    pid_t child = child_that_stops(b);
    uint64_t written = 0;

    must(stats_of(b).head_state == IPC_BUFFER_HEAD_FILLER);
    must(stats_of(b).head_owner_pid == child);
    must_be(try_to_read(b), IPC_ERR_NOT_READY);
    must(stats_of(b).head_state == IPC_BUFFER_HEAD_BUSY);
    while (ipc_buffer_write(b, "x", 1).ipc_status == IPC_OK)
        written++;
    must(written == 7);
    must(stats_of(b).head_owner_pid == child);
    must(ipc_buffer_recover(b).ipc_status == IPC_ERR_NOT_READY);
    must(kill(child, SIGCONT) == 0);
    must_succeed(child);
    must(stats_of(b).head_owner_pid == 0);
    must_read(b, 10, 1);
    for (; written > 0; written--)
        must_be(try_to_read(b), IPC_OK);
}

/* ---------------------------------------------------------------- a channel */

/* Of an observer, whose mapping is for reading only. */
static IpcBufferStats observed(void *memory, size_t size)
{
    void *view = mremap(memory, 0, size, MREMAP_MAYMOVE);
    IpcBufferStats stats;
    IpcBuffer *b;

    must(view != MAP_FAILED && mprotect(view, size, PROT_READ) == 0);
    b = result_of(ipc_buffer_observe(view, size));
    stats = stats_of(b);
    must_work(ipc_buffer_destroy(b));
    must(munmap(view, size) == 0);
    return stats;
}

Test(unit, observers_see_who_writes_and_who_reads)
{
    const uint32_t modes[] = {IPC_BUFFER_ONE_CONSUMER,
                              IPC_BUFFER_KNOWS_CONSUMERS};

    for (int i = 0; i < 2; i++) {
        void *memory;
        IpcChannel *ch = new_channel(BLOCKS, modes[i], &memory);
        size_t size = ring_size(BLOCKS, 8);
        pid_t pid;

        must(observed(memory, size).writers == 0);
        must_send(ch, 10, 1);
        must(observed(memory, size).writers == 1);
        must(observed(memory, size).readers == 0);
        pid = fork_child();
        if (pid == 0) {
            must_receive(ch, 10, 1);
            child_done();
        }
        must_succeed(pid);
        must(observed(memory, size).owners == 2); /* the dead one is there */
        must(observed(memory, size).writers == 1);
        must(observed(memory, size).readers == 1);
        must_work(ipc_channel_destroy(ch));
        must(observed(memory, size).writers == 0);
    }
}

Test(unit, readers_that_leave_no_slot_are_not_counted)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);

    must_write(b, 10, 1);
    must_read(b, 10, 1);
    must(stats_of(b).writers == 1 && stats_of(b).readers == 0);
}

Test(unit, observers_see_that_a_channel_is_closed)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        void *memory;
        IpcChannel *ch = new_channel(BLOCKS, mode, &memory);
        struct shm_region *region = memory;
        size_t size = ring_size(BLOCKS, 8);

        must(observed(memory, size).closed == IPC_BUFFER_OPEN);
        must_work(ipc_channel_close(ch));
        must(observed(memory, size).closed == IPC_BUFFER_CLOSED);
        /* As when he who closes is killed in the middle. */
        atomic_put_relaxed(&region->head.closed, 0);
        must(observed(memory, size).closed == IPC_BUFFER_CLOSING);
        must_work(ipc_channel_recover(ch, false));
        must(observed(memory, size).closed == IPC_BUFFER_CLOSED);
    }
}

/* Until somebody sleeps; at most so long, for a machine that is very busy. */
static void must_come_to_sleep(void *memory, bool readers)
{
    for (int i = 0; i < 1000; i++) {
        IpcBufferStats stats = observed(memory, ring_size(BLOCKS, 8));

        if (readers ? stats.sleeping_readers : stats.sleeping_writers) {
            must(!(readers ? stats.sleeping_writers : stats.sleeping_readers));
            return;
        }
        pause_ns(10 * MILLISECOND);
    }
    must_say(false, "nobody sleeps");
}

Test(unit, observers_see_which_side_sleeps)
{
    for (int readers = 0; readers < 2; readers++) {
        void *memory;
        IpcChannel *ch = new_channel(BLOCKS, 0, &memory);
        pid_t pid;

        must(!observed(memory, ring_size(BLOCKS, 8)).sleeping_readers);
        must(!observed(memory, ring_size(BLOCKS, 8)).sleeping_writers);
        if (!readers)
            must_send(ch, BLOCKS * 64, 1);
        pid = fork_child();
        if (pid == 0) {
            IpcEntry entry;

            if (readers)
                IPC_IGNORE(ipc_channel_read_with_timeout(ch, &entry, NULL));
            else
                IPC_IGNORE(ipc_channel_write_blocking(ch, "x", 1));
            child_done();
        }
        must_come_to_sleep(memory, readers);
        kill_child(pid);
    }
}
