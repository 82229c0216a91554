# SPDX-License-Identifier: MIT
"""Mistakes in what calls tell their callers: statuses, error bodies, figures.
Each names the tests that fail with it."""
from mutation import Mutation

MUTATIONS = [
    # ----------------------------------------------------- what errors tell
    Mutation(
        name="errno of fd not told", file="channel_api.c",
        tests=["unit/error_bodies"],
        edits=[("if (status == IPC_ERR_SYSTEM) body.sys_errno = errno;", "")]),
    Mutation(
        name="error body of skip", file="inplace_api.c",
        tests=["unit/error_bodies"],
        edits=[("IpcBufferSkipError body = {found.offset};",
                "IpcBufferSkipError body = {0}; (void)found;")]),
    Mutation(
        name="error body of skip_force", file="channel_api.c",
        tests=["unit/error_bodies"],
        edits=[("receive_skip_force(channel, &body.offset)",
                "receive_skip_force(channel, &(uint64_t){0})")]),
    Mutation(
        name="error body of recover", file="channel_api.c",
        tests=["unit/error_bodies"],
        edits=[("channel_recover(channel, RECOVER_ALL, force, &removed, &body.offset)",
                "channel_recover(channel, RECOVER_ALL, force, &removed, &(uint64_t){0})")]),
    Mutation(
        name="offset in a read's error body", file="read.c",
        tests=["unit/error_bodies"],
        edits=[("status = look(b, view, AS_CHOSEN, &error->lost); error->offset = "
                "take_offset(&b->ring, view);",
                "status = look(b, view, AS_CHOSEN, &error->lost);")]),
    Mutation(
        name="size in a read's error body", file="read.c",
        tests=["unit/error_bodies"],
        edits=[("error->required_size = view.size;", "")]),
    Mutation(
        name="error body of peek", file="inplace_api.c",
        tests=["unit/error_bodies"],
        edits=[("{found.offset, found.lost}", "{0, found.lost}")]),
    Mutation(
        name="a plain write's error body", file="channel_api.c",
        tests=["unit/error_bodies"],
        edits=[("block_blame(&block, blame_write(b, data)), "
                "write_detail(status)), write_body(b, size));",
                "block_blame(&block, blame_write(b, data)), "
                "write_detail(status)), write_body(b, 0));")]),
    Mutation(
        name="error body of a write of pieces", file="channel_api.c",
        tests=["unit/error_bodies"],
        edits=[("blame_pieces(b, pieces, count)), write_detail(status)), "
                "write_body(b, size));",
                "blame_pieces(b, pieces, count)), write_detail(status)), "
                "write_body(b, 0));")]),
    Mutation(
        name="error body of a batch", file="batch_api.c",
        tests=["unit/error_bodies"],
        edits=[("blame_write_batch(b, entries, count)), "
                "write_detail(status)), write_body(b, size));",
                "blame_write_batch(b, entries, count)), "
                "write_detail(status)), write_body(b, 0));")]),
    Mutation(
        name="error body of an array", file="batch_api.c",
        tests=["unit/error_bodies"],
        edits=[("block_blame(&block, blame_array(b, data, size)), "
                "write_detail(status)), write_body(b, size));",
                "block_blame(&block, blame_array(b, data, size)), "
                "write_detail(status)), write_body(b, 0));")]),
    Mutation(
        name="error body of reserve", file="inplace_api.c",
        tests=["unit/error_bodies"],
        edits=[("reserve_detail(&block, dest, status), write_body(b, size));",
                "reserve_detail(&block, dest, status), write_body(b, 0));")]),
    Mutation(
        name="error body of commit", file="inplace_api.c",
        tests=["unit/error_bodies"],
        edits=[("body = {reservation ? reservation->offset : 0}; IpcStatus "
                "status = channel ? send_commit",
                "body = {0}; IpcStatus status = channel ? send_commit")]),
    Mutation(
        name="error body of abort", file="inplace_api.c",
        tests=["unit/error_bodies"],
        edits=[("body = {reservation ? reservation->offset : 0}; IpcStatus "
                "status = channel ? send_abort",
                "body = {0}; IpcStatus status = channel ? send_abort")]),
    Mutation(
        name="error body of stats", file="channel_api.c",
        tests=["unit/error_bodies"],
        edits=[("IpcBufferStatsError body = {STATS_SIZE_0_1};",
                "IpcBufferStatsError body = {0};")]),
    Mutation(
        name="error body of connect", file="channel_api.c",
        tests=["unit/error_bodies"],
        edits=[(": NULL, &body.min_size, &detail);",
                ": NULL, &(uint64_t){0}, &detail);")]),
    # ------------------------------------------------ what is wrong is named
    Mutation(
        name="a timeout is not blamed", file="block.c", tests=["unit/blame"],
        edits=[("return timeout ? timeout : other;",
                "return (void)timeout, other;")]),
    Mutation(
        name="a timeout is blamed though the handle is NULL", file="block.c",
        tests=["unit/blame"],
        edits=[("b->channel ? blame_timeout(b->timeout) : NULL",
                "blame_timeout(b->timeout)")]),
    Mutation(
        name="a piece without memory is not blamed", file="blame.c",
        tests=["unit/blame"],
        edits=[("if (!pieces[i].iov_base && pieces[i].iov_len) return",
                "if (0) return")]),
    Mutation(
        name="a destination without memory is not told from none",
        file="blame.c", tests=["unit/blame"],
        edits=[("if (!handle || !dest) return blame_dest(handle);",
                "return dest ? blame_dest(handle) : blame_dest(handle);")]),
    Mutation(
        name="a size above the reserved one is told as size 0",
        file="write.c", tests=["unit/blame"],
        edits=[("size ? WRITE_SIZE_ABOVE : WRITE_SIZE_0", "WRITE_SIZE_0")]),
    Mutation(
        name="the inner number of a mistake gets out", file="write.c",
        tests=["unit/blame"],
        edits=[("(int)status <= WRITE_NO_HANDLE ? IPC_ERR_INVALID_ARGUMENT : "
                "status", "status")]),
    Mutation(
        name="a configuration's mistake has no value", file="channel_api.c",
        tests=["unit/blame"],
        edits=[("return channel_configure(ch, c, detail, value);",
                "int64_t none; return channel_configure(ch, c, detail, "
                "&none);")]),
    Mutation(
        name="a configuration half of zeros is taken", file="channel.c",
        tests=["unit/blame"],
        edits=[("return c->max_round_trips == 0 && c->start_sleep_ns == 0 &&",
                "return c->start_sleep_ns == 0 &&")]),
    Mutation(
        name="by default a read waits for one round", file="channel.c",
        tests=["unit/blame"],
        edits=[("by_default ? IPC_CHANNEL_UNLIMITED_ROUND_TRIPS :",
                "by_default ? 1 :")]),
    # --------------------------------------------- when there is no entry
    Mutation(
        name="a read that finds nothing leaves the payload as it was",
        file="read.c", tests=["unit/no_entry"],
        edits=[("or looks at it. */ dest->payload = NULL;",
                "or looks at it. */")]),
    Mutation(
        name="a peek that finds nothing leaves the payload as it was",
        file="read.c", tests=["unit/no_entry"],
        edits=[("if (status != IPC_OK) { dest->payload = NULL;",
                "if (status != IPC_OK) {")]),
    Mutation(
        name="nothing to read is answered without a text", file="answer.h",
        tests=["unit/no_entry"],
        edits=[("? NAME##_error(status, answer_nothing(status))",
                "? NAME##_ok(status)")]),
    Mutation(
        name="nothing to skip is answered without a text", file="answer.h",
        tests=["unit/no_entry"],
        edits=[("? answer_##NAME(status, result)",
                "? NAME##_ok(status, result)")]),
    # ---------------------------------------------------- calls that fail
    Mutation(
        name="a segment that cannot be mapped leaves its name",
        file="segment.c", tests=["failing/every call may fail once"],
        edits=[("if (!body->existed) shm_unlink(name);", "")]),
    Mutation(
        name="a segment whose group cannot be given is there all the same",
        file="segment.c", tests=["failing/every call may fail once"],
        edits=[("if (body->sys_errno) { close(fd); shm_unlink(name); "
                "return -1; }",
                "if (body->sys_errno) { close(fd); return -1; }")]),
    Mutation(
        name="a message that is refused keeps its descriptors",
        file="share.c", tests=["failing/every call may fail once"],
        edits=[("drop_fds(&message); if (status != IPC_OK &&",
                "if (status != IPC_OK &&")]),
    Mutation(
        name="half a message is an error", file="share.c",
        tests=["failing/every call may fail once"],
        edits=[("got > 0 && wait_for(socket, POLLIN))", "false)")]),
    Mutation(
        name="a child keeps locks that it could not lay down",
        file="backing.c", tests=["failing/every call may fail once"],
        edits=[("if (own < 0 || dup3(own, b->fd, O_CLOEXEC) < 0)",
                "if (own >= 0 && dup3(own, b->fd, O_CLOEXEC) < 0) errno = 0;"
                " if (own < 0)")]),
    # ------------------------------------------------------------- figures
    Mutation(
        name="stats count writers as readers", file="owner.c",
        tests=["unit/stats"],
        edits=[("all.readers += (marks & OWNER_CONSUMES) != 0;",
                "all.readers += (marks & OWNER_PRODUCES) != 0;")]),
    Mutation(
        name="stats count writers that are gone", file="owner.c",
        tests=["unit/stats"],
        edits=[("if (pid_of(identity) == 0) continue; all.used++;",
                "all.used += pid_of(identity) != 0;")]),
    Mutation(
        name="stats call closed what is closed to writers only",
        file="stats.c", tests=["unit/stats"],
        edits=[("? IPC_BUFFER_CLOSED : IPC_BUFFER_CLOSING",
                "? IPC_BUFFER_CLOSED : IPC_BUFFER_CLOSED")]),
    Mutation(
        name="stats take one side's sleepers for the other's",
        file="stats.c", tests=["unit/stats"],
        edits=[("stats->sleeping_readers = may_sleep(&b->region->readers);",
                "stats->sleeping_readers = may_sleep(&b->region->writers);")]),
    # ------------------------------------------------- how far one call goes
    Mutation(
        name="a read passes all filler there is", file="take.h",
        tests=["unit/steps"],
        edits=[("steps < PROTOCOL_STEPS; steps++) {",
                "steps < UINT32_MAX; steps++) {")]),
    Mutation(
        name="a gap is revoked to its end", file="repair.h",
        tests=["unit/steps"],
        edits=[("while (count < PROTOCOL_STEPS && ", "while (")]),
    Mutation(
        name="a successor starts from where it was", file="repair.h",
        tests=["unit/steps"],
        edits=[("atomic_put_relaxed(&r->tail->position, tail); return "
                "REPAIR_MORE;", "return REPAIR_MORE;")]),
    Mutation(
        name="a successor that has not come through keeps the role",
        file="handle.c", tests=["unit/steps"],
        edits=[("if (status == IPC_ERR_LOCKED || status == "
                "IPC_ERR_CORRUPTED)", "if (status == IPC_ERR_CORRUPTED)")]),
    Mutation(
        name="a read judges all owners", file="recover.c",
        tests=["unit/steps"],
        edits=[("known.judged == JUDGED_MAX", "false")]),
    Mutation(
        name="each claim of one owner is judged", file="recover.c",
        tests=["unit/steps"],
        edits=[("known->dead = owner;", "")]),
    Mutation(
        name="recovery on demand goes some way only", file="channel_api.c",
        tests=["unit/steps"],
        edits=[("channel_recover(channel, RECOVER_ALL,",
                "channel_recover(channel, RECOVER_SOME,")]),
    # ---------------------------------------------------------- observers
    Mutation(
        name="memory for reading only is taken for any other",
        file="handle.c", tests=["unit/observers"],
        edits=[("if (observes || !mapping_may_store(format_first_word(mem)))",
                "if (observes)")]),
    Mutation(
        name="create stores where it may not", file="handle.c",
        tests=["unit/observers"],
        edits=[("if (!mapping_may_store(format_first_word(mem))) return "
                "refuse", "if (false) return refuse")]),
    Mutation(
        name="an observer of many consumers may read", file="handle.c",
        tests=["unit/observers"],
        edits=[("b->ring.one_consumer = true;", "")]),
    Mutation(
        name="an observer may enter", file="handle.c",
        tests=["unit/observers"],
        edits=[("return b->observes ? IPC_ERR_READ_ONLY : "
                "handle_unless_anew(b, IPC_OK);",
                "return handle_unless_anew(b, IPC_OK);")]),
    Mutation(
        name="an observer recovers", file="recover.c",
        tests=["unit/observers"],
        edits=[("if (b->observes) return IPC_ERR_READ_ONLY;", "")]),
    Mutation(
        name="a channel is joined by an observer", file="channel.c",
        tests=["unit/observers"],
        edits=[("if (status == IPC_OK && ch->buffer.observes)", "if (false)")]),
    # ----------------------------------------- names of the original
    Mutation(
        name="the suggested size is that of the smallest buffer",
        file="buffer_api.c", tests=["unit/interface"],
        edits=[("uint64_t ipc_buffer_suggest_size(size_t capacity) { "
                "return ipc_buffer_align_size(capacity);",
                "uint64_t ipc_buffer_suggest_size(size_t capacity) { "
                "(void)capacity; return ipc_buffer_align_size(1);")]),
    Mutation(
        name="the overhead is all of the smallest buffer",
        file="buffer_api.c", tests=["unit/interface"],
        edits=[("return ipc_buffer_get_min_size() - SHMIPC_BLOCK;",
                "return ipc_buffer_get_min_size();")]),
    Mutation(
        name="who writes behind filler is not named", file="stats.c",
        tests=["unit/stats"],
        edits=[("look == LOOK_FILLER && steps < PROTOCOL_STEPS;",
                "false && steps < PROTOCOL_STEPS;")]),
    # ------------------------------------------- what users of old expect
    Mutation(
        name="skip takes whatever is there", file="read.c",
        tests=["unit/original"],
        edits=[("if (offset != error->offset) return "
                "IPC_ERR_OFFSET_MISMATCH;", "")]),
    Mutation(
        name="force skips what the living write", file="recover.c",
        tests=["unit/original"],
        edits=[("if (!is_dead(b, view.word)) return IPC_ERR_LOCKED;", "")]),
    Mutation(
        name="what is not ready is nowhere", file="read.c",
        tests=["unit/original"],
        edits=[("status = look(b, view, AS_CHOSEN, &error->lost); error->offset = "
                "take_offset(&b->ring, view);", "status = look(b, view, AS_CHOSEN, &error->lost);")]),
    # ---------------------------------------------------------------- rests
    Mutation(
        name="rests without a limit", file="pace.c", tests=["unit/pace"],
        edits=[("patience < PACE_MAX ? patience : PACE_MAX", "patience")]),
    Mutation(
        name="rests without a stream", file="pace.c", tests=["unit/pace"],
        edits=[("|| ticks > (uint64_t)entries * PACE_SPARSE", "")]),
    Mutation(
        name="rests while answers are awaited", file="pace.c",
        tests=["unit/pace"],
        edits=[("|| entries < PACE_RESTS * dense / 4", "|| dense > 1000")]),
    Mutation(
        name="rests without a clock", file="pace.c", tests=["unit/pace"],
        edits=[("if (now == 0 ||", "if (")]),
    Mutation(
        name="rests after looks in vain", file="pace.c", tests=["unit/pace"],
        edits=[("if (entries == 0) return false;", "")]),
    Mutation(
        name="rests only get longer", file="pace.c", tests=["unit/pace"],
        edits=[("shorter = !shorter;", "shorter = 0;")]),
    Mutation(
        name="rests only get shorter", file="pace.c", tests=["unit/pace"],
        edits=[("patience = shorter ? patience / 2 : longer(patience);",
                "patience = patience / 2;")]),
]
