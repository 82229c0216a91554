/* SPDX-License-Identifier: MIT */
/*
 * The program that users of the original interface start with. It must
 * compile as it stands: one header, memory on the stack at any address, the
 * three members that a configuration always had.
 */
#include <shmipc/ipc_channel.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    uint8_t mem[1024];
    const IpcChannelConfiguration config = {
        .max_round_trips = 128,
        .start_sleep_ns = 1000,
        .max_sleep_ns = 100000,
    };
    const IpcChannelResult channel_result =
        ipc_channel_create(mem, sizeof(mem), config);

    if (IpcChannelResult_is_error(channel_result)) {
        fprintf(stderr, "create: %s\n", channel_result.error.detail);
        return EXIT_FAILURE;
    }

    IpcChannel *channel = channel_result.result;
    const int value = 123;
    const IpcChannelWriteResult write_result =
        ipc_channel_write(channel, &value, sizeof(value));

    if (IpcChannelWriteResult_is_error(write_result)) {
        fprintf(stderr, "write: %s\n", write_result.error.detail);
        return EXIT_FAILURE;
    }

    IpcEntry entry;
    const IpcChannelReadResult read_result = ipc_channel_read(channel, &entry);

    if (!IpcChannelReadResult_is_ok(read_result)) {
        fprintf(stderr, "read: %s\n", read_result.error.detail);
        return EXIT_FAILURE;
    }

    int received;

    memcpy(&received, entry.payload, sizeof(received));
    free(entry.payload);
    printf("Received: %d\n", received);

    const IpcChannelDestroyResult destroy_result = ipc_channel_destroy(channel);

    if (IpcChannelDestroyResult_is_error(destroy_result)) {
        fprintf(stderr, "destroy: %s\n", destroy_result.error.detail);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
