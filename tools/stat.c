/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "report.h"
#include "style.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define INTERVAL_NS       UINT64_C(200000000)
#define WATCH_INTERVAL_NS UINT64_C(1000000000)

enum { PROMETHEUS = 256, COUNT };

static const struct command_option options[] = {
    {'w', "watch", NULL, "look again and again, until interrupted"},
    {'i', "interval", "TIME",
     "time between two looks: 0.2s, or 1s with --watch; 0: look once, without "
     "rates"},
    {COUNT, "count", "N", "with --watch: end after N looks"},
    COMMAND_JSON_OPTION,
    {PROMETHEUS, "prometheus", NULL,
     "print metrics as Prometheus reads them (node_exporter's textfile "
     "collector)"},
    {0},
};

static const struct command_help help = {
    .name = "stat",
    .operands = "NAME",
    .summary = "Shows what is in a channel, who uses it, and what is wrong",
    .text = "Only looks: stores nothing in the segment, takes no part in the "
            "channel, and\nneeds no more than the right to read the file. It "
            "works on what no program can\nconnect to any more: damaged, half "
            "made, of another version or another program.\n\nRates are those "
            "between two looks. Offsets count bytes since creation. What "
            "it\nsays of processes is what this user may see.\n",
    .options = options,
    .exits = "  0  nothing is wrong\n"
             "  1  something is, and is told in words\n"
             "  3  it cannot be read\n"
             "  4  there is nothing of that name\n",
};

enum form { FORM_TEXT, FORM_JSON, FORM_PROMETHEUS };

struct request {
    const char *name;
    enum form form;
    bool watch;
    uint64_t interval, count; /* count 0: without end */
};

static volatile sig_atomic_t is_over;

static void on_signal(int number)
{
    (void)number;
    is_over = 1;
}

/* Until a signal asks us to end, also one that came just before. */
static void rest(uint64_t ns)
{
    struct timespec time = {.tv_sec = (time_t)(ns / 1000000000),
                            .tv_nsec = (long)(ns % 1000000000)};
    sigset_t asking, before;

    sigemptyset(&asking);
    sigaddset(&asking, SIGINT);
    sigaddset(&asking, SIGTERM);
    sigprocmask(SIG_BLOCK, &asking, &before);
    if (!is_over)
        ppoll(NULL, 0, &time, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void print(const struct request *q, const struct report *report)
{
    switch (q->form) {
    case FORM_TEXT:
        report_print(report);
        break;
    case FORM_JSON:
        report_print_json(report, q->watch);
        break;
    case FORM_PROMETHEUS:
        report_print_prometheus(report);
        break;
    }
}

/* A COMMAND_* code that is not COMMAND_OK is why there is no report. */
static int look(const struct request *q, struct report_past *past,
                struct report *report)
{
    int error = report_open(report, q->name, past);

    return error ? command_complain_of(q->name, error) : COMMAND_OK;
}

static int show(const struct request *q)
{
    struct report_past past = {0};
    struct report report;
    int code = look(q, &past, &report);

    if (code == COMMAND_OK && q->interval > 0) {
        report_close(&report);
        rest(q->interval);
        code = look(q, &past, &report);
    }
    if (code != COMMAND_OK)
        return code;
    print(q, &report);
    code = finding_is_bad(&report.findings) ? COMMAND_FOUND : COMMAND_OK;
    report_close(&report);
    return code;
}

/* The cursor goes home and what is left of the last look is cleared, line by
 * line: no flicker. */
static void begin_screen(bool is_screen, bool is_first)
{
    if (is_screen)
        fputs(is_first ? "\033[?25l\033[2J\033[H" : "\033[H", stdout);
}

static void end_screen(bool is_screen)
{
    if (is_screen)
        fputs("\033[J", stdout);
    fflush(stdout);
}

static int watch(const struct request *q)
{
    bool is_screen = q->form == FORM_TEXT && style_is_terminal(stdout);
    struct report_past past = {0};
    struct sigaction action = {.sa_handler = on_signal};
    int code = COMMAND_OK;

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    style_overwrite(is_screen);
    for (uint64_t i = 0; !is_over && (q->count == 0 || i < q->count); i++) {
        struct report report;

        if (i > 0)
            rest(q->interval);
        if (is_over)
            break;
        code = look(q, &past, &report);
        if (code != COMMAND_OK)
            break;
        begin_screen(is_screen, i == 0);
        print(q, &report);
        if (!is_screen && q->form == FORM_TEXT)
            putchar('\n');
        end_screen(is_screen);
        code = finding_is_bad(&report.findings) ? COMMAND_FOUND : COMMAND_OK;
        report_close(&report);
    }
    if (is_screen)
        fputs("\033[?25h", stdout);
    return code;
}

static void read_option(struct command_scan *scan, int id, struct request *q)
{
    if (id == 'w')
        q->watch = true;
    else if (id == 'j')
        q->form = FORM_JSON;
    else if (id == PROMETHEUS)
        q->form = FORM_PROMETHEUS;
    else if (id == 'i' ? !command_parse_duration(scan->value, &q->interval)
                       : !command_parse_count(scan->value, &q->count))
        command_refuse_value(scan);
}

int command_stat(int argc, char **argv)
{
    struct request q = {.interval = UINT64_MAX};
    struct command_scan scan;

    command_begin(&scan, &help, argc, argv);
    for (int id; (id = command_next(&scan)) != -1;)
        read_option(&scan, id, &q);
    q.name = command_operands(&scan, 1, 1)[0];
    if (q.interval == UINT64_MAX)
        q.interval = q.watch ? WATCH_INTERVAL_NS : INTERVAL_NS;
    return command_finish(q.watch ? watch(&q) : show(&q));
}
