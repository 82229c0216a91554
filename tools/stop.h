/* SPDX-License-Identifier: MIT */
/*
 * Ending at a signal, but not in the middle of a message. The first SIGINT,
 * SIGTERM or SIGHUP only asks; a second one ends the program at once, for those
 * whose output nobody takes.
 */
#ifndef SHMIPC_TOOLS_STOP_H
#define SHMIPC_TOOLS_STOP_H

#include <shmipc/ipc_channel.h>
#include <stdbool.h>

/* From now on signals ask. False, with a complaint, if that cannot be had. */
bool stop_arm(void);
bool stop_asked(void);
/* Who asks ends the blocked calls of this handle as well; NULL: of none, before
 * it is destroyed. */
void stop_interrupts(IpcChannel *channel);
/* Waits until `fd` can be read, or has ended; false: we are asked to stop. */
bool stop_wait_readable(int fd);
/* When all is tidied up: ends the program by the signal that asked, so that a
 * shell sees who ended it; `code` if none did. */
int stop_finish(int code);
/* Ends the program as a write to a pipe that nobody reads does. */
_Noreturn void stop_by_broken_pipe(void);

#endif
