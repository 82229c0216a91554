# SPDX-License-Identifier: MIT
"""Mistakes that show when a process dies or is stopped at one moment of a call:
tests/crash has to notice them."""
from mutation import Mutation

MUTATIONS = [
    # ------------------------------------------------------------- writing
    Mutation(
        name="an entry is READY before its payload is there", file="write.c",
        tests=["crash write"],
        edits=[("payload_store(claim.payload, data, size); "
                "write_publish_entry(b, &claim, size);",
                "write_publish_entry(b, &claim, size); "
                "payload_store(claim.payload, data, size);")]),
    Mutation(
        name="a batch is published from its end", file="batch.c",
        tests=["crash batch"],
        edits=[("for (int i = 0; i < count; i++) { uint32_t size = (uint32_t)"
                "entries[i].iov_len; entry.blocks = control_blocks(size); "
                "write_publish(b, &entry, size, CONTROL_READY); "
                "entry.position += entry.blocks; }",
                "for (int i = count - 1; i >= 0; i--) { uint32_t size = "
                "(uint32_t)entries[i].iov_len; "
                "entry.blocks = control_blocks(size); "
                "entry.position = claim->position; "
                "for (int j = 0; j < i; j++) entry.position += "
                "control_blocks(entries[j].iov_len); "
                "write_publish(b, &entry, size, CONTROL_READY); }")]),
    Mutation(
        name="further entries of a batch are not marked", file="batch.c",
        tests=["crash batch"],
        edits=[("if (!b->ring.one_producer) mark_entries(", "if (0) "
                "mark_entries(")]),
    Mutation(
        name="a claim that was revoked is occupied all the same",
        file="claim.h", tests=["crash write"],
        edits=[("return atomic_cas_release(control, word, control_make(tag, "
                "value, state));",
                "(void)word; atomic_put_release(control, control_make(tag, "
                "value, state)); return true;"),
               ("if (tag - control_tag(word) - 1 > SHMIPC_RENEWAL_LAPS) "
                "return false;", "")]),
    Mutation(
        name="an abort leaves its claim", file="claim.h",
        tests=["crash abort"],
        edits=[("control_make(position_tag(r, position), blocks, "
                "CONTROL_SKIP));",
                "atomic_get_relaxed(position_control(r, position)));")]),
    Mutation(
        name="filler of the one producer comes after tail", file="claim.h",
        tests=["crash write-around-the-end"],
        edits=[("/* Release [commit]: the renewed words. */ "
                "atomic_put_release(position_control(r, tail), "
                "control_make(position_tag(r, tail), pad, CONTROL_PAD)); "
                "/* Relaxed: nobody else's tail. */ "
                "atomic_put_relaxed(&r->tail->position, "
                "position_advance(r, tail, pad));",
                "atomic_put_relaxed(&r->tail->position, "
                "position_advance(r, tail, pad)); "
                "atomic_compiler_fence(); "
                "atomic_put_release(position_control(r, tail), "
                "control_make(position_tag(r, tail), pad, CONTROL_PAD));")]),
    # ------------------------------------------------------------- reading
    Mutation(
        name="an entry is taken before it is copied", file="read.h",
        tests=["crash read"],
        edits=[("read_load_bytes(b, dest->payload, "
                "take_block_payload(&b->ring, &block), (size_t)block.size); "
                "if (!take_move(&b->ring, block.position, "
                "block.position + blocks)) return false;",
                "if (!take_move(&b->ring, block.position, "
                "block.position + blocks)) return false; "
                "read_load_bytes(b, dest->payload, "
                "take_block_payload(&b->ring, &block), (size_t)block.size);")]),
    Mutation(
        name="a blocked reader passes no gap", file="read.c",
        tests=["crash write"],
        edits=[("return look == LOOK_BUSY || (look == LOOK_NOTHING && "
                "repair_is_gap(&b->ring, view.position));",
                "return look == LOOK_BUSY;")]),
    # ------------------------------------------------- registering and roles
    Mutation(
        name="a slot that is claimed half lives for ever", file="owner.c",
        tests=["crash write"],
        edits=[("if (fate == PROCESS_IS_DEAD) return OWNER_IS_DEAD;",
                "if (generation_of(atomic_get_acquire("
                "&table->slots[i].started)) != generation_of(identity)) "
                "return OWNER_LIVES; "
                "if (fate == PROCESS_IS_DEAD) return OWNER_IS_DEAD;")]),
    Mutation(
        name="the role of the dead is not passed on", file="owner.c",
        tests=["crash take-the-readers-role-over"],
        edits=[("if (holder && owner_fate(table, (uint32_t)holder) != "
                "OWNER_IS_DEAD)", "if (holder)")]),
    Mutation(
        name="who takes the role over leaves tail behind", file="handle.c",
        tests=["crash take-over-behind-tail"],
        edits=[("if (status == IPC_OK && inherited) status = succeed(b);",
                "(void)succeed;")]),
    # ---------------------------------------------------- closing, repairing
    Mutation(
        name="half a closing stays half", file="close.h",
        tests=["crash close"],
        edits=[("if (!close_has_begun(r) || "
                "atomic_get_relaxed(&r->gate->closed)) return false;",
                "if (close_has_begun(r) || "
                "!close_has_begun(r)) return false;")]),
    Mutation(
        name="readers do not finish a closing", file="block.c",
        tests=["crash close"],
        edits=[("if (channel_finish_closing(ch)) "
                "return next_try(b, BLOCK_SLEPT);", "")]),
    Mutation(
        name="a closer tells readers first", file="close.h",
        tests=["crash close"],
        edits=[("static inline void close_ring(struct ring *r) {",
                "static inline void close_ring(struct ring *r) { "
                "atomic_put_release(&r->head->closed, 1); "
                "atomic_full_fence();")]),
    Mutation(
        name="who never waits does not repair", file="block.c",
        tests=["crash write"],
        edits=[("if (b->step == BLOCK_FIRST && may_be_stuck(b, *status) && "
                "channel_repair_sometimes(ch))",
                "if (0 && channel_repair_sometimes(ch))")]),
    Mutation(
        name="who looks in vain finishes no closing", file="read.c",
        tests=["crash close"],
        edits=[("(close_finish(&b->ring) || revoke_gap(b, position, status))",
                "revoke_gap(b, position, status)")]),
    Mutation(
        name="who looks in vain passes no gap", file="read.c",
        tests=["crash write"],
        edits=[("(close_finish(&b->ring) || revoke_gap(b, position, status))",
                "close_finish(&b->ring)")]),
    Mutation(
        name="recovery leaves the rest of a claim", file="recover.c",
        tests=["crash recover"],
        edits=[("if (!repair_is_gap(r, view.position) || "
                "!recover_revoke(b, view.position)) return IPC_OK;",
                "return IPC_OK;")]),
    Mutation(
        name="force removes nobody", file="owner.c",
        tests=["crash recover-by-force"],
        edits=[("if (pid_of(seen) && judge(table, i, seen) == OWNER_UNKNOWN &&",
                "if (0 && pid_of(seen) && "
                "judge(table, i, seen) == OWNER_UNKNOWN &&")]),
    # ------------------------------------------------------- being evicted
    Mutation(
        name="one that was evicted loses a block more than it is told",
        file="subscribe.c", tests=["crash read-when-evicted"],
        edits=[("*lost = (uint64_t)position_distance(r, "
                "position_of_head(from), to) * SHMIPC_BLOCK;",
                "*lost = (uint64_t)(position_distance(r, "
                "position_of_head(from), to) - 1) * SHMIPC_BLOCK;")]),
    Mutation(
        name="who is evicted while it reads reads on where it was",
        file="subscribe.c", tests=["crash read-and-be-evicted"],
        edits=[("handle_owner(b), *lost ? to : from);",
                "handle_owner(b), from);")]),
    # -------------------------------------------------------------- tapping
    Mutation(
        name="a tap takes what came since its look for what holds it up",
        file="follow.c", tests=["crash tap"],
        edits=[("if (found == FOLLOW_CLAIMED && has_changed(f, view)) "
                "continue;", "(void)has_changed;")]),
    Mutation(
        name="a tap that was stopped believes its copy", file="follow.c",
        tests=["crash tap-a-full-ring"],
        edits=[("return ahead > (int64_t)r->block_count ? FOLLOW_OVERRUN : "
                "FOLLOW_ENTRY;", "return FOLLOW_ENTRY;")]),
    # ------------------------------------------------------------- creating
    Mutation(
        name="a ring counts as ready while it is formatted", file="format.c",
        tests=["crash create-anew"],
        edits=[("atomic_swap_acq_rel(&region->identity.ready, 0);", "")]),
    Mutation(
        name="who joins does not ask whether the ring is ready",
        file="format.c", tests=["crash create-anew"],
        edits=[("if (ready != SHMIPC_READY) return IPC_ERR_INITIALIZING;",
                "")]),
    Mutation(
        name="a ring is ready before tail and head are", file="format.c",
        tests=["crash create"],
        edits=[("point_at(ring, base, &region->identity);",
                "point_at(ring, base, &region->identity); "
                "atomic_put_release(&region->identity.ready, SHMIPC_READY); "
                "atomic_full_fence();")]),
    Mutation(
        name="an old handle does not notice a ring that is being formatted",
        file="creation.h", tests=["crash create-anew"],
        edits=[("if (atomic_get_acquire(&r->identity->ready) != SHMIPC_READY) "
                "return true;", "")]),
]
