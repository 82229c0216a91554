/* SPDX-License-Identifier: MIT */
#include "samples.h"
#include <json-c/json.h>
#include <stdlib.h>

enum {
    ROWS = 12,
    LABEL = 38, /* columns in front of the bars */
    WIDTH_LEAST = LABEL + 10,
};

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

void samples_sort(struct samples *samples)
{
    qsort(samples->ns, samples->count, sizeof samples->ns[0], compare);
}

uint64_t samples_quantile(const struct samples *samples, double share)
{
    const double place = share * (double)samples->count;
    size_t rank = (size_t)place;

    if (samples->count == 0)
        return 0;
    if (place > (double)rank)
        rank++;
    if (rank == 0)
        rank = 1;
    return samples->ns[rank <= samples->count ? rank - 1 : samples->count - 1];
}

/* How many are below `ns`. */
static size_t count_below(const struct samples *samples, uint64_t ns)
{
    size_t from = 0, to = samples->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (samples->ns[middle] < ns)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void draw_bar(FILE *to, size_t count, size_t most, int columns)
{
    size_t length = count * (size_t)columns / (most ? most : 1);

    if (count > 0)
        fputc(' ', to);
    /* What is there is seen. */
    for (size_t i = 0; i < length || (i == 0 && count > 0); i++)
        fputc('#', to);
    fputc('\n', to);
}

/* The edges of the rows grow by a constant factor, from the least time to one
 * that few exceed; the last row has no end. */
static int make_edges(const struct samples *samples, uint64_t edges[ROWS])
{
    double first = (double)samples->ns[0] + 1;
    double last = (double)samples_quantile(samples, 0.999) + 1;
    double factor = 1, edge = first;
    int rows = 0;

    /* factor^(ROWS - 1) = last / first, found without libm. */
    for (double step = 1; step > 1e-9; step /= 2) {
        double power = first;

        for (int i = 0; i < ROWS - 1; i++)
            power *= factor + step;
        if (power <= last)
            factor += step;
    }
    edges[rows++] = samples->ns[0];
    for (int i = 1; i < ROWS; i++) {
        edge *= factor;
        if ((uint64_t)edge > edges[rows - 1])
            edges[rows++] = (uint64_t)edge;
    }
    return rows;
}

void samples_draw(const struct samples *samples, FILE *to, int width)
{
    uint64_t edges[ROWS];
    size_t below[ROWS + 1], most = 0;
    int rows;

    if (samples->count == 0)
        return;
    if (width < WIDTH_LEAST)
        width = WIDTH_LEAST;
    rows = make_edges(samples, edges);
    below[rows] = samples->count;
    for (int i = rows - 1; i >= 0; i--) {
        below[i] = count_below(samples, edges[i]);
        if (below[i + 1] - below[i] > most)
            most = below[i + 1] - below[i];
    }
    for (int i = 0; i < rows; i++) {
        size_t count = below[i + 1] - below[i];

        if (i + 1 < rows)
            fprintf(to, "  %9llu to %9llu ns ", (unsigned long long)edges[i],
                    (unsigned long long)edges[i + 1] - 1);
        else
            fprintf(to, "  %9llu and more    ns ",
                    (unsigned long long)edges[i]);
        fprintf(to, "%8zu", count);
        draw_bar(to, count, most, width - LABEL);
    }
}

struct json_object *samples_to_json(const struct samples *samples)
{
    static const struct {
        const char *name;
        double share;
    } shares[] = {{"min_ns", 0},    {"p50_ns", 0.5},     {"p90_ns", 0.9},
                  {"p99_ns", 0.99}, {"p99_9_ns", 0.999}, {"max_ns", 1}};
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "samples",
                           json_object_new_uint64(samples->count));
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++)
        json_object_object_add(
            o, shares[i].name,
            json_object_new_uint64(samples_quantile(samples, shares[i].share)));
    return o;
}
