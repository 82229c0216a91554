#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No source is longer than somebody reads who looks for one thing in it.

    check_length.py SOURCE_ROOT [LINES]

A subject that has grown so far has parts: they get files of their own, and what
these share is in a header or module beside them.
"""
import pathlib
import sys

FOLDERS = ("lib", "tools", "include", "tests", "bench", "examples", "man")
KINDS = {".c", ".h", ".cc", ".cpp", ".hpp", ".py"}
# The aim is 600; a change that is almost done need not stop at the first line
# beyond it.
LIMIT = 650


def lengths(root):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in KINDS and path.is_file():
                with path.open(encoding="utf-8") as file:
                    yield path.relative_to(root), sum(1 for _ in file)


def main(root, limit=LIMIT):
    found = list(lengths(pathlib.Path(root)))
    if not found:
        sys.exit(f"{root}: no sources")
    long = [(path, lines) for path, lines in found if lines > int(limit)]
    for path, lines in long:
        print(f"{path}: {lines} lines are more than {limit}: split it")
    print(f"{len(found)} files, {len(long)} too long, "
          f"the longest has {max(lines for _, lines in found)} lines")
    return 1 if long else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
