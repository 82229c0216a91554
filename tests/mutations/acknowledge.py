# SPDX-License-Identifier: MIT
"""Mistakes in reading ahead of what is acknowledged."""
from core import in_file

in_ahead = in_file("ahead.c")
in_channel = in_file("acknowledge_api.c")
in_handle = in_file("handle.h")
in_read = in_file("read.c")
in_recover = in_file("recover.c")
in_stats = in_file("stats.c")
in_batch = in_file("batch.c")
in_block = in_file("block.c")
in_channel_c = in_file("channel.c")
in_handle_c = in_file("handle.c")
in_held = in_file("held.hpp")
in_hold = in_file("hold.h")
in_watch = in_file("watch.c")
in_work = in_file("work.c")

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
        ": unacknowledged(r, head, stats->used);",
        ": 0 * unacknowledged(r, head, stats->used);"),
    # ------------------------------------------------------- many read ahead
    in_handle_c(
        "who goes keeps what he holds", "unit/work",
        "            aborted |= give_back(b, owner);", "            ;"),
    in_hold(
        "what another process holds is given back as well", "unit/work",
        "    if (control_value(word) != owner ||", "    if ("),
    in_hold(
        "head passes what is held", ["unit/work",
         "stress/what killed workers had not acknowledged is read again, and "
         "no more"],
        "    return hold_state_of(r, view->position, word) == HOLD_DONE;",
        "    return hold_state_of(r, view->position, word) != HOLD_OLD;"),
    in_hold(
        "words of holders inside of entries are not renewed", "unit/work",
        "    for (uint32_t i = 0; i < blocks; i++) {",
        "    for (uint32_t i = 0; i < 1; i++) {"),
    in_batch(
        "arrays are written to a work queue", "unit/work",
        "    if (count > b->array_max)", "    if (count > 64)"),
    in_read(
        "other reads of a work queue are let in", "unit/work",
        "    if (status == IPC_OK && b->ring.holders)\n"
        "        status = IPC_ERR_ILLEGAL_STATE;\n", ""),
    in_work(
        "what another process holds is acknowledged", "unit/work",
        "control_value(word) == handle_owner(b)", "true"),
    in_work(
        "what is given back at head is not looked for", "unit/work",
        "    return looks % LOOKS_PER_HEAD != 0 && ahead > 0 &&",
        "    return ahead > 0 &&"),
    in_work(
        "a look that finds nothing does not begin anew", "unit/work",
        "    return walk_from_head(b, view, is_free);\n}\n\n"
        "enum look work_glance", "    return look;\n}\n\n"
        "enum look work_glance"),
    in_recover(
        "a skip by force takes what the living hold", "unit/work",
        "        !is_dead(b, word))\n        return IPC_ERR_LOCKED;\n"
        "    by_us", "        false)\n        return IPC_ERR_LOCKED;\n"
        "    by_us"),
    in_recover(
        "entries of the dead are not given back", "unit/work_channel",
        "            *removed += r->holders && give_back(b, &known, &view);",
        ""),
    in_channel(
        "nobody is told of what is given back", "unit/work_channel",
        "    if (count > 0 && b->ring.holders)\n"
        "        wait_notify_rarely(&channel->waiter, WAIT_READERS);\n", ""),
    in_channel(
        "who polls leaves what the dead hold", "unit/work_channel",
        "    if (status == IPC_EMPTY && b->ring.holders &&",
        "    if (0 &&"),
    in_channel(
        "nobody is told that a closed queue is done", "unit/work_channel",
        "    if (count > 0 && b->ring.holders &&\n"
        "        atomic_get_relaxed(&b->ring.head->closed))\n",
        "    if (0)\n"),
    in_channel_c(
        "who waits does not judge those who hold", "unit/work_channel",
        "    return (has_slept || looks % HELD_LOOKS_PER_RECOVERY == 0) &&\n",
        "    return 0 &&\n"),
    in_block(
        "who has slept judges no more often", "unit/work_channel",
        "    b->has_slept = true;\n", "",
        equivalent="it takes eight sleeps more, 0.8 s"),
    in_watch(
        "all producers are dead, and what others hold is forgotten",
        "unit/work_channel",
        "    return read_is_with_others(&ch->buffer) ? IPC_EMPTY",
        "    return false ? IPC_EMPTY"),
    in_stats(
        "what is held counts as acknowledged", "unit/work",
        "                                ? work_held(b)",
        "                                ? 0 * work_held(b)"),
    in_held(
        "a guard acknowledges what an exception unwinds past",
        "cpp/entries that are read ahead in C++",
        "        if (std::uncaught_exceptions() > unwinding_) {",
        "        if (false) {"),
    in_held(
        "a guard that moves keeps its entry",
        "cpp/entries that are read ahead in C++",
        "        : handle_(std::exchange(other.handle_, nullptr)), "
        "entry_(other.entry_),",
        "        : handle_(other.handle_), entry_(other.entry_),"),
]
