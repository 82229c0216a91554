/* SPDX-License-Identifier: MIT */
/*
 * Reading through a channel: the buffer's reads, which wait for an entry as the
 * block says and wake writers that wait for space.
 */
#ifndef SHMIPC_RECEIVE_H
#define SHMIPC_RECEIVE_H

#include "channel/block.h"

/* After one try of a call that reads: wakes writers if there is more space, and
 * returns `status`. */
IpcStatus receive_tell(const struct block *b, IpcStatus status);

IpcStatus receive_entry(struct block *b, IpcEntry *dest,
                        IpcBufferReadError *error);

/* The same for a slice: see block.h. */
IpcStatus receive_slice(struct IpcChannel *ch, IpcEntry *dest, int64_t until,
                        int64_t slice, IpcBufferReadError *error);

IpcStatus receive_allocate(struct block *b, IpcEntry *dest,
                           IpcBufferReadError *error);

/* These never wait. */
IpcStatus receive_skip(struct IpcChannel *ch, uint64_t offset,
                       IpcBufferReadError *error);
IpcStatus receive_skip_force(struct IpcChannel *ch, uint64_t *offset);

#endif
