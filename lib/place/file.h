/* SPDX-License-Identifier: MIT */
/*
 * The file behind a name, and the memory that it is mapped to.
 */
#ifndef SHMIPC_FILE_H
#define SHMIPC_FILE_H

#include <shmipc/ipc_open.h>

struct place {
    char *name; /* of the file, to be removed */
    void *memory;
    uint64_t size;
    int fd;          /* whose description holds the lock */
    int directory;   /* from which a path goes; AT_FDCWD where it needs none */
    uint32_t flags;  /* IPC_OPEN_* */
    uint64_t opener; /* token of the process */
    bool created;
};

/* A descriptor, or -1 and errno. `create`: there was none, and now is, of no
 * size. */
int file_open(const struct place *place, const char *name, bool create);
int file_open_to_lock(const char *name);
int file_remove_name(const char *name);

/* Removes the name if it is still this file's, which may have been moved. 0 or
 * errno; ENOENT: it is not. */
int file_remove(const struct place *place, const char *name);

/* Tells whose the file is, and its mode, also to who may not open it. 0 or
 * errno. */
int file_tell(const struct place *place, const char *name, IpcOpenError *body);

/* 0 or errno: whether that is a file of somebody whom we trust; tells whose. */
int file_check(int fd, uint32_t flags, IpcOpenError *body);

/* Makes a file as large as asked, with its mode and group, and maps it. 0 or
 * errno. On an error nothing is mapped. */
int file_make_memory(struct place *place, uint64_t size,
                     const IpcOpenOptions *options, const char **detail);

/* Maps what is there; and, when it is known to be what was looked for, does to
 * its pages what the options ask. 0 or errno. */
int file_map_memory(struct place *place, const char **detail);
int file_settle_memory(const struct place *place, const IpcOpenOptions *options,
                       const char **detail);
void file_unmap_memory(struct place *place);

/* What a failed system call means to who called open. */
const char *file_system_detail(int error, bool creating);

#endif
