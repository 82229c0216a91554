# SPDX-License-Identifier: MIT
"""Mistakes in who wakes whom, and in how calls sleep and end. Each names the
tests that fail with it."""
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
        edits=[("if (!write_block(channel_buffer(channel), data, size)) return "
                "false; wait_notify(&channel->waiter, WAIT_READERS);",
                "if (!write_block(channel_buffer(channel), data, size)) return "
                "false;")]),
    Mutation(
        name="a plain write of more than a block wakes no reader",
        file="channel_api.c", tests=["unit/wakes"],
        edits=[("if (!write_blocks(channel_buffer(channel), data, size)) "
                "return false; wait_notify(&channel->waiter, WAIT_READERS);",
                "if (!write_blocks(channel_buffer(channel), data, size)) "
                "return false;")]),
    Mutation(
        name="a plain commit wakes no reader", file="inplace_api.c",
        tests=["unit/wakes"],
        edits=[("return commit_otherwise(channel, reservation, size); "
                "wait_notify(&channel->waiter, WAIT_READERS);",
                "return commit_otherwise(channel, reservation, size);")]),
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
        file="inplace_api.c", tests=["unit/wakes"],
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
        edits=[("if (!read_block(channel_buffer(channel), dest, larger)) "
                "return false; wait_notify(&channel->waiter, WAIT_WRITERS);",
                "if (!read_block(channel_buffer(channel), dest, larger)) "
                "return false;")]),
    Mutation(
        name="a plain read of more than a block wakes no writer",
        file="channel_api.c", tests=["unit/wakes"],
        edits=[("if (!read_blocks(channel_buffer(channel), dest)) "
                "return false; wait_notify(&channel->waiter, WAIT_WRITERS);",
                "if (!read_blocks(channel_buffer(channel), dest)) "
                "return false;")]),
    Mutation(
        name="a plain skip wakes no writer", file="inplace_api.c",
        tests=["unit/wakes"],
        edits=[("return skip_otherwise(channel, offset); "
                "wait_notify(&channel->waiter, WAIT_WRITERS);",
                "return skip_otherwise(channel, offset);")]),
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
        file="inplace_api.c", tests=["unit/wakes"],
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
        edits=[("clock_earlier(until, clock_roughly_after(most))",
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
        name="a gap of the last one hides what is behind it", file="watch.c",
        tests=["unit/last_words"],
        edits=[("if (read_is_stuck(&ch->buffer)) return IPC_ERR_NOT_READY; "
                "return read_is_with_others", "return read_is_with_others")]),
    Mutation(
        name="sleepers are not told of dead producers", file="block.c",
        tests=["unit/repair"],
        edits=[("(status == IPC_EMPTY && "
                "channel_lost_producers(b->channel)) ||", "")]),
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
        edits=[("return may_spin_on(b) && "
                "!wait_is_interrupted(&b->channel->waiter);",
                "return may_spin_on(b);")]),
    Mutation(
        name="a call looks at the clock before it has to wait",
        file="block.c", tests=["unit/spins"],
        edits=[("b->step = BLOCK_FIRST; return b->channel",
                "b->step = BLOCK_FIRST; if (b->channel) begin_waiting(b); "
                "return b->channel")]),
    Mutation(
        name="to spin in vain teaches nothing", file="block.c",
        tests=["unit/spins"],
        edits=[("spin_was_vain(spin_of(b));", "")]),
    Mutation(
        name="a spin that pays teaches nothing", file="block.c",
        tests=["unit/spins"],
        edits=[("spin_has_paid(spin_of(b), b->spun);", "(void)0;")]),
    Mutation(
        name="a spin that a deadline ends is in vain", file="block.c",
        tests=["unit/spins"],
        edits=[("return may_spin_on(b) && ",
                "if (b->how == BLOCK_UNTIL && b->spun >= b->until - "
                "b->spin_begin) spin_was_vain(spin_of(b));\n"
                "    return may_spin_on(b) && ")]),
    Mutation(
        name="readers and writers learn how to spin together",
        file="block.c", tests=["unit/spins"],
        edits=[("return &b->channel->spin[b->side];",
                "return &b->channel->spin[WAIT_READERS];")]),
    Mutation(
        name="who spins no more never tries again", file="spin.h",
        tests=["unit/spins"],
        edits=[("waits % SPIN_WAITS_PER_TRIAL == 0 ? s->limit : 0;", "0;")]),
    Mutation(
        name="who does not spin tries all the same", file="spin.h",
        tests=["unit/spins"],
        edits=[("if (patience || !s->limit) return patience;",
                "if (patience) return patience;"),
               ("? s->limit : 0;", "? 20000 : 0;")]),
    Mutation(
        name="spins get longer than they may", file="spin.h",
        tests=["unit/spins"],
        edits=[("longer < s->limit ? (uint32_t)longer : s->limit",
                "(uint32_t)longer"),
               ("if (patience == s->limit) return;", "")]),
    Mutation(
        name="a trial that pays is forgotten", file="spin.h",
        tests=["unit/spins"],
        edits=[("if (longer < twice) longer = twice;", "")]),
    Mutation(
        name="what pays makes spins no longer", file="spin.h",
        tests=["unit/spins"],
        edits=[("patience + patience / 8;", "patience;")]),
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
        tests=["unit/cancel"],
        edits=[("pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);",
                "pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);")]),
    Mutation(
        name="every sleep is a cancellation point", file="wait.c",
        tests=["unit/cancel"],
        edits=[("w->is_cancellable ?", "1 ?")]),
    Mutation(
        name="after a sleep a thread can be cancelled anywhere",
        file="wait.c", tests=["unit/cancel"],
        edits=[("pthread_setcanceltype(type, NULL);", "")]),
    Mutation(
        name="waking an event loop is a cancellation point",
        file="counter.h", tests=["unit/cancel"],
        edits=[("int cancelling = cancel_disable(); "
                "/* A counter that is full already is readable. */",
                "int cancelling; pthread_setcancelstate("
                "PTHREAD_CANCEL_ENABLE, &cancelling);")]),
    # -------------------------------------------------------- watched sleeps
    Mutation(
        name="nobody rouses who sleeps watched", file="patrol.c",
        tests=["unit/watched"],
        edits=[("rouse(&p->calm);", ";")]),
    Mutation(
        name="who sleeps watched is roused once", file="patrol.c",
        tests=["unit/watched"],
        edits=[("p->next_rouse = clock_after(WAIT_ROUSE_NS); } return",
                "p->next_rouse = INT64_MAX; } return")]),
    Mutation(
        name="who sleeps watched does not say so", file="wait.c",
        tests=["unit/watched"],
        edits=[("atomic_add_relaxed(&w->asleep[side], 1);", "")]),
    Mutation(
        name="those of another group are roused", file="wait.c",
        tests=["unit/watched"],
        edits=[("futex_sleep_untimed(word, seen, group_of_process())",
                "futex_sleep_untimed(word, seen, group_of_process() << 1 | "
                "group_of_process() >> 31)")]),
    Mutation(
        name="a short sleep is watched", file="block.c",
        tests=["unit/watched"],
        edits=[("until > clock_roughly_after(WAIT_CAP_NS)", "until > 0")]),
    Mutation(
        name="a sleep that a signal ends is watched", file="block.c",
        tests=["unit/watched"],
        edits=[("w->backend->is_watched && !w->heeds_signals",
                "w->backend->is_watched")]),
    Mutation(
        name="a child relies on its parent's thread", file="patrol.c",
        tests=["unit/watched"],
        edits=[("atomic_get_relaxed(&ch->patrolled.watched) == "
                "process_token() || watch_anew(ch)",
                "atomic_get_relaxed(&ch->patrolled.watched) || "
                "watch_anew(ch)")]),
    Mutation(
        name="without a thread sleeps have no timer", file="patrol.c",
        tests=["unit/watched"],
        edits=[("return error == 0; } __attribute__((noinline)) static bool "
                "watch_anew", "return true; } __attribute__((noinline)) "
                "static bool watch_anew")]),
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
]
