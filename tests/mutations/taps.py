# SPDX-License-Identifier: MIT
"""Mistakes in taps. Those in what they prove are the model's: see
tests/model/taps.py."""
from mutation import Mutation

MUTATIONS = [
    Mutation(
        name="a tap does not look whether it was overrun", file="follow.c",
        tests=["unit/tap", "stress/taps return nothing torn -f"],
        edits=[("return ahead > (int64_t)r->block_count ? FOLLOW_OVERRUN : "
                "FOLLOW_ENTRY;", "return FOLLOW_ENTRY;")]),
    Mutation(
        name="the one producer does not tell taps what it intends",
        file="claim.h",
        tests=["unit/tap", "stress/taps return nothing torn -1 -f -P 1"],
        edits=[("claim_intend(r, position_advance(r, plan.tail, blocks));",
                "")]),
    Mutation(
        name="a tap does not notice another ring", file="follow.c",
        tests=["unit/tap"],
        edits=[("if (creation_is_over(r)) return FOLLOW_ANEW;", "")]),
    Mutation(
        name="a tap follows a handle to another ring", file="tap_api.c",
        tests=["unit/tap"],
        edits=[("if (creation && (status", "if (false && (status")]),
    Mutation(
        name="a tap forgets which item it stands at", file="follow.c",
        tests=["unit/tap"],
        edits=[("f->offset = offset + control_array_stride(view->size);",
                ";")]),
    Mutation(
        name="the newest is the first item of an array", file="follow.c",
        tests=["unit/tap"],
        edits=[("f->at += last * SHMIPC_HEAD_ITEM;", "")]),
    Mutation(
        name="a tap is not told of a closing", file="follow.c",
        tests=["unit/tap"],
        edits=[("if (!close_has_begun(f->ring)) return false;",
                "return false;")]),
    Mutation(
        name="a tap does not count what it lost", file="tap_api.c",
        tests=["unit/tap"],
        edits=[("tap->lost += body->lost;", ";")]),
    Mutation(
        name="a tap does not wait", file="tap_api.c", tests=["unit/tap"],
        edits=[("while (is_worth_waiting(status) && "
                "!clock_is_past(deadline))", "while (false)")]),
    Mutation(
        name="a tap goes past one block of what is stuck", file="follow.c",
        tests=["unit/tap"],
        edits=[("find_forward(r, position_advance(r, view.position, 1), "
                "protocol_tail(r))",
                "position_advance(r, view.position, 1)")]),
    Mutation(
        name="a tap holds the file for writing", file="source.c",
        tests=["unit/tap_open"],
        edits=[("PROT_READ, MAP_SHARED", "PROT_READ | PROT_WRITE, "
                "MAP_SHARED")]),
    Mutation(
        name="a tap looks as far for an entry as it is told", file="follow.c",
        tests=["unit/tap_open"],
        edits=[("return r->block_count < FOLLOW_ENTRY_BLOCKS ? "
                "r->block_count : FOLLOW_ENTRY_BLOCKS;",
                "return UINT32_MAX - 1;")]),
    Mutation(
        name="who is in the way is not told", file="tap_api.c",
        tests=["unit/tap"],
        edits=[("if (found == FOLLOW_BUSY)", "if (false)")]),
    Mutation(
        name="a tap rests where nothing has come", file="manners.h",
        tests=["unit/manners"],
        edits=[("if (run == 0) return false;", "")]),
    Mutation(
        name="a tap rests as long whatever comes", file="manners.h",
        tests=["unit/manners"],
        edits=[("pauses ? pauses * 2 : MANNERS_LEAST", "MANNERS_LEAST")]),
    Mutation(
        name="a tap rests where entries are rare", file="manners.h",
        tests=["unit/manners"],
        edits=[("(run == 1 && atomic_ticks() - m->since > MANNERS_DENSE)",
                "run == 0")]),
    Mutation(
        name="a tap rests only where several come at once", file="manners.h",
        tests=["unit/manners"],
        edits=[("(run == 1 && atomic_ticks() - m->since > MANNERS_DENSE)",
                "run == 1")]),
    Mutation(
        name="a tap rests while the ring goes by", file="manners.h",
        tests=["unit/manners"],
        edits=[("run > blocks / MANNERS_PART", "run == 0")]),
]
