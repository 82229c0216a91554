/* SPDX-License-Identifier: MIT */
/*
 * How the checker builds the library: with futexes, and nothing to poll.
 */
#define SHMIPC_DEFAULT_WAIT IPC_WAIT_FUTEX
