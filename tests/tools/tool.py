# SPDX-License-Identifier: MIT
"""What the tests of the tool have in common: a channel's name that is gone
afterwards, and running the tool."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

SHMIPC = sys.argv[1] if len(sys.argv) > 1 else "shmipc"
# What should be done at once takes no longer on the slowest machine.
PATIENCE = 60

# The tool keeps what it finds ignored, and so would a test under nohup.
signal.signal(signal.SIGINT, signal.default_int_handler)
for ending in signal.SIGHUP, signal.SIGTERM:
    signal.signal(ending, signal.SIG_DFL)

OK, FOUND, USAGE, FAILED, NO_SUCH, REFUSED, TIMEOUT, CLOSED = range(8)


def segment(name):
    return pathlib.Path("/dev/shm" + name)


def run(*arguments, **options):
    """The tool, to its end: with returncode, stdout and stderr."""
    return subprocess.run([SHMIPC, *map(str, arguments)], timeout=PATIENCE,
                          check=False, **{"stdout": subprocess.PIPE,
                                          "stderr": subprocess.PIPE, **options})


@contextlib.contextmanager
def started(*arguments, **options):
    """The tool, running; killed if it is still there in the end."""
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE,
               "stderr": subprocess.PIPE, **options}
    with subprocess.Popen([SHMIPC, *map(str, arguments)],
                          **options) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


class ToolTest(unittest.TestCase):
    """Each test has self.name, the name of a channel that is not there yet."""
    def setUp(self):
        self.name = self.fresh_name()

    def fresh_name(self):
        # Pids come again, and a test that was killed leaves its names.
        name = f"/shmipc-test-{os.getpid()}-{time.time_ns():x}"
        self.addCleanup(segment(name).unlink, missing_ok=True)
        return name

    def check(self, done, code):
        """That it ended so; shows what it wrote if not."""
        self.assertEqual(done.returncode, code, done.stderr)
        return done


def main():
    """Runs the tests of the script that calls this; its first argument is the
    tool, and others are names of tests."""
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
