#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Much data through `shmipc send | shmipc recv`, with equal checksums.

    bulk.py SHMIPC MEBIBYTES
"""
import hashlib
import os
import random
import shutil
import struct
import sys
import threading
import unittest

from tool import OK, PATIENCE, ToolTest, run, started

MIB = 1 << 20
AMOUNT = int(sys.argv[2]) * MIB
SEED = random.SystemRandom().getrandbits(32)


def make_lines(rng):
    """Lines of random bytes, many of them empty or very short."""
    while True:
        data = bytearray(rng.randbytes(MIB))
        for _ in range(MIB // 50):
            data[rng.randrange(MIB)] = 0x0a
        data[-1] = 0x0a
        yield bytes(data)


def make_sized(rng):
    """Messages, most of them small, some of a quarter of the channel."""
    memory = rng.randbytes(MIB)
    while True:
        parts = []
        for _ in range(100):
            size = rng.choice((rng.randint(1, 200), rng.randint(1, 5000),
                               rng.randint(1, 250000)))
            start = rng.randrange(MIB - size)
            parts += struct.pack(">I", size), memory[start:start + size]
        yield b"".join(parts)


def make_bytes(rng):
    while True:
        yield rng.randbytes(rng.randint(1, MIB))


class Feeder(threading.Thread):
    """Writes what is made into a pipe, AMOUNT bytes or some more."""

    def __init__(self, pipe, parts):
        super().__init__()
        self.pipe, self.parts = pipe, parts
        self.sum, self.size = hashlib.sha256(), 0

    def run(self):
        while self.size < AMOUNT:
            part = next(self.parts)
            self.sum.update(part)
            self.size += len(part)
            self.pipe.write(part)
        self.pipe.close()


class Bulk(ToolTest):
    def pass_through(self, framing, parts):
        received, size = hashlib.sha256(), 0
        with started("send", self.name, "--close", "--framing", framing,
                     stderr=None) as sender, \
                started("recv", self.name, "--framing", framing,
                        stderr=None) as receiver:
            feeder = Feeder(sender.stdin, parts)
            feeder.start()
            while part := receiver.stdout.read(MIB):
                received.update(part)
                size += len(part)
            feeder.join()
            self.assertEqual(sender.wait(PATIENCE), OK)
            self.assertEqual(receiver.wait(PATIENCE), OK)
        self.assertEqual(size, feeder.size)
        self.assertEqual(received.digest(), feeder.sum.digest())

    def each_mode(self, framing, make):
        for modes in ([], ["--one-producer"], ["--one-consumer"],
                      ["--one-producer", "--one-consumer"]):
            with self.subTest(framing=framing, modes=modes, seed=SEED):
                self.name = self.fresh_name()
                self.check(run("create", self.name, *modes), OK)
                self.pass_through(framing, make(random.Random(SEED)))

    def test_lines(self):
        self.each_mode("lines", make_lines)

    def test_sized_messages(self):
        self.each_mode("length", make_sized)

    def test_bytes(self):
        self.each_mode("bytes", make_bytes)

    def test_large_messages_as_a_whole(self):
        size = min(AMOUNT, 200 * MIB)
        if shutil.disk_usage("/dev/shm").free < 2 * size:
            self.skipTest("/dev/shm is too small")
        data = os.urandom(size)
        for _ in range(0, AMOUNT, size):
            self.check(run("send", self.name, "--size", size + MIB,
                           "--framing=whole", input=data), OK)
            got = self.check(run("recv", self.name, "--framing=whole"), OK)
            self.assertEqual(hashlib.sha256(got.stdout).digest(),
                             hashlib.sha256(data).digest())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
