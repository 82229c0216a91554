#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Comments that name their partner name one that exists and can be it.

    check_partners.py LIB_DIR

An acquire is right or wrong only together with a release elsewhere, so in
lib/ "pairs with X in f()" says where. Such comments rot silently when f() is
renamed or rewritten. For each one this checks that f() is a function of lib/,
and that its body holds an operation of the kind that is said of it.
"""
import pathlib
import re
import sys

import c_text

# What is said of the partner -> what one of the atomics in its body must be.
# The full fence counts for everything; so does membarrier, the other half of
# fences that are not there.
KINDS = {
    "release": r"atomic_\w*(release|acq_rel)\b|atomic_full_fence",
    "acquire": r"atomic_\w*(acquire|acq_rel)\b|atomic_full_fence",
    "CAS": r"atomic_cas\w*",
    "": r"atomic_(?!\w*relaxed)\w+|membarrier",
}
# The partner may be in sight instead of in a function with a name.
IN_SIGHT = re.compile(r"\b(above|below)\b")


def sentence(prose, start):
    """From `start` to the end of the sentence or clause."""
    end = re.search(r"[.;:](?=\s|$)", prose[start:])
    return prose[start:start + end.start()] if end else prose[start:]


def claims(prose):
    """What each "pairs with" of a comment says, but not a table's heading."""
    for found in re.finditer(r"\bpairs with\b(?!,)", prose, re.I):
        yield sentence(prose, found.end())


def kind_of(claim):
    for kind in ("release", "acquire", "CAS"):
        if re.search(rf"\b{kind}s?\b", claim):
            return kind
    return ""


def complaints(claim, functions):
    names = re.findall(r"\b(\w+)\(\)", claim)
    if not names and not IN_SIGHT.search(claim):
        yield "names no function: pairs with" + claim
    for name in names:
        if name not in functions:
            yield f"{name}() does not exist in lib/"
        elif not re.search(KINDS[kind_of(claim)], functions[name]):
            yield f"{name}() has no {kind_of(claim) or 'order'} to pair with"


def main():
    files = sorted(path for path in pathlib.Path(sys.argv[1]).rglob("*")
                   if path.suffix in (".c", ".h"))
    texts = {path: path.read_text() for path in files}
    functions = {}
    for text in texts.values():
        functions.update(c_text.functions(text))

    count = errors = 0
    for path, text in texts.items():
        for line, prose in c_text.comments(text):
            for claim in claims(prose):
                count += 1
                for complaint in complaints(claim, functions):
                    errors += 1
                    print(f"{path}:{line}: {complaint}")
    print(f"{count} partners named, {len(functions)} functions, "
          f"{errors} errors")
    # None at all means that this script has lost its way.
    return errors > 0 or count == 0 or not functions


if __name__ == "__main__":
    sys.exit(main())
