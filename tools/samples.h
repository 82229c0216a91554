/* SPDX-License-Identifier: MIT */
/*
 * Times that were measured, every single one: what is told of them are times
 * that occurred, not the edges of buckets.
 */
#ifndef SHMIPC_TOOLS_SAMPLES_H
#define SHMIPC_TOOLS_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_object;

struct samples {
    uint64_t *ns;
    size_t count;
};

/* In order, which the others rely on. */
void samples_sort(struct samples *samples);
/* The least time that at least this share (0 to 1) of all did not exceed. */
uint64_t samples_quantile(const struct samples *samples, double share);
/* Bars, `width` columns in all, each after the times that it stands for. */
void samples_draw(const struct samples *samples, FILE *to, int width);
struct json_object *samples_to_json(const struct samples *samples);

#endif
