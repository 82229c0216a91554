/* SPDX-License-Identifier: MIT */
/*
 * The mistakes that users make with names, of channels and of segments.
 */
#ifndef TEST_MISTAKES_BY_NAME_H
#define TEST_MISTAKES_BY_NAME_H

#include "../own_name.h"
#include "mistakes.h"
#include <fcntl.h>

static IpcOpenOptions with_flags(uint32_t flags)
{
    return (IpcOpenOptions){.struct_size = sizeof(IpcOpenOptions),
                            .flags = flags};
}

static const char *long_name(size_t length)
{
    static char name[5000];

    memset(name, 'x', length);
    name[length] = '\0';
    return name;
}

static void names(void)
{
    const IpcStatus wrong = IPC_ERR_INVALID_ARGUMENT;
    IpcOpenOptions path = with_flags(IPC_OPEN_PATH);
    IpcOpenOptions memfd = with_flags(IPC_OPEN_MEMFD);

    must_tell("open NULL", ipc_channel_open(NULL, NULL), wrong,
              "the name is NULL", "pass one like");
    must_tell("open \"/\"", ipc_channel_open("/", NULL), wrong,
              "the name is empty", "pass one like");
    must_tell("open \"/a/b\"", ipc_channel_open("/a/b", NULL), wrong,
              "has a slash", "IPC_OPEN_PATH");
    must_tell("open \"..\"", ipc_channel_open("..", NULL), wrong,
              "are directories", "use one like");
    must_tell("open 256 bytes", ipc_channel_open(long_name(256), NULL), wrong,
              "too long", "at most 255");
    must_tell("open memory by 250 bytes",
              ipc_channel_open(long_name(250), &memfd), wrong, "too long",
              "at most 249");
    must_tell("open path \"\"", ipc_channel_open("", &path), wrong,
              "the path is empty", "that of a file");
    must_tell("open a path of 4096 bytes",
              ipc_channel_open(long_name(4096), &path), wrong, "too long",
              "4096");
    must_tell("unlink \"a/b\"", ipc_channel_unlink("a/b"), wrong, "has a slash",
              "unlink()");
}

static void names_of_segments(void)
{
    const IpcStatus wrong = IPC_ERR_INVALID_ARGUMENT;
    IpcMmapOptions options = {.struct_size = 3};

    must_tell("mmap NULL", ipc_mmap(NULL, 1), wrong, "the name is NULL",
              "use one like");
    must_tell("mmap \"\"", ipc_mmap("", 1), wrong, "the name is empty",
              "use one like");
    must_tell("mmap \"a/b\"", ipc_mmap("a/b", 1), wrong, "has a slash",
              "use one like");
    must_tell("mmap \"/.\"", ipc_mmap("/.", 1), wrong, "is \".\"",
              "use one like");
    must_tell("mmap 256 bytes", ipc_mmap(long_name(256), 1), IPC_ERR_SYSTEM,
              "too long", "at most 255");
    must_tell("mmap size 0", ipc_mmap("/x", 0), wrong, "the size is 0",
              "say how many");
    must_tell("mmap UINT64_MAX", ipc_mmap("/x", UINT64_MAX), wrong,
              "the size is more than", "ask for less");
    must_tell("mmap another struct_size",
              ipc_mmap_with_options("/x", 1, &options), wrong, "struct_size",
              "sizeof(IpcMmapOptions)");
    options.struct_size = sizeof options;
    options.flags = 64;
    must_tell("mmap unknown flags", ipc_mmap_with_options("/x", 1, &options),
              wrong, "flags has", "use IPC_MMAP_*");
    options.flags = 0;
    options.mode = 01777;
    must_tell("mmap mode 1777", ipc_mmap_with_options("/x", 1, &options), wrong,
              "mode is above 0777", "permission bits");
    options.mode = 0;
    options.group = 1;
    must_tell("mmap a group only", ipc_mmap_with_options("/x", 1, &options),
              wrong, "group is set", "IPC_MMAP_GROUP");
    options.group = 0;
    options.reserved[1] = 1;
    must_tell("mmap reserved", ipc_mmap_with_options("/x", 1, &options), wrong,
              "reserved", "zero");
    must_tell("unmap NULL", ipc_unmap(NULL), wrong, "the segment is NULL",
              "what ipc_mmap returned");
    must_tell("unlink segment NULL", ipc_unlink(NULL), wrong,
              "nothing to unlink", "what ipc_mmap returned");
}

static void flags_that_exclude_each_other(void)
{
    static const struct {
        const char *mistake, *one, *other;
        uint32_t flags;
    } pairs[] = {
#define PAIR(a, b) {"open with " #a " and " #b, #a, #b, a | b}
        PAIR(IPC_OPEN_CONNECT_ONLY, IPC_OPEN_EXCLUSIVE),
        PAIR(IPC_OPEN_CONNECT_ONLY, IPC_OPEN_REPLACE_DEAD),
        PAIR(IPC_OPEN_CONNECT_ONLY, IPC_OPEN_GROUP),
        PAIR(IPC_OPEN_CONNECT_ONLY, IPC_OPEN_SPARSE),
        PAIR(IPC_OPEN_CONNECT_ONLY, IPC_OPEN_MEMFD),
        PAIR(IPC_OPEN_MEMFD, IPC_OPEN_REPLACE_DEAD),
        PAIR(IPC_OPEN_MEMFD, IPC_OPEN_PATH),
        PAIR(IPC_OPEN_MEMFD, IPC_OPEN_UNLINK_LAST),
    };

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        IpcOpenOptions options = with_flags(pairs[i].flags);

        must_tell(pairs[i].mistake, ipc_channel_open("/x", &options),
                  IPC_ERR_INVALID_ARGUMENT, pairs[i].one, pairs[i].other);
    }
}

/* What exists by a name; the name is that of no other test that runs. */
static void what_exists(void)
{
    IpcOpenOptions exclusive = with_flags(IPC_OPEN_EXCLUSIVE);
    IpcOpenOptions connect = with_flags(IPC_OPEN_CONNECT_ONLY);
    IpcOpenOptions in_directory = with_flags(IPC_OPEN_PATH);
    IpcMemorySegment *segment;
    IpcChannel *ch;
    char name[OWN_NAME_ROOM];

    own_name(name, "mistakes");
    IPC_IGNORE(ipc_channel_unlink(name));
    must_tell("connect to nothing", ipc_channel_open(name, &connect),
              IPC_ERR_NOT_FOUND, "there is nothing of that name",
              "start its creator");
    must_tell("unlink nothing", ipc_channel_unlink(name), IPC_ERR_NOT_FOUND,
              "removed already", "the name is wrong");
    must_tell("open in no directory",
              ipc_channel_open("/no-such-directory/x", &in_directory),
              IPC_ERR_SYSTEM, "the directory does not exist", "create it");
    ch = result_of(ipc_channel_open(name, NULL));
    must_tell("create what exists", ipc_channel_open(name, &exclusive),
              IPC_ERR_EXISTS, "it exists", "unlink it when nobody uses it");
    must_tell_number("mmap another size", ipc_mmap(name, 100),
                     IPC_ERR_ILLEGAL_STATE, "another size", "unlink it first",
                     existing_size,
                     (ipc_channel_align_size(1 << 20) + 4095) / 4096 * 4096);
    must_work(ipc_channel_destroy(ch));
    must_work(ipc_channel_unlink(name));

    segment = result_of(ipc_mmap(name, 8192));
    strcpy(segment->memory, "something else");
    must_tell("open something else", ipc_channel_open(name, NULL),
              IPC_ERR_NOT_FORMATTED, "of another program", "another name");
    must_work(ipc_unlink(segment));
}

/* Texts are static: a child's are ours. */
struct report {
    IpcStatus status;
    const char *text;
};

/* Any type of result will do. */
#define reported(report)                                                       \
    ((IpcBufferCommitResult){(report)->status, {(report)->text, {false}, {0}}})

static void who_may_not(void)
{
    struct report *opened = shared_memory(2 * sizeof *opened);
    struct report *mapped = opened + 1;
    char name[OWN_NAME_ROOM];
    IpcChannel *ch;
    pid_t pid;

    if (geteuid() != 0) {
        cr_log_info("the mode is not tried: only root can be another user");
        return;
    }
    own_name(name, "mistakes");
    ch = result_of(ipc_channel_open(name, NULL));
    pid = fork_child();
    if (pid == 0) {
        IpcChannelOpenResult open;
        IpcMemorySegmentResult map;

        must(setgid(65534) == 0 && setuid(65534) == 0);
        open = ipc_channel_open(name, NULL);
        *opened = (struct report){open.ipc_status, open.error.detail};
        map = ipc_mmap(name, 4096);
        *mapped = (struct report){map.ipc_status, map.error.detail};
        child_done();
    }
    must_succeed(pid);
    must_tell("open what is not permitted", reported(opened), IPC_ERR_SYSTEM,
              "its mode", "another mode or group");
    must_tell("mmap what is not permitted", reported(mapped), IPC_ERR_SYSTEM,
              "its mode forbids", "another mode or group");
    must_work(ipc_channel_unlink(name));
    must_work(ipc_channel_destroy(ch));
}

#endif
