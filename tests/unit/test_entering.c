/* SPDX-License-Identifier: MIT */
/*
 * In which order handles enter, close and leave. The linker sends calls that
 * mark the moments in question here (see meson.build).
 */
#include "channels.h"
#include "buffer/handle.h"
#include "ring/close.h"

enum { BLOCKS = 8 };

static atomic_u64 *entry_lock; /* of the handle that another thread enters */
static int waits;
static struct ring *reserved_in; /* where the handle that goes has claims */
static int slots_freed;

int __wrap_sched_yield(void);
void __real_owner_free(const struct owner_table *table, uint32_t owner);
void __wrap_owner_free(const struct owner_table *table, uint32_t owner);

/* Who cannot enter waits here; meanwhile the other thread is done. */
int __wrap_sched_yield(void)
{
    waits++;
    atomic_put_release(entry_lock, 0);
    return 0;
}

Test(unit, one_thread_at_a_time_enters_a_handle)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);

    entry_lock = &b->entering;
    atomic_put_release(entry_lock, process_token());
    must_write(b, 8, 1);
    must(waits == 1);
    must_write(b, 8, 2); /* it has entered */
    must(waits == 1);
    must(atomic_get_relaxed(entry_lock) == 0);
}

Test(unit, a_lock_that_came_with_a_fork_keeps_nobody_out)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);

    entry_lock = &b->entering;
    atomic_put_release(entry_lock, process_token() + 1);
    must_write(b, 8, 1);
    must(waits == 0);
}

/* Who gets the slot next could not be told from the owner of what is still
 * reserved. */
void __wrap_owner_free(const struct owner_table *table, uint32_t owner)
{
    struct ring *r = reserved_in;

    for (uint32_t i = 0; r && i < r->block_count; i++)
        must(control_state(atomic_get_relaxed(&r->control[i])) != CONTROL_BUSY);
    slots_freed++;
    __real_owner_free(table, owner);
}

Test(unit, a_slot_is_free_when_what_its_owner_reserved_is)
{
    IpcBuffer *b = new_ring(BLOCKS, 0, NULL);
    IpcReservation first, second;
    struct ring ring;

    must_work(ipc_buffer_reserve(b, 100, &first));
    must_work(ipc_buffer_reserve(b, 10, &second));
    ring = b->ring;
    reserved_in = &ring;
    must(control_state(atomic_get_relaxed(&ring.control[0])) == CONTROL_BUSY);
    must_work(ipc_buffer_destroy(b));
    must(slots_freed == 1);
}

/* A reader finds nothing; then the one producer writes and closes; then the
 * reader sees that it is closed. */
Test(unit, a_ring_is_not_closed_before_an_entry_that_came_meanwhile)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcBuffer *b = new_ring(BLOCKS, mode, NULL);
        uint64_t head = atomic_get_relaxed(&b->ring.head->position);

        must(!close_is_final(&b->ring, head));
        must_write(b, 8, 1);
        must(!close_is_final(&b->ring, head));
        close_ring(&b->ring);
        must(!close_is_final(&b->ring, head));
        must_read(b, 8, 1);
        head = atomic_get_relaxed(&b->ring.head->position);
        must(close_is_final(&b->ring, head));
    }
}
