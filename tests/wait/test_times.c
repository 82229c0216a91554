/* SPDX-License-Identifier: MIT */
/*
 * Times that are as long as their types allow, in every call and member that
 * takes one: who waits so long waits, until there is what he waits for. A sum
 * that went over its end would be a time that has passed.
 *
 * Public calls only, since programs of 32 bits are made of it too.
 */
#define _DEFAULT_SOURCE
#include "../own_name.h"

#include <limits.h>
#include <shmipc/ipc_batch.h>
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 2048, ENTRY = 64, PATIENCE_S = 60 };

/* The peer's turn comes so long after the call began to wait, or thereabouts:
 * enough for a call that does not wait to be back. */
static const struct timespec a_while = {0, 5000000};

static void *memory;
static char bytes[ENTRY];

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

#define must_be_ok(call)                                                       \
    do {                                                                       \
        IpcStatus status_ = (call).ipc_status;                                 \
                                                                               \
        if (status_ != IPC_OK) {                                               \
            fprintf(stderr, "%s: %s\n", #call, ipc_status_name(status_));      \
            exit(EXIT_FAILURE);                                                \
        }                                                                      \
    } while (0)

/* ------------------------------------------------------------------ peers */

static IpcChannel *join(void)
{
    IpcChannelConnectResult r = ipc_channel_connect(
        memory, (IpcChannelConfiguration)IPC_CHANNEL_CONFIGURATION(1, 1, 1));

    must_be_ok(r);
    return r.result;
}

static void write_one(void)
{
    must_be_ok(ipc_channel_write(join(), bytes, ENTRY));
}

static void read_one(void)
{
    IpcEntry entry;

    must_be_ok(ipc_channel_try_read(join(), &entry));
}

static void do_nothing(void)
{
}

static pid_t peer_does(void (*turn)(void))
{
    pid_t pid = fork();

    if (pid == 0) {
        nanosleep(&a_while, NULL);
        turn();
        _exit(EXIT_SUCCESS);
    }
    return pid;
}

static void must_be_done(pid_t peer)
{
    int status;

    if (waitpid(peer, &status, 0) != peer || status != 0)
        fail("the peer failed");
}

/* ------------------------------------------------------------------ calls */

static void wait_by(IpcChannel *ch, int call, const struct timespec *timeout)
{
    char copy[ENTRY];
    IpcEntry entry = {0, copy, sizeof copy};

    switch (call) {
    case 0:
        must_be_ok(ipc_channel_read_with_timeout(ch, &entry, timeout));
        free(entry.payload);
        break;
    case 1:
        must_be_ok(ipc_channel_read_into_with_timeout(ch, &entry, timeout));
        break;
    case 2:
        must_be_ok(ipc_channel_read_batch_with_timeout(ch, &entry, 1, copy,
                                                       sizeof copy, timeout));
        break;
    case 3:
        must_be_ok(
            ipc_channel_read_array_with_timeout(ch, copy, ENTRY, 1, timeout));
        break;
    default:
        must_be_ok(ipc_channel_peek_with_timeout(ch, &entry, timeout));
        must_be_ok(ipc_channel_skip(ch, entry.offset));
        break;
    }
}

static void wait_for_space_by(IpcChannel *ch, int call,
                              const struct timespec *timeout)
{
    struct iovec piece = {bytes, ENTRY};
    IpcReservation reservation;

    switch (call) {
    case 0:
        must_be_ok(ipc_channel_write_with_timeout(ch, bytes, ENTRY, timeout));
        break;
    case 1:
        must_be_ok(ipc_channel_writev_with_timeout(ch, &piece, 1, timeout));
        break;
    default:
        must_be_ok(
            ipc_channel_reserve_with_timeout(ch, ENTRY, &reservation, timeout));
        must_be_ok(ipc_channel_commit(ch, &reservation, ENTRY));
        break;
    }
}

static IpcChannel *make(IpcChannelConfiguration configuration)
{
    IpcChannelResult made = ipc_channel_create(memory, SIZE, configuration);

    /* It was not built, the kernel lacks it, or has no memory for it. */
    if (made.ipc_status == IPC_ERR_UNSUPPORTED ||
        made.ipc_status == IPC_ERR_ALLOCATION)
        return NULL;
    must_be_ok(made);
    return made.result;
}

static void fill_up(IpcChannel *ch)
{
    while (ipc_channel_write(ch, bytes, ENTRY).ipc_status == IPC_OK)
        continue;
}

/* ------------------------------------------------------------------ times */

/* The latest that a time_t of that many bytes can say. */
static time_t latest(void)
{
    return sizeof(time_t) == 8 ? (time_t)INT64_MAX : (time_t)INT32_MAX;
}

static void try_timeouts(uint32_t wait)
{
    const struct timespec timeouts[] = {
        {latest(), 999999999},
        {latest(), 0},
        /* About where nanoseconds, and sums of them and the clock, end. */
        {(time_t)(INT64_MAX / 1000000000 & latest()), 999999999},
        {(time_t)((INT64_MAX / 1000000000 - 1) & latest()), 999999999},
        {(time_t)((INT64_MAX / 1000000000 - 1000) & latest()), 0},
        {INT32_MAX, 999999999},
    };
    IpcChannelConfiguration configuration =
        IPC_CHANNEL_CONFIGURATION(1, 1000, 1000000);
    IpcChannel *ch;
    pid_t peer;

    configuration.wait = wait;
    ch = make(configuration);
    for (size_t i = 0; ch && i < sizeof timeouts / sizeof *timeouts; i++) {
        for (int call = 0; call < 5; call++) {
            peer = peer_does(write_one);
            wait_by(ch, call, &timeouts[i]);
            must_be_done(peer);
        }
        for (int call = 0; call < 3; call++) {
            fill_up(ch);
            peer = peer_does(read_one);
            wait_for_space_by(ch, call, &timeouts[i]);
            must_be_done(peer);
        }
        while (ipc_channel_skip_force(ch).ipc_status == IPC_OK)
            continue;
    }
    if (ch)
        ipc_channel_destroy(ch);
}

static void try_configurations(uint32_t wait)
{
    static const struct {
        uint32_t rounds;
        long start, max;
        uint32_t spin;
    } members[] = {
        {1, LONG_MAX, LONG_MAX, IPC_CHANNEL_NO_SPIN},
        {1, LONG_MAX, LONG_MAX, 0},
        {2, LONG_MAX / 2 + 1, LONG_MAX, IPC_CHANNEL_NO_SPIN},
        {UINT32_MAX - 1, LONG_MAX - 1, LONG_MAX, IPC_CHANNEL_NO_SPIN},
        {UINT32_MAX, LONG_MAX, LONG_MAX, IPC_CHANNEL_NO_SPIN},
        {UINT32_MAX, 1, LONG_MAX, IPC_CHANNEL_NO_SPIN},
        {1, LONG_MAX, LONG_MAX, UINT32_MAX - 1},
        {1, LONG_MAX, LONG_MAX, 1},
    };
    pid_t peer;

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        IpcChannelConfiguration configuration = IPC_CHANNEL_CONFIGURATION(
            members[i].rounds, members[i].start, members[i].max);
        IpcChannel *ch;
        char copy[ENTRY];
        IpcEntry entry = {0, copy, sizeof copy};

        configuration.wait = wait;
        configuration.spin_ns = members[i].spin;
        ch = make(configuration);
        if (!ch)
            return;
        peer = peer_does(write_one);
        must_be_ok(ipc_channel_read_into(ch, &entry));
        must_be_done(peer);
        peer = peer_does(write_one);
        must_be_ok(ipc_channel_read(ch, &entry));
        free(entry.payload);
        must_be_done(peer);
        ipc_channel_destroy(ch);
    }
}

/* While somebody else is at a name, as a creator is. */
static void try_opening(void)
{
    static const uint64_t timeouts[] = {UINT64_MAX, UINT64_MAX - 1,
                                        (uint64_t)INT64_MAX + 1, INT64_MAX,
                                        INT64_MAX - 1};
    IpcOpenOptions options = {.struct_size = sizeof options};
    IpcChannelOpenResult opened;
    char name[OWN_NAME_ROOM];

    own_name(name, "times");
    opened = ipc_channel_open(name, &options);
    must_be_ok(opened);
    ipc_channel_destroy(opened.result);
    for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
        int fd = shm_open(name, O_RDWR, 0);
        pid_t peer;

        if (fd < 0 || flock(fd, LOCK_EX) != 0)
            fail("the segment cannot be locked");
        peer = peer_does(do_nothing);
        close(fd); /* the lock is the peer's now */
        options.timeout_ns = timeouts[i];
        opened = ipc_channel_open(name, &options);
        must_be_ok(opened);
        ipc_channel_destroy(opened.result);
        must_be_done(peer);
    }
    must_be_ok(ipc_channel_unlink(name));
}

int main(void)
{
    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fail("no memory");
    alarm(PATIENCE_S);
    for (uint32_t wait = IPC_WAIT_DEFAULT; wait <= IPC_WAIT_WATCHED; wait++) {
        try_timeouts(wait);
        try_configurations(wait);
    }
    try_opening();
    printf("time_t of %zu bytes, long of %zu: no time is too long\n",
           sizeof(time_t), sizeof(long));
    return EXIT_SUCCESS;
}
