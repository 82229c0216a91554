/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_open.h for channels.
 */
#include "answer.h"
#include "buffer/open_buffer.h"
#include "channel/channel.h"
#include "place/options.h"
#include "place/place.h"
#include <stdlib.h>

struct opener {
    IpcChannel *channel;
    IpcChannelConfiguration configuration;
    bool configured; /* and neither made nor joined since */
    int64_t value;   /* for the error's body */
};

static IpcStatus configure(struct opener *o, const char **detail)
{
    IpcStatus status = o->configured
                           ? IPC_OK
                           : channel_configure(o->channel, &o->configuration,
                                               detail, &o->value);

    o->configured = false;
    return status;
}

static IpcStatus create(void *user, void *memory, size_t size, int fd,
                        bool is_zero, const char **detail)
{
    struct opener *o = user;
    IpcBufferOptions options = open_buffer_options(&o->configuration, fd);
    IpcBufferCreateError body = {0};
    IpcStatus status = configure(o, detail);

    if (status == IPC_OK)
        status = channel_create(o->channel, memory, size, is_zero, &options,
                                &body, detail);
    o->value = body.value;
    return status;
}

static IpcStatus join(void *user, void *memory, size_t size, int fd,
                      const char **detail)
{
    struct opener *o = user;
    uint64_t needed;
    IpcStatus status = configure(o, detail);

    if (status == IPC_OK)
        status = channel_join(o->channel, memory, size, &fd, &needed, detail);
    return status;
}

static void leave(void *user)
{
    struct opener *o = user;

    channel_leave(o->channel);
}

/* What is wrong with the configuration is found out before anything is made. */
static IpcStatus check(const char *name, const IpcOpenOptions *options,
                       IpcOpenOptions *taken, struct opener *o,
                       const char **detail)
{
    IpcStatus status =
        open_buffer_check(name, options, taken, detail, &o->value);

    if (status != IPC_OK)
        return status;
    o->configuration = taken->configuration;
    return configure(o, detail);
}

static IpcStatus open_name(struct opener *o, const char *name,
                           const IpcOpenOptions *options, IpcOpenError *body,
                           const char **detail)
{
    struct place_use use = {create, join, leave, o, 0};
    IpcOpenOptions taken;
    struct place *place;
    IpcStatus status = check(name, options, &taken, o, detail);

    if (status != IPC_OK)
        return status;
    o->configured = true;
    use.size = open_buffer_size(&taken);
    status = place_open(name, &taken, &use, &place, body, detail);
    if (status == IPC_OK)
        o->channel->buffer.place = place;
    else if (o->configured)
        wait_close(&o->channel->waiter);
    return status;
}

IpcChannelOpenResult ipc_channel_open(const char *name,
                                      const IpcOpenOptions *options)
{
    IpcOpenError body = {0};
    struct opener opener = {.channel = malloc(sizeof *opener.channel)};
    const char *detail;
    IpcStatus status;

    if (!opener.channel)
        return IpcChannelOpenResult_error_body(
            IPC_ERR_ALLOCATION, handle_attach_detail(IPC_ERR_ALLOCATION), body);
    status = open_name(&opener, name, options, &body, &detail);
    if (status == IPC_OK)
        return IpcChannelOpenResult_ok(IPC_OK, opener.channel);
    free(opener.channel);
    if (opener.value)
        body.value = opener.value;
    return IpcChannelOpenResult_error_body(status, detail, body);
}

bool ipc_channel_created(const IpcChannel *channel)
{
    return channel && ipc_buffer_created(&channel->buffer);
}

IpcChannelUnlinkResult ipc_channel_unlink(const char *name)
{
    IpcOpenError body = {0};
    const char *detail = NULL;
    IpcStatus status = place_unlink(name, &body, &detail);

    return ANSWER(IpcChannelUnlinkResult, status, detail, body);
}
