/* SPDX-License-Identifier: MIT */
/*
 * Random operations against a plain queue, which reference.h is.
 *
 * UNIT_SEED sets the seed, UNIT_OPERATIONS how many operations each mode gets.
 */
#include "reference.h"

/* ------------------------------------------------------------- operations */

static void do_write(struct reference *r)
{
    unsigned char data[MAX_BYTES + 128];
    uint32_t size = random_size(r);
    uint64_t seed = ++r->counter;
    IpcStatus wanted;
    IpcBufferWriteResult w;

    fill(data, size, seed);
    if (random_below(&r->random, 4) == 0) {
        uint32_t cut = random_below(&r->random, size + 1);
        struct iovec pieces[3] = {
            {data, cut}, {NULL, 0}, {data + cut, size - cut}};

        w = ipc_buffer_writev(r->buffer, pieces, 3);
    } else {
        w = ipc_buffer_write(r->buffer, data, size);
    }
    wanted = expect_claim(r, size);
    agree(r, w.ipc_status, wanted);
    if (wanted == IPC_OK) {
        append(r, ITEM_ENTRIES, control_blocks(size), size, seed);
        r->written++;
    } else if (wanted == IPC_ERR_NO_SPACE_CONTIGUOUS) {
        must(w.error.body.requested_size == size);
        must(w.error.body.offset == r->tail * 64);
        must(w.error.body.free_space == (r->n - (r->tail - r->head)) * 64);
        must(r->tail != r->head || (r->mode & ONE_CONSUMER));
    }
}

/* How many of `count` entries share the next claim: as many as are free in one
 * piece before the end of the lap. */
static uint32_t expect_shared(const struct reference *r, uint32_t size,
                              uint32_t count)
{
    uint32_t stride = control_array_stride(size);
    uint32_t to_end = r->n - (uint32_t)(r->tail % r->n);
    uint32_t unused = r->n - (uint32_t)(r->tail - r->head);
    uint32_t room = (unused < to_end ? unused : to_end) * 64;

    if (size == 0 || ((r->mode & ONE_PRODUCER) && r->open_count))
        return 0;
    if (count > SHMIPC_ARRAY_MAX)
        count = SHMIPC_ARRAY_MAX;
    return count * stride <= room ? count : room / stride;
}

/* Appends what should have been written; returns how many entries. */
static uint32_t expect_array(struct reference *r, uint32_t size, uint32_t count,
                             uint64_t seed, IpcStatus *status)
{
    uint32_t done = 0;

    for (*status = IPC_OK; *status == IPC_OK && done < count;) {
        uint32_t some = expect_shared(r, size, count - done);

        if (some < 2) {
            some = 1;
            *status = expect_claim(r, size);
        }
        if (*status == IPC_OK) {
            append(r, ITEM_ENTRIES,
                   control_blocks(some * control_array_stride(size)), size,
                   seed + done);
            item_at(r, r->last - 1)->count = some;
            done += some;
        }
    }
    if (done)
        *status = IPC_OK;
    return done;
}

static void do_write_array(struct reference *r)
{
    unsigned char data[2 * MAX_BYTES + 128]; /* of what can fit, and one more */
    uint32_t size = random_size(r);
    uint32_t count = 1 + random_below(&r->random, MAX_COUNT);
    uint64_t seed = r->counter + 1;
    IpcBufferWriteBatchResult w;
    IpcStatus wanted;
    uint32_t done;

    for (uint32_t i = 0; i < count && (i + 1) * size <= sizeof data; i++)
        fill(data + i * size, size, seed + i);
    w = ipc_buffer_write_array(r->buffer, data, size, (int)count);
    done = expect_array(r, size, count, seed, &wanted);
    agree(r, w.ipc_status, wanted);
    if (wanted == IPC_OK)
        must_say(w.result == done, "%zu entries of %u instead of %u", w.result,
                 size, done);
    r->written += done;
    r->counter += count;
}

static void do_reserve(struct reference *r)
{
    uint32_t size = random_size(r);
    IpcReservation reservation;
    IpcStatus wanted;

    if (r->open_count == MAX_OPEN)
        return;
    memset(&reservation, 0x5a, sizeof reservation);
    wanted = expect_claim(r, size);
    agree(r, ipc_buffer_reserve(r->buffer, size, &reservation).ipc_status,
          wanted);
    if (wanted != IPC_OK) {
        must(is_all(&reservation, sizeof reservation, 0x5a));
        return;
    }
    must(reservation.size == size && reservation.offset == r->tail * 64);
    memset(reservation.payload, 0xee, size);
    r->open[r->open_count].reservation = reservation;
    r->open[r->open_count++].position = r->tail;
    if (!(r->mode & ONE_PRODUCER)) /* which claims when it commits */
        append(r, ITEM_OPEN, control_blocks(size), size, 0);
}

/* Puts filler behind item i, which got shorter. */
static void cut_item(struct reference *r, uint64_t i, uint32_t blocks)
{
    struct item *item = item_at(r, i);
    struct item rest = {.kind = ITEM_FILLER,
                        .position = item->position + blocks,
                        .blocks = item->blocks - blocks};

    if (rest.blocks == 0)
        return;
    must(r->last - r->first < MAX_BLOCKS);
    for (uint64_t j = r->last++; j > i + 1; j--)
        *item_at(r, j) = *item_at(r, j - 1);
    item->blocks = blocks;
    *item_at(r, i + 1) = rest;
}

static void settle(struct reference *r, const struct open_claim *claim,
                   uint32_t size, uint64_t seed)
{
    if (r->mode & ONE_PRODUCER) {
        if (size)
            append(r, ITEM_ENTRIES, control_blocks(size), size, seed);
        return;
    }
    for (uint64_t i = r->first; i < r->last; i++) {
        struct item *item = item_at(r, i);

        if (item->kind != ITEM_OPEN || item->position != claim->position)
            continue;
        item->kind = size ? ITEM_ENTRIES : ITEM_FILLER;
        item->size = size;
        item->seed = seed;
        if (size)
            cut_item(r, i, control_blocks(size));
        return;
    }
    must_say(false, "the reference lost a reservation");
}

static void do_finish(struct reference *r)
{
    struct open_claim claim;
    uint32_t size = 0;
    uint64_t seed = ++r->counter;
    uint32_t which;

    if (r->open_count == 0)
        return;
    which = random_below(&r->random, r->open_count);
    claim = r->open[which];
    r->open[which] = r->open[--r->open_count];
    if (random_below(&r->random, 4) == 0) {
        agree(r, ipc_buffer_abort(r->buffer, &claim.reservation).ipc_status,
              IPC_OK);
    } else {
        size = 1 + random_below(&r->random, (uint32_t)claim.reservation.size);
        fill(claim.reservation.payload, size, seed);
        agree(r,
              ipc_buffer_commit(r->buffer, &claim.reservation, size).ipc_status,
              IPC_OK);
        r->written++;
    }
    agree(r, ipc_buffer_abort(r->buffer, &claim.reservation).ipc_status,
          IPC_ERR_ILLEGAL_STATE);
    settle(r, &claim, size, seed);
}

static void do_read(struct reference *r)
{
    unsigned char data[MAX_BYTES];
    size_t room =
        random_below(&r->random, 4) ? MAX_BYTES : random_below(&r->random, 100);
    IpcEntry entry = {.offset = 77, .payload = data, .size = room};
    IpcStatus wanted = head_status(r);
    struct item *item = look(r);

    if (wanted == IPC_OK && item && room < item->size)
        wanted = IPC_ERR_TOO_SMALL;
    agree(r, ipc_buffer_read(r->buffer, &entry).ipc_status, wanted);
    if (wanted != IPC_OK || !item) {
        must(entry.offset == 77 && entry.size == room);
        return;
    }
    must(entry.offset == head_offset(r) && is_next(item, data, entry.size));
    take(r);
}

/* The entry that a read of several takes next, or NULL: filler ends it. */
static struct item *next_of_run(struct reference *r)
{
    struct item *item = item_at(r, r->first);

    return r->first < r->last && item->kind == ITEM_ENTRIES ? item : NULL;
}

static void do_read_array(struct reference *r)
{
    unsigned char data[MAX_BYTES];
    uint32_t count = 1 + random_below(&r->random, MAX_COUNT);
    IpcStatus wanted = head_status(r);
    struct item *item = look(r);
    uint32_t size = item && random_below(&r->random, 8)
                        ? item->size
                        : 1 + random_below(&r->random, 99);
    uint32_t done = 0;
    IpcBufferReadBatchResult a;

    if (wanted == IPC_OK && item && size != item->size)
        wanted = IPC_ERR_SIZE_MISMATCH;
    a = ipc_buffer_read_array(r->buffer, data, size, (int)count);
    agree(r, a.ipc_status, wanted);
    if (wanted == IPC_ERR_SIZE_MISMATCH)
        must(a.error.body.required_size == item->size &&
             a.error.body.offset == head_offset(r));
    if (wanted != IPC_OK)
        return;
    for (; done < count && (item = next_of_run(r)) && item->size == size;
         done++) {
        must(is_next(item, data + done * size, size));
        take(r);
    }
    must(a.result == done);
}

static void do_read_batch(struct reference *r)
{
    unsigned char memory[MAX_BYTES];
    IpcEntry entries[MAX_COUNT];
    uint32_t count = 1 + random_below(&r->random, MAX_COUNT);
    size_t room =
        random_below(&r->random, 2) ? MAX_BYTES : random_below(&r->random, 400);
    IpcStatus wanted = head_status(r);
    struct item *item = look(r);
    uint32_t done = 0;
    IpcBufferReadBatchResult b;

    if (wanted == IPC_OK && item && room < item->size)
        wanted = IPC_ERR_TOO_SMALL;
    b = ipc_buffer_read_batch(r->buffer, entries, (int)count, memory, room);
    agree(r, b.ipc_status, wanted);
    if (wanted != IPC_OK)
        return;
    for (size_t at = 0;
         done < count && (item = next_of_run(r)) && at + item->size <= room;
         at += control_array_stride(item->size), done++) {
        must(done < b.result && entries[done].payload == memory + at);
        must(entries[done].offset == head_offset(r));
        must(is_next(item, entries[done].payload, entries[done].size));
        take(r);
    }
    must(b.result == done);
}

static void do_peek_and_skip(struct reference *r)
{
    IpcEntry entry;
    IpcStatus wanted = head_status(r);
    struct item *item = look(r);

    agree(r, ipc_buffer_peek(r->buffer, &entry).ipc_status, wanted);
    if (wanted != IPC_OK || !item)
        return;
    must(entry.offset == head_offset(r));
    must(is_next(item, entry.payload, entry.size));
    if (random_below(&r->random, 3) == 0)
        return;
    agree(r, ipc_buffer_skip(r->buffer, entry.offset).ipc_status, IPC_OK);
    take(r);
    agree(r, ipc_buffer_skip(r->buffer, entry.offset).ipc_status,
          IPC_ERR_OFFSET_MISMATCH);
    look(r);
}

static void do_skip_anywhere(struct reference *r)
{
    uint64_t block = r->head + random_below(&r->random, r->n + 1);
    uint64_t offset =
        random_below(&r->random, 2)
            ? block * 64 + random_below(&r->random, 2) * 8
            : head_offset(r) + random_below(&r->random, 3) * UINT64_C(8);
    IpcStatus wanted = head_status(r);

    if (offset != head_offset(r))
        wanted = IPC_ERR_OFFSET_MISMATCH;
    agree(r, ipc_buffer_skip(r->buffer, offset).ipc_status, wanted);
    if (wanted == IPC_OK)
        take(r);
}

static void do_skip_force(struct reference *r)
{
    IpcStatus wanted = head_status(r);
    IpcBufferSkipForceResult s = ipc_buffer_skip_force(r->buffer);

    if (wanted == IPC_ERR_NOT_READY)
        wanted = IPC_ERR_LOCKED; /* by this process, which lives */
    agree(r, s.ipc_status, wanted);
    if (wanted != IPC_OK)
        return;
    must(s.result == head_offset(r));
    take(r);
}

static uint32_t expected_head(const struct reference *r)
{
    if (r->first == r->last)
        return IPC_BUFFER_HEAD_EMPTY;
    switch (r->items[r->first % MAX_BLOCKS].kind) {
    case ITEM_ENTRIES:
        return IPC_BUFFER_HEAD_READY;
    case ITEM_OPEN:
        return IPC_BUFFER_HEAD_BUSY;
    case ITEM_FILLER:
        break;
    }
    return IPC_BUFFER_HEAD_FILLER;
}

static void check_stats(const struct reference *r)
{
    IpcBufferStats stats = stats_of(r->buffer);

    must(stats.used == (r->tail - r->head) * 64);
    must(stats.head_offset == head_offset(r));
    must(stats.tail_offset == r->tail * 64);
    must(stats.entries_written == r->written);
    must(stats.head_state == expected_head(r));
    if (stats.head_state == IPC_BUFFER_HEAD_READY)
        must(stats.head_size == r->items[r->first % MAX_BLOCKS].size);
}

static void do_some_write(struct reference *r)
{
    if (random_below(&r->random, 4) == 0)
        do_write_array(r);
    else
        do_write(r);
}

static void do_some_read(struct reference *r)
{
    switch (random_below(&r->random, 4)) {
    case 0:
        do_read_array(r);
        break;
    case 1:
        do_read_batch(r);
        break;
    default:
        do_read(r);
        break;
    }
}

static void step(struct reference *r)
{
    /* Now one side is ahead, now the other. */
    uint32_t writes = r->counter / 1024 % 2 ? 7 : 3;
    uint32_t choice = random_below(&r->random, 20);

    if (choice < writes)
        do_some_write(r);
    else if (choice < writes + 2)
        do_reserve(r);
    else if (choice < writes + 4)
        do_finish(r);
    else if (choice < 16)
        do_some_read(r);
    else if (choice < 18)
        do_peek_and_skip(r);
    else if (choice < 19)
        do_skip_anywhere(r);
    else
        do_skip_force(r);
    if (random_below(&r->random, 8) == 0)
        check_stats(r);
}

static void drain(struct reference *r)
{
    while (r->open_count)
        do_finish(r);
    while (head_status(r) != IPC_EMPTY)
        do_read(r);
    must_be(try_to_read(r->buffer), IPC_EMPTY);
    check_stats(r);
    must(stats_of(r->buffer).used == 0);
}

static void run(uint32_t mode, uint32_t n, uint64_t seed, uint64_t lap,
                uint64_t operations)
{
    size_t size = ring_size(n, 1);
    struct reference r = {.mode = mode, .n = n, .random = seed | 1};

    r.memory = aligned_alloc(64, up_to_line(size + 128));
    must(r.memory != NULL);
    memset(r.memory, 0xa5, size + 128);
    r.buffer = make_ring(r.memory + 64, n, 1, mode);
    if (lap > 1) {
        must_work(ipc_buffer_destroy(r.buffer));
        set_lap((void *)(r.memory + 64), n, lap);
        r.buffer = attach_to(r.memory + 64);
        r.head = r.tail = (lap - 1) * n;
    }
    while (operations--)
        step(&r);
    drain(&r);
    must(is_all(r.memory, 64, 0xa5));
    must(is_all(r.memory + 64 + size, 64, 0xa5));
    must_work(ipc_buffer_destroy(r.buffer));
    free(r.memory);
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void fuzz(uint32_t mode)
{
    uint64_t seed = number_from("UNIT_SEED", (uint64_t)now_ns());
    uint64_t total =
        number_from("UNIT_OPERATIONS", SANITIZED ? 200 * 1000 : 4000 * 1000);
    /* Where laps are renewed, and where their tags begin anew. */
    const uint64_t laps[] = {1, 65530, 0xfffffff0, 0x12345ffff};
    const uint64_t rounds = sizeof laps / sizeof laps[0];

    snprintf(fail_note, sizeof fail_note, " (UNIT_SEED=%llu)",
             (unsigned long long)seed);
    for (uint64_t round = 0; round < rounds; round++)
        for (uint32_t n = 1; n <= MAX_BLOCKS; n++)
            run(mode, n, seed + round * 1000 + n, laps[round],
                total / rounds / MAX_BLOCKS);
}

Test(unit, many_producers_and_consumers_behave_like_a_queue)
{
    fuzz(0);
}

Test(unit, one_producer_behaves_like_a_queue)
{
    fuzz(ONE_PRODUCER);
}

Test(unit, one_consumer_behaves_like_a_queue)
{
    fuzz(ONE_CONSUMER);
}

Test(unit, one_producer_and_one_consumer_behave_like_a_queue)
{
    fuzz(ONE_PRODUCER | ONE_CONSUMER);
}
