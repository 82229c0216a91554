/* SPDX-License-Identifier: MIT */
/*
 * A client's calls: those that are under way, and those that are over and not
 * collected. Used with the client's lock held.
 *
 *     free --> sent --> over --> free
 *
 * A call's number is its place in the table and how many calls there were
 * before, so that it is found at once and never comes twice.
 */
#ifndef SHMIPC_CALL_H
#define SHMIPC_CALL_H

#include <shmipc/ipc_service.h>

enum call_state { CALL_FREE, CALL_SENT, CALL_OVER };

struct call {
    IpcCall number;
    enum call_state state;
    IpcStatus status; /* when it is over */
    int64_t deadline; /* INT64_MAX: none */
    uint64_t before;  /* where the requests' tail was before it was sent */
    IpcAnswer *dest;  /* of the thread that waits for it, or NULL */
    bool awaited;
    bool is_there; /* the answer is in dest, and not here */
    unsigned char *bytes;
    size_t size, room;            /* for IPC_ERR_ENTRY_TOO_LARGE: its size */
    struct call *earlier, *later; /* in the list that it is in */
};

struct call_list {
    struct call *first, *last;
};

struct calls {
    struct call *table;
    uint32_t count;  /* of the table */
    uint32_t unused; /* of the table, from there on: never used */
    uint64_t sequence;
    struct call_list free, sent, over;
};

bool call_make_table(struct calls *calls, uint32_t count);
void call_free_table(struct calls *calls);

/* A free one, which is to be sent; NULL: all are in use. */
struct call *call_new(struct calls *calls, int64_t deadline);
struct call *call_find(const struct calls *calls, IpcCall number);
void call_drop(struct calls *calls, struct call *call);

/* It is over without an answer. */
void call_end(struct calls *calls, struct call *call, IpcStatus status);

/* It is over with this one. */
void call_answer(struct calls *calls, struct call *call, const void *payload,
                 size_t size);

/* Gives the answer of a call that is over to `dest`; but for IPC_ERR_TOO_SMALL
 * the call is free then. */
IpcStatus call_collect(struct calls *calls, struct call *call, IpcAnswer *dest,
                       uint64_t *required);

#endif
