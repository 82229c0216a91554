/* SPDX-License-Identifier: MIT */
/*
 * A tap's handle: a follower, and the mapping if it is the tap's own.
 */
#ifndef SHMIPC_TAP_H
#define SHMIPC_TAP_H

#include "tap/follow.h"
#include "tap/manners.h"
#include <shmipc/ipc_tap.h>

struct IpcTap {
    struct ring ring;
    struct follower follower;
    enum follow_start after_lag;
    uint64_t lost; /* bytes, ever */
    uint64_t run;  /* entries since it had caught up */
    struct manners manners;
    void *memory; /* a mapping of ours, or NULL */
    size_t size;
};

#endif
