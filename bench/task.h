/* SPDX-License-Identifier: MIT */
/*
 * Something to be measured that is no transport: a call, or what happens after
 * a death. A task runs in a process of its own, once a round.
 */
#ifndef BENCH_TASK_H
#define BENCH_TASK_H

#include "field.h"

struct task {
    struct transport about; /* name, note and traits only */
    const char *figure;
    /* The figure's value, or less than 0 if it could not be had. */
    double (*measure)(const struct task *task);
    const void *of; /* the measuring function's */
    size_t memory;
    int cpu; /* -1: any */
};

/* Enters a task into a field, to be measured by task_measure(). */
void task_enter(struct field *field, const struct task *task,
                const char *group);
void task_measure(struct row *row, const struct transport *about);

/* Memory that a task's processes share, zeroed; until the task ends. */
void *task_memory(size_t size);

#endif
