/* SPDX-License-Identifier: MIT */
/*
 * shmipc perf: what messages cost on this machine, beside its limits.
 */
#include "command.h"
#include "measure.h"
#include "style.h"
#include <json-c/json.h>
#include <shmipc/ipc_channel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIZE_DEFAULT = 64,
    SIZE_MAX_HERE = 16 << 20,
    POLLED_ROUNDS = 200 * 1000,
    ASLEEP_ROUNDS = 10 * 1000,
    BATCH = 64,
    LARGE = 64 << 10,
    HOT_COPY = 64 << 10,
    COLD_COPY = 64 << 20,
};

struct perf {
    struct measure plan; /* what all have in common */
    int cpus;            /* different ones */
    bool json;
    struct json_object *report;
};

/* -------------------------------------------------------------- limits */

static void report_number(struct json_object *to, const char *name,
                          double value)
{
    json_object_object_add(to, name, json_object_new_double(value));
}

static bool tell_copy(const struct perf *p, struct json_object *limits,
                      size_t size, const char *text, const char *name)
{
    struct measure m = p->plan;
    double rate;

    m.size = size;
    if (!measure_copy(&m, &rate))
        return false;
    report_number(limits, name, rate);
    if (!p->json)
        printf("  %-34s %8.2f GB/s\n", text, rate / 1e9);
    return true;
}

static bool tell_limits(const struct perf *p)
{
    struct json_object *limits = json_object_new_object();
    double ns;

    json_object_object_add(p->report, "limits", limits);
    if (!p->json)
        printf("Limits of this machine, CPUs %d and %d\n", p->plan.cpus[0],
               p->plan.cpus[1]);
    if (p->cpus == 2) {
        if (!measure_line(&p->plan, &ns))
            return false;
        report_number(limits, "line_ns", ns);
        if (!p->json)
            printf("  %-34s %8.0f ns\n", "a cache line to the other CPU", ns);
    }
    return tell_copy(p, limits, HOT_COPY, "memcpy, 64 KiB in the cache",
                     "memcpy_hot_bytes_per_second") &&
           tell_copy(p, limits, COLD_COPY, "memcpy, 64 MiB in memory",
                     "memcpy_cold_bytes_per_second");
}

/* ------------------------------------------------------------- latency */

static void print_latency(const char *text, const struct samples *s)
{
    printf("\nLatency, one way, %s (%zu samples)\n  min %llu ns, p50 %llu, "
           "p90 %llu, p99 %llu, p99.9 %llu, max %llu\n",
           text, s->count, (unsigned long long)samples_quantile(s, 0),
           (unsigned long long)samples_quantile(s, 0.5),
           (unsigned long long)samples_quantile(s, 0.9),
           (unsigned long long)samples_quantile(s, 0.99),
           (unsigned long long)samples_quantile(s, 0.999),
           (unsigned long long)samples_quantile(s, 1));
    samples_draw(s, stdout, style_width(stdout));
}

static bool tell_latency(const struct perf *p, struct json_object *latency,
                         bool sleeps, bool one_one, const char *text,
                         const char *name)
{
    struct measure m = p->plan;
    struct samples s;
    bool good;

    m.spin_ns = sleeps ? IPC_CHANNEL_NO_SPIN : MEASURE_POLL;
    m.one_one = one_one;
    m.rounds = sleeps ? ASLEEP_ROUNDS : POLLED_ROUNDS;
    if (p->plan.rounds)
        m.rounds = p->plan.rounds;
    good = measure_latency(&m, &s);
    if (good) {
        json_object_object_add(latency, name, samples_to_json(&s));
        if (!p->json)
            print_latency(text, &s);
    }
    free(s.ns);
    return good;
}

static bool tell_latencies(const struct perf *p)
{
    struct json_object *latency = json_object_new_object();

    json_object_object_add(p->report, "latency", latency);
    if (p->cpus == 2 &&
        !(tell_latency(p, latency, false, true,
                       "reader polls, one producer and one consumer",
                       "polled_one_one") &&
          tell_latency(p, latency, false, false,
                       "reader polls, many producers and consumers",
                       "polled_many_many")))
        return false;
    return tell_latency(p, latency, true, false,
                        "reader sleeps, many producers and consumers",
                        "asleep_many_many");
}

/* ---------------------------------------------------------- throughput */

static bool tell_flow(const struct perf *p, struct json_object *flows,
                      bool one_one, size_t size, size_t batch)
{
    struct measure m = p->plan;
    struct json_object *o;
    struct measure_flow flow;

    m.one_one = one_one;
    m.size = size;
    m.batch = batch;
    if (!measure_throughput(&m, &flow))
        return false;
    o = json_object_new_object();
    json_object_object_add(o, "size", json_object_new_uint64(size));
    json_object_object_add(o, "batch", json_object_new_uint64(batch));
    json_object_object_add(o, "one_one", json_object_new_boolean(one_one));
    report_number(o, "messages_per_second", flow.messages);
    report_number(o, "bytes_per_second", flow.bytes);
    json_object_array_add(flows, o);
    if (!p->json)
        printf("  %8zu bytes, %2zu a call, %-9s %8.2f M messages/s %8.2f "
               "GB/s\n",
               size, batch, one_one ? "one/one" : "many/many",
               flow.messages / 1e6, flow.bytes / 1e9);
    return true;
}

static bool tell_flows(const struct perf *p)
{
    struct json_object *flows = json_object_new_array();
    const size_t size = p->plan.size;

    json_object_object_add(p->report, "throughput", flows);
    if (!p->json)
        printf("\nThroughput\n");
    for (int one_one = 1; one_one >= 0; one_one--)
        if (!tell_flow(p, flows, one_one, size, 1) ||
            !tell_flow(p, flows, one_one, size, BATCH) ||
            (size < LARGE && !tell_flow(p, flows, one_one, LARGE, 1)))
            return false;
    return true;
}

/* --------------------------------------------------------------- caveats */

/* What makes the figures other than they could be. */
static void tell_conditions(const struct perf *p)
{
    double load[1];

    if (getloadavg(load, 1) == 1) {
        report_number(p->report, "load_average", load[0]);
        if (!p->json && load[0] > p->cpus)
            printf("note: the load average is %.1f: other programs use these "
                   "CPUs as well\n",
                   load[0]);
    }
    if (!p->json && p->cpus == 1)
        printf("note: there is one CPU for both processes, so nothing polls, "
               "and no line moves\n");
}

/* -------------------------------------------------------------- options */

enum { OPTION_SECONDS = 256, OPTION_ROUNDS };

static const struct command_option options[] = {
    {'s', "size", "SIZE", "bytes of a message (64)"},
    {OPTION_ROUNDS, "rounds", "N",
     "round trips for each latency (200000, or 10000 with a sleeping reader)"},
    {OPTION_SECONDS, "seconds", "TIME",
     "for each throughput, over five runs of which the median counts (1s)"},
    COMMAND_JSON_OPTION,
    {0},
};

static const struct command_help help = {
    .name = "perf",
    .operands = "",
    .summary = "Measures latency and throughput of this machine, beside its "
               "limits",
    .text =
        "Two processes on two CPUs exchange messages over a channel of their "
        "own.\nLatency is half of a round trip, from before the write to after "
        "the read, with\na reading of the clock. Every one is kept: "
        "percentiles "
        "are times that occurred.\n",
    .options = options,
    .exits = "  0  all was measured\n"
             "  3  a call failed\n",
};

static void set_option(struct perf *p, const struct command_scan *scan, int id)
{
    uint64_t number = 0;
    bool good = true;

    switch (id) {
    case 's':
        good = command_parse_size(scan->value, &number) && number > 0 &&
               number <= SIZE_MAX_HERE;
        p->plan.size = (size_t)number;
        break;
    case OPTION_ROUNDS:
        good = command_parse_count(scan->value, &number) && number > 0 &&
               number <= 100 * 1000 * 1000;
        p->plan.rounds = (size_t)number;
        break;
    case OPTION_SECONDS:
        good = command_parse_duration(scan->value, &number) && number > 0;
        p->plan.seconds = (double)number / 1e9;
        break;
    case 'j':
        p->json = true;
        break;
    }
    if (!good)
        command_refuse_value(scan);
}

int command_perf(int argc, char **argv)
{
    struct perf p = {.plan = {.size = SIZE_DEFAULT, .seconds = 1}};
    struct command_scan scan;
    bool good;
    int id;

    command_begin(&scan, &help, argc, argv);
    while ((id = command_next(&scan)) != -1)
        set_option(&p, &scan, id);
    command_operands(&scan, 0, 0);
    p.cpus = measure_find_cpus(p.plan.cpus);
    p.report = json_object_new_object();
    tell_conditions(&p);
    json_object_object_add(p.report, "size",
                           json_object_new_uint64(p.plan.size));
    good = tell_limits(&p) && tell_latencies(&p) && tell_flows(&p);
    if (p.json && good)
        command_print_json(p.report, false);
    else
        json_object_put(p.report);
    return command_finish(good ? COMMAND_OK : COMMAND_FAILED);
}
