/* SPDX-License-Identifier: MIT */
/*
 * By name, in any order: prints what examples/by_name_send.c sends, a line
 * each, until a message says "end"; then it removes the name.
 *
 *     by_name_receive NAME
 */
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether there is more to come; -1: something is wrong. */
static int print_next(IpcChannel *channel)
{
    IpcEntry entry;
    IpcChannelReadResult read = ipc_channel_read_blocking(channel, &entry);
    int more;

    if (IpcChannelReadResult_is_error(read)) {
        fprintf(stderr, "read: %s\n", read.error.detail);
        return -1;
    }
    more = entry.size != 3 || memcmp(entry.payload, "end", 3) != 0;
    if (more)
        printf("%.*s\n", (int)entry.size, (char *)entry.payload);
    free(entry.payload);
    return more;
}

int main(int argc, char **argv)
{
    IpcChannelOpenResult opened =
        ipc_channel_open(argc == 2 ? argv[1] : NULL, NULL);
    int more;

    if (IpcChannelOpenResult_is_error(opened)) {
        fprintf(stderr, "open: %s\n", opened.error.detail);
        return 1;
    }
    while ((more = print_next(opened.result)) > 0)
        continue;
    if (IpcChannelUnlinkResult_is_error(ipc_channel_unlink(argv[1])) ||
        IpcChannelDestroyResult_is_error(ipc_channel_destroy(opened.result)))
        return 1;
    return more < 0;
}
