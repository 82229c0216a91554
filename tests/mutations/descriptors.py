# SPDX-License-Identifier: MIT
"""Mistakes in descriptors to poll, and in handing channels over. Each names the
tests that fail with it."""
from mutation import Mutation

MUTATIONS = [
    # -------------------------------------------------------- event loops
    Mutation(
        name="filler passed while preparing: writers not woken",
        file="uring_api.c",
        tests=["wait/a channel waits in a ring of the application"],
        edits=[("wait_notify_rarely(&ch->waiter, WAIT_WRITERS);", "")]),
    Mutation(
        name="a linked timeout is an error", file="uring_api.c",
        tests=["wait/a channel waits in a ring of the application"],
        edits=[("case -ECANCELED:", "")]),
    Mutation(
        name="a timeout of its own is an error", file="uring_api.c",
        tests=["wait/a channel waits in a ring of the application"],
        edits=[("case -ETIME:", "")]),
    Mutation(
        name="what a filter forbids is a failure", file="uring_api.c",
        tests=["wait/a channel waits in a ring of the application"],
        edits=[("case -EACCES:", "")]),
    Mutation(
        name="child polls its parent's epoll", file="eventfd.c",
        tests=["unit/pollers"],
        edits=[("if (w->token != process_token()) event_close(w);", "")]),
    Mutation(
        name="nobody looks after pollers", file="poll.c",
        tests=["unit/pollers"],
        edits=[("*fd >= 0 && patrol_join(ch);", "*fd >= 0;")]),
    Mutation(
        name="the patrol looks at the first channels only", file="patrol.c",
        tests=["unit/pollers"],
        edits=[("leave_line(ch); atomic_set_hint(&ch->patrolled.hurries, "
                "is_in_a_hurry(ch)); enter_line(ch); }", "}"),
               ("take_turn(p->calm.first);",
                "take_turn(p->calm.first); (void)0;")]),
    Mutation(
        name="the patrol speaks again and again", file="patrol.c",
        tests=["unit/pollers"],
        edits=[("atomic_set_hint(&ch->patrolled.armed, 0);", "")]),
    Mutation(
        name="the patrol speaks of nothing", file="patrol.c",
        tests=["unit/pollers"],
        edits=[("!watch_is_ready(watch_turn(ch))",
                "(watch_turn(ch), false)")]),
    Mutation(
        name="the patrol is never armed", file="patrol.c",
        tests=["unit/pollers"],
        edits=[("atomic_set_hint(&ch->patrolled.armed, 1);", "")]),
    Mutation(
        name="the patrol does not end", file="patrol.c",
        tests=["unit/pollers"],
        edits=[("if (p->members == 0) { poke(p); "
                "pthread_join(p->thread, NULL); }",
                "if (p->members == 0) pthread_detach(p->thread);"),
               ("p->over = --p->members == 0;", "--p->members;")]),
    Mutation(
        name="a forked child relies on its parent's patrol",
        file="patrol.c", tests=["unit/pollers"],
        edits=[("if (p && p->token == process_token()) return p;",
                "if (p) return p;")]),
    Mutation(
        name="a poller that goes stays in the patrol's line",
        file="patrol.c", tests=["unit/pollers"],
        edits=[("leave_line(ch); ch->patrolled.by = NULL;",
                "ch->patrolled.by = NULL;")]),
    Mutation(
        name="the patrol repairs nothing", file="watch.c",
        tests=["unit/pollers"],
        edits=[(": look_after(ch, WATCHER_GLANCES, true, status);",
                ": status;")]),
    Mutation(
        name="pollers are not looked after for who cannot signal",
        file="patrol.c",
        tests=["wait/an event loop misses nothing and does not spin"],
        edits=[("if (is_in_a_hurry(ch) && !hurries(ch)) hurry(ch);", ""),
               ("static void hurry(",
                "__attribute__((unused)) static void hurry(")]),
    Mutation(
        name="armed for an old sequence", file="io_uring.c",
        tests=["wait/polling through io_uring"],
        edits=[("if (is_armed(p) && p->seen == seen)", "if (is_armed(p))")],
        equivalent="what the kernel has queued does not look at the word "
        "again: any later wake ends it, and one too many costs a look"),
    Mutation(
        name="no second look at completions", file="io_uring.c",
        tests=["wait/polling through io_uring"],
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
        edits=[("if (status != IPC_OK && number == IPC_WAIT_DEFAULT)",
                "if (status == IPC_ERR_UNSUPPORTED && "
                "number == IPC_WAIT_DEFAULT)")]),
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
        name="sharing is a cancellation point", file="share.c",
        tests=["unit/share", "failing/no call is a cancellation point"],
        edits=[("state = cancel_disable(); result = memory_fd",
                "state = 0; result = memory_fd")]),
    Mutation(
        name="accepting is a cancellation point", file="share.c",
        tests=["unit/share", "failing/no call is a cancellation point"],
        edits=[("int state = cancel_disable(); status = accept_message",
                "int state = 0; status = accept_message")]),
    Mutation(
        name="accepting is no cancellation point if asked", file="share.c",
        tests=["unit/share"],
        edits=[("if (configuration.options & IPC_CHANNEL_CANCELLATION_POINTS)",
                "if (false)")]),
    Mutation(
        name="accepting waits twice for what never comes", file="share.c",
        tests=["unit/share"],
        edits=[("body.sys_errno = await_message(socket);",
                "(void)await_message(socket);")],
        equivalent="where the socket does not block the second try says the "
        "same; only who set a time for its socket waits twice as long"),
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
        edits=[("drop_fds(&message); if (status != IPC_OK &&",
                "if (status != IPC_OK &&")]),
    Mutation(
        name="mapping stays after a refusal", file="share.c",
        tests=["unit/share"],
        edits=[("if (status != IPC_OK && shared->memory) munmap("
                "shared->memory, (size_t)shared->size);", "")]),
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
        name="subscribers take each other's wakes", file="wait.c",
        tests=["wait/each subscriber that polls is woken by each message"],
        edits=[("w->by_edges = region->identity.subscriber_count > 0;",
                "w->by_edges = false;")]),
    Mutation(
        name="a ring's eventfd is not closed on exec", file="io_uring.c",
        tests=["unit/share"],
        edits=[("eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)",
                "eventfd(0, EFD_NONBLOCK)")]),
]
