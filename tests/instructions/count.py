#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the instructions of a write and a read by callgrind, and holds them
against a limit, so that they do not grow unnoticed. What is counted is what the
calls take in the library, and the C library's copying in them. The limits are
those of gcc on x86-64, a tenth above what it was when they were set; elsewhere
the test is skipped.

    count.py ROUNDS OPTIMIZATION     ROUNDS is the program rounds.c
"""
import re
import shutil
import subprocess
import sys

ONE = 3  # IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER
MANY = 0
ROUNDS = 1000
MARGIN = 1.1

# What it was, by level of optimization.
COUNTS = {
    "2": {
        ("buffer", ONE, 8): 134,
        ("buffer", MANY, 8): 162,
        ("channel", ONE, 8): 184,
        ("channel", MANY, 8): 212,
        ("buffer", ONE, 1024): 498,
        ("buffer", MANY, 1024): 574,
        ("buffer-in-place", ONE, 64): 277,
        ("buffer-in-place", MANY, 64): 309,
        ("buffer-in-place", ONE, 1024): 296,
        ("channel-in-place", ONE, 64): 329,
        ("channel-in-place", MANY, 64): 366,
    },
    "3": {
        ("buffer", ONE, 8): 134,
        ("buffer", MANY, 8): 162,
        ("channel", ONE, 8): 161,
        ("channel", MANY, 8): 190,
        ("buffer", ONE, 1024): 493,
        ("buffer", MANY, 1024): 534,
        ("buffer-in-place", ONE, 64): 268,
        ("buffer-in-place", MANY, 64): 301,
        ("buffer-in-place", ONE, 1024): 285,
        ("channel-in-place", ONE, 64): 298,
        ("channel-in-place", MANY, 64): 330,
    },
}


def collected(program, what, flags, size, rounds):
    """Instructions of the calls of so many rounds."""
    result = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
         "--toggle-collect=ipc_buffer_*",
         "--toggle-collect=ipc_channel_*",
         program, what, str(flags), str(size), str(rounds)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, timeout=100)
    found = re.search(r"Collected : (\d+)", result.stdout)
    if result.returncode or not found:
        sys.exit(f"count.py: {what} did not run:\n{result.stdout}")
    return int(found.group(1))


def count(program, *case):
    """Of one round; what is done but once, as entering, falls out."""
    return (collected(program, *case, 2 * ROUNDS) -
            collected(program, *case, ROUNDS)) / ROUNDS


def main():
    program, level = sys.argv[1:]
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not installed")
        sys.exit(77)
    if level not in COUNTS:
        print(f"skipped: no limits for -O{level}")
        sys.exit(77)
    grown = 0
    for case, was in COUNTS[level].items():
        now = count(program, *case)
        grown += now > was * MARGIN
        print(f"{case[0]:18}{'one/one' if case[1] else 'many/many':10}"
              f"{case[2]:6} bytes {now:6.1f} instructions, {was} when the limit"
              f" was set{': too many' if now > was * MARGIN else ''}")
    if grown:
        sys.exit(f"count.py: {grown} have grown by more than a tenth")


if __name__ == "__main__":
    main()
