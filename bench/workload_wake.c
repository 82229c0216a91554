/* SPDX-License-Identifier: MIT */
/*
 * Wake latency: a message goes to a party that is asleep, and comes back to
 * one that fell asleep meanwhile. On one CPU the cost of the software shows,
 * on two the machine's way of waking a CPU beside it.
 */
#include "workloads.h"
#include "field.h"
#include "sleepers.h"

enum { SIZE = 64, MEMORY = 16384, MAX_TRIPS = 10000, WARM_TRIPS = 500 };

/* Where the primitive is not to be had, there is no limit. */
static void limit(const struct field *field, int i, const struct transport *by)
{
    for (int k = 0; k < field->count; k++) {
        const struct row *row = field->candidates[k].row;

        if (field->candidates[k].transport == by && row->figures[0].count > 0)
            report_limit(field->candidates[i].row, "bare primitive",
                         &row->figures[0]);
    }
}

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
    const struct transport *bare[FIELD_MAX];

    for (const struct sleeper *s = sleepers; s->transport; s++)
        if (s->transport->traits & TRAIT_LIMIT ||
            plan_wants(plan, s->transport)) {
            bare[field.count] = s->bare;
            field_enter(&field, s->transport, &load, place, group);
        }
    field_measure(&field, plan, field_trips);
    for (int i = 0; i < field.count; i++)
        limit(&field, i, bare[i]);
}

void workload_wake(const struct plan *plan)
{
    if (!plan_wants_size(plan, SIZE))
        return;
    wake_on(plan, (struct placement){0, 0}, "both on one CPU");
    wake_on(plan, (struct placement){0, 1}, "on two CPUs");
    report_print("wake");
}
