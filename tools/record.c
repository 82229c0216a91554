/* SPDX-License-Identifier: MIT */
/*
 * shmipc record: what goes through a channel, into a file that replay reads.
 */
#include "output.h"
#include "recording.h"
#include "stop.h"
#include "tapping.h"
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct record {
    struct tapping tapping;
    struct output output;
    struct recording_header header;
    const char *path; /* of --output, or NULL */
    uint64_t rotate;  /* bytes of a part; 0: all in one */
    uint64_t keep;    /* so many parts; 0: all */
    uint64_t written; /* bytes of this part */
    uint64_t started; /* ns of the monotonic clock */
    bool json;
};

static uint64_t wall_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ------------------------------------------------------------------ parts */

static bool path_of_part(const struct record *r, uint64_t part,
                         char to[PATH_MAX])
{
    int length = r->rotate ? snprintf(to, PATH_MAX, "%s.%06llu", r->path,
                                      (unsigned long long)part)
                           : snprintf(to, PATH_MAX, "%s", r->path);

    return length > 0 && length < PATH_MAX;
}

static int open_part(const struct record *r)
{
    char path[PATH_MAX];
    int fd = -1;

    if (!r->path)
        return STDOUT_FILENO;
    errno = ENAMETOOLONG;
    if (path_of_part(r, r->header.part, path))
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        command_complain("cannot write to %s: %s", r->path, strerror(errno));
    return fd;
}

static void remove_part(const struct record *r, uint64_t part)
{
    char path[PATH_MAX];

    if (path_of_part(r, part, path))
        unlink(path);
}

static bool begin_part(struct record *r)
{
    unsigned char header[RECORDING_HEADER];
    int fd = open_part(r);

    if (fd < 0)
        return false;
    r->output.fd = fd;
    recording_put_header(header, &r->header);
    r->written = sizeof header;
    return output_put(&r->output, header, sizeof header);
}

static bool put(struct record *r, struct recording_record *record)
{
    unsigned char front[RECORDING_RECORD];
    uint64_t now = progress_now();

    record->time = now > r->started ? now - r->started : 0;
    recording_put_record(front, record);
    r->written += sizeof front + record->size;
    return output_put(&r->output, front, sizeof front) &&
           output_put(&r->output, record->bytes, record->size);
}

static bool put_number(struct record *r, enum recording_kind kind,
                       uint64_t offset, uint64_t number)
{
    unsigned char bytes[8];
    struct recording_record record = {
        .kind = kind, .size = 8, .offset = offset, .bytes = bytes};

    recording_put_number(bytes, number);
    return put(r, &record);
}

static bool next_part(struct record *r, uint64_t offset)
{
    if (!put_number(r, RECORDING_CONTINUED, offset, r->tapping.seen) ||
        !output_flush(&r->output))
        return false;
    if (close(r->output.fd) != 0) {
        output_fail(&r->output, errno);
        return false;
    }
    r->header.part++;
    if (r->keep && r->header.part >= r->keep)
        remove_part(r, r->header.part - r->keep);
    return begin_part(r);
}

/* Room for what comes and for the record that ends a part. */
static bool make_room(struct record *r, uint64_t offset, uint64_t size)
{
    const uint64_t least = 2 * RECORDING_RECORD + 8;

    return !r->rotate || r->written == RECORDING_HEADER ||
           r->written + size + least <= r->rotate || next_part(r, offset);
}

/* --------------------------------------------------------------- recording */

static int put_message(void *user, const IpcEntry *message)
{
    struct record *r = user;
    struct recording_record record = {.kind = RECORDING_MESSAGE,
                                      .size = (uint32_t)message->size,
                                      .offset = message->offset,
                                      .bytes = message->payload};

    return make_room(r, message->offset, message->size) && put(r, &record)
               ? TAPPING_GO_ON
               : COMMAND_FAILED;
}

static int put_gap(void *user, uint64_t offset, uint64_t bytes, bool passed)
{
    struct record *r = user;

    return make_room(r, offset, 8) &&
                   put_number(r, passed ? RECORDING_PASSED : RECORDING_LOST,
                              offset, bytes)
               ? TAPPING_GO_ON
               : COMMAND_FAILED;
}

static int flush(void *user)
{
    struct record *r = user;

    if (output_is_deserted(&r->output))
        output_fail(&r->output, EPIPE);
    return output_flush(&r->output) ? TAPPING_GO_ON : COMMAND_FAILED;
}

static bool begin(struct record *r)
{
    const struct tapping *t = &r->tapping;

    r->started = progress_now();
    r->header = (struct recording_header){.version = RECORDING_VERSION,
                                          .flags = t->info.flags,
                                          .began = wall_clock(),
                                          .capacity = t->info.capacity};
    r->header.id = r->header.began ^ (uint64_t)getpid() << 40;
    return begin_part(r) && output_flush(&r->output);
}

static bool end(struct record *r)
{
    IpcTapInfo info = {.struct_size = sizeof info};

    /* Of memory that was formatted anew there is none. */
    ipc_tap_stats(r->tapping.tap, &info);
    return put_number(r, RECORDING_END, info.offset, r->tapping.seen) &&
           output_flush(&r->output) &&
           (!r->path || close(r->output.fd) == 0 ||
            (output_fail(&r->output, errno), false));
}

static void print_summary(const struct record *r)
{
    const struct tapping *t = &r->tapping;
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "messages", json_object_new_uint64(t->seen));
    json_object_object_add(o, "bytes", json_object_new_uint64(t->bytes));
    json_object_object_add(o, "lost_bytes", json_object_new_uint64(t->lost));
    json_object_object_add(o, "passed_bytes",
                           json_object_new_uint64(t->passed));
    json_object_object_add(o, "parts",
                           json_object_new_uint64(r->header.part + 1));
    json_object_object_add(
        o, "seconds",
        json_object_new_double((double)(progress_now() - r->started) / 1e9));
    /* Standard output may be the recording. */
    fprintf(r->path ? stdout : stderr, "%s\n",
            json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
    json_object_put(o);
}

static int complain_output(const struct record *r)
{
    if (r->output.error == EPIPE && !r->path)
        stop_by_broken_pipe();
    if (r->output.error)
        command_complain("cannot write to %s: %s",
                         r->path ? r->path : "standard output",
                         strerror(r->output.error));
    return COMMAND_FAILED;
}

static int record(struct record *r)
{
    struct tapping *t = &r->tapping;
    int code;

    if (!begin(r))
        return complain_output(r);
    code = tapping_code(t, tapping_run(t));
    /* Whatever ended it: what was seen is written. */
    if (r->output.failed || !end(r))
        return complain_output(r);
    if (t->lost || t->passed)
        command_complain("%s: %llu bytes were overwritten before they were "
                         "seen, and %llu passed; the recording says where",
                         t->name, (unsigned long long)t->lost,
                         (unsigned long long)t->passed);
    if (r->json)
        print_summary(r);
    return code;
}

/* ---------------------------------------------------------------- options */

enum { OPTION_KEEP = 256, OPTION_ROTATE };

static const struct command_option options[] = {
    {'o', "output", "FILE", "write there, and not to standard output"},
    {OPTION_ROTATE, "rotate", "SIZE",
     "with --output: files of at most that size (unless one message is "
     "larger): FILE.000000, FILE.000001 and so on"},
    {OPTION_KEEP, "keep", "N", "with --rotate: keep the last N files"},
    TAPPING_OPTIONS,
    {'p', "progress", NULL, "show how much and how fast, on a terminal"},
    {'j', "json", NULL,
     "print what was recorded, as JSON, at the end; on standard error if the "
     "recording goes to standard output"},
    {0},
};

static const struct command_help help = {
    .name = "record",
    .operands = "NAME",
    .summary = "Keeps what goes through a channel in a file, and takes nothing",
    .text =
        "Looks on as `shmipc tap` does: others read each message as ever. The "
        "file has the\nmessages, when they were seen, and where some were "
        "overwritten before that;\n`shmipc replay` sends them again.\n\n"
        "Whatever ends it, the file can be read: each record has a checksum. "
        "If "
        "it was\nkilled, what it had not written yet is missing.\n",
    .options = options,
    .exits = "  0  the channel was closed, or all that was asked for was kept\n"
             "  1  the same, but some was overwritten before, or passed\n"
             "  3  the file cannot be written, or it is no channel\n"
             "  4  there is nothing of that name\n"
             "  6  no message came in time\n"
             "  7  the channel was closed before N messages came\n",
};

static void set_option(struct record *r, const struct command_scan *scan,
                       int id)
{
    bool good = true;

    if (tapping_set_option(&r->tapping, scan, id))
        return;
    switch (id) {
    case 'o':
        r->path = scan->value;
        good = *r->path != '\0';
        break;
    case OPTION_ROTATE:
        good = command_parse_size(scan->value, &r->rotate) && r->rotate > 0;
        break;
    case OPTION_KEEP:
        good = command_parse_count(scan->value, &r->keep) && r->keep > 0;
        break;
    case 'p':
        r->tapping.show_progress = true;
        break;
    case 'j':
        r->json = true;
        break;
    }
    if (!good)
        command_refuse_value(scan);
}

static void check_options(const struct record *r)
{
    if (r->rotate && !r->path)
        command_misuse(&help, "--rotate takes --output");
    if (r->keep && !r->rotate)
        command_misuse(&help, "--keep takes --rotate");
    if (!r->path && isatty(STDOUT_FILENO))
        command_misuse(&help, "a recording is not for a terminal: give it a "
                              "file by --output or \">\"");
}

static int run(struct record *r)
{
    int code;

    if (!stop_arm())
        return COMMAND_FAILED;
    signal(SIGPIPE, SIG_IGN);
    if (!output_open(&r->output, STDOUT_FILENO)) {
        command_complain("no memory");
        return COMMAND_FAILED;
    }
    code = tapping_open(&r->tapping);
    if (code == COMMAND_OK)
        code = record(r);
    tapping_close(&r->tapping);
    output_close(&r->output);
    return stop_finish(r->json && r->path ? command_finish(code) : code);
}

int command_record(int argc, char **argv)
{
    static struct record r = {.tapping = {.verb = "recorded",
                                          .message = put_message,
                                          .gap = put_gap,
                                          .caught_up = flush}};
    struct command_scan scan;
    int id;

    r.tapping.user = &r;
    tapping_begin(&r.tapping);
    command_begin(&scan, &help, argc, argv);
    while ((id = command_next(&scan)) != -1)
        set_option(&r, &scan, id);
    r.tapping.name = command_operands(&scan, 1, 1)[0];
    check_options(&r);
    return run(&r);
}
