/* SPDX-License-Identifier: MIT */
/*
 * A storm for subscribers: some are killed at random moments, and others join
 * in their place, from now or from the oldest, while one producer after the
 * other is killed, too, if that is asked for. Those that nobody kills get each
 * message whose write returned, once, whole, and of each producer in order; one
 * per killed producer may have been committed just before it could say so. Who
 * joins gets no hole from its first message on. One more is slow and may lag:
 * it has holes only where it was told so, and then loses something; what it
 * works on in place meanwhile, it has pinned, and nobody writes over that.
 *
 *     subscribers [-m messages] [-k kills] [-i us] [-p] [-t] [-1] [-s seed]
 *                 [-b bytes]
 *
 * -m: of all producers together, at least. -k: of subscribers in turn, one in
 * so many microseconds (-i) on average. -p: kills producers as well, one for
 * eight subscribers. -t: the third is one that may lag, and the fourth a tap;
 * and another tap lives. -1: one producer.
 */
#include "message.h"
#include <errno.h>
#include <shmipc/shmipc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PRODUCERS = 2,
    SURVIVORS = 2,
    MORTALS = 4, /* of the kinds below */
    BLOCKERS = 2,
    LARGEST = 120,
    PRODUCERS_EVER = 4096,
    KILLS_PER_PRODUCER = 8,
    /* Of two moves in each other's way nobody knows for how long: see
     * ipc_channel_subscribe. */
    LOCKED_MAX = 10000,
};

/* Who is killed: two that writers wait for, and only with -t the others. */
enum { MORTAL_BLOCKS, MORTAL_BLOCKS_TOO, MORTAL_LAGS, MORTAL_TAPS };

struct producer {
    _Atomic uint32_t started;  /* messages whose write began */
    _Atomic uint32_t finished; /* and returned */
};

/* Written by one subscriber alone. */
struct reader {
    _Atomic uint64_t messages;
    _Atomic uint32_t joined; /* how often somebody has, in its place */
    uint32_t next[PRODUCERS_EVER];
};

static struct board {
    _Atomic bool failed, stop;
    _Atomic uint64_t locked;
    struct producer producers[PRODUCERS_EVER];
    struct reader survivors[SURVIVORS], mortals[MORTALS], laggard, tap;
    _Atomic uint64_t gaps; /* that the laggard was told of */
    _Atomic uint64_t tap_gaps;
    _Atomic uint64_t pins; /* held for a while, and let go */
} * board;

static void *region;
static size_t region_size;
static IpcChannelConfiguration configuration = {
    .max_round_trips = 1, .start_sleep_ns = 1000, .max_sleep_ns = 1000000};

static void fail(const char *what, uint32_t producer, uint32_t sequence)
{
    fprintf(stderr, "%s: producer %u message %u\n", what, producer, sequence);
    board->failed = true;
}

static IpcChannel *join(void)
{
    IpcChannelConnectResult r =
        ipc_channel_connect_sized(region, region_size, configuration);

    if (r.ipc_status != IPC_OK)
        fail(r.error.detail, 0, 0);
    return r.result;
}

/* ---------------------------------------------------------------- producers
 */

static void produce(uint32_t number)
{
    struct producer *p = &board->producers[number];
    const struct timespec wait = {20, 0};
    unsigned char message[LARGEST];
    IpcChannel *channel = join();

    while (channel && !board->stop && !board->failed) {
        uint32_t sequence = p->started++;
        size_t size = message_size(number, sequence, LARGEST);
        IpcStatus status;

        message_fill(message, number, sequence, size);
        do
            status =
                ipc_channel_write_with_timeout(channel, message, size, &wait)
                    .ipc_status;
        while (status == IPC_ERR_LOCKED);
        if (status != IPC_OK) {
            fail(ipc_status_name(status), number, sequence);
            return;
        }
        p->finished++;
    }
}

/* -------------------------------------------------------------- subscribers
 */

/* `next` is of its producer the sequence that has to come, plus 1; 0: none
 * was read so far. Of one that was killed the last may be missing. */
static bool note(struct reader *me, const IpcEntry *entry, bool from_first)
{
    struct message_header h;
    uint32_t *next;

    if (!message_check(entry->payload, entry->size, &h) ||
        h.producer >= PRODUCERS_EVER ||
        entry->size != message_size(h.producer, h.sequence, LARGEST)) {
        fail("torn", 0, 0);
        return false;
    }
    next = &me->next[h.producer];
    if (*next == 0 && !from_first)
        *next = h.sequence + 1;
    else if (*next == 0)
        *next = 1;
    if (h.sequence + 1 != *next) {
        fail(h.sequence + 1 < *next ? "twice, or out of order" : "missing",
             h.producer, h.sequence);
        return false;
    }
    *next += 1;
    me->messages++;
    return true;
}

static IpcStatus subscribe(IpcChannel *channel, uint32_t from)
{
    const IpcSubscription how = {.struct_size = sizeof how, .from = from};
    IpcStatus status = IPC_ERR_LOCKED;

    for (int i = 0; i < LOCKED_MAX && status == IPC_ERR_LOCKED; i++) {
        status = ipc_channel_subscribe(channel, &how).ipc_status;
        board->locked += status == IPC_ERR_LOCKED;
    }
    return status;
}

static void read_on(IpcChannel *channel, struct reader *me, bool from_first)
{
    const struct timespec wait = {20, 0};
    unsigned char bytes[LARGEST];
    IpcStatus status;

    do {
        IpcEntry entry = {0, bytes, sizeof bytes};

        status = ipc_channel_read_into_with_timeout(channel, &entry, &wait)
                     .ipc_status;
        if (status == IPC_OK && !note(me, &entry, from_first))
            return;
    } while (status == IPC_OK || status == IPC_ERR_LOCKED);
    if (status != IPC_ERR_CLOSED)
        fail(ipc_status_name(status), 0, 0);
}

/* After a gap there may be anything. */
static void forget(struct reader *me, _Atomic uint64_t *gaps, uint64_t lost)
{
    ++*gaps;
    if (lost == 0)
        fail("a gap of nothing", 0, 0);
    memset(me->next, 0, sizeof me->next);
}

/* Works on an entry where it lies, while it is overrun. */
static IpcStatus work_in_place(IpcChannel *channel, struct reader *me)
{
    const struct timespec wait = {20, 0}, nap = {0, 100000};
    unsigned char before[LARGEST];
    IpcEntry pinned;
    IpcChannelNewestResult r =
        ipc_channel_pin_with_timeout(channel, &pinned, &wait);

    if (r.ipc_status == IPC_ERR_LAGGED)
        forget(me, &board->gaps, r.error.body.lost);
    if (r.ipc_status != IPC_OK)
        return r.ipc_status;
    memcpy(before, pinned.payload, pinned.size);
    nanosleep(&nap, NULL);
    if (memcmp(before, pinned.payload, pinned.size) != 0)
        fail("what is pinned was written over", 0, 0);
    if (!note(me, &pinned, false))
        return IPC_ERR_CORRUPTED;
    board->pins++;
    return ipc_channel_unpin(channel, pinned.offset).ipc_status;
}

/* Slow now and then, so that it is overrun. */
static void lag(struct reader *me)
{
    const IpcSubscription how = {
        .struct_size = sizeof how,
        .policy = IPC_SUBSCRIBER_LAGS,
        .after_gap = IPC_SUBSCRIBE_FROM_OLDEST,
    };
    const struct timespec wait = {20, 0};
    IpcChannel *channel = join();
    IpcStatus status = IPC_ERR_LOCKED;
    unsigned char bytes[LARGEST];

    memset(me->next, 0, sizeof me->next);
    for (int i = 0; i < LOCKED_MAX && status == IPC_ERR_LOCKED; i++)
        status = ipc_channel_subscribe(channel, &how).ipc_status;
    me->joined++;

    while (status == IPC_OK || status == IPC_ERR_LOCKED ||
           status == IPC_ERR_LAGGED) {
        IpcEntry entry = {0, bytes, sizeof bytes};
        IpcChannelReadWithTimeoutResult r =
            ipc_channel_read_into_with_timeout(channel, &entry, &wait);

        status = r.ipc_status;
        if (status == IPC_OK && !note(me, &entry, false))
            return;
        if (status == IPC_ERR_LAGGED)
            forget(me, &board->gaps, r.error.body.lost);
        if (status == IPC_OK && me->messages % 1024 == 0)
            status = work_in_place(channel, me);
    }
    if (status != IPC_ERR_CLOSED)
        fail(ipc_status_name(status), 0, 0);
}

/* Follows without being seen. */
static void tap(struct reader *me)
{
    IpcTapAttachResult tap = ipc_tap_attach(region, region_size, NULL);
    unsigned char bytes[LARGEST];
    IpcStatus status = tap.ipc_status;

    memset(me->next, 0, sizeof me->next);
    me->joined++;
    while (status == IPC_OK || status == IPC_ERR_LAGGED ||
           status == IPC_ERR_TIMEOUT || status == IPC_ERR_NOT_READY) {
        IpcEntry entry = {0, bytes, sizeof bytes};
        IpcTapReadResult r =
            ipc_tap_read_with_timeout(tap.result, &entry, 10000000);

        status = r.ipc_status;
        if (status == IPC_OK && !note(me, &entry, false))
            return;
        if (status == IPC_ERR_LAGGED)
            forget(me, &board->tap_gaps, r.error.body.lost);
    }
    if (status != IPC_ERR_CLOSED)
        fail(ipc_status_name(status), 0, 0);
}

static void survive(uint32_t i)
{
    IpcChannel *channel = join();

    if (!channel || subscribe(channel, IPC_SUBSCRIBE_FROM_NOW) != IPC_OK) {
        fail("a survivor cannot subscribe", 0, 0);
        return;
    }
    board->survivors[i].joined++;
    read_on(channel, &board->survivors[i], true);
}

/* Every third leaves by itself now and then, and joins again. */
static void come_and_go(struct reader *me, uint32_t dice)
{
    IpcChannel *channel = join();
    IpcStatus status;

    for (int stays = dice % 3 ? 1 : 20; channel && stays > 0; stays--) {
        const struct timespec wait = {0, 1000000};
        unsigned char bytes[LARGEST];
        IpcEntry entry = {0, bytes, sizeof bytes};

        memset(me->next, 0, sizeof me->next);
        status = subscribe(channel, dice / 3 % 2);
        if (status != IPC_OK) {
            fail(ipc_status_name(status), 0, 0);
            return;
        }
        me->joined++;
        if (stays == 1) {
            read_on(channel, me, false);
            return;
        }
        for (int reads = 0; reads < 20; reads++, entry.size = sizeof bytes)
            if (ipc_channel_read_into_with_timeout(channel, &entry, &wait)
                        .ipc_status == IPC_OK &&
                !note(me, &entry, false))
                return;
        IPC_IGNORE(ipc_channel_unsubscribe(channel));
    }
}

static void be_mortal(uint32_t i, uint32_t dice)
{
    struct reader *me = &board->mortals[i];

    if (i == MORTAL_LAGS)
        lag(me);
    else if (i == MORTAL_TAPS)
        tap(me);
    else
        come_and_go(me, dice);
}

/* ------------------------------------------------------------------- parties
 */

static pid_t start(void (*what)(uint32_t, uint32_t), uint32_t i, uint32_t dice)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            what(i, dice);
        _exit(board->failed);
    }
    return pid;
}

static void as_producer(uint32_t i, uint32_t dice)
{
    (void)dice;
    produce(i);
}

static void as_survivor(uint32_t i, uint32_t dice)
{
    (void)dice;
    survive(i);
}

static void as_laggard(uint32_t i, uint32_t dice)
{
    (void)i, (void)dice;
    lag(&board->laggard);
}

static void as_tap(uint32_t i, uint32_t dice)
{
    (void)i, (void)dice;
    tap(&board->tap);
}

static void sleep_us(uint32_t us)
{
    const struct timespec t = {0, (long)us * 1000};

    nanosleep(&t, NULL);
}

static void kill_and_reap(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t finished(uint32_t producers)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < producers; i++)
        sum += board->producers[i].finished;
    return sum;
}

/* After all: each survivor has what was written; of a killed producer it may
 * have one more, and all of them the same. */
static bool all_is_there(uint32_t producers)
{
    bool good = true;

    for (uint32_t p = 0; p < producers; p++)
        for (int i = 0; i < SURVIVORS; i++) {
            uint32_t next = board->survivors[i].next[p];
            uint32_t got = next ? next - 1 : 0;

            if (got < board->producers[p].finished ||
                got > board->producers[p].started ||
                next != board->survivors[0].next[p]) {
                fail("at the end, of survivor", p, got);
                good = false;
            }
        }
    return good;
}

/* ------------------------------------------------------------------- storm */

static struct storm {
    uint64_t messages;
    uint32_t kills, seed, interval_us, producers;
    uint32_t mortals; /* as many of the kinds above */
    bool kills_producers;

    pid_t producer[PRODUCERS], survivor[SURVIVORS], mortal[MORTALS], laggard,
        tap;
    uint32_t started, killed, killed_producers;
} storm = {
    .messages = 100000,
    .kills = 200,
    .interval_us = 5000,
    .producers = PRODUCERS,
    .mortals = BLOCKERS,
};

static bool take_options(int argc, char **argv)
{
    int option;

    storm.seed = (uint32_t)time(NULL);
    while ((option = getopt(argc, argv, "m:k:s:i:b:pt1")) != -1) {
        unsigned long long value = optarg ? strtoull(optarg, NULL, 10) : 0;

        if (option == 'm')
            storm.messages = value;
        else if (option == 'k')
            storm.kills = (uint32_t)value;
        else if (option == 's')
            storm.seed = (uint32_t)value;
        else if (option == 'i')
            storm.interval_us = (uint32_t)value;
        else if (option == 'b')
            region_size = (size_t)value;
        else if (option == 'p')
            storm.kills_producers = true;
        else if (option == 't')
            storm.mortals = MORTALS;
        else if (option == '1')
            storm.producers = 1;
        else
            return false;
    }
    return storm.interval_us > 0 &&
           storm.kills / KILLS_PER_PRODUCER + PRODUCERS < PRODUCERS_EVER;
}

static IpcChannel *create(void)
{
    IpcChannelResult r;

    configuration.flags = IPC_BUFFER_BROADCAST;
    if (storm.producers == 1)
        configuration.flags |= IPC_BUFFER_ONE_PRODUCER;
    /* So many that the dead have to make room for the next. A tap has none. */
    configuration.max_subscribers =
        SURVIVORS + storm.mortals + (storm.mortals < MORTALS);
    configuration.max_owners = PRODUCERS + configuration.max_subscribers;
    r = ipc_channel_create(region, region_size, configuration);
    if (r.ipc_status != IPC_OK)
        fail(r.error.detail, 0, 0);
    return r.result;
}

/* The survivors first: they have to get everything. */
static void begin(void)
{
    for (uint32_t i = 0; i < SURVIVORS; i++)
        storm.survivor[i] = start(as_survivor, i, 0);
    for (uint32_t i = 0; i < SURVIVORS; i++)
        while (!board->survivors[i].joined && !board->failed)
            sleep_us(100);
    storm.laggard = start(as_laggard, 0, 0);
    for (uint32_t i = 0; i < storm.mortals; i++)
        storm.mortal[i] = start(be_mortal, i, i);
    if (storm.mortals == MORTALS)
        storm.tap = start(as_tap, 0, 0);
    for (uint32_t i = 0; i < storm.producers; i++)
        storm.producer[i] = start(as_producer, storm.started++, 0);
}

static void kill_one(uint32_t dice)
{
    uint32_t i = storm.killed % storm.mortals;
    pid_t *victim = &storm.mortal[i];

    kill_and_reap(*victim);
    *victim = start(be_mortal, i, dice / MORTALS);
    storm.killed++;
    if (!storm.kills_producers || storm.killed % KILLS_PER_PRODUCER)
        return;
    victim = &storm.producer[dice / 16 % storm.producers];
    kill_and_reap(*victim);
    *victim = start(as_producer, storm.started++, 0);
    storm.killed_producers++;
}

static void end(IpcChannel *channel)
{
    board->stop = true;
    for (uint32_t i = 0; i < storm.producers; i++)
        waitpid(storm.producer[i], NULL, 0);
    ipc_channel_close(channel);
    for (int i = 0; i < SURVIVORS; i++)
        waitpid(storm.survivor[i], NULL, 0);
    for (uint32_t i = 0; i < storm.mortals; i++)
        waitpid(storm.mortal[i], NULL, 0);
    waitpid(storm.laggard, NULL, 0);
    if (storm.tap)
        waitpid(storm.tap, NULL, 0);
    ipc_channel_destroy(channel);
}

static void report(double begun)
{
    static const char *const kinds[MORTALS] = {"blocks", "blocks too",
                                               "may lag", "taps"};

    printf("%llu messages to each of %d subscribers, %u others killed and %u "
           "producers; %llu had to try again to join; %.0f s\n",
           (unsigned long long)finished(storm.started), SURVIVORS, storm.killed,
           storm.killed_producers, (unsigned long long)board->locked,
           now() - begun);
    for (uint32_t i = 0; i < storm.mortals; i++)
        printf("one that %s: killed %u times, joined %u times, read %llu\n",
               kinds[i], (storm.killed + storm.mortals - 1 - i) / storm.mortals,
               board->mortals[i].joined,
               (unsigned long long)board->mortals[i].messages);
    printf("one that lags and lives read %llu, a tap %llu; with the mortal "
           "ones %llu and %llu gaps were told, and %llu entries pinned\n",
           (unsigned long long)board->laggard.messages,
           (unsigned long long)board->tap.messages,
           (unsigned long long)board->gaps, (unsigned long long)board->tap_gaps,
           (unsigned long long)board->pins);
}

int main(int argc, char **argv)
{
    double begun = now();
    IpcChannel *channel;
    region_size = 16384;
    if (!take_options(argc, argv))
        return 2;
    printf("seed %u\n", storm.seed);
    fflush(stdout);
    region = shared_zeros(region_size);
    board = shared_zeros(sizeof *board);
    if (!region || !board || !(channel = create()))
        return 2;
    begin();
    for (uint32_t i = 0; !board->failed; i++) {
        uint32_t dice = scramble((uint64_t)storm.seed << 32 | i);

        if (storm.killed >= storm.kills &&
            finished(storm.started) >= storm.messages)
            break;
        sleep_us(dice % (2 * storm.interval_us));
        if (storm.killed < storm.kills)
            kill_one(dice >> 8);
    }
    end(channel);
    if (board->pins == 0)
        fail("nobody pinned anything", 0, 0);
    report(begun);
    return all_is_there(storm.started) && !board->failed ? 0 : 1;
}
