/* SPDX-License-Identifier: MIT */
/*
 * What the tests of sets of channels share: a kernel that lacks some of the
 * ways to sleep (see meson.build), a set, and a thread that waits for it.
 */
#ifndef TEST_WAITSETS_H
#define TEST_WAITSETS_H

#include "../old_kernel.h"
#include "../self.h"
#include "channels.h"
#include <pthread.h>

enum { BLOCKS = 4, ROOM = 8, MANY = 300 };

static const struct timespec at_once, shortly = {.tv_nsec = 20 * MILLISECOND};
static const struct timespec patience = {.tv_sec = 20, .tv_nsec = 0};

/* ------------------------------------------------------------------- sets */

static IpcWaitSet *set;
static IpcChannel *channels[1000];
static void *memories[1000];
static IpcWaitSetReady ready[ROOM];

static inline void add_with(int i, IpcChannelConfiguration configuration)
{
    configuration.spin_ns = IPC_CHANNEL_NO_SPIN;
    channels[i] = make_channel(BLOCKS, configuration, &memories[i]);
    must_work(ipc_waitset_add(set, channels[i], &channels[i]));
}

/* Those of the library, beside the test's own and the runner's. */
static int others_threads;

static inline int count_threads(void)
{
    return self_count("/proc/self/task") - others_threads;
}

static inline void make_set(enum way by, int count)
{
    way = by;
    others_threads += count_threads();
    set = result_of(ipc_waitset_create());
    for (int i = 0; i < count; i++)
        add_with(i, quick);
}

static inline size_t wait_for(const struct timespec *timeout)
{
    return result_of(ipc_waitset_wait(set, ready, ROOM, timeout));
}

/* must_fail() would wait more than once. */
static inline void must_end_by(IpcStatus status, const struct timespec *timeout)
{
    IpcWaitSetWaitResult r = ipc_waitset_wait(set, ready, ROOM, timeout);

    must_fail(r, status);
}

static inline void must_find_nothing(const struct timespec *timeout)
{
    must_end_by(IPC_ERR_TIMEOUT, timeout);
}

static inline void must_be_ready(int i, IpcStatus status)
{
    must_say(wait_for(&patience) == 1, "more than one is ready");
    must(ready[0].channel == channels[i] && ready[0].user == &channels[i]);
    must_be(ready[0].status, status);
}

struct waiter_thread {
    pthread_t thread;
    atomic_u32 ended;
    IpcWaitSetWaitResult got;
};

static inline void *wait_in_thread(void *of)
{
    struct waiter_thread *w = of;

    w->got = ipc_waitset_wait(set, ready, ROOM, &patience);
    atomic_put_release(&w->ended, 1);
    return NULL;
}

static inline void start_waiting(struct waiter_thread *w)
{
    atomic_put_relaxed(&w->ended, 0);
    must(pthread_create(&w->thread, NULL, wait_in_thread, w) == 0);
    pause_ns(20 * MILLISECOND);
}

static inline IpcStatus end_waiting(struct waiter_thread *w)
{
    must(pthread_join(w->thread, NULL) == 0);
    return w->got.ipc_status;
}

#endif
