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
    bool has_lost;  /* one is dead who was not known to be */
};

/* The dead that are known: of each owner slot the last one that was seen there
 * dead. So who comes to serve in the slot of one of them is no death. Slots of
 * the dead are the last to be taken by others, so who was killed is seen for
 * long. NULL: no memory; else for free(). */
uint32_t *crew_make_known(const IpcChannel *ch);

/* `besides_us`: this process does not count. `known` is NULL, or brought up to
 * date. Makes system calls. */
struct crew crew_look(const IpcChannel *ch, bool besides_us, uint32_t *known);

/* Whether a channel can be one of requests. */
bool crew_can_serve(const IpcChannel *ch);

/* What becomes of calls whose crew is gone. */
static inline IpcStatus crew_status(enum crew_state state)
{
    return state == CREW_CLOSED ? IPC_ERR_CLOSED : IPC_ERR_SERVER_DEAD;
}

#endif
