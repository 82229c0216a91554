/* SPDX-License-Identifier: MIT */
/*
 * A channel's wait in a ring of the application's: what preparing it finds and
 * whom that wakes, and what completions mean. No ring is needed for either; in
 * tests/wait/test_own_ring.c there is one.
 */
#include "channels.h"
#include <liburing.h>
#include <shmipc/ipc_uring.h>

enum { BLOCKS = 8, SLEEPER = 1 };

static IpcChannel *ch;
static struct shm_region *region;

static void start(uint32_t mode)
{
    void *memory;

    ch = new_channel(BLOCKS, mode, &memory);
    region = memory;
}

/* True: it has to wait. */
static bool prepare(void)
{
    struct io_uring_sqe sqe;
    IpcChannelPrepareWaitResult r;

    memset(&sqe, 0xff, sizeof sqe);
    r = ipc_channel_prepare_wait(ch, &sqe);
    must_work(r);
    must((sqe.opcode == IORING_OP_NOP) == !r.result);
    return r.result;
}

Test(unit, preparing_a_wait_announces_a_sleeper)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        uint32_t before;

        start(mode);
        must(prepare());
        before = atomic_get_relaxed(&region->readers.sequence);
        must(atomic_get_relaxed(&region->readers.sleepers) == SLEEPER);
        must_send(ch, 10, 1);
        must(atomic_get_relaxed(&region->readers.sequence) != before);
    }
}

Test(unit, there_is_no_need_to_wait_for_what_is_there)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        start(mode);
        must_send(ch, 10, 1);
        must(!prepare());
        must_receive(ch, 10, 1);
        must(prepare());
        must_work(ipc_channel_close(ch));
        must(!prepare());
    }
}

Test(unit, there_is_no_need_to_wait_for_what_has_to_be_told)
{
    start(0);
    must_send(ch, 10, 1);
    *control_of(region, 0) |= 15; /* a state that there is not */
    must(!prepare());
}

Test(unit, an_unfinished_entry_is_waited_for)
{
    IpcReservation reservation;

    start(0);
    must_work(ipc_channel_reserve(ch, 10, &reservation));
    must(prepare());
    must_work(ipc_channel_commit(ch, &reservation, 10));
    must(!prepare());
}

/* A producer that died before it could say whose the block is. */
Test(unit, what_a_dead_producer_left_is_removed_at_once)
{
    start(0);
    atomic_add_relaxed(&region->tail.position, 1);
    must_send(ch, 10, 1);
    must(!prepare());
    must_receive(ch, 10, 1);
}

Test(unit, a_wait_that_passes_filler_wakes_writers)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode += IPC_BUFFER_ONE_CONSUMER) {
        IpcReservation reservation;
        uint32_t before;

        start(mode);
        must_work(ipc_channel_reserve(ch, 10, &reservation));
        must_work(ipc_channel_abort(ch, &reservation));
        before = atomic_get_relaxed(&region->writers.sequence);
        atomic_put_relaxed(&region->writers.sleepers, SLEEPER);
        must(prepare());
        must(atomic_get_relaxed(&region->writers.sleepers) == 0);
        must(atomic_get_relaxed(&region->writers.sequence) != before);
    }
}

Test(unit, every_completion_is_told_from_an_error)
{
    static const struct {
        int result;
        IpcStatus status;
    } cases[] = {
        {0, IPC_OK},
        {1, IPC_OK},
        {-EAGAIN, IPC_OK},
        {-ECANCELED, IPC_OK},
        {-EINTR, IPC_OK},
        {-ETIME, IPC_OK}, /* a timeout that was linked */
        {-EINVAL, IPC_ERR_UNSUPPORTED},
        {-EOPNOTSUPP, IPC_ERR_UNSUPPORTED},
        {-EPERM, IPC_ERR_UNSUPPORTED},
        {-EACCES, IPC_ERR_UNSUPPORTED},
        {-ENOMEM, IPC_ERR_SYSTEM},
        {-EFAULT, IPC_ERR_SYSTEM},
        {-EIO, IPC_ERR_SYSTEM},
    };

    start(0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        IpcChannelCompleteWaitResult r =
            ipc_channel_complete_wait(ch, cases[i].result);

        must_say(r.ipc_status == cases[i].status, "%d is %s", cases[i].result,
                 ipc_status_name(r.ipc_status));
        if (r.ipc_status < 0)
            must(r.error.body.sys_errno == -cases[i].result);
    }
}
