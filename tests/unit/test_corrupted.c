/* SPDX-License-Identifier: MIT */
/*
 * Single words that cannot be true: each is found out, and changes nothing.
 */
#include "helpers.h"

enum { BLOCKS = 6, ONE_PRODUCER = 1 };

#define REGION_SIZE ring_size(BLOCKS, 8)

static void must_be_corrupted(const struct shm_region *region, IpcBuffer *b)
{
    unsigned char copy[8192], data[64];
    IpcEntry entry = {.offset = 77, .payload = data, .size = sizeof data};
    IpcBufferReadResult r;
    const IpcStatus corrupted = IPC_ERR_CORRUPTED;

    must(REGION_SIZE <= sizeof copy);
    memcpy(copy, region, REGION_SIZE);
    memset(data, 0x5a, sizeof data);
    r = ipc_buffer_read(b, &entry);
    must_fail(r, corrupted);
    must(IpcBufferReadResult_is_error_has_body(r.error));
    must_fail(ipc_buffer_read_array(b, data, 8, 8), corrupted);
    must_fail(ipc_buffer_read_batch(b, &entry, 1, data, 64), corrupted);
    must_fail(ipc_buffer_peek(b, &entry), corrupted);
    must_fail(ipc_buffer_skip(b, 64), corrupted);
    must_fail(ipc_buffer_recover(b), corrupted);
    must_fail(ipc_buffer_recover_force(b), corrupted);
    must(entry.offset == 77 && entry.size == sizeof data);
    must(is_all(data, sizeof data, 0x5a));
    must(memcmp(copy, region, REGION_SIZE) == 0);
}

/* Values that cannot be true in block 1 of 6, where five blocks are left: of
 * nothing, of one block too many, of more, and the largest. */
static uint32_t impossible_value(uint32_t state, uint32_t number)
{
    const uint32_t blocks[] = {0, 6, 7, CONTROL_VALUE_MAX};
    const uint32_t bytes[] = {0, 5 * 64 + 1, 6 * 64, CONTROL_VALUE_MAX};
    const uint32_t arrays[] = {control_array(0, 64),
                               control_array(8, 5 * 8 + 1),
                               control_array(5 * 64 + 1, 1), CONTROL_VALUE_MAX};

    if (state == CONTROL_READY)
        return bytes[number];
    return state == CONTROL_ARRAY ? arrays[number] : blocks[number];
}

/* One of the words that no honest process stores, or false after the last. */
static bool impossible_word(uint32_t number, uint32_t *value, uint32_t *state)
{
    *state = number / 4;
    *value = impossible_value(*state, number % 4);
    return *state < 16;
}

static bool is_skipped(uint32_t state)
{
    return state == CONTROL_FREE || state == CONTROL_BUSY;
}

/* To the entry behind it, and on. */
static void must_get_past(IpcBuffer *b)
{
    must(result_of(ipc_buffer_skip_force(b)) == 64);
    must_read(b, 30, 3);
    must_be(try_to_read(b), IPC_EMPTY);
    must_write(b, 40, 4);
    must_read(b, 40, 4);
}

Test(unit, a_control_word_that_cannot_be_true_is_corrupted_and_got_past)
{
    uint32_t value, state;

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (uint32_t i = 0; impossible_word(i, &value, &state); i++) {
            struct shm_region *region;
            IpcBuffer *b = new_ring(BLOCKS, mode, &region);
            uint64_t *word = control_of(region, 1);

            must_write(b, 10, 1);
            must_read(b, 10, 1);
            must_write(b, 20, 2);
            must_write(b, 30, 3);
            if (is_skipped(state))
                continue;
            *word = control_make(control_tag(*word), value,
                                 (enum control_state)state);
            must_be_corrupted(region, b);
            must_get_past(b);
        }
}

Test(unit, stats_call_a_control_word_that_cannot_be_true_corrupted)
{
    uint32_t value, state;

    for (uint32_t i = 0; impossible_word(i, &value, &state); i++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, 0, &region);
        uint64_t *word = control_of(region, 1);
        IpcBufferStats stats;

        must_write(b, 10, 1);
        must_read(b, 10, 1);
        must_write(b, 20, 2);
        if (is_skipped(state))
            continue;
        *word =
            control_make(control_tag(*word), value, (enum control_state)state);
        stats = stats_of(b);
        must_say(stats.head_state == IPC_BUFFER_HEAD_CORRUPTED,
                 "state %u value %u: head_state %u, head_size %llu", state,
                 value, stats.head_state, (unsigned long long)stats.head_size);
    }
}

/* An item is only of an array, and one that it has. */
Test(unit, a_head_whose_item_cannot_be_true_is_corrupted_and_got_past)
{
    const struct {
        uint32_t value;
        enum control_state state;
        uint64_t first; /* that cannot be true */
    } words[] = {{20, CONTROL_READY, 1},
                 {1, CONTROL_PAD, 1},
                 {1, CONTROL_SKIP, 1},
                 {control_array(20, 1), CONTROL_ARRAY, 1},
                 {control_array(8, 8), CONTROL_ARRAY, 8},
                 {control_array(1, 7), CONTROL_ARRAY, 7}};

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            for (uint64_t item = words[i].first; item < 64; item++) {
                struct shm_region *region;
                IpcBuffer *b = new_ring(BLOCKS, mode, &region);
                uint64_t *word = control_of(region, 1);

                must_write(b, 10, 1);
                must_read(b, 10, 1);
                must_write(b, 20, 2);
                must_write(b, 30, 3);
                *word = control_make(control_tag(*word), words[i].value,
                                     words[i].state);
                atomic_add_relaxed(&region->head.position,
                                   item * SHMIPC_HEAD_ITEM);
                must_be_corrupted(region, b);
                must(stats_of(b).head_state == IPC_BUFFER_HEAD_CORRUPTED);
                must_get_past(b);
            }
}

/* Where nothing is there is no array; so there must not be one when something
 * comes. */
Test(unit, an_item_at_the_end_of_the_ring_is_found_out_when_an_entry_comes)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);

        must_write(b, 10, 1);
        must_read(b, 10, 1);
        atomic_add_relaxed(&region->head.position, 5 * SHMIPC_HEAD_ITEM);
        must_be(try_to_read(b), IPC_EMPTY);
        must(stats_of(b).head_state == IPC_BUFFER_HEAD_EMPTY);
        must_write(b, 20, 2);
        must_be_corrupted(region, b);
        must_work(ipc_buffer_skip_force(b));
        must_be(try_to_read(b), IPC_EMPTY);
        must_write(b, 30, 3);
        must_read(b, 30, 3);
    }
}

/* The tail is what a peer can move; whether a reservation is open is this
 * process's own business. */
Test(unit, a_moved_tail_does_not_keep_the_one_producer_from_aborting)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, ONE_PRODUCER, &region);
    IpcReservation r;

    must_work(ipc_buffer_reserve(b, 64, &r));
    atomic_add_relaxed(&region->tail.position, 1);
    ipc_buffer_abort(b, &r);
    must_be(ipc_buffer_write(b, "x", 1).ipc_status, IPC_OK);
}

Test(unit, a_head_or_tail_that_cannot_be_true_is_corrupted)
{
    /* Three bits of index, of which 6 and 7 are none. */
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);
        uint64_t good;
        char byte = 0;

        must_write(b, 10, 1);
        must_read(b, 10, 1);
        must_write(b, 20, 2);
        good = atomic_get_relaxed(&region->head.position);
        for (uint64_t bad = 6; bad < 8; bad++) {
            atomic_put_relaxed(&region->head.position, 1 << 3 | bad);
            must_be_corrupted(region, b);
            must_fail(ipc_buffer_skip_force(b), IPC_ERR_CORRUPTED);
        }
        atomic_put_relaxed(&region->head.position, good);
        must_read(b, 20, 2);
        good = atomic_get_relaxed(&region->tail.position);
        for (uint64_t bad = 6; bad < 8; bad++) {
            IpcReservation r;
            struct iovec piece = {&byte, 1};

            atomic_put_relaxed(&region->tail.position, 1 << 3 | bad);
            must_fail(ipc_buffer_write(b, &byte, 1), IPC_ERR_CORRUPTED);
            must_fail(ipc_buffer_writev(b, &piece, 1), IPC_ERR_CORRUPTED);
            must_fail(ipc_buffer_reserve(b, 1, &r), IPC_ERR_CORRUPTED);
            must_fail(ipc_buffer_write_array(b, "xyz", 1, 3),
                      IPC_ERR_CORRUPTED);
        }
        atomic_put_relaxed(&region->tail.position, good);
        must_write(b, 30, 3);
        must_read(b, 30, 3);
    }
}

Test(unit, a_tail_far_from_the_head_never_lets_a_write_through)
{
    const uint64_t tails[] = {0, 7, 5 << 3, 1000 << 3, UINT64_MAX << 3};

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
            struct shm_region *region;
            IpcBuffer *b = new_ring(BLOCKS, mode, &region);
            IpcStatus status;
            char byte = 0;

            must_write(b, 10, 1);
            must_read(b, 10, 1);
            atomic_put_relaxed(&region->tail.position, tails[i]);
            status = ipc_buffer_write(b, &byte, 1).ipc_status;
            must(status == IPC_ERR_LOCKED || status == IPC_ERR_CORRUPTED ||
                 status == IPC_ERR_CLOSED);
        }
}

/* But for the number of the creation: test_anew.c has that. */
Test(unit, who_is_attached_does_not_look_at_the_header_again)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);

        must_write(b, 10, 0);
        memset(&region->identity, 0xff,
               offsetof(struct shm_identity, creation));
        memset(region->identity.reserved, 0xff,
               sizeof region->identity.reserved);
        must_read(b, 10, 0);
        for (uint64_t i = 0; i < 50; i++) {
            must_write(b, (size_t)i + 1, i);
            must_read(b, (size_t)i + 1, i);
        }
    }
}
