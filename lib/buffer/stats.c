/* SPDX-License-Identifier: MIT */
#include "buffer/stats.h"
#include "buffer/work.h"
#include <string.h>

static uint32_t head_state_of(enum look look, int64_t used)
{
    switch (look) {
    case LOOK_ENTRY:
        return IPC_BUFFER_HEAD_READY;
    case LOOK_FILLER:
        return IPC_BUFFER_HEAD_FILLER;
    case LOOK_BUSY:
        return IPC_BUFFER_HEAD_BUSY;
    case LOOK_NOTHING:
        return used > 0 ? IPC_BUFFER_HEAD_CLAIMED : IPC_BUFFER_HEAD_EMPTY;
    case LOOK_RACED:
    case LOOK_DAMAGE:
        break;
    }
    return IPC_BUFFER_HEAD_CORRUPTED;
}

/* Who holds readers up, and writers once the ring is full: the one that writes
 * the first entry behind filler. */
static int32_t writer_at(const struct ring *r, enum look look, struct view view)
{
    for (uint32_t steps = 0; look == LOOK_FILLER && steps < PROTOCOL_STEPS;
         steps++)
        look = take_look_at(r, view.next, &view);
    return look == LOOK_BUSY
               ? (int32_t)owner_pid(&r->owners, control_value(view.word))
               : 0;
}

/* Bytes of blocks from the head word to the end of what was read ahead: a hint
 * of the one consumer, which may be as old as it likes. */
static uint64_t unacknowledged(const struct ring *r, uint64_t head,
                               uint64_t used)
{
    /* Relaxed: a look of a monitor. */
    uint64_t read = atomic_get_relaxed(&r->gate->read);
    uint64_t from = position_of_head(head), to = position_of_head(read);
    int64_t blocks = position_distance(r, from, to);

    /* Part of an array's entries hold all of its blocks. */
    if (blocks == 0 && position_item(head) < position_item(read))
        blocks = 1;
    if (!position_is_valid(r, to) || blocks <= 0)
        return 0;
    return (uint64_t)blocks * SHMIPC_BLOCK < used
               ? (uint64_t)blocks * SHMIPC_BLOCK
               : used;
}

static void describe_ends(const struct IpcBuffer *b, IpcBufferStats *stats)
{
    const struct ring *r = &b->ring;
    /* Acquire [head]: before the word there and before tail, so that what is
     * reported of them can be true at the same time. */
    uint64_t head = atomic_get_acquire(&r->gate->position);
    uint64_t tail = protocol_tail(r);
    int64_t used = position_distance(r, position_of_head(head), tail);
    struct view view = {0};
    enum look look;

    stats->head_state = IPC_BUFFER_HEAD_CORRUPTED;
    if (!position_is_valid(r, position_of_head(head)) ||
        !position_is_valid(r, tail))
        return;
    if (used > (int64_t)r->block_count)
        used = r->block_count; /* they moved between the two loads */
    look = take_look_at(r, head, &view);
    stats->used = used > 0 ? (uint64_t)used * SHMIPC_BLOCK : 0;
    stats->unacknowledged =
        r->holders ? work_held(b) : unacknowledged(r, head, stats->used);
    stats->head_offset = take_offset(r, &view);
    stats->tail_offset = position_offset(r, view.position) + stats->used;
    stats->head_state = head_state_of(look, used);
    if (look == LOOK_ENTRY)
        stats->head_size = view.size;
    stats->head_owner_pid = writer_at(r, look, view);
}

static uint32_t closed_state_of(const struct ring *r)
{
    if (!close_has_begun(r))
        return IPC_BUFFER_OPEN;
    /* Relaxed: a look of a monitor. */
    return atomic_get_relaxed(&r->gate->closed) ? IPC_BUFFER_CLOSED
                                                : IPC_BUFFER_CLOSING;
}

/* A waker clears the word, and a sleeper that goes on does not: so one may. */
static uint32_t may_sleep(const struct shm_wait *side)
{
    /* Relaxed: a look of a monitor. */
    return atomic_get_relaxed(&side->sleepers) != 0;
}

static void describe_processes(const struct IpcBuffer *b, IpcBufferStats *stats)
{
    struct owner_figures all = owner_count(&b->ring.owners);

    stats->owners = all.used;
    stats->writers = all.writers;
    stats->readers = all.readers;
    stats->entries_written = all.written;
    stats->sleeping_readers = may_sleep(&b->region->readers);
    stats->sleeping_writers = may_sleep(&b->region->writers);
}

static void describe(const struct IpcBuffer *b, IpcBufferStats *stats)
{
    const struct ring *r = &b->ring;

    stats->region_size = b->region_size;
    stats->capacity = (uint64_t)r->block_count * SHMIPC_BLOCK;
    stats->max_entry_size = b->max_entry_size;
    stats->flags = b->flags;
    stats->max_owners = r->owners.count;
    stats->closed = closed_state_of(r);
    describe_processes(b, stats);
    describe_ends(b, stats);
}

IpcStatus stats_fill(const struct IpcBuffer *b, IpcBufferStats *dest)
{
    IpcBufferStats stats = {0};
    size_t room;

    if (!b || !dest)
        return IPC_ERR_INVALID_ARGUMENT;
    room = dest->struct_size;
    if (room < STATS_SIZE_0_1)
        return IPC_ERR_TOO_SMALL;
    if (creation_is_over(&b->ring))
        return IPC_ERR_FORMATTED_ANEW;
    describe(b, &stats);
    stats.struct_size = room;
    memcpy(dest, &stats, sizeof stats);
    memset((unsigned char *)dest + sizeof stats, 0, room - sizeof stats);
    return IPC_OK;
}

const char *stats_detail(IpcStatus status)
{
    if (status == IPC_ERR_FORMATTED_ANEW)
        return handle_formatted_anew;
    return "struct_size is too small: set it to sizeof(IpcBufferStats)";
}
