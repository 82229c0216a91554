/* SPDX-License-Identifier: MIT */
/*
 * libshmipc, names of the original interface: what code written for it calls
 * the bodies of a channel's errors. Here they are those of the buffer, and the
 * names below mean the same types. ipc_channel.h includes this header. The same
 * kind of name elsewhere: `error.hasBody` (ipc_common.h), IpcMmapError
 * (ipc_mmap.h), SHMIPC_BEGIN_DECLS and SHMIPC_API (ipc_export.h).
 * docs/migration.md says what else differs. Since 0.1.0.
 */
#ifndef SHMIPC_IPC_COMPAT_H
#define SHMIPC_IPC_COMPAT_H

#include <shmipc/ipc_buffer.h>
#include <shmipc/ipc_export.h>

SHMIPC_BEGIN_DECLS

/** Of IpcBufferSkipForceResult. */
typedef IpcBufferSkipError IpcBufferSkipForceError;

/** Of IpcChannelResult, which ipc_channel_create returns. */
typedef IpcBufferCreateError IpcChannelOpenError;
/** Of IpcChannelConnectResult. */
typedef IpcBufferAttachError IpcChannelConnectError;
/** Of IpcChannelDestroyResult. */
typedef IpcBufferDestroyError IpcChannelDestroyError;
/** Of IpcChannelWriteResult. */
typedef IpcBufferWriteError IpcChannelWriteError;
/** Of IpcChannelReadResult. */
typedef IpcBufferReadError IpcChannelReadError;
/** Of IpcChannelReadWithTimeoutResult. */
typedef IpcBufferReadError IpcChannelReadWithTimeoutError;
/** Of IpcChannelTryReadResult. */
typedef IpcBufferReadError IpcChannelTryReadError;
/** Of IpcChannelPeekResult. */
typedef IpcBufferPeekError IpcChannelPeekError;
/** Of IpcChannelSkipResult. */
typedef IpcBufferSkipError IpcChannelSkipError;
/** Of IpcChannelSkipForceResult. */
typedef IpcBufferSkipError IpcChannelSkipForceError;

SHMIPC_END_DECLS

#endif
