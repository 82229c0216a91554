/* SPDX-License-Identifier: MIT */
/*
 * The interface that users of the original know: each name, its type, the
 * number of each status, and what is answered when. A change that fails here
 * breaks programs that exist.
 */
#include "helpers.h"
#include <shmipc/ipc_channel.h>
#include <shmipc/ipc_mmap.h>

static const IpcChannelConfiguration patience = {
    .max_round_trips = 2, .start_sleep_ns = 1000, .max_sleep_ns = 2000};

/* ------------------------------------------------------------------ types */

/* That it compiles is the test, and each has an address. */
#define HAS_TYPE(function, result, ...)                                        \
    do {                                                                       \
        result (*f)(__VA_ARGS__) = function;                                   \
        must(f != NULL);                                                       \
    } while (0)

Test(unit, functions_of_the_buffer_have_the_types_that_users_know)
{
    HAS_TYPE(ipc_buffer_align_size, uint64_t, size_t);
    HAS_TYPE(ipc_buffer_get_min_size, uint64_t, void);
    HAS_TYPE(ipc_buffer_get_memory_overhead, uint64_t, void);
    HAS_TYPE(ipc_buffer_suggest_size, uint64_t, size_t);
    HAS_TYPE(ipc_buffer_create, IpcBufferCreateResult, void *, size_t);
    HAS_TYPE(ipc_buffer_attach, IpcBufferAttachResult, void *);
    HAS_TYPE(ipc_buffer_write, IpcBufferWriteResult, IpcBuffer *, const void *,
             size_t);
    HAS_TYPE(ipc_buffer_read, IpcBufferReadResult, IpcBuffer *, IpcEntry *);
    HAS_TYPE(ipc_buffer_peek, IpcBufferPeekResult, IpcBuffer *, IpcEntry *);
    HAS_TYPE(ipc_buffer_skip, IpcBufferSkipResult, IpcBuffer *, uint64_t);
    HAS_TYPE(ipc_buffer_skip_force, IpcBufferSkipForceResult, IpcBuffer *);
    HAS_TYPE(ipc_buffer_destroy, IpcBufferDestroyResult, IpcBuffer *);
}

Test(unit, functions_of_the_channel_have_the_types_that_users_know)
{
    HAS_TYPE(ipc_channel_align_size, uint64_t, size_t);
    HAS_TYPE(ipc_channel_get_min_size, uint64_t, void);
    HAS_TYPE(ipc_channel_get_memory_overhead, uint64_t, void);
    HAS_TYPE(ipc_channel_suggest_size, uint64_t, size_t);
    HAS_TYPE(ipc_channel_create, IpcChannelResult, void *, size_t,
             IpcChannelConfiguration);
    HAS_TYPE(ipc_channel_connect, IpcChannelConnectResult, void *,
             IpcChannelConfiguration);
    HAS_TYPE(ipc_channel_destroy, IpcChannelDestroyResult, IpcChannel *);
    HAS_TYPE(ipc_channel_write, IpcChannelWriteResult, IpcChannel *,
             const void *, size_t);
    HAS_TYPE(ipc_channel_read, IpcChannelReadResult, IpcChannel *, IpcEntry *);
    HAS_TYPE(ipc_channel_read_with_timeout, IpcChannelReadWithTimeoutResult,
             IpcChannel *, IpcEntry *, const struct timespec *);
    HAS_TYPE(ipc_channel_try_read, IpcChannelTryReadResult, IpcChannel *,
             IpcEntry *);
    HAS_TYPE(ipc_channel_peek, IpcChannelPeekResult, const IpcChannel *,
             IpcEntry *);
    HAS_TYPE(ipc_channel_skip, IpcChannelSkipResult, IpcChannel *, uint64_t);
    HAS_TYPE(ipc_channel_skip_force, IpcChannelSkipForceResult, IpcChannel *);
}

Test(unit, functions_of_segments_have_the_types_that_users_know)
{
    HAS_TYPE(ipc_mmap, IpcMemorySegmentResult, const char *, uint64_t);
    HAS_TYPE(ipc_unmap, IpcMmapUnmapResult, IpcMemorySegment *);
    HAS_TYPE(ipc_unlink, IpcMmapUnlinkResult, IpcMemorySegment *);
}

Test(unit, structures_begin_with_the_members_that_users_know)
{
    IpcChannelConfiguration by_order = IPC_CHANNEL_CONFIGURATION(2, 1000, 2000);

    must(memcmp(&by_order.flags, &patience.flags,
                sizeof by_order - offsetof(IpcChannelConfiguration, flags)) ==
         0);
    must(by_order.max_round_trips == patience.max_round_trips);
    must(by_order.start_sleep_ns == patience.start_sleep_ns);
    must(by_order.max_sleep_ns == patience.max_sleep_ns);
    must(offsetof(IpcEntry, offset) == 0);
    must(offsetof(IpcEntry, payload) < offsetof(IpcEntry, size));
}

Test(unit, statuses_have_the_numbers_that_users_know)
{
    must(IPC_OK == 0 && IPC_EMPTY == 1);
    must(IPC_ALREADY_SKIPPED == 2 && IPC_PLACEHOLDER == 3);
    must(IPC_ERR_ENTRY_TOO_LARGE == -1 && IPC_ERR_ALLOCATION == -2);
    must(IPC_ERR_INVALID_ARGUMENT == -3 && IPC_ERR_TOO_SMALL == -4);
    must(IPC_ERR_ILLEGAL_STATE == -5 && IPC_ERR_SYSTEM == -6);
    must(IPC_ERR_NO_SPACE_CONTIGUOUS == -7 && IPC_ERR_NOT_READY == -8);
    must(IPC_ERR_LOCKED == -9 && IPC_ERR_OFFSET_MISMATCH == -10);
    must(IPC_ERR_TIMEOUT == -11 && IPC_ERR_RETRY_LIMIT == -12);
    must(IPC_ERR_CORRUPTED == -13);
}

/* ------------------------------------------------------------------ sizes */

Test(unit, the_suggested_size_holds_what_was_asked_for_at_any_address)
{
    for (size_t asked = 0; asked < 5000; asked += asked < 200 ? 1 : 61) {
        size_t size = (size_t)ipc_buffer_suggest_size(asked);
        unsigned char *memory = malloc(size + 64);

        must(memory != NULL && ipc_channel_suggest_size(asked) == size);
        for (size_t shift = 0; shift < 64; shift += 9) {
            IpcBufferCreateResult made =
                ipc_buffer_create(memory + shift, size);

            must_work(made);
            must(ipc_buffer_max_entry_size(made.result) >= asked);
            must_work(ipc_buffer_write(made.result, memory + size, 1));
            must_work(ipc_buffer_destroy(made.result));
        }
        free(memory);
    }
    must(ipc_buffer_suggest_size(SIZE_MAX) == ipc_buffer_align_size(SIZE_MAX));
}

Test(unit, the_smallest_size_suffices_and_is_what_0_bytes_need)
{
    uint64_t least = ipc_buffer_get_min_size();
    unsigned char *memory = malloc((size_t)least + 64);

    must(memory != NULL);
    must(least == ipc_buffer_suggest_size(0));
    must(least == ipc_channel_get_min_size());
    for (size_t shift = 0; shift < 64; shift++) {
        IpcBufferCreateResult made =
            ipc_buffer_create(memory + shift, (size_t)least);

        must_work(made);
        must_work(ipc_buffer_destroy(made.result));
    }
    free(memory);
}

Test(unit, overhead_and_a_block_or_more_are_enough_for_a_buffer)
{
    unsigned char memory[4096];
    size_t overhead = (size_t)ipc_buffer_get_memory_overhead();

    must(ipc_channel_get_memory_overhead() == overhead);
    must(overhead + IPC_BUFFER_BLOCK_SIZE == ipc_buffer_get_min_size());
    for (size_t more = IPC_BUFFER_BLOCK_SIZE; overhead + more < 4000; more++) {
        IpcBufferCreateResult made =
            ipc_buffer_create(memory + 1, overhead + more);

        must_work(made);
        must_work(ipc_buffer_destroy(made.result));
    }

    IpcBufferCreateResult larger = ipc_buffer_create(memory, overhead + 2048);

    must_work(larger);
    must(ipc_buffer_max_entry_size(larger.result) < 2048);
    must_work(ipc_buffer_destroy(larger.result));
}

/* ---------------------------------------------------------------- answers */

Test(unit, both_names_of_the_question_for_a_body_are_one_member)
{
    IpcChannelWriteResult r = ipc_channel_write(NULL, "x", 1);

    must(&r.error.has_body == &r.error.hasBody);
    r.error.hasBody = true;
    must(IpcChannelWriteResult_is_error_has_body(r.error));
    r.error.hasBody = false;
    must(!IpcChannelWriteResult_is_error_has_body(r.error));
}

Test(unit, a_channel_answers_as_users_of_the_original_expect)
{
    const struct timespec soon = {.tv_sec = 0, .tv_nsec = 1000};
    unsigned char memory[2048];
    IpcEntry entry = {.offset = 7, .payload = NULL, .size = 7};
    IpcChannelResult made = ipc_channel_create(memory, sizeof memory, patience);

    must_work(made);
    must(ipc_channel_try_read(made.result, &entry).ipc_status == IPC_EMPTY);
    must(ipc_channel_peek(made.result, &entry).ipc_status == IPC_EMPTY);
    must(ipc_channel_read(made.result, &entry).ipc_status ==
         IPC_ERR_RETRY_LIMIT);
    must(ipc_channel_read_with_timeout(made.result, &entry, &soon).ipc_status ==
         IPC_ERR_TIMEOUT);
    must(entry.offset == 7 && entry.payload == NULL && entry.size == 7);
    must_work(ipc_channel_write(made.result, "abc", 4));
    must_work(ipc_channel_peek(made.result, &entry));
    must(entry.offset == 0 && strcmp(entry.payload, "abc") == 0);

    IpcChannelSkipResult skipped = ipc_channel_skip(made.result, entry.offset);

    must_work(skipped);
    must(skipped.result == 0);
    must_fail(ipc_channel_skip(made.result, entry.offset),
              IPC_ERR_OFFSET_MISMATCH);
    must_work(ipc_channel_write(made.result, "de", 3));
    must_work(ipc_channel_read(made.result, &entry));
    must(entry.size == 3 && entry.offset > 0 && entry.offset % 8 == 0);
    free(entry.payload);
    must_work(ipc_channel_close(made.result));
    must(ipc_channel_write(made.result, "f", 2).ipc_status == IPC_ERR_CLOSED);
    must_fail(ipc_channel_try_read(made.result, &entry), IPC_ERR_CLOSED);
    must_work(ipc_channel_destroy(made.result));
    must(ipc_channel_destroy(NULL).ipc_status == IPC_ERR_INVALID_ARGUMENT);
}

Test(unit, impossible_configurations_are_invalid_arguments)
{
    const IpcChannelConfiguration impossible[] = {
        IPC_CHANNEL_CONFIGURATION(0, 1000, 1000),
        IPC_CHANNEL_CONFIGURATION(1, 0, 1000),
        IPC_CHANNEL_CONFIGURATION(1, -1, 1000),
        IPC_CHANNEL_CONFIGURATION(1, 1000, 0),
        IPC_CHANNEL_CONFIGURATION(1, 1000, 999),
    };
    unsigned char memory[2048];

    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++)
        must(ipc_channel_create(memory, sizeof memory, impossible[i])
                 .ipc_status == IPC_ERR_INVALID_ARGUMENT);
}

Test(unit, too_little_memory_is_an_invalid_argument_that_tells_how_much)
{
    static unsigned char memory[2048];
    IpcBufferCreateResult buffer = ipc_buffer_create(memory, 100);
    IpcChannelResult channel = ipc_channel_create(memory, 100, patience);

    must_fail(buffer, IPC_ERR_INVALID_ARGUMENT);
    must(IpcBufferCreateResult_is_error_has_body(buffer.error));
    must(buffer.error.body.requested_size == 100);
    must(buffer.error.body.min_size > 100);
    must_work(ipc_buffer_create(memory, (size_t)buffer.error.body.min_size));
    must_fail(ipc_buffer_create(memory, (size_t)buffer.error.body.min_size - 1),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(channel, IPC_ERR_INVALID_ARGUMENT);
    must(channel.error.body.requested_size == 100);
    must(channel.error.body.min_size == buffer.error.body.min_size);
}

/* Whoever is told so has what users of the original look at. */
Test(unit, a_buffer_answers_as_users_of_the_original_expect)
{
    static unsigned char memory[2048];
    unsigned char bytes[2048] = {0};
    IpcBuffer *b = ipc_buffer_create(memory, sizeof memory).result;
    IpcEntry small = {0, bytes, 3};
    IpcBufferWriteResult full;
    IpcBufferReadResult read;

    must_fail(ipc_buffer_write(b, bytes, sizeof bytes),
              IPC_ERR_ENTRY_TOO_LARGE);
    must_fail(ipc_buffer_write(b, NULL, 1), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_write(b, bytes, 0), IPC_ERR_INVALID_ARGUMENT);
    must_work(ipc_buffer_write(b, bytes, 100));
    read = ipc_buffer_read(b, &small);
    must_fail(read, IPC_ERR_TOO_SMALL);
    must(read.error.body.required_size == 100 && read.error.body.offset == 0);
    must(ipc_buffer_skip_force(b).result == 0);
    do
        full = ipc_buffer_write(b, bytes, 100);
    while (full.ipc_status == IPC_OK);
    must_fail(full, IPC_ERR_NO_SPACE_CONTIGUOUS);
    must(full.error.body.requested_size == 100);
    must(full.error.body.required_size >= 100);
    must(full.error.body.buffer_size >= full.error.body.free_space);
    must(full.error.body.free_space >= full.error.body.available_contiguous);
    must(full.error.body.available_contiguous < 100);
    must_fail(ipc_buffer_skip(b, 1), IPC_ERR_INVALID_ARGUMENT);
    must_work(ipc_buffer_destroy(b));
}
