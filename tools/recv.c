/* SPDX-License-Identifier: MIT */
/*
 * shmipc recv: messages to standard output. They are copied out of the channel
 * in batches; but where no other consumer can take them meanwhile they are read
 * ahead, and stay in the channel until they are written.
 */
#include "command.h"
#include "framing.h"
#include "join.h"
#include "message_put.h"
#include "output.h"
#include "progress.h"
#include "stop.h"
#include <errno.h>
#include <signal.h>
#include <shmipc/ipc_acknowledge.h>
#include <shmipc/ipc_batch.h>
#include <shmipc/ipc_subscribe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 1024,
    ROOM = 256 << 10,
    /* Bytes that are read ahead, with what each message takes beside. */
    HELD_MAX = 128 << 10,
    HELD_EACH = 32,
    /* So often a wait looks whether it is to stop. */
    LOOK_EVERY_NS = 100 * 1000 * 1000,
};

/* How it ended, beside the codes of command.h. */
enum {
    GO_ON = -1,
    NOTHING = -2, /* this moment */
    STOPPED = -3, /* by a signal */
    ENOUGH = -4,  /* as many messages as were wanted */
    ANOTHER = -5, /* follow the name */
};

struct receive {
    const char *name;
    IpcOpenOptions options;
    struct join join;
    struct output output;
    struct progress progress;
    enum framing framing;
    uint64_t wanted;     /* messages; UINT64_MAX: all */
    uint64_t timeout_ns; /* of the wait for one; UINT64_MAX: for ever */
    uint32_t from;       /* IpcSubscribeFrom */
    ino_t left;          /* the channel that was followed last */
    bool subscribes, no_wait, follow, show_progress;
    uint64_t taken, bytes, written; /* messages; bytes of those taken */
    uint64_t held, last;            /* read ahead: HELD_*; of the last one */
    unsigned char *memory;          /* where messages are copied to */
    size_t room;
    IpcEntry entries[BATCH];
};

static int count_taken(struct receive *r, uint64_t messages, uint64_t bytes)
{
    r->taken += messages;
    r->bytes += bytes;
    progress_tell(&r->progress, "received", r->taken, r->bytes);
    return r->taken >= r->wanted ? ENOUGH : GO_ON;
}

/* -------------------------------------------------------------- taking */

/* What a call that got nothing means for us. */
static int check_status(const struct receive *r, IpcStatus status,
                        const char *detail)
{
    switch (status) {
    case IPC_EMPTY:
    case IPC_ERR_NOT_READY:
    case IPC_ERR_LOCKED:
    case IPC_ERR_TIMEOUT:
    case IPC_ERR_INTERRUPTED:
        return NOTHING;
    case IPC_ERR_CLOSED:
        return r->follow ? ANOTHER : COMMAND_CLOSED;
    case IPC_ERR_PRODUCERS_DEAD:
        if (r->follow)
            return NOTHING;
        command_complain("%s: all that wrote into it died, or were killed, "
                         "without leaving",
                         r->name);
        return COMMAND_FOUND;
    case IPC_ERR_ROLE_TAKEN:
    case IPC_ERR_OWNERS_FULL:
        command_complain("%s: %s", r->name, detail);
        return COMMAND_REFUSED;
    case IPC_ERR_FORMATTED_ANEW:
        if (r->follow)
            return ANOTHER;
        break;
    default:
        break;
    }
    command_complain("%s: %s (%s)", r->name, detail, ipc_status_name(status));
    return COMMAND_FAILED;
}

static int grow_memory(struct receive *r, size_t needed)
{
    unsigned char *memory = realloc(r->memory, needed);

    if (!memory) {
        command_complain("no memory for a message of %zu bytes", needed);
        return COMMAND_FAILED;
    }
    r->memory = memory;
    r->room = needed;
    return GO_ON;
}

/* Copies as many as there are; waits for the first if `slice` says how long. */
static int take_copies(struct receive *r, const struct timespec *slice)
{
    uint64_t left = r->wanted - r->taken, bytes = 0;
    int most = left < BATCH ? (int)left : BATCH;
    IpcChannelReadBatchResult got =
        slice ? ipc_channel_read_batch_with_timeout(r->join.channel, r->entries,
                                                    most, r->memory, r->room,
                                                    slice)
              : ipc_channel_try_read_batch(r->join.channel, r->entries, most,
                                           r->memory, r->room);

    if (got.ipc_status == IPC_ERR_TOO_SMALL)
        return grow_memory(r, (size_t)got.error.body.required_size);
    if (got.ipc_status != IPC_OK)
        return check_status(r, got.ipc_status,
                            got.ipc_status < 0 ? got.error.detail : "");
    for (size_t i = 0; i < got.result; i++) {
        bytes += r->entries[i].size;
        message_put(&r->output, r->framing, &r->entries[i]);
    }
    return count_taken(r, got.result, bytes);
}

/* Writes what was taken, and only then lets go of what was read ahead: who is
 * killed in between leaves that to the next consumer. */
static int settle(struct receive *r)
{
    IpcChannelAcknowledgeResult done;
    int code = GO_ON;

    if (!output_flush(&r->output))
        return COMMAND_FAILED;
    r->written = r->taken;
    if (r->held == 0)
        return GO_ON;
    r->held = 0;
    done = ipc_channel_acknowledge(r->join.channel, r->last);
    if (done.ipc_status != IPC_OK)
        code = check_status(r, done.ipc_status,
                            done.ipc_status < 0 ? done.error.detail : "");
    return code == NOTHING ? GO_ON : code;
}

static IpcChannelReadAheadResult
look_ahead(struct receive *r, IpcEntry *message, const struct timespec *slice)
{
    return slice ? ipc_channel_read_ahead_with_timeout(r->join.channel, message,
                                                       slice)
                 : ipc_channel_try_read_ahead(r->join.channel, message);
}

/* As take_copies(), from where they are. */
static int take_ahead(struct receive *r, const struct timespec *slice)
{
    uint64_t left = r->wanted - r->taken, bytes = 0, count = 0;
    IpcChannelReadAheadResult got;
    IpcEntry message;
    int code;

    do {
        got = look_ahead(r, &message, count == 0 ? slice : NULL);
        if (got.ipc_status != IPC_OK)
            break;
        message_put(&r->output, r->framing, &message);
        count++;
        bytes += message.size;
        r->last = message.offset;
        r->held += message.size + HELD_EACH;
    } while (count < left && r->held < HELD_MAX);
    if (count == 0)
        return check_status(r, got.ipc_status,
                            got.ipc_status < 0 ? got.error.detail : "");
    code = count_taken(r, count, bytes);
    return code == GO_ON && r->held >= HELD_MAX ? settle(r) : code;
}

static int take(struct receive *r, const struct timespec *slice)
{
    return r->join.one_consumer ? take_ahead(r, slice) : take_copies(r, slice);
}

/* ------------------------------------------------------------- waiting */

/* GO_ON: wait for *slice; else why there is nothing to wait for. */
static int may_wait(struct receive *r, uint64_t began, struct timespec *slice)
{
    uint64_t waited = progress_now() - began;
    uint64_t left = waited < r->timeout_ns ? r->timeout_ns - waited : 0;

    progress_tell(&r->progress, "received", r->taken, r->bytes);
    if (stop_asked())
        return STOPPED;
    /* Nobody would see what comes. */
    if (output_is_deserted(&r->output)) {
        output_fail(&r->output, EPIPE);
        return COMMAND_FAILED;
    }
    *slice = (struct timespec){.tv_nsec = left < LOOK_EVERY_NS ? (long)left
                                                               : LOOK_EVERY_NS};
    return left == 0 ? COMMAND_TIMEOUT : GO_ON;
}

static int wait_for_more(struct receive *r)
{
    const uint64_t began = progress_now();
    struct timespec slice;
    int code;

    do {
        code = may_wait(r, began, &slice);
        if (code == GO_ON)
            code = take(r, &slice);
        if (code == NOTHING && r->follow && join_is_outdated(&r->join, r->name))
            code = ANOTHER;
    } while (code == NOTHING);
    return code;
}

/* ------------------------------------------------------------- joining */

/* Where every subscriber reads all, it becomes one. */
static int join(struct receive *r)
{
    int code = join_open(&r->join, r->name, &r->options);
    const IpcSubscription how = {.struct_size = sizeof how, .from = r->from};
    IpcChannelSubscribeResult subscribed;

    if (code != COMMAND_OK || !(r->join.broadcast || r->subscribes))
        return code;
    subscribed = ipc_channel_subscribe(r->join.channel, &how);
    if (subscribed.ipc_status == IPC_OK)
        return COMMAND_OK;
    code = check_status(r, subscribed.ipc_status, subscribed.error.detail);
    join_leave(&r->join);
    return code;
}

/* ----------------------------------------------------------- following */

/* The end of a queue is where all is read; of one that every subscriber reads,
 * which has been left, it is what was read before that. */
static bool is_closed(const struct receive *r, const IpcChannel *channel)
{
    IpcBufferStats stats = {.struct_size = sizeof stats};
    IpcEntry message;

    if (r->join.broadcast && r->join.inode == r->left)
        return ipc_channel_stats(channel, &stats).ipc_status == IPC_OK &&
               stats.closed != IPC_BUFFER_OPEN;
    return ipc_channel_peek(channel, &message).ipc_status == IPC_ERR_CLOSED;
}

/* Lets go of a closed channel, whose name goes too if nobody else has it open:
 * who opens it next gets a new one. In case it is a new one already it is not
 * the last handle that goes. GO_ON: r->join is such a one; else NOTHING. */
static int leave_closed(struct receive *r)
{
    IpcOpenOptions options = r->options;
    IpcChannelOpenResult last;
    int code = NOTHING;

    options.flags |= IPC_OPEN_CONNECT_ONLY | IPC_OPEN_UNLINK_LAST;
    last = join_try(r->name, &options);
    join_leave(&r->join);
    if (last.ipc_status != IPC_OK)
        return NOTHING;
    if (!is_closed(r, last.result))
        code = join(r) == COMMAND_OK ? GO_ON : COMMAND_FAILED;
    ipc_channel_destroy(last.result);
    return code;
}

static int join_next(struct receive *r)
{
    int code = join(r);

    if (code != COMMAND_OK)
        return code;
    return is_closed(r, r->join.channel) ? leave_closed(r) : GO_ON;
}

/* Waits until the name leads to a channel that is not closed. */
static int follow_name(struct receive *r)
{
    const uint64_t began = progress_now();
    struct timespec slice;
    int code;

    r->left = r->join.inode;
    join_leave(&r->join);
    for (;;) {
        code = join_next(r);
        if (code != NOTHING)
            return code;
        code = may_wait(r, began, &slice);
        if (code != GO_ON)
            return code;
        nanosleep(&slice, NULL);
    }
}

static int receive_all(struct receive *r)
{
    int code = r->wanted > 0 ? GO_ON : ENOUGH;
    int settled;

    while (code == GO_ON && !r->output.failed) {
        if (stop_asked())
            return STOPPED;
        code = take(r, NULL);
        if (code != NOTHING && code != ANOTHER)
            continue;
        settled = settle(r);
        if (settled != GO_ON)
            code = settled;
        if (code == NOTHING)
            code = r->no_wait ? COMMAND_TIMEOUT : wait_for_more(r);
        if (code == ANOTHER)
            code = follow_name(r);
    }
    return code;
}

/* --------------------------------------------------------------- the end */

static int complain_output(const struct receive *r)
{
    const unsigned long long held = r->taken - r->written;
    const char *fate = r->join.one_consumer ? "are left in the channel"
                                            : "that were taken are lost";

    if (r->output.error == EPIPE)
        stop_by_broken_pipe();
    command_complain("cannot write to standard output: %s; up to %llu messages "
                     "%s",
                     strerror(r->output.error), held, fate);
    return COMMAND_FAILED;
}

static int finish(struct receive *r, int code)
{
    /* Whatever ended it: what was taken is written. */
    if (!r->output.failed && settle(r) == COMMAND_FAILED)
        code = COMMAND_FAILED;
    progress_end(&r->progress, "received", r->taken, r->bytes);
    if (r->join.channel)
        join_leave(&r->join);
    if (r->output.failed)
        return complain_output(r);
    if (code == ENOUGH || code == STOPPED)
        return COMMAND_OK;
    if (code == COMMAND_TIMEOUT && r->no_wait)
        return r->taken > 0 ? COMMAND_OK : COMMAND_FOUND;
    /* Without a number that is the end that was waited for. */
    if (code == COMMAND_CLOSED && r->wanted == UINT64_MAX)
        return COMMAND_OK;
    return code;
}

/* -------------------------------------------------------------- options */

enum {
    OPTION_EXISTING = 256,
    OPTION_FOLLOW,
    OPTION_NO_WAIT,
    OPTION_SUBSCRIBE,
    OPTION_UNLINK,
};

static const struct command_option options[] = {
    {'f', "framing", "FORM",
     "how messages are written: lines (the default), length, whole, bytes or "
     "json"},
    {'n', "count", "N", "end after N messages"},
    {'t', "timeout", "TIME",
     "end if no message comes in that time, as in 500ms"},
    {OPTION_NO_WAIT, "no-wait", NULL, "end when no message is there"},
    {'F', "follow", NULL,
     "go on when the channel is closed or made anew, or all writers were "
     "killed: with the next channel of that name"},
    {OPTION_SUBSCRIBE, "subscribe", "FROM",
     "get every message, whoever else does, from `now` on or from the `oldest` "
     "that is still there; a channel made by this command is for that"},
    {'s', "size", "SIZE",
     "bytes of data that a channel made by this command holds (1M)"},
    {OPTION_EXISTING, "existing", NULL, "make no channel where there is none"},
    {OPTION_UNLINK, "unlink", NULL,
     "remove the name at the end, unless others have the channel open"},
    {'p', "progress", NULL, "show how much and how fast, on a terminal"},
    {'j', "json", NULL, "the same as --framing=json"},
    {0},
};

static const struct command_help help = {
    .name = "recv",
    .operands = "NAME",
    .summary = "Writes messages to standard output, until the channel is "
               "closed and empty",
    .text =
        "If there is no such channel, makes it and waits for writers.\n\n"
        "FORM says how messages are written:\n"
        "  lines   each with a newline behind it (one that is a newline alone\n"
        "          stands for an empty line)\n"
        "  length  each after its size: 4 bytes, the most significant first\n"
        "  whole   the first one, as it is; no more\n"
        "  bytes   one after the other, nothing in between\n"
        "  json    an object on a line each: offset, size, and text, or "
        "base64\n"
        "          if it is no text in UTF-8\n"
        "\nSIGINT, SIGTERM and SIGHUP end it when all that it took is written, "
        "a second\none at once.\n",
    .options = options,
    .exits =
        "  0  the channel was closed and all was written, or N messages were\n"
        "  1  all writers were killed; with --no-wait: there was no message\n"
        "  3  the output cannot be written, or a call failed\n"
        "  4  with --existing: there is no such channel\n"
        "  5  another process has the role of the one consumer; or all places "
        "for\n"
        "     subscribers are taken\n"
        "  6  no message came in time\n"
        "  7  the channel was closed before N messages came\n",
};

static bool parse_from(const char *text, uint32_t *from)
{
    *from = strcmp(text, "oldest") == 0 ? IPC_SUBSCRIBE_FROM_OLDEST
                                        : IPC_SUBSCRIBE_FROM_NOW;
    return *from == IPC_SUBSCRIBE_FROM_OLDEST || strcmp(text, "now") == 0;
}

static void set_option(struct receive *r, const struct command_scan *scan,
                       int id)
{
    const char *value = scan->value;
    bool good = true;

    switch (id) {
    case 'f':
        good = framing_parse(value, &r->framing);
        break;
    case 'n':
        good = command_parse_count(value, &r->wanted);
        break;
    case 't':
        good = command_parse_duration(value, &r->timeout_ns);
        break;
    case 's':
        good =
            command_parse_size(value, &r->options.size) && r->options.size > 0;
        break;
    case OPTION_SUBSCRIBE:
        r->options.configuration.flags |= IPC_BUFFER_BROADCAST;
        r->subscribes = true;
        good = parse_from(value, &r->from);
        break;
    case OPTION_NO_WAIT:
        r->no_wait = true;
        break;
    case 'F':
        r->follow = true;
        break;
    case OPTION_EXISTING:
        r->options.flags |= IPC_OPEN_CONNECT_ONLY;
        break;
    case OPTION_UNLINK:
        r->options.flags |= IPC_OPEN_UNLINK_LAST;
        break;
    case 'p':
        r->show_progress = true;
        break;
    case 'j':
        r->framing = FRAMING_JSON;
        break;
    }
    if (!good)
        command_refuse_value(scan);
}

static int run(struct receive *r)
{
    int code;

    if (!stop_arm())
        return COMMAND_FAILED;
    /* It is told by the write, which does not end us with messages in hand. */
    signal(SIGPIPE, SIG_IGN);
    r->room = ROOM;
    r->memory = malloc(ROOM);
    if (!output_open(&r->output, STDOUT_FILENO) || !r->memory) {
        command_complain("no memory");
        return COMMAND_FAILED;
    }
    code = join(r);
    if (code == COMMAND_OK) {
        /* What is followed may come. */
        r->options.flags &= ~IPC_OPEN_CONNECT_ONLY;
        progress_start(&r->progress, r->show_progress);
        code = finish(r, receive_all(r));
    }
    output_close(&r->output);
    free(r->memory);
    return stop_finish(code);
}

int command_recv(int argc, char **argv)
{
    static struct receive r = {.wanted = UINT64_MAX, .timeout_ns = UINT64_MAX};
    struct command_scan scan;
    int id;

    r.options = join_defaults();
    command_begin(&scan, &help, argc, argv);
    while ((id = command_next(&scan)) != -1)
        set_option(&r, &scan, id);
    r.name = command_operands(&scan, 1, 1)[0];
    if (!r.follow)
        r.options.configuration.options = IPC_CHANNEL_REPORT_DEAD_PRODUCERS;
    if (r.framing == FRAMING_WHOLE && r.wanted > 1)
        r.wanted = 1;
    return run(&r);
}
