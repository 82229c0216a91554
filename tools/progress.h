/* SPDX-License-Identifier: MIT */
/*
 * How much went through, and how fast: a line on standard error that is
 * overwritten, for terminals alone.
 */
#ifndef SHMIPC_TOOLS_PROGRESS_H
#define SHMIPC_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool shown; /* there is somebody to see it, and he asked for it */
    bool begun; /* a line is on the screen */
    uint64_t started, last; /* ns of the monotonic clock */
    uint64_t last_messages, last_bytes;
};

uint64_t progress_now(void);
void progress_start(struct progress *p, bool wanted);
/* Shows how it is, if it is time to; costs little if not. */
void progress_tell(struct progress *p, const char *verb, uint64_t messages,
                   uint64_t bytes);
/* The last line, with the mean rate; it stays. */
void progress_end(struct progress *p, const char *verb, uint64_t messages,
                  uint64_t bytes);

#endif
