/* SPDX-License-Identifier: MIT */
/*
 * What waiting costs: messages come so and so often to a reader that blocks,
 * and has nothing else to do. How much of a CPU it takes, and how long each
 * message was under way. To look for the next one for a while before sleeping
 * makes the one cheaper, and the other shorter, only if that comes soon.
 */
#include "workloads.h"
#include "field.h"
#include "sleepers.h"
#include "task.h"
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 64, MEMORY = 1 << 16, MOST = 1 << 18, FIRST = 20, ENOUGH = 200 };

/* One run: what was asked for, and what the reader found out. */
struct stream {
    const struct sleeper_stream *by;
    struct load load;
    uint64_t interval; /* ticks */
    uint64_t count;
    uint32_t ready;
    double cpu_ns, wall_ns;
    uint64_t sleeps;
    uint64_t wrong;
    uint64_t under_way[MOST]; /* ticks */
};

static struct stream *stream;

/* ---------------------------------------------------------------- parties */

/* A message says at both ends when it was sent. */
static int send_all(struct stream *s, struct link *to)
{
    unsigned char data[SIZE] = {0};
    uint64_t next;

    while (!__atomic_load_n(&s->ready, __ATOMIC_ACQUIRE))
        clock_relax();
    next = clock_ticks();
    for (uint64_t i = 0; i < s->count; i++) {
        uint64_t now;
        int n;

        while ((now = clock_ticks()) < next)
            clock_relax();
        loop_mark(data, SIZE, now);
        while ((n = s->by->send(to, data, SIZE)) == 0)
            clock_relax();
        if (n < 0)
            return -1;
        /* Who was held up does not make up for it. */
        next = (next + s->interval > now ? next : now) + s->interval;
    }
    return 0;
}

static double cpu_of(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e9 +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) * 1e3;
}

static void take_stock(struct stream *s, double sign)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    s->cpu_ns += sign * cpu_of(&use);
    s->wall_ns += sign * (double)clock_system_ns();
    s->sleeps += (uint64_t)(sign * (double)use.ru_nvcsw);
}

static int receive_all(struct stream *s, struct link *from)
{
    unsigned char data[SIZE];
    uint64_t last = 0;

    __atomic_store_n(&s->ready, 1, __ATOMIC_RELEASE);
    for (uint64_t i = 0; i < s->count; i++) {
        uint64_t sent;

        if (s->by->receive(from, data, SIZE) != SIZE)
            return -1;
        sent = loop_word(data);
        s->under_way[i] = clock_ticks() - sent;
        s->wrong += sent <= last || !loop_is_whole(data, SIZE);
        last = sent;
        if (i + 1 == FIRST)
            take_stock(s, -1);
    }
    take_stock(s, 1);
    return 0;
}

static int be_party(struct stream *s, struct link *link, enum side side)
{
    const struct transport *t = s->by->transport;

    run_use_cpu(side == SIDE_SEND ? 0 : 1);
    if (t->join(link, side, 0) != 0)
        return -1;
    return side == SIDE_SEND ? send_all(s, link) : receive_all(s, link);
}

/* In a process of its own. */
static int run_stream_of(void *shared)
{
    struct stream *s = shared;
    struct link link = {.load = &s->load};
    pid_t parties[2];
    int bad = 0;

    snprintf(link.name, sizeof link.name, "shmipc-bench-%d", (int)getpid());
    link.memory = task_memory(MEMORY);
    if (s->by->transport->open(&link) != 0)
        return 1;
    for (int i = 0; i < 2; i++) {
        parties[i] = fork();
        if (parties[i] == 0)
            _exit(be_party(s, &link, i ? SIDE_SEND : SIDE_RECEIVE) != 0);
    }
    for (int i = 0; i < 2; i++) {
        int status;

        bad |= parties[i] < 0 || waitpid(parties[i], &status, 0) < 0 ||
               status != 0;
    }
    return bad;
}

/* ---------------------------------------------------------------- figures */

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void add_figures(struct row *row, struct stream *s)
{
    const uint64_t n = s->count - FIRST;
    const double tick = run_ns_per_tick();

    qsort(s->under_way + FIRST, n, sizeof s->under_way[0], compare);
    report_add(row, "cpu_pct", 100 * s->cpu_ns / s->wall_ns);
    report_add(row, "p50_ns", (double)s->under_way[FIRST + n / 2] * tick);
    report_add(row, "p99_ns",
               (double)s->under_way[FIRST + n * 99 / 100] * tick);
    report_add(row, "sleeps_pct", 100 * (double)s->sleeps / (double)n);
}

/* Which rate the rows that are being measured are of. */
static unsigned per_second;

static void measure(struct row *row, const struct transport *t)
{
    const double seconds = row->load.seconds;
    struct outcome out = {.status = RUN_OK};
    struct stream *s = stream;

    memset(s, 0, offsetof(struct stream, under_way));
    for (s->by = sleepers_streams; s->by->transport != t;)
        s->by++;
    s->load = row->load;
    s->interval = (uint64_t)(1e9 / per_second / run_ns_per_tick());
    s->count = FIRST + (uint64_t)(per_second * seconds);
    if (s->count < FIRST + ENOUGH)
        s->count = FIRST + ENOUGH;
    if (s->count > MOST)
        s->count = MOST;
    if (run_apart(run_stream_of, s, -1) != 0)
        out.status = RUN_FAILED;
    else if (s->wrong)
        out.status = RUN_WRONG;
    out.sent = out.received = s->count;
    out.wrong = s->wrong;
    report_status(row, &out);
    if (out.status == RUN_OK)
        add_figures(row, s);
}

void workload_rate(const struct plan *plan)
{
    static const unsigned rates[] = {1000, 10000, 100000, 500000};
    const struct load load = {.size = SIZE,
                              .memory = MEMORY,
                              .producers = 1,
                              .consumers = 1,
                              .batch = 1,
                              .seconds = plan->seconds};

    if (!plan_wants_size(plan, SIZE))
        return;
    stream = task_memory(sizeof *stream);
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct field field = {.workload = "rate"};
        char group[64];

        per_second = rates[i];
        snprintf(group, sizeof group, "%u messages/s", per_second);
        for (const struct sleeper_stream *s = sleepers_streams; s->transport;
             s++)
            if (plan_wants(plan, s->transport))
                field_enter(&field, s->transport, &load,
                            (struct placement){0, 1}, group);
        field_measure(&field, plan, measure);
    }
    report_print("rate");
}
