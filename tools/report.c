/* SPDX-License-Identifier: MIT */
#include "report.h"
#include "command.h"
#include <stddef.h>
#include <time.h>

/* Words that a walk looks at: some ten milliseconds. */
#define STEPS UINT64_C(4000000)

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void reckon_rates(struct report *report, struct report_past *past,
                         uint64_t time)
{
    const struct inspection *in = &report->in;
    double seconds = (double)(time - past->time) / 1e9;

    if (in->kind != INSPECT_RING)
        return;
    if (past->time && past->creation == in->ring.creation && seconds > 0 &&
        in->head_offset >= past->head && in->tail_offset >= past->tail) {
        report->rates = (struct report_rates){
            .are_known = true,
            .seconds = seconds,
            .entries = (double)(in->entries_written - past->entries) / seconds,
            .written = (double)(in->tail_offset - past->tail) / seconds,
            .read = (double)(in->head_offset - past->head) / seconds,
        };
    }
    past->time = time;
    past->creation = in->ring.creation;
    past->head = in->head_offset;
    past->tail = in->tail_offset;
    past->entries = in->entries_written;
}

int report_open(struct report *report, const char *name,
                struct report_past *past)
{
    struct judge_case c;
    uint64_t time;
    int error;

    *report = (struct report){0};
    error = segment_open(&report->segment, name);
    if (error) {
        segment_close(&report->segment);
        return error;
    }
    time = now();
    inspect_open(&report->in, &report->segment);
    if (report->in.kind == INSPECT_RING)
        inspect_count(&report->in, STEPS, &report->walk);
    proc_find_uses(&report->uses, false);
    report->users = inspect_users(&report->segment, &report->uses);
    inspect_find_inner(&report->in, report->uses.list, report->users);
    judge_remember(&past->judge, &report->in,
                   past->time ? time - past->time : 0);
    c = (struct judge_case){&report->segment, &report->in, report->uses.list,
                            report->users, past->judge};
    judge_segment(&c, &report->findings);
    reckon_rates(report, past, time);
    return 0;
}

void report_close(struct report *report)
{
    finding_free(&report->findings);
    proc_free_uses(&report->uses);
    inspect_close(&report->in);
    segment_close(&report->segment);
}

const char *report_sleeps(const struct report *report,
                          const struct proc_use *use)
{
    uint64_t readers = use->address + offsetof(struct shm_region, readers);
    uint64_t writers = use->address + offsetof(struct shm_region, writers);

    if (use->address == 0 || report->in.kind != INSPECT_RING)
        return NULL;
    if (proc_waits_at(use->pid, readers, readers + sizeof(struct shm_wait)))
        return "for entries";
    if (proc_waits_at(use->pid, writers, writers + sizeof(struct shm_wait)))
        return "for space";
    return NULL;
}
