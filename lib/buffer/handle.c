/* SPDX-License-Identifier: MIT */
/*
 * Handles: making and releasing them, and entering with them. A handle enters
 * when it first writes (owner slot, one-producer role) or, with one consumer or
 * where consumers are to be known, first reads; again after a fork, since the
 * child is another process.
 */
#include "buffer/handle.h"
#include "buffer/give.h"
#include "backing.h"
#include "buffer/handle_options.h"
#include "debug.h"
#include "buffer/in_use.h"
#include "ring/format.h"
#include "ring/mapping.h"
#include <sched.h>
#include <string.h>

const char handle_formatted_anew[] =
    "the memory was formatted anew since this handle was made: destroy it and "
    "connect again";

const char handle_owners_full[] =
    "all owner slots belong to processes that live or may live: create it with "
    "a larger max_owners, or, if you know that some are dead, recover with "
    "force (ipc_channel_owners and ipc_buffer_owners list them)";

const char handle_not_subscribed[] =
    "the handle is no subscriber, or a parent process of this one is: call "
    "ipc_buffer_subscribe or ipc_channel_subscribe first";

const char handle_read_only[] =
    "the memory is mapped for reading only, or the handle observes: map it for "
    "writing and attach or connect again";

static void prepare(struct IpcBuffer *b, void *mem)
{
    b->region = (void *)((unsigned char *)mem + format_slack(mem));
    b->region_size = (uint64_t)(b->ring.blocks - (unsigned char *)b->region) +
                     (uint64_t)b->ring.block_count * SHMIPC_BLOCK;
    b->max_entry_size = (uint64_t)b->ring.block_count * SHMIPC_BLOCK;
    if (b->max_entry_size > SHMIPC_ENTRY_MAX)
        b->max_entry_size = SHMIPC_ENTRY_MAX;
    b->flags = handle_flags_of(&b->ring);
    b->array_max = b->ring.holders ? 1 : SHMIPC_ARRAY_MAX;
    b->gives_below = give_limit(&b->ring);
    b->number = process_next_handle();
    /* Relaxed, all: nobody else has this handle yet. */
    atomic_put_relaxed(&b->produces, PROCESS_NOBODY);
    atomic_put_relaxed(&b->writes_alone, PROCESS_NOBODY);
    atomic_put_relaxed(&b->writes_shared, PROCESS_NOBODY);
    handle_set_reader(b, PROCESS_NOBODY);
    b->ring.owners.backing =
        backing_find(b->region->owners, &b->ring.owners.place);
}

void handle_set_backing(struct IpcBuffer *b, const void *mem, int fd)
{
    struct owner_table *owners = &b->ring.owners;

    if (owners->backing)
        return;
    owners->backing = backing_open(fd);
    owners->place = (uint64_t)((const unsigned char *)owners->slots -
                               (const unsigned char *)mem);
    b->is_holding = owners->backing != NULL;
}

/* Who is not the one consumer has to enter before it reads, and cannot. */
static void observe(struct IpcBuffer *b)
{
    b->observes = true;
    b->ring.head = b->ring.gate;
    b->ring.one_consumer = true;
    b->ring.readers_enter = true;
}

static IpcStatus refuse(const char **detail, IpcStatus status, const char *why)
{
    *detail = why;
    return status;
}

/* What was never formatted holds no identity, which is fine. */
static bool read_identity(int fd, const void *mem, struct shm_identity *id)
{
    return backing_read(fd, format_slack(mem), id, sizeof *id);
}

static IpcStatus refuse_file(const char **detail)
{
    return refuse(detail, IPC_ERR_INVALID_ARGUMENT,
                  "memory_fd: pass an open descriptor, readable too, of the "
                  "file that mem is a shared mapping of, from its first byte "
                  "on");
}

IpcStatus handle_check_backing(struct IpcBuffer *b, const void *mem, int fd,
                               const char **detail)
{
    struct shm_identity id;

    /* Relaxed: a copy of ours. The number is as good as never that of another
     * region. */
    if (!read_identity(fd, mem, &id) || id.magic != SHMIPC_MAGIC ||
        atomic_get_relaxed(&id.creation) != b->ring.creation) {
        if (creation_is_over(&b->ring))
            return refuse(detail, IPC_ERR_FORMATTED_ANEW,
                          handle_formatted_anew);
        return refuse_file(detail);
    }
    handle_set_backing(b, mem, fd);
    return IPC_OK;
}

static uint64_t smallest_size(uint32_t owners, uint32_t subscribers,
                              uint32_t flags)
{
    return format_region_size(1, owners ? owners : format_default_owners(1),
                              subscribers == FORMAT_SOME_SUBSCRIBERS
                                  ? format_default_subscribers(1)
                                  : subscribers,
                              flags);
}

static IpcStatus check_size(const void *mem, size_t size,
                            const IpcBufferOptions *options, uint32_t *blocks,
                            IpcBufferCreateError *body, const char **detail)
{
    size_t slack = format_slack(mem);
    uint32_t owners = options ? options->max_owners : 0;
    uint32_t subscribers = handle_options_subscribers(options);
    uint32_t flags = options ? handle_options_modes(options->flags) : 0;

    body->requested_size = size;
    body->min_size = slack + smallest_size(owners, subscribers, flags);
    if (size == 0)
        return refuse(detail, IPC_ERR_INVALID_ARGUMENT,
                      "size is 0: pass the number of bytes at mem");
    if (size > UINTPTR_MAX - (uintptr_t)mem)
        return refuse(detail, IPC_ERR_INVALID_ARGUMENT,
                      "size is too large, mem + size is beyond the address "
                      "space: pass the number of bytes at mem");
    *blocks = size > slack
                  ? format_blocks_in(size - slack, owners, subscribers, flags)
                  : 0;
    if (*blocks == 0)
        return refuse(detail, IPC_ERR_INVALID_ARGUMENT,
                      "size is too small: provide at least error.body.min_size "
                      "bytes, or what ipc_buffer_align_size() or "
                      "ipc_channel_align_size() says");
    return IPC_OK;
}

/* Whoever else writes there would lose it from now on. */
static IpcStatus check_use(const void *mem, size_t size,
                           const IpcBufferOptions *options,
                           IpcBufferCreateError *body, const char **detail)
{
    if (options && options->flags & IPC_BUFFER_RECREATE)
        return IPC_OK;
    body->value = in_use_by(
        mem, size,
        handle_options_have_file(options) ? &options->memory_fd : NULL);
    if (body->value == 0)
        return IPC_OK;
    return refuse(detail, IPC_ERR_IN_USE,
                  "mem holds a buffer or channel that a process (error.body."
                  "value is its pid) uses, and that lives or may live: attach "
                  "or connect instead, wait until it "
                  "is gone, or, if its messages may be lost, set "
                  "IPC_BUFFER_RECREATE");
}

/* Whether it can be done; asked before anything is changed. */
static IpcStatus check_create(const void *mem, size_t size,
                              const IpcBufferOptions *options, uint32_t *blocks,
                              IpcBufferCreateError *body, const char **detail)
{
    struct shm_identity id;
    IpcStatus status;

    if (!mem)
        return refuse(detail, IPC_ERR_INVALID_ARGUMENT,
                      "mem is NULL: pass the memory to format");
    if (!handle_options_are_known(options, detail, &body->value))
        return IPC_ERR_INVALID_ARGUMENT;
    status = check_size(mem, size, options, blocks, body, detail);
    if (status != IPC_OK)
        return status;
    if (process_token() == 0)
        return refuse(detail, IPC_ERR_ALLOCATION,
                      "no memory for this process's token page");
    if (!mapping_may_store(format_first_word(mem)))
        return refuse(detail, IPC_ERR_READ_ONLY,
                      "mem is mapped for reading only, or not at all: map it "
                      "with PROT_READ | PROT_WRITE");
    if (handle_options_have_file(options) &&
        !read_identity(options->memory_fd, mem, &id))
        return refuse_file(detail);
    return check_use(mem, size, options, body, detail);
}

IpcStatus handle_create(struct IpcBuffer *b, void *mem, size_t size,
                        bool is_zero, const IpcBufferOptions *options,
                        IpcBufferCreateError *body, const char **detail)
{
    uint32_t owners = 0, subscribers = handle_options_subscribers(options),
             blocks;
    IpcStatus status = check_create(mem, size, options, &blocks, body, detail);

    if (status != IPC_OK)
        return status;
    if (options) {
        owners = options->max_owners;
        is_zero = is_zero || options->flags & IPC_BUFFER_ZEROED;
    }
    if (subscribers == FORMAT_SOME_SUBSCRIBERS)
        subscribers = format_default_subscribers(blocks);
    memset(b, 0, sizeof *b);
    format_region(mem, size - format_slack(mem), is_zero, blocks,
                  owners ? owners : format_default_owners(blocks), subscribers,
                  options ? handle_options_modes(options->flags) : 0, &b->ring);
    prepare(b, mem);
    if (handle_options_have_file(options))
        status = handle_check_backing(b, mem, options->memory_fd, detail);
    return status;
}

const char *handle_attach_detail(IpcStatus status)
{
    switch (status) {
    case IPC_ERR_NOT_FORMATTED:
        return "the memory holds no buffer or channel: create one there first, "
               "or map the memory that has one";
    case IPC_ERR_INITIALIZING:
        return "the memory is being formatted: attach again in a moment, or "
               "create it anew if its creator died";
    case IPC_ERR_LAYOUT_VERSION:
        return "the memory was formatted with another layout version or byte "
               "order: use one libshmipc on both sides, or create it anew";
    case IPC_ERR_TRUNCATED:
        return "the mapping is shorter than the region in it: map "
               "error.body.min_size bytes";
    case IPC_ERR_ALLOCATION:
        return "malloc failed: no memory for the handle";
    default:
        return "the region's header cannot be true: the memory was damaged, "
               "create it anew";
    }
}

IpcStatus handle_attach(struct IpcBuffer *b, const void *mem, size_t size,
                        bool observes, uint64_t *needed, const char **detail)
{
    /* Stored to by those only that are let in. */
    void *region = (void *)(uintptr_t)mem; /* NOLINT(*-no-int-to-ptr) */
    IpcStatus status;

    *needed = format_region_size(1, 1, 0, 0);
    if (!mem)
        return refuse(detail, IPC_ERR_INVALID_ARGUMENT,
                      "mem is NULL: pass the memory that create was given");
    if (size == 0)
        return refuse(detail, IPC_ERR_INVALID_ARGUMENT,
                      "size is 0: pass the number of bytes mapped at mem");
    if (process_token() == 0)
        return refuse(detail, IPC_ERR_ALLOCATION,
                      "no memory for this process's token page");
    memset(b, 0, sizeof *b);
    status = format_open(region, size, &b->ring, needed);
    if (status != IPC_OK)
        return refuse(detail, status, handle_attach_detail(status));
    prepare(b, region);
    if (observes || !mapping_may_store(format_first_word(mem)))
        observe(b);
    return IPC_OK;
}

/* ------------------------------------------------------------- entering */

/* A lock among this process's threads only. One that another process holds came
 * with fork(), from a thread that does not exist here. */
static void lock_entry(struct IpcBuffer *b, uint64_t token)
{
    for (;;) {
        /* Relaxed: the CAS below settles it. */
        uint64_t holder = atomic_get_relaxed(&b->entering);

        /* acq_rel [lock], of which the acquire is needed. */
        if (holder != token && atomic_cas_acq_rel(&b->entering, holder, token))
            return;
        sched_yield();
    }
}

static void unlock_entry(struct IpcBuffer *b)
{
    /* Release [lock]. */
    atomic_put_release(&b->entering, 0);
}

/* Takes an owner slot for this process. Called with the entry lock held. */
static IpcStatus enter(struct IpcBuffer *b, uint64_t token)
{
    uint32_t owner;
    bool locked;
    IpcStatus status;

    /* Relaxed, all: under the lock; published by the caller. */
    if (atomic_get_relaxed(&b->entered) == token)
        return IPC_OK;
    status = owner_register(&b->ring.owners, &owner, &locked);
    if (status != IPC_OK)
        return status;
    b->locked = locked;
    atomic_put_relaxed(&b->owner, owner);
    b->written = owner_written(&b->ring.owners, owner);
    /* What an ancestor left in an inherited handle is not ours. */
    atomic_put_relaxed(&b->open_alone, handle_no_reservation(b));
    atomic_put_relaxed(&b->entered, token);
    return IPC_OK;
}

static IpcStatus may_enter(const struct IpcBuffer *b)
{
    return b->observes ? IPC_ERR_READ_ONLY : handle_unless_anew(b, IPC_OK);
}

/* The last holder of the role may have promised sleepers fences: see wait.h. */
static void take_fences_back(struct shm_wait *wait)
{
    /* Relaxed: before anything that we commit, by the fence. */
    atomic_put_relaxed(&wait->fenced, 0);
    /* Fence [sleepers]: a sleeper that relied on the promise announced itself
     * before, and is seen from now on. */
    atomic_full_fence();
}

static IpcStatus succeed(struct IpcBuffer *b)
{
    switch (repair_succeed(&b->ring)) {
    case REPAIR_DONE:
        return IPC_OK;
    case REPAIR_MORE:
        return IPC_ERR_LOCKED;
    case REPAIR_DAMAGE:
        break;
    }
    return IPC_ERR_CORRUPTED;
}

static IpcStatus take_producer_role(struct IpcBuffer *b)
{
    bool inherited = false;
    IpcStatus status = owner_take_role(&b->ring.owners, &b->ring.tail->role,
                                       handle_owner(b), b->number, &inherited);

    if (status == IPC_OK)
        take_fences_back(&b->region->readers);
    if (status == IPC_OK && inherited)
        status = succeed(b);
    if (status == IPC_ERR_LOCKED || status == IPC_ERR_CORRUPTED)
        /* Whoever tries again is to go on, or to be told again. */
        owner_drop_role(&b->ring.tail->role, handle_owner(b), b->number);
    return status;
}

static IpcStatus take_consumer_role(struct IpcBuffer *b)
{
    bool inherited = false; /* head is where it is, whoever moved it */
    IpcStatus status = owner_take_role(&b->ring.owners, &b->ring.head->role,
                                       handle_owner(b), b->number, &inherited);

    if (status == IPC_OK)
        take_fences_back(&b->region->writers);
    return status;
}

IpcStatus handle_produce(struct IpcBuffer *b)
{
    uint64_t token = process_token();
    IpcStatus status;

    lock_entry(b, token);
    status = may_enter(b);
    if (status == IPC_OK)
        status = enter(b, token);
    if (status == IPC_OK && b->ring.one_producer)
        status = take_producer_role(b);
    if (status == IPC_OK) {
        owner_mark(&b->ring.owners, handle_owner(b), OWNER_PRODUCES);
        /* Release [entry], both: `owner`. */
        atomic_put_release(&b->produces, token);
        if (b->ring.one_producer)
            handle_reserve_nothing(b);
        else
            atomic_put_release(&b->writes_shared, token);
    }
    unlock_entry(b);
    return status;
}

IpcStatus handle_consume(struct IpcBuffer *b)
{
    uint64_t token = process_token();
    IpcStatus status;

    lock_entry(b, token);
    status = may_enter(b);
    if (status == IPC_OK && b->ring.subscriber_count)
        status = IPC_ERR_NOT_SUBSCRIBED;
    if (status == IPC_OK && b->ring.readers_enter)
        status = enter(b, token);
    if (status == IPC_OK && b->ring.one_consumer)
        status = take_consumer_role(b);
    if (status == IPC_OK && b->ring.readers_enter)
        owner_mark(&b->ring.owners, handle_owner(b), OWNER_CONSUMES);
    if (status == IPC_OK && b->ring.holders)
        /* Release [ahead]: `owner`. There are no plain reads. */
        atomic_put_release(&b->leads, token);
    else if (status == IPC_OK)
        handle_set_reader(b, token);
    unlock_entry(b);
    return status;
}

IpcStatus handle_enter(struct IpcBuffer *b)
{
    uint64_t token = process_token();
    IpcStatus status;

    lock_entry(b, token);
    status = may_enter(b);
    if (status == IPC_OK)
        status = enter(b, token);
    unlock_entry(b);
    return status;
}

void handle_set_consumer(struct IpcBuffer *b, bool consumes)
{
    if (consumes)
        owner_mark(&b->ring.owners, handle_owner(b), OWNER_CONSUMES);
    handle_set_reader(b, consumes ? process_token() : PROCESS_NOBODY);
}

void handle_unsubscribe(struct IpcBuffer *b)
{
    handle_set_consumer(b, false);
    format_point_nowhere(&b->ring);
    subscriber_leave(&b->ring, b->slot, handle_owner(b));
}

uint32_t handle_fate(enum owner_fate fate)
{
    switch (fate) {
    case OWNER_IS_DEAD:
        return IPC_OWNER_IS_DEAD;
    case OWNER_UNKNOWN:
        return IPC_OWNER_UNKNOWN;
    case OWNER_LIVES:
        break;
    }
    return IPC_OWNER_LIVES;
}

/* The position in [tail - n, tail) with that index. */
static uint64_t position_before(const struct ring *r, uint64_t tail,
                                uint32_t index)
{
    uint64_t lap = position_lap(r, tail);

    if (index >= position_index(r, tail))
        lap--;
    return lap << r->index_bits | index;
}

/* For when the last handle of this process goes: nobody can finish what it
 * reserved any more. */
static bool abort_reservations(struct IpcBuffer *b, uint32_t owner)
{
    struct ring *r = &b->ring;
    bool found = false;
    /* Relaxed: not older than this process's own claims. */
    uint64_t tail = protocol_tail(r);

    for (uint32_t i = 0; i < r->block_count; i++) {
        uint64_t position = position_before(r, tail, i);
        /* Relaxed: only this process stored such a word. */
        uint64_t word = atomic_get_relaxed(&r->control[i]);

        if (word ==
            control_make(position_tag(r, position), owner, CONTROL_BUSY))
            found |= repair_recover(r, position, word);
    }
    if (found)
        DEBUG_SAY("the process's last handle was destroyed with reservations "
                  "open: they are aborted");
    return found;
}

/* The same for what it has read and not acknowledged. */
static bool give_back(struct IpcBuffer *b, uint32_t owner)
{
    bool found = false;

    for (uint32_t i = 0; i < b->ring.block_count; i++)
        found |= hold_give_up(&b->ring.holders[i], owner);
    return found;
}

/* Leaves the slot, and the roles. */
static bool leave(struct IpcBuffer *b)
{
    uint32_t owner = handle_owner(b);
    bool aborted = false;

    /* What is there now is not ours. */
    if (creation_is_over(&b->ring))
        return false;
    if (b->ring.subscriber_count && handle_may_consume(b))
        handle_unsubscribe(b);
    if (b->ring.one_producer)
        owner_drop_role(&b->ring.tail->role, owner, b->number);
    if (b->ring.one_consumer)
        owner_drop_role(&b->ring.head->role, owner, b->number);
    if (owner_release(&b->ring.owners, owner)) {
        if (owner_is_marked(&b->ring.owners, owner, OWNER_RESERVES))
            aborted = abort_reservations(b, owner);
        if (b->ring.holders)
            aborted |= give_back(b, owner);
        owner_free(&b->ring.owners, owner);
    }
    return aborted;
}

bool handle_close(struct IpcBuffer *b)
{
    bool aborted = false;

    /* Relaxed: no other thread uses the handle. One that was inherited and
     * never used here has nothing to give back. */
    if (atomic_get_relaxed(&b->entered) == process_token()) {
        aborted = leave(b);
        if (b->locked)
            owner_unlock(&b->ring.owners, handle_owner(b));
    }
    if (b->is_holding)
        backing_release(b->ring.owners.backing);
    return aborted;
}
