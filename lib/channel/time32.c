/* SPDX-License-Identifier: MIT */
/*
 * The calls that take a timeout, for 32-bit programs whose time_t has 32 bits.
 * The library is built with 64; IPC_TIME_ in ipc_channel_types.h says who gets
 * which. Only in builds where there are both.
 */
#include <shmipc/ipc_acknowledge.h>
#include <shmipc/ipc_batch.h>
#include <shmipc/ipc_channel.h>
#include <shmipc/ipc_newest.h>
#include <shmipc/ipc_service.h>
#include <shmipc/ipc_waitset.h>

/* The program's struct timespec. */
struct time32 {
    int32_t tv_sec;
    int32_t tv_nsec;
};

_Static_assert(sizeof(time_t) == 8, "the library's own time_t is the wide one");
_Static_assert(sizeof(struct time32) == 8, "as the program has it");

/* NULL for NULL. */
static const struct timespec *widen(const struct time32 *from,
                                    struct timespec *to)
{
    if (!from)
        return NULL;
    *to = (struct timespec){.tv_sec = from->tv_sec, .tv_nsec = from->tv_nsec};
    return to;
}

IPC_API IpcChannelWriteResult time32_write(
    IpcChannel *channel, const void *data, size_t size,
    const struct time32 *timeout) __asm__("ipc_channel_write_with_timeout");
IpcChannelWriteResult time32_write(IpcChannel *channel, const void *data,
                                   size_t size, const struct time32 *timeout)
{
    return ipc_channel_write_with_timeout(
        channel, data, size, widen(timeout, &(struct timespec){0}));
}

IPC_API IpcChannelWriteResult time32_writev(
    IpcChannel *channel, const struct iovec *pieces, int count,
    const struct time32 *timeout) __asm__("ipc_channel_writev_with_timeout");
IpcChannelWriteResult time32_writev(IpcChannel *channel,
                                    const struct iovec *pieces, int count,
                                    const struct time32 *timeout)
{
    return ipc_channel_writev_with_timeout(
        channel, pieces, count, widen(timeout, &(struct timespec){0}));
}

IPC_API IpcChannelReserveResult time32_reserve(
    IpcChannel *channel, size_t size, IpcReservation *dest,
    const struct time32 *timeout) __asm__("ipc_channel_reserve_with_timeout");
IpcChannelReserveResult time32_reserve(IpcChannel *channel, size_t size,
                                       IpcReservation *dest,
                                       const struct time32 *timeout)
{
    return ipc_channel_reserve_with_timeout(
        channel, size, dest, widen(timeout, &(struct timespec){0}));
}

IPC_API IpcChannelReadWithTimeoutResult time32_read(
    IpcChannel *channel, IpcEntry *dest,
    const struct time32 *timeout) __asm__("ipc_channel_read_with_timeout");
IpcChannelReadWithTimeoutResult time32_read(IpcChannel *channel, IpcEntry *dest,
                                            const struct time32 *timeout)
{
    return ipc_channel_read_with_timeout(channel, dest,
                                         widen(timeout, &(struct timespec){0}));
}

IPC_API IpcChannelReadWithTimeoutResult time32_read_into(
    IpcChannel *channel, IpcEntry *dest,
    const struct time32 *timeout) __asm__("ipc_channel_read_into_with_timeout");
IpcChannelReadWithTimeoutResult time32_read_into(IpcChannel *channel,
                                                 IpcEntry *dest,
                                                 const struct time32 *timeout)
{
    return ipc_channel_read_into_with_timeout(
        channel, dest, widen(timeout, &(struct timespec){0}));
}

IPC_API IpcChannelReadAheadResult
time32_read_ahead(IpcChannel *channel, IpcEntry *dest,
                  const struct time32
                      *timeout) __asm__("ipc_channel_read_ahead_with_timeout");
IpcChannelReadAheadResult time32_read_ahead(IpcChannel *channel, IpcEntry *dest,
                                            const struct time32 *timeout)
{
    return ipc_channel_read_ahead_with_timeout(
        channel, dest, widen(timeout, &(struct timespec){0}));
}

IPC_API IpcChannelPeekResult time32_peek(
    IpcChannel *channel, IpcEntry *dest,
    const struct time32 *timeout) __asm__("ipc_channel_peek_with_timeout");
IpcChannelPeekResult time32_peek(IpcChannel *channel, IpcEntry *dest,
                                 const struct time32 *timeout)
{
    return ipc_channel_peek_with_timeout(channel, dest,
                                         widen(timeout, &(struct timespec){0}));
}

IPC_API IpcChannelReadBatchResult
time32_read_batch(IpcChannel *channel, IpcEntry *entries, int count,
                  void *memory, size_t size,
                  const struct time32
                      *timeout) __asm__("ipc_channel_read_batch_with_timeout");
IpcChannelReadBatchResult time32_read_batch(IpcChannel *channel,
                                            IpcEntry *entries, int count,
                                            void *memory, size_t size,
                                            const struct time32 *timeout)
{
    return ipc_channel_read_batch_with_timeout(
        channel, entries, count, memory, size,
        widen(timeout, &(struct timespec){0}));
}

IPC_API IpcChannelReadBatchResult
time32_read_array(IpcChannel *channel, void *data, size_t size, int count,
                  const struct time32
                      *timeout) __asm__("ipc_channel_read_array_with_timeout");
IpcChannelReadBatchResult time32_read_array(IpcChannel *channel, void *data,
                                            size_t size, int count,
                                            const struct time32 *timeout)
{
    return ipc_channel_read_array_with_timeout(
        channel, data, size, count, widen(timeout, &(struct timespec){0}));
}

IPC_API IpcChannelNewestResult
time32_read_newest(IpcChannel *channel, IpcEntry *dest,
                   const struct time32 *
                       timeout) __asm__("ipc_channel_read_newest_with_timeout");
IpcChannelNewestResult time32_read_newest(IpcChannel *channel, IpcEntry *dest,
                                          const struct time32 *timeout)
{
    return ipc_channel_read_newest_with_timeout(
        channel, dest, widen(timeout, &(struct timespec){0}));
}

IPC_API IpcChannelNewestResult time32_pin(
    IpcChannel *channel, IpcEntry *dest,
    const struct time32 *timeout) __asm__("ipc_channel_pin_with_timeout");
IpcChannelNewestResult time32_pin(IpcChannel *channel, IpcEntry *dest,
                                  const struct time32 *timeout)
{
    return ipc_channel_pin_with_timeout(channel, dest,
                                        widen(timeout, &(struct timespec){0}));
}

IPC_API IpcChannelNewestResult
time32_pin_newest(IpcChannel *channel, IpcEntry *dest,
                  const struct time32
                      *timeout) __asm__("ipc_channel_pin_newest_with_timeout");
IpcChannelNewestResult time32_pin_newest(IpcChannel *channel, IpcEntry *dest,
                                         const struct time32 *timeout)
{
    return ipc_channel_pin_newest_with_timeout(
        channel, dest, widen(timeout, &(struct timespec){0}));
}

IPC_API IpcWaitSetWaitResult
time32_wait(IpcWaitSet *set, IpcWaitSetReady *ready, size_t room,
            const struct time32 *timeout) __asm__("ipc_waitset_wait");
IpcWaitSetWaitResult time32_wait(IpcWaitSet *set, IpcWaitSetReady *ready,
                                 size_t room, const struct time32 *timeout)
{
    return ipc_waitset_wait(set, ready, room,
                            widen(timeout, &(struct timespec){0}));
}

IPC_API IpcServiceReceiveResult
time32_receive(IpcService *service,
               const struct time32 *timeout) __asm__("ipc_service_receive");
IpcServiceReceiveResult time32_receive(IpcService *service,
                                       const struct time32 *timeout)
{
    return ipc_service_receive(service, widen(timeout, &(struct timespec){0}));
}

IPC_API IpcClientCallResult
time32_call(IpcClient *client, const void *data, size_t size, IpcAnswer *dest,
            const struct time32 *timeout) __asm__("ipc_client_call");
IpcClientCallResult time32_call(IpcClient *client, const void *data,
                                size_t size, IpcAnswer *dest,
                                const struct time32 *timeout)
{
    return ipc_client_call(client, data, size, dest,
                           widen(timeout, &(struct timespec){0}));
}

IPC_API IpcClientSendResult
time32_send(IpcClient *client, const void *data, size_t size,
            const struct time32 *timeout) __asm__("ipc_client_send");
IpcClientSendResult time32_send(IpcClient *client, const void *data,
                                size_t size, const struct time32 *timeout)
{
    return ipc_client_send(client, data, size,
                           widen(timeout, &(struct timespec){0}));
}

IPC_API IpcClientCollectResult
time32_collect(IpcClient *client, IpcCall call, IpcAnswer *dest,
               const struct time32 *wait) __asm__("ipc_client_collect");
IpcClientCollectResult time32_collect(IpcClient *client, IpcCall call,
                                      IpcAnswer *dest,
                                      const struct time32 *wait)
{
    return ipc_client_collect(client, call, dest,
                              widen(wait, &(struct timespec){0}));
}

IPC_API IpcClientCollectResult
time32_collect_any(IpcClient *client, IpcAnswer *dest,
                   const struct time32 *wait) __asm__("ipc_client_collect_any");
IpcClientCollectResult time32_collect_any(IpcClient *client, IpcAnswer *dest,
                                          const struct time32 *wait)
{
    return ipc_client_collect_any(client, dest,
                                  widen(wait, &(struct timespec){0}));
}
