/* SPDX-License-Identifier: MIT */
/*
 * Standard output, with a buffer that knows how many messages are in it.
 */
#ifndef SHMIPC_TOOLS_OUTPUT_H
#define SHMIPC_TOOLS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct output {
    int fd;
    unsigned char *memory;
    size_t room, used;
    bool failed; /* for good; all but the first failure are silent */
    int error;   /* errno of that */
};

bool output_open(struct output *o, int fd);
void output_close(struct output *o);

/* Appends bytes, and writes when there are many. False: it failed. */
bool output_put(struct output *o, const void *data, size_t size);
/* Space for `size` bytes, at most OUTPUT_SPACE_MAX, to append by storing there
 * and adding to `used`; NULL: it failed. */
enum { OUTPUT_SPACE_MAX = 32 << 10 };
unsigned char *output_space(struct output *o, size_t size);
/* Writes what is buffered and then `data`, from where it is. */
bool output_through(struct output *o, const void *data, size_t size);
bool output_flush(struct output *o);
/* From now on it fails, and `error` says why. */
void output_fail(struct output *o, int error);
/* Whether who reads the other end of a pipe or socket is gone. */
bool output_is_deserted(const struct output *o);

#endif
