/* SPDX-License-Identifier: MIT */
/*
 * What happens to a set of channels while somebody waits for it: interrupts,
 * signals, channels that come and go, another thread.
 */
#include "waitsets.h"

/* ----------------------------------------------------------- interruptions */

static void must_be_interrupted(enum way by, int count)
{
    struct waiter_thread w;

    make_set(by, count);
    start_waiting(&w);
    must_work(ipc_waitset_interrupt(set));
    must_be(end_waiting(&w), IPC_ERR_INTERRUPTED);
    must(w.got.error.detail[0] != '\0');
    must_work(ipc_waitset_interrupt(set));
    must_work(ipc_waitset_interrupt(set));
    must_send(channels[0], 8, 1);
    must_end_by(IPC_ERR_INTERRUPTED, NULL);
    must_be_ready(0, IPC_OK);
}

Test(unit, a_wait_is_interrupted)
{
    must_be_interrupted(RING, 5);
}

Test(unit, a_wait_is_interrupted_by_waitv)
{
    must_be_interrupted(WAITV, 2);
}

Test(unit, a_wait_is_interrupted_by_naps)
{
    must_be_interrupted(NAPS, 2);
}

static void interrupt(int number)
{
    (void)number;
    ipc_waitset_interrupt(set);
}

static void ignore(int number)
{
    (void)number;
}

struct signals {
    pthread_t to;
    pthread_t from;
    _Atomic int enough;
};

/* Until it is told to stop: who waits may get a CPU late. */
static void *send_signals(void *argument)
{
    struct signals *signals = argument;

    while (!atomic_get_relaxed(&signals->enough)) {
        pause_ns(MILLISECOND);
        pthread_kill(signals->to, SIGUSR1);
    }
    return NULL;
}

static void start_signals(struct signals *signals)
{
    signals->to = pthread_self();
    signals->enough = 0;
    must(pthread_create(&signals->from, NULL, send_signals, signals) == 0);
}

static void end_signals(struct signals *signals)
{
    atomic_put_relaxed(&signals->enough, 1);
    must(pthread_join(signals->from, NULL) == 0);
}

static void must_end_by_handler(enum way by)
{
    struct signals signals;

    make_set(by, 5);
    signal(SIGUSR1, interrupt);
    start_signals(&signals);
    for (int i = 0; i < 3; i++)
        must_end_by(IPC_ERR_INTERRUPTED, &patience);
    end_signals(&signals);
}

Test(unit, a_signal_handler_ends_a_wait)
{
    must_end_by_handler(RING);
}

Test(unit, a_signal_handler_ends_a_wait_by_waitv)
{
    must_end_by_handler(WAITV);
}

Test(unit, a_signal_alone_does_not_end_a_wait)
{
    const struct timespec time = {.tv_nsec = 60 * MILLISECOND};
    struct signals signals;

    signal(SIGUSR1, ignore);
    make_set(RING, 5);
    start_signals(&signals);
    must_find_nothing(&time);
    end_signals(&signals);
    must_work(ipc_waitset_destroy(set));
    make_set(WAITV, 5);
    start_signals(&signals);
    must_find_nothing(&time);
    end_signals(&signals);
}

/* ---------------------------------------------------------- while it waits */

static void must_count_in_what_is_added(enum way by, int count)
{
    struct waiter_thread w;

    make_set(by, count);
    start_waiting(&w);
    add_with(count, quick);
    pause_ns(10 * MILLISECOND);
    must_send(channels[count], 8, 1);
    must_be(end_waiting(&w), IPC_OK);
    must(w.got.result == 1 && ready[0].channel == channels[count]);
}

Test(unit, a_channel_that_is_added_meanwhile_counts)
{
    must_count_in_what_is_added(RING, 5);
}

Test(unit, a_channel_that_is_added_meanwhile_counts_by_waitv)
{
    must_count_in_what_is_added(WAITV, 0);
}

Test(unit, a_channel_that_is_added_meanwhile_counts_in_a_group)
{
    must_count_in_what_is_added(WAITV, 130);
}

/* Nothing touches what was removed, here by its handle's end: its memory goes
 * at once. */
static void must_leave(enum way by, int count)
{
    size_t size = ring_size(BLOCKS, 8);
    struct waiter_thread w;

    make_set(by, count);
    start_waiting(&w);
    for (int i = 0; i < count - 2; i++) {
        if (i % 2 == 0)
            must_work(ipc_waitset_remove(set, channels[i]));
        must_work(ipc_channel_destroy(channels[i]));
        must(munmap(memories[i], size) == 0);
        must(atomic_get_acquire(&w.ended) == 0);
    }
    must_send(channels[count - 1], 8, 1);
    must_be(end_waiting(&w), IPC_OK);
    must(w.got.result == 1 && ready[0].channel == channels[count - 1]);
    must_work(ipc_waitset_destroy(set));
}

Test(unit, a_channel_leaves_a_set_that_waits)
{
    must_leave(RING, 50);
}

Test(unit, a_channel_leaves_a_set_that_waits_by_waitv)
{
    must_leave(WAITV, 200);
}

/* Removed while the kernel still waits for it, and added again. */
Test(unit, a_channel_comes_back)
{
    make_set(RING, 8);
    for (int i = 0; i < 50; i++) {
        must_find_nothing(&at_once);
        must_work(ipc_waitset_remove(set, channels[i % 8]));
        must_work(ipc_waitset_add(set, channels[i % 8], &channels[i % 8]));
        must_send(channels[i % 8], 8, 1);
        must_be_ready(i % 8, IPC_OK);
        must_receive(channels[i % 8], 8, 1);
        must_find_nothing(&(struct timespec){.tv_nsec = 1});
    }
}

/*
 * A ring belongs to one thread. On a busy machine some are not asleep yet when
 * the message comes: there are so many turns that some were of each kind.
 */
Test(unit, threads_wait_by_turns, .timeout = 60)
{
    make_set(RING, 5);
    for (int i = 0; i < 12 || atomic_get_relaxed(&ring_sleeps) <= 2 ||
                    atomic_get_relaxed(&waitv_sleeps) == 0;
         i++) {
        struct waiter_thread w;

        start_waiting(&w);
        must_send(channels[i % 5], 8, 1);
        must_be(end_waiting(&w), IPC_OK);
        must(ready[0].channel == channels[i % 5]);
        must_receive(channels[i % 5], 8, 1);
    }
}
