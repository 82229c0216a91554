/* SPDX-License-Identifier: MIT */
#include "buffer/handle_options.h"
#include "grow.h"
#include "ring/format.h"

#define MODES                                                                  \
    (IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER |                       \
     IPC_BUFFER_KNOWS_CONSUMERS | IPC_BUFFER_BROADCAST |                       \
     IPC_BUFFER_ACKNOWLEDGE | IPC_BUFFER_TAPS)

/* One consumer is known anyway, and so are subscribers and who acknowledges. */
uint32_t handle_options_modes(uint32_t flags)
{
    const uint32_t known =
        IPC_BUFFER_ONE_CONSUMER | IPC_BUFFER_BROADCAST | IPC_BUFFER_ACKNOWLEDGE;

    return flags & MODES & ~(flags & known ? IPC_BUFFER_KNOWS_CONSUMERS : 0);
}

/* How many slots for subscribers are asked for. */
uint32_t handle_options_subscribers(const IpcBufferOptions *options)
{
    if (!options || !(options->flags & IPC_BUFFER_BROADCAST))
        return 0;
    return options->max_subscribers ? options->max_subscribers
                                    : FORMAT_SOME_SUBSCRIBERS;
}

static const char *blame_options(const IpcBufferOptions *options,
                                 int64_t *value)
{
    const uint32_t unknown =
        options->flags & ~(MODES | IPC_BUFFER_HAS_MEMORY_FD |
                           IPC_BUFFER_RECREATE | IPC_BUFFER_ZEROED);

    *value = (int64_t)options->struct_size;
    if (!grow_fits(options, sizeof *options))
        return "struct_size (error.body.value) is not "
               "sizeof(IpcBufferOptions), "
               "or of newer headers with something set that this library does "
               "not know: set it to that, and zero what is not set";
    *value = unknown;
    if (unknown)
        return "flags has bits (error.body.value) that this library does not "
               "know: use IPC_BUFFER_*, or a newer library";
    *value = options->max_owners;
    if (options->max_owners > SHMIPC_OWNERS_LIMIT)
        return "max_owners (error.body.value) is above 4096: no more processes "
               "can write at the same time, so give that or less";
    *value = options->flags;
    if (options->flags & IPC_BUFFER_BROADCAST &&
        options->flags & IPC_BUFFER_ONE_CONSUMER)
        return "flags (error.body.value) has IPC_BUFFER_BROADCAST and "
               "IPC_BUFFER_ONE_CONSUMER: each subscriber reads all, so leave "
               "the latter out";
    if (options->flags & IPC_BUFFER_ACKNOWLEDGE &&
        options->flags & (IPC_BUFFER_ONE_CONSUMER | IPC_BUFFER_BROADCAST))
        return "flags (error.body.value) has IPC_BUFFER_ACKNOWLEDGE and "
               "IPC_BUFFER_ONE_CONSUMER, who can acknowledge without it, or "
               "IPC_BUFFER_BROADCAST: leave one of them out";
    *value = options->max_subscribers;
    if (options->max_subscribers > SHMIPC_SUBSCRIBERS_LIMIT)
        return "max_subscribers (error.body.value) is above 1024: no more can "
               "subscribe at the same time";
    if (options->max_subscribers && !(options->flags & IPC_BUFFER_BROADCAST))
        return "max_subscribers is set (error.body.value), but not "
               "IPC_BUFFER_BROADCAST in flags: set both, or none";
    *value = options->memory_fd;
    if (options->memory_fd && !handle_options_have_file(options))
        return "memory_fd is set (error.body.value), but not "
               "IPC_BUFFER_HAS_MEMORY_FD in flags: set both, or none";
    *value = 0;
    for (size_t i = 0;
         i < sizeof options->reserved / sizeof options->reserved[0]; i++)
        *value |= (int64_t)options->reserved[i];
    return *value ? "a reserved member is not 0 (error.body.value): initialise "
                    "the whole options"
                  : NULL;
}

bool handle_options_are_known(const IpcBufferOptions *options,
                              const char **detail, int64_t *value)
{
    *detail = options ? blame_options(options, value) : NULL;
    return *detail == NULL;
}
