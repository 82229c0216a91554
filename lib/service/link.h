/* SPDX-License-Identifier: MIT */
/*
 * A client's connection: the channel of requests, and one of its own for the
 * answers. It is made anew when who served is gone.
 */
#ifndef SHMIPC_LINK_H
#define SHMIPC_LINK_H

#include "service/crew.h"
#include "service/frame.h"

/* What it takes to make one. */
struct link_options {
    char *service;
    IpcOpenOptions requests;
    IpcOpenOptions answers;
    int64_t patience; /* ns: for somebody who serves to come */
};

struct link {
    IpcChannel *requests; /* NULL: there is none */
    IpcChannel *answers;
    uint64_t number;
    struct crew crew;     /* when last looked at */
    uint32_t *known_dead; /* see crew.h */
};

/* IPC_ERR_NOT_FOUND: nobody serves. Waits until `until`. */
IpcStatus link_open(struct link *link, const struct link_options *options,
                    int64_t until, IpcOpenError *body, const char **detail);

/* Says goodbye, and removes the channel of answers. In a forked child that was
 * the parent's: only what is the child's goes then. */
void link_close(struct link *link, const struct link_options *options,
                bool inherited);

#endif
