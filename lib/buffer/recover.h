/* SPDX-License-Identifier: MIT */
/*
 * Getting past what dead producers left at the head of a buffer.
 */
#ifndef SHMIPC_RECOVER_H
#define SHMIPC_RECOVER_H

#include "buffer/handle.h"

/* Removes dead claims and gaps from the head on; *removed is how many. With
 * `force` also claims of owners that cannot be judged. */
IpcStatus recover_dead(struct IpcBuffer *b, bool force, uint64_t *removed,
                       uint64_t *offset);

/* Gets past what is at the head, an entry or damage, unless its owner lives. */
IpcStatus recover_skip(struct IpcBuffer *b, uint64_t *offset);

#endif
