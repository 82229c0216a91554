/* SPDX-License-Identifier: MIT */
/*
 * The buffer's calls one by one: statuses, error bodies, and that an error
 * changes nothing.
 */
#include "helpers.h"
#include <linux/seccomp.h>
#include <sys/syscall.h>

enum { BLOCKS = 8 };

/* A copy of a region, to be compared with it later. */
static void *copy_of(const void *region, uint32_t blocks)
{
    void *copy = malloc(ring_size(blocks, 8));

    must(copy != NULL);
    memcpy(copy, region, ring_size(blocks, 8));
    return copy;
}

static bool is_unchanged(const void *region, void *copy, uint32_t blocks)
{
    bool same = memcmp(region, copy, ring_size(blocks, 8)) == 0;

    free(copy);
    return same;
}

/* A buffer whose handle has taken its roles, so that what follows has no
 * reason to change a byte. */
static IpcBuffer *entered_ring(uint32_t flags, struct shm_region **region)
{
    IpcBuffer *b = new_ring(BLOCKS, flags, region);

    must_write(b, 1, 1);
    must_read(b, 1, 1);
    return b;
}

Test(unit, an_entry_that_was_written_is_read)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);

        must_write(b, 100, 5);
        must(must_read(b, 100, 5) == 0);
        must_be(try_to_read(b), IPC_EMPTY);
        must_work(ipc_buffer_destroy(b));
    }
}

Test(unit, entries_are_read_in_the_order_they_were_written)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);

        for (uint64_t i = 0; i < BLOCKS; i++)
            must_write(b, (size_t)i + 1, i);
        for (uint64_t i = 0; i < BLOCKS; i++)
            must_read(b, (size_t)i + 1, i);
    }
}

Test(unit, offsets_begin_at_0_grow_and_are_multiples_of_8)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        uint64_t seen = 0;

        for (uint64_t i = 0; i < 1000; i++) {
            size_t size = i * 37 % 256 + 1;
            uint64_t offset;

            must_write(b, size, i);
            offset = must_read(b, size, i);
            must(i == 0 ? offset == 0 : offset > seen);
            must(offset % 8 == 0);
            seen = offset;
        }
    }
}

Test(unit, peek_skip_and_read_tell_the_same_offset)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);

        for (uint64_t i = 0; i < 100; i++) {
            IpcEntry entry, again;
            IpcBufferSkipResult skipped;

            must_write(b, 70, i);
            must_work(ipc_buffer_peek(b, &entry));
            must_work(ipc_buffer_peek(b, &again));
            must(entry.offset == again.offset && entry.size == 70);
            must(entry.payload == again.payload);
            must((uintptr_t)entry.payload % IPC_BUFFER_BLOCK_SIZE == 0);
            must(is_filled(entry.payload, 70, i));
            must(entry.offset == stats_of(b).head_offset);
            if (i % 2) {
                must(must_read(b, 70, i) == entry.offset);
                continue;
            }
            skipped = ipc_buffer_skip(b, entry.offset);
            must_work(skipped);
            must(skipped.result == entry.offset);
        }
        must_be(try_to_read(b), IPC_EMPTY);
    }
}

Test(unit, null_is_an_invalid_argument_everywhere)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    char byte = 'x';
    IpcEntry entry = {.payload = &byte, .size = 1};
    IpcEntry nowhere = {.payload = NULL, .size = 100};
    IpcReservation reservation;
    struct iovec piece = {&byte, 1};
    IpcBufferStats stats = {.struct_size = sizeof stats};
    const IpcStatus invalid = IPC_ERR_INVALID_ARGUMENT;

    must_work(ipc_buffer_reserve(b, 1, &reservation));
    must_fail(ipc_buffer_destroy(NULL), invalid);
    must(ipc_buffer_max_entry_size(NULL) == 0);
    must_fail(ipc_buffer_write(NULL, &byte, 1), invalid);
    must_fail(ipc_buffer_write(b, NULL, 1), invalid);
    must_fail(ipc_buffer_write(NULL, NULL, 0), invalid);
    must_fail(ipc_buffer_writev(NULL, &piece, 1), invalid);
    must_fail(ipc_buffer_writev(b, NULL, 1), invalid);
    must_fail(ipc_buffer_reserve(NULL, 1, &reservation), invalid);
    must_fail(ipc_buffer_reserve(b, 1, NULL), invalid);
    must_fail(ipc_buffer_commit(NULL, &reservation, 1), invalid);
    must_fail(ipc_buffer_commit(b, NULL, 1), invalid);
    must_fail(ipc_buffer_abort(NULL, &reservation), invalid);
    must_fail(ipc_buffer_abort(b, NULL), invalid);
    must_fail(ipc_buffer_read(NULL, &entry), invalid);
    must_fail(ipc_buffer_read(b, NULL), invalid);
    must_fail(ipc_buffer_read(b, &nowhere), invalid);
    must_fail(ipc_buffer_peek(NULL, &entry), invalid);
    must_fail(ipc_buffer_peek(b, NULL), invalid);
    must_fail(ipc_buffer_skip(NULL, 0), invalid);
    must_fail(ipc_buffer_skip_force(NULL), invalid);
    must_fail(ipc_buffer_recover(NULL), invalid);
    must_fail(ipc_buffer_recover_force(NULL), invalid);
    must_fail(ipc_buffer_stats(NULL, &stats), invalid);
    must_fail(ipc_buffer_stats(b, NULL), invalid);
    /* All of it has left the reservation open. */
    must_work(ipc_buffer_commit(b, &reservation, 1));
}

Test(unit, an_entry_of_no_bytes_is_an_invalid_argument)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = entered_ring(mode, &region);
        void *copy = copy_of(region, BLOCKS);
        IpcReservation reservation;
        char byte = 0;
        struct iovec empty[2] = {{&byte, 0}, {NULL, 0}};

        must_fail(ipc_buffer_write(b, &byte, 0), IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_writev(b, empty, 2), IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_writev(b, empty, 0), IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_writev(b, empty, -1), IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_reserve(b, 0, &reservation),
                  IPC_ERR_INVALID_ARGUMENT);
        must(is_unchanged(region, copy, BLOCKS));
    }
}

Test(unit, an_entry_above_the_maximum_is_too_large)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = entered_ring(mode, &region);
        size_t limit = (size_t)ipc_buffer_max_entry_size(b);
        void *copy = copy_of(region, BLOCKS);
        size_t beyond_words =
            SIZE_MAX > UINT32_MAX ? (size_t)UINT32_MAX + 2 : SIZE_MAX - 2;
        const size_t sizes[] = {limit + 1,    limit + 64,    UINT32_MAX,
                                beyond_words, SIZE_MAX - 63, SIZE_MAX - 1,
                                SIZE_MAX};
        IpcReservation reservation;
        char byte = 0;

        must(limit == BLOCKS * 64);
        memset(&reservation, 0x5a, sizeof reservation);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            IpcBufferWriteResult r = ipc_buffer_write(b, &byte, sizes[i]);
            struct iovec pieces[2] = {{&byte, 1}, {&byte, sizes[i] - 1}};

            must_fail(r, IPC_ERR_ENTRY_TOO_LARGE);
            must(IpcBufferWriteResult_is_error_has_body(r.error));
            must(r.error.body.requested_size == sizes[i]);
            must(r.error.body.buffer_size == BLOCKS * 64);
            must_fail(ipc_buffer_writev(b, pieces, 2), IPC_ERR_ENTRY_TOO_LARGE);
            must_fail(ipc_buffer_reserve(b, sizes[i], &reservation),
                      IPC_ERR_ENTRY_TOO_LARGE);
        }
        must(is_all(&reservation, sizeof reservation, 0x5a));
        must(is_unchanged(region, copy, BLOCKS));
    }
}

Test(unit, pieces_whose_sum_overflows_are_too_large)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    char byte = 0;
    struct iovec pieces[3] = {{&byte, SIZE_MAX}, {&byte, SIZE_MAX}, {&byte, 2}};

    must_fail(ipc_buffer_writev(b, pieces, 3), IPC_ERR_ENTRY_TOO_LARGE);
    must_be(try_to_read(b), IPC_EMPTY);
}

Test(unit, writev_writes_pieces_one_after_the_other)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        unsigned char data[200];

        fill(data, sizeof data, 3);
        for (size_t cut = 0; cut <= sizeof data; cut++) {
            struct iovec pieces[5] = {{NULL, 0},
                                      {data, cut / 2},
                                      {data + cut / 2, cut - cut / 2},
                                      {NULL, 0},
                                      {data + cut, sizeof data - cut}};

            must_work(ipc_buffer_writev(b, pieces, 5));
            must_read(b, sizeof data, 3);
        }
    }
}

Test(unit, a_piece_that_is_null_but_not_empty_is_invalid)
{
    struct shm_region *region;
    IpcBuffer *b = entered_ring(0, &region);
    void *copy = copy_of(region, BLOCKS);
    char byte = 0;
    struct iovec pieces[2] = {{&byte, 1}, {NULL, 1}};

    must_fail(ipc_buffer_writev(b, pieces, 2), IPC_ERR_INVALID_ARGUMENT);
    must(is_unchanged(region, copy, BLOCKS));
}

Test(unit, a_full_buffer_has_no_space_and_says_how_much)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);
        IpcReservation reservation;
        IpcBufferWriteResult r;
        char data[65] = {0};
        void *copy;

        for (uint64_t i = 0; i < BLOCKS - 1; i++)
            must_write(b, 64, i);
        copy = copy_of(region, BLOCKS);
        memset(&reservation, 0x5a, sizeof reservation);
        r = ipc_buffer_write(b, data, 65);
        must_fail(r, IPC_ERR_NO_SPACE_CONTIGUOUS);
        must(IpcBufferWriteResult_is_error_has_body(r.error));
        must(r.error.body.offset == (BLOCKS - 1) * 64);
        must(r.error.body.requested_size == 65);
        must(r.error.body.required_size == 128);
        must(r.error.body.free_space == 64);
        must(r.error.body.available_contiguous == 64);
        must(r.error.body.buffer_size == BLOCKS * 64);
        must_fail(ipc_buffer_reserve(b, 65, &reservation),
                  IPC_ERR_NO_SPACE_CONTIGUOUS);
        must(is_all(&reservation, sizeof reservation, 0x5a));
        must(is_unchanged(region, copy, BLOCKS));
        /* What fits still does, and a reader makes room again. */
        must_write(b, 64, BLOCKS - 1);
        must_fail(ipc_buffer_write(b, data, 1), IPC_ERR_NO_SPACE_CONTIGUOUS);
        must_read(b, 64, 0);
        must_work(ipc_buffer_write(b, data, 1));
    }
}

Test(unit, a_failed_write_near_the_end_of_a_lap_leaves_no_trace)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);
        char data[129] = {0};
        void *copy;

        /* Tail at 7, head at 2: two blocks at the front, one at the end. */
        for (uint64_t i = 0; i < 7; i++)
            must_write(b, 64, i);
        must_read(b, 64, 0);
        must_read(b, 64, 1);
        copy = copy_of(region, BLOCKS);
        must_fail(ipc_buffer_write(b, data, 129), IPC_ERR_NO_SPACE_CONTIGUOUS);
        must(is_unchanged(region, copy, BLOCKS));
        must_work(ipc_buffer_write(b, data, 128));
    }
}

Test(unit, a_destination_that_is_too_small_is_untouched_and_told_the_size)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = entered_ring(mode, &region);
        unsigned char data[100];
        void *copy;

        must_write(b, 100, 9);
        copy = copy_of(region, BLOCKS);
        memset(data, 0x5a, sizeof data);
        for (size_t room = 0; room < 100; room++) {
            IpcEntry entry = {.offset = 77, .payload = data, .size = room};
            IpcBufferReadResult r = ipc_buffer_read(b, &entry);

            must_fail(r, IPC_ERR_TOO_SMALL);
            must(IpcBufferReadResult_is_error_has_body(r.error));
            must(r.error.body.required_size == 100);
            must(r.error.body.offset == 64);
            must(entry.offset == 77 && entry.payload == data);
            must(entry.size == room);
        }
        must(is_unchanged(region, copy, BLOCKS));
        must(is_all(data + 99, 1, 0x5a));
        must_read(b, 100, 9);
    }
}

Test(unit, an_empty_buffer_leaves_the_destination_untouched)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = entered_ring(mode, &region);
        void *copy = copy_of(region, BLOCKS);
        char byte = 'x';
        IpcEntry entry = {.offset = 77, .payload = &byte, .size = 1};

        must_be(ipc_buffer_read(b, &entry).ipc_status, IPC_EMPTY);
        must(entry.offset == 77 && entry.payload == &byte && entry.size == 1);
        must(byte == 'x');
        must_be(ipc_buffer_skip(b, 64).ipc_status, IPC_EMPTY);
        must_be(ipc_buffer_skip_force(b).ipc_status, IPC_EMPTY);
        must_work(ipc_buffer_recover(b));
        must(is_unchanged(region, copy, BLOCKS));
    }
}

Test(unit, skip_takes_only_the_entry_that_it_names)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = entered_ring(mode, &region);
        IpcBufferSkipResult r;
        void *copy;

        must_write(b, 64, 1); /* offset 64 */
        must_write(b, 64, 2); /* offset 128 */
        copy = copy_of(region, BLOCKS);
        must_fail(ipc_buffer_skip(b, 0), IPC_ERR_OFFSET_MISMATCH);
        must_fail(ipc_buffer_skip(b, 56), IPC_ERR_OFFSET_MISMATCH);
        for (uint64_t offset = 72; offset < 300; offset += 8) {
            r = ipc_buffer_skip(b, offset);
            must_fail(r, IPC_ERR_OFFSET_MISMATCH);
            must(IpcBufferSkipResult_is_error_has_body(r.error));
            must(r.error.body.offset == 64);
        }
        for (uint64_t offset = 57; offset < 72; offset++)
            if (offset % 8)
                must_fail(ipc_buffer_skip(b, offset), IPC_ERR_INVALID_ARGUMENT);
        must_fail(ipc_buffer_skip(b, UINT64_MAX - 7), IPC_ERR_OFFSET_MISMATCH);
        must_fail(ipc_buffer_skip(b, UINT64_MAX), IPC_ERR_INVALID_ARGUMENT);
        must(is_unchanged(region, copy, BLOCKS));
        r = ipc_buffer_skip(b, 64);
        must_work(r);
        must(r.result == 64);
        must_fail(ipc_buffer_skip(b, 64), IPC_ERR_OFFSET_MISMATCH);
        must_work(ipc_buffer_skip(b, 128));
        must_be(ipc_buffer_skip(b, 192).ipc_status, IPC_EMPTY);
        must_fail(ipc_buffer_skip(b, 256), IPC_ERR_OFFSET_MISMATCH);
    }
}

/* Each copies what it peeked and handles it only if the skip is no error. */
Test(unit, of_two_that_peeked_an_entry_one_may_have_it)
{
    struct shm_region *region;
    IpcBuffer *a = new_ring(BLOCKS, 0, &region);
    IpcBuffer *b = attach_to(region);
    IpcEntry by_a, by_b;
    IpcBufferSkipResult late;

    must_write(a, 10, 1);
    must_write(a, 10, 2);
    must_work(ipc_buffer_peek(a, &by_a));
    must_work(ipc_buffer_peek(b, &by_b));
    must(by_a.offset == by_b.offset);
    must_work(ipc_buffer_skip(b, by_b.offset));
    late = ipc_buffer_skip(a, by_a.offset);
    must(IpcBufferSkipResult_is_error(late));
    must_fail(late, IPC_ERR_OFFSET_MISMATCH);
    must(late.error.body.offset == 64);
    must_read(a, 10, 2);
}

Test(unit, skip_force_passes_one_entry_and_tells_its_offset)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        IpcBufferSkipForceResult r;

        must_be(ipc_buffer_skip_force(b).ipc_status, IPC_EMPTY);
        must_write(b, 65, 1);
        must_write(b, 10, 2);
        r = ipc_buffer_skip_force(b);
        must_work(r);
        must(r.result == 0);
        must(must_read(b, 10, 2) == 128);
    }
}

Test(unit, entries_outlive_the_handle_that_wrote_them)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);

        must_write(b, 50, 1);
        must_write(b, 60, 2);
        must_work(ipc_buffer_destroy(b));
        b = attach_to(region);
        must(must_read(b, 50, 1) == 0);
        must_work(ipc_buffer_destroy(b));
        b = attach_to(region);
        must(must_read(b, 60, 2) == 64);
        must_write(b, 70, 3);
        must(must_read(b, 70, 3) == 128);
        must_work(ipc_buffer_destroy(b));
    }
}

Test(unit, handles_at_two_addresses_see_one_buffer)
{
    size_t size = 8192;
    int fd = (int)syscall(SYS_memfd_create, "buffer", 0);
    unsigned char *one, *two;
    IpcBuffer *writer, *reader;

    must(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
    one = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    two = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    must(one != MAP_FAILED && two != MAP_FAILED && one != two);
    writer = ipc_buffer_create(one + 5, size - 5).result;
    reader = attach_to(two + 5);
    for (uint64_t i = 0; i < 1000; i++) {
        IpcEntry entry;

        must_write(writer, (size_t)(i % 300 + 1), i);
        must_work(ipc_buffer_peek(reader, &entry));
        must((unsigned char *)entry.payload > two);
        must((unsigned char *)entry.payload < two + size);
        must_read(reader, (size_t)(i % 300 + 1), i);
    }
}

Test(unit, a_handle_that_was_freed_instead_of_destroyed_does_no_harm)
{
    struct shm_region *region;
    IpcBuffer *b = new_ring(BLOCKS, 0, &region);

    must_write(b, 50, 1);
    free(b);
    b = attach_to(region);
    must_read(b, 50, 1);
    must_write(b, 60, 2);
    must_read(b, 60, 2);
}

Test(unit, destroy_of_an_unused_handle_leaves_the_others_alone)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);
        void *copy;

        must_write(b, 50, 1);
        copy = copy_of(region, BLOCKS);
        must_work(ipc_buffer_destroy(attach_to(region)));
        must(is_unchanged(region, copy, BLOCKS));
        must_read(b, 50, 1);
        must_write(b, 51, 2);
        must_read(b, 51, 2);
    }
}

static bool can_forbid_calls(void)
{
    pid_t child = fork_child();
    int status;

    if (child == 0)
        syscall(SYS_exit,
                prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0 ? 0 : 1);
    must(waitpid(child, &status, 0) == child);
    return status == 0;
}

/* In strict mode any system call but read, write and exit kills. */
Test(unit, writes_and_reads_make_no_system_call_after_the_first)
{
    if (!can_forbid_calls())
        cr_skip_test("no system call can be forbidden: the kernel has no "
                     "seccomp, or it is emulated");
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(2 * BLOCKS, mode, NULL);
        char data[200] = {0};
        pid_t child = fork_child();

        if (child == 0) {
            IpcEntry entry = {.payload = data, .size = sizeof data};

            must_work(ipc_buffer_write(b, data, 100));
            must_work(ipc_buffer_read(b, &entry));
            must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
            for (int i = 0; i < 20000; i++) {
                IpcReservation reservation;

                must_work(ipc_buffer_reserve(b, 100, &reservation));
                must_work(ipc_buffer_commit(b, &reservation, 90));
                must_work(ipc_buffer_write(b, data, (size_t)i % 200 + 1));
                entry.size = sizeof data;
                must_work(ipc_buffer_read(b, &entry));
                must_work(ipc_buffer_peek(b, &entry));
                must_work(ipc_buffer_skip(b, entry.offset));
                entry.payload = data;
            }
            syscall(SYS_exit, 0);
        }
        must_succeed(child);
    }
}
