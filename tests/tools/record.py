#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shmipc tap, record and replay: what goes through a channel is seen, kept and
sent again, and what is missing is told.

    record.py SHMIPC ACTOR
"""
import contextlib
import json
import os
import pathlib
import signal
import struct
import subprocess
import tempfile
import time
import zlib

from harness import (FAILED, FOUND, LIMIT, NO_SUCH, OK, ONE_PRODUCER, TOOL, USAGE,
                     Actor, new_name, run, state_of, tool, wait_until)

TIMEOUT, CLOSED = 6, 7
TAPS = 256
HEADER, RECORD = 64, 32
MESSAGE, LOST, PASSED, END, CONTINUED = range(1, 6)
directory = pathlib.Path(tempfile.mkdtemp(prefix="shmipc-record-"))


def sized(*messages):
    return b"".join(struct.pack(">I", len(m)) + m for m in messages)


def feed(name, messages, *more):
    # On any machine.
    call("create", name, "--taps", "--if-missing")
    call("send", name, "--framing=length", *more, given=sized(*messages))


def call(*arguments, given=b"", code=OK):
    """The tool with bytes in and out."""
    done = subprocess.run([TOOL, *map(str, arguments)], input=given,
                          capture_output=True, timeout=LIMIT, check=False)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    return done


def take_all(name):
    done = subprocess.run([TOOL, "recv", name, "--framing=length", "--no-wait"],
                          capture_output=True, timeout=LIMIT, check=False)
    # FOUND: there was none.
    assert done.returncode == (OK if done.stdout else FOUND), done.stderr
    return done.stdout


@contextlib.contextmanager
def started(*arguments, **options):
    with subprocess.Popen([TOOL, *map(str, arguments)], stderr=subprocess.PIPE,
                          **options) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def records(data):
    """(kind, size, time, offset, bytes) of each record of a file; a program
    that reads recordings by docs/recording.md."""
    assert data[:8] == b"\x89SHMR\r\n\x1a", data[:8]
    assert zlib.crc32(data[:60]) == struct.unpack_from("<I", data, 60)[0]
    at = HEADER
    while at < len(data):
        crc, size, kind, zero, seen, offset = struct.unpack_from("<IIIIQQ", data,
                                                                 at)
        body = data[at + RECORD:at + RECORD + size]
        assert zero == 0 and len(body) == size
        assert zlib.crc32(data[at + 4:at + RECORD + size]) == crc
        yield kind, size, seen, offset, body
        at += RECORD + size


def file(name):
    return directory / name


MESSAGES = [b"a", b"\n\n", bytes(range(256)), b"z" * 100000, b"b" * 64]


def tap_sees_what_others_took():
    """tap writes what others took, and takes nothing"""
    name = new_name()
    feed(name, MESSAGES)
    assert call("tap", name, "--no-wait", "--framing=length").stdout == \
        sized(*MESSAGES)
    assert take_all(name) == sized(*MESSAGES)
    assert call("tap", name, "--no-wait", "--framing=length").stdout == \
        sized(*MESSAGES)
    got = call("tap", name, "--no-wait", "--from=newest", "--json").stdout
    assert json.loads(got)["size"] == 64
    assert call("tap", name, "--no-wait", "--from=now").stdout == b""
    assert call("tap", name, "--count=2", "--framing=length").stdout == \
        sized(*MESSAGES[:2])


def tap_waits_for_what_comes():
    """tap writes each message as it comes, and ends when the channel is closed"""
    name = new_name()
    call("create", name, "--taps")
    with started("tap", name, "--framing=length",
                 stdout=subprocess.PIPE) as process:
        for message in MESSAGES:
            feed(name, [message])
            take_all(name)
            assert process.stdout.read(4 + len(message)) == sized(message)
        feed(name, [], "--close")
        assert process.wait(LIMIT) == OK


def tap_says_how_it_ends():
    """tap says why it ends by its exit code"""
    name = new_name()
    call("tap", name, code=NO_SUCH)
    call("create", name, "--taps")
    call("tap", name, "--timeout=10ms", code=TIMEOUT)
    feed(name, [b"x"], "--close")
    call("tap", name, "--count=2", code=CLOSED)
    call("tap", name, "--from=yesterday", code=USAGE)
    call("tap", name, "--framing=whole", code=USAGE)
    other = new_name()
    path = pathlib.Path("/dev/shm") / other
    path.write_bytes(b"no channel" * 1000)
    call("tap", other, code=FAILED)
    path.write_bytes(b"")
    call("tap", other, code=FAILED)


def tap_does_not_wait_behind_the_stuck():
    """tap says who is in the way, and goes past him if it is to"""
    name = new_name()
    writer = Actor(name, flags=TAPS).does("write 9", "reserve 100")
    other = Actor(name, "join").does("write 8")
    writer.stop()
    got = call("tap", name, "--timeout=1500ms", "--json", code=TIMEOUT)
    assert len(got.stdout.splitlines()) == 1
    assert str(writer.pid).encode() in got.stderr
    got = call("tap", name, "--past=1ms", "--timeout=100ms", "--json",
               code=TIMEOUT)
    lines = [json.loads(line) for line in got.stdout.splitlines()]
    assert [line.get("size", line.get("passed")) for line in lines] == \
        [9, 128, 8], lines
    kept = file("stuck")
    call("record", name, "--past=1ms", "--count=2", f"--output={kept}",
         code=FOUND)
    assert [r[0] for r in records(kept.read_bytes())] == \
        [MESSAGE, PASSED, MESSAGE, END]
    writer.go_on()
    other.leave()


def what_is_overwritten_is_told():
    """what is overwritten before it is seen is told, kept, and told again"""
    name = new_name()
    call("create", name, "--taps", "--size=64K")
    kept = file("gap")
    with started("record", name, f"--output={kept}") as recorder:
        feed(name, [b"first"])
        wait_until(lambda: kept.exists() and
                   kept.stat().st_size > HEADER + RECORD, "the first is kept")
        recorder.send_signal(signal.SIGSTOP)
        wait_until(lambda: state_of(recorder.pid) == "T", "it stops")
        for _ in range(4):
            feed(name, [b"m" * 1000] * 50)
            take_all(name)
        recorder.send_signal(signal.SIGCONT)
        feed(name, [b"last"], "--close")
        assert recorder.wait(LIMIT) == FOUND
        assert b"overwritten" in recorder.stderr.read()
    all_of = list(records(kept.read_bytes()))
    assert LOST in [r[0] for r in all_of]
    end = 0
    for kind, size, _, offset, body in all_of:
        if kind == LOST:
            assert offset == end + struct.unpack("<Q", body)[0], (offset, end)
            end = offset
        elif kind == MESSAGE:
            assert offset >= end
            end = offset + (size + 63) // 64 * 64
    assert all_of[-2][4] == b"last"
    done = call("replay", "--fast", kept, new_name(), "--size=1M", code=FOUND)
    assert b"had lost" in done.stderr


def replay_sends_what_was_recorded():
    """what is replayed is what was recorded, byte for byte"""
    for flags in 0, ONE_PRODUCER:
        name, again = new_name(), new_name()
        messages = [os.urandom(1 + i * i % 3000) for i in range(300)]
        writer = Actor(name, size=1 << 20, flags=flags | TAPS)
        writer.leave()
        kept = file(f"round-{flags}")
        with started("record", name, stdout=kept.open("wb")) as recorder:
            feed(name, messages + MESSAGES)
            take_all(name)
            feed(name, [], "--close")
            assert recorder.wait(LIMIT) == OK, recorder.stderr.read()
        call("create", again, "--taps")
        call("replay", kept, again, "--fast", "--close")
        assert take_all(again) == sized(*messages, *MESSAGES)
        # And what is recorded of that is the same but for the times.
        twice = file(f"twice-{flags}")
        call("record", again, f"--output={twice}")
        first, second = ([(r[0], r[1], r[4]) for r in
                          records(path.read_bytes())] for path in (kept, twice))
        assert first == second


def replay_keeps_the_times():
    """messages are replayed at the times at which they came, or faster"""
    name = new_name()
    call("create", name, "--taps")
    kept = file("times")
    with started("record", name, f"--output={kept}") as recorder:
        feed(name, [b"1"])
        wait_until(lambda: kept.exists() and
                   kept.stat().st_size > HEADER + RECORD, "the first is kept")
        time.sleep(0.3)
        feed(name, [b"2"], "--close")
        assert recorder.wait(LIMIT) == OK
    times = [r[2] for r in records(kept.read_bytes())]
    assert times[1] - times[0] >= 3 * 10**8, times
    for option, least in ("--speed=1", 0.3), ("--speed=4", 0.07), ("--fast", 0):
        began = time.monotonic()
        call("replay", kept, new_name(), option)
        assert time.monotonic() - began >= least, option
    for wrong in "0", "-1", "x", "1x", "nan", "1e9":
        call("replay", kept, new_name(), f"--speed={wrong}", code=USAGE)


def a_killed_recorder_leaves_what_it_wrote():
    """what a killed recorder leaves is replayed up to the last whole record"""
    name = new_name()
    call("create", name, "--taps")
    kept = file("killed")
    with started("record", name, f"--output={kept}") as recorder:
        feed(name, MESSAGES)
        wait_until(lambda: kept.exists() and
                   kept.stat().st_size > 100000, "they are kept")
        recorder.kill()
        recorder.wait()
    again = new_name()
    done = call("replay", "--fast", kept, again, code=FOUND)
    assert b"is no whole record" in done.stderr
    assert take_all(again) == sized(*MESSAGES)


def a_recording_is_read_up_to_where_it_is_whole():
    """a recording that was cut or damaged is replayed up to there, and said so"""
    name, again = new_name(), new_name()
    messages = [b"one", b"two" * 30, b"three"]
    feed(name, messages, "--close")
    whole = call("record", name).stdout
    ends = [HEADER]
    for record in records(whole):
        ends.append(ends[-1] + RECORD + record[1])
    path = file("cut")
    for length in [*range(HEADER, len(whole), 7), *ends[:-1]]:
        path.write_bytes(whole[:length])
        count = sum(end <= length for end in ends[1:4])
        done = tool("replay", "--fast", path, again, "--json")
        assert done.returncode == FOUND, (length, done.stderr)
        told = json.loads(done.stdout)
        assert told["messages"] == count and not told["complete"], (length, told)
        assert take_all(again) == sized(*messages[:count]), length
    for at in range(HEADER, len(whole), 5):
        broken = bytearray(whole)
        broken[at] ^= 0x10
        path.write_bytes(broken)
        done = tool("replay", "--fast", path, again)
        assert done.returncode == FOUND and "whole record" in done.stderr, at
        count = min(3, sum(end <= at for end in ends[1:]))
        assert take_all(again) == sized(*messages[:count]), at


def other_files_are_refused():
    """what is no recording is refused, and told what it is instead"""
    name, again = new_name(), new_name()
    feed(name, [b"x"], "--close")
    whole = call("record", name).stdout

    def refused(data, text, code=FAILED):
        path = file("wrong")
        path.write_bytes(data)
        done = call("replay", path, again, code=code)
        assert text in done.stderr, (text, done.stderr)
        assert not (pathlib.Path("/dev/shm") / again).exists()

    refused(b"", b"is no recording")
    refused(b"a text\n" * 100, b"is no recording")
    refused(whole[:HEADER - 1], b"is no recording")
    refused(whole.replace(b"\r\n", b"\n", 1) + b"x", b"line ends")
    newer = bytearray(whole)
    newer[8] = 2
    newer[60:64] = struct.pack("<I", zlib.crc32(newer[:60]))
    refused(newer, b"another version")
    broken = bytearray(whole)
    broken[20] ^= 1
    refused(broken, b"header is damaged")
    call("replay", file("none"), again, code=NO_SUCH)
    call("replay", again, code=USAGE)


def a_recording_can_be_in_parts():
    """a recording is cut into files by size, of which the last can be kept"""
    name = new_name()
    messages = [os.urandom(500) for _ in range(60)]
    feed(name, messages, "--close")
    kept = file("parts")
    told = json.loads(call("record", name, f"--output={kept}", "--rotate=4K",
                           "--json").stdout)
    parts = sorted(directory.glob("parts.*"))
    assert [p.name for p in parts] == \
        [f"parts.{i:06}" for i in range(told["parts"])] and len(parts) > 5
    assert all(p.stat().st_size <= 4096 for p in parts)
    again = new_name()
    call("replay", "--fast", *parts, again)
    assert take_all(again) == sized(*messages)
    done = call("replay", "--fast", *parts[:2], again, code=FOUND)
    assert b"not the last part" in done.stderr
    take_all(again)
    done = call("replay", "--fast", parts[0], parts[2], again, code=FAILED)
    assert b"comes next" in done.stderr
    few = file("few")
    call("record", name, f"--output={few}", "--rotate=4K", "--keep=2")
    assert len(list(directory.glob("few.*"))) == 2
    # One that is larger than a part has one of its own.
    call("record", name, f"--output={file('tiny')}", "--rotate=100")
    assert len(list(directory.glob("tiny.*"))) == len(messages)
    for wrong in (["--rotate=4K"], ["--keep=2", f"--output={few}"],
                  [f"--output={few}", "--rotate=0"]):
        call("record", name, *wrong, code=USAGE)


def outputs_that_fail_are_told():
    """a recording that cannot be written is an error that says why"""
    name = new_name()
    feed(name, [b"x"], "--close")
    done = call("record", name, "--output=/dev/full", code=FAILED)
    assert b"No space left" in done.stderr
    done = call("record", name, f"--output={directory}/none/file", code=FAILED)
    assert b"No such file" in done.stderr


def messages_too_large_are_told():
    """a channel that is too small for a recorded message is told of"""
    name = new_name()
    feed(name, [b"small", b"x" * 100000], "--close")
    whole = call("record", name).stdout
    again = new_name()
    done = call("replay", "--fast", "-", again, "--size=4K", given=whole,
                code=FAILED)
    assert b"--size" in done.stderr
    assert take_all(again) == sized(b"small")


try:
    run(tap_sees_what_others_took, tap_waits_for_what_comes,
        tap_says_how_it_ends, tap_does_not_wait_behind_the_stuck,
        what_is_overwritten_is_told, replay_sends_what_was_recorded,
        replay_keeps_the_times, a_killed_recorder_leaves_what_it_wrote,
        a_recording_is_read_up_to_where_it_is_whole, other_files_are_refused,
        a_recording_can_be_in_parts, outputs_that_fail_are_told,
        messages_too_large_are_told)
finally:
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()
