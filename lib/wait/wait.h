/* SPDX-License-Identifier: MIT */
/*
 * Sleeping until somebody makes a change, and waking sleepers. A channel has
 * two sides: readers sleep until an entry is committed, writers until space
 * becomes free. Each side has a line of words of its own in the region, struct
 * shm_wait.
 *
 * THE STEPS
 *   A sleeper   S1  remembers the sequence word,
 *               S2  sets its bit in the flag `sleepers`,
 *               S3  passes a full fence, and makes every other process pass
 *                   one (membarrier) unless wakers do so anyway,
 *               S4  looks whether the change has come after all,
 *               S5  sleeps for as long as the sequence word is the one it
 *                   remembers.
 *   A waker     W1  makes its change: READY, or a move of head,
 *               W2  passes a full fence, or relies on that of S3,
 *               W3  looks at the flag; if it is 0, that was all,
 *               W4  clears the flag, adds one to the sequence word, and wakes
 *                   all that sleep on it.
 *
 * WHY NO WAKE-UP IS LOST
 *   If the fence of W2 comes before that of S3, S4 sees the change. If it comes
 *   after it, W3 sees the flag. A wake between S1 and S5 changes the sequence
 *   word, and S5 does not sleep.
 *
 * WHO PAYS FOR THE FENCE OF W2
 *   A write or a read with success has no fence for it. One of these stands in:
 *
 *   a locked instruction   Where a read-modify-write is a full fence
 *                          (ATOMIC_RMW_IS_FENCE), many producers pass one in
 *                          counting the entry (write_count_and_fence()), and
 *                          many consumers in moving head by CAS. The sleeper
 *                          makes no system call in S3 then.
 *   the sleeper            Elsewhere S3 makes the kernel do it: membarrier has
 *                          every running process that registered for it pass a
 *                          fence. A process that could not register fences on
 *                          its own account (process_needs_fence()).
 *   a promise              A membarrier interrupts other CPUs, too much for
 *                          each of many short sleeps. Where one handle alone
 *                          wakes a side (the one producer, the one consumer),
 *                          that one fences for WAIT_PROMISED_LOOKS looks after
 *                          each wake, and says so in `fenced`; S3 leaves the
 *                          membarrier out while that is set. The promise ends
 *                          with a fence, so either the sleeper saw that it was
 *                          over or the waker's next look sees the sleeper. Who
 *                          takes the role over takes the promise back in the
 *                          same way (handle.c). What it
 *                          buys: a wake on one CPU costs 1.29 of a bare futex
 *                          instead of 1.54 (docs/benchmarks/experiments.md).
 *
 *   All other changes (closing, repairs, an abort, filler that a call left or
 *   passed without success) are rare, and fence.
 *
 * WHO LOOKS AFTER A SLEEPER
 *   Whoever should wake it can die before that, or before its change. So no
 *   sleep is longer than WAIT_CAP_NS, and who wakes up looks after the dead.
 *   The kernel's timer for that costs a seventh of a sleep and a wake. Where a
 *   handle is watched (IPC_WAIT_WATCHED) its process has a thread instead that
 *   wakes its sleepers every half of that time, so that one that began to sleep
 *   just after it looked is woken in time, too.
 *
 * ENDING A WAIT FROM OUTSIDE
 *   Who interrupts a handle is a waker of both its sides. The change (W1) is
 *   the handle's own flag `interrupted`, and a sleeper of that handle looks at
 *   the flag in S4 too. So what is said above holds for it: either the sleeper
 *   sees the flag, or the sequence word changes and it does not sleep on.
 *   Sleepers of other handles are woken along, look, and announce themselves
 *   anew. Who sleeps for a time, and is woken by nobody, sleeps on the flag
 *   instead of the sequence word, for as long as it is 0.
 *
 * ORDERING
 *   label      released by                 acquired by       carries
 *   sleepers   fence W2, or what stands    fence S3          W1's change, or
 *              in for it                                     the flag
 *   sequence   W4, before it wakes         S1                the cleared flag,
 *                                                            W1's change
 *   promise    store of `fenced`           S3                what the waker
 *                                                            changed before it
 *   interrupt  wait_interrupt()            S4; clearing it   what the caller
 *                                                            did before
 *
 * A CRASH LEAVES
 *   a sleeper anywhere, or    its bit in the flag: one needless wake, once.
 *   one that was cancelled
 *   a waker between W1 and    a sleeper that is not woken. No sleep is longer
 *   the end of W4             than WAIT_CAP_NS, so it costs that once.
 *   a waker that promised     a promise that nobody keeps: its successor takes
 *                             it back before it makes a change.
 */
#ifndef SHMIPC_WAIT_H
#define SHMIPC_WAIT_H

#include "ring/layout.h"
#include "ring/process.h"
#include <shmipc/ipc_common.h>

/* A test that must notice a lost wake-up builds the library without this
 * safety net. */
#ifndef WAIT_CAP_NS
#define WAIT_CAP_NS INT64_C(100000000)
#endif

#ifdef SHMIPC_MODEL
#define WAIT_LOOKS 2
#else
#define WAIT_LOOKS 16
#endif

enum {
    /* Looks that find no sleeper, in a row, after which a promise ends. */
    WAIT_PROMISED_LOOKS = WAIT_LOOKS,
    /* How often a poller is looked after while there are handles that cannot
     * signal the eventfd. */
    WAIT_UNSIGNALLED_NS = 1000000,
};

/* How often those are woken that sleep watched. */
#define WAIT_ROUSE_NS (WAIT_CAP_NS / 2)

/* How a sleeper can be woken: bits of the flag. */
enum {
    WAIT_BY_WORD = 1,  /* FUTEX_WAKE on the sequence word */
    WAIT_BY_EVENT = 2, /* a write to the channel's eventfd */
};

enum wait_side { WAIT_READERS, WAIT_WRITERS };

struct waiter;
struct feeder;

/* What sets one way of waiting apart from the others. Members that are NULL:
 * there is nothing to do, or no descriptor. */
struct wait_backend {
    const char *name;
    uint32_t sleeps_by; /* a WAIT_BY_*; 0: for a time, nobody wakes it */
    uint32_t polls_by;  /* a WAIT_BY_* */
    bool is_watched;    /* sleeps need no timer of their own, see below */
    /* Makes what it needs. IPC_ERR_UNSUPPORTED: the kernel lacks it. */
    IpcStatus (*open)(struct waiter *w);
    void (*close)(struct waiter *w);
    /* For a channel's creator: makes what all handles are to share. */
    IpcStatus (*create)(struct waiter *w);
    /* A descriptor for poll, the handle's for as long as it lives; -1: none. */
    int (*fd)(struct waiter *w);
    /* Between S3 and S4 of a poller, which sleeps in poll() instead of S5:
     * makes the descriptor readable when it is woken, or at once if the
     * readers' sequence word is not `seen`. */
    IpcStatus (*arm)(struct waiter *w, uint32_t seen);
    /* Makes it readable. Any thread, while the handle lives. */
    void (*raise)(const struct waiter *w);
};

extern const struct wait_backend wait_backend_futex;
extern const struct wait_backend wait_backend_watched;
extern const struct wait_backend wait_backend_sleep;
extern const struct wait_backend wait_backend_eventfd;
extern const struct wait_backend wait_backend_io_uring;

/* A handle's way of waiting; process-local. */
struct waiter {
    const struct wait_backend *backend;
    struct shm_region *region;
    bool sole[2];           /* by side: one handle alone wakes it */
    atomic_u32 promised[2]; /* by side: looks that are left, see above */
    atomic_u32 asleep[2];   /* by side: threads that sleep watched */
    uint64_t token;         /* process_token() of the process that opened it */
    int event_fd;           /* what the channel's pollers share; -1: none */
    int poll_fd;            /* eventfd's: what an application polls; -1 */
    bool by_edges;          /* each poller needs each wake: see eventfd.c */
    void *ring;             /* io_uring's */
    atomic_u32 interrupted; /* 1: who would sleep gives up, see above */
    bool heeds_signals;     /* a signal ends a sleep */
    bool is_cancellable;    /* a sleep is a cancellation point */
    struct feeder *feeder;  /* futex's, once a descriptor was asked for */
    atomic_u32 fed_after;   /* the sequence word that it sleeps on */
};

/*
 * Opens the way of waiting with that IpcWait number. IPC_ERR_INVALID_ARGUMENT:
 * there is no such number. IPC_ERR_UNSUPPORTED: this library was built without
 * it, or the running kernel lacks it; IPC_WAIT_DEFAULT is the futex then.
 */
IpcStatus wait_open(struct waiter *w, uint32_t number);

/* Says which region it is for, and which sides one handle alone wakes. */
void wait_join(struct waiter *w, struct shm_region *region, bool one_producer,
               bool one_consumer);
void wait_close(struct waiter *w);

static inline struct shm_wait *wait_words(const struct waiter *w,
                                          enum wait_side side)
{
    return side == WAIT_READERS ? &w->region->readers : &w->region->writers;
}

/* S1 to S3 of a sleeper that is woken by `way`, a WAIT_BY_* or 0; returns the
 * sequence word for S5. */
uint32_t wait_announce(const struct waiter *w, enum wait_side side,
                       uint32_t way);

/* S5, at most until `deadline`. False: a signal ended it. */
bool wait_sleep(struct waiter *w, enum wait_side side, uint32_t seen,
                int64_t deadline);

/*
 * S5 without a timer, which costs a seventh of a sleep and a wake. It ends when
 * somebody wakes the side, or by wait_rouse(), which a thread of this process
 * has to call every WAIT_ROUSE_NS: see channel/patrol.h. Signals do not end it,
 * nor is it a cancellation point.
 */
void wait_sleep_watched(struct waiter *w, enum wait_side side, uint32_t seen);

/* Wakes this process's threads that sleep so with this handle. One that is
 * about to sleep is missed, and has to be woken by the next call. */
void wait_rouse(const struct waiter *w);

/* From now on nobody is to sleep with this handle, and who does wakes. May be
 * called by a signal handler. */
void wait_interrupt(struct waiter *w);

/* Takes that back. False: there was nothing to take back. */
bool wait_clear_interrupt(struct waiter *w);

/* Part of S4. */
static inline bool wait_is_interrupted(const struct waiter *w)
{
    /* Acquire [interrupt]: what was done before it. */
    return atomic_get_acquire(&w->interrupted) != 0;
}

/*
 * Before a poller announces itself it takes back the wakes that made the
 * eventfd readable. True: there were some. They may have been meant for others
 * that have not run yet. If the poller then finds nothing to read, there is
 * nothing for them either; if it finds something, there may be more, and it
 * passes the wake on.
 */
bool wait_take_back(const struct waiter *w);
void wait_pass_on(const struct waiter *w);

/* W4. */
void wait_wake(const struct waiter *w, enum wait_side side);

/* W3 and W4, and a promise where one handle alone wakes the side. */
void wait_wake_and_promise(struct waiter *w, enum wait_side side);

/* W2 to W4 while a promise lasts. */
void wait_notify_promised(struct waiter *w, enum wait_side side);

/* W2 to W4 after a write or read with success. */
static inline void wait_notify(struct waiter *w, enum wait_side side)
{
    /* Relaxed: a sole waker is one thread at a time, by contract; others have
     * no promise. */
    if (__builtin_expect(atomic_get_relaxed(&w->promised[side]) != 0, 0)) {
        wait_notify_promised(w, side);
        return;
    }
    if (process_needs_fence())
        atomic_full_fence(); /* [sleepers] */
    else
        atomic_compiler_fence();
    /* Relaxed: ordered by the fence, or by what stands in for it. */
    if (__builtin_expect(
            atomic_get_relaxed(&wait_words(w, side)->sleepers) != 0, 0))
        wait_wake_and_promise(w, side);
}

/* W2 to W4 after any other change, which anybody can make. */
void wait_notify_rarely(const struct waiter *w, enum wait_side side);

#endif
