/* SPDX-License-Identifier: MIT */
/*
 * The workloads in which messages pass between processes: one way latency,
 * throughput, contention.
 */
#include "limits.h"
#include "workloads.h"
#include <string.h>

enum {
    DEFAULT_MEMORY = 1 << 20,
    MAX_CANDIDATES = 40,
    WARM_TRIPS = 20000, /* a lap of the smaller messages */
};

static const struct placement two_cpus = {0, 1};
static const struct placement anywhere = {-1, -1};

/* One line of a table while it is being measured. */
struct candidate {
    const struct transport *transport;
    struct row *row;
};

struct field {
    struct candidate candidates[MAX_CANDIDATES];
    int count;
};

static void enter(struct field *field, const char *workload,
                  const struct transport *t, const struct load *load,
                  struct placement place, const char *group)
{
    struct candidate *c = &field->candidates[field->count];

    if (!run_is_possible(t, load) || field->count == MAX_CANDIDATES)
        return;
    c->transport = t;
    c->row = report_row(workload, t, load, place, group);
    field->count++;
}

static void enter_all(struct field *field, const struct plan *plan,
                      const char *workload, const struct load *load,
                      struct placement place, const char *group)
{
    for (int i = 0; transports[i]; i++)
        if (plan_wants(plan, transports[i]))
            enter(field, workload, transports[i], load, place, group);
}

typedef void measure_fn(struct row *row, const struct transport *t);

/* All candidates in turn, round by round, so that what the machine does to
 * one round it does to all. What hung or failed once is left alone. */
static void measure(struct field *field, const struct plan *plan,
                    measure_fn *one)
{
    for (int round = 0; round < plan->rounds; round++)
        for (int i = 0; i < field->count; i++) {
            struct candidate *c = &field->candidates[i];

            if (c->row->status == RUN_OK || c->row->status == RUN_WRONG)
                one(c->row, c->transport);
        }
}

/* --------------------------------------------------------------- latency */

static double trip_at(const struct outcome *out, double share)
{
    uint64_t i = (uint64_t)((double)(out->trip_count - 1) * share);

    return (double)out->trips[i] * run_ns_per_tick() / 2;
}

static void measure_trips(struct row *row, const struct transport *t)
{
    struct outcome out;

    run_ping_pong(t, &row->load, row->place, &out);
    report_status(row, &out);
    if (out.status == RUN_OK || out.status == RUN_WRONG) {
        report_add(row, "p50_ns", trip_at(&out, 0.5));
        report_add(row, "p99_ns", trip_at(&out, 0.99));
        report_add(row, "p99.9_ns", trip_at(&out, 0.999));
        report_add(row, "max_ns", trip_at(&out, 1));
    }
    run_free(&out);
}

static void set_limit(struct field *field, const char *name, double value)
{
    for (int i = 0; i < field->count; i++)
        report_limit(field->candidates[i].row, name, value);
}

void workload_latency(const struct plan *plan)
{
    static const size_t sizes[] = {8, 64, 256, 1024, 4096};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct load load = {.size = sizes[i],
                            .memory = DEFAULT_MEMORY,
                            .producers = 1,
                            .consumers = 1,
                            .batch = 1,
                            .trips = plan->trips,
                            .warm_trips = WARM_TRIPS};
        struct field field = {.count = 0};
        char group[32];

        if (!plan_wants_size(plan, sizes[i]))
            continue;
        snprintf(group, sizeof group, "%zu bytes", sizes[i]);
        enter(&field, "latency", &limit_line, &load, two_cpus, group);
        enter_all(&field, plan, "latency", &load, two_cpus, group);
        measure(&field, plan, measure_trips);
        set_limit(&field, "one line",
                  report_median(field.candidates[0].row, "p50_ns"));
    }
    report_print("latency");
}

/* ------------------------------------------------------------ throughput */

static void measure_stream(struct row *row, const struct transport *t)
{
    struct outcome out;

    run_stream(t, &row->load, row->place, &out);
    report_status(row, &out);
    if (out.status == RUN_OK || out.status == RUN_WRONG) {
        double rate = (double)out.received / out.seconds;

        report_add(row, "M_msg_s", rate / 1e6);
        report_add(row, "MB_s", rate * (double)row->load.size / 1e6);
        report_add(row, "ns_msg", 1e9 / rate);
    }
    run_free(&out);
}

/* The best of the candidates that are limits. */
static double best_limit(const struct field *field, const char *figure)
{
    double best = 0;

    for (int i = 0; i < field->count; i++) {
        const struct row *row = field->candidates[i].row;
        double value = report_median(row, figure);

        if ((row->traits & TRAIT_LIMIT) && value > best)
            best = value;
    }
    return best;
}

static size_t memory_for(size_t size)
{
    return size * 16 > DEFAULT_MEMORY ? size * 16 : DEFAULT_MEMORY;
}

static void throughput_of(const struct plan *plan, size_t size, bool in_place,
                          unsigned batch)
{
    struct load load = {.size = size,
                        .memory = memory_for(size),
                        .producers = 1,
                        .consumers = 1,
                        .batch = batch,
                        .in_place = in_place,
                        .seconds = plan->seconds};
    struct load single = load;
    struct field field = {.count = 0};
    char group[64];

    single.batch = 1;
    single.in_place = false;
    snprintf(group, sizeof group, "1x1, %zu bytes%s%s", size,
             in_place ? ", in place" : "", batch > 1 ? ", batches" : "");
    enter(&field, "throughput", &limit_copy_few, &single, two_cpus, group);
    enter(&field, "throughput", &limit_copy_some, &single, two_cpus, group);
    enter(&field, "throughput", &limit_copy_all, &single, two_cpus, group);
    enter_all(&field, plan, "throughput", &load, two_cpus, group);
    measure(&field, plan, measure_stream);
    set_limit(&field, "bare memcpy", best_limit(&field, "M_msg_s"));
}

void workload_throughput(const struct plan *plan)
{
    static const size_t sizes[] = {8,    64,    256,   1024,
                                   4096, 16384, 65536, 1048576};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (!plan_wants_size(plan, sizes[i]))
            continue;
        throughput_of(plan, sizes[i], false, 1);
        if (sizes[i] <= 64)
            throughput_of(plan, sizes[i], false, 64);
        if (sizes[i] >= 64)
            throughput_of(plan, sizes[i], true, 1);
    }
    report_print("throughput");
}

/* ------------------------------------------------------------ contention */

static void contention_of(const struct plan *plan, size_t size,
                          unsigned producers, unsigned consumers,
                          struct placement place, const char *where)
{
    struct load load = {.size = size,
                        .memory = DEFAULT_MEMORY,
                        .producers = producers,
                        .consumers = consumers,
                        .batch = 1,
                        .seconds = plan->seconds,
                        .yield_after = 100};
    struct field field = {.count = 0};
    char group[64];

    snprintf(group, sizeof group, "%ux%u, %zu bytes%s", producers, consumers,
             size, where);
    enter_all(&field, plan, "contention", &load, place, group);
    measure(&field, plan, measure_stream);
}

void workload_contention(const struct plan *plan)
{
    static const size_t sizes[] = {64, 1024};

    for (size_t i = 0; i < 2; i++) {
        if (!plan_wants_size(plan, sizes[i]))
            continue;
        contention_of(plan, sizes[i], 1, 1, two_cpus, "");
        contention_of(plan, sizes[i], 2, 1, two_cpus,
                      ", producers share a CPU");
        contention_of(plan, sizes[i], 2, 1, anywhere, "");
        contention_of(plan, sizes[i], 4, 1, anywhere, "");
        contention_of(plan, sizes[i], 1, 4, anywhere, "");
        contention_of(plan, sizes[i], 4, 4, anywhere, "");
    }
    report_print("contention");
}
