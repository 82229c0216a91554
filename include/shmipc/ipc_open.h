/* SPDX-License-Identifier: MIT */
/*
 * libshmipc, channels and buffers by their names: programs that start in any
 * order, at the same moment too, and are killed and started again.
 *
 *     IpcChannelOpenResult opened = ipc_channel_open("/prices", NULL);
 *
 * creates the channel if there is none of that name, and joins it otherwise.
 * The name is that of a POSIX shared memory segment; it stays, with what is in
 * the channel, until somebody removes it: ipc_channel_unlink, the option
 * IPC_OPEN_UNLINK_LAST, or a reboot.
 *
 * While a handle by name exists its process holds a shared flock() on the file;
 * who formats, replaces or removes holds an exclusive one, which the kernel
 * takes back when he dies, and with him the children that he forked meanwhile
 * and that did not exec(). So nobody sees a channel that is half made, and what
 * a killed creator leaves is made anew by who comes next: a file of size 0, or
 * one of whole pages that are all zeros, counts as that. Memory that is also
 * mapped without this header (ipc_mmap and ipc_channel_connect) can be joined
 * here, but those mappings count only once they have written or read.
 */
#ifndef SHMIPC_IPC_OPEN_H
#define SHMIPC_IPC_OPEN_H

#include <shmipc/ipc_channel.h>

#ifdef __cplusplus
extern "C" {
#endif

/** For `flags` of IpcOpenOptions. It must not exist yet: IPC_ERR_EXISTS. What a
 * creator left that was killed half-way does not count. */
#define IPC_OPEN_EXCLUSIVE    UINT32_C(1)
/** It must exist: IPC_ERR_NOT_FOUND. */
#define IPC_OPEN_CONNECT_ONLY UINT32_C(2)
/** If it exists, no handle by name is open, and every process in its owner
 * table is dead, a new one takes its name, and what was not read is lost. */
#define IPC_OPEN_REPLACE_DEAD UINT32_C(4)
/** `group` is to be the group of what is created. */
#define IPC_OPEN_GROUP        UINT32_C(8)
/** What exists may belong to any user, and not only to this one or to root.
 * Whoever owns it, or may write to it, can change what is in it at any time,
 * and can make access to it a SIGBUS. */
#define IPC_OPEN_ANY_OWNER    UINT32_C(16)
/** Memory without a name (memfd_create), for ipc_channel_share or a child; the
 * name is only what /proc shows. Always creates. */
#define IPC_OPEN_MEMFD        UINT32_C(32)
/** The name is the path of a file, in any directory that can be mapped: tmpfs,
 * hugetlbfs, DAX, a disk. */
#define IPC_OPEN_PATH         UINT32_C(64)
/** Large pages: for a name or a path on tmpfs transparent ones, where the
 * kernel gives any (shmem_enabled); with IPC_OPEN_MEMFD those of hugetlbfs,
 * which must have been set aside. */
#define IPC_OPEN_HUGE_PAGES   UINT32_C(128)
/** All pages are made present before the call returns. */
#define IPC_OPEN_PREFAULT     UINT32_C(256)
/** The pages are to be of the NUMA node `numa_node`. */
#define IPC_OPEN_NUMA_NODE    UINT32_C(512)
/** The pages are locked in memory (mlock). */
#define IPC_OPEN_LOCK_MEMORY  UINT32_C(1024)
/** When this handle is destroyed and no other by name is left, the name is
 * removed, with what was not read; a file that was renamed keeps its new one. A
 * path that does not begin at the root goes from the directory that was the
 * current one when it was opened, of which the handle keeps a descriptor. A
 * handle that a forked child inherited does not count, nor does a process that
 * was killed remove anything. */
#define IPC_OPEN_UNLINK_LAST  UINT32_C(2048)

/** The pages of what is created are not reserved, so that it is there at once
 * however large it is, and takes memory only as it is used: see
 * IPC_MMAP_SPARSE. Whoever uses it can get a SIGBUS where the file system is
 * full. */
#define IPC_OPEN_SPARSE       UINT32_C(4096)

/**
 * How to open. Set `struct_size` to sizeof(IpcOpenOptions) and the rest to zero
 * for the defaults.
 */
typedef struct IpcOpenOptions {
    size_t struct_size;
    /** IPC_OPEN_* or 0. */
    uint32_t flags;
    /** Permission bits of what is created, exactly these whatever the umask, at
     * most 0777; 0 means 0600. */
    uint32_t mode;
    /** Bytes of data that what is created has room for, as for
     * ipc_channel_align_size, rounded up to whole pages; 0 means 1 MiB. What
     * exists is joined whatever its size. */
    uint64_t size;
    /** How long to wait for a creator that is slow or stopped, ns; 0 means one
     * second, UINT64_MAX for ever. */
    uint64_t timeout_ns;
    /** With IPC_OPEN_GROUP: one of the caller's groups. */
    uint32_t group;
    /** With IPC_OPEN_NUMA_NODE: the node's number, at most 1023. */
    uint32_t numa_node;
    /** As for ipc_channel_create: `flags` and `max_owners` are for what is
     * created, the rest for this handle; the first three members zero means the
     * defaults. Has neither IPC_CHANNEL_HAS_MEMORY_FD, IPC_BUFFER_ZEROED nor
     * IPC_BUFFER_RECREATE: open never formats anew what is there. For
     * ipc_buffer_open `flags` and `max_owners` count. */
    IpcChannelConfiguration configuration;
    uint64_t reserved[4];
} IpcOpenOptions;

typedef struct IpcOpenError {
    /** errno of the system call that failed, or 0. */
    int sys_errno;
    /** Of what exists: user, permission bits, size in bytes; also with
     * EACCES, if its directory can be searched. */
    uint32_t owner;
    uint32_t mode;
    /** Of what exists, with IPC_ERR_LAYOUT_VERSION; 0 if it has another byte
     * order. And this library's. */
    uint32_t layout_version;
    uint32_t own_layout_version;
    uint32_t reserved32;
    uint64_t existing_size;
    /** The number that `detail` speaks of: the value that a member of the
     * options or of the configuration has, or a pid; else 0. */
    int64_t value;
} IpcOpenError;
IPC_RESULT(IpcChannelOpenResult, IpcChannel *, IpcOpenError)
IPC_RESULT_UNIT(IpcChannelUnlinkResult, IpcOpenError)
IPC_RESULT(IpcBufferOpenResult, IpcBuffer *, IpcOpenError)
IPC_RESULT_UNIT(IpcBufferUnlinkResult, IpcOpenError)

/**
 * Creates the channel `name`, or joins the one that exists. NULL for `options`
 * means the defaults.
 *
 * IPC_OK: `result` is to be given to ipc_channel_destroy, which releases the
 * mapping and the descriptors as well. The handle can be used by a forked child
 * like any other.
 * IPC_ERR_INVALID_ARGUMENT: the name is NULL, empty, too long or has a slash
 * other than the first character (without IPC_OPEN_PATH); another struct_size,
 * unknown flags or flags that exclude each other, a mode beyond 0777, a size
 * that no buffer can have, a group or node without its flag, reserved members
 * that are not zero, or a configuration that is impossible, as for
 * ipc_channel_create.
 * IPC_ERR_EXISTS, IPC_ERR_NOT_FOUND: see the flags.
 * IPC_ERR_INITIALIZING: the time passed while another process was creating it,
 * or held the file's lock; or it was removed and created all the time.
 * IPC_ERR_NOT_FORMATTED: it exists and is something else.
 * IPC_ERR_LAYOUT_VERSION, IPC_ERR_CORRUPTED, IPC_ERR_TRUNCATED: as for
 * ipc_channel_connect.
 * IPC_ERR_UNSUPPORTED, IPC_ERR_ALLOCATION: as for ipc_channel_create; the
 * former also for a kernel without what the flags ask for.
 * IPC_ERR_SYSTEM: a system call failed, see `sys_errno`: ENOSPC, the file
 * system is full; EACCES, the mode of what exists or of a directory forbids it;
 * EPERM, it belongs to another user, a group or node is not allowed, or what
 * was to be replaced could not be removed; EFBIG, RLIMIT_FSIZE forbids it;
 * ENOMEM, also where large pages were not set aside; ELOOP, it is a symbolic
 * link; EROFS, and so on. What this call created, or found half made, is
 * removed again.
 *
 * Any thread. Allocates; blocks as file operations do and at most the timeout;
 * it is not a cancellation point. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelOpenResult
ipc_channel_open(const char *name, const IpcOpenOptions *options);

/** Whether ipc_channel_open created what the handle is of; false for NULL. Any
 * thread; never blocks. Since 0.1.0. */
IPC_API bool ipc_channel_created(const IpcChannel *channel);

/**
 * Removes the name of a segment. Who has it open goes on with it; who opens the
 * name from now on gets a new one.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: as for ipc_channel_open; a path is removed
 * by unlink(). IPC_ERR_NOT_FOUND: there is none. IPC_ERR_SYSTEM: it could not
 * be removed, see `sys_errno`. Any thread; blocks as file operations do, and
 * for at most 100 ms while another process creates, replaces or removes it.
 * Since 0.1.0.
 */
IPC_API IpcChannelUnlinkResult ipc_channel_unlink(const char *name);

/**
 * The same for a buffer: creates or joins it, with the statuses of
 * ipc_channel_open. `result` is to be given to ipc_buffer_destroy. Allocates;
 * blocks as file operations do and at most the timeout. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcBufferOpenResult
ipc_buffer_open(const char *name, const IpcOpenOptions *options);

/** Whether ipc_buffer_open created what the handle is of; false for NULL. Any
 * thread; never blocks. Since 0.1.0. */
IPC_API bool ipc_buffer_created(const IpcBuffer *buffer);

/** The same as ipc_channel_unlink, with its statuses. Any thread; blocks as
 * that does. Since 0.1.0. */
IPC_API IpcBufferUnlinkResult ipc_buffer_unlink(const char *name);

#ifdef __cplusplus
}
#endif
#endif
