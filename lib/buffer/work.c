/* SPDX-License-Identifier: MIT */
#include "buffer/work.h"

enum {
    /* A look begins behind what the handle knows to be held. One in so many
     * begins at head, so that what was given back there is not overlooked for
     * long. */
    LOOKS_PER_HEAD = 64,
    /* Times that others can be faster: each is a walk, or several. */
    OVERTAKEN_MAX = 16,
    TAKEN_MAX = 256,
};

/* Who holds the entry that was found. */
static enum hold_state holder_of(const struct ring *r, const struct view *view,
                                 uint32_t *owner)
{
    /* Acquire [taken]: the slot of the owner. */
    uint64_t word = atomic_get_acquire(hold_word_at(r, view->position));

    *owner = control_value(word);
    return hold_state_of(r, view->position, word);
}

/* Whether the walk ends at the entry that was found, which `owner` holds or
 * did. */
typedef bool is_wanted(const struct IpcBuffer *b, enum hold_state state,
                       uint32_t owner);

static bool is_free(const struct IpcBuffer *b, enum hold_state state,
                    uint32_t owner)
{
    (void)b, (void)owner;
    return hold_is_free(state);
}

static bool is_with_others(const struct IpcBuffer *b, enum hold_state state,
                           uint32_t owner)
{
    /* Relaxed: comes after an acquire of [ahead], or it is another one's. */
    return hold_is_free(state) ||
           (hold_is_held(state) && owner != atomic_get_relaxed(&b->owner));
}

static bool is_left(const struct IpcBuffer *b, enum hold_state state,
                    uint32_t owner)
{
    (void)b, (void)owner;
    return state != HOLD_DONE;
}

static bool is_none(const struct IpcBuffer *b, enum hold_state state,
                    uint32_t owner)
{
    (void)b, (void)state, (void)owner;
    return false;
}

/* Walks from there over filler and entries to the first that is wanted. */
static enum look walk(const struct IpcBuffer *b, uint64_t from,
                      struct view *view, is_wanted *wanted)
{
    for (uint32_t steps = 0; steps < PROTOCOL_STEPS; steps++) {
        enum look look = take_look_at(&b->ring, from, view);
        enum hold_state state;
        uint32_t owner;

        if (look != LOOK_ENTRY && look != LOOK_FILLER)
            return look;
        /* J3. */
        if (control_state(view->word) == CONTROL_ARRAY)
            return LOOK_DAMAGE;
        if (look == LOOK_ENTRY) {
            state = holder_of(&b->ring, view, &owner);
            if (wanted(b, state, owner))
                return LOOK_ENTRY;
        }
        from = view->next;
    }
    view->head = view->position = from;
    return LOOK_RACED;
}

static uint64_t head_of(const struct IpcBuffer *b)
{
    /* Acquire [head]: words that were replaced before are gone. */
    return atomic_get_acquire(&b->ring.head->position);
}

/* After a walk that ended there: head has moved past, and what the words said
 * was of another lap. */
static bool is_overtaken(const struct IpcBuffer *b, const struct view *view)
{
    return position_distance(&b->ring, view->position,
                             position_of_head(head_of(b))) > 0;
}

static enum look walk_from_head(const struct IpcBuffer *b, struct view *view,
                                is_wanted *wanted)
{
    for (int tries = 0; tries < OVERTAKEN_MAX; tries++) {
        enum look look = walk(b, head_of(b), view, wanted);

        if (look != LOOK_NOTHING || !is_overtaken(b, view))
            return look;
    }
    return LOOK_RACED;
}

/* Where to begin. */
static uint64_t begin_at(struct IpcBuffer *b, uint64_t head)
{
    /* Relaxed, both: a hint. */
    uint64_t cursor = atomic_get_relaxed(&b->cursor);
    uint32_t looks = atomic_hint(&b->looks_ahead) + 1;
    int64_t ahead = position_distance(&b->ring, head, cursor);

    atomic_set_hint(&b->looks_ahead, looks);
    return looks % LOOKS_PER_HEAD != 0 && ahead > 0 &&
                   ahead <= (int64_t)b->ring.block_count &&
                   position_is_valid(&b->ring, cursor)
               ? cursor
               : head;
}

enum look work_look(struct IpcBuffer *b, struct view *view)
{
    uint64_t head = head_of(b);
    uint64_t from = begin_at(b, head);
    enum look look = walk(b, from, view, is_free);

    if (look == LOOK_ENTRY || look == LOOK_DAMAGE)
        return look;
    if (look == LOOK_RACED) {
        /* Relaxed: a hint. The next look goes on there. */
        atomic_put_relaxed(&b->cursor, view->position);
        return look;
    }
    /* Who acknowledged may have died before head was moved. */
    hold_release(&b->ring);
    return walk_from_head(b, view, is_free);
}

enum look work_glance(const struct IpcBuffer *b, struct view *view)
{
    return walk_from_head(b, view, is_free);
}

enum look work_look_behind(const struct IpcBuffer *b, struct view *view)
{
    return walk_from_head(b, view, is_none);
}

bool work_is_with_others(const struct IpcBuffer *b)
{
    struct view view;

    return walk_from_head(b, &view, is_with_others) == LOOK_ENTRY;
}

bool work_is_left(const struct IpcBuffer *b)
{
    struct view view;

    return walk_from_head(b, &view, is_left) == LOOK_ENTRY;
}

uint64_t work_held(const struct IpcBuffer *b)
{
    uint64_t at = head_of(b), held = 0;

    for (uint32_t steps = 0; steps < PROTOCOL_STEPS; steps++) {
        struct view view;
        enum look look = take_look_at(&b->ring, at, &view);
        uint32_t owner;

        if (look != LOOK_ENTRY && look != LOOK_FILLER)
            break;
        if (look == LOOK_ENTRY &&
            hold_is_held(holder_of(&b->ring, &view, &owner)))
            held += control_extent(view.word);
        at = view.next;
    }
    return held * SHMIPC_BLOCK;
}

/* ------------------------------------------------------------------ calls */

static IpcStatus enter(struct IpcBuffer *b)
{
    return handle_leads(b) ? IPC_OK : handle_consume(b);
}

IpcStatus work_read(struct IpcBuffer *b, IpcEntry *dest, bool *again,
                    IpcBufferReadError *error)
{
    IpcStatus status = enter(b);
    struct view view;

    dest->payload = NULL; /* as in read_peek() */
    for (int tries = 0; status == IPC_OK && tries < TAKEN_MAX; tries++) {
        status = read_look_ahead(b, &view, error);
        if (status != IPC_OK)
            return status;
        if (!hold_take(&b->ring, view.position, handle_owner(b), again))
            continue;
        /* Relaxed: a hint. */
        atomic_put_relaxed(&b->cursor, view.next);
        atomic_set_hint(&b->run, atomic_hint(&b->run) + 1);
        dest->offset = error->offset;
        dest->payload = take_payload(&b->ring, &view);
        dest->size = view.size;
        return IPC_OK;
    }
    return status == IPC_OK ? IPC_ERR_LOCKED : status;
}

/* The word of an entry that this process holds; 0: it holds none there. */
static uint64_t find_held(struct IpcBuffer *b, uint64_t offset,
                          uint64_t *position)
{
    const struct ring *r = &b->ring;
    uint64_t blocks = offset / SHMIPC_BLOCK, word;

    if (offset % SHMIPC_BLOCK != 0 || !handle_leads(b))
        return 0;
    *position = (position_lap(r, r->first) + blocks / r->block_count)
                    << r->index_bits |
                blocks % r->block_count;
    /* Relaxed: what this process stored there. Whoever took the entry from
     * another thread has that from it. */
    word = atomic_get_relaxed(hold_word_at(r, *position));
    return hold_is_held(hold_state_of(r, *position, word)) &&
                   control_value(word) == handle_owner(b)
               ? word
               : 0;
}

IpcStatus work_acknowledge(struct IpcBuffer *b, uint64_t offset,
                           uint64_t *count)
{
    uint64_t position;
    uint64_t word = find_held(b, offset, &position);

    if (word == 0 || !hold_acknowledge(&b->ring, position, word))
        return IPC_ERR_OFFSET_MISMATCH;
    *count = 1;
    hold_release(&b->ring);
    return IPC_OK;
}

IpcStatus work_give_back(struct IpcBuffer *b, uint64_t offset, uint64_t *count)
{
    uint64_t position;
    uint64_t word = find_held(b, offset, &position);

    if (word == 0 || !hold_give_back(&b->ring, position, word))
        return IPC_ERR_OFFSET_MISMATCH;
    *count = 1;
    return IPC_OK;
}
