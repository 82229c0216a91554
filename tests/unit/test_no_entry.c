/* SPDX-License-Identifier: MIT */
/*
 * What reads and peeks answer when there is no entry: a program that asks
 * _is_ok, or nothing, and goes on all the same frees NULL and prints a text.
 */
#include "channels.h"

static const struct timespec none = {0, 0};

/* A detail that was not set is this. */
static const char garbage[] = "garbage";

/* Fills the stack that the next call's result will come to lie on. */
__attribute__((noinline)) static void soil_stack(void)
{
    const char *volatile soiled[512];

    for (size_t i = 0; i < sizeof soiled / sizeof soiled[0]; i++)
        soiled[i] = garbage;
}

/* The type of a result by its name, since each is one of its own. */
#define must_have_no_entry(type, call, wanted)                                 \
    do {                                                                       \
        type r_;                                                               \
                                                                               \
        soil_stack();                                                          \
        r_ = (call);                                                           \
        must_be(r_.ipc_status, wanted);                                        \
        must_say(!type##_has_entry(r_), "%s: has an entry", #call);            \
        must_say(r_.error.detail &&r_.error.detail != garbage &&               \
                     *r_.error.detail,                                         \
                 "%s: no text", #call);                                        \
        must_say(r_.ipc_status < 0 || !r_.error.has_body, "%s: a body",        \
                 #call);                                                       \
    } while (0)

/* The library says where the entry is: nowhere. */
#define must_point_nowhere(type, call, wanted)                                 \
    do {                                                                       \
        char old_;                                                             \
        IpcEntry entry = {.offset = 77, .payload = &old_, .size = 99};         \
                                                                               \
        must_have_no_entry(type, call, wanted);                                \
        must_say(entry.payload == NULL, "%s: a payload", #call);               \
        must_say(entry.offset == 77 && entry.size == 99, "%s: more changed",   \
                 #call);                                                       \
    } while (0)

/* The user says where it goes, and still knows. */
#define must_leave_alone(type, call, wanted)                                   \
    do {                                                                       \
        char room_ = 'x';                                                      \
        IpcEntry entry = {.offset = 77, .payload = &room_, .size = 1};         \
                                                                               \
        must_have_no_entry(type, call, wanted);                                \
        must_say(entry.payload == &room_ && entry.offset == 77 &&              \
                     entry.size == 1 && room_ == 'x',                          \
                 "%s: changed", #call);                                        \
    } while (0)

static void check_reads(IpcChannel *ch, IpcStatus now, IpcStatus timed,
                        IpcStatus rounds)
{
    must_point_nowhere(IpcChannelTryReadResult,
                       ipc_channel_try_read(ch, &entry), now);
    must_point_nowhere(IpcChannelReadResult, ipc_channel_read(ch, &entry),
                       rounds);
    must_point_nowhere(IpcChannelReadWithTimeoutResult,
                       ipc_channel_read_with_timeout(ch, &entry, &none), timed);
    must_point_nowhere(IpcChannelPeekResult, ipc_channel_peek(ch, &entry), now);
    must_point_nowhere(IpcChannelPeekResult,
                       ipc_channel_peek_with_timeout(ch, &entry, &none), timed);
    must_leave_alone(IpcChannelTryReadResult,
                     ipc_channel_try_read_into(ch, &entry), now);
    must_leave_alone(IpcChannelReadResult, ipc_channel_read_into(ch, &entry),
                     rounds);
    must_leave_alone(IpcChannelReadWithTimeoutResult,
                     ipc_channel_read_into_with_timeout(ch, &entry, &none),
                     timed);
}

static void check_batches(IpcChannel *ch, IpcStatus now)
{
    char room[64];
    IpcEntry entry;

    must_have_no_entry(
        IpcChannelReadBatchResult,
        ipc_channel_try_read_batch(ch, &entry, 1, room, sizeof room), now);
    must_have_no_entry(IpcChannelReadBatchResult,
                       ipc_channel_try_read_array(ch, room, 8, 8), now);
}

Test(unit, an_empty_channel_has_no_payload_and_says_so)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = new_channel(8, mode, NULL);

        /* Before the handle entered, and after. */
        check_reads(ch, IPC_EMPTY, IPC_ERR_TIMEOUT, IPC_ERR_RETRY_LIMIT);
        must_send(ch, 100, 1);
        must_receive(ch, 100, 1);
        check_reads(ch, IPC_EMPTY, IPC_ERR_TIMEOUT, IPC_ERR_RETRY_LIMIT);
        check_batches(ch, IPC_EMPTY);
    }
}

Test(unit, an_entry_that_is_being_written_has_no_payload_yet)
{
    IpcChannel *ch = new_channel(8, 0, NULL);
    IpcReservation reservation;

    must_work(ipc_channel_reserve(ch, 8, &reservation));
    check_reads(ch, IPC_ERR_NOT_READY, IPC_ERR_TIMEOUT, IPC_ERR_RETRY_LIMIT);
    check_batches(ch, IPC_ERR_NOT_READY);
}

Test(unit, a_closed_channel_has_no_payload)
{
    IpcChannel *ch = new_channel(8, 0, NULL);

    must_work(ipc_channel_close(ch));
    check_reads(ch, IPC_ERR_CLOSED, IPC_ERR_CLOSED, IPC_ERR_CLOSED);
    check_batches(ch, IPC_ERR_CLOSED);
}

Test(unit, a_second_consumer_has_no_payload)
{
    void *memory;
    IpcChannel *first = new_channel(8, IPC_BUFFER_ONE_CONSUMER, &memory);
    IpcChannel *second = result_of(ipc_channel_connect(memory, quick));

    must_send(first, 100, 1);
    must_receive(first, 100, 1);
    check_reads(second, IPC_ERR_ROLE_TAKEN, IPC_ERR_ROLE_TAKEN,
                IPC_ERR_ROLE_TAKEN);
    check_batches(second, IPC_ERR_ROLE_TAKEN);
}

Test(unit, an_empty_buffer_has_no_payload_and_says_so)
{
    char room[64];

    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(8, mode, NULL);
        IpcEntry one;

        must_point_nowhere(IpcBufferPeekResult, ipc_buffer_peek(b, &entry),
                           IPC_EMPTY);
        must_leave_alone(IpcBufferReadResult, ipc_buffer_read(b, &entry),
                         IPC_EMPTY);
        must_have_no_entry(IpcBufferReadBatchResult,
                           ipc_buffer_read_batch(b, &one, 1, room, sizeof room),
                           IPC_EMPTY);
        must_have_no_entry(IpcBufferReadBatchResult,
                           ipc_buffer_read_array(b, room, 8, 8), IPC_EMPTY);
    }
}

Test(unit, a_skip_of_nothing_says_so)
{
    IpcChannel *ch = new_channel(8, 0, NULL);
    IpcBuffer *b = new_ring(8, 0, NULL);
    IpcChannelSkipResult skipped = ipc_channel_skip(ch, 0);
    IpcChannelSkipForceResult forced = ipc_channel_skip_force(ch);
    IpcBufferSkipResult skipped_too = ipc_buffer_skip(b, 0);
    IpcBufferSkipForceResult forced_too = ipc_buffer_skip_force(b);

    must_fail(skipped, IPC_EMPTY);
    must_fail(forced, IPC_EMPTY);
    must_fail(skipped_too, IPC_EMPTY);
    must_fail(forced_too, IPC_EMPTY);
    must(!skipped.error.has_body && !forced.error.has_body);
    must(!skipped_too.error.has_body && !forced_too.error.has_body);
}

Test(unit, what_was_read_is_an_entry)
{
    IpcChannel *ch = new_channel(8, 0, NULL);
    IpcEntry entry;

    must_send(ch, 100, 1);
    must(IpcChannelPeekResult_has_entry(ipc_channel_peek(ch, &entry)));
    must(entry.payload != NULL);
    must(IpcChannelTryReadResult_has_entry(ipc_channel_try_read(ch, &entry)));
    must_be_entry(&entry, 100, 1);
}

/* The idiom that freed an unset pointer. */
Test(unit, a_program_that_takes_empty_for_an_entry_frees_nothing)
{
    IpcChannel *ch = new_channel(8, 0, NULL);
    IpcEntry entry;

    memset(&entry, 0x5a, sizeof entry);
    if (IpcChannelTryReadResult_is_ok(ipc_channel_try_read(ch, &entry)))
        free(entry.payload);
}
