/* SPDX-License-Identifier: MIT */
/*
 * Messages whose every byte can be checked, and the record of who got which.
 */
#ifndef SHMIPC_TEST_MESSAGE_H
#define SHMIPC_TEST_MESSAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct message_header {
    uint32_t producer;
    uint32_t sequence;
};

/* Small numbers from a seed, the same everywhere. */
static inline uint32_t scramble(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 29;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return (uint32_t)(x >> 32);
}

static inline uint32_t message_seed(uint32_t producer, uint32_t sequence)
{
    return scramble((uint64_t)producer << 32 | sequence);
}

/* Mostly small, now and then many blocks. */
static inline size_t message_size(uint32_t producer, uint32_t sequence,
                                  size_t max)
{
    uint32_t seed = message_seed(producer, sequence);
    size_t span = seed % 8 == 0 ? max : (max < 128 ? max : 128);
    size_t least = sizeof(struct message_header);

    return least + (seed >> 3) % (span - least + 1);
}

static inline void message_fill(unsigned char *to, uint32_t producer,
                                uint32_t sequence, size_t size)
{
    struct message_header header = {producer, sequence};
    uint32_t seed = message_seed(producer, sequence);

    memcpy(to, &header, sizeof header);
    for (size_t i = sizeof header; i < size; i++)
        to[i] = (unsigned char)(seed + i * 7);
}

/* Whose it is. False: torn. */
static inline bool message_check(const unsigned char *from, size_t size,
                                 struct message_header *header)
{
    uint32_t seed;

    if (size < sizeof *header)
        return false;
    memcpy(header, from, sizeof *header);
    seed = message_seed(header->producer, header->sequence);
    for (size_t i = sizeof *header; i < size; i++)
        if (from[i] != (unsigned char)(seed + i * 7))
            return false;
    return true;
}

/* Shared by all participants, threads or processes. */
static inline void *shared_zeros(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

#endif
