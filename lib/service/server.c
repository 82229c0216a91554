/* SPDX-License-Identifier: MIT */
#include "service/server.h"
#include "cancel.h"
#include "channel/receive.h"
#include "grow.h"
#include "service/door.h"
#include "wait/clock.h"
#include <stdlib.h>
#include <string.h>

enum {
    SWEEP_NS = 100 * 1000 * 1000,
    RECEIVES_PER_CLOCK = 64,
    FIRST_ROOM = 512, /* bytes of a request's memory */
    SERVER_SIZE = 1 << 20,
    SERVER_TIMEOUT_NS = 1000 * 1000 * 1000,
    SERVER_PATIENCE_NS = 10 * 1000 * 1000,
    SERVER_CLIENTS = 256,
    SERVER_CLIENTS_MAX = 4000,
    SERVER_PROCESSES = 64, /* that serve, at the same time */
    /* For a channel of answers that is being made, or removed. */
    OPEN_WAIT_NS = 5 * 1000 * 1000,
    OPEN_PAUSE_NS = 100 * 1000,
};

/* ------------------------------------------------------------------ opening */

static const char *blame(const IpcServiceOptions *o)
{
    const uint32_t known = IPC_OPEN_EXCLUSIVE | IPC_OPEN_GROUP |
                           IPC_OPEN_ANY_OWNER | IPC_OPEN_HUGE_PAGES |
                           IPC_OPEN_PREFAULT | IPC_OPEN_LOCK_MEMORY;

    if (!grow_fits(o, sizeof *o))
        return "options.struct_size is not sizeof(IpcServiceOptions), or of "
               "newer headers with something set that this library does not "
               "know";
    if (o->flags & ~known)
        return "options.flags has a flag that a service cannot have: see "
               "IpcServiceOptions";
    if (o->max_clients > SERVER_CLIENTS_MAX)
        return "options.max_clients is above 4000: open a service for each "
               "part of the clients";
    for (size_t i = 0; i < sizeof o->reserved / sizeof o->reserved[0]; i++)
        if (o->reserved[i])
            return "a reserved member of the options is not 0: initialise all";
    return NULL;
}

static IpcOpenOptions channel_options(const IpcServiceOptions *o)
{
    const uint32_t clients = o->max_clients ? o->max_clients : SERVER_CLIENTS;

    return (IpcOpenOptions){
        .struct_size = sizeof(IpcOpenOptions),
        .flags = o->flags & ~IPC_OPEN_EXCLUSIVE,
        .mode = o->mode,
        .size = frame_size_for(o->size ? o->size : SERVER_SIZE,
                               clients + SERVER_PROCESSES),
        .timeout_ns = o->timeout_ns ? o->timeout_ns : SERVER_TIMEOUT_NS,
        .group = o->group,
        .configuration = {.flags = IPC_BUFFER_KNOWS_CONSUMERS,
                          .max_owners = clients + SERVER_PROCESSES,
                          .wait = o->wait,
                          .spin_ns = o->spin_ns},
    };
}

/* Of the answers' channels, which the clients make. */
static IpcOpenOptions answers_options(const IpcServiceOptions *o)
{
    return (IpcOpenOptions){
        .struct_size = sizeof(IpcOpenOptions),
        .flags = IPC_OPEN_CONNECT_ONLY | (o->flags & IPC_OPEN_ANY_OWNER),
        .timeout_ns = PEER_OPEN_ONCE_NS,
        .configuration = {.options = IPC_CHANNEL_REPORT_DEAD_CONSUMERS,
                          .spin_ns = o->spin_ns},
    };
}

static int64_t patience_of(const IpcServiceOptions *o)
{
    if (o->patience_ns == UINT64_MAX)
        return 0;
    if (o->patience_ns > INT64_MAX)
        return INT64_MAX;
    return o->patience_ns ? (int64_t)o->patience_ns : SERVER_PATIENCE_NS;
}

static struct IpcService *make(const char *name, const IpcServiceOptions *o)
{
    struct IpcService *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->name = strdup(name);
    if (!s->name) {
        free(s);
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    s->peers.service = s->name;
    s->peers.options = answers_options(o);
    s->peers.patience = patience_of(o);
    s->peers.max = o->max_clients ? o->max_clients : SERVER_CLIENTS;
    s->clock = process_self().time_namespace;
    return s;
}

static void unmake(struct IpcService *s)
{
    pthread_mutex_destroy(&s->lock);
    free(s->name);
    free(s);
}

IpcStatus server_open(const char *name, const IpcServiceOptions *options,
                      struct IpcService **service, IpcOpenError *body,
                      const char **detail)
{
    const IpcServiceOptions defaults = {.struct_size = sizeof defaults};
    const IpcServiceOptions *o = options ? options : &defaults;
    IpcStatus status = frame_check_name(name, detail);
    const char *why = blame(o);
    IpcOpenOptions channel;

    if (status == IPC_OK && why) {
        *detail = why;
        status = IPC_ERR_INVALID_ARGUMENT;
    }
    if (status != IPC_OK)
        return status;
    *service = make(name, o);
    if (!*service) {
        *detail = "malloc failed: no memory for the handle";
        return IPC_ERR_ALLOCATION;
    }
    channel = channel_options(o);
    status = door_enter(name, &channel, o->flags & IPC_OPEN_EXCLUSIVE,
                        &(*service)->requests, body, detail);
    if (status != IPC_OK)
        unmake(*service);
    return status;
}

/* ---------------------------------------------------------------- requests */

static struct request *new_request(void)
{
    struct request *r = calloc(1, sizeof *r);

    if (r)
        r->bytes = malloc(FIRST_ROOM);
    if (r && !r->bytes) {
        free(r);
        return NULL;
    }
    if (r)
        r->room = FIRST_ROOM;
    return r;
}

static struct request *take_spare(struct IpcService *s)
{
    struct request *r;

    pthread_mutex_lock(&s->lock);
    r = s->spare;
    if (r)
        s->spare = r->after;
    pthread_mutex_unlock(&s->lock);
    return r ? r : new_request();
}

/* With the lock held. */
static void put_spare(struct IpcService *s, struct request *r)
{
    r->after = s->spare;
    s->spare = r;
}

static void enlist(struct IpcService *s, struct request *r)
{
    r->is_open = true;
    r->token = process_token();
    r->before = NULL;
    r->after = s->open;
    if (s->open)
        s->open->before = r;
    s->open = r;
}

static void delist(struct IpcService *s, struct request *r)
{
    *(r->before ? &r->before->after : &s->open) = r->after;
    if (r->after)
        r->after->before = r->before;
    put_spare(s, r);
}

static bool make_larger(struct request *r, uint64_t size)
{
    unsigned char *more =
        size <= SIZE_MAX ? realloc(r->bytes, (size_t)size) : NULL;

    if (!more)
        return false;
    r->bytes = more;
    r->room = (size_t)size;
    return true;
}

static bool is_late(const struct IpcService *s,
                    const struct frame_request *head)
{
    return head->deadline != INT64_MAX && head->clock == s->clock &&
           clock_now() >= head->deadline;
}

/* What is in `r`, `size` bytes. True: a request to be received. With the lock
 * held. */
static bool sort_out(struct IpcService *s, struct request *r, size_t size)
{
    struct frame_request head;

    if (size < sizeof head) {
        s->stats.malformed++;
        return false;
    }
    memcpy(&head, r->bytes, sizeof head);
    if (head.client != 0 && head.kind == (FRAME_FORM | FRAME_HELLO)) {
        peer_expect(&s->peers, head.client);
        return false;
    }
    if (head.client != 0 && head.kind == (FRAME_FORM | FRAME_BYE)) {
        peer_leaves(&s->peers, head.client);
        return false;
    }
    if (head.client == 0 || head.call == 0 ||
        head.kind != (FRAME_FORM | FRAME_CALL)) {
        s->stats.malformed++;
        return false;
    }
    if (is_late(s, &head)) {
        s->stats.expired++;
        return false;
    }
    r->shown = (IpcRequest){
        .payload = r->bytes + sizeof head,
        .size = size - sizeof head,
        .client = head.client,
        .call = head.call,
        .deadline_ns = head.clock == s->clock ? head.deadline : INT64_MAX,
    };
    s->stats.received++;
    enlist(s, r);
    return true;
}

/* ---------------------------------------------------------------- receiving */

static void sweep(struct IpcService *s)
{
    int64_t now = clock_now();

    pthread_mutex_lock(&s->lock);
    if (now >= (int64_t)atomic_hint(&s->next_sweep)) {
        atomic_set_hint(&s->next_sweep, (uint64_t)(now + SWEEP_NS));
        peer_sweep(&s->peers);
    }
    pthread_mutex_unlock(&s->lock);
}

static void sweep_sometimes(struct IpcService *s)
{
    uint32_t looks = atomic_hint(&s->looks) + 1;

    atomic_set_hint(&s->looks, looks);
    if (looks % RECEIVES_PER_CLOCK == 0)
        sweep(s);
}

/* One entry into the request's memory; *size is how large it is. For at most a
 * sweep's time, so that clients that died are noticed. */
static IpcStatus read_one(struct IpcService *s, struct request *r,
                          int64_t until, size_t *size)
{
    IpcEntry entry = {.payload = r->bytes, .size = r->room};
    IpcBufferReadError error = {0};
    IpcStatus status;

    if (until == 0) {
        struct block block = block_never(s->requests, WAIT_READERS);

        status = receive_entry(&block, &entry, &error);
    } else {
        status = receive_slice(s->requests, &entry, until, SWEEP_NS, &error);
    }
    *size = entry.size;
    if (status != IPC_ERR_TOO_SMALL)
        return status;
    return make_larger(r, error.required_size) ? IPC_ERR_LOCKED
                                               : IPC_ERR_ALLOCATION;
}

/* After a look that gave no entry: whether to look again. */
static bool goes_on(struct IpcService *s, int64_t until, IpcStatus *status)
{
    switch (*status) {
    case IPC_ERR_LOCKED: /* or there is more room now */
        return true;
    case IPC_ERR_INTERRUPTED:
        /* First: who interrupts once more is told so by the next wait.
         * Relaxed: the channel's own interrupt orders it. */
        ipc_channel_clear_interrupt(s->requests);
        return !atomic_swap_relaxed(&s->interrupted, 0);
    case IPC_EMPTY:
    case IPC_ERR_NOT_READY:
    case IPC_ERR_TIMEOUT:
        sweep(s);
        *status = IPC_ERR_TIMEOUT;
        return until != 0 && !clock_is_past(until);
    default:
        return false;
    }
}

IpcStatus server_receive(struct IpcService *s, int64_t until,
                         struct request **request)
{
    struct request *r = take_spare(s);
    IpcStatus status;

    if (!r)
        return IPC_ERR_ALLOCATION;
    sweep_sometimes(s);
    do {
        size_t size;

        status = read_one(s, r, until, &size);
        if (status == IPC_OK) {
            bool is_request;

            pthread_mutex_lock(&s->lock);
            is_request = sort_out(s, r, size);
            pthread_mutex_unlock(&s->lock);
            if (is_request) {
                *request = r;
                return IPC_OK;
            }
        }
    } while (status == IPC_OK || goes_on(s, until, &status));
    pthread_mutex_lock(&s->lock);
    put_spare(s, r);
    pthread_mutex_unlock(&s->lock);
    return status;
}

void server_interrupt(struct IpcService *s)
{
    /* Relaxed: see goes_on(). */
    atomic_put_relaxed(&s->interrupted, 1);
    ipc_channel_interrupt(s->requests);
}

/* ---------------------------------------------------------------- answering */

/* To a peer that was got, without the lock. */
static IpcStatus deliver(const struct peer *peer,
                         const struct frame_answer *head, const void *data,
                         size_t size, int64_t patience, uint64_t *limit)
{
    IpcStatus status = peer_write(peer, head, data, size, patience);
    struct frame_answer why = *head;
    uint64_t needed = size;

    if (status != IPC_ERR_ENTRY_TOO_LARGE)
        return status;
    *limit = ipc_channel_max_entry_size(peer->answers) - sizeof *head;
    why.status = IPC_ERR_ENTRY_TOO_LARGE;
    status = peer_write(peer, &why, &needed, sizeof needed, patience);
    return status == IPC_OK ? IPC_ERR_ENTRY_TOO_LARGE : status;
}

/* What was learnt of the peer. With the lock held. */
static void conclude(struct IpcService *s, struct peer *peer, uint64_t call,
                     IpcStatus status)
{
    if (status == IPC_OK)
        s->stats.answered++;
    else
        s->stats.dropped++;
    if (status == IPC_OK)
        peer->choked = false;
    else if (status == IPC_ERR_NO_SPACE_CONTIGUOUS)
        peer_lose(peer, call);
}

/* Whoever holds the channel up is waited for without the lock: others may
 * answer, and sweep, meanwhile. */
static IpcStatus get_peer(struct IpcService *s, uint64_t client,
                          struct peer **peer, int *sys_errno)
{
    IpcStatus status = peer_get(&s->peers, client, peer, sys_errno);
    int64_t end;
    int state;

    if (status != IPC_ERR_INITIALIZING)
        return status;
    state = cancel_disable();
    end = clock_after(OPEN_WAIT_NS);
    while (status == IPC_ERR_INITIALIZING && !clock_is_past(end)) {
        pthread_mutex_unlock(&s->lock);
        clock_sleep_until(clock_after(OPEN_PAUSE_NS));
        pthread_mutex_lock(&s->lock);
        status = peer_get(&s->peers, client, peer, sys_errno);
    }
    cancel_restore(state);
    return status;
}

static IpcStatus answer(struct IpcService *s, const struct frame_answer *head,
                        uint64_t client, const void *data, size_t size,
                        IpcServiceError *body)
{
    struct peer *peer;
    int64_t patience;
    IpcStatus status = get_peer(s, client, &peer, &body->sys_errno);

    if (status != IPC_OK) {
        s->stats.dropped++;
        return status;
    }
    patience = peer->choked ? 0 : s->peers.patience;
    pthread_mutex_unlock(&s->lock);
    status = deliver(peer, head, data, size, patience, &body->limit);
    pthread_mutex_lock(&s->lock);
    conclude(s, peer, head->call, status);
    peer_put(&s->peers, peer);
    return status;
}

IpcStatus server_end(struct IpcService *s, struct request *r, IpcStatus with,
                     const void *data, size_t size, IpcServiceError *body)
{
    const struct frame_answer head = {r->shown.call, with, FRAME_FORM};
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;

    pthread_mutex_lock(&s->lock);
    if (r->is_open) {
        r->is_open = false;
        status = answer(s, &head, r->shown.client, data, size, body);
        delist(s, r);
    }
    pthread_mutex_unlock(&s->lock);
    return status;
}

bool server_is_wanted(struct IpcService *s, const struct request *r)
{
    struct peer *peer;
    IpcStatus status;
    int error;
    bool wanted;

    if (clock_is_past(r->shown.deadline_ns))
        return false;
    pthread_mutex_lock(&s->lock);
    status = peer_get(&s->peers, r->shown.client, &peer, &error);
    wanted = status == IPC_ERR_INITIALIZING; /* not known yet */
    if (status == IPC_OK) {
        wanted = !peer_is_over(peer);
        peer_put(&s->peers, peer);
    }
    pthread_mutex_unlock(&s->lock);
    return wanted;
}

void server_figures(struct IpcService *s, IpcServiceStats *dest)
{
    const size_t size = dest->struct_size;

    pthread_mutex_lock(&s->lock);
    *dest = s->stats;
    dest->clients = s->peers.count;
    pthread_mutex_unlock(&s->lock);
    dest->struct_size = size;
    memset((unsigned char *)dest + sizeof *dest, 0, size - sizeof *dest);
}

/* ------------------------------------------------------------------- ending */

/* Those that a forked child inherited are its parent's to answer. */
static void refuse_open(struct IpcService *s)
{
    IpcServiceError body;
    struct request *next;

    for (struct request *r = s->open; r; r = next) {
        next = r->after;
        if (r->token == process_token())
            server_end(s, r, IPC_ERR_CLOSED, NULL, 0, &body);
    }
}

/* What nobody will receive any more. */
static void refuse_waiting(struct IpcService *s)
{
    struct request *r;

    while (server_receive(s, 0, &r) == IPC_OK)
        refuse_open(s);
}

static void settle(void *user, bool closed)
{
    struct IpcService *s = user;

    s->peers.patience = 0;
    refuse_open(s);
    if (closed)
        refuse_waiting(s);
    peer_forget_all(&s->peers);
}

static void free_all(struct request *r)
{
    while (r) {
        struct request *next = r->after;

        free(r->bytes);
        free(r);
        r = next;
    }
}

void server_destroy(struct IpcService *s)
{
    door_leave(s->requests, settle, s);
    free_all(s->spare);
    free_all(s->open);
    unmake(s);
}
