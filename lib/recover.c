/* SPDX-License-Identifier: MIT */
/*
 * Getting past what dead producers left at the head of a buffer.
 */
#include "buffer.h"

/* Whether the BUSY word's owner will never store READY. */
static IpcStatus judge_owner(struct IpcBuffer *b, const struct view *view,
                             bool force)
{
    switch (owner_fate_of(&b->ring.owners, control_value(view->word))) {
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
 * Removes one dead claim or one gap at the head.
 * IPC_OK: done, or somebody else did. IPC_EMPTY: nothing to repair.
 */
static IpcStatus repair_once(struct IpcBuffer *b, bool may_move, bool force,
                             struct view *view, uint64_t *removed)
{
    IpcStatus status = protocol_look(&b->ring, may_move, view);

    switch (status) {
    case IPC_EMPTY:
        if (!protocol_is_gap(&b->ring, view))
            return IPC_EMPTY;
        *removed += protocol_revoke(&b->ring, view->position);
        return IPC_OK;
    case IPC_ERR_NOT_READY:
        status = judge_owner(b, view, force);
        if (status == IPC_OK)
            *removed += protocol_recover(&b->ring, view->position, view->word);
        return status;
    case IPC_OK:
        return IPC_EMPTY;
    case IPC_ERR_LOCKED:
        /* Filler that only the consumer may pass; it will. */
        return may_move ? IPC_ERR_LOCKED : IPC_EMPTY;
    default:
        return status;
    }
}

IpcStatus buffer_recover(struct IpcBuffer *b, bool force, uint64_t *removed,
                         uint64_t *offset)
{
    bool may_move;
    uint64_t tries;

    *removed = 0;
    if (!b)
        return IPC_ERR_INVALID_ARGUMENT;
    may_move = !b->ring.one_consumer || handle_may_consume(b);
    for (tries = 0; tries <= b->ring.block_count; tries++) {
        struct view view;
        IpcStatus status = repair_once(b, may_move, force, &view, removed);

        if (status == IPC_EMPTY)
            return IPC_OK;
        if (status != IPC_OK) {
            *offset = position_offset(&b->ring, view.position);
            return status;
        }
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
    return protocol_move_head(&b->ring, view->position, next)
               ? IPC_OK
               : IPC_ALREADY_SKIPPED;
}

static IpcStatus skip_dead(struct IpcBuffer *b, const struct view *view)
{
    if (judge_owner(b, view, false) != IPC_OK)
        return IPC_ERR_LOCKED;
    return protocol_recover(&b->ring, view->position, view->word)
               ? IPC_OK
               : IPC_ALREADY_SKIPPED;
}

IpcStatus buffer_skip_force(struct IpcBuffer *b, uint64_t *offset)
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
    status = protocol_look(r, true, &view);
    *offset = position_offset(r, view.position);
    switch (status) {
    case IPC_OK:
        return protocol_move_head(r, view.position, view.next)
                   ? IPC_OK
                   : IPC_ALREADY_SKIPPED;
    case IPC_EMPTY:
        if (!protocol_is_gap(r, &view))
            return IPC_EMPTY;
        return protocol_revoke(r, view.position) ? IPC_OK : IPC_ALREADY_SKIPPED;
    case IPC_ERR_NOT_READY:
        return skip_dead(b, &view);
    case IPC_ERR_CORRUPTED:
        return skip_damaged(b, &view);
    default:
        return status;
    }
}
