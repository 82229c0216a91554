/* SPDX-License-Identifier: MIT */
/*
 * A second look at a channel's memory, beside its handle: which creation it is,
 * and whether a certain place was committed. Stores nothing there.
 */
#ifndef SHMIPC_BRIDGE_REGION_H
#define SHMIPC_BRIDGE_REGION_H

#include "ring/protocol.h"
#include <sys/types.h>

struct region {
    void *memory;
    size_t size;
    struct ring ring;
    dev_t device;
    ino_t inode;
};

/* Maps the file at `path`. NULL, or what is wrong. */
const char *region_open(struct region *region, const char *path);
void region_close(struct region *region);

/* Whether `path` leads to another file by now, that is no empty one. */
bool region_is_replaced(const struct region *region, const char *path);

enum region_fate {
    REGION_COMMITTED,
    REGION_NOT_COMMITTED,
    REGION_OVERWRITTEN, /* a newer lap is there: nobody can tell any more */
};

/* What became of the claim at an offset, whose owner is known to be dead: he
 * claimed it, and it is of this creation. */
enum region_fate region_judge(const struct region *region, uint64_t offset);

#endif
