/* SPDX-License-Identifier: MIT */
/*
 * A handle's view of the ring: where its parts are in this process, copied and
 * validated when the handle was made, and the arithmetic of positions. None of
 * it is read from shared memory again: whoever scribbles over the identity can
 * make handles believe that their ring is gone (creation.h), and no more.
 */
#ifndef SHMIPC_POSITION_H
#define SHMIPC_POSITION_H

#include "ring/layout.h"
#include "ring/owner.h"

/* What plain calls need comes first: of producers and both, one line, and then
 * of consumers; what they store stands before it, in the handle
 * (buffer/handle.h). */
struct ring {
    struct shm_tail *tail;
    /* The blocks of its lap from tail up to this position are known to be free.
     * An old value only makes a producer look again sooner. */
    atomic_u64 room_end;
    unsigned char *ahead_end; /* of blocks behind which producers look ahead */
    atomic_u64 *control;
    unsigned char *blocks;
    uint64_t index_mask; /* 2^index_bits - 1 */
    uint32_t block_count;
    uint32_t index_bits;
    uint32_t subscriber_count; /* 0: a queue */
    bool one_producer;
    bool one_consumer;
    bool readers_enter; /* who reads takes an owner slot first */
    bool has_taps;      /* producers do what a tap's proof needs: claim.h */

    struct shm_head *head; /* a subscriber's is its own cursor */
    uint64_t head_mask;    /* index_mask, and the bits of a head word's item */
    uint64_t last_index;   /* n - 1 */
    uint64_t lap_gap;      /* 2^index_bits - n: indices that do not exist */
    uint64_t origin;       /* blocks before `first`, ever */
    struct shm_head *gate; /* up to where blocks are free; a queue's is head */
    const struct shm_identity *identity;
    uint64_t creation; /* the identity's, when the handle was made */

    atomic_u64 *holders; /* NULL: reads consume at once; see hold.h */
    uint64_t first;      /* position of the first block of this creation */
    struct shm_subscriber *subscribers;
    struct owner_table owners;
};

static inline uint32_t position_index(const struct ring *r, uint64_t position)
{
    return (uint32_t)(position & r->index_mask);
}

static inline uint64_t position_lap(const struct ring *r, uint64_t position)
{
    return position >> r->index_bits;
}

static inline uint32_t position_tag(const struct ring *r, uint64_t position)
{
    return (uint32_t)(position >> r->index_bits);
}

/* Whether the index exists. The library stores no other. */
static inline bool position_is_valid(const struct ring *r, uint64_t position)
{
    return position_index(r, position) < r->block_count;
}

static inline uint32_t position_blocks_left(const struct ring *r,
                                            uint64_t position)
{
    return r->block_count - position_index(r, position);
}

/* The position `blocks` further on, at most the next lap's first. */
static inline uint64_t position_advance(const struct ring *r, uint64_t position,
                                        uint32_t blocks)
{
    uint64_t next = position + blocks;

    if (position_index(r, position) + (uint64_t)blocks == r->block_count)
        next += r->lap_gap;
    return next;
}

/* Blocks from `from` to `to`; negative if `to` is behind. */
static inline int64_t position_distance(const struct ring *r, uint64_t from,
                                        uint64_t to)
{
    uint64_t laps = position_lap(r, to) - position_lap(r, from);

    return (int64_t)(to - from - laps * r->lap_gap);
}

/* Blocks before `position`, ever. */
static inline uint64_t position_ordinal(const struct ring *r, uint64_t position)
{
    return position - position_lap(r, position) * r->lap_gap;
}

/* What users see: bytes since creation. */
static inline uint64_t position_offset(const struct ring *r, uint64_t position)
{
    return (position_ordinal(r, position) - r->origin) * SHMIPC_BLOCK;
}

/* The position and the item of a head word. */
static inline uint64_t position_of_head(uint64_t head)
{
    return head & SHMIPC_POSITION_MASK;
}

static inline uint32_t position_item(uint64_t head)
{
    return (uint32_t)(head / SHMIPC_HEAD_ITEM);
}

static inline unsigned char *position_payload(const struct ring *r,
                                              uint64_t position)
{
    return r->blocks + (size_t)position_index(r, position) * SHMIPC_BLOCK;
}

static inline atomic_u64 *position_control(const struct ring *r,
                                           uint64_t position)
{
    return &r->control[position_index(r, position)];
}

#endif
