/* SPDX-License-Identifier: MIT */
/*
 * Every byte in shared memory, and nothing else.
 *
 *     +-----------------------+  base = mem rounded up to 64
 *     | identity         64 B |  written by create, `ready` last
 *     +-----------------------+
 *     | tail             64 B |  next position to claim; one-producer role
 *     +-----------------------+
 *     | head             64 B |  next position to read; one-consumer role
 *     +-----------------------+
 *     | readers' wait    64 B |  sequence word and flag of sleeping readers
 *     +-----------------------+
 *     | writers' wait    64 B |  the same for writers that wait for space
 *     +-----------------------+
 *     | owner slots    64 B m |  who may hold claims
 *     +-----------------------+
 *     | subscribers   128 B s |  only with IPC_BUFFER_BROADCAST: how far each
 *     +-----------------------+  has read; then `head` is the gate
 *     | control words   8 B n |  one per block, padded to a multiple of 64
 *     +-----------------------+
 *     | holders         8 B n |  the same, with IPC_BUFFER_ACKNOWLEDGE only
 *     +-----------------------+
 *     | blocks         64 B n |  payload only
 *     +-----------------------+
 *
 * All words are native-endian and fixed-width; there are no pointers. Any
 * change here is a new SHMIPC_LAYOUT_VERSION.
 *
 * Position, 58 bit: lap | index. The index has just as many bits as n needs
 * (index_bits), so that laps never run out: 2^57 blocks can pass through any
 * buffer. Each creation begins in a lap of its own, so that handles of the last
 * one find that all they know of free room is over.
 *
 * Tail, 64 bit: a position. The top bit is set when the ring is closed, so that
 * every claim by CAS fails from then on.
 *
 * Head, 64 bit: item:6 | position:58. The item is 0 except in an array: there
 * it is how many of the array's entries have been taken.
 *
 * Cursor, 64 bit: the head of one subscriber. In a ring with subscribers the
 * index has two bits more than n needs, which are 0 in every position, tail and
 * head too. In a cursor they say what it is:
 *
 *     reads    item | position: the subscriber has read up to there
 *     evicted  the same, but the gate may have passed it
 *     joining  an owner above the index; nobody: a free slot
 *     put off  the same: it was too slow to join, and begins that anew
 *
 * So a cursor that is no position has an index that does not exist.
 *
 * Control word, 64 bit: tag:32 | value:28 | state:4. The tag is the low half
 * of the lap that the word speaks of. A word with another tag says nothing
 * about the lap in question.
 *
 * Array, 28 bit: size:22 | count - 1:6, the value of an ARRAY word: `count`
 * entries of `size` bytes, each at a multiple of 8 bytes.
 *
 * Holder, 64 bit: tag:32 | owner:28 | state:4. Who has read the entry that
 * begins in the block, in the lap of the tag.
 *
 * Owner, 28 bit: slot:14 | generation:14, the value of a BUSY word.
 */
#ifndef SHMIPC_LAYOUT_H
#define SHMIPC_LAYOUT_H

#include "ring/atomics.h"
#include <stddef.h>

#define SHMIPC_MAGIC          UINT64_C(0x4350494d48532d31) /* "1-SHMIPC" */
#define SHMIPC_LAYOUT_VERSION UINT32_C(6)

enum {
    SHMIPC_ALIGN = 64,
    SHMIPC_BLOCK = 64,
    /* A new region begins in lap 1 to this, by its creation number: as one that
     * has passed so many laps unused, before words had to be renewed. */
    SHMIPC_FIRST_LAPS = 65535,
    /* By default a small ring has an owner for so many blocks each, from the
     * first number to the second. */
    SHMIPC_BLOCKS_PER_FEW = 8,
    SHMIPC_OWNERS_MIN = 2,
    SHMIPC_OWNERS_FEW = 8,
    SHMIPC_OWNERS_DEFAULT_MAX = 64,
    SHMIPC_OWNERS_LIMIT = 4096,
    /* By default a ring with subscribers has a slot for so many blocks each,
     * from the first number to the second. */
    SHMIPC_BLOCKS_PER_SUBSCRIBER = 8,
    SHMIPC_SUBSCRIBERS_MIN = 2,
    SHMIPC_SUBSCRIBERS_DEFAULT_MAX = 16,
    SHMIPC_SUBSCRIBERS_LIMIT = 1024,
    SHMIPC_BLOCKS_PER_OWNER = 14, /* 64 owners from 68 KiB on */
    /* Control words inside entries are renewed when the low bits of the lap
     * are zero, so that no word is ever older than this many laps. */
    SHMIPC_RENEWAL_LAPS = 65536,
};

#define SHMIPC_TAIL_CLOSED   (UINT64_C(1) << 63)
#define SHMIPC_HEAD_ITEM     (UINT64_C(1) << 58) /* one item */
#define SHMIPC_POSITION_MASK (SHMIPC_HEAD_ITEM - 1)

/* ready word: anything else means that create has not finished. */
#define SHMIPC_READY         UINT32_C(0x600dc0de)

struct shm_identity {
    uint64_t magic;
    uint32_t layout_version;
    uint32_t flags;
    uint64_t region_size;
    uint32_t block_count;
    uint32_t owner_count;
    atomic_u64 creation; /* never 0, another one for each formatting */
    uint64_t reserved[2];
    atomic_u32 ready;
    uint32_t subscriber_count; /* 0: a queue */
};

struct shm_tail {
    atomic_u64 position;
    atomic_u64 role;   /* one-producer mode: who, see owner.h; else 0 */
    atomic_u64 closed; /* 1: closed; the one producer looks here */
    /* One producer, with IPC_BUFFER_TAPS: the position up to where it may have
     * stored payload; else 0. */
    atomic_u64 intended;
    uint64_t reserved[4];
};

struct shm_head {
    atomic_u64 position;
    atomic_u64 role;   /* one-consumer mode: who; else 0 */
    atomic_u64 closed; /* 1: closed; consumers look here */
    atomic_u64 read;   /* one-consumer mode, a hint: up to where entries were
                        * read ahead of position, a head word */
    /* Of a subscriber's cursor alone, see pin.h: the position of the entry that
     * it has pinned, or 0; since when, wall clock, ns; its blocks. */
    atomic_u64 pinned;
    atomic_u64 pinned_since;
    atomic_u32 pinned_blocks;
    uint32_t reserved32;
    uint64_t reserved[1];
};

struct shm_wait {
    atomic_u32 sequence; /* the futex word: changes with every wake */
    atomic_u32 sleepers; /* WAIT_BY_* of possible sleepers; wakers clear it */
    atomic_u32 unsignalled; /* 1: some handle cannot signal the eventfd */
    atomic_u32 fenced;      /* 1: the sole waker of this side fences */
    uint32_t reserved[12];
};

/* What `identity` and `started` are made of is said in owner.c. All but these
 * two belong to the stay that `started` is of. */
struct shm_owner {
    atomic_u64 identity;       /* whose stay it is: taken by CAS */
    atomic_u64 started;        /* generation:14 | process start time:50; last */
    atomic_u32 time_namespace; /* inode number; 0: not known */
    atomic_u32 boot;           /* hash of the boot's id; 0: not known */
    atomic_u64 image;          /* of the process: another one after exec() */
    atomic_u64 stack;          /* hash of where its stack is; 0: not known */
    atomic_u64 written;        /* entries committed through this slot, ever */
    atomic_u32 handles;        /* generation:14 | of the owning process:18 */
    atomic_u32 marks;          /* OWNER_*: what it has done */
    atomic_u64 since;          /* wall clock, ns; for people */
};

/* All but the cursor's line belong to the stay of `owner`, and are stored
 * before the cursor becomes a position. Figures are for people. */
struct shm_subscriber {
    struct shm_head cursor; /* `position`, and what is pinned */
    atomic_u64 joined;      /* the first position of this stay */
    atomic_u64 lag;         /* bytes behind tail that it may be; see policy */
    atomic_u64 lost;        /* bytes that it did not get */
    atomic_u64 slowest;     /* times that writers found no room for it alone */
    atomic_u64 since;       /* wall clock, ns */
    atomic_u32 owner;
    atomic_u32 policy; /* SUBSCRIBER_* */
    uint64_t reserved[2];
};

struct shm_region {
    struct shm_identity identity;
    struct shm_tail tail;
    struct shm_head head;
    struct shm_wait readers;
    struct shm_wait writers;
    struct shm_owner owners[];
    /* struct shm_subscriber subscribers[]; */
};

_Static_assert(sizeof(struct shm_identity) == 64, "identity is one line");
_Static_assert(offsetof(struct shm_identity, layout_version) == 8, "layout");
_Static_assert(offsetof(struct shm_identity, flags) == 12, "layout");
_Static_assert(offsetof(struct shm_identity, region_size) == 16, "layout");
_Static_assert(offsetof(struct shm_identity, block_count) == 24, "layout");
_Static_assert(offsetof(struct shm_identity, owner_count) == 28, "layout");
_Static_assert(offsetof(struct shm_identity, creation) == 32, "layout");
/* Where it was in all versions, so that older ones see a region that is whole
 * but of another version. */
_Static_assert(offsetof(struct shm_identity, ready) == 56, "layout");
_Static_assert(sizeof(struct shm_tail) == 64, "tail is one line");
_Static_assert(sizeof(struct shm_head) == 64, "head is one line");
_Static_assert(offsetof(struct shm_tail, role) == 8, "layout");
_Static_assert(offsetof(struct shm_tail, closed) == 16, "layout");
_Static_assert(offsetof(struct shm_tail, intended) == 24, "layout");
_Static_assert(offsetof(struct shm_head, closed) == 16, "layout");
_Static_assert(offsetof(struct shm_head, read) == 24, "layout");
_Static_assert(offsetof(struct shm_head, role) == 8, "layout");
_Static_assert(offsetof(struct shm_head, pinned) == 32, "layout");
_Static_assert(offsetof(struct shm_head, pinned_since) == 40, "layout");
_Static_assert(offsetof(struct shm_head, pinned_blocks) == 48, "layout");
_Static_assert(sizeof(struct shm_wait) == 64, "wait words are one line");
_Static_assert(offsetof(struct shm_wait, sleepers) == 4, "layout");
_Static_assert(offsetof(struct shm_wait, unsignalled) == 8, "layout");
_Static_assert(offsetof(struct shm_wait, fenced) == 12, "layout");
_Static_assert(sizeof(struct shm_owner) == 64, "an owner slot is one line");
_Static_assert(offsetof(struct shm_owner, started) == 8, "layout");
_Static_assert(offsetof(struct shm_owner, time_namespace) == 16, "layout");
_Static_assert(offsetof(struct shm_owner, boot) == 20, "layout");
_Static_assert(offsetof(struct shm_owner, image) == 24, "layout");
_Static_assert(offsetof(struct shm_owner, stack) == 32, "layout");
_Static_assert(offsetof(struct shm_owner, written) == 40, "layout");
_Static_assert(offsetof(struct shm_owner, handles) == 48, "layout");
_Static_assert(offsetof(struct shm_owner, marks) == 52, "layout");
_Static_assert(offsetof(struct shm_owner, since) == 56, "layout");
_Static_assert(sizeof(struct shm_subscriber) == 128, "two lines, one hot");
_Static_assert(offsetof(struct shm_subscriber, joined) == 64, "layout");
_Static_assert(offsetof(struct shm_subscriber, lag) == 72, "layout");
_Static_assert(offsetof(struct shm_subscriber, lost) == 80, "layout");
_Static_assert(offsetof(struct shm_subscriber, slowest) == 88, "layout");
_Static_assert(offsetof(struct shm_subscriber, since) == 96, "layout");
_Static_assert(offsetof(struct shm_subscriber, owner) == 104, "layout");
_Static_assert(offsetof(struct shm_subscriber, policy) == 108, "layout");
_Static_assert(offsetof(struct shm_region, tail) == 64, "layout");
_Static_assert(offsetof(struct shm_region, head) == 128, "layout");
_Static_assert(offsetof(struct shm_region, readers) == 192, "layout");
_Static_assert(offsetof(struct shm_region, writers) == 256, "layout");
_Static_assert(offsetof(struct shm_region, owners) == 320, "layout");

/* Control words. */
enum control_state {
    CONTROL_FREE = 0,  /* says nothing, whatever its tag */
    CONTROL_READY = 1, /* value: length of the committed entry, bytes */
    CONTROL_BUSY = 2,  /* value: owner that is writing the entry */
    CONTROL_PAD = 3,   /* value: blocks of filler */
    CONTROL_SKIP = 4,  /* value: blocks of a claim that came to nothing */
    CONTROL_ARRAY = 5, /* value: size and count of the committed entries */
};

/* What a subscriber's cursor is: the two upper bits of its index. */
enum subscriber_state {
    SUBSCRIBER_READS = 0,
    SUBSCRIBER_EVICTED = 1,
    SUBSCRIBER_JOINING = 2,
    SUBSCRIBER_PUT_OFF = 3,
};

/* What happens to a subscriber when writers need the room that it holds. */
enum subscriber_policy {
    SUBSCRIBER_BLOCKS = 0, /* they wait for it */
    SUBSCRIBER_LAGS = 1, /* it is evicted if it is further behind than `lag` */
};

#define CONTROL_VALUE_MAX UINT32_C(0x0fffffff)
#define SHMIPC_BLOCKS_MAX CONTROL_VALUE_MAX
#define SHMIPC_ENTRY_MAX  CONTROL_VALUE_MAX

/* Arrays: the most entries, the most bytes of one, and their alignment. */
enum {
    SHMIPC_ARRAY_MAX = 64,
    SHMIPC_ARRAY_ENTRY_MAX = (1 << 22) - 1,
    SHMIPC_ARRAY_ALIGN = 8,
};

#endif
