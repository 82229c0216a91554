/* SPDX-License-Identifier: MIT */
/*
 * Subscribers that go to the newest entry, and that pin what they work on. What
 * is pinned stays what it is in every state; and the newest is no older than
 * what was committed when the call began, with nothing unfinished before it.
 */
#include "buffer/newest.h"
#include "model.h"
#include "model_payload.h"

static struct IpcBuffer *handle(int actor)
{
    return &world.channels[scripts[actor].handle].buffer;
}

/* Whether the actor jumps over entries, so that none is owed to it. */
bool newest_is_sought(int actor)
{
    for (int i = 0; i < scripts[actor].count; i++)
        if (strchr("n1", scripts[actor].calls[i].kind))
            return true;
    return false;
}

/* The offset of the newest entry now; 0: there is none, or it is not known. */
static uint64_t newest_now(int actor)
{
    const struct ring *r = &handle(actor)->ring;
    uint64_t at = memory_peek(&r->head->position, sizeof at), newest = 0;

    if (options.weak || !cursor_holds(r, at))
        return 0;
    for (uint32_t i = 0; i <= 2 * r->block_count; i++) {
        uint32_t index = position_index(r, at);
        uint64_t word = memory_latest(location_control(index));

        if (control_tag(word) != position_tag(r, at) ||
            control_extent(word) == 0)
            break;
        if (control_state(word) == CONTROL_READY)
            newest = position_offset(r, at);
        at = position_advance(r, at, control_extent(word));
    }
    return newest;
}

/* Uses the entry that is pinned: what lies there is looked at twice. */
static void use_in_place(int actor, const IpcEntry *entry,
                         const struct result *result)
{
    unsigned char data[MAX_BLOCKS * SHMIPC_BLOCK];

    for (int i = 0; i < 2; i++) {
        payload_load_owned(data, entry->payload, entry->size);
        memory_taken(actor);
        if (check_whole(data, entry->size) != result->id)
            violation("what is pinned has become another entry");
    }
}

static IpcStatus pin(int actor, char kind, IpcEntry *entry,
                     struct result *result)
{
    struct reading *reading = &world.readings[actor];
    IpcBufferReadError error = {0};
    uint64_t skipped;
    IpcStatus status = newest_pin(
        handle(actor), kind == CALL_PIN ? NEWEST_NEWEST : NEWEST_NEXT, entry,
        &skipped, &error);

    if (status != IPC_OK)
        return status;
    result->id =
        (uint32_t)(memory_peek(entry->payload, sizeof(uint64_t)) >> 32);
    result->offset = entry->offset;
    broadcast_check_entry(result->id, entry->offset);
    reading->pinned_at = entry->payload;
    reading->pinned = result->id;
    use_in_place(actor, entry, result);
    if (kind == CALL_PIN_AND_STAY)
        return IPC_OK;
    reading->pinned = 0;
    status = newest_unpin(handle(actor), entry->offset);
    if (status != IPC_OK)
        violation("unpin: %s", ipc_status_name(status));
    return status;
}

static IpcStatus read(int actor, IpcEntry *entry, struct result *result)
{
    IpcBufferReadError error = {0};
    uint64_t skipped;
    IpcStatus status = newest_read(handle(actor), entry, &skipped, &error);

    if (status != IPC_OK)
        return status;
    memory_taken(actor);
    check_entry(entry->payload, entry->size, entry->offset, result);
    return IPC_OK;
}

/* Of one that is not in a call. */
static void check_left(int actor)
{
    const struct IpcBuffer *b = handle(actor);

    if (!world.readings[actor].pinned && b->pinning == 0 &&
        memory_peek(&b->ring.subscribers[b->slot].cursor.pinned,
                    sizeof(uint64_t)) != 0)
        violation("%c has a pin that it knows nothing of", 'A' + actor);
}

IpcStatus newest_call(int actor, char kind, struct result *result)
{
    unsigned char data[MAX_BLOCKS * SHMIPC_BLOCK];
    IpcEntry entry = {0, data, sizeof data};
    bool seeks = kind == CALL_NEWEST || kind == CALL_PIN;
    uint64_t newest = seeks ? newest_now(actor) : 0;
    IpcStatus status = kind == CALL_NEWEST ? read(actor, &entry, result)
                                           : pin(actor, kind, &entry, result);

    if (kind != CALL_NEWEST && status != IPC_ERR_NOT_SUBSCRIBED)
        check_left(actor);
    if ((status == IPC_OK && result->offset < newest) ||
        (status == IPC_EMPTY && newest > 0))
        violation("the entry at offset %llu is newer than what was found",
                  (unsigned long long)newest);
    return status;
}

/* What is nobody's has no pin. */
static void check_slot(uint32_t slot)
{
    const struct ring *r = &world.channels[CHECKER].buffer.ring;
    const struct shm_head *cursor = &r->subscribers[slot].cursor;
    uint64_t at = memory_peek(&cursor->position, sizeof at);

    if (at == cursor_free(r) &&
        memory_peek(&cursor->pinned, sizeof(uint64_t)) != 0)
        violation("slot %u is free, and has a pin", slot);
}

void newest_check_state(void)
{
    const struct ring *r = &world.channels[CHECKER].buffer.ring;

    for (uint32_t i = 0; i < r->subscriber_count; i++)
        check_slot(i);
    for (int i = 0; i < actor_count; i++) {
        const struct reading *reading = &world.readings[i];

        if (reading->pinned && world.actors[i].state != DEAD &&
            memory_peek(reading->pinned_at, sizeof(uint64_t)) >> 32 !=
                reading->pinned)
            violation("what %c has pinned was written over", 'A' + i);
    }
}
