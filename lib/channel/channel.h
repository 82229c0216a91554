/* SPDX-License-Identifier: MIT */
/*
 * A channel's handle: making and releasing it, closing, and the repair of what
 * dead producers leave.
 */
#ifndef SHMIPC_CHANNEL_H
#define SHMIPC_CHANNEL_H

#include "buffer/recover.h"
#include "channel/patrol.h"
#include "channel/spin.h"
#include "wait/wait.h"
#include <shmipc/ipc_channel.h>

/* Who has to know when a handle goes. */
struct channel_watch {
    void (*gone)(struct channel_watch *watch);
};

struct IpcChannel {
    struct IpcBuffer buffer;
    struct waiter waiter;
    struct spin spin[2]; /* by side */
    int64_t start_sleep; /* ns */
    int64_t max_sleep;   /* ns */
    uint32_t max_round_trips;
    bool report_producers; /* ... that died */
    bool report_consumers;
    atomic_u32 polled; /* 1: reads that find nothing arm the descriptor */
    atomic_u32 stuck_answers; /* hint: in a row, with head at `stuck_at` */
    atomic_u64 stuck_at;      /* hint */
    atomic_u32 held_looks;    /* hint: that found nothing, while others hold */
    atomic_u32 lost;          /* hint: a watcher found the producers dead */
    struct channel_watch *watch; /* NULL: it is in no waitset */
    struct patrolled patrolled;
};

extern const char channel_null_handle[];
extern const char channel_flag_of_buffer[];

/* NULL for NULL. */
static inline struct IpcBuffer *channel_buffer(struct IpcChannel *ch)
{
    return ch ? &ch->buffer : NULL;
}

/* Takes the configuration over. On an error *detail says which member is wrong,
 * and *value is what it has. */
IpcStatus channel_configure(struct IpcChannel *ch,
                            const IpcChannelConfiguration *configuration,
                            const char **detail, int64_t *value);

/* The same for who joins: also not possible is what only a creator can do. */
IpcStatus channel_configure_join(struct IpcChannel *ch,
                                 const IpcChannelConfiguration *c,
                                 const char **detail, int64_t *value);

/* Makes or joins the buffer of a configured handle; on an error nothing is
 * left to release but the handle's memory. */
IpcStatus channel_create(struct IpcChannel *ch, void *mem, size_t size,
                         bool is_zero, const IpcBufferOptions *options,
                         IpcBufferCreateError *body, const char **detail);
IpcStatus channel_join(struct IpcChannel *ch, void *mem, size_t size,
                       const int *memory_fd, uint64_t *needed,
                       const char **detail);
void channel_leave(struct IpcChannel *ch);

IpcStatus channel_close(struct IpcChannel *ch);

/* True: somebody was killed or stopped in the middle of closing, and now all
 * are told. */
bool channel_finish_closing(struct IpcChannel *ch);

/* Wakes both sides, after a claim has become filler: entries behind it can be
 * read, and where head is moved by CAS writers may pass it, too, and so have
 * more space. */
void channel_tell_all(const struct IpcChannel *ch);

/* As recover_dead(), and wakes whom that concerns. */
IpcStatus channel_recover(struct IpcChannel *ch, enum recover_extent extent,
                          bool force, uint64_t *removed, uint64_t *offset);

/* True: something that dead producers left was removed. */
bool channel_repair(struct IpcChannel *ch);

/* The same for who finds nothing to read while entries are held: always after a
 * sleep, and else now and then. */
bool channel_repair_held(struct IpcChannel *ch, bool has_slept);

/* The same for calls that do not wait, after an answer that a dead producer may
 * have caused: looks only if head stays where it is for many answers. */
bool channel_repair_sometimes(struct IpcChannel *ch);

/* Whether there are producers, or consumers, in the owner table, all of them
 * are dead, and that is to be reported. */
bool channel_lost_producers(const struct IpcChannel *ch);
bool channel_lost_consumers(const struct IpcChannel *ch);

#endif
