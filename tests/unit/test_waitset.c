/* SPDX-License-Identifier: MIT */
/*
 * Waiting for many channels, in each of the ways to sleep: in a ring, by
 * futex_waitv, and by naps where the kernel has neither.
 */
#include "channels.h"
#include <dirent.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

enum { BLOCKS = 4, ROOM = 8, MANY = 300 };
enum way { RING, WAITV, NAPS };

static enum way way;
static atomic_u32 ring_sleeps, waitv_sleeps;
static const struct timespec at_once, shortly = {.tv_nsec = 20 * MILLISECOND};
static const struct timespec patience = {.tv_sec = 20, .tv_nsec = 0};

/* ----------------------------------------------- a kernel that lacks things */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *p);
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *p);

long __wrap_syscall(long number, ...)
{
    long argument[6];
    va_list list;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        argument[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_futex_waitv) {
        atomic_add_relaxed(&waitv_sleeps, 1);
        if (way == NAPS) {
            errno = ENOSYS;
            return -1;
        }
    }
    return __real_syscall(number, argument[0], argument[1], argument[2],
                          argument[3], argument[4], argument[5]);
}

int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *p)
{
    int error = way == RING
                    ? __real_io_uring_queue_init_params(entries, ring, p)
                    : -EPERM;

    if (error == 0)
        atomic_add_relaxed(&ring_sleeps, 1);
    return error;
}

/* ------------------------------------------------------------------- sets */

static IpcWaitSet *set;
static IpcChannel *channels[1000];
static void *memories[1000];
static IpcWaitSetReady ready[ROOM];

static void add_with(int i, IpcChannelConfiguration configuration)
{
    configuration.spin_ns = IPC_CHANNEL_NO_SPIN;
    channels[i] = make_channel(BLOCKS, configuration, &memories[i]);
    must_work(ipc_waitset_add(set, channels[i], &channels[i]));
}

/* Those of the library, beside the test's own and the runner's. */
static int others_threads;

static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;

    must(tasks);
    for (struct dirent *e = readdir(tasks); e; e = readdir(tasks))
        count += e->d_name[0] != '.';
    closedir(tasks);
    return count - others_threads;
}

static void make_set(enum way by, int count)
{
    way = by;
    others_threads += count_threads();
    set = result_of(ipc_waitset_create());
    for (int i = 0; i < count; i++)
        add_with(i, quick);
}

static size_t wait_for(const struct timespec *timeout)
{
    return result_of(ipc_waitset_wait(set, ready, ROOM, timeout));
}

/* must_fail() would wait more than once. */
static void must_end_by(IpcStatus status, const struct timespec *timeout)
{
    IpcWaitSetWaitResult r = ipc_waitset_wait(set, ready, ROOM, timeout);

    must_fail(r, status);
}

static void must_find_nothing(const struct timespec *timeout)
{
    must_end_by(IPC_ERR_TIMEOUT, timeout);
}

static void must_be_ready(int i, IpcStatus status)
{
    must_say(wait_for(&patience) == 1, "more than one is ready");
    must(ready[0].channel == channels[i] && ready[0].user == &channels[i]);
    must_be(ready[0].status, status);
}

/* ------------------------------------------------------------ being ready */

static void must_be_told_until_read(enum way by, int count)
{
    make_set(by, count);
    must_find_nothing(&at_once);
    must_find_nothing(&shortly);
    must_send(channels[1], 100, 1);
    must_be_ready(1, IPC_OK);
    must_be_ready(1, IPC_OK);
    must_receive(channels[1], 100, 1);
    must_find_nothing(&at_once);
    must_find_nothing(&shortly);
    must_send(channels[0], 100, 2);
    must_send(channels[2], 100, 3);
    must(wait_for(NULL) == 2);
    must_work(ipc_waitset_destroy(set));
    must_receive(channels[2], 100, 3);
}

Test(unit, what_is_ready_is_told_until_it_is_read)
{
    must_be_told_until_read(RING, 5);
    must(atomic_get_relaxed(&ring_sleeps) == 1);
    must(atomic_get_relaxed(&waitv_sleeps) == 0);
}

Test(unit, what_is_ready_is_told_until_it_is_read_by_waitv)
{
    must_be_told_until_read(WAITV, 5);
    must(atomic_get_relaxed(&waitv_sleeps) > 0);
}

Test(unit, what_is_ready_is_told_until_it_is_read_by_naps)
{
    must_be_told_until_read(NAPS, 5);
    must(atomic_get_relaxed(&waitv_sleeps) == 1);
}

/* The child writes when the parent is on its way to sleep or asleep. */
static void write_when_told(struct gate *gate, int count)
{
    for (int i = 0; i < count; i++) {
        gate_wait(gate, (uint32_t)i + 1);
        must_send(channels[i * 7 % count], 8, (uint64_t)i);
    }
    child_done();
}

static void must_wake_for_each(enum way by, int count)
{
    struct gate *gate = make_gate();
    pid_t child;

    make_set(by, count);
    child = fork_child();
    if (child == 0)
        write_when_told(gate, count);
    for (int i = 0; i < count; i++) {
        gate_open(gate, (uint32_t)i + 1);
        must_be_ready(i * 7 % count, IPC_OK);
        must_receive(channels[i * 7 % count], 8, (uint64_t)i);
    }
    must_succeed(child);
}

Test(unit, each_of_many_channels_wakes, .timeout = 90)
{
    must_wake_for_each(RING, MANY);
    must(count_threads() == 0);
}

/* Whoever waits, and a thread for each 127 beyond the first. */
Test(unit, each_of_many_channels_wakes_by_waitv, .timeout = 90)
{
    must_wake_for_each(WAITV, MANY);
    must(count_threads() == 2);
    must_work(ipc_waitset_destroy(set));
    must(count_threads() == 0);
}

Test(unit, each_of_many_channels_wakes_by_naps, .timeout = 90)
{
    must_wake_for_each(NAPS, MANY);
    must(count_threads() == 0);
}

Test(unit, each_of_three_channels_wakes)
{
    must_wake_for_each(RING, 3);
}

Test(unit, where_there_is_little_room_all_are_told_in_turn)
{
    bool told[20] = {false};

    make_set(RING, 20);
    for (int i = 0; i < 20; i++)
        must_send(channels[i], 8, 1);
    for (int i = 0; i < 20; i++) {
        must_work(ipc_waitset_wait(set, ready, 1, NULL));
        told[(IpcChannel **)ready[0].user - channels] = true;
    }
    for (int i = 0; i < 20; i++)
        must(told[i]);
}

/* What nobody reads must not hide what becomes ready later. */
static void must_not_starve(enum way by)
{
    int tries = 0;

    make_set(by, 200);
    must_find_nothing(&shortly);
    must_send(channels[0], 8, 1);
    must_be_ready(0, IPC_OK);
    must_send(channels[150], 8, 1);
    do {
        must(wait_for(NULL) > 0);
    } while (ready[0].channel != channels[150] &&
             (ready[1].channel != channels[150]) && ++tries < 30);
    must(tries < 30);
}

Test(unit, what_nobody_reads_hides_nothing)
{
    must_not_starve(RING);
}

Test(unit, what_nobody_reads_hides_nothing_by_waitv)
{
    must_not_starve(WAITV);
}

/* ------------------------------------------------------ closing and deaths */

static void must_notice_closing(enum way by, int count)
{
    pid_t child;
    IpcEntry entry;

    make_set(by, count);
    child = fork_child();
    if (child == 0) {
        pause_ns(10 * MILLISECOND);
        must_send(channels[count - 1], 8, 5);
        must_work(ipc_channel_close(channels[count - 1]));
        child_done();
    }
    must_be_ready(count - 1, IPC_OK);
    must_succeed(child);
    must_receive(channels[count - 1], 8, 5);
    must_be_ready(count - 1, IPC_ERR_CLOSED);
    must_be(ipc_channel_try_read(channels[count - 1], &entry).ipc_status,
            IPC_ERR_CLOSED);
    must_work(ipc_waitset_remove(set, channels[count - 1]));
    must_find_nothing(&at_once);
}

Test(unit, closing_makes_a_channel_ready)
{
    must_notice_closing(RING, 5);
}

Test(unit, closing_makes_a_channel_ready_by_waitv)
{
    must_notice_closing(WAITV, 200);
}

/* A writer that dies wakes nobody. */
static void must_notice_dead_writers(enum way by, int count)
{
    IpcChannelConfiguration reporting = quick;
    struct gate *gate = make_gate();
    IpcEntry entry;
    pid_t child;

    make_set(by, count);
    reporting.options = IPC_CHANNEL_REPORT_DEAD_PRODUCERS;
    add_with(count, reporting);
    child = fork_child();
    if (child == 0) {
        must_send(channels[count], 8, 1);
        gate_open(gate, 1);
        sleep_for_ever();
    }
    must_be_ready(count, IPC_OK);
    gate_wait(gate, 1);
    must_receive(channels[count], 8, 1);
    must_find_nothing(&shortly);
    must_be(ipc_channel_try_read(channels[count], &entry).ipc_status,
            IPC_EMPTY);
    kill_child(child);
    must_be_ready(count, IPC_ERR_PRODUCERS_DEAD);
    must_be(ipc_channel_try_read(channels[count], &entry).ipc_status,
            IPC_ERR_PRODUCERS_DEAD);
    must_be_ready(count, IPC_ERR_PRODUCERS_DEAD);
}

Test(unit, the_death_of_all_writers_is_told)
{
    must_notice_dead_writers(RING, 4);
}

Test(unit, the_death_of_all_writers_is_told_in_a_large_set)
{
    must_notice_dead_writers(RING, 100);
}

Test(unit, the_death_of_all_writers_is_told_by_waitv)
{
    must_notice_dead_writers(WAITV, 200);
}

Test(unit, the_death_of_all_writers_is_told_by_naps)
{
    must_notice_dead_writers(NAPS, 4);
}

/* An entry behind one that a killed process left unfinished. */
static void must_get_past_a_dead_claim(enum way by, uint32_t flags)
{
    IpcChannelConfiguration configuration = quick;
    struct gate *gate = make_gate();
    IpcReservation unfinished;
    pid_t child;

    make_set(by, 4);
    configuration.flags = flags;
    add_with(4, configuration);
    child = fork_child();
    if (child == 0) {
        must_work(ipc_channel_reserve(channels[4], 8, &unfinished));
        gate_open(gate, 1);
        sleep_for_ever();
    }
    gate_wait(gate, 1);
    must_send(channels[4], 8, 2);
    must_find_nothing(&at_once);
    must_find_nothing(&shortly);
    kill_child(child);
    must_be_ready(4, IPC_OK);
    must_receive(channels[4], 8, 2);
}

Test(unit, what_a_dead_writer_left_is_passed)
{
    must_get_past_a_dead_claim(RING, 0);
}

Test(unit, what_a_dead_writer_left_is_passed_by_waitv)
{
    must_get_past_a_dead_claim(WAITV, IPC_BUFFER_ONE_CONSUMER);
}

/* A writer that committed and died before it woke anybody: what is announced
 * is undone by hand, and nobody wakes us. */
static void must_look_again(int count)
{
    struct shm_region *region;

    make_set(RING, count);
    must_find_nothing(&shortly);
    region = memories[count - 1];
    atomic_put_relaxed(&region->readers.sleepers, 0);
    must_send(channels[count - 1], 8, 3);
    must_be_ready(count - 1, IPC_OK);
}

Test(unit, a_wake_that_did_not_come_costs_a_while)
{
    must_look_again(16);
}

Test(unit, a_wake_that_did_not_come_costs_a_while_in_a_large_set)
{
    must_look_again(400);
}

Test(unit, a_channel_that_is_formatted_anew_says_so)
{
    make_set(RING, 4);
    must_find_nothing(&shortly);
    memset(memories[2], 0, 64);
    must_work(ipc_channel_create(memories[2], ring_size(BLOCKS, 8), quick));
    must_be_ready(2, IPC_ERR_FORMATTED_ANEW);
}

/* Writers wait for space behind filler that only the one consumer can pass. */
Test(unit, filler_is_passed_for_writers_that_wait_for_space)
{
    IpcChannelConfiguration configuration = quick;
    IpcReservation whole;
    pid_t child;

    make_set(RING, 4);
    configuration.flags = IPC_BUFFER_ONE_CONSUMER;
    add_with(4, configuration);
    must_find_nothing(&shortly);
    must_work(ipc_channel_reserve(channels[4], BLOCKS * 64L, &whole));
    must_work(ipc_channel_abort(channels[4], &whole));
    child = fork_child();
    if (child == 0) {
        unsigned char data[BLOCKS * 64] = {7};

        must_work(ipc_channel_write_with_timeout(channels[4], data, sizeof data,
                                                 &patience));
        child_done();
    }
    must_be_ready(4, IPC_OK);
    must_succeed(child);
}

Test(unit, a_wait_that_passes_filler_wakes_writers)
{
    IpcReservation whole;
    struct shm_region *region;

    make_set(RING, 4);
    must_work(ipc_channel_reserve(channels[0], BLOCKS * 64L, &whole));
    must_work(ipc_channel_abort(channels[0], &whole));
    region = memories[0];
    atomic_put_relaxed(&region->writers.sleepers, 1);
    must_find_nothing(&at_once);
    must(atomic_get_relaxed(&region->writers.sleepers) == 0);
}

/* ----------------------------------------------------------- interruptions */

struct waiter_thread {
    pthread_t thread;
    atomic_u32 ended;
    IpcWaitSetWaitResult got;
};

static void *wait_in_thread(void *of)
{
    struct waiter_thread *w = of;

    w->got = ipc_waitset_wait(set, ready, ROOM, &patience);
    atomic_put_release(&w->ended, 1);
    return NULL;
}

static void start_waiting(struct waiter_thread *w)
{
    atomic_put_relaxed(&w->ended, 0);
    must(pthread_create(&w->thread, NULL, wait_in_thread, w) == 0);
    pause_ns(20 * MILLISECOND);
}

static IpcStatus end_waiting(struct waiter_thread *w)
{
    must(pthread_join(w->thread, NULL) == 0);
    return w->got.ipc_status;
}

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

static void *send_signals(void *to)
{
    for (int i = 0; i < 20; i++) {
        pause_ns(MILLISECOND);
        pthread_kill(*(pthread_t *)to, SIGUSR1);
    }
    return NULL;
}

static void must_end_by_handler(enum way by)
{
    pthread_t self = pthread_self(), thread;

    make_set(by, 5);
    signal(SIGUSR1, interrupt);
    must(pthread_create(&thread, NULL, send_signals, &self) == 0);
    for (int i = 0; i < 3; i++)
        must_end_by(IPC_ERR_INTERRUPTED, &patience);
    pthread_join(thread, NULL);
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
    pthread_t self = pthread_self(), thread;

    signal(SIGUSR1, ignore);
    make_set(RING, 5);
    must(pthread_create(&thread, NULL, send_signals, &self) == 0);
    must_find_nothing(&time);
    pthread_join(thread, NULL);
    must_work(ipc_waitset_destroy(set));
    make_set(WAITV, 5);
    must(pthread_create(&thread, NULL, send_signals, &self) == 0);
    must_find_nothing(&time);
    pthread_join(thread, NULL);
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

/* A ring belongs to one thread. */
Test(unit, threads_wait_by_turns)
{
    make_set(RING, 5);
    for (int i = 0; i < 12; i++) {
        struct waiter_thread w;

        start_waiting(&w);
        must_send(channels[i % 5], 8, 1);
        must_be(end_waiting(&w), IPC_OK);
        must(ready[0].channel == channels[i % 5]);
        must_receive(channels[i % 5], 8, 1);
    }
    must(atomic_get_relaxed(&ring_sleeps) > 2);
    must(atomic_get_relaxed(&waitv_sleeps) > 0);
}

/* ---------------------------------------------------------------- mistakes */

Test(unit, mistakes_have_statuses)
{
    const struct timespec negative = {.tv_sec = -1};
    struct waiter_thread w;
    IpcWaitSet *other;

    make_set(RING, 2);
    other = result_of(ipc_waitset_create());
    must_fail(ipc_waitset_add(set, channels[0], NULL), IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_waitset_add(other, channels[0], NULL), IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_waitset_remove(other, channels[0]), IPC_ERR_ILLEGAL_STATE);
    must_work(ipc_waitset_remove(set, channels[0]));
    must_fail(ipc_waitset_remove(set, channels[0]), IPC_ERR_ILLEGAL_STATE);
    must_work(ipc_waitset_add(other, channels[0], NULL));
    must_fail(ipc_waitset_add(NULL, channels[1], NULL),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_add(set, NULL, NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_remove(NULL, channels[1]), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_remove(set, NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_wait(NULL, ready, ROOM, &at_once),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_wait(set, NULL, ROOM, &at_once),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_wait(set, ready, 0, &at_once),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_wait(set, ready, ROOM, &negative),
              IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_interrupt(NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_fd(NULL), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_waitset_destroy(NULL), IPC_ERR_INVALID_ARGUMENT);
    start_waiting(&w);
    must_fail(ipc_waitset_wait(set, ready, ROOM, &at_once),
              IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_waitset_destroy(set), IPC_ERR_ILLEGAL_STATE);
    must_fail(ipc_waitset_fd(set), IPC_ERR_ILLEGAL_STATE);
    must_work(ipc_waitset_interrupt(set));
    must_be(end_waiting(&w), IPC_ERR_INTERRUPTED);
    must_work(ipc_waitset_destroy(set));
    must_work(ipc_waitset_destroy(other));
    must_work(ipc_channel_destroy(channels[0]));
}

Test(unit, a_set_without_channels_waits_too)
{
    make_set(RING, 0);
    must_find_nothing(&shortly);
    must_work(ipc_waitset_destroy(set));
}

static void must_be_refused_in_child(void)
{
    pid_t child = fork_child();

    if (child == 0) {
        must_fail(ipc_waitset_wait(set, ready, ROOM, &at_once),
                  IPC_ERR_ILLEGAL_STATE);
        must_fail(ipc_waitset_remove(set, channels[0]), IPC_ERR_ILLEGAL_STATE);
        must_fail(ipc_waitset_interrupt(set), IPC_ERR_ILLEGAL_STATE);
        must_fail(ipc_waitset_fd(set), IPC_ERR_ILLEGAL_STATE);
        must_work(ipc_channel_destroy(channels[1]));
        must_work(ipc_waitset_destroy(set));
        must_work(ipc_channel_destroy(channels[0]));
        child_done();
    }
    must_succeed(child);
}

Test(unit, a_forked_child_leaves_its_parents_set_alone)
{
    make_set(RING, 5);
    must_find_nothing(&shortly);
    must_be_refused_in_child();
    must_work(ipc_waitset_fd(set));
    must_find_nothing(&at_once);
    must_be_refused_in_child();
    must_send(channels[1], 8, 1);
    must_be_ready(1, IPC_OK);
    must_work(ipc_waitset_destroy(set));
    make_set(WAITV, 200);
    must_find_nothing(&shortly);
    must_be_refused_in_child();
    must_send(channels[199], 8, 1);
    must_be_ready(199, IPC_OK);
}

/* ----------------------------------------------------------- the descriptor */

static bool is_readable(int fd, int64_t within)
{
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    bool is;

    must(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
    is = epoll_wait(epoll, &event, 1, (int)(within / MILLISECOND)) == 1;
    close(epoll);
    return is;
}

static void must_be_readable_in_time(enum way by, int count)
{
    int fd;

    make_set(by, count);
    must(count_threads() == 0);
    fd = result_of(ipc_waitset_fd(set));
    must(result_of(ipc_waitset_fd(set)) == fd);
    must(is_readable(fd, 0));
    for (int i = 0; i < 30; i++) {
        int at = i * 7 % count;

        must_find_nothing(&at_once);
        must(!is_readable(fd, i < 3 ? 5 * MILLISECOND : 0));
        must_send(channels[at], 8, 1);
        must(is_readable(fd, 20 * SECOND));
        must_be_ready(at, IPC_OK);
        must(is_readable(fd, 0));
        must_receive(channels[at], 8, 1);
    }
    must_find_nothing(&at_once);
    must_work(ipc_waitset_interrupt(set));
    must(is_readable(fd, 20 * SECOND));
    must_end_by(IPC_ERR_INTERRUPTED, &at_once);
    must(is_readable(fd, 0));
    must_find_nothing(&at_once);
    must_work(ipc_channel_close(channels[1]));
    must(is_readable(fd, 20 * SECOND));
    must_be_ready(1, IPC_ERR_CLOSED);
    must_work(ipc_waitset_destroy(set));
    must(count_threads() == 0);
}

Test(unit, the_descriptor_is_readable_when_something_is_ready)
{
    must_be_readable_in_time(RING, 5);
}

Test(unit, the_descriptor_is_readable_when_something_is_ready_by_waitv)
{
    must_be_readable_in_time(WAITV, 200);
}

Test(unit, the_descriptor_is_readable_when_something_is_ready_by_naps)
{
    must_be_readable_in_time(NAPS, 5);
}

Test(unit, where_there_is_a_descriptor_a_wait_may_block_too)
{
    struct waiter_thread w;
    int fd;

    make_set(RING, 5);
    fd = result_of(ipc_waitset_fd(set));
    must_find_nothing(&shortly);
    start_waiting(&w);
    must_send(channels[2], 8, 1);
    must_be(end_waiting(&w), IPC_OK);
    must(ready[0].channel == channels[2]);
    must(is_readable(fd, 0));
    must_receive(channels[2], 8, 1);
    start_waiting(&w);
    must_work(ipc_waitset_interrupt(set));
    must_be(end_waiting(&w), IPC_ERR_INTERRUPTED);
}

/* The thread only glances: it may not move what the one consumer moves. */
Test(unit, the_thread_of_a_descriptor_takes_no_role)
{
    IpcChannelConfiguration configuration = quick;
    IpcReservation whole;
    int fd;

    make_set(RING, 0);
    configuration.flags = IPC_BUFFER_ONE_CONSUMER;
    add_with(0, configuration);
    fd = result_of(ipc_waitset_fd(set));
    must(is_readable(fd, 0));
    must_find_nothing(&at_once);
    must_work(ipc_channel_reserve(channels[0], 8, &whole));
    must_work(ipc_channel_abort(channels[0], &whole));
    must(is_readable(fd, 20 * SECOND));
    must_find_nothing(&at_once);
    must(!is_readable(fd, 5 * MILLISECOND));
}

/* A program's signals go to its own threads. */
Test(unit, the_thread_of_a_descriptor_takes_no_signals)
{
    char path[64], line[256];
    unsigned long long blocked = 0;
    DIR *tasks;

    make_set(RING, 5);
    must_work(ipc_waitset_fd(set));
    tasks = opendir("/proc/self/task");
    for (struct dirent *e = readdir(tasks); e; e = readdir(tasks)) {
        FILE *status;

        if (e->d_name[0] == '.' || atoi(e->d_name) == getpid())
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%.20s/status", e->d_name);
        status = fopen(path, "r");
        must(status);
        while (fgets(line, sizeof line, status))
            if (strncmp(line, "SigBlk:", 7) == 0)
                blocked = strtoull(line + 7, NULL, 16);
        fclose(status);
    }
    closedir(tasks);
    must(blocked & 1ULL << (SIGTERM - 1));
    must(blocked & 1ULL << (SIGCHLD - 1));
}

/* --------------------------------------------------------------- a crowd */

/* It sleeps, and looks at some now and then: not at all of them, and not for
 * each of them at another time. */
static void must_be_idle(enum way by)
{
    const struct timespec a_second = {.tv_sec = 1};
    uint32_t before;

    make_set(by, 1000);
    must_find_nothing(&shortly);
    before = atomic_get_relaxed(&waitv_sleeps);
    must_find_nothing(&a_second);
    /* Ten turns, and as many for each group as channels were looked at. */
    must(atomic_get_relaxed(&waitv_sleeps) - before < 200);
    must_work(ipc_waitset_destroy(set));
}

Test(unit, a_thousand_idle_channels_are_left_alone, .timeout = 60)
{
    must_be_idle(RING);
    must(atomic_get_relaxed(&waitv_sleeps) == 0);
}

Test(unit, a_thousand_idle_channels_are_left_alone_by_waitv, .timeout = 60)
{
    must_be_idle(WAITV);
}
