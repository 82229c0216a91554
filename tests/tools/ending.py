#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shmipc send and recv: signals, death, outputs that fail, terminals.

    ending.py SHMIPC [TEST]...
"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

from tool import (CLOSED, FAILED, FOUND, OK, PATIENCE, ToolTest, main, run,
                  segment, started)

LINES = 400000


def numbers(count):
    return b"".join(b"%d\n" % i for i in range(count))


def wait_until_full(pipe):
    """Until it holds much, and has held the same for a while."""
    deadline = time.monotonic() + PATIENCE
    last, same = 0, 0
    while same < 10 and time.monotonic() < deadline:
        time.sleep(0.05)
        held = fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4)
        held = int.from_bytes(held, sys.byteorder)
        same = same + 1 if held == last and held > 60000 else 0
        last = held


class Signals(ToolTest):
    def read_some(self, descriptor, least):
        """At least so many bytes from a pipe."""
        data = b""
        while len(data) < least:
            got = os.read(descriptor, 65536)
            self.assertTrue(got, "the stream ended too early")
            data += got
        return data

    def feed(self, sender, data):
        """Writes it in the background, and ends the input."""
        def write():
            try:
                sender.stdin.write(data)
                sender.stdin.close()
            except BrokenPipeError:
                pass
        thread = threading.Thread(target=write)
        thread.start()
        self.addCleanup(thread.join)

    def test_an_interrupted_recv_writes_what_it_took(self):
        data, got = numbers(LINES), b""
        with started("send", self.name, "--close") as sender:
            self.feed(sender, data)
            for _ in range(5):
                with started("recv", self.name) as receiver:
                    got += self.read_some(receiver.stdout.fileno(), 1)
                    receiver.send_signal(signal.SIGINT)
                    got += receiver.stdout.read()
                    self.assertEqual(receiver.wait(PATIENCE), -signal.SIGINT)
                self.assertTrue(got.endswith(b"\n"))
            self.assertLess(len(got), len(data), "there was nothing left to do")
            got += self.check(run("recv", self.name), OK).stdout
            self.assertEqual(sender.wait(PATIENCE), OK)
        self.assertEqual(got, data)

    def test_other_signals_end_it_as_well(self):
        for number in signal.SIGTERM, signal.SIGHUP:
            with self.subTest(signal=number), \
                    started("recv", self.name) as receiver:
                self.check(run("send", self.name, input=b"1\n"), OK)
                self.assertEqual(self.read_some(receiver.stdout.fileno(), 2),
                                 b"1\n")
                receiver.send_signal(number)
                self.assertEqual(receiver.wait(PATIENCE), -number)

    def test_an_ignored_signal_stays_ignored(self):
        def ignore():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

        with started("recv", self.name, "--count=2",
                     preexec_fn=ignore) as receiver:
            for line in b"1\n", b"2\n":
                self.check(run("send", self.name, input=line), OK)
                self.assertEqual(self.read_some(receiver.stdout.fileno(), 2),
                                 line)
                receiver.send_signal(signal.SIGHUP)
            self.assertEqual(receiver.wait(PATIENCE), OK)

    def test_a_second_signal_ends_who_cannot_write(self):
        with started("send", self.name) as sender, \
                started("recv", self.name) as receiver:
            self.feed(sender, numbers(LINES))
            # Nobody reads its output, which holds less than this: it blocks.
            wait_until_full(receiver.stdout)
            receiver.send_signal(signal.SIGINT)
            with self.assertRaises(subprocess.TimeoutExpired):
                receiver.wait(0.3)
            receiver.send_signal(signal.SIGINT)
            self.assertEqual(receiver.wait(PATIENCE), -signal.SIGINT)
            sender.kill()

    def test_an_interrupted_send_sends_no_half_line(self):
        with started("send", self.name) as sender, \
                started("recv", self.name) as receiver:
            os.write(sender.stdin.fileno(), b"one\ntwo\nthr")
            got = self.read_some(receiver.stdout.fileno(), 8)
            sender.send_signal(signal.SIGINT)
            self.assertEqual(sender.wait(PATIENCE), -signal.SIGINT)
            self.assertIn(b"3 bytes that were read were not sent",
                          sender.stderr.read())
            receiver.send_signal(signal.SIGINT)
            self.assertEqual(got + receiver.stdout.read(), b"one\ntwo\n")

    def test_a_send_that_waits_for_space_can_be_interrupted(self):
        with started("send", self.name, "--size=64K") as sender:
            self.feed(sender, numbers(LINES))
            got = b""
            while not got:
                got = run("recv", self.name, "--count=1").stdout
            sender.send_signal(signal.SIGINT)
            self.assertEqual(sender.wait(PATIENCE), -signal.SIGINT)
        got += self.check(run("recv", self.name, "--no-wait"), OK).stdout
        self.assertTrue(numbers(LINES).startswith(got))

    def test_killed_receivers_lose_no_more_than_they_held(self):
        """Numbers come in order, none twice; each death leaves one gap at
        most, of what was taken and not written."""
        got = []
        with started("send", self.name, "--close") as sender:
            self.feed(sender, numbers(LINES))
            for _ in range(5):
                with started("recv", self.name) as receiver:
                    text = self.read_some(receiver.stdout.fileno(), 1)
                    receiver.kill()
                    text += receiver.stdout.read()
                # A line that was being written can be cut.
                got.append([int(n) for n in text.split(b"\n")[:-1]])
            text = self.check(run("recv", self.name), OK).stdout
            got.append([int(n) for n in text.splitlines()])
            self.assertEqual(sender.wait(PATIENCE), OK)
        for part in got:
            self.assertEqual(part, list(range(part[0], part[0] + len(part))))
        for before, after in zip(got, got[1:]):
            self.assertLess(before[-1], after[0])
            # Its memory for messages, and that for output.
            self.assertLess(after[0] - before[-1], 100000)
        self.assertEqual(got[-1][-1], LINES - 1)

    def test_killed_receivers_of_one_consumer_lose_nothing(self):
        """While it waits for an output that is full, so that it holds what it
        took and has not written."""
        self.check(run("create", self.name, "--one-consumer", "--size=40M"), OK)
        self.check(run("send", self.name, input=numbers(LINES)), OK)
        got = []
        for _ in range(2):
            with started("recv", self.name) as receiver:
                wait_until_full(receiver.stdout)
                receiver.kill()
                text = receiver.stdout.read()
            got.append([int(n) for n in text.split(b"\n")[:-1]])
            self.assertTrue(got[-1])
        text = self.check(run("recv", self.name, "--no-wait"), OK).stdout
        got.append([int(n) for n in text.splitlines()])
        next_one = 0
        for part in got:
            self.assertLessEqual(part[0], next_one, "numbers were lost")
            self.assertEqual(part, list(range(part[0], part[0] + len(part))))
            next_one = part[-1] + 1
        self.assertEqual(next_one, LINES)

    def test_killed_receivers_lose_no_large_message_of_one_consumer(self):
        self.check(run("create", self.name, "--one-consumer"), OK)
        size, count, got = 100000, 300, []
        data = b"".join(struct.pack(">II", size, i) + bytes(size - 4)
                        for i in range(count))
        with started("send", self.name, "--framing=length",
                     "--close") as sender:
            self.feed(sender, data)
            for kills in range(6):
                with started("recv", self.name,
                             "--framing=length") as receiver:
                    text = self.read_some(receiver.stdout.fileno(), 1)
                    if kills < 5:
                        receiver.kill()
                    text += receiver.stdout.read()
                # The last one can be cut.
                got.append([struct.unpack_from(">I", text, at + 4)[0]
                            for at in range(0, len(text) - size - 3, size + 4)])
            self.assertEqual(sender.wait(PATIENCE), OK)
        self.assertEqual(got[-1][-1], count - 1)
        self.assertEqual(sorted({n for part in got for n in part}),
                         list(range(count)))
        # Those that were written and not yet let go of come again.
        self.assertLessEqual(sum(map(len, got)), count + 10)

    def test_an_interrupted_send_leaves_no_half_of_a_large_message(self):
        self.check(run("create", self.name, "--one-producer"), OK)
        with started("send", self.name, "--framing=length") as sender:
            os.write(sender.stdin.fileno(), struct.pack(">I", 300000))
            os.write(sender.stdin.fileno(), bytes(60000))
            while not self.is_reading(sender):
                time.sleep(0.01)
            sender.send_signal(signal.SIGINT)
            self.assertEqual(sender.wait(PATIENCE), -signal.SIGINT)
        self.check(run("send", self.name, input=b"1\n"), OK)
        got = self.check(run("recv", self.name, "--no-wait"), OK)
        self.assertEqual(got.stdout, b"1\n")

    def is_reading(self, sender):
        """Whether it has read all that was written to it."""
        held = fcntl.ioctl(sender.stdin, termios.FIONREAD, b"\0" * 4)
        return held == b"\0" * 4


class Following(ToolTest):
    def line(self, receiver):
        return receiver.stdout.readline()

    def test_recv_follows_the_name_after_a_close(self):
        with started("recv", self.name, "--follow") as receiver:
            for i in range(5):
                line = b"%d\n" % i
                # The old one is there until its reader has noticed.
                while run("send", self.name, "--close",
                          input=line).returncode == CLOSED:
                    time.sleep(0.01)
                self.assertEqual(self.line(receiver), line)
            self.assertIsNone(receiver.poll())

    def test_recv_follows_the_name_to_a_new_channel(self):
        with started("recv", self.name, "--follow") as receiver:
            self.check(run("send", self.name, input=b"1\n"), OK)
            self.assertEqual(self.line(receiver), b"1\n")
            segment(self.name).unlink()
            self.check(run("send", self.name, input=b"2\n"), OK)
            self.assertEqual(self.line(receiver), b"2\n")

    def test_a_closed_channel_with_other_readers_is_left_to_them(self):
        with started("recv", self.name, "--follow") as follower:
            self.check(run("send", self.name, input=b"1\n"), OK)
            self.assertEqual(self.line(follower), b"1\n")
            with started("send", self.name) as other:
                os.write(other.stdin.fileno(), b"2\n")
                self.assertEqual(self.line(follower), b"2\n")
                self.check(run("send", self.name, "--close", input=b""), OK)
                time.sleep(0.5)
                self.assertTrue(segment(self.name).exists())
            deadline = time.monotonic() + PATIENCE
            while run("send", self.name, input=b"3\n").returncode == CLOSED:
                self.assertLess(time.monotonic(), deadline)
            self.assertEqual(self.line(follower), b"3\n")

    def test_recv_says_that_all_writers_were_killed(self):
        with started("recv", self.name) as receiver:
            with started("send", self.name) as sender:
                os.write(sender.stdin.fileno(), b"1\n")
                self.assertEqual(self.line(receiver), b"1\n")
                sender.kill()
            self.assertEqual(receiver.wait(PATIENCE), FOUND)
            self.assertIn(b"died", receiver.stderr.read())


class Outputs(ToolTest):
    def test_recv_ends_as_others_do_when_nobody_reads_its_output(self):
        with started("recv", self.name) as receiver:
            self.check(run("send", self.name, input=b"1\n"), OK)
            os.read(receiver.stdout.fileno(), 2)
            receiver.stdout.close()
            # Though nothing comes any more.
            self.assertEqual(receiver.wait(PATIENCE), -signal.SIGPIPE)
            self.assertEqual(receiver.stderr.read(), b"")

    def test_it_leaves_in_good_order_then(self):
        """It has the role of the one consumer, and gives it back."""
        self.check(run("create", self.name, "--one-consumer"), OK)
        with started("send", self.name) as sender, \
                started("recv", self.name) as receiver:
            os.write(sender.stdin.fileno(), b"1\n")
            self.assertEqual(receiver.stdout.readline(), b"1\n")
            receiver.stdout.close()
            os.write(sender.stdin.fileno(), b"2\n")
            self.assertEqual(receiver.wait(PATIENCE), -signal.SIGPIPE)
            seen = run("stat", self.name, "--json", "--interval=0")
            owners = json.loads(seen.stdout)["owners"]
            self.assertEqual([o["pid"] for o in owners], [sender.pid])

    def test_a_full_disk_is_told_with_what_is_lost(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full")
        for framing in "lines", "length", "bytes", "json":
            with self.subTest(framing=framing), open("/dev/full", "wb") as full:
                self.check(run("send", self.name, input=b"1\n2\n3\n"), OK)
                done = run("recv", self.name, "--no-wait", "--framing", framing,
                           stdout=full)
                self.check(done, FAILED)
                self.assertIn(b"No space left on device; up to 3 messages",
                              done.stderr)

    def test_a_full_disk_takes_no_large_message_of_one_consumer(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full")
        self.check(run("create", self.name, "--one-consumer"), OK)
        data = os.urandom(100000)
        self.check(run("send", self.name, "--framing=whole", input=data), OK)
        with open("/dev/full", "wb") as full:
            done = run("recv", self.name, "--no-wait", stdout=full)
        self.check(done, FAILED)
        self.assertIn(b"up to 1 messages are left in the channel", done.stderr)
        got = self.check(run("recv", self.name, "--framing=whole"), OK)
        self.assertEqual(got.stdout, data)

    def test_an_output_that_is_closed_is_told(self):
        self.check(run("send", self.name, input=b"1\n"), OK)
        done = run("recv", self.name, "--no-wait", preexec_fn=lambda:
                   os.close(1))
        self.check(done, FAILED)
        self.assertIn(b"Bad file descriptor", done.stderr)

    def test_a_descriptor_that_is_closed_is_taken_for_nothing_else(self):
        def close_both():
            os.close(0)
            os.close(1)
        done = run("send", self.name, preexec_fn=lambda: os.close(0))
        self.check(done, FAILED)
        self.assertIn(b"Bad file descriptor", done.stderr)
        self.check(run("send", self.name, input=b"1\n"), OK)
        done = run("recv", self.name, "--no-wait", preexec_fn=close_both)
        self.check(done, FAILED)
        self.assertIn(b"Bad file descriptor", done.stderr)

    def test_an_output_that_does_not_block_gets_all(self):
        data, got = numbers(LINES), b""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        with started("send", self.name, "--close") as sender, \
                started("recv", self.name, stdout=writing) as receiver:
            os.close(writing)
            thread = threading.Thread(target=sender.communicate, args=[data])
            thread.start()
            wait_until_full(reading)
            while part := os.read(reading, 1 << 20):
                got += part
            thread.join()
            self.assertEqual(receiver.wait(PATIENCE), OK)
        os.close(reading)
        self.assertEqual(got, data)

    def test_an_input_that_cannot_be_read_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            descriptor = os.open(folder, os.O_RDONLY)
            for framing in "lines", "length", "whole", "bytes":
                with self.subTest(framing=framing):
                    done = run("send", self.name, "--framing", framing,
                               stdin=descriptor)
                    self.check(done, FAILED)
                    self.assertIn(b"Is a directory", done.stderr)
            os.close(descriptor)

    def test_files_can_be_sent(self):
        with tempfile.TemporaryFile() as file:
            file.write(numbers(LINES))
            for framing in "lines", "bytes":
                with self.subTest(framing=framing):
                    name = self.fresh_name()
                    file.seek(0)
                    with started("send", name, "--close", "--framing", framing,
                                 stdin=file) as sender:
                        got = self.check(run("recv", name, "--framing",
                                             framing), OK)
                        self.assertEqual(sender.wait(PATIENCE), OK)
                    self.assertEqual(got.stdout, numbers(LINES))


class Terminals(ToolTest):
    def on_terminal(self, *arguments, data):
        """What is written to a terminal that is standard error."""
        ours, theirs = pty.openpty()
        with started(*arguments, stderr=theirs) as process:
            os.close(theirs)
            process.stdin.write(data)
            process.stdin.close()
            shown = b""
            while True:
                select.select([ours], [], [], PATIENCE)
                try:
                    shown += os.read(ours, 65536)
                except OSError: # EIO: the other end is closed
                    break
            process.stdout.read()
            process.wait(PATIENCE)
        os.close(ours)
        return shown

    def test_progress_is_shown_on_a_terminal(self):
        shown = self.on_terminal("send", self.name, "--progress", "--close",
                                 data=b"1\n2\n3\n")
        self.assertRegex(shown, rb"\rsent 3 messages, 3 B: [\d.]+ ?k?/s, .*\n")
        shown = self.on_terminal("recv", self.name, "--progress", data=b"")
        self.assertRegex(shown, rb"\rreceived 3 messages, 3 B: ")

    def test_progress_is_shown_while_it_goes_on(self):
        self.check(run("send", self.name, "--size=64K", "--drop",
                       input=numbers(LINES)), FOUND)
        shown = self.on_terminal("send", self.name, "--progress",
                                 "--timeout=1s", data=b"1\n")
        # It waits for space: more than the line at the end.
        self.assertGreater(len(re.findall(rb"\rsent 0 messages", shown)), 1)

    def test_no_progress_is_shown_if_not_asked_for(self):
        self.assertEqual(self.on_terminal("send", self.name, data=b"1\n"), b"")

    def test_no_progress_is_shown_elsewhere(self):
        done = run("send", self.name, "--progress", input=b"1\n2\n")
        self.check(done, OK)
        self.assertEqual(done.stderr, b"")


if __name__ == "__main__":
    main()
