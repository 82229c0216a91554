/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with one segment.
 */
#ifndef SHMIPC_TOOLS_JUDGE_H
#define SHMIPC_TOOLS_JUDGE_H

#include "finding.h"
#include "inspect.h"

/* What stands still for so long was not just looked at in the middle of a
 * write: no write takes so long. */
#define JUDGE_STILL_NS UINT64_C(100000000)

/* What earlier looks at the same ring found, to tell what stands still. */
struct judge_past {
    bool is_known;
    uint64_t creation, head;
    uint64_t word;     /* of the entry that holds readers up */
    uint64_t still_ns; /* for how long these are as they are */
};

/* All that is known of a segment by one look. */
struct judge_case {
    const struct segment *segment;
    const struct inspection *in;
    const struct proc_use *users; /* of this segment */
    size_t user_count;
    struct judge_past past; /* empty: there was no look before */
};

void judge_segment(const struct judge_case *c, struct findings *to);
/* The part of that on who holds up writers, of a ring with subscribers. */
void judge_subscribers(const struct judge_case *c, struct findings *to);

/* Remembers a look that came `passed` ns after the last one. */
void judge_remember(struct judge_past *past, const struct inspection *in,
                    uint64_t passed);

/* Its owners are dead, and nobody that can be seen uses it. */
bool judge_is_leftover(const struct inspection *in, size_t users);

/* "pid 4711 (feedhandler)", or of which namespace it is. To be freed. */
char *judge_who(const struct inspect_owner *owner);
/* "is stopped, for 12 s"; NULL where there is nothing to say. */
char *judge_doing(const struct proc *proc, uint64_t still_ns);

#endif
