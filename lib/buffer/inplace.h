/* SPDX-License-Identifier: MIT */
/*
 * Writing and reading in place: the paths of reserve, commit, peek and skip
 * when nothing is in the way, to be inlined into the public calls of both
 * layers. Of each, false says that nothing was done, and that the function of
 * the same name in write.h or read.h has to.
 */
#ifndef SHMIPC_INPLACE_H
#define SHMIPC_INPLACE_H

#include "buffer/read.h"
#include "buffer/write.h"

static inline bool inplace_reserve(struct IpcBuffer *b, size_t size,
                                   IpcReservation *dest)
{
    struct claim claim = {.blocks = control_blocks(size)};

    if (!b || !dest || (uint64_t)size - 1 >= b->max_entry_size ||
        !write_claim_plain(b, &claim))
        return false;
    claim_tell_taps(&b->ring);
    write_fill_reservation(b, &claim, size, dest);
    return true;
}

static inline bool inplace_commit(struct IpcBuffer *b,
                                  const IpcReservation *reservation,
                                  size_t size)
{
    struct claim claim;

    if (!b || !reservation || (uint64_t)size - 1 >= reservation->size ||
        !write_find_claim(b, reservation, &claim) ||
        !write_is_open(b, reservation, &claim))
        return false;
    write_finish(b, &claim, size);
    return true;
}

static inline bool inplace_peek(const struct IpcBuffer *b, IpcEntry *dest)
{
    struct view view;

    if (!b || !dest || !read_may_take(b) || !take_look_plain(&b->ring, &view))
        return false;
    dest->offset = take_offset(&b->ring, &view);
    dest->payload = take_payload(&b->ring, &view);
    dest->size = view.size;
    return true;
}

static inline bool inplace_skip(struct IpcBuffer *b, uint64_t offset)
{
    struct view view;

    return b && read_may_take(b) && take_look_plain(&b->ring, &view) &&
           offset == take_offset(&b->ring, &view) && read_take(b, &view, 1);
}

#endif
