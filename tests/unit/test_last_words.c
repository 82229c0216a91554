/* SPDX-License-Identifier: MIT */
/*
 * What a process does between a look that found nothing and its death, of which
 * the one who looked learns next. The linker sends kill(), by which the dead
 * are told, here: then memory becomes what the dead one had made of it.
 */
#include "channels.h"

enum { BLOCKS = 8 };

int __real_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal);

static size_t bytes;
static unsigned char *memory, *last_words;

int __wrap_kill(pid_t pid, int signal)
{
    if (signal == 0 && last_words) {
        memcpy(memory, last_words, bytes);
        last_words = NULL;
    }
    return __real_kill(pid, signal);
}

static IpcChannel *channel_that_reports(uint32_t wait)
{
    IpcChannelConfiguration configuration = quick;
    IpcChannelResult r;

    bytes = ring_size(BLOCKS, 8);
    memory = shared_memory(bytes);
    configuration.options =
        IPC_CHANNEL_REPORT_DEAD_PRODUCERS | IPC_CHANNEL_REPORT_DEAD_CONSUMERS;
    configuration.max_owners = 8;
    configuration.wait = wait;
    r = ipc_channel_create(memory, bytes, configuration);
    if (r.ipc_status == IPC_ERR_UNSUPPORTED)
        return NULL; /* not built, or an old kernel */
    must_work(r);
    return r.result;
}

/* Claimed by somebody who then died: tail is behind a word that is old. */
static void make_gap(void)
{
    struct shm_region *region = (void *)memory;

    atomic_add_relaxed(&region->tail.position, 1);
}

/* A child writes one entry, which is read, then another one, perhaps behind a
 * gap, and dies. The latter is taken back until somebody asks for its fate. */
static void die_with_last_words(IpcChannel *ch, bool behind_a_gap)
{
    unsigned char *before = shared_memory(bytes);
    pid_t child = fork_child();

    if (child == 0) {
        must_send(ch, 10, 1);
        must_receive(ch, 10, 1);
        memcpy(before, memory, bytes);
        if (behind_a_gap)
            make_gap();
        must_send(ch, 20, 2);
        child_done();
    }
    must_succeed(child);
    last_words = shared_memory(bytes);
    memcpy(last_words, memory, bytes);
    memcpy(memory, before, bytes);
}

Test(unit, what_the_last_producer_wrote_is_read_before_it_is_called_dead)
{
    for (int behind_a_gap = 0; behind_a_gap < 2; behind_a_gap++) {
        IpcChannel *ch = channel_that_reports(IPC_WAIT_DEFAULT);
        IpcEntry entry;

        die_with_last_words(ch, behind_a_gap);
        must_work(ipc_channel_read_blocking(ch, &entry));
        must_be_entry(&entry, 20, 2);
        must_fail(ipc_channel_read_blocking(ch, &entry),
                  IPC_ERR_PRODUCERS_DEAD);
    }
}

Test(unit, space_that_the_last_consumer_made_is_used_before_it_is_called_dead)
{
    IpcChannel *ch = channel_that_reports(IPC_WAIT_DEFAULT);
    unsigned char *before = shared_memory(bytes);
    pid_t child;

    while (ipc_channel_write(ch, "x", 1).ipc_status == IPC_OK)
        continue;
    child = fork_child();
    if (child == 0) {
        IpcEntry entry;

        must_work(ipc_channel_peek(ch, &entry)); /* it is known from now on */
        memcpy(before, memory, bytes);
        must_work(ipc_channel_skip(ch, entry.offset));
        child_done();
    }
    must_succeed(child);
    last_words = shared_memory(bytes);
    memcpy(last_words, memory, bytes);
    memcpy(memory, before, bytes);
    must_work(ipc_channel_write_blocking(ch, "y", 1));
    must_fail(ipc_channel_write_blocking(ch, "y", 1), IPC_ERR_CONSUMERS_DEAD);
}

/* Of a gap a poller is told that something is there, and looks again. */
Test(unit, what_the_last_producer_wrote_is_not_hidden_from_event_loops)
{
    int ways = 0;

    for (uint32_t wait = IPC_WAIT_EVENTFD; wait <= IPC_WAIT_IO_URING; wait++)
        for (int behind_a_gap = 0; behind_a_gap < 2; behind_a_gap++) {
            IpcChannel *ch = channel_that_reports(wait);
            IpcEntry entry;

            if (!ch)
                continue;
            ways++;
            must_work(ipc_channel_fd(ch));
            die_with_last_words(ch, behind_a_gap);
            if (behind_a_gap)
                must_be(ipc_channel_try_read(ch, &entry).ipc_status,
                        IPC_ERR_NOT_READY);
            must_work(ipc_channel_try_read(ch, &entry));
            must_be_entry(&entry, 20, 2);
            must_fail(ipc_channel_try_read(ch, &entry), IPC_ERR_PRODUCERS_DEAD);
            must_work(ipc_channel_destroy(ch));
        }
    if (ways == 0)
        cr_skip_test("no way of waiting that can be polled");
}
