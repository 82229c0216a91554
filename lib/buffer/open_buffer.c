/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_open.h for buffers.
 */
#include "answer.h"
#include "buffer/open_buffer.h"
#include "buffer/handle.h"
#include "buffer/handle_options.h"
#include "place/options.h"
#include "place/place.h"
#include <shmipc/ipc_subscribe.h>
#include <stdlib.h>

struct opener {
    IpcBuffer *buffer;
    const IpcChannelConfiguration *configuration;
    int64_t value; /* for the error's body */
};

IpcBufferOptions open_buffer_options(const IpcChannelConfiguration *c, int fd)
{
    return (IpcBufferOptions){
        .struct_size = sizeof(IpcBufferOptions),
        .flags = c->flags | IPC_BUFFER_HAS_MEMORY_FD,
        .max_owners = c->max_owners,
        .max_subscribers = c->max_subscribers,
        .memory_fd = fd,
    };
}

/* Subscribers come on top, the default number of a large one. */
uint64_t open_buffer_size(const IpcOpenOptions *taken)
{
    const IpcChannelConfiguration *c = &taken->configuration;
    uint64_t size = ipc_buffer_align_size(options_capacity(taken));
    uint64_t more = c->max_subscribers ? c->max_subscribers
                                       : SHMIPC_SUBSCRIBERS_DEFAULT_MAX;

    if (!(c->flags & IPC_BUFFER_BROADCAST))
        return size;
    more *= IPC_SUBSCRIBER_SIZE;
    return size > SIZE_MAX - more ? UINT64_MAX : size + more;
}

static IpcStatus create(void *user, void *memory, size_t size, int fd,
                        bool is_zero, const char **detail)
{
    struct opener *o = user;
    IpcBufferOptions options = open_buffer_options(o->configuration, fd);
    IpcBufferCreateError body = {0};
    IpcStatus status = handle_create(o->buffer, memory, size, is_zero, &options,
                                     &body, detail);

    o->value = body.value;
    return status;
}

static IpcStatus join(void *user, void *memory, size_t size, int fd,
                      const char **detail)
{
    struct opener *o = user;
    uint64_t needed;
    IpcStatus status =
        handle_attach(o->buffer, memory, size, false, &needed, detail);

    if (status == IPC_OK)
        status = handle_check_backing(o->buffer, memory, fd, detail);
    return status;
}

static void leave(void *user)
{
    struct opener *o = user;

    handle_close(o->buffer);
}

IpcStatus open_buffer_check(const char *name, const IpcOpenOptions *options,
                            IpcOpenOptions *taken, const char **detail,
                            int64_t *value)
{
    IpcBufferOptions buffer;
    IpcStatus status = options_take(options, taken, detail, value);

    if (status == IPC_OK)
        status = options_check_name(name, taken->flags, detail);
    if (status != IPC_OK)
        return status;
    buffer = open_buffer_options(&taken->configuration, 0);
    *value = taken->configuration.flags;
    *detail = "flags (error.body.value) has IPC_BUFFER_HAS_MEMORY_FD: what is "
              "opened by its name needs no descriptor";
    if (taken->configuration.flags & IPC_BUFFER_HAS_MEMORY_FD ||
        !handle_options_are_known(&buffer, detail, value))
        return IPC_ERR_INVALID_ARGUMENT;
    *value = taken->configuration.flags;
    *detail = "flags (error.body.value) has IPC_BUFFER_RECREATE: what is there "
              "is never formatted anew by its name; unlink it first, or, for "
              "what the dead left, open with IPC_OPEN_REPLACE_DEAD";
    if (taken->configuration.flags & IPC_BUFFER_RECREATE)
        return IPC_ERR_INVALID_ARGUMENT;
    *detail = "flags (error.body.value) has IPC_BUFFER_ZEROED: open knows "
              "itself what is zero in a file";
    if (taken->configuration.flags & IPC_BUFFER_ZEROED)
        return IPC_ERR_INVALID_ARGUMENT;
    *value = 0;
    return IPC_OK;
}

IpcBufferOpenResult ipc_buffer_open(const char *name,
                                    const IpcOpenOptions *options)
{
    IpcOpenError body = {0};
    IpcOpenOptions taken;
    struct opener opener = {.configuration = &taken.configuration};
    struct place_use use = {create, join, leave, &opener, 0};
    struct place *place;
    const char *detail;
    IpcStatus status =
        open_buffer_check(name, options, &taken, &detail, &body.value);

    if (status != IPC_OK)
        return IpcBufferOpenResult_error_body(status, detail, body);
    opener.buffer = malloc(sizeof *opener.buffer);
    if (!opener.buffer)
        return IpcBufferOpenResult_error_body(
            IPC_ERR_ALLOCATION, handle_attach_detail(IPC_ERR_ALLOCATION), body);
    use.size = open_buffer_size(&taken);
    status = place_open(name, &taken, &use, &place, &body, &detail);
    if (status != IPC_OK) {
        free(opener.buffer);
        if (opener.value)
            body.value = opener.value;
        return IpcBufferOpenResult_error_body(status, detail, body);
    }
    opener.buffer->place = place;
    return IpcBufferOpenResult_ok(IPC_OK, opener.buffer);
}

bool ipc_buffer_created(const IpcBuffer *buffer)
{
    return buffer && buffer->place && buffer->place->created;
}

IpcBufferUnlinkResult ipc_buffer_unlink(const char *name)
{
    IpcOpenError body = {0};
    const char *detail = NULL;
    IpcStatus status = place_unlink(name, &body, &detail);

    return ANSWER(IpcBufferUnlinkResult, status, detail, body);
}
