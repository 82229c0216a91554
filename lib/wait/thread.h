/* SPDX-License-Identifier: MIT */
/*
 * Threads of the library's own. They take no signals, so that a program's
 * handlers run where it expects them.
 */
#ifndef SHMIPC_THREAD_H
#define SHMIPC_THREAD_H

#include <pthread.h>

/* Starts one; 0 or an error number. */
int thread_start(pthread_t *thread, void *(*run)(void *), void *of);

#endif
