#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shmipc perf: that it measures something, and says nothing that it has not
measured.

    perf.py SHMIPC [TEST]...
"""
import json
import os
import re

from tool import OK, PATIENCE, USAGE, ToolTest, main, run

SHORT = ("--rounds=500", "--seconds=50ms")
SHARES = ("min_ns", "p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "max_ns")


def on_one_cpu():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


class Perf(ToolTest):
    def report(self, *arguments, **options):
        done = self.check(run("perf", "--json", *SHORT, *arguments, **options),
                          OK)
        return json.loads(done.stdout)

    def check_latencies(self, report, names):
        self.assertEqual(set(report["latency"]), set(names))
        for name, values in report["latency"].items():
            with self.subTest(name=name):
                self.assertEqual(values["samples"], 500)
                times = [values[share] for share in SHARES]
                self.assertGreater(times[0], 0)
                self.assertEqual(times, sorted(times))
                self.assertLess(times[-1], PATIENCE * 10**9)

    def test_figures_are_there_and_in_order(self):
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("this process may run on one CPU only")
        report = self.report()
        self.check_latencies(report, ("polled_one_one", "polled_many_many",
                                      "asleep_many_many"))
        limits = report["limits"]
        self.assertGreater(limits["line_ns"], 0)
        self.assertGreater(limits["memcpy_hot_bytes_per_second"], 0)
        self.assertGreater(limits["memcpy_cold_bytes_per_second"], 0)
        self.assertEqual(
            [(flow["one_one"], flow["size"], flow["batch"])
             for flow in report["throughput"]],
            [(one, *what) for one in (True, False)
             for what in ((64, 1), (64, 64), (65536, 1))])
        for flow in report["throughput"]:
            self.assertGreater(flow["messages_per_second"], 0)
            self.assertAlmostEqual(
                flow["bytes_per_second"],
                flow["messages_per_second"] * flow["size"], places=0)

    def test_percentiles_are_rounded_up_to_times_that_occurred(self):
        done = self.check(run("perf", "--json", "--rounds=2", "--seconds=10ms",
                              preexec_fn=on_one_cpu), OK)
        values = json.loads(done.stdout)["latency"]["asleep_many_many"]
        self.assertEqual(values["p50_ns"], values["min_ns"])
        self.assertEqual(values["p90_ns"], values["max_ns"])
        self.assertEqual(values["p99_9_ns"], values["max_ns"])

    def test_on_one_cpu_nothing_polls(self):
        report = self.report(preexec_fn=on_one_cpu)
        self.check_latencies(report, ["asleep_many_many"])
        self.assertNotIn("line_ns", report["limits"])

    def test_other_sizes_can_be_measured(self):
        for size in 1, 4096, 1 << 20:
            with self.subTest(size=size):
                report = self.report("--size", size, preexec_fn=on_one_cpu)
                self.assertEqual(report["size"], size)
                self.assertEqual(report["throughput"][0]["size"], size)

    def test_the_histogram_holds_every_sample(self):
        done = self.check(run("perf", *SHORT), OK)
        text = done.stdout.decode()
        parts = re.split(r"^Latency, one way, ", text, flags=re.M)[1:]
        self.assertGreater(len(parts), 0)
        for part in parts:
            rows = re.findall(r"^ +(\d+) (?:to +(\d+)|and more +) ns +(\d+)(?: #+)?$",
                              part, re.M)
            self.assertEqual(sum(int(count) for *_, count in rows), 500, part)
            least = int(re.search(r"min (\d+) ns", part).group(1))
            self.assertEqual(int(rows[0][0]), least)
            # One row begins where the other ends, and the last has no end.
            for before, after in zip(rows, rows[1:]):
                self.assertEqual(int(before[1]) + 1, int(after[0]))
            self.assertEqual(rows[-1][1], "")
            self.assertLessEqual(max(map(len, part.splitlines())), 80, part)

    def test_wrong_values_are_told(self):
        for argument in ("--size=0", "--size=17M", "--rounds=0", "--seconds=0",
                         "--rounds=x", "name"):
            with self.subTest(argument=argument):
                self.check(run("perf", argument), USAGE)


if __name__ == "__main__":
    main()
