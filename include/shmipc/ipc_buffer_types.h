/* SPDX-License-Identifier: MIT */
/*
 * libshmipc, transport layer: options, what calls tell, and their results. What
 * they are for says ipc_buffer.h, which includes this.
 */
#ifndef SHMIPC_IPC_BUFFER_TYPES_H
#define SHMIPC_IPC_BUFFER_TYPES_H

#include <shmipc/ipc_common.h>

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

/** For create: format the memory although living processes use what it holds,
 * or have it open by its name. Not for what is opened by a name. Their handles
 * get IPC_ERR_FORMATTED_ANEW, and what they write until they notice may be
 * lost. */
#define IPC_BUFFER_RECREATE        UINT32_C(8)

/** For `flags` at creation: processes that read take an owner slot, as those
 * that write do, so that ipc_buffer_owners lists them and it can be seen that
 * they died. Takes some instructions more in each read, and slots: see
 * `max_owners`. With IPC_BUFFER_ONE_CONSUMER it is so anyway, and what is said
 * of that about owner slots and the system calls of a first read holds here
 * too. */
#define IPC_BUFFER_KNOWS_CONSUMERS UINT32_C(16)

/** For `flags` at creation: not a queue, in which each entry is read by one
 * reader; every subscriber reads every entry. See ipc_subscribe.h. Not with
 * IPC_BUFFER_ONE_CONSUMER; IPC_BUFFER_KNOWS_CONSUMERS is implied. */
#define IPC_BUFFER_BROADCAST       UINT32_C(32)

/** For `flags` at creation: a work queue. Those who read do so by
 * ipc_buffer_read_ahead, hold what they get, and acknowledge it; what one has
 * not acknowledged when it dies, another one gets. See ipc_acknowledge.h. Takes
 * 8 bytes more of memory for each block, and owner slots as with
 * IPC_BUFFER_KNOWS_CONSUMERS. Not with IPC_BUFFER_ONE_CONSUMER, who can do so
 * anyway, or IPC_BUFFER_BROADCAST. */
#define IPC_BUFFER_ACKNOWLEDGE     UINT32_C(64)

/** For create: all bytes at `mem` are zero, as those are that the kernel has
 * just given, by mmap() or in a file that was made longer. They are not stored
 * to once more then, so that a large buffer is made at once, and takes pages
 * only as it is used. If they are not zero, what is there can be taken for
 * entries. Of segments of ipc_mmap, and where the options have `memory_fd`, the
 * kernel is asked; what is opened by its name needs no such flag, and refuses
 * it. */
#define IPC_BUFFER_ZEROED          UINT32_C(2048)

/** For `flags` at creation: taps (ipc_tap.h) can prove all that they read. With
 * IPC_BUFFER_ONE_PRODUCER a write stores one word more for it; without that
 * flag it costs a fence where the CPU does not keep the order of stores (on
 * x86: nothing). A buffer that was created without this flag can be tapped on
 * x86, too: with many producers as well as with it, with one less so. */
#define IPC_BUFFER_TAPS            UINT32_C(256)

/**
 * How to create or join a buffer. Set `struct_size` to sizeof(IpcBufferOptions)
 * and the rest to zero for the defaults.
 */
typedef struct IpcBufferOptions {
    size_t struct_size;
    /** IPC_BUFFER_ONE_PRODUCER, IPC_BUFFER_ONE_CONSUMER,
     * IPC_BUFFER_KNOWS_CONSUMERS, IPC_BUFFER_BROADCAST, IPC_BUFFER_ACKNOWLEDGE,
     * IPC_BUFFER_TAPS,
     * IPC_BUFFER_HAS_MEMORY_FD, IPC_BUFFER_RECREATE, IPC_BUFFER_ZEROED, or
     * 0. */
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
    /** With IPC_BUFFER_BROADCAST: how many can subscribe at the same time, 1 to
     * 1024; 0 means the default: 2 in the smallest buffers, and 16 from 128
     * blocks on. Each takes 128 bytes of the memory. Else 0. */
    uint32_t max_subscribers;
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
    /** With IPC_ERR_LAGGED: bytes of blocks that a subscriber did not get. It
     * goes on behind them. */
    uint64_t lost;
} IpcBufferReadError;
IPC_RESULT_UNIT(IpcBufferReadResult, IpcBufferReadError)
IPC_RESULT_HAS_ENTRY(IpcBufferReadResult)

typedef struct IpcBufferPeekError {
    uint64_t offset;
    /** As in IpcBufferReadError. */
    uint64_t lost;
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
    /** Of `used`, bytes that were read ahead and not acknowledged
     * (ipc_acknowledge.h); of an array at least the first block. What was
     * handed out to one that died counts until another one gets it, or is told.
     */
    uint64_t unacknowledged;
    uint64_t reserved[1];
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

#ifdef __cplusplus
}
#endif
#endif
