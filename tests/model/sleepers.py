# SPDX-License-Identifier: MIT
"""Mistakes in sleeping, waking, interrupting and waiting for many."""
from mistake import Mutation, in_wait

MUTATIONS = [
    # ------------------------------------------------ sleeping and waking
    in_wait(
        "sleeper-does-not-fence", "--weak wake-many-x86"
        " wake-without-membarrier",
        "    atomic_full_fence(); /* [sleepers]: ours, for the look that"
        " follows */\n", ""),
    in_wait(
        "sleeper-leaves-the-membarrier-out", "--weak wake-alone",
        "        process_fence_others();", "        ;"),
    in_wait(
        "sleeper-leaves-the-membarrier-out-for-many", "--weak wake-many",
        "        process_fence_others();", "        ;"),
    in_wait(
        "sequence-remembered-after-the-flag", "--sc wake-two-sleepers",
        "process_fence_others(); /* [sleepers]: everybody else's */\n"
        "    return seen;",
        "process_fence_others();\n"
        "    return atomic_get_acquire(&words->sequence);"),
    in_wait(
        "wake-leaves-the-sequence", "--sc wake-alone",
        "    atomic_add_release(&words->sequence, 1);\n", ""),
    in_wait(
        "wake-does-not-wake", "--sc wake-alone",
        "        futex_wake(&words->sequence);", "        ;"),
    Mutation(
        "count-is-no-fence", "--weak wake-many-x86",
        [("owner.h",
          "    atomic_add_relaxed(written, count);",
          "    atomic_put_relaxed(written,"
          " atomic_get_relaxed(written) + count);")]),
    Mutation(
        "entry-is-counted-before-it-is-ready", "--weak wake-many-x86",
        [("write.h",
          "    write_publish(b, claim, (uint32_t)size, CONTROL_READY);\n"
          "    write_count_and_fence(b, 1);\n",
          "    write_count_and_fence(b, 1);\n"
          "    write_publish(b, claim, (uint32_t)size, CONTROL_READY);\n"),
         ("write.h",
          "    claim_commit_block(&b->ring, &block, (uint32_t)size);\n"
          "    owner_count_entries_and_fence(b->written, 1);\n",
          "    owner_count_entries_and_fence(b->written, 1);\n"
          "    claim_commit_block(&b->ring, &block, (uint32_t)size);\n")]),
    Mutation(
        "no-fence-where-membarrier-is-missing",
        "--weak wake-alone-without-membarrier",
        [("wait.h", "    if (process_needs_fence())\n", "    if (0)\n")]),
    in_wait(
        "promised-waker-does-not-fence", "--weak wake-promise",
        "    uint32_t left = atomic_get_relaxed(&w->promised[side]) - 1;\n"
        "\n    atomic_full_fence(); /* [sleepers] */\n",
        "    uint32_t left = atomic_get_relaxed(&w->promised[side]) - 1;\n\n"),
    in_wait(
        "promise-ends-without-a-fence", "--weak wake-promise",
        "    atomic_put_relaxed(&words->fenced, 0);\n"
        "    atomic_full_fence(); /* [sleepers] */\n",
        "    atomic_put_relaxed(&words->fenced, 0);\n"),
    in_wait(
        "one-of-many-promises-fences", "--weak wake-promise-of-many",
        "    if (w->sole[side])\n", "    if (1)\n"),
    in_wait(
        "sole-waker-is-believed-to-fence", "--weak wake-alone-x86",
        "return ATOMIC_RMW_IS_FENCE && !w->sole[side];",
        "return (void)w, (void)side, ATOMIC_RMW_IS_FENCE;"),
    in_wait(
        "wakers-are-believed-to-fence", "--weak wake-many",
        "return ATOMIC_RMW_IS_FENCE && !w->sole[side];",
        "return !w->sole[side];"),
    Mutation(
        "promise-outlives-the-producer", "--weak wake-promise-successor"
        " wake-promise-heir",
        [("handle.c", "        take_fences_back(&b->region->readers);",
          "        ;")]),
    Mutation(
        "promise-outlives-the-consumer", "--weak --bound 2 wake-consumers-successor",
        [("handle.c", "        take_fences_back(&b->region->writers);",
          "        ;")]),
    Mutation(
        "promise-is-taken-back-without-a-fence",
        "--weak wake-promise-successor wake-promise-heir",
        [("handle.c",
          "    atomic_put_relaxed(&wait->fenced, 0);\n"
          "    /* Fence [sleepers]: a sleeper that relied on the promise announced"
          " itself\n     * before, and is seen from now on. */\n"
          "    atomic_full_fence();",
          "    atomic_put_relaxed(&wait->fenced, 0);")]),
    in_wait(
        "rare-changes-do-not-fence", "--weak wake-at-close-x86"
        " wake-over-filler-left-alone",
        "    atomic_full_fence(); /* [sleepers] */\n"
        "    /* Relaxed: ordered by the fence. */\n"
        "    if (atomic_get_relaxed(&wait_words(w, side)->sleepers) != 0)\n"
        "        wait_wake(w, side);\n}",
        "    if (atomic_get_relaxed(&wait_words(w, side)->sleepers) != 0)\n"
        "        wait_wake(w, side);\n}"),
    Mutation(
        "closing-wakes-no-reader", "--sc wake-at-close-alone",
        [("channel.c", "    close_ring(&ch->buffer.ring);\n"
          "    channel_tell_all(ch);\n",
          "    close_ring(&ch->buffer.ring);\n"
          "    wait_notify_rarely(&ch->waiter, WAIT_WRITERS);\n")]),
    Mutation(
        "closing-wakes-no-writer", "--sc wake-writer-at-close",
        [("channel.c", "    wait_notify_rarely(&ch->waiter, WAIT_WRITERS);\n",
          "")]),
    Mutation(
        "abort-wakes-no-writer", "--sc wake-by-abort",
        [("send.c", "        channel_tell_all(ch);\n",
          "        wait_notify_rarely(&ch->waiter, WAIT_READERS);\n")]),
    Mutation(
        "pad-wakes-no-writer", "--sc wake-past-a-pad",
        [("send.c", "    if (may_have_padded(b, tail))\n"
          "        wait_notify_rarely(w, WAIT_WRITERS);\n", "")]),
    Mutation(
        "wakes-before-closing", "--sc wake-at-close-alone",
        [("channel.c", "    close_ring(&ch->buffer.ring);\n"
          "    channel_tell_all(ch);\n",
          "    channel_tell_all(ch);\n"
          "    close_ring(&ch->buffer.ring);\n")]),
    Mutation(
        "read-that-only-passes-filler-wakes-nobody", "--sc wake-past-filler",
        [("receive.c", "    else if (block_end(ch, WAIT_READERS) != before)\n"
          "        wait_notify_rarely(&ch->waiter, WAIT_WRITERS);\n", "")]),
    Mutation(
        "who-moved-nothing-wakes-others",
        "--sc --bound 2 wake-for-space-x86",
        [("receive.c", "    else if (block_end(ch, WAIT_READERS) != before)\n",
          "    else\n"),
         ("send.c", "    else if (tail != b->before)\n", "    else\n")]),
    Mutation(
        "write-that-only-leaves-filler-wakes-nobody",
        "--sc wake-over-filler-left",
        [("send.c", "    else if (tail != b->before)\n"
          "        wait_notify_rarely(w, WAIT_READERS);\n", "")]),
    Mutation(
        "sleeper-repairs-nothing", "--sc wake-behind-the-dead",
        [("block.c", "(stuck && channel_repair(ch)) ||"
          " channel_repair_held(ch, b->has_slept)", "stuck && 0")]),
    Mutation(
        "sleeper-does-not-look-after-announcing", "--sc wake-alone",
        [("block.c",
          "    b->seen = wait_announce(w, b->side, w->backend->sleeps_by);\n"
          "    return next_try(b, BLOCK_ANNOUNCED);",
          "    b->seen = wait_announce(w, b->side, w->backend->sleeps_by);\n"
          "    b->step = BLOCK_ANNOUNCED;\n"
          "    return sleep_or_repair(b, status);"),
         ("block.c", "static bool announce(struct block *b,",
          "static bool sleep_or_repair(struct block *b, IpcStatus *status);\n"
          "static bool announce(struct block *b,")]),
    Mutation(
        "who-reads-is-not-marked", "--sc --bound 1 readers-enter",
        [("handle.c", "    if (status == IPC_OK && b->ring.readers_enter)\n"
          "        owner_mark(&b->ring.owners, handle_owner(b), "
          "OWNER_CONSUMES);\n", "")]),
    # ----------------------------------------------------- interruptions
    in_wait(
        "interrupt-wakes-before-it-says-so", "--sc interrupt-reader",
        "    atomic_put_release(&w->interrupted, 1);\n"
        "    wait_notify_rarely(w, WAIT_READERS);\n"
        "    wait_notify_rarely(w, WAIT_WRITERS);\n",
        "    wait_notify_rarely(w, WAIT_READERS);\n"
        "    wait_notify_rarely(w, WAIT_WRITERS);\n"
        "    atomic_put_release(&w->interrupted, 1);\n"),
    in_wait(
        "interrupt-wakes-no-reader", "--sc interrupt-reader",
        "    wait_notify_rarely(w, WAIT_READERS);\n", ""),
    in_wait(
        "interrupt-wakes-no-writer", "--sc interrupt-writer",
        "    wait_notify_rarely(w, WAIT_WRITERS);\n", ""),
    in_wait(
        "interrupt-does-not-fence", "--weak interrupt-reader-x86",
        "    wait_notify_rarely(w, WAIT_READERS);\n",
        "    if (atomic_get_relaxed(&wait_words(w, WAIT_READERS)->sleepers))\n"
        "        wait_wake(w, WAIT_READERS);\n"),
    in_wait(
        "interrupt-leaves-the-sequence", "--sc interrupt-reader",
        "    wait_notify_rarely(w, WAIT_READERS);\n",
        "    futex_wake(&wait_words(w, WAIT_READERS)->sequence);\n"),
    Mutation(
        "sleeper-looks-for-interrupts-before-it-announces-itself",
        "--sc interrupt-reader",
        [("block.c", "    if (wait_is_interrupted(&ch->waiter))\n"
          "        return answer(status, IPC_ERR_INTERRUPTED);\n", ""),
         ("block.c",
          "    b->seen = wait_announce(w, b->side, w->backend->sleeps_by);\n",
          "    if (wait_is_interrupted(w))\n"
          "        return answer(status, IPC_ERR_INTERRUPTED);\n"
          "    b->seen = wait_announce(w, b->side, w->backend->sleeps_by);\n")]),
    # ------------------------------------------------ sleeping in a waitset
    Mutation(
        "set-does-not-announce", "--sc wake-set",
        [("watch.c", "WAIT_READERS, WAIT_BY_WORD);", "WAIT_READERS, 0);")]),
    Mutation(
        "set-looks-before-it-announces", "--sc wake-set",
        [("watch.c",
          "    status = watch_look(ch, who);\n"
          "    return watch_is_ready(status)",
          "    status = IPC_EMPTY;\n    return watch_is_ready(status)")]),
    Mutation(
        "set-does-not-finish-closing", "--sc wake-set-closer-dies",
        [("watch.c", "channel_finish_closing(ch);", "false;")]),
    Mutation(
        "set-repairs-nothing", "--sc wake-set-behind-the-dead",
        [("watch.c", "(stuck && channel_repair(ch)) ||"
          " channel_repair_held(ch, has_slept) ||\n        closed",
          "closed")]),
    in_wait(
        "waker-leaves-the-sequence-to-a-set", "--sc wake-set",
        "    atomic_add_release(&words->sequence, 1);\n", ""),
    # ------------------------------------- weaker orders of sleep and wake
    # Controls. The first two keep S1 in front of S2, and W4's parts apart: a
    # load that is delayed past a later store is outside of RC11 as checked here.
    # The others count where a second waker, who closes, clears the flag first.
    Mutation(
        "relaxed-sequence", "--weak wake-two-sleepers wake-alone",
        [("wait.c",
          "    uint32_t seen = atomic_get_acquire(&words->sequence);",
          "    uint32_t seen = atomic_get_relaxed(&words->sequence);")],
        harmless=True),
    Mutation(
        "relaxed-wake", "--weak wake-two-sleepers wake-alone",
        [("wait.c", "    atomic_add_release(&words->sequence, 1);",
          "    atomic_add_relaxed(&words->sequence, 1);")],
        harmless=True),
    Mutation(
        "relaxed-promise", "--weak wake-two-sleepers wake-promise",
        [("wait.c",
          "    atomic_put_release(&wait_words(w, side)->fenced, 1);",
          "    atomic_put_relaxed(&wait_words(w, side)->fenced, 1);")],
        harmless=True),
    Mutation(
        "relaxed-look-at-a-promise", "--weak wake-two-sleepers wake-promise",
        [("wait.c", "!atomic_get_acquire(&words->fenced))",
          "!atomic_get_relaxed(&words->fenced))")],
        harmless=True),
]
