/* SPDX-License-Identifier: MIT */
/*
 * Rings in which every subscriber reads everything. One of them, the bystander,
 * is there from the beginning to the end, and is never killed: it gets each
 * message once. Victims come, go, read and write beside it.
 */
#include "crash.h"
#include <shmipc/ipc_newest.h>
#include <shmipc/ipc_subscribe.h>
#include <signal.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum {
    LAPS = 3 * BLOCKS,          /* messages of a block each */
    MOVE = 1 << 16,             /* in `marks`, see owner.h */
    LAST = OF_SURVIVOR + LAPS,  /* of those that a survivor writes itself */
    FREE_SLOT = 2 << 3,         /* JOINING(nobody), see cursor.h */
    NOBODY_SLEEPS_LONGER = 2000 /* ms */
};

/* ------------------------------------------------------------ the bystander
 */

static struct {
    _Atomic bool free;
    _Atomic uint8_t seen[MESSAGES];
} * shared;

static pid_t bystander;

static IpcStatus try_read(IpcChannel *ch)
{
    struct message m;
    IpcEntry entry = {0, &m, sizeof m};
    IpcStatus status = ipc_channel_try_read_into(ch, &entry).ipc_status;

    if (status == IPC_OK)
        note_read(&m, entry.size);
    return status;
}

static IpcStatus write_within(IpcChannel *ch, uint32_t id, long timeout_ms)
{
    const struct timespec timeout = {timeout_ms / 1000,
                                     timeout_ms % 1000 * 1000000};
    struct message m;
    IpcStatus status;

    fill(&m, id, 40);
    note_began(id, 1);
    status = ipc_channel_write_with_timeout(ch, &m, 40, &timeout).ipc_status;
    note_written(id, 1, status == IPC_OK);
    return status;
}

void subscribe(IpcChannel *ch, uint32_t from)
{
    const IpcSubscription how = {.struct_size = sizeof how, .from = from};

    must(ipc_channel_subscribe(ch, &how).ipc_status == IPC_OK);
}

/* No message twice; and what was written after one that was read, and before
 * another, was read as well. Where the victim's own come nobody knows. */
static void check_order(const _Atomic uint8_t *seen)
{
    uint32_t first = MESSAGES, last = 0;

    for (uint32_t id = 0; id < MESSAGES; id++) {
        must(seen[id] <= 1);
        if (!seen[id] || (id >= OF_VICTIM && id < OF_OTHERS))
            continue;
        first = first < id ? first : id;
        last = id;
    }
    for (uint32_t id = first; id <= last; id++)
        must(seen[id] || !ledger->written[id] ||
             (id >= OF_VICTIM && id < OF_OTHERS));
}

static void check_once(const _Atomic uint8_t *seen)
{
    for (uint32_t id = 0; id < MESSAGES; id++)
        must(seen[id] <= 1);
}

/* What it did not get it was told of, to the block: one message each. A victim
 * may have claimed a block, and died. */
static void read_until_closed(IpcChannel *ch, bool lags)
{
    uint64_t lost = 0, missed = 0;
    IpcStatus status;

    alarm(GRACE_S);
    do
        status = lags ? read_or_be_told(ch, &lost) : read_one(ch, 100);
    while (status == IPC_OK || status == IPC_ERR_TIMEOUT ||
           status == IPC_ERR_PRODUCERS_DEAD || status == IPC_ERR_LAGGED);
    must(status == IPC_ERR_CLOSED);
    if (lags)
        check_once(shared->seen);
    else
        check_order(shared->seen);
    for (uint32_t id = 0; id < MESSAGES; id++)
        missed += !shared->seen[id] && ledger->written[id];
    must(missed * SHMIPC_BLOCK <= lost);
    must(filler_passed() <= BLOCKS * SHMIPC_BLOCK);
}

static void stand_by(bool lags)
{
    IpcChannel *ch = join();

    notes = shared->seen;
    if (lags)
        subscribe_to_lag(ch, IPC_SUBSCRIBE_FROM_NOW, IPC_SUBSCRIBE_FROM_OLDEST);
    else
        subscribe(ch, IPC_SUBSCRIBE_FROM_NOW);
    for (raise(SIGSTOP); !shared->free; raise(SIGSTOP))
        while (try_read(ch) == IPC_OK)
            continue;
    read_until_closed(ch, lags);
    ipc_channel_destroy(ch);
}

static void wait_until_it_stops(void)
{
    int status;

    while (waitpid(bystander, &status, WUNTRACED) != bystander)
        must(errno == EINTR);
    must(WIFSTOPPED(status));
}

void begin_bystander(bool lags)
{
    end_bystander();
    if (!shared)
        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(shared != MAP_FAILED);
    memset(shared, 0, sizeof *shared);
    bystander = fork_child();
    if (bystander == 0) {
        stand_by(lags);
        _exit(0);
    }
    wait_until_it_stops();
}

void end_bystander(void)
{
    if (bystander == 0)
        return;
    kill(bystander, SIGKILL);
    end_of(bystander);
    bystander = 0;
}

static void let_it_go(void)
{
    shared->free = true;
    kill(bystander, SIGCONT);
}

bool bystander_says(void)
{
    int status = end_of(bystander);

    bystander = 0;
    return status == 0;
}

/* ------------------------------------------------------------------- scenes
 */

static void read_by_the_bystander(void)
{
    kill(bystander, SIGCONT);
    wait_until_it_stops();
}

static void full_but_read(void)
{
    full_ring();
    read_by_the_bystander();
}

static void subscribe_and_die(void)
{
    subscribe(join(), IPC_SUBSCRIBE_FROM_NOW);
    _exit(0);
}

static void dead_subscriber(void)
{
    in_child(subscribe_and_die);
    full_but_read();
}

static void dead_joiner(void)
{
    dead_subscriber();
    subscriber_slot(1)->cursor.position =
        (uint64_t)subscriber_slot(1)->owner << index_bits() | FREE_SLOT;
}

static void subscribe_to_lag_and_die(void)
{
    const IpcSubscription how = {.struct_size = sizeof how,
                                 .policy = IPC_SUBSCRIBER_LAGS};

    must(ipc_channel_subscribe(join(), &how).ipc_status == IPC_OK);
    _exit(0);
}

/* Nobody has to know that it is dead. */
static void dead_laggard(void)
{
    in_child(subscribe_to_lag_and_die);
    full_but_read();
}

static void pin_and_die(void)
{
    const IpcSubscription how = {.struct_size = sizeof how,
                                 .policy = IPC_SUBSCRIBER_LAGS,
                                 .from = IPC_SUBSCRIBE_FROM_OLDEST};
    IpcChannel *ch = join();
    IpcEntry pinned;

    must(ipc_channel_subscribe(ch, &how).ipc_status == IPC_OK);
    must(ipc_channel_pin(ch, &pinned).ipc_status == IPC_OK);
    _exit(0);
}

/* There is room beside what it has pinned, but not for all. */
static void dead_pinner(void)
{
    three_messages();
    in_child(pin_and_die);
    read_by_the_bystander();
}

static void dead_mover(void)
{
    dead_producer();
    region->owners[1].marks += MOVE;
}

/* ------------------------------------------------------------------ victims
 */

static void do_subscribe(IpcChannel *ch)
{
    subscribe(ch, IPC_SUBSCRIBE_FROM_NOW);
}

static void do_subscribe_and_read(IpcChannel *ch)
{
    subscribe(ch, IPC_SUBSCRIBE_FROM_OLDEST);
    must(try_read(ch) == IPC_OK);
    try_read(ch);
}

static void do_read(IpcChannel *ch)
{
    try_read(ch);
}

static void do_read_and_unsubscribe(IpcChannel *ch)
{
    try_read(ch);
    must(ipc_channel_unsubscribe(ch).ipc_status == IPC_OK);
}

/* What others do meanwhile is not to be seen in what is pinned. */
static void do_pin_and_unpin(IpcChannel *ch)
{
    struct message copy;
    IpcEntry pinned;

    must(ipc_channel_pin(ch, &pinned).ipc_status == IPC_OK);
    note_read(pinned.payload, pinned.size);
    memcpy(&copy, pinned.payload, pinned.size);
    must(ipc_channel_unpin(ch, pinned.offset).ipc_status == IPC_OK);
    must(copy.check == ~copy.id);
}

static void do_pin_and_unsubscribe(IpcChannel *ch)
{
    IpcEntry pinned;

    must(ipc_channel_pin_newest(ch, &pinned).ipc_status == IPC_OK);
    note_read(pinned.payload, pinned.size);
    must(ipc_channel_unsubscribe(ch).ipc_status == IPC_OK);
}

static void do_read_newest(IpcChannel *ch)
{
    struct message m;
    IpcEntry entry = {0, &m, sizeof m};

    must(ipc_channel_read_newest(ch, &entry).ipc_status == IPC_OK);
    note_read(&m, entry.size);
}

static void do_destroy(IpcChannel *ch)
{
    ipc_channel_destroy(ch);
}

static void do_write(IpcChannel *ch)
{
    write_one(ch, OF_VICTIM, 40);
}

static void do_write_blocking(IpcChannel *ch)
{
    must(write_within(ch, OF_VICTIM, 3600 * 1000L) == IPC_OK);
}

static void do_write_all_there_is(IpcChannel *ch)
{
    struct message m;

    fill(&m, OF_VICTIM, BLOCKS * SHMIPC_BLOCK);
    note_began(OF_VICTIM, 1);
    must(ipc_channel_write_blocking(ch, &m, BLOCKS * SHMIPC_BLOCK).ipc_status ==
         IPC_OK);
    note_written(OF_VICTIM, 1, 1);
}

/* What others wrote while the victim was stopped, which is in its way. */
static void the_bystander_reads(void)
{
}

static void do_close(IpcChannel *ch)
{
    ipc_channel_close(ch);
}

enum { BOTH = 3 };

/* clang-format off */
const struct operation operations_of_subscribers[] = {
    {"subscribe", three_messages, do_subscribe, NULL, 0, ORDINARY, BOTH},
    {"subscribe-from-the-oldest", three_messages, do_subscribe_and_read, NULL,
     0, ORDINARY, BOTH},
    {"subscribe-for-a-dead-one", dead_subscriber, do_subscribe_and_read, NULL,
     0, ORDINARY, BOTH},
    {"subscribe-for-a-dead-joiner", dead_joiner, do_subscribe, NULL, 0,
     ORDINARY, BOTH},
    {"subscribe-beside-a-dead-mover", dead_mover, do_subscribe_and_read, NULL,
     0, ORDINARY, BOTH},
    {"read-as-a-subscriber", three_messages, do_read, NULL, 0, READS, BOTH},
    {"read-an-item-as-a-subscriber", three_in_an_array, do_read, NULL, 0, READS,
     BOTH},
    {"unsubscribe", three_messages, do_read_and_unsubscribe, NULL, 0, READS,
     BOTH},
    {"destroy-a-subscriber", three_messages, do_destroy, NULL, 0, READS, BOTH},
    {"pin-and-unpin", three_messages, do_pin_and_unpin, NULL, 0, READS, BOTH},
    {"pin-and-unsubscribe", three_messages, do_pin_and_unsubscribe, NULL, 0,
     READS, BOTH},
    {"read-the-newest", three_messages, do_read_newest, NULL, 0, READS, BOTH},
    {"write-round-a-pin", dead_pinner, do_write, NULL, 0, ORDINARY, BOTH},
    {"write-that-lets-go-of-a-pin", dead_pinner, do_write_all_there_is,
     the_bystander_reads, 0, ORDINARY, BOTH},
    {"write-that-makes-room", full_but_read, do_write, NULL, 0, ORDINARY, BOTH},
    {"write-that-removes-the-dead", dead_subscriber, do_write_blocking, NULL, 0,
     ORDINARY, BOTH},
    {"write-that-removes-a-joiner", dead_joiner, do_write_blocking, NULL, 0,
     ORDINARY, BOTH},
    {"write-that-evicts", dead_laggard, do_write, NULL, 0, ORDINARY, BOTH},
    {"write-that-finds-no-room", full_ring, do_write, NULL, 0, ORDINARY, BOTH},
    {"write-that-evicts-one-who-lives", full_ring, do_write, NULL, 0, EVICTS,
     BOTH},
    {"write-all-and-evict", full_ring, do_write_all_there_is,
     the_bystander_reads, 0, EVICTS, BOTH},
    {"read-and-be-evicted", three_messages, do_read_with_gaps, NULL, 0,
     LAGS_TO_OLDEST, BOTH},
    {"read-and-be-evicted-to-the-newest", three_messages, do_read_with_gaps,
     NULL, 0, LAGS_TO_NEWEST, BOTH},
    {"pin-and-be-evicted", three_messages, do_pin_with_gaps, NULL, 0,
     LAGS_TO_OLDEST, BOTH},
    {"read-when-evicted", full_but_read, do_read_with_gaps, NULL, 0,
     EVICTED_TO_OLDEST, BOTH},
    {"read-the-newest-when-evicted", full_but_read, do_read_with_gaps, NULL, 0,
     EVICTED_TO_NEWEST, BOTH},
    {"pin-when-evicted", full_but_read, do_pin_with_gaps, NULL, 0,
     EVICTED_TO_OLDEST, BOTH},
    {"unsubscribe-when-evicted", full_but_read, do_unsubscribe, NULL, 0,
     EVICTED_TO_OLDEST, BOTH},
    {"destroy-when-evicted", full_but_read, do_destroy, NULL, 0,
     EVICTED_TO_OLDEST, BOTH},
    {"close-with-subscribers", three_messages, do_close, NULL, 0, CLOSES, BOTH},
};
/* clang-format on */

const size_t operation_of_subscribers_count =
    sizeof operations_of_subscribers / sizeof operations_of_subscribers[0];

/* ------------------------------------------------------------- while stopped
 */

static bool is_position(uint64_t cursor)
{
    return cursor % (1u << index_bits()) < BLOCKS;
}

/* By whom writers may be held up, but for the bystander: one that has not yet
 * joined, or was removed, is none of these. */
static bool victim_holds(void)
{
    uint32_t holding = 0;

    for (uint32_t i = 0; i < SUBSCRIBERS; i++)
        holding += is_position(subscriber_slot(i)->cursor.position) &&
                   subscriber_slot(i)->policy == SUBSCRIBER_BLOCKS;
    return holding > 1 || look().busy;
}

static void join_beside(uint32_t from)
{
    const IpcSubscription how = {.struct_size = sizeof how, .from = from};
    static _Atomic uint8_t seen[MESSAGES];
    IpcChannel *ch = join();
    IpcStatus status = ipc_channel_subscribe(ch, &how).ipc_status;

    memset(seen, 0, sizeof seen);
    notes = seen;
    if (status == IPC_OK) {
        while ((status = try_read(ch)) == IPC_OK)
            continue;
        must(status == IPC_EMPTY || status == IPC_ERR_NOT_READY ||
             status == IPC_ERR_CLOSED);
        must(ipc_channel_unsubscribe(ch).ipc_status == IPC_OK);
    } else {
        must(status == IPC_ERR_LOCKED || status == IPC_ERR_OWNERS_FULL);
    }
    check_order(seen);
    notes = NULL;
    ipc_channel_destroy(ch);
}

void work_beside_subscribers(void)
{
    IpcChannel *ch = join();
    IpcStatus status = IPC_OK;

    let_it_go();
    for (uint32_t id = OF_OTHERS; id < OF_OTHERS + LAPS; id++) {
        status = write_within(ch, id, 30);
        if (status == IPC_ERR_TIMEOUT && !victim_holds())
            status = write_within(ch, id, NOBODY_SLEEPS_LONGER);
        if (status != IPC_OK)
            break;
    }
    must(status == IPC_OK || status == IPC_ERR_CLOSED ||
         (status == IPC_ERR_TIMEOUT && victim_holds()) ||
         (status == IPC_ERR_ROLE_TAKEN && mode & IPC_BUFFER_ONE_PRODUCER));
    join_beside(IPC_SUBSCRIBE_FROM_OLDEST);
    join_beside(IPC_SUBSCRIBE_FROM_NOW);
    ipc_channel_destroy(ch);
}

/* --------------------------------------------------------------- afterwards
 */

static void closing_works(IpcChannel *ch)
{
    must(ipc_channel_close(ch).ipc_status == IPC_OK);
    must(write_one(ch, LAST + 1, 40) == IPC_ERR_CLOSED);
}

/* In the slot that the victim had, or did not get. */
static void newcomer_works(IpcChannel *writer)
{
    static _Atomic uint8_t seen[MESSAGES];
    IpcChannel *ch = join();

    notes = seen;
    subscribe(ch, IPC_SUBSCRIBE_FROM_OLDEST);
    while (try_read(ch) == IPC_OK)
        continue;
    must(seen[LAST - 1]);
    must(write_within(writer, LAST, NOBODY_SLEEPS_LONGER) == IPC_OK);
    must(read_one(ch, NOBODY_SLEEPS_LONGER) == IPC_OK && seen[LAST]);
    check_order(seen);
    notes = NULL;
    must(ipc_channel_unsubscribe(ch).ipc_status == IPC_OK);
    ipc_channel_destroy(ch);
}

static uint32_t owners_left;

static void register_another(void)
{
    IpcChannel *ch = join();
    IpcStatus status =
        write_within(ch, LAST + 1 + owners_left, NOBODY_SLEEPS_LONGER);

    must(status ==
         (mode & IPC_BUFFER_ONE_PRODUCER ? IPC_ERR_ROLE_TAKEN : IPC_OK));
    if (--owners_left)
        in_child(register_another);
    ipc_channel_destroy(ch);
}

/* While nobody writes: blocks before the gate are free. */
static void gate_has_passed_nobody(void)
{
    uint64_t gate = region->head.position;

    for (uint32_t i = 0; i < SUBSCRIBERS; i++) {
        uint64_t cursor = subscriber_slot(i)->cursor.position;

        must(!is_position(cursor) || (cursor & SHMIPC_POSITION_MASK) >= gate);
    }
}

void check_subscribers(const struct operation *o)
{
    IpcChannel *ch = join();

    gate_has_passed_nobody();
    let_it_go();
    if (kind_lags(o->kind))
        check_once(ledger->seen);
    else
        check_order(ledger->seen);
    if (o->kind == CLOSES) {
        closing_works(ch);
        return;
    }
    for (uint32_t id = OF_SURVIVOR; id < LAST; id++)
        must(write_within(ch, id, NOBODY_SLEEPS_LONGER) == IPC_OK);
    newcomer_works(ch);
    owners_left = OWNERS - 2; /* two are ours and the bystander's */
    in_child(register_another);
    closing_works(ch);
    ipc_channel_destroy(ch);
}
