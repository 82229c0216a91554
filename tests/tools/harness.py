# SPDX-License-Identifier: MIT
"""What the tests of the tool share: the tool, processes on channels that do
what they are told (actor.c), segments, and a runner that speaks TAP."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from tap_runner import LIMIT, Skip, run_all, wait_until  # noqa: E402

SHM = pathlib.Path("/dev/shm")
TOOL, ACTOR = sys.argv[1:3]
# Of others, on a machine that is used by more than this test.
# A pid comes again, and a test that was killed leaves its names.
PREFIX = f"shmipc-tools-{os.getpid()}-{time.time_ns():x}-"

OK, FOUND, USAGE, FAILED, NO_SUCH, REFUSED = range(6)
ONE_PRODUCER, ONE_CONSUMER, KNOWS_CONSUMERS, BROADCAST = 1, 2, 16, 32

actors = []
names = set()


def tool(*arguments, env=None, **options):
    """Runs the tool; .stdout and .stderr are text."""
    where = dict(os.environ, LC_ALL="C.UTF-8", **(env or {}))
    done = subprocess.run([TOOL, *map(str, arguments)], capture_output=True,
                          timeout=LIMIT, env=where, check=False, **options)
    done.stdout = done.stdout.decode(errors="replace")
    done.stderr = done.stderr.decode(errors="replace")
    assert done.returncode >= 0, f"{arguments}: signal {-done.returncode}"
    return done


def tool_json(*arguments, code=None):
    done = tool(*arguments, "--json")
    assert code is None or done.returncode == code, (
        f"{arguments}: {done.returncode}, not {code}\n{done.stdout}"
        f"{done.stderr}")
    return json.loads(done.stdout)


def listed(*arguments):
    return {s["name"]: s for s in tool_json("ls", *arguments, code=OK)}


def new_name():
    name = f"{PREFIX}{len(names)}"
    names.add(name)
    return name


def path_of(name):
    return SHM / name


class Actor:
    """A process on a channel."""

    def __init__(self, name, how="create", size=65536, flags=0):
        self.process = subprocess.Popen(
            [ACTOR, "/" + name, str(size), str(flags), how], bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        actors.append(self)
        answer = self.process.stdout.readline().decode().strip()
        assert answer == "ok", answer

    def order(self, text):
        self.process.stdin.write(text.encode() + b"\n")

    def tell(self, *orders):
        """Gives orders, and returns the answer to the last one."""
        answer = None
        for text in orders:
            self.order(text)
            answer = self.process.stdout.readline().decode().strip()
        return answer

    def does(self, *orders):
        for text in orders:
            answer = self.tell(text)
            assert answer == "ok", f"{text}: {answer}"
        return self

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: state_of(self.pid) == "T", "it stops")
        return self

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()
        return self

    def leave(self):
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def reserving_in_a_container(name):
    """A process of a pid namespace inside of ours that has a reservation open;
    what is given is its parent, in our namespace."""
    if not shutil.which("unshare"):
        raise Skip("there is no unshare")
    with subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
             ACTOR, "/" + name, "65536", "0", "join"], bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE) as container:
        try:
            if container.stdout.readline() != b"ok\n":
                raise Skip("namespaces are not permitted here")
            container.stdin.write(b"reserve 100\n")
            container.stdout.readline()
            yield container
        finally:
            container.kill()


def state_of(pid):
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return text.rsplit(")", 1)[1].split()[0]


def codes(findings):
    return {f["code"] for f in findings}


def text_of(findings, code):
    found, = [f for f in findings if f["code"] == code]
    assert found["advice"]
    return found["text"]


def end_all():
    for actor in actors:
        if actor.process.poll() is None:
            actor.kill()
        for stream in (actor.process.stdin, actor.process.stdout):
            # What is unsent has nobody to read it.
            with contextlib.suppress(OSError):
                stream.close()
    actors.clear()
    for name in names:
        path_of(name).unlink(missing_ok=True)


def run(*tests):
    """Runs functions, whose documentation is their names."""
    run_all(tests, end_all)
