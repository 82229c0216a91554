/* SPDX-License-Identifier: MIT */
/*
 * What the machine can do, whoever asks: a cache line that changes its CPU,
 * memcpy, and the calls that no message should need.
 */
#include "workloads.h"
#include "clock.h"
#include "bare.h"
#include "loops.h"
#include "statistics.h"
#include "task.h"
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    CALLS = 64,
    SAMPLES = 2000,
    HOT_BYTES = 8 << 10,
    COLD_BYTES = 128 << 20, /* where nobody says how large caches are */
    COLD_MOST = 256 << 20,
};

/* ----------------------------------------------------------------- calls */

typedef void call(uint32_t *word);

/* ns of one call: a chunk of them at a time, since the clock is coarse. */
LOOP double time_calls(call *one)
{
    uint64_t *samples = calloc(SAMPLES, sizeof *samples);
    uint32_t word = 0;
    double mean;

    if (!samples)
        return -1;
    for (int i = 0; i < SAMPLES; i++) {
        uint64_t start = clock_ticks();

        for (int k = 0; k < CALLS; k++)
            one(&word);
        samples[i] = clock_ticks() - start;
    }
    mean = stat_mean(samples, SAMPLES) - (double)run_clock_ticks();
    free(samples);
    return mean * run_ns_per_tick() / CALLS;
}

LOOP void call_system(uint32_t *word)
{
    (void)word;
    syscall(SYS_getppid); /* one that no libc answers by itself */
}

LOOP void call_futex_wake(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

LOOP void call_locked(uint32_t *word)
{
    __atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
}

LOOP void call_ticks(uint32_t *word)
{
    *word += (uint32_t)clock_ticks();
    __asm__ __volatile__("" : : : "memory");
}

LOOP void call_system_clock(uint32_t *word)
{
    *word += (uint32_t)clock_system_ns();
    __asm__ __volatile__("" : : : "memory");
}

static double time_system(const struct task *task)
{
    (void)task;
    return time_calls(call_system);
}

static double time_futex_wake(const struct task *task)
{
    (void)task;
    return time_calls(call_futex_wake);
}

static double time_locked(const struct task *task)
{
    (void)task;
    return time_calls(call_locked);
}

static double time_ticks(const struct task *task)
{
    (void)task;
    return time_calls(call_ticks);
}

static double time_system_clock(const struct task *task)
{
    (void)task;
    return time_calls(call_system_clock);
}

const struct task task_system_call = {
    .about = {.name = "limit: system call",
              .note = "getppid",
              .traits = TRAIT_LIMIT},
    .figure = "ns",
    .measure = time_system,
};

const struct task task_futex_wake = {
    .about = {.name = "limit: futex wake, no sleeper", .traits = TRAIT_LIMIT},
    .figure = "ns",
    .measure = time_futex_wake,
};

static const struct task locked = {
    .about = {.name = "limit: locked instruction",
              .note = "an uncontended fetch-and-add",
              .traits = TRAIT_LIMIT},
    .figure = "ns",
    .measure = time_locked,
};

static const struct task ticks = {
    .about = {.name = "limit: look at the clock",
              .note = "the processor's counter; taken off every round trip",
              .traits = TRAIT_LIMIT},
    .figure = "ns",
    .measure = time_ticks,
};

static const struct task system_clock = {
    .about = {.name = "limit: clock_gettime", .traits = TRAIT_LIMIT},
    .figure = "ns",
    .measure = time_system_clock,
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
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
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

    task_enter(&field, &task_system_call, "calls");
    task_enter(&field, &task_futex_wake, "calls");
    task_enter(&field, &locked, "calls");
    task_enter(&field, &ticks, "calls");
    task_enter(&field, &system_clock, "calls");
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
