/* SPDX-License-Identifier: MIT */
#include "report.h"
#include "bench_config.h"
#include "statistics.h"
#include "transports.h"
#include <shmipc/shmipc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

enum { MAX_ROWS = 4096 };

static struct row *rows[MAX_ROWS];
static int row_count;

struct row *report_row(const char *workload, const struct transport *t,
                       const struct load *load, struct placement place,
                       const char *group)
{
    struct row *row = calloc(1, sizeof *row);

    if (!row || row_count == MAX_ROWS) {
        fprintf(stderr, "too many results for one run\n");
        exit(2);
    }
    row->workload = workload;
    row->transport = t->name;
    row->note = t->note;
    row->traits = t->traits;
    row->load = *load;
    row->place = place;
    snprintf(row->group, sizeof row->group, "%s", group);
    rows[row_count++] = row;
    return row;
}

static const struct figure *find_figure(const struct row *row, const char *name)
{
    for (int i = 0; i < REPORT_MAX_FIGURES && row->figures[i].name; i++)
        if (strcmp(row->figures[i].name, name) == 0)
            return &row->figures[i];
    return NULL;
}

void report_add(struct row *row, const char *name, double value)
{
    struct figure *f = row->figures;

    while (f->name && strcmp(f->name, name) != 0)
        f++;
    f->name = name;
    if (f->count < REPORT_MAX_ROUNDS)
        f->values[f->count++] = value;
}

void report_status(struct row *row, const struct outcome *outcome)
{
    if (outcome->status > row->status)
        row->status = outcome->status;
    row->sent += outcome->sent;
    row->received += outcome->received;
    row->wrong += outcome->wrong;
    row->skipped += outcome->skipped;
}

bool report_is_usable(const struct outcome *outcome)
{
    return outcome->received > 0 &&
           (outcome->status == RUN_OK || outcome->status == RUN_WRONG);
}

static double quantile(const struct figure *f, double share)
{
    double values[REPORT_MAX_ROUNDS];

    if (!f)
        return 0;
    memcpy(values, f->values, sizeof values);
    return stat_quantile(values, (size_t)f->count, share);
}

double report_median(const struct row *row, const char *figure)
{
    return quantile(find_figure(row, figure), 0.5);
}

void report_limit(struct row *row, const char *name, const struct figure *limit)
{
    row->limit = name;
    row->limit_figure = *limit;
}

void report_limit_value(struct row *row, const char *name, double value)
{
    const struct figure limit = {.values = {value}, .count = 1};

    report_limit(row, name, &limit);
}

/* The median of the rounds' ratios, or, where rounds do not match, the ratio
 * of the medians. 0 if there is no limit. */
static double multiple(const struct row *row)
{
    const struct figure *f = &row->figures[0], *limit = &row->limit_figure;
    double limit_median = quantile(limit, 0.5);
    struct figure ratios = {.count = 0};

    if (!row->limit || !(limit_median > 0))
        return 0;
    if (f->count != limit->count)
        return quantile(f, 0.5) / limit_median;
    for (int i = 0; i < f->count; i++)
        if (limit->values[i] > 0)
            ratios.values[ratios.count++] = f->values[i] / limit->values[i];
    return quantile(&ratios, 0.5);
}

/* ---------------------------------------------------------------- tables */

static int figure_count(const struct row *row)
{
    int count = 0;

    while (count < REPORT_MAX_FIGURES && row->figures[count].name)
        count++;
    return count;
}

static void print_number(double value)
{
    int digits = value >= 1000 ? 0 : value >= 100 ? 1 : value >= 1 ? 2 : 4;

    printf(" %11.*f", value == 0 ? 0 : digits, value);
}

static void print_header(const struct row *row)
{
    printf("\n%s: %s\n%-32s", row->workload, row->group, "");
    for (int i = 0; i < REPORT_MAX_FIGURES && row->figures[i].name; i++)
        printf(" %11s", row->figures[i].name);
    printf("  spread");
    if (row->limit)
        printf("  x %s", row->limit);
    printf("\n");
}

static void print_row(const struct row *row, int columns)
{
    const struct figure *first = &row->figures[0];
    double median = quantile(first, 0.5);

    printf("%-32s", row->transport);
    for (int i = 0; i < REPORT_MAX_FIGURES && row->figures[i].name; i++)
        print_number(quantile(&row->figures[i], 0.5));
    printf("%*s", 12 * (columns - figure_count(row)), "");
    if (median > 0)
        printf("  %4.0f %%",
               100 * (quantile(first, 1) - quantile(first, 0)) / median);
    if (row->limit && first->count)
        printf("  %8.3f", multiple(row));
    if (row->status != RUN_OK)
        printf("  %s: sent %llu, received %llu, wrong %llu",
               run_status_name(row->status), (unsigned long long)row->sent,
               (unsigned long long)row->received,
               (unsigned long long)row->wrong);
    printf("%s\n", row->traits & TRAIT_FIXED_SLOT ? "  (fixed slots)" : "");
}

/* Of the rows of this one's group, the one with most figures, which name the
 * columns. */
static const struct row *widest(const struct row *row)
{
    const struct row *best = row;

    for (int i = 0; i < row_count; i++)
        if (strcmp(rows[i]->workload, row->workload) == 0 &&
            strcmp(rows[i]->group, row->group) == 0 &&
            figure_count(rows[i]) > figure_count(best))
            best = rows[i];
    return best;
}

void report_print(const char *workload)
{
    const struct row *columns = NULL;

    for (int i = 0; i < row_count; i++) {
        if (strcmp(rows[i]->workload, workload) != 0)
            continue;
        if (!columns || strcmp(rows[i]->group, columns->group) != 0) {
            columns = widest(rows[i]);
            print_header(columns);
        }
        print_row(rows[i], figure_count(columns));
    }
    fflush(stdout);
}

bool report_is_bad(void)
{
    for (int i = 0; i < row_count; i++)
        if ((rows[i]->traits & TRAIT_OURS) && rows[i]->status != RUN_OK &&
            rows[i]->status != RUN_UNAVAILABLE)
            return true;
    return false;
}

/* ------------------------------------------------------------------ JSON */

static void json_string(FILE *to, const char *text)
{
    fputc('"', to);
    for (; text && *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', to);
        if ((unsigned char)*text >= ' ')
            fputc(*text, to);
    }
    fputc('"', to);
}

static void cpu_model(char *model, size_t size)
{
    FILE *info = fopen("/proc/cpuinfo", "r");
    char line[256];

    snprintf(model, size, "unknown");
    while (info && fgets(line, sizeof line, info)) {
        char *value = strstr(line, ": ");

        if (strncmp(line, "model name", 10) == 0 && value) {
            value[strcspn(value, "\n")] = 0;
            snprintf(model, size, "%s", value + 2);
            break;
        }
    }
    if (info)
        fclose(info);
}

static void json_machine(FILE *to)
{
    time_t now = time(NULL);
    struct utsname system;
    char model[128];
    char date[32];

    uname(&system);
    cpu_model(model, sizeof model);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    fprintf(to, "\"machine\": {\"cpu\": ");
    json_string(to, model);
    fprintf(to, ", \"cpus\": %d, \"arch\": \"%s\", \"kernel\": \"%s %s\"",
            run_cpu_count(), system.machine, system.sysname, system.release);
    fprintf(to, ", \"compiler\": ");
    json_string(to, BENCH_COMPILER);
    fprintf(to, ", \"flags\": ");
    json_string(to, BENCH_FLAGS);
    fprintf(to, ", \"library\": \"%s\", \"date\": \"%s\"", ipc_version(), date);
    fprintf(to, ", \"clock_ns\": %.1f},\n",
            (double)run_clock_ticks() * run_ns_per_tick());
}

static void json_figures(FILE *to, const struct row *row)
{
    fprintf(to, "\"figures\": {");
    for (int i = 0; i < REPORT_MAX_FIGURES && row->figures[i].name; i++) {
        const struct figure *f = &row->figures[i];

        fprintf(to,
                "%s\"%s\": {\"median\": %.6g, \"min\": %.6g, "
                "\"max\": %.6g, \"rounds\": [",
                i ? ", " : "", f->name, quantile(f, 0.5), quantile(f, 0),
                quantile(f, 1));
        for (int k = 0; k < f->count; k++)
            fprintf(to, "%s%.6g", k ? ", " : "", f->values[k]);
        fprintf(to, "]}");
    }
    fprintf(to, "}");
}

static void json_row(FILE *to, const struct row *row)
{
    const char *kind = row->traits & TRAIT_OURS    ? "ours"
                       : row->traits & TRAIT_LIMIT ? "limit"
                                                   : "peer";

    fprintf(to, "  {\"workload\": \"%s\", \"group\": ", row->workload);
    json_string(to, row->group);
    fprintf(to, ", \"transport\": ");
    json_string(to, row->transport);
    fprintf(to,
            ", \"kind\": \"%s\", \"fixed_slot\": %s, \"size\": %zu, "
            "\"producers\": %u, \"consumers\": %u, \"batch\": %u, "
            "\"in_place\": %s, \"memory\": %zu, \"cpus\": [%d, %d], ",
            kind, row->traits & TRAIT_FIXED_SLOT ? "true" : "false",
            row->load.size, row->load.producers, row->load.consumers,
            row->load.batch, row->load.in_place ? "true" : "false",
            row->load.memory, row->place.senders, row->place.receivers);
    fprintf(to,
            "\"status\": \"%s\", \"sent\": %llu, \"received\": %llu, "
            "\"wrong\": %llu, \"note\": ",
            run_status_name(row->status), (unsigned long long)row->sent,
            (unsigned long long)row->received, (unsigned long long)row->wrong);
    json_string(to, row->note);
    fprintf(to, ",\n   ");
    json_figures(to, row);
    if (row->line.count > 0)
        fprintf(to, ", \"line_ns\": [%.6g, %.6g, %.6g]",
                quantile(&row->line, 0), quantile(&row->line, 0.5),
                quantile(&row->line, 1));
    if (row->limit && row->figures[0].count > 0)
        fprintf(to,
                ", \"limit\": \"%s\", \"limit_value\": %.6g, "
                "\"multiple\": %.6g",
                row->limit, quantile(&row->limit_figure, 0.5), multiple(row));
    fprintf(to, "}");
}

void report_json(FILE *to)
{
    fprintf(to, "{\"schema\": 1,\n");
    json_machine(to);
    fprintf(to, "\"missing\": [");
    for (int i = 0; transports_missing[i]; i++)
        fprintf(to, "%s\"%s\"", i ? ", " : "", transports_missing[i]);
    fprintf(to, "],\n\"results\": [\n");
    for (int i = 0; i < row_count; i++) {
        json_row(to, rows[i]);
        fprintf(to, "%s\n", i + 1 < row_count ? "," : "");
    }
    fprintf(to, "]}\n");
}
