/* SPDX-License-Identifier: MIT */
/*
 * The near channel: entries are read ahead, and stay in it until they are
 * released. So the channel is what is sent again after a loss, and a bridge
 * that is killed leaves all that was not acknowledged to the next one.
 *
 *   QUEUE       made for one consumer: that is us
 *   SUBSCRIBER  broadcast: one handle reads, another one that has subscribed
 *               too follows with what is released, so that writers wait for it
 *   PLAIN       a queue for many readers, of whom there should be no other: one
 *               entry at a time is on its way, and taken when it has arrived
 *   TAP         lossy: entries are copied, nothing is released
 */
#ifndef SHMIPC_BRIDGE_INTAKE_H
#define SHMIPC_BRIDGE_INTAKE_H

#include "bridge/region.h"
#include <shmipc/shmipc.h>

enum intake_kind { INTAKE_QUEUE, INTAKE_SUBSCRIBER, INTAKE_PLAIN, INTAKE_TAP };

struct intake {
    enum intake_kind kind;
    IpcChannel *channel; /* NULL for a tap */
    IpcChannel *holder;  /* of a subscriber */
    IpcTap *tap;
    struct region region;
    bool is_out;   /* PLAIN: the entry at the head is on its way */
    uint64_t lost; /* TAP: bytes that were lost since they were last told */
    void *memory;  /* TAP: of one entry */
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

/* The next entry; its payload stays until it is released (TAP: until the next
 * call). Waits for at most `ns` nanoseconds. */
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
