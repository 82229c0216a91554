/* SPDX-License-Identifier: MIT */
#include "buffer/subscribe.h"
#include "buffer/blame.h"
#include "buffer/newest.h"
#include "grow.h"
#include "ring/format.h"
#include "ring/process.h"
#include <sched.h>
#include <string.h>

enum {
    /* To let others run takes as long as they do, on a busy machine. */
    MOVES_NS = 20 * 1000 * 1000,
/* Looks for writers that are moving the gate: in a row, and then with
 * others let run in between. One in so many asks whether they live. */
#ifdef SHMIPC_MODEL
    LOOKS_AT_ONCE = 2,
    LOOKS_MAX = 4,
    /* How often one begins to join, when put off each time. */
    STARTS_MAX = 2,
#else
    LOOKS_AT_ONCE = 64,
    LOOKS_MAX = 1024,
    STARTS_MAX = 64,
#endif
};

static IpcStatus refuse(const char **detail, IpcStatus status, const char *why)
{
    *detail = why;
    return status;
}

/* ---------------------------------------------------------------- joining */

static const char *blame_subscription(const IpcSubscription *how,
                                      int64_t *value)
{
    *value = (int64_t)how->struct_size;
    if (!grow_fits(how, sizeof *how))
        return "struct_size (error.body.value) is not sizeof(IpcSubscription), "
               "or of newer headers with something set that this library does "
               "not know: set it to that, and zero what is not set";
    *value = how->policy;
    if (how->policy > IPC_SUBSCRIBER_LAGS)
        return "policy (error.body.value) is no IpcSubscriberPolicy that this "
               "library knows";
    *value = how->from;
    if (how->from > IPC_SUBSCRIBE_FROM_OLDEST)
        return "from (error.body.value) is no IpcSubscribeFrom that this "
               "library knows";
    *value = how->after_gap;
    if (how->after_gap > IPC_SUBSCRIBE_FROM_OLDEST)
        return "after_gap (error.body.value) is no IpcSubscribeFrom that this "
               "library knows";
    *value = (int64_t)(how->after_gap | how->lag_bytes);
    if (how->policy == IPC_SUBSCRIBER_BLOCKS && *value)
        return "lag_bytes or after_gap is set (error.body.value), but the "
               "policy is IPC_SUBSCRIBER_BLOCKS, with which there are no gaps";
    *value = how->reserved32;
    if (how->reserved32)
        return "a reserved member is not 0 (error.body.value): initialise the "
               "whole subscription";
    for (size_t i = 0; i < sizeof how->reserved / sizeof how->reserved[0];
         i++) {
        *value = (int64_t)how->reserved[i];
        if (how->reserved[i])
            return "a reserved member is not 0 (error.body.value): initialise "
                   "the whole subscription";
    }
    *value = 0;
    return NULL;
}

/* J3. A move takes some hundred instructions, if its thread runs. */
static bool moves_end(const struct IpcBuffer *b)
{
    int64_t until = INT64_MAX;
    uint32_t slot = 0;

    for (int looks = 1; looks < LOOKS_MAX; looks++) {
        if (!owner_finds_move(&b->ring.owners, looks % LOOKS_AT_ONCE == 0,
                              &slot))
            return true;
        if (looks < LOOKS_AT_ONCE) {
            atomic_cpu_relax();
            continue;
        }
        if (looks == LOOKS_AT_ONCE)
            until = process_clock() + MOVES_NS;
        else if (process_clock() > until)
            break;
        sched_yield();
    }
    return false;
}

/* J3. */
static IpcStatus find_start(const struct IpcBuffer *b, uint32_t from,
                            uint64_t *position)
{
    uint64_t before = subscriber_newest(&b->ring);
    bool waited = moves_end(b);
    /* From now it is not acted on, but after this no word is older than I6
     * allows. */
    uint64_t gate = protocol_head(&b->ring);

    *position =
        from == IPC_SUBSCRIBE_FROM_NOW ? subscriber_newest(&b->ring) : gate;
    if (!position_is_valid(&b->ring, *position))
        return IPC_ERR_CORRUPTED;
    /* The cursors of readers of one producer can be ahead of a tail. */
    return waited || (from == IPC_SUBSCRIBE_FROM_NOW && *position != before &&
                      !b->ring.one_producer)
               ? IPC_OK
               : IPC_ERR_LOCKED;
}

/* J3 and J4, after J2. */
static IpcStatus start(struct IpcBuffer *b, uint32_t from)
{
    uint32_t owner = handle_owner(b);
    IpcStatus status = IPC_ERR_LOCKED;

    for (int starts = 1;; starts++) {
        uint64_t position;

        status = find_start(b, from, &position);
        if (status == IPC_OK &&
            subscriber_start(&b->ring, b->slot, owner, position))
            return IPC_OK;
        if (status != IPC_OK || starts == STARTS_MAX ||
            !subscriber_enter_again(&b->ring, b->slot, owner))
            break;
    }
    subscriber_give_up(&b->ring, b->slot, owner, cursor_free(&b->ring));
    return status == IPC_OK ? IPC_ERR_LOCKED : status;
}

/* J1 in a slot that is free, or whose subscriber is dead. */
static bool find_slot(struct IpcBuffer *b, bool judge)
{
    struct ring *r = &b->ring;

    for (uint32_t i = 0; i < r->subscriber_count; i++) {
        /* Acquire [tenure]: of the one that is there. */
        uint64_t cursor =
            atomic_get_acquire(&r->subscribers[i].cursor.position);

        if (cursor != cursor_free(r) &&
            (!judge || !subscriber_remove(r, i, cursor, handle_owner(b))))
            continue;
        if (subscriber_enter(r, i, cursor_free(r), handle_owner(b))) {
            b->slot = i;
            return true;
        }
    }
    return false;
}

static IpcStatus join(struct IpcBuffer *b, const IpcSubscription *how)
{
    const struct subscriber_terms terms = {
        .since = process_now(),
        .lag = how->lag_bytes,
        .policy = how->policy == IPC_SUBSCRIBER_LAGS ? SUBSCRIBER_LAGS
                                                     : SUBSCRIBER_BLOCKS,
    };
    IpcStatus status = handle_enter(b);

    if (status != IPC_OK)
        return status;
    if (!find_slot(b, false) && !find_slot(b, true))
        return IPC_ERR_OWNERS_FULL;
    subscriber_describe(&b->ring, b->slot, handle_owner(b), &terms);
    status = start(b, how->from);
    if (status != IPC_OK)
        return status;
    b->after_gap = how->after_gap;
    newest_begin(b);
    b->ring.head = &b->ring.subscribers[b->slot].cursor;
    handle_set_consumer(b, true);
    return IPC_OK;
}

/* J3 and J4 of one that was evicted at `cursor`. False: it was put off. */
static bool start_again(struct IpcBuffer *b, uint64_t cursor, uint32_t where,
                        struct view *view, uint64_t *lost)
{
    struct ring *r = &b->ring;
    uint64_t from = cursor_evict(r, cursor);
    /* Nobody takes the slot for another's: it has been ours. */
    uint64_t to = where == IPC_SUBSCRIBE_FROM_OLDEST && moves_end(b)
                      ? protocol_head(r)
                      : subscriber_newest(r);

    *view = (struct view){.head = to, .position = to};
    if (!position_is_valid(r, to))
        return true;
    /* If it is where we were, the gate has not moved since, and cannot now:
     * nothing is lost, and of an array we have read what we had. */
    *lost = (uint64_t)position_distance(r, position_of_head(from), to) *
            SHMIPC_BLOCK;
    return subscriber_start(r, b->slot, handle_owner(b), *lost ? to : from);
}

IpcStatus subscribe_again(struct IpcBuffer *b, uint64_t cursor, uint32_t where,
                          struct view *view, uint64_t *lost)
{
    struct ring *r = &b->ring;
    uint32_t owner = handle_owner(b);
    int starts = 0;

    if (!position_is_valid(r, position_of_head(cursor_evict(r, cursor))))
        return IPC_ERR_CORRUPTED;
    if (!subscriber_enter(r, b->slot, cursor, owner))
        return IPC_ERR_LOCKED;
    while (!start_again(b, cursor, where, view, lost))
        if (++starts == STARTS_MAX ||
            !subscriber_enter_again(r, b->slot, owner)) {
            subscriber_give_up(r, b->slot, owner, cursor);
            *lost = 0;
            return IPC_ERR_LOCKED;
        }
    if (!position_is_valid(r, view->position)) {
        subscriber_give_up(r, b->slot, owner, cursor_free(r));
        return IPC_ERR_CORRUPTED;
    }
    if (*lost == 0)
        return IPC_ERR_LOCKED;
    /* Relaxed: a figure for people. */
    atomic_add_relaxed(&r->subscribers[b->slot].lost, *lost);
    return IPC_ERR_LAGGED;
}

static const char *detail_of(IpcStatus status)
{
    switch (status) {
    case IPC_ERR_OWNERS_FULL:
        return "all owner slots, or all slots for subscribers, belong to "
               "processes that live or may live: create the buffer with a "
               "larger max_owners or max_subscribers, or, if you know that "
               "some are dead, recover with force";
    case IPC_ERR_LOCKED:
        return "a process that lives has been stopped while it was making "
               "space or removing a subscriber, so nobody can say which entry "
               "is the oldest: try again, or let it go on";
    case IPC_ERR_READ_ONLY:
        return handle_read_only;
    case IPC_ERR_FORMATTED_ANEW:
        return handle_formatted_anew;
    default:
        return "head or tail cannot be true: the memory was damaged, create it "
               "anew";
    }
}

IpcStatus subscribe_begin(struct IpcBuffer *b, const IpcSubscription *how,
                          const char **detail, int64_t *value)
{
    static const IpcSubscription defaults = {.struct_size = sizeof defaults};
    IpcStatus status;

    *value = 0;
    if (!b)
        return refuse(detail, IPC_ERR_INVALID_ARGUMENT, blame_handle());
    if (!how)
        how = &defaults;
    *detail = blame_subscription(how, value);
    if (*detail)
        return IPC_ERR_INVALID_ARGUMENT;
    if (b->ring.subscriber_count == 0)
        return refuse(detail, IPC_ERR_ILLEGAL_STATE,
                      "it is a queue, which gives each entry to one reader: "
                      "create it with IPC_BUFFER_BROADCAST");
    if (!b->observes && handle_may_consume(b))
        return refuse(detail, IPC_ERR_ILLEGAL_STATE,
                      "the handle is a subscriber already: unsubscribe first, "
                      "or use another handle");
    status = join(b, how);
    if (status == IPC_OK)
        return IPC_OK;
    return refuse(detail, status, detail_of(status));
}

IpcStatus subscribe_end(struct IpcBuffer *b, const char **detail)
{
    if (!b)
        return refuse(detail, IPC_ERR_INVALID_ARGUMENT, blame_handle());
    if (b->ring.subscriber_count == 0 || b->observes || !handle_may_consume(b))
        return refuse(detail, IPC_ERR_NOT_SUBSCRIBED, handle_not_subscribed);
    /* What is there now is not ours. */
    if (creation_is_over(&b->ring))
        return refuse(detail, IPC_ERR_FORMATTED_ANEW, handle_formatted_anew);
    handle_unsubscribe(b);
    return IPC_OK;
}

/* ---------------------------------------------------------------- listing */

static void describe_place(const struct ring *r, uint64_t cursor,
                           IpcSubscriber *to)
{
    uint64_t position = position_of_head(cursor);
    /* A description of a moment. */
    int64_t lag = position_distance(r, position, protocol_tail(r));

    to->offset = position_offset(r, position);
    to->lag = lag > 0 ? (uint64_t)lag * SHMIPC_BLOCK : 0;
}

static void describe_pin(const struct ring *r, const struct shm_subscriber *s,
                         IpcSubscriber *to)
{
    /* Relaxed, all: a description of a moment. */
    uint64_t pin = atomic_get_relaxed(&s->cursor.pinned);

    if (pin == 0 || !position_is_valid(r, pin))
        return;
    to->pinned_offset = position_offset(r, pin);
    to->pinned =
        (uint64_t)atomic_get_relaxed(&s->cursor.pinned_blocks) * SHMIPC_BLOCK;
    to->pinned_since = atomic_get_relaxed(&s->cursor.pinned_since);
}

/* False: the slot is free. */
static bool describe(const struct ring *r, uint32_t i, IpcSubscriber *to)
{
    const struct shm_subscriber *s = &r->subscribers[i];
    /* Acquire [tenure]: the other words are of this stay, or of a later. */
    uint64_t cursor = atomic_get_acquire(&s->cursor.position);
    enum subscriber_state state = cursor_state(r, cursor);
    uint32_t owner;

    if (cursor == cursor_free(r))
        return false;
    /* Relaxed, all: a description of a moment. */
    owner = state >= SUBSCRIBER_JOINING ? cursor_owner(r, cursor)
                                        : atomic_get_relaxed(&s->owner);
    to->state =
        state == SUBSCRIBER_PUT_OFF ? IPC_SUBSCRIBER_JOINS : (uint32_t)state;
    to->pid = (int32_t)owner_pid(&r->owners, owner);
    to->fate = handle_fate(owner_fate(&r->owners, owner));
    if (state >= SUBSCRIBER_JOINING)
        return true;
    to->since = atomic_get_relaxed(&s->since);
    to->lost = atomic_get_relaxed(&s->lost);
    to->slowest = atomic_get_relaxed(&s->slowest);
    to->policy = atomic_get_relaxed(&s->policy);
    describe_pin(r, s, to);
    describe_place(
        r, state == SUBSCRIBER_EVICTED ? cursor_evict(r, cursor) : cursor, to);
    return true;
}

IpcStatus subscribe_list(const struct IpcBuffer *b, IpcSubscriber *subscribers,
                         size_t room, size_t *count)
{
    unsigned char *to = (unsigned char *)subscribers;
    size_t size = 0;

    *count = 0;
    if (!b || (!subscribers && room > 0))
        return IPC_ERR_INVALID_ARGUMENT;
    if (room > 0)
        size = subscribers->struct_size;
    if (room > 0 && size < SUBSCRIBERS_SIZE_0_1)
        return IPC_ERR_TOO_SMALL;
    if (creation_is_over(&b->ring))
        return IPC_ERR_FORMATTED_ANEW;
    for (uint32_t i = 0; i < b->ring.subscriber_count; i++) {
        IpcSubscriber one = {.struct_size = size};

        if (!describe(&b->ring, i, &one))
            continue;
        if (*count < room) {
            memcpy(to, &one, sizeof one);
            memset(to + sizeof one, 0, size - sizeof one);
            to += size;
        }
        *count += 1;
    }
    return IPC_OK;
}

const char *subscribe_list_detail(const struct IpcBuffer *b, IpcStatus status)
{
    if (!b)
        return blame_handle();
    if (status == IPC_ERR_INVALID_ARGUMENT)
        return "subscribers is NULL, and room is not 0: pass an array of so "
               "many IpcSubscriber, or room 0 to count";
    if (status == IPC_ERR_FORMATTED_ANEW)
        return handle_formatted_anew;
    return "struct_size is too small: set that of the first element to "
           "sizeof(IpcSubscriber)";
}
