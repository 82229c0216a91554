# SPDX-License-Identifier: MIT
"""Mistakes in what keeps writers from what is pinned, and in the newest."""
from mistake import in_file

in_pin = in_file("pin.h")
in_claim = in_file("claim.h")
in_gate = in_file("gate.h")
in_subscriber = in_file("subscriber.h")
in_newest = in_file("newest.c")

MUTATIONS = [
    # ------------------------------------------------------- going round
    in_claim(
        "nobody-goes-round-pins", "--sc pin",
        "    if (r->subscriber_count && pin_find_way(r, plan->tail, blocks,"
        " way)) {",
        "    if (false && pin_find_way(r, plan->tail, blocks, way)) {"),
    in_claim(
        "room-is-known-beyond-a-pin", "--sc pin-in-the-middle",
        "    claim_note_room(r, tail, head, way.fit);\n"
        "    plan.outcome = used",
        "    claim_note_room(r, tail, head, position_blocks_left(r, tail));\n"
        "    plan.outcome = used"),
    in_claim(
        "pins-are-looked-at-before-the-gate",
        "--sc --bound 2 pin-between-two-looks",
        ["    head = protocol_head(r);\n"
         "    if (!position_is_valid(r, tail) || !position_is_valid(r, head))\n"
         "        return plan;\n"
         "    plan.outcome = CLAIM_FULL;\n"
         "    if (!claim_lay_out(r, blocks, &plan, &way))\n"
         "        return plan;\n",
         "    plan.outcome = CLAIM_FULL;\n"
         "    if (!claim_lay_out(r, blocks, &plan, &way))\n"
         "        return plan;\n"
         "    head = protocol_head(r);\n"
         "    plan.outcome = CLAIM_DAMAGE;\n"
         "    if (!position_is_valid(r, tail) || !position_is_valid(r, head))\n"
         "        return plan;\n"]),
    in_pin(
        "an-entry-after-a-pad-is-not-looked-at-for-pins",
        "--sc pin pin-of-two-blocks",
        "    if (blocks > way->fit) {\n"
        "        way->pad = next.end - index;\n",
        "    if (blocks > way->fit) {\n"
        "        way->pad = next.begin - index;\n"),
    in_pin(
        "only-the-first-block-is-pinned", "--sc pin-of-two-blocks",
        "    pin->end = pin->begin + (blocks - 1 < left ? blocks : left);",
        "    (void)left, (void)blocks;\n    pin->end = pin->begin + 1;"),
    in_pin(
        "pins-are-looked-at-relaxed", "--weak pin pin-one-producer",
        "    uint64_t word = atomic_get_acquire(pin_word(r, slot));\n"
        "    uint32_t left",
        "    uint64_t word = atomic_get_relaxed(pin_word(r, slot));\n"
        "    uint32_t left"),
    # ------------------------------------------------------------ pinning
    in_newest(
        "cursor-is-moved-before-the-pin-is-set", "--sc pin pin-newest",
        ["    if (!pin_set(r, b->slot, view->position,"
         " control_extent(view->word),\n"
         "                 process_now()))\n"
         "        return false;\n"
         "    if (read_take(b, view, 1))\n"
         "        return true;\n",
         "    if (read_take(b, view, 1))\n"
         "        return pin_set(r, b->slot, view->position,\n"
         "                       control_extent(view->word),\n"
         "                       process_now()) || true;\n"]),
    in_newest(
        "what-could-not-be-taken-stays-pinned", "--sc pin pin-again",
        "    pin_drop(r, b->slot, view->position);\n    return false;",
        "    return false;"),
    in_newest(
        "evicted-in-between-and-pinned-all-the-same", "--sc pin",
        "    if (read_take(b, view, 1))\n        return true;\n    pin_drop",
        "    if (read_take(b, view, 1) || true)\n        return true;\n"
        "    pin_drop"),
    in_pin(
        "unpin-is-relaxed", "--weak pin pin-one-producer",
        "    atomic_cas_release(pin_word(r, slot), position, 0);",
        "    atomic_cas_relaxed(pin_word(r, slot), position, 0);"),
    # ------------------------------------------------------------ the dead
    in_gate(
        "pin-of-the-dead-stays", "--sc pin-all-there-is pinner-dies",
        "    case GATE_BY_PINS:\n        return gate_unpin_dead(r, by);",
        "    case GATE_BY_PINS:\n        return false;"),
    in_subscriber(
        "pin-of-the-dead-is-not-cleared", "--sc pinner-dies pin",
        "        pin_clear(r, i, pin);\n"
        "        /* Release [tenure]: the last",
        "        /* Release [tenure]: the last"),
    in_subscriber(
        "who-leaves-keeps-the-pin", "--sc pin-and-leave",
        "            return;\n        pin_clear(r, i, pin_seen(r, i));\n",
        "            return;\n"),
    # ------------------------------------------------------------ the newest
    in_newest(
        "newest-is-one-before", "--sc newest",
        "        passed += bytes_of(view);\n        *view = next;\n",
        "        passed += bytes_of(view);\n"
        "        if (steps > 1)\n            *view = next;\n"),
    in_newest(
        "newest-is-copied-before-the-cursor-is-there", "--sc newest",
        "            return jump(b, at, view->head, &passed);\n",
        "            return true;\n"),
]
