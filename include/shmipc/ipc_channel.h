/* SPDX-License-Identifier: MIT */
/*
 * libshmipc, channel layer: a buffer plus policy. Calls can wait, for an entry
 * or for space, and a channel repairs by itself what dead producers leave
 * behind.
 *
 *     uint8_t mem[1024];
 *     IpcChannelConfiguration config = IPC_CHANNEL_DEFAULTS;
 *     IpcChannelResult created = ipc_channel_create(mem, sizeof mem, config);
 *
 * Which calls wait, each with ipc_channel_ in front; beware that `write` never
 * does and `read` does:
 *
 *   never          for so many  until a deadline         for ever
 *                  rounds
 *   write          -            write_with_timeout       write_blocking
 *   writev         -            writev_with_timeout      writev_blocking
 *   reserve        -            reserve_with_timeout     reserve_blocking
 *   write_batch    -            -                        -
 *   write_array    -            -                        -
 *   try_read       read         read_with_timeout        read_blocking
 *   try_read_into  read_into    read_into_with_timeout   read_into_blocking
 *   peek           -            peek_with_timeout        peek_blocking
 *   try_read_batch -            read_batch_with_timeout  the same, with NULL
 *   try_read_array -            read_array_with_timeout  the same, with NULL
 *
 * A timeout that is NULL means for ever, and one of zero not to wait. All other
 * calls never wait, but for ipc_channel_share and ipc_channel_accept, which
 * block as their socket does. A wait ends early as soon as it can be of no more
 * use, when the channel is closed or formatted anew, and by
 * ipc_channel_interrupt, or a signal if the handle is to heed them:
 * IPC_ERR_INTERRUPTED.
 *
 * Memory. Any address, any size from ipc_channel_align_size(1) up: an array,
 * malloc, an anonymous or named shared mapping, a file. It must stay mapped
 * while handles to it exist; the library never frees it. Processes may map it
 * at different addresses that are equal modulo 64, which page-aligned mappings
 * always are. It must be written and read through channels: a call of a bare
 * buffer wakes nobody.
 *
 * Handles. Each process makes its own by create or connect. In many/many mode
 * (the default) any number of threads may call any function on one handle at
 * once, except ipc_channel_destroy, which must be the last call; with
 * IPC_BUFFER_ONE_PRODUCER one thread at a time writes, with
 * IPC_BUFFER_ONE_CONSUMER one at a time reads. A handle that was inherited over
 * fork() works in the child as one of the child's own.
 *
 * Order. Entries are read in the order of their claims; entries of one thread
 * in the order it wrote them. Each is read by exactly one reader.
 *
 * Death. Whatever the moment at which a process dies, no committed entry is
 * lost but those that it was just taking out itself. What it left unfinished
 * others remove: calls that block by themselves, those that do not block now
 * and then, ipc_channel_recover at once.
 *
 * Three statuses that all functions with a handle may return are told here
 * once. IPC_ERR_INVALID_ARGUMENT: an argument is NULL. IPC_ERR_CORRUPTED:
 * shared memory holds something that cannot be true, because another process
 * wrote into it; nothing outside of the region is ever read or written for
 * that. IPC_ERR_FORMATTED_ANEW: somebody created a channel in the memory since
 * the handle was made; destroy it and connect again. A handle says so, for
 * good, when it first writes or reads, finds no space, finds nothing for some
 * hundred looks, or is asked to block, recover, skip by force, close or
 * describe; a call that blocks within 100 ms.
 */
#ifndef SHMIPC_IPC_CHANNEL_H
#define SHMIPC_IPC_CHANNEL_H

#include <shmipc/ipc_buffer.h>
#include <shmipc/ipc_channel_types.h>
#include <shmipc/ipc_common.h>
#include <shmipc/ipc_compat.h>
#include <shmipc/ipc_share.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Bytes of memory to provide, at any address, for `capacity` bytes of data:
 * one entry of that size (up to 2^28 - 1, the limit of any entry), or
 * capacity / 64 entries of up to 64 bytes. Any input is fine; 0 counts as 1,
 * and what cannot be had gives UINT64_MAX.
 * Safe from any thread; never blocks. Since 0.1.0.
 */
IPC_API uint64_t ipc_channel_align_size(size_t capacity);

/**
 * Bytes of memory that are enough for the smallest channel at any address; the
 * same as ipc_channel_align_size(1). At an address that is a multiple of 64
 * less is enough: `min_size` in the body of ipc_channel_create's error says how
 * much. Safe from any thread; never blocks. Since 0.1.0.
 */
IPC_API uint64_t ipc_channel_get_min_size(void);

/**
 * How many of these bytes hold no data: ipc_channel_get_min_size less
 * IPC_BUFFER_BLOCK_SIZE. This plus IPC_BUFFER_BLOCK_SIZE or more is enough
 * memory for a channel, but a larger one needs more for itself than the
 * smallest: ipc_channel_suggest_size says how much a capacity takes.
 * Safe from any thread; never blocks. Since 0.1.0.
 */
IPC_API uint64_t ipc_channel_get_memory_overhead(void);

/**
 * Bytes of memory to provide for `capacity` bytes of data, under the name that
 * later versions of the original have; the same as ipc_channel_align_size.
 * Safe from any thread; never blocks. Since 0.1.0.
 */
IPC_API uint64_t ipc_channel_suggest_size(size_t capacity);

/**
 * Formats `size` bytes at `mem` as an empty channel and returns a handle. What
 * the memory held is lost. That may be anything; but a channel or buffer that
 * another process uses, and that lives or may live, is not formatted without
 * IPC_BUFFER_RECREATE. Seen are processes that have written there or, in
 * one-consumer mode and with IPC_BUFFER_KNOWS_CONSUMERS, read, and not
 * destroyed their handles (ipc_channel_owners
 * lists them); of this process's own handles the caller has to know. Handles
 * that others have all the same get IPC_ERR_FORMATTED_ANEW, and others that
 * connect IPC_ERR_INITIALIZING until this call is done. If its process dies
 * meanwhile, create again.
 *
 * IPC_OK: `result` is the handle, to be given to ipc_channel_destroy.
 * IPC_ERR_INVALID_ARGUMENT: `mem` is NULL; `size` is 0, exceeds the address
 * space or is below the body's `min_size`; or the configuration is impossible:
 * one of the first three members negative, or zero when the others are not,
 * max_sleep_ns below start_sleep_ns, max_owners above 4096, an unknown `wait`,
 * flag or option, `memory_fd` without its option or not of the memory's file,
 * or reserved members that are not zero. `detail` names the member, and the
 * body has its `value`. The memory is left as it is, but where that file
 * turns out to be another one after the memory was formatted: create again
 * then.
 * IPC_ERR_UNSUPPORTED: that `wait` was not built, or the running kernel lacks
 * it. IPC_ERR_ALLOCATION: malloc failed, or there is no memory or descriptor
 * for IPC_WAIT_IO_URING. IPC_ERR_SYSTEM: no eventfd could be made for
 * IPC_WAIT_EVENTFD, errno says why. IPC_ERR_READ_ONLY: `mem` is mapped for
 * reading only, or not at all. IPC_ERR_IN_USE: another process uses what it
 * holds, the body's `value` is the pid of one, or the memory's file is open or
 * being made by its name, as for ipc_buffer_create; the memory is left as it
 * is. Allocates; makes system calls to judge whether such processes live; waits
 * for at most 100 ms for who opens the memory's file by its name. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelResult ipc_channel_create(
    void *mem, size_t size, IpcChannelConfiguration configuration);

/**
 * Joins the channel that another handle created at `mem`. Trusts the region's
 * own header about its size: if that is not to be trusted use
 * ipc_channel_connect_sized. The configuration is this handle's own; `flags`
 * and `max_owners` are the creator's business and ignored, but that
 * IPC_BUFFER_RECREATE and IPC_BUFFER_HAS_MEMORY_FD are refused.
 *
 * IPC_OK: `result` is the handle, to be given to ipc_channel_destroy.
 * IPC_ERR_NOT_FORMATTED, IPC_ERR_INITIALIZING, IPC_ERR_LAYOUT_VERSION,
 * IPC_ERR_CORRUPTED: what the memory holds instead of a channel.
 * IPC_ERR_READ_ONLY: it is mapped for reading only, where a channel cannot
 * wait; ipc_buffer_observe looks on there.
 * IPC_ERR_INVALID_ARGUMENT: `mem` is NULL, the configuration is impossible (as
 * for ipc_channel_create) or has one of these flags, or `memory_fd` is not of
 * the file that the memory is of. IPC_ERR_UNSUPPORTED: that `wait` was not
 * built, or the running kernel lacks it. IPC_ERR_ALLOCATION: malloc failed, or
 * there is no memory or descriptor for IPC_WAIT_IO_URING. Changes nothing in
 * the channel. Allocates; does not block. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelConnectResult
ipc_channel_connect(void *mem, IpcChannelConfiguration configuration);

/**
 * The same for a mapping of `size` bytes: nothing beyond them is ever touched,
 * whatever the memory says. In addition IPC_ERR_TRUNCATED: `size` is below what
 * the region needs, which is the body's `min_size`; and
 * IPC_ERR_INVALID_ARGUMENT: `size` is 0. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelConnectResult ipc_channel_connect_sized(
    void *mem, size_t size, IpcChannelConfiguration configuration);

/**
 * Releases the handle, never the memory or its entries. Reservations of this
 * process that are still open count as aborted when its last handle goes. No
 * other thread may be using the handle. The channel goes on for others, and
 * does not close. Old code that free()s a handle instead does no harm, except
 * that its process's owner slot, and a role that it took, stay taken until the
 * process ends. A handle that is used or destroyed once more is a use of freed
 * memory, which the library cannot notice; sanitizers and valgrind do.
 *
 * IPC_OK: the handle is gone. IPC_ERR_INVALID_ARGUMENT: NULL. Does not block,
 * but that it waits for threads of ipc_channel_fd to end if there are some,
 * and removes a name as file operations do; wakes who waited for a reservation,
 * by system calls. Since 0.1.0.
 */
IPC_API IpcChannelDestroyResult ipc_channel_destroy(IpcChannel *channel);

/**
 * The largest entry, in bytes, that this channel takes: any entry up to it can
 * be written once readers have drained. With one consumer a write may find no
 * space even then, until the consumer has looked once more, since only the
 * consumer can pass filler. 0 for NULL. Safe from any thread; never blocks.
 * Since 0.1.0.
 */
IPC_API uint64_t ipc_channel_max_entry_size(const IpcChannel *channel);

/**
 * Writes one entry of `size` bytes, whole or not at all, and wakes readers that
 * sleep.
 *
 * IPC_OK: committed; readers see it.
 * IPC_ERR_INVALID_ARGUMENT: a NULL, or `size` is 0.
 * IPC_ERR_ENTRY_TOO_LARGE: `size` is above ipc_channel_max_entry_size.
 * IPC_ERR_NO_SPACE_CONTIGUOUS: full right now; nothing was written.
 * IPC_ERR_LOCKED: other producers were faster very many times, or the last one
 * producer left very many entries to count; try again.
 * IPC_ERR_CLOSED: by ipc_channel_close, for good.
 * IPC_ERR_OWNERS_FULL: all owner slots belong to other living processes.
 * IPC_ERR_ROLE_TAKEN: one-producer mode, and somebody else is the producer.
 * IPC_ERR_ILLEGAL_STATE: one-producer mode, and a reservation is open.
 * The body describes the space. Any number of threads and processes at once
 * (one in one-producer mode). Lock-free: never blocks; no allocation; makes
 * system calls only in the handle's first write, if a reader sleeps, and, when
 * the channel stays full, to find out whether a producer died. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelWriteResult
ipc_channel_write(IpcChannel *channel, const void *data, size_t size);

/**
 * ipc_channel_write of the `count` pieces in `pieces`, one after the other, as
 * one entry. Pieces may be empty, the whole may not. In addition
 * IPC_ERR_INVALID_ARGUMENT: `count` is not above 0, or a piece that is not
 * empty is NULL. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelWriteResult
ipc_channel_writev(IpcChannel *channel, const struct iovec *pieces, int count);

/**
 * Claims space for an entry of up to `size` bytes, to be filled in place and
 * then given to ipc_channel_commit or ipc_channel_abort, by any thread of this
 * process, through this handle. Entries behind it wait for that. In
 * one-producer mode only one reservation can be open, and nothing can be
 * written or reserved meanwhile: IPC_ERR_ILLEGAL_STATE. Statuses as those of
 * ipc_channel_write, IPC_OK meaning that `dest` is the reservation; on an error
 * `dest` is untouched. Never blocks; no allocation; system calls as
 * ipc_channel_write. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelReserveResult
ipc_channel_reserve(IpcChannel *channel, size_t size, IpcReservation *dest);

/**
 * Publishes a reserved entry with its first `size` bytes, and wakes readers
 * that sleep.
 *
 * IPC_OK: committed. IPC_ERR_INVALID_ARGUMENT: a NULL, `size` is 0 or above
 * the reserved size (the reservation stays open), or not a reservation of
 * this channel. IPC_ERR_ILLEGAL_STATE: already committed or aborted, or made by
 * another process (the parent). Wait-free: never blocks; no allocation; a
 * system call only if a reader sleeps. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelCommitResult ipc_channel_commit(
    IpcChannel *channel, const IpcReservation *reservation, size_t size);

/**
 * Gives a reservation up; readers never see it. Wakes readers and writers that
 * sleep. Else as ipc_channel_commit. Since 0.1.0.
 */
IPC_API IpcChannelAbortResult
ipc_channel_abort(IpcChannel *channel, const IpcReservation *reservation);

/**
 * ipc_channel_write, ipc_channel_writev and ipc_channel_reserve, which wait for
 * space for at most `timeout` from now on the monotonic clock (NULL: for ever;
 * zero: not at all). IPC_ERR_TIMEOUT says that it passed, instead of
 * IPC_ERR_NO_SPACE_CONTIGUOUS and IPC_ERR_LOCKED; IPC_ERR_INVALID_ARGUMENT also
 * that it is negative or its tv_nsec out of range. All else is theirs: while
 * there is space they neither wait nor make a system call.
 * IPC_ERR_INTERRUPTED: see ipc_channel_interrupt; IPC_ERR_CONSUMERS_DEAD: see
 * IPC_CHANNEL_REPORT_DEAD_CONSUMERS. They block; signals do not end them,
 * unless IPC_CHANNEL_SIGNALS_INTERRUPT says so. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelWriteResult ipc_channel_write_with_timeout(
    IpcChannel *channel, const void *data, size_t size,
    const struct timespec *timeout) IPC_TIME_("ipc_channel_write_with_timeout");
IPC_API IPC_NODISCARD_ IpcChannelWriteResult
ipc_channel_writev_with_timeout(IpcChannel *channel, const struct iovec *pieces,
                                int count, const struct timespec *timeout)
    IPC_TIME_("ipc_channel_writev_with_timeout");
IPC_API IPC_NODISCARD_ IpcChannelReserveResult ipc_channel_reserve_with_timeout(
    IpcChannel *channel, size_t size, IpcReservation *dest,
    const struct timespec *timeout)
    IPC_TIME_("ipc_channel_reserve_with_timeout");

/** The same, waiting for ever: as with NULL for the timeout. Since 0.1.0. */
IPC_API IPC_NODISCARD_ IpcChannelWriteResult
ipc_channel_write_blocking(IpcChannel *channel, const void *data, size_t size);
IPC_API IPC_NODISCARD_ IpcChannelWriteResult ipc_channel_writev_blocking(
    IpcChannel *channel, const struct iovec *pieces, int count);
IPC_API IPC_NODISCARD_ IpcChannelReserveResult ipc_channel_reserve_blocking(
    IpcChannel *channel, size_t size, IpcReservation *dest);

/**
 * Closes the channel for everybody, for good. Writes and reserves fail with
 * IPC_ERR_CLOSED from now on; reservations that are open can still be
 * committed. Reads get what is there and then IPC_ERR_CLOSED. Blocked calls
 * wake at once. Either side may close, more than once.
 * With many producers no entry is committed after a read said
 * IPC_ERR_CLOSED. With one producer an entry can be, if its write had begun
 * when somebody else closed; it can still be read. Who is killed in the middle
 * of closing has closed it or not: blocked readers learn it within 100 ms.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: NULL. Does not block; wakes by system
 * calls. Since 0.1.0.
 */
IPC_API IpcChannelCloseResult ipc_channel_close(IpcChannel *channel);

/**
 * Interrupts this handle: its calls that wait, in all threads of this process,
 * return IPC_ERR_INTERRUPTED, and so do all others that would have to wait,
 * until ipc_channel_clear_interrupt. So none is missed, whatever the threads
 * are just doing: working on an entry, or about to sleep. Only a sleep is
 * replaced by that answer: a call that can go on without waiting does so, so
 * reads still get all that is there, and a call that does not wait, or whose
 * timeout is zero, never says it. Nothing is lost or half done; the call can be
 * made again.
 *
 *     static IpcChannel *channel;
 *     static volatile sig_atomic_t stop;
 *
 *     static void on_sigint(int signal)
 *     {
 *         stop = signal;
 *         ipc_channel_interrupt(channel);
 *     }
 *
 * Other handles of the channel, in this process too, are left alone; they are
 * woken, look, and sleep on. A forked child's handle begins in the state that
 * the parent's is in, and has its own from then on. What was done before this
 * call is seen by who is told of it.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: NULL. May be called by any thread and by a
 * signal handler (it is async-signal-safe, and leaves errno alone) for as long
 * as ipc_channel_destroy was not called. Does not block; wakes by system calls.
 * Since 0.1.0.
 */
IPC_API IpcChannelInterruptResult ipc_channel_interrupt(IpcChannel *channel);

/**
 * Lets calls wait again. Who is interrupted for several reasons clears first
 * and looks at the reasons then, so that none is missed that comes meanwhile.
 *
 * IPC_OK: `result` says whether the handle was interrupted.
 * IPC_ERR_INVALID_ARGUMENT: NULL. Async-signal-safe; does not block.
 * Since 0.1.0.
 */
IPC_API IpcChannelClearInterruptResult
ipc_channel_clear_interrupt(IpcChannel *channel);

/**
 * Reads the next entry and consumes it, waiting for it for up to
 * `max_round_trips` rounds. The first round lasts start_sleep_ns, the next one
 * twice as long and so on up to max_sleep_ns. The wait ends as soon as there is
 * something to read.
 *
 * What `dest` holds is ignored. On IPC_OK `dest->payload` is memory from
 * malloc, which the caller frees with free(). On anything else `dest->payload`
 * is NULL, so that free() does no harm, and the rest of `dest` as it was; after
 * IPC_ERR_INVALID_ARGUMENT all of it.
 *
 * IPC_OK. IPC_ERR_RETRY_LIMIT: the rounds passed.
 * IPC_ERR_ALLOCATION: malloc failed; the entry stays.
 * IPC_ERR_CLOSED: by ipc_channel_close, and all that was written is read.
 * IPC_ERR_PRODUCERS_DEAD: asked for by IPC_CHANNEL_REPORT_DEAD_PRODUCERS.
 * IPC_ERR_ROLE_TAKEN: one-consumer mode, and somebody else is the consumer.
 * IPC_ERR_OWNERS_FULL: one-consumer mode, and no owner slot is free.
 * IPC_ERR_INTERRUPTED: see ipc_channel_interrupt.
 * Any number of threads and processes at once (one in one-consumer mode).
 * Blocks; signals neither end nor shorten a round, unless
 * IPC_CHANNEL_SIGNALS_INTERRUPT says so, and it is not a cancellation point,
 * unless IPC_CHANNEL_CANCELLATION_POINTS does. If
 * an entry is there it makes no system calls but those of malloc, to wake
 * writers that wait for space, and in one-consumer mode in the handle's first
 * read. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelReadResult
ipc_channel_read(IpcChannel *channel, IpcEntry *dest);

/**
 * The same, waiting for at most `timeout` from now on the monotonic clock;
 * NULL: for ever; zero: not at all. IPC_ERR_TIMEOUT instead of
 * IPC_ERR_RETRY_LIMIT: it passed. IPC_ERR_INVALID_ARGUMENT also: it is negative
 * or its tv_nsec out of range. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelReadWithTimeoutResult
ipc_channel_read_with_timeout(IpcChannel *channel, IpcEntry *dest,
                              const struct timespec *timeout)
    IPC_TIME_("ipc_channel_read_with_timeout");

/** The same, waiting for ever: as with NULL for the timeout. Since 0.1.0. */
IPC_API IPC_NODISCARD_ IpcChannelReadResult
ipc_channel_read_blocking(IpcChannel *channel, IpcEntry *dest);

/**
 * The same without waiting: IPC_EMPTY if there is no entry, which is no error
 * (IpcChannelTryReadResult_has_entry tells it from IPC_OK), IPC_ERR_NOT_READY
 * if the next one is being written, IPC_ERR_LOCKED if other readers were faster
 * every time. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelTryReadResult
ipc_channel_try_read(IpcChannel *channel, IpcEntry *dest);

/**
 * The four reads again, into the caller's memory: `dest->payload` and
 * `dest->size` say where to and how much room there is; on IPC_OK `offset` and
 * `size` are set to the entry's. On anything else `dest` is untouched (the
 * memory it points to may have been written). IPC_ERR_INVALID_ARGUMENT also:
 * `dest->payload` is NULL. IPC_ERR_TOO_SMALL: the entry needs the body's
 * `required_size`; it stays. All else as said there, but that they do not
 * allocate. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelReadResult
ipc_channel_read_into(IpcChannel *channel, IpcEntry *dest);
IPC_API IPC_NODISCARD_ IpcChannelReadWithTimeoutResult
ipc_channel_read_into_with_timeout(IpcChannel *channel, IpcEntry *dest,
                                   const struct timespec *timeout)
    IPC_TIME_("ipc_channel_read_into_with_timeout");
IPC_API IPC_NODISCARD_ IpcChannelReadResult
ipc_channel_read_into_blocking(IpcChannel *channel, IpcEntry *dest);
IPC_API IPC_NODISCARD_ IpcChannelTryReadResult
ipc_channel_try_read_into(IpcChannel *channel, IpcEntry *dest);

/**
 * Points `dest` at the next entry inside the channel; consumes nothing:
 * ipc_channel_skip does. The payload may be read, not written. With one
 * consumer its bytes stay until they are skipped. With many they are proven
 * whole only by an ipc_channel_skip of its offset that returns IPC_OK: another
 * reader may take the entry at any time, and a writer then reuse its place. On
 * anything but IPC_OK `dest->payload` is NULL, and the rest of `dest` as it
 * was.
 *
 * The first never waits, and has the statuses of ipc_channel_try_read; the
 * second waits like ipc_channel_read_with_timeout, and has its statuses; the
 * third does so for ever. No allocation; system calls as these. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelPeekResult
ipc_channel_peek(const IpcChannel *channel, IpcEntry *dest);
IPC_API IPC_NODISCARD_ IpcChannelPeekResult ipc_channel_peek_with_timeout(
    IpcChannel *channel, IpcEntry *dest, const struct timespec *timeout)
    IPC_TIME_("ipc_channel_peek_with_timeout");
IPC_API IPC_NODISCARD_ IpcChannelPeekResult
ipc_channel_peek_blocking(IpcChannel *channel, IpcEntry *dest);

/**
 * Consumes the entry at `offset` without copying it, and wakes writers that
 * wait for space.
 *
 * IPC_OK: consumed by this call, and so by nobody else; `result` is the offset.
 * IPC_EMPTY: the head is there, but no entry: nothing was peeked there.
 * IPC_ERR_OFFSET_MISMATCH: the head is elsewhere, and the body has its offset;
 * or somebody else was just faster. What was peeked there is not the caller's.
 * IPC_ERR_INVALID_ARGUMENT: NULL, or `offset` is not a multiple of 8.
 * IPC_ERR_NOT_READY: the entry there is being written.
 * IPC_ERR_LOCKED: there is very much filler to pass, of which some is passed
 * now; try again. IPC_ERR_CLOSED, IPC_ERR_ROLE_TAKEN, IPC_ERR_OWNERS_FULL: as
 * for ipc_channel_read.
 * Lock-free: never blocks; no allocation; system calls only to wake writers,
 * and in one-consumer mode in the handle's first read. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelSkipResult
ipc_channel_skip(IpcChannel *channel, uint64_t offset);

/**
 * Gets past whatever is at the head: an entry, a damaged control word, the
 * claim of a producer that is dead or has not begun to write (which then
 * claims again); and wakes writers that wait for space.
 *
 * IPC_OK: `result` is the offset that was skipped. IPC_EMPTY: nothing there.
 * IPC_ALREADY_SKIPPED: somebody else got past it first.
 * IPC_ERR_LOCKED: a living process is writing it, or one of another pid or time
 * namespace, which ipc_channel_recover with force removes; or other readers
 * were faster very many times.
 * IPC_ERR_ROLE_TAKEN, IPC_ERR_OWNERS_FULL: as for ipc_channel_read. Never
 * blocks; no allocation; makes system calls if it has to find out whether a
 * process lives. Since 0.1.0.
 */
IPC_API IpcChannelSkipForceResult ipc_channel_skip_force(IpcChannel *channel);

/**
 * Removes what dead producers left at the head, until there is a committed
 * entry, one that a living process is writing, or nothing, and wakes whom that
 * concerns. A living producer that has claimed space but not begun to write may
 * have to claim again. Nothing committed is lost. Anyone may call it at any
 * time, as often as wanted; blocked calls do so by themselves. It does not move
 * the head: the next read passes what was removed.
 *
 * With `force` the owners that cannot be judged are forced out before:
 * processes of another pid namespace, or where /proc does not tell. Their
 * claims are removed as those of the dead are, their owner slots are free, and
 * a role that one of them held passes on to the next that asks. An owner that
 * lives for all that can be seen stays. The caller vouches that the others are
 * dead: if one is still writing, its entry and those that follow can be torn.
 * Whom it would force out is told beforehand by ipc_channel_owners: those whose
 * `fate` is IPC_OWNER_UNKNOWN.
 *
 * IPC_OK: `result` is the number of claims removed, possibly 0.
 * IPC_ERR_NOT_READY: a process that lives, or of which that cannot be known
 * from here, is writing at the head; the body has the offset.
 * Makes system calls; does not block; no allocation. Since 0.1.0.
 */
IPC_API IpcChannelRecoverResult ipc_channel_recover(IpcChannel *channel,
                                                    bool force);

/**
 * Describes the channel. The values are read one after the other while others
 * go on; each is true at some moment of the call. Set `dest->struct_size`.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: a NULL. IPC_ERR_TOO_SMALL: `struct_size`
 * is below the size of the first release, which the body has.
 * Stores nothing in shared memory, takes no role: a monitor may call it at any
 * time, and where it may only read, or the channel is wedged, ipc_buffer_stats
 * through a handle of ipc_buffer_observe. Wait-free; no system call, no
 * allocation. Since 0.1.0.
 */
IPC_API IpcChannelStatsResult ipc_channel_stats(const IpcChannel *channel,
                                                IpcBufferStats *dest);

/**
 * Lists the processes that have owner slots, living or dead: those that have
 * written, and with IPC_BUFFER_ONE_CONSUMER or IPC_BUFFER_KNOWS_CONSUMERS those
 * that have read. The first `room` of them are
 * described in `owners`, an array whose elements are as large as
 * `owners[0].struct_size` says, which the caller sets; it is set in all that
 * are filled, and the rest is untouched. Who leaves or comes meanwhile may be
 * missing. With `room` 0, where `owners` may be NULL, they are only counted.
 *
 * IPC_OK: `result` is the number of owners, which may exceed `room`.
 * IPC_ERR_INVALID_ARGUMENT: `channel` is NULL, or `owners` with a `room`.
 * IPC_ERR_TOO_SMALL: `struct_size` is below the size of the first release,
 * which the body has; nothing was stored.
 * Stores nothing in shared memory, takes no role. Makes system calls to judge
 * each owner, takes a lock of this process for a moment; does not block on
 * other processes, no allocation. Safe from any thread. Since 0.1.0.
 */
IPC_API IpcChannelOwnersResult ipc_channel_owners(const IpcChannel *channel,
                                                  IpcOwner *owners,
                                                  size_t room);

/**
 * A descriptor for poll, select, epoll or an event loop that is readable when
 * there may be something to read. It belongs to the handle, which closes it
 * when it is destroyed; do nothing with it but wait for it to be readable.
 *
 * It is readable at first. When it is, call the reads that do not wait, or
 * ipc_channel_peek, until they say IPC_EMPTY: that gets the descriptor ready
 * for the next entry, also one that came in between. So no wake-up is lost and
 * an idle loop does not spin. IPC_ERR_NOT_READY does the same: somebody is
 * writing the next entry. Nothing else does. These reads report
 * IPC_ERR_PRODUCERS_DEAD as blocked ones do. Closing the channel makes the
 * descriptor readable. What nobody tells of, since a process has died, a thread
 * of the library looks for, one for all such descriptors of a process, which it
 * makes readable then: within 100 ms where there are up to 16, and else within
 * a second. An idle one is not readable. Each IPC_EMPTY costs some system calls
 * from now on.
 *
 * In a process that uses io_uring the kernel now and then ends a poll with
 * EINTR. A handle's descriptor is for one event loop. A forked child that
 * inherited the handle has to call this anew; with IPC_WAIT_IO_URING it cannot.
 * Who waits for many channels in one loop needs only one descriptor: see
 * ipc_waitset.h.
 *
 * IPC_WAIT_FUTEX and IPC_WAIT_IO_URING need nothing of other handles. The first
 * makes a thread when it is called, in which all signals are blocked; it sleeps
 * in the place of the loop, and ends when the handle is destroyed. With
 * IPC_WAIT_EVENTFD the handle must have the eventfd: be the creator's,
 * inherited over fork, or from ipc_channel_accept. Handles that were made by
 * connect cannot signal it: once there is one, that thread looks every
 * millisecond, so that what such a handle wrote is found at most that late; a
 * loop that was waiting already when the first of them joined finds out as it
 * does of a death.
 *
 * IPC_OK. IPC_ERR_UNSUPPORTED: the handle's way of waiting has none:
 * IPC_WAIT_SLEEP, and IPC_WAIT_FUTEX in a library that was built without
 * eventfd.
 * IPC_ERR_ILLEGAL_STATE: the handle has no eventfd.
 * IPC_ERR_INVALID_ARGUMENT: NULL. IPC_ERR_SYSTEM: no descriptor or no thread
 * could be made, `sys_errno` says why; or it is an inherited io_uring's.
 * Allocates; does not block. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelFdResult ipc_channel_fd(IpcChannel *channel);

#ifdef __cplusplus
}
#endif
#endif
