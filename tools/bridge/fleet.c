/* SPDX-License-Identifier: MIT */
#include "bridge/fleet.h"
#include "bridge/launch.h"
#include "bridge/log.h"
#include "bridge/zap.h"
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

struct member {
    struct member *next;
    struct route *route;
    char *key;
    bool is_kept; /* by the next sweep */
};

struct fleet {
    void *context;
    struct zap *zap;
    pthread_mutex_t mutex; /* of the list, for those who look */
    struct member *members;
};

struct fleet *fleet_make(void)
{
    struct fleet *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    pthread_mutex_init(&f->mutex, NULL);
    f->context = zmq_ctx_new();
    f->zap = f->context ? zap_start(f->context) : NULL;
    if (f->zap)
        return f;
    log_line(NULL, "ZeroMQ cannot be used");
    if (f->context)
        zmq_ctx_term(f->context);
    free(f);
    return NULL;
}

static void free_member(struct fleet *f, struct member *m)
{
    if (m->route && m->route->options.allowed)
        zap_forget(f->zap, m->route->options.address);
    if (m->route)
        route_free(m->route);
    free(m->key);
    free(m);
}

void fleet_free(struct fleet *f)
{
    struct member *m;

    /* All at once, so that they take their time together. */
    for (m = f->members; m; m = m->next)
        route_stop(m->route);
    while ((m = f->members)) {
        f->members = m->next;
        free_member(f, m);
    }
    zap_stop(f->zap);
    zmq_ctx_term(f->context);
    free(f);
}

static struct member *find(struct fleet *f, const char *key)
{
    struct member *m = f->members;

    while (m && strcmp(m->key, key) != 0)
        m = m->next;
    return m;
}

static struct member *make_member(struct fleet *f, const char *key,
                                  struct route_options *options)
{
    struct member *m = calloc(1, sizeof *m);

    if (m)
        m->key = strdup(key);
    if (m && m->key)
        m->route = route_make(options, f->context);
    if (m && m->route)
        return m;
    log_line(NULL, "\"%s\" is no name of a channel, or there is no memory",
             options->name);
    route_free_options(options);
    if (m)
        free_member(f, m);
    return NULL;
}

bool fleet_add(struct fleet *f, const char *key, struct route_options *options)
{
    struct member *m = find(f, key);

    if (m) {
        route_free_options(options);
        return true;
    }
    m = make_member(f, key, options);
    if (!m)
        return false;
    /* Lists are told apart by where one connects to, which is one route's. */
    if ((m->route->options.allowed &&
         !zap_allow(f->zap, m->route->options.address,
                    m->route->options.allowed)) ||
        !launch_route(m->route)) {
        free_member(f, m);
        return false;
    }
    pthread_mutex_lock(&f->mutex);
    m->next = f->members;
    f->members = m;
    pthread_mutex_unlock(&f->mutex);
    return true;
}

void fleet_keep(struct fleet *f, const char *key)
{
    struct member *m = find(f, key);

    if (m)
        m->is_kept = true;
}

void fleet_sweep(struct fleet *f)
{
    struct member **at = &f->members;

    while (*at) {
        struct member *m = *at;

        if (m->is_kept) {
            m->is_kept = false;
            at = &m->next;
            continue;
        }
        pthread_mutex_lock(&f->mutex);
        *at = m->next;
        pthread_mutex_unlock(&f->mutex);
        log_line(m->route->title, "is not in the configuration any more");
        free_member(f, m);
    }
}

void fleet_look(struct fleet *f, void (*look)(struct route *, void *),
                void *user)
{
    pthread_mutex_lock(&f->mutex);
    for (struct member *m = f->members; m; m = m->next)
        look(m->route, user);
    pthread_mutex_unlock(&f->mutex);
}
