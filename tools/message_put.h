/* SPDX-License-Identifier: MIT */
#ifndef SHMIPC_TOOLS_MESSAGE_PUT_H
#define SHMIPC_TOOLS_MESSAGE_PUT_H

#include "framing.h"
#include "output.h"
#include <shmipc/ipc_common.h>

/* Appends a message in one of the forms. False: as output_put(). */
bool message_put(struct output *o, enum framing framing,
                 const IpcEntry *message);

#endif
