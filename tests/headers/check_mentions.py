#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the documents name exists.

    check_mentions.py SOURCE_ROOT

Every function that a document names as `name()` is one of the library's or of
its public headers', and every path in backquotes or links is there; a file of
lib/ may be named by its room ("ring/take.h") or by its name alone.
"""
import pathlib
import re
import sys

import c_text

FUNCTION = re.compile(r"`(\w+)\(\)`")
PATH = re.compile(r"`([\w./-]+/?[\w.-]+\.(?:c|h|py|md|map|sh|build|json))`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
NAME = re.compile(r"\b(\w+)\(")
# Functions of the system that documents may speak of.
FOREIGN = {"epoll_wait", "exec", "fork", "free", "malloc", "mmap", "poll",
           "shm_open", "futex", "memfd_create", "fcntl", "ppoll"}
# Reports that scripts make speak of what was there when they were made.
LEFT_OUT = {"docs/benchmarks/README.md", "docs/benchmarks/experiments.md",
            "NEWS.md", "docs/mutations.md", "docs/coverage.md"}


def known_functions(root):
    names = set(FOREIGN)
    for path in [*root.glob("lib/**/*.[ch]"), *root.glob("include/**/*.h"),
                 *root.glob("tools/**/*.[ch]")]:
        names.update(NAME.findall(
            c_text.without_comments(path.read_text())))
    return names


def main():
    root = pathlib.Path(sys.argv[1])
    names = known_functions(root)
    files = {path.name for path in root.glob("lib/**/*")}
    files |= {path.name for path in root.glob("include/**/*")}
    files |= {path.name for path in root.glob("tests/headers/*.py")}
    count = errors = 0

    def complain(path, text, at, what):
        nonlocal errors
        errors += 1
        line = text.count("\n", 0, at) + 1
        print(f"{path.relative_to(root)}:{line}: {what}")

    def exists(path, name):
        return any((base / name).exists() for base in
                   (root, root / "lib", root / "tests", path.parent)) or \
            ("/" not in name and name in files)

    for path in sorted([*root.glob("*.md"), *root.glob("docs/**/*.md"),
                        *root.glob("lib/**/*.md"), *root.glob("bench/*.md"),
                        *root.glob("tools/**/*.md")]):
        if str(path.relative_to(root)) in LEFT_OUT:
            continue
        text = path.read_text()
        for found in FUNCTION.finditer(text):
            count += 1
            if found.group(1) not in names:
                complain(path, text, found.start(),
                         f"there is no {found.group(1)}()")
        for found in PATH.finditer(text):
            count += 1
            if not exists(path, found.group(1)):
                complain(path, text, found.start(),
                         f"there is no {found.group(1)}")
        for found in LINK.finditer(text):
            count += 1
            if not (path.parent / found.group(1)).exists():
                complain(path, text, found.start(),
                         f"the link {found.group(1)} leads nowhere")
    print(f"{count} functions, files and links named, {errors} errors")
    # None at all means that this script has lost its way.
    return errors > 0 or count == 0


if __name__ == "__main__":
    sys.exit(main())
