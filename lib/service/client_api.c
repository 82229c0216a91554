/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_service.h for who calls.
 */
#include "answer.h"
#include "service/client.h"
#include "wait/clock.h"

static const char null_client[] = "the client is NULL: open one first";
static const char foreign[] =
    "the client belongs to the process that opened it: a forked child has to "
    "open its own";

IpcClientOpenResult ipc_client_open(const char *name,
                                    const IpcClientOptions *options)
{
    struct IpcClient *client = NULL;
    IpcOpenError body = {0};
    const char *detail = NULL;
    IpcStatus status = client_open(name, options, &client, &body, &detail);

    return ANSWER_WITH(IpcClientOpenResult, status, client, detail, body);
}

static const char *detail_of(IpcStatus status)
{
    switch (status) {
    case IPC_ERR_TIMEOUT:
        return "the deadline passed; the server may still carry the call out";
    case IPC_ERR_SERVER_DEAD:
        return "nobody serves (any more), or who had the call has died; it "
               "may have been carried out. The next call connects anew";
    case IPC_ERR_CLOSED:
        return "the service was closed before the call was answered";
    case IPC_ERR_CANCELLED:
        return "the server refused the call, or it was cancelled";
    case IPC_ERR_TOO_SMALL:
        return "the answer needs error.body.required_size: collect "
               "error.body.call with more room, or cancel it";
    case IPC_ERR_INTERRUPTED:
        return "the wait was ended by ipc_client_interrupt; the call goes on";
    case IPC_ERR_ENTRY_TOO_LARGE:
        return "the request is above error.body.required_size, or the answer, "
               "of that size, had no room: more size in the IpcServiceOptions "
               "or the IpcClientOptions";
    case IPC_ERR_NO_SPACE_CONTIGUOUS:
        return "there was no room for the answer, which is lost: collect "
               "sooner, or give more (size in the IpcClientOptions)";
    case IPC_ERR_ALLOCATION:
        return "malloc failed: no memory for the answer, which is lost";
    case IPC_ERR_OWNERS_FULL:
        return "too many processes call this service: raise max_clients in "
               "the IpcServiceOptions";
    default:
        return "a channel is damaged, or could not be opened: see "
               "ipc_channel_open for the status, and sys_errno";
    }
}

/* What is wrong with arguments, or NULL. */
static const char *blame(const IpcClient *client, const void *data, size_t size,
                         const void *dest, const struct timespec *timeout)
{
    if (!client)
        return null_client;
    if (!data && size > 0)
        return "data is NULL: pass the request, or a size of 0";
    if (!dest)
        return "dest is NULL: pass where the answer is to go";
    if (!clock_timeout_is_valid(timeout))
        return "the timeout is negative or has a tv_nsec out of range";
    return NULL;
}

/* IPC_OK: the call can be made. */
static IpcStatus check(const IpcClient *client, const char *why,
                       struct client_error *error)
{
    error->detail = why;
    if (why)
        return IPC_ERR_INVALID_ARGUMENT;
    if (client_is_ours(client))
        return IPC_OK;
    error->detail = foreign;
    return IPC_ERR_ILLEGAL_STATE;
}

static const char *detail_in(const struct client_error *error, IpcStatus status)
{
    return error->detail ? error->detail : detail_of(status);
}

IpcClientCallResult ipc_client_call(IpcClient *client, const void *data,
                                    size_t size, IpcAnswer *dest,
                                    const struct timespec *timeout)
{
    struct client_error error = {0};
    IpcStatus status =
        check(client, blame(client, data, size, dest, timeout), &error);

    if (status == IPC_OK)
        status = client_call(client, data, size, clock_after_timeout(timeout),
                             dest, &error);
    return ANSWER(IpcClientCallResult, status, detail_in(&error, status),
                  error.body);
}

IpcClientSendResult ipc_client_send(IpcClient *client, const void *data,
                                    size_t size, const struct timespec *timeout)
{
    struct client_error error = {0};
    IpcCall call = 0;
    IpcStatus status =
        check(client, blame(client, data, size, &call, timeout), &error);

    if (status == IPC_OK)
        status = client_send(client, data, size, clock_after_timeout(timeout),
                             &call, &error);
    return ANSWER_WITH(IpcClientSendResult, status, call,
                       detail_in(&error, status), error.body);
}

static IpcClientCollectResult collected(IpcStatus status,
                                        const struct client_error *error)
{
    if (status == IPC_EMPTY)
        return IpcClientCollectResult_error(status, "no answer is there yet");
    return ANSWER(IpcClientCollectResult, status, detail_in(error, status),
                  error->body);
}

IpcClientCollectResult ipc_client_collect(IpcClient *client, IpcCall call,
                                          IpcAnswer *dest,
                                          const struct timespec *wait)
{
    struct client_error error = {0};
    IpcStatus status =
        check(client, blame(client, NULL, 0, dest, wait), &error);

    if (status == IPC_OK)
        status = client_collect(client, call, dest, clock_until(wait), &error);
    return collected(status, &error);
}

IpcClientCollectResult ipc_client_collect_any(IpcClient *client,
                                              IpcAnswer *dest,
                                              const struct timespec *wait)
{
    struct client_error error = {0};
    IpcStatus status =
        check(client, blame(client, NULL, 0, dest, wait), &error);

    if (status == IPC_OK)
        status = client_collect_any(client, dest, clock_until(wait), &error);
    return collected(status, &error);
}

IpcClientCancelResult ipc_client_cancel(IpcClient *client, IpcCall call)
{
    struct client_error error = {0};
    IpcStatus status = check(client, client ? NULL : null_client, &error);

    if (status == IPC_OK) {
        status = client_cancel(client, call);
        error.detail = "no such call is under way: it was collected or "
                       "cancelled, or is another client's";
    }
    return ANSWER(IpcClientCancelResult, status, error.detail, error.body);
}

IpcClientInterruptResult ipc_client_interrupt(IpcClient *client)
{
    struct client_error error = {0};
    IpcStatus status = check(client, client ? NULL : null_client, &error);

    if (status == IPC_OK)
        client_interrupt(client);
    return ANSWER(IpcClientInterruptResult, status, error.detail, error.body);
}

IpcClientFdResult ipc_client_fd(IpcClient *client)
{
    struct client_error error = {0};
    IpcStatus status = check(client, client ? NULL : null_client, &error);
    IpcChannel *answers = status == IPC_OK ? client_answers(client) : NULL;
    IpcChannelFdResult r;

    if (status == IPC_OK && !answers) {
        error.detail = "the client is not connected: its next call connects";
        status = IPC_ERR_ILLEGAL_STATE;
    }
    if (status != IPC_OK)
        return IpcClientFdResult_error_body(status, error.detail, error.body);
    r = ipc_channel_fd(answers);
    if (r.ipc_status == IPC_OK)
        return IpcClientFdResult_ok(IPC_OK, r.result);
    error.body.sys_errno = r.error.body.sys_errno;
    return IpcClientFdResult_error_body(r.ipc_status, r.error.detail,
                                        error.body);
}

IpcChannel *ipc_client_channel(IpcClient *client)
{
    return client && client_is_ours(client) ? client_answers(client) : NULL;
}

IpcClientDestroyResult ipc_client_destroy(IpcClient *client)
{
    if (!client)
        return IpcClientDestroyResult_error(IPC_ERR_INVALID_ARGUMENT,
                                            null_client);
    client_destroy(client);
    return IpcClientDestroyResult_ok(IPC_OK);
}
