/* SPDX-License-Identifier: MIT */
/*
 * Lines that the one consumer gives back: into which entries it stores, told by
 * memory where it may not, and that nobody sees it. The linker sends the
 * question for the CPU here (see meson.build).
 */
#include "helpers.h"
#include "ring/position.h"

#include <signal.h>
#include <sys/mman.h>

enum { REGION = 1 << 18, LIMIT = 4096, BOTH = 3, MANY = 20 };

_Static_assert((IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER) == BOTH,
               "the modes");

static uint32_t limit = LIMIT;

uint32_t __real_give_limit(const struct ring *r);
uint32_t __wrap_give_limit(const struct ring *r);

/* The same conditions, on any CPU. */
uint32_t __wrap_give_limit(const struct ring *r)
{
    uint32_t here = __real_give_limit(r);

    must(here == 0 || here == LIMIT || here == UINT32_MAX);
    must(here == 0 || (r->one_consumer && !r->has_taps));
    return r->one_consumer && !r->has_taps ? limit : 0;
}

/* One memory twice: for who writes, and for who reads. */
struct ends {
    IpcBuffer *producer, *consumer;
    unsigned char *seen;
    size_t words; /* up to there the consumer has to store */
};

static struct ends make_ends(uint32_t flags)
{
    IpcBufferOptions options = {.struct_size = sizeof options, .flags = flags};
    int fd = memfd_create("give", MFD_CLOEXEC);
    struct ends e;
    void *written;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    must(fd >= 0 && ftruncate(fd, REGION) == 0);
    written = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    e.seen = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    must(written != MAP_FAILED && e.seen != MAP_FAILED);
    close(fd);
    e.producer =
        result_of(ipc_buffer_create_with_options(written, REGION, &options));
    e.consumer = result_of(ipc_buffer_attach_sized(e.seen, REGION));
    e.words =
        (REGION - (size_t)ipc_buffer_max_entry_size(e.producer)) / page * page +
        page;
    return e;
}

static void drop_ends(struct ends *e)
{
    must_work(ipc_buffer_destroy(e->producer));
    must_work(ipc_buffer_destroy(e->consumer));
}

/* So that entries lie behind the words' last page. */
static void pass_the_words(struct ends *e)
{
    for (int i = 0; i < 4; i++) {
        must_write(e->producer, 2000, (uint64_t)i);
        must_read(e->consumer, 2000, (uint64_t)i);
    }
}

/* ------------------------------------------------------- stores to payload */

static struct ends *watched;
static volatile sig_atomic_t stores;

static void let_store(int signal)
{
    (void)signal;
    stores++;
    mprotect(watched->seen, REGION, PROT_READ | PROT_WRITE);
}

/* How an entry is consumed. */
typedef uint64_t consume(IpcBuffer *b, size_t size, uint64_t seed);

static uint64_t skip(IpcBuffer *b, size_t size, uint64_t seed)
{
    IpcEntry entry;

    must_work(ipc_buffer_peek(b, &entry));
    must(entry.size == size && is_filled(entry.payload, size, seed));
    must_work(ipc_buffer_skip(b, entry.offset));
    return entry.offset;
}

/* Whether that stores where payload is. */
static bool it_stores(struct ends *e, consume *it, size_t size, uint64_t seed)
{
    const struct sigaction action = {.sa_handler = let_store};
    struct sigaction before;

    watched = e;
    stores = 0;
    must(sigaction(SIGSEGV, &action, &before) == 0);
    must(mprotect(e->seen + e->words, REGION - e->words, PROT_READ) == 0);
    it(e->consumer, size, seed);
    must(mprotect(e->seen, REGION, PROT_READ | PROT_WRITE) == 0);
    must(sigaction(SIGSEGV, &before, NULL) == 0);
    return stores > 0;
}

static void must_be_empty(struct ends *e)
{
    unsigned char data[8];
    IpcEntry entry = {.payload = data, .size = sizeof data};

    must_be(ipc_buffer_read(e->consumer, &entry).ipc_status, IPC_EMPTY);
}

static bool stream_stores_by(consume *it, uint32_t flags, size_t size)
{
    struct ends e = make_ends(flags);
    bool answer;

    pass_the_words(&e);
    for (int i = 0; i < MANY; i++)
        must_write(e.producer, size, (uint64_t)i);
    for (int i = 0; i < MANY - 1; i++)
        it(e.consumer, size, (uint64_t)i);
    answer = it_stores(&e, it, size, MANY - 1);
    drop_ends(&e);
    return answer;
}

static bool stream_stores(uint32_t flags, size_t size)
{
    return stream_stores_by(must_read, flags, size);
}

Test(unit, lines_of_a_stream_of_middling_entries_are_given_back)
{
    const size_t sizes[] = {256, 257, 1000, 1024, 1025, 2048, 4095};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        must(stream_stores(BOTH, sizes[i]));
        must(stream_stores(IPC_BUFFER_ONE_CONSUMER, sizes[i]));
    }
}

Test(unit, small_entries_and_large_ones_are_not_stored_to)
{
    const size_t sizes[] = {8, 64, 65, 200, 255, 4096};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        must(!stream_stores(BOTH, sizes[i]));
    limit = UINT32_MAX;
    must(stream_stores(BOTH, 4096));
}

/* By whole blocks, so that a few bytes less than 256 do. */
Test(unit, lines_of_what_was_read_in_place_are_given_back)
{
    const size_t sizes[] = {256, 1000, 1024, 3000};
    const size_t others[] = {8, 64, 65, 192, 4096};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        must(stream_stores_by(skip, BOTH, sizes[i]));
        must(stream_stores_by(skip, IPC_BUFFER_ONE_CONSUMER, sizes[i]));
        must(!stream_stores_by(skip, BOTH | IPC_BUFFER_TAPS, sizes[i]));
        must(!stream_stores_by(skip, IPC_BUFFER_ONE_PRODUCER, sizes[i]));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        must(!stream_stores_by(skip, BOTH, others[i]));
}

Test(unit, who_is_not_the_one_consumer_stores_nothing_into_entries)
{
    must(!stream_stores(0, 1024));
    must(!stream_stores(IPC_BUFFER_ONE_PRODUCER, 1024));
    must(!stream_stores(IPC_BUFFER_KNOWS_CONSUMERS, 1024));
    must(!stream_stores(BOTH | IPC_BUFFER_TAPS, 1024));
    limit = 0;
    must(!stream_stores(BOTH, 1024));
}

/* Who waits for one entry at a time, as for an answer, is not held up. */
Test(unit, entries_that_come_one_by_one_are_not_stored_to)
{
    struct ends e = make_ends(BOTH);

    pass_the_words(&e);
    /* A stream, which is forgotten after a while. */
    for (int i = 0; i < 2; i++)
        must_write(e.producer, 1024, (uint64_t)i);
    for (int i = 0; i < 2; i++)
        must_read(e.consumer, 1024, (uint64_t)i);
    for (int i = 0; i < 300; i++) {
        must_be_empty(&e);
        must_write(e.producer, 1024, (uint64_t)i);
        must_read(e.consumer, 1024, (uint64_t)i);
    }
    must_be_empty(&e);
    must_write(e.producer, 1024, 7);
    must(!it_stores(&e, must_read, 1024, 7));
    drop_ends(&e);
}

/* ------------------------------------------------------- what nobody sees */

static void must_be_as_before(consume *it, size_t size)
{
    struct ends e = make_ends(BOTH);
    unsigned char *before = malloc(REGION);
    size_t blocks = REGION - (size_t)ipc_buffer_max_entry_size(e.producer);

    pass_the_words(&e);
    for (int i = 0; i < MANY; i++)
        must_write(e.producer, size, (uint64_t)i);
    must(before != NULL);
    memcpy(before, e.seen, REGION);
    for (int i = 0; i < MANY; i++)
        it(e.consumer, size, (uint64_t)i);
    must(memcmp(before + blocks, e.seen + blocks, REGION - blocks) == 0);
    free(before);
    drop_ends(&e);
}

Test(unit, no_byte_of_an_entry_changes_when_its_lines_are_given_back)
{
    limit = UINT32_MAX;
    for (size_t size = 250; size < 4096; size += 61)
        must_be_as_before(must_read, size);
    for (size_t size = 250; size < 4096; size += 61)
        must_be_as_before(skip, size);
}
