/* SPDX-License-Identifier: MIT */
/*
 * Who has subscribed to a ring in which every subscriber reads all, how far
 * behind each is, and for whom writers wait.
 */
#ifndef SHMIPC_TOOLS_SUBSCRIBERS_H
#define SHMIPC_TOOLS_SUBSCRIBERS_H

#include "ring/protocol.h"

struct inspect_subscriber {
    uint64_t cursor; /* as it was when the rest was looked at */
    uint32_t owner;
    enum subscriber_state state;
    /* The rest if it has a position. */
    enum subscriber_policy policy;
    bool holds; /* writers do not pass it */
    uint64_t position, offset, lag, lost, since;
    uint64_t lag_most; /* behind which writers pass it, if it may lag */
    /* What it has pinned, bytes, or 0; where that is, and since when. */
    uint64_t pinned, pinned_offset, pinned_since;
};

/* What is in slot `i` of a ring with these ends. False: nobody. */
bool subscribers_look(const struct ring *r, uint32_t i, uint64_t gate,
                      uint64_t tail, struct inspect_subscriber *to);

/* The one that is furthest behind of those that writers do not pass, or
 * NULL. */
const struct inspect_subscriber *
subscribers_slowest(const struct inspect_subscriber *list, uint32_t count);

/* "blocks", "joins" ... : for people, JSON and labels. */
const char *subscribers_policy_name(enum subscriber_policy policy);
const char *subscribers_state_name(enum subscriber_state state);

#endif
