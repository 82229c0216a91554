/* SPDX-License-Identifier: MIT */
/*
 * What is in a segment, by a look that stores nothing: is it a ring, whole, of
 * this layout; where are its ends; what is at the head; who are its owners.
 * Nothing that is found there is believed further than it can do harm.
 */
#ifndef SHMIPC_TOOLS_INSPECT_H
#define SHMIPC_TOOLS_INSPECT_H

#include "proc.h"
#include "ring/protocol.h"
#include "segment.h"
#include "subscribers.h"

enum inspect_kind {
    INSPECT_RING,
    INSPECT_EMPTY,        /* no bytes: its creator has not come further */
    INSPECT_BLANK,        /* zeros: the same, or it was never formatted */
    INSPECT_FOREIGN,      /* bytes of somebody else */
    INSPECT_INITIALIZING, /* being formatted, or its creator died in that */
    INSPECT_OTHER_LAYOUT, /* ours, of another version or byte order */
    INSPECT_DAMAGED,      /* ours, and its header cannot be true */
    INSPECT_TRUNCATED,    /* ours, and the file is too short for it */
    INSPECT_UNREADABLE,   /* it cannot be mapped */
};

enum inspect_head {
    INSPECT_HEAD_EMPTY,
    INSPECT_HEAD_READY,
    INSPECT_HEAD_BUSY,
    INSPECT_HEAD_FILLER,
    INSPECT_HEAD_CLAIMED, /* a gap */
    INSPECT_HEAD_DAMAGED, /* its word cannot be true */
    INSPECT_HEAD_LOST,    /* the position cannot be true */
};

struct inspect_owner {
    struct owner_view view;
    uint64_t pid_namespace; /* inode; 0: not known */
    bool is_here;           /* its pid is one of our namespace */
    pid_t pid_here;         /* what we call it; 0: it is not to be seen */
    bool is_producer;       /* has the role of the one producer */
    bool is_consumer;
    struct proc proc; /* if it is seen */
};

/* What is between head and tail. */
struct inspect_walk {
    uint64_t entries, bytes; /* committed ones */
    uint64_t fillers;
    uint64_t dead_claims, gaps; /* given up */
    uint64_t at_head; /* of these, before an entry or a claim that may live: a
                         recovery removes them */
    uint64_t claims;  /* of who lives, or cannot be judged */
    bool is_whole;    /* false: there is more than was looked at */
};

struct inspection {
    enum inspect_kind kind;
    uint32_t layout_version; /* if it is ours */
    bool is_swapped;         /* ... of another byte order */
    uint64_t needed;         /* bytes, if it is truncated */
    const struct shm_region *region;

    /* The rest if it is a ring. */
    struct ring ring;
    /* head: what is read next; where every subscriber reads all, by the slowest
     * of them. held: bytes from there that writers do not get. used: with what
     * is kept behind all subscribers for those to come. */
    uint64_t capacity, used, held, head_offset, tail_offset;
    uint64_t entries_written;
    bool ends_are_true; /* head and tail can be what they are */
    bool is_closed, is_half_closed;
    enum inspect_head head;
    struct view view; /* of the entry that holds readers up, or the head */
    uint64_t stuck_offset;
    uint32_t readers_sleep, writers_sleep; /* WAIT_BY_* bits */
    struct inspect_subscriber *subscribers;
    uint32_t subscriber_count; /* of ring.subscriber_count slots in use */
    const struct inspect_subscriber *slowest; /* that writers wait for */

    struct inspect_owner *owners;
    uint32_t owner_count, alive, dead, unknown;
};

/* Finds owners of namespaces inside of ours among those who use the segment. */
void inspect_find_inner(struct inspection *in, const struct proc_use *users,
                        size_t count);

/* Fills it; inspect_close() frees what it holds. The segment stays open for as
 * long. */
void inspect_open(struct inspection *in, const struct segment *s);
void inspect_close(struct inspection *in);

/* Walks from the head over at most `steps` words. */
void inspect_count(const struct inspection *in, uint64_t steps,
                   struct inspect_walk *walk);

/* The owner that a BUSY word or a role names, or NULL: it has gone. */
const struct inspect_owner *inspect_find_owner(const struct inspection *in,
                                               uint32_t owner);

/* Whether a control word can be of this lap or of one that left it there: words
 * are renewed before they are older (I6 of ring/protocol.h). */
static inline bool inspect_is_plausible(const struct ring *r, uint64_t position,
                                        uint64_t word)
{
    return position_tag(r, position) - control_tag(word) <=
           SHMIPC_RENEWAL_LAPS + 1;
}

/* "ring", "foreign" ... : for JSON and scripts. */
const char *inspect_kind_name(enum inspect_kind kind);
const char *inspect_head_name(enum inspect_head head);
/* Whether the identity's magic is ours. */
bool inspect_is_ours(const struct inspection *in);

/* Who uses the segment of all that are known: takes those entries to the front
 * of the list and returns how many. */
size_t inspect_users(const struct segment *s, struct proc_uses *uses);

#endif
