/* SPDX-License-Identifier: MIT */
/*
 * What a machine, or the container that one is in, lacks for libshmipc.
 */
#ifndef SHMIPC_TOOLS_MACHINE_H
#define SHMIPC_TOOLS_MACHINE_H

#include "finding.h"

/* `directory`: where segments are. */
void machine_judge(const char *directory, struct findings *to);

#endif
