/* SPDX-License-Identifier: MIT */
/*
 * shmipc replay: sends what was recorded, as it came or as fast as it goes.
 */
#include "command.h"
#include "input.h"
#include "join.h"
#include "recording.h"
#include "stop.h"
#include "transmit.h"
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* So often a wait looks whether it is to stop. */
enum { LOOK_EVERY_NS = 100 * 1000 * 1000 };

/* Beside the ends of transmit.h. */
enum { REPLAY_PART_ENDED = -10 };

struct replay {
    struct transmit transmit;
    struct join join;
    struct input input;
    IpcOpenOptions options;
    struct recording_header header; /* of the part that is read */
    char **files;
    int file_count, file;
    bool fast, close, progress, json;
    double speed;
    uint64_t first_time, began; /* of the first message; when it was sent */
    uint64_t position;          /* bytes of this file that were read */
    uint64_t lost, passed, messages;
    bool torn, is_ended, is_open;
};

static const char *file_name(const struct replay *r)
{
    const char *name = r->files[r->file];

    return strcmp(name, "-") == 0 ? "standard input" : name;
}

/* ------------------------------------------------------------------- files */

static int fill(struct replay *r, size_t needed)
{
    switch (input_more(&r->input, needed, SIZE_MAX)) {
    case INPUT_STOPPED:
        return TRANSMIT_STOPPED;
    case INPUT_FAILED:
        command_complain("cannot read %s: %s", file_name(r), strerror(errno));
        return COMMAND_FAILED;
    default:
        return COMMAND_OK;
    }
}

static int read_header(struct replay *r)
{
    const uint64_t id = r->header.id, part = r->header.part;
    const char *wrong = "it is no recording of `shmipc record`";

    while (input_left(&r->input) < RECORDING_HEADER && !r->input.ended) {
        int code = fill(r, RECORDING_HEADER);

        if (code != COMMAND_OK)
            return code;
    }
    if (input_left(&r->input) >= RECORDING_HEADER)
        wrong = recording_get_header(input_at(&r->input), &r->header);
    if (!wrong && r->file > 0 &&
        (r->header.id != id || r->header.part != part + 1))
        wrong = "it is not the part that comes next; give all parts in their "
                "order";
    if (wrong) {
        command_complain("%s: %s", file_name(r), wrong);
        return COMMAND_FAILED;
    }
    r->input.begin += RECORDING_HEADER;
    r->position = RECORDING_HEADER;
    return COMMAND_OK;
}

static int open_file(struct replay *r)
{
    const char *name = r->files[r->file];
    int fd = STDIN_FILENO;

    if (strcmp(name, "-") != 0)
        fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        command_complain("cannot open %s: %s", name, strerror(errno));
        return errno == ENOENT ? COMMAND_NO_SUCH : COMMAND_FAILED;
    }
    if (!input_open(&r->input, fd)) {
        command_complain("no memory");
        return COMMAND_FAILED;
    }
    r->is_open = true;
    return read_header(r);
}

static void close_file(struct replay *r)
{
    if (r->is_open) {
        input_close(&r->input);
        if (r->input.fd != STDIN_FILENO)
            close(r->input.fd);
    }
    r->is_open = false;
}

/* ---------------------------------------------------------------- messages */

/* Waits until a message is due. What was collected goes out before. */
static int await(struct replay *r, uint64_t time)
{
    uint64_t due;
    int code = COMMAND_OK;

    if (r->fast)
        return COMMAND_OK;
    if (r->messages == 0) {
        r->first_time = time;
        r->began = progress_now();
    }
    if (time < r->first_time)
        return COMMAND_OK;
    due = r->began + (uint64_t)((double)(time - r->first_time) / r->speed);
    while (code == COMMAND_OK && progress_now() < due) {
        uint64_t left = due - progress_now();
        struct timespec slice = {
            .tv_nsec = left < LOOK_EVERY_NS ? (long)left : LOOK_EVERY_NS};

        code = transmit_flush(&r->transmit);
        if (code == COMMAND_OK && stop_asked())
            code = TRANSMIT_STOPPED;
        if (code == COMMAND_OK && progress_now() < due)
            nanosleep(&slice, NULL);
    }
    return code;
}

static int take_message(struct replay *r, const struct recording_record *record)
{
    int code = await(r, record->time);

    if (code == COMMAND_OK && record->size > r->join.largest) {
        code = transmit_flush(&r->transmit);
        if (code != COMMAND_OK)
            return code;
        command_complain("%s takes messages of up to %llu bytes, and the next "
                         "one has %lu: make it larger (--size)",
                         r->transmit.name, (unsigned long long)r->join.largest,
                         (unsigned long)record->size);
        return COMMAND_FAILED;
    }
    r->messages++;
    return code == COMMAND_OK
               ? transmit_add(&r->transmit, record->bytes, record->size)
               : code;
}

static int take(struct replay *r, const struct recording_record *record)
{
    switch (record->kind) {
    case RECORDING_MESSAGE:
        return take_message(r, record);
    case RECORDING_LOST:
        r->lost += recording_number(record);
        return COMMAND_OK;
    case RECORDING_PASSED:
        r->passed += recording_number(record);
        return COMMAND_OK;
    default:
        r->is_ended = record->kind == RECORDING_END;
        return REPLAY_PART_ENDED;
    }
}

/* All records that are there as a whole; *needed is what the next one takes. */
static int take_whole(struct replay *r, size_t *needed)
{
    for (;;) {
        struct recording_record record;
        int code;

        switch (recording_get_record(input_at(&r->input), input_left(&r->input),
                                     &record, needed)) {
        case RECORDING_SHORT:
            return COMMAND_OK;
        case RECORDING_TORN:
            r->torn = true;
            return REPLAY_PART_ENDED;
        case RECORDING_WHOLE:
            break;
        }
        code = take(r, &record);
        if (code != COMMAND_OK && code != TRANSMIT_ENOUGH &&
            code != REPLAY_PART_ENDED)
            return code;
        r->input.begin += *needed;
        r->position += *needed;
        if (code != COMMAND_OK)
            return code;
    }
}

/* REPLAY_PART_ENDED: all of it was sent. */
static int replay_part(struct replay *r)
{
    for (;;) {
        size_t needed;
        int code = take_whole(r, &needed);
        int sent = code == COMMAND_OK || code == REPLAY_PART_ENDED
                       ? transmit_flush(&r->transmit)
                       : code;

        if (sent != COMMAND_OK || code == REPLAY_PART_ENDED)
            return sent != COMMAND_OK ? sent : code;
        code = fill(r, needed);
        if (code != COMMAND_OK)
            return code;
        if (r->input.ended) {
            r->torn = true;
            return REPLAY_PART_ENDED;
        }
    }
}

static int replay_all(struct replay *r)
{
    int code = r->transmit.wanted > 0 ? REPLAY_PART_ENDED : TRANSMIT_ENOUGH;

    while (code == REPLAY_PART_ENDED) {
        code = replay_part(r);
        if (code != REPLAY_PART_ENDED || r->torn || r->is_ended ||
            r->file + 1 == r->file_count)
            break;
        close_file(r);
        r->file++;
        code = open_file(r);
        if (code == COMMAND_OK)
            code = REPLAY_PART_ENDED;
    }
    return code;
}

/* ----------------------------------------------------------------- the end */

static void tell(const struct replay *r, int code)
{
    const unsigned long long sent = r->transmit.sent;

    if (r->torn)
        command_complain("%s: what is at byte %llu is no whole record: the "
                         "recorder was killed there, or the file was cut or "
                         "damaged; the %llu messages before it were sent",
                         file_name(r), (unsigned long long)r->position, sent);
    else if (code == REPLAY_PART_ENDED && !r->is_ended)
        command_complain("%s is not the last part; give the next ones, too",
                         file_name(r));
    if (code == REPLAY_PART_ENDED && r->is_ended && r->file + 1 < r->file_count)
        command_complain("%s ends the recording; what is given behind it was "
                         "not read",
                         file_name(r));
    if (r->lost || r->passed)
        command_complain("of what was in the channel the recorder had lost "
                         "%llu bytes, and passed %llu",
                         (unsigned long long)r->lost,
                         (unsigned long long)r->passed);
    if (r->transmit.drop)
        command_complain("%llu messages were sent, %llu dropped", sent,
                         (unsigned long long)r->transmit.dropped);
}

static void print_account(const struct replay *r)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "messages",
                           json_object_new_uint64(r->transmit.sent));
    json_object_object_add(o, "bytes",
                           json_object_new_uint64(r->transmit.bytes));
    json_object_object_add(o, "dropped",
                           json_object_new_uint64(r->transmit.dropped));
    json_object_object_add(o, "lost_bytes", json_object_new_uint64(r->lost));
    json_object_object_add(o, "passed_bytes",
                           json_object_new_uint64(r->passed));
    json_object_object_add(o, "complete", json_object_new_boolean(r->is_ended));
    command_print_json(o, true);
}

static int finish(struct replay *r, int code)
{
    const struct transmit *t = &r->transmit;

    progress_end(&r->transmit.progress, "sent", t->sent, t->bytes);
    tell(r, code);
    if (r->close)
        ipc_channel_close(r->join.channel);
    if (r->json)
        print_account(r);
    if (code == REPLAY_PART_ENDED)
        code = r->is_ended && r->file + 1 == r->file_count && !r->lost &&
                       !r->passed
                   ? COMMAND_OK
                   : COMMAND_FOUND;
    if (code == TRANSMIT_ENOUGH)
        code = COMMAND_OK;
    if (code == COMMAND_OK && t->dropped > 0)
        code = COMMAND_FOUND;
    return command_finish(code);
}

/* ---------------------------------------------------------------- options */

enum {
    OPTION_CLOSE = 256,
    OPTION_DROP,
    OPTION_EXISTING,
    OPTION_FAST,
    OPTION_SPEED,
    OPTION_UNLINK,
};

static const struct command_option options[] = {
    {OPTION_FAST, "fast", NULL, "send without waiting in between"},
    {OPTION_SPEED, "speed", "X",
     "that many times as fast as it was recorded, as in 2 or 0.5"},
    {'n', "count", "N", "end after N messages"},
    {'t', "timeout", "TIME", "end if no space comes in that time, as in 500ms"},
    {OPTION_DROP, "drop", NULL,
     "drop what there is no space for, instead of waiting"},
    {OPTION_CLOSE, "close", NULL,
     "close the channel at the end, for all that use it"},
    {'s', "size", "SIZE",
     "bytes of data that a channel made by this command holds (as many as the "
     "one that was recorded)"},
    {OPTION_EXISTING, "existing", NULL, "make no channel where there is none"},
    {OPTION_UNLINK, "unlink", NULL,
     "remove the name at the end, unless others have the channel open"},
    {'p', "progress", NULL, "show how much and how fast, on a terminal"},
    {'j', "json", NULL, "print what was sent, as JSON, at the end"},
    {0},
};

static const struct command_help help = {
    .name = "replay",
    .operands = "FILE... NAME",
    .summary = "Sends what `shmipc record` has kept, at the times at which it "
               "was seen",
    .text = "Several FILEs are the parts of one recording, in their order; "
            "\"-\" is standard\ninput. If there is no channel of that NAME, "
            "makes it.\n\n"
            "A recording whose recorder was killed is sent up to the first "
            "record that is\nnot whole.\n",
    .options = options,
    .exits = "  0  all was sent\n"
             "  1  the recording is not whole, or has gaps, or some was "
             "dropped\n"
             "  3  it is no recording, a message is too long, or a call "
             "failed\n"
             "  4  there is no such file, or with --existing no such channel\n"
             "  5  others have all the places for writers\n"
             "  6  there was no space in time\n"
             "  7  the channel was closed\n",
};

static bool parse_speed(const char *text, double *speed)
{
    char *end;

    *speed = strtod(text, &end);
    return end != text && *end == '\0' && *speed >= 1e-6 && *speed <= 1e6;
}

static bool set_flag(struct replay *r, int id)
{
    switch (id) {
    case OPTION_FAST:
        return r->fast = true;
    case OPTION_DROP:
        return r->transmit.drop = true;
    case OPTION_CLOSE:
        return r->close = true;
    case OPTION_EXISTING:
        r->options.flags |= IPC_OPEN_CONNECT_ONLY;
        return true;
    case OPTION_UNLINK:
        r->options.flags |= IPC_OPEN_UNLINK_LAST;
        return true;
    case 'p':
        return r->progress = true;
    case 'j':
        return r->json = true;
    default:
        return false;
    }
}

static void set_option(struct replay *r, const struct command_scan *scan,
                       int id)
{
    const char *value = scan->value;
    bool good = true;

    if (set_flag(r, id))
        return;
    if (id == OPTION_SPEED)
        good = parse_speed(value, &r->speed);
    else if (id == 'n')
        good = command_parse_count(value, &r->transmit.wanted);
    else if (id == 't')
        good = command_parse_duration(value, &r->transmit.timeout_ns);
    else if (id == 's')
        good =
            command_parse_size(value, &r->options.size) && r->options.size > 0;
    if (!good)
        command_refuse_value(scan);
}

static int run(struct replay *r)
{
    int code;

    if (!stop_arm())
        return COMMAND_FAILED;
    code = open_file(r);
    if (code == COMMAND_OK && r->options.size == 0)
        r->options.size = r->header.capacity;
    if (code == COMMAND_OK)
        code = join_open(&r->join, r->transmit.name, &r->options);
    if (code == COMMAND_OK) {
        r->transmit.channel = r->join.channel;
        progress_start(&r->transmit.progress, r->progress);
        code = finish(r, replay_all(r));
        join_leave(&r->join);
    }
    close_file(r);
    return stop_finish(code);
}

int command_replay(int argc, char **argv)
{
    static struct replay r = {
        .speed = 1,
        .transmit = {.timeout_ns = UINT64_MAX, .wanted = UINT64_MAX}};
    struct command_scan scan;
    int id, operands;

    r.options = join_defaults();
    command_begin(&scan, &help, argc, argv);
    while ((id = command_next(&scan)) != -1)
        set_option(&r, &scan, id);
    operands = argc - scan.next;
    r.files = command_operands(&scan, 2, argc);
    r.file_count = operands - 1;
    r.transmit.name = r.files[r.file_count];
    return run(&r);
}
