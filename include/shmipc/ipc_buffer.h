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

#include <shmipc/ipc_common.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A process's view of one buffer: one malloc block, see ipc_buffer_destroy. */
typedef struct IpcBuffer IpcBuffer;

/** An entry takes whole blocks of this many bytes, and its payload starts at a
 * multiple of them. Entries of an array share blocks: see ipc_batch.h. */
#define IPC_BUFFER_BLOCK_SIZE      64

/**
 * Mode flags, chosen at creation. Each is a promise that makes the buffer
 * faster: at any time only one living handle uses that side, from one thread
 * at a time. The first handle that uses the side takes the role; others get
 * IPC_ERR_ROLE_TAKEN until it is destroyed or its process is dead.
 * With one consumer a peeked entry stays whole until it is skipped, but a
 * consumer that is killed between copying an entry and giving its space back
 * leaves that one entry to be read again by its successor.
 */
#define IPC_BUFFER_ONE_PRODUCER    UINT32_C(1)
#define IPC_BUFFER_ONE_CONSUMER    UINT32_C(2)

/** For `flags` of IpcBufferOptions: `memory_fd` is one. */
#define IPC_BUFFER_HAS_MEMORY_FD   UINT32_C(4)

/** For create: format the memory although living processes use what it holds.
 * Their handles get IPC_ERR_FORMATTED_ANEW, and what they write until they
 * notice may be lost. */
#define IPC_BUFFER_RECREATE        UINT32_C(8)

/** For `flags` at creation: processes that read take an owner slot, as those
 * that write do, so that ipc_buffer_owners lists them and it can be seen that
 * they died. Takes some instructions more in each read, and slots: see
 * `max_owners`. With IPC_BUFFER_ONE_CONSUMER it is so anyway, and what is said
 * of that about owner slots and the system calls of a first read holds here
 * too. */
#define IPC_BUFFER_KNOWS_CONSUMERS UINT32_C(16)

/**
 * How to create or join a buffer. Set `struct_size` to sizeof(IpcBufferOptions)
 * and the rest to zero for the defaults.
 */
typedef struct IpcBufferOptions {
    size_t struct_size;
    /** IPC_BUFFER_ONE_PRODUCER, IPC_BUFFER_ONE_CONSUMER,
     * IPC_BUFFER_KNOWS_CONSUMERS, IPC_BUFFER_HAS_MEMORY_FD,
     * IPC_BUFFER_RECREATE, or 0. */
    uint32_t flags;
    /** How many processes may write at the same time, 1 to 4096; 0 means the
     * default: 2 in the smallest buffers, 8 in those of 64 blocks, and 64 from
     * 68 KiB on. One process more gets IPC_ERR_OWNERS_FULL. With
     * IPC_BUFFER_KNOWS_CONSUMERS or IPC_BUFFER_ONE_CONSUMER those that read
     * count as well. */
    uint32_t max_owners;
    /** With IPC_BUFFER_HAS_MEMORY_FD a descriptor of the file or memfd that the
     * memory is a shared mapping of, else 0. The mapping's first byte is the
     * file's first byte, and the descriptor can be read from. It stays the
     * caller's, who may close it after the call: while handles to the memory
     * exist the process has one of its own. With it the kernel's locks prove
     * deaths that pids do not, in other pid namespaces too; segments of
     * ipc_mmap need no such member. A program that closes that one, as it may
     * in closing all there are, looks dead to other pid namespaces. Where /proc
     * is missing there are no such proofs. All that use the memory should give
     * one of the same file: who has none judges by pids alone. A file that is
     * not the memory's is refused, but for a copy that was made of it since its
     * creation: that cannot be told from it. */
    int32_t memory_fd;
    uint32_t reserved32;
    uint64_t reserved[3];
} IpcBufferOptions;

typedef struct IpcBufferCreateError {
    uint64_t requested_size;
    /** Bytes that are enough for the smallest buffer at this address. */
    uint64_t min_size;
    /** The number that `detail` speaks of: the value that a member has, or a
     * pid in its own pid namespace; else 0. */
    int64_t value;
} IpcBufferCreateError;
IPC_RESULT(IpcBufferCreateResult, IpcBuffer *, IpcBufferCreateError)

typedef struct IpcBufferAttachError {
    /** Bytes the mapping must have: of this region, or of the smallest one if
     * the mapping holds less than a header. */
    uint64_t min_size;
    /** The number that `detail` speaks of: the value that a member has; else
     * 0. */
    int64_t value;
} IpcBufferAttachError;
IPC_RESULT(IpcBufferAttachResult, IpcBuffer *, IpcBufferAttachError)

typedef struct IpcBufferDestroyError {
    int sys_errno;
} IpcBufferDestroyError;
IPC_RESULT_UNIT(IpcBufferDestroyResult, IpcBufferDestroyError)

typedef struct IpcBufferWriteError {
    /** Where the next entry would go, as far as is known. */
    uint64_t offset;
    /** Bytes the caller asked for. */
    uint64_t requested_size;
    /** Bytes of blocks that this takes. */
    uint64_t required_size;
    /** Bytes of blocks free right now. */
    uint64_t free_space;
    /** Bytes of blocks free in one piece from `offset` on. */
    uint64_t available_contiguous;
    /** Bytes of all blocks. */
    uint64_t buffer_size;
} IpcBufferWriteError;
IPC_RESULT_UNIT(IpcBufferWriteResult, IpcBufferWriteError)
IPC_RESULT_UNIT(IpcBufferReserveResult, IpcBufferWriteError)

typedef struct IpcBufferCommitError {
    uint64_t offset;
} IpcBufferCommitError;
IPC_RESULT_UNIT(IpcBufferCommitResult, IpcBufferCommitError)
IPC_RESULT_UNIT(IpcBufferAbortResult, IpcBufferCommitError)

typedef struct IpcBufferReadError {
    uint64_t offset;
    /** Bytes the destination needs to have. */
    uint64_t required_size;
} IpcBufferReadError;
IPC_RESULT_UNIT(IpcBufferReadResult, IpcBufferReadError)
IPC_RESULT_HAS_ENTRY(IpcBufferReadResult)

typedef struct IpcBufferPeekError {
    uint64_t offset;
} IpcBufferPeekError;
IPC_RESULT_UNIT(IpcBufferPeekResult, IpcBufferPeekError)
IPC_RESULT_HAS_ENTRY(IpcBufferPeekResult)

typedef struct IpcBufferSkipError {
    /** Offset of the head, when the entry there is another one. */
    uint64_t offset;
} IpcBufferSkipError;
IPC_RESULT(IpcBufferSkipResult, uint64_t, IpcBufferSkipError)
IPC_RESULT(IpcBufferSkipForceResult, uint64_t, IpcBufferSkipError)
/** `result` is the number of claims that were removed. */
IPC_RESULT(IpcBufferRecoverResult, uint64_t, IpcBufferSkipError)

/** What is at the head of a buffer. */
typedef enum IpcBufferHead {
    /** Nothing was claimed. */
    IPC_BUFFER_HEAD_EMPTY = 0,
    /** A committed entry. */
    IPC_BUFFER_HEAD_READY = 1,
    /** An entry that `head_owner_pid` is writing. */
    IPC_BUFFER_HEAD_BUSY = 2,
    /** Filler or an aborted entry; the next read moves past it. */
    IPC_BUFFER_HEAD_FILLER = 3,
    /** Space claimed by a producer that has not begun to write. */
    IPC_BUFFER_HEAD_CLAIMED = 4,
    /** Something that cannot be true. */
    IPC_BUFFER_HEAD_CORRUPTED = 5
} IpcBufferHead;

/** Whether a buffer was closed as a channel. */
typedef enum IpcBufferClosed {
    IPC_BUFFER_OPEN = 0,
    /** For writers; readers are not told yet: who closes it is doing so, or was
     * stopped or killed in that. Blocked calls and ipc_channel_recover finish
     * it if he is dead or not. */
    IPC_BUFFER_CLOSING = 1,
    /** For all. */
    IPC_BUFFER_CLOSED = 2
} IpcBufferClosed;

/** A look at a buffer. Set `struct_size` before the call; bytes beyond what
 * the library knows are zeroed. */
typedef struct IpcBufferStats {
    size_t struct_size;
    /** Bytes of the whole region from its first aligned byte on. */
    uint64_t region_size;
    /** Bytes of all blocks together. */
    uint64_t capacity;
    /** Bytes of blocks between head and tail. */
    uint64_t used;
    /** Largest entry, bytes. */
    uint64_t max_entry_size;
    /** Offset of the next entry to be read and to be claimed. */
    uint64_t head_offset;
    uint64_t tail_offset;
    /** Entries committed since creation, over all producers. Those of the last
     * call of a producer that was killed in it may be missing. */
    uint64_t entries_written;
    uint32_t flags;
    uint32_t max_owners;
    /** Owner slots in use (of processes living or dead). */
    uint32_t owners;
    /** An IpcBufferHead. */
    uint32_t head_state;
    /** Size of the entry at the head if it is ready, else 0. */
    uint64_t head_size;
    /** Process that is writing the entry at the head, or the first one behind
     * filler there; else 0. If it is stopped, or has crashed into a debugger,
     * readers wait for it, and writers when the ring is full: let it go on
     * (SIGCONT), or end it, and what it was writing is removed. */
    int32_t head_owner_pid;
    /** An IpcBufferClosed. */
    uint32_t closed;
    /** Of the owner slots in use, those of processes that have written, and of
     * those that have read. Without IPC_BUFFER_ONE_CONSUMER and
     * IPC_BUFFER_KNOWS_CONSUMERS who only reads has none. ipc_buffer_owners
     * tells their pids, and whether they live. */
    uint32_t writers;
    uint32_t readers;
    /** 1: a reader, or a writer that waits for space, may be asleep in the
     * kernel or in an event loop; 0: none is. Those of IPC_WAIT_SLEEP do not
     * tell. How many there are nobody counts: one that was killed would count
     * for ever. */
    uint32_t sleeping_readers;
    uint32_t sleeping_writers;
    uint64_t reserved[2];
} IpcBufferStats;

typedef struct IpcBufferStatsError {
    uint64_t required_size;
} IpcBufferStatsError;
IPC_RESULT_UNIT(IpcBufferStatsResult, IpcBufferStatsError)

/** Whether the process of an owner slot lives, as far as can be seen by who
 * asks. */
typedef enum IpcOwnerFate {
    /** It does, or nothing says that it does not. */
    IPC_OWNER_LIVES = 0,
    /** What it left is removed, and its slot taken, by who needs that next. */
    IPC_OWNER_IS_DEAD = 1,
    /** Nobody can tell from here: force would remove it. */
    IPC_OWNER_UNKNOWN = 2
} IpcOwnerFate;

/** For `flags` of an IpcOwner: its slot is locked in the memory's file, so that
 * who knows that file can judge it from anywhere; it has the one-producer
 * role; it has the one-consumer role; it may write, and most likely has; the
 * same for reading, where readers take slots. */
#define IPC_OWNER_LOCKED       UINT32_C(1)
#define IPC_OWNER_ONE_PRODUCER UINT32_C(2)
#define IPC_OWNER_ONE_CONSUMER UINT32_C(4)
#define IPC_OWNER_WRITES       UINT32_C(8)
#define IPC_OWNER_READS        UINT32_C(16)

/** A process that has an owner slot. Set `struct_size` of the first one of an
 * array before the call; bytes beyond what the library knows are zeroed. */
typedef struct IpcOwner {
    size_t struct_size;
    /** When it took the slot, ns of CLOCK_REALTIME; 0 if it is just taking it.
     */
    uint64_t since;
    /** Entries committed through the slot, by those too that had it before. */
    uint64_t entries_written;
    /** Inode number of its pid namespace (/proc/PID/ns/pid); 0: not known. */
    uint64_t pid_namespace;
    /** In its own pid namespace, which may be another one than the caller's. */
    int32_t pid;
    /** An IpcOwnerFate. */
    uint32_t fate;
    /** Its handles that have used the slot and were not destroyed. */
    uint32_t handles;
    /** Of IPC_OWNER_LOCKED and so on. */
    uint32_t flags;
    uint64_t reserved[4];
} IpcOwner;

typedef struct IpcBufferOwnersError {
    /** The least that `struct_size` can be. */
    uint64_t required_size;
} IpcBufferOwnersError;
/** `result` is the number of owners, also of those without room. */
IPC_RESULT(IpcBufferOwnersResult, size_t, IpcBufferOwnersError)

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
 * one; the memory is left as it is.
 * IPC_ERR_READ_ONLY: `mem` is mapped for reading only, or not at all.
 * IPC_ERR_ALLOCATION: no memory for the handle.
 * Allocates; makes system calls to judge whether such processes live; does not
 * block. Since 0.1.0.
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
 * ipc_buffer_create_with_options would take, or `memory_fd` is not of the file
 * that the memory is of. Since 0.1.0.
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
 * one entry. Pieces may be empty, the whole may not. Since 0.1.0.
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
 * still writing, its entry and those that follow can be torn. Whom it would
 * force out is told beforehand by ipc_buffer_owners: those whose `fate` is
 * IPC_OWNER_UNKNOWN. Since 0.1.0.
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
 * written, and in one-consumer mode the consumer. The first `room` of them are
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
