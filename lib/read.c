/* SPDX-License-Identifier: MIT */
/*
 * The consumer's side of a buffer.
 */
#include "hot.h"
#include <stdlib.h>

enum {
    /* A look that finds nothing leaves the producers' tail alone, whose line
     * it would take from them. Every so many it makes sure that there is no
     * gap, and revokes one that it met the time before. */
    LOOKS_PER_GAP_CHECK = 512,
    /* Quarters of an entry that a look has to find on average for rests to
     * pay: one is what an answer to a message of ours would be. */
    DENSE = 5,
};

/* True: a gap was revoked, look again. */
static bool check_for_gap(struct IpcBuffer *b, const struct view *view,
                          IpcStatus *status)
{
    if (!protocol_is_gap(&b->ring, view))
        return false;
    /* Relaxed, both: a hint of this handle; losing it costs a later check. */
    if (atomic_get_relaxed(&b->gap_seen) == view->position) {
        protocol_revoke(&b->ring, view->position);
        return true;
    }
    atomic_put_relaxed(&b->gap_seen, view->position);
    *status = IPC_ERR_NOT_READY;
    return false;
}

static bool rest(struct IpcBuffer *b)
{
    uint32_t run = atomic_hint(&b->run);

    atomic_set_hint(&b->run, 0);
    return pace_rest(&b->read_pace, run, DENSE);
}

bool look_when_empty(struct IpcBuffer *b, const struct view *view,
                     IpcStatus *status)
{
    /* Relaxed, both: a count of this handle that may miss some. */
    uint32_t looks = atomic_get_relaxed(&b->idle_looks) + 1;

    if (*status == IPC_ERR_NOT_READY)
        return rest(b);
    if (protocol_is_closed(&b->ring, view->position)) {
        *status = IPC_ERR_CLOSED;
        return false;
    }
    /* Leaves the line to the producer for a moment, who may be about to store
     * there: who polls gets its message sooner. */
    atomic_cpu_relax();
    if (rest(b))
        return true;
    atomic_put_relaxed(&b->idle_looks, looks);
    return looks % LOOKS_PER_GAP_CHECK == 0 && check_for_gap(b, view, status);
}

IpcStatus buffer_read(struct IpcBuffer *b, IpcEntry *dest, uint64_t *offset,
                      size_t *needed)
{
    return hot_read(b, dest, offset, needed);
}

/* Makes *memory at least `size` bytes; what it held is of no interest. */
static bool provide(void **memory, size_t *room, size_t size)
{
    void *more;

    if (size <= *room)
        return true;
    more = malloc(size);
    if (!more)
        return false;
    free(*memory);
    *memory = more;
    *room = size;
    return true;
}

IpcStatus buffer_read_alloc(struct IpcBuffer *b, IpcEntry *dest,
                            uint64_t *offset)
{
    IpcStatus status = IPC_ERR_LOCKED;
    void *memory = NULL;
    size_t room = 0;

    if (!b || !dest)
        return IPC_ERR_INVALID_ARGUMENT;
    for (int tries = 0; tries < PROTOCOL_TRIES; tries++) {
        struct view view;

        status = look(b, &view);
        if (status < 0)
            *offset = position_offset(&b->ring, view.position);
        if (status != IPC_OK)
            break;
        status = IPC_ERR_ALLOCATION;
        if (!provide(&memory, &room, view.size))
            break;
        load(b, memory, &view);
        if (take(b, &view)) {
            dest->offset = position_offset(&b->ring, view.position);
            dest->payload = memory;
            dest->size = view.size;
            return IPC_OK;
        }
        status = IPC_ERR_LOCKED;
    }
    free(memory);
    return status;
}

IpcStatus buffer_peek(struct IpcBuffer *b, IpcEntry *dest, uint64_t *offset)
{
    struct view view;
    IpcStatus status;

    if (!b || !dest)
        return IPC_ERR_INVALID_ARGUMENT;
    status = look(b, &view);
    if (status < 0)
        *offset = position_offset(&b->ring, view.position);
    if (status != IPC_OK)
        return status;
    dest->offset = position_offset(&b->ring, view.position);
    dest->payload = position_payload(&b->ring, view.position);
    dest->size = view.size;
    return IPC_OK;
}

IpcStatus buffer_skip(struct IpcBuffer *b, uint64_t offset, uint64_t *head)
{
    struct view view;
    IpcStatus status;

    if (!b || offset % 8 != 0)
        return IPC_ERR_INVALID_ARGUMENT;
    status = look(b, &view);
    *head = position_offset(&b->ring, view.position);
    if (status < 0 && status != IPC_ERR_NOT_READY)
        return status;
    if (offset < *head)
        return IPC_ALREADY_SKIPPED;
    if (offset > *head)
        return IPC_ERR_OFFSET_MISMATCH;
    if (status != IPC_OK)
        return status;
    return take(b, &view) ? IPC_OK : IPC_ALREADY_SKIPPED;
}

bool buffer_is_stuck(struct IpcBuffer *b)
{
    struct view view;
    /* Acquire pairs with the release in protocol_move_head(). */
    uint64_t head = atomic_get_acquire(&b->ring.head->position);
    IpcStatus status = protocol_examine(&b->ring, head, &view);

    return status == IPC_ERR_NOT_READY ||
           (status == IPC_EMPTY && protocol_is_gap(&b->ring, &view));
}

const char *buffer_read_detail(IpcStatus status)
{
    switch (status) {
    case IPC_ERR_INVALID_ARGUMENT:
        return "the handle or the destination is NULL, or the offset is no "
               "multiple of 8";
    case IPC_ERR_TOO_SMALL:
        return "the destination is too small for the entry, which stays: "
               "provide required_size bytes";
    case IPC_ERR_NOT_READY:
        return "the next entry is being written: try again, or call recover "
               "if its producer died";
    case IPC_ERR_LOCKED:
        return "a living process is writing the entry, or other readers were "
               "faster every time: try again";
    case IPC_ERR_OFFSET_MISMATCH:
        return "no entry with that offset is at the head: peek tells which is";
    case IPC_ERR_ROLE_TAKEN:
        return "another living handle is the one consumer: destroy it first, "
               "or create the buffer without IPC_BUFFER_ONE_CONSUMER";
    case IPC_ERR_OWNERS_FULL:
        return "all owner slots belong to other living processes: create the "
               "buffer with a larger max_owners";
    case IPC_ERR_ALLOCATION:
        return "malloc failed: no memory for the payload";
    case IPC_ERR_CLOSED:
        return "the channel was closed, and all that was written is read";
    case IPC_ERR_PRODUCERS_DEAD:
        return "every process that wrote into the channel is dead, and all "
               "that they wrote is read";
    case IPC_ERR_TIMEOUT:
        return "the deadline passed before there was an entry";
    case IPC_ERR_RETRY_LIMIT:
        return "max_round_trips rounds passed before there was an entry";
    default:
        return "head or a control word cannot be true: the memory was "
               "damaged; skip_force gets past a single word";
    }
}
