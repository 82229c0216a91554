/* SPDX-License-Identifier: MIT */
#include <shmipc/ipc_common.h>

struct status_words {
    IpcStatus status;
    const char *name;
    const char *text;
};

static const struct status_words words[] = {
    {IPC_OK, "IPC_OK", "Done."},
    {IPC_EMPTY, "IPC_EMPTY", "There is nothing to read."},
    {IPC_ALREADY_SKIPPED, "IPC_ALREADY_SKIPPED",
     "Somebody else moved past the entry first."},
    {IPC_PLACEHOLDER, "IPC_PLACEHOLDER", "Wrap-around filler; never returned."},
    {IPC_ERR_ENTRY_TOO_LARGE, "IPC_ERR_ENTRY_TOO_LARGE",
     "The entry can never fit."},
    {IPC_ERR_ALLOCATION, "IPC_ERR_ALLOCATION", "No memory could be had."},
    {IPC_ERR_INVALID_ARGUMENT, "IPC_ERR_INVALID_ARGUMENT",
     "An argument is NULL, zero, misaligned or impossible."},
    {IPC_ERR_TOO_SMALL, "IPC_ERR_TOO_SMALL",
     "The memory given is too small; nothing was changed."},
    {IPC_ERR_ILLEGAL_STATE, "IPC_ERR_ILLEGAL_STATE",
     "The handle or reservation is in a state that forbids the call."},
    {IPC_ERR_SYSTEM, "IPC_ERR_SYSTEM",
     "A system call failed; the error body holds errno."},
    {IPC_ERR_NO_SPACE_CONTIGUOUS, "IPC_ERR_NO_SPACE_CONTIGUOUS",
     "There is no space right now; try again after readers drained."},
    {IPC_ERR_NOT_READY, "IPC_ERR_NOT_READY",
     "The next entry is claimed but not committed yet."},
    {IPC_ERR_LOCKED, "IPC_ERR_LOCKED",
     "Somebody else holds what the call needs."},
    {IPC_ERR_OFFSET_MISMATCH, "IPC_ERR_OFFSET_MISMATCH",
     "The entry at the head is another one."},
    {IPC_ERR_TIMEOUT, "IPC_ERR_TIMEOUT", "The deadline passed."},
    {IPC_ERR_RETRY_LIMIT, "IPC_ERR_RETRY_LIMIT",
     "The number of rounds to wait passed."},
    {IPC_ERR_CORRUPTED, "IPC_ERR_CORRUPTED",
     "Shared memory holds something that cannot be true."},
    {IPC_ERR_NOT_FORMATTED, "IPC_ERR_NOT_FORMATTED",
     "The memory was never formatted."},
    {IPC_ERR_LAYOUT_VERSION, "IPC_ERR_LAYOUT_VERSION",
     "The memory was formatted with another layout."},
    {IPC_ERR_INITIALIZING, "IPC_ERR_INITIALIZING",
     "The memory is being made ready by somebody else; try again."},
    {IPC_ERR_TRUNCATED, "IPC_ERR_TRUNCATED",
     "The mapping is shorter than the region in it."},
    {IPC_ERR_ROLE_TAKEN, "IPC_ERR_ROLE_TAKEN",
     "Another living handle has the one-producer or one-consumer role."},
    {IPC_ERR_OWNERS_FULL, "IPC_ERR_OWNERS_FULL",
     "Every owner slot belongs to a living process."},
    {IPC_ERR_CLOSED, "IPC_ERR_CLOSED",
     "The channel was closed, and all that was written before is read."},
    {IPC_ERR_UNSUPPORTED, "IPC_ERR_UNSUPPORTED",
     "The library was built without it, or the running kernel lacks it."},
    {IPC_ERR_PRODUCERS_DEAD, "IPC_ERR_PRODUCERS_DEAD",
     "Every process that wrote into the channel is dead."},
    {IPC_ERR_SIZE_MISMATCH, "IPC_ERR_SIZE_MISMATCH",
     "The entry at the head has another size."},
    {IPC_ERR_FORMATTED_ANEW, "IPC_ERR_FORMATTED_ANEW",
     "The memory was formatted anew: connect again."},
    {IPC_ERR_READ_ONLY, "IPC_ERR_READ_ONLY",
     "The memory is mapped for reading only, or the handle only observes."},
    {IPC_ERR_INTERRUPTED, "IPC_ERR_INTERRUPTED",
     "The call would have had to wait, and was interrupted."},
    {IPC_ERR_CONSUMERS_DEAD, "IPC_ERR_CONSUMERS_DEAD",
     "There is no space, and every process that read from the channel is "
     "dead."},
    {IPC_ERR_EXISTS, "IPC_ERR_EXISTS", "It was to be created, and exists."},
    {IPC_ERR_IN_USE, "IPC_ERR_IN_USE",
     "The memory to format is used by a process that lives or may live."},
    {IPC_ERR_NOT_FOUND, "IPC_ERR_NOT_FOUND", "There is nothing of that name."},
    {IPC_ERR_LAGGED, "IPC_ERR_LAGGED",
     "The subscriber or tap was too far behind, and entries passed it by."},
    {IPC_ERR_NOT_SUBSCRIBED, "IPC_ERR_NOT_SUBSCRIBED",
     "Each subscriber reads everything there, and the handle is none."},
    {IPC_ERR_SERVER_DEAD, "IPC_ERR_SERVER_DEAD",
     "Nobody serves any more, or who had the call has died."},
    {IPC_ERR_CANCELLED, "IPC_ERR_CANCELLED",
     "The call was given up, or the server refused it."},
};

static const struct status_words *find(IpcStatus status)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].status == status)
            return &words[i];
    return NULL;
}

const char *ipc_status_name(IpcStatus status)
{
    const struct status_words *found = find(status);

    return found ? found->name : "unknown";
}

const char *ipc_status_text(IpcStatus status)
{
    const struct status_words *found = find(status);

    return found ? found->text : "The number is not a status.";
}

const char *ipc_version(void)
{
    return IPC_VERSION_STRING;
}
