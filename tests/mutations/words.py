# SPDX-License-Identifier: MIT
"""Mistakes in what the library says: the texts of its errors, and what goes to
stderr if SHMIPC_DEBUG=1. Each names the tests that fail with it."""
from mutation import Mutation

MUTATIONS = [
    # ---------------------------------------------------- what is on stderr
    Mutation(
        name="the library always talks", file="debug.c", tests=["unit/debug"],
        edits=[("strcmp(value, \"1\") == 0 ? DEBUG_ON : DEBUG_OFF",
                "strcmp(value, \"1\") == 0 ? DEBUG_ON : DEBUG_ON")]),
    Mutation(
        name="the user makes a privileged program talk", file="debug.c",
        tests=["unit/debug"],
        edits=[("secure_getenv(\"SHMIPC_DEBUG\")",
                "getenv(\"SHMIPC_DEBUG\")")]),
    Mutation(
        name="a reason is said each time", file="debug.c",
        tests=["unit/debug"], edits=[("last = reason;", "")]),
    Mutation(
        name="what cannot be said changes errno", file="debug.c",
        tests=["unit/debug"],
        edits=[("errno = l->error;", "")]),
    Mutation(
        name="an empty read is told of as an error", file="answer.h",
        tests=["unit/debug"],
        edits=[("((status) < 0 && DEBUG_MAY_BE_ON \\ ? debug_failed(",
                "(DEBUG_MAY_BE_ON ? debug_failed(")]),
    Mutation(
        name="the numbers of a body are not told", file="answer.h",
        tests=["unit/debug"],
        edits=[("detail, #E, &body)", "detail, NULL, NULL)")]),
    Mutation(
        name="a number that the text speaks of is left out if it is 0",
        file="debug.c", tests=["unit/debug"],
        edits=[("number == 0 && !strstr(detail, m->name)", "number == 0")]),
    Mutation(
        name="nobody is told of a removed claim", file="recover.c",
        tests=["unit/debug"],
        edits=[("DEBUG_SAY(\"process %u died while it wrote",
                "if (0) DEBUG_SAY(\"process %u died while it wrote")]),
    Mutation(
        name="nobody is told of a revoked gap", file="recover.c",
        tests=["unit/debug"],
        edits=[("DEBUG_SAY(\"a process", "if (0) DEBUG_SAY(\"a process")]),
    Mutation(
        name="nobody is told whose slot is taken", file="owner.c",
        tests=["unit/debug"],
        edits=[("DEBUG_SAY(\"process %u is dead",
                "if (0) DEBUG_SAY(\"process %u is dead")]),
    Mutation(
        name="nobody is told that a role passed on", file="owner.c",
        tests=["unit/debug"],
        edits=[("if (holder) DEBUG_SAY", "if (0) DEBUG_SAY")]),
    Mutation(
        name="nobody is told of a closing that was half done", file="close.h",
        tests=["unit/debug"], edits=[("DEBUG_SAY", "if (0) DEBUG_SAY")]),
    # -------------------------------------------------------------- texts
    Mutation(
        name="two faulty names of a segment share a text", file="segment.c",
        tests=["unit/mistakes"],
        edits=[("return \"the name is empty: use",
                "return \"the name is NULL: use")]),
    Mutation(
        name="a text does not say what to do", file="write.c",
        tests=["unit/mistakes"],
        edits=[("again when readers have read, or use a write that waits",
                "again")]),
    Mutation(
        name="a text speaks of no member of the body", file="handle.c",
        tests=["unit/mistakes"],
        edits=[("(error.body. \" \"value is its pid)", "")]),
    Mutation(
        name="a name that is not there is to be removed at the end",
        file="options.c", tests=["unit/mistakes"],
        edits=[("if (flags & IPC_OPEN_UNLINK_LAST)", "if (0)")]),
    Mutation(
        name="memory without a name is looked for", file="options.c",
        tests=["unit/mistakes"],
        edits=[("if (flags & IPC_OPEN_MEMFD) return", "if (0) return")]),
    Mutation(
        name="who connects may want it recreated", file="channel.c",
        tests=["unit/mistakes"],
        edits=[("if (c->flags & IPC_BUFFER_RECREATE)", "if (0)")]),
    Mutation(
        name="who attaches may want it recreated", file="buffer_api.c",
        tests=["unit/mistakes"],
        edits=[("options && options->flags & IPC_BUFFER_RECREATE", "0")]),
    Mutation(
        name="less than the channel is shared", file="share.c",
        tests=["unit/mistakes"],
        edits=[("if (size < channel->buffer.region_size)", "if (0)")]),
    Mutation(
        name="more than there is of a file is shared", file="share.c",
        tests=["unit/mistakes"], edits=[("if (size > file) return \"size",
                                         "if (0) return \"size")]),
]
