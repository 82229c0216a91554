/* SPDX-License-Identifier: MIT */
/*
 * One sends, and each of several gets every message: how long until the last
 * one has it, and how many are received by all of them together. Beside it, in
 * each group, a plain ring from one to one.
 */
#include "workloads.h"
#include "bare.h"
#include "field.h"
#include "transports.h"

enum { SIZE = 64, BATCH = 64, WARM_TRIPS = 20000 };

static const struct placement two_cpus = {0, 1};
static const struct placement anywhere = {-1, -1};

static const struct transport *const plain[] = {&transport_one_one,
                                                &transport_many_many};

static void enter(struct field *field, const struct plan *plan,
                  const struct load *load, struct placement place,
                  const char *group)
{
    struct load pair = *load;

    pair.consumers = 1;
    pair.broadcast = false;
    for (int i = 0; i < 2; i++)
        if (plan_wants(plan, plain[i]))
            field_enter(field, plain[i], &pair, two_cpus, group);
    field_enter_all(field, plan, load, place, group);
}

/* Each way to so many, who are all in the other process: so the multiple is
 * one way, until the last of them has the message. */
static void one_way(const struct plan *plan, unsigned subscribers)
{
    struct load load = {.size = SIZE,
                        .memory = FIELD_MEMORY,
                        .producers = 1,
                        .consumers = subscribers,
                        .broadcast = true,
                        .batch = 1,
                        .trips = plan->trips,
                        .warm_trips = plan->trips < WARM_TRIPS ? plan->trips
                                                               : WARM_TRIPS};
    struct load line = load;
    struct field field = {.workload = "broadcast"};
    char group[64];

    line.consumers = 1;
    line.broadcast = false;
    snprintf(group, sizeof group, "1 to %u, one way", subscribers);
    field_enter(&field, &limit_line, &line, two_cpus, group);
    enter(&field, plan, &load, two_cpus, group);
    field_spare_sleepers(&field);
    field_measure(&field, plan, field_trips);
    field_limit(&field, "one line", FIELD_SMALLEST);
}

/* Each subscriber is a process; as in `contention` there can be more of them
 * than CPUs, so all yield. */
static void stream(const struct plan *plan, unsigned subscribers,
                   unsigned batch)
{
    struct load load = {.size = SIZE,
                        .memory = FIELD_MEMORY,
                        .producers = 1,
                        .consumers = subscribers,
                        .broadcast = true,
                        .batch = batch,
                        .seconds = plan->seconds,
                        .yield_after = 100};
    struct field field = {.workload = "broadcast"};
    char group[64];

    snprintf(group, sizeof group, "1 to %u, a stream%s", subscribers,
             batch > 1 ? ", batches" : "");
    enter(&field, plan, &load, subscribers > 1 ? anywhere : two_cpus, group);
    field_measure(&field, plan, field_stream);
}

void workload_broadcast(const struct plan *plan)
{
    static const unsigned subscribers[] = {1, 2, 4, 8};

    if (!plan_wants_size(plan, SIZE))
        return;
    for (size_t i = 0; i < sizeof subscribers / sizeof subscribers[0]; i++) {
        one_way(plan, subscribers[i]);
        stream(plan, subscribers[i], 1);
        stream(plan, subscribers[i], BATCH);
    }
    report_print("broadcast");
}
