#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Services whose servers are on another machine.

    services.py SHMIPC_BRIDGE SHMIPC FLOW ASKER
"""
import subprocess
import sys
import time

from bridges import (LIMIT, Bridge, Relay, free_port, new_name, run, start,
                     wait_until)

ASKER = sys.argv[4]


def serve(name):
    server = start(ASKER, "serve", name, stdout=subprocess.PIPE)
    assert server.stdout.readline() == "serves\n"
    return server


def pair(relay=False):
    """Names here and there, and both bridges."""
    here, there, port = new_name(), new_name(), free_port()
    far = Bridge("in", "--service", f"tcp://127.0.0.1:{port}", there)
    between = Relay(port) if relay else None
    near = Bridge("out", "--service", here,
                  f"tcp://127.0.0.1:{between.port if relay else port}")
    near.await_line("connected")
    return here, there, near, far, between


def asks(*words):
    return start(ASKER, *words, stdout=subprocess.PIPE)


def answer(process):
    said, _ = process.communicate(timeout=LIMIT)
    return said.strip()


def call(name, count=1, ms=20000, size=10):
    return asks("call", name, count, ms, size)


def calls_are_answered():
    """calls of several clients, of all sizes, are answered from over there"""
    here, there, *_ = pair()
    serve(there)
    sizes = 0, 1, 1000, 60000
    callers = [call(here, 200, size=size) for size in sizes]
    for caller, size in zip(callers, sizes):
        assert answer(caller) == "200 IPC_OK", size


def deadlines_are_kept():
    """a call whose answer is late ends at its deadline, and others are
    answered"""
    here, there, *_ = pair()
    serve(there)
    began = time.monotonic()
    assert answer(asks("wait", here, 500)) == "0 IPC_ERR_TIMEOUT"
    took = time.monotonic() - began
    assert 0.4 < took < 20, took
    assert answer(asks("wait", here, 30000)) == "1 IPC_OK"
    assert answer(call(here)) == "1 IPC_OK"


def nobody_serves():
    """a call is refused when nobody serves over there, and answered when
    somebody does"""
    here, there, *_ = pair()
    assert answer(call(here)) == "0 IPC_ERR_CANCELLED"
    server = serve(there)
    wait_until(lambda: answer(call(here)) == "1 IPC_OK", "it is answered")
    server.kill()
    server.wait()
    assert answer(call(here)) == "0 IPC_ERR_CANCELLED"
    serve(there)
    wait_until(lambda: answer(call(here)) == "1 IPC_OK", "it is answered")


def what_is_too_large_is_refused():
    """a call or an answer that is larger than a message can be is refused"""
    here, there, *_ = pair()
    serve(there)
    assert answer(call(here, size=140000)) == "0 IPC_ERR_CANCELLED"
    assert answer(call(here, size=100000)) == "0 IPC_ERR_CANCELLED"
    assert answer(call(here, size=64000)) == "1 IPC_OK"


def broken_connections():
    """a call that is under way when the connection breaks, or a bridge is
    killed, is refused, and the next one answered"""
    here, there, near, far, relay = pair(relay=True)
    serve(there)
    assert answer(call(here)) == "1 IPC_OK"
    waiting = asks("wait", here, 30000)
    time.sleep(0.5)
    relay.reset()
    assert answer(waiting) == "0 IPC_ERR_CANCELLED"
    wait_until(lambda: answer(call(here)) == "1 IPC_OK", "it is answered")
    waiting = asks("wait", here, 30000)
    time.sleep(0.5)
    far.kill().start()
    assert answer(waiting) == "0 IPC_ERR_CANCELLED"
    wait_until(lambda: answer(call(here)) == "1 IPC_OK", "it is answered")
    waiting = asks("wait", here, 30000)
    time.sleep(0.5)
    near.kill()
    assert answer(waiting) == "0 IPC_ERR_SERVER_DEAD"
    near.start()
    wait_until(lambda: answer(call(here)) == "1 IPC_OK", "it is answered")


if __name__ == "__main__":
    run(calls_are_answered, deadlines_are_kept, nobody_serves,
        what_is_too_large_is_refused, broken_connections)
