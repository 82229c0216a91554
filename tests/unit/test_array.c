/* SPDX-License-Identifier: MIT */
/*
 * Entries of one size by one call.
 */
#include "arrays.h"

static void must_mismatch(IpcBuffer *b, size_t size, size_t needed,
                          uint64_t offset)
{
    unsigned char data[64];
    IpcBufferReadBatchResult r;

    memset(data, 0xa5, sizeof data);
    r = ipc_buffer_read_array(b, data, size, (int)(sizeof data / size));
    must_fail(r, IPC_ERR_SIZE_MISMATCH);
    must(r.error.body.required_size == needed);
    must(r.error.body.offset == offset);
    must(is_all(data, sizeof data, 0xa5));
}

/* Moves the empty ring on until the next entry begins at block `index`. */
static void go_to(IpcBuffer *b, uint64_t index)
{
    while (stats_of(b).tail_offset / 64 % BLOCKS != index) {
        must_write(b, 1, 0);
        must_read(b, 1, 0);
    }
}

/* --------------------------------------------------- every size and count */

enum { MOST = 200, SIZE_MOST = 200, SHIFTS = 1000 };

static unsigned char source[MOST * SIZE_MOST + SHIFTS];

static size_t take_one(IpcBuffer *b, const unsigned char *wanted, size_t size)
{
    unsigned char data[SIZE_MOST];
    IpcEntry entry = {.payload = data, .size = sizeof data};

    must_work(ipc_buffer_read(b, &entry));
    must(entry.size == size && memcmp(data, wanted, size) == 0);
    return 1;
}

static size_t take_peeked(IpcBuffer *b, const unsigned char *wanted,
                          size_t size)
{
    IpcEntry entry;

    must_work(ipc_buffer_peek(b, &entry));
    must(entry.size == size && memcmp(entry.payload, wanted, size) == 0);
    must((uintptr_t)entry.payload % 8 == 0);
    must_work(ipc_buffer_skip(b, entry.offset));
    return 1;
}

static size_t take_array(IpcBuffer *b, const unsigned char *wanted, size_t size,
                         size_t count)
{
    static unsigned char data[MOST * SIZE_MOST + 1];
    IpcBufferReadBatchResult r;

    data[count * size] = 0xa5;
    r = ipc_buffer_read_array(b, data, size, (int)count);
    must_work(r);
    must(r.result >= 1 && r.result <= count);
    must(memcmp(data, wanted, r.result * size) == 0);
    must(data[count * size] == 0xa5);
    return r.result;
}

static size_t take_batch(IpcBuffer *b, const unsigned char *wanted, size_t size,
                         size_t count)
{
    static uint64_t memory[MOST * (SIZE_MOST + 7) / 8];
    IpcEntry entries[MOST];
    IpcBufferReadBatchResult r =
        ipc_buffer_read_batch(b, entries, (int)count, memory, sizeof memory);

    must_work(r);
    must(r.result >= 1 && r.result <= count);
    for (size_t i = 0; i < r.result; i++) {
        must(entries[i].size == size);
        must(memcmp(entries[i].payload, wanted + i * size, size) == 0);
        must(i == 0 || entries[i].offset > entries[i - 1].offset);
    }
    return r.result;
}

/* Reads `count` entries, some this way, some that way. */
static void take_all(IpcBuffer *b, const unsigned char *wanted, size_t size,
                     size_t count, uint64_t *random)
{
    for (size_t done = 0; done < count;) {
        const unsigned char *next = wanted + done * size;
        size_t some = 1 + random_below(random, MOST);

        switch (random_below(random, 4)) {
        case 0:
            done += take_one(b, next, size);
            break;
        case 1:
            done += take_peeked(b, next, size);
            break;
        case 2:
            done += take_array(b, next, size, some);
            break;
        default:
            done += take_batch(b, next, size, some);
            break;
        }
        must(done <= count);
    }
}

Test(unit, arrays_come_out_in_order_however_they_are_read, .timeout = 60)
{
    fill(source, sizeof source, 1);
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(100, mode, NULL);
        uint64_t random = 7;

        for (size_t size = 1; size <= SIZE_MOST; size += SANITIZED ? 7 : 1)
            for (size_t count = 1; count <= MOST; count += SANITIZED ? 13 : 1) {
                const unsigned char *data =
                    source + random_below(&random, SHIFTS);

                for (size_t done = 0; done < count;) {
                    const unsigned char *next = data + done * size;
                    IpcBufferWriteBatchResult r = ipc_buffer_write_array(
                        b, next, size, (int)(count - done));

                    must_work(r);
                    must(r.result >= 1 && r.result <= count - done);
                    take_all(b, next, size, r.result, &random);
                    must_be(try_to_read(b), IPC_EMPTY);
                    done += r.result;
                }
            }
        must(stats_of(b).used == 0);
    }
}

/* ------------------------------------------------------------------ space */

Test(unit, small_entries_share_blocks)
{
    /* What 1024 bytes hold of each size, when an entry begins at a multiple of
     * 8 bytes and 64 share a claim. */
    static const struct {
        size_t size, fit;
    } cases[] = {{1, 128}, {7, 128}, {8, 128}, {9, 64},  {16, 64}, {17, 42},
                 {18, 42}, {32, 32}, {60, 16}, {64, 16}, {65, 14}, {100, 9}};

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
            size_t size = cases[i].size;
            size_t stride = (size + 7) / 8 * 8;

            must(must_write_array(b, size, 5, 1) == 5);
            must(stats_of(b).used == up_to_line(5 * stride));
            must(must_read_array(b, size, 20, 1) == 5);
            must(stats_of(b).used == 0);
            go_to(b, 0);
            must(must_write_array(b, size, size < 20 ? 200 : 40, 1) ==
                 cases[i].fit);
            must(stats_of(b).used == up_to_line(cases[i].fit * stride));
        }
}

Test(unit, an_array_takes_what_fits_and_says_how_many)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        IpcBufferWriteBatchResult r;

        must(must_write_array(b, 8, 200, 1) == 128);
        must(stats_of(b).used == RING);
        must(stats_of(b).entries_written == 128);
        r = ipc_buffer_write_array(b, source, 8, 200);
        must_fail(r, IPC_ERR_NO_SPACE_CONTIGUOUS);
        must(r.error.body.requested_size == 8);
        must(r.error.body.required_size == 64);
        must(r.error.body.offset == RING && r.error.body.free_space == 0);
        must(must_read_array(b, 8, 64, 1) == 64);
        must(must_write_array(b, 8, 200, 129) == 64);
        must(must_read_array(b, 8, 200, 65) == 128);
        must_be(try_to_read(b), IPC_EMPTY);
        must(stats_of(b).entries_written == 192);
    }
}

Test(unit, an_array_goes_on_behind_the_end_of_a_lap)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);

        /* Three blocks are left: they take eight entries to the last byte. */
        go_to(b, BLOCKS - 3);
        must(must_write_array(b, 24, 40, 1) == 40);
        must(stats_of(b).used == RING - 64);
        must(must_read_array(b, 24, 50, 1) == 40);
        /* Here one, whose second block is the last but one: filler follows,
         * which a read does not pass. */
        go_to(b, BLOCKS - 3);
        must(must_write_array(b, 100, 8, 1) == 8);
        must(stats_of(b).used == RING - 64);
        must(must_read_array(b, 100, 20, 1) == 1);
        must(must_read_array(b, 100, 20, 2) == 7);
        must_be(try_to_read(b), IPC_EMPTY);
        must(stats_of(b).used == 0);
    }
}

Test(unit, the_space_of_an_array_is_free_after_its_last_entry)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(8, mode, NULL);

        must(must_write_array(b, 8, 64, 1) == 64);
        for (uint64_t i = 0; i < 64; i++) {
            must(stats_of(b).used == 512);
            must_fail(ipc_buffer_write(b, "x", 1), IPC_ERR_NO_SPACE_CONTIGUOUS);
            must(must_read_array(b, 8, 1, 1 + i) == 1);
        }
        must(stats_of(b).used == 0);
        must_write(b, 512, 1);
        must_read(b, 512, 1);
    }
}

Test(unit, entries_too_large_for_an_array_are_written_one_by_one)
{
    const uint32_t blocks = 2 * (SHMIPC_ARRAY_ENTRY_MAX + 1) / 64;
    unsigned char *data = shared_memory(2 * (SHMIPC_ARRAY_ENTRY_MAX + 1));
    unsigned char *copy = shared_memory(2 * (SHMIPC_ARRAY_ENTRY_MAX + 1));

    memset(data, 0x5a, 2 * (SHMIPC_ARRAY_ENTRY_MAX + 1));
    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (size_t more = 0; more < 2; more++) {
            size_t size = SHMIPC_ARRAY_ENTRY_MAX + more;
            struct shm_region *region;
            IpcBuffer *b = new_ring(blocks, mode, &region);
            uint32_t state = more ? CONTROL_READY : CONTROL_ARRAY;

            data[0] = data[2 * size - 1] = (unsigned char)mode;
            must(ipc_buffer_write_array(b, data, size, 3).result == 2);
            must(control_state(*control_of(region, 0)) == state);
            must(ipc_buffer_read_array(b, copy, size, 3).result == 2);
            must(memcmp(data, copy, 2 * size) == 0);
            must_be(try_to_read(b), IPC_EMPTY);
            must_work(ipc_buffer_destroy(b));
            munmap(region, ring_size(blocks, 8));
        }
}

/* -------------------------------------------------------------- positions */

Test(unit, every_entry_of_an_array_has_an_offset_to_skip_it_by)
{
    static const size_t sizes[] = {1, 8, 9, 64, 65};

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
            size_t stride = (sizes[i] + 7) / 8 * 8;

            must_write(b, 1, 0);
            must_read(b, 1, 0);
            must(must_write_array(b, sizes[i], 7, 1) == 7);
            for (uint64_t j = 0; j < 7; j++) {
                IpcEntry entry;

                must_work(ipc_buffer_peek(b, &entry));
                must(entry.offset == 64 + j * stride);
                must(entry.size == sizes[i]);
                must(is_filled(entry.payload, entry.size, 1 + j));
                must_fail(ipc_buffer_skip(b, entry.offset + 8),
                          IPC_ERR_OFFSET_MISMATCH);
                must_fail(ipc_buffer_skip(b, entry.offset + 4),
                          IPC_ERR_INVALID_ARGUMENT);
                must_fail(ipc_buffer_skip(b, entry.offset - 8),
                          IPC_ERR_OFFSET_MISMATCH);
                must_work(ipc_buffer_skip(b, entry.offset));
                must_fail(ipc_buffer_skip(b, entry.offset),
                          IPC_ERR_OFFSET_MISMATCH);
            }
            must(stats_of(b).used == 0);
        }
}

Test(unit, an_array_read_goes_on_until_an_entry_of_another_size)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);

        must(must_write_array(b, 8, 5, 1) == 5);
        must_write(b, 8, 6);
        must_write(b, 8, 7);
        must(must_write_array(b, 8, 2, 8) == 2);
        must_write(b, 7, 10);
        must(must_write_array(b, 9, 3, 11) == 3);
        must(must_read_array(b, 8, 3, 1) == 3);
        must_mismatch(b, 9, 8, 24);
        must(must_read_array(b, 8, 100, 4) == 6);
        must_mismatch(b, 8, 7, 256);
        must_mismatch(b, 8, 7, 256);
        must_read(b, 7, 10);
        must_mismatch(b, 16, 9, 320);
        must_read(b, 9, 11);
        must_mismatch(b, 8, 9, 336);
        must(must_read_array(b, 9, 3, 12) == 2);
        must_be(ipc_buffer_read_array(b, source, 9, 1).ipc_status, IPC_EMPTY);
    }
}

Test(unit, stats_and_skip_force_see_single_entries_of_an_array)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);

        must(must_write_array(b, 12, 5, 1) == 5);
        for (uint64_t i = 0; i < 5; i++) {
            IpcBufferStats stats = stats_of(b);
            IpcBufferRecoverResult removed = ipc_buffer_recover(b);
            IpcBufferSkipForceResult skipped;

            must(stats.head_state == IPC_BUFFER_HEAD_READY);
            must(stats.head_size == 12 && stats.head_offset == 16 * i);
            must(stats.used == 128 && stats.tail_offset == 128);
            must(stats.entries_written == 5);
            must_work(removed);
            must(removed.result == 0);
            skipped = ipc_buffer_skip_force(b);
            must_work(skipped);
            must(skipped.result == 16 * i);
        }
        must_be(ipc_buffer_skip_force(b).ipc_status, IPC_EMPTY);
        must(stats_of(b).head_state == IPC_BUFFER_HEAD_EMPTY);
        must(stats_of(b).head_offset == 128 && stats_of(b).used == 0);
    }
}

/* -------------------------------------------------------------- arguments */

Test(unit, bad_arguments_write_nothing)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        const size_t size = ring_size(BLOCKS, 8);
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);
        unsigned char *before = malloc(size);
        IpcBufferWriteBatchResult r;

        must_write(b, 8, 1);
        must_read(b, 8, 1);
        must(before != NULL);
        memcpy(before, region, size);
        must_fail(ipc_buffer_write_array(NULL, source, 8, 1),
                  IPC_ERR_INVALID_ARGUMENT);
        for (int count = -1; count < 70; count++) {
            must_fail(ipc_buffer_write_array(b, NULL, 8, count),
                      IPC_ERR_INVALID_ARGUMENT);
            must_fail(ipc_buffer_write_array(b, source, 0, count),
                      IPC_ERR_INVALID_ARGUMENT);
        }
        must_fail(ipc_buffer_write_array(b, source, 8, 0),
                  IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_write_array(b, source, 8, -1),
                  IPC_ERR_INVALID_ARGUMENT);
        for (int count = 1; count < 70; count++) {
            r = ipc_buffer_write_array(b, source, RING + 1, count);
            must_fail(r, IPC_ERR_ENTRY_TOO_LARGE);
            must(r.error.body.requested_size == RING + 1);
            must_fail(ipc_buffer_write_array(b, source, SIZE_MAX, count),
                      IPC_ERR_ENTRY_TOO_LARGE);
        }
        must(memcmp(before, region, size) == 0);
        must_write(b, 8, 2);
        must_read(b, 8, 2);
        free(before);
    }
}

Test(unit, bad_arguments_read_nothing)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        unsigned char data[16];

        memset(data, 0xa5, sizeof data);
        must(must_write_array(b, 8, 2, 1) == 2);
        must_fail(ipc_buffer_read_array(NULL, data, 8, 2),
                  IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_read_array(b, NULL, 8, 2),
                  IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_read_array(b, data, 0, 2),
                  IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_read_array(b, data, 8, 0),
                  IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_read_array(b, data, 8, -1),
                  IPC_ERR_INVALID_ARGUMENT);
        must(is_all(data, sizeof data, 0xa5));
        must(must_read_array(b, 8, 2, 1) == 2);
    }
}

Test(unit, no_array_is_written_while_the_one_producer_has_a_reservation_open)
{
    IpcBuffer *b = new_ring(BLOCKS, ONE_PRODUCER, NULL);
    IpcReservation reservation;

    must_work(ipc_buffer_reserve(b, 8, &reservation));
    for (int count = 1; count < 70; count++)
        must_fail(ipc_buffer_write_array(b, source, 8, count),
                  IPC_ERR_ILLEGAL_STATE);
    must_work(ipc_buffer_abort(b, &reservation));
    must(must_write_array(b, 8, 3, 1) == 3);
    must(must_read_array(b, 8, 4, 1) == 3);
}

/* --------------------------------------------------------------- channels */

Test(unit, arrays_pass_through_channels_and_stop_where_they_are_closed)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = new_channel(BLOCKS, mode, NULL);
        struct timespec soon = as_timespec(MILLISECOND);
        unsigned char out[3 * 12], in[4 * 12];
        IpcChannelReadBatchResult r;

        fill_array(out, 12, 3, 1);
        must_be(ipc_channel_try_read_array(ch, in, 12, 4).ipc_status,
                IPC_EMPTY);
        must_fail(ipc_channel_read_array_with_timeout(ch, in, 12, 4, &soon),
                  IPC_ERR_TIMEOUT);
        must(ipc_channel_write_array(ch, out, 12, 3).result == 3);
        r = ipc_channel_read_array_with_timeout(ch, in, 8, 4, NULL);
        must_fail(r, IPC_ERR_SIZE_MISMATCH);
        must(r.error.body.required_size == 12 && r.error.body.offset == 0);
        r = ipc_channel_read_array_with_timeout(ch, in, 12, 2, NULL);
        must_work(r);
        must(r.result == 2 && memcmp(in, out, 24) == 0);
        must(ipc_channel_write_array(ch, out, 12, 1).result == 1);
        must_work(ipc_channel_close(ch));
        must_fail(ipc_channel_write_array(ch, out, 12, 3), IPC_ERR_CLOSED);
        r = ipc_channel_try_read_array(ch, in, 12, 4);
        must(r.result == 2 && memcmp(in, out + 24, 12) == 0);
        must(memcmp(in + 12, out, 12) == 0);
        must_fail(ipc_channel_try_read_array(ch, in, 12, 4), IPC_ERR_CLOSED);
        must_fail(ipc_channel_read_array_with_timeout(ch, in, 12, 4, NULL),
                  IPC_ERR_CLOSED);
    }
}

Test(unit, array_calls_of_channels_refuse_bad_arguments)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    struct timespec never = {0, -1};
    unsigned char data[16] = {0};

    must_fail(ipc_channel_write_array(NULL, data, 8, 1),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_write_array(ch, NULL, 8, 1),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_write_array(ch, data, 0, 2),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_write_array(ch, data, 8, 0),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_write_array(ch, data, 8, -1),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_write_array(ch, data, RING + 1, 1),
              IPC_ERR_ENTRY_TOO_LARGE);
    must(ipc_channel_write_array(ch, data, 8, 2).result == 2);
    must_fail(ipc_channel_try_read_array(NULL, data, 8, 1),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_try_read_array(ch, NULL, 8, 1),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_try_read_array(ch, data, 0, 1),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_try_read_array(ch, data, 8, -1),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_read_array_with_timeout(NULL, data, 8, 1, NULL),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_read_array_with_timeout(ch, data, 8, 0, NULL),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_read_array_with_timeout(ch, data, 8, 1, &never),
              IPC_ERR_INVALID_ARGUMENT);
    must(ipc_channel_try_read_array(ch, data, 8, 2).result == 2);
}

/* ------------------------------------------------------------------- laps */

/* In these laps the words inside arrays are renewed, or tags begin anew. */
Test(unit, arrays_of_several_blocks_pass_laps_of_any_number)
{
    const uint64_t starts[] = {0xfffe, 0x1fffe, 0x7ffffffe, 0xfffffffe,
                               0xffffffffff0};

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
            struct shm_region *region;
            IpcBuffer *b = new_ring(BLOCKS, mode, &region);

            must_work(ipc_buffer_destroy(b));
            set_lap(region, BLOCKS, starts[i]);
            b = attach_to(region);
            for (uint64_t j = 0; j < 100; j++) {
                size_t size = (size_t)(1 + j * 37 % 100);
                size_t done;

                must_write(b, 150, j);
                done = must_write_array(b, size, 40, j);
                must_read(b, 150, j);
                for (size_t k = 0; k < done; k++)
                    must(must_read_array(b, size, 1, j + k) == 1);
                must_be(try_to_read(b), IPC_EMPTY);
            }
            must(stats_of(b).head_offset > starts[i] * RING);
        }
}

/* A word inside an array is stored by nobody else for as long as arrays begin
 * at the same place. */
Test(unit, blocks_inside_arrays_are_usable_after_very_many_laps)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(3, mode, NULL);

        for (int i = 0; i < 140000; i++) {
            must(ipc_buffer_write_array(b, source, 8, 24).result == 24);
            must(ipc_buffer_read_array(b, source, 8, 24).result == 24);
        }
        for (uint64_t i = 0; i < 7; i++) {
            must_write(b, 64, i);
            must_read(b, 64, i);
        }
    }
}
