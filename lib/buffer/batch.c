/* SPDX-License-Identifier: MIT */
/*
 * Several entries by one claim and one move of head. They stay entries of
 * their own: whoever reads or writes them one by one notices nothing.
 */
#include "buffer/hot.h"

/* Lines of payload that are asked for at once: what a store buffer can wait
 * for and more, but less than would push others out of the cache. */
enum { PREFETCH_MAX = 64 };

/* ---------------------------------------------------------------- writes */

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
 * their blocks. */
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

/* The entries of a claim: of many producers' the first word is BUSY and
 * protects what is behind it. */
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

/* In their order: whenever we die, the first few of them were written. */
static void publish_entries(struct IpcBuffer *b, const struct claim *claim,
                            const struct iovec *entries, int count)
{
    uint64_t position = claim->position;

    for (int i = 0; i < count; i++) {
        uint32_t size = (uint32_t)entries[i].iov_len;
        uint32_t blocks = control_blocks(size);

        if (b->ring.one_producer)
            claim_commit_alone(&b->ring, position, size, CONTROL_READY);
        else
            claim_commit(&b->ring, position, blocks, size, CONTROL_READY);
        position += blocks;
    }
    write_count(b, (uint64_t)count);
}

/* Writes as many entries as one claim can hold; returns how many in *done. */
static IpcStatus write_run(struct IpcBuffer *b, const struct iovec *entries,
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

    *written = 0;
    *size = 0;
    if (!b || !entries || count <= 0)
        return IPC_ERR_INVALID_ARGUMENT;
    status = check_entries(b, entries, count, size);
    while (status == IPC_OK && *written < (size_t)count) {
        int done;

        status = write_run(b, entries + *written, count - (int)*written, &done);
        if (status == IPC_OK)
            *written += (size_t)done;
    }
    return *written ? IPC_OK : status;
}

/* ----------------------------------------------------------------- reads */

/* Where the entries of a batch go. */
struct tray {
    IpcEntry *entries;
    size_t room; /* for entries */
    size_t count;
    unsigned char *memory;
    size_t free; /* bytes of it */
};

/* Copies one more; false if there is no room for it. */
static bool put_on(struct tray *tray, struct IpcBuffer *b,
                   const struct view *view)
{
    const size_t step = ((size_t)view->size + 7) / 8 * 8;
    IpcEntry *entry = &tray->entries[tray->count];

    if (tray->count == tray->room || view->size > tray->free)
        return false;
    load(b, tray->memory, view);
    entry->offset = take_offset(&b->ring, view);
    entry->payload = tray->memory;
    entry->size = view->size;
    tray->count++;
    tray->memory += step < tray->free ? step : tray->free;
    tray->free -= step < tray->free ? step : tray->free;
    return true;
}

/* Copies what follows `first`, which was put on the tray; where that ends.
 * Filler ends it too, so that nobody can make it endless. */
static uint64_t put_on_more(struct tray *tray, struct IpcBuffer *b,
                            const struct view *first)
{
    struct view view = *first;
    uint64_t end;

    do
        end = view.next;
    while (take_look_at(&b->ring, end, &view) == IPC_OK &&
           put_on(tray, b, &view));
    return end;
}

IpcStatus batch_read(struct IpcBuffer *b, IpcEntry *entries, int count,
                     void *memory, size_t size, size_t *read, uint64_t *offset,
                     size_t *needed)
{
    *read = 0;
    if (!b || !entries || count <= 0 || !memory)
        return IPC_ERR_INVALID_ARGUMENT;
    for (int tries = 0; tries < PROTOCOL_TRIES; tries++) {
        struct tray tray = {entries, (size_t)count, 0, memory, size};
        struct view view;
        IpcStatus status = look(b, &view);

        *offset = take_offset(&b->ring, &view);
        if (status != IPC_OK)
            return status;
        if (!put_on(&tray, b, &view)) {
            *needed = view.size;
            return IPC_ERR_TOO_SMALL;
        }
        view.next = put_on_more(&tray, b, &view);
        if (take(b, &view)) {
            read_count(b, (uint32_t)tray.count - 1);
            *read = tray.count;
            return IPC_OK;
        }
    }
    return IPC_ERR_LOCKED;
}
