/* SPDX-License-Identifier: MIT */
/*
 * Preparing a wait with a liburing that, as it does from 2.9 on, stores what an
 * operation needs and leaves the rest of the entry as it was. The library's
 * source is compiled here once more, with that in place of the installed one.
 */
#include "answer.h"

#include "channels.h"
#include <liburing.h>

static void prep_rw(int opcode, struct io_uring_sqe *sqe, int fd,
                    const void *address, unsigned length, uint64_t offset)
{
    sqe->opcode = (uint8_t)opcode;
    sqe->fd = fd;
    sqe->off = offset;
    sqe->addr = (uintptr_t)address;
    sqe->len = length;
}

#define io_uring_prep_rw       prep_rw
#define io_uring_prep_nop(sqe) prep_rw(IORING_OP_NOP, sqe, -1, NULL, 0, 0)
#include "channel/uring_api.c" /* NOLINT(bugprone-suspicious-include) */

enum { BLOCKS = 8 };

static void must_be_fresh(const struct io_uring_sqe *sqe, uint64_t user_data)
{
    struct io_uring_sqe fresh = {.opcode = sqe->opcode,
                                 .fd = sqe->fd,
                                 .off = sqe->off,
                                 .addr = sqe->addr,
                                 .len = sqe->len,
                                 .user_data = user_data};

    if (sqe->opcode != IORING_OP_NOP)
        fresh.addr3 = sqe->addr3;
    must(memcmp(sqe, &fresh, sizeof fresh) == 0);
}

Test(unit, an_entry_that_is_used_again_keeps_nothing_but_its_user_data)
{
    IpcChannel *ch = new_channel(BLOCKS, 0, NULL);
    struct io_uring_sqe sqe;

    memset(&sqe, 0xff, sizeof sqe);
    must(ipc_channel_prepare_wait(ch, &sqe).result);
    must(sqe.opcode == URING_FUTEX_WAIT && sqe.fd == URING_FUTEX2_SIZE32);
    must(sqe.addr3 == UINT32_MAX && sqe.len == 0);
    must_be_fresh(&sqe, UINT64_MAX);

    must_send(ch, 10, 1);
    memset(&sqe, 0xff, sizeof sqe);
    must(!ipc_channel_prepare_wait(ch, &sqe).result);
    must(sqe.opcode == IORING_OP_NOP);
    must_be_fresh(&sqe, UINT64_MAX);

    memset(&sqe, 0xff, sizeof sqe);
    must_fail(ipc_channel_prepare_wait(NULL, &sqe), IPC_ERR_INVALID_ARGUMENT);
    must(sqe.opcode == IORING_OP_NOP);
    must_be_fresh(&sqe, UINT64_MAX);
}
