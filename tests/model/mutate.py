#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that the checker can fail: breaks the protocol, one mistake at a time,
and demands that the checker finds each.

    mutate.py [--source DIR] [--build DIR] [--cc CC] [--every N] [-v] [NAME...]
    mutate.py --list

A mutation replaces text in a copy of lib/; the text must occur exactly once
there (white space apart), so that a change of lib/ that a mutation no longer
fits is noticed.
The mistakes are in the modules of MODULES.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "mutations"))
sys.path.insert(0, HERE)
from edit import DoesNotFit, find_file, replace_once  # noqa: E402
import gives  # noqa: E402
import mutations  # noqa: E402
import orders  # noqa: E402
import pins  # noqa: E402
import short  # noqa: E402
import sleepers  # noqa: E402
import subscribers  # noqa: E402
import taps  # noqa: E402

MODULES = (gives, mutations, orders, pins, short, sleepers, subscribers, taps)
MUTATIONS = [m for module in MODULES for m in module.MUTATIONS]
# What of the library runs in the checker, besides all of lib/buffer but names.
LIB_SOURCES = ("ring/format.c", "ring/owner.c", "status.c", "wait/wait.c",
               "channel/block.c", "channel/channel.c", "channel/receive.c",
               "channel/send.c", "channel/watch.c", "tap/follow.c")
# Opens by name, of which the model knows nothing.
NAMES = "open_buffer.c"
# What of the checker has inlined parts of the library in it.
MUTATED = "calls.c"
VIOLATION = 1
TIMEOUT_S = 60
PARTS = {"protocol.h": ["claim.h", "take.h", "repair.h", "close.h",
                        "subscriber.h", "gate.h", "pin.h", "protocol.h"]}


def fail(text):
    print("mutate.py:", text)
    sys.exit(1)


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **more)


def replace(directory, files, old, new, mutation):
    """Replaces what is in one of the files, and once; says in which."""
    try:
        return os.path.basename(replace_once(
            [find_file(directory, name) for name in files], old, new))
    except DoesNotFit as misfit:
        fail(f"{mutation}: {misfit}")


def sources_of(directory):
    """What of the library, a copy of it in that directory, is compiled."""
    return [os.path.join("buffer", name)
            for name in sorted(os.listdir(directory + "/buffer"))
            if name.endswith(".c") and name != NAMES] + list(LIB_SOURCES)


def object_of(source):
    return os.path.basename(source)[:-2] + ".o"


class Builder:
    """Compiles all once without a mistake, and then for each mistake only what
    includes a file that it changes."""

    def __init__(self, source, build, cc):
        self.lib = os.path.join(source, "lib")
        self.build = build
        self.cc = cc.split()
        self.flags = ["-std=c11", "-D_GNU_SOURCE", "-DSHMIPC_MODEL",
                      "-I" + HERE, "-I" + os.path.join(source, "include")]
        self.checker = self.compile_checker()
        self.sound = os.path.join(build, "no mistake")
        shutil.copytree(self.lib, self.sound)
        self.sources = sources_of(self.sound)
        self.sources.append(os.path.join(HERE, MUTATED))
        self.compile_library(self.sources, self.sound)
        self.needs = {s: self.needs_of(s) for s in self.sources}

    def compile(self, flags, files, directory):
        result = run(self.cc + self.flags + flags + ["-c"] + files,
                     cwd=directory)
        if result.returncode:
            fail("does not compile:\n" + result.stdout)

    def compile_checker(self):
        files = sorted(f for f in os.listdir(HERE)
                       if f.endswith(".c") and f != MUTATED)
        self.compile(["-O2", "-I" + self.lib],
                     [os.path.join(HERE, f) for f in files], self.build)
        return [os.path.join(self.build, object_of(f)) for f in files]

    def compile_library(self, sources, directory):
        self.compile(["-O1", "-w", "-I.", "-MMD"], sources, directory)

    def needs_of(self, source):
        """The files in lib/ that an object is made of, by their names."""
        with open(os.path.join(self.sound, object_of(source)[:-2] + ".d")) as f:
            words = f.read().replace("\\\n", " ").split()[1:]
        return {os.path.basename(w) for w in words}

    def edit(self, mutation):
        """Breaks a copy of the library; says where that is, and the names of
        the files that it changed."""
        directory = os.path.join(self.build, mutation.name)
        shutil.copytree(self.lib, directory)
        return directory, {
            replace(directory, PARTS.get(name, [name]), old, new,
                    mutation.name) for name, old, new in mutation.edits}

    def fit(self, mutation):
        directory, _ = self.edit(mutation)
        shutil.rmtree(directory)

    def make(self, mutation):
        directory, changed = self.edit(mutation)
        anew = [s for s in self.sources if self.needs[s] & changed]
        if anew:
            self.compile_library(anew, directory)
        model = os.path.join(directory, "model")
        objects = [os.path.join(directory if s in anew else self.sound,
                                object_of(s)) for s in self.sources]
        result = run(self.cc + ["-o", model] + self.checker + objects,
                     cwd=directory)
        if result.returncode:
            fail("does not link:\n" + result.stdout)
        return model


def check(builder, mutation, verbose):
    """True if the checker said what it should."""
    model = builder.make(mutation)
    start = time.monotonic()
    try:
        result = run([model] + mutation.arguments.split(), timeout=TIMEOUT_S)
        code, output = result.returncode, result.stdout
    except subprocess.TimeoutExpired:
        code, output = None, "ran for too long"
    found = [l for l in output.splitlines() if l.startswith("VIOLATION")]
    good = code == VIOLATION and len(found) == 1
    if mutation.harmless:
        good = code == 0
    print("%-6s %-32s %5.1f s  %s" %
          ("ok" if good else "MISSED", mutation.name,
           time.monotonic() - start,
           found[0] if found else "nothing found"), flush=True)
    if verbose or not good:
        print(output)
    shutil.rmtree(os.path.dirname(model))
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", default=os.path.join(HERE, "..", ".."))
    parser.add_argument("--build")
    parser.add_argument("--cc", default=os.environ.get("CC", "cc"))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--every", type=int, default=1, metavar="N",
                        help="run one of so many; the others have to fit")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    if args.list:
        for m in MUTATIONS:
            print("%-32s %s" % (m.name, m.arguments))
        return 0
    chosen = [m for m in MUTATIONS if not args.names or m.name in args.names]
    if not chosen:
        fail("no such mutation: see --list")
    with tempfile.TemporaryDirectory(dir=args.build) as build:
        builder = Builder(os.path.abspath(args.source), build, args.cc)
        for mutation in chosen:
            builder.fit(mutation)
        chosen = chosen[::args.every]
        missed = sum(not check(builder, m, args.verbose) for m in chosen)
    print(f"{len(chosen)} mutations, {missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
