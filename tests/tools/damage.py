#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tool says of memory that is damaged, half made, of another layout or
foreign.

    damage.py TOOL ACTOR
"""
import os
import pathlib
import random
import re
import struct
import threading

from harness import (ACTOR, FAILED, FOUND, OK, Actor, codes, listed, new_name,
                     path_of, run, text_of, tool, tool_json)
from words import (VERSION, FLAGS, REGION_SIZE, BLOCKS, READY, TAIL, HEAD,
                   OWNERS, change, word_at)


def damaged(offset, what, kind, code, text):
    """Changes bytes of a channel, and looks what is said of it."""
    name = new_name()
    Actor(name).does("write 100", "write 100")
    change(name, offset, what)
    report = tool_json("stat", name, code=FOUND)
    assert report["kind"] == kind, report["kind"]
    said = [f["text"] for f in report["findings"] if f["code"] == code]
    assert len(said) == 1 and re.search(text, said[0]), report["findings"]
    assert said[0] in tool("stat", name).stdout
    # The others say something too, and do not fall over.
    assert listed("--all")["/" + name]["kind"] == kind
    assert tool("dump", name).returncode in (OK, FOUND)
    assert tool("recover", name).returncode in (OK, FAILED)
    return name


def damaged_header():
    """a damaged header is told of, by the member that cannot be true"""
    damaged(BLOCKS, bytes(4), "damaged", "damaged", "0 blocks, which cannot")
    damaged(BLOCKS + 4, struct.pack("I", 5000), "damaged", "damaged",
            "5000 owner slots")
    damaged(FLAGS, struct.pack("I", 1 << 15), "damaged", "damaged",
            "flags 0x8000")
    damaged(REGION_SIZE, struct.pack("Q", 64), "damaged", "damaged",
            "a size of 64 bytes for")


def other_layouts():
    """another version and another byte order are told apart, and named"""
    damaged(VERSION, struct.pack("I", 99), "other-layout", "other-layout",
            "layout version 99, and this tool knows .* a newer")
    damaged(VERSION, struct.pack("I", 1), "other-layout", "other-layout",
            "an older libshmipc")
    damaged(VERSION, struct.pack("I", 4), "other-layout", "other-layout",
            "layout version 4, .* an older libshmipc")
    name = new_name()
    Actor(name)
    change(name, VERSION, struct.pack("I", 99))
    done = tool("recv", name)
    assert done.returncode == FAILED
    assert "its layout version is 99, and that of this" in done.stderr
    name = new_name()
    Actor(name)
    magic = struct.unpack("<Q", struct.pack(">Q", word_at(name, 0)))[0]
    damaged(0, struct.pack("Q", magic), "other-layout", "other-layout",
            "the other byte order")


def half_made():
    """a segment that is half made, or blank, or empty, is told of"""
    damaged(READY, bytes(4), "initializing", "initializing",
            "is being formatted")
    name = new_name()
    path_of(name).write_bytes(bytes(65536))
    assert "all zeros" in text_of(tool_json(
        "stat", name, code=FOUND)["findings"], "blank")
    path_of(name).write_bytes(b"")
    assert "no bytes yet" in text_of(tool_json(
        "stat", name, code=FOUND)["findings"], "empty")


def foreign():
    """a segment of another program is told of by its first bytes"""
    name = new_name()
    path_of(name).write_bytes(b"hello world" * 100)
    findings = tool_json("stat", name, code=FOUND)["findings"]
    assert "68 65 6c 6c 6f 20 77 6f, of another program" in findings[0]["text"]
    done = tool("dump", name)
    assert done.returncode == FOUND and "|hello worldhello|" in done.stdout
    path_of(name).write_bytes(b"x")
    assert codes(tool_json("stat", name, code=FOUND)["findings"]) == {"foreign"}


def truncated():
    """a file that is too short for its ring is told of"""
    name = new_name()
    Actor(name).leave()
    os.truncate(path_of(name), 32768)
    text = text_of(tool_json("stat", name, code=FOUND)["findings"],
                   "truncated")
    assert text.startswith("the file has 32768 bytes, and the ring in it takes")


def damaged_words():
    """a control word and ends that cannot be true are told of"""
    name = new_name()
    Actor(name).does("write 100").leave()
    blocks = struct.unpack("I", os.pread(
        os.open(path_of(name), os.O_RDONLY), 4, BLOCKS))[0]
    owners = struct.unpack("I", os.pread(
        os.open(path_of(name), os.O_RDONLY), 4, BLOCKS + 4))[0]
    assert blocks > 0
    control = OWNERS + 64 * owners
    word = word_at(name, control)
    change(name, control, struct.pack("Q", word | 0xf))
    text = text_of(tool_json("stat", name, code=FOUND)["findings"],
                   "damaged-word")
    assert f"offset 0 is 0x{word | 0xf:016x} (state 15" in text, text
    done = tool("dump", name)
    assert done.returncode == FOUND and "cannot be true" in done.stdout
    # Of no lap that was: nobody can have left it there.
    change(name, control, struct.pack("Q", 0xdeadbeefdeadbeef))
    assert "offset 0 is 0xdeadbeefdeadbeef" in text_of(tool_json(
        "stat", name, code=FOUND)["findings"], "damaged-word")
    assert "of no lap that was" in tool("dump", name).stdout
    change(name, control, struct.pack("Q", word))
    for place in (HEAD, TAIL):
        before = word_at(name, place)
        for value in (0, 2 ** 57 - 1, 2 ** 64 - 1):
            change(name, place, struct.pack("Q", value))
            assert "damaged-ends" in codes(tool_json(
                "stat", name, code=FOUND)["findings"]), (place, value)
        change(name, place, struct.pack("Q", before))


def any_bytes():
    """whatever bytes are there, no command falls over"""
    source, name = new_name(), new_name()
    Actor(source).does("write 100", "write 900", "read", "reserve 70").kill()
    whole = path_of(source).read_bytes()
    chance = random.Random(4711)
    for _ in range(25):
        broken = bytearray(whole)
        for _ in range(chance.choice([1, 4, 50])):
            at = chance.randrange(12, chance.choice([320, 6000, len(broken)]))
            broken[at] = chance.choice([0, 1, 255, chance.randrange(256)])
        path_of(name).write_bytes(broken)
        tool_json("stat", name, "-i", "0")
        tool_json("dump", name, "-n", "200", "-b", "2000")
        tool("stat", name, "-i", "0")
        tool("recover", name)
    tool_json("ls")


def cut_while_looked_at():
    """a file that is cut while it is looked at is no SIGBUS"""
    name = new_name()
    Actor(name, size=1 << 20).does("write 60000", "write 60000").leave()
    whole = path_of(name).read_bytes()
    over = threading.Event()

    def cut():
        while not over.is_set():
            os.truncate(path_of(name), 4096)
            path_of(name).write_bytes(whole)

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        for _ in range(60):
            tool("stat", name, "-i", "0")
            tool("dump", name, "-s", "60000")
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    assert pathlib.Path(ACTOR).exists()
    run(damaged_header, other_layouts, half_made, foreign, truncated,
        damaged_words, any_bytes, cut_while_looked_at)
