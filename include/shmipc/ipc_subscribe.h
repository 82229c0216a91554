/* SPDX-License-Identifier: MIT */
/*
 * libshmipc, broadcast: a buffer or channel in which every subscriber reads
 * every entry, where a queue gives each entry to one reader.
 *
 *     IpcChannelConfiguration c = {.flags = IPC_BUFFER_BROADCAST};
 *     ... create, or open by a name, and connect as ever ...
 *     ipc_channel_subscribe(channel, NULL);
 *     ... ipc_channel_read and all other reads, as ever ...
 *
 * A handle that has subscribed reads what is written from then on, or also what
 * is older and still there, each entry once and in order; others are not
 * affected. All calls that read work with it as they do in a queue, and say
 * IPC_ERR_NOT_SUBSCRIBED with a handle that has not. Threads that read with one
 * handle share what it gets among them. Writing is the same as in a queue, and
 * needs no subscription.
 *
 * Space. Entries stay until writers need their space. Those that every
 * subscriber has read go first, so with nobody subscribed the last ones that
 * were written remain. Writers find no space, or wait for it, while a
 * subscriber that is IPC_SUBSCRIBER_BLOCKS has not read what they need: they
 * wait for the slowest. One that is IPC_SUBSCRIBER_LAGS loses entries instead,
 * and is told so. A process that dies is no subscriber any more: writers
 * that find no space see to that. One that is stopped still is, once it has
 * subscribed; in the midst of that it holds up nobody.
 *
 * A forked child has no subscription with a handle that it inherited, and may
 * subscribe with it. A handle that is destroyed unsubscribes.
 */
#ifndef SHMIPC_IPC_SUBSCRIBE_H
#define SHMIPC_IPC_SUBSCRIBE_H

#include <shmipc/ipc_channel.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of memory that a buffer for subscribers needs for each of them, on top
 * of what ipc_buffer_align_size says. */
#define IPC_SUBSCRIBER_SIZE 128

/** What is to happen when writers need space that holds what a subscriber has
 * not read. */
typedef enum IpcSubscriberPolicy {
    /** They wait for it, or find no space: it misses nothing. */
    IPC_SUBSCRIBER_BLOCKS = 0,
    /** If it is more than `lag_bytes` behind, they take it, and never wait for
     * it: its next read says IPC_ERR_LAGGED, once, with the bytes that it lost,
     * and the one after that goes on where `after_gap` says. Up to `lag_bytes`
     * they wait for it as for the others; with 0 not at all. */
    IPC_SUBSCRIBER_LAGS = 1
} IpcSubscriberPolicy;

/** Where a subscriber begins. */
typedef enum IpcSubscribeFrom {
    /** With the first entry that is claimed from now on. */
    IPC_SUBSCRIBE_FROM_NOW = 0,
    /** With the oldest entry that is still there. */
    IPC_SUBSCRIBE_FROM_OLDEST = 1
} IpcSubscribeFrom;

/**
 * How to subscribe. Set `struct_size` to sizeof(IpcSubscription) and the rest
 * to zero for the defaults.
 */
typedef struct IpcSubscription {
    size_t struct_size;
    /** An IpcSubscriberPolicy. */
    uint32_t policy;
    /** An IpcSubscribeFrom. */
    uint32_t from;
    /** With IPC_SUBSCRIBER_LAGS: how many bytes of blocks it may be behind what
     * was claimed last before writers take the space of what it has not read.
     */
    uint64_t lag_bytes;
    /** With IPC_SUBSCRIBER_LAGS: where it goes on behind a gap, an
     * IpcSubscribeFrom: with what comes next, or with the oldest that is still
     * there, so that it loses as little as can be. */
    uint32_t after_gap;
    uint32_t reserved32;
    uint64_t reserved[4];
} IpcSubscription;

typedef struct IpcSubscribeError {
    /** The number that `detail` speaks of: the value that a member has; else
     * 0. */
    int64_t value;
} IpcSubscribeError;
IPC_RESULT_UNIT(IpcBufferSubscribeResult, IpcSubscribeError)
IPC_RESULT_UNIT(IpcBufferUnsubscribeResult, IpcSubscribeError)
IPC_RESULT_UNIT(IpcChannelSubscribeResult, IpcSubscribeError)
IPC_RESULT_UNIT(IpcChannelUnsubscribeResult, IpcSubscribeError)

/** Where a subscriber is. */
typedef enum IpcSubscriberState {
    /** It has read up to `offset`. */
    IPC_SUBSCRIBER_READS = 0,
    /** The same, and writers took the space of what follows: its next read says
     * IPC_ERR_LAGGED. */
    IPC_SUBSCRIBER_EVICTED = 1,
    /** It is just joining, or died in that. */
    IPC_SUBSCRIBER_JOINS = 2
} IpcSubscriberState;

/** A subscriber. Set `struct_size` of the first one of an array before the
 * call; bytes beyond what the library knows are zeroed. */
typedef struct IpcSubscriber {
    size_t struct_size;
    /** When it joined, ns of CLOCK_REALTIME. */
    uint64_t since;
    /** The next entry that it reads, and how many bytes of blocks are from
     * there to the newest. */
    uint64_t offset;
    uint64_t lag;
    /** Bytes of blocks that it did not get since it joined. */
    uint64_t lost;
    /** How often writers found no space because of it alone; not each time is
     * counted. */
    uint64_t slowest;
    /** In its own pid namespace; 0: it has just left. */
    int32_t pid;
    /** An IpcOwnerFate. */
    uint32_t fate;
    /** An IpcSubscriberPolicy and an IpcSubscriberState. */
    uint32_t policy;
    uint32_t state;
    /** What it has pinned (ipc_newest.h): the bytes of blocks, 0 for nothing,
     * where they begin, and since when, ns of CLOCK_REALTIME. */
    uint64_t pinned;
    uint64_t pinned_offset;
    uint64_t pinned_since;
    uint64_t reserved[1];
} IpcSubscriber;

typedef struct IpcSubscribersError {
    /** The least that `struct_size` can be. */
    uint64_t required_size;
} IpcSubscribersError;
/** `result` is the number of subscribers, also of those without room. */
IPC_RESULT(IpcBufferSubscribersResult, size_t, IpcSubscribersError)
IPC_RESULT(IpcChannelSubscribersResult, size_t, IpcSubscribersError)

/**
 * Makes the handle a subscriber; NULL means the defaults. No other thread may
 * be reading with the handle meanwhile; threads may be writing with it.
 *
 * IPC_OK: it reads from where `from` says.
 * IPC_ERR_INVALID_ARGUMENT: `buffer` is NULL, another `struct_size`, an unknown
 * policy, `from` or `after_gap`, the latter or `lag_bytes` with
 * IPC_SUBSCRIBER_BLOCKS, or a reserved member that is not 0.
 * IPC_ERR_ILLEGAL_STATE: the buffer was created without IPC_BUFFER_BROADCAST,
 * or the handle is a subscriber already.
 * IPC_ERR_OWNERS_FULL: there are as many subscribers, or processes, as the
 * buffer has slots for.
 * IPC_ERR_LOCKED: a process has been stopped while it was making space, or was
 * removing a subscriber that is dead, so that nobody can say which entry is the
 * oldest; from now only if nothing is written meanwhile, either, or by one
 * producer. Or writers needed space whenever it was about to begin, which does
 * not happen so often to one who runs. Try again.
 * IPC_ERR_READ_ONLY, IPC_ERR_FORMATTED_ANEW: as everywhere.
 * Makes system calls to enter, and to judge others if all slots are taken;
 * waits for writers that are just making space, some milliseconds, or while
 * others run.
 * Does not allocate. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferSubscribeResult
ipc_buffer_subscribe(IpcBuffer *buffer, const IpcSubscription *subscription);

/**
 * Ends that: what it has not read no longer takes space. No other thread may
 * be reading with the handle. IPC_ERR_NOT_SUBSCRIBED: it has not subscribed, or
 * a parent process has. IPC_ERR_FORMATTED_ANEW: as everywhere.
 * IPC_ERR_INVALID_ARGUMENT: NULL. Lock-free; no system call. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferUnsubscribeResult
ipc_buffer_unsubscribe(IpcBuffer *buffer);

/**
 * Lists who has subscribed, the first `room` of them: who is how far behind,
 * and whom writers wait for. None in a queue.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: `buffer` is NULL, or `subscribers` is and
 * `room` is not 0. IPC_ERR_TOO_SMALL: `struct_size` of the first one is below
 * the body's `required_size`. IPC_ERR_FORMATTED_ANEW: as everywhere.
 * Works with handles that observe. Any number of threads at once. Makes system
 * calls to judge whether they live; does not block or allocate. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferSubscribersResult ipc_buffer_subscribers(
    const IpcBuffer *buffer, IpcSubscriber *subscribers, size_t room);

/**
 * ipc_buffer_subscribe for a channel, with the same statuses. Each subscriber
 * can be polled (ipc_channel_fd) and be in a waitset, whichever way it waits,
 * and is woken by every entry. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelSubscribeResult
ipc_channel_subscribe(IpcChannel *channel, const IpcSubscription *subscription);

/**
 * ipc_buffer_unsubscribe for a channel, with the same statuses; wakes writers
 * that wait for space. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelUnsubscribeResult
ipc_channel_unsubscribe(IpcChannel *channel);

/** ipc_buffer_subscribers for a channel, with the same statuses.
 * Since 0.1.0. */
IPC_API IPC_NODISCARD_ IpcChannelSubscribersResult ipc_channel_subscribers(
    const IpcChannel *channel, IpcSubscriber *subscribers, size_t room);

#ifdef __cplusplus
}
#endif

#endif
