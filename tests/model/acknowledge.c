/* SPDX-License-Identifier: MIT */
/*
 * Reading ahead of what is acknowledged. What was read ahead may be read again
 * by another one until it is acknowledged, and is looked at once more then: it
 * has to be there still, whole.
 */
#include "buffer/ahead.h"
#include "model.h"
#include "model_payload.h"
#include <string.h>

/* What an actor has read ahead, the oldest first; returns how many. */
static int find_ahead(const struct actor *a, const struct script *script,
                      const struct result *found[MAX_CALLS])
{
    int count = 0;

    for (int c = 0; c < a->call; c++) {
        char kind = script->calls[c].kind;

        if (a->results[c].status != IPC_OK)
            continue;
        if (kind == CALL_READ_AHEAD)
            found[count++] = &a->results[c];
        if (kind == CALL_ACKNOWLEDGE || kind == CALL_GIVE_BACK)
            count = 0;
        if (kind == CALL_ACKNOWLEDGE_ONE)
            memmove(found, found + 1, (size_t)--count * sizeof found[0]);
    }
    return count;
}

static unsigned char *payload_at(const struct ring *r, uint64_t offset)
{
    uint64_t bytes = (uint64_t)r->block_count * SHMIPC_BLOCK;
    uint64_t first = (uint64_t)position_index(r, r->first) * SHMIPC_BLOCK;

    return r->blocks + (first + offset) % bytes;
}

static uint32_t look(int actor, const unsigned char *payload, size_t size)
{
    unsigned char data[MAX_BLOCKS * SHMIPC_BLOCK];

    payload_load_owned(data, payload, size);
    memory_taken(actor);
    return check_whole(data, size);
}

/* Whether a call that returned has read it ahead. */
static bool was_read(uint32_t id)
{
    for (int i = 0; i < actor_count; i++)
        for (int c = 0; c < world.actors[i].call; c++)
            if (scripts[i].calls[c].kind == CALL_READ_AHEAD &&
                world.actors[i].results[c].status == IPC_OK &&
                world.actors[i].results[c].id == id)
                return true;
    return false;
}

static IpcStatus read_ahead(struct IpcBuffer *b, int actor,
                            struct result *result)
{
    IpcBufferReadError error;
    IpcEntry entry;
    bool again;
    IpcStatus status = ahead_read(b, &entry, &again, &error);

    if (status != IPC_OK)
        return status;
    result->id = look(actor, entry.payload, entry.size);
    if (!again && was_read(result->id))
        violation("entry %u was read before, and nobody is told", result->id);
    result->offset = entry.offset;
    result->size = (uint32_t)entry.size;
    return IPC_OK;
}

/* Counts what was acknowledged as read. */
static void count(const struct result *read)
{
    unsigned char data[MAX_BLOCKS * SHMIPC_BLOCK];

    script_fill(data, read->id, read->size);
    check_entry(data, read->size, read->offset, &(struct result){0});
}

/* Each by itself, where many read ahead: who is stopped in between has taken no
 * more than one with him. */
static IpcStatus acknowledge(struct IpcBuffer *b, int actor,
                             const struct result *const found[], int up_to)
{
    int step = b->ring.holders ? 1 : up_to;
    uint64_t done, head;
    IpcStatus status;

    for (int i = 0; i < up_to; i += step) {
        for (int k = i; k < i + step; k++)
            if (look(actor, payload_at(&b->ring, found[k]->offset),
                     found[k]->size) != found[k]->id)
                violation("an entry that was read ahead is another one now");
        status =
            ahead_acknowledge(b, found[i + step - 1]->offset, &done, &head);
        if (status != IPC_OK || done != (uint64_t)step)
            violation("acknowledging %d gave %s and %d", step,
                      ipc_status_name(status), (int)done);
        for (int k = i; k < i + step; k++)
            count(found[k]);
        world.actors[actor].took = false;
    }
    return IPC_OK;
}

/* Whether a process that lives holds an entry. */
bool acknowledge_is_held(void)
{
    const struct ring *r = &world.channels[CHECKER].buffer.ring;

    for (uint32_t i = 0; r->holders && i < r->block_count; i++) {
        uint64_t word = memory_peek(&r->holders[i], sizeof r->holders[i]);

        if (hold_is_held((enum hold_state)control_state(word)) &&
            owner_fate(&r->owners, control_value(word)) == OWNER_LIVES)
            return true;
    }
    return false;
}

IpcStatus acknowledge_read(int actor, struct result *result)
{
    struct IpcBuffer *b =
        &world.channels[actor == CHECKER ? CHECKER : scripts[actor].handle]
             .buffer;
    const struct result *found[1] = {result};
    IpcStatus status = read_ahead(b, actor, result);

    return status == IPC_OK ? acknowledge(b, actor, found, 1) : status;
}

IpcStatus acknowledge_call(int actor, char kind, struct result *result)
{
    struct IpcBuffer *b = &world.channels[scripts[actor].handle].buffer;
    const struct result *found[MAX_CALLS];
    uint64_t done, head;
    int ahead;

    if (kind == CALL_READ_AHEAD)
        return read_ahead(b, actor, result);
    ahead = find_ahead(&world.actors[actor], &scripts[actor], found);
    if (ahead == 0)
        return IPC_EMPTY;
    if (kind == CALL_ACKNOWLEDGE)
        return acknowledge(b, actor, found, ahead);
    if (kind == CALL_ACKNOWLEDGE_ONE)
        return acknowledge(b, actor, found, 1);
    return ahead_give_back(b, found[0]->offset, &done, &head);
}
