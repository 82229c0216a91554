/* SPDX-License-Identifier: MIT */
/*
 * How many messages fit into 1 MiB: into ours and into peers that take that
 * memory, and into what the kernel allows where it keeps them.
 */
#include "workloads.h"
#include "field.h"
#include "bare.h"

enum {
    UNBOUNDED = 4, /* times what can fit: there is no bound */
    BLOCK = 64,
    FIXED_BYTES = 4608, /* our header and 64 owner slots, and their alignment */
};

/* Beyond blocks of payload ours may take an eighth and what is fixed. Told
 * from messages of one block, of which none is lost at the end. */
static bool is_wasteful(const struct row *row)
{
    double blocks = (double)row->sent * BLOCK;

    return (row->traits & TRAIT_OURS) && row->load.size == BLOCK &&
           (double)row->load.memory > blocks * 1.125 + FIXED_BYTES;
}

/* What the kernel or a library keeps elsewhere has no share of the region. */
static bool is_in_region(const struct row *row)
{
    return !(row->traits & TRAIT_KERNEL);
}

static void report_messages(struct row *row, double messages)
{
    double memory = (double)row->load.memory;

    report_add(row, "messages", messages);
    if (!is_in_region(row))
        return;
    report_add(row, "bytes_msg", memory / messages);
    report_add(row, "payload_pct",
               100 * messages * (double)row->load.size / memory);
}

static void measure_exhaustion(struct row *row, const struct transport *t)
{
    struct outcome out;

    if (t->traits & TRAIT_WAITS_FOR_ROOM) {
        row->status = RUN_UNAVAILABLE;
        row->note = "waits for room, cannot be filled alone";
        return;
    }
    run_exhaust(t, &row->load, row->place, &out);
    report_status(row, &out);
    if (out.status == RUN_OK && out.sent == row->load.trips) {
        row->status = RUN_UNAVAILABLE;
        row->note = "knows no bound";
    } else if (out.status == RUN_OK && out.sent > 0) {
        report_messages(row, (double)out.sent);
    }
    if (out.status == RUN_OK && is_wasteful(row)) {
        row->status = RUN_FAILED;
        row->note = "takes more memory than it may";
    }
    run_free(&out);
}

static void memory_of(const struct plan *plan, size_t size)
{
    const struct load load = {.size = size,
                              .memory = FIELD_MEMORY,
                              .producers = 1,
                              .consumers = 1,
                              .batch = 1,
                              .trips = UNBOUNDED * (FIELD_MEMORY / size)};
    const struct plan once = {.rounds = 1, .only = plan->only};
    struct field field = {.workload = "memory"};
    char group[32];

    snprintf(group, sizeof group, "%zu bytes", size);
    field_enter_all(&field, plan, &load, (struct placement){-1, -1}, group);
    field_measure(&field, &once, measure_exhaustion);
    for (int i = 0; i < field.count; i++)
        if (is_in_region(field.candidates[i].row))
            report_limit_value(field.candidates[i].row, "1 MiB / size",
                               (double)FIELD_MEMORY / (double)size);
}

void workload_memory(const struct plan *plan)
{
    static const size_t sizes[] = {8, 16, 64, 100, 256, 1024, 4096, 65536};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (plan_wants_size(plan, sizes[i]))
            memory_of(plan, sizes[i]);
    report_print("memory");
}
