/* SPDX-License-Identifier: MIT */
/*
 * Taps: that they see what others take, tell what they missed, and leave no
 * trace.
 */
#include "channels.h"
#include <fcntl.h>
#include <shmipc/ipc_batch.h>
#include <sys/stat.h>

enum { BLOCKS = 16, WITH_TAPS = ALL_MODES };

/* For a ring that can be tapped on any machine, with what can be had there. */
#define PLAIN (ATOMIC_KEEPS_ORDER ? 0 : (uint32_t)IPC_BUFFER_TAPS)

static uint32_t flags_of(uint32_t mode)
{
    return (mode & (ALL_MODES - 1)) |
           (mode & WITH_TAPS || PLAIN != 0 ? (uint32_t)IPC_BUFFER_TAPS : 0);
}

static IpcTap *tap_of(const IpcBuffer *b, uint32_t start, uint32_t after_lag)
{
    IpcTapOptions options = {
        .struct_size = sizeof options, .start = start, .after_lag = after_lag};

    return result_of(ipc_tap_attach_buffer(b, &options));
}

static IpcTapReadResult try_tap(IpcTap *tap)
{
    static unsigned char data[4096];
    IpcEntry entry = {0, data, sizeof data};

    return ipc_tap_read(tap, &entry);
}

/* Reads what must_write() wrote; returns its offset. */
static uint64_t must_see(IpcTap *tap, size_t size, uint64_t seed)
{
    unsigned char data[4096];
    IpcEntry entry = {0, data, sizeof data};

    must_work(ipc_tap_read(tap, &entry));
    must_say(entry.size == size, "entry of %zu bytes instead of %zu",
             entry.size, size);
    must(is_filled(data, size, seed));
    return entry.offset;
}

static IpcTapInfo info_of(const IpcTap *tap)
{
    IpcTapInfo info = {.struct_size = sizeof info};

    must_work(ipc_tap_stats(tap, &info));
    return info;
}

Test(unit, a_tap_sees_what_others_take)
{
    for (uint32_t mode = 0; mode < 2 * ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, flags_of(mode), NULL);
        IpcTap *tap = tap_of(b, IPC_TAP_OLDEST, IPC_TAP_OLDEST);

        /* Sizes that need filler at the end of laps. */
        for (uint64_t i = 0; i < 300; i++) {
            size_t size = 1 + i * 37 % (BLOCKS / 2 * 64);
            uint64_t offset;

            must_write(b, size, i);
            offset = must_see(tap, size, i);
            must_be(try_tap(tap).ipc_status, IPC_EMPTY);
            must(must_read(b, size, i) == offset);
        }
        must(info_of(tap).lost == 0 && info_of(tap).lag == 0);
        must_work(ipc_tap_destroy(tap));
        must_work(ipc_buffer_destroy(b));
    }
}

Test(unit, a_tap_sees_what_was_taken_before_it_came)
{
    for (uint32_t mode = 0; mode < 2 * ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, flags_of(mode), NULL);
        IpcTap *tap;

        for (uint64_t i = 0; i < 5; i++) {
            must_write(b, 100, i);
            must_read(b, 100, i);
        }
        tap = tap_of(b, IPC_TAP_OLDEST, IPC_TAP_OLDEST);
        for (uint64_t i = 0; i < 5; i++)
            must_see(tap, 100, i);
        must_be(try_tap(tap).ipc_status, IPC_EMPTY);
        must_work(ipc_tap_destroy(tap));
    }
}

Test(unit, a_tap_begins_where_it_is_told)
{
    for (uint32_t mode = 0; mode < 2 * ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, flags_of(mode), NULL);
        IpcTap *newest, *now;

        for (uint64_t i = 0; i < 5; i++)
            must_write(b, 100, i);
        newest = tap_of(b, IPC_TAP_NEWEST, IPC_TAP_OLDEST);
        now = tap_of(b, IPC_TAP_NOW, IPC_TAP_OLDEST);
        must_be(try_tap(now).ipc_status, IPC_EMPTY);
        must_see(newest, 100, 4);
        must_be(try_tap(newest).ipc_status, IPC_EMPTY);
        must_write(b, 70, 5);
        must_see(now, 70, 5);
        must_see(newest, 70, 5);
        must_work(ipc_tap_seek(newest, IPC_TAP_OLDEST));
        for (uint64_t i = 0; i < 5; i++)
            must_see(newest, 100, i);
        must_work(ipc_tap_seek(now, IPC_TAP_NEWEST));
        must_see(now, 70, 5);
        must_fail(ipc_tap_seek(now, (IpcTapStart)3), IPC_ERR_INVALID_ARGUMENT);
        must_work(ipc_tap_destroy(newest));
        must_work(ipc_tap_destroy(now));
    }
}

Test(unit, a_tap_of_an_empty_ring_waits_for_the_first_entry)
{
    for (uint32_t start = IPC_TAP_OLDEST; start <= IPC_TAP_NOW; start++) {
        IpcBuffer *b = new_ring(BLOCKS, PLAIN, NULL);
        IpcTap *tap = tap_of(b, start, start);

        must_be(try_tap(tap).ipc_status, IPC_EMPTY);
        must_write(b, 8, 1);
        must(must_see(tap, 8, 1) == 0);
    }
}

Test(unit, a_tap_sees_the_entries_of_an_array_one_by_one)
{
    for (uint32_t mode = 0; mode < 2 * ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, flags_of(mode), NULL);
        IpcTap *tap = tap_of(b, IPC_TAP_OLDEST, IPC_TAP_OLDEST);
        unsigned char data[7][20];

        for (uint64_t i = 0; i < 7; i++)
            fill(data[i], 20, i);
        must(result_of(ipc_buffer_write_array(b, data, 20, 7)) == 7);
        for (uint64_t i = 0; i < 7; i++) {
            must(info_of(tap).offset == i * 24);
            must(must_see(tap, 20, i) == i * 24);
        }
        must_be(try_tap(tap).ipc_status, IPC_EMPTY);
        must(info_of(tap).offset == 3 * 64);
        must_work(ipc_tap_seek(tap, IPC_TAP_NEWEST));
        must(must_see(tap, 20, 6) == 6 * 24);
        must_be(try_tap(tap).ipc_status, IPC_EMPTY);
    }
}

/* Writes and reads so many entries of one block, numbered on. */
static uint64_t pass(IpcBuffer *b, uint64_t seed, int count)
{
    for (int i = 0; i < count; i++) {
        must_write(b, 60, seed);
        must_read(b, 60, seed++);
    }
    return seed;
}

Test(unit, a_tap_that_lagged_is_told_how_much_to_the_byte)
{
    for (uint32_t mode = 0; mode < 2 * ALL_MODES; mode++) {
        bool exact = !(mode & IPC_BUFFER_ONE_PRODUCER) ||
                     flags_of(mode) & IPC_BUFFER_TAPS;
        IpcBuffer *b = new_ring(BLOCKS, flags_of(mode), NULL);
        IpcTap *tap = tap_of(b, IPC_TAP_OLDEST, IPC_TAP_OLDEST);
        IpcTapReadResult r;
        uint64_t next;

        must(info_of(tap).is_exact == exact);
        next = pass(b, 0, 2 * BLOCKS + 5);
        must(info_of(tap).lag == (2 * BLOCKS + 5) * 64);
        r = try_tap(tap);
        must_fail(r, IPC_ERR_LAGGED);
        must(r.error.body.lost == r.error.body.offset);
        if (exact)
            must(r.error.body.lost == (BLOCKS + 5) * 64);
        must(info_of(tap).lost == r.error.body.lost);
        for (uint64_t i = r.error.body.lost / 64; i < next; i++)
            must(must_see(tap, 60, i) == i * 64);
        must_be(try_tap(tap).ipc_status, IPC_EMPTY);
    }
}

Test(unit, a_tap_that_lagged_goes_on_where_it_was_told)
{
    for (uint32_t mode = 0; mode < 2 * ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, flags_of(mode), NULL);
        IpcTap *newest = tap_of(b, IPC_TAP_OLDEST, IPC_TAP_NEWEST);
        IpcTap *now = tap_of(b, IPC_TAP_OLDEST, IPC_TAP_NOW);
        uint64_t next = pass(b, 0, 3 * BLOCKS + 1);

        must_be(try_tap(newest).ipc_status, IPC_ERR_LAGGED);
        must_be(try_tap(now).ipc_status, IPC_ERR_LAGGED);
        must(info_of(newest).lost == (next - 1) * 64);
        must(info_of(now).lost == next * 64);
        must_see(newest, 60, next - 1);
        must_be(try_tap(now).ipc_status, IPC_EMPTY);
    }
}

/* What was read and what was told lost are all there was. */
Test(unit, what_a_slow_tap_reads_and_loses_adds_up)
{
    uint64_t random = 4711;

    for (uint32_t mode = 0; mode < 2 * ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, flags_of(mode), NULL);
        IpcTap *tap = tap_of(b, IPC_TAP_OLDEST, IPC_TAP_OLDEST);
        uint64_t seed = 0, seen = 0, lost = 0;

        for (int round = 0; round < 2000; round++) {
            IpcTapReadResult r;

            seed = pass(b, seed, (int)random_below(&random, BLOCKS + 4));
            for (uint32_t n = random_below(&random, 2 * BLOCKS); n > 0; n--) {
                unsigned char data[64];
                IpcEntry entry = {0, data, sizeof data};

                r = ipc_tap_read(tap, &entry);
                if (r.ipc_status == IPC_ERR_LAGGED) {
                    lost += r.error.body.lost / 64;
                } else if (r.ipc_status == IPC_OK) {
                    must(entry.offset == (seen + lost) * 64);
                    must(is_filled(data, 60, seen + lost));
                    seen++;
                } else {
                    must_be(r.ipc_status, IPC_EMPTY);
                    must(seen + lost == seed);
                }
            }
        }
        must(seen > 1000 && lost > 1000);
    }
}

/* It cannot be told from an entry that was overwritten, and is one: what was
 * reserved and given up was scribbled over what the tap had not read yet. */
Test(unit, what_a_reservation_that_was_given_up_has_overwritten_is_lost)
{
    for (uint32_t mode = 0; mode < 2 * ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, flags_of(mode), NULL);
        IpcTap *tap = tap_of(b, IPC_TAP_OLDEST, IPC_TAP_OLDEST);
        IpcReservation all;

        pass(b, 0, BLOCKS);
        must_work(ipc_buffer_reserve(b, 8 * 64, &all));
        memset(all.payload, 0xee, all.size);
        must_work(ipc_buffer_abort(b, &all));
        must_be(try_tap(tap).ipc_status, IPC_ERR_LAGGED);
        must(info_of(tap).lost >= 8 * 64);
        /* A smaller one does not make less of it. */
        must_work(ipc_tap_seek(tap, IPC_TAP_OLDEST));
        must_work(ipc_buffer_reserve(b, 10, &all));
        memset(all.payload, 0xee, all.size);
        must_work(ipc_buffer_abort(b, &all));
        for (IpcTapReadResult r = try_tap(tap); r.ipc_status == IPC_OK;
             r = try_tap(tap))
            must(info_of(tap).offset > 8 * 64);
    }
}

/* ------------------------------------------------------------ in the way */

Test(unit, a_tap_says_who_is_in_the_way_and_goes_past_him)
{
    for (uint32_t mode = 0; mode < 2 * ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, flags_of(mode), NULL);
        IpcTap *tap = tap_of(b, IPC_TAP_OLDEST, IPC_TAP_OLDEST);
        IpcReservation open;
        IpcTapReadResult r;

        if (mode & IPC_BUFFER_ONE_PRODUCER)
            continue; /* has no claims to be stuck at */
        must_write(b, 100, 1);
        must_work(ipc_buffer_reserve(b, 200, &open));
        must_write(b, 100, 2);
        must_see(tap, 100, 1);
        r = try_tap(tap);
        must_fail(r, IPC_ERR_NOT_READY);
        must(r.error.body.owner_pid == getpid());
        must(r.error.body.offset == 128);
        must(result_of(ipc_tap_skip(tap)) == 4 * 64);
        must_see(tap, 100, 2);
        must_be(try_tap(tap).ipc_status, IPC_EMPTY);
        must_be(ipc_tap_skip(tap).ipc_status, IPC_EMPTY);
        /* Once it is committed, who begins anew sees it. */
        must_work(ipc_buffer_commit(b, &open, 200));
        must_work(ipc_tap_seek(tap, IPC_TAP_OLDEST));
        must_see(tap, 100, 1);
        must_work(try_tap(tap));
        must_see(tap, 100, 2);
    }
}

Test(unit, a_tap_goes_past_space_that_was_claimed_and_never_used)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, PLAIN, &region);
    IpcTap *tap = tap_of(b, IPC_TAP_OLDEST, IPC_TAP_OLDEST);
    IpcTapReadResult r;

    must_write(b, 10, 1);
    /* As by one who was killed when he had claimed three blocks. */
    atomic_add_relaxed(&region->tail.position, 3);
    must_see(tap, 10, 1);
    r = try_tap(tap);
    must_fail(r, IPC_ERR_NOT_READY);
    must(r.error.body.owner_pid == 0);
    must(result_of(ipc_tap_skip(tap)) == 3 * 64);
    must_be(try_tap(tap).ipc_status, IPC_EMPTY);
    must_write(b, 10, 2);
    must_see(tap, 10, 2);
}

Test(unit, a_tap_skips_entries_too)
{
    IpcBuffer *b = new_ring(BLOCKS, PLAIN, NULL);
    IpcTap *tap = tap_of(b, IPC_TAP_OLDEST, IPC_TAP_OLDEST);
    unsigned char data[3][8] = {{1}, {2}, {3}};

    must_write(b, 100, 1);
    must(result_of(ipc_buffer_write_array(b, data, 8, 3)) == 3);
    must(result_of(ipc_tap_skip(tap)) == 128);
    must(result_of(ipc_tap_skip(tap)) == 8);
    must(result_of(ipc_tap_skip(tap)) == 8);
    must(result_of(ipc_tap_skip(tap)) == 48);
    must(info_of(tap).lost == 0 && info_of(tap).lag == 0);
}

Test(unit, an_entry_without_room_is_still_next)
{
    IpcBuffer *b = new_ring(BLOCKS, PLAIN, NULL);
    IpcTap *tap = tap_of(b, IPC_TAP_OLDEST, IPC_TAP_OLDEST);
    unsigned char data[100] = {1};
    IpcEntry entry = {7, data, 99};
    IpcTapReadResult r;

    must_write(b, 100, 1);
    r = ipc_tap_read(tap, &entry);
    must_fail(r, IPC_ERR_TOO_SMALL);
    must(r.error.body.required_size == 100 && data[0] == 1);
    must(entry.offset == 7 && entry.size == 99);
    must_see(tap, 100, 1);
}

/* ---------------------------------------------------------------- the end */

Test(unit, a_tap_is_told_that_the_channel_was_closed)
{
    for (uint32_t mode = 0; mode < 2 * ALL_MODES; mode++) {
        IpcChannel *ch = new_channel(BLOCKS, flags_of(mode), NULL);
        IpcTap *tap = result_of(ipc_tap_attach_channel(ch, NULL));
        unsigned char data[64];
        IpcEntry entry = {0, data, sizeof data};

        must_send(ch, 10, 1);
        must_work(ipc_channel_close(ch));
        must_see(tap, 10, 1);
        must_fail(try_tap(tap), IPC_ERR_CLOSED);
        must_fail(ipc_tap_read_with_timeout(tap, &entry, UINT64_MAX),
                  IPC_ERR_CLOSED);
        must_work(ipc_tap_destroy(tap));
        must_work(ipc_channel_destroy(ch));
    }
}

Test(unit, a_tap_notices_that_the_memory_was_formatted_anew)
{
    void *memory = shared_memory(ring_size(BLOCKS, 8));
    IpcBuffer *b = make_ring(memory, BLOCKS, 8, PLAIN);
    IpcTap *tap = tap_of(b, IPC_TAP_OLDEST, IPC_TAP_OLDEST);
    IpcTapInfo info = {.struct_size = sizeof info};

    must_write(b, 10, 1);
    make_ring(memory, BLOCKS, 8, IPC_BUFFER_RECREATE | PLAIN);
    must_fail(try_tap(tap), IPC_ERR_FORMATTED_ANEW);
    must_fail(ipc_tap_skip(tap), IPC_ERR_FORMATTED_ANEW);
    must_fail(ipc_tap_seek(tap, IPC_TAP_NOW), IPC_ERR_FORMATTED_ANEW);
    must_fail(ipc_tap_stats(tap, &info), IPC_ERR_FORMATTED_ANEW);
    must_fail(ipc_tap_attach_buffer(b, NULL), IPC_ERR_FORMATTED_ANEW);
}

Test(unit, where_stores_are_not_in_order_a_ring_is_made_for_taps)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    IpcTapAttachResult r = ipc_tap_attach_buffer(b, NULL);

    if (ATOMIC_KEEPS_ORDER)
        must_work(r);
    else
        must_fail(r, IPC_ERR_UNSUPPORTED);
}

/* ------------------------------------------------------------- no trace */

Test(unit, a_tap_stores_nothing_and_needs_no_permission_to)
{
    for (uint32_t mode = 0; mode < 2 * ALL_MODES; mode++) {
        size_t size = (ring_size(BLOCKS, 8) + 4095) / 4096 * 4096;
        int fd = memfd_create("tapped", MFD_CLOEXEC);
        unsigned char *before = malloc(size);
        void *writable, *readable;
        IpcReservation open;
        IpcBuffer *b;
        IpcTap *tap;

        must(before && fd >= 0 && ftruncate(fd, (off_t)size) == 0);
        writable = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        readable = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
        must(writable != MAP_FAILED && readable != MAP_FAILED);
        b = make_ring(writable, BLOCKS, 8, flags_of(mode));
        pass(b, 0, 40);
        must_write(b, 100, 41);
        must_work(ipc_buffer_reserve(b, 100, &open));
        memcpy(before, writable, size);
        tap = result_of(ipc_tap_attach(readable, size, NULL));
        for (int i = 0; i < 3; i++) {
            unsigned char data[1024];
            IpcEntry entry = {0, data, sizeof data};

            must_work(ipc_tap_seek(tap, (IpcTapStart)i));
            while (try_tap(tap).ipc_status == IPC_OK)
                continue;
            must(ipc_tap_read_with_timeout(tap, &entry, 100000).ipc_status < 0);
            must(ipc_tap_skip(tap).ipc_status >= 0);
        }
        must(info_of(tap).capacity == (uint64_t)BLOCKS * 64);
        must(info_of(tap).flags == flags_of(mode));
        must_work(ipc_tap_destroy(tap));
        must(memcmp(before, writable, size) == 0);
        close(fd);
        free(before);
    }
}

/* -------------------------------------------------------------- by timeout */

Test(unit, a_read_with_a_timeout_waits_for_the_entry)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, PLAIN, &region);
    IpcTap *tap = tap_of(b, IPC_TAP_NOW, IPC_TAP_NOW);
    unsigned char data[64];
    IpcEntry entry = {0, data, sizeof data};
    int64_t start = now_ns();
    pid_t child;

    must_fail(ipc_tap_read_with_timeout(tap, &entry, 20 * 1000000),
              IPC_ERR_TIMEOUT);
    must(now_ns() - start >= 20 * MILLISECOND);
    must_fail(ipc_tap_read_with_timeout(tap, &entry, 0), IPC_ERR_TIMEOUT);
    child = fork_child();
    if (child == 0) {
        pause_ns(30 * MILLISECOND);
        must_write(attach_to(region), 50, 9);
        child_done();
    }
    must_work(ipc_tap_read_with_timeout(tap, &entry, UINT64_MAX));
    must(entry.size == 50 && is_filled(data, 50, 9));
    must_succeed(child);
}

/* ----------------------------------------------------------------- wrong */

Test(unit, impossible_arguments_are_refused_and_explained)
{
    IpcBuffer *b = new_ring(BLOCKS, PLAIN, NULL);
    IpcTap *tap = tap_of(b, IPC_TAP_NOW, IPC_TAP_NOW);
    const IpcStatus wrong = IPC_ERR_INVALID_ARGUMENT;
    const IpcTapOptions good = {.struct_size = sizeof good};
    IpcTapOptions options[6] = {good, good, good, good, good, good};
    unsigned char data[64];
    IpcEntry entry = {0, NULL, sizeof data};
    IpcTapInfo info = {.struct_size = sizeof info - 1};

    options[0].struct_size--;
    options[1].flags = IPC_OPEN_EXCLUSIVE;
    options[2].start = 3;
    options[3].after_lag = 3;
    options[4].reserved32 = 1;
    options[5].reserved[3] = 1;
    for (int i = 0; i < 6; i++) {
        must_fail(ipc_tap_attach_buffer(b, &options[i]), wrong);
        must_fail(ipc_tap_open("/no-such-channel", &options[i]), wrong);
    }
    options[0] = good;
    options[0].flags = IPC_OPEN_PATH;
    must_fail(ipc_tap_attach(data, sizeof data, &options[0]), wrong);
    must_fail(ipc_tap_attach(NULL, 64, NULL), wrong);
    must_fail(ipc_tap_attach(data, 0, NULL), wrong);
    must_fail(ipc_tap_attach(data, 10, NULL), IPC_ERR_TRUNCATED);
    must_fail(ipc_tap_attach_buffer(NULL, NULL), wrong);
    must_fail(ipc_tap_attach_channel(NULL, NULL), wrong);
    must_fail(ipc_tap_read(tap, NULL), wrong);
    must_fail(ipc_tap_read(tap, &entry), wrong);
    must_fail(ipc_tap_read(NULL, &entry), wrong);
    must_fail(ipc_tap_read_with_timeout(tap, NULL, 0), wrong);
    must_fail(ipc_tap_skip(NULL), wrong);
    must_fail(ipc_tap_seek(NULL, IPC_TAP_NOW), wrong);
    must_fail(ipc_tap_stats(NULL, &info), wrong);
    must_fail(ipc_tap_stats(tap, NULL), wrong);
    must_fail(ipc_tap_stats(tap, &info), IPC_ERR_TOO_SMALL);
    must_fail(ipc_tap_destroy(NULL), wrong);
}
