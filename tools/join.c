/* SPDX-License-Identifier: MIT */
#include "join.h"
#include "command.h"
#include "segment.h"
#include "stop.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

IpcOpenOptions join_defaults(void)
{
    return (IpcOpenOptions){.struct_size = sizeof(IpcOpenOptions)};
}

static int code_of(IpcStatus status)
{
    switch (status) {
    case IPC_ERR_INVALID_ARGUMENT:
        return COMMAND_USAGE;
    case IPC_ERR_NOT_FOUND:
        return COMMAND_NO_SUCH;
    case IPC_ERR_EXISTS:
        return COMMAND_REFUSED;
    default:
        return COMMAND_FAILED;
    }
}

/* In the words of a command line, where the library speaks of its flags. */
static const char *detail_of(const IpcChannelOpenResult *r)
{
    switch (r->ipc_status) {
    case IPC_ERR_NOT_FOUND:
        return "there is no such channel";
    case IPC_ERR_EXISTS:
        return "there is one already: see --if-missing and --replace-dead, or "
               "`shmipc rm`";
    default:
        return r->error.detail;
    }
}

/* The numbers that the library's texts refer to. */
static void complain_of_body(const char *name, const IpcChannelOpenResult *r)
{
    const IpcOpenError *body = &r->error.body;
    char number[24];

    if (!r->error.has_body)
        return;
    if (r->ipc_status == IPC_ERR_LAYOUT_VERSION)
        command_complain("%s: its layout version is %u, and that of this "
                         "shmipc %u",
                         name, (unsigned)body->layout_version,
                         (unsigned)body->own_layout_version);
    else if (body->mode &&
             (body->sys_errno == EPERM || body->sys_errno == EACCES))
        command_complain("%s: its owner is %s, its mode %04o", name,
                         segment_owner(body->owner, number),
                         (unsigned)body->mode);
    else if (body->value)
        command_complain("%s: error.body.value is %lld", name,
                         (long long)body->value);
}

static int complain(const char *name, const IpcChannelOpenResult *r)
{
    const int error = r->error.has_body ? r->error.body.sys_errno : 0;
    const bool known = code_of(r->ipc_status) == COMMAND_NO_SUCH;

    command_complain("%s: %s%s%s", *name ? name : "\"\"", detail_of(r),
                     error && !known ? ": " : "",
                     error && !known ? strerror(error) : "");
    complain_of_body(name, r);
    return code_of(r->ipc_status);
}

static bool find_file(const char *name, struct stat *file)
{
    char *path = segment_path(name);
    bool found = path && stat(path, file) == 0;

    free(path);
    return found;
}

IpcChannelOpenResult join_try(const char *name, const IpcOpenOptions *options)
{
    IpcOpenOptions mine = *options;

    if (*name && strchr(name + 1, '/'))
        mine.flags |= IPC_OPEN_PATH;
    return ipc_channel_open(name, &mine);
}

int join_open(struct join *join, const char *name,
              const IpcOpenOptions *options)
{
    IpcChannelOpenResult opened = join_try(name, options);
    IpcBufferStats stats = {.struct_size = sizeof stats};
    struct stat file = {0};

    if (opened.ipc_status != IPC_OK)
        return complain(name, &opened);
    /* It fails for no handle that was opened. */
    (void)ipc_channel_stats(opened.result, &stats);
    (void)find_file(name, &file);
    *join = (struct join){
        .channel = opened.result,
        .largest = ipc_channel_max_entry_size(opened.result),
        .one_producer = stats.flags & IPC_BUFFER_ONE_PRODUCER,
        .one_consumer = stats.flags & IPC_BUFFER_ONE_CONSUMER,
        .broadcast = stats.flags & IPC_BUFFER_BROADCAST,
        .device = file.st_dev,
        .inode = file.st_ino,
    };
    stop_interrupts(join->channel);
    return COMMAND_OK;
}

void join_leave(struct join *join)
{
    stop_interrupts(NULL);
    ipc_channel_destroy(join->channel);
    join->channel = NULL;
}

bool join_is_outdated(const struct join *join, const char *name)
{
    struct stat file;

    return find_file(name, &file) &&
           (file.st_dev != join->device || file.st_ino != join->inode);
}
