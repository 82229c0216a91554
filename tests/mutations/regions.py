# SPDX-License-Identifier: MIT
"""Mistakes in what is formatted, joined, closed and believed of memory. Each
names the tests that fail with it."""
from mutation import Mutation

MUTATIONS = [
    # -------------------------------------------------------- small memory
    Mutation(
        name="small rings have one owner", file="format.c",
        tests=["unit/format"],
        edits=[("few = SHMIPC_OWNERS_MIN;", "few = 1;")]),
    Mutation(
        name="small rings have as many owners as large ones", file="format.c",
        tests=["unit/format"],
        edits=[("return owners > few ? owners : few;",
                "return owners > SHMIPC_OWNERS_FEW ? owners : "
                "SHMIPC_OWNERS_FEW;")]),
    Mutation(
        name="rings of some size have no more than two owners",
        file="format.c", tests=["unit/format"],
        edits=[("return owners > few ? owners : few;",
                "return owners > 2 ? owners : 2;")]),
    Mutation(
        name="memory that is too small is not an invalid argument",
        file="handle.c", tests=["unit/format"],
        edits=[("return refuse(detail, IPC_ERR_INVALID_ARGUMENT, "
                "\"size is too small:",
                "return refuse(detail, IPC_ERR_TOO_SMALL, "
                "\"size is too small:")]),
    # -------------------------------------- memory that is formatted anew
    Mutation(
        name="a writer never asks whether the ring is there", file="claim.h",
        tests=["unit/anew"],
        edits=[("if (creation_is_over(r)) {", "if (0) {")]),
    Mutation(
        name="looking in vain does not ask whether the ring is there",
        file="read.c", tests=["unit/anew"],
        edits=[("*status = handle_unless_anew(b, *status);", "")]),
    Mutation(
        name="damage is not explained", file="read.c", tests=["unit/anew"],
        edits=[("status = look(b, view, AS_CHOSEN, &error->lost); error->offset = "
                "take_offset(&b->ring, view); return status < 0 ? handle_unless_anew(b, "
                "status) : status;",
                "status = look(b, view, AS_CHOSEN, &error->lost); error->offset = "
                "take_offset(&b->ring, view); return status;")]),
    Mutation(
        name="a sleeper does not ask whether the ring is there",
        file="block.c", tests=["unit/anew"],
        edits=[("bool stuck; if (creation_is_over(&ch->buffer.ring))",
                "bool stuck; if (0)")]),
    Mutation(
        name="a poller does not ask whether the ring is there",
        file="block.c", tests=["unit/anew"],
        edits=[("struct IpcChannel *ch = b->channel; if (creation_is_over("
                "&ch->buffer.ring)) return answer(status, "
                "IPC_ERR_FORMATTED_ANEW); if (b->step == BLOCK_ARMED &&",
                "struct IpcChannel *ch = b->channel; "
                "if (b->step == BLOCK_ARMED &&")]),
    Mutation(
        name="a call whose time is up does not ask whether the ring is there",
        file="block.c", tests=["unit/anew"],
        edits=[("handle_unless_anew(&b->channel->buffer, b->how == "
                "BLOCK_ROUNDS", "(IpcStatus)(b->how == BLOCK_ROUNDS")]),
    Mutation(
        name="who enters does not ask whether the ring is there",
        file="handle.c", tests=["unit/anew"],
        edits=[("IPC_ERR_READ_ONLY : handle_unless_anew(b, IPC_OK);",
                "IPC_ERR_READ_ONLY : IPC_OK;")]),
    Mutation(
        name="an old handle gives back what is not its own", file="handle.c",
        tests=["unit/anew"],
        edits=[("if (creation_is_over(&b->ring)) return false;", "")]),
    Mutation(
        name="an old handle closes the new ring", file="channel.c",
        tests=["unit/anew"],
        edits=[("if (creation_is_over(&ch->buffer.ring)) return "
                "IPC_ERR_FORMATTED_ANEW;", "")]),
    Mutation(
        name="an old handle recovers the new ring", file="recover.c",
        tests=["unit/anew"],
        edits=[("if (creation_is_over(r)) return IPC_ERR_FORMATTED_ANEW;",
                "")]),
    Mutation(
        name="an old handle describes the new ring", file="stats.c",
        tests=["unit/anew"],
        edits=[("if (creation_is_over(&b->ring)) return "
                "IPC_ERR_FORMATTED_ANEW;", "")]),
    Mutation(
        name="formatting keeps the number", file="format.c",
        tests=["unit/anew"],
        edits=[("process_creation_number(last)", "(last ? last : 1)")]),
    Mutation(
        name="what is being formatted counts as there", file="creation.h",
        tests=["unit/anew"],
        edits=[("if (atomic_get_acquire(&r->identity->ready) != SHMIPC_READY) "
                "return true;", "")]),
    Mutation(
        name="formatting leaves old words", file="format.c",
        tests=["unit/anew"],
        edits=[("uint64_t old = end_of_old_words(region, room);",
                "uint64_t old = 0 * end_of_old_words(region, room);")]),
    Mutation(
        name="every creation begins in the same lap", file="format.c",
        tests=["unit/anew"],
        edits=[("(1 + (ring->creation - 1) % SHMIPC_FIRST_LAPS)",
                "UINT64_C(1)")]),
    Mutation(
        name="a region without a number is joined", file="format.c",
        tests=["unit/attach"],
        edits=[("if (atomic_get_relaxed(&id->creation) == 0) return false;",
                "")]),
    # --------------------------------------------- who finishes a closing
    Mutation(
        name="looking in vain finishes no closing", file="read.c",
        tests=["unit/closing"],
        edits=[("(close_finish(&b->ring) || revoke_gap(",
                "(revoke_gap(")]),
    Mutation(
        name="a poller finishes no closing", file="block.c",
        tests=["unit/closing"],
        edits=[("if (b->step == BLOCK_ARMED && channel_finish_closing(ch))",
                "if (0)")]),
    Mutation(
        name="a sleeper finishes no closing", file="block.c",
        tests=["unit/closing"],
        edits=[("if (channel_finish_closing(ch)) return next_try(b, "
                "BLOCK_SLEPT);", "")]),
    Mutation(
        name="a buffer's recovery finishes no closing", file="recover.c",
        tests=["unit/closing"],
        edits=[("close_finish(r);", "")]),
    Mutation(
        name="a recovery that only finishes a closing wakes nobody",
        file="channel.c", tests=["unit/closing"],
        edits=[("if (*removed || finished)", "if (*removed)")]),
    Mutation(
        name="a writer finishes no closing", file="write.c",
        tests=["unit/closing"],
        edits=[("else if (outcome == CLAIM_CLOSED) close_finish(&b->ring);",
                "")]),
    # --------------------------- a descriptor of the memory in the options
    Mutation(
        name="any file is taken for the memory's", file="handle.c",
        tests=["unit/memory_fd"],
        edits=[("atomic_get_relaxed(&id.creation) != b->ring.creation)",
                "false)")]),
    Mutation(
        name="a file that is none is found out too late", file="handle.c",
        tests=["unit/memory_fd"],
        edits=[("if (handle_options_have_file(options) && "
                "!read_identity(options->memory_fd, mem, &id))",
                "if (false && !read_identity(options->memory_fd, mem, &id))"
                )]),
    Mutation(
        name="a descriptor without its flag is ignored", file="handle_options.c",
        tests=["unit/memory_fd"],
        edits=[("(options->memory_fd && !handle_options_have_file(options))",
                "(false)")]),
    Mutation(
        name="a channel's descriptor without its option is ignored",
        file="channel.c", tests=["unit/channel"],
        edits=[("(c->memory_fd && !(c->options & IPC_CHANNEL_HAS_MEMORY_FD))",
                "false")]),
    Mutation(
        name="who creates has no use for a descriptor", file="handle.c",
        tests=["unit/memory_fd"],
        edits=[("if (handle_options_have_file(options)) status =",
                "if (false) status =")]),
    Mutation(
        name="who attaches has no use for a descriptor",
        file="buffer_api.c", tests=["unit/memory_fd"],
        edits=[("options->flags & IPC_BUFFER_HAS_MEMORY_FD)", "false)")]),
    Mutation(
        name="who connects has no use for a descriptor",
        file="channel.c", tests=["unit/memory_fd"],
        edits=[("if (status == IPC_OK && memory_fd)", "if (false)")]),
    Mutation(
        name="a channel's modes may hold the buffer's flag",
        file="channel_api.c", tests=["unit/memory_fd"],
        edits=[("if (c->flags & IPC_BUFFER_HAS_MEMORY_FD) return "
                "IPC_ERR_INVALID_ARGUMENT;", "")]),
    Mutation(
        name="a device is a file", file="backing.c",
        tests=["unit/memory_fd"],
        edits=[("bool done = is_file(fd, &file) &&",
                "bool done = fstat(fd, &file) == 0 &&")]),
    # -------------------------------------------- create in memory in use
    Mutation(
        name="create does not ask who uses the memory", file="handle.c",
        tests=["unit/in_use"],
        edits=[("if (body->value == 0) return IPC_OK;", "return IPC_OK;")]),
    Mutation(
        name="create asks also where that was said not to matter",
        file="handle.c", tests=["unit/in_use"],
        edits=[("if (options && options->flags & IPC_BUFFER_RECREATE)",
                "if (0)")]),
    Mutation(
        name="the dead use memory, too", file="in_use.c",
        tests=["unit/in_use"],
        edits=[("owner.fate != OWNER_IS_DEAD &&", "")]),
    Mutation(
        name="who cannot be judged does not use memory", file="in_use.c",
        tests=["unit/in_use"],
        edits=[("owner.fate != OWNER_IS_DEAD", "owner.fate == OWNER_LIVES")]),
    Mutation(
        name="a process is in its own way", file="in_use.c",
        tests=["unit/in_use"],
        edits=[("&& !is_ours(&self, &owner))", ")")]),
    Mutation(
        name="a process with our number in another namespace is us",
        file="in_use.c", tests=["unit/in_use"],
        edits=[("(owner->pid_namespace == self->pid_namespace ||",
                "(1 || owner->pid_namespace == self->pid_namespace ||")]),
    Mutation(
        name="a copy of a ring is used by who uses the ring",
        file="in_use.c", tests=["unit/in_use"],
        edits=[("pid && mapping_is_shared(mem) ? pid : 0", "pid")]),
    Mutation(
        name="no memory is shared", file="mapping.c", tests=["unit/in_use"],
        edits=[("at[4] == 's'", "at[4] == 'S'")]),
    Mutation(
        name="any shared mapping is that of the memory", file="mapping.c",
        tests=["unit/in_use"],
        edits=[("from <= address && address < to && *at == ' '",
                "from <= address && *at == ' '")]),
    Mutation(
        name="who uses memory is judged without its file", file="in_use.c",
        tests=["unit/in_use"],
        edits=[("opened = backing_open(*memory_fd);", "")]),
    # ------------------------------------------------------ other versions
    Mutation(
        name="a region's shape is looked at before its version",
        file="format.c", tests=["unit/attach"],
        edits=[("if (id.layout_version != SHMIPC_LAYOUT_VERSION) return "
                "IPC_ERR_LAYOUT_VERSION; if (!shape_is_right(&id) || "
                "id.region_size > SIZE_MAX - slack) return IPC_ERR_CORRUPTED;",
                "if (!shape_is_right(&id) || id.region_size > SIZE_MAX - "
                "slack) return IPC_ERR_CORRUPTED; if (id.layout_version != "
                "SHMIPC_LAYOUT_VERSION) return IPC_ERR_LAYOUT_VERSION;")]),
    Mutation(
        name="older versions are joined", file="format.c",
        tests=["unit/attach"],
        edits=[("if (id.layout_version != SHMIPC_LAYOUT_VERSION)",
                "if (id.layout_version > SHMIPC_LAYOUT_VERSION)")]),
    # ---------------------------------------------------- hostile memory
    Mutation(
        name="an entry may go beyond the end", file="take.h",
        tests=["hostile/a hostile peer harms nobody"],
        edits=[("blocks - 1 < position_blocks_left(r, view->head) &&",
                "blocks != 0 &&")]),
    Mutation(
        name="an array may go beyond the end", file="take.h",
        tests=["hostile/a hostile peer harms nobody"],
        edits=[("if (blocks - 1 >= position_blocks_left(r, position))",
                "if (blocks == 0)")]),
    Mutation(
        name="a plain read trusts the head", file="take.h",
        tests=["hostile/a hostile peer harms nobody"],
        edits=[("if (block->index >= r->last_index) return false; "
                "atomic_prefetch(", "atomic_prefetch(")]),
    Mutation(
        name="a read that is not plain trusts the head", file="take.h",
        tests=["hostile/a hostile peer harms nobody"],
        edits=[("if (!position_is_valid(r, position)) return LOOK_DAMAGE;",
                "")]),
    Mutation(
        name="the item of an array is trusted", file="take.h",
        tests=["hostile/a hostile peer harms nobody"],
        edits=[("if (item >= control_array_count(value)) return false;", "")]),
    Mutation(
        name="the size of an entry is fetched twice", file="read.h",
        tests=["hostile/a hostile peer harms nobody"],
        edits=[("take_payload(&b->ring, view), view->size);",
                "take_payload(&b->ring, view), control_value("
                "atomic_get_relaxed(position_control(&b->ring, "
                "view->position))));")]),
    Mutation(
        name="a plain read does not ask how much room there is",
        file="read.h", tests=["hostile/a hostile peer harms nobody"],
        edits=[("return block->size <= dest->size;", "return true;")]),
    Mutation(
        name="a plain read of more than a block does not ask for room",
        file="read.h", tests=["hostile/a hostile peer harms nobody"],
        edits=[("block.size <= SHMIPC_BLOCK || block.size > dest->size)",
                "block.size <= SHMIPC_BLOCK)")]),
    Mutation(
        name="a batch does not ask how much room there is",
        file="batch.c", tests=["hostile/a hostile peer harms nobody"],
        edits=[("if (to->count == to->room || view->size > to->free)",
                "if (to->count == to->room)")]),
    Mutation(
        name="a run goes on with entries of any size", file="batch.c",
        tests=["hostile/a hostile peer harms nobody"],
        edits=[("|| run.size != view->size) return done;",
                ") return done;")]),
    Mutation(
        name="a claim trusts the tail", file="claim.h",
        tests=["hostile/a hostile peer harms nobody"],
        edits=[("if (!position_is_valid(r, tail) || !position_is_valid(r, "
                "head)) return plan; plan.outcome =", "plan.outcome =")]),
    Mutation(
        name="a slot's number is trusted", file="owner.c",
        tests=["hostile/a hostile peer harms nobody"],
        edits=[("if (i >= table->count) return OWNER_IS_DEAD;", "")]),
    Mutation(
        name="who attaches trusts the shape", file="format.c",
        tests=["hostile/a hostile peer harms nobody"],
        edits=[("if (!shape_is_right(&id) || id.region_size >",
                "if (id.region_size >")]),
    Mutation(
        name="fuzzed: an array may go beyond the end", file="take.h",
        tests=["fuzz/fuzz ring"],
        edits=[("if (blocks - 1 >= position_blocks_left(r, position))",
                "if (blocks == 0)")]),
    Mutation(
        name="fuzzed: more descriptors than expected stay open",
        file="share.c", tests=["fuzz/fuzz accept"],
        edits=[("else close(fd); message->count++;", "message->count++;")]),
]
