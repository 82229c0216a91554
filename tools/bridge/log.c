/* SPDX-License-Identifier: MIT */
#include "bridge/log.h"
#include "bridge/ticks.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { LINE = 512 };

/* In one write, so that lines of several threads do not mix. */
__attribute__((format(printf, 2, 0))) static void
put(const char *route, const char *format, va_list arguments, uint64_t missed)
{
    char text[LINE], more[64] = "";

    vsnprintf(text, sizeof text, format, arguments);
    if (missed > 0)
        snprintf(more, sizeof more, " (and %" PRIu64 " times before)", missed);
    fprintf(stderr, "shmipc-bridge: %s%s%s%s\n", route ? route : "",
            route ? ": " : "", text, more);
}

void log_line(const char *route, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    put(route, format, arguments, 0);
    va_end(arguments);
}

void log_rarely(struct log_limit *limit, const char *route, const char *format,
                ...)
{
    uint64_t now = ticks_now();
    va_list arguments;

    if (limit->last && now - limit->last < TICKS_SECOND) {
        limit->missed++;
        return;
    }
    va_start(arguments, format);
    put(route, format, arguments, limit->missed);
    va_end(arguments);
    *limit = (struct log_limit){.last = now};
}
