/* SPDX-License-Identifier: MIT */
/*
 * shmipc tap: what goes through a channel to standard output, and nobody
 * notices.
 */
#include "message_put.h"
#include "stop.h"
#include "tapping.h"
#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct tap {
    struct tapping tapping;
    struct output output;
    enum framing framing;
};

static int put_message(void *user, const IpcEntry *message)
{
    struct tap *t = user;

    return message_put(&t->output, t->framing, message) ? TAPPING_GO_ON
                                                        : COMMAND_FAILED;
}

static int put_gap(void *user, uint64_t offset, uint64_t bytes, bool passed)
{
    struct tap *t = user;
    struct json_object *object;
    const char *line;
    bool done;

    if (t->framing != FRAMING_JSON) {
        command_complain("%s: %llu bytes %s", t->tapping.name,
                         (unsigned long long)bytes,
                         passed ? "were passed that are being written"
                                : "were overwritten before they were seen");
        return TAPPING_GO_ON;
    }
    object = json_object_new_object();
    json_object_object_add(object, "offset", json_object_new_uint64(offset));
    json_object_object_add(object, passed ? "passed" : "lost",
                           json_object_new_uint64(bytes));
    line = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
    done = output_put(&t->output, line, strlen(line)) &&
           output_put(&t->output, "\n", 1);
    json_object_put(object);
    return done ? TAPPING_GO_ON : COMMAND_FAILED;
}

static int flush(void *user)
{
    struct tap *t = user;

    /* Nobody would see what comes. */
    if (output_is_deserted(&t->output))
        output_fail(&t->output, EPIPE);
    return output_flush(&t->output) ? TAPPING_GO_ON : COMMAND_FAILED;
}

static const struct command_option options[] = {
    {'f', "framing", "FORM",
     "how messages are written: lines (the default), length, bytes or json"},
    TAPPING_OPTIONS,
    {'p', "progress", NULL, "show how much and how fast, on a terminal"},
    {'j', "json", NULL, "the same as --framing=json"},
    {0},
};

static const struct command_help help = {
    .name = "tap",
    .operands = "NAME",
    .summary = "Writes what goes through a channel to standard output, and "
               "takes nothing",
    .text =
        "Others read each message as ever, and nobody waits for this command, "
        "or\nnotices it. What it did not see within a lap of the ring is "
        "overwritten: how\nmany bytes is told on standard error, or with "
        "--json as an object of its own.\n\n"
        "FORM is as for `shmipc recv`.\n\n"
        "A message that is being written holds it up. If its process is "
        "stopped or dead,\nnobody but the channel's readers can remove it; "
        "--past goes past it.\n",
    .options = options,
    .exits = "  0  the channel was closed, or all that was asked for was seen\n"
             "  1  the same, but some was overwritten before, or passed\n"
             "  3  the output cannot be written, or it is no channel\n"
             "  4  there is nothing of that name\n"
             "  6  no message came in time\n"
             "  7  the channel was closed before N messages came\n",
};

static void set_option(struct tap *t, const struct command_scan *scan, int id)
{
    if (tapping_set_option(&t->tapping, scan, id))
        return;
    if (id == 'p')
        t->tapping.show_progress = true;
    else if (id == 'j')
        t->framing = FRAMING_JSON;
    else if (!framing_parse(scan->value, &t->framing) ||
             t->framing == FRAMING_WHOLE)
        command_refuse_value(scan);
}

static int complain_output(const struct tap *t)
{
    if (t->output.error == EPIPE)
        stop_by_broken_pipe();
    command_complain("cannot write to standard output: %s",
                     strerror(t->output.error));
    return COMMAND_FAILED;
}

static int run(struct tap *t)
{
    int code;

    if (!stop_arm())
        return COMMAND_FAILED;
    signal(SIGPIPE, SIG_IGN);
    if (!output_open(&t->output, STDOUT_FILENO)) {
        command_complain("no memory");
        return COMMAND_FAILED;
    }
    code = tapping_open(&t->tapping);
    if (code == COMMAND_OK)
        code = tapping_code(&t->tapping, tapping_run(&t->tapping));
    tapping_close(&t->tapping);
    if (!output_flush(&t->output))
        code = complain_output(t);
    output_close(&t->output);
    return stop_finish(code);
}

int command_tap(int argc, char **argv)
{
    static struct tap t = {.tapping = {.verb = "seen",
                                       .message = put_message,
                                       .gap = put_gap,
                                       .caught_up = flush}};
    struct command_scan scan;
    int id;

    t.tapping.user = &t;
    tapping_begin(&t.tapping);
    command_begin(&scan, &help, argc, argv);
    while ((id = command_next(&scan)) != -1)
        set_option(&t, &scan, id);
    t.tapping.name = command_operands(&scan, 1, 1)[0];
    return run(&t);
}
