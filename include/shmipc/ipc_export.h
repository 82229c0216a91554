/* SPDX-License-Identifier: MIT */
/*
 * libshmipc: how public functions are declared: seen from outside of the shared
 * library, and with C names in C++. SHMIPC_* are the names that code written
 * for the original libshmipc knows; programs may use them too.
 */
#ifndef SHMIPC_IPC_EXPORT_H
#define SHMIPC_IPC_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define IPC_API        __attribute__((visibility("default")))
#define IPC_UNUSED_    __attribute__((unused))
/* No warning about what follows under -pedantic. */
#define IPC_EXTENSION_ __extension__
#define IPC_NODISCARD_ __attribute__((warn_unused_result))
#else
#define IPC_API
#define IPC_UNUSED_
#define IPC_EXTENSION_
#define IPC_NODISCARD_
#endif

/* Results that tell of what else is lost unnoticed (a write that found no
 * space, a read that found no entry, a create that failed) have to be looked
 * at: gcc and clang warn (-Wunused-result) if a program does not. Where it
 * means not to, it says so by IPC_IGNORE; a program that never wants to be told
 * is compiled with -DIPC_IGNORE_UNUSED_RESULTS. */
#ifdef IPC_IGNORE_UNUSED_RESULTS
#undef IPC_NODISCARD_
#define IPC_NODISCARD_
#endif

/** Does `call`, which returns a result of this library, and looks away. A cast
 * to void is not enough for gcc. Since 0.1.0. */
#define IPC_IGNORE(call) ((void)((call).ipc_status))

#define SHMIPC_API       IPC_API

#ifdef __cplusplus
#define SHMIPC_BEGIN_DECLS extern "C" {
#define SHMIPC_END_DECLS   }
#else
#define SHMIPC_BEGIN_DECLS
#define SHMIPC_END_DECLS
#endif

#endif
