/* SPDX-License-Identifier: MIT */
/*
 * What a client's handle does: calls that are sent, and answers that find them.
 *
 * `lock` is around everything. It is given back in a wait, and then `outside`
 * counts the thread: the connection stays while anybody is in one of its
 * channels. One thread at a time reads answers, whoever they are for; others
 * that wait sleep by `changed`.
 *
 * Who waits looks at the crew between two sleeps, for all.
 */
#ifndef SHMIPC_CLIENT_H
#define SHMIPC_CLIENT_H

#include "service/call.h"
#include "service/link.h"
#include <pthread.h>

enum { CLIENT_SCRATCH = 1024 };

struct IpcClient {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct link_options options;
    struct link link;
    struct calls calls;
    uint64_t token; /* of the process that opened it */
    uint32_t clock; /* our time namespace */
    int64_t slice;  /* ns: between two looks at the crew */
    int64_t next_look;
    uint32_t outside; /* threads that use the link without the lock */
    bool reading;     /* one of them reads answers */
    bool connecting;  /* a thread makes a link without the lock */
    bool is_over;     /* the link: make another one */
    bool interrupted; /* and not told yet */
    /* Where the thread that reads has small answers first. */
    _Alignas(16) unsigned char scratch[CLIENT_SCRATCH];
};

/* What a call is about, on errors. */
struct client_error {
    IpcClientError body;
    const char *detail;
};

IpcStatus client_open(const char *name, const IpcClientOptions *options,
                      struct IpcClient **client, IpcOpenError *body,
                      const char **detail);
/* False: it is a parent's. */
bool client_is_ours(const struct IpcClient *c);
IpcStatus client_send(struct IpcClient *c, const void *data, size_t size,
                      int64_t deadline, IpcCall *number,
                      struct client_error *error);
IpcStatus client_collect(struct IpcClient *c, IpcCall number, IpcAnswer *dest,
                         int64_t until, struct client_error *error);
IpcStatus client_collect_any(struct IpcClient *c, IpcAnswer *dest,
                             int64_t until, struct client_error *error);
IpcStatus client_call(struct IpcClient *c, const void *data, size_t size,
                      int64_t deadline, IpcAnswer *dest,
                      struct client_error *error);
IpcStatus client_cancel(struct IpcClient *c, IpcCall number);
void client_interrupt(struct IpcClient *c);
IpcChannel *client_answers(struct IpcClient *c);
void client_destroy(struct IpcClient *c);

#endif
