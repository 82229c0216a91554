/* SPDX-License-Identifier: MIT */
/*
 * Who is in a buffer's owner table.
 */
#ifndef SHMIPC_OWNERS_H
#define SHMIPC_OWNERS_H

#include "buffer/handle.h"

/* The members of the first release; a caller's struct has at least these. */
enum { OWNERS_SIZE_0_1 = sizeof(IpcOwner) };

IpcStatus owners_list(const struct IpcBuffer *b, IpcOwner *owners, size_t room,
                      size_t *count);
const char *owners_detail(IpcStatus status);

#endif
