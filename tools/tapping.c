/* SPDX-License-Identifier: MIT */
#include "tapping.h"
#include "stop.h"
#include <stdlib.h>
#include <string.h>

enum {
    ROOM = 64 << 10,
    /* So often a wait looks whether it is to stop. */
    LOOK_EVERY_NS = 100 * 1000 * 1000,
    /* What is written for so long is told of. */
    STUCK_NS = 1000 * 1000 * 1000,
};

void tapping_begin(struct tapping *t)
{
    t->wanted = t->timeout_ns = t->past_ns = UINT64_MAX;
    t->options.struct_size = sizeof t->options;
}

static bool parse_place(const char *text, uint32_t *start)
{
    static const char *const names[] = {[IPC_TAP_OLDEST] = "oldest",
                                        [IPC_TAP_NEWEST] = "newest",
                                        [IPC_TAP_NOW] = "now"};

    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i]) == 0) {
            *start = i;
            return true;
        }
    return false;
}

bool tapping_set_option(struct tapping *t, const struct command_scan *scan,
                        int id)
{
    const char *value = scan->value;
    bool good = true;

    switch (id) {
    case TAPPING_FROM:
        good = parse_place(value, &t->options.start);
        break;
    case 'n':
        good = command_parse_count(value, &t->wanted);
        break;
    case 't':
        good = command_parse_duration(value, &t->timeout_ns);
        break;
    case TAPPING_NO_WAIT:
        t->no_wait = true;
        break;
    case TAPPING_PAST:
        good = command_parse_duration(value, &t->past_ns);
        break;
    default:
        return false;
    }
    if (!good)
        command_refuse_value(scan);
    return true;
}

int tapping_open(struct tapping *t)
{
    int error = segment_open(&t->segment, t->name);
    IpcTapAttachResult r;

    if (error)
        return command_complain_of(t->name, error);
    t->room = ROOM;
    t->memory = malloc(ROOM);
    if (!t->memory || !t->segment.memory) {
        command_complain("%s: %s", t->name,
                         t->memory ? "it has no bytes, and so no channel"
                                   : "no memory");
        return COMMAND_FAILED;
    }
    r = ipc_tap_attach(t->segment.memory, t->segment.size, &t->options);
    if (r.ipc_status != IPC_OK) {
        command_complain("%s: %s (%s)", t->name, r.error.detail,
                         ipc_status_name(r.ipc_status));
        return COMMAND_FAILED;
    }
    t->tap = r.result;
    t->info.struct_size = sizeof t->info;
    ipc_tap_stats(t->tap, &t->info);
    progress_start(&t->progress, t->show_progress);
    return COMMAND_OK;
}

void tapping_close(struct tapping *t)
{
    if (t->tap)
        ipc_tap_destroy(t->tap);
    segment_close(&t->segment);
    free(t->memory);
}

/* ---------------------------------------------------------------- reading */

static int tell_message(struct tapping *t, const IpcEntry *message)
{
    int code = t->message(t->user, message);

    t->stuck_since = 0;
    t->seen++;
    t->bytes += message->size;
    progress_tell(&t->progress, t->verb, t->seen, t->bytes);
    return code == TAPPING_GO_ON && t->seen >= t->wanted ? TAPPING_ENOUGH
                                                         : code;
}

static int tell_gap(struct tapping *t, uint64_t offset, uint64_t bytes,
                    bool passed)
{
    *(passed ? &t->passed : &t->lost) += bytes;
    t->stuck_since = 0;
    return t->gap(t->user, offset, bytes, passed);
}

static int grow(struct tapping *t, uint64_t needed)
{
    unsigned char *memory = realloc(t->memory, (size_t)needed);

    if (!memory) {
        command_complain("no memory for a message of %llu bytes",
                         (unsigned long long)needed);
        return COMMAND_FAILED;
    }
    t->memory = memory;
    t->room = (size_t)needed;
    return TAPPING_GO_ON;
}

static int go_past(struct tapping *t, uint64_t offset)
{
    IpcTapSkipResult r = ipc_tap_skip(t->tap);

    if (r.ipc_status == IPC_ERR_LAGGED)
        return tell_gap(t, r.error.body.offset, r.error.body.lost, false);
    return r.ipc_status == IPC_OK
               ? tell_gap(t, offset + r.result, r.result, true)
               : TAPPING_GO_ON;
}

/* Somebody writes what comes next. GO_ON: it was passed; COMMAND_TIMEOUT: it is
 * to be waited for. */
static int see_stuck(struct tapping *t, const IpcTapError *body)
{
    uint64_t now = progress_now();

    if (t->stuck_since == 0 || t->stuck_at != body->offset) {
        t->stuck_since = now;
        t->stuck_at = body->offset;
    }
    if (now - t->stuck_since >= t->past_ns)
        return go_past(t, body->offset);
    if (now - t->stuck_since >= STUCK_NS && !t->stuck_told) {
        t->stuck_told = true;
        command_complain("%s: process %ld is writing the next message, or "
                         "stopped or dead in that: see `shmipc stat`; --past "
                         "goes past it",
                         t->name, (long)body->owner_pid);
    }
    return COMMAND_TIMEOUT;
}

static int explain(struct tapping *t, const IpcTapReadResult *r)
{
    switch (r->ipc_status) {
    case IPC_EMPTY:
    case IPC_ERR_TIMEOUT:
        t->stuck_since = 0;
        return COMMAND_TIMEOUT;
    case IPC_ERR_NOT_READY:
        return see_stuck(t, &r->error.body);
    case IPC_ERR_LAGGED:
        return tell_gap(t, r->error.body.offset, r->error.body.lost, false);
    case IPC_ERR_TOO_SMALL:
        return grow(t, r->error.body.required_size);
    case IPC_ERR_CLOSED:
        return COMMAND_CLOSED;
    default:
        break;
    }
    command_complain("%s: %s (%s)", t->name, r->error.detail,
                     ipc_status_name(r->ipc_status));
    return COMMAND_FAILED;
}

/* One read, waiting for `slice` nanoseconds. COMMAND_TIMEOUT: nothing. */
static int read_one(struct tapping *t, uint64_t slice)
{
    IpcEntry message = {0, t->memory, t->room};
    IpcTapReadResult r =
        slice ? ipc_tap_read_with_timeout(t->tap, &message, slice)
              : ipc_tap_read(t->tap, &message);

    return r.ipc_status == IPC_OK ? tell_message(t, &message) : explain(t, &r);
}

static int wait_for_more(struct tapping *t)
{
    const uint64_t began = progress_now();
    int code = t->caught_up(t->user);

    if (code == TAPPING_GO_ON)
        code = COMMAND_TIMEOUT;
    while (code == COMMAND_TIMEOUT) {
        uint64_t waited = progress_now() - began;

        progress_tell(&t->progress, t->verb, t->seen, t->bytes);
        if (stop_asked())
            return TAPPING_STOPPED;
        if (t->no_wait || waited >= t->timeout_ns)
            return COMMAND_TIMEOUT;
        code = t->timeout_ns - waited < LOOK_EVERY_NS
                   ? read_one(t, t->timeout_ns - waited)
                   : read_one(t, LOOK_EVERY_NS);
    }
    return code;
}

int tapping_run(struct tapping *t)
{
    int code = t->wanted > 0 ? TAPPING_GO_ON : TAPPING_ENOUGH;

    while (code == TAPPING_GO_ON) {
        if (stop_asked())
            code = TAPPING_STOPPED;
        else
            code = read_one(t, 0);
        if (code == COMMAND_TIMEOUT)
            code = wait_for_more(t);
    }
    progress_end(&t->progress, t->verb, t->seen, t->bytes);
    return code;
}

int tapping_code(const struct tapping *t, int code)
{
    if (code == COMMAND_TIMEOUT && t->no_wait)
        code = TAPPING_ENOUGH;
    /* Without a number that is the end that was waited for. */
    if (code == COMMAND_CLOSED && t->wanted == UINT64_MAX)
        code = TAPPING_ENOUGH;
    if (code == TAPPING_ENOUGH || code == TAPPING_STOPPED)
        code = t->lost || t->passed ? COMMAND_FOUND : COMMAND_OK;
    return code;
}
