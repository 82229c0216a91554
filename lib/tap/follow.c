/* SPDX-License-Identifier: MIT */
#include "tap/follow.h"
#include "ring/payload.h"

/* ------------------------------------------------------------- positions */

/* From a position to the same block's in the next lap. */
static uint64_t a_lap(const struct ring *r)
{
    return r->index_mask + 1;
}

static uint64_t lap_end(const struct ring *r, uint64_t position)
{
    return (position & ~r->index_mask) + a_lap(r);
}

/* `blocks` further on, which may be in the next lap. */
static uint64_t forward(const struct ring *r, uint64_t position,
                        uint32_t blocks)
{
    return position + blocks +
           (blocks < position_blocks_left(r, position) ? 0 : r->lap_gap);
}

static uint64_t back(const struct ring *r, uint64_t position)
{
    return position - 1 - (position_index(r, position) ? 0 : r->lap_gap);
}

static bool is_ahead(const struct ring *r, uint64_t of, uint64_t position)
{
    return position_distance(r, of, position) > 0;
}

/* -------------------------------------------------------------- the reach */

/* F4: up to where payload may have been stored. */
static uint64_t reach_of(const struct ring *r)
{
    uint64_t tail, reach;

    if (r->one_producer && r->has_taps) {
        /* Acquire [intent]: who goes on behind it finds tail within a lap. */
        reach = atomic_get_acquire(&r->tail->intended);
        /* Relaxed: F3 comes before, here and below. */
        tail = protocol_tail(r);
        return is_ahead(r, reach, tail) ? tail : reach;
    }
    tail = protocol_tail(r);
    if (!r->one_producer)
        return tail;
    reach = protocol_head(r) + a_lap(r);
    return is_ahead(r, lap_end(r, tail), reach) ? lap_end(r, tail) : reach;
}

/* Whether what was found at the follower's position, and copied from there, is
 * of its lap. FOLLOW_ENTRY: it is. */
static enum follow judge(const struct follower *f)
{
    const struct ring *r = f->ring;
    uint64_t reach;
    int64_t ahead;

    /* F3. Acquire fence [reach]: who stored what we copied said so before. */
    atomic_fence_acquire();
    reach = reach_of(r);
    ahead = position_distance(r, position_of_head(f->at), reach);
    if (creation_is_over(r))
        return FOLLOW_ANEW;
    if (!position_is_valid(r, reach) || ahead < -(int64_t)r->block_count)
        return FOLLOW_DAMAGE;
    return ahead > (int64_t)r->block_count ? FOLLOW_OVERRUN : FOLLOW_ENTRY;
}

/* ------------------------------------------------------ finding one's place */

static void go_to(struct follower *f, uint64_t position)
{
    f->at = position;
    f->offset = position_offset(f->ring, position);
}

/* Goes past the entry or filler of a look. */
static void go_past(struct follower *f, const struct view *view)
{
    uint64_t offset = take_offset(f->ring, view);

    go_to(f, position_of_head(view->next));
    f->at = view->next;
    if (position_of_head(view->next) == view->position)
        f->offset = offset + control_array_stride(view->size);
}

static bool begins_here(const struct ring *r, uint64_t position)
{
    /* Relaxed: only to find a place; F1 acquires what is there. */
    uint64_t word = atomic_get_relaxed(position_control(r, position));

    return control_tag(word) == position_tag(r, position) &&
           control_state(word) != CONTROL_FREE;
}

/* Words to look at: so many at most are inside one entry, and there are no more
 * than all. */
static uint32_t steps_to_go(const struct ring *r)
{
    return r->block_count < FOLLOW_ENTRY_BLOCKS ? r->block_count
                                                : FOLLOW_ENTRY_BLOCKS;
}

/* The first place from `position` on where something begins; tail if there is
 * none before. */
static uint64_t find_forward(const struct ring *r, uint64_t position,
                             uint64_t tail)
{
    for (uint32_t left = steps_to_go(r);
         left > 0 && is_ahead(r, position, tail); left--) {
        if (begins_here(r, position))
            return position;
        position = position_advance(r, position, 1);
    }
    return tail;
}

static void go_to_oldest(struct follower *f, uint64_t reach, uint64_t tail)
{
    const struct ring *r = f->ring;
    uint64_t from = reach - a_lap(r);

    if (is_ahead(r, from, r->first))
        from = r->first;
    go_to(f, find_forward(r, forward(r, from, f->lead), tail));
}

/* From tail itself on: the one producer moves it last. */
static void go_to_newest(struct follower *f, uint64_t reach, uint64_t tail)
{
    const struct ring *r = f->ring;
    uint64_t end = reach - a_lap(r);
    uint64_t position = tail;

    go_to(f, tail);
    for (uint32_t left = steps_to_go(r) + 1;
         left > 0 && !is_ahead(r, position, end) &&
         !is_ahead(r, position, r->first);
         left--) {
        struct view view;
        uint64_t last = 0;

        if (take_look_at(r, position, &view) == LOOK_ENTRY) {
            if (control_state(view.word) == CONTROL_ARRAY)
                last = control_array_count(control_value(view.word)) - 1;
            go_to(f, position);
            f->at += last * SHMIPC_HEAD_ITEM;
            f->offset += last * control_array_stride(view.size);
            return;
        }
        position = back(r, position);
    }
}

bool follow_start(struct follower *f, enum follow_start start)
{
    uint64_t reach = reach_of(f->ring);
    uint64_t tail = protocol_tail(f->ring);

    if (!position_is_valid(f->ring, reach) ||
        !position_is_valid(f->ring, tail) || reach < a_lap(f->ring))
        return false;
    if (start == FOLLOW_OLDEST)
        go_to_oldest(f, reach, tail);
    else if (start == FOLLOW_NEWEST)
        go_to_newest(f, reach, tail);
    else
        go_to(f, tail);
    return true;
}

/* We were overrun; `offset` is where the call began. The lead is for the next
 * time: if that comes before we have caught up, we are too slow to go on at
 * what is overwritten next. */
static enum follow resume(struct follower *f, enum follow_start start,
                          uint64_t offset, uint64_t *lost)
{
    uint32_t half = f->ring->block_count / 2;
    uint64_t from = position_of_head(f->at);

    if (!follow_start(f, start) ||
        !is_ahead(f->ring, from, position_of_head(f->at)))
        return FOLLOW_DAMAGE;
    f->lead = f->lead * 2 + half / 8;
    if (f->lead > half)
        f->lead = half;
    *lost = f->offset - offset;
    return FOLLOW_OVERRUN;
}

/* ---------------------------------------------------------------- reading */

/* What it means that nothing of our lap stands here. */
static enum follow explain_nothing(struct follower *f, const struct view *view)
{
    const struct ring *r = f->ring;
    uint32_t age = position_tag(r, f->at) - control_tag(view->word);

    /* Of a later lap. The one producer's filler is there before tail says so,
     * and has no reach of its own. */
    if ((int32_t)age < 0)
        return FOLLOW_OVERRUN;
    if (repair_is_gap(r, f->at))
        return FOLLOW_CLAIMED;
    f->lead = 0;
    return FOLLOW_NOTHING;
}

/* What came since the look is no claim that holds us up. */
static bool has_changed(const struct follower *f, const struct view *view)
{
    /* Relaxed: F1 acquires what is there. */
    return atomic_get_relaxed(position_control(
               f->ring, position_of_head(f->at))) != view->word;
}

enum follow follow_next(struct follower *f, void *to, size_t room,
                        enum follow_start start, struct view *view,
                        uint64_t *lost)
{
    const struct ring *r = f->ring;
    uint64_t offset = f->offset;

    for (uint32_t steps = 0; steps < PROTOCOL_STEPS; steps++) {
        /* F1 and F2. */
        enum look look = take_look_at(r, f->at, view);
        enum follow found;

        if (look == LOOK_ENTRY && view->size <= room)
            payload_load_unowned(to, take_payload(r, view), view->size);
        found = judge(f);
        if (found == FOLLOW_ENTRY && look == LOOK_NOTHING)
            found = explain_nothing(f, view);
        if (found == FOLLOW_CLAIMED && has_changed(f, view))
            continue;
        if (found == FOLLOW_OVERRUN)
            return resume(f, start, offset, lost);
        if (found != FOLLOW_ENTRY)
            return found;
        if (look == LOOK_BUSY)
            return FOLLOW_BUSY;
        if (look == LOOK_DAMAGE)
            return FOLLOW_DAMAGE;
        if (look == LOOK_ENTRY && view->size > room)
            return FOLLOW_SMALL;
        go_past(f, view);
        if (look == LOOK_ENTRY)
            return FOLLOW_ENTRY;
    }
    return FOLLOW_CLAIMED; /* filler without an end: the next call goes on */
}

enum follow follow_pass(struct follower *f, enum follow_start start,
                        uint64_t *passed)
{
    const struct ring *r = f->ring;
    uint64_t offset = f->offset;
    struct view view;
    enum look look = take_look_at(r, f->at, &view);
    enum follow found = judge(f);

    if (found == FOLLOW_ENTRY && look == LOOK_NOTHING)
        found = explain_nothing(f, &view);
    if (found == FOLLOW_OVERRUN)
        return resume(f, start, offset, passed);
    if (found == FOLLOW_NOTHING || found == FOLLOW_ANEW ||
        found == FOLLOW_DAMAGE)
        return found;
    if (look == LOOK_ENTRY || look == LOOK_FILLER)
        go_past(f, &view);
    else
        /* Relaxed: a stale tail means to pass less. */
        go_to(f, find_forward(r, position_advance(r, view.position, 1),
                              protocol_tail(r)));
    *passed = f->offset - offset;
    return FOLLOW_ENTRY;
}

/* ------------------------------------------------------------- what is told */

uint64_t follow_lag(const struct follower *f)
{
    uint64_t tail = protocol_tail(f->ring);
    uint64_t offset = position_offset(f->ring, tail);

    return position_is_valid(f->ring, tail) && offset > f->offset
               ? offset - f->offset
               : 0;
}

bool follow_is_closed(const struct follower *f)
{
    struct view view;

    if (!close_has_begun(f->ring))
        return false;
    return f->ring->one_producer
               ? take_look_at(f->ring, f->at, &view) == LOOK_NOTHING
               : protocol_tail(f->ring) == f->at;
}
