/* SPDX-License-Identifier: MIT */
/*
 * What /proc says of processes: what they are called, what they do, and who has
 * which file mapped.
 */
#ifndef SHMIPC_TOOLS_PROC_H
#define SHMIPC_TOOLS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct proc {
    bool is_there;
    char state;     /* as in /proc/PID/stat: 'R', 'S', 'T', 't', 'Z' ... */
    char name[17];  /* printable */
    uint64_t rests; /* ns since it last ran; UINT64_MAX: not known */
};

/* Of a pid of our namespace. */
void proc_look(pid_t pid, struct proc *proc);

/* "is stopped", "sleeps", "runs" ... */
const char *proc_state_text(char state);
static inline bool proc_is_stopped(const struct proc *proc)
{
    return proc->is_there && (proc->state == 'T' || proc->state == 't');
}

/* The inode of our own pid namespace; 0: not known. */
uint64_t proc_pid_namespace(void);

/* Whether that process of ours is the one that has a pid in the namespace of an
 * inode: one inside of ours. False where that is not to be seen. */
bool proc_is_inner(pid_t pid, uint64_t pid_namespace, uint32_t inner_pid);

/* Where a process has something mapped, or that it holds a lock on it. */
struct proc_use {
    dev_t device;
    ino_t inode;
    pid_t pid;
    uint64_t address; /* of the file's first byte, if that is mapped; else 0 */
    bool is_open;     /* by a descriptor */
    bool is_locked;   /* flock() */
};

struct proc_uses {
    struct proc_use *list;
    size_t count, room;
    size_t hidden; /* processes that could not be looked at */
};

/* All shared mappings and flock()s of this machine, as far as they can be seen;
 * with descriptors too, if asked for. To be freed. */
void proc_find_uses(struct proc_uses *uses, bool with_descriptors);
void proc_free_uses(struct proc_uses *uses);
static inline bool proc_is_use_of(const struct proc_use *use,
                                  const struct stat *file)
{
    return use->device == file->st_dev && use->inode == file->st_ino;
}

/* Whether a thread of the process is in a call that waits for the futex word at
 * an address from `from` up to `to`. False also where that is not to be
 * seen. */
bool proc_waits_at(pid_t pid, uint64_t from, uint64_t to);

#endif
