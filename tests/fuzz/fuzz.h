/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share: an input as a stream of choices, and a clock on
 * every call.
 */
#ifndef SHMIPC_FUZZ_H
#define SHMIPC_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t left;
};

/* 0 when the input is used up. */
static inline uint8_t next_byte(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->data++;
}

static inline uint64_t next_number(struct input *in, int bytes)
{
    uint64_t number = 0;

    while (bytes-- > 0)
        number = number << 8 | next_byte(in);
    return number;
}

static inline uint32_t next_below(struct input *in, uint32_t limit)
{
    return (uint32_t)(next_number(in, limit > 256 ? 2 : 1) % limit);
}

static inline void must_be_true(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "not so: %s\n", what);
        abort();
    }
}

#define must(condition) must_be_true(condition, #condition)

static inline double seconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* No call takes so long, whatever the memory holds. It is a hundred times and
 * more what one may take, as this machine may be busy with other things. */
#define SLOW 5.0

#define timed(call)                                                            \
    do {                                                                       \
        double start_ = seconds_now();                                         \
                                                                               \
        call;                                                                  \
        must(seconds_now() - start_ < SLOW);                                   \
    } while (0)

/* For a call whose result does not matter. */
#define timed_only(call) timed(IPC_IGNORE(call))

#endif
