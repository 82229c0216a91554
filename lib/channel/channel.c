/* SPDX-License-Identifier: MIT */
/*
 * Policy around a buffer: what to try again, how long to sleep, when to repair,
 * whom to wake. The public calls are in channel_api.c.
 */
#include "channel/channel.h"
#include "buffer/hot.h"
#include <sched.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Calls that do not wait look for dead producers at every so many
     * answers in a row that could be their doing: who polls gets that many
     * while one larger entry is being written. */
    STUCK_ANSWERS_PER_RECOVERY = 256,
    /* An entry that is claimed but not committed: look again this soon. */
    STUCK_SLEEP_NS = 1000 * 1000,
    /* What a sleep and a wake-up cost: then spinning in vain at most doubles
     * the cost. docs/design.md has the figures. */
    DEFAULT_SPIN_NS = 20000,
    LOOKS_PER_CLOCK = 8,
};

static bool configuration_is_possible(const IpcChannelConfiguration *c)
{
    if (c->max_round_trips == 0 || c->start_sleep_ns <= 0 ||
        c->max_sleep_ns < c->start_sleep_ns || c->reserved32 ||
        (c->options & ~IPC_CHANNEL_REPORT_DEAD_PRODUCERS))
        return false;
    for (size_t i = 0; i < sizeof c->reserved / sizeof c->reserved[0]; i++)
        if (c->reserved[i])
            return false;
    return true;
}

/* Nanoseconds to spin. Where there is one CPU, whom we wait for cannot run
 * meanwhile; a process that is bound to one may have its peer on another, but
 * should say so. */
static int64_t spin_time(uint32_t configured)
{
    cpu_set_t usable;

    if (configured == IPC_CHANNEL_NO_SPIN || sysconf(_SC_NPROCESSORS_ONLN) == 1)
        return 0;
    if (configured)
        return configured;
    CPU_ZERO(&usable);
    if (sched_getaffinity(0, sizeof usable, &usable) == 0 &&
        CPU_COUNT(&usable) == 1)
        return 0;
    return DEFAULT_SPIN_NS;
}

IpcStatus channel_configure(struct IpcChannel *ch,
                            const IpcChannelConfiguration *c,
                            const char **detail)
{
    IpcStatus status;

    *detail = "the configuration is impossible: max_round_trips and "
              "start_sleep_ns are at least 1, max_sleep_ns at least "
              "start_sleep_ns, wait is an IpcWait, and unknown options and "
              "the reserved members are 0";
    if (!configuration_is_possible(c))
        return IPC_ERR_INVALID_ARGUMENT;
    memset(ch, 0, sizeof *ch);
    ch->max_round_trips = c->max_round_trips;
    ch->start_sleep = c->start_sleep_ns;
    ch->max_sleep = c->max_sleep_ns;
    ch->spin = spin_time(c->spin_ns);
    ch->report_dead = c->options & IPC_CHANNEL_REPORT_DEAD_PRODUCERS;
    status = wait_open(&ch->waiter, c->wait);
    if (status == IPC_ERR_UNSUPPORTED)
        *detail = "this way of waiting was not built, or the running kernel "
                  "lacks it: use IPC_WAIT_DEFAULT";
    return status;
}

static IpcStatus enter(struct IpcChannel *ch, IpcStatus status,
                       const char **detail)
{
    if (status == IPC_OK &&
        !wait_declare_deaf(&ch->waiter, ch->buffer.region)) {
        status = IPC_ERR_ILLEGAL_STATE;
        *detail = "a reader polls this channel's eventfd, which a handle made "
                  "by connect could not signal: get it by ipc_channel_accept, "
                  "or inherit it";
    }
    if (status != IPC_OK)
        wait_close(&ch->waiter);
    return status;
}

IpcStatus channel_create(struct IpcChannel *ch, void *mem, size_t size,
                         const IpcBufferOptions *options,
                         IpcBufferCreateError *body, const char **detail)
{
    const struct wait_backend *backend = ch->waiter.backend;
    IpcStatus status = backend->create ? backend->create(&ch->waiter) : IPC_OK;

    if (status == IPC_OK)
        status = handle_create(&ch->buffer, mem, size, options, body, detail);
    else
        *detail = "the channel's eventfd could not be made: see errno";
    return enter(ch, status, detail);
}

IpcStatus channel_join(struct IpcChannel *ch, void *mem, size_t size,
                       uint64_t *needed, const char **detail)
{
    return enter(ch, handle_attach(&ch->buffer, mem, size, needed, detail),
                 detail);
}

void channel_leave(struct IpcChannel *ch)
{
    handle_close(&ch->buffer);
    wait_close(&ch->waiter);
}

static inline void notify(struct IpcChannel *ch, enum wait_side side)
{
    wait_notify(&ch->waiter, ch->buffer.region, side);
}

/* After a call that only the side's one waker can have made with success. */
static inline void notify_as_waker(struct IpcChannel *ch, enum wait_side side)
{
    struct shm_region *region = ch->buffer.region;
    atomic_u32 *looks = &ch->fenced_looks[side];

    /* Relaxed: one thread at a time, by contract. */
    if (__builtin_expect(atomic_get_relaxed(looks) != 0, 0))
        wait_notify_fenced(&ch->waiter, region, side, looks);
    else if (wait_notify(&ch->waiter, region, side) &&
             channel_has_one_waker(ch, side))
        wait_fence_on(region, side, looks);
}

/* After all others, who may not be that one, nor have passed a fence. */
static void notify_fencing(struct IpcChannel *ch, enum wait_side side)
{
    atomic_full_fence();
    notify(ch, side);
}

IpcStatus channel_recover(struct IpcChannel *ch, bool force, uint64_t *removed,
                          uint64_t *offset)
{
    IpcStatus status = recover_dead(&ch->buffer, force, removed, offset);

    /* What was behind it can be read now. */
    if (*removed)
        notify(ch, WAIT_READERS);
    return status;
}

/* True: something that dead producers left was removed. */
static bool repair(struct IpcChannel *ch)
{
    uint64_t removed;
    uint64_t offset;

    channel_recover(ch, false, &removed, &offset);
    return removed > 0;
}

/* --------------------------------------------------------------- waiting */

/* One try of what a caller waits for. */
typedef IpcStatus attempt_fn(struct IpcChannel *ch, void *what);

struct waiting {
    enum wait_side side;
    attempt_fn *attempt;
    void *what;
    int64_t round; /* ns: how long to sleep where nobody wakes us */
};

static bool is_transient(IpcStatus status)
{
    return status == IPC_EMPTY || status == IPC_ERR_NOT_READY ||
           status == IPC_ERR_LOCKED || status == IPC_ERR_NO_SPACE_CONTIGUOUS;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_round(const struct IpcChannel *ch, int64_t round)
{
    return round > ch->max_sleep / 2 ? ch->max_sleep : round * 2;
}

static bool is_past(int64_t time)
{
    return time != INT64_MAX && wait_now() >= time;
}

/* Tries for a short while without sleeping. */
static IpcStatus spin(struct IpcChannel *ch, struct waiting *w, int64_t until)
{
    IpcStatus status = IPC_EMPTY;

    do {
        for (int i = 0; i < LOOKS_PER_CLOCK; i++) {
            status = w->attempt(ch, w->what);
            if (!is_transient(status))
                return status;
            atomic_cpu_relax();
        }
    } while (wait_now() < until);
    return status;
}

/* Whether all that ever wrote and has not left is dead. */
static bool producers_are_dead(struct IpcChannel *ch, IpcStatus status,
                               enum wait_side side)
{
    return ch->report_dead && side == WAIT_READERS && status == IPC_EMPTY &&
           buffer_producers_are_dead(&ch->buffer);
}

static IpcStatus sleep_announced(struct IpcChannel *ch, struct waiting *w,
                                 int64_t until)
{
    struct shm_wait *wait = wait_of(ch->buffer.region, w->side);
    uint32_t seen = wait_announce(wait, wait_how(&ch->waiter, wait, w->side),
                                  channel_wakers_fence(ch, w->side));
    IpcStatus status = w->attempt(ch, w->what);
    int64_t now;

    /* Where others are faster there may be more: no time to sleep. */
    if (!is_transient(status) || status == IPC_ERR_LOCKED)
        return status;
    now = wait_now();
    if (read_is_stuck(&ch->buffer)) {
        if (repair(ch))
            return w->attempt(ch, w->what);
        until = earlier(until, now + STUCK_SLEEP_NS);
    } else if (producers_are_dead(ch, status, w->side)) {
        return IPC_ERR_PRODUCERS_DEAD;
    }
    if (ch->waiter.backend->announces == 0)
        until = earlier(until, now + w->round);
    wait_sleep(&ch->waiter, wait, w->side, seen,
               earlier(until, now + WAIT_CAP_NS));
    return w->attempt(ch, w->what);
}

static bool found_nothing(IpcStatus status)
{
    return status == IPC_EMPTY || status == IPC_ERR_NOT_READY;
}

/* Sleeps once, at most to `until`, unless a try after the announcement gives
 * an answer. */
static IpcStatus sleep_once(struct IpcChannel *ch, struct waiting *w,
                            int64_t until)
{
    bool took = wait_before(&ch->waiter, w->side);
    IpcStatus status = sleep_announced(ch, w, until);

    if (took && !found_nothing(status))
        wait_pass_on(&ch->waiter, w->side);
    return status;
}

/* Until there is an answer, or `until`; the status then is a transient one. A
 * sleep ends early for wakes meant for others and to look after the stuck. */
static IpcStatus wait_until(struct IpcChannel *ch, struct waiting *w,
                            int64_t until)
{
    IpcStatus status;

    do {
        status = sleep_once(ch, w, until);
        w->round = next_round(ch, w->round);
    } while (is_transient(status) && !is_past(until));
    return status;
}

/* Ends of relative timeouts; one beyond the clock's range is never. */
static bool deadline_of(const struct timespec *timeout, int64_t *deadline)
{
    const int64_t second = 1000000000;
    int64_t now;

    *deadline = INT64_MAX;
    if (!timeout)
        return true;
    if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 ||
        timeout->tv_nsec >= second)
        return false;
    now = wait_now();
    if (timeout->tv_sec < (INT64_MAX - now) / second - 1)
        *deadline = now + (int64_t)timeout->tv_sec * second + timeout->tv_nsec;
    return true;
}

static IpcStatus block_until(struct IpcChannel *ch, struct waiting *w,
                             const struct timespec *timeout)
{
    int64_t deadline;
    IpcStatus status;

    if (!deadline_of(timeout, &deadline))
        return IPC_ERR_INVALID_ARGUMENT;
    status = w->attempt(ch, w->what);
    if (is_transient(status) && ch->spin > 0)
        status = spin(ch, w, earlier(deadline, wait_now() + ch->spin));
    if (is_transient(status) && !is_past(deadline))
        status = wait_until(ch, w, deadline);
    return is_transient(status) ? IPC_ERR_TIMEOUT : status;
}

static IpcStatus block_rounds(struct IpcChannel *ch, struct waiting *w)
{
    int64_t round = ch->start_sleep;
    IpcStatus status = w->attempt(ch, w->what);

    if (is_transient(status) && ch->spin > 0)
        status = spin(ch, w, wait_now() + ch->spin);
    for (uint32_t i = 0; is_transient(status); i++) {
        if (i >= ch->max_round_trips &&
            ch->max_round_trips != IPC_CHANNEL_UNLIMITED_ROUND_TRIPS)
            return IPC_ERR_RETRY_LIMIT;
        w->round = round;
        status = wait_until(ch, w, wait_now() + round);
        round = next_round(ch, round);
    }
    return status;
}

/*
 * After an answer that a dead producer may be the reason of: removes what such
 * ones left if head stays where it is for many of them. True: something was
 * removed, try again.
 */
static bool repair_now_and_then(struct IpcChannel *ch)
{
    /* Relaxed: where head was at some moment. */
    uint64_t head = atomic_get_relaxed(&ch->buffer.ring.head->position);
    uint32_t answers = atomic_hint(&ch->stuck_answers) + 1;

    if (atomic_hint(&ch->stuck_at) != head) {
        atomic_set_hint(&ch->stuck_at, head);
        answers = 0;
    }
    atomic_set_hint(&ch->stuck_answers, answers);
    return answers != 0 && answers % STUCK_ANSWERS_PER_RECOVERY == 0 &&
           repair(ch);
}

/* ---------------------------------------------------------------- writes */

/* Without space a write may have left filler that a reader has to pass: by a
 * plain store, so that the fence of channel_wakers_fence() is ours. */
static inline void notify_sent(struct IpcChannel *ch, IpcStatus status)
{
    if (__builtin_expect(status == IPC_OK, 1))
        notify_as_waker(ch, WAIT_READERS);
    else
        notify_fencing(ch, WAIT_READERS);
}

static IpcStatus send_once(struct IpcChannel *ch, void *what)
{
    struct sending *s = what;
    struct IpcBuffer *b = &ch->buffer;
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;

    switch (s->kind) {
    case SENDING_DATA:
        status = write_entry(b, s->data, s->size);
        break;
    case SENDING_PIECES:
        status = write_pieces(b, s->data, s->count, &s->size);
        break;
    case SENDING_RESERVE:
        status = write_reserve(b, s->size, s->dest);
        break;
    case SENDING_BATCH:
        status = batch_write(b, s->data, s->count, &s->written, &s->size);
        break;
    case SENDING_ARRAY:
        status = batch_write_array(b, s->data, s->size, (size_t)s->count,
                                   &s->written);
        break;
    }
    notify_sent(ch, status);
    return status;
}

IpcStatus channel_write(struct IpcChannel *ch, const void *data, size_t size)
{
    IpcStatus status = write_plain(&ch->buffer, data, size)
                           ? IPC_OK
                           : write_entry(&ch->buffer, data, size);

    notify_sent(ch, status);
    if (__builtin_expect(status == IPC_ERR_NO_SPACE_CONTIGUOUS, 0) &&
        repair_now_and_then(ch)) {
        status = write_entry(&ch->buffer, data, size);
        notify_sent(ch, status);
    }
    return status;
}

IpcStatus channel_send(struct IpcChannel *ch, struct sending *what)
{
    IpcStatus status = send_once(ch, what);

    if (status == IPC_ERR_NO_SPACE_CONTIGUOUS && repair_now_and_then(ch))
        status = send_once(ch, what);
    return status;
}

IpcStatus channel_send_until(struct IpcChannel *ch, struct sending *what,
                             const struct timespec *timeout)
{
    struct waiting w = {WAIT_WRITERS, send_once, what, ch->start_sleep};

    return block_until(ch, &w, timeout);
}

IpcStatus channel_commit(struct IpcChannel *ch,
                         const IpcReservation *reservation, size_t size)
{
    IpcStatus status = write_commit(&ch->buffer, reservation, size);

    notify_sent(ch, status);
    return status;
}

IpcStatus channel_abort(struct IpcChannel *ch,
                        const IpcReservation *reservation)
{
    IpcStatus status = write_abort(&ch->buffer, reservation);

    /* Entries behind the reservation can be read now. The fence is what
     * channel_wakers_fence() promises. */
    notify_fencing(ch, WAIT_READERS);
    return status;
}

void channel_close(struct IpcChannel *ch)
{
    buffer_shut(&ch->buffer);
    /* As in channel_abort(). */
    notify_fencing(ch, WAIT_READERS);
    notify(ch, WAIT_WRITERS);
}

/* ----------------------------------------------------------------- reads */

/* Also without an entry a read may have passed filler and so made space. */
static inline void notify_taken(struct IpcChannel *ch, IpcStatus status)
{
    if (__builtin_expect(status >= 0, 1))
        notify_as_waker(ch, WAIT_WRITERS);
    else
        notify_fencing(ch, WAIT_WRITERS);
}

static IpcStatus read_once(struct IpcChannel *ch, void *what)
{
    struct request *q = what;
    struct IpcBuffer *b = &ch->buffer;
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;

    switch (q->kind) {
    case REQUEST_ALLOCATE:
        status = read_allocate(b, q->dest, &q->offset);
        break;
    case REQUEST_INTO:
        status = read_entry(b, q->dest, &q->offset, &q->needed);
        break;
    case REQUEST_PEEK:
        status = read_peek(b, q->dest, &q->offset);
        break;
    case REQUEST_BATCH:
        status = batch_read(b, q->dest, q->count, q->memory, q->size, &q->read,
                            &q->offset, &q->needed);
        break;
    case REQUEST_ARRAY:
        status = batch_read_array(b, q->memory, q->size, (size_t)q->count,
                                  &q->read, &q->offset, &q->needed);
        break;
    }
    notify_taken(ch, status);
    return status;
}

/* A poller sleeps out of our sight: what a sleeper looks after between two
 * short sleeps is looked after at once. */
static IpcStatus look_after_stuck(struct IpcChannel *ch, struct request *q)
{
    return repair(ch) ? read_once(ch, q) : IPC_ERR_NOT_READY;
}

/* A sleeper's steps but the sleep, which the application does in poll(). */
static IpcStatus arm_and_try(struct IpcChannel *ch, struct request *q)
{
    struct waiter *w = &ch->waiter;
    struct shm_wait *wait = wait_of(ch->buffer.region, WAIT_READERS);
    bool took = wait_before(w, WAIT_READERS);
    uint32_t seen = wait_announce(wait, wait_how(w, wait, WAIT_READERS),
                                  channel_wakers_fence(ch, WAIT_READERS));
    IpcStatus armed = w->backend->arm(w, wait, seen);
    IpcStatus status = read_once(ch, q);

    if (found_nothing(status) && read_is_stuck(&ch->buffer))
        status = look_after_stuck(ch, q);
    if (!found_nothing(status)) {
        if (took)
            wait_pass_on(w, WAIT_READERS);
        return status;
    }
    if (armed != IPC_OK)
        return armed;
    return producers_are_dead(ch, status, WAIT_READERS) ? IPC_ERR_PRODUCERS_DEAD
                                                        : status;
}

IpcStatus channel_try(struct IpcChannel *ch, struct request *q)
{
    IpcStatus status = read_once(ch, q);

    if (status == IPC_ERR_NOT_READY && repair_now_and_then(ch))
        status = read_once(ch, q);
    /* Relaxed: the thread that polls has asked for the descriptor before. */
    if (found_nothing(status) && atomic_get_relaxed(&ch->polled))
        status = arm_and_try(ch, q);
    return status;
}

IpcStatus channel_poll(struct IpcChannel *ch, int *fd, const char **detail)
{
    struct waiter *w = &ch->waiter;
    struct shm_wait *wait = wait_of(ch->buffer.region, WAIT_READERS);

    *detail = "this way of waiting has no descriptor: use IPC_WAIT_IO_URING "
              "or IPC_WAIT_EVENTFD";
    if (!w->backend->fd || !w->backend->arm)
        return IPC_ERR_UNSUPPORTED;
    *detail = "the handle has no descriptor: with IPC_WAIT_EVENTFD create, "
              "accept or inherit it";
    if (w->backend->announces == WAIT_BY_EVENT &&
        w->event_fds[WAIT_READERS] < 0)
        return IPC_ERR_ILLEGAL_STATE;
    *detail = "no descriptor could be made: see sys_errno";
    *fd = w->backend->fd(w);
    if (*fd < 0)
        return IPC_ERR_SYSTEM;
    *detail = "some handle of this channel was made by connect and cannot "
              "signal the eventfd: use ipc_channel_share for it, or "
              "IPC_WAIT_IO_URING here";
    if (w->backend->announces == WAIT_BY_EVENT &&
        !wait_declare_polled(ch->buffer.region))
        return IPC_ERR_ILLEGAL_STATE;
    /* Relaxed: other threads need not poll. */
    atomic_put_relaxed(&ch->polled, 1);
    *detail = "the wait could not be prepared";
    /* Readable at first, whatever there is: a loop begins by reading. */
    return w->backend->arm(w, wait, atomic_get_relaxed(&wait->sequence) - 1);
}

IpcStatus channel_read_rounds(struct IpcChannel *ch, struct request *q)
{
    struct waiting w = {WAIT_READERS, read_once, q, ch->start_sleep};

    return block_rounds(ch, &w);
}

IpcStatus channel_read_until(struct IpcChannel *ch, struct request *q,
                             const struct timespec *timeout)
{
    struct waiting w = {WAIT_READERS, read_once, q, ch->start_sleep};

    return block_until(ch, &w, timeout);
}

IpcStatus channel_skip(struct IpcChannel *ch, uint64_t offset, uint64_t *head)
{
    IpcStatus status = read_skip(&ch->buffer, offset, head);

    notify_taken(ch, status);
    return status;
}

IpcStatus channel_skip_force(struct IpcChannel *ch, uint64_t *offset)
{
    IpcStatus status = recover_skip(&ch->buffer, offset);

    notify_taken(ch, status);
    return status;
}
