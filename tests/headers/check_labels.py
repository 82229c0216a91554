#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every ordering has a label, and the label is at both ends.

    check_labels.py LIB_DIR

An acquire is right or wrong only together with a release elsewhere. So headers
of lib/ have tables, under ORDERING, whose rows begin with a label, and the code
at both ends carries it: "Release [commit]: the payload." This checks that

  * each acquire, release and fence has a comment in front, or on its line, that
    says which of them it is and carries a label;
  * each label in a comment stands in a table, once in all tables;
  * each label of a table is carried by a release and by an acquire, or by
    fences, which are both;
  * each relaxed access has a comment shortly before that says why.
"""
import pathlib
import re
import sys

import c_text

OPERATION = re.compile(
    r"\batomic_(?!compiler)\w*?(acquire|release|acq_rel|full_fence|relaxed)\(")
LABEL = re.compile(r"\[([a-z]+)\]")
# Lines between a comment and what it is about.
NEAR = 6
NEAR_RELAXED = 16
SIDES = {"acquire": {"acquire"}, "release": {"release"},
         "acq_rel": {"acquire", "release"},
         "full_fence": {"acquire", "release"}}
WORDS = {"acquire": r"acquire|acq_rel", "release": r"release|acq_rel",
         "acq_rel": r"acq_rel|acquire.*release", "full_fence": r""}
# Where atomics are spelled.
LEFT_OUT = ("atomics.h",)


def tables(text):
    """The labels of the tables in a file."""
    for found in re.finditer(
            r"^ \* ORDERING.*?^ \*( +)label\b[^\n]*\n(.*?)(?=^ \*\n|^ \*/)",
            text, re.S | re.M):
        margin = found.group(1)
        yield from re.findall(rf"^ \*{margin}([a-z]+)\b", found.group(2), re.M)


def comment_lines(text):
    """(last line, prose) of each comment."""
    for found in c_text.COMMENT.finditer(text):
        prose = re.sub(r"\s*\n\s*\*?\s*", " ", found.group()[2:-2])
        yield text.count("\n", 0, found.end()) + 1, prose


def functions_begin(text):
    """Line numbers at which a function's body begins."""
    return [i for i, line in enumerate(text.split("\n"), 1) if line == "{"]


class File:
    def __init__(self, path):
        self.path = path
        self.text = path.read_text()
        self.comments = list(comment_lines(self.text))
        self.begins = functions_begin(self.text)
        code = c_text.without_comments(self.text)
        self.operations = [
            (code.count("\n", 0, found.start()) + 1, found.group(1))
            for found in OPERATION.finditer(code)]

    def before(self, line, near):
        """Comments that may be about that line, the nearest first."""
        begin = max([b for b in self.begins if b <= line], default=0)
        first = max(begin, line - near)
        return [prose for end, prose in reversed(self.comments)
                if first <= end <= line]


def check_operation(file, line, kind, sides):
    """What is wrong with it, and its labels' sides."""
    if kind == "relaxed":
        if not any("elaxed" in prose
                   for prose in file.before(line, NEAR_RELAXED)):
            yield "a relaxed access that does not say why"
        return
    for prose in file.before(line, NEAR):
        labels = LABEL.findall(prose)
        if labels:
            if not re.search(WORDS[kind], prose, re.I | re.S):
                yield f"the comment does not say that it is {kind}"
            for label in labels:
                sides.setdefault(label, set()).update(SIDES[kind])
            return
    yield f"{kind} without a label"


def main():
    files = [File(path) for path in sorted(pathlib.Path(sys.argv[1])
                                           .rglob("*"))
             if path.suffix in (".c", ".h") and path.name not in LEFT_OUT]
    known = [label for file in files for label in tables(file.text)]
    sides = {}
    complaints = [f"[{label}] stands in two tables"
                  for label in sorted(set(known)) if known.count(label) > 1]
    operations = 0

    for file in files:
        for line, kind in file.operations:
            operations += 1
            complaints += [f"{file.path}:{line}: {what}" for what in
                           check_operation(file, line, kind, sides)]
        for end, prose in file.comments:
            complaints += [f"{file.path}:{end}: [{label}] is in no table"
                           for label in LABEL.findall(prose)
                           if label not in known]
    for label in known:
        for side in sorted({"acquire", "release"} - sides.get(label, set())):
            complaints.append(f"[{label}] is carried by no {side}")
    print("\n".join(complaints))
    print(f"{len(known)} labels, {operations} accesses, "
          f"{len(complaints)} errors")
    # None at all means that this script has lost its way.
    return bool(complaints) or not known or not operations


if __name__ == "__main__":
    sys.exit(main())
