/* SPDX-License-Identifier: MIT */
/*
 * A configuration: each line is what would be behind `shmipc bridge` on a
 * command line, "out ..." or "in ..."; "#" begins a comment.
 */
#ifndef SHMIPC_BRIDGE_CONFIG_H
#define SHMIPC_BRIDGE_CONFIG_H

#include "bridge/fleet.h"

/* Whether each line can be read; complaints if not. Starts nothing. */
bool config_check(const char *path);

/* Starts what is new in the configuration, and ends what is not in it any more.
 * False, after a complaint: something could not be started. It was checked. */
bool config_apply(const char *path, struct fleet *fleet);

#endif
