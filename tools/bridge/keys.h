/* SPDX-License-Identifier: MIT */
/*
 * Keys of CURVE, 40 letters of Z85 each. A secret key is in a file that its
 * owner alone can read, with the public one beside it; lists of keys have one
 * at the beginning of each line, and "#" begins a comment.
 */
#ifndef SHMIPC_BRIDGE_KEYS_H
#define SHMIPC_BRIDGE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

enum { KEYS_LETTERS = 40 };

/* Makes PREFIX.key and PREFIX.pub, neither of which may exist. NULL, or what is
 * wrong. */
const char *keys_make(const char *prefix);

/* Reads PREFIX.key, or whatever the file is called. NULL, or what is wrong:
 * others can read it, it has no keys, ... */
const char *keys_read_pair(const char *path, char secret[KEYS_LETTERS + 1],
                           char public[KEYS_LETTERS + 1]);

/* Whether it is a list that can be read, and that others cannot write. NULL, or
 * what is wrong. */
const char *keys_check_list(const char *path);

/* The first key of a list. NULL, or what is wrong. */
const char *keys_read_public(const char *path, char public[KEYS_LETTERS + 1]);

/* Whether the key is one of the list; false also if keys_check_list() finds
 * something wrong. */
bool keys_are_listed(const char *path, const char *public);

#endif
