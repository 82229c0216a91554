/* SPDX-License-Identifier: MIT */
/*
 * The only place where atomics are spelled. Each call names its order; the
 * reason stands where it is called. The model checker replaces the second half
 * of this header with a scheduler that owns every step (tests/model/).
 */
#ifndef SHMIPC_ATOMICS_H
#define SHMIPC_ATOMICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A lock hidden inside an "atomic" would not be shared between processes. */
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "needs lock-free 64-bit atomics");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "needs lock-free 32-bit atomics");

typedef _Atomic uint64_t atomic_u64;
typedef _Atomic uint32_t atomic_u32;

/* Whether every read-modify-write is a full fence too, whatever order it asks
 * for: a locked instruction is. */
#if defined(__x86_64__) || defined(__i386__)
#define ATOMIC_RMW_IS_FENCE 1
#else
#define ATOMIC_RMW_IS_FENCE 0
#endif

/* Whether a CPU makes its stores visible in their order, and does its loads in
 * theirs: then release and acquire fences bind the compiler alone. */
#define ATOMIC_KEEPS_ORDER ATOMIC_RMW_IS_FENCE

#ifdef SHMIPC_MODEL
#include "model_atomics.h"
#else

#define atomic_get_relaxed(p) atomic_load_explicit(p, memory_order_relaxed)
#define atomic_get_acquire(p) atomic_load_explicit(p, memory_order_acquire)
#define atomic_put_relaxed(p, v)                                               \
    atomic_store_explicit(p, v, memory_order_relaxed)
#define atomic_put_release(p, v)                                               \
    atomic_store_explicit(p, v, memory_order_release)
#define atomic_add_relaxed(p, v)                                               \
    atomic_fetch_add_explicit(p, v, memory_order_relaxed)
#define atomic_add_acq_rel(p, v)                                               \
    atomic_fetch_add_explicit(p, v, memory_order_acq_rel)
#define atomic_add_release(p, v)                                               \
    atomic_fetch_add_explicit(p, v, memory_order_release)
#define atomic_or_relaxed(p, v)                                                \
    atomic_fetch_or_explicit(p, v, memory_order_relaxed)
#define atomic_swap_relaxed(p, v)                                              \
    atomic_exchange_explicit(p, v, memory_order_relaxed)
#define atomic_swap_acq_rel(p, v)                                              \
    atomic_exchange_explicit(p, v, memory_order_acq_rel)

/* True if *p was `seen` and now is `next`; never fails spuriously. */
static inline bool atomic_cas_relaxed(atomic_u64 *p, uint64_t seen,
                                      uint64_t next)
{
    return atomic_compare_exchange_strong_explicit(
        p, &seen, next, memory_order_relaxed, memory_order_relaxed);
}

static inline bool atomic_cas_release(atomic_u64 *p, uint64_t seen,
                                      uint64_t next)
{
    return atomic_compare_exchange_strong_explicit(
        p, &seen, next, memory_order_release, memory_order_relaxed);
}

static inline bool atomic_cas32_relaxed(atomic_u32 *p, uint32_t seen,
                                        uint32_t next)
{
    return atomic_compare_exchange_strong_explicit(
        p, &seen, next, memory_order_relaxed, memory_order_relaxed);
}

static inline bool atomic_cas32_acq_rel(atomic_u32 *p, uint32_t seen,
                                        uint32_t next)
{
    return atomic_compare_exchange_strong_explicit(
        p, &seen, next, memory_order_acq_rel, memory_order_acquire);
}

static inline bool atomic_cas_acq_rel(atomic_u64 *p, uint64_t seen,
                                      uint64_t next)
{
    return atomic_compare_exchange_strong_explicit(
        p, &seen, next, memory_order_acq_rel, memory_order_acquire);
}

/* Store-load barrier. ThreadSanitizer knows no fences; a locked instruction
 * is one on the machines it runs on. */
static inline void atomic_full_fence(void)
{
#if defined(__SANITIZE_THREAD__) || defined(SHMIPC_TSAN)
    static atomic_u64 dummy;
    atomic_fetch_add_explicit(&dummy, 1, memory_order_seq_cst);
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* Fences that order what is before a store, or behind a load, though neither is
 * atomic. ThreadSanitizer, which knows no fences, runs on machines that keep
 * the order. */
static inline void atomic_fence_release(void)
{
#if defined(__SANITIZE_THREAD__) || defined(SHMIPC_TSAN)
    atomic_signal_fence(memory_order_release);
#else
    atomic_thread_fence(memory_order_release);
#endif
}

static inline void atomic_fence_acquire(void)
{
#if defined(__SANITIZE_THREAD__) || defined(SHMIPC_TSAN)
    atomic_signal_fence(memory_order_acquire);
#else
    atomic_thread_fence(memory_order_acquire);
#endif
}

/* For loops that wait for another CPU. */
static inline void atomic_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ __volatile__("pause");
#elif defined(__aarch64__)
    __asm__ __volatile__("isb");
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

/* For words of a handle that are mere hints: its threads may lose each other's
 * stores without harm. */
#define atomic_hint(p)        atomic_get_relaxed(p)
#define atomic_set_hint(p, v) atomic_put_relaxed(p, v)

/* A clock that costs next to nothing; a tick is from a fraction of a nanosecond
 * to a few of them. 0 where user code has none. */
static inline uint64_t atomic_ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
}

/* Asks for a line before it is needed: to be read, or to be written, so that
 * it need not be asked for twice. Any address will do. */
static inline void atomic_prefetch(const void *p)
{
    __builtin_prefetch(p);
}

static inline void atomic_prefetch_write(const void *p)
{
#if defined(__x86_64__)
    /* Compilers use it only if told that every CPU has it. Where one has not,
     * it does nothing. */
    __asm__ __volatile__("prefetchw %0" : : "m"(*(const char *)p));
#else
    __builtin_prefetch(p, 1);
#endif
}

/* Keeps the compiler from moving a load above a store. */
static inline void atomic_compiler_fence(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

#endif
#endif
