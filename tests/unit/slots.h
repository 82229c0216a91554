/* SPDX-License-Identifier: MIT */
/*
 * Owner slots as they lie in memory, for tests that look into them and store
 * what only a death would leave there.
 */
#ifndef TEST_SLOTS_H
#define TEST_SLOTS_H

#include "helpers.h"

/* As in lib/ring/owner.c. */
enum { PID_SHIFT = 28, PID_MASK = 0x3fffff, GENERATION_SHIFT = 50 };

static inline struct shm_owner *slot_of(struct shm_region *region, pid_t pid)
{
    for (uint32_t i = 0; i < region->identity.owner_count; i++) {
        uint64_t identity = atomic_get_relaxed(&region->owners[i].identity);

        if ((pid_t)(identity >> PID_SHIFT & PID_MASK) == pid)
            return &region->owners[i];
    }
    must_say(false, "no slot of process %d", (int)pid);
    return NULL;
}

#endif
