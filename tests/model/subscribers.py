# SPDX-License-Identifier: MIT
"""Mistakes in what subscribers and writers do to each other."""
from mistake import Mutation, in_file

in_gate = in_file("gate.h")
in_subscriber = in_file("subscriber.h")

MUTATIONS = [
    # --------------------------------------------------------- joining
    in_gate(
        "gate-moves-while-one-joins", "--sc join join-against-two-movers",
        "        if (cursor_state(r, cursor) == SUBSCRIBER_JOINING &&\n"
        "            cursor != cursor_free(r)) {",
        "        if (cursor == 1) {"),
    in_subscriber(
        "joiner-does-not-fence", "--weak join",
        "    atomic_full_fence(); /* [join] */\n    return true;",
        "    return true;"),
    in_subscriber(
        "remover-does-not-fence", "--weak two-removers",
        "    owner_begin_move(&r->owners, by);\n"
        "    atomic_full_fence(); /* [join] */\n",
        "    owner_begin_move(&r->owners, by);\n"),
    in_gate(
        "mover-does-not-fence", "--weak join join-against-two-movers",
        "    atomic_full_fence(); /* [join] */\n", ""),
    in_gate(
        "cursors-are-not-looked-at-again", "--sc join",
        "        gate_stop_at(r, i, cursor, m);\n    }\n    return true;",
        "    }\n    return true;"),
    Mutation(
        "joiners-do-not-wait-for-movers",
        "--sc join-from-the-oldest join-from-the-oldest-of-two",
        [("subscribe.c", "    bool waited = moves_end(b);",
          "    bool waited = true;")]),
    in_gate(
        "mover-does-not-say-so",
        "--sc join-from-the-oldest join-from-the-oldest-of-two",
        ["    owner_begin_move(&r->owners, owner);\n"
         "    if (gate_begin(r, blocks, &m))\n",
         "    (void)owner;\n    if (gate_begin(r, blocks, &m))\n"],
        ["    /* Release [move]. */\n"
         "    owner_end_move(&r->owners, owner);\n", ""]),
    Mutation(
        "move-is-taken-back-too-early", "--weak join-from-the-oldest",
        [("owner.h", "    atomic_add_release(&table->slots[owner_slot(owner)]"
          ".marks,\n                       UINT32_MAX - OWNER_MOVE + 1);",
          "    atomic_add_relaxed(&table->slots[owner_slot(owner)].marks,\n"
          "                       UINT32_MAX - OWNER_MOVE + 1);")]),
    Mutation(
        "who-is-stopped-in-joining-is-waited-for", "--sc join joiner-is-put-off",
        [("write.c", "        if (gate_waits_for_joiner(&b->ring, &stop)) {",
          "        if (rested && gate_waits_for_joiner(&b->ring, &stop)) {")]),
    in_subscriber(
        "who-was-put-off-starts-from-before", "--sc join joiner-is-put-off",
        "    return atomic_cas_release(&r->subscribers[i].cursor.position,\n"
        "                              cursor_named(r, owner,"
        " SUBSCRIBER_JOINING),\n"
        "                              position);",
        "    return atomic_cas_release(&r->subscribers[i].cursor.position,\n"
        "                              cursor_named(r, owner,"
        " SUBSCRIBER_JOINING),\n"
        "                              position) ||\n"
        "           atomic_cas_release(&r->subscribers[i].cursor.position,\n"
        "                              cursor_named(r, owner,"
        " SUBSCRIBER_PUT_OFF),\n"
        "                              position);"),
    in_subscriber(
        "who-is-put-off-loses-the-slot", "--sc two-threads-join",
        "                       cursor_put_off(r, cursor));",
        "                       cursor_free(r));"),
    in_subscriber(
        "who-begins-anew-does-not-fence",
        "--weak --bound 2 joiner-is-put-off",
        "    atomic_full_fence(); /* [join] */\n    return true;",
        "    if (cursor_state(r, seen) != SUBSCRIBER_PUT_OFF)\n"
        "        atomic_full_fence(); /* [join] */\n    return true;"),
    # -------------------------------------------------- moving the gate
    in_gate(
        "gate-jumps-to-the-least", "--sc gate-over-a-claim",
        "        blocks = gate_step_plain(r, at);\n"
        "        if (blocks == 0)\n"
        "            blocks = gate_step(r, at, m, &damage);\n",
        "        blocks = 1;\n"
        "        (void)damage, (void)gate_step, (void)gate_step_plain;\n"),
    in_gate(
        "entries-are-passed-relaxed", "--weak history-is-overwritten",
        "    view.word = atomic_get_acquire(position_control(r, position));\n"
        "    return take_is_entry(r, &view) ? control_blocks(view.size) : 0;",
        "    view.word = atomic_get_relaxed(position_control(r, position));\n"
        "    return take_is_entry(r, &view) ? control_blocks(view.size) : 0;"),
    in_gate(
        "gate-is-stored", "--sc join-against-two-movers two-movers",
        "    return atomic_cas_release(&r->gate->position, m->from, m->to) ?"
        " GATE_MOVED",
        "    return (atomic_put_release(&r->gate->position, m->to), true) ?"
        " GATE_MOVED"),
    in_gate(
        "gate-is-moved-relaxed", "--weak --bound 1 two-movers",
        "    return atomic_cas_release(&r->gate->position, m->from, m->to) ?"
        " GATE_MOVED",
        "    return atomic_cas_relaxed(&r->gate->position, m->from, m->to) ?"
        " GATE_MOVED"),
    in_gate(
        "cursors-are-looked-at-relaxed", "--weak join two-movers",
        ["        uint64_t cursor = atomic_get_acquire(place);",
         "        uint64_t cursor = atomic_get_relaxed(place);"],
        ["        /* Acquire [head]: as above. [tenure] */\n"
         "        uint64_t cursor =\n"
         "            atomic_get_acquire(&r->subscribers[i].cursor.position);",
         "        uint64_t cursor =\n"
         "            atomic_get_relaxed(&r->subscribers[i].cursor.position);"]
    ),
    # --------------------------------------------------------- eviction
    in_gate(
        "gate-moves-instead-of-evicting", "--sc eviction",
        "    return atomic_cas_relaxed(&s->cursor.position, m->stop.word,\n"
        "                              cursor_evict(r, m->stop.word));",

        "    return atomic_cas_relaxed(&r->gate->position, m->from,\n"
        "                              position_advance(r, m->from, 1));"),
    in_gate(
        "one-that-blocks-is-evicted", "--sc join",
        "    if (atomic_get_relaxed(&s->policy) != SUBSCRIBER_LAGS ||\n"
        "        lag <=",
        "    if (lag <="),
    # ---------------------------------------------------------- leaving
    in_subscriber(
        "remover-does-not-look-again", "--sc two-removers",
        "    if (atomic_get_acquire(&s->cursor.position) == cursor &&",
        "    if (true ||"),
    in_subscriber(
        "remover-does-not-ask-whose-it-is-now", "--sc two-removers",
        "         atomic_get_relaxed(&s->owner) == owner))",
        "         true))"),
    in_subscriber(
        "remover-does-not-say-so", "--sc two-removers",
        ["    owner_begin_move(&r->owners, by);\n", "    (void)by;\n"],
        ["    owner_end_move(&r->owners, by);\n", ""]),
    # Writers put a dead joiner off as any other: only who joins misses its slot.
    Mutation(
        "dead-joiner-stays", "--sc slot-of-a-dead-joiner",
        [("subscriber.h",
          "    if (owner_fate(&r->owners, owner) != OWNER_IS_DEAD)\n",
          "    if (cursor_state(r, cursor) == SUBSCRIBER_JOINING ||\n"
          "        owner_fate(&r->owners, owner) != OWNER_IS_DEAD)\n")]),
    in_gate(
        "dead-claim-stays", "--sc gate-over-the-dead",
        "    case GATE_BY_CLAIM:\n        return owner_fate(",
        "    case GATE_BY_CLAIM:\n        return false && owner_fate("),
]
