/* SPDX-License-Identifier: MIT */
/*
 * What every way of passing messages has to offer to be measured, ours and the
 * peers' alike. C and C++.
 *
 * One run, of one transport under one load, is made by a process of its own:
 * it opens the links, forks the parties, and closes the links when they are
 * done. So whatever a transport leaves behind is gone with that process.
 */
#ifndef BENCH_TRANSPORT_H
#define BENCH_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a run is to do. */
struct load {
    size_t size;        /* bytes of a message, at least 8 */
    size_t memory;      /* bytes that a ring may take */
    unsigned producers; /* processes */
    unsigned consumers;
    unsigned batch;      /* messages handed over by one call */
    bool in_place;       /* no copies: reserve/commit, peek/skip */
    bool broadcast;      /* each consumer gets each message */
    double seconds;      /* how long producers go on */
    uint64_t trips;      /* of a ping-pong, or of one alone */
    uint64_t warm_trips; /* before them, not measured */
    unsigned produce_work, consume_work; /* rounds of work for a message */
    unsigned yield_after; /* tries in vain before a yield; 0: never */
};

enum {
    TRAIT_OURS = 1,
    TRAIT_LIMIT = 2,      /* what the machine can do, no transport */
    TRAIT_FIXED_SLOT = 4, /* all messages of one size, fixed when created */
    TRAIT_MANY_PRODUCERS = 8,
    TRAIT_MANY_CONSUMERS = 16,
    TRAIT_KERNEL = 32,          /* a system call for every message */
    TRAIT_WAITS_FOR_ROOM = 64,  /* send() does, so nobody can fill it alone */
    TRAIT_SLEEPS = 128,         /* send() and receive() do, for a while */
    TRAIT_ONLY_BATCHES = 256,   /* another form of them; the rest is known */
    TRAIT_BROADCAST = 512,      /* only for such loads */
    TRAIT_ONLY_IN_PLACE = 1024, /* likewise; the rest is known */
};

/*
 * One direction. open() is called once, before the parties are forked;
 * join() in each party that uses the link, after that. `state` is the
 * transport's: what open() puts there is copied into each party by fork.
 */
struct link {
    const struct load *load;
    unsigned number; /* 0, or 1 for the way back */
    char name[40];   /* unique on this machine, starts with a letter */
    void *memory;    /* load->memory bytes, zeroed, page-aligned, shared */
    void *state;
};

enum side { SIDE_SEND, SIDE_RECEIVE };

/* What a party found out, in memory that the run's maker reads. */
struct tally {
    uint64_t sent;
    uint64_t received;
    uint64_t wrong;      /* messages torn, doubled, or of the wrong size */
    uint64_t skipped;    /* sequence numbers that never came, one consumer */
    uint64_t start, end; /* ticks */
    uint64_t bad;        /* 1: a call failed */
    uint64_t padding[9];
};

/* One process of a run, as its loops see it. */
struct party {
    const struct load *load;
    struct link *in, *out; /* NULL if it does not receive, or send */
    unsigned in_count; /* views of one link: in a ping-pong with broadcast each
                        * party is all subscribers of the other one */
    struct tally *tally;
    unsigned index;           /* among the producers, or the consumers */
    uint64_t send_ticks;      /* load->seconds by the clock of the loops */
    unsigned char *data;      /* its own memory: `batch` messages */
    uint64_t *trips;          /* ticks: of each round trip of a ping-pong, or of
                               * LOOP_SENDS_PER_CLOCK messages of one alone */
    uint64_t *producers_left; /* shared: who are still sending */
};

/*
 * The measuring loops, compiled together with a transport's calls (loops.h),
 * so that what can be inlined is. 0, or -1 after a failure.
 */
struct loops {
    int (*ask)(struct party *p);
    int (*answer)(struct party *p);
    int (*produce)(struct party *p);
    int (*consume)(struct party *p);
    int (*alone)(struct party *p);         /* both sides in one process */
    int (*exhaust)(struct party *p);       /* likewise */
    int (*produce_batch)(struct party *p); /* NULL, both: no such calls */
    int (*consume_batch)(struct party *p);
    int (*produce_in_place)(struct party *p); /* NULL, both: likewise */
    int (*consume_in_place)(struct party *p);
};

struct transport {
    const char *name; /* as tables show it: "boost spsc_queue" */
    const char *note; /* what a reader of the table should know, or NULL */
    unsigned traits;
    size_t max_size; /* of a message; 0: what fits the memory */
    int (*open)(struct link *link);
    int (*join)(struct link *link, enum side side, unsigned index);
    void (*leave)(struct link *link, enum side side); /* may be NULL */
    void (*close)(struct link *link);                 /* may be NULL */
    const struct loops *loops;
};

#ifdef __cplusplus
}
#endif
#endif
