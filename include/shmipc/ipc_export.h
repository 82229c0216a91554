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
#else
#define IPC_API
#define IPC_UNUSED_
#define IPC_EXTENSION_
#endif

#define SHMIPC_API IPC_API

#ifdef __cplusplus
#define SHMIPC_BEGIN_DECLS extern "C" {
#define SHMIPC_END_DECLS   }
#else
#define SHMIPC_BEGIN_DECLS
#define SHMIPC_END_DECLS
#endif

#endif
