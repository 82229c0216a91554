/* SPDX-License-Identifier: MIT */
/*
 * What a service and its clients write into their channels: entries that begin
 * with one of these. Nothing else of it is in shared memory.
 *
 *     client                                      server
 *       HELLO ------- channel of requests --------->  knows a number
 *       (makes the channel of answers)
 *       CALL -------------------------------------->  opens that, receives
 *         <---------- channel of answers -----------  an answer, or why none
 *       BYE --------------------------------------->  closes it
 *
 * HELLO comes before there is a channel of answers, so that a server can remove
 * it if the client dies right after it made it.
 */
#ifndef SHMIPC_FRAME_H
#define SHMIPC_FRAME_H

#include <shmipc/ipc_channel.h>
#include <shmipc/ipc_open.h>

/* Of the form of these entries. */
#define FRAME_FORM UINT32_C(0x53520100)

enum frame_kind { FRAME_HELLO = 1, FRAME_CALL = 2, FRAME_BYE = 3 };

struct frame_request {
    uint64_t client;
    uint64_t call;
    int64_t deadline; /* ns on the monotonic clock; INT64_MAX: never */
    uint32_t clock;   /* time namespace of that clock */
    uint32_t kind;    /* FRAME_FORM | FRAME_HELLO and so on */
};

struct frame_answer {
    uint64_t call;
    int32_t status; /* IPC_OK, and a payload follows; or one that says why not;
                       IPC_ERR_ENTRY_TOO_LARGE has the size behind it */
    uint32_t form;
};

_Static_assert(sizeof(struct frame_request) == 32, "the same on all machines");
_Static_assert(sizeof(struct frame_answer) == 16, "the same on all machines");

enum {
    /* Calls that a client can have under way. The low bits of a call's number
     * are its place among them, so that a server can note something for each
     * without a bound that a client could exceed. */
    FRAME_PLACE_BITS = 12,
    FRAME_CALLS_MAX = 1 << FRAME_PLACE_BITS,
    FRAME_DIGITS = 17, /* of the name of a channel of answers: a dot, 16 */
    FRAME_NAME_ROOM = 256 + 1 + FRAME_DIGITS,
};

/* The name of the answers of a client, in `name`, of FRAME_NAME_ROOM. */
void frame_answers_name(char *name, const char *service, uint64_t client);

/* Whether a service can have that name. */
IpcStatus frame_check_name(const char *service, const char **detail);

/* What to ask for where a channel is to have that size, and more owners than
 * one of its size has. */
uint64_t frame_size_for(uint64_t size, uint32_t owners);

/* Writes an entry of both parts. Never waits. */
IpcStatus frame_write(IpcChannel *channel, const void *head, size_t head_size,
                      const void *data, size_t size);

/* The same, until `until`. */
IpcStatus frame_write_until(IpcChannel *channel, const void *head,
                            size_t head_size, const void *data, size_t size,
                            int64_t until);

#endif
