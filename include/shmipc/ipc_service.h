/* SPDX-License-Identifier: MIT */
/*
 * libshmipc: request and response. A service has a name; clients call it, and
 * each gets its own answers.
 *
 *     IpcServiceOpenResult opened = ipc_service_open("/quotes", NULL);
 *     for (;;) {
 *         IpcServiceReceiveResult r = ipc_service_receive(opened.result, NULL);
 *         if (IpcServiceReceiveResult_is_error(r))
 *             break;
 *         ... r.result->payload, r.result->size ...
 *         ipc_service_answer(opened.result, r.result, &answer, sizeof answer);
 *     }
 *
 *     IpcClientOpenResult client = ipc_client_open("/quotes", NULL);
 *     IpcAnswer answer = {.payload = &quote, .size = sizeof quote};
 *     IpcClientCallResult called = ipc_client_call(
 *         client.result, "ACME", 4, &answer, &a_second);
 *
 * It is made of channels: one by the service's name, into which all clients
 * write, and one for the answers of each client, by that name, a dot and 16 hex
 * digits, which the client makes and removes. The server makes the digits from
 * a number, so that no request can name a file. If a client dies, a server
 * removes its channel; if they all die, `shmipc prune` does.
 *
 * Death. A call learns within 100 ms that no process serves any more, and
 * within 10 ms if the client spins that long (`spin_ns`): IPC_ERR_SERVER_DEAD,
 * or IPC_ERR_CLOSED if the service was closed in good order. The call may have
 * been carried out or not. The next call connects to whoever serves then. Where
 * several processes serve and one of them dies, calls that it may have had are
 * IPC_ERR_SERVER_DEAD, too; what nobody had taken yet is served by the others.
 * A call is never carried out by a server that was started after the last one
 * had died.
 *
 * Order. Requests are received in the order in which they were sent, those of
 * one thread in the order of its calls. Answers may be given in any order. They
 * find their calls by numbers that are not used twice; what comes after the
 * deadline or a cancellation is dropped.
 *
 * Threads and processes. Any number of threads may use one handle of a client
 * or a service at the same time, but for the destroy calls, which must be the
 * last. (The fastest is a client's handle for each thread.) Several processes
 * may open, or inherit over fork(), the same service, and each request is
 * received by one of them; a process opens a service once. A client's handle
 * belongs to the process that opened it: in a forked child all calls but
 * ipc_client_destroy are IPC_ERR_ILLEGAL_STATE. Fork while no other thread is
 * in a call with a handle that the child is to use.
 *
 * IPC_ERR_INVALID_ARGUMENT, IPC_ERR_CORRUPTED and IPC_ERR_FORMATTED_ANEW are as
 * in ipc_channel.h. No call is a cancellation point.
 */
#ifndef SHMIPC_IPC_SERVICE_H
#define SHMIPC_IPC_SERVICE_H

#include <shmipc/ipc_channel.h>
#include <shmipc/ipc_open.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a process serves by. */
typedef struct IpcService IpcService;

/** What a process calls by. */
typedef struct IpcClient IpcClient;

/** Names a call of one client; never 0, never used twice. */
typedef uint64_t IpcCall;

/** A request that was received. It is the service's, and over with
 * ipc_service_answer or ipc_service_refuse. */
typedef struct IpcRequest {
    /** Aligned to 16. The memory may be written to. */
    void *payload;
    size_t size;
    /** A random number that stands for the client's connection. */
    uint64_t client;
    IpcCall call;
    /** On the monotonic clock, ns; INT64_MAX: never. */
    int64_t deadline_ns;
} IpcRequest;

/** An answer. The caller says where to (`payload`) and how much room there is
 * (`size`), or NULL, for memory from malloc, which the caller frees. Both and
 * `call` are set on IPC_OK, and untouched else. */
typedef struct IpcAnswer {
    void *payload;
    size_t size;
    IpcCall call;
} IpcAnswer;

/** How to serve. Set `struct_size` to sizeof(IpcServiceOptions) and the rest to
 * zero for the defaults. */
typedef struct IpcServiceOptions {
    size_t struct_size;
    /** IPC_OPEN_EXCLUSIVE: nobody else may serve; IPC_OPEN_GROUP,
     * IPC_OPEN_ANY_OWNER (for the service's and the clients' channels),
     * IPC_OPEN_HUGE_PAGES, IPC_OPEN_PREFAULT, IPC_OPEN_LOCK_MEMORY. */
    uint32_t flags;
    /** Permission bits, as in IpcOpenOptions; 0 means 0600. Clients have to
     * write. */
    uint32_t mode;
    /** Bytes of requests that can wait, each with 32 bytes of its own; so the
     * largest one, too. 0 means 1 MiB. */
    uint64_t size;
    /** How long to wait for another process that is just opening or leaving
     * the service, ns; 0 means one second. */
    uint64_t timeout_ns;
    /** How long an answer waits for space, ns, if the client does not collect
     * what it called for; 0 means 10 ms, UINT64_MAX not at all. */
    uint64_t patience_ns;
    /** With IPC_OPEN_GROUP: one of the caller's groups. */
    uint32_t group;
    /** Connections that are served at the same time, at most 4000; 0 means
     * 256. */
    uint32_t max_clients;
    /** An IpcWait, and how long to try before a sleep, ns, as in
     * IpcChannelConfiguration. */
    uint32_t wait;
    uint32_t spin_ns;
    uint64_t reserved[4];
} IpcServiceOptions;

/** How to call. Set `struct_size` to sizeof(IpcClientOptions) and the rest to
 * zero for the defaults. */
typedef struct IpcClientOptions {
    size_t struct_size;
    /** IPC_OPEN_GROUP, IPC_OPEN_ANY_OWNER, IPC_OPEN_HUGE_PAGES,
     * IPC_OPEN_PREFAULT, IPC_OPEN_LOCK_MEMORY. */
    uint32_t flags;
    /** Permission bits of the channel for answers, into which the server has to
     * write; 0 means 0600. */
    uint32_t mode;
    /** Bytes of answers that can wait, each with 16 bytes of its own; so the
     * largest one, too; one above half of it may have to wait until the client
     * collects. 0 means 256 KiB. */
    uint64_t size;
    /** How long to wait for somebody who serves, ns; 0 means one second. */
    uint64_t timeout_ns;
    /** With IPC_OPEN_GROUP: one of the caller's groups. */
    uint32_t group;
    /** Calls that are sent and not collected, at most 4096; 0 means 1024. */
    uint32_t max_calls;
    /** As for a service. */
    uint32_t wait;
    uint32_t spin_ns;
    uint64_t reserved[4];
} IpcClientOptions;

/** What a process has served; set `struct_size` before. Bytes beyond what the
 * library knows are zeroed. */
typedef struct IpcServiceStats {
    size_t struct_size;
    /** Connections that this process knows. */
    uint64_t clients;
    /** Requests received, and answers that were delivered. */
    uint64_t received;
    uint64_t answered;
    /** Answers dropped: the client was gone, had no room, or they were too
     * large. */
    uint64_t dropped;
    /** Requests that were dropped since their deadline had passed. */
    uint64_t expired;
    /** What came and was no request. */
    uint64_t malformed;
} IpcServiceStats;

typedef struct IpcServiceError {
    /** errno of the system call that failed, or 0. */
    int sys_errno;
    uint32_t reserved;
    /** IPC_ERR_ENTRY_TOO_LARGE: the largest answer that this client can
     * take. IPC_ERR_TOO_SMALL: the smallest struct_size. */
    uint64_t limit;
} IpcServiceError;

typedef struct IpcClientError {
    /** errno of the system call that failed, or 0. */
    int sys_errno;
    uint32_t reserved;
    /** IPC_ERR_TOO_SMALL: what the answer needs. IPC_ERR_ENTRY_TOO_LARGE: the
     * largest request, or the size of the answer that did not fit. */
    uint64_t required_size;
    /** The call that this is about, or 0. */
    IpcCall call;
} IpcClientError;

IPC_RESULT(IpcServiceOpenResult, IpcService *, IpcOpenError)
IPC_RESULT(IpcServiceReceiveResult, IpcRequest *, IpcServiceError)
IPC_RESULT_UNIT(IpcServiceAnswerResult, IpcServiceError)
IPC_RESULT_UNIT(IpcServiceInterruptResult, IpcServiceError)
IPC_RESULT(IpcServiceFdResult, int, IpcServiceError)
IPC_RESULT_UNIT(IpcServiceStatsResult, IpcServiceError)
IPC_RESULT_UNIT(IpcServiceCloseResult, IpcServiceError)
IPC_RESULT_UNIT(IpcServiceDestroyResult, IpcServiceError)
IPC_RESULT(IpcClientOpenResult, IpcClient *, IpcOpenError)
IPC_RESULT_UNIT(IpcClientCallResult, IpcClientError)
IPC_RESULT(IpcClientSendResult, IpcCall, IpcClientError)
IPC_RESULT_UNIT(IpcClientCollectResult, IpcClientError)
IPC_RESULT_UNIT(IpcClientCancelResult, IpcClientError)
IPC_RESULT_UNIT(IpcClientInterruptResult, IpcClientError)
IPC_RESULT(IpcClientFdResult, int, IpcClientError)
IPC_RESULT_UNIT(IpcClientDestroyResult, IpcClientError)

/* ------------------------------------------------------------- serving */

/**
 * Serves by the name `name`, beside other processes that do. What those left
 * who served and died is not taken over: their clients have been told. NULL for
 * `options` means the defaults.
 *
 * IPC_OK: `result` is to be given to ipc_service_destroy.
 * IPC_ERR_EXISTS: with IPC_OPEN_EXCLUSIVE, and another process serves.
 * IPC_ERR_NOT_FORMATTED: of that name there is something else, or a channel
 * that is no service's. IPC_ERR_INITIALIZING: the time passed while another
 * process was opening or leaving the service.
 * IPC_ERR_INVALID_ARGUMENT: as for ipc_channel_open, also for a name that 17
 * characters more would make too long. The rest as for ipc_channel_open.
 *
 * Any thread. Allocates; blocks as file operations do, and at most the
 * timeout. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcServiceOpenResult
ipc_service_open(const char *name, const IpcServiceOptions *options);

/**
 * Waits for a request, for at most `timeout` from now (NULL: for ever; zero:
 * not at all).
 *
 * IPC_OK: `result` is the request, until it is answered or refused. A thread
 * may receive others meanwhile.
 * IPC_ERR_TIMEOUT: it passed. IPC_ERR_CLOSED: the service was closed, and all
 * requests were received. IPC_ERR_INTERRUPTED: ipc_service_interrupt was
 * called. IPC_ERR_INVALID_ARGUMENT: `service` is NULL, or the timeout is
 * negative or has a tv_nsec out of range. IPC_ERR_ALLOCATION: no memory; the
 * request stays. IPC_ERR_OWNERS_FULL: too many processes use the service.
 *
 * Requests whose deadline has passed, and what is no request, are dropped. The
 * call also looks now and then which clients have died. Blocks; allocates only
 * for more or larger requests at a time than ever before, and for a client that
 * is new. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcServiceReceiveResult
ipc_service_receive(IpcService *service, const struct timespec *timeout)
    IPC_TIME_("ipc_service_receive");

/**
 * Answers with `size` bytes, which may be 0, where `data` may be NULL. The
 * request is over, whatever is returned but IPC_ERR_INVALID_ARGUMENT.
 *
 * IPC_OK: the client has the answer, if it lives and still waits.
 * IPC_ERR_CONSUMERS_DEAD: the client has died. IPC_ERR_CLOSED: it has left.
 * IPC_ERR_NOT_FOUND: there is no channel for its answers (any more).
 * IPC_ERR_ENTRY_TOO_LARGE: the answer can never fit; the client is told so.
 * IPC_ERR_NO_SPACE_CONTIGUOUS: the client does not collect its answers; it will
 * be told that this one is lost.
 * IPC_ERR_OWNERS_FULL: more clients are served than `max_clients`, or too many
 * processes serve.
 * IPC_ERR_INVALID_ARGUMENT: a NULL, or the request is none.
 * The rest as for ipc_channel_open: the channel for its answers could not be
 * opened.
 *
 * Blocks for at most `patience_ns`, and the first time for each client as file
 * operations do. Allocates for a new client. Since 0.1.0.
 */
IPC_API IpcServiceAnswerResult ipc_service_answer(IpcService *service,
                                                  IpcRequest *request,
                                                  const void *data,
                                                  size_t size);

/**
 * Ends a request without an answer: its call is IPC_ERR_CANCELLED. Statuses as
 * for ipc_service_answer. Since 0.1.0.
 */
IPC_API IpcServiceAnswerResult ipc_service_refuse(IpcService *service,
                                                  IpcRequest *request);

/**
 * Whether somebody may still want the answer: the deadline has not passed, and
 * the client has neither left nor died. (Of a call that was cancelled the
 * service does not know.) For work that takes long. Makes system calls; any
 * thread; does not block. False for NULL. Since 0.1.0.
 */
IPC_API bool ipc_service_is_wanted(IpcService *service,
                                   const IpcRequest *request);

/**
 * Ends the receive that is in progress, or else the next one that has to wait,
 * with IPC_ERR_INTERRUPTED; once. From any thread, and from a signal handler.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: NULL. Does not block. Since 0.1.0.
 */
IPC_API IpcServiceInterruptResult ipc_service_interrupt(IpcService *service);

/**
 * A descriptor for an event loop that is readable when there may be a request;
 * ipc_channel_fd says the rest. When it is, receive with a timeout of zero
 * until that says IPC_ERR_TIMEOUT; and do so now and then, for the sake of
 * clients that died. Statuses as for ipc_channel_fd. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcServiceFdResult ipc_service_fd(IpcService *service);

/**
 * The channel that requests come by, the service's, to be put into a waitset
 * and for nothing else. NULL for NULL. Never blocks. Since 0.1.0.
 */
IPC_API IpcChannel *ipc_service_channel(IpcService *service);

/**
 * What this process has served through this handle. IPC_OK.
 * IPC_ERR_INVALID_ARGUMENT: a NULL. IPC_ERR_TOO_SMALL: `struct_size` is below
 * the size of the first release. Any thread; does not block but for other
 * threads of this process for a moment. Since 0.1.0.
 */
IPC_API IpcServiceStatsResult ipc_service_stats(IpcService *service,
                                                IpcServiceStats *dest);

/**
 * Ends the service, for all processes that serve: no more requests can be sent,
 * and the name is free for another. What was sent can still be received and
 * answered, until receive says IPC_ERR_CLOSED.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: NULL. IPC_ERR_FORMATTED_ANEW: as in
 * ipc_channel.h. Any thread; blocks as file operations do. Since 0.1.0.
 */
IPC_API IpcServiceCloseResult ipc_service_close(IpcService *service);

/**
 * Releases the handle. Requests that were received through it and not answered
 * fail with IPC_ERR_CLOSED. The last process that serves closes the service;
 * requests that are still waiting fail likewise, and nothing is left behind.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: NULL. No other thread may be using the
 * handle. Blocks as file operations do. Since 0.1.0.
 */
IPC_API IpcServiceDestroyResult ipc_service_destroy(IpcService *service);

/* -------------------------------------------------------------- calling */

/**
 * Connects to the service `name`, when somebody serves or begins to, within
 * `timeout_ns`. NULL for `options` means the defaults.
 *
 * IPC_OK: `result` is to be given to ipc_client_destroy.
 * IPC_ERR_NOT_FOUND: nobody serves. IPC_ERR_NOT_FORMATTED: of that name there
 * is something else, or a channel that is no service's.
 * IPC_ERR_TIMEOUT: requests wait for those who serve, and there is no space for
 * one more. IPC_ERR_OWNERS_FULL: too many processes call.
 * IPC_ERR_INVALID_ARGUMENT: as for ipc_service_open. The rest as for
 * ipc_channel_open. Any thread. Allocates; blocks. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcClientOpenResult
ipc_client_open(const char *name, const IpcClientOptions *options);

/**
 * Sends `size` bytes, which may be 0, where `data` may be NULL, and waits for
 * the answer, both for at most `timeout` from now (NULL: for as long as
 * somebody serves).
 *
 * IPC_OK: the answer is in `dest`.
 * IPC_ERR_TIMEOUT: it passed. IPC_ERR_SERVER_DEAD, IPC_ERR_CLOSED: nobody
 * serves any more, or the one who had the call has died; or, from the
 * beginning, nobody does, and nobody came within the client's `timeout_ns`.
 * IPC_ERR_CANCELLED: the server refused it, or another thread cancelled it.
 * IPC_ERR_TOO_SMALL: the answer needs the body's `required_size`; it can be
 * had by ipc_client_collect with the body's `call`, or cancelled.
 * IPC_ERR_INTERRUPTED: ipc_client_interrupt was called; the same holds for the
 * body's `call` if that is not 0.
 * IPC_ERR_ENTRY_TOO_LARGE: the request can never fit (`required_size` is the
 * largest), or the answer did not (`required_size` is its size).
 * IPC_ERR_NO_SPACE_CONTIGUOUS: there was no space for the answer, or
 * `max_calls` calls are not collected.
 * IPC_ERR_ALLOCATION: no memory for the answer, which is lost.
 * IPC_ERR_INVALID_ARGUMENT: a NULL, or the timeout is none.
 * IPC_ERR_ILLEGAL_STATE: the client is a parent's.
 * To connect anew may fail as ipc_client_open does.
 *
 * Blocks. Allocates only as `dest` says, for answers that come while another is
 * waited for, and to connect anew. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcClientCallResult ipc_client_call(
    IpcClient *client, const void *data, size_t size, IpcAnswer *dest,
    const struct timespec *timeout) IPC_TIME_("ipc_client_call");

/**
 * Sends, and does not wait for the answer: `timeout` is for that, too. Waits
 * for space if there is none.
 *
 * IPC_OK: `result` names the call, which is to be collected or cancelled. Else
 * it was not sent: statuses as for ipc_client_call. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcClientSendResult
ipc_client_send(IpcClient *client, const void *data, size_t size,
                const struct timespec *timeout) IPC_TIME_("ipc_client_send");

/**
 * Waits for the answer of a call, for at most `wait` from now (NULL: until the
 * call's deadline; zero: not at all).
 *
 * IPC_OK: it is in `dest`. IPC_EMPTY: there is none yet; the call goes on.
 * IPC_ERR_TIMEOUT: the call's deadline passed. IPC_ERR_TOO_SMALL,
 * IPC_ERR_INTERRUPTED: the call can be collected again.
 * IPC_ERR_INVALID_ARGUMENT: a NULL, the timeout is none, or no such call is
 * under way. The rest as for ipc_client_call: the call is over. One thread at a
 * time collects a call. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcClientCollectResult
ipc_client_collect(IpcClient *client, IpcCall call, IpcAnswer *dest,
                   const struct timespec *wait) IPC_TIME_("ipc_client_collect");

/**
 * The same for whichever call is over first; `dest->call`, or after an error
 * the body's `call`, says which. IPC_EMPTY also, at once, if none is under way.
 * Where another thread collects a call that one is not meant. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcClientCollectResult ipc_client_collect_any(
    IpcClient *client, IpcAnswer *dest, const struct timespec *wait)
    IPC_TIME_("ipc_client_collect_any");

/**
 * Gives a call up. Who waits for it gets IPC_ERR_CANCELLED, and its answer is
 * dropped. The server is not told, and may carry it out.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: NULL, or no such call is under way.
 * IPC_ERR_ILLEGAL_STATE: the client is a parent's. Any thread; does not block.
 * Since 0.1.0.
 */
IPC_API IpcClientCancelResult ipc_client_cancel(IpcClient *client,
                                                IpcCall call);

/**
 * Ends a wait of this client that is in progress, or else the next one, with
 * IPC_ERR_INTERRUPTED; once. From any thread, not from a signal handler.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: NULL. IPC_ERR_ILLEGAL_STATE: the client is
 * a parent's. Does not block. Since 0.1.0.
 */
IPC_API IpcClientInterruptResult ipc_client_interrupt(IpcClient *client);

/**
 * A descriptor for an event loop that is readable when there may be an answer;
 * ipc_channel_fd says the rest. When it is, collect with a wait of zero until
 * that says IPC_EMPTY; and do so now and then, for the sake of deadlines and of
 * a server that died. A client that connected anew has another one, and the old
 * one is closed: ask after each IPC_ERR_SERVER_DEAD and IPC_ERR_CLOSED, when
 * the next call was sent.
 *
 * Statuses as for ipc_channel_fd, and IPC_ERR_ILLEGAL_STATE: the client is a
 * parent's, or not connected. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcClientFdResult ipc_client_fd(IpcClient *client);

/**
 * The channel that answers come by, the client's, to be put into a waitset and
 * for nothing else; the thread that waits must be the one that collects. A
 * client that connected anew has another one; the old one has left the waitset.
 * NULL for NULL, and if the client is not connected. Since 0.1.0.
 */
IPC_API IpcChannel *ipc_client_channel(IpcClient *client);

/**
 * Releases the handle and removes the channel for its answers. Calls that are
 * under way are given up.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: NULL. No other thread may be using the
 * handle. Blocks as file operations do. Since 0.1.0.
 */
IPC_API IpcClientDestroyResult ipc_client_destroy(IpcClient *client);

#ifdef __cplusplus
}
#endif
#endif
