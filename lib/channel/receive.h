/* SPDX-License-Identifier: MIT */
/*
 * Reading through a channel: the buffer's reads, which wait for an entry as the
 * block says and wake writers that wait for space.
 */
#ifndef SHMIPC_RECEIVE_H
#define SHMIPC_RECEIVE_H

#include "channel/block.h"

IpcStatus receive_entry(struct block *b, IpcEntry *dest,
                        IpcBufferReadError *error);
IpcStatus receive_allocate(struct block *b, IpcEntry *dest,
                           IpcBufferReadError *error);
IpcStatus receive_peek(struct block *b, IpcEntry *dest,
                       IpcBufferReadError *error);
IpcStatus receive_batch(struct block *b, IpcEntry *entries, int count,
                        void *memory, size_t size, size_t *read,
                        IpcBufferReadError *error);
IpcStatus receive_array(struct block *b, void *data, size_t size, int count,
                        size_t *read, IpcBufferReadError *error);

/* These never wait. */
IpcStatus receive_skip(struct IpcChannel *ch, uint64_t offset,
                       IpcBufferReadError *error);
IpcStatus receive_skip_force(struct IpcChannel *ch, uint64_t *offset);

#endif
