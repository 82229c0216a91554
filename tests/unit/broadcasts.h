/* SPDX-License-Identifier: MIT */
/*
 * What the tests of buffers and channels with subscribers share, beside
 * helpers.h.
 */
#ifndef TEST_BROADCASTS_H
#define TEST_BROADCASTS_H

#include "helpers.h"

enum { BROADCAST = IPC_BUFFER_BROADCAST };

/* Bytes of a region with just so many blocks, owners and subscribers. */
static inline size_t broadcast_size(uint32_t blocks, uint32_t owners,
                                    uint32_t subscribers)
{
    return ring_size(blocks, owners) +
           subscribers * sizeof(struct shm_subscriber);
}

static inline IpcBuffer *new_broadcast(uint32_t blocks, uint32_t flags,
                                       uint32_t subscribers, void **memory)
{
    size_t size = broadcast_size(blocks, 8, subscribers);
    void *at = shared_memory(size);
    IpcBufferOptions options = {
        .struct_size = sizeof options,
        .flags = BROADCAST | flags,
        .max_owners = 8,
        .max_subscribers = subscribers,
    };

    if (memory)
        *memory = at;
    return result_of(ipc_buffer_create_with_options(at, size, &options));
}

static inline struct shm_subscriber *subscriber_at(void *memory, uint32_t i)
{
    struct shm_region *region = memory;

    return (struct shm_subscriber *)(void *)&region
               ->owners[region->identity.owner_count] +
           i;
}

static const IpcSubscription from_oldest = {
    .struct_size = sizeof from_oldest,
    .from = IPC_SUBSCRIBE_FROM_OLDEST,
};

static inline IpcBuffer *subscriber_of(void *memory, const IpcSubscription *how)
{
    IpcBuffer *b = attach_to(memory);

    must_work(ipc_buffer_subscribe(b, how));
    return b;
}

static inline size_t count_subscribers(const IpcBuffer *b)
{
    return result_of(ipc_buffer_subscribers(b, NULL, 0));
}

/* That the next entries are those with the seeds from `first` to `last`. */
static inline void must_read_all(IpcBuffer *b, size_t size, uint64_t first,
                                 uint64_t last)
{
    for (uint64_t seed = first; seed <= last; seed++)
        must_read(b, size, seed);
    must_be(try_to_read(b), IPC_EMPTY);
}

#endif
