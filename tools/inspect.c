/* SPDX-License-Identifier: MIT */
#include "inspect.h"
#include "backing.h"
#include "ring/format.h"
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- identity */

static bool is_blank(const struct segment *s)
{
    for (size_t i = 0; i < s->size && i < sizeof(struct shm_region); i++)
        if (s->memory[i])
            return false;
    return true;
}

static enum inspect_kind kind_of(IpcStatus status, const struct segment *s)
{
    switch (status) {
    case IPC_OK:
        return INSPECT_RING;
    case IPC_ERR_INITIALIZING:
        return INSPECT_INITIALIZING;
    case IPC_ERR_LAYOUT_VERSION:
        return INSPECT_OTHER_LAYOUT;
    case IPC_ERR_CORRUPTED:
        return INSPECT_DAMAGED;
    case IPC_ERR_TRUNCATED:
        /* Also what is too short to have an identity. */
        if (s->size >= sizeof(struct shm_identity))
            return INSPECT_TRUNCATED;
        break;
    default:
        break;
    }
    return is_blank(s) ? INSPECT_BLANK : INSPECT_FOREIGN;
}

static void identify(struct inspection *in, const struct segment *s)
{
    /* Stores nothing there, but hands out pointers to those who may. */
    void *memory = (void *)(uintptr_t)s->memory;

    if (!s->memory) {
        if (s->file.st_size == 0)
            in->kind = INSPECT_EMPTY;
        return;
    }
    in->kind = kind_of(format_open(memory, s->size, &in->ring, &in->needed), s);
    if (s->size < sizeof(struct shm_identity))
        return;
    in->region = (const void *)s->memory;
    in->layout_version = in->region->identity.layout_version;
    in->is_swapped =
        in->region->identity.magic == __builtin_bswap64(SHMIPC_MAGIC);
    if (in->is_swapped)
        in->layout_version = __builtin_bswap32(in->layout_version);
    if (!segment_was_whole(s))
        in->kind = INSPECT_TRUNCATED;
}

bool inspect_is_ours(const struct inspection *in)
{
    return in->region &&
           (in->is_swapped || in->region->identity.magic == SHMIPC_MAGIC);
}

/* -------------------------------------------------------------------- ends */

static enum inspect_head head_of(enum look look, int64_t used)
{
    switch (look) {
    case LOOK_ENTRY:
        return INSPECT_HEAD_READY;
    case LOOK_FILLER:
        return INSPECT_HEAD_FILLER;
    case LOOK_BUSY:
        return INSPECT_HEAD_BUSY;
    case LOOK_NOTHING:
        return used > 0 ? INSPECT_HEAD_CLAIMED : INSPECT_HEAD_EMPTY;
    case LOOK_RACED:
    case LOOK_DAMAGE:
        break;
    }
    return INSPECT_HEAD_DAMAGED;
}

/* What is at the head, or behind the filler there: readers pass that. */
static void look_at_head(struct inspection *in, uint64_t head, uint64_t tail)
{
    const struct ring *r = &in->ring;
    enum look look = take_look_at(r, head, &in->view);
    int64_t used = position_distance(r, position_of_head(head), tail);

    for (uint32_t i = 0; look == LOOK_FILLER && i < PROTOCOL_STEPS; i++) {
        struct view before = in->view;

        used = position_distance(r, position_of_head(before.next), tail);
        look = take_look_at(r, before.next, &in->view);
        /* Filler alone is what the head is at. */
        if (look == LOOK_NOTHING && used <= 0) {
            look = LOOK_FILLER;
            in->view = before;
            break;
        }
    }
    in->head = head_of(look, used);
    if (look == LOOK_NOTHING &&
        !inspect_is_plausible(r, in->view.position, in->view.word))
        in->head = INSPECT_HEAD_DAMAGED;
    in->stuck_offset = take_offset(r, &in->view);
}

static void look_at_subscribers(struct inspection *in, uint64_t gate,
                                uint64_t tail)
{
    const struct ring *r = &in->ring;

    if (r->subscriber_count)
        in->subscribers = calloc(r->subscriber_count, sizeof *in->subscribers);
    for (uint32_t i = 0; in->subscribers && i < r->subscriber_count; i++)
        in->subscriber_count += subscribers_look(
            r, i, gate, tail, &in->subscribers[in->subscriber_count]);
    in->slowest = subscribers_slowest(in->subscribers, in->subscriber_count);
}

/* Reading begins at the gate, and in front of that where the slowest subscriber
 * is. */
static void look_at_reading(struct inspection *in, uint64_t head, uint64_t tail)
{
    look_at_subscribers(in, position_of_head(head), tail);
    look_at_head(in, in->slowest ? in->slowest->cursor : head, tail);
    in->held = in->ring.subscriber_count == 0 ? in->used : 0;
    if (!in->slowest)
        return;
    in->head_offset = in->slowest->offset;
    in->held = in->slowest->lag;
}

static void look_at_ends(struct inspection *in)
{
    const struct ring *r = &in->ring;
    /* Acquire [head]: before tail, so that both can have been at once. */
    uint64_t head = atomic_get_acquire(&r->gate->position);
    uint64_t tail = protocol_tail(r);
    uint64_t position = position_of_head(head);
    int64_t used = position_distance(r, position, tail);
    /* One producer stores tail last, and a reader may be ahead of that. */
    int64_t least = r->one_producer ? -(int64_t)r->block_count : 0;

    in->capacity = (uint64_t)r->block_count * SHMIPC_BLOCK;
    in->head = INSPECT_HEAD_LOST;
    in->ends_are_true = position_is_valid(r, position) &&
                        position_is_valid(r, tail) && position >= r->first &&
                        tail >= r->first && used >= least;
    if (!in->ends_are_true)
        return;
    /* Relaxed: head has moved on between the two loads, or is damaged. */
    if (used > (int64_t)r->block_count) {
        head = atomic_get_relaxed(&r->gate->position);
        in->ends_are_true = position_distance(r, position_of_head(head),
                                              tail) <= (int64_t)r->block_count;
        used = r->block_count;
    }
    if (!in->ends_are_true)
        return;
    in->used = used > 0 ? (uint64_t)used * SHMIPC_BLOCK : 0;
    in->head_offset = position_offset(r, position);
    in->tail_offset = in->head_offset + in->used;
    look_at_reading(in, head, tail);
}

static void look_at_words(struct inspection *in)
{
    const struct ring *r = &in->ring;

    in->is_half_closed = close_has_begun(r);
    /* Relaxed, all: figures of this look. */
    in->is_closed = atomic_get_relaxed(&r->gate->closed) != 0;
    in->is_half_closed = in->is_half_closed && !in->is_closed;
    in->readers_sleep = atomic_get_relaxed(&in->region->readers.sleepers);
    in->writers_sleep = atomic_get_relaxed(&in->region->writers.sleepers);
    in->entries_written = owner_count(&r->owners).written;
}

/* ------------------------------------------------------------------ owners */

static void describe_owner(const struct inspection *in, uint64_t here,
                           struct inspect_owner *owner)
{
    const struct ring *r = &in->ring;

    owner->pid_namespace = process_namespace_inode(owner->view.pid_namespace);
    owner->is_here = owner->pid_namespace == here;
    /* Relaxed, both: who has a role has it for long. */
    owner->is_producer =
        (uint32_t)atomic_get_relaxed(&r->tail->role) == owner->view.owner;
    owner->is_consumer =
        (uint32_t)atomic_get_relaxed(&r->gate->role) == owner->view.owner;
    /* Under the pid of one that is dead there may be somebody else. */
    if (owner->is_here && owner->view.fate != OWNER_IS_DEAD)
        owner->pid_here = (pid_t)owner->view.pid;
    if (owner->pid_here)
        proc_look(owner->pid_here, &owner->proc);
}

void inspect_find_inner(struct inspection *in, const struct proc_use *users,
                        size_t count)
{
    for (uint32_t i = 0; i < in->owner_count; i++) {
        struct inspect_owner *owner = &in->owners[i];

        for (size_t j = 0; j < count && !owner->pid_here && !owner->is_here &&
                           owner->view.fate != OWNER_IS_DEAD;
             j++)
            if (proc_is_inner(users[j].pid, owner->pid_namespace,
                              owner->view.pid)) {
                owner->pid_here = users[j].pid;
                proc_look(owner->pid_here, &owner->proc);
            }
    }
}

static void look_at_owners(struct inspection *in)
{
    uint64_t here = proc_pid_namespace();
    uint32_t slots = in->ring.owners.count;

    in->owners = calloc(slots, sizeof *in->owners);
    for (uint32_t i = 0; in->owners && i < slots; i++) {
        struct inspect_owner *owner = &in->owners[in->owner_count];

        if (!owner_look(&in->ring.owners, i, &owner->view))
            continue;
        describe_owner(in, here, owner);
        in->owner_count++;
        in->alive += owner->view.fate == OWNER_LIVES;
        in->dead += owner->view.fate == OWNER_IS_DEAD;
        in->unknown += owner->view.fate == OWNER_UNKNOWN;
    }
}

const struct inspect_owner *inspect_find_owner(const struct inspection *in,
                                               uint32_t owner)
{
    for (uint32_t i = 0; i < in->owner_count; i++)
        if (in->owners[i].view.owner == owner)
            return &in->owners[i];
    return NULL;
}

/* -------------------------------------------------------------------- walk */

static void count_claim(const struct inspection *in, uint64_t word,
                        struct inspect_walk *walk)
{
    const struct inspect_owner *owner =
        inspect_find_owner(in, control_value(word));

    if (owner && owner->view.fate != OWNER_IS_DEAD)
        walk->claims++;
    else
        walk->dead_claims++;
}

/* One block on, from what does not say how long it is. */
static uint64_t next_block(const struct inspection *in, const struct view *view)
{
    return position_advance(&in->ring, view->position, 1);
}

void inspect_count(const struct inspection *in, uint64_t steps,
                   struct inspect_walk *walk)
{
    const struct ring *r = &in->ring;
    /* Acquire [head]: words that were replaced before are gone. */
    uint64_t at = in->slowest ? in->slowest->cursor
                              : atomic_get_acquire(&r->gate->position);
    uint64_t tail = protocol_tail(r);
    bool in_gap = false, in_claim = false;

    *walk = (struct inspect_walk){.is_whole = true};
    if (!in->ends_are_true)
        return;
    for (; position_distance(r, position_of_head(at), tail) > 0; steps--) {
        struct view view;
        enum look look = take_look_at(r, at, &view);

        if (steps == 0 || look == LOOK_DAMAGE) {
            walk->is_whole = false;
            return;
        }
        at = look == LOOK_ENTRY || look == LOOK_FILLER ? view.next
                                                       : next_block(in, &view);
        walk->entries += look == LOOK_ENTRY;
        walk->bytes += look == LOOK_ENTRY ? view.size : 0;
        walk->fillers += look == LOOK_FILLER;
        if (look == LOOK_BUSY)
            count_claim(in, view.word, walk);
        /* Blocks without a word are the rest of the claim before them. */
        walk->gaps += look == LOOK_NOTHING && !in_gap && !in_claim;
        if (walk->entries + walk->claims == 0)
            walk->at_head = walk->dead_claims + walk->gaps;
        in_claim = look == LOOK_BUSY || (in_claim && look == LOOK_NOTHING);
        in_gap = look == LOOK_NOTHING;
    }
}

/* ------------------------------------------------------------------- whole */

static void find_backing(struct inspection *in, const struct segment *s)
{
    struct owner_table *owners = &in->ring.owners;

    owners->backing = backing_open(s->fd);
    owners->place =
        (uint64_t)((const unsigned char *)owners->slots - s->memory);
}

void inspect_open(struct inspection *in, const struct segment *s)
{
    *in = (struct inspection){.kind = INSPECT_UNREADABLE};
    identify(in, s);
    if (in->kind != INSPECT_RING)
        return;
    find_backing(in, s);
    look_at_owners(in);
    look_at_words(in);
    look_at_ends(in);
    if (!segment_was_whole(s))
        in->kind = INSPECT_TRUNCATED;
}

void inspect_close(struct inspection *in)
{
    if (in->ring.owners.backing)
        backing_release(in->ring.owners.backing);
    free(in->owners);
    free(in->subscribers);
    *in = (struct inspection){.kind = INSPECT_UNREADABLE};
}

const char *inspect_kind_name(enum inspect_kind kind)
{
    static const char *const names[] = {
        [INSPECT_RING] = "ring",
        [INSPECT_EMPTY] = "empty",
        [INSPECT_BLANK] = "blank",
        [INSPECT_FOREIGN] = "foreign",
        [INSPECT_INITIALIZING] = "initializing",
        [INSPECT_OTHER_LAYOUT] = "other-layout",
        [INSPECT_DAMAGED] = "damaged",
        [INSPECT_TRUNCATED] = "truncated",
        [INSPECT_UNREADABLE] = "unreadable",
    };

    return names[kind];
}

const char *inspect_head_name(enum inspect_head head)
{
    static const char *const names[] = {
        [INSPECT_HEAD_EMPTY] = "empty",     [INSPECT_HEAD_READY] = "ready",
        [INSPECT_HEAD_BUSY] = "busy",       [INSPECT_HEAD_FILLER] = "filler",
        [INSPECT_HEAD_CLAIMED] = "claimed", [INSPECT_HEAD_DAMAGED] = "damaged",
        [INSPECT_HEAD_LOST] = "lost",
    };

    return names[head];
}

size_t inspect_users(const struct segment *s, struct proc_uses *uses)
{
    size_t count = 0;

    for (size_t i = 0; i < uses->count; i++) {
        struct proc_use use = uses->list[i];

        if (!proc_is_use_of(&use, &s->file))
            continue;
        uses->list[i] = uses->list[count];
        uses->list[count++] = use;
    }
    return count;
}
