/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_subscribe.h for buffers.
 */
#include "answer.h"
#include "buffer/subscribe.h"

IpcBufferSubscribeResult
ipc_buffer_subscribe(IpcBuffer *buffer, const IpcSubscription *subscription)
{
    IpcSubscribeError body = {0};
    const char *detail = NULL;
    IpcStatus status =
        subscribe_begin(buffer, subscription, &detail, &body.value);

    return ANSWER(IpcBufferSubscribeResult, status, detail, body);
}

IpcBufferUnsubscribeResult ipc_buffer_unsubscribe(IpcBuffer *buffer)
{
    IpcSubscribeError body = {0};
    const char *detail = NULL;
    IpcStatus status = subscribe_end(buffer, &detail);

    return ANSWER(IpcBufferUnsubscribeResult, status, detail, body);
}

IpcBufferSubscribersResult ipc_buffer_subscribers(const IpcBuffer *buffer,
                                                  IpcSubscriber *subscribers,
                                                  size_t room)
{
    size_t count;
    IpcStatus status = subscribe_list(buffer, subscribers, room, &count);
    IpcSubscribersError body = {SUBSCRIBERS_SIZE_0_1};

    return ANSWER_WITH(IpcBufferSubscribersResult, status, count,
                       subscribe_list_detail(buffer, status), body);
}
