#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests the harness, not speed: every workload runs, what it writes is JSON
with a figure in each row, and a message that gets lost is an error.

    smoke.py BENCH [WORKLOAD...]
"""
import json
import os
import subprocess
import sys
import tempfile

TINY = ["-r", "1", "-s", "0.01", "-t", "100", "-z", "64"]


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
    if row["status"] != "ok":
        return [f"{name}: {row['status']}"]
    return [f"{name}: {figure} has no value"
            for figure, values in row["figures"].items()
            if len(values["rounds"]) != 1] or (
                [] if row["figures"] else [f"{name}: no figures"])


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

    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
