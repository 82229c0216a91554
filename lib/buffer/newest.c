/* SPDX-License-Identifier: MIT */
#include "buffer/newest.h"
#include "buffer/blame.h"
#include "ring/process.h"

enum {
/* Entries that one looks at before the cursor follows: who stays where the
 * oldest are is evicted while he looks for the newest. */
#ifdef SHMIPC_MODEL
    LOOKS_PER_MOVE = 2,
#else
    LOOKS_PER_MOVE = 256,
#endif
    /* Times that one begins again: writers went over what was looked at, or
     * other threads of the handle took it. */
    BEGINNINGS_MAX = 64,
};

/* What IpcBuffer.pinning says. */
enum {
    PINNED_NOTHING,
    PINNED_IN_THE_MAKING, /* a thread is about to pin, or to unpin */
    PINNED_AN_ENTRY,
};

void newest_begin(struct IpcBuffer *b)
{
    /* Relaxed, both: no other thread reads with the handle. */
    atomic_put_relaxed(&b->pinning, PINNED_NOTHING);
    atomic_put_relaxed(&b->skipped, 0);
}

/* ------------------------------------------------------------- the newest */

static void note_skipped(struct IpcBuffer *b, uint64_t bytes)
{
    /* Relaxed: a sum. */
    if (bytes > 0)
        atomic_add_relaxed(&b->skipped, bytes);
}

static uint64_t tell_skipped(struct IpcBuffer *b)
{
    /* Relaxed: a sum. What is added meanwhile is told next time. */
    uint64_t bytes = atomic_get_relaxed(&b->skipped);

    if (bytes > 0)
        atomic_add_relaxed(&b->skipped, -bytes);
    return bytes;
}

/* Bytes of the entry's blocks, or of what it has of an array's. */
static uint64_t bytes_of(const struct view *view)
{
    return control_state(view->word) == CONTROL_ARRAY
               ? control_array_stride(view->size)
               : (uint64_t)control_blocks(view->size) * SHMIPC_BLOCK;
}

/* The first entry behind what was read. IPC_ERR_LAGGED: look again. */
static IpcStatus look(struct IpcBuffer *b, struct view *view,
                      IpcBufferReadError *error)
{
    IpcStatus status;

    error->lost = 0;
    status = read_look_for_newest(b, view, error);
    note_skipped(b, error->lost);
    error->lost = 0;
    return status;
}

/* The cursor follows to where the look is. False: somebody else moved it. */
static bool jump(struct IpcBuffer *b, uint64_t from, uint64_t to,
                 uint64_t *passed)
{
    if (from != to && !take_move(&b->ring, from, to))
        return false;
    note_skipped(b, *passed);
    *passed = 0;
    return true;
}

/* From the entry at the cursor on to the last one that is committed, and none
 * before it is not. False: begin again. */
static bool go_to_newest(struct IpcBuffer *b, struct view *view)
{
    uint64_t at = view->head, on = view->next, passed = 0;

    for (uint32_t steps = 1; steps < PROTOCOL_STEPS; steps++) {
        struct view next;
        enum look look = take_look_at(&b->ring, on, &next);

        if (look != LOOK_ENTRY && look != LOOK_FILLER)
            return jump(b, at, view->head, &passed);
        on = next.next;
        if (look == LOOK_FILLER)
            continue;
        passed += bytes_of(view);
        *view = next;
        if (steps % LOOKS_PER_MOVE == 0) {
            if (!jump(b, at, view->head, &passed))
                return false;
            at = view->head;
        }
    }
    jump(b, at, view->head, &passed);
    return false;
}

/* The newest entry, at which the cursor is now. */
static IpcStatus find(struct IpcBuffer *b, struct view *view,
                      IpcBufferReadError *error)
{
    for (int tries = 0; tries < BEGINNINGS_MAX; tries++) {
        IpcStatus status = look(b, view, error);

        if (status == IPC_OK && go_to_newest(b, view)) {
            error->offset = take_offset(&b->ring, view);
            return IPC_OK;
        }
        if (status != IPC_OK && status != IPC_ERR_LAGGED)
            return status;
    }
    return IPC_ERR_LOCKED;
}

IpcStatus newest_read(struct IpcBuffer *b, IpcEntry *dest, uint64_t *skipped,
                      IpcBufferReadError *error)
{
    struct view view;

    *skipped = 0;
    if (!b || !dest || !dest->payload)
        return IPC_ERR_INVALID_ARGUMENT;
    if (b->ring.subscriber_count == 0)
        return handle_unless_anew(b, IPC_ERR_ILLEGAL_STATE);
    for (int tries = 0; tries < BEGINNINGS_MAX; tries++) {
        IpcStatus status = find(b, &view, error);

        if (status != IPC_OK)
            return status;
        if (view.size > dest->size) {
            error->required_size = view.size;
            return IPC_ERR_TOO_SMALL;
        }
        read_load(b, dest->payload, &view);
        if (read_take(b, &view, 1)) {
            dest->offset = error->offset;
            dest->size = view.size;
            *skipped = tell_skipped(b);
            return IPC_OK;
        }
    }
    return IPC_ERR_LOCKED;
}

/* --------------------------------------------------------------------- pins */

/* N1 and N2, of the entry at the cursor. */
static bool pin(struct IpcBuffer *b, const struct view *view)
{
    struct ring *r = &b->ring;

    if (!pin_set(r, b->slot, view->position, control_extent(view->word),
                 process_now()))
        return false;
    if (read_take(b, view, 1))
        return true;
    pin_drop(r, b->slot, view->position);
    return false;
}

static IpcStatus pin_one(struct IpcBuffer *b, enum newest_which which,
                         struct view *view, IpcBufferReadError *error)
{
    for (int tries = 0; tries < BEGINNINGS_MAX; tries++) {
        IpcStatus status = which == NEWEST_NEWEST ? find(b, view, error)
                                                  : read_look(b, view, error);

        if (status != IPC_OK || pin(b, view))
            return status;
    }
    return IPC_ERR_LOCKED;
}

IpcStatus newest_pin(struct IpcBuffer *b, enum newest_which which,
                     IpcEntry *dest, uint64_t *skipped,
                     IpcBufferReadError *error)
{
    struct view view;
    IpcStatus status;

    *skipped = 0;
    if (!b || !dest)
        return IPC_ERR_INVALID_ARGUMENT;
    dest->payload = NULL; /* as in read_peek() */
    if (b->ring.subscriber_count == 0)
        return handle_unless_anew(b, IPC_ERR_ILLEGAL_STATE);
    if (!handle_may_consume(b))
        return handle_consume(b); /* which says why */
    /* acq_rel [pinned], of which the acquire is needed. */
    if (!atomic_cas32_acq_rel(&b->pinning, PINNED_NOTHING,
                              PINNED_IN_THE_MAKING))
        return IPC_ERR_ILLEGAL_STATE;
    status = pin_one(b, which, &view, error);
    if (status == IPC_OK) {
        b->pin = view.position;
        b->pin_offset = error->offset;
        dest->offset = error->offset;
        dest->payload = take_payload(&b->ring, &view);
        dest->size = view.size;
        *skipped = which == NEWEST_NEWEST ? tell_skipped(b) : 0;
    }
    /* Release [pinned]. */
    atomic_put_release(&b->pinning,
                       status == IPC_OK ? PINNED_AN_ENTRY : PINNED_NOTHING);
    return status;
}

/* Lets go of it, if the entry at `offset` is what this handle has pinned. */
static bool unpin(struct IpcBuffer *b, uint64_t offset)
{
    bool is_it;

    /* acq_rel [pinned], of which the acquire is needed. */
    if (!atomic_cas32_acq_rel(&b->pinning, PINNED_AN_ENTRY,
                              PINNED_IN_THE_MAKING))
        return false;
    is_it = b->pin_offset == offset;
    if (is_it)
        pin_drop(&b->ring, b->slot, b->pin);
    /* Release [pinned]. */
    atomic_put_release(&b->pinning, is_it ? PINNED_NOTHING : PINNED_AN_ENTRY);
    return is_it;
}

IpcStatus newest_unpin(struct IpcBuffer *b, uint64_t offset)
{
    IpcStatus status;

    if (!b)
        return IPC_ERR_INVALID_ARGUMENT;
    status = handle_unless_anew(
        b, b->ring.subscriber_count ? IPC_OK : IPC_ERR_ILLEGAL_STATE);
    if (status != IPC_OK)
        return status;
    if (!handle_may_consume(b))
        return handle_consume(b); /* which says why */
    return unpin(b, offset) ? IPC_OK : IPC_ERR_OFFSET_MISMATCH;
}

/* ------------------------------------------------------------------- errors */

static const char in_a_queue[] =
    "it is a queue, in which what one reader takes is no other's: only a "
    "subscriber can go to the newest entry, or pin one; create it with "
    "IPC_BUFFER_BROADCAST";

const char *newest_detail(const struct IpcBuffer *b, IpcStatus status)
{
    if (status == IPC_ERR_ILLEGAL_STATE)
        return b->ring.subscriber_count == 0
                   ? in_a_queue
                   : "the handle has pinned an entry already: unpin that "
                     "first, or use another handle";
    if (status == IPC_ERR_LOCKED)
        return "writers went over what this subscriber looked at, or other "
               "threads of the handle took it, every time: try again, or "
               "create it with more memory";
    return read_detail(status);
}

const char *newest_unpin_detail(const struct IpcBuffer *b, IpcStatus status)
{
    switch (status) {
    case IPC_ERR_ILLEGAL_STATE:
        return in_a_queue;
    case IPC_ERR_OFFSET_MISMATCH:
        return "the entry at that offset is not what this handle has pinned: "
               "pass the offset that the pin gave, once";
    default:
        return b ? read_detail(status) : blame_handle();
    }
}
