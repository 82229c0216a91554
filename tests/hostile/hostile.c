/* SPDX-License-Identifier: MIT */
/*
 * A process scribbles over a region while an honest one works in it, in each
 * mode. Whatever the honest one is told: it does not crash, no call of it takes
 * long, and nothing around the region or behind its own memory is touched.
 *
 *     hostile [SECONDS [SEED]]
 */
#include "ring/control.h"
#include <shmipc/ipc_acknowledge.h>
#include <shmipc/ipc_batch.h>
#include <shmipc/shmipc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    BLOCKS = 24,
    OWNERS = 3,
    SUBSCRIBERS = 3,
    INDEX_BITS = 5, /* more indices than there are blocks */
    BITS_FOR_CURSORS = 2,
    BYTES = BLOCKS * 64,
    ARRAY_ITEM = 50, /* bytes */
    GUARD = 64,      /* bytes behind our own memory that nothing may change */
    MODES = 9,
};

static const uint32_t modes[MODES] = {
    0,
    IPC_BUFFER_ONE_PRODUCER,
    IPC_BUFFER_ONE_CONSUMER,
    IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER,
    IPC_BUFFER_BROADCAST,
    IPC_BUFFER_BROADCAST | IPC_BUFFER_ONE_PRODUCER,
    IPC_BUFFER_ACKNOWLEDGE,
    IPC_BUFFER_TAPS,
    IPC_BUFFER_TAPS | IPC_BUFFER_ONE_PRODUCER,
};

static const double SLOW = 10; /* seconds: no call may take so long */

static unsigned char *pages; /* known bytes, the region, and a fault */
static struct shm_region *region;
static size_t region_size, room;
static uint32_t index_bits, subscribers; /* of the mode */

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint32_t below(uint64_t *random, uint32_t limit)
{
    return (uint32_t)(next_random(random) >> 32) % limit;
}

/* ------------------------------------------------------------ the hostile */

/* Rarely in the header: once that is gone the honest one is told so by all
 * calls, and does nothing more. */
static volatile uint64_t *any_word(uint64_t *random)
{
    const uint32_t header = sizeof(struct shm_identity) / sizeof(uint64_t);
    uint32_t first = below(random, 1 << 20) ? header : 0;

    return (volatile uint64_t *)(void *)region + first +
           below(random, (uint32_t)(region_size / sizeof(uint64_t)) - first);
}

static volatile struct shm_subscriber *any_subscriber(uint64_t *random)
{
    return (volatile struct shm_subscriber *)(void *)&region->owners[OWNERS] +
           below(random, subscribers);
}

/* Where readers go on. */
static volatile atomic_u64 *any_head(uint64_t *random)
{
    return subscribers && below(random, 2)
               ? &any_subscriber(random)->cursor.position
               : &region->head.position;
}

/* Where the ends are now, or near. */
static uint64_t any_position(uint64_t *random)
{
    uint64_t position =
        below(random, 2) ? region->tail.position : *any_head(random);

    position &= SHMIPC_POSITION_MASK;
    return below(random, 2) ? position
                            : position + below(random, 2 * BLOCKS) - BLOCKS;
}

/* What could have been there. */
static uint64_t plausible(uint64_t *random)
{
    uint64_t position = any_position(random);

    switch (below(random, 4)) {
    case 0:
        return position;
    case 1:
        return *any_word(random);
    default:
        return control_make((uint32_t)(position >> index_bits),
                            below(random, 2) ? below(random, BYTES)
                                             : (uint32_t)next_random(random) &
                                                   CONTROL_VALUE_MAX,
                            (enum control_state)below(random, 8));
    }
}

/* A value for what begins at block `index`, of a size that may end exactly at
 * the end of the ring, or just not. */
static uint32_t tempting_value(uint64_t *random, uint32_t index,
                               enum control_state state)
{
    uint32_t left = index < BLOCKS ? BLOCKS - index : 1;
    uint32_t blocks = left + below(random, 3) - below(random, 2);
    uint32_t count = 1 + below(random, SHMIPC_ARRAY_MAX);

    switch (state) {
    case CONTROL_READY:
        return below(random, 2) ? blocks * SHMIPC_BLOCK + below(random, 2)
                                : below(random, BYTES);
    case CONTROL_ARRAY:
        return control_array(below(random, 2) ? ARRAY_ITEM
                                              : blocks * SHMIPC_BLOCK / count,
                             count);
    case CONTROL_BUSY:
        return below(random, 1 << 14); /* a slot that may not exist */
    default:
        return below(random, 2) ? blocks : 0;
    }
}

/* Leads an end of the ring to a block, which may not exist, and says that
 * there is something; then that it is something else, in mid-read. */
static void tempt(uint64_t *random)
{
    const enum control_state states[] = {
        CONTROL_READY, CONTROL_READY, CONTROL_ARRAY, CONTROL_ARRAY,
        CONTROL_BUSY,  CONTROL_PAD,   CONTROL_SKIP,  CONTROL_FREE};
    volatile uint64_t *control =
        (void *)((unsigned char *)region +
                 (region_size - BYTES -
                  (BLOCKS * sizeof(uint64_t) + 63) / 64 * 64));
    volatile atomic_u64 *head = any_head(random);
    uint64_t lap = any_position(random) >> index_bits;
    uint32_t index = below(random, 1 << INDEX_BITS);
    uint64_t position = lap << index_bits | index;

    if (below(random, 8) == 0)
        region->tail.position = position;
    else if (below(random, 4) == 0)
        *head = position + below(random, SHMIPC_ARRAY_MAX) * SHMIPC_HEAD_ITEM;
    else
        *head = position;
    for (uint32_t i = below(random, 16);; i--) {
        enum control_state state = states[below(random, 8)];

        control[index] = control_make(
            (uint32_t)lap, tempting_value(random, index, state), state);
        if (i == 0)
            return;
    }
}

/* Says that a subscriber is another one, or comes, or goes. */
static void tempt_subscriber(uint64_t *random)
{
    volatile struct shm_subscriber *s = any_subscriber(random);
    uint64_t owner = below(random, 2) ? s->owner : next_random(random);
    uint64_t state = below(random, 4);

    if (below(random, 2))
        s->owner = (uint32_t)(below(random, 2) ? owner : below(random, OWNERS));
    if (below(random, 2))
        s->cursor.position =
            (below(random, 2) ? owner : 0) << index_bits | state << INDEX_BITS;
    else
        s->cursor.position = any_position(random) | state << INDEX_BITS;
}

/* Says for a moment that the ring is another one: for who attaches. */
static void lie_about_shape(uint64_t *random)
{
    volatile uint64_t *word =
        (volatile uint64_t *)(void *)region + 1 + below(random, 3);
    uint64_t truth = *word;

    *word = truth + ((uint64_t)below(random, 4) << below(random, 64));
    for (volatile int i = 0; i < 1000; i++)
        continue;
    *word = truth;
}

static void scribble(uint64_t random, pid_t honest)
{
    /* Whatever becomes of the honest one. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != honest)
        _exit(EXIT_FAILURE);
    for (;;) {
        volatile uint64_t *word = any_word(&random);

        if (below(&random, 256) == 0)
            lie_about_shape(&random);
        else if (subscribers && below(&random, 8) == 0)
            tempt_subscriber(&random);
        else if (below(&random, 4) == 0)
            tempt(&random);
        else if (below(&random, 4) == 0)
            *word = next_random(&random);
        else if (below(&random, 4) == 0)
            *word ^= UINT64_C(1) << below(&random, 64);
        else
            *word = plausible(&random);
        if (below(&random, 64) == 0) {
            const struct timespec pause = {0, 20000};

            nanosleep(&pause, NULL);
        }
    }
}

/* ------------------------------------------------------------- the honest */

struct honest {
    IpcChannel *channel;
    IpcBuffer *buffer;
    IpcTap *tap; /* or NULL */
    uint64_t random;
    uint64_t calls;
    size_t room; /* what the next read may fill of the bytes */
    unsigned char bytes[BYTES + GUARD];
};

_Static_assert(BLOCKS <= 1 << INDEX_BITS, "as the ring packs positions");

static void write_something(struct honest *h)
{
    const struct timespec soon = {0, 50000};
    struct iovec pieces[2] = {{h->bytes, 1 + below(&h->random, 200)},
                              {h->bytes, 1 + below(&h->random, BYTES)}};
    IpcReservation r;

    switch (below(&h->random, 5)) {
    case 0:
        IPC_IGNORE(ipc_channel_write(h->channel, h->bytes, pieces[1].iov_len));
        break;
    case 1:
        IPC_IGNORE(ipc_channel_write_batch(h->channel, pieces, 2));
        break;
    case 2:
        IPC_IGNORE(ipc_buffer_write_array(h->buffer, h->bytes, ARRAY_ITEM,
                                          1 + (int)below(&h->random, 20)));
        break;
    case 3:
        IPC_IGNORE(
            ipc_channel_write_with_timeout(h->channel, h->bytes, 100, &soon));
        break;
    default:
        if (ipc_buffer_reserve(h->buffer, pieces[0].iov_len, &r).ipc_status !=
            IPC_OK)
            break;
        memset(r.payload, 0x33, r.size);
        if (below(&h->random, 2))
            IPC_IGNORE(ipc_buffer_commit(h->buffer, &r, r.size));
        else
            ipc_buffer_abort(h->buffer, &r);
        break;
    }
}

/* Whatever is pointed at can be read, all of it. */
static void touch(const void *payload, size_t size)
{
    volatile unsigned char sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (unsigned char)(sum + ((const unsigned char *)payload)[i]);
}

static void read_ahead(struct honest *h)
{
    IpcEntry entry;

    if (ipc_channel_try_read_ahead(h->channel, &entry).ipc_status != IPC_OK)
        return;
    if (entry.size > BYTES)
        fail("an entry that was read ahead is larger than the ring");
    touch(entry.payload, entry.size);
    switch (below(&h->random, 4)) {
    case 0:
        break;
    case 1:
        IPC_IGNORE(ipc_channel_give_back(h->channel, entry.offset));
        break;
    default:
        IPC_IGNORE(ipc_channel_acknowledge(h->channel, entry.offset));
        break;
    }
}

static void read_something(struct honest *h)
{
    const struct timespec soon = {0, 50000};
    IpcEntry entry = {0, h->bytes, h->room};
    IpcEntry entries[8];

    switch (below(&h->random, 8)) {
    case 0:
        if (ipc_channel_try_read(h->channel, &entry).ipc_status == IPC_OK) {
            touch(entry.payload, entry.size);
            free(entry.payload);
        }
        break;
    case 1:
        IPC_IGNORE(
            ipc_channel_read_into_with_timeout(h->channel, &entry, &soon));
        break;
    case 2:
        IPC_IGNORE(ipc_channel_try_read_batch(
            h->channel, entries, 1 + h->room % 8, h->bytes, h->room));
        break;
    case 3:
        if (h->room >= ARRAY_ITEM)
            IPC_IGNORE(ipc_buffer_read_array(h->buffer, h->bytes, ARRAY_ITEM,
                                             (int)(h->room / ARRAY_ITEM)));
        break;
    case 4:
        if (ipc_buffer_peek(h->buffer, &entry).ipc_status == IPC_OK) {
            if (entry.size > BYTES)
                fail("an entry is larger than the ring");
            touch(entry.payload, entry.size);
            IPC_IGNORE(ipc_buffer_skip(h->buffer, entry.offset));
        }
        break;
    case 5:
    case 6:
        read_ahead(h);
        break;
    default:
        IPC_IGNORE(ipc_channel_try_read_into(h->channel, &entry));
        break;
    }
}

static void tap_anew(struct honest *h)
{
    IpcTapOptions options = {.struct_size = sizeof options,
                             .start = below(&h->random, 3),
                             .after_lag = below(&h->random, 3)};
    IpcTapAttachResult r = ipc_tap_attach(region, region_size, &options);

    if (r.ipc_status != IPC_OK)
        return;
    if (h->tap)
        ipc_tap_destroy(h->tap);
    h->tap = r.result;
}

static void look_on(struct honest *h)
{
    IpcTapInfo info = {.struct_size = sizeof info};
    IpcEntry entry = {0, h->bytes, h->room};

    switch (h->tap ? below(&h->random, 10) : 0) {
    case 0:
        tap_anew(h);
        break;
    case 1:
        IPC_IGNORE(ipc_tap_seek(h->tap, (IpcTapStart)below(&h->random, 3)));
        break;
    case 2:
        IPC_IGNORE(ipc_tap_skip(h->tap));
        break;
    case 3:
        IPC_IGNORE(ipc_tap_stats(h->tap, &info));
        break;
    case 4:
        IPC_IGNORE(ipc_tap_read_with_timeout(h->tap, &entry, 20000));
        break;
    default:
        if (ipc_tap_read(h->tap, &entry).ipc_status == IPC_OK &&
            entry.size > h->room)
            fail("an entry is larger than what it was copied to");
        break;
    }
}

static void look_after_it(struct honest *h)
{
    IpcBufferStats stats = {.struct_size = sizeof stats};
    IpcBufferAttachResult r;
    IpcOwner owners[OWNERS] = {{.struct_size = sizeof owners[0]}};

    switch (below(&h->random, 6)) {
    case 0:
        ipc_channel_recover(h->channel, below(&h->random, 2));
        break;
    case 1:
        ipc_buffer_skip_force(h->buffer);
        break;
    case 2:
        ipc_buffer_stats(h->buffer, &stats);
        break;
    case 3:
        ipc_buffer_owners(h->buffer, owners, OWNERS);
        break;
    default:
        r = ipc_buffer_attach_sized(region, region_size);
        if (r.ipc_status == IPC_OK) {
            ipc_buffer_destroy(h->buffer);
            h->buffer = r.result;
        }
        break;
    }
}

/* In a queue as well, which refuses it. */
static void come_or_go(struct honest *h)
{
    const IpcSubscription how = {
        .struct_size = sizeof how,
        .from = below(&h->random, 2) ? IPC_SUBSCRIBE_FROM_NOW
                                     : IPC_SUBSCRIBE_FROM_OLDEST,
        .policy =
            below(&h->random, 2) ? IPC_SUBSCRIBER_BLOCKS : IPC_SUBSCRIBER_LAGS,
    };
    IpcSubscriber list[SUBSCRIBERS] = {{.struct_size = sizeof list[0]}};

    switch (below(&h->random, 6)) {
    case 0:
        IPC_IGNORE(ipc_buffer_unsubscribe(h->buffer));
        break;
    case 1:
        IPC_IGNORE(ipc_channel_unsubscribe(h->channel));
        break;
    case 2:
        IPC_IGNORE(ipc_buffer_subscribers(h->buffer, list, SUBSCRIBERS));
        break;
    case 3:
        IPC_IGNORE(ipc_buffer_subscribe(h->buffer, &how));
        break;
    default:
        IPC_IGNORE(ipc_channel_subscribe(h->channel, &how));
        break;
    }
}

static void work(struct honest *h, double seconds)
{
    for (double end = now() + seconds; now() < end; h->calls++) {
        double start = now();

        h->room = 1 + below(&h->random, BYTES);
        memset(h->bytes + h->room, 0x5a, sizeof h->bytes - h->room);
        switch (below(&h->random, 13)) {
        case 0:
            come_or_go(h);
            break;
        case 1:
        case 2:
            look_after_it(h);
            break;
        case 3:
        case 4:
        case 5:
        case 6:
            read_something(h);
            break;
        case 7:
        case 8:
            look_on(h);
            break;
        default:
            write_something(h);
            break;
        }
        if (now() - start > SLOW)
            fail("a call took too long");
        for (size_t i = h->room; i < sizeof h->bytes; i++)
            if (h->bytes[i] != 0x5a)
                fail("a read went beyond what it was given");
    }
}

/* ------------------------------------------------------------------ rounds */

static size_t size_for(uint32_t mode)
{
    const size_t words = (BLOCKS * 8 + 63) / 64 * 64;

    return sizeof(struct shm_region) + OWNERS * sizeof(struct shm_owner) +
           (mode & IPC_BUFFER_BROADCAST
                ? SUBSCRIBERS * sizeof(struct shm_subscriber)
                : 0) +
           (mode & IPC_BUFFER_ACKNOWLEDGE ? words : 0) + words + BYTES;
}

static void make_pages(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    for (size_t i = 0; i < MODES; i++)
        if (room < size_for(modes[i]))
            room = size_for(modes[i]);
    room = (room + page - 1) / page * page;
    pages = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + room, page, PROT_NONE) != 0)
        fail("no memory");
}

/* Ends where the fault begins. */
static void place_region(uint32_t mode)
{
    subscribers = mode & IPC_BUFFER_BROADCAST ? SUBSCRIBERS : 0;
    index_bits = INDEX_BITS + (subscribers ? BITS_FOR_CURSORS : 0);
    region_size = size_for(mode);
    region = (void *)(pages + room - region_size);
    memset(pages, 0xa5, room - region_size);
}

static void play(uint32_t mode, double seconds, uint64_t seed)
{
    IpcChannelConfiguration configuration =
        IPC_CHANNEL_CONFIGURATION(1, 1000, 1000);
    struct honest h = {.random = seed | 1};
    IpcChannelResult made;
    pid_t honest = getpid();
    pid_t pid;

    place_region(mode);
    /* The owners that the last one scribbled may live. */
    configuration.flags = mode | IPC_BUFFER_RECREATE;
    configuration.max_owners = OWNERS;
    configuration.max_subscribers = subscribers;
    configuration.spin_ns = IPC_CHANNEL_NO_SPIN;
    made = ipc_channel_create(region, region_size, configuration);
    if (made.ipc_status != IPC_OK)
        fail(made.error.detail);
    h.channel = made.result;
    h.buffer = ipc_buffer_attach_sized(region, region_size).result;
    pid = fork();
    if (pid == 0)
        scribble(seed * 2 + 1, honest);
    work(&h, seconds);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (h.tap)
        ipc_tap_destroy(h.tap);
    ipc_buffer_destroy(h.buffer);
    ipc_channel_destroy(h.channel);
    for (size_t i = 0; i < room - region_size; i++)
        if (pages[i] != 0xa5)
            fail("something was written in front of the region");
    printf("mode %u: %llu calls\n", mode, (unsigned long long)h.calls);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 6;
    uint64_t seed =
        argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL);
    int rounds = (int)(seconds / (double)MODES / 0.25);

    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    make_pages();
    /* New rings, since one in ruins soon has nothing more to ruin. */
    for (int round = 0; round < (rounds ? rounds : 1); round++)
        for (uint32_t mode = 0; mode < MODES; mode++)
            play(modes[mode], 0.25, seed + (uint64_t)round * MODES + mode);
    return EXIT_SUCCESS;
}
