/* SPDX-License-Identifier: MIT */
#include "waitset/group.h"
#include "wait/clock.h"
#include "wait/futex.h"
#include "wait/thread.h"
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on all machines but Alpha; headers before Linux 5.16 lack it. */
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

enum {
    WORDS = GROUP_MEMBERS + 1, /* FUTEX_WAITV_MAX */
    SHARED_WORD = 2,           /* FUTEX_32, not private */
    /* From how many members on a sleep costs so much that it pays to let others
     * run first, and for how long: about what it costs to fall asleep. */
    YIELD_FROM = 4,
    YIELD_NS = 20 * 1000,
    /* How often one looks who has too few threads. */
    SHORT_NAP_NS = 5 * 1000 * 1000,
};

/* struct futex_waitv, which headers before Linux 5.16 lack. */
struct word {
    uint64_t value;
    uint64_t address;
    uint32_t flags;
    uint32_t reserved;
};

/* struct __kernel_timespec, as wide on all machines. */
struct moment {
    int64_t seconds;
    int64_t nanoseconds;
};

/* A thread that sleeps for members whom the first call has no room for. */
struct group {
    pthread_t thread;
    struct IpcWaitSet *set;
    size_t first;  /* the place of its first member */
    atomic_u32 go; /* among its words: changes for it to take them anew */
    bool changed;  /* so it has to */
    bool runs;
    bool over;
};

static struct word word_of(const atomic_u32 *word, uint32_t seen)
{
    return (struct word){seen, (uint64_t)(uintptr_t)word, SHARED_WORD, 0};
}

/* The word to end the sleep by, and those of all members from `first` on that
 * were announced. Returns how many. */
static unsigned take_words(const struct IpcWaitSet *set, size_t first,
                           const atomic_u32 *control, uint32_t seen,
                           struct word *words)
{
    unsigned count = 0;

    words[count++] = word_of(control, seen);
    for (size_t i = first; i < set->count && i < first + GROUP_MEMBERS; i++) {
        const struct member *m = set->members[i];

        if (m->line != &set->to_look)
            words[count++] = word_of(m->word, m->seen);
    }
    return count;
}

/* False: the kernel does not do that. */
static bool sleep_for(const struct word *words, unsigned count,
                      int64_t deadline)
{
    const struct moment until = {deadline / 1000000000, deadline % 1000000000};
    long woken =
        syscall(SYS_futex_waitv, words, count, 0,
                deadline == INT64_MAX ? NULL : &until, CLOCK_MONOTONIC);

    /* EFAULT: a channel was removed and its memory unmapped meanwhile. */
    return woken >= 0 || errno == EAGAIN || errno == EINTR ||
           errno == ETIMEDOUT || errno == EFAULT;
}

static bool find_woken(struct IpcWaitSet *set, size_t first)
{
    bool any = false;

    for (size_t i = first; i < set->count && i < first + GROUP_MEMBERS; i++) {
        struct member *m = set->members[i];

        if (!waitset_was_woken(m))
            continue;
        waitset_rang(m);
        any = true;
    }
    return any;
}

/* --------------------------------------------------------------- threads */

static void *stand_in(void *of)
{
    struct group *g = of;
    struct IpcWaitSet *set = g->set;
    struct word words[WORDS];
    bool can = true;

    pthread_mutex_lock(&set->lock);
    while (can && !g->over) {
        /* Relaxed: changed under the lock only. */
        unsigned count = take_words(set, g->first, &g->go,
                                    atomic_get_relaxed(&g->go), words);

        pthread_mutex_unlock(&set->lock);
        can = sleep_for(words, count, INT64_MAX);
        pthread_mutex_lock(&set->lock);
        if (find_woken(set, g->first))
            waitset_poke(set);
    }
    if (!can)
        set->short_of_threads = true;
    pthread_mutex_unlock(&set->lock);
    return NULL;
}

static struct group *start(struct IpcWaitSet *set, size_t number)
{
    struct group *g = calloc(1, sizeof *g);

    if (!g)
        return NULL;
    g->set = set;
    g->first = number * GROUP_MEMBERS;
    g->runs = thread_start(&g->thread, stand_in, g) == 0;
    if (g->runs)
        return g;
    free(g);
    return NULL;
}

/* The first group is whoever waits. */
static void start_all(struct IpcWaitSet *set)
{
    size_t needed = (set->count + GROUP_MEMBERS - 1) / GROUP_MEMBERS;
    struct group **more;

    if (needed <= 1 || needed - 1 <= set->group_count || set->short_of_threads)
        return;
    more = realloc(set->groups, (needed - 1) * sizeof(struct group *));
    if (more)
        set->groups = more;
    while (more && set->group_count < needed - 1) {
        more[set->group_count] = start(set, set->group_count + 1);
        if (!more[set->group_count])
            break;
        set->group_count++;
    }
    set->short_of_threads = set->group_count < needed - 1;
}

/* Under the lock. */
static void restart(struct group *g)
{
    g->changed = false;
    /* Relaxed: see stand_in(). */
    atomic_put_relaxed(&g->go, atomic_get_relaxed(&g->go) + 1);
    futex_wake(&g->go);
}

void group_changed(struct IpcWaitSet *set, size_t place)
{
    size_t number = place / GROUP_MEMBERS;

    if (number > 0 && number <= set->group_count)
        set->groups[number - 1]->changed = true;
}

/*
 * While messages come one after the other, the next one is often written as
 * soon as its writer runs, on one CPU just because we let it. True: there is
 * something to look at. In vain it is tried once, until a member is woken.
 */
static bool yield_first(struct IpcWaitSet *set, uint32_t seen, int64_t deadline)
{
    int64_t end;

    if (!set->lively || set->count < YIELD_FROM)
        return false;
    end = clock_earlier(deadline, clock_after(YIELD_NS));
    set->lively = false;
    do {
        pthread_mutex_unlock(&set->lock);
        sched_yield();
        pthread_mutex_lock(&set->lock);
        waitset_scan(set, set->count);
        /* Relaxed: whoever sees it begins anew, with an order of its own. */
        if (set->to_look.count > 0 || atomic_get_relaxed(&set->control) != seen)
            return true;
    } while (clock_now() < end);
    return false;
}

bool group_sleep(struct IpcWaitSet *set, uint32_t seen, int64_t deadline)
{
    struct word words[WORDS];
    bool short_nap;
    unsigned count;
    bool can;

    if (yield_first(set, seen, deadline))
        return true;
    start_all(set);
    for (size_t i = 0; i < set->group_count; i++)
        if (set->groups[i]->changed)
            restart(set->groups[i]);
    short_nap = set->short_of_threads;
    if (short_nap)
        deadline = clock_earlier(deadline, clock_after(SHORT_NAP_NS));
    count = take_words(set, 0, &set->control, seen, words);
    pthread_mutex_unlock(&set->lock);
    can = sleep_for(words, count, deadline);
    pthread_mutex_lock(&set->lock);
    find_woken(set, 0);
    if (short_nap)
        waitset_scan(set, set->count);
    return can;
}

void group_close(struct IpcWaitSet *set)
{
    for (size_t i = 0; i < set->group_count; i++) {
        struct group *g = set->groups[i];

        pthread_mutex_lock(&set->lock);
        g->over = true;
        restart(g);
        pthread_mutex_unlock(&set->lock);
        pthread_join(g->thread, NULL);
    }
    group_forget(set);
}

void group_forget(struct IpcWaitSet *set)
{
    for (size_t i = 0; i < set->group_count; i++)
        free(set->groups[i]);
    free(set->groups);
    set->groups = NULL;
    set->group_count = 0;
}
