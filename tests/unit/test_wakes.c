/* SPDX-License-Identifier: MIT */
/*
 * Whom each call wakes. Nobody sleeps here: the flag that sleepers set is set
 * by hand, and who wakes them clears it and changes the word they sleep on.
 */
#include "channels.h"

enum { BLOCKS = 8, READ = 5 * 64, LARGE = 6 * 64, SLEEPER = 1 };

static IpcChannel *ch;
static struct shm_region *region;
static const struct timespec soon = {.tv_nsec = 1000};

static void start(uint32_t mode)
{
    void *memory;

    ch = new_channel(BLOCKS, mode, &memory);
    region = memory;
}

/* Whether the call wakes who sleeps on that side. */
static bool wakes(struct shm_wait *wait, void (*call)(void))
{
    uint32_t before = atomic_get_relaxed(&wait->sequence);

    atomic_put_relaxed(&wait->sleepers, SLEEPER);
    call();
    return atomic_get_relaxed(&wait->sleepers) == 0 &&
           atomic_get_relaxed(&wait->sequence) != before;
}

struct call {
    const char *name;
    void (*make)(void);
};

#define CALL(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }
#define COUNT(calls) (sizeof(calls) / sizeof(calls)[0])

/* ---------------------------------------------------------------- writes */

static char byte = 1;
static char large[LARGE];
static const struct iovec pieces[2] = {{&byte, 1}, {&byte, 1}};
static IpcReservation reservation;

static void write_one(void)
{
    must_work(ipc_channel_write(ch, &byte, 1));
}

static void writev_one(void)
{
    must_work(ipc_channel_writev(ch, pieces, 2));
}

static void write_a_batch(void)
{
    must_work(ipc_channel_write_batch(ch, pieces, 2));
}

static void write_an_array(void)
{
    must_work(ipc_channel_write_array(ch, large, 8, 2));
}

static void write_with_timeout(void)
{
    must_work(ipc_channel_write_with_timeout(ch, &byte, 1, &soon));
}

static void writev_with_timeout(void)
{
    must_work(ipc_channel_writev_with_timeout(ch, pieces, 2, &soon));
}

static void write_blocking(void)
{
    must_work(ipc_channel_write_blocking(ch, &byte, 1));
}

static void commit(void)
{
    must_work(ipc_channel_commit(ch, &reservation, 1));
}

static void abort_one(void)
{
    must_work(ipc_channel_abort(ch, &reservation));
}

static void close_it(void)
{
    must_work(ipc_channel_close(ch));
}

Test(unit, every_call_that_writes_wakes_readers)
{
    static const struct call calls[] = {
        CALL(write_one),      CALL(writev_one),
        CALL(write_a_batch),  CALL(write_an_array),
        CALL(write_blocking), CALL(write_with_timeout),
        CALL(commit),         CALL(writev_with_timeout),
        CALL(close_it),
    };

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (size_t i = 0; i < COUNT(calls); i++) {
            start(mode);
            /* The second time it may take the short path. */
            for (int again = 0; again < 2; again++) {
                if (calls[i].make == commit)
                    must_work(ipc_channel_reserve(ch, 1, &reservation));
                must_say(wakes(&region->readers, calls[i].make),
                         "%s in mode %u", calls[i].name, mode);
            }
        }
}

/* What was committed behind the reservation can be read now. */
Test(unit, giving_up_a_reservation_wakes_readers)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode += IPC_BUFFER_ONE_CONSUMER) {
        start(mode);
        must_work(ipc_channel_reserve(ch, 1, &reservation));
        must_send(ch, 10, 1);
        must(wakes(&region->readers, abort_one));
        must_receive(ch, 10, 1);
    }
}

/* With many consumers a writer may pass what becomes filler. */
Test(unit, giving_up_a_reservation_wakes_writers)
{
    start(0);
    must_work(ipc_channel_reserve(ch, 1, &reservation));
    must(wakes(&region->writers, abort_one));
    must_fail(ipc_channel_abort(ch, &reservation), IPC_ERR_ILLEGAL_STATE);
}

static void destroy(void)
{
    must_work(ipc_channel_destroy(ch));
}

Test(unit, destroying_the_last_handle_wakes_who_waits_for_its_reservations)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode += IPC_BUFFER_ONE_CONSUMER) {
        start(mode);
        must_work(ipc_channel_reserve(ch, 1, &reservation));
        must(wakes(&region->readers, destroy));
        start(mode);
        must_work(ipc_channel_reserve(ch, 1, &reservation));
        must(wakes(&region->writers, destroy));
    }
}

Test(unit, closing_wakes_writers)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        start(mode);
        must(wakes(&region->writers, close_it));
    }
}

/* ------------------------------------------ writes that only leave filler */

static void write_more_than_the_rest(void)
{
    must_be(ipc_channel_write(ch, large, LARGE).ipc_status,
            IPC_ERR_NO_SPACE_CONTIGUOUS);
}

static void writev_more_than_the_rest(void)
{
    const struct iovec one = {large, LARGE};

    must_be(ipc_channel_writev(ch, &one, 1).ipc_status,
            IPC_ERR_NO_SPACE_CONTIGUOUS);
}

static void reserve_more_than_the_rest(void)
{
    must_be(ipc_channel_reserve(ch, LARGE, &reservation).ipc_status,
            IPC_ERR_NO_SPACE_CONTIGUOUS);
}

static void batch_of_more_than_the_rest(void)
{
    const struct iovec two[2] = {{large, LARGE}, {large, LARGE}};

    must_be(ipc_channel_write_batch(ch, two, 2).ipc_status,
            IPC_ERR_NO_SPACE_CONTIGUOUS);
}

static void array_of_more_than_the_rest(void)
{
    must_be(ipc_channel_write_array(ch, large, LARGE, 1).ipc_status,
            IPC_ERR_NO_SPACE_CONTIGUOUS);
}

static void wait_for_more_than_the_rest(void)
{
    must_be(ipc_channel_write_with_timeout(ch, large, LARGE, &soon).ipc_status,
            IPC_ERR_TIMEOUT);
}

/* The entry needs space that is there once the one consumer has passed the
 * filler, which nobody else may. */
Test(unit, a_write_that_only_leaves_filler_wakes_the_reader)
{
    static const struct call calls[] = {
        CALL(write_more_than_the_rest),    CALL(writev_more_than_the_rest),
        CALL(reserve_more_than_the_rest),  CALL(batch_of_more_than_the_rest),
        CALL(array_of_more_than_the_rest), CALL(wait_for_more_than_the_rest),
    };

    for (uint32_t mode = IPC_BUFFER_ONE_CONSUMER; mode < ALL_MODES; mode++)
        for (size_t i = 0; i < COUNT(calls); i++) {
            start(mode);
            must_send(ch, READ, 1);
            must_receive(ch, READ, 1);
            must_say(wakes(&region->readers, calls[i].make), "%s in mode %u",
                     calls[i].name, mode);
        }
}

static void write_around_the_end(void)
{
    must_work(ipc_channel_write(ch, large, READ));
}

/* The entry has filler in front of it, which any writer may pass where head is
 * moved by CAS. */
Test(unit, a_write_that_leaves_filler_wakes_writers)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        bool passes = !(mode & IPC_BUFFER_ONE_CONSUMER);

        start(mode);
        must(!wakes(&region->writers, write_one));
        start(mode);
        must_send(ch, READ, 1);
        must_receive(ch, READ, 1);
        must(wakes(&region->writers, write_around_the_end) == passes);
    }
}

/* ----------------------------------------------------------------- reads */

static char copy[LARGE];

static IpcEntry *into(size_t size)
{
    static IpcEntry entry;

    entry.payload = copy;
    entry.size = size;
    return &entry;
}

static void must_free(IpcStatus status, IpcEntry *entry)
{
    must_be(status, IPC_OK);
    free(entry->payload);
}

static void read_one(void)
{
    IpcEntry entry;

    must_free(ipc_channel_read(ch, &entry).ipc_status, &entry);
}

static void read_with_timeout(void)
{
    IpcEntry entry;

    must_free(ipc_channel_read_with_timeout(ch, &entry, &soon).ipc_status,
              &entry);
}

static void try_read(void)
{
    IpcEntry entry;

    must_free(ipc_channel_try_read(ch, &entry).ipc_status, &entry);
}

static void read_into(void)
{
    must_work(ipc_channel_read_into(ch, into(sizeof copy)));
}

static void read_into_with_timeout(void)
{
    must_work(ipc_channel_read_into_with_timeout(ch, into(sizeof copy), &soon));
}

static void try_read_into(void)
{
    must_work(ipc_channel_try_read_into(ch, into(sizeof copy)));
}

static void try_read_a_batch(void)
{
    IpcEntry entry;

    must_work(ipc_channel_try_read_batch(ch, &entry, 1, copy, sizeof copy));
}

static void read_a_batch_with_timeout(void)
{
    IpcEntry entry;

    must_work(ipc_channel_read_batch_with_timeout(ch, &entry, 1, copy,
                                                  sizeof copy, &soon));
}

static void try_read_an_array(void)
{
    must_work(ipc_channel_try_read_array(ch, copy, 1, 1));
}

static void read_an_array_with_timeout(void)
{
    must_work(ipc_channel_read_array_with_timeout(ch, copy, 1, 1, &soon));
}

static void skip(void)
{
    must_work(ipc_channel_skip(ch, 0));
}

static void skip_force(void)
{
    must_work(ipc_channel_skip_force(ch));
}

Test(unit, every_call_that_takes_an_entry_wakes_writers)
{
    static const struct call calls[] = {
        CALL(read_one),
        CALL(read_with_timeout),
        CALL(try_read),
        CALL(read_into),
        CALL(read_into_with_timeout),
        CALL(try_read_into),
        CALL(try_read_a_batch),
        CALL(read_a_batch_with_timeout),
        CALL(try_read_an_array),
        CALL(read_an_array_with_timeout),
        CALL(skip),
        CALL(skip_force),
    };

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (size_t i = 0; i < COUNT(calls); i++) {
            start(mode);
            write_one();
            must_say(wakes(&region->writers, calls[i].make), "%s in mode %u",
                     calls[i].name, mode);
        }
}

static void write_two_blocks(void)
{
    must_work(ipc_channel_write(ch, large, SHMIPC_BLOCK + 1));
}

/* The first of each enters with the handle, and so takes a longer way. */
Test(unit, entries_of_more_than_a_block_wake_both_sides)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        start(mode);
        write_one();
        read_into();
        must_say(wakes(&region->readers, write_two_blocks), "in mode %u", mode);
        must_say(wakes(&region->writers, read_into), "in mode %u", mode);
    }
}

/* Somebody who may read as well is faster. */
static void skip_what_is_gone(void)
{
    must_fail(ipc_channel_skip(ch, 0), IPC_ERR_OFFSET_MISMATCH);
}

/* ------------------------------------------- reads that only pass filler */

static void read_nothing(void)
{
    must_be(ipc_channel_read_into(ch, into(1)).ipc_status, IPC_ERR_RETRY_LIMIT);
}

static void read_nothing_with_timeout(void)
{
    must_be(ipc_channel_read_into_with_timeout(ch, into(1), &soon).ipc_status,
            IPC_ERR_TIMEOUT);
}

static void try_to_read_nothing(void)
{
    must_be(ipc_channel_try_read_into(ch, into(1)).ipc_status, IPC_EMPTY);
}

static void peek_at_nothing(void)
{
    IpcEntry entry;

    must_be(ipc_channel_peek(ch, &entry).ipc_status, IPC_EMPTY);
}

static void wait_and_peek_at_nothing(void)
{
    IpcEntry entry;

    must_be(ipc_channel_peek_with_timeout(ch, &entry, &soon).ipc_status,
            IPC_ERR_TIMEOUT);
}

static void batch_of_nothing(void)
{
    IpcEntry entry;

    must_be(ipc_channel_try_read_batch(ch, &entry, 1, copy, 1).ipc_status,
            IPC_EMPTY);
}

static void array_of_nothing(void)
{
    must_be(ipc_channel_try_read_array(ch, copy, 1, 1).ipc_status, IPC_EMPTY);
}

static void skip_what_is_not_there(void)
{
    must_be(ipc_channel_skip(ch, 1 << 20).ipc_status, IPC_ERR_OFFSET_MISMATCH);
}

static void skip_force_of_nothing(void)
{
    must_be(ipc_channel_skip_force(ch).ipc_status, IPC_EMPTY);
}

/* A reservation that was given up, at the head. */
static void start_with_filler(uint32_t mode)
{
    start(mode);
    must_work(ipc_channel_reserve(ch, 64, &reservation));
    abort_one();
}

Test(unit, a_read_that_only_passes_filler_wakes_writers)
{
    static const struct call calls[] = {
        CALL(read_nothing),
        CALL(read_nothing_with_timeout),
        CALL(try_to_read_nothing),
        CALL(peek_at_nothing),
        CALL(wait_and_peek_at_nothing),
        CALL(batch_of_nothing),
        CALL(array_of_nothing),
        CALL(skip_what_is_gone),
        CALL(skip_what_is_not_there),
        CALL(skip_force_of_nothing),
    };

    for (uint32_t mode = 0; mode < ALL_MODES; mode += IPC_BUFFER_ONE_CONSUMER)
        for (size_t i = 0; i < COUNT(calls); i++) {
            start_with_filler(mode);
            must_say(wakes(&region->writers, calls[i].make), "%s in mode %u",
                     calls[i].name, mode);
        }
}

static void read_with_too_little_room(void)
{
    must_be(ipc_channel_try_read_into(ch, into(1)).ipc_status,
            IPC_ERR_TOO_SMALL);
}

static void wait_with_too_little_room(void)
{
    must_be(ipc_channel_read_into(ch, into(1)).ipc_status, IPC_ERR_TOO_SMALL);
}

static void batch_with_too_little_room(void)
{
    IpcEntry entry;

    must_be(ipc_channel_try_read_batch(ch, &entry, 1, copy, 1).ipc_status,
            IPC_ERR_TOO_SMALL);
}

static void array_of_another_size(void)
{
    must_be(ipc_channel_try_read_array(ch, copy, 1, 1).ipc_status,
            IPC_ERR_SIZE_MISMATCH);
}

static void peek_behind_it(void)
{
    must_work(ipc_channel_peek(ch, into(0)));
}

Test(unit, a_read_that_passes_filler_but_leaves_the_entry_wakes_writers)
{
    static const struct call calls[] = {
        CALL(read_with_too_little_room),
        CALL(wait_with_too_little_room),
        CALL(batch_with_too_little_room),
        CALL(array_of_another_size),
        CALL(peek_behind_it),
        CALL(skip_what_is_not_there),
    };

    for (uint32_t mode = 0; mode < ALL_MODES; mode += IPC_BUFFER_ONE_CONSUMER)
        for (size_t i = 0; i < COUNT(calls); i++) {
            start_with_filler(mode);
            must_send(ch, 10, 1);
            must_say(wakes(&region->writers, calls[i].make), "%s in mode %u",
                     calls[i].name, mode);
        }
}

/* ---------------------------------------------------------------- repairs */

static void recover(void)
{
    IpcChannelRecoverResult r = ipc_channel_recover(ch, false);

    must_work(r);
    must(r.result > 0);
}

/* A reader on its way to sleep, which repairs and then reads on. */
static void blocked_read(void)
{
    must_work(ipc_channel_read_into(ch, into(10)));
}

/* A producer that died before it could say whose the block is, and an
 * entry behind it. */
static void start_with_a_gap(uint32_t mode)
{
    start(mode);
    atomic_add_relaxed(&region->tail.position, 1);
    must_send(ch, 10, 1);
}

Test(unit, recovery_wakes_writers)
{
    start_with_a_gap(0);
    must(wakes(&region->writers, recover));
}

Test(unit, who_removes_what_a_dead_producer_left_wakes_other_readers)
{
    static const struct call calls[] = {CALL(recover), CALL(blocked_read)};

    for (uint32_t mode = 0; mode < ALL_MODES; mode += IPC_BUFFER_ONE_CONSUMER)
        for (size_t i = 0; i < COUNT(calls); i++) {
            start_with_a_gap(mode);
            must_say(wakes(&region->readers, calls[i].make), "%s in mode %u",
                     calls[i].name, mode);
        }
}
