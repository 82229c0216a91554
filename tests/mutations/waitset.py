# SPDX-License-Identifier: MIT
"""Mistakes in waiting for many channels. Each names the tests that fail with
it."""
from mutation import Mutation

MUTATIONS = [
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
        edits=[("if ((stuck && channel_repair(ch)) || "
                "channel_repair_held(ch, has_slept) || closed) {",
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
        tests=["unit/waitset_calls"],
        edits=[("take_look_at(&b->ring, head, &view) == LOOK_FILLER) "
                "return IPC_OK;",
                "take_look_at(&b->ring, head, &view) == LOOK_FILLER) "
                "(void)head;")]),
    Mutation(
        name="the thread of a descriptor reads", file="waitset.c",
        tests=["unit/waitset_calls"],
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
        tests=["unit/waitset_meanwhile"],
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
        file="waitset.c", tests=["unit/waitset_calls"],
        edits=[("set->unreadable = false; feeder_signal(set->feeder);",
                "set->unreadable = false;")]),
    Mutation(
        name="a channel that goes stays in its set", file="channel.c",
        tests=["unit/waitset_meanwhile"],
        edits=[("if (ch->watch) ch->watch->gone(ch->watch);", "")]),
    Mutation(
        name="a forked child uses its parent's set", file="waitset.c",
        tests=["unit/waitset_calls"],
        edits=[("return set->token == process_token();",
                "return set->token != 0;")]),
    Mutation(
        name="two threads wait for a set", file="waitset.c",
        tests=["unit/waitset_calls"],
        edits=[("if (!set->waited_for) {", "{")]),
    Mutation(
        name="the ring of a set is every thread's", file="many_ring.c",
        tests=["unit/waitset_meanwhile"],
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
        tests=["unit/waitset_calls"],
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
    Mutation(
        name="ending a set is a cancellation point", file="waitset.c",
        tests=["failing/no call is a cancellation point"],
        edits=[("int state = cancel_disable(); IpcStatus status = end(set);",
                "int state = 0; IpcStatus status = end(set);")]),
    Mutation(
        name="the child of a fork can be cancelled in the handler",
        file="backing.c", tests=["failing/no call is a cancellation point"],
        edits=[("int state = cancel_disable(); open_all_anew();",
                "int state = 0; open_all_anew();")]),
    Mutation(
        name="to wait for another thread's answers is a cancellation point",
        file="gather.c", tests=["failing/no call is a cancellation point"],
        edits=[("int state = cancel_disable(); pthread_cond",
                "int state = 0; pthread_cond")]),
]
