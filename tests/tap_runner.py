# SPDX-License-Identifier: MIT
"""What tests that are written in Python share: a runner that speaks TAP, and
waiting for what others do."""
import atexit
import sys
import time
import traceback

# Ends a test that hangs; nothing is measured by it.
LIMIT = 60


class Skip(Exception):
    """What cannot be tested here, and why."""


def wait_until(condition, what, limit=LIMIT):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.01)


def run_all(tests, end_all):
    """Runs functions, whose documentation is their names. `end_all` ends what a
    test has left."""
    atexit.register(end_all)
    failures = 0
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        name = " ".join(test.__doc__.split())
        began = time.monotonic()
        try:
            test()
            print(f"ok {number} - {name}")
        except Skip as why:
            print(f"ok {number} - {name} # SKIP {why}")
        except Exception:
            failures += 1
            print(f"not ok {number} - {name}")
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
        finally:
            end_all()
        print(f"# {time.monotonic() - began:.1f} s")
        sys.stdout.flush()
    sys.exit(bool(failures))
