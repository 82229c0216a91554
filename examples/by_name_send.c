/* SPDX-License-Identifier: MIT */
/*
 * By name, in any order: this one sends, examples/by_name_receive.c receives.
 * Either may be started first, be killed, and be started again:
 *
 *     by_name_send NAME TEXT...
 */
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    IpcChannelOpenResult opened = ipc_channel_open(argv[1], NULL);

    if (IpcChannelOpenResult_is_error(opened)) {
        fprintf(stderr, "open: %s\n", opened.error.detail);
        return 1;
    }
    for (int i = 2; i < argc; i++) {
        IpcChannelWriteResult written =
            ipc_channel_write_blocking(opened.result, argv[i], strlen(argv[i]));

        if (IpcChannelWriteResult_is_error(written)) {
            fprintf(stderr, "write: %s\n", written.error.detail);
            return 1;
        }
    }
    return IpcChannelDestroyResult_is_error(ipc_channel_destroy(opened.result));
}
