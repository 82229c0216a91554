#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that the tests can fail: breaks the library, one mistake at a time, in
a copy of the tree, and demands that a test notices each.

    run.py [--build DIR] [-j N] [NAME...]   the mistakes that are listed
    run.py --list
    run.py --fit [NAME...]   whether they fit the code; builds nothing
    run.py --generated [--per-function N] [--seed S] [--minutes M]
           [--results FILE] [--survivors FILE] [FILE[:FUNCTION]...]

The mistakes are in the files that LISTS names; generate.py makes others.
--build keeps the copy and its build for the next time. Without NAMEs all are
tried; a NAME can be a pattern ("owner*") or a file of lib/. Those of the suite
fuzz take CC=clang, and are left out otherwise.
"""
import argparse
import fnmatch
import importlib
import os
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from edit import DoesNotFit  # noqa: E402
from workshop import Broken, DoesNotBuild, Workshop  # noqa: E402

SOURCE = os.path.dirname(os.path.dirname(HERE))
LISTS = ("core", "acknowledge", "regions", "processes", "place", "waiting",
         "descriptors", "waitset", "subscribers", "service", "answers", "words",
         "deaths", "taps", "cpp")


def listed():
    mutations = []
    for name in LISTS:
        if os.path.exists(os.path.join(HERE, name + ".py")):
            mutations += importlib.import_module(name).MUTATIONS
    names = [m.name for m in mutations]
    for name in set(names):
        if names.count(name) > 1:
            sys.exit(f"run.py: two mutations are named {name}")
    return mutations


def chosen(mutations, names):
    return [m for m in mutations if not names or
            any(fnmatch.fnmatch(m.name, n) or m.file == n for n in names)]


def judge(shop, mutation):
    """(whether all is as it should be, what happened)."""
    try:
        tests = [shop.find(name) for name in mutation.tests]
        reasons = [shop.why_skipped(test) for test in tests]
        if all(reasons):
            return True, f"left out: {reasons[0]}"
        with shop.broken(mutation.path(shop.tree)):
            mutation.apply(shop.tree)
            shop.build(tests)
            failure = shop.first_failure(tests)
    except DoesNotFit as misfit:
        return False, f"does not fit: {misfit}"
    except DoesNotBuild as failed:
        return False, f"does not build:\n{failed}"
    except Broken as broken:
        return False, str(broken)
    if not failure:
        return bool(mutation.equivalent), "nothing fails"
    test, why = failure
    return not mutation.equivalent, f"{test.name}: {why}"


def fits(source, mutation):
    """Whether each of its texts is there once; says why not."""
    with tempfile.TemporaryDirectory() as tree:
        try:
            path = mutation.path(source)
            copy = os.path.join(tree, os.path.relpath(path, source))
            os.makedirs(os.path.dirname(copy))
            shutil.copy(path, copy)
            mutation.apply(tree)
        except DoesNotFit as misfit:
            print(f"{mutation.name}: {misfit}")
            return False
    return True


def run_listed(shop, mutations):
    bad = 0
    for m in mutations:
        start = time.monotonic()
        good, what = judge(shop, m)
        bad += not good
        print("%-6s %-44s %5.1f s  %s" %
              ("ok" if good else "WRONG", m.name, time.monotonic() - start,
               what), flush=True)
    print(f"{len(mutations)} mutations, {bad} missed or misfits")
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser()
    parser.description = __doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--source", default=SOURCE)
    parser.add_argument("--build")
    parser.add_argument("-j", type=int, default=1, dest="jobs")
    parser.add_argument("--generated", action="store_true")
    parser.add_argument("--per-function", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--suites", default="")
    parser.add_argument("--results", default="mutants.json")
    parser.add_argument("--survivors", default="survivors.md")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    mutations = [] if args.generated else chosen(listed(), args.names)
    if args.list:
        for m in mutations:
            print("%-44s %-12s %s" % (m.name, m.file,
                                      m.equivalent or ", ".join(m.tests)))
        return 0
    if not mutations and not args.generated:
        sys.exit("run.py: no such mutation: see --list")
    if args.fit:
        bad = sum(not fits(args.source, m) for m in mutations)
        print(f"{len(mutations)} mutations, {bad} misfits")
        return 1 if bad else 0
    with tempfile.TemporaryDirectory() as scratch:
        try:
            # Without debug information equal code is equal bytes.
            shop = Workshop(args.source, args.build or scratch, args.jobs,
                            ["-Ddebug=false"])
            if args.generated:
                import campaign
                return campaign.run(shop, args)
            return run_listed(shop, mutations)
        except (Broken, DoesNotBuild) as broken:
            sys.exit(f"run.py: {broken}")


if __name__ == "__main__":
    sys.exit(main())
