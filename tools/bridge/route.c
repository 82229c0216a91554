/* SPDX-License-Identifier: MIT */
#include "bridge/route.h"
#include "bridge/ticks.h"
#include "segment.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct route *route_make(const struct route_options *options, void *context)
{
    struct route *r = calloc(1, sizeof *r);
    size_t room = strlen(options->name) + sizeof "out ";

    if (!r)
        return NULL;
    r->options = *options;
    r->context = context;
    r->path = segment_path(options->name);
    r->title = malloc(room);
    if (r->title)
        snprintf(r->title, room, "%s %s", options->is_far ? "in" : "out",
                 options->name);
    if (r->path && r->title)
        return r;
    free(r->path);
    free(r->title);
    free(r);
    return NULL;
}

void route_stop(struct route *r)
{
    atomic_store_explicit(&r->stops, true, memory_order_relaxed);
}

void route_free(struct route *r)
{
    route_stop(r);
    if (r->runs)
        pthread_join(r->thread, NULL);
    if (r->transport)
        r->transport->calls->close(r->transport);
    route_free_options(&r->options);
    free(r->path);
    free(r->title);
    free(r);
}

void route_free_options(struct route_options *o)
{
    free(o->name);
    free(o->address);
    free(o->secret);
    free(o->public);
    free(o->server);
    free(o->allowed);
    *o = (struct route_options){0};
}

void route_pause(struct route *r, uint64_t ns)
{
    const struct timespec turn = ticks_span(20 * TICKS_MS);
    const uint64_t end = ticks_now() + ns;

    while (!route_stops(r) && ticks_now() < end)
        nanosleep(&turn, NULL);
}
