/* SPDX-License-Identifier: MIT */
/*
 * A thread that makes an eventfd readable: for descriptors of what an event
 * loop cannot poll itself, a word in shared memory. It sleeps in the place of
 * the loop's thread, and only when it is told to go.
 */
#ifndef SHMIPC_FEEDER_H
#define SHMIPC_FEEDER_H

struct feeder;

/* What the thread does each time that it is told to go: `doze` returns when the
 * descriptor is to become readable, soon after each call of `rouse`. */
struct feeder_task {
    void (*doze)(void *of);
    void (*rouse)(void *of);
    void *of;
};

/* Makes thread and descriptor, which is readable at first. NULL: see errno. All
 * signals are blocked in the thread. */
struct feeder *feeder_make(struct feeder_task task);

/* Ends the thread and closes the descriptor. */
void feeder_end(struct feeder *f);

/* The same in a forked child, which has no such thread. */
void feeder_forget(struct feeder *f);

int feeder_fd(const struct feeder *f);

/* Makes it unreadable. To be called before one looks for the last time. */
void feeder_clear(const struct feeder *f);

/* Makes it readable. */
void feeder_signal(const struct feeder *f);

/* Sends the thread to doze, unless it does so already; then it may be about to
 * end that and make the descriptor readable. */
void feeder_go(struct feeder *f);

#endif
