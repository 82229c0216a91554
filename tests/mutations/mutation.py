# SPDX-License-Identifier: MIT
"""A mistake in the library that a test has to notice."""
from dataclasses import dataclass

from edit import find_file, replace_once


@dataclass
class Mutation:
    name: str
    file: str   # in lib/ or below it: names there are unique
    tests: list  # "suite/name of the test", "model ARGUMENTS",
                 # or "crash OPERATIONS" of tests/crash
    edits: list  # (text, replacement): each text is there once
    equivalent: str = ""  # why nothing can notice it, and nothing may

    def apply(self, lib):
        path = find_file(lib, self.file)
        for old, new in self.edits:
            replace_once([path], old, new)
