/* SPDX-License-Identifier: MIT */
/* Others, who work while the victim is stopped, and check everything after. */
#include "crash.h"
#include <string.h>

/* Answers in a row. */
enum { VAIN_MAX = 4096 };

enum {
    PAUSE_MS = 3,   /* what comes is there already */
    SLEEP_MS = 250, /* after a sleep readers look for what the dead hold */
};

/* ------------------------------------------------------------ while stopped */

static const struct operation *current;

static uint32_t fill_up(IpcChannel *ch, uint32_t id)
{
    IpcStatus status;

    while ((status = write_one(ch, id, 40)) == IPC_OK)
        id++;
    must(status == IPC_ERR_NO_SPACE_CONTIGUOUS ||
         (status == IPC_ERR_ROLE_TAKEN && mode & IPC_BUFFER_ONE_PRODUCER) ||
         (status == IPC_ERR_CLOSED && current->kind == CLOSES));
    return id;
}

/* Nobody but who holds a BUSY word, or the role, holds readers up. */
static void read_all(IpcChannel *ch)
{
    IpcStatus status;
    struct sight s;

    while ((status = read_one(ch, 3)) == IPC_OK)
        continue;
    if (status == IPC_ERR_ROLE_TAKEN && mode & IPC_BUFFER_ONE_CONSUMER)
        return;
    must(status == IPC_ERR_TIMEOUT ||
         (status == IPC_ERR_CLOSED && current->kind == CLOSES));
    s = look();
    /* Of one that only force removes nobody knows whether it lives. */
    must(s.count == 0 || s.held_up);
}

/* Twice around the ring, so that nothing that the victim holds only by looking
 * at it is left as it was. */
static void use_channel(void)
{
    IpcChannel *ch = join();
    uint32_t id = OF_OTHERS;

    for (int i = 0; i < 3; i++) {
        id = fill_up(ch, id);
        read_all(ch);
    }
    tap_all(NULL);
    ipc_channel_recover(ch, false);
    ipc_channel_destroy(ch);
}

/* What a process is told that comes to memory as it was seen. */
static IpcStatus expected_of_join(const struct sight *at)
{
    if (at->identity == READY)
        return IPC_OK;
    return at->identity == NOT_READY ? IPC_ERR_INITIALIZING
                                     : IPC_ERR_NOT_FORMATTED;
}

/* It may still get what had not been wiped out. */
static void witness_is_told(void)
{
    IpcStatus status;

    must(write_one(witness, OF_OTHERS, 40) == IPC_ERR_FORMATTED_ANEW);
    while ((status = read_one(witness, 1)) == IPC_OK)
        continue;
    must(status == IPC_ERR_FORMATTED_ANEW);
}

/* While another formats: joins, if there is something to join. */
static void come_too_early(void)
{
    struct sight s = look();
    IpcChannel *ch;

    must(try_to_join(&ch) == expected_of_join(&s));
    if (ch)
        ipc_channel_destroy(ch);
    if (witness && (s.identity != READY || !s.is_first))
        witness_is_told();
}

bool work_beside(const struct operation *o)
{
    current = o;
    if (is_broadcast())
        return succeeds(work_beside_subscribers);
    return succeeds(o->kind == CREATES ? come_too_early : use_channel);
}

/* ---------------------------------------------------------------- afterwards
 */

/* Dead claims, gaps and half a closing are seen to now and then by calls that
 * do not wait; so many have met with all of that. */
static IpcStatus poll_one(IpcChannel *ch)
{
    IpcStatus status = IPC_EMPTY;

    for (int vain = 0; vain < VAIN_MAX; vain++) {
        status = try_read_one(ch);
        if (status == IPC_OK)
            return IPC_OK;
    }
    return status == IPC_EMPTY ? IPC_ERR_TIMEOUT : status;
}

static IpcStatus read_next(IpcChannel *ch, enum way way, long timeout_ms)
{
    return way == BY_POLLING ? poll_one(ch) : read_one(ch, timeout_ms);
}

static void drain(IpcChannel *ch, bool closed, enum way way, long pause_ms)
{
    IpcStatus status;

    while ((status = read_next(ch, way, closed ? 2000 : pause_ms)) == IPC_OK)
        continue;
    must(status == (closed ? IPC_ERR_CLOSED : IPC_ERR_TIMEOUT));
}

/*
 * What was in the ring when the victim ended is read once, and nothing else. So
 * what was written is lost only if the victim had taken it and not come to note
 * it; and that is no more than one call takes.
 */
static void check_ledger(const struct operation *o, const struct sight *at)
{
    uint32_t lost = 0;

    for (uint32_t id = 0; id < OF_SURVIVOR; id++) {
        must(at->there[id] + at->seen[id] <= 1);
        must(ledger->seen[id] == at->there[id] + at->seen[id]);
        lost += ledger->written[id] && !ledger->seen[id];
    }
    must(lost <= o->takes);
    /* Of a batch or array the first ones. */
    for (uint32_t id = OF_VICTIM + 1; id < OF_OTHERS - 1; id++)
        must(ledger->seen[id] <= ledger->seen[id - 1]);
}

static void new_traffic_flows(IpcChannel *ch, enum way way)
{
    const uint32_t last = OF_SURVIVOR + 40;

    for (uint32_t id = OF_SURVIVOR; id < last; id++) {
        must(write_one(ch, id, 8 + id % 5 * 50) == IPC_OK);
        must(read_next(ch, way, 2000) == IPC_OK);
        must(ledger->seen[id] == 1);
    }
}

static uint32_t owners_left;

/* One that lives, and so on until the table is full: what the victim had can be
 * had again. */
static void register_another(void)
{
    IpcChannel *ch = join();
    IpcStatus status = write_one(ch, OF_SURVIVOR + 40 + owners_left, 40);

    must(status ==
         (mode & IPC_BUFFER_ONE_PRODUCER ? IPC_ERR_ROLE_TAKEN : IPC_OK));
    if (--owners_left)
        in_child(register_another);
    ipc_channel_destroy(ch);
}

static void all_slots_are_there(IpcChannel *ch)
{
    owners_left = OWNERS - 1; /* one is ours */
    in_child(register_another);
    drain(ch, false, BY_WAITING, PAUSE_MS);
}

static void closing_works(IpcChannel *ch)
{
    IpcChannelRecoverResult r;

    must(ipc_channel_close(ch).ipc_status == IPC_OK);
    must(write_one(ch, OF_SURVIVOR + 50, 40) == IPC_ERR_CLOSED);
    must(read_one(ch, 2000) == IPC_ERR_CLOSED);
    r = ipc_channel_recover(ch, false);
    must(r.ipc_status == IPC_OK && r.result == 0);
}

static void ring_works(IpcChannel *ch, enum way way)
{
    new_traffic_flows(ch, way);
    all_slots_are_there(ch);
    closing_works(ch);
}

/* The first ring whole, or a new one whole, or none. Then anybody can make
 * another. */
static void check_creation(const struct operation *o, const struct sight *at,
                           enum way way)
{
    bool is_first = at->identity == READY && at->is_first;
    IpcChannel *ch;

    must(try_to_join(&ch) == expected_of_join(at));
    if (witness && !is_first)
        witness_is_told();
    if (ch) {
        drain(ch, false, way, PAUSE_MS);
        if (is_first)
            check_ledger(o, at);
        ring_works(ch, way);
        ipc_channel_destroy(ch);
    }
    create();
    memset(ledger, 0, sizeof *ledger);
    if (witness)
        witness_is_told();
    ch = join();
    drain(ch, false, way, PAUSE_MS);
    ring_works(ch, way);
    ipc_channel_destroy(ch);
}

void check_all(const struct operation *o, const struct sight *at, enum way way)
{
    IpcChannel *ch;

    if (is_broadcast()) {
        must(at->identity == READY && at->is_first);
        must(!at->closed || o->kind == CLOSES);
        check_subscribers(o);
        return;
    }
    if (o->kind == CREATES) {
        check_creation(o, at, way);
        return;
    }
    must(at->identity == READY && at->is_first);
    must(!at->closed || o->kind == CLOSES);
    tap_all(at->there);
    ch = join();
    if (way == BY_RECOVER || o->kind == FORCES)
        must(ipc_channel_recover(ch, o->kind == FORCES).ipc_status == IPC_OK);
    drain(ch, at->closed, way,
          is_work() && way == BY_WAITING ? SLEEP_MS : PAUSE_MS);
    check_ledger(o, at);
    if (at->closed)
        closing_works(ch);
    else
        ring_works(ch, way);
    ipc_channel_destroy(ch);
}
