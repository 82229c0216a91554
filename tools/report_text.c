/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "report.h"
#include "style.h"
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { BAR = 40 };

static void begin_row(const char *label)
{
    printf("  %s%-10s%s ", style_begin(stdout, STYLE_DIM), label,
           style_end(stdout));
}

static void print_heading(const struct report *report)
{
    const struct segment *s = &report->segment;
    char size[COMMAND_TEXT_MAX], number[24];

    printf("%s%s%s: %s of %s, mode %04o, owner %s",
           style_begin(stdout, STYLE_BOLD), s->name, style_end(stdout),
           report->in.kind == INSPECT_RING ? "ring" : "file",
           command_format_size((uint64_t)s->file.st_size, size),
           (unsigned)s->file.st_mode & 07777,
           segment_owner(s->file.st_uid, number));
    style_end_line(stdout);
}

static void print_configuration(const struct inspection *in)
{
    begin_row("mode");
    printf("%s, ", in->ring.one_producer ? "one producer" : "many producers");
    if (in->ring.subscriber_count)
        printf("%" PRIu32 " of %" PRIu32 " subscribers, who all read all",
               in->subscriber_count, in->ring.subscriber_count);
    else
        fputs(in->ring.one_consumer ? "one consumer" : "many consumers",
              stdout);
    printf("; %" PRIu32 " owner slot%s", in->ring.owners.count,
           in->ring.owners.count == 1 ? "" : "s");
    if (in->ring.readers_enter && !in->ring.one_consumer)
        fputs("; readers have one too", stdout);
    if (in->is_closed || in->is_half_closed)
        printf("; %sclosed%s", style_begin(stdout, STYLE_WARN),
               style_end(stdout));
    style_end_line(stdout);
}

static void print_bar(const struct inspection *in)
{
    int full = (int)(in->used * BAR / in->capacity);
    enum style style = in->used > in->capacity / 16 * 15 ? STYLE_BAD
                       : in->used > in->capacity / 4 * 3 ? STYLE_WARN
                                                         : STYLE_GOOD;

    if (full == 0 && in->used > 0)
        full = 1;
    putchar('[');
    fputs(style_begin(stdout, style), stdout);
    for (int i = 0; i < BAR; i++)
        putchar(i < full ? '#' : '.');
    printf("%s] ", style_end(stdout));
}

static void print_positions(const struct inspection *in)
{
    char used[COMMAND_TEXT_MAX], capacity[COMMAND_TEXT_MAX];

    begin_row("fill");
    print_bar(in);
    printf("%s of %s (%" PRIu64 " %%)", command_format_size(in->used, used),
           command_format_size(in->capacity, capacity),
           in->used * 100 / in->capacity);
    style_end_line(stdout);
    begin_row("offsets");
    if (in->ends_are_true)
        printf("read up to %" PRIu64 ", claimed up to %" PRIu64,
               in->head_offset, in->tail_offset);
    else
        fputs("damaged", stdout);
    style_end_line(stdout);
}

static void print_head(const struct inspection *in)
{
    static const char *const texts[] = {
        [INSPECT_HEAD_EMPTY] = "nothing to read",
        [INSPECT_HEAD_READY] = "an entry",
        [INSPECT_HEAD_BUSY] = "an entry that is being written",
        [INSPECT_HEAD_FILLER] = "filler, which the next read passes",
        [INSPECT_HEAD_CLAIMED] = "space that is claimed and not begun",
        [INSPECT_HEAD_DAMAGED] = "a damaged control word",
        [INSPECT_HEAD_LOST] = "nowhere: it is damaged",
    };

    begin_row("head");
    fputs(texts[in->head], stdout);
    if (in->head == INSPECT_HEAD_READY)
        printf(" of %" PRIu32 " bytes", in->view.size);
    style_end_line(stdout);
}

static void print_entries(const struct report *report)
{
    const struct inspect_walk *walk = &report->walk;
    char bytes[COMMAND_TEXT_MAX];

    begin_row("entries");
    printf("%" PRIu64 " written since creation, %" PRIu64 "%s unread (%s)",
           report->in.entries_written, walk->entries,
           walk->is_whole ? "" : " or more",
           command_format_size(walk->bytes, bytes));
    if (walk->claims)
        printf(", %" PRIu64 " being written", walk->claims);
    if (walk->dead_claims + walk->gaps)
        printf(", %" PRIu64 " given up", walk->dead_claims + walk->gaps);
    style_end_line(stdout);
}

static void print_rates(const struct report_rates *rates)
{
    char written[COMMAND_TEXT_MAX], read[COMMAND_TEXT_MAX];

    if (!rates->are_known)
        return;
    begin_row("rates");
    printf("%.0f entries/s; %s/s written, %s/s read", rates->entries,
           command_format_size((uint64_t)rates->written, written),
           command_format_size((uint64_t)rates->read, read));
    style_end_line(stdout);
}

static const char *by_what(uint32_t sleepers)
{
    return sleepers ? "may sleep" : "none sleeps";
}

static void print_sleepers(const struct inspection *in)
{
    begin_row("sleepers");
    printf("readers: %s; writers: %s", by_what(in->readers_sleep),
           by_what(in->writers_sleep));
    style_end_line(stdout);
}

/* ------------------------------------------------------------- processes */

static const char *role_of(const struct inspect_owner *owner)
{
    if (owner->is_producer && owner->is_consumer)
        return "one producer, one consumer";
    if (owner->is_producer)
        return "one producer";
    if (owner->is_consumer)
        return "one consumer";
    switch (owner->view.marks & (OWNER_PRODUCES | OWNER_CONSUMES)) {
    case OWNER_PRODUCES:
        return "writes";
    case OWNER_CONSUMES:
        return "reads";
    case OWNER_PRODUCES | OWNER_CONSUMES:
        return "writes, reads";
    default:
        return "-";
    }
}

static const char *state_of(const struct inspect_owner *owner)
{
    if (owner->view.fate == OWNER_IS_DEAD)
        return "is dead";
    if (owner->view.fate == OWNER_UNKNOWN && !owner->proc.is_there)
        return "unknown: elsewhere";
    return owner->proc.is_there ? proc_state_text(owner->proc.state)
                                : "lives elsewhere";
}

static const struct proc_use *use_by(const struct report *report, pid_t pid)
{
    for (size_t i = 0; i < report->users; i++)
        if (report->uses.list[i].pid == pid)
            return &report->uses.list[i];
    return NULL;
}

static void print_state(const struct report *report, const struct proc_use *use,
                        const char *state, const struct proc *proc)
{
    const char *sleeps = use ? report_sleeps(report, use) : NULL;
    enum style style =
        proc_is_stopped(proc) || !proc->is_there ? STYLE_BAD : STYLE_GOOD;

    printf(" %s%s%s%s%s", style_begin(stdout, style), state, style_end(stdout),
           sleeps ? " " : "", sleeps ? sleeps : "");
}

static uint64_t since(uint64_t wall)
{
    struct timespec now;
    uint64_t ns;

    clock_gettime(CLOCK_REALTIME, &now);
    ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    return wall && ns > wall ? ns - wall : 0;
}

static void print_owner(const struct report *report,
                        const struct inspect_owner *owner)
{
    char time[COMMAND_TEXT_MAX];

    printf("  %10" PRId64 " %-16s %-14s %7" PRIu32 " %12" PRIu64 " %8s",
           owner->pid_here ? (int64_t)owner->pid_here : owner->view.pid,
           owner->proc.is_there ? owner->proc.name : "-", role_of(owner),
           owner->view.handles, owner->view.written,
           owner->view.since
               ? command_format_duration(since(owner->view.since), time)
               : "-");
    print_state(report,
                owner->pid_here ? use_by(report, owner->pid_here) : NULL,
                state_of(owner), &owner->proc);
    style_end_line(stdout);
}

static void print_subscriber(const struct inspection *in,
                             const struct inspect_subscriber *one)
{
    const struct inspect_owner *owner = inspect_find_owner(in, one->owner);
    char lag[COMMAND_TEXT_MAX], lost[COMMAND_TEXT_MAX];
    uint32_t pid = owner ? owner->view.pid : 0;

    if (owner && owner->pid_here)
        pid = (uint32_t)owner->pid_here;
    printf("  %10" PRIu32 " %-16s %-8s %-8s %12s %12s", pid,
           owner && owner->proc.is_there ? owner->proc.name : "-",
           subscribers_policy_name(one->policy),
           owner && owner->view.fate == OWNER_IS_DEAD
               ? "is dead"
               : subscribers_state_name(one->state),
           command_format_size(one->lag, lag),
           command_format_size(one->lost, lost));
    if (one->pinned)
        printf(" pins %s for %s", command_format_size(one->pinned, lag),
               command_format_duration(since(one->pinned_since), lost));
    if (one == in->slowest && one->lag)
        printf(" %sslowest%s", style_begin(stdout, STYLE_WARN),
               style_end(stdout));
    style_end_line(stdout);
}

static void print_subscribers(const struct inspection *in)
{
    if (in->subscriber_count == 0)
        return;
    printf("  %s%10s %-16s %-8s %-8s %12s %12s%s",
           style_begin(stdout, STYLE_BOLD), "SUBSCRIBER", "COMMAND", "POLICY",
           "STATE", "LAG", "LOST", style_end(stdout));
    style_end_line(stdout);
    for (uint32_t i = 0; i < in->subscriber_count; i++)
        print_subscriber(in, &in->subscribers[i]);
}

static bool is_owner(const struct inspection *in, pid_t pid)
{
    for (uint32_t i = 0; i < in->owner_count; i++)
        if (in->owners[i].pid_here == pid)
            return true;
    return false;
}

static void print_user(const struct report *report, const struct proc_use *use)
{
    struct proc proc;

    proc_look(use->pid, &proc);
    printf("  %10d %-16s %-14s %7s %12s %8s", (int)use->pid,
           proc.is_there ? proc.name : "-",
           use->address ? "has it mapped" : "has it open", "-", "-", "-");
    print_state(report, use,
                proc.is_there ? proc_state_text(proc.state) : "has gone",
                &proc);
    style_end_line(stdout);
}

static void print_processes(const struct report *report)
{
    const struct inspection *in = &report->in;
    bool has_heading = false;

    for (uint32_t i = 0; i < in->owner_count + report->users; i++) {
        const struct proc_use *use =
            i < in->owner_count ? NULL
                                : &report->uses.list[i - in->owner_count];

        if (use && is_owner(in, use->pid))
            continue;
        if (!has_heading) {
            printf("  %s%10s %-16s %-14s %7s %12s %8s %s%s",
                   style_begin(stdout, STYLE_BOLD), "PID", "COMMAND", "ROLE",
                   "HANDLES", "WRITTEN", "SINCE", "STATE", style_end(stdout));
            style_end_line(stdout);
        }
        has_heading = true;
        if (use)
            print_user(report, use);
        else
            print_owner(report, &in->owners[i]);
    }
    if (!has_heading) {
        begin_row("processes");
        fputs("none", stdout);
        style_end_line(stdout);
    }
    /* Of others, whom the file's mode lets use it. */
    if (report->uses.hidden && (report->segment.file.st_mode & 066)) {
        begin_row("");
        printf("%zu process%s cannot be looked at by this user",
               report->uses.hidden, report->uses.hidden == 1 ? "" : "es");
        style_end_line(stdout);
    }
}

void report_print(const struct report *report)
{
    const struct inspection *in = &report->in;

    print_heading(report);
    if (in->kind == INSPECT_RING) {
        print_configuration(in);
        print_positions(in);
        print_head(in);
        print_entries(report);
        print_rates(&report->rates);
        print_sleepers(in);
    }
    print_subscribers(in);
    print_processes(report);
    finding_print(&report->findings, "  ");
}
