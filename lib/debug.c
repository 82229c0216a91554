/* SPDX-License-Identifier: MIT */
#include "debug.h"

#include "cancel.h"
#include <errno.h>
#include <shmipc/shmipc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

_Atomic int debug_state;

static bool is_on(void)
{
    /* Each thread finds the same. */
    if (debug_state == DEBUG_NOT_KNOWN) {
        const char *value = secure_getenv("SHMIPC_DEBUG");

        debug_state = value && strcmp(value, "1") == 0 ? DEBUG_ON : DEBUG_OFF;
    }
    return debug_state == DEBUG_ON;
}

/* --------------------------------------------------------------- a line */

struct line {
    int error; /* errno, which is not changed */
    size_t length;
    char text[768]; /* what does not fit is left out */
};

__attribute__((format(printf, 2, 0))) static void
add_list(struct line *l, const char *format, va_list arguments)
{
    const size_t room = sizeof l->text - l->length;
    int more = vsnprintf(l->text + l->length, room, format, arguments);

    if (more > 0)
        l->length += (size_t)more < room ? (size_t)more : room - 1;
}

__attribute__((format(printf, 2, 3))) static void add(struct line *l,
                                                      const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_list(l, format, arguments);
    va_end(arguments);
}

static void begin(struct line *l)
{
    l->error = errno;
    l->length = 0;
    add(l, "shmipc[%d]: ", (int)getpid());
}

/* In one write, so that lines of several processes do not mix. Where it cannot
 * be said, it is not. */
static void end(struct line *l)
{
    const int state = cancel_disable();
    ssize_t written;

    l->text[l->length++] = '\n'; /* in the place of the last 0 */
    written = write(STDERR_FILENO, l->text, l->length);
    (void)written;
    cancel_restore(state);
    errno = l->error;
}

void debug_say(const char *format, ...)
{
    struct line line;
    va_list arguments;

    if (!is_on())
        return;
    begin(&line);
    va_start(arguments, format);
    add_list(&line, format, arguments);
    va_end(arguments);
    end(&line);
}

/* ------------------------------------------------------ what is in bodies */

struct member {
    const char *type;
    const char *name;
    size_t offset;
    size_t size; /* of an int or an int64_t, or one without a sign */
};

#define MEMBER(type, name)                                                     \
#type, #name, offsetof(type, name), sizeof((type *)NULL)->name

static const struct member members[] = {
    {MEMBER(IpcBufferWriteError, offset)},
    {MEMBER(IpcBufferWriteError, requested_size)},
    {MEMBER(IpcBufferWriteError, required_size)},
    {MEMBER(IpcBufferWriteError, free_space)},
    {MEMBER(IpcBufferWriteError, available_contiguous)},
    {MEMBER(IpcBufferWriteError, buffer_size)},
    {MEMBER(IpcBufferReadError, offset)},
    {MEMBER(IpcBufferReadError, required_size)},
    {MEMBER(IpcBufferReadError, lost)},
    {MEMBER(IpcBufferPeekError, offset)},
    {MEMBER(IpcBufferPeekError, lost)},
    {MEMBER(IpcBufferSkipError, offset)},
    {MEMBER(IpcBufferCommitError, offset)},
    {MEMBER(IpcBufferCreateError, requested_size)},
    {MEMBER(IpcBufferCreateError, min_size)},
    {MEMBER(IpcBufferCreateError, value)},
    {MEMBER(IpcBufferAttachError, min_size)},
    {MEMBER(IpcBufferAttachError, value)},
    {MEMBER(IpcChannelSystemError, sys_errno)},
    {MEMBER(IpcChannelSystemError, value)},
    {MEMBER(IpcWaitSetSystemError, sys_errno)},
    {MEMBER(IpcOpenError, sys_errno)},
    {MEMBER(IpcOpenError, owner)},
    {MEMBER(IpcOpenError, mode)},
    {MEMBER(IpcOpenError, layout_version)},
    {MEMBER(IpcOpenError, own_layout_version)},
    {MEMBER(IpcOpenError, existing_size)},
    {MEMBER(IpcOpenError, value)},
    {MEMBER(IpcServiceError, sys_errno)},
    {MEMBER(IpcServiceError, limit)},
    {MEMBER(IpcClientError, sys_errno)},
    {MEMBER(IpcClientError, required_size)},
    {MEMBER(IpcClientError, call)},
    {MEMBER(IpcMemorySegmentError, existing_size)},
    {MEMBER(IpcMemorySegmentError, aligned_size)},
    {MEMBER(IpcMemorySegmentError, sys_errno)},
};

static int64_t number_in(const void *body, const struct member *m)
{
    const unsigned char *at = (const unsigned char *)body + m->offset;
    int64_t wide;
    int32_t narrow;

    memcpy(&narrow, at, sizeof narrow);
    if (m->size == sizeof narrow)
        return narrow;
    memcpy(&wide, at, sizeof wide);
    return wide;
}

/* What the text speaks of, and what is not 0. */
static void add_body(struct line *l, const char *type, const void *body,
                     const char *detail)
{
    const char *before = " (";

    for (size_t i = 0; i < LENGTH(members); i++) {
        const struct member *m = &members[i];
        int64_t number;

        if (strcmp(m->type, type) != 0)
            continue;
        number = number_in(body, m);
        if (number == 0 && !strstr(detail, m->name))
            continue;
        if (strcmp(m->name, "mode") == 0)
            add(l, "%smode 0%o", before, (unsigned)number);
        else
            add(l, "%s%s %lld", before, m->name, (long long)number);
        before = ", ";
    }
    if (*before == ',')
        add(l, ")");
}

/* The reason that was said last: a call that fails a million times in a loop
 * says why once. A hint: threads may say it twice. */
static _Atomic uintptr_t last;

const char *debug_failed(const char *result, int status, const char *detail,
                         const char *type, const void *body)
{
    /* Texts are static, and never changed. */
    const uintptr_t reason = (uintptr_t)detail ^ (uintptr_t)result;
    struct line line;

    if (!is_on() || last == reason)
        return detail;
    last = reason;
    begin(&line);
    add(&line, "%s: %s: %s", result, ipc_status_name((IpcStatus)status),
        detail);
    if (body)
        add_body(&line, type, body, detail);
    end(&line);
    return detail;
}
