/* SPDX-License-Identifier: MIT */
/*
 * Reading ahead of what is released. The one consumer has a cursor in its
 * handle, and head, which producers go by, follows when entries are
 * acknowledged. So whoever takes the role over begins at the first entry that
 * was not, without anything to repair.
 */
#ifndef SHMIPC_AHEAD_H
#define SHMIPC_AHEAD_H

#include "buffer/read.h"

/* The next entry, in place, where it stays until it is acknowledged. *again:
 * it may have been read before. */
IpcStatus ahead_read(struct IpcBuffer *b, IpcEntry *dest, bool *again,
                     IpcBufferReadError *error);

/* Releases what was read up to the entry at `offset`, *count entries. On an
 * error *head is the offset of the first that is not acknowledged. */
IpcStatus ahead_acknowledge(struct IpcBuffer *b, uint64_t offset,
                            uint64_t *count, uint64_t *head);

/* Lets the entry at `offset`, and what was read after it, be read again. */
IpcStatus ahead_give_back(struct IpcBuffer *b, uint64_t offset, uint64_t *count,
                          uint64_t *head);

const char *ahead_detail(IpcStatus status);

#endif
