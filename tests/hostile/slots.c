/* SPDX-License-Identifier: MIT */
/*
 * Each word of each subscriber's slot is anything, while a subscriber and a
 * writer are at work: every call returns, soon, and touches nothing but the
 * region and what it was given.
 */
#include "ring/layout.h"
#include <shmipc/ipc_batch.h>
#include <shmipc/ipc_newest.h>
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    BLOCKS = 8,
    OWNERS = 3,
    SLOTS = 2,
    WORDS = sizeof(struct shm_subscriber) / sizeof(uint64_t),
    INDEX_BITS = 3,
    CURSOR_BITS_FROM = INDEX_BITS, /* see layout.h */
    OWNER_FROM = INDEX_BITS + 2,
    VALUES = 64,
    HALTS_AFTER = 60, /* seconds, for all calls on one value */
};

static unsigned char *pages;
static struct shm_region *region;
static size_t region_size;

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

static void make_pages(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    region_size = sizeof *region + OWNERS * sizeof(struct shm_owner) +
                  SLOTS * sizeof(struct shm_subscriber) + BLOCKS * 8 +
                  BLOCKS * SHMIPC_BLOCK;
    pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || region_size > page ||
        mprotect(pages + page, page, PROT_NONE) != 0)
        fail("no memory");
    region = (void *)(pages + page - region_size);
}

static struct shm_subscriber *slot_at(uint32_t i)
{
    return (struct shm_subscriber *)(void *)&region->owners[OWNERS] + i;
}

/* ----------------------------------------------------------------- values */

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The bounds of words of all sorts, positions about the true one with each
 * mark, names of owners that there are and are not, and anything. */
static uint64_t value(uint32_t i, uint64_t *random)
{
    const uint64_t bounds[] = {
        0,          1,         UINT64_MAX,           INT64_MAX,
        UINT32_MAX, INT32_MAX, SHMIPC_POSITION_MASK, 1ull << 63,
        1ull << 58, 1ull << 57};
    const uint32_t count = sizeof bounds / sizeof bounds[0];
    uint64_t position = slot_at(0)->cursor.position;

    if (i < count)
        return bounds[i];
    if (i < count + 16)
        return (position + i % 4 - 2) | (uint64_t)(i / 4 % 4)
                                            << CURSOR_BITS_FROM;
    if (i < count + 32)
        return (slot_at(0)->owner + i % 4) << OWNER_FROM |
               (uint64_t)(i / 4 % 4) << CURSOR_BITS_FROM;
    return next_random(random);
}

/* ------------------------------------------------------------------ calls */

static void use(IpcBuffer *writer, IpcBuffer *reader)
{
    const IpcSubscription how = {.struct_size = sizeof how,
                                 .from = IPC_SUBSCRIBE_FROM_OLDEST};
    IpcSubscriber list[SLOTS] = {{.struct_size = sizeof list[0]}};
    IpcBufferStats stats = {.struct_size = sizeof stats};
    unsigned char bytes[BLOCKS * SHMIPC_BLOCK] = {0};
    IpcEntry entry = {0, bytes, sizeof bytes}, entries[4];
    const struct iovec several[2] = {{bytes, 64}, {bytes, 64}};

    for (int i = 0; i < 3; i++) {
        IPC_IGNORE(ipc_buffer_write(writer, bytes, 100));
        IPC_IGNORE(ipc_buffer_read(reader, &entry));
        IPC_IGNORE(ipc_buffer_read_batch(reader, entries, 4, bytes, 200));
        IPC_IGNORE(ipc_buffer_peek(reader, &entry));
        entry = (IpcEntry){0, bytes, sizeof bytes};
    }
    IPC_IGNORE(ipc_buffer_read_newest(reader, &entry));
    IPC_IGNORE(ipc_buffer_pin(reader, &entry));
    for (int i = 0; i < BLOCKS; i++)
        IPC_IGNORE(ipc_buffer_write(writer, bytes, 100));
    IPC_IGNORE(ipc_buffer_write_batch(writer, several, 2));
    IPC_IGNORE(ipc_buffer_unpin(reader, entry.offset));
    IPC_IGNORE(ipc_buffer_pin_newest(reader, &entry));
    entry = (IpcEntry){0, bytes, sizeof bytes};
    IPC_IGNORE(ipc_buffer_write(writer, bytes, sizeof bytes));
    IPC_IGNORE(ipc_buffer_subscribers(writer, list, SLOTS));
    ipc_buffer_stats(writer, &stats);
    ipc_buffer_skip_force(reader);
    ipc_buffer_recover(writer);
    IPC_IGNORE(ipc_buffer_subscribe(writer, &how));
    IPC_IGNORE(ipc_buffer_unsubscribe(reader));
    IPC_IGNORE(ipc_buffer_subscribe(reader, NULL));
    IPC_IGNORE(ipc_buffer_read(reader, &entry));
}

static IpcBuffer *attach(void)
{
    IpcBufferAttachResult r = ipc_buffer_attach_sized(region, region_size);

    if (r.ipc_status != IPC_OK)
        fail(r.error.detail);
    return r.result;
}

static void try_value(uint32_t mode, uint32_t word, uint32_t i,
                      uint64_t *random)
{
    IpcBufferOptions options = {.struct_size = sizeof options,
                                .flags = IPC_BUFFER_BROADCAST |
                                         IPC_BUFFER_RECREATE | mode,
                                .max_owners = OWNERS,
                                .max_subscribers = SLOTS};
    IpcBufferCreateResult made =
        ipc_buffer_create_with_options(region, region_size, &options);
    IpcBuffer *reader;

    if (made.ipc_status != IPC_OK)
        fail(made.error.detail);
    reader = attach();
    if (ipc_buffer_subscribe(reader, NULL).ipc_status != IPC_OK)
        fail("nobody can subscribe");
    IPC_IGNORE(ipc_buffer_write(made.result, "12345678", 8));
    ((volatile uint64_t *)(void *)slot_at(0))[word] = value(i, random);
    if (i % 2)
        ((volatile uint64_t *)(void *)slot_at(0))[next_random(random) % WORDS] =
            value((uint32_t)(next_random(random) % VALUES), random);
    alarm(HALTS_AFTER);
    use(made.result, reader);
    ipc_buffer_destroy(reader);
    ipc_buffer_destroy(made.result);
}

int main(void)
{
    uint64_t random = 1;

    make_pages();
    for (uint32_t mode = 0; mode <= IPC_BUFFER_ONE_PRODUCER; mode++)
        for (uint32_t word = 0; word < SLOTS * WORDS; word++)
            for (uint32_t i = 0; i < VALUES; i++)
                try_value(mode, word, i, &random);
    for (unsigned char *p = pages; p < (unsigned char *)region; p++)
        if (*p)
            fail("something was written in front of the region");
    return EXIT_SUCCESS;
}
