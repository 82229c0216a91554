/* SPDX-License-Identifier: MIT */
/*
 * When and for how long callers sleep, by a clock that only sleeps move. The
 * linker sends the library's system calls here (see meson.build).
 */
#include "channels.h"
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sys/syscall.h>

enum { BLOCKS = 8, SLEEPS_MAX = 2000 };

#if defined(SYS_futex_time64) && __SIZEOF_LONG__ == 4
enum { FUTEX = SYS_futex_time64 };
#else
enum { FUTEX = SYS_futex };
#endif
struct kernel_time {
    int64_t seconds, nanoseconds;
};

static int64_t now = SECOND;
static int64_t slept[SLEEPS_MAX]; /* how long each time */
static int sleeps;
static int unannounced; /* sleeps that nobody can end */
static int wake_error;  /* what a wake fails with */
static struct shm_region *region;
static void (*on_the_way)(
    void);                     /* called once a sleeper has announced itself */
static void (*on_sleep)(void); /* called as it sleeps */
static IpcChannel *writer, *other_reader;

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *time,
                 const sigset_t *signals);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
ssize_t __real_write(int fd, const void *from, size_t size);
ssize_t __wrap_write(int fd, const void *from, size_t size);

/* Threads of the library's have the kernel's own. */
static bool is_other_thread(void)
{
    return gettid() != getpid();
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    if (is_other_thread())
        return __real_clock_gettime(clock, time);
    *time = as_timespec(now);
    return 0;
}

static void sleep_until(int64_t until)
{
    must(sleeps < SLEEPS_MAX);
    slept[sleeps++] = until - now;
    if (now < until)
        now = until;
    if (on_sleep)
        on_sleep();
}

int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *time,
                 const sigset_t *signals)
{
    (void)fds;
    (void)count;
    (void)signals;
    sleep_until(now + (int64_t)time->tv_sec * SECOND + time->tv_nsec);
    return 0;
}

static long futex(atomic_u32 *word, int operation, uint32_t value,
                  const struct kernel_time *until)
{
    if (operation == FUTEX_WAKE_OP) /* may the memory be written? */
        return 0;
    if (operation == FUTEX_WAKE) {
        errno = wake_error;
        return wake_error ? -1 : 0;
    }
    errno = EAGAIN;
    if (atomic_get_relaxed(word) != value)
        return -1;
    if (region && word == &region->readers.sequence)
        unannounced += atomic_get_relaxed(&region->readers.sleepers) == 0;
    sleep_until(until->seconds * SECOND + until->nanoseconds);
    errno = ETIMEDOUT;
    return -1;
}

long __wrap_syscall(long number, ...)
{
    void (*call)(void) = on_the_way;
    long result = 0;
    va_list arguments;
    long a[6];

    va_start(arguments, number);
    if (is_other_thread()) {
        for (int i = 0; i < 6; i++)
            a[i] = va_arg(arguments, long);
        result = __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    } else if (number == FUTEX) {
        atomic_u32 *word = va_arg(arguments, atomic_u32 *);
        int operation = va_arg(arguments, int);
        uint32_t value = va_arg(arguments, uint32_t);

        result = futex(word, operation, value,
                       va_arg(arguments, const struct kernel_time *));
    } else if (number == SYS_membarrier && call &&
               va_arg(arguments, int) == MEMBARRIER_CMD_GLOBAL_EXPEDITED) {
        on_the_way = NULL;
        call();
    }
    va_end(arguments);
    return result;
}

ssize_t __wrap_write(int fd, const void *from, size_t size)
{
    errno = wake_error;
    return wake_error ? -1 : __real_write(fd, from, size);
}

static IpcChannel *new_sleeper(uint32_t wait, uint32_t flags,
                               IpcChannelConfiguration rounds, void **memory)
{
    rounds.wait = wait;
    rounds.flags = flags;
    rounds.spin_ns = IPC_CHANNEL_NO_SPIN;
    sleeps = 0;
    return make_channel(BLOCKS, rounds, memory);
}

static bool has_eventfd(void)
{
    IpcChannelConfiguration configuration = quick;
    char memory[4096];
    IpcChannelResult r;

    configuration.wait = IPC_WAIT_EVENTFD;
    r = ipc_channel_create(memory, sizeof memory, configuration);
    if (r.ipc_status == IPC_OK)
        ipc_channel_destroy(r.result);
    return r.ipc_status == IPC_OK;
}

static uint32_t last_way(void)
{
    return has_eventfd() ? IPC_WAIT_EVENTFD : IPC_WAIT_SLEEP;
}

static IpcStatus read_within(IpcChannel *ch, int64_t ns)
{
    struct timespec timeout = as_timespec(ns);
    IpcEntry entry;
    IpcStatus status =
        ipc_channel_read_with_timeout(ch, &entry, &timeout).ipc_status;

    if (status == IPC_OK)
        free(entry.payload);
    return status;
}

static IpcStatus write_within(IpcChannel *ch, int64_t ns)
{
    struct timespec timeout = as_timespec(ns);

    return ipc_channel_write_with_timeout(ch, "x", 1, &timeout).ipc_status;
}

static bool none_longer_than(int64_t ns)
{
    for (int i = 0; i < sleeps; i++)
        if (slept[i] > ns)
            return false;
    return true;
}

/* ---------------------------------------------------------------- lengths */

Test(unit, a_read_sleeps_all_its_rounds_and_not_one_more)
{
    static const struct {
        uint32_t rounds;
        int64_t length;
    } cases[] = {{1, 1000}, {2, 3000}, {5, 23000}, {6, 31000}};

    for (uint32_t wait = IPC_WAIT_FUTEX; wait <= last_way(); wait++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            IpcChannelConfiguration rounds = {.max_round_trips =
                                                  cases[i].rounds,
                                              .start_sleep_ns = 1000,
                                              .max_sleep_ns = 8000};
            IpcChannel *ch = new_sleeper(wait, 0, rounds, NULL);
            int64_t start = now;
            IpcEntry entry;

            must_be(ipc_channel_read(ch, &entry).ipc_status,
                    IPC_ERR_RETRY_LIMIT);
            must_say(now - start == cases[i].length, "%lld ns for %u rounds",
                     (long long)(now - start), cases[i].rounds);
        }
}

Test(unit, no_sleep_is_longer_than_a_tenth_of_a_second)
{
    const IpcChannelConfiguration long_rounds = {.max_round_trips = 1,
                                                 .start_sleep_ns = SECOND / 5,
                                                 .max_sleep_ns = SECOND};

    for (uint32_t wait = IPC_WAIT_FUTEX; wait <= last_way(); wait++) {
        IpcChannel *ch = new_sleeper(wait, 0, long_rounds, NULL);
        int64_t start = now;

        must_be(read_within(ch, SECOND), IPC_ERR_TIMEOUT);
        must(now - start == SECOND && none_longer_than(SECOND / 10));
        fill_up(ch);
        sleeps = 0;
        must_be(write_within(ch, SECOND), IPC_ERR_TIMEOUT);
        must(now - start == 2 * SECOND && none_longer_than(SECOND / 10));
    }
}

Test(unit, who_sleeps_by_the_clock_looks_after_times_that_double)
{
    const int64_t lengths[] = {1000, 2000, 4000, 8000, 8000, 8000, 8000};
    const IpcChannelConfiguration rounds = {
        .max_round_trips = 1, .start_sleep_ns = 1000, .max_sleep_ns = 8000};
    IpcChannel *ch = new_sleeper(IPC_WAIT_SLEEP, 0, rounds, NULL);

    must_be(read_within(ch, 39000), IPC_ERR_TIMEOUT);
    must(sleeps == 7 && !memcmp(slept, lengths, sizeof lengths));
}

/* For the next test: with each sleep time goes on to the end of the round or
 * so. In the last round an entry comes, after more than one sleep. */
static int64_t round_length;
static int sleeps_left;

static void go_on(void)
{
    enum { IN_LAST_ROUND = 3 };

    if (--sleeps_left == 0) {
        must_send(writer, 10, 1);
        on_sleep = NULL;
    } else if (sleeps_left >= IN_LAST_ROUND) {
        now += round_length - 1;
        if (sleeps_left > IN_LAST_ROUND)
            round_length *= 2;
    }
}

/* After 2^60, 2^61 and 2^62 ns the end of the next one would be beyond what a
 * number can say. */
Test(unit, a_round_that_is_longer_than_time_can_tell_never_ends)
{
    const IpcChannelConfiguration rounds = {.max_round_trips = 4,
                                            .start_sleep_ns = LONG_MAX / 8 + 1,
                                            .max_sleep_ns = LONG_MAX};

    for (uint32_t wait = IPC_WAIT_FUTEX; wait <= last_way(); wait++) {
        IpcChannel *ch = new_sleeper(wait, 0, rounds, NULL);
        IpcEntry entry;

        now = SECOND;
        writer = ch;
        round_length = rounds.start_sleep_ns;
        sleeps_left = 6;
        on_sleep = go_on;
        must_work(ipc_channel_read(ch, &entry));
        must(sleeps_left == 0 && now > LONG_MAX / 8 * 6);
        must_be_entry(&entry, 10, 1);
    }
}

/* Its producer may die, which wakes nobody. */
Test(unit, behind_an_unfinished_entry_no_sleep_is_longer_than_a_millisecond)
{
    const IpcChannelConfiguration long_rounds = {.max_round_trips = 1,
                                                 .start_sleep_ns = SECOND / 20,
                                                 .max_sleep_ns = SECOND};

    for (uint32_t wait = IPC_WAIT_FUTEX; wait <= last_way(); wait++) {
        IpcChannel *ch = new_sleeper(wait, 0, long_rounds, NULL);
        IpcReservation unfinished;

        must_work(ipc_channel_reserve(ch, 1, &unfinished));
        must_be(read_within(ch, SECOND), IPC_ERR_TIMEOUT);
        must(sleeps > 0 && none_longer_than(MILLISECOND));
        fill_up(ch);
        sleeps = 0;
        must_be(write_within(ch, SECOND), IPC_ERR_TIMEOUT);
        must(sleeps > 0 && none_longer_than(MILLISECOND));
    }
}

/* ----------------------------------------------------------- on the way */

static void write_and_take_it_away(void)
{
    must_send(writer, 10, 1);
    must_receive(other_reader, 10, 1);
}

/* An entry comes once the sleeper has said that it sleeps, who wrote it takes
 * that back, and another reader takes the entry. */
Test(unit, who_was_woken_before_it_slept_announces_itself_anew)
{
    void *memory;
    IpcChannel *ch =
        new_sleeper(IPC_WAIT_FUTEX, IPC_BUFFER_ONE_PRODUCER, quick, &memory);

    writer = ipc_channel_connect(memory, quick).result;
    other_reader = ipc_channel_connect(memory, quick).result;
    must(writer && other_reader);
    region = memory;
    on_the_way = write_and_take_it_away;
    must_be(read_within(ch, MILLISECOND), IPC_ERR_TIMEOUT);
    must(!on_the_way && sleeps > 0);
    must(unannounced == 0);
}

/* ------------------------------------------------------------------ errno */

static void must_keep_errno(IpcStatus status)
{
    must(errno == E2BIG);
    must_be(status, IPC_OK);
}

Test(unit, wakes_that_fail_leave_errno_alone)
{
    enum { ANYHOW = 3 }; /* by the word and by the eventfd */
    void *memory;
    IpcChannel *ch = new_sleeper(last_way(), 0, quick, &memory);
    char copy[8];
    IpcEntry entry = {.payload = copy, .size = sizeof copy};

    region = memory;
    must_send(ch, 1, 1);
    must_receive(ch, 1, 1);
    wake_error = EAGAIN;
    atomic_put_relaxed(&region->readers.sleepers, ANYHOW);
    atomic_put_relaxed(&region->writers.sleepers, ANYHOW);
    errno = E2BIG;
    must_keep_errno(ipc_channel_write(ch, "x", 1).ipc_status);
    must_keep_errno(ipc_channel_read_into(ch, &entry).ipc_status);
    must(atomic_get_relaxed(&region->readers.sleepers) == 0);
    must(atomic_get_relaxed(&region->writers.sleepers) == 0);
}

Test(unit, interrupts_whose_wakes_fail_leave_errno_alone)
{
    enum { ANYHOW = 3 };
    wake_error = EAGAIN;
    for (uint32_t wait = IPC_WAIT_FUTEX; wait <= last_way(); wait++) {
        void *memory;
        IpcChannel *ch = new_sleeper(wait, 0, quick, &memory);

        region = memory;
        atomic_put_relaxed(&region->readers.sleepers, ANYHOW);
        atomic_put_relaxed(&region->writers.sleepers, ANYHOW);
        errno = E2BIG;
        must_keep_errno(ipc_channel_interrupt(ch).ipc_status);
        must(atomic_get_relaxed(&region->readers.sleepers) == 0);
        must(atomic_get_relaxed(&region->writers.sleepers) == 0);
    }
}

Test(unit, sleeps_leave_errno_alone)
{
    for (uint32_t wait = IPC_WAIT_FUTEX; wait <= last_way(); wait++) {
        IpcChannel *ch = new_sleeper(wait, 0, quick, NULL);
        IpcStatus status;

        must_send(ch, 1, 1);
        must_receive(ch, 1, 1);
        errno = E2BIG;
        status = read_within(ch, MILLISECOND);
        must(errno == E2BIG);
        must_be(status, IPC_ERR_TIMEOUT);
        fill_up(ch);
        errno = E2BIG;
        status = write_within(ch, MILLISECOND);
        must(errno == E2BIG);
        must_be(status, IPC_ERR_TIMEOUT);
    }
}

static void write_and_let_the_next_wake_fail(void)
{
    must_send(writer, 10, 1);
    wake_error = EAGAIN;
}

/* It took back the wake that was there, perhaps another poller's, and finds
 * something. */
Test(unit, a_poller_that_passes_a_wake_on_leaves_errno_alone)
{
    char copy[10];
    IpcEntry entry = {.payload = copy, .size = sizeof copy};
    IpcChannel *ch;

    if (!has_eventfd())
        cr_skip_test("built without eventfd");
    ch = new_sleeper(IPC_WAIT_EVENTFD, IPC_BUFFER_ONE_PRODUCER, quick, NULL);
    writer = ch;
    must_work(ipc_channel_fd(ch));
    on_the_way = write_and_let_the_next_wake_fail;
    errno = E2BIG;
    must_keep_errno(ipc_channel_try_read_into(ch, &entry).ipc_status);
    must(!on_the_way);
}

Test(unit, a_poller_that_finds_no_wake_to_take_back_leaves_errno_alone)
{
    IpcChannel *ch = new_sleeper(IPC_WAIT_EVENTFD, 0, quick, NULL);
    char copy[10];
    IpcEntry entry = {.payload = copy, .size = sizeof copy};

    must_work(ipc_channel_fd(ch));
    for (int i = 0; i < 3; i++) {
        IpcStatus status;

        errno = E2BIG;
        status = ipc_channel_try_read_into(ch, &entry).ipc_status;
        must(errno == E2BIG);
        must_be(status, IPC_EMPTY);
    }
}
