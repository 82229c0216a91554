/* SPDX-License-Identifier: MIT */
#include "ring/format.h"
#include "ring/protocol.h"
#include <string.h>

#define ALL_FLAGS                                                              \
    (IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER |                       \
     IPC_BUFFER_KNOWS_CONSUMERS | IPC_BUFFER_BROADCAST |                       \
     IPC_BUFFER_ACKNOWLEDGE | IPC_BUFFER_TAPS)

struct shape {
    uint64_t subscribers_offset;
    uint64_t control_offset;
    uint64_t holders_offset;
    uint64_t blocks_offset;
    uint64_t region_size;
};

static uint64_t align_up(uint64_t bytes)
{
    return (bytes + SHMIPC_ALIGN - 1) & ~(uint64_t)(SHMIPC_ALIGN - 1);
}

static struct shape shape_of(uint32_t blocks, uint32_t owners,
                             uint32_t subscribers, uint32_t flags)
{
    const uint64_t words = align_up((uint64_t)blocks * sizeof(atomic_u64));
    struct shape s;

    s.subscribers_offset =
        align_up(sizeof(struct shm_region) +
                 (uint64_t)owners * sizeof(struct shm_owner));
    s.control_offset = s.subscribers_offset +
                       (uint64_t)subscribers * sizeof(struct shm_subscriber);
    s.holders_offset = s.control_offset + words;
    s.blocks_offset =
        s.holders_offset + (flags & IPC_BUFFER_ACKNOWLEDGE ? words : 0);
    s.region_size = s.blocks_offset + (uint64_t)blocks * SHMIPC_BLOCK;
    return s;
}

uint64_t format_region_size(uint32_t blocks, uint32_t owners,
                            uint32_t subscribers, uint32_t flags)
{
    return shape_of(blocks, owners, subscribers, flags).region_size;
}

uint32_t format_default_owners(uint32_t blocks)
{
    uint32_t few = blocks / SHMIPC_BLOCKS_PER_FEW;
    uint32_t owners = blocks / SHMIPC_BLOCKS_PER_OWNER;

    if (few < SHMIPC_OWNERS_MIN)
        few = SHMIPC_OWNERS_MIN;
    if (few > SHMIPC_OWNERS_FEW)
        few = SHMIPC_OWNERS_FEW;
    if (owners > SHMIPC_OWNERS_DEFAULT_MAX)
        owners = SHMIPC_OWNERS_DEFAULT_MAX;
    return owners > few ? owners : few;
}

uint32_t format_default_subscribers(uint32_t blocks)
{
    uint32_t subscribers = blocks / SHMIPC_BLOCKS_PER_SUBSCRIBER;

    if (subscribers < SHMIPC_SUBSCRIBERS_MIN)
        return SHMIPC_SUBSCRIBERS_MIN;
    return subscribers < SHMIPC_SUBSCRIBERS_DEFAULT_MAX
               ? subscribers
               : SHMIPC_SUBSCRIBERS_DEFAULT_MAX;
}

static bool fits(uint64_t room, uint32_t blocks, uint32_t owners,
                 uint32_t subscribers, uint32_t flags)
{
    if (owners == 0)
        owners = format_default_owners(blocks);
    if (subscribers == FORMAT_SOME_SUBSCRIBERS)
        subscribers = format_default_subscribers(blocks);
    return format_region_size(blocks, owners, subscribers, flags) <= room;
}

uint32_t format_blocks_in(uint64_t room, uint32_t owners, uint32_t subscribers,
                          uint32_t flags)
{
    uint32_t low = 0;
    uint32_t high = SHMIPC_BLOCKS_MAX;

    while (low < high) {
        uint32_t middle = high - (high - low) / 2;

        if (fits(room, middle, owners, subscribers, flags))
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

size_t format_slack(const void *mem)
{
    return (size_t)(-(uintptr_t)mem & (SHMIPC_ALIGN - 1));
}

static uint32_t bits_for_index(uint32_t blocks)
{
    uint32_t bits = 0;

    while ((UINT64_C(1) << bits) < blocks)
        bits++;
    return bits;
}

/* No subscriber's cursor, nor any block, has that position. */
static struct shm_head nowhere = {.position = UINT64_MAX};

void format_point_nowhere(struct ring *ring)
{
    ring->head = &nowhere;
}

/* Positions have two bits that cursors need. */
static uint32_t index_bits_of(const struct shm_identity *id)
{
    return bits_for_index(id->block_count) + (id->subscriber_count ? 2 : 0);
}

static void point_at(struct ring *ring, void *base,
                     const struct shm_identity *id)
{
    struct shm_region *region = base;
    unsigned char *bytes = base;
    struct shape shape = shape_of(id->block_count, id->owner_count,
                                  id->subscriber_count, id->flags);

    memset(ring, 0, sizeof *ring);
    ring->tail = &region->tail;
    ring->gate = &region->head;
    ring->head = &region->head;
    ring->subscribers = (void *)(bytes + shape.subscribers_offset);
    ring->subscriber_count = id->subscriber_count;
    if (id->subscriber_count)
        format_point_nowhere(ring);
    ring->control = (void *)(bytes + shape.control_offset);
    if (id->flags & IPC_BUFFER_ACKNOWLEDGE)
        ring->holders = (void *)(bytes + shape.holders_offset);
    ring->blocks = bytes + shape.blocks_offset;
    ring->block_count = id->block_count;
    ring->ahead_end = ring->blocks;
    if (id->block_count > PROTOCOL_AHEAD)
        ring->ahead_end +=
            (size_t)(id->block_count - PROTOCOL_AHEAD) * SHMIPC_BLOCK;
    ring->index_bits = index_bits_of(id);
    ring->index_mask = (UINT64_C(1) << ring->index_bits) - 1;
    ring->head_mask = ring->index_mask | ~SHMIPC_POSITION_MASK;
    ring->last_index = id->block_count - 1;
    ring->lap_gap = ring->index_mask + 1 - id->block_count;
    ring->one_producer = id->flags & IPC_BUFFER_ONE_PRODUCER;
    ring->one_consumer = id->flags & IPC_BUFFER_ONE_CONSUMER;
    ring->readers_enter =
        id->flags & (IPC_BUFFER_ONE_CONSUMER | IPC_BUFFER_KNOWS_CONSUMERS |
                     IPC_BUFFER_BROADCAST | IPC_BUFFER_ACKNOWLEDGE);
    ring->has_taps = id->flags & IPC_BUFFER_TAPS;
    ring->owners.slots = region->owners;
    ring->owners.count = id->owner_count;
    /* Relaxed: nobody else has this handle yet. 0: no room is known. */
    atomic_put_relaxed(&ring->room_end, 0);
    ring->identity = &region->identity;
    /* Relaxed: a copy of ours, or what we have just stored. */
    ring->creation = atomic_get_relaxed(&id->creation);
    ring->first = (1 + (ring->creation - 1) % SHMIPC_FIRST_LAPS)
                  << ring->index_bits;
    ring->origin = position_ordinal(ring, ring->first);
}

static bool shape_is_right(const struct shm_identity *id)
{
    /* Relaxed: a copy of ours. */
    if (atomic_get_relaxed(&id->creation) == 0)
        return false;
    if (id->block_count == 0 || id->block_count > SHMIPC_BLOCKS_MAX ||
        id->owner_count == 0 || id->owner_count > SHMIPC_OWNERS_LIMIT ||
        id->flags & ~ALL_FLAGS ||
        (id->flags & IPC_BUFFER_ACKNOWLEDGE &&
         id->flags & (IPC_BUFFER_ONE_CONSUMER | IPC_BUFFER_BROADCAST)))
        return false;
    if (id->subscriber_count > SHMIPC_SUBSCRIBERS_LIMIT ||
        !(id->flags & IPC_BUFFER_BROADCAST) != (id->subscriber_count == 0) ||
        (id->subscriber_count && id->flags & IPC_BUFFER_ONE_CONSUMER))
        return false;
    return id->region_size ==
           format_region_size(id->block_count, id->owner_count,
                              id->subscriber_count, id->flags);
}

/* Copies the identity, so that what is judged is what is used. */
static void copy_identity(const struct shm_identity *from,
                          struct shm_identity *to)
{
    const volatile struct shm_identity *id = from;

    memset(to, 0, sizeof *to);
    /* Relaxed, both: format_open() looks again. */
    atomic_put_relaxed(&to->creation, atomic_get_relaxed(&from->creation));
    to->magic = id->magic;
    to->layout_version = id->layout_version;
    to->flags = id->flags;
    to->region_size = id->region_size;
    to->block_count = id->block_count;
    to->owner_count = id->owner_count;
    to->subscriber_count = id->subscriber_count;
}

/* Up to where a ring that was here before has control words. Its handles are to
 * find nothing there until they notice; not entries that were read long ago. */
static uint64_t end_of_old_words(const struct shm_region *region, uint64_t room)
{
    struct shm_identity id;
    uint64_t end;

    copy_identity(&region->identity, &id);
    if (id.magic != SHMIPC_MAGIC ||
        id.layout_version != SHMIPC_LAYOUT_VERSION || !shape_is_right(&id))
        return 0;
    end =
        shape_of(id.block_count, id.owner_count, id.subscriber_count, id.flags)
            .blocks_offset;
    return end < room ? end : room;
}

static void free_subscribers(struct ring *ring)
{
    for (uint32_t i = 0; i < ring->subscriber_count; i++)
        /* Relaxed: published by `ready`. */
        atomic_put_relaxed(&ring->subscribers[i].cursor.position,
                           cursor_free(ring));
}

/* Up to where a region of that shape has to be cleared. */
static uint64_t end_of_clearing(const struct shm_region *region, uint64_t room,
                                bool is_zero, const struct shape *shape)
{
    uint64_t old = end_of_old_words(region, room);

    /* Where a creation was begun memory is not zero, whatever its owner says.
     * Relaxed: whoever said so is alone with it. */
    if (is_zero && region->identity.magic == 0 &&
        atomic_get_relaxed(&region->identity.creation) == 0)
        return shape->control_offset;
    return old > shape->blocks_offset ? old : shape->blocks_offset;
}

void format_region(void *mem, uint64_t room, bool is_zero, uint32_t blocks,
                   uint32_t owners, uint32_t subscribers, uint32_t flags,
                   struct ring *ring)
{
    unsigned char *base = (unsigned char *)mem + format_slack(mem);
    struct shm_region *region = (void *)base;
    struct shape shape = shape_of(blocks, owners, subscribers, flags);
    /* Relaxed: only to differ from it. */
    uint64_t last = atomic_get_relaxed(&region->identity.creation);
    uint64_t end = end_of_clearing(region, room, is_zero, &shape);

    /* acq_rel [anew]: the acquire keeps the stores below behind this one, so
     * that whoever attaches meanwhile finds a region that is not ready. */
    atomic_swap_acq_rel(&region->identity.ready, 0);
    /* Relaxed: published by `ready`. */
    atomic_put_relaxed(&region->identity.creation,
                       process_creation_number(last));
    region->identity.magic = SHMIPC_MAGIC;
    memset(base + sizeof region->identity, 0,
           (size_t)end - sizeof region->identity);
    region->identity.layout_version = SHMIPC_LAYOUT_VERSION;
    region->identity.flags = flags;
    region->identity.region_size = shape.region_size;
    region->identity.block_count = blocks;
    region->identity.owner_count = owners;
    memset(region->identity.reserved, 0, sizeof region->identity.reserved);
    region->identity.subscriber_count = subscribers;
    point_at(ring, base, &region->identity);
    free_subscribers(ring);
    /* Relaxed, all: published by `ready`. */
    atomic_put_relaxed(&region->tail.position, ring->first);
    atomic_put_relaxed(&region->head.position, ring->first);
    if (ring->one_producer && ring->has_taps)
        atomic_put_relaxed(&region->tail.intended, ring->first);
    /* Release [ready]: the region is whole. */
    atomic_put_release(&region->identity.ready, SHMIPC_READY);
}

IpcStatus format_open(void *mem, size_t size, struct ring *ring,
                      uint64_t *needed)
{
    size_t slack = format_slack(mem);
    unsigned char *base = (unsigned char *)mem + slack;
    struct shm_region *region = (void *)base;
    struct shm_identity id;

    *needed = slack + format_region_size(1, 1, 0, 0);
    if (size < slack + sizeof id)
        return IPC_ERR_TRUNCATED;
    /* Acquire [ready]: the region is whole. */
    uint32_t ready = atomic_get_acquire(&region->identity.ready);

    copy_identity(&region->identity, &id);
    /* Fence [anew]: a creator that formats it anew meanwhile cleared `ready`
     * before it stored what we copied. Acquire [ready]: as above. */
    atomic_full_fence();
    if (ready == SHMIPC_READY)
        ready = atomic_get_acquire(&region->identity.ready);
    /* Relaxed, both: not older than `ready`. It was formatted in between? */
    if (atomic_get_relaxed(&region->identity.creation) !=
        atomic_get_relaxed(&id.creation))
        ready = 0;
    if (id.magic == __builtin_bswap64(SHMIPC_MAGIC))
        return IPC_ERR_LAYOUT_VERSION;
    if (id.magic != SHMIPC_MAGIC)
        return IPC_ERR_NOT_FORMATTED;
    if (ready != SHMIPC_READY)
        return IPC_ERR_INITIALIZING;
    if (id.layout_version != SHMIPC_LAYOUT_VERSION)
        return IPC_ERR_LAYOUT_VERSION;
    if (!shape_is_right(&id) || id.region_size > SIZE_MAX - slack)
        return IPC_ERR_CORRUPTED;
    *needed = slack + id.region_size;
    if (size < *needed)
        return IPC_ERR_TRUNCATED;
    point_at(ring, base, &id);
    return IPC_OK;
}
