/* SPDX-License-Identifier: MIT */
#ifndef SHMIPC_TOOLS_MESSAGE_JSON_H
#define SHMIPC_TOOLS_MESSAGE_JSON_H

#include "output.h"
#include <shmipc/ipc_common.h>

/* Appends a message as an object on a line of its own: its offset, its size,
 * and "text", or "base64" if it is not UTF-8. False: as output_put(). */
bool message_json_put(struct output *o, const IpcEntry *message);

#endif
