/* SPDX-License-Identifier: MIT */
/*
 * What the machine can do, whoever asks: a cache line that changes its CPU,
 * memcpy, and the calls that no message should need.
 */
#include "workloads.h"
#include "clock.h"
#include "bare.h"
#include "calls.h"
#include "statistics.h"
#include "task.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SAMPLES = 2000,
    HOT_BYTES = 8 << 10,
    COLD_BYTES = 128 << 20, /* where nobody says how large caches are */
    COLD_MOST = 256 << 20,
};

/* ---------------------------------------------------------------- memcpy */

/* GB copied a second by the median of `samples` times `at_once` copies. */
static double time_copies(size_t size, size_t at_once, size_t samples)
{
    unsigned char *from = task_memory(size), *to = task_memory(size);
    uint64_t *took = calloc(samples, sizeof *took);
    double bytes = (double)size * (double)at_once;

    if (!took)
        return -1;
    memset(from, 0x5a, size);
    for (size_t i = 0; i < samples; i++) {
        uint64_t start = clock_ticks();

        for (size_t k = 0; k < at_once; k++) {
            memcpy(to, from, size);
            __asm__ __volatile__("" : : "r"(to) : "memory");
        }
        took[i] = clock_ticks() - start;
    }
    return bytes / (stat_mean(took, samples) * run_ns_per_tick());
}

static double time_hot_copy(const struct task *task)
{
    (void)task;
    return time_copies(HOT_BYTES, 100, SAMPLES);
}

static double time_cold_copy(const struct task *task)
{
#ifdef _SC_LEVEL3_CACHE_SIZE /* not of every C library */
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
#else
    long cache = 0;
#endif
    size_t size = cache > 0 ? 4 * (size_t)cache : COLD_BYTES;

    (void)task;
    return time_copies(size < COLD_MOST ? size : COLD_MOST, 1, 3);
}

static const struct task hot_copy = {
    .about = {.name = "limit: memcpy, hot",
              .note = "8 KiB from and to the first cache",
              .traits = TRAIT_LIMIT},
    .figure = "GB_s",
    .measure = time_hot_copy,
};

static const struct task cold_copy = {
    .about = {.name = "limit: memcpy, cold",
              .note = "four times the last cache, at most 256 MiB",
              .traits = TRAIT_LIMIT},
    .figure = "GB_s",
    .measure = time_cold_copy,
};

/* -------------------------------------------------------------- workload */

static void limit_calls(const struct plan *plan)
{
    struct field field = {.workload = "limits"};

    task_enter(&field, &call_system, "calls");
    task_enter(&field, &call_futex_wake, "calls");
    task_enter(&field, &call_locked, "calls");
    task_enter(&field, &call_ticks, "calls");
    task_enter(&field, &call_system_clock, "calls");
    field_measure(&field, plan, task_measure);
}

static void limit_copies(const struct plan *plan)
{
    struct field field = {.workload = "limits"};

    task_enter(&field, &hot_copy, "memcpy");
    task_enter(&field, &cold_copy, "memcpy");
    field_measure(&field, plan, task_measure);
}

static void limit_lines(const struct plan *plan)
{
    const struct load load = {.size = 8,
                              .memory = FIELD_MEMORY,
                              .producers = 1,
                              .consumers = 1,
                              .batch = 1,
                              .trips = plan->trips,
                              .warm_trips = plan->trips / 10};
    struct field field = {.workload = "limits"};

    field_enter(&field, &limit_line, &load, (struct placement){0, 1},
                "a line to the other CPU");
    field_measure(&field, plan, field_trips);
}

void workload_limits(const struct plan *plan)
{
    limit_lines(plan);
    limit_calls(plan);
    limit_copies(plan);
    report_print("limits");
}
