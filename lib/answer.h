/* SPDX-License-Identifier: MIT */
/*
 * What public calls return: the status, and on an error the detail and the
 * body, which are made only then; and that it is said if SHMIPC_DEBUG=1. For
 * the latter it has to be the first that a file includes: what makes errors is
 * defined by the public headers, and only here with a word about it.
 */
#ifndef SHMIPC_ANSWER_H
#define SHMIPC_ANSWER_H

#ifdef SHMIPC_IPC_COMMON_H
#error "include answer.h first: errors are not told of otherwise"
#endif

#include "debug.h"

/* Out of line, with the body by value, and returns the detail: so calls that
 * succeed take no instruction more. */
#define IPC_TELLER_(NAME, E)                                                   \
    IPC_UNUSED_                                                                \
    __attribute__((cold, noinline)) static const char *NAME##_tell(            \
        IpcStatus status, const char *detail, E body)                          \
    {                                                                          \
        return debug_failed(#NAME, status, detail, #E, &body);                 \
    }
/* IPC_EMPTY and the like have a detail too, and are no errors. */
#define IPC_TELL_(NAME, status, detail)                                        \
    ((status) < 0 && DEBUG_MAY_BE_ON                                           \
         ? debug_failed(#NAME, status, detail, NULL, NULL)                     \
         : (detail))
#define IPC_TELL_BODY_(NAME, status, detail, body)                             \
    ((status) < 0 && DEBUG_MAY_BE_ON ? NAME##_tell(status, detail, body)       \
                                     : (detail))

#include <shmipc/ipc_common.h>

/* The detail of a status that is neither IPC_OK nor an error: who took it for
 * an entry, and prints it, is to read why there is none. */
static inline const char *answer_nothing(IpcStatus status)
{
    return status == IPC_EMPTY ? "there is no entry right now"
                               : "somebody else got past that entry first";
}

/* For functions that make what only errors need: kept out of the way of calls
 * that succeed. */
#define ANSWER_COLD  __attribute__((cold, noinline))

/* For what is rare, which needs registers that the rest can do without, so that
 * it is not inlined. */
#define ANSWER_APART __attribute__((noinline))

/* For a type made by IPC_RESULT_UNIT. */
#define ANSWER(NAME, status, detail, body)                                     \
    ((status) >= 0 ? NAME##_ok(status)                                         \
                   : NAME##_error_body(status, detail, body))

/* For a type made by IPC_RESULT. */
#define ANSWER_WITH(NAME, status, result, detail, body)                        \
    ((status) >= 0 ? NAME##_ok(status, result)                                 \
                   : NAME##_error_body(status, detail, body))

/* The same for calls that look for an entry and may find none. */
#define ANSWER_LOOK(NAME, status, detail, body)                                \
    ((status) == IPC_OK ? NAME##_ok(IPC_OK)                                    \
     : (status) > 0     ? NAME##_error(status, answer_nothing(status))         \
                        : NAME##_error_body(status, detail, body))

#define ANSWER_LOOK_WITH(NAME, status, result, detail, body)                   \
    ((status) == IPC_OK ? NAME##_ok(IPC_OK, result)                            \
     : (status) > 0     ? answer_##NAME(status, result)                        \
                        : NAME##_error_body(status, detail, body))

/* What the latter needs at the head of the file, where result is a T. */
#define ANSWER_NOTHING(NAME, T)                                                \
    static NAME answer_##NAME(IpcStatus status, T result)                      \
    {                                                                          \
        NAME r = NAME##_error(status, answer_nothing(status));                 \
                                                                               \
        r.result = result;                                                     \
        return r;                                                              \
    }

#endif
