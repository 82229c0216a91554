/* SPDX-License-Identifier: MIT */
/*
 * shmipc send: standard input as messages. Small ones go in batches, straight
 * from where they were read to; large ones are read into the channel, where
 * that keeps nobody else waiting.
 */
#include "command.h"
#include "framing.h"
#include "input.h"
#include "join.h"
#include "stop.h"
#include "transmit.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    /* From here on a copy costs more than what it saves. */
    LARGE = 64 << 10,
    PIECE_DEFAULT = 256 << 10,
};

struct send {
    IpcOpenOptions options;
    struct join join;
    struct input input;
    struct transmit transmit;
    enum framing framing;
    uint64_t
        piece; /* bytes at most of a message of FRAMING_BYTES; 0: default */
    bool close, json, progress;
};

/* -------------------------------------------------------------- errors */

/* What came before is sent first. The number of the message that will not be,
 * for a complaint, or 0 and another *code. */
static unsigned long long flush_and_number(struct send *s, int *code)
{
    *code = transmit_flush(&s->transmit);
    return *code == COMMAND_OK ? s->transmit.sent + s->transmit.dropped + 1 : 0;
}

static int refuse_too_long(struct send *s, const char *what)
{
    int code;
    unsigned long long number = flush_and_number(s, &code);

    if (number == 0)
        return code;
    command_complain("%s %llu is longer than %llu bytes, the largest message "
                     "that %s takes; it was not sent",
                     what, number, (unsigned long long)s->join.largest,
                     s->transmit.name);
    return COMMAND_FAILED;
}

static int refuse_empty(struct send *s)
{
    int code;
    unsigned long long number = flush_and_number(s, &code);

    if (number == 0)
        return code;
    command_complain("message %llu is empty, which a channel has none of",
                     number);
    return COMMAND_FAILED;
}

static int refuse_cut(struct send *s, size_t got, size_t needed)
{
    int code;
    unsigned long long number = flush_and_number(s, &code);

    if (number == 0)
        return code;
    command_complain("standard input ends in message %llu, after %zu of the "
                     "%zu bytes that it takes with its size; it was not sent",
                     number, got, needed);
    return COMMAND_FAILED;
}

static int complain_input(void)
{
    command_complain("cannot read standard input: %s", strerror(errno));
    return COMMAND_FAILED;
}

/* What is to be done after an input_more() that did not end the input. */
static int check_input(enum input_state state)
{
    if (state == INPUT_STOPPED)
        return TRANSMIT_STOPPED;
    return state == INPUT_FAILED ? complain_input() : COMMAND_OK;
}

/* --------------------------------------------------------------- lines */

static int add_line(struct send *s, size_t size)
{
    const unsigned char *line = input_at(&s->input);

    if (size > s->join.largest)
        return refuse_too_long(s, "line");
    /* Of an empty one the newline behind it. */
    return transmit_add(&s->transmit, line, size ? size : 1);
}

/* All lines that have ended. */
static int add_lines(struct send *s, size_t *scanned)
{
    struct input *in = &s->input;
    int code = COMMAND_OK;

    while (code == COMMAND_OK) {
        const unsigned char *line = input_at(in);
        const unsigned char *end =
            memchr(line + *scanned, '\n', input_left(in) - *scanned);

        if (!end)
            break;
        code = add_line(s, (size_t)(end - line));
        in->begin += (size_t)(end - line) + 1;
        *scanned = 0;
    }
    return code;
}

static int send_lines(struct send *s)
{
    struct input *in = &s->input;
    size_t scanned = 0; /* bytes of a line that has not ended yet */

    for (;;) {
        int code = add_lines(s, &scanned);
        size_t left = input_left(in);

        if (code == COMMAND_OK)
            code = transmit_flush(&s->transmit);
        if (code == COMMAND_OK && left > s->join.largest)
            code = refuse_too_long(s, "line");
        if (code != COMMAND_OK)
            return code;
        scanned = left;
        code = check_input(input_more(in, left + 1, SIZE_MAX));
        if (code != COMMAND_OK)
            return code;
        if (in->ended) {
            code = left ? add_line(s, left) : COMMAND_OK;
            in->begin = in->end;
            return code == COMMAND_OK ? transmit_flush(&s->transmit) : code;
        }
    }
}

/* -------------------------------------------------------------- length */

static int check_size(struct send *s, size_t size)
{
    if (size == 0)
        return refuse_empty(s);
    return size > s->join.largest ? refuse_too_long(s, "message") : COMMAND_OK;
}

/* All that are there as a whole. *needed is what the next one takes, with its
 * size in front, as far as that is known. */
static int add_sized(struct send *s, size_t *needed)
{
    struct input *in = &s->input;

    for (;;) {
        size_t size;
        int code;

        *needed = FRAMING_PREFIX;
        if (input_left(in) < *needed)
            return COMMAND_OK;
        size = framing_get_size(input_at(in));
        code = check_size(s, size);
        *needed += size;
        if (code != COMMAND_OK || input_left(in) < *needed)
            return code;
        code = transmit_add(&s->transmit, input_at(in) + FRAMING_PREFIX, size);
        in->begin += *needed;
        if (code != COMMAND_OK)
            return code;
    }
}

/* What is left of a message, read to where it belongs. */
static int fill_in_place(struct send *s, const IpcReservation *r, size_t size)
{
    unsigned char *to = r->payload;
    size_t done = input_left(&s->input);

    memcpy(to, input_at(&s->input), done);
    s->input.begin = s->input.end;
    while (done < size) {
        size_t got;
        int code =
            check_input(input_into(&s->input, to + done, size - done, &got));

        if (code == COMMAND_OK && s->input.ended)
            code = refuse_cut(s, done + FRAMING_PREFIX, size + FRAMING_PREFIX);
        if (code != COMMAND_OK) {
            transmit_abort(&s->transmit, r);
            return code;
        }
        done += got;
    }
    return transmit_commit(&s->transmit, r, size);
}

/* For a one producer: nobody waits for what he has reserved. */
static int send_in_place(struct send *s, size_t size)
{
    IpcReservation r;
    int code = transmit_reserve(&s->transmit, size, &r);

    if (code != COMMAND_OK)
        return code;
    s->input.begin += FRAMING_PREFIX;
    return fill_in_place(s, &r, size);
}

static int read_sized(struct send *s, size_t needed)
{
    struct input *in = &s->input;
    int code;

    if (s->join.one_producer && !s->transmit.drop && needed >= LARGE)
        return send_in_place(s, needed - FRAMING_PREFIX);
    /* Of what follows a large one no more than its size, which can be moved to
     * the front afterwards. */
    code = check_input(input_more(
        in, needed, needed >= LARGE ? needed + FRAMING_PREFIX : SIZE_MAX));
    if (code == COMMAND_OK && in->ended && input_left(in) > 0)
        return refuse_cut(s, input_left(in), needed);
    return code;
}

static int send_length(struct send *s)
{
    int code = COMMAND_OK;

    while (code == COMMAND_OK && !s->input.ended) {
        size_t needed;

        code = add_sized(s, &needed);
        if (code == COMMAND_OK)
            code = transmit_flush(&s->transmit);
        if (code == COMMAND_OK)
            code = read_sized(s, needed);
    }
    return code;
}

/* ------------------------------------------------------- bytes and whole */

/* Through a buffer, waiting as long as it takes. */
static int send_piece(struct send *s)
{
    struct input *in = &s->input;
    int code = check_input(input_more(in, 1, (size_t)s->piece));
    size_t size = input_left(in);

    if (code != COMMAND_OK || size == 0)
        return code;
    code = transmit_add(&s->transmit, input_at(in), size);
    in->begin = in->end;
    return code == COMMAND_OK ? transmit_flush(&s->transmit) : code;
}

/* Straight into the channel, what is there this moment: others cannot be read
 * before what is reserved, so nobody waits meanwhile. */
static int send_piece_in_place(struct send *s, size_t size)
{
    IpcReservation r;
    size_t got;
    int code = transmit_reserve(&s->transmit, size, &r);

    if (code == TRANSMIT_FULL)
        return send_piece(s);
    if (code != COMMAND_OK)
        return code;
    if (input_now(&s->input, r.payload, size, &got) == INPUT_OK)
        return transmit_commit(&s->transmit, &r, got);
    transmit_abort(&s->transmit, &r);
    return s->input.ended ? COMMAND_OK : send_piece(s);
}

static int send_bytes(struct send *s)
{
    int code = COMMAND_OK;

    if (s->piece == 0)
        s->piece = PIECE_DEFAULT;
    if (s->piece > s->join.largest / 4)
        s->piece = s->join.largest / 4 + 1;
    while (code == COMMAND_OK && !s->input.ended) {
        size_t size;

        code = check_input(input_wait(&s->input, (size_t)s->piece, &size));
        if (code == COMMAND_OK)
            code =
                size < LARGE / 4 ? send_piece(s) : send_piece_in_place(s, size);
    }
    return code;
}

static int send_whole(struct send *s)
{
    struct input *in = &s->input;
    int code = COMMAND_OK;

    while (code == COMMAND_OK && !in->ended) {
        if (input_left(in) > s->join.largest)
            return refuse_too_long(s, "message");
        code = check_input(input_more(in, input_left(in) + 1, SIZE_MAX));
    }
    if (code != COMMAND_OK)
        return code;
    if (input_left(in) == 0) {
        command_complain("standard input is empty, and a channel has no empty "
                         "messages");
        return COMMAND_FAILED;
    }
    code = transmit_add(&s->transmit, input_at(in), input_left(in));
    in->begin = in->end;
    return code == COMMAND_OK ? transmit_flush(&s->transmit) : code;
}

/* ------------------------------------------------------------- the end */

/* Messages that nobody will send any more, though they are gone from where they
 * were. */
static void tell_unsent(const struct send *s)
{
    uint64_t bytes = input_left(&s->input);

    for (int i = 0; i < s->transmit.collected; i++)
        bytes += s->transmit.batch[i].iov_len;
    if (bytes > 0)
        command_complain("stopped: %llu bytes that were read were not sent",
                         (unsigned long long)bytes);
}

static void print_account(const struct send *s)
{
    const struct transmit *t = &s->transmit;
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "messages", json_object_new_uint64(t->sent));
    json_object_object_add(o, "bytes", json_object_new_uint64(t->bytes));
    json_object_object_add(o, "dropped", json_object_new_uint64(t->dropped));
    json_object_object_add(
        o, "seconds",
        json_object_new_double((double)(progress_now() - t->progress.started) /
                               1e9));
    command_print_json(o, false);
}

static int finish(struct send *s, int code)
{
    const struct transmit *t = &s->transmit;

    progress_end(&s->transmit.progress, "sent", t->sent, t->bytes);
    if (code == TRANSMIT_STOPPED)
        tell_unsent(s);
    if (code == TRANSMIT_ENOUGH)
        code = COMMAND_OK;
    if (s->close)
        ipc_channel_close(s->join.channel);
    if (t->drop)
        command_complain("%llu messages were sent, %llu dropped",
                         (unsigned long long)t->sent,
                         (unsigned long long)t->dropped);
    if (s->json)
        print_account(s);
    if (code == COMMAND_OK && t->dropped > 0)
        code = COMMAND_FOUND;
    return command_finish(code);
}

static int send_all(struct send *s)
{
    switch (s->framing) {
    case FRAMING_LENGTH:
        return send_length(s);
    case FRAMING_WHOLE:
        return send_whole(s);
    case FRAMING_BYTES:
        return send_bytes(s);
    default:
        return send_lines(s);
    }
}

/* -------------------------------------------------------------- options */

enum {
    OPTION_CLOSE = 256,
    OPTION_DROP,
    OPTION_EXISTING,
    OPTION_PIECE,
    OPTION_UNLINK,
};

static const struct command_option options[] = {
    {'f', "framing", "FORM",
     "what a message is: lines (the default), length, whole or bytes"},
    {'n', "count", "N", "end after N messages"},
    {'t', "timeout", "TIME", "end if no space comes in that time, as in 500ms"},
    {OPTION_DROP, "drop", NULL,
     "drop what there is no space for, instead of waiting"},
    {OPTION_CLOSE, "close", NULL,
     "close the channel at the end, whatever ends it, for all that use it"},
    {'s', "size", "SIZE",
     "bytes of data that a channel made by this command holds (1M)"},
    {OPTION_EXISTING, "existing", NULL, "make no channel where there is none"},
    {OPTION_UNLINK, "unlink", NULL,
     "remove the name at the end, unless others have the channel open"},
    {OPTION_PIECE, "piece", "SIZE",
     "with --framing=bytes: the most that a message holds (256K)"},
    {'p', "progress", NULL, "show how much and how fast, on a terminal"},
    {'j', "json", NULL, "print what was sent, as JSON, at the end"},
    {0},
};

static const struct command_help help = {
    .name = "send",
    .operands = "NAME",
    .summary = "Sends standard input as messages, and makes the channel if "
               "there is none",
    .text =
        "FORM says where messages begin and end:\n"
        "  lines   at newlines, which are not sent. A channel has no empty\n"
        "          messages: for an empty line its newline is sent, which\n"
        "          `shmipc recv` makes an empty line again\n"
        "  length  each comes after its size: 4 bytes, the most significant "
        "first\n"
        "  whole   all of the input is one message\n"
        "  bytes   anywhere: what comes out of `recv --framing=bytes` is what\n"
        "          went in, in pieces of any size\n"
        "\nSIGINT, SIGTERM and SIGHUP end it between two messages, a second "
        "one at once.\n",
    .options = options,
    .exits = "  0  all was sent\n"
             "  1  some messages were dropped\n"
             "  3  a message is too long, empty or cut off, or a call failed\n"
             "  4  with --existing: there is no such channel\n"
             "  5  others have all the places for writers\n"
             "  6  there was no space in time\n"
             "  7  the channel was closed\n",
};

static void set_option(struct send *s, const struct command_scan *scan, int id)
{
    const char *value = scan->value;
    bool good = true;

    switch (id) {
    case 'f':
        good = framing_parse(value, &s->framing) && s->framing != FRAMING_JSON;
        break;
    case 'n':
        good = command_parse_count(value, &s->transmit.wanted);
        break;
    case 't':
        good = command_parse_duration(value, &s->transmit.timeout_ns);
        break;
    case 's':
        good =
            command_parse_size(value, &s->options.size) && s->options.size > 0;
        break;
    case OPTION_PIECE:
        good = command_parse_size(value, &s->piece) && s->piece > 0;
        break;
    case OPTION_DROP:
        s->transmit.drop = true;
        break;
    case OPTION_CLOSE:
        s->close = true;
        break;
    case OPTION_EXISTING:
        s->options.flags |= IPC_OPEN_CONNECT_ONLY;
        break;
    case OPTION_UNLINK:
        s->options.flags |= IPC_OPEN_UNLINK_LAST;
        break;
    case 'p':
        s->progress = true;
        break;
    case 'j':
        s->json = true;
        break;
    }
    if (!good)
        command_refuse_value(scan);
}

static int run(struct send *s)
{
    int code = COMMAND_OK;

    if (!stop_arm())
        return COMMAND_FAILED;
    if (!input_open(&s->input, STDIN_FILENO)) {
        command_complain("no memory");
        return COMMAND_FAILED;
    }
    code = join_open(&s->join, s->transmit.name, &s->options);
    if (code == COMMAND_OK) {
        s->transmit.channel = s->join.channel;
        progress_start(&s->transmit.progress, s->progress);
        if (s->transmit.wanted > 0)
            code = send_all(s);
        code = finish(s, code);
        join_leave(&s->join);
    }
    input_close(&s->input);
    return stop_finish(code);
}

int command_send(int argc, char **argv)
{
    static struct send s = {
        .transmit = {.timeout_ns = UINT64_MAX, .wanted = UINT64_MAX}};
    struct command_scan scan;
    int id;

    s.options = join_defaults();
    command_begin(&scan, &help, argc, argv);
    while ((id = command_next(&scan)) != -1)
        set_option(&s, &scan, id);
    s.transmit.name = command_operands(&scan, 1, 1)[0];
    return run(&s);
}
