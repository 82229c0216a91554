/* SPDX-License-Identifier: MIT */
/*
 * Ending waits from outside. That no interrupt is lost on the way to sleep is
 * shown by tests/wait/test_interrupt.c, without the cap on sleeps.
 */
#include "channels.h"
#include <poll.h>
#include <pthread.h>
#include <shmipc/ipc_batch.h>

enum { BLOCKS = 4 };

static IpcChannel *of_way(uint32_t wait, uint32_t flags)
{
    IpcChannelConfiguration configuration = quick;

    configuration.wait = wait;
    configuration.flags = flags;
    configuration.max_round_trips = IPC_CHANNEL_UNLIMITED_ROUND_TRIPS;
    return try_channel(BLOCKS, configuration, NULL);
}

static void interrupt(IpcChannel *ch)
{
    must_work(ipc_channel_interrupt(ch));
}

static void clear(IpcChannel *ch)
{
    must_work(ipc_channel_clear_interrupt(ch));
}

/* ---------------------------------------------------------- all that waits */

static char copy[64];

static IpcEntry into(void)
{
    return (IpcEntry){.payload = copy, .size = sizeof copy};
}

static IpcStatus read_rounds(IpcChannel *ch)
{
    IpcEntry entry;

    return ipc_channel_read(ch, &entry).ipc_status;
}

static IpcStatus read_timed(IpcChannel *ch)
{
    const struct timespec long_time = {1000, 0};
    IpcEntry entry;

    return ipc_channel_read_with_timeout(ch, &entry, &long_time).ipc_status;
}

static IpcStatus read_blocking(IpcChannel *ch)
{
    IpcEntry entry;

    return ipc_channel_read_blocking(ch, &entry).ipc_status;
}

static IpcStatus read_into(IpcChannel *ch)
{
    IpcEntry entry = into();

    return ipc_channel_read_into(ch, &entry).ipc_status;
}

static IpcStatus read_into_blocking(IpcChannel *ch)
{
    IpcEntry entry = into();

    return ipc_channel_read_into_blocking(ch, &entry).ipc_status;
}

static IpcStatus peek_blocking(IpcChannel *ch)
{
    IpcEntry entry;

    return ipc_channel_peek_blocking(ch, &entry).ipc_status;
}

static IpcStatus read_batch(IpcChannel *ch)
{
    IpcEntry entries[2];

    return ipc_channel_read_batch_with_timeout(ch, entries, 2, copy,
                                               sizeof copy, NULL)
        .ipc_status;
}

static IpcStatus read_array(IpcChannel *ch)
{
    return ipc_channel_read_array_with_timeout(ch, copy, 8, 2, NULL).ipc_status;
}

static IpcStatus write_blocking(IpcChannel *ch)
{
    return ipc_channel_write_blocking(ch, "x", 1).ipc_status;
}

static IpcStatus writev_blocking(IpcChannel *ch)
{
    struct iovec piece = {copy, 1};

    return ipc_channel_writev_blocking(ch, &piece, 1).ipc_status;
}

static IpcStatus reserve_blocking(IpcChannel *ch)
{
    IpcReservation r;

    return ipc_channel_reserve_blocking(ch, 1, &r).ipc_status;
}

static IpcStatus (*const reads[])(IpcChannel *) = {
    read_rounds,        read_timed,    read_blocking, read_into,
    read_into_blocking, peek_blocking, read_batch,    read_array};
static IpcStatus (*const writes[])(IpcChannel *) = {
    write_blocking, writev_blocking, reserve_blocking};

enum {
    READS = sizeof reads / sizeof reads[0],
    WRITES = sizeof writes / sizeof writes[0]
};

/* ------------------------------------------------------- who waits already */

struct waiting {
    IpcChannel *channel;
    IpcStatus (*call)(IpcChannel *);
    IpcStatus status;
    pthread_t thread;
};

static void *wait_in_a_thread(void *argument)
{
    struct waiting *w = argument;

    w->status = w->call(w->channel);
    return NULL;
}

static void start(struct waiting *w, IpcChannel *ch,
                  IpcStatus (*call)(IpcChannel *))
{
    *w = (struct waiting){.channel = ch, .call = call};
    must(pthread_create(&w->thread, NULL, wait_in_a_thread, w) == 0);
}

static IpcStatus end_of(struct waiting *w)
{
    pthread_join(w->thread, NULL);
    return w->status;
}

Test(unit, an_interrupt_ends_all_waits_of_its_handle_whatever_its_way)
{
    for (uint32_t wait = IPC_WAIT_DEFAULT; wait <= IPC_WAIT_IO_URING; wait++) {
        struct waiting waiting[READS];
        IpcChannel *ch = of_way(wait, 0);

        if (!ch)
            continue;
        for (int i = 0; i < READS; i++)
            start(&waiting[i], ch, reads[i]);
        pause_ns(20 * MILLISECOND);
        interrupt(ch);
        for (int i = 0; i < READS; i++)
            must_be(end_of(&waiting[i]), IPC_ERR_INTERRUPTED);
        clear(ch);
        fill_up(ch);
        for (int i = 0; i < WRITES; i++)
            start(&waiting[i], ch, writes[i]);
        pause_ns(20 * MILLISECOND);
        interrupt(ch);
        for (int i = 0; i < WRITES; i++)
            must_be(end_of(&waiting[i]), IPC_ERR_INTERRUPTED);
        must_work(ipc_channel_destroy(ch));
    }
}

Test(unit, an_interrupt_ends_a_long_spin)
{
    IpcChannelConfiguration configuration = quick;
    struct waiting waiting;
    IpcChannel *ch;
    int64_t begin;

    configuration.spin_ns = IPC_CHANNEL_NO_SPIN - 1; /* 4.3 s */
    ch = make_channel(BLOCKS, configuration, NULL);
    begin = now_ns();
    start(&waiting, ch, read_blocking);
    pause_ns(20 * MILLISECOND);
    interrupt(ch);
    must_be(end_of(&waiting), IPC_ERR_INTERRUPTED);
    must(now_ns() - begin < 3 * SECOND);
}

/* ------------------------------------------------------ who does not, yet */

Test(unit, who_would_wait_is_interrupted_until_that_is_cleared)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = of_way(IPC_WAIT_DEFAULT, mode);
        const struct timespec soon = {0, MILLISECOND};
        IpcEntry entry;

        interrupt(ch);
        interrupt(ch);
        for (int times = 0; times < 2; times++)
            for (int i = 0; i < READS; i++)
                must_be(reads[i](ch), IPC_ERR_INTERRUPTED);
        must_fail(ipc_channel_read_blocking(ch, &entry), IPC_ERR_INTERRUPTED);
        fill_up(ch);
        for (int i = 0; i < WRITES; i++)
            must_be(writes[i](ch), IPC_ERR_INTERRUPTED);
        must_fail(ipc_channel_write_blocking(ch, "x", 1), IPC_ERR_INTERRUPTED);
        must(result_of(ipc_channel_clear_interrupt(ch)));
        must(!result_of(ipc_channel_clear_interrupt(ch)));
        must_fail(ipc_channel_write_with_timeout(ch, "x", 1, &soon),
                  IPC_ERR_TIMEOUT);
    }
}

Test(unit, what_can_be_done_without_waiting_is_done_all_the_same)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = of_way(IPC_WAIT_DEFAULT, mode);
        IpcReservation r;
        IpcEntry entry;

        interrupt(ch);
        must_work(ipc_channel_write_blocking(ch, "a", 1));
        must_work(ipc_channel_reserve_blocking(ch, 1, &r));
        must_work(ipc_channel_commit(ch, &r, 1));
        must_work(ipc_channel_peek_blocking(ch, &entry));
        must_work(ipc_channel_read_blocking(ch, &entry));
        free(entry.payload);
        must_be(read_rounds(ch), IPC_OK);
        must_be(read_rounds(ch), IPC_ERR_INTERRUPTED);
    }
}

Test(unit, calls_that_do_not_wait_are_not_interrupted)
{
    const struct timespec none = {0, 0};
    IpcChannel *ch = of_way(IPC_WAIT_DEFAULT, 0);
    IpcEntry entry;

    interrupt(ch);
    must(ipc_channel_try_read(ch, &entry).ipc_status == IPC_EMPTY);
    must(ipc_channel_peek(ch, &entry).ipc_status == IPC_EMPTY);
    must_fail(ipc_channel_read_with_timeout(ch, &entry, &none),
              IPC_ERR_TIMEOUT);
    fill_up(ch);
    must_fail(ipc_channel_write_with_timeout(ch, "x", 1, &none),
              IPC_ERR_TIMEOUT);
}

Test(unit, a_channel_that_is_closed_says_so_also_to_the_interrupted)
{
    IpcChannel *ch = of_way(IPC_WAIT_DEFAULT, 0);

    interrupt(ch);
    must_work(ipc_channel_close(ch));
    must_be(read_blocking(ch), IPC_ERR_CLOSED);
    must_be(write_blocking(ch), IPC_ERR_CLOSED);
}

/* What a dead process left is removed before a sleep, so it is removed. */
Test(unit, an_interrupted_read_gets_what_is_behind_a_dead_writers_entry)
{
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, 0, &memory);
    pid_t child = fork_child();

    if (child == 0) {
        IpcChannel *own = result_of(ipc_channel_connect(memory, quick));
        IpcReservation r;

        must_work(ipc_channel_reserve(own, 1, &r));
        child_done();
    }
    must_succeed(child);
    must_send(ch, 1, 1);
    interrupt(ch);
    must_be(read_blocking(ch), IPC_OK);
    must_be(read_blocking(ch), IPC_ERR_INTERRUPTED);
}

/* ------------------------------------------------------------------ others */

Test(unit, other_handles_go_on_waiting)
{
    const struct timespec soon = {0, 50 * MILLISECOND};
    void *memory;
    IpcChannel *ch = new_channel(BLOCKS, 0, &memory);
    IpcChannel *other = result_of(ipc_channel_connect(memory, quick));
    struct waiting waiting;
    IpcEntry entry;
    pid_t child;

    start(&waiting, other, read_blocking);
    pause_ns(20 * MILLISECOND);
    interrupt(ch);
    pause_ns(20 * MILLISECOND);
    must_send(ch, 10, 1);
    must_be(end_of(&waiting), IPC_OK);
    must_fail(ipc_channel_read_with_timeout(other, &entry, &soon),
              IPC_ERR_TIMEOUT);
    clear(ch);
    child = fork_child();
    if (child == 0) {
        interrupt(ch);
        must_be(read_blocking(ch), IPC_ERR_INTERRUPTED);
        child_done();
    }
    must_succeed(child);
    must_fail(ipc_channel_read_with_timeout(ch, &entry, &soon),
              IPC_ERR_TIMEOUT);
}

static bool is_readable(int fd, int milliseconds)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};

    return poll(&polled, 1, milliseconds) == 1;
}

/* It is woken as well, and has to announce itself anew. */
Test(unit, an_event_loop_goes_on_after_an_interrupt)
{
    for (uint32_t wait = IPC_WAIT_EVENTFD; wait <= IPC_WAIT_IO_URING; wait++) {
        IpcChannel *ch = of_way(wait, 0);
        IpcEntry entry = into();
        int fd;

        if (!ch)
            continue;
        fd = result_of(ipc_channel_fd(ch));
        must(ipc_channel_try_read_into(ch, &entry).ipc_status == IPC_EMPTY);
        interrupt(ch);
        while (is_readable(fd, 0))
            must(ipc_channel_try_read_into(ch, &entry).ipc_status == IPC_EMPTY);
        must_work(ipc_channel_write(ch, "x", 1));
        must(is_readable(fd, 5000));
        must_work(ipc_channel_try_read_into(ch, &entry));
        must_work(ipc_channel_destroy(ch));
    }
}

/* ----------------------------------------------------------------- signals */

static IpcChannel *handlers;
static volatile sig_atomic_t handled;

static void interrupt_on_signal(int signal)
{
    errno = E2BIG;
    if (ipc_channel_interrupt(handlers).ipc_status == IPC_OK && errno == E2BIG)
        handled = signal;
}

static void *signal_until_handled(void *thread)
{
    pause_ns(20 * MILLISECOND);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

Test(unit, a_signal_handler_ends_the_wait_of_its_own_thread_and_keeps_errno)
{
    const struct sigaction action = {.sa_handler = interrupt_on_signal};
    pthread_t self = pthread_self(), other;

    must(sigaction(SIGUSR1, &action, NULL) == 0);
    for (uint32_t wait = IPC_WAIT_DEFAULT; wait <= IPC_WAIT_IO_URING; wait++) {
        handlers = of_way(wait, 0);
        if (!handlers)
            continue;
        handled = 0;
        must(pthread_create(&other, NULL, signal_until_handled, &self) == 0);
        errno = EDOM;
        must_be(read_blocking(handlers), IPC_ERR_INTERRUPTED);
        must(errno == EDOM);
        pthread_join(other, NULL);
        must(handled == SIGUSR1);
        must_work(ipc_channel_destroy(handlers));
    }
}

/* ----------------------------------------- signals that interrupt by option */

static IpcChannel *of_options(uint32_t wait, uint32_t options, void **memory)
{
    IpcChannelConfiguration configuration = quick;

    configuration.wait = wait;
    configuration.options = options;
    configuration.max_round_trips = IPC_CHANNEL_UNLIMITED_ROUND_TRIPS;
    return try_channel(BLOCKS, configuration, memory);
}

static void note_signal(int signal)
{
    handled = signal;
}

static atomic_u32 enough;

/* Again and again, since one that comes before the sleep is missed. */
static void *signal_often(void *thread)
{
    while (!atomic_get_relaxed(&enough)) {
        pause_ns(5 * MILLISECOND);
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
    }
    return NULL;
}

static pthread_t signalled_self;

static pthread_t be_signalled(void (*handler)(int))
{
    const struct sigaction action = {.sa_handler = handler,
                                     .sa_flags = SA_RESTART};
    pthread_t other;

    must(sigaction(SIGUSR1, &action, NULL) == 0);
    signalled_self = pthread_self();
    handled = 0;
    atomic_put_relaxed(&enough, 0);
    must(pthread_create(&other, NULL, signal_often, &signalled_self) == 0);
    return other;
}

static void end_signals(pthread_t other)
{
    atomic_put_relaxed(&enough, 1);
    pthread_join(other, NULL);
}

Test(unit, a_signal_ends_a_wait_if_the_handle_heeds_signals)
{
    const struct timespec long_time = {0, 300 * MILLISECOND};

    for (uint32_t wait = IPC_WAIT_DEFAULT; wait <= IPC_WAIT_IO_URING; wait++) {
        IpcChannel *ch = of_options(wait, IPC_CHANNEL_SIGNALS_INTERRUPT, NULL);
        IpcChannel *deaf = of_options(wait, 0, NULL);
        pthread_t other;
        IpcEntry entry;

        if (!ch)
            continue;
        fill_up(ch);
        other = be_signalled(note_signal);
        errno = EDOM;
        must_be(write_blocking(ch), IPC_ERR_INTERRUPTED);
        must(errno == EDOM && handled == SIGUSR1);
        must_be(
            ipc_channel_read_with_timeout(deaf, &entry, &long_time).ipc_status,
            IPC_ERR_TIMEOUT);
        while (ipc_channel_skip_force(ch).ipc_status == IPC_OK)
            continue;
        must_be(read_blocking(ch), IPC_ERR_INTERRUPTED);
        must(!result_of(ipc_channel_clear_interrupt(ch)));
        end_signals(other);
        must_work(ipc_channel_destroy(ch));
        must_work(ipc_channel_destroy(deaf));
    }
}

static IpcChannel *handlers_own;

static void write_on_signal(int signal)
{
    handled = signal;
    IPC_IGNORE(ipc_channel_write(handlers_own, "x", 1));
}

Test(unit, a_signal_does_not_hide_what_came_with_it)
{
    for (uint32_t wait = IPC_WAIT_DEFAULT; wait <= IPC_WAIT_IO_URING; wait++) {
        void *memory;
        IpcChannel *ch =
            of_options(wait, IPC_CHANNEL_SIGNALS_INTERRUPT, &memory);
        pthread_t other;

        if (!ch)
            continue;
        handlers_own = result_of(ipc_channel_connect(memory, quick));
        must_work(ipc_channel_write(handlers_own, "x", 1));
        must_be(read_blocking(ch), IPC_OK);
        other = be_signalled(write_on_signal);
        must_be(read_blocking(ch), IPC_OK);
        end_signals(other);
    }
}

Test(unit, being_stopped_and_continued_ends_no_wait)
{
    for (uint32_t wait = IPC_WAIT_DEFAULT; wait <= IPC_WAIT_IO_URING; wait++) {
        IpcChannel *ch = of_options(wait, IPC_CHANNEL_SIGNALS_INTERRUPT, NULL);
        pid_t child;

        if (!ch)
            continue;
        child = fork_child();
        if (child == 0) {
            must_be(read_blocking(ch), IPC_OK);
            child_done();
        }
        for (int i = 0; i < 3; i++) {
            pause_ns(20 * MILLISECOND);
            must(kill(child, SIGSTOP) == 0);
            pause_ns(20 * MILLISECOND);
            must(kill(child, SIGCONT) == 0);
        }
        must_work(ipc_channel_write(ch, "x", 1));
        must_succeed(child);
    }
}

Test(unit, no_handle_cannot_be_interrupted)
{
    must_fail(ipc_channel_interrupt(NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_clear_interrupt(NULL), IPC_ERR_INVALID_ARGUMENT);
}
