/* SPDX-License-Identifier: MIT */
/*
 * Waiting: how long, for whom, and who ends it. Bounds from below are exact;
 * those from above are generous, since the machine may be busy.
 */
#include "channels.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>

enum { BLOCKS = 16 };

/* Long rounds: whoever returns early was woken. */
static IpcChannel *patient_channel(uint32_t wait, void **memory)
{
    IpcChannelConfiguration c = {
        .max_round_trips = IPC_CHANNEL_UNLIMITED_ROUND_TRIPS,
        .start_sleep_ns = 1000 * 1000,
        .max_sleep_ns = wait == IPC_WAIT_SLEEP ? 2000 * 1000 : LONG_MAX,
        .wait = wait};

    return make_channel(BLOCKS, c, memory);
}

static pid_t send_later(IpcChannel *ch, int64_t ns, size_t size, uint64_t seed)
{
    pid_t child = fork_child();

    if (child == 0) {
        pause_ns(ns);
        must_send(ch, size, seed);
        child_done();
    }
    return child;
}

enum read_kind {
    READ_ROUNDS,
    READ_FOR_EVER,
    READ_HUGE,
    READ_SECONDS,
    READ_INTO,
    READ_INTO_FOR_EVER,
    PEEK_FOR_EVER,
    READ_KINDS,
};

/* Waits in one of the ways and checks what comes. */
static void wait_for(IpcChannel *ch, enum read_kind kind, size_t size,
                     uint64_t seed)
{
    const struct timespec huge = {INT64_MAX, 999999999}, seconds = {20, 0};
    unsigned char data[4096];
    IpcEntry entry = {.payload = data, .size = sizeof data};
    IpcStatus status = IPC_ERR_SYSTEM;

    switch (kind) {
    case READ_ROUNDS:
        status = ipc_channel_read(ch, &entry).ipc_status;
        break;
    case READ_FOR_EVER:
        status = ipc_channel_read_with_timeout(ch, &entry, NULL).ipc_status;
        break;
    case READ_HUGE:
        status = ipc_channel_read_with_timeout(ch, &entry, &huge).ipc_status;
        break;
    case READ_SECONDS:
        status = ipc_channel_read_with_timeout(ch, &entry, &seconds).ipc_status;
        break;
    case READ_INTO:
        status = ipc_channel_read_into(ch, &entry).ipc_status;
        break;
    case READ_INTO_FOR_EVER:
        status =
            ipc_channel_read_into_with_timeout(ch, &entry, NULL).ipc_status;
        break;
    case PEEK_FOR_EVER:
        status = ipc_channel_peek_with_timeout(ch, &entry, NULL).ipc_status;
        break;
    case READ_KINDS:
        break;
    }
    must_be(status, IPC_OK);
    must(entry.size == size && is_filled(entry.payload, size, seed));
    if (kind == PEEK_FOR_EVER)
        must_work(ipc_channel_skip(ch, entry.offset));
    else if (entry.payload != data)
        free(entry.payload);
}

Test(unit, every_blocking_read_waits_for_a_writer_in_another_process)
{
    for (uint32_t wait = 0; wait <= IPC_WAIT_SLEEP; wait++) {
        IpcChannel *ch = patient_channel(wait, NULL);

        for (int kind = 0; kind < READ_KINDS; kind++) {
            int64_t start = now_ns();
            pid_t child = send_later(ch, 20 * MILLISECOND, 100, 7);

            wait_for(ch, (enum read_kind)kind, 100, 7);
            must(now_ns() - start >= 20 * MILLISECOND);
            must_succeed(child);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The rounds are endless and no sleep is ended by a clock before 100 ms. */
Test(unit, a_writer_wakes_a_sleeping_reader_at_once)
{
    enum { WAKES = 21 };
    void *memory;
    IpcChannel *ch = patient_channel(IPC_WAIT_FUTEX, &memory);
    struct gate *gate = make_gate();
    pid_t child = fork_child();
    int64_t delays[WAKES];

    if (child == 0) {
        IpcChannel *writer = ipc_channel_connect(memory, quick).result;

        for (uint32_t i = 1; i <= WAKES; i++) {
            int64_t now;

            gate_wait(gate, i);
            pause_ns(5 * MILLISECOND);
            now = now_ns();
            must_work(ipc_channel_write(writer, &now, sizeof now));
        }
        child_done();
    }
    for (uint32_t i = 0; i < WAKES; i++) {
        IpcEntry entry;
        int64_t then;

        gate_open(gate, i + 1);
        must_work(ipc_channel_read_with_timeout(ch, &entry, NULL));
        memcpy(&then, entry.payload, sizeof then);
        delays[i] = now_ns() - then;
        free(entry.payload);
    }
    must_succeed(child);
    qsort(delays, WAKES, sizeof delays[0], by_value);
    must_say(delays[WAKES / 2] < 30 * MILLISECOND, "woken after %lld ns",
             (long long)delays[WAKES / 2]);
}

Test(unit, a_timeout_passes_in_full_and_then_ends_the_wait)
{
    const int64_t times[] = {0, 1, 1000, 3 * MILLISECOND, 130 * MILLISECOND};

    for (uint32_t wait = 0; wait <= IPC_WAIT_SLEEP; wait++) {
        IpcChannel *ch = patient_channel(wait, NULL);

        for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
            struct timespec timeout = as_timespec(times[i]);
            unsigned char data[10];
            IpcEntry entry = {.payload = data, .size = sizeof data};
            IpcEntry found;
            int64_t start = now_ns();

            must_fail(ipc_channel_read_with_timeout(ch, &found, &timeout),
                      IPC_ERR_TIMEOUT);
            must(now_ns() - start >= times[i]);
            start = now_ns();
            must_fail(ipc_channel_read_into_with_timeout(ch, &entry, &timeout),
                      IPC_ERR_TIMEOUT);
            must(now_ns() - start >= times[i]);
            start = now_ns();
            must_fail(ipc_channel_peek_with_timeout(ch, &found, &timeout),
                      IPC_ERR_TIMEOUT);
            must(now_ns() - start >= times[i]);
            must(now_ns() - start < times[i] + 2 * SECOND);
        }
    }
}

Test(unit, read_gives_up_after_its_rounds_whose_length_doubles)
{
    for (uint32_t wait = 0; wait <= IPC_WAIT_SLEEP; wait++) {
        IpcChannelConfiguration c = {.max_round_trips = 5,
                                     .start_sleep_ns = 10 * MILLISECOND,
                                     .max_sleep_ns = 40 * MILLISECOND,
                                     .wait = wait};
        IpcChannel *ch = make_channel(BLOCKS, c, NULL);
        /* 10 + 20 + 40 + 40 + 40 */
        const int64_t all = 150 * MILLISECOND;
        IpcEntry entry = {.payload = &c, .size = sizeof c};
        IpcEntry found;
        int64_t start = now_ns();

        must_fail(ipc_channel_read(ch, &found), IPC_ERR_RETRY_LIMIT);
        must(now_ns() - start >= all && now_ns() - start < all + 2 * SECOND);
        start = now_ns();
        must_fail(ipc_channel_read_into(ch, &entry), IPC_ERR_RETRY_LIMIT);
        must(now_ns() - start >= all);
    }
}

/* Inside, no sleep is longer than a tenth of a second. */
Test(unit, a_long_round_lasts_as_long_as_it_was_set_to)
{
    for (uint32_t wait = 0; wait <= IPC_WAIT_SLEEP; wait++) {
        IpcChannelConfiguration c = {.max_round_trips = 1,
                                     .start_sleep_ns = 320 * MILLISECOND,
                                     .max_sleep_ns = 320 * MILLISECOND,
                                     .wait = wait};
        IpcChannel *ch = make_channel(BLOCKS, c, NULL);
        int64_t start = now_ns();
        IpcEntry entry;

        must_fail(ipc_channel_read(ch, &entry), IPC_ERR_RETRY_LIMIT);
        must(now_ns() - start >= 320 * MILLISECOND);
    }
}

Test(unit, unlimited_rounds_outlast_any_number_of_them)
{
    for (uint32_t wait = 0; wait <= IPC_WAIT_SLEEP; wait++) {
        IpcChannelConfiguration c = {.max_round_trips =
                                         IPC_CHANNEL_UNLIMITED_ROUND_TRIPS,
                                     .start_sleep_ns = 1,
                                     .max_sleep_ns = 1000,
                                     .wait = wait};
        IpcChannel *ch = make_channel(BLOCKS, c, NULL);
        pid_t child = send_later(ch, 100 * MILLISECOND, 9, 1);

        wait_for(ch, READ_ROUNDS, 9, 1);
        must_succeed(child);
    }
}

Test(unit, a_waiting_reader_leaves_the_processor_to_others)
{
    for (uint32_t wait = 0; wait <= IPC_WAIT_SLEEP; wait++) {
        IpcChannel *ch = patient_channel(wait, NULL);
        struct timespec timeout = as_timespec(300 * MILLISECOND);
        struct rusage before, after;
        IpcEntry entry;
        int64_t used;

        getrusage(RUSAGE_SELF, &before);
        must_fail(ipc_channel_read_with_timeout(ch, &entry, &timeout),
                  IPC_ERR_TIMEOUT);
        getrusage(RUSAGE_SELF, &after);
        used = (after.ru_utime.tv_sec - before.ru_utime.tv_sec +
                after.ru_stime.tv_sec - before.ru_stime.tv_sec) *
                   SECOND +
               (after.ru_utime.tv_usec - before.ru_utime.tv_usec +
                after.ru_stime.tv_usec - before.ru_stime.tv_usec) *
                   1000;
        must_say(used < 100 * MILLISECOND, "used %lld ns", (long long)used);
    }
}

/* --------------------------------------------------------------- signals */

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

/* A signal every 3 ms, which interrupts system calls. */
static void start_signals(void)
{
    struct sigaction action = {.sa_handler = count_signal};
    struct itimerval every = {{0, 3000}, {0, 3000}};

    sigemptyset(&action.sa_mask);
    must(sigaction(SIGALRM, &action, NULL) == 0);
    signals = 0;
    must(setitimer(ITIMER_REAL, &every, NULL) == 0);
}

static void stop_signals(void)
{
    const struct itimerval never = {{0, 0}, {0, 0}};

    must(setitimer(ITIMER_REAL, &never, NULL) == 0);
    must_say(signals > 5, "only %d signals came", (int)signals);
}

Test(unit, signals_neither_end_nor_shorten_a_timeout)
{
    for (uint32_t wait = 0; wait <= IPC_WAIT_SLEEP; wait++) {
        IpcChannel *ch = patient_channel(wait, NULL);
        const int64_t length = 250 * MILLISECOND;
        struct timespec timeout = as_timespec(length);
        IpcEntry entry;
        int64_t start, elapsed;

        start_signals();
        start = now_ns();
        must_fail(ipc_channel_read_with_timeout(ch, &entry, &timeout),
                  IPC_ERR_TIMEOUT);
        elapsed = now_ns() - start;
        stop_signals();
        must(elapsed >= length && elapsed < length + 2 * SECOND);
    }
}

Test(unit, signals_neither_end_nor_shorten_the_rounds)
{
    for (uint32_t wait = 0; wait <= IPC_WAIT_SLEEP; wait++) {
        IpcChannelConfiguration c = {.max_round_trips = 3,
                                     .start_sleep_ns = 20 * MILLISECOND,
                                     .max_sleep_ns = 50 * MILLISECOND,
                                     .wait = wait};
        IpcChannel *ch = make_channel(BLOCKS, c, NULL);
        IpcEntry entry;
        int64_t start, elapsed;

        start_signals();
        start = now_ns();
        must_fail(ipc_channel_read(ch, &entry), IPC_ERR_RETRY_LIMIT);
        elapsed = now_ns() - start;
        stop_signals();
        must(elapsed >= 110 * MILLISECOND && elapsed < 2 * SECOND);
    }
}

Test(unit, a_wait_under_signals_still_ends_with_an_entry)
{
    for (uint32_t wait = 0; wait <= IPC_WAIT_SLEEP; wait++) {
        IpcChannel *ch = patient_channel(wait, NULL);
        pid_t child = send_later(ch, 80 * MILLISECOND, 50, 3);

        start_signals();
        wait_for(ch, READ_FOR_EVER, 50, 3);
        stop_signals();
        must_succeed(child);
    }
}

/* ---------------------------------------------------------- many readers */

Test(unit, every_sleeping_reader_gets_one_entry)
{
    enum { READERS = 6 };
    void *memory;
    IpcChannel *ch = patient_channel(IPC_WAIT_FUTEX, &memory);
    pid_t readers[READERS];

    for (int i = 0; i < READERS; i++) {
        readers[i] = fork_child();
        if (readers[i] == 0) {
            IpcChannelConfiguration c = quick;
            IpcChannelConnectResult r;
            IpcEntry entry;

            c.wait = i % 2 ? IPC_WAIT_FUTEX : IPC_WAIT_SLEEP;
            r = ipc_channel_connect(memory, c);
            must_work(r);
            must_work(ipc_channel_read_with_timeout(r.result, &entry, NULL));
            must_be_entry(&entry, 40, 5);
            child_done();
        }
    }
    pause_ns(30 * MILLISECOND);
    for (int i = 0; i < READERS; i++)
        must_send(ch, 40, 5);
    for (int i = 0; i < READERS; i++)
        must_succeed(readers[i]);
}

Test(unit, a_reader_killed_in_its_sleep_does_not_disturb_the_others)
{
    IpcChannel *ch = patient_channel(IPC_WAIT_FUTEX, NULL);

    for (int i = 0; i < 10; i++) {
        pid_t child = fork_child();

        if (child == 0) {
            IpcEntry entry;

            IPC_IGNORE(ipc_channel_read_with_timeout(ch, &entry, NULL));
            _exit(CHILD_FAILED);
        }
        pause_ns(5 * MILLISECOND);
        kill_child(child);
        child = send_later(ch, 5 * MILLISECOND, 30, 4);
        wait_for(ch, READ_FOR_EVER, 30, 4);
        must_succeed(child);
    }
}

struct thread_reader {
    IpcChannel *channel;
    IpcStatus status;
    unsigned char number;
};

static void *read_one(void *argument)
{
    struct thread_reader *reader = argument;
    IpcEntry entry = {.payload = &reader->number, .size = 1};

    reader->status =
        ipc_channel_read_into_with_timeout(reader->channel, &entry, NULL)
            .ipc_status;
    return NULL;
}

Test(unit, threads_may_wait_on_one_handle)
{
    enum { READERS = 5 };
    IpcChannel *ch = patient_channel(IPC_WAIT_FUTEX, NULL);
    struct thread_reader readers[READERS];
    pthread_t threads[READERS];
    unsigned seen = 0;

    for (int i = 0; i < READERS; i++) {
        readers[i].channel = ch;
        must(!pthread_create(&threads[i], NULL, read_one, &readers[i]));
    }
    pause_ns(20 * MILLISECOND);
    for (unsigned char i = 0; i < READERS; i++)
        must_work(ipc_channel_write(ch, &i, 1));
    for (int i = 0; i < READERS; i++) {
        must(pthread_join(threads[i], NULL) == 0);
        must_be(readers[i].status, IPC_OK);
        seen |= 1U << readers[i].number;
    }
    must(seen == (1U << READERS) - 1);
}

/* ----------------------------------------------------- unfinished entries */

Test(unit, waiting_for_an_unfinished_entry_of_a_living_writer_times_out)
{
    for (uint32_t wait = 0; wait <= IPC_WAIT_SLEEP; wait++) {
        IpcChannel *ch = patient_channel(wait, NULL);
        struct timespec timeout = as_timespec(60 * MILLISECOND);
        int64_t start = now_ns();
        IpcReservation r;
        IpcEntry entry;

        must_work(ipc_channel_reserve(ch, 100, &r));
        must_send(ch, 10, 1);
        must_fail(ipc_channel_read_with_timeout(ch, &entry, &timeout),
                  IPC_ERR_TIMEOUT);
        must(now_ns() - start >= 60 * MILLISECOND);
        fill(r.payload, 100, 2);
        must_work(ipc_channel_commit(ch, &r, 100));
        wait_for(ch, READ_SECONDS, 100, 2);
        wait_for(ch, READ_SECONDS, 10, 1);
    }
}

/* The child reserves, lets the parent wait, and then does one of these. */
enum ending { COMMIT, ABORT, DESTROY, DIE, STAY_A_ZOMBIE, ENDINGS };

static void reserve_and_end(IpcChannel *ch, struct gate *gate,
                            enum ending ending)
{
    IpcReservation r;

    must_work(ipc_channel_reserve(ch, 300, &r));
    fill(r.payload, 300, 1);
    gate_open(gate, 1);
    pause_ns(30 * MILLISECOND);
    if (ending == COMMIT)
        must_work(ipc_channel_commit(ch, &r, 300));
    else if (ending == ABORT)
        must_work(ipc_channel_abort(ch, &r));
    else if (ending == DESTROY)
        must_work(ipc_channel_destroy(ch));
    else
        raise(SIGKILL);
    sleep_for_ever();
}

Test(unit, a_blocked_reader_gets_past_a_claim_however_it_ends)
{
    for (uint32_t wait = 0; wait <= IPC_WAIT_SLEEP; wait++)
        for (int ending = 0; ending < ENDINGS; ending++) {
            IpcChannel *ch = patient_channel(wait, NULL);
            struct gate *gate = make_gate();
            pid_t child = fork_child();

            if (child == 0)
                reserve_and_end(ch, gate, (enum ending)ending);
            gate_wait(gate, 1);
            must_send(ch, 20, 2); /* committed, behind the claim */
            if (ending == COMMIT)
                wait_for(ch, READ_FOR_EVER, 300, 1);
            wait_for(ch, READ_FOR_EVER, 20, 2);
            kill_child(child);
        }
}

Test(unit, a_stopped_producer_is_waited_for_and_goes_on)
{
    for (uint32_t wait = 0; wait <= IPC_WAIT_SLEEP; wait++) {
        IpcChannel *ch = patient_channel(wait, NULL);
        struct timespec timeout = as_timespec(50 * MILLISECOND);
        struct gate *gate = make_gate();
        pid_t child = fork_child();
        IpcEntry entry;

        if (child == 0) {
            IpcReservation r;

            must_work(ipc_channel_reserve(ch, 100, &r));
            fill(r.payload, 50, 1);
            gate_open(gate, 1);
            raise(SIGSTOP);
            fill(r.payload, 100, 1);
            must_work(ipc_channel_commit(ch, &r, 100));
            must_send(ch, 30, 2);
            child_done();
        }
        gate_wait(gate, 1);
        must_fail(ipc_channel_read_with_timeout(ch, &entry, &timeout),
                  IPC_ERR_TIMEOUT);
        must(kill(child, SIGCONT) == 0);
        wait_for(ch, READ_FOR_EVER, 100, 1);
        wait_for(ch, READ_FOR_EVER, 30, 2);
        must_succeed(child);
    }
}
