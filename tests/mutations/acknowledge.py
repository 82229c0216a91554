# SPDX-License-Identifier: MIT
"""Mistakes in reading ahead of what is acknowledged."""
from core import in_file

in_ahead = in_file("ahead.c")
in_channel = in_file("acknowledge_api.c")
in_handle = in_file("handle.h")
in_read = in_file("read.c")
in_recover = in_file("recover.c")
in_stats = in_file("stats.c")

MUTATIONS = [
    in_handle(
        "a child goes on where its parent had read ahead", "unit/ahead",
        "    return atomic_get_acquire(&b->leads) == process_token();",
        "    return atomic_get_acquire(&b->leads) != 0;"),
    in_read(
        "other reads go on while something is not acknowledged", "unit/ahead",
        "handle_leads(b) ? IPC_ERR_ILLEGAL_STATE : handle_consume(b);",
        "handle_consume(b);"),
    in_recover(
        "a skip by force releases what is not acknowledged", "unit/ahead",
        "handle_leads(b) ? IPC_ERR_ILLEGAL_STATE : handle_consume(b);",
        "handle_consume(b);"),
    in_recover(
        "a recovery ends at what was read ahead", "unit/ahead",
        "    return handle_read_end(b);",
        "    return atomic_get_acquire(&r->head->position);"),
    in_read(
        "who read ahead is not seen to be stuck", "unit/ahead_channel",
        "take_look_at(&b->ring, handle_read_end(b), &view);",
        "take_look_at(&b->ring,\n"
        "        atomic_get_acquire(&b->ring.head->position), &view);"),
    in_read(
        "a peek of who read ahead is refused", "unit/ahead",
        "    else if (status == IPC_ERR_ILLEGAL_STATE)\n"
        "        status = read_look_ahead(b, &view, error);\n", ""),
    in_ahead(
        "nobody is told that an entry was read before", "unit/ahead",
        "        is_before(r, view->head, read))\n        return true;",
        "        is_before(r, view->head, read))\n        return false;"),
    in_ahead(
        "an entry that was given back is the last one read", "unit/ahead",
        "    b->last_ahead = UINT64_MAX; /* is no entry's */\n", ""),
    in_ahead(
        "acknowledging again is an error", "unit/ahead",
        "            return *before == 0 ? IPC_EMPTY : "
        "IPC_ERR_OFFSET_MISMATCH;",
        "            return IPC_ERR_OFFSET_MISMATCH;"),
    in_ahead(
        "an offset inside of an entry will do", "unit/ahead",
        "        if (here == offset)", "        if (here + 64 > offset)"),
    in_ahead(
        "many consumers may read ahead", "unit/ahead",
        "    if (!b->ring.one_consumer)\n"
        "        status = handle_unless_anew(b, IPC_ERR_ILLEGAL_STATE);\n"
        "    else if (leads)", "    if (leads)"),
    in_channel(
        "an acknowledgement wakes nobody", "unit/ahead_channel",
        "    if (count > 0)\n"
        "        wait_notify(&channel->waiter, WAIT_WRITERS);\n", ""),
    in_stats(
        "what was read ahead counts as acknowledged", "unit/ahead",
        "    stats->unacknowledged = unacknowledged(r, head, stats->used);\n",
        "    stats->unacknowledged = 0 * unacknowledged(r, head, "
        "stats->used);\n"),
]
