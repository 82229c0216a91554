/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "report.h"
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

static void add(struct json_object *to, const char *key,
                struct json_object *value)
{
    json_object_object_add(to, key, value);
}

static void add_number(struct json_object *to, const char *key, uint64_t value)
{
    add(to, key, json_object_new_uint64(value));
}

static void add_text(struct json_object *to, const char *key, const char *text)
{
    add(to, key, text ? json_object_new_string(text) : NULL);
}

static void add_flag(struct json_object *to, const char *key, bool value)
{
    add(to, key, json_object_new_boolean(value));
}

static void add_format(struct json_object *to, const char *key,
                       const char *format, uint64_t value)
{
    char text[32];

    /* Chosen by ourselves, from the few below. */
    if (*format == 'o')
        snprintf(text, sizeof text, "%04" PRIo64, value);
    else
        snprintf(text, sizeof text, "0x%016" PRIx64, value);
    add_text(to, key, text);
}

static void add_file(struct json_object *to, const struct report *report)
{
    const struct segment *s = &report->segment;
    char number[24];

    add_text(to, "name", s->name);
    add_text(to, "kind", inspect_kind_name(report->in.kind));
    add_number(to, "size", (uint64_t)s->file.st_size);
    add_format(to, "mode", "o", s->file.st_mode & 07777);
    add_number(to, "uid", s->file.st_uid);
    add_text(to, "owner", segment_owner(s->file.st_uid, number));
    if (inspect_is_ours(&report->in))
        add_number(to, "layout_version", report->in.layout_version);
}

static struct json_object *make_configuration(const struct inspection *in)
{
    struct json_object *to = json_object_new_object();
    uint64_t largest =
        in->capacity < SHMIPC_ENTRY_MAX ? in->capacity : SHMIPC_ENTRY_MAX;

    add_flag(to, "one_producer", in->ring.one_producer);
    add_flag(to, "one_consumer", in->ring.one_consumer);
    add_flag(to, "knows_consumers",
             in->ring.readers_enter && !in->ring.one_consumer);
    add_flag(to, "broadcast", in->ring.subscriber_count > 0);
    add_number(to, "capacity", in->capacity);
    add_number(to, "max_entry_size", largest);
    add_number(to, "max_owners", in->ring.owners.count);
    add_number(to, "max_subscribers", in->ring.subscriber_count);
    return to;
}

static struct json_object *make_head(const struct inspection *in)
{
    struct json_object *to = json_object_new_object();

    add_text(to, "state", inspect_head_name(in->head));
    if (in->ends_are_true)
        add_number(to, "offset", in->head_offset);
    if (in->head == INSPECT_HEAD_READY)
        add_number(to, "entry_size", in->view.size);
    if (in->head == INSPECT_HEAD_BUSY) {
        const struct inspect_owner *owner =
            inspect_find_owner(in, control_value(in->view.word));

        add_number(to, "entry_offset", in->stuck_offset);
        if (owner)
            add_number(to, "writer_pid",
                       owner->pid_here ? (uint64_t)owner->pid_here
                                       : owner->view.pid);
    }
    if (in->head == INSPECT_HEAD_DAMAGED)
        add_format(to, "word", "x", in->view.word);
    return to;
}

static struct json_object *make_entries(const struct report *report)
{
    struct json_object *to = json_object_new_object();
    const struct inspect_walk *walk = &report->walk;

    add_number(to, "written", report->in.entries_written);
    add_number(to, "unread", walk->entries);
    add_number(to, "unread_bytes", walk->bytes);
    add_number(to, "being_written", walk->claims);
    add_number(to, "given_up", walk->dead_claims + walk->gaps);
    add_flag(to, "all_counted", walk->is_whole);
    return to;
}

static struct json_object *make_rates(const struct report_rates *rates)
{
    struct json_object *to;

    if (!rates->are_known)
        return NULL;
    to = json_object_new_object();
    add(to, "seconds", json_object_new_double(rates->seconds));
    add(to, "entries_per_second", json_object_new_double(rates->entries));
    add(to, "written_bytes_per_second", json_object_new_double(rates->written));
    add(to, "read_bytes_per_second", json_object_new_double(rates->read));
    return to;
}

static void add_process(struct json_object *to, const struct proc *proc)
{
    if (!proc->is_there)
        return;
    add_text(to, "command", proc->name);
    add_text(to, "state", proc_state_text(proc->state));
    add_flag(to, "is_stopped", proc_is_stopped(proc));
    if (proc->rests != UINT64_MAX)
        add_number(to, "rests_ns", proc->rests);
}

static const char *fate_name(enum owner_fate fate)
{
    return fate == OWNER_LIVES     ? "lives"
           : fate == OWNER_IS_DEAD ? "dead"
                                   : "unknown";
}

static struct json_object *make_owners(const struct inspection *in)
{
    struct json_object *array = json_object_new_array();

    for (uint32_t i = 0; i < in->owner_count; i++) {
        const struct inspect_owner *owner = &in->owners[i];
        struct json_object *to = json_object_new_object();

        add_number(to, "pid", owner->view.pid);
        add_number(to, "pid_namespace", owner->pid_namespace);
        add_flag(to, "is_here", owner->is_here);
        add(to, "pid_here",
            owner->pid_here ? json_object_new_int64(owner->pid_here) : NULL);
        add_text(to, "fate", fate_name(owner->view.fate));
        add_process(to, &owner->proc);
        add_flag(to, "writes", owner->view.marks & OWNER_PRODUCES);
        add_flag(to, "reads", owner->view.marks & OWNER_CONSUMES);
        add_flag(to, "is_one_producer", owner->is_producer);
        add_flag(to, "is_one_consumer", owner->is_consumer);
        add_flag(to, "is_locked", owner->view.locked);
        add_number(to, "handles", owner->view.handles);
        add_number(to, "since_ns", owner->view.since);
        add_number(to, "entries_written", owner->view.written);
        json_object_array_add(array, to);
    }
    return array;
}

static struct json_object *make_subscribers(const struct inspection *in)
{
    struct json_object *array = json_object_new_array();

    for (uint32_t i = 0; i < in->subscriber_count; i++) {
        const struct inspect_subscriber *one = &in->subscribers[i];
        const struct inspect_owner *owner = inspect_find_owner(in, one->owner);
        struct json_object *to = json_object_new_object();

        add_number(to, "pid", owner ? owner->view.pid : 0);
        add(to, "pid_here",
            owner && owner->pid_here ? json_object_new_int64(owner->pid_here)
                                     : NULL);
        add_text(to, "command",
                 owner && owner->proc.is_there ? owner->proc.name : NULL);
        add_text(to, "fate", owner ? fate_name(owner->view.fate) : "unknown");
        add_text(to, "state", subscribers_state_name(one->state));
        add_text(to, "policy", subscribers_policy_name(one->policy));
        add_number(to, "since_ns", one->since);
        add_number(to, "offset", one->offset);
        add_number(to, "lag_bytes", one->lag);
        add_number(to, "lost_bytes", one->lost);
        add_number(to, "pinned_bytes", one->pinned);
        add_number(to, "pinned_offset", one->pinned_offset);
        add_number(to, "pinned_since_ns", one->pinned_since);
        add_flag(to, "is_slowest", one == in->slowest && one->lag > 0);
        json_object_array_add(array, to);
    }
    return array;
}

static struct json_object *make_users(const struct report *report)
{
    struct json_object *array = json_object_new_array();

    for (size_t i = 0; i < report->users; i++) {
        const struct proc_use *use = &report->uses.list[i];
        struct json_object *to = json_object_new_object();
        struct proc proc;

        proc_look(use->pid, &proc);
        add_number(to, "pid", (uint64_t)use->pid);
        add_process(to, &proc);
        add_flag(to, "has_it_mapped", use->address != 0);
        add_flag(to, "has_it_locked", use->is_locked);
        add_text(to, "sleeps", report_sleeps(report, use));
        json_object_array_add(array, to);
    }
    return array;
}

static void add_ring(struct json_object *to, const struct report *report)
{
    const struct inspection *in = &report->in;

    add(to, "configuration", make_configuration(in));
    add_format(to, "creation", "x", in->ring.creation);
    add_flag(to, "is_closed", in->is_closed);
    add(to, "head", make_head(in));
    if (in->ends_are_true)
        add_number(to, "tail_offset", in->tail_offset);
    add_number(to, "used", in->used);
    add_number(to, "held", in->held);
    add(to, "entries", make_entries(report));
    add(to, "rates", make_rates(&report->rates));
    add_flag(to, "readers_may_sleep", in->readers_sleep != 0);
    add_flag(to, "writers_may_sleep", in->writers_sleep != 0);
    add(to, "subscribers", make_subscribers(in));
    add(to, "owners", make_owners(in));
}

void report_print_json(const struct report *report, bool in_one_line)
{
    struct json_object *to = json_object_new_object();

    add_file(to, report);
    if (report->in.kind == INSPECT_RING)
        add_ring(to, report);
    add(to, "users", make_users(report));
    add_number(to, "hidden_processes", report->uses.hidden);
    add(to, "findings", finding_to_json(&report->findings));
    command_print_json(to, in_one_line);
}
