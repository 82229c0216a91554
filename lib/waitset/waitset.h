/* SPDX-License-Identifier: MIT */
/*
 * Waiting for many channels. What costs in that is what has to be done for each
 * channel again before each sleep; so here nothing is:
 *
 *   announced   A channel that was announced (S1 to S4 of wait/wait.h) and had
 *               nothing to read stays so: its flag is set until a waker clears
 *               it, and that waker changes the sequence word, too. Only who was
 *               woken is looked at and announced again.
 *   in the      With io_uring a channel's wait stays in the kernel until the
 *   kernel      channel is woken, and its completion says which one that was
 *               (many_ring.c). A sleep costs the same for a handful of
 *               channels and for thousands.
 *   without     futex_waitv takes all words anew for each sleep, 127 at a time;
 *   io_uring    threads sleep for those beyond (group.c). Where that is missing
 *               as well, one looks at all words now and then.
 *
 * A MEMBER'S WAY
 *
 *   add --> to_look --- nothing, announced --> to_arm --> (in the kernel)
 *             ^  |                                              |
 *             |  +-- ready: answered, and stays                 |
 *             +------------- woken, or its turn ----------------+
 *
 *   What is ready stays where it is looked at by the next wait: who does not
 *   read all of it is told again.
 *
 * ITS TURN
 *   Who would wake us can die. So each member is looked at now and then, as by
 *   a blocked read, but not all at once: every WAIT_CAP_NS a tenth of them, or
 *   TURN_MIN if that is more. Behind a claim that is not committed one looks
 *   sooner, after 1 ms first, then after times that double up to the cap.
 *
 * WHO MAY DO WHAT
 *   `lock` is around all that follows, but not held in a sleep. One thread at a
 *   time waits; any may add, remove and interrupt, and they change `control`,
 *   which is among the words of every sleep. Once there is a descriptor the
 *   feeder's thread alone sleeps in the kernel; it only glances at channels.
 *
 * ORDERING
 *   label     released by          acquired by           so that
 *   control   waitset_poke()       sleep_begin()         what was changed
 *                                                        before is seen by the
 *                                                        looks before a sleep
 */
#ifndef SHMIPC_WAITSET_H
#define SHMIPC_WAITSET_H

#include "channel/watch.h"
#include <pthread.h>
#include <shmipc/ipc_waitset.h>

enum {
    /* Members that are looked at in one turn, at least. */
    TURN_MIN = 16,
    TURNS_PER_ROUND = 10,
    /* Where so many are in a set, a wait in a ring is cheaper than one by
     * futex_waitv: docs/benchmarks/experiments.md. */
    RING_FROM = 4,
};

struct line;

/* A channel that is in a set. */
struct member {
    struct channel_watch watch; /* the first: the channel knows it by that */
    struct IpcWaitSet *set;
    IpcChannel *channel; /* NULL: it was removed, and the ring still has it */
    void *user;
    struct line *line; /* NULL: it is in none */
    atomic_u32 *word;  /* the channel's, that wakers change */
    uint32_t seen;     /* what it was when the channel was announced */
    bool stuck;        /* there was a claim that is not committed */
    bool in_ring;      /* the kernel has a wait that will complete */
    struct member *before, *after;
    size_t place; /* in set->members */
};

/* Members in a row; each is in one line at most. */
struct line {
    struct member *first, *last;
    size_t count;
};

struct group;
struct many_ring;

struct IpcWaitSet {
    pthread_mutex_t lock;
    uint64_t token; /* process_token() of the process that made it */
    struct member **members;
    size_t count, room;
    struct line to_look, to_arm;
    size_t turn;           /* the place of the member whose turn is next */
    int64_t next_turn;     /* when */
    size_t scanned;        /* the place up to where words were compared */
    size_t stuck;          /* how many members are */
    int64_t stuck_nap;     /* ns: until they are looked at again */
    int64_t next_stuck;    /* when; INT64_MAX: none is */
    int64_t nap;           /* ns: where nobody wakes us */
    bool waited_for;       /* a thread is in a wait */
    bool over;             /* the feeder's thread is to end */
    bool lively;           /* a member was woken since we last let others run */
    bool armed_more;       /* some since the feeder's thread fell asleep */
    bool unreadable;       /* the descriptor is, as far as we know */
    bool no_ring;          /* io_uring is of no use here */
    bool no_waitv;         /* nor futex_waitv */
    bool short_of_threads; /* some group has none */
    atomic_u32 control;    /* a futex word: changes for who sleeps to look */
    atomic_u32 interrupted;
    struct feeder *feeder;
    struct many_ring *ring;
    struct group **groups;
    size_t group_count;
};

void waitset_leave_line(struct member *m);
void waitset_enter_line(struct line *line, struct member *m);

IpcStatus waitset_make(struct IpcWaitSet **made);
/* IPC_ERR_ILLEGAL_STATE: somebody waits. */
IpcStatus waitset_end(struct IpcWaitSet *set);
IpcStatus waitset_add(struct IpcWaitSet *set, IpcChannel *ch, void *user,
                      const char **detail);
IpcStatus waitset_remove(struct IpcWaitSet *set, IpcChannel *ch,
                         const char **detail);
IpcStatus waitset_interrupt(struct IpcWaitSet *set);
IpcStatus waitset_wait(struct IpcWaitSet *set, IpcWaitSetReady *ready,
                       size_t room, int64_t until, size_t *count,
                       const char **detail);
IpcStatus waitset_fd(struct IpcWaitSet *set, int *fd, const char **detail);

/* Ends the sleep of whoever sleeps for the set. Safe in a signal handler. */
void waitset_poke(struct IpcWaitSet *set);

/* For those who sleep: the member was woken, or may have been. */
void waitset_rang(struct member *m);

/* Compares the words of `limit` members, in turn, with what was seen. */
void waitset_scan(struct IpcWaitSet *set, size_t limit);

/* Whether somebody has woken it since it was announced. */
static inline bool waitset_was_woken(const struct member *m)
{
    /* Relaxed: a look with an order of its own follows. */
    return m->line != &m->set->to_look &&
           atomic_get_relaxed(m->word) != m->seen;
}

#endif
