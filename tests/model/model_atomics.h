/* SPDX-License-Identifier: MIT */
/*
 * Included by lib/ring/atomics.h under SHMIPC_MODEL: every atomic access
 * becomes a call of the model, which may hand control to another participant
 * first.
 */
#ifndef MODEL_ATOMICS_H
#define MODEL_ATOMICS_H

#include <stddef.h>

enum model_order {
    MODEL_RELAXED,
    MODEL_ACQUIRE,
    MODEL_RELEASE,
    MODEL_ACQ_REL,
};

uint64_t model_load(const volatile void *p, size_t size,
                    enum model_order order);
void model_store(volatile void *p, size_t size, uint64_t value,
                 enum model_order order);
uint64_t model_add(volatile void *p, size_t size, uint64_t value,
                   enum model_order order);
uint64_t model_swap(volatile void *p, size_t size, uint64_t value,
                    enum model_order order);
uint64_t model_or(volatile void *p, size_t size, uint64_t value,
                  enum model_order order);
bool model_cas(volatile void *p, size_t size, uint64_t seen, uint64_t next,
               enum model_order order);
void model_fence(void);
void model_fence_release(void);
void model_fence_acquire(void);
bool model_rmw_is_fence(void);

#undef ATOMIC_RMW_IS_FENCE
#define ATOMIC_RMW_IS_FENCE model_rmw_is_fence()
#undef ATOMIC_KEEPS_ORDER
#define ATOMIC_KEEPS_ORDER        0

#define atomic_get_relaxed(p)     model_load(p, sizeof *(p), MODEL_RELAXED)
#define atomic_get_acquire(p)     model_load(p, sizeof *(p), MODEL_ACQUIRE)
#define atomic_put_relaxed(p, v)  model_store(p, sizeof *(p), v, MODEL_RELAXED)
#define atomic_put_release(p, v)  model_store(p, sizeof *(p), v, MODEL_RELEASE)
#define atomic_or_relaxed(p, v)   model_or(p, sizeof *(p), v, MODEL_RELAXED)
#define atomic_add_relaxed(p, v)  model_add(p, sizeof *(p), v, MODEL_RELAXED)
#define atomic_add_release(p, v)  model_add(p, sizeof *(p), v, MODEL_RELEASE)
#define atomic_swap_relaxed(p, v) model_swap(p, sizeof *(p), v, MODEL_RELAXED)
#define atomic_add_acq_rel(p, v)  model_add(p, sizeof *(p), v, MODEL_ACQ_REL)
#define atomic_swap_acq_rel(p, v) model_swap(p, sizeof *(p), v, MODEL_ACQ_REL)
#define atomic_cas_relaxed(p, s, n)                                            \
    model_cas(p, sizeof *(p), s, n, MODEL_RELAXED)
#define atomic_cas_release(p, s, n)                                            \
    model_cas(p, sizeof *(p), s, n, MODEL_RELEASE)
#define atomic_cas_acq_rel(p, s, n)                                            \
    model_cas(p, sizeof *(p), s, n, MODEL_ACQ_REL)
#define atomic_cas32_relaxed(p, s, n)                                          \
    model_cas(p, sizeof *(p), s, n, MODEL_RELAXED)
#define atomic_cas32_acq_rel(p, s, n)                                          \
    model_cas(p, sizeof *(p), s, n, MODEL_ACQ_REL)
#define atomic_full_fence()      model_fence()
#define atomic_fence_release()   model_fence_release()
#define atomic_fence_acquire()   model_fence_acquire()
#define atomic_compiler_fence()  ((void)0)

/* No steps: what hints say changes how often somebody looks, not what they
 * may see. */
#define atomic_hint(p)           (*(p))
#define atomic_set_hint(p, v)    (*(p) = (v))
#define atomic_prefetch(p)       ((void)(p))
#define atomic_prefetch_write(p) ((void)(p))
#define atomic_cpu_relax()       ((void)0)
#define atomic_ticks()           UINT64_C(0)

#endif
