/* SPDX-License-Identifier: MIT */
/*
 * libshmipc, segments: named shared memory for programs that have none yet. The
 * other layers do not depend on it.
 *
 * While a segment is mapped the library keeps a descriptor of it open, to prove
 * to other processes that this one lives. A program that closes it, as it may
 * in closing all there are, looks dead to other pid namespaces: map segments
 * after that.
 */
#ifndef SHMIPC_IPC_MMAP_H
#define SHMIPC_IPC_MMAP_H

#include <shmipc/ipc_common.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A named segment that is mapped into this process. All members are the
 * library's: read them, do not change or free them. */
typedef struct IpcMemorySegment {
    char *name;
    /** Bytes mapped: the size asked for, rounded up to whole pages. */
    uint64_t size;
    void *memory;
} IpcMemorySegment;

typedef struct IpcMemorySegmentError {
    /** Whether the segment existed before the call. */
    bool existed;
    /** Its size then. */
    uint64_t existing_size;
    /** The size asked for, rounded up to whole pages. */
    uint64_t aligned_size;
    uint64_t page_size;
    /** errno of the system call that failed, or 0. */
    int sys_errno;
} IpcMemorySegmentError;
/** The name that code written for the original has for it. */
typedef IpcMemorySegmentError IpcMmapError;
IPC_RESULT(IpcMemorySegmentResult, IpcMemorySegment *, IpcMemorySegmentError)
IPC_RESULT_UNIT(IpcMmapUnmapResult, IpcMemorySegmentError)
IPC_RESULT_UNIT(IpcMmapUnlinkResult, IpcMemorySegmentError)

/** The `group` of the options is to be the group of a new segment. */
#define IPC_MMAP_GROUP     UINT32_C(1)
/** A segment that exists may belong to any user; whoever owns it can change
 * what is in it at any time, and can make access to it a SIGBUS. */
#define IPC_MMAP_ANY_OWNER UINT32_C(2)
/** The pages of a new segment are not reserved. To reserve them takes the time
 * of making each, some tenths of a second for a GiB, and the memory at once;
 * a segment without is there in some microseconds, and takes memory page
 * by page as they are first stored to, or read through the mapping. But where
 * /dev/shm, or the memory, is full by then, that is a SIGBUS in the process
 * that does so, and no error of any call. */
#define IPC_MMAP_SPARSE    UINT32_C(4)

/**
 * How to create or open a segment. Set `struct_size` to sizeof(IpcMmapOptions)
 * and the rest to zero for what ipc_mmap does.
 */
typedef struct IpcMmapOptions {
    size_t struct_size;
    /** IPC_MMAP_* or 0. */
    uint32_t flags;
    /** Permission bits of a new segment, exactly these whatever the umask, at
     * most 0777; 0 means 0600. */
    uint32_t mode;
    /** With IPC_MMAP_GROUP: the group of a new segment, one of the caller's. */
    uint32_t group;
    uint32_t reserved32;
    uint64_t reserved[4];
} IpcMmapOptions;

/**
 * Creates the POSIX shared memory segment `name` with `size` bytes, or opens
 * the one that exists, and maps it for reading and writing. A new segment is
 * all zeros, readable and writable by its user only whatever the umask, and its
 * pages are reserved: a full /dev/shm is an error here and never a SIGBUS
 * later. That is what takes long where `size` is large, tenths of a second for
 * a GiB, and IPC_MMAP_SPARSE leaves it. One that exists is opened only if it
 * belongs to the effective user of this process or to root: others could have
 * put it there to see what comes.
 *
 * IPC_OK: `result` is to be given to ipc_unmap or ipc_unlink.
 * IPC_ERR_INVALID_ARGUMENT: `name` is NULL, empty, "." or "..", or has a slash
 * other than the first character; `size` is 0 or beyond the address space.
 * IPC_ERR_ILLEGAL_STATE: it exists with another size, `existing_size`.
 * IPC_ERR_INITIALIZING: it exists, but its creator has not given it a size
 * within a second.
 * IPC_ERR_SYSTEM: a system call failed, see `sys_errno` (ENOSPC: /dev/shm is
 * full; EFBIG: RLIMIT_FSIZE forbids it; EINVAL or ENAMETOOLONG: the name is too
 * long; EACCES: the mode of the segment forbids it), or `existed` is true and
 * what exists belongs to another user (EPERM) or is no segment (ENXIO or
 * EINVAL). A segment that this call created is removed again.
 * IPC_ERR_ALLOCATION: malloc failed. Any thread; no cancellation point.
 * Allocates; blocks as file operations do, and up to a second for a creator
 * that is slow.
 * Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcMemorySegmentResult ipc_mmap(const char *name,
                                                       uint64_t size);

/**
 * What ipc_mmap does, with the mode, the group and the owner that `options`
 * say; NULL means the defaults. Returns what ipc_mmap returns, and
 * IPC_ERR_INVALID_ARGUMENT for another struct_size, an unknown flag, a mode
 * beyond 0777, a group without its flag, or reserved members that are not 0.
 * Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcMemorySegmentResult ipc_mmap_with_options(
    const char *name, uint64_t size, const IpcMmapOptions *options);

/**
 * Unmaps the segment and frees `segment`: it must not be given to any call
 * again, which cannot be noticed. The name stays. No handle may use
 * the memory any more. IPC_ERR_INVALID_ARGUMENT: NULL. IPC_ERR_SYSTEM: munmap
 * failed; `segment` is as it was. Any thread, while no other one uses
 * `segment`. Since 0.1.0.
 */
IPC_API IpcMmapUnmapResult ipc_unmap(IpcMemorySegment *segment);

/**
 * Removes the name and does what ipc_unmap does; the memory lasts until the
 * last process has unmapped it. A name that is gone already is not an error.
 * IPC_ERR_INVALID_ARGUMENT: NULL. IPC_ERR_SYSTEM: the name could not be
 * removed, or munmap failed; `segment` is as it was. Any thread, as ipc_unmap;
 * blocks as file operations do. Since 0.1.0.
 */
IPC_API IpcMmapUnlinkResult ipc_unlink(IpcMemorySegment *segment);

#ifdef __cplusplus
}
#endif
#endif
