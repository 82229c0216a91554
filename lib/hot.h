/* SPDX-License-Identifier: MIT */
/*
 * What a write and a read do when nothing is in the way, to be inlined into
 * the public calls of both layers. The rest of it is in write.c and read.c.
 */
#ifndef SHMIPC_HOT_H
#define SHMIPC_HOT_H

#include "buffer.h"
#include "payload.h"

/* ---------------------------------------------------------------- writes */

/* An entry being written. */
struct claim {
    uint64_t position;
    unsigned char *payload;
    uint32_t blocks;
};

static inline IpcStatus claim_once(struct IpcBuffer *b, struct claim *claim)
{
    return b->ring.one_producer
               ? protocol_claim_alone(&b->ring, claim->blocks, &claim->position)
               : protocol_claim(&b->ring, claim->blocks, handle_owner(b),
                                &claim->position);
}

/* After IPC_ERR_NO_SPACE_CONTIGUOUS. write.c. */
IpcStatus claim_when_full(struct IpcBuffer *b, struct claim *claim);

/* Claims claim->blocks blocks. */
static inline IpcStatus claim_blocks(struct IpcBuffer *b, struct claim *claim)
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
    status = claim_once(b, claim);
    if (status == IPC_ERR_NO_SPACE_CONTIGUOUS)
        status = claim_when_full(b, claim);
    if (status == IPC_OK)
        claim->payload = position_payload(&b->ring, claim->position);
    return status;
}

static inline IpcStatus claim_space(struct IpcBuffer *b, size_t size,
                                    struct claim *claim)
{
    /* 0 wraps around and is too large as well. */
    if ((uint64_t)size - 1 >= b->max_entry_size)
        return size ? IPC_ERR_ENTRY_TOO_LARGE : IPC_ERR_INVALID_ARGUMENT;
    claim->blocks = blocks_of(size);
    return claim_blocks(b, claim);
}

/* After READY: channel_wakers_fence() counts on its being a locked instruction
 * where there are such, with many producers. */
static inline void count_entries(struct IpcBuffer *b, uint64_t count)
{
    if (b->ring.one_producer)
        owner_count_entries_alone(&b->ring.owners, handle_owner(b), count);
    else
        owner_count_entries(&b->ring.owners, handle_owner(b), count);
}

static inline void publish(struct IpcBuffer *b, const struct claim *claim,
                           size_t size)
{
    if (b->ring.one_producer)
        protocol_publish_alone(&b->ring, claim->position, (uint32_t)size);
    else
        protocol_publish(&b->ring, claim->position, claim->blocks,
                         (uint32_t)size);
    count_entries(b, 1);
}

static inline IpcStatus hot_write(struct IpcBuffer *b, const void *data,
                                  size_t size)
{
    struct claim claim;
    IpcStatus status;

    if (!b || !data)
        return IPC_ERR_INVALID_ARGUMENT;
    status = claim_space(b, size, &claim);
    if (status != IPC_OK)
        return status;
    payload_store(claim.payload, data, size);
    publish(b, &claim, size);
    return IPC_OK;
}

/* ----------------------------------------------------------------- reads */

/* After IPC_EMPTY. True: something came up, look again. read.c. */
bool look_when_empty(struct IpcBuffer *b, const struct view *view,
                     IpcStatus *status);

static inline IpcStatus look(struct IpcBuffer *b, struct view *view)
{
    IpcStatus status;

    if (b->ring.one_consumer && !handle_may_consume(b)) {
        status = handle_consume(b);
        if (status != IPC_OK) {
            /* Relaxed: for the error body. */
            view->position = atomic_get_relaxed(&b->ring.head->position);
            return status;
        }
    }
    do {
        status = protocol_look(&b->ring, view);
    } while ((status == IPC_EMPTY || status == IPC_ERR_NOT_READY) &&
             look_when_empty(b, view, &status));
    return status;
}

static inline void load(struct IpcBuffer *b, void *to, const struct view *view)
{
    const unsigned char *from = position_payload(&b->ring, view->position);

    if (b->ring.one_consumer)
        payload_load_owned(to, from, view->size);
    else
        payload_load_unowned(to, from, view->size);
}

/* So many entries were taken. */
static inline void count_run(struct IpcBuffer *b, uint32_t count)
{
    atomic_set_hint(&b->run, atomic_hint(&b->run) + count);
}

static inline bool take(struct IpcBuffer *b, const struct view *view)
{
    count_run(b, 1);
    return protocol_move_head(&b->ring, view->position, view->next);
}

static inline IpcStatus hot_read(struct IpcBuffer *b, IpcEntry *dest,
                                 uint64_t *offset, size_t *needed)
{
    if (!b || !dest || !dest->payload)
        return IPC_ERR_INVALID_ARGUMENT;
    for (int tries = 0; tries < PROTOCOL_TRIES; tries++) {
        struct view view;
        IpcStatus status = look(b, &view);

        if (status != IPC_OK) {
            if (status < 0)
                *offset = position_offset(&b->ring, view.position);
            return status;
        }
        if (view.size > dest->size) {
            *offset = position_offset(&b->ring, view.position);
            *needed = view.size;
            return IPC_ERR_TOO_SMALL;
        }
        load(b, dest->payload, &view);
        if (take(b, &view)) {
            dest->offset = position_offset(&b->ring, view.position);
            dest->size = view.size;
            return IPC_OK;
        }
    }
    return IPC_ERR_LOCKED;
}

#endif
