# SPDX-License-Identifier: MIT
"""Mistakes in finding memory by its name. Each names the tests that fail with
it."""
from mutation import Mutation

MUTATIONS = [
    # ------------------------------------------------- options that grow
    Mutation(
        name="options of any content", file="grow.h", tests=["unit/grow"],
        edits=[("if (bytes[i] != 0)", "if (false)")]),
    Mutation(
        name="options of any size", file="grow.h", tests=["unit/grow"],
        edits=[("size < known || size > GROW_LIMIT", "size < known")]),
    Mutation(
        name="options of this size only", file="grow.h", tests=["unit/grow"],
        edits=[("size < known || size > GROW_LIMIT", "size != known")]),
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
        edits=[("if (error != EINTR) return error;", "return error;")]),
    Mutation(
        name="a signal in time keeps pages from being reserved for ever",
        file="segment.c", tests=["unit/segment_races"],
        edits=[("i >= DISTURBANCES_MAX", "false")]),
    Mutation(
        name="a signal in time keeps a page from being reserved for ever",
        file="file.c", tests=["unit/open_races"],
        edits=[("piece, piece <= page)", "piece, false)")]),
    Mutation(
        name="signals wait for ever once pages were reserved", file="pages.c",
        tests=["unit/segment_races", "unit/open_races"],
        edits=[("pthread_sigmask(SIG_SETMASK, &before, NULL);", "")]),
    Mutation(
        name="a segment beyond the limit of files", file="segment.c",
        tests=["unit/segment"],
        edits=[("int error = pages_check_limit(size);", "int error = 0;")]),
    Mutation(
        name="signals shorten the wait for a creator", file="segment.c",
        tests=["unit/segment"],
        edits=[("while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until,"
                " NULL) == EINTR) continue;",
                "clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until,"
                " NULL);")]),
    Mutation(
        name="a fast timer lets a creator be waited for without end",
        file="segment.c", tests=["unit/segment"],
        edits=[("while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until,"
                " NULL) == EINTR) continue;",
                "until = (struct timespec){0, 1000000};"
                " while (nanosleep(&until, &until) != 0) continue;")]),
    Mutation(
        name="mapping a segment is a cancellation point", file="segment.c",
        tests=["failing/no call is a cancellation point"],
        edits=[("state = cancel_disable(); segment = calloc",
                "state = 0; segment = calloc")]),
    Mutation(
        name="unlinking a segment is a cancellation point", file="segment.c",
        tests=["failing/no call is a cancellation point"],
        edits=[("state = cancel_disable(); if (shm_unlink",
                "state = 0; if (shm_unlink")]),
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
        tests=["unit/open_refused"],
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
        edits=[("if (!(p->flags & IPC_OPEN_PATH) || *w->name == '/')",
                "if (true)")]),
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
        edits=[("if (pages_check_limit(p->size) != 0)", "if (false)")]),
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
        tests=["unit/open_refused"], edits=[("? 0 : EPERM;", "? 0 : 0;")]),
    Mutation(
        name="a link is followed", file="file.c", tests=["unit/open_refused"],
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
        tests=["unit/open_refused"],
        edits=[("state = cancel_disable(); *detail = \"malloc failed",
                "state = 0; *detail = \"malloc failed")]),
    Mutation(
        name="a file under a lease cannot be opened", file="place.c",
        tests=["unit/open_races"],
        edits=[("if (w->place->fd < 0 && errno == EWOULDBLOCK) return AGAIN;",
                "")]),
    Mutation(
        name="to open by name takes IPC_BUFFER_RECREATE",
        file="open_buffer.c", tests=["unit/open_refused"],
        edits=[("if (taken->configuration.flags & IPC_BUFFER_RECREATE)",
                "if (false)")]),
    Mutation(
        name="to open by name takes IPC_BUFFER_ZEROED", file="open_buffer.c",
        tests=["unit/open_refused"],
        edits=[("if (taken->configuration.flags & IPC_BUFFER_ZEROED)",
                "if (false)")]),
    Mutation(
        name="what is made by its name is cleared though it is zero",
        file="place.c", tests=["unit/untouched"],
        edits=[("w->is_zero = content == CONTENT_NONE;",
                "w->is_zero = false;")]),
    Mutation(
        name="pages are reserved though the file is to be sparse",
        file="file.c", tests=["unit/untouched"],
        edits=[("if (!error && !(o->flags & IPC_OPEN_SPARSE))",
                "if (!error)")]),
    Mutation(
        name="pages of no file are reserved", file="file.c",
        tests=["unit/untouched"],
        edits=[("if (!error && !(o->flags & IPC_OPEN_SPARSE))",
                "if (false)")]),
    Mutation(
        name="a segment's pages are reserved though it is to be sparse",
        file="segment.c", tests=["unit/untouched"],
        edits=[("if (sparse) return", "if (false) return")]),
    Mutation(
        name="the kernel is not asked whether a file is zero",
        file="maker.c", tests=["unit/untouched"],
        edits=[("lseek(lock, 0, SEEK_DATA) < 0 && errno == ENXIO",
                "false")]),
    Mutation(
        name="every file is taken for zero", file="maker.c",
        tests=["unit/untouched"],
        edits=[("lseek(lock, 0, SEEK_DATA) < 0 && errno == ENXIO",
                "true")]),
    Mutation(
        name="all memory is taken for zero", file="format.c",
        tests=["unit/untouched"],
        edits=[("if (is_zero && region->identity.magic == 0",
                "if (region->identity.magic == 0")]),
    Mutation(
        name="what is said to be zero is believed where a ring is",
        file="format.c", tests=["unit/untouched"],
        edits=[("if (is_zero && region->identity.magic == 0 && "
                "atomic_get_relaxed(&region->identity.creation) == 0)",
                "if (is_zero)")]),
    Mutation(
        name="nobody's word is taken that memory is zero", file="handle.c",
        tests=["unit/untouched"],
        edits=[("is_zero = is_zero || options->flags & IPC_BUFFER_ZEROED;",
                "(void)0;")]),
    Mutation(
        name="a mode that is refused has another value", file="options.c",
        tests=["unit/open_refused"],
        edits=[("*value = o->mode;", "")]),
    Mutation(
        name="a size that is refused has no value", file="open_channel.c",
        tests=["unit/open_refused"],
        edits=[("if (opener.value) body.value", "body.value")]),
    Mutation(
        name="a path goes from wherever the program is when the handle goes",
        file="place.c", tests=["unit/open_odd"],
        edits=[("if (status == IPC_OK && !(options->flags & "
                "IPC_OPEN_UNLINK_LAST)) close_directory",
                "if (status == IPC_OK) close_directory")]),
    Mutation(
        name="every path keeps its directory open", file="place.c",
        tests=["unit/open_odd"],
        edits=[("if (status == IPC_OK && !(options->flags & "
                "IPC_OPEN_UNLINK_LAST)) close_directory",
                "if (false) close_directory")]),
    Mutation(
        name="the directory of a path stays open", file="place.c",
        tests=["unit/open_odd"],
        edits=[("close_directory(p); free(p->name);", "free(p->name);")]),
    Mutation(
        name="who creates in mapped memory takes no lock", file="maker.c",
        tests=["unit/makers"],
        edits=[("if (*lock >= 0 && !wait_for_lock(", "if (false && !("
                "wait_for_lock)(")]),
    Mutation(
        name="who creates in mapped memory lets go before he begins",
        file="buffer_api.c", tests=["unit/makers"],
        edits=[("if (status == IPC_OK) { status = handle_create(b, mem, size, "
                "maker_finds_zeros(lock), options, &body, &detail); "
                "maker_end(lock); }",
                "if (status == IPC_OK) { maker_end(lock); status = "
                "handle_create(b, mem, size, false, options, &body, &detail); "
                "}")]),
    Mutation(
        name="who creates in mapped memory waits for nobody", file="maker.c",
        tests=["unit/makers"],
        edits=[("if (clock_is_past(deadline)) return false;",
                "return false;")]),
    Mutation(
        name="who creates anew minds those who have it open", file="maker.c",
        tests=["unit/makers"],
        edits=[("(!minds_users && flock", "(false && flock")]),
    Mutation(
        name="a channel in mapped memory is created without the lock",
        file="channel_api.c", tests=["unit/makers"],
        edits=[("status = create_alone(ch, mem, size,",
                "status = channel_create(ch, mem, size, false,"),
               ("static IpcStatus create_alone(",
                "__attribute__((unused)) static IpcStatus create_alone(")]),
    Mutation(
        name="segments are not known to be open by name", file="backing.c",
        tests=["unit/makers"],
        edits=[("struct backing *b = find_noted(memory, &offset); struct stat",
                "struct backing *b = NULL; struct stat"),
               ("uint64_t offset; struct backing *b",
                "struct backing *b")]),
    Mutation(
        name="the lock of who created stays", file="maker.c",
        tests=["unit/makers"],
        edits=[("flock(lock, LOCK_UN); close(lock);", "")]),
]
