/* SPDX-License-Identifier: MIT */
#include "calls.h"
#include "clock.h"
#include "loops.h"
#include "statistics.h"
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CALLS = 64, SAMPLES = 2000 };

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

LOOP void do_system(uint32_t *word)
{
    (void)word;
    syscall(SYS_getppid); /* one that no libc answers by itself */
}

LOOP void do_futex_wake(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

LOOP void do_locked(uint32_t *word)
{
    __atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
}

LOOP void do_ticks(uint32_t *word)
{
    *word += (uint32_t)clock_ticks();
    __asm__ __volatile__("" : : : "memory");
}

LOOP void do_system_clock(uint32_t *word)
{
    *word += (uint32_t)clock_system_ns();
    __asm__ __volatile__("" : : : "memory");
}

static double time_system(const struct task *task)
{
    (void)task;
    return time_calls(do_system);
}

static double time_futex_wake(const struct task *task)
{
    (void)task;
    return time_calls(do_futex_wake);
}

static double time_locked(const struct task *task)
{
    (void)task;
    return time_calls(do_locked);
}

static double time_ticks(const struct task *task)
{
    (void)task;
    return time_calls(do_ticks);
}

static double time_system_clock(const struct task *task)
{
    (void)task;
    return time_calls(do_system_clock);
}

const struct task call_system = {
    .about = {.name = "limit: system call",
              .note = "getppid",
              .traits = TRAIT_LIMIT},
    .figure = "ns",
    .measure = time_system,
};

const struct task call_futex_wake = {
    .about = {.name = "limit: futex wake, no sleeper", .traits = TRAIT_LIMIT},
    .figure = "ns",
    .measure = time_futex_wake,
};

const struct task call_locked = {
    .about = {.name = "limit: locked instruction",
              .note = "an uncontended fetch-and-add",
              .traits = TRAIT_LIMIT},
    .figure = "ns",
    .measure = time_locked,
};

const struct task call_ticks = {
    .about = {.name = "limit: look at the clock",
              .note = "the processor's counter; taken off every round trip",
              .traits = TRAIT_LIMIT},
    .figure = "ns",
    .measure = time_ticks,
};

const struct task call_system_clock = {
    .about = {.name = "limit: clock_gettime", .traits = TRAIT_LIMIT},
    .figure = "ns",
    .measure = time_system_clock,
};
