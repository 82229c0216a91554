/* SPDX-License-Identifier: MIT */
/*
 * Getting past what dead producers left at the head of a buffer.
 */
#include "buffer/recover.h"

/* Whether the BUSY word's owner will never store READY. */
static IpcStatus judge_owner(struct IpcBuffer *b, const struct view *view,
                             bool force)
{
    switch (owner_fate(&b->ring.owners, control_value(view->word))) {
    case OWNER_IS_DEAD:
        return IPC_OK;
    case OWNER_UNKNOWN:
        return force ? IPC_OK : IPC_ERR_NOT_READY;
    case OWNER_LIVES:
        break;
    }
    return IPC_ERR_NOT_READY;
}

/*
 * Walks from the head on over what readers will pass, and removes dead claims
 * and gaps on the way. It moves nothing: with one consumer only that one may,
 * and it may be at it on another thread.
 */
IpcStatus recover_dead(struct IpcBuffer *b, bool force, uint64_t *removed,
                       uint64_t *offset)
{
    struct ring *r;
    struct view view;
    uint64_t head;

    *removed = 0;
    if (!b)
        return IPC_ERR_INVALID_ARGUMENT;
    r = &b->ring;
    /* Acquire pairs with the release in take_move(): words that were
     * replaced before head got here are not seen any more. */
    head = atomic_get_acquire(&r->head->position);
    for (uint64_t i = 0; i <= 2 * (uint64_t)r->block_count; i++) {
        IpcStatus status = take_look_at(r, head, &view);

        *offset = take_offset(r, &view);
        if (status == IPC_PLACEHOLDER) {
            head = view.next;
            continue;
        }
        if (status == IPC_ERR_NOT_READY) {
            status = judge_owner(b, &view, force);
            if (status != IPC_OK)
                return status;
            *removed += repair_remove(r, view.position, view.word);
            continue;
        }
        if (status != IPC_EMPTY)
            return status; /* an entry, or damage */
        if (!repair_is_gap(r, view.position) ||
            repair_revoke(r, view.position) == 0)
            return IPC_OK;
        *removed += 1;
    }
    return IPC_OK;
}

/* Moves the head over one block whose word means nothing. */
static IpcStatus skip_damaged(struct IpcBuffer *b, const struct view *view)
{
    uint64_t next;

    if (!position_is_valid(&b->ring, view->position))
        return IPC_ERR_CORRUPTED;
    next = position_advance(&b->ring, view->position, 1);
    return take_move(&b->ring, view->head, next) ? IPC_OK : IPC_ALREADY_SKIPPED;
}

static IpcStatus skip_dead(struct IpcBuffer *b, const struct view *view)
{
    if (judge_owner(b, view, false) != IPC_OK)
        return IPC_ERR_LOCKED;
    return repair_remove(&b->ring, view->position, view->word)
               ? IPC_OK
               : IPC_ALREADY_SKIPPED;
}

IpcStatus recover_skip(struct IpcBuffer *b, uint64_t *offset)
{
    struct ring *r;
    struct view view;
    IpcStatus status = IPC_OK;

    if (!b)
        return IPC_ERR_INVALID_ARGUMENT;
    r = &b->ring;
    if (r->one_consumer && !handle_may_consume(b))
        status = handle_consume(b);
    if (status != IPC_OK)
        return status;
    status = take_look(r, &view);
    *offset = take_offset(r, &view);
    switch (status) {
    case IPC_OK:
        return take_move(r, view.head, view.next) ? IPC_OK
                                                  : IPC_ALREADY_SKIPPED;
    case IPC_EMPTY:
        if (!repair_is_gap(r, view.position))
            return IPC_EMPTY;
        return repair_revoke(r, view.position) ? IPC_OK : IPC_ALREADY_SKIPPED;
    case IPC_ERR_NOT_READY:
        return skip_dead(b, &view);
    case IPC_ERR_CORRUPTED:
        return skip_damaged(b, &view);
    default:
        return status;
    }
}
