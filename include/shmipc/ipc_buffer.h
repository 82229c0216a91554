/* SPDX-License-Identifier: MIT */
/*
 * libshmipc, transport layer: a lock-free circular buffer of variable-length
 * entries over memory that the caller provides. It never waits: what cannot
 * be done at once is answered with a status. (A call that finds the ring empty
 * or full in a dense stream may pause for some microseconds and look once more
 * before it answers: both sides are faster for it.)
 *
 * Memory. Any address, any size from ipc_buffer_align_size(1) up (what exceeds
 * about 18 GiB stays unused): an array, malloc, an anonymous or named shared
 * mapping, a file. It must stay mapped while handles to it exist; the library
 * never frees it. Processes may map it at different addresses that are equal
 * modulo 64, which page-aligned mappings always are.
 *
 * Handles. Each process makes its own by create or attach. In many/many mode
 * (the default) any number of threads may call any function on one handle at
 * once, except ipc_buffer_destroy, which must be the last call. A handle that
 * was inherited over fork() works in the child as one of the child's own.
 *
 * Order. Entries are read in the order of their claims; entries of one thread
 * in the order it wrote them. Each is read by exactly one reader.
 *
 * Death. Whatever the moment at which a process dies, no committed entry is
 * lost but those that it was just taking out itself, and none is read twice
 * (but see IPC_BUFFER_ONE_CONSUMER). What it left unfinished holds others up
 * until ipc_buffer_recover is called; a channel calls it by itself.
 *
 * Statuses that every function of a kind may return are listed here once:
 * IPC_ERR_INVALID_ARGUMENT for a NULL argument; IPC_ERR_CORRUPTED if shared
 * memory holds something that cannot be true (another process wrote into it):
 * nothing outside the region is ever read or written because of that;
 * IPC_ERR_CLOSED from writes, and from reads that find nothing more, once the
 * region was closed as a channel; and IPC_ERR_FORMATTED_ANEW if somebody
 * created a buffer in the memory since the handle was made. A handle says so,
 * for good, when it first writes or reads, finds no space, finds nothing for
 * some hundred looks, or is asked to block, recover, skip by force, close or
 * describe. Until then what it writes may be lost or get into the new buffer,
 * so create in memory that others use only if they are gone or will notice.
 */
#ifndef SHMIPC_IPC_BUFFER_H
#define SHMIPC_IPC_BUFFER_H

#include <shmipc/ipc_buffer_types.h>
#include <shmipc/ipc_common.h>
#include <sys/uio.h>

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
IPC_API uint64_t ipc_buffer_align_size(size_t capacity);

/**
 * Bytes of memory that are enough for the smallest buffer at any address; the
 * same as ipc_buffer_align_size(1). At an address that is a multiple of 64 less
 * is enough: `min_size` in IpcBufferCreateError says how much.
 * Safe from any thread; never blocks. Since 0.1.0.
 */
IPC_API uint64_t ipc_buffer_get_min_size(void);

/**
 * How many of these bytes hold no data: ipc_buffer_get_min_size less
 * IPC_BUFFER_BLOCK_SIZE. This plus IPC_BUFFER_BLOCK_SIZE or more is enough
 * memory for a buffer, but a larger one needs more for itself than the
 * smallest: ipc_buffer_suggest_size says how much a capacity takes.
 * Safe from any thread; never blocks. Since 0.1.0.
 */
IPC_API uint64_t ipc_buffer_get_memory_overhead(void);

/**
 * Bytes of memory to provide for `capacity` bytes of data, under the name that
 * later versions of the original have; the same as ipc_buffer_align_size.
 * Safe from any thread; never blocks. Since 0.1.0.
 */
IPC_API uint64_t ipc_buffer_suggest_size(size_t capacity);

/**
 * Formats `size` bytes at `mem` as an empty buffer and returns a handle. What
 * the memory held is lost. That may be anything; but a buffer or channel that
 * another process uses, and that lives or may live, is not formatted without
 * IPC_BUFFER_RECREATE. Seen are processes that have written there or, in
 * one-consumer mode and with IPC_BUFFER_KNOWS_CONSUMERS, read, and not
 * destroyed their handles (ipc_buffer_owners
 * lists them); of this process's own handles the caller has to know. Handles
 * that others have all the same get IPC_ERR_FORMATTED_ANEW, and others that
 * attach IPC_ERR_INITIALIZING until this call is done. If its process dies
 * meanwhile, create again.
 *
 * IPC_OK: `result` is the handle, to be given to ipc_buffer_destroy.
 * IPC_ERR_INVALID_ARGUMENT: `mem` is NULL, `size` is 0 or exceeds the address
 * space, or is below the body's `min_size`; the memory is left as it is.
 * IPC_ERR_IN_USE: another process uses it, the body's `value` is the pid of
 * one; or, `value` being 0, the file that `mem` is of is open by its name (see
 * ipc_open.h), or being made by it. The memory is left as it is. That there is
 * such a name is seen of segments of ipc_mmap and where the options have
 * `memory_fd`: who formats other memory while somebody opens its file by name
 * has to see to it himself that he is alone.
 * IPC_ERR_READ_ONLY: `mem` is mapped for reading only, or not at all.
 * IPC_ERR_ALLOCATION: no memory for the handle.
 * Allocates; makes system calls to judge whether such processes live; waits
 * for at most 100 ms for who opens the memory's file by its name. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferCreateResult ipc_buffer_create(void *mem,
                                                               size_t size);

/**
 * ipc_buffer_create with options; NULL means the defaults. In addition
 * IPC_ERR_INVALID_ARGUMENT: `struct_size` is not one that this library knows, a
 * flag or reserved member is set that it does not know, `max_owners` is
 * above 4096, or `memory_fd` is set without its flag or is not a descriptor as
 * described there. Of the latter only that it is of another file is noticed
 * when the memory has been formatted already: create again then. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferCreateResult ipc_buffer_create_with_options(
    void *mem, size_t size, const IpcBufferOptions *options);

/**
 * Joins a buffer that another handle created at `mem`. Trusts the region's
 * own header about its size: if that is not to be trusted use
 * ipc_buffer_attach_sized.
 *
 * IPC_OK: `result` is the handle, to be given to ipc_buffer_destroy.
 * IPC_ERR_NOT_FORMATTED, IPC_ERR_INITIALIZING, IPC_ERR_LAYOUT_VERSION,
 * IPC_ERR_CORRUPTED: what the memory holds instead of a buffer.
 * IPC_ERR_ALLOCATION: no memory for the handle.
 * Changes nothing in the memory. Where that is mapped for reading only, the
 * handle observes: see ipc_buffer_observe. Allocates; does not block.
 * Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferAttachResult ipc_buffer_attach(void *mem);

/**
 * The same for a mapping of `size` bytes: nothing beyond them is ever touched,
 * whatever the memory says. In addition IPC_ERR_TRUNCATED: `size` is
 * below what the region needs, which is the body's `min_size`; and
 * IPC_ERR_INVALID_ARGUMENT: `size` is 0. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferAttachResult
ipc_buffer_attach_sized(void *mem, size_t size);

/**
 * The same for a handle that never stores anything in the memory, which may be
 * mapped for reading only: for monitors, of buffers and of channels. It takes
 * no role and no owner slot, so that nobody notices it.
 *
 * ipc_buffer_stats, ipc_buffer_owners and ipc_buffer_max_entry_size work with
 * it; ipc_buffer_peek finds the entry at the head, whose bytes may be replaced
 * at any time by who writes next: no skip can prove them whole. All other calls
 * return IPC_ERR_READ_ONLY. Statuses as for ipc_buffer_attach_sized. Allocates;
 * does not block. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferAttachResult ipc_buffer_observe(const void *mem,
                                                                size_t size);

/**
 * ipc_buffer_attach_sized with options, for their `memory_fd`; NULL means none.
 * The other flags and `max_owners` are the creator's business and ignored. In
 * addition IPC_ERR_INVALID_ARGUMENT: the options are none that
 * ipc_buffer_create_with_options would take, have IPC_BUFFER_RECREATE, or
 * `memory_fd` is not of the file that the memory is of. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferAttachResult ipc_buffer_attach_with_options(
    void *mem, size_t size, const IpcBufferOptions *options);

/**
 * Releases a handle, never the memory or its entries. Reservations of this
 * process that are still open count as aborted when its last handle goes. No
 * other thread may be using the handle. IPC_ERR_INVALID_ARGUMENT: NULL.
 * A handle is one malloc block, so old code that free()s it instead does no
 * harm, except that its process's owner slot, and a role that it took, stay
 * taken until the process ends.
 * Does not block. Since 0.1.0.
 */
IPC_API IpcBufferDestroyResult ipc_buffer_destroy(IpcBuffer *buffer);

/**
 * The largest entry, in bytes, that this buffer takes: any entry up to it can
 * be written once readers have drained. With one consumer a write may find no
 * space even then, until the consumer has looked once more, since only the
 * consumer can pass filler. 0 for NULL. Safe from any thread. Never blocks.
 * Since 0.1.0.
 */
IPC_API uint64_t ipc_buffer_max_entry_size(const IpcBuffer *buffer);

/**
 * Writes one entry of `size` bytes, whole or not at all.
 *
 * IPC_OK: committed; readers see it.
 * IPC_ERR_INVALID_ARGUMENT: a NULL, or `size` is 0.
 * IPC_ERR_ENTRY_TOO_LARGE: `size` is above ipc_buffer_max_entry_size.
 * IPC_ERR_NO_SPACE_CONTIGUOUS: full right now.
 * IPC_ERR_LOCKED: other producers were faster very many times, or the last one
 * producer left very many entries to count; try again.
 * IPC_ERR_OWNERS_FULL: all owner slots belong to other living processes.
 * IPC_ERR_ROLE_TAKEN: one-producer mode and somebody else is the producer.
 * The body describes the space. Any number of threads and processes at once
 * (one in one-producer mode). Lock-free; no system call after the handle's
 * first write, no allocation. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferWriteResult ipc_buffer_write(IpcBuffer *buffer,
                                                             const void *data,
                                                             size_t size);

/**
 * ipc_buffer_write of the `count` pieces in `pieces`, one after the other, as
 * one entry. Pieces may be empty, the whole may not. In addition
 * IPC_ERR_INVALID_ARGUMENT: `count` is not above 0, or a piece that is not
 * empty is NULL. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferWriteResult
ipc_buffer_writev(IpcBuffer *buffer, const struct iovec *pieces, int count);

/**
 * Claims space for an entry of up to `size` bytes, to be filled in place and
 * then given to ipc_buffer_commit or ipc_buffer_abort, by any thread of this
 * process, through this handle. Entries behind it wait for that. In
 * one-producer mode only one reservation can be open, and nothing can be
 * written or reserved meanwhile: IPC_ERR_ILLEGAL_STATE. Else as
 * ipc_buffer_write; on error `dest` is untouched. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferReserveResult
ipc_buffer_reserve(IpcBuffer *buffer, size_t size, IpcReservation *dest);

/**
 * Publishes a reserved entry with its first `size` bytes.
 *
 * IPC_OK: committed. IPC_ERR_INVALID_ARGUMENT: a NULL, `size` is 0 or above
 * the reserved size (the reservation stays open), or not a reservation of
 * this buffer. IPC_ERR_ILLEGAL_STATE: already committed or aborted, or made by
 * another process (the parent). Wait-free; no system call, no allocation.
 * Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferCommitResult ipc_buffer_commit(
    IpcBuffer *buffer, const IpcReservation *reservation, size_t size);

/**
 * Gives a reservation up; readers never see it. Statuses as for
 * ipc_buffer_commit. Wait-free; no system call, no allocation. Since 0.1.0.
 */
IPC_API IpcBufferAbortResult
ipc_buffer_abort(IpcBuffer *buffer, const IpcReservation *reservation);

/**
 * Copies the next entry into the caller's memory and consumes it.
 * `dest->payload` and `dest->size` say where to and how much room there is;
 * on IPC_OK `offset` and `size` are set to the entry's. On anything else
 * `dest` is untouched (the memory it points to may have been written).
 *
 * IPC_OK. IPC_EMPTY: no entry is there.
 * IPC_ERR_INVALID_ARGUMENT: a NULL, also `dest->payload`.
 * IPC_ERR_TOO_SMALL: the entry needs the body's `required_size`; it stays.
 * IPC_ERR_NOT_READY: the next entry is being written.
 * IPC_ERR_LOCKED: other readers were faster very many times, or there are more
 * than 65536 blocks of filler to pass, of which some are passed now; try again.
 * IPC_ERR_ROLE_TAKEN: one-consumer mode and somebody else is the consumer.
 * IPC_ERR_OWNERS_FULL: one-consumer mode, and no owner slot is free.
 * Any number of threads and processes at once (one in one-consumer mode).
 * Lock-free; no allocation, and no system call but in one-consumer mode for the
 * handle's first read. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferReadResult ipc_buffer_read(IpcBuffer *buffer,
                                                           IpcEntry *dest);

/**
 * Points `dest` at the next entry inside the buffer; consumes nothing. The
 * payload may be read, not written. With many consumers its bytes are proven
 * whole only by an ipc_buffer_skip of its offset that returns IPC_OK: another
 * reader may take the entry at any time, and a writer then reuse its place.
 * On anything but IPC_OK `dest->payload` is NULL, and the rest of `dest` as it
 * was.
 *
 * IPC_OK, IPC_EMPTY, IPC_ERR_NOT_READY, IPC_ERR_LOCKED, IPC_ERR_ROLE_TAKEN,
 * IPC_ERR_OWNERS_FULL as for ipc_buffer_read. Lock-free; system calls as for
 * ipc_buffer_read, no allocation. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferPeekResult ipc_buffer_peek(IpcBuffer *buffer,
                                                           IpcEntry *dest);

/**
 * Consumes the entry at `offset` without copying it.
 *
 * IPC_OK: consumed by this call, and so by nobody else; `result` is the offset.
 * IPC_EMPTY: the head is there, but no entry: nothing was peeked there.
 * IPC_ERR_OFFSET_MISMATCH: the head is elsewhere, and the body has its offset;
 * or somebody else was just faster. What was peeked there is not the caller's.
 * IPC_ERR_INVALID_ARGUMENT: NULL, or `offset` is not a multiple of 8.
 * IPC_ERR_NOT_READY, IPC_ERR_LOCKED, IPC_ERR_ROLE_TAKEN, IPC_ERR_OWNERS_FULL
 * as for ipc_buffer_read. Lock-free; system calls as for ipc_buffer_read, no
 * allocation. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferSkipResult ipc_buffer_skip(IpcBuffer *buffer,
                                                           uint64_t offset);

/**
 * Gets past whatever is at the head: an entry, a damaged control word, the
 * claim of a producer that is dead or has not begun to write (which then
 * claims again).
 *
 * IPC_OK: `result` is the offset that was skipped. IPC_EMPTY: nothing there.
 * IPC_ALREADY_SKIPPED: somebody else got past it first.
 * IPC_ERR_LOCKED: a living process is writing it, or one of another pid or time
 * namespace (see ipc_buffer_recover_force); or other readers were faster very
 * many times.
 * IPC_ERR_ROLE_TAKEN, IPC_ERR_OWNERS_FULL as for ipc_buffer_read. Makes system
 * calls if it has to find out whether a process lives. Since 0.1.0.
 */
IPC_API IpcBufferSkipForceResult ipc_buffer_skip_force(IpcBuffer *buffer);

/**
 * Removes what dead producers left at the head, until there is a committed
 * entry, one that a living process is writing, or nothing. A living producer
 * that has claimed space but not begun to write may have to claim again.
 * Nothing committed is lost. Anyone may call it at any time, as often as
 * wanted; a channel does so by itself. It does not move the head: the next read
 * passes what was removed.
 *
 * IPC_OK: `result` is the number of claims removed, possibly 0.
 * IPC_ERR_NOT_READY: a process that lives, or of which that cannot be known
 * from here, is writing at the head; the body has the offset.
 * Makes system calls; does not block. Since 0.1.0.
 */
IPC_API IpcBufferRecoverResult ipc_buffer_recover(IpcBuffer *buffer);

/**
 * The same after the owners that cannot be judged were forced out: processes of
 * another pid namespace, or where /proc does not tell. Their claims are removed
 * as those of the dead are, their owner slots are free, and a role that one of
 * them held passes on to the next that asks. An owner that lives for all that
 * can be seen stays. The caller vouches that the others are dead: if one is
 * still writing, or is the one consumer and still reading, entries can be torn.
 * Whom it would force out is told beforehand by ipc_buffer_owners: those whose
 * `fate` is IPC_OWNER_UNKNOWN. Since 0.1.0.
 */
IPC_API IpcBufferRecoverResult ipc_buffer_recover_force(IpcBuffer *buffer);

/**
 * Describes the buffer. The values are read one after the other while others
 * go on; each is true at some moment of the call. Set `dest->struct_size`.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: a NULL. IPC_ERR_TOO_SMALL: `struct_size`
 * is below the size of the first release, which the body has.
 * Stores nothing in shared memory, takes no role: a monitor may call it at any
 * time. Wait-free; no system call, no allocation. Since 0.1.0.
 */
IPC_API IpcBufferStatsResult ipc_buffer_stats(const IpcBuffer *buffer,
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
 * IPC_ERR_INVALID_ARGUMENT: `buffer` is NULL, or `owners` with a `room`.
 * IPC_ERR_TOO_SMALL: `struct_size` is below the size of the first release,
 * which the body has; nothing was stored.
 * Stores nothing in shared memory, takes no role: a monitor may call it at any
 * time, also with a handle of ipc_buffer_observe. Makes system calls to judge
 * each owner, takes a lock of this process for a moment; does not block on
 * other processes, no allocation. Safe from any thread. Since 0.1.0.
 */
IPC_API IpcBufferOwnersResult ipc_buffer_owners(const IpcBuffer *buffer,
                                                IpcOwner *owners, size_t room);

#ifdef __cplusplus
}
#endif
#endif
