/* SPDX-License-Identifier: MIT */
/*
 * What is true this moment, for excuses: that the ring was empty or full at
 * some moment of the call that says so.
 */
#include "buffer/read.h"
#include "model.h"

/* The size of the entry behind filler at a head word; 0: there is none. */
static uint32_t true_size_at(const struct ring *r, uint64_t head)
{
    uint64_t position = position_of_head(head);

    for (uint32_t i = 0; i <= r->block_count; i++) {
        uint32_t index = position_index(r, position);
        uint64_t word = memory_latest(location_control(index));

        if (control_tag(word) != position_tag(r, position))
            return 0;
        if (control_state(word) == CONTROL_READY)
            return control_value(word);
        if (control_state(word) == CONTROL_ARRAY)
            return control_array_size(control_value(word));
        if (control_state(word) != CONTROL_PAD &&
            control_state(word) != CONTROL_SKIP)
            return 0;
        position = position_advance(r, position, control_value(word));
    }
    return 0;
}

static uint32_t true_next_size(const struct ring *r)
{
    return true_size_at(r, memory_latest(LOCATION_HEAD));
}

/* Where many read ahead: the size of the first entry that is there to be
 * taken. */
static uint32_t true_free_size(const struct ring *r)
{
    uint64_t position = position_of_head(memory_latest(LOCATION_HEAD));

    for (uint32_t i = 0; i <= r->block_count; i++) {
        uint32_t index = position_index(r, position);
        uint64_t word = memory_latest(location_control(index));
        uint64_t holder =
            memory_peek(&r->holders[index], sizeof r->holders[index]);

        if (control_tag(word) != position_tag(r, position) ||
            control_extent(word) == 0)
            return 0;
        if (control_state(word) == CONTROL_READY &&
            hold_is_free(hold_state_of(r, position, holder)))
            return control_value(word);
        position = position_advance(r, position, control_extent(word));
    }
    return 0;
}

/* The same for who reads ahead: behind what he has. */
static uint32_t true_size_ahead(const struct ring *r, int actor)
{
    const struct IpcBuffer *b = &world.channels[scripts[actor].handle].buffer;

    if (r->holders)
        return true_free_size(r);
    return b->leads == (uint64_t)scripts[actor].process + 1
               ? true_size_at(r, b->cursor)
               : true_next_size(r);
}

static bool truly_lacks_room(const struct ring *r, uint32_t size)
{
    uint64_t head = position_of_head(memory_latest(LOCATION_HEAD));
    uint64_t tail = tail_now();
    uint32_t blocks = control_blocks(size);
    uint32_t fit = position_blocks_left(r, tail);
    uint32_t need = blocks <= fit ? blocks : fit + blocks;

    if (need > r->block_count)
        need = fit;
    return position_distance(r, head, tail) > (int64_t)(r->block_count - need);
}

/* `next`: the size of the next entry, 0 if there is none. */
static void note_truth(int actor, uint32_t next)
{
    const struct ring *r = &world.channels[CHECKER].buffer.ring;
    struct actor *a = &world.actors[actor];
    const struct call *call = &scripts[actor].calls[a->call];

    if (call->size) {
        a->full_true = a->full_true || truly_lacks_room(r, call->size);
        return;
    }
    if (call->kind == CALL_READ_AHEAD)
        next = true_size_ahead(r, actor);
    a->empty_true |= next == 0;
    a->other_true |= call->wanted && next && next != call->wanted;
}

uint32_t truth_next_size(void)
{
    return true_next_size(&world.channels[CHECKER].buffer.ring);
}

bool truth_lacks_room(uint32_t size)
{
    return truly_lacks_room(&world.channels[CHECKER].buffer.ring, size);
}

/* A call begins with its first step. */
void truth_begin(int actor)
{
    note_truth(actor, true_next_size(&world.channels[CHECKER].buffer.ring));
}

/* Notes for every call that runs whether its excuse is true now. */
void truth_moment(void)
{
    uint32_t next = true_next_size(&world.channels[CHECKER].buffer.ring);

    for (int i = 0; i < actor_count; i++)
        if (world.actors[i].state == RUNS && world.actors[i].steps > 0)
            note_truth(i, next);
}
