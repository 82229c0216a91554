/* SPDX-License-Identifier: MIT */
#include "judge.h"
#include "command.h"
#include <inttypes.h>
#include <shmipc/ipc_buffer.h>
#include <stdio.h>
#include <stdlib.h>

/* ------------------------------------------------------------- what we know */

void judge_remember(struct judge_past *past, const struct inspection *in,
                    uint64_t passed)
{
    uint64_t head = 0;
    bool is_same;

    if (in->slowest)
        head = in->slowest->cursor;
    else if (in->kind == INSPECT_RING)
        /* Relaxed: what it was some time. */
        head = atomic_get_relaxed(&in->ring.gate->position);
    is_same = past->is_known && past->creation == in->ring.creation &&
              past->head == head && past->word == in->view.word;

    *past = (struct judge_past){
        .is_known = true,
        .creation = in->ring.creation,
        .head = head,
        .word = in->view.word,
        .still_ns = is_same ? past->still_ns + passed : 0,
    };
}

bool judge_is_leftover(const struct inspection *in, size_t users)
{
    if (users > 0)
        return false;
    if (in->kind == INSPECT_INITIALIZING)
        return true;
    return in->kind == INSPECT_RING && in->dead > 0 && in->alive == 0 &&
           in->unknown == 0;
}

char *judge_who(const struct inspect_owner *owner)
{
    if (owner->proc.is_there && !owner->is_here)
        return finding_say("pid %d (%s, pid %" PRIu32 " in its pid namespace)",
                           (int)owner->pid_here, owner->proc.name,
                           owner->view.pid);
    if (owner->proc.is_there)
        return finding_say("pid %d (%s)", (int)owner->pid_here,
                           owner->proc.name);
    if (owner->is_here)
        return finding_say("pid %" PRIu32, owner->view.pid);
    return finding_say("pid %" PRIu32 " of another pid namespace (%" PRIu64 ")",
                       owner->view.pid, owner->pid_namespace);
}

/* Nobody can tell whether it lives: there is no proof, and we do not see it. */
static bool is_unknown(const struct inspect_owner *owner)
{
    return owner->view.fate == OWNER_UNKNOWN && !owner->proc.is_there;
}

char *judge_doing(const struct proc *proc, uint64_t still_ns)
{
    char time[COMMAND_TEXT_MAX];
    uint64_t rests = proc->rests == UINT64_MAX ? 0 : proc->rests;

    if (!proc->is_there)
        return NULL;
    if (rests < still_ns)
        rests = still_ns;
    if (rests < JUDGE_STILL_NS || proc->state == 'R')
        return finding_say("%s", proc_state_text(proc->state));
    return finding_say("%s, for %s", proc_state_text(proc->state),
                       command_format_duration(rests, time));
}

/* For how long nothing has moved that waits for this process. */
static uint64_t still_for(const struct judge_case *c, const struct proc *proc)
{
    uint64_t rests =
        proc->is_there && proc->rests != UINT64_MAX ? proc->rests : 0;

    return rests > c->past.still_ns ? rests : c->past.still_ns;
}

/* ----------------------------------------------------------------- no ring */

static char *say_first_bytes(const struct segment *s)
{
    char hex[3 * 8 + 1] = "";

    for (size_t i = 0; i < 8 && i < s->size; i++)
        snprintf(hex + 3 * i, 4, " %02x", s->memory[i]);
    return finding_say("it is no ring of libshmipc: its first bytes are%s, of "
                       "another program",
                       hex);
}

static void judge_layout(const struct judge_case *c, struct findings *to)
{
    const struct inspection *in = c->in;

    if (in->is_swapped) {
        finding_add(to, FINDING_ERROR, "other-layout",
                    finding_say("it was made by a machine of the other byte "
                                "order"),
                    finding_say("it can be used there, or created anew here"));
        return;
    }
    finding_add(
        to, FINDING_WARNING, "other-layout",
        finding_say("it has layout version %" PRIu32
                    ", and this tool knows %" PRIu32 ": it was made by %s "
                    "libshmipc",
                    in->layout_version, SHMIPC_LAYOUT_VERSION,
                    in->layout_version > SHMIPC_LAYOUT_VERSION ? "a newer"
                                                               : "an older"),
        finding_say("use the shmipc of the release that its programs use"));
}

/* Which member of the header it is. */
static char *say_damage(const struct shm_identity *id)
{
    if (id->block_count == 0 || id->block_count > SHMIPC_BLOCKS_MAX)
        return finding_say("%" PRIu32 " blocks", id->block_count);
    if (id->owner_count == 0 || id->owner_count > SHMIPC_OWNERS_LIMIT)
        return finding_say("%" PRIu32 " owner slots", id->owner_count);
    if (id->flags & ~(IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER |
                      IPC_BUFFER_KNOWS_CONSUMERS | IPC_BUFFER_BROADCAST |
                      IPC_BUFFER_ACKNOWLEDGE | IPC_BUFFER_TAPS))
        return finding_say("flags 0x%" PRIx32, id->flags);
    return finding_say("a size of %" PRIu64 " bytes for %" PRIu32
                       " blocks and %" PRIu32 " owner slots",
                       id->region_size, id->block_count, id->owner_count);
}

static void judge_damage(const struct judge_case *c, struct findings *to)
{
    char *what = say_damage(&c->in->region->identity);

    finding_add(to, FINDING_ERROR, "damaged",
                finding_say("its header says %s, which cannot be true: "
                            "somebody has written into it",
                            what ? what : "something"),
                finding_say("nobody can connect to it: `shmipc rm %s`, and let "
                            "its creator make it anew",
                            c->segment->name));
    free(what);
}

static void judge_truncated(const struct judge_case *c, struct findings *to)
{
    if (c->segment->size < c->in->needed)
        finding_add(to, FINDING_ERROR, "truncated",
                    finding_say("the file has %zu bytes, and the ring in it "
                                "takes %" PRIu64 ": it was cut, or copied in "
                                "part",
                                c->segment->size, c->in->needed),
                    finding_say("programs that have it mapped get a SIGBUS; "
                                "`shmipc rm %s`, and start them again",
                                c->segment->name));
    else
        finding_add(to, FINDING_ERROR, "truncated",
                    finding_say("the file was cut while it was looked at"),
                    NULL);
}

static void judge_unformatted(const struct judge_case *c, struct findings *to)
{
    const char *state = c->in->kind == INSPECT_EMPTY ? "it has no bytes yet"
                        : c->in->kind == INSPECT_BLANK
                            ? "it is all zeros where the header would be"
                            : "it is being formatted";

    finding_add(to, FINDING_WARNING, inspect_kind_name(c->in->kind),
                finding_say("%s: its creator is about to go on, is stopped, or "
                            "has died%s",
                            state,
                            c->user_count ? "" : "; nobody has it mapped"),
                finding_say("whoever creates it again makes it whole; "
                            "otherwise `shmipc rm %s`",
                            c->segment->name));
}

static void judge_no_ring(const struct judge_case *c, struct findings *to)
{
    switch (c->in->kind) {
    case INSPECT_FOREIGN:
        finding_add(to, FINDING_ERROR, "foreign", say_first_bytes(c->segment),
                    NULL);
        break;
    case INSPECT_OTHER_LAYOUT:
        judge_layout(c, to);
        break;
    case INSPECT_DAMAGED:
        judge_damage(c, to);
        break;
    case INSPECT_TRUNCATED:
        judge_truncated(c, to);
        break;
    case INSPECT_UNREADABLE:
        finding_add(to, FINDING_ERROR, "unreadable",
                    finding_say("it cannot be mapped for reading"), NULL);
        break;
    case INSPECT_EMPTY:
    case INSPECT_BLANK:
    case INSPECT_INITIALIZING:
        judge_unformatted(c, to);
        break;
    case INSPECT_RING:
        break;
    }
}

/* ---------------------------------------------------------------- the head */

static void judge_dead_claim(const struct judge_case *c,
                             const struct inspect_owner *owner,
                             struct findings *to)
{
    char *who = owner ? judge_who(owner) : finding_say("a process");

    finding_add(to, FINDING_WARNING, "dead-claim",
                finding_say("entry at offset %" PRIu64
                            " was being written by %s, which is dead",
                            c->in->stuck_offset, who ? who : "a process"),
                finding_say("a channel's reader that waits removes it by "
                            "itself, and so does `shmipc recover %s --yes`",
                            c->segment->name));
    free(who);
}

static char *advise_about(const struct judge_case *c,
                          const struct inspect_owner *owner)
{
    int pid = (int)owner->pid_here;

    if (is_unknown(owner))
        return finding_say("look there; if it is dead, `shmipc recover %s "
                           "--force --yes` removes what it left",
                           c->segment->name);
    if (proc_is_stopped(&owner->proc))
        return finding_say("`kill -CONT %d` lets it go on, `kill "
                           "-KILL %d` ends it, and what it was "
                           "writing is removed; readers wait for it, and "
                           "writers when the ring is full",
                           pid, pid);
    if (!pid)
        return finding_say("readers wait for it: look there what it does");
    return finding_say("readers wait for it: what it does is shown by `gdb -p "
                       "%d`; if it is ended, what it was writing is "
                       "removed",
                       pid);
}

static void judge_busy(const struct judge_case *c, struct findings *to)
{
    const struct inspect_owner *owner =
        inspect_find_owner(c->in, control_value(c->in->view.word));
    bool is_still;
    char *who, *doing;

    if (!owner || owner->view.fate == OWNER_IS_DEAD) {
        judge_dead_claim(c, owner, to);
        return;
    }
    who = judge_who(owner);
    doing = is_unknown(owner)
                ? finding_say("nobody here can tell to live or to be dead")
                : judge_doing(&owner->proc, c->past.still_ns);
    is_still = still_for(c, &owner->proc) >= JUDGE_STILL_NS ||
               proc_is_stopped(&owner->proc) || is_unknown(owner);
    finding_add(to, is_still ? FINDING_ERROR : FINDING_NOTE,
                proc_is_stopped(&owner->proc) ? "stopped-writer" : "busy",
                finding_say("entry at offset %" PRIu64
                            " is being written by %s%s%s",
                            c->in->stuck_offset, who ? who : "a process",
                            doing ? ", which " : "", doing ? doing : ""),
                is_still ? advise_about(c, owner) : NULL);
    free(who);
    free(doing);
}

static void judge_gap(const struct judge_case *c, struct findings *to)
{
    bool is_still = c->past.still_ns >= JUDGE_STILL_NS;

    finding_add(to, is_still ? FINDING_WARNING : FINDING_NOTE, "gap",
                finding_say("space at offset %" PRIu64 " is claimed by a "
                            "producer that has not begun to write",
                            c->in->stuck_offset),
                finding_say("a channel's reader that waits gets past it by "
                            "itself, and so does `shmipc recover %s --yes`",
                            c->segment->name));
}

static void judge_damaged_word(const struct judge_case *c, struct findings *to)
{
    const struct view *view = &c->in->view;

    finding_add(
        to, FINDING_ERROR, "damaged-word",
        finding_say("the control word at offset %" PRIu64 " is 0x%016" PRIx64
                    " (state %" PRIu32 ", value %" PRIu32 ", tag %" PRIu32
                    " in lap %" PRIu64 "), which no library writes: somebody "
                    "has written into the memory",
                    c->in->stuck_offset, view->word, control_state(view->word),
                    control_value(view->word), control_tag(view->word),
                    position_lap(&c->in->ring, view->position)),
        finding_say("reads say IPC_ERR_CORRUPTED; `shmipc dump %s` shows what "
                    "is around it, ipc_channel_skip_force() gets past a "
                    "block of it, and creating the channel anew heals it",
                    c->segment->name));
}

static void judge_head(const struct judge_case *c, struct findings *to)
{
    const struct ring *r = &c->in->ring;

    switch (c->in->head) {
    case INSPECT_HEAD_BUSY:
        judge_busy(c, to);
        break;
    case INSPECT_HEAD_CLAIMED:
        if (!r->one_producer)
            judge_gap(c, to);
        break;
    case INSPECT_HEAD_DAMAGED:
        judge_damaged_word(c, to);
        break;
    case INSPECT_HEAD_LOST:
        finding_add(to, FINDING_ERROR, "damaged-ends",
                    finding_say("head is 0x%" PRIx64 " and tail 0x%" PRIx64
                                ", which cannot be in a ring of %" PRIu32
                                " blocks: somebody has written into the memory",
                                /* Relaxed, both: for people. */
                                atomic_get_relaxed(&r->gate->position),
                                atomic_get_relaxed(&r->tail->position),
                                r->block_count),
                    finding_say("create the channel anew, or `shmipc rm %s`",
                                c->segment->name));
        break;
    case INSPECT_HEAD_EMPTY:
    case INSPECT_HEAD_READY:
    case INSPECT_HEAD_FILLER:
        break;
    }
}

/* ------------------------------------------------------------- the processes
 */

static const char *role_of(const struct inspect_owner *owner)
{
    if (owner->is_producer)
        return "the one producer, ";
    return owner->is_consumer ? "the one consumer, " : "";
}

static bool writes_at_head(const struct inspection *in,
                           const struct inspect_owner *owner)
{
    return in->head == INSPECT_HEAD_BUSY &&
           control_value(in->view.word) == owner->view.owner;
}

static void judge_owner(const struct judge_case *c,
                        const struct inspect_owner *owner, struct findings *to)
{
    char *who = judge_who(owner);
    char *doing = judge_doing(&owner->proc, 0);
    bool has_role = owner->is_producer || owner->is_consumer;

    /* That one is told of already. */
    if (writes_at_head(c->in, owner) || !who || !doing)
        has_role = has_role && is_unknown(owner);
    else if (proc_is_stopped(&owner->proc))
        finding_add(
            to, has_role ? FINDING_ERROR : FINDING_WARNING, "stopped-owner",
            finding_say("%s%s, %s", role_of(owner), who, doing),
            finding_say("`kill -CONT %d` lets it go on", (int)owner->pid_here));
    if (owner->view.fate == OWNER_UNKNOWN)
        finding_add(
            to, FINDING_WARNING, "unknown-owner",
            finding_say("%s%s: nobody here can tell whether it lives%s",
                        role_of(owner), who ? who : "a process",
                        has_role ? ", so its role passes to nobody" : ""),
            finding_say("look there; if it is dead, `shmipc recover %s "
                        "--force --yes`",
                        c->segment->name));
    free(who);
    free(doing);
}

/* A reader of many has no owner slot, but the memory. */
static void judge_users(const struct judge_case *c, struct findings *to)
{
    for (size_t i = 0; i < c->user_count; i++) {
        struct proc proc;
        char *doing;
        bool is_owner = false;

        for (uint32_t j = 0; j < c->in->owner_count; j++)
            is_owner |= c->in->owners[j].pid_here == c->users[i].pid;
        if (is_owner)
            continue;
        proc_look(c->users[i].pid, &proc);
        if (!proc_is_stopped(&proc))
            continue;
        doing = judge_doing(&proc, 0);
        finding_add(
            to, c->in->used ? FINDING_WARNING : FINDING_NOTE, "stopped-user",
            finding_say("pid %d (%s), which has it mapped, %s",
                        (int)c->users[i].pid, proc.name,
                        doing ? doing : "is stopped"),
            finding_say("`kill -CONT %d` lets it go on", (int)c->users[i].pid));
        free(doing);
    }
}

static void judge_owners(const struct judge_case *c, struct findings *to)
{
    const struct inspection *in = c->in;

    for (uint32_t i = 0; i < in->owner_count; i++)
        judge_owner(c, &in->owners[i], to);
    judge_users(c, to);
    if (in->alive + in->unknown == in->ring.owners.count)
        finding_add(to, FINDING_WARNING, "owners-full",
                    finding_say("all %" PRIu32 " owner slots are taken: one "
                                "process more gets IPC_ERR_OWNERS_FULL",
                                in->ring.owners.count),
                    finding_say("create it with a larger max_owners"));
    if (in->dead > 0 && !judge_is_leftover(in, c->user_count))
        finding_add(to, FINDING_NOTE, "dead-owners",
                    finding_say("%" PRIu32 " owner slot%s of dead processes: "
                                "who needs one takes it",
                                in->dead, in->dead == 1 ? " is" : "s are"),
                    NULL);
}

/* ---------------------------------------------------------------- the whole */

static void judge_closing(const struct judge_case *c, struct findings *to)
{
    if (c->in->is_half_closed)
        finding_add(to, FINDING_WARNING, "half-closed",
                    finding_say("it is closed to writers and not yet to "
                                "readers: who closed it was stopped or died in "
                                "between"),
                    finding_say("whoever writes, or waits to read, finishes "
                                "it, and so does `shmipc recover %s --yes`",
                                c->segment->name));
    else if (c->in->is_closed)
        finding_add(to, FINDING_WARNING, "closed",
                    finding_say("it is closed: writes say IPC_ERR_CLOSED, and "
                                "so do reads once all is read"),
                    finding_say("it can be created anew, or `shmipc rm %s`",
                                c->segment->name));
}

static void judge_room(const struct judge_case *c, struct findings *to)
{
    const struct inspection *in = c->in;
    char time[COMMAND_TEXT_MAX];

    if (in->ring.subscriber_count) {
        judge_subscribers(c, to);
        return;
    }
    if (in->head != INSPECT_HEAD_READY || c->past.still_ns < JUDGE_STILL_NS ||
        (in->writers_sleep == 0 && in->used < in->capacity / 16 * 15))
        return;
    finding_add(to, FINDING_WARNING, "full",
                finding_say("it is full to %" PRIu64
                            " %%, and nothing was read for %s: writers wait "
                            "or are refused",
                            in->used * 100 / in->capacity,
                            command_format_duration(c->past.still_ns, time)),
                finding_say("look for the reader among its processes"));
}

static void judge_leftover(const struct judge_case *c, struct findings *to)
{
    if (judge_is_leftover(c->in, c->user_count))
        finding_add(to, FINDING_WARNING, "leftover",
                    finding_say("its owners are dead, and nobody that can be "
                                "seen uses it"),
                    finding_say("`shmipc prune` removes such leftovers, "
                                "`shmipc rm %s` this one",
                                c->segment->name));
}

void judge_segment(const struct judge_case *c, struct findings *to)
{
    if (c->in->kind != INSPECT_RING) {
        judge_no_ring(c, to);
    } else {
        judge_head(c, to);
        judge_owners(c, to);
        judge_closing(c, to);
        judge_room(c, to);
    }
    judge_leftover(c, to);
}
