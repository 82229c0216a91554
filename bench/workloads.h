/* SPDX-License-Identifier: MIT */
#ifndef BENCH_WORKLOADS_H
#define BENCH_WORKLOADS_H

#include "plan.h"

struct workload {
    const char *name;
    const char *about;
    void (*run)(const struct plan *plan);
};

void workload_limits(const struct plan *plan);
void workload_latency(const struct plan *plan);
void workload_throughput(const struct plan *plan);
void workload_contention(const struct plan *plan);
void workload_broadcast(const struct plan *plan);
void workload_wake(const struct plan *plan);
void workload_rate(const struct plan *plan);
void workload_single(const struct plan *plan);
void workload_paced(const struct plan *plan);
void workload_memory(const struct plan *plan);
void workload_growth(const struct plan *plan);
void workload_lifecycle(const struct plan *plan);
void workload_recovery(const struct plan *plan);

#endif
