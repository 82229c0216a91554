/* SPDX-License-Identifier: MIT */
#include "buffer/in_use.h"
#include "backing.h"
#include "ring/format.h"
#include "ring/mapping.h"
#include "ring/owner.h"
#include "ring/process.h"

/* A handle of this process that is in use cannot be told from one that was
 * freed by free(), as old code does. And what a function finds on the stack may
 * be the ring that it had there when it was last called. */
static bool is_ours(const struct process_id *self,
                    const struct owner_view *owner)
{
    return owner->pid == self->pid &&
           (owner->pid_namespace == self->pid_namespace ||
            owner->pid_namespace == 0 || self->pid_namespace == 0);
}

static uint32_t find_other(const struct owner_table *owners)
{
    struct process_id self = process_self();
    struct owner_view owner;

    for (uint32_t i = 0; i < owners->count; i++)
        if (owner_look(owners, i, &owner) && owner.fate != OWNER_IS_DEAD &&
            !is_ours(&self, &owner))
            return owner.pid;
    return 0;
}

/* Locks in the memory's file prove deaths that pids do not. */
static uint32_t find_other_by_locks(struct owner_table *owners, const void *mem,
                                    const int *memory_fd)
{
    struct backing *opened = NULL;
    uint32_t pid;

    owners->backing = backing_find(owners->slots, &owners->place);
    if (!owners->backing && memory_fd) {
        opened = backing_open(*memory_fd);
        owners->backing = opened;
        owners->place = (uint64_t)((const unsigned char *)owners->slots -
                                   (const unsigned char *)mem);
    }
    pid = find_other(owners);
    if (opened)
        backing_release(opened);
    return pid;
}

uint32_t in_use_by(const void *mem, size_t size, const int *memory_fd)
{
    /* Nothing is stored there. */
    void *region = (void *)(uintptr_t)mem; /* NOLINT(*-no-int-to-ptr) */
    struct ring ring;
    uint64_t needed;
    uint32_t pid;

    /* What is no ring of ours, whole, and within the memory, is garbage. */
    if (format_open(region, size, &ring, &needed) != IPC_OK)
        return 0;
    pid = find_other_by_locks(&ring.owners, mem, memory_fd);
    /* Private memory holds a copy of a ring at most: a parent's stack, say. */
    return pid && mapping_is_shared(mem) ? pid : 0;
}
