/* SPDX-License-Identifier: MIT */
/*
 * What public calls return: the status, and on an error the detail and the
 * body, which are made only then.
 */
#ifndef SHMIPC_ANSWER_H
#define SHMIPC_ANSWER_H

#include <shmipc/ipc_common.h>

/* For a type made by IPC_RESULT_UNIT. */
#define ANSWER(NAME, status, detail, body)                                     \
    ((status) >= 0 ? NAME##_ok(status)                                         \
                   : NAME##_error_body(status, detail, body))

/* For a type made by IPC_RESULT. */
#define ANSWER_WITH(NAME, status, result, detail, body)                        \
    ((status) >= 0 ? NAME##_ok(status, result)                                 \
                   : NAME##_error_body(status, detail, body))

#endif
