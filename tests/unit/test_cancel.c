/* SPDX-License-Identifier: MIT */
/*
 * Threads that are cancelled (pthread_cancel) in calls that block.
 */
#include "blocking.h"
#include <poll.h>

static IpcStatus cancelled_read;

static void *read_and_be_cancelled(void *channel)
{
    IpcEntry entry;

    cancelled_read =
        ipc_channel_read_with_timeout(channel, &entry, NULL).ipc_status;
    free(entry.payload);
    for (;;)
        pthread_testcancel();
    return NULL;
}

Test(unit, a_cancelled_thread_reads_to_the_end_and_blocks_nobody)
{
    for (uint32_t wait = IPC_WAIT_DEFAULT; wait <= IPC_WAIT_IO_URING; wait++) {
        IpcChannelConfiguration configuration = quick;
        unsigned char memory[4096];
        pthread_t reader;
        IpcChannelResult r;
        void *end;

        configuration.wait = wait;
        r = ipc_channel_create(memory, sizeof memory, configuration);
        if (r.ipc_status == IPC_ERR_UNSUPPORTED)
            continue;
        must_work(r);
        cancelled_read = IPC_EMPTY;
        must(pthread_create(&reader, NULL, read_and_be_cancelled, r.result) ==
             0);
        pause_ns(10 * MILLISECOND);
        must(pthread_cancel(reader) == 0);
        pause_ns(5 * MILLISECOND);
        must_work(ipc_channel_write(r.result, "x", 1));
        must(pthread_join(reader, &end) == 0 && end == PTHREAD_CANCELED);
        must_be(cancelled_read, IPC_OK);
        must_send(r.result, 10, 1);
        must_receive(r.result, 10, 1);
        must_work(ipc_channel_destroy(r.result));
    }
}

static atomic_u32 cleaned_up;

static void clean_up(void *argument)
{
    (void)argument;
    atomic_add_relaxed(&cleaned_up, 1);
}

static void *read_until_cancelled(void *channel)
{
    IpcEntry entry;

    pthread_cleanup_push(clean_up, NULL);
    IPC_IGNORE(ipc_channel_read_blocking(channel, &entry));
    pthread_cleanup_pop(0);
    return NULL;
}

static void *write_until_cancelled(void *channel)
{
    pthread_cleanup_push(clean_up, NULL);
    IPC_IGNORE(ipc_channel_write_blocking(channel, "x", 1));
    pthread_cleanup_pop(0);
    return NULL;
}

/* NULL: this way of waiting is not to be had. Frames that a thread is cancelled
 * in, of whatever call, leave AddressSanitizer's marks on the stack, which it
 * then trips over itself. */
static IpcChannel *cancellable(uint32_t wait, uint32_t mode)
{
    IpcChannelConfiguration configuration = quick;

    if (SANITIZED)
        cr_skip_test("AddressSanitizer fails when a thread is cancelled");
    configuration.wait = wait;
    configuration.flags = mode;
    configuration.options = IPC_CHANNEL_CANCELLATION_POINTS;
    return try_channel(BLOCKS, configuration, NULL);
}

static void cancel_a_thread_that(void *(*what)(void *), IpcChannel *ch)
{
    pthread_t thread = later(what, ch);
    void *end;

    atomic_put_relaxed(&cleaned_up, 0);
    pause_ns(10 * MILLISECOND);
    must(pthread_cancel(thread) == 0);
    must(pthread_join(thread, &end) == 0 && end == PTHREAD_CANCELED);
    must(atomic_get_relaxed(&cleaned_up) == 1);
}

Test(unit, a_blocked_call_is_a_cancellation_point_if_it_is_to_be_one)
{
    for (uint32_t wait = IPC_WAIT_DEFAULT; wait <= IPC_WAIT_IO_URING; wait++)
        for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
            IpcChannel *ch = cancellable(wait, mode);
            IpcEntry entry;

            if (!ch)
                continue;
            cancel_a_thread_that(read_until_cancelled, ch);
            must_send(ch, 10, 1);
            must_receive(ch, 10, 1);
            fill_up(ch);
            cancel_a_thread_that(write_until_cancelled, ch);
            must_work(ipc_channel_read_blocking(ch, &entry));
            free(entry.payload);
            must_work(ipc_channel_write_blocking(ch, "x", 1));
            must_work(ipc_channel_destroy(ch));
        }
}

static void *read_with_a_cancellation_pending(void *channel)
{
    IpcEntry entry;

    pthread_cleanup_push(clean_up, NULL);
    pthread_cancel(pthread_self());
    must_work(ipc_channel_write_blocking(channel, "x", 1));
    must_work(ipc_channel_read_blocking(channel, &entry));
    free(entry.payload);
    atomic_add_relaxed(&cleaned_up, 1);
    IPC_IGNORE(ipc_channel_read_blocking(channel, &entry));
    atomic_add_relaxed(&cleaned_up, 4);
    pthread_cleanup_pop(0);
    return NULL;
}

Test(unit, a_call_that_need_not_sleep_is_no_cancellation_point)
{
    IpcChannel *ch = cancellable(IPC_WAIT_DEFAULT, 0);
    pthread_t thread = later(read_with_a_cancellation_pending, ch);
    void *end;

    must(pthread_join(thread, &end) == 0 && end == PTHREAD_CANCELED);
    must(atomic_get_relaxed(&cleaned_up) == 2);
}

static void *read_and_look_how_cancellation_is(void *channel)
{
    IpcEntry entry;
    int state, type;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    must_work(ipc_channel_read_blocking(channel, &entry));
    free(entry.payload);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
    must(type == PTHREAD_CANCEL_DEFERRED);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    must(state == PTHREAD_CANCEL_DISABLE);
    return channel;
}

Test(unit, a_thread_that_forbids_cancellation_reads_on_and_keeps_its_settings)
{
    IpcChannel *ch = cancellable(IPC_WAIT_DEFAULT, 0);
    pthread_t thread = later(read_and_look_how_cancellation_is, ch);
    void *end;

    pause_ns(10 * MILLISECOND);
    must(pthread_cancel(thread) == 0);
    pause_ns(10 * MILLISECOND);
    must_work(ipc_channel_write(ch, "x", 1));
    must(pthread_join(thread, &end) == 0 && end == ch);
}

static void *write_with_a_cancellation_pending(void *channel)
{
    pthread_cancel(pthread_self());
    must_work(ipc_channel_write(channel, "x", 1));
    pthread_testcancel();
    return NULL;
}

static bool is_readable(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};

    return poll(&polled, 1, 0) == 1;
}

/* Writing to the eventfd would be one. */
Test(unit, waking_an_event_loop_is_no_cancellation_point)
{
    IpcChannel *ch = cancellable(IPC_WAIT_EVENTFD, 0);
    IpcEntry entry;
    pthread_t thread;
    void *end;
    int fd;

    if (!ch)
        cr_skip_test("built without eventfd");
    fd = result_of(ipc_channel_fd(ch));
    must(ipc_channel_try_read(ch, &entry).ipc_status == IPC_EMPTY);
    thread = later(write_with_a_cancellation_pending, ch);
    must(pthread_join(thread, &end) == 0 && end == PTHREAD_CANCELED);
    must(is_readable(fd));
    must_work(ipc_channel_try_read(ch, &entry));
    free(entry.payload);
}
