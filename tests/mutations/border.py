# SPDX-License-Identifier: MIT
"""Mistakes in what lies between the buffer and its users: waking and waiting,
handing channels over, segments, processes. Each names the tests that fail
with it."""
from mutation import Mutation

MUTATIONS = [
    # ------------------------------------------------------- who wakes whom
    Mutation(
        name="close does not wake writers", file="channel.c",
        tests=["unit/wakes"],
        edits=[("wait_notify_rarely(&ch->waiter, WAIT_READERS); "
                "wait_notify_rarely(&ch->waiter, WAIT_WRITERS);",
                "wait_notify_rarely(&ch->waiter, WAIT_READERS);")]),
    Mutation(
        name="close does not wake readers", file="channel.c",
        tests=["unit/wakes"],
        edits=[("wait_notify_rarely(&ch->waiter, WAIT_READERS); "
                "wait_notify_rarely(&ch->waiter, WAIT_WRITERS);",
                "wait_notify_rarely(&ch->waiter, WAIT_WRITERS);")]),
    Mutation(
        name="a write wakes no reader", file="send.c", tests=["unit/wakes"],
        edits=[("if (status == IPC_OK) wait_notify(w, WAIT_READERS); else",
                "if (status != IPC_OK)")]),
    Mutation(
        name="a write that only left filler wakes no reader", file="send.c",
        tests=["unit/wakes"],
        edits=[("wait_notify_rarely(w, WAIT_READERS);", ";")]),
    Mutation(
        name="a plain write wakes no reader", file="channel_api.c",
        tests=["unit/wakes"],
        edits=[("wait_notify(&channel->waiter, WAIT_READERS);", "")]),
    Mutation(
        name="a write that is not plain wakes no reader", file="send.c",
        tests=["unit/wakes"],
        edits=[("send_tell(b, write_entry(&b->channel->buffer, data, size));",
                "write_entry(&b->channel->buffer, data, size);")]),
    Mutation(
        name="a write of pieces wakes no reader", file="channel_api.c",
        tests=["unit/wakes"],
        edits=[("send_tell(&block, write_pieces(b, pieces, count, &size));",
                "write_pieces(b, pieces, count, &size);")]),
    Mutation(
        name="a reservation that only left filler wakes no reader",
        file="channel_api.c", tests=["unit/wakes"],
        edits=[("send_tell(&block, write_reserve(b, size, dest));",
                "write_reserve(b, size, dest);")]),
    Mutation(
        name="a batch wakes no reader", file="batch_api.c",
        tests=["unit/wakes"],
        edits=[("send_tell(&block, batch_write(b, entries, count, &written, "
                "&size));",
                "batch_write(b, entries, count, &written, &size);")]),
    Mutation(
        name="an array wakes no reader", file="batch_api.c",
        tests=["unit/wakes"],
        edits=[("send_tell( &block, batch_write_array(b, data, size, count, "
                "&written));",
                "batch_write_array(b, data, size, count, &written);")]),
    Mutation(
        name="commit wakes no reader", file="send.c", tests=["unit/wakes"],
        edits=[("if (status == IPC_OK) wait_notify(&ch->waiter, "
                "WAIT_READERS);", "")]),
    Mutation(
        name="abort wakes no reader", file="send.c", tests=["unit/wakes"],
        edits=[("channel_tell_all(ch);",
                "wait_notify_rarely(&ch->waiter, WAIT_WRITERS);")]),
    Mutation(
        name="abort wakes no writer", file="send.c", tests=["unit/wakes"],
        edits=[("channel_tell_all(ch);",
                "wait_notify_rarely(&ch->waiter, WAIT_READERS);")]),
    Mutation(
        name="a write that left filler wakes no writer", file="send.c",
        tests=["unit/wakes"],
        edits=[("if (may_have_padded(b, tail))", "if (0)")]),
    Mutation(
        name="destroying with open reservations wakes nobody",
        file="channel.c", tests=["unit/wakes"],
        edits=[("if (handle_close(&ch->buffer)) channel_tell_all(ch);",
                "handle_close(&ch->buffer);")]),
    Mutation(
        name="a read wakes no writer", file="receive.c", tests=["unit/wakes"],
        edits=[("wait_notify(&ch->waiter, WAIT_WRITERS);", ";")]),
    Mutation(
        name="a read that only passed filler wakes no writer",
        file="receive.c", tests=["unit/wakes"],
        edits=[("wait_notify_rarely(&ch->waiter, WAIT_WRITERS);", ";")]),
    Mutation(
        name="a read that found no entry wakes no writer", file="receive.c",
        tests=["unit/wakes"],
        edits=[("else if (block_end(ch, WAIT_READERS) != before)",
                "else if (status < 0 && "
                "block_end(ch, WAIT_READERS) != before)")]),
    Mutation(
        name="a plain read wakes no writer", file="channel_api.c",
        tests=["unit/wakes"],
        edits=[("wait_notify(&channel->waiter, WAIT_WRITERS);", "")]),
    Mutation(
        name="a read that is not plain wakes no writer", file="receive.c",
        tests=["unit/wakes"],
        edits=[("receive_tell(b, read_entry(&b->channel->buffer, dest, "
                "error));",
                "read_entry(&b->channel->buffer, dest, error);")]),
    Mutation(
        name="a read that allocates wakes no writer", file="receive.c",
        tests=["unit/wakes"],
        edits=[("receive_tell(b, read_allocate(&b->channel->buffer, dest, "
                "error));",
                "read_allocate(&b->channel->buffer, dest, error);")]),
    Mutation(
        name="a peek that only passed filler wakes no writer",
        file="channel_api.c", tests=["unit/wakes"],
        edits=[("receive_tell(&block, read_peek(b, dest, &found));",
                "read_peek(b, dest, &found);")]),
    Mutation(
        name="a read of a batch wakes no writer", file="batch_api.c",
        tests=["unit/wakes"],
        edits=[("receive_tell( &block, batch_read(b, entries, count, memory, "
                "size, &read, &body));",
                "batch_read(b, entries, count, memory, size, &read, "
                "&body);")]),
    Mutation(
        name="a read of an array wakes no writer", file="batch_api.c",
        tests=["unit/wakes"],
        edits=[("receive_tell( &block, batch_read_array(b, data, size, count, "
                "&read, &body));",
                "batch_read_array(b, data, size, count, &read, &body);")]),
    Mutation(
        name="skip wakes no writer", file="receive.c", tests=["unit/wakes"],
        edits=[("tell(ch, before, read_skip(&ch->buffer, offset, error));",
                "((void)before, "
                "read_skip(&ch->buffer, offset, error));")]),
    Mutation(
        name="skip_force wakes no writer", file="receive.c",
        tests=["unit/wakes"],
        edits=[("tell(ch, before, recover_skip(&ch->buffer, offset));",
                "((void)before, recover_skip(&ch->buffer, offset));")]),
    Mutation(
        name="recovery wakes no reader", file="channel.c",
        tests=["unit/wakes"],
        edits=[("if (*removed || finished) channel_tell_all(ch);",
                "if (*removed) wait_notify_rarely(&ch->waiter, "
                "WAIT_WRITERS);")]),
    Mutation(
        name="recovery wakes no writer", file="channel.c",
        tests=["unit/wakes"],
        edits=[("if (*removed || finished) channel_tell_all(ch);",
                "if (*removed) wait_notify_rarely(&ch->waiter, "
                "WAIT_READERS);")]),
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
        edits=[("return status < 0 ? handle_unless_anew(b, status) : status;",
                "return status;")]),
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
        edits=[("uint64_t end = end_of_old_words(region, room);",
                "uint64_t end = 0 * end_of_old_words(region, room);")]),
    Mutation(
        name="every creation begins in the same lap", file="format.c",
        tests=["unit/anew"],
        edits=[("(1 + (ring->creation - 1) % SHMIPC_FIRST_LAPS)",
                "UINT64_C(1)")]),
    Mutation(
        name="a region without a number is joined", file="format.c",
        tests=["unit/format"],
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
    # ------------------------------------------------ when and how they sleep
    Mutation(
        name="one round too many", file="block.c", tests=["unit/sleeps"],
        edits=[("b->rounds = ch->max_round_trips;",
                "b->rounds = ch->max_round_trips + 1;")]),
    Mutation(
        name="one round too few", file="block.c", tests=["unit/sleeps"],
        edits=[("b->rounds = ch->max_round_trips;",
                "b->rounds = ch->max_round_trips - 1;")]),
    Mutation(
        name="rounds do not become longer", file="block.c",
        tests=["unit/sleeps"],
        edits=[("b->round = doubled(b->channel, b->round);", "")]),
    Mutation(
        name="who sleeps by the clock does not sleep longer each time",
        file="block.c", tests=["unit/sleeps"],
        edits=[("b->nap = doubled(ch, b->nap);", "")]),
    Mutation(
        name="stuck: looks again only at the cap", file="block.c",
        tests=["unit/sleeps"],
        edits=[("until = clock_earlier(until, clock_after(STUCK_SLEEP_NS));",
                "")]),
    Mutation(
        name="sleeps have no cap", file="block.c", tests=["unit/sleeps"],
        edits=[("clock_earlier(until, clock_after(WAIT_CAP_NS))",
                "until")]),
    Mutation(
        name="sequence remembered after the flag is set", file="wait.c",
        tests=["unit/sleeps"],
        edits=[("everybody else's */ return seen;",
                "everybody else's */ return "
                "atomic_get_acquire(&words->sequence);")]),
    Mutation(
        name="a wake changes errno", file="wait.c", tests=["unit/sleeps"],
        edits=[("wait_pass_on(w); errno = saved;",
                "wait_pass_on(w); (void)saved;")]),
    Mutation(
        name="passing a wake on changes errno", file="counter.h",
        tests=["unit/sleeps"],
        edits=[("errno == EINTR) continue; cancel_restore(cancelling); errno "
                "= saved;", "errno == EINTR) continue; "
                "cancel_restore(cancelling); (void)saved;")]),
    Mutation(
        name="a sleep changes errno", file="wait.c", tests=["unit/sleeps"],
        edits=[("errno = saved; return slept;",
                "(void)saved; return slept;")]),
    Mutation(
        name="taking wakes back changes errno", file="counter.h",
        tests=["unit/sleeps"],
        edits=[("errno = saved; return got > 0;",
                "(void)saved; return got > 0;")]),
    # ---------------------------------------- others are faster, or are dead
    Mutation(
        name="LOCKED ends a wait", file="block.c", tests=["unit/repair"],
        edits=[("status == IPC_ERR_LOCKED || status == "
                "IPC_ERR_NO_SPACE_CONTIGUOUS;",
                "status == IPC_ERR_NO_SPACE_CONTIGUOUS;")]),
    Mutation(
        name="repairs though head moves", file="channel.c",
        tests=["unit/repair"],
        edits=[("atomic_set_hint(&ch->stuck_at, head); answers = 0;",
                "atomic_set_hint(&ch->stuck_at, head);")]),
    Mutation(
        name="head is never seen to move", file="channel.c",
        tests=["unit/repair"],
        edits=[("atomic_set_hint(&ch->stuck_at, head); answers = 0;",
                "answers = 0;")]),
    Mutation(
        name="a write never repairs", file="block.c", tests=["unit/repair"],
        edits=[(": IPC_ERR_NO_SPACE_CONTIGUOUS);",
                ": IPC_ERR_CORRUPTED);")]),
    Mutation(
        name="a read never repairs", file="block.c", tests=["unit/repair"],
        edits=[("return status == (b->side == WAIT_READERS ? "
                "IPC_ERR_NOT_READY :",
                "return status == (b->side == WAIT_READERS ? "
                "IPC_ERR_CORRUPTED :")]),
    Mutation(
        name="PRODUCERS_DEAD before a repair", file="block.c",
        tests=["unit/repair"],
        edits=[("stuck = read_is_stuck(&ch->buffer);",
                "stuck = read_is_stuck(&ch->buffer); "
                "if (found_nothing(*status) && channel_lost_producers(ch)) "
                "return answer(status, IPC_ERR_PRODUCERS_DEAD);")]),
    Mutation(
        name="PRODUCERS_DEAD before a repair, to pollers", file="block.c",
        tests=["unit/repair"],
        edits=[("if (b->step == BLOCK_ARMED && read_is_stuck(&ch->buffer)) {",
                "if (found_nothing(*status) && channel_lost_producers(ch)) "
                "return answer(status, IPC_ERR_PRODUCERS_DEAD); if (b->step "
                "== BLOCK_ARMED && read_is_stuck(&ch->buffer)) {")]),
    Mutation(
        name="pollers do not repair", file="block.c", tests=["unit/repair"],
        edits=[("if (b->step == BLOCK_ARMED && read_is_stuck(&ch->buffer)) {",
                "if (0) {")]),
    Mutation(
        name="pollers are not told of dead producers", file="block.c",
        tests=["unit/repair"],
        edits=[("if (are_all_dead(b, *status)) "
                "return next_try(b, BLOCK_ARMED_ALL_DEAD);", "")]),
    Mutation(
        name="pollers do not look again when all are dead", file="block.c",
        tests=["unit/last_words"],
        edits=[("if (are_all_dead(b, *status)) return next_try(b, "
                "BLOCK_ARMED_ALL_DEAD);", "if (are_all_dead(b, *status)) "
                "return answer(status, IPC_ERR_PRODUCERS_DEAD);")]),
    Mutation(
        name="sleepers do not look again when all are dead", file="block.c",
        tests=["unit/last_words"],
        edits=[("return next_try(b, BLOCK_ALL_DEAD);",
                "return answer(status, IPC_ERR_PRODUCERS_DEAD);")]),
    Mutation(
        name="a gap of the last one hides what is behind it", file="block.c",
        tests=["unit/last_words"],
        edits=[("return read_is_stuck(&b->channel->buffer) ? "
                "IPC_ERR_NOT_READY : IPC_ERR_PRODUCERS_DEAD;",
                "return (void)b, IPC_ERR_PRODUCERS_DEAD;")]),
    Mutation(
        name="sleepers are not told of dead producers", file="block.c",
        tests=["unit/repair"],
        edits=[("(status == IPC_EMPTY && "
                "channel_lost_producers(b->channel)) ||", "")]),
    # ----------------------------------------------------- what errors tell
    Mutation(
        name="errno of fd not told", file="channel_api.c",
        tests=["unit/error_bodies"],
        edits=[("if (status == IPC_ERR_SYSTEM) body.sys_errno = errno;", "")]),
    Mutation(
        name="error body of skip", file="channel_api.c",
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
        edits=[("status = look(b, view); error->offset = "
                "take_offset(&b->ring, view);",
                "status = look(b, view);")]),
    Mutation(
        name="size in a read's error body", file="read.c",
        tests=["unit/error_bodies"],
        edits=[("error->required_size = view.size;", "")]),
    Mutation(
        name="error body of peek", file="channel_api.c",
        tests=["unit/error_bodies"],
        edits=[("body.offset = found.offset;", "body.offset = 0;")]),
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
        name="error body of reserve", file="channel_api.c",
        tests=["unit/error_bodies"],
        edits=[("reserve_detail(&block, dest, status), write_body(b, size));",
                "reserve_detail(&block, dest, status), write_body(b, 0));")]),
    Mutation(
        name="error body of commit", file="channel_api.c",
        tests=["unit/error_bodies"],
        edits=[("body = {reservation ? reservation->offset : 0}; IpcStatus "
                "status = channel ? send_commit",
                "body = {0}; IpcStatus status = channel ? send_commit")]),
    Mutation(
        name="error body of abort", file="channel_api.c",
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

    # ------------------------------------------------------ named segments
    Mutation(
        name="descriptor leak: mapped", file="segment.c",
        tests=["unit/segment_races"],
        edits=[("backing_forget(segment->memory); if (munmap", "if (munmap")
               ]),
    Mutation(
        name="descriptor leak: not mapped", file="segment.c",
        tests=["unit/segment_races"],
        edits=[("keep(fd, segment); else close(fd);",
                "keep(fd, segment);")]),
    Mutation(
        name="descriptor leak: no pages", file="segment.c",
        tests=["unit/segment_races"],
        edits=[("close(fd); shm_unlink(name); return -1;",
                "shm_unlink(name); return -1;")]),
    Mutation(
        name="descriptor leak: another size, or none", file="segment.c",
        tests=["unit/segment_races"],
        edits=[("if (status != IPC_OK) close(*fd);", "")]),
    Mutation(
        name="not closed on exec: created", file="segment.c", tests=[],
        edits=[("O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC",
                "O_RDWR | O_CREAT | O_EXCL")],
        equivalent="shm_open sets FD_CLOEXEC whether it is asked to or not"),
    Mutation(
        name="not closed on exec: opened", file="segment.c", tests=[],
        edits=[("shm_open(name, O_RDWR | O_CLOEXEC, 0)",
                "shm_open(name, O_RDWR, 0)")],
        equivalent="shm_open sets FD_CLOEXEC whether it is asked to or not"),
    Mutation(
        name="name that goes in between", file="segment.c",
        tests=["unit/segment_races"],
        edits=[("if (status != IPC_ERR_SYSTEM || body->sys_errno != ENOENT) "
                "return status;", "return status;")]),
    Mutation(
        name="name that comes in between", file="segment.c",
        tests=["unit/segment_races"],
        edits=[("if (body->sys_errno != EEXIST) return IPC_ERR_SYSTEM;",
                "return IPC_ERR_SYSTEM;")]),
    Mutation(
        name="a signal ends the reservation of pages", file="segment.c",
        tests=["unit/segment_races"],
        edits=[("while (error == EINTR);", "while (0);")]),

    # ----------------------------------------------------------- processes
    Mutation(
        name="a process whose first thread left is dead", file="process.c",
        tests=["unit/process"],
        edits=[("(proc.state == 'Z' || proc.state == 'X') && "
                "proc.threads <= 1",
                "(proc.state == 'Z' || proc.state == 'X')")]),
    Mutation(
        name="not registered for membarriers but believed to be",
        file="process.c", tests=["unit/process"],
        edits=[("atomic_put_relaxed(&process_has_membarrier, done == 0);",
                "(void)done; "
                "atomic_put_relaxed(&process_has_membarrier, 1);")]),
    Mutation(
        name="no segment is known by its file", file="segment.c",
        tests=["borders/borders"],
        edits=[("struct backing *b = backing_adopt(fd);",
                "struct backing *b = fd < 0 ? backing_adopt(fd) : NULL;")]),
    Mutation(
        name="a child keeps its parent's locks", file="backing.c",
        tests=["borders/borders"],
        edits=[("    open_all_anew(); errno = saved;", "errno = saved;"),
               ("if (!*done) open_all_anew();", "")]),
    Mutation(
        name="the other slot's byte is locked", file="owner.c",
        tests=["borders/borders"],
        edits=[("return table->place + slot * sizeof *table->slots;",
                "return table->place + slot * 0;")]),
    Mutation(
        name="locks survive exec", file="segment.c",
        tests=["borders/borders"],
        edits=[("int fd = shm_open(name, O_RDWR | O_CLOEXEC, 0);",
                "int fd = shm_open(name, O_RDWR, 0);")],
        equivalent="shm_open closes on exec, asked or not"),
    Mutation(
        name="cancelled with the lock held", file="process.c",
        tests=["unit/process"],
        edits=[("lock_self(); /* Relaxed: both", "pthread_setcancelstate("
                "PTHREAD_CANCEL_ENABLE, &state); lock_self(); "
                "/* Relaxed: both")]),
    Mutation(
        name="cancelled while judging", file="process.c",
        tests=["unit/process"],
        edits=[("fate = judge(&me, has_proc, id); cancel_restore(state);",
                "cancel_restore(state); fate = judge(&me, has_proc, id);")]),
    Mutation(
        name="cancelling stays off after judging", file="process.c",
        tests=["unit/process"],
        edits=[("fate = judge(&me, has_proc, id); cancel_restore(state);",
                "fate = judge(&me, has_proc, id); (void)state;")]),
    Mutation(
        name="what was not found at first is not looked for again",
        file="process.c", tests=["unit/process"],
        edits=[("if (self.incomplete) complete_self();", "")]),
    Mutation(
        name="boots are not compared", file="process.c",
        tests=["unit/process"],
        edits=[("if (id->boot && me->boot && id->boot != me->boot)",
                "if (id->boot && me->boot && 0)")]),
    Mutation(
        name="a boot that is not known is another", file="process.c",
        tests=["unit/process"],
        edits=[("if (id->boot && me->boot && id->boot != me->boot)",
                "if (id->boot != me->boot)")]),
    Mutation(
        name="a file over the boot's id is believed", file="process.c",
        tests=["unit/process"],
        edits=[("where.f_type == PROC_SUPER_MAGIC", "where.f_type != 0")]),
    Mutation(
        name="who called exec has its old image's slot", file="process.c",
        tests=["unit/process"],
        edits=[("return id->image == me->image && ", "return ")]),
    Mutation(
        name="stacks are not compared", file="process.c",
        tests=["unit/process"],
        edits=[("if (id->stack && stack && id->stack != stack)",
                "if (0 && stack)")]),
    Mutation(
        name="start times of another clock are compared", file="process.c",
        tests=["unit/process"],
        edits=[("id->start_time > 1 && same_clock(me, id) && "
                "proc.start_time", "id->start_time > 1 && proc.start_time")]),
    Mutation(
        name="namespaces beyond the bits are known", file="process.c",
        tests=["unit/process"],
        edits=[("inode - first < UINT32_C(1) << 27 ?",
                "inode - first < UINT32_C(1) << 28 ?")]),
    Mutation(
        name="a child believes that it is registered for membarriers",
        file="process.c", tests=["unit/process"],
        edits=[("atomic_put_relaxed(&process_has_membarrier, 0);", "")]),
    Mutation(
        name="/proc of another pid namespace believed", file="process.c",
        tests=["unit/process"],
        edits=[("return strtoul(link, NULL, 10) == pid;",
                "(void)pid; return true;")]),
    Mutation(
        name="namespaces that are not known are the same", file="process.c",
        tests=["unit/process"],
        edits=[("if (id->pid_namespace == 0 || id->pid_namespace != ",
                "if (id->pid_namespace != ")]),
    Mutation(
        name="fork handler does not empty the token page", file="process.c",
        tests=["unit/process"],
        edits=[("if (page) atomic_put_relaxed(page, 0);", "(void)page;")]),
    Mutation(
        name="pid in stat not compared", file="process.c",
        tests=["unit/process"],
        edits=[("strtoul(line, NULL, 10) == pid && parse_stat(line, stat)",
                "parse_stat(line, stat)")]),
    Mutation(
        name="who may not be signalled is dead", file="process.c",
        tests=["unit/process"],
        edits=[("kill((pid_t)id->pid, 0) != 0 && errno == ESRCH",
                "kill((pid_t)id->pid, 0) != 0")]),
    Mutation(
        name="who has no stat is dead", file="process.c",
        tests=["unit/process"],
        edits=[("if (!read_stat(id->pid, &proc)) return PROCESS_SEEMS_ALIVE;",
                "if (!read_stat(id->pid, &proc)) return PROCESS_IS_DEAD;")]),
    Mutation(
        name="stat is not closed on exec", file="process.c",
        tests=["unit/process"],
        edits=[("open(path, O_RDONLY | O_CLOEXEC)", "open(path, O_RDONLY)")]),

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

    # -------------------------------------------------------------- sharing
    Mutation(
        name="cut messages accepted", file="share.c", tests=["unit/share"],
        edits=[("if (message->cut || header->magic", "if (header->magic")]),
    Mutation(
        name="messages whose bytes were cut accepted", file="share.c",
        tests=["unit/share"],
        edits=[("(MSG_TRUNC | MSG_CTRUNC)", "MSG_CTRUNC")]),
    Mutation(
        name="messages whose descriptors were cut accepted", file="share.c",
        tests=["unit/share"],
        edits=[("(MSG_TRUNC | MSG_CTRUNC)", "MSG_TRUNC")]),
    Mutation(
        name="can_shrink: never", file="share.c", tests=["unit/share"],
        edits=[("seals < 0 || !(seals & F_SEAL_SHRINK)",
                "seals < -1 && !(seals & F_SEAL_SHRINK)")]),
    Mutation(
        name="can_shrink: not where there are no seals", file="share.c",
        tests=["unit/share"],
        edits=[("seals < 0 || !(seals & F_SEAL_SHRINK)",
                "seals >= 0 && !(seals & F_SEAL_SHRINK)")]),
    Mutation(
        name="can_shrink: not with any seal", file="share.c",
        tests=["unit/share"],
        edits=[("seals < 0 || !(seals & F_SEAL_SHRINK)",
                "seals < 0 || !seals")]),
    Mutation(
        name="EINTR while receiving", file="share.c", tests=["unit/share"],
        edits=[("if (n < 0 && errno == EINTR) continue;", "")]),
    Mutation(
        name="EINTR while sending", file="share.c", tests=["unit/share"],
        edits=[("else if (errno != EINTR) return errno;",
                "else return errno;")]),
    Mutation(
        name="EINTR while waiting for the rest", file="share.c",
        tests=["unit/share"],
        edits=[("while (got < 0 && errno == EINTR); return got >= 0;",
                "while (0); return got >= 0;")]),
    Mutation(
        name="half a message sent", file="share.c", tests=["unit/share"],
        edits=[("else if (errno == EAGAIN && sent > 0) "
                "wait_for(socket, POLLOUT);", "")]),
    Mutation(
        name="half a message received", file="share.c", tests=["unit/share"],
        edits=[("if (n < 0 && errno == EAGAIN && got > 0 && "
                "wait_for(socket, POLLIN)) continue;", "")]),
    Mutation(
        name="descriptors sent with every piece", file="share.c",
        tests=["unit/share"],
        edits=[("if (sent == 0) attach_fds", "attach_fds")]),
    Mutation(
        name="every piece begins anew", file="share.c", tests=["unit/share"],
        edits=[("piece.iov_base = bytes + sent;", "")]),
    Mutation(
        name="errno of a mapping not told", file="share.c",
        tests=["unit/share"],
        edits=[("shared->memory = NULL; *error = errno;",
                "shared->memory = NULL;")]),
    Mutation(
        name="descriptors stay after a refusal", file="share.c",
        tests=["unit/share"],
        edits=[("drop_fds(&message); if (status == IPC_OK)",
                "if (status == IPC_OK)")]),
    Mutation(
        name="mapping stays after a refusal", file="share.c",
        tests=["unit/share"],
        edits=[("if (shared.memory) munmap(shared.memory, "
                "(size_t)shared.size);", "")]),
    Mutation(
        name="mapping stays when it is left", file="share.c",
        tests=["unit/share"],
        edits=[("if (munmap(shared->memory, (size_t)shared->size) != 0)",
                "if (0)")]),
    Mutation(
        name="what was received is not closed on exec", file="share.c",
        tests=["unit/share"],
        edits=[("recvmsg(socket, &m, MSG_CMSG_CLOEXEC)",
                "recvmsg(socket, &m, 0)")]),
    Mutation(
        name="eventfd is not closed on exec", file="eventfd.c",
        tests=["unit/share"],
        edits=[("eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)",
                "eventfd(0, EFD_NONBLOCK)")]),
    Mutation(
        name="epoll is not closed on exec", file="eventfd.c",
        tests=["unit/share"],
        edits=[("epoll_create1(EPOLL_CLOEXEC)",
                "epoll_create1(0)")]),
    Mutation(
        name="timer is not closed on exec", file="eventfd.c",
        tests=["unit/share"],
        edits=[("TFD_NONBLOCK | TFD_CLOEXEC",
                "TFD_NONBLOCK")]),
    Mutation(
        name="a ring's eventfd is not closed on exec", file="io_uring.c",
        tests=["unit/share"],
        edits=[("eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)",
                "eventfd(0, EFD_NONBLOCK)")]),

    # -------------------------------------------------------- event loops
    Mutation(
        name="filler passed while preparing: writers not woken",
        file="uring_api.c", tests=["wait/waiting through io_uring"],
        edits=[("wait_notify_rarely(&ch->waiter, WAIT_WRITERS);", "")]),
    Mutation(
        name="a linked timeout is an error", file="uring_api.c",
        tests=["wait/waiting through io_uring"],
        edits=[("case -ECANCELED:", "")]),
    Mutation(
        name="a timeout of its own is an error", file="uring_api.c",
        tests=["wait/waiting through io_uring"],
        edits=[("case -ETIME:", "")]),
    Mutation(
        name="what a filter forbids is a failure", file="uring_api.c",
        tests=["wait/waiting through io_uring"],
        edits=[("case -EACCES:", "")]),
    Mutation(
        name="child polls its parent's epoll", file="eventfd.c",
        tests=["unit/pollers"],
        edits=[("if (w->token != process_token()) event_close(w);", "")]),
    Mutation(
        name="a poller's wait has no cap", file="eventfd.c",
        tests=["unit/pollers"],
        edits=[("if (timerfd_settime(w->timer_fd, 0, &at, NULL) != 0)",
                "(void)at; if (0)")]),
    Mutation(
        name="a ring's wait has no cap", file="io_uring.c",
        tests=["unit/pollers"],
        edits=[("uring_timespec(WAIT_CAP_NS)",
                "uring_timespec(WAIT_CAP_NS * 999)")]),
    Mutation(
        name="pollers do not look for who cannot signal", file="eventfd.c",
        tests=["wait/ways of waiting mix, and channels travel over sockets"],
        edits=[("atomic_get_relaxed(&words->unsignalled) ? "
                "WAIT_UNSIGNALLED_NS : WAIT_CAP_NS;",
                "WAIT_CAP_NS;")]),
    Mutation(
        name="armed for an old sequence", file="io_uring.c",
        tests=["wait/waiting through io_uring"],
        edits=[("if (is_armed(p) && p->seen == seen)", "if (is_armed(p))")],
        equivalent="what the kernel has queued does not look at the word "
        "again: any later wake ends it, and one too many costs a look"),
    Mutation(
        name="no second look at completions", file="io_uring.c",
        tests=["wait/waiting through io_uring"],
        edits=[("return !p->open || reap(p);", "return true;")]),
    Mutation(
        name="who has the eventfd says that it cannot signal", file="wait.c",
        tests=["unit/pollers"],
        edits=[("if (w->event_fd < 0) /* Relaxed: a poller",
                "if (w->event_fd >= 0) /* Relaxed: a poller")]),
    Mutation(
        name="size of what cannot be unmapped not told", file="segment.c",
        tests=["unit/segment"],
        edits=[("body.existing_size = segment->size; body.aligned_size",
                "body.aligned_size")]),
    Mutation(
        name="an eventfd with the number 0 stays open", file="wait.c",
        tests=["unit/pollers"],
        edits=[("if (w->event_fd >= 0) close(w->event_fd);",
                "if (w->event_fd >= 1) close(w->event_fd);")]),
    Mutation(
        name="the umask cuts the mode of a segment", file="segment.c",
        tests=["unit/segment_access"],
        edits=[("return fchmod(fd, mode) == 0 ? 0 : errno;",
                "(void)mode; return 0;")]),
    Mutation(
        name="the group of a segment is left alone", file="segment.c",
        tests=["unit/segment_access"],
        edits=[("fchown(fd, (uid_t)-1, options->group) != 0)",
                "fchown(fd, (uid_t)-1, (gid_t)-1) != 0)")]),
    Mutation(
        name="anybody's segment is opened", file="segment.c",
        tests=["unit/segment_access"],
        edits=[("file.st_uid == geteuid() ? 0 : EPERM;",
                "true ? 0 : EPERM;")]),
    Mutation(
        name="what is no segment is waited for", file="segment.c",
        tests=["unit/segment_access"],
        edits=[("if (!S_ISREG(file.st_mode)) return EINVAL;", "")]),
    Mutation(
        name="a mode that comes late is not waited for", file="segment.c",
        tests=["unit/segment_races"],
        edits=[("|| i == MODE_WAIT_MS)", "|| i == 0)")]),
    Mutation(
        name="what is shared is not sealed", file="share.c",
        tests=["unit/share"],
        edits=[("(void)fcntl(memory_fd, F_ADD_SEALS, F_SEAL_SHRINK);", "")]),
    Mutation(
        name="without memory for a ring the default is refused", file="wait.c",
        tests=["wait/waiting through io_uring"],
        edits=[("if (status != IPC_OK) /* too old",
                "if (status == IPC_ERR_UNSUPPORTED) /* too old")]),
    Mutation(
        name="without a handle nothing was asked for", file="write.c",
        tests=["unit/error_bodies"],
        edits=[("IpcBufferWriteError body = {.requested_size = size};",
                "IpcBufferWriteError body = {.requested_size = b ? size : 0};"
                )]),
    Mutation(
        name="who skipped too late is told that all is well", file="read.c",
        tests=["unit/buffer"],
        edits=[("if (offset != error->offset) return "
                "IPC_ERR_OFFSET_MISMATCH;",
                "if (offset < error->offset) return IPC_ALREADY_SKIPPED; if "
                "(offset > error->offset) return IPC_ERR_OFFSET_MISMATCH;")]),
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
    # -------------------------------------------------- the list of owners
    Mutation(
        name="a list takes no care of the room", file="owners.c",
        tests=["unit/owners_listed"],
        edits=[("if (*count < room) {", "if (room > 0) {")]),
    Mutation(
        name="owners without room are not counted", file="owners.c",
        tests=["unit/owners_listed"],
        edits=[("to += size; } *count += 1;", "to += size; *count += 1; }")]),
    Mutation(
        name="all elements of a list are of our size", file="owners.c",
        tests=["unit/owners_listed"],
        edits=[("to += size;", "to += sizeof owner;")]),
    Mutation(
        name="an older caller's list is filled", file="owners.c",
        tests=["unit/owners_listed"],
        edits=[("if (room > 0 && size < OWNERS_SIZE_0_1)",
                "if (room > 0 && size == 0)")]),
    Mutation(
        name="who cannot be judged is listed as living", file="owners.c",
        tests=["unit/owners_listed"],
        edits=[("return IPC_OWNER_UNKNOWN;", "return IPC_OWNER_LIVES;")]),
    Mutation(
        name="a list takes one role for the other", file="owners.c",
        tests=["unit/owners_listed"],
        edits=[("atomic_get_relaxed(&r->tail->role)",
                "atomic_get_relaxed(&r->head->role)"),
               ("uint32_t consumer = (uint32_t)atomic_get_relaxed("
                "&r->head->role)",
                "uint32_t consumer = (uint32_t)atomic_get_relaxed("
                "&r->tail->role)")]),
    Mutation(
        name="a list of a region that is gone", file="owners.c",
        tests=["unit/owners_listed"],
        edits=[("if (creation_is_over(&b->ring)) return "
                "IPC_ERR_FORMATTED_ANEW;", "")]),
    Mutation(
        name="a list tells of the last stay", file="owner.c",
        tests=["unit/owners_listed"],
        edits=[("if (generation_of(atomic_get_acquire(&slot->started)) == "
                "generation_of(identity)) {", "if (true) {")]),
    Mutation(
        name="a list does not tell that a slot is locked", file="owner.c",
        tests=["unit/owners_listed"],
        edits=[(".locked = identity & LOCKED,", ".locked = false,")]),
    Mutation(
        name="an unknown namespace has a number", file="process.h",
        tests=["unit/owners_listed"],
        edits=[("return number ? PROCESS_NAMESPACE_FIRST + number : 0;",
                "return PROCESS_NAMESPACE_FIRST + number;")]),
    # --------------------------- a descriptor of the memory in the options
    Mutation(
        name="any file is taken for the memory's", file="handle.c",
        tests=["unit/memory_fd"],
        edits=[("atomic_get_relaxed(&id.creation) != b->ring.creation)",
                "false)")]),
    Mutation(
        name="a file that is none is found out too late", file="handle.c",
        tests=["unit/memory_fd"],
        edits=[("if (has_file(options) && "
                "!read_identity(options->memory_fd, mem, &id))",
                "if (false && !read_identity(options->memory_fd, mem, &id))"
                )]),
    Mutation(
        name="a descriptor without its flag is ignored", file="handle.c",
        tests=["unit/memory_fd"],
        edits=[("(options->memory_fd && !has_file(options))", "false")]),
    Mutation(
        name="a channel's descriptor without its option is ignored",
        file="channel.c", tests=["unit/channel"],
        edits=[("(c->memory_fd && !(c->options & IPC_CHANNEL_HAS_MEMORY_FD))",
                "false")]),
    Mutation(
        name="who creates has no use for a descriptor", file="handle.c",
        tests=["unit/memory_fd"],
        edits=[("if (has_file(options)) status =",
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
    # ------------------------------------------- what users of old expect
    Mutation(
        name="skip takes whatever is there", file="read.c",
        tests=["unit/original"],
        edits=[("if (offset != error->offset) return "
                "IPC_ERR_OFFSET_MISMATCH;", "")]),
    Mutation(
        name="force skips what the living write", file="recover.c",
        tests=["unit/original"],
        edits=[("if (!is_dead(b, &view)) return IPC_ERR_LOCKED;", "")]),
    Mutation(
        name="what is not ready is nowhere", file="read.c",
        tests=["unit/original"],
        edits=[("status = look(b, view); error->offset = take_offset("
                "&b->ring, view);", "status = look(b, view);")]),
    # ------------------------------------------------------ other versions
    Mutation(
        name="a region's shape is looked at before its version",
        file="format.c", tests=["unit/format"],
        edits=[("if (id.layout_version != SHMIPC_LAYOUT_VERSION) return "
                "IPC_ERR_LAYOUT_VERSION; if (!shape_is_right(&id) || "
                "id.region_size > SIZE_MAX - slack) return IPC_ERR_CORRUPTED;",
                "if (!shape_is_right(&id) || id.region_size > SIZE_MAX - "
                "slack) return IPC_ERR_CORRUPTED; if (id.layout_version != "
                "SHMIPC_LAYOUT_VERSION) return IPC_ERR_LAYOUT_VERSION;")]),
    Mutation(
        name="older versions are joined", file="format.c",
        tests=["unit/format"],
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
        edits=[("if (!position_is_valid(r, head)) return false;", "")]),
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
        edits=[("|| view.size > dest->size,", ",")]),
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
                "head)) return plan; fit =", "fit =")]),
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
        edits=[("drop_fds(&message); if (status == IPC_OK)",
                "if (status == IPC_OK)")]),
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
    # ------------------------------------------------- times without end
    Mutation(
        name="the end of a round goes over", file="clock.c",
        tests=["unit/sleeps"],
        edits=[("return ns < INT64_MAX - now ? now + ns : INT64_MAX;",
                "return (int64_t)((uint64_t)now + (uint64_t)ns);")]),
    Mutation(
        name="a round of the configured length goes over", file="clock.c",
        tests=["wait/no time is too long"],
        edits=[("return ns < INT64_MAX - now ? now + ns : INT64_MAX;",
                "return (int64_t)((uint64_t)now + (uint64_t)ns);")]),
    Mutation(
        name="the seconds of a timeout go over", file="clock.c",
        tests=["wait/no time is too long"],
        edits=[("if (!timeout || (int64_t)timeout->tv_sec >= INT64_MAX / "
                "second)", "if (!timeout)")]),
    Mutation(
        name="the deadline of an opening goes over", file="place.c",
        tests=["wait/no time is too long"],
        edits=[("return clock_after(timeout_ns > INT64_MAX ? INT64_MAX : "
                "(int64_t)timeout_ns);",
                "return clock_after((int64_t)timeout_ns);")]),
    Mutation(
        name="a round that doubles goes over", file="block.c",
        tests=["unit/sleeps"],
        edits=[("return ns > ch->max_sleep / 2 ? ch->max_sleep : ns * 2;",
                "int64_t twice = (int64_t)((uint64_t)ns * 2); "
                "return twice > ch->max_sleep ? ch->max_sleep : twice;")]),
    # ------------------------------------ lost descriptors, other clocks
    Mutation(
        name="the lock is asked for whom the pid proves", file="owner.c",
        tests=["borders/uncertain"],
        edits=[("if (fate != PROCESS_LIVES && (identity & LOCKED) &&",
                "if ((identity & LOCKED) &&")]),
    Mutation(
        name="what is in the place of a lost file is asked",
        file="backing.c", tests=["borders/uncertain"],
        edits=[("control(b, F_OFD_GETLK, F_WRLCK, place, &what) == 0 && "
                "is_still_there(b))",
                "control(b, F_OFD_GETLK, F_WRLCK, place, &what) == 0)")]),
    Mutation(
        name="a lost file is not opened again", file="backing.c",
        tests=["borders/uncertain"],
        edits=[("b->inode == file->st_ino && is_still_there(b))",
                "b->inode == file->st_ino)")]),
    Mutation(
        name="start times by two clocks are compared", file="process.c",
        tests=["borders/uncertain"],
        edits=[("if (id->start_time > 1 && same_clock(me, id) && "
                "proc.start_time",
                "if (id->start_time > 1 && proc.start_time")]),
    # ---------------------------------------------------- waiting, and its end
    Mutation(
        name="a read that blocks gives up after some rounds",
        file="channel_api.c", tests=["unit/blocking"],
        edits=[("struct block block = block_until(channel, WAIT_READERS, NULL);",
                "struct block block = block_rounds(channel, WAIT_READERS);")]),
    Mutation(
        name="a read that blocks gives up after some rounds in place",
        file="channel_api.c", tests=["unit/blocking"],
        edits=[("return read_otherwise(block_until(channel, WAIT_READERS, "
                "NULL), dest);",
                "return read_otherwise(block_rounds(channel, WAIT_READERS), "
                "dest);")]),
    Mutation(
        name="an interrupt wakes no reader", file="wait.c",
        tests=["wait/no interrupt is lost on the way to sleep"],
        edits=[("atomic_put_release(&w->interrupted, 1); "
                "wait_notify_rarely(w, WAIT_READERS);",
                "atomic_put_release(&w->interrupted, 1);")]),
    Mutation(
        name="an interrupt wakes no writer", file="wait.c",
        tests=["wait/no interrupt is lost on the way to sleep"],
        edits=[("wait_notify_rarely(w, WAIT_WRITERS); "
                "if (w->backend->sleeps_by == 0)",
                "if (w->backend->sleeps_by == 0)")]),
    Mutation(
        name="an interrupt does not wake who sleeps by the clock",
        file="wait.c", tests=["wait/no interrupt is lost on the way to sleep"],
        edits=[("futex_wake(&w->interrupted);", ";")]),
    Mutation(
        name="an interrupt changes errno", file="wait.c",
        tests=["unit/sleeps"],
        edits=[("futex_wake(&w->interrupted); errno = saved;",
                "futex_wake(&w->interrupted); (void)saved;")]),
    Mutation(
        name="an interrupt does not end a spin", file="block.c",
        tests=["unit/interrupt"],
        edits=[("(clock_now() < b->spin_end && "
                "!wait_is_interrupted(&b->channel->waiter));",
                "clock_now() < b->spin_end;")]),
    Mutation(
        name="an interrupted call repairs nothing", file="block.c",
        tests=["unit/interrupt"],
        edits=[("stuck = read_is_stuck(&ch->buffer);",
                "if (wait_is_interrupted(&ch->waiter)) "
                "return answer(status, IPC_ERR_INTERRUPTED); "
                "stuck = read_is_stuck(&ch->buffer);")]),
    Mutation(
        name="an interrupt is over for all once it was told to one",
        file="block.c", tests=["unit/interrupt"],
        edits=[("if (wait_is_interrupted(&ch->waiter)) return",
                "if (wait_clear_interrupt(&ch->waiter)) return")]),
    Mutation(
        name="a signal ends no wait", file="channel.c",
        tests=["unit/interrupt"],
        edits=[("ch->waiter.heeds_signals = c->options & "
                "IPC_CHANNEL_SIGNALS_INTERRUPT;", "")]),
    Mutation(
        name="a signal ends every wait", file="wait.c",
        tests=["unit/interrupt"],
        edits=[("while (!slept && !w->heeds_signals);", "while (0);")]),
    Mutation(
        name="after a signal nobody looks", file="block.c",
        tests=["unit/interrupt"],
        edits=[("return next_try(b, BLOCK_SIGNALLED);",
                "return answer(status, IPC_ERR_INTERRUPTED);")]),
    Mutation(
        name="no sleep is a cancellation point", file="wait.c",
        tests=["unit/blocking"],
        edits=[("pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);",
                "pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);")]),
    Mutation(
        name="every sleep is a cancellation point", file="wait.c",
        tests=["unit/blocking"],
        edits=[("w->is_cancellable ?", "1 ?")]),
    Mutation(
        name="after a sleep a thread can be cancelled anywhere",
        file="wait.c", tests=["unit/blocking"],
        edits=[("pthread_setcanceltype(type, NULL);", "")]),
    Mutation(
        name="waking an event loop is a cancellation point",
        file="counter.h", tests=["unit/blocking"],
        edits=[("int cancelling = cancel_disable(); "
                "/* A counter that is full already is readable. */",
                "int cancelling; pthread_setcancelstate("
                "PTHREAD_CANCEL_ENABLE, &cancelling);")]),
    # --------------------------------------------------------- dead consumers
    Mutation(
        name="writers are not told of dead consumers", file="block.c",
        tests=["unit/dead_consumers"],
        edits=[("(status == IPC_ERR_NO_SPACE_CONTIGUOUS && "
                "channel_lost_consumers(b->channel));", "false;")]),
    Mutation(
        name="writers do not look again when all are dead", file="block.c",
        tests=["unit/last_words"],
        edits=[("return next_try(b, BLOCK_ALL_DEAD);",
                "return b->side == WAIT_WRITERS ? "
                "answer(status, IPC_ERR_CONSUMERS_DEAD) : "
                "next_try(b, BLOCK_ALL_DEAD);")]),
    Mutation(
        name="an unfinished entry hides that all consumers died",
        file="block.c", tests=["unit/dead_consumers"],
        edits=[("(!stuck || b->side == WAIT_WRITERS) &&", "!stuck &&")]),
    Mutation(
        name="all are told of dead consumers", file="channel.c",
        tests=["unit/dead_consumers"],
        edits=[("return ch->report_consumers &&", "return")]),
    Mutation(
        name="create does not see to it that consumers are known",
        file="channel.c", tests=["unit/dead_consumers"],
        edits=[("own.flags |= IPC_BUFFER_KNOWS_CONSUMERS;", ";")]),
    Mutation(
        name="who asks for consumers that nobody knows is let in",
        file="channel.c", tests=["unit/dead_consumers"],
        edits=[("ch->report_consumers && "
                "!ch->buffer.ring.readers_enter)", "0)")]),
    Mutation(
        name="a plain read does not enter", file="read.h",
        tests=["unit/dead_consumers"],
        edits=[("if (__builtin_expect(!b || !dest || !dest->payload || "
                "(b->ring.readers_enter && !handle_may_consume(b)) ||",
                "if (__builtin_expect(!b || !dest || !dest->payload || "
                "(b->ring.one_consumer && !handle_may_consume(b)) ||")]),
    Mutation(
        name="a look does not enter", file="read.h",
        tests=["unit/dead_consumers"],
        edits=[("if (__builtin_expect((b->ring.readers_enter && "
                "!handle_may_consume(b)) || !take_look_here",
                "if (__builtin_expect((b->ring.one_consumer && "
                "!handle_may_consume(b)) || !take_look_here")]),
    Mutation(
        name="who reads is not marked", file="handle.c",
        tests=["unit/dead_consumers"],
        edits=[("owner_mark(&b->ring.owners, handle_owner(b), "
                "OWNER_CONSUMES);", ";")]),
    Mutation(
        name="all who read take a slot", file="format.c",
        tests=["unit/dead_consumers"],
        edits=[("ring->readers_enter = id->flags & "
                "(IPC_BUFFER_ONE_CONSUMER | IPC_BUFFER_KNOWS_CONSUMERS);",
                "ring->readers_enter = true;")]),
    Mutation(
        name="consumers count as producers that died", file="channel.c",
        tests=["unit/dead_consumers"],
        edits=[("owner_all_are_dead(&ch->buffer.ring.owners, "
                "OWNER_CONSUMES);",
                "owner_all_are_dead(&ch->buffer.ring.owners, "
                "OWNER_PRODUCES);")]),

    # ------------------------------------------------------------- by name
    Mutation(
        name="no lock is taken on a name", file="place.c",
        tests=["unit/open_races"],
        edits=[("return flock(w->place->fd, kind | LOCK_NB) == 0;",
                "return flock(w->place->fd, kind | LOCK_NB) >= -1;")]),
    Mutation(
        name="a name that went is not noticed", file="place.c",
        tests=["unit/open_races"],
        edits=[("(fstat(w->place->fd, &file) != 0 || file.st_nlink == 0)",
                "fstat(w->place->fd, &file) != 0")]),
    Mutation(
        name="who becomes alone does not look again", file="place.c",
        tests=["unit/open_races"],
        edits=[("if (!take_lock(w, LOCK_EX) || has_no_name(w)) return AGAIN; "
                "status = look(w, ring);",
                "if (!take_lock(w, LOCK_EX) || has_no_name(w)) return AGAIN; "
                "status = IPC_ERR_INITIALIZING;")]),
    Mutation(
        name="a killed creator's file is not made again", file="place.c",
        tests=["unit/open", "unit/open_races"],
        edits=[("if (content == CONTENT_NONE) return IPC_ERR_INITIALIZING;",
                "if (p->size == 0) return IPC_ERR_INITIALIZING; "
                "if (content == CONTENT_NONE) "
                "return tell_foreign(w, IPC_ERR_NOT_FORMATTED);")]),
    Mutation(
        name="a foreign segment counts as empty", file="content.c",
        tests=["unit/open"],
        edits=[("if (bytes[i]) return false;", ";")]),
    Mutation(
        name="only the first bytes of a leftover are looked at",
        file="content.c", tests=["unit/open_odd"],
        edits=[("&& is_zero_from(fd, sizeof id))", ")")]),
    Mutation(
        name="a short file counts as empty", file="content.c",
        tests=["unit/open_odd"],
        edits=[("} else if (got == sizeof id) {",
                "} else if (got < (ssize_t)sizeof id) { "
                "*content = CONTENT_NONE; } else {")]),
    Mutation(
        name="a name that was unlocked is unlinked at once", file="place.c",
        tests=["unit/open_races"],
        edits=[("while (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 &&",
                "while (false &&")]),
    Mutation(
        name="the last one out removes another's name", file="file.c",
        tests=["unit/open", "unit/open_odd"],
        edits=[("if (file.st_dev != named.st_dev || "
                "file.st_ino != named.st_ino)", "if (false)")]),
    Mutation(
        name="a relative path is another one elsewhere", file="place.c",
        tests=["unit/open_odd"],
        edits=[("if (!(flags & IPC_OPEN_PATH) || *name == '/' ||",
                "if (true ||")]),
    Mutation(
        name="a leftover that cannot be removed is waited for",
        file="place.c", tests=["unit/open_odd"],
        edits=[("if (!error || error == ENOENT) return AGAIN;",
                "if (!error || error) return AGAIN;")]),
    Mutation(
        name="who lost the lock may be robbed of what he uses",
        file="place.c", tests=["unit/open_races"],
        edits=[("if (status == IPC_ERR_IN_USE) return AGAIN;", "")]),
    Mutation(
        name="pages are reserved in one piece whatever interrupts",
        file="file.c", tests=["unit/open_races"],
        edits=[("if (piece > page)", "if (false)")]),
    Mutation(
        name="the limit on the size of files is left to a signal",
        file="file.c", tests=["unit/open_odd"],
        edits=[("getrlimit(RLIMIT_FSIZE, &limit) == 0 &&", "false &&")]),
    Mutation(
        name="who may not open a file is not told whose it is",
        file="file.c", tests=["unit/open_odd"],
        edits=[("if (!error) tell(&file, body);", "")]),
    Mutation(
        name="memory without a name takes any length of it",
        file="options.c", tests=["unit/open_odd"],
        edits=[("strlen(name) > LONGEST_MEMFD_NAME", "false")]),
    Mutation(
        name="a name stays that could not be locked", file="place.c",
        tests=["failing/every call may fail once"],
        edits=[("if (status != IPC_OK && status != AGAIN) take_back(w);",
                "")]),
    Mutation(
        name="a leftover is replaced while its owner lives", file="place.c",
        tests=["unit/open"],
        edits=[("|| view.fate == OWNER_IS_DEAD;", "|| true;")]),
    Mutation(
        name="a leftover of the dead is never replaced", file="place.c",
        tests=["unit/open"],
        edits=[("if (alone && w->options->flags & IPC_OPEN_REPLACE_DEAD && "
                "all_are_dead(p, ring))", "if (false && all_are_dead(p, ring))")]),
    Mutation(
        name="exclusive joins what exists", file="place.c",
        tests=["unit/open"],
        edits=[("if (w->options->flags & IPC_OPEN_EXCLUSIVE && !p->created)",
                "if (false)")]),
    Mutation(
        name="who only connects makes what is half made", file="place.c",
        tests=["unit/open"],
        edits=[("if (w->options->flags & IPC_OPEN_CONNECT_ONLY) return AGAIN;",
                "")]),
    Mutation(
        name="a forked child removes its parent's name", file="place.c",
        tests=["unit/open"],
        edits=[("p->opener == process_token() &&", "")]),
    Mutation(
        name="a creation that failed leaves its name", file="place.c",
        tests=["unit/open"],
        edits=[("if (!(w->options->flags & IPC_OPEN_MEMFD)) "
                "file_remove(p, w->name); return status;",
                "return status;")]),
    Mutation(
        name="another user's file is opened", file="file.c",
        tests=["unit/open"], edits=[("? 0 : EPERM;", "? 0 : 0;")]),
    Mutation(
        name="a link is followed", file="file.c", tests=["unit/open"],
        edits=[("| O_NOFOLLOW | O_NOCTTY", "| O_NOCTTY")]),
    Mutation(
        name="the umask cuts the mode of a file", file="file.c",
        tests=["unit/open"],
        edits=[("return fchmod(fd, o->mode) == 0 ? 0 : errno;",
                "return 0;")]),
    Mutation(
        name="pages are not made present", file="file.c", tests=["unit/open"],
        edits=[("if (o->flags & IPC_OPEN_PREFAULT && madvise(p->memory, "
                "(size_t)p->size, MADV_POPULATE_WRITE) != 0) {",
                "if (false) {"),
               ("error = reserve_pages(p, detail);", "error = 0;")]),
    Mutation(
        name="opening is a cancellation point", file="place.c",
        tests=["unit/open"],
        edits=[("state = cancel_disable(); *detail = \"malloc failed",
                "state = 0; *detail = \"malloc failed")]),
    Mutation(
        name="a file under a lease cannot be opened", file="place.c",
        tests=["unit/open_races"],
        edits=[("if (w->place->fd < 0 && errno == EWOULDBLOCK) return AGAIN;",
                "")]),
    # ---------------------------------------------------- waiting for many
    Mutation(
        name="a channel in a set is not announced", file="watch.c",
        tests=["wait/a set of channels misses nothing"],
        edits=[("*seen = wait_announce(&ch->waiter, WAIT_READERS, "
                "WAIT_BY_WORD);",
                "*seen = wait_announce(&ch->waiter, WAIT_READERS, 0);")]),
    Mutation(
        name="a channel that was announced is not looked at again",
        file="watch.c", tests=["model --sc wake-set"],
        edits=[("return IPC_ERR_FORMATTED_ANEW; status = watch_look(ch, who);",
                "return IPC_ERR_FORMATTED_ANEW; status = IPC_EMPTY;")]),
    Mutation(
        name="a set repairs nothing", file="watch.c", tests=["unit/waitset"],
        edits=[("if ((stuck && channel_repair(ch)) || closed) {",
                "if (closed) {")]),
    Mutation(
        name="a set does not tell that producers died", file="watch.c",
        tests=["unit/waitset"],
        edits=[("if (!channel_lost_producers(ch)) return IPC_EMPTY;",
                "return IPC_EMPTY;")]),
    Mutation(
        name="a set does not tell readers that producers died",
        file="watch.c", tests=["unit/waitset"],
        edits=[("atomic_set_hint(&ch->lost, 1);", "")]),
    Mutation(
        name="a set that passes filler wakes no writer", file="watch.c",
        tests=["unit/waitset"],
        edits=[("wait_notify_rarely(&ch->waiter, WAIT_WRITERS);", ";")]),
    Mutation(
        name="a glance overlooks filler for the one consumer", file="read.c",
        tests=["unit/waitset"],
        edits=[("take_look_at(&b->ring, head, &view) == LOOK_FILLER) "
                "return IPC_OK;",
                "take_look_at(&b->ring, head, &view) == LOOK_FILLER) "
                "(void)head;")]),
    Mutation(
        name="the thread of a descriptor reads", file="waitset.c",
        tests=["unit/waitset"],
        edits=[("look_at(set->to_look.first, WATCHER_GLANCES)",
                "look_at(set->to_look.first, WATCHER_READS)")]),
    Mutation(
        name="no member of a set has a turn", file="waitset.c",
        tests=["unit/waitset"],
        edits=[("waitset_enter_line(&set->to_look, "
                "set->members[set->turn++]);", "set->turn++;")]),
    Mutation(
        name="all members of a set have their turn at once",
        file="waitset.c", tests=["unit/waitset"],
        edits=[("i < slice && i < set->count", "i < set->count")],
        equivalent="it only costs more: the benchmark shows it"),
    Mutation(
        name="an interrupt is told twice", file="waitset.c",
        tests=["unit/waitset"],
        edits=[("if (atomic_swap_relaxed(&set->interrupted, 0))",
                "if (atomic_get_relaxed(&set->interrupted))")]),
    Mutation(
        name="an interrupt wakes nobody", file="waitset.c",
        tests=["wait/a set of channels misses nothing"],
        edits=[("atomic_put_relaxed(&set->interrupted, 1); "
                "waitset_poke(set);",
                "atomic_put_relaxed(&set->interrupted, 1);")]),
    Mutation(
        name="a channel that is added wakes nobody", file="waitset.c",
        tests=["wait/a set of channels misses nothing"],
        edits=[("waitset_rang(m); waitset_poke(set);", "waitset_rang(m);")]),
    Mutation(
        name="what is ready in a set hides what comes later",
        file="waitset.c", tests=["unit/waitset"],
        edits=[("if (!attempt.slept) waitset_scan(set, SCAN_AT_ONCE);", "")]),
    Mutation(
        name="what is ready in a set stays the first", file="waitset.c",
        tests=["unit/waitset"],
        edits=[("m->channel, m->user, status}; "
                "waitset_enter_line(&set->to_look, m);",
                "m->channel, m->user, status};")]),
    Mutation(
        name="a descriptor is not readable while something is ready",
        file="waitset.c", tests=["unit/waitset"],
        edits=[("set->unreadable = false; feeder_signal(set->feeder);",
                "set->unreadable = false;")]),
    Mutation(
        name="a channel that goes stays in its set", file="channel.c",
        tests=["unit/waitset"],
        edits=[("if (ch->watch) ch->watch->gone(ch->watch);", "")]),
    Mutation(
        name="a forked child uses its parent's set", file="waitset.c",
        tests=["unit/waitset"],
        edits=[("return set->token == process_token();",
                "return set->token != 0;")]),
    Mutation(
        name="two threads wait for a set", file="waitset.c",
        tests=["unit/waitset"],
        edits=[("if (!set->waited_for) {", "{")]),
    Mutation(
        name="the ring of a set is every thread's", file="many_ring.c",
        tests=["unit/waitset"],
        edits=[("if (set->ring->open && set->ring->thread == this_thread())",
                "if (set->ring->open)")]),
    Mutation(
        name="a wait in a ring is thought to stay when it is over",
        file="many_ring.c", tests=["wait/a set of channels misses nothing"],
        edits=[("m->in_ring = false; waitset_rang(m);", "waitset_rang(m);")]),
    Mutation(
        name="the thread of a group wakes nobody", file="group.c",
        tests=["wait/a set of channels misses nothing"],
        edits=[("if (find_woken(set, g->first)) waitset_poke(set);",
                "find_woken(set, g->first);")]),
    Mutation(
        name="a group is not told of what was announced", file="waitset.c",
        tests=["wait/a set of channels misses nothing"],
        edits=[("waitset_enter_line(&set->to_arm, m); group_changed(set, "
                "m->place);", "waitset_enter_line(&set->to_arm, m);")]),
    Mutation(
        name="threads of the library take signals", file="thread.c",
        tests=["unit/waitset"],
        edits=[("sigfillset(&all);", "sigemptyset(&all);")]),
    Mutation(
        name="the thread of a descriptor is not sent to sleep",
        file="futex_fd.c", tests=["unit/pollers"],
        edits=[("feeder_go(w->feeder);", ";")]),
    Mutation(
        name="a wake before the descriptor is ready is lost",
        file="futex_fd.c",
        tests=["wait/an event loop misses nothing and does not spin"],
        edits=[("if (atomic_get_relaxed(&wait_words(w, WAIT_READERS)->"
                "sequence) != seen) feeder_signal(w->feeder); else",
                "")],
        equivalent="the thread's own sleep compares the word as well"),
    Mutation(
        name="a forked child ends its parent's thread", file="futex_fd.c",
        tests=["unit/pollers"],
        edits=[("if (w->feeder && w->token == process_token())",
                "if (w->feeder)")],
        equivalent="the C library forgets threads that are not there after "
                   "a fork, and its parent's thread only looks once more"),
    Mutation(
        name="a descriptor is made readable before its thread rests",
        file="feeder.c",
        tests=["wait/an event loop misses nothing and does not spin",
               "wait/a set of channels misses nothing"],
        edits=[("static void park(struct feeder *f) {",
                "static void park(struct feeder *f) { feeder_signal(f);"),
               ("pthread_mutex_unlock(&f->lock); feeder_signal(f);",
                "pthread_mutex_unlock(&f->lock);")]),
]
