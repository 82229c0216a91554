/* SPDX-License-Identifier: MIT */
/*
 * Reading ahead of what is acknowledged, through a channel: who waits, who is
 * woken, and when a channel is ready for a loop.
 */
#include "blocking.h"
#include <poll.h>

static const struct timespec at_once, patience = {.tv_sec = 20, .tv_nsec = 0};

static uint64_t must_be_ahead(IpcChannelReadAheadResult r, IpcEntry *entry,
                              size_t size, uint64_t seed)
{
    must_work(r);
    must(IpcChannelReadAheadResult_has_entry(r) && !r.result);
    must(entry->size == size && is_filled(entry->payload, size, seed));
    return entry->offset;
}

static uint64_t must_read_ahead(IpcChannel *ch, size_t size, uint64_t seed)
{
    IpcEntry entry;

    return must_be_ahead(ipc_channel_try_read_ahead(ch, &entry), &entry, size,
                         seed);
}

static void must_acknowledge(IpcChannel *ch, uint64_t offset, uint64_t count)
{
    must(result_of(ipc_channel_acknowledge(ch, offset)) == count);
}

Test(unit, calls_that_read_ahead_refuse_what_cannot_be)
{
    IpcChannel *ch = new_channel(BLOCKS, IPC_BUFFER_ONE_CONSUMER, NULL);
    IpcChannel *many = new_channel(BLOCKS, 0, NULL);
    const struct timespec negative = {-1, 0};
    IpcEntry entry;

    must_fail(ipc_channel_try_read_ahead(NULL, &entry),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_try_read_ahead(ch, NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_read_ahead_blocking(NULL, &entry),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_read_ahead_with_timeout(ch, &entry, &negative),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_acknowledge(NULL, 0), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_give_back(NULL, 0), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_acknowledge(ch, 3), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_acknowledge(ch, 0), IPC_ERR_OFFSET_MISMATCH);
    must_fail(ipc_channel_give_back(ch, 0), IPC_ERR_OFFSET_MISMATCH);
    must_send(many, 40, 0);
    must_fail(ipc_channel_read_ahead_blocking(many, &entry),
              IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_channel_acknowledge(many, 0), IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_channel_give_back(many, 0), IPC_ERR_ILLEGAL_STATE);
    must_be(ipc_channel_try_read_ahead(ch, &entry).ipc_status, IPC_EMPTY);
    must_fail(ipc_channel_read_ahead_with_timeout(ch, &entry, &at_once),
              IPC_ERR_TIMEOUT);
}

static void *send_after_a_while(void *channel)
{
    pause_ns(20 * MILLISECOND);
    must_send(channel, 40, 1);
    return NULL;
}

/* What was read ahead is not what it waits for. */
Test(unit, a_read_ahead_that_waits_is_woken_by_the_next_entry)
{
    IpcChannel *ch = new_channel(BLOCKS, IPC_BUFFER_ONE_CONSUMER, NULL);
    IpcEntry entry;
    pthread_t thread;

    for (int round = 0; round < 2; round++) {
        uint64_t first, second;

        must_send(ch, 40, 0);
        first = must_read_ahead(ch, 40, 0);
        must_fail(ipc_channel_read_ahead_with_timeout(ch, &entry, &at_once),
                  IPC_ERR_TIMEOUT);
        thread = later(send_after_a_while, ch);
        second = must_be_ahead(
            round ? ipc_channel_read_ahead_blocking(ch, &entry)
                  : ipc_channel_read_ahead_with_timeout(ch, &entry, &patience),
            &entry, 40, 1);
        pthread_join(thread, NULL);
        must_acknowledge(ch, first, 1);
        must_acknowledge(ch, second, 1);
    }
}

static void *read_and_acknowledge_later(void *channel)
{
    uint64_t offset = must_read_ahead(channel, 1, 'x');

    pause_ns(20 * MILLISECOND);
    must_acknowledge(channel, offset, 1);
    return NULL;
}

Test(unit, a_writer_that_waits_for_space_is_woken_by_an_acknowledgement)
{
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, IPC_BUFFER_ONE_CONSUMER, &memory);
    unsigned char byte;
    pthread_t thread;
    IpcEntry entry;

    fill(&byte, 1, 'x');
    while (ipc_channel_write(ch, &byte, 1).ipc_status == IPC_OK)
        continue;
    thread = later(read_and_acknowledge_later, ch);
    must_work(ipc_channel_write_with_timeout(ch, &byte, 1, &patience));
    pthread_join(thread, NULL);
    for (int i = 0; i < BLOCKS; i++)
        must_work(ipc_channel_try_read_ahead(ch, &entry));
    must_be(ipc_channel_try_read_ahead(ch, &entry).ipc_status, IPC_EMPTY);
    must_fail(ipc_channel_write(ch, &byte, 1), IPC_ERR_NO_SPACE_CONTIGUOUS);
    must(result_of(ipc_channel_give_back(ch, entry.offset)) == 1);
    must_acknowledge(ch, entry.offset - 64, BLOCKS - 1);
    must_receive(ch, 1, 'x');
}

/* Nobody sleeps: who wakes sleepers clears the flag that they set. */
static bool woke_writers(struct shm_region *region)
{
    return atomic_get_relaxed(&region->writers.sleepers) == 0;
}

Test(unit, only_what_makes_space_wakes_writers)
{
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, IPC_BUFFER_ONE_CONSUMER, &memory);
    struct shm_region *region = memory;
    uint64_t offset;

    must_send(ch, 40, 0);
    must_send(ch, 40, 1);
    must_read_ahead(ch, 40, 0);
    atomic_put_relaxed(&region->writers.sleepers, 1);
    offset = must_read_ahead(ch, 40, 1);
    must(result_of(ipc_channel_give_back(ch, offset)) == 1);
    must(!woke_writers(region));
    must_acknowledge(ch, offset - 64, 1);
    must(woke_writers(region));
    atomic_put_relaxed(&region->writers.sleepers, 1);
    must_acknowledge(ch, offset - 64, 0);
    must(!woke_writers(region));
}

static void *interrupt_after_a_while(void *channel)
{
    pause_ns(20 * MILLISECOND);
    must_work(ipc_channel_interrupt(channel));
    return NULL;
}

Test(unit, a_read_ahead_that_waits_can_be_interrupted_and_closed)
{
    IpcChannel *ch = new_channel(BLOCKS, IPC_BUFFER_ONE_CONSUMER, NULL);
    pthread_t thread;
    IpcEntry entry;
    uint64_t offset;

    must_send(ch, 40, 0);
    offset = must_read_ahead(ch, 40, 0);
    thread = later(interrupt_after_a_while, ch);
    must_fail(ipc_channel_read_ahead_blocking(ch, &entry), IPC_ERR_INTERRUPTED);
    pthread_join(thread, NULL);
    must(result_of(ipc_channel_clear_interrupt(ch)));
    must_work(ipc_channel_close(ch));
    must_fail(ipc_channel_read_ahead_blocking(ch, &entry), IPC_ERR_CLOSED);
    must_acknowledge(ch, offset, 1);
    must_fail(ipc_channel_read_ahead_blocking(ch, &entry), IPC_ERR_CLOSED);
}

/* A producer that died while it wrote behind what was read ahead. */
Test(unit, a_read_ahead_that_waits_removes_the_claim_of_the_dead)
{
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, IPC_BUFFER_ONE_CONSUMER, &memory);
    struct gate *gate = make_gate();
    IpcReservation reservation;
    IpcEntry entry;
    pid_t pid;

    must_send(ch, 40, 0);
    must_read_ahead(ch, 40, 0);
    pid = fork_child();
    if (pid == 0) {
        must_work(ipc_buffer_reserve(attach_to(memory), 40, &reservation));
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    must_send(ch, 40, 1);
    kill_child(pid);
    must_be_ahead(ipc_channel_read_ahead_with_timeout(ch, &entry, &patience),
                  &entry, 40, 1);
}

Test(unit, a_descriptor_is_readable_for_what_was_not_read_ahead)
{
    IpcChannel *ch = new_channel(BLOCKS, IPC_BUFFER_ONE_CONSUMER, NULL);
    struct pollfd what = {.fd = result_of(ipc_channel_fd(ch)),
                          .events = POLLIN};
    IpcEntry entry;
    int early = 0;

    must_send(ch, 40, 0);
    must_read_ahead(ch, 40, 0);
    /* An idle one is readable ten times a second; one that looked at the head
     * would be each time. */
    for (int i = 0; i < 10; i++) {
        must_be(ipc_channel_try_read_ahead(ch, &entry).ipc_status, IPC_EMPTY);
        early += poll(&what, 1, 10);
    }
    must_say(early < 10, "it was readable each time");
    must_be(ipc_channel_try_read_ahead(ch, &entry).ipc_status, IPC_EMPTY);
    must_send(ch, 40, 1);
    must(poll(&what, 1, 20000) == 1);
    must_read_ahead(ch, 40, 1);
}

Test(unit, a_waitset_waits_for_what_was_not_read_ahead)
{
    IpcChannel *ch = new_channel(BLOCKS, IPC_BUFFER_ONE_CONSUMER, NULL);
    const struct timespec shortly = {.tv_nsec = 20 * MILLISECOND};
    IpcWaitSet *set = result_of(ipc_waitset_create());
    IpcWaitSetReady ready;
    pthread_t thread;
    uint64_t offset;

    must_work(ipc_waitset_add(set, ch, NULL));
    must_send(ch, 40, 0);
    must_work(ipc_waitset_wait(set, &ready, 1, &patience));
    offset = must_read_ahead(ch, 40, 0);
    must_fail(ipc_waitset_wait(set, &ready, 1, &shortly), IPC_ERR_TIMEOUT);
    thread = later(send_after_a_while, ch);
    must_work(ipc_waitset_wait(set, &ready, 1, &patience));
    must(ready.channel == ch && ready.status == IPC_OK);
    pthread_join(thread, NULL);
    must(result_of(ipc_channel_give_back(ch, offset)) == 1);
    must_work(ipc_waitset_wait(set, &ready, 1, &patience));
    must(ready.status == IPC_OK);
    must_receive(ch, 40, 0);
    must_receive(ch, 40, 1);
    must_fail(ipc_waitset_wait(set, &ready, 1, &shortly), IPC_ERR_TIMEOUT);
    must_work(ipc_waitset_destroy(set));
}
