/* SPDX-License-Identifier: MIT */
/*
 * Corrupts words of a region and calls the library, in any order. The region is
 * allocated at its exact size, so that the address sanitizer sees every access
 * beyond it. Calls may answer what they like, but soon, and nothing but the
 * region may be touched.
 */
#include "fuzz.h"
#include "ring/control.h"
#include <shmipc/ipc_batch.h>
#include <shmipc/ipc_newest.h>
#include <shmipc/ipc_subscribe.h>
#include <shmipc/ipc_tap.h>
#include <shmipc/shmipc.h>

enum {
    BLOCKS_MAX = 32,
    BYTES_MAX = BLOCKS_MAX * 64,
    OPERATIONS_MAX = 64,
    SUBSCRIBERS_MAX = 3,
};

struct world {
    struct input in;
    unsigned char *memory;
    size_t size;
    uint32_t blocks;
    uint32_t bits; /* of an index */
    uint32_t subscriber_count;
    struct shm_subscriber *subscribers;
    uint64_t *control;
    uint64_t *holders; /* NULL: there are none */
    IpcChannel *channel;
    IpcBuffer *buffer;
    IpcReservation reservation;
    unsigned char bytes[BYTES_MAX];
};

/* ------------------------------------------------------------- corruption */

static uint64_t *word_of_cursor(struct world *w)
{
    struct shm_head *cursor =
        &w->subscribers[next_below(&w->in, w->subscriber_count)].cursor;

    return (uint64_t *)(next_below(&w->in, 4) ? &cursor->position
                                              : &cursor->pinned);
}

/* Those that are looked at most are hit more often than by chance. */
static uint64_t *any_word(struct world *w)
{
    switch (next_below(&w->in, 4)) {
    case 0:
        if (w->subscriber_count)
            return word_of_cursor(w);
        break;
    case 1:
        if (w->holders)
            return &w->holders[next_below(&w->in, w->blocks)];
        break;
    default:
        break;
    }
    return (uint64_t *)(void *)w->memory +
           next_below(&w->in, (uint32_t)(w->size / sizeof(uint64_t)));
}

static uint64_t state_of_a_cursor(const struct world *w, uint32_t state)
{
    return w->subscriber_count ? (uint64_t)state << (w->bits - 2) : 0;
}

/* One that could have been stored there. */
static uint64_t plausible(struct world *w)
{
    const struct shm_region *region = (void *)w->memory;
    uint64_t position =
        next_below(&w->in, 2) ? region->tail.position : region->head.position;

    switch (next_below(&w->in, 6)) {
    case 0:
        return position + next_below(&w->in, 256) - 128;
    case 4: /* a cursor in any state */
        return position ^ state_of_a_cursor(w, next_below(&w->in, 4));
    case 5: /* a cursor that names an owner */
        return (uint64_t)(next_below(&w->in, 4) | next_below(&w->in, 3) << 14)
                   << w->bits |
               state_of_a_cursor(w, 2 + next_below(&w->in, 2));
    case 1:
        return control_make((uint32_t)(position >> w->bits) - 2 +
                                next_below(&w->in, 5),
                            next_below(&w->in, 4096),
                            (enum control_state)next_below(&w->in, 8));
    case 2:
        return *any_word(w);
    default:
        return control_make((uint32_t)next_number(&w->in, 4),
                            (uint32_t)next_number(&w->in, 4) &
                                CONTROL_VALUE_MAX,
                            (enum control_state)next_below(&w->in, 16));
    }
}

/* Leads readers to a block, which may not exist, and says what is there: of a
 * size that may end exactly at the end of the ring, or just not. */
static void tempt(struct world *w)
{
    struct shm_region *region = (void *)w->memory;
    enum control_state state = (enum control_state)next_below(&w->in, 8);
    uint32_t index, left, value;
    uint64_t lap, head;

    index = next_below(&w->in, w->blocks);
    lap = (region->tail.position & SHMIPC_POSITION_MASK) >> w->bits;
    lap -= next_below(&w->in, 2);
    left = index < w->blocks ? w->blocks - index : 1;
    value = left + next_below(&w->in, 3) - next_below(&w->in, 2);
    if (state == CONTROL_READY)
        value = value * SHMIPC_BLOCK + next_below(&w->in, 2);
    else if (state == CONTROL_ARRAY)
        value = control_array(1 + next_below(&w->in, 80),
                              1 + next_below(&w->in, SHMIPC_ARRAY_MAX));
    head = (lap << w->bits | index) + next_below(&w->in, 3) * SHMIPC_HEAD_ITEM;
    region->head.position = head;
    for (uint32_t i = 0; i < w->subscriber_count; i++)
        if (next_below(&w->in, 2))
            *(uint64_t *)&w->subscribers[i].cursor.position = head;
    w->control[index] = control_make((uint32_t)lap, value, state);
    if (w->holders && next_below(&w->in, 2))
        w->holders[index] =
            control_make((uint32_t)lap, next_below(&w->in, 4),
                         (enum control_state)next_below(&w->in, 8));
}

static void corrupt(struct world *w)
{
    uint64_t *word = any_word(w);

    switch (next_below(&w->in, 4)) {
    case 0:
        *word = next_number(&w->in, 8);
        break;
    case 1:
        *word ^= UINT64_C(1) << next_below(&w->in, 64);
        break;
    default:
        *word = plausible(w);
        break;
    }
}

/* ------------------------------------------------------------------ calls */

static size_t any_size(struct world *w)
{
    return next_below(&w->in, 8) ? next_below(&w->in, BYTES_MAX)
                                 : (size_t)next_number(&w->in, 8);
}

static size_t good_size(struct world *w)
{
    return 1 + next_below(&w->in, BYTES_MAX);
}

/* Whatever is pointed at can be read, all of it. */
static void touch(const void *payload, size_t size)
{
    volatile unsigned char sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (unsigned char)(sum + ((const unsigned char *)payload)[i]);
}

static void write_somehow(struct world *w)
{
    struct iovec pieces[3] = {
        {w->bytes, good_size(w)}, {w->bytes, good_size(w)}, {w->bytes, 1}};

    switch (next_below(&w->in, 6)) {
    case 0:
        timed_only(ipc_buffer_write(w->buffer, w->bytes, good_size(w)));
        break;
    case 1:
        timed_only(ipc_channel_write(w->channel, w->bytes, good_size(w)));
        break;
    case 2:
        timed_only(ipc_buffer_writev(w->buffer, pieces, 3));
        break;
    case 3:
        timed_only(ipc_channel_write_batch(w->channel, pieces, 3));
        break;
    case 4:
        timed_only(ipc_buffer_write_batch(w->buffer, pieces, 3));
        break;
    default:
        timed_only(ipc_buffer_write_array(w->buffer, w->bytes,
                                          1 + next_below(&w->in, 16), 64));
        break;
    }
}

static void write_in_place(struct world *w)
{
    size_t size = any_size(w);
    IpcBufferReserveResult r;

    switch (next_below(&w->in, 3)) {
    case 0:
        timed(r = ipc_buffer_reserve(w->buffer, size, &w->reservation));
        if (IpcBufferReserveResult_is_ok(r))
            memset(w->reservation.payload, 0x5a, w->reservation.size);
        break;
    case 1:
        timed_only(ipc_buffer_commit(w->buffer, &w->reservation, size));
        break;
    default:
        timed(ipc_buffer_abort(w->buffer, &w->reservation));
        break;
    }
}

static void read_somehow(struct world *w)
{
    IpcEntry entries[8];
    IpcEntry entry = {0, w->bytes, next_below(&w->in, BYTES_MAX)};
    IpcChannelTryReadResult r;

    switch (next_below(&w->in, 5)) {
    case 0:
        timed_only(ipc_buffer_read(w->buffer, &entry));
        break;
    case 1:
        timed(r = ipc_channel_try_read(w->channel, &entry));
        if (r.ipc_status == IPC_OK) {
            touch(entry.payload, entry.size);
            free(entry.payload);
        }
        break;
    case 2:
        timed_only(ipc_channel_try_read_batch(w->channel, entries, 8, w->bytes,
                                              sizeof w->bytes));
        break;
    case 3:
        timed_only(ipc_buffer_read_array(w->buffer, w->bytes,
                                         1 + next_below(&w->in, 16), 64));
        break;
    default:
        timed_only(ipc_channel_try_read_into(w->channel, &entry));
        break;
    }
}

static void look(struct world *w)
{
    IpcBufferPeekResult peeked;
    IpcEntry entry;

    timed(peeked = ipc_buffer_peek(w->buffer, &entry));
    if (peeked.ipc_status != IPC_OK)
        return;
    touch(entry.payload, entry.size);
    if (next_below(&w->in, 2))
        timed_only(ipc_buffer_skip(w->buffer, entry.offset));
}

static void read_ahead(struct world *w)
{
    uint64_t offset = next_number(&w->in, 2) * 8;
    IpcBufferReadAheadResult r;
    IpcEntry entry;

    switch (next_below(&w->in, 4)) {
    case 0:
        timed_only(ipc_buffer_acknowledge(w->buffer, offset));
        break;
    case 1:
        timed_only(ipc_buffer_give_back(w->buffer, offset));
        break;
    default:
        timed(r = ipc_buffer_read_ahead(w->buffer, &entry));
        if (r.ipc_status != IPC_OK)
            break;
        touch(entry.payload, entry.size);
        if (next_below(&w->in, 2))
            timed_only(ipc_buffer_acknowledge(w->buffer, entry.offset));
        break;
    }
}

static void wait_for_it(struct world *w)
{
    const struct timespec timeout = {0, next_below(&w->in, 2) * 20000};
    IpcEntry entry = {0, w->bytes, sizeof w->bytes};

    if (next_below(&w->in, 2))
        timed_only(
            ipc_channel_read_into_with_timeout(w->channel, &entry, &timeout));
    else
        timed_only(ipc_channel_write_with_timeout(w->channel, w->bytes,
                                                  good_size(w), &timeout));
}

static void look_on(struct world *w)
{
    IpcBufferStats stats = {.struct_size = sizeof stats};
    IpcOwner owners[2] = {{.struct_size = sizeof owners[0]}};
    IpcBufferAttachResult observer;
    IpcEntry entry;

    timed(ipc_buffer_stats(w->buffer, &stats));
    timed(ipc_buffer_owners(w->buffer, owners, 2));
    timed(observer = ipc_buffer_observe(w->memory, w->size));
    if (IpcBufferAttachResult_is_error(observer))
        return;
    timed(if (ipc_buffer_peek(observer.result, &entry).ipc_status == IPC_OK)
              touch(entry.payload, entry.size));
    ipc_buffer_destroy(observer.result);
}

/* Nothing that is there makes a tap read beyond it, or take long. */
static void tap(struct world *w)
{
    IpcTapOptions options = {.struct_size = sizeof options,
                             .start = next_below(&w->in, 3),
                             .after_lag = next_below(&w->in, 3)};
    IpcTapAttachResult r;
    IpcTapInfo info = {.struct_size = sizeof info};

    timed(r = ipc_tap_attach(w->memory, w->size, &options));
    if (IpcTapAttachResult_is_error(r))
        return;
    for (int i = 0; i < 4; i++) {
        IpcEntry entry = {0, w->bytes, 1 + next_below(&w->in, 200)};

        timed_only(ipc_tap_read(r.result, &entry));
        if (next_below(&w->in, 4) == 0)
            timed_only(ipc_tap_skip(r.result));
        if (next_below(&w->in, 4) == 0)
            timed_only(
                ipc_tap_seek(r.result, (IpcTapStart)next_below(&w->in, 3)));
        timed(ipc_tap_stats(r.result, &info));
    }
    ipc_tap_destroy(r.result);
}

static void subscribe_somehow(struct world *w)
{
    IpcSubscription how = {.struct_size = sizeof how,
                           .policy = next_below(&w->in, 2),
                           .from = next_below(&w->in, 2)};
    IpcSubscriber list[2] = {{.struct_size = sizeof list[0]}};

    if (how.policy == IPC_SUBSCRIBER_LAGS) {
        how.lag_bytes = next_below(&w->in, 4) * 64;
        how.after_gap = next_below(&w->in, 2);
    }
    switch (next_below(&w->in, 5)) {
    case 0:
        timed_only(ipc_buffer_subscribe(w->buffer, &how));
        break;
    case 1:
        timed_only(ipc_channel_subscribe(w->channel, &how));
        break;
    case 2:
        timed_only(ipc_buffer_unsubscribe(w->buffer));
        break;
    case 3:
        timed_only(ipc_channel_unsubscribe(w->channel));
        break;
    default:
        timed_only(ipc_buffer_subscribers(w->buffer, list, 2));
        break;
    }
}

static void go_to_the_newest(struct world *w)
{
    IpcEntry entry = {0, w->bytes, next_below(&w->in, BYTES_MAX)};
    IpcBufferNewestResult r = {.ipc_status = IPC_EMPTY};

    switch (next_below(&w->in, 4)) {
    case 0:
        timed_only(ipc_buffer_read_newest(w->buffer, &entry));
        return;
    case 1:
        timed_only(ipc_channel_read_newest(w->channel, &entry));
        return;
    case 2:
        timed(r = ipc_buffer_pin(w->buffer, &entry));
        break;
    default:
        timed(r = ipc_buffer_pin_newest(w->buffer, &entry));
        break;
    }
    if (r.ipc_status == IPC_OK)
        touch(entry.payload, entry.size);
    write_somehow(w);
    if (next_below(&w->in, 2))
        timed_only(ipc_buffer_unpin(w->buffer, entry.offset));
}

static void join_anew(struct world *w)
{
    IpcBufferAttachResult r;

    timed(r = ipc_buffer_attach_sized(w->memory, w->size));
    if (IpcBufferAttachResult_is_error(r))
        return;
    timed(ipc_buffer_destroy(w->buffer));
    w->buffer = r.result;
}

static void call_something(struct world *w)
{
    switch (next_below(&w->in, 18)) {
    case 17:
        if (w->subscriber_count && next_below(&w->in, 2))
            subscribe_somehow(w);
        else if (w->subscriber_count)
            go_to_the_newest(w);
        else
            read_ahead(w);
        break;
    case 0:
    case 1:
        write_somehow(w);
        break;
    case 2:
        write_in_place(w);
        break;
    case 3:
    case 4:
        read_somehow(w);
        break;
    case 5:
        look(w);
        break;
    case 6:
        timed_only(ipc_buffer_skip(w->buffer, next_number(&w->in, 2) * 8));
        break;
    case 7:
        timed(ipc_buffer_skip_force(w->buffer));
        break;
    case 8:
        timed(ipc_channel_recover(w->channel, next_below(&w->in, 2)));
        break;
    case 9:
        wait_for_it(w);
        break;
    case 10:
        look_on(w);
        break;
    case 11:
        join_anew(w);
        break;
    case 12:
        if (next_below(&w->in, 4) == 0)
            timed(ipc_channel_close(w->channel));
        break;
    case 13:
        if (next_below(&w->in, 2))
            tap(w);
        else
            read_ahead(w);
        break;
    case 14:
    case 15:
        tempt(w);
        break;
    default:
        corrupt(w);
        break;
    }
}

/* ------------------------------------------------------------------ world */

static uint32_t any_flags(struct world *w)
{
    uint32_t flags =
        next_below(&w->in, 4) | (next_below(&w->in, 2) ? IPC_BUFFER_TAPS : 0);

    if (flags & IPC_BUFFER_ONE_CONSUMER)
        return flags;
    switch (next_below(&w->in, 3)) {
    case 0:
        return flags | IPC_BUFFER_ACKNOWLEDGE;
    case 1:
        w->subscriber_count = 1 + next_below(&w->in, SUBSCRIBERS_MAX);
        return flags | IPC_BUFFER_BROADCAST;
    default:
        return flags;
    }
}

/* The memory, of just the size that is needed, and where what is in it. */
static bool lay_out(struct world *w, const IpcChannelConfiguration *c)
{
    size_t words = (w->blocks * sizeof(uint64_t) + 63) / 64 * 64;
    size_t slots =
        sizeof(struct shm_region) + c->max_owners * sizeof(struct shm_owner);
    size_t before = slots + w->subscriber_count * sizeof *w->subscribers;
    bool holds = c->flags & IPC_BUFFER_ACKNOWLEDGE;

    w->size = before + words + (holds ? words : 0) + w->blocks * SHMIPC_BLOCK;
    w->memory = aligned_alloc(64, w->size);
    if (!w->memory)
        return false;
    memset(w->memory, 0, w->size);
    w->subscribers = (void *)(w->memory + slots);
    w->control = (void *)(w->memory + before);
    w->holders = holds ? (void *)(w->memory + before + words) : NULL;
    while (1U << w->bits < w->blocks)
        w->bits++;
    w->bits += w->subscriber_count ? 2 : 0;
    return true;
}

static bool create(struct world *w)
{
    IpcChannelConfiguration configuration = IPC_CHANNEL_CONFIGURATION(1, 1, 1);
    IpcChannelResult created;
    IpcBufferAttachResult joined;

    w->blocks = 1 + next_below(&w->in, BLOCKS_MAX);
    configuration.flags = any_flags(w);
    configuration.max_owners = 1 + next_below(&w->in, 3);
    configuration.max_subscribers = w->subscriber_count;
    configuration.spin_ns = IPC_CHANNEL_NO_SPIN;
    if (!lay_out(w, &configuration))
        return false;
    created = ipc_channel_create(w->memory, w->size, configuration);
    must(IpcChannelResult_is_ok(created));
    w->channel = created.result;
    joined = ipc_buffer_attach_sized(w->memory, w->size);
    must(IpcBufferAttachResult_is_ok(joined));
    w->buffer = joined.result;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.in = {data, size}};

    if (!create(&w))
        return 0;
    for (int i = 0; i < OPERATIONS_MAX && w.in.left > 0; i++)
        call_something(&w);
    timed(ipc_buffer_destroy(w.buffer));
    timed(ipc_channel_destroy(w.channel));
    free(w.memory);
    return 0;
}
