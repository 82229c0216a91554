/* SPDX-License-Identifier: MIT */
/*
 * An event loop in one io_uring: a channel's messages and a timer. The child
 * writes a message every few milliseconds and then closes the channel; the
 * parent's loop sleeps in its own ring for both, and costs nothing meanwhile.
 *
 * Exits with 77 where the kernel has no futex operation in io_uring (Linux 6.7)
 * or forbids io_uring.
 *
 *     cc own_ring.c $(pkg-config --cflags --libs shmipc liburing)
 */
#include <errno.h>
#include <liburing.h>
#include <shmipc/ipc_uring.h>
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MEMORY = 16384,
    MESSAGES = 100,
    PAUSE_NS = 3000000,
    TICK_NS = 50000000,
    SKIPPED = 77,
};

enum source { CHANNEL = 1, TICK = 2, CAP = 3 };

struct loop {
    struct io_uring ring;
    IpcChannel *channel;
    int received, ticks;
    bool closed, waiting;
    int exit_code;
};

/* No wait is longer: a writer that is killed before it wakes us costs that
 * much. */
static struct __kernel_timespec cap = {.tv_sec = 0, .tv_nsec = 100000000};
static struct __kernel_timespec tick = {.tv_sec = 0, .tv_nsec = TICK_NS};

static const IpcChannelConfiguration configuration = {
    .max_round_trips = 1, .start_sleep_ns = 1000, .max_sleep_ns = 1000};

/* --------------------------------------------------------------- the child */

static int send_all(void *memory)
{
    IpcChannelConnectResult r =
        ipc_channel_connect_sized(memory, MEMORY, configuration);
    const struct timespec pause = {.tv_sec = 0, .tv_nsec = PAUSE_NS};
    bool good = IpcChannelConnectResult_is_ok(r);

    if (!good)
        return 1;
    for (int i = 0; good && i < MESSAGES; i++) {
        nanosleep(&pause, NULL);
        good = IpcChannelWriteResult_is_ok(
            ipc_channel_write(r.result, &i, sizeof i));
    }
    ipc_channel_close(r.result);
    ipc_channel_destroy(r.result);
    return !good;
}

/* ---------------------------------------------------------------- the loop */

/* Two operations: the wait, and a timeout that ends it. */
static void wait_for_channel(struct loop *loop)
{
    struct io_uring_sqe *wait = io_uring_get_sqe(&loop->ring);
    struct io_uring_sqe *timeout = io_uring_get_sqe(&loop->ring);

    if (!wait || !timeout ||
        IpcChannelPrepareWaitResult_is_error(
            ipc_channel_prepare_wait(loop->channel, wait))) {
        loop->exit_code = 1;
        return;
    }
    wait->user_data = CHANNEL;
    wait->flags |= IOSQE_IO_LINK;
    io_uring_prep_link_timeout(timeout, &cap, 0);
    timeout->user_data = CAP;
    loop->waiting = true;
}

static void wait_for_tick(struct loop *loop)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

    if (!sqe) {
        loop->exit_code = 1;
        return;
    }
    io_uring_prep_timeout(sqe, &tick, 0, 0);
    sqe->user_data = TICK;
}

static void on_channel(struct loop *loop, int res)
{
    IpcChannelCompleteWaitResult r =
        ipc_channel_complete_wait(loop->channel, res);
    IpcStatus status = IPC_OK;

    loop->waiting = false;
    if (IpcChannelCompleteWaitResult_is_error(r)) {
        fprintf(stderr, "wait: %s\n", r.error.detail);
        loop->exit_code = r.ipc_status == IPC_ERR_UNSUPPORTED ? SKIPPED : 1;
        return;
    }
    while (status == IPC_OK) {
        int number;
        IpcEntry entry = {.payload = &number, .size = sizeof number};

        status = ipc_channel_try_read_into(loop->channel, &entry).ipc_status;
        if (status == IPC_OK && number != loop->received++)
            loop->exit_code = 1;
    }
    if (status == IPC_EMPTY || status == IPC_ERR_NOT_READY)
        wait_for_channel(loop);
    else if (status == IPC_ERR_CLOSED)
        loop->closed = true;
    else
        loop->exit_code = 1;
}

static void dispatch(struct loop *loop, const struct io_uring_cqe *cqe)
{
    switch (cqe->user_data) {
    case CHANNEL:
        on_channel(loop, cqe->res);
        break;
    case TICK:
        loop->ticks++;
        wait_for_tick(loop);
        break;
    default: /* CAP: the wait has a completion of its own */
        break;
    }
}

static void run(struct loop *loop)
{
    wait_for_tick(loop);
    wait_for_channel(loop);
    while (!loop->closed && !loop->exit_code) {
        struct io_uring_cqe *cqe;
        int error = io_uring_submit_and_wait(&loop->ring, 1);

        if (error < 0 && error != -EINTR)
            loop->exit_code = 1;
        while (io_uring_peek_cqe(&loop->ring, &cqe) == 0) {
            dispatch(loop, cqe);
            io_uring_cqe_seen(&loop->ring, cqe);
        }
    }
}

/* No wait is left in a ring that goes. */
static void cancel_wait(struct loop *loop)
{
    struct io_uring_sqe *sqe =
        loop->waiting ? io_uring_get_sqe(&loop->ring) : NULL;

    if (!sqe)
        return;
    io_uring_prep_cancel64(sqe, CHANNEL, 0);
    sqe->user_data = CAP;
    while (loop->waiting) {
        struct io_uring_cqe *cqe;

        io_uring_submit_and_wait(&loop->ring, 1);
        while (io_uring_peek_cqe(&loop->ring, &cqe) == 0) {
            if (cqe->user_data == CHANNEL)
                loop->waiting = false;
            io_uring_cqe_seen(&loop->ring, cqe);
        }
    }
}

static int receive_all(IpcChannel *channel)
{
    struct loop loop = {.channel = channel};
    int error = io_uring_queue_init(8, &loop.ring, 0);

    if (error) {
        fprintf(stderr, "skipped: no io_uring here (errno %d)\n", -error);
        return SKIPPED;
    }
    run(&loop);
    cancel_wait(&loop);
    io_uring_queue_exit(&loop.ring);
    if (loop.exit_code == 0) {
        printf("%d messages and %d ticks in one ring\n", loop.received,
               loop.ticks);
        loop.exit_code = loop.received != MESSAGES;
    }
    return loop.exit_code;
}

int main(void)
{
    void *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    IpcChannelResult created;
    int status = 0;
    int exit_code;
    pid_t child;

    if (memory == MAP_FAILED)
        return 1;
    created = ipc_channel_create(memory, MEMORY, configuration);
    if (IpcChannelResult_is_error(created)) {
        fprintf(stderr, "create: %s\n", created.error.detail);
        return 1;
    }
    child = fork();
    if (child == 0)
        _exit(send_all(memory));
    if (child < 0)
        return 1;
    exit_code = receive_all(created.result);
    waitpid(child, &status, 0);
    ipc_channel_destroy(created.result);
    return exit_code ? exit_code : status != 0;
}
