/* SPDX-License-Identifier: MIT */
/*
 * One thread writes a message and reads it again: what the instructions cost,
 * without any cache line that changes its CPU.
 */
#include "workloads.h"
#include "field.h"
#include "bare.h"
#include "loops.h"

enum { TRIPS = 1000, WARM_TRIPS = 500 };

static void measure_alone(struct row *row, const struct transport *t)
{
    struct outcome out;

    run_alone(t, &row->load, row->place, &out);
    report_status(row, &out);
    if (out.status == RUN_OK || out.status == RUN_WRONG)
        report_add(row, "ns_msg",
                   out.mean_trip * run_ns_per_tick() / LOOP_SENDS_PER_CLOCK);
    run_free(&out);
}

void workload_single(const struct plan *plan)
{
    static const size_t sizes[] = {8, 40, 64, 256, 1024};
    static const struct placement one_cpu = {0, 0};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const struct load load = {.size = sizes[i],
                                  .memory = FIELD_MEMORY,
                                  .producers = 1,
                                  .consumers = 1,
                                  .batch = 1,
                                  .trips = TRIPS,
                                  .warm_trips = WARM_TRIPS};
        struct field field = {.workload = "single"};
        char group[64];

        if (!plan_wants_size(plan, sizes[i]))
            continue;
        snprintf(group, sizeof group, "%zu bytes", sizes[i]);
        field_enter(&field, &limit_copy_twice, &load, one_cpu, group);
        field_enter_all(&field, plan, &load, one_cpu, group);
        field_spare_sleepers(&field);
        field_measure(&field, plan, measure_alone);
        field_limit(&field, "memcpy twice", FIELD_SMALLEST);
    }
    report_print("single");
}
