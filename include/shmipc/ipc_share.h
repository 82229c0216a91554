/* SPDX-License-Identifier: MIT */
/*
 * libshmipc, channel layer: channels that travel over Unix sockets, to
 * processes that have no name for the memory. Included by ipc_channel.h.
 */
#ifndef SHMIPC_IPC_SHARE_H
#define SHMIPC_IPC_SHARE_H

#include <shmipc/ipc_channel_types.h>
#include <shmipc/ipc_common.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What ipc_channel_accept makes. */
typedef struct IpcSharedChannel {
    IpcChannel *channel;
    /** The mapping that the channel is in; the library's. */
    void *memory;
    uint64_t size;
    /** The memory is not sealed against shrinking (F_SEAL_SHRINK of a memfd):
     * if a process that has it cuts it short, using the channel raises
     * SIGBUS. That it is sealed says nothing about holes: see
     * ipc_channel_share. */
    bool can_shrink;
} IpcSharedChannel;
IPC_RESULT_UNIT(IpcChannelShareResult, IpcChannelSystemError)
IPC_RESULT(IpcChannelAcceptResult, IpcSharedChannel, IpcChannelSystemError)
IPC_RESULT_UNIT(IpcChannelLeaveSharedResult, IpcChannelSystemError)

/**
 * Sends, over a connected Unix socket of type SOCK_STREAM or SOCK_SEQPACKET,
 * what another process needs to join the channel: one short message with the
 * memory's descriptor and the eventfd, if this handle has one. `memory_fd` is
 * what memfd_create made, or shm_open("name", O_RDWR, 0) for a segment; its
 * first byte is the first byte of the memory that the channel was created in,
 * and `size` how much to map. All descriptors stay the caller's. For a handle
 * from ipc_channel_open `memory_fd` is -1 and `size` 0: it knows its memory.
 *
 * The receiver can read, write and damage the channel, but not crash a program
 * that uses it, with two exceptions, both by SIGBUS: a process may shrink the
 * file, unless it is sealed by F_SEAL_SHRINK, which this call does to a memfd
 * made with MFD_ALLOW_SEALING; and it may punch a hole into the file
 * (FALLOC_FL_PUNCH_HOLE, MADV_REMOVE) while there is no memory for a new page:
 * /dev/shm full, or the memory limit of a control group reached. Against holes
 * there is no seal that leaves the memory writable, so share with processes
 * only that you would also let end yours.
 *
 * IPC_OK. IPC_ERR_INVALID_ARGUMENT: NULL; `size` is less than the channel
 * or more than the file; or -1 and 0 for a handle that was not opened by name.
 * IPC_ERR_SYSTEM: see `sys_errno`; EAGAIN if the socket does not block and is
 * full. After any other error on a stream part of the message may be sent:
 * close the socket. Blocks as the socket does; never raises SIGPIPE; is no
 * cancellation point. Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelShareResult ipc_channel_share(
    IpcChannel *channel, int socket, int memory_fd, uint64_t size);

/**
 * Receives what ipc_channel_share sent, maps the memory and connects; the
 * memory's descriptor comes along, so that of the configuration is ignored.
 * Whatever its `wait`, the handle can wake those that poll the eventfd; to poll
 * that itself takes IPC_WAIT_EVENTFD. The sender is not trusted: what it sent
 * is checked and, if wrong, closed. One thing cannot be checked: a sender that
 * later reads the eventfd or changes its flags can make wake-ups come late, not
 * at all, or block.
 *
 * IPC_OK: `result` is to be given to ipc_channel_leave_shared.
 * IPC_ERR_CORRUPTED: it is not a message of ipc_channel_share, or the wrong
 * descriptors came with it. IPC_ERR_LAYOUT_VERSION: it is of another version.
 * IPC_ERR_TRUNCATED: the memory is shorter than said.
 * IPC_ERR_SYSTEM: see `sys_errno`; EAGAIN if the socket does not block and
 * nothing is there, ECONNRESET if the other side has closed it.
 * Others as for ipc_channel_connect_sized. After an error other than EAGAIN
 * the socket is of no more use. Allocates; blocks as the socket does; a
 * cancellation point if `configuration` says so, until a message is there.
 * Since 0.1.0.
 */
IPC_API IPC_NODISCARD_ IpcChannelAcceptResult
ipc_channel_accept(int socket, IpcChannelConfiguration configuration);

/**
 * Releases the handle, as ipc_channel_destroy does, and the mapping, and clears
 * `shared`. IPC_ERR_INVALID_ARGUMENT: NULL, or cleared. IPC_ERR_SYSTEM: munmap
 * failed; the handle is gone. Since 0.1.0.
 */
IPC_API IpcChannelLeaveSharedResult
ipc_channel_leave_shared(IpcSharedChannel *shared);

#ifdef __cplusplus
}
#endif
#endif
