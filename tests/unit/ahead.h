/* SPDX-License-Identifier: MIT */
/*
 * What the tests of reading ahead share, of one consumer and of many.
 */
#ifndef SHMIPC_TESTS_AHEAD_H
#define SHMIPC_TESTS_AHEAD_H

#include "helpers.h"

/* Reads one entry ahead that must_write() wrote; returns its offset. */
static inline uint64_t must_read_ahead(IpcBuffer *b, size_t size, uint64_t seed,
                                       bool again)
{
    IpcEntry entry;
    IpcBufferReadAheadResult r = ipc_buffer_read_ahead(b, &entry);

    must_work(r);
    must(IpcBufferReadAheadResult_has_entry(r));
    must_say(r.result == again, "again is %d", r.result);
    must_say(entry.size == size, "entry of %zu bytes instead of %zu",
             entry.size, size);
    must(is_filled(entry.payload, size, seed));
    return entry.offset;
}

static inline IpcStatus try_to_read_ahead(IpcBuffer *b)
{
    IpcEntry entry = {.offset = 7, .payload = &entry, .size = 9};
    IpcStatus status = ipc_buffer_read_ahead(b, &entry).ipc_status;

    if (status != IPC_OK)
        must(!entry.payload && entry.offset == 7 && entry.size == 9);
    return status;
}

#endif
