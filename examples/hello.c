/* SPDX-License-Identifier: MIT */
/*
 * The smallest program: a channel on the stack, one message through it.
 *
 *     cc hello.c $(pkg-config --cflags --libs shmipc)
 */
#include <shmipc/ipc_channel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    uint8_t mem[1024];
    const IpcChannelConfiguration configuration = {
        .max_round_trips = 128, .start_sleep_ns = 1000, .max_sleep_ns = 100000};

    IpcChannelResult created =
        ipc_channel_create(mem, sizeof(mem), configuration);
    if (IpcChannelResult_is_error(created)) {
        fprintf(stderr, "create: %s\n", created.error.detail);
        return 1;
    }
    IpcChannel *channel = created.result;

    const int sent = 123;
    IpcChannelWriteResult written =
        ipc_channel_write(channel, &sent, sizeof(sent));
    if (IpcChannelWriteResult_is_error(written)) {
        fprintf(stderr, "write: %s\n", written.error.detail);
        return 1;
    }

    IpcEntry entry;
    IpcChannelReadResult read = ipc_channel_read(channel, &entry);
    if (IpcChannelReadResult_has_entry(read)) {
        int received;

        memcpy(&received, entry.payload, sizeof(received));
        free(entry.payload);
        printf("Received: %d\n", received);
    } else {
        fprintf(stderr, "read: %s\n", read.error.detail);
        return 1;
    }

    IpcChannelDestroyResult destroyed = ipc_channel_destroy(channel);
    if (IpcChannelDestroyResult_is_error(destroyed)) {
        fprintf(stderr, "destroy: %s\n", destroyed.error.detail);
        return 1;
    }
    return 0;
}
