/* SPDX-License-Identifier: MIT */
#include "bridge/launch.h"
#include "bridge/far.h"
#include "bridge/log.h"
#include "bridge/near.h"
#include "bridge/zeromq.h"
#include <errno.h>
#include <string.h>
#include <zmq.h>

enum {
    CONTROL_MESSAGE_MAX = 4096, /* what the far side says is short */
    OVERHEAD = 4096,            /* of CURVE, and of who a message is for */
};

/* What may come in: a batch, or an entry by itself behind one. */
static size_t largest_message(const struct route_options *o)
{
    return o->is_far
               ? (size_t)o->largest + WIRE_BATCH_MAX + WIRE_FIRST_MAX + OVERHEAD
               : CONTROL_MESSAGE_MAX;
}

static bool open_transport(struct route *r)
{
    const struct route_options *o = &r->options;
    const struct zeromq_options z = {
        .context = r->context,
        .address = o->address,
        .binds = o->is_far,
        .largest = largest_message(o),
        .secret = o->secret,
        .public = o->public,
        .server = o->server,
        .zap_domain = o->name,
    };

    r->transport = zeromq_open(&z);
    if (!r->transport)
        log_line(r->title, "%s: %s", o->address, zmq_strerror(errno));
    return r->transport != NULL;
}

static void *run(void *argument)
{
    struct route *r = argument;

    if (r->options.is_far)
        far_run(r);
    else
        near_run(r);
    return NULL;
}

bool launch_route(struct route *r)
{
    int error;

    if (!open_transport(r))
        return false;
    error = pthread_create(&r->thread, NULL, run, r);
    r->runs = error == 0;
    if (error)
        log_line(r->title, "no thread could be made: %s", strerror(error));
    return r->runs;
}
