# SPDX-License-Identifier: MIT
"""The mistakes that the checker must find, and where it looks for them."""
from dataclasses import dataclass


@dataclass
class Mutation:
    name: str
    arguments: str  # of the checker
    edits: list     # (file in lib/, text, replacement)
    harmless: bool = False  # a control: the checker must find nothing


def in_file(file):
    def mutation(name, arguments, *edits):
        if isinstance(edits[0], str):
            edits = [edits]
        return Mutation(name, arguments,
                        [(file, old, new) for old, new in edits])
    return mutation


in_protocol = in_file("protocol.h")
in_repair = in_file("repair.h")
in_close = in_file("close.h")
in_wait = in_file("wait.c")

MUTATIONS = [
    Mutation("no-mistake", "--sc two-writers", [], harmless=True),
    # ------------------------------------------------------- claiming
    in_protocol(
        "busy-is-stored-not-claimed", "--sc gap",
        "    return atomic_cas_release(control, word, "
        "control_make(tag, value, state));",
        "    atomic_put_release(control, control_make(tag, value, state));\n"
        "    return true;"),
    in_protocol(
        "no-busy-at-all", "--sc gap",
        "    return atomic_cas_release(control, word, "
        "control_make(tag, value, state));",
        "    (void)state;\n"
        "    return (void)value, (void)word, true;"),
    Mutation(
        "payload-before-busy", "--sc gap",
        [("protocol.h",
          "    return !plan.only_pad &&"
          " claim_occupy(r, entry, owner, CONTROL_BUSY);",
          "    return !plan.only_pad;"),
         ("write.h",
          "    payload_store(position_payload(&b->ring, claim.position), data,"
          " size);\n",
          "    payload_store(position_payload(&b->ring, claim.position), data,"
          " size);\n"
          "    if (!b->ring.one_producer &&\n"
          "        !claim_occupy(&b->ring, claim.position,\n"
          "                         handle_owner(b), CONTROL_BUSY))\n"
          "        return false;\n"),
         ("write.c",
          "    payload_store(claim.payload, data, size);\n",
          "    payload_store(claim.payload, data, size);\n"
          "    if (!b->ring.one_producer &&\n"
          "        !claim_occupy(&b->ring, claim.position,\n"
          "                         handle_owner(b), CONTROL_BUSY))\n"
          "        return write_entry(b, data, size);\n")]),
    in_protocol(
        "occupy-forgets-the-lap", "--sc gap gap-of-laps",
        "    if (tag - control_tag(word) - 1 > SHMIPC_RENEWAL_LAPS)\n"
        "        return false;\n", ""),
    in_protocol(
        "tail-is-stored", "--sc two-writers",
        "    if (!atomic_cas_relaxed(&r->tail->position, plan.tail, next))\n"
        "        return false;\n",
        "    atomic_put_relaxed(&r->tail->position, next);\n"),
    in_protocol(
        "stale-tail-is-full", "--sc stale-tail",
        "    plan.outcome = CLAIM_RACED;\n",
        "    plan.outcome = CLAIM_FULL;\n"),
    in_protocol(
        "full-without-a-fresh-head", "--sc two-writers",
        "    claim_note_room(r, tail, head);\n"
        "    plan.outcome = used <= n - need",
        "    claim_note_room(r, tail, tail);\n"
        "    plan.outcome = used <= n - need"),
    in_protocol(
        "one-block-too-many", "--sc two-writers",
        "    plan.outcome = used <= n - need ?",
        "    plan.outcome = used <= n - need + 1 ?"),
    in_protocol(
        "room-of-one-block-too-many", "--sc two-writers",
        "        end = position_index(r, head);",
        "        end = position_index(r, head) + 1;"),
    in_protocol(
        "room-of-another-lap", "--sc two-writers",
        "room <= (end & r->index_mask) && blocks <= room", "blocks <= room"),
    in_protocol(
        "entry-wraps-without-pad", "--sc pad",
        "    plan.pad = blocks <= fit ? 0 : fit;", "    plan.pad = 0;"),
    in_protocol(
        "no-pad-alone", "--sc pad-only",
        "    plan.only_pad = plan.pad + (uint64_t)blocks > n;\n"
        "    need = plan.only_pad ? plan.pad : plan.pad + blocks;",
        "    plan.only_pad = false;\n"
        "    need = plan.pad + blocks;\n"
        "    plan.outcome = CLAIM_FULL;\n"
        "    if (need > n)\n"
        "        return plan;"),
    # --------------------------------------------------------- batches
    Mutation(
        "batch-is-not-divided", "--sc batch-gap",
        [("batch.c",
          "    if (!b->ring.one_producer)\n"
          "        mark_entries(b, &claim, entries, *done);\n", "")]),
    Mutation(
        "batch-is-published-backwards", "--sc batch-death",
        [("batch.c",
          "    for (int i = 0; i < count; i++) {\n"
          "        uint32_t size = (uint32_t)entries[i].iov_len;\n",
          "    for (int i = 0; i < count; i++)\n"
          "        entry.position += control_blocks(entries[i].iov_len);\n"
          "    for (int i = count - 1; i >= 0; i--) {\n"
          "        uint32_t size = (uint32_t)entries[i].iov_len;\n"),
         ("batch.c",
          "        write_publish(b, &entry, size, CONTROL_READY);\n"
          "        entry.position += entry.blocks;\n",
          "        entry.position -= entry.blocks;\n"
          "        write_publish(b, &entry, size, CONTROL_READY);\n")]),
    Mutation(
        "batch-copies-after-the-head-moved", "--sc batch-read",
        [("batch.c",
          "        view.next = copy_more(&to, b, &view);\n"
          "        if (read_take(b, &view, (uint32_t)to.count)) {\n",
          "        if (read_take(b, &view, 1)) {\n"
          "            struct view more = view;\n"
          "            more.next = copy_more(&to, b, &view);\n"
          "            more.head = view.next;\n"
          "            read_take(b, &more, 1);\n")]),
    # ---------------------------------------------------------- arrays
    in_protocol(
        "array-ends-with-its-first-item", "--sc array",
        "    if (item + 1 < control_array_count(value))\n", "    if (0)\n"),
    in_protocol(
        "array-forgets-which-item", "--sc array-two-readers",
        "        view->next = head + SHMIPC_HEAD_ITEM;",
        "        view->next = view->position + SHMIPC_HEAD_ITEM;"),
    in_protocol(
        "array-gives-its-first-item-again", "--sc array",
        "    view->start = item * control_array_stride(view->size);\n", ""),
    in_protocol(
        "array-item-is-taken-for-a-lap", "--sc array",
        "    return position_of_head(atomic_get_acquire(&r->head->position));",
        "    return atomic_get_acquire(&r->head->position);"),
    Mutation(
        "array-is-published-before-its-payload", "--sc array",
        [("batch.c",
          "    store_array(&claim, data, size, count);\n"
          "    write_publish(b, &claim,"
          " control_array((uint32_t)size, (uint32_t)count), CONTROL_ARRAY);\n",
          "    write_publish(b, &claim,\n"
          "                  control_array((uint32_t)size, (uint32_t)count),\n"
          "                  CONTROL_ARRAY);\n"
          "    store_array(&claim, data, size, count);\n")]),
    Mutation(
        "array-has-one-item-too-many", "--sc array",
        [("batch.c", "control_array((uint32_t)size, (uint32_t)count)",
          "control_array((uint32_t)size, (uint32_t)count + 1)")]),
    Mutation(
        "array-copies-after-the-head-moved", "--sc array-copies",
        [("batch.c",
          "        done = load_run(b, data, &view, (size_t)count);\n"
          "        if (read_take(b, &view, (uint32_t)done)) {\n",
          "        if (read_take(b, &view, 1)) {\n"
          "            done = load_run(b, data, &view, 1);\n")]),
    Mutation(
        "array-run-leaves-the-head-behind-it", "--sc array-read",
        [("batch.c", "    if (count < entries_left(view))\n",
          "    if (count <= entries_left(view))\n")]),
    Mutation(
        "array-run-forgets-where-it-began", "--sc array-shares",
        [("batch.c", "        return view->head + count * SHMIPC_HEAD_ITEM;",
          "        return view->position + count * SHMIPC_HEAD_ITEM;")]),
    Mutation(
        "array-run-goes-on-over-other-sizes", "--sc array-wraps",
        [("batch.c", " ||\n            run.size != view->size)", ")")]),
    Mutation(
        "array-read-takes-any-size", "--sc array-reads",
        [("batch.c", "        if (view.size != size) {", "        if (0) {")]),
    in_protocol(
        "array-wraps-without-pad", "--sc array-pad",
        "    plan.pad = blocks <= fit ? 0 : fit;", "    plan.pad = 0;"),
    Mutation(
        "array-is-dropped-whole", "--sc array-force",
        [("recover.c", "return skipped(take_move(r, view.head, view.next));",
          "return skipped(take_move(\n"
          "            r, view.head,\n"
          "            position_advance(r, view.position,\n"
          "                             control_extent(view.word))));")]),
    in_protocol(
        "array-is-not-renewed", "--sc renewal-array",
        "    claim_renew(r, position, blocks);\n    if (taken < blocks)",
        "    if (state != CONTROL_ARRAY)\n"
        "        claim_renew(r, position, blocks);\n"
        "    if (taken < blocks)"),
    # ------------------------------------------------------ committing
    in_protocol(
        "short-commit-without-pad", "--sc reserve",
        "    if (taken < blocks)\n", "    if (0)\n"),
    Mutation(
        "ready-before-payload", "--sc two-writers",
        [("write.c",
          "    payload_store(claim.payload, data, size);\n"
          "    write_publish_entry(b, &claim, size);\n",
          "    write_publish_entry(b, &claim, size);\n"
          "    payload_store(claim.payload, data, size);\n")]),
    Mutation(
        "ready-before-payload-in-known-room", "--sc known-room",
        [("write.h",
          "    payload_store(position_payload(&b->ring, claim.position), data,"
          " size);\n"
          "    write_publish_entry(b, &claim, size);\n",
          "    write_publish_entry(b, &claim, size);\n"
          "    payload_store(position_payload(&b->ring, claim.position), data,"
          " size);\n")]),
    in_protocol(
        "no-renewal", "--sc renewal",
        "return blocks > 1 && position_lap(r, position) %",
        "return blocks > 1 && 1 + position_lap(r, position) * 0 %"),
    # --------------------------------------------------------- reading
    Mutation(
        "copy-after-the-head-moved", "--sc one-block",
        [("read.h",
          "    read_load(b, dest->payload, &view);\n"
          "    if (!read_take(b, &view, 1))\n"
          "        return false;\n",
          "    if (!read_take(b, &view, 1))\n"
          "        return false;\n"
          "    read_load(b, dest->payload, &view);\n")]),
    Mutation(
        "copy-after-the-head-moved-on", "--sc array",
        [("read.c",
          "        read_load(b, dest->payload, &view);\n"
          "        if (read_take(b, &view, 1)) {\n",
          "        if (read_take(b, &view, 1)) {\n"
          "            read_load(b, dest->payload, &view);\n")]),
    Mutation(
        "read-without-the-role", "--sc one-consumer-heir",
        [("read.h",
          "(b->ring.readers_enter && !handle_may_consume(b)) ||\n"
          "                !take_look_plain(",
          "!take_look_plain(")]),
    in_protocol(
        "look-forgets-the-lap", "--sc two-writers",
        "if (control_tag(word) != position_tag(r, position) ||"
        " control_state(word) == CONTROL_FREE) return LOOK_NOTHING;",
        "if (control_state(word) == CONTROL_FREE)\n        return LOOK_NOTHING;"),
    in_protocol(
        "glance-forgets-the-lap", "--sc two-writers",
        "    return (view->word & ~value_mask) ==\n"
        "               control_make(position_tag(r, view->head), 0,"
        " CONTROL_READY) &&",
        "    return control_state(view->word) == CONTROL_READY &&"),
    in_protocol(
        "empty-on-any-other-lap", "--sc overtaken-twice",
        "else if (look != LOOK_NOTHING ||"
        " atomic_get_acquire(&r->head->position) == head)", "else"),
    in_protocol(
        "head-is-stored-by-many", "--sc two-readers",
        "        return atomic_cas_release(&r->head->position, from, to);",
        "        return atomic_put_release(&r->head->position, to), true;"),
    Mutation(
        "skip-is-a-look", "--sc peek",
        [("read.c",
          "    return read_take(b, &view, 1) ? IPC_OK : IPC_ERR_OFFSET_MISMATCH;",
          "    if (atomic_get_acquire(&b->ring.head->position) !=\n"
          "        view.head)\n"
          "        return IPC_ERR_OFFSET_MISMATCH;\n"
          "    atomic_put_release(&b->ring.head->position, view.next);\n"
          "    return IPC_OK;")]),
    # -------------------------------------------------------- recovery
    Mutation(
        "recovers-the-living", "--sc gap",
        [("recover.c",
          "    if (!is_dead(b, view))\n        return false;\n",
          "    (void)is_dead(b, view);\n")]),
    in_repair(
        "recovers-without-cas", "--sc death-two-recover",
        "    bool removed = atomic_cas_release(\n"
        "        position_control(r, position), word,\n"
        "        control_make(position_tag(r, position), 1, CONTROL_SKIP));\n",
        "    bool removed = word != 0;\n"
        "\n"
        "    atomic_put_release(\n"
        "        position_control(r, position),\n"
        "        control_make(position_tag(r, position), 1,"
        " CONTROL_SKIP));\n"),
    in_repair(
        "revokes-without-cas", "--sc gap-read",
        "if (!atomic_cas_release(position_control(r, position), word,"
        " control_make(tag, 1, CONTROL_SKIP)))\n"
        "            break;\n",
        "atomic_put_release(position_control(r, position),\n"
        "                           control_make(tag, 1, CONTROL_SKIP));\n"),
    in_repair(
        "revokes-what-head-passed", "--sc stale-revoker",
        "|| (uint64_t)position_distance(r, head, position) >="
        " r->block_count)", ")"),
    in_repair(
        "revokes-ahead-of-head", "--weak gap-ahead",
        "(uint64_t)position_distance(r, head, position) >= r->block_count",
        "position_distance(r, head, position) < 0"),
    in_protocol(
        "renews-a-pad-that-others-see", "--sc renewal-pad-late",
        "claim_renew(r, position, blocks);"
        " /* Release [commit]: the renewed words. */"
        " atomic_put_release( position_control(r, position),"
        " control_make(position_tag(r, position), blocks, CONTROL_PAD));",
        "atomic_put_release(\n"
        "            position_control(r, position),\n"
        "            control_make(position_tag(r, position), blocks,"
        " CONTROL_PAD));\n"
        "        claim_renew(r, position, blocks);"),
    in_repair(
        "revokes-what-is-stored", "--sc gap",
        "(control_tag(word) == tag && control_state(word) !="
        " CONTROL_FREE) ||", ""),
    in_repair(
        "revokes-beyond-tail", "--sc gap",
        ("position_distance(r, position, tail) > 0;",
         "position_distance(r, position, tail) >= 0;"),
        ("position_distance(r, position, tail) > 0) {",
         "position_distance(r, position, tail) >= 0) {")),
    in_repair(
        "revokes-in-one-producer-mode", "--sc one-producer-pad",
        ("    if (r->one_producer)\n        return false;\n    /* Relaxed: a stale",
         "    /* Relaxed: a stale"),
        ("           position_distance(r, position, tail) > 0;",
         "           position_distance(r, position, tail) >= 0;"),
        ("position_distance(r, position, tail) > 0) {",
         "position_distance(r, position, tail) >= 0) {")),
    Mutation(
        "heir-trusts-tail", "--sc one-producer-heir",
        [("handle.c",
          "    if (status == IPC_OK && inherited)\n"
          "        status = succeed(b);\n", "")]),
    Mutation(
        "role-of-the-living", "--sc one-producer-heir",
        [("owner.c",
          "    if (holder && owner_fate(table, (uint32_t)holder)"
          " != OWNER_IS_DEAD)\n", "    if (0)\n")]),
    Mutation(
        "slot-of-the-living", "--sc registration death-slot-reused",
        [("owner.c",
          "    return judge(table, i, *identity) == OWNER_IS_DEAD;",
          "    return judge(table, i, *identity) != OWNER_UNKNOWN;")]),
    Mutation(
        "owner-without-generation", "--sc death-slot-reused",
        [("owner.c",
          "    if (make_owner(i, generation_of(identity)) != owner ||\n"
          "        pid_of(identity) == 0)\n",
          "    if (pid_of(identity) == 0)\n")]),
    # ---------------------------------------------------- weaker orders
    in_protocol(
        "relaxed-head-in-producer", "--weak two-writers",
        "    head = protocol_head(r);\n    if (!position_is_valid(r, tail) ||",
        "    head = position_of_head(atomic_get_relaxed(&r->head->position));\n"
        "    if (!position_is_valid(r, tail) ||"),
    in_protocol(
        "relaxed-head-cas", "--weak two-writers",
        "        return atomic_cas_release(&r->head->position, from, to);",
        "        return atomic_cas_relaxed(&r->head->position, from, to);"),
    in_protocol(
        "relaxed-head-store", "--weak one-consumer",
        "    atomic_put_release(&r->head->position, to);",
        "    atomic_put_relaxed(&r->head->position, to);"),
    in_protocol(
        "relaxed-ready", "--weak two-writers",
        "    atomic_put_release(control, word);",
        "    atomic_put_relaxed(control, word);"),
    in_protocol(
        "relaxed-ready-alone", "--weak one-producer",
        "    atomic_put_release(position_control(r, position), word);",
        "    atomic_put_relaxed(position_control(r, position), word);"),
    in_protocol(
        "relaxed-array", "--weak array",
        "    atomic_put_release(control, word);",
        "    if (state == CONTROL_ARRAY)\n"
        "        atomic_put_relaxed(control, word);\n"
        "    else\n"
        "        atomic_put_release(control, word);"),
    in_protocol(
        "relaxed-array-alone", "--weak one-and-one-arrays",
        "    atomic_put_release(position_control(r, position), word);",
        "    if (state == CONTROL_ARRAY)\n"
        "        atomic_put_relaxed(position_control(r, position), word);\n"
        "    else\n"
        "        atomic_put_release(position_control(r, position), word);"),
    # Only what the first of several copies read is overwritten there.
    in_protocol(
        "relaxed-head-cas-after-copies", "--weak array-copies",
        "        return atomic_cas_release(&r->head->position, from, to);",
        "        return atomic_cas_relaxed(&r->head->position, from, to);"),
    in_protocol(
        "relaxed-control-in-glance", "--weak two-writers",
        "view->word = atomic_get_acquire(position_control(r, head));",
        "view->word = atomic_get_relaxed(position_control(r, head));"),
    in_protocol(
        "relaxed-control-in-look", "--weak array",
        "word = atomic_get_acquire(position_control(r, position));"
        " view->word",
        "word = atomic_get_relaxed(position_control(r, position));\n"
        "    view->word"),
    Mutation(
        "relaxed-heads-in-consumers", "--weak --bound 2 --stale 5 stale-revoker",
        [("recover.c",
          "head = atomic_get_acquire(&r->head->position);",
          "head = atomic_get_relaxed(&r->head->position);"),
         ("protocol.h",
          "uint64_t head = atomic_get_acquire(&r->head->position);\n"
          "    *view",
          "uint64_t head = atomic_get_relaxed(&r->head->position);\n"
          "    *view"),
         ("protocol.h",
          "atomic_get_acquire(&r->head->position) == head)",
          "atomic_get_relaxed(&r->head->position) == head)"),
         ("repair.h",
          "uint64_t head = protocol_head(r);\n"
          "        if ((control_tag",
          "uint64_t head = position_of_head("
          "atomic_get_relaxed(&r->head->position));\n"
          "        if ((control_tag")]),
    in_repair(
        "relaxed-recovery", "--weak death",
        "    bool removed = atomic_cas_release(",
        "    bool removed = atomic_cas_relaxed("),
    in_protocol(
        "relaxed-busy", "--weak death-slot-reused",
        "    return atomic_cas_release(control, word, "
        "control_make(tag, value, state));",
        "    return atomic_cas_relaxed(control, word, "
        "control_make(tag, value, state));"),
    in_protocol(
        "relaxed-room", "--weak --bound 2 threads",
        "    atomic_put_release(&r->room_end, lap + end);",
        "    atomic_put_relaxed(&r->room_end, lap + end);"),
    in_protocol(
        "relaxed-room-load", "--weak --bound 2 threads",
        "    uint64_t end = atomic_get_acquire(&r->room_end);",
        "    uint64_t end = atomic_get_relaxed(&r->room_end);"),
    in_protocol(
        "relaxed-abort", "--weak abort",
        "    atomic_put_release(\n"
        "        position_control(r, position),\n"
        "        control_make(position_tag(r, position), blocks,"
        " CONTROL_SKIP));",
        "    atomic_put_relaxed(\n"
        "        position_control(r, position),\n"
        "        control_make(position_tag(r, position), blocks,"
        " CONTROL_SKIP));"),
    Mutation(
        "relaxed-fate", "--weak --bound 3 death-slot-reused",
        [("owner.c",
          "    /* Acquire [slot]: `started` is not older. Whoever saw the"
          " owner's BUSY\n"
          "     * word with acquire sees here its stay or a later one, not an"
          " earlier. */\n"
          "    identity = atomic_get_acquire(",
          "    identity = atomic_get_relaxed(")]),
    in_protocol(
        "relaxed-room-quickly", "--weak threads-know-room",
        "    atomic_put_release(&r->room_end, lap + end);",
        "    atomic_put_relaxed(&r->room_end, lap + end);"),
    in_protocol(
        "relaxed-room-load-quickly", "--weak threads-know-room",
        "    uint64_t end = atomic_get_acquire(&r->room_end);",
        "    uint64_t end = atomic_get_relaxed(&r->room_end);"),
    in_protocol(
        "relaxed-pad-in-a-renewal-lap", "--weak renewal-pad-early",
        "        atomic_put_release(\n"
        "            position_control(r, position),\n"
        "            control_make(position_tag(r, position), blocks,"
        " CONTROL_PAD));",
        "        atomic_put_relaxed(\n"
        "            position_control(r, position),\n"
        "            control_make(position_tag(r, position), blocks,"
        " CONTROL_PAD));"),
    in_protocol(
        "relaxed-pad-alone", "--weak one-producer-pad-ahead",
        "    atomic_put_release(position_control(r, tail),",
        "    atomic_put_relaxed(position_control(r, tail),"),
    # What it acquires is that no word is seen which is older than I6 allows. The
    # tags of such words come true again after 2^32 laps: out of reach here.
    Mutation(
        "relaxed-second-look", "--weak stale-tail two-readers stale-revoker",
        [("take.h", "atomic_get_acquire(&r->head->position) == head)",
          "atomic_get_relaxed(&r->head->position) == head)")],
        harmless=True),
    in_protocol(
        "relaxed-closing", "--weak close",
        "    /* Release [closed]: tail is final, and our entries come before it. */\n"
        "    atomic_put_release(&r->head->closed, 1);",
        "    atomic_put_relaxed(&r->head->closed, 1);"),
    in_protocol(
        "relaxed-closed", "--weak close",
        "    if (!atomic_get_acquire(&r->head->closed))",
        "    if (!atomic_get_relaxed(&r->head->closed))"),
    in_protocol(
        "relaxed-closing-alone", "--weak one-producer-closes",
        "    /* Release [closed]: tail is final, and our entries come before it. */\n"
        "    atomic_put_release(&r->head->closed, 1);",
        "    atomic_put_relaxed(&r->head->closed, 1);"),
    in_protocol(
        "relaxed-closed-alone", "--weak one-producer-closes",
        "    if (!atomic_get_acquire(&r->head->closed))",
        "    if (!atomic_get_relaxed(&r->head->closed))"),
    # ------------------------------------------------ entering and leaving
    Mutation(
        "relaxed-produces", "--weak threads-enter",
        [("handle.c", "        atomic_put_release(&b->produces, token);",
          "        atomic_put_relaxed(&b->produces, token);")]),
    Mutation(
        "relaxed-may-produce", "--weak threads-enter",
        [("handle.h",
          "    return atomic_get_acquire(&b->produces) == process_token();",
          "    return atomic_get_relaxed(&b->produces) == process_token();")]),
    Mutation(
        "entry-lock-excludes-nobody", "--sc threads-enter",
        [("handle.c", "        if (holder != token &&"
          " atomic_cas_acq_rel(&b->entering, holder, token))",
          "        if (atomic_cas_acq_rel(&b->entering, holder, token))")]),
    Mutation(
        "relaxed-entry-lock", "--weak threads-enter",
        [("handle.c", "        if (holder != token &&"
          " atomic_cas_acq_rel(&b->entering, holder, token))",
          "        if (holder != token &&"
          " atomic_cas_relaxed(&b->entering, holder, token))")]),
    Mutation(
        "relaxed-entry-unlock", "--weak threads-enter",
        [("handle.c", "    atomic_put_release(&b->entering, 0);",
          "    atomic_put_relaxed(&b->entering, 0);")]),
    Mutation(
        "relaxed-taking-of-a-slot", "--weak slot-passes-on",
        [("owner.c",
          "    if (!atomic_cas_acq_rel(&slot->identity, seen,",
          "    if (!atomic_cas_relaxed(&slot->identity, seen,")]),
    Mutation(
        "taking-of-a-slot-acquires-nothing", "--weak slot-passes-on",
        [("owner.c",
          "    if (!atomic_cas_acq_rel(&slot->identity, seen,",
          "    if (!atomic_cas_release(&slot->identity, seen,")]),
    Mutation(
        "relaxed-giving-up-of-a-slot", "--weak slot-passes-on",
        [("owner.c",
          "        atomic_cas_release(identity, seen, make_free(owner >> "
          "SLOT_BITS));",
          "        atomic_cas_relaxed(identity, seen, make_free(owner >> "
          "SLOT_BITS));")]),
    Mutation(
        "slot-is-locked-after-it-says-so", "--sc lock-and-registration",
        [("owner.c", "    *locked = lock_slot(table, i);\n",
          "    *locked = table->backing;\n"),
         ("owner.c", "    /* Relaxed, all: published by the last store. */",
          "    lock_slot(table, i);")]),
    Mutation(
        "slot-is-unlocked-before-it-is-free",
        "--sc reservation-and-lock",
        [("handle.c", "        aborted = leave(b);\n"
          "        if (b->locked)\n"
          "            owner_unlock(&b->ring.owners, handle_owner(b));\n",
          "        if (b->locked)\n"
          "            owner_unlock(&b->ring.owners, handle_owner(b));\n"
          "        aborted = leave(b);\n")]),
    Mutation(
        "lock-is-not-asked", "--sc lock-of-the-dead",
        [("owner.c", "fate != PROCESS_LIVES && (identity & LOCKED) &&",
          "0 && fate != PROCESS_LIVES && (identity & LOCKED) &&")]),
    Mutation(
        "force-frees-no-slot", "--sc forced-out",
        [("recover.c", "        owner_force_out(&r->owners);", "        ;")]),
    Mutation(
        "image-is-stored-after-the-start-time", "--sc handles-enter-other",
        [("owner.c", "    atomic_put_relaxed(&slot->image, self->image);\n",
          ""),
         ("owner.c", "    atomic_put_release(&slot->started,"
          " make_started(generation, self));",
          "    atomic_put_release(&slot->started,"
          " make_started(generation, self));\n"
          "    atomic_put_relaxed(&slot->image, self->image);")]),
    Mutation(
        "image-of-another-stay-counts", "--sc handles-enter-other",
        [("owner.c", "    if (generation_of(started) != "
          "generation_of(identity))\n        return id;\n", "")]),
    Mutation(
        "relaxed-start", "--weak slot-of-a-dead-writer",
        [("owner.c",
          "    atomic_put_release(&slot->started,"
          " make_started(generation, self));",
          "    atomic_put_relaxed(&slot->started,"
          " make_started(generation, self));")]),
    Mutation(
        "relaxed-start-in-find", "--weak slot-of-a-dead-writer",
        [("owner.c", "        if (atomic_get_acquire(&slot->started) !=",
          "        if (atomic_get_relaxed(&slot->started) !=")]),
    Mutation(
        "relaxed-count-of-handles",
        "--weak reservation-ends-with-the-last-handle",
        [("owner.c",
          "        if (atomic_cas32_acq_rel(handles, seen, seen - 1))",
          "        if (atomic_cas32_relaxed(handles, seen, seen - 1))")]),
    Mutation(
        "slot-that-is-being-given-up-is-joined", "--sc handles-enter",
        [("owner.c", "        if (handles >> HANDLES_BITS != generation ||\n"
          "            (handles & HANDLES_MASK) == 0)\n",
          "        if (handles >> HANDLES_BITS != generation)\n")]),
    Mutation(
        "slot-that-passed-on-is-joined", "--sc handles-enter-other",
        [("owner.c", "        if (handles >> HANDLES_BITS != generation ||\n"
          "            (handles & HANDLES_MASK) == 0)\n",
          "        if ((handles & HANDLES_MASK) == 0)\n")]),
    Mutation(
        "slot-is-free-before-its-reservations-are",
        "--sc reservation-ends-with-the-last-handle",
        [("handle.c",
          "        if (owner_is_marked(&b->ring.owners, owner, OWNER_RESERVES))\n"
          "            aborted = abort_reservations(b, owner);\n"
          "        owner_free(&b->ring.owners, owner);",
          "        owner_free(&b->ring.owners, owner);\n"
          "        if (owner_is_marked(&b->ring.owners, owner, OWNER_RESERVES))\n"
          "            aborted = abort_reservations(b, owner);")]),
    Mutation(
        "relaxed-look-at-a-role", "--weak role-passes-on",
        [("owner.c", "    uint64_t holder = atomic_get_acquire(role);",
          "    uint64_t holder = atomic_get_relaxed(role);")]),
    Mutation(
        "relaxed-taking-of-a-role", "--weak role-passes-on",
        [("owner.c", "    return atomic_cas_acq_rel(role, holder, mine) ?",
          "    return atomic_cas_relaxed(role, holder, mine) ?")]),
    Mutation(
        "taking-of-a-role-acquires-nothing", "--weak role-passes-on",
        [("owner.c", "    return atomic_cas_acq_rel(role, holder, mine) ?",
          "    return atomic_cas_release(role, holder, mine) ?")]),
    Mutation(
        "relaxed-dropping-of-a-role", "--weak role-passes-on",
        [("owner.c",
          "    atomic_cas_release(role, make_role(owner, handle), 0);",
          "    atomic_cas_relaxed(role, make_role(owner, handle), 0);")]),
    # ------------------------------------------------------------- closing
    in_protocol(
        "closed-over-an-entry-that-came-meanwhile", "--sc one-producer-closes",
        "    return r->one_producer ?"
        " take_look_at(r, head, &view) == LOOK_NOTHING",
        "    return r->one_producer ? (void)view, true"),
    in_protocol(
        "closed-before-all-is-read", "--sc close",
        ": protocol_tail(r) == head;", ": true;"),
    Mutation(
        "writer-keeps-the-closing-to-itself", "--sc closer-dies",
        [("write.c", "    else if (outcome == CLAIM_CLOSED)\n"
          "        close_finish(&b->ring);\n", "")]),
    Mutation(
        "recovery-leaves-it-half-closed", "--sc closer-dies",
        [("recover.c", "    close_finish(r);\n", "")]),
    Mutation(
        "sleeper-leaves-it-half-closed",
        "--sc wake-closer-dies wake-closer-dies-alone",
        [("block.c", "    if (channel_finish_closing(ch))\n"
          "        return next_try(b, BLOCK_SLEPT);\n", "")]),
    in_close(
        "consumers-are-told-first", "--sc closer-dies",
        "    if (r->one_producer)\n"
        "        /* Release [closing]: our entries come before it. */\n",
        "    atomic_put_release(&r->head->closed, 1);\n"
        "    if (r->one_producer)\n"),
    in_close(
        "relaxed-first-half-of-closing", "--weak closing-is-finished",
        "        atomic_put_release(&r->tail->closed, 1);",
        "        atomic_put_relaxed(&r->tail->closed, 1);"),
    in_close(
        "relaxed-look-at-the-first-half", "--weak closing-is-finished",
        "        return atomic_get_acquire(&r->tail->closed);",
        "        return atomic_get_relaxed(&r->tail->closed);"),
    in_close(
        "relaxed-finish", "--weak closing-is-finished closer-dies",
        "    /* Release [closed]: as above, for the closer. */\n"
        "    atomic_put_release(&r->head->closed, 1);",
        "    atomic_put_relaxed(&r->head->closed, 1);"),
    # What stands inside a claim is looked at by nobody but its owner, who
    # stores over it; only the count of what was removed is too high.
    Mutation(
        "revoker-goes-on-inside-the-claim-of-who-was-faster", "--sc gap",
        [("repair.h",
          "                                control_make(tag, 1, CONTROL_SKIP)))"
          "            break;"
          "        count++;",
          "                                control_make(tag, 1, CONTROL_SKIP)))"
          " {\n"
          "            position = position_advance(r, position, 1);\n"
          "            continue;\n"
          "        }\n"
          "        count++;")],
        harmless=True),
    # ------------------------------------------------ sleeping and waking
    in_wait(
        "sleeper-does-not-fence", "--weak wake-many-x86"
        " wake-without-membarrier",
        "    atomic_full_fence(); /* [sleepers]: ours, for the look that"
        " follows */\n", ""),
    in_wait(
        "sleeper-leaves-the-membarrier-out", "--weak wake-alone",
        "        process_fence_others();", "        ;"),
    in_wait(
        "sleeper-leaves-the-membarrier-out-for-many", "--weak wake-many",
        "        process_fence_others();", "        ;"),
    in_wait(
        "sequence-remembered-after-the-flag", "--sc wake-two-sleepers",
        "process_fence_others(); /* [sleepers]: everybody else's */\n"
        "    return seen;",
        "process_fence_others();\n"
        "    return atomic_get_acquire(&words->sequence);"),
    in_wait(
        "wake-leaves-the-sequence", "--sc wake-alone",
        "    atomic_add_release(&words->sequence, 1);\n", ""),
    in_wait(
        "wake-does-not-wake", "--sc wake-alone",
        "        futex_wake(&words->sequence);", "        ;"),
    Mutation(
        "count-is-no-fence", "--weak wake-many-x86",
        [("owner.h",
          "    atomic_add_relaxed(&table->slots[owner_slot(owner)].written,"
          " count);",
          "    atomic_u64 *written = &table->slots[owner_slot(owner)].written;\n"
          "    atomic_put_relaxed(written,"
          " atomic_get_relaxed(written) + count);")]),
    Mutation(
        "entry-is-counted-before-it-is-ready", "--weak wake-many-x86",
        [("write.h",
          "    write_publish(b, claim, (uint32_t)size, CONTROL_READY);\n"
          "    write_count_and_fence(b, 1);\n",
          "    write_count_and_fence(b, 1);\n"
          "    write_publish(b, claim, (uint32_t)size, CONTROL_READY);\n")]),
    Mutation(
        "no-fence-where-membarrier-is-missing",
        "--weak wake-alone-without-membarrier",
        [("wait.h", "    if (process_needs_fence())\n", "    if (0)\n")]),
    in_wait(
        "promised-waker-does-not-fence", "--weak wake-promise",
        "    uint32_t left = atomic_get_relaxed(&w->promised[side]) - 1;\n"
        "\n    atomic_full_fence(); /* [sleepers] */\n",
        "    uint32_t left = atomic_get_relaxed(&w->promised[side]) - 1;\n\n"),
    in_wait(
        "promise-ends-without-a-fence", "--weak wake-promise",
        "    atomic_put_relaxed(&words->fenced, 0);\n"
        "    atomic_full_fence(); /* [sleepers] */\n",
        "    atomic_put_relaxed(&words->fenced, 0);\n"),
    in_wait(
        "one-of-many-promises-fences", "--weak wake-promise-of-many",
        "    if (w->sole[side])\n", "    if (1)\n"),
    in_wait(
        "sole-waker-is-believed-to-fence", "--weak wake-alone-x86",
        "return ATOMIC_RMW_IS_FENCE && !w->sole[side];",
        "return (void)w, (void)side, ATOMIC_RMW_IS_FENCE;"),
    in_wait(
        "wakers-are-believed-to-fence", "--weak wake-many",
        "return ATOMIC_RMW_IS_FENCE && !w->sole[side];",
        "return !w->sole[side];"),
    Mutation(
        "promise-outlives-the-producer", "--weak wake-promise-successor"
        " wake-promise-heir",
        [("handle.c", "        take_fences_back(&b->region->readers);",
          "        ;")]),
    Mutation(
        "promise-outlives-the-consumer", "--weak --bound 2 wake-consumers-successor",
        [("handle.c", "        take_fences_back(&b->region->writers);",
          "        ;")]),
    Mutation(
        "promise-is-taken-back-without-a-fence",
        "--weak wake-promise-successor wake-promise-heir",
        [("handle.c",
          "    atomic_put_relaxed(&wait->fenced, 0);\n"
          "    /* Fence [sleepers]: a sleeper that relied on the promise announced"
          " itself\n     * before, and is seen from now on. */\n"
          "    atomic_full_fence();",
          "    atomic_put_relaxed(&wait->fenced, 0);")]),
    in_wait(
        "rare-changes-do-not-fence", "--weak wake-at-close-x86"
        " wake-over-filler-left-alone",
        "    atomic_full_fence(); /* [sleepers] */\n"
        "    /* Relaxed: ordered by the fence. */\n"
        "    if (atomic_get_relaxed(&wait_words(w, side)->sleepers) != 0)\n"
        "        wait_wake(w, side);\n}",
        "    if (atomic_get_relaxed(&wait_words(w, side)->sleepers) != 0)\n"
        "        wait_wake(w, side);\n}"),
    Mutation(
        "closing-wakes-no-reader", "--sc wake-at-close-alone",
        [("channel.c", "    close_ring(&ch->buffer.ring);\n"
          "    channel_tell_all(ch);\n",
          "    close_ring(&ch->buffer.ring);\n"
          "    wait_notify_rarely(&ch->waiter, WAIT_WRITERS);\n")]),
    Mutation(
        "closing-wakes-no-writer", "--sc wake-writer-at-close",
        [("channel.c", "    wait_notify_rarely(&ch->waiter, WAIT_WRITERS);\n",
          "")]),
    Mutation(
        "abort-wakes-no-writer", "--sc wake-by-abort",
        [("send.c", "        channel_tell_all(ch);\n",
          "        wait_notify_rarely(&ch->waiter, WAIT_READERS);\n")]),
    Mutation(
        "pad-wakes-no-writer", "--sc wake-past-a-pad",
        [("send.c", "    if (may_have_padded(b, tail))\n"
          "        wait_notify_rarely(w, WAIT_WRITERS);\n", "")]),
    Mutation(
        "wakes-before-closing", "--sc wake-at-close-alone",
        [("channel.c", "    close_ring(&ch->buffer.ring);\n"
          "    channel_tell_all(ch);\n",
          "    channel_tell_all(ch);\n"
          "    close_ring(&ch->buffer.ring);\n")]),
    Mutation(
        "read-that-only-passes-filler-wakes-nobody", "--sc wake-past-filler",
        [("receive.c", "    else if (block_end(ch, WAIT_READERS) != before)\n"
          "        wait_notify_rarely(&ch->waiter, WAIT_WRITERS);\n", "")]),
    Mutation(
        "who-moved-nothing-wakes-others",
        "--sc --bound 2 wake-for-space-x86",
        [("receive.c", "    else if (block_end(ch, WAIT_READERS) != before)\n",
          "    else\n"),
         ("send.c", "    else if (tail != b->before)\n", "    else\n")]),
    Mutation(
        "write-that-only-leaves-filler-wakes-nobody",
        "--sc wake-over-filler-left",
        [("send.c", "    else if (tail != b->before)\n"
          "        wait_notify_rarely(w, WAIT_READERS);\n", "")]),
    Mutation(
        "sleeper-repairs-nothing", "--sc wake-behind-the-dead",
        [("block.c", "    if (stuck && channel_repair(ch))\n"
          "        return next_try(b, BLOCK_SLEPT);\n", "")]),
    Mutation(
        "sleeper-does-not-look-after-announcing", "--sc wake-alone",
        [("block.c",
          "    b->seen = wait_announce(w, b->side, w->backend->sleeps_by);\n"
          "    return next_try(b, BLOCK_ANNOUNCED);",
          "    b->seen = wait_announce(w, b->side, w->backend->sleeps_by);\n"
          "    b->step = BLOCK_ANNOUNCED;\n"
          "    return sleep_or_repair(b, status);"),
         ("block.c", "static bool announce(struct block *b,",
          "static bool sleep_or_repair(struct block *b, IpcStatus *status);\n"
          "static bool announce(struct block *b,")]),
    Mutation(
        "who-reads-is-not-marked", "--sc --bound 1 readers-enter",
        [("handle.c", "    if (status == IPC_OK && b->ring.readers_enter)\n"
          "        owner_mark(&b->ring.owners, handle_owner(b), "
          "OWNER_CONSUMES);\n", "")]),
    # ----------------------------------------------------- interruptions
    in_wait(
        "interrupt-wakes-before-it-says-so", "--sc interrupt-reader",
        "    atomic_put_release(&w->interrupted, 1);\n"
        "    wait_notify_rarely(w, WAIT_READERS);\n"
        "    wait_notify_rarely(w, WAIT_WRITERS);\n",
        "    wait_notify_rarely(w, WAIT_READERS);\n"
        "    wait_notify_rarely(w, WAIT_WRITERS);\n"
        "    atomic_put_release(&w->interrupted, 1);\n"),
    in_wait(
        "interrupt-wakes-no-reader", "--sc interrupt-reader",
        "    wait_notify_rarely(w, WAIT_READERS);\n", ""),
    in_wait(
        "interrupt-wakes-no-writer", "--sc interrupt-writer",
        "    wait_notify_rarely(w, WAIT_WRITERS);\n", ""),
    in_wait(
        "interrupt-does-not-fence", "--weak interrupt-reader-x86",
        "    wait_notify_rarely(w, WAIT_READERS);\n",
        "    if (atomic_get_relaxed(&wait_words(w, WAIT_READERS)->sleepers))\n"
        "        wait_wake(w, WAIT_READERS);\n"),
    in_wait(
        "interrupt-leaves-the-sequence", "--sc interrupt-reader",
        "    wait_notify_rarely(w, WAIT_READERS);\n",
        "    futex_wake(&wait_words(w, WAIT_READERS)->sequence);\n"),
    Mutation(
        "sleeper-looks-for-interrupts-before-it-announces-itself",
        "--sc interrupt-reader",
        [("block.c", "    if (wait_is_interrupted(&ch->waiter))\n"
          "        return answer(status, IPC_ERR_INTERRUPTED);\n", ""),
         ("block.c",
          "    b->seen = wait_announce(w, b->side, w->backend->sleeps_by);\n",
          "    if (wait_is_interrupted(w))\n"
          "        return answer(status, IPC_ERR_INTERRUPTED);\n"
          "    b->seen = wait_announce(w, b->side, w->backend->sleeps_by);\n")]),
    # ------------------------------------------------ sleeping in a waitset
    Mutation(
        "set-does-not-announce", "--sc wake-set",
        [("watch.c", "WAIT_READERS, WAIT_BY_WORD);", "WAIT_READERS, 0);")]),
    Mutation(
        "set-looks-before-it-announces", "--sc wake-set",
        [("watch.c",
          "    status = watch_look(ch, who);\n"
          "    return watch_is_ready(status)",
          "    status = IPC_EMPTY;\n    return watch_is_ready(status)")]),
    Mutation(
        "set-does-not-finish-closing", "--sc wake-set-closer-dies",
        [("watch.c", "channel_finish_closing(ch);", "false;")]),
    Mutation(
        "set-repairs-nothing", "--sc wake-set-behind-the-dead",
        [("watch.c", "(stuck && channel_repair(ch)) || closed", "closed")]),
    in_wait(
        "waker-leaves-the-sequence-to-a-set", "--sc wake-set",
        "    atomic_add_release(&words->sequence, 1);\n", ""),
    # ------------------------------------- weaker orders of sleep and wake
    # Controls. The first two keep S1 in front of S2, and W4's parts apart: a
    # load that is delayed past a later store is outside of RC11 as checked here.
    # The others count where a second waker, who closes, clears the flag first.
    Mutation(
        "relaxed-sequence", "--weak wake-two-sleepers wake-alone",
        [("wait.c",
          "    uint32_t seen = atomic_get_acquire(&words->sequence);",
          "    uint32_t seen = atomic_get_relaxed(&words->sequence);")],
        harmless=True),
    Mutation(
        "relaxed-wake", "--weak wake-two-sleepers wake-alone",
        [("wait.c", "    atomic_add_release(&words->sequence, 1);",
          "    atomic_add_relaxed(&words->sequence, 1);")],
        harmless=True),
    Mutation(
        "relaxed-promise", "--weak wake-two-sleepers wake-promise",
        [("wait.c",
          "    atomic_put_release(&wait_words(w, side)->fenced, 1);",
          "    atomic_put_relaxed(&wait_words(w, side)->fenced, 1);")],
        harmless=True),
    Mutation(
        "relaxed-look-at-a-promise", "--weak wake-two-sleepers wake-promise",
        [("wait.c", "!atomic_get_acquire(&words->fenced))",
          "!atomic_get_relaxed(&words->fenced))")],
        harmless=True),
]
