/* SPDX-License-Identifier: MIT */
/*
 * The public calls that end waits from outside. What they do, and why no such
 * call is lost, is in wait/wait.h.
 */
#include "answer.h"
#include "channel/channel.h"

IpcChannelInterruptResult ipc_channel_interrupt(IpcChannel *channel)
{
    if (!channel)
        return IpcChannelInterruptResult_error(IPC_ERR_INVALID_ARGUMENT,
                                               channel_null_handle);
    wait_interrupt(&channel->waiter);
    return IpcChannelInterruptResult_ok(IPC_OK);
}

IpcChannelClearInterruptResult ipc_channel_clear_interrupt(IpcChannel *channel)
{
    if (!channel)
        return IpcChannelClearInterruptResult_error(IPC_ERR_INVALID_ARGUMENT,
                                                    channel_null_handle);
    return IpcChannelClearInterruptResult_ok(
        IPC_OK, wait_clear_interrupt(&channel->waiter));
}
