/* SPDX-License-Identifier: MIT */
/*
 * Sleeping in the kernel on a word in memory, shared or not. The model checker
 * has its own version.
 */
#ifndef SHMIPC_FUTEX_H
#define SHMIPC_FUTEX_H

#include "ring/atomics.h"

/* Sleeps until somebody wakes the word, or it is not `seen`, or until
 * `deadline` (monotonic ns). False: a signal ended it, for which a handler was
 * called, whether or not that has SA_RESTART. */
bool futex_sleep(atomic_u32 *word, uint32_t seen, int64_t deadline);

/* The same for as long as it takes, without a timer; after a handler that has
 * SA_RESTART it goes on. `groups` is not 0: who sleeps is in these, too. */
bool futex_sleep_untimed(atomic_u32 *word, uint32_t seen, uint32_t groups);

/* Wakes all that sleep on the word, in every process. */
void futex_wake(atomic_u32 *word);

/* Wakes those that sleep untimed, in one of these groups. */
void futex_rouse(atomic_u32 *word, uint32_t groups);

#endif
