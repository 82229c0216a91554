/* SPDX-License-Identifier: MIT */
/*
 * The steps that led here, in words.
 */
#include "model.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { TRACE_MAX = 20000 };

static struct {
    int actor;
    const char *what; /* an event */
    bool is_result;
    char kind;
    int call;
    struct access access;
    int choice;
    uint64_t outcome;
    struct result result;
} trace[TRACE_MAX];

static int next_step(int actor)
{
    int i = world.trace_length;

    if (i == TRACE_MAX)
        harness_error("the trace is too long");
    world.trace_length++;
    trace[i].actor = actor;
    trace[i].what = NULL;
    trace[i].is_result = false;
    trace[i].call = actor == CHECKER ? 0 : world.actors[actor].call;
    trace[i].kind = actor == CHECKER || trace[i].call >= scripts[actor].count
                        ? ' '
                        : scripts[actor].calls[trace[i].call].kind;
    return i;
}

void trace_access(int actor, const struct access *a, int choice,
                  uint64_t result)
{
    int i = next_step(actor);

    trace[i].access = *a;
    trace[i].choice = choice;
    trace[i].outcome = result;
}

void trace_result(int actor, const struct result *result)
{
    int i = next_step(actor);

    trace[i].is_result = true;
    trace[i].result = *result;
}

void trace_event(int actor, const char *what)
{
    trace[next_step(actor)].what = what;
}

/* -------------------------------------------------------------- printing */

static const char *decode_control(uint64_t word, char *to, size_t size)
{
    static const char *const states[] = {"FREE", "READY", "BUSY", "PAD",
                                         "SKIP"};
    uint32_t state = control_state(word);
    uint32_t value = control_value(word);

    if (state == CONTROL_ARRAY)
        snprintf(to, size, "ARRAY(%u of %u bytes) of lap %u",
                 control_array_count(value), control_array_size(value),
                 control_tag(word));
    else
        snprintf(to, size, "%s(%#x) of lap %u", state < 5 ? states[state] : "?",
                 value, control_tag(word));
    return to;
}

static const char *decode_position(uint64_t position, char *to, size_t size)
{
    const struct ring *r = &world.channels[CHECKER].buffer.ring;
    uint64_t block = position_of_head(position);
    int used = snprintf(to, size, "lap %llu block %u",
                        (unsigned long long)position_lap(r, block),
                        position_index(r, block));

    if (position_item(position) > 0)
        snprintf(to + used, size - (size_t)used, " item %u",
                 position_item(position));
    return to;
}

static const char *decode(int location, uint64_t value, char *to, size_t size)
{
    const char *name = location_name(location);

    if (strncmp(name, "control", 7) == 0)
        return decode_control(value, to, size);
    if (strcmp(name, "tail") == 0 || strcmp(name, "head") == 0 ||
        strcmp(name, "room_end") == 0)
        return decode_position(value, to, size);
    if (strstr(name, "block"))
        snprintf(to, size, "entry %u size %u chunk %u", (unsigned)(value >> 32),
                 (unsigned)(value >> 8 & 0xffff), (unsigned)(value & 255));
    else
        snprintf(to, size, "%#llx", (unsigned long long)value);
    return to;
}

static void print_access(const struct access *a, int choice, uint64_t outcome)
{
    static const char *const orders[] = {"relaxed", "acquire", "release",
                                         "acq_rel"};
    static const char *const kinds[] = {
        "load",    "store", "cas",     "add",   "swap", "copy", "copy",
        "fate of", "fence", "barrier", "sleep", "wake", "lock", "ask"};
    char text[2][64];
    int l = a->location;

    printf("%-7s %-13s ", kinds[a->kind], location_name(l));
    if (a->kind == FATE)
        printf("%c: %s", 'A' + (int)a->value, outcome ? "dead" : "alive");
    else if (a->kind == SLEEP)
        printf("%s", outcome ? "sleeps" : "has changed");
    else if (a->kind == WAKE)
        printf("%u", (unsigned)outcome);
    else if (a->kind == LOCK)
        printf("slot %u by %d", (unsigned)a->seen, (int)(int32_t)a->value);
    else if (a->kind == ASK)
        printf("slot %u: %s", (unsigned)a->seen, outcome ? "held" : "not held");
    else if (a->kind == FENCE || a->kind == BARRIER)
        printf("-");
    else if (a->kind == LOAD || a->kind == PLAIN_LOAD)
        printf("gives %s", decode(l, outcome, text[0], sizeof text[0]));
    else if (a->kind == CAS)
        printf("%s -> %s: %s", decode(l, a->seen, text[0], sizeof text[0]),
               decode(l, a->value, text[1], sizeof text[1]),
               outcome ? "done" : "FAILS");
    else
        printf("%s", decode(l, a->value, text[0], sizeof text[0]));
    if (a->kind < PLAIN_LOAD)
        printf(" (%s)", orders[a->order]);
    if (choice)
        printf(" (%s, %d before the latest)",
               a->kind == LOAD ? "stale" : "in the middle", choice);
    printf("\n");
}

void trace_print(void)
{
    for (int i = 0; i < world.trace_length; i++) {
        char name = trace[i].actor == CHECKER ? '*' : 'A' + trace[i].actor;

        printf("  %3d  %c%d%c  ", i + 1, name, trace[i].call + 1,
               trace[i].kind);
        if (trace[i].what)
            printf("--- %s\n", trace[i].what);
        else if (trace[i].is_result)
            printf("=> %s, entry %u\n", ipc_status_name(trace[i].result.status),
                   trace[i].result.id);
        else
            print_access(&trace[i].access, trace[i].choice, trace[i].outcome);
    }
}

_Noreturn void violation(const char *format, ...)
{
    va_list arguments;

    printf("VIOLATION in %s: ", running->name);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n  script \"%s\", %u blocks, %s memory\n", running->script,
           running->blocks, options.weak ? "weak" : "SC");
    trace_print();
    fflush(stdout);
    _Exit(1);
}

_Noreturn void harness_error(const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "model: %s: ", running ? running->name : "");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    _Exit(2);
}
