#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A function's name says which file it is in.

    check_names.py LIB_DIR

What other files can see begins with the name of its file and an underscore; a
plural loses its s (atomics.h, stats.c). Public calls begin with ipc_ instead. A
table of functions is named after the header that declares it. What is static in
a .c file is nobody else's, and has no prefix to keep.
"""
import pathlib
import re
import sys

import c_text

# A declaration or definition at the left margin: (static inline?) name.
FUNCTION = re.compile(
    r"^(?!\s|#|typedef\b|return\b|else\b)([^;{}()=\n]*?[\s*])\**(\w+)\(", re.M)
MACRO = re.compile(r"^\s*#\s*define\s+(\w+)\(", re.M)
VARIABLE = re.compile(
    r"^extern\s+(?:const\s+)?[\w\s*]*?(\w+)(?:\[\])?;", re.M)
KEYWORDS = {"_Static_assert", "__attribute__", "main"}


def prefixes(path):
    """What names in a file may begin with."""
    stem = path.stem
    yield stem + "_"
    if stem.endswith("s"):
        yield stem[:-1] + "_"


def main():
    lib = pathlib.Path(sys.argv[1])
    files = sorted(p for p in lib.rglob("*")
                   if p.suffix in (".c", ".h") and p.name != "names.h")
    errors = count = 0

    for path in files:
        text = c_text.without_comments(path.read_text())
        own = (*prefixes(path), "ipc_", "IPC_")
        found = [m.group(2) for m in FUNCTION.finditer(text)
                 if m.group(2) not in KEYWORDS and
                 not (path.suffix == ".c" and
                      re.search(r"\bstatic\b", m.group(1)))]
        if path.suffix == ".h":
            found += [name for name in MACRO.findall(text)
                      if not name.isupper()]
            found += VARIABLE.findall(text)
        for name in found:
            count += 1
            if not name.startswith(own):
                errors += 1
                print(f"{path}: {name} does not begin with {own[0]}")
    print(f"{count} names, {errors} errors")
    # None at all means that this script has lost its way.
    return errors > 0 or count == 0


if __name__ == "__main__":
    sys.exit(main())
