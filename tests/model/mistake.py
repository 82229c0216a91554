# SPDX-License-Identifier: MIT
"""A mistake that the checker must find, and where it looks for it."""
from dataclasses import dataclass


@dataclass
class Mutation:
    name: str
    arguments: str  # of the checker
    edits: list     # (file in lib/, text, replacement)
    harmless: bool = False  # a control: the checker must find nothing


def in_file(file):
    def mutation(name, arguments, *edits):
        if isinstance(edits[0], str):
            edits = [edits]
        return Mutation(name, arguments,
                        [(file, old, new) for old, new in edits])
    return mutation


in_ahead = in_file("ahead.c")
in_hold = in_file("hold.h")
in_protocol = in_file("protocol.h")
in_repair = in_file("repair.h")
in_close = in_file("close.h")
in_wait = in_file("wait.c")
in_follow = in_file("follow.c")
