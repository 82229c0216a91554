/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "report.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct command_option options[] = {
    {'y', "yes", NULL, "do it; without it only what it would do is said"},
    {'f', "force", NULL,
     "also remove owners that nobody here can judge, as those of another pid "
     "namespace: you vouch that they are dead"},
    COMMAND_JSON_OPTION,
    {0},
};

static const struct command_help help = {
    .name = "recover",
    .operands = "NAME",
    .summary = "Removes what dead processes left in the way of a channel's "
               "readers",
    .text =
        "Claims that were never committed, and a closing that was not "
        "finished. "
        "Nothing\nthat was committed is lost. A channel's readers do the same "
        "by themselves when\nthey wait; this is for channels where none does. "
        "What a living process is\nwriting stays: stopped ones go on by `kill "
        "-CONT`.\n\nWith --force the entry of a process that lives after all, "
        "and those behind it, can\nbe torn.\n",
    .options = options,
    .exits = "  0  there is nothing to recover, or it was done\n"
             "  1  there is something, and --yes was not given\n"
             "  3  it cannot be read or written, or is no ring\n"
             "  4  there is nothing of that name\n"
             "  5  a process that lives, or may, is in the way\n",
};

struct request {
    const char *name;
    bool yes, force, as_json;
};

struct outcome {
    uint64_t claims, owners; /* that are, or would be, removed */
    bool finishes_closing;
    bool is_stuck;    /* ... still, at an entry that somebody is writing */
    char *in_the_way; /* who that is; or NULL */
};

static void plan(const struct request *q, const struct report *report,
                 struct outcome *o)
{
    const struct inspection *in = &report->in;

    o->claims = report->walk.at_head;
    o->owners = q->force ? in->unknown : 0;
    o->finishes_closing = in->is_half_closed;
    o->is_stuck = false;
    if (in->head == INSPECT_HEAD_BUSY) {
        const struct inspect_owner *owner =
            inspect_find_owner(in, control_value(in->view.word));

        if (owner && owner->view.fate == OWNER_UNKNOWN && q->force) {
            o->claims++;
        } else if (owner && owner->view.fate != OWNER_IS_DEAD) {
            o->is_stuck = true;
            free(o->in_the_way);
            o->in_the_way = judge_who(owner);
        }
    }
}

static bool has_work(const struct outcome *o)
{
    return o->claims || o->owners || o->finishes_closing;
}

/* ------------------------------------------------------------------ doing it
 */

static int complain(const char *name, const char *what, const char *why)
{
    command_complain("%s: %s: %s", name, what, why);
    return COMMAND_FAILED;
}

static int recover_channel(const struct request *q, IpcChannel *channel,
                           struct outcome *o)
{
    IpcChannelRecoverResult done = ipc_channel_recover(channel, q->force);

    /* It has removed what came before. */
    if (done.ipc_status == IPC_ERR_NOT_READY)
        return COMMAND_OK;
    if (IpcChannelRecoverResult_is_error(done))
        return complain(q->name, ipc_status_name(done.ipc_status),
                        done.error.detail);
    o->claims = done.result;
    return COMMAND_OK;
}

static int recover_memory(const struct request *q, void *memory, size_t size,
                          int fd, struct outcome *o)
{
    IpcChannelConfiguration configuration =
        IPC_CHANNEL_CONFIGURATION(1, 1000, 1000);
    IpcChannelConnectResult joined;
    int code;

    /* With the file, for proofs of death by its locks. */
    configuration.options = IPC_CHANNEL_HAS_MEMORY_FD;
    configuration.memory_fd = fd;
    joined = ipc_channel_connect_sized(memory, size, configuration);
    if (IpcChannelConnectResult_is_error(joined))
        return complain(q->name, ipc_status_name(joined.ipc_status),
                        joined.error.detail);
    code = recover_channel(q, joined.result, o);
    ipc_channel_destroy(joined.result);
    return code;
}

/* The file that was looked at, and no other that may have its name by now. */
static int recover_file(const struct request *q, const struct segment *s,
                        struct outcome *o)
{
    char path[32];
    void *memory;
    int fd, code;

    snprintf(path, sizeof path, "/proc/self/fd/%d", s->fd);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return complain(q->name, "it cannot be opened for writing",
                        strerror(errno));
    memory = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        code = complain(q->name, "it cannot be mapped for writing",
                        strerror(errno));
    } else {
        code = recover_memory(q, memory, s->size, fd, o);
        munmap(memory, s->size);
    }
    close(fd);
    return code;
}

/* ------------------------------------------------------------------- telling
 */

static void tell_as_json(const struct request *q, const struct outcome *o)
{
    struct json_object *to = json_object_new_object();

    json_object_object_add(to, "name", json_object_new_string(q->name));
    json_object_object_add(to, "was_done", json_object_new_boolean(q->yes));
    json_object_object_add(to, "claims", json_object_new_uint64(o->claims));
    json_object_object_add(to, "owners", json_object_new_uint64(o->owners));
    json_object_object_add(to, "finishes_closing",
                           json_object_new_boolean(o->finishes_closing));
    json_object_object_add(to, "in_the_way",
                           o->in_the_way ? json_object_new_string(o->in_the_way)
                                         : NULL);
    command_print_json(to, false);
}

static void tell_owners(const struct report *report, const char *will)
{
    for (uint32_t i = 0; i < report->in.owner_count; i++) {
        const struct inspect_owner *owner = &report->in.owners[i];
        char *who = owner->view.fate == OWNER_UNKNOWN ? judge_who(owner) : NULL;

        if (who)
            printf("%s forced out: %s\n", will, who);
        free(who);
    }
}

static void tell(const struct request *q, const struct report *report,
                 const struct outcome *o)
{
    const char *will = q->yes ? "was" : "would be";

    if (q->as_json) {
        tell_as_json(q, o);
        return;
    }
    if (o->claims)
        printf("%s: %" PRIu64 " claim%s of dead processes %s removed\n",
               q->name, o->claims, o->claims == 1 ? "" : "s",
               q->yes && o->claims != 1 ? "were" : will);
    if (o->finishes_closing)
        printf("%s: the closing %s finished\n", q->name, will);
    if (o->owners)
        tell_owners(report, will);
    if (!has_work(o))
        printf("%s: there is nothing to recover\n", q->name);
    if (o->in_the_way)
        printf("%s: %s is writing at the head, and is not dead for all that is "
               "known\n",
               q->name, o->in_the_way);
    if (has_work(o) && !q->yes)
        puts("Nothing was done: --yes does it.");
}

/* One that the library cannot judge and we see: force would tear what it is
 * writing. */
static const struct inspect_owner *find_living(const struct inspection *in)
{
    for (uint32_t i = 0; i < in->owner_count; i++)
        if (in->owners[i].view.fate == OWNER_UNKNOWN &&
            in->owners[i].proc.is_there)
            return &in->owners[i];
    return NULL;
}

static int refuse_force(const struct request *q,
                        const struct inspect_owner *living)
{
    char *who = judge_who(living);

    command_complain("%s: %s lives, and --force would remove it as well: end "
                     "it first",
                     q->name, who ? who : "an owner");
    free(who);
    return COMMAND_REFUSED;
}

static int recover(const struct request *q, struct report *report)
{
    const struct inspect_owner *living = find_living(&report->in);
    struct outcome o = {0};
    int code = COMMAND_OK;

    if (report->in.kind != INSPECT_RING) {
        finding_print(&report->findings, "");
        return complain(q->name, "nothing to recover", "it is no ring");
    }
    if (q->force && living)
        return refuse_force(q, living);
    plan(q, report, &o);
    if (q->yes && has_work(&o))
        code = recover_file(q, &report->segment, &o);
    if (code == COMMAND_OK)
        tell(q, report, &o);
    if (code == COMMAND_OK && has_work(&o) && !q->yes)
        code = COMMAND_FOUND;
    else if (code == COMMAND_OK && o.is_stuck)
        code = COMMAND_REFUSED;
    free(o.in_the_way);
    return code;
}

int command_recover(int argc, char **argv)
{
    struct request q = {0};
    struct command_scan scan;
    struct report report;
    struct report_past past = {0};
    int error, code;

    command_begin(&scan, &help, argc, argv);
    for (int id; (id = command_next(&scan)) != -1;) {
        q.yes |= id == 'y';
        q.force |= id == 'f';
        q.as_json |= id == 'j';
    }
    q.name = command_operands(&scan, 1, 1)[0];
    error = report_open(&report, q.name, &past);
    if (error)
        return command_complain_of(q.name, error);
    q.name = report.segment.name;
    code = recover(&q, &report);
    report_close(&report);
    return command_finish(code);
}
