/* SPDX-License-Identifier: MIT */
#include "task.h"
#include <sys/mman.h>
#include <unistd.h>

struct result {
    const struct task *task;
    double value;
};

void task_enter(struct field *field, const struct task *task, const char *group)
{
    const struct load load = {
        .memory = task->memory, .producers = 1, .consumers = 1, .batch = 1};

    field_enter(field, &task->about, &load,
                (struct placement){task->cpu, task->cpu}, group);
}

void *task_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (memory == MAP_FAILED)
        _exit(1); /* of the task */
    return memory;
}

static int perform(void *shared)
{
    struct result *result = shared;

    result->value = result->task->measure(result->task);
    return 0;
}

void task_measure(struct row *row, const struct transport *about)
{
    static struct result *result;
    struct outcome outcome = {.status = RUN_OK};

    if (!result)
        result = task_memory(sizeof *result);
    result->task = (const void *)about; /* its first member */
    if (run_apart(perform, result, result->task->cpu) != 0)
        outcome.status = RUN_FAILED;
    else if (result->value < 0)
        outcome.status = RUN_UNAVAILABLE;
    else
        report_add(row, result->task->figure, result->value);
    report_status(row, &outcome);
}
