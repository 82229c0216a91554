/* SPDX-License-Identifier: MIT */
#include "service/client.h"
#include "grow.h"
#include "service/gather.h"
#include "wait/clock.h"
#include <stdlib.h>
#include <string.h>

enum {
    CLIENT_SIZE = 256 * 1024,
    CLIENT_TIMEOUT_NS = 1000 * 1000 * 1000,
    CLIENT_CALLS = 1024,
    CLIENT_CALLS_MAX = FRAME_CALLS_MAX,
    CLIENT_OWNERS = 65, /* who serve, and we */
    /* Between two looks at the crew; and who spins for longer than the latter
     * is to be told sooner. */
    CLIENT_SLICE_NS = 50 * 1000 * 1000,
    SPIN_SLICE_NS = 5 * 1000 * 1000,
    /* How long one waits for space before it takes the answers that came. */
    SEND_SLICE_NS = 2 * 1000 * 1000,
};

/* ------------------------------------------------------------------ opening */

static const char *blame(const IpcClientOptions *o)
{
    const uint32_t known = IPC_OPEN_GROUP | IPC_OPEN_ANY_OWNER |
                           IPC_OPEN_HUGE_PAGES | IPC_OPEN_PREFAULT |
                           IPC_OPEN_LOCK_MEMORY;

    if (!grow_fits(o, sizeof *o))
        return "options.struct_size is not sizeof(IpcClientOptions), or of "
               "newer headers with something set that this library does not "
               "know";
    if (o->flags & ~known)
        return "options.flags has a flag that a client cannot have: see "
               "IpcClientOptions";
    if (o->max_calls > CLIENT_CALLS_MAX)
        return "options.max_calls is above 4096: open more clients";
    for (size_t i = 0; i < sizeof o->reserved / sizeof o->reserved[0]; i++)
        if (o->reserved[i])
            return "a reserved member of the options is not 0: initialise all";
    return NULL;
}

static void take_options(struct IpcClient *c, const IpcClientOptions *o)
{
    const IpcOpenOptions common = {
        .struct_size = sizeof common,
        .flags = o->flags & IPC_OPEN_ANY_OWNER,
        .timeout_ns = CLIENT_TIMEOUT_NS,
        .configuration = {.wait = o->wait, .spin_ns = o->spin_ns},
    };
    const uint64_t patience = o->timeout_ns ? o->timeout_ns : CLIENT_TIMEOUT_NS;

    c->options.requests = common;
    c->options.requests.flags |= IPC_OPEN_CONNECT_ONLY;
    c->options.answers = common;
    c->options.answers.flags = o->flags | IPC_OPEN_EXCLUSIVE;
    c->options.answers.mode = o->mode;
    c->options.answers.group = o->group;
    c->options.answers.size =
        frame_size_for(o->size ? o->size : CLIENT_SIZE, CLIENT_OWNERS);
    c->options.answers.configuration.flags = IPC_BUFFER_ONE_CONSUMER;
    c->options.answers.configuration.max_owners = CLIENT_OWNERS;
    c->options.patience = patience > INT64_MAX ? INT64_MAX : (int64_t)patience;
    c->slice = o->spin_ns > SPIN_SLICE_NS && o->spin_ns != IPC_CHANNEL_NO_SPIN
                   ? SPIN_SLICE_NS
                   : CLIENT_SLICE_NS;
}

static void make_lock(struct IpcClient *c)
{
    pthread_condattr_t monotonic;

    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static struct IpcClient *make(const char *name, const IpcClientOptions *o)
{
    struct IpcClient *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->options.service = strdup(name);
    if (!c->options.service ||
        !call_make_table(&c->calls,
                         o->max_calls ? o->max_calls : CLIENT_CALLS)) {
        free(c->options.service);
        free(c);
        return NULL;
    }
    make_lock(c);
    take_options(c, o);
    c->token = process_token();
    c->clock = process_self().time_namespace;
    return c;
}

static void unmake(struct IpcClient *c)
{
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    call_free_table(&c->calls);
    free(c->options.service);
    free(c);
}

IpcStatus client_open(const char *name, const IpcClientOptions *options,
                      struct IpcClient **client, IpcOpenError *body,
                      const char **detail)
{
    const IpcClientOptions defaults = {.struct_size = sizeof defaults};
    const IpcClientOptions *o = options ? options : &defaults;
    const char *why = blame(o);
    IpcStatus status = frame_check_name(name, detail);
    struct IpcClient *c;

    if (status == IPC_OK && why) {
        *detail = why;
        status = IPC_ERR_INVALID_ARGUMENT;
    }
    if (status != IPC_OK)
        return status;
    c = make(name, o);
    if (!c) {
        *detail = "malloc failed: no memory for the handle";
        return IPC_ERR_ALLOCATION;
    }
    status = link_open(&c->link, &c->options, clock_after(c->options.patience),
                       body, detail);
    if (status == IPC_OK)
        *client = c;
    else
        unmake(c);
    return status;
}

bool client_is_ours(const struct IpcClient *c)
{
    return c->token == process_token();
}

/* In a child a thread of the parent may have held the lock. */
void client_destroy(struct IpcClient *c)
{
    link_close(&c->link, &c->options, !client_is_ours(c));
    unmake(c);
}

/* ---------------------------------------------------------------- the link */

static IpcStatus connect_anew(struct IpcClient *c, int64_t deadline,
                              struct client_error *error)
{
    const int64_t until =
        clock_earlier(deadline, clock_after(c->options.patience));
    struct link link = c->link;
    IpcOpenError body = {0};
    IpcStatus status;

    c->link = (struct link){0};
    c->connecting = true;
    pthread_mutex_unlock(&c->lock);
    link_close(&link, &c->options, false);
    status = link_open(&link, &c->options, until, &body, &error->detail);
    pthread_mutex_lock(&c->lock);
    c->connecting = false;
    c->is_over = status != IPC_OK;
    if (status == IPC_OK)
        c->link = link;
    gather_tell(c);
    error->body.sys_errno = body.sys_errno;
    return status == IPC_ERR_NOT_FOUND ? IPC_ERR_SERVER_DEAD : status;
}

/* IPC_OK: there is a link, as far as we know. */
static IpcStatus ensure_link(struct IpcClient *c, int64_t deadline,
                             struct client_error *error)
{
    while (c->is_over || !c->link.requests) {
        if (!c->connecting && c->outside == 0)
            return connect_anew(c, deadline, error);
        if (clock_is_past(deadline))
            return IPC_ERR_TIMEOUT;
        gather_wait_for_others(c, deadline);
    }
    return IPC_OK;
}

/* ----------------------------------------------------------------- sending */

static bool is_for_later(IpcStatus status)
{
    return status == IPC_ERR_NO_SPACE_CONTIGUOUS || status == IPC_ERR_LOCKED ||
           status == IPC_ERR_TIMEOUT || status == IPC_ERR_INTERRUPTED;
}

static IpcStatus write_waiting(struct IpcClient *c,
                               const struct frame_request *head,
                               const void *data, size_t size)
{
    IpcChannel *requests = c->link.requests;
    IpcStatus status;

    c->outside++;
    pthread_mutex_unlock(&c->lock);
    status = frame_write_until(
        requests, head, sizeof *head, data, size,
        clock_earlier(head->deadline, clock_after(SEND_SLICE_NS)));
    if (status == IPC_ERR_INTERRUPTED)
        ipc_channel_clear_interrupt(requests);
    pthread_mutex_lock(&c->lock);
    c->outside--;
    gather_tell(c);
    return status;
}

/* There was no space. */
static IpcStatus write_patiently(struct IpcClient *c,
                                 const struct frame_request *head,
                                 const void *data, size_t size)
{
    IpcStatus status = IPC_ERR_NO_SPACE_CONTIGUOUS;

    while (is_for_later(status)) {
        /* Who serves may wait for space, too: for us to take its answers. */
        gather_answers(c, NULL);
        gather_look(c, clock_now());
        if (c->is_over)
            return crew_status(c->link.crew.state);
        if (clock_is_past(head->deadline))
            return IPC_ERR_TIMEOUT;
        if (c->interrupted) {
            c->interrupted = false;
            return IPC_ERR_INTERRUPTED;
        }
        status = write_waiting(c, head, data, size);
    }
    return status;
}

static IpcStatus write_request(struct IpcClient *c, struct call *call,
                               const void *data, size_t size)
{
    const struct frame_request head = {
        .client = c->link.number,
        .call = call->number,
        .deadline = call->deadline,
        .clock = c->clock,
        .kind = FRAME_FORM | FRAME_CALL,
    };
    IpcStatus status;

    call->before = protocol_tail(&c->link.requests->buffer.ring);
    status = frame_write(c->link.requests, &head, sizeof head, data, size);
    return is_for_later(status) ? write_patiently(c, &head, data, size)
                                : status;
}

/* True: nobody has the request, and there may be somebody else. */
static bool begins_anew(struct IpcClient *c, IpcStatus status)
{
    if (status != IPC_ERR_CLOSED && status != IPC_ERR_FORMATTED_ANEW)
        return false;
    /* Those that were sent before are still answered. */
    if (status == IPC_ERR_CLOSED && c->calls.sent.first)
        return false;
    gather_end_calls(c, true, IPC_ERR_SERVER_DEAD);
    c->is_over = true;
    return true;
}

static IpcStatus send_call(struct IpcClient *c, const void *data, size_t size,
                           int64_t deadline, struct call **sent,
                           struct client_error *error)
{
    IpcStatus status;

    /* Who served may have been replaced while we were idle. */
    gather_look(c, clock_roughly_now());
    do {
        struct call *call;

        status = ensure_link(c, deadline, error);
        if (status != IPC_OK)
            return status;
        call = call_new(&c->calls, deadline);
        if (!call) {
            error->detail = "options.max_calls calls are sent and not "
                            "collected: collect or cancel some first";
            return IPC_ERR_NO_SPACE_CONTIGUOUS;
        }
        status = write_request(c, call, data, size);
        *sent = call;
        if (status == IPC_OK)
            return status;
        if (status == IPC_ERR_ENTRY_TOO_LARGE)
            error->body.required_size =
                ipc_channel_max_entry_size(c->link.requests) -
                sizeof(struct frame_request);
        call_drop(&c->calls, call);
    } while (begins_anew(c, status));
    return status;
}

/* -------------------------------------------------------------- the calls */

IpcStatus client_send(struct IpcClient *c, const void *data, size_t size,
                      int64_t deadline, IpcCall *number,
                      struct client_error *error)
{
    struct call *call;
    IpcStatus status;

    pthread_mutex_lock(&c->lock);
    status = send_call(c, data, size, deadline, &call, error);
    if (status == IPC_OK)
        *number = call->number;
    pthread_mutex_unlock(&c->lock);
    return status;
}

static IpcStatus collect(struct IpcClient *c, struct call *call,
                         IpcAnswer *dest, int64_t until,
                         struct client_error *error)
{
    IpcStatus status;

    error->body.call = call->number;
    call->awaited = true;
    call->dest = dest;
    status = gather_wait(c, call, until);
    call->awaited = false;
    if (status == IPC_OK)
        status =
            call_collect(&c->calls, call, dest, &error->body.required_size);
    call->dest = NULL;
    return status;
}

static struct call *find(const struct IpcClient *c, IpcCall number)
{
    struct call *call = call_find(&c->calls, number);

    return call && !call->awaited ? call : NULL;
}

static const char no_call[] =
    "no such call is under way: it was collected or cancelled, another thread "
    "waits for it, or it is another client's";

IpcStatus client_collect(struct IpcClient *c, IpcCall number, IpcAnswer *dest,
                         int64_t until, struct client_error *error)
{
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;
    struct call *call;

    pthread_mutex_lock(&c->lock);
    call = find(c, number);
    error->detail = no_call;
    if (call) {
        error->detail = NULL;
        status = collect(c, call, dest, until, error);
    }
    pthread_mutex_unlock(&c->lock);
    return status;
}

IpcStatus client_collect_any(struct IpcClient *c, IpcAnswer *dest,
                             int64_t until, struct client_error *error)
{
    struct call *call;
    IpcStatus status;

    pthread_mutex_lock(&c->lock);
    status = gather_wait(c, NULL, until);
    call = gather_first_over(c);
    if (status == IPC_OK && call) {
        error->body.call = call->number;
        status =
            call_collect(&c->calls, call, dest, &error->body.required_size);
    }
    pthread_mutex_unlock(&c->lock);
    return status;
}

IpcStatus client_call(struct IpcClient *c, const void *data, size_t size,
                      int64_t deadline, IpcAnswer *dest,
                      struct client_error *error)
{
    struct call *call;
    IpcStatus status;

    pthread_mutex_lock(&c->lock);
    status = send_call(c, data, size, deadline, &call, error);
    if (status == IPC_OK)
        status = collect(c, call, dest, INT64_MAX, error);
    pthread_mutex_unlock(&c->lock);
    return status;
}

/* --------------------------------------------------------------- from aside */

/* Lets whoever waits look again. */
static void rouse(struct IpcClient *c)
{
    if (c->outside > 0) {
        ipc_channel_interrupt(c->link.answers);
        ipc_channel_interrupt(c->link.requests);
    }
    gather_tell(c);
}

IpcStatus client_cancel(struct IpcClient *c, IpcCall number)
{
    struct call *call;

    pthread_mutex_lock(&c->lock);
    call = call_find(&c->calls, number);
    if (call && !call->awaited) {
        call_drop(&c->calls, call);
    } else if (call && call->state == CALL_SENT) {
        call_end(&c->calls, call, IPC_ERR_CANCELLED);
        rouse(c);
    }
    pthread_mutex_unlock(&c->lock);
    return call ? IPC_OK : IPC_ERR_INVALID_ARGUMENT;
}

void client_interrupt(struct IpcClient *c)
{
    pthread_mutex_lock(&c->lock);
    c->interrupted = true;
    rouse(c);
    pthread_mutex_unlock(&c->lock);
}

IpcChannel *client_answers(struct IpcClient *c)
{
    IpcChannel *answers;

    pthread_mutex_lock(&c->lock);
    answers = c->link.answers;
    pthread_mutex_unlock(&c->lock);
    return answers;
}
