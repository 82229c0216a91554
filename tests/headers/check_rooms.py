#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rooms of lib/ use each other as their first three lines say.

    check_rooms.py LIB_DIR [BENCH_DIR [TOOLS_DIR]]

A room is a folder. Its README.md is three lines: what it answers, which rooms
it may use, what it may not. This checks the includes against the second line,
that the rooms' arrows go one way, that includes of other files name the room,
and that no two files include each other in a circle, in lib/, bench/ and tools/.
tools/ is a room outside of lib/, which nothing there may use.
(The files that protocol.h is made of include it for those who open them alone.)
"""
import pathlib
import re
import sys

import c_text

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
OPENING = ("Answers: ", "May use: ", "May not use: ")
# protocol.h and its parts are one text in five files.
ONE_TEXT = "ring/protocol.h"
# Made by Meson, or the model checker's.
FOREIGN = re.compile(r"shmipc_config\.h|model_\w+\.h")

errors = []


def report(text):
    errors.append(text)
    print(text)


def includes(path):
    return INCLUDE.findall(c_text.without_comments(path.read_text()))


def sources(directory):
    return sorted(path for path in directory.rglob("*")
                  if path.suffix in (".c", ".h"))


def opening(room):
    """The rooms that a room may use, from its README.md."""
    path = room / "README.md"
    lines = path.read_text().split("\n") if path.exists() else []
    for line, start in zip(lines + [""] * 3, OPENING):
        if not line.startswith(start):
            report(f"{path}: a line that begins with \"{start}\" is missing")
    allowed = lines[1][len(OPENING[1]):] if len(lines) > 1 else ""
    return set(re.findall(r"[a-z]+", allowed.split(";")[0]))


def circles(arrows, what):
    """Reports whoever can reach itself."""
    def reach(start):
        found, todo = set(), [start]
        while todo:
            for target in arrows.get(todo.pop(), ()):
                if target not in found:
                    found.add(target)
                    todo.append(target)
        return found

    for name in sorted(arrows):
        if name in reach(name):
            report(f"{what}: {name} is in a circle")


def check_lib(lib):
    rooms = {room.name for room in lib.iterdir() if room.is_dir()}
    allowed = {room: opening(lib / room) & rooms for room in rooms}
    between, files = {}, {}

    opening(lib)
    for path in sources(lib):
        at = path.relative_to(lib)
        here = at.parts[0] if len(at.parts) > 1 else None
        for name in includes(path):
            room = name.split("/")[0] if "/" in name else None
            if FOREIGN.fullmatch(name):
                continue
            if not (lib / name).exists():
                report(f"{path}: \"{name}\" does not name a file from lib/ on")
            elif here is None and room:
                report(f"{path}: a leaf uses the room {room}")
            elif here and room and room != here:
                between.setdefault(here, set()).add(room)
                if room not in allowed[here]:
                    report(f"{path}: {here} may not use {room}")
            if name != ONE_TEXT:
                files.setdefault(str(at), set()).add(name)
    circles({room: allowed[room] for room in rooms}, "what rooms may use")
    circles(files, "lib")
    return between


def check_tools(tools, lib):
    """tools/ may use its own headers and the rooms that it says. So may a folder
    in it, which nothing else there may use."""
    inner = {room.name for room in tools.iterdir()
             if room.is_dir() and any(sources(room))}
    rooms = {room: opening(tools / room) | {room} for room in inner}
    allowed = opening(tools) - inner
    for path in sources(tools):
        here = path.parent.name
        for name in includes(path):
            room = name.split("/")[0] if "/" in name else None
            if FOREIGN.fullmatch(name):
                continue
            if room and room not in rooms.get(here, allowed):
                report(f"{path}: tools may not use {room}")
            elif not any((place / name).exists() for place in (tools, lib)):
                report(f"{path}: \"{name}\" is neither here nor in lib/")


def check_modules(bench):
    """A header's arrows are its source's too: they are one module."""
    modules = {}
    for path in sources(bench):
        module = modules.setdefault(path.stem, set())
        module.update(pathlib.Path(name).stem for name in includes(path)
                      if not name.endswith("config.h"))
        module.discard(path.stem)
    circles(modules, bench.name)
    return modules


def main():
    lib = pathlib.Path(sys.argv[1])
    between = check_lib(lib)
    modules = check_modules(pathlib.Path(sys.argv[2])) if sys.argv[2:] else {}
    if sys.argv[3:]:
        tools = pathlib.Path(sys.argv[3])
        check_tools(tools, lib)
        modules.update(check_modules(tools))

    for room in sorted(between):
        print(f"{room} -> {', '.join(sorted(between[room]))}")
    print(f"{len(modules)} modules around it, {len(errors)} errors")
    # None at all means that this script has lost its way.
    return bool(errors) or not between


if __name__ == "__main__":
    sys.exit(main())
