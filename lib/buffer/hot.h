/* SPDX-License-Identifier: MIT */
/*
 * What a write and a read do when nothing is in the way, to be inlined into
 * the public calls of both layers. The rest of it is in write.c and read.c.
 */
#ifndef SHMIPC_HOT_H
#define SHMIPC_HOT_H

#include "buffer/buffer.h"
#include "ring/payload.h"

/* ---------------------------------------------------------------- writes */

/* An entry being written. */
struct claim {
    uint64_t position;
    unsigned char *payload;
    uint32_t blocks;
};

static inline IpcStatus write_claim_once(struct IpcBuffer *b, uint32_t blocks,
                                         uint64_t *position)
{
    return b->ring.one_producer
               ? claim_alone(&b->ring, blocks, position)
               : claim_shared(&b->ring, blocks, handle_owner(b), position);
}

/* After IPC_ERR_NO_SPACE_CONTIGUOUS. write.c. What is passed by value here and
 * in read_after_nothing() can stay in registers elsewhere. */
IpcStatus write_claim_when_full(struct IpcBuffer *b, uint32_t blocks,
                                uint64_t *position);

/* Claims claim->blocks blocks. */
static inline IpcStatus write_claim(struct IpcBuffer *b, struct claim *claim)
{
    IpcStatus status;

    if (!handle_may_produce(b)) {
        status = handle_produce(b);
        if (status != IPC_OK)
            return status;
    }
    /* Relaxed: one thread at a time, by contract. */
    if (b->ring.one_producer && atomic_get_relaxed(&b->open_alone))
        return IPC_ERR_ILLEGAL_STATE;
    status = write_claim_once(b, claim->blocks, &claim->position);
    if (__builtin_expect(status == IPC_ERR_NO_SPACE_CONTIGUOUS, 0)) {
        uint64_t position = 0;

        status = write_claim_when_full(b, claim->blocks, &position);
        claim->position = position;
    }
    if (status == IPC_OK)
        claim->payload = position_payload(&b->ring, claim->position);
    return status;
}

static inline IpcStatus write_claim_bytes(struct IpcBuffer *b, size_t size,
                                          struct claim *claim)
{
    /* 0 wraps around and is too large as well. */
    if ((uint64_t)size - 1 >= b->max_entry_size)
        return size ? IPC_ERR_ENTRY_TOO_LARGE : IPC_ERR_INVALID_ARGUMENT;
    claim->blocks = control_blocks(size);
    return write_claim(b, claim);
}

/* After READY: channel_wakers_fence() counts on its being a locked instruction
 * where there are such, with many producers. */
static inline void write_count(struct IpcBuffer *b, uint64_t count)
{
    if (b->ring.one_producer)
        owner_count_entries_alone(&b->ring.owners, handle_owner(b), count);
    else
        owner_count_entries(&b->ring.owners, handle_owner(b), count);
}

static inline void write_publish(struct IpcBuffer *b, const struct claim *claim,
                                 uint32_t value, enum control_state state)
{
    if (b->ring.one_producer)
        claim_commit_alone(&b->ring, claim->position, value, state);
    else
        claim_commit(&b->ring, claim->position, claim->blocks, value, state);
}

static inline void publish(struct IpcBuffer *b, const struct claim *claim,
                           size_t size)
{
    write_publish(b, claim, (uint32_t)size, CONTROL_READY);
    write_count(b, 1);
}

/* A claim when nothing is in the way. False: something is, or may be. */
static inline bool write_claim_plain(struct IpcBuffer *b, struct claim *claim)
{
    struct ring *r = &b->ring;
    struct plan plan;

    if (!handle_may_produce(b))
        return false;
    /* Relaxed: one thread at a time, by contract. */
    if (r->one_producer)
        return !atomic_get_relaxed(&b->open_alone) &&
               claim_alone_plain(r, claim->blocks, &claim->position);
    return claim_plan_plain(r, claim->blocks, &plan) &&
           claim_planned(r, claim->blocks, handle_owner(b), plan,
                         &claim->position);
}

/* A write when nothing is in the way. False: nothing was done, write_entry()
 * has to. */
static inline bool write_plain(struct IpcBuffer *b, const void *data,
                               size_t size)
{
    struct claim claim = {.blocks = control_blocks(size)};

    /* A size of 0 wraps around and is too large as well. */
    if (__builtin_expect(!b || !data ||
                             (uint64_t)size - 1 >= b->max_entry_size ||
                             !write_claim_plain(b, &claim),
                         0))
        return false;
    payload_store(position_payload(&b->ring, claim.position), data, size);
    publish(b, &claim, size);
    return true;
}

/* ----------------------------------------------------------------- reads */

/* After IPC_EMPTY or IPC_ERR_NOT_READY at `position`: what to answer.
 * IPC_PLACEHOLDER: nothing, look again. read.c. */
IpcStatus read_after_nothing(struct IpcBuffer *b, uint64_t position,
                             IpcStatus status);

static inline IpcStatus look(struct IpcBuffer *b, struct view *view)
{
    IpcStatus status;

    if (b->ring.one_consumer && !handle_may_consume(b)) {
        status = handle_consume(b);
        if (status != IPC_OK) {
            /* For the error body. */
            view->position = protocol_head(&b->ring);
            view->start = 0;
            return status;
        }
    }
    do {
        status = take_look(&b->ring, view);
        if (status == IPC_EMPTY || status == IPC_ERR_NOT_READY)
            status = read_after_nothing(b, view->position, status);
    } while (status == IPC_PLACEHOLDER);
    return status;
}

static inline void read_load_bytes(struct IpcBuffer *b, void *to,
                                   const unsigned char *from, size_t size)
{
    if (b->ring.one_consumer)
        payload_load_owned(to, from, size);
    else
        payload_load_unowned(to, from, size);
}

static inline void load(struct IpcBuffer *b, void *to, const struct view *view)
{
    read_load_bytes(b, to, take_payload(&b->ring, view), view->size);
}

/* So many entries were taken. */
static inline void read_count(struct IpcBuffer *b, uint32_t count)
{
    atomic_set_hint(&b->run, atomic_hint(&b->run) + count);
}

static inline bool take(struct IpcBuffer *b, const struct view *view)
{
    read_count(b, 1);
    return take_move(&b->ring, view->head, view->next);
}

/* A read when there is an entry and room for it. False: nothing was done,
 * read_entry() has to. */
static inline bool read_plain(struct IpcBuffer *b, IpcEntry *dest)
{
    struct view view;

    if (__builtin_expect(!b || !dest || !dest->payload ||
                             (b->ring.one_consumer && !handle_may_consume(b)) ||
                             !take_look_plain(&b->ring, &view) ||
                             view.size > dest->size,
                         0))
        return false;
    load(b, dest->payload, &view);
    if (!take(b, &view))
        return false;
    dest->offset = take_offset(&b->ring, &view);
    dest->size = view.size;
    return true;
}

#endif
