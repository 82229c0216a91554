/* SPDX-License-Identifier: MIT */
/*
 * Reading ahead by many consumers, in a ring with holders (ring/hold.h): a
 * handle takes entries, holds them, and acknowledges each or gives it back.
 */
#ifndef SHMIPC_WORK_H
#define SHMIPC_WORK_H

#include "buffer/read.h"

/* As those of ahead.h, which they are the halves of. */
IpcStatus work_read(struct IpcBuffer *b, IpcEntry *dest, bool *again,
                    IpcBufferReadError *error);
IpcStatus work_acknowledge(struct IpcBuffer *b, uint64_t offset,
                           uint64_t *count);
IpcStatus work_give_back(struct IpcBuffer *b, uint64_t offset, uint64_t *count);

/* LOOK_ENTRY: an entry that is there to be taken. Else what is behind all
 * entries. */
enum look work_look(struct IpcBuffer *b, struct view *view);

/* The same without moving head, by any thread. */
enum look work_glance(const struct IpcBuffer *b, struct view *view);

/* What is behind all entries, whoever holds them. */
enum look work_look_behind(const struct IpcBuffer *b, struct view *view);

/* Whether there are entries that this process does not hold: they may be given
 * back. */
bool work_is_with_others(const struct IpcBuffer *b);

/* Whether there are entries that are not acknowledged. */
bool work_is_left(const struct IpcBuffer *b);

/* Bytes of blocks that are held. */
uint64_t work_held(const struct IpcBuffer *b);

#endif
