/* SPDX-License-Identifier: MIT */
/*
 * Included by lib/ring/payload.h under SHMIPC_MODEL: a copy of payload is
 * several steps, one per chunk of a block, with room for others in between.
 */
#ifndef MODEL_PAYLOAD_H
#define MODEL_PAYLOAD_H

#include <stddef.h>

void payload_store(unsigned char *to, const void *from, size_t size);
void payload_load_owned(void *to, const unsigned char *from, size_t size);
void payload_give_back(unsigned char *lines, size_t size);
void payload_load_unowned(void *to, const unsigned char *from, size_t size);

#endif
