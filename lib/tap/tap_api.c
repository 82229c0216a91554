/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_tap.h.
 */
#include "answer.h"
#include "buffer/handle.h"
#include "cancel.h"
#include "channel/channel.h"
#include "grow.h"
#include "ring/format.h"
#include "tap/source.h"
#include "tap/tap.h"
#include "wait/clock.h"
#include <stdlib.h>
#include <string.h>

ANSWER_NOTHING(IpcTapSkipResult, uint64_t)

enum {
    TAP_FIRST_PAUSE_NS = 20000,
    TAP_LAST_PAUSE_NS = 1000000,
};

#define OPEN_FLAGS (IPC_OPEN_PATH | IPC_OPEN_ANY_OWNER)

_Static_assert((int)IPC_TAP_OLDEST == FOLLOW_OLDEST &&
                   (int)IPC_TAP_NEWEST == FOLLOW_NEWEST &&
                   (int)IPC_TAP_NOW == FOLLOW_NOW,
               "taken as they are");

static const char no_tap[] = "tap is NULL: pass what opening it has returned";

static IpcStatus refuse(const char **detail, IpcStatus status, const char *why)
{
    *detail = why;
    return status;
}

/* ---------------------------------------------------------------- opening */

/* What is wrong with the options, or NULL. */
static const char *blame_options(const IpcTapOptions *o, uint32_t flags)
{
    if (!grow_fits(o, sizeof *o))
        return "options.struct_size is not sizeof(IpcTapOptions), or of newer "
               "headers with something set that this library does not know: "
               "set it, and zero the rest";
    if (o->flags & ~flags)
        return flags ? "options.flags has one that is not for taps: "
                       "IPC_OPEN_PATH and IPC_OPEN_ANY_OWNER are"
                     : "options.flags is not 0: flags are for ipc_tap_open";
    if (o->start > IPC_TAP_NOW || o->after_lag > IPC_TAP_NOW)
        return "options.start or options.after_lag is no IpcTapStart: set one "
               "of IPC_TAP_OLDEST, IPC_TAP_NEWEST and IPC_TAP_NOW";
    for (size_t i = 0; i < sizeof o->reserved / sizeof o->reserved[0]; i++)
        if (o->reserved[i])
            return "options.reserved is not zero: zero what you do not set";
    return o->reserved32 ? "options.reserved32 is not zero: zero what you do "
                           "not set"
                         : NULL;
}

/* Attaches a tap that was allocated. */
static IpcStatus attach(struct IpcTap *tap, const void *mem, size_t size,
                        const IpcTapOptions *options, uint64_t *needed,
                        const char **detail)
{
    /* Nothing is stored there. */
    void *region = (void *)(uintptr_t)mem; /* NOLINT(*-no-int-to-ptr) */
    IpcStatus status = format_open(region, size, &tap->ring, needed);

    if (status != IPC_OK)
        return refuse(detail, status, handle_attach_detail(status));
    if (!ATOMIC_KEEPS_ORDER && !tap->ring.has_taps)
        return refuse(detail, IPC_ERR_UNSUPPORTED,
                      "on this kind of machine only what was created with "
                      "IPC_BUFFER_TAPS can be tapped: create it so");
    tap->follower.ring = &tap->ring;
    tap->after_lag =
        options ? (enum follow_start)options->after_lag : FOLLOW_OLDEST;
    if (!follow_start(&tap->follower, options
                                          ? (enum follow_start)options->start
                                          : FOLLOW_OLDEST))
        return refuse(detail, IPC_ERR_CORRUPTED,
                      "the ends of the ring cannot be true: the memory was "
                      "damaged");
    return IPC_OK;
}

/* `creation` is what the memory has to hold, or 0. */
static IpcTapAttachResult tap_memory(const void *mem, size_t size,
                                     const IpcTapOptions *options,
                                     uint64_t creation)
{
    IpcTapError body = {0};
    const char *detail = options ? blame_options(options, 0) : NULL;
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;
    IpcTap *tap;

    if (!mem || size == 0)
        detail = mem ? "size is 0: pass the number of bytes mapped at mem"
                     : "mem is NULL: pass the memory that create was given";
    if (detail)
        return IpcTapAttachResult_error(status, detail);
    tap = calloc(1, sizeof *tap);
    if (!tap)
        return IpcTapAttachResult_error(
            IPC_ERR_ALLOCATION, handle_attach_detail(IPC_ERR_ALLOCATION));
    status = attach(tap, mem, size, options, &body.min_size, &detail);
    if (creation && (status == IPC_ERR_INITIALIZING ||
                     (status == IPC_OK && tap->ring.creation != creation)))
        status = refuse(&detail, IPC_ERR_FORMATTED_ANEW, handle_formatted_anew);
    if (status == IPC_OK)
        return IpcTapAttachResult_ok(IPC_OK, tap);
    free(tap);
    return IpcTapAttachResult_error_body(status, detail, body);
}

IpcTapAttachResult ipc_tap_attach(const void *mem, size_t size,
                                  const IpcTapOptions *options)
{
    return tap_memory(mem, size, options, 0);
}

IpcTapAttachResult ipc_tap_attach_buffer(const IpcBuffer *buffer,
                                         const IpcTapOptions *options)
{
    if (!buffer)
        return IpcTapAttachResult_error(IPC_ERR_INVALID_ARGUMENT,
                                        "the handle is NULL: pass that of a "
                                        "buffer or channel");
    return tap_memory(buffer->region, (size_t)buffer->region_size, options,
                      buffer->ring.creation);
}

IpcTapAttachResult ipc_tap_attach_channel(const IpcChannel *channel,
                                          const IpcTapOptions *options)
{
    return ipc_tap_attach_buffer(channel ? &channel->buffer : NULL, options);
}

static IpcStatus open_name(struct IpcTap *tap, const char *name,
                           const IpcTapOptions *options, IpcOpenError *body,
                           const char **detail)
{
    uint64_t needed;
    IpcStatus status = source_map(name, options ? options->flags : 0,
                                  &tap->memory, &tap->size, body, detail);

    if (status == IPC_OK)
        status = attach(tap, tap->memory, tap->size, options, &needed, detail);
    if (status == IPC_ERR_LAYOUT_VERSION) {
        const struct shm_identity *id = tap->memory;

        body->layout_version =
            id->magic == SHMIPC_MAGIC ? id->layout_version : 0;
    }
    if (status != IPC_OK)
        source_unmap(tap->memory, tap->size);
    return status;
}

IpcTapOpenResult ipc_tap_open(const char *name, const IpcTapOptions *options)
{
    IpcOpenError body = {0};
    const char *detail = options ? blame_options(options, OPEN_FLAGS) : NULL;
    IpcStatus status;
    IpcTap *tap;

    if (detail)
        return IpcTapOpenResult_error(IPC_ERR_INVALID_ARGUMENT, detail);
    tap = calloc(1, sizeof *tap);
    if (!tap)
        return IpcTapOpenResult_error(IPC_ERR_ALLOCATION,
                                      handle_attach_detail(IPC_ERR_ALLOCATION));
    status = open_name(tap, name, options, &body, &detail);
    if (status == IPC_OK)
        return IpcTapOpenResult_ok(IPC_OK, tap);
    free(tap);
    return IpcTapOpenResult_error_body(status, detail, body);
}

IpcTapDestroyResult ipc_tap_destroy(IpcTap *tap)
{
    if (!tap)
        return IpcTapDestroyResult_error(IPC_ERR_INVALID_ARGUMENT, no_tap);
    source_unmap(tap->memory, tap->size);
    free(tap);
    return IpcTapDestroyResult_ok(IPC_OK);
}

/* ---------------------------------------------------------------- reading */

static IpcStatus status_of(const struct IpcTap *tap, enum follow found)
{
    switch (found) {
    case FOLLOW_ENTRY:
        return IPC_OK;
    case FOLLOW_NOTHING:
        return follow_is_closed(&tap->follower) ? IPC_ERR_CLOSED : IPC_EMPTY;
    case FOLLOW_CLAIMED:
    case FOLLOW_BUSY:
        return IPC_ERR_NOT_READY;
    case FOLLOW_SMALL:
        return IPC_ERR_TOO_SMALL;
    case FOLLOW_OVERRUN:
        return IPC_ERR_LAGGED;
    case FOLLOW_ANEW:
        return IPC_ERR_FORMATTED_ANEW;
    case FOLLOW_DAMAGE:
        break;
    }
    return IPC_ERR_CORRUPTED;
}

static const char *detail_of(IpcStatus status)
{
    switch (status) {
    case IPC_ERR_NOT_READY:
        return "the next entry is being written, by error.body.owner_pid (0: "
               "not known): if that process is stopped or dead, go past it "
               "with ipc_tap_skip";
    case IPC_ERR_TOO_SMALL:
        return "the entry needs error.body.required_size bytes: read again "
               "with more";
    case IPC_ERR_LAGGED:
        return "error.body.lost bytes were overwritten before the tap came to "
               "them: read on, more often, or create a larger buffer";
    case IPC_ERR_CLOSED:
        return "the channel was closed: nothing more is to come";
    case IPC_ERR_FORMATTED_ANEW:
        return handle_formatted_anew;
    case IPC_ERR_TIMEOUT:
        return "the deadline passed before there was an entry";
    default:
        return "tail, head or a control word cannot be true: the memory was "
               "damaged; ipc_tap_skip may find where it is not";
    }
}

/* True: it has caught up, and rested. */
static bool has_rested(struct IpcTap *tap, enum follow found)
{
    uint64_t run = tap->run;

    if (found != FOLLOW_NOTHING && found != FOLLOW_CLAIMED &&
        found != FOLLOW_BUSY)
        return false;
    tap->run = 0;
    return manners_rest(&tap->manners, run, tap->ring.block_count);
}

static IpcStatus read_once(struct IpcTap *tap, IpcEntry *dest,
                           IpcTapError *body)
{
    struct view view = {0};
    enum follow found;

    do
        found = follow_next(&tap->follower, dest->payload, dest->size,
                            tap->after_lag, &view, &body->lost);
    while (has_rested(tap, found));
    if (found == FOLLOW_ENTRY) {
        tap->run++;
        dest->offset = take_offset(&tap->ring, &view);
        dest->size = view.size;
        return IPC_OK;
    }
    if (found == FOLLOW_OVERRUN)
        tap->lost += body->lost;
    if (found == FOLLOW_SMALL)
        body->required_size = view.size;
    if (found == FOLLOW_BUSY)
        body->owner_pid =
            (int32_t)owner_pid(&tap->ring.owners, control_value(view.word));
    body->offset = tap->follower.offset;
    return status_of(tap, found);
}

static const char *blame_read(const IpcTap *tap, const IpcEntry *dest)
{
    if (!tap)
        return no_tap;
    if (!dest)
        return "dest is NULL: pass an entry to be filled";
    return dest->payload ? NULL
                         : "dest->payload is NULL: pass memory, and its size "
                           "in dest->size";
}

IpcTapReadResult ipc_tap_read(IpcTap *tap, IpcEntry *dest)
{
    const char *blame = blame_read(tap, dest);
    IpcTapError body = {0};
    IpcStatus status;

    if (blame)
        return IpcTapReadResult_error(IPC_ERR_INVALID_ARGUMENT, blame);
    status = read_once(tap, dest, &body);
    return ANSWER_LOOK(IpcTapReadResult, status, detail_of(status), body);
}

static bool is_worth_waiting(IpcStatus status)
{
    return status == IPC_EMPTY || status == IPC_ERR_NOT_READY;
}

IpcTapReadResult ipc_tap_read_with_timeout(IpcTap *tap, IpcEntry *dest,
                                           uint64_t timeout_ns)
{
    const char *blame = blame_read(tap, dest);
    int64_t pause = TAP_FIRST_PAUSE_NS;
    IpcTapError body = {0};
    int64_t deadline;
    IpcStatus status;

    if (blame)
        return IpcTapReadResult_error(IPC_ERR_INVALID_ARGUMENT, blame);
    status = read_once(tap, dest, &body);
    if (is_worth_waiting(status)) {
        int state = cancel_disable();

        deadline = timeout_ns > INT64_MAX ? INT64_MAX
                                          : clock_after((int64_t)timeout_ns);
        while (is_worth_waiting(status) && !clock_is_past(deadline)) {
            clock_sleep_until(clock_earlier(clock_after(pause), deadline));
            pause =
                pause * 2 < TAP_LAST_PAUSE_NS ? pause * 2 : TAP_LAST_PAUSE_NS;
            status = read_once(tap, dest, &body);
        }
        cancel_restore(state);
    }
    if (status == IPC_EMPTY)
        status = IPC_ERR_TIMEOUT;
    return ANSWER_LOOK(IpcTapReadResult, status, detail_of(status), body);
}

/* ------------------------------------------------------------- its position */

IpcTapSkipResult ipc_tap_skip(IpcTap *tap)
{
    IpcTapError body = {0};
    uint64_t passed = 0;
    enum follow found;
    IpcStatus status;

    if (!tap)
        return IpcTapSkipResult_error(IPC_ERR_INVALID_ARGUMENT, no_tap);
    found = follow_pass(&tap->follower, tap->after_lag, &passed);
    if (found == FOLLOW_OVERRUN) {
        body.lost = passed;
        tap->lost += passed;
    }
    body.offset = tap->follower.offset;
    status = status_of(tap, found);
    return ANSWER_LOOK_WITH(IpcTapSkipResult, status, passed, detail_of(status),
                            body);
}

IpcTapSeekResult ipc_tap_seek(IpcTap *tap, IpcTapStart start)
{
    if (!tap)
        return IpcTapSeekResult_error(IPC_ERR_INVALID_ARGUMENT, no_tap);
    if ((unsigned)start > IPC_TAP_NOW)
        return IpcTapSeekResult_error(
            IPC_ERR_INVALID_ARGUMENT,
            "start is no IpcTapStart: pass one of IPC_TAP_OLDEST, "
            "IPC_TAP_NEWEST and IPC_TAP_NOW");
    if (creation_is_over(&tap->ring))
        return IpcTapSeekResult_error(IPC_ERR_FORMATTED_ANEW,
                                      detail_of(IPC_ERR_FORMATTED_ANEW));
    tap->follower.lead = 0;
    return follow_start(&tap->follower, (enum follow_start)start)
               ? IpcTapSeekResult_ok(IPC_OK)
               : IpcTapSeekResult_error(IPC_ERR_CORRUPTED,
                                        detail_of(IPC_ERR_CORRUPTED));
}

static void describe(const struct IpcTap *tap, IpcTapInfo *info)
{
    const struct ring *r = &tap->ring;

    info->offset = tap->follower.offset;
    info->lag = follow_lag(&tap->follower);
    info->lost = tap->lost;
    info->capacity = (uint64_t)r->block_count * SHMIPC_BLOCK;
    info->max_entry_size =
        info->capacity < SHMIPC_ENTRY_MAX ? info->capacity : SHMIPC_ENTRY_MAX;
    info->flags = handle_flags_of(r);
    info->is_exact = !r->one_producer || r->has_taps;
}

IpcTapStatsResult ipc_tap_stats(const IpcTap *tap, IpcTapInfo *dest)
{
    IpcTapInfo info = {0};
    size_t room;

    if (!tap || !dest)
        return IpcTapStatsResult_error(IPC_ERR_INVALID_ARGUMENT,
                                       tap ? "dest is NULL: pass an IpcTapInfo "
                                             "with its struct_size set"
                                           : no_tap);
    room = dest->struct_size;
    if (room < sizeof info)
        return IpcTapStatsResult_error_body(
            IPC_ERR_TOO_SMALL,
            "struct_size is too small: set it to sizeof(IpcTapInfo)",
            ((IpcTapError){.required_size = sizeof info}));
    if (creation_is_over(&tap->ring))
        return IpcTapStatsResult_error(IPC_ERR_FORMATTED_ANEW,
                                       detail_of(IPC_ERR_FORMATTED_ANEW));
    describe(tap, &info);
    info.struct_size = room;
    memcpy(dest, &info, sizeof info);
    memset((unsigned char *)dest + sizeof info, 0, room - sizeof info);
    return IpcTapStatsResult_ok(IPC_OK);
}
