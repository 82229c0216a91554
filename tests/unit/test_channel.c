/* SPDX-License-Identifier: MIT */
/*
 * The channel's calls one by one, without anybody who has to be waited for.
 */
#include "helpers.h"

#include "channels.h"

enum { BLOCKS = 8 };

Test(unit, an_int_that_was_written_is_read)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = new_channel(BLOCKS, mode, NULL);
        IpcEntry entry; /* uninitialised, as the interface allows */
        int number = 123;

        must_work(ipc_channel_write(ch, &number, sizeof number));
        must_work(ipc_channel_read(ch, &entry));
        must(entry.size == sizeof number && entry.offset == 0);
        must(memcmp(entry.payload, &number, sizeof number) == 0);
        free(entry.payload);
        must_work(ipc_channel_destroy(ch));
    }
}

Test(unit, every_read_ignores_what_the_destination_held)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    const struct timespec second = {1, 0};

    for (int kind = 0; kind < 3; kind++) {
        IpcEntry entry;
        IpcStatus status;

        memset(&entry, 0xff, sizeof entry);
        must_send(ch, 100, 1);
        if (kind == 0)
            status = ipc_channel_read(ch, &entry).ipc_status;
        else if (kind == 1)
            status = ipc_channel_try_read(ch, &entry).ipc_status;
        else
            status =
                ipc_channel_read_with_timeout(ch, &entry, &second).ipc_status;
        must_be(status, IPC_OK);
        must(entry.size == 100 && is_filled(entry.payload, 100, 1));
        /* It is the caller's: writing and freeing it harms nobody. */
        memset(entry.payload, 0, 100);
        free(entry.payload);
    }
}

Test(unit, reads_that_find_nothing_clear_the_payload_and_nothing_else)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = new_channel(BLOCKS, mode, NULL);
        const struct timespec zero = {0, 0}, soon = {0, 1000000};
        IpcEntry entry, expected;

        memset(&entry, 0x5a, sizeof entry);
        expected = entry;
        expected.payload = NULL;
        must_be(ipc_channel_try_read(ch, &entry).ipc_status, IPC_EMPTY);
        must_fail(ipc_channel_read(ch, &entry), IPC_ERR_RETRY_LIMIT);
        must_fail(ipc_channel_read_with_timeout(ch, &entry, &zero),
                  IPC_ERR_TIMEOUT);
        must_fail(ipc_channel_read_with_timeout(ch, &entry, &soon),
                  IPC_ERR_TIMEOUT);
        must_be(ipc_channel_peek(ch, &entry).ipc_status, IPC_EMPTY);
        must_fail(ipc_channel_peek_with_timeout(ch, &entry, &soon),
                  IPC_ERR_TIMEOUT);
        must(memcmp(&entry, &expected, sizeof entry) == 0);
    }
}

Test(unit, reads_into_memory_of_the_caller_tell_the_size_they_need)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = new_channel(BLOCKS, mode, NULL);
        const struct timespec second = {1, 0};
        unsigned char data[100];
        IpcEntry entry = {.offset = 7, .payload = data, .size = 99};
        IpcChannelReadResult read;
        IpcChannelTryReadResult tried;
        IpcChannelReadWithTimeoutResult timed;

        for (uint64_t i = 0; i < 3; i++)
            must_send(ch, 100, i);
        read = ipc_channel_read_into(ch, &entry);
        must_fail(read, IPC_ERR_TOO_SMALL);
        must(read.error.body.required_size == 100);
        must(read.error.body.offset == 0);
        tried = ipc_channel_try_read_into(ch, &entry);
        must_fail(tried, IPC_ERR_TOO_SMALL);
        must(tried.error.body.required_size == 100);
        timed = ipc_channel_read_into_with_timeout(ch, &entry, &second);
        must_fail(timed, IPC_ERR_TOO_SMALL);
        must(timed.error.body.required_size == 100);
        must(entry.offset == 7 && entry.payload == data && entry.size == 99);
        entry.size = 100;
        must_work(ipc_channel_read_into(ch, &entry));
        must(is_filled(data, 100, 0) && entry.offset == 0);
        must_work(ipc_channel_try_read_into(ch, &entry));
        must(is_filled(data, 100, 1) && entry.offset == 128);
        must_work(ipc_channel_read_into_with_timeout(ch, &entry, &second));
        must(is_filled(data, 100, 2) && entry.size == 100);
        must(entry.payload == data);
        must_be(ipc_channel_try_read_into(ch, &entry).ipc_status, IPC_EMPTY);
        must_fail(ipc_channel_read_into(ch, &entry), IPC_ERR_RETRY_LIMIT);
    }
}

Test(unit, null_is_an_invalid_argument_everywhere)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    const struct timespec zero = {0, 0};
    const IpcStatus invalid = IPC_ERR_INVALID_ARGUMENT;
    char byte = 0;
    IpcEntry entry = {.payload = &byte, .size = 1};
    IpcEntry nowhere = {.payload = NULL, .size = 1};
    struct iovec piece = {&byte, 1};
    IpcReservation reservation;
    IpcBufferStats stats = {.struct_size = sizeof stats};

    memset(&reservation, 0, sizeof reservation);
    must(ipc_channel_max_entry_size(NULL) == 0);
    must_fail(ipc_channel_destroy(NULL), invalid);
    must_fail(ipc_channel_write(NULL, &byte, 1), invalid);
    must_fail(ipc_channel_write(ch, NULL, 1), invalid);
    must_fail(ipc_channel_write(ch, &byte, 0), invalid);
    must_fail(ipc_channel_writev(NULL, &piece, 1), invalid);
    must_fail(ipc_channel_writev(ch, NULL, 1), invalid);
    must_fail(ipc_channel_writev(ch, &piece, 0), invalid);
    must_fail(ipc_channel_reserve(NULL, 1, &reservation), invalid);
    must_fail(ipc_channel_reserve(ch, 1, NULL), invalid);
    must_fail(ipc_channel_reserve(ch, 0, &reservation), invalid);
    must_fail(ipc_channel_commit(NULL, &reservation, 1), invalid);
    must_fail(ipc_channel_commit(ch, NULL, 1), invalid);
    must_fail(ipc_channel_commit(ch, &reservation, 1), invalid);
    must_fail(ipc_channel_abort(NULL, &reservation), invalid);
    must_fail(ipc_channel_abort(ch, NULL), invalid);
    must_fail(ipc_channel_read(NULL, &entry), invalid);
    must_fail(ipc_channel_read(ch, NULL), invalid);
    must_fail(ipc_channel_read_with_timeout(NULL, &entry, &zero), invalid);
    must_fail(ipc_channel_read_with_timeout(NULL, &entry, NULL), invalid);
    must_fail(ipc_channel_read_with_timeout(ch, NULL, &zero), invalid);
    must_fail(ipc_channel_try_read(NULL, &entry), invalid);
    must_fail(ipc_channel_try_read(ch, NULL), invalid);
    must_fail(ipc_channel_read_into(NULL, &entry), invalid);
    must_fail(ipc_channel_read_into(ch, NULL), invalid);
    must_fail(ipc_channel_read_into(ch, &nowhere), invalid);
    must_fail(ipc_channel_read_into_with_timeout(NULL, &entry, &zero), invalid);
    must_fail(ipc_channel_read_into_with_timeout(ch, NULL, &zero), invalid);
    must_fail(ipc_channel_read_into_with_timeout(ch, &nowhere, &zero), invalid);
    must_fail(ipc_channel_try_read_into(NULL, &entry), invalid);
    must_fail(ipc_channel_try_read_into(ch, NULL), invalid);
    must_fail(ipc_channel_try_read_into(ch, &nowhere), invalid);
    must_fail(ipc_channel_peek(NULL, &entry), invalid);
    must_fail(ipc_channel_peek(ch, NULL), invalid);
    must_fail(ipc_channel_peek_with_timeout(NULL, &entry, &zero), invalid);
    must_fail(ipc_channel_peek_with_timeout(ch, NULL, &zero), invalid);
    must_fail(ipc_channel_skip(NULL, 0), invalid);
    must_fail(ipc_channel_skip(ch, 3), invalid);
    must_fail(ipc_channel_skip_force(NULL), invalid);
    must_fail(ipc_channel_recover(NULL, false), invalid);
    must_fail(ipc_channel_recover(NULL, true), invalid);
    must_fail(ipc_channel_stats(NULL, &stats), invalid);
    must_fail(ipc_channel_stats(ch, NULL), invalid);
}

static void must_refuse(IpcChannelConfiguration configuration)
{
    const IpcStatus invalid = IPC_ERR_INVALID_ARGUMENT;
    unsigned char memory[4096];
    unsigned char *good = shared_memory(4096);
    unsigned char copy[4096];

    memset(memory, 0x5a, sizeof memory);
    must_fail(ipc_channel_create(memory, sizeof memory, configuration),
              invalid);
    must(is_all(memory, sizeof memory, 0x5a));
    must_work(ipc_channel_create(good, 4096, quick));
    memcpy(copy, good, 4096);
    configuration.flags = 0;
    configuration.max_owners = 0;
    must_fail(ipc_channel_connect(good, configuration), invalid);
    must_fail(ipc_channel_connect_sized(good, 4096, configuration), invalid);
    must(memcmp(copy, good, 4096) == 0);
    munmap(good, 4096);
}

Test(unit, an_impossible_configuration_is_refused)
{
    IpcChannelConfiguration c;

    c = quick, c.max_round_trips = 0, must_refuse(c);
    c = quick, c.start_sleep_ns = 0, must_refuse(c);
    c = quick, c.start_sleep_ns = -1, must_refuse(c);
    c = quick, c.max_sleep_ns = 0, must_refuse(c);
    c = quick, c.max_sleep_ns = -5, must_refuse(c);
    c = quick, c.max_sleep_ns = c.start_sleep_ns - 1, must_refuse(c);
    c = quick, c.wait = IPC_WAIT_WATCHED + 1, must_refuse(c);
    c = quick, c.options = 32, must_refuse(c);
    c = quick, c.wait = UINT32_MAX, must_refuse(c);
    c = quick, c.memory_fd = 1, must_refuse(c);
    c = quick, c.reserved32 = 1, must_refuse(c);
    for (size_t i = 0; i < sizeof c.reserved / sizeof c.reserved[0]; i++)
        c = quick, c.reserved[i] = 1, must_refuse(c);
}

Test(unit, create_refuses_bad_memory_flags_and_owners)
{
    IpcChannelConfiguration c = quick;
    unsigned char memory[4096];
    IpcChannelResult r;

    memset(memory, 0x5a, sizeof memory);
    must_fail(ipc_channel_create(NULL, 4096, quick), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_create(memory, 0, quick), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_create(memory, SIZE_MAX, quick),
              IPC_ERR_INVALID_ARGUMENT);
    r = ipc_channel_create(memory, 100, quick);
    must_fail(r, IPC_ERR_INVALID_ARGUMENT);
    must(IpcChannelResult_is_error_has_body(r.error));
    must(r.error.body.min_size > 100 && r.error.body.requested_size == 100);
    c.flags = 4;
    must_fail(ipc_channel_create(memory, 4096, c), IPC_ERR_INVALID_ARGUMENT);
    c = quick, c.max_owners = 4097;
    must_fail(ipc_channel_create(memory, 4096, c), IPC_ERR_INVALID_ARGUMENT);
    must(is_all(memory, sizeof memory, 0x5a));
}

Test(unit, connect_ignores_the_creators_part_of_the_configuration)
{
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, 0, &memory);
    IpcChannelConfiguration c = quick;
    IpcChannelConnectResult r;

    must_send(ch, 10, 1);
    c.flags = 0xffff & ~(IPC_BUFFER_RECREATE | IPC_BUFFER_HAS_MEMORY_FD);
    c.max_owners = 100000;
    r = ipc_channel_connect(memory, c);
    must_work(r);
    must_receive(r.result, 10, 1);
    must_work(ipc_channel_destroy(r.result));
    r = ipc_channel_connect_sized(memory, ring_size(BLOCKS, 8), quick);
    must_work(r);
    must_fail(
        ipc_channel_connect_sized(memory, ring_size(BLOCKS, 8) - 1, quick),
        IPC_ERR_TRUNCATED);
    must_fail(ipc_channel_connect(NULL, quick), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_connect_sized(memory, 0, quick),
              IPC_ERR_INVALID_ARGUMENT);
}

Test(unit, a_channel_tells_what_the_buffer_tells)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    IpcBufferStats stats = {.struct_size = sizeof stats};
    unsigned char data[BLOCKS * 64 + 1] = {0};
    struct iovec pieces[2] = {{data, 10}, {data + 10, 20}};
    IpcChannelSkipForceResult forced;
    IpcChannelSkipResult skipped;
    IpcChannelWriteResult w;
    IpcReservation r;
    IpcEntry entry;

    must(ipc_channel_max_entry_size(ch) == BLOCKS * 64);
    must_fail(ipc_channel_write(ch, data, sizeof data),
              IPC_ERR_ENTRY_TOO_LARGE);
    must_work(ipc_channel_writev(ch, pieces, 2));
    must_work(ipc_channel_peek(ch, &entry));
    must(entry.size == 30 && entry.offset == 0);
    must_fail(ipc_channel_skip(ch, 64), IPC_ERR_OFFSET_MISMATCH);
    skipped = ipc_channel_skip(ch, 0);
    must_work(skipped);
    must(skipped.result == 0);
    must_fail(ipc_channel_skip(ch, 0), IPC_ERR_OFFSET_MISMATCH);
    must_be(ipc_channel_skip(ch, 64).ipc_status, IPC_EMPTY);
    must_be(ipc_channel_skip_force(ch).ipc_status, IPC_EMPTY);
    must_work(ipc_channel_reserve(ch, 100, &r));
    must_fail(ipc_channel_try_read(ch, &entry), IPC_ERR_NOT_READY);
    must_fail(ipc_channel_recover(ch, false), IPC_ERR_NOT_READY);
    must_fail(ipc_channel_recover(ch, true), IPC_ERR_NOT_READY);
    must_fail(ipc_channel_skip_force(ch), IPC_ERR_LOCKED);
    must_fail(ipc_channel_commit(ch, &r, 101), IPC_ERR_INVALID_ARGUMENT);
    must_work(ipc_channel_commit(ch, &r, 99));
    must_fail(ipc_channel_commit(ch, &r, 99), IPC_ERR_ILLEGAL_STATE);
    forced = ipc_channel_skip_force(ch);
    must_work(forced);
    must(forced.result == 64);
    must_work(ipc_channel_reserve(ch, 100, &r));
    must_work(ipc_channel_abort(ch, &r));
    must_fail(ipc_channel_abort(ch, &r), IPC_ERR_ILLEGAL_STATE);
    must_be(ipc_channel_try_read(ch, &entry).ipc_status, IPC_EMPTY);
    must(result_of(ipc_channel_recover(ch, false)) == 0);
    must_work(ipc_channel_stats(ch, &stats));
    must(stats.entries_written == 2 && stats.used == 0);
    stats.struct_size = 8;
    must_fail(ipc_channel_stats(ch, &stats), IPC_ERR_TOO_SMALL);
    for (int i = 0; i < BLOCKS; i++)
        must_work(ipc_channel_write(ch, data, 64));
    w = ipc_channel_write(ch, data, 64);
    must_fail(w, IPC_ERR_NO_SPACE_CONTIGUOUS);
    must(IpcChannelWriteResult_is_error_has_body(w.error));
    must(w.error.body.free_space == 0 && w.error.body.requested_size == 64);
    must_fail(ipc_channel_writev(ch, pieces, 2), IPC_ERR_NO_SPACE_CONTIGUOUS);
    must_fail(ipc_channel_reserve(ch, 1, &r), IPC_ERR_NO_SPACE_CONTIGUOUS);
}

Test(unit, a_timeout_that_is_no_time_is_refused)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    const struct timespec bad[] = {
        {-1, 0},
        {0, -1},
        {0, 1000000000},
        {5, LONG_MAX},
        {-1, 999999999},
        {0, LONG_MIN},
        {(time_t)((uint64_t)1 << 63), 0},
    };
    IpcEntry entry;

    memset(&entry, 0x5a, sizeof entry);
    for (int with_entry = 0; with_entry < 2; with_entry++) {
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            must_fail(ipc_channel_read_with_timeout(ch, &entry, &bad[i]),
                      IPC_ERR_INVALID_ARGUMENT);
            must_fail(ipc_channel_read_into_with_timeout(ch, &entry, &bad[i]),
                      IPC_ERR_INVALID_ARGUMENT);
            must_fail(ipc_channel_peek_with_timeout(ch, &entry, &bad[i]),
                      IPC_ERR_INVALID_ARGUMENT);
            must(is_all(&entry, sizeof entry, 0x5a));
        }
        must_send(ch, 10, 1);
    }
}

Test(unit, whatever_the_timeout_an_entry_that_is_there_comes_at_once)
{
    for (uint32_t wait = 0; wait <= IPC_WAIT_SLEEP; wait++) {
        const struct timespec times[] = {
            {0, 0}, {0, 1}, {1, 0}, {INT64_MAX, 999999999}, {INT64_MAX / 2, 0}};
        IpcChannel *ch = new_channel_waiting(BLOCKS, wait, NULL);

        for (size_t i = 0; i <= 5; i++) {
            const struct timespec *timeout = i < 5 ? &times[i] : NULL;
            IpcEntry entry;

            must_send(ch, 20, i);
            must_work(ipc_channel_peek_with_timeout(ch, &entry, timeout));
            must(is_filled(entry.payload, 20, i));
            must_work(ipc_channel_read_with_timeout(ch, &entry, timeout));
            must(is_filled(entry.payload, 20, i));
            free(entry.payload);
        }
    }
}

/* A write to a full channel finds out by itself, now and then, that the
 * producer whose claim is in the way is dead. */
Test(unit, a_writer_makes_space_from_what_a_dead_producer_holds)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    struct gate *gate = make_gate();
    pid_t child = fork_child();
    char data[64] = {0};

    if (child == 0) {
        IpcReservation r;

        must_work(ipc_channel_reserve(ch, BLOCKS * 64, &r));
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    for (int i = 0; i < 500; i++)
        must_fail(ipc_channel_write(ch, data, 64), IPC_ERR_NO_SPACE_CONTIGUOUS);
    kill_child(child);
    for (int i = 0; i < 500; i++) {
        IpcStatus status = ipc_channel_write(ch, data, 64).ipc_status;

        if (status == IPC_OK)
            return;
        must_be(status, IPC_ERR_NO_SPACE_CONTIGUOUS);
    }
    must_say(false, "the dead producer's claim stays for ever");
}

Test(unit, try_read_gets_past_a_dead_producer)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    struct gate *gate = make_gate();
    pid_t child = fork_child();
    IpcStatus status = IPC_ERR_NOT_READY;
    IpcEntry entry;

    if (child == 0) {
        IpcReservation r;

        must_work(ipc_channel_reserve(ch, 200, &r));
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    must_send(ch, 30, 1);
    for (int i = 0; i < 500; i++)
        must_fail(ipc_channel_try_read(ch, &entry), IPC_ERR_NOT_READY);
    kill_child(child);
    for (int i = 0; i < 500 && status != IPC_OK; i++)
        status = ipc_channel_try_read(ch, &entry).ipc_status;
    must_be(status, IPC_OK);
    must(entry.size == 30 && is_filled(entry.payload, 30, 1));
    free(entry.payload);
}
