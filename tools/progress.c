/* SPDX-License-Identifier: MIT */
#include "progress.h"
#include "command.h"
#include "style.h"
#include <stdio.h>
#include <time.h>

enum { TELL_EVERY_NS = 200 * 1000 * 1000 };

uint64_t progress_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void progress_start(struct progress *p, bool wanted)
{
    *p = (struct progress){.shown = wanted && style_is_terminal(stderr)};
    p->started = p->last = progress_now();
}

/* "12.3 M/s": a rate that a person can take in while it changes. */
static const char *format_rate(double rate, char to[COMMAND_TEXT_MAX])
{
    static const char *const units[] = {"", " k", " M", " G"};
    size_t i = 0;

    while (rate >= 1000 && i + 1 < sizeof units / sizeof units[0]) {
        rate /= 1000;
        i++;
    }
    snprintf(to, COMMAND_TEXT_MAX, "%.*f%s", i == 0 || rate >= 100 ? 0 : 1,
             rate, units[i]);
    return to;
}

static void print_line(const char *verb, uint64_t messages, uint64_t bytes,
                       double message_rate, double byte_rate)
{
    char total[COMMAND_TEXT_MAX], rate[COMMAND_TEXT_MAX],
        flow[COMMAND_TEXT_MAX];

    /* What was there before may have been longer. */
    fprintf(stderr, "\r%s %llu messages, %s: %s/s, %sB/s\033[K", verb,
            (unsigned long long)messages, command_format_size(bytes, total),
            format_rate(message_rate, rate), format_rate(byte_rate, flow));
    fflush(stderr);
}

static double per_second(uint64_t amount, uint64_t ns)
{
    return ns ? (double)amount * 1e9 / (double)ns : 0;
}

void progress_tell(struct progress *p, const char *verb, uint64_t messages,
                   uint64_t bytes)
{
    uint64_t now;

    if (!p->shown)
        return;
    now = progress_now();
    if (now - p->last < TELL_EVERY_NS)
        return;
    print_line(verb, messages, bytes,
               per_second(messages - p->last_messages, now - p->last),
               per_second(bytes - p->last_bytes, now - p->last));
    p->begun = true;
    p->last = now;
    p->last_messages = messages;
    p->last_bytes = bytes;
}

void progress_end(struct progress *p, const char *verb, uint64_t messages,
                  uint64_t bytes)
{
    uint64_t took = progress_now() - p->started;

    if (!p->shown)
        return;
    print_line(verb, messages, bytes, per_second(messages, took),
               per_second(bytes, took));
    fputc('\n', stderr);
}
