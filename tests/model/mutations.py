# SPDX-License-Identifier: MIT
"""The mistakes that the checker must find, and where it looks for them."""
from dataclasses import dataclass


@dataclass
class Mutation:
    name: str
    arguments: str  # of the checker
    edits: list     # (file in lib/, text, replacement)
    harmless: bool = False  # a control: the checker must find nothing


def in_protocol(name, arguments, *edits):
    if isinstance(edits[0], str):
        edits = [edits]
    return Mutation(name, arguments,
                    [("protocol.h", old, new) for old, new in edits])


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
          "        if (!plan.only_pad && "
          "protocol_occupy(r, entry, owner, CONTROL_BUSY)) {",
          "        if (!plan.only_pad) {"),
         ("hot.h",
          "    payload_store(claim.payload, data, size);\n",
          "    payload_store(claim.payload, data, size);\n"
          "    if (!b->ring.one_producer &&\n"
          "        !protocol_occupy(&b->ring, claim.position,\n"
          "                         handle_owner(b), CONTROL_BUSY))\n"
          "        return hot_write(b, data, size);\n")]),
    in_protocol(
        "occupy-forgets-the-lap", "--sc gap gap-of-laps",
        "    if (tag - control_tag(word) - 1 > SHMIPC_RENEWAL_LAPS)\n"
        "        return false;\n", ""),
    in_protocol(
        "tail-is-stored", "--sc two-writers",
        "        if (!atomic_cas_relaxed(&r->tail->position, plan.tail, next))\n"
        "            continue;\n",
        "        atomic_put_relaxed(&r->tail->position, next);\n"),
    in_protocol(
        "stale-tail-is-full", "--sc stale-tail",
        "    if (used > n)\n        return IPC_ERR_LOCKED;\n",
        "    if (used > n)\n        return IPC_ERR_NO_SPACE_CONTIGUOUS;\n"),
    in_protocol(
        "full-without-a-fresh-head", "--sc two-writers",
        "    protocol_note_room(r, tail, head);\n"
        "    return used <= n - need",
        "    protocol_note_room(r, tail, tail);\n"
        "    return used <= n - need"),
    in_protocol(
        "one-block-too-many", "--sc two-writers",
        "    return used <= n - need ?", "    return used <= n - need + 1 ?"),
    in_protocol(
        "room-of-one-block-too-many", "--sc two-writers",
        "        end = position_index(r, head);",
        "        end = position_index(r, head) + 1;"),
    in_protocol(
        "room-of-another-lap", "--sc two-writers",
        "room <= (end & r->index_mask) && blocks <= room", "blocks <= room"),
    in_protocol(
        "entry-wraps-without-pad", "--sc pad",
        "    plan->pad = blocks <= fit ? 0 : fit;", "    plan->pad = 0;"),
    in_protocol(
        "no-pad-alone", "--sc pad-only",
        "    plan->only_pad = plan->pad + (uint64_t)blocks > n;\n"
        "    need = plan->only_pad ? plan->pad : plan->pad + blocks;",
        "    plan->only_pad = false;\n"
        "    need = plan->pad + blocks;\n"
        "    if (need > n)\n"
        "        return IPC_ERR_NO_SPACE_CONTIGUOUS;"),
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
          "        uint32_t size = (uint32_t)entries[i].iov_len;",
          "    for (int i = 0; i < count; i++)\n"
          "        position += blocks_of(entries[i].iov_len);\n"
          "    for (int i = count - 1; i >= 0; i--) {\n"
          "        uint32_t size = (uint32_t)entries[i].iov_len;"),
         ("batch.c",
          "        if (b->ring.one_producer)\n"
          "            protocol_publish_alone(&b->ring, position, size);",
          "        position -= blocks;\n"
          "        if (b->ring.one_producer)\n"
          "            protocol_publish_alone(&b->ring, position, size);"),
         ("batch.c", "        position += blocks;\n    }\n    count",
          "    }\n    count")]),
    Mutation(
        "batch-copies-after-the-head-moved", "--sc batch-read",
        [("batch.c",
          "        view.next = put_on_more(&tray, b, &view);\n"
          "        if (take(b, &view)) {\n",
          "        if (take(b, &view)) {\n"
          "            struct view more = view;\n"
          "            more.next = put_on_more(&tray, b, &view);\n"
          "            more.position = view.next;\n"
          "            take(b, &more);\n")]),
    # ------------------------------------------------------ committing
    in_protocol(
        "short-commit-without-pad", "--sc reserve",
        "    if (taken < blocks)\n", "    if (0)\n"),
    Mutation(
        "ready-before-payload", "--sc two-writers",
        [("hot.h",
          "    payload_store(claim.payload, data, size);\n"
          "    publish(b, &claim, size);\n",
          "    publish(b, &claim, size);\n"
          "    payload_store(claim.payload, data, size);\n")]),
    in_protocol(
        "no-renewal", "--sc renewal",
        "return blocks > 1 && position_lap(r, position) %",
        "return blocks > 1 && 1 + position_lap(r, position) * 0 %"),
    # --------------------------------------------------------- reading
    Mutation(
        "copy-after-the-head-moved", "--sc one-block",
        [("hot.h",
          "        load(b, dest->payload, &view);\n"
          "        if (take(b, &view)) {\n",
          "        if (take(b, &view)) {\n"
          "            load(b, dest->payload, &view);\n")]),
    in_protocol(
        "look-forgets-the-lap", "--sc two-writers",
        "if (control_tag(word) != position_tag(r, position) ||"
        " control_state(word) == CONTROL_FREE) return IPC_EMPTY;",
        "if (control_state(word) == CONTROL_FREE)\n        return IPC_EMPTY;"),
    in_protocol(
        "empty-on-any-other-lap", "--sc two-readers",
        "else if (status != IPC_EMPTY ||"
        " atomic_get_acquire(&r->head->position) == head)", "else"),
    in_protocol(
        "head-is-stored-by-many", "--sc two-readers",
        "        return atomic_cas_release(&r->head->position, from, to);",
        "        return atomic_put_release(&r->head->position, to), true;"),
    Mutation(
        "skip-is-a-look", "--sc peek",
        [("read.c",
          "    return take(b, &view) ? IPC_OK : IPC_ALREADY_SKIPPED;",
          "    if (atomic_get_acquire(&b->ring.head->position) !=\n"
          "        view.position)\n"
          "        return IPC_ALREADY_SKIPPED;\n"
          "    atomic_put_release(&b->ring.head->position, view.next);\n"
          "    return IPC_OK;")]),
    # -------------------------------------------------------- recovery
    Mutation(
        "recovers-the-living", "--sc gap",
        [("recover.c",
          "    case OWNER_LIVES:\n        break;",
          "    case OWNER_LIVES:\n        return IPC_OK;")]),
    in_protocol(
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
    in_protocol(
        "revokes-without-cas", "--sc gap-read",
        "if (!atomic_cas_release(position_control(r, position), word,"
        " control_make(tag, 1, CONTROL_SKIP)))\n"
        "            break;\n",
        "atomic_put_release(position_control(r, position),\n"
        "                           control_make(tag, 1, CONTROL_SKIP));\n"),
    in_protocol(
        "revokes-what-head-passed", "--sc stale-revoker",
        "|| (uint64_t)position_distance(r, head, position) >="
        " r->block_count)", ")"),
    in_protocol(
        "revokes-ahead-of-head", "--weak gap-ahead",
        "(uint64_t)position_distance(r, head, position) >= r->block_count",
        "position_distance(r, head, position) < 0"),
    in_protocol(
        "renews-a-pad-that-others-see", "--sc renewal-pad-late",
        "protocol_renew(r, position, blocks);"
        " /* Release pairs with the acquire in protocol_examine(). */"
        " atomic_put_release( position_control(r, position),"
        " control_make(position_tag(r, position), blocks, CONTROL_PAD));",
        "atomic_put_release(\n"
        "            position_control(r, position),\n"
        "            control_make(position_tag(r, position), blocks,"
        " CONTROL_PAD));\n"
        "        protocol_renew(r, position, blocks);"),
    in_protocol(
        "revokes-what-is-stored", "--sc gap",
        "(control_tag(word) == tag && control_state(word) !="
        " CONTROL_FREE) ||", ""),
    in_protocol(
        "revokes-beyond-tail", "--sc gap",
        ("position_distance(r, view->position, tail) > 0;",
         "position_distance(r, view->position, tail) >= 0;"),
        ("position_distance(r, position, tail) > 0) {",
         "position_distance(r, position, tail) >= 0) {")),
    in_protocol(
        "revokes-in-one-producer-mode", "--sc one-producer-pad",
        ("    if (r->one_producer)\n        return false;\n    /* Relaxed: a stale",
         "    /* Relaxed: a stale"),
        ("           position_distance(r, view->position, tail) > 0;",
         "           position_distance(r, view->position, tail) >= 0;"),
        ("position_distance(r, position, tail) > 0) {",
         "position_distance(r, position, tail) >= 0) {")),
    Mutation(
        "heir-trusts-tail", "--sc one-producer-heir",
        [("handle.c",
          "    if (status == IPC_OK && inherited)\n", "    if (0)\n")]),
    Mutation(
        "role-of-the-living", "--sc one-producer-heir",
        [("owner.c",
          "    if (holder && owner_fate_of(table, (uint32_t)holder)"
          " != OWNER_IS_DEAD)\n", "    if (0)\n")]),
    Mutation(
        "slot-of-the-living", "--sc registration death-slot-reused",
        [("owner.c",
          "    return process_fate_of(&id) == PROCESS_IS_DEAD;",
          "    return process_fate_of(&id) != PROCESS_UNKNOWN;")]),
    Mutation(
        "owner-without-generation", "--sc death-slot-reused",
        [("owner.c",
          "    if (make_owner(i, generation_of(identity)) != owner ||\n"
          "        pid_of(identity) == 0)\n",
          "    if (pid_of(identity) == 0)\n")]),
    # ---------------------------------------------------- weaker orders
    in_protocol(
        "relaxed-head-in-producer", "--weak two-writers",
        "    head = atomic_get_acquire(&r->head->position);\n"
        "    if (!position_is_valid(r, head))",
        "    head = atomic_get_relaxed(&r->head->position);\n"
        "    if (!position_is_valid(r, head))"),
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
        "    atomic_put_release(control, "
        "control_make(tag, size, CONTROL_READY));",
        "    atomic_put_relaxed(control, "
        "control_make(tag, size, CONTROL_READY));"),
    in_protocol(
        "relaxed-ready-alone", "--weak one-producer",
        "    atomic_put_release(\n"
        "        position_control(r, position),\n"
        "        control_make(position_tag(r, position), size,"
        " CONTROL_READY));",
        "    atomic_put_relaxed(\n"
        "        position_control(r, position),\n"
        "        control_make(position_tag(r, position), size,"
        " CONTROL_READY));"),
    in_protocol(
        "relaxed-control-in-look", "--weak two-writers",
        "word = atomic_get_acquire(position_control(r, position));"
        " view->word",
        "word = atomic_get_relaxed(position_control(r, position));\n"
        "    view->word"),
    Mutation(
        "relaxed-heads-in-consumers", "--weak --bound 2 --stale 5 stale-revoker",
        [("recover.c",
          "position = atomic_get_acquire(&r->head->position);",
          "position = atomic_get_relaxed(&r->head->position);"),
         ("protocol.h",
          "uint64_t head = atomic_get_acquire(&r->head->position);\n"
          "        IpcStatus status",
          "uint64_t head = atomic_get_relaxed(&r->head->position);\n"
          "        IpcStatus status"),
         ("protocol.h",
          "atomic_get_acquire(&r->head->position) == head)",
          "atomic_get_relaxed(&r->head->position) == head)"),
         ("protocol.h",
          "uint64_t head = atomic_get_acquire(&r->head->position);\n"
          "        if ((control_tag",
          "uint64_t head = atomic_get_relaxed(&r->head->position);\n"
          "        if ((control_tag")]),
    in_protocol(
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
        "relaxed-room", "--weak threads",
        "    atomic_put_release(&r->room_end, lap + end);",
        "    atomic_put_relaxed(&r->room_end, lap + end);"),
    in_protocol(
        "relaxed-room-load", "--weak threads",
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
          "    /* Acquire: pairs with the CAS in take_slot(). Whoever saw the"
          " owner's BUSY\n"
          "     * word with acquire sees here its stay or a later one, not an"
          " earlier. */\n"
          "    identity = atomic_get_acquire(",
          "    identity = atomic_get_relaxed(")]),
]
