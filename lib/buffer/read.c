/* SPDX-License-Identifier: MIT */
/*
 * The consumer's side of a buffer.
 */
#include "buffer/read.h"
#include "buffer/blame.h"
#include "buffer/recover.h"
#include "buffer/work.h"
#include "buffer/subscribe.h"
#include "ring/format.h"
#include <stdlib.h>

enum {
    /* A look that finds nothing leaves tail alone, whose line it would take
     * from the producers. One in so many checks that the ring is still there,
     * that nobody died in closing it, and that there is no gap, and revokes one
     * that the check before met as well. */
    LOOKS_PER_CHECK = 512,
    /* Quarters of an entry that there have to be per look that finds nothing,
     * on average, for rests to pay. Four are what answers to messages of ours
     * would be. */
    DENSE = 5,
};

static bool rest(struct IpcBuffer *b)
{
    uint32_t run = atomic_hint(&b->run);

    atomic_set_hint(&b->run, 0);
    return pace_rest(&b->read_pace, run, DENSE);
}

static IpcStatus status_of(enum look look)
{
    switch (look) {
    case LOOK_ENTRY:
        return IPC_OK;
    case LOOK_NOTHING:
        return IPC_EMPTY;
    case LOOK_BUSY:
        return IPC_ERR_NOT_READY;
    case LOOK_RACED:
        return IPC_ERR_LOCKED;
    case LOOK_FILLER:
    case LOOK_DAMAGE:
        break;
    }
    return IPC_ERR_CORRUPTED;
}

/* True: there was a gap for the second time, and it was revoked. */
static bool revoke_gap(struct IpcBuffer *b, uint64_t position,
                       IpcStatus *status)
{
    if (!repair_is_gap(&b->ring, position))
        return false;
    *status = IPC_ERR_NOT_READY;
    /* Relaxed, both: a hint of this handle; if lost, it takes another check. */
    if (atomic_get_relaxed(&b->gap_seen) != position) {
        atomic_put_relaxed(&b->gap_seen, position);
        return false;
    }
    recover_revoke(b, position);
    return true;
}

/* Inlined into both that look: a poller's look in vain is shorter for it. */
#define OF_EACH_LOOK __attribute__((always_inline)) inline

/* After a look that found nothing at `position`. True: look again. False:
 * *status is the answer. */
static OF_EACH_LOOK bool look_again(struct IpcBuffer *b, uint64_t position,
                                    IpcStatus *status)
{
    /* Relaxed, both: a count of this handle that may miss some. */
    uint32_t looks = atomic_get_relaxed(&b->idle_looks) + 1;

    if (close_is_final(&b->ring, position)) {
        *status = IPC_ERR_CLOSED;
        return false;
    }
    /* Leaves the line to a producer that has made the word BUSY, or is about
     * to, and will store there once more: pollers get its message sooner. */
    if (!b->ring.one_producer)
        atomic_cpu_relax();
    if (rest(b))
        return true;
    atomic_put_relaxed(&b->idle_looks, looks);
    if (looks % LOOKS_PER_CHECK != 0)
        return false;
    *status = handle_unless_anew(b, *status);
    return *status == IPC_EMPTY &&
           (close_finish(&b->ring) || revoke_gap(b, position, status));
}

/* What is behind what was read ahead, and behind filler there: that is passed
 * with the entries before it. Nobody else moves this reader's cursor, or head
 * past it. */
static enum look look_ahead(const struct IpcBuffer *b, struct view *view)
{
    uint64_t head = handle_read_end(b);

    for (uint32_t steps = 0; steps < PROTOCOL_STEPS; steps++) {
        enum look look = take_look_at(&b->ring, head, view);

        if (look != LOOK_FILLER)
            return look;
        head = view->next;
    }
    return LOOK_RACED;
}

/* Where one goes on who was evicted: where it wants, or for the newest. */
enum after_gap { AS_CHOSEN, FROM_OLDEST };

/* The head of a subscriber is a cursor that others can change. */
static IpcStatus look_at_cursor(struct IpcBuffer *b, struct view *view,
                                enum after_gap where, uint64_t *lost)
{
    uint64_t cursor;

    if (subscriber_is(&b->ring, b->slot, handle_owner(b), &cursor))
        return cursor_state(&b->ring, cursor) == SUBSCRIBER_EVICTED
                   ? subscribe_again(b, cursor,
                                     where == FROM_OLDEST
                                         ? (uint32_t)IPC_SUBSCRIBE_FROM_OLDEST
                                         : b->after_gap,
                                     view, lost)
                   : IPC_ERR_CORRUPTED;
    /* Another thread is about to go on behind a gap. */
    if (cursor_state(&b->ring, cursor) >= SUBSCRIBER_JOINING &&
        cursor_owner(&b->ring, cursor) == handle_owner(b))
        return IPC_ERR_LOCKED;
    /* Somebody who forced owners out took us for dead. */
    handle_set_consumer(b, false);
    format_point_nowhere(&b->ring);
    return IPC_ERR_NOT_SUBSCRIBED;
}

/* Whether to look again after what a look found; else *status is the answer,
 * and *lost what was missed before. */
static OF_EACH_LOOK bool is_vain(struct IpcBuffer *b, enum look look,
                                 struct view *view, enum after_gap where,
                                 IpcStatus *status, uint64_t *lost)
{
    *status = status_of(look);
    if (look == LOOK_NOTHING)
        return look_again(b, view->position, status);
    if (look == LOOK_DAMAGE && b->ring.subscriber_count)
        *status = look_at_cursor(b, view, where, lost);
    return look == LOOK_BUSY && rest(b);
}

static OF_EACH_LOOK IpcStatus look(struct IpcBuffer *b, struct view *view,
                                   enum after_gap where, uint64_t *lost)
{
    IpcStatus status;

    while (is_vain(b, take_look(&b->ring, view), view, where, &status, lost))
        continue;
    return status;
}

IpcStatus read_look_otherwise(struct IpcBuffer *b, struct view *view,
                              IpcBufferReadError *error)
{
    IpcStatus status = IPC_OK;

    if (b->ring.readers_enter && !handle_may_consume(b))
        status = handle_leads(b) ? IPC_ERR_ILLEGAL_STATE : handle_consume(b);
    if (status == IPC_OK && b->ring.holders)
        status = IPC_ERR_ILLEGAL_STATE;
    if (status != IPC_OK) {
        error->offset = position_offset(&b->ring, protocol_head(&b->ring));
        return status;
    }
    status = look(b, view, AS_CHOSEN, &error->lost);
    error->offset = take_offset(&b->ring, view);
    return status < 0 ? handle_unless_anew(b, status) : status;
}

IpcStatus read_look_for_newest(struct IpcBuffer *b, struct view *view,
                               IpcBufferReadError *error)
{
    IpcStatus status;

    if (!handle_may_consume(b))
        return handle_consume(b); /* which says why */
    if (take_look_here(&b->ring, view))
        return IPC_OK;
    status = look(b, view, FROM_OLDEST, &error->lost);
    error->offset = take_offset(&b->ring, view);
    return status < 0 ? handle_unless_anew(b, status) : status;
}

IpcStatus read_look_ahead(struct IpcBuffer *b, struct view *view,
                          IpcBufferReadError *error)
{
    IpcStatus status;

    while (is_vain(b,
                   b->ring.holders ? work_look(b, view) : look_ahead(b, view),
                   view, AS_CHOSEN, &status, &error->lost))
        continue;
    if (status == IPC_ERR_CLOSED && b->ring.holders && work_is_with_others(b))
        status = IPC_EMPTY; /* they may be given back */
    error->offset = take_offset(&b->ring, view);
    return status < 0 ? handle_unless_anew(b, status) : status;
}

/* ----------------------------------------------------------------- copies */

/* After read_block(), which has looked already. */
IpcStatus read_entry(struct IpcBuffer *b, IpcEntry *dest,
                     IpcBufferReadError *error)
{
    struct view view;

    if (!b || !dest || !dest->payload)
        return IPC_ERR_INVALID_ARGUMENT;
    for (int tries = 0; tries < PROTOCOL_TRIES; tries++) {
        IpcStatus status = read_look_otherwise(b, &view, error);

        if (status != IPC_OK)
            return status;
        if (view.size > dest->size) {
            error->required_size = view.size;
            return IPC_ERR_TOO_SMALL;
        }
        read_load(b, dest->payload, &view);
        if (read_take(b, &view, 1)) {
            dest->offset = take_offset(&b->ring, &view);
            dest->size = view.size;
            return IPC_OK;
        }
    }
    return IPC_ERR_LOCKED;
}

/* Makes *memory at least `size` bytes; what it held is of no interest. */
static bool provide(void **memory, size_t *room, size_t size)
{
    void *more;

    if (*memory && size <= *room)
        return true;
    more = malloc(size);
    if (!more)
        return false;
    free(*memory);
    *memory = more;
    *room = size;
    return true;
}

IpcStatus read_allocate(struct IpcBuffer *b, IpcEntry *dest,
                        IpcBufferReadError *error)
{
    IpcStatus status = IPC_OK;
    struct view view;
    void *memory = NULL;
    size_t room = 0;

    if (!b || !dest)
        return IPC_ERR_INVALID_ARGUMENT;
    for (int tries = 0; tries < PROTOCOL_TRIES; tries++) {
        status = read_look(b, &view, error);
        if (status == IPC_OK && !provide(&memory, &room, view.size))
            status = IPC_ERR_ALLOCATION;
        if (status != IPC_OK)
            break;
        read_load(b, memory, &view);
        if (read_take(b, &view, 1)) {
            dest->offset = take_offset(&b->ring, &view);
            dest->payload = memory;
            dest->size = view.size;
            return IPC_OK;
        }
        status = IPC_ERR_LOCKED;
    }
    free(memory);
    /* Who took the answer for an entry frees it, or looks at it. */
    dest->payload = NULL;
    return status;
}

/* --------------------------------------------------------------- in place */

/* For who may not move head: the first entry from there on that is no filler.
 */
static IpcStatus look_on(const struct IpcBuffer *b, uint64_t head,
                         struct view *view, IpcBufferReadError *error)
{
    enum look look = LOOK_FILLER;

    for (uint32_t steps = 0; look == LOOK_FILLER && steps < PROTOCOL_STEPS;
         steps++) {
        look = take_look_at(&b->ring, head, view);
        head = view->next;
    }
    error->offset = take_offset(&b->ring, view);
    if (look == LOOK_NOTHING && close_is_final(&b->ring, view->position))
        return IPC_ERR_CLOSED;
    if (look == LOOK_NOTHING && repair_is_gap(&b->ring, view->position))
        return IPC_ERR_NOT_READY;
    return look == LOOK_FILLER ? IPC_ERR_LOCKED : status_of(look);
}

/* Where many read ahead. */
static IpcStatus glance_at_work(const struct IpcBuffer *b)
{
    struct view view;
    enum look look = work_glance(b, &view);
    IpcStatus status = status_of(look);

    if (look == LOOK_NOTHING && repair_is_gap(&b->ring, view.position))
        status = IPC_ERR_NOT_READY;
    else if (look == LOOK_NOTHING && close_is_final(&b->ring, view.position) &&
             !work_is_with_others(b))
        status = IPC_ERR_CLOSED;
    return handle_unless_anew(b, status);
}

/* Readers may move head meanwhile: nothing is there only if nothing is where
 * head still is afterwards. */
IpcStatus read_glance(const struct IpcBuffer *b)
{
    IpcBufferReadError error;
    struct view view;

    if (b->ring.subscriber_count && !handle_may_consume(b))
        return handle_unless_anew(b, IPC_ERR_NOT_SUBSCRIBED);
    if (b->ring.holders)
        return glance_at_work(b);
    for (int tries = 0; tries < PROTOCOL_TRIES; tries++) {
        bool leads = handle_leads(b);
        uint64_t head = handle_read_end(b);
        IpcStatus status;

        if (b->ring.one_consumer && !leads &&
            take_look_at(&b->ring, head, &view) == LOOK_FILLER)
            return IPC_OK;
        status = look_on(b, head, &view, &error);
        if (status != IPC_EMPTY || handle_read_end(b) == head)
            return handle_unless_anew(b, status);
    }
    return IPC_ERR_LOCKED;
}

IpcStatus read_peek(struct IpcBuffer *b, IpcEntry *dest,
                    IpcBufferReadError *error)
{
    struct view view;
    IpcStatus status;

    if (!b || !dest)
        return IPC_ERR_INVALID_ARGUMENT;
    status = read_look(b, &view, error);
    if (status == IPC_ERR_READ_ONLY)
        status =
            handle_unless_anew(b, look_on(b, handle_read_end(b), &view, error));
    else if (status == IPC_ERR_ILLEGAL_STATE)
        status = read_look_ahead(b, &view, error);
    if (status != IPC_OK) {
        dest->payload = NULL; /* as in read_allocate() */
        return status;
    }
    dest->offset = take_offset(&b->ring, &view);
    dest->payload = take_payload(&b->ring, &view);
    dest->size = view.size;
    return IPC_OK;
}

IpcStatus read_skip(struct IpcBuffer *b, uint64_t offset,
                    IpcBufferReadError *error)
{
    struct view view;
    IpcStatus status;

    if (!b || offset % 8 != 0)
        return IPC_ERR_INVALID_ARGUMENT;
    status = read_look(b, &view, error);
    if (status < 0 && status != IPC_ERR_NOT_READY)
        return status;
    if (offset != error->offset)
        return IPC_ERR_OFFSET_MISMATCH;
    if (status != IPC_OK)
        return status;
    return read_take(b, &view, 1) ? IPC_OK : IPC_ERR_OFFSET_MISMATCH;
}

bool read_is_held(const struct IpcBuffer *b)
{
    return b->ring.holders && work_is_left(b);
}

bool read_is_with_others(const struct IpcBuffer *b)
{
    return b->ring.holders && work_is_with_others(b);
}

bool read_is_stuck(struct IpcBuffer *b)
{
    struct view view;
    enum look look = b->ring.holders
                         ? work_look_behind(b, &view)
                         : take_look_at(&b->ring, handle_read_end(b), &view);

    return look == LOOK_BUSY ||
           (look == LOOK_NOTHING && repair_is_gap(&b->ring, view.position));
}

const char *read_detail(IpcStatus status)
{
    switch (status) {
    case IPC_ERR_INVALID_ARGUMENT:
        return blame_handle(); /* of calls that take nothing else */
    case IPC_ERR_TOO_SMALL:
        return "the destination is too small for the entry, which stays: "
               "provide error.body.required_size bytes";
    case IPC_ERR_NOT_READY:
        return "the next entry is being written: try again, or call recover "
               "if its producer died";
    case IPC_ERR_LOCKED:
        return "a living process is writing the entry, or other readers were "
               "faster every time: try again";
    case IPC_ERR_ILLEGAL_STATE:
        return "entries that this handle read ahead are not acknowledged yet: "
               "read on ahead, or acknowledge them or give them back first";
    case IPC_ERR_OFFSET_MISMATCH:
        return "the entry at that offset is not at the head, or no longer, as "
               "somebody else took it: what was peeked is not yours; peek "
               "again";
    case IPC_ERR_SIZE_MISMATCH:
        return "the next entry has another size, error.body.required_size "
               "bytes: read it with that, or alone";
    case IPC_ERR_ROLE_TAKEN:
        return "another handle is the one consumer, and its process lives or "
               "may live: destroy it first, create without "
               "IPC_BUFFER_ONE_CONSUMER, or, if you know it is dead, recover "
               "with force";
    case IPC_ERR_OWNERS_FULL:
        return handle_owners_full;
    case IPC_ERR_ALLOCATION:
        return "malloc failed: no memory for the payload";
    case IPC_ERR_FORMATTED_ANEW:
        return handle_formatted_anew;
    case IPC_ERR_READ_ONLY:
        return handle_read_only;
    case IPC_ERR_LAGGED:
        return "writers needed the space of what this subscriber had not read: "
               "it lost error.body.lost bytes of blocks, and goes on behind "
               "them";
    case IPC_ERR_NOT_SUBSCRIBED:
        return handle_not_subscribed;
    case IPC_ERR_CLOSED:
        return "the channel was closed, and all that was written is read: "
               "nothing more comes, so destroy the handle";
    case IPC_ERR_PRODUCERS_DEAD:
        return "every process that wrote into the channel is dead, and all "
               "that they wrote is read: nothing comes until another one "
               "writes, "
               "so start a writer";
    case IPC_ERR_INTERRUPTED:
        return "the handle was interrupted, or a signal came, before there was "
               "an entry: call ipc_channel_clear_interrupt if it is to wait "
               "again";
    case IPC_ERR_TIMEOUT:
        return "the deadline passed before there was an entry: nothing was "
               "read; see whether anybody writes";
    case IPC_ERR_RETRY_LIMIT:
        return "max_round_trips rounds passed before there was an entry: "
               "nothing was read; raise it, or use a read that blocks";
    default:
        return "head or a control word cannot be true: the memory was "
               "damaged; skip_force gets past a single word";
    }
}
