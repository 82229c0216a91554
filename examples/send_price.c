/* SPDX-License-Identifier: MIT */
/*
 * By a name, started in any order: this one sends a price. The other one,
 * receive_price.c, waits for it, or finds it there.
 *
 *     cc send_price.c $(pkg-config --cflags --libs shmipc)
 */
#include <shmipc/ipc_open.h>
#include <stdio.h>

int main(void)
{
    IpcChannelOpenResult opened = ipc_channel_open("/prices", NULL);

    if (IpcChannelOpenResult_is_error(opened))
        return fprintf(stderr, "open: %s\n", opened.error.detail), 1;
    IpcChannelWriteResult sent =
        ipc_channel_write_blocking(opened.result, "42.17", 6);
    if (IpcChannelWriteResult_is_error(sent))
        return fprintf(stderr, "send: %s\n", sent.error.detail), 1;
    ipc_channel_destroy(opened.result);
}
