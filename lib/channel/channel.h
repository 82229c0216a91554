/* SPDX-License-Identifier: MIT */
/*
 * A channel's handle, and its work without result structs.
 */
#ifndef SHMIPC_CHANNEL_H
#define SHMIPC_CHANNEL_H

#include "buffer/buffer.h"
#include "wait/wait.h"
#include <shmipc/ipc_channel.h>

struct IpcChannel {
    struct IpcBuffer buffer;
    struct waiter waiter;
    int64_t spin;        /* ns */
    int64_t start_sleep; /* ns */
    int64_t max_sleep;   /* ns */
    uint32_t max_round_trips;
    bool report_dead;
    atomic_u32 polled; /* 1: reads that find nothing arm the descriptor */
    atomic_u32 fenced_looks[2]; /* by wait_side: see wait_notify_fenced() */
    atomic_u32 stuck_answers;   /* hint: that came with head at `stuck_at` */
    atomic_u64 stuck_at;        /* hint */
};

/* A write that may wait for space, in one of several forms. */
struct sending {
    enum {
        SENDING_DATA,
        SENDING_PIECES,
        SENDING_RESERVE,
        SENDING_BATCH,
        SENDING_ARRAY,
    } kind;
    const void *data; /* or the pieces, or the entries */
    int count;
    size_t size;
    IpcReservation *dest;
    size_t written; /* entries of a batch or array */
};

/* Whether one handle alone wakes that side: the one producer, or consumer. */
static inline bool channel_has_one_waker(const struct IpcChannel *ch,
                                         enum wait_side side)
{
    return side == WAIT_READERS ? ch->buffer.ring.one_producer
                                : ch->buffer.ring.one_consumer;
}

/*
 * Whether all who wake that side pass a full fence between making the change
 * and looking for sleepers, without being asked to: where a read-modify-write
 * is one. Producers count the entry after READY (see publish() in hot.h);
 * many consumers move head by CAS. One producer and one consumer do with plain
 * stores.
 */
static inline bool channel_wakers_fence(const struct IpcChannel *ch,
                                        enum wait_side side)
{
    return ATOMIC_RMW_IS_FENCE && !channel_has_one_waker(ch, side);
}

/* What a read wants, and what it found out for an error body. */
struct request {
    enum {
        REQUEST_ALLOCATE,
        REQUEST_INTO,
        REQUEST_PEEK,
        REQUEST_BATCH,
        REQUEST_ARRAY,
    } kind;
    IpcEntry *dest; /* of a batch: `count` of them, with memory for all */
    int count;      /* also of an array's entries */
    void *memory;   /* also an array */
    size_t size;    /* also of an array's entry */
    size_t read;    /* entries of either */
    uint64_t offset;
    size_t needed;
};

/* Takes the configuration over. On an error *detail says what is wrong. */
IpcStatus channel_configure(struct IpcChannel *ch,
                            const IpcChannelConfiguration *configuration,
                            const char **detail);

/* Makes or joins the buffer of a configured handle; on an error nothing is
 * left to release but the handle's memory. */
IpcStatus channel_create(struct IpcChannel *ch, void *mem, size_t size,
                         const IpcBufferOptions *options,
                         IpcBufferCreateError *body, const char **detail);
IpcStatus channel_join(struct IpcChannel *ch, void *mem, size_t size,
                       uint64_t *needed, const char **detail);
void channel_leave(struct IpcChannel *ch);

/* Sends if there is space; waits for space until `timeout` is over (NULL: for
 * ever). */
IpcStatus channel_send(struct IpcChannel *ch, struct sending *what);
IpcStatus channel_send_until(struct IpcChannel *ch, struct sending *what,
                             const struct timespec *timeout);
IpcStatus channel_write(struct IpcChannel *ch, const void *data, size_t size);
IpcStatus channel_commit(struct IpcChannel *ch,
                         const IpcReservation *reservation, size_t size);
IpcStatus channel_abort(struct IpcChannel *ch,
                        const IpcReservation *reservation);

void channel_close(struct IpcChannel *ch);
IpcStatus channel_recover(struct IpcChannel *ch, bool force, uint64_t *removed,
                          uint64_t *offset);

IpcStatus channel_skip(struct IpcChannel *ch, uint64_t offset, uint64_t *head);
IpcStatus channel_skip_force(struct IpcChannel *ch, uint64_t *offset);
IpcStatus channel_try(struct IpcChannel *ch, struct request *q);
IpcStatus channel_poll(struct IpcChannel *ch, int *fd, const char **detail);
IpcStatus channel_read_rounds(struct IpcChannel *ch, struct request *q);
IpcStatus channel_read_until(struct IpcChannel *ch, struct request *q,
                             const struct timespec *timeout);

#endif
