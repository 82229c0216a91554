/* SPDX-License-Identifier: MIT */
#include "bridge/launch.h"
#include "bridge/carrier.h"
#include "bridge/clerk.h"
#include "bridge/desk.h"
#include "bridge/far.h"
#include "bridge/log.h"
#include "bridge/near.h"
#include <string.h>

static void *run(void *argument)
{
    struct route *r = argument;

    if (r->options.is_service && r->options.is_far)
        clerk_run(r);
    else if (r->options.is_service)
        desk_run(r);
    else if (r->options.is_far)
        far_run(r);
    else
        near_run(r);
    return NULL;
}

bool launch_route(struct route *r)
{
    int error;

    if (!carrier_open(r))
        return false;
    error = pthread_create(&r->thread, NULL, run, r);
    r->runs = error == 0;
    if (error)
        log_line(r->title, "no thread could be made: %s", strerror(error));
    return r->runs;
}
