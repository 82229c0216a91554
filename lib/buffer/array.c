/* SPDX-License-Identifier: MIT */
/*
 * Entries of one size, by one claim and one control word: an ARRAY. Each is
 * taken by itself, or as many as are wanted by one move of head.
 */
#include "buffer/hot.h"

/* ---------------------------------------------------------------- writes */

/* How many of `count` entries one claim can hold now, but one at least. */
static size_t fit_entries(struct IpcBuffer *b, size_t size, size_t count)
{
    size_t stride, room;

    if (count > SHMIPC_ARRAY_MAX)
        count = SHMIPC_ARRAY_MAX;
    if (count == 1 || size > SHMIPC_ARRAY_ENTRY_MAX)
        return 1;
    stride = control_array_stride((uint32_t)size);
    room = (size_t)claim_room(&b->ring, control_blocks(count * stride)) *
           SHMIPC_BLOCK;
    if (count * stride <= room)
        return count;
    return room < stride ? 1 : room / stride;
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
    struct claim claim = {
        .blocks = control_blocks(count * control_array_stride((uint32_t)size))};
    IpcStatus status = write_claim(b, &claim);

    if (status != IPC_OK)
        return status;
    store_array(&claim, data, size, count);
    write_publish(b, &claim, control_array((uint32_t)size, (uint32_t)count),
                  CONTROL_ARRAY);
    write_count(b, count);
    return IPC_OK;
}

/* Writes as many entries as one claim can hold; returns how many in *done. */
static IpcStatus write_run(struct IpcBuffer *b, const unsigned char *data,
                           size_t size, size_t count, size_t *done)
{
    IpcStatus status = IPC_ERR_NO_SPACE_CONTIGUOUS;

    *done = fit_entries(b, size, count);
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
                            size_t count, size_t *written)
{
    const unsigned char *from = data;
    IpcStatus status = IPC_OK;

    *written = 0;
    if (!b || !data || size == 0 || count == 0)
        return IPC_ERR_INVALID_ARGUMENT;
    while (status == IPC_OK && *written < count) {
        size_t done;

        status =
            write_run(b, from + *written * size, size, count - *written, &done);
        if (status == IPC_OK)
            *written += done;
    }
    return *written ? IPC_OK : status;
}

/* ----------------------------------------------------------------- reads */

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
            take_look_at(&b->ring, view->next, &run) != IPC_OK ||
            run.size != view->size)
            return done;
    }
}

IpcStatus batch_read_array(struct IpcBuffer *b, void *data, size_t size,
                           size_t count, size_t *read, uint64_t *offset,
                           size_t *needed)
{
    *read = 0;
    if (!b || !data || size == 0 || count == 0)
        return IPC_ERR_INVALID_ARGUMENT;
    for (int tries = 0; tries < PROTOCOL_TRIES; tries++) {
        struct view view;
        IpcStatus status = look(b, &view);
        size_t done;

        *offset = take_offset(&b->ring, &view);
        if (status != IPC_OK)
            return status;
        if (view.size != size) {
            *needed = view.size;
            return IPC_ERR_SIZE_MISMATCH;
        }
        done = load_run(b, data, &view, count);
        if (take(b, &view)) {
            read_count(b, (uint32_t)done - 1);
            *read = done;
            return IPC_OK;
        }
    }
    return IPC_ERR_LOCKED;
}
