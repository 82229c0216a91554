/* SPDX-License-Identifier: MIT */
/*
 * A batch that is being filled: as many entries as are there, up to what a
 * message may have.
 */
#ifndef SHMIPC_BRIDGE_BATCH_H
#define SHMIPC_BRIDGE_BATCH_H

#include "bridge/wire.h"
#include <shmipc/ipc_common.h>

struct batch {
    unsigned char first[WIRE_FIRST_MAX]; /* as it travels; the head last */
    unsigned char *payload;              /* from malloc(), or NULL */
    size_t used, room;
    uint32_t count;
    uint64_t first_offset, last_offset;
};

/* False: no memory; it is as it was. */
static inline bool batch_has_room(const struct batch *b, size_t size)
{
    return b->count == 0 ||
           (b->count < WIRE_ENTRIES_MAX && b->used + size <= WIRE_BATCH_MAX);
}
bool batch_add(struct batch *b, const IpcEntry *entry);
/* Completes the first part; bytes of it. */
size_t batch_seal(struct batch *b, struct wire_head head);
/* Empty again; the payload is somebody else's. */
void batch_forget(struct batch *b);
/* Empty again. */
void batch_drop(struct batch *b);

#endif
