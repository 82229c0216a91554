/* SPDX-License-Identifier: MIT */
/*
 * A closer that was killed between its two stores: producers know, consumers do
 * not. The first store is made by hand.
 */
#include "channels.h"

enum { BLOCKS = 4, MANY_LOOKS = 2000 };

static const struct timespec second = {1, 0};
static struct shm_region *region;

static void close_by_half(uint32_t mode)
{
    if (mode & IPC_BUFFER_ONE_PRODUCER)
        atomic_put_relaxed(&region->tail.closed, 1);
    else
        atomic_or_relaxed(&region->tail.position, SHMIPC_TAIL_CLOSED);
}

static IpcChannel *half_closed(uint32_t mode, uint32_t wait)
{
    IpcChannelConfiguration configuration = quick;
    void *memory;
    IpcChannel *ch;

    configuration.flags = mode;
    configuration.wait = wait;
    ch = make_channel(BLOCKS, configuration, &memory);
    region = memory;
    must_send(ch, 10, 1);
    close_by_half(mode);
    return ch;
}

static IpcStatus try_once(IpcChannel *ch)
{
    IpcEntry entry;

    return ipc_channel_try_read(ch, &entry).ipc_status;
}

Test(unit, a_reader_about_to_sleep_finishes_the_closing)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = half_closed(mode, IPC_WAIT_FUTEX);
        IpcEntry entry;

        must_receive(ch, 10, 1);
        must_fail(ipc_channel_read_with_timeout(ch, &entry, &second),
                  IPC_ERR_CLOSED);
        must_be(try_once(ch), IPC_ERR_CLOSED);
    }
}

Test(unit, a_reader_that_finds_nothing_for_long_finishes_the_closing)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = half_closed(mode, IPC_WAIT_FUTEX);
        IpcStatus status = IPC_EMPTY;

        must_receive(ch, 10, 1);
        for (int i = 0; i < MANY_LOOKS && status == IPC_EMPTY; i++)
            status = try_once(ch);
        must_be(status, IPC_ERR_CLOSED);
    }
}

Test(unit, a_reader_that_arms_its_descriptor_finishes_the_closing)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = half_closed(mode, IPC_WAIT_EVENTFD);

        must_work(ipc_channel_fd(ch));
        must_receive(ch, 10, 1);
        must_be(try_once(ch), IPC_ERR_CLOSED);
    }
}

Test(unit, recovery_finishes_the_closing_and_wakes_readers)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = half_closed(mode, IPC_WAIT_FUTEX);

        atomic_put_relaxed(&region->readers.sleepers, 1);
        must_work(ipc_channel_recover(ch, false));
        must(atomic_get_relaxed(&region->readers.sleepers) == 0);
        must_receive(ch, 10, 1);
        must_be(try_once(ch), IPC_ERR_CLOSED);
    }
}

Test(unit, recovery_of_a_buffer_finishes_the_closing)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b;

        half_closed(mode, IPC_WAIT_FUTEX);
        b = attach_to(region);
        must_work(ipc_buffer_recover(b));
        must(atomic_get_relaxed(&region->head.closed) == 1);
    }
}

Test(unit, a_writer_that_is_told_so_finishes_the_closing)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = half_closed(mode, IPC_WAIT_FUTEX);

        must_fail(ipc_channel_write(ch, "x", 1), IPC_ERR_CLOSED);
        must_receive(ch, 10, 1);
        must_be(try_once(ch), IPC_ERR_CLOSED);
    }
}

Test(unit, closing_again_finishes_the_closing)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = half_closed(mode, IPC_WAIT_FUTEX);

        must_work(ipc_channel_close(ch));
        must_receive(ch, 10, 1);
        must_be(try_once(ch), IPC_ERR_CLOSED);
    }
}

Test(unit, nobody_finishes_a_closing_that_has_not_begun)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        void *memory;
        IpcChannel *ch = new_channel(BLOCKS, mode, &memory);

        for (int i = 0; i < MANY_LOOKS; i++)
            must_be(try_once(ch), IPC_EMPTY);
        must_work(ipc_channel_recover(ch, false));
        must_send(ch, 10, 1);
        must_receive(ch, 10, 1);
    }
}
