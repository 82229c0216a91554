/* SPDX-License-Identifier: MIT */
/*
 * Sleeps that a thread of the process watches, and that have no timer: what
 * nobody wakes them for is noticed all the same. The linker sends the library's
 * system calls, and making a thread, here (see meson.build).
 */
#include "channel/channel.h"
#include "channels.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>

/* Who is not woken sleeps for ever, which this ends. */
TestSuite(watched, .timeout = 60);

enum { SIZE = 4096 };

#if defined(SYS_futex_time64) && __SIZEOF_LONG__ == 4
enum { FUTEX = SYS_futex_time64 };
#else
enum { FUTEX = SYS_futex };
#endif

static atomic_u32 *word; /* the readers' */
static int timed, untimed, threads;
static bool no_threads;
static void *memory;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *how,
                          void *(*run)(void *), void *of);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *how,
                          void *(*run)(void *), void *of);

long __wrap_syscall(long number, ...)
{
    va_list list;
    long a[6];

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (number == FUTEX && a[0] == (long)(intptr_t)word &&
        (int)a[1] == FUTEX_WAIT_BITSET)
        ++*(a[3] ? &timed : &untimed);
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *how,
                          void *(*run)(void *), void *of)
{
    if (no_threads)
        return EAGAIN;
    threads++;
    return __real_pthread_create(thread, how, run, of);
}

static IpcChannel *make(uint32_t options)
{
    IpcChannelConfiguration configuration = {.wait = IPC_WAIT_WATCHED,
                                             .options = options,
                                             .spin_ns = IPC_CHANNEL_NO_SPIN};
    IpcChannel *channel;

    memory = shared_memory(SIZE);
    channel = result_of(ipc_channel_create(memory, SIZE, configuration));
    word = &wait_words(&channel->waiter, WAIT_READERS)->sequence;
    timed = untimed = threads = 0;
    return channel;
}

/* As one does who dies before it wakes anybody. */
static void *write_and_wake_nobody(void *of)
{
    IpcBuffer *buffer = result_of(ipc_buffer_attach_sized(memory, SIZE));

    (void)of;
    pause_ns(150 * MILLISECOND);
    must_work(ipc_buffer_write(buffer, "x", 1));
    return buffer;
}

static void must_get(IpcChannel *channel)
{
    char got;
    IpcEntry entry = {.payload = &got, .size = 1};

    must_work(ipc_channel_read_into_blocking(channel, &entry));
    must(entry.size == 1 && got == 'x');
}

static void must_notice(IpcChannel *channel)
{
    pthread_t thread;
    void *buffer;

    must(__real_pthread_create(&thread, NULL, write_and_wake_nobody, NULL) ==
         0);
    must_get(channel);
    must(pthread_join(thread, &buffer) == 0);
    must_work(ipc_buffer_destroy(buffer));
}

Test(watched, what_nobody_woke_for_is_noticed)
{
    IpcChannel *channel = make(0);

    must(threads == 0);
    must_notice(channel);
    must_say(untimed > 0 && timed == 0, "%d sleeps without a timer, %d with",
             untimed, timed);
    must(threads == 1);
    must_notice(channel);
    must(threads == 1 && timed == 0);
    must_work(ipc_channel_destroy(channel));
}

Test(watched, deadline_is_kept)
{
    const struct timespec a_while = {0, 300 * MILLISECOND};
    IpcChannel *channel = make(0);
    int64_t begin = now_ns();
    IpcEntry entry = {0};

    must_be(ipc_channel_read_with_timeout(channel, &entry, &a_while).ipc_status,
            IPC_ERR_TIMEOUT);
    must(now_ns() - begin >= 300 * MILLISECOND);
    must_say(untimed > 0 && timed > 0, "%d sleeps without a timer, %d with",
             untimed, timed);
    must_work(ipc_channel_destroy(channel));
}

Test(watched, short_sleep_has_a_timer)
{
    const struct timespec a_while = {0, 50 * MILLISECOND};
    IpcChannel *channel = make(0);
    IpcEntry entry = {0};

    must_be(ipc_channel_read_with_timeout(channel, &entry, &a_while).ipc_status,
            IPC_ERR_TIMEOUT);
    must(untimed == 0 && timed > 0 && threads == 0);
    must_work(ipc_channel_destroy(channel));
}

Test(watched, sleep_that_signals_end_has_a_timer)
{
    IpcChannel *channel = make(IPC_CHANNEL_SIGNALS_INTERRUPT);

    must_notice(channel);
    must(untimed == 0 && timed > 0 && threads == 0);
    must_work(ipc_channel_destroy(channel));
}

Test(watched, where_no_thread_can_be_made_sleeps_have_timers)
{
    IpcChannel *channel = make(0);

    no_threads = true;
    must_notice(channel);
    must(untimed == 0 && timed > 0);
    must_work(ipc_channel_destroy(channel));
}

Test(watched, interrupt_ends_a_sleep_that_has_begun)
{
    IpcChannel *channel = make(0);
    IpcEntry entry = {0};

    must_work(ipc_channel_interrupt(channel));
    must_be(ipc_channel_read_blocking(channel, &entry).ipc_status,
            IPC_ERR_INTERRUPTED);
    must_work(ipc_channel_destroy(channel));
}

/* Which has none of its parent's threads. */
Test(watched, forked_child_watches_its_own_sleeps)
{
    IpcChannel *channel = make(0);
    pid_t pid;

    must_notice(channel);
    pid = fork_child();
    if (pid == 0) {
        threads = 0;
        must_notice(channel);
        must(threads == 1 && timed == 0);
        must_work(ipc_channel_destroy(channel));
        child_done();
    }
    must_succeed(pid);
    must_notice(channel);
    must_work(ipc_channel_destroy(channel));
}

/* The thread goes with the last one, and comes again. */
Test(watched, handles_come_and_go)
{
    for (int i = 0; i < 3; i++) {
        IpcChannel *channel = make(0);

        must_notice(channel);
        must(threads == 1);
        must_work(ipc_channel_destroy(channel));
        word = NULL;
    }
}
