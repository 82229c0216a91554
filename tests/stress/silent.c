/* SPDX-License-Identifier: MIT */
/*
 * Writing and reading make no system call while nobody sleeps: a child does a
 * million of each where the kernel kills who makes one. A second child writes
 * while a reader has announced itself, which must kill it: the trap works.
 */
#include "message.h"
#include <linux/seccomp.h>
#include <shmipc/shmipc.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring/layout.h"

enum { COUNT = 1000000, MEMORY = 65536, BATCH = 100, UNSUPPORTED = 3 };

static void *memory;
static IpcChannelConfiguration configuration = {
    .max_round_trips = 10, .start_sleep_ns = 1000, .max_sleep_ns = 1000};

static IpcChannel *create(uint32_t flags)
{
    IpcChannelResult r;

    configuration.flags = flags;
    r = ipc_channel_create(memory, MEMORY, configuration);
    return IpcChannelResult_is_ok(r) ? r.result : NULL;
}

static bool write_one(IpcChannel *channel, uint32_t i)
{
    unsigned char message[200];
    size_t size = 8 + i % 190;

    memset(message, (int)i, size);
    return IpcChannelWriteResult_is_ok(
        ipc_channel_write(channel, message, size));
}

static bool read_one(IpcChannel *channel)
{
    unsigned char message[200];
    IpcEntry entry = {.payload = message, .size = sizeof message};

    return ipc_channel_read_into(channel, &entry).ipc_status == IPC_OK;
}

static bool exchange(IpcChannel *channel, uint32_t count)
{
    for (uint32_t i = 0; i < count; i += BATCH) {
        for (uint32_t j = 0; j < BATCH; j++)
            if (!write_one(channel, i + j))
                return false;
        for (uint32_t j = 0; j < BATCH; j++)
            if (!read_one(channel))
                return false;
    }
    return true;
}

/* Only read, write, exit and sigreturn are allowed from here on. */
static void forbid_system_calls(void)
{
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        _exit(UNSUPPORTED);
}

static void leave(bool good)
{
    syscall(SYS_exit, good ? 0 : 1);
}

static void silent_child(uint32_t flags)
{
    IpcChannel *channel = create(flags);

    /* The first write and read of a process register it. */
    if (!channel || !exchange(channel, BATCH))
        _exit(2);
    forbid_system_calls();
    leave(exchange(channel, COUNT));
}

static void waking_child(uint32_t flags)
{
    IpcChannel *channel = create(flags);
    struct shm_region *region = memory;

    if (!channel || !exchange(channel, BATCH))
        _exit(2);
    atomic_store(&region->readers.sleepers, 1);
    forbid_system_calls();
    leave(write_one(channel, 0));
}

static int run(void (*child)(uint32_t), uint32_t flags)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        child(flags);
        _exit(4);
    }
    waitpid(pid, &status, 0);
    return status;
}

int main(void)
{
    memory = shared_zeros(MEMORY);
    if (!memory)
        return 2;
    for (uint32_t flags = 0; flags < 4; flags++) {
        int silent = run(silent_child, flags);
        int waking = run(waking_child, flags);

        if (WIFEXITED(silent) && WEXITSTATUS(silent) == UNSUPPORTED) {
            printf("skipped: no seccomp strict mode here\n");
            return 77;
        }
        if (silent != 0 || !WIFSIGNALED(waking)) {
            fprintf(stderr, "mode %u: silent child %#x, waking child %#x\n",
                    flags, (unsigned)silent, (unsigned)waking);
            return 1;
        }
        printf("mode %u: %d writes and %d reads, 0 system calls\n", flags,
               COUNT, COUNT);
    }
    return 0;
}
