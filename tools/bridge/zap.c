/* SPDX-License-Identifier: MIT */
#include "bridge/zap.h"
#include "bridge/keys.h"
#include "bridge/log.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    PART_MOST = 256, /* bytes of a part that we look at */
    TURN_MS = 100,
    KEY_BYTES = 32,
};

/* The parts of a request, by their number. */
enum {
    PART_VERSION,
    PART_REQUEST,
    PART_DOMAIN,
    PART_ADDRESS,
    PART_IDENTITY,
    PART_MECHANISM,
    PART_KEY,
    PARTS
};

struct list {
    struct list *next;
    char *domain, *path;
};

struct part {
    size_t size;
    char bytes[PART_MOST + 1]; /* and a zero */
};

struct zap {
    void *socket;
    pthread_t thread;
    _Atomic bool stops;
    pthread_mutex_t mutex; /* of the lists */
    struct list *lists;
    struct log_limit limit;
};

/* ------------------------------------------------------------------- lists */

static void free_list(struct list *list)
{
    free(list->domain);
    free(list->path);
    free(list);
}

bool zap_allow(struct zap *zap, const char *domain, const char *path)
{
    struct list *list = calloc(1, sizeof *list);

    if (!list)
        return false;
    list->domain = strdup(domain);
    list->path = strdup(path);
    if (!list->domain || !list->path) {
        free_list(list);
        return false;
    }
    pthread_mutex_lock(&zap->mutex);
    list->next = zap->lists;
    zap->lists = list;
    pthread_mutex_unlock(&zap->mutex);
    return true;
}

void zap_forget(struct zap *zap, const char *domain)
{
    struct list **at = &zap->lists, *found;

    pthread_mutex_lock(&zap->mutex);
    while (*at && strcmp((*at)->domain, domain) != 0)
        at = &(*at)->next;
    found = *at;
    if (found)
        *at = found->next;
    pthread_mutex_unlock(&zap->mutex);
    if (found)
        free_list(found);
}

static bool is_welcome(struct zap *zap, const struct part *parts)
{
    char key[KEYS_LETTERS + 1] = "";
    bool is_listed = false;

    if (strcmp(parts[PART_VERSION].bytes, "1.0") != 0 ||
        strcmp(parts[PART_MECHANISM].bytes, "CURVE") != 0 ||
        parts[PART_KEY].size != KEY_BYTES)
        return false;
    zmq_z85_encode(key, (const uint8_t *)parts[PART_KEY].bytes, KEY_BYTES);
    pthread_mutex_lock(&zap->mutex);
    for (const struct list *list = zap->lists; list && !is_listed;
         list = list->next)
        is_listed = strcmp(list->domain, parts[PART_DOMAIN].bytes) == 0 &&
                    keys_are_listed(list->path, key);
    pthread_mutex_unlock(&zap->mutex);
    if (!is_listed)
        log_rarely(&zap->limit, NULL,
                   "%s: refused %s, whose key is not listed: %s",
                   parts[PART_DOMAIN].bytes, parts[PART_ADDRESS].bytes, key);
    return is_listed;
}

/* ---------------------------------------------------------------- requests */

/* All parts of a request; false: it is not one that we know. */
static bool receive(void *socket, struct part *parts)
{
    int more = 1;
    size_t size = sizeof more;
    unsigned count = 0;
    bool is_good = true;

    while (more) {
        struct part extra, *part = count < PARTS ? &parts[count] : &extra;
        int got = zmq_recv(socket, part->bytes, PART_MOST, 0);

        if (got < 0)
            return false;
        is_good = is_good && got <= PART_MOST;
        part->size = got <= PART_MOST ? (size_t)got : 0;
        part->bytes[part->size] = '\0';
        count++;
        if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) != 0)
            return false;
    }
    return is_good && count == PARTS;
}

static void put(void *socket, const char *text, size_t size, int flags)
{
    (void)zmq_send(socket, text, size, flags);
}

static void answer(void *socket, const struct part *request, bool is_welcome)
{
    const char *code = is_welcome ? "200" : "400";

    put(socket, "1.0", 3, ZMQ_SNDMORE);
    put(socket, request->bytes, request->size, ZMQ_SNDMORE);
    put(socket, code, 3, ZMQ_SNDMORE);
    put(socket, "", 0, ZMQ_SNDMORE); /* text */
    put(socket, "", 0, ZMQ_SNDMORE); /* user */
    put(socket, "", 0, 0);           /* metadata */
}

static void *run(void *argument)
{
    struct zap *zap = argument;
    struct part *parts = calloc(PARTS, sizeof *parts);

    while (parts && !atomic_load(&zap->stops)) {
        zmq_pollitem_t item = {zap->socket, 0, ZMQ_POLLIN, 0};

        if (zmq_poll(&item, 1, TURN_MS) <= 0)
            continue;
        memset(parts, 0, PARTS * sizeof *parts);
        if (receive(zap->socket, parts))
            answer(zap->socket, &parts[PART_REQUEST], is_welcome(zap, parts));
        else
            answer(zap->socket, &parts[PART_REQUEST], false);
    }
    free(parts);
    return NULL;
}

struct zap *zap_start(void *context)
{
    struct zap *zap = calloc(1, sizeof *zap);
    int linger = 0;

    if (!zap)
        return NULL;
    pthread_mutex_init(&zap->mutex, NULL);
    zap->socket = zmq_socket(context, ZMQ_REP);
    if (zap->socket &&
        zmq_setsockopt(zap->socket, ZMQ_LINGER, &linger, sizeof linger) == 0 &&
        zmq_bind(zap->socket, "inproc://zeromq.zap.01") == 0 &&
        pthread_create(&zap->thread, NULL, run, zap) == 0)
        return zap;
    log_line(NULL, "keys cannot be asked for: %s", zmq_strerror(errno));
    if (zap->socket)
        zmq_close(zap->socket);
    free(zap);
    return NULL;
}

void zap_stop(struct zap *zap)
{
    struct list *list;

    atomic_store(&zap->stops, true);
    pthread_join(zap->thread, NULL);
    zmq_close(zap->socket);
    while ((list = zap->lists)) {
        zap->lists = list->next;
        free_list(list);
    }
    free(zap);
}
