/* SPDX-License-Identifier: MIT */
/*
 * Streams in which one side has something else to do, as real ones have: then
 * the ring is always empty, or always full, and what a message costs is what
 * it costs the side that works.
 */
#include "workloads.h"
#include "field.h"
#include "bare.h"

enum { WORK_NS = 300 };

static const struct placement two_cpus = {0, 1};

/* The work of one message, in this round: another party that polls on the next
 * CPU can slow it down by a sixth, so that it is not timed alone. */
static double work_ns;

static void measure_work(const struct load *load, struct placement place)
{
    struct outcome out;

    run_stream(&limit_nothing, load, place, &out);
    if (out.status == RUN_OK || out.status == RUN_WRONG)
        work_ns = out.seconds * 1e9 /
                  (double)(load->consume_work ? out.received : out.sent);
    run_free(&out);
}

/* The first one of each round. */
static void measure_line(struct row *row)
{
    struct outcome out;

    measure_work(&row->load, row->place);
    run_ping_pong(&limit_line, &row->load, row->place, &out);
    report_status(row, &out);
    if (out.status == RUN_OK)
        report_add(row, "cost_ns", out.mean_trip * run_ns_per_tick() / 2);
    run_free(&out);
}

static void measure_paced(struct row *row, const struct transport *t)
{
    struct outcome out;

    if (t == &limit_line) {
        measure_line(row);
        return;
    }
    run_stream(t, &row->load, row->place, &out);
    report_status(row, &out);
    if (report_is_usable(&out)) {
        double ns = out.seconds * 1e9 / (double)out.received;

        report_add(row, "cost_ns", ns - work_ns);
        report_add(row, "ns_msg", ns);
        report_add(row, "work_ns", work_ns);
    }
    run_free(&out);
}

static void paced_of(const struct plan *plan, const struct load *load,
                     const char *regime)
{
    struct field field = {.workload = "paced"};
    char group[64];

    snprintf(group, sizeof group, "%s, %zu bytes", regime, load->size);
    field_enter(&field, &limit_line, load, two_cpus, group);
    field_enter_all(&field, plan, load, two_cpus, group);
    field_measure(&field, plan, measure_paced);
    field_limit(&field, "one line", FIELD_SMALLEST);
}

static unsigned rounds_of_work(struct load load)
{
    load.produce_work = 1000;
    measure_work(&load, two_cpus);
    return work_ns > 0 ? (unsigned)(WORK_NS * load.produce_work / work_ns) : 1;
}

void workload_paced(const struct plan *plan)
{
    static const size_t sizes[] = {8, 64, 1024};
    struct load load = {.size = 8,
                        .memory = FIELD_MEMORY,
                        .producers = 1,
                        .consumers = 1,
                        .batch = 1,
                        .trips = plan->trips,
                        .warm_trips = plan->trips / 10,
                        .seconds = plan->seconds};
    const unsigned rounds = rounds_of_work(load);

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        load.size = sizes[i];
        if (!plan_wants_size(plan, load.size))
            continue;
        load.produce_work = rounds;
        load.consume_work = 0;
        paced_of(plan, &load, "consumer keeps up");
        load.produce_work = 0;
        load.consume_work = rounds;
        paced_of(plan, &load, "consumer lags");
    }
    report_print("paced");
}
