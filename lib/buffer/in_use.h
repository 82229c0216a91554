/* SPDX-License-Identifier: MIT */
/*
 * Whether memory that is about to be formatted is a ring that others use, who
 * would lose what they write from then on.
 */
#ifndef SHMIPC_IN_USE_H
#define SHMIPC_IN_USE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The pid, in its own pid namespace, of another process that has an owner slot
 * in what is at `mem` and lives or may live; 0: there is none that can be seen.
 * `memory_fd` is NULL, or of the memory's file. Stores nothing there.
 *
 * Not seen are those that never wrote and, in many-consumer mode, only read:
 * they have no slot.
 */
uint32_t in_use_by(const void *mem, size_t size, const int *memory_fd);

#endif
