/* SPDX-License-Identifier: MIT */
/*
 * A plain queue that knows how a ring of n blocks must behave to the last
 * status and number: entries take whole blocks, never wrap, and leave filler
 * where they did not fit or were cut short. Those of an array share blocks,
 * which are free after the last of them.
 */
#ifndef TEST_REFERENCE_H
#define TEST_REFERENCE_H

#include "helpers.h"

enum {
    MAX_BLOCKS = 40,
    MAX_BYTES = MAX_BLOCKS * 64,
    MAX_COUNT = 150, /* entries written or read by one call */
    MAX_OPEN = 6,
    ONE_PRODUCER = 1,
    ONE_CONSUMER = 2,
};

enum item_kind { ITEM_ENTRIES, ITEM_FILLER, ITEM_OPEN };

/* What a run of blocks holds. Positions count blocks and never wrap. */
struct item {
    enum item_kind kind;
    uint64_t position;
    uint32_t blocks;
    uint32_t size;
    uint64_t seed;  /* of the first entry; that of the next is one more */
    uint32_t count; /* of entries: 1, or more in an array */
    uint32_t taken;
};

struct open_claim {
    IpcReservation reservation;
    uint64_t position;
};

struct reference {
    IpcBuffer *buffer;
    unsigned char *memory;
    uint32_t mode;
    uint32_t n;
    uint64_t head;
    uint64_t tail;
    uint64_t written;
    uint64_t counter; /* seed of the next payload */
    uint64_t random;
    struct item items[MAX_BLOCKS]; /* from items[first % MAX_BLOCKS] on */
    uint64_t first;
    uint64_t last;
    struct open_claim open[MAX_OPEN];
    uint32_t open_count;
};

static inline struct item *item_at(struct reference *r, uint64_t i)
{
    return &r->items[i % MAX_BLOCKS];
}

static inline void append(struct reference *r, enum item_kind kind,
                          uint32_t blocks, uint32_t size, uint64_t seed)
{
    struct item item = {kind, r->tail, blocks, size, seed, 1, 0};

    must(r->last - r->first < MAX_BLOCKS);
    *item_at(r, r->last++) = item;
    r->tail += blocks;
}

static inline void pop(struct reference *r)
{
    r->head += item_at(r, r->first)->blocks;
    r->first++;
}

/* Takes the entry at the head. */
static inline void take(struct reference *r)
{
    struct item *item = item_at(r, r->first);

    if (++item->taken == item->count)
        pop(r);
}

static inline uint64_t head_offset(const struct reference *r)
{
    const struct item *item = &r->items[r->first % MAX_BLOCKS];

    if (r->first == r->last)
        return r->head * 64;
    return r->head * 64 + item->taken * control_array_stride(item->size);
}

static inline bool is_next(const struct item *item, const void *data,
                           size_t size)
{
    return size == item->size &&
           is_filled(data, size, item->seed + item->taken);
}

/* The item at the head after filler, or NULL: what every look at it does. */
static inline struct item *look(struct reference *r)
{
    while (r->first < r->last && item_at(r, r->first)->kind == ITEM_FILLER)
        pop(r);
    return r->first < r->last ? item_at(r, r->first) : NULL;
}

static inline IpcStatus head_status(struct reference *r)
{
    struct item *item = look(r);

    if (!item)
        return IPC_EMPTY;
    return item->kind == ITEM_OPEN ? IPC_ERR_NOT_READY : IPC_OK;
}

/* Whether there is space; makes the filler before it. */
static inline bool claim_once(struct reference *r, uint32_t blocks)
{
    for (;;) {
        uint32_t fit = r->n - (uint32_t)(r->tail % r->n);
        uint32_t pad = blocks <= fit ? 0 : fit;
        bool only_pad = pad + blocks > r->n;
        uint32_t need = only_pad ? pad : pad + blocks;

        if (r->tail - r->head + need > r->n)
            return false;
        if (pad)
            append(r, ITEM_FILLER, pad, 0, 0);
        if (!only_pad)
            return true;
    }
}

static inline IpcStatus expect_claim(struct reference *r, uint32_t size)
{
    if (size == 0)
        return IPC_ERR_INVALID_ARGUMENT;
    if (size > r->n * 64)
        return IPC_ERR_ENTRY_TOO_LARGE;
    if ((r->mode & ONE_PRODUCER) && r->open_count)
        return IPC_ERR_ILLEGAL_STATE;
    if (claim_once(r, control_blocks(size)))
        return IPC_OK;
    if (!(r->mode & ONE_CONSUMER)) {
        look(r); /* a producer passes filler then */
        if (claim_once(r, control_blocks(size)))
            return IPC_OK;
    }
    return IPC_ERR_NO_SPACE_CONTIGUOUS;
}

static inline uint32_t random_size(struct reference *r)
{
    uint32_t limit = r->n * 64;

    switch (random_below(&r->random, 8)) {
    case 0:
        return 1 + random_below(&r->random, limit);
    case 1:
        return limit - random_below(&r->random, 2);
    case 2:
        return random_below(&r->random, limit + 70);
    default:
        return 1 + random_below(&r->random, limit > 200 ? 200 : limit);
    }
}

#define agree(r, actual, wanted)                                               \
    do {                                                                       \
        IpcStatus is_ = (actual);                                              \
        IpcStatus should_ = (wanted);                                          \
        must_say(is_ == should_, "%s: %s instead of %s (n %u mode %u)",        \
                 #actual, ipc_status_name(is_), ipc_status_name(should_),      \
                 (r)->n, (r)->mode);                                           \
    } while (0)

#endif
