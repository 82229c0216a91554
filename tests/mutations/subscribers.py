# SPDX-License-Identifier: MIT
"""Mistakes in who joins, goes and is removed where subscribers read."""
from mutation import Mutation

RACES = "unit/subscriber_races"
NEWEST = "unit/newest"

MUTATIONS = [
    Mutation(
        name="filler is made though pins leave no room", file="pin.h",
        tests=[NEWEST],
        edits=[("way->blocked = !pin_has_gap(r, blocks);",
                "way->blocked = false; (void)pin_has_gap;")]),
    Mutation(
        name="what the living have pinned is let go", file="gate.h",
        tests=[NEWEST],
        edits=[("if (cursor == cursor_free(r)) pin_clear(r, i, pin);",
                "pin_clear(r, i, pin);")]),
    Mutation(
        name="a pin of the dead is for ever", file="gate.h", tests=[NEWEST],
        edits=[("return gate_unpin_dead(r, by);",
                "(void)gate_unpin_dead; return false;")]),
    Mutation(
        name="a pin of nobody is for ever", file="gate.h", tests=[NEWEST],
        edits=[("if (cursor == cursor_free(r)) pin_clear(r, i, pin);", "")]),
    Mutation(
        name="the one producer does not look for pins again", file="claim.h",
        tests=[NEWEST],
        edits=[("tries < 3 + r->subscriber_count", "tries < 2")]),
    Mutation(
        name="a batch goes over what is pinned", file="claim.h",
        tests=[NEWEST],
        edits=[("pin_find_way(r, tail, 1, &way); claim_note_room(r, tail, "
                "head, way.fit);", "way.fit = position_blocks_left(r, tail); "
                "claim_note_room(r, tail, head, way.fit);")]),
    Mutation(
        name="the newest is looked for where one wanted to go on",
        file="read.c", tests=[NEWEST],
        edits=[("where == FROM_OLDEST ? (uint32_t)IPC_SUBSCRIBE_FROM_OLDEST :"
                " b->after_gap", "((void)where, b->after_gap)")]),
    Mutation(
        name="what was skipped is told again and again", file="newest.c",
        tests=[NEWEST],
        edits=[("if (bytes > 0) atomic_add_relaxed(&b->skipped, -bytes); "
                "return bytes;", "return bytes;")]),
    Mutation(
        name="any offset unpins", file="newest.c", tests=[NEWEST],
        edits=[("is_it = b->pin_offset == offset;",
                "is_it = true; (void)offset;")]),
    Mutation(
        name="who has the dead one's slot is removed for it",
        file="subscriber.h", tests=[RACES],
        edits=[("(cursor_state(r, cursor) >= SUBSCRIBER_JOINING || "
                "/* Relaxed: as above. */ "
                "atomic_get_relaxed(&s->owner) == owner))", "owner != 0)")]),
    Mutation(
        name="who joins waits until no owner moves at all",
        file="subscribe.c", tests=[RACES],
        edits=[("looks % LOOKS_AT_ONCE == 0, &slot))",
                "looks % LOOKS_AT_ONCE == 0, (slot = 0, &slot)))")]),
    Mutation(
        name="who joins from now waits for nobody", file="subscribe.c",
        tests=[RACES],
        edits=[("waited || (from == IPC_SUBSCRIBE_FROM_NOW && *position != "
                "before && !b->ring.one_producer)",
                "waited || from == IPC_SUBSCRIBE_FROM_NOW")]),
    Mutation(
        name="what is written meanwhile does not end the wait",
        file="subscribe.c", tests=[RACES],
        edits=[("waited || (from == IPC_SUBSCRIBE_FROM_NOW && *position != "
                "before && !b->ring.one_producer)", "waited")]),
    Mutation(
        name="what one producer writes meanwhile ends the wait, too",
        file="subscribe.c", tests=[RACES],
        edits=[("*position != before && !b->ring.one_producer",
                "*position != before")]),
    Mutation(
        name="who is evicted in vain begins an array again",
        file="subscribe.c", tests=[RACES],
        edits=[("handle_owner(b), *lost ? to : from)",
                "handle_owner(b), to)")]),
    Mutation(
        name="an old handle ends a new subscription", file="subscribe.c",
        tests=[RACES],
        edits=[("/* What is there now is not ours. */ "
                "if (creation_is_over(&b->ring)) return refuse(detail, "
                "IPC_ERR_FORMATTED_ANEW, handle_formatted_anew);", "")]),
    Mutation(
        name="the gate passes who is joining", file="gate.h",
        tests=["crash subscribe subscribe-from-the-oldest"],
        edits=[("cursor_state(r, cursor) == SUBSCRIBER_JOINING && "
                "cursor != cursor_free(r)", "cursor == 1")]),
    Mutation(
        name="a dead subscriber is told but not removed", file="subscriber.h",
        tests=["crash write-that-removes-the-dead"],
        edits=[("atomic_cas_release(&s->cursor.position, cursor, "
                "cursor_free(r)); } /* Release [move]. */", "}")]),
    Mutation(
        name="the gate passes who reads", file="gate.h",
        tests=["crash write-that-finds-no-room"],
        edits=[("gate_stop_at(r, i, cursor, m); } return true;",
                "} return true;"),
               ("gate_stop_at(r, i, gate_cursor(r, i), m);",
                "gate_cursor(r, i);")]),
    Mutation(
        name="what is acknowledged in part moves head over all",
        file="ahead.c", tests=["crash acknowledge-some"],
        edits=[("if (*count > 0) release(b, view.next, *count);",
                "if (*count > 0) release(b, b->cursor, b->ahead);")]),
    Mutation(
        name="who dies in moving the gate holds up who joins", file="owner.c",
        tests=["crash subscribe-beside-a-dead-mover"],
        edits=[("!(asks && judge(table, *from, identity) == OWNER_IS_DEAD))",
                "true)")]),
    Mutation(
        name="who is stopped while joining holds up writers", file="write.c",
        tests=[RACES, "crash subscribe"],
        edits=[("gate_put_off(&b->ring, stop);", "(void)b, (void)stop;")]),
    Mutation(
        name="who was put off is refused", file="subscribe.c", tests=[RACES],
        edits=[("starts == STARTS_MAX || !subscriber_enter_again("
                "&b->ring, b->slot, owner)", "true")]),
    Mutation(
        name="who was put off behind a gap is told nothing",
        file="subscribe.c", tests=[RACES],
        edits=[("++starts == STARTS_MAX || !subscriber_enter_again("
                "r, b->slot, owner)", "true")]),
    Mutation(
        name="who joins lets others run so many times, however long",
        file="subscribe.c", tests=[RACES],
        edits=[("else if (process_clock() > until)", "else if (until == 0)")]),
    Mutation(
        name="writers let others run so many times for a joiner",
        file="write.c", tests=[RACES],
        edits=[("process_clock() > p->until", "p->until == 0")]),
    # -------------------------------------------------- the gate, and lags
    Mutation(
        name="filler in front of a subscriber holds up writers", file="gate.h",
        tests=["unit/broadcast"],
        edits=[("take_look_at(r, cursor, &view) != LOOK_FILLER)",
                "take_look_at(r, cursor, &view) >= 0)")]),
    Mutation(
        name="the gate ends inside an entry", file="gate.h",
        tests=["unit/broadcast"],
        edits=[("take_is_entry(r, &view) ? control_blocks(view.size) : 0",
                "take_is_entry(r, &view) ? 1 : 0")]),
    Mutation(
        name="a lag is not looked at", file="gate.h", tests=["unit/lagging"],
        edits=[("lag <= atomic_get_relaxed(&s->lag))", "lag == 0)")]),
    Mutation(
        name="a gap is told a block too short", file="subscribe.c",
        tests=["unit/lagging"],
        edits=[("if (*lost == 0) return IPC_ERR_LOCKED;",
                "if (*lost == 0) return IPC_ERR_LOCKED; "
                "*lost -= SHMIPC_BLOCK;")]),
    Mutation(
        name="one goes on at the oldest whatever it wanted",
        file="subscribe.c", tests=["unit/lagging"],
        edits=[("where == IPC_SUBSCRIBE_FROM_OLDEST && moves_end(b)",
                "moves_end(b)")]),
]
