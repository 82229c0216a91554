/* SPDX-License-Identifier: MIT */
/* Others, who work while the victim is stopped, and check everything after. */
#include "crash.h"
#include <string.h>

void work_beside(void)
{
    IpcChannel *ch = join();

    write_one(ch, OF_SURVIVOR, 40);
    while (read_one(ch, 1) == IPC_OK)
        continue;
    ipc_channel_recover(ch, false);
    ipc_channel_destroy(ch);
}

static void drain(IpcChannel *ch, bool closed)
{
    IpcStatus status;

    while ((status = read_one(ch, closed ? 2000 : 3)) == IPC_OK)
        continue;
    must(status == (closed ? IPC_ERR_CLOSED : IPC_ERR_TIMEOUT));
}

/* Everything written is seen once, everything else at most once, and what a
 * call took along is no more than it can take. */
static void check_ledger(const struct operation *o, bool killed)
{
    uint32_t lost = 0;

    for (uint32_t id = 0; id < MESSAGES; id++) {
        must(ledger->seen[id] <= 1);
        lost += ledger->written[id] && !ledger->seen[id];
        /* Of a batch or array the first ones. */
        if (id > OF_VICTIM && id < OF_SURVIVOR && ledger->seen[id])
            must(ledger->seen[id - 1]);
    }
    must(lost <= (killed ? o->takes : 0));
}

static void new_traffic_flows(IpcChannel *ch)
{
    const uint32_t last = OF_SURVIVOR + 40;

    for (uint32_t id = OF_SURVIVOR + 1; id < last; id++) {
        must(write_one(ch, id, 8 + id % 5 * 50) == IPC_OK);
        must(read_one(ch, 2000) == IPC_OK);
        must(ledger->seen[id] == 1);
    }
}

static bool is_closed(IpcChannel *ch)
{
    IpcStatus status = write_one(ch, OF_SURVIVOR + 50, 40);

    must(status == IPC_OK || status == IPC_ERR_CLOSED ||
         status == IPC_ERR_NO_SPACE_CONTIGUOUS);
    return status == IPC_ERR_CLOSED;
}

void check_all(const struct operation *o, bool killed)
{
    IpcChannel *ch;

    if (o->kind == CREATES) {
        /* What was there is gone or not; whoever creates gets a ring. */
        memset(ledger, 0, sizeof *ledger);
        create();
    }
    ch = join();
    ipc_channel_recover(ch, false);
    if (o->kind == CLOSES && is_closed(ch)) {
        drain(ch, true);
        check_ledger(o, killed);
    } else {
        drain(ch, false);
        check_ledger(o, killed);
        new_traffic_flows(ch);
    }
    must(ipc_channel_close(ch).ipc_status == IPC_OK);
    must(write_one(ch, OF_SURVIVOR + 51, 40) == IPC_ERR_CLOSED);
    must(read_one(ch, 2000) == IPC_ERR_CLOSED);
    must(ipc_channel_recover(ch, false).ipc_status == IPC_OK);
    ipc_channel_destroy(ch);
}
