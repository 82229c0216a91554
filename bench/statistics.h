/* SPDX-License-Identifier: MIT */
/*
 * Values that some outliers do not change.
 */
#ifndef BENCH_STATISTICS_H
#define BENCH_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

/* The value below which `share` of them are; sorts them. 0 if there is none. */
double stat_quantile(double *values, size_t count, double share);

/* The median of the means of each 100 values that follow one another: finer
 * than a median where the clock is coarse, and yet robust. */
double stat_mean(const uint64_t *values, size_t count);

#endif
