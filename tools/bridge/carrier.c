/* SPDX-License-Identifier: MIT */
#include "bridge/carrier.h"
#include "bridge/log.h"
#include "bridge/zeromq.h"
#include <errno.h>
#include <shmipc_tools_config.h>
#include <string.h>
#include <zmq.h>
#ifdef SHMIPC_BRIDGE_REDIS
#include "bridge/stored.h"
#endif

enum {
    /* What the far side says is a head alone. */
    ANSWER_MAX = 1024,
    /* Two batches, the second of them an entry by itself, and what CURVE adds:
     * no message is longer, however long entries are. */
    MESSAGE_MAX = 2 * WIRE_BATCH_MAX + 1024,
};

static bool is_stored(const char *address)
{
    return strncmp(address, "redis://", 8) == 0;
}

static bool open_stored(struct route *r)
{
#ifdef SHMIPC_BRIDGE_REDIS
    r->transport = r->options.is_far ? stored_far_open(r->options.address)
                                     : stored_near_open(r->options.address);
    if (!r->transport)
        log_line(r->title, "%s is not redis://HOST:PORT/KEY",
                 r->options.address);
#else
    log_line(r->title, "%s: this program was built without Redis",
             r->options.address);
#endif
    return r->transport != NULL;
}

bool carrier_open(struct route *r)
{
    const struct route_options *o = &r->options;
    const struct zeromq_options z = {
        .context = r->context,
        .title = r->title,
        .address = o->address,
        .binds = o->is_far,
        .largest = o->is_far || o->is_service ? MESSAGE_MAX : ANSWER_MAX,
        .secret = o->secret,
        .public = o->public,
        .server = o->server,
        .zap_domain = o->address,
    };

    if (is_stored(o->address))
        return open_stored(r);
    r->transport = zeromq_open(&z);
    if (!r->transport)
        log_line(r->title, "%s: %s", o->address, zmq_strerror(errno));
    return r->transport != NULL;
}

void carrier_close(struct route *r)
{
    if (r->transport)
        r->transport->calls->close(r->transport);
    r->transport = NULL;
}
