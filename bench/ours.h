/* SPDX-License-Identifier: MIT */
/*
 * What transports of libshmipc share, queues and rings for subscribers.
 */
#ifndef BENCH_OURS_H
#define BENCH_OURS_H

#include "loops.h"
#include <shmipc/shmipc.h>

static inline int create(struct link *link, uint32_t flags)
{
    const IpcBufferOptions options = {.struct_size = sizeof options,
                                      .flags = flags};
    IpcBufferCreateResult r = ipc_buffer_create_with_options(
        link->memory, link->load->memory, &options);

    if (IpcBufferCreateResult_is_error(r))
        return -1;
    return IpcBufferDestroyResult_is_ok(ipc_buffer_destroy(r.result)) ? 0 : -1;
}

static inline bool is_transient(IpcStatus status)
{
    return status == IPC_EMPTY || status == IPC_ERR_NOT_READY ||
           status == IPC_ERR_LOCKED || status == IPC_ERR_NO_SPACE_CONTIGUOUS;
}

/* 1, 0 or -1, as a transport's calls answer. */
static inline int answer(IpcStatus status)
{
    if (__builtin_expect(status == IPC_OK, 1))
        return 1;
    return is_transient(status) ? 0 : -1;
}

/* ---------------------------------------------------------------- buffer */

static inline int join_buffer(struct link *link, enum side side, unsigned index)
{
    IpcBufferAttachResult r =
        ipc_buffer_attach_sized(link->memory, link->load->memory);

    (void)side;
    (void)index;
    if (IpcBufferAttachResult_is_error(r))
        return -1;
    link->state = r.result;
    return 0;
}

static inline void leave_buffer(struct link *link, enum side side)
{
    (void)side;
    ipc_buffer_destroy(link->state);
}

static inline int buffer_send(struct link *to, const void *data, size_t size)
{
    return answer(ipc_buffer_write(to->state, data, size).ipc_status);
}

static inline long buffer_receive(struct link *from, void *to, size_t room)
{
    IpcEntry entry = {.payload = to, .size = room};
    int got = answer(ipc_buffer_read(from->state, &entry).ipc_status);

    return got > 0 ? (long)entry.size : got;
}

static inline int buffer_send_array(struct link *to, const void *data,
                                    size_t size, unsigned count)
{
    IpcBufferWriteBatchResult r =
        ipc_buffer_write_array(to->state, data, size, (int)count);
    int sent = answer(r.ipc_status);

    return sent > 0 ? (int)r.result : sent;
}

static inline int buffer_receive_array(struct link *from, void *to, size_t size,
                                       unsigned count)
{
    IpcBufferReadBatchResult r =
        ipc_buffer_read_array(from->state, to, size, (int)count);
    int got = answer(r.ipc_status);

    return got > 0 ? (int)r.result : got;
}

/* --------------------------------------------------------------- channel */

static inline int join_channel(struct link *link, enum side side,
                               unsigned index)
{
    const IpcChannelConfiguration configuration = {
        .max_round_trips = 1,
        .start_sleep_ns = 1000000,
        .max_sleep_ns = 1000000,
    };
    IpcChannelConnectResult r = ipc_channel_connect_sized(
        link->memory, link->load->memory, configuration);

    (void)side;
    (void)index;
    if (IpcChannelConnectResult_is_error(r))
        return -1;
    link->state = r.result;
    return 0;
}

static inline void leave_channel(struct link *link, enum side side)
{
    (void)side;
    ipc_channel_destroy(link->state);
}

static inline int channel_send(struct link *to, const void *data, size_t size)
{
    return answer(ipc_channel_write(to->state, data, size).ipc_status);
}

static inline long channel_receive(struct link *from, void *to, size_t room)
{
    IpcEntry entry = {.payload = to, .size = room};
    int got = answer(ipc_channel_try_read_into(from->state, &entry).ipc_status);

    return got > 0 ? (long)entry.size : got;
}

#endif
