/* SPDX-License-Identifier: MIT */
/*
 * What the tests of arrays share, beside channels.h.
 */
#ifndef TEST_ARRAYS_H
#define TEST_ARRAYS_H

#include "channels.h"

enum {
    BLOCKS = 16,
    RING = BLOCKS * 64, /* bytes */
    ONE_PRODUCER = 1,
    ONE_CONSUMER = 2,
};

/* Fills entries of `size` bytes with the patterns `seed`, `seed` + 1 ... */
static inline void fill_array(unsigned char *data, size_t size, size_t count,
                              uint64_t seed)
{
    for (size_t i = 0; i < count; i++)
        fill(data + i * size, size, seed + i);
}

/* Writes such entries; returns how many. */
static inline size_t must_write_array(IpcBuffer *b, size_t size, int count,
                                      uint64_t seed)
{
    unsigned char data[4096];
    IpcBufferWriteBatchResult r;

    must(size * (size_t)count <= sizeof data);
    fill_array(data, size, (size_t)count, seed);
    r = ipc_buffer_write_array(b, data, size, count);
    must_work(r);
    must(r.result >= 1 && r.result <= (size_t)count);
    return r.result;
}

/* Reads up to `count` of them; returns how many. */
static inline size_t must_read_array(IpcBuffer *b, size_t size, int count,
                                     uint64_t seed)
{
    unsigned char data[4096 + 8];
    size_t room = size * (size_t)count;
    IpcBufferReadBatchResult r;

    must(room + 8 <= sizeof data);
    memset(data, 0xa5, sizeof data);
    r = ipc_buffer_read_array(b, data, size, count);
    must_work(r);
    must(r.result >= 1 && r.result <= (size_t)count);
    for (size_t i = 0; i < r.result; i++)
        must(is_filled(data + i * size, size, seed + i));
    must(is_all(data + r.result * size, room + 8 - r.result * size, 0xa5));
    return r.result;
}

#endif
