/* SPDX-License-Identifier: MIT */
#include "bridge/batch.h"
#include <stdlib.h>
#include <string.h>

/* Grows from small, so that a message by itself takes little. */
static bool make_room(struct batch *b, size_t size)
{
    enum { LEAST = 2048 };
    size_t room = b->room ? b->room : LEAST;
    unsigned char *larger;

    while (room < size)
        room *= 2;
    if (room == b->room)
        return true;
    larger = realloc(b->payload, room);
    if (!larger)
        return false;
    b->payload = larger;
    b->room = room;
    return true;
}

bool batch_add(struct batch *b, const IpcEntry *entry)
{
    struct wire_entry e = {entry->offset, (uint32_t)entry->size, 0};

    if (!make_room(b, b->used + entry->size))
        return false;
    memcpy(b->payload + b->used, entry->payload, entry->size);
    b->used += entry->size;
    wire_swap_entry(&e);
    memcpy(b->first + sizeof(struct wire_head) + b->count * sizeof e, &e,
           sizeof e);
    if (b->count++ == 0)
        b->first_offset = entry->offset;
    b->last_offset = entry->offset;
    return true;
}

size_t batch_seal(struct batch *b, struct wire_head head)
{
    head.count = b->count;
    wire_swap_head(&head);
    memcpy(b->first, &head, sizeof head);
    return sizeof head + b->count * sizeof(struct wire_entry);
}

void batch_forget(struct batch *b)
{
    b->payload = NULL;
    b->used = b->room = 0;
    b->count = 0;
}

void batch_drop(struct batch *b)
{
    free(b->payload);
    batch_forget(b);
}
