/* SPDX-License-Identifier: MIT */
#include "buffer/ahead.h"
#include "buffer/work.h"

/* Goes over to reading ahead, from head on. */
static void lead(struct IpcBuffer *b)
{
    handle_set_reader(b, PROCESS_NOBODY);
    /* Release [ahead]: the cursor. */
    atomic_put_release(&b->leads, process_token());
}

/* Head is as far as the cursor: goes back to plain reading. */
static void follow(struct IpcBuffer *b)
{
    /* Release [ahead]: the head that is as far. */
    atomic_put_release(&b->leads, 0);
    handle_set_reader(b, process_token());
}

/* Whether head word `a` is before `b` in the ring. */
static bool is_before(const struct ring *r, uint64_t a, uint64_t b)
{
    int64_t blocks =
        position_distance(r, position_of_head(a), position_of_head(b));

    return blocks > 0 || (blocks == 0 && position_item(a) < position_item(b));
}

/* Whether the entry that `view` shows may have been read before; else notes
 * that it has been now. */
static bool note_read(struct ring *r, const struct view *view)
{
    /* Relaxed, both: a hint, for monitors and for who succeeds us. */
    uint64_t read = atomic_get_relaxed(&r->head->read);

    /* It does not fall behind head unless there is a plain read. */
    if (position_is_valid(r, position_of_head(read)) &&
        is_before(r, view->head, read))
        return true;
    atomic_put_relaxed(&r->head->read, view->next);
    return false;
}

IpcStatus ahead_read(struct IpcBuffer *b, IpcEntry *dest, bool *again,
                     IpcBufferReadError *error)
{
    struct view view;
    IpcStatus status;
    bool leads;

    if (!b || !dest)
        return IPC_ERR_INVALID_ARGUMENT;
    if (b->ring.holders)
        return work_read(b, dest, again, error);
    leads = handle_leads(b);
    if (!b->ring.one_consumer)
        status = handle_unless_anew(b, IPC_ERR_ILLEGAL_STATE);
    else if (leads)
        status = read_look_ahead(b, &view, error);
    else
        status = read_look(b, &view, error);
    if (status != IPC_OK) {
        dest->payload = NULL; /* as in read_peek() */
        return status;
    }
    *again = note_read(&b->ring, &view);
    b->last_ahead = error->offset;
    b->ahead = leads ? b->ahead + 1 : 1;
    /* Relaxed: only this thread reads; for others see lead(). */
    atomic_put_relaxed(&b->cursor, view.next);
    if (!leads)
        lead(b);
    atomic_set_hint(&b->run, atomic_hint(&b->run) + 1);
    dest->offset = error->offset;
    dest->payload = take_payload(&b->ring, &view);
    dest->size = view.size;
    return IPC_OK;
}

/* Finds the entry at `offset` among those that were read ahead. *before: how
 * many are before it. IPC_EMPTY: it is before all of them. */
static IpcStatus find(const struct IpcBuffer *b, uint64_t offset,
                      struct view *view, uint64_t *before)
{
    /* Relaxed, both: only this thread stores there. */
    uint64_t at = atomic_get_relaxed(&b->ring.head->position);
    uint64_t cursor = atomic_get_relaxed(&b->cursor);

    *before = 0;
    /* What somebody else did to head cannot make this endless. */
    if ((uint64_t)position_distance(&b->ring, position_of_head(at),
                                    position_of_head(cursor)) >
        b->ring.block_count)
        return IPC_ERR_CORRUPTED;
    while (is_before(&b->ring, at, cursor)) {
        enum look look = take_look_at(&b->ring, at, view);
        uint64_t here = take_offset(&b->ring, view);

        if (look != LOOK_ENTRY && look != LOOK_FILLER)
            return IPC_ERR_CORRUPTED;
        at = view->next;
        if (look == LOOK_FILLER)
            continue;
        if (here == offset)
            return IPC_OK;
        if (here > offset)
            return *before == 0 ? IPC_EMPTY : IPC_ERR_OFFSET_MISMATCH;
        *before += 1;
    }
    return IPC_ERR_OFFSET_MISMATCH;
}

/* Offset of what is at head. */
static uint64_t head_offset(const struct IpcBuffer *b)
{
    struct view view;
    /* Relaxed: an older head is one that was true before. */
    uint64_t head = atomic_get_relaxed(&b->ring.head->position);

    take_look_at(&b->ring, head, &view);
    return take_offset(&b->ring, &view);
}

static IpcStatus check(const struct IpcBuffer *b, uint64_t offset)
{
    if (!b || offset % 8 != 0)
        return IPC_ERR_INVALID_ARGUMENT;
    if (b->observes)
        return IPC_ERR_READ_ONLY;
    return handle_unless_anew(b, b->ring.one_consumer || b->ring.holders
                                     ? IPC_OK
                                     : IPC_ERR_ILLEGAL_STATE);
}

/* Releases `count` entries. */
static void release(struct IpcBuffer *b, uint64_t to, uint64_t count)
{
    /* Relaxed, both: only this thread stores there. */
    uint64_t head = atomic_get_relaxed(&b->ring.head->position);

    b->ahead -= count;
    if (b->ahead == 0)
        to = atomic_get_relaxed(&b->cursor); /* past filler, too */
    take_move(&b->ring, head, to);
    if (b->ahead == 0)
        follow(b);
}

IpcStatus ahead_acknowledge(struct IpcBuffer *b, uint64_t offset,
                            uint64_t *count, uint64_t *head)
{
    IpcStatus status = check(b, offset);
    struct view view = {0};
    uint64_t before;

    *count = 0;
    if (status != IPC_OK)
        return status;
    if (b->ring.holders) {
        status = work_acknowledge(b, offset, count);
        *head = head_offset(b);
        return status;
    }
    if (!handle_leads(b)) {
        status = offset < (*head = head_offset(b)) ? IPC_OK
                                                   : IPC_ERR_OFFSET_MISMATCH;
    } else if (offset == b->last_ahead) {
        *count = b->ahead;
    } else {
        status = find(b, offset, &view, &before);
        if (status == IPC_OK)
            *count = before + 1;
        else if (status == IPC_EMPTY)
            status = IPC_OK; /* it was before */
    }
    if (*count > 0)
        release(b, view.next, *count);
    else
        *head = head_offset(b);
    return status;
}

IpcStatus ahead_give_back(struct IpcBuffer *b, uint64_t offset, uint64_t *count,
                          uint64_t *head)
{
    IpcStatus status = check(b, offset);
    struct view view;
    uint64_t before;

    *count = 0;
    if (status != IPC_OK)
        return status;
    *head = head_offset(b);
    if (b->ring.holders)
        return work_give_back(b, offset, count);
    status = handle_leads(b) ? find(b, offset, &view, &before) : IPC_EMPTY;
    if (status != IPC_OK)
        return status == IPC_EMPTY ? IPC_ERR_OFFSET_MISMATCH : status;
    *count = b->ahead - before;
    b->ahead = before;
    b->last_ahead = UINT64_MAX; /* is no entry's */
    /* Relaxed: only this thread reads. */
    atomic_put_relaxed(&b->cursor, view.head);
    if (before == 0)
        follow(b);
    return IPC_OK;
}

const char *ahead_detail(IpcStatus status)
{
    switch (status) {
    case IPC_ERR_ILLEGAL_STATE:
        return "nobody may read ahead in this buffer: create it with "
               "IPC_BUFFER_ONE_CONSUMER, or for many with "
               "IPC_BUFFER_ACKNOWLEDGE";
    case IPC_ERR_OFFSET_MISMATCH:
        return "there is no entry at that offset among those that this handle, "
               "or its process where many read, has read ahead and not "
               "acknowledged: pass the offset that read_ahead gave for one of "
               "them";
    default:
        return read_detail(status);
    }
}
