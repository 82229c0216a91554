/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_subscribe.h for channels.
 */
#include "answer.h"
#include "buffer/subscribe.h"
#include "channel/channel.h"

IpcChannelSubscribeResult
ipc_channel_subscribe(IpcChannel *channel, const IpcSubscription *subscription)
{
    IpcSubscribeError body = {0};
    const char *detail = NULL;
    IpcStatus status = subscribe_begin(channel_buffer(channel), subscription,
                                       &detail, &body.value);

    return ANSWER(IpcChannelSubscribeResult, status, detail, body);
}

IpcChannelUnsubscribeResult ipc_channel_unsubscribe(IpcChannel *channel)
{
    IpcSubscribeError body = {0};
    const char *detail = NULL;
    IpcStatus status = subscribe_end(channel_buffer(channel), &detail);

    if (status == IPC_OK)
        wait_notify_rarely(&channel->waiter, WAIT_WRITERS);
    return ANSWER(IpcChannelUnsubscribeResult, status, detail, body);
}

IpcChannelSubscribersResult ipc_channel_subscribers(const IpcChannel *channel,
                                                    IpcSubscriber *subscribers,
                                                    size_t room)
{
    size_t count;
    IpcStatus status = subscribe_list(channel ? &channel->buffer : NULL,
                                      subscribers, room, &count);
    IpcSubscribersError body = {SUBSCRIBERS_SIZE_0_1};

    return ANSWER_WITH(
        IpcChannelSubscribersResult, status, count,
        subscribe_list_detail(channel ? &channel->buffer : NULL, status), body);
}
