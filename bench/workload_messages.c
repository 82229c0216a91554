/* SPDX-License-Identifier: MIT */
/*
 * The workloads in which messages pass between processes: one way latency,
 * throughput, contention.
 */
#include "workloads.h"
#include "field.h"
#include "bare.h"

enum { WARM_TRIPS = 20000 }; /* at most: a lap of small messages */

static const struct placement two_cpus = {0, 1};
static const struct placement anywhere = {-1, -1};

/* --------------------------------------------------------------- latency */

void workload_latency(const struct plan *plan)
{
    static const size_t sizes[] = {8, 64, 256, 1024, 4096};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct load load = {
            .size = sizes[i],
            .memory = FIELD_MEMORY,
            .producers = 1,
            .consumers = 1,
            .batch = 1,
            .trips = plan->trips,
            .warm_trips = plan->trips < WARM_TRIPS ? plan->trips : WARM_TRIPS};
        struct field field = {.workload = "latency"};
        char group[32];

        if (!plan_wants_size(plan, sizes[i]))
            continue;
        snprintf(group, sizeof group, "%zu bytes", sizes[i]);
        field_enter(&field, &limit_line, &load, two_cpus, group);
        field_enter_all(&field, plan, &load, two_cpus, group);
        field_spare_sleepers(&field);
        field_measure(&field, plan, field_trips);
        field_limit(&field, "one line", FIELD_SMALLEST);
    }
    report_print("latency");
}

/* ------------------------------------------------------------ throughput */

static size_t memory_for(size_t size)
{
    return size * 16 > FIELD_MEMORY ? size * 16 : FIELD_MEMORY;
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
    struct field field = {.workload = "throughput"};
    char group[64];

    if (!field_is_of_use(plan, &load))
        return;
    single.batch = 1;
    single.in_place = false;
    snprintf(group, sizeof group, "1x1, %zu bytes%s%s", size,
             in_place ? ", in place" : "", batch > 1 ? ", batches" : "");
    field_enter(&field, &limit_copy_few, &single, two_cpus, group);
    field_enter(&field, &limit_copy_some, &single, two_cpus, group);
    field_enter(&field, &limit_copy_all, &single, two_cpus, group);
    field_enter(&field, &limit_copy_chunks, &single, two_cpus, group);
    field_enter_all(&field, plan, &load, two_cpus, group);
    field_measure(&field, plan, field_stream);
    field_limit(&field, "bare memcpy", FIELD_LARGEST);
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
                        .memory = FIELD_MEMORY,
                        .producers = producers,
                        .consumers = consumers,
                        .batch = 1,
                        .seconds = plan->seconds,
                        .yield_after = 100};
    struct load pair = load;
    struct field field = {.workload = "contention"};
    char group[64];

    pair.producers = pair.consumers = 1;
    pair.yield_after = 0;
    snprintf(group, sizeof group, "%ux%u, %zu bytes%s", producers, consumers,
             size, where);
    field_enter(&field, &limit_copy_chunks, &pair, two_cpus, group);
    field_enter_all(&field, plan, &load, place, group);
    field_measure(&field, plan, field_stream);
    field_limit(&field, "bare memcpy of a pair", FIELD_LARGEST);
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
