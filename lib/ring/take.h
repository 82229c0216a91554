/* SPDX-License-Identifier: MIT */
/*
 * Looking at what is at the head, and taking it: C1 to C3 and C5 of protocol.h,
 * which has to be read first and includes this.
 */
#ifndef SHMIPC_TAKE_H
#define SHMIPC_TAKE_H

#include "ring/protocol.h"

/* What a look found. */
enum look {
    LOOK_ENTRY,
    LOOK_FILLER,  /* up to view->next */
    LOOK_BUSY,    /* view->word is BUSY */
    LOOK_NOTHING, /* nothing was stored there in this lap; perhaps a gap */
    LOOK_RACED,   /* others moved head every time */
    LOOK_DAMAGE,  /* what is there cannot be true */
};

struct view {
    uint64_t head; /* the head word: position and, in an array, item */
    uint64_t position;
    uint64_t word;
    uint64_t next;  /* head word after the entry */
    uint32_t size;  /* bytes of the entry */
    uint32_t start; /* bytes before it in its first block: of an array */
};

/* Where the entry's bytes are, and what users call it. */
static inline unsigned char *take_payload(const struct ring *r,
                                          const struct view *view)
{
    return position_payload(r, view->position) + view->start;
}

static inline uint64_t take_offset(const struct ring *r,
                                   const struct view *view)
{
    return position_offset(r, view->position) + view->start;
}

/* C5. False: somebody else moved head. */
static inline bool take_move(struct ring *r, uint64_t from, uint64_t to)
{
    /* Release [head], both: our loads of the blocks come first. */
    if (!r->one_consumer)
        return atomic_cas_release(&r->head->position, from, to);
    atomic_put_release(&r->head->position, to);
    return true;
}

/* ------------------------------------------------------------------- looks */

/* Whether view->word is a single entry, no array. */
static inline bool take_is_entry(const struct ring *r, struct view *view)
{
    const uint64_t value_mask = (uint64_t)CONTROL_VALUE_MAX << 4;
    uint32_t size = control_value(view->word);
    uint32_t blocks = control_blocks(size);

    view->size = size;
    view->next = position_advance(r, view->head, blocks);
    /* Unsigned: 0 blocks are too many as well. */
    return (view->word & ~value_mask) ==
               control_make(position_tag(r, view->head), 0, CONTROL_READY) &&
           blocks - 1 < position_blocks_left(r, view->head) &&
           view->head == view->position;
}

/* The entry of an array that head stands at: a step to the next one, or off
 * the array. False: it has no such entry. */
static inline bool take_item(uint64_t head, struct view *view)
{
    uint32_t value = control_value(view->word);
    uint32_t item = position_item(head);

    if (item >= control_array_count(value))
        return false;
    view->size = control_array_size(value);
    view->start = item * control_array_stride(view->size);
    if (item + 1 < control_array_count(value))
        view->next = head + SHMIPC_HEAD_ITEM;
    return true;
}

/* An entry in one block that is not the last of its lap. */
struct look_block {
    uint64_t position; /* head: it is in no array, and the next block follows */
    uint64_t index;
    uint64_t lap;
    uint64_t size;
};

/* C1 to C3 for such an entry. False: something else is there. If block->size is
 * a size at all, SHMIPC_ENTRY_MAX at most, it is a larger entry. */
static inline bool take_look_block(const struct ring *r,
                                   struct look_block *block)
{
    uint64_t position, index, word;

    /* Acquire [head]: words of older laps that were replaced are gone. */
    position = atomic_get_acquire(&r->head->position);
    /* With an item it is no index. */
    index = position & r->head_mask;
    block->size = SHMIPC_ENTRY_MAX; /* perhaps: to be looked at otherwise */
    if (index >= r->last_index)
        return false;
    block->position = position;
    block->lap = position_lap(r, position);
    block->index = index;
    /* Acquire [commit] [lap]: the payload, and a head at least as new. */
    word = atomic_get_acquire(&r->control[index]);
    /* What is left without tag and state is the size. If they are others it is
     * more than any, since the state goes to the top. */
    word -= (block->lap << 32) + CONTROL_READY;
    block->size = word >> 4 | word << 60;
    return block->size - 1 < SHMIPC_BLOCK;
}

/* The same for an entry of any size that does not end its lap, of so many
 * *blocks. Asks for its first line before it looks at the word, as whoever
 * reads in place will need it, and later. */
static inline bool take_look_inside(const struct ring *r,
                                    struct look_block *block, uint64_t *blocks)
{
    uint64_t word;

    /* Acquire [head]: as above. */
    block->position = atomic_get_acquire(&r->head->position);
    block->index = block->position & r->head_mask;
    if (block->index >= r->last_index)
        return false;
    atomic_prefetch(r->blocks + block->index * SHMIPC_BLOCK);
    block->lap = position_lap(r, block->position);
    /* Acquire [commit] [lap]: as above. */
    word = atomic_get_acquire(&r->control[block->index]);
    word -= (block->lap << 32) + CONTROL_READY;
    block->size = word >> 4 | word << 60;
    *blocks = (block->size + SHMIPC_BLOCK - 1) / SHMIPC_BLOCK;
    /* Unsigned: 0 blocks are too many as well. */
    return block->size <= SHMIPC_ENTRY_MAX &&
           *blocks - 1 < r->last_index - block->index;
}

static inline const unsigned char *
take_block_payload(const struct ring *r, const struct look_block *block)
{
    return r->blocks + block->index * SHMIPC_BLOCK;
}

/* What users call it. */
static inline uint64_t take_block_offset(const struct ring *r,
                                         const struct look_block *block)
{
    return (block->position - block->lap * r->lap_gap - r->origin) *
           SHMIPC_BLOCK;
}

/* C2 and C3: what is at `head`, a head word. */
static inline enum look take_look_at(const struct ring *r, uint64_t head,
                                     struct view *view)
{
    uint64_t position = position_of_head(head);
    uint64_t word;
    uint32_t blocks;

    *view = (struct view){.head = head, .position = position};
    if (!position_is_valid(r, position))
        return LOOK_DAMAGE;
    /* Acquire [commit] [lap]: the payload, and a head at least as new. */
    word = atomic_get_acquire(position_control(r, position));
    view->word = word;
    if (take_is_entry(r, view))
        return LOOK_ENTRY;
    if (control_tag(word) != position_tag(r, position) ||
        control_state(word) == CONTROL_FREE)
        return LOOK_NOTHING;
    if (control_state(word) == CONTROL_BUSY)
        return LOOK_BUSY;
    blocks = control_extent(word);
    /* Unsigned: 0 is too many as well. */
    if (blocks - 1 >= position_blocks_left(r, position))
        return LOOK_DAMAGE;
    view->next = position_advance(r, position, blocks);
    view->size = control_value(word);
    if (control_state(word) == CONTROL_ARRAY)
        return take_item(head, view) ? LOOK_ENTRY : LOOK_DAMAGE;
    return head == position && control_state(word) != CONTROL_READY
               ? LOOK_FILLER
               : LOOK_DAMAGE;
}

/* C1 to C3 when nothing is in the way. True: there is an entry at the head,
 * by itself or in an array. */
static inline bool take_look_here(const struct ring *r, struct view *view)
{
    /* Acquire [head]: words of older laps that were replaced are gone. */
    uint64_t head = atomic_get_acquire(&r->head->position);

    /* Both lines of the entry at once, should it be there. */
    atomic_prefetch(position_payload(r, position_of_head(head)));
    return take_look_at(r, head, view) == LOOK_ENTRY;
}

/* C1 to C3: what is at the head, after moving it over filler; so only for those
 * who may move it. */
static inline enum look take_look(struct ring *r, struct view *view)
{
    for (uint32_t steps = 0; steps < PROTOCOL_STEPS; steps++) {
        /* Relaxed: an older word is taken for nothing, and then the second look
         * acquires before anybody acts on that. */
        uint64_t head = atomic_get_relaxed(&r->head->position);
        enum look look;

        /* Both lines of the entry at once, should it be there. */
        atomic_prefetch(position_payload(r, position_of_head(head)));
        look = take_look_at(r, head, view);
        if (look == LOOK_FILLER)
            take_move(r, head, view->next);
        /* The word is older than head's lap, or head is stale: then it has
         * moved. Acquire [head]: nobody answers for a word that is older than
         * I6 allows. */
        else if (look != LOOK_NOTHING ||
                 atomic_get_acquire(&r->head->position) == head)
            return look;
    }
    return LOOK_RACED;
}

#endif
