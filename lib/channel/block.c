/* SPDX-License-Identifier: MIT */
#include "channel/block.h"
#include "buffer/blame.h"
#include "buffer/read.h"
#include "buffer/write.h"
#include "channel/watch.h"
#include "wait/clock.h"

enum {
    /* An entry that is claimed but not committed: look again this soon. */
    STUCK_SLEEP_NS = 1000 * 1000,
    LOOKS_PER_CLOCK = 8,
};

static bool is_transient(IpcStatus status)
{
    return status == IPC_EMPTY || status == IPC_ERR_NOT_READY ||
           status == IPC_ERR_LOCKED || status == IPC_ERR_NO_SPACE_CONTIGUOUS;
}

static bool found_nothing(IpcStatus status)
{
    return status == IPC_EMPTY || status == IPC_ERR_NOT_READY;
}

static bool answer(IpcStatus *status, IpcStatus said)
{
    *status = said;
    return false;
}

static bool next_try(struct block *b, enum block_step step)
{
    b->step = step;
    return true;
}

/* Whether nobody is left who could make that status another one. */
static bool are_all_dead(const struct block *b, IpcStatus status)
{
    return (status == IPC_EMPTY && channel_lost_producers(b->channel)) ||
           (status == IPC_ERR_NO_SPACE_CONTIGUOUS &&
            channel_lost_consumers(b->channel));
}

/* The answer, given the status of a try after all were found dead. The last
 * producer may have left a gap at the head, and entries behind it. */
static IpcStatus all_dead(const struct block *b, IpcStatus status)
{
    if (status == IPC_ERR_NO_SPACE_CONTIGUOUS)
        return IPC_ERR_CONSUMERS_DEAD;
    if (status == IPC_EMPTY)
        return watch_all_dead(b->channel);
    return status;
}

/* ---------------------------------------------------- calls that never wait */

/* A sleeper's S1 to S3, and the descriptor, for an application that sleeps in
 * poll(). */
static bool arm(struct block *b)
{
    struct waiter *w = &b->channel->waiter;

    b->took_back = wait_take_back(w);
    b->seen = wait_announce(w, WAIT_READERS, w->backend->polls_by);
    b->armed = w->backend->arm(w, b->seen);
    patrol_arm(b->channel);
    return next_try(b, BLOCK_ARMED);
}

/* A poller sleeps where we cannot see it: what a blocked call checks between
 * two short sleeps is checked at once. Not inlined, as are all calls here that
 * are rare: they need registers that the rest can do without. */
__attribute__((noinline)) static bool after_arming(struct block *b,
                                                   IpcStatus *status)
{
    struct IpcChannel *ch = b->channel;

    if (creation_is_over(&ch->buffer.ring))
        return answer(status, IPC_ERR_FORMATTED_ANEW);
    if (b->step == BLOCK_ARMED && read_is_stuck(&ch->buffer)) {
        if (channel_repair(ch))
            return next_try(b, BLOCK_ARMED_REPAIRED);
        *status = IPC_ERR_NOT_READY;
    }
    if (b->step == BLOCK_ARMED && channel_repair_held(ch, false))
        return next_try(b, BLOCK_ARMED_REPAIRED);
    if (b->step == BLOCK_ARMED && channel_finish_closing(ch))
        return next_try(b, BLOCK_ARMED_REPAIRED);
    if (b->armed != IPC_OK)
        return answer(status, b->armed);
    if (are_all_dead(b, *status))
        return next_try(b, BLOCK_ARMED_ALL_DEAD);
    return false;
}

static bool may_be_stuck(const struct block *b, IpcStatus status)
{
    return status == (b->side == WAIT_READERS ? IPC_ERR_NOT_READY
                                              : IPC_ERR_NO_SPACE_CONTIGUOUS);
}

static bool again_without_waiting(struct block *b, IpcStatus *status)
{
    struct IpcChannel *ch = b->channel;

    if (b->step == BLOCK_FIRST && may_be_stuck(b, *status) &&
        channel_repair_sometimes(ch))
        return next_try(b, BLOCK_REPAIRED);
    if (!found_nothing(*status))
        return false;
    if (b->step == BLOCK_ARMED_ALL_DEAD)
        return answer(status, all_dead(b, *status));
    if (b->step == BLOCK_ARMED || b->step == BLOCK_ARMED_REPAIRED)
        return after_arming(b, status);
    /* A watcher has found them dead: who reads is told so, too. */
    if (__builtin_expect(atomic_hint(&ch->lost) != 0, 0) &&
        are_all_dead(b, *status))
        return next_try(b, BLOCK_ARMED_ALL_DEAD);
    /* Relaxed: the thread that polls has asked for the descriptor before. */
    return atomic_get_relaxed(&ch->polled) && arm(b);
}

/* --------------------------------------------------------- calls that block */

static int64_t doubled(const struct IpcChannel *ch, int64_t ns)
{
    return ns > ch->max_sleep / 2 ? ch->max_sleep : ns * 2;
}

/* Works out how long to wait, now that it has come to that. */
static void begin_waiting(struct block *b)
{
    struct IpcChannel *ch = b->channel;

    b->nap = ch->start_sleep;
    b->round = ch->start_sleep;
    if (b->how == BLOCK_ROUNDS) {
        b->rounds = ch->max_round_trips;
        b->until = 0; /* the first round begins after spinning */
    } else if (b->how == BLOCK_UNTIL) {
        b->until = clock_after_timeout(b->timeout);
    }
}

static struct spin *spin_of(const struct block *b)
{
    return &b->channel->spin[b->side];
}

/* False: it sleeps at once. */
static bool begin_spinning(struct block *b)
{
    b->patience = spin_patience(spin_of(b));
    if (b->patience == 0)
        return false;
    b->spin_begin = clock_now();
    return next_try(b, BLOCK_SPINNING);
}

static bool may_spin_on(const struct block *b)
{
    return b->how == BLOCK_ROUNDS ||
           (b->spun < b->until - b->spin_begin &&
            (b->how == BLOCK_UNTIL || b->spun < b->slice));
}

/* True: look once more without a sleep. */
static bool spins_on(struct block *b)
{
    atomic_cpu_relax();
    if (++b->looks % LOOKS_PER_CLOCK != 0)
        return true;
    b->spun = clock_now() - b->spin_begin;
    if (b->spun >= b->patience) {
        spin_was_vain(spin_of(b));
        return false;
    }
    return may_spin_on(b) && !wait_is_interrupted(&b->channel->waiter);
}

static bool next_round(struct block *b)
{
    if (b->how != BLOCK_ROUNDS || b->rounds == 0)
        return false;
    if (b->rounds != IPC_CHANNEL_UNLIMITED_ROUND_TRIPS)
        b->rounds--;
    b->until = clock_after(b->round);
    b->nap = b->round;
    b->round = doubled(b->channel, b->round);
    return true;
}

static bool is_over(const struct block *b)
{
    return (b->how == BLOCK_SLICE && (b->has_slept || b->spun >= b->slice)) ||
           clock_is_past(b->until);
}

static bool announce(struct block *b, IpcStatus *status)
{
    struct waiter *w = &b->channel->waiter;

    if (is_over(b) && !next_round(b))
        return answer(status, handle_unless_anew(&b->channel->buffer,
                                                 b->how == BLOCK_ROUNDS
                                                     ? IPC_ERR_RETRY_LIMIT
                                                     : IPC_ERR_TIMEOUT));
    b->seen = wait_announce(w, b->side, w->backend->sleeps_by);
    return next_try(b, BLOCK_ANNOUNCED);
}

/* By a thread of the process, which may come a while after the end of a short
 * sleep, and which no signal wakes. */
static bool is_watched(const struct block *b, int64_t until)
{
    const struct waiter *w = &b->channel->waiter;

    return w->backend->is_watched && !w->heeds_signals && !w->is_cancellable &&
           (until == INT64_MAX || until > clock_roughly_after(WAIT_CAP_NS)) &&
           patrol_watches(b->channel);
}

/* False: a signal ended it. */
static bool sleep_for_change(struct block *b, int64_t until)
{
    struct waiter *w = &b->channel->waiter;
    int64_t most = WAIT_CAP_NS;

    if (b->how == BLOCK_SLICE)
        most = clock_earlier(most, b->slice);
    if (!is_watched(b, until))
        return wait_sleep(w, b->side, b->seen,
                          clock_earlier(until, clock_roughly_after(most)));
    wait_sleep_watched(w, b->side, b->seen);
    return true;
}

/* After the look that followed the announcement. */
static bool sleep_or_repair(struct block *b, IpcStatus *status)
{
    struct IpcChannel *ch = b->channel;
    int64_t until = b->until;
    bool stuck;

    if (creation_is_over(&ch->buffer.ring))
        return answer(status, IPC_ERR_FORMATTED_ANEW);
    if (channel_finish_closing(ch))
        return next_try(b, BLOCK_SLEPT);
    stuck = read_is_stuck(&ch->buffer);
    if ((stuck && channel_repair(ch)) || channel_repair_held(ch, b->has_slept))
        return next_try(b, BLOCK_SLEPT);
    /* A reader has to get past what holds it up first, and a writer would wait
     * for the dead behind that. */
    if ((!stuck || b->side == WAIT_WRITERS) && are_all_dead(b, *status))
        return next_try(b, BLOCK_ALL_DEAD);
    /* Where writers make room themselves, nobody tells them that what holds
     * them up is dead, or was committed. */
    if (b->side == WAIT_WRITERS && ch->buffer.ring.subscriber_count) {
        if (write_remove_dead(&ch->buffer))
            return next_try(b, BLOCK_SLEPT);
        stuck = true;
    }
    if (stuck)
        until = clock_earlier(until, clock_after(STUCK_SLEEP_NS));
    /* Here, where nothing but a sleep is left to do. */
    if (wait_is_interrupted(&ch->waiter))
        return answer(status, IPC_ERR_INTERRUPTED);
    if (ch->waiter.backend->sleeps_by == 0)
        until = clock_earlier(until, clock_after(b->nap));
    if (!sleep_for_change(b, until))
        return next_try(b, BLOCK_SIGNALLED);
    b->nap = doubled(ch, b->nap);
    b->has_slept = true;
    return next_try(b, BLOCK_SLEPT);
}

__attribute__((noinline)) static bool again_with_waiting(struct block *b,
                                                         IpcStatus *status)
{
    switch (b->step) {
    case BLOCK_FIRST:
        begin_waiting(b);
        return begin_spinning(b) || announce(b, status);
    case BLOCK_SPINNING:
        return spins_on(b) || announce(b, status);
    case BLOCK_ANNOUNCED:
        /* Others were faster, and there may be more: no reason to sleep. */
        return *status == IPC_ERR_LOCKED ? announce(b, status)
                                         : sleep_or_repair(b, status);
    case BLOCK_ALL_DEAD:
        *status = all_dead(b, *status);
        return is_transient(*status) && announce(b, status);
    case BLOCK_SIGNALLED:
        return answer(status, handle_unless_anew(&b->channel->buffer,
                                                 IPC_ERR_INTERRUPTED));
    default:
        return announce(b, status);
    }
}

/* ------------------------------------------------------------------- both */

static bool goes_on(struct block *b, IpcStatus *status)
{
    if (b->step == BLOCK_NEW) {
        *status = IPC_ERR_INVALID_ARGUMENT;
        b->step = BLOCK_FIRST;
        return b->channel && clock_timeout_is_valid(b->timeout);
    }
    if (is_transient(*status) && b->how != BLOCK_NEVER)
        return again_with_waiting(b, status);
    if (is_transient(*status) && again_without_waiting(b, status))
        return true;
    if (b->step == BLOCK_SPINNING && *status == IPC_OK)
        spin_has_paid(spin_of(b), b->spun);
    if (b->took_back && !found_nothing(*status))
        wait_pass_on(&b->channel->waiter);
    return false;
}

bool block_again(struct block *b, IpcStatus *status)
{
    bool again = goes_on(b, status);

    if (again)
        b->before = block_end(b->channel, b->side);
    return again;
}

const char *block_blame(const struct block *b, const char *other)
{
    const char *timeout = b->channel ? blame_timeout(b->timeout) : NULL;

    return timeout ? timeout : other;
}
