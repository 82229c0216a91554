# SPDX-License-Identifier: MIT
"""Mistakes in the ring: claims, reads, deaths, owners and closing."""
from mistake import (Mutation, in_ahead, in_close, in_hold, in_protocol,
                     in_repair)

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
        [("write.h",
          "        !claim_block(&b->ring, &block) ||\n"
          "        !claim_occupy_block(&b->ring, &block, handle_owner(b)))\n",
          "        !claim_block(&b->ring, &block))\n"),
         ("write.h",
          "    payload_store(position_payload(&b->ring, block.position), data,"
          " size);\n",
          "    payload_store(position_payload(&b->ring, block.position), data,"
          " size);\n"
          "    if (!claim_occupy_block(&b->ring, &block, handle_owner(b)))\n"
          "        return false;\n"),
         ("protocol.h",
          "    return !plan.only_pad &&\n"
          "           claim_occupy(position_control(r, entry),"
          " position_tag(r, entry),\n"
          "                        owner, CONTROL_BUSY);",
          "    return (void)owner, !plan.only_pad;"),
         ("write.c",
          "    payload_store(claim.payload, data, size);\n",
          "    payload_store(claim.payload, data, size);\n"
          "    if (!b->ring.one_producer &&\n"
          "        !claim_occupy(position_control(&b->ring, claim.position),\n"
          "                      position_tag(&b->ring, claim.position),\n"
          "                      handle_owner(b), CONTROL_BUSY))\n"
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
        "    claim_note_room(r, tail, head, way.fit);\n"
        "    plan.outcome = used <= n - need",
        "    claim_note_room(r, tail, tail, way.fit);\n"
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
        "    plan->pad = blocks <= way->fit ? 0 : way->fit;",
        "    plan->pad = 0;"),
    in_protocol(
        "no-pad-alone", "--sc pad-only",
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
    # ---------------------------------------------------- reading ahead
    in_ahead(
        "reading-ahead-releases", "--sc ahead-alone",
        "        lead(b);\n",
        "        lead(b);\n    take_move(&b->ring, view.head, view.next);\n"),
    in_ahead(
        "acknowledging-one-releases-all", "--sc ahead-one-by-one",
        "    if (b->ahead == 0)\n        to =", "    if (1)\n        to ="),
    in_ahead(
        "acknowledging-releases-one-more", "--sc ahead-heir",
        "        release(b, view.next, *count);",
        "        release(b, position_advance(&b->ring,"
        " position_of_head(view.next), 1), *count);"),
    in_ahead(
        "what-is-given-back-is-released", "--sc ahead-given-back",
        "    atomic_put_relaxed(&b->cursor, view.head);",
        "    take_move(&b->ring, view.head, view.next);\n"
        "    atomic_put_relaxed(&b->cursor, view.next);"),
    in_ahead(
        "filler-that-was-passed-is-never-released", "--sc ahead-past-a-pad",
        "        to = atomic_get_relaxed(&b->cursor);", "        ;"),
    # ------------------------------------------------- many read ahead
    in_hold(
        "taking-expects-whatever-is-there", "--sc work",
        "    return hold_is_free(state) &&",
        "    word = atomic_get_relaxed(holder);\n"
        "    return hold_is_free(state) &&"),
    in_hold(
        "head-passes-what-is-held", "--sc work-held",
        "    return hold_state_of(r, view->position, word) == HOLD_DONE;",
        "    return hold_state_of(r, view->position, word) != HOLD_OLD;"),
    in_hold(
        "what-is-held-can-be-taken", "--sc work-held",
        "    return state == HOLD_OLD || state == HOLD_BACK;",
        "    return state != HOLD_DONE;"),
    in_hold(
        "newer-word-is-taken-for-an-old-one", "--sc work-laps",
        "? HOLD_OLD : HOLD_NEWER;", "? HOLD_OLD : HOLD_OLD;"),
    in_hold(
        "nobody-is-told-of-an-earlier-holder", "--sc work-given-back",
        "    *again = state == HOLD_BACK;", "    *again = false;"),
    in_hold(
        "relaxed-giving-back", "--weak work-given-back",
        "    return atomic_cas_release( hold_word_at(r, position), word,"
        " hold_make(position_tag(r, position), 0, HOLD_BACK));",
        "    return atomic_cas_relaxed(hold_word_at(r, position), word,"
        " hold_make(position_tag(r, position), 0, HOLD_BACK));"),
    in_hold(
        "relaxed-acknowledgement", "--weak work",
        "    return atomic_cas_release( hold_word_at(r, position), word,"
        " hold_make(position_tag(r, position), 0, HOLD_DONE));",
        "    return atomic_cas_relaxed(hold_word_at(r, position), word,"
        " hold_make(position_tag(r, position), 0, HOLD_DONE));"),
    in_hold(
        "relaxed-look-at-who-is-done", "--weak --bound 2 work-done-by-another",
        "    word = atomic_get_acquire(hold_word_at(r, view->position));",
        "    word = atomic_get_relaxed(hold_word_at(r, view->position));"),
    in_hold(
        "words-of-holders-get-old", "--sc work-renewal",
        "    if (position_lap(r, position) % SHMIPC_RENEWAL_LAPS != 0)\n",
        "    if (1)\n"),
    in_hold(
        "words-are-renewed-behind-head", "--sc work-renewal",
        "        hold_renew(r, view.position, control_extent(view.word));\n"
        "        moved |= take_move(r, head, view.next);",
        "        moved |= take_move(r, head, view.next);\n"
        "        hold_renew(r, view.position, control_extent(view.word));"),
    Mutation(
        "entries-of-the-living-are-given-back", "--sc work-held",
        [("recover.c",
          "        !is_known_dead(b, known, word) ||", "")]),
    Mutation(
        "entries-of-the-dead-stay", "--sc work-and-death",
        [("recover.c",
          "            *removed += r->holders &&"
          " give_back(b, &known, &view);", "")]),
    Mutation(
        "closed-while-others-hold", "--sc work-closed",
        [("read.c",
          "    if (status == IPC_ERR_CLOSED && b->ring.holders &&"
          " work_is_with_others(b))", "    if (0)")]),
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
        "    return position_of_head(atomic_get_acquire(&r->gate->position));",
        "    return atomic_get_acquire(&r->gate->position);"),
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
        "    plan->pad = blocks <= way->fit ? 0 : way->fit;",
        "    plan->pad = 0;"),
    Mutation(
        "array-is-dropped-whole", "--sc array-force",
        [("recover.c", "return skipped(take_move(r, view->head, view->next));",
          "return skipped(take_move(\n"
          "            r, view->head,\n"
          "            position_advance(r, view->position,\n"
          "                             control_extent(view->word))));")]),
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
    in_protocol(
        "no-renewal", "--sc renewal",
        "return blocks > 1 && position_lap(r, position) %",
        "return blocks > 1 && 1 + position_lap(r, position) * 0 %"),
    # --------------------------------------------------------- reading
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
          "    if (process_has_token(atomic_get_relaxed(&b->reads_alone))) {",
          "    if (b->ring.one_consumer) {")]),
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
          "    if (!is_dead(b, word))\n        return false;\n",
          "    (void)is_dead(b, word);\n")]),
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
        " atomic_put_release(control, control_make(tag, blocks,"
        " CONTROL_PAD));",
        "atomic_put_release(control, control_make(tag, blocks,"
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
    # ------------------------------------------------ entering and leaving
    Mutation(
        "relaxed-produces", "--weak threads-enter",
        [("handle.c", "        atomic_put_release(&b->produces, token);",
          "        atomic_put_relaxed(&b->produces, token);"),
         ("handle.c",
          "            atomic_put_release(&b->writes_shared, token);",
          "            atomic_put_relaxed(&b->writes_shared, token);")]),
    Mutation(
        "relaxed-may-produce", "--weak threads-enter",
        [("handle.h",
          "    return process_has_token(atomic_get_acquire(&b->produces));",
          "    return process_has_token(atomic_get_relaxed(&b->produces));"),
         ("write.h",
          "    if (!process_has_token(atomic_get_acquire(&b->writes_shared))"
          " ||\n        !claim_block(",
          "    if (!process_has_token(atomic_get_relaxed(&b->writes_shared))"
          " ||\n        !claim_block(")]),
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
          "        if (b->ring.holders)\n"
          "            aborted |= give_back(b, owner);\n"
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
        [("owner.c", "    if (!atomic_cas_acq_rel(role, holder, mine))",
          "    if (!atomic_cas_relaxed(role, holder, mine))")]),
    Mutation(
        "taking-of-a-role-acquires-nothing", "--weak role-passes-on",
        [("owner.c", "    if (!atomic_cas_acq_rel(role, holder, mine))",
          "    if (!atomic_cas_release(role, holder, mine))")]),
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
        "    atomic_put_release(&r->gate->closed, 1);\n"
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
        "    atomic_put_release(&r->gate->closed, 1);",
        "    atomic_put_relaxed(&r->gate->closed, 1);"),
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
]
