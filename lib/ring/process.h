/* SPDX-License-Identifier: MIT */
/*
 * Who this process is, and whether another one still lives. Process-local: no
 * shared memory is touched here. The model checker has its own version.
 *
 * ORDERING
 *   label   released by            acquired by       so that
 *   page    make_page()            process_token()   it is mapped and empty
 *   token   process_token_make()   process_token()   `self` is there
 */
#ifndef SHMIPC_PROCESS_H
#define SHMIPC_PROCESS_H

#include "ring/atomics.h"

struct process_id {
    uint32_t pid;            /* 1 to 2^22 - 1, in its own pid namespace */
    uint32_t pid_namespace;  /* 27 bits, see process.c; 0: unknown */
    uint32_t time_namespace; /* inode number; 0: unknown */
    uint32_t boot;           /* hash of the boot's id; 0: unknown */
    uint64_t start_time;     /* clock ticks since boot, never 0; 1: unknown */
    uint64_t image; /* of the program: another one after exec(); 0: unknown */
    uint64_t stack; /* hash of where the stack is; 0: unknown */
};

enum process_fate {
    PROCESS_LIVES,
    PROCESS_SEEMS_ALIVE, /* one with that pid is there, which is all we know */
    PROCESS_IS_DEAD,
    PROCESS_UNKNOWN,
};

/*
 * A number that belongs to this process alone and is not inherited over fork: a
 * handle that remembers another one was inherited. Costs two loads after the
 * first call, which may fail (0 then, with errno).
 */
#ifdef SHMIPC_MODEL
uint64_t process_token(void);
#else
uint64_t process_token_make(void);
extern atomic_u64 *_Atomic process_token_page;

static inline uint64_t process_token(void)
{
    /* Acquire [page]: it is mapped and empty. */
    atomic_u64 *page = atomic_get_acquire(&process_token_page);
    /* Acquire [token]: who we are has been found out. */
    uint64_t token =
        __builtin_expect(page != 0, 1) ? atomic_get_acquire(page) : 0;

    return __builtin_expect(token != 0, 1) ? token : process_token_make();
}
#endif

/* Whether `token` is this process's, or PROCESS_NOBODY. For who has a handle,
 * with which the page came; a child that has not found out who it is is taken
 * for somebody else, so that nothing has to be called. */
#define PROCESS_NOBODY UINT64_MAX

static inline bool process_has_token(uint64_t token)
{
#ifdef SHMIPC_MODEL
    return process_token() == token;
#else
    /* Acquire [page] [token]: as above. */
    return atomic_get_acquire(atomic_get_acquire(&process_token_page)) == token;
#endif
}

/* Who we are. What could not be found out before, because descriptors or memory
 * had run out, is looked for again. */
struct process_id process_self(void);

/* 27 bits for a pid namespace's inode number, which are what it is beyond this
 * one; 0: it is none that fits. And back. */
#define PROCESS_NAMESPACE_FIRST UINT64_C(0xeffffff0)
uint32_t process_namespace_number(uint64_t inode);

static inline uint64_t process_namespace_inode(uint32_t number)
{
    return number ? PROCESS_NAMESPACE_FIRST + number : 0;
}

/* The wall clock, ns. */
uint64_t process_now(void);

/* A clock that nobody sets, ns. */
int64_t process_clock(void);

/* A number that no other call in this process returned: names a handle. */
uint32_t process_next_handle(void);

/* A number for a region that is being formatted: not 0, not `last`, and as good
 * as never one that was given before, on any machine. */
uint64_t process_creation_number(uint64_t last);

/*
 * Dead means: it was of an earlier boot; or no process of our pid namespace has
 * that pid, or one that started at another time, or another program since
 * exec(), or all that is left is a zombie. Unknown means another pid namespace,
 * or a process that is there but started by a clock that is not ours. `image`
 * is 0 for one of which only pid and pid namespace are known yet.
 */
enum process_fate process_fate(const struct process_id *id);

/*
 * A full fence in every running process that is registered with the kernel for
 * it (membarrier). A process that could not register has to fence on its own
 * account: process_needs_fence().
 */
void process_fence_others(void);

#ifdef SHMIPC_MODEL
bool process_needs_fence(void);
#else
extern atomic_u32 process_has_membarrier;

static inline bool process_needs_fence(void)
{
    /* Relaxed: set before this process's token; and an extra fence does no
     * harm. */
    return atomic_get_relaxed(&process_has_membarrier) == 0;
}
#endif

#endif
