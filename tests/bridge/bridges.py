# SPDX-License-Identifier: MIT
"""What the tests of bridges share: bridges, writers and readers as processes,
a relay between two ports that can be cut, and a runner that speaks TAP."""
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from tap_runner import LIMIT, Skip, run_all, wait_until  # noqa: E402

SHM = pathlib.Path("/dev/shm")
BRIDGE, TOOL, FLOW = sys.argv[1:4]
# A pid comes again, and a test that was killed leaves its names.
PREFIX = f"shmipc-bridge-test-{os.getpid()}-{time.time_ns():x}-"

processes = []
relays = []
names = set()


def new_name():
    name = f"{PREFIX}{len(names)}"
    names.add(name)
    return name


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(*arguments, **options):
    process = subprocess.Popen([*map(str, arguments)], text=True, **options)
    processes.append(process)
    return process


class Bridge:
    """One side, which can be killed and started again as it was."""

    def __init__(self, *arguments, prefix=()):
        self.arguments = arguments
        self.prefix = prefix
        self.log = []
        self.start()

    def start(self):
        self.process = start(*self.prefix, BRIDGE, *self.arguments,
                             stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self.follow, daemon=True,
                                       args=(self.process,))
        self.reader.start()
        return self

    def follow(self, process):
        for line in process.stderr:
            self.log.append(line.rstrip("\n"))

    def says(self, text):
        return any(text in line for line in self.log)

    def await_line(self, text):
        wait_until(lambda: self.says(text), f"{text!r} in {self.log}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        return self

    def end(self, number=signal.SIGTERM):
        """Asks it to end, which it does by itself."""
        self.process.send_signal(number)
        code = self.process.wait(LIMIT)
        self.reader.join(LIMIT)
        assert code == 0, f"{code}: {self.log}"


def out(name, port, *options, **more):
    return Bridge("out", *options, name, f"tcp://127.0.0.1:{port}", **more)


def into(port, name, *options, **more):
    return Bridge("in", *options, f"tcp://127.0.0.1:{port}", name, **more)


def create(name, *options):
    subprocess.run([TOOL, "create", *options, name], check=True,
                   timeout=LIMIT)


def write(name, count, source=0, largest=64, first=0):
    return start(FLOW, "write", name, count, source, largest, first)


def read(name, count, sources=1, largest=64, seconds=LIMIT):
    return start(FLOW, "read", name, count, sources, largest, seconds,
                 stdout=subprocess.PIPE)


def must_end(*those, limit=3 * LIMIT):
    """Writers, and readers who say ok."""
    for process in those:
        said, _ = process.communicate(timeout=limit)
        assert process.returncode == 0 and said in (None, "ok\n"), \
            f"{process.args}: {process.returncode} {said}"


def gaps(name, seconds=2, largest=64):
    """Reads what comes: how many, gaps, the last number."""
    done = subprocess.run([FLOW, "gaps", name, str(seconds), str(largest)],
                          capture_output=True, text=True, timeout=LIMIT,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    words = done.stdout.replace(",", "").split()
    return int(words[0]), int(words[2]), int(words[5])


def try_to_write(name, largest=64):
    """Until there is no space: how many."""
    done = subprocess.run([FLOW, "try", name, "0", str(largest)], timeout=LIMIT,
                          capture_output=True, text=True, check=True)
    return int(done.stdout)


class Relay:
    """Passes what comes to a port on to another one, both ways. Connections
    can be reset, and what passes can be held up or thrown away."""

    def __init__(self, to):
        self.to = to
        self.pairs = []
        self.accepted = 0
        self.holds = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        relays.append(self)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.to), 5)
            except OSError:
                near.close()
                continue
            self.accepted += 1
            self.pairs.append((near, far))
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(a, b),
                                 daemon=True).start()

    def carry(self, source, target):
        try:
            while True:
                data = source.recv(1 << 16)
                while self.holds:
                    time.sleep(0.01)
                if not data:
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def reset(self):
        """As if a router in between had forgotten all connections."""
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                try:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
                    end.shutdown(socket.SHUT_RDWR)
                    end.close()
                except OSError:
                    pass

    def close(self):
        self.holds = False
        self.listener.close()
        self.reset()


def pair(near=None, far=None, relay=False):
    """Names, and both bridges between them."""
    near, far = near or new_name(), far or new_name()
    port = free_port()
    there = into(port, far)
    between = Relay(port) if relay else None
    here = out(near, between.port if relay else port)
    return near, far, here, there, between


def end_all():
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()
    processes.clear()
    for relay in relays:
        relay.close()
    relays.clear()
    for name in names:
        for path in SHM.glob(name + "*"):
            path.unlink(missing_ok=True)


def run(*tests):
    """Runs functions, whose documentation is their names."""
    run_all(tests, end_all)
