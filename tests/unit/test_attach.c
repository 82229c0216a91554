/* SPDX-License-Identifier: MIT */
/*
 * Attach to every kind of memory, good and bad.
 */
#include "helpers.h"

enum { BLOCKS = 4, OWNERS = 8 };

/* Attaches in both ways, and by a channel, to memory that must not change. */
static void must_not_attach(void *memory, size_t size, IpcStatus why)
{
    const IpcChannelConfiguration configuration = {
        .max_round_trips = 1, .start_sleep_ns = 1, .max_sleep_ns = 1};
    unsigned char *copy = malloc(size);
    IpcBufferAttachResult r;

    must(copy != NULL);
    memcpy(copy, memory, size);
    r = ipc_buffer_attach(memory);
    must_fail(r, why);
    must(IpcBufferAttachResult_is_error_has_body(r.error));
    must(r.error.body.min_size > 0);
    must_fail(ipc_buffer_attach_sized(memory, size), why);
    must_fail(ipc_buffer_observe(memory, size), why);
    must_fail(ipc_channel_connect(memory, configuration), why);
    must_fail(ipc_channel_connect_sized(memory, size, configuration), why);
    must(memcmp(copy, memory, size) == 0);
    free(copy);
}

static struct shm_region *make_region(void)
{
    struct shm_region *region = shared_memory(ring_size(BLOCKS, OWNERS));

    must_write(make_ring(region, BLOCKS, OWNERS, 0), 10, 1);
    return region;
}

#define REGION_SIZE ring_size(BLOCKS, OWNERS)

Test(unit, attach_refuses_null_and_a_size_of_0)
{
    struct shm_region *region = make_region();
    const IpcStatus invalid = IPC_ERR_INVALID_ARGUMENT;

    must_fail(ipc_buffer_attach(NULL), invalid);
    must_fail(ipc_buffer_attach_sized(NULL, 1000), invalid);
    must_fail(ipc_buffer_attach_sized(NULL, 0), invalid);
    must_fail(ipc_buffer_attach_sized(region, 0), invalid);
}

Test(unit, memory_that_was_never_formatted_is_recognized)
{
    unsigned char *memory = shared_memory(4096);
    uint64_t seed = 12345;

    must_not_attach(memory, 4096, IPC_ERR_NOT_FORMATTED);
    memset(memory, 0xff, 4096);
    must_not_attach(memory, 4096, IPC_ERR_NOT_FORMATTED);
    for (int i = 0; i < 1000; i++) {
        for (size_t j = 0; j < 512; j += 8) {
            uint64_t number = next_random(&seed);

            memcpy(memory + j, &number, 8);
        }
        must_not_attach(memory + i % 64, 2048, IPC_ERR_NOT_FORMATTED);
    }
}

Test(unit, another_layout_version_is_told_apart)
{
    struct shm_region *region = make_region();
    const uint32_t versions[] = {0, SHMIPC_LAYOUT_VERSION - 1,
                                 SHMIPC_LAYOUT_VERSION + 1, 100, UINT32_MAX};

    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        region->identity.layout_version = versions[i];
        must_not_attach(region, REGION_SIZE, IPC_ERR_LAYOUT_VERSION);
    }
    region->identity.layout_version = SHMIPC_LAYOUT_VERSION;
    must_work(ipc_buffer_attach(region));
}

/* The first line of a region as it was in versions 1 to 3. Of what comes behind
 * version 4 only the beginning and `ready` are known. */
struct identity_1_to_3 {
    uint64_t magic;
    uint32_t layout_version;
    uint32_t flags;
    uint64_t region_size;
    uint32_t block_count;
    uint32_t owner_count;
    uint64_t owners_offset;
    uint64_t control_offset;
    uint64_t blocks_offset;
    uint32_t ready;
    uint32_t reserved;
};

/* Whatever else is there, and although it cannot be true for this version. */
Test(unit, regions_of_all_older_versions_and_of_newer_ones_are_told_apart)
{
    struct identity_1_to_3 *region = shared_memory(65536);

    for (uint32_t version = 1; version < SHMIPC_LAYOUT_VERSION + 10;
         version++) {
        const struct identity_1_to_3 old = {
            .magic = SHMIPC_MAGIC,
            .layout_version = version,
            .region_size = 65536,
            .block_count = 878,
            .owner_count = 62,
            .owners_offset = 320,
            .control_offset = 2304,
            .blocks_offset = 9344,
            .ready = SHMIPC_READY,
        };

        if (version == SHMIPC_LAYOUT_VERSION)
            continue;
        *region = old;
        must_not_attach(region, 65536, IPC_ERR_LAYOUT_VERSION);
        must_not_attach(region, sizeof old, IPC_ERR_LAYOUT_VERSION);
        memset(&region->flags, 0xff, 44);
        must_not_attach(region, 65536, IPC_ERR_LAYOUT_VERSION);
        memset(&region->flags, 0, 44);
        must_not_attach(region, 65536, IPC_ERR_LAYOUT_VERSION);
        region->ready = 0;
        must_not_attach(region, 65536, IPC_ERR_INITIALIZING);
        *region = old;
        must_work(ipc_buffer_create(region, 65536));
        must_work(ipc_buffer_attach(region));
    }
}

Test(unit, the_other_byte_order_is_another_layout)
{
    struct shm_region *region = make_region();

    region->identity.magic = __builtin_bswap64(region->identity.magic);
    region->identity.layout_version = __builtin_bswap32(1);
    atomic_put_relaxed(&region->identity.ready,
                       __builtin_bswap32(SHMIPC_READY));
    must_not_attach(region, REGION_SIZE, IPC_ERR_LAYOUT_VERSION);
}

Test(unit, a_region_whose_creation_has_not_finished_is_initializing)
{
    struct shm_region *region = make_region();
    const uint32_t words[] = {0, 1, SHMIPC_READY + 1, UINT32_MAX};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        atomic_put_release(&region->identity.ready, words[i]);
        must_not_attach(region, REGION_SIZE, IPC_ERR_INITIALIZING);
    }
    atomic_put_release(&region->identity.ready, SHMIPC_READY);
    must_read(attach_to(region), 10, 1);
}

Test(unit, a_header_that_cannot_be_true_is_corrupted)
{
    struct shm_region *region = make_region();
    const struct shm_identity good = {
        .magic = region->identity.magic,
        .layout_version = region->identity.layout_version,
        .flags = region->identity.flags,
        .region_size = region->identity.region_size,
        .block_count = region->identity.block_count,
        .owner_count = region->identity.owner_count,
        .creation = region->identity.creation,
        .ready = SHMIPC_READY,
    };
    const uint32_t numbers[] = {0, 1, 3, 5, 9, 4097, 0x10000000, UINT32_MAX};
    const uint64_t moves[] = {
        1, 8, 64, (uint64_t)-64, UINT64_C(1) << 32, UINT64_C(1) << 63};
    struct shm_identity *id = &region->identity;

    must(id->region_size == REGION_SIZE);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        memcpy(id, &good, sizeof good);
        id->block_count = numbers[i];
        must_not_attach(region, REGION_SIZE, IPC_ERR_CORRUPTED);
        memcpy(id, &good, sizeof good);
        id->owner_count = numbers[i];
        must_not_attach(region, REGION_SIZE, IPC_ERR_CORRUPTED);
        memcpy(id, &good, sizeof good);
        id->flags = numbers[i] << 2 | 4;
        must_not_attach(region, REGION_SIZE, IPC_ERR_CORRUPTED);
    }
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        memcpy(id, &good, sizeof good);
        id->region_size += moves[i];
        must_not_attach(region, REGION_SIZE, IPC_ERR_CORRUPTED);
    }
    memcpy(id, &good, sizeof good);
    id->creation = 0;
    must_not_attach(region, REGION_SIZE, IPC_ERR_CORRUPTED);
    memcpy(id, &good, sizeof good);
    must_read(attach_to(region), 10, 1);
}

/* A size that fits them does not make numbers true that cannot be. */
Test(unit, a_consistent_header_with_impossible_numbers_is_corrupted)
{
    static const struct {
        uint32_t blocks;
        uint32_t owners;
    } shapes[] = {
        {0, OWNERS},     {BLOCKS, 0},          {BLOCKS, 4097},      {0, 0},
        {1, UINT32_MAX}, {0x10000000, OWNERS}, {UINT32_MAX, OWNERS}};
    struct shm_region *region = make_region();
    struct shm_identity *id = &region->identity;

    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        id->block_count = shapes[i].blocks;
        id->owner_count = shapes[i].owners;
        id->region_size = ring_size(shapes[i].blocks, shapes[i].owners);
        must_not_attach(region, REGION_SIZE, IPC_ERR_CORRUPTED);
    }
}

/*
 * Every size from 0 to the whole region, of memory that ends where the next
 * page faults. The region's first byte is at the first multiple of 64, so that
 * what is there is a buffer cut short.
 */
Test(unit, attach_sized_touches_nothing_beyond_the_size)
{
    struct shm_region *region = make_region();
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *pages = shared_memory(2 * page);
    unsigned char *end = pages + page;

    must(mprotect(end, page, PROT_NONE) == 0);
    for (size_t size = 1; size <= REGION_SIZE + 63; size++) {
        unsigned char *mem = end - size;
        size_t slack = size % 64;
        IpcBufferAttachResult r;
        size_t there = size - slack;

        memset(mem, 0, slack);
        memcpy(mem + slack, region, there < REGION_SIZE ? there : REGION_SIZE);
        r = ipc_buffer_attach_sized(mem, size);
        if (size >= slack + REGION_SIZE) {
            must_work(r);
            must_read(r.result, 10, 1);
            must_write(r.result, 64 * BLOCKS, 2);
            must_read(r.result, 64 * BLOCKS, 2);
            continue;
        }
        must_fail(r, IPC_ERR_TRUNCATED);
        must(r.error.body.min_size > size);
        if (there >= sizeof(struct shm_identity))
            must(r.error.body.min_size == slack + REGION_SIZE);
    }
}

Test(unit, attach_changes_nothing_and_sees_everything)
{
    struct shm_region *region = make_region();
    unsigned char copy[4096];
    IpcBuffer *b;

    must(REGION_SIZE <= sizeof copy);
    memcpy(copy, region, REGION_SIZE);
    for (size_t size = REGION_SIZE; size < 3 * REGION_SIZE; size += 99)
        must_work(ipc_buffer_attach_sized(region, size));
    b = attach_to(region);
    must(memcmp(copy, region, REGION_SIZE) == 0);
    must(ipc_buffer_max_entry_size(b) == BLOCKS * 64);
    must(stats_of(b).max_owners == OWNERS);
    must_read(b, 10, 1);
}

/* One process formats the same memory again and again while another one
 * attaches: it finds a whole buffer or one that is being made. */
Test(unit, whoever_attaches_during_create_is_told_to_try_again)
{
    struct shm_region *region = make_region();
    int64_t end = now_ns() + 200 * MILLISECOND;
    pid_t child = fork_child();

    if (child == 0)
        for (;;) {
            IpcBuffer *b = make_ring(region, BLOCKS, OWNERS, 0);

            must_work(ipc_buffer_destroy(b));
        }
    while (now_ns() < end) {
        IpcBufferAttachResult r = ipc_buffer_attach(region);

        if (r.ipc_status == IPC_OK)
            must_work(ipc_buffer_destroy(r.result));
        else
            must_fail(r, IPC_ERR_INITIALIZING);
    }
    kill_child(child);
}
