/* SPDX-License-Identifier: MIT */
/*
 * Getting past what dead producers left at the head of a buffer.
 */
#ifndef SHMIPC_RECOVER_H
#define SHMIPC_RECOVER_H

#include "buffer/handle.h"

/* How far to go. For the sake of deadlines a call that does it on the way goes
 * some steps only; its next one goes on, behind what was removed. */
enum recover_extent { RECOVER_SOME, RECOVER_ALL };

/* Removes dead claims and gaps from the head on; *removed is how many. With
 * `force` also claims of owners that cannot be judged. */
IpcStatus recover_dead(struct IpcBuffer *b, enum recover_extent extent,
                       bool force, uint64_t *removed, uint64_t *offset);

/* Removes the gap at `position`, or the rest of it. False: there is none. */
bool recover_revoke(struct IpcBuffer *b, uint64_t position);

/* Gets past what is at the head, an entry or damage, unless its owner lives. */
IpcStatus recover_skip(struct IpcBuffer *b, uint64_t *offset);

#endif
