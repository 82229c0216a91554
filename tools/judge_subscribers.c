/* SPDX-License-Identifier: MIT */
/*
 * For which subscriber writers wait, and what to do about it.
 */
#include "command.h"
#include "judge.h"
#include <inttypes.h>
#include <stdlib.h>

/* Writers have found no space for it, or are about to. */
static bool is_in_the_way(const struct inspection *in)
{
    return in->writers_sleep ? in->held > in->capacity / 2
                             : in->held >= in->capacity / 16 * 15;
}

static char *advise(const struct inspect_owner *owner)
{
    int pid = owner ? (int)owner->pid_here : 0;

    if (!pid)
        return finding_say("look there what it does: writers go on when it "
                           "reads, unsubscribes or ends");
    if (proc_is_stopped(&owner->proc))
        return finding_say("`kill -CONT %d` lets it go on, `kill -KILL %d` "
                           "ends it, and writers go on without it",
                           pid, pid);
    return finding_say("what it does is shown by `gdb -p %d`; if it is ended, "
                       "writers go on without it",
                       pid);
}

static char *say_held(const struct judge_case *c, const char *who,
                      const char *doing)
{
    const struct inspection *in = c->in;
    char held[COMMAND_TEXT_MAX], capacity[COMMAND_TEXT_MAX];

    return finding_say(
        "the slowest subscriber, %s%s%s, has not read %s of %s: writers wait "
        "for it, or are refused",
        who ? who : "a process", doing ? ", which " : "", doing ? doing : "",
        command_format_size(in->held, held),
        command_format_size(in->capacity, capacity));
}

void judge_subscribers(const struct judge_case *c, struct findings *to)
{
    const struct inspection *in = c->in;
    const struct inspect_owner *owner;
    char *who, *doing;
    bool is_still;

    if (!in->slowest || !is_in_the_way(in))
        return;
    owner = inspect_find_owner(in, in->slowest->owner);
    who = owner ? judge_who(owner) : NULL;
    doing = owner ? judge_doing(&owner->proc, c->past.still_ns) : NULL;
    is_still = c->past.still_ns >= JUDGE_STILL_NS ||
               (owner && proc_is_stopped(&owner->proc));
    /* Who goes on reading, if slowly, is as it can be. */
    finding_add(to, is_still ? FINDING_WARNING : FINDING_NOTE,
                "slow-subscriber", say_held(c, who, doing), advise(owner));
    free(who);
    free(doing);
}
