/* SPDX-License-Identifier: MIT */
/*
 * How long until a reader has the next entry after a producer was killed: in
 * the middle of a write, where the reader has to find out that the owner is
 * dead, or between claiming and saying who it is, which leaves a gap.
 */
#include "workloads.h"
#include "calls.h"
#include "clock.h"
#include "statistics.h"
#include <sched.h>
#include <shmipc/shmipc.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    REGION = 16384,
    TRIALS = 15,
    MAX_STEPS = 10000,
};

/* What the processes of a trial share. */
struct notes {
    uint64_t ready; /* the victim is where it shall die */
    uint64_t killed_at;
};

static struct {
    void *memory;
    struct notes *notes;
    IpcBuffer *buffer;
    IpcChannel *channel;
    unsigned number; /* of the trial */
} my;

/* Sets up, kills, and answers the ticks it took, or 0: it went wrong. */
typedef uint64_t trial(void);

/* --------------------------------------------------------------- victims */

static void say_ready(void)
{
    __atomic_store_n(&my.notes->ready, 1, __ATOMIC_RELEASE);
}

static void die_in_mid_write(void)
{
    IpcReservation reservation;

    if (IpcBufferReserveResult_is_ok(
            ipc_buffer_reserve(my.buffer, 64, &reservation)))
        say_ready();
    for (;;)
        pause();
}

/* Traced by its parent from the stop on. */
static void die_in_gap(void)
{
    const char data[64] = {0};

    if (ipc_buffer_write(my.buffer, data, sizeof data).ipc_status != IPC_OK ||
        ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        return;
    say_ready();
    raise(SIGSTOP);
    IPC_IGNORE(ipc_buffer_write(my.buffer, data, sizeof data));
}

static pid_t start_victim(void (*victim)(void))
{
    pid_t pid;

    my.notes->ready = 0;
    pid = fork();
    if (pid == 0) {
        victim();
        say_ready(); /* went wrong: nobody shall wait for it */
        _exit(1);
    }
    while (!__atomic_load_n(&my.notes->ready, __ATOMIC_ACQUIRE))
        sched_yield();
    return pid;
}

static void kill_and_reap(pid_t victim)
{
    kill(victim, SIGKILL);
    waitpid(victim, NULL, 0);
}

/* --------------------------------------------------------------- readers */

/* One handle for the buffer and one for the channel, in a new region. */
static bool set_up(void)
{
    static const IpcChannelConfiguration configuration = {
        .max_round_trips = 1,
        .start_sleep_ns = 1000000,
        .max_sleep_ns = 1000000};
    IpcBufferCreateResult b = ipc_buffer_create(my.memory, REGION);
    IpcChannelConnectResult c;

    if (IpcBufferCreateResult_is_error(b))
        return false;
    c = ipc_channel_connect_sized(my.memory, REGION, configuration);
    my.buffer = b.result;
    my.channel = c.result;
    return IpcChannelConnectResult_is_ok(c);
}

static void tear_down(void)
{
    ipc_channel_destroy(my.channel);
    ipc_buffer_destroy(my.buffer);
}

static bool write_next(void)
{
    return ipc_channel_write(my.channel, "the next", 8).ipc_status == IPC_OK;
}

static bool poll_next(void)
{
    char data[64];
    IpcEntry entry = {.payload = data, .size = sizeof data};

    return ipc_buffer_read(my.buffer, &entry).ipc_status == IPC_OK;
}

static bool wait_for_next(void)
{
    char data[64];
    IpcEntry entry = {.payload = data, .size = sizeof data};

    return ipc_channel_read_into_with_timeout(my.channel, &entry, NULL)
               .ipc_status == IPC_OK;
}

/* ---------------------------------------------------------------- trials */

static uint64_t recover_until_next(void)
{
    uint64_t start = clock_ticks();

    while (!poll_next())
        if (IpcBufferRecoverResult_is_error(ipc_buffer_recover(my.buffer)))
            return 0;
    return clock_ticks() - start;
}

static uint64_t recover_from_reaped(void)
{
    pid_t victim = start_victim(die_in_mid_write);
    bool written = write_next();

    kill_and_reap(victim);
    return written ? recover_until_next() : 0;
}

/* Its parent has not asked for it yet: it has still a pid. */
static uint64_t recover_from_zombie(void)
{
    pid_t victim = start_victim(die_in_mid_write);
    bool written = write_next();
    siginfo_t info;
    uint64_t ticks;

    kill(victim, SIGKILL);
    waitid(P_PID, (id_t)victim, &info, WEXITED | WNOWAIT);
    ticks = written ? recover_until_next() : 0;
    waitpid(victim, NULL, 0);
    return ticks;
}

static uint64_t read_after_death(void)
{
    pid_t victim = start_victim(die_in_mid_write);
    bool written = write_next();
    uint64_t start;

    kill_and_reap(victim);
    start = clock_ticks();
    return written && wait_for_next() ? clock_ticks() - start : 0;
}

/* Kills at another moment of the reader's sleep each time. */
static pid_t start_killer(pid_t victim)
{
    const struct timespec later = {0, 5000000 + (long)my.number * 7000000};
    pid_t killer = fork();

    if (killer == 0) {
        nanosleep(&later, NULL);
        my.notes->killed_at = clock_ticks();
        kill(victim, SIGKILL);
        _exit(0);
    }
    return killer;
}

static uint64_t read_meanwhile(void)
{
    pid_t victim = start_victim(die_in_mid_write);
    bool written = write_next();
    pid_t killer = start_killer(victim);
    bool read = written && wait_for_next();
    uint64_t end = clock_ticks();

    waitpid(killer, NULL, 0);
    waitpid(victim, NULL, 0);
    return read ? end - my.notes->killed_at : 0;
}

static bool has_gap(void)
{
    IpcBufferStats stats = {.struct_size = sizeof stats};

    ipc_buffer_stats(my.buffer, &stats);
    return stats.head_state == IPC_BUFFER_HEAD_CLAIMED;
}

/* Leaves a victim that has ended to be reaped. */
static bool is_stopped(pid_t victim)
{
    siginfo_t info = {.si_code = 0};

    waitid(P_PID, (id_t)victim, &info, WEXITED | WSTOPPED | WNOWAIT);
    return (info.si_code == CLD_STOPPED || info.si_code == CLD_TRAPPED) &&
           waitpid(victim, NULL, WUNTRACED) == victim;
}

/* A gap lasts for a few instructions: takes the victim there one by one. */
static bool step_into_gap(pid_t victim)
{
    bool stopped = is_stopped(victim);

    poll_next(); /* what it wrote so as to be known */
    for (int i = 0; stopped && i < MAX_STEPS && !has_gap(); i++)
        stopped = ptrace(PTRACE_SINGLESTEP, victim, NULL, NULL) == 0 &&
                  is_stopped(victim);
    return stopped && has_gap();
}

static uint64_t poll_past_gap(void)
{
    pid_t victim = start_victim(die_in_gap);
    bool stepped = step_into_gap(victim);
    uint64_t start;

    kill_and_reap(victim);
    if (!stepped || !write_next())
        return 0;
    start = clock_ticks();
    while (!poll_next())
        continue;
    return clock_ticks() - start;
}

/* ----------------------------------------------------------- measurement */

struct scenario {
    trial *one;
    unsigned trials;
};

/* ns, the median of some trials. */
static double time_recovery(const struct task *task)
{
    const struct scenario *s = task->of;
    double ticks[TRIALS];

    my.memory = task_memory(REGION);
    my.notes = task_memory(sizeof *my.notes);
    for (my.number = 0; my.number < s->trials; my.number++) {
        if (!set_up())
            _exit(1);
        ticks[my.number] = (double)s->one();
        if (!(ticks[my.number] > 0))
            return -1;
        tear_down();
    }
    return stat_quantile(ticks, s->trials, 0.5) * run_ns_per_tick();
}

#define SCENARIO(NAME, NOTE, TRIAL, COUNT)                                     \
    {                                                                          \
        .about = {.name = NAME, .note = NOTE, .traits = TRAIT_OURS},           \
        .figure = "ns", .measure = time_recovery,                              \
        .of = &(const struct scenario){TRIAL, COUNT}, .memory = REGION,        \
        .cpu = -1,                                                             \
    }

static const struct task scenarios[] = {
    SCENARIO("shmipc recover, process gone", "ipc_buffer_recover and a read",
             recover_from_reaped, TRIALS),
    SCENARIO("shmipc recover, zombie", "ipc_buffer_recover and a read",
             recover_from_zombie, TRIALS),
    SCENARIO("shmipc read after the death",
             "a channel's blocking read by itself", read_after_death, TRIALS),
    SCENARIO("shmipc read during the death",
             "from the kill on, which wakes nobody", read_meanwhile, TRIALS),
    SCENARIO("shmipc read past a gap", "a buffer's reads, polling",
             poll_past_gap, TRIALS),
};

void workload_recovery(const struct plan *plan)
{
    static const char group[] = "a killed producer's entry in front";
    struct field field = {.workload = "recovery"};

    task_enter(&field, &call_system, group);
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        if (plan_wants(plan, &scenarios[i].about))
            task_enter(&field, &scenarios[i], group);
    field_measure(&field, plan, task_measure);
    field_limit(&field, "system call", FIELD_SMALLEST);
    report_print("recovery");
}
