/* SPDX-License-Identifier: MIT */
/*
 * What messages between two processes cost on this machine, and what anything
 * would cost that moves lines between two CPUs and copies bytes.
 */
#ifndef SHMIPC_TOOLS_MEASURE_H
#define SHMIPC_TOOLS_MEASURE_H

#include "samples.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct measure {
    int cpus[2];      /* of the two processes; may be equal */
    bool one_one;     /* one producer, one consumer; else many */
    uint32_t spin_ns; /* as in IpcChannelConfiguration */
    size_t size;      /* of a message */
    size_t batch;     /* messages a call */
    size_t rounds;    /* of what is timed one by one */
    double seconds;   /* of what is timed as a whole */
};

struct measure_flow {
    double messages, bytes; /* a second */
};

/* For spin_ns: whoever waits polls. */
#define MEASURE_POLL UINT32_C(1000000000)

/* The first CPUs that this process may run on; how many there are, 1 or 2. */
int measure_find_cpus(int cpus[2]);
/* These return false, with a complaint, if it could not be measured. */

/* Limits are the best of several times, whatever else the machine does. ns that
 * a line takes to the other CPU: half of a round trip. */
bool measure_line(const struct measure *m, double *ns);
/* Bytes copied a second, from and to `size` bytes. */
bool measure_copy(const struct measure *m, double *rate);
/* ns from before a write to after its read by the other process: halves of
 * round trips. In order; samples->ns is to be freed. */
bool measure_latency(const struct measure *m, struct samples *samples);
/* The median of so many runs, which share the seconds. */
enum { MEASURE_FLOW_TIMES = 5 };
bool measure_throughput(const struct measure *m, struct measure_flow *flow);

#endif
