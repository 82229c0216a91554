#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bridges through Redis: both sides need not be up at once.

    redis.py SHMIPC_BRIDGE SHMIPC FLOW
"""
import contextlib
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from bridges import (LIMIT, SHM, Bridge, Skip, create, free_port, must_end,
                     new_name, read, run, start, wait_until, write)

MESSAGES = 20000


class Redis:
    """A server of our own."""

    def __init__(self):
        if not shutil.which("redis-server"):
            raise Skip("there is no redis-server")
        self.directory = tempfile.TemporaryDirectory()
        self.port = free_port()
        self.start()

    def start(self):
        self.process = start(
            "redis-server", "--port", self.port, "--bind", "127.0.0.1",
            "--dir", self.directory.name, "--appendonly", "yes",
            "--save", "",
            stdout=subprocess.DEVNULL)
        wait_until(self.answers, "Redis answers")

    def answers(self):
        with contextlib.suppress(OSError):
            return self.ask("PING").startswith("+PONG")
        return False

    def ask(self, *words):
        """The beginning of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), LIMIT) as s:
            s.sendall(b"*%d\r\n" % len(words) + b"".join(
                b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words))
            return s.recv(4096).decode()

    def restart(self):
        self.process.kill()
        self.process.wait()
        self.start()

    def address(self, key):
        return f"redis://127.0.0.1:{self.port}/{key}"


def ends(redis):
    """Names, and how to start each side."""
    near, far = new_name(), new_name()
    address = redis.address(near)
    create(near, "--one-consumer")
    return (near, far, lambda: Bridge("out", near, address),
            lambda: Bridge("in", address, far))


def one_after_the_other():
    """what was sent while the other side was away comes out, of all sizes, and
    nothing stays behind"""
    redis = Redis()
    near, far, out, into = ends(redis)
    here = out()
    must_end(write(near, 300, largest=150000))
    here.end()
    assert redis.ask("XLEN", near).strip() != ":0"
    into()
    must_end(read(far, 300, largest=150000))
    wait_until(lambda: redis.ask("XLEN", near).strip() == ":0",
               "what came out is removed")


def kills_of_all_three():
    """nothing is lost, doubled or out of order when either side or Redis is
    killed"""
    redis = Redis()
    near, far, out, into = ends(redis)
    here, there = out(), into()
    writer, reader = write(near, 10 * MESSAGES), read(far, 10 * MESSAGES)
    for which in range(9):
        time.sleep(random.uniform(0.05, 0.3))
        if which % 3 == 2:
            redis.restart()
        else:
            (here, there)[which % 3].kill().start()
    must_end(writer, reader)


def large_ones_and_kills():
    """large messages come out whole when either side is killed in the middle
    of them"""
    redis = Redis()
    near, far = new_name(), new_name()
    create(near, "--one-consumer", "--size=4M")
    create(far, "--one-producer", "--size=4M")
    address = redis.address(near)
    here, there = Bridge("out", near, address), Bridge("in", address, far)
    writer = write(near, 100, largest=1000000)
    reader = read(far, 100, largest=1000000)
    for bridge in here, there, here, there:
        time.sleep(0.2)
        bridge.kill().start()
    must_end(writer, reader)


def several_into_one():
    """several near channels go through one key, each in its order"""
    redis = Redis()
    nears, far = [new_name() for _ in range(3)], new_name()
    address = redis.address("all")
    Bridge("in", address, far)
    for near in nears:
        create(near, "--one-consumer")
        Bridge("out", near, address)
    must_end(*[write(near, MESSAGES, source)
               for source, near in enumerate(nears)],
             read(far, MESSAGES, sources=len(nears)))


def what_redis_lost_is_told():
    """what was removed from Redis by others is told as a gap, and the rest
    comes out"""
    redis = Redis()
    near, far, out, into = ends(redis)
    out()
    there = into()
    must_end(write(near, 100), read(far, 100))
    there.kill()
    must_end(write(near, 100))
    wait_until(lambda: redis.ask("XLEN", near).strip() != ":0", "stored")
    time.sleep(0.5)
    redis.ask("DEL", near)
    must_end(write(near, 100))
    there.start()
    must_end(read(far, 100))
    there.await_line("a gap before entry")


def a_key_of_something_else():
    """while the key is of something else nothing is stored, and nothing lost"""
    redis = Redis()
    near, far, out, into = ends(redis)
    redis.ask("SET", near, "something else")
    here, there = out(), into()
    writer = write(near, 100)
    here.await_line("WRONGTYPE")
    there.await_line("WRONGTYPE")
    must_end(writer)
    redis.ask("DEL", near)
    must_end(read(far, 100))
    assert not there.says("a gap"), there.log


def a_redis_that_begins_empty():
    """what Redis lost when it began anew, empty, is told, and the rest comes
    out"""
    redis = Redis()
    near, far, out, into = ends(redis)
    here = out()
    must_end(write(near, 100))
    wait_until(lambda: redis.ask("XLEN", near).strip() != ":0", "stored")
    time.sleep(0.5)
    redis.process.kill()
    redis.process.wait()
    for path in pathlib.Path(redis.directory.name).iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    redis.start()
    writer = write(near, 100)
    here.await_line("Redis has lost")
    there = into()
    must_end(writer, read(far, 100))
    there.await_line("a gap before entry")


def no_redis_at_all():
    """answers that are none of Redis harm neither side"""
    answers = [b"*1\r\n*2\r\n$1\r\nk\r\n*1\r\n*2\r\n:1\r\n:2\r\n",
               b"*1\r\n*2\r\n$1\r\nk\r\n*1\r\n$-1\r\n",
               b"*1\r\n*2\r\n$1\r\nk\r\n*1\r\n*2\r\n$3\r\n1-1\r\n"
               b"*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n",
               b"*1\r\n*-1\r\n", b"*3\r\n:1\r\n:2\r\n:3\r\n",
               b"-LOADING wait\r\n", b"*0\r\n", b"$5\r\nhello\r\n",
               b"HTTP/1.1 400 no\r\n\r\n", b":7\r\n"]
    served = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                end, _ = listener.accept()
                with end, contextlib.suppress(OSError):
                    answer = answers[len(served) % len(answers)]
                    served.append(answer)
                    end.settimeout(1)
                    for _ in range(3):
                        if end.recv(4096):
                            end.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    address = f"redis://127.0.0.1:{listener.getsockname()[1]}/a:key/of:ours"
    near, far = new_name(), new_name()
    create(near, "--one-consumer")
    here, there = Bridge("out", near, address), Bridge("in", address, far)
    writer = write(near, 10)
    wait_until(lambda: len(served) > 2 * len(answers), "all were tried")
    must_end(writer)
    assert here.process.poll() is None and there.process.poll() is None
    listener.close()


def a_far_channel_made_anew_goes_on():
    """a far channel that is made anew gets what was not committed"""
    redis = Redis()
    near, far, out, into = ends(redis)
    out()
    there = into()
    must_end(write(near, 100), read(far, 100))
    (SHM / far).unlink()
    create(far)
    there.await_line("made anew")
    must_end(write(near, 100), read(far, 100))


if __name__ == "__main__":
    run(one_after_the_other, kills_of_all_three, large_ones_and_kills,
        several_into_one, what_redis_lost_is_told,
        a_far_channel_made_anew_goes_on, a_key_of_something_else,
        a_redis_that_begins_empty, no_redis_at_all)
