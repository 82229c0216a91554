/* SPDX-License-Identifier: MIT */
#include "wait/thread.h"
#include <signal.h>

/* They only sleep, look, and judge who lives, which reads files into buffers of
 * some hundred bytes: so that a thousand of them are no burden to a program
 * that locks its memory. */
enum { STACK_BYTES = 256 * 1024 };

int thread_start(pthread_t *thread, void *(*run)(void *), void *of)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int error = pthread_attr_init(&attributes);

    if (error)
        return error;
    /* If that is too little here, the default is what this system wants. */
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(thread, &attributes, run, of);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}
