/* SPDX-License-Identifier: MIT */
/*
 * What the library does about the dead, and why calls fail, on stderr: if the
 * environment has SHMIPC_DEBUG=1, and the program was not started with more
 * rights than its user has. Otherwise nothing; this is the one exception to
 * that no function prints. Asked on slow paths only, where something was
 * repaired or a call fails. A process that is told as 0 is one whose owner slot
 * another has by now; who took it has said whose it was.
 */
#ifndef SHMIPC_DEBUG_H
#define SHMIPC_DEBUG_H

enum { DEBUG_NOT_KNOWN, DEBUG_OFF, DEBUG_ON };
extern _Atomic int debug_state;

#ifdef SHMIPC_MODEL
#define DEBUG_MAY_BE_ON 0 /* what is said takes no steps */
#else
#define DEBUG_MAY_BE_ON __builtin_expect(debug_state != DEBUG_OFF, 0)
#endif

/* Says a line if it is on. */
#define DEBUG_SAY(...)                                                         \
    do {                                                                       \
        if (DEBUG_MAY_BE_ON)                                                   \
            debug_say(__VA_ARGS__);                                            \
    } while (0)

__attribute__((cold, format(printf, 1, 2))) void debug_say(const char *format,
                                                           ...);

/* Says why a call failed whose result is of the type `result`. `body`, if it
 * has one, is of the type `type`; both types are told by their names. The same
 * reason is said once in a row. Returns `detail`. */
__attribute__((cold)) const char *debug_failed(const char *result, int status,
                                               const char *detail,
                                               const char *type,
                                               const void *body);

#endif
