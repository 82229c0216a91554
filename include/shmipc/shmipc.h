/* SPDX-License-Identifier: MIT */
/*
 * libshmipc: every public header but ipc_uring.h, which is not installed
 * everywhere.
 */
#ifndef SHMIPC_SHMIPC_H
#define SHMIPC_SHMIPC_H

#include <shmipc/ipc_acknowledge.h>
#include <shmipc/ipc_batch.h>
#include <shmipc/ipc_buffer.h>
#include <shmipc/ipc_buffer_types.h>
#include <shmipc/ipc_channel.h>
#include <shmipc/ipc_channel_types.h>
#include <shmipc/ipc_common.h>
#include <shmipc/ipc_compat.h>
#include <shmipc/ipc_export.h>
#include <shmipc/ipc_mmap.h>
#include <shmipc/ipc_newest.h>
#include <shmipc/ipc_open.h>
#include <shmipc/ipc_service.h>
#include <shmipc/ipc_share.h>
#include <shmipc/ipc_subscribe.h>
#include <shmipc/ipc_tap.h>
#include <shmipc/ipc_waitset.h>

#endif
