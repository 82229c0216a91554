/* SPDX-License-Identifier: MIT */
/*
 * How throughput changes with the size of the ring, the size of the messages
 * and the number of producers: ours without channels, and the peers that make
 * no system call.
 */
#include "workloads.h"
#include "field.h"
#include "bare.h"
#include "transports.h"

static const struct placement two_cpus = {0, 1};
static const struct placement anywhere = {-1, -1};

static bool is_wanted(const struct plan *plan, const struct transport *t)
{
    return plan_wants(plan, t) && !(t->traits & TRAIT_KERNEL) &&
           t != &transport_one_one_channel && t != &transport_many_many_channel;
}

static void growth_of(const struct plan *plan, const struct load *load,
                      struct placement place, const char *group)
{
    struct field field = {.workload = "growth"};
    struct load bare = *load;

    bare.producers = 1;
    bare.yield_after = 0;
    field_enter(&field, &limit_copy_all, &bare, two_cpus, group);
    field_enter(&field, &limit_copy_chunks, &bare, two_cpus, group);
    for (int i = 0; transports[i]; i++)
        if (is_wanted(plan, transports[i]))
            field_enter(&field, transports[i], load, place, group);
    field_measure(&field, plan, field_stream);
    field_limit(&field, "bare memcpy", FIELD_LARGEST);
}

static struct load load_of(const struct plan *plan, size_t size, size_t memory)
{
    return (struct load){.size = size,
                         .memory = memory,
                         .producers = 1,
                         .consumers = 1,
                         .batch = 1,
                         .seconds = plan->seconds};
}

static void growth_of_ring(const struct plan *plan)
{
    for (size_t kib = 4; kib <= 16384; kib *= 4) {
        const struct load load = load_of(plan, 64, kib << 10);
        char group[64];

        snprintf(group, sizeof group, "ring of %zu KiB, 64 bytes", kib);
        growth_of(plan, &load, two_cpus, group);
    }
}

static void growth_of_messages(const struct plan *plan)
{
    for (size_t size = 8; size <= 16384; size *= 2) {
        const struct load load = load_of(plan, size, FIELD_MEMORY);
        char group[64];

        snprintf(group, sizeof group, "messages of %zu bytes", size);
        if (plan_wants_size(plan, size))
            growth_of(plan, &load, two_cpus, group);
    }
}

static void growth_of_producers(const struct plan *plan)
{
    for (unsigned producers = 1; producers <= 16; producers *= 2) {
        struct load load = load_of(plan, 64, FIELD_MEMORY);
        char group[64];

        load.producers = producers;
        load.yield_after = 100;
        snprintf(group, sizeof group, "%u producers, 64 bytes", producers);
        growth_of(plan, &load, anywhere, group);
    }
}

void workload_growth(const struct plan *plan)
{
    if (plan_wants_size(plan, 64))
        growth_of_ring(plan);
    growth_of_messages(plan);
    if (plan_wants_size(plan, 64))
        growth_of_producers(plan);
    report_print("growth");
}
