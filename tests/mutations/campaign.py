# SPDX-License-Identifier: MIT
"""Tries generated mistakes against the suites, as long as there is time."""
import json
import os
import random
import time

from generate import generate
from workshop import Broken, DoesNotBuild

# Suites by what they cost; a mistake goes on to the next ones only if all
# before let it pass.
STAGES = {
    "unit": ["unit/*", "examples/*"],
    "model": ["model/model-sc", "model/model-weak"],
    "wait": ["wait/*"],
    "stress": ["stress/*"],
}
# What is likely to notice a mistake in a file, and so runs first there.
LIKELY = {
    "ahead.c": ["unit/ahead"],
    "batch.c": ["unit/batch", "unit/array*"],
    "batch.h": ["unit/batch", "unit/array*"],
    "block.c": ["unit/sleeps", "unit/repair", "unit/blocking", "unit/cancel"],
    "buffer_api.c": ["unit/buffer", "unit/reserve", "unit/leaks"],
    "channel.c": ["unit/channel", "unit/wakes", "unit/repair"],
    "channel_api.c": ["unit/channel", "unit/error_bodies", "unit/wakes"],
    "claim.h": ["unit/sizes", "unit/claims", "unit/modes"],
    "close.h": ["unit/channel", "unit/modes"],
    "clock.c": ["unit/sleeps", "unit/blocking"],
    "control.h": ["unit/buffer", "unit/sizes"],
    "eventfd.c": ["unit/pollers", "wait/ways of waiting mix*",
                  "wait/an event loop*"],
    "format.c": ["unit/format", "unit/attach", "unit/handles"],
    "futex.c": ["unit/sleeps", "unit/blocking"],
    "handle.c": ["unit/handles", "unit/entering", "unit/fork", "unit/format",
                 "unit/attach"],
    "handle.h": ["unit/handles", "unit/fork", "unit/modes"],
    "io_uring.c": ["unit/pollers", "wait/* through io_uring"],
    "owner.c": ["unit/owners", "unit/recover", "unit/fork"],
    "pace.c": ["unit/pace"],
    "poll.c": ["unit/pollers", "unit/error_bodies"],
    "process.c": ["unit/process", "unit/fork", "unit/recover"],
    "read.c": ["unit/buffer", "unit/claims", "unit/sizes"],
    "read.h": ["unit/buffer", "unit/sizes"],
    "receive.c": ["unit/wakes", "unit/channel"],
    "recover.c": ["unit/recover", "unit/hostile"],
    "repair.h": ["unit/claims", "unit/recover", "unit/modes"],
    "segment.c": ["unit/segment", "unit/segment_races"],
    "send.c": ["unit/wakes", "unit/channel"],
    "share.c": ["unit/share", "wait/ways of waiting mix*"],
    "stats.c": ["unit/stats"],
    "status.c": ["unit/status"],
    "take.h": ["unit/sizes", "unit/hostile", "unit/corrupted"],
    "uring_api.c": ["wait/a channel waits in a ring of the application",
                    "examples/*"],
    "wait.c": ["unit/wait", "unit/sleeps", "unit/wakes"],
    "wait.h": ["unit/wakes", "unit/wait"],
    "write.c": ["unit/reserve", "unit/claims", "unit/sizes"],
    "write.h": ["unit/buffer", "unit/sizes"],
}


class Results:
    """What is known so far, in a file that an end at any time leaves whole."""

    def __init__(self, path):
        self.path = path
        self.known = {"seconds": {}, "mutants": {}}
        if os.path.exists(path):
            with open(path) as f:
                self.known = json.load(f)
        self.seconds = self.known["seconds"]
        self.mutants = self.known["mutants"]

    def save(self):
        with open(self.path + ".new", "w") as f:
            json.dump(self.known, f, indent=1)
        os.replace(self.path + ".new", self.path)


class Campaign:
    def __init__(self, shop, results, suites):
        self.shop = shop
        self.results = results
        self.stages = [shop.select(patterns)
                       for suite, patterns in STAGES.items()
                       if not suites or suite in suites]
        tests = [t for stage in self.stages for t in stage]
        shop.build(tests)
        self.whole = {t.name: shop.prints(t) for t in tests}
        for test in tests:
            self.measure(test)

    def measure(self, test):
        """How long it takes when nothing is wrong."""
        if test.name in self.results.seconds:
            return
        start = time.monotonic()
        failure = self.shop.first_failure([test])
        if failure:
            raise Broken(f"{test.name} fails as it is: {failure[1]}")
        self.results.seconds[test.name] = time.monotonic() - start
        self.results.save()

    def limit(self, test):
        """Twice as slow and more is still no hang on a busy machine."""
        return 10 + 4 * self.results.seconds[test.name]

    def stages_for(self, path):
        """The likely ones of all stages first, and quick ones before slow."""
        likely = self.shop.select(LIKELY.get(os.path.basename(path), []))
        likely = [t for t in likely if t.name in self.whole]
        yield likely
        for stage in self.stages:
            yield sorted((t for t in stage if t not in likely),
                         key=lambda t: self.results.seconds[t.name])

    def judge(self, mutant):
        """(result, test that noticed)"""
        differs = False
        with self.shop.broken(os.path.join(self.shop.lib, mutant.path)):
            mutant.apply(self.shop.lib)
            for stage in self.stages_for(mutant.path):
                try:
                    self.shop.build(stage)
                except DoesNotBuild:
                    return "does not compile", ""
                changed = [t for t in stage
                           if self.shop.prints(t) != self.whole[t.name]]
                differs |= bool(changed)
                failure = self.shop.first_failure(changed, self.limit)
                if failure:
                    return "caught", f"{failure[0].name}: {failure[1]}"
        return ("survived" if differs else "same code"), ""

    def try_one(self, mutant):
        start = time.monotonic()
        result, by = self.judge(mutant)
        self.results.mutants[mutant.name] = {
            "result": result, "by": by, "line": mutant.line,
            "old": " ".join(mutant.old.split()),
            "new": " ".join(mutant.new.split()),
            "seconds": round(time.monotonic() - start, 1)}
        self.results.save()
        print(f"{result:16} {mutant.path}:{mutant.line} "
              f"{' '.join(mutant.old.split())[:40]}  {by}", flush=True)


def counts(mutants, results):
    """Lines of a table: per file, how many of each result."""
    kinds = ("caught", "survived", "same code", "does not compile")
    table = {}
    for m in mutants:
        row = table.setdefault(m.path, dict.fromkeys((*kinds, "not tried"), 0))
        row[results.mutants.get(m.name, {}).get("result", "not tried")] += 1
    width = max(map(len, table), default=4)
    yield " ".join([f"{'file':{width}}", *kinds, "not tried"])
    for path, row in table.items():
        yield " ".join([f"{path:{width}}"] +
                       [f"{n:{len(kind)}}" for kind, n in row.items()])


def cell(text):
    return f"`{text}`".replace("|", "\\|") if text else "nothing"


def write_survivors(path, mutants, results):
    with open(path, "w") as f:
        f.write("| file | line | function | was | became |\n"
                "|---|---|---|---|---|\n")
        for m in mutants:
            r = results.mutants.get(m.name)
            if r and r["result"] == "survived":
                f.write(f"| {m.path} | {m.line} | {m.function} | "
                        f"{cell(r['old'])} | {cell(r['new'])} |\n")


def run(shop, args):
    """0: all were tried or time was up; survivors are no failure here."""
    results = Results(args.results)
    mutants = list(generate(shop.lib, args.per_function, args.seed,
                            args.names))
    if not mutants:
        raise Broken("nothing is generated of that name")
    campaign = Campaign(shop, results, set(args.suites.split(",")) - {""})
    end = time.monotonic() + 60 * args.minutes if args.minutes else None
    # So that time that runs out leaves a sample of every file.
    order = random.Random(args.seed).sample(mutants, len(mutants))
    for mutant in order:
        if end and time.monotonic() > end:
            print("time is up; the same command goes on from here")
            break
        if mutant.name not in results.mutants:
            campaign.try_one(mutant)
    print("\n".join(counts(mutants, results)))
    write_survivors(args.survivors, mutants, results)
    return 0
