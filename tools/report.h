/* SPDX-License-Identifier: MIT */
/*
 * What stat prints of one segment: gathered once, told in three forms.
 */
#ifndef SHMIPC_TOOLS_REPORT_H
#define SHMIPC_TOOLS_REPORT_H

#include "judge.h"

/* What the look before found; begins empty. */
struct report_past {
    struct judge_past judge;
    uint64_t time, creation; /* time 0: there was none */
    uint64_t head, tail, entries;
};

struct report_rates {
    bool are_known;
    double seconds;
    double entries, written, read; /* per second; bytes with all that they take
                                      in the ring */
};

struct report {
    struct segment segment;
    struct inspection in;
    struct proc_uses uses;
    size_t users; /* the first of `uses` */
    struct inspect_walk walk;
    struct report_rates rates;
    struct findings findings;
};

/* 0, and the report is to be closed; or errno. */
int report_open(struct report *report, const char *name,
                struct report_past *past);
void report_close(struct report *report);

void report_print(const struct report *report);
void report_print_json(const struct report *report, bool in_one_line);
void report_print_prometheus(const struct report *report);

/* Where a process sleeps: "for entries", "for space", or NULL. */
const char *report_sleeps(const struct report *report,
                          const struct proc_use *use);

#endif
