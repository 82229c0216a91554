/* SPDX-License-Identifier: MIT */
/*
 * Policy around a buffer: what to try again, how long to sleep, when to repair,
 * whom to wake. The public calls are in channel_api.c.
 */
#include "channel.h"
#include <string.h>

enum {
    /* Calls that do not wait look for dead producers at every so many
     * answers in a row that could be their doing. */
    STUCK_ANSWERS_PER_RECOVERY = 64,
    /* An entry that is claimed but not committed: look again this soon. */
    STUCK_SLEEP_NS = 1000 * 1000,
};

static bool configuration_is_possible(const IpcChannelConfiguration *c)
{
    if (c->max_round_trips == 0 || c->start_sleep_ns <= 0 ||
        c->max_sleep_ns < c->start_sleep_ns || c->reserved32)
        return false;
    for (size_t i = 0; i < sizeof c->reserved / sizeof c->reserved[0]; i++)
        if (c->reserved[i])
            return false;
    return wait_backend_find(c->wait) != NULL;
}

const char *channel_configure(struct IpcChannel *ch,
                              const IpcChannelConfiguration *c)
{
    if (!configuration_is_possible(c))
        return "the configuration is impossible: max_round_trips and "
               "start_sleep_ns are at least 1, max_sleep_ns at least "
               "start_sleep_ns, wait is an IpcWait, and the reserved members "
               "are 0";
    memset(ch, 0, sizeof *ch);
    ch->max_round_trips = c->max_round_trips;
    ch->start_sleep = c->start_sleep_ns;
    ch->max_sleep = c->max_sleep_ns;
    ch->backend = wait_backend_find(c->wait);
    return NULL;
}

/* ---------------------------------------------------------------- writes */

static inline void notify(struct IpcChannel *ch)
{
    wait_notify(&ch->buffer.region->readers);
}

/*
 * After `status`, which a dead producer may be the reason of: now and then
 * removes what such ones left. True: something was, try again.
 */
static bool repair_now_and_then(struct IpcChannel *ch)
{
    uint64_t removed = 0;
    uint64_t offset;
    /* Relaxed: a count of this handle that may miss some. */
    uint32_t answers = atomic_get_relaxed(&ch->stuck_answers) + 1;

    atomic_put_relaxed(&ch->stuck_answers, answers);
    if (answers % STUCK_ANSWERS_PER_RECOVERY != 0)
        return false;
    buffer_recover(&ch->buffer, false, &removed, &offset);
    return removed > 0;
}

/* After a write or reserve that did not get space. It may have left filler
 * that a sleeping reader has to pass. */
static bool should_write_again(struct IpcChannel *ch, IpcStatus status)
{
    if (status != IPC_ERR_NO_SPACE_CONTIGUOUS)
        return false;
    notify(ch);
    return repair_now_and_then(ch);
}

IpcStatus channel_write(struct IpcChannel *ch, const void *data, size_t size)
{
    IpcStatus status = buffer_write(&ch->buffer, data, size);

    if (__builtin_expect(status != IPC_OK, 0)) {
        if (!should_write_again(ch, status))
            return status;
        status = buffer_write(&ch->buffer, data, size);
    }
    notify(ch);
    return status;
}

IpcStatus channel_writev(struct IpcChannel *ch, const struct iovec *pieces,
                         int count, size_t *size)
{
    IpcStatus status = buffer_writev(&ch->buffer, pieces, count, size);

    if (should_write_again(ch, status))
        status = buffer_writev(&ch->buffer, pieces, count, size);
    notify(ch);
    return status;
}

IpcStatus channel_reserve(struct IpcChannel *ch, size_t size,
                          IpcReservation *dest)
{
    IpcStatus status = buffer_reserve(&ch->buffer, size, dest);

    if (should_write_again(ch, status))
        status = buffer_reserve(&ch->buffer, size, dest);
    return status;
}

IpcStatus channel_commit(struct IpcChannel *ch,
                         const IpcReservation *reservation, size_t size)
{
    IpcStatus status = buffer_commit(&ch->buffer, reservation, size);

    notify(ch);
    return status;
}

IpcStatus channel_abort(struct IpcChannel *ch,
                        const IpcReservation *reservation)
{
    IpcStatus status = buffer_abort(&ch->buffer, reservation);

    /* Entries behind the reservation can be read now. */
    notify(ch);
    return status;
}

/* ----------------------------------------------------------------- reads */

static IpcStatus attempt(struct IpcChannel *ch, struct request *q)
{
    struct IpcBuffer *b = &ch->buffer;

    switch (q->kind) {
    case REQUEST_ALLOCATE:
        return buffer_read_alloc(b, q->dest, &q->offset);
    case REQUEST_INTO:
        return buffer_read(b, q->dest, &q->offset, &q->needed);
    case REQUEST_PEEK:
        break;
    }
    return buffer_peek(b, q->dest, &q->offset);
}

IpcStatus channel_try(struct IpcChannel *ch, struct request *q)
{
    IpcStatus status = attempt(ch, q);

    if (status == IPC_ERR_NOT_READY && repair_now_and_then(ch))
        status = attempt(ch, q);
    return status;
}

static bool is_transient(IpcStatus status)
{
    return status == IPC_EMPTY || status == IPC_ERR_NOT_READY ||
           status == IPC_ERR_LOCKED;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Sleeps until there may be something to read, at most to `until` and at most
 * for `round` if nobody will wake us. */
static void sleep_once(struct IpcChannel *ch, int64_t until, int64_t round)
{
    struct shm_wait *wait = &ch->buffer.region->readers;
    uint32_t seen = wait_announce(ch->backend, wait);
    uint64_t removed = 0;
    uint64_t offset;
    int64_t now;
    bool stuck;

    if (buffer_has_entry(&ch->buffer, &stuck))
        return;
    now = wait_now();
    if (stuck) {
        buffer_recover(&ch->buffer, false, &removed, &offset);
        if (removed)
            return;
        until = earlier(until, now + STUCK_SLEEP_NS);
    }
    if (!ch->backend->can_be_woken)
        until = earlier(until, now + round);
    ch->backend->sleep(&wait->sequence, seen,
                       earlier(until, now + WAIT_CAP_NS));
}

static int64_t next_round(const struct IpcChannel *ch, int64_t round)
{
    return round > ch->max_sleep / 2 ? ch->max_sleep : round * 2;
}

/* One round: until something arrives or its time is over. A sleep ends early
 * for signals, wakes meant for others, and to look after the stuck. */
static IpcStatus wait_round(struct IpcChannel *ch, struct request *q,
                            int64_t round)
{
    int64_t until = wait_now() + round;
    IpcStatus status;

    do {
        sleep_once(ch, until, round);
        status = attempt(ch, q);
    } while (is_transient(status) && wait_now() < until);
    return status;
}

IpcStatus channel_read_rounds(struct IpcChannel *ch, struct request *q)
{
    int64_t round = ch->start_sleep;
    IpcStatus status = attempt(ch, q);

    for (uint32_t i = 0; is_transient(status); i++) {
        if (i >= ch->max_round_trips &&
            ch->max_round_trips != IPC_CHANNEL_UNLIMITED_ROUND_TRIPS)
            return IPC_ERR_RETRY_LIMIT;
        status = wait_round(ch, q, round);
        round = next_round(ch, round);
    }
    return status;
}

/* The end of a relative timeout; one beyond the clock's range is never. */
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

IpcStatus channel_read_until(struct IpcChannel *ch, struct request *q,
                             const struct timespec *timeout)
{
    int64_t round = ch->start_sleep;
    int64_t deadline;
    IpcStatus status;

    if (!deadline_of(timeout, &deadline))
        return IPC_ERR_INVALID_ARGUMENT;
    status = attempt(ch, q);
    while (is_transient(status)) {
        if (wait_now() >= deadline)
            return IPC_ERR_TIMEOUT;
        sleep_once(ch, deadline, round);
        status = attempt(ch, q);
        round = next_round(ch, round);
    }
    return status;
}
