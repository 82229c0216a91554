#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who is not known gets in nothing, and harms nobody.

    secure.py SHMIPC_BRIDGE SHMIPC FLOW STRANGER
"""
import contextlib
import os
import pathlib
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

from bridges import (BRIDGE, LIMIT, TOOL, Bridge, create, free_port, into,
                     must_end, new_name, out, read, run, start, wait_until,
                     write)

STRANGER = sys.argv[4]
DIRECTORY = tempfile.TemporaryDirectory()
HERE = pathlib.Path(DIRECTORY.name)


def bridge(*arguments):
    """Runs it to its end: code, what it said."""
    done = subprocess.run([BRIDGE, *map(str, arguments)], capture_output=True,
                          text=True, timeout=LIMIT, check=False)
    return done.returncode, done.stderr


def keygen(name):
    """Where the keys are, without the ending."""
    path = HERE / name
    if not path.with_suffix(".key").exists():
        assert bridge("keygen", path) == (0, "")
    return path


def in_options(allowed):
    there = keygen("there")
    return "--key", f"{there}.key", "--allow", allowed


def out_options(who="here", server="there"):
    return ("--key", f"{keygen(who)}.key", "--server",
            f"{keygen(server)}.pub")


def allow(*names):
    path = HERE / f"allowed-{'-'.join(names)}"
    path.write_text("# those that we know\n" + "".join(
        keygen(n).with_suffix(".pub").read_text() for n in names))
    return path


def keys_are_secret():
    """keygen makes a key that others cannot read, and replaces none"""
    os.umask(0)
    path = keygen("fresh")
    os.umask(0o022)
    mode = stat.S_IMODE(os.stat(f"{path}.key").st_mode)
    assert mode == 0o600, oct(mode)
    before = pathlib.Path(f"{path}.key").read_text()
    code, said = bridge("keygen", path)
    assert code == 3 and "exists" in said, said
    assert pathlib.Path(f"{path}.key").read_text() == before
    public = pathlib.Path(f"{path}.pub").read_text().strip()
    assert len(public) == 40 and public in before
    os.chmod(f"{path}.key", 0o640)
    code, said = bridge("out", "--key", f"{path}.key", "--server",
                        f"{path}.pub", new_name(), "tcp://127.0.0.1:1")
    assert code == 2 and "chmod 600" in said, said


def lists_are_nobody_elses():
    """a list of keys that others can write, that is no file, or is not there is
    refused, and no key in a comment counts, however long that is"""
    path = allow("here")
    def said_of(list_path):
        code, said = bridge("in", *in_options(list_path),
                            f"tcp://127.0.0.1:{free_port()}", new_name())
        assert code == 2, (code, said)
        return said
    os.chmod(path, 0o664)
    assert "chmod 644" in said_of(path)
    os.chmod(path, 0o646)
    assert "chmod 644" in said_of(path)
    os.chmod(path, 0o644)
    os.mkfifo(HERE / "pipe")
    assert "no plain file" in said_of(HERE / "pipe")
    assert "No such file" in said_of(HERE / "nothing")
    # A reader of lines that are at most 255 bytes long took the rest for one.
    key = keygen("here").with_suffix(".pub").read_text()
    path = HERE / "long"
    path.write_text("#" * 255 + key)
    far, port = new_name(), free_port()
    there = into(port, far, *in_options(path))
    out(new_name(), port, *out_options())
    there.await_line("whose key is not listed")


def lists_are_each_for_one():
    """where two bridges have one name, who may use the one may not use the
    other"""
    name, ports = new_name(), (free_port(), free_port())
    config = HERE / "two.conf"
    lines = [f"in --key={keygen('there')}.key --allow={allowed} "
             f"tcp://127.0.0.1:{port} {name}"
             for allowed, port in zip((allow("here"), allow("other")), ports)]
    config.write_text("\n".join(lines) + "\n")
    both = Bridge("run", config)
    out(new_name(), ports[1], *out_options("here"))
    both.await_line("whose key is not listed")


def keys_must_be_given():
    """without keys no address but those of the loopback is accepted"""
    for address in ("tcp://192.0.2.1:7070", "tcp://*:7070", "tcp://0.0.0.0:1",
                    "tcp://127.0.0.1.example.org:1", "tcp://eth0:7070",
                    "tcp://localhost.example:1", "tcp://[::]:7070"):
        for arguments in (("out", new_name(), address),
                          ("in", address, new_name())):
            code, said = bridge(*arguments)
            assert code == 2 and "--key must be given" in said, (address, said)
    key = f"{keygen('here')}.key"
    code, said = bridge("in", "--key", key, "tcp://*:7070", new_name())
    assert code == 2 and "--key needs --allow" in said, said
    code, said = bridge("out", "--key", key, new_name(), "tcp://192.0.2.1:1")
    assert code == 2 and "--key needs --server" in said, said


def who_is_known_gets_in():
    """with keys that are known to each other messages pass"""
    near, far, port = new_name(), new_name(), free_port()
    into(port, far, *in_options(allow("other", "here")))
    out(near, port, *out_options())
    must_end(write(near, 1000), read(far, 1000))


def who_is_not_known_stays_out():
    """a key that is not listed stays out until it is listed"""
    near, far, port = new_name(), new_name(), free_port()
    allowed = allow("other")
    there = into(port, far, *in_options(allowed))
    here = out(near, port, *out_options())
    here.await_line("does not answer")
    there.await_line("whose key is not listed")
    assert not here.says("connected")
    allowed.write_text(keygen("here").with_suffix(".pub").read_text())
    must_end(write(near, 1000), read(far, 1000))


def who_is_somebody_else_gets_nothing():
    """what is meant for one server is not sent to another one"""
    near, far, port = new_name(), new_name(), free_port()
    into(port, far, *in_options(allow("here")))
    here = out(near, port, *out_options(server="somebody-else"))
    here.await_line("does not answer")
    time.sleep(1)
    assert not here.says("connected")


def who_has_no_key_stays_out():
    """a peer without a key gets nothing into a channel that is for some"""
    near, far, port = new_name(), new_name(), free_port()
    into(port, far, *in_options(allow("here")))
    here = out(near, port)
    here.await_line("does not answer")
    time.sleep(1)
    assert not here.says("connected")
    stranger(port, 100).wait(LIMIT)


def stranger(port, count):
    return start(STRANGER, f"tcp://127.0.0.1:{port}", count)


def memory_of(process):
    """Resident, bytes."""
    pages = pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def a_hostile_peer_changes_nothing():
    """a peer that sends what is damaged harms neither the bridge nor who
    sends through it"""
    near, far, port = new_name(), new_name(), free_port()
    # For the strangers' own messages there is a channel of its own, if they
    # send any that are good.
    create(far, "--size", "4M")
    there = into(port, far)
    here = out(near, port)
    here.await_line("connected")
    writer = write(near, 30000)
    attackers = [stranger(port, 20000) for _ in range(2)]
    drain = threading.Thread(target=lambda: read_until_quiet(far, seen))
    seen = []
    drain.start()
    must_end(writer)
    for attacker in attackers:
        assert attacker.wait(LIMIT) == 0
    drain.join()
    assert seen == list(range(30000)), (len(seen), seen[:5], seen[-5:])
    there.await_line("what came is no message")
    assert memory_of(there.process) < 200 << 20
    here.end()
    there.end()


def a_part_is_missing():
    """a large message of which a part is missing, or comes twice, is asked for
    again, and is there once"""
    far, port = new_name(), free_port()
    create(far)
    into(port, far)
    assert stranger(port, "parts").wait(LIMIT) == 0
    done = subprocess.run([TOOL, "recv", "--no-wait", "--framing=bytes", far],
                          capture_output=True, check=False, timeout=LIMIT)
    assert done.stdout == bytes(3000), len(done.stdout)


def read_until_quiet(name, seen):
    """The numbers of the honest messages among those that come."""
    done = subprocess.run([TOOL, "recv", "--timeout=3", "--framing=length",
                           name], capture_output=True, check=False,
                          timeout=LIMIT)
    data, at = done.stdout, 0
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        message = data[at + 4:at + 4 + size]
        at += 4 + size
        if message != bytes(100):
            seen.append(int.from_bytes(message[8:16], sys.byteorder))


def rubbish_takes_no_memory():
    """connections that send rubbish, or say that very much is to come, or
    nothing, take no memory and keep nobody out"""
    near, far, port = new_name(), new_name(), free_port()
    there = into(port, far, *in_options(allow("here")))
    wait_until(lambda: connects(port), "it listens")
    before = memory_of(there.process)
    greeting = (b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"CURVE".ljust(20, b"\0")
                + bytes(32))
    beginnings = [b"", b"GET / HTTP/1.0\r\n\r\n", bytes(1000), b"\xff" * 1000,
                  greeting,
                  greeting + b"\x06" + (1 << 40).to_bytes(8, "big") + bytes(99),
                  greeting + b"\x02" + (1 << 62).to_bytes(8, "big"),
                  greeting + b"\x06" + (16 << 20).to_bytes(8, "big"),
                  greeting + b"\x06" + (128 << 10).to_bytes(8, "big")]
    ends = []
    for i in range(80):
        end = socket.create_connection(("127.0.0.1", port), LIMIT)
        try:
            end.sendall(beginnings[i % len(beginnings)])
        except OSError:
            pass
        ends.append(end)
    out(near, port, *out_options())
    must_end(write(near, 1000), read(far, 1000))
    grown = memory_of(there.process) - before
    assert grown < 64 << 20, grown
    # Who does not say who he is in time is not waited for.
    wait_until(lambda: all(is_closed(end) for end in ends),
               "all of them are closed", 30)
    for end in ends:
        end.close()


def speak(port):
    """A connection to a bridge without keys, past its greeting."""
    end = socket.create_connection(("127.0.0.1", port), LIMIT)
    kind = b"\x0bSocket-Type" + (6).to_bytes(4, "big") + b"DEALER"
    ready = b"\x05READY" + kind
    end.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0")
                + bytes(32) + b"\x04" + bytes([len(ready)]) + ready)
    heard = b""
    while b"READY" not in heard:
        heard += end.recv(4096)
    return end


def a_message_without_end():
    """who is let in and sends a message of parts without end is cut off before
    it has taken much memory, and the others go on"""
    near, far, port = new_name(), new_name(), free_port()
    there = into(port, far)
    here = out(near, port)
    here.await_line("connected")
    must_end(write(near, 100), read(far, 100))
    before = memory_of(there.process)
    part = b"\x03" + (100000).to_bytes(8, "big") + bytes(100000)
    most = sent = 0
    with speak(port) as end, contextlib.suppress(OSError):
        while sent < 1 << 30:
            end.sendall(part)
            sent += len(part)
            most = max(most, memory_of(there.process) - before)
            # No faster than most networks: it is looked at from time to time.
            time.sleep(0.0005)
    assert sent < 1 << 29, sent
    assert most < 256 << 20, most
    there.await_line("without end")
    must_end(write(near, 100), read(far, 100))
    here.end()
    there.end()


def silent_connections():
    """of many connections that say nothing the oldest are cut off, and others
    get in"""
    near, far, port = new_name(), new_name(), free_port()
    there = into(port, far)
    wait_until(lambda: connects(port), "it listens")
    ends = [speak(port) for _ in range(100)]
    there.await_line("too many others say nothing")
    out(near, port)
    must_end(write(near, 100), read(far, 100))
    for end in ends:
        end.close()


def many_large_ones_at_once():
    """large messages of many streams, none of which is sent to its end, take
    memory for a few of them, and another one gets through"""
    near, far, port = new_name(), new_name(), free_port()
    create(near, "--one-consumer", "--size=4M")
    create(far, "--one-producer", "--size=4M")
    there = into(port, far, "--largest=2M")
    here = out(near, port)
    here.await_line("connected")
    before = memory_of(there.process)
    assert stranger(port, "large").wait(LIMIT) == 0
    grown = memory_of(there.process) - before
    assert grown < 32 << 20, grown
    must_end(write(near, 20, largest=1500000), read(far, 20, largest=1500000))


def what_does_not_fit():
    """who sends what was said not to fit is refused, and keeps nobody
    waiting"""
    near, far, port = new_name(), new_name(), free_port()
    create(near, "--one-consumer")
    create(far, "--one-producer", "--size=16K")
    there = into(port, far)
    assert stranger(port, "misfit").wait(LIMIT) == 0
    there.await_line("larger than what fits")
    out(near, port)
    must_end(write(near, 100), read(far, 100))


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def is_closed(end):
    try:
        end.setblocking(False)
        while True:
            if not end.recv(4096):
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True


if __name__ == "__main__":
    run(keys_are_secret, lists_are_nobody_elses, lists_are_each_for_one,
        keys_must_be_given, who_is_known_gets_in,
        who_is_not_known_stays_out, who_is_somebody_else_gets_nothing,
        who_has_no_key_stays_out, a_part_is_missing, a_hostile_peer_changes_nothing,
        rubbish_takes_no_memory, a_message_without_end, silent_connections,
        many_large_ones_at_once, what_does_not_fit)
