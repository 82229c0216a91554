/* SPDX-License-Identifier: MIT */
/*
 * System calls are counted by taking the place of syscall(): a writer wakes
 * once for each time that somebody announced itself, not once for each entry.
 */
#include "ring/layout.h"
#include <linux/futex.h>
#include <shmipc/shmipc.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

enum { EPISODES = 100, WRITES = 10000 };

long __wrap_syscall(long number, ...);

static int wakes;

/* Nobody sleeps here in truth, so nothing needs to be done. */
long __wrap_syscall(long number, ...)
{
    va_list arguments;
    int operation;

    va_start(arguments, number);
    (void)va_arg(arguments, void *);
    operation = va_arg(arguments, int);
    va_end(arguments);
    wakes += number == SYS_futex && operation == FUTEX_WAKE;
    return 0;
}

static int write_and_read(IpcChannel *channel, int count)
{
    char copy[8];

    for (int i = 0; i < count; i++) {
        IpcEntry entry = {.payload = copy, .size = sizeof copy};

        if (ipc_channel_write(channel, "message", 8).ipc_status != IPC_OK ||
            ipc_channel_read_into(channel, &entry).ipc_status != IPC_OK)
            return 1;
    }
    return 0;
}

static int count_wakes(uint32_t flags, bool writers_sleep)
{
    static _Alignas(64) unsigned char memory[65536];
    const IpcChannelConfiguration configuration = {.max_round_trips = 1,
                                                   .start_sleep_ns = 1,
                                                   .max_sleep_ns = 1,
                                                   .flags = flags};
    struct shm_region *region = (void *)memory;
    IpcChannelResult r =
        ipc_channel_create(memory, sizeof memory, configuration);

    wakes = 0;
    if (IpcChannelResult_is_error(r) || write_and_read(r.result, 1) != 0)
        return 1;
    for (int i = 0; i < EPISODES; i++) {
        atomic_store(writers_sleep ? &region->writers.sleepers
                                   : &region->readers.sleepers,
                     1);
        if (write_and_read(r.result, WRITES) != 0)
            return 1;
    }
    ipc_channel_destroy(r.result);
    printf("mode %u, %s asleep: %d wakes for %d episodes and %d entries\n",
           flags, writers_sleep ? "writers" : "readers", wakes, EPISODES,
           EPISODES * WRITES);
    return wakes != EPISODES;
}

int main(void)
{
    int bad = 0;

    for (uint32_t flags = 0; flags < 4; flags++)
        bad |= count_wakes(flags, false) | count_wakes(flags, true);
    return bad;
}
