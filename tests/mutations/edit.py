# SPDX-License-Identifier: MIT
"""Replaces text in the library's sources, for all who break it on purpose."""
import os
import re


class DoesNotFit(Exception):
    """The text to replace is not there, or not only there."""


def find_file(directory, name):
    """The path of the one file of that name in the directory or below it."""
    found = [os.path.join(where, name)
             for where, _, files in os.walk(directory) if name in files]
    if len(found) != 1:
        raise DoesNotFit(f"{len(found)} files named {name}")
    return found[0]


def replace_once(paths, old, new):
    """Replaces what is in one of the files, and once, and returns which that
    was; white space may differ.
    Nobody has to mend a mistake because a line was wrapped elsewhere, but a
    change that it no longer fits is noticed."""
    pattern = r"\s*".join(re.escape(c) for c in "".join(old.split()))
    found = []
    for path in paths:
        with open(path) as f:
            text = f.read()
        found += [(path, text, m.span()) for m in re.finditer(pattern, text)]
    if len(found) != 1:
        names = " and ".join(os.path.basename(path) for path in paths)
        raise DoesNotFit(f"{len(found)} times in {names}:\n{old}")
    path, text, (start, end) = found[0]
    with open(path, "w") as f:
        f.write(text[:start] + new + text[end:])
    return path
