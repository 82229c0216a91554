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
        edits=[("notify_fencing(ch, WAIT_READERS); notify(ch, WAIT_WRITERS);",
                "notify_fencing(ch, WAIT_READERS);")]),
    Mutation(
        name="close does not wake readers", file="channel.c",
        tests=["unit/wakes"],
        edits=[("notify_fencing(ch, WAIT_READERS); notify(ch, WAIT_WRITERS);",
                "notify(ch, WAIT_WRITERS);")]),
    Mutation(
        name="a write wakes no reader", file="channel.c",
        tests=["unit/wakes"],
        edits=[("notify_as_waker(ch, WAIT_READERS);", ";")]),
    Mutation(
        name="a write that only left filler wakes no reader",
        file="channel.c", tests=["unit/wakes"],
        edits=[("else notify_fencing(ch, WAIT_READERS);", "")]),
    Mutation(
        name="a plain write wakes no reader", file="channel.c",
        tests=["unit/wakes"],
        edits=[(": buffer_write(&ch->buffer, data, size); "
                "notify_sent(ch, status);",
                ": buffer_write(&ch->buffer, data, size);")]),
    Mutation(
        name="other writes wake no reader", file="channel.c",
        tests=["unit/wakes"],
        edits=[("(size_t)s->count, &s->written); break; } "
                "notify_sent(ch, status);",
                "(size_t)s->count, &s->written); break; }")]),
    Mutation(
        name="commit wakes no reader", file="channel.c", tests=["unit/wakes"],
        edits=[("buffer_commit(&ch->buffer, reservation, size); "
                "notify_sent(ch, status);",
                "buffer_commit(&ch->buffer, reservation, size);")]),
    Mutation(
        name="abort wakes no reader", file="channel.c", tests=["unit/wakes"],
        edits=[("notify_fencing(ch, WAIT_READERS); return status;",
                "return status;")]),
    Mutation(
        name="a read wakes no writer", file="channel.c", tests=["unit/wakes"],
        edits=[("notify_as_waker(ch, WAIT_WRITERS);", ";")]),
    Mutation(
        name="a read that only passed filler wakes no writer",
        file="channel.c", tests=["unit/wakes"],
        edits=[("else notify_fencing(ch, WAIT_WRITERS);", "")]),
    Mutation(
        name="a read that found no entry wakes no writer",
        file="channel.c", tests=["unit/wakes"],
        edits=[("if (__builtin_expect(status >= 0, 1))",
                "if (status > 0) return; else if (status == 0)")]),
    Mutation(
        name="no read wakes a writer but skips", file="channel.c",
        tests=["unit/wakes"],
        edits=[("&q->read, &q->offset, &q->needed); break; } "
                "notify_taken(ch, status);",
                "&q->read, &q->offset, &q->needed); break; }")]),
    Mutation(
        name="skip wakes no writer", file="channel.c", tests=["unit/wakes"],
        edits=[("buffer_skip(&ch->buffer, offset, head); "
                "notify_taken(ch, status);",
                "buffer_skip(&ch->buffer, offset, head);")]),
    Mutation(
        name="skip_force wakes no writer", file="channel.c",
        tests=["unit/wakes"],
        edits=[("buffer_skip_force(&ch->buffer, offset); "
                "notify_taken(ch, status);",
                "buffer_skip_force(&ch->buffer, offset);")]),
    Mutation(
        name="recovery wakes no reader", file="channel.c",
        tests=["unit/wakes"],
        edits=[("if (*removed) notify(ch, WAIT_READERS);", "")]),
]
