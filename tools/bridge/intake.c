/* SPDX-License-Identifier: MIT */
#include "bridge/intake.h"
#include "bridge/ticks.h"
#include "join.h"
#include <stdlib.h>

enum { TAP_ROOM = 64 << 10 };

/* -------------------------------------------------------------------- open */

static const char *open_channel(IpcChannel **channel, const char *name,
                                const IpcOpenOptions *options)
{
    IpcChannelOpenResult r = join_try(name, options);

    if (r.ipc_status != IPC_OK)
        return r.error.detail;
    *channel = r.result;
    return NULL;
}

static const char *subscribe(IpcChannel *channel)
{
    const IpcSubscription how = {.struct_size = sizeof how,
                                 .from = IPC_SUBSCRIBE_FROM_OLDEST};
    IpcChannelSubscribeResult r = ipc_channel_subscribe(channel, &how);

    return r.ipc_status == IPC_OK ? NULL : r.error.detail;
}

/* The holder first: what it holds nobody overwrites. */
static const char *open_subscriber(struct intake *in, const char *name,
                                   const IpcOpenOptions *options)
{
    const char *wrong = open_channel(&in->holder, name, options);

    if (!wrong)
        wrong = subscribe(in->holder);
    if (!wrong)
        wrong = subscribe(in->channel);
    return wrong;
}

static const char *open_tap(struct intake *in, const char *name,
                            const char *path)
{
    const IpcTapOptions options = {.struct_size = sizeof options,
                                   .flags = IPC_OPEN_PATH,
                                   .start = IPC_TAP_OLDEST,
                                   .after_lag = IPC_TAP_OLDEST};
    IpcTapOpenResult r = ipc_tap_open(path, &options);

    (void)name;
    if (r.ipc_status != IPC_OK)
        return r.error.detail;
    in->tap = r.result;
    in->room = TAP_ROOM;
    in->memory = malloc(in->room);
    return in->memory ? NULL : "there is no memory";
}

static enum intake_kind kind_of(const struct ring *ring)
{
    if (ring->subscriber_count > 0)
        return INTAKE_SUBSCRIBER;
    return ring->one_consumer ? INTAKE_QUEUE : INTAKE_PLAIN;
}

static const char *open_all(struct intake *in, const char *name,
                            const char *path, const IpcOpenOptions *options,
                            bool is_lossy)
{
    const char *wrong = is_lossy ? open_tap(in, name, path)
                                 : open_channel(&in->channel, name, options);

    if (!wrong)
        wrong = region_open(&in->region, path);
    if (wrong)
        return wrong;
    in->kind = is_lossy ? INTAKE_TAP : kind_of(&in->region.ring);
    if (!is_lossy && in->region.ring.holders)
        return "it is a work queue, whose entries are for many: make it for "
               "one consumer or for subscribers, or look on with --lossy";
    return in->kind == INTAKE_SUBSCRIBER ? open_subscriber(in, name, options)
                                         : NULL;
}

const char *intake_open(struct intake *in, const char *name, const char *path,
                        const IpcOpenOptions *options, bool is_lossy)
{
    const char *wrong;

    *in = (struct intake){0};
    wrong = open_all(in, name, path, options, is_lossy);
    if (wrong)
        intake_close(in);
    return wrong;
}

void intake_close(struct intake *in)
{
    if (in->tap)
        ipc_tap_destroy(in->tap);
    if (in->channel)
        ipc_channel_destroy(in->channel);
    if (in->holder)
        ipc_channel_destroy(in->holder);
    region_close(&in->region);
    free(in->memory);
    *in = (struct intake){0};
}

/* -------------------------------------------------------------------- read */

static enum intake_result result_of(IpcStatus status)
{
    switch (status) {
    case IPC_OK:
        return INTAKE_ENTRY;
    case IPC_EMPTY:
    case IPC_ERR_NOT_READY:
    case IPC_ERR_LOCKED:
    case IPC_ERR_TIMEOUT:
    case IPC_ERR_INTERRUPTED:
    case IPC_ERR_INITIALIZING:
        return INTAKE_EMPTY;
    case IPC_ERR_CLOSED:
        return INTAKE_CLOSED;
    case IPC_ERR_FORMATTED_ANEW:
        return INTAKE_GONE;
    default:
        return INTAKE_FAILED;
    }
}

static IpcStatus peek(IpcChannel *channel, IpcEntry *entry, uint64_t ns)
{
    struct timespec span = ticks_span(ns);

    if (ns == 0)
        return ipc_channel_peek(channel, entry).ipc_status;
    return ipc_channel_peek_with_timeout(channel, entry, &span).ipc_status;
}

static IpcStatus read_ahead(IpcChannel *channel, IpcEntry *entry, uint64_t ns)
{
    struct timespec span = ticks_span(ns);

    if (ns == 0)
        return ipc_channel_try_read_ahead(channel, entry).ipc_status;
    return ipc_channel_read_ahead_with_timeout(channel, entry, &span)
        .ipc_status;
}

/* The reader goes on at once, and the holder keeps the entry where it is. */
static IpcStatus next_of_subscriber(struct intake *in, IpcEntry *entry,
                                    uint64_t ns)
{
    IpcStatus status = peek(in->channel, entry, ns);

    return status == IPC_OK
               ? ipc_channel_skip(in->channel, entry->offset).ipc_status
               : status;
}

static IpcStatus next_of_plain(struct intake *in, IpcEntry *entry, uint64_t ns)
{
    IpcStatus status;

    if (in->is_out)
        return IPC_EMPTY;
    status = peek(in->channel, entry, ns);
    in->is_out = status == IPC_OK;
    return status;
}

static IpcStatus next_of_tap(struct intake *in, IpcEntry *entry, uint64_t ns)
{
    for (;;) {
        IpcEntry e = {0, in->memory, in->room};
        IpcTapReadResult r = ipc_tap_read_with_timeout(in->tap, &e, ns);
        void *larger;

        if (r.ipc_status == IPC_ERR_LAGGED) {
            in->lost += r.error.body.lost;
        } else if (r.ipc_status != IPC_ERR_TOO_SMALL) {
            *entry = e;
            return r.ipc_status;
        } else {
            larger = realloc(in->memory, r.error.body.required_size);
            if (!larger)
                return IPC_ERR_ALLOCATION;
            in->memory = larger;
            in->room = r.error.body.required_size;
        }
    }
}

enum intake_result intake_next(struct intake *in, IpcEntry *entry, uint64_t ns)
{
    switch (in->kind) {
    case INTAKE_QUEUE:
        return result_of(read_ahead(in->channel, entry, ns));
    case INTAKE_SUBSCRIBER:
        return result_of(next_of_subscriber(in, entry, ns));
    case INTAKE_PLAIN:
        return result_of(next_of_plain(in, entry, ns));
    case INTAKE_TAP:
        return result_of(next_of_tap(in, entry, ns));
    }
    return INTAKE_FAILED;
}

/* ----------------------------------------------------------------- release */

static void release_holder(struct intake *in, uint64_t offset)
{
    IpcEntry entry;

    while (ipc_channel_peek(in->holder, &entry).ipc_status == IPC_OK &&
           entry.offset <= offset &&
           ipc_channel_skip(in->holder, entry.offset).ipc_status == IPC_OK)
        ;
}

void intake_release(struct intake *in, uint64_t offset)
{
    switch (in->kind) {
    case INTAKE_QUEUE:
        /* It fails only where the channel is gone, which reads will tell. */
        (void)ipc_channel_acknowledge(in->channel, offset).ipc_status;
        break;
    case INTAKE_SUBSCRIBER:
        release_holder(in, offset);
        break;
    case INTAKE_PLAIN:
        if (in->is_out)
            (void)ipc_channel_skip(in->channel, offset).ipc_status;
        in->is_out = false;
        break;
    case INTAKE_TAP:
        break;
    }
}

/* Subscribes anew, from the oldest on, which is not behind the holder, and goes
 * on to the entry. */
static void rewind_subscriber(struct intake *in, uint64_t offset)
{
    IpcEntry entry;

    (void)ipc_channel_unsubscribe(in->channel).ipc_status;
    if (subscribe(in->channel))
        return; /* the next read says so */
    while (ipc_channel_peek(in->channel, &entry).ipc_status == IPC_OK &&
           entry.offset < offset)
        (void)ipc_channel_skip(in->channel, entry.offset).ipc_status;
}

void intake_rewind(struct intake *in, uint64_t offset)
{
    switch (in->kind) {
    case INTAKE_QUEUE:
        (void)ipc_channel_give_back(in->channel, offset).ipc_status;
        break;
    case INTAKE_SUBSCRIBER:
        rewind_subscriber(in, offset);
        break;
    case INTAKE_PLAIN:
        in->is_out = false;
        break;
    case INTAKE_TAP:
        break;
    }
}

bool intake_is_short(const struct intake *in, unsigned parts)
{
    const struct ring *r = &in->region.ring;
    uint64_t lag, end;

    if (in->kind == INTAKE_PLAIN || in->kind == INTAKE_TAP)
        return in->is_out;
    intake_measure(in, &lag, &end);
    return lag > (uint64_t)r->block_count * SHMIPC_BLOCK / parts;
}

void intake_measure(const struct intake *in, uint64_t *lag, uint64_t *end)
{
    IpcBufferStats stats = {.struct_size = sizeof stats};
    IpcTapInfo info = {.struct_size = sizeof info};
    IpcEntry entry;

    *lag = *end = 0;
    if (in->kind == INTAKE_TAP &&
        ipc_tap_stats(in->tap, &info).ipc_status == IPC_OK) {
        *lag = info.lag;
        *end = info.offset + info.lag;
    } else if (in->channel &&
               ipc_channel_stats(in->channel, &stats).ipc_status == IPC_OK) {
        *end = stats.tail_offset;
        *lag = stats.used;
        if (in->kind == INTAKE_SUBSCRIBER)
            *lag = ipc_channel_peek(in->holder, &entry).ipc_status == IPC_OK
                       ? *end - entry.offset
                       : 0;
    }
}
