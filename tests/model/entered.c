/* SPDX-License-Identifier: MIT */
/*
 * What must hold in every state of the owner table, and of a closed ring.
 */
#include "model.h"
#include <string.h>

enum { FIRST_PID = 100, SLOT_BITS = 14, GENERATION_SHIFT = 50, PID_SHIFT = 28 };

static const struct ring *ring(void)
{
    return &world.channels[CHECKER].buffer.ring;
}

/* ----------------------------------------------------------------- slots */

static uint32_t generation_in(uint32_t slot)
{
    uint64_t identity =
        memory_peek(&ring()->owners.slots[slot].identity, sizeof identity);

    return (uint32_t)(identity >> GENERATION_SHIFT);
}

/* The process whose slot it is, or -1. */
static int process_in(uint32_t slot)
{
    uint64_t identity =
        memory_peek(&ring()->owners.slots[slot].identity, sizeof identity);

    return (int)(identity >> PID_SHIFT & 0x3fffff) - FIRST_PID;
}

int entered_process_of(uint32_t owner)
{
    return process_in(owner_slot(owner));
}

/* No thread of it is in the middle of something. */
static bool is_at_rest(int process)
{
    for (int i = 0; i < actor_count; i++)
        if (scripts[i].process == process &&
            (world.actors[i].state == DEAD ||
             (world.actors[i].state == RUNS && world.actors[i].steps > 0)))
            return false;
    return true;
}

static bool is_destroyed(int handle)
{
    for (int i = 0; i < actor_count; i++)
        for (int c = 0; c < world.actors[i].call; c++)
            if (scripts[i].handle == handle &&
                scripts[i].calls[c].kind == CALL_CLOSE)
                return true;
    return false;
}

/* The owner as which somebody uses the handle, or 0. */
static uint32_t owner_of(int handle, int process)
{
    const struct IpcBuffer *b = &world.channels[handle].buffer;

    if (memory_peek(&b->entered, sizeof b->entered) != (uint64_t)process + 1 ||
        is_destroyed(handle))
        return 0;
    return (uint32_t)memory_peek(&b->owner, sizeof b->owner);
}

/* A process at rest has so many handles in the slot. */
static uint32_t count_handles(uint32_t slot, int process)
{
    uint32_t owner = generation_in(slot) << SLOT_BITS | slot;
    uint32_t count = 0;

    for (int i = 0; i < actor_count; i++)
        count += scripts[i].handle == i && scripts[i].process == process &&
                 owner_of(i, process) == owner;
    return count;
}

/* Some handle of the process has done that as this owner, with its first call,
 * which is over. */
static bool has_done(enum call_kind kind, uint32_t slot, int process)
{
    uint32_t owner = generation_in(slot) << SLOT_BITS | slot;

    for (int i = 0; i < actor_count; i++)
        if (scripts[i].handle == i && scripts[i].process == process &&
            owner_of(i, process) == owner && world.actors[i].call > 0 &&
            scripts[i].calls[0].kind == (char)kind)
            return true;
    return false;
}

static void check_slot(uint32_t slot)
{
    const struct shm_owner *s = &ring()->owners.slots[slot];
    int process = process_in(slot);
    uint32_t handles =
        (uint32_t)memory_peek(&s->handles, sizeof s->handles) & 0x3ffff;
    uint64_t started = memory_peek(&s->started, sizeof s->started);

    if (process < 0 || process == CHECKER || !is_at_rest(process))
        return;
    if (handles != count_handles(slot, process))
        violation("slot %u counts %u handles of process %c, which has %u", slot,
                  handles, 'A' + process, count_handles(slot, process));
    if (handles == 0)
        violation("slot %u stays with process %c, which has left", slot,
                  'A' + process);
    if (has_done(CALL_WRITE, slot, process) &&
        !(memory_peek(&s->marks, sizeof s->marks) & OWNER_PRODUCES))
        violation("slot %u does not say that process %c writes", slot,
                  'A' + process);
    if (has_done(CALL_READ, slot, process) &&
        !(memory_peek(&s->marks, sizeof s->marks) & OWNER_CONSUMES))
        violation("slot %u does not say that process %c reads", slot,
                  'A' + process);
    if (started >> GENERATION_SHIFT != generation_in(slot))
        violation("the start time in slot %u is not of this stay", slot);
}

/* A handle's owner is in the table as long as it is used. */
static void check_owner(int handle)
{
    int process = scripts[handle].process;
    uint32_t owner = owner_of(handle, process);
    uint32_t slot = owner_slot(owner);

    if (owner == 0 || world.actors[handle].state == DEAD ||
        !is_at_rest(process))
        return;
    if (process_in(slot) != process ||
        generation_in(slot) != owner >> SLOT_BITS)
        violation("the slot of process %c passed on while it writes",
                  'A' + process);
}

/* Where handles' words are no steps, the next call may have changed some. */
void check_entered(void)
{
    if (!running->enters)
        return;
    for (uint32_t i = 0; i < ring()->owners.count; i++)
        check_slot(i);
    for (int i = 0; i < actor_count; i++)
        if (scripts[i].handle == i)
            check_owner(i);
}

/* If nobody died, whoever is said to be writing has not left. */
void check_claims(void)
{
    const struct ring *r = ring();
    uint64_t tail = tail_now();
    uint64_t position = position_of_head(memory_latest(LOCATION_HEAD));

    for (int i = 0; i < actor_count; i++)
        if (world.actors[i].state == DEAD)
            return;
    for (; position_distance(r, position, tail) > 0;
         position = position_advance(r, position, 1)) {
        uint64_t word =
            memory_latest(location_control(position_index(r, position)));
        uint32_t owner = control_value(word);

        if (control_tag(word) != position_tag(r, position) ||
            control_state(word) != CONTROL_BUSY)
            continue;
        if (owner_slot(owner) >= r->owners.count ||
            process_in(owner_slot(owner)) < 0 ||
            generation_in(owner_slot(owner)) != owner >> SLOT_BITS)
            violation("owner %u of a claim is not in the table", owner);
    }
}

/* --------------------------------------------------------------- closing */

bool ring_is_closed(void)
{
    return memory_latest(LOCATION_TAIL) & SHMIPC_TAIL_CLOSED ||
           memory_peek(&ring()->tail->closed, sizeof(uint64_t));
}

static bool was_told_closed(void)
{
    for (int i = 0; i < actor_count; i++)
        for (int c = 0; c < world.actors[i].call; c++)
            if (world.actors[i].results[c].status == IPC_ERR_CLOSED &&
                !scripts[i].calls[c].size)
                return true;
    return false;
}

/* What an actor wrote before it closed the ring, or began to; with many
 * producers, what anybody wrote. */
static bool comes_before_closing(int actor, int call)
{
    for (int c = call + 1;
         c <= world.actors[actor].call && c < scripts[actor].count; c++)
        if (scripts[actor].calls[c].kind == CALL_SHUT)
            return true;
    return !ring()->one_producer;
}

/* Whoever has been told that it is closed need not see to it that others are.
 */
static void check_all_are_told(void)
{
    for (int i = 0; i < actor_count; i++)
        for (int c = 0; c < world.actors[i].call; c++)
            if (world.actors[i].results[c].status == IPC_ERR_CLOSED &&
                !memory_peek(&ring()->head->closed, sizeof(uint64_t)))
                violation("%c was told that it is closed, and readers never "
                          "will be",
                          'A' + i);
}

/* Once a reader was told so, nothing is left that it could have read. */
void check_told_closed(void)
{
    int in_hand = 0; /* acknowledged by who has not returned */

    check_all_are_told();
    if (!was_told_closed())
        return;
    for (int i = 0; i < actor_count; i++)
        in_hand += world.actors[i].took;
    for (int i = 0; i < actor_count; i++)
        for (int c = 0; c < world.actors[i].call; c++)
            if (scripts[i].calls[c].commit > 0 &&
                world.actors[i].results[c].status == IPC_OK &&
                comes_before_closing(i, c) && !world.read_count[i][c] &&
                in_hand-- <= 0)
                violation("closed, but entry %u was not read", actor_id(i, c));
}
