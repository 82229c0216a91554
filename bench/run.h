/* SPDX-License-Identifier: MIT */
/*
 * One run of one transport under one load, in processes of its own.
 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "transport.h"

enum { RUN_MAX_PARTIES = 64 };

/* CPUs of the parties that send, or ask, and of those that receive, or answer;
 * -1: where the kernel likes. */
struct placement {
    int senders;
    int receivers;
};

enum run_status {
    RUN_OK,
    RUN_WRONG,       /* messages were lost, torn, doubled or out of order */
    RUN_HUNG,        /* killed after the time limit */
    RUN_FAILED,      /* a call failed, or a process died */
    RUN_UNAVAILABLE, /* it could not be opened here */
};

struct outcome {
    enum run_status status;
    uint64_t sent, received, wrong, skipped;
    double seconds;        /* from the first party's start to the last's end */
    const uint64_t *trips; /* ticks, sorted; until run_free() */
    uint64_t trip_count;
    double mean_trip; /* ticks, as stat_mean() */
    void *stage;      /* run.c's */
    size_t stage_size;
};

/* Measures the clock; first of all. */
void run_prepare(void);
double run_ns_per_tick(void);
/* What two looks at the clock cost, which is taken off every round trip. */
uint64_t run_clock_ticks(void);
int run_cpu_count(void);
/* Keeps this process on the CPU of that number among those that the program may
 * use; -1: does nothing. */
void run_use_cpu(int index);

const char *run_status_name(enum run_status status);

/* Load's producers send until its time is over; consumers take all. */
void run_stream(const struct transport *t, const struct load *load,
                struct placement place, struct outcome *out);
/* Two parties send one message to and fro. */
void run_ping_pong(const struct transport *t, const struct load *load,
                   struct placement place, struct outcome *out);
/* One party sends to itself; trips are of LOOP_SENDS_PER_CLOCK messages. */
void run_alone(const struct transport *t, const struct load *load,
               struct placement place, struct outcome *out);
/* One party sends until there is no room, or load->trips messages. */
void run_exhaust(const struct transport *t, const struct load *load,
                 struct placement place, struct outcome *out);
void run_free(struct outcome *out);

/* Lets `task` run in a process of its own on that CPU (-1: any), in a process
 * group of its own, with `shared`, which has to be shared memory, and ends
 * what it leaves behind. 0, or what the task returned; -1: it died or hung. */
int run_apart(int (*task)(void *shared), void *shared, int cpu);
/* Whether the transport can carry such a load at all. */
bool run_is_possible(const struct transport *t, const struct load *load);

#endif
