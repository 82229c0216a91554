/* SPDX-License-Identifier: MIT */
#include "bridge/stored.h"
#include "bridge/ticks.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_NS (300 * TICKS_MS)
enum { PATIENCE_SECONDS = 5 };

/* redis://HOST:PORT/KEY; a key may have any letters, and a host that is a
 * number of IPv6 stands in brackets. */
static bool parse(struct stored *s, const char *address)
{
    const char *host = address + strlen("redis://");
    const char *slash, *colon, *end;
    char *rest;
    long port;

    if (strncmp(address, "redis://", 8) != 0)
        return false;
    slash = strchr(host, '/');
    end = *host == '[' ? strchr(host, ']') : NULL;
    colon = *host == '[' ? (end ? end + 1 : host) : strchr(host, ':');
    if (!slash || slash[1] == '\0' || !colon || *colon != ':' ||
        colon == host || colon > slash)
        return false;
    port = strtol(colon + 1, &rest, 10);
    if (rest != slash || port <= 0 || port >= 65536)
        return false;
    s->port = (int)port;
    if (end)
        s->host = strndup(host + 1, (size_t)(end - host - 1));
    else
        s->host = strndup(host, (size_t)(colon - host));
    s->key = strdup(slash + 1);
    s->last_key = malloc(strlen(slash) + sizeof ":last");
    if (s->last_key)
        sprintf(s->last_key, "%s:last", slash + 1);
    return s->host && s->key && s->last_key;
}

bool stored_init(struct stored *s, const char *address)
{
    *s = (struct stored){0};
    if (parse(s, address))
        return true;
    stored_free(s);
    return false;
}

void stored_free(struct stored *s)
{
    stored_disconnect(s);
    free(s->host);
    free(s->key);
    free(s->last_key);
    *s = (struct stored){0};
}

bool stored_connect(struct stored *s)
{
    const struct timeval patience = {PATIENCE_SECONDS, 0};
    uint64_t now = ticks_now();

    if (s->redis)
        return true;
    if (s->tried && now - s->tried < RETRY_NS)
        return false;
    s->tried = now;
    s->redis = redisConnectWithTimeout(s->host, s->port, patience);
    if (s->redis && !s->redis->err &&
        redisSetTimeout(s->redis, patience) == REDIS_OK)
        return true;
    stored_disconnect(s);
    return false;
}

void stored_disconnect(struct stored *s)
{
    if (s->redis)
        redisFree(s->redis);
    s->redis = NULL;
}

void stored_complain(struct stored *s, const redisReply *r)
{
    log_rarely(&s->limit, s->key, "Redis says: %s",
               r->type == REDIS_REPLY_ERROR && r->str
                   ? r->str
                   : "what is no answer to that");
}

redisReply *stored_answer(struct stored *s)
{
    void *reply = NULL;

    if (s->redis && redisGetReply(s->redis, &reply) == REDIS_OK && reply)
        return reply;
    stored_disconnect(s);
    return NULL;
}
