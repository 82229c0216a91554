/* SPDX-License-Identifier: MIT */
#include "bridge/outlet.h"
#include "bridge/ticks.h"
#include "join.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *open_note(struct outlet *out, const char *path)
{
    size_t room = strlen(path) + sizeof ".bridge";
    char *beside = malloc(room);
    const char *wrong;

    if (!beside)
        return "there is no memory";
    snprintf(beside, room, "%s.bridge", path);
    wrong = note_open(&out->note, beside, out->region.ring.creation);
    free(beside);
    return wrong;
}

static const char *open_all(struct outlet *out, const char *name,
                            const char *path, const IpcOpenOptions *options)
{
    IpcChannelOpenResult r = join_try(name, options);
    const char *wrong;

    if (r.ipc_status != IPC_OK)
        return r.error.detail;
    out->channel = r.result;
    out->largest = ipc_channel_max_entry_size(out->channel);
    wrong = region_open(&out->region, path);
    return wrong ? wrong : open_note(out, path);
}

const char *outlet_open(struct outlet *out, const char *name, const char *path,
                        const IpcOpenOptions *options)
{
    const char *wrong;

    *out = (struct outlet){.note.fd = -1};
    wrong = open_all(out, name, path, options);
    if (wrong)
        outlet_close(out);
    return wrong;
}

void outlet_close(struct outlet *out)
{
    if (out->channel)
        ipc_channel_destroy(out->channel);
    region_close(&out->region);
    note_close(&out->note); /* last: whoever gets the lock finds us gone */
    *out = (struct outlet){.note.fd = -1};
}

bool outlet_find(struct outlet *out, uint64_t stream, uint64_t keep,
                 struct outlet_stream *s)
{
    enum region_fate fate = REGION_COMMITTED;

    *s = (struct outlet_stream){0};
    s->place = note_find(&out->note, stream, keep, &s->state);
    if (s->place < 0)
        return false;
    if (s->state.position != NOTE_NONE)
        fate = region_judge(&out->region, s->state.position);
    if (fate != REGION_COMMITTED)
        s->state.offset = s->state.before;
    s->is_ambiguous = fate == REGION_OVERWRITTEN;
    outlet_settle(out, s);
    return true;
}

static enum outlet_result result_of(IpcStatus status)
{
    switch (status) {
    case IPC_OK:
        return OUTLET_DONE;
    case IPC_ERR_TIMEOUT:
    case IPC_ERR_NO_SPACE_CONTIGUOUS:
    case IPC_ERR_LOCKED:
    case IPC_ERR_INTERRUPTED:
        return OUTLET_FULL;
    case IPC_ERR_CLOSED:
    case IPC_ERR_FORMATTED_ANEW:
        return OUTLET_GONE;
    case IPC_ERR_ENTRY_TOO_LARGE:
        return OUTLET_NEVER;
    default:
        return OUTLET_FAILED;
    }
}

static IpcStatus reserve(struct outlet *out, size_t size, IpcReservation *space,
                         uint64_t ns)
{
    struct timespec span = ticks_span(ns);
    IpcStatus status =
        ipc_channel_reserve(out->channel, size, space).ipc_status;

    if (ns == 0 || result_of(status) != OUTLET_FULL)
        return status;
    return ipc_channel_reserve_with_timeout(out->channel, size, space, &span)
        .ipc_status;
}

enum outlet_result outlet_put(struct outlet *out, struct outlet_stream *s,
                              uint64_t offset, const void *payload, size_t size,
                              uint64_t ns)
{
    struct note_state next = s->state;
    IpcReservation space;
    IpcStatus status = reserve(out, size, &space, ns);

    if (status != IPC_OK)
        return result_of(status);
    memcpy(space.payload, payload, size);
    next.before = s->state.offset;
    next.offset = offset;
    next.position = space.offset;
    note_write(&out->note, s->place, &next);
    /* From here on a successor finds out by itself: see region_judge(). */
    status = ipc_channel_commit(out->channel, &space, size).ipc_status;
    if (status != IPC_OK)
        return result_of(status);
    s->state = next;
    return OUTLET_DONE;
}

void outlet_settle(struct outlet *out, struct outlet_stream *s)
{
    s->state.before = s->state.offset;
    s->state.position = NOTE_NONE;
    note_write(&out->note, s->place, &s->state);
}
