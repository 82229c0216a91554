/* SPDX-License-Identifier: MIT */
/*
 * What the library asks of the kernel when it sleeps and wakes: stand-ins for
 * lib/wait/futex.c, lib/wait/clock.c and for membarrier.
 */
#include "model.h"
#include "ring/mapping.h"
#include "wait/clock.h"
#include "wait/futex.h"

/* Time stands still: no deadline passes. What is to end sooner than the cap on
 * all sleeps is a nap, which may end at any moment. */
int64_t clock_now(void)
{
    return 0;
}

int64_t clock_after(int64_t ns)
{
    return ns;
}

int64_t clock_after_timeout(const struct timespec *timeout)
{
    return timeout ? (int64_t)timeout->tv_sec : INT64_MAX;
}

bool clock_timeout_is_valid(const struct timespec *timeout)
{
    (void)timeout;
    return true;
}

void clock_sleep_until(int64_t deadline)
{
    harness_error("a sleep until %lld", (long long)deadline);
}

void futex_sleep(atomic_u32 *word, uint32_t seen, int64_t deadline)
{
    memory_perform((struct access){SLEEP, memory_location(word), MODEL_RELAXED,
                                   seen, deadline < WAIT_CAP_NS});
}

void futex_wake(atomic_u32 *word)
{
    if (current != CHECKER)
        memory_perform(
            (struct access){WAKE, memory_location(word), MODEL_RELAXED, 0, 0});
}

void process_fence_others(void)
{
    if (!running->no_membarrier)
        memory_barrier();
}

bool mapping_may_store(const atomic_u32 *word)
{
    (void)word;
    return true;
}

bool process_needs_fence(void)
{
    return running->no_membarrier;
}
