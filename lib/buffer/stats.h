/* SPDX-License-Identifier: MIT */
/*
 * Looking at a buffer without touching it.
 */
#ifndef SHMIPC_STATS_H
#define SHMIPC_STATS_H

#include "buffer/handle.h"

/* The members of the first release; a caller's struct has at least these. */
enum { STATS_SIZE_0_1 = sizeof(IpcBufferStats) };

IpcStatus stats_fill(const struct IpcBuffer *b, IpcBufferStats *dest);
const char *stats_detail(IpcStatus status);

#endif
