/* SPDX-License-Identifier: MIT */
#include "channel/patrol.h"
#include "cancel.h"
#include "channel/watch.h"
#include "wait/clock.h"
#include "wait/futex.h"
#include "wait/thread.h"
#include <errno.h>
#include <stdlib.h>

struct line {
    struct IpcChannel *first, *last;
};

struct patrol {
    uint64_t token; /* process_token() of whose it is */
    /* The parent's, in a forked child: never used, but not lost either. */
    struct patrol *parents;
    pthread_mutex_t door;
    size_t members;
    pthread_t thread; /* if there are members */
    pthread_mutex_t lock;
    struct line calm;    /* the first one has the next turn */
    struct line hurried; /* all have one every WAIT_UNSIGNALLED_NS */
    size_t count;        /* in `calm` */
    size_t watched;      /* members whose sleeps are */
    int64_t next_turn;
    int64_t next_rouse; /* where there are such */
    bool over;
    atomic_u32 control; /* the thread sleeps on it */
};

/* This process's, as a number, or one that came with a fork. */
static atomic_u64 present;

static struct patrol *from_number(uint64_t number)
{
    return (struct patrol *)(uintptr_t)number; /* NOLINT(*-no-int-to-ptr) */
}

static struct patrol *make_patrol(struct patrol *parents)
{
    struct patrol *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->token = process_token();
    p->parents = parents;
    pthread_mutex_init(&p->door, NULL);
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

/* NULL: no memory. */
static struct patrol *our_patrol(void)
{
    for (;;) {
        /* Acquire [patrol]: it is whole. */
        uint64_t seen = atomic_get_acquire(&present);
        struct patrol *p = from_number(seen);

        if (p && p->token == process_token())
            return p;
        p = make_patrol(p);
        /* Release [patrol]: it is whole. */
        if (!p || atomic_cas_release(&present, seen, (uintptr_t)p))
            return p;
        free(p);
    }
}

/* ----------------------------------------------------------------- lines */

static bool hurries(const struct IpcChannel *ch)
{
    return atomic_hint(&ch->patrolled.hurries);
}

static struct line *line_of(struct IpcChannel *ch)
{
    struct patrol *p = ch->patrolled.by;

    return hurries(ch) ? &p->hurried : &p->calm;
}

static void enter_line(struct IpcChannel *ch)
{
    struct line *line = line_of(ch);

    ch->patrolled.before = line->last;
    ch->patrolled.after = NULL;
    *(line->last ? &line->last->patrolled.after : &line->first) = ch;
    line->last = ch;
    ch->patrolled.by->count += !hurries(ch);
}

static void leave_line(struct IpcChannel *ch)
{
    struct line *line = line_of(ch);
    struct patrolled *p = &ch->patrolled;

    *(p->before ? &p->before->patrolled.after : &line->first) = p->after;
    *(p->after ? &p->after->patrolled.before : &line->last) = p->before;
    p->by->count -= !hurries(ch);
}

/* ----------------------------------------------------------------- turns */

static bool is_in_a_hurry(const struct IpcChannel *ch)
{
    const struct waiter *w = &ch->waiter;

    /* Relaxed: if it is not seen yet, it is by the next turn. */
    return w->backend->polls_by == WAIT_BY_EVENT &&
           atomic_get_relaxed(&wait_words(w, WAIT_READERS)->unsignalled);
}

static void look_at(struct IpcChannel *ch)
{
    if (!atomic_hint(&ch->patrolled.armed) || !watch_is_ready(watch_turn(ch)))
        return;
    atomic_set_hint(&ch->patrolled.armed, 0);
    ch->waiter.backend->raise(&ch->waiter);
}

/* It goes to the end of a line. */
static void take_turn(struct IpcChannel *ch)
{
    look_at(ch);
    leave_line(ch);
    atomic_set_hint(&ch->patrolled.hurries, is_in_a_hurry(ch));
    enter_line(ch);
}

static void take_turns(struct patrol *p)
{
    size_t turns = (p->count + PATROL_TURNS - 1) / PATROL_TURNS;

    if (turns < PATROL_MIN)
        turns = PATROL_MIN;
    if (turns > p->count)
        turns = p->count;
    while (turns-- > 0)
        take_turn(p->calm.first);
}

static void rouse(const struct line *line)
{
    for (struct IpcChannel *ch = line->first; ch; ch = ch->patrolled.after)
        wait_rouse(&ch->waiter);
}

/* When to do so next. */
static int64_t rouse_sleepers(struct patrol *p, int64_t now)
{
    if (p->watched == 0)
        return INT64_MAX;
    if (now >= p->next_rouse) {
        rouse(&p->calm);
        rouse(&p->hurried);
        p->next_rouse = clock_after(WAIT_ROUSE_NS);
    }
    return p->next_rouse;
}

/* When the next turn is. */
static int64_t patrol_once(struct patrol *p)
{
    int64_t now = clock_now();
    int64_t next;

    if (now >= p->next_turn) {
        take_turns(p);
        p->next_turn = clock_after(WAIT_CAP_NS);
    }
    for (struct IpcChannel *ch = p->hurried.first; ch; ch = ch->patrolled.after)
        look_at(ch);
    next = clock_earlier(p->next_turn, rouse_sleepers(p, now));
    return p->hurried.first
               ? clock_earlier(next, clock_after(WAIT_UNSIGNALLED_NS))
               : next;
}

static void *go_round(void *of)
{
    struct patrol *p = of;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        /* Acquire [poke]: what it tells of is seen below. */
        uint32_t seen = atomic_get_acquire(&p->control);
        int64_t until;

        if (p->over)
            break;
        until = patrol_once(p);
        pthread_mutex_unlock(&p->lock);
        futex_sleep(&p->control, seen, until);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void poke(struct patrol *p)
{
    /* Release [poke]: after what it tells of. */
    atomic_add_release(&p->control, 1);
    futex_wake(&p->control);
}

/* --------------------------------------------------------- coming, going */

/* 0 or errno. */
static int begin(struct patrol *p)
{
    p->over = false;
    p->next_turn = clock_after(WAIT_CAP_NS);
    return thread_start(&p->thread, go_round, p);
}

static int enter(struct patrol *p, struct IpcChannel *ch)
{
    int error = p->members == 0 ? begin(p) : 0;

    if (error)
        return error;
    p->members++;
    pthread_mutex_lock(&p->lock);
    ch->patrolled.by = p;
    atomic_set_hint(&ch->patrolled.hurries, 0);
    enter_line(ch);
    pthread_mutex_unlock(&p->lock);
    return 0;
}

bool patrol_join(struct IpcChannel *ch)
{
    struct patrol *p = our_patrol();
    int error = 0;

    if (!p) {
        errno = ENOMEM;
        return false;
    }
    pthread_mutex_lock(&p->door);
    if (ch->patrolled.by != p)
        error = enter(p, ch);
    pthread_mutex_unlock(&p->door);
    errno = error;
    return error == 0;
}

/* The thread may sleep for longer than to the first rouse. */
static void begin_watching(struct patrol *p, struct IpcChannel *ch)
{
    pthread_mutex_lock(&p->lock);
    if (p->watched++ == 0)
        p->next_rouse = clock_after(WAIT_ROUSE_NS);
    pthread_mutex_unlock(&p->lock);
    /* Relaxed: what it says is true by now, for every thread of ours. */
    atomic_put_relaxed(&ch->patrolled.watched, p->token);
    poke(p);
}

static bool watch(struct IpcChannel *ch)
{
    struct patrol *p = our_patrol();
    int error = p ? 0 : ENOMEM;

    if (error)
        return false;
    pthread_mutex_lock(&p->door);
    if (ch->patrolled.by != p)
        error = enter(p, ch);
    /* Relaxed: stored with the door's lock. */
    if (!error && atomic_get_relaxed(&ch->patrolled.watched) != p->token)
        begin_watching(p, ch);
    pthread_mutex_unlock(&p->door);
    return error == 0;
}

__attribute__((noinline)) static bool watch_anew(struct IpcChannel *ch)
{
    int saved = errno;
    bool watches = !atomic_hint(&ch->patrolled.refused) && watch(ch);

    if (!watches)
        atomic_set_hint(&ch->patrolled.refused, 1);
    errno = saved;
    return watches;
}

bool patrol_watches(struct IpcChannel *ch)
{
    /* Relaxed: see begin_watching(). */
    return atomic_get_relaxed(&ch->patrolled.watched) == process_token() ||
           watch_anew(ch);
}

/* The thread would find out by the channel's next turn. */
static void hurry(struct IpcChannel *ch)
{
    struct patrol *p = ch->patrolled.by;

    if (!p || p->token != process_token())
        return;
    pthread_mutex_lock(&p->lock);
    leave_line(ch);
    atomic_set_hint(&ch->patrolled.hurries, 1);
    enter_line(ch);
    pthread_mutex_unlock(&p->lock);
    poke(p);
}

void patrol_arm(struct IpcChannel *ch)
{
    atomic_set_hint(&ch->patrolled.armed, 1);
    if (is_in_a_hurry(ch) && !hurries(ch))
        hurry(ch);
}

void patrol_leave(struct IpcChannel *ch)
{
    struct patrol *p = ch->patrolled.by;
    int saved = errno;
    int cancelling;

    if (!p || p->token != process_token())
        return;
    cancelling = cancel_disable();
    pthread_mutex_lock(&p->door);
    pthread_mutex_lock(&p->lock);
    leave_line(ch);
    ch->patrolled.by = NULL;
    /* Relaxed: nobody else uses the handle any more. */
    p->watched -= atomic_get_relaxed(&ch->patrolled.watched) == p->token;
    atomic_put_relaxed(&ch->patrolled.watched, 0);
    p->over = --p->members == 0;
    pthread_mutex_unlock(&p->lock);
    if (p->members == 0) {
        poke(p);
        pthread_join(p->thread, NULL);
    }
    pthread_mutex_unlock(&p->door);
    cancel_restore(cancelling);
    errno = saved;
}
