/* SPDX-License-Identifier: MIT */
/*
 * The near channel: entries are read ahead, and stay in it until they are
 * released. So the channel is what is sent again after a loss, and a bridge
 * that is killed leaves all that was not acknowledged to the next one.
 *
 *   QUEUE       made for one consumer: that is us
 *   SUBSCRIBER  broadcast: one handle reads, another one that has subscribed
 *               too follows with what is released, so that writers wait for it
 *   PLAIN       a queue for many readers, of whom there should be no other: a
 *               tap looks ahead, and entries are taken when they have arrived
 *   TAP         lossy: entries are copied, nothing is released
 */
#ifndef SHMIPC_BRIDGE_INTAKE_H
#define SHMIPC_BRIDGE_INTAKE_H

#include "bridge/region.h"
#include <shmipc/shmipc.h>

enum intake_kind { INTAKE_QUEUE, INTAKE_SUBSCRIBER, INTAKE_PLAIN, INTAKE_TAP };

struct intake {
    enum intake_kind kind;
    IpcChannel *channel; /* NULL for TAP */
    IpcChannel *holder;  /* of a subscriber */
    IpcTap *tap;         /* of TAP and PLAIN */
    char *path;          /* PLAIN: of the tap */
    struct region region;
    bool is_out;   /* PLAIN: entries are on their way */
    uint64_t last; /* PLAIN: the last one that was read ... */
    bool skips;    /* ... and up to `until` they are passed, anew */
    uint64_t until;
    uint64_t lost; /* TAP: bytes that were lost since they were last told */
    void *memory;  /* of one entry that a tap has read */
    size_t room;
};

enum intake_result {
    INTAKE_ENTRY,
    INTAKE_EMPTY,
    INTAKE_CLOSED, /* and nothing is left to be read */
    INTAKE_GONE,   /* formatted anew: open again */
    INTAKE_FAILED, /* another one reads, there is damage, or no memory */
};

/* Opens the channel, which is made if there is none unless options say
 * otherwise; a tap makes none. NULL, or what is wrong. */
const char *intake_open(struct intake *in, const char *name, const char *path,
                        const IpcOpenOptions *options, bool is_lossy);
void intake_close(struct intake *in);

/* Whether an entry's payload stays where it is until it is released; else until
 * the next call. */
static inline bool intake_keeps(const struct intake *in)
{
    return in->kind == INTAKE_QUEUE || in->kind == INTAKE_SUBSCRIBER;
}

/* The next entry; see intake_keeps() for its payload. Waits for at most `ns`
 * nanoseconds. */
enum intake_result intake_next(struct intake *in, IpcEntry *entry, uint64_t ns);

/* Lets go of all entries up to the one at `offset`. */
void intake_release(struct intake *in, uint64_t offset);

/* The next entry is again the one at `offset`, the first that was read and not
 * released. */
void intake_rewind(struct intake *in, uint64_t offset);

/* Whether writers may soon find no space until something is released: more than
 * one of so many parts of the channel is in use. */
bool intake_is_short(const struct intake *in, unsigned parts);

/* Bytes that were written and not released, and where the next entry goes. */
void intake_measure(const struct intake *in, uint64_t *lag, uint64_t *end);

#endif
