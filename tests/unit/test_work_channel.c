/* SPDX-License-Identifier: MIT */
/*
 * A work queue through a channel: who waits, who is woken, and how soon what
 * the dead held is read again.
 */
#include "blocking.h"

static const struct timespec at_once, patience = {.tv_sec = 20, .tv_nsec = 0};

static IpcChannel *queue(uint32_t options, void **memory)
{
    IpcChannelConfiguration configuration = quick;

    configuration.flags = IPC_BUFFER_ACKNOWLEDGE;
    configuration.options = options;
    return make_channel(BLOCKS + 1, configuration, memory);
}

static IpcChannel *join(void *memory)
{
    return result_of(ipc_channel_connect(memory, quick));
}

static uint64_t must_take(IpcChannel *ch, uint64_t seed, bool again)
{
    IpcEntry entry;

    must(result_of(ipc_channel_read_ahead_with_timeout(ch, &entry,
                                                       &patience)) == again);
    must(entry.size == 40 && is_filled(entry.payload, 40, seed));
    return entry.offset;
}

static void must_acknowledge(IpcChannel *ch, uint64_t offset)
{
    must(result_of(ipc_channel_acknowledge(ch, offset)) == 1);
}

/* A child that holds the first entry until it is killed. */
static pid_t worker(void *memory, struct gate *gate)
{
    pid_t pid = fork_child();

    if (pid == 0) {
        must_take(join(memory), 0, false);
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    return pid;
}

static void *take_again(void *channel)
{
    must_acknowledge(channel, must_take(channel, 0, true));
    return NULL;
}

Test(unit, who_waits_gets_what_a_killed_worker_held)
{
    void *memory;
    IpcChannel *ch = queue(0, &memory);
    pthread_t thread;
    pid_t pid;

    must_send(ch, 40, 0);
    pid = worker(memory, make_gate());
    thread = later(take_again, ch);
    pause_ns(20 * MILLISECOND);
    kill_child(pid);
    pthread_join(thread, NULL);
}

Test(unit, who_polls_gets_what_a_killed_worker_held)
{
    void *memory;
    IpcChannel *ch = queue(0, &memory);
    IpcStatus status = IPC_EMPTY;
    IpcEntry entry;

    must_send(ch, 40, 0);
    kill_child(worker(memory, make_gate()));
    for (int i = 0; i < 2000 && status == IPC_EMPTY; i++)
        status = ipc_channel_try_read_ahead(ch, &entry).ipc_status;
    must_be(status, IPC_OK);
    must_acknowledge(ch, entry.offset);
}

Test(unit, who_waits_gets_what_another_gives_back)
{
    void *memory;
    IpcChannel *ch = queue(0, &memory), *other = join(memory);
    struct shm_region *region = memory;
    pthread_t thread;
    uint64_t offset;

    must_send(ch, 40, 0);
    offset = must_take(other, 0, false);
    thread = later(take_again, ch);
    pause_ns(20 * MILLISECOND);
    must(result_of(ipc_channel_give_back(other, offset)) == 1);
    pthread_join(thread, NULL);
    /* And is woken for it. */
    must_send(ch, 40, 0);
    offset = must_take(other, 0, false);
    atomic_put_relaxed(&region->readers.sleepers, 1);
    must(result_of(ipc_channel_give_back(other, offset)) == 1);
    must(atomic_get_relaxed(&region->readers.sleepers) == 0);
}

static void *must_end(void *channel)
{
    IpcEntry entry;

    must_fail(ipc_channel_read_ahead_blocking(channel, &entry), IPC_ERR_CLOSED);
    return NULL;
}

Test(unit, who_waits_is_told_when_the_last_entry_of_a_closed_queue_is_done)
{
    void *memory;
    IpcChannel *ch = queue(0, &memory);
    struct shm_region *region = memory;
    struct gate *gate = make_gate();
    pthread_t thread;
    pid_t pid;

    must_send(ch, 40, 0);
    pid = fork_child();
    if (pid == 0) {
        IpcChannel *own = join(memory);
        uint64_t offset = must_take(own, 0, false);

        gate_open(gate, 1);
        gate_wait(gate, 2);
        atomic_put_relaxed(&region->readers.sleepers, 1);
        must_acknowledge(own, offset);
        must(atomic_get_relaxed(&region->readers.sleepers) == 0);
        child_done();
    }
    gate_wait(gate, 1);
    must_work(ipc_channel_close(ch));
    thread = later(must_end, ch);
    pause_ns(20 * MILLISECOND);
    gate_open(gate, 2);
    must_succeed(pid);
    pthread_join(thread, NULL);
}

/* And all that comes before it. */
static void *take_until_again(void *channel)
{
    IpcEntry entry;
    bool again;

    do {
        again = result_of(
            ipc_channel_read_ahead_with_timeout(channel, &entry, &patience));
        must_acknowledge(channel, entry.offset);
    } while (!again);
    return NULL;
}

Test(unit, a_writer_that_waits_for_space_sees_to_what_the_dead_hold)
{
    void *memory;
    IpcChannel *ch = queue(0, &memory);
    pthread_t thread;
    pid_t pid;

    must_send(ch, 40, 0);
    pid = worker(memory, make_gate());
    while (ipc_channel_write(ch, "x", 1).ipc_status == IPC_OK)
        continue;
    kill_child(pid);
    thread = later(take_until_again, join(memory));
    must_work(ipc_channel_write_with_timeout(ch, "x", 1, &patience));
    pthread_join(thread, NULL);
}

Test(unit, dead_producers_are_reported_when_others_hold_nothing)
{
    void *memory;
    IpcChannel *ch = queue(IPC_CHANNEL_REPORT_DEAD_PRODUCERS, &memory);
    struct gate *gate = make_gate();
    IpcEntry entry;
    pid_t writer, reader;

    writer = fork_child();
    if (writer == 0) {
        must_send(join(memory), 40, 0);
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    reader = worker(memory, make_gate());
    kill_child(writer);
    must_fail(ipc_channel_read_ahead_with_timeout(
                  ch, &entry, &(struct timespec){.tv_nsec = 300 * MILLISECOND}),
              IPC_ERR_TIMEOUT);
    kill_child(reader);
    must_acknowledge(ch, must_take(ch, 0, true));
    must_fail(ipc_channel_read_ahead_blocking(ch, &entry),
              IPC_ERR_PRODUCERS_DEAD);
}

Test(unit, a_waitset_waits_for_what_nobody_holds)
{
    void *memory;
    IpcChannel *ch = queue(0, &memory);
    const struct timespec shortly = {.tv_nsec = 20 * MILLISECOND};
    IpcWaitSet *set = result_of(ipc_waitset_create());
    IpcWaitSetReady ready;
    pid_t pid;

    must_work(ipc_waitset_add(set, ch, NULL));
    must_send(ch, 40, 0);
    must_work(ipc_waitset_wait(set, &ready, 1, &patience));
    pid = worker(memory, make_gate());
    must_fail(ipc_waitset_wait(set, &ready, 1, &shortly), IPC_ERR_TIMEOUT);
    kill_child(pid);
    must_work(ipc_waitset_wait(set, &ready, 1, &patience));
    must(ready.channel == ch && ready.status == IPC_OK);
    must_acknowledge(ch, must_take(ch, 0, true));
    must_fail(ipc_waitset_wait(set, &ready, 1, &at_once), IPC_ERR_TIMEOUT);
    must_work(ipc_waitset_destroy(set));
}
