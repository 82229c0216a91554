/* SPDX-License-Identifier: MIT */
/*
 * Options begin with their size, so that they can grow. A program that was
 * compiled with newer headers gives more than this library knows: where that is
 * zero it asks for the default, which is what this library does, so it is
 * welcome; where it is not, for something that this library does not do. Who
 * adds a member takes it from the reserved ones, or, when these are used up,
 * from behind them; then smaller ones, down to those of the first release, are
 * to be taken as well (docs/abi.md).
 */
#ifndef SHMIPC_GROW_H
#define SHMIPC_GROW_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* No options will ever be larger: a size that is, was never set. */
enum { GROW_LIMIT = 4096 };

/* Whether options, whose size is their first member, can be read as those of
 * `known` bytes without anything being left out that was asked for. */
static inline bool grow_fits(const void *options, size_t known)
{
    const unsigned char *bytes = options;
    size_t size;

    memcpy(&size, options, sizeof size);
    if (size < known || size > GROW_LIMIT)
        return false;
    for (size_t i = known; i < size; i++)
        /* NOLINTNEXTLINE(clang-analyzer-core.*): they are that large */
        if (bytes[i] != 0)
            return false;
    return true;
}

#endif
