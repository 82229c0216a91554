/* SPDX-License-Identifier: MIT */
#include "service/call.h"
#include "service/frame.h"
#include <stdlib.h>
#include <string.h>

enum {
    /* A larger answer gives its memory back when it was collected. */
    ROOM_TO_KEEP = 4096,
};

static void leave(struct call_list *list, struct call *call)
{
    *(call->earlier ? &call->earlier->later : &list->first) = call->later;
    *(call->later ? &call->later->earlier : &list->last) = call->earlier;
    call->earlier = call->later = NULL;
}

static void enter(struct call_list *list, struct call *call)
{
    call->later = NULL;
    call->earlier = list->last;
    *(list->last ? &list->last->later : &list->first) = call;
    list->last = call;
}

bool call_make_table(struct calls *calls, uint32_t count)
{
    *calls = (struct calls){.count = count};
    calls->table = calloc(count, sizeof *calls->table);
    return calls->table;
}

void call_free_table(struct calls *calls)
{
    for (uint32_t i = 0; i < calls->unused; i++)
        free(calls->table[i].bytes);
    free(calls->table);
}

struct call *call_new(struct calls *calls, int64_t deadline)
{
    struct call *call = calls->free.last; /* whose memory is still near */

    if (call)
        leave(&calls->free, call);
    else if (calls->unused < calls->count)
        call = &calls->table[calls->unused++];
    else
        return NULL;
    call->number =
        ++calls->sequence << FRAME_PLACE_BITS | (uint64_t)(call - calls->table);
    call->state = CALL_SENT;
    call->deadline = deadline;
    call->dest = NULL;
    call->awaited = false;
    call->is_there = false;
    enter(&calls->sent, call);
    return call;
}

struct call *call_find(const struct calls *calls, IpcCall number)
{
    uint64_t place = number % FRAME_CALLS_MAX;

    if (place >= calls->unused || calls->table[place].number != number ||
        calls->table[place].state == CALL_FREE)
        return NULL;
    return &calls->table[place];
}

void call_drop(struct calls *calls, struct call *call)
{
    leave(call->state == CALL_SENT ? &calls->sent : &calls->over, call);
    call->state = CALL_FREE;
    if (call->room > ROOM_TO_KEEP) {
        free(call->bytes);
        call->bytes = NULL;
        call->room = 0;
    }
    enter(&calls->free, call);
}

void call_end(struct calls *calls, struct call *call, IpcStatus status)
{
    leave(&calls->sent, call);
    enter(&calls->over, call);
    call->state = CALL_OVER;
    call->status = status;
}

static bool keep(struct call *call, const void *payload, size_t size)
{
    if (size > call->room) {
        unsigned char *more = realloc(call->bytes, size);

        if (!more)
            return false;
        call->bytes = more;
        call->room = size;
    }
    if (size > 0)
        memcpy(call->bytes, payload, size);
    return true;
}

void call_answer(struct calls *calls, struct call *call, const void *payload,
                 size_t size)
{
    IpcAnswer *dest = call->dest;

    call->size = size;
    call->is_there = dest && dest->payload && dest->size >= size;
    if (call->is_there && size > 0)
        memcpy(dest->payload, payload, size);
    call_end(calls, call,
             call->is_there || keep(call, payload, size) ? IPC_OK
                                                         : IPC_ERR_ALLOCATION);
}

static IpcStatus hand_over(struct call *call, IpcAnswer *dest)
{
    void *to = dest->payload;

    if (!call->is_there) {
        if (!to)
            to = malloc(call->size > 0 ? call->size : 1);
        else if (call->size > dest->size)
            return IPC_ERR_TOO_SMALL;
        if (!to)
            return IPC_ERR_ALLOCATION;
        if (call->size > 0)
            memcpy(to, call->bytes, call->size);
    }
    dest->payload = to;
    dest->size = call->size;
    dest->call = call->number;
    return IPC_OK;
}

IpcStatus call_collect(struct calls *calls, struct call *call, IpcAnswer *dest,
                       uint64_t *required)
{
    IpcStatus status = call->status;

    if (status == IPC_OK)
        status = hand_over(call, dest);
    *required = status == IPC_ERR_TOO_SMALL || status == IPC_ERR_ENTRY_TOO_LARGE
                    ? call->size
                    : 0;
    if (status != IPC_ERR_TOO_SMALL)
        call_drop(calls, call);
    return status;
}
