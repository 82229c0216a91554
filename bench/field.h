/* SPDX-License-Identifier: MIT */
/*
 * The transports that are compared under one load: they run in turn, round by
 * round, so that what the machine does to one round it does to all of them,
 * and each round's ratio to the limit is taken within the round.
 */
#ifndef BENCH_FIELD_H
#define BENCH_FIELD_H

#include "plan.h"
#include "report.h"

enum { FIELD_MAX = 48, FIELD_MEMORY = 1 << 20 };

struct candidate {
    const struct transport *transport;
    struct row *row;
};

struct field {
    const char *workload;
    struct candidate candidates[FIELD_MAX];
    int count;
};

typedef void field_measure_fn(struct row *row, const struct transport *t);

/* The row that was made; NULL if the transport cannot carry such a load. */
struct row *field_enter(struct field *field, const struct transport *t,
                        const struct load *load, struct placement place,
                        const char *group);
/* Whether any transport that is wanted can carry it. */
bool field_is_of_use(const struct plan *plan, const struct load *load);
/* Every transport that was built and is wanted. */
void field_enter_all(struct field *field, const struct plan *plan,
                     const struct load *load, struct placement place,
                     const char *group);
/* Those whose every call may sleep make a small share of the trips. */
void field_spare_sleepers(struct field *field);
/* Measures each once a round. What hung or failed once is left alone. */
void field_measure(struct field *field, const struct plan *plan,
                   field_measure_fn *one);
/* One run of a ping-pong, and one of a stream. */
void field_trips(struct row *row, const struct transport *t);
void field_stream(struct row *row, const struct transport *t);
/* Makes the first figure of each a multiple of the limits' among them, or of
 * the best one's in each round: the largest, or the smallest. */
enum field_best { FIELD_LARGEST, FIELD_SMALLEST };
void field_limit(struct field *field, const char *name, enum field_best best);

#endif
