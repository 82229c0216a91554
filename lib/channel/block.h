/* SPDX-License-Identifier: MIT */
/*
 * When to try a call again that found nothing to read or no space, and what to
 * do in between: nothing, spin, sleep, repair. A call that was interrupted does
 * all of that but sleep. A call that may wait is a loop:
 *
 *     struct block block = block_until(channel, WAIT_READERS, timeout);
 *
 *     while (block_again(&block, &status))
 *         status = ... one try ...
 *     return status;
 */
#ifndef SHMIPC_BLOCK_H
#define SHMIPC_BLOCK_H

#include "channel/channel.h"

/* What the last try was, and so what comes next. */
enum block_step {
    BLOCK_NEW,
    BLOCK_FIRST,     /* the first try */
    BLOCK_SPINNING,  /* one of many without a sleep in between */
    BLOCK_ANNOUNCED, /* S4 of wait/wait.h */
    BLOCK_SLEPT,     /* after the sleep */
    BLOCK_SIGNALLED, /* after a sleep that a signal ended */
    BLOCK_ALL_DEAD, /* after that was found, until when they may have gone on */
    BLOCK_REPAIRED, /* never blocks: after a repair */
    BLOCK_ARMED,    /* never blocks: S4 of a poller */
    BLOCK_ARMED_REPAIRED,
    BLOCK_ARMED_ALL_DEAD,
};

struct block {
    struct IpcChannel *channel;
    const struct timespec *timeout;
    enum wait_side side;
    enum { BLOCK_NEVER, BLOCK_ROUNDS, BLOCK_UNTIL, BLOCK_SLICE } how;
    enum block_step step;
    uint64_t before; /* where the side's end of the ring was before this try */
    uint32_t looks;  /* while spinning */
    uint32_t patience; /* ns to do so */
    int64_t spin_begin;
    int64_t spun;    /* ns, at the last look at the clock */
    uint32_t rounds; /* that are left */
    uint32_t seen;   /* the sequence word of S1 */
    bool has_slept;
    bool took_back; /* wakes that may have been meant for others */
    IpcStatus armed;
    int64_t until; /* the end of this round, or of all */
    int64_t slice; /* ns */
    int64_t round; /* ns: length of the next one */
    int64_t nap;   /* ns: how long to sleep where nobody wakes us */
};

static inline struct block block_never(struct IpcChannel *ch,
                                       enum wait_side side)
{
    return (struct block){.channel = ch, .side = side, .how = BLOCK_NEVER};
}

/* For max_round_trips rounds. */
static inline struct block block_rounds(struct IpcChannel *ch,
                                        enum wait_side side)
{
    return (struct block){.channel = ch, .side = side, .how = BLOCK_ROUNDS};
}

/* For that long from now; NULL: for ever. */
static inline struct block block_until(struct IpcChannel *ch,
                                       enum wait_side side,
                                       const struct timespec *timeout)
{
    return (struct block){
        .channel = ch, .timeout = timeout, .side = side, .how = BLOCK_UNTIL};
}

/* Until `until`, but for one sleep at most, or spinning for `slice` ns, and
 * that sleep is not longer either, or than WAIT_ROUSE_NS where it is watched:
 * IPC_ERR_TIMEOUT after it. For who has something of his own to look after. */
static inline struct block block_slice(struct IpcChannel *ch,
                                       enum wait_side side, int64_t until,
                                       int64_t slice)
{
    return (struct block){.channel = ch,
                          .side = side,
                          .how = BLOCK_SLICE,
                          .until = until,
                          .slice = slice};
}

/*
 * Given the status of the last try, whether to try (again); before the first
 * one *status need not be set. False: *status is the answer. A channel that is
 * NULL, or a timeout that is negative or has a tv_nsec out of range, is
 * IPC_ERR_INVALID_ARGUMENT, and nothing is tried.
 */
bool block_again(struct block *b, IpcStatus *status);

/* What is wrong with a call whose arguments cannot be: its timeout, or else
 * what `other` says. */
const char *block_blame(const struct block *b, const char *other);

/* Where readers, or writers, move their end of the ring: head, or tail. */
static inline uint64_t block_end(const struct IpcChannel *ch,
                                 enum wait_side side)
{
    const struct ring *r = &ch->buffer.ring;

    /* Relaxed: what we move ourselves we see; whoever else moves it tells those
     * who wait for that. */
    return atomic_get_relaxed(side == WAIT_READERS ? &r->head->position
                                                   : &r->tail->position);
}

#endif
