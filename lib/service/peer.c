/* SPDX-License-Identifier: MIT */
#include "service/peer.h"
#include "wait/clock.h"
#include <stdlib.h>

enum {
    SWEEP_AT_ONCE = 16,
    /* How long a channel that was announced may be missing before a sweep
     * looks for it; and may be half made before it is removed. */
    LOOK_AFTER_NS = 500 * 1000 * 1000,
    /* What forged numbers may cost, in memory. */
    EXPECTED_MAX = 8192,
};

#define GIVE_UP_NS (INT64_C(10) * 1000 * 1000 * 1000)

static struct peer **place_of(struct peers *peers, uint64_t number)
{
    struct peer **at = &peers->buckets[number % PEER_BUCKETS];

    while (*at && (*at)->number != number)
        at = &(*at)->next;
    return at;
}

static void release(struct peer *peer)
{
    if (peer->answers)
        ipc_channel_destroy(peer->answers);
    free(peer->lost);
    free(peer);
}

/* Out of the table, if there is one; who writes into it gives it up. */
static void unlist(struct peers *peers, struct peer **at)
{
    struct peer *peer = *at;

    if (!peer)
        return;
    *at = peer->next;
    peers->count--;
    peers->open -= peer->answers != NULL;
    peer->gone = true;
    if (peer->users == 0)
        release(peer);
}

static void remove_name(const struct peers *peers, uint64_t number)
{
    char name[FRAME_NAME_ROOM];

    frame_answers_name(name, peers->service, number);
    ipc_channel_unlink(name);
}

static void forget(struct peers *peers, struct peer **at)
{
    remove_name(peers, (*at)->number);
    unlist(peers, at);
}

static IpcStatus open_answers(struct peers *peers, struct peer *peer,
                              int *sys_errno)
{
    char name[FRAME_NAME_ROOM];
    IpcChannelOpenResult opened;

    frame_answers_name(name, peers->service, peer->number);
    opened = ipc_channel_open(name, &peers->options);
    if (opened.ipc_status != IPC_OK) {
        *sys_errno = opened.error.body.sys_errno;
        /* That nobody knows who reads is no channel of answers either. */
        return opened.ipc_status == IPC_ERR_INVALID_ARGUMENT
                   ? IPC_ERR_NOT_FORMATTED
                   : opened.ipc_status;
    }
    peer->answers = opened.result;
    peers->open++;
    return IPC_OK;
}

/* One that was opened only to be looked at is expected again, if there is no
 * place for it. */
static void shut_if_too_many(struct peers *peers, struct peer *peer)
{
    if (!peer->answers || peers->open <= peers->max || peer->users > 0)
        return;
    ipc_channel_destroy(peer->answers);
    peer->answers = NULL;
    peers->open--;
}

bool peer_is_over(const struct peer *peer)
{
    const struct ring *r;

    if (peer->gone || !peer->answers)
        return peer->gone;
    r = &peer->answers->buffer.ring;
    return creation_is_over(r) || close_has_begun(r) ||
           owner_all_are_dead(&r->owners, OWNER_CONSUMES);
}

/* Tells the client of answers that were lost. */
static void confess(struct peer *peer)
{
    for (; peer->lost_count > 0; peer->told++) {
        uint64_t *lost = &peer->lost[peer->told % FRAME_CALLS_MAX];
        const struct frame_answer head = {*lost, IPC_ERR_NO_SPACE_CONTIGUOUS,
                                          FRAME_FORM};

        if (*lost == 0)
            continue;
        if (frame_write(peer->answers, &head, sizeof head, NULL, 0) != IPC_OK)
            return;
        *lost = 0;
        peer->lost_count--;
    }
}

/* Its client died before it read for the first time, which it does at once. */
static bool nobody_reads(const struct peer *peer)
{
    return peer->answers &&
           owner_count(&peer->answers->buffer.ring.owners).readers == 0;
}

/* True: it was forgotten. */
static bool sweep_one(struct peers *peers, struct peer **at)
{
    struct peer *peer = *at;
    int64_t age = clock_now() - peer->since;
    IpcStatus status;
    int error;

    if (!peer->answers && age > LOOK_AFTER_NS) {
        status = open_answers(peers, peer, &error);
        /* Not made, half made by one who was killed, or no such channel. */
        if (status != IPC_OK && age > GIVE_UP_NS) {
            forget(peers, at);
            return true;
        }
    }
    if (peer_is_over(peer) || (age > GIVE_UP_NS && nobody_reads(peer))) {
        forget(peers, at);
        return true;
    }
    if (peer->answers)
        confess(peer);
    shut_if_too_many(peers, peer);
    return false;
}

static uint32_t sweep_bucket(struct peers *peers, uint32_t bucket)
{
    struct peer **at = &peers->buckets[bucket];
    uint32_t looked = 0;

    while (*at) {
        looked++;
        if (!sweep_one(peers, at))
            at = &(*at)->next;
    }
    return looked;
}

void peer_sweep(struct peers *peers)
{
    uint32_t looked = 0;

    for (uint32_t i = 0;
         i < PEER_BUCKETS && looked < SWEEP_AT_ONCE && peers->count > 0; i++) {
        looked += sweep_bucket(peers, peers->turn);
        peers->turn = (peers->turn + 1) % PEER_BUCKETS;
    }
}

static bool make_room(struct peers *peers)
{
    if (peers->open < peers->max)
        return true;
    for (uint32_t i = 0; i < PEER_BUCKETS; i++)
        sweep_bucket(peers, i);
    return peers->open < peers->max;
}

/* NULL: no memory. */
static struct peer *add(struct peers *peers, uint64_t number)
{
    struct peer *peer = calloc(1, sizeof *peer);

    if (!peer)
        return NULL;
    peer->number = number;
    peer->since = clock_now();
    *place_of(peers, number) = peer;
    peers->count++;
    return peer;
}

void peer_expect(struct peers *peers, uint64_t number)
{
    if (!*place_of(peers, number) && peers->count - peers->open < EXPECTED_MAX)
        add(peers, number);
}

void peer_leaves(struct peers *peers, uint64_t number)
{
    struct peer **at = place_of(peers, number);
    IpcStatus status = IPC_OK;
    int error;

    if (*at && !(*at)->answers)
        status = open_answers(peers, *at, &error);
    if (status == IPC_ERR_NOT_FOUND)
        unlist(peers, at);
    else if (*at && peer_is_over(*at))
        forget(peers, at);
    else if (*at)
        shut_if_too_many(peers, *at);
}

/* Makes it one that is open. */
static IpcStatus admit(struct peers *peers, uint64_t number, struct peer **peer,
                       int *sys_errno)
{
    IpcStatus status = IPC_OK;

    if (!make_room(peers))
        return IPC_ERR_OWNERS_FULL;
    /* Now: to make room may have forgotten it. */
    *peer = *place_of(peers, number);
    if (!*peer)
        *peer = add(peers, number);
    if (!*peer)
        return IPC_ERR_ALLOCATION;
    if (!(*peer)->answers)
        status = open_answers(peers, *peer, sys_errno);
    if (status != IPC_OK)
        unlist(peers, place_of(peers, number));
    return status;
}

IpcStatus peer_get(struct peers *peers, uint64_t number, struct peer **peer,
                   int *sys_errno)
{
    IpcStatus status = IPC_OK;

    *peer = *place_of(peers, number);
    if (!*peer || !(*peer)->answers)
        status = admit(peers, number, peer, sys_errno);
    if (status != IPC_OK)
        return status;
    if ((*peer)->lost_count > 0)
        confess(*peer);
    (*peer)->users++;
    return IPC_OK;
}

void peer_put(struct peers *peers, struct peer *peer)
{
    (void)peers;
    if (--peer->users == 0 && peer->gone)
        release(peer);
}

void peer_lose(struct peer *peer, uint64_t call)
{
    uint64_t *lost;

    peer->choked = true;
    if (!peer->lost)
        peer->lost = calloc(FRAME_CALLS_MAX, sizeof *peer->lost);
    if (!peer->lost)
        return;
    lost = &peer->lost[call % FRAME_CALLS_MAX];
    peer->lost_count += *lost == 0;
    if (call > *lost)
        *lost = call;
}

void peer_forget_all(struct peers *peers)
{
    for (uint32_t i = 0; i < PEER_BUCKETS; i++)
        while (peers->buckets[i]) {
            struct peer **at = &peers->buckets[i];

            if (!sweep_one(peers, at))
                unlist(peers, at);
        }
}

IpcStatus peer_write(const struct peer *peer, const struct frame_answer *head,
                     const void *data, size_t size, int64_t patience)
{
    IpcStatus status =
        frame_write(peer->answers, head, sizeof *head, data, size);

    if (status != IPC_ERR_NO_SPACE_CONTIGUOUS && status != IPC_ERR_LOCKED)
        return status;
    if (patience == 0)
        return IPC_ERR_NO_SPACE_CONTIGUOUS;
    status = frame_write_until(peer->answers, head, sizeof *head, data, size,
                               clock_after(patience));
    return status == IPC_ERR_TIMEOUT ? IPC_ERR_NO_SPACE_CONTIGUOUS : status;
}
