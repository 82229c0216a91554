/* SPDX-License-Identifier: MIT */
/*
 * A program as it was written for the original interface, with every name that
 * its headers have and others' do not: docs/migration.md says of a line that
 * it compiles because it stands here. It is C as well as C++, of any standard
 * from C99 and C++11 on.
 */
#include <shmipc/ipc_buffer.h>
#include <shmipc/ipc_channel.h>
#include <shmipc/ipc_export.h>
#include <shmipc/ipc_mmap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

SHMIPC_BEGIN_DECLS
SHMIPC_API int failed(const char *what);
int use_channel(void *memory, size_t size);
int use_buffer(void);
int use_errors(void);
int use_segment(void);
SHMIPC_END_DECLS

int failed(const char *what)
{
    fprintf(stderr, "%s\n", what);
    return EXIT_FAILURE;
}

static int take(IpcChannel *channel, int expected)
{
    /* A handle that one only looks through may be const. */
    const IpcChannel *watched = channel;
    struct timespec patience;
    IpcEntry entry;
    int got;

    patience.tv_sec = 20;
    patience.tv_nsec = 0;
    if (!IpcChannelPeekResult_is_ok(ipc_channel_peek(watched, &entry)))
        return failed("peek");

    const IpcChannelReadWithTimeoutResult read =
        ipc_channel_read_with_timeout(channel, &entry, &patience);

    if (IpcChannelReadWithTimeoutResult_is_error(read))
        return failed(read.error.detail);
    memcpy(&got, entry.payload, sizeof(got));
    free(entry.payload);
    return got == expected ? 0 : failed("something else than was written");
}

int use_channel(void *memory, size_t size)
{
    const IpcChannelConfiguration config =
        IPC_CHANNEL_CONFIGURATION(128, 1000, 100000);
    const IpcChannelResult opened = ipc_channel_create(memory, size, config);
    const int value = 123;
    IpcEntry entry;

    if (IpcChannelResult_is_error(opened))
        return failed(opened.error.detail);

    IpcChannel *channel = opened.result;
    const IpcChannelConnectResult second = ipc_channel_connect(memory, config);

    if (IpcChannelConnectResult_is_error(second))
        return failed(second.error.detail);
    for (int i = 0; i < 2; i++)
        if (!IpcChannelWriteResult_is_ok(
                ipc_channel_write(second.result, &value, sizeof(value))))
            return failed("write");
    if (ipc_channel_peek(channel, &entry).ipc_status != IPC_OK)
        return failed("peek");

    const IpcChannelSkipResult skipped =
        ipc_channel_skip(channel, entry.offset);

    if (!IpcChannelSkipResult_is_ok(skipped) || skipped.result != entry.offset)
        return failed("skip");
    if (take(channel, value))
        return EXIT_FAILURE;

    const IpcChannelTryReadResult none = ipc_channel_try_read(channel, &entry);

    if (none.ipc_status != IPC_EMPTY || IpcChannelTryReadResult_is_error(none))
        return failed("try_read");
    if (ipc_channel_read(channel, &entry).ipc_status != IPC_ERR_RETRY_LIMIT)
        return failed("read");
    ipc_channel_destroy(second.result);
    return IpcChannelDestroyResult_is_ok(ipc_channel_destroy(channel))
               ? 0
               : failed("destroy");
}

/* What the size helpers of later versions say is enough. */
int use_buffer(void)
{
    const size_t sizes[] = {0, 1, 100, 4096};

    if (ipc_buffer_get_memory_overhead() >= ipc_buffer_get_min_size() ||
        ipc_channel_get_memory_overhead() >= ipc_channel_get_min_size() ||
        ipc_channel_suggest_size(0) != ipc_channel_get_min_size())
        return failed("sizes");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const size_t size = (size_t)ipc_buffer_suggest_size(sizes[i]);
        void *memory = malloc(size);
        const IpcBufferCreateResult made = ipc_buffer_create(memory, size);

        if (!IpcBufferCreateResult_is_ok(made))
            return failed(made.error.detail);
        if (ipc_buffer_max_entry_size(made.result) < sizes[i])
            return failed("suggest_size");
        free(made.result); /* as the original has it */
        free(memory);
    }
    return 0;
}

/* The types of the bodies, and the member that says whether there is one. */
int use_errors(void)
{
    const IpcChannelConfiguration config =
        IPC_CHANNEL_CONFIGURATION(1, 1000, 1000);
    uint8_t memory[16] = {0};
    const IpcChannelResult opened =
        ipc_channel_create(memory, sizeof(memory), config);
    IpcEntry entry;

    if (!IpcChannelResult_is_error(opened) || !opened.error.hasBody ||
        opened.error.hasBody != opened.error.has_body)
        return failed("an error without a body");

    const IpcChannelOpenError open_error = opened.error.body;

    if (open_error.requested_size != sizeof(memory) ||
        open_error.min_size <= sizeof(memory))
        return failed("the body of create");

    const IpcChannelConnectError connect_error =
        ipc_channel_connect(NULL, config).error.body;
    const IpcChannelWriteError write_error =
        ipc_channel_write(NULL, &entry, 1).error.body;
    const IpcChannelReadError read_error =
        ipc_channel_read(NULL, &entry).error.body;
    const IpcChannelReadWithTimeoutError timeout_error =
        ipc_channel_read_with_timeout(NULL, &entry, NULL).error.body;
    const IpcChannelTryReadError try_error =
        ipc_channel_try_read(NULL, &entry).error.body;
    const IpcChannelPeekError peek_error =
        ipc_channel_peek(NULL, &entry).error.body;
    const IpcChannelSkipError skip_error = ipc_channel_skip(NULL, 0).error.body;
    const IpcChannelSkipForceError force_error =
        ipc_channel_skip_force(NULL).error.body;
    const IpcBufferSkipForceError buffer_error =
        ipc_buffer_skip_force(NULL).error.body;

    (void)sizeof(IpcChannelDestroyError);
    (void)connect_error.min_size;
    (void)write_error.available_contiguous;
    (void)write_error.buffer_size;
    (void)read_error.offset;
    (void)timeout_error.offset;
    (void)try_error.offset;
    (void)peek_error.offset;
    (void)skip_error.offset;
    (void)force_error.offset;
    (void)buffer_error.offset;
    return 0;
}

int use_segment(void)
{
    char name[64];

    snprintf(name, sizeof(name), "/shmipc-original-%ld", (long)getpid());

    const IpcMemorySegmentResult mapped =
        ipc_mmap(name, ipc_channel_suggest_size(4096));

    if (IpcMemorySegmentResult_is_error(mapped)) {
        const IpcMmapError error = mapped.error.body;

        fprintf(stderr, "errno %d\n", error.sys_errno);
        return failed(mapped.error.detail);
    }

    const int result =
        use_channel(mapped.result->memory, (size_t)mapped.result->size);

    return IpcMmapUnlinkResult_is_ok(ipc_unlink(mapped.result))
               ? result
               : failed("unlink");
}

int main(void)
{
    uint8_t memory[2048];

    return use_channel(memory, sizeof(memory)) || use_buffer() ||
           use_errors() || use_segment();
}
