/* SPDX-License-Identifier: MIT */
/*
 * How long blocked calls look again before they sleep, by a clock that each
 * look at it moves: what a side of a handle learns from how its waits ended.
 * The linker sends the library's system calls here (see meson.build).
 */
#include "channel/receive.h"
#include "channels.h"
#include <linux/futex.h>
#include <sys/syscall.h>

#if defined(SYS_futex_time64) && __SIZEOF_LONG__ == 4
enum { FUTEX = SYS_futex_time64 };
#else
enum { FUTEX = SYS_futex };
#endif

/* What a look at the clock takes here; so spins are that much longer. */
enum { BLOCKS = 8, LIMIT = 20000, LOOK = 10, TRIAL = 64 };

static int64_t now = SECOND;
static int64_t begun;       /* of the present wait */
static int64_t comes;       /* when what it waits for does; 0: not by itself */
static int64_t fell_asleep; /* 0: it did not */
static void (*come)(void);
static IpcChannel *channel;

int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
long __wrap_syscall(long number, ...);

static void let_come(void)
{
    comes = 0;
    come();
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    (void)clock;
    now += LOOK;
    if (comes && now >= comes)
        let_come();
    *time = as_timespec(now);
    return 0;
}

/* Whoever sleeps is woken by what comes. */
long __wrap_syscall(long number, ...)
{
    va_list arguments;
    int operation;

    va_start(arguments, number);
    (void)va_arg(arguments, void *);
    operation = va_arg(arguments, int);
    va_end(arguments);
    if (number != FUTEX || operation == FUTEX_WAKE ||
        operation == FUTEX_WAKE_OP)
        return 0;
    if (!fell_asleep)
        fell_asleep = now;
    if (comes) {
        now = now > comes ? now : comes;
        let_come();
        return 0;
    }
    now += SECOND;
    errno = ETIMEDOUT;
    return -1;
}

static void write_one(void)
{
    must_work(ipc_channel_write(channel, "x", 1));
}

static void read_one(void)
{
    char got;
    IpcEntry entry = {.payload = &got, .size = sizeof got};

    must_work(ipc_channel_try_read_into(channel, &entry));
}

static void begin_with(uint32_t limit)
{
    IpcChannelConfiguration configuration = quick;

    if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
        cr_skip_test("nobody spins on one CPU");
    configuration.spin_ns = limit;
    channel = make_channel(BLOCKS, configuration, NULL);
}

static void expect(int64_t after)
{
    fell_asleep = 0;
    begun = now;
    comes = after ? now + after : 0;
}

/* For how long the wait looked before it slept; -1: it did not sleep. */
static int64_t spun(void)
{
    return fell_asleep ? fell_asleep - begun : -1;
}

/* A read for which an entry comes so many ns after it began. */
static int64_t wait_to_read(int64_t after)
{
    char got;
    IpcEntry entry = {.payload = &got, .size = sizeof got};

    come = write_one;
    expect(after);
    must_work(ipc_channel_read_into_blocking(channel, &entry));
    return spun();
}

/* Some looks at the clock belong to the sleep, and not to the spin. */
static bool is_about(int64_t ns, int64_t wanted)
{
    return ns >= wanted && ns < wanted + 20 * LOOK;
}

/* None of the next waits sleeps later than at once, up to the next trial. */
static void must_spin_no_more(int waits)
{
    for (int i = 0; i < waits; i++)
        must(is_about(wait_to_read(MILLISECOND), 0));
}

static void lose_patience(void)
{
    for (int64_t ns = LIMIT; ns >= 1000; ns /= 2)
        must(is_about(wait_to_read(MILLISECOND), ns));
}

Test(unit, who_spins_in_vain_spins_half_as_long_and_soon_no_more)
{
    begin_with(LIMIT);
    lose_patience();
    must_spin_no_more(TRIAL - 1);
}

Test(unit, one_wait_of_many_is_a_trial)
{
    begin_with(LIMIT);
    lose_patience();
    for (int i = 0; i < 3; i++) {
        must_spin_no_more(TRIAL - 1);
        must(is_about(wait_to_read(MILLISECOND), LIMIT));
    }
}

Test(unit, a_stream_that_becomes_dense_is_noticed)
{
    begin_with(LIMIT);
    lose_patience();
    /* Sleeps at first, though each comes soon. */
    must_spin_no_more(TRIAL - 1);
    must(wait_to_read(3000) == -1);
    /* Twice as long as that took. */
    must(wait_to_read(6000) == -1);
    must(wait_to_read(12000) == -1);
    for (int i = 0; i < 1000; i++)
        must(wait_to_read(LIMIT - 1000) == -1);
}

Test(unit, one_late_entry_does_not_end_the_spins_of_a_dense_stream)
{
    begin_with(LIMIT);
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 10; i++)
            must(wait_to_read(2000) == -1);
        must(is_about(wait_to_read(MILLISECOND), LIMIT));
    }
}

Test(unit, spins_are_as_long_as_most_of_them_take)
{
    begin_with(LIMIT);
    /* Every third is late: the others are waited for all the same. */
    for (int i = 0; i < 300; i++) {
        must(wait_to_read(2000) == -1);
        must(wait_to_read(2000) == -1);
        must(wait_to_read(MILLISECOND) > 0);
    }
    must(wait_to_read(MILLISECOND) < LIMIT / 2);
}

Test(unit, nobody_spins_longer_than_configured)
{
    begin_with(5000);
    for (int i = 0; i < 100; i++)
        must(wait_to_read(4000) == -1);
    must(is_about(wait_to_read(MILLISECOND), 5000));
}

Test(unit, who_is_not_to_spin_never_tries)
{
    begin_with(IPC_CHANNEL_NO_SPIN);
    must_spin_no_more(5 * TRIAL);
}

Test(unit, a_deadline_before_the_end_of_a_spin_is_no_lesson)
{
    const struct timespec soon = {0, 5000};
    char got;
    IpcEntry entry = {.payload = &got, .size = sizeof got};

    begin_with(LIMIT);
    for (int i = 0; i < 100; i++) {
        expect(0);
        must_be(ipc_channel_read_into_with_timeout(channel, &entry, &soon)
                    .ipc_status,
                IPC_ERR_TIMEOUT);
    }
    must(is_about(wait_to_read(MILLISECOND), LIMIT));
}

/* How long that takes; nothing comes. */
static int64_t wait_for_a_slice(int64_t slice)
{
    char got;
    IpcEntry entry = {.payload = &got, .size = sizeof got};
    IpcBufferReadError error;

    expect(0);
    must_be(receive_slice(channel, &entry, INT64_MAX, slice, &error),
            IPC_ERR_TIMEOUT);
    return now - begun;
}

Test(unit, a_slice_is_one_spin_or_one_sleep)
{
    begin_with(LIMIT);
    must(is_about(wait_for_a_slice(5000), 5000));
    must(spun() == -1);
    begin_with(IPC_CHANNEL_NO_SPIN);
    must(is_about(wait_for_a_slice(5000), SECOND));
    must(is_about(spun(), 0));
}

Test(unit, writers_learn_for_themselves)
{
    begin_with(LIMIT);
    lose_patience();
    must_spin_no_more(5);
    while (ipc_channel_write(channel, "x", 1).ipc_status == IPC_OK)
        continue;
    come = read_one;
    expect(LIMIT - 1000);
    must_work(ipc_channel_write_blocking(channel, "x", 1));
    must(spun() == -1);
    expect(MILLISECOND);
    must_work(ipc_channel_write_blocking(channel, "x", 1));
    must(is_about(spun(), LIMIT));
}

/* Nor does a write that finds room. */
Test(unit, a_read_that_finds_an_entry_looks_at_no_clock)
{
    const struct timespec soon = {1, 0};
    char got;
    IpcEntry entry = {.payload = &got, .size = sizeof got};

    begin_with(LIMIT);
    /* The first write notes the time for people. */
    write_one();
    read_one();
    begun = now;
    must_work(ipc_channel_write_with_timeout(channel, "x", 1, &soon));
    must_work(ipc_channel_read_into_with_timeout(channel, &entry, &soon));
    must_work(ipc_channel_write_blocking(channel, "x", 1));
    must_work(ipc_channel_read_into_blocking(channel, &entry));
    must_work(ipc_channel_write(channel, "x", 1));
    must_work(ipc_channel_read_into(channel, &entry));
    must_work(ipc_channel_write(channel, "x", 1));
    must_work(ipc_channel_read_with_timeout(channel, &entry, &soon));
    free(entry.payload);
    must(now == begun);
}
