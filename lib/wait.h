/* SPDX-License-Identifier: MIT */
/*
 * Sleeping until somebody commits, and waking who sleeps.
 *
 * A sleeper   1. remembers the sequence word,
 *             2. sets the sleepers flag,
 *             3. makes every running process pass a memory barrier,
 *             4. looks whether there is something to read after all,
 *             5. sleeps while the sequence word is what it remembers.
 * A waker     1. commits,
 *             2. looks at the flag; if it is set: clears it, changes the
 *                sequence word, wakes all that sleep on it.
 *
 * Either the waker sees the flag or the sleeper sees the entry: between the
 * waker's 1 and 2 there is a barrier that the sleeper's 3 puts there
 * (membarrier), so that wakers pay for none. A process that the kernel does
 * not know for that pays a full fence instead. The sequence word is remembered
 * before the look, so a wake in between is not slept through.
 *
 * The flag is no counter: a sleeper that was killed costs one needless wake,
 * once. A waker that is killed between its steps costs the sleeper the rest of
 * its round: no sleep is longer than WAIT_CAP_NS.
 */
#ifndef SHMIPC_WAIT_H
#define SHMIPC_WAIT_H

#include "layout.h"
#include "process.h"

/* A test that must notice a lost wake-up builds the library without this
 * safety net. */
#ifndef WAIT_CAP_NS
#define WAIT_CAP_NS INT64_C(100000000)
#endif

/* What sets one way of sleeping apart from the others. */
struct wait_backend {
    const char *name;
    /* Whether wakers can end its sleep: else it never announces itself. */
    bool can_be_woken;
    /* Sleeps while *word is `seen`, at most until `deadline` (monotonic
     * nanoseconds). A signal does not end it. */
    void (*sleep)(atomic_u32 *word, uint32_t seen, int64_t deadline);
};

extern const struct wait_backend wait_backend_futex;
extern const struct wait_backend wait_backend_sleep;

/* The backend with that IpcWait number, or NULL. */
const struct wait_backend *wait_backend_find(uint32_t number);

/* Monotonic nanoseconds. */
int64_t wait_now(void);

/* A sleeper's steps 1 to 3; returns the sequence word for step 5. */
uint32_t wait_announce(const struct wait_backend *backend,
                       struct shm_wait *wait);

/* The waker's second half of step 2. */
void wait_wake(struct shm_wait *wait);

/* The waker's step 2; step 1 was a release store. */
static inline void wait_notify(struct shm_wait *wait)
{
    if (process_needs_fence())
        atomic_full_fence();
    else
        atomic_compiler_fence();
    /* Relaxed: ordered by the fence, or by the sleeper's membarrier. */
    if (__builtin_expect(atomic_get_relaxed(&wait->sleepers) != 0, 0))
        wait_wake(wait);
}

#endif
