/* SPDX-License-Identifier: MIT */
/*
 * What each call of a channel that fails tells in its error's body.
 */
#include "channels.h"
#include <sys/resource.h>

enum { BLOCKS = 8, HEAD = 128, ENTRY = 5 * 64, TAIL = HEAD + ENTRY };

static const struct timespec none = {0, 0};
static char data[ENTRY];
static struct iovec piece = {data, ENTRY - 10};

/* The type of a result by its name, since each is one of its own. */
#define must_tell(type, call, status, condition)                               \
    do {                                                                       \
        type r = call;                                                         \
                                                                               \
        must_be(r.ipc_status, status);                                         \
        must_say(type##_is_error_has_body(r.error), "%s: no body", #call);     \
        must_say(condition, "%s: not so: %s", #call, #condition);              \
    } while (0)

/* Head and tail are away from the start, and away from each other. */
static IpcChannel *channel_with_an_entry(void **memory)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, memory);

    must_send(ch, 100, 1);
    must_receive(ch, 100, 1);
    must_send(ch, ENTRY, 2);
    return ch;
}

#define tells_of_space(type, call, status)                                     \
    must_tell(type, call, status,                                              \
              r.error.body.offset == TAIL &&                                   \
                  r.error.body.requested_size == ENTRY - 10 &&                 \
                  r.error.body.required_size == ENTRY &&                       \
                  r.error.body.free_space == BLOCKS * 64 - ENTRY &&            \
                  r.error.body.available_contiguous == 64 &&                   \
                  r.error.body.buffer_size == BLOCKS * 64)

Test(unit, every_write_without_space_tells_what_there_is)
{
    IpcChannel *ch = channel_with_an_entry(NULL);
    const size_t size = ENTRY - 10;
    const IpcStatus full = IPC_ERR_NO_SPACE_CONTIGUOUS;
    IpcReservation to;

    tells_of_space(IpcChannelWriteResult, ipc_channel_write(ch, data, size),
                   full);
    tells_of_space(IpcChannelWriteResult, ipc_channel_writev(ch, &piece, 1),
                   full);
    tells_of_space(IpcChannelReserveResult, ipc_channel_reserve(ch, size, &to),
                   full);
    tells_of_space(IpcChannelWriteBatchResult,
                   ipc_channel_write_batch(ch, &piece, 1), full);
    tells_of_space(IpcChannelWriteBatchResult,
                   ipc_channel_write_array(ch, data, size, 1), full);
    tells_of_space(IpcChannelWriteResult,
                   ipc_channel_write_with_timeout(ch, data, size, &none),
                   IPC_ERR_TIMEOUT);
    tells_of_space(IpcChannelWriteResult,
                   ipc_channel_writev_with_timeout(ch, &piece, 1, &none),
                   IPC_ERR_TIMEOUT);
    tells_of_space(IpcChannelReserveResult,
                   ipc_channel_reserve_with_timeout(ch, size, &to, &none),
                   IPC_ERR_TIMEOUT);
}

#define tells_of_size(type, call, status)                                      \
    must_tell(type, call, status,                                              \
              r.error.body.offset == HEAD &&                                   \
                  r.error.body.required_size == ENTRY)

Test(unit, every_read_without_room_tells_how_much_it_needs)
{
    IpcChannel *ch = channel_with_an_entry(NULL);
    const IpcStatus small = IPC_ERR_TOO_SMALL;
    IpcEntry to = {.payload = data, .size = ENTRY - 1};

    tells_of_size(IpcChannelReadResult, ipc_channel_read_into(ch, &to), small);
    tells_of_size(IpcChannelTryReadResult, ipc_channel_try_read_into(ch, &to),
                  small);
    tells_of_size(IpcChannelReadWithTimeoutResult,
                  ipc_channel_read_into_with_timeout(ch, &to, &none), small);
    tells_of_size(IpcChannelReadBatchResult,
                  ipc_channel_try_read_batch(ch, &to, 1, data, ENTRY - 1),
                  small);
    tells_of_size(
        IpcChannelReadBatchResult,
        ipc_channel_read_batch_with_timeout(ch, &to, 1, data, ENTRY - 1, &none),
        small);
    tells_of_size(IpcChannelReadBatchResult,
                  ipc_channel_try_read_array(ch, data, 8, 1),
                  IPC_ERR_SIZE_MISMATCH);
    tells_of_size(IpcChannelReadBatchResult,
                  ipc_channel_read_array_with_timeout(ch, data, 8, 1, &none),
                  IPC_ERR_SIZE_MISMATCH);
}

#define tells_where(type, call, status)                                        \
    must_tell(type, call, status, r.error.body.offset == HEAD)

Test(unit, every_read_in_front_of_an_unfinished_entry_tells_where_it_is)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    const IpcStatus unfinished = IPC_ERR_NOT_READY;
    IpcEntry to = {.payload = data, .size = ENTRY};
    IpcEntry found;
    IpcReservation reservation;

    must_send(ch, 100, 1);
    must_receive(ch, 100, 1);
    must_work(ipc_channel_reserve(ch, 10, &reservation));
    tells_where(IpcChannelTryReadResult, ipc_channel_try_read(ch, &found),
                unfinished);
    tells_where(IpcChannelTryReadResult, ipc_channel_try_read_into(ch, &to),
                unfinished);
    tells_where(IpcChannelReadBatchResult,
                ipc_channel_try_read_batch(ch, &to, 1, data, ENTRY),
                unfinished);
    tells_where(IpcChannelReadBatchResult,
                ipc_channel_try_read_array(ch, data, 8, 1), unfinished);
    tells_where(IpcChannelPeekResult, ipc_channel_peek(ch, &found), unfinished);
    tells_where(IpcChannelPeekResult,
                ipc_channel_peek_with_timeout(ch, &found, &none),
                IPC_ERR_TIMEOUT);
    tells_where(IpcChannelReadResult, ipc_channel_read(ch, &found),
                IPC_ERR_RETRY_LIMIT);
    tells_where(IpcChannelReadResult, ipc_channel_read_into(ch, &to),
                IPC_ERR_RETRY_LIMIT);
    tells_where(IpcChannelReadWithTimeoutResult,
                ipc_channel_read_with_timeout(ch, &found, &none),
                IPC_ERR_TIMEOUT);
    tells_where(IpcChannelReadWithTimeoutResult,
                ipc_channel_read_into_with_timeout(ch, &to, &none),
                IPC_ERR_TIMEOUT);
    tells_where(IpcChannelRecoverResult, ipc_channel_recover(ch, false),
                unfinished);
    tells_where(IpcChannelSkipForceResult, ipc_channel_skip_force(ch),
                IPC_ERR_LOCKED);
    tells_where(IpcChannelSkipResult, ipc_channel_skip(ch, HEAD), unfinished);
}

Test(unit, a_skip_of_another_entry_tells_which_one_is_there)
{
    IpcChannel *ch = channel_with_an_entry(NULL);

    tells_where(IpcChannelSkipResult, ipc_channel_skip(ch, TAIL),
                IPC_ERR_OFFSET_MISMATCH);
}

Test(unit, a_word_that_cannot_be_true_is_told_with_its_offset)
{
    void *memory;
    IpcChannel *ch = channel_with_an_entry(&memory);
    const IpcStatus damaged = IPC_ERR_CORRUPTED;
    IpcEntry to = {.payload = data, .size = ENTRY};

    *control_of(memory, HEAD / 64) |= 15; /* a state that there is not */
    tells_where(IpcChannelTryReadResult, ipc_channel_try_read_into(ch, &to),
                damaged);
    tells_where(IpcChannelReadResult, ipc_channel_read(ch, &to), damaged);
    tells_where(IpcChannelPeekResult, ipc_channel_peek(ch, &to), damaged);
    tells_where(IpcChannelSkipResult, ipc_channel_skip(ch, HEAD), damaged);
    tells_where(IpcChannelRecoverResult, ipc_channel_recover(ch, false),
                damaged);
}

#define tells_which(type, call)                                                \
    must_tell(type, call, IPC_ERR_ILLEGAL_STATE, r.error.body.offset == HEAD)

Test(unit, a_reservation_that_is_not_open_is_told_with_its_offset)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = new_channel(BLOCKS, mode, NULL);
        IpcReservation reservation;

        must_send(ch, 100, 1);
        must_work(ipc_channel_reserve(ch, 10, &reservation));
        must(reservation.offset == HEAD);
        must_work(ipc_channel_commit(ch, &reservation, 10));
        tells_which(IpcChannelCommitResult,
                    ipc_channel_commit(ch, &reservation, 10));
        tells_which(IpcChannelAbortResult, ipc_channel_abort(ch, &reservation));
    }
}

Test(unit, memory_that_is_too_short_is_told_with_what_is_needed)
{
    void *memory;
    IpcChannel *ch = channel_with_an_entry(&memory);
    const size_t size = ring_size(BLOCKS, 8);
    IpcBufferStats stats = {.struct_size = 8};

    must_tell(IpcChannelConnectResult,
              ipc_channel_connect_sized(memory, size - 1, quick),
              IPC_ERR_TRUNCATED, r.error.body.min_size == size);
    must_tell(IpcChannelStatsResult, ipc_channel_stats(ch, &stats),
              IPC_ERR_TOO_SMALL, r.error.body.required_size == sizeof stats);
}

/* ------------------------------------------------- the system's refusals */

/* From here on no descriptor can be had. */
static void forbid_descriptors(void)
{
    const struct rlimit nothing = {0, 0};

    must(setrlimit(RLIMIT_NOFILE, &nothing) == 0);
}

Test(unit, why_there_is_no_descriptor_to_poll_is_told)
{
    for (uint32_t wait = IPC_WAIT_EVENTFD; wait <= IPC_WAIT_IO_URING; wait++) {
        pid_t child = fork_child();

        if (child == 0) {
            IpcChannelConfiguration configuration = quick;
            IpcChannelResult made;

            configuration.wait = wait;
            made = ipc_channel_create(shared_memory(4096), 4096, configuration);
            if (made.ipc_status == IPC_ERR_UNSUPPORTED)
                child_done(); /* not built, or an old kernel */
            must_work(made);
            forbid_descriptors();
            errno = 0;
            must_tell(IpcChannelFdResult, ipc_channel_fd(made.result),
                      IPC_ERR_SYSTEM, r.error.body.sys_errno == EMFILE);
            child_done();
        }
        must_succeed(child);
    }
}

Test(unit, why_no_eventfd_could_be_made_is_in_errno)
{
    IpcChannelConfiguration configuration = quick;
    pid_t child = fork_child();

    configuration.wait = IPC_WAIT_EVENTFD;
    if (child == 0) {
        void *memory = shared_memory(4096);
        IpcStatus status;

        forbid_descriptors();
        errno = 0;
        status = ipc_channel_create(memory, 4096, configuration).ipc_status;
        must(status == IPC_ERR_UNSUPPORTED ||
             (status == IPC_ERR_SYSTEM && errno == EMFILE));
        child_done();
    }
    must_succeed(child);
}

/* -------------------------------------------------------------- details */

#define must_say_why(r, status, words)                                         \
    do {                                                                       \
        must_fail(r, status);                                                  \
        must_say(strstr((r).error.detail, words), "%s", (r).error.detail);     \
    } while (0)

#define must_explain(r, words) must_say_why(r, IPC_ERR_INVALID_ARGUMENT, words)

Test(unit, a_write_tells_which_argument_is_wrong)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    IpcReservation reservation;
    IpcBufferWriteResult buffer[] = {
        ipc_buffer_write(NULL, "x", 1), ipc_buffer_write(b, NULL, 1),
        ipc_buffer_write(b, "x", 0), ipc_buffer_writev(b, NULL, 0)};
    IpcChannelWriteResult channel[] = {
        ipc_channel_write(NULL, "x", 1), ipc_channel_write(ch, NULL, 1),
        ipc_channel_write(ch, "x", 0), ipc_channel_writev(ch, NULL, 0)};
    static const char *const words[] = {"handle is NULL", "data is NULL",
                                        "size is 0", "pieces is NULL"};

    for (int i = 0; i < 4; i++) {
        must_explain(buffer[i], words[i]);
        must_explain(channel[i], words[i]);
    }
    must_explain(ipc_channel_reserve(NULL, 1, &reservation), "handle is NULL");
    must_explain(ipc_channel_reserve(ch, 1, NULL), "dest is NULL");
    must_explain(ipc_channel_reserve(ch, 0, &reservation), "size is 0");
}

Test(unit, an_end_of_a_reservation_tells_what_was_wrong_with_it)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    IpcReservation open;

    must_work(ipc_channel_reserve(ch, 10, &open));
    must_say_why(ipc_channel_commit(ch, &open, 11), IPC_ERR_INVALID_ARGUMENT,
                 "size");
    must_work(ipc_channel_commit(ch, &open, 10));
    must_say_why(ipc_channel_commit(ch, &open, 10), IPC_ERR_ILLEGAL_STATE,
                 "not open");
    must_tell(IpcBufferCommitResult, ipc_buffer_commit(b, NULL, 10),
              IPC_ERR_INVALID_ARGUMENT, r.error.body.offset == 0);
    must_tell(IpcBufferAbortResult, ipc_buffer_abort(b, NULL),
              IPC_ERR_INVALID_ARGUMENT, r.error.body.offset == 0);
    must_tell(IpcChannelCommitResult, ipc_channel_commit(ch, NULL, 10),
              IPC_ERR_INVALID_ARGUMENT, r.error.body.offset == 0);
    must_tell(IpcChannelAbortResult, ipc_channel_abort(ch, NULL),
              IPC_ERR_INVALID_ARGUMENT, r.error.body.offset == 0);
}

Test(unit, a_timed_read_speaks_of_its_timeout_where_that_can_be_wrong)
{
    const struct timespec wrong = {0, -1};
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    IpcEntry to = {0, data, sizeof data};

    must_say_why(ipc_channel_read_into_with_timeout(ch, &to, &wrong),
                 IPC_ERR_INVALID_ARGUMENT, "tv_nsec");
    must_say_why(ipc_channel_peek_with_timeout(ch, &to, &wrong),
                 IPC_ERR_INVALID_ARGUMENT, "tv_nsec");
    must(
        !strstr(ipc_channel_read_into_with_timeout(ch, &to, &none).error.detail,
                "tv_nsec"));
    must(!strstr(ipc_channel_peek(ch, NULL).error.detail, "tv_nsec"));
}

Test(unit, stats_tell_whether_the_size_or_a_pointer_is_wrong)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    IpcBufferStats stats = {.struct_size = 1};

    must_say_why(ipc_buffer_stats(b, &stats), IPC_ERR_TOO_SMALL, "struct_size");
    must_say_why(ipc_buffer_stats(b, NULL), IPC_ERR_INVALID_ARGUMENT, "NULL");
}

Test(unit, a_batch_tells_what_is_wrong_with_it_or_that_there_is_no_space)
{
    IpcChannel *ch = channel_with_an_entry(NULL);
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    const struct iovec empty = {data, 0};

    must_explain(ipc_channel_write_batch(ch, &empty, 1), "entry is empty");
    must_explain(ipc_buffer_write_batch(b, &empty, 1), "entry is empty");
    must_explain(ipc_buffer_write_array(b, NULL, 8, 1), "NULL");
    must_say_why(ipc_channel_write_batch(ch, &piece, 1),
                 IPC_ERR_NO_SPACE_CONTIGUOUS, "space");
    must_explain(ipc_channel_try_read_array(ch, NULL, 8, 1), "data is NULL");
    must_say_why(ipc_channel_try_read_array(ch, data, 8, 1),
                 IPC_ERR_SIZE_MISMATCH, "size");
}

#define tells_what_was_asked_for(type, call)                                   \
    must_tell(type, call, IPC_ERR_INVALID_ARGUMENT,                            \
              r.error.body.requested_size == 123)

Test(unit, a_write_without_a_handle_still_tells_what_was_asked_for)
{
    IpcReservation to;
    const struct iovec pieces[] = {{data, 100}, {data, 23}};

    tells_what_was_asked_for(IpcBufferWriteResult,
                             ipc_buffer_write(NULL, data, 123));
    tells_what_was_asked_for(IpcBufferWriteResult,
                             ipc_buffer_writev(NULL, pieces, 2));
    tells_what_was_asked_for(IpcBufferReserveResult,
                             ipc_buffer_reserve(NULL, 123, &to));
    tells_what_was_asked_for(IpcBufferWriteBatchResult,
                             ipc_buffer_write_array(NULL, data, 123, 1));
    tells_what_was_asked_for(IpcChannelWriteResult,
                             ipc_channel_write(NULL, data, 123));
    tells_what_was_asked_for(
        IpcChannelWriteResult,
        ipc_channel_write_with_timeout(NULL, data, 123, &none));
    tells_what_was_asked_for(IpcChannelReserveResult,
                             ipc_channel_reserve(NULL, 123, &to));
    tells_what_was_asked_for(IpcChannelWriteBatchResult,
                             ipc_channel_write_array(NULL, data, 123, 1));
}
