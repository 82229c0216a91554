/* SPDX-License-Identifier: MIT */
#include "run.h"
#include "clock.h"
#include "loops.h"
#include "statistics.h"
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    RUNNER_UNAVAILABLE = 3,
    RUNNER_FAILED = 4,
    CLOCK_LOOKS = 2000,
    YIELD_AFTER = 100,
};

/* Shared by all processes of a run, and by who made it. */
struct stage {
    uint64_t ready; /* parties that have joined */
    uint64_t padding1[7];
    uint64_t producers_left;
    uint64_t padding2[7];
    struct tally tallies[RUN_MAX_PARTIES];
    uint64_t trips[];
};

enum kind { STREAM, PING_PONG, ALONE, EXHAUST };

struct run {
    const struct transport *transport;
    const struct load *load;
    struct placement place;
    enum kind kind;
    struct stage *stage;
    struct link links[2];
    struct link views[RUN_MAX_PARTIES]; /* of what a party receives from */
};

static const double hang_seconds = 10;
static double ns_per_tick = 1;
static uint64_t clock_cost;
static cpu_set_t allowed_cpus; /* of this process, before anyone was pinned */

static unsigned senders(const struct run *run)
{
    return run->kind == STREAM ? run->load->producers : 1;
}

static unsigned receivers(const struct run *run)
{
    return run->kind == STREAM      ? run->load->consumers
           : run->kind == PING_PONG ? 1
                                    : 0;
}

static unsigned links(const struct run *run)
{
    return run->kind == PING_PONG ? 2 : 1;
}

/* How many times a message is received. */
static unsigned copies(const struct run *run)
{
    return run->load->broadcast ? run->load->consumers : 1;
}

/* ----------------------------------------------------------------- clock */

static int compare_u64(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

void run_prepare(void)
{
    uint64_t costs[CLOCK_LOOKS];
    uint64_t ns = clock_system_ns();
    uint64_t ticks = clock_ticks();
    sigset_t child;

    while (clock_system_ns() - ns < 50000000)
        continue;
    ns_per_tick =
        (double)(clock_system_ns() - ns) / (double)(clock_ticks() - ticks);
    for (int i = 0; i < CLOCK_LOOKS; i++) {
        ticks = clock_ticks();
        costs[i] = clock_ticks() - ticks;
    }
    clock_cost = (uint64_t)(stat_mean(costs, CLOCK_LOOKS) + 0.5);
    sched_getaffinity(0, sizeof allowed_cpus, &allowed_cpus);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL); /* for sigtimedwait */
}

double run_ns_per_tick(void)
{
    return ns_per_tick;
}

uint64_t run_clock_ticks(void)
{
    return clock_cost;
}

int run_cpu_count(void)
{
    return CPU_COUNT(&allowed_cpus);
}

const char *run_status_name(enum run_status status)
{
    static const char *const names[] = {"ok", "wrong", "hung", "failed",
                                        "unavailable"};

    return names[status];
}

/* --------------------------------------------------------------- parties */

/* Number `which` of the CPUs that this process may use. */
void run_use_cpu(int which)
{
    cpu_set_t set;
    size_t cpu = 0;

    if (which < 0)
        return;
    which %= run_cpu_count();
    while (!CPU_ISSET(cpu, &allowed_cpus) || which-- > 0)
        cpu++;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void wait_for_all(struct stage *stage, uint64_t parties)
{
    unsigned vain = 0;

    __atomic_add_fetch(&stage->ready, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&stage->ready, __ATOMIC_ACQUIRE) < parties)
        if (++vain % 1000 == 0)
            sched_yield();
}

static int perform(const struct run *run, struct party *p, bool sends)
{
    const struct loops *l = run->transport->loops;

    if (run->kind == ALONE)
        return l->alone(p);
    if (run->kind == EXHAUST)
        return l->exhaust(p);
    if (run->kind == PING_PONG)
        return sends ? l->ask(p) : l->answer(p);
    if (run->load->in_place)
        return sends ? l->produce_in_place(p) : l->consume_in_place(p);
    if (run->load->batch > 1)
        return sends ? l->produce_batch(p) : l->consume_batch(p);
    return sends ? l->produce(p) : l->consume(p);
}

/* Receivers first, both ways, so that senders can wait for them: until they
 * are there, and until they are gone. */
static int join(const struct run *run, struct party *p)
{
    for (unsigned i = 0; i < p->in_count; i++)
        if (run->transport->join(&p->in[i], SIDE_RECEIVE, p->index + i) != 0)
            return -1;
    if (p->out && run->transport->join(p->out, SIDE_SEND, p->index) != 0)
        return -1;
    return 0;
}

static void leave(const struct run *run, struct party *p)
{
    if (!run->transport->leave)
        return;
    for (unsigned i = 0; i < p->in_count; i++)
        run->transport->leave(&p->in[i], SIDE_RECEIVE);
    if (p->out)
        run->transport->leave(p->out, SIDE_SEND);
}

/* Page faults belong to no message. */
static void touch(const struct link *link)
{
    const volatile unsigned char *bytes = link->memory;

    for (size_t i = 0; i < link->load->memory; i += 4096)
        (void)bytes[i];
}

/* Which links party number `i` uses. One that is alone has two views of the
 * same link, as two processes would. */
static void assign_links(struct run *run, struct party *p, bool sends)
{
    p->in_count = 0;
    if (run->kind == ALONE || run->kind == EXHAUST) {
        run->links[1] = run->links[0];
        p->out = &run->links[0];
        p->in = &run->links[1];
        p->in_count = 1;
        return;
    }
    if (sends || run->kind == PING_PONG)
        p->out = &run->links[sends ? 0 : 1];
    if (sends && run->kind != PING_PONG)
        return;
    p->in = run->views;
    p->in_count = run->kind == PING_PONG && run->load->broadcast
                      ? run->load->consumers
                      : 1;
    for (unsigned i = 0; i < p->in_count; i++)
        run->views[i] = run->links[sends ? 1 : 0];
}

/* Party number `i` of the run, in its own process; does not return. */
static void be_party(struct run *run, unsigned i)
{
    const struct load *load = run->load;
    bool sends = i < senders(run);
    struct party p = {.load = load,
                      .tally = &run->stage->tallies[i],
                      .index = sends ? i : i - senders(run),
                      .send_ticks =
                          (uint64_t)(load->seconds * 1e9 / ns_per_tick),
                      .trips = run->stage->trips,
                      .producers_left = &run->stage->producers_left};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    run_use_cpu(sends ? run->place.senders : run->place.receivers);
    assign_links(run, &p, sends);
    p.data = aligned_alloc(64, (load->size * load->batch + 127) / 64 * 64);
    if (!p.data || join(run, &p) != 0)
        _exit(RUNNER_UNAVAILABLE);
    memset(p.data, 0x5a, load->size * load->batch);
    for (unsigned k = 0; k < links(run); k++)
        touch(&run->links[k]);
    wait_for_all(run->stage, senders(run) + receivers(run));
    p.tally->start = clock_ticks();
    p.tally->bad = perform(run, &p, sends) != 0;
    p.tally->end = clock_ticks();
    leave(run, &p);
    exit(0); /* libraries may have to say good-bye, too */
}

/* ---------------------------------------------------------------- runner */

static int open_links(struct run *run)
{
    for (unsigned i = 0; i < links(run); i++) {
        struct link *link = &run->links[i];

        link->load = run->load;
        link->number = i;
        snprintf(link->name, sizeof link->name, "shmipc-bench-%d-%u",
                 (int)getpid(), i);
        link->memory = mmap(NULL, run->load->memory, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (link->memory == MAP_FAILED || run->transport->open(link) != 0)
            return -1;
    }
    return 0;
}

static int wait_for_parties(unsigned count)
{
    int result = 0;

    while (count > 0) {
        int status;

        if (wait(&status) < 0)
            return RUNNER_FAILED;
        count--;
        if (!WIFEXITED(status))
            return RUNNER_FAILED;
        if (WEXITSTATUS(status) != 0)
            return WEXITSTATUS(status);
    }
    return result;
}

/* In the run's own process; does not return. */
static void be_runner(struct run *run)
{
    unsigned parties = senders(run) + receivers(run);
    int result;

    if (open_links(run) != 0)
        _exit(RUNNER_UNAVAILABLE);
    run->stage->producers_left = run->load->producers;
    for (unsigned i = 0; i < parties; i++) {
        pid_t pid = fork();

        if (pid == 0)
            be_party(run, i);
        if (pid < 0)
            _exit(RUNNER_FAILED);
    }
    result = wait_for_parties(parties);
    for (unsigned i = 0; i < links(run); i++)
        if (run->transport->close)
            run->transport->close(&run->links[i]);
    _exit(result);
}

/* The runner's wait status, or -1 if it had to be killed. */
static int wait_for_runner(pid_t runner, double seconds)
{
    uint64_t end = clock_system_ns() + (uint64_t)(seconds * 1e9);
    int status = -1;
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    while (waitpid(runner, &status, WNOHANG) != runner) {
        struct timespec slice = {1, 0};

        if (clock_system_ns() >= end) {
            kill(-runner, SIGKILL);
            waitpid(runner, &status, 0);
            return -1;
        }
        sigtimedwait(&child, NULL, &slice);
    }
    kill(-runner, SIGKILL); /* whom it may have left behind */
    return status;
}

/* --------------------------------------------------------------- outcome */

static void sum_up(const struct run *run, int status, struct outcome *out)
{
    const struct tally *tallies = run->stage->tallies;
    uint64_t start = UINT64_MAX, end = 0;
    bool bad = false;
    unsigned parties = senders(run) + receivers(run);

    for (unsigned i = 0; i < parties; i++) {
        const struct tally *t = &tallies[i];

        out->sent += t->sent;
        out->received += t->received;
        out->wrong += t->wrong;
        out->skipped += t->skipped;
        bad |= t->bad != 0;
        if (t->start < start)
            start = t->start;
        if (t->end > end)
            end = t->end;
    }
    out->seconds = (double)(end - start) * ns_per_tick / 1e9;
    if (status == -1)
        out->status = RUN_HUNG;
    else if (WIFEXITED(status) && WEXITSTATUS(status) == RUNNER_UNAVAILABLE)
        out->status = RUN_UNAVAILABLE;
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || bad)
        out->status = RUN_FAILED;
    else if (out->wrong || out->skipped ||
             out->sent * copies(run) != out->received)
        out->status = RUN_WRONG;
    else
        out->status = RUN_OK;
}

static void sort_trips(uint64_t *trips, uint64_t count, struct outcome *out)
{
    for (uint64_t i = 0; i < count; i++)
        trips[i] = trips[i] > clock_cost ? trips[i] - clock_cost : 0;
    out->mean_trip = stat_mean(trips, (size_t)count);
    qsort(trips, (size_t)count, sizeof trips[0], compare_u64);
    out->trips = trips;
    out->trip_count = count;
}

/* A process in a group of its own, whose wait status wait_for_runner() gets. */
static pid_t fork_runner(void)
{
    sigset_t none;
    pid_t runner;

    fflush(NULL);
    runner = fork();
    if (runner == 0) {
        setpgid(0, 0);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
    } else if (runner > 0) {
        setpgid(runner, runner);
    }
    return runner;
}

static void run_one(struct run run, struct outcome *out)
{
    struct load load = *run.load;
    bool has_trips = run.kind == PING_PONG || run.kind == ALONE;
    uint64_t trips = has_trips ? run.load->trips : 0;
    pid_t runner;

    if (run_cpu_count() == 1 && load.yield_after == 0)
        load.yield_after = YIELD_AFTER; /* who polls keeps the other off */
    run.load = &load;
    *out = (struct outcome){.status = RUN_FAILED};
    out->stage_size =
        sizeof *run.stage + (size_t)trips * sizeof run.stage->trips[0];
    run.stage = mmap(NULL, out->stage_size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run.stage == MAP_FAILED)
        return;
    out->stage = run.stage;
    runner = fork_runner();
    if (runner == 0)
        be_runner(&run);
    if (runner < 0)
        return;
    sum_up(&run, wait_for_runner(runner, hang_seconds + 4 * run.load->seconds),
           out);
    if (trips)
        sort_trips(run.stage->trips, trips, out);
}

void run_stream(const struct transport *t, const struct load *load,
                struct placement place, struct outcome *out)
{
    run_one((struct run){t, load, place, .kind = STREAM}, out);
}

void run_ping_pong(const struct transport *t, const struct load *load,
                   struct placement place, struct outcome *out)
{
    run_one((struct run){t, load, place, .kind = PING_PONG}, out);
}

void run_alone(const struct transport *t, const struct load *load,
               struct placement place, struct outcome *out)
{
    run_one((struct run){t, load, place, .kind = ALONE}, out);
}

void run_exhaust(const struct transport *t, const struct load *load,
                 struct placement place, struct outcome *out)
{
    run_one((struct run){t, load, place, .kind = EXHAUST}, out);
}

int run_apart(int (*task)(void *shared), void *shared, int cpu)
{
    pid_t runner = fork_runner();
    int status;

    if (runner == 0) {
        run_use_cpu(cpu);
        _exit(task(shared));
    }
    if (runner < 0)
        return -1;
    status = wait_for_runner(runner, hang_seconds);
    return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void run_free(struct outcome *out)
{
    if (out->stage)
        munmap(out->stage, out->stage_size);
    out->stage = NULL;
}

bool run_is_possible(const struct transport *t, const struct load *load)
{
    if (load->broadcast != ((t->traits & TRAIT_BROADCAST) != 0) ||
        (t->max_size && load->size > t->max_size) ||
        (load->producers > 1 && !(t->traits & TRAIT_MANY_PRODUCERS)) ||
        (load->consumers > 1 && !(t->traits & TRAIT_MANY_CONSUMERS)))
        return false;
    if (load->in_place)
        return t->loops->produce_in_place != NULL;
    if (t->traits & TRAIT_ONLY_IN_PLACE ||
        (load->batch <= 1 && t->traits & TRAIT_ONLY_BATCHES))
        return false;
    return load->batch <= 1 || t->loops->produce_batch != NULL;
}
