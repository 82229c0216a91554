/* SPDX-License-Identifier: MIT */
#include "service/gather.h"
#include "cancel.h"
#include "channel/receive.h"
#include "wait/clock.h"
#include <string.h>

static const int64_t never = INT64_MAX;

/* -------------------------------------------------------- between threads */

void gather_tell(struct IpcClient *c)
{
    pthread_cond_broadcast(&c->changed);
}

/* Until somebody changes something, or then. */
void gather_wait_for_others(struct IpcClient *c, int64_t until)
{
    const struct timespec at =
        clock_timespec(clock_earlier(until, clock_after(c->slice)));
    int state = cancel_disable();

    pthread_cond_timedwait(&c->changed, &c->lock, &at);
    cancel_restore(state);
}

/* ----------------------------------------------------------------- answers */

/* Which an answer without a payload may have. */
static bool is_a_reason(IpcStatus status)
{
    return status == IPC_ERR_CANCELLED || status == IPC_ERR_CLOSED ||
           status == IPC_ERR_NO_SPACE_CONTIGUOUS ||
           status == IPC_ERR_ENTRY_TOO_LARGE;
}

static void end_by_reason(struct IpcClient *c, struct call *call,
                          IpcStatus status, const unsigned char *payload,
                          size_t size)
{
    uint64_t needed = 0;

    if (status == IPC_ERR_ENTRY_TOO_LARGE && size == sizeof needed)
        memcpy(&needed, payload, sizeof needed);
    call->size = needed > SIZE_MAX ? SIZE_MAX : (size_t)needed;
    call_end(&c->calls, call, is_a_reason(status) ? status : IPC_ERR_CORRUPTED);
}

/* What is no answer, or comes too late, is dropped. */
static void sort_out(struct IpcClient *c, const IpcEntry *entry)
{
    const unsigned char *bytes = entry->payload;
    struct frame_answer head;
    struct call *call;

    if (entry->size < sizeof head)
        return;
    memcpy(&head, bytes, sizeof head);
    call = call_find(&c->calls, head.call);
    if (head.form != FRAME_FORM || !call || call->state != CALL_SENT)
        return;
    if (head.status == IPC_OK)
        call_answer(&c->calls, call, bytes + sizeof head,
                    entry->size - sizeof head);
    else
        end_by_reason(c, call, (IpcStatus)head.status, bytes + sizeof head,
                      entry->size - sizeof head);
}

/* An entry that was peeked; the one consumer's are whole. */
static void take(struct IpcClient *c, const IpcEntry *entry)
{
    IpcChannelSkipResult skipped;

    sort_out(c, entry);
    skipped = ipc_channel_skip(c->link.answers, entry->offset);
    (void)skipped;
}

/* What is there, where nobody else reads; until that call is over, if it is
 * about one. */
void gather_answers(struct IpcClient *c, const struct call *call)
{
    IpcEntry entry;

    while ((!call || call->state == CALL_SENT) && !c->reading &&
           c->link.answers &&
           ipc_channel_peek(c->link.answers, &entry).ipc_status == IPC_OK)
        take(c, &entry);
}

/* Reads an answer into memory of the client's, since to look, and to consume
 * then, is to look twice; a larger one where it lies. */
static IpcStatus read_answer(struct IpcClient *c, IpcEntry *entry,
                             int64_t until, bool *is_peeked)
{
    IpcBufferReadError error;
    IpcStatus status;

    *entry = (IpcEntry){.payload = c->scratch, .size = sizeof c->scratch};
    status = receive_slice(c->link.answers, entry, until, c->slice, &error);
    *is_peeked = status == IPC_ERR_TOO_SMALL;
    return *is_peeked ? ipc_channel_peek(c->link.answers, entry).ipc_status
                      : status;
}

/* Nothing can come any more: somebody damaged the channel, or closed it. */
static bool is_broken(IpcStatus status)
{
    return status < 0 && status != IPC_ERR_TIMEOUT &&
           status != IPC_ERR_INTERRUPTED && status != IPC_ERR_NOT_READY &&
           status != IPC_ERR_LOCKED;
}

static void give_up(struct IpcClient *c, IpcStatus status)
{
    gather_end_calls(c, true, status);
    c->is_over = true;
}

/* Sleeps until there is something, or then, or for a slice. */
static void wait_for_answer(struct IpcClient *c, int64_t until)
{
    IpcEntry entry;
    IpcStatus status;
    bool is_peeked;

    c->reading = true;
    c->outside++;
    pthread_mutex_unlock(&c->lock);
    status = read_answer(c, &entry, until, &is_peeked);
    if (status == IPC_ERR_INTERRUPTED)
        ipc_channel_clear_interrupt(c->link.answers);
    pthread_mutex_lock(&c->lock);
    c->outside--;
    c->reading = false;
    if (status == IPC_OK && is_peeked)
        take(c, &entry);
    else if (status == IPC_OK)
        sort_out(c, &entry);
    else if (is_broken(status))
        give_up(c, status);
    gather_tell(c);
}

/* ---------------------------------------------------------------- the crew */

/* Ends the calls that nobody will answer. `all`: nobody serves. Else one of
 * several who do died, and what he took is not known. */
void gather_end_calls(struct IpcClient *c, bool all, IpcStatus status)
{
    const struct ring *r = &c->link.requests->buffer.ring;
    /* After the deaths were seen: what a dead one took, it took before. */
    const uint64_t head = protocol_head(r);
    struct call *next;

    for (struct call *call = c->calls.sent.first; call; call = next) {
        next = call->later;
        if (all || position_distance(r, call->before, head) > 0)
            call_end(&c->calls, call, status);
    }
}

static void look_at_crew(struct IpcClient *c)
{
    struct crew crew;

    if (c->is_over || !c->link.requests)
        return;
    crew = crew_look(c->link.requests, false, c->link.known_dead);
    if (crew.state == CREW_SERVES && !crew.has_lost)
        return;
    /* What they answered before they died; and behind what they left. */
    ipc_channel_recover(c->link.answers, false);
    gather_answers(c, NULL);
    c->link.crew = crew;
    c->is_over = crew.state != CREW_SERVES;
    gather_end_calls(c, c->is_over,
                     c->is_over ? crew_status(crew.state)
                                : IPC_ERR_SERVER_DEAD);
    gather_tell(c);
}

void gather_look(struct IpcClient *c, int64_t now)
{
    /* The thread that reads looks when it has read. Nor is its turn put off by
     * those that only wait beside it, or send. */
    if (now < c->next_look || c->reading)
        return;
    c->next_look = now + c->slice;
    look_at_crew(c);
}

/* ----------------------------------------------------------------- waiting */

struct call *gather_first_over(const struct IpcClient *c)
{
    struct call *call = c->calls.over.first;

    while (call && call->awaited)
        call = call->later;
    return call;
}

/* Whether there is one that nobody else waits for; when the first of them has
 * to be over; and those are that had to. */
static bool expire(struct IpcClient *c, int64_t now, int64_t *first)
{
    struct call *next;
    bool any = false;

    for (struct call *call = c->calls.sent.first; call; call = next) {
        next = call->later;
        if (call->awaited)
            continue;
        any = true;
        if (call->deadline <= now)
            call_end(&c->calls, call, IPC_ERR_TIMEOUT);
        else
            *first = clock_earlier(*first, call->deadline);
    }
    return any;
}

/* The same for one call, or all: NULL. */
static bool expire_some(struct IpcClient *c, struct call *call, int64_t *first)
{
    int64_t now;

    if (call && call->deadline == never) {
        *first = never;
        return true;
    }
    now = clock_now();
    *first = never;
    if (!call)
        return expire(c, now, first);
    *first = call->deadline;
    if (call->deadline <= now)
        call_end(&c->calls, call, IPC_ERR_TIMEOUT);
    return true;
}

static bool is_over(const struct IpcClient *c, const struct call *call)
{
    return call ? call->state == CALL_OVER : gather_first_over(c) != NULL;
}

/* Sleeps until then, or for a slice. */
static void sleep_until(struct IpcClient *c, int64_t until)
{
    if (c->reading || !c->link.answers)
        gather_wait_for_others(c, until);
    else
        wait_for_answer(c, until);
}

/* Without a wait. */
static IpcStatus look_once(struct IpcClient *c, struct call *call)
{
    int64_t deadline;

    gather_answers(c, call);
    if (is_over(c, call))
        return IPC_OK;
    gather_look(c, clock_now());
    expire_some(c, call, &deadline);
    return is_over(c, call) ? IPC_OK : IPC_EMPTY;
}

/* Until a call is over (NULL: one that nobody else waits for), or `until` (0:
 * not at all). IPC_OK, IPC_EMPTY or IPC_ERR_INTERRUPTED. */
IpcStatus gather_wait(struct IpcClient *c, struct call *call, int64_t until)
{
    bool slept = false;

    if (until == 0)
        return look_once(c, call);
    while (!is_over(c, call)) {
        int64_t deadline;
        bool any;

        if (slept)
            gather_look(c, clock_now());
        any = expire_some(c, call, &deadline);
        if (is_over(c, call))
            break;
        if (!any || clock_is_past(until))
            return IPC_EMPTY;
        if (c->interrupted) {
            c->interrupted = false;
            return IPC_ERR_INTERRUPTED;
        }
        sleep_until(c, clock_earlier(until, deadline));
        slept = true;
    }
    return IPC_OK;
}
