/* SPDX-License-Identifier: MIT */
#include "waitset/waitset.h"
#include "cancel.h"
#include "wait/clock.h"
#include "wait/feeder.h"
#include "wait/futex.h"
#include "waitset/group.h"
#include "waitset/many_ring.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

enum {
    STUCK_NAP_NS = 1000 * 1000,
    /* Where the kernel can sleep for one word only. */
    NAP_MIN_NS = 50 * 1000,
    NAP_MAX_NS = 5 * 1000 * 1000,
    /* Words that a wait compares which finds something without a sleep, so that
     * what is always ready does not hide the rest. */
    SCAN_AT_ONCE = 16,
    MEMBERS_AT_FIRST = 16,
};

static const char foreign[] =
    "the set belongs to the process that made it: a forked child has to make "
    "its own";

/* ----------------------------------------------------------------- lines */

void waitset_leave_line(struct member *m)
{
    struct line *line = m->line;

    if (!line)
        return;
    *(m->before ? &m->before->after : &line->first) = m->after;
    *(m->after ? &m->after->before : &line->last) = m->before;
    line->count--;
    m->line = NULL;
    m->before = m->after = NULL;
}

void waitset_enter_line(struct line *line, struct member *m)
{
    waitset_leave_line(m);
    m->before = line->last;
    *(line->last ? &line->last->after : &line->first) = m;
    line->last = m;
    line->count++;
    m->line = line;
}

void waitset_poke(struct IpcWaitSet *set)
{
    int saved = errno;

    /* Release [control]: after what it tells of. */
    atomic_add_release(&set->control, 1);
    futex_wake(&set->control);
    errno = saved;
}

void waitset_rang(struct member *m)
{
    waitset_enter_line(&m->set->to_look, m);
    m->set->nap = NAP_MIN_NS;
    m->set->lively = true;
}

void waitset_scan(struct IpcWaitSet *set, size_t limit)
{
    if (limit > set->count)
        limit = set->count;
    for (size_t i = 0; i < limit; i++) {
        struct member *m;

        if (set->scanned >= set->count)
            set->scanned = 0;
        m = set->members[set->scanned++];
        if (waitset_was_woken(m))
            waitset_rang(m);
    }
}

/* --------------------------------------------------------------- looking */

static void set_stuck(struct member *m, bool stuck)
{
    struct IpcWaitSet *set = m->set;

    if (stuck == m->stuck)
        return;
    m->stuck = stuck;
    set->stuck += stuck ? 1 : (size_t)-1;
    if (set->stuck == 0) {
        set->next_stuck = INT64_MAX;
    } else if (stuck && set->stuck == 1) {
        set->stuck_nap = STUCK_NAP_NS;
        set->next_stuck = clock_after(STUCK_NAP_NS);
    }
}

/* What the member's channel has to say. If that is nothing, it is announced,
 * and in no need of being looked at until it is woken. */
static IpcStatus look_at(struct member *m, enum watcher who)
{
    struct IpcWaitSet *set = m->set;
    IpcStatus status = watch_look(m->channel, who);

    if (!watch_is_ready(status))
        status = watch_announce(m->channel, who, &m->seen);
    set_stuck(m, status == IPC_ERR_NOT_READY);
    if (watch_is_ready(status))
        return status;
    waitset_leave_line(m);
    if (!m->in_ring)
        waitset_enter_line(&set->to_arm, m);
    group_changed(set, m->place);
    set->armed_more = true;
    return status;
}

/* Answers with the members in line that are ready, and has them looked at once
 * more by the next wait, behind the others. */
static size_t collect(struct IpcWaitSet *set, IpcWaitSetReady *ready,
                      size_t room)
{
    size_t count = 0;

    for (size_t left = set->to_look.count; left > 0 && count < room; left--) {
        struct member *m = set->to_look.first;
        IpcStatus status = look_at(m, WATCHER_READS);

        if (!watch_is_ready(status))
            continue;
        ready[count++] = (IpcWaitSetReady){m->channel, m->user, status};
        waitset_enter_line(&set->to_look, m);
    }
    return count;
}

static bool glance(struct IpcWaitSet *set)
{
    while (set->to_look.first)
        if (watch_is_ready(look_at(set->to_look.first, WATCHER_GLANCES)))
            return true;
    return false;
}

static bool take_stuck_turn(struct IpcWaitSet *set, int64_t now)
{
    if (now < set->next_stuck)
        return false;
    set->stuck_nap = clock_earlier(set->stuck_nap * 2, WAIT_CAP_NS);
    set->next_stuck = now + set->stuck_nap;
    for (size_t i = 0; i < set->count; i++)
        if (set->members[i]->stuck)
            waitset_enter_line(&set->to_look, set->members[i]);
    return true;
}

/* True: there are members to look at whose turn it is. */
static bool take_turn(struct IpcWaitSet *set, int64_t now)
{
    size_t slice = (set->count + TURNS_PER_ROUND - 1) / TURNS_PER_ROUND;
    bool any = take_stuck_turn(set, now);

    if (now < set->next_turn)
        return any;
    set->next_turn = now + WAIT_CAP_NS;
    if (slice < TURN_MIN)
        slice = TURN_MIN;
    for (size_t i = 0; i < slice && i < set->count; i++) {
        if (set->turn >= set->count)
            set->turn = 0;
        waitset_enter_line(&set->to_look, set->members[set->turn++]);
    }
    return set->to_look.count > 0;
}

/* -------------------------------------------------------------- sleeping */

static void nap(struct IpcWaitSet *set, uint32_t seen, int64_t deadline)
{
    int64_t end = clock_earlier(deadline, clock_after(set->nap));

    set->nap = clock_earlier(set->nap * 2, NAP_MAX_NS);
    pthread_mutex_unlock(&set->lock);
    futex_sleep(&set->control, seen, end);
    pthread_mutex_lock(&set->lock);
    waitset_scan(set, set->count);
}

/* Until a member is woken or has its turn, `control` is not `seen`, or until
 * `deadline`. Gives the lock back meanwhile. */
static void sleep_in_kernel(struct IpcWaitSet *set, uint32_t seen,
                            int64_t deadline)
{
    deadline =
        clock_earlier(deadline, clock_earlier(set->next_turn, set->next_stuck));
    set->armed_more = false;
    if (set->count >= RING_FROM && !set->no_ring) {
        if (many_ring_sleep(set, seen, deadline))
            return;
        set->no_ring = true;
    }
    if (!set->no_waitv) {
        if (group_sleep(set, seen, deadline))
            return;
        set->no_waitv = true;
    }
    nap(set, seen, deadline);
}

static uint32_t sleep_begin(struct IpcWaitSet *set)
{
    /* Acquire [control]: whatever made it change is seen below. */
    return atomic_get_acquire(&set->control);
}

/* What the feeder's thread does until the descriptor is to be readable. */
static void doze(void *of)
{
    struct IpcWaitSet *set = of;

    pthread_mutex_lock(&set->lock);
    for (;;) {
        uint32_t seen = sleep_begin(set);

        /* Relaxed: see above. */
        if (set->over || atomic_get_relaxed(&set->interrupted) || glance(set))
            break;
        if (!take_turn(set, clock_now()))
            sleep_in_kernel(set, seen, INT64_MAX);
    }
    set->unreadable = false;
    pthread_mutex_unlock(&set->lock);
}

static void rouse(void *of)
{
    waitset_poke(of);
}

static void poll_until(struct IpcWaitSet *set, int64_t deadline)
{
    struct pollfd what = {.fd = feeder_fd(set->feeder), .events = POLLIN};
    struct timespec left;
    int64_t ns = 0;

    pthread_mutex_unlock(&set->lock);
    if (deadline != INT64_MAX)
        ns = deadline - clock_now();
    left = clock_timespec(ns > 0 ? ns : 0);
    ppoll(&what, 1, deadline == INT64_MAX ? NULL : &left, NULL);
    pthread_mutex_lock(&set->lock);
}

/* One call that waits. */
struct attempt {
    int64_t until;
    bool slept;  /* so all that was woken by then was found */
    bool looked; /* once more at all words, before the answer is: nothing */
};

/* Has the feeder's thread sleep for us; false: the deadline has passed. */
static bool sleep_by_feeder(struct IpcWaitSet *set, struct attempt *a)
{
    if (a->looked) {
        if (set->armed_more)
            waitset_poke(set);
        feeder_go(set->feeder);
        if (clock_is_past(a->until))
            return false;
        poll_until(set, a->until);
    }
    /* Whatever comes from now on makes it readable again; what came before is
     * found by the look that follows. */
    feeder_clear(set->feeder);
    set->unreadable = true;
    a->looked = true;
    waitset_scan(set, set->count);
    return true;
}

/* Nothing was ready. False: the deadline has passed. */
static bool sleep_on(struct IpcWaitSet *set, uint32_t seen, struct attempt *a)
{
    int64_t now;

    if (set->feeder)
        return sleep_by_feeder(set, a);
    now = clock_now();
    if (now < a->until) {
        if (!take_turn(set, now)) {
            sleep_in_kernel(set, seen, a->until);
            a->slept = true;
        }
        return true;
    }
    if (a->looked)
        return false;
    a->looked = true;
    take_turn(set, now);
    waitset_scan(set, set->count);
    return true;
}

static IpcStatus wait_for_some(struct IpcWaitSet *set, IpcWaitSetReady *ready,
                               size_t room, int64_t until, size_t *count)
{
    struct attempt attempt = {.until = until};

    for (;;) {
        uint32_t seen = sleep_begin(set);

        /* Relaxed: see above. */
        if (atomic_swap_relaxed(&set->interrupted, 0))
            return IPC_ERR_INTERRUPTED;
        *count = collect(set, ready, room);
        if (*count > 0) {
            if (!attempt.slept)
                waitset_scan(set, SCAN_AT_ONCE);
            return IPC_OK;
        }
        if (!sleep_on(set, seen, &attempt))
            return IPC_ERR_TIMEOUT;
    }
}

/* What was found has not been read yet: the descriptor stays readable until a
 * wait finds nothing. */
static IpcStatus show(struct IpcWaitSet *set, IpcStatus status)
{
    if (set->feeder && set->unreadable && status != IPC_ERR_TIMEOUT) {
        set->unreadable = false;
        feeder_signal(set->feeder);
    }
    return status;
}

static bool is_ours(const struct IpcWaitSet *set)
{
    return set->token == process_token();
}

IpcStatus waitset_wait(struct IpcWaitSet *set, IpcWaitSetReady *ready,
                       size_t room, int64_t until, size_t *count,
                       const char **detail)
{
    IpcStatus status = IPC_ERR_ILLEGAL_STATE;
    int saved = errno;
    int cancelling;

    *detail = foreign;
    if (!is_ours(set))
        return status;
    cancelling = cancel_disable();
    pthread_mutex_lock(&set->lock);
    *detail = "another thread is waiting for this set: one at a time may, so "
              "make a set for each";
    if (!set->waited_for) {
        set->waited_for = true;
        status = show(set, wait_for_some(set, ready, room, until, count));
        set->waited_for = false;
    }
    pthread_mutex_unlock(&set->lock);
    cancel_restore(cancelling);
    errno = saved;
    return status;
}

IpcStatus waitset_interrupt(struct IpcWaitSet *set)
{
    if (!is_ours(set))
        return IPC_ERR_ILLEGAL_STATE;
    /* Relaxed: the poke orders it. */
    atomic_put_relaxed(&set->interrupted, 1);
    waitset_poke(set);
    return IPC_OK;
}

/* -------------------------------------------------------------- members */

static bool make_room(struct IpcWaitSet *set)
{
    size_t room = set->room ? set->room * 2 : MEMBERS_AT_FIRST;
    struct member **more;

    if (set->count < set->room)
        return true;
    more = realloc(set->members, room * sizeof(struct member *));
    if (!more)
        return false;
    set->members = more;
    set->room = room;
    return true;
}

/* The last one takes its place. */
static void drop(struct member *m)
{
    struct IpcWaitSet *set = m->set;
    struct member *last = set->members[--set->count];

    set_stuck(m, false);
    waitset_leave_line(m);
    group_changed(set, m->place);
    group_changed(set, last->place);
    set->members[m->place] = last;
    last->place = m->place;
    if (m->channel)
        m->channel->watch = NULL;
    m->channel = NULL;
    if (!many_ring_keeps(m))
        free(m);
}

static void gone(struct channel_watch *watch)
{
    struct member *m = (struct member *)(void *)watch;
    struct IpcWaitSet *set = m->set;

    /* In a child a thread of the parent may have held the lock, which is not
     * there to let go of it. */
    if (!is_ours(set)) {
        m->channel = NULL;
        return;
    }
    pthread_mutex_lock(&set->lock);
    drop(m);
    waitset_poke(set);
    pthread_mutex_unlock(&set->lock);
}

IpcStatus waitset_add(struct IpcWaitSet *set, IpcChannel *ch, void *user,
                      const char **detail)
{
    struct member *m;
    bool room;

    *detail = foreign;
    if (!is_ours(set))
        return IPC_ERR_ILLEGAL_STATE;
    *detail = "the channel is in a set already: remove it there first, or make "
              "another handle by connect";
    if (ch->watch)
        return IPC_ERR_ILLEGAL_STATE;
    *detail = "malloc failed: no memory for one more channel";
    m = calloc(1, sizeof *m);
    if (!m)
        return IPC_ERR_ALLOCATION;
    *m = (struct member){.watch = {gone},
                         .set = set,
                         .channel = ch,
                         .user = user,
                         .word = watch_word(ch)};
    pthread_mutex_lock(&set->lock);
    room = make_room(set);
    if (room) {
        m->place = set->count;
        set->members[set->count++] = m;
        ch->watch = &m->watch;
        waitset_rang(m);
        waitset_poke(set);
    }
    pthread_mutex_unlock(&set->lock);
    if (!room)
        free(m);
    return room ? IPC_OK : IPC_ERR_ALLOCATION;
}

IpcStatus waitset_remove(struct IpcWaitSet *set, IpcChannel *ch,
                         const char **detail)
{
    struct member *m = (struct member *)(void *)ch->watch;

    *detail = foreign;
    if (!is_ours(set))
        return IPC_ERR_ILLEGAL_STATE;
    *detail =
        "the channel is not in this set: add it first, and remove it once";
    if (!m || m->set != set)
        return IPC_ERR_ILLEGAL_STATE;
    gone(&m->watch);
    return IPC_OK;
}

/* ------------------------------------------------------- making, ending */

IpcStatus waitset_make(struct IpcWaitSet **made)
{
    struct IpcWaitSet *set = calloc(1, sizeof *set);

    if (!set)
        return IPC_ERR_ALLOCATION;
    pthread_mutex_init(&set->lock, NULL);
    set->token = process_token();
    set->nap = NAP_MIN_NS;
    set->next_stuck = INT64_MAX;
    *made = set;
    return IPC_OK;
}

IpcStatus waitset_fd(struct IpcWaitSet *set, int *fd, const char **detail)
{
    IpcStatus status = IPC_OK;
    int state;

    *detail = foreign;
    if (!is_ours(set))
        return IPC_ERR_ILLEGAL_STATE;
    state = cancel_disable();
    pthread_mutex_lock(&set->lock);
    *detail = "a thread is waiting for this set: ask for the descriptor before";
    if (set->waited_for)
        status = IPC_ERR_ILLEGAL_STATE;
    else if (!set->feeder)
        set->feeder = feeder_make((struct feeder_task){doze, rouse, set});
    if (status == IPC_OK && !set->feeder && errno == ENOSYS) {
        *detail = "this library was built without eventfd";
        status = IPC_ERR_UNSUPPORTED;
    } else if (status == IPC_OK && !set->feeder) {
        *detail = "no eventfd or no thread could be made: see sys_errno";
        status = IPC_ERR_SYSTEM;
    }
    if (status == IPC_OK)
        *fd = feeder_fd(set->feeder);
    pthread_mutex_unlock(&set->lock);
    cancel_restore(state);
    return status;
}

static void end_threads(struct IpcWaitSet *set)
{
    if (set->feeder) {
        pthread_mutex_lock(&set->lock);
        set->over = true;
        pthread_mutex_unlock(&set->lock);
        feeder_end(set->feeder);
    }
    group_close(set);
}

/* In a child only memory and descriptors are there; its threads and what its
 * ring waits for are the parent's. */
static void forget_threads(struct IpcWaitSet *set)
{
    if (set->feeder)
        feeder_forget(set->feeder);
    group_forget(set);
}

static IpcStatus end(struct IpcWaitSet *set)
{
    bool ours = is_ours(set);
    bool busy = false;

    if (ours) {
        pthread_mutex_lock(&set->lock);
        busy = set->waited_for;
        pthread_mutex_unlock(&set->lock);
    }
    if (busy)
        return IPC_ERR_ILLEGAL_STATE;
    /* What a thread of the parent was changing at the fork is left as it is. */
    if (!ours && pthread_mutex_trylock(&set->lock) != 0)
        return IPC_OK;
    if (ours)
        end_threads(set);
    else
        forget_threads(set);
    while (set->count > 0)
        drop(set->members[set->count - 1]);
    many_ring_close(set);
    if (ours)
        pthread_mutex_destroy(&set->lock);
    free(set->members);
    free(set);
    return IPC_OK;
}

IpcStatus waitset_end(struct IpcWaitSet *set)
{
    int state = cancel_disable();
    IpcStatus status = end(set);

    cancel_restore(state);
    return status;
}
