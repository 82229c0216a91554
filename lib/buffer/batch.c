/* SPDX-License-Identifier: MIT */
/*
 * Several entries per claim and per move of head. They stay entries of their
 * own: to those who read or write one by one there is no difference.
 */
#include "buffer/batch.h"
#include "buffer/read.h"
#include "buffer/write.h"

/* How many lines of payload are asked for at once: more than a store buffer can
 * wait for, but not so many that they push others out of the cache. */
enum { PREFETCH_MAX = 64 };

/* ---------------------------------------------------------- write a batch */

/* Whether all of `entries` can be written at all, and what is wrong if not. */
static IpcStatus check_entries(const struct IpcBuffer *b,
                               const struct iovec *entries, int count,
                               size_t *size)
{
    for (int i = 0; i < count; i++) {
        *size = entries[i].iov_len;
        if (!entries[i].iov_base || entries[i].iov_len == 0)
            return IPC_ERR_INVALID_ARGUMENT;
        if (entries[i].iov_len > b->max_entry_size)
            return IPC_ERR_ENTRY_TOO_LARGE;
    }
    *size = entries[0].iov_len;
    return IPC_OK;
}

static uint64_t sum_blocks(const struct iovec *entries, int count)
{
    uint64_t blocks = 0;

    for (int i = 0; i < count; i++)
        blocks += control_blocks(entries[i].iov_len);
    return blocks;
}

/* How many of the entries fit into `room` blocks together, but one at least;
 * *blocks is what they take. */
static int fit_entries(const struct iovec *entries, int count, uint64_t room,
                       uint32_t *blocks)
{
    int fit = 1;

    *blocks = control_blocks(entries[0].iov_len);
    for (; fit < count; fit++) {
        uint32_t more = control_blocks(entries[fit].iov_len);

        if (*blocks + (uint64_t)more > room)
            break;
        *blocks += more;
    }
    return fit;
}

/* With many producers: marks where the further entries of a claim begin. Its
 * first word is BUSY and protects what is behind it. */
static void mark_entries(struct IpcBuffer *b, const struct claim *claim,
                         const struct iovec *entries, int count)
{
    uint64_t position = claim->position;

    for (int i = 1; i < count; i++) {
        position += control_blocks(entries[i - 1].iov_len);
        claim_divide(&b->ring, position, handle_owner(b));
    }
}

static void store_entries(const struct claim *claim,
                          const struct iovec *entries, int count)
{
    unsigned char *payload = claim->payload;

    for (uint32_t i = 0; i < claim->blocks && i < PREFETCH_MAX; i++)
        atomic_prefetch_write(payload + (size_t)i * SHMIPC_BLOCK);
    for (int i = 0; i < count; i++) {
        payload_store(payload, entries[i].iov_base, entries[i].iov_len);
        payload += (size_t)control_blocks(entries[i].iov_len) * SHMIPC_BLOCK;
    }
}

/* In their order: if we die meanwhile, the first few of them were written. */
static void publish_entries(struct IpcBuffer *b, const struct claim *claim,
                            const struct iovec *entries, int count)
{
    struct claim entry = {.position = claim->position};

    for (int i = 0; i < count; i++) {
        uint32_t size = (uint32_t)entries[i].iov_len;

        entry.blocks = control_blocks(size);
        write_publish(b, &entry, size, CONTROL_READY);
        entry.position += entry.blocks;
    }
    write_count_and_fence(b, (uint64_t)count);
}

/* Writes as many entries as one claim can hold; returns how many in *done. */
static IpcStatus write_some(struct IpcBuffer *b, const struct iovec *entries,
                            int count, int *done)
{
    struct claim claim;
    IpcStatus status;

    *done = fit_entries(entries, count,
                        claim_room(&b->ring, sum_blocks(entries, count)),
                        &claim.blocks);
    status = write_claim(b, &claim);
    if (status == IPC_ERR_NO_SPACE_CONTIGUOUS && *done > 1) {
        /* Others took some of the room meanwhile. */
        *done = fit_entries(entries, 1, 0, &claim.blocks);
        status = write_claim(b, &claim);
    }
    if (status != IPC_OK)
        return status;
    if (!b->ring.one_producer)
        mark_entries(b, &claim, entries, *done);
    store_entries(&claim, entries, *done);
    publish_entries(b, &claim, entries, *done);
    return IPC_OK;
}

IpcStatus batch_write(struct IpcBuffer *b, const struct iovec *entries,
                      int count, size_t *written, size_t *size)
{
    IpcStatus status;
    int done;

    *written = 0;
    *size = 0;
    if (!b || !entries || count <= 0)
        return IPC_ERR_INVALID_ARGUMENT;
    status = check_entries(b, entries, count, size);
    for (; status == IPC_OK && count > 0; entries += done, count -= done) {
        status = write_some(b, entries, count, &done);
        *written += status == IPC_OK ? (size_t)done : 0;
    }
    return *written ? IPC_OK : status;
}

/* --------------------------------------------------------- write an array */

/* How many of `count` entries one claim can hold now, but one at least. */
static size_t fit_array(struct IpcBuffer *b, size_t size, size_t count)
{
    size_t stride, room;

    if (count > b->array_max)
        count = b->array_max;
    if (count == 1 || size > SHMIPC_ARRAY_ENTRY_MAX)
        return 1;
    stride = control_array_stride((uint32_t)size);
    room = (size_t)claim_room(&b->ring, control_blocks(count * stride)) *
           SHMIPC_BLOCK;
    if (count * stride <= room)
        return count;
    return stride && room >= stride ? room / stride : 1;
}

static void store_array(const struct claim *claim, const unsigned char *data,
                        size_t size, size_t count)
{
    size_t stride = control_array_stride((uint32_t)size);

    if (size == stride) {
        payload_store(claim->payload, data, size * count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        payload_store(claim->payload + i * stride, data + i * size, size);
}

static IpcStatus write_array(struct IpcBuffer *b, const unsigned char *data,
                             size_t size, size_t count)
{
    uint32_t stride = control_array_stride((uint32_t)size);
    struct claim claim = {.blocks = control_blocks((uint64_t)count * stride)};
    IpcStatus status = write_claim(b, &claim);

    if (status != IPC_OK)
        return status;
    store_array(&claim, data, size, count);
    write_publish(b, &claim, control_array((uint32_t)size, (uint32_t)count),
                  CONTROL_ARRAY);
    write_count_and_fence(b, count);
    return IPC_OK;
}

/* Writes as many entries as one claim can hold; returns how many in *done. */
static IpcStatus write_some_array(struct IpcBuffer *b,
                                  const unsigned char *data, size_t size,
                                  size_t count, size_t *done)
{
    IpcStatus status = IPC_ERR_NO_SPACE_CONTIGUOUS;

    *done = fit_array(b, size, count);
    if (*done > 1)
        status = write_array(b, data, size, *done);
    /* One, or others took some of the room meanwhile. */
    if (status == IPC_ERR_NO_SPACE_CONTIGUOUS) {
        *done = 1;
        status = write_entry(b, data, size);
    }
    return status;
}

IpcStatus batch_write_array(struct IpcBuffer *b, const void *data, size_t size,
                            int count, size_t *written)
{
    const unsigned char *from = data;
    IpcStatus status = IPC_OK;
    size_t done;

    *written = 0;
    if (!b || !data || size == 0 || count <= 0)
        return IPC_ERR_INVALID_ARGUMENT;
    while (status == IPC_OK && *written < (size_t)count) {
        status = write_some_array(b, from + *written * size, size,
                                  (size_t)count - *written, &done);
        *written += status == IPC_OK ? done : 0;
    }
    return *written ? IPC_OK : status;
}

/* ----------------------------------------------------------- read a batch */

/* Where the entries of a batch go. */
struct destination {
    IpcEntry *entries;
    size_t room; /* for entries */
    size_t count;
    unsigned char *memory;
    size_t free; /* bytes of it */
};

/* Copies one more; false if there is no room for it. */
static bool copy_entry(struct destination *to, struct IpcBuffer *b,
                       const struct view *view)
{
    const size_t step = ((size_t)view->size + 7) / 8 * 8;
    IpcEntry *entry = &to->entries[to->count];

    if (to->count == to->room || view->size > to->free)
        return false;
    read_load(b, to->memory, view);
    entry->offset = take_offset(&b->ring, view);
    entry->payload = to->memory;
    entry->size = view->size;
    to->count++;
    to->memory += step < to->free ? step : to->free;
    to->free -= step < to->free ? step : to->free;
    return true;
}

/* Copies what follows `first`, which was copied; where that ends. Filler ends
 * it too, so that nobody can make it endless. */
static uint64_t copy_more(struct destination *to, struct IpcBuffer *b,
                          const struct view *first)
{
    struct view view = *first;
    uint64_t end;

    do
        end = view.next;
    while (take_look_at(&b->ring, end, &view) == LOOK_ENTRY &&
           copy_entry(to, b, &view));
    return end;
}

IpcStatus batch_read(struct IpcBuffer *b, IpcEntry *entries, int count,
                     void *memory, size_t size, size_t *read,
                     IpcBufferReadError *error)
{
    *read = 0;
    if (!b || !entries || count <= 0 || !memory)
        return IPC_ERR_INVALID_ARGUMENT;
    for (int tries = 0; tries < PROTOCOL_TRIES; tries++) {
        struct destination to = {entries, (size_t)count, 0, memory, size};
        struct view view;
        IpcStatus status = read_look(b, &view, error);

        if (status != IPC_OK)
            return status;
        if (!copy_entry(&to, b, &view)) {
            error->required_size = view.size;
            return IPC_ERR_TOO_SMALL;
        }
        view.next = copy_more(&to, b, &view);
        if (read_take(b, &view, (uint32_t)to.count)) {
            *read = to.count;
            return IPC_OK;
        }
    }
    return IPC_ERR_LOCKED;
}

/* ---------------------------------------------------------- read an array */

/* How many entries are left of the array that `view` is in, with its own. */
static size_t entries_left(const struct view *view)
{
    if (control_state(view->word) != CONTROL_ARRAY)
        return 1;
    return control_array_count(control_value(view->word)) -
           position_item(view->head);
}

/* The head word after so many of them. */
static uint64_t head_after(const struct ring *r, const struct view *view,
                           size_t count)
{
    if (count < entries_left(view))
        return view->head + count * SHMIPC_HEAD_ITEM;
    return position_advance(r, view->position, control_extent(view->word));
}

static void load_entries(struct IpcBuffer *b, unsigned char *to,
                         const struct view *view, size_t count)
{
    const unsigned char *from = take_payload(&b->ring, view);
    const size_t size = view->size, stride = control_array_stride(view->size);

    if (size == stride) {
        read_load_bytes(b, to, from, size * count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        read_load_bytes(b, to + i * size, from + i * stride, size);
}

/* Copies up to `count` entries of one size, that of `view` first; returns how
 * many. view->next is what follows the last one. */
static size_t load_run(struct IpcBuffer *b, unsigned char *to,
                       struct view *view, size_t count)
{
    struct view run = *view;
    size_t done = 0;

    for (;;) {
        size_t some = entries_left(&run);

        if (some > count - done)
            some = count - done;
        load_entries(b, to + done * view->size, &run, some);
        done += some;
        view->next = head_after(&b->ring, &run, some);
        /* Filler ends the run, so that nobody can make it endless. */
        if (done == count ||
            take_look_at(&b->ring, view->next, &run) != LOOK_ENTRY ||
            run.size != view->size)
            return done;
    }
}

IpcStatus batch_read_array(struct IpcBuffer *b, void *data, size_t size,
                           int count, size_t *read, IpcBufferReadError *error)
{
    *read = 0;
    if (!b || !data || size == 0 || count <= 0)
        return IPC_ERR_INVALID_ARGUMENT;
    for (int tries = 0; tries < PROTOCOL_TRIES; tries++) {
        struct view view;
        IpcStatus status = read_look(b, &view, error);
        size_t done;

        if (status != IPC_OK)
            return status;
        if (view.size != size) {
            error->required_size = view.size;
            return IPC_ERR_SIZE_MISMATCH;
        }
        done = load_run(b, data, &view, (size_t)count);
        if (read_take(b, &view, (uint32_t)done)) {
            *read = done;
            return IPC_OK;
        }
    }
    return IPC_ERR_LOCKED;
}
