#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""packages/release writes a number everywhere that check_version.py looks, on a
copy: of what is not released yet, and of what comes after a release.

    check_release.py SOURCE_ROOT
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# What these two read and write.
NAMES = ("NEWS.md", "meson.build", "debian", "docs/abi.md", "include",
         "lib/ring", "man", "packages", "rpm", "tests/headers")


def copy(root, place):
    for name in NAMES:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        if (root / name).is_dir():
            shutil.copytree(root / name, place / name)
        else:
            shutil.copy(root / name, place / name)


def run(*command):
    done = subprocess.run([sys.executable, *map(str, command)], check=False,
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}{command} failed")


def check(place, version, word, entries):
    """`entries` versions are told of, the newest of which is `version`."""
    header = (place / "include/shmipc/ipc_common.h").read_text()
    for number, part in zip(version.split("."), ("MAJOR", "MINOR", "PATCH")):
        if not re.search(rf"^#define IPC_VERSION_{part} +{number}$", header,
                         re.M):
            sys.exit(f"IPC_VERSION_{part} is not {number}")
    # No program is built for that: it would print what the header says.
    said = re.search(r'^#define IPC_VERSION_STRING +"(.*)"', header, re.M)
    run(place / "tests/headers/check_version.py", place, version, "printf",
        f"header {said.group(1)}\\n")
    news = re.findall(r"^## (\S+) \((.*)\)", (place / "NEWS.md").read_text(
        encoding="utf-8"), re.M)
    changes = re.findall(r"^shmipc \((\S+)-1\) (\S+);",
                         (place / "debian/changelog").read_text(
                             encoding="utf-8"), re.M)
    print(news, changes)
    if not len(news) == len(changes) == entries:
        sys.exit(f"not {entries} entries in NEWS.md and debian/changelog")
    if not re.search(word, news[0][1]) or \
            (changes[0][1] == "UNRELEASED") != (word == "unreleased"):
        sys.exit(f"the newest entry is not {word}")


def main(root):
    root = pathlib.Path(root)
    if not (root / "debian").exists():
        print("skipped: a release has no debian/, and none is made of it")
        return 77
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        copy(root, place)
        release = place / "packages/release"
        news = (place / "NEWS.md").read_text(encoding="utf-8")
        told = len(re.findall(r"^## ", news, re.M))
        told += "unreleased" not in news
        run(release, "number", "97.1.2")
        check(place, "97.1.2", r"\d{4}-\d\d-\d\d", told)
        run(release, "begin", "97.2.0")
        check(place, "97.2.0", "unreleased", told + 1)
        run(release, "number", "98.0.0")
        check(place, "98.0.0", r"\d{4}-\d\d-\d\d", told + 1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
