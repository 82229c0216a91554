/* SPDX-License-Identifier: MIT */
/*
 * Looking on: a tap on the channel that a command line names, read until there
 * is a reason to end. What `tap` and `record` have in common.
 */
#ifndef SHMIPC_TOOLS_TAPPING_H
#define SHMIPC_TOOLS_TAPPING_H

#include "command.h"
#include "progress.h"
#include "segment.h"
#include <shmipc/ipc_tap.h>

/* What those who are told return to go on; else a code of command.h, or one of
 * these. */
enum {
    TAPPING_GO_ON = -1,
    TAPPING_ENOUGH = -2,
    TAPPING_STOPPED = -3, /* by a signal */
};

struct tapping {
    const char *name;
    IpcTapOptions options;
    uint64_t wanted;     /* messages; UINT64_MAX: all */
    uint64_t timeout_ns; /* of the wait for one; UINT64_MAX: for ever */
    uint64_t past_ns;    /* past what is stuck so long; UINT64_MAX: never */
    bool no_wait, show_progress;
    const char *verb; /* for the progress: "recorded" */
    /* A message; a gap of so many bytes before `offset`, which were lost or, if
     * they were `passed`, stuck; and that there is nothing more this moment. */
    int (*message)(void *user, const IpcEntry *message);
    int (*gap)(void *user, uint64_t offset, uint64_t bytes, bool passed);
    int (*caught_up)(void *user);
    void *user;

    uint64_t seen, bytes, lost, passed;
    struct segment segment;
    IpcTap *tap;
    IpcTapInfo info; /* when it was opened */
    struct progress progress;
    unsigned char *memory;
    size_t room;
    uint64_t stuck_since, stuck_at; /* 0: it is not; the offset */
    bool stuck_told;
};

/* The options that both have. */
enum { TAPPING_FROM = 300, TAPPING_NO_WAIT, TAPPING_PAST };
#define TAPPING_OPTIONS                                                        \
    {TAPPING_FROM, "from", "PLACE",                                            \
     "where to begin: oldest (the default), newest or now"},                   \
        {'n', "count", "N", "end after N messages"},                           \
        {'t', "timeout", "TIME",                                               \
         "end if no message comes in that time, as in 500ms"},                 \
        {TAPPING_NO_WAIT, "no-wait", NULL, "end when no message is there"},    \
    {                                                                          \
        TAPPING_PAST, "past", "TIME",                                          \
            "go past a message that is being written for so long"              \
    }

void tapping_begin(struct tapping *t);
/* False: no option of these. */
bool tapping_set_option(struct tapping *t, const struct command_scan *scan,
                        int id);
/* COMMAND_OK, or another code after a complaint. */
int tapping_open(struct tapping *t);
/* Why it ended: TAPPING_ENOUGH, TAPPING_STOPPED, or a code of command.h. */
int tapping_run(struct tapping *t);
void tapping_close(struct tapping *t);
/* The code to end by, after tapping_run(). */
int tapping_code(const struct tapping *t, int code);

#endif
