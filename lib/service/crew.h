/* SPDX-License-Identifier: MIT */
/*
 * The crew: processes that serve. They are those that read from the channel of
 * requests, whom the owner table knows (IPC_BUFFER_KNOWS_CONSUMERS), so that
 * their death is proven as everybody's.
 */
#ifndef SHMIPC_CREW_H
#define SHMIPC_CREW_H

#include "channel/channel.h"

enum crew_state {
    CREW_SERVES, /* at least one lives, or may live */
    CREW_CLOSED, /* none does, and the service was closed */
    CREW_DEAD,   /* none does */
};

struct crew {
    enum crew_state state;
    uint32_t count; /* who live */
    /* A number that changes when one more is dead. Their slots are the last to
     * be taken by others, so who was killed is seen for long. */
    uint64_t dead;
};

/* `besides_us`: this process does not count. Makes system calls. */
struct crew crew_look(const IpcChannel *ch, bool besides_us);

/* Whether a channel can be one of requests. */
bool crew_can_serve(const IpcChannel *ch);

/* What becomes of calls whose crew is gone. */
static inline IpcStatus crew_status(enum crew_state state)
{
    return state == CREW_CLOSED ? IPC_ERR_CLOSED : IPC_ERR_SERVER_DEAD;
}

#endif
