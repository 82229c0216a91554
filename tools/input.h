/* SPDX-License-Identifier: MIT */
/*
 * Standard input, with a buffer that grows to what the longest message needs.
 */
#ifndef SHMIPC_TOOLS_INPUT_H
#define SHMIPC_TOOLS_INPUT_H

#include <stdbool.h>
#include <stddef.h>

struct input {
    int fd;
    bool is_pipe;
    bool ended;
    unsigned char *memory;
    size_t room;
    size_t begin, end; /* of what was read and not taken */
};

enum input_state {
    INPUT_OK,
    INPUT_ENDED,
    INPUT_STOPPED, /* by a signal: see stop.h */
    INPUT_NOTHING,
    INPUT_FAILED, /* errno says why */
};

bool input_open(struct input *in, int fd);
void input_close(struct input *in);

static inline const unsigned char *input_at(const struct input *in)
{
    return in->memory + in->begin;
}

static inline size_t input_left(const struct input *in)
{
    return in->end - in->begin;
}

/* Waits and reads once, for what is left to become `wanted` bytes or more, but
 * not more than `most`. What is left may move. INPUT_FAILED also if there is no
 * memory. */
enum input_state input_more(struct input *in, size_t wanted, size_t most);

/* The others are for those who read into memory of their own, while nothing is
 * left here. The same for up to `size` bytes; *got of them were read. */
enum input_state input_into(struct input *in, void *to, size_t size,
                            size_t *got);
/* The same without waiting. INPUT_NOTHING: not that way, now or ever. */
enum input_state input_now(struct input *in, void *to, size_t size,
                           size_t *got);
/* Waits until something can be read, and guesses how much without another
 * wait: at most `most`, perhaps 0. */
enum input_state input_wait(struct input *in, size_t most, size_t *available);

#endif
