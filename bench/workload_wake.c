/* SPDX-License-Identifier: MIT */
/*
 * Wake latency: a message goes to a party that is asleep, and comes back to
 * one that fell asleep meanwhile. On one CPU the cost of the software shows,
 * on two the machine's way of waking a CPU beside it.
 */
#include "field.h"
#include "sleepers.h"

enum { SIZE = 64, MEMORY = 16384, MAX_TRIPS = 10000, WARM_TRIPS = 500 };

static void wake_on(const struct plan *plan, struct placement place,
                    const char *group)
{
    const struct load load = {
        .size = SIZE,
        .memory = MEMORY,
        .producers = 1,
        .consumers = 1,
        .batch = 1,
        .trips = plan->trips < MAX_TRIPS ? plan->trips : MAX_TRIPS,
        .warm_trips = WARM_TRIPS,
    };
    struct field field = {.workload = "wake"};

    for (int i = 0; sleepers[i]; i++)
        if (i == 0 || plan_wants(plan, sleepers[i]))
            field_enter(&field, sleepers[i], &load, place, group);
    field_measure(&field, plan, field_trips);
    field_limit(&field, "bare futex", FIELD_SMALLEST);
}

void workload_wake(const struct plan *plan)
{
    if (!plan_wants_size(plan, SIZE))
        return;
    wake_on(plan, (struct placement){0, 0}, "both on one CPU");
    wake_on(plan, (struct placement){0, 1}, "on two CPUs");
    report_print("wake");
}
