/* SPDX-License-Identifier: MIT */
/*
 * The public calls of ipc_service.h for who serves.
 */
#include "answer.h"
#include "buffer/blame.h"
#include "service/door.h"
#include "service/server.h"
#include "wait/clock.h"

static const char null_service[] = "the service is NULL: open one first";

IpcServiceOpenResult ipc_service_open(const char *name,
                                      const IpcServiceOptions *options)
{
    struct IpcService *service = NULL;
    IpcOpenError body = {0};
    const char *detail = NULL;
    IpcStatus status = server_open(name, options, &service, &body, &detail);

    return ANSWER_WITH(IpcServiceOpenResult, status, service, detail, body);
}

static const char *receive_detail(IpcStatus status,
                                  const struct timespec *timeout)
{
    switch (status) {
    case IPC_ERR_INVALID_ARGUMENT:
        return clock_timeout_is_valid(timeout)
                   ? null_service
                   : "the timeout is negative or has a tv_nsec out of range";
    case IPC_ERR_TIMEOUT:
        return "the time passed before a request came";
    case IPC_ERR_CLOSED:
        return "the service was closed, and all requests were received";
    case IPC_ERR_INTERRUPTED:
        return "the wait was ended by ipc_service_interrupt";
    case IPC_ERR_ALLOCATION:
        return "malloc failed: no memory for a request";
    case IPC_ERR_OWNERS_FULL:
        return handle_owners_full;
    case IPC_ERR_FORMATTED_ANEW:
        return handle_formatted_anew;
    default:
        return "the channel of requests is damaged";
    }
}

IpcServiceReceiveResult ipc_service_receive(IpcService *service,
                                            const struct timespec *timeout)
{
    IpcServiceError body = {0};
    struct request *request = NULL;
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;

    if (service && clock_timeout_is_valid(timeout))
        status = server_receive(service, clock_until(timeout), &request);
    if (status == IPC_OK)
        return IpcServiceReceiveResult_ok(IPC_OK, &request->shown);
    return IpcServiceReceiveResult_error_body(
        status, receive_detail(status, timeout), body);
}

static const char *answer_detail(IpcStatus status)
{
    switch (status) {
    case IPC_ERR_INVALID_ARGUMENT:
        return "the service, the request or the data is NULL, or the request "
               "was answered already";
    case IPC_ERR_CONSUMERS_DEAD:
        return "the client has died";
    case IPC_ERR_CLOSED:
        return "the client has left";
    case IPC_ERR_NOT_FOUND:
        return "there is no channel for the client's answers: it has left or "
               "died, or the request is forged";
    case IPC_ERR_NOT_FORMATTED:
        return "what should be the client's channel is something else";
    case IPC_ERR_ENTRY_TOO_LARGE:
        return "the answer is above error.body.limit, the largest that the "
               "client has room for (size in its IpcClientOptions)";
    case IPC_ERR_NO_SPACE_CONTIGUOUS:
        return "the client does not collect its answers, and has no room for "
               "this one";
    case IPC_ERR_OWNERS_FULL:
        return "options.max_clients clients are served, or too many processes "
               "serve this one";
    case IPC_ERR_ALLOCATION:
        return "malloc failed: no memory for one more client";
    default:
        return "the client's channel could not be opened or written: see "
               "ipc_channel_open for the status, and sys_errno";
    }
}

static IpcServiceAnswerResult end(IpcService *service, IpcRequest *request,
                                  IpcStatus with, const void *data, size_t size)
{
    IpcServiceError body = {0};
    IpcStatus status = IPC_ERR_INVALID_ARGUMENT;

    if (service && request && (data || size == 0))
        /* The first member of it. */
        status = server_end(service, (struct request *)(void *)request, with,
                            data, size, &body);
    return ANSWER(IpcServiceAnswerResult, status, answer_detail(status), body);
}

IpcServiceAnswerResult ipc_service_answer(IpcService *service,
                                          IpcRequest *request, const void *data,
                                          size_t size)
{
    return end(service, request, IPC_OK, data, size);
}

IpcServiceAnswerResult ipc_service_refuse(IpcService *service,
                                          IpcRequest *request)
{
    return end(service, request, IPC_ERR_CANCELLED, NULL, 0);
}

bool ipc_service_is_wanted(IpcService *service, const IpcRequest *request)
{
    return service && request &&
           server_is_wanted(service,
                            (const struct request *)(const void *)request);
}

IpcServiceInterruptResult ipc_service_interrupt(IpcService *service)
{
    if (!service)
        return IpcServiceInterruptResult_error(IPC_ERR_INVALID_ARGUMENT,
                                               null_service);
    server_interrupt(service);
    return IpcServiceInterruptResult_ok(IPC_OK);
}

IpcServiceFdResult ipc_service_fd(IpcService *service)
{
    IpcServiceError body = {0};
    IpcChannelFdResult r;

    if (!service)
        return IpcServiceFdResult_error(IPC_ERR_INVALID_ARGUMENT, null_service);
    r = ipc_channel_fd(service->requests);
    if (r.ipc_status == IPC_OK)
        return IpcServiceFdResult_ok(IPC_OK, r.result);
    body.sys_errno = r.error.body.sys_errno;
    return IpcServiceFdResult_error_body(r.ipc_status, r.error.detail, body);
}

IpcChannel *ipc_service_channel(IpcService *service)
{
    return service ? service->requests : NULL;
}

IpcServiceStatsResult ipc_service_stats(IpcService *service,
                                        IpcServiceStats *dest)
{
    IpcServiceError body = {.limit = sizeof *dest};

    if (!service || !dest)
        return IpcServiceStatsResult_error(
            IPC_ERR_INVALID_ARGUMENT,
            service ? "dest is NULL: pass a struct to be filled"
                    : null_service);
    if (dest->struct_size < sizeof *dest)
        return IpcServiceStatsResult_error_body(
            IPC_ERR_TOO_SMALL,
            "struct_size is too small: set it to sizeof(IpcServiceStats)",
            body);
    server_figures(service, dest);
    return IpcServiceStatsResult_ok(IPC_OK);
}

IpcServiceCloseResult ipc_service_close(IpcService *service)
{
    IpcStatus status;

    if (!service)
        return IpcServiceCloseResult_error(IPC_ERR_INVALID_ARGUMENT,
                                           null_service);
    status = door_close(service->requests);
    if (status == IPC_OK)
        return IpcServiceCloseResult_ok(IPC_OK);
    return IpcServiceCloseResult_error(status, handle_formatted_anew);
}

IpcServiceDestroyResult ipc_service_destroy(IpcService *service)
{
    if (!service)
        return IpcServiceDestroyResult_error(IPC_ERR_INVALID_ARGUMENT,
                                             null_service);
    server_destroy(service);
    return IpcServiceDestroyResult_ok(IPC_OK);
}
