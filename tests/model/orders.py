# SPDX-License-Identifier: MIT
"""Orders of the ring that are too weak."""
from mistake import Mutation, in_protocol, in_repair

MUTATIONS = [
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
        "relaxed-control-in-look-inside", "--weak peek",
        "word = atomic_get_acquire(&r->control[block->index]);",
        "word = atomic_get_relaxed(&r->control[block->index]);"),
    in_protocol(
        "relaxed-control-in-look", "--weak array",
        "word = atomic_get_acquire(position_control(r, position));"
        " view->word",
        "word = atomic_get_relaxed(position_control(r, position));\n"
        "    view->word"),
    Mutation(
        "relaxed-heads-in-consumers", "--weak --bound 2 --stale 5 stale-revoker",
        [("handle.h",
          "    return atomic_get_acquire(&b->ring.head->position);",
          "    return atomic_get_relaxed(&b->ring.head->position);"),
         ("take.h",
          "block->position = atomic_get_acquire(&r->head->position);",
          "block->position = atomic_get_relaxed(&r->head->position);"),
         ("take.h",
          "    position = atomic_get_acquire(&r->head->position);",
          "    position = atomic_get_relaxed(&r->head->position);"),
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
        ("    uint64_t end = atomic_get_acquire(&r->room_end);",
         "    uint64_t end = atomic_get_relaxed(&r->room_end);"),
        ("    end = atomic_get_acquire(&r->room_end);",
         "    end = atomic_get_relaxed(&r->room_end);")),
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
        ("    uint64_t end = atomic_get_acquire(&r->room_end);",
         "    uint64_t end = atomic_get_relaxed(&r->room_end);"),
        ("    end = atomic_get_acquire(&r->room_end);",
         "    end = atomic_get_relaxed(&r->room_end);")),
    in_protocol(
        "relaxed-pad-in-a-renewal-lap", "--weak renewal-pad-early",
        "        atomic_put_release(control, control_make(tag, blocks,"
        " CONTROL_PAD));",
        "        atomic_put_relaxed(control, control_make(tag, blocks,"
        " CONTROL_PAD));"),
    in_protocol(
        "relaxed-pad-alone",
        "--weak --bound 2 --stale 4 one-producer-pad-ahead",
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
        "    atomic_put_release(&r->gate->closed, 1);",
        "    atomic_put_relaxed(&r->gate->closed, 1);"),
    in_protocol(
        "relaxed-closed", "--weak close",
        "    if (!atomic_get_acquire(&r->gate->closed))",
        "    if (!atomic_get_relaxed(&r->gate->closed))"),
    in_protocol(
        "relaxed-closing-alone", "--weak one-producer-closes",
        "    /* Release [closed]: tail is final, and our entries come before it. */\n"
        "    atomic_put_release(&r->gate->closed, 1);",
        "    atomic_put_relaxed(&r->gate->closed, 1);"),
    in_protocol(
        "relaxed-closed-alone", "--weak one-producer-closes",
        "    if (!atomic_get_acquire(&r->gate->closed))",
        "    if (!atomic_get_relaxed(&r->gate->closed))"),
]
