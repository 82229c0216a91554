/* SPDX-License-Identifier: MIT */
/*
 * Memory that a hostile or broken process has written into. Whatever it holds:
 * nothing outside the region is touched, every call comes back soon, and with
 * a status that its documentation lists.
 */
#include "channels.h"

enum { MAX_BLOCKS = 24 };

#define SLOW (5 * SECOND) /* no call may ever take that long */

/* A region between a page of known bytes and one that faults. */
struct victim {
    unsigned char *pages;
    struct shm_region *region;
    size_t size;
    uint32_t blocks;
};

static struct victim make_victim(uint32_t blocks)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct victim v = {.size = ring_size(blocks, 3), .blocks = blocks};
    size_t room = (v.size + page - 1) / page * page;

    v.pages = shared_memory(room + 2 * page);
    memset(v.pages, 0xa5, room + page);
    must(mprotect(v.pages + room + page, page, PROT_NONE) == 0);
    v.region = (void *)(v.pages + room + page - v.size);
    return v;
}

static void drop_victim(struct victim *v)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t before = (size_t)((unsigned char *)v->region - v->pages);

    must(is_all(v->pages, before, 0xa5));
    must(munmap(v->pages, before + v->size + page) == 0);
}

/* ------------------------------------------------------------- scribbling */

static uint64_t strange_position(const struct victim *v, uint64_t *random)
{
    uint32_t bits = 0;
    uint64_t lap, index;

    while ((1U << bits) < v->blocks)
        bits++;
    lap = random_below(random, 4) ? 1 + random_below(random, 4)
                                  : next_random(random);
    index = random_below(random, v->blocks + (random_below(random, 8) == 0));
    return random_below(random, 10) ? lap << bits | index : next_random(random);
}

/* Now and then inside an array. */
static uint64_t strange_head(const struct victim *v, uint64_t *random)
{
    uint64_t item = random_below(random, random_below(random, 3) ? 6 : 64);

    return random_below(random, 2)
               ? strange_position(v, random)
               : strange_position(v, random) ^ item * SHMIPC_HEAD_ITEM;
}

/* Of an array that fits, or is as wrong as can be. */
static uint32_t strange_array(const struct victim *v, uint64_t *random)
{
    uint32_t size = random_below(random, 2)
                        ? random_below(random, 20)
                        : random_below(random, v->blocks * 64 + 2);
    uint32_t count = 1 + random_below(random, random_below(random, 2) ? 6 : 64);

    return control_array(size, count);
}

static uint64_t strange_word(const struct victim *v, uint64_t *random)
{
    uint32_t tag = random_below(random, 6);
    uint32_t value = random_below(random, 3)
                         ? random_below(random, v->blocks * 64 + 2)
                         : (uint32_t)next_random(random) & CONTROL_VALUE_MAX;

    if (random_below(random, 10) == 0)
        return next_random(random);
    if (random_below(random, 3) == 0)
        value = random_below(random, v->blocks + 2);
    if (random_below(random, 4) == 0)
        return control_make(tag, strange_array(v, random), CONTROL_ARRAY);
    return control_make(tag, value,
                        (enum control_state)random_below(
                            random, random_below(random, 5) ? 6 : 16));
}

/* Changes one word that can matter, behind the identity. */
static void scribble(const struct victim *v, uint64_t *random)
{
    struct shm_region *region = v->region;
    uint32_t block = random_below(random, v->blocks);
    uint64_t *slot = (uint64_t *)(void *)&region->owners[block % 3];

    switch (random_below(random, 8)) {
    case 0:
        atomic_put_relaxed(&region->head.position, strange_head(v, random));
        break;
    case 1:
        atomic_put_relaxed(&region->tail.position, strange_position(v, random));
        break;
    case 2:
        atomic_put_relaxed(random_below(random, 2) ? &region->head.role
                                                   : &region->tail.role,
                           random_below(random, 3) ? 0 : next_random(random));
        break;
    case 3:
        slot[random_below(random, 4)] = next_random(random);
        break;
    case 4:
        atomic_put_relaxed(random_below(random, 2) ? &region->readers.sleepers
                                                   : &region->readers.sequence,
                           (uint32_t)next_random(random));
        break;
    default:
        atomic_put_relaxed((atomic_u64 *)control_of(region, block),
                           strange_word(v, random));
        break;
    }
}

/* Everything behind the identity is noise. */
static void make_noise(const struct victim *v, uint64_t *random)
{
    unsigned char *bytes = (unsigned char *)v->region;

    for (size_t i = 64; i < v->size; i += 8) {
        uint64_t number = next_random(random);

        memcpy(bytes + i, &number, 8);
    }
}

/* ---------------------------------------------------------------- calling */

#define BIT(status) (UINT64_C(1) << ((int)(status) + 32))

#define ANY_READ                                                               \
    (BIT(IPC_OK) | BIT(IPC_EMPTY) | BIT(IPC_ERR_NOT_READY) |                   \
     BIT(IPC_ERR_LOCKED) | BIT(IPC_ERR_ROLE_TAKEN) |                           \
     BIT(IPC_ERR_OWNERS_FULL) | BIT(IPC_ERR_CLOSED) | BIT(IPC_ERR_CORRUPTED))
#define ANY_WRITE                                                              \
    (BIT(IPC_OK) | BIT(IPC_ERR_NO_SPACE_CONTIGUOUS) | BIT(IPC_ERR_LOCKED) |    \
     BIT(IPC_ERR_OWNERS_FULL) | BIT(IPC_ERR_ROLE_TAKEN) |                      \
     BIT(IPC_ERR_CLOSED) | BIT(IPC_ERR_CORRUPTED))
#define ANY_FINISH                                                             \
    (BIT(IPC_OK) | BIT(IPC_ERR_INVALID_ARGUMENT) |                             \
     BIT(IPC_ERR_ILLEGAL_STATE) | BIT(IPC_ERR_CORRUPTED))

static void must_be_one_of(IpcStatus status, uint64_t set, const char *call)
{
    must_say(BIT(status) & set, "%s returned %s", call,
             ipc_status_name(status));
}

#define one_of(call, set)                                                      \
    do {                                                                       \
        int64_t start_ = now_ns();                                             \
        IpcStatus status_ = (call).ipc_status;                                 \
        must_say(now_ns() - start_ < SLOW, "%s took for ever", #call);         \
        must_be_one_of(status_, set, #call);                                   \
    } while (0)

/* Reads every byte of an entry that a peek has pointed at. */
static void touch(const struct victim *v, const IpcEntry *entry)
{
    const unsigned char *bytes = entry->payload;
    volatile unsigned char sum = 0;

    must(bytes >= (unsigned char *)v->region);
    must(entry->size > 0 && entry->size <= v->blocks * 64);
    must(bytes + entry->size <= (unsigned char *)v->region + v->size);
    for (size_t i = 0; i < entry->size; i++)
        sum = (unsigned char)(sum + bytes[i]);
}

static void check_stats(const struct victim *v, const IpcBuffer *b)
{
    IpcBufferStats stats = stats_of(b);

    must(stats.region_size == v->size && stats.capacity == v->blocks * 64);
    must(stats.used <= stats.capacity);
    must(stats.head_state <= IPC_BUFFER_HEAD_CORRUPTED);
    must(stats.owners <= 3);
}

/* Several entries of one small size, and however many there seem to be. */
static void call_with_arrays(const struct victim *v, IpcBuffer *b,
                             uint64_t *random)
{
    unsigned char data[MAX_BLOCKS * 64 + 64];
    IpcEntry entries[64];
    size_t limit = v->blocks * 64;
    size_t size = 1 + random_below(random, 20);
    int count = (int)(limit / size);
    IpcBufferReadBatchResult r;

    memset(data, 0x5a, sizeof data);
    switch (random_below(random, 3)) {
    case 0:
        one_of(ipc_buffer_write_array(b, data, size, count),
               ANY_WRITE | BIT(IPC_ERR_ILLEGAL_STATE));
        break;
    case 1:
        one_of(ipc_buffer_read_array(b, data, size, count),
               ANY_READ | BIT(IPC_ERR_SIZE_MISMATCH));
        break;
    default:
        r = ipc_buffer_read_batch(b, entries, 64, data, limit);
        must_be_one_of(r.ipc_status, ANY_READ | BIT(IPC_ERR_TOO_SMALL),
                       "read_batch");
        for (size_t i = 0; r.ipc_status == IPC_OK && i < r.result; i++)
            must((unsigned char *)entries[i].payload + entries[i].size <=
                 data + limit);
        break;
    }
    must(is_all(data + limit, 64, 0x5a));
}

static void call_something(const struct victim *v, IpcBuffer *b,
                           uint64_t *random)
{
    unsigned char data[MAX_BLOCKS * 64 + 64];
    size_t limit = v->blocks * 64;
    size_t size = 1 + random_below(random, (uint32_t)limit);
    IpcEntry entry = {.payload = data, .size = limit};
    IpcReservation r;
    IpcStatus status;

    switch (random_below(random, 12)) {
    case 0:
        memset(data, 0x77, size);
        /* ILLEGAL_STATE: a moved tail keeps a reservation from its end. */
        one_of(ipc_buffer_write(b, data, size),
               ANY_WRITE | BIT(IPC_ERR_ILLEGAL_STATE));
        break;
    case 1:
        status = ipc_buffer_reserve(b, size, &r).ipc_status;
        must_be_one_of(status, ANY_WRITE | BIT(IPC_ERR_ILLEGAL_STATE),
                       "reserve");
        if (status != IPC_OK)
            break;
        must(r.payload && r.size == size);
        memset(r.payload, 0x66, size);
        if (random_below(random, 2))
            one_of(ipc_buffer_commit(b, &r, size), ANY_FINISH);
        one_of(ipc_buffer_abort(b, &r), ANY_FINISH);
        break;
    case 2:
    case 3:
        memset(data + limit, 0x5a, 64);
        one_of(ipc_buffer_read(b, &entry), ANY_READ | BIT(IPC_ERR_TOO_SMALL));
        must(is_all(data + limit, 64, 0x5a) && entry.size <= limit);
        break;
    case 4:
        if (ipc_buffer_peek(b, &entry).ipc_status != IPC_OK)
            break;
        touch(v, &entry);
        one_of(ipc_buffer_skip(b, entry.offset),
               ANY_READ | BIT(IPC_ERR_OFFSET_MISMATCH) |
                   BIT(IPC_ERR_INVALID_ARGUMENT));
        break;
    case 5:
        one_of(ipc_buffer_skip_force(b),
               (ANY_READ & ~BIT(IPC_ERR_NOT_READY)) | BIT(IPC_ALREADY_SKIPPED));
        break;
    case 6:
        one_of(ipc_buffer_recover(b),
               BIT(IPC_OK) | BIT(IPC_ERR_NOT_READY) | BIT(IPC_ERR_CORRUPTED));
        break;
    case 7:
        one_of(ipc_buffer_recover_force(b),
               BIT(IPC_OK) | BIT(IPC_ERR_NOT_READY) | BIT(IPC_ERR_CORRUPTED));
        break;
    case 8:
        check_stats(v, b);
        break;
    default:
        call_with_arrays(v, b, random);
        break;
    }
}

static uint64_t make_seed(void)
{
    const char *text = getenv("UNIT_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)now_ns();

    snprintf(fail_note, sizeof fail_note, " (UNIT_SEED=%llu)",
             (unsigned long long)seed);
    return seed | 1;
}

enum { RUNS = SANITIZED ? 100 : 1000 };

Test(unit, noise_behind_the_header_harms_nobody)
{
    uint64_t random = make_seed();

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (int i = 0; i < RUNS; i++) {
            struct victim v =
                make_victim(1 + random_below(&random, MAX_BLOCKS));
            IpcBuffer *before = make_ring(v.region, v.blocks, 3, mode);
            IpcBuffer *after;

            if (i % 2)
                call_something(&v, before, &random);
            make_noise(&v, &random);
            after = attach_to(v.region);
            for (int j = 0; j < 30; j++)
                call_something(&v, j % 3 ? after : before, &random);
            must_work(ipc_buffer_destroy(before));
            must_work(ipc_buffer_destroy(after));
            drop_victim(&v);
        }
}

Test(unit, words_that_look_true_harm_nobody)
{
    uint64_t random = make_seed();

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (int i = 0; i < RUNS; i++) {
            struct victim v =
                make_victim(1 + random_below(&random, MAX_BLOCKS));
            IpcBuffer *b = make_ring(v.region, v.blocks, 3, mode);

            for (int j = 0; j < 100; j++) {
                if (random_below(&random, 3) == 0)
                    scribble(&v, &random);
                call_something(&v, b, &random);
            }
            must_work(ipc_buffer_destroy(b));
            drop_victim(&v);
        }
}

Test(unit, a_process_that_scribbles_all_the_time_harms_nobody)
{
    uint64_t random = make_seed();

    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct victim v = make_victim(7);
        IpcBuffer *b = make_ring(v.region, v.blocks, 3, mode);
        int64_t end = now_ns() + 300 * MILLISECOND;
        pid_t child = fork_child();

        if (child == 0)
            for (uint64_t seed = random + 2;;)
                scribble(&v, &seed);
        while (now_ns() < end)
            call_something(&v, b, &random);
        kill_child(child);
        must_work(ipc_buffer_destroy(b));
        drop_victim(&v);
    }
}

Test(unit, a_channel_in_noise_answers_in_time)
{
    uint64_t random = make_seed();
    const struct timespec soon = {0, 100000};
    const uint64_t read_set = ANY_READ | BIT(IPC_ERR_TOO_SMALL);

    for (uint32_t mode = 0; mode < ALL_MODES; mode++)
        for (int i = 0; i < RUNS / 4; i++) {
            IpcChannelConfiguration c = {.max_round_trips = 2,
                                         .start_sleep_ns = 1000,
                                         .max_sleep_ns = 10000,
                                         .wait = (uint32_t)i % 3,
                                         .max_owners = 3,
                                         .flags = mode};
            struct victim v =
                make_victim(1 + random_below(&random, MAX_BLOCKS));
            IpcChannel *ch = ipc_channel_create(v.region, v.size, c).result;
            unsigned char data[MAX_BLOCKS * 64] = {0};
            IpcEntry entry = {.payload = NULL};
            IpcEntry into = {.payload = data, .size = sizeof data};

            if (i % 2)
                make_noise(&v, &random);
            for (int j = 0; j < 12; j++) {
                scribble(&v, &random);
                entry.payload = NULL;
                one_of(ipc_channel_write(ch, data, 60),
                       ANY_WRITE | BIT(IPC_ERR_ENTRY_TOO_LARGE));
                one_of(ipc_channel_read(ch, &entry),
                       read_set | BIT(IPC_ERR_RETRY_LIMIT));
                free(entry.payload);
                entry.payload = NULL;
                scribble(&v, &random);
                one_of(ipc_channel_read_with_timeout(ch, &entry, &soon),
                       read_set | BIT(IPC_ERR_TIMEOUT));
                free(entry.payload);
                entry.payload = NULL;
                one_of(ipc_channel_try_read(ch, &entry), read_set);
                free(entry.payload);
                into.payload = data;
                into.size = sizeof data;
                one_of(ipc_channel_read_into(ch, &into),
                       read_set | BIT(IPC_ERR_RETRY_LIMIT));
                if (ipc_channel_peek(ch, &entry).ipc_status == IPC_OK)
                    touch(&v, &entry);
                scribble(&v, &random);
                one_of(ipc_channel_write_array(ch, data, 7, 5), ANY_WRITE);
                one_of(
                    ipc_channel_read_array_with_timeout(ch, data, 7, 5, &soon),
                    ANY_READ | BIT(IPC_ERR_SIZE_MISMATCH) |
                        BIT(IPC_ERR_TIMEOUT));
            }
            must_work(ipc_channel_destroy(ch));
            drop_victim(&v);
        }
}

/* --------------------------------------------------------------- identity */

/* Attach says yes only to what lies within the size it was given. */
static void attach_and_use(const struct victim *v, uint64_t *random)
{
    IpcBufferAttachResult r = ipc_buffer_attach_sized(v->region, v->size);
    unsigned char byte = 1;
    IpcEntry entry = {.payload = &byte, .size = 1};

    must_be_one_of(r.ipc_status,
                   BIT(IPC_OK) | BIT(IPC_ERR_NOT_FORMATTED) |
                       BIT(IPC_ERR_LAYOUT_VERSION) | BIT(IPC_ERR_INITIALIZING) |
                       BIT(IPC_ERR_TRUNCATED) | BIT(IPC_ERR_CORRUPTED),
                   "attach_sized");
    if (r.ipc_status != IPC_OK) {
        must(r.error.detail && *r.error.detail);
        return;
    }
    must(stats_of(r.result).region_size <= v->size);
    must(ipc_buffer_max_entry_size(r.result) <= v->size);
    IPC_IGNORE(ipc_buffer_write(r.result, &byte, random_below(random, 2)));
    IPC_IGNORE(ipc_buffer_read(r.result, &entry));
    ipc_buffer_recover(r.result);
    must_work(ipc_buffer_destroy(r.result));
}

Test(unit, any_header_is_judged_without_touching_what_lies_beyond)
{
    uint64_t random = make_seed();
    int accepted = 0;

    for (int i = 0; i < RUNS * 20; i++) {
        struct victim v;
        unsigned char *bytes;

        v = make_victim(1 + random_below(&random, MAX_BLOCKS));
        make_ring(v.region, v.blocks, 3, random_below(&random, ALL_MODES));
        bytes = (unsigned char *)&v.region->identity;
        for (uint32_t j = random_below(&random, 4); j > 0; j--) {
            uint64_t number = next_random(&random);
            uint32_t at = 8 + random_below(&random, 48);

            if (random_below(&random, 2))
                bytes[at] = (unsigned char)number;
            else
                memcpy(bytes + at / 4 * 4, &number, 4);
        }
        if (random_below(&random, 4) == 0) {
            uint32_t blocks = random_below(&random, 64) + 1;

            /* A consistent lie: a larger region than there is. */
            v.region->identity.block_count = blocks;
            v.region->identity.region_size = ring_size(blocks, 3);
        }
        accepted +=
            ipc_buffer_attach_sized(v.region, v.size).ipc_status == IPC_OK;
        attach_and_use(&v, &random);
        drop_victim(&v);
    }
    must(accepted > RUNS);
}
