#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests the harness, not speed: every workload runs, what it writes is JSON
with a figure in each row, and a message that gets lost is an error. And the
report: it shows all that went wrong, and judges by the numbers.

    smoke.py BENCH [WORKLOAD...]
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from xml.etree import ElementTree

import figures

BEGIN, END = figures.BEGIN, figures.END
TINY = ["-r", "1", "-s", "0.01", "-t", "100", "-z", "64"]
REPORT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "report.py")

MEMORY = "memory, all sizes: messages in 1 MiB, over those that fit with " \
         "12.5 % and 4 KiB beyond blocks of payload"
# What the report has to say of made_up().
VERDICTS = {
    "latency, 64 bytes, one/one: over one cache line": "met",
    "latency, 64 bytes, one/one: over each peer": "met",
    "latency, 64 bytes, many/many: over one cache line": "**not met**",
    "latency, 64 bytes, many/many: over each peer": "**not met**",
    "throughput 1x1, 8 bytes, one/one: over each peer": "**not measured**",
    "wake on one CPU, shmipc channel 1/1, futex: over its bare primitive":
        "**not met**",
    MEMORY: "met",
}


def run(bench, *arguments):
    """Exit status and results of one run."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "results.json")
        status = subprocess.run([bench, *TINY, "-o", path, *arguments],
                                check=False).returncode
        with open(path, encoding="utf-8") as file:
            return status, json.load(file)


def complaints_about(row):
    """What is wrong with a row of a transport that works."""
    if row["kind"] != "ours" or row["status"] == "unavailable":
        return []
    name = "{workload}, {group}, {transport}".format(**row)
    if len(os.sched_getaffinity(0)) > 1 and not row.get("line_ns"):
        return [f"{name}: nobody says how far the CPUs were"]
    if row["status"] != "ok":
        return [f"{name}: {row['status']}"]
    return [f"{name}: {figure} has no value"
            for figure, values in row["figures"].items()
            if len(values["rounds"]) != 1] or (
                [] if row["figures"] else [f"{name}: no figures"])


# ----------------------------------------------------------------- report

def row_of(group, transport, kind, values, **other):
    """A row as the benchmark writes it, made up."""
    row = {"workload": "latency", "group": group, "transport": transport,
           "kind": kind, "fixed_slot": False, "size": 64, "status": "ok",
           "sent": 10, "received": 10, "wrong": 0, "note": "", **other}
    figure = "messages" if row["workload"] == "memory" else "mean_ns"
    middle = sorted(values)[len(values) // 2] if values else None
    row["figures"] = {figure: {"median": middle, "min": min(values),
                               "max": max(values), "rounds": values}
                      } if values else {}
    if values:
        row.update(limit="one line", limit_value=50, multiple=middle / 50,
                   line_ns=[40, 50, 60])
    return row


def made_up():
    """
    Results in which goals are met and missed, and peers go wrong: the fastest
    one is no measure, since it lost messages. One of ours meets its goal by the
    rounds' own ratios (1.08), and would not by that of the medians (1.16).
    """
    rows = [
        row_of("64 bytes", "limit: one cache line", "limit", [50, 40, 60]),
        row_of("64 bytes", "shmipc one/one", "ours", [54, 58, 62]),
        row_of("64 bytes", "shmipc many/many", "ours", [80, 66, 95]),
        row_of("64 bytes", "swift <&> | sound", "peer", [70, 60, 90]),
        row_of("64 bytes", "slots", "peer", [300, 300, 300], fixed_slot=True),
        row_of("64 bytes", "sloppy", "peer", [10, 9, 11], status="wrong",
               received=8, wrong=1),
        row_of("64 bytes", "stuck", "peer", [], status="hung", received=3),
        row_of("64 bytes", "absent", "peer", [], status="unavailable"),
        row_of("256 bytes", "shmipc one/one", "ours", [90, 80, 99]),
        row_of("256 bytes", "stuck", "peer", [], status="hung", received=3),
        row_of("both on one CPU", "limit: bare futex", "limit", [1000],
               workload="wake"),
        row_of("both on one CPU", "shmipc channel 1/1, futex", "ours", [],
               workload="wake", status="hung"),
        row_of("64 bytes", "shmipc one/one", "ours", [14530],
               workload="memory"),
    ]
    machine = {"cpu": "a & b", "cpus": 2, "arch": "none", "kernel": "Kernel 7",
               "compiler": "cc", "flags": "", "library": "0", "date": "now",
               "clock_ns": 1.0}
    return {"schema": 1, "machine": machine, "missing": ["Nobody"],
            "results": rows}


def run_report(*arguments):
    """Its exit status and complaint; -B: it leaves nothing beside itself."""
    done = subprocess.run([sys.executable, "-B", REPORT, *arguments],
                          stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stderr


def report_on(results):
    """Exit status, complaint, and {file: content} of what is written."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "in.json")
        to = os.path.join(directory, "a", "report")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(results, file)
        status, complaint = run_report(path, to)
        files = {}
        for name in os.listdir(to) if os.path.isdir(to) else []:
            with open(os.path.join(to, name), encoding="utf-8") as file:
                files[name] = file.read()
        return status, complaint, files


def complaints_about_report(results):
    """What is wrong with the report on any results, and its text."""
    status, complaint, files = report_on(results)
    text = files.get("README.md", "")
    charts = {name for name in files if name.endswith(".svg")}
    complaints = []
    if status != 0:
        complaints.append(f"exit status {status}, {complaint}")
    if f"| {results['machine']['kernel']} |" not in text:
        complaints.append("the kernel is missing")
    if not charts or set(re.findall(r"\]\((\S*\.svg)\)", text)) != charts:
        complaints.append(f"shows others than the charts {sorted(charts)}")
    if json.loads(files.get("results.json", "{}")) != results:
        complaints.append("no copy of the results")
    if report_on(results)[2] != files:
        complaints.append("is not the same when made again")
    for name in sorted(charts):
        try:
            ElementTree.fromstring(files[name])
        except ElementTree.ParseError as error:
            complaints.append(f"{name}: {error}")
    return ["report: " + complaint for complaint in complaints], text


def complaints_about_goals(text, verdicts):
    """Which goals the report judges otherwise."""
    return [f"report: {goal}: not {verdict}"
            for goal, verdict in verdicts.items()
            if not any(line.startswith(f"| {goal} |")
                       and line.endswith(f"| {verdict} |")
                       for line in text.split("\n"))]


def complaints_about_judgement():
    """What the report says wrongly, or not at all, of made-up results."""
    complaints, text = complaints_about_report(made_up())
    complaints += complaints_about_goals(text, VERDICTS)
    wasteful = made_up()
    wasteful["results"][-1]["status"] = "wrong"
    complaints += complaints_about_goals(
        report_on(wasteful)[2].get("README.md", ""), {MEMORY: "**not met**"})
    for words in [
            "| sloppy | latency | 64 bytes | **wrong** | sent 10, received 8,",
            "| stuck | latency | 256 bytes | **hung** | sent 10, received 3,",
            "**hung**: sent 10, received 3, wrong 0; 0 of 3 rounds |",
            "A cache line took 50.0 ns to the other CPU meanwhile (40.0 to "
            "60.0).", "| slots † | 300 |",
            "| absent | – | – | – | unavailable |", "| **shmipc one/one** |",
            "| 1.080 (1.033 to 1.450) x limit: one cache line |"]:
        if words not in text:
            complaints.append(f"report: lacks {words}")
    return complaints


def made_up_defeat():
    """The same, but one that is sound is faster than all of ours."""
    results = made_up()
    results["results"][3]["figures"]["mean_ns"]["median"] = 29
    return results


def complaints_about_defeats():
    """Whether the report says so, and says nothing where it is not so."""
    line = "| latency: 64 bytes | shmipc one/one: 58.0 ns, one way | swift "
    complaints = []
    for results, wanted in ((made_up(), False), (made_up_defeat(), True)):
        text = report_on(results)[2].get("README.md", "")
        found = [row for row in text.split("\n") if row.startswith(line)]
        if bool(found) != wanted or (wanted and "2.00 times" not in found[0]):
            complaints.append(f"report: a peer is ahead: {found}")
    return complaints


def complaints_about_figures():
    """What is wrong with the figures in a README, and with the look at it."""
    complaints = []
    with tempfile.TemporaryDirectory() as directory:
        results = os.path.join(directory, "results.json")
        readme = os.path.join(directory, "README")
        with open(results, "w", encoding="utf-8") as file:
            json.dump(made_up(), file)
        for text, wanted in (("nothing", 2), (f"a\n{BEGIN}old\n{END}b\n", 0)):
            with open(readme, "w", encoding="utf-8") as file:
                file.write(text)
            status, complaint = run_report(results, directory, readme)
            if status != wanted or complaint.count("\n") != (wanted == 2):
                complaints.append(f"figures: {status}, {complaint}")
        with open(readme, encoding="utf-8") as file:
            text = file.read()
        if "old" in text or "| **shmipc one/one** |  | 58.0 |" not in text \
                or "| stuck" in text or not text.endswith(f"{END}b\n"):
            complaints.append(f"figures: {text}")
        complaints += [f"figures: check: {words}" for words in
                       complaints_about_check(directory, readme)]
    return complaints


def complaints_about_check(directory, readme):
    """It sees what is stale, and nothing else."""
    first = run_report("--check", directory, readme)
    with open(readme, "a", encoding="utf-8") as file:
        file.write("more is the reader's")
    second = run_report("--check", directory, readme)
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    with open(readme, "w", encoding="utf-8") as file:
        file.write(text.replace("58.0", "57.0"))
    third = run_report("--check", directory, readme)
    with open(os.path.join(directory, "x.svg"), "w", encoding="utf-8"):
        fourth = run_report("--check", directory, readme)
    found = [first[0], second[0], third[0], third[1].count("\n"),
             fourth[1].count("\n")]
    return [] if found == [0, 0, 1, 1, 2] else [f"{found}, {fourth[1]}"]


def complaints_about_refusals():
    """What the report should not have been made of."""
    status, complaint, files = report_on({**made_up(), "schema": 2})
    complaints = [f"report: schema 2: exit status {status}, {complaint}"
                  ] if status != 2 or "schema" not in complaint or files else []
    for arguments in ([], ["/"], ["/", "/nowhere"], [__file__, "/nowhere"],
                      ["/", "/", "/"]):
        status, complaint = run_report(*arguments)
        if status != 2 or complaint.count("\n") != 1:
            complaints.append(f"report: {arguments}: {status}, {complaint}")
    return complaints


def main():
    bench, workloads = sys.argv[1], sys.argv[2:]
    complaints = []

    status, good = run(bench, "-p", "shmipc", *workloads)
    if status != 0:
        complaints.append(f"exit status {status}")
    for row in good["results"]:
        complaints += complaints_about(row)
    measured = {row["workload"] for row in good["results"]}
    complaints += [f"no results of {name}" for name in workloads
                   if name not in measured]

    status, bad = run(bench, "-p", "lossy", "throughput")
    lossy = [row["status"] for row in bad["results"]
             if row["transport"] == "lossy"]
    if status != 1 or not lossy or set(lossy) != {"wrong"}:
        complaints.append(f"lost messages: exit status {status}, {lossy}")

    complaints += complaints_about_report(good)[0]
    complaints += complaints_about_judgement() + complaints_about_refusals()
    complaints += complaints_about_defeats() + complaints_about_figures()

    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
