/* SPDX-License-Identifier: MIT */
/*
 * What the tests of opening by name share: a name that is this process's own,
 * and handles that come and go.
 */
#ifndef TEST_BY_NAME_H
#define TEST_BY_NAME_H

#include "../own_name.h"
#include "helpers.h"
#include <fcntl.h>

static char name[OWN_NAME_ROOM];
static char path[80];

static inline void choose_names(void)
{
    own_name(name, "open");
    snprintf(path, sizeof path, "/tmp%s", name);
}

static inline void remove_names(void)
{
    shm_unlink(name);
    unlink(path);
}

TestSuite(open, .init = choose_names, .fini = remove_names);

static inline IpcOpenOptions options_with(uint32_t flags)
{
    return (IpcOpenOptions){.struct_size = sizeof(IpcOpenOptions),
                            .flags = flags};
}

static inline IpcStatus status_with(IpcOpenOptions options)
{
    IpcChannelOpenResult r = ipc_channel_open(name, &options);

    if (IpcChannelOpenResult_is_ok(r))
        must_work(ipc_channel_destroy(r.result));
    else
        must(r.error.detail && *r.error.detail && r.error.has_body);
    return r.ipc_status;
}

static inline void open_and_leave(const char *which,
                                  const IpcOpenOptions *options)
{
    IpcChannel *channel = result_of(ipc_channel_open(which, options));

    must_work(ipc_channel_destroy(channel));
}

static inline bool exists(void)
{
    int fd = shm_open(name, O_RDONLY, 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static inline void must_pass(IpcChannel *from, IpcChannel *to, int value)
{
    IpcEntry entry;

    must_work(ipc_channel_write(from, &value, sizeof value));
    must_work(ipc_channel_try_read(to, &entry));
    must(entry.size == sizeof value &&
         memcmp(entry.payload, &value, sizeof value) == 0);
    free(entry.payload);
}

/* Makes a segment that holds these bytes. */
static inline void make_file(const void *bytes, size_t size, off_t length)
{
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

    must(fd >= 0 && ftruncate(fd, length) == 0);
    must(pwrite(fd, bytes, size, 0) == (ssize_t)size);
    close(fd);
}

#endif
