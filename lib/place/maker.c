/* SPDX-License-Identifier: MIT */
#include "place/maker.h"

#include "backing.h"
#include "cancel.h"
#include "wait/clock.h"
#include <errno.h>
#include <stdbool.h>
#include <sys/file.h>
#include <unistd.h>

enum {
    NAP_NS = 200 * 1000,
    /* Those who wait for a creator have the lock again and again for a moment;
     * who has it for longer uses the memory, or will. */
    LOCK_WAIT_NS = 100 * 1000 * 1000,
};

/* Where others have it open but nobody formats it, a shared lock is enough for
 * who does not mind those: nobody begins to format it then. */
static bool take_lock(int fd, bool minds_users)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK ||
           (!minds_users && flock(fd, LOCK_SH | LOCK_NB) == 0);
}

static bool wait_for_lock(int fd, bool minds_users)
{
    const int64_t deadline = clock_after(LOCK_WAIT_NS);

    while (!take_lock(fd, minds_users)) {
        if (clock_is_past(deadline))
            return false;
        clock_sleep_until(clock_after(NAP_NS));
    }
    return true;
}

IpcStatus maker_begin(const void *memory, const IpcBufferOptions *options,
                      int *lock, const char **detail)
{
    const uint32_t flags = options ? options->flags : 0;
    const bool has_file = flags & IPC_BUFFER_HAS_MEMORY_FD;
    int saved = errno;
    int state = cancel_disable();
    IpcStatus status = IPC_OK;

    /* A description of this call's own: a forked child that inherits it keeps
     * no lock, since that is taken back before it is closed. */
    *lock = backing_reopen(memory, has_file ? &options->memory_fd : NULL);
    if (*lock >= 0 && !wait_for_lock(*lock, !(flags & IPC_BUFFER_RECREATE))) {
        *detail = "the file that mem is of is open by its name, or just being "
                  "made: open it by that name here, too, destroy those "
                  "handles, or, if its messages may be lost, set "
                  "IPC_BUFFER_RECREATE";
        status = IPC_ERR_IN_USE;
        close(*lock);
    }
    cancel_restore(state);
    errno = saved;
    return status;
}

bool maker_finds_zeros(int lock)
{
    int saved = errno;
    int state = cancel_disable();
    bool zeros = lock >= 0 && lseek(lock, 0, SEEK_DATA) < 0 && errno == ENXIO;

    cancel_restore(state);
    errno = saved;
    return zeros;
}

void maker_end(int lock)
{
    int saved = errno;
    int state = cancel_disable();

    if (lock >= 0) {
        flock(lock, LOCK_UN);
        close(lock);
    }
    cancel_restore(state);
    errno = saved;
}
