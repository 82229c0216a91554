/* SPDX-License-Identifier: MIT */
/*
 * The newest entry that there is for a subscriber, and entries that it pins.
 * What it jumps over, or loses before it does, adds up in the handle until a
 * call succeeds and tells.
 *
 * ORDERING, between threads of one handle
 *   label   released by              acquired by   so that
 *   pinned  newest_pin(), when it    newest_pin()  one at a time has the slot's
 *           got no entry;                          pin
 *           newest_unpin()
 */
#ifndef SHMIPC_NEWEST_H
#define SHMIPC_NEWEST_H

#include "buffer/read.h"

/* Copies the newest entry. *skipped, on IPC_OK: bytes of blocks. */
IpcStatus newest_read(struct IpcBuffer *b, IpcEntry *dest, uint64_t *skipped,
                      IpcBufferReadError *error);

enum newest_which { NEWEST_NEXT, NEWEST_NEWEST };

/* Pins the next entry, or the newest. On anything but IPC_OK dest->payload is
 * NULL, if there is a dest. */
IpcStatus newest_pin(struct IpcBuffer *b, enum newest_which which,
                     IpcEntry *dest, uint64_t *skipped,
                     IpcBufferReadError *error);
IpcStatus newest_unpin(struct IpcBuffer *b, uint64_t offset);

/* For who has just subscribed: nothing is pinned, nothing skipped. */
void newest_begin(struct IpcBuffer *b);

const char *newest_detail(const struct IpcBuffer *b, IpcStatus status);
const char *newest_unpin_detail(const struct IpcBuffer *b, IpcStatus status);

#endif
