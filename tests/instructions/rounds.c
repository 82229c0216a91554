/* SPDX-License-Identifier: MIT */
/*
 * Writes and reads in one thread, again and again, for count.py to count their
 * instructions: rounds WHAT FLAGS SIZE ROUNDS. WHAT is buffer or channel, or
 * either with "-in-place".
 */
#include <shmipc/ipc_channel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 1 << 20, LARGEST = 4096 };

static char data[LARGEST], copy[LARGEST];
static IpcBuffer *buffer;
static IpcChannel *channel;

static bool by_buffer(size_t size)
{
    IpcEntry entry = {.payload = copy, .size = sizeof copy};

    return ipc_buffer_write(buffer, data, size).ipc_status == IPC_OK &&
           ipc_buffer_read(buffer, &entry).ipc_status == IPC_OK;
}

static bool by_channel(size_t size)
{
    IpcEntry entry = {.payload = copy, .size = sizeof copy};

    return ipc_channel_write(channel, data, size).ipc_status == IPC_OK &&
           ipc_channel_try_read_into(channel, &entry).ipc_status == IPC_OK;
}

static bool by_buffer_in_place(size_t size)
{
    IpcReservation reservation;
    IpcEntry entry;

    return ipc_buffer_reserve(buffer, size, &reservation).ipc_status ==
               IPC_OK &&
           ipc_buffer_commit(buffer, &reservation, size).ipc_status == IPC_OK &&
           ipc_buffer_peek(buffer, &entry).ipc_status == IPC_OK &&
           ipc_buffer_skip(buffer, entry.offset).ipc_status == IPC_OK;
}

static bool by_channel_in_place(size_t size)
{
    IpcReservation reservation;
    IpcEntry entry;

    return ipc_channel_reserve(channel, size, &reservation).ipc_status ==
               IPC_OK &&
           ipc_channel_commit(channel, &reservation, size).ipc_status ==
               IPC_OK &&
           ipc_channel_peek(channel, &entry).ipc_status == IPC_OK &&
           ipc_channel_skip(channel, entry.offset).ipc_status == IPC_OK;
}

static const struct way {
    const char *name;
    bool (*round)(size_t size);
} ways[] = {{"buffer", by_buffer},
            {"channel", by_channel},
            {"buffer-in-place", by_buffer_in_place},
            {"channel-in-place", by_channel_in_place}};

static bool make(uint32_t flags)
{
    static _Alignas(4096) unsigned char memory[2][MEMORY];
    IpcBufferOptions options = {.struct_size = sizeof options, .flags = flags};
    IpcChannelConfiguration configuration = IPC_CHANNEL_DEFAULTS;
    IpcBufferCreateResult b =
        ipc_buffer_create_with_options(memory[0], MEMORY, &options);
    IpcChannelResult c;

    configuration.flags = flags;
    c = ipc_channel_create(memory[1], MEMORY, configuration);
    if (b.ipc_status != IPC_OK || c.ipc_status != IPC_OK)
        return false;
    buffer = b.result;
    channel = c.result;
    return true;
}

int main(int count, char **words)
{
    const struct way *way = ways;
    size_t size;
    long rounds;

    if (count != 5)
        return 2;
    while (way < ways + sizeof ways / sizeof *ways &&
           strcmp(words[1], way->name) != 0)
        way++;
    size = strtoul(words[3], NULL, 10);
    rounds = strtol(words[4], NULL, 10);
    if (way == ways + sizeof ways / sizeof *ways || size > LARGEST ||
        !make((uint32_t)strtoul(words[2], NULL, 10)))
        return 2;
    memset(data, 1, sizeof data);
    while (rounds-- > 0)
        if (!way->round(size))
            return 1;
    ipc_channel_destroy(channel);
    ipc_buffer_destroy(buffer);
    return 0;
}
