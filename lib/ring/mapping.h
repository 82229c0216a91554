/* SPDX-License-Identifier: MIT */
/*
 * What the mapping that a region is in allows.
 */
#ifndef SHMIPC_MAPPING_H
#define SHMIPC_MAPPING_H

#include "ring/atomics.h"

/* Whether the word may be stored to: found out without a fault, and without a
 * change that anybody could see. True where the kernel does not say. */
bool mapping_may_store(const atomic_u32 *word);

/* Whether other processes may see what is stored at `mem`, since its mapping is
 * shared. False, too, where /proc does not say. Opens a file. */
bool mapping_is_shared(const void *mem);

#endif
