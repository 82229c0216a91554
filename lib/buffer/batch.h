/* SPDX-License-Identifier: MIT */
/*
 * Several entries by one call: batches of any sizes, and arrays of one size, of
 * which small entries share blocks.
 */
#ifndef SHMIPC_BATCH_H
#define SHMIPC_BATCH_H

#include "buffer/handle.h"

/* Writes *written of the entries; *size is that of the first that failed. */
IpcStatus batch_write(struct IpcBuffer *b, const struct iovec *entries,
                      int count, size_t *written, size_t *size);

/* The same for `count` entries of `size` bytes, one after the other. */
IpcStatus batch_write_array(struct IpcBuffer *b, const void *data, size_t size,
                            int count, size_t *written);

/* Copies *read entries into `memory`, one after the other. */
IpcStatus batch_read(struct IpcBuffer *b, IpcEntry *entries, int count,
                     void *memory, size_t size, size_t *read,
                     IpcBufferReadError *error);

/* Copies *read entries of `size` bytes into `data`. */
IpcStatus batch_read_array(struct IpcBuffer *b, void *data, size_t size,
                           int count, size_t *read, IpcBufferReadError *error);

#endif
