/* SPDX-License-Identifier: MIT */
/*
 * What a service's handle does: requests that are read, who sent them, and
 * where their answers go.
 *
 * `lock` is around the table of peers, the lists of requests and the figures,
 * and never held in a wait. Reading and writing channels needs none.
 */
#ifndef SHMIPC_SERVER_H
#define SHMIPC_SERVER_H

#include "service/peer.h"
#include <pthread.h>
#include <shmipc/ipc_service.h>

/* A request, and the memory that it was read into. */
struct request {
    IpcRequest shown;       /* the first: what users have */
    struct request *before; /* in the list of those received, or ... */
    struct request *after;  /* ... of the spare ones, which has only this */
    unsigned char *bytes;
    size_t room;
    uint64_t token; /* of the process that received it */
    bool is_open;
};

struct IpcService {
    pthread_mutex_t lock;
    IpcChannel *requests;
    char *name;
    struct peers peers;
    struct request *open; /* received and not answered */
    struct request *spare;
    IpcServiceStats stats;
    uint32_t clock;         /* our time namespace */
    atomic_u32 interrupted; /* and not told yet */
    atomic_u32 looks;       /* hint: until the next sweep */
    atomic_u64 next_sweep;  /* hint */
};

IpcStatus server_open(const char *name, const IpcServiceOptions *options,
                      struct IpcService **service, IpcOpenError *body,
                      const char **detail);
IpcStatus server_receive(struct IpcService *s, int64_t until,
                         struct request **request);
IpcStatus server_end(struct IpcService *s, struct request *request,
                     IpcStatus with, const void *data, size_t size,
                     IpcServiceError *body);
bool server_is_wanted(struct IpcService *s, const struct request *request);
void server_interrupt(struct IpcService *s);
void server_figures(struct IpcService *s, IpcServiceStats *dest);
void server_destroy(struct IpcService *s);

#endif
