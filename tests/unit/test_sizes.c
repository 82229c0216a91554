/* SPDX-License-Identifier: MIT */
/*
 * Every size at every place of small rings, and many laps.
 */
#include "helpers.h"

enum { MAX_BLOCKS = 9, GUARD = 64, ONE_CONSUMER = 2 };

static const unsigned char guard_byte = 0xa5;

/* A ring in memory of just its size, between guards, and what is read from it
 * likewise. */
struct bench {
    IpcBuffer *buffer;
    unsigned char *memory;
    size_t size;
    uint32_t blocks;
};

static struct bench make_bench(uint32_t blocks, uint32_t mode)
{
    struct bench bench = {.size = ring_size(blocks, 1), .blocks = blocks};

    bench.memory = aligned_alloc(64, up_to_line(bench.size + 2 * GUARD));
    must(bench.memory != NULL);
    memset(bench.memory, guard_byte, bench.size + 2 * GUARD);
    bench.buffer = make_ring(bench.memory + GUARD, blocks, 1, mode);
    must(stats_of(bench.buffer).capacity == (uint64_t)blocks * 64);
    return bench;
}

static void drop_bench(struct bench *bench)
{
    must(is_all(bench->memory, GUARD, guard_byte));
    must(is_all(bench->memory + GUARD + bench->size, GUARD, guard_byte));
    must_work(ipc_buffer_destroy(bench->buffer));
    free(bench->memory);
}

/* Reads an entry into memory that is exactly as large. */
static void read_exactly(IpcBuffer *b, size_t size, uint64_t seed)
{
    unsigned char data[MAX_BLOCKS * 64 + 2 * GUARD];
    IpcEntry entry = {.payload = data + GUARD, .size = size};

    memset(data, guard_byte, sizeof data);
    must_work(ipc_buffer_read(b, &entry));
    must(entry.size == size && is_filled(data + GUARD, size, seed));
    must(is_all(data, GUARD, guard_byte));
    must(is_all(data + GUARD + size, sizeof data - GUARD - size, guard_byte));
}

/* Moves the empty ring on until the next entry begins at block `index`. */
static void go_to(IpcBuffer *b, uint32_t blocks, uint32_t index)
{
    while (stats_of(b).tail_offset / 64 % blocks != index) {
        must_write(b, 1, 0);
        must_read(b, 1, 0);
    }
}

/* Into an empty ring anything fits, in one-consumer mode perhaps only after
 * the consumer has passed the filler at the end of the lap. */
static void write_into_empty(IpcBuffer *b, uint32_t mode, const void *data,
                             size_t size)
{
    IpcStatus status = ipc_buffer_write(b, data, size).ipc_status;

    if (status == IPC_ERR_NO_SPACE_CONTIGUOUS && (mode & ONE_CONSUMER)) {
        must_be(try_to_read(b), IPC_EMPTY);
        status = ipc_buffer_write(b, data, size).ipc_status;
    }
    must_be(status, IPC_OK);
}

Test(unit, every_size_is_whole_at_every_place_of_small_rings)
{
    unsigned char data[MAX_BLOCKS * 64];

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (uint32_t blocks = 1; blocks <= MAX_BLOCKS; blocks++) {
            struct bench bench = make_bench(blocks, mode);

            for (uint32_t index = 0; index < blocks; index++)
                for (size_t size = 1; size <= blocks * 64; size++) {
                    uint64_t seed = size * 16 + index;

                    go_to(bench.buffer, blocks, index);
                    fill(data, size, seed);
                    write_into_empty(bench.buffer, mode, data, size);
                    read_exactly(bench.buffer, size, seed);
                    must_be(try_to_read(bench.buffer), IPC_EMPTY);
                    must(stats_of(bench.buffer).used == 0);
                }
            drop_bench(&bench);
        }
}

Test(unit, every_size_can_be_reserved_at_every_place_of_small_rings)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (uint32_t blocks = 1; blocks <= MAX_BLOCKS; blocks++) {
            struct bench bench = make_bench(blocks, mode);
            IpcBuffer *b = bench.buffer;

            for (uint32_t index = 0; index < blocks; index++)
                for (size_t size = 1; size <= blocks * 64; size += 9) {
                    IpcReservation r;
                    IpcEntry entry;

                    go_to(b, blocks, index);
                    if (ipc_buffer_reserve(b, size, &r).ipc_status != IPC_OK) {
                        must(mode & ONE_CONSUMER);
                        must_be(try_to_read(b), IPC_EMPTY);
                        must_work(ipc_buffer_reserve(b, size, &r));
                    }
                    must((unsigned char *)r.payload >= bench.memory + GUARD);
                    must((unsigned char *)r.payload + size <=
                         bench.memory + GUARD + bench.size);
                    fill(r.payload, size, size);
                    must_work(ipc_buffer_commit(b, &r, size));
                    must_work(ipc_buffer_peek(b, &entry));
                    must(entry.payload == r.payload && entry.size == size);
                    must(entry.offset == r.offset);
                    must(is_filled(entry.payload, size, size));
                    must_work(ipc_buffer_skip(b, entry.offset));
                }
            drop_bench(&bench);
        }
}

/* Two entries at once: the second one ends up behind the first, after filler,
 * or has to wait for space; the first one is never hurt. */
Test(unit, two_entries_of_any_blocks_never_touch_each_other)
{
    unsigned char one[MAX_BLOCKS * 64], two[MAX_BLOCKS * 64];

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (uint32_t blocks = 2; blocks <= MAX_BLOCKS; blocks++) {
            struct bench bench = make_bench(blocks, mode);
            uint32_t cases = blocks * blocks * blocks;

            for (uint32_t i = 0; i < cases; i++) {
                size_t first = (i % blocks + 1) * 64 - i % 3;
                size_t second = (i / blocks % blocks + 1) * 64 - i % 5;
                IpcStatus status;

                go_to(bench.buffer, blocks, i / blocks / blocks);
                fill(one, first, i);
                fill(two, second, i + 1);
                write_into_empty(bench.buffer, mode, one, first);
                status = ipc_buffer_write(bench.buffer, two, second).ipc_status;
                read_exactly(bench.buffer, first, i);
                if (status != IPC_OK) {
                    must_be(status, IPC_ERR_NO_SPACE_CONTIGUOUS);
                    must_be(try_to_read(bench.buffer), IPC_EMPTY);
                    write_into_empty(bench.buffer, mode, two, second);
                }
                read_exactly(bench.buffer, second, i + 1);
                must_be(try_to_read(bench.buffer), IPC_EMPTY);
            }
            drop_bench(&bench);
        }
}

Test(unit, the_largest_entry_always_fits_once_readers_have_drained)
{
    unsigned char data[40 * 64];

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (uint32_t blocks = 1; blocks <= 40; blocks++) {
            struct bench bench = make_bench(blocks, mode);
            IpcBuffer *b = bench.buffer;
            size_t size = (size_t)ipc_buffer_max_entry_size(b);

            must(size == blocks * 64);
            for (uint32_t index = 0; index < blocks; index++) {
                IpcEntry entry;

                go_to(b, blocks, index);
                must_write(b, 1, 1);
                fill(data, size, index);
                must_fail(ipc_buffer_write(b, data, size),
                          IPC_ERR_NO_SPACE_CONTIGUOUS);
                must_read(b, 1, 1);
                write_into_empty(b, mode, data, size);
                must_work(ipc_buffer_peek(b, &entry));
                must(entry.size == size);
                must(is_filled(entry.payload, size, index));
                must_work(ipc_buffer_skip(b, entry.offset));
            }
            drop_bench(&bench);
        }
}

Test(unit, a_ring_of_single_blocks_can_be_filled_to_the_last_one)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (uint32_t blocks = 1; blocks <= MAX_BLOCKS; blocks++) {
            struct bench bench = make_bench(blocks, mode);
            IpcBuffer *b = bench.buffer;

            for (uint32_t index = 0; index < blocks; index++) {
                go_to(b, blocks, index);
                for (uint64_t i = 0; i < blocks; i++)
                    must_write(b, 64, i);
                must(stats_of(b).used == blocks * 64);
                must_fail(ipc_buffer_write(b, "x", 1),
                          IPC_ERR_NO_SPACE_CONTIGUOUS);
                for (uint64_t i = 0; i < blocks; i++)
                    must_read(b, 64, i);
                must_be(try_to_read(b), IPC_EMPTY);
            }
            drop_bench(&bench);
        }
}

/* ------------------------------------------------------------------ laps */

/* Blocks that stay inside entries for a long time keep words of old laps;
 * when an entry begins there again, they must still be told apart. */
Test(unit, blocks_inside_entries_are_usable_after_very_many_laps)
{
    const uint32_t laps = 70000;
    unsigned char data[3 * 64];

    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct bench bench = make_bench(3, mode);

        for (int round = 0; round < 2; round++) {
            for (uint32_t i = 0; i < laps; i++) {
                fill(data, 8, i);
                must_work(ipc_buffer_write(bench.buffer, data, sizeof data));
                must_be(ipc_buffer_skip_force(bench.buffer).ipc_status, IPC_OK);
            }
            for (uint64_t i = 0; i < 7; i++) {
                must_write(bench.buffer, 64, i);
                must_read(bench.buffer, 64, i);
            }
            go_to(bench.buffer, 3, 0);
        }
        drop_bench(&bench);
    }
}

Test(unit, laps_may_pass_32_bits)
{
    const uint64_t starts[] = {0xffff - 3, 0x10000 - 1, 0x7ffffff0,
                               0xfffffff0, 0x1fffffff0, 0xffffffffff0};

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (uint32_t blocks = 1; blocks <= MAX_BLOCKS; blocks++)
            for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
                struct bench bench = make_bench(blocks, mode);
                struct shm_region *region = (void *)(bench.memory + GUARD);
                uint64_t offset = 0;

                set_lap(region, blocks, starts[i]);
                ipc_buffer_destroy(bench.buffer);
                bench.buffer = attach_to(region);
                must_be(try_to_read(bench.buffer), IPC_EMPTY);
                for (uint64_t j = 0; j < 60 * blocks; j++) {
                    size_t size = (size_t)(j * 29 % (blocks * 32) + 1);
                    uint64_t at;

                    must_write(bench.buffer, size, j);
                    at = must_read(bench.buffer, size, j);
                    must(j == 0 || at > offset);
                    offset = at;
                }
                must(offset >= starts[i] * blocks * 64 - 64);
                drop_bench(&bench);
            }
}

/* ----------------------------------------------------------- larger rings */

Test(unit, larger_rings_of_any_block_count_carry_all_sizes)
{
    const uint32_t counts[] = {63, 64, 65, 127, 128, 100, 1000, 1024, 4099};

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            struct bench bench = make_bench(counts[c], mode);
            IpcBuffer *b = bench.buffer;
            size_t limit = (size_t)counts[c] * 64;
            unsigned char *data = malloc(limit);
            const size_t sizes[] = {1,         63,        64,
                                    65,        limit / 3, limit / 2,
                                    limit - 1, limit,     limit / 2 + 1};

            must(data != NULL);
            for (size_t i = 0; i < 45; i++) {
                size_t size = sizes[i % 9];
                IpcEntry entry = {.payload = data, .size = limit};

                fill(data, size, i);
                write_into_empty(b, mode, data, size);
                memset(data, 0, size);
                must_work(ipc_buffer_read(b, &entry));
                must(entry.size == size && is_filled(data, size, i));
            }
            free(data);
            drop_bench(&bench);
        }
}
