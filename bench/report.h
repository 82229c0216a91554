/* SPDX-License-Identifier: MIT */
/*
 * What was measured: collected by the workloads, printed as tables and as
 * JSON. A row is one transport in one group ("64 bytes"); it has one or more
 * figures, each taken once a round, of which the median counts.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "run.h"
#include <stdio.h>

enum { REPORT_MAX_ROUNDS = 15, REPORT_MAX_FIGURES = 6 };

struct figure {
    const char *name; /* with its unit: "p50_ns" */
    double values[REPORT_MAX_ROUNDS];
    int count;
};

struct row {
    const char *workload;
    char group[64]; /* rows of one group are compared */
    const char *transport;
    const char *note;
    unsigned traits;
    struct load load;
    struct placement place;
    enum run_status status; /* the worst of all rounds */
    uint64_t sent, received, wrong, skipped;
    struct figure figures[REPORT_MAX_FIGURES]; /* the first one counts most */
    /* The state of the machine: what a line took to the other CPU, ns, one way,
     * before each round of the group. */
    struct figure line;
    const char *limit; /* what the first figure is a multiple of, or NULL */
    struct figure limit_figure;
};

/* A new row, to be filled; stays where it is until report_end(). */
struct row *report_row(const char *workload, const struct transport *t,
                       const struct load *load, struct placement place,
                       const char *group);
/* One round's value of a figure. */
void report_add(struct row *row, const char *figure, double value);
void report_status(struct row *row, const struct outcome *outcome);
/* Whether there is anything to report: messages arrived, lost ones or not. */
bool report_is_usable(const struct outcome *outcome);
double report_median(const struct row *row, const char *figure);
/* What the row's first figure is a multiple of. If it was measured in as many
 * rounds as the row, the multiple is the median of the rounds' ratios: the
 * machine changes from one round to the next more than within one. */
void report_limit(struct row *row, const char *name,
                  const struct figure *limit);
/* The same for a limit that is known without measuring. */
void report_limit_value(struct row *row, const char *name, double value);

/* The rows of a workload as tables. */
void report_print(const char *workload);
void report_json(FILE *to);
/* Whether some row of ours went wrong: then the benchmark has failed. One that
 * is not to be had here, such as io_uring on an old kernel, did not. */
bool report_is_bad(void);

#endif
