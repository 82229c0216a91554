#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two bridges with keys in two network namespaces, and a bad network between
them.

    network.py SHMIPC_BRIDGE SHMIPC FLOW [MESSAGES KILLS]

With KILLS: so many SIGKILLs of both, and half as many resets, and so many
messages at least. Figures are at the end.
"""
import pathlib
import random
import subprocess
import sys
import tempfile
import time

from badnet import FAR, BadNet
from bridges import (BRIDGE, LIMIT, Bridge, create, must_end, new_name, read, run,
                     wait_until, write)

MESSAGES = int(sys.argv[4]) if sys.argv[4:] else 60000
KILLS = int(sys.argv[5]) if sys.argv[5:] else 6
PORT = 7070
DIRECTORY = tempfile.TemporaryDirectory()


def keys():
    here = pathlib.Path(DIRECTORY.name)
    for name in "near", "far":
        if not (here / f"{name}.key").exists():
            subprocess.run([BRIDGE, "keygen", here / name], check=True,
                           timeout=LIMIT)
    return ((f"--key={here}/near.key", f"--server={here}/far.pub"),
            (f"--key={here}/far.key", f"--allow={here}/near.pub"))


def pair_over(net):
    near, far = new_name(), new_name()
    create(near, "--one-consumer")
    create(far, "--one-producer")
    out_keys, in_keys = keys()
    there = Bridge("in", *in_keys, f"tcp://*:{PORT}", far,
                   prefix=net.far.prefix)
    here = Bridge("out", *out_keys, near, f"tcp://{FAR}:{PORT}",
                  prefix=net.near.prefix)
    return near, far, here, there


def a_bad_network():
    """messages come out once and in order through loss, doubled packets,
    delay, packets that overtake each other, and resets of the connection"""
    net = BadNet(loss=0.01, double=0.01, delay=0.002, jitter=0.004)
    try:
        near, far, here, _ = pair_over(net)
        here.await_line("connected")
        writer, reader = write(near, MESSAGES), read(far, MESSAGES)
        while reader.poll() is None:
            net.reset()
            time.sleep(0.3)
        must_end(writer, reader)
        assert sessions_of(here) > 1 and net.lost > 0, (here.log, net.lost)
    finally:
        net.close()


def a_cut_cable():
    """the same when the cable is cut for a while"""
    net = BadNet(delay=0.001)
    try:
        near, far, here, _ = pair_over(net)
        here.await_line("connected")
        writer, reader = write(near, MESSAGES), read(far, MESSAGES)
        time.sleep(0.1)
        net.is_cut = True
        time.sleep(2)
        net.is_cut = False
        must_end(writer, reader)
    finally:
        net.close()


def sessions_of(bridge):
    return sum("connected" in line for line in bridge.log)


def kills_on_a_bad_network():
    """the same with both bridges killed, and connections reset, again and
    again"""
    net = BadNet(loss=0.005, double=0.005, delay=0.0005, jitter=0.002)
    kills = [0, 0]
    messages = 0
    began = time.monotonic()
    try:
        near, far, here, there = pair_over(net)
        while sum(kills) < KILLS or messages < MESSAGES:
            some = max(MESSAGES // 10, 1)
            writer, reader = write(near, some), read(far, some)
            while reader.poll() is None:
                time.sleep(random.uniform(0.01, 0.4))
                if sum(kills) < KILLS:
                    which = random.randrange(2)
                    (here, there)[which].kill().start()
                    kills[which] += 1
                    if sum(kills) % 2:
                        time.sleep(random.uniform(0, 0.2))
                        net.reset()
                    # A machine may be so busy that each is killed before it
                    # has done anything.
                    if sum(kills) % 10 == 0:
                        before = sessions_of(here)
                        wait_until(lambda: sessions_of(here) > before,
                                   "both are connected")
            must_end(writer, reader)
            messages += some
            print(f"# {messages} messages, {sum(kills)} kills, "
                  f"{net.resets} resets, {time.monotonic() - began:.0f} s",
                  flush=True)
        assert KILLS < 2 or net.resets > 0
        print(f"# {messages} messages, {kills[0]} kills of the near and "
              f"{kills[1]} of the far bridge, {net.passed} packets passed, "
              f"{net.lost} lost, {net.resets} resets, {sessions_of(here)} "
              f"sessions, {time.monotonic() - began:.0f} s")
    except AssertionError:
        print("# kills", kills, "resets", net.resets, net.resets_due, "passed",
              net.passed, "after", messages, "messages, the near bridge said",
              here.log[-12:], "the far one", there.log[-12:])
        raise
    finally:
        net.close()


if __name__ == "__main__":
    run(a_bad_network, a_cut_cable, kills_on_a_bad_network)
