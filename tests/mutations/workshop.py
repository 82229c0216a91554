# SPDX-License-Identifier: MIT
"""A copy of the tree with a build of its own, in which the library may be
broken, and its tests."""
import concurrent.futures
import contextlib
import fnmatch
import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field

SKIPPED = 77
MODEL_VIOLATION = 1
MODEL_TIMEOUT_S = 300
STEPPER_TIMEOUT_S = 300


class DoesNotBuild(Exception):
    pass


class Broken(Exception):
    """The workshop itself does not work, or a test that is named is none."""


@dataclass
class Test:
    name: str  # "suite/name"
    command: list
    timeout: float
    tap: bool = False
    parallel: bool = True
    env: dict = field(default_factory=dict)
    directory: str = None
    files: list = field(default_factory=list)  # what has to be built for it


def is_build_directory(path):
    return os.path.isdir(os.path.join(path, "meson-private"))


def files_below(top):
    for where, directories, files in os.walk(top):
        directories[:] = [d for d in directories if not d.startswith(".") and
                          d != "__pycache__" and
                          not is_build_directory(os.path.join(where, d))]
        for name in files:
            yield os.path.relpath(os.path.join(where, name), top)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def synchronise(source, copy):
    """Makes the copy equal; what is equal already stays untouched."""
    wanted = set(files_below(source))
    for name in set(files_below(copy)) - wanted:
        os.remove(os.path.join(copy, name))
    for name in sorted(wanted):
        original, mine = os.path.join(source, name), os.path.join(copy, name)
        if not os.path.exists(mine) or read(mine) != read(original):
            os.makedirs(os.path.dirname(mine), exist_ok=True)
            shutil.copyfile(original, mine)
            shutil.copymode(original, mine)


class Workshop:
    def __init__(self, source, directory, jobs=1, options=()):
        self.directory = os.path.realpath(directory)
        self.tree = os.path.join(self.directory, "tree")
        self.lib = os.path.join(self.tree, "lib")
        self.build_dir = os.path.join(self.directory, "build")
        self.jobs = jobs
        synchronise(source, self.tree)
        if not is_build_directory(self.build_dir):
            self.call(["meson", "setup", *options, self.build_dir, self.tree])
        self.targets = {t["id"]: t["filename"]
                        for t in self.introspect("--targets")}
        self.tests = {t.name: t for t in map(self.as_test,
                                             self.introspect("--tests"))}

    def call(self, command):
        result = subprocess.run(command, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)
        if result.returncode:
            raise Broken(result.stdout)
        return result.stdout

    def introspect(self, what):
        # Meson looks whether the build description has changed.
        if what == "--targets":
            self.call(["ninja", "-C", self.build_dir, "build.ninja"])
        return json.loads(self.call(["meson", "introspect", what,
                                     self.build_dir]))

    def as_test(self, t):
        suite = t["suite"][0].split(":")[-1]
        return Test(f"{suite}/{t['name']}", t["cmd"], t["timeout"],
                    t["protocol"] == "tap", t["is_parallel"], t["env"],
                    t["workdir"], self.files_of(t["depends"]))

    def files_of(self, ids):
        return [name for i in ids for name in self.targets[i]]

    # ------------------------------------------------------------- tests

    def find(self, name):
        """The test of that name: as Mutation.tests has it."""
        if name.startswith("model "):
            files = [f for i, fs in self.targets.items() for f in fs
                     if os.path.basename(f) == "model"]
            return Test(name, files + shlex.split(name)[1:], MODEL_TIMEOUT_S,
                        files=files)
        if name.startswith("crash "):
            files = [f for i, fs in self.targets.items() for f in fs
                     if os.path.basename(f) == "stepper"]
            return Test(name, [*files, "-1", *shlex.split(name)[1:]],
                        STEPPER_TIMEOUT_S, files=files)
        if name not in self.tests:
            raise Broken(f"there is no test \"{name}\"")
        return self.tests[name]

    def select(self, patterns):
        """The tests that fit one of the patterns, in the patterns' order."""
        names = []
        for pattern in patterns:
            names += sorted(n for n in self.tests
                            if fnmatch.fnmatch(n, pattern) and n not in names)
        return [self.tests[n] for n in names]

    def why_skipped(self, test):
        """Why this build has no such test, or None: see tests/skip.sh."""
        if os.path.basename(test.command[0]) == "skip.sh":
            return " ".join(test.command[1:])
        return None

    def build(self, tests):
        files = sorted({os.path.relpath(f, self.build_dir)
                        for t in tests for f in t.files})
        if not files:
            return
        result = subprocess.run(
            ["ninja", "-C", self.build_dir, "-j", str(self.jobs), *files],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode:
            raise DoesNotBuild(result.stdout)

    def prints(self, test):
        """Tells whether two builds of a test can differ at all."""
        libraries = [f for fs in self.targets.values() for f in fs
                     if ".so" in f]
        digest = hashlib.sha256()
        for path in sorted(set(test.files + libraries)):
            if os.path.exists(path):
                digest.update(read(path))
        return digest.hexdigest()

    @contextlib.contextmanager
    def broken(self, path):
        """Whatever is done to that file, it is itself again afterwards."""
        whole = read(path)
        try:
            yield path
        finally:
            with open(path, "wb") as f:
                f.write(whole)

    def fails(self, test, stop, limit=None):
        """Why the test fails, or None."""
        env = dict(os.environ, MALLOC_PERTURB_="85", **test.env)
        child = subprocess.Popen(
            test.command, cwd=test.directory or self.build_dir, env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True)
        output = []
        reader = threading.Thread(
            target=lambda: output.append(child.stdout.read()))
        reader.start()
        end = time.monotonic() + (limit or test.timeout)
        why = None
        while child.poll() is None and why is None:
            if time.monotonic() > end:
                why = "does not end"
                stop.set()
            elif stop.is_set():
                why = "stopped"
            else:
                time.sleep(0.02)
        # Also what a test that failed has left: it holds the pipe open.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if why:
            self.kill_leftovers()
        reader.join()
        if stop.is_set() and not why:
            why = "stopped"  # or killed as a leftover
        return why or verdict(test, child.returncode, output[0])

    def kill_leftovers(self):
        """Criterion's workers are no children of the test's process group."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/exe").startswith(
                        self.build_dir + os.sep):
                    os.kill(int(pid), signal.SIGKILL)

    def first_failure(self, tests, limit=lambda test: None):
        """(test, why) of a test that fails, or None if all pass."""
        stop = threading.Event()
        failures = []

        def run(test):
            if stop.is_set():
                return
            why = self.fails(test, stop, limit(test))
            if why and why != "stopped":
                failures.append((test, why))
                stop.set()

        together = [t for t in tests if t.parallel]
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(run, together))
        for test in tests:
            if not test.parallel:
                run(test)
        return failures[0] if failures else None


def verdict(test, code, output):
    """Why a test that ended with that failed, or None."""
    if test.name.startswith("model "):
        if code == MODEL_VIOLATION:
            lines = [l for l in output.splitlines() if "VIOLATION" in l]
            return lines[0] if lines else "violation"
        if code:
            raise Broken(f"the model checker does not work:\n{output}")
        return None
    if code == SKIPPED:
        return None
    if code and test.name.startswith("crash "):
        lines = [l for l in output.splitlines() if " at state " in l]
        return lines[0] if lines else f"exit {code}"
    if code:
        return f"exit {code}"
    if test.tap:
        bad = [l for l in output.splitlines() if l.startswith("not ok")]
        return " ".join(bad[0].split()[2:]).lstrip("- ") if bad else None
    return None
