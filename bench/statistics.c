/* SPDX-License-Identifier: MIT */
#include "statistics.h"
#include <stdlib.h>

enum { CHUNK = 100 };

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

double stat_quantile(double *values, size_t count, double share)
{
    double place = (double)(count - 1) * share;
    size_t below = (size_t)place;

    if (count == 0)
        return 0;
    qsort(values, count, sizeof *values, compare_doubles);
    if (below + 1 >= count)
        return values[count - 1];
    return values[below] +
           (place - (double)below) * (values[below + 1] - values[below]);
}

static double plain_mean(const uint64_t *values, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (double)values[i];
    return count ? sum / (double)count : 0;
}

double stat_mean(const uint64_t *values, size_t count)
{
    size_t chunks = count / CHUNK;
    double *means = chunks ? calloc(chunks, sizeof *means) : NULL;
    double mean;

    if (!means)
        return plain_mean(values, count);
    for (size_t i = 0; i < chunks; i++)
        means[i] = plain_mean(values + i * CHUNK, CHUNK);
    mean = stat_quantile(means, chunks, 0.5);
    free(means);
    return mean;
}
