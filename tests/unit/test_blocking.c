/* SPDX-License-Identifier: MIT */
/*
 * Writers that wait for space, closing, and producers that died.
 */
#include "blocking.h"
#include <sched.h>

/* ------------------------------------------------------- waiting for space */

Test(unit, a_write_that_waits_gives_up_at_its_deadline)
{
    const struct timespec wait = {0, 30 * MILLISECOND};
    const struct timespec none = {0, 0};
    const struct timespec wrong[] = {{-1, 0}, {0, -1}, {0, SECOND}};
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    char byte = 1;
    struct iovec piece = {&byte, 1};
    IpcReservation r;
    int64_t start;

    fill_up(ch);
    start = now_ns();
    must_fail(ipc_channel_write_with_timeout(ch, "x", 1, &wait),
              IPC_ERR_TIMEOUT);
    must(now_ns() - start >= 30 * MILLISECOND);
    must_fail(ipc_channel_write_with_timeout(ch, "x", 1, &none),
              IPC_ERR_TIMEOUT);
    must_fail(ipc_channel_writev_with_timeout(ch, &piece, 1, &none),
              IPC_ERR_TIMEOUT);
    must_fail(ipc_channel_reserve_with_timeout(ch, 1, &r, &none),
              IPC_ERR_TIMEOUT);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        must_fail(ipc_channel_write_with_timeout(ch, "x", 1, &wrong[i]),
                  IPC_ERR_INVALID_ARGUMENT);
}

Test(unit, a_write_that_waits_refuses_what_can_never_be_done)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    unsigned char data[BLOCKS * 64 + 1] = {0};
    IpcReservation r;

    must_fail(ipc_channel_write_blocking(NULL, "x", 1),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_write_with_timeout(NULL, "x", 1, NULL),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_writev_with_timeout(NULL, NULL, 0, NULL),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_reserve_with_timeout(NULL, 1, &r, NULL),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_write_blocking(ch, NULL, 1),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_write_blocking(ch, "x", 0), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_write_blocking(ch, data, sizeof data),
              IPC_ERR_ENTRY_TOO_LARGE);
    must_fail(ipc_channel_reserve_with_timeout(ch, 1, NULL, NULL),
              IPC_ERR_INVALID_ARGUMENT);
}

static void *read_after_a_while(void *channel)
{
    IpcEntry entry;

    pause_ns(20 * MILLISECOND);
    must_work(ipc_channel_try_read(channel, &entry));
    free(entry.payload);
    return NULL;
}

Test(unit, a_waiting_write_goes_on_when_a_reader_makes_space)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = new_channel(BLOCKS, mode, NULL);
        pthread_t reader;
        IpcReservation r;

        fill_up(ch);
        must(pthread_create(&reader, NULL, read_after_a_while, ch) == 0);
        must_work(ipc_channel_write_blocking(ch, "y", 1));
        pthread_join(reader, NULL);
        must(pthread_create(&reader, NULL, read_after_a_while, ch) == 0);
        must_work(ipc_channel_reserve_with_timeout(ch, 1, &r, NULL));
        pthread_join(reader, NULL);
        must_work(ipc_channel_commit(ch, &r, 1));
    }
}

Test(unit, a_skip_makes_space_for_a_waiting_write)
{
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, 0, &memory);
    pid_t child;
    int status;

    fill_up(ch);
    child = fork_child();
    if (child == 0) {
        must_work(ipc_channel_write_blocking(ch, "y", 1));
        _exit(0);
    }
    pause_ns(20 * MILLISECOND);
    must_work(ipc_channel_skip(ch, 0));
    must(waitpid(child, &status, 0) == child && status == 0);
}

/* ---------------------------------------------------------------- for ever */

static void *write_after_a_while(void *channel)
{
    pause_ns(20 * MILLISECOND);
    must_work(ipc_channel_write(channel, "y", 1));
    return NULL;
}

/* Longer than the rounds of `quick`, after which a plain read gives up. */
Test(unit, reads_that_block_wait_until_there_is_an_entry)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = new_channel(BLOCKS, mode, NULL);
        char copy[8];
        IpcEntry entry = {.payload = copy, .size = sizeof copy};
        pthread_t writer = later(write_after_a_while, ch);

        must_work(ipc_channel_read_into_blocking(ch, &entry));
        must(entry.size == 1 && copy[0] == 'y');
        must_work(ipc_channel_write(ch, "z", 1));
        must_work(ipc_channel_read_into_blocking(ch, &entry));
        must(entry.size == 1 && copy[0] == 'z');
        pthread_join(writer, NULL);
        writer = later(write_after_a_while, ch);
        must_work(ipc_channel_peek_blocking(ch, &entry));
        must(entry.size == 1 && *(char *)entry.payload == 'y');
        must_work(ipc_channel_skip(ch, entry.offset));
        pthread_join(writer, NULL);
        writer = later(write_after_a_while, ch);
        must_work(ipc_channel_read_blocking(ch, &entry));
        must(entry.size == 1 && *(char *)entry.payload == 'y');
        free(entry.payload);
        pthread_join(writer, NULL);
    }
}

Test(unit, writes_that_block_wait_until_there_is_space)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = new_channel(BLOCKS, mode, NULL);
        struct iovec pieces[] = {{(char[]){'a'}, 1}, {(char[]){'b'}, 1}};
        pthread_t reader;
        IpcReservation r;

        fill_up(ch);
        reader = later(read_after_a_while, ch);
        must_work(ipc_channel_writev_blocking(ch, pieces, 2));
        pthread_join(reader, NULL);
        reader = later(read_after_a_while, ch);
        must_work(ipc_channel_reserve_blocking(ch, 1, &r));
        must_work(ipc_channel_commit(ch, &r, 1));
        pthread_join(reader, NULL);
    }
}

Test(unit, calls_that_wait_for_ever_refuse_what_can_never_be_done)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    IpcReservation r;
    IpcEntry entry = {.payload = NULL, .size = 1};

    must_fail(ipc_channel_writev_blocking(NULL, NULL, 1),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_reserve_blocking(NULL, 1, &r),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_read_blocking(NULL, &entry),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_read_into_blocking(NULL, &entry),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_peek_blocking(NULL, &entry),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_reserve_blocking(ch, 0, &r),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_read_blocking(ch, NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_read_into_blocking(ch, &entry),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_peek_blocking(ch, NULL), IPC_ERR_INVALID_ARGUMENT);
}

/* ----------------------------------------------------------------- closing */

Test(unit, what_was_written_before_the_closing_is_read_and_then_closed)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        const struct timespec wait = {1, 0};
        IpcChannel *ch = new_channel(BLOCKS, mode, NULL);
        char byte = 1;
        struct iovec piece = {&byte, 1};
        IpcReservation r;
        IpcEntry entry;

        must_send(ch, 100, 1);
        must_send(ch, 10, 2);
        must_work(ipc_channel_close(ch));
        must_work(ipc_channel_close(ch));
        must_fail(ipc_channel_write(ch, "x", 1), IPC_ERR_CLOSED);
        must_fail(ipc_channel_writev(ch, &piece, 1), IPC_ERR_CLOSED);
        must_fail(ipc_channel_reserve(ch, 1, &r), IPC_ERR_CLOSED);
        must_fail(ipc_channel_write_blocking(ch, "x", 1), IPC_ERR_CLOSED);
        must_receive(ch, 100, 1);
        must_receive(ch, 10, 2);
        must_fail(ipc_channel_try_read(ch, &entry), IPC_ERR_CLOSED);
        must_fail(ipc_channel_peek(ch, &entry), IPC_ERR_CLOSED);
        must_fail(ipc_channel_read(ch, &entry), IPC_ERR_CLOSED);
        must_fail(ipc_channel_read_with_timeout(ch, &entry, &wait),
                  IPC_ERR_CLOSED);
        must_work(ipc_channel_destroy(ch));
    }
}

Test(unit, a_closed_channel_is_closed_for_who_connects_later_and_for_stats)
{
    IpcBufferStats stats = {.struct_size = sizeof stats};
    IpcChannelConnectResult r;
    IpcEntry entry;
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, 0, &memory);

    must_send(ch, 10, 1);
    must_work(ipc_channel_close(ch));
    r = ipc_channel_connect(memory, quick);
    must_work(r);
    must_fail(ipc_channel_write(r.result, "x", 1), IPC_ERR_CLOSED);
    must_work(ipc_channel_stats(ch, &stats));
    must(stats.used == 64 && stats.tail_offset == 64);
    must_receive(r.result, 10, 1);
    must_fail(ipc_channel_try_read(r.result, &entry), IPC_ERR_CLOSED);
    must_fail(ipc_channel_close(NULL), IPC_ERR_INVALID_ARGUMENT);
}

Test(unit, a_reservation_that_is_open_at_the_closing_can_be_committed)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = new_channel(BLOCKS, mode, NULL);
        IpcReservation r;
        IpcEntry entry;

        must_work(ipc_channel_reserve(ch, 10, &r));
        must_work(ipc_channel_close(ch));
        if (!(mode & IPC_BUFFER_ONE_PRODUCER))
            must_fail(ipc_channel_try_read(ch, &entry), IPC_ERR_NOT_READY);
        fill(r.payload, 10, 3);
        must_work(ipc_channel_commit(ch, &r, 10));
        must_receive(ch, 10, 3);
        must_fail(ipc_channel_try_read(ch, &entry), IPC_ERR_CLOSED);
    }
}

static void *close_after_a_while(void *channel)
{
    pause_ns(30 * MILLISECOND);
    must_work(ipc_channel_close(channel));
    return NULL;
}

Test(unit, closing_wakes_who_is_blocked)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = new_channel(BLOCKS, mode, NULL);
        IpcChannel *full = new_channel(BLOCKS, mode, NULL);
        pthread_t closer;
        IpcEntry entry;

        must(pthread_create(&closer, NULL, close_after_a_while, ch) == 0);
        must_fail(ipc_channel_read_with_timeout(ch, &entry, NULL),
                  IPC_ERR_CLOSED);
        pthread_join(closer, NULL);
        fill_up(full);
        must(pthread_create(&closer, NULL, close_after_a_while, full) == 0);
        must_fail(ipc_channel_write_blocking(full, "x", 1), IPC_ERR_CLOSED);
        pthread_join(closer, NULL);
    }
}

/* Producers write until they are told; what they could write must be read. */
static void *write_until_closed(void *channel)
{
    uintptr_t count = 0;
    IpcStatus status;

    do {
        status = ipc_channel_write(channel, &count, sizeof count).ipc_status;
        count += status == IPC_OK;
        if (status == IPC_ERR_NO_SPACE_CONTIGUOUS)
            sched_yield();
    } while (status == IPC_OK || status == IPC_ERR_NO_SPACE_CONTIGUOUS ||
             status == IPC_ERR_LOCKED);
    must_be(status, IPC_ERR_CLOSED);
    return (void *)count;
}

Test(unit, nothing_is_committed_after_a_read_said_closed)
{
    for (int round = 0; round < 200; round++) {
        IpcChannel *ch = new_channel(16, 0, NULL);
        uintptr_t got = 0, written = 0;
        pthread_t producers[2];
        unsigned char copy[64];
        IpcStatus status;

        for (int i = 0; i < 2; i++)
            must(pthread_create(&producers[i], NULL, write_until_closed, ch) ==
                 0);
        do {
            IpcEntry entry = {.payload = copy, .size = sizeof copy};

            status = ipc_channel_try_read_into(ch, &entry).ipc_status;
            got += status == IPC_OK;
            if (status != IPC_OK)
                sched_yield();
            if (got >= (uintptr_t)round * 3)
                must_work(ipc_channel_close(ch));
        } while (status != IPC_ERR_CLOSED);
        for (int i = 0; i < 2; i++) {
            void *count;

            pthread_join(producers[i], &count);
            written += (uintptr_t)count;
        }
        must_say(got == written, "round %d: %lu of %lu", round,
                 (unsigned long)got, (unsigned long)written);
        must_work(ipc_channel_destroy(ch));
    }
}

/* ---------------------------------------------------------- dead producers */

static IpcChannel *channel_that_reports(void **memory)
{
    IpcChannelConfiguration configuration = quick;

    configuration.options = IPC_CHANNEL_REPORT_DEAD_PRODUCERS;
    return make_channel(BLOCKS, configuration, memory);
}

static pid_t child_that_writes(void *memory, bool leaves)
{
    pid_t child = fork_child();

    if (child == 0) {
        IpcChannelConnectResult r = ipc_channel_connect(memory, quick);

        must_work(r);
        must_send(r.result, 10, 1);
        if (leaves)
            must_work(ipc_channel_destroy(r.result));
        _exit(0);
    }
    return child;
}

static void reap(pid_t child)
{
    int status;

    must(waitpid(child, &status, 0) == child && status == 0);
}

Test(unit, a_blocked_read_reports_that_all_producers_died)
{
    const struct timespec wait = {0, 20 * MILLISECOND};
    IpcEntry entry;
    void *memory;
    IpcChannel *ch = channel_that_reports(&memory);

    must_fail(ipc_channel_read_with_timeout(ch, &entry, &wait),
              IPC_ERR_TIMEOUT); /* none has come yet */
    reap(child_that_writes(memory, false));
    must_receive(ch, 10, 1);
    must_fail(ipc_channel_read_with_timeout(ch, &entry, NULL),
              IPC_ERR_PRODUCERS_DEAD);
    must_fail(ipc_channel_read(ch, &entry), IPC_ERR_PRODUCERS_DEAD);
}

Test(unit, producers_that_left_or_live_are_not_reported_as_dead)
{
    const struct timespec wait = {0, 20 * MILLISECOND};
    IpcEntry entry;
    void *memory;
    IpcChannel *ch = channel_that_reports(&memory);

    reap(child_that_writes(memory, true));
    must_receive(ch, 10, 1);
    must_fail(ipc_channel_read_with_timeout(ch, &entry, &wait),
              IPC_ERR_TIMEOUT);
    reap(child_that_writes(memory, false));
    must_receive(ch, 10, 1);
    must_send(ch, 10, 2); /* this process produces, and lives */
    must_receive(ch, 10, 2);
    must_fail(ipc_channel_read_with_timeout(ch, &entry, &wait),
              IPC_ERR_TIMEOUT);
}

Test(unit, dead_producers_are_reported_only_to_who_asked)
{
    const struct timespec wait = {0, 20 * MILLISECOND};
    IpcEntry entry;
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, 0, &memory);

    reap(child_that_writes(memory, false));
    must_receive(ch, 10, 1);
    must_fail(ipc_channel_read_with_timeout(ch, &entry, &wait),
              IPC_ERR_TIMEOUT);
}

Test(unit, unknown_options_are_refused)
{
    IpcChannelConfiguration configuration = quick;
    void *memory = shared_memory(4096);

    configuration.options = UINT32_C(1) << 31;
    must_fail(ipc_channel_create(memory, 4096, configuration),
              IPC_ERR_INVALID_ARGUMENT);
    configuration = quick;
    configuration.reserved[3] = 1;
    must_fail(ipc_channel_create(memory, 4096, configuration),
              IPC_ERR_INVALID_ARGUMENT);
    configuration = quick;
    configuration.spin_ns = IPC_CHANNEL_NO_SPIN;
    must_work(ipc_channel_create(memory, 4096, configuration));
}
