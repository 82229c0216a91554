# SPDX-License-Identifier: MIT
"""Mistakes in the ring and the buffer."""
from mutation import Mutation


def in_file(file):
    def mutation(name, tests, *edits, equivalent=""):
        if isinstance(tests, str):
            tests = [tests]
        if isinstance(edits[0], str):
            edits = [edits]
        return Mutation(name, file, tests, list(edits), equivalent)
    return mutation


in_batch = in_file("batch.c")
in_buffer = in_file("buffer_api.c")
in_close = in_file("close.h")
in_format = in_file("format.c")
in_handle = in_file("handle.c")
in_owner = in_file("owner.c")
in_read = in_file("read.c")
in_recover = in_file("recover.c")
in_repair = in_file("repair.h")
in_write = in_file("write.c")

MUTATIONS = [
    # ------------------------------------------------- giving lines back
    Mutation(
        name="entries of any size are given back", file="give.h",
        tests=["unit/give"],
        edits=[("return size >= GIVE_FROM && size < b->gives_below && "
                "atomic_hint(&b->run) > 0;",
                "return b->gives_below && atomic_hint(&b->run) > 0;")]),
    Mutation(
        name="who waits for answers gives lines back", file="give.h",
        tests=["unit/give"],
        edits=[("size < b->gives_below && atomic_hint(&b->run) > 0;",
                "size < b->gives_below;")]),
    Mutation(
        name="what is given back is another byte", file="payload.h",
        tests=["unit/give"], edits=[("*byte = *byte;", "*byte = 0;")]),
    Mutation(
        name="nothing is given back", file="payload.h",
        tests=["unit/give"], edits=[("*byte = *byte;", "(void)byte;")]),
    Mutation(
        name="lines are given back under the eyes of taps", file="give.c",
        tests=["unit/give"],
        edits=[("if (!r->one_consumer || r->has_taps) return 0;",
                "if (!r->one_consumer) return 0;")]),
    # ------------------------------------------------- in place
    Mutation(
        name="what was read in place is not given back", file="inplace.h",
        tests=["unit/give"],
        edits=[("give_lines(position_payload(&b->ring, head), size);", ";")]),
    Mutation(
        name="what was peeked is skipped though it is gone",
        file="inplace.h", tests=["unit/inplace"],
        edits=[("if (head != atomic_hint(&b->peeked) || ", "if (")]),
    Mutation(
        name="what was peeked is skipped whatever is asked for",
        file="inplace.h", tests=["unit/inplace"],
        edits=[("if (head != atomic_hint(&b->peeked) || "
                "offset != atomic_hint(&b->peeked_offset))",
                "if (head != atomic_hint(&b->peeked))")]),
    Mutation(
        name="an entry in place has as many blocks as the one before",
        file="inplace.h", tests=["unit/inplace"],
        edits=[("if (__builtin_expect(blocks != guess, 0))",
                "if (__builtin_expect(!guess, 0))")]),
    Mutation(
        name="any reservation is the one that is open", file="inplace.h",
        tests=["unit/inplace"],
        edits=[("atomic_get_relaxed(&b->open_alone) != position || ", "")]),
    Mutation(
        name="a reservation of a block is committed twice", file="inplace.h",
        tests=["unit/inplace"],
        edits=[("if (atomic_get_relaxed(control) != (tag | "
                "control_make(0, handle_owner(b), CONTROL_BUSY))) "
                "return false;", "")]),
    # ------------------------------------------------------------- batch.c
    in_batch(
        "batch-claims-one-entry-less-than-fits", ["unit/batch", "model --sc "
         "batch batch-wraps one-producer-batch"],
        "        if (*blocks + (uint64_t)more > room)",
        "        if (*blocks + (uint64_t)more >= room)",
        equivalent="the entry is the first of the next claim of the same call, "
        "which needs the same blocks: others may come between them in any "
        "case, and all that is lost is time"),
    in_batch(
        "batch-read-leaves-the-last-entry-room", "unit/batch",
        "    if (to->count == to->room || view->size > to->free)",
        "    if (to->count + 1 == to->room || view->size > to->free)"),
    in_batch(
        "batch-read-leaves-the-last-byte", "unit/batch",
        "view->size > to->free)", "view->size >= to->free)"),
    in_batch(
        "batch-claims-more-than-fits", "unit/batch",
        "        if (*blocks + (uint64_t)more > room)",
        "        if (*blocks + (uint64_t)more > room + 1)"),
    # -------------------------------------------------------- buffer_api.c
    in_buffer(
        "attach-that-fails-leaks", "unit/leaks",
        "        return IpcBufferAttachResult_ok(IPC_OK, b);\n    free(b);",
        "        return IpcBufferAttachResult_ok(IPC_OK, b);"),
    in_buffer(
        "create-that-fails-leaks", "unit/leaks",
        "        return IpcBufferCreateResult_ok(IPC_OK, b);\n    free(b);",
        "        return IpcBufferCreateResult_ok(IPC_OK, b);"),
    in_buffer(
        "destroy-leaks", "unit/leaks", "    free(buffer);\n", ""),
    in_buffer(
        "abort-that-fails-does-not-say-where", "unit/claims",
        "    IpcStatus status = write_abort(buffer, reservation);\n"
        "    IpcBufferCommitError body = {reservation ? reservation->offset : 0};",
        "    IpcStatus status = write_abort(buffer, reservation);\n"
        "    IpcBufferCommitError body = {0};"),
    in_buffer(
        "commit-that-fails-does-not-say-where", "unit/claims",
        "    IpcStatus status = write_commit(buffer, reservation, size);\n"
        "    IpcBufferCommitError body = {reservation ? reservation->offset : 0};",
        "    IpcStatus status = write_commit(buffer, reservation, size);\n"
        "    IpcBufferCommitError body = {0};"),
    # ------------------------------------------------------------- close.h
    in_close(
        "closed-before-an-entry-that-came-meanwhile", "unit/entering",
        "r->one_producer ? take_look_at(r, head, &view) == LOOK_NOTHING",
        "(void)view, r->one_producer ? true"),
    in_close(
        "closed-before-claims-that-came-meanwhile", "unit/entering",
        "protocol_tail(r) == head;", "true;"),
    # ------------------------------------------------------------ format.c
    in_format(
        "mapping-one-byte-too-short-is-taken", "unit/handles",
        "    if (size < *needed)", "    if (size < *needed - 1)"),
    in_format(
        "identity-is-used-in-another-version-than-judged", "unit/handles",
        "    point_at(ring, base, &id);", "    point_at(ring, base, "
        "&region->identity);"),
    in_format(
        "identity-is-judged-in-another-version-than-used", "unit/handles",
        "    if (!shape_is_right(&id) ||",
        "    if (!shape_is_right(&region->identity) ||"),
    in_format(
        "ready-stays-while-formatting-anew", "unit/handles",
        "    atomic_swap_acq_rel(&region->identity.ready, 0);\n", ""),
    # ------------------------------------------------------------ handle.c
    in_handle(
        "fence-promise-outlives-the-producer", "unit/handles",
        "    if (status == IPC_OK)\n"
        "        take_fences_back(&b->region->readers);\n", ""),
    in_handle(
        "fence-promise-outlives-the-consumer", "unit/handles",
        "    if (status == IPC_OK)\n"
        "        take_fences_back(&b->region->writers);\n", ""),
    in_handle(
        "fence-promise-of-the-other-side-is-taken-back", "unit/handles",
        "take_fences_back(&b->region->writers);",
        "take_fences_back(&b->region->readers);"),
    in_handle(
        "entry-lock-excludes-nobody", "unit/entering",
        "if (holder != token && atomic_cas_acq_rel(&b->entering, holder, "
        "token))",
        "if (holder == token || atomic_cas_acq_rel(&b->entering, holder, "
        "token))"),
    in_handle(
        "entry-lock-of-a-parent-stays", "unit/entering",
        "if (holder != token && atomic_cas_acq_rel(&b->entering, holder, "
        "token))",
        "if (!holder && atomic_cas_acq_rel(&b->entering, holder, token))"),
    in_handle(
        "slot-is-free-before-its-reservations-are", "unit/entering",
        "        if (owner_is_marked(&b->ring.owners, owner, OWNER_RESERVES))\n"
        "            aborted = abort_reservations(b, owner);\n"
        "        if (b->ring.holders)\n"
        "            aborted |= give_back(b, owner);\n"
        "        owner_free(&b->ring.owners, owner);",
        "        bool reserves = owner_is_marked(&b->ring.owners, owner, "
        "OWNER_RESERVES);\n"
        "        owner_free(&b->ring.owners, owner);\n"
        "        if (reserves)\n"
        "            aborted = abort_reservations(b, owner);"),
    # ------------------------------------------------------------- owner.c
    in_owner(
        "owner-is-0-after-all-generations", "unit/owners",
        "    return next ? next : 1;", "    return next;"),
    in_owner(
        "generations-end", "unit/owners",
        "(generation_of(identity) + 1) & GENERATION_MASK",
        "(generation_of(identity) + 1)"),
    in_owner(
        "start-time-of-the-last-stay-counts", "unit/owners",
        "    if (generation_of(started) != generation_of(identity))\n"
        "        return id;\n", ""),
    in_owner(
        "marks-of-the-last-owner-stay", "unit/owners",
        "    atomic_put_relaxed(&slot->marks, 0);\n", ""),
    in_owner(
        "handles-of-the-last-owner-stay", "unit/owners",
        "    atomic_put_relaxed(&slot->handles, generation << HANDLES_BITS | 1);\n",
        "    atomic_add_relaxed(&slot->handles, 1);\n"),
    in_owner(
        "generation-is-forgotten-with-the-slot", "unit/owners",
        "    return (uint64_t)generation << GENERATION_SHIFT;",
        "    return (uint64_t)generation * 0;"),
    in_owner(
        "force-frees-who-lives", "unit/owners",
        "pid_of(seen) && judge(table, i, seen) == OWNER_UNKNOWN &&",
        "pid_of(seen) && judge(table, i, seen) != OWNER_IS_DEAD &&"),
    in_owner(
        "who-was-forced-out-frees-anothers-slot", "unit/owners",
        "generation_of(seen) == owner >> SLOT_BITS && pid_of(seen)",
        "pid_of(seen)",
        equivalent="owner_release() saw just before that the stay is ours; "
        "only to be forced out in between makes a difference"),
    in_owner(
        "who-was-forced-out-counts-anothers-handles", "unit/owners",
        "if (seen >> HANDLES_BITS != owner >> SLOT_BITS ||",
        "if ("),
    in_owner(
        "role-of-who-cannot-be-judged-is-taken", "unit/owners",
        "    if (holder && owner_fate(table, (uint32_t)holder) !="
        " OWNER_IS_DEAD)",
        "    if (holder && owner_fate(table, (uint32_t)holder) =="
        " OWNER_LIVES)"),
    in_owner(
        "slot-of-who-cannot-be-judged-is-taken", "unit/owners",
        "    return judge(table, i, *identity) == OWNER_IS_DEAD;",
        "    return judge(table, i, *identity) != OWNER_LIVES;"),
    in_owner(
        "producers-who-cannot-be-judged-are-dead", "unit/owners",
        "        if (owner_fate(table, owner) != OWNER_IS_DEAD)",
        "        if (owner_fate(table, owner) == OWNER_LIVES)"),
    in_owner(
        "one-dead-producer-is-enough", "unit/owners",
        "            return false;\n        found = true;",
        "            continue;\n        found = true;"),
    in_owner(
        "slot-that-is-being-given-up-is-joined", "unit/owners",
        "            (handles & HANDLES_MASK) == 0)", "            0)"),
    # ------------------------------------------------------------ repair.h
    in_repair(
        "heir-follows-words-beyond-the-lap", "unit/claims",
        "        if (blocks == 0 || blocks > position_blocks_left(r, tail))",
        "        if (blocks == 0)"),
    in_repair(
        "heir-stands-still-at-nothing", "unit/claims",
        "        if (blocks == 0 || blocks > position_blocks_left(r, tail))",
        "        if (blocks > position_blocks_left(r, tail))"),
    in_repair(
        "revoker-goes-on-where-others-were-faster",
        "model --sc gap gap-two-revokers gap-read batch-death renewal",
        "                                control_make(tag, 1, CONTROL_SKIP)))\n"
        "            break;\n"
        "        count++;",
        "control_make(tag, 1, CONTROL_SKIP))) {\n"
        "            position = position_advance(r, position, 1);\n"
        "            continue;\n"
        "        }\n"
        "        count++;",
        equivalent="nobody looks inside the other's claim before its first "
        "word is committed, and what its owner means to be seen there it "
        "stores after the revoker, whose CAS fails otherwise; and any other "
        "gap may be revoked at any time"),
    # -------------------------------------------------------------- read.c
    in_read(
        "read-in-vain-leaks", "unit/leaks",
        "    free(memory);\n    /* Who took", "    /* Who took"),
    in_read(
        "read-of-a-larger-entry-leaks", "unit/leaks",
        "    free(*memory);\n", ""),
    in_read(
        "sleepers-do-not-look-for-gaps", "unit/claims",
        "    return look == LOOK_BUSY ||\n"
        "           (look == LOOK_NOTHING && "
        "repair_is_gap(&b->ring, view.position));",
        "    return look == LOOK_BUSY;"),
    # ----------------------------------------------------------- recover.c
    in_recover(
        "recover-gives-up-early", "unit/claims",
        "steps = 2 * (uint64_t)r->block_count;",
        "steps = (uint64_t)r->block_count;"),
    in_recover(
        "recover-gives-up-before-the-last-claim", "unit/claims",
        "steps = 2 * (uint64_t)r->block_count;",
        "steps = 2 * (uint64_t)r->block_count - 3;"),
    # ------------------------------------------------------------- write.c
    in_file("write.h")(
        "reservation-beyond-the-lap-is-one", "unit/claims",
        "    return from->payload == claim->payload &&\n"
        "           claim->blocks <= position_blocks_left(r, claim->position);",
        "    return from->payload == claim->payload;"),
    in_file("write.h")(
        "reservation-of-another-process-is-committed", "unit/claims",
        "    if (!handle_may_produce(b) ||"
        " reservation->opaque[1] != handle_owner(b))",
        "    if (!handle_may_produce(b))"),
    in_write(
        "all-free-space-is-said-to-be-in-one-piece", "unit/claims",
        "        (fit < free_blocks ? fit : free_blocks) * SHMIPC_BLOCK;",
        "        free_blocks * SHMIPC_BLOCK;"),
    in_write(
        "all-to-the-end-of-the-lap-is-said-to-be-free", "unit/claims",
        "        (fit < free_blocks ? fit : free_blocks) * SHMIPC_BLOCK;",
        "        fit * SHMIPC_BLOCK;"),
    in_write(
        "a-handle-that-is-null-is-not-told", "unit/blame",
        "    if (!b)\n        return (IpcStatus)WRITE_NO_HANDLE;",
        "    if (!b)\n        return (IpcStatus)WRITE_NOT_OURS;"),
]
