/* SPDX-License-Identifier: MIT */
#include "place/options.h"
#include "grow.h"

#include <limits.h>
#include <string.h>

#define ALL_FLAGS                                                              \
    (IPC_OPEN_EXCLUSIVE | IPC_OPEN_CONNECT_ONLY | IPC_OPEN_REPLACE_DEAD |      \
     IPC_OPEN_GROUP | IPC_OPEN_ANY_OWNER | IPC_OPEN_MEMFD | IPC_OPEN_PATH |    \
     IPC_OPEN_HUGE_PAGES | IPC_OPEN_PREFAULT | IPC_OPEN_NUMA_NODE |            \
     IPC_OPEN_LOCK_MEMORY | IPC_OPEN_UNLINK_LAST | IPC_OPEN_SPARSE)

enum {
    DEFAULT_MODE = 0600,
    DEFAULT_SIZE = 1 << 20,
    DEFAULT_TIMEOUT_NS = 1000000000,
    LAST_NODE = 1023,
    LONGEST_MEMFD_NAME = 249, /* NAME_MAX less "memfd:" */
};

static IpcStatus refuse(const char **detail, const char *why)
{
    *detail = why;
    return IPC_ERR_INVALID_ARGUMENT;
}

IpcStatus options_check_name(const char *name, uint32_t flags,
                             const char **detail)
{
    const char *rest = name;

    if (!name)
        return refuse(detail, "the name is NULL: pass one like \"/prices\"");
    if (flags & IPC_OPEN_PATH) {
        if (*name == '\0')
            return refuse(detail, "the path is empty: pass that of a file");
        return strlen(name) < PATH_MAX
                   ? IPC_OK
                   : refuse(detail, "the path is too long: at most PATH_MAX "
                                    "(4096) bytes with its end");
    }
    if (*rest == '/')
        rest++;
    if (*rest == '\0')
        return refuse(detail, "the name is empty: pass one like \"/prices\"");
    if (strchr(rest, '/'))
        return refuse(detail,
                      "the name has a slash that is not its first character: "
                      "use one like \"/prices\", or IPC_OPEN_PATH if it is the "
                      "path of a file");
    if (strcmp(rest, ".") == 0 || strcmp(rest, "..") == 0)
        return refuse(detail, "the name is \".\" or \"..\", which are "
                              "directories: use one like \"/prices\"");
    if (flags & IPC_OPEN_MEMFD && strlen(name) > LONGEST_MEMFD_NAME)
        return refuse(detail, "the name is too long: at most 249 bytes for "
                              "memory without a name");
    if (strlen(rest) > NAME_MAX)
        return refuse(detail, "the name is too long: at most 255 bytes");
    return IPC_OK;
}

/* NULL: they can be meant together. */
static const char *blame_together(uint32_t flags)
{
    if (flags & IPC_OPEN_CONNECT_ONLY) {
        if (flags & IPC_OPEN_EXCLUSIVE)
            return "options.flags has IPC_OPEN_CONNECT_ONLY and "
                   "IPC_OPEN_EXCLUSIVE: it either exists or does not";
        if (flags & IPC_OPEN_REPLACE_DEAD)
            return "options.flags has IPC_OPEN_CONNECT_ONLY and "
                   "IPC_OPEN_REPLACE_DEAD: the former never creates, so leave "
                   "one out";
        if (flags & IPC_OPEN_GROUP)
            return "options.flags has IPC_OPEN_CONNECT_ONLY and "
                   "IPC_OPEN_GROUP: the group is given to what is created, so "
                   "leave one out";
        if (flags & IPC_OPEN_SPARSE)
            return "options.flags has IPC_OPEN_CONNECT_ONLY and "
                   "IPC_OPEN_SPARSE: pages are reserved, or not, for what is "
                   "created, so leave one out";
        if (flags & IPC_OPEN_MEMFD)
            return "options.flags has IPC_OPEN_CONNECT_ONLY and "
                   "IPC_OPEN_MEMFD: what has no name is always created; pass "
                   "it by ipc_channel_share";
    }
    if (flags & IPC_OPEN_MEMFD) {
        if (flags & IPC_OPEN_REPLACE_DEAD)
            return "options.flags has IPC_OPEN_MEMFD and "
                   "IPC_OPEN_REPLACE_DEAD: what has no name leaves nothing "
                   "behind, so leave the latter out";
        if (flags & IPC_OPEN_PATH)
            return "options.flags has IPC_OPEN_MEMFD and IPC_OPEN_PATH: it is "
                   "memory without a name or a file, so leave one out";
        if (flags & IPC_OPEN_UNLINK_LAST)
            return "options.flags has IPC_OPEN_MEMFD and "
                   "IPC_OPEN_UNLINK_LAST: there is no name to remove, so leave "
                   "the latter out";
    }
    return NULL;
}

/* The first reserved member that is not zero; 0: none. */
static int64_t first_reserved(const IpcOpenOptions *o)
{
    for (size_t i = 0; i < sizeof o->reserved / sizeof o->reserved[0]; i++)
        if (o->reserved[i])
            return (int64_t)o->reserved[i];
    return 0;
}

/* The texts speak of error.body.value, where *value goes to. */
static IpcStatus check(const IpcOpenOptions *o, const char **detail,
                       int64_t *value)
{
    *value = (int64_t)o->struct_size;
    if (!grow_fits(o, sizeof *o))
        return refuse(detail,
                      "options.struct_size (error.body.value) is not "
                      "sizeof(IpcOpenOptions), or of newer headers with "
                      "something set that this library does not know: set it, "
                      "and zero the rest");
    *value = o->flags & ~(uint32_t)ALL_FLAGS;
    if (*value)
        return refuse(detail,
                      "options.flags has one (error.body.value) that is no "
                      "IPC_OPEN_*: those of the channel belong into "
                      "options.configuration.flags");
    *value = o->flags;
    *detail = blame_together(o->flags);
    if (*detail)
        return IPC_ERR_INVALID_ARGUMENT;
    *value = o->mode;
    if (o->mode > 0777)
        return refuse(detail, "options.mode (error.body.value) is above 0777: "
                              "give permission bits such as 0640");
    *value = o->group;
    if (o->group && !(o->flags & IPC_OPEN_GROUP))
        return refuse(detail, "options.group (error.body.value) is set: that "
                              "takes the flag IPC_OPEN_GROUP");
    *value = o->numa_node;
    if (o->numa_node && !(o->flags & IPC_OPEN_NUMA_NODE))
        return refuse(detail, "options.numa_node (error.body.value) is set: "
                              "that takes the flag IPC_OPEN_NUMA_NODE");
    if (o->numa_node > LAST_NODE)
        return refuse(detail,
                      "options.numa_node (error.body.value) is above 1023: see "
                      "/sys/devices/system/node");
    *value = first_reserved(o);
    if (*value)
        return refuse(detail, "options.reserved has something in it "
                              "(error.body.value): zero what you do not set");
    *value = o->configuration.options;
    if (o->configuration.options & IPC_CHANNEL_HAS_MEMORY_FD)
        return refuse(detail, "options.configuration.options "
                              "(error.body.value) has "
                              "IPC_CHANNEL_HAS_MEMORY_FD: open knows the "
                              "descriptor itself");
    *value = 0;
    return IPC_OK;
}

IpcStatus options_take(const IpcOpenOptions *from, IpcOpenOptions *to,
                       const char **detail, int64_t *value)
{
    IpcStatus status = from ? check(from, detail, value) : IPC_OK;

    if (status != IPC_OK)
        return status;
    *to = from ? *from : (IpcOpenOptions){0};
    to->struct_size = sizeof *to;
    if (!to->mode)
        to->mode = DEFAULT_MODE;
    if (!to->size)
        to->size = DEFAULT_SIZE;
    if (!to->timeout_ns)
        to->timeout_ns = DEFAULT_TIMEOUT_NS;
    return IPC_OK;
}

size_t options_capacity(const IpcOpenOptions *options)
{
    return options->size > SIZE_MAX ? SIZE_MAX : (size_t)options->size;
}
