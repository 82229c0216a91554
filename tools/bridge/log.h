/* SPDX-License-Identifier: MIT */
/*
 * One line per event, on standard error: "shmipc-bridge: out prices: text".
 */
#ifndef SHMIPC_BRIDGE_LOG_H
#define SHMIPC_BRIDGE_LOG_H

#include <stdint.h>

/* `route` may be NULL. Any thread. */
void log_line(const char *route, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* For events that others can make come often: at most one line a second of each
 * kind; the next one says how many were left out. `last` and `missed` are the
 * kind's own. */
struct log_limit {
    uint64_t last, missed;
};
void log_rarely(struct log_limit *limit, const char *route, const char *format,
                ...) __attribute__((format(printf, 3, 4)));

#endif
