/* SPDX-License-Identifier: MIT */
/*
 * The library's calls are no cancellation points, though open(), read() and
 * close() are: a thread that ended in one of them would leave a lock or a
 * descriptor behind, or others without their wake. So whoever calls these turns
 * cancellation off meanwhile. Where a user wants blocked calls to be
 * cancellation points, the sleep in wait.c is one, and nothing else.
 */
#ifndef SHMIPC_CANCEL_H
#define SHMIPC_CANCEL_H

#include <pthread.h>

/* Returns what cancel_restore() is to be given. */
static inline int cancel_disable(void)
{
    int state;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    return state;
}

static inline void cancel_restore(int state)
{
    pthread_setcancelstate(state, NULL);
}

#endif
