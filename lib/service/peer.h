/* SPDX-License-Identifier: MIT */
/*
 * The clients that a server knows, by their numbers, and their channels of
 * answers. A number is all that a request says: what channel that is, its name
 * and whose it may be, is not the client's to choose.
 *
 *     expected   HELLO came; the channel is not open here. Such ones take no
 *                place of those that are served: many may die before they make
 *                a channel, and of each later one a server has to know, or
 *                nobody removes what it leaves
 *     open       a request was answered, or a sweep found the channel
 *     gone       the client has left or died: the name is removed, and the
 *                handle goes when nobody uses it
 *
 * A sweep looks at a few of them now and then, and judges their clients. All
 * functions are called with the service's lock held, but for peer_write(); so
 * none waits, not for a channel either that is half made: it is opened by one
 * attempt, and who answers tries again without the lock.
 */
#ifndef SHMIPC_PEER_H
#define SHMIPC_PEER_H

#include "channel/channel.h"
#include "service/frame.h"

enum {
    PEER_BUCKETS = 256,
    PEER_OPEN_ONCE_NS = 1, /* of opening: no longer than one attempt */
};

struct peer {
    uint64_t number;
    IpcChannel *answers; /* NULL: it is not open */
    int64_t since;
    uint32_t users; /* threads that write into it */
    bool gone;
    bool choked; /* the last answer found no space: wait no more */
    /* Calls whose answers were lost, which the client does not know: each in
     * the place that it has there. The last one that was in a place has
     * replaced the others, which are over for the client. */
    uint64_t *lost;
    uint32_t lost_count;
    uint32_t told; /* where telling goes on */
    struct peer *next;
};

struct peers {
    const char *service; /* its name */
    IpcOpenOptions options;
    int64_t patience; /* ns */
    uint32_t max;     /* open, at the same time */
    uint32_t open;
    uint32_t count; /* with those that are expected */
    uint32_t turn;  /* the bucket that is swept next */
    struct peer *buckets[PEER_BUCKETS];
};

/* Somebody says that he is there. */
void peer_expect(struct peers *peers, uint64_t number);

/* Somebody says that he has left; believed if his channel is closed. */
void peer_leaves(struct peers *peers, uint64_t number);

/* Finds a client and opens its channel; to be given back. IPC_ERR_INITIALIZING:
 * that is being made, or removed. IPC_ERR_OWNERS_FULL: too many are open. */
IpcStatus peer_get(struct peers *peers, uint64_t number, struct peer **peer,
                   int *sys_errno);
void peer_put(struct peers *peers, struct peer *peer);

/* Looks at some of the clients, and forgets those that are gone. */
void peer_sweep(struct peers *peers);

/* Whether the client has left or died, for all that this process knows. */
bool peer_is_over(const struct peer *peer);

/* Forgets all; removes what the dead left. */
void peer_forget_all(struct peers *peers);

/* Notes that a call will not get its answer, and says so to the client as soon
 * as there is space. */
void peer_lose(struct peer *peer, uint64_t call);

/* Writes an answer to a peer that was got. `patience`: ns. */
IpcStatus peer_write(const struct peer *peer, const struct frame_answer *head,
                     const void *data, size_t size, int64_t patience);

#endif
