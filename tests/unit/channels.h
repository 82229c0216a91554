/* SPDX-License-Identifier: MIT */
/*
 * What the tests of channels share, beside helpers.h.
 */
#ifndef TEST_CHANNELS_H
#define TEST_CHANNELS_H

#include "helpers.h"
#include <limits.h>

/* Gives up after less than a millisecond. */
static const IpcChannelConfiguration quick = {
    .max_round_trips = 3, .start_sleep_ns = 1000, .max_sleep_ns = 100000};

/* NULL: that way of waiting is not to be had here. */
static inline IpcChannel *try_channel(uint32_t blocks,
                                      IpcChannelConfiguration configuration,
                                      void **memory)
{
    size_t size = ring_size(blocks, 8);
    void *at = shared_memory(size);
    IpcChannelResult r;

    configuration.max_owners = 8;
    r = ipc_channel_create(at, size, configuration);
    if (r.ipc_status == IPC_ERR_UNSUPPORTED)
        return NULL;
    must_work(r);
    if (memory)
        *memory = at;
    return r.result;
}

static inline IpcChannel *make_channel(uint32_t blocks,
                                       IpcChannelConfiguration configuration,
                                       void **memory)
{
    IpcChannel *ch = try_channel(blocks, configuration, memory);

    must(ch != NULL);
    return ch;
}

static inline IpcChannel *new_channel(uint32_t blocks, uint32_t flags,
                                      void **memory)
{
    IpcChannelConfiguration configuration = quick;

    configuration.flags = flags;
    return make_channel(blocks, configuration, memory);
}

static inline IpcChannel *new_channel_waiting(uint32_t blocks, uint32_t wait,
                                              void **memory)
{
    IpcChannelConfiguration configuration = quick;

    configuration.wait = wait;
    return make_channel(blocks, configuration, memory);
}

static inline void must_send(IpcChannel *ch, size_t size, uint64_t seed)
{
    unsigned char data[4096];

    must(size <= sizeof data);
    fill(data, size, seed);
    must_work(ipc_channel_write(ch, data, size));
}

static inline void must_be_entry(IpcEntry *entry, size_t size, uint64_t seed)
{
    must(entry->size == size && is_filled(entry->payload, size, seed));
    free(entry->payload);
}

static inline void must_receive(IpcChannel *ch, size_t size, uint64_t seed)
{
    IpcEntry entry;

    must_work(ipc_channel_try_read(ch, &entry));
    must_be_entry(&entry, size, seed);
}

static inline void fill_up(IpcChannel *ch)
{
    while (ipc_channel_write(ch, "x", 1).ipc_status == IPC_OK)
        continue;
    must_fail(ipc_channel_write(ch, "x", 1), IPC_ERR_NO_SPACE_CONTIGUOUS);
}

#endif
