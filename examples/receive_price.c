/* SPDX-License-Identifier: MIT */
/*
 * By a name, started in any order: this one waits for a price and prints it.
 * The other one is send_price.c.
 *
 *     cc receive_price.c $(pkg-config --cflags --libs shmipc)
 */
#include <shmipc/ipc_open.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    IpcChannelOpenResult opened = ipc_channel_open("/prices", NULL);
    IpcEntry price;

    if (IpcChannelOpenResult_is_error(opened))
        return fprintf(stderr, "open: %s\n", opened.error.detail), 1;
    IpcChannelReadResult got = ipc_channel_read_blocking(opened.result, &price);
    if (IpcChannelReadResult_is_error(got))
        return fprintf(stderr, "receive: %s\n", got.error.detail), 1;
    puts((const char *)price.payload);
    free(price.payload);
    ipc_channel_destroy(opened.result);
}
