/* SPDX-License-Identifier: MIT */
/*
 * Subscribers that come, go and die while others are just about to do
 * something about them. While an owner is judged, anything can happen: that is
 * what the wrapped kill() is for.
 */
#include "broadcasts.h"
#include "ring/owner.h"
#include <shmipc/ipc_batch.h>
#include <sys/resource.h>

enum {
    BLOCKS = 8,
    INDEX_BITS = 5, /* of a ring of so many */
    FREE_SLOT = 2 << (INDEX_BITS - 2),
};

int __real_kill(pid_t pid, int sig);
int __wrap_kill(pid_t pid, int sig);

static void (*meanwhile)(void);

/* Of a question whether somebody lives, the answer is as of before. */
int __wrap_kill(pid_t pid, int sig)
{
    void (*act)(void) = meanwhile;
    int answer = __real_kill(pid, sig);
    int saved = errno;

    if (sig == 0 && act) {
        meanwhile = NULL;
        act();
    }
    errno = saved;
    return answer;
}

/* A child that subscribes, and is killed. */
static void let_one_die(void *memory)
{
    struct gate *gate = make_gate();
    pid_t pid = fork_child();

    if (pid == 0) {
        subscriber_of(memory, NULL);
        gate_open(gate, 1);
        pause();
    }
    gate_wait(gate, 1);
    __real_kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* ------------------------------------------------------------ late removals
 */

static void *ring;
static IpcBuffer *next_one;

/* Removes the dead one as well, joins in its slot and reads up to where that
 * one stood. */
static void join_and_read_four(void)
{
    next_one = subscriber_of(ring, &from_oldest);
    for (uint64_t seed = 1; seed <= 4; seed++)
        must_read(next_one, 64, seed);
}

Test(unit, who_joined_in_a_dead_ones_slot_is_not_taken_for_it)
{
    IpcBuffer *b = new_broadcast(BLOCKS, 0, 1, &ring);

    for (uint64_t seed = 1; seed <= 4; seed++)
        must_write(b, 64, seed);
    let_one_die(ring);
    meanwhile = join_and_read_four;
    must_fail(ipc_buffer_subscribe(b, NULL), IPC_ERR_OWNERS_FULL);
    must(next_one != NULL);
    must_be(try_to_read(next_one), IPC_EMPTY);
    for (uint64_t seed = 5; seed <= 12; seed++)
        must_write(b, 64, seed);
    must_read_all(next_one, 64, 5, 12);
}

/* ----------------------------------------------------------- formatted anew
 */

Test(unit, an_old_handle_does_not_end_a_new_subscription)
{
    void *memory;
    IpcBuffer *old = new_broadcast(BLOCKS, 0, 1, &memory), *reader, *b;
    IpcBufferOptions o = {
        .struct_size = sizeof o,
        .flags = BROADCAST | IPC_BUFFER_RECREATE,
        .max_owners = 8,
        .max_subscribers = 1,
    };

    must_work(ipc_buffer_subscribe(old, NULL));
    b = result_of(ipc_buffer_create_with_options(
        memory, broadcast_size(BLOCKS, 8, 1), &o));
    reader = subscriber_of(memory, NULL);
    must_fail(ipc_buffer_unsubscribe(old), IPC_ERR_FORMATTED_ANEW);
    must(count_subscribers(b) == 1);
    must_work(ipc_buffer_destroy(old));
    must(count_subscribers(b) == 1);
    must_write(b, 64, 1);
    must_read_all(reader, 64, 1, 1);
}

/* --------------------------------------------------------- evicted in vain
 */

/* By a writer that died before it moved the gate, or was slower than we. */
Test(unit, who_is_evicted_but_not_passed_goes_on_in_the_midst_of_an_array)
{
    const IpcSubscription how = {
        .struct_size = sizeof how,
        .policy = IPC_SUBSCRIBER_LAGS,
        .after_gap = IPC_SUBSCRIBE_FROM_OLDEST,
    };
    const uint64_t items[6] = {10, 11, 12, 13, 14, 15}, evicted = 1 << 3;
    uint64_t copy[6];
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, 1, &memory);
    struct shm_subscriber *slot = subscriber_at(memory, 0);

    must_work(ipc_buffer_subscribe(b, &how));
    must(result_of(ipc_buffer_write_array(b, items, 8, 6)) == 6);
    must(result_of(ipc_buffer_read_array(b, copy, 8, 2)) == 2);
    atomic_put_relaxed(&slot->cursor.position,
                       atomic_get_relaxed(&slot->cursor.position) | evicted);
    must_be(ipc_buffer_read_array(b, copy, 8, 6).ipc_status, IPC_ERR_LOCKED);

    must(result_of(ipc_buffer_read_array(b, copy, 8, 6)) == 4 &&
         copy[0] == 12 && copy[3] == 15);
    must(atomic_get_relaxed(&slot->lost) == 0);
}

/* ------------------------------------------------------------ damaged slots
 */

Test(unit, a_cursor_that_says_leaving_for_ever_hangs_nobody, .timeout = 30)
{
    const uint64_t bits = 5, leaving = UINT64_C(9) << bits | UINT64_C(3)
                                                                 << (bits - 2);
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, 1, &memory);
    struct shm_subscriber *slot = subscriber_at(memory, 0);
    IpcStatus status;

    must_work(ipc_buffer_subscribe(b, NULL));
    must_write(b, 64, 1);
    atomic_put_relaxed(&slot->joined, leaving);
    atomic_put_relaxed(&slot->owner, 7);
    atomic_put_relaxed(&slot->cursor.position, leaving);
    status = try_to_read(b);
    must_say(status == IPC_ERR_CORRUPTED || status == IPC_ERR_NOT_SUBSCRIBED ||
                 status == IPC_ERR_LOCKED,
             "%s", ipc_status_name(status));
    for (int i = 0; i < 100; i++)
        status = ipc_buffer_write(b, "x", 1).ipc_status;
}

/* -------------------------------------------------------------- a full house
 */

Test(unit, the_dead_are_told_without_any_descriptor)
{
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, 2, &memory);
    struct rlimit some, none;
    int looks = 0;

    let_one_die(memory);
    for (uint64_t seed = 0; seed < BLOCKS; seed++)
        must_write(b, 64, seed);
    must(getrlimit(RLIMIT_NOFILE, &some) == 0);
    none = (struct rlimit){0, some.rlim_max};
    must(setrlimit(RLIMIT_NOFILE, &none) == 0);
    while (looks < 100 && ipc_buffer_write(b, "x", 1).ipc_status != IPC_OK)
        looks++;
    must(setrlimit(RLIMIT_NOFILE, &some) == 0);
    must(looks < 100);
}

/* The movers' counts in two owner slots, never 0 at the same time. */
static struct shm_region *region_of_two;
static int turns;

int __real_sched_yield(void);
int __wrap_sched_yield(void);

/* On a machine that is busy each takes as long as others run. */
static int slow_yields = -1; /* -1: they are not slow */

int __wrap_sched_yield(void)
{
    if (slow_yields >= 0) {
        slow_yields++;
        pause_ns(5 * MILLISECOND);
    }
    if (!region_of_two)
        return __real_sched_yield();
    for (uint32_t i = 0; i < 2; i++)
        atomic_put_relaxed(&region_of_two->owners[i].marks,
                           (uint32_t)(turns & 1) == i ? OWNER_MOVE : 0);
    turns++;
    return 0;
}

static void register_and_wait(void *memory, struct gate *gate, uint32_t step)
{
    pid_t pid = fork_child();

    if (pid == 0) {
        must_write(attach_to(memory), 64, step);
        gate_open(gate, step);
        pause();
    }
    gate_wait(gate, step);
}

Test(unit, whoever_joins_waits_for_each_writer_once)
{
    const IpcSubscription *how[] = {NULL, &from_oldest};
    struct gate *gate = make_gate();
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, 2, &memory);

    register_and_wait(memory, gate, 1);
    register_and_wait(memory, gate, 2);
    region_of_two = memory;
    __wrap_sched_yield();
    for (int i = 0; i < 2; i++) {
        turns = 0;
        must_work(ipc_buffer_subscribe(b, how[i]));
        must(turns > 0 && turns < 5);
        must_work(ipc_buffer_unsubscribe(b));
    }
    region_of_two = NULL;
}

/* One that is stopped in the midst of it lets nobody know which entry is the
 * oldest, or whether it is about to remove who was in the slot before. */
static void write_meanwhile(void)
{
    must_write(next_one, 64, 3);
}

static void subscribe_and_wait(void *memory, struct gate *gate)
{
    pid_t pid = fork_child();

    if (pid == 0) {
        subscriber_of(memory, NULL);
        gate_open(gate, 1);
        pause();
    }
    gate_wait(gate, 1);
}

Test(unit, one_that_is_stopped_while_it_makes_room_holds_up_who_joins)
{
    struct gate *gate = make_gate();
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, 2, &memory);
    struct shm_region *region = memory;

    register_and_wait(memory, gate, 1);
    register_and_wait(memory, gate, 2);
    atomic_put_relaxed(&region->owners[1].marks, OWNER_MOVE);
    must_fail(ipc_buffer_subscribe(b, &from_oldest), IPC_ERR_LOCKED);
    must_fail(ipc_buffer_subscribe(b, NULL), IPC_ERR_LOCKED);
    must(count_subscribers(b) == 0);
    /* What is written while it waits is behind anything that there was. */
    next_one = attach_to(memory);
    meanwhile = write_meanwhile;
    must_work(ipc_buffer_subscribe(b, NULL));
    must_be(try_to_read(b), IPC_EMPTY);
}

/* Its tail may have been behind what the one before has read. */
Test(unit, what_one_producer_writes_does_not_shorten_the_wait)
{
    struct gate *gate = make_gate();
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, IPC_BUFFER_ONE_PRODUCER, 2, &memory);
    struct shm_region *region = memory;

    next_one = attach_to(memory);
    must_write(next_one, 64, 1);
    subscribe_and_wait(memory, gate);
    atomic_put_relaxed(&region->owners[1].marks, OWNER_MOVE);
    meanwhile = write_meanwhile;
    must_fail(ipc_buffer_subscribe(b, NULL), IPC_ERR_LOCKED);
    must(meanwhile == NULL);
}

/* ----------------------------------------------------------------- put off */

/* As one leaves it who is stopped between two steps of joining. */
static void stop_in_joining(struct shm_subscriber *slot)
{
    atomic_put_relaxed(
        &slot->cursor.position,
        (uint64_t)atomic_get_relaxed(&slot->owner) << INDEX_BITS | FREE_SLOT);
}

Test(unit, one_that_is_stopped_while_it_joins_holds_up_no_writer)
{
    struct gate *gate = make_gate();
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, 2, &memory);

    subscribe_and_wait(memory, gate);
    stop_in_joining(subscriber_at(memory, 0));
    for (uint64_t seed = 0; seed < 3 * BLOCKS; seed++)
        must_write(b, 64, seed);
    must(count_subscribers(b) == 1);
    must_read_all(subscriber_of(memory, &from_oldest), 64, 2 * BLOCKS,
                  3 * BLOCKS - 1);
}

/* Until that has happened somebody is said to be moving the gate, so that who
 * joins waits. */
static void write_two_laps(void)
{
    for (uint64_t seed = 1; seed <= 2 * BLOCKS; seed++)
        must_write(next_one, 64, seed);
    atomic_put_relaxed(&((struct shm_region *)ring)->owners[0].marks, 0);
}

static IpcBuffer *new_with_writers_that_overtake(void)
{
    IpcBuffer *b = new_broadcast(BLOCKS, 0, 2, &ring);

    register_and_wait(ring, make_gate(), 1);
    atomic_put_relaxed(&((struct shm_region *)ring)->owners[0].marks,
                       OWNER_MOVE);
    next_one = attach_to(ring);
    meanwhile = write_two_laps;
    return b;
}

Test(unit, nobody_waits_longer_for_others_where_the_machine_is_busy)
{
    void *memory;
    IpcBuffer *b = new_broadcast(BLOCKS, 0, 2, &memory);
    struct shm_region *region = memory;

    register_and_wait(memory, make_gate(), 1);
    subscribe_and_wait(memory, make_gate());
    atomic_put_relaxed(&region->owners[0].marks, OWNER_MOVE);
    slow_yields = 0;
    must_fail(ipc_buffer_subscribe(b, &from_oldest), IPC_ERR_LOCKED);
    must_say(slow_yields > 1 && slow_yields < 100, "%d", slow_yields);
    stop_in_joining(subscriber_at(memory, 0));
    slow_yields = 0;
    for (uint64_t seed = 0; seed < 3 * BLOCKS; seed++)
        must_write(b, 64, seed);
    must_say(slow_yields > 0 && slow_yields < 100, "%d", slow_yields);
    slow_yields = -1;
}

Test(unit, whoever_is_overtaken_by_writers_begins_to_join_anew)
{
    IpcBuffer *b = new_with_writers_that_overtake();

    must_work(ipc_buffer_subscribe(b, &from_oldest));
    must(meanwhile == NULL);
    must_read_all(b, 64, BLOCKS + 1, 2 * BLOCKS);
    b = new_with_writers_that_overtake();
    must_work(ipc_buffer_subscribe(b, NULL));
    must(meanwhile == NULL);
    must_be(try_to_read(b), IPC_EMPTY);
    must_write(next_one, 64, 99);
    must_read_all(b, 64, 99, 99);
}

Test(unit, whoever_is_overtaken_behind_a_gap_begins_that_anew)
{
    const IpcSubscription how = {
        .struct_size = sizeof how,
        .policy = IPC_SUBSCRIBER_LAGS,
        .after_gap = IPC_SUBSCRIBE_FROM_OLDEST,
    };
    IpcBuffer *b = new_with_writers_that_overtake();
    struct shm_region *region = ring;
    unsigned char data[64];
    IpcEntry entry = {.payload = data, .size = sizeof data};
    IpcBufferReadResult r;

    /* Evicted by the first two laps, and overtaken by the next. */
    atomic_put_relaxed(&region->owners[0].marks, 0);
    must_work(ipc_buffer_subscribe(b, &how));
    write_two_laps();
    atomic_put_relaxed(&region->owners[0].marks, OWNER_MOVE);
    r = ipc_buffer_read(b, &entry);
    must_be(r.ipc_status, IPC_ERR_LAGGED);
    must(meanwhile == NULL);
    must_say(r.error.body.lost == 3 * BLOCKS * 64, "lost %llu",
             (unsigned long long)r.error.body.lost);
    must(atomic_get_relaxed(&subscriber_at(ring, 0)->lost) ==
         r.error.body.lost);
    must_read_all(b, 64, BLOCKS + 1, 2 * BLOCKS);
}
