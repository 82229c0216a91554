# SPDX-License-Identifier: MIT
"""What the library is meant to reach, and whether a run of the benchmark did.

A goal compares two rows of one run. Where both were measured in as many
rounds, the median of the rounds' own ratios counts: what the machine did to one
round, it did to both. A row beside which ours looks worst stands for all that
it is compared with.
"""
import statistics
from collections import namedtuple

VERDICTS = ("met", "not met", "not measured")
RATES = ("M_msg_s", "MB_s", "GB_s", "messages")
BLOCK = 64  # payload is in blocks of so many bytes
REGION = 1 << 20
OVERHEAD, FIXED = 0.125, 4096  # what may be beyond the blocks

Goal = namedtuple("Goal", "name wanted measured verdict")
Bound = namedtuple("Bound", "words value")


def at_most(value):
    return Bound("at most", value)


def at_least(value):
    return Bound("at least", value)


BELOW = Bound("below", 1)


def holds(bound, ratio):
    """Whether the ratio is within the bound."""
    return {"at most": ratio <= bound.value, "below": ratio < bound.value,
            "at least": ratio >= bound.value}[bound.words]


def first_figure(row):
    """(name, values of the rounds) of what counts most, or (None, [])."""
    for name, figure in row["figures"].items():
        return name, figure["rounds"]
    return None, []


def median(row):
    """Of its first figure, None: it has none."""
    for figure in row["figures"].values():
        return figure["median"]
    return None


def is_rate(row):
    """Whether more is better."""
    return first_figure(row)[0] in RATES


def is_sound(row):
    """Whether one may compare with it."""
    return row["status"] == "ok" and (median(row) or 0) > 0


def ratios(row, other):
    """Of the rounds, or only of the medians where rounds do not match."""
    ours, theirs = first_figure(row)[1], first_figure(other)[1]
    if len(ours) == len(theirs) and min(theirs) > 0:
        return [a / b for a, b in zip(ours, theirs)]
    return [median(row) / median(other)]


def words_of(values):
    """Their median, and how far they are apart."""
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return (f"{statistics.median(values):.3f} "
            f"({min(values):.3f} to {max(values):.3f})")


def goal(name, row, others, bound):
    """Compares a row, or None, with each of the others."""
    wanted = f"{bound.words} {bound.value:g}"
    if row and row["status"] not in ("ok", "unavailable"):
        return Goal(name, wanted, row["status"], "not met")
    sound = [other for other in others if is_sound(other)]
    if not row or not is_sound(row) or not sound:
        return Goal(name, wanted, "–", "not measured")
    worst = min if bound.words == "at least" else max
    other = worst(sound, key=lambda it: statistics.median(ratios(row, it)))
    found = ratios(row, other)
    ratio = statistics.median(found)
    measured = f"{words_of(found)} x {other['transport']}"
    left_out = [f"{other['transport']} ({other['status']})"
                for other in others
                if other["status"] not in ("ok", "unavailable")]
    if left_out:
        measured += "; not counted: " + ", ".join(left_out)
    return Goal(name, wanted, measured,
                "met" if holds(bound, ratio) else "not met")


class Run:
    """The rows of a run, to be looked up."""

    def __init__(self, workloads):
        self.workloads = workloads

    def rows(self, workload, group):
        """Of a group, none if it was not measured."""
        return self.workloads.get(workload, {}).get(group, [])

    def row(self, workload, group, transport):
        """One of them, or None."""
        return next((row for row in self.rows(workload, group)
                     if row["transport"] == transport), None)

    def peers(self, workload, group):
        """All of a group."""
        return [row for row in self.rows(workload, group)
                if row["kind"] == "peer"]


def some(row):
    """A list of it, empty if it is None."""
    return [row] if row else []


def latency_goals(run):
    place = ("latency", "64 bytes")
    line = some(run.row(*place, "limit: one cache line"))
    for mode, bound in (("one/one", 1.10), ("many/many", 1.5)):
        ours = run.row(*place, f"shmipc {mode}")
        what = f"latency, 64 bytes, {mode}: over "
        yield goal(what + "one cache line", ours, line, at_most(bound))
        yield goal(what + "each peer", ours, run.peers(*place), BELOW)


def throughput_goals(run):
    for group in ("8 bytes", "8 bytes, batches", "64 bytes",
                  "64 bytes, batches"):
        place = ("throughput", f"1x1, {group}")
        yield goal(f"throughput 1x1, {group}, one/one: over each peer",
                   run.row(*place, "shmipc one/one"), run.peers(*place),
                   at_least(1))
    yield copy_goal(run)
    yield from in_place_goals(run)


def in_place_goals(run):
    """Beside the same messages, made and read in memory of the parties."""
    for size in (64, 256, 1024, 4096, 16384, 65536, 1048576):
        place = ("throughput", f"1x1, {size} bytes, in place")
        for mode in ("one/one", "many/many"):
            yield goal(f"throughput 1x1, {size} bytes, {mode}: in place over "
                       "copied", run.row(*place, f"shmipc {mode}"),
                       some(run.row(*place, f"shmipc {mode}, copied")),
                       at_least(2 if size >= 65536 else 1))


def copy_goal(run):
    """The benchmark itself compares with the best of several limits."""
    name = "throughput 1x1, 65536 bytes, one/one: over the best bare memcpy"
    row = run.row("throughput", "1x1, 65536 bytes", "shmipc one/one")
    bound = at_least(0.9)
    wanted = f"{bound.words} {bound.value}"
    if row and row["status"] not in ("ok", "unavailable"):
        return Goal(name, wanted, row["status"], "not met")
    if not row or not is_sound(row) or not row.get("multiple"):
        return Goal(name, wanted, "–", "not measured")
    return Goal(name, wanted, f"{row['multiple']:.3f} x {row['limit']}",
                "met" if holds(bound, row["multiple"]) else "not met")


def contention_goals(run):
    for parties in ("2x1", "4x4"):
        place = ("contention", f"{parties}, 64 bytes")
        ours = run.row(*place, "shmipc many/many")
        what = f"contention {parties}, 64 bytes, many/many: over each peer "
        for words, fixed, least in (("with messages of any size", False, 1),
                                    ("with fixed slots", True, 0.8)):
            peers = [row for row in run.peers(*place)
                     if row["fixed_slot"] == fixed]
            yield goal(what + words, ours, peers, at_least(least))


def lines_more(row, other, line):
    """By how many lines a row's first figure is more, round by round."""
    rounds = [first_figure(it)[1] for it in (row, other, line)]
    if len({len(values) for values in rounds}) == 1 and min(rounds[2]) > 0:
        return [(a - b) / c for a, b, c in zip(*rounds)]
    return [(median(row) - median(other)) / median(line)]


def one_way_goal(run, subscribers):
    """Broadcast against the plain ring, in lines that move."""
    place = ("broadcast", f"1 to {subscribers}, one way")
    rows = [run.row(*place, name) for name in (
        "shmipc broadcast, one producer", "shmipc one/one",
        "limit: one cache line")]
    name = f"broadcast, 1 to {subscribers}, one way: lines more than one to one"
    if not all(row and is_sound(row) for row in rows):
        return Goal(name, "at most 1.5", "–", "not measured")
    found = lines_more(*rows)
    return Goal(name, "at most 1.5", words_of(found),
                "met" if statistics.median(found) <= 1.5 else "not met")


def broadcast_goals(run):
    """None of a run without that workload."""
    if "broadcast" not in run.workloads:
        return
    yield one_way_goal(run, 4)
    for what in ("a stream", "a stream, batches"):
        place = ("broadcast", f"1 to 4, {what}")
        yield goal(f"broadcast, 1 to 4, {what}: all that is received, over one "
                   "to one",
                   run.row(*place, "shmipc broadcast, one producer"),
                   some(run.row(*place, "shmipc one/one")), at_least(0.8))
    for subscribers in (1, 2, 4, 8):
        for what, bound in (("one way", BELOW), ("a stream", at_least(1)),
                            ("a stream, batches", at_least(1))):
            place = ("broadcast", f"1 to {subscribers}, {what}")
            yield goal(f"broadcast, 1 to {subscribers}, {what}: over each peer",
                       run.row(*place, "shmipc broadcast, one producer"),
                       run.peers(*place), bound)


def wake_goals(run):
    place = ("wake", "both on one CPU")
    # Each sleep of ours has a timeout, but for those that are watched.
    futex = run.row(*place, "limit: bare futex, 100 ms")
    bare = {"futex": (futex, 1.15), "watched": (futex, 1.15),
            "eventfd": (run.row(*place, "limit: bare eventfd"), 1.20),
            "io_uring": (run.row(*place, "limit: bare io_uring") or futex, 1.15)}
    for mode in ("1/1", "m/m"):
        for back_end, (primitive, most) in bare.items():
            name = f"shmipc channel {mode}, {back_end}"
            yield goal(f"wake on one CPU, {name}: over its bare primitive",
                       run.row(*place, name), some(primitive), at_most(most))


def collapse_goal(run):
    alone = run.row("contention", "1x1, 64 bytes", "shmipc many/many")
    shared = run.row("contention", "2x1, 64 bytes, producers share a CPU",
                     "shmipc many/many")
    return goal("contention, 64 bytes, many/many: two producers that share a "
                "CPU, over one alone", shared, some(alone), at_least(0.5))


def room_of(row):
    """
    Messages over those that have to fit, the row, and the percentage beyond
    their blocks and what is fixed.
    """
    messages, block = median(row), -(-row["size"] // BLOCK) * BLOCK
    fit = (REGION - FIXED) // (block * (1 + OVERHEAD))
    beyond = REGION - FIXED - messages * block
    return messages / fit, row, 100 * beyond / (messages * block)


def memory_goal(run):
    """
    So many messages must fit as there is room for with all that may be beyond
    their blocks. To count what is beyond the blocks instead would count a rest
    at the end of the region in which there is no room for a message.
    """
    name = "memory, all sizes: messages in 1 MiB, over those that fit with " \
           "12.5 % and 4 KiB beyond blocks of payload"
    wanted = "at least 1"
    ours = [row for group in run.workloads.get("memory", {})
            for row in run.rows("memory", group)
            if row["kind"] == "ours" and row["status"] != "unavailable"]
    if not ours:
        return Goal(name, wanted, "–", "not measured")
    for row in ours:
        if row["status"] != "ok" or not median(row):
            measured = f"{row['transport']}, {row['size']} bytes: " \
                       f"{row['status']}, {median(row) or 0:.0f} messages"
            return Goal(name, wanted, measured, "not met")
    ratio, row, beyond = min(map(room_of, ours), key=lambda entry: entry[0])
    measured = (f"{ratio:.3f} with {row['size']} bytes, where {beyond:.1f} % "
                "and 4 KiB are beyond the blocks, the rest at the end included")
    return Goal(name, wanted, measured, "met" if ratio >= 1 else "not met")


def judge(workloads):
    """All goals, for {workload: {group: rows}}."""
    run = Run(workloads)
    return [*latency_goals(run), *throughput_goals(run),
            *contention_goals(run), *broadcast_goals(run),
            *wake_goals(run), collapse_goal(run), memory_goal(run)]
