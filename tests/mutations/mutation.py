# SPDX-License-Identifier: MIT
"""A mistake in the library that a test has to notice."""
import os
from dataclasses import dataclass

from edit import find_file, replace_once


@dataclass
class Mutation:
    name: str
    file: str   # in lib/ or below it, *.hpp in include/: names are unique
    tests: list  # "suite/name of the test", "model ARGUMENTS",
                 # or "crash OPERATIONS" of tests/crash
    edits: list  # (text, replacement): each text is there once
    equivalent: str = ""  # why nothing can notice it, and nothing may

    def path(self, tree):
        folder = "include" if self.file.endswith(".hpp") else "lib"
        return find_file(os.path.join(tree, folder), self.file)

    def apply(self, tree):
        for old, new in self.edits:
            replace_once([self.path(tree)], old, new)
