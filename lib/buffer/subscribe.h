/* SPDX-License-Identifier: MIT */
/*
 * Handles as subscribers: while one is, its ring's head is its own cursor, and
 * reads go by that.
 */
#ifndef SHMIPC_SUBSCRIBE_H
#define SHMIPC_SUBSCRIBE_H

#include "buffer/handle.h"
#include <shmipc/ipc_subscribe.h>

/* The members of the first release; a caller's struct has at least these. */
enum { SUBSCRIBERS_SIZE_0_1 = sizeof(IpcSubscriber) };

/* On an error *detail says what to do, and *value is the number it speaks of.
 */
IpcStatus subscribe_begin(struct IpcBuffer *b, const IpcSubscription *how,
                          const char **detail, int64_t *value);
/* Lets one that was evicted, whose cursor was seen, go on from there, an
 * IpcSubscribeFrom. IPC_ERR_LAGGED: it does, at view->position, and *lost is
 * how many bytes of blocks are between. IPC_ERR_LOCKED: another thread is doing
 * that. */
IpcStatus subscribe_again(struct IpcBuffer *b, uint64_t cursor, uint32_t where,
                          struct view *view, uint64_t *lost);

IpcStatus subscribe_end(struct IpcBuffer *b, const char **detail);

IpcStatus subscribe_list(const struct IpcBuffer *b, IpcSubscriber *subscribers,
                         size_t room, size_t *count);
const char *subscribe_list_detail(const struct IpcBuffer *b, IpcStatus status);

#endif
