/* SPDX-License-Identifier: MIT */
/*
 * Reading from a buffer: the path of a read when there is an entry, to be
 * inlined into the public calls of both layers, and what it falls back on.
 */
#ifndef SHMIPC_READ_H
#define SHMIPC_READ_H

#include "buffer/give.h"
#include "buffer/handle.h"
#include "ring/payload.h"

/* Copies the next entry. On an error *error is its body. */
IpcStatus read_entry(struct IpcBuffer *b, IpcEntry *dest,
                     IpcBufferReadError *error);
/* The next entry into memory from malloc; on IPC_OK the caller owns it. Where
 * this and read_peek() get to look and find no entry, dest->payload is NULL. */
IpcStatus read_allocate(struct IpcBuffer *b, IpcEntry *dest,
                        IpcBufferReadError *error);
/* Of a handle that has read ahead: what comes next. */
IpcStatus read_peek(struct IpcBuffer *b, IpcEntry *dest,
                    IpcBufferReadError *error);
/* error->offset: where the head is, whatever the status. */
IpcStatus read_skip(struct IpcBuffer *b, uint64_t offset,
                    IpcBufferReadError *error);
const char *read_detail(IpcStatus status);

/* What is at the head, in *view, and error->offset. Takes the role, rests, and
 * revokes gaps now and then. */
IpcStatus read_look_otherwise(struct IpcBuffer *b, struct view *view,
                              IpcBufferReadError *error);

/* The same for a subscriber that looks for the newest entry: one that was
 * evicted goes on with the oldest that is there, whatever else it wants. */
IpcStatus read_look_for_newest(struct IpcBuffer *b, struct view *view,
                               IpcBufferReadError *error);

/* What is behind the entries that this handle, which leads, has read ahead. */
IpcStatus read_look_ahead(struct IpcBuffer *b, struct view *view,
                          IpcBufferReadError *error);

/* What a read would say, from a thread that does not read: moves and takes
 * nothing. IPC_OK also for filler that only the one consumer can pass. */
IpcStatus read_glance(const struct IpcBuffer *b);

/* Whether entries are held, by somebody who may be dead, or by others than this
 * process. Never, but where many read ahead. */
bool read_is_held(const struct IpcBuffer *b);
bool read_is_with_others(const struct IpcBuffer *b);

/* Whether what is to be read next is claimed but not committed, so that a
 * repair may help. Moves nothing. */
bool read_is_stuck(struct IpcBuffer *b);

/* Whether this process may move head. */
static inline bool read_may_take(const struct IpcBuffer *b)
{
    return !b->ring.readers_enter || handle_may_consume(b);
}

/* The same, when there is an entry at the head. */
static inline IpcStatus read_look(struct IpcBuffer *b, struct view *view,
                                  IpcBufferReadError *error)
{
    if (__builtin_expect(!read_may_take(b) || !take_look_here(&b->ring, view),
                         0))
        return read_look_otherwise(b, view, error);
    error->offset = take_offset(&b->ring, view);
    return IPC_OK;
}

static inline void read_load_bytes(struct IpcBuffer *b, void *to,
                                   const unsigned char *from, size_t size)
{
    if (!b->ring.one_consumer)
        payload_load_unowned(to, from, size);
    else if (__builtin_expect(size > SHMIPC_BLOCK, 0) && give_pays(b, size))
        give_load(to, from, size);
    else
        payload_load_owned(to, from, size);
}

static inline void read_load(struct IpcBuffer *b, void *to,
                             const struct view *view)
{
    read_load_bytes(b, to, take_payload(&b->ring, view), view->size);
}

/* Takes the `count` entries up to view->next. False: somebody else did. */
static inline bool read_take(struct IpcBuffer *b, const struct view *view,
                             uint32_t count)
{
    atomic_set_hint(&b->run, atomic_hint(&b->run) + count);
    return take_move(&b->ring, view->head, view->next);
}

static inline void read_tell_block(struct IpcBuffer *b, IpcEntry *dest,
                                   const struct look_block *block)
{
    dest->offset = take_block_offset(&b->ring, block);
    dest->size = (size_t)block->size;
    atomic_set_hint(&b->run, atomic_hint(&b->run) + 1);
}

/* Whether there is an entry of up to a block, and room for it. If there is a
 * *larger one read_blocks() may read it. */
static inline bool read_look_block(const struct IpcBuffer *b,
                                   const IpcEntry *dest,
                                   struct look_block *block, bool *larger)
{
    if (take_look_block(&b->ring, block))
        return block->size <= dest->size;
    *larger = block->size <= SHMIPC_ENTRY_MAX;
    return false;
}

/* A read of such an entry. False: nothing was done, and unless it is a *larger
 * one read_entry() has to. Calls nothing, so that it needs no registers but
 * its own. */
static inline bool read_block(struct IpcBuffer *b, IpcEntry *dest, bool *larger)
{
    struct look_block block;
    void *to;

    *larger = false;
    if (!b || !dest)
        return false;
    to = dest->payload;
    if (!to)
        return false;
    /* The next block follows, in both cases: see take_look_block(). Relaxed:
     * see handle_may_consume(). */
    if (process_has_token(atomic_get_relaxed(&b->reads_alone))) {
        if (!read_look_block(b, dest, &block, larger))
            return false;
        read_tell_block(b, dest, &block);
        payload_load_owned(to, take_block_payload(&b->ring, &block),
                           (size_t)block.size);
        /* Release [head]: our loads of the block come first. */
        atomic_put_release(&b->ring.head->position, block.position + 1);
        return true;
    }
    if (!read_may_take(b) || !read_look_block(b, dest, &block, larger))
        return false;
    payload_load_unowned(to, take_block_payload(&b->ring, &block),
                         (size_t)block.size);
    /* Release [head]: as above. */
    if (!atomic_cas_release(&b->ring.head->position, block.position,
                            block.position + 1))
        return false;
    read_tell_block(b, dest, &block);
    return true;
}

/* The same for a larger entry, once read_block() has found one, and so that all
 * else is as it should be. One that ends its lap is for read_entry(). */
static inline bool read_blocks(struct IpcBuffer *b, IpcEntry *dest)
{
    struct look_block block;
    uint64_t blocks;

    if (!take_look_inside(&b->ring, &block, &blocks) ||
        block.size <= SHMIPC_BLOCK || block.size > dest->size)
        return false;
    read_load_bytes(b, dest->payload, take_block_payload(&b->ring, &block),
                    (size_t)block.size);
    if (!take_move(&b->ring, block.position, block.position + blocks))
        return false;
    read_tell_block(b, dest, &block);
    return true;
}

#endif
