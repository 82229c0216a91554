/* SPDX-License-Identifier: MIT */
/* What both files of the stepper of calls share: calls.c says what it does. */
#ifndef SHMIPC_CRASH_CALLS_H
#define SHMIPC_CRASH_CALLS_H

#include "crash.h"

extern char name[64]; /* of the service; its clients' channels begin with it */

int names_left(void);
void remove_names(void);

/* All channels of that name that there are now, or none. */
void watch_all(void);
void watch_nothing(void);

#endif
