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

static IpcStatus acknowledge(struct IpcBuffer *b, int actor,
                             const struct result *const found[], int up_to)
{
    uint64_t done, head;
    IpcStatus status;

    for (int i = 0; i < up_to; i++)
        if (look(actor, payload_at(&b->ring, found[i]->offset),
                 found[i]->size) != found[i]->id)
            violation("an entry that was read ahead is another one now");
    status = ahead_acknowledge(b, found[up_to - 1]->offset, &done, &head);
    if (status != IPC_OK || done != (uint64_t)up_to)
        violation("acknowledging %d gave %s and %d", up_to,
                  ipc_status_name(status), (int)done);
    for (int i = 0; i < up_to; i++)
        count(found[i]);
    return IPC_OK;
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
