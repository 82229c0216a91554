# SPDX-License-Identifier: MIT
"""Mistakes in telling whose memory it is and who is dead. Each names the tests
that fail with it."""
from mutation import Mutation

MUTATIONS = [
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
        name="who cannot be judged is listed as living", file="handle.c",
        tests=["unit/owners_listed"],
        edits=[("return IPC_OWNER_UNKNOWN;", "return IPC_OWNER_LIVES;")]),
    Mutation(
        name="a list takes one role for the other", file="owners.c",
        tests=["unit/owners_listed"],
        edits=[("atomic_get_relaxed(&r->tail->role)",
                "atomic_get_relaxed(&r->gate->role)"),
               ("uint32_t consumer = (uint32_t)atomic_get_relaxed("
                "&r->gate->role)",
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
        edits=[("return !b->ring.readers_enter || handle_may_consume(b);",
                "return !b->ring.one_consumer || handle_may_consume(b);")]),
    Mutation(
        name="who reads is not marked", file="handle.c",
        tests=["unit/dead_consumers"],
        edits=[("if (status == IPC_OK && b->ring.readers_enter) owner_mark("
                "&b->ring.owners, handle_owner(b), OWNER_CONSUMES);", "")]),
    Mutation(
        name="all who read take a slot", file="format.c",
        tests=["unit/dead_consumers"],
        edits=[("ring->readers_enter = id->flags & "
                "(IPC_BUFFER_ONE_CONSUMER | IPC_BUFFER_KNOWS_CONSUMERS | "
                "IPC_BUFFER_BROADCAST | IPC_BUFFER_ACKNOWLEDGE);",
                "ring->readers_enter = true;")]),
    Mutation(
        name="consumers count as producers that died", file="channel.c",
        tests=["unit/dead_consumers"],
        edits=[("owner_all_are_dead(&ch->buffer.ring.owners, "
                "OWNER_CONSUMES);",
                "owner_all_are_dead(&ch->buffer.ring.owners, "
                "OWNER_PRODUCES);")]),
]
