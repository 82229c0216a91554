/* SPDX-License-Identifier: MIT */
/*
 * Sleeping until somebody commits, and waking who sleeps.
 *
 * A sleeper   1. remembers the sequence word,
 *             2. sets the sleepers flag,
 *             3. makes every running process pass a memory barrier,
 *             4. looks whether there is something to read after all,
 *             5. sleeps while the sequence word is what it remembers.
 * A waker     1. commits,
 *             2. looks at the flag; if it is set: clears it, changes the
 *                sequence word, wakes all that sleep on it.
 *
 * Either the waker sees the flag or the sleeper sees the entry: between the
 * waker's 1 and 2 there is a barrier that the sleeper's 3 puts there
 * (membarrier), so that wakers pay for none. A process that the kernel does
 * not know for that pays a full fence instead. The sequence word is remembered
 * before the look, so a wake in between is not slept through.
 *
 * A membarrier is a system call and interrupts other CPUs, too much for each of
 * many short sleeps. So where only one handle wakes a side, that one fences for
 * a while after each wake, and says so in `fenced`: the sleeper does without
 * the membarrier then. Either it sees that this is over, or the waker, who says
 * so before a fence, sees the flag.
 *
 * The flag is no counter: a sleeper that was killed costs one needless wake,
 * once. A waker that is killed between its steps costs the sleeper the rest of
 * its round: no sleep is longer than WAIT_CAP_NS.
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

/* How a sleeper can be woken: bits of the sleepers flag. */
enum {
    WAIT_BY_WORD = 1,  /* FUTEX_WAKE on the sequence word */
    WAIT_BY_EVENT = 2, /* a write to the channel's eventfd */
};

/* The channel's two sides: who waits for entries, who waits for space. */
enum wait_side { WAIT_READERS, WAIT_WRITERS };

struct waiter;

/* What sets one way of sleeping apart from the others: one file each. */
struct wait_backend {
    const char *name;
    uint32_t announces; /* a WAIT_BY_*, or 0: nobody has to wake it */
    /* Makes what it needs. IPC_ERR_UNSUPPORTED: the kernel lacks it. */
    IpcStatus (*open)(struct waiter *w);
    void (*close)(struct waiter *w);
    /* For a channel's creator: makes what all its handles are to share. The
     * members from here on are NULL where there is nothing to do, but for
     * sleep. */
    IpcStatus (*create)(struct waiter *w);
    /* Before a sleeper announces itself: takes back the wakes that were. True:
     * there were some; see wait_pass_on(). */
    bool (*before)(struct waiter *w, enum wait_side side);
    /* Sleeps until it is woken, or wait->sequence is not `seen`, or until
     * `deadline` (monotonic ns). A signal does not end it. */
    void (*sleep)(struct waiter *w, struct shm_wait *wait, enum wait_side side,
                  uint32_t seen, int64_t deadline);
    /* A descriptor for poll, the handle's for as long as it lives; -1: none.
     * NULL: this way has none. */
    int (*fd)(struct waiter *w);
    /* Instead of sleep: makes that descriptor readable when a reader who
     * announced itself is woken, or at once if wait->sequence is not `seen`. */
    IpcStatus (*arm)(struct waiter *w, struct shm_wait *wait, uint32_t seen);
};

extern const struct wait_backend wait_backend_futex;
extern const struct wait_backend wait_backend_sleep;
extern const struct wait_backend wait_backend_eventfd;
extern const struct wait_backend wait_backend_io_uring;

/* What futex does, for the backends that fall back on it. */
void wait_on_word(struct shm_wait *wait, uint32_t seen, int64_t deadline);

/* A handle's way of waiting; process-local. */
struct waiter {
    const struct wait_backend *backend;
    uint64_t token;   /* process_token() of who opened it */
    int event_fds[2]; /* by wait_side; -1: none */
    int poll_fd;      /* eventfd's: what an application polls; -1: none */
    int timer_fd;     /* caps the wait in it */
    void *ring;       /* io_uring's */
    atomic_u64 busy;  /* a thread is using the ring */
};

/*
 * Opens the way with that IpcWait number. IPC_ERR_INVALID_ARGUMENT: there is
 * no such number. IPC_ERR_UNSUPPORTED: this library was built without it, or
 * the running kernel lacks it; the default is another one then instead.
 */
IpcStatus wait_open(struct waiter *w, uint32_t number);
void wait_close(struct waiter *w);

/* Monotonic nanoseconds. */
int64_t wait_now(void);

/* How this handle's sleepers are to be woken now: the backend's way, or the
 * word while somebody is deaf. */
uint32_t wait_how(const struct waiter *w, struct shm_wait *wait,
                  enum wait_side side);

/* A sleeper's steps 1 to 3 for the WAIT_BY_* in `how`; returns the sequence
 * word for step 5. `fenced`: every waker passes a full fence between its two
 * steps anyway, so step 3 is not needed. */
uint32_t wait_announce(struct shm_wait *wait, uint32_t how, bool fenced);

/* Looks for sleepers in vain, in a row, after which a side's only waker ceases
 * to fence. */
enum { WAIT_FENCED_LOOKS = 16 };

/* The only waker fences from now on. */
void wait_fence_on(struct shm_region *region, enum wait_side side,
                   atomic_u32 *looks);

/* The only waker's step 2 while *looks, of those that are left, is not 0. */
void wait_notify_fenced(struct waiter *w, struct shm_region *region,
                        enum wait_side side, atomic_u32 *looks);

/* Step 5. */
void wait_sleep(struct waiter *w, struct shm_wait *wait, enum wait_side side,
                uint32_t seen, int64_t deadline);

/* Says that this handle cannot wake eventfd sleepers, who then sleep on the
 * word instead. False: there is one who cannot do that. */
bool wait_declare_deaf(const struct waiter *w, struct shm_region *region);

/* Says that nothing but the readers' eventfd will wake this handle's process.
 * False: there are handles that cannot. Neither is ever taken back. */
bool wait_declare_polled(struct shm_region *region);

/*
 * A sleeper that took wakes back may have taken them from others that have
 * not run yet. If it finds nothing, there is nothing for them either; if it
 * does, there may be more, and it passes the wake on.
 */
void wait_pass_on(struct waiter *w, enum wait_side side);

static inline bool wait_before(struct waiter *w, enum wait_side side)
{
    return w->backend->before && w->backend->before(w, side);
}

/* The waker's second half of step 2. */
void wait_wake(struct waiter *w, struct shm_region *region,
               enum wait_side side);

static inline struct shm_wait *wait_of(struct shm_region *region,
                                       enum wait_side side)
{
    return side == WAIT_READERS ? &region->readers : &region->writers;
}

/* The waker's step 2; step 1 was a release store. True: it woke somebody. */
static inline bool wait_notify(struct waiter *w, struct shm_region *region,
                               enum wait_side side)
{
    if (process_needs_fence())
        atomic_full_fence();
    else
        atomic_compiler_fence();
    /* Relaxed: ordered by the fence, or by the sleeper's membarrier. */
    if (__builtin_expect(
            atomic_get_relaxed(&wait_of(region, side)->sleepers) == 0, 1))
        return false;
    wait_wake(w, region, side);
    return true;
}

#endif
