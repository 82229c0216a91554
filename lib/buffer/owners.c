/* SPDX-License-Identifier: MIT */
#include "buffer/owners.h"
#include <string.h>

static uint32_t flags_of(const struct ring *r, const struct owner_view *view)
{
    /* Relaxed, both: who has a role has it for long. */
    uint32_t producer = (uint32_t)atomic_get_relaxed(&r->tail->role);
    uint32_t consumer = (uint32_t)atomic_get_relaxed(&r->gate->role);

    return (view->locked ? IPC_OWNER_LOCKED : 0) |
           (view->owner == producer ? IPC_OWNER_ONE_PRODUCER : 0) |
           (view->owner == consumer ? IPC_OWNER_ONE_CONSUMER : 0) |
           (view->marks & OWNER_PRODUCES ? IPC_OWNER_WRITES : 0) |
           (view->marks & OWNER_CONSUMES ? IPC_OWNER_READS : 0);
}

static IpcOwner describe(const struct ring *r, const struct owner_view *view,
                         size_t size)
{
    return (IpcOwner){
        .struct_size = size,
        .since = view->since,
        .entries_written = view->written,
        .pid_namespace = process_namespace_inode(view->pid_namespace),
        .pid = (int32_t)view->pid,
        .fate = handle_fate(view->fate),
        .handles = view->handles,
        .flags = flags_of(r, view),
    };
}

IpcStatus owners_list(const struct IpcBuffer *b, IpcOwner *owners, size_t room,
                      size_t *count)
{
    unsigned char *to = (unsigned char *)owners;
    size_t size = 0;

    *count = 0;
    if (!b || (!owners && room > 0))
        return IPC_ERR_INVALID_ARGUMENT;
    if (room > 0)
        size = owners->struct_size;
    if (room > 0 && size < OWNERS_SIZE_0_1)
        return IPC_ERR_TOO_SMALL;
    if (creation_is_over(&b->ring))
        return IPC_ERR_FORMATTED_ANEW;
    for (uint32_t i = 0; i < b->ring.owners.count; i++) {
        struct owner_view view;
        IpcOwner owner;

        if (!owner_look(&b->ring.owners, i, &view))
            continue;
        if (*count < room) {
            owner = describe(&b->ring, &view, size);
            memcpy(to, &owner, sizeof owner);
            memset(to + sizeof owner, 0, size - sizeof owner);
            to += size;
        }
        *count += 1;
    }
    return IPC_OK;
}

const char *owners_detail(IpcStatus status)
{
    if (status == IPC_ERR_FORMATTED_ANEW)
        return handle_formatted_anew;
    return "struct_size is too small: set that of the first element to "
           "sizeof(IpcOwner)";
}
