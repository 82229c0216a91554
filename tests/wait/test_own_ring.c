/* SPDX-License-Identifier: MIT */
/*
 * Channels that wait in the application's own ring.
 */
#include "uring_test.h"
#include "channel/channel.h"
#include "wait/uring.h"

/* ------------------------------------------------------------ one's own ring
 */

static struct io_uring own;

static bool prepare(IpcChannel *ch)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&own);
    IpcChannelPrepareWaitResult r = ipc_channel_prepare_wait(ch, sqe);

    must(IpcChannelPrepareWaitResult_is_ok(r));
    sqe->user_data = 9;
    must(io_uring_submit(&own) == 1);
    return r.result;
}

static void complete(IpcChannel *ch)
{
    struct io_uring_cqe *cqe;
    int error;

    while ((error = io_uring_wait_cqe(&own, &cqe)) == -EINTR)
        continue;
    must(error == 0 && cqe->user_data == 9);
    must(ipc_channel_complete_wait(ch, cqe->res).ipc_status == IPC_OK);
    io_uring_cqe_seen(&own, cqe);
}

static void a_channel_waits_in_ones_own_ring(void)
{
    enum { NUMBERS = 20000 };
    IpcChannel *ch = create(IPC_WAIT_SLEEP);
    uint32_t next = 0, armed = 0, got;
    pid_t writer;

    must(io_uring_queue_init(4, &own, 0) == 0);
    must(prepare(ch));
    send_number(ch, 1);
    complete(ch);
    must(!prepare(ch)); /* not read yet */
    complete(ch);
    must(try_number(ch, &got) == IPC_OK && got == 1);
    writer = fork();
    if (writer == 0) {
        IpcChannel *mine = join(IPC_WAIT_FUTEX);

        for (uint32_t i = 0; i < NUMBERS; i++)
            send_after_a_while(mine, i);
        ipc_channel_close(mine);
        _exit(0);
    }
    while (next < NUMBERS) {
        while (try_number(ch, &got) == IPC_OK)
            must(got == next++);
        armed += prepare(ch);
        complete(ch);
    }
    printf("  %u numbers, %u waits\n", next, armed);
    reap_child(writer);
    must(!prepare(ch)); /* closed */
    complete(ch);
    io_uring_queue_exit(&own);
    ipc_channel_destroy(ch);
}

/* What a reservation that was given up has left is passed by the look. */
static void preparing_wakes_writers_for_whom_it_made_space(void)
{
    IpcChannel *ch = create(IPC_WAIT_FUTEX);
    IpcChannel *writer = join(IPC_WAIT_FUTEX);
    size_t size = (size_t)ipc_channel_max_entry_size(writer);
    IpcReservation all;
    uint32_t seen;

    must(ipc_channel_reserve(writer, size, &all).ipc_status == IPC_OK);
    must(ipc_channel_abort(writer, &all).ipc_status == IPC_OK);
    seen = wait_announce(&writer->waiter, WAIT_WRITERS, WAIT_BY_WORD);
    must(io_uring_queue_init(4, &own, 0) == 0);
    must(prepare(ch));
    must(atomic_get_relaxed(
             &wait_words(&writer->waiter, WAIT_WRITERS)->sequence) != seen);
    must(ipc_channel_reserve(writer, size, &all).ipc_status == IPC_OK);
    must(ipc_channel_abort(writer, &all).ipc_status == IPC_OK);
    io_uring_queue_exit(&own);
    ipc_channel_destroy(writer);
    ipc_channel_destroy(ch);
}

/* The order in which the two completions come is the kernel's. */
static void a_wait_in_ones_own_ring_can_have_a_timeout(void)
{
    struct __kernel_timespec short_time = {.tv_nsec = 10 * MS};
    IpcChannel *ch = create(IPC_WAIT_FUTEX);
    struct io_uring_sqe *sqe;

    must(io_uring_queue_init(4, &own, 0) == 0);
    sqe = io_uring_get_sqe(&own);
    must(sqe && ipc_channel_prepare_wait(ch, sqe).result);
    sqe->user_data = 9;
    sqe->flags |= IOSQE_IO_LINK;
    sqe = io_uring_get_sqe(&own);
    must(sqe);
    io_uring_prep_link_timeout(sqe, &short_time, 0);
    sqe->user_data = 10;
    must(io_uring_submit(&own) == 2);
    for (int i = 0; i < 2; i++) {
        struct io_uring_cqe *cqe;
        int error;

        while ((error = io_uring_wait_cqe(&own, &cqe)) == -EINTR)
            continue;
        must(error == 0);
        if (cqe->user_data == 9)
            must(ipc_channel_complete_wait(ch, cqe->res).ipc_status == IPC_OK);
        io_uring_cqe_seen(&own, cqe);
    }
    io_uring_queue_exit(&own);
    ipc_channel_destroy(ch);
}

static void entries_of_a_ring_cannot_be_misused(void)
{
    IpcChannel *ch = create(IPC_WAIT_FUTEX);
    const int unsupported[] = {EINVAL, EOPNOTSUPP, EPERM, EACCES};
    struct io_uring_sqe sqe;
    IpcChannelCompleteWaitResult r;

    memset(&sqe, 0xff, sizeof sqe);
    must(ipc_channel_prepare_wait(NULL, &sqe).ipc_status ==
         IPC_ERR_INVALID_ARGUMENT);
    must(sqe.opcode == IORING_OP_NOP && sqe.flags == 0);
    must(ipc_channel_prepare_wait(ch, NULL).ipc_status ==
         IPC_ERR_INVALID_ARGUMENT);
    must(ipc_channel_prepare_wait(ch, &sqe).result);
    must(sqe.opcode == URING_FUTEX_WAIT && sqe.user_data == UINT64_MAX);
    must(ipc_channel_complete_wait(NULL, 0).ipc_status ==
         IPC_ERR_INVALID_ARGUMENT);
    must(ipc_channel_complete_wait(ch, 0).ipc_status == IPC_OK);
    must(ipc_channel_complete_wait(ch, -EAGAIN).ipc_status == IPC_OK);
    must(ipc_channel_complete_wait(ch, -ECANCELED).ipc_status == IPC_OK);
    must(ipc_channel_complete_wait(ch, -EINTR).ipc_status == IPC_OK);
    must(ipc_channel_complete_wait(ch, -ETIME).ipc_status == IPC_OK);
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++)
        must(ipc_channel_complete_wait(ch, -unsupported[i]).ipc_status ==
             IPC_ERR_UNSUPPORTED);
    r = ipc_channel_complete_wait(ch, -ENOMEM);
    must(r.ipc_status == IPC_ERR_SYSTEM && r.error.body.sys_errno == ENOMEM);
    ipc_channel_destroy(ch);
}

static const struct uring_test tests[] = {
    URING_TEST(a_channel_waits_in_ones_own_ring),
    URING_TEST(preparing_wakes_writers_for_whom_it_made_space),
    URING_TEST(a_wait_in_ones_own_ring_can_have_a_timeout),
    URING_TEST(entries_of_a_ring_cannot_be_misused),
};

int main(int argc, char **argv)
{
    return run_uring_tests(tests, sizeof tests / sizeof tests[0], argc, argv);
}
