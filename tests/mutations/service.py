# SPDX-License-Identifier: MIT
"""Mistakes in services and their clients. Each names the tests that fail with
it."""
from mutation import Mutation

CALLS = ["unit/service"]
ENDS = ["unit/service_ends"]
DEATHS = ["unit/service_deaths"]
HOSTILE = ["unit/service_hostile"]
HALF = ["unit/service_half_made"]

MUTATIONS = [
    # -------------------------------------------------------------- who serves
    Mutation(
        name="nobody notices that the crew is dead", file="gather.c",
        tests=DEATHS,
        edits=[("c->is_over = crew.state != CREW_SERVES;",
                "c->is_over = false;")]),
    Mutation(
        name="calls to a dead crew go on", file="gather.c", tests=DEATHS,
        edits=[("if (all || position_distance(r, call->before, head) > 0)",
                "if (position_distance(r, call->before, head) > 0)")]),
    Mutation(
        name="one of several dies and nobody is told", file="crew.c",
        tests=DEATHS,
        edits=[("            crew.has_lost = true;\n",
                "            crew.has_lost = false;\n")]),
    Mutation(
        name="who serves in a dead one's place is one more dead", file="crew.c",
        tests=DEATHS,
        edits=[("if (view.fate != OWNER_IS_DEAD)\n            crew.count++;",
                "if (view.fate != OWNER_IS_DEAD) {\n"
                "            if (known && known[i])\n"
                "                crew.has_lost = learn(&known[i],"
                " view.owner);\n"
                "            crew.count++;\n        }")]),
    Mutation(
        name="one of several dies and what waits is given up", file="gather.c",
        tests=DEATHS,
        edits=[("if (all || position_distance(r, call->before, head) > 0)",
                "")]),
    Mutation(
        name="a server takes over what the dead left", file="door.c",
        tests=DEATHS,
        edits=[("if (others.state != CREW_SERVES && !p->created)",
                "if (false)")]),
    Mutation(
        name="the last server does not close the service", file="door.c",
        tests=ENDS,
        edits=[("if (last) close_all(ch, fd);", "")]),
    Mutation(
        name="every server that leaves closes the service", file="door.c",
        tests=CALLS,
        edits=[("if (last) close_all(ch, fd);", "close_all(ch, fd);")]),
    Mutation(
        name="a closed service keeps its name", file="door.c", tests=ENDS,
        edits=[("if (fd >= 0) remove_name(ch->buffer.place); "
                "return channel_close(ch);",
                "(void)fd; return channel_close(ch);")]),
    Mutation(
        name="who called leaves the dead server's name", file="link.c",
        tests=DEATHS, edits=[("door_tidy(link->requests);", "")]),
    Mutation(
        name="any channel is taken for a service", file="crew.c", tests=ENDS,
        edits=[("return r->readers_enter && !r->one_consumer &&",
                "return !r->one_consumer &&")]),
    Mutation(
        name="an idle client does not look who serves", file="client.c",
        tests=DEATHS, edits=[("gather_look(c, clock_roughly_now());", "")]),

    # ------------------------------------------------------------- the clients
    Mutation(
        name="no server looks whether clients live", file="peer.c",
        tests=DEATHS,
        edits=[("owner_all_are_dead(&r->owners, OWNER_CONSUMES);", "false;")]),
    Mutation(
        name="a dead client's channel stays", file="peer.c", tests=DEATHS,
        edits=[("remove_name(peers, (*at)->number);", "")]),
    Mutation(
        name="a client tells nobody of itself before its channel",
        file="server.c", tests=["unit/service_steps"],
        edits=[("peer_expect(&s->peers, head.client);", ";")]),
    Mutation(
        name="a goodbye is believed of anybody", file="peer.c", tests=HOSTILE,
        edits=[("else if (*at && peer_is_over(*at)) forget(peers, at);",
                "else if (*at) forget(peers, at);")]),
    Mutation(
        name="any number of clients is served", file="peer.c", tests=HOSTILE,
        edits=[("if (peers->open < peers->max) return true;",
                "return true;")]),
    Mutation(
        name="who never came takes the place of who comes", file="peer.c",
        tests=HOSTILE,
        edits=[("peers->count - peers->open < EXPECTED_MAX",
                "peers->count < peers->max")]),
    Mutation(
        name="a look at a client serves it, however many are served",
        file="peer.c", tests=HOSTILE,
        edits=[("if (!peer->answers || peers->open <= peers->max || "
                "peer->users > 0) return;", "return;")]),
    Mutation(
        name="a client that leaves leaves its channel", file="link.c",
        tests=CALLS, edits=[("ipc_channel_unlink(name);", ";")]),
    Mutation(
        name="a child takes its parent's client apart", file="client.c",
        tests=ENDS,
        edits=[("link_close(&c->link, &c->options, !client_is_ours(c));",
                "link_close(&c->link, &c->options, false);")]),

    # ----------------------------------------------------- requests, answers
    Mutation(
        name="requests are received after their deadline", file="server.c",
        tests=ENDS,
        edits=[("return head->deadline != INT64_MAX && "
                "head->clock == s->clock && clock_now() >= head->deadline;",
                "return false;")]),
    Mutation(
        name="a short request is read beyond its end", file="server.c",
        tests=HOSTILE,
        edits=[("if (size < sizeof head)", "if (size < sizeof head / 2)")]),
    Mutation(
        name="a request is answered twice", file="server.c", tests=ENDS,
        edits=[("r->is_open = false; status = answer(", "status = answer(")]),
    Mutation(
        name="an answer that is too large is told to the server alone",
        file="server.c", tests=CALLS,
        edits=[("status = peer_write(peer, &why, &needed, sizeof needed, "
                "patience);", "status = IPC_OK;")]),
    Mutation(
        name="nobody is told of a lost answer", file="peer.c", tests=CALLS,
        edits=[("peer->lost_count += *lost == 0;", "")]),
    Mutation(
        name="an answer that was lost is not told where an older was",
        file="peer.c", tests=CALLS,
        edits=[("if (call > *lost)", "if (*lost == 0)")]),
    Mutation(
        name="who waits takes the turn of who reads", file="gather.c",
        tests=["unit/service_turns"],
        edits=[("now < c->next_look || c->reading", "now < c->next_look"),
               ("if (c->is_over || !c->link.requests)",
                "if (c->reading || c->is_over || !c->link.requests)")]),
    Mutation(
        name="a client that waits for space takes no answers",
        file="client.c", tests=CALLS,
        edits=[("gather_answers(c, NULL); gather_look(c, clock_now());",
                "gather_look(c, clock_now());")]),
    Mutation(
        name="a late answer is another call's", file="call.c", tests=ENDS,
        edits=[("calls->table[place].number != number ||", "")]),
    Mutation(
        name="an answer may say whatever it likes", file="gather.c",
        tests=HOSTILE,
        edits=[("is_a_reason(status) ? status : IPC_ERR_CORRUPTED",
                "status")]),
    Mutation(
        name="who waits at a damaged channel waits on", file="gather.c",
        tests=HOSTILE,
        edits=[("give_up(c, status); gather_tell(c);", "; gather_tell(c);")]),
    Mutation(
        name="a call has no deadline", file="gather.c", tests=ENDS,
        edits=[("if (call->deadline <= now) "
                "call_end(&c->calls, call, IPC_ERR_TIMEOUT); return true;",
                "return true;")]),
    Mutation(
        name="who waits is not told that the call was cancelled",
        file="client.c", tests=ENDS,
        edits=[("call_end(&c->calls, call, IPC_ERR_CANCELLED); rouse(c);",
                "rouse(c);")]),
    Mutation(
        name="an answer that is larger than its place is cut", file="call.c",
        tests=CALLS,
        edits=[("else if (call->size > dest->size) "
                "return IPC_ERR_TOO_SMALL;",
                "else if (call->size > dest->size) "
                "call->size = dest->size;")]),
    # ------------------------------------------------------------ slices
    Mutation(
        name="who sleeps for a slice sleeps on", file="block.c",
        tests=["unit/spins"],
        edits=[("(b->has_slept || b->spun >= b->slice)",
                "b->spun >= b->slice")]),
    Mutation(
        name="who spins for a slice spins on", file="block.c",
        tests=["unit/spins"],
        edits=[("(b->how == BLOCK_UNTIL || b->spun < b->slice)", "true")]),
    # ------------------------------------------------------- what is half made
    Mutation(
        name="a sweep waits for what is half made", file="server.c",
        tests=HALF,
        edits=[(".timeout_ns = PEER_OPEN_ONCE_NS,",
                ".timeout_ns = OPEN_WAIT_NS,")]),
    Mutation(
        name="who answers does not wait for what is half made", file="server.c",
        tests=HALF,
        edits=[("if (status != IPC_ERR_INITIALIZING) return status; "
                "state = cancel_disable();",
                "if (true) return status; state = cancel_disable();")]),
    Mutation(
        name="who answers waits for what is half made with the lock",
        file="server.c", tests=HALF,
        edits=[("pthread_mutex_unlock(&s->lock); "
                "clock_sleep_until(clock_after(OPEN_PAUSE_NS)); "
                "pthread_mutex_lock(&s->lock);",
                "clock_sleep_until(clock_after(OPEN_PAUSE_NS));")]),
    Mutation(
        name="whose channel is half made is not wanted", file="server.c",
        tests=HALF,
        edits=[("wanted = status == IPC_ERR_INITIALIZING;",
                "wanted = false;")]),
]
