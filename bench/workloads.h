/* SPDX-License-Identifier: MIT */
#ifndef BENCH_WORKLOADS_H
#define BENCH_WORKLOADS_H

#include "report.h"
#include "transports.h"

/* What the command line asked for. */
struct plan {
    int rounds;
    double seconds;   /* of one run */
    uint64_t trips;   /* of one ping-pong */
    const char *only; /* part of a transport's name, or NULL */
    size_t size;      /* only messages of this size, or 0 */
};

struct workload {
    const char *name;
    const char *about;
    void (*run)(const struct plan *plan);
};

void workload_limits(const struct plan *plan);
void workload_latency(const struct plan *plan);
void workload_throughput(const struct plan *plan);
void workload_contention(const struct plan *plan);
void workload_wake(const struct plan *plan);
void workload_single(const struct plan *plan);
void workload_paced(const struct plan *plan);
void workload_memory(const struct plan *plan);
void workload_growth(const struct plan *plan);
void workload_lifecycle(const struct plan *plan);
void workload_recovery(const struct plan *plan);

/* Whether the command line wants this transport (limits always). */
bool plan_wants(const struct plan *plan, const struct transport *t);
bool plan_wants_size(const struct plan *plan, size_t size);

#endif
