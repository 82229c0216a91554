/* SPDX-License-Identifier: MIT */
/*
 * More of what users of the original know, beside test_interface.c: results
 * made by the macros, the members of bodies, who owns what, and segments.
 */
#include "../own_name.h"
#include "helpers.h"
#include <shmipc/ipc_channel.h>
#include <shmipc/ipc_mmap.h>
#include <unistd.h>

enum { SIZE = 4096 };

static _Alignas(64) unsigned char memory[SIZE];
static const IpcChannelConfiguration patience =
    IPC_CHANNEL_CONFIGURATION(2, 1000, 2000);

/* Compiles if `of` has that type. */
#define IS(type, of)          _Generic((of), type : true)
#define HAS(type, of, member) must(IS(type, ((of *)0)->member))

/* ---------------------------------------------------------------- results */

typedef struct Body {
    int number;
} Body;
IPC_RESULT(FoundResult, double, Body)
IPC_RESULT_UNIT(DoneResult, Body)

Test(unit, programs_make_results_of_their_own)
{
    const Body body = {.number = 5};
    FoundResult found = FoundResult_ok(IPC_OK, 2.5);
    DoneResult done = DoneResult_ok(IPC_EMPTY);

    must(FoundResult_is_ok(found) && !FoundResult_is_error(found));
    must(found.ipc_status == IPC_OK && found.result > 2);
    must(DoneResult_is_ok(done) && !DoneResult_is_error(done));
    must(done.ipc_status == IPC_EMPTY);

    found = FoundResult_error(IPC_ERR_LOCKED, "why");
    must(FoundResult_is_error(found) && !FoundResult_is_ok(found));
    must(!FoundResult_is_error_has_body(found.error));
    must(strcmp(found.error.detail, "why") == 0);
    must(FoundResult_error(IPC_ERR_LOCKED, NULL).error.detail != NULL);

    done = DoneResult_error_body(IPC_ERR_TOO_SMALL, "so", body);
    must(DoneResult_is_error(done) && DoneResult_is_error_has_body(done.error));
    must(done.error.body.number == 5 && strcmp(done.error.detail, "so") == 0);
    must(!DoneResult_is_error_has_body(
        DoneResult_error(IPC_ERR_LOCKED, "").error));
}

Test(unit, what_is_positive_is_no_error_and_what_is_negative_is_one)
{
    for (int status = -60; status < 60; status++) {
        DoneResult r = DoneResult_ok((IpcStatus)status);

        must(DoneResult_is_ok(r) == (status >= 0));
        must(DoneResult_is_error(r) == (status < 0));
        must(*ipc_status_name((IpcStatus)status) != '\0');
        must(*ipc_status_text((IpcStatus)status) != '\0');
    }
}

Test(unit, members_have_the_types_that_users_know)
{
    HAS(uint64_t, IpcEntry, offset);
    HAS(void *, IpcEntry, payload);
    HAS(size_t, IpcEntry, size);
    HAS(uint32_t, IpcChannelConfiguration, max_round_trips);
    HAS(long, IpcChannelConfiguration, start_sleep_ns);
    HAS(long, IpcChannelConfiguration, max_sleep_ns);
    must(offsetof(IpcChannelConfiguration, max_round_trips) == 0);
    must(offsetof(IpcChannelConfiguration, start_sleep_ns) == sizeof(long));
    must(offsetof(IpcChannelConfiguration, max_sleep_ns) == 2 * sizeof(long));
    HAS(char *, IpcMemorySegment, name);
    HAS(uint64_t, IpcMemorySegment, size);
    HAS(void *, IpcMemorySegment, memory);
    HAS(const char *, IpcBufferWriteResult, error.detail);
    HAS(bool, IpcBufferWriteResult, error.has_body);
    HAS(IpcBuffer *, IpcBufferCreateResult, result);
    HAS(IpcBuffer *, IpcBufferAttachResult, result);
    HAS(uint64_t, IpcBufferSkipResult, result);
    HAS(uint64_t, IpcBufferSkipForceResult, result);
    HAS(IpcChannel *, IpcChannelResult, result);
    HAS(IpcChannel *, IpcChannelConnectResult, result);
    HAS(uint64_t, IpcChannelSkipResult, result);
    HAS(uint64_t, IpcChannelSkipForceResult, result);
    HAS(IpcMemorySegment *, IpcMemorySegmentResult, result);
}

/* Their widths are ours to choose, their names are not. */
Test(unit, bodies_of_errors_have_the_members_that_users_know)
{
    IpcBufferCreateResult create = ipc_buffer_create(memory, 1);
    IpcBufferAttachResult attach = ipc_buffer_attach(NULL);
    IpcBufferWriteResult write = ipc_buffer_write(NULL, "x", 1);
    IpcBufferReadResult read = ipc_buffer_read(NULL, NULL);
    IpcBufferPeekResult peek = ipc_buffer_peek(NULL, NULL);
    IpcMemorySegmentResult segment = ipc_mmap("/a/b", 1);

    must(create.error.body.requested_size == 1);
    must(create.error.body.min_size > 1);
    must_fail(attach, IPC_ERR_INVALID_ARGUMENT);
    must(attach.error.body.min_size > 0);
    must_fail(write, IPC_ERR_INVALID_ARGUMENT);
    must(write.error.body.requested_size == 1);
    must(write.error.body.offset == 0 && write.error.body.free_space == 0);
    must(write.error.body.available_contiguous == 0);
    must(write.error.body.buffer_size == 0);
    must(write.error.body.required_size < 1000);
    must_fail(read, IPC_ERR_INVALID_ARGUMENT);
    must(read.error.body.offset == 0 && read.error.body.required_size == 0);
    must_fail(peek, IPC_ERR_INVALID_ARGUMENT);
    must(peek.error.body.offset == 0);
    must_fail(segment, IPC_ERR_INVALID_ARGUMENT);
    must(!segment.error.body.existed && segment.error.body.sys_errno == 0);
    must(segment.error.body.existing_size == 0);
    must(segment.error.body.aligned_size == 0);
    must(segment.error.body.page_size < SIZE * 1000);
}

/* ----------------------------------------------------------------- buffer */

Test(unit, the_aligned_size_holds_so_much_data)
{
    for (size_t capacity = 0; capacity < 3000; capacity += 7) {
        size_t size = (size_t)ipc_buffer_align_size(capacity);
        void *at = aligned_alloc(64, (size + 63) / 64 * 64);
        IpcBuffer *b = result_of(ipc_buffer_create(at, size));

        must(ipc_channel_align_size(capacity) == size);
        if (capacity > 0)
            must_work(ipc_buffer_write(b, memory, capacity));
        ipc_buffer_destroy(b);
        free(at);
    }
}

Test(unit, a_read_fills_the_callers_memory_and_says_how_much_and_where)
{
    IpcBuffer *b = result_of(ipc_buffer_create(memory, SIZE));
    char bytes[100];
    uint64_t last = 0;

    for (int i = 0; i < 100; i++) {
        IpcEntry entry = {99, bytes, sizeof bytes};

        memset(bytes, 0x5a, sizeof bytes);
        must_work(ipc_buffer_write(b, "abc", 4));
        must_work(ipc_buffer_read(b, &entry));
        must(entry.payload == bytes && entry.size == 4);
        must(strcmp(bytes, "abc") == 0 && bytes[4] == 0x5a);
        must(i == 0 ? entry.offset == 0 : entry.offset > last);
        must(entry.offset % 8 == 0);
        last = entry.offset;
    }
}

Test(unit, what_was_peeked_belongs_to_the_one_that_skips_it)
{
    IpcBuffer *b = result_of(ipc_buffer_create(memory, SIZE));
    IpcBuffer *other = result_of(ipc_buffer_attach(memory));
    IpcEntry mine, theirs;
    IpcBufferSkipResult late;

    must_work(ipc_buffer_write(b, "abc", 4));
    must_work(ipc_buffer_write(b, "def", 4));
    must_work(ipc_buffer_peek(b, &mine));
    must_work(ipc_buffer_peek(other, &theirs));
    must(mine.offset == theirs.offset && mine.size == 4);
    must(!memcmp(mine.payload, "abc", 4) && !memcmp(theirs.payload, "abc", 4));
    must(result_of(ipc_buffer_skip(other, theirs.offset)) == theirs.offset);
    late = ipc_buffer_skip(b, mine.offset);
    must_fail(late, IPC_ERR_OFFSET_MISMATCH);
    must(IpcBufferSkipResult_is_error(late));
    must_work(ipc_buffer_peek(b, &mine));
    must(!memcmp(mine.payload, "def", 4));
}

Test(unit, what_a_living_owner_is_writing_is_not_ready_and_not_skipped)
{
    IpcBuffer *b = result_of(ipc_buffer_create(memory, SIZE));
    IpcBuffer *other = result_of(ipc_buffer_attach(memory));
    char bytes[64];
    IpcEntry entry = {0, bytes, sizeof bytes};
    IpcReservation open;
    IpcBufferPeekResult peeked;
    IpcBufferReadResult read;

    must_work(ipc_buffer_write(b, "abc", 4));
    must_work(ipc_buffer_reserve(b, 4, &open));
    must(result_of(ipc_buffer_skip_force(other)) == 0);
    peeked = ipc_buffer_peek(other, &entry);
    must_fail(peeked, IPC_ERR_NOT_READY);
    must(peeked.error.body.offset == open.offset && open.offset > 0);
    entry = (IpcEntry){0, bytes, sizeof bytes};
    read = ipc_buffer_read(other, &entry);
    must_fail(read, IPC_ERR_NOT_READY);
    must(read.error.body.offset == open.offset);
    must_fail(ipc_buffer_skip_force(other), IPC_ERR_LOCKED);
    memcpy(open.payload, "def", 4);
    must_work(ipc_buffer_commit(b, &open, 4));
    must_work(ipc_buffer_read(other, &entry));
    must(strcmp(bytes, "def") == 0 && entry.offset == open.offset);
}

/* Users of the original have no other call for it. */
Test(unit, a_buffers_handle_may_be_freed)
{
    IpcBuffer *b = result_of(ipc_buffer_create(memory, SIZE));
    char bytes[8];
    IpcEntry entry = {0, bytes, sizeof bytes};

    must_work(ipc_buffer_write(b, "abc", 4));
    free(b);
    b = result_of(ipc_buffer_attach(memory));
    must_work(ipc_buffer_read(b, &entry));
    must_work(ipc_buffer_write(b, "def", 4));
    free(b);
}

/* ---------------------------------------------------------------- channel */

Test(unit,
     a_channels_read_ignores_what_was_there_and_the_payload_is_the_callers)
{
    IpcChannel *ch = result_of(ipc_channel_create(memory, SIZE, patience));
    const struct timespec soon = {0, 1000};
    IpcEntry entries[3];

    memset(entries, 0x5a, sizeof entries);
    for (int i = 0; i < 3; i++)
        must_work(ipc_channel_write(ch, "abc", 4));
    must_work(ipc_channel_read(ch, &entries[0]));
    must_work(ipc_channel_try_read(ch, &entries[1]));
    must_work(ipc_channel_read_with_timeout(ch, &entries[2], &soon));
    must_work(ipc_channel_destroy(ch));
    memset(memory, 0, SIZE);
    for (int i = 0; i < 3; i++) {
        must(entries[i].size == 4 && strcmp(entries[i].payload, "abc") == 0);
        free(entries[i].payload);
    }
}

Test(unit, destroying_a_handle_leaves_the_memory_to_the_others)
{
    IpcChannel *ch = result_of(ipc_channel_create(memory, SIZE, patience));
    IpcEntry entry;

    must_work(ipc_channel_write(ch, "abc", 4));
    must_work(ipc_channel_destroy(ch));
    ch = result_of(ipc_channel_connect(memory, patience));
    must_work(ipc_channel_read(ch, &entry));
    must(strcmp(entry.payload, "abc") == 0);
    free(entry.payload);
    must_work(ipc_channel_destroy(ch));
}

Test(unit, a_write_into_a_full_channel_says_so_at_once)
{
    IpcChannel *ch = result_of(ipc_channel_create(memory, SIZE, patience));
    IpcChannelWriteResult w;
    uint64_t skipped;

    do
        w = ipc_channel_write(ch, "abc", 4);
    while (IpcChannelWriteResult_is_ok(w));
    must_fail(w, IPC_ERR_NO_SPACE_CONTIGUOUS);
    must(result_of(ipc_channel_skip_force(ch)) == 0);
    must_work(ipc_channel_write(ch, "abc", 4));
    skipped = result_of(ipc_channel_skip_force(ch));
    must(skipped > 0 && skipped % 8 == 0);
    must_work(ipc_channel_destroy(ch));
}

/* --------------------------------------------------------------- segments */

Test(unit, a_segment_is_made_once_and_opened_by_those_who_come_later)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    IpcMemorySegment *made, *opened;
    IpcMemorySegmentResult other;
    char name[OWN_NAME_ROOM];

    own_name(name, "original");
    made = result_of(ipc_mmap(name, 100));
    must(made->size == page && strcmp(made->name, name) == 0);
    memcpy(made->memory, "abc", 4);
    opened = result_of(ipc_mmap(name, page));
    must(opened->size == page && opened->memory != made->memory);
    must(strcmp(opened->memory, "abc") == 0);
    other = ipc_mmap(name, page + 1);
    must(IpcMemorySegmentResult_is_error(other));
    must(IpcMemorySegmentResult_is_error_has_body(other.error));
    must(other.error.body.existed && other.error.body.existing_size == page);
    must(other.error.body.aligned_size == 2 * page);
    must(other.error.body.page_size == page);
    must_work(ipc_unmap(opened));
    must(strcmp(made->memory, "abc") == 0);
    must_work(ipc_unlink(made));
    made = result_of(ipc_mmap(name, 100));
    must(*(char *)made->memory == '\0');
    must_work(ipc_unlink(made));
    must_fail(ipc_unmap(NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_unlink(NULL), IPC_ERR_INVALID_ARGUMENT);
}
