#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns what the benchmark wrote into a report: README.md, charts, and a copy
of the data, in one directory; and into the figures of the project's README.

    report.py RESULTS.json DIRECTORY [README]
    report.py --check DIRECTORY README

The latter changes nothing, and says if they are not what is made of the data
that is in the directory.
"""
import json
import os
import re
import sys
from collections import namedtuple

import charts
import figures
import goals

# Which groups have bars, and which make lines: (file, title, pattern of the
# groups, of which the number is x, figure, what x is, by how much to multiply).
Section = namedtuple("Section", "about bars lines")
Lines = namedtuple("Lines", "file title groups figure x scale")

SIZE = "message size, bytes"
SECTIONS = {
    "limits": Section(
        "What the machine can do, without any transport.", ["calls"], []),
    "latency": Section(
        "Two processes on two CPUs send one message to and fro, polling; "
        "`mean_ns` is one way. Less is better.",
        ["64 bytes"],
        [Lines("sizes", "Latency: over message size", r"(\d+) bytes",
               "mean_ns", SIZE, 1)]),
    "throughput": Section(
        "One process sends as fast as it can, one receives. More is better.",
        ["1x1, 8 bytes", "1x1, 8 bytes, batches",
         "1x1, 64 bytes", "1x1, 64 bytes, batches"],
        [Lines("sizes", "Throughput: over message size", r"1x1, (\d+) bytes",
               "MB_s", SIZE, 1),
         Lines("sizes-in-place", "Throughput: over message size, in place",
               r"1x1, (\d+) bytes, in place", "MB_s", SIZE, 1)]),
    "contention": Section(
        "Several producers, consumers, or both: 4x1 is four producers and one "
        "consumer. More is better.",
        ["2x1, 64 bytes", "2x1, 64 bytes, producers share a CPU",
         "4x4, 64 bytes"], []),
    "broadcast": Section(
        "One sends, and each of several gets every message: one way until the "
        "last of them has it, where less is better, and what all of them "
        "receive together, where more is. A plain ring from one to one stands "
        "beside it.",
        ["1 to 4, one way", "1 to 4, a stream"], []),
    "wake": Section(
        "As latency, but both sides sleep in the kernel until a message "
        "comes. Less is better.",
        ["both on one CPU", "on two CPUs"], []),
    "rate": Section(
        "A reader that blocks gets messages so and so often: what it takes of "
        "a CPU, how long each message was under way, and for how many of 100 "
        "it slept. Less is better.",
        ["1000 messages/s", "10000 messages/s"],
        [Lines("cpu", "CPU: a reader that blocks, over the rate",
               r"(\d+) messages/s", "cpu_pct", "messages a second", 1),
         Lines("latency", "Latency: to a reader that blocks, over the rate",
               r"(\d+) messages/s", "p50_ns", "messages a second", 1)]),
    "single": Section(
        "One thread writes and reads again: instructions only. Less is "
        "better.", ["64 bytes"], []),
    "paced": Section(
        "One side works 300 ns for each message; `cost_ns` is what remains "
        "without the work. Less is better; a few ns mean nothing.",
        ["consumer keeps up, 64 bytes", "consumer lags, 64 bytes"], []),
    "memory": Section(
        "How many messages fit into 1 MiB, or into what the kernel or a "
        "library takes instead. More is better.",
        ["64 bytes"],
        [Lines("sizes", "Memory: payload in the region",
               r"(\d+) bytes", "payload_pct", SIZE, 1)]),
    "growth": Section(
        "Throughput against the size of the ring, of the messages, and the "
        "number of producers. More is better.",
        [],
        [Lines("ring", "Growth: throughput over ring size, 64 bytes",
               r"ring of (\d+) KiB, 64 bytes", "M_msg_s", "ring size, bytes",
               1024),
         Lines("sizes", "Growth: throughput over message size",
               r"messages of (\d+) bytes", "M_msg_s", SIZE, 1),
         Lines("producers", "Growth: throughput over producers, 64 bytes",
               r"(\d+) producers, 64 bytes", "M_msg_s", "producers", 1)]),
    "lifecycle": Section(
        "Create, attach and destroy, a first write, a first write of a forked "
        "child. Less is better.", ["64 KiB"], []),
    "recovery": Section(
        "From a producer's death in mid-write to the next entry in a reader's "
        "hands. Less is better.", ["a killed producer's entry in front"], []),
}
UNITS = {"mean_ns": "ns, one way", "p50_ns": "ns, one way",
         "cpu_pct": "% of a CPU", "M_msg_s": "million messages a second",
         "MB_s": "MB/s", "GB_s": "GB/s", "ns_msg": "ns a message", "ns": "ns",
         "cost_ns": "ns a message, without the work",
         "messages": "messages", "payload_pct": "% of the region"}

HOW_TO_READ = """\
What each figure means is said in [bench/README.md](../../bench/README.md).
Each is taken once a round, all transports in turn, and the tables show the
median. *Spread* is the largest round less the smallest, over the median, of
the first figure. *x limit* is how many times the limit that figure is: the
median of the rounds' own ratios, since the machine changes from one round to
the next. Of rates more is better, of times less.

Limits, which are no transports, come first, then **ours**, then the peers, the
best one first. A † marks peers whose messages are all of one size, fixed when
the link is made. What hung, failed or lost messages says so, comes last, and
is no peer to be compared with.

In the charts bars end with the median, and in parentheses the multiple. Lines
are broken where something went wrong.
"""

# What peers have in memory that they do not count is not told in these.
INCOMPARABLE = ("memory",)
KINDS = ("limit", "ours", "peer")  # in the report's order
MACHINE = {"cpu", "cpus", "arch", "kernel", "compiler", "flags", "library",
           "date", "clock_ns"}
NEEDED = {"workload", "group", "transport", "kind", "fixed_slot", "size",
          "status", "sent", "received", "wrong", "note", "figures"}
FAILURE = 2


class Refused(Exception):
    """Why there is no report."""


def load(path):
    """The file's bytes and what they say."""
    try:
        with open(path, "rb") as file:
            raw = file.read()
        data = json.loads(raw)
    except ValueError as error:
        raise Refused(f"{path}: {error}") from error
    if not isinstance(data, dict) or data.get("schema") != 1:
        raise Refused(f"{path}: not of schema 1, the only one known here")
    machine, rows = data.get("machine"), data.get("results")
    if not isinstance(machine, dict) or not MACHINE <= machine.keys() or \
            not isinstance(rows, list) or not all(
                isinstance(row, dict) and NEEDED <= row.keys()
                and row["kind"] in KINDS for row in rows):
        raise Refused(f"{path}: not all that the benchmark writes is there")
    return raw, data


# ------------------------------------------------------------------- rows

def groups_of(rows):
    """{workload: {group: rows}}, in the file's order, rows in the report's."""
    workloads = {}
    for row in rows:
        groups = workloads.setdefault(row["workload"], {})
        groups.setdefault(row["group"], []).append(row)
    for groups in workloads.values():
        for group in groups:
            groups[group] = in_order(groups[group])
    return workloads


def in_order(rows):
    """Limits, ours, then peers: sound ones first, and of these the best."""
    def place(row):
        kind = KINDS.index(row["kind"])
        if kind < 2:
            return kind, 0, 0
        value = goals.median(row)
        if value is None:
            return kind, 2, 0
        return (kind, row["status"] != "ok",
                -value if goals.is_rate(row) else value)
    return sorted(rows, key=place)


def style_of(row):
    """The kind of its bars and lines."""
    is_fixed = row["kind"] == "peer" and row["fixed_slot"]
    return "fixed" if is_fixed else row["kind"]


def name_of(row):
    """Marked if its messages are of one size."""
    return row["transport"] + (" †" if style_of(row) == "fixed" else "")


def rounds_of(row):
    """In how many rounds its first figure was taken."""
    return len(next(iter(row["figures"].values()), {"rounds": []})["rounds"])


def number(figure, value):
    """A figure's value; messages are counted."""
    return f"{value:,.0f}" if figure == "messages" else charts.number(value)


def has_failed(row):
    """Not so if it is just not to be had here."""
    return row["status"] not in ("ok", "unavailable")


# ----------------------------------------------------------------- charts

def limit_of(rows):
    """What the rows of a group are multiples of, or None."""
    return next((row["limit"] for row in rows if "limit" in row), None)


def multiple_of(row):
    """1.08, or nothing; the file has four places of it only."""
    if "multiple" not in row or not row["figures"]:
        return ""
    value = row["multiple"]
    return charts.number(value) if value >= 1 else f"{value:.3g}"


def bar_of(row):
    """A row as a bar."""
    bar = charts.Bar(name_of(row), style_of(row), row["status"])
    value = goals.median(row)
    if value is None:
        if has_failed(row):
            bar.label += f", {row['sent']} sent, {row['received']} received"
        return bar
    name, first = next(iter(row["figures"].items()))
    bar.value, bar.low, bar.high = value, first["min"], first["max"]
    bar.label = number(name, value)
    if multiple_of(row):
        bar.label += f" ({multiple_of(row)})"
    if has_failed(row):
        bar.label += f", {row['status']}"
    return bar


def bar_chart(workload, group, rows):
    """(file, title, SVG) of a group."""
    title = f"{workload.capitalize()}: {group}"
    name = re.sub(r"[^a-z0-9]+", "-", f"{workload}-{group}".lower()).strip("-")
    figure = next((figure for row in rows for figure in row["figures"]), "")
    return name + ".svg", title, charts.bars(
        title, UNITS.get(figure, figure), limit_of(rows),
        [bar_of(row) for row in rows])


def best_of(points, figure):
    """The best one at each x."""
    sign = 1 if figure in goals.RATES else -1
    points = sorted((point for point in points if point.y),
                    key=lambda point: sign * point.y)
    return list({point.x: point for point in points}.values())


def line_chart(workload, lines, groups, colours):
    """(file, title, SVG) of several groups, or None: too few to see a line."""
    found = {}
    for group, rows in groups.items():
        match = re.fullmatch(lines.groups, group)
        for row in rows if match else []:
            value = row["figures"].get(lines.figure, {}).get("median")
            if value is None and not has_failed(row):
                continue
            name = name_of(row)
            if row["kind"] == "limit" and "limit" in row:
                name = f"limit: {row['limit']}"
            found.setdefault((name, style_of(row)), []).append(charts.Point(
                int(match[1]) * lines.scale, value, not has_failed(row)))
    for (name, kind), points in found.items():
        if kind == "limit":
            found[name, kind] = best_of(points, lines.figure)
    drawn = [charts.Line(name, kind, sorted(points, key=lambda p: p.x))
             for (name, kind), points in found.items() if points]
    if len({point.x for line in drawn for point in line.points
            if point.y}) < 2:
        return None
    return f"{workload}-{lines.file}.svg", lines.title, charts.curves(
        lines.title, (lines.x, UNITS[lines.figure]), drawn, colours)


def charts_of(workload, groups, colours):
    """All of a workload."""
    section = SECTIONS.get(workload, Section("", [], []))
    wanted = [group for group in section.bars if group in groups]
    if section.bars and not wanted:
        wanted = list(groups)[:1]
    drawn = [bar_chart(workload, group, groups[group]) for group in wanted]
    drawn += [line_chart(workload, lines, groups, colours)
              for lines in section.lines]
    return [chart for chart in drawn if chart]


# --------------------------------------------------------------- Markdown

def table(header, rows, numbers=False):
    """Lines of a table; of numbers: but for the first and last column."""
    def line(cells):
        return "| " + " | ".join(
            str(cell).replace("|", "\\|").replace("<", "&lt;")
            for cell in cells) + " |"
    middle = ("--:|" if numbers else "---|") * (len(header) - 2)
    return [line(header), f"|---|{middle}---|", *map(line, rows), ""]


def counts_of(row):
    """What was sent, and what became of it."""
    return (f"sent {row['sent']}, received {row['received']}, "
            f"wrong {row['wrong']}")


def remarks_on(row, rounds):
    """Its last column."""
    remarks = []
    if has_failed(row):
        remarks.append(f"**{row['status']}**: {counts_of(row)}")
    elif row["status"] != "ok":
        remarks.append(row["status"])
    if row["status"] != "unavailable" and rounds_of(row) < rounds:
        remarks.append(f"{rounds_of(row)} of {rounds} rounds")
    return "; ".join(remarks + [row["note"]] * bool(row["note"]))


def spread_of(row):
    """Of its first figure."""
    value = goals.median(row)
    if not value:
        return "–"
    first = next(iter(row["figures"].values()))
    return f"{100 * (first['max'] - first['min']) / abs(value):.0f} %"


def group_table(rows):
    """One group's rows."""
    names = max((list(row["figures"]) for row in rows), key=len)
    limit = limit_of(rows)
    rounds = max(map(rounds_of, rows))
    header = ["transport", *(f"`{name}`" for name in names), "spread",
              *([f"x {limit}"] if limit else []), "remarks"]
    lines = []
    for row in rows:
        name = name_of(row)
        values = [number(figure, row["figures"][figure]["median"])
                  if figure in row["figures"] else "–" for figure in names]
        lines.append([f"**{name}**" if row["kind"] == "ours" else name,
                      *values, spread_of(row),
                      *([multiple_of(row) or "–"] if limit else []),
                      remarks_on(row, rounds)])
    return table(header, lines, numbers=True)


def state_of(rows):
    """What the machine was like, in words; nothing if nobody looked."""
    row = next((row for row in rows if row.get("line_ns")), None)
    if not row:
        return []
    least, median, most = map(charts.number, row["line_ns"])
    return [f"A cache line took {median} ns to the other CPU meanwhile "
            f"({least} to {most}).", ""]


def machine_part(data):
    """Where and how it was measured."""
    machine = data["machine"]
    rounds = max(map(rounds_of, data["results"]), default=0)
    rows = [("CPU", "{cpu}, {cpus} of them, {arch}"),
            ("kernel", "{kernel}"), ("compiler", "{compiler}"),
            ("flags", "{flags}"), ("libshmipc", "{library}"),
            ("date", "{date}"),
            ("cost of the clock", "{clock_ns} ns, taken off every round trip")]
    filled = [(name, words.format(**machine)) for name, words in rows]
    missing = ", ".join(data.get("missing", [])) or "none"
    return table(["measured on", ""], filled + [
        ("rounds", rounds), ("peers that were not built", missing)])


def goals_part(workloads):
    """What we want, and what was measured."""
    judged = goals.judge(workloads)
    verdicts = [goal.verdict for goal in judged]
    summary = ", ".join(f"{verdicts.count(verdict)} {verdict}"
                        for verdict in goals.VERDICTS)
    return ["## Goals", "", f"Of {len(judged)} goals: {summary}. In "
            "parentheses the rounds' least and largest ratio. What was tried, "
            "and what is in the way, is in [experiments.md](experiments.md).",
            "",
            *table(["goal", "wanted", "measured", "result"],
                   [(goal.name, goal.wanted, goal.measured,
                     goal.verdict if goal.verdict == "met"
                     else f"**{goal.verdict}**") for goal in judged])]


def failures_part(rows):
    """All that went wrong in one place, so that nobody misses it."""
    bad = [row for row in rows if has_failed(row)]
    lines = ["## What went wrong", ""]
    if not bad:
        return lines + ["Nothing hung, failed or lost messages.", ""]
    return lines + table(
        ["transport", "workload", "group", "status", "messages"],
        [(name_of(row), row["workload"], row["group"], f"**{row['status']}**",
          counts_of(row)) for row in bad])


def first_of(rows, kind):
    """The best sound one of a kind, or None; they are in order for peers."""
    found = [row for row in rows
             if row["kind"] == kind and goals.is_sound(row)]
    pick = max if found and goals.is_rate(found[0]) else min
    return pick(found, key=goals.median, default=None)


def lost_to(rows):
    """(ours, peer, how many times better it is), if a peer is the best."""
    ours, peer = first_of(rows, "ours"), first_of(rows, "peer")
    if not ours or not peer:
        return None
    ratio = goals.median(peer) / goals.median(ours)
    if not goals.is_rate(ours):
        ratio = 1 / ratio
    return (ours, peer, ratio) if ratio > 1 else None


def peers_part(workloads):
    """Where somebody else is better."""
    lost = [(f"{workload}: {group}", *found)
            for workload, groups in workloads.items()
            if workload not in INCOMPARABLE
            for group, rows in groups.items() for found in [lost_to(rows)]
            if found]
    lines = ["## Where a peer is ahead", ""]
    if not lost:
        return lines + ["Nowhere in what was measured.", ""]
    return lines + [
        "The best of ours against the best peer, by the group's first figure. "
        "A peer marked † does less: its messages are all of one size.", "",
        *table(["group", "best of ours", "best peer", "which is better by"],
               [(where, f"{ours['transport']}: {value_of(ours)}",
                 f"{name_of(peer)}: {value_of(peer)}", f"{ratio:.2f} times")
                for where, ours, peer, ratio in lost])]


def value_of(row):
    """Its first figure, in words."""
    name, first = next(iter(row["figures"].items()))
    return f"{number(name, first['median'])} {UNITS.get(name, name)}"


def workload_part(workload, groups, drawn):
    """Its charts and tables."""
    about = SECTIONS.get(workload, Section("", [], [])).about
    lines = [f"## {workload.capitalize()}", "", about, ""]
    for file, title, _ in drawn:
        lines += [f"![{title}]({file})", ""]
    for group, rows in groups.items():
        lines += [f"### {workload.capitalize()}: {group}", "",
                  *state_of(rows),
                  *group_table(rows)]
    return lines


def report(data):
    """{file: text} of the report and its charts."""
    workloads = groups_of(data["results"])
    colours = charts.palette(list(dict.fromkeys(
        (name_of(row), style_of(row)) for row in data["results"])))
    parts = ", ".join(f"[{name}](#{name})" for name in workloads)
    lines = ["# Benchmark results", "",
             "Made by `bench/report.py` from [results.json](results.json).",
             "", *machine_part(data), *goals_part(workloads),
             *peers_part(workloads), *failures_part(data["results"]), "## How to read it", "",
             HOW_TO_READ, f"Workloads: {parts}.", ""]
    files = {}
    for workload, groups in workloads.items():
        drawn = charts_of(workload, groups, colours)
        files.update((file, svg) for file, _, svg in drawn)
        lines += workload_part(workload, groups, drawn)
    files["README.md"] = "\n".join(lines).rstrip() + "\n"
    return files


def read_text(path):
    """Of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def make(results, directory, readme):
    """{path: bytes} of all that is made."""
    raw, data = load(results)
    made = {os.path.join(directory, name): words.encode()
            for name, words in report(data).items()}
    made[os.path.join(directory, "results.json")] = raw
    if readme:
        made[readme] = figures.put(read_text(readme), data,
                                   groups_of(data["results"])).encode()
    return made


def check(directory, readme):
    """The exit status; which files are not as they would be made."""
    made = make(os.path.join(directory, "results.json"), directory, readme)
    there = {os.path.join(directory, name) for name in os.listdir(directory)
             if name.endswith(".svg")}
    stale = sorted(there - made.keys())
    for path, content in made.items():
        if not os.path.exists(path):
            stale.append(path)
            continue
        with open(path, "rb") as file:
            if file.read() != content:
                stale.append(path)
    for path in stale:
        print(f"report.py: {path} is not what the results say: run "
              f"report.py {directory}/results.json {directory} {readme}",
              file=sys.stderr)
    return 1 if stale else 0


def write(made, directory):
    """Writes all files."""
    os.makedirs(directory, exist_ok=True)
    for path, content in made.items():
        with open(path, "wb") as file:
            file.write(content)


def main():
    """The exit status."""
    arguments = sys.argv[1:]
    if len(arguments) not in (2, 3):
        print("usage: report.py RESULTS.json DIRECTORY [README], or "
              "report.py --check DIRECTORY README", file=sys.stderr)
        return FAILURE
    try:
        if arguments[0] == "--check":
            return check(*arguments[1:])
        results, directory, readme = [*arguments, None][:3]
        write(make(results, directory, readme), directory)
    except (Refused, OSError) as error:
        print(f"report.py: {error}", file=sys.stderr)
        return FAILURE
    except figures.NoPlace as error:
        print(f"report.py: {readme} {error}", file=sys.stderr)
        return FAILURE
    return 0


if __name__ == "__main__":
    sys.exit(main())
