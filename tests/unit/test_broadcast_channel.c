/* SPDX-License-Identifier: MIT */
/*
 * Channels in which every subscriber reads every entry: waiting and waking.
 */
#include "../own_name.h"
#include "broadcasts.h"
#include "channels.h"
#include <poll.h>
#include <pthread.h>

enum { BLOCKS = 8, SLOTS = 4 };

static const struct timespec long_time = {20, 0};
static const struct timespec soon = {0, 30 * MILLISECOND};

static IpcChannel *new_one(uint32_t wait, void **memory)
{
    IpcChannelConfiguration c = quick;
    size_t size = broadcast_size(BLOCKS, 8, SLOTS);

    c.flags = BROADCAST;
    c.max_owners = 8;
    c.max_subscribers = SLOTS;
    c.wait = wait;
    *memory = shared_memory(size);
    return result_of(ipc_channel_create(*memory, size, c));
}

static IpcChannel *connected(void *memory, uint32_t wait)
{
    IpcChannelConfiguration c = quick;

    c.wait = wait;
    c.spin_ns = IPC_CHANNEL_NO_SPIN;
    return result_of(ipc_channel_connect(memory, c));
}

/* A child that subscribes, says so, and reads so many entries of 64 bytes,
 * sleeping in between. */
static pid_t child_that_reads(void *memory, uint64_t count, struct gate *gate)
{
    pid_t pid = fork_child();

    if (pid == 0) {
        IpcChannel *ch = connected(memory, IPC_WAIT_DEFAULT);

        must_work(ipc_channel_subscribe(ch, NULL));
        atomic_add_release(&gate->step, 1);
        for (uint64_t seed = 1; seed <= count; seed++) {
            IpcEntry entry;

            must_work(ipc_channel_read_with_timeout(ch, &entry, &long_time));
            must_be_entry(&entry, 64, seed);
        }
        must_work(ipc_channel_destroy(ch));
        _exit(0);
    }
    return pid;
}

Test(unit, all_sleeping_subscribers_are_woken_and_wake_a_writer)
{
    enum { READERS = 3, COUNT = 2000 };
    void *memory;
    IpcChannel *ch = new_one(IPC_WAIT_DEFAULT, &memory);
    struct gate *gate = make_gate();
    pid_t pids[READERS];
    unsigned char data[64];

    for (int i = 0; i < READERS; i++)
        pids[i] = child_that_reads(memory, COUNT, gate);
    gate_wait(gate, READERS);
    for (uint64_t seed = 1; seed <= COUNT; seed++) {
        fill(data, sizeof data, seed);
        must_work(
            ipc_channel_write_with_timeout(ch, data, sizeof data, &long_time));
    }
    for (int i = 0; i < READERS; i++)
        must_succeed(pids[i]);
}

Test(unit, a_writer_waits_for_the_slowest_and_gives_up_in_time)
{
    void *memory;
    IpcChannel *ch = new_one(IPC_WAIT_DEFAULT, &memory);
    IpcChannel *slow = connected(memory, IPC_WAIT_DEFAULT);

    must_work(ipc_channel_subscribe(slow, NULL));
    for (uint64_t seed = 0; seed < BLOCKS; seed++)
        must_send(ch, 64, seed);
    must_fail(ipc_channel_write_with_timeout(ch, "x", 1, &soon),
              IPC_ERR_TIMEOUT);
    must_work(ipc_channel_unsubscribe(slow));
    must_work(ipc_channel_write_with_timeout(ch, "x", 1, &soon));
}

static void *unsubscribe_later(void *channel)
{
    pause_ns(20 * MILLISECOND);
    must_work(ipc_channel_unsubscribe(channel));
    return NULL;
}

Test(unit, who_unsubscribes_wakes_a_writer)
{
    void *memory;
    IpcChannel *ch = new_one(IPC_WAIT_DEFAULT, &memory);
    IpcChannel *slow = connected(memory, IPC_WAIT_DEFAULT);
    pthread_t thread;

    must_work(ipc_channel_subscribe(slow, NULL));
    for (uint64_t seed = 0; seed < BLOCKS; seed++)
        must_send(ch, 64, seed);
    must(pthread_create(&thread, NULL, unsubscribe_later, slow) == 0);
    must_work(ipc_channel_write_with_timeout(ch, "x", 1, &long_time));
    pthread_join(thread, NULL);
}

Test(unit, a_writer_that_sleeps_notices_that_the_slowest_has_died)
{
    void *memory;
    IpcChannel *ch = new_one(IPC_WAIT_DEFAULT, &memory);
    struct gate *gate = make_gate();
    pid_t pid = child_that_reads(memory, 1000, gate);
    int64_t start;

    gate_wait(gate, 1);
    kill(pid, SIGSTOP);
    for (uint64_t seed = 1; ipc_channel_write(ch, "x", 1).ipc_status == IPC_OK;
         seed++)
        must(seed < 1000);
    kill(pid, SIGKILL);
    start = now_ns();
    must_work(ipc_channel_write_with_timeout(ch, "x", 1, &long_time));
    must(now_ns() - start < 5 * SECOND);
    waitpid(pid, NULL, 0);
}

Test(unit, reads_that_wait_are_closed_and_interrupted_and_time_out)
{
    void *memory;
    IpcChannel *ch = new_one(IPC_WAIT_DEFAULT, &memory);
    IpcEntry entry;

    must_fail(ipc_channel_read(ch, &entry), IPC_ERR_NOT_SUBSCRIBED);
    must_work(ipc_channel_subscribe(ch, NULL));
    must_fail(ipc_channel_read_with_timeout(ch, &entry, &soon),
              IPC_ERR_TIMEOUT);
    must_work(ipc_channel_interrupt(ch));
    must_fail(ipc_channel_read_with_timeout(ch, &entry, &long_time),
              IPC_ERR_INTERRUPTED);
    ipc_channel_clear_interrupt(ch);
    must_send(ch, 64, 1);
    must_work(ipc_channel_close(ch));
    must_work(ipc_channel_read_with_timeout(ch, &entry, &long_time));
    must_be_entry(&entry, 64, 1);
    must_fail(ipc_channel_read_with_timeout(ch, &entry, &long_time),
              IPC_ERR_CLOSED);
}

static void must_become_readable(IpcChannel *ch, IpcChannel *writer)
{
    struct pollfd what = {.events = POLLIN};
    IpcEntry entry;

    what.fd = result_of(ipc_channel_fd(ch));
    for (uint64_t seed = 1; seed <= 20; seed++) {
        while (ipc_channel_try_read(ch, &entry).ipc_status == IPC_OK)
            must_be_entry(&entry, 64, seed - 1);
        must_send(writer, 64, seed);
        must(poll(&what, 1, 20000) == 1);
    }
}

Test(unit, each_subscriber_has_a_descriptor_of_its_own_to_poll)
{
    void *memory;
    IpcChannel *ch = new_one(IPC_WAIT_FUTEX, &memory);
    IpcChannel *reader = connected(memory, IPC_WAIT_FUTEX);

    must_work(ipc_channel_subscribe(reader, NULL));
    must_become_readable(reader, ch);
}

Test(unit, a_subscriber_that_waits_by_eventfd_is_polled_too)
{
    void *memory;
    IpcChannel *ch = new_one(IPC_WAIT_EVENTFD, &memory);

    must_work(ipc_channel_subscribe(ch, NULL));
    must_become_readable(ch, connected(memory, IPC_WAIT_FUTEX));
}

Test(unit, a_waitset_tells_each_subscriber_of_each_entry)
{
    void *memory;
    IpcChannel *ch = new_one(IPC_WAIT_DEFAULT, &memory), *readers[2];
    IpcWaitSet *set = result_of(ipc_waitset_create());
    IpcWaitSetReady ready[2];
    IpcEntry entry;

    for (int i = 0; i < 2; i++) {
        readers[i] = connected(memory, IPC_WAIT_DEFAULT);
        must_work(ipc_channel_subscribe(readers[i], NULL));
        must_work(ipc_waitset_add(set, readers[i], readers[i]));
    }
    for (uint64_t seed = 1; seed <= 20; seed++) {
        int left = 2;

        must_send(ch, 64, seed);
        while (left > 0) {
            size_t count =
                result_of(ipc_waitset_wait(set, ready, 2, &long_time));

            for (size_t i = 0; i < count; i++) {
                if (ipc_channel_try_read(ready[i].user, &entry).ipc_status !=
                    IPC_OK)
                    continue;
                must_be_entry(&entry, 64, seed);
                left--;
            }
        }
    }
    must_work(ipc_waitset_destroy(set));
}

Test(unit, a_channel_by_its_name_can_be_for_subscribers)
{
    IpcOpenOptions options = {.struct_size = sizeof options};
    char name[OWN_NAME_ROOM];
    IpcChannel *writer, *reader;
    IpcEntry entry;

    own_name(name, "broadcast");
    options.configuration = quick;
    options.configuration.flags = BROADCAST;
    options.size = 60000;
    writer = result_of(ipc_channel_open(name, &options));
    reader = result_of(ipc_channel_open(name, NULL));
    must_work(ipc_channel_unlink(name));
    must(ipc_channel_max_entry_size(writer) >= 60000);
    must_work(ipc_channel_subscribe(reader, NULL));
    must_send(writer, 64, 1);
    must_work(ipc_channel_try_read(reader, &entry));
    must_be_entry(&entry, 64, 1);
    must_work(ipc_channel_destroy(reader));
    must_work(ipc_channel_destroy(writer));
}
