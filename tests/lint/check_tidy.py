#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clang-tidy finds nothing in the library; .clang-tidy says what it looks for.

    check_tidy.py SOURCE_ROOT BUILD_DIR CLANG_TIDY

Only version 14: each version has checks of its own. A source of the library
is compiled several times (shared, static, for tests); the first one counts.
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 77


def first_commands(lib, build):
    """The first compile command of each source below lib/."""
    commands = {}

    for command in json.loads((build / "compile_commands.json").read_text()):
        source = (pathlib.Path(command["directory"]) /
                  command["file"]).resolve()
        if lib in source.parents:
            commands.setdefault(source, command)
    return commands


def check(tool, database, source):
    """Whether all is well with a source, and what was said about it."""
    # The commands may be gcc's, which has warnings of its own.
    done = subprocess.run(
        [tool, "--quiet", "-p", database,
         "--extra-arg=-Wno-unknown-warning-option", source],
        capture_output=True, text=True)
    if done.returncode == 0:
        return True, ""
    return False, done.stdout or done.stderr


def main():
    lib = pathlib.Path(sys.argv[1]).resolve() / "lib"
    build = pathlib.Path(sys.argv[2])
    tool = sys.argv[3]
    version = subprocess.run([tool, "--version"], check=True,
                             capture_output=True, text=True).stdout

    if "version 14." not in version:
        print("skipped: not version 14:", " ".join(version.split()))
        return SKIPPED
    commands = first_commands(lib, build)
    for source in sorted(lib.rglob("*.c")):
        if source not in commands:
            print(f"not in this build: {source.relative_to(lib)}")
    failed = 0
    with tempfile.TemporaryDirectory() as database, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        pathlib.Path(database, "compile_commands.json").write_text(
            json.dumps(list(commands.values())))
        for is_well, said in pool.map(
                lambda source: check(tool, database, source), commands):
            failed += not is_well
            print(said, end="")
    print(f"{len(commands)} sources, {failed} with findings")
    return failed > 0 or not commands


if __name__ == "__main__":
    sys.exit(main())
