/* SPDX-License-Identifier: MIT */
/*
 * How control words are packed, and arrays in them. layout.h says what the
 * bits are.
 */
#ifndef SHMIPC_CONTROL_H
#define SHMIPC_CONTROL_H

#include "ring/layout.h"

static inline uint64_t control_make(uint32_t tag, uint32_t value,
                                    enum control_state state)
{
    return (uint64_t)tag << 32 | (uint64_t)value << 4 | (uint64_t)state;
}

static inline uint32_t control_tag(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static inline uint32_t control_value(uint64_t word)
{
    return (uint32_t)word >> 4;
}

static inline uint32_t control_state(uint64_t word)
{
    return (uint32_t)word & 15;
}

/* The value of an ARRAY word. */
static inline uint32_t control_array(uint32_t size, uint32_t count)
{
    return size << 6 | (count - 1);
}

static inline uint32_t control_array_size(uint32_t value)
{
    return value >> 6;
}

static inline uint32_t control_array_count(uint32_t value)
{
    return (value & (SHMIPC_ARRAY_MAX - 1)) + 1;
}

/* From one entry of an array to the next, bytes. */
static inline uint32_t control_array_stride(uint32_t size)
{
    return (size + SHMIPC_ARRAY_ALIGN - 1) / SHMIPC_ARRAY_ALIGN *
           SHMIPC_ARRAY_ALIGN;
}

static inline uint32_t control_blocks(uint64_t bytes)
{
    return (uint32_t)((bytes + SHMIPC_BLOCK - 1) / SHMIPC_BLOCK);
}

/* How many blocks head passes with this word; 0: none, or it cannot be true. */
static inline uint32_t control_extent(uint64_t word)
{
    uint32_t value = control_value(word);
    uint32_t state = control_state(word);

    if (state == CONTROL_READY)
        return control_blocks(value);
    if (state == CONTROL_ARRAY)
        return control_blocks((uint64_t)control_array_count(value) *
                              control_array_stride(control_array_size(value)));
    return state == CONTROL_PAD || state == CONTROL_SKIP ? value : 0;
}

#endif
