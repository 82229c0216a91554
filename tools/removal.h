/* SPDX-License-Identifier: MIT */
/*
 * Removing a segment that nobody uses, and no other: also not one that a
 * program is opening this moment.
 *
 * Who opens by name holds a shared flock(): an exclusive one that is had at
 * once proves that there is none. Others are found by a lease: the kernel
 * grants one for reading only while nobody has the file open for writing or
 * mapped so, whoever and in whatever namespace, and who opens it then waits
 * until the lease is given back. So the file is moved aside under the lease; if
 * somebody waits by then, it is moved back, and he finds it where it was. Where
 * leases are not to be had, /proc says who has it mapped or open.
 */
#ifndef SHMIPC_TOOLS_REMOVAL_H
#define SHMIPC_TOOLS_REMOVAL_H

#include "inspect.h"

enum removal {
    REMOVAL_DONE,
    REMOVAL_GONE, /* the name leads to nothing, or to another file */
    REMOVAL_UNWANTED,
    REMOVAL_IN_USE, /* *why says by whom, as far as is known */
    REMOVAL_FAILED, /* errno says why */
};

/* Asked once nobody can come to use it any more: whether it is to go. */
typedef bool removal_wanted(const struct inspection *in, void *context);

/* `wanted` may be NULL. *why is to be freed; NULL unless it is in use. */
enum removal removal_try(const struct segment *s, removal_wanted *wanted,
                         void *context, char **why);
/* Whoever uses it: they keep the memory. */
enum removal removal_force(const struct segment *s);

#endif
