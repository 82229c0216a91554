#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bridges in daily use: full channels, channels that are made anew, an end that
loses nothing, many of them in one process, figures.

    operations.py SHMIPC_BRIDGE SHMIPC FLOW
"""
import json
import pathlib
import signal
import subprocess
import tempfile
import time
import urllib.request

from bridges import (BRIDGE, LIMIT, SHM, TOOL, Bridge, create, free_port, gaps,
                     into, must_end, new_name, out, read, run, start,
                     try_to_write, wait_until, write)

DIRECTORY = tempfile.TemporaryDirectory()
MESSAGES = 20000


def stat_of(name):
    done = subprocess.run([TOOL, "stat", "--json", name], capture_output=True,
                          timeout=LIMIT, check=False)
    return json.loads(done.stdout)


def figures(port):
    """What Prometheus gets: {name: {direction and channel: value}}."""
    url = f"http://127.0.0.1:{port}/metrics"
    with urllib.request.urlopen(url, timeout=LIMIT) as answer:
        text = answer.read().decode()
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        labels, value = line.rsplit(" ", 1)
        name, labels = labels.split("{", 1)
        direction, channel = labels.split('"')[1::2][:2]
        found.setdefault(name.removeprefix("shmipc_bridge_"), {})[
            direction + " " + channel] = float(value)
    return found


def full_channels_fill_up_to_the_writer():
    """when nobody reads at the far end, writers at the near end find no space,
    and nothing is lost"""
    near, far, port = new_name(), new_name(), free_port()
    into(port, far, "--size=64K", "--prometheus", metrics := free_port())
    here = out(near, port, "--size=64K")
    here.await_line("connected")
    written = try_to_write(near)
    # Both channels of a thousand blocks, and not much more.
    assert 1500 < written < 4000, written
    time.sleep(1)
    assert not here.says("silent") and not here.says("begin anew"), here.log
    assert figures(metrics)["full_total"]["in " + far] == 1
    must_end(read(far, written))


def lossy_ones_hold_nobody_up():
    """a lossy bridge tells what was lost, keeps the order, and no writer waits
    for it"""
    near, far, port = new_name(), new_name(), free_port()
    create(near, "--taps", "--size=64K")
    into(port, far, "--size=1M", "--prometheus", metrics := free_port())
    here = out(near, port, "--lossy")
    here.await_line("connected")
    # Nobody reads the near channel but this.
    with subprocess.Popen([TOOL, "recv", near], stdout=subprocess.DEVNULL) as r:
        must_end(write(near, 1000))
        assert gaps(far, 1) == (1000, 0, 999)
        here.process.send_signal(signal.SIGSTOP)
        must_end(write(near, 5000, first=1000))
        here.process.send_signal(signal.SIGCONT)
        must_end(write(near, 10, first=6000))
        time.sleep(0.5)
        must_end(write(near, 10, first=6010))
        count, missing, last = gaps(far, 1)
        r.terminate()
    # It may lag once more while it reads what is left.
    assert last == 6019 and missing >= 1 and count < 6020, (count, missing,
                                                            last)
    f = figures(metrics)
    assert f["gaps_total"]["in " + far] >= 1
    # At least the blocks of the messages that did not come.
    lost = f["lost_bytes_total"]["in " + far]
    assert lost >= (5020 - count) * 64, (lost, count)


def a_far_channel_that_is_made_anew():
    """a far channel that is made anew gets what was not acknowledged"""
    near, far, port = new_name(), new_name(), free_port()
    there = into(port, far)
    here = out(near, port)
    must_end(write(near, 100), read(far, 100))
    (SHM / far).unlink()
    create(far, "--one-producer")
    there.await_line("made anew")
    must_end(write(near, 100), read(far, 100))
    assert len([line for line in here.log if "connected" in line]) == 2


def a_near_channel_that_is_made_anew():
    """what is left in a near channel is sent before that of the next one of
    its name"""
    near, far, port = new_name(), new_name(), free_port()
    here = out(near, port)
    must_end(write(near, 500))
    wait_until(lambda: here.says("does not answer"), "it tries")
    (SHM / near).unlink()
    create(near, "--one-consumer")
    must_end(write(near, 500, source=1))
    into(port, far)
    must_end(read(far, 500, sources=2))
    here.await_line("the channel was made anew")


def an_end_that_loses_nothing():
    """SIGTERM in the middle, to either bridge, also of subscribers, loses and
    doubles nothing"""
    for options in ["--one-consumer"], ["--broadcast"]:
        near, far, port = new_name(), new_name(), free_port()
        create(near, *options)
        there, here = into(port, far), out(near, port)
        here.await_line("connected")
        writer = write(near, 10 * MESSAGES)
        reader = read(far, 10 * MESSAGES)
        time.sleep(0.05)
        # A subscriber that ends is missed by nobody, so writers must not go on.
        if options == ["--one-consumer"]:
            here.end()
            here.start()
            time.sleep(0.05)
            there.end(signal.SIGINT)
            there.start()
        else:
            must_end(writer)
            here.end()
        must_end(writer, reader)


def a_subscriber_that_was_away_says_what_is_missing():
    """a bridge that was no subscriber for longer than the channel lasts says
    that something is missing"""
    near, far, port = new_name(), new_name(), free_port()
    create(near, "--broadcast", "--size=64K")
    into(port, far)
    here = out(near, port, "--prometheus", metrics := free_port())
    here.await_line("connected")
    must_end(write(near, 100))
    wait_until(lambda: figures(metrics)["lag_bytes"]["out " + near] == 0,
               "all is acknowledged")
    here.kill()
    must_end(write(near, 5000, first=100))
    here.start()
    here.await_line("bytes were overwritten")
    wait_until(lambda: figures(metrics)["gaps_total"]["out " + near] == 1,
               "it is counted")
    count, missing, last = gaps(far, 1)
    assert last == 5099 and missing == 1 and count < 5100


def a_subscriber_that_came_back_in_time_misses_nothing():
    """a bridge that was killed and comes back while all is still there misses
    nothing, and doubles nothing"""
    near, far, port = new_name(), new_name(), free_port()
    create(near, "--broadcast")
    into(port, far)
    here = out(near, port)
    here.await_line("connected")
    must_end(write(near, 1000))
    here.kill()
    must_end(write(near, 1000, first=1000))
    here.start()
    must_end(read(far, 2000))
    assert not here.says("overwritten"), here.log


def too_large_ones_wait():
    """a message that does not fit into the far channel is held back, and goes
    on when there is a larger one"""
    near, far, port = new_name(), new_name(), free_port()
    there = into(port, far, "--size=8K")
    here = out(near, port)
    must_end(write(near, 1))
    with subprocess.Popen([TOOL, "send", "--framing=whole", near],
                          stdin=subprocess.PIPE) as sender:
        sender.communicate(bytes(100000), LIMIT)
    must_end(write(near, 1, first=1))
    here.await_line("does not fit into the far channel")
    (SHM / far).unlink()
    create(far, "--one-producer", "--size=1M")
    there.await_line("made anew")
    done = subprocess.run([TOOL, "recv", "-n", "1", "--framing=whole", far],
                          capture_output=True, check=True, timeout=LIMIT)
    assert done.stdout == bytes(100000), len(done.stdout)


def stat_shows_it():
    """stat shows a bridge as what it is: the consumer or a subscriber here,
    the producer there"""
    port = free_port()
    queue, news, far, other = (new_name() for _ in range(4))
    create(news, "--broadcast")
    into(port, far)
    out(queue, port)
    into(second := free_port(), other)
    out(news, second).await_line("connected")
    must_end(write(queue, 1), read(far, 1))
    consumer, = stat_of(queue)["owners"][:1]
    assert consumer["command"] == "shmipc-bridge", consumer
    producer, = [o for o in stat_of(far)["owners"]
                 if o["command"] == "shmipc-bridge"]
    assert producer, stat_of(far)
    assert {s["command"] for s in stat_of(news)["subscribers"]} == \
        {"shmipc-bridge"}


def configuration(*lines):
    path = pathlib.Path(DIRECTORY.name) / "bridges.conf"
    path.write_text("# bridges\n\n" + "\n".join(lines) + "\n")
    return path


def many_in_one_process():
    """one process carries many channels as a file says, and learns of changes
    by SIGHUP"""
    nears, fars, ports = zip(*[(new_name(), new_name(), free_port())
                               for _ in range(4)])
    ins = [f"in --size=64K tcp://127.0.0.1:{p} {f}  # {f}"
           for p, f in zip(ports, fars)]
    outs = [f"out {n} tcp://127.0.0.1:{p}" for p, n in zip(ports, nears)]
    path = configuration(*ins[:3], *outs[:3])
    both = Bridge("run", path, "--prometheus", metrics := free_port())
    readers = [read(f, 1000) for f in fars[:3]]
    must_end(*[write(n, 1000) for n in nears[:3]], *readers)
    configuration(*ins[1:], *outs[1:])
    both.process.send_signal(signal.SIGHUP)
    must_end(*[write(n, 1000) for n in nears[1:]],
             *[read(f, 1000) for f in fars[1:]])
    found = figures(metrics)
    assert set(found["messages_total"]) == {
        *[f"in {f}" for f in fars[1:]], *[f"out {n}" for n in nears[1:]]}
    # Those that stayed are the same as before.
    assert found["messages_total"]["in " + fars[1]] == 2000
    assert found["sessions_total"]["in " + fars[1]] == 1
    configuration(*ins[1:], *outs[1:], "out nonsense")
    both.process.send_signal(signal.SIGHUP)
    both.await_line("the new configuration is wrong")
    must_end(write(nears[3], 1000), read(fars[3], 1000))
    both.end()


def a_line_that_changes():
    """a line that is changed at the same address takes the place of the one
    before"""
    near, far, port = new_name(), new_name(), free_port()
    line = f"tcp://127.0.0.1:{port} {far}"
    both = Bridge("run", configuration(f"in {line}"))
    out(near, port)
    must_end(write(near, 100), read(far, 100))
    configuration(f"in --largest=1M {line}")
    both.process.send_signal(signal.SIGHUP)
    both.await_line("not in the configuration any more")
    must_end(write(near, 100), read(far, 100))


def a_configuration_is_checked():
    """what is wrong with a configuration is said before anything begins"""
    for line, said in (("up a b", "neither by"), ("out a", "see `shmipc bridge"),
                       ("in tcp://*:1 a", "--key must be given"),
                       ("out --key=/nowhere a tcp://b:1", "/nowhere")):
        done = subprocess.run([BRIDGE, "run", "--check", configuration(line)],
                              capture_output=True, text=True, timeout=LIMIT,
                              check=False)
        assert done.returncode == 2 and said in done.stderr, (line, done)
    path = configuration("in tcp://127.0.0.1:1 b", "out a tcp://127.0.0.1:1")
    subprocess.run([BRIDGE, "run", "--check", path], check=True, timeout=LIMIT)
    subprocess.run([TOOL, "bridge", "run", "--check", path], check=True,
                   timeout=LIMIT)


def figures_are_told():
    """figures say how much went through, and how far behind it is"""
    near, far, port = new_name(), new_name(), free_port()
    out(near, port, "--prometheus", a := free_port())
    must_end(write(near, 100, largest=16))
    wait_until(lambda: figures(a)["lag_bytes"]["out " + near] == 6400, "lag")
    assert figures(a)["up"]["out " + near] == 0
    into(port, far, "--prometheus", b := free_port())
    must_end(read(far, 100, largest=16))
    wait_until(lambda: figures(a)["lag_bytes"]["out " + near] == 0, "no lag")
    for found, who in (figures(a), "out " + near), (figures(b), "in " + far):
        assert found["messages_total"][who] == 100
        assert found["bytes_total"][who] == 1600
        assert found["up"][who] == 1 and found["gaps_total"][who] == 0


def the_example_without_configuration():
    """the first example of the documentation runs as it stands"""
    near, far, port = new_name(), new_name(), free_port()
    start(TOOL, "bridge", "in", f"tcp://127.0.0.1:{port}", far)
    start(TOOL, "bridge", "out", near, f"tcp://127.0.0.1:{port}")
    with subprocess.Popen([TOOL, "recv", "-n", "1", far],
                          stdout=subprocess.PIPE) as reader:
        wait_until((SHM / near).exists, "the near channel is there")
        subprocess.run([TOOL, "send", near], input=b"hello\n", check=True,
                       timeout=LIMIT)
        assert reader.communicate(timeout=LIMIT)[0] == b"hello\n"


if __name__ == "__main__":
    run(the_example_without_configuration, full_channels_fill_up_to_the_writer,
        lossy_ones_hold_nobody_up, a_far_channel_that_is_made_anew,
        a_near_channel_that_is_made_anew, an_end_that_loses_nothing,
        a_subscriber_that_was_away_says_what_is_missing,
        a_subscriber_that_came_back_in_time_misses_nothing,
        too_large_ones_wait, stat_shows_it, many_in_one_process,
        a_line_that_changes, a_configuration_is_checked, figures_are_told)
