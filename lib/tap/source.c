/* SPDX-License-Identifier: MIT */
#include "tap/source.h"
#include "cancel.h"
#include "place/content.h"
#include "place/file.h"
#include "place/options.h"
#include "ring/layout.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static IpcStatus system_error(int error, IpcOpenError *body,
                              const char **detail)
{
    body->sys_errno = error;
    if (error == ENOENT) {
        *detail = "there is nothing of that name: start its creator first";
        return IPC_ERR_NOT_FOUND;
    }
    *detail =
        error == EACCES
            ? "its mode, see body.mode, forbids this user to read it: let "
              "its creator give another mode or group"
            : file_system_detail(error, false);
    return IPC_ERR_SYSTEM;
}

/* No lock: whoever looks whether it is in use is not to see us. */
static int open_to_read(const char *name, uint32_t flags)
{
    const int how = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;

    return flags & IPC_OPEN_PATH ? open(name, how) : file_open_to_lock(name);
}

static IpcStatus map(int fd, void **memory, size_t *size, IpcOpenError *body,
                     const char **detail)
{
    enum content content;
    uint64_t bytes;
    int error = content_look(fd, &content, &bytes);

    if (error)
        return system_error(error, body, detail);
    body->existing_size = bytes;
    if (content == CONTENT_NONE) {
        *detail = "it is being created: try again in a moment";
        return IPC_ERR_INITIALIZING;
    }
    if (content == CONTENT_ELSE) {
        *detail = "it holds something else, of another program: use another "
                  "name";
        return IPC_ERR_NOT_FORMATTED;
    }
    if (bytes > PTRDIFF_MAX)
        return system_error(EFBIG, body, detail);
    *size = (size_t)bytes;
    *memory = mmap(NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
    if (*memory != MAP_FAILED)
        return IPC_OK;
    *memory = NULL;
    body->sys_errno = errno;
    *detail = "the file could not be mapped for reading: see sys_errno "
              "(ENOMEM: RLIMIT_AS or the number of mappings)";
    return IPC_ERR_SYSTEM;
}

static IpcStatus map_name(const char *name, uint32_t flags, void **memory,
                          size_t *size, IpcOpenError *body, const char **detail)
{
    const struct place place = {.directory = AT_FDCWD, .flags = flags};
    int fd = open_to_read(name, flags);
    IpcStatus status;
    int error;

    if (fd < 0) {
        error = errno;
        file_tell(&place, name, body);
        return system_error(error, body, detail);
    }
    error = file_check(fd, flags, body);
    status = error ? system_error(error, body, detail)
                   : map(fd, memory, size, body, detail);
    close(fd);
    return status;
}

IpcStatus source_map(const char *name, uint32_t flags, void **memory,
                     size_t *size, IpcOpenError *body, const char **detail)
{
    IpcStatus status = options_check_name(name, flags, detail);
    int saved = errno;
    int state;

    body->own_layout_version = SHMIPC_LAYOUT_VERSION;
    if (status != IPC_OK)
        return status;
    state = cancel_disable();
    status = map_name(name, flags, memory, size, body, detail);
    cancel_restore(state);
    errno = saved;
    return status;
}

void source_unmap(void *memory, size_t size)
{
    if (memory)
        munmap(memory, size);
}
