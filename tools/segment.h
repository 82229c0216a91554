/* SPDX-License-Identifier: MIT */
/*
 * A segment as a file: found by its name, mapped for reading only, whoever made
 * it and whatever is in it. A file that others cut short while we look is
 * zeros from then on, and no SIGBUS.
 */
#ifndef SHMIPC_TOOLS_SEGMENT_H
#define SHMIPC_TOOLS_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* Where shm_open() has them. */
#define SEGMENT_DIRECTORY "/dev/shm"

struct segment {
    char *name; /* what users say: "/prices", or the path; printable */
    char *path;
    int fd; /* for reading */
    struct stat file;
    const unsigned char
        *memory; /* NULL: it has no bytes, or cannot be mapped */
    size_t size;
};

/* The path of what a user names: "/prices" and "prices" are in
 * SEGMENT_DIRECTORY, and what has a slash elsewhere is a path itself. NULL: it
 * is empty, or "." or "..". To be freed. */
char *segment_path(const char *name);

/* 0, or errno; EINVAL: no file whose bytes could be shared, or no name. It is
 * to be closed in either case. */
int segment_open(struct segment *s, const char *name);
int segment_open_in(struct segment *s, const char *directory, const char *name);
void segment_close(struct segment *s);

/* Whether all that was read from the memory was in the file. */
bool segment_was_whole(const struct segment *s);

/* Whether the name still leads to the file. */
bool segment_is_in_place(const struct segment *s);

/* The name of a user or "1234": in the second argument if need be. */
const char *segment_owner(uid_t uid, char number[24]);

#endif
