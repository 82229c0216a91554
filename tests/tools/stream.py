#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shmipc send and recv: what goes in comes out, and what does not is told.

    stream.py SHMIPC [TEST]...
"""
import base64
import contextlib
import json
import os
import struct
import subprocess
import tempfile
import threading

from tool import (CLOSED, FAILED, FOUND, NO_SUCH, OK, PATIENCE, REFUSED, TIMEOUT,
                  USAGE, ToolTest, main, run, segment, started)


def sized(*messages):
    return b"".join(struct.pack(">I", len(m)) + m for m in messages)


def split_sized(data):
    while data:
        size, = struct.unpack_from(">I", data)
        yield data[4:4 + size]
        data = data[4 + size:]


class Framing(ToolTest):
    def through(self, data, framing):
        """What comes out when `data` goes in."""
        name = self.fresh_name()
        self.check(run("send", name, "--framing", framing, "--close",
                       input=data), OK)
        return self.check(run("recv", name, "--framing", framing), OK).stdout

    def test_lines_come_out_as_they_went_in(self):
        lines = b"one\n\n\ntwo\0three\n\xff\xfe\n \n" + b"x" * 100000 + b"\n"
        self.assertEqual(self.through(lines, "lines"), lines)

    def test_a_last_line_without_a_newline_gets_one(self):
        self.assertEqual(self.through(b"one\ntwo", "lines"), b"one\ntwo\n")

    def test_nothing_in_is_nothing_out(self):
        for framing in "lines", "length", "bytes":
            with self.subTest(framing=framing):
                self.assertEqual(self.through(b"", framing), b"")

    def test_sized_messages_come_out_as_they_went_in(self):
        data = sized(b"a", b"\n\n", bytes(range(256)), b"z" * 200000, b"b")
        self.assertEqual(self.through(data, "length"), data)

    def test_the_whole_is_one_message(self):
        data = b"\n" + os.urandom(300000)
        self.check(run("send", self.name, "--framing=whole", "--close",
                       input=data), OK)
        got = self.check(run("recv", self.name, "--framing=length"), OK)
        self.assertEqual(got.stdout, sized(data))

    def test_the_whole_is_received_without_a_close(self):
        self.check(run("send", self.name, "--framing=whole", input=b"1\n2"), OK)
        self.check(run("send", self.name, "--framing=whole", input=b"3"), OK)
        for expected in b"1\n2", b"3":
            got = self.check(run("recv", self.name, "--framing=whole"), OK)
            self.assertEqual(got.stdout, expected)

    def test_bytes_are_cut_into_pieces(self):
        data = os.urandom(500000)
        self.check(run("send", self.name, "--framing=bytes", "--piece=1000",
                       "--close", input=data), OK)
        got = self.check(run("recv", self.name, "--framing=length"), OK)
        pieces = list(split_sized(got.stdout))
        self.assertEqual(b"".join(pieces), data)
        self.assertLessEqual(max(map(len, pieces)), 1000)

    def test_json_has_every_byte(self):
        messages = [b"plain", b"\n", b"nul\0quote\"", "grün \U0001f600".encode(),
                    b"\xff\x00", b"\xed\xa0\x80", b"\xc0\xaf",
                    b"\xf4\x90\x80\x80", b"cut \xe2\x82", b"x" * 40000]
        self.check(run("send", self.name, "--framing=length", "--close",
                       input=sized(*messages)), OK)
        got = self.check(run("recv", self.name, "--json"), OK).stdout
        objects = [json.loads(line) for line in got.decode().splitlines()]
        self.assertEqual([o["text"].encode() if "text" in o
                          else base64.b64decode(o["base64"]) for o in objects],
                         messages)
        self.assertEqual([o["size"] for o in objects], [*map(len, messages)])
        self.assertEqual(sum("base64" in o for o in objects), 5)
        offsets = [o["offset"] for o in objects]
        self.assertEqual(offsets, sorted(set(offsets)))

    def test_text_that_is_cut_off_is_not_made_whole_by_older_bytes(self):
        with started("recv", self.name, "--json") as receiver:
            for message, key in ((b"euro: \xe2\x82\xac", "text"),
                                 (b"euro: \xe2\x82", "base64")):
                self.check(run("send", self.name, "--framing=whole",
                               input=message), OK)
                self.assertIn(key, json.loads(receiver.stdout.readline()))


class Creating(ToolTest):
    def create(self, *arguments):
        return json.loads(self.check(run("create", self.name, "--json",
                                         *arguments), OK).stdout)

    def test_a_channel_is_as_was_asked_for(self):
        made = self.create("--size=3M", "--mode=0640", "--one-producer",
                           "--one-consumer", "--owners=7", "--prefault")
        self.assertTrue(made["created"])
        self.assertTrue(made["one_producer"])
        self.assertTrue(made["one_consumer"])
        self.assertEqual(made["max_owners"], 7)
        self.assertGreaterEqual(made["max_entry_size"], 3 << 20)
        self.assertLess(made["max_entry_size"], 4 << 20)
        self.assertEqual(segment(self.name).stat().st_mode & 0o7777, 0o640)

    def test_a_channel_is_for_many_and_this_user_by_default(self):
        made = self.create()
        self.assertFalse(made["one_producer"] or made["one_consumer"])
        self.assertEqual(segment(self.name).stat().st_mode & 0o7777, 0o600)

    def test_a_group_can_be_named(self):
        group = os.getgid()
        self.create("--group", group)
        self.assertEqual(segment(self.name).stat().st_gid, group)
        self.check(run("create", self.fresh_name(), "--group=no-such-group"),
                   USAGE)

    def test_one_that_exists_is_left_as_it_is(self):
        self.create("--one-consumer")
        self.check(run("send", self.name, input=b"1\n"), OK)
        self.check(run("create", self.name), REFUSED)
        there = self.create("--if-missing")
        self.assertFalse(there["created"])
        self.assertTrue(there["one_consumer"])
        self.assertEqual(run("recv", self.name, "--no-wait").stdout, b"1\n")

    def test_one_that_nobody_has_can_be_replaced(self):
        self.create()
        self.check(run("send", self.name, "--close", input=b"1\n"), OK)
        self.check(run("create", self.name, "--if-missing", "--replace-dead"),
                   OK)
        self.check(run("send", self.name, "--close", input=b"2\n"), OK)
        self.assertEqual(run("recv", self.name).stdout, b"2\n")

    def test_wrong_values_are_told(self):
        for argument in ("--mode=8", "--mode=0", "--mode=1777", "--mode=x",
                         "--owners=x", "--size=-1", "--numa-node=1024"):
            with self.subTest(argument=argument):
                self.check(run("create", self.name, argument), USAGE)
        self.check(run("create", ""), USAGE)
        self.assertFalse(segment(self.name).exists())

    def test_what_the_library_refuses_is_told_with_its_value(self):
        done = run("create", self.name, "--owners", "5000")
        self.check(done, 2)
        self.assertIn(b"above 4096", done.stderr)
        self.assertIn(b"error.body.value is 5000", done.stderr)

    def test_a_path_can_be_named(self):
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/channel"
            self.check(run("send", path, "--close", input=b"1\n"), OK)
            self.assertTrue(os.path.exists(path))
            self.assertEqual(run("recv", path).stdout, b"1\n")

    def test_the_last_one_out_removes_the_name_if_asked_to(self):
        with started("recv", self.name, "--unlink") as receiver:
            # Who sends with --unlink before others have it open is the last.
            self.check(run("send", self.name, input=b"1\n"), OK)
            self.assertEqual(receiver.stdout.readline(), b"1\n")
            self.check(run("send", self.name, "--unlink", "--close",
                           input=b"2\n"), OK)
            self.assertEqual(receiver.communicate(timeout=PATIENCE)[0], b"2\n")
        self.assertFalse(segment(self.name).exists())


class Refused(ToolTest):
    def test_a_line_that_is_too_long_is_not_sent_and_told(self):
        sent = run("send", self.name, "--size=64K", "--close",
                   input=b"one\ntwo\n" + b"x" * 200000 + b"\nfour\n")
        self.check(sent, FAILED)
        self.assertRegex(sent.stderr, rb"line 3 is longer than \d+ bytes")
        got = self.check(run("recv", self.name, "--no-wait"), OK)
        self.assertEqual(got.stdout, b"one\ntwo\n")

    def test_a_long_line_is_refused_before_it_ends(self):
        with started("send", self.name, "--size=64K") as sender:
            with self.assertRaises(BrokenPipeError):
                while True:
                    os.write(sender.stdin.fileno(), b"x" * 65536)
            self.assertEqual(sender.wait(PATIENCE), FAILED)

    def test_a_message_that_is_too_large_is_not_sent(self):
        sent = run("send", self.name, "--size=64K", "--framing=length",
                   input=sized(b"one", b"x" * 200000))
        self.check(sent, FAILED)
        self.assertRegex(sent.stderr, rb"message 2 is longer than \d+ bytes")

    def test_a_size_that_cannot_be_is_refused_before_it_comes(self):
        with started("send", self.name, "--framing=length") as sender:
            os.write(sender.stdin.fileno(), b"\xff\xff\xff\xff")
            self.assertEqual(sender.wait(PATIENCE), FAILED)
            self.assertIn(b"message 1 is longer", sender.stderr.read())

    def test_a_whole_that_is_too_large_is_not_sent(self):
        self.check(run("send", self.name, "--size=64K", "--framing=whole",
                       input=b"x" * 200000), FAILED)
        self.check(run("recv", self.name, "--no-wait"), FOUND)

    def test_a_large_message_that_is_cut_off_leaves_nothing(self):
        """Also where it is read into the channel."""
        for mode in [], ["--one-producer"]:
            with self.subTest(mode=mode):
                name = self.fresh_name()
                self.check(run("create", name, *mode), OK)
                sent = run("send", name, "--framing=length",
                           input=sized(b"one", b"x" * 300000)[:-1])
                self.check(sent, FAILED)
                self.assertIn(b"ends in message 2, after 300003 of the 300004",
                              sent.stderr)
                self.check(run("send", name, input=b"two\n"), OK)
                got = run("recv", name, "--no-wait")
                self.assertEqual(got.stdout, b"one\ntwo\n")

    def test_an_empty_message_is_refused(self):
        sent = run("send", self.name, "--framing=length",
                   input=sized(b"one", b"", b"two"))
        self.check(sent, FAILED)
        self.assertIn(b"message 2 is empty", sent.stderr)
        self.check(run("send", self.name, "--framing=whole", input=b""), FAILED)

    def test_a_message_that_is_cut_off_is_refused(self):
        for cut in 1, 3, 4, 6:
            with self.subTest(cut=cut):
                sent = run("send", self.name, "--framing=length",
                           input=sized(b"one") + sized(b"two")[:cut])
                self.check(sent, FAILED)
                self.assertIn(b"ends in message 2", sent.stderr)
                got = run("recv", self.name, "--no-wait")
                self.assertEqual(got.stdout, b"one\n")

    def test_wrong_options_are_told(self):
        for arguments in (["send"], ["send", self.name, "more"],
                          ["send", self.name, "--framing=json"],
                          ["send", self.name, "--count=-1"],
                          ["send", self.name, "--size=much"],
                          ["recv"], ["recv", self.name, "--timeout=1x"],
                          ["recv", self.name, "--framing="],
                          ["recv", self.name, "--count"],
                          ["recv", self.name, "--nonsense"]):
            with self.subTest(arguments=arguments):
                self.check(run(*arguments, stdin=subprocess.DEVNULL), USAGE)
        self.assertFalse(segment(self.name).exists())

    def test_no_channel_is_made_if_not_wanted(self):
        for command in "send", "recv":
            self.check(run(command, self.name, "--existing",
                           stdin=subprocess.DEVNULL), NO_SUCH)
        self.assertFalse(segment(self.name).exists())


class Limits(ToolTest):
    def test_recv_ends_after_so_many_and_takes_no_more(self):
        self.check(run("send", self.name, input=b"1\n2\n3\n4\n5\n"), OK)
        got = self.check(run("recv", self.name, "--count=2"), OK)
        self.assertEqual(got.stdout, b"1\n2\n")
        got = self.check(run("recv", self.name, "--no-wait"), OK)
        self.assertEqual(got.stdout, b"3\n4\n5\n")

    def test_send_ends_after_so_many(self):
        self.check(run("send", self.name, "--count=2", input=b"1\n2\n3\n"), OK)
        self.check(run("send", self.name, "--count=0", input=b"1\n2\n3\n"), OK)
        got = self.check(run("recv", self.name, "--no-wait"), OK)
        self.assertEqual(got.stdout, b"1\n2\n")

    def test_recv_says_that_it_waited_in_vain(self):
        self.check(run("recv", self.name, "--timeout=50ms"), TIMEOUT)
        self.check(run("send", self.name, input=b"1\n"), OK)
        got = self.check(run("recv", self.name, "--timeout=50ms"), TIMEOUT)
        self.assertEqual(got.stdout, b"1\n")

    def test_recv_without_waiting_says_whether_there_was_something(self):
        self.check(run("recv", self.name, "--no-wait"), FOUND)
        self.check(run("send", self.name, input=b"1\n"), OK)
        self.check(run("recv", self.name, "--no-wait"), OK)

    def test_send_says_that_there_was_no_space_in_time(self):
        sent = run("send", self.name, "--size=64K", "--timeout=50ms", "--json",
                   input=b"0123456789\n" * 100000)
        self.check(sent, TIMEOUT)
        count = json.loads(sent.stdout)["messages"]
        got = self.check(run("recv", self.name, "--no-wait"), OK)
        self.assertEqual(got.stdout, b"0123456789\n" * count)

    def test_send_says_that_the_channel_is_closed(self):
        self.check(run("send", self.name, "--close", input=b"1\n"), OK)
        self.check(run("send", self.name, input=b"2\n"), CLOSED)
        got = self.check(run("recv", self.name), OK)
        self.assertEqual(got.stdout, b"1\n")

    def test_a_close_before_enough_came_is_told(self):
        self.check(run("send", self.name, "--close", input=b"1\n2\n"), OK)
        self.check(run("recv", self.name, "--count=2"), OK)
        self.check(run("recv", self.name, "--count=1"), CLOSED)

    def test_a_close_ends_who_waits(self):
        with started("recv", self.name) as receiver:
            self.check(run("send", self.name, "--close", input=b"1\n"), OK)
            self.assertEqual(receiver.communicate(timeout=PATIENCE)[0], b"1\n")
            self.assertEqual(receiver.returncode, OK)

    def test_what_is_dropped_is_counted(self):
        lines = [b"%d" % i for i in range(100000)]
        sent = run("send", self.name, "--size=64K", "--drop", "--json",
                   input=b"\n".join(lines))
        self.check(sent, FOUND)
        account = json.loads(sent.stdout)
        self.assertEqual(account["messages"] + account["dropped"], len(lines))
        self.assertGreater(account["messages"], 0)
        self.assertGreater(account["dropped"], 0)
        self.assertIn(b"%d messages were sent, %d dropped" %
                      (account["messages"], account["dropped"]), sent.stderr)
        got = self.check(run("recv", self.name, "--no-wait"), OK)
        self.assertEqual(got.stdout.splitlines(), lines[:account["messages"]])

    def test_large_messages_can_be_dropped_too(self):
        for framing, data in (("length", sized(*[b"x" * 30000] * 20)),
                              ("bytes", b"x" * 2000000)):
            with self.subTest(framing=framing):
                name = self.fresh_name()
                sent = run("send", name, "--size=64K", "--drop", "--json",
                           "--framing", framing, input=data)
                self.check(sent, FOUND)
                account = json.loads(sent.stdout)
                self.assertGreater(account["dropped"], 0)
                got = self.check(run("recv", name, "--no-wait",
                                     "--framing=bytes"), OK)
                self.assertEqual(len(got.stdout), account["bytes"])

    def test_a_second_consumer_is_refused_where_there_is_one_only(self):
        self.check(run("create", self.name, "--one-consumer"), OK)
        self.check(run("send", self.name, input=b"1\n"), OK)
        with started("recv", self.name) as receiver:
            self.assertEqual(os.read(receiver.stdout.fileno(), 2), b"1\n")
            refused = run("recv", self.name)
            self.check(refused, REFUSED)
            self.assertNotEqual(refused.stderr, b"")

    def test_lines_of_many_senders_stay_whole(self):
        with started("recv", self.name) as receiver, \
                contextlib.ExitStack() as stack:
            senders = [stack.enter_context(started("send", self.name))
                       for _ in range(4)]
            for number, sender in enumerate(senders):
                lines = b"".join(b"%d %d %s\n" % (number, i, b"x" * (i % 200))
                                 for i in range(5000))
                stack.callback(sender.wait, PATIENCE)
                thread = threading.Thread(target=sender.communicate,
                                          args=[lines])
                thread.start()
                stack.callback(thread.join)
            seen = [0] * 4
            for _ in range(4 * 5000):
                number, i, text = receiver.stdout.readline().split(b" ")
                self.assertEqual(int(i), seen[int(number)])
                self.assertEqual(text, b"x" * (int(i) % 200) + b"\n")
                seen[int(number)] += 1

    def test_without_losses_drop_is_a_success(self):
        sent = run("send", self.name, "--drop", input=b"1\n2\n")
        self.check(sent, OK)
        self.assertIn(b"2 messages were sent, 0 dropped", sent.stderr)


if __name__ == "__main__":
    main()
