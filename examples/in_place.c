/* SPDX-License-Identifier: MIT */
/*
 * A struct in place, both ways: pictures are drawn straight into the channel's
 * memory and looked at there, never copied. A child draws, the parent looks.
 *
 * Writing in place: ipc_channel_reserve_blocking, fill, ipc_channel_commit; who
 * changes his mind aborts, and nobody sees it. Reading in place:
 * ipc_channel_peek_blocking, look, ipc_channel_skip. With one consumer what was
 * peeked stays as it is until it is skipped; with many, only a skip that says
 * IPC_OK tells that what one saw was whole and one's own.
 *
 *     cc in_place.c $(pkg-config --cflags --libs shmipc)
 */
#include <shmipc/shmipc.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WIDTH = 64, HEIGHT = 48, PICTURES = 500 };

struct picture {
    uint32_t number;
    uint32_t sum; /* of all pixels */
    uint8_t pixels[HEIGHT][WIDTH];
};

static int failed(const char *what, const char *detail)
{
    fprintf(stderr, "%s: %s\n", what, detail);
    return 1;
}

static void draw(struct picture *picture, uint32_t number)
{
    picture->number = number;
    picture->sum = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            picture->pixels[y][x] = (uint8_t)((uint32_t)(x * y) + number);
            picture->sum += picture->pixels[y][x];
        }
}

/* Each third one is drawn and then given up: readers never see it. */
static int draw_one(IpcChannel *channel, uint32_t number)
{
    IpcReservation space;
    IpcChannelReserveResult reserved =
        ipc_channel_reserve_blocking(channel, sizeof(struct picture), &space);
    IpcChannelCommitResult committed;

    if (IpcChannelReserveResult_is_error(reserved))
        return failed("reserve", reserved.error.detail);
    draw(space.payload, number);
    if (number % 3 == 2) {
        IpcChannelAbortResult aborted = ipc_channel_abort(channel, &space);

        return IpcChannelAbortResult_is_error(aborted) &&
               failed("abort", aborted.error.detail);
    }
    committed = ipc_channel_commit(channel, &space, sizeof(struct picture));
    return IpcChannelCommitResult_is_error(committed) &&
           failed("commit", committed.error.detail);
}

static int be_painter(IpcChannel *channel)
{
    IpcChannelCloseResult closed;

    for (uint32_t i = 0; i < PICTURES; i++)
        if (draw_one(channel, i) != 0)
            return 1;
    closed = ipc_channel_close(channel);
    return IpcChannelCloseResult_is_error(closed) &&
           failed("close", closed.error.detail);
}

/* Whether it is one, and a whole one. Any process that has the memory could
 * have written it: look at the size before at anything else. */
static int is_good(const IpcEntry *entry)
{
    const struct picture *picture = entry->payload;
    uint32_t sum = 0;

    if (entry->size != sizeof *picture)
        return 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            sum += picture->pixels[y][x];
    return sum == picture->sum && picture->number % 3 != 2;
}

static int be_critic(IpcChannel *channel)
{
    unsigned good = 0, bad = 0;

    for (;;) {
        IpcEntry entry;
        IpcChannelPeekResult peeked =
            ipc_channel_peek_blocking(channel, &entry);
        IpcChannelSkipResult skipped;

        if (peeked.ipc_status == IPC_ERR_CLOSED)
            break;
        if (IpcChannelPeekResult_is_error(peeked))
            return failed("peek", peeked.error.detail);
        if (is_good(&entry))
            good++;
        else
            bad++;
        skipped = ipc_channel_skip(channel, entry.offset);
        if (IpcChannelSkipResult_is_error(skipped))
            return failed("skip", skipped.error.detail);
    }
    printf("%u pictures of %d x %d looked at in place, %u bad\n", good, WIDTH,
           HEIGHT, bad);
    return bad != 0 || good != (PICTURES + 2) / 3 + (PICTURES + 1) / 3;
}

int main(void)
{
    IpcOpenOptions options = {.struct_size = sizeof options,
                              .flags = IPC_OPEN_MEMFD,
                              .size = 8 * sizeof(struct picture)};
    IpcChannelOpenResult opened;
    int bad, status = 0;
    pid_t painter;

    options.configuration.flags =
        IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER;
    opened = ipc_channel_open("pictures", &options);
    if (IpcChannelOpenResult_is_error(opened))
        return failed("open", opened.error.detail);
    painter = fork();
    if (painter == 0)
        _exit(be_painter(opened.result));
    if (painter < 0)
        return failed("fork", "no process");
    bad = be_critic(opened.result);
    if (waitpid(painter, &status, 0) != painter || status != 0)
        bad = 1;
    if (IpcChannelDestroyResult_is_error(ipc_channel_destroy(opened.result)))
        bad = 1;
    return bad;
}
