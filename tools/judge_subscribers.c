/* SPDX-License-Identifier: MIT */
/*
 * For which subscriber writers wait, who keeps what writers have to go round,
 * and what to do about it.
 */
#include "command.h"
#include "judge.h"
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

/* Who works on what it has pinned is done by then. */
#define LONG_PINNED_NS UINT64_C(10000000000)

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

static void judge_slowest(const struct judge_case *c, struct findings *to)
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

/* ------------------------------------------------------------------- pins */

static uint64_t pinned_for(const struct inspect_subscriber *one)
{
    struct timespec now;
    uint64_t ns;

    clock_gettime(CLOCK_REALTIME, &now);
    ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    return one->pinned_since && ns > one->pinned_since ? ns - one->pinned_since
                                                       : 0;
}

static void blame_the_dead(const struct inspect_subscriber *one,
                           const struct inspect_owner *owner,
                           struct findings *to)
{
    char size[COMMAND_TEXT_MAX];
    char *who = judge_who(owner);

    finding_add(to, FINDING_NOTE, "dead-pin",
                finding_say("%s is dead, and still has %s pinned, which "
                            "writers go round",
                            who, command_format_size(one->pinned, size)),
                finding_say("nothing: it is let go when writers have no room "
                            "besides, or when a subscriber needs its slot"));
    free(who);
}

static void blame_who_lives(const struct judge_case *c,
                            const struct inspect_subscriber *one,
                            const struct inspect_owner *owner,
                            struct findings *to)
{
    char size[COMMAND_TEXT_MAX], time[COMMAND_TEXT_MAX];
    char *who = owner ? judge_who(owner) : NULL;
    char *doing = owner ? judge_doing(&owner->proc, c->past.still_ns) : NULL;
    bool is_stopped = owner && proc_is_stopped(&owner->proc);

    finding_add(to, is_stopped ? FINDING_WARNING : FINDING_NOTE, "long-pin",
                finding_say("%s%s%s has had %s pinned for %s: writers go "
                            "round that, and have so much less room",
                            who ? who : "a process", doing ? ", which " : "",
                            doing ? doing : "",
                            command_format_size(one->pinned, size),
                            command_format_duration(pinned_for(one), time)),
                advise(owner));
    free(who);
    free(doing);
}

static void judge_pin(const struct judge_case *c,
                      const struct inspect_subscriber *one, struct findings *to)
{
    const struct inspect_owner *owner = inspect_find_owner(c->in, one->owner);

    if (one->pinned == 0)
        return;
    if (owner && owner->view.fate == OWNER_IS_DEAD)
        blame_the_dead(one, owner, to);
    else if (pinned_for(one) >= LONG_PINNED_NS ||
             (owner && proc_is_stopped(&owner->proc)))
        blame_who_lives(c, one, owner, to);
}

void judge_subscribers(const struct judge_case *c, struct findings *to)
{
    judge_slowest(c, to);
    for (uint32_t i = 0; i < c->in->subscriber_count; i++)
        judge_pin(c, &c->in->subscribers[i], to);
}
