/* SPDX-License-Identifier: MIT */
#include "report.h"
#include <inttypes.h>
#include <stdio.h>

/* A label's value: quotes and backslashes are escaped; names have no line
 * ends. */
static void print_label(const char *name)
{
    fputs("{segment=\"", stdout);
    for (; *name; name++) {
        if (*name == '"' || *name == '\\')
            putchar('\\');
        putchar(*name);
    }
    putchar('"');
}

static void print_type(const char *metric, const char *type, const char *help)
{
    printf("# HELP shmipc_%s %s\n# TYPE shmipc_%s %s\n", metric, help, metric,
           type);
}

static void print_value(const struct report *report, const char *metric,
                        const char *more, uint64_t value)
{
    printf("shmipc_%s", metric);
    print_label(report->segment.name);
    printf("%s} %" PRIu64 "\n", more, value);
}

static void gauge(const struct report *report, const char *metric,
                  const char *help, uint64_t value)
{
    print_type(metric, "gauge", help);
    print_value(report, metric, "", value);
}

static void counter(const struct report *report, const char *metric,
                    const char *help, uint64_t value)
{
    print_type(metric, "counter", help);
    print_value(report, metric, "", value);
}

static void print_ring(const struct report *report)
{
    const struct inspection *in = &report->in;

    gauge(report, "capacity_bytes", "Bytes of all blocks.", in->capacity);
    gauge(report, "used_bytes", "Bytes between head and tail.", in->used);
    counter(report, "read_bytes_total",
            "Offset of the next entry to be read, bytes since creation.",
            in->head_offset);
    counter(report, "claimed_bytes_total",
            "Offset of the next entry to be written, bytes since creation.",
            in->tail_offset);
    counter(report, "entries_written_total",
            "Entries committed since creation.", in->entries_written);
    gauge(report, "entries_unread", "Committed entries that wait to be read.",
          report->walk.entries);
    gauge(report, "closed", "Whether the channel was closed.",
          in->is_closed || in->is_half_closed);
    gauge(report, "head_stuck",
          "Whether readers wait for an entry that is being written.",
          in->head == INSPECT_HEAD_BUSY);
    print_type("owners", "gauge", "Processes with an owner slot.");
    print_value(report, "owners", ",fate=\"lives\"", in->alive);
    print_value(report, "owners", ",fate=\"dead\"", in->dead);
    print_value(report, "owners", ",fate=\"unknown\"", in->unknown);
}

/* Each has a number, since pids of two namespaces can be equal. */
static void print_of_each(const struct report *report, const char *metric,
                          const char *type, const char *help,
                          uint64_t (*value)(const struct inspect_subscriber *))
{
    const struct inspection *in = &report->in;

    print_type(metric, type, help);
    for (uint32_t i = 0; i < in->subscriber_count; i++) {
        const struct inspect_owner *owner =
            inspect_find_owner(in, in->subscribers[i].owner);
        char more[96];

        snprintf(more, sizeof more,
                 ",number=\"%" PRIu32 "\",pid=\"%" PRIu32 "\",policy=\"%s\"", i,
                 owner ? owner->view.pid : 0,
                 subscribers_policy_name(in->subscribers[i].policy));
        print_value(report, metric, more, value(&in->subscribers[i]));
    }
}

static uint64_t lag_of(const struct inspect_subscriber *one)
{
    return one->lag;
}

static uint64_t lost_of(const struct inspect_subscriber *one)
{
    return one->lost;
}

static uint64_t pinned_of(const struct inspect_subscriber *one)
{
    return one->pinned;
}

static void print_subscribers(const struct report *report)
{
    if (report->in.ring.subscriber_count == 0)
        return;
    gauge(report, "subscribers", "Who has subscribed.",
          report->in.subscriber_count);
    gauge(report, "held_bytes",
          "Bytes that the slowest subscriber that writers wait for has not "
          "read.",
          report->in.held);
    print_of_each(report, "subscriber_lag_bytes", "gauge",
                  "Bytes from what it reads next to the newest.", lag_of);
    print_of_each(report, "subscriber_lost_bytes_total", "counter",
                  "Bytes that it did not get since it joined.", lost_of);
    print_of_each(report, "subscriber_pinned_bytes", "gauge",
                  "Bytes that it has pinned, which writers go round.",
                  pinned_of);
}

static uint64_t count(const struct report *report, enum finding_weight weight)
{
    uint64_t found = 0;

    for (size_t i = 0; i < report->findings.count; i++)
        found += report->findings.list[i].weight == weight;
    return found;
}

void report_print_prometheus(const struct report *report)
{
    gauge(report, "ring", "Whether the segment holds a ring of this layout.",
          report->in.kind == INSPECT_RING);
    gauge(report, "size_bytes", "Size of the segment as a file.",
          (uint64_t)report->segment.file.st_size);
    gauge(report, "users", "Processes that have it mapped, as far as is seen.",
          report->users);
    if (report->in.kind == INSPECT_RING) {
        print_ring(report);
        print_subscribers(report);
    }
    print_type("findings", "gauge", "What `shmipc stat` finds wrong.");
    print_value(report, "findings", ",weight=\"warning\"",
                count(report, FINDING_WARNING));
    print_value(report, "findings", ",weight=\"error\"",
                count(report, FINDING_ERROR));
}
