/* SPDX-License-Identifier: MIT */
/*
 * Create on every kind of memory, good and bad. Attach: test_attach.c.
 */
#include "helpers.h"

enum { MIB = 1 << 20 };

/* Memory between two guards, at any address. */
struct area {
    unsigned char *start; /* aligned to 64 */
    size_t room;
};

enum { GUARD = 128 };

static struct area make_area(size_t room)
{
    struct area area = {NULL, room + 2 * GUARD + 64};

    area.start = aligned_alloc(64, up_to_line(area.room));
    must(area.start != NULL);
    return area;
}

static unsigned char *wipe(struct area *area, size_t shift)
{
    memset(area->start, 0xa5, area->room);
    return area->start + GUARD + shift;
}

/* Nothing outside mem[0..size) has changed. */
static bool guards_hold(const struct area *area, const unsigned char *mem,
                        size_t size)
{
    const unsigned char *end = area->start + area->room;

    return is_all(area->start, (size_t)(mem - area->start), 0xa5) &&
           is_all(mem + size, (size_t)(end - mem) - size, 0xa5);
}

static void exchange_entries(IpcBuffer *b)
{
    size_t size = (size_t)ipc_buffer_max_entry_size(b);

    if (size > 4096)
        size = 4096;
    must(size >= 64);
    for (uint64_t i = 0; i < 3; i++) {
        must_write(b, size, i);
        must_read(b, size, i);
    }
}

Test(unit, any_size_at_any_address_is_formatted_or_refused_without_a_trace)
{
    struct area area = make_area(2100);

    for (size_t shift = 0; shift < 64; shift++) {
        for (size_t size = 1; size < 2100; size += 1 + shift % 7) {
            unsigned char *mem = wipe(&area, shift);
            IpcBufferCreateResult r = ipc_buffer_create(mem, size);

            if (r.ipc_status != IPC_OK) {
                must_fail(r, IPC_ERR_INVALID_ARGUMENT);
                must(IpcBufferCreateResult_is_error_has_body(r.error));
                must(r.error.body.requested_size == size);
                must(r.error.body.min_size > size);
                must(guards_hold(&area, mem, 0));
                continue;
            }
            exchange_entries(r.result);
            must_work(ipc_buffer_destroy(r.result));
            must(guards_hold(&area, mem, size));
        }
    }
    free(area.start);
}

/* As docs/design.md says. A ring has more owners the more blocks it has. */
Test(unit, small_memory_holds_many_small_messages_and_two_owners)
{
    enum { FIXED = 320, LINE = 64 };
    _Alignas(64) static unsigned char memory[20000];
    const size_t two = up_to_line(2 * sizeof(struct shm_owner));
    uint32_t owners = 0;
    IpcBufferCreateResult r = ipc_buffer_create(memory, 1);

    must_fail(r, IPC_ERR_INVALID_ARGUMENT);
    must(r.error.body.min_size == FIXED + two + 2 * LINE);
    r = ipc_buffer_create(memory + 1, 1024);
    must_work(r);
    must(stats_of(r.result).max_owners == 2);
    /* A line of control words is for up to 8 blocks. */
    must(stats_of(r.result).capacity ==
         (1024 - 63 - FIXED - two - LINE) / LINE * LINE);
    must_work(ipc_buffer_destroy(r.result));
    for (size_t size = FIXED + two + 2 * LINE; size <= sizeof memory; size++) {
        IpcBufferStats stats;

        r = ipc_buffer_create(memory, size);
        must_work(r);
        stats = stats_of(r.result);
        must(stats.max_owners >= owners && stats.max_owners >= 2);
        must(stats.capacity < 64 * LINE || stats.max_owners >= 8);
        owners = stats.max_owners;
        must_work(ipc_buffer_destroy(r.result));
    }
    must(owners > 8);
}

Test(unit, min_size_suffices_and_one_byte_less_does_not)
{
    const uint32_t owners[] = {0, 1, 2, 3, 8, 9, 64, 4096};
    struct area area = make_area(280000);

    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        for (size_t shift = 0; shift < 64; shift++) {
            IpcBufferOptions options = {.struct_size = sizeof options,
                                        .max_owners = owners[i]};
            unsigned char *mem = area.start + GUARD + shift;
            IpcBufferCreateResult r;
            size_t size;

            r = ipc_buffer_create_with_options(mem, 1, &options);
            must_fail(r, IPC_ERR_INVALID_ARGUMENT);
            size = (size_t)r.error.body.min_size;
            r = ipc_buffer_create_with_options(mem, size - 1, &options);
            must_fail(r, IPC_ERR_INVALID_ARGUMENT);
            must(r.error.body.min_size == size);
            r = ipc_buffer_create_with_options(mem, size, &options);
            must_work(r);
            must(stats_of(r.result).max_owners == (owners[i] ? owners[i] : 2));
            exchange_entries(r.result);
            must_work(ipc_buffer_destroy(r.result));
        }
    }
    free(area.start);
}

Test(unit, align_size_is_enough_for_one_entry_or_many_at_any_address)
{
    struct area area = make_area(20000);

    for (size_t capacity = 0; capacity <= 9000; capacity += 1 + capacity / 50) {
        size_t size = (size_t)ipc_buffer_align_size(capacity);

        must(size < 20000);
        for (size_t shift = 0; shift < 64; shift += 1 + capacity % 9) {
            unsigned char *mem = wipe(&area, shift);
            IpcBufferCreateResult r = ipc_buffer_create(mem, size);

            must_work(r);
            must(ipc_buffer_max_entry_size(r.result) >= capacity);
            for (size_t i = 0; i < capacity / 64; i++)
                must_write(r.result, 64, i);
            for (size_t i = 0; i < capacity / 64; i++)
                must_read(r.result, 64, i);
            must_work(ipc_buffer_destroy(r.result));
            must(guards_hold(&area, mem, size));
        }
    }
    free(area.start);
}

Test(unit, align_size_grows_with_capacity_and_ends_at_the_impossible)
{
    uint64_t last = 0;

    must(ipc_buffer_align_size(0) == ipc_buffer_align_size(1));
    must(ipc_buffer_align_size(1) == ipc_buffer_align_size(64));
    for (size_t capacity = 1; capacity < SIZE_MAX / 3; capacity *= 3) {
        uint64_t size = ipc_buffer_align_size(capacity);

        must(size >= last && size > capacity);
        must(size == ipc_channel_align_size(capacity));
        last = size;
    }
    must(ipc_buffer_align_size(SIZE_MAX) == UINT64_MAX);
    must(ipc_buffer_align_size(SIZE_MAX - 63) == UINT64_MAX);
    must(ipc_channel_align_size(SIZE_MAX) == UINT64_MAX);
}

Test(unit, four_64_byte_messages_fit_into_1024_bytes_at_any_address)
{
    const IpcChannelConfiguration configuration = {
        .max_round_trips = 1, .start_sleep_ns = 1, .max_sleep_ns = 1};
    struct area area = make_area(1024);
    char data[64] = {0};

    for (size_t shift = 0; shift < 64; shift++) {
        unsigned char *mem = wipe(&area, shift);
        IpcBufferCreateResult r = ipc_buffer_create(mem, 1024);
        IpcChannelResult channel;

        must_work(r);
        for (uint64_t i = 0; i < 4; i++)
            must_write(r.result, 64, i);
        for (uint64_t i = 0; i < 4; i++)
            must_read(r.result, 64, i);
        must_work(ipc_buffer_destroy(r.result));
        channel = ipc_channel_create(mem, 1024, configuration);
        must_work(channel);
        for (int i = 0; i < 4; i++)
            must_work(ipc_channel_write(channel.result, data, 64));
        must_work(ipc_channel_destroy(channel.result));
        must(guards_hold(&area, mem, 1024));
    }
    free(area.start);
}

Test(unit, at_least_85_percent_of_a_mebibyte_are_blocks)
{
    unsigned char *memory = shared_memory(MIB + 64);

    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        for (size_t shift = 0; shift < 64; shift += 7) {
            IpcBufferOptions options = {.struct_size = sizeof options,
                                        .flags = mode};
            IpcBufferCreateResult r =
                ipc_buffer_create_with_options(memory + shift, MIB, &options);

            must_work(r);
            must(stats_of(r.result).capacity >= MIB * UINT64_C(85) / 100);
            must(stats_of(r.result).region_size <= MIB);
            must(stats_of(r.result).max_owners == 64);
            must_work(ipc_buffer_destroy(r.result));
        }
    }
}

Test(unit, entries_end_below_256_mebibytes_however_large_the_region)
{
    size_t size = (size_t)ipc_buffer_align_size((size_t)400 * MIB);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    IpcBufferCreateResult r;
    IpcReservation reservation;

    must(memory != MAP_FAILED);
    r = ipc_buffer_create(memory, size);
    must_work(r);
    must(ipc_buffer_max_entry_size(r.result) == 0x0fffffff);
    must_fail(ipc_buffer_reserve(r.result, 0x10000000, &reservation),
              IPC_ERR_ENTRY_TOO_LARGE);
    must_work(ipc_buffer_reserve(r.result, 0x0fffffff, &reservation));
    ((char *)reservation.payload)[0x0ffffffe] = 'x';
    must_work(ipc_buffer_commit(r.result, &reservation, 0x0fffffff));
    must(stats_of(r.result).head_size == 0x0fffffff);
    must_work(ipc_buffer_skip(r.result, 0));
}

Test(unit, create_refuses_impossible_arguments_and_changes_nothing)
{
    const IpcStatus invalid = IPC_ERR_INVALID_ARGUMENT;
    const size_t size = 2000;
    struct area area = make_area(size);
    unsigned char *mem = wipe(&area, 0);
    const IpcBufferOptions good = {.struct_size = sizeof good};
    const size_t sizes[] = {0, 1, sizeof good - 1, SIZE_MAX};
    IpcBufferOptions bad;
    IpcBufferCreateResult r;

    must_fail(ipc_buffer_create(NULL, size), invalid);
    must_fail(ipc_buffer_create(NULL, 0), invalid);
    r = ipc_buffer_create(mem, 0);
    must_fail(r, invalid);
    must(r.error.body.min_size > 0 && r.error.body.min_size < 1024);
    must_fail(ipc_buffer_create(mem, SIZE_MAX), invalid);
    must_fail(ipc_buffer_create(mem, SIZE_MAX - (uintptr_t)mem + 1), invalid);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bad = good;
        bad.struct_size = sizes[i];
        must_fail(ipc_buffer_create_with_options(mem, size, &bad), invalid);
    }
    for (uint32_t flag = IPC_BUFFER_ACKNOWLEDGE << 1; flag; flag <<= 1) {
        if (flag == IPC_BUFFER_TAPS || flag == IPC_BUFFER_ZEROED)
            continue;
        bad = good;
        bad.flags = flag | 1;
        must_fail(ipc_buffer_create_with_options(mem, size, &bad), invalid);
    }
    bad = good;
    bad.max_owners = 4097;
    must_fail(ipc_buffer_create_with_options(mem, size, &bad), invalid);
    bad.max_owners = UINT32_MAX;
    must_fail(ipc_buffer_create_with_options(mem, size, &bad), invalid);
    bad = good;
    bad.max_subscribers = 1;
    must_fail(ipc_buffer_create_with_options(mem, size, &bad), invalid);
    bad = good;
    bad.memory_fd = 1; /* without its flag */
    must_fail(ipc_buffer_create_with_options(mem, size, &bad), invalid);
    for (size_t i = 0; i < 3; i++) {
        bad = good;
        bad.reserved[i] = 1;
        must_fail(ipc_buffer_create_with_options(mem, size, &bad), invalid);
    }
    must(guards_hold(&area, mem, 0));
    must_work(ipc_buffer_create_with_options(mem, size, NULL));
    free(area.start);
}

Test(unit, create_empties_what_was_there)
{
    unsigned char *memory = shared_memory(4096);
    IpcBuffer *b;

    memset(memory, 0xff, 4096);
    for (int i = 0; i < 3; i++) {
        b = make_ring(memory, 9, 8, 0);
        must_be(try_to_read(b), IPC_EMPTY);
        must(stats_of(b).entries_written == 0 && stats_of(b).used == 0);
        must_write(b, 300, 1);
        must_write(b, 100, 2);
        must(must_read(b, 300, 1) == 0);
        must_work(ipc_buffer_destroy(b));
    }
}
