/* SPDX-License-Identifier: MIT */
/*
 * What memory.c has to know of locations beside their numbers.
 */
#ifndef MODEL_LOCATIONS_H
#define MODEL_LOCATIONS_H

#include "model.h"

struct locations {
    int count;
    int first_chunk, chunk_end; /* of payload */
    void *home[LOCATIONS_MAX];  /* where each begins */
    uint8_t bytes[LOCATIONS_MAX];
    bool is_wait_word[LOCATIONS_MAX];
};
extern struct locations map;

#endif
