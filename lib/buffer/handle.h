/* SPDX-License-Identifier: MIT */
/*
 * A buffer's handle, and as what a process has entered with it.
 *
 * ORDERING, between threads of one handle
 *   label   released by               acquired by            so that
 *   entry   handle_produce()          handle_may_produce()   the slot and the
 *                                                            role are ours
 *   lock    unlock_entry()            lock_entry()           one at a time
 *   ahead   lead(), follow()          handle_leads()         a glance sees the
 *                                                            cursor, or a head
 *                                                            that is as far
 */
#ifndef SHMIPC_HANDLE_H
#define SHMIPC_HANDLE_H

#include "buffer/pace.h"
#include "ring/protocol.h"
#include <shmipc/ipc_buffer.h>

/* No position: those end below the bits of a head word's item. */
#define ALONE_TAPPED (UINT64_C(1) << 63)

/*
 * What a plain call needs comes first, in as many bytes as four lines have:
 * what readers store, what writers store, so that threads that share a handle
 * do not take it from each other, and the first two lines of the ring.
 *
 * Which process entered as what is told by process_token() of it, or 0, or,
 * where that is said, PROCESS_NOBODY. A forked child has another token and
 * enters anew.
 */
struct IpcBuffer {
    atomic_u64 consumes;    /* may read */
    atomic_u64 reads_alone; /* ... as the one consumer, or PROCESS_NOBODY */
    atomic_u32 run;         /* entries read since a look found none */
    uint32_t gives_below;   /* bytes: see give.h */
    /* The one consumer: the entry that was peeked last, from head word to head
     * word, and what users call it. */
    atomic_u64 peeked, after_peeked, peeked_offset;
    atomic_u64 peeked_blocks; /* of it, or of one before */
    atomic_u64 gap_seen;      /* position of a gap at an earlier look */

    atomic_u64 produces; /* may write */
    /* ... as the one producer with nothing reserved, and as one of many: at
     * least one of the two is PROCESS_NOBODY. */
    atomic_u64 writes_alone, writes_shared;
    atomic_u64 *written; /* where the owner counts what it commits */
    uint64_t max_entry_size;
    /* One producer: position of the open reservation. None: 0, or ALONE_TAPPED
     * where each claim has to be told to taps first. What is not 0 leaves the
     * plain path, which so needs no question of its own. */
    atomic_u64 open_alone;
    atomic_u64 open_size; /* bytes of that */
    atomic_u32 owner;
    bool observes;   /* stores nothing in the region */
    bool locked;     /* so is its slot, by us */
    bool is_holding; /* the backing, which is released with the handle */

    struct ring ring;
    struct shm_region *region;
    uint64_t region_size;
    uint32_t number;    /* names this handle within its process */
    uint32_t flags;     /* that the buffer was created with */
    uint32_t array_max; /* entries of an array at most */

    atomic_u64 entered;  /* has an owner slot */
    atomic_u64 entering; /* lock around the changes; a token as well */
    /* Of the one consumer that has read ahead of head, while it has: then it is
     * not in `consumes`, so that other reads find out. */
    atomic_u64 leads;
    atomic_u64 cursor;      /* the head word after what it read */
    atomic_u32 looks_ahead; /* hint, where many read ahead */
    uint64_t last_ahead;    /* offset of the last entry of that */
    uint64_t ahead;         /* entries between head and cursor */
    struct place *place;    /* what the memory is in, if opened by name */

    uint32_t slot;       /* as a subscriber */
    atomic_u32 pinning;  /* PINNED_*: whether it has pinned an entry */
    uint64_t pin;        /* its position, */
    uint64_t pin_offset; /* and what users call it */
    atomic_u64 skipped;  /* bytes that nobody was told of yet: newest.h */
    uint32_t after_gap;  /* where it goes on then, an IpcSubscribeFrom */
    atomic_u64 held_by;  /* hint: what a move of the gate ended at last */
    atomic_u32 held;     /* hint: looks at that in a row */
    atomic_u32 needed;   /* hint: blocks that there was no room for at last */

    struct pace read_pace, write_pace;
    atomic_u32 idle_looks; /* looks that found nothing */
    atomic_u64 full_at;    /* tail when a write last found no room */
};

_Static_assert(sizeof(void *) != 8 ||
                   offsetof(struct IpcBuffer, produces) == 64,
               "the line of readers");
_Static_assert(sizeof(void *) != 8 || offsetof(struct IpcBuffer, ring) == 128,
               "the line of writers");
_Static_assert(sizeof(void *) != 8 || offsetof(struct ring, head) == 64,
               "the line of both");

/* Formats memory, or joins what is there, with a handle in the caller's
 * memory. `is_zero`: it is known to hold nothing but zeros. On an error *detail
 * says what to do, and nothing is left to undo but that memory may have been
 * formatted. */
IpcStatus handle_create(struct IpcBuffer *b, void *mem, size_t size,
                        bool is_zero, const IpcBufferOptions *options,
                        IpcBufferCreateError *body, const char **detail);
/* `observes`: it is not let in to read or write, as in a mapping that is for
 * reading only. */
IpcStatus handle_attach(struct IpcBuffer *b, const void *mem, size_t size,
                        bool observes, uint64_t *needed, const char **detail);
/* Says what file the memory is of, from its first byte on. The descriptor stays
 * the caller's. */
void handle_set_backing(struct IpcBuffer *b, const void *mem, int fd);
/* The same for what a user says. Refused unless the region is in the file. */
IpcStatus handle_check_backing(struct IpcBuffer *b, const void *mem, int fd,
                               const char **detail);

/* True: reservations that were open have become filler, which others may be
 * waiting for. */
bool handle_close(struct IpcBuffer *b);

const char *handle_attach_detail(IpcStatus status);

extern const char handle_formatted_anew[];
extern const char handle_read_only[];
extern const char handle_owners_full[];
extern const char handle_not_subscribed[];

/* For slow paths: `status`, unless the region was formatted anew, which
 * explains whatever the call found there. */
static inline IpcStatus handle_unless_anew(const struct IpcBuffer *b,
                                           IpcStatus status)
{
    return creation_is_over(&b->ring) ? IPC_ERR_FORMATTED_ANEW : status;
}

/* Enters with the handle: takes an owner slot or a role for this process. The
 * slow halves of the two questions below. */
IpcStatus handle_produce(struct IpcBuffer *b);
IpcStatus handle_consume(struct IpcBuffer *b);

/* Takes an owner slot alone. */
IpcStatus handle_enter(struct IpcBuffer *b);

/* In a ring with subscribers: whether the handle is one, of this process. */
void handle_set_consumer(struct IpcBuffer *b, bool consumes);
void handle_unsubscribe(struct IpcBuffer *b);

/* An IpcOwnerFate: the numbers that users see stay what they are. */
uint32_t handle_fate(enum owner_fate fate);

static inline bool handle_may_produce(struct IpcBuffer *b)
{
    /* Acquire [entry]: `owner`. */
    return process_has_token(atomic_get_acquire(&b->produces));
}

static inline bool handle_may_consume(const struct IpcBuffer *b)
{
    /* Relaxed: of what entering did a read needs the one-consumer role alone,
     * and with that one thread at a time reads. Whatever lets them take turns
     * orders what they do. */
    return process_has_token(atomic_get_relaxed(&b->consumes));
}

/* Says which process may read. */
static inline void handle_set_reader(struct IpcBuffer *b, uint64_t token)
{
    /* Relaxed, both: see handle_may_consume(). */
    atomic_put_relaxed(&b->consumes, token);
    atomic_put_relaxed(&b->reads_alone,
                       b->ring.one_consumer ? token : PROCESS_NOBODY);
}

static inline bool handle_leads(const struct IpcBuffer *b)
{
    /* Acquire [ahead]: `cursor`, or else a head that is as far. */
    return atomic_get_acquire(&b->leads) == process_token();
}

/* Where this handle's reads go on, a head word. */
static inline uint64_t handle_read_end(const struct IpcBuffer *b)
{
    /* Relaxed: see handle_leads(). Who shares the reading may go back to any
     * entry that is not acknowledged. */
    if (!b->ring.holders && handle_leads(b))
        return atomic_get_relaxed(&b->cursor);
    /* Acquire [head]: words that were replaced before are gone. */
    return atomic_get_acquire(&b->ring.head->position);
}

/* The IPC_BUFFER_* that the ring was created with. */
static inline uint32_t handle_flags_of(const struct ring *r)
{
    return (r->one_producer ? IPC_BUFFER_ONE_PRODUCER : 0) |
           (r->subscriber_count ? IPC_BUFFER_BROADCAST
            : r->one_consumer   ? IPC_BUFFER_ONE_CONSUMER
            : r->holders        ? IPC_BUFFER_ACKNOWLEDGE
            : r->readers_enter  ? IPC_BUFFER_KNOWS_CONSUMERS
                                : 0) |
           (r->has_taps ? IPC_BUFFER_TAPS : 0);
}

/* What `open_alone` is when nothing is reserved. */
static inline uint64_t handle_no_reservation(const struct IpcBuffer *b)
{
    return b->ring.has_taps ? ALONE_TAPPED : 0;
}

/* One producer: says what is reserved. */
static inline void handle_reserve_alone(struct IpcBuffer *b, uint64_t position,
                                        size_t size)
{
    /* Relaxed, all: one thread at a time, by contract. */
    atomic_put_relaxed(&b->open_alone, position);
    atomic_put_relaxed(&b->open_size, size);
    atomic_put_relaxed(&b->writes_alone, PROCESS_NOBODY);
}

/* The same once nothing is. */
static inline void handle_reserve_nothing(struct IpcBuffer *b)
{
    uint64_t nothing = handle_no_reservation(b);

    /* Relaxed, all: as above. */
    atomic_put_relaxed(&b->open_alone, nothing);
    atomic_put_relaxed(&b->writes_alone,
                       nothing ? PROCESS_NOBODY
                               : atomic_get_relaxed(&b->produces));
}

static inline uint32_t handle_owner(struct IpcBuffer *b)
{
    /* Relaxed: comes after one of the acquires above. */
    return atomic_get_relaxed(&b->owner);
}

#endif
