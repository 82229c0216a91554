/* SPDX-License-Identifier: MIT */
/*
 * What the tests of calls that block share.
 */
#ifndef TEST_BLOCKING_H
#define TEST_BLOCKING_H

#include "channels.h"
#include <pthread.h>

enum { BLOCKS = 4 };

static inline pthread_t later(void *(*what)(void *), IpcChannel *ch)
{
    pthread_t thread;

    must(pthread_create(&thread, NULL, what, ch) == 0);
    return thread;
}

#endif
