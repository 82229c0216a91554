/* SPDX-License-Identifier: MIT */
#include "field.h"
#include "bare.h"
#include "transports.h"

enum { SLEEPERS_SHARE = 32, LINE_TRIPS = 2000 };

struct row *field_enter(struct field *field, const struct transport *t,
                        const struct load *load, struct placement place,
                        const char *group)
{
    struct candidate *c = &field->candidates[field->count];

    if (field->count == FIELD_MAX || !run_is_possible(t, load))
        return NULL;
    c->transport = t;
    c->row = report_row(field->workload, t, load, place, group);
    field->count++;
    return c->row;
}

bool field_is_of_use(const struct plan *plan, const struct load *load)
{
    for (int i = 0; transports[i]; i++)
        if (plan_wants(plan, transports[i]) &&
            run_is_possible(transports[i], load))
            return true;
    return false;
}

void field_enter_all(struct field *field, const struct plan *plan,
                     const struct load *load, struct placement place,
                     const char *group)
{
    for (int i = 0; transports[i]; i++)
        if (plan_wants(plan, transports[i]))
            field_enter(field, transports[i], load, place, group);
}

/* How far the CPUs are from each other now, for all rows. */
static void note_state(struct field *field)
{
    const struct load load = {.size = 8,
                              .memory = 4096,
                              .producers = 1,
                              .consumers = 1,
                              .batch = 1,
                              .trips = LINE_TRIPS,
                              .warm_trips = LINE_TRIPS / 10};
    struct outcome out;

    if (run_cpu_count() < 2)
        return;
    run_ping_pong(&limit_line, &load, (struct placement){0, 1}, &out);
    for (int i = 0; out.status == RUN_OK && i < field->count; i++) {
        struct figure *line = &field->candidates[i].row->line;

        if (line->count < REPORT_MAX_ROUNDS)
            line->values[line->count++] = out.mean_trip * run_ns_per_tick() / 2;
    }
    run_free(&out);
}

void field_measure(struct field *field, const struct plan *plan,
                   field_measure_fn *one)
{
    for (int round = 0; round < plan->rounds; round++) {
        note_state(field);
        for (int i = 0; i < field->count; i++) {
            struct candidate *c = &field->candidates[i];

            if (c->row->status == RUN_OK || c->row->status == RUN_WRONG)
                one(c->row, c->transport);
        }
    }
}

static bool is_better(double value, double than, enum field_best best)
{
    return best == FIELD_LARGEST ? value > than : value < than;
}

void field_limit(struct field *field, const char *name, enum field_best best)
{
    struct figure limit = {.count = 0};

    for (int i = 0; i < field->count; i++) {
        const struct row *row = field->candidates[i].row;
        const struct figure *f = &row->figures[0];

        if (!(row->traits & TRAIT_LIMIT))
            continue;
        for (int k = 0; k < f->count; k++)
            if (k >= limit.count ||
                is_better(f->values[k], limit.values[k], best))
                limit.values[k] = f->values[k];
        if (f->count > limit.count)
            limit.count = f->count;
    }
    for (int i = 0; i < field->count; i++)
        report_limit(field->candidates[i].row, name, &limit);
}

void field_spare_sleepers(struct field *field)
{
    for (int i = 0; i < field->count; i++) {
        struct row *row = field->candidates[i].row;

        if (!(row->traits & TRAIT_SLEEPS))
            continue;
        row->load.trips = row->load.trips / SLEEPERS_SHARE + 1;
        row->load.warm_trips /= SLEEPERS_SHARE;
    }
}

static double trip_at(const struct outcome *out, double share)
{
    uint64_t i = (uint64_t)((double)(out->trip_count - 1) * share);

    return (double)out->trips[i] * run_ns_per_tick() / 2;
}

void field_trips(struct row *row, const struct transport *t)
{
    struct outcome out;

    run_ping_pong(t, &row->load, row->place, &out);
    report_status(row, &out);
    if (report_is_usable(&out)) {
        report_add(row, "mean_ns", out.mean_trip * run_ns_per_tick() / 2);
        report_add(row, "p50_ns", trip_at(&out, 0.5));
        report_add(row, "p99_ns", trip_at(&out, 0.99));
        report_add(row, "p99.9_ns", trip_at(&out, 0.999));
        report_add(row, "max_ns", trip_at(&out, 1));
    }
    run_free(&out);
}

void field_stream(struct row *row, const struct transport *t)
{
    struct outcome out;

    run_stream(t, &row->load, row->place, &out);
    report_status(row, &out);
    if (report_is_usable(&out)) {
        double rate = (double)out.received / out.seconds;

        report_add(row, "M_msg_s", rate / 1e6);
        report_add(row, "MB_s", rate * (double)row->load.size / 1e6);
        report_add(row, "ns_msg", 1e9 / rate);
    }
    run_free(&out);
}
