/* SPDX-License-Identifier: MIT */
/*
 * libshmipc, taps: to see what goes through a channel or buffer while others
 * use it, without their noticing.
 *
 *     IpcTapOpenResult opened = ipc_tap_open("/prices", NULL);
 *     unsigned char bytes[ROOM];
 *     IpcEntry entry = {0, bytes, sizeof bytes};
 *     IpcTapReadResult r =
 *         ipc_tap_read_with_timeout(opened.result, &entry, UINT64_MAX);
 *
 * A tap takes nothing away: each entry is still read by the reader it is for.
 * It stores nothing in the memory, which may be mapped for reading only, and
 * has no owner slot; so no writer ever waits for it, and it may be stopped or
 * killed at any moment. It works on any channel or buffer: one whose entries
 * others take, whoever writes and reads there; one that is full, closed or
 * stuck; one whose memory was damaged or is scribbled over right now: nothing
 * outside of it is read because of that.
 *
 * Nobody waits for it: what it has not read within a lap of the ring, others
 * have overwritten. A read that finds that out says IPC_ERR_LAGGED and how many
 * bytes went by, exactly; the tap then stands at what is there, and reads on.
 * What a read returns is whole: it was copied, and then proven not to have been
 * overwritten meanwhile.
 *
 * Where that can be proven. On x86 for all channels. If one that has
 * IPC_BUFFER_ONE_PRODUCER was created without IPC_BUFFER_TAPS, the proof fails
 * more often than it has to: entries count as lost that might be there still,
 * at most those of one lap behind the writer, each time it comes into a new
 * lap. (IpcTapInfo has `is_exact`.) Where a CPU does not keep the order of
 * stores (all but x86) a channel has to be created with IPC_BUFFER_TAPS.
 *
 * Threads. One at a time uses a tap. A forked child may go on with its own
 * copy. Mappings that are not the tap's own must stay until it is destroyed.
 * Whoever shortens a file makes access to it a SIGBUS, as everywhere.
 */
#ifndef SHMIPC_IPC_TAP_H
#define SHMIPC_IPC_TAP_H

#include <shmipc/ipc_buffer.h>
#include <shmipc/ipc_channel.h>
#include <shmipc/ipc_open.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A tap's view of one channel or buffer. */
typedef struct IpcTap IpcTap;

/** Where a tap begins, and where it goes on when it has lagged. */
typedef enum IpcTapStart {
    /** At the oldest entry that is still there, whether it was read by others
     * or not. */
    IPC_TAP_OLDEST = 0,
    /** At the newest entry that was committed: it is the next to be read. */
    IPC_TAP_NEWEST = 1,
    /** Behind all that was written so far. */
    IPC_TAP_NOW = 2
} IpcTapStart;

/** How to tap. Set `struct_size` to sizeof(IpcTapOptions) and the rest to zero
 * for the defaults. */
typedef struct IpcTapOptions {
    size_t struct_size;
    /** For ipc_tap_open: IPC_OPEN_PATH, IPC_OPEN_ANY_OWNER, or 0. */
    uint32_t flags;
    /** An IpcTapStart: where it begins. */
    uint32_t start;
    /** An IpcTapStart: where it goes on when it has lagged. With IPC_TAP_OLDEST
     * a tap that lags again before it has caught up leaves more of the ring to
     * the writers each time, up to half. */
    uint32_t after_lag;
    uint32_t reserved32;
    uint64_t reserved[4];
} IpcTapOptions;

typedef struct IpcTapError {
    /** For ipc_tap_attach: bytes that the mapping must have. */
    uint64_t min_size;
    /** Where the tap stands: the offset of what it reads next. */
    uint64_t offset;
    /** With IPC_ERR_TOO_SMALL: bytes that the destination needs to have, or
     * `struct_size` at least. */
    uint64_t required_size;
    /** With IPC_ERR_LAGGED: bytes that went by, from where the tap stood to
     * `offset`. Filler and the rest of blocks count, as in all offsets. */
    uint64_t lost;
    /** With IPC_ERR_NOT_READY: the process that is writing there, in its own
     * pid namespace; 0: not known. */
    int32_t owner_pid;
    int32_t reserved32;
} IpcTapError;

IPC_RESULT(IpcTapOpenResult, IpcTap *, IpcOpenError)
IPC_RESULT(IpcTapAttachResult, IpcTap *, IpcTapError)
IPC_RESULT_UNIT(IpcTapDestroyResult, IpcTapError)
IPC_RESULT_UNIT(IpcTapReadResult, IpcTapError)
IPC_RESULT_HAS_ENTRY(IpcTapReadResult)
IPC_RESULT(IpcTapSkipResult, uint64_t, IpcTapError)
IPC_RESULT_UNIT(IpcTapSeekResult, IpcTapError)
IPC_RESULT_UNIT(IpcTapStatsResult, IpcTapError)

/** A look at a tap. Set `struct_size` before the call; bytes beyond what the
 * library knows are zeroed. */
typedef struct IpcTapInfo {
    size_t struct_size;
    /** Offset of what it reads next. */
    uint64_t offset;
    /** Bytes from there to the last claim: how far it is behind. More than
     * `capacity`: it has been overrun, and the next read says so. */
    uint64_t lag;
    /** Bytes that it has lost, ever: the sum of all that IPC_ERR_LAGGED told.
     */
    uint64_t lost;
    /** Of the ring: bytes of all blocks, and of the largest entry. */
    uint64_t capacity;
    uint64_t max_entry_size;
    /** IPC_BUFFER_* of its creation. */
    uint32_t flags;
    /** 1: only what was overwritten counts as lost. 0: see above, "Where that
     * can be proven". */
    uint32_t is_exact;
    uint64_t reserved[4];
} IpcTapInfo;

/**
 * Taps the channel or buffer of that name, as ipc_channel_open creates it, or
 * ipc_mmap: maps it for reading. The file must be readable; nothing is locked,
 * and nobody who opens, replaces or removes the name minds. If it is removed
 * and created again the tap stays with what it has mapped. NULL for `options`
 * means the defaults.
 *
 * IPC_OK: `result` is to be given to ipc_tap_destroy.
 * IPC_ERR_INVALID_ARGUMENT: the name is impossible, as for ipc_channel_open; or
 * the options are: another struct_size, flags that are not for taps, no
 * IpcTapStart, reserved members that are not zero.
 * IPC_ERR_NOT_FOUND: there is none. IPC_ERR_INITIALIZING: somebody is creating
 * it, try again. IPC_ERR_NOT_FORMATTED: it is something else.
 * IPC_ERR_LAYOUT_VERSION, IPC_ERR_TRUNCATED, IPC_ERR_CORRUPTED: as for
 * ipc_buffer_attach_sized; the last also if the ends of the ring cannot be
 * true. IPC_ERR_UNSUPPORTED: here a channel has to be created with
 * IPC_BUFFER_TAPS. IPC_ERR_SYSTEM: a system call failed, see `sys_errno`:
 * EACCES, EPERM (it belongs to another user: IPC_OPEN_ANY_OWNER), and so on.
 * IPC_ERR_ALLOCATION: malloc failed.
 *
 * Any thread. Allocates; blocks as file operations do; no cancellation point.
 * Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcTapOpenResult
ipc_tap_open(const char *name, const IpcTapOptions *options);

/**
 * Taps what is in memory that the caller has mapped, `size` bytes of it, if
 * only for reading. `flags` of the options are 0.
 *
 * IPC_OK: `result` is to be given to ipc_tap_destroy, before the memory is
 * unmapped. IPC_ERR_INVALID_ARGUMENT: `mem` is NULL, `size` is 0, or the
 * options are impossible, as for ipc_tap_open. IPC_ERR_NOT_FORMATTED,
 * IPC_ERR_INITIALIZING, IPC_ERR_LAYOUT_VERSION, IPC_ERR_TRUNCATED,
 * IPC_ERR_CORRUPTED, IPC_ERR_UNSUPPORTED, IPC_ERR_ALLOCATION: as for
 * ipc_tap_open. Any thread. Allocates; does not block. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcTapAttachResult
ipc_tap_attach(const void *mem, size_t size, const IpcTapOptions *options);

/**
 * Taps what a handle is of, over its mapping: so the handle is to be destroyed
 * after the tap. The handle's own reads and writes go on as they would.
 *
 * IPC_OK, and the statuses of ipc_tap_attach; IPC_ERR_FORMATTED_ANEW: there is
 * another one in the memory since the handle was made. Any thread. Allocates;
 * does not block. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcTapAttachResult
ipc_tap_attach_buffer(const IpcBuffer *buffer, const IpcTapOptions *options);
IPC_API IPC_NODISCARD_ IpcTapAttachResult
ipc_tap_attach_channel(const IpcChannel *channel, const IpcTapOptions *options);

/** Releases a tap, and the mapping that ipc_tap_open made. IPC_OK.
 * IPC_ERR_INVALID_ARGUMENT: NULL. Does not block. Since 0.1.0. */
IPC_API IpcTapDestroyResult ipc_tap_destroy(IpcTap *tap);

/**
 * Copies the next entry into the caller's memory: `dest->payload`, which has
 * `dest->size` bytes. On IPC_OK `offset` and `size` are the entry's, else
 * `dest` is as it was. The entries of an array come one by one.
 *
 * IPC_OK. IPC_EMPTY: nothing was written since.
 * IPC_ERR_LAGGED: entries were overwritten before the tap came to them; `lost`
 * says how many bytes, and the tap stands behind them now.
 * IPC_ERR_NOT_READY: what comes next is being written, by `owner_pid`. If that
 * process is stopped or dead it stays so until somebody lets it go on or
 * recovers the buffer; ipc_tap_skip goes past it.
 * IPC_ERR_TOO_SMALL: the entry needs `required_size` bytes; it is still next.
 * IPC_ERR_CLOSED: the channel was closed, and nothing more is to come.
 * IPC_ERR_FORMATTED_ANEW: somebody created another one in the memory.
 * IPC_ERR_CORRUPTED: what is there cannot be true; ipc_tap_skip may find a
 * place where it can. IPC_ERR_INVALID_ARGUMENT: `tap`, `dest` or the payload is
 * NULL.
 *
 * Neither blocks nor allocates; no system call. Where entries come in a dense
 * stream, a tap that has caught up spins for some microseconds, tens at most,
 * before it looks once more: to look is what costs writers. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcTapReadResult ipc_tap_read(IpcTap *tap,
                                                     IpcEntry *dest);

/**
 * The same, waiting for an entry for `timeout_ns` nanoseconds at most
 * (UINT64_MAX: for ever). A tap cannot let writers know that it waits: it looks
 * again and again, after pauses that double from 20 us to 1 ms.
 *
 * The statuses of ipc_tap_read, but IPC_ERR_TIMEOUT instead of IPC_EMPTY; and
 * IPC_ERR_NOT_READY only when the time has passed. Blocks; signals do not end
 * it; does not allocate; no cancellation point. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcTapReadResult
ipc_tap_read_with_timeout(IpcTap *tap, IpcEntry *dest, uint64_t timeout_ns);

/**
 * Goes past what comes next: an entry, or what holds the tap up: an entry that
 * is being written, space that was claimed, something that cannot be true. In
 * these cases it goes to the next place where something was written, or to the
 * end; what is committed later before that place, this tap does not see.
 *
 * IPC_OK: `result` is how many bytes were passed; they do not count as lost.
 * IPC_EMPTY: there is nothing. IPC_ERR_LAGGED, IPC_ERR_FORMATTED_ANEW,
 * IPC_ERR_INVALID_ARGUMENT: as for ipc_tap_read. IPC_ERR_CORRUPTED: the ends of
 * the ring cannot be true. Neither blocks nor allocates. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcTapSkipResult ipc_tap_skip(IpcTap *tap);

/**
 * Begins anew, at `start`: an IpcTapStart. To read the newest of all each time,
 * seek IPC_TAP_NEWEST before each read. What is passed does not count as lost.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: `tap` is NULL, or there is no such start.
 * IPC_ERR_FORMATTED_ANEW, IPC_ERR_CORRUPTED: as for ipc_tap_skip. Neither
 * blocks nor allocates; looks at the words of one entry's blocks at most.
 * Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcTapSeekResult ipc_tap_seek(IpcTap *tap,
                                                     IpcTapStart start);

/**
 * Fills `dest`.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: `tap` or `dest` is NULL. IPC_ERR_TOO_SMALL:
 * `dest->struct_size` is below that of the first version, `required_size`.
 * IPC_ERR_FORMATTED_ANEW: as for ipc_tap_read. Neither blocks nor allocates.
 * Since 0.1.0.
 */
IPC_API IpcTapStatsResult ipc_tap_stats(const IpcTap *tap, IpcTapInfo *dest);

#ifdef __cplusplus
}
#endif
#endif
